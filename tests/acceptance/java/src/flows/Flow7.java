package flows;

import static flows.Server.require;

import io.atoll.Realm;
import io.atoll.RealmAny;
import io.atoll.mongodb.App;
import io.atoll.mongodb.AppConfiguration;
import io.atoll.mongodb.Credentials;
import io.atoll.mongodb.sync.Subscription;
import io.atoll.mongodb.sync.SyncConfiguration;
import io.atoll.mongodb.sync.SyncSession;
import java.io.File;

/** What two devices add to a number, a set and a dictionary at once is all there in the end. */
final class Flow7 {
    private Flow7() {
    }

    /** One of the devices. */
    private static final class Device implements AutoCloseable {
        final Realm realm;
        final SyncSession session;

        Device(Server server, String name) {
            File folder = new File(server.folder, name);
            folder.mkdir();
            App app = new App(new AppConfiguration.Builder("java-shelves").baseUrl(server.url()).syncRootDirectory(folder).build());
            SyncConfiguration config = new SyncConfiguration.Builder(app.login(Credentials.anonymous())).schema(Shelf.class)
                .initialSubscriptions((r, set) -> set.add(Subscription.create("all", r.where(Shelf.class))))
                .waitForInitialRemoteData().build();
            realm = Realm.getInstance(config);
            session = app.getSync().getSession(config);
        }

        Shelf shelf() {
            return realm.where(Shelf.class).findFirst();
        }

        void settle() throws InterruptedException {
            session.uploadAllLocalChanges();
            session.downloadAllServerChanges();
            realm.refresh();
        }

        void edit(int by, String label) {
            Shelf shelf = shelf();
            realm.executeTransaction(r -> {
                shelf.getVisits().increment(by);
                shelf.getLabels().add(label);
                shelf.getCounts().put(label, by);
            });
        }

        @Override
        public void close() {
            realm.close();
        }
    }

    static void run(Server server) throws Exception {
        try (Device a = new Device(server, "shelves1"); Device b = new Device(server, "shelves2")) {
            a.realm.executeTransaction(r -> {
                Shelf made = r.createObject(Shelf.class, 1L);
                made.getVisits().set(10L);
                made.setExtra(RealmAny.valueOf("text"));
            });
            a.settle();
            b.settle();
            require("text".equals(b.shelf().getExtra().asString()), "a value of any type");
            a.session.stop();
            b.session.stop();
            a.edit(3, "red");
            b.edit(4, "blue");
            a.session.start();
            b.session.start();
            a.settle();
            b.settle();
            a.settle();
            for (Device device : new Device[] {a, b}) {
                Shelf shelf = device.shelf();
                require(shelf.getVisits().get() == 17, "increments add up: " + shelf.getVisits().get());
                require(shelf.getLabels().contains("red") && shelf.getLabels().contains("blue"), "the set");
                require(shelf.getCounts().get("red") == 3 && shelf.getCounts().get("blue") == 4, "the dictionary");
            }
        }
    }
}
