#ifndef ATOLL_SYNC_SESSION_INTERNAL_H
#define ATOLL_SYNC_SESSION_INTERNAL_H
#include "base/log.h"
#include "sync/backoff.h"
#include "sync/breakage.h"
#include "sync/codec.h"
#include "sync/integrate.h"
#include "sync/outbox.h"
#include "sync/pending_block.h"
#include "sync/remember.h"
#include "sync/reset.h"
#include "sync/refusals.h"
#include "sync/session.h"
#include "sync/subscription_internal.h"

/* The session machine, split by what it does: session.c (states, timers, waits), session_receive.c (what the server says),
 * session_upload.c (batches). */

enum {
    STATE_ACTIVE = 0,
    STATE_DYING = 1,
    STATE_INACTIVE = 2,
    STATE_PAUSED = 4
}; /* numbers of the ABI */
enum { CONNECTION_DISCONNECTED = 0, CONNECTION_CONNECTING = 1, CONNECTION_CONNECTED = 2 };
enum { FAST_RECONNECT_LIMIT_MS = 60000 };

typedef enum session_phase {
    PHASE_CLOSED,  /* no stream and no attempt */
    PHASE_OPENING, /* OPEN was given out */
    PHASE_OPENED,  /* the stream is there, bind goes out next */
    PHASE_BINDING, /* waiting for Bound */
    PHASE_BOUND
} session_phase;

typedef enum wait_kind { WAIT_UPLOAD = 1, WAIT_DOWNLOAD, WAIT_SUBSCRIPTIONS } wait_kind;
typedef struct session_wait {
    wait_kind kind;
    uint64_t request;
    uint64_t target; /* log version; number of the mark; version of the set */
    bool sent;       /* mark: on this stream */
} session_wait;

typedef struct queued_action {
    session_action_kind kind;
    uint64_t request;
    status code;
    char *text;        /* owned */
    refusals *refused; /* a reference */
    int32_t number_old, number_new;
} queued_action;

typedef struct upload_batch {
    bool active; /* a batch is being sent or waits for its acknowledgement */
    bool sent_all;
    uint64_t cursor; /* of the snapshot */
    model_view *view;
    pending_snapshot pending;
    pending_cursor next_row, next_embedded;
    bool embedded;                       /* some of it belongs to other objects */
    uint64_t given;                      /* rows */
    uint64_t next_record, last_sequence; /* of the outbox */
    uint32_t part;
    map64 stamps; /* log version → stamp */
    map64 roots;  /* roots that the batch names */
} upload_batch;

/* The app is asked before and after a reset; meanwhile what the server says waits. */
enum { RESET_ASKS_NOTHING = 0, RESET_ASKS_BEFORE = 1, RESET_ASKS_AFTER = 2 };
typedef struct held_message {
    uint8_t *data;
    size_t size;
} held_message;

typedef struct kept_message {
    arena memory;
    server_message message;
    size_t size; /* on the wire */
} kept_message;

struct session {
    session_options options;
    char *user_id, *app_id, *partition_property;
    buffer partition_text;
    sync_state sync;
    int32_t state, connection;
    session_phase phase;
    const char *reason;
    bool wants_open, wants_close;
    uint64_t next_attempt_ms, connect_deadline_ms, ping_due_ms, pong_deadline_ms, upload_retry_ms;
    uint64_t bound_at_ms, lost_at_ms; /* 0: never */
    backoff delay;
    random_state random;
    status fatal;
    VECTOR(queued_action) queue;
    size_t queue_first;
    char *last_text; /* of the action given out last */
    refusals *last_refused;
    VECTOR(session_wait) waits;
    uint64_t next_mark;
    clock_offset clock;
    bool hold_upload;
    uint64_t hold_mark; /* mark that ends the hold */
    bool hold_sent;
    bool local_changes; /* perhaps something to upload */
    bool packs;         /* the server takes compressed messages */
    uint64_t uploaded_through;
    upload_batch batch;
    subscription_set subscribed; /* the set that was sent and not answered by its download */
    bool subscribe_wanted;
    VECTOR(kept_message *) staged; /* parts of a download group or of an acknowledgement */
    uint64_t staged_rows;
    uint64_t run; /* random */
    reset_record reset;
    int reset_asks;    /* RESET_ASKS_* */
    bool reset_agreed; /* the app has answered the question before */
    VECTOR(held_message) held;
    size_t remembered; /* records of what was acknowledged */
    uint64_t offline_ms, cursor_stored_ms;
    buffer out;
    session_progress progress;
    bool progress_changed;
    uint64_t acknowledged_bytes, batch_bytes, upload_run_from, group_bytes; /* session_progress.c */
};

/* session.c */
void session_queue(session *s, session_action_kind kind, uint64_t request, status code,
                   const char *text);
void session_queue_numbers(session *s, session_action_kind kind, int32_t first, int32_t second);
void session_queue_refused(session *s, const char *text, refusals *refused); /* takes a reference */
void session_set_connection(session *s, int32_t connection);
/* An error after which the session goes on: ends the waits where the app wants that. */
void session_end_waits_if_wanted(session *s, status code, const char *text);
void session_lost(session *s, uint64_t now_ms,
                  uint64_t delay_at_least_ms); /* the stream ended; the next attempt is planned */
void session_fatal(session *s, status code, const char *text);
void session_progress_init(session *s);
void session_progress_to_upload(session *s); /* something is unsent */
void session_progress_batch_begins(session *s);
void session_progress_sent(session *s, size_t bytes,
                           double part);        /* part: of the batch, till now */
void session_progress_acknowledged(session *s); /* the batch */
void session_progress_all_sent(session *s);
void session_progress_received(session *s, size_t bytes, size_t rows, uint64_t rows_left);
void session_progress_to_download(session *s); /* there are other subscriptions */
void session_progress_group_ends(session *s, bool integrated);
void session_check_waits(session *s, uint64_t now_ms);
void session_unstage(session *s);
/* session_receive.c */
status session_take_schemas(session *s) MUST_CHECK; /* of the downloads that are staged */
void session_take_message(session *s, uint64_t now_ms, bytes message);
/* session_reset.c */
bool session_reset_needed(status code);
void session_reset(session *s, uint64_t now_ms, status code, const char *text, bool no_recovery);
bool session_reset_asks(session *s); /* true: the app is asked first, and the group waits */
status session_reset_take(session *s) MUST_CHECK;
status session_reset_done(session *s) MUST_CHECK; /* nothing is unsent any more */
void session_hold(session *s, bytes message);
void session_drop_held(session *s);
/* session_upload.c */
bool session_has_pending(session *s);
status session_upload_begin(session *s, uint64_t now_ms, bool *begun) MUST_CHECK;
status session_upload_part(session *s, client_message *message, arena *memory) MUST_CHECK;
void session_upload_end(session *s);
bool session_upload_ready(const session *s, uint64_t now_ms);
#endif
