/* Values: comparison, hashing and the encoding that log records, list cells and map keys share.
 * It must never own memory: texts are borrowed. Invariant: value_read(value_write(v)) equals v. */
#include "model/value.h"

static size_t id_size(value_type type)
{
    return type == VALUE_OBJECT_ID ? 12 : 16;
}

static bool is_real(const value *v)
{
    return v->type == VALUE_DOUBLE || v->type == VALUE_FLOAT;
}

bool value_equal(const value *a, const value *b)
{
    if (a->type != b->type) return false;
    if (a->type == VALUE_DECIMAL) return memcmp(a->as.id, b->as.id, 16) == 0;
    if (!is_real(a)) return value_compare(a, b) == 0;
    if (a->as.real != a->as.real) return b->as.real != b->as.real;
    return memcmp(&a->as.real, &b->as.real, sizeof a->as.real) == 0;
}

value value_zero(value_type type)
{
    value v = {.type = type == VALUE_MIXED ? VALUE_NULL : type};
    if (type == VALUE_STRING || type == VALUE_BINARY) v.as.text = bytes_of("", 0);
    if (type == VALUE_DECIMAL) value_decimal_turn(v.as.id, v.as.id);
    return v;
}

/* ---- order ---- */
bool value_is_nan(const value *v)
{
    if (v->type != VALUE_DECIMAL) return is_real(v) && v->as.real != v->as.real;
    decimal d = value_as_decimal(v);
    return decimal_is_nan(&d);
}

static int order_reals(double x, double y)
{
    if (x != x || y != y) return (y != y) - (x != x); /* NaN comes before every number. */
    return (x > y) - (x < y);
}

static int order_int_real(int64_t integer, double real)
{
    if (real != real) return 1;
    if (real >= 9223372036854775808.0) return -1;
    if (real < -9223372036854775808.0) return 1;
    int64_t whole = (int64_t)real;
    if (integer != whole) return integer < whole ? -1 : 1;
    double rest = real - (double)whole;
    return (rest < 0) - (rest > 0);
}

static int order_decimal(const value *a, const value *b)
{
    decimal x = value_as_decimal(a);
    if (b->type == VALUE_INT) return decimal_compare_int(&x, b->as.integer);
    if (b->type != VALUE_DECIMAL) return decimal_compare_double(&x, b->as.real);
    decimal y = value_as_decimal(b);
    return decimal_compare(&x, &y);
}

int value_compare_numbers(const value *a, const value *b)
{
    if (a->type == VALUE_DECIMAL) return order_decimal(a, b);
    if (b->type == VALUE_DECIMAL) return -order_decimal(b, a);
    if (a->type == VALUE_INT && b->type == VALUE_INT)
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    if (a->type == VALUE_INT) return order_int_real(a->as.integer, b->as.real);
    if (b->type == VALUE_INT) return -order_int_real(b->as.integer, a->as.real);
    return order_reals(a->as.real, b->as.real);
}

int value_compare(const value *a, const value *b)
{
    value_type left = value_is_number(a->type) ? VALUE_INT : a->type;
    value_type right = value_is_number(b->type) ? VALUE_INT : b->type;
    if (left != right) return left < right ? -1 : 1;
    switch (left) {
    case VALUE_BOOL: return (int)a->as.boolean - (int)b->as.boolean;
    case VALUE_INT: return value_compare_numbers(a, b);
    case VALUE_STRING:
    case VALUE_BINARY: return bytes_compare(a->as.text, b->as.text);
    case VALUE_TIMESTAMP:
        if (a->as.timestamp.seconds != b->as.timestamp.seconds)
            return a->as.timestamp.seconds < b->as.timestamp.seconds ? -1 : 1;
        return (a->as.timestamp.nanoseconds > b->as.timestamp.nanoseconds) -
               (a->as.timestamp.nanoseconds < b->as.timestamp.nanoseconds);
    case VALUE_UUID:
    case VALUE_OBJECT_ID: return memcmp(a->as.id, b->as.id, id_size(a->type));
    case VALUE_LINK:
    case VALUE_EMBEDDED: return (a->as.row > b->as.row) - (a->as.row < b->as.row);
    case VALUE_LIST:
    case VALUE_DICTIONARY:
    case VALUE_TYPED_LINK:
        if (a->as.link.class_of != b->as.link.class_of)
            return a->as.link.class_of < b->as.link.class_of ? -1 : 1;
        return (a->as.link.row > b->as.link.row) - (a->as.link.row < b->as.link.row);
    default: return 0;
    }
}

/* Numbers that are equal hash alike whatever their kind: an integer as itself, a double as its bits. */
static uint64_t hash_real(double real)
{
    bool whole = real >= -9223372036854775808.0 && real < 9223372036854775808.0 &&
                 (double)(int64_t)real == real;
    if (whole) return hash_u64((uint64_t)(int64_t)real);
    if (real != real) return hash_u64(VALUE_DOUBLE);
    return hash_bytes(&real, sizeof real, VALUE_DOUBLE);
}

static uint64_t hash_decimal(const value *v)
{
    decimal d = value_as_decimal(v);
    int64_t integer = 0;
    double real = 0;
    if (decimal_is_int(&d, &integer)) return hash_u64((uint64_t)integer);
    if (decimal_is_double(&d, &real)) return hash_real(real);
    return decimal_is_nan(&d) ? hash_real(decimal_to_double(&d)) : decimal_hash(&d);
}

uint64_t value_hash(const value *v)
{
    switch (v->type) {
    case VALUE_NULL: break;
    case VALUE_BOOL: return hash_u64(v->as.boolean + 1u);
    case VALUE_INT: return hash_u64((uint64_t)v->as.integer);
    case VALUE_DOUBLE:
    case VALUE_FLOAT: return hash_real(v->as.real);
    case VALUE_DECIMAL: return hash_decimal(v);
    case VALUE_STRING:
    case VALUE_BINARY: return hash_bytes(v->as.text.data, v->as.text.size, v->type);
    case VALUE_TIMESTAMP:
        return hash_u64((uint64_t)v->as.timestamp.seconds * 1000003u ^
                        (uint32_t)v->as.timestamp.nanoseconds);
    case VALUE_UUID:
    case VALUE_OBJECT_ID: return hash_bytes(v->as.id, id_size(v->type), v->type);
    case VALUE_LINK:
    case VALUE_EMBEDDED: return hash_u64(v->as.row ^ 0x9e37u);
    case VALUE_LIST:
    case VALUE_DICTIONARY:
    case VALUE_TYPED_LINK: return hash_u64(v->as.link.row ^ (uint64_t)v->as.link.class_of << 40);
    default: break;
    }
    return hash_u64(v->type);
}

static uint64_t zigzag(int64_t i)
{
    return ((uint64_t)i << 1) ^ (uint64_t)(i >> 63);
}

static int64_t unzigzag(uint64_t u)
{
    return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

status value_write(buffer *to, const value *v)
{
    uint64_t bits = 0;
    uint32_t small_bits = 0;
    float small = 0;
    TRY(buffer_append_byte(to, (uint8_t)v->type));
    switch (v->type) {
    case VALUE_NULL: return ATOLL_OK;
    case VALUE_BOOL: return buffer_append_byte(to, v->as.boolean);
    case VALUE_INT: return buffer_append_varint(to, zigzag(v->as.integer));
    case VALUE_DOUBLE:
        memcpy(&bits, &v->as.real, sizeof bits);
        return buffer_append_fixed64(to, bits);
    case VALUE_FLOAT:
        small = (float)v->as.real;
        memcpy(&small_bits, &small, sizeof small_bits);
        return buffer_append_fixed32(to, small_bits);
    case VALUE_STRING:
    case VALUE_BINARY: return buffer_append_bytes(to, v->as.text);
    case VALUE_TIMESTAMP:
        TRY(buffer_append_varint(to, zigzag(v->as.timestamp.seconds)));
        return buffer_append_varint(to, zigzag(v->as.timestamp.nanoseconds));
    case VALUE_UUID:
    case VALUE_DECIMAL:
    case VALUE_OBJECT_ID: return buffer_append(to, v->as.id, id_size(v->type));
    case VALUE_LINK:
    case VALUE_EMBEDDED: return buffer_append_varint(to, v->as.row);
    case VALUE_LIST:
    case VALUE_DICTIONARY:
    case VALUE_TYPED_LINK:
        TRY(buffer_append_varint(to, v->as.link.class_of));
        return buffer_append_varint(to, v->as.link.row);
    default: break;
    }
    return fail(ATOLL_ERROR_INTERNAL, "a value of the unknown type %d", (int)v->type);
}

static void read_id(reader *from, value *v)
{
    bytes id = reader_take(from, id_size(v->type));
    if (!from->failed) memcpy(v->as.id, id.data, id.size);
}

static void read_timestamp(reader *from, value *v)
{
    v->as.timestamp.seconds = unzigzag(reader_varint(from));
    int64_t nanoseconds = unzigzag(reader_varint(from));
    if (nanoseconds <= -1000000000 || nanoseconds >= 1000000000) from->failed = true;
    v->as.timestamp.nanoseconds = (int32_t)nanoseconds;
}

static double read_float(reader *from)
{
    uint32_t bits = reader_fixed32(from);
    float small = 0;
    memcpy(&small, &bits, sizeof small);
    return small;
}

value value_read(reader *from)
{
    value v = {.type = (value_type)reader_byte(from)};
    if (from->failed) return value_null();
    uint64_t bits = 0;
    switch (v.type) {
    case VALUE_NULL: break;
    case VALUE_BOOL:
        bits = reader_byte(from);
        from->failed |= bits > 1;
        v.as.boolean = bits == 1;
        break;
    case VALUE_INT: v.as.integer = unzigzag(reader_varint(from)); break;
    case VALUE_DOUBLE:
        bits = reader_fixed64(from);
        memcpy(&v.as.real, &bits, sizeof bits);
        break;
    case VALUE_FLOAT: v.as.real = read_float(from); break;
    case VALUE_STRING:
    case VALUE_BINARY: v.as.text = reader_bytes(from); break;
    case VALUE_TIMESTAMP: read_timestamp(from, &v); break;
    case VALUE_UUID:
    case VALUE_DECIMAL:
    case VALUE_OBJECT_ID: read_id(from, &v); break;
    case VALUE_LINK:
    case VALUE_EMBEDDED: v.as.row = reader_varint(from); break;
    case VALUE_LIST:
    case VALUE_DICTIONARY:
    case VALUE_TYPED_LINK:
        v.as.link.class_of = (class_key)reader_varint(from);
        v.as.link.row = reader_varint(from);
        break;
    default: from->failed = true;
    }
    return from->failed ? value_null() : v;
}

value value_unpack(bytes packed)
{
    reader r = reader_of(packed);
    return packed.size == 0 ? value_null() : value_read(&r);
}

const char *value_type_name(value_type type)
{
    switch (type) {
    case VALUE_NULL: return "null";
    case VALUE_BOOL: return "bool";
    case VALUE_INT: return "int";
    case VALUE_DOUBLE: return "double";
    case VALUE_STRING: return "string";
    case VALUE_BINARY: return "binary";
    case VALUE_TIMESTAMP: return "timestamp";
    case VALUE_UUID: return "uuid";
    case VALUE_OBJECT_ID: return "object id";
    case VALUE_LINK: return "link";
    case VALUE_EMBEDDED: return "embedded object";
    case VALUE_LIST: return "list";
    case VALUE_FLOAT: return "float";
    case VALUE_DECIMAL: return "decimal128";
    case VALUE_MIXED: return "mixed";
    case VALUE_DICTIONARY: return "dictionary";
    case VALUE_SET: return "set";
    case VALUE_TYPED_LINK: return "link";
    }
    return "unknown";
}
