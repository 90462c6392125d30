/* Buffers, readers, hashes and UTF-8 checks. Nothing here knows what the bytes mean.
 * Invariant: size <= capacity <= size_max for every buffer. */
#include "base/bytes.h"

void buffer_free(buffer *b)
{
    memory_free(b->data);
    b->data = NULL;
    b->size = b->capacity = 0;
}

status buffer_reserve(buffer *b, size_t extra)
{
    if (extra > b->size_max || b->size > b->size_max - extra)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a buffer of %zu bytes cannot grow by %zu: its limit is %zu", b->size, extra, b->size_max);
    if (b->size + extra <= b->capacity) return ATOLL_OK;
    size_t capacity = b->capacity < 64 ? 64 : b->capacity;
    while (capacity < b->size + extra) capacity += capacity / 2;
    if (capacity > b->size_max) capacity = b->size_max;
    uint8_t *data = memory_reallocate(b->data, capacity);
    if (data == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    b->data = data;
    b->capacity = capacity;
    return ATOLL_OK;
}

status buffer_append(buffer *b, const void *data, size_t size)
{
    if (size == 0) return ATOLL_OK;
    TRY(buffer_reserve(b, size));
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return ATOLL_OK;
}

status buffer_append_byte(buffer *b, uint8_t byte)
{
    return buffer_append(b, &byte, 1);
}

status buffer_append_varint(buffer *b, uint64_t value)
{
    uint8_t bytes_out[10];
    size_t used = 0;
    while (value >= 0x80) {
        bytes_out[used++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes_out[used++] = (uint8_t)value;
    return buffer_append(b, bytes_out, used);
}

status buffer_append_fixed32(buffer *b, uint32_t value)
{
    uint8_t out[4];
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (8 * i));
    return buffer_append(b, out, sizeof out);
}

status buffer_append_fixed64(buffer *b, uint64_t value)
{
    uint8_t out[8];
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(value >> (8 * i));
    return buffer_append(b, out, sizeof out);
}

status buffer_append_bytes(buffer *b, bytes view)
{
    size_t before = b->size;
    status result = buffer_append_varint(b, view.size);
    if (result == ATOLL_OK) result = buffer_append(b, view.data, view.size);
    if (result != ATOLL_OK) b->size = before;
    return result;
}

static bool reader_has(reader *r, size_t size)
{
    if (!r->failed && (size_t)(r->end - r->at) >= size) return true;
    r->failed = true;
    return false;
}

uint8_t reader_byte(reader *r)
{
    return reader_has(r, 1) ? *r->at++ : 0;
}

uint64_t reader_varint(reader *r)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        uint8_t byte = reader_byte(r);
        if (r->failed) return 0;
        if (shift == 63 && byte > 1) break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) return value;
    }
    r->failed = true;
    return 0;
}

uint32_t reader_fixed32(reader *r)
{
    if (!reader_has(r, 4)) return 0;
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value |= (uint32_t)*r->at++ << (8 * i);
    return value;
}

uint64_t reader_fixed64(reader *r)
{
    if (!reader_has(r, 8)) return 0;
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value |= (uint64_t)*r->at++ << (8 * i);
    return value;
}

bytes reader_take(reader *r, size_t size)
{
    if (!reader_has(r, size)) return bytes_of(NULL, 0);
    bytes view = bytes_of(r->at, size);
    r->at += size;
    return view;
}

bytes reader_bytes(reader *r)
{
    uint64_t size = reader_varint(r);
    if (r->failed || size > (uint64_t)(r->end - r->at)) {
        r->failed = true;
        return bytes_of(NULL, 0);
    }
    return reader_take(r, (size_t)size);
}

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed)
{
    const uint8_t *at = data;
    uint64_t state = seed ^ hash_u64(size);
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word = 0;
        for (int i = 0; i < 8; i++) word |= (uint64_t)at[i] << (8 * i);
        state = hash_u64(state ^ word);
    }
    uint64_t tail = 0;
    for (size_t i = 0; i < size; i++) tail |= (uint64_t)at[i] << (8 * i);
    return hash_u64(state ^ tail);
}

uint32_t crc32c(uint32_t seed, const void *data, size_t size)
{
    const uint8_t *at = data;
    uint32_t crc = ~seed;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return ~crc;
}

/* Returns the size of the sequence that starts with the lead byte and its smallest code point, or 0. */
static size_t utf8_sequence(uint8_t lead, uint32_t *minimum)
{
    if (lead >= 0xc2 && lead <= 0xdf) return *minimum = 0x80, 2;
    if ((lead & 0xf0) == 0xe0) return *minimum = 0x800, 3;
    if (lead >= 0xf0 && lead <= 0xf4) return *minimum = 0x10000, 4;
    return 0;
}

bool utf8_is_valid(bytes text)
{
    for (size_t i = 0; i < text.size;) {
        uint8_t lead = text.data[i];
        if (lead < 0x80) {
            i++;
            continue;
        }
        uint32_t minimum = 0;
        size_t size = utf8_sequence(lead, &minimum);
        if (size == 0 || text.size - i < size) return false;
        uint32_t code = lead & (0x7fu >> size);
        for (size_t k = 1; k < size; k++) {
            if ((text.data[i + k] & 0xc0) != 0x80) return false;
            code = code << 6 | (text.data[i + k] & 0x3f);
        }
        if (code < minimum || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
        i += size;
    }
    return true;
}
