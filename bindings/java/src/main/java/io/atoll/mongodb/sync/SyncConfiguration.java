package io.atoll.mongodb.sync;

import io.atoll.Realm;
import io.atoll.RealmConfiguration;
import io.atoll.internal.Constants;
import io.atoll.internal.Native;
import io.atoll.internal.Values;
import io.atoll.mongodb.AppException;
import io.atoll.mongodb.User;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.bson.types.ObjectId;

/** A realm of a user: one partition, or what its subscriptions ask for. */
public class SyncConfiguration extends RealmConfiguration {
    /** Subscribes when a realm is first made. */
    public interface InitialFlexibleSyncSubscriptions {
        void configure(Realm realm, MutableSubscriptionSet subscriptions);
    }

    private final User user;
    private final boolean flexible;
    private final Object partition;
    private final String partitionProperty;
    private final SyncSession.ErrorHandler errorHandler;
    private final InitialFlexibleSyncSubscriptions subscriptions;
    private final SyncClientResetStrategy resetStrategy;
    private final boolean rerunOnOpen;
    private final long waitMs;

    private SyncConfiguration(Builder builder) {
        super(builder);
        user = builder.user;
        flexible = builder.flexible;
        partition = builder.partition;
        partitionProperty = builder.partitionProperty;
        errorHandler = builder.errorHandler;
        subscriptions = builder.subscriptions;
        resetStrategy = builder.resetStrategy;
        rerunOnOpen = builder.rerunOnOpen;
        waitMs = builder.waitMs;
    }

    public static SyncConfiguration defaultConfig(User user) {
        return new Builder(user).build();
    }

    public static SyncConfiguration defaultConfig(User user, String partition) {
        return new Builder(user, partition).build();
    }

    public static SyncConfiguration defaultConfig(User user, Long partition) {
        return new Builder(user, partition).build();
    }

    public static SyncConfiguration defaultConfig(User user, Integer partition) {
        return new Builder(user, partition).build();
    }

    public static SyncConfiguration defaultConfig(User user, ObjectId partition) {
        return new Builder(user, partition).build();
    }

    public static SyncConfiguration defaultConfig(User user, UUID partition) {
        return new Builder(user, partition).build();
    }

    public User getUser() {
        return user;
    }

    public boolean isFlexibleSyncConfiguration() {
        return flexible;
    }

    public boolean isPartitionBasedSyncConfiguration() {
        return !flexible;
    }

    public Object getPartitionValue() {
        return partition;
    }

    public SyncSession.ErrorHandler getErrorHandler() {
        return errorHandler;
    }

    /** Null: the default. */
    public SyncClientResetStrategy getSyncClientResetStrategy() {
        return resetStrategy;
    }

    private int resetMode() {
        if (resetStrategy instanceof ManuallyRecoverUnsyncedChangesStrategy) {
            return Constants.RESET_MANUAL;
        } else if (resetStrategy instanceof DiscardUnsyncedChangesStrategy) {
            return Constants.RESET_DISCARD;
        }
        return resetStrategy instanceof RecoverUnsyncedChangesStrategy ? Constants.RESET_RECOVER : Constants.RESET_RECOVER_OR_DISCARD;
    }

    @Override
    public boolean isSyncConfiguration() {
        return true;
    }

    @Override
    protected void configure(long config) {
        Native.atoll_config_set_client_reset_mode(config, resetMode());
        Native.atoll_config_set_ask_client_resets(config, resetStrategy instanceof AutomaticClientResetStrategy);
        synchronized (user) {
            if (flexible) {
                Native.atoll_config_set_flexible(config, user.realmGet$pointer());
                return;
            }
            long value = Values.of(partition);
            try {
                Native.atoll_config_set_partition(config, user.realmGet$pointer(), value);
            } finally {
                Native.atoll_values_free(value);
            }
            if (partitionProperty != null) {
                Native.atoll_config_set_partition_property(config, partitionProperty);
            }
        }
    }

    @Override
    protected void opened(Realm realm) {
        if (Thread.currentThread() instanceof ClientResets.Worker) {
            return;
        }
        user.getApp().getSync().opened(this, Native.atoll_realm_session(realm.realmGet$core().pointer()));
        boolean first = !flexible || realm.getSubscriptions().isFirst();
        if (subscriptions != null && (first || rerunOnOpen)) {
            final Realm opened = realm;
            realm.getSubscriptions().update(new SubscriptionSet.UpdateCallback() {
                @Override
                public void update(MutableSubscriptionSet set) {
                    subscriptions.configure(opened, set);
                }
            });
        }
        if (waitMs > 0 && first) {
            waitForData(realm);
        }
    }

    private void waitForData(Realm realm) {
        try {
            boolean there = !flexible || realm.getSubscriptions().waitForSynchronization(waitMs, TimeUnit.MILLISECONDS);
            SyncSession session = user.getApp().getSync().getSession(this);
            if (!there || !session.downloadAllServerChanges(waitMs, TimeUnit.MILLISECONDS)) {
                throw new AppException(Constants.ERROR_TIMEOUT,
                        "the initial data did not arrive within " + waitMs + " ms", null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AppException(Constants.ERROR_CANCELLED, "interrupted while the initial data came", e);
        }
        realm.refresh();
    }

    @Override
    public boolean equals(Object other) {
        return super.equals(other) && user.equals(((SyncConfiguration) other).user)
                && flexible == ((SyncConfiguration) other).flexible
                && Objects.equals(partition, ((SyncConfiguration) other).partition);
    }

    @Override
    public int hashCode() {
        return super.hashCode();
    }

    /** Builds the configuration of a synced realm. */
    public static final class Builder extends RealmConfiguration.BaseBuilder<Builder> {
        private final User user;
        private final boolean flexible;
        private final Object partition;
        private String partitionProperty;
        private SyncSession.ErrorHandler errorHandler;
        private InitialFlexibleSyncSubscriptions subscriptions;
        private SyncClientResetStrategy resetStrategy;
        private boolean rerunOnOpen;
        private long waitMs;

        /** Flexible sync. */
        public Builder(User user) {
            this(user, true, null);
        }

        /** Partition sync. */
        public Builder(User user, String partition) {
            this(user, false, partition);
        }

        public Builder(User user, ObjectId partition) {
            this(user, false, partition);
        }

        public Builder(User user, UUID partition) {
            this(user, false, partition);
        }

        public Builder(User user, Integer partition) {
            this(user, false, partition);
        }

        public Builder(User user, Long partition) {
            this(user, false, partition);
        }

        private Builder(User user, boolean flexible, Object partition) {
            if (user == null) {
                throw new IllegalArgumentException("Non-null 'user' required.");
            }
            this.user = user;
            this.flexible = flexible;
            this.partition = partition;
        }

        /** The property that says to which partition an object belongs; "_partition" if not set. */
        public Builder partitionProperty(String name) {
            partitionProperty = name;
            return this;
        }

        /** Runs on a background thread. */
        public Builder errorHandler(SyncSession.ErrorHandler handler) {
            errorHandler = handler;
            return this;
        }

        public Builder initialSubscriptions(InitialFlexibleSyncSubscriptions action) {
            return initialSubscriptions(action, false);
        }

        public Builder initialSubscriptions(InitialFlexibleSyncSubscriptions action, boolean rerunOnOpen) {
            if (!flexible) {
                throw new IllegalStateException("initialSubscriptions can only be used with flexible sync");
            }
            this.subscriptions = action;
            this.rerunOnOpen = rerunOnOpen;
            return this;
        }

        /** The first open waits until the server's data is there. */
        public Builder waitForInitialRemoteData() {
            return waitForInitialRemoteData(Long.MAX_VALUE / 1000000, TimeUnit.MILLISECONDS);
        }

        public Builder waitForInitialRemoteData(long timeout, TimeUnit unit) {
            waitMs = unit.toMillis(timeout);
            return this;
        }

        /** Without one, what was not sent is recovered or, where that cannot be, discarded. */
        public Builder syncClientResetStrategy(ManuallyRecoverUnsyncedChangesStrategy strategy) {
            return with(strategy);
        }

        public Builder syncClientResetStrategy(DiscardUnsyncedChangesStrategy strategy) {
            return with(strategy);
        }

        public Builder syncClientResetStrategy(RecoverUnsyncedChangesStrategy strategy) {
            return with(strategy);
        }

        public Builder syncClientResetStrategy(RecoverOrDiscardUnsyncedChangesStrategy strategy) {
            return with(strategy);
        }

        private Builder with(SyncClientResetStrategy strategy) {
            if (strategy == null) {
                throw new IllegalArgumentException("Non-null 'strategy' required.");
            }
            resetStrategy = strategy;
            return this;
        }

        public SyncConfiguration build() {
            return new SyncConfiguration(this);
        }
    }
}
