#ifndef ATOLL_MODEL_ENGINE_H
#define ATOLL_MODEL_ENGINE_H
#include "model/cache.h"
#include "model/changeset.h"
#include "model/tree.h"
#include "platform/thread.h"

/* The open realm, its views and its one write transaction; visible to core/model only. */

struct model_view {
    atomic_uint references;
    model_db *db;
    uint64_t version;
    bool writing;              /* of an open transaction: one thread, blocks may change */
    const tree_writer *writer; /* of an open transaction, or NULL */
    segment *last; /* of an open transaction: the segment that it changed last, its own; or NULL */
    shared_schema *schema;
    class_state **classes; /* by class key - 1 */
    size_t class_count;
    model_view *older, *newer; /* the list of live versions, under db->lock */
    uint32_t awake;            /* holders who read at any time; under db->lock */
    uint64_t awake_since;      /* epoch of the cache at which the first of them came */
};

/* A committed record in memory: kept while a view below it is held. */
typedef struct history_record {
    uint64_t version;
    uint8_t *memory;     /* what is freed */
    const uint8_t *data; /* the record in it */
    size_t size;
    bool folded; /* model/fold.c */
    atomic_uint references;
} history_record;

typedef struct log_place { /* a log record that is on disk */
    uint64_t version;
    commit_origin origin;
} log_place;

/* Data of a removed property or class: its records leave the store with the next checkpoint. */
typedef struct forgotten {
    class_key class_of;
    property_key property; /* 0: everything of the class */
    uint64_t version;      /* of the commit */
} forgotten;
typedef VECTOR(forgotten) forgotten_vector;

typedef struct listener {
    model_listener function;
    void *context;
    uint32_t calls;  /* under way */
    uint64_t called; /* newest version that it was told of */
    bool removed;
} listener;

struct model_db {
    storage *store;
    model_options options;
    uint64_t process, actor, element_counter, stamp;
    uint64_t hash_seed; /* of the hashes in the key indexes */
    mutex lock;         /* everything below; never held while calling up or to disk */
    condition changed;
    condition
        checkpoint_due; /* the checkpoint thread alone waits for it: a commit must not wake it for nothing */
    uint64_t writer_thread; /* that began the active transaction */
    bool writer_active, syncing, checkpointing, stopping;
    uint64_t writer_tickets, writer_turn; /* given to who waits to write; whose turn it is */
    bool sweeping;                        /* model/cache.c */
    bool checkpoint_wanted;               /* the memory budget asks for it */
    model_txn *writer;                    /* the active transaction */
    status broken;                        /* set when the disk failed half-way: no more writes */
    char broken_text[512];
    model_view *newest, *oldest;
    atomic_uint_least64_t version;
    VECTOR(history_record *) history;
    VECTOR(log_place) log;
    VECTOR(listener *) listeners;
    forgotten_vector forgotten;
    atomic_uint_least64_t next_extent;
    VECTOR(dead_extent) dead_extents;            /* by rising version */
    uint64_t extents_published, extents_settled; /* ids below: of the newest version; of the root */
    uint64_t checkpoint_begun;                   /* version of the newest checkpoint, done or not */
    uint64_t folded, durable_version, checkpoint_version, log_bytes,
        schema_version; /* of the last change of the schema: the next checkpoint drops indexes that are gone */
    uint64_t unsettled_bytes; /* written since the store was last settled */
    thread *checkpoint_thread;
    cache *cache;
};

typedef struct side_change {
    uint8_t *key, *value; /* value NULL: deleted */
    size_t key_size, value_size;
} side_change;

/* Keys of one kind that the store does not have: from <= key < to, to of size 0: to the end of the side table. */
enum { SIDE_GAPS = 4, SIDE_GAP_KEY_MAX = 48 };
typedef struct side_gap {
    uint8_t from[SIDE_GAP_KEY_MAX], to[SIDE_GAP_KEY_MAX];
    size_t from_size, to_size; /* from_size 0: nothing is known */
    uint32_t misses, searches;
} side_gap;

struct model_txn {
    model_db *db;
    commit_origin origin;
    bool is_default;
    bool migrates; /* primary keys may be set; duplicates are looked for at its end */
    forgotten_vector forgotten;
    map64 rekeyed; /* classes in which a primary key was set */
    bool resting;  /* under db->lock, as awake_since */
    uint64_t awake_since;
    bool silent;         /* changes to what an asymmetric object owns are not logged */
    uint64_t operations; /* applied so far */
    status broken;       /* a change failed half-way: only a rollback is possible */
    char broken_text[256];
    model_view *view; /* changed in place */
    tree_writer writer;
    index_path recent[INDEX_RECENT];
    block_vector texts;
    extent_writer extents;
    list_writer lists;
    buffer record; /* RECORD_HEADER_ROOM bytes, then the operations */
    changeset_writer changes;
    VECTOR(side_change) side;
    map64 side_index; /* hash of the key → index of its newest change + 1 */
    side_gap side_gaps[SIDE_GAPS];
    const model_companion *companion_type;
    void *companion;
    uint64_t folded;
    bool sets_folded, changes_schema;
    VECTOR(uint64_t) heavy;     /* rows that a large value was put into: (class, row) pairs */
    VECTOR(row_key) asymmetric; /* rows made in asymmetric classes: (class, row) pairs */
};

/* ---- view.c ---- */
model_view *view_new(model_db *db, size_t class_count);
void view_destroy(model_view *view); /* the memory only: references to classes and schema go */
static inline const class_state *view_class(const model_view *view, class_key c)
{
    return c >= 1 && c <= view->class_count ? view->classes[c - 1] : NULL;
}
void view_hold(model_view *view, bool awake);   /* one reference more; under the lock */
void view_let_go(model_view *view, bool awake); /* one less */
shared_schema *shared_schema_retain(shared_schema *s);
void shared_schema_release(shared_schema *s);
void class_missing(class_key c); /* say so; the status of it is UNKNOWN_CLASS, UNKNOWN_PROPERTY */
void property_missing(const model_class *c, property_key p);
static inline MUST_CHECK status need_class(const model_view *view, class_key c,
                                           const model_class **out)
{
    *out = view_class(view, c) == NULL ? NULL : schema_class(&view->schema->schema, c);
    if (*out != NULL) return ATOLL_OK;
    class_missing(c);
    return ATOLL_ERROR_UNKNOWN_CLASS;
}
static inline MUST_CHECK status need_property(const model_view *view, class_key c, property_key p,
                                              const model_class **class_out,
                                              const model_property **out)
{
    TRY(need_class(view, c, class_out));
    *out = class_property(*class_out, p);
    if (*out != NULL) return ATOLL_OK;
    property_missing(*class_out, p);
    return ATOLL_ERROR_UNKNOWN_PROPERTY;
}
status read_slot(const model_view *view, class_key c, row_key row, uint32_t slot,
                 value *out) MUST_CHECK; /* absent column: null */
/* What a reader is shown: a link to a row that is not alive is null. */
status show_value(const model_view *view, const model_property *p, value *v) MUST_CHECK;
const char *collection_name(const model_property *p); /* "list" */
status read_cell(const model_view *view, class_key c, row_key row, property_key p,
                 const list_cell **out) MUST_CHECK;
/* Whoever writes to a row looks at it, and at the next one: the segment of the last write is known. */
status row_state_of_segment(const model_view *view, class_key c, row_key row,
                            uint8_t *out) MUST_CHECK;
static inline MUST_CHECK status row_state(const model_view *view, class_key c, row_key row,
                                          uint8_t *out)
{
    const segment *last = view->last;
    if (last == NULL || last->class_of != c || last->index != row / MODEL_BLOCK_ROWS || row == 0)
        return row_state_of_segment(view, c, row, out);
    *out = segment_row_state(atomic_load_explicit(&last->data, memory_order_relaxed), row);
    return ATOLL_OK;
}
uint64_t key_hash(const model_db *db, const value *key);
status check_key(const model_class *c, const value *key) MUST_CHECK;

/* ---- apply.c: the operations on the tree; gate: 0, or the version of the record that is replayed ---- */
status apply_operation(model_txn *txn, const operation *o, uint64_t gate) MUST_CHECK;
/* The transaction's own class and segment; of a segment NULL: what is on disk has the change already. */
status apply_own_class(model_txn *txn, class_key c, class_state **out) MUST_CHECK;
status apply_own_segment(model_txn *txn, class_key c, row_key row, uint64_t gate,
                         segment **out) MUST_CHECK;
status apply_set(model_txn *txn, class_key c, row_key row, uint32_t slot, column_type type,
                 const value *v, uint64_t gate) MUST_CHECK;
status apply_index_key(model_txn *txn, class_key c, uint64_t hash, row_key row,
                       uint64_t gate) MUST_CHECK; /* into the index of the keys */

/* ---- track.c: indexes of properties follow their cells ---- */
/* Before the block is set; b: the transaction's own. */
status track_set(model_txn *txn, class_key c, property_key p, row_key row, const block *b,
                 const value *v, uint64_t gate) MUST_CHECK;
/* Before what the row has in the column is dropped. */
status track_drop(model_txn *txn, class_key c, property_key p, row_key row, block *b,
                  uint64_t gate) MUST_CHECK;
/* An element leaves a collection, another enters; NULL: none. */
status track_element(model_txn *txn, class_key c, property_key p, row_key row, const value *left,
                     const value *entered, uint64_t gate) MUST_CHECK;
/* All elements of a cell enter or leave. */
status track_cell(model_txn *txn, class_key c, property_key p, row_key row, const list_cell *cell,
                  bool enters, uint64_t gate) MUST_CHECK;
/* The schema changed: indexes that came are built, those that went are dropped. */
status track_schema(model_txn *txn, const model_schema *before, bool replayed) MUST_CHECK;
uint64_t index_value_hash(const model_db *db, const value *v);
uint64_t index_link_first(const value *link); /* the first part of its keys */
/* What a row that was never written has: no index of values knows of it. */
bool value_is_blank(const model_property *p, const value *v);

/* ---- commit.c ---- */
status txn_unusable(const model_txn *txn) MUST_CHECK;
static inline MUST_CHECK status txn_usable(const model_txn *txn)
{
    return txn->broken == ATOLL_OK ? ATOLL_OK : txn_unusable(txn);
}
status txn_remember(model_txn *txn, status why);
static inline status txn_break(model_txn *txn, status why) /* remembers, returns why */
{
    return why == ATOLL_OK ? ATOLL_OK : txn_remember(txn, why);
}
status txn_settle(model_txn *txn, uint64_t before, status result)
    MUST_CHECK; /* breaks when some operations of a failed call are in */
status txn_operation(model_txn *txn, const operation *o) MUST_CHECK; /* log, then apply */
status txn_new(model_db *db, commit_origin origin, model_txn **out) MUST_CHECK;
void txn_free(model_txn *txn);
void db_break(model_db *db, status why);

/* ---- keys of the store ---- */
enum {
    KEY_BLOCK = 'B',
    KEY_INDEX = 'I',
    KEY_LOG = 'L',
    KEY_EXTENT = 'E',
    KEY_META = 'M',
    KEY_SIDE = 'S',
    KEY_SPILL = 'T'
};
static inline bytes log_key(uint8_t to[9], uint64_t version)
{
    to[0] = KEY_LOG;
    key_put_u64(to + 1, version);
    return bytes_of(to, 9);
}

void history_release(history_record *record);
enum { RECORD_HEADER_ROOM = 32 };

/* ---- write.c ---- */
status write_delete(model_txn *txn, class_key c,
                    row_key row) MUST_CHECK; /* with what it owns; the owner's slot stays */
status write_delete_owned(model_txn *txn, class_key c, row_key row,
                          const model_property *p) MUST_CHECK; /* what the row owns through it */
status write_hide(model_txn *txn, class_key c, row_key row, bool hidden) MUST_CHECK;
/* identity.c */
void identity_random(model_txn *txn, uint8_t id[16]);
status identity_of_place(const model_view *view, class_key c, const model_owner *owner,
                         uint8_t id[16]) MUST_CHECK; /* new to this copy */
status identity_check(const model_view *view, const uint8_t id[16],
                      const model_owner *owner) MUST_CHECK; /* INVALID_ARGUMENT: of another place */
status write_embedded(model_txn *txn, class_key c, const model_owner *owner, row_key *out,
                      uint8_t id[16]) MUST_CHECK;
status check_value(const model_txn *txn, const model_class *c, const model_property *p,
                   const value *v) MUST_CHECK;
status row_missing(const model_class *c) MUST_CHECK;
/* Alive or hidden. */
static inline MUST_CHECK status need_row(const model_txn *txn, const model_class *c, row_key row)
{
    uint8_t state;
    TRY(row_state(txn->view, c->key, row, &state));
    return state != ROW_DEAD ? ATOLL_OK : row_missing(c);
}
row_key next_row(const model_txn *txn, class_key c);

/* ---- write_list.c: what all writers of collections share ---- */
typedef struct collection_place {
    class_key class_of;
    row_key row;
    const model_class *model;
    const model_property *property;
    const list_cell *cell; /* NULL: empty, never touched */
    uint64_t visible;
    storage *store;
} collection_place;
/* kinds: flags of the property, one of which it must have. */
status collection_place_find(model_txn *txn, class_key c, row_key row, property_key p,
                             uint8_t kinds, collection_place *out) MUST_CHECK;
status collection_check_kind(const collection_place *at, bool embedded) MUST_CHECK;
operation collection_operation(const collection_place *at, operation_kind kind, uint64_t position);
operation collection_insertion(model_txn *txn, const collection_place *at, uint64_t position);
/* The element with a new value to be given. */
operation collection_replacement(model_txn *txn, const collection_place *at, uint64_t position,
                                 const list_element *e);
/* A new embedded row as the value of the operation's element. */
status collection_make_embedded(model_txn *txn, const collection_place *at,
                                operation *o) MUST_CHECK;
/* For a nested list or dictionary as that value: the row behind it. */
status collection_make_nested(model_txn *txn, const collection_place *at, operation *o) MUST_CHECK;
status collection_erase(model_txn *txn, const collection_place *at, uint64_t position,
                        const list_element *e) MUST_CHECK;
/* ---- forget.c ---- */
status forget_apply(model_txn *txn, const operation *o, uint64_t gate) MUST_CHECK;
/* At publication: what the transaction forgot is the realm's to delete. Room was reserved. Under the lock. */
void forget_publish(model_db *db, const model_txn *txn);
/* The records of what was forgotten up to the version go with the batch. */
status forget_records(model_db *db, uint64_t version, storage_batch *batch) MUST_CHECK;
void forget_done(model_db *db, uint64_t version);

/* ---- nested.c: lists and dictionaries in mixed values ---- */
bool nested_is(const value *v);
/* For a list or dictionary: makes the empty row behind it, owned by that place. */
status nested_make(model_txn *txn, const model_owner *owner, value *v) MUST_CHECK;
/* The row that a value owns: an embedded object's or a nested collection's. */
bool nested_owned(const model_property *p, const value *v, class_key *c, row_key *row);
status nested_delete(model_txn *txn, const model_property *p,
                     const value *v) MUST_CHECK; /* what the value owns, if it owns something */

/* ---- room.c ---- */
status room_note(model_txn *txn, const operation *o) MUST_CHECK;
status room_check(const model_txn *txn) MUST_CHECK; /* LIMIT_EXCEEDED: too large to be synced */

/* ---- asymmetric.c ---- */
status finish_asymmetric(model_txn *txn)
    MUST_CHECK; /* payloads into the record, rows out of the version */
bool is_asymmetric(const model_txn *txn, class_key c, row_key row); /* or owned by one */

/* ---- extent.c ---- */
status extents_open(model_db *db) MUST_CHECK;
void extents_publish(model_db *db, extent_writer *w);
size_t extents_sweepable(const model_db *db, uint64_t version);
status extents_record(model_db *db, size_t skip, uint64_t settled, uint64_t version,
                      buffer *to) MUST_CHECK;
/* After a power cut in the middle of a checkpoint, before the replay: what it wrote and nothing names is dead. */
status extents_recover(model_db *db) MUST_CHECK;

/* ---- checkpoint.c, open.c ---- */
status db_add_schema(model_db *db, const model_schema *schema, bool sets_indexes) MUST_CHECK;
status write_format(storage *store, const model_options *options, uint64_t hash_seed) MUST_CHECK;
status commit_schema(model_db *db, const model_schema *merged) MUST_CHECK; /* its own commit */
status checkpoint_run(model_db *db) MUST_CHECK;
void checkpoint_main(void *context);
bool checkpoint_is_due(const model_db *db); /* under the lock */
status checkpoint_settle(model_db *db, uint64_t size_min)
    MUST_CHECK; /* when that much was written since the last time */
#endif
