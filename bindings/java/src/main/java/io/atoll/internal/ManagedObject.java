package io.atoll.internal;

import io.atoll.MutableRealmInteger;
import io.atoll.RealmAny;
import java.util.Date;
import java.util.UUID;
import org.bson.types.Decimal128;
import org.bson.types.ObjectId;

/** The state of a managed object: its realm, its native handle and the keys of its properties. */
public final class ManagedObject {
    public final RealmCore core;
    public final ObjectType<?> type;
    private final int[] keys;
    private final Handle handle;
    private Object proxy;

    ManagedObject(RealmCore core, ObjectType<?> type, long pointer) {
        this.core = core;
        this.type = type;
        this.keys = core.keys(type);
        this.handle = core.own(this, pointer, RealmCore.FREE_OBJECT);
    }

    public long pointer() {
        return handle.pointer();
    }

    public int propertyKey(int i) {
        return keys[i];
    }

    /** The live Java object. */
    public Object proxy() {
        if (proxy == null) {
            proxy = type.manage(this);
        }
        return proxy;
    }

    public boolean isValid() {
        return handle.isOpen() && Native.atoll_object_is_valid(pointer());
    }

    public void delete() {
        Native.atoll_object_delete(pointer());
    }

    public boolean isNull(int i) {
        return Native.atoll_object_is_null(pointer(), keys[i]);
    }

    public void setNull(int i) {
        Native.atoll_object_set_null(pointer(), keys[i]);
    }

    public boolean getBoolean(int i) {
        return Native.atoll_object_get_bool(pointer(), keys[i]);
    }

    public void setBoolean(int i, boolean value) {
        Native.atoll_object_set_bool(pointer(), keys[i], value);
    }

    public long getLong(int i) {
        return Native.atoll_object_get_int(pointer(), keys[i]);
    }

    public void setLong(int i, long value) {
        Native.atoll_object_set_int(pointer(), keys[i], value);
    }

    public double getDouble(int i) {
        return Native.atoll_object_get_double(pointer(), keys[i]);
    }

    public void setDouble(int i, double value) {
        Native.atoll_object_set_double(pointer(), keys[i], value);
    }

    /** Adds to an integer: what several devices add at once adds up. */
    public void increment(int i, long by) {
        Native.atoll_object_increment(pointer(), keys[i], by);
    }

    public float getFloat(int i) {
        return Native.atoll_object_get_float(pointer(), keys[i]);
    }

    public void setFloat(int i, float value) {
        Native.atoll_object_set_float(pointer(), keys[i], value);
    }

    public Decimal128 getDecimal128(int i) {
        byte[] bytes = isNull(i) ? null : Native.atoll_object_get_decimal128(pointer(), keys[i]);
        return bytes == null ? null : Decimal128.fromBytes(bytes);
    }

    public void setDecimal128(int i, Decimal128 value) {
        if (value == null) {
            setNull(i);
        } else {
            Native.atoll_object_set_decimal128(pointer(), keys[i], value.toBytes());
        }
    }

    /** Never null: what is null is a RealmAny that is. */
    public RealmAny getAny(int i) {
        return Elements.read(this, type.properties[i], place(i));
    }

    /** An unmanaged object is copied into the realm. */
    public void setAny(int i, RealmAny value) {
        setAny(i, value, new Importer(core, true));
    }

    void setAny(int i, Object value, Importer importer) {
        Elements.write(this, type.properties[i], place(i), value, importer);
    }

    private Elements.Place place(final int i) {
        return new Elements.Place() {
            @Override
            long get() {
                return Native.atoll_object_get_value(pointer(), keys[i]);
            }

            @Override
            long list() {
                return Native.atoll_object_get_list(pointer(), keys[i]);
            }

            @Override
            long dictionary() {
                return Native.atoll_object_get_dictionary(pointer(), keys[i]);
            }

            @Override
            void set(long values) {
                Native.atoll_object_set_value(pointer(), keys[i], values);
            }
        };
    }

    public String getString(int i) {
        return Native.atoll_object_get_string(pointer(), keys[i]);
    }

    public void setString(int i, String value) {
        if (value == null) {
            setNull(i);
        } else {
            Native.atoll_object_set_string(pointer(), keys[i], value);
        }
    }

    public byte[] getBinary(int i) {
        return Native.atoll_object_get_binary(pointer(), keys[i]);
    }

    public void setBinary(int i, byte[] value) {
        if (value == null) {
            setNull(i);
        } else {
            Native.atoll_object_set_binary(pointer(), keys[i], value);
        }
    }

    public Date getDate(int i) {
        return isNull(i) ? null : Values.toDate(Native.atoll_object_get_timestamp(pointer(), keys[i]));
    }

    public void setDate(int i, Date value) {
        if (value == null) {
            setNull(i);
        } else {
            Native.atoll_object_set_timestamp(pointer(), keys[i], Values.fromDate(value));
        }
    }

    public UUID getUuid(int i) {
        byte[] bytes = isNull(i) ? null : Native.atoll_object_get_uuid(pointer(), keys[i]);
        return bytes == null ? null : Values.toUuid(bytes);
    }

    public void setUuid(int i, UUID value) {
        if (value == null) {
            setNull(i);
        } else {
            Native.atoll_object_set_uuid(pointer(), keys[i], Values.fromUuid(value));
        }
    }

    public ObjectId getObjectId(int i) {
        byte[] bytes = isNull(i) ? null : Native.atoll_object_get_object_id(pointer(), keys[i]);
        return bytes == null ? null : new ObjectId(bytes);
    }

    public void setObjectId(int i, ObjectId value) {
        if (value == null) {
            setNull(i);
        } else {
            Native.atoll_object_set_object_id(pointer(), keys[i], value.toByteArray());
        }
    }

    /** A property that is no object, no collection and not null, as the Java type that it is stored as. */
    public Object get(int i) {
        switch (type.properties[i].type) {
            case Constants.TYPE_BOOL:
                return getBoolean(i);
            case Constants.TYPE_INT:
                return getLong(i);
            case Constants.TYPE_FLOAT:
                return getFloat(i);
            case Constants.TYPE_DOUBLE:
                return getDouble(i);
            case Constants.TYPE_DECIMAL128:
                return getDecimal128(i);
            case Constants.TYPE_STRING:
                return getString(i);
            case Constants.TYPE_BINARY:
                return getBinary(i);
            case Constants.TYPE_TIMESTAMP:
                return getDate(i);
            case Constants.TYPE_UUID:
                return getUuid(i);
            case Constants.TYPE_OBJECT_ID:
                return getObjectId(i);
            default:
                throw new IllegalStateException("a property of type " + type.properties[i].type);
        }
    }

    /** Sets a property that is no object and no collection; the value is not null. */
    public void set(int i, Object value) {
        switch (type.properties[i].type) {
            case Constants.TYPE_BOOL:
                setBoolean(i, (Boolean) value);
                return;
            case Constants.TYPE_INT:
                Object number = value instanceof MutableRealmInteger ? ((MutableRealmInteger) value).get() : value;
                setLong(i, ((Number) number).longValue());
                return;
            case Constants.TYPE_FLOAT:
                setFloat(i, ((Number) value).floatValue());
                return;
            case Constants.TYPE_DECIMAL128:
                setDecimal128(i, (Decimal128) value);
                return;
            case Constants.TYPE_DOUBLE:
                setDouble(i, ((Number) value).doubleValue());
                return;
            case Constants.TYPE_STRING:
                setString(i, (String) value);
                return;
            case Constants.TYPE_BINARY:
                setBinary(i, (byte[]) value);
                return;
            case Constants.TYPE_TIMESTAMP:
                setDate(i, (Date) value);
                return;
            case Constants.TYPE_UUID:
                setUuid(i, (UUID) value);
                return;
            case Constants.TYPE_OBJECT_ID:
                setObjectId(i, (ObjectId) value);
                return;
            default:
                throw new IllegalStateException("a property of type " + type.properties[i].type);
        }
    }

    /** The linked or embedded object; null if there is none. */
    public Object getObject(int i) {
        long target = Native.atoll_object_get_object(pointer(), keys[i]);
        return target == 0 ? null : core.wrap(core.target(type.properties[i]), target).proxy();
    }

    /** A link takes a managed object; an embedded object is copied in. */
    public void setObject(int i, Object value) {
        Property property = type.properties[i];
        if (value == null) {
            setNull(i);
        } else if (property.type == Constants.TYPE_EMBEDDED) {
            new Importer(core, true).embed(this, i, value);
        } else if (!(value instanceof RealmObjectProxy)) {
            throw new IllegalArgumentException("'value' is not a valid managed object: give it to copyToRealm first");
        } else {
            Native.atoll_object_set_object(pointer(), keys[i], ((RealmObjectProxy) value).realmGet$object().pointer());
        }
    }

    public ManagedList list(int i) {
        return new ManagedList(core, type.properties[i], this, Native.atoll_object_get_list(pointer(), keys[i]));
    }

    public ManagedSet set(int i) {
        return new ManagedSet(core, type.properties[i], this, Native.atoll_object_get_set(pointer(), keys[i]));
    }

    public ManagedDictionary dictionary(int i) {
        return new ManagedDictionary(core, type.properties[i], this, Native.atoll_object_get_dictionary(pointer(), keys[i]));
    }

    public boolean sameAs(ManagedObject other) {
        return Native.atoll_object_equals(pointer(), other.pointer());
    }

    public int identityHash() {
        return Long.hashCode(Native.atoll_object_row(pointer())) * 31 + type.name.hashCode();
    }

    /** For a proxy's equals(): both live, in the same realm, the same object. */
    public static boolean equal(RealmObjectProxy a, Object b) {
        return a == b || b instanceof RealmObjectProxy && a.realmGet$object().sameAs(((RealmObjectProxy) b).realmGet$object());
    }
}
