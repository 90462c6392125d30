package io.atoll.internal;

/** A set property of a managed object. */
public final class ManagedSet {
    public final RealmCore core;
    public final Property property;
    public final ManagedObject owner;
    private final Handle handle;

    ManagedSet(RealmCore core, Property property, ManagedObject owner, long pointer) {
        this.core = core;
        this.property = property;
        this.owner = owner;
        this.handle = core.own(this, pointer, RealmCore.FREE_SET);
    }

    /** The same one in the frozen form of its realm. */
    public ManagedSet in(RealmCore frozen) {
        long found = Native.atoll_set_resolve_in(pointer(), frozen.pointer());
        if (found == 0) {
            throw new IllegalStateException("the set of a deleted object can't be frozen");
        }
        return new ManagedSet(frozen, property, owner, found);
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
        return Native.atoll_set_as_results(pointer());
    }

    public boolean isValid() {
        return handle.isOpen() && Native.atoll_set_is_valid(pointer());
    }

    public int size() {
        return (int) Math.min(Integer.MAX_VALUE, Native.atoll_set_count(pointer()));
    }

    public Object get(int index) {
        if (property.isObject()) {
            long object = Native.atoll_set_get_object(pointer(), index);
            return core.wrap(core.target(property), object).proxy();
        }
        return Elements.take(core, property, Native.atoll_set_get_value(pointer(), index));
    }

    /** What can't be an element is in no set. */
    public boolean contains(Object value) {
        if (value instanceof io.atoll.RealmModel && !(value instanceof RealmObjectProxy)) {
            return false;
        }
        long values = Values.of(value);
        try {
            return Native.atoll_set_contains(pointer(), values);
        } catch (IllegalArgumentException e) {
            return false;
        } finally {
            Native.atoll_values_free(values);
        }
    }

    public boolean add(Object value) {
        return add(value, new Importer(core, true));
    }

    boolean add(Object value, Importer importer) {
        long values = Elements.values(property, value, importer);
        try {
            return Native.atoll_set_add(pointer(), values);
        } finally {
            Native.atoll_values_free(values);
        }
    }

    public boolean remove(Object value) {
        if (!contains(value)) {
            return false;
        }
        long values = Values.of(value);
        try {
            return Native.atoll_set_remove(pointer(), values);
        } finally {
            Native.atoll_values_free(values);
        }
    }

    public void clear() {
        Native.atoll_set_clear(pointer());
    }
}
