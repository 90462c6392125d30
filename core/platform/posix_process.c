/* Other programs on POSIX.
 * Must never: leave a child unwaited for, hand it our files, or hold up its caller.
 * Invariant: `running` counts the threads that wait for a child. */
#include "platform/process.h"

#include "base/vector.h"
#include "platform/thread.h"

#include <sys/resource.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 16

static atomic_int running;

typedef struct run {
    char *path;
    VECTOR(char *) environment; /* ends with NULL; the first `own` are ours to free */
    size_t own;
    void (*finished)(const char *path, int code);
} run;

static void run_free(run *r)
{
    for (size_t i = 0; i < r->own; i++) memory_free(r->environment.items[i]);
    vector_free(&r->environment);
    memory_free(r->path);
    memory_free(r);
    atomic_fetch_sub(&running, 1);
}

static void wait_for(void *argument)
{
    run *r = argument;
    char *arguments[] = {r->path, NULL};
    pid_t child = 0;
    int state = 0, code = -1;
    if (posix_spawn(&child, r->path, NULL, NULL, arguments, r->environment.items) == 0 &&
        waitpid(child, &state, 0) == child && WIFEXITED(state)) {
        code = WEXITSTATUS(state);
    }
    if (r->finished != NULL) r->finished(r->path, code);
    run_free(r);
}

static status fill(run *r, const char *path, const char *const *pairs)
{
    r->path = memory_copy_text(path, strlen(path));
    if (r->path == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        size_t size = strlen(pairs[i]) + strlen(pairs[i + 1]) + 2;
        TRY(vector_reserve(&r->environment, 1));
        char *text = memory_allocate(size);
        if (text == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        snprintf(text, size, "%s=%s", pairs[i], pairs[i + 1]);
        r->environment.items[r->environment.count++] = text;
        r->own++;
    }
    for (char **at = environ; *at != NULL; at++) TRY(vector_push(&r->environment, *at));
    return vector_push(&r->environment, NULL);
}

status process_run(const char *path, const char *const *pairs,
                   void (*finished)(const char *path, int code))
{
    if (atomic_fetch_add(&running, 1) >= PROCESSES_MAX) {
        atomic_fetch_sub(&running, 1);
        return fail(ATOLL_ERROR_BUSY, "%d programs run already: try again in a minute",
                    PROCESSES_MAX);
    }
    run *r = memory_allocate_zero(sizeof *r);
    if (r == NULL) {
        atomic_fetch_sub(&running, 1);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    r->finished = finished;
    thread *waiting = NULL;
    status result = fill(r, path, pairs);
    if (result == ATOLL_OK) result = thread_start("atoll-program", wait_for, r, &waiting);
    if (result != ATOLL_OK)
        run_free(r);
    else
        thread_detach(waiting);
    return result;
}

void process_raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}
