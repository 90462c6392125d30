#ifndef ATOLL_PLATFORM_READY_H
#define ATOLL_PLATFORM_READY_H
#include "base/status.h"

/* A flag that a file descriptor shows: `shown` is readable while the flag is raised, so that a foreign event loop can
 * wait for it. Raising a raised flag and lowering a lowered one do nothing. */
typedef struct ready_flag {
    int shown, raised;
} ready_flag;

status ready_flag_open(ready_flag *out) MUST_CHECK;
void ready_flag_close(ready_flag *flag);
void ready_flag_raise(ready_flag *flag); /* any thread */
void ready_flag_lower(ready_flag *flag);
#endif
