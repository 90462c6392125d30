/* The structs that cross the interface by value. They are frozen: size and layout never change. */
#ifndef ATOLL_VALUE_H
#define ATOLL_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* A borrowed view of bytes or UTF-8 text; null data is the null value. */
typedef struct atoll_bytes {
    const char *data;
    size_t size;
} atoll_bytes;

/* A point in time since 1970-01-01T00:00:00Z. Before 1970 the seconds are negative; the nanoseconds
 * always count forward from them. */
typedef struct atoll_timestamp {
    int64_t seconds;
    int32_t nanoseconds; /* 0 to 999,999,999 */
    int32_t zero;        /* always 0, so that equal timestamps are equal bytes */
} atoll_timestamp;

/* Takes one line of the log; it may come from any thread. */
typedef void (*atoll_log_function)(void *user_data, int32_t level, const char *category,
                                   const char *message);
/* Frees what a callback was given. */
typedef void (*atoll_free_function)(void *user_data);

#if defined(__cplusplus)
static_assert(sizeof(atoll_bytes) == 2 * sizeof(void *), "atoll_bytes is frozen");
static_assert(sizeof(atoll_timestamp) == 16, "atoll_timestamp is frozen");
#else
_Static_assert(sizeof(atoll_bytes) == 2 * sizeof(void *), "atoll_bytes is frozen");
_Static_assert(sizeof(atoll_timestamp) == 16, "atoll_timestamp is frozen");
#endif

#endif
