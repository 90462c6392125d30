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
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "a buffer of %zu bytes cannot grow by %zu: its limit is %zu", b->size, extra,
                    b->size_max);
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
    if (b->capacity - b->size < size) TRY(buffer_reserve(b, size));
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return ATOLL_OK;
}

status buffer_append_varint(buffer *b, uint64_t value)
{
    uint8_t between[VARINT_SIZE_MAX];
    if (b->capacity - b->size < VARINT_SIZE_MAX) /* perhaps near its limit: not a byte too much */
        return buffer_append(b, between, (size_t)(varint_put(between, value) - between));
    b->size = (size_t)(varint_put(b->data + b->size, value) - b->data);
    return ATOLL_OK;
}

status buffer_append_fixed32(buffer *b, uint32_t value)
{
    uint8_t out[4];
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (8 * i));
    return buffer_append(b, out, sizeof out);
}

status buffer_append_fixed64(buffer *b, uint64_t value)
{
    if (b->capacity - b->size < sizeof value) TRY(buffer_reserve(b, sizeof value));
    uint8_t *at = b->data + b->size; /* one store, once the compiler knows that nothing moves */
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> (8 * i));
    b->size += sizeof value;
    return ATOLL_OK;
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

#if defined __x86_64__
#define HAS_CRC_INSTRUCTION __builtin_cpu_supports("sse4.2")

__attribute__((target("sse4.2"))) static uint32_t crc_instruction(uint32_t crc, const uint8_t *at,
                                                                  size_t size)
{
    uint64_t wide = crc, word;
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    while (size-- != 0) crc = __builtin_ia32_crc32qi(crc, *at++);
    return crc;
}
#else
#define HAS_CRC_INSTRUCTION 0

static uint32_t crc_instruction(uint32_t crc, const uint8_t *at, size_t size)
{
    (void)at, (void)size;
    return crc;
}
#endif

/* Four bits at a time: a table that fits into one cache line. */
static uint32_t crc_table(uint32_t crc, const uint8_t *at, size_t size)
{
    static const uint32_t steps[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    for (; size != 0; size--) {
        crc ^= *at++;
        crc = crc >> 4 ^ steps[crc & 15];
        crc = crc >> 4 ^ steps[crc & 15];
    }
    return crc;
}

uint32_t crc32c_portable(uint32_t seed, const void *data, size_t size)
{
    return ~crc_table(~seed, data, size);
}

uint32_t crc32c(uint32_t seed, const void *data, size_t size)
{
    if (HAS_CRC_INSTRUCTION) return ~crc_instruction(~seed, data, size);
    return crc32c_portable(seed, data, size);
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
