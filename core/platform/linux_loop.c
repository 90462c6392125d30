/* The loop: epoll with an event counter for wake-ups.
 * Must never: call a watch that was removed, even by a callback of the same turn.
 * Invariant: removed watches stay in `removed` until no turn can hold their address any more. */
#include "platform/loop.h"

#include "base/memory.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOP_EVENTS_PER_TURN 256

struct loop_watch {
    loop *owner;
    loop_watch *after; /* in the list of removed ones */
    loop_ready ready;
    void *context;
    int socket;
    unsigned events;
    bool removed;
};

struct loop {
    const platform *platform;
    int poll, wake;
    loop_watch *removed;
};

static uint32_t poll_events(unsigned events)
{
    return ((events & LOOP_READ) != 0 ? EPOLLIN : 0u) |
           ((events & LOOP_WRITE) != 0 ? EPOLLOUT : 0u);
}

status loop_new(const platform *p, loop **out)
{
    loop *l = memory_allocate_zero(sizeof *l);
    if (l == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    l->platform = p;
    l->wake = -1;
    l->poll = epoll_create1(EPOLL_CLOEXEC);
    if (l->poll >= 0) l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (l->wake < 0 || epoll_ctl(l->poll, EPOLL_CTL_ADD, l->wake, &event) != 0) {
        status result =
            fail(ATOLL_ERROR_OUT_OF_MEMORY, "could not start an event loop: %s", strerror(errno));
        loop_free(l);
        return result;
    }
    *out = l;
    return ATOLL_OK;
}

static void free_removed(loop *l)
{
    while (l->removed != NULL) {
        loop_watch *w = l->removed;
        l->removed = w->after;
        memory_free(w);
    }
}

void loop_free(loop *l)
{
    if (l == NULL) return;
    free_removed(l);
    if (l->wake >= 0) close(l->wake);
    if (l->poll >= 0) close(l->poll);
    memory_free(l);
}

status loop_watch_add(loop *l, int socket, unsigned events, loop_ready ready, void *context,
                      loop_watch **out)
{
    loop_watch *w = memory_allocate_zero(sizeof *w);
    if (w == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *w = (loop_watch){
        .owner = l, .ready = ready, .context = context, .socket = socket, .events = events};
    struct epoll_event event = {.events = poll_events(events), .data.ptr = w};
    if (epoll_ctl(l->poll, EPOLL_CTL_ADD, socket, &event) != 0) {
        memory_free(w);
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "could not watch a socket: %s", strerror(errno));
    }
    *out = w;
    return ATOLL_OK;
}

void loop_watch_set(loop_watch *w, unsigned events)
{
    if (w->events == events || w->removed) return;
    struct epoll_event event = {.events = poll_events(events), .data.ptr = w};
    if (epoll_ctl(w->owner->poll, EPOLL_CTL_MOD, w->socket, &event) == 0) w->events = events;
}

void loop_watch_remove(loop_watch *w)
{
    if (w == NULL || w->removed) return;
    w->removed = true;
    epoll_ctl(w->owner->poll, EPOLL_CTL_DEL, w->socket, NULL);
    w->after = w->owner->removed;
    w->owner->removed = w;
}

void loop_wake(loop *l)
{
    int before = errno; /* may run in a signal handler */
    uint64_t one = 1;
    if (write(l->wake, &one, sizeof one) < 0)
        errno = 0; /* the counter is full: then the loop is awake anyway */
    errno = before;
}

static int wait_ms(const loop *l, uint64_t deadline_ms)
{
    if (deadline_ms == UINT64_MAX) return -1;
    uint64_t now = l->platform->monotonic_ms(l->platform->context);
    if (deadline_ms <= now) return 0;
    return deadline_ms - now > 3600 * 1000 ? 3600 * 1000 : (int)(deadline_ms - now);
}

status loop_turn(loop *l, uint64_t deadline_ms)
{
    struct epoll_event events[LOOP_EVENTS_PER_TURN];
    int count = epoll_wait(l->poll, events, LOOP_EVENTS_PER_TURN, wait_ms(l, deadline_ms));
    if (count < 0 && errno != EINTR)
        return fail(ATOLL_ERROR_INTERNAL, "waiting for sockets failed: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        loop_watch *w = events[i].data.ptr;
        if (w == NULL) {
            uint64_t times;
            if (read(l->wake, &times, sizeof times) < 0) errno = 0; /* another wake-up took it */
            continue;
        }
        if (w->removed) continue;
        unsigned ready = 0;
        if ((events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) ready |= LOOP_READ;
        if ((events[i].events & EPOLLOUT) != 0) ready |= LOOP_WRITE;
        w->ready(w->context, ready);
    }
    free_removed(l);
    return ATOLL_OK;
}
