package io.atoll.mongodb.auth;

import io.atoll.internal.Dispatcher;
import io.atoll.internal.Errors;
import io.atoll.internal.Native;
import io.atoll.internal.Request;
import io.atoll.mongodb.App;

/** Registers users that log in by email and password. */
public class EmailPasswordAuth {
    private final App app;

    public EmailPasswordAuth(App app) {
        this.app = app;
    }

    /** Waits until the user exists; it is confirmed at once. */
    public void registerUser(final String email, final String password) {
        Request<Void> request;
        synchronized (app) {
            request = Request.begin(new Dispatcher.Begin() {
                @Override
                public long begin(long queue) {
                    return Native.atoll_app_register_email(app.realmGet$pointer(), email, password, queue);
                }
            }, null, null);
        }
        request.get();
    }

    public void confirmUser(String token, String tokenId) {
        throw Errors.notSupported("confirmUser; users are confirmed when they register");
    }

    public void sendResetPasswordEmail(String email) {
        throw Errors.notSupported("sendResetPasswordEmail");
    }
}
