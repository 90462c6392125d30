// realm::db: an opened realm. It and all that comes from it belong to the thread that opened it.
#ifndef CPPREALM_DB_HPP
#define CPPREALM_DB_HPP

#include <cpprealm/app.hpp>
#include <cpprealm/migration.hpp>
#include <cpprealm/subscriptions.hpp>

namespace realm
{

// Hands what was committed to another thread, whose db resolves it, once: an object of model T, results<T>, or the
// std::vector, std::set or std::map that a property is.
template <class T> class thread_safe_reference
{
public:
    explicit thread_safe_reference(const managed<T> &from)
    {
        if constexpr (internal::is_model<T>) {
            handle_ =
                internal::own(internal::checked(atoll_reference_of_object, from.handle().get()));
        } else {
            handle_ = internal::own(
                internal::checked(atoll_reference_of_object, from.state().object.get()));
            description_ = from.state().description;
            index_ = from.index();
        }
    }
    thread_safe_reference(thread_safe_reference &&) = default;
    thread_safe_reference &operator=(thread_safe_reference &&) = default;

private:
    friend class db;
    std::shared_ptr<atoll_reference> handle_;
    const internal::class_description *description_ = nullptr;
    std::int32_t index_ = 0;
};

template <class T> class thread_safe_reference<results<T>>
{
public:
    explicit thread_safe_reference(const results<T> &from)
        : handle_(internal::own(internal::checked(atoll_reference_of_results, from.handle().get())))
    {
    }
    thread_safe_reference(thread_safe_reference &&) = default;
    thread_safe_reference &operator=(thread_safe_reference &&) = default;

private:
    friend class db;
    std::shared_ptr<atoll_reference> handle_;
};

class db;
namespace internal
{
std::shared_ptr<void> answer_resets(const std::shared_ptr<realm_state> &state,
                                    const sync_session &session,
                                    const client_reset::client_reset_mode &handler);
class reset_answering;

// However often a realm is opened, each error is told once, to the handler that was there first.
class error_telling
{
public:
    static std::shared_ptr<error_telling> of(const sync_session &session,
                                             std::function<void(sync_session, sync_error)> handler)
    {
        static std::mutex guard;
        static std::map<std::string, std::weak_ptr<error_telling>> active;
        std::lock_guard<std::mutex> lock(guard);
        auto &slot = active[session.path()];
        auto found = slot.lock();
        if (!found) {
            found = std::make_shared<error_telling>(session, std::move(handler));
            slot = found;
        }
        return found;
    }
    error_telling(const sync_session &session,
                  std::function<void(sync_session, sync_error)> &&handler)
        : session_(session), token_(session_.observe_errors(std::move(handler)))
    {
    }
    error_telling(const error_telling &) = delete;
    error_telling &operator=(const error_telling &) = delete;
    ~error_telling() { session_.unobserve(token_); }

private:
    sync_session session_;
    std::uint64_t token_;
};
} // namespace internal

class db
{
public:
    explicit db(const db_config &config = db_config()) : db(config, config.classes()) {}

    // Runs `block` in a transaction; what it throws rolls everything back and is thrown on.
    template <class F> auto write(F &&block) -> std::invoke_result_t<F>
    {
        begin_write();
        try {
            if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
                block();
                commit_write();
            } else {
                auto result = block();
                commit_write();
                return result;
            }
        } catch (...) {
            if (atoll_realm_is_in_transaction(realm())) cancel_quietly();
            throw;
        }
    }
    void begin_write() const { internal::checked(atoll_realm_begin, realm()); }
    void commit_write() const
    {
        internal::checked(atoll_realm_commit, realm());
        state_->deliver();
    }
    void cancel_write() const { internal::checked(atoll_realm_rollback, realm()); }
    bool is_in_transaction() const { return atoll_realm_is_in_transaction(realm()); }

    // Copies an object, and all that it links to, into the realm. One with the same primary key is overwritten.
    // Gives the managed object; nothing for an asymmetric class, whose objects can't be read again.
    template <class T> auto add(const T &object)
    {
        static_assert(internal::is_model<T>, "T has no REALM_SCHEMA");
        static_assert(internal::fields_of<T>::realm_kind != ATOLL_CLASS_EMBEDDED,
                      "embedded objects are added through their owner");
        internal::add_context context;
        auto added = internal::add_object(*state_, object, context);
        if constexpr (internal::fields_of<T>::realm_kind == ATOLL_CLASS_NORMAL) {
            return internal::make_managed<T>(state_, std::move(added));
        }
    }
    template <class T> auto add(T *object) { return add(static_cast<const T &>(*object)); }
    template <class T> auto insert(const T &object) { return add(object); }

    template <class T> void remove(const managed<T> &object)
    {
        internal::checked(atoll_object_delete, object.handle().get());
    }
    template <class T> void remove_all()
    {
        internal::checked(atoll_realm_delete_class, realm(),
                          state_->info(internal::describe<T>()).class_key);
    }

    template <class T> results<T> objects() const { return internal::query_class<T>(state_); }
    // The object with this primary key, if there is one.
    template <class T, class K> std::optional<managed<T>> find(const K &key) const
    {
        internal::check_queryable<T>();
        auto class_key = state_->info(internal::describe<T>()).class_key;
        auto values = internal::values_of({mixed(key)});
        auto found =
            internal::own(internal::checked(atoll_realm_find, realm(), class_key, values.get()));
        if (!found) return std::nullopt;
        return internal::make_managed<T>(state_, std::move(found));
    }

    // Goes to the newest version, then calls the observers of what changed. True if there was a newer version.
    bool refresh()
    {
        bool advanced = internal::checked(atoll_realm_refresh, realm());
        state_->deliver();
        return advanced;
    }
    std::int64_t version() const { return atoll_realm_version(realm()); }

    // Empty for a realm that isn't synced.
    [[nodiscard]] std::optional<sync_session> get_sync_session() const
    {
        auto session = internal::own(internal::checked(atoll_realm_session, realm()));
        if (!session) return std::nullopt;
        return sync_session(state_->app, std::move(session));
    }
    sync_subscription_set subscriptions() const { return sync_subscription_set(state_); }

    // Objects of a closed realm answer with ATOLL_ERROR_CLOSED. Its session goes on until what is unsent has gone out.
    void close() { atoll_realm_close(realm()); }
    bool is_closed() const { return atoll_realm_is_closed(realm()); }
    std::string path() const { return internal::to_string(atoll_realm_path(realm())); }
    bool is_frozen() const { return atoll_realm_is_frozen(realm()); }
    // The realm as it is now, for ever and for any thread, while this one is open.
    db freeze() const { return db(internal::realm_state::frozen(state_)); }
    // A live realm of this thread.
    db thaw() const { return db(internal::realm_state::thawed(state_)); }
    // What a reference of another thread is here; an invalid object if it was deleted.
    template <class T> managed<T> resolve(thread_safe_reference<T> &&reference) const
    {
        auto taken = once(reference.handle_);
        auto found =
            internal::own(internal::checked(atoll_reference_resolve_object, taken.get(), realm()));
        if constexpr (internal::is_model<T>) {
            return found ? internal::make_managed<T>(state_, std::move(found)) : managed<T>();
        } else {
            if (!found) {
                throw exception(ATOLL_ERROR_OBJECT_INVALID,
                                "the object of the collection is deleted");
            }
            internal::object_state owner;
            owner.realm = state_;
            owner.object = std::move(found);
            owner.description = reference.description_;
            owner.info = &state_->info(*reference.description_);
            return managed<T>(std::move(owner), reference.index_);
        }
    }
    template <class T> results<T> resolve(thread_safe_reference<results<T>> &&reference) const
    {
        auto taken = once(reference.handle_);
        return results<T>(state_, internal::own(internal::checked(atoll_reference_resolve_results,
                                                                  taken.get(), realm())));
    }

    // Writes a compacted copy to the place of a configuration, encrypted with its key if it has one.
    void write_copy_to(const db_config &config) const
    {
        internal::checked(atoll_realm_write_copy, realm(), config.build(config.classes()).get());
    }
    // False while the realm is open anywhere.
    static bool compact(const db_config &config)
    {
        return internal::checked(atoll_realm_compact, config.build(config.classes()).get());
    }

    static void delete_files(const db_config &config)
    {
        internal::checked(atoll_realm_delete_files, config.build(config.classes()).get());
    }
    // Moves the folder of a realm that is open nowhere; the next opening begins with an empty one.
    static void move_files(const db_config &config, const std::string &to)
    {
        internal::checked(atoll_realm_move_files, config.build(config.classes()).get(), to.data(),
                          to.size());
    }
    // The same while it may be open: now (true), or before it is opened the next time after that.
    static bool set_aside(const db_config &config, const std::string &to)
    {
        return internal::checked(atoll_realm_set_aside, config.build(config.classes()).get(),
                                 to.data(), to.size());
    }

private:
    db(const db_config &config, const std::vector<internal::describe_function> &classes)
        : state_(std::make_shared<internal::realm_state>())
    {
        state_->app = config.app_;
        state_->queue = internal::own(internal::checked(atoll_queue_new));
        state_->config = config.build(classes);
        if (config.compact_) compact_on_launch(config);
        if (config.migration_) migration::run(state_->config, config.migration_);
        state_->realm = internal::own(internal::checked(atoll_realm_open, state_->config.get()));
        for (auto describe : classes) state_->info(describe());
        if (config.scheduler_ && config.scheduler_->can_invoke())
            internal::realm_state::watch(state_, config.scheduler_);
        auto session = config.user_ ? get_sync_session() : std::nullopt;
        if (!session) return;
        subscribe_initially(config);
        if (config.sync_.reset() && config.sync_.reset()->asks())
            state_->resets = internal::answer_resets(state_, *session, *config.sync_.reset());
        if (config.sync_.handler())
            state_->on_release = [telling = internal::error_telling::of(
                                      *session, config.sync_.handler())]() mutable {
                telling.reset();
            };
    }
    void subscribe_initially(const db_config &config)
    {
        if (!config.sync_.subscribe() || config.partition_) return;
        auto set = subscriptions();
        if (set.version() != 0 && !config.sync_.reruns_on_open()) return;
        (void)set.update([&](mutable_sync_subscription_set &changed) {
            config.sync_.subscribe()(*this, changed);
        });
    }
    friend class internal::reset_answering;
    explicit db(std::shared_ptr<internal::realm_state> state) : state_(std::move(state)) {}
    void compact_on_launch(const db_config &config) const
    {
        auto native = state_->config.get();
        try {
            auto size = internal::checked(atoll_realm_file_size, native);
            auto used = internal::checked(atoll_realm_used_size, native);
            if (!config.compact_(static_cast<std::uint64_t>(size),
                                 static_cast<std::uint64_t>(used)))
                return;
        } catch (const exception &e) {
            // A realm that is new or open has nothing to compact now.
            if (e.code() != ATOLL_ERROR_FILE_NOT_FOUND && e.code() != ATOLL_ERROR_FILE_IN_USE)
                throw;
            return;
        }
        internal::checked(atoll_realm_compact, native);
    }
    static std::shared_ptr<atoll_reference> once(std::shared_ptr<atoll_reference> &reference)
    {
        auto taken = std::move(reference);
        if (!taken) throw exception(ATOLL_ERROR_INVALID_ARGUMENT, "a reference is resolved once");
        return taken;
    }
    atoll_realm *realm() const { return state_->realm.get(); }
    void cancel_quietly() const
    {
        atoll_error *error = nullptr;
        (void)atoll_realm_rollback(
            realm(), &error); // The exception on its way says more than this one would.
        atoll_error_free(error);
    }

    std::shared_ptr<internal::realm_state> state_;
};

// Opens a realm with these classes only, or with every class of the program.
template <class... T> db open(db_config config = db_config())
{
    if constexpr (sizeof...(T) > 0) config.set_schema<T...>();
    return db(config);
}
template <class... T> db open(const std::string &path)
{
    return open<T...>(db_config(path));
}

} // namespace realm

#include <cpprealm/internal/resets.hpp>
#endif
