package io.atoll;

/** Compacts above 50 MB of which less than half is in use. */
public class DefaultCompactOnLaunchCallback implements CompactOnLaunchCallback {
    @Override
    public boolean shouldCompact(long totalBytes, long usedBytes) {
        return totalBytes > 50L * 1024 * 1024 && usedBytes * 2 < totalBytes;
    }
}
