package io.atoll;

import io.atoll.internal.Constants;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.Native;
import io.atoll.internal.ObjectType;
import io.atoll.internal.Property;
import io.atoll.internal.RealmCore;

/** A realm with the classes that it has stored, read and written by the names of classes and fields. */
public final class DynamicRealm extends BaseRealm {
    /** Work inside a transaction. */
    public interface Transaction {
        void execute(DynamicRealm realm);
    }

    /** Set while a migration runs: it says which fields there are. */
    MigrationView view;

    private DynamicRealm(RealmConfiguration configuration) {
        super(configuration);
    }

    /** Opens it as it is; its schema version and model classes do not matter. Each instance is closed for itself. */
    public static DynamicRealm getInstance(RealmConfiguration configuration) {
        if (configuration == null) {
            throw new IllegalArgumentException("A non-null RealmConfiguration must be provided");
        }
        long config = configuration.nativeConfig(false);
        try {
            DynamicRealm realm = of(configuration, Native.atoll_realm_open(config));
            realm.core.watch();
            return realm;
        } finally {
            Native.atoll_config_free(config);
        }
    }

    /** Takes an open native realm over. */
    static DynamicRealm of(RealmConfiguration configuration, long opened) {
        DynamicRealm realm = new DynamicRealm(configuration);
        boolean done = false;
        try {
            realm.use(new RealmCore(realm, DynamicType.read(opened), opened));
            done = true;
        } finally {
            if (!done) {
                Native.atoll_realm_close(opened);
                Native.atoll_realm_free(opened);
            }
        }
        return realm;
    }

    @Override
    public void close() {
        core.close();
    }

    @Override
    public DynamicRealm freeze() {
        if (core.frozen) {
            return this;
        }
        DynamicRealm frozen = new DynamicRealm(configuration);
        frozen.use(new RealmCore(frozen, core));
        return frozen;
    }

    @Override
    public RealmSchema getSchema() {
        return view == null ? RealmSchema.of(core) : new RealmSchema(core, view);
    }

    /** The type of a class that may have objects here. */
    ObjectType<?> type(String className) {
        ObjectType<?> type = className == null ? null : core.typeNamed(className);
        if (type == null) {
            throw new IllegalArgumentException("Class does not exist in the Realm and cannot be queried: " + className);
        }
        return type;
    }

    /** All or nothing: what the work throws rolls everything back and is thrown on. */
    public void executeTransaction(final Transaction transaction) {
        if (transaction == null) {
            throw new IllegalArgumentException("Transaction should not be null");
        }
        transact(new Runnable() {
            @Override
            public void run() {
                transaction.execute(DynamicRealm.this);
            }
        });
    }

    // ---------- objects ----------

    /** A new object; its fields have their zero values. */
    public DynamicRealmObject createObject(String className) {
        return createObject(className, null);
    }

    public DynamicRealmObject createObject(String className, Object primaryKeyValue) {
        ObjectType<?> type = type(className);
        if (type.key >= 0 && primaryKeyValue == null) {
            throw new IllegalArgumentException(className + " has a primary key: use createObject(String, Object)");
        }
        return (DynamicRealmObject) core.create(type, primaryKeyValue).proxy();
    }

    /** A new embedded object in a property of its parent: it replaces what was there, or is appended to a list. */
    public DynamicRealmObject createEmbeddedObject(String className, DynamicRealmObject parent, String parentProperty) {
        ManagedObject owner = RealmObject.managed(parent);
        int i = owner.type.find(parentProperty);
        Property property = i < 0 ? null : owner.type.properties[i];
        if (property == null || property.type != Constants.TYPE_EMBEDDED || !property.target.equals(className)) {
            throw new IllegalArgumentException(owner.type.name + " has no property \"" + parentProperty + "\" for objects of " + className);
        }
        return (DynamicRealmObject) core.embed(owner, i).proxy();
    }

    @SuppressWarnings("unchecked")
    public RealmQuery<DynamicRealmObject> where(String className) {
        return new RealmQuery<>(this, (ObjectType<DynamicRealmObject>) type(className));
    }

    /** Deletes all objects of a class. */
    public void delete(String className) {
        Native.atoll_realm_delete_class(core.pointer(), core.classKey(type(className)));
    }

    public void deleteAll() {
        for (ObjectType<?> type : core.types()) {
            if (type.kind == Constants.CLASS_NORMAL) {
                delete(type.name);
            }
        }
    }

    @Override
    public boolean isEmpty() {
        for (ObjectType<?> type : core.types()) {
            if (type.kind == Constants.CLASS_NORMAL && where(type.name).count() > 0) {
                return false;
            }
        }
        return true;
    }

    public void addChangeListener(RealmChangeListener<DynamicRealm> listener) {
        observe(this, listener);
    }

    public void removeChangeListener(RealmChangeListener<DynamicRealm> listener) {
        listeners.remove(this, listener);
    }
}
