package flows;

import static flows.Server.require;

import io.atoll.Realm;
import io.atoll.log.LogLevel;
import io.atoll.log.RealmLog;
import io.atoll.log.RealmLogger;
import io.atoll.mongodb.App;
import io.atoll.mongodb.AppConfiguration;
import io.atoll.mongodb.Credentials;
import io.atoll.mongodb.User;
import io.atoll.mongodb.sync.ConnectionState;
import io.atoll.mongodb.sync.SyncConfiguration;
import io.atoll.mongodb.sync.SyncSession;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** A stopped session moves nothing either way, and start() does not wait for the backoff. */
final class Flow2 {
    private static final String APP = "java-stops";

    private static final class Device {
        final User user;
        final Realm work;
        final Realm marks;

        Device(Server server, String name) {
            File folder = new File(server.folder, name);
            folder.mkdir();
            App app = new App(new AppConfiguration.Builder(APP).baseUrl(server.url()).syncRootDirectory(folder)
                    .reconnectDelay(60, 60, TimeUnit.SECONDS).build());
            user = app.login(Credentials.anonymous());
            work = open("work");
            marks = open("marks");
        }

        private Realm open(String partition) {
            Realm realm = Realm.getInstance(new SyncConfiguration.Builder(user, partition).schema(Task.class).build());
            session(realm).downloadAllServerChanges();
            return realm;
        }

        void close() {
            work.close();
            marks.close();
        }
    }

    private static SyncSession session(Realm realm) {
        SyncConfiguration configuration = (SyncConfiguration) realm.getConfiguration();
        return configuration.getUser().getApp().getSync().getSession(configuration);
    }

    private static void add(Realm realm, String partition, String name) {
        realm.executeTransaction(r -> r.insert(new Task(partition, name)));
    }

    private static String names(Realm realm) {
        realm.refresh();
        TreeSet<String> names = new TreeSet<>();
        for (Task task : realm.where(Task.class).findAll()) {
            names.add(task.getName());
        }
        return names.toString();
    }

    private static void same(Realm realm, String wanted) {
        String found = names(realm);
        require(found.equals(wanted), "expected " + wanted + ", the realm has " + found);
    }

    private static List<String> counters(Server server, Device device) throws Exception {
        List<String> counters = new ArrayList<>();
        for (Server.Stream stream : server.streams(APP, device.user.getId(), "work")) {
            counters.add(stream.counters());
        }
        return counters;
    }

    private static void nothingCrosses(Server server, Device ann, Device bob, Semaphore connected) throws Exception {
        SyncSession session = session(ann.work);
        session.stop();
        require(session.getState() != SyncSession.State.ACTIVE, "stopped, it is " + session.getState());
        require(session.getConnectionState() == ConnectionState.DISCONNECTED, "stopped, it is " + session.getConnectionState());
        Server.until("the server sees the stop", () -> {
            for (Server.Stream stream : server.streams(APP, ann.user.getId(), "work")) {
                if (stream.open) {
                    return false;
                }
            }
            return true;
        });
        List<String> before = counters(server, ann);
        add(ann.work, "work", "written while stopped");
        add(bob.work, "work", "written elsewhere");
        session(bob.work).uploadAllLocalChanges();
        add(ann.marks, "marks", "marker of ann");
        add(bob.marks, "marks", "marker of bob");
        session(ann.marks).uploadAllLocalChanges();
        session(bob.marks).uploadAllLocalChanges();
        for (Realm realm : new Realm[] {ann.marks, bob.marks}) {
            session(realm).downloadAllServerChanges();
            same(realm, "[marker of ann, marker of bob]");
        }
        session(bob.work).downloadAllServerChanges();
        same(ann.work, "[written while stopped]");
        same(bob.work, "[written elsewhere]");
        require(counters(server, ann).equals(before), "the stopped session moved");

        session.start();
        session.uploadAllLocalChanges();
        session.downloadAllServerChanges();
        require(connected.tryAcquire(Server.LIMIT_S, TimeUnit.SECONDS), "the listener was not told of the connection");
        session(bob.work).downloadAllServerChanges();
        same(ann.work, "[written elsewhere, written while stopped]");
        same(bob.work, "[written elsewhere, written while stopped]");
    }

    static void run(Server server) throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        RealmLogger logger = (level, tag, thrown, message) -> lines.add(message);
        RealmLog.setLevel(LogLevel.DEBUG);
        RealmLog.add(logger);
        Device ann = new Device(server, "ann2");
        Device bob = new Device(server, "bob2");
        Semaphore connected = new Semaphore(0);
        SyncSession session = session(ann.work);
        session.addConnectionChangeListener((old, now) -> {
            if (now == ConnectionState.CONNECTED) {
                connected.release();
            }
        });
        nothingCrosses(server, ann, bob, connected);

        // The server goes away: the next attempt is a minute off. It comes back; start() connects at once.
        server.kill();
        Server.until("the loss is noticed", () -> session.getConnectionState() == ConnectionState.DISCONNECTED);
        add(ann.work, "work", "written offline");
        server.start();
        require(!session.uploadAllLocalChanges(1500, TimeUnit.MILLISECONDS), "it connected though the next attempt was a minute off");
        connected.drainPermits();
        lines.clear();
        long began = System.nanoTime();
        session.stop();
        session.start();
        require(connected.tryAcquire(20, TimeUnit.SECONDS), "start() did not connect at once");
        require(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(20), "start() waited for the backoff");
        session.uploadAllLocalChanges();
        Server.until("an attempt with reason resume is logged", () -> {
            for (String line : lines) {
                if (line.contains("resume")) {
                    return true;
                }
            }
            return false;
        });
        ann.close();
        bob.close();
        RealmLog.remove(logger);
        RealmLog.setLevel(LogLevel.INFO);
    }
}
