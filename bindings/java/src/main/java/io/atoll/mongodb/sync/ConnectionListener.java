package io.atoll.mongodb.sync;

/** Told of a session's connection; on a background thread. */
public interface ConnectionListener {
    void onChange(ConnectionState oldState, ConnectionState newState);
}
