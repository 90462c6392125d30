// One queue and one thread for everything that the network answers: requests, connection changes, session errors.
// Callbacks given here run on that thread. What a realm's own observers are told goes through the realm's queue instead.
#ifndef CPPREALM_INTERNAL_DISPATCHER_HPP
#define CPPREALM_INTERNAL_DISPATCHER_HPP

#include <cpprealm/internal/error.hpp>

#include <atomic>
#include <cstdio>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace realm
{

// A std::future that also answers get_future(), so that both ways of waiting found in existing programs compile:
// `wait_for_upload_completion().get()` and `wait_for_upload_completion().get_future().get()`.
template <class T> class task : public std::future<T>
{
public:
    task() = default;
    task(std::future<T> &&other) : std::future<T>(std::move(other)) {}
    std::future<T> get_future() { return std::move(static_cast<std::future<T> &>(*this)); }
};

namespace internal
{

class dispatcher
{
public:
    using handler = std::function<void(const atoll_event *)>;

    static std::shared_ptr<dispatcher> get()
    {
        static std::mutex guard;
        static std::weak_ptr<dispatcher> current;
        std::lock_guard<std::mutex> lock(guard);
        auto found = current.lock();
        if (!found) {
            found = std::make_shared<dispatcher>();
            current = found;
        }
        return found;
    }

    dispatcher() : shared_(std::make_shared<shared>())
    {
        shared_->queue = own(checked(atoll_queue_new));
        thread_ = std::thread([state = shared_] { run(*state); });
    }

    ~dispatcher()
    {
        shared_->stopping = true;
        atoll_queue_wake(shared_->queue.get());
        if (thread_.get_id() == std::this_thread::get_id()) {
            thread_
                .detach(); // The last owner went away inside a callback: the thread ends by itself.
        } else {
            thread_.join();
        }
    }

    // `begin` makes the request and gives its registration. The lock is held meanwhile, so that an answer
    // which comes before the handler is known waits for it.
    template <class F> std::uint64_t add(F &&begin, handler on_event, bool once)
    {
        std::lock_guard<std::mutex> lock(shared_->guard);
        std::uint64_t registration = begin(shared_->queue.get());
        shared_->handlers[registration] = entry{std::move(on_event), once};
        return registration;
    }

    void remove(std::uint64_t registration)
    {
        std::lock_guard<std::mutex> lock(shared_->guard);
        shared_->handlers.erase(registration);
    }

private:
    struct entry {
        handler on_event;
        bool once;
    };
    struct shared {
        std::shared_ptr<atoll_queue> queue;
        std::mutex guard;
        std::unordered_map<std::uint64_t, entry> handlers;
        std::atomic<bool> stopping{false};
    };

    static void run(shared &state)
    {
        while (!state.stopping) {
            atoll_error *error = nullptr;
            auto event = own(atoll_queue_next(state.queue.get(), -1, &error));
            if (error) {
                atoll_error_free(error);
                return;
            }
            if (event) deliver(state, event.get());
        }
    }

    static void deliver(shared &state, const atoll_event *event)
    {
        handler on_event;
        {
            std::lock_guard<std::mutex> lock(state.guard);
            auto found = state.handlers.find(atoll_event_registration(event));
            if (found == state.handlers.end()) return;
            on_event = found->second.on_event;
            if (found->second.once) state.handlers.erase(found);
        }
        try {
            on_event(event);
        } catch (const std::exception &thrown) {
            // Nobody can catch what an observer throws on this thread; the next event must still be told.
            std::fprintf(stderr, "realm: an observer threw: %s\n", thrown.what());
        }
    }

    std::shared_ptr<shared> shared_;
    std::thread thread_;
};

inline std::exception_ptr event_error(const atoll_event *event)
{
    atoll_status status = atoll_event_status(event);
    if (status == ATOLL_OK) return nullptr;
    return std::make_exception_ptr(exception(status, to_string(atoll_event_message(event))));
}

// Starts a request on the dispatcher; `make` turns its event into the result.
template <class T, class Begin, class Make>
task<T> request(const std::shared_ptr<dispatcher> &on, Begin &&begin, Make make)
{
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    on->add(
        std::forward<Begin>(begin),
        [promise, make](const atoll_event *event) {
            try {
                if (auto error = event_error(event)) std::rethrow_exception(error);
                if constexpr (std::is_void_v<T>) {
                    make(event);
                    promise->set_value();
                } else {
                    promise->set_value(make(event));
                }
            } catch (...) {
                promise->set_exception(std::current_exception());
            }
        },
        true);
    return task<T>(std::move(future));
}

} // namespace internal
} // namespace realm
#endif
