package io.atoll;

import io.atoll.exceptions.RealmMigrationNeededException;
import io.atoll.internal.Constants;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.Native;
import io.atoll.internal.ObjectType;
import io.atoll.internal.Property;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.bson.types.Decimal128;
import org.bson.types.ObjectId;

/**
 * The classes as a migration changes them, step by step from the stored ones to the models'. A field leads to the property of
 * the new realm, once that has it; before, to the old realm, and what is set there is kept until the field gets a
 * name that the new realm knows. A row has one number in both realms.
 */
final class MigrationView {
    /** Where the values of one field are. */
    private static final class Slot {
        Property shape;
        int now = -1; // The property in the new realm.
        int then = -1; // The property in the old one.
        final Map<Long, Object> kept = new HashMap<>();
    }

    private static final class Fields {
        ObjectType<?> fresh;
        ObjectType<?> old;
        final Map<String, Slot> slots = new LinkedHashMap<>();
    }

    final long migration;
    final DynamicRealm before;
    final DynamicRealm after;
    private final Map<String, Fields> classes = new LinkedHashMap<>();

    MigrationView(long migration, DynamicRealm before, DynamicRealm after) {
        this.migration = migration;
        this.before = before;
        this.after = after;
        for (ObjectType<?> old : before.core.types()) {
            Fields fields = new Fields();
            fields.old = old;
            fields.fresh = after.core.typeNamed(old.name);
            for (int i = 0; i < old.properties.length; i++) {
                Slot slot = new Slot();
                slot.shape = old.properties[i];
                slot.then = i;
                slot.now = same(fields.fresh, old.properties[i].name, slot.shape);
                fields.slots.put(old.properties[i].name, slot);
            }
            classes.put(old.name, fields);
        }
    }

    private static int same(ObjectType<?> type, String name, Property shape) {
        int i = type == null ? -1 : type.find(name);
        return i >= 0 && sameShape(type.properties[i], shape) ? i : -1;
    }

    private static boolean sameShape(Property a, Property b) {
        int collection = Constants.PROPERTY_LIST | Constants.PROPERTY_SET | Constants.PROPERTY_DICTIONARY;
        boolean target = a.target == null ? b.target == null : a.target.equals(b.target);
        return a.type == b.type && target && (a.flags & collection) == (b.flags & collection);
    }

    /** Errors: RealmMigrationNeededException for what was set and would be lost, because no model has the field. */
    void checkComplete() {
        List<String> lost = new ArrayList<>();
        for (Map.Entry<String, Fields> item : classes.entrySet()) {
            for (Map.Entry<String, Slot> field : item.getValue().slots.entrySet()) {
                Slot slot = field.getValue();
                if (slot.now < 0 && (slot.then < 0 || !slot.kept.isEmpty())) {
                    lost.add(item.getKey() + "." + field.getKey());
                }
            }
        }
        if (!lost.isEmpty()) {
            String message = "after the migration the model classes lack " + lost + ", or have them with another type: rename or remove them";
            throw new RealmMigrationNeededException(Constants.ERROR_MIGRATION_REQUIRED, message, null);
        }
    }

    // ---------- classes ----------

    List<String> classNames() {
        return new ArrayList<>(classes.keySet());
    }

    private Fields fields(String className) {
        Fields fields = classes.get(className);
        if (fields == null) {
            throw new IllegalArgumentException("The class " + className + " doesn't exist in this Realm.");
        }
        return fields;
    }

    ObjectType<?> typeOf(String className) {
        Fields fields = fields(className);
        return fields.fresh == null ? fields.old : fields.fresh;
    }

    void addClass(String className) {
        if (classes.containsKey(className)) {
            throw new IllegalArgumentException("Class already exists: " + className);
        }
        Fields fields = new Fields();
        fields.fresh = after.core.typeNamed(className);
        if (fields.fresh == null) {
            throw new IllegalArgumentException("No model class of the configuration is stored as \"" + className + "\"");
        }
        classes.put(className, fields);
    }

    void removeClass(String className) {
        Fields fields = fields(className);
        boolean modelled = false;
        for (ObjectType<?> model : after.configuration.types()) {
            modelled |= model.name.equals(className);
        }
        if (modelled) {
            after.delete(fields.fresh.name);
        } else {
            Native.atoll_migration_remove_class(migration, className);
        }
        classes.remove(className);
    }

    // ---------- fields ----------

    Set<String> names(String className) {
        return fields(className).slots.keySet();
    }

    private Slot slot(String className, String field) {
        Slot slot = fields(className).slots.get(field);
        if (slot == null) {
            throw new IllegalArgumentException("Field does not exist in '" + className + "' now: " + field);
        }
        return slot;
    }

    Property shape(String className, String field) {
        return slot(className, field).shape;
    }

    void addField(String className, String field, Property shape) {
        Fields fields = fields(className);
        if (fields.slots.containsKey(field)) {
            throw new IllegalArgumentException("Field already exists in '" + className + "': " + field);
        }
        Slot slot = new Slot();
        slot.now = same(fields.fresh, field, shape);
        slot.shape = slot.now < 0 ? shape : fields.fresh.properties[slot.now];
        if (slot.now >= 0 && same(fields.old, field, shape) >= 0) { // Removed and added anew: not the old values.
            for (DynamicRealmObject object : rows(fields)) {
                DynamicType.write(object.realmGet$object(), slot.now, zero(slot.shape));
            }
        }
        fields.slots.put(field, slot);
    }

    void removeField(String className, String field) {
        slot(className, field);
        fields(className).slots.remove(field);
    }

    void renameField(String className, String from, String to) {
        Fields fields = fields(className);
        Slot slot = slot(className, from);
        if (fields.slots.containsKey(to)) {
            throw new IllegalArgumentException("Field already exists in '" + className + "': " + to);
        }
        int target = fields.fresh == null ? -1 : fields.fresh.find(to);
        if (target >= 0 && !sameShape(fields.fresh.properties[target], slot.shape)) {
            throw new IllegalArgumentException("'" + from + "' is a " + RealmFieldType.of(slot.shape) + ", but the model's '" + to
                    + "' is a " + RealmFieldType.of(fields.fresh.properties[target]) + ": add a field and transform the values");
        }
        if (target >= 0) {
            move(className, fields, slot, target);
            slot.kept.clear();
            slot.now = target;
            slot.shape = fields.fresh.properties[target];
        }
        fields.slots.remove(from);
        fields.slots.put(to, slot);
    }

    private void move(String className, Fields fields, Slot slot, int target) {
        String to = fields.fresh.properties[target].name;
        boolean whole = slot.now < 0 && slot.then >= 0 && slot.kept.isEmpty() && fields.old.find(to) < 0
                && fields.fresh.find(fields.old.properties[slot.then].name) < 0;
        if (whole) {
            Native.atoll_migration_rename_property(migration, className, fields.old.properties[slot.then].name, to);
            return;
        }
        for (DynamicRealmObject object : rows(fields)) {
            Object value = read(object.realmGet$object(), slot);
            if (value != null || fields.fresh.properties[target].isNullable()) {
                DynamicType.write(object.realmGet$object(), target, value);
            }
        }
    }

    private List<DynamicRealmObject> rows(Fields fields) {
        List<DynamicRealmObject> found = new ArrayList<>();
        for (DynamicRealmObject object : after.where(fields.fresh.name).findAll()) {
            found.add(object);
        }
        return found;
    }

    // ---------- values ----------

    Object read(ManagedObject object, String field) {
        return read(object, slot(object.type.name, field));
    }

    private Object read(ManagedObject object, Slot slot) {
        if (slot.now >= 0) {
            return DynamicType.read(object, slot.now);
        }
        long row = Native.atoll_object_row(object.pointer());
        if (slot.kept.containsKey(row)) {
            return slot.kept.get(row);
        }
        ManagedObject old = slot.then < 0 ? null : old(object, row);
        return old == null ? zero(slot.shape) : portable(DynamicType.read(old, slot.then));
    }

    void write(ManagedObject object, String field, Object value) {
        Slot slot = slot(object.type.name, field);
        if (slot.now >= 0) {
            DynamicType.write(object, slot.now, value);
        } else {
            slot.kept.put(Native.atoll_object_row(object.pointer()), value);
        }
    }

    // The object as it was; null for one that the migration made.
    private ManagedObject old(ManagedObject object, long row) {
        if (object.core == before.core) {
            return object;
        }
        ObjectType<?> type = before.core.typeNamed(object.type.name);
        try {
            return before.core.wrap(type, Native.atoll_realm_object(before.core.pointer(), before.core.classKey(type), row));
        } catch (IllegalStateException e) { // OBJECT_INVALID
            return null;
        }
    }

    // What was read from the old realm, so that it can be stored in the new one.
    private Object portable(Object value) {
        if (value instanceof DynamicRealmObject) {
            ManagedObject old = ((DynamicRealmObject) value).realmGet$object();
            long found = Native.atoll_migration_find_new(migration, old.pointer());
            return found == 0 ? value : after.core.wrap(after.core.typeNamed(old.type.name), found).proxy();
        } else if (value instanceof RealmList) {
            RealmList<Object> copy = new RealmList<>();
            for (Object item : (RealmList<?>) value) {
                copy.add(portable(item));
            }
            return copy;
        } else if (value instanceof RealmSet) {
            RealmSet<Object> copy = new RealmSet<>();
            for (Object item : (RealmSet<?>) value) {
                copy.add(portable(item));
            }
            return copy;
        } else if (value instanceof RealmDictionary) {
            RealmDictionary<Object> copy = new RealmDictionary<>();
            for (Map.Entry<String, ?> item : ((RealmDictionary<?>) value).entrySet()) {
                copy.put(item.getKey(), portable(item.getValue()));
            }
            return copy;
        } else if (value instanceof RealmAny) {
            return RealmAny.of(portable(((RealmAny) value).get()));
        }
        return value;
    }

    /** What a new field holds. */
    private static Object zero(Property shape) {
        if (shape.isList()) {
            return new RealmList<Object>();
        } else if (shape.isSet()) {
            return new RealmSet<Object>();
        } else if (shape.isDictionary()) {
            return new RealmDictionary<Object>();
        } else if (shape.isNullable()) {
            return null;
        }
        switch (shape.type) {
            case Constants.TYPE_BOOL:
                return false;
            case Constants.TYPE_INT:
                return 0L;
            case Constants.TYPE_FLOAT:
                return 0f;
            case Constants.TYPE_DOUBLE:
                return 0d;
            case Constants.TYPE_STRING:
                return "";
            case Constants.TYPE_BINARY:
                return new byte[0];
            case Constants.TYPE_TIMESTAMP:
                return new Date(0);
            case Constants.TYPE_DECIMAL128:
                return Decimal128.parse("0");
            case Constants.TYPE_UUID:
                return new UUID(0, 0);
            case Constants.TYPE_OBJECT_ID:
                return new ObjectId(new byte[12]);
            case Constants.TYPE_MIXED:
                return RealmAny.nullValue();
            default:
                return null;
        }
    }
}
