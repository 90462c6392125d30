package io.atoll.mongodb.sync;

import io.atoll.Realm;

/** What was not sent goes. */
public interface DiscardUnsyncedChangesStrategy extends AutomaticClientResetStrategy {
    /** The realm as it was, frozen, and as it is now. */
    void onAfterReset(Realm before, Realm after);
}
