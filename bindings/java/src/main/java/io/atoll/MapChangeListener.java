package io.atoll;

/** Told what changed in a map. */
public interface MapChangeListener<K, V> {
    void onChange(RealmMap<K, V> map, MapChangeSet<K> changes);
}
