package io.atoll.exceptions;

/** The library refused a call or failed in it. {@link #getCode()} says which error it is. */
public class RealmException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int code;

    public RealmException(String message) {
        this(0, message, null);
    }

    public RealmException(int code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** One of the ERROR_ numbers of the reference; it never changes its meaning. 0: not from the core. */
    public int getCode() {
        return code;
    }
}
