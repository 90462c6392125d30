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
    char *answers[16]; /* of the last request that had some; terminated by NULL */
    size_t user_events;
    size_t error_count;
    status last_error;
    int32_t connection;
    size_t connections;
    bool released;
} client;
void client_open(client *c, world *w, const char *name);
void client_listen(client *c); /* for a runner that is made by hand */
runner_options client_options(client *c, const char *url, const char *path);
status client_try(client *c, world *w, const char *name, bytes metadata_key);
void client_close(client *c);
uint64_t client_request(client *c);
status client_wait(client *c, uint64_t request,
                   account **user);                    /* until its event; user: a reference */
bool client_wait_connections(client *c, size_t count); /* until CONNECTED came that often */
void client_released(void *context);
void client_wait_released(client *c);
/* One of the requests with texts, and its outcome. */
status client_ask(client *c, runner_ask what, account *of, const char *first, const char *second,
                  const char *third);
status client_log_in_token(client *c, const char *provider, const char *token, account **user);
account *client_log_in(client *c); /* anonymously */
status client_log_in_email(client *c, const char *email, const char *password, account **user);
status client_register(client *c, const char *email, const char *password);
status client_log_out(client *c, account *user);
#endif
