package io.atoll.internal;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;

/**
 * A native handle that is freed when its owner is collected, or when it is closed. Handles of one realm are freed by
 * the realm's own thread between its calls ({@link #drain}), so that none goes while a call uses it; the others by a
 * background thread, and their owners hold their monitor during calls.
 */
public final class Handle extends PhantomReference<Object> {
    /** The function that frees one kind of handle. */
    public interface Free {
        void free(long pointer);
    }

    private static final ReferenceQueue<Object> SHARED = new ReferenceQueue<>();
    private static final Set<Handle> SHARED_LIVE = Collections.synchronizedSet(new HashSet<Handle>());
    private static boolean started;

    private final Free free;
    private final Set<Handle> live;
    private long pointer;

    private Handle(Object owner, ReferenceQueue<Object> queue, Set<Handle> live, long pointer, Free free) {
        super(owner, queue);
        this.free = free;
        this.live = live;
        this.pointer = pointer;
        live.add(this);
    }

    /** For what any thread may use. */
    public static Handle shared(Object owner, long pointer, Free free) {
        startCleaner();
        return new Handle(owner, SHARED, SHARED_LIVE, pointer, free);
    }

    /** For what belongs to one realm: `queue` is drained by the realm's thread. */
    static Handle confined(Object owner, ReferenceQueue<Object> queue, Set<Handle> live, long pointer, Free free) {
        return new Handle(owner, queue, live, pointer, free);
    }

    static void drain(ReferenceQueue<Object> queue) {
        for (Reference<?> dead = queue.poll(); dead != null; dead = queue.poll()) {
            ((Handle) dead).close();
        }
    }

    public long pointer() {
        if (pointer == 0) {
            throw new IllegalStateException("This Realm instance has already been closed, making it unusable.");
        }
        return pointer;
    }

    public boolean isOpen() {
        return pointer != 0;
    }

    static void closeAll(Set<Handle> live) {
        for (Handle handle : live.toArray(new Handle[0])) {
            handle.close();
        }
    }

    public synchronized void close() {
        if (pointer != 0) {
            free.free(pointer);
            pointer = 0;
            live.remove(this);
            clear();
        }
    }

    private static synchronized void startCleaner() {
        if (started) {
            return;
        }
        started = true;
        Thread cleaner = new Thread(new Runnable() {
            @Override
            public void run() {
                while (true) {
                    try {
                        ((Handle) SHARED.remove()).close();
                    } catch (InterruptedException e) {
                        return;
                    }
                }
            }
        }, "atoll-cleaner");
        cleaner.setDaemon(true);
        cleaner.start();
    }
}
