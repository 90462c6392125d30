package io.atoll.mongodb.sync;

/**
 * What happens when the server cannot go on with a realm: it was restored from a backup, sync was terminated, the realm was
 * away for too long, its folder is a copy. One of {@link ManuallyRecoverUnsyncedChangesStrategy},
 * {@link DiscardUnsyncedChangesStrategy}, {@link RecoverUnsyncedChangesStrategy}, {@link RecoverOrDiscardUnsyncedChangesStrategy}.
 */
public interface SyncClientResetStrategy {
}
