package io.atoll.mongodb;

/** Told of log-ins and their ends; on a background thread. */
public interface AuthenticationListener {
    void loggedIn(User user);

    /** Logged out, removed, or ended by the server. */
    void loggedOut(User user);
}
