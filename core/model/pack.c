/* Packing for the stored form: integers in as few bits as their span needs, and columns without the rows that hold what
 * a fresh block holds. It must never know about records or the store. Invariant: what is unpacked equals what was
 * packed, and a row that was left out reads as in a fresh block. */
#include "model/codec.h"

/* ---- integers: the least, a width in bits, then the differences ---- */
static uint8_t bits_of(uint64_t span)
{
    uint8_t bits = span == 0 ? 0 : (uint8_t)(64 - __builtin_clzll(span));
    if (bits > 4) return (uint8_t)((bits + 7) / 8 * 8);
    return bits == 3 ? 4 : bits;
}

static void put_bits(uint8_t *at, const int64_t *from, size_t stride, size_t count, int64_t least,
                     uint8_t bits)
{
    if (bits < 8) {
        unsigned fraction = 0, filled = 0;
        for (size_t i = 0; i < count; i++) {
            fraction |= (unsigned)((uint64_t)from[i * stride] - (uint64_t)least) << filled;
            filled += bits;
            if (filled < 8) continue;
            *at++ = (uint8_t)fraction;
            fraction = filled = 0;
        }
        if (filled != 0) *at = (uint8_t)fraction;
        return;
    }
    unsigned width = bits / 8u;
    for (size_t i = 0; i < count; i++) {
        uint64_t difference = (uint64_t)from[i * stride] - (uint64_t)least;
        for (unsigned k = 0; k < width; k++) *at++ = (uint8_t)(difference >> (8 * k));
    }
}

status pack_integers(buffer *to, const int64_t *from, size_t stride, size_t count)
{
    int64_t least = count == 0 ? 0 : from[0], most = least;
    for (size_t i = 0; i < count; i++) {
        int64_t x = from[i * stride];
        if (x < least) least = x;
        if (x > most) most = x;
    }
    uint8_t bits = bits_of((uint64_t)most - (uint64_t)least);
    size_t size = (count * bits + 7) / 8;
    TRY(buffer_append_fixed64(to, (uint64_t)least));
    TRY(buffer_append_byte(to, bits));
    TRY(buffer_reserve(to, size));
    if (bits != 0) put_bits(to->data + to->size, from, stride, count, least, bits);
    to->size += size;
    return ATOLL_OK;
}

static uint64_t take_bytes(const uint8_t *at, unsigned width)
{
    uint64_t x = 0;
    for (unsigned k = 0; k < width; k++) x |= (uint64_t)at[k] << (8 * k);
    return x;
}

static uint64_t take_eight(const uint8_t *at)
{
    uint64_t x;
    memcpy(&x, at, sizeof x);
#if defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/* Eight bytes at a time, of which the next values' are masked, up to where eight more are not there. */
static void take_wide(const uint8_t *at, int64_t *to, size_t stride, size_t count, unsigned width,
                      uint64_t least)
{
    uint64_t mask = UINT64_MAX >> (64 - 8 * width);
    size_t spare = (7 + width) / width, safe = count > spare ? count - spare : 0, i = 0;
    for (; i < safe; i++, at += width) to[i * stride] = (int64_t)(least + (take_eight(at) & mask));
    for (; i < count; i++, at += width) to[i * stride] = (int64_t)(least + take_bytes(at, width));
}

void unpack_integers(reader *from, int64_t *to, size_t stride, size_t count)
{
    uint64_t least = reader_fixed64(from);
    uint8_t bits = reader_byte(from);
    if (bits > 64 || (bits >= 8 ? bits % 8 != 0 : bits > 2 && bits != 4)) from->failed = true;
    bytes view = reader_take(from, from->failed ? 0 : (count * bits + 7) / 8);
    if (from->failed) return;
    const uint8_t *at = view.data;
    if (bits >= 8) {
        take_wide(at, to, stride, count, bits / 8u, least);
        return;
    }
    unsigned mask = (1u << bits) - 1;
    for (size_t i = 0; i < count; i++) {
        unsigned shift = (unsigned)(i * bits % 8);
        uint64_t difference = bits == 0 ? 0 : (unsigned)at[i * bits / 8] >> shift & mask;
        to[i * stride] = (int64_t)(least + difference);
    }
}

/* ---- rows that hold what a fresh block holds ---- */
static size_t slot_width(const block_data *d)
{
    return d->type.kind == COLUMN_FIXED16 ? 16 : 8;
}

static bool slot_is_zero(const block_data *d, size_t row)
{
    static const uint8_t zeros[16];
    const uint32_t *offsets = (const uint32_t *)(const void *)d->slots;
    size_t width = slot_width(d);
    if (d->type.kind == COLUMN_TEXT) return row >= d->filled || offsets[row] == offsets[row + 1];
    return memcmp(d->slots + row * width, zeros, width) == 0;
}

size_t pack_present(const block_data *d, uint64_t present[BLOCK_WORDS], size_t *rows)
{
    size_t count = 0;
    *rows = 0;
    for (size_t w = 0; w < BLOCK_WORDS; w++) {
        uint64_t bits = 0;
        if (d->type.kind == COLUMN_BITS)
            bits = ((const uint64_t *)(const void *)d->slots)[w];
        else
            for (size_t i = 0; i < 64; i++) bits |= (uint64_t)!slot_is_zero(d, w * 64 + i) << i;
        if (d->type.nullable) bits |= ~d->null_bits[w];
        present[w] = bits;
        count += (size_t)__builtin_popcountll(bits);
        if (bits != 0) *rows = w * 64 + 64 - (size_t)__builtin_clzll(bits);
    }
    return count;
}

block_data *pack_gather(const block_data *d, const uint64_t present[BLOCK_WORDS])
{
    block_data *to = block_data_new(d->type);
    size_t width = slot_width(d), count = 0;
    if (to == NULL) return NULL;
    for (size_t row = 0; row < MODEL_BLOCK_ROWS; row++) {
        if ((present[row / 64] >> (row % 64) & 1) == 0) continue;
        if (d->type.kind == COLUMN_TEXT) {
            const uint32_t *from = (const uint32_t *)(const void *)d->slots;
            uint32_t *offsets = (uint32_t *)(void *)to->slots;
            offsets[count] = row < d->filled ? from[row] : (uint32_t)d->heap_size;
            offsets[count + 1] = row < d->filled ? from[row + 1] : (uint32_t)d->heap_size;
        } else {
            memcpy(to->slots + count * width, d->slots + row * width, width);
        }
        count++;
    }
    to->filled = (uint32_t)count;
    to->heap = d->heap; /* lent: pack_gathered_free does not free it */
    to->heap_size = d->heap_size;
    return to;
}

void pack_gathered_free(block_data *gathered)
{
    if (gathered != NULL) gathered->heap = NULL;
    block_data_free(gathered);
}

void pack_spread(block_data *d, const uint64_t present[BLOCK_WORDS], size_t count)
{
    size_t width = slot_width(d);
    uint32_t *offsets = (uint32_t *)(void *)d->slots;
    uint32_t end = (uint32_t)d->heap_size;
    size_t filled = 0;
    if (d->type.kind == COLUMN_TEXT) offsets[MODEL_BLOCK_ROWS] = end;
    for (size_t row = MODEL_BLOCK_ROWS; row-- > 0;) { /* from the end: nothing is overwritten */
        bool here = (present[row / 64] >> (row % 64) & 1) != 0;
        if (here) count--;
        if (here && filled == 0) filled = row + 1;
        if (d->type.kind == COLUMN_TEXT) {
            if (here) end = offsets[count];
            offsets[row] = end;
        } else if (!here) {
            memset(d->slots + row * width, 0, width);
        } else if (row != count) {
            memcpy(d->slots + row * width, d->slots + count * width, width);
        }
    }
    if (d->type.kind == COLUMN_TEXT) d->filled = (uint32_t)filled;
}

/* ---- bits of the first rows ---- */
status pack_bits(buffer *to, const uint64_t bits[BLOCK_WORDS], size_t count)
{
    for (size_t i = 0; i < (count + 7) / 8; i++)
        TRY(buffer_append_byte(to, (uint8_t)(bits[i / 8] >> (i % 8 * 8))));
    return ATOLL_OK;
}

void unpack_bits(reader *from, uint64_t bits[BLOCK_WORDS], size_t count)
{
    memset(bits, 0, BLOCK_WORDS * sizeof *bits);
    bytes view = reader_take(from, (count + 7) / 8);
    for (size_t i = 0; i < view.size && !from->failed; i++)
        bits[i / 8] |= (uint64_t)view.data[i] << (i % 8 * 8);
    if (count % 64 != 0) bits[count / 64] &= ((uint64_t)1 << count % 64) - 1;
}
