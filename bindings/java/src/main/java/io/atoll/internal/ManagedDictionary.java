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

    public long pointer() {
        return handle.pointer();
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
        long values = Native.atoll_dictionary_get_value(pointer(), key);
        return values == 0 ? null : Elements.take(core, property, values);
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
