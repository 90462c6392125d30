#ifndef ATOLL_BASE_VECTOR_H
#define ATOLL_BASE_VECTOR_H
#include "base/memory.h"
#include <stdbool.h>

/* A growable array: VECTOR(int) v = {0}; vector_push(&v, 3) gives a status; v.items, v.count; vector_free(&v). */
#define VECTOR(type)            \
    struct {                    \
        type *items;            \
        size_t count, capacity; \
    }
status vector_grow(void **items, size_t *capacity, size_t wanted, size_t item_size) MUST_CHECK;
#define vector_reserve(v, extra)                                                   \
    ((v)->count + (extra) <= (v)->capacity                                         \
         ? ATOLL_OK                                                                \
         : vector_grow((void **)&(v)->items, &(v)->capacity, (v)->count + (extra), \
                       sizeof *(v)->items))
#define vector_push(v, item)                                                          \
    (vector_reserve(v, 1) == ATOLL_OK ? ((v)->items[(v)->count++] = (item), ATOLL_OK) \
                                      : ATOLL_ERROR_OUT_OF_MEMORY)
#define vector_free(v) (memory_free((v)->items), (v)->items = NULL, (v)->count = (v)->capacity = 0)

/* A hash map from u64 to u64 (or a pointer as u64). 0 is a valid key. */
typedef struct map64 {
    uint64_t *keys, *values;
    uint8_t *used;
    size_t count, capacity;
} map64;
void map64_free(map64 *m);
void map64_clear(map64 *m);
status map64_put(map64 *m, uint64_t key, uint64_t value) MUST_CHECK;
uint64_t *map64_get(const map64 *m, uint64_t key); /* NULL: absent */
void map64_remove(map64 *m, uint64_t key);
/* A map as a set of numbers, of which neighbours take a bit each. */
static inline bool map64_has_bit(const map64 *m, uint64_t number)
{
    const uint64_t *word = map64_get(m, number / 64);
    return word != NULL && (*word >> (number % 64) & 1) != 0;
}
status map64_put_bit(map64 *m, uint64_t number, bool on) MUST_CHECK;
status map64_put_bits(map64 *m, uint64_t first, size_t count) MUST_CHECK; /* those are in it */
#endif
