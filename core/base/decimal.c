/* Decimal numbers, over Intel's library: the only file that includes it. It must never use the decimal types of a
 * compiler, which few compilers have and which come in two encodings. Invariant: no function keeps state; flags and
 * rounding are given with each call. */
#include "base/decimal.h"
#include <stdio.h>
#include <stdlib.h>

#define DECIMAL_CALL_BY_REFERENCE 0
#define DECIMAL_GLOBAL_ROUNDING 0
#define DECIMAL_GLOBAL_EXCEPTION_FLAGS 0
#include <bid_conf.h>
#include <bid_functions.h>

enum { TEXT_SIZE_MAX = 100, EXPONENT_DIGITS_MAX = 6, DIGITS_MAX = 34 };

static BID_UINT128 number_of(const decimal *d)
{
    BID_UINT128 n = {{0, 0}};
    for (int i = 7; i >= 0; i--) {
        n.w[0] = n.w[0] << 8 | d->bytes[i];
        n.w[1] = n.w[1] << 8 | d->bytes[8 + i];
    }
    return n;
}

static decimal decimal_of(BID_UINT128 n)
{
    decimal d;
    for (int i = 0; i < 8; i++) {
        d.bytes[i] = (uint8_t)(n.w[0] >> (8 * i));
        d.bytes[8 + i] = (uint8_t)(n.w[1] >> (8 * i));
    }
    return d;
}

/* ---- text ---- */
static size_t digits_from(const char *text, size_t at)
{
    size_t from = at;
    while (text[at] >= '0' && text[at] <= '9') at++;
    return at - from;
}

static bool is_word(const char *text)
{
    char lower[TEXT_SIZE_MAX + 1] = {0};
    for (size_t i = 0; text[i] != 0; i++) {
        lower[i] = text[i];
        if (text[i] >= 'A' && text[i] <= 'Z') lower[i] = (char)(text[i] + 32);
    }
    return strcmp(lower, "inf") == 0 || strcmp(lower, "infinity") == 0 || strcmp(lower, "nan") == 0;
}

/* The library takes anything for a number, so the form is checked first. */
static bool is_number(const char *text)
{
    size_t at = text[0] == '+' || text[0] == '-';
    if (is_word(text + at)) return true;
    size_t whole = digits_from(text, at), part = 0;
    at += whole;
    if (text[at] == '.') {
        part = digits_from(text, at + 1);
        at += 1 + part;
    }
    if (whole + part == 0) return false;
    if (text[at] == 'e' || text[at] == 'E') {
        at++;
        at += text[at] == '+' || text[at] == '-';
        size_t exponent = digits_from(text, at);
        if (exponent == 0 || exponent > EXPONENT_DIGITS_MAX) return false;
        at += exponent;
    }
    return text[at] == 0;
}

status decimal_parse(bytes text, decimal *out)
{
    char copy[TEXT_SIZE_MAX + 1] = {0};
    unsigned flags = 0;
    if (text.size <= TEXT_SIZE_MAX && text.size != 0) memcpy(copy, text.data, text.size);
    if (!is_number(copy) || strlen(copy) != text.size)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "'%.*s' is no decimal number; write it like -12.50 or 1.5E+20, in at most %d "
                    "characters",
                    (int)(text.size > TEXT_SIZE_MAX ? TEXT_SIZE_MAX : text.size),
                    (const char *)text.data, TEXT_SIZE_MAX);
    BID_UINT128 n = __bid128_from_string(copy, BID_ROUNDING_TO_NEAREST, &flags);
    if ((flags & BID_OVERFLOW_EXCEPTION) != 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "%s is too large for a decimal number, whose exponent ends at 6144", copy);
    *out = decimal_of(n);
    return ATOLL_OK;
}

/* Sign, digits without a point and exponent, as the library prints them: "-1234E+5". */
typedef struct parts {
    bool negative;
    char digits[DIGITS_MAX + 1];
    int count, exponent;
} parts;

static parts parts_of(const decimal *d)
{
    char text[DECIMAL_TEXT_SIZE * 2] = {0};
    unsigned flags = 0;
    __bid128_to_string(text, number_of(d), &flags);
    parts p = {.negative = text[0] == '-'};
    size_t size = digits_from(text, 1);
    if (size > DIGITS_MAX) size = DIGITS_MAX;
    memcpy(p.digits, text + 1, size);
    p.count = (int)size;
    p.exponent = text[1 + size] == 'E' ? (int)strtol(text + 2 + size, NULL, 10) : 0;
    return p;
}

size_t decimal_print(const decimal *d, char to[DECIMAL_TEXT_SIZE])
{
    BID_UINT128 n = number_of(d);
    if (__bid128_isNaN(n)) return (size_t)snprintf(to, DECIMAL_TEXT_SIZE, "NaN");
    parts p = parts_of(d);
    const char *sign = p.negative ? "-" : "";
    if (__bid128_isInf(n)) return (size_t)snprintf(to, DECIMAL_TEXT_SIZE, "%sInfinity", sign);
    int adjusted = p.exponent + p.count - 1, whole = p.count + p.exponent;
    if (p.exponent == 0) return (size_t)snprintf(to, DECIMAL_TEXT_SIZE, "%s%s", sign, p.digits);
    if (p.exponent < 0 && adjusted >= -6 && whole > 0)
        return (size_t)snprintf(to, DECIMAL_TEXT_SIZE, "%s%.*s.%s", sign, whole, p.digits,
                                p.digits + whole);
    if (p.exponent < 0 && adjusted >= -6)
        return (size_t)snprintf(to, DECIMAL_TEXT_SIZE, "%s0.%.*s%s", sign, -whole, "000000",
                                p.digits);
    return (size_t)snprintf(to, DECIMAL_TEXT_SIZE, "%s%c%s%sE%+d", sign, p.digits[0],
                            p.count > 1 ? "." : "", p.digits + 1, adjusted);
}

/* ---- other kinds of numbers ---- */
decimal decimal_from_int(int64_t integer)
{
    return decimal_of(__bid128_from_int64(integer));
}

decimal decimal_from_double(double real)
{
    unsigned flags = 0;
    return decimal_of(__binary64_to_bid128(real, BID_ROUNDING_TO_NEAREST, &flags));
}

double decimal_to_double(const decimal *d)
{
    unsigned flags = 0;
    return __bid128_to_binary64(number_of(d), BID_ROUNDING_TO_NEAREST, &flags);
}

bool decimal_is_nan(const decimal *d)
{
    return __bid128_isNaN(number_of(d)) != 0;
}

bool decimal_is_infinite(const decimal *d)
{
    return __bid128_isInf(number_of(d)) != 0;
}

static int order(BID_UINT128 a, BID_UINT128 b)
{
    unsigned flags = 0;
    bool a_nan = __bid128_isNaN(a) != 0, b_nan = __bid128_isNaN(b) != 0;
    if (a_nan || b_nan) return (int)b_nan - (int)a_nan;
    if (__bid128_quiet_less(a, b, &flags)) return -1;
    return __bid128_quiet_equal(a, b, &flags) ? 0 : 1;
}

int decimal_compare(const decimal *a, const decimal *b)
{
    return order(number_of(a), number_of(b));
}

int decimal_compare_int(const decimal *a, int64_t b)
{
    return order(number_of(a), __bid128_from_int64(b));
}

/* A double that is not exactly a decimal lies between two neighbours, and no decimal lies between those. */
int decimal_compare_double(const decimal *a, double b)
{
    unsigned flags = 0;
    BID_UINT128 n = number_of(a), below = __binary64_to_bid128(b, BID_ROUNDING_DOWN, &flags);
    if ((flags & BID_INEXACT_EXCEPTION) == 0) return order(n, below);
    return order(n, below) <= 0 ? -1 : 1;
}

bool decimal_is_int(const decimal *d, int64_t *out)
{
    unsigned flags = 0;
    int64_t integer = __bid128_to_int64_xrnint(number_of(d), &flags);
    if ((flags & (BID_INEXACT_EXCEPTION | BID_INVALID_EXCEPTION)) != 0) return false;
    *out = integer;
    return true;
}

bool decimal_is_double(const decimal *d, double *out)
{
    double real = decimal_to_double(d);
    if (decimal_is_nan(d) || decimal_compare_double(d, real) != 0) return false;
    *out = real;
    return true;
}

uint64_t decimal_hash(const decimal *d)
{
    if (decimal_is_nan(d)) return 0x7ff8;
    parts p = parts_of(d);
    while (p.count > 0 && p.digits[p.count - 1] == '0') {
        p.count--;
        p.exponent++;
    }
    if (p.count == 0) return 0; /* infinite or zero: those have an equal of another kind */
    return hash_bytes(p.digits, (size_t)p.count, (uint64_t)(uint32_t)p.exponent << 1 | p.negative);
}

/* ---- arithmetic ---- */
decimal decimal_add(const decimal *a, const decimal *b)
{
    unsigned flags = 0;
    return decimal_of(__bid128_add(number_of(a), number_of(b), BID_ROUNDING_TO_NEAREST, &flags));
}

decimal decimal_subtract(const decimal *a, const decimal *b)
{
    unsigned flags = 0;
    return decimal_of(__bid128_sub(number_of(a), number_of(b), BID_ROUNDING_TO_NEAREST, &flags));
}

decimal decimal_multiply(const decimal *a, const decimal *b)
{
    unsigned flags = 0;
    return decimal_of(__bid128_mul(number_of(a), number_of(b), BID_ROUNDING_TO_NEAREST, &flags));
}

decimal decimal_divide(const decimal *a, const decimal *b)
{
    unsigned flags = 0;
    return decimal_of(__bid128_div(number_of(a), number_of(b), BID_ROUNDING_TO_NEAREST, &flags));
}
