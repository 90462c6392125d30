package io.atoll.internal;

/** The classes of one compilation; generated, and found through META-INF/services. */
public interface Mediator {
    ObjectType<?>[] types();
}
