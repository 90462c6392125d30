package io.atoll.internal;

/** A list property of a managed object. */
public final class ManagedList {
    public final RealmCore core;
    public final Property property;
    public final ManagedObject owner;
    private final Handle handle;

    ManagedList(RealmCore core, Property property, ManagedObject owner, long pointer) {
        this.core = core;
        this.property = property;
        this.owner = owner;
        this.handle = core.own(this, pointer, RealmCore.FREE_LIST);
    }

    /** The same list in the frozen form of its realm. */
    public ManagedList in(RealmCore frozen) {
        long found = Native.atoll_list_resolve_in(pointer(), frozen.pointer());
        if (found == 0) {
            throw new IllegalStateException("the list of a deleted object can't be frozen");
        }
        return new ManagedList(frozen, property, owner, found);
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
        return Native.atoll_list_as_results(pointer());
    }

    public boolean isValid() {
        return handle.isOpen() && Native.atoll_list_is_valid(pointer());
    }

    public int size() {
        return (int) Math.min(Integer.MAX_VALUE, Native.atoll_list_count(pointer()));
    }

    public Object get(int index) {
        check(index, size());
        if (property.isObject()) {
            long object = Native.atoll_list_get_object(pointer(), index);
            return core.wrap(core.target(property), object).proxy();
        }
        if (property.type == Constants.TYPE_MIXED) {
            return Elements.read(owner, property, place(index, false));
        }
        return Elements.take(core, property, Native.atoll_list_get_value(pointer(), index));
    }

    private Elements.Place place(final int index, final boolean insert) {
        return new Elements.Place() {
            @Override
            long get() {
                return Native.atoll_list_get_value(pointer(), index);
            }

            @Override
            long list() {
                return Native.atoll_list_get_list(pointer(), index);
            }

            @Override
            long dictionary() {
                return Native.atoll_list_get_dictionary(pointer(), index);
            }

            @Override
            void set(long values) {
                if (insert) {
                    Native.atoll_list_insert_value(pointer(), index, values);
                } else {
                    Native.atoll_list_set_value(pointer(), index, values);
                }
            }
        };
    }

    public void set(int index, Object value) {
        check(index, size());
        if (property.type == Constants.TYPE_EMBEDDED) {
            new Importer(core, true).fill(core.wrap(core.target(property),
                    Native.atoll_list_set_embedded(pointer(), index)), value, true);
            return;
        }
        if (property.type == Constants.TYPE_MIXED) {
            Elements.write(owner, property, place(index, false), value, new Importer(core, true));
            return;
        }
        long values = Elements.values(property, value, new Importer(core, true));
        try {
            Native.atoll_list_set_value(pointer(), index, values);
        } finally {
            Native.atoll_values_free(values);
        }
    }

    public void insert(int index, Object value) {
        insert(index, value, new Importer(core, true));
    }

    void insert(int index, Object value, Importer importer) {
        if (property.type == Constants.TYPE_EMBEDDED) {
            importer.fill(core.wrap(core.target(property), Native.atoll_list_insert_embedded(pointer(), index)),
                    value, true);
            return;
        }
        if (property.type == Constants.TYPE_MIXED) {
            Elements.write(owner, property, place(index, true), value, importer);
            return;
        }
        long values = Elements.values(property, value, importer);
        try {
            Native.atoll_list_insert_value(pointer(), index, values);
        } finally {
            Native.atoll_values_free(values);
        }
    }

    public void remove(int index) {
        check(index, size());
        Native.atoll_list_erase(pointer(), index);
    }

    public void move(int from, int to) {
        Native.atoll_list_move(pointer(), from, to);
    }

    public void clear() {
        Native.atoll_list_clear(pointer());
    }

    private static void check(int index, int size) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException("index " + index + " of a list of " + size);
        }
    }
}
