package io.atoll.exceptions;

/** An object with this primary key exists already. */
public class RealmPrimaryKeyConstraintException extends RealmException {
    private static final long serialVersionUID = 1L;

    public RealmPrimaryKeyConstraintException(int code, String message, Throwable cause) {
        super(code, message, cause);
    }
}
