package flows;

import static flows.Server.require;

import io.atoll.Realm;
import io.atoll.mongodb.App;
import io.atoll.mongodb.AppConfiguration;
import io.atoll.mongodb.AppException;
import io.atoll.mongodb.Credentials;
import io.atoll.mongodb.User;
import io.atoll.mongodb.sync.ClientResetRequiredError;
import io.atoll.mongodb.sync.CompensatingWriteException;
import io.atoll.mongodb.sync.ManuallyRecoverUnsyncedChangesStrategy;
import io.atoll.mongodb.sync.RecoverOrDiscardUnsyncedChangesStrategy;
import io.atoll.mongodb.sync.Subscription;
import io.atoll.mongodb.sync.SyncConfiguration;
import io.atoll.mongodb.sync.SyncSession;
import io.atoll.mongodb.sync.SyncTesting;
import java.io.File;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Client resets by the strategies, and writes that the server takes back, named one by one. */
final class Flow6 {
    private final App app;
    private final User user;
    private final BlockingQueue<AppException> errors = new LinkedBlockingQueue<>();

    private Flow6(Server server) throws Exception {
        File folder = new File(server.folder, "resets");
        folder.mkdir();
        app = new App(new AppConfiguration.Builder("java-resets").baseUrl(server.url()).syncRootDirectory(folder).build());
        user = app.login(Credentials.anonymous());
    }

    /** Tells what it saw; throws if it is to fail. */
    private static final class Telling implements RecoverOrDiscardUnsyncedChangesStrategy {
        final BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        final BlockingQueue<ClientResetRequiredError> failed = new LinkedBlockingQueue<>();
        volatile boolean fails;

        @Override
        public void onBeforeReset(Realm realm) {
            if (fails) {
                throw new IllegalStateException("not now");
            }
            seen.add((realm.isFrozen() ? "frozen " : "live ") + realm.where(Task.class).count());
        }

        @Override
        public void onAfterRecovery(Realm before, Realm after) {
            seen.add("recovered " + before.where(Task.class).count() + " " + after.where(Task.class).count());
        }

        @Override
        public void onAfterDiscard(Realm before, Realm after) {
            seen.add("discarded");
        }

        @Override
        public void onManualResetFallback(SyncSession session, ClientResetRequiredError error) {
            failed.add(error);
        }
    }

    private SyncConfiguration.Builder configuration() {
        return new SyncConfiguration.Builder(user).schema(Task.class).errorHandler((session, error) -> errors.add(error))
            .initialSubscriptions((realm, set) -> set.add(Subscription.create("ours",
                realm.where(Task.class).equalTo("partition", "ours"))));
    }

    private static <T> T next(BlockingQueue<T> from, String what) throws InterruptedException {
        T found = from.poll(30, TimeUnit.SECONDS);
        require(found != null, what);
        return found;
    }

    private void recovers() throws InterruptedException {
        Telling telling = new Telling();
        SyncConfiguration config = configuration().syncClientResetStrategy(telling).build();
        try (Realm realm = Realm.getInstance(config)) {
            realm.getSubscriptions().waitForSynchronization();
            SyncSession session = app.getSync().getSession(config);
            session.stop();
            realm.executeTransaction(r -> r.copyToRealm(new Task("ours", "not sent yet")));
            session.start();
            SyncTesting.simulateClientReset(session);
            require("frozen 1".equals(next(telling.seen, "before")), "what was there before");
            require("recovered 1 1".equals(next(telling.seen, "after")), "what is there after");
            session.uploadAllLocalChanges();
            // What the subscription does not ask for is taken back.
            Task other = new Task("theirs", "outside");
            realm.executeTransaction(r -> r.copyToRealm(other));
            AppException error = next(errors, "the refused write");
            require(error instanceof CompensatingWriteException, "another error: " + error);
            CompensatingWriteException refused = (CompensatingWriteException) error;
            require(refused.getWrites().size() == 1 && refused.getWrites().get(0).getObjectType().equals("Task")
                && refused.getWrites().get(0).getPrimaryKey().equals(other.getId())
                && !refused.getWrites().get(0).getReason().isEmpty(), "the list of refused writes");
            telling.fails = true;
            SyncTesting.simulateClientReset(session);
            require(next(telling.failed, "the fallback").getMessage().contains("not now"), "why it failed");
        }
    }

    private void isManual() throws Exception {
        BlockingQueue<ClientResetRequiredError> told = new LinkedBlockingQueue<>();
        ManuallyRecoverUnsyncedChangesStrategy strategy = (session, error) -> told.add(error);
        SyncConfiguration config = configuration().name("manual").syncClientResetStrategy(strategy).build();
        ClientResetRequiredError error;
        try (Realm realm = Realm.getInstance(config)) {
            realm.getSubscriptions().waitForSynchronization();
            SyncTesting.simulateClientReset(app.getSync().getSession(config));
            error = next(told, "the error");
            require(realm.getSubscriptions().size() == 1, "the realm stays");
        }
        Server.until("the folder is moved", () -> {
            try {
                error.executeClientReset();
                return true;
            } catch (IllegalStateException e) {
                return false;
            }
        });
        require(error.getBackupFile().toPath().startsWith(app.getConfiguration().getSyncRootDirectory().toPath()), "a folder outside of the app's: " + error.getBackupFile());
        require(error.getBackupFile().exists() && !error.getOriginalFile().exists(), "the backup");
        require(errors.isEmpty(), "told by the strategy alone");
    }

    static void run(Server server) throws Exception {
        Flow6 flow = new Flow6(server);
        flow.recovers();
        flow.isManual();
    }
}
