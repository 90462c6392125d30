package io.atoll.exceptions;

/** The realm's folder can't be opened or written. */
public class RealmFileException extends RealmException {
    private static final long serialVersionUID = 1L;

    public RealmFileException(int code, String message, Throwable cause) {
        super(code, message, cause);
    }
}
