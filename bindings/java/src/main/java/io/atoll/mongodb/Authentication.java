package io.atoll.mongodb;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;

/** Tells the listeners of an app who comes and goes. A user is watched from its log-in to its end, while anybody listens. */
final class Authentication {
    private final App app;
    private final Set<AuthenticationListener> listeners = new CopyOnWriteArraySet<>();
    private final Map<String, User> watched = new HashMap<>();
    private final User.ChangeListener ending = new User.ChangeListener() {
        @Override
        public void onChange(User user) {
            changed(user);
        }
    };

    Authentication(App app) {
        this.app = app;
    }

    void add(AuthenticationListener listener) {
        if (listener == null) {
            throw new IllegalArgumentException("Non-null 'listener' required.");
        }
        listeners.add(listener);
        for (User user : app.allUsers().values()) {
            watch(user);
        }
    }

    void remove(AuthenticationListener listener) {
        listeners.remove(listener);
    }

    void loggedIn(User user) {
        if (!listeners.isEmpty()) {
            watch(user);
        }
        for (AuthenticationListener listener : listeners) {
            listener.loggedIn(user);
        }
    }

    private void watch(User user) {
        synchronized (watched) {
            if (!user.isLoggedIn() || watched.containsKey(user.getId())) {
                return;
            }
            watched.put(user.getId(), user);
        }
        user.addChangeListener(ending);
        changed(user); // It may have ended before it was watched.
    }

    private void changed(User user) {
        if (user.isLoggedIn()) {
            return;
        }
        synchronized (watched) {
            if (watched.remove(user.getId()) == null) {
                return;
            }
        }
        user.removeChangeListener(ending);
        for (AuthenticationListener listener : listeners) {
            listener.loggedOut(user);
        }
    }
}
