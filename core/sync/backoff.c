/* Backoff: how long to wait before the next attempt. Pure but for the random generator given. It must never give more than
 * the maximum. Invariant: without jitter the delays never fall until a reset. */
#include "sync/backoff.h"

uint64_t backoff_next(backoff *b, random_state *random)
{
    uint64_t delay = b->next_ms != 0 ? b->next_ms : b->delay_ms;
    if (delay > b->delay_ms_max) delay = b->delay_ms_max;
    uint64_t multiplier = b->multiplier == 0 ? 1 : b->multiplier;
    b->next_ms = delay > b->delay_ms_max / multiplier ? b->delay_ms_max : delay * multiplier;
    uint64_t span = b->jitter_divisor == 0 ? 0 : delay / b->jitter_divisor;
    return delay - random_below(random, span + 1);
}
