package io.atoll.internal;

import io.atoll.MutableRealmInteger;
import io.atoll.RealmAny;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.UUID;
import org.bson.types.Decimal128;
import org.bson.types.ObjectId;

/** Java values as native ones, and back. */
public final class Values {
    private Values() {
    }

    /** A new native list with these values; the caller frees it. */
    public static long of(Object... values) {
        long list = Native.atoll_values_new();
        try {
            for (Object value : values) {
                add(list, value);
            }
        } catch (RuntimeException e) {
            Native.atoll_values_free(list);
            throw e;
        }
        return list;
    }

    /** The texts of a native list, which is freed; none of 0. */
    public static List<String> texts(long list) {
        List<String> texts = new ArrayList<>();
        if (list == 0) {
            return texts;
        }
        try {
            long count = Native.atoll_values_count(list);
            for (long i = 0; i < count; i++) {
                texts.add((String) read(list, i, String.class));
            }
            return texts;
        } finally {
            Native.atoll_values_free(list);
        }
    }

    public static void add(long list, Object value) {
        if (value == null) {
            Native.atoll_values_add_null(list);
        } else if (value instanceof Boolean) {
            Native.atoll_values_add_bool(list, (Boolean) value);
        } else if (value instanceof Float) {
            Native.atoll_values_add_float(list, (Float) value);
        } else if (value instanceof Double) {
            Native.atoll_values_add_double(list, (Double) value);
        } else if (value instanceof Decimal128) {
            Native.atoll_values_add_decimal128(list, ((Decimal128) value).toBytes());
        } else if (value instanceof RealmAny) {
            add(list, ((RealmAny) value).get());
        } else if (value instanceof MutableRealmInteger) {
            add(list, ((MutableRealmInteger) value).get());
        } else if (value instanceof Byte || value instanceof Short || value instanceof Integer || value instanceof Long) {
            Native.atoll_values_add_int(list, ((Number) value).longValue());
        } else if (value instanceof String) {
            Native.atoll_values_add_string(list, (String) value);
        } else if (value instanceof byte[]) {
            Native.atoll_values_add_binary(list, (byte[]) value);
        } else if (value instanceof Date) {
            Native.atoll_values_add_timestamp(list, fromDate((Date) value));
        } else if (value instanceof UUID) {
            Native.atoll_values_add_uuid(list, fromUuid((UUID) value));
        } else if (value instanceof ObjectId) {
            Native.atoll_values_add_object_id(list, ((ObjectId) value).toByteArray());
        } else if (value instanceof RealmObjectProxy) {
            Native.atoll_values_add_object(list, ((RealmObjectProxy) value).realmGet$object().pointer());
        } else if (value instanceof Collection || value instanceof Object[]) {
            addList(list, value);
        } else {
            throw new IllegalArgumentException("a value of type " + value.getClass().getName() + " can't be stored or queried");
        }
    }

    private static void addList(long list, Object value) {
        Object[] items = value instanceof Object[] ? (Object[]) value : ((Collection<?>) value).toArray();
        long nested = of(items);
        try {
            Native.atoll_values_add_list(list, nested);
        } finally {
            Native.atoll_values_free(nested);
        }
    }

    /** Value `index` as the Java type; numbers are narrowed as a cast does. */
    public static Object read(long list, long index, Class<?> javaType) {
        switch (Native.atoll_values_type(list, index)) {
            case Constants.TYPE_NULL:
                return null;
            case Constants.TYPE_BOOL:
                return Native.atoll_values_get_bool(list, index);
            case Constants.TYPE_INT:
                return narrow(Native.atoll_values_get_int(list, index), javaType);
            case Constants.TYPE_FLOAT:
                return Native.atoll_values_get_float(list, index);
            case Constants.TYPE_DOUBLE:
                double number = Native.atoll_values_get_double(list, index);
                return javaType == Float.class ? (Object) (float) number : (Object) number;
            case Constants.TYPE_DECIMAL128:
                return Decimal128.fromBytes(Native.atoll_values_get_decimal128(list, index));
            case Constants.TYPE_STRING:
                return Native.atoll_values_get_string(list, index);
            case Constants.TYPE_BINARY:
                return Native.atoll_values_get_binary(list, index);
            case Constants.TYPE_TIMESTAMP:
                return toDate(Native.atoll_values_get_timestamp(list, index));
            case Constants.TYPE_UUID:
                return toUuid(Native.atoll_values_get_uuid(list, index));
            case Constants.TYPE_OBJECT_ID:
                return new ObjectId(Native.atoll_values_get_object_id(list, index));
            default:
                throw new IllegalStateException("a value of this type has no Java form yet");
        }
    }

    private static Object narrow(long number, Class<?> javaType) {
        if (javaType == Integer.class) {
            return (int) number;
        } else if (javaType == Short.class) {
            return (short) number;
        } else if (javaType == Byte.class) {
            return (byte) number;
        }
        return number;
    }

    public static long[] fromDate(Date date) {
        long millis = date.getTime();
        return new long[] {Math.floorDiv(millis, 1000L), Math.floorMod(millis, 1000L) * 1000000};
    }

    public static Date toDate(long[] time) {
        return new Date(time[0] * 1000 + time[1] / 1000000);
    }

    public static byte[] fromUuid(UUID uuid) {
        return ByteBuffer.allocate(16).putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits()).array();
    }

    public static UUID toUuid(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new UUID(buffer.getLong(), buffer.getLong());
    }
}
