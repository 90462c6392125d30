package io.atoll;

import io.atoll.internal.Constants;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.Native;
import io.atoll.internal.ObjectType;
import io.atoll.internal.Property;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.UUID;
import org.bson.types.Decimal128;
import org.bson.types.ObjectId;

/** A class as it is stored, without a model. */
final class DynamicType extends ObjectType<DynamicRealmObject> {
    private DynamicType(String name, int kind, Property[] properties) {
        super(DynamicRealmObject.class, name, kind, properties);
    }

    /** All classes of an open native realm. */
    static List<ObjectType<?>> read(long realm) {
        List<ObjectType<?>> found = new ArrayList<>();
        long schema = Native.atoll_realm_schema(realm);
        try {
            int count = Native.atoll_schema_class_count(schema);
            for (int c = 0; c < count; c++) {
                Property[] properties = new Property[Native.atoll_schema_property_count(schema, c)];
                for (int p = 0; p < properties.length; p++) {
                    String name = Native.atoll_schema_property_name(schema, c, p);
                    int type = Native.atoll_schema_property_type(schema, c, p);
                    String target = Native.atoll_schema_property_target(schema, c, p);
                    properties[p] = new Property(name, name, type, Native.atoll_schema_property_flags(schema, c, p),
                            javaType(type), target == null || target.isEmpty() ? null : target);
                }
                found.add(new DynamicType(Native.atoll_schema_class_name(schema, c), Native.atoll_schema_class_kind(schema, c),
                        properties));
            }
        } finally {
            Native.atoll_schema_free(schema);
        }
        return found;
    }

    private static Class<?> javaType(int type) {
        switch (type) {
            case Constants.TYPE_BOOL:
                return Boolean.class;
            case Constants.TYPE_INT:
                return Long.class;
            case Constants.TYPE_FLOAT:
                return Float.class;
            case Constants.TYPE_DOUBLE:
                return Double.class;
            case Constants.TYPE_DECIMAL128:
                return Decimal128.class;
            case Constants.TYPE_STRING:
                return String.class;
            case Constants.TYPE_BINARY:
                return byte[].class;
            case Constants.TYPE_TIMESTAMP:
                return Date.class;
            case Constants.TYPE_UUID:
                return UUID.class;
            case Constants.TYPE_OBJECT_ID:
                return ObjectId.class;
            case Constants.TYPE_MIXED:
                return RealmAny.class;
            default:
                return DynamicRealmObject.class;
        }
    }

    @Override
    public DynamicRealmObject create() {
        throw new UnsupportedOperationException("a DynamicRealmObject is made by DynamicRealm.createObject");
    }

    @Override
    public DynamicRealmObject manage(ManagedObject object) {
        return new DynamicRealmObject(object);
    }

    @Override
    public Object get(DynamicRealmObject object, int property) {
        return object.get(properties[property].name);
    }

    @Override
    public void set(DynamicRealmObject object, int property, Object value) {
        object.set(properties[property].name, value);
    }

    /** The value of a property: numbers as they are stored, collections live. */
    static Object read(ManagedObject object, int i) {
        Property property = object.type.properties[i];
        if (property.isList()) {
            return new RealmList<>(object, i);
        } else if (property.isSet()) {
            return new RealmSet<>(object, i);
        } else if (property.isDictionary()) {
            return new RealmDictionary<>(object, i);
        } else if (property.type == Constants.TYPE_MIXED) {
            return object.getAny(i);
        } else if (property.isObject()) {
            return object.getObject(i);
        }
        return object.isNull(i) ? null : object.get(i);
    }

    @SuppressWarnings("unchecked")
    static void write(ManagedObject object, int i, Object value) {
        Property property = object.type.properties[i];
        if (property.isList()) {
            RealmList.assign(object, i, (List<Object>) value);
        } else if (property.isSet()) {
            RealmSet.assign(object, i, (java.util.Set<Object>) value);
        } else if (property.isDictionary()) {
            RealmDictionary.assign(object, i, (java.util.Map<String, Object>) value);
        } else if (property.type == Constants.TYPE_MIXED) {
            object.setAny(i, value instanceof RealmAny ? (RealmAny) value : RealmAny.of(value));
        } else if (property.isObject()) {
            object.setObject(i, value);
        } else if (value == null) {
            object.setNull(i);
        } else {
            object.set(i, value);
        }
    }
}
