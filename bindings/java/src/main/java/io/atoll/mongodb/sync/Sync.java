package io.atoll.mongodb.sync;

import io.atoll.internal.Native;
import io.atoll.mongodb.App;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The sync sessions of an app. */
public class Sync {
    private final App app;
    private final Map<String, SyncSession> sessions = new HashMap<>();

    public Sync(App app) {
        this.app = app;
    }

    /** The session of a realm that was opened. */
    public synchronized SyncSession getSession(SyncConfiguration configuration) {
        SyncSession session = sessions.get(configuration.getPath());
        if (session == null) {
            throw new IllegalStateException("No SyncSession found using the path '" + configuration.getPath()
                    + "'. Has the Realm been opened?");
        }
        return session;
    }

    public synchronized List<SyncSession> getAllSessions() {
        return new ArrayList<>(sessions.values());
    }

    /** Every session tries to connect at once. */
    public void reconnect() {
        synchronized (app) {
            Native.atoll_app_reconnect(app.realmGet$pointer());
        }
    }

    // A realm that is opened again may have a new session or the one that it had.
    synchronized void opened(SyncConfiguration configuration, long pointer) {
        SyncSession known = sessions.get(configuration.getPath());
        if (known != null && known.isSame(pointer)) {
            Native.atoll_session_free(pointer);
            return;
        }
        SyncSession session = new SyncSession(configuration, pointer);
        sessions.put(configuration.getPath(), session);
        session.observe();
    }
}
