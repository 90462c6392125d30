package io.atoll.mongodb;

import io.atoll.exceptions.RealmException;

/** The server, the network or a session refused or failed. {@link #getCode()} says which error it is. */
public class AppException extends RealmException {
    private static final long serialVersionUID = 1L;

    public AppException(int code, String message, Throwable cause) {
        super(code, message, cause);
    }

    public String getErrorMessage() {
        return getMessage();
    }
}
