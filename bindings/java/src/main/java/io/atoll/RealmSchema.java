package io.atoll;

import io.atoll.internal.Errors;
import io.atoll.internal.ObjectType;
import io.atoll.internal.RealmCore;
import java.util.LinkedHashSet;
import java.util.Set;

/** The classes of a realm. In a migration they can be changed. */
public final class RealmSchema {
    private final RealmCore core;
    private final MigrationView view; // null: nothing changes.

    RealmSchema(RealmCore core, MigrationView view) {
        this.core = core;
        this.view = view;
    }

    static RealmSchema of(RealmCore core) {
        return new RealmSchema(core, null);
    }

    /** Null if there is no such class. */
    public RealmObjectSchema get(String className) {
        if (className == null || className.isEmpty()) {
            throw new IllegalArgumentException("Null or empty class names are not allowed");
        }
        if (view != null) {
            return view.classNames().contains(className) ? new RealmObjectSchema(className, view.typeOf(className), view) : null;
        }
        ObjectType<?> type = core.typeNamed(className);
        return type == null ? null : new RealmObjectSchema(className, type, null);
    }

    public Set<RealmObjectSchema> getAll() {
        Set<RealmObjectSchema> all = new LinkedHashSet<>();
        if (view != null) {
            for (String name : view.classNames()) {
                all.add(get(name));
            }
            return all;
        }
        for (ObjectType<?> type : core.types()) {
            all.add(get(type.name));
        }
        return all;
    }

    public boolean contains(String className) {
        return get(className) != null;
    }

    private MigrationView changeable() {
        if (view == null) {
            throw new UnsupportedOperationException("This schema is immutable: classes change in a RealmMigration");
        }
        return view;
    }

    /** Names a class that a model class of the configuration brings; its fields are added to it. */
    public RealmObjectSchema create(String className) {
        changeable().addClass(className);
        return get(className);
    }

    /** The same, for a class with a primary key. */
    public RealmObjectSchema createWithPrimaryKeyField(String className, String primaryKeyFieldName, Class<?> fieldType,
            FieldAttribute... attributes) {
        return create(className).addField(primaryKeyFieldName, fieldType, attributes);
    }

    public RealmObjectSchema rename(String oldClassName, String newClassName) {
        changeable();
        throw Errors.notSupported("renaming a class in a migration; create the new class and copy its objects");
    }

    /** Removes a class with its objects. */
    public void remove(String className) {
        changeable().removeClass(className);
    }
}
