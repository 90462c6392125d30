package io.atoll;

/** Told which properties of an object changed; {@code changes} is never null. */
public interface RealmObjectChangeListener<T extends RealmModel> {
    void onChange(T object, ObjectChangeSet changes);
}
