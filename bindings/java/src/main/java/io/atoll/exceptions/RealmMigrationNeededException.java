package io.atoll.exceptions;

/** The stored classes don't fit those of the program. */
public class RealmMigrationNeededException extends RealmException {
    private static final long serialVersionUID = 1L;

    public RealmMigrationNeededException(int code, String message, Throwable cause) {
        super(code, message, cause);
    }
}
