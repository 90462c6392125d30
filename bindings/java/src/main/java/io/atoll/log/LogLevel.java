package io.atoll.log;

/** Levels of the log, most to least. */
public final class LogLevel {
    public static final int ALL = 0;
    public static final int TRACE = 1;
    public static final int DEBUG = 2;
    public static final int DETAIL = 3;
    public static final int INFO = 4;
    public static final int WARN = 5;
    public static final int ERROR = 6;
    public static final int FATAL = 7;
    public static final int OFF = 8;

    private LogLevel() {
    }
}
