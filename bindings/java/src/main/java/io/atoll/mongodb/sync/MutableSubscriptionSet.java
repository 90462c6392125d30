package io.atoll.mongodb.sync;

import io.atoll.Realm;
import io.atoll.RealmModel;
import io.atoll.internal.Models;
import io.atoll.internal.Native;

/** The set while update() changes it. */
public class MutableSubscriptionSet {
    private final Realm realm;
    private long update;

    MutableSubscriptionSet(Realm realm) {
        this.realm = realm;
        update = Native.atoll_subscription_update_begin(realm.realmGet$core().pointer());
    }

    private long open() {
        if (update == 0) {
            throw new IllegalStateException("subscriptions can only be changed inside update()");
        }
        return update;
    }

    /** An existing name with another query is an error. */
    public Subscription add(Subscription subscription) {
        return put(subscription, false);
    }

    public Subscription addOrUpdate(Subscription subscription) {
        return put(subscription, true);
    }

    private Subscription put(Subscription subscription, boolean updateExisting) {
        if (subscription.query == null) {
            throw new IllegalArgumentException("this subscription belongs to a set already");
        }
        long results = subscription.query.realmGet$results();
        try {
            Native.atoll_subscription_update_add(open(), results, subscription.getName(), updateExisting);
        } finally {
            Native.atoll_results_free(results);
        }
        return subscription;
    }

    /** False if it is not in the set. */
    public boolean remove(Subscription subscription) {
        if (subscription.getName() != null) {
            return remove(subscription.getName());
        }
        if (subscription.query != null) {
            long results = subscription.query.realmGet$results();
            try {
                return Native.atoll_subscription_update_remove_results(open(), results, false) > 0;
            } finally {
                Native.atoll_results_free(results);
            }
        }
        return removeExisting(subscription);
    }

    private boolean removeExisting(Subscription subscription) {
        long set = Native.atoll_realm_subscriptions(realm.realmGet$core().pointer());
        try {
            long count = Native.atoll_subscriptions_count(set);
            for (long i = 0; i < count; i++) {
                if (Native.atoll_subscriptions_name(set, i) == null
                        && Native.atoll_subscriptions_class(set, i).equals(subscription.getObjectType())
                        && Native.atoll_subscriptions_query(set, i).equals(subscription.getQueryDescription())) {
                    return Native.atoll_subscription_update_remove_at(open(), set, i);
                }
            }
            return false;
        } finally {
            Native.atoll_subscriptions_free(set);
        }
    }

    public boolean remove(String name) {
        return Native.atoll_subscription_update_remove_name(open(), name);
    }

    /** True if there was any. */
    public boolean removeAll() {
        return Native.atoll_subscription_update_remove_all(open(), true) > 0;
    }

    public boolean removeAll(String objectType) {
        return Native.atoll_subscription_update_remove_class(open(), objectType, true) > 0;
    }

    public <T extends RealmModel> boolean removeAll(Class<T> model) {
        return removeAll(Models.of(model).name);
    }

    long commit() {
        return Native.atoll_subscription_update_commit(open());
    }

    void close() {
        Native.atoll_subscription_update_free(update);
        update = 0;
    }
}
