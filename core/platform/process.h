#ifndef ATOLL_PLATFORM_PROCESS_H
#define ATOLL_PLATFORM_PROCESS_H
#include "base/bytes.h"

/* As many open files as the system allows this process: a socket is one. */
void process_raise_file_limit(void);
/* Runs a program without arguments and without waiting for it. The environment is this process's and `pairs` (name, value,
 * ..., NULL). finished is called on another thread, with the exit code or -1; it may be NULL. BUSY: 16 run already. */
status process_run(const char *path, const char *const *pairs,
                   void (*finished)(const char *path, int code)) MUST_CHECK;
#endif
