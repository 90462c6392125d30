#ifndef ATOLL_BENCH_LOAD_H
#define ATOLL_BENCH_LOAD_H
#include "platform/loop.h"
#include "sync/channel.h"
#include "sync/codec.h"

#include <sys/types.h>

/* Sessions of a client that has no realm: the protocol over sockets, nothing kept but what a bind needs. */
typedef struct load load;
typedef struct line line;
typedef struct load_session {
    load *load;
    line *on;
    grpc_call *call; /* NULL: it has none now */
    long number;
    bool bound, ready; /* ready: the download of its subscription has come */
    uint64_t ident, epoch, cursor, rows;
    uint8_t secret[16];
} load_session;
struct line { /* one connection */
    load *load;
    channel *channel;
    bool touched, failed;
};
struct load {
    loop *loop;
    const platform *platform;
    uint16_t port;
    const tls_context *tls; /* NULL: without */
    char token[2000];
    model_schema schema;
    load_session *sessions;
    line *lines;
    long count, streams_a_line, line_count;
    long bound, ready, closed; /* of the sessions */
    line **touched;
    size_t touched_count;
    uint64_t rows;                       /* received by all since the last reset */
    uint64_t last_row_us;                /* when the last of them came */
    uint64_t bound_number, acknowledged; /* of the uploads of session 0 */
    uint8_t last_batch[16];
};
void load_start(load *l, uint16_t port, long count, long streams_a_line);
void load_end(load *l);
void load_log_in(load *l);
/* Opens sessions, at most so many at a time, until all are bound (and ready, when they come for the first time). */
void load_open(load *l, long at_once);
void load_turn(load *l, uint64_t wait_ms);
void load_drop(load *l); /* all connections, as when the server went away */
void load_upload(load *l, int64_t owner);
uint64_t now_us(void);
void must(status result);
#endif
