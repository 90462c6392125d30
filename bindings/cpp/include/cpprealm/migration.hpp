// What a schema change of a local realm looks like to the program: the realm as it was beside the realm as it will be.
#ifndef CPPREALM_MIGRATION_HPP
#define CPPREALM_MIGRATION_HPP

#include <cpprealm/app.hpp>
#include <cpprealm/subscriptions.hpp>

namespace realm
{

// An object whose properties are named by texts. Those that its realm does not have are UNKNOWN_PROPERTY.
class dynamic_object
{
public:
    dynamic_object(std::shared_ptr<atoll_realm> realm, std::shared_ptr<atoll_object> object)
        : realm_(std::move(realm)), object_(std::move(object))
    {
    }
    template <class T>
    explicit dynamic_object(const managed<T> &object)
        : dynamic_object(object.realm_internal_state().realm->realm, object.handle())
    {
    }

    // As the type that the property has, std::optional where it may be null; collections as std::vector, std::set and std::map.
    template <class T> T get(const std::string &property) const
    {
        auto key = this->key(property);
        if constexpr (internal::codec<T>::supported) {
            return internal::codec<T>::get(object_.get(), key);
        } else {
            T made;
            read(key, made);
            return made;
        }
    }
    bool is_null(const std::string &property) const
    {
        return internal::checked(atoll_object_is_null, object_.get(), key(property));
    }
    // What a link leads to, or what is embedded.
    std::optional<dynamic_object> get_object(const std::string &property) const
    {
        return wrap(internal::checked(atoll_object_get_object, object_.get(), key(property)));
    }
    // The objects of a list.
    std::vector<dynamic_object> get_objects(const std::string &property) const
    {
        std::vector<dynamic_object> found;
        auto list =
            internal::own(internal::checked(atoll_object_get_list, object_.get(), key(property)));
        std::int64_t count = internal::checked(atoll_list_count, list.get());
        for (std::int64_t i = 0; i < count; i++) {
            if (auto item = wrap(internal::checked(atoll_list_get_object, list.get(), i)))
                found.push_back(*item);
        }
        return found;
    }
    // Of a value; in a migration also of the primary key.
    template <class T> void set(const std::string &property, const T &value)
    {
        internal::codec<T>::set(object_.get(), key(property), value);
    }
    void set(const std::string &property, const char *value) { set(property, std::string(value)); }
    void set(const std::string &property, const dynamic_object &target)
    {
        internal::checked(atoll_object_set_object, object_.get(), key(property),
                          target.object_.get());
    }
    bool is_valid() const { return atoll_object_is_valid(object_.get()); }
    const std::shared_ptr<atoll_object> &handle() const { return object_; }

private:
    std::uint32_t key(const std::string &property) const
    {
        return internal::checked(atoll_realm_property, realm_.get(),
                                 atoll_object_class(object_.get()), property.data(),
                                 property.size());
    }
    std::optional<dynamic_object> wrap(atoll_object *found) const
    {
        auto owned = internal::own(found);
        if (!owned) return std::nullopt;
        return dynamic_object(realm_, std::move(owned));
    }
    template <class T> void read(std::uint32_t key, std::vector<T> &into) const
    {
        auto list = internal::own(internal::checked(atoll_object_get_list, object_.get(), key));
        std::int64_t count = internal::checked(atoll_list_count, list.get());
        for (std::int64_t i = 0; i < count; i++) {
            auto value = internal::own(internal::checked(atoll_list_get_value, list.get(), i));
            into.push_back(internal::codec<T>::take(value.get(), 0));
        }
    }
    template <class T> void read(std::uint32_t key, std::set<T> &into) const
    {
        auto set = internal::own(internal::checked(atoll_object_get_set, object_.get(), key));
        std::int64_t count = internal::checked(atoll_set_count, set.get());
        for (std::int64_t i = 0; i < count; i++) {
            auto value = internal::own(internal::checked(atoll_set_get_value, set.get(), i));
            into.insert(internal::codec<T>::take(value.get(), 0));
        }
    }
    template <class T> void read(std::uint32_t key, std::map<std::string, T> &into) const
    {
        auto map =
            internal::own(internal::checked(atoll_object_get_dictionary, object_.get(), key));
        std::int64_t count = internal::checked(atoll_dictionary_count, map.get());
        for (std::int64_t i = 0; i < count; i++) {
            auto name =
                internal::to_string(internal::checked(atoll_dictionary_key_at, map.get(), i));
            auto value = internal::own(internal::checked(atoll_dictionary_value_at, map.get(), i));
            into.emplace(name, internal::codec<T>::take(value.get(), 0));
        }
    }

    std::shared_ptr<atoll_realm> realm_;
    std::shared_ptr<atoll_object> object_;
};

// Given to the callback of db_config::set_migration, for its time. What the callback throws leaves the realm as it was.
class migration
{
public:
    std::uint64_t old_version() const
    {
        return static_cast<std::uint64_t>(
            internal::checked(atoll_migration_old_version, native_.get()));
    }
    // The objects of a class as they were, for reading.
    std::vector<dynamic_object> old_objects(const std::string &class_name,
                                            const std::string &query = "TRUEPREDICATE") const
    {
        auto class_key =
            internal::checked(atoll_realm_class, old_.get(), class_name.data(), class_name.size());
        auto results =
            internal::own(internal::checked(atoll_results_new, old_.get(), class_key, query.data(),
                                            query.size(), internal::new_values().get()));
        std::vector<dynamic_object> found;
        std::int64_t count = internal::checked(atoll_results_count, results.get());
        for (std::int64_t i = 0; i < count; i++) {
            auto object = internal::own(internal::checked(atoll_results_object, results.get(), i));
            found.emplace_back(old_, std::move(object));
        }
        return found;
    }
    // The objects of a class as they will be, for writing.
    template <class T> results<T> objects() const { return internal::query_class<T>(now_); }
    // What an old object is now; an invalid object if it is gone.
    template <class T> managed<T> find_new(const dynamic_object &old) const
    {
        auto found = internal::own(
            internal::checked(atoll_migration_find_new, native_.get(), old.handle().get()));
        return found ? internal::make_managed<T>(now_, std::move(found)) : managed<T>();
    }
    // Calls `change(dynamic_object old, managed<T> now)` for each object that was there and is.
    template <class T, class F> void enumerate(const std::string &class_name, F &&change) const
    {
        for (const auto &old : old_objects(class_name)) {
            auto now = find_new<T>(old);
            if (now.is_valid()) change(old, now);
        }
    }
    template <class T> managed<T> add(const T &object) const
    {
        internal::add_context context;
        return internal::make_managed<T>(now_, internal::add_object(*now_, object, context));
    }
    template <class T> void remove(const managed<T> &object) const
    {
        internal::checked(atoll_object_delete, object.handle().get());
    }
    // Moves the values of a property that only the old schema has to one that only the new schema has.
    void rename_property(const std::string &class_name, const std::string &from,
                         const std::string &to) const
    {
        internal::checked(atoll_migration_rename_property, native_.get(), class_name.data(),
                          class_name.size(), from.data(), from.size(), to.data(), to.size());
    }
    // Removes a class that the new schema has no more, with its objects; without it they stay, unseen.
    void remove_class(const std::string &class_name) const
    {
        internal::checked(atoll_migration_remove_class, native_.get(), class_name.data(),
                          class_name.size());
    }

private:
    friend class db;
    explicit migration(atoll_migration *native) : native_(internal::own(native))
    {
        old_ = internal::own(internal::checked(atoll_migration_old_realm, native));
        now_ = std::make_shared<internal::realm_state>();
        now_->realm = internal::own(internal::checked(atoll_migration_new_realm, native));
    }
    // Migrates a realm whose schema version is raised; does nothing to others.
    static void run(const std::shared_ptr<atoll_config> &config,
                    const std::function<void(migration &)> &callback)
    {
        atoll_migration *begun = nullptr;
        try {
            begun = internal::checked(atoll_migration_begin, config.get());
        } catch (const exception &e) {
            // It is open already: to open it once more says whether that will do.
            if (e.code() != ATOLL_ERROR_FILE_IN_USE) throw;
        }
        if (!begun) return;
        migration running(begun);
        callback(running);
        internal::checked(atoll_migration_commit, begun);
    }

    std::shared_ptr<atoll_migration> native_;
    std::shared_ptr<atoll_realm> old_;
    std::shared_ptr<internal::realm_state> now_;
};

} // namespace realm
#endif
