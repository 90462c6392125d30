// The value types that the standard library does not have: uuid, object_id, primary_key, linking_objects, mixed.
#ifndef CPPREALM_TYPES_HPP
#define CPPREALM_TYPES_HPP

#include <cpprealm/decimal128.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace realm
{
namespace internal
{

inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Reads exactly N bytes of hex; a uuid has dashes before bytes 4, 6, 8 and 10.
template <std::size_t N>
std::array<std::uint8_t, N> read_hex(const std::string &text, bool dashes, const char *what)
{
    std::array<std::uint8_t, N> bytes{};
    std::size_t at = 0;
    bool good = true;
    for (std::size_t i = 0; i < N && good; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10)) {
            good = at < text.size() && text[at++] == '-';
        }
        int high = at < text.size() ? hex_digit(text[at]) : -1;
        int low = at + 1 < text.size() ? hex_digit(text[at + 1]) : -1;
        good = good && high >= 0 && low >= 0;
        if (good) bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
        at += 2;
    }
    if (!good || at != text.size()) {
        throw exception(ATOLL_ERROR_INVALID_ARGUMENT, "\"" + text + "\" is no " + what);
    }
    return bytes;
}

template <std::size_t N>
std::string write_hex(const std::array<std::uint8_t, N> &bytes, bool dashes)
{
    static const char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < N; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10)) text += '-';
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

template <std::size_t N> std::array<std::uint8_t, N> random_bytes()
{
    std::random_device source;
    std::array<std::uint8_t, N> bytes{};
    for (auto &byte : bytes) byte = static_cast<std::uint8_t>(source());
    return bytes;
}

} // namespace internal

class uuid
{
public:
    uuid() = default; // all zero
    explicit uuid(const std::string &text) : bytes_(internal::read_hex<16>(text, true, "uuid")) {}
    explicit uuid(const std::array<std::uint8_t, 16> &bytes) : bytes_(bytes) {}
    static uuid generate()
    {
        auto bytes = internal::random_bytes<16>();
        bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
        bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
        return uuid(bytes);
    }
    const std::array<std::uint8_t, 16> &to_bytes() const { return bytes_; }
    std::string to_string() const { return internal::write_hex(bytes_, true); }
    friend bool operator==(const uuid &a, const uuid &b) { return a.bytes_ == b.bytes_; }
    friend bool operator!=(const uuid &a, const uuid &b) { return a.bytes_ != b.bytes_; }
    friend bool operator<(const uuid &a, const uuid &b) { return a.bytes_ < b.bytes_; }

private:
    std::array<std::uint8_t, 16> bytes_{};
};

class object_id
{
public:
    object_id() = default; // all zero
    explicit object_id(const std::string &text)
        : bytes_(internal::read_hex<12>(text, false, "object id"))
    {
    }
    explicit object_id(const std::array<std::uint8_t, 12> &bytes) : bytes_(bytes) {}
    // Seconds since 1970 in the first four bytes, so that ids sort by age; the rest is random.
    static object_id generate()
    {
        auto bytes = internal::random_bytes<12>();
        auto now = std::chrono::system_clock::now().time_since_epoch();
        auto seconds = static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::seconds>(now).count());
        for (int i = 0; i < 4; i++) bytes[i] = static_cast<std::uint8_t>(seconds >> (24 - 8 * i));
        return object_id(bytes);
    }
    const std::array<std::uint8_t, 12> &to_bytes() const { return bytes_; }
    std::string to_string() const { return internal::write_hex(bytes_, false); }
    friend bool operator==(const object_id &a, const object_id &b) { return a.bytes_ == b.bytes_; }
    friend bool operator!=(const object_id &a, const object_id &b) { return a.bytes_ != b.bytes_; }
    friend bool operator<(const object_id &a, const object_id &b) { return a.bytes_ < b.bytes_; }

private:
    std::array<std::uint8_t, 12> bytes_{};
};

// Marks the property that identifies an object of its class.
template <class T> struct primary_key {
    using value_type = T;
    T value{};
    primary_key() = default;
    primary_key(const T &v) : value(v) {}
    primary_key(T &&v) : value(std::move(v)) {}
    template <class V, class = std::enable_if_t<std::is_constructible_v<T, V> &&
                                                !std::is_same_v<std::decay_t<V>, T> &&
                                                !std::is_same_v<std::decay_t<V>, primary_key>>>
    primary_key(V &&v) : value(std::forward<V>(v))
    {
    }
    operator const T &() const { return value; }
    const T &operator*() const { return value; }
};

namespace internal
{
// A value whose property has a flag more; it is used as the value itself.
template <class T, std::int32_t Flag> struct flagged {
    using value_type = T;
    T value{};
    flagged() = default;
    flagged(const T &v) : value(v) {}
    flagged(T &&v) : value(std::move(v)) {}
    template <class V, class = std::enable_if_t<std::is_constructible_v<T, V> &&
                                                !std::is_same_v<std::decay_t<V>, T> &&
                                                !std::is_same_v<std::decay_t<V>, flagged>>>
    flagged(V &&v) : value(std::forward<V>(v))
    {
    }
    operator const T &() const { return value; }
    const T &operator*() const { return value; }
};
} // namespace internal

// Marks a property that queries look up by equality.
template <class T> using indexed = internal::flagged<T, ATOLL_PROPERTY_INDEXED>;
// Marks a text that is searched by its words: where("text TEXT $0", {"palm"}).
template <class T = std::string> using full_text = internal::flagged<T, ATOLL_PROPERTY_FULL_TEXT>;

// Marks a property that is not stored: the objects that link here through `Property`, e.g.
// linking_objects<&Person::dog>.
template <auto Property> struct linking_objects {
};

template <class T, class Enabled> struct managed;

namespace internal
{
template <class M, class = void> struct has_handle : std::false_type {
};
template <class M>
struct has_handle<M, std::void_t<decltype(std::declval<const M &>().handle())>> : std::true_type {
};
} // namespace internal

using timestamp = std::chrono::time_point<std::chrono::system_clock>;

// One value of any type: what a query argument, a key, a partition or a property of this type is.
// Values of different types are never equal.
class mixed
{
public:
    using storage = std::variant<std::monostate, bool, std::int64_t, float, double, decimal128,
                                 std::string, std::vector<std::uint8_t>, timestamp, uuid, object_id,
                                 std::shared_ptr<atoll_object>>;
    mixed() = default;
    mixed(std::nullptr_t) {}
    mixed(std::nullopt_t) {}
    mixed(bool v) : value_(v) {}
    template <class T, std::enable_if_t<(std::is_integral_v<T> && !std::is_same_v<T, bool>) ||
                                            std::is_enum_v<T>,
                                        int> = 0>
    mixed(T v) : value_(static_cast<std::int64_t>(v))
    {
    }
    template <class T, std::enable_if_t<std::is_floating_point_v<T>, int> = 0> mixed(T v)
    {
        if constexpr (std::is_same_v<T, float>) {
            value_ = v;
        } else {
            value_ = static_cast<double>(v);
        }
    }
    mixed(const decimal128 &v) : value_(v) {}
    mixed(const char *v) : value_(std::string(v)) {}
    mixed(std::string v) : value_(std::move(v)) {}
    mixed(std::vector<std::uint8_t> v) : value_(std::move(v)) {}
    mixed(timestamp v) : value_(v) {}
    mixed(const uuid &v) : value_(v) {}
    mixed(const object_id &v) : value_(v) {}
    mixed(std::shared_ptr<atoll_object> v) : value_(std::move(v)) {}
    template <class T> mixed(const std::optional<T> &v)
    {
        if (v) *this = mixed(*v);
    }
    template <class T> mixed(const primary_key<T> &v) : mixed(v.value) {}
    template <class T, std::int32_t F> mixed(const internal::flagged<T, F> &v) : mixed(v.value) {}
    // A property's value, or a link to an object.
    template <class T> mixed(const managed<T, void> &v)
    {
        if constexpr (internal::has_handle<managed<T, void>>::value) {
            value_ = v.handle();
        } else {
            *this = mixed(v.detach());
        }
    }
    const storage &value() const { return value_; }
    // The value as T; std::bad_variant_access if it is of another type.
    template <class T> const T &get() const { return std::get<T>(value_); }
    template <class T> bool holds() const { return std::holds_alternative<T>(value_); }
    bool is_null() const { return value_.index() == 0; }
    friend bool operator==(const mixed &a, const mixed &b)
    {
        auto x = a.object(), y = b.object();
        return x && y ? atoll_object_equals(x, y) : a.value_ == b.value_;
    }
    friend bool operator!=(const mixed &a, const mixed &b) { return !(a == b); }
    // An order for std::set and std::map: by type first. Objects of one class are in the order of their making.
    friend bool operator<(const mixed &a, const mixed &b)
    {
        auto x = a.object(), y = b.object();
        if (!x || !y) return a.value_ < b.value_;
        if (atoll_object_class(x) != atoll_object_class(y))
            return atoll_object_class(x) < atoll_object_class(y);
        return atoll_object_row(x) < atoll_object_row(y);
    }

private:
    const atoll_object *object() const
    {
        auto held = std::get_if<std::shared_ptr<atoll_object>>(&value_);
        return held ? held->get() : nullptr;
    }

    storage value_;
};

} // namespace realm
#endif
