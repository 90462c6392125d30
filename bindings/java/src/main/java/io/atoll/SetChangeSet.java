package io.atoll;

/** How much of a set changed; nothing in the first call. */
public interface SetChangeSet {
    int getNumberOfInsertions();

    int getNumberOfDeletions();

    boolean isEmpty();
}
