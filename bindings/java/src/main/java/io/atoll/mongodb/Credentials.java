package io.atoll.mongodb;

/** How a user logs in. */
public class Credentials {
    final boolean anonymous;
    final boolean reuse;
    final String email;
    final String password; // or the token
    String provider; // null: an address and its password

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

    /** A key of a user or of a server. */
    public static Credentials apiKey(String key) {
        return token("api-key", key);
    }

    /** A token that the server's configured provider signed. */
    public static Credentials jwt(String token) {
        return token("custom-token", token);
    }

    /** An identity token. */
    public static Credentials apple(String token) {
        return token("oauth2-apple", token);
    }

    /** An identity token. */
    public static Credentials google(String token) {
        return token("oauth2-google", token);
    }

    /** Not offered by the server: the log-in says so. */
    public static Credentials facebook(String token) {
        return token("oauth2-facebook", token);
    }

    /** Not offered by the server: the log-in says so. */
    public static Credentials customFunction(Object arguments) {
        return token("custom-function", String.valueOf(arguments));
    }

    private static Credentials token(String provider, String token) {
        if (token == null || token.isEmpty()) {
            throw new IllegalArgumentException("the token may not be empty");
        }
        Credentials made = new Credentials(false, false, null, token);
        made.provider = provider;
        return made;
    }
}
