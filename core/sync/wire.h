#ifndef ATOLL_SYNC_WIRE_H
#define ATOLL_SYNC_WIRE_H
#include "model/list.h"
#include "model/schema.h"
#include "sync/arena.h"

/* Messages as plain C: what schema/sync.proto says, without protobuf. Both machines build and read these; codec.c alone
 * turns them into bytes and back. Everything pointed at lives in the arena of the message. */

/* What this code speaks, from the oldest to the newest. */
enum { WIRE_VERSION_MINIMUM = 1, WIRE_VERSION_MAXIMUM = 1, WIRE_ID_SIZE = 16 };

typedef enum row_kind {
    ROW_NONE = 0,
    ROW_CREATE = 1,
    ROW_EDIT = 2,
    ROW_REMOVE = 3,
    ROW_REPLACE = 4, /* upload */
    ROW_FULL = 5,
    ROW_DELTA = 6,
    ROW_DELETED = 7,
    ROW_EVICTED = 8,
    ROW_REVERTED = 9 /* download, outcome */
} row_kind;

typedef ARENA_ARRAY(uint8_t) wire_bytes;
typedef ARENA_ARRAY(uint32_t) wire_u32;
typedef ARENA_ARRAY(uint64_t) wire_u64;
typedef ARENA_ARRAY(int64_t) wire_i64;
typedef ARENA_ARRAY(double) wire_double;

typedef enum wire_collection { WIRE_LIST = 0, WIRE_SET = 1, WIRE_DICTIONARY = 2 } wire_collection;

typedef struct wire_list {
    wire_collection kind;
    wire_u32 counts;
    wire_u64 lives, actors, counters, parent_counters, stamps, value_stamps, authors;
    wire_u32 element_actors, parent_actors, origin_actors;
    wire_u64 origin_counters; /* empty: nothing moved */
    wire_bytes flags, key_heap;
    wire_u32 key_lengths;  /* of dictionaries */
    uint64_t *key_offsets; /* after the check, of dictionaries: one more than elements */
    uint32_t *starts;      /* after the check: first element of each entry */
} wire_list;
static inline wire_collection wire_collection_of(const model_property *p)
{
    return (p->flags & PROPERTY_SET) != 0          ? WIRE_SET
           : (p->flags & PROPERTY_DICTIONARY) != 0 ? WIRE_DICTIONARY
                                                   : WIRE_LIST;
}
enum { WIRE_ELEMENT_RIGHT = 1, WIRE_ELEMENT_ERASED = 2 };

typedef struct wire_column {
    const char *property;
    value_type type, key_type;
    bool increment; /* the values are added */
    wire_u32 rows;  /* empty: every row */
    wire_bytes nulls, bools, ids, heap, defaults, types;
    wire_i64 integers;
    wire_double reals;
    wire_u32 lengths;
    wire_u64 stamps;
    wire_list *list;
    size_t entries;    /* rows that have the property */
    size_t count;      /* values: entries, or elements of lists */
    uint64_t *offsets; /* after the check, of texts: count + 1 */
    size_t cursor;     /* used while stepping through the rows in order */
    const model_property
        *found; /* by whoever goes through all rows: its property, looked up once */
} wire_column;

typedef struct wire_rows {
    const char *class_name, *owner_class, *owner_property; /* "" unless embedded */
    size_t count;
    wire_column key, owner_keys;
    wire_bytes kinds;
    wire_u64 lives, bases, sequences, owner_counters, owner_actors;
    ARENA_ARRAY(wire_column *) columns;
} wire_rows;
typedef ARENA_ARRAY(wire_rows *) wire_rows_list;

typedef struct wire_query {
    const char *class_name, *text;
} wire_query;
typedef ARENA_ARRAY(wire_query) wire_queries;

typedef struct wire_bind {
    uint32_t version_minimum, version_maximum;
    const char *app_id, *user_agent;
    bool flexible;
    value partition;
    uint64_t ident, cursor, epoch, sent_bound, view_version, previous_ident, run,
        acknowledged_version;
    bytes secret, sent_batch, acknowledged_batch, previous_secret;
    wire_queries view, view_before;
    model_schema schema;
    int64_t wall_ms;
    bool accepts_zstd;
    int32_t log_level; /* 0: no log lines are wanted */
    uint64_t trail;    /* in a reset: what copies of the folder share; 0: nothing is unsent */
    wire_u64 commits;  /* names of commits that are unsent, the newest last */
    bytes resume;
} wire_bind;
typedef struct wire_subscribe {
    uint64_t version;
    wire_queries queries;
} wire_subscribe;
typedef struct wire_upload {
    bytes batch, previous_batch;
    uint64_t bound, cursor;
    uint32_t part;
    bool last;
    wire_rows_list rows;
    uint64_t trail; /* in the first part */
    wire_u64 commits;
} wire_upload;

typedef enum client_message_kind {
    CLIENT_BIND = 1,
    CLIENT_SUBSCRIBE,
    CLIENT_UPLOAD,
    CLIENT_MARK,
    CLIENT_AUTHENTICATE,
    CLIENT_PING,
    CLIENT_UNBIND
} client_message_kind;
typedef struct client_message {
    client_message_kind kind;
    wire_bind bind;
    wire_subscribe subscribe;
    wire_upload upload;
    uint64_t mark;
    const char *token;
    int64_t ping;
} client_message;

/* A stretch of the server's history, between two of its starts. */
typedef struct wire_epoch {
    uint64_t id, last, began;
} wire_epoch;
typedef struct wire_bound {
    uint32_t version;
    uint64_t ident, epoch, high_water, sequence_mark, newest;
    bytes secret, last_batch;
    int64_t server_ms;
    uint64_t previous_high_water, previous_version, offline_ms;
    ARENA_ARRAY(wire_epoch) history;
    model_schema schema;
    bool accepts_zstd;
    const char *log_id;     /* NULL: as "" */
    uint64_t shared_commit; /* the newest of Bind.commits that is applied here; 0: none */
} wire_bound;
typedef struct wire_subscription_state {
    uint64_t version;
    status code;
    const char *text;
} wire_subscription_state;
typedef struct wire_download {
    uint64_t from, to, view_version, clock, remaining_rows;
    bool last, sweep, continues;
    bytes position;
    wire_rows_list rows;
    model_schema schema;
} wire_download;
typedef struct wire_rejected {
    const char *class_name, *key, *reason;
    value primary_key;
} wire_rejected;
typedef struct wire_ack {
    bytes batch;
    uint64_t bound, version, clock, cursor;
    bool last;
    wire_rows_list rows;
    ARENA_ARRAY(wire_rejected) rejected;
} wire_ack;
typedef struct wire_error {
    status code;
    const char *text;
    bool fatal;
    uint64_t retry_delay_ms;
    bool no_recovery;
    const char *log_id; /* NULL: as "" */
} wire_error;
typedef struct wire_log {
    int32_t level;
    const char *text;
} wire_log;

typedef enum server_message_kind {
    SERVER_BOUND = 1,
    SERVER_SUBSCRIPTION_STATE,
    SERVER_DOWNLOAD,
    SERVER_UPLOAD_ACK,
    SERVER_MARK_REPLY,
    SERVER_PONG,
    SERVER_ERROR,
    SERVER_LOG_LINE
} server_message_kind;
typedef struct server_message {
    server_message_kind kind;
    wire_bound bound;
    wire_subscription_state subscription_state;
    wire_download download;
    wire_ack ack;
    uint64_t mark;
    int64_t pong_sent_ms, pong_server_ms;
    wire_error error;
    wire_log log;
} server_message;

void client_message_free(client_message *m); /* what does not live in the arena: schemas */
void server_message_free(server_message *m);

/* ---- reading columns (after codec has checked them) ---- */
/* Steps to a row (rows in ascending order): true when the column has an entry for it. *entry is its number. */
bool wire_column_seek(wire_column *c, size_t row, size_t *entry);
void wire_column_rewind(wire_column *c);
bool wire_column_null(const wire_column *c, size_t i);
/* A link gives its target's key, an embedded object its 16 bytes as a uuid. Of mixed values: a link is of VALUE_TYPED_LINK
 * with its packed bytes as text (wire_link_read), a list or dictionary has the identity of its row as id. */
value wire_column_value(const wire_column *c, size_t i);
uint64_t wire_column_stamp(const wire_column *c, size_t entry);
bool wire_column_default(const wire_column *c, size_t entry);
/* The elements of entry i; links stay keys, so that `value` holds the key: the caller turns them into rows. */
status wire_list_state(const wire_column *c, size_t entry, list_state *out) MUST_CHECK;
static inline uint64_t wire_one_or_each(const wire_u64 *a, size_t row, uint64_t otherwise)
{
    return a->count == 0 ? otherwise : a->count == 1 ? a->items[0] : a->items[row];
}

/* ---- building ---- */
typedef struct wire_builder {
    arena *memory;
    wire_rows_list rows;
    size_t size; /* bytes on the wire, roughly */
    size_t row_count;
} wire_builder;
/* The group of a class (and owner), made at first use. */
status wire_builder_group(wire_builder *b, const char *class_name, const char *owner_class,
                          const char *owner_property, wire_rows **out) MUST_CHECK;
status wire_builder_row(wire_builder *b, wire_rows *group, row_kind kind, const value *key,
                        uint64_t life, uint64_t base) MUST_CHECK;
status wire_builder_owner(wire_builder *b, wire_rows *group, const value *key, bool in_list,
                          element_id element) MUST_CHECK;
/* The field of the newest row of the group. For links v is the target's key (or null) and key_type its type. */
status wire_builder_put(wire_builder *b, wire_rows *group, const char *property, value_type type,
                        value_type key_type, const value *v, uint64_t stamp,
                        bool is_default) MUST_CHECK;
/* Many rows at once, and a field of rows from that one of the group on. */
status wire_builder_rows(wire_builder *b, wire_rows *group, row_kind kind, const value *keys,
                         size_t count, uint64_t life, uint64_t base) MUST_CHECK;
typedef struct wire_field {
    const char *property;
    value_type type, key_type;
    uint64_t stamp;
    bool is_default;
} wire_field;
status wire_builder_put_rows(wire_builder *b, wire_rows *group, const wire_field *field,
                             size_t first, const value *values, size_t count) MUST_CHECK;
status wire_builder_add(wire_builder *b, wire_rows *group, const char *property, int64_t added,
                        uint64_t stamp) MUST_CHECK; /* an increment of the newest row's field */
/* Element values: links are keys. p tells the kind of the collection. */
status wire_builder_list(wire_builder *b, wire_rows *group, const model_property *p,
                         value_type key_type, const list_state *state, uint64_t stamp) MUST_CHECK;
status wire_builder_finish(wire_builder *b) MUST_CHECK; /* packs what is the same for all */

/* ---- mixed values, packed ---- */
status wire_mixed_pack(arena *memory, const value *v, bytes *out) MUST_CHECK; /* not a null */
value wire_mixed_value(value_type type, bytes packed);         /* of bytes that were checked */
const char *wire_mixed_problem(value_type type, bytes packed); /* NULL: none */
status wire_link_make(arena *memory, const char *class_name, const value *key,
                      value *out) MUST_CHECK;
void wire_link_read(const value *link, bytes *class_name, value *key);

/* Every array as long as it must be, indexes in range, texts in UTF-8. Fills entries, count, offsets, starts. */
status wire_rows_check(arena *memory, wire_rows *rows, bool upload) MUST_CHECK;
#endif
