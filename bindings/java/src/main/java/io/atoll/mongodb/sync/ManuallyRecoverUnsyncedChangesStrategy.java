package io.atoll.mongodb.sync;

/** The session ends, and the realm keeps all that it has. */
public interface ManuallyRecoverUnsyncedChangesStrategy extends SyncClientResetStrategy {
    /** Told on a background thread. */
    void onClientReset(SyncSession session, ClientResetRequiredError error);
}
