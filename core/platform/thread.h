#ifndef ATOLL_PLATFORM_THREAD_H
#define ATOLL_PLATFORM_THREAD_H
#include "base/status.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Locks, conditions and threads. At most one lock is held at a time; never while calling up or out. */
typedef pthread_mutex_t mutex;
typedef pthread_cond_t condition; /* on the monotonic clock */
status mutex_init(mutex *m) MUST_CHECK;
void mutex_destroy(mutex *m);
static inline void mutex_lock(mutex *m)
{
    pthread_mutex_lock(m);
}
static inline void mutex_unlock(mutex *m)
{
    pthread_mutex_unlock(m);
}
status condition_init(condition *c) MUST_CHECK;
void condition_destroy(condition *c);
static inline void condition_wait(condition *c, mutex *m)
{
    pthread_cond_wait(c, m);
}
bool condition_wait_ms(condition *c, mutex *m, uint64_t timeout_ms); /* false: time ran out */
static inline void condition_broadcast(condition *c)
{
    pthread_cond_broadcast(c);
}
typedef struct thread thread;
status thread_start(const char *name, void (*run)(void *), void *argument, thread **out) MUST_CHECK;
void thread_join(thread *t);   /* waits and frees */
void thread_detach(thread *t); /* instead of joining: its own end frees what it uses */
/* A number that no other live thread has. */
static inline uint64_t thread_self(void)
{
#if defined __has_builtin && (defined __x86_64__ || defined __aarch64__)
#if __has_builtin(__builtin_thread_pointer) && !defined __clang__
    return (uint64_t)(uintptr_t)__builtin_thread_pointer(); /* one instruction, not a call */
#endif
#endif
    return (uint64_t)(uintptr_t)pthread_self();
}
/* The process is asked for at every access to an object, and the kernel takes longer to answer than the access itself:
 * the number is kept, and renewed in every forked child. 0: not known yet. */
extern atomic_uint_least64_t process_number;
uint64_t process_ask(void);
/* For messages: the thread's name and the number that the system has for it. */
enum { THREAD_TEXT_SIZE = 48 };
void thread_describe_self(char out[THREAD_TEXT_SIZE]);
/* Changes in a forked child. */
static inline uint64_t process_self(void)
{
    uint64_t number = atomic_load_explicit(&process_number, memory_order_relaxed);
    return number != 0 ? number : process_ask();
}
#endif
