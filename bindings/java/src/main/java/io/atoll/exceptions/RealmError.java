package io.atoll.exceptions;

/** A defect of the library itself, or memory ran out. */
public class RealmError extends RealmException {
    private static final long serialVersionUID = 1L;

    public RealmError(int code, String message, Throwable cause) {
        super(code, message, cause);
    }
}
