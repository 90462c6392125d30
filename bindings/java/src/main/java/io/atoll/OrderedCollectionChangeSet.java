package io.atoll;

/** What happened to a collection: deletions in the old order, insertions and changes in the new one. */
public interface OrderedCollectionChangeSet {
    /** INITIAL for the first call, which describes no change. */
    enum State {
        INITIAL, UPDATE, ERROR
    }

    State getState();

    int[] getDeletions();

    int[] getInsertions();

    int[] getChanges();

    Range[] getDeletionRanges();

    Range[] getInsertionRanges();

    Range[] getChangeRanges();

    /** Where moved elements were and are; they are deletions and insertions too. */
    Move[] getMoves();

    /** Whether everything that was there is gone, and nothing came instead. */
    boolean isCleared();

    Throwable getError();

    /** A moved element. */
    final class Move {
        public final int from;
        public final int to;

        public Move(int from, int to) {
            this.from = from;
            this.to = to;
        }
    }

    /** Neighbouring positions. */
    final class Range {
        public final int startIndex;
        public final int length;

        public Range(int startIndex, int length) {
            this.startIndex = startIndex;
            this.length = length;
        }
    }
}
