#ifndef ATOLL_BASE_RANDOM_H
#define ATOLL_BASE_RANDOM_H
#include <stdint.h>

/* A seeded generator (splitmix64) for the simulator, tests and jitter; never for secrets. */
typedef struct random_state {
    uint64_t state;
} random_state;
static inline uint64_t random_next(random_state *r)
{
    uint64_t x = (r->state += 0x9e3779b97f4a7c15ull);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}
/* 0 <= result < bound; bound 0 gives 0. */
static inline uint64_t random_below(random_state *r, uint64_t bound)
{
    return bound == 0 ? 0 : random_next(r) % bound;
}
#endif
