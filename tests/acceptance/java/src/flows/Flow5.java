package flows;

import static flows.Server.require;

import io.atoll.mongodb.App;
import io.atoll.mongodb.AppConfiguration;
import io.atoll.mongodb.AppException;
import io.atoll.mongodb.Credentials;
import io.atoll.mongodb.User;
import io.atoll.mongodb.auth.ApiKey;
import java.io.File;
import java.util.Collections;

/** Accounts: keys, linked identities, deletion, and what is not offered. */
final class Flow5 {
    private Flow5() {
    }

    private static void refused(Runnable work, String text) {
        try {
            work.run();
        } catch (AppException e) {
            require(e.getMessage().contains(text), "another message: " + e.getMessage());
            return;
        }
        throw new AssertionError("AppException was expected: " + text);
    }

    static void run(Server server) throws Exception {
        File folder = new File(server.folder, "accounts");
        folder.mkdir();
        final App app = new App(new AppConfiguration.Builder("java-accounts").baseUrl(server.url()).syncRootDirectory(folder)
            .encryptionKey(new byte[64]).addCustomRequestHeader("x-tenant", "blue").build());
        final User user = app.login(Credentials.anonymous());
        app.getEmailPassword().registerUser("ann@example.com", "secret 1");
        user.linkCredentials(Credentials.emailPassword("ann@example.com", "secret 1"));
        require(user.getIdentities().equals(Collections.singletonMap("local-userpass", "ann@example.com")), "the identities");
        require("ann@example.com".equals(user.getProfile().get("email")), "the profile");
        require(user.getDeviceId().length() == 24 && user.getRefreshToken() != null && user.getCustomData() == null, "what is known");
        require(user.refreshCustomData() == null, "no custom data");
        final ApiKey key = user.getApiKeys().create("build");
        require(app.login(Credentials.apiKey(key.getValue())).equals(user), "log-in by key");
        user.getApiKeys().disable(key.getId());
        require(!user.getApiKeys().fetch(key.getId()).isEnabled() && user.getApiKeys().fetchAll().size() == 1, "disabled");
        refused(() -> app.login(Credentials.apiKey(key.getValue())), "disabled");
        user.getApiKeys().delete(key.getId());
        require(user.getApiKeys().fetch(key.getId()) == null, "deleted");
        refused(() -> app.login(Credentials.facebook("x")), "not offered by this server");
        refused(() -> app.login(Credentials.customFunction("{}")), "not offered by this server");
        refused(() -> user.callFunction("sum", null, Integer.class), "not offered by this server");
        refused(() -> user.getMongoClient("atlas"), "not offered by this server");
        refused(() -> app.getEmailPassword().confirmUser("x", "y"), "valid");
        user.delete();
        require(user.getState() == User.State.REMOVED && app.allUsers().isEmpty(), "gone");
        refused(() -> app.login(Credentials.emailPassword("ann@example.com", "secret 1")), "invalid");
    }
}
