package io.atoll.internal;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One opened realm: its native handle, the keys of its classes, its observers. Belongs to the thread that opened it. */
public final class RealmCore {
    static final Handle.Free FREE_OBJECT = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_object_free(pointer);
        }
    };
    static final Handle.Free FREE_LIST = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_list_free(pointer);
        }
    };
    static final Handle.Free FREE_SET = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_set_free(pointer);
        }
    };
    static final Handle.Free FREE_DICTIONARY = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_dictionary_free(pointer);
        }
    };
    public static final Handle.Free FREE_RESULTS = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_results_free(pointer);
        }
    };

    /** The Realm that stands for it; only handed out. */
    public final Object realm;
    /** Any thread may read it; its handles then go with it and not before, for another thread may be using them. */
    public final boolean frozen;
    /** Held, not used. */
    public final RealmCore source;
    private final List<ObjectType<?>> types;
    private final ReferenceQueue<Object> garbage = new ReferenceQueue<>();
    private final Set<Handle> live = Collections.synchronizedSet(new HashSet<Handle>());
    private final Map<ObjectType<?>, int[]> keys = new IdentityHashMap<>();
    private final Map<ObjectType<?>, Integer> classKeys = new IdentityHashMap<>();
    private final Map<Long, EventHandler> observers = new HashMap<>();
    private final long queue;
    private final Handle handle;
    private boolean delivering;
    private Loop loop; // null: listeners are told by refresh()
    private long pending;

    public RealmCore(Object realm, long config, List<ObjectType<?>> types) {
        this(realm, types, Native.atoll_realm_open(config));
    }

    /** A native realm that is open already; it is closed with this. */
    public RealmCore(Object realm, List<ObjectType<?>> types, long opened) {
        this.realm = realm;
        this.types = types;
        this.frozen = false;
        this.source = null;
        long events = Native.atoll_queue_new();
        queue = events;
        handle = Handle.shared(this, opened, free(live, events));
    }

    /** The frozen form of a live one, which stays reachable with it: it is read while that is open. */
    public RealmCore(Object realm, RealmCore live) {
        this.realm = realm;
        this.types = live.types;
        this.frozen = true;
        this.source = live;
        long made = Native.atoll_realm_freeze(live.pointer());
        queue = 0;
        handle = Handle.shared(this, made, free(this.live, 0));
    }

    // Static, so that it keeps the set and not the core: a realm that nobody holds any more goes with all that is its.
    private static Handle.Free free(final Set<Handle> live, final long queue) {
        return new Handle.Free() {
            @Override
            public void free(long pointer) {
                Handle.closeAll(live);
                Native.atoll_realm_close(pointer);
                Native.atoll_realm_free(pointer);
                Native.atoll_queue_free(queue);
            }
        };
    }

    Handle own(Object owner, long pointer, Handle.Free free) {
        if (!frozen) {
            Handle.drain(garbage);
        }
        return Handle.confined(owner, garbage, live, pointer, free);
    }

    public Handle ownResults(Object owner, long pointer) {
        return own(owner, pointer, FREE_RESULTS);
    }

    public long pointer() {
        return handle.pointer();
    }

    public boolean isClosed() {
        return !handle.isOpen();
    }

    public void close() {
        observers.clear();
        if (pending != 0) {
            Dispatcher.get().remove(pending);
        }
        handle.close();
    }

    public synchronized int classKey(ObjectType<?> type) {
        Integer key = classKeys.get(type);
        if (key == null) {
            key = Native.atoll_realm_class(pointer(), type.name);
            classKeys.put(type, key);
        }
        return key;
    }

    /** The type of a native object. */
    ObjectType<?> typeOf(long object) {
        int key = Native.atoll_object_class(object);
        for (ObjectType<?> type : types) {
            if (type.kind != Constants.CLASS_ASYMMETRIC && classKey(type) == key) {
                return type;
            }
        }
        throw new IllegalStateException("an object of a class that the configuration of this realm leaves out");
    }

    public List<ObjectType<?>> types() {
        return types;
    }

    /** The type of a class by its stored name; null if this realm has none. */
    public ObjectType<?> typeNamed(String name) {
        for (ObjectType<?> type : types) {
            if (type.name.equals(name)) {
                return type;
            }
        }
        return null;
    }

    /** The type of what a property links to or embeds. */
    public ObjectType<?> target(Property property) {
        return property.target == null ? Models.of(property.javaType) : typeNamed(property.target);
    }

    synchronized int[] keys(ObjectType<?> type) {
        int[] found = keys.get(type);
        if (found == null) {
            int classKey = classKey(type);
            found = new int[type.properties.length];
            for (int i = 0; i < found.length; i++) {
                found[i] = Native.atoll_realm_property(pointer(), classKey, type.properties[i].name);
            }
            keys.put(type, found);
        }
        return found;
    }

    public int propertyKey(ObjectType<?> type, String field) {
        int i = type.find(field);
        if (i < 0) {
            throw new IllegalArgumentException(type.name + " has no property \"" + field + "\"");
        }
        return keys(type)[i];
    }

    /** Fields by their Java names become stored names; what is no field is left to the core. */
    public String path(ObjectType<?> type, String fields) {
        StringBuilder stored = new StringBuilder();
        ObjectType<?> current = type;
        for (String part : fields.split("\\.")) {
            if (stored.length() > 0) {
                stored.append('.');
            }
            int i = current == null ? -1 : current.find(part);
            stored.append(i < 0 ? part : current.properties[i].name);
            current = i < 0 || !current.properties[i].isObject() ? null : target(current.properties[i]);
        }
        return stored.toString();
    }

    /** Key paths for an observer, which the caller frees; 0 for the default, null. */
    public long keyPaths(ObjectType<?> type, String[] paths) {
        if (paths == null) {
            return 0;
        }
        Object[] stored = new Object[paths.length];
        for (int i = 0; i < paths.length; i++) {
            stored[i] = path(type, paths[i]);
        }
        return Values.of(stored);
    }

    public ManagedObject wrap(ObjectType<?> type, long pointer) {
        return new ManagedObject(this, type, pointer);
    }

    public ManagedObject create(ObjectType<?> type, Object key) {
        long values = type.key < 0 ? 0 : Values.of(key);
        try {
            return wrap(type, Native.atoll_realm_create(pointer(), classKey(type), values));
        } finally {
            Native.atoll_values_free(values);
        }
    }

    /** A new embedded object in a property: it replaces what was there, or is appended to a list. */
    public ManagedObject embed(ManagedObject owner, int i) {
        Property property = owner.type.properties[i];
        if (!property.isList()) {
            return wrap(target(property), Native.atoll_object_create_embedded(owner.pointer(), owner.propertyKey(i)));
        }
        ManagedList list = owner.list(i);
        return wrap(target(property), Native.atoll_list_insert_embedded(list.pointer(), list.size()));
    }

    public ManagedObject find(ObjectType<?> type, Object key) {
        long values = Values.of(key);
        try {
            long found = Native.atoll_realm_find(pointer(), classKey(type), values);
            return found == 0 ? null : wrap(type, found);
        } finally {
            Native.atoll_values_free(values);
        }
    }

    // ---------- observers ----------

    public long queue() {
        if (frozen) {
            throw new IllegalStateException("what is frozen never changes: listen to the live one");
        }
        return queue;
    }

    public void observe(long registration, EventHandler handler) {
        observers.put(registration, handler);
        if (loop != null) { // What there is, is told without waiting for a change.
            loop.post(advance(new WeakReference<>(this), false));
        }
    }

    /** The loop of the realm's thread; null if it has none. */
    public Loop loop() {
        return loop;
    }

    /** From now on listeners are told by the run loop of this thread, if it has one. */
    public void watch() {
        final Loop mine = Loop.ofThread();
        if (mine == null) {
            return;
        }
        loop = mine;
        final WeakReference<RealmCore> core = new WeakReference<>(this);
        pending = Dispatcher.get().add(new Dispatcher.Begin() {
            @Override
            public long begin(long events) {
                return Native.atoll_realm_observe(pointer(), events);
            }
        }, new EventHandler() {
            @Override
            public void onEvent(long event) {
                if (Native.atoll_event_type(event) == Constants.EVENT_REALM_PENDING) {
                    mine.post(advance(core, true));
                }
            }
        }, false);
    }

    private static Runnable advance(final WeakReference<RealmCore> core, final boolean refresh) {
        return new Runnable() {
            @Override
            public void run() {
                RealmCore there = core.get();
                if (there == null || there.isClosed()) {
                    return;
                }
                if (refresh && !Native.atoll_realm_is_in_transaction(there.pointer())) {
                    Native.atoll_realm_refresh(there.pointer());
                }
                there.deliver();
            }
        };
    }

    public void unobserve(long registration) {
        observers.remove(registration);
        if (!isClosed()) {
            Native.atoll_realm_unobserve(pointer(), registration);
        }
    }

    /** Tells the observers what is queued. An observer that refreshes or writes adds to the same run. */
    public void deliver() {
        if (delivering) {
            return;
        }
        delivering = true;
        try {
            while (!isClosed()) {
                long event = Native.atoll_queue_next(queue, 0);
                if (event == 0) {
                    return;
                }
                try {
                    EventHandler handler = observers.get(Native.atoll_event_registration(event));
                    if (handler != null) {
                        handler.onEvent(event);
                    }
                } finally {
                    Native.atoll_event_free(event);
                }
            }
        } finally {
            delivering = false;
        }
    }
}
