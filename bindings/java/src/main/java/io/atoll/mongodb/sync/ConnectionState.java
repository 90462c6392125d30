package io.atoll.mongodb.sync;

/** A session's connection to the server. */
public enum ConnectionState {
    DISCONNECTED, CONNECTING, CONNECTED
}
