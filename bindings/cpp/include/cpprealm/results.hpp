// results<T>: all objects of a class, or those that a query finds. Live: each read is as of the realm's version.
#ifndef CPPREALM_RESULTS_HPP
#define CPPREALM_RESULTS_HPP

#include <cpprealm/internal/add.hpp>

namespace realm
{

template <class T> class results;

namespace internal
{
template <class M> struct member_of;
template <class C, class P> struct member_of<P C::*> {
    using owner = C;
};
} // namespace internal

template <class T> struct results_change : collection_change {
    results<T> *collection = nullptr;
};

template <class T> class results
{
public:
    using iterator = internal::index_iterator<results>;
    using value_type = managed<T>;

    results(std::shared_ptr<internal::realm_state> state, std::shared_ptr<atoll_results> handle)
        : state_(std::move(state)), handle_(std::move(handle))
    {
    }

    std::size_t size() const
    {
        return static_cast<std::size_t>(internal::checked(atoll_results_count, handle_.get()));
    }
    bool empty() const { return size() == 0; }
    managed<T> operator[](std::size_t index) const
    {
        auto object = internal::checked(atoll_results_object, handle_.get(),
                                        static_cast<std::int64_t>(index));
        return internal::make_managed<T>(state_, internal::own(object));
    }
    iterator begin() const { return {this, 0}; }
    iterator end() const { return {this, size()}; }

    // Narrows with query text: where("age > $0 AND name BEGINSWITH $1", {3, "R"}).
    results where(const std::string &query, const std::vector<mixed> &arguments = {}) const
    {
        auto values = internal::values_of(arguments);
        auto made = internal::checked(atoll_results_filter, handle_.get(), query.data(),
                                      query.size(), values.get());
        return results(state_, internal::own(made));
    }
    // Narrows with a comparison: where([](auto &dog) { return dog.age > 3; }).
    template <class F, std::enable_if_t<std::is_invocable_v<F, managed<T> &>, int> = 0>
    results where(F &&condition) const
    {
        auto object = internal::make_query_object<T>("");
        rbool built = condition(object);
        return where(built.text(), built.arguments());
    }
    results sort(const std::string &property, bool ascending = true) const
    {
        return where("TRUEPREDICATE SORT(" + property + (ascending ? " ASC)" : " DESC)"));
    }

    // Of a number property; null counts as nothing. Without values the sum is 0, the others are null.
    mixed sum(const std::string &property) const { return total(atoll_results_sum, property); }
    mixed min(const std::string &property) const { return total(atoll_results_minimum, property); }
    mixed max(const std::string &property) const { return total(atoll_results_maximum, property); }
    mixed average(const std::string &property) const
    {
        return total(atoll_results_average, property);
    }
    // The canonical text of the query with its arguments filled in.
    std::string description() const
    {
        return internal::to_string(internal::checked(atoll_results_query, handle_.get()));
    }
    void remove_all() { internal::checked(atoll_results_delete_all, handle_.get()); }

    // Calls `observer(results_change<T>)` first with what there is, then after refresh() or a commit of this realm.
    template <class F>
    [[nodiscard]] notification_token observe(F &&observer,
                                             const internal::key_paths &paths = std::nullopt) const
    {
        auto registration =
            internal::checked(atoll_results_observe_key_paths, handle_.get(),
                              internal::key_path_values(paths).get(), state_->queue.get());
        // A weak owner: the realm holds the observer, and the observer must not hold the realm.
        std::weak_ptr<internal::realm_state> weak = state_;
        state_->observers[registration] =
            [weak, handle = handle_,
             observer = std::forward<F>(observer)](const atoll_event *event) mutable {
                results current(weak.lock(), handle);
                results_change<T> change;
                change.collection = &current;
                internal::read_change(event, change);
                observer(std::move(change));
            };
        return notification_token(state_, registration);
    }

    bool is_frozen() const { return atoll_results_is_frozen(handle_.get()); }
    // What there is now, for ever and for any thread, while this realm is open.
    results freeze() const { return moved_to(internal::realm_state::frozen(state_)); }
    // The results in a live realm of this thread.
    results thaw() const { return moved_to(internal::realm_state::thawed(state_)); }
    results moved_to(const std::shared_ptr<internal::realm_state> &realm) const
    {
        return results(realm, internal::own(internal::checked(atoll_results_resolve_in,
                                                              handle_.get(), realm->realm.get())));
    }

    const std::shared_ptr<atoll_results> &handle() const { return handle_; }

private:
    template <class F> mixed total(F function, const std::string &property) const
    {
        auto &info = state_->info(internal::describe<T>());
        auto key = internal::checked(atoll_realm_property, state_->realm.get(), info.class_key,
                                     property.data(), property.size());
        auto value = internal::own(internal::checked(function, handle_.get(), key));
        return internal::take_mixed(value.get(), 0);
    }

    std::shared_ptr<internal::realm_state> state_;
    std::shared_ptr<atoll_results> handle_;
};

// The objects that link to the owner through `Property`: live, like results.
template <auto Property> struct managed<linking_objects<Property>, void> : internal::property_base {
    using property_base::property_base;
    managed(const managed &other) = default;
    managed &operator=(const managed &) = delete;
    using origin = typename internal::member_of<decltype(Property)>::owner;
    using iterator = typename results<origin>::iterator;

    results<origin> objects() const
    {
        auto &realm = *state().realm;
        auto &info = realm.info(internal::describe<origin>());
        auto found = internal::checked(atoll_object_backlinks, object(), info.class_key,
                                       info.keys[property_index()]);
        return results<origin>(state().realm, internal::own(found));
    }
    std::size_t size() const { return objects().size(); }
    bool empty() const { return size() == 0; }
    managed<origin> operator[](std::size_t index) const { return objects()[index]; }
    template <class... A> results<origin> where(A &&...arguments) const
    {
        return objects().where(std::forward<A>(arguments)...);
    }
    template <class F>
    [[nodiscard]] notification_token observe(F &&observer,
                                             const internal::key_paths &paths = std::nullopt) const
    {
        return objects().observe(std::forward<F>(observer), paths);
    }

private:
    static std::size_t property_index()
    {
        std::size_t found = 0;
        internal::fields_of<origin>::realm_visit(
            [&](const char *, auto member, std::int32_t index) {
                if constexpr (std::is_same_v<decltype(member), std::decay_t<decltype(Property)>>) {
                    if (member == Property) found = static_cast<std::size_t>(index);
                }
            });
        return found;
    }
};

} // namespace realm
#endif
