/* Mixed values as bytes: what a MIXED column holds for each of its values. It must know nothing of rows: a link names its
 * class and key, a collection the identity of the row that holds its items. Invariant: what wire_mixed_problem lets pass,
 * wire_mixed_value reads without another check. */
#include "sync/wire.h"

static bool is_key_type(value_type type)
{
    return type == VALUE_INT || type == VALUE_STRING || type == VALUE_UUID ||
           type == VALUE_OBJECT_ID;
}

/* Bytes of a value of the type; SIZE_MAX: any number. */
static size_t size_of(value_type type)
{
    switch (type) {
    case VALUE_NULL: return 0;
    case VALUE_BOOL: return 1;
    case VALUE_FLOAT: return 4;
    case VALUE_INT:
    case VALUE_DOUBLE: return 8;
    case VALUE_TIMESTAMP:
    case VALUE_OBJECT_ID: return 12;
    case VALUE_UUID:
    case VALUE_DECIMAL:
    case VALUE_LIST:
    case VALUE_DICTIONARY: return 16;
    default: break;
    }
    return SIZE_MAX;
}

static void put_little(uint8_t *to, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++) to[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t get_little(const uint8_t *from, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) number |= (uint64_t)from[i] << (8 * i);
    return number;
}

static void pack_fixed(const value *v, size_t size, uint8_t *to)
{
    uint64_t number = 0;
    float small = 0;
    uint32_t bits = 0;
    switch (v->type) {
    case VALUE_BOOL: to[0] = v->as.boolean; return;
    case VALUE_INT: put_little(to, (uint64_t)v->as.integer, 8); return;
    case VALUE_DOUBLE:
        memcpy(&number, &v->as.real, 8);
        put_little(to, number, 8);
        return;
    case VALUE_FLOAT:
        small = (float)v->as.real;
        memcpy(&bits, &small, 4);
        put_little(to, bits, 4);
        return;
    case VALUE_TIMESTAMP:
        put_little(to, (uint64_t)v->as.timestamp.seconds, 8);
        put_little(to + 8, (uint32_t)v->as.timestamp.nanoseconds, 4);
        return;
    default: memcpy(to, v->as.id, size); return;
    }
}

status wire_mixed_pack(arena *memory, const value *v, bytes *out)
{
    size_t size = size_of(v->type);
    if (v->type == VALUE_STRING || v->type == VALUE_BINARY || v->type == VALUE_TYPED_LINK) {
        *out = v->as.text;
        return ATOLL_OK;
    }
    if (size == SIZE_MAX)
        return fail(ATOLL_ERROR_INTERNAL, "a mixed value of type %s is not sent",
                    value_type_name(v->type));
    uint8_t *to = arena_take(memory, size + 1);
    if (to == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    pack_fixed(v, size, to);
    *out = bytes_of(to, size);
    return ATOLL_OK;
}

value wire_mixed_value(value_type type, bytes packed)
{
    value v = {.type = type};
    uint64_t number = 0;
    uint32_t bits = 0;
    float small = 0;
    switch (type) {
    case VALUE_NULL: break;
    case VALUE_BOOL: v.as.boolean = packed.data[0] != 0; break;
    case VALUE_INT: v.as.integer = (int64_t)get_little(packed.data, 8); break;
    case VALUE_DOUBLE:
        number = get_little(packed.data, 8);
        memcpy(&v.as.real, &number, 8);
        break;
    case VALUE_FLOAT:
        bits = (uint32_t)get_little(packed.data, 4);
        memcpy(&small, &bits, 4);
        v.as.real = small;
        break;
    case VALUE_STRING:
    case VALUE_BINARY:
    case VALUE_TYPED_LINK: v.as.text = packed; break;
    case VALUE_TIMESTAMP:
        v.as.timestamp.seconds = (int64_t)get_little(packed.data, 8);
        v.as.timestamp.nanoseconds = (int32_t)(uint32_t)get_little(packed.data + 8, 4);
        break;
    default: memcpy(v.as.id, packed.data, size_of(type)); break;
    }
    return v;
}

static const char *link_problem(bytes packed)
{
    size_t name = packed.size == 0 ? 0 : packed.data[0];
    if (name == 0 || packed.size < name + 2) return "a link does not name its class";
    if (!utf8_is_valid(bytes_of(packed.data + 1, name)))
        return "the class of a link is not valid UTF-8";
    value_type type = (value_type)packed.data[name + 1];
    bytes key = bytes_of(packed.data + name + 2, packed.size - name - 2);
    if (!is_key_type(type))
        return "the key of a link must be of type INT, STRING, UUID or OBJECT_ID";
    return wire_mixed_problem(type, key);
}

const char *wire_mixed_problem(value_type type, bytes packed)
{
    size_t size = size_of(type);
    if (type == VALUE_TYPED_LINK) return link_problem(packed);
    if (type == VALUE_STRING) return utf8_is_valid(packed) ? NULL : "a string is not valid UTF-8";
    if (type == VALUE_BINARY) return NULL;
    if (size == SIZE_MAX) return "a mixed value has an unknown type";
    if (packed.size != size) return "a mixed value has not the bytes that its type asks for";
    if (type != VALUE_TIMESTAMP) return NULL;
    value v = wire_mixed_value(type, packed);
    int64_t seconds = v.as.timestamp.seconds;
    int32_t nanoseconds = v.as.timestamp.nanoseconds;
    bool good = nanoseconds > -1000000000 && nanoseconds < 1000000000 &&
                !(seconds > 0 && nanoseconds < 0) && !(seconds < 0 && nanoseconds > 0);
    return good ? NULL : "nanoseconds must be below a second and have the sign of the seconds";
}

status wire_link_make(arena *memory, const char *class_name, const value *key, value *out)
{
    size_t name = strlen(class_name);
    bytes packed;
    if (name == 0 || name > 255 || !is_key_type(key->type))
        return fail(ATOLL_ERROR_INTERNAL, "a link to class '%s' can't be sent", class_name);
    TRY(wire_mixed_pack(memory, key, &packed));
    uint8_t *to = arena_take(memory, name + packed.size + 2);
    if (to == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    to[0] = (uint8_t)name;
    memcpy(to + 1, class_name, name + 1); /* its end is overwritten by the type */
    to[name + 1] = (uint8_t)key->type;
    if (packed.size != 0) memcpy(to + name + 2, packed.data, packed.size);
    *out = (value){.type = VALUE_TYPED_LINK};
    out->as.text = bytes_of(to, name + packed.size + 2);
    return ATOLL_OK;
}

void wire_link_read(const value *link, bytes *class_name, value *key)
{
    bytes packed = link->as.text;
    size_t name = packed.data[0];
    *class_name = bytes_of(packed.data + 1, name);
    *key = wire_mixed_value((value_type)packed.data[name + 1],
                            bytes_of(packed.data + name + 2, packed.size - name - 2));
}
