package io.atoll.internal;

/** Takes one event; the event is freed after it returns. */
public interface EventHandler {
    void onEvent(long event);
}
