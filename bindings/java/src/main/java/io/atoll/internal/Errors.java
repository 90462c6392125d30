package io.atoll.internal;

import io.atoll.exceptions.RealmError;
import io.atoll.exceptions.RealmException;
import io.atoll.exceptions.RealmFileException;
import io.atoll.exceptions.RealmMigrationNeededException;
import io.atoll.exceptions.RealmPrimaryKeyConstraintException;
import io.atoll.mongodb.AppException;

/** The exception that a program sees for each status. The cause says the status in every case. */
public final class Errors {
    private Errors() {
    }

    public static RuntimeException make(int status, String message, boolean retryable) {
        NativeException cause = Constants.exception(status, message, retryable);
        switch (status) {
            case Constants.ERROR_INVALID_ARGUMENT:
            case Constants.ERROR_TYPE_MISMATCH:
            case Constants.ERROR_NULL_NOT_ALLOWED:
            case Constants.ERROR_UNKNOWN_CLASS:
            case Constants.ERROR_UNKNOWN_PROPERTY:
            case Constants.ERROR_WRONG_REALM:
            case Constants.ERROR_LIMIT_EXCEEDED:
            case Constants.ERROR_QUERY_SYNTAX:
            case Constants.ERROR_QUERY_TYPE:
            case Constants.ERROR_QUERY_ARGUMENT:
                return new IllegalArgumentException(message, cause);
            case Constants.ERROR_WRONG_THREAD:
            case Constants.ERROR_CLOSED:
            case Constants.ERROR_NO_TRANSACTION:
            case Constants.ERROR_TRANSACTION_ACTIVE:
            case Constants.ERROR_OBJECT_INVALID:
            case Constants.ERROR_FORKED:
            case Constants.ERROR_FROZEN:
            case Constants.ERROR_READ_ONLY:
            case Constants.ERROR_NO_SUBSCRIPTION:
            case Constants.ERROR_WRONG_SYNC_TYPE:
                return new IllegalStateException(message, cause);
            case Constants.ERROR_OUT_OF_RANGE:
                return (RuntimeException) new IndexOutOfBoundsException(message).initCause(cause);
            case Constants.ERROR_NOT_SUPPORTED:
                // What this version can't do, or what the server will not.
                if (message != null && message.contains("not offered by this server")) {
                    return new AppException(status, message, cause);
                }
                return new UnsupportedOperationException(message, cause);
            case Constants.ERROR_DUPLICATE_PRIMARY_KEY:
                return new RealmPrimaryKeyConstraintException(status, message, cause);
            case Constants.ERROR_SCHEMA_MISMATCH:
            case Constants.ERROR_MIGRATION_REQUIRED:
                return new RealmMigrationNeededException(status, message, cause);
            case Constants.ERROR_OUT_OF_MEMORY:
            case Constants.ERROR_INTERNAL:
                return new RealmError(status, message, cause);
            default:
                return byGroup(status, message, cause);
        }
    }

    // An unknown number is treated as its group, so that a newer core is understood.
    private static RuntimeException byGroup(int status, String message, NativeException cause) {
        switch (status / 100) {
            case 4:
                return new RealmFileException(status, message, cause);
            case 5:
            case 6:
            case 7:
                return new AppException(status, message, cause);
            default:
                return new RealmException(status, message, cause);
        }
    }

    public static UnsupportedOperationException notSupported(String what) {
        return new UnsupportedOperationException("not supported yet: " + what);
    }
}
