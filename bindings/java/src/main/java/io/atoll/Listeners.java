package io.atoll;

import io.atoll.internal.RealmCore;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Which registrations belong to which listener of which object of one realm. */
final class Listeners {
    private static final class Entry {
        final Object target;
        final Object listener;
        final long registration;

        Entry(Object target, Object listener, long registration) {
            this.target = target;
            this.listener = listener;
            this.registration = registration;
        }
    }

    private final RealmCore core;
    private final List<Entry> entries = new ArrayList<>();

    Listeners(RealmCore core) {
        this.core = core;
    }

    void add(Object target, Object listener, long registration) {
        if (listener == null) {
            throw new IllegalArgumentException("Listener should not be null");
        }
        entries.add(new Entry(target, listener, registration));
    }

    /** Without a listener, all of the target. Targets are told apart by identity, but for equal model objects. */
    void remove(Object target, Object listener) {
        for (Iterator<Entry> i = entries.iterator(); i.hasNext();) {
            Entry entry = i.next();
            boolean same = entry.target == target || target instanceof RealmModel && target.equals(entry.target);
            if (same && (listener == null || entry.listener == listener)) {
                i.remove();
                core.unobserve(entry.registration);
            }
        }
    }
}
