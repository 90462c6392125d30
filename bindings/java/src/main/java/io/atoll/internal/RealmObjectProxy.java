package io.atoll.internal;

/** What every managed object is; the proxies that the annotation processor generates implement it. */
public interface RealmObjectProxy {
    ManagedObject realmGet$object();
}
