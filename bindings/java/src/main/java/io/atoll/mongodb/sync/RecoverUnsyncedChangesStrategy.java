package io.atoll.mongodb.sync;

import io.atoll.Realm;

/** What was not sent is written again over the server's state; where that cannot be, the session ends. */
public interface RecoverUnsyncedChangesStrategy extends AutomaticClientResetStrategy {
    /** The realm as it was, frozen, and as it is now. */
    void onAfterReset(Realm before, Realm after);
}
