package io.atoll.mongodb.sync;

import io.atoll.internal.Constants;
import io.atoll.internal.Dispatcher;
import io.atoll.internal.Errors;
import io.atoll.internal.EventHandler;
import io.atoll.internal.Handle;
import io.atoll.internal.Native;
import io.atoll.internal.Request;
import io.atoll.mongodb.AppException;
import io.atoll.mongodb.User;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Keeps one realm in step with the server. Any thread may use it. */
public class SyncSession {
    /** Told of errors that no call is waiting for; on a background thread. */
    public interface ErrorHandler {
        void onError(SyncSession session, AppException error);
    }

    /** What the session does. */
    public enum State {
        INACTIVE, ACTIVE, DYING, WAITING_FOR_ACCESS_TOKEN, PAUSED
    }

    private static final Handle.Free FREE = new Handle.Free() {
        @Override
        public void free(long pointer) {
            Native.atoll_session_free(pointer);
        }
    };
    private final SyncConfiguration configuration;
    private final Handle handle;
    private final Map<Object, Long> listeners = new IdentityHashMap<>();

    SyncSession(SyncConfiguration configuration, long pointer) {
        this.configuration = configuration;
        this.handle = Handle.shared(this, pointer, FREE);
    }

    synchronized boolean isSame(long pointer) {
        return Native.atoll_session_equals(handle.pointer(), pointer);
    }

    public SyncConfiguration getConfiguration() {
        return configuration;
    }

    public User getUser() {
        return configuration.getUser();
    }

    public synchronized State getState() {
        switch (Native.atoll_session_state(handle.pointer())) {
            case Constants.SESSION_ACTIVE:
                return State.ACTIVE;
            case Constants.SESSION_DYING:
                return State.DYING;
            case Constants.SESSION_WAITING_FOR_ACCESS_TOKEN:
                return State.WAITING_FOR_ACCESS_TOKEN;
            case Constants.SESSION_PAUSED:
                return State.PAUSED;
            default:
                return State.INACTIVE;
        }
    }

    private static ConnectionState connection(long state) {
        switch ((int) state) {
            case Constants.CONNECTION_CONNECTED:
                return ConnectionState.CONNECTED;
            case Constants.CONNECTION_CONNECTING:
                return ConnectionState.CONNECTING;
            default:
                return ConnectionState.DISCONNECTED;
        }
    }

    public synchronized ConnectionState getConnectionState() {
        return connection(Native.atoll_session_connection_state(handle.pointer()));
    }

    public boolean isConnected() {
        return getState() == State.ACTIVE && getConnectionState() == ConnectionState.CONNECTED;
    }

    /** Stops both directions; local writes go on and wait. */
    public synchronized void stop() {
        Native.atoll_session_stop(handle.pointer());
    }

    /** Goes on, and connects at once whatever the backoff. */
    public synchronized void start() {
        Native.atoll_session_start(handle.pointer());
    }

    private synchronized Request<Void> begin(final boolean upload) {
        return Request.begin(new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return upload ? Native.atoll_session_wait_for_upload(handle.pointer(), queue)
                        : Native.atoll_session_wait_for_download(handle.pointer(), queue);
            }
        }, null, null);
    }

    /** Waits until all that was written before the call is acknowledged by the server. */
    public void uploadAllLocalChanges() {
        begin(true).get();
    }

    /** The same for a while; false if the time ran out. */
    public boolean uploadAllLocalChanges(long timeout, TimeUnit unit) throws InterruptedException {
        return begin(true).await(timeout, unit);
    }

    /** Waits until all that the server had at the call is here; refresh() the realm to see it. */
    public void downloadAllServerChanges() {
        begin(false).get();
    }

    public boolean downloadAllServerChanges(long timeout, TimeUnit unit) throws InterruptedException {
        return begin(false).await(timeout, unit);
    }

    // ---------- listeners ----------

    public synchronized void addConnectionChangeListener(final ConnectionListener listener) {
        observe(listener, new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_session_observe_connection(handle.pointer(), queue);
            }
        }, new EventHandler() {
            @Override
            public void onEvent(long event) {
                listener.onChange(connection(Native.atoll_event_number(event, 0)), connection(Native.atoll_event_number(event, 1)));
            }
        });
    }

    public void removeConnectionChangeListener(ConnectionListener listener) {
        remove(listener);
    }

    public void addUploadProgressListener(ProgressMode mode, ProgressListener listener) {
        addProgress(Constants.DIRECTION_UPLOAD, mode, listener);
    }

    public void addDownloadProgressListener(ProgressMode mode, ProgressListener listener) {
        addProgress(Constants.DIRECTION_DOWNLOAD, mode, listener);
    }

    private synchronized void addProgress(final int direction, final ProgressMode mode, final ProgressListener listener) {
        observe(listener, new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                int chosen = mode == ProgressMode.INDEFINITELY ? Constants.PROGRESS_INDEFINITELY
                        : Constants.PROGRESS_CURRENT_WORK;
                return Native.atoll_session_observe_progress(handle.pointer(), direction, chosen, queue);
            }
        }, new EventHandler() {
            @Override
            public void onEvent(long event) {
                listener.onChange(new Progress(Native.atoll_event_number(event, 0), Native.atoll_event_number(event, 1),
                        Native.atoll_event_fraction(event)));
            }
        });
    }

    public void removeProgressListener(ProgressListener listener) {
        remove(listener);
    }

    synchronized void continueReset(int status, String message) {
        Native.atoll_session_continue_reset(handle.pointer(), status, message);
    }

    synchronized void simulateError(int code, String message, boolean fatal) {
        Native.atoll_testing_simulate_error(handle.pointer(), code, message, fatal);
    }

    /** Attaches what the configuration has for errors and client resets. */
    synchronized void observe() {
        SyncClientResetStrategy strategy = configuration.getSyncClientResetStrategy();
        if (strategy instanceof AutomaticClientResetStrategy) {
            observe(strategy, new Dispatcher.Begin() {
                @Override
                public long begin(long queue) {
                    return Native.atoll_session_observe_resets(handle.pointer(), queue);
                }
            }, new ClientResets(this, (AutomaticClientResetStrategy) strategy));
        }
        if (strategy != null || configuration.getErrorHandler() != null) {
            observeErrors();
        }
    }

    private AppException error(long event) {
        int status = Native.atoll_event_status(event);
        String message = Native.atoll_event_message(event);
        Throwable cause = Errors.make(status, message, false);
        switch (status) {
            case Constants.ERROR_CLIENT_RESET:
            case Constants.ERROR_COPIED_FOLDER:
            case Constants.ERROR_AUTO_CLIENT_RESET_FAILED:
                return new ClientResetRequiredError(status, message, cause, configuration);
            case Constants.ERROR_COMPENSATING_WRITE:
                return new CompensatingWriteException(status, message, cause, event);
            default:
                return new AppException(status, message, cause);
        }
    }

    private void tell(AppException error) {
        SyncClientResetStrategy strategy = configuration.getSyncClientResetStrategy();
        boolean reset = error instanceof ClientResetRequiredError;
        if (reset && strategy instanceof ManuallyRecoverUnsyncedChangesStrategy) {
            ((ManuallyRecoverUnsyncedChangesStrategy) strategy).onClientReset(this, (ClientResetRequiredError) error);
        } else if (reset && strategy instanceof AutomaticClientResetStrategy) {
            ((AutomaticClientResetStrategy) strategy).onManualResetFallback(this, (ClientResetRequiredError) error);
        } else if (configuration.getErrorHandler() != null) {
            configuration.getErrorHandler().onError(this, error);
        }
    }

    private void observeErrors() {
        observe(this, new Dispatcher.Begin() {
            @Override
            public long begin(long queue) {
                return Native.atoll_session_observe_errors(handle.pointer(), queue);
            }
        }, new EventHandler() {
            @Override
            public void onEvent(long event) {
                AppException error = error(event);
                error.realmSet$fatal(Native.atoll_event_number(event, 0) != 0);
                tell(error);
            }
        });
    }

    private void observe(Object listener, Dispatcher.Begin begin, EventHandler handler) {
        if (listener == null) {
            throw new IllegalArgumentException("Non-null 'listener' required.");
        }
        remove(listener); // Adding it twice is as adding it once.
        listeners.put(listener, Dispatcher.get().add(begin, handler, false));
    }

    private synchronized void remove(Object listener) {
        Long registration = listeners.remove(listener);
        if (registration != null) {
            Native.atoll_session_unobserve(handle.pointer(), registration);
            Dispatcher.get().remove(registration);
        }
    }
}
