/* Decimal numbers: text, order and hash agree with each other and with the other kinds of numbers. */
#include "base/decimal.h"
#include "base/random.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

static decimal of(const char *text)
{
    decimal d = {{0}};
    cr_assert_eq(decimal_parse(bytes_text(text), &d), ATOLL_OK, "%s", text);
    return d;
}

static void prints(const char *from, const char *wanted)
{
    char text[DECIMAL_TEXT_SIZE];
    decimal d = of(from);
    cr_assert_eq(decimal_print(&d, text), strlen(wanted), "%s gives %s", from, text);
    cr_assert_str_eq(text, wanted);
    decimal again = of(text);
    cr_assert_eq(memcmp(&again, &d, sizeof d), 0, "%s", text);
}

Test(decimal, prints_what_parses_back_to_the_same_bytes)
{
    prints("0", "0");
    prints("-0", "-0");
    prints("0.00", "0.00");
    prints("1.10", "1.10");
    prints("-12.5", "-12.5");
    prints(".5", "0.5");
    prints("5.", "5");
    prints("0.000001", "0.000001");
    prints("0.0000012", "0.0000012");
    prints("0.00000012", "1.2E-7");
    prints("100", "100");
    prints("1E+3", "1E+3");
    prints("12E3", "1.2E+4");
    prints("9.999999999999999999999999999999999E+6144",
           "9.999999999999999999999999999999999E+6144");
    prints("1234567890123456789012345678901234", "1234567890123456789012345678901234");
    prints("1E-6176", "1E-6176");
    prints("inf", "Infinity");
    prints("-INFINITY", "-Infinity");
    prints("nan", "NaN");
}

Test(decimal, the_bytes_are_those_of_bson)
{
    static const uint8_t one[16] = {1, [14] = 0x40, [15] = 0x30};
    static const uint8_t tenth[16] = {0x6e, [14] = 0x3c, [15] = 0x30}; /* 1.10 */
    decimal a = of("1"), b = of("1.10");
    cr_assert_eq(memcmp(&a, one, 16), 0);
    cr_assert_eq(memcmp(&b, tenth, 16), 0);
}

Test(decimal, other_texts_are_refused)
{
    static const char *const texts[] = {"",    "-",   ".",     "1e",        "e5",     "1.2.3",
                                        "abc", "1 ",  " 1",    "0x10",      "1E6145", "1,5",
                                        "1_0", "--1", "1E+-1", "infinit",   "na",     "+",
                                        "1f",  "1E+", "1E",    "1E9999999", "-.e1",   "snan"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        decimal d = {{7}};
        cr_assert_eq(decimal_parse(bytes_text(texts[i]), &d), ATOLL_ERROR_INVALID_ARGUMENT, "'%s'",
                     texts[i]);
        cr_assert_eq(d.bytes[0], 7, "outputs change only on success");
    }
    char longer[102];
    memset(longer, '1', 101);
    decimal d;
    cr_assert_eq(decimal_parse(bytes_of(longer, 100), &d), ATOLL_OK);
    cr_assert_eq(decimal_parse(bytes_of(longer, 101), &d), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(decimal_parse(bytes_of("1\0002", 3), &d), ATOLL_ERROR_INVALID_ARGUMENT);
}

Test(decimal, order_is_by_number)
{
    static const char *const rising[] = {
        "nan",     "-inf", "-1E+40", "-5.5",   "-5", "-1E-40", "0",    "1E-6000",
        "0.09999", "0.1",  "1.000",  "1.0001", "2",  "1E+3",   "1001", "inf",
    };
    enum { COUNT = sizeof rising / sizeof rising[0] };
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < COUNT; k++) {
            decimal a = of(rising[i]), b = of(rising[k]);
            cr_assert_eq(decimal_compare(&a, &b), (i > k) - (i < k), "%s and %s", rising[i],
                         rising[k]);
        }
    }
    decimal a = of("-0"), b = of("0.000"), c = of("1"), d = of("1.00");
    cr_assert_eq(decimal_compare(&a, &b), 0);
    cr_assert_eq(decimal_compare(&c, &d), 0);
}

Test(decimal, comparisons_with_other_kinds_are_exact)
{
    decimal tenth = of("0.1"), big = of("9223372036854775807"),
            bigger = of("9223372036854775807.5");
    /* The double 0.1 is a little more than a tenth. */
    cr_assert_eq(decimal_compare_double(&tenth, 0.1), -1);
    cr_assert_eq(decimal_compare_double(&tenth, nextafter(0.1, 0)), 1);
    cr_assert_eq(decimal_compare_int(&big, INT64_MAX), 0);
    cr_assert_eq(decimal_compare_int(&bigger, INT64_MAX), 1);
    cr_assert_eq(decimal_compare_double(&big, 9223372036854775808.0), -1);
    decimal half = of("-0.50"), nan = of("nan"), infinite = of("inf");
    cr_assert_eq(decimal_compare_double(&half, -0.5), 0);
    cr_assert_eq(decimal_compare_double(&nan, NAN), 0);
    cr_assert_eq(decimal_compare_double(&nan, -INFINITY), -1);
    cr_assert_eq(decimal_compare_double(&infinite, INFINITY), 0);
    cr_assert_eq(decimal_compare_double(&infinite, 1e308), 1);
    cr_assert_eq(decimal_compare_double(&half, 5e-324), -1);
}

Test(decimal, what_is_equal_hashes_alike_and_converts_back)
{
    random_state r = {5};
    for (int i = 0; i < 2000; i++) {
        char text[64];
        int64_t digits = (int64_t)random_below(&r, 1u << 20);
        int exponent = (int)random_below(&r, 30) - 20;
        snprintf(text, sizeof text, "%lldE%d", (long long)digits, exponent);
        decimal a = of(text);
        snprintf(text, sizeof text, "%lld00E%d", (long long)digits, exponent - 2);
        decimal b = of(text);
        cr_assert_eq(decimal_compare(&a, &b), 0);
        cr_assert_eq(decimal_hash(&a), decimal_hash(&b), "%s", text);
        int64_t integer = 0;
        double real = 0;
        if (decimal_is_int(&a, &integer)) cr_assert_eq(decimal_compare_int(&b, integer), 0);
        if (decimal_is_double(&a, &real)) cr_assert_eq(decimal_compare_double(&b, real), 0);
        if (exponent >= 0 && digits < 1000 && exponent < 9) cr_assert(decimal_is_int(&b, &integer));
    }
    int64_t integer;
    double real;
    decimal half = of("0.5"), tenth = of("0.1"), nan = of("nan");
    cr_assert(!decimal_is_int(&half, &integer) && decimal_is_double(&half, &real) && real == 0.5);
    cr_assert(!decimal_is_int(&tenth, &integer) && !decimal_is_double(&tenth, &real));
    cr_assert(!decimal_is_int(&nan, &integer) && !decimal_is_double(&nan, &real));
    decimal low = decimal_from_int(INT64_MIN);
    cr_assert(decimal_is_int(&low, &integer) && integer == INT64_MIN);
}

Test(decimal, arithmetic_rounds_to_34_digits)
{
    char text[DECIMAL_TEXT_SIZE];
    decimal a = of("0.1"), b = of("0.2"), c = of("3"), one = of("1"), zero = of("0");
    decimal sum = decimal_add(&a, &b);
    decimal_print(&sum, text);
    cr_assert_str_eq(text, "0.3");
    decimal third = decimal_divide(&one, &c);
    decimal_print(&third, text);
    cr_assert_str_eq(text, "0.3333333333333333333333333333333333");
    decimal product = decimal_multiply(&a, &b), difference = decimal_subtract(&a, &b);
    decimal_print(&product, text);
    cr_assert_str_eq(text, "0.02");
    decimal_print(&difference, text);
    cr_assert_str_eq(text, "-0.1");
    decimal none = decimal_divide(&one, &zero);
    cr_assert(decimal_is_infinite(&none));
    cr_assert_eq(decimal_to_double(&third), 1.0 / 3);
    decimal half = decimal_from_double(0.5);
    decimal_print(&half, text);
    cr_assert_str_eq(text, "0.5");
}
