package io.atoll;

import io.atoll.internal.Constants;
import io.atoll.internal.Property;

/** What a stored field holds. */
public enum RealmFieldType {
    INTEGER, BOOLEAN, STRING, BINARY, DATE, FLOAT, DOUBLE, OBJECT, DECIMAL128, OBJECT_ID, UUID, MIXED,
    LIST, INTEGER_LIST, BOOLEAN_LIST, STRING_LIST, BINARY_LIST, DATE_LIST, FLOAT_LIST, DOUBLE_LIST, DECIMAL128_LIST,
    OBJECT_ID_LIST, UUID_LIST, MIXED_LIST,
    LINK_SET, INTEGER_SET, BOOLEAN_SET, STRING_SET, BINARY_SET, DATE_SET, FLOAT_SET, DOUBLE_SET, DECIMAL128_SET,
    OBJECT_ID_SET, UUID_SET, MIXED_SET,
    STRING_TO_LINK_MAP, STRING_TO_INTEGER_MAP, STRING_TO_BOOLEAN_MAP, STRING_TO_STRING_MAP, STRING_TO_BINARY_MAP,
    STRING_TO_DATE_MAP, STRING_TO_FLOAT_MAP, STRING_TO_DOUBLE_MAP, STRING_TO_DECIMAL128_MAP, STRING_TO_OBJECT_ID_MAP,
    STRING_TO_UUID_MAP, STRING_TO_MIXED_MAP;

    static RealmFieldType of(Property property) {
        String element = element(property.type);
        boolean object = element.equals("OBJECT");
        if (property.isList()) {
            return object ? LIST : valueOf(element + "_LIST");
        } else if (property.isSet()) {
            return object ? LINK_SET : valueOf(element + "_SET");
        } else if (property.isDictionary()) {
            return valueOf("STRING_TO_" + (object ? "LINK" : element) + "_MAP");
        }
        return valueOf(element);
    }

    private static String element(int type) {
        switch (type) {
            case Constants.TYPE_BOOL:
                return "BOOLEAN";
            case Constants.TYPE_INT:
                return "INTEGER";
            case Constants.TYPE_FLOAT:
                return "FLOAT";
            case Constants.TYPE_DOUBLE:
                return "DOUBLE";
            case Constants.TYPE_DECIMAL128:
                return "DECIMAL128";
            case Constants.TYPE_STRING:
                return "STRING";
            case Constants.TYPE_BINARY:
                return "BINARY";
            case Constants.TYPE_TIMESTAMP:
                return "DATE";
            case Constants.TYPE_UUID:
                return "UUID";
            case Constants.TYPE_OBJECT_ID:
                return "OBJECT_ID";
            case Constants.TYPE_MIXED:
                return "MIXED";
            default:
                return "OBJECT";
        }
    }
}
