package io.atoll.internal;

import java.util.HashMap;
import java.util.Map;

/** One queue and one background thread for what the network answers: requests, connections, progress, session errors. */
public final class Dispatcher {
    /** Begins something and gives its registration. */
    public interface Begin {
        long begin(long queue);
    }

    private static final class Entry {
        final EventHandler handler;
        final boolean once;

        Entry(EventHandler handler, boolean once) {
            this.handler = handler;
            this.once = once;
        }
    }

    private static Dispatcher instance;
    private final long queue = Native.atoll_queue_new();
    private final Map<Long, Entry> entries = new HashMap<>();

    private Dispatcher() {
        Thread thread = new Thread(new Runnable() {
            @Override
            public void run() {
                while (true) {
                    deliver(Native.atoll_queue_next(queue, -1));
                }
            }
        }, "atoll-events");
        thread.setDaemon(true);
        thread.start();
    }

    public static synchronized Dispatcher get() {
        if (instance == null) {
            Library.load();
            instance = new Dispatcher();
        }
        return instance;
    }

    /** The lock is held while it begins, so that an answer which comes at once waits until its handler is known. */
    public synchronized long add(Begin begin, EventHandler handler, boolean once) {
        long registration = begin.begin(queue);
        entries.put(registration, new Entry(handler, once));
        return registration;
    }

    public synchronized void remove(long registration) {
        entries.remove(registration);
    }

    private synchronized Entry take(long registration) {
        Entry entry = entries.get(registration);
        if (entry != null && entry.once) {
            entries.remove(registration);
        }
        return entry;
    }

    private void deliver(long event) {
        if (event == 0) {
            return;
        }
        try {
            Entry entry = take(Native.atoll_event_registration(event));
            if (entry != null) {
                entry.handler.onEvent(event);
            }
        } catch (Throwable thrown) {
            // Nobody can catch what a listener throws on this thread; the next event must still be told.
            Thread.UncaughtExceptionHandler uncaught = Thread.getDefaultUncaughtExceptionHandler();
            if (uncaught != null) {
                uncaught.uncaughtException(Thread.currentThread(), thrown);
            } else {
                thrown.printStackTrace();
            }
        } finally {
            Native.atoll_event_free(event);
        }
    }
}
