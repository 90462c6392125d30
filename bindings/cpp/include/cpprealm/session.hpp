// The sync session of an opened realm: a light handle, copied by value, usable from any thread.
#ifndef CPPREALM_SESSION_HPP
#define CPPREALM_SESSION_HPP

#include <cpprealm/internal/state.hpp>

namespace realm
{

// One write that the server took back.
struct compensating_write_error_info {
    std::string object_name, reason;
    mixed primary_key;
};

struct sync_error {
    atoll_status code = ATOLL_OK;
    std::string message;
    std::vector<compensating_write_error_info> compensating_writes = {};
    bool fatal = false;
    // The session ended by it: it goes on after resume() or another opening. Else it goes on, or tries again, by itself.
    bool is_fatal() const { return fatal; }
    // What was taken back, at most 10,000 of them; the realm shows the server's state already.
    const std::vector<compensating_write_error_info> &compensating_writes_info() const
    {
        return compensating_writes;
    }
    bool is_client_reset_requested() const
    {
        return code == ATOLL_ERROR_CLIENT_RESET || code == ATOLL_ERROR_COPIED_FOLDER ||
               code == ATOLL_ERROR_AUTO_CLIENT_RESET_FAILED;
    }
};

// The fraction rises to 1, which it is only when nothing is left; with something new to do it begins anew. Bytes are those
// before compression, and never become fewer.
struct sync_progress {
    std::uint64_t transferred = 0;  // bytes
    std::uint64_t transferable = 0; // bytes
    double fraction = 0;            // 0 to 1
};

class sync_session
{
public:
    enum class state : std::int32_t {
        active = ATOLL_SESSION_ACTIVE,
        dying = ATOLL_SESSION_DYING,
        inactive = ATOLL_SESSION_INACTIVE,
        waiting_for_access_token = ATOLL_SESSION_WAITING_FOR_ACCESS_TOKEN,
        paused = ATOLL_SESSION_PAUSED
    };
    enum class connection_state : std::int32_t {
        disconnected = ATOLL_CONNECTION_DISCONNECTED,
        connecting = ATOLL_CONNECTION_CONNECTING,
        connected = ATOLL_CONNECTION_CONNECTED
    };
    enum class direction : std::int32_t {
        upload = ATOLL_DIRECTION_UPLOAD,
        download = ATOLL_DIRECTION_DOWNLOAD
    };

    sync_session(std::shared_ptr<internal::app_state> app, std::shared_ptr<atoll_session> handle)
        : app_(std::move(app)), handle_(std::move(handle))
    {
    }

    [[nodiscard]] enum state state() const
    {
        return static_cast<enum state>(atoll_session_state(handle_.get()));
    }
    [[nodiscard]] enum connection_state connection_state() const
    {
        return static_cast<enum connection_state>(atoll_session_connection_state(handle_.get()));
    }
    std::string path() const { return internal::to_string(atoll_session_path(handle_.get())); }
    const std::shared_ptr<atoll_session> &handle() const { return handle_; }

    // Stops both directions; local writes go on and wait.
    void pause() { internal::checked(atoll_session_stop, handle_.get()); }
    // Goes on, and connects at once whatever the backoff.
    void resume() { internal::checked(atoll_session_start, handle_.get()); }
    // Every session of the app tries at once.
    void reconnect() { atoll_app_reconnect(app_->app.get()); }

    // Done when all that was written before the call is acknowledged by the server.
    task<void> wait_for_upload_completion() const { return wait(atoll_session_wait_for_upload); }
    // Done when all that the server had at the call is here; call db::refresh() to see it.
    task<void> wait_for_download_completion() const
    {
        return wait(atoll_session_wait_for_download);
    }
    // The same with a callback, which runs on a background thread; no error means success.
    void wait_for_upload_completion(std::function<void(std::exception_ptr)> &&done) const
    {
        wait(atoll_session_wait_for_upload, std::move(done));
    }
    void wait_for_download_completion(std::function<void(std::exception_ptr)> &&done) const
    {
        wait(atoll_session_wait_for_download, std::move(done));
    }

    // `observer(old, new)` runs on a background thread until it is unregistered.
    std::uint64_t observe_connection_change(
        std::function<void(enum connection_state, enum connection_state)> &&observer) const
    {
        return app_->events->add(
            [this](atoll_queue *queue) {
                return internal::checked(atoll_session_observe_connection, handle_.get(), queue);
            },
            [observer = std::move(observer)](const atoll_event *event) {
                observer(static_cast<enum connection_state>(atoll_event_number(event, 0)),
                         static_cast<enum connection_state>(atoll_event_number(event, 1)));
            },
            false);
    }
    void unregister_connection_change_observer(std::uint64_t token) const { unobserve(token); }

    // `observer(sync_progress)` runs on a background thread; `current_work` ends by itself when what is outstanding
    // now has been transferred.
    std::uint64_t observe_progress(enum direction direction, bool current_work,
                                   std::function<void(sync_progress)> &&observer) const
    {
        std::int32_t mode =
            current_work ? ATOLL_PROGRESS_CURRENT_WORK : ATOLL_PROGRESS_INDEFINITELY;
        return app_->events->add(
            [&](atoll_queue *queue) {
                return internal::checked(atoll_session_observe_progress, handle_.get(),
                                         static_cast<std::int32_t>(direction), mode, queue);
            },
            [observer = std::move(observer)](const atoll_event *event) {
                sync_progress progress;
                progress.transferred = static_cast<std::uint64_t>(atoll_event_number(event, 0));
                progress.transferable = static_cast<std::uint64_t>(atoll_event_number(event, 1));
                progress.fraction = atoll_event_fraction(event);
                observer(progress);
            },
            false);
    }
    void unregister_progress_observer(std::uint64_t token) const { unobserve(token); }

    std::uint64_t observe_errors(std::function<void(sync_session, sync_error)> &&observer) const
    {
        return app_->events->add(
            [this](atoll_queue *queue) {
                return internal::checked(atoll_session_observe_errors, handle_.get(), queue);
            },
            [session = *this, observer = std::move(observer)](const atoll_event *event) {
                sync_error error{atoll_event_status(event),
                                 internal::to_string(atoll_event_message(event))};
                error.fatal = atoll_event_number(event, 0) != 0;
                auto writes = internal::own(internal::checked(atoll_event_refused_writes, event));
                for (std::int64_t i = 0; i < atoll_values_count(writes.get()); i += 3) {
                    error.compensating_writes.push_back(
                        {internal::codec<std::string>::take(writes.get(), i),
                         internal::codec<std::string>::take(writes.get(), i + 2),
                         internal::take_mixed(writes.get(), i + 1)});
                }
                observer(session, std::move(error));
            },
            false);
    }
    void unobserve(std::uint64_t token) const
    {
        atoll_session_unobserve(handle_.get(), token);
        app_->events->remove(token);
    }

    friend bool operator==(const sync_session &a, const sync_session &b)
    {
        return atoll_session_equals(a.handle_.get(), b.handle_.get());
    }
    friend bool operator!=(const sync_session &a, const sync_session &b) { return !(a == b); }

private:
    using wait_function = std::uint64_t (*)(atoll_session *, atoll_queue *, atoll_error **);

    task<void> wait(wait_function begin) const
    {
        return internal::request<void>(
            app_->events,
            [&](atoll_queue *queue) { return internal::checked(begin, handle_.get(), queue); },
            [](const atoll_event *) {});
    }
    void wait(wait_function begin, std::function<void(std::exception_ptr)> &&done) const
    {
        app_->events->add(
            [&](atoll_queue *queue) { return internal::checked(begin, handle_.get(), queue); },
            [done = std::move(done)](const atoll_event *event) {
                done(internal::event_error(event));
            },
            true);
    }

    std::shared_ptr<internal::app_state> app_;
    std::shared_ptr<atoll_session> handle_;
};

} // namespace realm
#endif
