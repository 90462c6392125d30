#ifndef ATOLL_MODEL_MODEL_H
#define ATOLL_MODEL_MODEL_H
#include "base/vector.h"
#include "model/schema.h"
#include "platform/platform.h"
#include "storage/storage.h"

/* The engine. A model_db is one open realm: column blocks in copy-on-write versions over a storage door.
 *
 *   writer: model_begin → model_create/set/... → model_commit      one at a time; a commit is ONE log record
 *   reader: model_view_newest → model_get/find/scan → release      never waits, any thread, sees one version for ever
 *
 * Everything that synchronisation and the server keep (pending table, cursors, idents, users, leave records) lives in
 * the side table (model_side_*), written in the same atomic commit. */
typedef struct model_db model_db;
typedef struct model_view model_view; /* an immutable version; reference counted; any thread */
typedef struct model_txn model_txn;   /* the write transaction */

typedef struct model_options {
    const platform *platform;
    schema_use
        use; /* stored at creation; MISMATCHED_CONFIG on another, but that a server may change the kind of sync */
    bool
        identity_rows; /* synced and server: a key that comes back gets its old row (links light up) */
    bool durable;      /* commits fsync (storage_write sync) */
    uint64_t version_count_max; /* from the oldest one in use to a new one; 0: any number */
    uint64_t memory_budget;     /* bytes of blocks kept in memory; 0: no bound */
    bool
        checkpoint_thread; /* background checkpoints; false in the simulator, which calls model_checkpoint */
    bool
        plain; /* no indexes but that of the keys, and no changes between versions: nobody asks (the server) */
    uint32_t checkpoint_batch; /* bytes that a checkpoint writes at once; 0: four megabytes */
    uint64_t settle_size; /* bytes written after which a checkpoint settles the store; 0: 64 MB */
} model_options;

/* Takes the store over (also on failure). schema may be NULL: what is stored. */
status model_open(storage *store, const model_options *options, const model_schema *schema,
                  model_db **out) MUST_CHECK;
void model_close(
    model_db *db); /* last checkpoint, joins the thread; views and transactions must be gone */
/* The process is about to exit: joins the checkpoint thread, and no transaction begins any more, so that nothing uses
 * the store while the process takes itself apart. Waits at most two seconds for a writer. */
void model_quiesce(model_db *db);
status model_add_schema(model_db *db,
                        const model_schema *schema) MUST_CHECK; /* additive, own commit */
/* The same for local realms, whose schema has a version: what differs in a class that is there needs a higher one
 * (MIGRATION_REQUIRED names all of it), a lower one is SCHEMA_VERSION_LOWER. With a higher one the realm is migrated: new
 * properties have their defaults, removed ones go. may_migrate false: others have it open. */
status model_update_schema(model_db *db, const model_schema *schema, uint64_t version,
                           bool may_migrate) MUST_CHECK;
/* A view of a version before a migration, or before an index was taken away, is of no use after it: the store has
 * nothing any more of what only that version had. So nobody may hold one. */
/* The same with a say in it: one transaction, beside which the old version stays readable. *out NULL: the version is not
 * raised, there is nothing to migrate. */
typedef struct model_migration model_migration;
status model_migration_begin(model_db *db, const model_schema *schema, uint64_t version,
                             model_migration **out) MUST_CHECK;
model_txn *model_migration_txn(model_migration *m); /* with the new schema; do not end it */
model_view *
model_migration_old(model_migration *m); /* release what you retained before the commit */
/* The values of a property that the new schema has no more become those of one that it has new. */
status model_migration_rename(model_migration *m, bytes class_name, bytes from,
                              bytes to) MUST_CHECK;
/* A class that is not in the given schema, with its objects. */
status model_migration_remove_class(model_migration *m, const model_schema *given,
                                    bytes name) MUST_CHECK;
status model_migration_commit(model_migration *m) MUST_CHECK; /* frees it; all or nothing */
void model_migration_cancel(model_migration *m);
/* As it is given, keys included: for other names of what is there. */
status model_txn_set_schema(model_txn *txn, const model_schema *schema) MUST_CHECK;
/* Everything of the schema is stored already, as it is given: SCHEMA_MISMATCH names what is not. */
status model_check_schema(model_db *db, const model_schema *schema) MUST_CHECK;
/* A copy as a realm of its own in an empty store, which is taken over and closed. A realm that syncs may become a local
 * one; then what is not sent yet is lost as such, though the objects have it. */
status model_copy(model_db *db, storage *target, schema_use use) MUST_CHECK;
/* The same for a local realm that shall sync: every object is made anew there, and pending. Takes the target. */
status model_copy_objects(model_db *db, storage *target, schema_use use) MUST_CHECK;
status model_compact(model_db *db) MUST_CHECK; /* checkpoint, and no waste left in the store */
void model_size(model_db *db, uint64_t *total_bytes, uint64_t *used_bytes); /* roughly */
bool model_is_read_only(const model_db *db);
status
model_checkpoint(model_db *db) MUST_CHECK; /* blocks to the store, folded log records dropped */
status model_sync(model_db *db,
                  uint64_t *durable_version) MUST_CHECK; /* fsync of all commits so far */

/* ---- reading ---- */
model_view *model_view_newest(model_db *db); /* new reference */
model_view *model_view_retain(model_view *view);
void model_view_release(model_view *view);
/* A view is awake: what was read from it stays where it is until it is released, whatever the memory budget. A holder
 * that keeps it for long lets it rest and reads between model_read_begin and _end; it gives it back by
 * model_view_release_resting. pause: the thread holds nothing any more that it read since the begin. */
void model_view_rest(model_view *view);
void model_view_release_resting(model_view *view);
typedef struct model_reader model_reader;
model_reader *model_read_begin(model_db *db); /* of this thread; NULL is one, too */
void model_read_end(model_db *db, model_reader *reader);
void model_read_pause(const model_view *view);
uint64_t model_view_version(const model_view *view);
const model_schema *model_view_schema(const model_view *view); /* lives as long as the view */
uint64_t model_version(model_db *db); /* newest committed; cheap, any thread */

uint64_t model_count(const model_view *view, class_key c);
/* Alive: not deleted, hidden, ghost or never there. */
status model_is_alive(const model_view *view, class_key c, row_key row, bool *out) MUST_CHECK;
status model_is_there(const model_view *view, class_key c, row_key row,
                      bool *out) MUST_CHECK; /* alive or hidden: it has its values */
/* For callers that cannot pass a failure on: false when it could not be read, and then the realm takes no more commits,
 * so that nothing that was decided on it lasts. */
bool model_alive(const model_view *view, class_key c, row_key row);
void model_view_failed(const model_view *view,
                       status why); /* a reader of the layers above did the same */
/* The value in the row, whatever its life: a dead row gives OBJECT_INVALID unless it is a ghost's key. A link to a row
 * that is not alive reads as null; model_get_raw gives the stored row key. Text views hold while the view is held. */
status model_get(const model_view *view, class_key c, row_key row, property_key p,
                 value *out) MUST_CHECK;
/* For live objects: the row must be alive. *property: set as soon as it is known, also on failure. */
status model_read(const model_view *view, class_key c, row_key row, property_key p,
                  const model_property **property, value *out) MUST_CHECK;
status model_get_raw(const model_view *view, class_key c, row_key row, property_key p,
                     value *out) MUST_CHECK;
status model_find(const model_view *view, class_key c, const value *key,
                  row_key *out) MUST_CHECK; /* alive; *out 0: none */
status model_find_any(const model_view *view, class_key c, const value *key,
                      row_key *out) MUST_CHECK; /* dead, hidden, ghost too */
/* Asks the memory for what a find of the key will touch: for callers that know their keys ahead. */
void model_find_fetch(const model_view *view, class_key c, const value *key);

/* Scanning: rows of a class by blocks of up to MODEL_BLOCK_ROWS consecutive row keys. */
enum { MODEL_BLOCK_ROWS = 1024 };
typedef struct model_segment {
    row_key first;                         /* row of bit 0 */
    uint64_t alive[MODEL_BLOCK_ROWS / 64]; /* bit i: row first + i is alive */
    uint32_t alive_count;
} model_segment;
/* Steps *cursor (0 at first) over the segments that have alive rows; false at the end or on a failure, *result says which. */
bool model_scan(const model_view *view, class_key c, uint64_t *cursor, model_segment *out,
                status *result);
/* One column of one segment as arrays, for tight loops; every pointer may be NULL = absent column (all null/default).
 *   null_bits: bit set = null (NULL: no nulls);  integers: int, link rows (raw); bits: bool;  doubles: floats too;
 *   timestamps: pairs seconds,nanoseconds;  ids: 16 bytes each (decimals turned: value_decimal_turn);  offsets+heap: string/binary i = heap[offsets[i]..offsets[i+1]), mixed: packed there (value_unpack), raw links.
 *   has_range: minimum/maximum over the integers or doubles. Views hold while the view is held. */
typedef struct model_column {
    value_type type;
    bool present;
    const uint64_t *null_bits;
    const int64_t *integers;
    const uint64_t *bits;
    const double *doubles;
    const int64_t *timestamps;
    const uint8_t *ids;
    const uint32_t *offsets;
    const uint8_t *heap;
    bool has_large; /* some texts lie out of line and are empty here: read the rows one by one */
    bool has_range;
    int64_t integer_minimum, integer_maximum;
    double double_minimum, double_maximum;
} model_column;
status model_segment_column(const model_view *view, class_key c, const model_segment *segment,
                            property_key p, model_column *out) MUST_CHECK;

/* One column of one segment for a reader of single values that comes back to it. It holds until it is closed, while the
 * view is held and nothing is written to the view. */
typedef struct model_window {
    const model_property *property;
    const uint64_t *alive;     /* bit i: the row first + i is alive */
    const uint64_t *null_bits; /* as in model_column */
    const int64_t
        *words;  /* int, double, float as stored, bool: a bit each; NULL: of another type */
    void *block; /* a reference; NULL: closed */
} model_window;
/* False: there is none, since the column is absent, not in memory yet, of links, mixed values or lists,
 * or with values out of line. */
bool model_window_open(const model_view *view, class_key c, row_key row, property_key p,
                       model_window *out);
void model_window_close(model_window *window);
/* The value in a row of the segment, as model_read gives it; the caller has seen that the row is alive. */
void model_window_get(const model_window *window, row_key row, value *out);
bytes model_window_text(const model_window *window, row_key row); /* of texts; no data: null */
/* Asks the memory for what a read of the row would need. */
void model_window_fetch(const model_window *window, row_key row);
static inline bool model_window_bit(const uint64_t *bits, row_key row)
{
    return (bits[row % MODEL_BLOCK_ROWS / 64] >> (row % 64) & 1) != 0;
}

/* ---- lists: a sequence CRDT in a cell (model/list.h has the structure) ---- */
typedef struct element_id {
    uint64_t counter, actor; /* actor: random per realm copy */
} element_id;
status model_list_size(const model_view *view, class_key c, row_key row, property_key p,
                       uint64_t *out) MUST_CHECK; /* visible elements */
uint64_t model_list_count(const model_view *view, class_key c, row_key row,
                          property_key p); /* the same; a failure as in model_alive */
status model_list_get(const model_view *view, class_key c, row_key row, property_key p,
                      uint64_t index, value *out, element_id *id) MUST_CHECK;
/* What a reader is shown: a link whose target is gone, or is not here yet, is left out until the target is there. The index
 * for the functions above of the wanted element; at or past the end, the end. */
status model_list_shown(const model_view *view, class_key c, row_key row, property_key p,
                        uint64_t wanted, uint64_t *count, uint64_t *index) MUST_CHECK;

/* ---- sets and dictionaries: collections in the order of their elements or keys ----
 * Every model_list_* function above reads them too, and model_list_erase and _clear change them: index i is the i-th
 * element in order (sets: value_compare, types by their number; dictionaries: keys by bytes). */
/* index and out may be NULL. A value of another type than the set's is in none. */
status model_set_find(const model_view *view, class_key c, row_key row, property_key p,
                      const value *v, bool *found, uint64_t *index) MUST_CHECK;
status model_dictionary_find(const model_view *view, class_key c, row_key row, property_key p,
                             bytes key, bool *found, uint64_t *index, value *out) MUST_CHECK;
status model_dictionary_key(const model_view *view, class_key c, row_key row, property_key p,
                            uint64_t index, bytes *out) MUST_CHECK;
/* Calls each for the elements in order until it answers false. Links to rows that are not alive are left out of lists
 * and sets, not counted by index either, and are null in dictionaries. key: of dictionaries. */
typedef bool (*model_collection_visitor)(void *context, uint64_t index, bytes key, const value *v);
status model_collection_each(const model_view *view, class_key c, row_key row, property_key p,
                             model_collection_visitor each, void *context) MUST_CHECK;

/* ---- indexes and backlinks: persistent, part of the version ---- */
typedef VECTOR(row_key) model_rows;
/* Alive rows whose property has the value (null too), in row order. INVALID_ARGUMENT: the property has no index. */
status model_index_rows(const model_view *view, class_key c, property_key p, const value *v,
                        model_rows *out) MUST_CHECK;
/* Alive rows of class `from` whose property p links to the row, in row order, each once; of a collection too. */
status model_backlinks(const model_view *view, class_key target, row_key row, class_key from,
                       property_key p, model_rows *out) MUST_CHECK;
/* Links from alive objects of every class to the row; a list that holds it twice counts twice. */
status model_backlink_count(const model_view *view, class_key target, row_key row,
                            uint64_t *out) MUST_CHECK;
/* For the planner: rows that include all those that have the value, link to the row or hold the token, alive or not, in
 * row order. Not *usable: there is no index, it does not know this value (that of a row never written), or there are more
 * than the limit; then what is in *out means nothing. */
status model_index_candidates(const model_view *view, class_key c, property_key p, const value *v,
                              uint64_t limit, model_rows *out, bool *usable) MUST_CHECK;
status model_backlink_candidates(const model_view *view, row_key row, class_key from,
                                 property_key p, uint64_t limit, model_rows *out,
                                 bool *usable) MUST_CHECK; /* p: of links, not mixed */
status model_text_candidates(const model_view *view, class_key c, property_key p, bytes token,
                             uint64_t limit, model_rows *out, bool *usable) MUST_CHECK;
/* Alive rows whose full-text indexed property may hold the token (already folded); the caller checks the text. */
status model_text_rows(const model_view *view, class_key c, property_key p, bytes token,
                       model_rows *out) MUST_CHECK;

/* ---- embedded objects: rows of their class with an owner ---- */
typedef struct model_owner {
    class_key class_of;
    row_key row;
    property_key property;
    element_id element; /* zero unless in a list */
} model_owner;
status model_owner_get(const model_view *view, class_key c, row_key row,
                       model_owner *out) MUST_CHECK; /* direct parent */
status model_root_get(const model_view *view, class_key c, row_key row, class_key *root_class,
                      row_key *root) MUST_CHECK; /* itself if not embedded */
/* The identity of an embedded row everywhere: 16 random bytes, made with it (docs/decisions/0003-embedded-identity.md). */
status model_embedded_identity(const model_view *view, class_key c, row_key row,
                               uint8_t id[16]) MUST_CHECK;

/* ---- writing ---- */
typedef enum commit_origin {
    COMMIT_LOCAL,
    COMMIT_REMOTE,
    COMMIT_SERVER
} commit_origin; /* local: what is pending */
status model_begin(model_db *db, commit_origin origin,
                   model_txn **out) MUST_CHECK; /* waits for the writer before */
bool model_writer_waits(model_db *db); /* somebody else, for the transaction that is open */
const model_view *
model_txn_view(model_txn *txn); /* reads see the transaction's own writes; valid until it ends */
/* What the memory budget did so far: bytes of blocks in memory, bytes let go that somebody may still look at, blocks. */
typedef struct model_memory {
    uint64_t bytes, waiting_bytes, evicted, spilled, loaded_back;
    uint64_t relieved; /* passes of transactions over all blocks, for some to spill */
} model_memory;
model_memory model_memory_now(model_db *db);
void model_txn_rest(model_txn *txn);              /* as model_view_rest, for its view */
uint64_t model_txn_version(const model_txn *txn); /* the version that the commit will have */
status model_commit(model_txn *txn, uint64_t *version)
    MUST_CHECK; /* frees txn, also on failure (then nothing happened) */
/* The same, whatever the options say of durability: what is not durable is seen by everybody but perhaps not on disk
 * yet; model_sync waits for that. */
status model_commit_as(model_txn *txn, bool durable, uint64_t *version) MUST_CHECK;
void model_rollback(model_txn *txn);
void model_txn_hand_over(model_txn *txn,
                         uint64_t thread); /* which ends it; one waits for itself no more */
void model_txn_set_default(model_txn *txn, bool on); /* sets from now on are defaults */

/* key NULL only for classes without one. DUPLICATE_PRIMARY_KEY when alive. A dead or hidden row of the same key is revived
 * (identity_rows) with empty fields. Embedded rows are made by model_set_embedded / model_list_*_embedded only. */
status model_create(model_txn *txn, class_key c, const value *key, row_key *out) MUST_CHECK;
/* Many new objects at once, in consecutive rows, each as model_create and model_set of it would make it (a value that a
 * new object has anyway is not written). Made are those before the first whose key is there already, in whatever life, or
 * came before in the run, or which would be refused; the first one's refusal is the failure. Properties: single ones, not
 * the key, not of a mixed or embedded type; links are rows. (write_run.c) */
enum { MODEL_RUN_MAX = 256, MODEL_RUN_COLUMNS_MAX = 64 };
typedef struct model_run_column {
    property_key property;
    const value *values; /* one for each key */
} model_run_column;
typedef struct model_run {
    const value *keys;
    size_t count;
    const model_run_column *columns;
    size_t column_count;
} model_run;
status model_create_run(model_txn *txn, class_key c, const model_run *run, row_key *first,
                        size_t *made) MUST_CHECK;
status model_ghost(model_txn *txn, class_key c, const value *key, row_key *out)
    MUST_CHECK; /* row for a key that isn't here (yet): found or made, not alive */
status model_delete(model_txn *txn, class_key c,
                    row_key row) MUST_CHECK; /* cascades to embedded; values are dropped */
status model_hide(model_txn *txn, class_key c, row_key row, bool hidden)
    MUST_CHECK; /* not alive but values stay (rule 6); no change event of its own kind: looks like a delete / create */
status model_set(model_txn *txn, class_key c, row_key row, property_key p,
                 const value *v) MUST_CHECK; /* checks type, null, size, UTF-8 */
/* For merge: a list or dictionary in a mixed value whose row is there already (model_embedded_put). */
status model_set_nested(model_txn *txn, class_key c, row_key row, property_key p,
                        const value *v) MUST_CHECK;
status model_set_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                          row_key *out) MUST_CHECK; /* new embedded row, next life of the slot */
status model_list_insert(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index,
                         const value *v) MUST_CHECK;
status model_list_set(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index,
                      const value *v) MUST_CHECK;
status model_list_insert_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                                  uint64_t index, row_key *out) MUST_CHECK;
status model_list_set_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                               uint64_t index, row_key *out) MUST_CHECK;
status model_list_erase(model_txn *txn, class_key c, row_key row, property_key p,
                        uint64_t index) MUST_CHECK;
status model_list_clear(model_txn *txn, class_key c, row_key row, property_key p) MUST_CHECK;
status model_list_move(model_txn *txn, class_key c, row_key row, property_key p, uint64_t from,
                       uint64_t to) MUST_CHECK; /* to: its index afterwards. The element keeps its
    identity; where identities travel it gets another place in the sequence */
/* On a set or dictionary model_list_insert, _set and _move give TYPE_MISMATCH. */
status model_set_insert(model_txn *txn, class_key c, row_key row, property_key p, const value *v,
                        bool *added) MUST_CHECK;
status model_set_erase(model_txn *txn, class_key c, row_key row, property_key p, const value *v,
                       bool *removed) MUST_CHECK;
/* Keys: UTF-8, no '.', not beginning with '$' (NOT_SUPPORTED names the key). */
status model_dictionary_put(model_txn *txn, class_key c, row_key row, property_key p, bytes key,
                            const value *v) MUST_CHECK;
status model_dictionary_put_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                                     bytes key, row_key *out) MUST_CHECK;
status model_dictionary_erase(model_txn *txn, class_key c, row_key row, property_key p, bytes key,
                              bool *removed) MUST_CHECK;
/* Adds to an int, wrapping: a delta that merges by summing, where model_set is last-writer-wins. NULL_NOT_ALLOWED: it is
 * null. */
status model_increment(model_txn *txn, class_key c, row_key row, property_key p,
                       int64_t delta) MUST_CHECK;
/* For merge: the whole CRDT state of a list, and embedded rows by identity. */
struct list_state;
status model_list_state(const model_view *view, class_key c, row_key row, property_key p,
                        struct list_state *out) MUST_CHECK;
status model_list_store(model_txn *txn, class_key c, row_key row, property_key p,
                        const struct list_state *state) MUST_CHECK;
status model_embedded_find(const model_view *view, class_key c, const uint8_t id[16],
                           row_key *out) MUST_CHECK; /* 0: none */
status
model_embedded_put(model_txn *txn, class_key c, const uint8_t id[16], const model_owner *owner,
                   row_key *out) MUST_CHECK; /* found or made alive; no event for the parent */

/* ---- side table: ordered keys and values of the layers above, in the same commit ---- */
status model_side_put(model_txn *txn, bytes key, bytes value) MUST_CHECK;
status model_side_delete(model_txn *txn, bytes key) MUST_CHECK;
status model_side_get(model_db *db, bytes key, buffer *out,
                      bool *found) MUST_CHECK; /* newest committed */
status model_side_get_txn(model_txn *txn, bytes key, buffer *out,
                          bool *found) MUST_CHECK; /* sees own writes */
/* What a layer above gathers in memory for the side table of one transaction. before_commit writes it, with model_side_*: a
 * failure fails the commit. release frees it when the transaction ends, committed or not. One a transaction. */
typedef struct model_companion {
    status (*before_commit)(model_txn *txn, void *companion);
    void (*release)(void *companion);
} model_companion;
void model_txn_accompany(model_txn *txn, const model_companion *type, void *companion);
void *model_txn_companion(const model_txn *txn, const model_companion *type); /* NULL: none */
status model_side_iterate(model_db *db, bytes from, bytes to, storage_iterator **out)
    MUST_CHECK; /* committed; keys without the engine's prefix */

/* ---- the changeset of a commit ---- */
typedef enum change_kind {
    CHANGE_CREATE = 1, /* row came alive (create, revive, unhide) */
    CHANGE_DELETE = 2, /* row is no longer alive */
    CHANGE_SET = 3,    /* property; value_is_default */
    CHANGE_LIST = 4    /* list property: something in it */
} change_kind;
typedef struct change {
    change_kind kind;
    class_key class_of;
    row_key row;
    property_key property;
    bool is_default;
    bool hidden; /* DELETE by model_hide */
} change;
/* Folded per (class,row): calls each once per row, rows of a class in order of first touch. properties: keys touched. */
typedef struct row_change {
    class_key class_of;
    row_key row;
    bool created, deleted; /* deleted then created again: both true, deleted_first */
    bool deleted_first;
    const property_key *properties; /* set or list-changed, each once */
    const uint8_t *defaults;        /* 1 = the last set was a default */
    size_t property_count;
    const struct row_increment *increments; /* of each property; NULL: nothing was incremented */
} row_change;
/* What was added to a property after it was last set, or without that. */
typedef struct row_increment {
    int64_t added;
    bool set, incremented;
} row_increment;
typedef struct model_changes
    model_changes; /* of one commit or a run of commits; reference counted; any thread */
/* Changes of versions from < v <= to; NULL with NOT_FOUND semantics (status OUT_OF_RANGE) when no longer kept:
 * kept while a view at or below `from` is held. */
status model_changes_between(model_db *db, uint64_t from, uint64_t to,
                             model_changes **out) MUST_CHECK;
size_t model_changes_count(const model_changes *changes);
const row_change *model_changes_row(const model_changes *changes,
                                    size_t index); /* grouped by class */
void model_changes_free(model_changes *changes);

/* Local commits after a version, in order, for the pending fold: the log is the upload queue until folded. The callback
 * sees each COMMIT_LOCAL commit with its changes and, for asymmetric rows, their values. */
typedef struct local_commit {
    uint64_t version;
    int64_t wall_ms; /* clock readings at the commit (rule 10) */
    uint64_t monotonic_ms, boot_id;
    const model_changes *changes;
    const struct asymmetric_row *asymmetric;
    size_t asymmetric_count;
} local_commit;
typedef struct asymmetric_row {
    class_key class_of;
    bytes
        payload; /* encoded: varint n, then n × (varint property, value) ; embedded and lists nested: model/changeset.h */
} asymmetric_row;
status model_local_commits(model_db *db, uint64_t after,
                           status (*each)(void *context, const local_commit *commit),
                           void *context) MUST_CHECK;
/* The layers above have folded every local commit <= version: its log record may go at the next checkpoint. Call it in a txn. */
status model_set_folded(model_txn *txn, uint64_t version) MUST_CHECK;
uint64_t model_folded(model_db *db);

/* Called after each publication, on the committing thread, no lock held; must be short (wake something). */
typedef void (*model_listener)(void *context, uint64_t version, commit_origin origin);
status model_listen(model_db *db, model_listener listener, void *context) MUST_CHECK;
void model_unlisten(model_db *db, model_listener listener,
                    void *context); /* after the return it is not called any more */
#endif
