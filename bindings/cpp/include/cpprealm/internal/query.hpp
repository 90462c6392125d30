// Comparisons of managed properties: plain truth outside a query, a piece of query text inside where().
#ifndef CPPREALM_INTERNAL_QUERY_HPP
#define CPPREALM_INTERNAL_QUERY_HPP

#include <cpprealm/internal/object.hpp>

namespace realm
{

// What a comparison of managed properties gives. Outside a query it is a bool. In the lambda of where() it
// is query text in which each '\x01' stands for the next argument; arguments are numbered at the end.
class rbool
{
public:
    rbool(bool value) : value_(value) {}
    rbool(std::string text, std::vector<mixed> arguments)
        : text_(std::move(text)), arguments_(std::move(arguments)), query_(true)
    {
    }
    operator bool() const
    {
        if (query_) {
            throw exception(
                ATOLL_ERROR_INVALID_ARGUMENT,
                "a comparison in where() builds a query and has no truth of its own: combine "
                "comparisons with &&, || and ! and return the result");
        }
        return value_;
    }
    bool is_query() const { return query_; }
    std::string text() const
    {
        if (!query_) return value_ ? "TRUEPREDICATE" : "FALSEPREDICATE";
        std::string numbered;
        int next = 0;
        for (char c : text_) {
            if (c == '\x01') {
                numbered += "$" + std::to_string(next++);
            } else {
                numbered += c;
            }
        }
        return numbered;
    }
    const std::vector<mixed> &arguments() const { return arguments_; }

    friend rbool operator!(const rbool &a)
    {
        return a.query_ ? rbool("!(" + a.text_ + ")", a.arguments_) : rbool(!a.value_);
    }
    friend rbool operator&&(const rbool &a, const rbool &b) { return combine(a, b, true); }
    friend rbool operator||(const rbool &a, const rbool &b) { return combine(a, b, false); }
    friend rbool operator&&(const rbool &a, bool b) { return combine(a, rbool(b), true); }
    friend rbool operator||(const rbool &a, bool b) { return combine(a, rbool(b), false); }
    friend rbool operator&&(bool a, const rbool &b) { return combine(rbool(a), b, true); }
    friend rbool operator||(bool a, const rbool &b) { return combine(rbool(a), b, false); }

private:
    static rbool combine(const rbool &a, const rbool &b, bool both)
    {
        if (!a.query_) return a.value_ == both ? b : a; // true && b is b; false && b is false
        if (!b.query_) return b.value_ == both ? a : b;
        std::vector<mixed> arguments = a.arguments_;
        arguments.insert(arguments.end(), b.arguments_.begin(), b.arguments_.end());
        return rbool("(" + a.text_ + (both ? ") AND (" : ") OR (") + b.text_ + ")",
                     std::move(arguments));
    }

    std::string text_;
    std::vector<mixed> arguments_;
    bool value_ = false;
    bool query_ = false;
};

namespace internal
{

template <class T> struct non_null {
    using type = T;
};
template <class T> struct non_null<std::optional<T>> {
    using type = T;
};

template <class T> struct is_managed : std::false_type {
};
template <class T> struct is_managed<managed<T, void>> : std::true_type {
};

template <class V> decltype(auto) plain(const V &value)
{
    if constexpr (is_managed<V>::value) {
        return value.detach();
    } else {
        return (value);
    }
}

// The argument in the property's own type, so that `d.age > 3.0` or `d.name == "Rex"` cross as what the class declares.
template <class T, class V> mixed argument_for(const V &value)
{
    using target = typename non_null<typename unwrap_key<T>::type>::type;
    if constexpr (std::is_same_v<V, std::nullopt_t> || std::is_same_v<V, std::nullptr_t>) {
        return mixed();
    } else if constexpr (std::is_same_v<V, std::optional<target>>) {
        return mixed(value);
    } else if constexpr (std::is_integral_v<target> && std::is_floating_point_v<V>) {
        return mixed(value);
    } else {
        return mixed(target(value));
    }
}

} // namespace internal

#define REALM_INTERNAL_COMPARE(op, text)                                                           \
    template <class T, class V,                                                                    \
              std::enable_if_t<internal::codec<typename internal::unwrap_key<T>::type>::supported, \
                               int> = 0>                                                           \
    rbool operator op(const managed<T, void> &a, const V &b)                                       \
    {                                                                                              \
        if (a.in_query()) {                                                                        \
            return rbool(a.query_name() + text + "\x01",                                           \
                         {internal::argument_for<T>(internal::plain(b))});                         \
        }                                                                                          \
        return rbool(a.detach() op internal::plain(b));                                            \
    }
REALM_INTERNAL_COMPARE(==, " == ")
REALM_INTERNAL_COMPARE(!=, " != ")
REALM_INTERNAL_COMPARE(<, " < ")
REALM_INTERNAL_COMPARE(<=, " <= ")
REALM_INTERNAL_COMPARE(>, " > ")
REALM_INTERNAL_COMPARE(>=, " >= ")
#undef REALM_INTERNAL_COMPARE

} // namespace realm
#endif
