package io.atoll;

import io.atoll.internal.ManagedDictionary;
import io.atoll.internal.ManagedList;
import io.atoll.internal.RealmObjectProxy;
import java.util.Arrays;
import java.util.Date;
import java.util.UUID;
import org.bson.types.Decimal128;
import org.bson.types.ObjectId;

/** One value of any type, immutable; null is one of its values. */
public final class RealmAny {
    /** What a value is. */
    public enum Type {
        INTEGER(Long.class), BOOLEAN(Boolean.class), STRING(String.class), BINARY(byte[].class), DATE(Date.class),
        FLOAT(Float.class), DOUBLE(Double.class), DECIMAL128(Decimal128.class), OBJECT_ID(ObjectId.class),
        OBJECT(RealmModel.class), UUID(UUID.class), LIST(RealmList.class), DICTIONARY(RealmDictionary.class), NULL(null);

        private final Class<?> typedClass;

        Type(Class<?> typedClass) {
            this.typedClass = typedClass;
        }

        public Class<?> getTypedClass() {
            return typedClass;
        }
    }

    private static final RealmAny NONE = new RealmAny(Type.NULL, null);
    private final Type type;
    private final Object value;

    private RealmAny(Type type, Object value) {
        this.type = value == null ? Type.NULL : type;
        this.value = value;
    }

    public static RealmAny nullValue() {
        return NONE;
    }

    public static RealmAny valueOf(Byte value) {
        return new RealmAny(Type.INTEGER, value == null ? null : (Long) value.longValue());
    }

    public static RealmAny valueOf(Short value) {
        return new RealmAny(Type.INTEGER, value == null ? null : (Long) value.longValue());
    }

    public static RealmAny valueOf(Integer value) {
        return new RealmAny(Type.INTEGER, value == null ? null : (Long) value.longValue());
    }

    public static RealmAny valueOf(Long value) {
        return new RealmAny(Type.INTEGER, value);
    }

    public static RealmAny valueOf(Boolean value) {
        return new RealmAny(Type.BOOLEAN, value);
    }

    public static RealmAny valueOf(String value) {
        return new RealmAny(Type.STRING, value);
    }

    public static RealmAny valueOf(byte[] value) {
        return new RealmAny(Type.BINARY, value);
    }

    public static RealmAny valueOf(Date value) {
        return new RealmAny(Type.DATE, value);
    }

    public static RealmAny valueOf(Float value) {
        return new RealmAny(Type.FLOAT, value);
    }

    public static RealmAny valueOf(Double value) {
        return new RealmAny(Type.DOUBLE, value);
    }

    public static RealmAny valueOf(Decimal128 value) {
        return new RealmAny(Type.DECIMAL128, value);
    }

    public static RealmAny valueOf(ObjectId value) {
        return new RealmAny(Type.OBJECT_ID, value);
    }

    public static RealmAny valueOf(UUID value) {
        return new RealmAny(Type.UUID, value);
    }

    public static RealmAny valueOf(RealmModel value) {
        return new RealmAny(Type.OBJECT, value);
    }

    /** A list of values of any type, also of lists and dictionaries; that of a stored value is live. */
    public static RealmAny valueOf(RealmList<RealmAny> value) {
        return new RealmAny(Type.LIST, value);
    }

    public static RealmAny valueOf(RealmDictionary<RealmAny> value) {
        return new RealmAny(Type.DICTIONARY, value);
    }

    /** For the library's own packages: from any value that can be stored. */
    public static RealmAny of(Object value) {
        if (value == null) {
            return NONE;
        } else if (value instanceof ManagedList) {
            return valueOf(new RealmList<RealmAny>((ManagedList) value));
        } else if (value instanceof ManagedDictionary) {
            return valueOf(new RealmDictionary<RealmAny>((ManagedDictionary) value));
        } else if (value instanceof RealmModel) {
            return valueOf((RealmModel) value);
        }
        for (Type type : Type.values()) {
            if (type.typedClass != null && type.typedClass.isInstance(value)) {
                return new RealmAny(type, value);
            }
        }
        throw new IllegalArgumentException("a RealmAny can't hold a " + value.getClass().getName());
    }

    public Type getType() {
        return type;
    }

    public boolean isNull() {
        return type == Type.NULL;
    }

    /** For the library's own packages: the value as it is. */
    public Object get() {
        return value;
    }

    private <T> T as(Class<T> wanted) {
        if (value != null && !wanted.isInstance(value)) {
            throw new ClassCastException("RealmAny contains a " + type + " value but expected a " + wanted.getSimpleName());
        }
        return wanted.cast(value);
    }

    public Byte asByte() {
        Long number = as(Long.class);
        return number == null ? null : (Byte) number.byteValue();
    }

    public Short asShort() {
        Long number = as(Long.class);
        return number == null ? null : (Short) number.shortValue();
    }

    public Integer asInteger() {
        Long number = as(Long.class);
        return number == null ? null : (Integer) number.intValue();
    }

    public Long asLong() {
        return as(Long.class);
    }

    public Boolean asBoolean() {
        return as(Boolean.class);
    }

    public String asString() {
        return as(String.class);
    }

    public byte[] asBinary() {
        return as(byte[].class);
    }

    public Date asDate() {
        return as(Date.class);
    }

    public Float asFloat() {
        return as(Float.class);
    }

    public Double asDouble() {
        return as(Double.class);
    }

    public Decimal128 asDecimal128() {
        return as(Decimal128.class);
    }

    public ObjectId asObjectId() {
        return as(ObjectId.class);
    }

    public UUID asUUID() {
        return as(UUID.class);
    }

    @SuppressWarnings("unchecked")
    public RealmList<RealmAny> asList() {
        return as(RealmList.class);
    }

    @SuppressWarnings("unchecked")
    public RealmDictionary<RealmAny> asDictionary() {
        return as(RealmDictionary.class);
    }

    public <T extends RealmModel> T asRealmModel(Class<T> model) {
        return as(model);
    }

    /** The model class of an object; otherwise the class of the value. */
    public Class<?> getValueClass() {
        if (value instanceof RealmObjectProxy) {
            return ((RealmObjectProxy) value).realmGet$object().type.model;
        }
        return value == null ? null : value.getClass();
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof RealmAny) || ((RealmAny) other).type != type) {
            return false;
        }
        Object its = ((RealmAny) other).value;
        return type == Type.BINARY ? Arrays.equals((byte[]) value, (byte[]) its) : value == null || value.equals(its);
    }

    @Override
    public int hashCode() {
        return type == Type.BINARY ? Arrays.hashCode((byte[]) value) : value == null ? 0 : value.hashCode();
    }

    @Override
    public String toString() {
        return "RealmAny{" + type + (value == null ? "}" : ", " + value + "}");
    }
}
