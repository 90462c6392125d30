package io.atoll;

/** Which keys of a map changed; none in the first call. */
public interface MapChangeSet<K> {
    K[] getDeletions();

    K[] getInsertions();

    K[] getChanges();

    boolean isEmpty();
}
