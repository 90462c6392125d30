#ifndef ATOLL_TESTS_BENCH_SYNC_H
#define ATOLL_TESTS_BENCH_SYNC_H
#include "bench.h"
#include <sys/types.h>

/* atolld in a process of its own and clients in this one. */
typedef struct server {
    pid_t process;
    char url[64], data[512];
} server;
void server_start(server *s, const bench_options *o);
void server_stop(server *s);
/* Bytes of messages in and out of the server, of all sessions so far; below 0: the command line is not where it is built. */
double server_wire_bytes(const server *s, const bench_options *o);
/* Received on the loopback so far, with the headers of TCP and IP, by all programs of the machine; 0: not known. */
double loopback_bytes(void);
double server_cpu_seconds(const server *s);
double own_cpu_seconds(void);
double server_peak_bytes(const server *s); /* resident */

typedef struct client {
    bench_realm b;
    atoll_app *app;
    atoll_queue *queue;
    atoll_session *session;
} client;
atoll_event *wait_for(atoll_queue *queue, uint64_t request);
void subscribe(client *c, const char *query);
void client_open(client *c, const bench_options *o, const char *name, const char *url);
void client_open_with(client *c, const bench_options *o, const char *name, const char *url,
                      atoll_schema *schema); /* which it frees; without the keys of Item */
void client_close(client *c);
void wait_upload(client *c);
void wait_download(client *c);
#endif
