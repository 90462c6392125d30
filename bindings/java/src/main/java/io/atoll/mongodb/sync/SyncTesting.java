package io.atoll.mongodb.sync;

import io.atoll.internal.Constants;

/** What tests of an app need: errors as no test could wait for. */
public final class SyncTesting {
    private SyncTesting() {
    }

    /** Lets the session meet an error as if the server had sent it; if fatal, it ends, else it connects again. */
    public static void simulateError(SyncSession session, int code, String message, boolean fatal) {
        session.simulateError(code, message, fatal);
    }

    /** Begins a client reset as if the server had asked for it. */
    public static void simulateClientReset(SyncSession session) {
        simulateError(session, Constants.ERROR_CLIENT_RESET, "a client reset, by a test", true);
    }
}
