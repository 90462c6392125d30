package io.atoll.processor;

import javax.lang.model.element.VariableElement;

/** One field of a model class, as it will be stored. */
final class ModelProperty {
    VariableElement element;
    String field;
    String name;
    String getter;
    String setter;
    /** The declared type as source, and the type of the value or of the collection's elements, boxed. */
    String declared;
    String value;
    /** A Constants.TYPE_ name. */
    String type;
    boolean nullable;
    /** A list, set or dictionary, and which: RealmList, RealmSet, RealmDictionary. */
    boolean list;
    String collection = "";
    /** A MutableRealmInteger. */
    boolean counter;
    /** Of @LinkingObjects: the field that links. */
    String origin;
    boolean key;
    boolean indexed;
    boolean fullText;

    boolean isObject() {
        return type.equals("TYPE_LINK") || type.equals("TYPE_EMBEDDED");
    }

    /** The word in ManagedObject.getX and setX. */
    String accessor() {
        switch (type) {
            case "TYPE_BOOL":
                return "Boolean";
            case "TYPE_INT":
                return "Long";
            case "TYPE_DOUBLE":
                return "Double";
            case "TYPE_FLOAT":
                return "Float";
            case "TYPE_DECIMAL128":
                return "Decimal128";
            case "TYPE_MIXED":
                return "Any";
            case "TYPE_STRING":
                return "String";
            case "TYPE_BINARY":
                return "Binary";
            case "TYPE_TIMESTAMP":
                return "Date";
            case "TYPE_UUID":
                return "Uuid";
            case "TYPE_OBJECT_ID":
                return "ObjectId";
            default:
                return "Object";
        }
    }

    boolean isNumber() {
        return type.equals("TYPE_INT") && !counter || type.equals("TYPE_FLOAT") || type.equals("TYPE_DOUBLE") || type.equals("TYPE_BOOL");
    }

    boolean isPrimitive() {
        return !list && isNumber() && !declared.equals(value);
    }

    String flags() {
        StringBuilder flags = new StringBuilder("0");
        add(flags, nullable, "NULLABLE");
        add(flags, collection.equals("RealmList"), "LIST");
        add(flags, collection.equals("RealmSet"), "SET");
        add(flags, collection.equals("RealmDictionary"), "DICTIONARY");
        add(flags, key, "PRIMARY_KEY");
        add(flags, indexed, "INDEXED");
        add(flags, fullText, "FULL_TEXT");
        return flags.toString();
    }

    private static void add(StringBuilder flags, boolean on, String name) {
        if (on) {
            flags.append(" | Constants.PROPERTY_").append(name);
        }
    }
}
