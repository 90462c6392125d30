package io.atoll.internal;

/** One stored property of a class, as the annotation processor found it. */
public final class Property {
    public final String field;
    public final String name;
    public final int type;
    public final int flags;
    /** The Java type of the value, or of the collection's elements: boxed for numbers. */
    public final Class<?> javaType;
    /** The class that it leads to, of a property without a model; null if the Java type says it. */
    public final String target;

    public Property(String field, String name, int type, int flags, Class<?> javaType) {
        this(field, name, type, flags, javaType, null);
    }

    public Property(String field, String name, int type, int flags, Class<?> javaType, String target) {
        this.field = field;
        this.name = name;
        this.type = type;
        this.flags = flags;
        this.javaType = javaType;
        this.target = target;
    }

    public boolean isList() {
        return (flags & Constants.PROPERTY_LIST) != 0;
    }

    public boolean isSet() {
        return (flags & Constants.PROPERTY_SET) != 0;
    }

    public boolean isDictionary() {
        return (flags & Constants.PROPERTY_DICTIONARY) != 0;
    }

    public boolean isKey() {
        return (flags & Constants.PROPERTY_PRIMARY_KEY) != 0;
    }

    public boolean isCollection() {
        return isList() || isSet() || isDictionary();
    }

    public boolean isNullable() {
        return (flags & Constants.PROPERTY_NULLABLE) != 0;
    }

    public boolean isObject() {
        return type == Constants.TYPE_LINK || type == Constants.TYPE_EMBEDDED;
    }
}
