// Calls the handler of client resets of one realm, on a thread that is there from the first event of a reset to its last.
// However often the realm is opened, each reset is told once.
#ifndef CPPREALM_INTERNAL_RESETS_HPP
#define CPPREALM_INTERNAL_RESETS_HPP

#include <cpprealm/db.hpp>

#include <condition_variable>
#include <deque>

namespace realm
{
inline std::function<void(db, db, bool)>
client_reset::client_reset_mode::without_outcome(std::function<void(db, db)> &&after)
{
    if (!after) return {};
    return [after = std::move(after)](const db &was, const db &is, bool) { after(was, is); };
}
} // namespace realm

namespace realm::internal
{

class reset_answering
{
public:
    static std::shared_ptr<void> of(const std::shared_ptr<realm_state> &state,
                                    const sync_session &session,
                                    const client_reset::client_reset_mode &handler)
    {
        static std::mutex guard;
        static std::map<std::string, std::weak_ptr<reset_answering>> active;
        std::lock_guard<std::mutex> lock(guard);
        auto &slot = active[session.path()];
        auto found = slot.lock();
        if (!found) {
            found = std::make_shared<reset_answering>(state, session, handler);
            slot = found;
        }
        return found;
    }

    reset_answering(const std::shared_ptr<realm_state> &state, const sync_session &session,
                    const client_reset::client_reset_mode &handler)
        : shared_(std::make_shared<shared>())
    {
        shared_->app = state->app;
        shared_->config = state->config;
        shared_->classes = state->classes;
        shared_->session = session.handle();
        shared_->handler = handler;
        registration_ = state->app->events->add(
            [&](atoll_queue *queue) {
                return checked(atoll_session_observe_resets, session.handle().get(), queue);
            },
            [shared = shared_](const atoll_event *event) { take(shared, event); }, false);
    }

    ~reset_answering()
    {
        atoll_session_unobserve(shared_->session.get(), registration_);
        shared_->app->events->remove(registration_);
        std::thread running;
        {
            std::lock_guard<std::mutex> lock(shared_->guard);
            shared_->stopping = true;
            running = std::move(shared_->thread);
        }
        shared_->wake.notify_all();
        if (running.joinable()) running.join();
    }

private:
    struct step {
        bool before, recovered;
    };
    struct shared {
        std::shared_ptr<app_state> app;
        std::shared_ptr<atoll_config> config;
        std::map<const class_description *, class_info> classes;
        std::shared_ptr<atoll_session> session;
        client_reset::client_reset_mode handler = client_reset::manual();
        std::mutex guard;
        std::condition_variable wake;
        std::deque<step> steps;
        std::thread thread;
        bool running = false, stopping = false;
    };

    static void take(const std::shared_ptr<shared> &s, const atoll_event *event)
    {
        std::lock_guard<std::mutex> lock(s->guard);
        if (s->stopping) return;
        s->steps.push_back({atoll_event_number(event, 0) == ATOLL_RESET_STEP_BEFORE,
                            atoll_event_number(event, 1) == 0});
        s->wake.notify_all();
        if (s->running) return;
        if (s->thread.joinable()) s->thread.join(); // It has left its last lock.
        s->running = true;
        s->thread = std::thread([s] { run(*s); });
    }

    // False: nothing comes any more.
    static bool next(shared &s, bool done, step &to)
    {
        std::unique_lock<std::mutex> lock(s.guard);
        if (!done) s.wake.wait(lock, [&] { return s.stopping || !s.steps.empty(); });
        if (s.stopping || s.steps.empty()) {
            s.running = false;
            return false;
        }
        to = s.steps.front();
        s.steps.pop_front();
        return true;
    }

    static void run(shared &s)
    {
        std::optional<db> now, before; // What is frozen lives as long as what it is frozen from.
        step step{};
        bool done = false;
        while (next(s, done, step)) {
            std::string message;
            bool failed = true;
            try {
                call(s, step, now, before);
                failed = false;
            } catch (const std::exception &thrown) {
                message = std::string("the handler of a client reset threw: ") + thrown.what();
            } catch (...) {
                message = "the handler of a client reset threw";
            }
            done = failed || !step.before;
            if (done) {
                before.reset();
                now.reset();
            }
            atoll_error *error = nullptr;
            atoll_session_continue_reset(s.session.get(), failed ? ATOLL_ERROR_INTERNAL : ATOLL_OK,
                                         message.data(), message.size(), &error);
            atoll_error_free(error); // The session has ended: there is nobody to tell.
        }
    }

    static void call(shared &s, const step &step, std::optional<db> &now, std::optional<db> &before)
    {
        if (!now) {
            auto made = std::make_shared<realm_state>();
            made->app = s.app;
            made->config = s.config;
            made->classes = s.classes;
            made->queue = own(checked(atoll_queue_new));
            made->realm = own(checked(atoll_realm_open, made->config.get()));
            now = db(made);
            before = now->freeze();
        }
        if (step.before) {
            if (s.handler.before) s.handler.before(*before);
            return;
        }
        now->refresh();
        if (s.handler.after) s.handler.after(*before, *now, step.recovered);
    }

    std::shared_ptr<shared> shared_;
    std::uint64_t registration_ = 0;
};

inline std::shared_ptr<void> answer_resets(const std::shared_ptr<realm_state> &state,
                                           const sync_session &session,
                                           const client_reset::client_reset_mode &handler)
{
    return reset_answering::of(state, session, handler);
}

} // namespace realm::internal
#endif
