package flows;

import static flows.Server.require;

import io.atoll.Realm;
import io.atoll.RealmConfiguration;
import io.atoll.internal.Constants;
import io.atoll.mongodb.App;
import io.atoll.mongodb.AppConfiguration;
import io.atoll.mongodb.AppException;
import io.atoll.mongodb.Credentials;
import io.atoll.mongodb.User;
import io.atoll.mongodb.sync.Progress;
import io.atoll.mongodb.sync.ProgressListener;
import io.atoll.mongodb.sync.ProgressMode;
import io.atoll.mongodb.sync.Subscription;
import io.atoll.mongodb.sync.SubscriptionSet;
import io.atoll.mongodb.sync.SyncConfiguration;
import io.atoll.mongodb.sync.SyncSession;
import java.io.File;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/** Users by email, and a view that follows its subscriptions; errors are the kinds that Realm Java's users know. */
final class Flow4 {
    private static final String APP = "java-views";

    private static App app(Server server, String name) {
        File folder = new File(server.folder, name);
        folder.mkdir();
        return new App(new AppConfiguration.Builder(APP).baseUrl(server.url()).syncRootDirectory(folder).build());
    }

    private static void fails(Class<? extends Throwable> kind, Runnable work, String what) {
        try {
            work.run();
        } catch (RuntimeException e) {
            require(kind.isInstance(e), what + " threw " + e);
            return;
        }
        throw new AssertionError(what + " threw nothing");
    }

    private static String names(Realm realm) {
        realm.refresh();
        TreeSet<String> names = new TreeSet<>();
        for (Sensor sensor : realm.where(Sensor.class).findAll()) {
            names.add(sensor.getName());
        }
        return names.toString();
    }

    private static Sensor sensor(String id, int sent) {
        Sensor sensor = new Sensor();
        sensor.setId(id);
        sensor.setName(id);
        sensor.setSent(sent);
        return sensor;
    }

    private static User users(App app) {
        app.getEmailPassword().registerUser("dora@example.com", "correct horse");
        fails(AppException.class, () -> app.getEmailPassword().registerUser("dora@example.com", "another one"), "the same address twice");
        try {
            app.login(Credentials.emailPassword("dora@example.com", "wrong horse"));
            throw new AssertionError("a wrong password was accepted");
        } catch (AppException e) {
            require(e.getCode() == Constants.ERROR_INVALID_CREDENTIALS, "the code is " + e.getCode());
        }
        User dora = app.login(Credentials.emailPassword("dora@example.com", "correct horse"));
        require(dora.isLoggedIn() && app.currentUser().equals(dora), "dora is the current user");
        User guest = app.login(Credentials.anonymous());
        require(app.currentUser().equals(guest) && app.allUsers().size() == 2, "the guest is the current user");
        app.switchUser(dora);
        require(app.currentUser().equals(dora), "dora is the current user again");
        guest.logOut();
        require(!guest.isLoggedIn(), "the guest is logged out");
        require(dora.getProviderType().equals("local-userpass") && !dora.getAccessToken().isEmpty(), "dora's log-in");
        return dora;
    }

    private static void views(Realm author, SyncSession up, Realm reader, SyncSession down) {
        SubscriptionSet set = reader.getSubscriptions();
        set.update(s -> s.add(Subscription.create("few", reader.where(Sensor.class).lessThan("sent", 10))));
        require(set.waitForSynchronization() && set.getState() == SubscriptionSet.State.COMPLETE, "the set is complete");
        reader.refresh();
        require(names(reader).equals("[a, b]"), "the view has " + names(reader));
        require(set.size() == 1 && set.find("few").getQueryDescription().contains("10"), "the subscription says its query");
        require(set.find(reader.where(Sensor.class).lessThan("sent", 10)) != null, "it is found by its query");

        // What leaves the view goes; what enters it comes.
        author.executeTransaction(r -> {
            r.where(Sensor.class).equalTo("_id", "a").findFirst().setSent(50);
            r.where(Sensor.class).equalTo("_id", "c").findFirst().setSent(1);
        });
        up.uploadAllLocalChanges();
        down.downloadAllServerChanges();
        require(names(reader).equals("[b, c]"), "the view has " + names(reader));

        // The same name with another query: refused by add, taken by addOrUpdate.
        fails(IllegalArgumentException.class, () -> set.update(s -> s.add(Subscription.create("few", reader.where(Sensor.class)))),
                "a name twice");
        require(set.refresh().find("few").getQueryDescription().contains("10"), "the refused update changed nothing");
        set.update(s -> s.addOrUpdate(Subscription.create("few", reader.where(Sensor.class)))).waitForSynchronization();
        require(names(reader).equals("[a, b, c]"), "the view has " + names(reader));
        set.update(s -> require(s.remove("few") && !s.remove("none"), "remove says what it found")).waitForSynchronization();
        require(names(reader).equals("[]"), "without subscriptions the view has " + names(reader));
        fails(IllegalStateException.class, () -> reader.executeTransaction(r -> r.insert(sensor("x", 1))), "a write without subscription");
    }

    static void run(Server server) throws Exception {
        User dora = users(app(server, "dora"));
        AtomicReference<AppException> error = new AtomicReference<>();
        SyncConfiguration writing = new SyncConfiguration.Builder(dora).schema(Sensor.class)
                .errorHandler((session, e) -> error.set(e))
                .initialSubscriptions((r, s) -> s.add(Subscription.create("all", r.where(Sensor.class)))).build();
        User evan = app(server, "evan").login(Credentials.anonymous());
        SyncConfiguration reading = new SyncConfiguration.Builder(evan).schema(Sensor.class).build();
        try (Realm author = Realm.getInstance(writing); Realm reader = Realm.getInstance(reading)) {
            SyncSession up = dora.getApp().getSync().getSession(writing);
            SyncSession down = evan.getApp().getSync().getSession(reading);
            List<Progress> progress = new CopyOnWriteArrayList<>();
            ProgressListener listener = progress::add;
            up.addUploadProgressListener(ProgressMode.INDEFINITELY, listener);
            author.executeTransaction(r -> {
                r.insert(sensor("a", 1));
                r.insert(sensor("b", 2));
                r.insert(sensor("c", 30));
            });
            up.uploadAllLocalChanges();
            Server.until("the upload's progress is told", () -> {
                for (Progress p : progress) {
                    if (p.isTransferComplete()) {
                        return true;
                    }
                }
                return false;
            });
            up.removeProgressListener(listener);
            views(author, up, reader, down);
            require(up.getUser().equals(dora) && up.getConfiguration() == writing, "the session knows its user");
        }
        require(error.get() == null, "the session failed: " + error.get());
        File local = new File(server.folder, "local");
        RealmConfiguration offline = new RealmConfiguration.Builder().directory(local).schema(Sensor.class).build();
        try (Realm realm = Realm.getInstance(offline)) {
            fails(RuntimeException.class, realm::getSubscriptions, "subscriptions of a local realm");
        }
    }
}
