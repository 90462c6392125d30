#ifndef ATOLL_MODEL_VALUE_H
#define ATOLL_MODEL_VALUE_H
#include "base/decimal.h"

typedef uint32_t class_key;    /* stable per realm, from 1, never reused */
typedef uint32_t property_key; /* stable per class, from 1, never reused */
typedef uint64_t row_key;      /* stable per class, from 1, never reused for another identity */

typedef enum value_type { /* the numbers are those of the ABI and of the wire */
                          VALUE_NULL = 0,
                          VALUE_BOOL = 1,
                          VALUE_INT = 2,
                          VALUE_DOUBLE = 3,
                          VALUE_STRING = 4,
                          VALUE_BINARY = 5,
                          VALUE_TIMESTAMP = 6,
                          VALUE_UUID = 7,
                          VALUE_OBJECT_ID = 8,
                          VALUE_LINK = 9,
                          VALUE_EMBEDDED = 10,
                          VALUE_LIST = 11, /* in a mixed value; as a property: PROPERTY_LIST */
                          VALUE_FLOAT = 12,
                          VALUE_DECIMAL = 13,
                          VALUE_MIXED =
                              14, /* of a property only: its values have types of their own */
                          VALUE_DICTIONARY =
                              15,         /* in a mixed value; as a property: PROPERTY_DICTIONARY */
                          VALUE_SET = 16, /* of a property only, PROPERTY_SET */
                          VALUE_TYPED_LINK = 17 /* a link in a mixed value: it names its class */
} value_type;

typedef struct value {
    value_type type;
    union {
        bool boolean;
        int64_t integer;
        double real; /* a float too: the double that equals it */
        bytes text;  /* string and binary: borrowed */
        struct {
            int64_t seconds;
            int32_t nanoseconds;
        } timestamp;
        uint8_t id[16]; /* uuid: 16 bytes as printed; object id: the first 12; decimal: IEEE 754
                           decimal128 in binary integer form, little-endian */
        row_key row;    /* link and embedded: row in the property's target class; 0 never */
        struct {
            row_key row;
            class_key class_of;
        } link; /* VALUE_TYPED_LINK; VALUE_LIST and VALUE_DICTIONARY in a mixed value: the row that holds it */
    } as;
} value;

static inline value value_null(void)
{
    return (value){.type = VALUE_NULL};
}
static inline value value_bool(bool b)
{
    return (value){.type = VALUE_BOOL, .as.boolean = b};
}
static inline value value_int(int64_t i)
{
    return (value){.type = VALUE_INT, .as.integer = i};
}
static inline value value_double(double d)
{
    return (value){.type = VALUE_DOUBLE, .as.real = d};
}
static inline value value_string(bytes t)
{
    return (value){.type = VALUE_STRING, .as.text = t};
}
static inline value value_binary(bytes t)
{
    return (value){.type = VALUE_BINARY, .as.text = t};
}
static inline value value_timestamp(int64_t s, int32_t ns)
{
    return (value){.type = VALUE_TIMESTAMP, .as.timestamp = {s, ns}};
}
static inline value value_uuid(const uint8_t id[16])
{
    value v = {.type = VALUE_UUID};
    memcpy(v.as.id, id, 16);
    return v;
}
static inline value value_object_id(const uint8_t id[12])
{
    value v = {.type = VALUE_OBJECT_ID};
    memcpy(v.as.id, id, 12);
    return v;
}
static inline value value_link(row_key row)
{
    return (value){.type = VALUE_LINK, .as.row = row};
}
static inline value value_float(float f)
{
    return (value){.type = VALUE_FLOAT, .as.real = f};
}
static inline value value_decimal(const decimal *d)
{
    value v = {.type = VALUE_DECIMAL};
    memcpy(v.as.id, d->bytes, 16);
    return v;
}
static inline decimal value_as_decimal(const value *v) /* of a VALUE_DECIMAL */
{
    decimal d;
    memcpy(d.bytes, v->as.id, 16);
    return d;
}
static inline bool value_is_number(value_type type)
{
    return type == VALUE_INT || type == VALUE_DOUBLE || type == VALUE_FLOAT ||
           type == VALUE_DECIMAL;
}

bool value_equal(const value *a,
                 const value *b); /* same type and content; NaN equals NaN, -0.0 equals 0.0 not */
/* Total order: null, bools, numbers of all kinds by number and exact (NaN first), then by the number of the type. */
int value_compare(const value *a, const value *b);
int value_compare_numbers(const value *a, const value *b); /* the same, of two numbers */
bool value_is_nan(const value *v);
/* What value_compare calls equal hashes alike. */
uint64_t value_hash(const value *v);
/* What a required property of the type holds before it is set: false, 0, "", the epoch, the id of zeros. */
value value_zero(value_type type);
/* A decimal in a column of 16 bytes, where zero bits have to be the number 0 and not 0E-6176. */
static inline void value_decimal_turn(uint8_t to[16], const uint8_t from[16])
{
    memmove(to, from, 16);
    to[14] ^= 0x40;
    to[15] ^= 0x30;
}
/* Encoding in log records, list cells, keys of maps: type byte + content. */
status value_write(buffer *to, const value *v) MUST_CHECK;
value value_read(
    reader *from); /* from->failed on bad bytes; text views point into the reader's bytes */
/* A mixed value as its column keeps it: what value_write gave; nothing is null. Texts point into the bytes. */
value value_unpack(bytes packed);
const char *value_type_name(value_type type); /* "string" */
#endif
