#ifndef ATOLL_SERVER_SERVER_H
#define ATOLL_SERVER_SERVER_H
#include "model/model.h"
#include "server/config.h"
#include "platform/spool.h"
#include "query/query.h"

/* The server's logic for one app, without I/O: the same engine holds the objects; peers are the server's ends of
 * sessions. Outcomes are ordered by the app's model commits: version = commit version. Driven by server/runner.c
 * (HTTP/2, one thread) or by the simulator. */
typedef struct server_app server_app;
typedef struct peer peer;

typedef struct server_app_options {
    const platform *platform;
    const char *app_id;
    bool flexible;                  /* else partition sync */
    const char *partition_property; /* "_partition" */
    bool partition_clients; /* flexible: partition sync is spoken too, by hidden subscriptions */
    bool development;       /* take schemas from clients */
    struct role_set *roles; /* NULL: everything is allowed; a reference is kept */
    uint64_t memory_budget; /* bytes of blocks kept in memory; 0: no bound */
    bool checkpoint_thread; /* false in the simulator */
    uint64_t
        settle_size; /* bytes written after which the store is settled; 0: as the engine likes */
    uint64_t offline_ms;    /* how long a client may be away; 0: for ever */
    uint64_t staged_max;    /* bytes of unfinished batches of all clients; 0: 4 GB */
    uint64_t staged_memory; /* those of one client that are kept in memory; 0: 1 MB */
    spool_source spools;    /* where the others are kept; open NULL: in memory as well */
    bool no_recovery;       /* clients that have to reset lose what is unsent */
} server_app_options;
status server_app_open(storage *store, const server_app_options *options,
                       server_app **out) MUST_CHECK; /* takes the store over */
void server_app_close(server_app *app);
model_db *server_app_db(server_app *app);
uint64_t server_app_ingested(const server_app *app); /* position of the last ingested object */
status server_app_sync(server_app *app)
    MUST_CHECK; /* fsync of what was committed; acknowledgements up to it may leave */

/* Every client has to reset; what they have not sent is recovered. */
/* A class (property "") or property leaves the schema with its data, until it is restored; its name is free. Each way every
 * client has to reset. */
status server_app_remove(server_app *app, const char *class_name, const char *property) MUST_CHECK;
status server_app_restore(server_app *app, const char *class_name, const char *property) MUST_CHECK;
status server_app_show_schema(server_app *app, char **json) MUST_CHECK; /* the caller frees it */
status server_app_terminate(server_app *app) MUST_CHECK;
/* Forgets deletions that are older than the maximum offline time. Called now and then, cheap. */
status server_app_housekeep(server_app *app) MUST_CHECK;
/* Other limits, from now on: development, offline_ms, staged_max and no_recovery of the options; the others stay. */
void server_app_set_limits(server_app *app, const server_app_options *limits);
/* Takes some objects into the index of a field that subscriptions began to ask for when they were there already. Cheap, and
 * nothing once all are. */
status server_app_index(server_app *app) MUST_CHECK;
/* Other roles, from now on: sessions whose view changes by them get it anew, without a reset. */
status server_app_set_roles(server_app *app, struct role_set *roles) MUST_CHECK;
/* Other custom data of a user (JSON, or nothing): for his sessions the same. */
status server_app_set_user_data(server_app *app, const char *user_id, bytes json) MUST_CHECK;

/* One bound stream. The user was authenticated by the runner (auth is in server/auth.c). */
status peer_new(server_app *app, const char *user_id, peer **out) MUST_CHECK;
status peer_set_user_data(peer *p, bytes json) MUST_CHECK; /* before the first message */
void peer_set_log_id(peer *p, const char *id);             /* by which the log names the session */
void peer_free(peer *p);
/* Lines of the log that only the runner can tell. */
void peer_log_upload(peer *p, uint64_t rows, uint64_t bytes, uint64_t ms);
void peer_log_download(peer *p, uint64_t rows, uint64_t bytes);
void peer_received(peer *p, uint64_t now_ms, bytes message); /* one ClientMessage */
/* Once after the acknowledgement of a large batch: it is to leave before the peer is asked for more, which may take long. */
bool peer_acknowledged(peer *p);
typedef enum peer_action_kind { PEER_ACTION_SEND = 1, PEER_ACTION_CLOSE } peer_action_kind;
typedef struct peer_action {
    peer_action_kind kind;
    bytes message; /* one ServerMessage; valid until the next call */
    status code;   /* CLOSE: maps to a gRPC status */
    const char *text;
} peer_action;
/* What a client is told of a failure. Those of the server's own files are logged and become ERROR_SERVER: a
 * client can't mend them, would take "the disk is full" for its own disk, and has no business with the server's paths. */
status server_public_error(status code, const char **text);
/* On demand, as session_poll. Acknowledgements of versions that are not durable yet are held back. */
bool peer_poll(peer *p, uint64_t now_ms, peer_action *out);
/* After a commit: who may have something to send because of it, or of what another peer did, is given once, in any order;
 * NULL: nobody any more. A peer that got a message is to be polled besides. */
status server_app_watch(server_app *app) MUST_CHECK;
peer *server_app_woken(server_app *app);
/* Held, a peer begins no download for others' changes; what it asked for itself goes on. Answers whether any wait. */
bool peer_hold(peer *p, bool held);
void peer_set_owner(peer *p, void *owner);
/* Judges the token of an Authenticate message, on behalf of the owner. */
void peer_set_authenticator(peer *p, status (*check)(void *owner, bytes token));
void *peer_owner(const peer *p);
typedef struct peer_counters {
    uint64_t messages_in, messages_out, bytes_in, bytes_out, rows_in, rows_out, uploads_applied;
    uint64_t writes_refused;
    uint64_t rows_looked_at; /* to make downloads */
    uint64_t rows_spared;    /* of groups that went on after a cut: the client had them */
} peer_counters;
void peer_get_counters(const peer *p, peer_counters *out);
/* What the stream is about, for `atoll session list`: 0 and nothing before it was bound. The partition is appended as
 * JSON (ids as "uuid(...)" and "oid(...)"), nothing in flexible mode. */
uint64_t peer_ident(const peer *p);
bool peer_is_busy(const peer *p);         /* a batch of it is not acknowledged yet */
uint64_t peer_known_ident(const peer *p); /* also of one that has ended */
status peer_partition(const peer *p, buffer *json) MUST_CHECK;
/* Ingested asymmetric objects: `atoll ingest tail`. Rows as NDJSON lines after a position. */
typedef struct ingest_filter {
    bytes class_name;           /* empty: all */
    int64_t since_ms, until_ms; /* when they came; 0: no bound, until is past the last */
} ingest_filter;
/* limit: objects that are looked at. *last: as far as it looked. */
status server_ingest_read_some(server_app *app, uint64_t after, size_t limit,
                               const ingest_filter *filter, buffer *ndjson,
                               uint64_t *last) MUST_CHECK;
status server_ingest_read(server_app *app, uint64_t after, size_t limit, buffer *ndjson,
                          uint64_t *last) MUST_CHECK;
/* Drops some of the oldest, none beyond the position `through`. *more: call it again soon. */
status server_ingest_drop(server_app *app, const ingest_keep *keep, uint64_t through,
                          bool *more) MUST_CHECK;
/* FNV/hash over the rows of a class that match a query, independent of row order and of local keys: key, fields, lists. Clients use the same (sync/digest.h). */
#endif
