package io.atoll.mongodb.sync;

import io.atoll.Realm;
import io.atoll.RealmAsyncTask;
import io.atoll.RealmQuery;
import io.atoll.internal.Constants;
import io.atoll.internal.Dispatcher;
import io.atoll.internal.Errors;
import io.atoll.internal.Handle;
import io.atoll.internal.Native;
import io.atoll.internal.Request;
import io.atoll.internal.Values;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The subscriptions of a realm: a version of the set, which update() and refresh() move on. */
public class SubscriptionSet implements Iterable<Subscription> {
    /** Changes the set; what it throws leaves the set as it was. */
    public interface UpdateCallback {
        void update(MutableSubscriptionSet subscriptions);
    }

    /** Told when an update was committed and the server has sent what it asks for; on a background thread. */
    public interface StateChangeCallback {
        void onStateChange(SubscriptionSet subscriptions);

        void onError(Throwable error);
    }

    /** How far the server is with this version. */
    public enum State {
        PENDING, COMPLETE, ERROR, SUPERSEDED
    }

    private static final Handle.Free FREE = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_subscriptions_free(pointer);
        }
    };
    private final Realm realm;
    private Handle handle;

    public SubscriptionSet(Realm realm) {
        this.realm = realm;
        hold(Native.atoll_realm_subscriptions(realm.realmGet$core().pointer()));
    }

    private synchronized void hold(long pointer) {
        Handle before = handle;
        handle = Handle.shared(this, pointer, FREE);
        if (before != null) {
            before.close();
        }
    }

    public synchronized State getState() {
        switch (Native.atoll_subscriptions_state(handle.pointer())) {
            case Constants.SUBSCRIPTIONS_COMPLETE:
                return State.COMPLETE;
            case Constants.SUBSCRIPTIONS_ERROR:
                return State.ERROR;
            case Constants.SUBSCRIPTIONS_SUPERSEDED:
                return State.SUPERSEDED;
            default:
                return State.PENDING;
        }
    }

    /** Why the server refused the set; null if it did not. */
    public synchronized String getErrorMessage() {
        long error = Native.atoll_subscriptions_error(handle.pointer());
        try {
            return (String) Values.read(error, 0, String.class);
        } finally {
            Native.atoll_values_free(error);
        }
    }

    /** Whether the realm never had subscriptions. */
    synchronized boolean isFirst() {
        return Native.atoll_subscriptions_version(handle.pointer()) == 0;
    }

    public synchronized int size() {
        return (int) Native.atoll_subscriptions_count(handle.pointer());
    }

    public boolean isEmpty() {
        return size() == 0;
    }

    synchronized Subscription get(long i) {
        long set = handle.pointer();
        return Subscription.existing(Native.atoll_subscriptions_name(set, i), Native.atoll_subscriptions_class(set, i),
                Native.atoll_subscriptions_query(set, i), Values.toDate(Native.atoll_subscriptions_created_at(set, i)),
                Values.toDate(Native.atoll_subscriptions_updated_at(set, i)));
    }

    /** Null if there is none of that name. */
    public synchronized Subscription find(String name) {
        long i = Native.atoll_subscriptions_find_name(handle.pointer(), name);
        return i < 0 ? null : get(i);
    }

    /** Null if none has that query. */
    public synchronized Subscription find(RealmQuery<?> query) {
        long results = query.realmGet$results();
        try {
            long i = Native.atoll_subscriptions_find_results(handle.pointer(), results);
            return i < 0 ? null : get(i);
        } finally {
            Native.atoll_results_free(results);
        }
    }

    @Override
    public Iterator<Subscription> iterator() {
        List<Subscription> all = new ArrayList<>();
        for (int i = 0; i < size(); i++) {
            all.add(get(i));
        }
        return all.iterator();
    }

    /** Takes the newest version. */
    public SubscriptionSet refresh() {
        hold(Native.atoll_realm_subscriptions(realm.realmGet$core().pointer()));
        return this;
    }

    /** Changes the set as one, on the realm's thread. */
    public SubscriptionSet update(UpdateCallback action) {
        MutableSubscriptionSet mutable = new MutableSubscriptionSet(realm);
        try {
            action.update(mutable);
            hold(mutable.commit());
        } finally {
            mutable.close();
        }
        return this;
    }

    /** Changes the set now; the callback is told when the server has sent what it asks for. */
    public RealmAsyncTask updateAsync(UpdateCallback action, StateChangeCallback callback) {
        update(action);
        return waitForSynchronizationAsync(callback);
    }

    private synchronized Request<Void> begin(Request.Done<Void> done) {
        return Request.begin(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_subscriptions_wait(handle.pointer(), queue);
            }
        }, null, done);
    }

    /** Waits until the server has sent everything that this version asks for. */
    public boolean waitForSynchronization() {
        begin(null).get();
        return true;
    }

    /** False if the time ran out. */
    public boolean waitForSynchronization(long timeout, TimeUnit unit) {
        try {
            return begin(null).await(timeout, unit);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Errors.make(Constants.ERROR_CANCELLED, "the thread was interrupted while it waited", false);
        }
    }

    public RealmAsyncTask waitForSynchronizationAsync(final StateChangeCallback callback) {
        final SubscriptionSet self = this;
        begin(new Request.Done<Void>() {
            @Override
            public void done(Void none, RuntimeException error) {
                if (error == null) {
                    callback.onStateChange(self);
                } else {
                    callback.onError(error);
                }
            }
        });
        return new RealmAsyncTask() {
            @Override
            public void cancel() {
            }

            @Override
            public boolean isCancelled() {
                return false;
            }
        };
    }
}
