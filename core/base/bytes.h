#ifndef ATOLL_BASE_BYTES_H
#define ATOLL_BASE_BYTES_H
#include "base/memory.h"
#include <stdbool.h>
#include <string.h>

/* A borrowed view of bytes. */
typedef struct bytes {
    const uint8_t *data;
    size_t size;
} bytes;

static inline bytes bytes_of(const void *data, size_t size)
{
    return (bytes){(const uint8_t *)data, size};
}
static inline bytes bytes_text(const char *text)
{
    return bytes_of(text, strlen(text));
}
static inline int bytes_compare(bytes a, bytes b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}
static inline bool bytes_equal(bytes a, bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* A growable byte buffer with a required maximum: appending past it fails with LIMIT_EXCEEDED and changes nothing. */
typedef struct buffer {
    uint8_t *data;
    size_t size, capacity, size_max;
} buffer;

static inline void buffer_init(buffer *b, size_t size_max)
{
    *b = (buffer){NULL, 0, 0, size_max};
}
void buffer_free(buffer *b); /* leaves it empty and usable */
static inline void buffer_clear(buffer *b)
{
    b->size = 0;
}
status buffer_reserve(buffer *b, size_t extra) MUST_CHECK;
status buffer_append(buffer *b, const void *data, size_t size) MUST_CHECK;
/* The small ones are here whole: a log record is made of millions of them. */
static inline MUST_CHECK status buffer_append_byte(buffer *b, uint8_t byte)
{
    if (b->size == b->capacity) TRY(buffer_reserve(b, 1));
    b->data[b->size++] = byte;
    return ATOLL_OK;
}
/* LEB128 into room of VARINT_SIZE_MAX bytes; answers the end. */
enum { VARINT_SIZE_MAX = 10 };
static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}
/* Room for so many bytes, to be filled by hand: the caller moves size on. */
static inline MUST_CHECK status buffer_room(buffer *b, size_t size, uint8_t **out)
{
    if (b->capacity - b->size < size) TRY(buffer_reserve(b, size));
    *out = b->data + b->size;
    return ATOLL_OK;
}
status buffer_append_varint(buffer *b, uint64_t value) MUST_CHECK;
status buffer_append_fixed32(buffer *b, uint32_t value) MUST_CHECK; /* little-endian */
status buffer_append_fixed64(buffer *b, uint64_t value) MUST_CHECK; /* little-endian */
status buffer_append_bytes(buffer *b, bytes view) MUST_CHECK;       /* varint size + bytes */
static inline bytes buffer_view(const buffer *b)
{
    return bytes_of(b->data, b->size);
}

/* A cursor over bytes; every read checks the bounds and sets failed instead of reading past the end. */
typedef struct reader {
    const uint8_t *at, *end;
    bool failed;
} reader;
static inline reader reader_of(bytes view)
{
    return (reader){view.data, view.data + view.size, false};
}
uint8_t reader_byte(reader *r);
uint64_t reader_varint(reader *r);
uint32_t reader_fixed32(reader *r);
uint64_t reader_fixed64(reader *r);
bytes reader_take(reader *r, size_t size);
bytes reader_bytes(reader *r); /* varint size + bytes */

/* Order-preserving encodings for keys. */
static inline void key_put_u64(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) to[i] = (uint8_t)(value >> (56 - 8 * i));
}
static inline uint64_t key_get_u64(const uint8_t *from)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | from[i];
    return value;
}
static inline void key_put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> (24 - 8 * i));
}
static inline uint32_t key_get_u32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

uint64_t hash_bytes(const void *data, size_t size,
                    uint64_t seed); /* fast, not cryptographic; stable across machines */
static inline uint64_t hash_u64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}
uint32_t crc32c(uint32_t seed, const void *data, size_t size); /* CRC-32C of stored records */

bool utf8_is_valid(bytes text);
#endif
