package io.atoll;

/** Decides whether a realm is compacted before it is opened. */
public interface CompactOnLaunchCallback {
    /** With the size of the realm and what of it is in use, in bytes. */
    boolean shouldCompact(long totalBytes, long usedBytes);
}
