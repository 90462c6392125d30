// realm::decimal128: a decimal number of 34 digits, exact where a double is not. It is kept as the core keeps it.
#ifndef CPPREALM_DECIMAL128_HPP
#define CPPREALM_DECIMAL128_HPP

#include <cpprealm/internal/error.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <ostream>

namespace realm
{

class decimal128
{
public:
    using bytes = std::array<std::uint8_t, 16>;
    decimal128() : decimal128("0") {}
    // From text such as "-12.50" or "1.5E+20"; more than 34 digits are rounded.
    explicit decimal128(const std::string &text)
    {
        auto list = internal::own(internal::checked(atoll_values_new));
        internal::checked(atoll_values_add_decimal128_text, list.get(), text.data(), text.size());
        auto read = internal::checked(atoll_values_get_decimal128, list.get(), std::int64_t{0});
        std::memcpy(bytes_.data(), read.data, bytes_.size());
    }
    explicit decimal128(const char *text) : decimal128(std::string(text)) {}
    explicit decimal128(std::int64_t value) : decimal128(std::to_string(value)) {}
    // 16 bytes, IEEE 754 in binary integer form, little-endian, as BSON has it.
    explicit decimal128(const bytes &raw) : bytes_(raw) {}

    const bytes &to_bytes() const { return bytes_; }
    std::string to_string() const
    {
        auto list = internal::own(internal::checked(atoll_values_new));
        internal::checked(atoll_values_add_decimal128, list.get(),
                          reinterpret_cast<const char *>(bytes_.data()), bytes_.size());
        return internal::to_string(
            internal::checked(atoll_values_get_decimal128_text, list.get(), std::int64_t{0}));
    }
    bool is_NaN() const { return parts().kind == 2; }

    // By value: 1.10 equals 1.1. NaN equals nothing and has no order.
    friend bool operator==(const decimal128 &a, const decimal128 &b) { return order(a, b) == 0; }
    friend bool operator!=(const decimal128 &a, const decimal128 &b) { return !(a == b); }
    friend bool operator<(const decimal128 &a, const decimal128 &b) { return order(a, b) == -1; }
    friend bool operator>(const decimal128 &a, const decimal128 &b) { return b < a; }
    friend bool operator<=(const decimal128 &a, const decimal128 &b) { return a < b || a == b; }
    friend bool operator>=(const decimal128 &a, const decimal128 &b) { return b <= a; }
    // Rounded to 34 digits; by zero infinite or NaN.
    friend decimal128 operator+(const decimal128 &a, const decimal128 &b)
    {
        return calculate(a, ATOLL_DECIMAL_ADD, b);
    }
    friend decimal128 operator-(const decimal128 &a, const decimal128 &b)
    {
        return calculate(a, ATOLL_DECIMAL_SUBTRACT, b);
    }
    friend decimal128 operator*(const decimal128 &a, const decimal128 &b)
    {
        return calculate(a, ATOLL_DECIMAL_MULTIPLY, b);
    }
    friend decimal128 operator/(const decimal128 &a, const decimal128 &b)
    {
        return calculate(a, ATOLL_DECIMAL_DIVIDE, b);
    }
    friend decimal128 operator-(const decimal128 &a)
    {
        decimal128 turned = a;
        turned.bytes_[15] ^= 0x80;
        return turned;
    }
    decimal128 &operator+=(const decimal128 &b) { return *this = *this + b; }
    decimal128 &operator-=(const decimal128 &b) { return *this = *this - b; }
    decimal128 &operator*=(const decimal128 &b) { return *this = *this * b; }
    decimal128 &operator/=(const decimal128 &b) { return *this = *this / b; }
    friend std::ostream &operator<<(std::ostream &stream, const decimal128 &value)
    {
        return stream << value.to_string();
    }

private:
    // The number as 0.DIGITS times ten to the exponent, without zeros at either end of the digits.
    struct split {
        int kind = 0; // 0 finite, 1 infinite, 2 not a number
        int sign = 0; // -1, 0, 1
        std::int64_t exponent = 0;
        std::string digits;
    };

    split parts() const
    {
        std::string text = to_string();
        split made;
        bool minus = text[0] == '-';
        made.sign = minus ? -1 : 1;
        if (text.find('N') != std::string::npos) made.kind = 2;
        if (text.find('I') != std::string::npos) made.kind = 1;
        if (made.kind != 0) return made;
        std::size_t mark = text.find('E');
        if (mark != std::string::npos) made.exponent = std::stoll(text.substr(mark + 1));
        std::string number = text.substr(minus ? 1 : 0, mark - (minus ? 1 : 0));
        std::size_t point = number.find('.');
        made.exponent += static_cast<std::int64_t>(std::min(point, number.size()));
        if (point != std::string::npos) number.erase(point, 1);
        std::size_t first = number.find_first_not_of('0');
        if (first == std::string::npos) {
            made.sign = 0;
            return made;
        }
        made.exponent -= static_cast<std::int64_t>(first);
        made.digits = number.substr(first, number.find_last_not_of('0') + 1 - first);
        return made;
    }

    const char *chars() const { return reinterpret_cast<const char *>(bytes_.data()); }

    static decimal128 calculate(const decimal128 &a, std::int32_t operation, const decimal128 &b)
    {
        auto list = internal::own(internal::checked(atoll_values_new));
        internal::checked(atoll_values_add_decimal128, list.get(), a.chars(), a.bytes_.size());
        internal::checked(atoll_values_add_decimal128, list.get(), b.chars(), b.bytes_.size());
        internal::checked(atoll_values_add_decimal128_result, list.get(), operation);
        auto read = internal::checked(atoll_values_get_decimal128, list.get(), std::int64_t{2});
        bytes made;
        std::memcpy(made.data(), read.data, made.size());
        return decimal128(made);
    }

    // -1, 0, 1, or 2 when there is no order.
    static int order(const decimal128 &a, const decimal128 &b)
    {
        split x = a.parts(), y = b.parts();
        if (x.kind == 2 || y.kind == 2) return 2;
        if (x.sign != y.sign) return x.sign < y.sign ? -1 : 1;
        if (x.kind != y.kind) return x.kind < y.kind ? -x.sign : x.sign;
        if (x.sign == 0 || x.kind == 1) return 0;
        if (x.exponent != y.exponent) return x.exponent < y.exponent ? -x.sign : x.sign;
        int digits = x.digits.compare(y.digits);
        return digits == 0 ? 0 : digits < 0 ? -x.sign : x.sign;
    }

    bytes bytes_{};
};

} // namespace realm
#endif
