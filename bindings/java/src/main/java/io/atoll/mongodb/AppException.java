package io.atoll.mongodb;

import io.atoll.exceptions.RealmException;

/** The server, the network or a session refused or failed. {@link #getCode()} says which error it is. */
public class AppException extends RealmException {
    private static final long serialVersionUID = 1L;
    private boolean fatal;

    public AppException(int code, String message, Throwable cause) {
        super(code, message, cause);
    }

    public String getErrorMessage() {
        return getMessage();
    }

    /** Of an error that a session tells: it ended by it. Else it goes on, or tries again by itself. */
    public boolean isFatal() {
        return fatal;
    }

    /** For the library's own packages. */
    public AppException realmSet$fatal(boolean ends) {
        fatal = ends;
        return this;
    }
}
