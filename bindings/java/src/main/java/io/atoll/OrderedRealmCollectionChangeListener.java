package io.atoll;

/** Told which positions of a collection changed. */
public interface OrderedRealmCollectionChangeListener<T> {
    void onChange(T collection, OrderedCollectionChangeSet changes);
}
