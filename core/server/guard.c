/* Waiting times after failed guesses.
 * Must never: grow with the names that are tried, or keep a name out for longer than a minute: a stranger could else
 * lock its owner out.
 * Invariant: a slot's number of failures falls to zero when its name passes, or after a quiet hour. */
#include "server/guard.h"

#include "base/memory.h"

#define GUARD_SLOTS 8192 /* two names that share one wait together, which costs seconds */
#define GUARD_FREE_FAILURES 5
#define GUARD_WAIT_MS_MAX 60000
#define GUARD_FORGET_MS 3600000

typedef struct guard_slot {
    uint64_t last_ms, until_ms;
    uint32_t failures;
} guard_slot;

struct guard {
    const platform *platform;
    uint64_t seed; /* so that nobody can choose names that share a slot */
    guard_slot slots[GUARD_SLOTS];
};

status guard_new(const platform *p, guard **out)
{
    guard *g = memory_allocate_zero(sizeof *g);
    if (g == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    g->platform = p;
    g->seed = platform_random_u64(p);
    *out = g;
    return ATOLL_OK;
}

void guard_free(guard *g)
{
    memory_free(g);
}

static guard_slot *slot_of(guard *g, const char *app_id, bytes name)
{
    uint64_t hash = hash_bytes(app_id, strlen(app_id), g->seed);
    for (size_t i = 0; i < name.size; i++) { /* addresses differ by more than case */
        uint8_t c = name.data[i];
        if (c >= 'A' && c <= 'Z') c = (uint8_t)(c + 32);
        hash = hash_u64(hash ^ c);
    }
    return &g->slots[hash % GUARD_SLOTS];
}

static uint64_t now_of(const guard *g)
{
    return g->platform->monotonic_ms(g->platform->context);
}

status guard_check(guard *g, const char *app_id, bytes name)
{
    const guard_slot *slot = slot_of(g, app_id, name);
    uint64_t now_ms = now_of(g);
    if (now_ms >= slot->until_ms) return ATOLL_OK;
    return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "too many attempts: try again in %llu seconds",
                (unsigned long long)((slot->until_ms - now_ms) / 1000 + 1));
}

void guard_failed(guard *g, const char *app_id, bytes name)
{
    guard_slot *slot = slot_of(g, app_id, name);
    uint64_t now_ms = now_of(g), wait_ms = 0;
    if (now_ms - slot->last_ms > GUARD_FORGET_MS) slot->failures = 0;
    slot->last_ms = now_ms;
    slot->failures++;
    if (slot->failures > GUARD_FREE_FAILURES) {
        uint32_t doubled = slot->failures - GUARD_FREE_FAILURES - 1;
        wait_ms = doubled > 6 ? GUARD_WAIT_MS_MAX : 1000ull << doubled;
        if (wait_ms > GUARD_WAIT_MS_MAX) wait_ms = GUARD_WAIT_MS_MAX;
    }
    slot->until_ms = now_ms + wait_ms;
}

void guard_passed(guard *g, const char *app_id, bytes name)
{
    *slot_of(g, app_id, name) = (guard_slot){0};
}
