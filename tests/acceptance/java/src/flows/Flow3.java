package flows;

import static flows.Server.require;

import io.atoll.Realm;
import io.atoll.mongodb.App;
import io.atoll.mongodb.AppConfiguration;
import io.atoll.mongodb.Credentials;
import io.atoll.mongodb.User;
import io.atoll.mongodb.sync.Subscription;
import io.atoll.mongodb.sync.SyncConfiguration;
import io.atoll.mongodb.sync.SyncSession;
import java.io.File;
import java.util.List;

/** Measurements go one way: they arrive once, and are gone from the device. Reading them does not compile (ProcessorTest). */
final class Flow3 {
    private static final String APP = "java-weather";

    private static int count(String json, String part) {
        return (json.length() - json.replace(part, "").length()) / part.length();
    }

    static void run(Server server) throws Exception {
        File folder = new File(server.folder, "station");
        folder.mkdir();
        App app = new App(new AppConfiguration.Builder(APP).baseUrl(server.url()).syncRootDirectory(folder).build());
        User user = app.login(Credentials.anonymous());
        SyncConfiguration configuration = new SyncConfiguration.Builder(user)
                .schema(Measurement.class, Sensor.class, Place.class)
                .initialSubscriptions((r, set) -> set.add(Subscription.create("sensors", r.where(Sensor.class)))).build();
        Realm realm = Realm.getInstance(configuration);
        require(realm.getSubscriptions().waitForSynchronization(), "the subscription is complete");
        require(realm.getSubscriptions().find("sensors").getObjectType().equals("Sensor"), "the subscription is there");
        SyncSession session = app.getSync().getSession(configuration);

        // One write with a normal object beside it.
        Measurement measurement = new Measurement();
        measurement.setValue(9.876);
        Place place = new Place();
        place.setRoom("attic");
        place.setFloor(3);
        measurement.setPlace(place);
        Sensor sensor = new Sensor();
        sensor.setId("s1");
        sensor.setName("roof");
        measurement.setSensor(sensor);
        realm.executeTransaction(r -> r.insert(measurement));
        require(realm.where(Sensor.class).findFirst().getName().equals("roof"), "the linked object was added too");
        session.uploadAllLocalChanges();
        String arrived = server.ingested(APP);
        require(count(arrived, measurement.getId().toString()) == 1, "it arrived once: " + arrived);
        require(arrived.contains("9.876") && arrived.contains("attic") && arrived.contains("s1"), "it arrived whole: " + arrived);

        // It is gone from the device: a new session has nothing to send.
        realm.close();
        realm = Realm.getInstance(configuration);
        session = app.getSync().getSession(configuration);
        session.uploadAllLocalChanges();
        session.downloadAllServerChanges();
        List<Server.Stream> streams = server.streams(APP, user.getId(), null);
        Server.Stream latest = streams.get(0);
        for (Server.Stream stream : streams) {
            latest = stream.number > latest.number ? stream : latest;
        }
        require(latest.rowsIn == 0, "the measurement was sent again");

        // Many at once while the server is away; each arrives once.
        server.kill();
        for (int i = 0; i < 500; i += 100) {
            final int start = i;
            realm.executeTransaction(r -> {
                for (int k = start; k < start + 100; k++) {
                    Measurement one = new Measurement();
                    one.setValue(100000 + k);
                    r.insert(one);
                }
            });
        }
        server.start();
        app.getSync().reconnect();
        session.uploadAllLocalChanges();
        arrived = server.ingested(APP);
        int last = -1;
        for (int k = 0; k < 500; k++) {
            String value = "\"value\": " + (100000 + k);
            require(count(arrived, value) == 1, value + " arrived " + count(arrived, value) + " times");
            require(arrived.indexOf(value) > last, value + " is out of order");
            last = arrived.indexOf(value);
        }
        realm.close();
    }
}
