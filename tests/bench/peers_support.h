#ifndef ATOLL_BENCH_PEERS_H
#define ATOLL_BENCH_PEERS_H
#include "server/server.h"
#include "sync/codec.h"

/* The server's logic without sockets, and what speaks the protocol to it: for atoll-bench-peers and atoll-bench-catchup. */
typedef struct bench_server {
    server_app *app;
    model_schema schema; /* Item: _id, owner, score */
    bool roles;          /* set before the start: each class has a filter on what is read */
    peer *writer;        /* uploads what the others see */
    uint64_t bound, stamp;
    uint8_t last_batch[16];
} bench_server;

void must(status result);
double cpu_now(void);  /* microseconds of this thread */
double wall_now(void); /* microseconds */
void print(const char *name, long which, double value, const char *unit);

/* Before the start: so many more classes, of twenty properties each, that every session declares. */
void bench_add_classes(bench_server *b, long classes);
void bench_server_start(bench_server *b, storage *store);
void bench_say(peer *p, const client_message *m);
/* What a session keeps between two connections. */
typedef struct bench_device {
    uint64_t ident, epoch, cursor, bytes;
    uint8_t secret[16];
    char text[8000]; /* of its subscriptions, joined by newlines */
} bench_device;
/* Binds anew, or again where the device has an ident; the answers wait for bench_drain. */
peer *bench_bind(bench_server *b, const bench_device *d);
void bench_drain(peer *p, bench_device *d); /* d NULL: nothing is kept */
/* One batch of rows with ascending keys; all of them new, or all there already. */
typedef int64_t (*bench_owner)(int64_t key);
void bench_upload(bench_server *b, int64_t first, int64_t count, bench_owner owner, bool created);
#endif
