#ifndef ATOLL_SERVER_APP_H
#define ATOLL_SERVER_APP_H
#include "base/log.h"
#include "query/query.h"
#include "server/rules.h"
#include "server/server.h"
#include "sync/breakage.h"
#include "sync/codec.h"
#include "sync/merge.h"
#include "sync/rows.h"

/* Inside the server's logic: the app's records (app.c), what it remembers of rows (meta.c), views (view.c), applying uploads
 * (apply.c), ingest (ingest.c), the peer machine (peer.c, send.c). */

/* history.c: a stretch of versions, from one start of the server to the next. */
typedef struct app_epoch {
    uint64_t id, first, began; /* began: a stamp that is later than all before */
    uint8_t ended;             /* of history_end: its clients have to reset */
} app_epoch;
typedef enum history_end { HISTORY_GOES_ON, HISTORY_TERMINATED, HISTORY_SCHEMA_BROKEN } history_end;
typedef struct app_history {
    VECTOR(app_epoch) epochs; /* the newest last */
    uint64_t horizon;         /* deletions and leaves at or below it are forgotten */
} app_history;

typedef struct shared_query {
    uint64_t hash; /* of class and text */
    char *text;
    query *query;
} shared_query;
typedef struct session_schema {
    model_schema schema; /* which does not change */
    server_app *app;
    buffer record; /* by which equal ones are known */
    size_t users;
    uint64_t
        taken; /* a client's, by a flexible app, when the schema was of this generation; 0: not */
    VECTOR(shared_query) queries; /* of subscriptions */
    map64 query_places;           /* by their hash */
    size_t queries_kept;          /* that somebody used when the others were dropped last */
} session_schema;

typedef struct early_batch early_batch;
/* removed.c, removals.c: what an admin removed from the schema, under a hidden name. */
typedef struct removed_name {
    class_key class_of;
    property_key property; /* 0: the class */
    char *name;            /* before */
} removed_name;
typedef struct gone_name {
    char *class_name, *property; /* "": the whole class */
} gone_name;
typedef VECTOR(gone_name) gone_names; /* of what a session's app still has of it */

struct server_app {
    server_app_options options;
    char *app_id, *partition_property;
    role_set *roles; /* NULL: everything is allowed */
    model_db *db;
    uint64_t epoch, next_ident, clock, ingest_position; /* clock: the latest stamp applied */
    uint64_t ingest_bytes;                              /* of the embedded store */
    uint64_t durable;                                   /* versions up to here are on disk */
    uint64_t schema_generation;                         /* grows with the schema */
    struct mark_cache *marks;
    struct watch_index *watch;
    struct place_index *places;
    bool scans;              /* in tests: the index of places is not asked */
    bool rows_alone;         /* in tests: new objects of an upload are made one by one */
    struct link_maps *links; /* links.c */
    app_history history;
    VECTOR(removed_name) removed;
    map64 runs,
        runs_before; /* of each ident: the run of the client that bound it last, and the one before */
    map64 made;      /* of the runs that bound without an ident: which they got */
    query_path_vector paths; /* that the queries of views read */
    VECTOR(peer *) peers;
    VECTOR(session_schema *) schemas;
    map64
        bound; /* idents that are bound now, to their peer: with many sessions a bind looks at no other */
    early_batch *early;                  /* NULL: no batch is applied as it arrives */
    uint64_t early_dropped;              /* of those, that were begun in vain */
    uint64_t staged_size, staged_memory; /* bytes of unfinished batches of all peers; in memory */
};
status app_begin(server_app *app,
                 model_txn **out) MUST_CHECK; /* every commit of the app's begins so */
int64_t app_now_ms(const server_app *app);    /* server time: never behind what was applied */
status app_record_write(server_app *app, model_txn *txn) MUST_CHECK;
status history_load(server_app *app) MUST_CHECK;
status history_begin(server_app *app,
                     model_txn *txn) MUST_CHECK;            /* a new stretch, from this commit on */
uint64_t history_last(const server_app *app, size_t index); /* the newest version of a stretch */
/* CLIENT_RESET when what a client saw is not in this history, or too far back. */
status history_check(const server_app *app, uint64_t epoch, uint64_t cursor,
                     uint64_t acknowledged) MUST_CHECK;
/* schemas.c: an equal one, if anybody has it; else a copy. It is everybody's: drop it when it is done with. */
status schemas_share(server_app *app, const model_schema *from, session_schema **out) MUST_CHECK;
void schemas_drop(session_schema *s); /* NULL is fine */
/* A query without arguments, the one that another session has where there is one. */
status schemas_query(session_schema *s, class_key c, const char *text, query **out) MUST_CHECK;
/* Takes a client's schema as the mode allows. */
status app_take_schema(server_app *app, const model_schema *schema, bool flexible,
                       const value *partition) MUST_CHECK;
/* The server's form of the classes that the client named. */
status app_schema_for(server_app *app, const model_schema *client, const gone_names *gone,
                      model_schema *out) MUST_CHECK;
bool removed_is_hidden(const char *name);
status removed_load(server_app *app) MUST_CHECK;
void removed_free(server_app *app);
/* Takes out of an app's schema what was removed from the server's, and tells it. */
status removed_from_schema(server_app *app, model_schema *given, gone_names *gone) MUST_CHECK;
void removed_from_upload(const gone_names *gone, wire_upload *u);
bool removed_hides(const gone_names *gone, const model_class *c, const model_property *p);
status removed_hides_owned(const server_app *app, const gone_names *gone, const model_view *view,
                           const model_owner *owner, bool *hides) MUST_CHECK;
bool gone_has(const gone_names *gone, const char *class_name, const char *property);
void gone_free(gone_names *gone);
/* Every client has to reset, from this commit on; once it is made, those that are here are told. */
status history_end_all(server_app *app, model_txn *txn, history_end why) MUST_CHECK;
void history_tell_end(server_app *app, history_end why);

/* reverted: nothing of it was taken. life: the one that the upload got into; 0 when it got into none. */
typedef struct outcome_row {
    class_key class_of;
    row_key row;
    uint64_t life;
    bool reverted;
} outcome_row;
/* A row whose state a client took from an outcome: until its cursor has passed that version, what it had at the cursor tells
 * nothing of what it has. */
typedef struct uncertain_row {
    class_key class_of;
    row_key row;
    uint64_t version;
} uncertain_row;
typedef struct rejected_row {
    class_key class_of;
    const char *reason; /* constant */
    char *packed;       /* the key, as value_write */
    size_t packed_size;
} rejected_row;
/* A folder that was copied or reset may have sent one that it has no acknowledgement of. */
enum { APPLIED_BATCHES_MAX = 16 };
typedef struct applied_batch {
    uint8_t id[16];
    uint64_t bound, version;
} applied_batch;
typedef struct ident_record {
    uint8_t secret[16], last_batch[16];
    bool has_batch;
    uint64_t bound, sequence_mark, batch_version;
    /* What its copy was made with: rules of this fingerprint, as soon as its cursor is at or past the version. */
    uint64_t rules_fingerprint, rules_version;
    char *user_id;
    VECTOR(outcome_row) outcome;
    VECTOR(rejected_row) rejected;
    size_t rejected_size; /* bytes of keys, of this batch */
    VECTOR(uncertain_row) uncertain;
    VECTOR(applied_batch) applied; /* the newest last, at most APPLIED_BATCHES_MAX */
} ident_record;
void ident_record_free(ident_record *r);
/* One of the refused writes of the batch. */
status ident_reject(ident_record *r, class_key c, const value *key, const char *reason) MUST_CHECK;
void ident_forget_rejected(ident_record *r);
status ident_read(server_app *app, uint64_t ident, ident_record *out, bool *found) MUST_CHECK;
status ident_write(model_txn *txn, uint64_t ident, const ident_record *r) MUST_CHECK;

/* ---- what the server remembers of rows ---- */
typedef struct leave_record {
    uint64_t version, life, since, since_author;
    uint64_t previous; /* version of the row's leave record before this one; 0: none */
    bool own_life;     /* a life between was the receiver's own work: it has the object */
    buffer values;     /* the image before */
} leave_record;
/* marks.c: the newest marks. What is written is in the transaction after marks_flush, before its commit; when it does
 * not commit, marks_forget. */
status marks_open(server_app *app) MUST_CHECK;
void marks_close(server_app *app);
status marks_flush(server_app *app, model_txn *txn) MUST_CHECK;
void marks_forget(server_app *app);
void marks_settle(server_app *app); /* between transactions: bounds what is kept in memory */
status marks_peek(server_app *app, class_key c, row_key row,
                  row_mark **out) MUST_CHECK; /* to read, until the next call; zeros when new */
status meta_read(server_app *app, class_key c, row_key row,
                 row_mark *out) MUST_CHECK; /* a copy; zeros when new */
status meta_write(server_app *app, class_key c, row_key row,
                  const row_mark *m) MUST_CHECK; /* zeros: there is none any more */
/* Rows that were never there, which now have this mark, at the version that it says they changed at. */
status marks_new_rows(server_app *app, class_key c, row_key first, size_t count,
                      const row_mark *m) MUST_CHECK;
/* The row changed at this version: moves it in the index of versions; 0: out of it. */
status meta_touch(server_app *app, class_key c, row_key row, row_mark *m,
                  uint64_t version) MUST_CHECK;
/* before: the mark of the life that was there; now: the mark that is written, which remembers the record. */
status meta_leave(server_app *app, model_txn *txn, class_key c, row_key row, const row_mark *before,
                  row_mark *now, uint64_t version) MUST_CHECK;
/* The oldest leave record of the row above `after`, and whether a life since was that ident's own. txn NULL: of what is
 * committed. */
status meta_oldest_leave(server_app *app, model_txn *txn, class_key c, row_key row,
                         const row_mark *m, uint64_t after, uint64_t ident, leave_record *out,
                         bool *found) MUST_CHECK;
/* Rows changed at versions above `after`, each once. */
typedef status (*meta_changed_each)(void *context, uint64_t version, class_key c, row_key row);
status meta_changed(server_app *app, uint64_t after, meta_changed_each each,
                    void *context) MUST_CHECK;
/* Leave records above `after`, oldest first. */
typedef status (*meta_leave_each)(void *context, class_key c, row_key row, const leave_record *r);
status meta_leaves(server_app *app, uint64_t after, meta_leave_each each, void *context) MUST_CHECK;
status meta_drop_leave(model_txn *txn, uint64_t version, class_key c, row_key row) MUST_CHECK;
/* A set of rows of a block as gaps and lengths. */
status marks_rows_read(bytes from, uint64_t *rows) MUST_CHECK;
status marks_rows_write(buffer *to, const uint64_t *rows) MUST_CHECK;

/* ---- what decides about views (image.c) ---- */
bool paths_have(const server_app *app, const query_path *path);
bool paths_follow(const server_app *app, class_key c, property_key p); /* it is on one */
status paths_add(server_app *app, model_txn *txn, const query_path *path) MUST_CHECK;
status paths_load(server_app *app) MUST_CHECK;
/* What is on the declared paths from a row, and what a query says of that. */
status image_write(const server_app *app, const model_view *view, class_key c, row_key row,
                   buffer *to) MUST_CHECK;
bool image_matches(const query *q, const model_schema *schema, bytes image);
void image_value(bytes image, property_key p, value *out); /* of the row itself; null: not known */
/* Rows that have the field, or the life of the row, on one of their paths; some more than once. */
typedef status (*hanging_each)(void *context, class_key c, row_key row);
status hanging_on_field(server_app *app, const model_view *view, class_key c, row_key row,
                        property_key p, hanging_each each, void *context) MUST_CHECK;
status hanging_on_life(server_app *app, const model_view *view, class_key c, row_key row,
                       hanging_each each, void *context) MUST_CHECK;

/* Living rows of class `from` whose property links to the row (links.c), in no order. */
void links_close(server_app *app);
void links_tidy(server_app *app); /* between transactions */
status links_to(server_app *app, const model_view *view, class_key target, row_key row,
                class_key from, const model_property *p, model_rows *out) MUST_CHECK;
/* After the property was written, in the view of the transaction. */
status links_note(server_app *app, const model_view *view, class_key c, row_key row,
                  const model_property *p) MUST_CHECK;

/* ---- views: what a session sees ---- */
typedef struct view_source {
    char *class_name, *text;
} view_source;
typedef struct server_view {
    session_schema *shared;      /* the queries point into it */
    VECTOR(view_source) sources; /* flexible: the subscriptions as they came */
    VECTOR(query *) queries;
    bool partition;
    value partition_value;
    buffer partition_text;
} server_view;
void view_free(server_view *v);
/* The queries, each within what the rules let the session read. BAD_QUERY names the query; not strict: a query on a field
 * that may not be read matches nothing. */
status view_flexible(server_app *app, const session_rules *rules, const wire_queries *queries,
                     bool strict, server_view *out) MUST_CHECK;
status view_partition(server_app *app, const session_rules *rules, const value *partition,
                      server_view *out) MUST_CHECK;
status view_again(server_app *app, const session_rules *rules, const server_view *v,
                  server_view *out) MUST_CHECK; /* the same under other rules */
bool view_matches(const server_view *v, const model_view *view, class_key c, row_key row);
bool view_matches_values(const server_view *v, class_key c, query_getter get, void *context);
bool view_matches_leave(const server_view *v, class_key c, const leave_record *r);
status view_declare_queryables(server_app *app, const server_view *v) MUST_CHECK;

/* ---- places: the rows that have or had a value (places.c) ---- */
enum { PLACES_OF_A_QUERY_MAX = 512 };
uint64_t place_of(class_key c, property_key p, const value *v); /* 0: of no guard */
status places_open(server_app *app) MUST_CHECK;
void places_close(server_app *app);
status places_fork(const server_app *app,
                   struct place_index **out) MUST_CHECK; /* the same fields, nothing waits */
/* What the view's queries demand is indexed from this transaction on. txn NULL: only tells whether anything is missing. */
status places_declare(server_app *app, model_txn *txn, const server_view *v,
                      bool *missing) MUST_CHECK;
size_t places_declared(const server_app *app);
void places_undeclare(server_app *app, size_t count); /* the transaction failed: as it was */
/* Around a change of one row. changed: the version of its newest change before. marks_flush and marks_forget do the
 * rest. */
status places_before(server_app *app, const model_view *view, class_key c, row_key row,
                     bool alive) MUST_CHECK;
status places_after(server_app *app, model_txn *txn, class_key c, row_key row, const row_mark *m,
                    uint64_t changed) MUST_CHECK;
/* The same for rows that were never there. */
typedef struct place_run {
    const model_class *c;
    row_key first;
    size_t count;
    uint64_t version;
    const model_run *values;
} place_run;
status places_new_rows(server_app *app, model_txn *txn, const place_run *run) MUST_CHECK;
/* The row counts as changed at the version of its mark, and has the values that it had. */
status places_touch(server_app *app, model_txn *txn, class_key c, row_key row, const row_mark *m,
                    uint64_t changed) MUST_CHECK;
status places_flush(server_app *app, model_txn *txn) MUST_CHECK;
void places_forget(server_app *app);
status places_trim(server_app *app, model_txn *txn, class_key c, row_key row,
                   const leave_record *left, const row_mark *m) MUST_CHECK;
/* Every row that may match one of the queries, or did, and changed above `after`; some more, some twice. Not *usable:
 * nothing was said. */
typedef status (*places_each)(void *context, class_key c, row_key row);
status places_changed(server_app *app, const server_view *v, const model_view *view, uint64_t after,
                      places_each each, void *context, bool *usable) MUST_CHECK;
/* Every row that matches the query now, and others. */
status places_of_query(server_app *app, const server_view *v, const query *q,
                       const model_view *view, places_each each, void *context,
                       bool *usable) MUST_CHECK;

/* Had a client with this ident and view the row at a version? leaves: the oldest record above the version, or NULL. */
bool view_had(const server_view *v, const model_view *view, class_key c, row_key row,
              const row_mark *m, const leave_record *oldest, uint64_t version, uint64_t ident);

/* ---- uploads ---- */
typedef struct staged_part {
    uint8_t *data; /* the message as it came; NULL: in the spool, or open and the only one */
    uint64_t at;
    size_t size;
    bool embedded; /* rows of embedded classes are among them */
} staged_part;
typedef struct staged_batch {
    VECTOR(staged_part) parts;
    uint8_t id[16], previous[16]; /* what the first part said; it holds for all */
    bool has_previous;
    const gone_names *gone; /* the peer's */
    uint64_t bound, cursor, size, memory_size;
    spool *spool; /* NULL: everything is in memory */
    bool is_open; /* one part is decoded */
    size_t open_part;
    client_message open;
    arena memory;
} staged_batch;
/* staging.c. The part that was just decoded, checked; the last one takes message and arena over. */
status staging_add(peer *p, bytes message, arena *memory, client_message *m) MUST_CHECK;
/* Valid until the next call. */
status staging_read(staged_batch *b, size_t i, const wire_upload **out) MUST_CHECK;
void staging_drop(server_app *app, staged_batch *b); /* leaves it empty and usable */
void peer_arena_init(arena *memory, bytes message);
/* Applies a complete batch in one commit. */
enum { VIEWS_BEFORE_MAX = 8 };
typedef struct judging_views {
    const server_view *items[2 + VIEWS_BEFORE_MAX];
    size_t count, in_force; /* in_force: of those in force and coming, which are the first */
    const session_rules *rules;
} judging_views; /* in force, coming, before: each may allow a write, if the rules do */
/* A view that is in force no more. What was written under it may be on its way until a batch comes that was made when the
 * client had integrated this version: a batch is everything that is pending. */
typedef struct past_view {
    server_view view;
    uint64_t until;
} past_view;
/* A message of a batch that is not whole yet, which was staged; and what ends it. (apply_early.c) */
void early_part(peer *p, const judging_views *views, const wire_upload *u);
void early_drop(server_app *app);
void early_drop_of(const peer *p);
void early_drop_batch(server_app *app, const staged_batch *b);
void early_expire(server_app *app);
status apply_batch(server_app *app, uint64_t ident, const judging_views *views, staged_batch *batch,
                   uint64_t *version) MUST_CHECK;
/* A collection of an upload merges into the row's. *lost: an element came out otherwise than uploaded. BAD_CHANGESET: it
 * does not fit, and nothing was changed. (apply_list.c) */
typedef struct list_merge {
    model_txn *txn;
    uint64_t limit, version; /* limit: no stamp is later */
} list_merge;
status apply_list(const list_merge *m, const model_class *c, row_key row, const model_property *p,
                  const wire_column *column, size_t entry, bool *lost) MUST_CHECK;
/* trails.c. COPIED_FOLDER: a copy of the folder sent some of the batch's commits since version `after`, as another ident. */
status trails_take(server_app *app, model_txn *txn, uint64_t ident, uint64_t after,
                   const wire_upload *u) MUST_CHECK;
/* The newest of the names, told in order, that is applied here; 0: none. */
status trails_newest(server_app *app, uint64_t trail, const wire_u64 *names,
                     uint64_t *out) MUST_CHECK;
enum { INGEST_TIME_SIZE = 25 }; /* 2026-01-31T23:59:59.123Z */
void ingest_time_text(int64_t ms, char text[INGEST_TIME_SIZE]);
status ingest_count_bytes(server_app *app) MUST_CHECK; /* ingest_store.c */
status ingest_rows(server_app *app, model_txn *txn, uint64_t ident, ident_record *record,
                   const session_rules *rules, const wire_upload *upload) MUST_CHECK;
/* Lines of ingested objects with after < position <= through, in order; through: where a commit ended. CANCELLED: enough. */
typedef status (*ingest_visitor)(void *context, uint64_t position, bytes line);
status ingest_each(model_db *db, uint64_t after, uint64_t through, ingest_visitor each,
                   void *context) MUST_CHECK;

/* ---- the peer ---- */
/* Neighbours of which the same is to be told: a first download is a few of these, whatever its size. */
typedef struct group_row {
    class_key class_of;
    uint32_t kind : 4, count : 28;
    row_key row; /* the first */
    uint64_t life;
} group_row;
typedef struct download_group {
    bool active, sweep;
    uint64_t from, to, view_version;
    model_view *view;
    VECTOR(group_row) rows;
    size_t next, within; /* the run, and the row in it, that is sent next */
    uint64_t left;       /* rows that are not sent yet */
    bool with_schema, continued;
    group_row start; /* continued: the first row that the client lacks, whatever changed since */
} download_group;
/* How far a group came that was cut: every row before this one is at the client, as of the version. */
typedef struct resume_point {
    bool known;
    uint64_t epoch, version, from,
        fingerprint; /* from: of the group; of what it depends on besides */
    class_key class_of;
    row_key row;
} resume_point;
typedef struct waiting_ack {
    uint8_t batch[16];
    uint64_t bound, version;
} waiting_ack;
typedef struct waiting_mark {
    uint64_t request, target;
} waiting_mark;
typedef struct queued_message {
    uint8_t *data;
    size_t size;
} queued_message;

typedef struct watch_entry {
    class_key class_of;
    property_key property;
    uint64_t place; /* of an equality; 0: a range or the rest of the class */
} watch_entry;
typedef struct wanted_row {
    class_key class_of;
    row_key row;
} wanted_row;

struct peer {
    server_app *app;
    size_t index; /* in app->peers */
    void *owner;
    status (*authenticator)(void *owner, bytes token);
    /* watch.c. live: it is told of changes after its cursor; wanted: those that may concern it; wanted_all: too many */
    bool live, wanted_all, woken;
    bool uploaded; /* since the last group: what it made itself may be outside of its view */
    bool held;     /* changes of others wait until more of them can go together */
    bool large,
        acknowledged; /* the batch came in several messages; and was acknowledged just now */
    VECTOR(wanted_row) wanted;
    VECTOR(watch_entry) watches;
    uint32_t protocol_version; /* chosen at Bind */
    char log_id[40];
    int32_t log_level; /* of what the client wants to know; 0: nothing */
    char *user_id;
    user_data *data; /* custom data of the user; NULL: none */
    session_rules rules;
    bool view_stale;   /* the rules changed, and the view is still the one before */
    bool view_unknown; /* the copy was made with other rules: what it has can't be told */
    bool bound, closing, closed;
    bool packs; /* the client takes compressed messages */
    bool
        tell_cursor; /* though nothing is for it: it is there, and must not look as if it were not */
    status close_code;
    char *close_text;
    uint64_t ident, cursor, told_cursor, view_version, schema_generation;
    session_schema *client_schema;
    gone_names gone;
    server_view view;
    bool has_next_view;
    server_view next_view;
    past_view before[VIEWS_BEFORE_MAX];
    size_t before_count;
    uint64_t next_view_version;
    VECTOR(queued_message) queue;
    size_t queue_first;
    uint8_t *last_message;
    staged_batch staged;
    bool has_ack;
    waiting_ack ack;
    size_t ack_next; /* outcome rows sent so far */
    VECTOR(waiting_mark) marks;
    download_group group;
    resume_point resume; /* that the client came with, until a group goes on from there */
    buffer out;
    peer_counters counters;
};
/* ---- the predicate index ---- */
status watch_open(server_app *app) MUST_CHECK;
void watch_close(server_app *app);
status watch_join(peer *p) MUST_CHECK; /* a new one */
void watch_leave(peer *p);             /* before it is freed */
status watch_begin(peer *p,
                   const server_view *v) MUST_CHECK; /* at its cursor: told of what comes after */
void watch_end(peer *p);
status watch_advance(server_app *app) MUST_CHECK; /* tells live peers of the commits since */
void peer_wake(peer *p);                          /* it is to be polled */

/* peer_log.c */
void peer_log_bound(peer *p, const char *user_agent, uint64_t cursor);
void peer_log_error(peer *p, status code, const char *text, bool fatal);
void peer_log_refused(peer *p, const char *class_name, const char *reason);
/* send.c: nothing that concerns it has happened since its cursor, though there were commits */
bool send_is_clean(const peer *p);
/* Tells why and ends the stream once that has left. */
void peer_end(peer *p, status code, const char *text, bool fatal);
/* roles of a peer (peer_rules.c): made at Bind; *changed: its copy was made with other ones. */
status peer_make_rules(peer *p, const value *partition) MUST_CHECK;
status peer_keep_rules(peer *p, ident_record *r, uint64_t cursor, bool *changed) MUST_CHECK;
status peer_renew_view(peer *p) MUST_CHECK; /* after a change, between two groups */
/* resume.c: groups that were cut go on. */
enum { RESUME_SIZE_MAX = 80 };
void resume_read(peer *p, bytes position); /* what is not understood is not known */
/* Where the group ends for now; *out empty: it can't go on from here. */
status resume_position(const peer *p, arena *memory, bytes *out) MUST_CHECK;
/* Whether the group that begins goes on from there; with it what the client has is given up or taken up. */
status resume_take(peer *p, const download_group *g, const server_view *old_view,
                   resume_point *out) MUST_CHECK;
static inline bool resume_has(const resume_point *x, class_key c, row_key row)
{
    return x->known && (c != x->class_of ? c < x->class_of : row < x->row);
}
/* send.c: the next message made on demand; *made false: nothing. */
status send_next(peer *p, bool *made) MUST_CHECK;
void send_group_end(peer *p);
void peer_view_passed(peer *p, server_view view, uint64_t until); /* takes the view */
status peer_queue(peer *p, const server_message *m) MUST_CHECK;
#endif
