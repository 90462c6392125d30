/* Clocks and randomness of the real machine, as the platform table that logic receives.
 * Must never: be called by logic directly; logic sees the table only.
 * Invariant: monotonic time never goes back within one boot, and boot_id tells boots apart. */
#include "platform/platform.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t offset;

void platform_posix_set_clock_offset(int64_t offset_ms)
{
    offset = offset_ms;
}

static int64_t clock_wall_ms(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + offset;
}

static uint64_t clock_monotonic_ms(void *context)
{
    (void)context;
    struct timespec now;
#ifdef CLOCK_BOOTTIME
    /* Counts on while the device sleeps, as timeouts and stamps need it. */
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) clock_gettime(CLOCK_MONOTONIC, &now);
#else
    clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t clock_monotonic_us(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void fill_random(void *context, void *to, size_t size)
{
    (void)context;
    uint8_t *at = to;
    while (size > 0) {
        size_t step = size > 256 ? 256 : size; /* what getentropy takes at once */
        if (getentropy(at, step) != 0)
            abort(); /* secrets from a broken source would be worse than the end */
        at += step;
        size -= step;
    }
}

static uint64_t boot_id_value;
static pthread_once_t boot_id_once = PTHREAD_ONCE_INIT;

static void read_boot_id(void)
{
    char text[64];
    ssize_t size = -1;
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        size = read(file, text, sizeof text);
        close(file);
    }
    if (size > 0) {
        boot_id_value = hash_bytes(text, (size_t)size, 0);
        return;
    }
    /* Without the kernel's number: the time of the boot, to ten seconds. The wall clock may have been set since, which
     * then reads as another boot: stamps get coarser, nothing breaks. */
    int64_t booted_ms = clock_wall_ms(NULL) - (int64_t)clock_monotonic_ms(NULL);
    boot_id_value = hash_u64((uint64_t)(booted_ms / 10000));
}

static uint64_t clock_boot_id(void *context)
{
    (void)context;
    pthread_once(&boot_id_once, read_boot_id);
    return boot_id_value;
}

const platform *platform_posix(void)
{
    static const platform table = {NULL,          clock_wall_ms, clock_monotonic_ms,
                                   clock_boot_id, fill_random,   clock_monotonic_us};
    return &table;
}

uint64_t platform_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages <= 0 || size <= 0 ? 0 : (uint64_t)pages * (uint64_t)size;
}
