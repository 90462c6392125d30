package io.atoll.mongodb.sync;

/** What progress counts: everything from now on, or what is outstanding now. */
public enum ProgressMode {
    INDEFINITELY, CURRENT_CHANGES
}
