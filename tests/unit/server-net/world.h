#ifndef ATOLL_TESTS_SERVER_NET_WORLD_H
#define ATOLL_TESTS_SERVER_NET_WORLD_H
#include "base/memory.h"
#include "platform/file.h"
#include "platform/thread.h"
#include "server/runner.h"
#include "sync/runner.h"

/* A real server on a free port in a thread of this process, and client runners on it. */
enum { DONE_MAX = 64 };
typedef struct world {
    char folder[64];
    server_config config;
    server_runner *server;
    thread *thread;
    uint16_t port;
    status server_result;
} world;
void world_open(world *w, const char *yaml);
void world_start_server(world *w); /* again: on the same port and folder */
void world_stop_server(world *w);
void world_close(world *w);

typedef struct client {
    world *world;
    runner *runner;
    mutex lock;
    condition changed;
    uint64_t next_request;
    uint64_t done[DONE_MAX];
    status codes[DONE_MAX];
    account *users[DONE_MAX];
    size_t done_count;
    size_t error_count;
    status last_error;
    int32_t connection;
    size_t connections;
    bool released;
} client;
void client_open(client *c, world *w, const char *name);
void client_close(client *c);
uint64_t client_request(client *c);
status client_wait(client *c, uint64_t request,
                   account **user);                    /* until its event; user: a reference */
bool client_wait_connections(client *c, size_t count); /* until CONNECTED came that often */
void client_released(void *context);
void client_wait_released(client *c);
account *client_log_in(client *c); /* anonymously */
#endif
