package io.atoll.log;

/** Where log lines go; called on a background thread. */
public interface RealmLogger {
    void log(int level, String tag, Throwable throwable, String message);
}
