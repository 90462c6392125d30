package io.atoll.mongodb;

import io.atoll.RealmAsyncTask;
import io.atoll.internal.Constants;
import io.atoll.internal.Dispatcher;
import io.atoll.internal.Handle;
import io.atoll.internal.Native;
import io.atoll.internal.Request;
import io.atoll.internal.Values;

/** A user of an app; any thread may use it. */
public class User {
    /** What became of a log-in. */
    public enum State {
        LOGGED_IN, REMOVED, LOGGED_OUT
    }

    private static final Handle.Free FREE = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_user_free(pointer);
        }
    };
    private final App app;
    private final Handle handle;

    User(App app, long pointer) {
        this.app = app;
        this.handle = Handle.shared(this, pointer, FREE);
    }

    /** For the library's own packages. */
    public long realmGet$pointer() {
        return handle.pointer();
    }

    public App getApp() {
        return app;
    }

    public synchronized String getId() {
        return Native.atoll_user_id(handle.pointer());
    }

    /** How it logged in: "anon-user", "local-userpass". */
    public synchronized String getProviderType() {
        return Native.atoll_user_provider(handle.pointer());
    }

    public synchronized String getAccessToken() {
        long token = Native.atoll_user_access_token(handle.pointer());
        try {
            return (String) Values.read(token, 0, String.class);
        } finally {
            Native.atoll_values_free(token);
        }
    }

    public synchronized State getState() {
        switch (Native.atoll_user_state(handle.pointer())) {
            case Constants.USER_LOGGED_IN:
                return State.LOGGED_IN;
            case Constants.USER_LOGGED_OUT:
                return State.LOGGED_OUT;
            default:
                return State.REMOVED;
        }
    }

    public boolean isLoggedIn() {
        return getState() == State.LOGGED_IN;
    }

    /** Waits until it is logged out; its synced realms stop, and lose nothing that is unsent. */
    public void logOut() {
        begin(null).get();
    }

    public RealmAsyncTask logOutAsync(final App.Callback<User> callback) {
        begin(new Request.Done<User>() {
            @Override
            public void done(User user, RuntimeException error) {
                callback.onResult(App.Result.of(error == null ? User.this : null, error));
            }
        });
        return App.STARTED;
    }

    private synchronized Request<User> begin(Request.Done<User> done) {
        return Request.begin(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_user_log_out(handle.pointer(), queue);
            }
        }, null, done);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof User && ((User) other).getId().equals(getId()) && ((User) other).app.equals(app);
    }

    @Override
    public int hashCode() {
        return getId().hashCode();
    }
}
