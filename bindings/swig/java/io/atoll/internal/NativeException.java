package io.atoll.internal;

/** A failed native call. The subclasses, one for each status, are in {@link Constants}. */
public class NativeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final boolean retryable;

    NativeException(int status, String message, boolean retryable) {
        super(message);
        this.status = status;
        this.retryable = retryable;
    }

    /** The code of the error table; an unknown one is treated as its class, the code divided by 100. */
    public final int getStatus() {
        return status;
    }

    /** Whether the same call may succeed later without a change of the program. */
    public final boolean isRetryable() {
        return retryable;
    }

    /** Makes the exception that a failed call throws. */
    public interface Factory {
        RuntimeException make(int status, String message, boolean retryable);
    }

    private static volatile Factory factory;

    /** Set once by the idiomatic layer, whose users see exceptions of their own world. */
    public static void setFactory(Factory made) {
        factory = made;
    }

    /** Called by the native side for each failure. */
    static RuntimeException make(int status, String message, boolean retryable) {
        Factory used = factory;
        return used == null ? Constants.exception(status, message, retryable) : used.make(status, message, retryable);
    }
}
