/* Preloaded by sanitize.py behind the sanitizer's runtime: a test's process ends with _exit, which would skip the search
 * for leaks. It must not judge what a test forked: such a child ends with everything of its parent still open.
 * Invariant: the search runs in the process that loaded this file, once. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void __lsan_do_leak_check(void);

static pid_t loader;

__attribute__((constructor)) static void remember(void)
{
    loader = getpid();
}

void _exit(int code)
{
    if (getpid() == loader) __lsan_do_leak_check();
    for (;;) syscall(SYS_exit_group, code);
}

void _Exit(int code)
{
    _exit(code);
}
