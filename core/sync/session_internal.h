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
#include "sync/stage.h"
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
    size_t size;    /* on the wire */
    uint8_t *bytes; /* as it came; NULL: not kept */
} kept_message;

/* What the last message of a group of downloads says of all of it. */
typedef struct download_end {
    uint64_t from, to, view_version, clock;
    bool sweep;
} download_end;

/* How long each commit of a group held the write lock: by powers of two of microseconds. */
enum { HOLD_BUCKETS = 24 };
typedef struct hold_times {
    uint64_t counts[HOLD_BUCKETS];
    uint64_t slices, rows, max_us;
} hold_times;

/* A group of downloads on disk (sync/stage.h): as long as it is not complete messages are added; then it is published. */
typedef struct session_stage {
    stage_record record;
    bool abandoned;        /* what is on disk is of a group that was cut */
    bool paused;           /* the same, and the server may go on with it */
    bool publishing;       /* it is complete */
    kept_message *message; /* the next one to publish; NULL: not read yet */
    integration_plan plan; /* of it */
    row_set told;          /* that was published, when the group is a sweep */
    bool told_known;
    uint64_t due_ms;
    size_t rows_max, unsynced_rows; /* of the next step; published and not on disk */
    uint64_t version;               /* of the newest slice */
    bool others_write;
    hold_times holds;
} session_stage;

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
    uint64_t staged_rows, staged_bytes;
    download_end ended;  /* of the group that is complete */
    bool catching_up;    /* nothing was downloaded since the bind */
    session_stage stage; /* on disk */
    uint64_t run;        /* random */
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
/* session_receive.c */
void session_take_message(session *s, uint64_t now_ms, bytes message);
status session_take_schema(session *s, const model_schema *schema) MUST_CHECK;
status session_store_state(session *s, const sync_state *next) MUST_CHECK;
/* Something here failed (disk full, damaged record): nothing was taken; it is tried again later. */
void session_failed_here(session *s, uint64_t now_ms, status code, const char *doing);
void session_ask_for_everything(session *s);
void kept_message_free(kept_message *k);
/* session_download.c */
status session_take_download(session *s, uint64_t now_ms, kept_message *k, bytes message,
                             bool *kept) MUST_CHECK;
status session_each_download(session *s, status (*each)(void *context, const wire_download *d),
                             void *context) MUST_CHECK; /* of the complete group */
status session_take_schemas(session *s) MUST_CHECK;     /* of the downloads that are staged */
void session_pause_stage(
    session *s); /* the stream ended: what of a group is on disk may be gone on with */
bool session_collects(const session *s); /* parts of a group, and it is not complete */
void session_unstage(session *s);        /* what is not complete, or was taken, is given up */
/* The subscription set of the view comes in force. */
status session_settle_view(session *s, model_txn *txn, sync_state *next,
                           uint64_t view_version) MUST_CHECK;
void session_group_taken(session *s, const sync_state *next);
/* session_publish.c */
status session_read_staged(session *s, uint64_t number, kept_message **out) MUST_CHECK;
status session_resume_stage(session *s) MUST_CHECK; /* what a session before this one left */
void session_publish_begin(session *s, uint64_t now_ms);
void session_publish_end(session *s); /* gives up what is not published; memory only */
bool session_publish_due(const session *s, uint64_t now_ms);
uint64_t session_publish_deadline(const session *s);
void session_publish_slice(session *s, uint64_t now_ms);
/* session_reset.c */
bool session_reset_needed(status code);
void session_reset(session *s, uint64_t now_ms, status code, const char *text, bool no_recovery);
bool session_reset_asks(session *s); /* true: the app is asked first, and the group waits */
status session_reset_take(session *s) MUST_CHECK;
status session_reset_done(session *s) MUST_CHECK; /* nothing is unsent any more */
void session_hold(session *s, bytes message);
void session_drop_held(session *s);
void session_take_held(session *s, uint64_t now_ms);
/* session_upload.c */
bool session_has_pending(session *s);
status session_upload_begin(session *s, uint64_t now_ms, bool *begun) MUST_CHECK;
/* Names of commits up to that log version (trail.h). */
status session_put_names(session *s, arena *memory, uint64_t bound, uint64_t *trail,
                         wire_u64 *commits) MUST_CHECK;
status session_upload_part(session *s, client_message *message, arena *memory) MUST_CHECK;
void session_upload_end(session *s);
bool session_upload_ready(const session *s, uint64_t now_ms);
#endif
