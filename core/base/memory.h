#ifndef ATOLL_BASE_MEMORY_H
#define ATOLL_BASE_MEMORY_H
#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

/* All memory of the core comes from here. NULL after a failed allocation has already called fail(OUT_OF_MEMORY). */
void *memory_allocate(size_t size);              /* not cleared */
void *memory_allocate_zero(size_t size);         /* cleared */
void *memory_reallocate(void *old, size_t size); /* NULL leaves old as it was */
void memory_free(void *pointer);
char *memory_copy_text(const char *text, size_t size); /* terminated copy */
/* Tests: the k-th allocation from now on fails once (0 = none); how many were missing for the last such order, 0: it was
 * carried out. The number of live allocations. */
uint64_t memory_fail_at(uint64_t k);
int64_t memory_live_count(void);
#endif
