package io.atoll.mongodb.auth;

import io.atoll.internal.Dispatcher;
import io.atoll.internal.Native;
import io.atoll.internal.Request;
import io.atoll.internal.Values;
import io.atoll.mongodb.User;
import java.util.ArrayList;
import java.util.List;

/** The keys by which programs log in as a user. Every call waits for the server's answer. */
public class ApiKeyAuth {
    private static final Request.Make<List<ApiKey>> KEYS = new Request.Make<List<ApiKey>>() {
        @Override
        public List<ApiKey> make(long event) {
            List<String> texts = Values.texts(Native.atoll_event_values(event));
            List<ApiKey> keys = new ArrayList<>();
            for (int i = 0; i + 3 < texts.size(); i += 4) {
                keys.add(new ApiKey(texts.get(i), texts.get(i + 1), "true".equals(texts.get(i + 2)), texts.get(i + 3)));
            }
            return keys;
        }
    };
    private final User user;

    public ApiKeyAuth(User user) {
        this.user = user;
    }

    public User getUser() {
        return user;
    }

    /** The answer has the key itself, once. */
    public ApiKey create(final String name) {
        return ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_user_create_api_key(user.realmGet$pointer(), name, queue);
            }
        }).get(0);
    }

    /** Null if there is none of this id. */
    public ApiKey fetch(String id) {
        List<ApiKey> found = find(id);
        return found.isEmpty() ? null : found.get(0);
    }

    public List<ApiKey> fetchAll() {
        return find("");
    }

    /** One that is not there is fine. */
    public void delete(final String id) {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_user_delete_api_key(user.realmGet$pointer(), id, queue);
            }
        });
    }

    public void enable(String id) {
        enable(id, true);
    }

    public void disable(String id) {
        enable(id, false);
    }

    private void enable(final String id, final boolean on) {
        ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_user_enable_api_key(user.realmGet$pointer(), id, on, queue);
            }
        });
    }

    private List<ApiKey> find(final String id) {
        return ask(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_user_find_api_keys(user.realmGet$pointer(), id, queue);
            }
        });
    }

    private List<ApiKey> ask(Dispatcher.Begin begin) {
        Request<List<ApiKey>> request;
        synchronized (user) {
            request = Request.begin(begin, KEYS, null);
        }
        return request.get();
    }
}
