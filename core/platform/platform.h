#ifndef ATOLL_PLATFORM_PLATFORM_H
#define ATOLL_PLATFORM_PLATFORM_H
#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

/* The seam between logic and the machine: clocks and randomness come from this table; the simulator has its own.
 * Sockets are in platform/loop.h, files and folder locks in platform/file.h, threads in platform/thread.h;
 * session, peer, merge and engine never call those (the engine takes mutexes of thread.h only). */
typedef struct platform {
    void *context;
    int64_t (*wall_ms)(
        void *context); /* ms since 1970 by the device's clock: may jump, may be wrong */
    uint64_t (*monotonic_ms)(void *context); /* since some point of this boot; never goes back */
    uint64_t (*boot_id)(
        void *context); /* another number after each boot (in the simulator: after each crash) */
    void (*random)(void *context, void *to,
                   size_t size); /* unpredictable bytes (seeded in the simulator) */
    /* A finer one, only to measure how long something took; NULL: there is none. */
    uint64_t (*monotonic_us)(void *context);
} platform;
const platform *platform_posix(void);
/* For tests of apps: the wall clock of this process is off by that much. */
void platform_posix_set_clock_offset(int64_t offset_ms);
uint64_t platform_memory_bytes(void); /* of the machine; 0: not known */
static inline uint64_t platform_now_us(const platform *p)
{
    return p->monotonic_us != NULL ? p->monotonic_us(p->context)
                                   : p->monotonic_ms(p->context) * 1000;
}
static inline uint64_t platform_random_u64(const platform *p)
{
    uint64_t value = 0;
    p->random(p->context, &value, sizeof value);
    return value;
}
#endif
