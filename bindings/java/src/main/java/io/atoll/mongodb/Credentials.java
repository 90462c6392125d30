package io.atoll.mongodb;

import io.atoll.internal.Errors;

/** How a user logs in. */
public class Credentials {
    final boolean anonymous;
    final boolean reuse;
    final String email;
    final String password;

    private Credentials(boolean anonymous, boolean reuse, String email, String password) {
        this.anonymous = anonymous;
        this.reuse = reuse;
        this.email = email;
        this.password = password;
    }

    public static Credentials anonymous() {
        return anonymous(true);
    }

    /** With `reuseExisting` an anonymous user that is logged in already is used again. */
    public static Credentials anonymous(boolean reuseExisting) {
        return new Credentials(true, reuseExisting, null, null);
    }

    public static Credentials emailPassword(String email, String password) {
        if (email == null || email.isEmpty() || password == null || password.isEmpty()) {
            throw new IllegalArgumentException("'email' and 'password' may not be empty");
        }
        return new Credentials(false, false, email, password);
    }

    public static Credentials apiKey(String key) {
        throw Errors.notSupported("log-in by API key");
    }

    public static Credentials jwt(String token) {
        throw Errors.notSupported("log-in by JWT");
    }

    public static Credentials apple(String token) {
        throw Errors.notSupported("log-in by Apple");
    }

    public static Credentials facebook(String token) {
        throw Errors.notSupported("log-in by Facebook");
    }
}
