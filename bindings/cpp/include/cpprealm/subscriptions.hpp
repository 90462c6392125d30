// Subscriptions: the queries that decide what a flexibly synced realm holds.
#ifndef CPPREALM_SUBSCRIPTIONS_HPP
#define CPPREALM_SUBSCRIPTIONS_HPP

#include <cpprealm/results.hpp>

namespace realm
{

struct sync_subscription {
    std::optional<std::string> name;
    std::string object_class_name;
    std::string query_string;
    timestamp created_at;
    timestamp updated_at;
};

namespace internal
{
template <class T> constexpr void check_queryable()
{
    static_assert(is_model<T>, "T has no REALM_SCHEMA");
    static_assert(fields_of<T>::realm_kind != ATOLL_CLASS_ASYMMETRIC,
                  "an asymmetric class can't be read or subscribed to: it can only be added");
}

template <class T>
results<T> query_class(const std::shared_ptr<realm_state> &state, const std::string &query = "",
                       const std::vector<mixed> &arguments = {})
{
    check_queryable<T>();
    static_assert(fields_of<T>::realm_kind == ATOLL_CLASS_NORMAL,
                  "embedded objects are reached through their owner");
    auto class_key = state->info(describe<T>()).class_key;
    auto values = values_of(arguments);
    return results<T>(state, own(checked(atoll_results_new, state->realm.get(), class_key,
                                         query.data(), query.size(), values.get())));
}
} // namespace internal

// The set while it is being changed; valid only inside the function given to update().
class mutable_sync_subscription_set
{
public:
    explicit mutable_sync_subscription_set(std::shared_ptr<internal::realm_state> state)
        : state_(std::move(state)), update_(internal::own(internal::checked(
                                        atoll_subscription_update_begin, state_->realm.get())))
    {
    }

    // Subscribes to all objects of a class, or to those of a query. A name that exists with another query is an error.
    template <class T> void add(const std::string &name)
    {
        put(name, internal::query_class<T>(state_), false);
    }
    template <class T>
    void add(const std::string &name, const std::string &query,
             const std::vector<mixed> &arguments = {})
    {
        put(name, internal::query_class<T>(state_, query, arguments), false);
    }
    template <class T, class F, std::enable_if_t<std::is_invocable_v<F, managed<T> &>, int> = 0>
    void add(const std::string &name, F &&condition)
    {
        put(name, internal::query_class<T>(state_).where(std::forward<F>(condition)), false);
    }
    // Changes the query of a name that exists.
    template <class T> void update_subscription(const std::string &name)
    {
        change(name, internal::query_class<T>(state_));
    }
    template <class T>
    void update_subscription(const std::string &name, const std::string &query,
                             const std::vector<mixed> &arguments = {})
    {
        change(name, internal::query_class<T>(state_, query, arguments));
    }
    template <class T, class F, std::enable_if_t<std::is_invocable_v<F, managed<T> &>, int> = 0>
    void update_subscription(const std::string &name, F &&condition)
    {
        change(name, internal::query_class<T>(state_).where(std::forward<F>(condition)));
    }
    void remove(const std::string &name)
    {
        if (!internal::checked(atoll_subscription_update_remove_name, update_.get(), name.data(),
                               name.size()))
            missing(name);
    }
    void clear() { internal::checked(atoll_subscription_update_remove_all, update_.get(), true); }

    std::shared_ptr<atoll_subscriptions> commit()
    {
        return internal::own(internal::checked(atoll_subscription_update_commit, update_.get()));
    }

private:
    template <class T> void put(const std::string &name, const results<T> &query, bool existing)
    {
        internal::checked(atoll_subscription_update_add, update_.get(), query.handle().get(),
                          name.data(), name.size(), existing);
    }
    template <class T> void change(const std::string &name, const results<T> &query)
    {
        auto now = internal::own(internal::checked(atoll_realm_subscriptions, state_->realm.get()));
        if (atoll_subscriptions_find_name(now.get(), name.data(), name.size()) < 0) missing(name);
        put(name, query, true);
    }
    [[noreturn]] static void missing(const std::string &name)
    {
        throw exception(ATOLL_ERROR_INVALID_ARGUMENT,
                        "there is no subscription named \"" + name + "\"");
    }

    std::shared_ptr<internal::realm_state> state_;
    std::shared_ptr<atoll_subscription_update> update_;
};

// The realm's newest set of subscriptions.
class sync_subscription_set
{
public:
    enum class state : std::int32_t {
        pending = ATOLL_SUBSCRIPTIONS_PENDING,
        complete = ATOLL_SUBSCRIPTIONS_COMPLETE,
        error = ATOLL_SUBSCRIPTIONS_ERROR,
        superseded = ATOLL_SUBSCRIPTIONS_SUPERSEDED
    };

    explicit sync_subscription_set(std::shared_ptr<internal::realm_state> realm)
        : realm_(std::move(realm))
    {
        handle_ = internal::own(internal::checked(atoll_realm_subscriptions, realm_->realm.get()));
    }

    std::size_t size() const
    {
        return static_cast<std::size_t>(atoll_subscriptions_count(handle_.get()));
    }
    std::int64_t version() const { return atoll_subscriptions_version(handle_.get()); }
    [[nodiscard]] enum state state() const
    {
        return static_cast<enum state>(atoll_subscriptions_state(handle_.get()));
    }
    sync_subscription operator[](std::size_t index) const
    {
        using internal::checked;
        auto i = static_cast<std::int64_t>(index);
        sync_subscription found;
        auto name = checked(atoll_subscriptions_name, handle_.get(), i);
        if (name.data) found.name = internal::to_string(name);
        found.object_class_name =
            internal::to_string(checked(atoll_subscriptions_class, handle_.get(), i));
        found.query_string =
            internal::to_string(checked(atoll_subscriptions_query, handle_.get(), i));
        found.created_at =
            internal::from_atoll(checked(atoll_subscriptions_created_at, handle_.get(), i));
        found.updated_at =
            internal::from_atoll(checked(atoll_subscriptions_updated_at, handle_.get(), i));
        return found;
    }
    std::optional<sync_subscription> find(const std::string &name) const
    {
        std::int64_t index = atoll_subscriptions_find_name(handle_.get(), name.data(), name.size());
        if (index < 0) return std::nullopt;
        return (*this)[static_cast<std::size_t>(index)];
    }

    // Changes the set as one; done, and true, when the server has sent everything that it now asks for. What
    // `change` throws leaves the set as it was.
    template <class F> task<bool> update(F &&change)
    {
        mutable_sync_subscription_set changed(realm_);
        change(changed);
        handle_ = changed.commit();
        return wait();
    }
    task<bool> wait() const
    {
        return internal::request<bool>(
            realm_->app->events,
            [&](atoll_queue *queue) {
                return internal::checked(atoll_subscriptions_wait, handle_.get(), queue);
            },
            [](const atoll_event *) { return true; });
    }

private:
    std::shared_ptr<internal::realm_state> realm_;
    std::shared_ptr<atoll_subscriptions> handle_;
};

} // namespace realm
#endif
