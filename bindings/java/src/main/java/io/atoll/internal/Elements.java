package io.atoll.internal;

import io.atoll.RealmAny;

/** Elements of lists, sets and dictionaries, to the core and back. */
final class Elements {
    private Elements() {
    }

    /** A new native list with the element; an unmanaged object is copied into the realm. The caller frees it. */
    static long values(Property property, Object value, Importer importer) {
        return Values.of(stored(property, value, importer));
    }

    static Object stored(Property property, Object value, Importer importer) {
        if (property.type == Constants.TYPE_MIXED) {
            Object held = value instanceof RealmAny ? ((RealmAny) value).get() : value;
            return held instanceof io.atoll.RealmModel ? importer.importObject(held).proxy() : held;
        }
        return property.isObject() && value != null ? importer.importObject(value).proxy() : value;
    }

    /** The first of these values as the property's Java type; frees them. */
    static Object take(RealmCore core, Property property, long values) {
        try {
            return property.type == Constants.TYPE_MIXED ? any(core, values) : Values.read(values, 0, property.javaType);
        } finally {
            Native.atoll_values_free(values);
        }
    }

    private static RealmAny any(RealmCore core, long values) {
        switch (Native.atoll_values_type(values, 0)) {
            case Constants.TYPE_LINK:
                long target = Native.atoll_values_get_object(values, 0);
                return RealmAny.of(target == 0 ? null : core.wrap(core.typeOf(target), target).proxy());
            case Constants.TYPE_LIST:
            case Constants.TYPE_DICTIONARY:
                throw Errors.notSupported("collections in RealmAny");
            default:
                return RealmAny.of(Values.read(values, 0, Object.class));
        }
    }
}
