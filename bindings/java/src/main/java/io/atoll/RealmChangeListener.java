package io.atoll;

/** Told when what it was registered with changed. */
public interface RealmChangeListener<T> {
    void onChange(T changed);
}
