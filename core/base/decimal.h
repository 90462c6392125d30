#ifndef ATOLL_BASE_DECIMAL_H
#define ATOLL_BASE_DECIMAL_H
#include "base/bytes.h"

/* Numbers of 34 decimal digits: IEEE 754 decimal128 in binary integer form, 16 bytes, little-endian, as BSON has them.
 * Every 16 bytes are a number or NaN. 1.0 and 1.00 are different bytes and equal numbers. */
enum { DECIMAL_SIZE = 16, DECIMAL_TEXT_SIZE = 48 };
typedef struct decimal {
    uint8_t bytes[DECIMAL_SIZE];
} decimal;

/* [+-]digits[.digits][E[+-]digits], Infinity, NaN, in any case; rounds to 34 digits. INVALID_ARGUMENT: another text, or
 * a number beyond 9.99E+6144. */
status decimal_parse(bytes text, decimal *out) MUST_CHECK;
/* The shortest text that parses back to the same bytes, as other systems print it (1.10, 1E+3, -Infinity); answers its
 * size. NUL at the end. */
size_t decimal_print(const decimal *d, char to[DECIMAL_TEXT_SIZE]);

decimal decimal_from_int(int64_t integer); /* exact */
decimal decimal_from_double(double real);  /* rounds to 34 digits */
double decimal_to_double(const decimal *d);
bool decimal_is_nan(const decimal *d);
bool decimal_is_infinite(const decimal *d);
/* By number, exact, also between kinds. NaN is before every number and equals itself; both zeros are equal. */
int decimal_compare(const decimal *a, const decimal *b);
int decimal_compare_int(const decimal *a, int64_t b);
int decimal_compare_double(const decimal *a, double b);
/* The integer or the double that is exactly the number: what is equal in another kind must hash alike. */
bool decimal_is_int(const decimal *d, int64_t *out);
bool decimal_is_double(const decimal *d, double *out);
uint64_t decimal_hash(const decimal *d); /* of the number, not of the bytes */

/* Rounded to the nearest, ties to even. */
decimal decimal_add(const decimal *a, const decimal *b);
decimal decimal_subtract(const decimal *a, const decimal *b);
decimal decimal_multiply(const decimal *a, const decimal *b);
decimal decimal_divide(const decimal *a, const decimal *b); /* by zero: Infinity or NaN */
#endif
