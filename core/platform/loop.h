#ifndef ATOLL_PLATFORM_LOOP_H
#define ATOLL_PLATFORM_LOOP_H
#include "base/bytes.h"
#include "platform/platform.h"

/* One thread waits here for its sockets, its deadline, or another thread's wake-up. */
typedef struct loop loop;
typedef struct loop_watch loop_watch;
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void (*loop_ready)(void *context,
                           unsigned events); /* an error or hang-up shows as LOOP_READ */

status loop_new(const platform *p, loop **out) MUST_CHECK;
void loop_free(loop *l);
status loop_watch_add(loop *l, int socket, unsigned events, loop_ready ready, void *context,
                      loop_watch **out) MUST_CHECK;
void loop_watch_set(loop_watch *w, unsigned events);
void loop_watch_remove(loop_watch *w); /* also from inside a callback; the socket is not closed */
void loop_wake(
    loop *l); /* any thread, also a signal handler: the turn under way, or the next one, ends */
/* Waits until something is ready, woken, or deadline_ms of the monotonic clock; calls what is ready. */
status loop_turn(loop *l, uint64_t deadline_ms) MUST_CHECK;

/* Sockets: TCP, never blocking, without delay, without SIGPIPE. */
status socket_listen(const char *host, uint16_t port, int *out, uint16_t *bound_port) MUST_CHECK;
status socket_connect(const char *host, uint16_t port,
                      int *out) MUST_CHECK;            /* started; writable when done */
status socket_connected(int socket) MUST_CHECK;        /* how it went */
status socket_accept(int socket, int *out) MUST_CHECK; /* -1: nobody is waiting */
/* size 0: would block. CONNECTION_CLOSED: the other side has closed or is gone. */
status socket_read(int socket, void *to, size_t *size) MUST_CHECK;
status socket_write(int socket, const void *data, size_t *size) MUST_CHECK;
void socket_close(int socket);
/* For libraries that bring a socket of their own. False: it did not become ready within that time. */
bool socket_wait(int socket, bool to_write, uint64_t timeout_ms);
/* Any thread: whoever reads or writes it is told that it is closed. The number stays taken. */
void socket_shut_down(int socket);
#endif
