package io.atoll.internal;

/** A dictionary property of a managed object. */
public final class ManagedDictionary {
    public final RealmCore core;
    public final Property property;
    public final ManagedObject owner;
    private final Handle handle;

    ManagedDictionary(RealmCore core, Property property, ManagedObject owner, long pointer) {
        this.core = core;
        this.property = property;
        this.owner = owner;
        this.handle = core.own(this, pointer, RealmCore.FREE_DICTIONARY);
    }

    /** The same one in the frozen form of its realm. */
    public ManagedDictionary in(RealmCore frozen) {
        long found = Native.atoll_dictionary_resolve_in(pointer(), frozen.pointer());
        if (found == 0) {
            throw new IllegalStateException("the dictionary of a deleted object can't be frozen");
        }
        return new ManagedDictionary(frozen, property, owner, found);
    }

    public long pointer() {
        return handle.pointer();
    }

    /** The class of its objects; null if it holds values. */
    public ObjectType<?> elements() {
        return property.isObject() ? core.target(property) : null;
    }

    /** Native results of its objects, which the caller owns. */
    public long asResults() {
        if (!property.isObject()) {
            throw new UnsupportedOperationException("only a collection of objects can be queried: values have no properties");
        }
        return Native.atoll_dictionary_as_results(pointer());
    }

    public boolean isValid() {
        return handle.isOpen() && Native.atoll_dictionary_is_valid(pointer());
    }

    public int size() {
        return (int) Math.min(Integer.MAX_VALUE, Native.atoll_dictionary_count(pointer()));
    }

    public String key(int index) {
        return Native.atoll_dictionary_key_at(pointer(), index);
    }

    public boolean contains(String key) {
        return Native.atoll_dictionary_contains(pointer(), key);
    }

    /** Null if there is no such key, or if that is its value. */
    public Object get(String key) {
        if (property.isObject()) {
            long object = Native.atoll_dictionary_get_object(pointer(), key);
            return object == 0 ? null : core.wrap(core.target(property), object).proxy();
        }
        if (property.type == Constants.TYPE_MIXED) {
            return contains(key) ? Elements.read(owner, property, place(key)) : null;
        }
        long values = Native.atoll_dictionary_get_value(pointer(), key);
        return values == 0 ? null : Elements.take(core, property, values);
    }

    private Elements.Place place(final String key) {
        return new Elements.Place() {
            @Override
            long get() {
                return Native.atoll_dictionary_get_value(pointer(), key);
            }

            @Override
            long list() {
                return Native.atoll_dictionary_get_list(pointer(), key);
            }

            @Override
            long dictionary() {
                return Native.atoll_dictionary_get_dictionary(pointer(), key);
            }

            @Override
            void set(long values) {
                Native.atoll_dictionary_put_value(pointer(), key, values);
            }
        };
    }

    public void put(String key, Object value) {
        put(key, value, new Importer(core, true));
    }

    void put(String key, Object value, Importer importer) {
        if (property.type == Constants.TYPE_EMBEDDED && value != null) {
            Importer.checkUnowned(core, value);
            importer.fill(core.wrap(core.target(property), Native.atoll_dictionary_put_embedded(pointer(), key)), value, true);
            return;
        }
        if (property.type == Constants.TYPE_MIXED) {
            Elements.write(owner, property, place(key), value, importer);
            return;
        }
        long values = Elements.values(property, value, importer);
        try {
            Native.atoll_dictionary_put_value(pointer(), key, values);
        } finally {
            Native.atoll_values_free(values);
        }
    }

    public boolean remove(String key) {
        return Native.atoll_dictionary_erase(pointer(), key);
    }

    public void clear() {
        Native.atoll_dictionary_clear(pointer());
    }
}
