package flows;

import static flows.Server.require;

import io.atoll.Realm;
import io.atoll.mongodb.App;
import io.atoll.mongodb.AppConfiguration;
import io.atoll.mongodb.Credentials;
import io.atoll.mongodb.User;
import io.atoll.mongodb.sync.SyncConfiguration;
import io.atoll.mongodb.sync.SyncSession;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.bson.types.ObjectId;

/** Two clients of one partition see each other's Task, a client of another partition does not. */
final class Flow1 {
    private static final String APP = "java-tasks";

    private static User device(Server server, String name) {
        File folder = new File(server.folder, name);
        folder.mkdir();
        App app = new App(new AppConfiguration.Builder(APP).baseUrl(server.url()).syncRootDirectory(folder).build());
        return app.login(Credentials.anonymous());
    }

    private static SyncConfiguration partition(User user, String value, boolean waiting) {
        SyncConfiguration.Builder builder = new SyncConfiguration.Builder(user, value).schema(Task.class);
        return waiting ? builder.waitForInitialRemoteData().build() : builder.build();
    }

    private static SyncSession session(Realm realm) {
        SyncConfiguration configuration = (SyncConfiguration) realm.getConfiguration();
        return configuration.getUser().getApp().getSync().getSession(configuration);
    }

    private static void add(Realm realm, Task task) {
        realm.executeTransaction(r -> r.insert(task));
        session(realm).uploadAllLocalChanges();
    }

    private static String names(Realm realm) {
        realm.refresh();
        TreeSet<String> names = new TreeSet<>();
        for (Task task : realm.where(Task.class).findAll()) {
            names.add(task.getName());
        }
        return names.toString();
    }

    static void run(Server server) throws Exception {
        User ann = device(server, "ann");
        User bob = device(server, "bob");
        User cid = device(server, "cid");

        Realm first = Realm.getInstance(partition(ann, "ours", false));
        Task made = new Task("ours", "Do this thing");
        ObjectId id = made.getId();
        add(first, made);

        Realm second = Realm.getInstance(partition(bob, "ours", true));
        require(names(second).equals("[Do this thing]"), "the second client sees " + names(second));
        Task there = second.where(Task.class).equalTo("_id", id).findFirst();
        require(there.getStatus().equals("Open"), "the default arrived");
        Realm third = Realm.getInstance(partition(cid, "theirs", true));
        require(third.isEmpty(), "the third client sees " + names(third));

        // And back: the second changes the task, the first is told.
        List<String> told = new ArrayList<>();
        Task here = first.where(Task.class).equalTo("_id", id).findFirst();
        here.addChangeListener((Task task, io.atoll.ObjectChangeSet changes) -> told.add(changes.getChangedFields()[0]));
        second.executeTransaction(r -> there.setStatus("Done"));
        add(second, new Task("ours", "marker of ours"));
        session(first).downloadAllServerChanges();
        require(here.getStatus().equals("Open"), "a realm does not move under its reader");
        first.refresh();
        require(here.getStatus().equals("Done"), "the change arrived");
        require(told.equals(java.util.Arrays.asList("status")), "the listener was told " + told);

        // A marker of its own partition reaches the third client after all of that; nothing else does.
        Realm fourth = Realm.getInstance(partition(ann, "theirs", false));
        add(fourth, new Task("theirs", "marker of theirs"));
        session(third).downloadAllServerChanges();
        require(names(third).equals("[marker of theirs]"), "the third client sees " + names(third));
        session(first).downloadAllServerChanges();
        require(names(first).equals("[Do this thing, marker of ours]"), "the first client sees " + names(first));

        require(server.rowsOut(APP, cid.getId(), "theirs") == 1, "the server sent the third client more than its marker");
        require(server.rowsOut(APP, bob.getId(), "ours") == 1, "the server sent the second client more than the task");
        Server.until("the first client is sent one change and one marker", () -> server.rowsOut(APP, ann.getId(), "ours") == 2);
        require(server.rowsOut(APP, ann.getId(), "theirs") == 0, "the author of the marker was sent it back");
        for (Realm realm : new Realm[] {first, second, third, fourth}) {
            realm.close();
        }
    }
}
