/* The allocator: malloc with counters and a switch that lets one chosen allocation fail, for the fault loops.
 * Nothing else in the core calls malloc. Invariant: live count = allocations - frees. */
#include "base/memory.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_int_least64_t live_count;
static atomic_uint_least64_t fail_countdown;

static int must_fail(void)
{
    uint64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    return left != 0 && atomic_fetch_sub(&fail_countdown, 1) == 1;
}

static void *counted(void *pointer, size_t size)
{
    if (pointer == NULL) {
        (void)fail(ATOLL_ERROR_OUT_OF_MEMORY, "out of memory: %zu bytes were asked for", size);
        return NULL;
    }
    atomic_fetch_add_explicit(&live_count, 1, memory_order_relaxed);
    return pointer;
}

void *memory_allocate(size_t size)
{
    return counted(must_fail() ? NULL : malloc(size ? size : 1), size);
}

void *memory_allocate_zero(size_t size)
{
    return counted(must_fail() ? NULL : calloc(1, size ? size : 1), size);
}

void *memory_reallocate(void *old, size_t size)
{
    if (old == NULL) return memory_allocate(size);
    void *pointer = must_fail() ? NULL : realloc(old, size ? size : 1);
    if (pointer == NULL)
        (void)fail(ATOLL_ERROR_OUT_OF_MEMORY, "out of memory: %zu bytes were asked for", size);
    return pointer;
}

void memory_free(void *pointer)
{
    if (pointer == NULL) return;
    atomic_fetch_sub_explicit(&live_count, 1, memory_order_relaxed);
    free(pointer);
}

char *memory_copy_text(const char *text, size_t size)
{
    char *copy = memory_allocate(size + 1);
    if (copy == NULL) return NULL;
    if (size != 0) memcpy(copy, text, size);
    copy[size] = 0;
    return copy;
}

uint64_t memory_fail_at(uint64_t k)
{
    return atomic_exchange(&fail_countdown, k);
}

int64_t memory_live_count(void)
{
    return atomic_load(&live_count);
}
