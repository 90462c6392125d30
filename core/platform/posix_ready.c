/* The flag of ready.h as a pipe on POSIX.
 * Must never: block, or leak a descriptor into a child.
 * Invariant: the pipe holds at least one byte while the flag is raised and none while it is not. */
#include "platform/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

status ready_flag_open(ready_flag *out)
{
    int ends[2];
    if (pipe(ends) != 0)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "no pipe for an event queue: %s; close files or raise the limit",
                    strerror(errno));
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    out->shown = ends[0];
    out->raised = ends[1];
    return ATOLL_OK;
}

void ready_flag_close(ready_flag *flag)
{
    close(flag->shown);
    close(flag->raised);
}

void ready_flag_raise(ready_flag *flag)
{
    char byte = 1;
    int before = errno;
    ssize_t written;
    do written = write(flag->raised, &byte, 1);
    while (written < 0 && errno == EINTR);
    errno = before; /* a full pipe is readable already */
}

void ready_flag_lower(ready_flag *flag)
{
    char bytes[64];
    int before = errno;
    ssize_t taken;
    do taken = read(flag->shown, bytes, sizeof bytes);
    while (taken > 0 || (taken < 0 && errno == EINTR));
    errno = before;
}
