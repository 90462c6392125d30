package io.atoll.mongodb.sync;

import io.atoll.Realm;

/** What was not sent is recovered; where that cannot be, it is discarded. */
public interface RecoverOrDiscardUnsyncedChangesStrategy extends AutomaticClientResetStrategy {
    /** The realm as it was, frozen, and as it is now. */
    void onAfterRecovery(Realm before, Realm after);

    /** The realm as it was, frozen, and as it is now. */
    void onAfterDiscard(Realm before, Realm after);
}
