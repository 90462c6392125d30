package io.atoll.mongodb.sync;

/** Told how far a transfer is; on a background thread. */
public interface ProgressListener {
    void onChange(Progress progress);
}
