#ifndef ATOLL_SERVER_RUNNER_INTERNAL_H
#define ATOLL_SERVER_RUNNER_INTERNAL_H
#include "platform/file.h"
#include "server/guard.h"
#include "server/passwords.h"
#include "server/runner.h"
#include "server/server.h"
#include "server/sink.h"
#include "server/users.h"
#include "sync/channel.h"

#include <stdatomic.h>

enum { SESSIONS_ENDED_MAX = 1000 }; /* remembered for `atoll session list` */

typedef struct stream stream;
typedef struct connection connection;

typedef struct served_app {
    app_config config;
    server_app *app;                 /* NULL: not used yet since the server started */
    char *staging;                   /* the folder of what is put aside; NULL before it is open */
    uint64_t version_synced;         /* commits up to here are on disk */
    sink *sink;                      /* NULL: none is configured */
    VECTOR(stream *) streams, polls; /* polls: those that may have something to say */
    VECTOR(stream *) held;           /* that changes wait for, until their time */
    uint64_t
        pause_ms; /* between two downloads of one stream: as many as a commit concerns, so long */
} served_app;

/* What is shown of a stream, also after its end. */
typedef struct session_record {
    char app_id[TOKEN_ID_SIZE_MAX], user_id[TOKEN_ID_SIZE_MAX];
    char *partition;
    uint64_t number, ident;
    int64_t opened_ms;
    peer_counters counters;
} session_record;

typedef enum call_kind { CALL_STREAM = 1, CALL_UNARY } call_kind;
typedef struct call_state {
    call_kind kind;
} call_state;

struct stream {
    call_state state; /* first: what the call points at */
    server_runner *runner;
    served_app *app;
    peer *peer; /* NULL before the first message */
    grpc_call *call;
    connection *connection;
    size_t index; /* in app->streams */
    char user_id[TOKEN_ID_SIZE_MAX], log_in[TOKEN_ID_SIZE_MAX];
    int64_t token_until_ms; /* by the wall clock, as tokens are */
    uint64_t number;
    int64_t opened_ms;
    bool to_poll, held, ended, finished;
    char log_id[40];        /* of this start of the server, and a number */
    status end_code;        /* once it is finished */
    peer_counters logged;   /* as of the last lines of the log */
    uint64_t upload_ms;     /* spent on the batch that is coming in */
    uint64_t next_group_ms; /* no download of others' changes begins before */
};

struct connection {
    server_runner *runner;
    channel *channel;
    size_t index; /* in runner->connections */
    bool touched;
};

struct server_runner {
    server_runner_options options;
    const platform *platform;
    char *data;
    loop *loop;
    file_lock *lock;
    users *users;
    passwords *passwords;
    guard *guard;
    tls_context *tls; /* NULL: without */
    atomic_bool reload;
    uint8_t token_key[TOKEN_KEY_SIZE];
    buffer admin_token;
    int listener;
    uint16_t port;
    loop_watch *watch;
    VECTOR(connection *) connections;
    VECTOR(connection *) touched;
    VECTOR(served_app *) apps;
    VECTOR(session_record) ended;
    size_t ended_at; /* oldest, once the list is full */
    uint64_t stream_count;
    uint64_t access_token_ms, refresh_token_ms;
    uint32_t run; /* random: tells streams of two starts apart in the log */
    uint64_t next_sweep_ms, next_housekeeping_ms;
    atomic_bool stop;
};

/* runner.c */
uint64_t runner_now_ms(const server_runner *r);
int64_t runner_wall_ms(const server_runner *r);
void connection_touch(connection *c);
/* apps.c */
status apps_load(server_runner *r) MUST_CHECK;
status apps_find(server_runner *r, bytes id, served_app **out) MUST_CHECK; /* UNKNOWN_APP */
status app_use(server_runner *r, served_app *a,
               bool flexible) MUST_CHECK; /* opens it; the mode counts when it is not known */
/* Of a configuration that was read again; what has to wait for the next start is named in the log. */
status apps_reload(server_runner *r, const server_config *config) MUST_CHECK;
void apps_close(server_runner *r);
/* streams.c */
void stream_begin(server_runner *r, connection *c, grpc_call *call);
void stream_received(stream *s, bytes message);
void stream_ended(stream *s);
void stream_drained(stream *s);
void stream_closed(stream *s);
void stream_finish(stream *s, status code, const char *text);
status streams_commit(server_runner *r)
    MUST_CHECK; /* one sync per app, then everything that may leave leaves */
/* Ends those that have no batch under way, or all; answers whether some go on. */
bool streams_drain(server_runner *r, bool all);
uint64_t streams_deadline(const server_runner *r); /* when one that is held may go on */
/* Sessions whose token has expired: their clients come again with a new one. */
void streams_end_expired(server_runner *r);
void streams_end_log_in(served_app *a, const char *user_id, const char *log_in, status code,
                        const char *text); /* log_in NULL: all of the user */
status stream_record(const stream *s, session_record *out) MUST_CHECK; /* free its partition */
/* services.c, admin.c */
void unary_begin(server_runner *r, connection *c, grpc_call *call);
void unary_received(call_state *state, bytes message);
void unary_ended(call_state *state);
void unary_closed(call_state *state);
void services_password_done(server_runner *r);
#endif
