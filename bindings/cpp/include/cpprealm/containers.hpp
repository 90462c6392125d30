// managed sets and maps: std::set and std::map<std::string, ...> members as they live in a realm.
#ifndef CPPREALM_CONTAINERS_HPP
#define CPPREALM_CONTAINERS_HPP

#include <cpprealm/managed.hpp>

namespace realm
{

namespace internal
{

// What T, a value or a pointer to an object, is when it is read.
template <class T> struct read_as {
    using type = T;
};
template <class T> struct read_as<T *> {
    using type = managed<T>;
};

// One element for the core. An unmanaged object is added to the realm first.
template <class T> std::shared_ptr<atoll_values> element_values(realm_state &realm, const T &value)
{
    if constexpr (std::is_pointer_v<T>) {
        if (!value) return values_of({mixed()});
        add_context context;
        return values_of({mixed(add_object(realm, *value, context))});
    } else {
        (void)realm;
        return value_of(value);
    }
}

template <class T> class map_box;

} // namespace internal

// ---------- sets ----------

// Each value once, in the order of the values. Iterators are positions: a change may shift them.
template <class T>
struct managed<std::set<T>, void> : internal::collection_base<managed<std::set<T>>, T> {
    using internal::collection_base<managed, T>::collection_base;
    using internal::property_base::key;
    using internal::property_base::object;
    using internal::property_base::state;
    managed(const managed &other) = default;
    using value_type = typename internal::read_as<T>::type;
    using iterator = internal::index_iterator<managed>;

    std::shared_ptr<atoll_set> set() const
    {
        return internal::own(internal::checked(atoll_object_get_set, object(), key()));
    }
    std::size_t size() const
    {
        return static_cast<std::size_t>(internal::checked(atoll_set_count, set().get()));
    }
    bool empty() const { return size() == 0; }
    void clear() { internal::checked(atoll_set_clear, set().get()); }
    value_type operator[](std::size_t index) const
    {
        return read(set().get(), static_cast<std::int64_t>(index));
    }
    iterator begin() const { return {this, 0}; }
    iterator end() const { return {this, size()}; }
    bool contains(const value_type &value) const
    {
        return internal::checked(atoll_set_contains, set().get(), sought(value).get());
    }
    std::size_t count(const value_type &value) const { return contains(value) ? 1 : 0; }
    iterator find(const value_type &value) const
    {
        iterator at = begin(), last = end();
        while (at != last && !(*at == value)) ++at;
        return at;
    }
    // True if it was not there. An unmanaged object is added to the realm first.
    bool insert(const T &value)
    {
        auto values = internal::element_values(*state().realm, value);
        return internal::checked(atoll_set_add, set().get(), values.get());
    }
    template <class V = T, std::enable_if_t<std::is_pointer_v<V>, int> = 0>
    bool insert(const managed<std::remove_pointer_t<V>> &object)
    {
        return internal::checked(atoll_set_add, set().get(), sought(object).get());
    }
    // How many were removed: 1, or 0 if it was not there.
    std::size_t erase(const value_type &value)
    {
        return internal::checked(atoll_set_remove, set().get(), sought(value).get()) ? 1 : 0;
    }
    managed &operator=(const std::set<T> &values)
    {
        clear();
        for (const auto &value : values) insert(value);
        return *this;
    }
    managed &operator=(const managed &other)
    {
        if constexpr (!std::is_pointer_v<T>) return *this = other.detach();
        std::vector<value_type> held(other.begin(), other.end());
        clear();
        for (const auto &value : held) insert(value);
        return *this;
    }
    template <class V = T, std::enable_if_t<!std::is_pointer_v<V>, int> = 0>
    std::set<V> detach() const
    {
        std::set<V> copy;
        for (const auto &value : *this) copy.insert(value);
        return copy;
    }
    template <class F>
    [[nodiscard]] notification_token observe(F &&observer,
                                             const internal::key_paths &paths = std::nullopt) const
    {
        return internal::observe_collection<collection_change>(
            state(), set(), atoll_set_observe_key_paths, std::forward<F>(observer), paths);
    }
    std::shared_ptr<atoll_results> results_handle() const
    {
        return internal::own(internal::checked(atoll_set_as_results, set().get()));
    }

private:
    static std::shared_ptr<atoll_values> sought(const value_type &value)
    {
        return internal::values_of({mixed(value)});
    }
    value_type read(const atoll_set *handle, std::int64_t index) const
    {
        if constexpr (std::is_pointer_v<T>) {
            auto found = internal::own(internal::checked(atoll_set_get_object, handle, index));
            return internal::make_managed<std::remove_pointer_t<T>>(state().realm, found);
        } else {
            auto value = internal::own(internal::checked(atoll_set_get_value, handle, index));
            return internal::codec<T>::take(value.get(), 0);
        }
    }
};

// ---------- maps ----------

// In the byte order of the keys, which hold no '.' and do not begin with '$'.
template <class T>
struct managed<std::map<std::string, T>, void>
    : internal::collection_base<managed<std::map<std::string, T>>, T> {
    using internal::collection_base<managed, T>::collection_base;
    using internal::property_base::key;
    using internal::property_base::object;
    using internal::property_base::state;
    managed(const managed &other) = default;
    using mapped_type = internal::map_box<T>;
    using iterator = internal::index_iterator<managed>;

    std::shared_ptr<atoll_dictionary> dictionary() const
    {
        return internal::own(internal::checked(atoll_object_get_dictionary, object(), key()));
    }
    std::size_t size() const
    {
        return static_cast<std::size_t>(
            internal::checked(atoll_dictionary_count, dictionary().get()));
    }
    bool empty() const { return size() == 0; }
    void clear() { internal::checked(atoll_dictionary_clear, dictionary().get()); }
    bool contains(const std::string &key) const
    {
        return internal::checked(atoll_dictionary_contains, dictionary().get(), key.data(),
                                 key.size());
    }
    std::size_t count(const std::string &key) const { return contains(key) ? 1 : 0; }
    // The value of a key, to be read or assigned. Unlike std::map it adds nothing by itself.
    internal::map_box<T> operator[](const std::string &key) const { return {*this, key}; }
    internal::map_box<T> at(const std::string &key) const
    {
        if (!contains(key)) missing(key);
        return {*this, key};
    }
    // The key and the value at a position.
    std::pair<std::string, internal::map_box<T>> operator[](std::size_t index) const
    {
        auto key = internal::to_string(internal::checked(
            atoll_dictionary_key_at, dictionary().get(), static_cast<std::int64_t>(index)));
        return {key, internal::map_box<T>(*this, key)};
    }
    iterator begin() const { return {this, 0}; }
    iterator end() const { return {this, size()}; }
    iterator find(const std::string &key) const
    {
        iterator at = begin(), last = end();
        if (!contains(key)) return last;
        while (at != last && (*at).first != key) ++at;
        return at;
    }
    // As std::map has them: `insert` leaves a value that is there, `insert_or_assign` replaces it.
    bool insert(const std::pair<const std::string, T> &item)
    {
        if (contains(item.first)) return false;
        put(item.first, item.second);
        return true;
    }
    bool emplace(const std::string &key, const T &value) { return insert({key, value}); }
    void insert_or_assign(const std::string &key, const T &value) { put(key, value); }
    std::size_t erase(const std::string &key)
    {
        return internal::checked(atoll_dictionary_erase, dictionary().get(), key.data(), key.size())
                   ? 1
                   : 0;
    }
    managed &operator=(const std::map<std::string, T> &values)
    {
        clear();
        for (const auto &[key, value] : values) put(key, value);
        return *this;
    }
    managed &operator=(const managed &other) = delete;
    template <class V = T, std::enable_if_t<!std::is_pointer_v<V>, int> = 0>
    std::map<std::string, V> detach() const
    {
        std::map<std::string, V> copy;
        for (const auto &[key, value] : *this) copy.emplace(key, value.detach());
        return copy;
    }
    // Calls `observer(map_change)` after refresh() or a commit of this realm when the map changed.
    template <class F>
    [[nodiscard]] notification_token observe(F &&observer,
                                             const internal::key_paths &paths = std::nullopt) const
    {
        return internal::observe_collection<map_change>(state(), dictionary(),
                                                        atoll_dictionary_observe_key_paths,
                                                        std::forward<F>(observer), paths);
    }
    std::shared_ptr<atoll_results> results_handle() const
    {
        return internal::own(internal::checked(atoll_dictionary_as_results, dictionary().get()));
    }
    // Gives the key this value: an unmanaged object is added, or embedded.
    void put(const std::string &key, const T &value)
    {
        auto handle = dictionary();
        internal::put_element(*state().realm, handle.get(), key, value);
    }
    [[noreturn]] static void missing(const std::string &key)
    {
        throw exception(ATOLL_ERROR_OUT_OF_RANGE, "the map has no key \"" + key + "\"");
    }
};

namespace internal
{

// The value of one key of a managed map.
template <class T> class map_box
{
public:
    using map = managed<std::map<std::string, T>>;
    using value_type = typename read_as<T>::type;
    map_box(const map &owner, std::string key) : map_(owner), key_(std::move(key)) {}

    // Throws OUT_OF_RANGE without the key. A link may be null, see is_null().
    value_type detach() const
    {
        auto handle = map_.dictionary();
        if constexpr (std::is_pointer_v<T>) {
            auto found =
                own(checked(atoll_dictionary_get_object, handle.get(), key_.data(), key_.size()));
            if (!found) {
                throw exception(ATOLL_ERROR_OBJECT_INVALID,
                                "there is no object at the key \"" + key_ + "\"");
            }
            return make_managed<std::remove_pointer_t<T>>(map_.state().realm, std::move(found));
        } else {
            auto value =
                own(checked(atoll_dictionary_get_value, handle.get(), key_.data(), key_.size()));
            if (!value) map::missing(key_);
            return codec<T>::take(value.get(), 0);
        }
    }
    operator value_type() const { return detach(); }
    value_type operator*() const { return detach(); }
    auto operator->() const { return arrow<std::remove_pointer_t<T>>{detach()}; }
    bool is_null() const
    {
        auto handle = map_.dictionary();
        auto value =
            own(checked(atoll_dictionary_get_value, handle.get(), key_.data(), key_.size()));
        if (!value) map::missing(key_);
        return checked(atoll_values_type, value.get(), std::int64_t{0}) == ATOLL_TYPE_NULL;
    }
    map_box &operator=(const T &value)
    {
        map_.put(key_, value);
        return *this;
    }
    template <class V = T, std::enable_if_t<std::is_pointer_v<V>, int> = 0>
    map_box &operator=(const managed<std::remove_pointer_t<V>> &object)
    {
        auto handle = map_.dictionary();
        auto values = values_of({mixed(object)});
        checked(atoll_dictionary_put_value, handle.get(), key_.data(), key_.size(), values.get());
        return *this;
    }
    template <class V> friend bool operator==(const map_box &a, const V &b)
    {
        return a.detach() == b;
    }
    template <class V> friend bool operator!=(const map_box &a, const V &b) { return !(a == b); }

private:
    map map_;
    std::string key_;
};

} // namespace internal
} // namespace realm
#endif
