package io.atoll.internal;

import io.atoll.RealmAny;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Elements of lists, sets and dictionaries, to the core and back. */
final class Elements {
    /** Where one value of any type is: a property, or an element of a collection. */
    abstract static class Place {
        /** Native values with the one that is there, which the caller frees. */
        abstract long get();

        abstract long list();

        abstract long dictionary();

        abstract void set(long values);
    }

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
        if (Native.atoll_values_type(values, 0) == Constants.TYPE_LINK) {
            long target = Native.atoll_values_get_object(values, 0);
            return RealmAny.of(target == 0 ? null : core.wrap(core.typeOf(target), target).proxy());
        }
        return RealmAny.of(Values.read(values, 0, Object.class));
    }

    /** What a place of any type holds; a list or a dictionary is live. */
    static RealmAny read(ManagedObject owner, Property property, Place place) {
        long values = place.get();
        int type = values == 0 ? Constants.TYPE_NULL : Native.atoll_values_type(values, 0);
        if (type != Constants.TYPE_LIST && type != Constants.TYPE_DICTIONARY) {
            return values == 0 ? RealmAny.nullValue() : (RealmAny) take(owner.core, property, values);
        }
        Native.atoll_values_free(values);
        if (type == Constants.TYPE_LIST) {
            return RealmAny.of(new ManagedList(owner.core, inner(property, Constants.PROPERTY_LIST), owner, place.list()));
        }
        return RealmAny.of(
                new ManagedDictionary(owner.core, inner(property, Constants.PROPERTY_DICTIONARY), owner, place.dictionary()));
    }

    private static Property inner(Property of, int collection) {
        return new Property(of.field, of.name, Constants.TYPE_MIXED, collection, RealmAny.class);
    }

    /** Sets a place of any type; a list or a dictionary is made empty, then filled. */
    static void write(ManagedObject owner, Property property, Place place, Object value, Importer importer) {
        Object held = copy(value);
        List<?> items = held instanceof List ? (List<?>) held : null;
        Map<?, ?> entries = held instanceof Map ? (Map<?, ?>) held : null;
        long values = items != null ? emptyList() : entries != null ? emptyDictionary() : values(property, held, importer);
        try {
            place.set(values);
        } finally {
            Native.atoll_values_free(values);
        }
        if (items != null) {
            ManagedList list = new ManagedList(owner.core, inner(property, Constants.PROPERTY_LIST), owner, place.list());
            for (int i = 0; i < items.size(); i++) {
                list.insert(i, items.get(i), importer);
            }
        } else if (entries != null) {
            ManagedDictionary map =
                    new ManagedDictionary(owner.core, inner(property, Constants.PROPERTY_DICTIONARY), owner, place.dictionary());
            for (Map.Entry<?, ?> entry : entries.entrySet()) {
                map.put((String) entry.getKey(), entry.getValue(), importer);
            }
        }
    }

    // The value with lists and maps all the way down copied: what is set may be what is there already.
    private static Object copy(Object value) {
        Object held = value instanceof RealmAny ? ((RealmAny) value).get() : value;
        if (held instanceof List) {
            List<Object> items = new ArrayList<>();
            for (Object item : (List<?>) held) {
                items.add(copy(item));
            }
            return items;
        } else if (held instanceof Map) {
            Map<Object, Object> entries = new LinkedHashMap<>();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) held).entrySet()) {
                entries.put(entry.getKey(), copy(entry.getValue()));
            }
            return entries;
        }
        return held;
    }

    private static long emptyList() {
        return Values.of((Object) new Object[0]);
    }

    private static long emptyDictionary() {
        long values = Native.atoll_values_new();
        Native.atoll_values_add_dictionary(values);
        return values;
    }
}
