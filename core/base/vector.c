/* Growth of arrays, and an open-addressing map of 64-bit keys. Neither knows what it holds.
 * Invariant of the map: capacity is a power of two and at most three quarters full. */
#include "base/vector.h"
#include "base/bytes.h"

status vector_grow(void **items, size_t *capacity, size_t wanted, size_t item_size)
{
    size_t grown = *capacity < 8 ? 8 : *capacity + *capacity / 2;
    if (grown < wanted) grown = wanted;
    if (grown > SIZE_MAX / item_size)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "an array of %zu items is too large", grown);
    void *moved = memory_reallocate(*items, grown * item_size);
    if (moved == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *items = moved;
    *capacity = grown;
    return ATOLL_OK;
}

void map64_free(map64 *m)
{
    memory_free(m->keys);
    memory_free(m->values);
    memory_free(m->used);
    *m = (map64){0};
}

void map64_clear(map64 *m)
{
    if (m->used != NULL) memset(m->used, 0, m->capacity);
    m->count = 0;
}

static size_t map64_slot(const map64 *m, uint64_t key)
{
    size_t slot = (size_t)hash_u64(key) & (m->capacity - 1);
    while (m->used[slot] && m->keys[slot] != key) slot = (slot + 1) & (m->capacity - 1);
    return slot;
}

static status map64_grow(map64 *m)
{
    map64 grown = {.capacity = m->capacity == 0 ? 16 : m->capacity * 2};
    grown.keys = memory_allocate(grown.capacity * sizeof *grown.keys);
    grown.values = memory_allocate(grown.capacity * sizeof *grown.values);
    grown.used = memory_allocate_zero(grown.capacity);
    if (grown.keys == NULL || grown.values == NULL || grown.used == NULL) {
        map64_free(&grown);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < m->capacity; i++) {
        if (!m->used[i]) continue;
        size_t slot = map64_slot(&grown, m->keys[i]);
        grown.used[slot] = 1;
        grown.keys[slot] = m->keys[i];
        grown.values[slot] = m->values[i];
    }
    grown.count = m->count;
    map64_free(m);
    *m = grown;
    return ATOLL_OK;
}

status map64_put(map64 *m, uint64_t key, uint64_t value)
{
    if (m->count * 4 >= m->capacity * 3) TRY(map64_grow(m));
    size_t slot = map64_slot(m, key);
    if (!m->used[slot]) m->count++;
    m->used[slot] = 1;
    m->keys[slot] = key;
    m->values[slot] = value;
    return ATOLL_OK;
}

uint64_t *map64_get(const map64 *m, uint64_t key)
{
    if (m->count == 0) return NULL;
    size_t slot = map64_slot(m, key);
    return m->used[slot] ? &m->values[slot] : NULL;
}

status map64_put_bit(map64 *m, uint64_t number, bool on)
{
    uint64_t bit = 1ull << (number % 64);
    size_t slot = m->count == 0 ? 0 : map64_slot(m, number / 64);
    if (m->count == 0 || !m->used[slot]) return on ? map64_put(m, number / 64, bit) : ATOLL_OK;
    m->values[slot] = on ? m->values[slot] | bit : m->values[slot] & ~bit;
    return ATOLL_OK;
}

status map64_put_bits(map64 *m, uint64_t first, size_t count)
{
    while (count > 0) {
        size_t within = 64 - first % 64 < count ? 64 - (size_t)(first % 64) : count;
        uint64_t bits = (within == 64 ? UINT64_MAX : (1ull << within) - 1) << (first % 64);
        const uint64_t *word = map64_get(m, first / 64);
        TRY(map64_put(m, first / 64, bits | (word == NULL ? 0 : *word)));
        first += within;
        count -= within;
    }
    return ATOLL_OK;
}

void map64_remove(map64 *m, uint64_t key)
{
    if (m->count == 0) return;
    size_t hole = map64_slot(m, key);
    if (!m->used[hole]) return;
    m->used[hole] = 0;
    m->count--;
    /* Entries behind the hole move up until each can be reached from its home slot again. */
    for (size_t i = (hole + 1) & (m->capacity - 1); m->used[i]; i = (i + 1) & (m->capacity - 1)) {
        size_t home = (size_t)hash_u64(m->keys[i]) & (m->capacity - 1);
        if (((i - home) & (m->capacity - 1)) < ((i - hole) & (m->capacity - 1))) continue;
        m->keys[hole] = m->keys[i];
        m->values[hole] = m->values[i];
        m->used[hole] = 1;
        m->used[i] = 0;
        hole = i;
    }
}
