package io.atoll.mongodb.auth;

import io.atoll.internal.Constants;
import io.atoll.internal.Dispatcher;
import io.atoll.internal.Native;
import io.atoll.internal.Request;
import io.atoll.mongodb.App;
import io.atoll.mongodb.AppException;

/** Registers users that log in by email and password. Every call waits for the server's answer. */
public class EmailPasswordAuth {
    private final App app;

    public EmailPasswordAuth(App app) {
        this.app = app;
    }

    /** The user exists afterwards; the server may ask to confirm the address. */
    public void registerUser(final String email, final String password) {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_app_register_email(app.realmGet$pointer(), email, password, queue);
            }
        });
    }

    /** Both tokens are in what was sent to the address. */
    public void confirmUser(final String token, final String tokenId) {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_app_confirm_email(app.realmGet$pointer(), token, tokenId, queue);
            }
        });
    }

    /** Succeeds for unknown addresses too. */
    public void resendConfirmationEmail(final String email) {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_app_resend_confirmation(app.realmGet$pointer(), email, queue);
            }
        });
    }

    /** Succeeds for unknown addresses too. */
    public void sendResetPasswordEmail(final String email) {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_app_send_password_reset(app.realmGet$pointer(), email, queue);
            }
        });
    }

    /** Both tokens are in what was sent to the address; all log-ins of the user end. */
    public void resetPassword(final String token, final String tokenId, final String password) {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_app_reset_password(app.realmGet$pointer(), password, token, tokenId, queue);
            }
        });
    }

    public void retryCustomConfirmation(String email) {
        throw notOffered("Confirmation by a function");
    }

    public void callResetPasswordFunction(String email, String newPassword, Object... args) {
        throw notOffered("A new password by a function");
    }

    private static AppException notOffered(String what) {
        return new AppException(Constants.ERROR_NOT_SUPPORTED, what + " is not offered by this server", null);
    }

    private void ask(Dispatcher.Begin begin) {
        Request<Void> request;
        synchronized (app) {
            request = Request.begin(begin, null, null);
        }
        request.get();
    }
}
