/* Arena: the memory of one message, taken piece by piece and freed at once.
 * It must never hand out more than its bound, so that a hostile message can't take the process's memory.
 * Invariant: every piece lies in exactly one block; blocks form a list, newest first. */
#include "sync/arena.h"

typedef struct arena_block {
    struct arena_block *before;
    size_t used, size;
    uint64_t padding;
} arena_block;

enum { ARENA_BLOCK_SIZE_MIN = 4096, ARENA_BLOCK_SIZE_MAX = 1 << 20 };

void arena_free(arena *a)
{
    for (arena_block *block = a->newest; block != NULL;) {
        arena_block *before = block->before;
        memory_free(block);
        block = before;
    }
    a->newest = NULL;
    a->total = 0;
}

void *arena_take(arena *a, size_t size)
{
    if (size > a->total_max) {
        (void)fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                   "a message needs %zu bytes of memory, the limit is %zu", size, a->total_max);
        return NULL;
    }
    size = (size + 15) & ~(size_t)15;
    arena_block *block = a->newest;
    if (block == NULL || block->size - block->used < size) {
        size_t wanted = a->total < ARENA_BLOCK_SIZE_MIN ? ARENA_BLOCK_SIZE_MIN : a->total;
        if (wanted > ARENA_BLOCK_SIZE_MAX) wanted = ARENA_BLOCK_SIZE_MAX;
        if (wanted < size) wanted = size;
        if (a->total + wanted > a->total_max + ARENA_BLOCK_SIZE_MAX) {
            (void)fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a message needs more than %zu bytes of memory",
                       a->total_max);
            return NULL;
        }
        block = memory_allocate(sizeof *block + wanted);
        if (block == NULL) {
            a->starved = true;
            return NULL;
        }
        *block = (arena_block){a->newest, 0, wanted, 0};
        a->newest = block;
        a->total += wanted;
    }
    void *piece = (uint8_t *)(block + 1) + block->used;
    block->used += size;
    return piece;
}

void *arena_take_zero(arena *a, size_t size)
{
    void *piece = arena_take(a, size);
    if (piece != NULL) memset(piece, 0, size);
    return piece;
}

const char *arena_text(arena *a, bytes text)
{
    char *copy = arena_take(a, text.size + 1);
    if (copy == NULL) return NULL;
    if (text.size > 0) memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

status arena_grow(arena *a, void **items, size_t *capacity, size_t count, size_t extra,
                  size_t item_size)
{
    size_t wanted = *capacity < 8 ? 8 : *capacity * 2;
    if (wanted < count + extra) wanted = count + extra;
    void *grown = arena_take(a, wanted * item_size);
    if (grown == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (count > 0) memcpy(grown, *items, count * item_size);
    *items = grown;
    *capacity = wanted;
    return ATOLL_OK;
}
