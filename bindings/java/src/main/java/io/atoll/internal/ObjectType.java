package io.atoll.internal;

/** A model class: what the annotation processor generates for it, and how objects of it are made, read and written. */
public abstract class ObjectType<T> {
    public final Class<T> model;
    public final String name;
    public final int kind;
    public final Property[] properties;
    public final int key;

    protected ObjectType(Class<T> model, String name, int kind, Property[] properties) {
        this.model = model;
        this.name = name;
        this.kind = kind;
        this.properties = properties;
        int found = -1;
        for (int i = 0; i < properties.length; i++) {
            if (properties[i].isKey()) {
                found = i;
            }
        }
        key = found;
    }

    /** A new object outside any realm. */
    public abstract T create();

    /** The live form of an object in a realm; null for asymmetric classes, which have none. */
    public abstract T manage(ManagedObject object);

    public abstract Object get(T object, int property);

    public abstract void set(T object, int property, Object value);

    /** The property of a Java field or of a stored name; -1 if there is none. */
    public int find(String fieldOrName) {
        for (int i = 0; i < properties.length; i++) {
            if (properties[i].field.equals(fieldOrName)) {
                return i;
            }
        }
        for (int i = 0; i < properties.length; i++) {
            if (properties[i].name.equals(fieldOrName)) {
                return i;
            }
        }
        return -1;
    }
}
