package io.atoll.internal;

import io.atoll.MapChangeSet;
import io.atoll.ObjectChangeSet;
import io.atoll.OrderedCollectionChangeSet;
import java.util.ArrayList;
import java.util.List;

/** Change sets from events. */
public final class ChangeSets {
    private ChangeSets() {
    }

    private static int[] indexes(long event, int kind) {
        int[] found = new int[(int) Native.atoll_event_change_count(event, kind)];
        for (int i = 0; i < found.length; i++) {
            found[i] = (int) Native.atoll_event_change(event, kind, i);
        }
        return found;
    }

    public static OrderedCollectionChangeSet collection(long event) {
        final boolean initial = Native.atoll_event_is_initial(event);
        final int[] deletions = indexes(event, Constants.CHANGE_DELETIONS);
        final int[] insertions = indexes(event, Constants.CHANGE_INSERTIONS);
        final int[] changes = indexes(event, Constants.CHANGE_MODIFICATIONS_NEW);
        final OrderedCollectionChangeSet.Move[] moves = moves(event);
        final boolean cleared = Native.atoll_event_is_cleared(event);
        return new OrderedCollectionChangeSet() {
            @Override
            public State getState() {
                return initial ? State.INITIAL : State.UPDATE;
            }

            @Override
            public int[] getDeletions() {
                return deletions.clone();
            }

            @Override
            public int[] getInsertions() {
                return insertions.clone();
            }

            @Override
            public int[] getChanges() {
                return changes.clone();
            }

            @Override
            public Range[] getDeletionRanges() {
                return ranges(deletions);
            }

            @Override
            public Range[] getInsertionRanges() {
                return ranges(insertions);
            }

            @Override
            public Range[] getChangeRanges() {
                return ranges(changes);
            }

            @Override
            public Move[] getMoves() {
                return moves.clone();
            }

            @Override
            public boolean isCleared() {
                return cleared;
            }

            @Override
            public Throwable getError() {
                return null;
            }
        };
    }

    private static OrderedCollectionChangeSet.Move[] moves(long event) {
        int[] from = indexes(event, Constants.CHANGE_MOVES_FROM);
        int[] to = indexes(event, Constants.CHANGE_MOVES_TO);
        OrderedCollectionChangeSet.Move[] moves = new OrderedCollectionChangeSet.Move[from.length];
        for (int i = 0; i < moves.length; i++) {
            moves[i] = new OrderedCollectionChangeSet.Move(from[i], to[i]);
        }
        return moves;
    }

    private static String[] keys(long event, int kind) {
        List<String> found = new ArrayList<>();
        for (String key = Native.atoll_event_change_key(event, kind, 0); key != null;
                key = Native.atoll_event_change_key(event, kind, found.size())) {
            found.add(key);
        }
        return found.toArray(new String[0]);
    }

    public static MapChangeSet<String> map(long event) {
        final String[] deletions = keys(event, Constants.CHANGE_DELETIONS);
        final String[] insertions = keys(event, Constants.CHANGE_INSERTIONS);
        final String[] modified = keys(event, Constants.CHANGE_MODIFICATIONS);
        return new MapChangeSet<String>() {
            @Override
            public String[] getDeletions() {
                return deletions.clone();
            }

            @Override
            public String[] getInsertions() {
                return insertions.clone();
            }

            @Override
            public String[] getChanges() {
                return modified.clone();
            }

            @Override
            public boolean isEmpty() {
                return deletions.length + insertions.length + modified.length == 0;
            }
        };
    }

    private static OrderedCollectionChangeSet.Range[] ranges(int[] indexes) {
        List<OrderedCollectionChangeSet.Range> found = new ArrayList<>();
        int start = 0;
        for (int i = 1; i <= indexes.length; i++) {
            if (i == indexes.length || indexes[i] != indexes[i - 1] + 1) {
                found.add(new OrderedCollectionChangeSet.Range(indexes[start], i - start));
                start = i;
            }
        }
        return found.toArray(new OrderedCollectionChangeSet.Range[0]);
    }

    public static ObjectChangeSet object(long event, ManagedObject object) {
        final boolean deleted = Native.atoll_event_is_deleted(event);
        final List<String> fields = new ArrayList<>();
        long count = Native.atoll_event_change_count(event, Constants.CHANGE_PROPERTIES);
        for (long i = 0; i < count; i++) {
            long key = Native.atoll_event_change(event, Constants.CHANGE_PROPERTIES, i);
            for (int p = 0; p < object.type.properties.length; p++) {
                if (object.propertyKey(p) == (int) key) {
                    fields.add(object.type.properties[p].field);
                }
            }
        }
        return new ObjectChangeSet() {
            @Override
            public boolean isDeleted() {
                return deleted;
            }

            @Override
            public String[] getChangedFields() {
                return fields.toArray(new String[0]);
            }

            @Override
            public boolean isFieldChanged(String fieldName) {
                return fields.contains(fieldName);
            }
        };
    }
}
