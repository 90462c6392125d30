// How each C++ type crosses to a property, to a list of values, and back. Types without a codec are links,
// lists or not storable.
#ifndef CPPREALM_INTERNAL_CODEC_HPP
#define CPPREALM_INTERNAL_CODEC_HPP

#include <cpprealm/types.hpp>

namespace realm::internal
{

template <class T, class = void> struct codec {
    static constexpr bool supported = false;
};

template <> struct codec<bool> {
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_BOOL;
    static bool get(const atoll_object *o, std::uint32_t p)
    {
        return checked(atoll_object_get_bool, o, p);
    }
    static void set(atoll_object *o, std::uint32_t p, bool v)
    {
        checked(atoll_object_set_bool, o, p, v);
    }
    static bool take(const atoll_values *v, std::int64_t i)
    {
        return checked(atoll_values_get_bool, v, i);
    }
    static void add(atoll_values *list, bool v) { checked(atoll_values_add_bool, list, v); }
};

template <class T>
struct codec<
    T, std::enable_if_t<(std::is_integral_v<T> && !std::is_same_v<T, bool>) || std::is_enum_v<T>>> {
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_INT;
    static T get(const atoll_object *o, std::uint32_t p)
    {
        return static_cast<T>(checked(atoll_object_get_int, o, p));
    }
    static void set(atoll_object *o, std::uint32_t p, T v)
    {
        checked(atoll_object_set_int, o, p, static_cast<std::int64_t>(v));
    }
    static T take(const atoll_values *v, std::int64_t i)
    {
        return static_cast<T>(checked(atoll_values_get_int, v, i));
    }
    static void add(atoll_values *list, T v)
    {
        checked(atoll_values_add_int, list, static_cast<std::int64_t>(v));
    }
};

template <class T>
struct codec<T, std::enable_if_t<std::is_floating_point_v<T> && !std::is_same_v<T, float>>> {
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_DOUBLE;
    static T get(const atoll_object *o, std::uint32_t p)
    {
        return static_cast<T>(checked(atoll_object_get_double, o, p));
    }
    static void set(atoll_object *o, std::uint32_t p, T v)
    {
        checked(atoll_object_set_double, o, p, static_cast<double>(v));
    }
    static T take(const atoll_values *v, std::int64_t i)
    {
        return static_cast<T>(checked(atoll_values_get_double, v, i));
    }
    static void add(atoll_values *list, T v)
    {
        checked(atoll_values_add_double, list, static_cast<double>(v));
    }
};

template <> struct codec<float> {
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_FLOAT;
    static float get(const atoll_object *o, std::uint32_t p)
    {
        return checked(atoll_object_get_float, o, p);
    }
    static void set(atoll_object *o, std::uint32_t p, float v)
    {
        checked(atoll_object_set_float, o, p, v);
    }
    static float take(const atoll_values *v, std::int64_t i)
    {
        return checked(atoll_values_get_float, v, i);
    }
    static void add(atoll_values *list, float v) { checked(atoll_values_add_float, list, v); }
};

template <> struct codec<std::string> {
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_STRING;
    static std::string get(const atoll_object *o, std::uint32_t p)
    {
        return to_string(checked(atoll_object_get_string, o, p));
    }
    static void set(atoll_object *o, std::uint32_t p, const std::string &v)
    {
        checked(atoll_object_set_string, o, p, v.data(), v.size());
    }
    static std::string take(const atoll_values *v, std::int64_t i)
    {
        return to_string(checked(atoll_values_get_string, v, i));
    }
    static void add(atoll_values *list, const std::string &v)
    {
        checked(atoll_values_add_string, list, v.data(), v.size());
    }
};

template <> struct codec<std::vector<std::uint8_t>> {
    using bytes = std::vector<std::uint8_t>;
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_BINARY;
    static bytes copy(atoll_bytes b) { return b.data ? bytes(b.data, b.data + b.size) : bytes(); }
    static const char *chars(const bytes &b)
    {
        return b.empty() ? "" : reinterpret_cast<const char *>(b.data());
    }
    static bytes get(const atoll_object *o, std::uint32_t p)
    {
        return copy(checked(atoll_object_get_binary, o, p));
    }
    static void set(atoll_object *o, std::uint32_t p, const bytes &v)
    {
        checked(atoll_object_set_binary, o, p, chars(v), v.size());
    }
    static bytes take(const atoll_values *v, std::int64_t i)
    {
        return copy(checked(atoll_values_get_binary, v, i));
    }
    static void add(atoll_values *list, const bytes &v)
    {
        checked(atoll_values_add_binary, list, chars(v), v.size());
    }
};

template <class T, std::size_t N> T fixed_bytes(atoll_bytes b)
{
    std::array<std::uint8_t, N> bytes{};
    if (b.data && b.size == N) std::memcpy(bytes.data(), b.data, N);
    return T(bytes);
}

template <> struct codec<uuid> {
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_UUID;
    static const char *chars(const uuid &v)
    {
        return reinterpret_cast<const char *>(v.to_bytes().data());
    }
    static uuid get(const atoll_object *o, std::uint32_t p)
    {
        return fixed_bytes<uuid, 16>(checked(atoll_object_get_uuid, o, p));
    }
    static void set(atoll_object *o, std::uint32_t p, const uuid &v)
    {
        checked(atoll_object_set_uuid, o, p, chars(v), 16);
    }
    static uuid take(const atoll_values *v, std::int64_t i)
    {
        return fixed_bytes<uuid, 16>(checked(atoll_values_get_uuid, v, i));
    }
    static void add(atoll_values *list, const uuid &v)
    {
        checked(atoll_values_add_uuid, list, chars(v), 16);
    }
};

template <> struct codec<object_id> {
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_OBJECT_ID;
    static const char *chars(const object_id &v)
    {
        return reinterpret_cast<const char *>(v.to_bytes().data());
    }
    static object_id get(const atoll_object *o, std::uint32_t p)
    {
        return fixed_bytes<object_id, 12>(checked(atoll_object_get_object_id, o, p));
    }
    static void set(atoll_object *o, std::uint32_t p, const object_id &v)
    {
        checked(atoll_object_set_object_id, o, p, chars(v), 12);
    }
    static object_id take(const atoll_values *v, std::int64_t i)
    {
        return fixed_bytes<object_id, 12>(checked(atoll_values_get_object_id, v, i));
    }
    static void add(atoll_values *list, const object_id &v)
    {
        checked(atoll_values_add_object_id, list, chars(v), 12);
    }
};

template <> struct codec<decimal128> {
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_DECIMAL128;
    static const char *chars(const decimal128 &v)
    {
        return reinterpret_cast<const char *>(v.to_bytes().data());
    }
    static decimal128 get(const atoll_object *o, std::uint32_t p)
    {
        return fixed_bytes<decimal128, 16>(checked(atoll_object_get_decimal128, o, p));
    }
    static void set(atoll_object *o, std::uint32_t p, const decimal128 &v)
    {
        checked(atoll_object_set_decimal128, o, p, chars(v), 16);
    }
    static decimal128 take(const atoll_values *v, std::int64_t i)
    {
        return fixed_bytes<decimal128, 16>(checked(atoll_values_get_decimal128, v, i));
    }
    static void add(atoll_values *list, const decimal128 &v)
    {
        checked(atoll_values_add_decimal128, list, chars(v), 16);
    }
};

inline atoll_timestamp to_atoll(timestamp time)
{
    auto nanos =
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
    std::int64_t seconds = nanos / 1000000000, rest = nanos % 1000000000;
    if (rest < 0) { // Before 1970 the nanoseconds still count forwards.
        rest += 1000000000;
        seconds -= 1;
    }
    return atoll_timestamp{seconds, static_cast<std::int32_t>(rest), 0};
}

inline timestamp from_atoll(atoll_timestamp time)
{
    auto since = std::chrono::seconds(time.seconds) + std::chrono::nanoseconds(time.nanoseconds);
    return timestamp(std::chrono::duration_cast<timestamp::duration>(since));
}

template <> struct codec<timestamp> {
    static constexpr bool supported = true, nullable = false;
    static constexpr atoll_value_type type = ATOLL_TYPE_TIMESTAMP;
    static timestamp get(const atoll_object *o, std::uint32_t p)
    {
        return from_atoll(checked(atoll_object_get_timestamp, o, p));
    }
    static void set(atoll_object *o, std::uint32_t p, timestamp v)
    {
        checked(atoll_object_set_timestamp, o, p, to_atoll(v));
    }
    static timestamp take(const atoll_values *v, std::int64_t i)
    {
        return from_atoll(checked(atoll_values_get_timestamp, v, i));
    }
    static void add(atoll_values *list, timestamp v)
    {
        checked(atoll_values_add_timestamp, list, to_atoll(v));
    }
};

inline void add_mixed(atoll_values *list, const mixed &value);
inline mixed take_mixed(const atoll_values *values, std::int64_t index);

template <> struct codec<mixed> {
    static constexpr bool supported = true, nullable = false; // null is one of its values
    static constexpr atoll_value_type type = ATOLL_TYPE_MIXED;
    static mixed get(const atoll_object *o, std::uint32_t p)
    {
        auto values = own(checked(atoll_object_get_value, o, p));
        return take_mixed(values.get(), 0);
    }
    static void set(atoll_object *o, std::uint32_t p, const mixed &v)
    {
        auto values = own(checked(atoll_values_new));
        add_mixed(values.get(), v);
        checked(atoll_object_set_value, o, p, values.get());
    }
    static mixed take(const atoll_values *v, std::int64_t i) { return take_mixed(v, i); }
    static void add(atoll_values *list, const mixed &v) { add_mixed(list, v); }
};

template <class T> struct codec<std::optional<T>, std::enable_if_t<codec<T>::supported>> {
    static constexpr bool supported = true, nullable = true;
    static constexpr atoll_value_type type = codec<T>::type;
    static std::optional<T> get(const atoll_object *o, std::uint32_t p)
    {
        if (checked(atoll_object_is_null, o, p)) return std::nullopt;
        return codec<T>::get(o, p);
    }
    static void set(atoll_object *o, std::uint32_t p, const std::optional<T> &v)
    {
        if (v) {
            codec<T>::set(o, p, *v);
        } else {
            checked(atoll_object_set_null, o, p);
        }
    }
    static std::optional<T> take(const atoll_values *v, std::int64_t i)
    {
        if (checked(atoll_values_type, v, i) == ATOLL_TYPE_NULL) return std::nullopt;
        return codec<T>::take(v, i);
    }
    static void add(atoll_values *list, const std::optional<T> &v)
    {
        if (v) {
            codec<T>::add(list, *v);
        } else {
            checked(atoll_values_add_null, list);
        }
    }
};

inline std::shared_ptr<atoll_values> new_values()
{
    return own(checked(atoll_values_new));
}

inline void add_mixed(atoll_values *list, const mixed &value)
{
    std::visit(
        [list](const auto &v) {
            using T = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<T, std::monostate>) {
                checked(atoll_values_add_null, list);
            } else if constexpr (std::is_same_v<T, std::shared_ptr<atoll_object>>) {
                checked(atoll_values_add_object, list, v.get());
            } else {
                codec<T>::add(list, v);
            }
        },
        value.value());
}

inline mixed take_mixed(const atoll_values *values, std::int64_t index)
{
    switch (checked(atoll_values_type, values, index)) {
    case ATOLL_TYPE_NULL: return mixed();
    case ATOLL_TYPE_BOOL: return codec<bool>::take(values, index);
    case ATOLL_TYPE_INT: return codec<std::int64_t>::take(values, index);
    case ATOLL_TYPE_FLOAT: return codec<float>::take(values, index);
    case ATOLL_TYPE_DOUBLE: return codec<double>::take(values, index);
    case ATOLL_TYPE_DECIMAL128: return codec<decimal128>::take(values, index);
    case ATOLL_TYPE_STRING: return codec<std::string>::take(values, index);
    case ATOLL_TYPE_BINARY: return codec<std::vector<std::uint8_t>>::take(values, index);
    case ATOLL_TYPE_TIMESTAMP: return codec<timestamp>::take(values, index);
    case ATOLL_TYPE_UUID: return codec<uuid>::take(values, index);
    case ATOLL_TYPE_OBJECT_ID: return codec<object_id>::take(values, index);
    case ATOLL_TYPE_LINK: return own(checked(atoll_values_get_object, values, index));
    default: not_supported("collections in realm::mixed");
    }
}

inline std::shared_ptr<atoll_values> values_of(const std::vector<mixed> &arguments)
{
    auto list = new_values();
    for (const auto &argument : arguments) add_mixed(list.get(), argument);
    return list;
}

template <class T> std::shared_ptr<atoll_values> value_of(const T &value)
{
    auto list = new_values();
    codec<T>::add(list.get(), value);
    return list;
}

} // namespace realm::internal
#endif
