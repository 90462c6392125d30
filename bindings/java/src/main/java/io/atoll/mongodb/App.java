package io.atoll.mongodb;

import io.atoll.RealmAsyncTask;
import io.atoll.internal.Dispatcher;
import io.atoll.internal.Handle;
import io.atoll.internal.Native;
import io.atoll.internal.Request;
import io.atoll.mongodb.auth.EmailPasswordAuth;
import io.atoll.mongodb.sync.Sync;
import java.util.LinkedHashMap;
import java.util.Map;

/** An app of a server: its users and their sync. Any thread may use it. */
public class App {
    /** Told of the end of a call; on a background thread. */
    public interface Callback<T> {
        void onResult(Result<T> result);
    }

    /** A value or an error. */
    public static final class Result<T> {
        private final T value;
        private final RuntimeException error;

        private Result(T value, RuntimeException error) {
            this.value = value;
            this.error = error;
        }

        static <T> Result<T> of(T value, RuntimeException error) {
            return new Result<>(value, error);
        }

        public boolean isSuccess() {
            return error == null;
        }

        public T get() {
            return value;
        }

        public T getOrThrow() {
            if (error != null) {
                throw error;
            }
            return value;
        }

        public RuntimeException getError() {
            return error;
        }
    }

    /** A request that is under way can't be taken back. */
    static final RealmAsyncTask STARTED = new RealmAsyncTask() {
        @Override
        public void cancel() {
        }

        @Override
        public boolean isCancelled() {
            return false;
        }
    };
    private static final Handle.Free FREE = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_app_free(pointer);
        }
    };

    private final AppConfiguration configuration;
    private final Handle handle;
    private final Sync sync = new Sync(this);
    private final Authentication authentication = new Authentication(this);

    public App(String appId) {
        this(new AppConfiguration.Builder(appId).build());
    }

    public App(AppConfiguration configuration) {
        this.configuration = configuration;
        this.handle = Handle.shared(this, configuration.open(), FREE);
    }

    /** For the library's own packages. */
    public long realmGet$pointer() {
        return handle.pointer();
    }

    public AppConfiguration getConfiguration() {
        return configuration;
    }

    public Sync getSync() {
        return sync;
    }

    public EmailPasswordAuth getEmailPassword() {
        return new EmailPasswordAuth(this);
    }

    /** Waits until the user is logged in; it becomes the current one. */
    public User login(Credentials credentials) {
        return begin(credentials, null).get();
    }

    public RealmAsyncTask loginAsync(Credentials credentials, final Callback<User> callback) {
        begin(credentials, new Request.Done<User>() {
            @Override
            public void done(User user, RuntimeException error) {
                callback.onResult(Result.of(user, error));
            }
        });
        return STARTED;
    }

    private synchronized Request<User> begin(final Credentials who, final Request.Done<User> done) {
        if (who == null) {
            throw new IllegalArgumentException("credentials are required");
        }
        return Request.begin(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                if (who.anonymous) {
                    return Native.atoll_app_log_in_anonymous(handle.pointer(), who.reuse, queue);
                }
                if (who.provider != null) {
                    return Native.atoll_app_log_in_token(handle.pointer(), who.provider, who.password, queue);
                }
                return Native.atoll_app_log_in_email(handle.pointer(), who.email, who.password, queue);
            }
        }, new Request.Make<User>() {
            @Override
            public User make(long event) {
                return new User(App.this, Native.atoll_event_user(event));
            }
        }, new Request.Done<User>() {
            @Override
            public void done(User user, RuntimeException error) {
                if (user != null) {
                    authentication.loggedIn(user);
                }
                if (done != null) {
                    done.done(user, error);
                }
            }
        });
    }

    /** Told of log-ins and of their ends, those by the server too; on a background thread. */
    public void addAuthenticationListener(AuthenticationListener listener) {
        authentication.add(listener);
    }

    public void removeAuthenticationListener(AuthenticationListener listener) {
        authentication.remove(listener);
    }

    /** Null if nobody is logged in. */
    public synchronized User currentUser() {
        long user = Native.atoll_app_current_user(handle.pointer());
        return user == 0 ? null : new User(this, user);
    }

    public synchronized Map<String, User> allUsers() {
        Map<String, User> users = new LinkedHashMap<>();
        int count = Native.atoll_app_user_count(handle.pointer());
        for (int i = 0; i < count; i++) {
            User user = new User(this, Native.atoll_app_user(handle.pointer(), i));
            users.put(user.getId(), user);
        }
        return users;
    }

    public synchronized User switchUser(User user) {
        Native.atoll_app_switch_user(handle.pointer(), user.realmGet$pointer());
        return user;
    }
}
