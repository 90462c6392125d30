package io.atoll;

import io.atoll.internal.Constants;
import io.atoll.internal.ObjectType;
import io.atoll.internal.Property;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.bson.types.Decimal128;
import org.bson.types.ObjectId;

/**
 * The fields of one class. In a migration they can be changed, step by step to what the model class has; keys, indexes and
 * which fields are required are taken from the model.
 */
public final class RealmObjectSchema {
    /** Work on each object of a class. */
    public interface Function {
        void apply(DynamicRealmObject obj);
    }

    private static final Map<Class<?>, Integer> TYPES = new HashMap<>();

    static {
        for (Class<?> integer : Arrays.<Class<?>>asList(byte.class, Byte.class, short.class, Short.class, int.class, Integer.class,
                long.class, Long.class)) {
            TYPES.put(integer, Constants.TYPE_INT);
        }
        TYPES.put(boolean.class, Constants.TYPE_BOOL);
        TYPES.put(Boolean.class, Constants.TYPE_BOOL);
        TYPES.put(float.class, Constants.TYPE_FLOAT);
        TYPES.put(Float.class, Constants.TYPE_FLOAT);
        TYPES.put(double.class, Constants.TYPE_DOUBLE);
        TYPES.put(Double.class, Constants.TYPE_DOUBLE);
        TYPES.put(String.class, Constants.TYPE_STRING);
        TYPES.put(byte[].class, Constants.TYPE_BINARY);
        TYPES.put(Date.class, Constants.TYPE_TIMESTAMP);
        TYPES.put(Decimal128.class, Constants.TYPE_DECIMAL128);
        TYPES.put(ObjectId.class, Constants.TYPE_OBJECT_ID);
        TYPES.put(UUID.class, Constants.TYPE_UUID);
        TYPES.put(RealmAny.class, Constants.TYPE_MIXED);
    }

    private final String name;
    private final ObjectType<?> type;
    private final MigrationView view;

    RealmObjectSchema(String name, ObjectType<?> type, MigrationView view) {
        this.name = name;
        this.type = type;
        this.view = view;
    }

    public String getClassName() {
        return name;
    }

    public boolean isEmbedded() {
        return type.kind == Constants.CLASS_EMBEDDED;
    }

    public Set<String> getFieldNames() {
        if (view != null) {
            return new LinkedHashSet<>(view.names(name));
        }
        Set<String> names = new LinkedHashSet<>();
        for (Property property : type.properties) {
            names.add(property.name);
        }
        return names;
    }

    public boolean hasField(String fieldName) {
        return getFieldNames().contains(fieldName);
    }

    private Property field(String fieldName) {
        if (view != null) {
            return view.shape(name, fieldName);
        }
        int i = type.find(fieldName);
        if (i < 0) {
            throw new IllegalArgumentException("Field name '" + fieldName + "' does not exist on schema for '" + name + "'");
        }
        return type.properties[i];
    }

    public RealmFieldType getFieldType(String fieldName) {
        return RealmFieldType.of(field(fieldName));
    }

    public boolean isNullable(String fieldName) {
        return field(fieldName).isNullable();
    }

    public boolean isRequired(String fieldName) {
        return !isNullable(fieldName);
    }

    public boolean isPrimaryKey(String fieldName) {
        return field(fieldName).isKey();
    }

    public boolean hasPrimaryKey() {
        return type.key >= 0;
    }

    public String getPrimaryKey() {
        if (type.key < 0) {
            throw new IllegalStateException(name + " doesn't have a primary key.");
        }
        return type.properties[type.key].name;
    }

    public boolean hasIndex(String fieldName) {
        return (field(fieldName).flags & (Constants.PROPERTY_INDEXED | Constants.PROPERTY_PRIMARY_KEY)) != 0;
    }

    // ---------- in a migration ----------

    private MigrationView changeable() {
        if (view == null) {
            throw new UnsupportedOperationException("This schema is immutable: classes change in a RealmMigration");
        }
        return view;
    }

    private RealmObjectSchema add(String fieldName, int valueType, int flags, String target) {
        changeable().addField(name, fieldName, new Property(fieldName, fieldName, valueType, flags, Object.class, target));
        return this;
    }

    private RealmObjectSchema add(String fieldName, Class<?> fieldType, int flags) {
        Integer found = TYPES.get(fieldType);
        if (found == null) {
            throw new IllegalArgumentException("Realm doesn't support this field type: " + fieldName + "(" + fieldType
                    + "); objects have methods of their own");
        }
        return add(fieldName, found, flags, null);
    }

    private RealmObjectSchema add(String fieldName, RealmObjectSchema objectSchema, int flags) {
        int link = objectSchema.isEmbedded() ? Constants.TYPE_EMBEDDED : Constants.TYPE_LINK;
        return add(fieldName, link, flags, objectSchema.name);
    }

    /** A field that the model class has too is the model's; any other is renamed or removed before the migration ends. */
    public RealmObjectSchema addField(String fieldName, Class<?> fieldType, FieldAttribute... attributes) {
        List<FieldAttribute> given = Arrays.asList(attributes);
        boolean required = fieldType.isPrimitive() || given.contains(FieldAttribute.REQUIRED)
                || given.contains(FieldAttribute.PRIMARY_KEY) || fieldType == RealmAny.class;
        return add(fieldName, fieldType, required ? 0 : Constants.PROPERTY_NULLABLE);
    }

    public RealmObjectSchema addRealmObjectField(String fieldName, RealmObjectSchema objectSchema) {
        return add(fieldName, objectSchema, Constants.PROPERTY_NULLABLE);
    }

    public RealmObjectSchema addRealmListField(String fieldName, RealmObjectSchema objectSchema) {
        return add(fieldName, objectSchema, Constants.PROPERTY_LIST);
    }

    public RealmObjectSchema addRealmListField(String fieldName, Class<?> primitiveType) {
        return add(fieldName, primitiveType, Constants.PROPERTY_LIST);
    }

    public RealmObjectSchema addRealmSetField(String fieldName, RealmObjectSchema objectSchema) {
        return add(fieldName, objectSchema, Constants.PROPERTY_SET);
    }

    public RealmObjectSchema addRealmSetField(String fieldName, Class<?> primitiveType) {
        return add(fieldName, primitiveType, Constants.PROPERTY_SET);
    }

    public RealmObjectSchema addRealmDictionaryField(String fieldName, RealmObjectSchema objectSchema) {
        return add(fieldName, objectSchema, Constants.PROPERTY_DICTIONARY | Constants.PROPERTY_NULLABLE);
    }

    public RealmObjectSchema addRealmDictionaryField(String fieldName, Class<?> primitiveType) {
        return add(fieldName, primitiveType, Constants.PROPERTY_DICTIONARY);
    }

    public RealmObjectSchema removeField(String fieldName) {
        changeable().removeField(name, fieldName);
        return this;
    }

    /** The values go along. */
    public RealmObjectSchema renameField(String currentFieldName, String newFieldName) {
        changeable().renameField(name, currentFieldName, newFieldName);
        return this;
    }

    // What the model says of its keys, indexes and required fields is done anyway; a name must exist.
    private RealmObjectSchema noted(String fieldName) {
        changeable().shape(name, fieldName);
        return this;
    }

    public RealmObjectSchema addIndex(String fieldName) {
        return noted(fieldName);
    }

    public RealmObjectSchema removeIndex(String fieldName) {
        return noted(fieldName);
    }

    public RealmObjectSchema addPrimaryKey(String fieldName) {
        return noted(fieldName);
    }

    public RealmObjectSchema removePrimaryKey() {
        changeable();
        return this;
    }

    public RealmObjectSchema setRequired(String fieldName, boolean required) {
        return noted(fieldName);
    }

    public RealmObjectSchema setNullable(String fieldName, boolean nullable) {
        return noted(fieldName);
    }

    /** Runs on each object that the class has now. */
    public RealmObjectSchema transform(Function function) {
        if (function == null) {
            throw new IllegalArgumentException("A function is needed");
        }
        List<DynamicRealmObject> objects = new ArrayList<>();
        for (DynamicRealmObject object : changeable().after.where(name).findAll()) {
            objects.add(object);
        }
        for (DynamicRealmObject object : objects) {
            if (object.isValid()) {
                function.apply(object);
            }
        }
        return this;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RealmObjectSchema && ((RealmObjectSchema) other).name.equals(name)
                && ((RealmObjectSchema) other).type == type;
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }
}
