// Copies unmanaged objects, and all that they link to, into a realm.
#ifndef CPPREALM_INTERNAL_ADD_HPP
#define CPPREALM_INTERNAL_ADD_HPP

#include <cpprealm/containers.hpp>

namespace realm::internal
{

template <class T>
void insert_object(realm_state &realm, atoll_list *list, std::int64_t index, const T *target,
                   add_context &context)
{
    if (!target) throw exception(ATOLL_ERROR_NULL_NOT_ALLOWED, "a list of objects holds no null");
    if constexpr (fields_of<T>::realm_kind == ATOLL_CLASS_EMBEDDED) {
        auto made = own(checked(atoll_list_insert_embedded, list, index));
        write_fields(realm, made.get(), realm.info(describe<T>()), *target, context, true);
    } else {
        auto value = values_of({mixed(add_object(realm, *target, context))});
        checked(atoll_list_insert_value, list, index, value.get());
    }
}

template <class T>
void put_element(realm_state &realm, atoll_dictionary *dictionary, const std::string &key,
                 const T &value, add_context &context)
{
    std::shared_ptr<atoll_values> values;
    if constexpr (std::is_pointer_v<T>) {
        using target = std::remove_pointer_t<T>;
        if (!value) {
            values = values_of({mixed()});
        } else if constexpr (fields_of<target>::realm_kind == ATOLL_CLASS_EMBEDDED) {
            auto made =
                own(checked(atoll_dictionary_put_embedded, dictionary, key.data(), key.size()));
            write_fields(realm, made.get(), realm.info(describe<target>()), *value, context, true);
            return;
        } else {
            values = values_of({mixed(add_object(realm, *value, context))});
        }
    } else {
        values = value_of(value);
    }
    checked(atoll_dictionary_put_value, dictionary, key.data(), key.size(), values.get());
}

template <class T>
void put_element(realm_state &realm, atoll_dictionary *dictionary, const std::string &key,
                 const T &value)
{
    add_context context;
    put_element(realm, dictionary, key, value, context);
}

template <class T>
void store_elements(realm_state &realm, atoll_object *object, std::uint32_t key,
                    const std::vector<T> &items, add_context &context, bool fresh)
{
    auto list = own(checked(atoll_object_get_list, object, key));
    if (!fresh) checked(atoll_list_clear, list.get());
    std::int64_t index = 0;
    for (const auto &item : items) {
        if constexpr (std::is_pointer_v<T>) {
            insert_object(realm, list.get(), index++, item, context);
        } else {
            checked(atoll_list_insert_value, list.get(), index++, value_of<T>(item).get());
        }
    }
}

template <class T>
void store_elements(realm_state &realm, atoll_object *object, std::uint32_t key,
                    const std::set<T> &items, add_context &context, bool fresh)
{
    auto set = own(checked(atoll_object_get_set, object, key));
    if (!fresh) checked(atoll_set_clear, set.get());
    for (const auto &item : items) {
        std::shared_ptr<atoll_values> values;
        if constexpr (std::is_pointer_v<T>) {
            if (!item)
                throw exception(ATOLL_ERROR_NULL_NOT_ALLOWED, "a set of objects holds no null");
            values = values_of({mixed(add_object(realm, *item, context))});
        } else {
            values = value_of(item);
        }
        checked(atoll_set_add, set.get(), values.get());
    }
}

template <class T>
void store_elements(realm_state &realm, atoll_object *object, std::uint32_t key,
                    const std::map<std::string, T> &items, add_context &context, bool fresh)
{
    auto dictionary = own(checked(atoll_object_get_dictionary, object, key));
    if (!fresh) checked(atoll_dictionary_clear, dictionary.get());
    for (const auto &[name, item] : items) {
        put_element(realm, dictionary.get(), name, item, context);
    }
}

// Writes one property. A fresh object holds nothing yet, so that null and empty need no write there.
template <class P>
void store(realm_state &realm, atoll_object *object, std::uint32_t key, const P &value,
           add_context &context, bool fresh)
{
    if constexpr (unwrap_key<P>::is_key) {
        (void)realm; // The key was given when the object was created.
    } else if constexpr (codec<P>::supported) {
        if constexpr (codec<P>::nullable) {
            if (fresh && !value) return;
        }
        codec<P>::set(object, key, value);
    } else if constexpr (codec<typename unwrap_key<P>::type>::supported) {
        store(realm, object, key, value.value, context, fresh);
    } else if constexpr (std::is_pointer_v<P>) {
        using T = std::remove_pointer_t<P>;
        if (!value) {
            if (!fresh) checked(atoll_object_set_null, object, key);
        } else if constexpr (fields_of<T>::realm_kind == ATOLL_CLASS_EMBEDDED) {
            auto made = own(checked(atoll_object_create_embedded, object, key));
            write_fields(realm, made.get(), realm.info(describe<T>()), *value, context, true);
        } else {
            auto target = add_object(realm, *value, context);
            checked(atoll_object_set_object, object, key, target.get());
        }
    } else if constexpr (is_linking<P>) {
        (void)realm; // What links here is not stored here.
    } else if (!fresh || !value.empty()) {
        store_elements(realm, object, key, value, context, fresh);
    }
}

template <class T>
void write_fields(realm_state &realm, atoll_object *object, const class_info &info, const T &model,
                  add_context &context, bool fresh)
{
    fields_of<T>::realm_visit([&](const char *, auto member, std::int32_t index) {
        store(realm, object, info.keys[static_cast<std::size_t>(index)], model.*member, context,
              fresh);
    });
}

// The value of the primary key, or nothing for a class without one.
template <class T> std::shared_ptr<atoll_values> key_of(const T &model)
{
    std::shared_ptr<atoll_values> key;
    fields_of<T>::realm_visit([&](const char *, auto member, std::int32_t) {
        using P = std::decay_t<decltype(model.*member)>;
        if constexpr (unwrap_key<P>::is_key) key = value_of((model.*member).value);
    });
    return key;
}

// An object whose key exists already is overwritten; its links are followed first to last, each object once.
template <class T>
std::shared_ptr<atoll_object> add_object(realm_state &realm, const T &model, add_context &context)
{
    auto known = context.done.find(&model);
    if (known != context.done.end()) return known->second;
    const class_info &info = realm.info(describe<T>());
    auto key = key_of(model);
    std::shared_ptr<atoll_object> object;
    // What was added asymmetrically can't be read, so there is nothing to find.
    if (key && fields_of<T>::realm_kind == ATOLL_CLASS_NORMAL) {
        object = own(checked(atoll_realm_find, realm.realm.get(), info.class_key, key.get()));
    }
    bool fresh = !object;
    if (fresh)
        object = own(checked(atoll_realm_create, realm.realm.get(), info.class_key, key.get()));
    context.done[&model] = object;
    write_fields(realm, object.get(), info, model, context, fresh);
    return object;
}

} // namespace realm::internal
#endif
