package io.atoll;

import java.util.AbstractMap;

/** What maps of realms have in common; {@link RealmDictionary} is the one that there is. */
public abstract class RealmMap<K, V> extends AbstractMap<K, V> {
    RealmMap() {
    }

    public abstract boolean isManaged();

    public abstract boolean isValid();

    public abstract boolean isFrozen();

    public abstract RealmMap<K, V> freeze();

    public abstract void addChangeListener(MapChangeListener<K, V> listener);

    public abstract void addChangeListener(RealmChangeListener<RealmMap<K, V>> listener);

    public abstract void removeChangeListener(Object listener);

    public abstract void removeAllChangeListeners();
}
