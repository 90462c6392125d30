package io.atoll.mongodb.sync;

import io.atoll.Realm;

/**
 * The realm gets the server's state by itself. All is told on a thread of its own, which owns the realms that it is given;
 * what is thrown ends the reset, and {@link #onManualResetFallback} is told.
 */
public interface AutomaticClientResetStrategy extends SyncClientResetStrategy {
    /** The realm as it was, frozen. */
    void onBeforeReset(Realm realm);

    /** The older name of {@link #onManualResetFallback}. */
    @Deprecated
    default void onError(SyncSession session, ClientResetRequiredError error) {
    }

    /** The automatic reset failed. */
    default void onManualResetFallback(SyncSession session, ClientResetRequiredError error) {
        onError(session, error);
    }
}
