package io.atoll;

import io.atoll.internal.Constants;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.Native;
import io.atoll.internal.ObjectType;
import io.atoll.internal.Property;
import io.atoll.internal.RealmObjectProxy;
import java.util.Date;
import java.util.UUID;
import org.bson.types.Decimal128;
import org.bson.types.ObjectId;

/** An object of a DynamicRealm: its fields by name. A number that is null can be asked for by isNull and get only. */
public final class DynamicRealmObject extends RealmObject implements RealmObjectProxy {
    private final ManagedObject state;

    DynamicRealmObject(ManagedObject state) {
        this.state = state;
    }

    /** A view of a managed object by the names of its fields. */
    public DynamicRealmObject(RealmModel managed) {
        this.state = managed(managed);
    }

    @Override
    public ManagedObject realmGet$object() {
        return state;
    }

    private MigrationView view() {
        return state.core.realm instanceof DynamicRealm ? ((DynamicRealm) state.core.realm).view : null;
    }

    private int index(String field) {
        int i = state.type.find(field);
        if (i < 0) {
            throw new IllegalArgumentException("Illegal Argument: " + state.type.name + " has no field \"" + field + "\"");
        }
        return i;
    }

    private Object read(String field) {
        MigrationView view = view();
        Object value = view == null ? DynamicType.read(state, index(field)) : view.read(state, field);
        return value instanceof RealmModel && !(value instanceof DynamicRealmObject) ? new DynamicRealmObject((RealmModel) value) : value;
    }

    private void write(String field, Object value) {
        MigrationView view = view();
        Property property = view == null ? state.type.properties[index(field)] : view.shape(state.type.name, field);
        Object given = value instanceof String ? parsed(property, (String) value) : value;
        if (view == null) {
            DynamicType.write(state, index(field), given);
        } else {
            view.write(state, field, given);
        }
    }

    // A text set to a field of another type is read as a value of that type.
    private static Object parsed(Property property, String text) {
        if (property.isCollection()) {
            return text;
        }
        switch (property.type) {
            case Constants.TYPE_BOOL:
                return Boolean.valueOf(text);
            case Constants.TYPE_INT:
                return Long.valueOf(text);
            case Constants.TYPE_FLOAT:
                return Float.valueOf(text);
            case Constants.TYPE_DOUBLE:
                return Double.valueOf(text);
            case Constants.TYPE_DECIMAL128:
                return Decimal128.parse(text);
            case Constants.TYPE_UUID:
                return UUID.fromString(text);
            case Constants.TYPE_OBJECT_ID:
                return new ObjectId(text);
            default:
                return text;
        }
    }

    private <T> T read(String field, Class<T> wanted) {
        Object value = read(field);
        if (value != null && !wanted.isInstance(value)) {
            throw new IllegalArgumentException("'" + field + "' is a " + getFieldType(field) + " and no " + wanted.getSimpleName());
        }
        return wanted.cast(value);
    }

    private <T> T number(String field, Class<T> wanted) {
        T value = read(field, wanted);
        if (value == null) {
            throw new IllegalStateException("'" + field + "' is null, which isNull tells");
        }
        return value;
    }

    // ---------- reading ----------

    /** The value of any field; numbers as Long, Float, Double; null for null. */
    @SuppressWarnings("unchecked")
    public <E> E get(String fieldName) {
        return (E) read(fieldName);
    }

    public boolean isNull(String fieldName) {
        Object value = read(fieldName);
        return value == null || value instanceof RealmAny && ((RealmAny) value).isNull();
    }

    public boolean getBoolean(String fieldName) {
        return number(fieldName, Boolean.class);
    }

    public int getInt(String fieldName) {
        return (int) getLong(fieldName);
    }

    public short getShort(String fieldName) {
        return (short) getLong(fieldName);
    }

    public long getLong(String fieldName) {
        return number(fieldName, Long.class);
    }

    public byte getByte(String fieldName) {
        return (byte) getLong(fieldName);
    }

    public float getFloat(String fieldName) {
        return number(fieldName, Float.class);
    }

    public double getDouble(String fieldName) {
        return number(fieldName, Double.class);
    }

    public byte[] getBlob(String fieldName) {
        return read(fieldName, byte[].class);
    }

    public String getString(String fieldName) {
        return read(fieldName, String.class);
    }

    public Date getDate(String fieldName) {
        return read(fieldName, Date.class);
    }

    public Decimal128 getDecimal128(String fieldName) {
        return read(fieldName, Decimal128.class);
    }

    public ObjectId getObjectId(String fieldName) {
        return read(fieldName, ObjectId.class);
    }

    public UUID getUUID(String fieldName) {
        return read(fieldName, UUID.class);
    }

    public RealmAny getRealmAny(String fieldName) {
        return read(fieldName, RealmAny.class);
    }

    public DynamicRealmObject getObject(String fieldName) {
        return read(fieldName, DynamicRealmObject.class);
    }

    @SuppressWarnings("unchecked")
    public RealmList<DynamicRealmObject> getList(String fieldName) {
        return (RealmList<DynamicRealmObject>) read(fieldName, RealmList.class);
    }

    /** A list of values; integers are of class Long. */
    @SuppressWarnings("unchecked")
    public <E> RealmList<E> getList(String fieldName, Class<E> primitiveType) {
        return (RealmList<E>) read(fieldName, RealmList.class);
    }

    @SuppressWarnings("unchecked")
    public RealmSet<DynamicRealmObject> getRealmSet(String fieldName) {
        return (RealmSet<DynamicRealmObject>) read(fieldName, RealmSet.class);
    }

    @SuppressWarnings("unchecked")
    public <E> RealmSet<E> getRealmSet(String fieldName, Class<E> primitiveType) {
        return (RealmSet<E>) read(fieldName, RealmSet.class);
    }

    @SuppressWarnings("unchecked")
    public RealmDictionary<DynamicRealmObject> getDictionary(String fieldName) {
        return (RealmDictionary<DynamicRealmObject>) read(fieldName, RealmDictionary.class);
    }

    @SuppressWarnings("unchecked")
    public <E> RealmDictionary<E> getDictionary(String fieldName, Class<E> primitiveType) {
        return (RealmDictionary<E>) read(fieldName, RealmDictionary.class);
    }

    /** The objects of a class whose field links to this object. */
    public RealmResults<DynamicRealmObject> linkingObjects(String srcClassName, String srcFieldName) {
        @SuppressWarnings("unchecked")
        ObjectType<DynamicRealmObject> type = (ObjectType<DynamicRealmObject>) getDynamicRealm().type(srcClassName);
        int key = state.core.propertyKey(type, srcFieldName);
        return new RealmResults<>(getDynamicRealm(), type,
                Native.atoll_object_backlinks(state.pointer(), state.core.classKey(type), key));
    }

    // ---------- writing ----------

    /** Sets a field of any type. A text is read as a value of the field's type. */
    public void set(String fieldName, Object value) {
        write(fieldName, value);
    }

    public void setNull(String fieldName) {
        write(fieldName, null);
    }

    public void setBoolean(String fieldName, boolean value) {
        write(fieldName, value);
    }

    public void setShort(String fieldName, short value) {
        write(fieldName, (long) value);
    }

    public void setInt(String fieldName, int value) {
        write(fieldName, (long) value);
    }

    public void setLong(String fieldName, long value) {
        write(fieldName, value);
    }

    public void setByte(String fieldName, byte value) {
        write(fieldName, (long) value);
    }

    public void setFloat(String fieldName, float value) {
        write(fieldName, value);
    }

    public void setDouble(String fieldName, double value) {
        write(fieldName, value);
    }

    public void setString(String fieldName, String value) {
        write(fieldName, value);
    }

    public void setBlob(String fieldName, byte[] value) {
        write(fieldName, value);
    }

    public void setDate(String fieldName, Date value) {
        write(fieldName, value);
    }

    public void setDecimal128(String fieldName, Decimal128 value) {
        write(fieldName, value);
    }

    public void setObjectId(String fieldName, ObjectId value) {
        write(fieldName, value);
    }

    public void setUUID(String fieldName, UUID value) {
        write(fieldName, value);
    }

    public void setRealmAny(String fieldName, RealmAny value) {
        write(fieldName, value);
    }

    public void setObject(String fieldName, DynamicRealmObject value) {
        write(fieldName, value);
    }

    public <E> void setList(String fieldName, RealmList<E> list) {
        write(fieldName, list);
    }

    public <E> void setRealmSet(String fieldName, RealmSet<E> set) {
        write(fieldName, set);
    }

    public <E> void setDictionary(String fieldName, RealmDictionary<E> dictionary) {
        write(fieldName, dictionary);
    }

    // ---------- what it is ----------

    /** The name of its class. */
    public String getType() {
        return state.type.name;
    }

    public boolean hasField(String fieldName) {
        MigrationView view = view();
        return view == null ? state.type.find(fieldName) >= 0 : view.names(state.type.name).contains(fieldName);
    }

    public String[] getFieldNames() {
        MigrationView view = view();
        if (view != null) {
            return view.names(state.type.name).toArray(new String[0]);
        }
        String[] names = new String[state.type.properties.length];
        for (int i = 0; i < names.length; i++) {
            names[i] = state.type.properties[i].name;
        }
        return names;
    }

    public RealmFieldType getFieldType(String fieldName) {
        MigrationView view = view();
        return RealmFieldType.of(view == null ? state.type.properties[index(fieldName)] : view.shape(state.type.name, fieldName));
    }

    public DynamicRealm getDynamicRealm() {
        if (!(state.core.realm instanceof DynamicRealm)) {
            throw new IllegalStateException("the object '" + getType() + "' was retrieved from a typed Realm: use getRealm");
        }
        return (DynamicRealm) state.core.realm;
    }

    @Override
    public boolean equals(Object other) {
        return ManagedObject.equal(this, other);
    }

    @Override
    public int hashCode() {
        return state.identityHash();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(getType()).append(" = dynamic[");
        String[] names = getFieldNames();
        for (int i = 0; i < names.length; i++) {
            boolean object = getFieldType(names[i]) == RealmFieldType.OBJECT;
            Object value = object ? (isNull(names[i]) ? null : "(object)") : read(names[i]);
            text.append(i == 0 ? "{" : ",{").append(names[i]).append(':').append(value).append('}');
        }
        return text.append(']').toString();
    }
}
