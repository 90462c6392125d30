package io.atoll;

import io.atoll.internal.ChangeSets;
import io.atoll.internal.EventHandler;
import io.atoll.internal.ManagedDictionary;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.Native;
import java.util.AbstractSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;

/**
 * A dictionary property: live when its object is managed, an ordinary map otherwise. Keys have no '.' and do not begin with
 * '$'. A managed one is in the byte order of its keys.
 */
public class RealmDictionary<V> extends RealmMap<String, V> {
    private final Map<String, V> unmanaged;
    private final ManagedDictionary managed;

    public RealmDictionary() {
        unmanaged = new LinkedHashMap<>();
        managed = null;
    }

    public RealmDictionary(Map<String, V> items) {
        unmanaged = new LinkedHashMap<>(items);
        managed = null;
    }

    /** For generated code. */
    public RealmDictionary(ManagedObject owner, int property) {
        unmanaged = null;
        managed = owner.dictionary(property);
    }

    /** For generated code: replaces the content of a dictionary property. */
    public static <V> void assign(ManagedObject owner, int property, Map<String, V> items) {
        RealmDictionary<V> map = new RealmDictionary<>(owner, property);
        if (items instanceof RealmDictionary && ((RealmDictionary<V>) items).isManaged()
                && ((RealmDictionary<V>) items).managed.owner.sameAs(owner)) {
            if (((RealmDictionary<V>) items).managed.property == map.managed.property) {
                return; // It is this very dictionary.
            }
        }
        Map<String, V> copy = items == null ? new LinkedHashMap<String, V>() : new LinkedHashMap<>(items);
        map.clear();
        map.putAll(copy);
    }

    RealmDictionary(ManagedDictionary managed) {
        this.unmanaged = null;
        this.managed = managed;
    }

    @Override
    public boolean isFrozen() {
        return managed != null && managed.core.frozen;
    }

    /** The dictionary as it is now, for ever and for any thread, while its realm is open. */
    @Override
    public RealmDictionary<V> freeze() {
        if (managed == null) {
            throw new UnsupportedOperationException("Only managed dictionaries can be frozen");
        }
        return isFrozen() ? this : new RealmDictionary<V>(managed.in(BaseRealm.of(managed.core).freeze().core));
    }

    /** A query over the objects of the dictionary, in the order of its keys. */
    public RealmQuery<V> where() {
        if (managed == null) {
            throw new UnsupportedOperationException("This method is only available in managed mode.");
        }
        return RealmResults.<V>in(managed.core, managed.elements(), managed.asResults()).where();
    }

    @Override
    public boolean isManaged() {
        return managed != null;
    }

    @Override
    public boolean isValid() {
        return managed == null || managed.isValid();
    }

    @Override
    public int size() {
        return managed == null ? unmanaged.size() : managed.size();
    }

    @Override
    public boolean containsKey(Object key) {
        return managed == null ? unmanaged.containsKey(key) : key instanceof String && managed.contains((String) key);
    }

    @Override
    @SuppressWarnings("unchecked")
    public V get(Object key) {
        if (managed == null) {
            return unmanaged.get(key);
        }
        return key instanceof String ? (V) managed.get((String) key) : null;
    }

    /** An unmanaged object given to a managed dictionary is copied into the realm. */
    @Override
    public V put(String key, V value) {
        if (managed == null) {
            return unmanaged.put(key, value);
        }
        if (key == null) {
            throw new IllegalArgumentException("a dictionary has no null key");
        }
        V before = get(key);
        managed.put(key, value);
        return before;
    }

    @Override
    public V remove(Object key) {
        if (managed == null) {
            return unmanaged.remove(key);
        }
        V before = get(key);
        if (key instanceof String) {
            managed.remove((String) key);
        }
        return before;
    }

    @Override
    public void clear() {
        if (managed == null) {
            unmanaged.clear();
        } else {
            managed.clear();
        }
    }

    @Override
    public Set<Map.Entry<String, V>> entrySet() {
        return managed == null ? unmanaged.entrySet() : new Entries();
    }

    private final class Entries extends AbstractSet<Map.Entry<String, V>> {
        @Override
        public int size() {
            return managed.size();
        }

        @Override
        public void clear() {
            managed.clear();
        }

        @Override
        public Iterator<Map.Entry<String, V>> iterator() {
            return new Iterator<Map.Entry<String, V>>() {
                private int next;
                private String last;

                @Override
                public boolean hasNext() {
                    return next < managed.size();
                }

                @Override
                public Map.Entry<String, V> next() {
                    if (!hasNext()) {
                        throw new NoSuchElementException();
                    }
                    last = managed.key(next++);
                    return new Entry(last);
                }

                @Override
                public void remove() {
                    managed.remove(last);
                    next--;
                }
            };
        }
    }

    private final class Entry extends SimpleImmutableEntry<String, V> {
        private static final long serialVersionUID = 1L;

        Entry(String key) {
            super(key, RealmDictionary.this.get(key));
        }

        @Override
        public V setValue(V value) {
            return put(getKey(), value);
        }
    }

    /** Runs on the realm's thread, after refresh() or a commit of this realm. */
    @Override
    public void addChangeListener(final RealmChangeListener<RealmMap<String, V>> listener) {
        observe(listener, new MapChangeListener<String, V>() {
            @Override
            public void onChange(RealmMap<String, V> map, MapChangeSet<String> changes) {
                listener.onChange(map);
            }
        }, null);
    }

    @Override
    public void addChangeListener(MapChangeListener<String, V> listener) {
        observe(listener, listener, null);
    }

    /** The same, for changes of some fields of the objects in it: names, joined by dots along links, "*" for any. */
    public void addChangeListener(MapChangeListener<String, V> listener, String... keyPaths) {
        observe(listener, listener, keyPaths);
    }

    private void observe(Object key, final MapChangeListener<String, V> listener, String[] keyPaths) {
        if (managed == null) {
            throw new IllegalStateException("this dictionary is not managed: it has no changes to tell of");
        }
        long paths = managed.core.keyPaths(managed.elements(), keyPaths);
        long registration;
        try {
            registration = Native.atoll_dictionary_observe_key_paths(managed.pointer(), paths, managed.core.queue());
        } finally {
            Native.atoll_values_free(paths);
        }
        BaseRealm.of(managed.core).listeners.add(this, key, registration);
        managed.core.observe(registration, new EventHandler() {
            @Override
            public void onEvent(long event) {
                listener.onChange(RealmDictionary.this, ChangeSets.map(event));
            }
        });
    }

    @Override
    public void removeChangeListener(Object listener) {
        BaseRealm.of(managed.core).listeners.remove(this, listener);
    }

    @Override
    public void removeAllChangeListeners() {
        BaseRealm.of(managed.core).listeners.remove(this, null);
    }
}
