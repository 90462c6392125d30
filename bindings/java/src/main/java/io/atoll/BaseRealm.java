package io.atoll;

import io.atoll.internal.EventHandler;
import io.atoll.internal.Native;
import io.atoll.internal.RealmCore;
import java.io.Closeable;
import java.io.File;

/** What a realm with model classes and one without have in common. */
public abstract class BaseRealm implements Closeable {
    /** How long an encryption key is, in bytes. */
    public static final int ENCRYPTION_KEY_LENGTH = 64;

    final RealmConfiguration configuration;
    RealmCore core;
    Listeners listeners;

    BaseRealm(RealmConfiguration configuration) {
        this.configuration = configuration;
    }

    /** The last step of a constructor. */
    final void use(RealmCore opened) {
        core = opened;
        listeners = new Listeners(opened);
    }

    static BaseRealm of(RealmCore core) {
        return (BaseRealm) core.realm;
    }

    static Realm typed(BaseRealm realm) {
        if (!(realm instanceof Realm)) {
            throw new IllegalStateException("This object belongs to a DynamicRealm: use getDynamicRealm");
        }
        return (Realm) realm;
    }

    /** For the library's own packages. */
    public final RealmCore realmGet$core() {
        return core;
    }

    @Override
    public abstract void close();

    /** The realm as it is now, for ever and for any thread, while this one is open. */
    public abstract BaseRealm freeze();

    /** Whether it has no objects. */
    public abstract boolean isEmpty();

    /** The classes that it has; they change in a migration only. */
    public abstract RealmSchema getSchema();

    public boolean isClosed() {
        return core.isClosed();
    }

    public String getPath() {
        return configuration.getPath();
    }

    public RealmConfiguration getConfiguration() {
        return configuration;
    }

    public boolean isFrozen() {
        return core.frozen;
    }

    /** Writes a compacted copy that is not encrypted. */
    public void writeCopyTo(File destination) {
        writeCopy(destination, null);
    }

    public void writeEncryptedCopyTo(File destination, byte[] key) {
        if (key == null || key.length != ENCRYPTION_KEY_LENGTH) {
            throw new IllegalArgumentException("The key has " + ENCRYPTION_KEY_LENGTH + " bytes");
        }
        writeCopy(destination, key);
    }

    private void writeCopy(File destination, byte[] key) {
        if (destination == null) {
            throw new IllegalArgumentException("The destination argument cannot be null");
        }
        long config = Native.atoll_config_new();
        try {
            Native.atoll_config_set_path(config, destination.getPath());
            if (key != null) {
                Native.atoll_config_set_encryption_key(config, key);
            }
            Native.atoll_realm_write_copy(core.pointer(), config);
        } finally {
            Native.atoll_config_free(config);
        }
    }

    // ---------- transactions ----------

    public void beginTransaction() {
        Native.atoll_realm_begin(core.pointer());
    }

    public void commitTransaction() {
        Native.atoll_realm_commit(core.pointer());
        core.deliver();
    }

    public void cancelTransaction() {
        Native.atoll_realm_rollback(core.pointer());
    }

    public boolean isInTransaction() {
        return Native.atoll_realm_is_in_transaction(core.pointer());
    }

    /** All or nothing: what the work throws rolls everything back and is thrown on. */
    final void transact(Runnable work) {
        beginTransaction();
        boolean done = false;
        try {
            work.run();
            done = true;
        } finally {
            if (!done && isInTransaction()) {
                cancelTransaction();
            }
        }
        if (isInTransaction()) {
            commitTransaction();
        }
    }

    /** Goes to the newest version, then tells the listeners of what changed. */
    public void refresh() {
        Native.atoll_realm_refresh(core.pointer());
        core.deliver();
    }

    // ---------- listeners ----------

    /** The listener runs on this thread, after refresh() or a commit of this realm, when it advanced. */
    final <R extends BaseRealm> void observe(final R self, final RealmChangeListener<R> listener) {
        long registration = Native.atoll_realm_observe(core.pointer(), core.queue());
        listeners.add(this, listener, registration);
        core.observe(registration, new EventHandler() {
            @Override
            public void onEvent(long event) {
                if (Native.atoll_event_type(event) == io.atoll.internal.Constants.EVENT_REALM_CHANGED) {
                    listener.onChange(self);
                }
            }
        });
    }

    public void removeAllChangeListeners() {
        listeners.remove(this, null);
    }
}
