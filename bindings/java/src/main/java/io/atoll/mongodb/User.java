package io.atoll.mongodb;

import io.atoll.RealmAsyncTask;
import io.atoll.internal.Constants;
import io.atoll.internal.Dispatcher;
import io.atoll.internal.EventHandler;
import io.atoll.internal.Handle;
import io.atoll.internal.Native;
import io.atoll.internal.Request;
import io.atoll.internal.Values;
import io.atoll.mongodb.auth.ApiKeyAuth;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A user of an app; any thread may use it. */
public class User {
    /** What became of a log-in. */
    public enum State {
        LOGGED_IN, REMOVED, LOGGED_OUT
    }

    /** Told, on a background thread, when state, tokens, profile or custom data changed; it may come more often. */
    public interface ChangeListener {
        void onChange(User user);
    }

    private static final Handle.Free FREE = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_user_free(pointer);
        }
    };
    private final App app;
    private final Handle handle;
    private final Map<ChangeListener, Long> listeners = new IdentityHashMap<>();

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

    /** How it logged in first: "anon-user", "local-userpass", "api-key", "custom-token", ... */
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

    public synchronized void addChangeListener(final ChangeListener listener) {
        removeChangeListener(listener); // Adding it twice is as adding it once.
        listeners.put(listener, Dispatcher.get().add(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_user_observe(handle.pointer(), queue);
            }
        }, new EventHandler() {
            @Override
            public void onEvent(long event) {
                listener.onChange(User.this);
            }
        }, false));
    }

    public synchronized void removeChangeListener(ChangeListener listener) {
        Long registration = listeners.remove(listener);
        if (registration != null) {
            Native.atoll_user_unobserve(handle.pointer(), registration);
            Dispatcher.get().remove(registration);
        }
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

    /** Adds another way to log in as this user; an address must be registered and not have logged in yet. */
    public User linkCredentials(final Credentials credentials) {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                if (credentials.anonymous) {
                    throw new IllegalArgumentException("an anonymous identity can't be linked");
                }
                return credentials.provider != null
                        ? Native.atoll_user_link_token(handle.pointer(), credentials.provider, credentials.password, queue)
                        : Native.atoll_user_link_email(handle.pointer(), credentials.email, credentials.password, queue);
            }
        });
        return this;
    }

    /** Logs out and takes the user off this device; what is unsent stays in its realms. */
    public User remove() {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_user_remove(handle.pointer(), queue);
            }
        });
        return this;
    }

    /** Deletes the user on the server, and its realms here at the next start of the app. */
    public void delete() {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_user_delete(handle.pointer(), queue);
            }
        });
    }

    public ApiKeyAuth getApiKeys() {
        return new ApiKeyAuth(this);
    }

    /** JSON as of the last log-in or refresh; null: there are none. */
    public synchronized String getCustomData() {
        return first(Native.atoll_user_custom_data(handle.pointer()));
    }

    /** Asks the server anew. */
    public String refreshCustomData() {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_user_refresh(handle.pointer(), queue);
            }
        });
        return getCustomData();
    }

    public synchronized String getRefreshToken() {
        return first(Native.atoll_user_refresh_token(handle.pointer()));
    }

    /** What the server calls this device. */
    public synchronized String getDeviceId() {
        return first(Native.atoll_app_device_id(app.realmGet$pointer()));
    }

    /** Providers, and what each calls the user. */
    public synchronized Map<String, String> getIdentities() {
        return pairs(Native.atoll_user_identities(handle.pointer()));
    }

    /** What providers tell of the user: name, email, first_name, ... */
    public synchronized Map<String, String> getProfile() {
        return pairs(Native.atoll_user_profile(handle.pointer()));
    }

    /** Functions run on no server of this kind. */
    public <T> T callFunction(String name, List<?> args, Class<T> resultClass) {
        throw notOffered("the function " + name);
    }

    /** No server of this kind has such a service. */
    public Object getMongoClient(String serviceName) {
        throw notOffered("the service " + serviceName);
    }

    private static AppException notOffered(String what) {
        return new AppException(Constants.ERROR_NOT_SUPPORTED, what + " is not offered by this server", null);
    }

    private static String first(long values) {
        List<String> texts = Values.texts(values);
        return texts.isEmpty() ? null : texts.get(0);
    }

    private static Map<String, String> pairs(long values) {
        List<String> texts = Values.texts(values);
        Map<String, String> pairs = new LinkedHashMap<>();
        for (int i = 0; i + 1 < texts.size(); i += 2) {
            pairs.put(texts.get(i), texts.get(i + 1));
        }
        return pairs;
    }

    private void ask(Dispatcher.Begin begin) {
        Request<Void> request;
        synchronized (this) {
            request = Request.begin(begin, null, null);
        }
        request.get();
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
