#ifndef ATOLL_SYNC_ARENA_H
#define ATOLL_SYNC_ARENA_H
#include "base/bytes.h"

/* Memory that lives as long as one message: taken in pieces, freed at once. size_max bounds what a peer can make us take. */
typedef struct arena {
    struct arena_block *newest;
    size_t total, total_max;
    bool starved; /* the system had no memory for a piece */
} arena;
static inline void arena_init(arena *a, size_t total_max)
{
    *a = (arena){.total_max = total_max};
}
void arena_free(arena *a);               /* leaves it empty and usable */
void *arena_take(arena *a, size_t size); /* aligned to 16; NULL after fail(); not cleared */
void *arena_take_zero(arena *a, size_t size);
const char *arena_text(arena *a, bytes text); /* terminated copy; NULL after fail() */

/* A growable array whose items live in an arena. */
#define ARENA_ARRAY(type)       \
    struct {                    \
        type *items;            \
        size_t count, capacity; \
    }
status arena_grow(arena *a, void **items, size_t *capacity, size_t count, size_t extra,
                  size_t item_size) MUST_CHECK;
#define arena_reserve(a, array, extra)                                                        \
    ((array)->count + (extra) <= (array)->capacity                                            \
         ? ATOLL_OK                                                                           \
         : arena_grow(a, (void **)&(array)->items, &(array)->capacity, (array)->count, extra, \
                      sizeof *(array)->items))
#define arena_push(a, array, item)                               \
    (arena_reserve(a, array, 1) == ATOLL_OK                      \
         ? ((array)->items[(array)->count++] = (item), ATOLL_OK) \
         : ATOLL_ERROR_OUT_OF_MEMORY)
#endif
