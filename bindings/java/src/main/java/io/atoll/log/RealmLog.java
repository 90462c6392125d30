package io.atoll.log;

import io.atoll.internal.Library;
import io.atoll.internal.Native;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The library's log. Without a logger of the program it goes to standard error. */
public final class RealmLog {
    private static final List<RealmLogger> LOGGERS = new CopyOnWriteArrayList<>();
    private static boolean started;

    private RealmLog() {
    }

    public static void setLevel(int level) {
        Library.load();
        Native.atoll_log_set_level(level);
    }

    public static int getLevel() {
        Library.load();
        return Native.atoll_log_level();
    }

    /** Of a category and of all that belong to it: "Realm.Sync" is also "Realm.Sync.Client.Session". */
    public static void setLevel(int level, String category) {
        Library.load();
        Native.atoll_log_set_category_level(category, level);
    }

    public static int getLevel(String category) {
        Library.load();
        return Native.atoll_log_category_level(category);
    }

    /** The names of all categories. "Realm" is the first, and all belong to it. */
    public static List<String> getCategories() {
        Library.load();
        List<String> names = new ArrayList<>();
        for (int i = 0; i < Native.atoll_log_category_count(); i++) {
            names.add(Native.atoll_log_category_name(i));
        }
        return names;
    }

    public static synchronized void add(RealmLogger logger) {
        if (logger == null) {
            throw new IllegalArgumentException("A non-null logger has to be provided");
        }
        LOGGERS.add(logger);
        if (!started) {
            started = true;
            start();
        }
    }

    public static synchronized boolean remove(RealmLogger logger) {
        return LOGGERS.remove(logger);
    }

    private static void start() {
        Library.load();
        final long queue = Native.atoll_queue_new();
        Native.atoll_log_set_queue(queue);
        Thread thread = new Thread(new Runnable() {
            @Override
            public void run() {
                while (true) {
                    long event = Native.atoll_queue_next(queue, -1);
                    if (event != 0) {
                        tell(event);
                        Native.atoll_event_free(event);
                    }
                }
            }
        }, "atoll-log");
        thread.setDaemon(true);
        thread.start();
    }

    private static void tell(long event) {
        int level = (int) Native.atoll_event_number(event, 0);
        for (RealmLogger logger : LOGGERS) {
            try {
                logger.log(level, Native.atoll_event_text(event, 0), null, Native.atoll_event_text(event, 1));
            } catch (RuntimeException e) {
                e.printStackTrace(); // The next line must still be told.
            }
        }
    }
}
