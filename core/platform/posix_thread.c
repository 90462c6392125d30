/* Locks, conditions and threads on POSIX.
 * Must never: use the wall clock for a timeout (it jumps); leave a thread that nobody joins.
 * Invariant: every condition waits on the monotonic clock; signals are blocked in the threads that the core starts,
 * so that the application's handlers run in the application's threads. */
#include "platform/thread.h"

#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

struct thread {
    pthread_t handle;
};

/* What a new thread needs to begin: its own, since its handle may be detached, and gone, before it runs at all. */
typedef struct start {
    void (*run)(void *);
    void *argument;
    char name[16]; /* what the kernel keeps of a thread's name, terminator included */
} start;

status mutex_init(mutex *m)
{
    int code = pthread_mutex_init(m, NULL);
    if (code != 0)
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "could not create a lock: %s", strerror(code));
    return ATOLL_OK;
}

void mutex_destroy(mutex *m)
{
    pthread_mutex_destroy(m);
}

status condition_init(condition *c)
{
    pthread_condattr_t attributes;
    int code = pthread_condattr_init(&attributes);
    if (code == 0) {
        code = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        if (code == 0) code = pthread_cond_init(c, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    if (code != 0)
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "could not create a condition: %s", strerror(code));
    return ATOLL_OK;
}

void condition_destroy(condition *c)
{
    pthread_cond_destroy(c);
}

bool condition_wait_ms(condition *c, mutex *m, uint64_t timeout_ms)
{
    /* A year is forever for a wait, and keeps the addition below from overflowing. */
    const uint64_t timeout_ms_max = 365ull * 24 * 3600 * 1000;
    if (timeout_ms > timeout_ms_max) timeout_ms = timeout_ms_max;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(timeout_ms / 1000);
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return pthread_cond_timedwait(c, m, &until) != ETIMEDOUT;
}

static void *run_thread(void *argument)
{
    start s = *(start *)argument;
    memory_free(argument);
#ifdef __linux__
    pthread_setname_np(pthread_self(), s.name);
#endif
    s.run(s.argument);
    return NULL;
}

status thread_start(const char *name, void (*run)(void *), void *argument, thread **out)
{
    thread *t = memory_allocate_zero(sizeof *t);
    start *s = memory_allocate_zero(sizeof *s);
    if (t == NULL || s == NULL) {
        memory_free(t);
        memory_free(s);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    s->run = run;
    s->argument = argument;
    snprintf(s->name, sizeof s->name, "%s", name);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&t->handle, NULL, run_thread, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        memory_free(t);
        memory_free(s);
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "could not start thread \"%s\": %s", name,
                    strerror(code));
    }
    *out = t;
    return ATOLL_OK;
}

void thread_join(thread *t)
{
    if (t == NULL) return;
    pthread_join(t->handle, NULL);
    memory_free(t);
}

void thread_detach(thread *t)
{
    pthread_detach(t->handle);
    memory_free(t);
}

void thread_describe_self(char out[THREAD_TEXT_SIZE])
{
#ifdef __linux__
    char name[16] = "";
    if (pthread_getname_np(pthread_self(), name, sizeof name) != 0) name[0] = 0;
    snprintf(out, THREAD_TEXT_SIZE, "%ld \"%s\"", (long)syscall(SYS_gettid), name);
#else
    snprintf(out, THREAD_TEXT_SIZE, "%llu", (unsigned long long)thread_self());
#endif
}

atomic_uint_least64_t process_number;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

static void process_learn(void)
{
    atomic_store_explicit(&process_number, (uint64_t)getpid(), memory_order_relaxed);
}

static void process_watch(void)
{
    /* Without a place for the handler the number stays 0, and the kernel is asked each time. */
    if (pthread_atfork(NULL, NULL, process_learn) == 0) process_learn();
}

uint64_t process_ask(void)
{
    pthread_once(&process_once, process_watch);
    return (uint64_t)getpid();
}
