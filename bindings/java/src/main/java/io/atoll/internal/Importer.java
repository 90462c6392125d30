package io.atoll.internal;

import io.atoll.MutableRealmInteger;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Copies objects, and all that they link to, into a realm; each object of one graph once. */
public final class Importer {
    private final RealmCore core;
    private final boolean update;
    private final Map<Object, ManagedObject> done = new IdentityHashMap<>();

    /** With `update` an object whose key exists is overwritten; without it that is an error. */
    public Importer(RealmCore core, boolean update) {
        this.core = core;
        this.update = update;
    }

    /** A managed object of this realm is itself; any other is copied. */
    @SuppressWarnings("unchecked")
    public ManagedObject importObject(Object object) {
        if (object == null) {
            throw new IllegalArgumentException("null is no object to copy");
        }
        if (object instanceof RealmObjectProxy && ((RealmObjectProxy) object).realmGet$object().core == core) {
            return ((RealmObjectProxy) object).realmGet$object();
        }
        ManagedObject known = done.get(object);
        if (known != null) {
            return known;
        }
        ObjectType<Object> type = Models.of((Class<Object>) object.getClass());
        if (type.kind == Constants.CLASS_EMBEDDED) {
            throw new IllegalArgumentException(type.name + " is embedded: it is copied with the object that holds it");
        }
        if (update && type.key >= 0 && type.kind == Constants.CLASS_NORMAL) {
            ManagedObject found = core.find(type, type.get(object, type.key));
            if (found != null) {
                done.put(object, found);
                fill(found, object, false);
                return found;
            }
        }
        ManagedObject made = core.create(type, type.key < 0 ? null : type.get(object, type.key));
        done.put(object, made);
        fill(made, object, true);
        return made;
    }

    /** Writes every property but the key. A fresh object is empty, so that null and empty need no write there. */
    @SuppressWarnings("unchecked")
    public void fill(ManagedObject target, Object source, boolean fresh) {
        ObjectType<Object> type = (ObjectType<Object>) target.type;
        if (!type.model.isInstance(source)) {
            throw new IllegalArgumentException("expected an object of " + type.name + ", got " + source);
        }
        for (int i = 0; i < type.properties.length; i++) {
            if (i != type.key) {
                write(target, i, type.get(source, i), fresh);
            }
        }
    }

    static void checkUnowned(RealmCore core, Object value) {
        if (value instanceof RealmObjectProxy && ((RealmObjectProxy) value).realmGet$object().core == core) {
            throw new IllegalArgumentException("an embedded object has exactly one parent: give an unmanaged one");
        }
    }

    void embed(ManagedObject owner, int i, Object value) {
        Property property = owner.type.properties[i];
        checkUnowned(core, value);
        long made = Native.atoll_object_create_embedded(owner.pointer(), owner.propertyKey(i));
        fill(core.wrap(core.target(property), made), value, true);
    }

    private void write(ManagedObject target, int i, Object value, boolean fresh) {
        Property property = target.type.properties[i];
        if (value instanceof MutableRealmInteger) {
            value = ((MutableRealmInteger) value).get();
        }
        if (property.isList()) {
            writeList(target, i, (List<?>) value, fresh);
        } else if (property.isSet()) {
            writeSet(target, i, (Set<?>) value, fresh);
        } else if (property.isDictionary()) {
            writeDictionary(target, i, (Map<?, ?>) value, fresh);
        } else if (property.type == Constants.TYPE_MIXED) {
            target.setAny(i, value, this);
        } else if (value == null) {
            // A required property without a value keeps its zero value, as an unset field of a number type does.
            if (!fresh && (property.flags & Constants.PROPERTY_NULLABLE) == 0) {
                throw new IllegalArgumentException(target.type.name + "." + property.field + " is required and can't be null");
            } else if (!fresh) {
                target.setNull(i);
            }
        } else if (property.type == Constants.TYPE_EMBEDDED) {
            embed(target, i, value);
        } else if (property.type == Constants.TYPE_LINK) {
            Native.atoll_object_set_object(target.pointer(), target.propertyKey(i), importObject(value).pointer());
        } else {
            target.set(i, value);
        }
    }

    private void writeSet(ManagedObject target, int i, Set<?> items, boolean fresh) {
        if (fresh && (items == null || items.isEmpty())) {
            return;
        }
        ManagedSet set = target.set(i);
        if (!fresh) {
            set.clear();
        }
        if (items != null) {
            for (Object item : items) {
                set.add(item, this);
            }
        }
    }

    private void writeDictionary(ManagedObject target, int i, Map<?, ?> items, boolean fresh) {
        if (fresh && (items == null || items.isEmpty())) {
            return;
        }
        ManagedDictionary dictionary = target.dictionary(i);
        if (!fresh) {
            dictionary.clear();
        }
        if (items != null) {
            for (Map.Entry<?, ?> item : items.entrySet()) {
                dictionary.put((String) item.getKey(), item.getValue(), this);
            }
        }
    }

    private void writeList(ManagedObject target, int i, List<?> items, boolean fresh) {
        if (fresh && (items == null || items.isEmpty())) {
            return;
        }
        ManagedList list = target.list(i);
        if (!fresh) {
            list.clear();
        }
        int index = 0;
        if (items != null) {
            for (Object item : items) {
                list.insert(index++, item, this);
            }
        }
    }
}
