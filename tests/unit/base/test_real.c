/* Doubles as text: what was printed is read as the same double, and what people write comes out as they wrote it. */
#include "base/random.h"
#include "base/real.h"
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

static size_t digits_of(const char *text)
{
    size_t count = 0;
    for (bool begun = false; *text != 0 && *text != 'e'; text++) {
        begun |= *text >= '1' && *text <= '9';
        count += begun && *text >= '0' && *text <= '9';
    }
    return count;
}

static void reads_back(double real)
{
    char text[REAL_TEXT_SIZE + 1];
    memset(text, '#', sizeof text);
    size_t size = real_print(real, text);
    cr_assert_eq(strlen(text), size);
    cr_assert_eq(text[REAL_TEXT_SIZE], '#');
    double again = strtod(text, NULL);
    cr_assert_eq(memcmp(&again, &real, sizeof real), 0, "%.17g is printed as %s", real, text);
    cr_assert(isfinite(real) && (digits_of(text) <= 17 || fabs(real) >= 1e15), "%s", text);
}

static void prints(double real, const char *wanted)
{
    char text[REAL_TEXT_SIZE];
    real_print(real, text);
    cr_expect_str_eq(text, wanted, "%.17g is printed as %s", real, text);
    reads_back(real);
}

Test(real, prints_what_people_write)
{
    prints(0, "0");
    prints(-0.0, "-0");
    prints(1, "1");
    prints(-1, "-1");
    prints(21.5, "21.5");
    prints(36.66, "36.66");
    prints(0.1, "0.1");
    prints(-0.001, "-0.001");
    prints(0.00001, "0.00001");
    prints(0.000001, "1e-6");
    prints(1234567.875, "1234567.875");
    prints(1e15, "1000000000000000");
    prints(1e22, "1e+22");
    prints(1e100, "1e+100");
    prints(1.7976931348623157e308, "1.7976931348623157e+308");
    prints(5e-324, "5e-324");
    prints(2.2250738585072014e-308, "2.2250738585072014e-308");
    prints(9007199254740992.0, "9007199254740992");
}

Test(real, what_was_printed_is_read_as_the_same_number)
{
    random_state random = {7};
    for (int i = 0; i < 400000; i++) {
        uint64_t bits = random_next(&random);
        double any, unit = (double)(bits >> 11) * 0x1p-53;
        memcpy(&any, &bits, sizeof any);
        if (isfinite(any)) reads_back(any);
        reads_back(unit);
        reads_back((double)(int64_t)(bits >> 30) / 100);
        reads_back(ldexp(1, (int)(bits % 2098) - 1074));
        reads_back(nextafter(ldexp(1, (int)(bits % 2097) - 1074), 0));
        reads_back((double)(int64_t)bits);
    }
}
