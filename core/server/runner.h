#ifndef ATOLL_SERVER_RUNNER_H
#define ATOLL_SERVER_RUNNER_H
#include "platform/platform.h"
#include "server/config.h"

/* The server's one loop: sockets, users, apps, streams. One thread. Layout of its folder: docs/server.md. */
typedef struct server_runner server_runner;

typedef struct server_runner_options {
    const platform *platform;
    const server_config *config; /* outlives the runner */
    const char *data;            /* folder; made if missing */
    /* Reads the configuration again; NULL: it can't be. */
    status (*read_config)(void *context, server_config *out);
    void *context;
} server_runner_options;

status server_runner_new(const server_runner_options *options,
                         server_runner **out) MUST_CHECK; /* listens at the return */
uint16_t server_runner_port(const server_runner *r);
status server_runner_run(server_runner *r)
    MUST_CHECK;                            /* until stop; everything is on disk at the return */
void server_runner_stop(server_runner *r); /* any thread, also a signal handler */
/* Any thread, also a signal handler: configuration and certificate are read again at the next turn; what can't be used changes
 * nothing. */
void server_runner_reload(server_runner *r);
void server_runner_free(server_runner *r);
#endif
