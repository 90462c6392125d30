package flows;

import static flows.Server.require;

import io.atoll.Realm;
import io.atoll.internal.Constants;
import io.atoll.mongodb.App;
import io.atoll.mongodb.AppConfiguration;
import io.atoll.mongodb.AppException;
import io.atoll.mongodb.AuthenticationListener;
import io.atoll.mongodb.Credentials;
import io.atoll.mongodb.User;
import io.atoll.mongodb.sync.Progress;
import io.atoll.mongodb.sync.ProgressMode;
import io.atoll.mongodb.sync.Subscription;
import io.atoll.mongodb.sync.SyncConfiguration;
import io.atoll.mongodb.sync.SyncSession;
import io.atoll.mongodb.sync.SyncTesting;
import java.io.File;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** First openings, progress, errors that end a session, and who comes and goes. */
final class Flow8 {
    private Flow8() {
    }

    private static final class Told implements AuthenticationListener {
        final List<String> lines = new CopyOnWriteArrayList<>();

        @Override
        public void loggedIn(User user) {
            lines.add("in " + user.getId());
        }

        @Override
        public void loggedOut(User user) {
            lines.add("out " + user.getId());
        }
    }

    private static App app(Server server, String device) {
        File folder = new File(server.folder, device);
        folder.mkdir();
        return new App(new AppConfiguration.Builder("java-openings").baseUrl(server.url()).syncRootDirectory(folder).build());
    }

    private static void subscriptions(User user) {
        AtomicInteger times = new AtomicInteger();
        AtomicBoolean fails = new AtomicBoolean(true);
        SyncConfiguration.InitialFlexibleSyncSubscriptions subscribe = (realm, set) -> {
            times.incrementAndGet();
            set.add(Subscription.create("all", realm.where(Sensor.class)));
            if (fails.get()) {
                throw new IllegalStateException("not today");
            }
        };
        SyncConfiguration once = new SyncConfiguration.Builder(user).schema(Sensor.class).initialSubscriptions(subscribe).build();
        try {
            Realm.getInstance(once).close();
            throw new AssertionError("the exception was swallowed");
        } catch (IllegalStateException e) {
            require("not today".equals(e.getMessage()), "the opening failed with " + e);
        }
        fails.set(false);
        for (int i = 0; i < 2; i++) {
            try (Realm realm = Realm.getInstance(once)) {
                require(realm.getSubscriptions().size() == 1 - i && times.get() == 2, "subscribed once, after " + times + " calls");
                realm.getSubscriptions().update(set -> set.remove("all"));
            }
        }
        SyncConfiguration again = new SyncConfiguration.Builder(user).schema(Sensor.class)
                .initialSubscriptions(subscribe, true).build();
        try (Realm realm = Realm.getInstance(again)) {
            require(realm.getSubscriptions().size() == 1 && times.get() == 3, "subscribed at each opening");
        }
    }

    private static void progress(User user) throws Exception {
        List<AppException> errors = new CopyOnWriteArrayList<>();
        SyncConfiguration config = new SyncConfiguration.Builder(user).schema(Sensor.class).name("progress")
                .initialSubscriptions((r, set) -> set.add(Subscription.create("all", r.where(Sensor.class))))
                .waitForInitialRemoteData().errorHandler((session, error) -> errors.add(error)).build();
        try (Realm realm = Realm.getInstance(config)) {
            SyncSession session = user.getApp().getSync().getSession(config);
            List<Progress> told = new CopyOnWriteArrayList<>();
            realm.executeTransaction(r -> {
                for (int i = 0; i < 2000; i++) {
                    Sensor sensor = new Sensor();
                    sensor.setId("sensor " + i);
                    r.insert(sensor);
                }
            });
            session.addUploadProgressListener(ProgressMode.CURRENT_CHANGES, told::add);
            Server.until("the upload is done", () -> !told.isEmpty() && told.get(told.size() - 1).isTransferComplete());
            double last = 0;
            for (Progress p : told) {
                require(p.getFractionTransferred() >= last && p.getTransferredBytes() <= p.getTransferableBytes(), "rising: " + told);
                last = p.getFractionTransferred();
            }
            require(told.get(told.size() - 1).getTransferredBytes() > 2000 * 8, "bytes are counted: " + told);
            SyncTesting.simulateError(session, Constants.ERROR_SERVER, "busy", false);
            SyncTesting.simulateError(session, Constants.ERROR_PERMISSION_DENIED, "no", true);
            Server.until("the errors are told", () -> errors.size() == 2);
            require(!errors.get(0).isFatal() && errors.get(1).isFatal(), "the second ends the session");
        }
    }

    static void run(Server server) throws Exception {
        App app = app(server, "openings");
        Told told = new Told();
        app.addAuthenticationListener(told);
        User user = app.login(Credentials.anonymous());
        subscriptions(user);
        progress(user);
        String id = user.getId();
        user.logOut();
        Server.until("the log-out is told", () -> told.lines.size() == 2);
        require(told.lines.get(0).equals("in " + id) && told.lines.get(1).equals("out " + id), "told " + told.lines);
        app.removeAuthenticationListener(told);
        app.login(Credentials.anonymous());
        require(told.lines.size() == 2, "told after it was removed");
    }
}
