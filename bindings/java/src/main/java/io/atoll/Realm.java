package io.atoll;

import io.atoll.exceptions.RealmFileException;
import io.atoll.internal.Constants;
import io.atoll.internal.Importer;
import io.atoll.internal.Library;
import io.atoll.internal.Loop;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.Models;
import io.atoll.internal.Native;
import io.atoll.internal.ObjectType;
import io.atoll.internal.Property;
import io.atoll.internal.RealmCore;
import io.atoll.internal.RealmObjectProxy;
import io.atoll.mongodb.sync.SubscriptionSet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;

/**
 * An opened realm. It and what comes from it belong to the thread that opened it; within a thread, all instances of one
 * configuration are the same, and it closes with the last close().
 */
public final class Realm extends BaseRealm {
    /** Work inside a transaction. */
    public interface Transaction {
        void execute(Realm realm);

        /** Told that it was committed. */
        interface OnSuccess {
            void onSuccess();
        }

        /** Told that it was rolled back, and why. */
        interface OnError {
            void onError(Throwable error);
        }
    }

    private static final ThreadLocal<Map<String, Realm>> OPEN = new ThreadLocal<Map<String, Realm>>() {
        @Override
        protected Map<String, Realm> initialValue() {
            return new HashMap<>();
        }
    };
    private static final ExecutorService BACKGROUND = Executors.newCachedThreadPool(new ThreadFactory() {
        @Override
        public Thread newThread(Runnable work) {
            Thread thread = new Thread(work, "atoll-transaction");
            thread.setDaemon(true);
            return thread;
        }
    });
    private static RealmConfiguration defaultConfiguration;

    private int references;

    private Realm(RealmConfiguration configuration) {
        super(configuration);
        long config = configuration.nativeConfig();
        try {
            compactOnLaunch(config);
            Migrations.run(configuration, config, configuration.getMigration());
            use(new RealmCore(this, config, configuration.types()));
            core.watch();
        } finally {
            Native.atoll_config_free(config);
        }
    }

    private Realm(Realm live) {
        super(live.configuration);
        use(new RealmCore(this, live.core));
        references = 1;
    }

    private void compactOnLaunch(long config) {
        CompactOnLaunchCallback callback = configuration.getCompactOnLaunchCallback();
        boolean wanted = false;
        try {
            wanted = callback != null
                    && callback.shouldCompact(Native.atoll_realm_file_size(config), Native.atoll_realm_used_size(config));
        } catch (RealmFileException e) {
            // A realm that is new or open has nothing to compact now.
            if (e.getCode() != Constants.ERROR_FILE_NOT_FOUND && e.getCode() != Constants.ERROR_FILE_IN_USE) {
                throw e;
            }
        }
        if (wanted) {
            Native.atoll_realm_compact(config);
        }
    }

    // ---------- opening ----------

    /** Accepted for source compatibility; nothing needs to be initialised. */
    public static void init(Object context) {
        Library.load();
    }

    public static synchronized void setDefaultConfiguration(RealmConfiguration configuration) {
        defaultConfiguration = configuration;
    }

    public static synchronized RealmConfiguration getDefaultConfiguration() {
        if (defaultConfiguration == null) {
            defaultConfiguration = new RealmConfiguration.Builder().build();
        }
        return defaultConfiguration;
    }

    public static Realm getDefaultInstance() {
        return getInstance(getDefaultConfiguration());
    }

    public static Realm getInstance(RealmConfiguration configuration) {
        if (configuration == null) {
            throw new IllegalArgumentException("A non-null RealmConfiguration must be provided");
        }
        Map<String, Realm> open = OPEN.get();
        Realm realm = open.get(configuration.getPath());
        if (realm != null && !realm.configuration.equals(configuration)) {
            throw new IllegalArgumentException("Configurations cannot be different if used to open the same file: "
                    + configuration.getPath());
        }
        if (realm == null) {
            realm = new Realm(configuration);
            open.put(configuration.getPath(), realm);
            realm.references = 1;
            try {
                realm.prepare();
            } catch (RuntimeException e) {
                realm.close();
                throw e;
            }
            return realm;
        }
        realm.references++;
        return realm;
    }

    /** Told of a realm that was opened in the background, on the thread that it belongs to; it is closed there. */
    public abstract static class Callback {
        public abstract void onSuccess(Realm realm);

        public void onError(Throwable exception) {
            throw new io.atoll.exceptions.RealmException(0, "Exception happens when initializing Realm in the background", exception);
        }
    }

    /**
     * Opens on a background thread, where migrations and a first download hold nobody up. The callback is given the realm of
     * this thread if that has a looper, else it runs on that thread, with its realm. A later getInstance finds all done.
     */
    public static RealmAsyncTask getInstanceAsync(final RealmConfiguration configuration, final Callback callback) {
        if (configuration == null || callback == null) {
            throw new IllegalArgumentException("A non-null RealmConfiguration and callback must be provided");
        }
        final Loop loop = Loop.ofThread();
        return background(new Runnable() {
            @Override
            public void run() {
                open(configuration, callback, loop);
            }
        });
    }

    private static void open(final RealmConfiguration configuration, final Callback callback, Loop loop) {
        Realm opened;
        try {
            opened = getInstance(configuration);
        } catch (final RuntimeException | Error e) {
            tell(loop, new Runnable() {
                @Override
                public void run() {
                    callback.onError(e);
                }
            });
            return;
        }
        if (loop == null) {
            callback.onSuccess(opened);
            return;
        }
        // Held open until the other thread has it too, so that a realm in memory or a session lives on.
        final CountDownLatch taken = new CountDownLatch(1);
        loop.post(new Runnable() {
            @Override
            public void run() {
                Realm mine;
                try {
                    mine = getInstance(configuration);
                } catch (RuntimeException | Error e) {
                    callback.onError(e);
                    return;
                } finally {
                    taken.countDown();
                }
                callback.onSuccess(mine);
            }
        });
        try {
            taken.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            opened.close();
        }
    }

    private void prepare() {
        if (configuration.getInitialData() != null && Native.atoll_realm_version(core.pointer()) <= 1 && isEmpty()) {
            executeTransaction(configuration.getInitialData());
        }
        configuration.opened(this);
    }

    /** Deletes a realm that nobody has open; true. */
    public static boolean deleteRealm(RealmConfiguration configuration) {
        long config = configuration.nativeConfig();
        try {
            Native.atoll_realm_delete_files(config);
            return true;
        } finally {
            Native.atoll_config_free(config);
        }
    }

    /** Moves the folder of a realm, now (true) or before it is opened the next time; for client resets. */
    public static boolean realmSet$aside(RealmConfiguration configuration, String path) {
        long config = configuration.nativeConfig();
        try {
            return Native.atoll_realm_set_aside(config, path);
        } finally {
            Native.atoll_config_free(config);
        }
    }

    /** Migrates a realm that nobody has open, as opening it would. */
    public static void migrateRealm(RealmConfiguration configuration) {
        migrateRealm(configuration, configuration.getMigration());
    }

    public static void migrateRealm(RealmConfiguration configuration, RealmMigration migration) {
        long config = configuration.nativeConfig();
        try {
            Migrations.run(configuration, config, migration);
        } finally {
            Native.atoll_config_free(config);
        }
    }

    /** Compacts a realm; false while it is open anywhere. */
    public static boolean compactRealm(RealmConfiguration configuration) {
        long config = configuration.nativeConfig();
        try {
            return Native.atoll_realm_compact(config);
        } finally {
            Native.atoll_config_free(config);
        }
    }

    @Override
    public void close() {
        if (references > 0 && --references == 0) {
            if (!core.frozen) {
                OPEN.get().remove(configuration.getPath());
            }
            core.close();
        }
    }

    /** The realm as it is now, for ever and for any thread, while this one is open. */
    @Override
    public Realm freeze() {
        return core.frozen ? this : new Realm(this);
    }

    // ---------- transactions ----------

    /** All or nothing: what the work throws rolls everything back and is thrown on. */
    public void executeTransaction(final Transaction transaction) {
        if (transaction == null) {
            throw new IllegalArgumentException("Transaction should not be null");
        }
        transact(new Runnable() {
            @Override
            public void run() {
                transaction.execute(Realm.this);
            }
        });
    }

    public RealmAsyncTask executeTransactionAsync(Transaction transaction) {
        return executeTransactionAsync(transaction, null, null);
    }

    public RealmAsyncTask executeTransactionAsync(Transaction transaction, Transaction.OnSuccess onSuccess) {
        return executeTransactionAsync(transaction, onSuccess, null);
    }

    public RealmAsyncTask executeTransactionAsync(Transaction transaction, Transaction.OnError onError) {
        return executeTransactionAsync(transaction, null, onError);
    }

    /** Runs it on a background thread with a realm of its own; the listeners are told by the looper of this one, else there. */
    public RealmAsyncTask executeTransactionAsync(final Transaction transaction, final Transaction.OnSuccess onSuccess,
            final Transaction.OnError onError) {
        final RealmConfiguration same = configuration;
        final Loop loop = core.loop();
        return background(new Runnable() {
            @Override
            public void run() {
                try (Realm realm = getInstance(same)) {
                    realm.refresh();
                    realm.executeTransaction(transaction);
                } catch (RuntimeException | Error e) {
                    if (onError == null) {
                        throw e;
                    }
                    tell(loop, new Runnable() {
                        @Override
                        public void run() {
                            onError.onError(e);
                        }
                    });
                    return;
                }
                if (onSuccess != null) {
                    tell(loop, new Runnable() {
                        @Override
                        public void run() {
                            onSuccess.onSuccess();
                        }
                    });
                }
            }
        });
    }

    private static void tell(Loop loop, Runnable listener) {
        if (loop == null) {
            listener.run();
        } else {
            loop.post(listener);
        }
    }

    private static RealmAsyncTask background(Runnable work) {
        final Future<?> future = BACKGROUND.submit(work);
        return new RealmAsyncTask() {
            @Override
            public void cancel() {
                future.cancel(false);
            }

            @Override
            public boolean isCancelled() {
                return future.isCancelled();
            }
        };
    }

    // ---------- objects ----------

    /** A new object with the default values of its class. */
    public <E extends RealmModel> E createObject(Class<E> model) {
        return createObject(model, null);
    }

    @SuppressWarnings("unchecked")
    public <E extends RealmModel> E createObject(Class<E> model, Object primaryKey) {
        ObjectType<E> type = Models.of(model);
        if (type.key >= 0 && primaryKey == null) {
            throw new IllegalArgumentException(type.name + " has a primary key: use createObject(Class, Object)");
        }
        ManagedObject made = core.create(type, primaryKey);
        Native.atoll_realm_set_defaults(core.pointer(), true);
        try {
            new Importer(core, true).fill(made, type.create(), true);
        } finally {
            Native.atoll_realm_set_defaults(core.pointer(), false);
        }
        return (E) made.proxy();
    }

    /** A new embedded object in a property of its parent: it replaces what was there, or is appended to a list. */
    @SuppressWarnings("unchecked")
    public <E extends RealmModel> E createEmbeddedObject(Class<E> model, RealmModel parent, String parentProperty) {
        ManagedObject owner = RealmObject.managed(parent);
        int i = owner.type.find(parentProperty);
        if (i < 0) {
            throw new IllegalArgumentException(owner.type.name + " has no property \"" + parentProperty + "\"");
        }
        ObjectType<E> type = Models.of(model);
        Property property = owner.type.properties[i];
        if (property.type != Constants.TYPE_EMBEDDED || Models.of(property.javaType) != (ObjectType<?>) type) {
            throw new IllegalArgumentException("\"" + parentProperty + "\" does not hold " + type.name);
        }
        return (E) core.embed(owner, i).proxy();
    }

    @SuppressWarnings("unchecked")
    private <E> E copy(E object, boolean update) {
        return (E) new Importer(core, update).importObject(object).proxy();
    }

    /** Copies it, and all that it links to; an existing key is an error. Gives the managed object. */
    public <E extends RealmModel> E copyToRealm(E object, ImportFlag... flags) {
        return copy(object, false);
    }

    /** The same, and an existing key is overwritten. */
    public <E extends RealmModel> E copyToRealmOrUpdate(E object, ImportFlag... flags) {
        requireKey(object);
        return copy(object, true);
    }

    public <E extends RealmModel> List<E> copyToRealm(Iterable<E> objects, ImportFlag... flags) {
        return copyAll(objects, false);
    }

    public <E extends RealmModel> List<E> copyToRealmOrUpdate(Iterable<E> objects, ImportFlag... flags) {
        return copyAll(objects, true);
    }

    @SuppressWarnings("unchecked")
    private <E extends RealmModel> List<E> copyAll(Iterable<E> objects, boolean update) {
        Importer importer = new Importer(core, update);
        List<E> copies = new ArrayList<>();
        for (E object : objects) {
            copies.add((E) importer.importObject(object).proxy());
        }
        return copies;
    }

    private static void requireKey(Object object) {
        if (object != null && Models.of(object.getClass()).key < 0) {
            throw new IllegalArgumentException("A RealmObject with no @PrimaryKey cannot be updated: "
                    + object.getClass().getName());
        }
    }

    /** Copies without making managed objects. */
    public void insert(RealmModel object) {
        new Importer(core, false).importObject(object);
    }

    public void insert(Iterable<? extends RealmModel> objects) {
        Importer importer = new Importer(core, false);
        for (RealmModel object : objects) {
            importer.importObject(object);
        }
    }

    public void insertOrUpdate(RealmModel object) {
        requireKey(object);
        new Importer(core, true).importObject(object);
    }

    public void insertOrUpdate(Iterable<? extends RealmModel> objects) {
        Importer importer = new Importer(core, true);
        for (RealmModel object : objects) {
            requireKey(object);
            importer.importObject(object);
        }
    }

    /** Sends an object that is only sent; after the commit it can't be read here. */
    public void insert(AsymmetricRealmObject object) {
        new Importer(core, false).importObject(object);
    }

    /** An unmanaged copy of a managed object and of all that it links to. */
    public <E extends RealmModel> E copyFromRealm(E object) {
        return copyFromRealm(object, Integer.MAX_VALUE);
    }

    /** The same to a depth; links below it are null. */
    public <E extends RealmModel> E copyFromRealm(E object, int maxDepth) {
        RealmObject.managed(object);
        return detach(object, maxDepth, new IdentityHashMap<Object, Object>());
    }

    public <E extends RealmModel> List<E> copyFromRealm(Iterable<E> objects) {
        List<E> copies = new ArrayList<>();
        for (E object : objects) {
            copies.add(copyFromRealm(object));
        }
        return copies;
    }

    @SuppressWarnings("unchecked")
    private static <E> E detach(E object, int depth, Map<Object, Object> done) {
        ManagedObject state = ((RealmObjectProxy) object).realmGet$object();
        for (Map.Entry<Object, Object> entry : done.entrySet()) {
            if (((ManagedObject) entry.getKey()).type == state.type && ((ManagedObject) entry.getKey()).sameAs(state)) {
                return (E) entry.getValue();
            }
        }
        ObjectType<Object> type = (ObjectType<Object>) state.type;
        Object copy = type.create();
        done.put(state, copy);
        for (int i = 0; i < type.properties.length; i++) {
            type.set(copy, i, detachValue(type.get(object, i), depth, done));
        }
        return (E) copy;
    }

    private static Object detachValue(Object value, int depth, Map<Object, Object> done) {
        if (value instanceof RealmList || value instanceof RealmSet) {
            Collection<Object> items = value instanceof RealmSet ? new RealmSet<Object>() : new RealmList<Object>();
            for (Object item : (Collection<?>) value) {
                if (!(item instanceof RealmObjectProxy) || depth > 0) {
                    items.add(detachValue(item, depth, done));
                }
            }
            return items;
        } else if (value instanceof RealmDictionary) {
            RealmDictionary<Object> items = new RealmDictionary<>();
            for (Map.Entry<String, ?> item : ((RealmDictionary<?>) value).entrySet()) {
                items.put(item.getKey(), detachValue(item.getValue(), depth, done));
            }
            return items;
        } else if (value instanceof RealmAny) {
            return RealmAny.of(detachValue(((RealmAny) value).get(), depth, done));
        } else if (value instanceof RealmObjectProxy) {
            return depth > 0 ? detach(value, depth - 1, done) : null;
        }
        return value;
    }

    // ---------- reading and deleting ----------

    public <E extends RealmModel> RealmQuery<E> where(Class<E> model) {
        return new RealmQuery<>(this, Models.<E>of(model));
    }

    /** Deletes all objects of a class. */
    public void delete(Class<? extends RealmModel> model) {
        Native.atoll_realm_delete_class(core.pointer(), core.classKey(Models.of(model)));
    }

    public void deleteAll() {
        for (ObjectType<?> type : configuration.types()) {
            if (type.kind == Constants.CLASS_NORMAL) {
                Native.atoll_realm_delete_class(core.pointer(), core.classKey(type));
            }
        }
    }

    @Override
    public boolean isEmpty() {
        for (ObjectType<?> type : configuration.types()) {
            if (type.kind == Constants.CLASS_NORMAL && count(type) > 0) {
                return false;
            }
        }
        return true;
    }

    private long count(ObjectType<?> type) {
        long results = Native.atoll_results_new(core.pointer(), core.classKey(type), null, 0);
        try {
            return Native.atoll_results_count(results);
        } finally {
            Native.atoll_results_free(results);
        }
    }

    /** What a flexibly synced realm asks the server for. */
    public SubscriptionSet getSubscriptions() {
        return new SubscriptionSet(this);
    }

    // ---------- listeners ----------

    /** Runs on this thread, after refresh() or a commit of this realm, when it advanced. */
    public void addChangeListener(RealmChangeListener<Realm> listener) {
        observe(this, listener);
    }

    public void removeChangeListener(RealmChangeListener<Realm> listener) {
        listeners.remove(this, listener);
    }

    /** The model classes, as they are stored. */
    @Override
    public RealmSchema getSchema() {
        return RealmSchema.of(core);
    }
}
