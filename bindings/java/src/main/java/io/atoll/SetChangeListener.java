package io.atoll;

/** Told what changed in a set. */
public interface SetChangeListener<E> {
    void onChange(RealmSet<E> set, SetChangeSet changes);
}
