// The managed side of an object: its state, its properties, and what the REALM_SCHEMA macros expand to.
#ifndef CPPREALM_INTERNAL_OBJECT_HPP
#define CPPREALM_INTERNAL_OBJECT_HPP

#include <cpprealm/internal/each.hpp>
#include <cpprealm/internal/state.hpp>

#include <ostream>
#include <set>

namespace realm
{

// A property, a link, a list or an object as it lives in a realm; the forms are in managed.hpp.
template <class T, class Enabled = void> struct managed;

namespace internal
{

struct object_state {
    std::shared_ptr<realm_state> realm;
    std::shared_ptr<atoll_object> object;
    const class_description *description = nullptr;
    const class_info *info = nullptr;
    std::shared_ptr<std::string>
        prefix; // set while a where() lambda runs: comparisons then build a query
};

// Base of the managed classes that the macros define.
class object_base
{
public:
    object_base() = default;
    explicit object_base(object_state state) : realm_internal_state_(std::move(state)) {}
    const object_state &realm_internal_state() const { return realm_internal_state_; }

private:
    object_state realm_internal_state_;
};

// A member of a managed object. While it is one it reads through its owner; a copy taken out of the
// object keeps the state itself, so that it may outlive the object that it came from.
class property_base
{
public:
    property_base(const object_base *owner, std::int32_t index) : owner_(owner), index_(index) {}
    property_base(const property_base &other)
        : held_(std::make_shared<object_state>(other.state())), index_(other.index_)
    {
    }
    property_base &operator=(const property_base &) = delete;
    // The same property of an object that is nobody's member.
    property_base(object_state state, std::int32_t index)
        : held_(std::make_shared<object_state>(std::move(state))), index_(index)
    {
    }

    std::int32_t index() const { return index_; }
    // The owner as it is in another instance of its realm.
    object_state state_in(const std::shared_ptr<realm_state> &realm) const
    {
        object_state moved = state();
        moved.realm = realm;
        moved.object = own(checked(atoll_object_resolve_in, object(), realm->realm.get()));
        if (!moved.object)
            throw exception(ATOLL_ERROR_OBJECT_INVALID,
                            "the object of \"" + name() + "\" is deleted");
        moved.info = &realm->info(*moved.description);
        return moved;
    }
    const object_state &state() const { return held_ ? *held_ : owner_->realm_internal_state(); }
    atoll_object *object() const
    {
        if (!state().object)
            throw exception(ATOLL_ERROR_OBJECT_INVALID, "this handle has no object");
        return state().object.get();
    }
    std::uint32_t key() const { return state().info->keys[static_cast<std::size_t>(index_)]; }
    bool in_query() const { return state().prefix != nullptr; }
    const std::string &name() const { return state().description->at(index_).name; }
    std::string query_name() const { return *state().prefix + name(); }

private:
    const object_base *owner_ = nullptr;
    std::shared_ptr<object_state> held_;
    std::int32_t index_;
};

// Finds the managed class of a model through the function that REALM_SCHEMA declares beside it.
struct no_fields {
};
no_fields realm_fields_of(...);
template <class T> using fields_of = decltype(realm_fields_of(static_cast<const T *>(nullptr)));
template <class T> constexpr bool is_model = !std::is_same_v<fields_of<T>, no_fields>;

template <class P> struct property_of; // what a collection type holds and how it is described

template <class T> struct unwrap_key {
    using type = T;
    static constexpr bool is_key = false;
    static constexpr std::int32_t flags = 0;
};
template <class T> struct unwrap_key<primary_key<T>> {
    using type = T;
    static constexpr bool is_key = true;
    static constexpr std::int32_t flags = ATOLL_PROPERTY_PRIMARY_KEY;
};
template <class T, std::int32_t Flag> struct unwrap_key<flagged<T, Flag>> {
    using type = T;
    static constexpr bool is_key = false;
    static constexpr std::int32_t flags = Flag;
};

template <class T> struct property_of<std::vector<T>> {
    using element = T;
    static constexpr std::int32_t flag = ATOLL_PROPERTY_LIST;
};
template <class T> struct property_of<std::set<T>> {
    using element = T;
    static constexpr std::int32_t flag = ATOLL_PROPERTY_SET;
};
template <class T> struct property_of<std::map<std::string, T>> {
    using element = T;
    static constexpr std::int32_t flag = ATOLL_PROPERTY_DICTIONARY;
};

template <class T> constexpr bool is_linking = false;
template <auto Property> constexpr bool is_linking<linking_objects<Property>> = true;

template <class T> void check_target()
{
    static_assert(fields_of<T>::realm_kind != ATOLL_CLASS_ASYMMETRIC,
                  "an asymmetric class can't be the type of a property: it can only be added");
}

template <class P> property_description describe_property(const char *name)
{
    property_description described;
    described.name = name;
    using T = typename unwrap_key<P>::type;
    if constexpr (codec<T>::supported) {
        described.type = codec<T>::type;
        described.flags = (codec<T>::nullable ? ATOLL_PROPERTY_NULLABLE : 0) | unwrap_key<P>::flags;
    } else if constexpr (std::is_pointer_v<T>) {
        using target = std::remove_pointer_t<T>;
        check_target<target>();
        bool embedded = fields_of<target>::realm_kind == ATOLL_CLASS_EMBEDDED;
        described.type = embedded ? ATOLL_TYPE_EMBEDDED : ATOLL_TYPE_LINK;
        described.flags = ATOLL_PROPERTY_NULLABLE;
        described.target = fields_of<target>::realm_name();
    } else if constexpr (is_linking<T>) {
        described.computed = true;
    } else {
        using element = typename property_of<T>::element;
        described = describe_property<element>(name);
        if (std::is_pointer_v<element>) described.flags &= ~ATOLL_PROPERTY_NULLABLE;
        described.flags |= property_of<T>::flag;
        if constexpr (property_of<T>::flag == ATOLL_PROPERTY_SET && std::is_pointer_v<element>) {
            static_assert(fields_of<std::remove_pointer_t<element>>::realm_kind !=
                              ATOLL_CLASS_EMBEDDED,
                          "a set can't hold embedded objects: use a vector or a map");
        }
    }
    return described;
}

template <class T> const class_description &describe()
{
    static const class_description description = [] {
        class_description made;
        made.name = fields_of<T>::realm_name();
        made.kind = fields_of<T>::realm_kind;
        fields_of<T>::realm_visit([&made](const char *name, auto member, std::int32_t) {
            using P = std::decay_t<decltype(std::declval<T &>().*member)>;
            made.properties.push_back(describe_property<P>(name));
        });
        return made;
    }();
    return description;
}

template <class T> bool register_class()
{
    registered_classes().push_back(&describe<T>);
    return true;
}

} // namespace internal
} // namespace realm

#define REALM_INTERNAL_MEMBER(cls, property, index) \
    ::realm::managed<decltype(cls::property)> property{this, index};
#define REALM_INTERNAL_VISIT(cls, property, index) visitor(#property, &cls::property, index);

#define REALM_INTERNAL_SCHEMA(kind, cls, ...)                                                 \
    struct cls##_realm_fields : ::realm::internal::object_base {                              \
        using realm_model = cls;                                                              \
        static constexpr std::int32_t realm_kind = kind;                                      \
        static const char *realm_name() { return #cls; }                                      \
        cls##_realm_fields() = default;                                                       \
        explicit cls##_realm_fields(::realm::internal::object_state state)                    \
            : ::realm::internal::object_base(std::move(state))                                \
        {                                                                                     \
        }                                                                                     \
        cls##_realm_fields(const cls##_realm_fields &other)                                   \
            : ::realm::internal::object_base(other)                                           \
        {                                                                                     \
        }                                                                                     \
        cls##_realm_fields &operator=(const cls##_realm_fields &other)                        \
        {                                                                                     \
            ::realm::internal::object_base::operator=(other);                                 \
            return *this;                                                                     \
        }                                                                                     \
        template <class V>                                                                    \
        static void realm_visit(V &&visitor){                                                 \
            REALM_INTERNAL_EACH(REALM_INTERNAL_VISIT, cls,                                    \
                                __VA_ARGS__)} REALM_INTERNAL_EACH(REALM_INTERNAL_MEMBER, cls, \
                                                                  __VA_ARGS__)                \
    };                                                                                        \
    cls##_realm_fields realm_fields_of(const cls *);                                          \
    inline const bool cls##_realm_registered = ::realm::internal::register_class<cls>();

// Beside the struct, in its own namespace: REALM_SCHEMA(Dog, _id, name, age). Members left out are not stored.
#define REALM_SCHEMA(cls, ...) REALM_INTERNAL_SCHEMA(ATOLL_CLASS_NORMAL, cls, __VA_ARGS__)
#define REALM_EMBEDDED_SCHEMA(cls, ...) \
    REALM_INTERNAL_SCHEMA(ATOLL_CLASS_EMBEDDED, cls, __VA_ARGS__)
#define REALM_ASYMMETRIC_SCHEMA(cls, ...) \
    REALM_INTERNAL_SCHEMA(ATOLL_CLASS_ASYMMETRIC, cls, __VA_ARGS__)

#endif
