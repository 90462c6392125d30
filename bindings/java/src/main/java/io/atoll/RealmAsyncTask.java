package io.atoll;

/** Work that runs on another thread. */
public interface RealmAsyncTask {
    /** Keeps it from starting; what runs already is finished. */
    void cancel();

    boolean isCancelled();
}
