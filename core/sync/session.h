#ifndef ATOLL_SYNC_SESSION_H
#define ATOLL_SYNC_SESSION_H
#include "model/model.h"
#include "query/query.h"

/* The client's end of one synced realm, as a state machine: inputs are calls with the time, outputs are pulled with
 * session_poll. No thread, socket or clock inside; the runner (sync/runner.c) or the simulator drives it. One thread at
 * a time; the runner's thread. All durable state is in the realm's side table. */
typedef struct session session;

/* What an app chooses at each opening of its realm. */
typedef struct session_choices {
    int32_t reset_mode; /* SESSION_RESET_* */
    bool cancel_waits;  /* a connection that fails or is lost ends the waits, too */
    bool ask_resets;    /* before and after a reset the app is asked: session_reset_continue */
} session_choices;

typedef struct session_options {
    model_db *db; /* outlives the session */
    const platform *platform;
    bool flexible;
    value partition;                /* partition sync: string, int, object id, uuid or null */
    const char *partition_property; /* "_partition" */
    const char *user_id;            /* USER_MISMATCH when the folder belongs to another */
    const char *app_id;
    uint64_t reconnect_delay_ms, reconnect_delay_ms_max;
    uint32_t reconnect_multiplier, reconnect_jitter_divisor;
    uint64_t connect_timeout_ms, ping_period_ms, pong_timeout_ms;
    session_choices chosen;
    bool plain; /* no message is compressed */
} session_options;

/* What happens when the server can't go on with this realm; the numbers of the ABI. */
enum {
    SESSION_RESET_RECOVER_OR_DISCARD = 0,
    SESSION_RESET_RECOVER = 1,
    SESSION_RESET_DISCARD = 2,
    SESSION_RESET_MANUAL = 3
};

status session_new(const session_options *options, session **out) MUST_CHECK; /* active at once */
void session_free(session *s);

/* ---- inputs ---- */
void session_start(session *s, uint64_t now_ms); /* resume: an immediate attempt, reason "resume" */
void session_stop(session *s,
                  uint64_t now_ms); /* pause: pending waits fail with SESSION_INACTIVE */
void session_reconnect(session *s, uint64_t now_ms); /* forget the backoff; reason "reconnect" */
void session_close_when_uploaded(
    session *s, uint64_t now_ms); /* last handle closed: dying; event DIED when done */
void session_opened(
    session *s, uint64_t now_ms); /* the stream of the last OPEN is established: bind goes out */
void session_received(session *s, uint64_t now_ms,
                      bytes message); /* one gRPC message (ServerMessage) */
void session_closed(session *s, uint64_t now_ms, status why,
                    const char *text); /* the stream or attempt ended; ATOLL_OK: by us */
void session_committed(session *s, uint64_t now_ms); /* a local commit was published */
void session_tick(session *s, uint64_t now_ms);      /* at or after the deadline */
void session_wait_upload(session *s, uint64_t now_ms, uint64_t request);
void session_wait_download(session *s, uint64_t now_ms, uint64_t request);
void session_cancel(session *s, uint64_t request);
void session_wait_subscriptions(session *s, uint64_t now_ms, uint64_t request, uint64_t version);
/* The answer to SESSION_ACTION_RESET. Not ATOLL_OK: the reset has failed, and is the app's to make. */
void session_reset_continue(session *s, uint64_t now_ms, status code, const char *text);
/* As if the server had said so. */
void session_simulate_error(session *s, uint64_t now_ms, status code, const char *text, bool fatal);
void session_subscriptions_changed(
    session *s, uint64_t now_ms); /* a newer set was committed (sync/subscription.h) */

/* ---- outputs ---- */
typedef enum session_action_kind {
    SESSION_ACTION_OPEN =
        1, /* open a stream; text: the reason ("first", "retry", "resume", "reconnect") */
    SESSION_ACTION_CLOSE, /* close the stream */
    SESSION_ACTION_SEND,  /* message: one ClientMessage; valid until the next call */
    SESSION_ACTION_DONE,  /* request ended: request, code, text */
    SESSION_ACTION_ERROR, /* for the app's error handler: code, text; number_old: 1 if it ended */
    SESSION_ACTION_CONNECTION, /* number_old, number_new: atoll connection states */
    SESSION_ACTION_PROGRESS,   /* something about session_progress changed */
    SESSION_ACTION_RESET, /* number_old: 1 before, 2 after; number_new: 1 discards, 0 recovers */
    SESSION_ACTION_SUBSCRIPTIONS, /* the state of the subscription set changed */
    SESSION_ACTION_DIED /* everything is uploaded after session_close_when_uploaded (or paused): free it */
} session_action_kind;
struct refusals;
typedef struct session_action {
    session_action_kind kind;
    bytes message;
    uint64_t request;
    status code;
    const char *text;         /* valid until the next call */
    struct refusals *refused; /* ERROR of refused writes: which (sync/refusals.h); as text */
    int32_t number_old, number_new;
} session_action;
bool session_poll(
    session *s, uint64_t now_ms,
    session_action *
        out); /* false: nothing to do. The runner stops polling while the stream's buffer is full: SENDs are made on demand */
/* False: a download is being published, slice by slice, and what comes is only kept until then. Let it wait outside. */
bool session_takes_messages(const session *s);
uint64_t
session_deadline(const session *s); /* monotonic ms of the next tick wanted; UINT64_MAX: none */
int32_t session_state(const session *s); /* atoll session state */
int32_t session_connection_state(const session *s);
typedef struct session_progress {
    double upload_fraction, download_fraction; /* below 0: not known yet */
    uint64_t uploaded_bytes, uploadable_bytes, downloaded_bytes, downloadable_bytes;
} session_progress;
void session_get_progress(const session *s, session_progress *out);
#endif
