package io.atoll;

import io.atoll.annotations.RealmClass;
import io.atoll.internal.ChangeSets;
import io.atoll.internal.EventHandler;
import io.atoll.internal.ManagedObject;
import io.atoll.internal.Native;
import io.atoll.internal.RealmObjectProxy;

/**
 * Base of model classes. Their fields are private with getters and setters: an object that a realm hands out is of a
 * generated subclass whose accessors read and write the realm. The static forms serve classes that implement RealmModel.
 */
@RealmClass
public abstract class RealmObject implements RealmModel {
    static ManagedObject managed(Object object) {
        if (!(object instanceof RealmObjectProxy)) {
            throw new IllegalArgumentException("Object not managed by Realm, so it cannot be removed or observed.");
        }
        return ((RealmObjectProxy) object).realmGet$object();
    }

    /** Deletes it; needs a transaction. */
    public final void deleteFromRealm() {
        deleteFromRealm(this);
    }

    public static <E extends RealmModel> void deleteFromRealm(E object) {
        managed(object).delete();
    }

    public final boolean isManaged() {
        return isManaged(this);
    }

    public static <E extends RealmModel> boolean isManaged(E object) {
        return object instanceof RealmObjectProxy;
    }

    /** False once it was deleted or its realm closed. An unmanaged object is valid. */
    public final boolean isValid() {
        return isValid(this);
    }

    public static <E extends RealmModel> boolean isValid(E object) {
        return object != null && (!(object instanceof RealmObjectProxy) || managed(object).isValid());
    }

    public final boolean isFrozen() {
        return isFrozen(this);
    }

    public static <E extends RealmModel> boolean isFrozen(E object) {
        return object instanceof RealmObjectProxy && managed(object).core.frozen;
    }

    public final boolean isLoaded() {
        return true;
    }

    public final boolean load() {
        return true;
    }

    /** The realm that it belongs to; null for an unmanaged object. */
    public final Realm getRealm() {
        return getRealm(this);
    }

    public static Realm getRealm(RealmModel object) {
        return object instanceof RealmObjectProxy ? BaseRealm.typed(BaseRealm.of(managed(object).core)) : null;
    }

    /** The object as it is now, for ever and for any thread, while its realm is open. */
    @SuppressWarnings("unchecked")
    public final <E extends RealmModel> E freeze() {
        return (E) freeze((RealmModel) this);
    }

    @SuppressWarnings("unchecked")
    public static <E extends RealmModel> E freeze(E object) {
        ManagedObject live = managed(object);
        if (live.core.frozen) {
            return object;
        }
        BaseRealm frozen = BaseRealm.of(live.core).freeze();
        long found = Native.atoll_object_resolve_in(live.pointer(), frozen.core.pointer());
        if (found == 0) {
            throw new IllegalStateException("a deleted object can't be frozen");
        }
        return (E) frozen.core.wrap(live.type, found).proxy();
    }

    /** The listener runs on the realm's thread, after refresh() or a commit of this realm. */
    public final <E extends RealmModel> void addChangeListener(final RealmChangeListener<E> listener) {
        @SuppressWarnings("unchecked")
        final E self = (E) this;
        addChangeListener(self, listener);
    }

    public final <E extends RealmModel> void addChangeListener(RealmObjectChangeListener<E> listener) {
        @SuppressWarnings("unchecked")
        final E self = (E) this;
        addChangeListener(self, listener);
    }

    public static <E extends RealmModel> void addChangeListener(E object, final RealmChangeListener<E> listener) {
        observe(object, listener, new RealmObjectChangeListener<E>() {
            @Override
            public void onChange(E changed, ObjectChangeSet changes) {
                listener.onChange(changed);
            }
        }, null);
    }

    public static <E extends RealmModel> void addChangeListener(E object, RealmObjectChangeListener<E> listener) {
        observe(object, listener, listener, null);
    }

    /** The same, for changes of some fields only: names, joined by dots along links, "*" for any. */
    public static <E extends RealmModel> void addChangeListener(E object, RealmObjectChangeListener<E> listener, String... keyPaths) {
        observe(object, listener, listener, keyPaths);
    }

    private static <E extends RealmModel> void observe(final E object, Object key, final RealmObjectChangeListener<E> listener,
            String[] keyPaths) {
        final ManagedObject state = managed(object);
        long paths = state.core.keyPaths(state.type, keyPaths);
        long registration;
        try {
            registration = Native.atoll_object_observe_key_paths(state.pointer(), paths, state.core.queue());
        } finally {
            Native.atoll_values_free(paths);
        }
        BaseRealm.of(state.core).listeners.add(object, key, registration);
        state.core.observe(registration, new EventHandler() {
            @Override
            public void onEvent(long event) {
                listener.onChange(object, ChangeSets.object(event, state));
            }
        });
    }

    public final void removeChangeListener(Object listener) {
        removeChangeListener(this, listener);
    }

    public static void removeChangeListener(RealmModel object, Object listener) {
        BaseRealm.of(managed(object).core).listeners.remove(object, listener);
    }

    public final void removeAllChangeListeners() {
        BaseRealm.of(managed(this).core).listeners.remove(this, null);
    }
}
