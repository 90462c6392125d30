package io.atoll.mongodb.sync;

/** One write that was taken back. */
public final class CompensatingWriteInfo {
    private final String objectType;
    private final Object primaryKey;
    private final String reason;

    CompensatingWriteInfo(String objectType, Object primaryKey, String reason) {
        this.objectType = objectType;
        this.primaryKey = primaryKey;
        this.reason = reason;
    }

    public String getObjectType() {
        return objectType;
    }

    /** Null if it is not known. */
    public Object getPrimaryKey() {
        return primaryKey;
    }

    public String getReason() {
        return reason;
    }
}
