#ifndef ATOLL_SYNC_BACKOFF_H
#define ATOLL_SYNC_BACKOFF_H
#include "base/random.h"

/* Exponential backoff with jitter: delay, delay x multiplier, ... up to a maximum, each minus a random part of up to
 * 1/divisor of it (divisor 0: none). */
typedef struct backoff {
    uint64_t delay_ms, delay_ms_max;
    uint32_t multiplier, jitter_divisor;
    uint64_t next_ms; /* without jitter; 0: the first */
} backoff;
uint64_t backoff_next(backoff *b, random_state *random);
static inline void backoff_reset(backoff *b)
{
    b->next_ms = 0;
}
#endif
