// managed<T>: an object, value, link or list that lives in a realm. Reads see the realm's current version;
// writes need a transaction. Handles belong to the thread that opened the realm.
#ifndef CPPREALM_MANAGED_HPP
#define CPPREALM_MANAGED_HPP

#include <cpprealm/internal/query.hpp>

#include <cctype>

namespace realm
{

struct object_change {
    struct property_change {
        std::string name;
    };
    bool is_deleted = false;
    std::vector<property_change> property_changes;
    std::exception_ptr error;
};

template <class T> class results;

namespace internal
{

// Objects of one add() call that are in the realm already, so that shared and circular links are added once.
struct add_context {
    std::map<const void *, std::shared_ptr<atoll_object>> done;
};

template <class T>
void write_fields(realm_state &realm, atoll_object *object, const class_info &info, const T &model,
                  add_context &context, bool fresh);
template <class T>
std::shared_ptr<atoll_object> add_object(realm_state &realm, const T &model, add_context &context);
template <class P>
void store(realm_state &realm, atoll_object *object, std::uint32_t key, const P &value,
           add_context &context, bool fresh);
template <class T>
void insert_object(realm_state &realm, atoll_list *list, std::int64_t index, const T *target,
                   add_context &context);

template <class T>
void put_element(realm_state &realm, atoll_dictionary *dictionary, const std::string &key,
                 const T &value);

template <class T>
managed<T> make_managed(const std::shared_ptr<realm_state> &realm,
                        std::shared_ptr<atoll_object> object)
{
    object_state state;
    state.realm = realm;
    state.object = std::move(object);
    state.description = &describe<T>();
    state.info = &realm->info(describe<T>());
    return managed<T>(std::move(state));
}

// An object without data whose properties build query text.
template <class T> managed<T> make_query_object(std::string prefix)
{
    object_state state;
    state.description = &describe<T>();
    state.prefix = std::make_shared<std::string>(std::move(prefix));
    return managed<T>(std::move(state));
}

template <class T> struct arrow {
    managed<T> target;
    managed<T> *operator->() { return &target; }
};

template <class T> constexpr bool is_value = codec<typename unwrap_key<T>::type>::supported;

} // namespace internal

// ---------- objects ----------

template <class T>
struct managed<T, std::enable_if_t<internal::is_model<T>>> : internal::fields_of<T> {
    using model_type = T;
    managed() = default; // no object; assign one before use
    explicit managed(internal::object_state state) : internal::fields_of<T>(std::move(state)) {}

    bool is_valid() const { return handle() && atoll_object_is_valid(handle().get()); }
    bool is_invalidated() const { return !is_valid(); }
    bool is_frozen() const { return handle() && atoll_object_is_frozen(handle().get()); }
    // The object as it is now, for ever and for any thread, while this realm is open.
    managed freeze() const
    {
        return moved_to(internal::realm_state::frozen(this->realm_internal_state().realm));
    }
    // The object in a live realm of this thread.
    managed thaw() const
    {
        return moved_to(internal::realm_state::thawed(this->realm_internal_state().realm));
    }
    const std::shared_ptr<atoll_object> &handle() const
    {
        return this->realm_internal_state().object;
    }

    // Calls `observer(object_change)` after refresh() or a commit of this realm when the object changed or is gone.
    template <class F>
    [[nodiscard]] notification_token observe(F &&observer,
                                             const internal::key_paths &paths = std::nullopt) const
    {
        auto realm = this->realm_internal_state().realm;
        auto info = this->realm_internal_state().info;
        auto registration =
            internal::checked(atoll_object_observe_key_paths, handle().get(),
                              internal::key_path_values(paths).get(), realm->queue.get());
        realm->observers[registration] =
            [info, observer = std::forward<F>(observer)](const atoll_event *event) mutable {
                object_change change;
                change.is_deleted = atoll_event_is_deleted(event);
                for (auto key : internal::event_indexes(event, ATOLL_CHANGE_PROPERTIES)) {
                    for (std::size_t i = info->keys.size(); i-- > 0;) {
                        if (info->keys[i] == key) {
                            change.property_changes.push_back(
                                {info->description->at(static_cast<std::int32_t>(i)).name});
                        }
                    }
                }
                observer(std::move(change));
            };
        return notification_token(realm, registration);
    }

    // The object in another instance of its realm; an invalid one if it is deleted there.
    managed moved_to(const std::shared_ptr<internal::realm_state> &realm) const
    {
        auto found = internal::own(
            internal::checked(atoll_object_resolve_in, handle().get(), realm->realm.get()));
        return found ? internal::make_managed<T>(realm, std::move(found)) : managed();
    }

    friend bool operator==(const managed &a, const managed &b)
    {
        return a.handle() && b.handle() && atoll_object_equals(a.handle().get(), b.handle().get());
    }
    friend bool operator!=(const managed &a, const managed &b) { return !(a == b); }
};

// ---------- values ----------

template <class T>
struct managed<T, std::enable_if_t<internal::is_value<T>>> : internal::property_base {
    using value_type = typename internal::unwrap_key<T>::type;
    using property_base::property_base;
    managed(const managed &other) = default;

    value_type detach() const { return internal::codec<value_type>::get(object(), key()); }
    operator value_type() const { return detach(); }
    value_type operator*() const { return detach(); }
    value_type value() const { return detach(); }

    managed &operator=(const value_type &value)
    {
        static_assert(!internal::unwrap_key<T>::is_key, "a primary key never changes");
        internal::codec<value_type>::set(object(), key(), value);
        return *this;
    }
    managed &operator=(const managed &other) { return *this = other.detach(); }

    // Of an integer: increments of several devices add up, where of several assignments the last one wins.
    template <class V> managed &operator+=(const V &value)
    {
        if constexpr (is_counter<V>)
            return increment(static_cast<std::int64_t>(value));
        else
            return *this = static_cast<value_type>(detach() + value);
    }
    template <class V> managed &operator-=(const V &value)
    {
        if constexpr (is_counter<V>)
            return increment(-static_cast<std::int64_t>(value));
        else
            return *this = static_cast<value_type>(detach() - value);
    }
    managed &operator++() { return *this += 1; }
    managed &operator--() { return *this -= 1; }

    // Strings. In where() these are CONTAINS, BEGINSWITH and, with `case_sensitive` false, their [c] forms.
    rbool contains(const std::string &part, bool case_sensitive = true) const
    {
        return text_search(" CONTAINS", part, case_sensitive,
                           [](const std::string &text, const std::string &sought) {
                               return text.find(sought) != std::string::npos;
                           });
    }
    rbool begins_with(const std::string &part, bool case_sensitive = true) const
    {
        return text_search(" BEGINSWITH", part, case_sensitive,
                           [](const std::string &text, const std::string &sought) {
                               return text.compare(0, sought.size(), sought) == 0;
                           });
    }
    // Optional values.
    bool has_value() const { return !internal::checked(atoll_object_is_null, object(), key()); }

private:
    template <class V>
    static constexpr bool is_counter = std::is_integral_v<value_type> &&
                                       !std::is_same_v<value_type, bool> && std::is_integral_v<V>;
    managed &increment(std::int64_t by)
    {
        internal::checked(atoll_object_increment, object(), key(), by);
        return *this;
    }
    template <class F>
    rbool text_search(const char *word, const std::string &part, bool case_sensitive, F found) const
    {
        using text_type = typename internal::non_null<value_type>::type;
        static_assert(std::is_same_v<text_type, std::string>, "only strings can be searched");
        if (in_query()) {
            return rbool(query_name() + word + (case_sensitive ? " \x01" : "[c] \x01"),
                         {mixed(part)});
        }
        if (!has_value()) return false;
        std::string text = internal::codec<std::string>::get(object(), key()), sought = part;
        if (!case_sensitive) {
            lower(text);
            lower(sought);
        }
        return found(text, sought);
    }
    static void lower(std::string &text)
    {
        for (char &c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
};

template <class T, std::enable_if_t<internal::is_value<T>, int> = 0>
std::ostream &operator<<(std::ostream &stream, const managed<T, void> &value)
{
    return stream << value.detach();
}

// ---------- links and embedded objects ----------

template <class T> struct managed<T *, void> : internal::property_base {
    using property_base::property_base;
    managed(const managed &other) = default;

    internal::arrow<T> operator->() const { return {**this}; }
    managed<T> operator*() const
    {
        if (in_query()) return internal::make_query_object<T>(query_name() + ".");
        auto target = internal::own(internal::checked(atoll_object_get_object, object(), key()));
        if (!target)
            throw exception(ATOLL_ERROR_OBJECT_INVALID, "the link \"" + name() + "\" is null");
        return internal::make_managed<T>(state().realm, std::move(target));
    }
    bool is_null() const { return internal::checked(atoll_object_is_null, object(), key()); }
    explicit operator bool() const { return !is_null(); }

    managed &operator=(std::nullptr_t)
    {
        internal::checked(atoll_object_set_null, object(), key());
        return *this;
    }
    // Adds an unmanaged object, and links to it or embeds it.
    managed &operator=(const T *target)
    {
        internal::add_context context;
        internal::store(*state().realm, object(), key(), const_cast<T *>(target), context, false);
        return *this;
    }
    managed &operator=(const managed<T> &target)
    {
        internal::checked(atoll_object_set_object, object(), key(), target.handle().get());
        return *this;
    }
    managed &operator=(const managed &other)
    {
        if (other.is_null()) return *this = nullptr;
        return *this = *other;
    }
    friend rbool operator==(const managed &a, std::nullptr_t)
    {
        if (a.in_query()) return rbool(a.query_name() + " == \x01", {mixed()});
        return a.is_null();
    }
    friend rbool operator!=(const managed &a, std::nullptr_t)
    {
        if (a.in_query()) return rbool(a.query_name() + " != \x01", {mixed()});
        return !a.is_null();
    }
};

// ---------- lists ----------

namespace internal
{

// Walks anything with operator[] and size(); positions move with the collection.
template <class C> class index_iterator
{
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = decltype(std::declval<const C &>()[0]);
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = value_type;
    index_iterator(const C *collection, std::size_t index) : collection_(collection), index_(index)
    {
    }
    value_type operator*() const { return (*collection_)[index_]; }
    index_iterator &operator++()
    {
        index_++;
        return *this;
    }
    bool operator==(const index_iterator &other) const { return index_ == other.index_; }
    bool operator!=(const index_iterator &other) const { return index_ != other.index_; }

private:
    const C *collection_;
    std::size_t index_;
};

// Calls `observer(Change)` after refresh() or a commit of this realm when the collection changed.
template <class Change, class H, class R, class F>
notification_token observe_collection(const object_state &state, std::shared_ptr<H> handle,
                                      R observe, F &&observer, const key_paths &paths)
{
    auto registration =
        checked(observe, handle.get(), key_path_values(paths).get(), state.realm->queue.get());
    state.realm->observers[registration] =
        [handle, observer = std::forward<F>(observer)](const atoll_event *event) mutable {
            Change change;
            read_change(event, change);
            observer(std::move(change));
        };
    return notification_token(state.realm, registration);
}

// What managed lists, sets and maps have in common. M is the managed form, E the element.
template <class M, class E> class collection_base : public property_base
{
public:
    using property_base::property_base;
    bool is_frozen() const { return state().realm->frozen_source != nullptr; }
    // The collection as it is now, for ever and for any thread, while this realm is open.
    M freeze() const { return M(state_in(realm_state::frozen(state().realm)), index()); }
    // The collection in a live realm of this thread.
    M thaw() const { return M(state_in(realm_state::thawed(state().realm)), index()); }

    // The objects of the collection as results: live, and in its order.
    template <class T = std::remove_pointer_t<E>, std::enable_if_t<is_model<T>, int> = 0>
    results<T> as_results() const
    {
        return results<T>(state().realm, static_cast<const M *>(this)->results_handle());
    }
    template <class T = std::remove_pointer_t<E>, std::enable_if_t<is_model<T>, int> = 0>
    results<T> where(const std::string &query, const std::vector<mixed> &arguments = {}) const
    {
        return as_results().where(query, arguments);
    }
    template <class F, class T = std::remove_pointer_t<E>,
              std::enable_if_t<is_model<T> && std::is_invocable_v<F, managed<T> &>, int> = 0>
    results<T> where(F &&condition) const
    {
        return as_results().where(std::forward<F>(condition));
    }
    template <class T = std::remove_pointer_t<E>, std::enable_if_t<is_model<T>, int> = 0>
    results<T> sort(const std::string &property, bool ascending = true) const
    {
        return as_results().sort(property, ascending);
    }
};

template <class M, class E> class list_base : public collection_base<M, E>
{
public:
    using collection_base<M, E>::collection_base;
    std::shared_ptr<atoll_list> list() const
    {
        return own(checked(atoll_object_get_list, this->object(), this->key()));
    }
    std::shared_ptr<atoll_results> results_handle() const
    {
        return own(checked(atoll_list_as_results, list().get()));
    }
    std::size_t size() const
    {
        return static_cast<std::size_t>(checked(atoll_list_count, list().get()));
    }
    bool empty() const { return size() == 0; }
    void clear() { checked(atoll_list_clear, list().get()); }
    void erase(std::size_t index)
    {
        checked(atoll_list_erase, list().get(), static_cast<std::int64_t>(index));
    }
    // The element at `from` comes to stand at `to`.
    void move(std::size_t from, std::size_t to)
    {
        checked(atoll_list_move, list().get(), static_cast<std::int64_t>(from),
                static_cast<std::int64_t>(to));
    }
    void pop_back()
    {
        std::size_t count = size();
        if (count == 0) throw exception(ATOLL_ERROR_OUT_OF_RANGE, "pop_back on an empty list");
        erase(count - 1);
    }
    // Calls `observer(collection_change)` after refresh() or a commit of this realm when the list changed.
    template <class F>
    [[nodiscard]] notification_token observe(F &&observer,
                                             const key_paths &paths = std::nullopt) const
    {
        return observe_collection<collection_change>(
            this->state(), list(), atoll_list_observe_key_paths, std::forward<F>(observer), paths);
    }
};

} // namespace internal

template <class T>
struct managed<std::vector<T>,
               std::enable_if_t<internal::is_value<T> && !internal::is_value<std::vector<T>>>>
    : internal::list_base<managed<std::vector<T>>, T> {
    using internal::list_base<managed, T>::list_base;
    using internal::list_base<managed, T>::list;
    using internal::list_base<managed, T>::size;
    using internal::list_base<managed, T>::clear;
    managed(const managed &other) = default;
    using iterator = internal::index_iterator<managed>;

    T operator[](std::size_t index) const
    {
        return read(list().get(), static_cast<std::int64_t>(index));
    }
    void set(std::size_t index, const T &value)
    {
        internal::checked(atoll_list_set_value, list().get(), static_cast<std::int64_t>(index),
                          internal::value_of(value).get());
    }
    void insert(std::size_t index, const T &value)
    {
        internal::checked(atoll_list_insert_value, list().get(), static_cast<std::int64_t>(index),
                          internal::value_of(value).get());
    }
    void push_back(const T &value) { insert(size(), value); }
    std::vector<T> detach() const
    {
        auto handle = list();
        std::int64_t count = internal::checked(atoll_list_count, handle.get());
        std::vector<T> copy;
        for (std::int64_t i = 0; i < count; i++) copy.push_back(read(handle.get(), i));
        return copy;
    }
    managed &operator=(const std::vector<T> &values)
    {
        clear();
        for (std::size_t i = 0; i < values.size(); i++) insert(i, values[i]);
        return *this;
    }
    managed &operator=(const managed &other) { return *this = other.detach(); }
    iterator begin() const { return {this, 0}; }
    iterator end() const { return {this, size()}; }

private:
    static T read(const atoll_list *handle, std::int64_t index)
    {
        auto value = internal::own(internal::checked(atoll_list_get_value, handle, index));
        return internal::codec<T>::take(value.get(), 0);
    }
};

template <class T>
struct managed<std::vector<T *>, void> : internal::list_base<managed<std::vector<T *>>, T *> {
    using internal::list_base<managed, T *>::list_base;
    using internal::list_base<managed, T *>::list;
    using internal::list_base<managed, T *>::size;
    using internal::list_base<managed, T *>::clear;
    using internal::list_base<managed, T *>::state;
    managed(const managed &other) = default;
    managed &operator=(const managed &other) = delete;
    using iterator = internal::index_iterator<managed>;

    managed<T> operator[](std::size_t index) const
    {
        auto found = internal::checked(atoll_list_get_object, list().get(),
                                       static_cast<std::int64_t>(index));
        return internal::make_managed<T>(state().realm, internal::own(found));
    }
    // Adds an unmanaged object, and links to it or embeds it, at `index`.
    void insert(std::size_t index, const T *target)
    {
        internal::add_context context;
        internal::insert_object(*state().realm, list().get(), static_cast<std::int64_t>(index),
                                target, context);
    }
    void insert(std::size_t index, const managed<T> &target)
    {
        auto value = internal::values_of({mixed(target.handle())});
        internal::checked(atoll_list_insert_value, list().get(), static_cast<std::int64_t>(index),
                          value.get());
    }
    void push_back(const T *target) { insert(size(), target); }
    void push_back(const managed<T> &target) { insert(size(), target); }
    managed &operator=(const std::vector<T *> &targets)
    {
        clear();
        for (std::size_t i = 0; i < targets.size(); i++) insert(i, targets[i]);
        return *this;
    }
    iterator begin() const { return {this, 0}; }
    iterator end() const { return {this, size()}; }
};

} // namespace realm
#endif
