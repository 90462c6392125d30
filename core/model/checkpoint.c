/* Checkpoints: what changed since the last one goes from a pinned version to the store, then the root record moves and
 * log records that nobody needs go. It must never hold a lock while it writes, nor write what is not of its version.
 * Invariant: a crash between two batches leaves records that are newer than the root; the replay passes over what they
 * have already. Children of an index node are written before it. */
#include "base/log.h"
#include "model/codec.h"
#include "model/engine.h"

enum {
    CHECKPOINT_BATCH_SIZE = 4 << 20,
    CHECKPOINT_LOG_SIZE = 16 << 20,
    CHECKPOINT_LOG_COUNT = 2000,
    CHECKPOINT_PERIOD_MS = 5000,
    SETTLE_SIZE = 64 << 20
};

typedef struct checkpoint {
    model_db *db;
    model_view *view;
    storage_batch *batch;
    size_t batch_size, batch_limit, written_bytes;
    bool drops_trees;
    uint64_t extents; /* ids below are those that the version knows */
    buffer record;
    VECTOR(atomic_bool *) written; /* flags to set once the batch is in the store */
} checkpoint;

static status flush(checkpoint *k)
{
    if (k->batch == NULL) return ATOLL_OK;
    cache_wait(k->db->cache);
    TRY(storage_write(k->db->store, k->batch, false));
    storage_batch_free(k->batch);
    k->batch = NULL;
    k->written_bytes += k->batch_size;
    k->batch_size = 0;
    for (size_t i = 0; i < k->written.count; i++) atomic_store(k->written.items[i], true);
    k->written.count = 0;
    return ATOLL_OK;
}

static status put(checkpoint *k, bytes key, atomic_bool *flag)
{
    if (k->batch == NULL) TRY(storage_batch_new(k->db->store, &k->batch));
    TRY(storage_batch_put(k->batch, key, buffer_view(&k->record)));
    k->batch_size += key.size + k->record.size;
    return vector_push(&k->written, flag);
}

/* A block in which no row holds anything leaves the store. */
static status write_large(checkpoint *k, const block_data *d)
{
    uint8_t key[9];
    for (uint32_t i = 0; i < d->large_count; i++) {
        large_value *l = d->large[i];
        if (atomic_load(&l->stored)) continue;
        TRY(codec_large(&k->record, k->view->version, l));
        TRY(put(k, extent_key(key, l->id), &l->stored));
        if (k->batch_size >= k->batch_limit) TRY(flush(k));
    }
    return ATOLL_OK;
}

static status write_block(checkpoint *k, block *b)
{
    uint8_t key_bytes[17];
    bytes key = block_key(key_bytes, b->class_of, b->slot, b->segment);
    const block_data *d = NULL;
    TRY(block_load(k->db->store, b, &d));
    if (!codec_block_is_empty(d)) {
        TRY(codec_block(&k->record, k->view->version, d));
        return put(k, key, &b->stored);
    }
    if (k->batch == NULL) TRY(storage_batch_new(k->db->store, &k->batch));
    TRY(storage_batch_delete(k->batch, key));
    atomic_store(&b->absent, true);
    return vector_push(&k->written, &b->stored);
}

/* ---- collections: their extents reach the store before the block that names them ---- */
static status write_list_node(checkpoint *k, list_node *n)
{
    uint8_t key[9];
    if (atomic_load(&n->stored)) return ATOLL_OK;
    const list_inner *inner = n->leaf ? NULL : atomic_load(&n->data);
    for (uint32_t i = 0; inner != NULL && i < inner->used; i++)
        TRY(write_list_node(k, inner->children[i].node));
    TRY(codec_list_node(&k->record, k->view->version, n));
    TRY(put(k, extent_key(key, n->id), &n->stored));
    return k->batch_size >= k->batch_limit ? flush(k) : ATOLL_OK;
}

static status write_cells(checkpoint *k, const block *b)
{
    const block_data *d = atomic_load(&b->data);
    for (uint32_t row = 0; row < MODEL_BLOCK_ROWS; row++) {
        const list_cell *cell = block_cell(d, row);
        if (cell == NULL || cell->root == NULL || list_cell_inline(cell) != NULL) continue;
        TRY(write_list_node(k, cell->root));
    }
    return ATOLL_OK;
}

/* What is dead and swept by this checkpoint is not in the record any more. */
static status write_extents(checkpoint *k, size_t skip, uint64_t settled)
{
    uint8_t key[2] = {KEY_META, 'e'};
    if (atomic_load(&k->db->next_extent) == 1) return ATOLL_OK;
    TRY(extents_record(k->db, skip, settled, k->view->version, &k->record));
    if (k->batch == NULL) TRY(storage_batch_new(k->db->store, &k->batch));
    k->batch_size += k->record.size;
    return storage_batch_put(k->batch, bytes_of(key, sizeof key), buffer_view(&k->record));
}

/* In the batch of the root, which names none of them. */
static status sweep_extents(checkpoint *k, size_t *count)
{
    uint8_t key[9];
    VECTOR(uint64_t) ids = {0};
    status result = ATOLL_OK;
    mutex_lock(&k->db->lock);
    *count = extents_sweepable(k->db, k->view->version);
    for (size_t i = 0; i < *count && result == ATOLL_OK; i++)
        result = vector_push(&ids, k->db->dead_extents.items[i].id);
    mutex_unlock(&k->db->lock);
    for (size_t i = 0; i < ids.count && result == ATOLL_OK; i++)
        result = storage_batch_delete(k->batch, extent_key(key, ids.items[i]));
    vector_free(&ids);
    return result == ATOLL_OK ? write_extents(k, *count, k->extents) : result;
}

static void forget_extents(checkpoint *k, size_t count)
{
    mutex_lock(&k->db->lock);
    k->db->extents_settled = k->extents;
    k->db->dead_extents.count -= count;
    if (count != 0)
        memmove(k->db->dead_extents.items, k->db->dead_extents.items + count,
                k->db->dead_extents.count * sizeof *k->db->dead_extents.items);
    mutex_unlock(&k->db->lock);
}

/* A segment and its blocks go in one batch, so that its version speaks for all of them. */
static status write_segment(checkpoint *k, segment *s)
{
    const segment_data *d = atomic_load(&s->data);
    uint8_t key[17];
    for (uint32_t i = 0; i < d->slot_count; i++) {
        block *b = d->blocks[i];
        bool list = b != NULL && b->type.kind == COLUMN_LIST;
        if (list && !atomic_load(&b->stored)) TRY(write_cells(k, b));
        if (b == NULL || b->type.kind != COLUMN_TEXT || atomic_load(&b->stored)) continue;
        const block_data *texts = NULL;
        TRY(block_load(k->db->store, b, &texts));
        TRY(write_large(k, texts));
    }
    for (uint32_t i = 0; i < d->slot_count; i++) {
        block *b = d->blocks[i];
        if (b != NULL && !atomic_load(&b->stored)) TRY(write_block(k, b));
    }
    TRY(codec_segment(&k->record, k->view->version, d));
    TRY(put(k, block_key(key, s->class_of, SLOT_HEADER, s->index), &s->stored));
    return k->batch_size >= k->batch_limit ? flush(k) : ATOLL_OK;
}

static status write_node(checkpoint *k, tree_node *n, uint32_t height)
{
    if (n == NULL || atomic_load(&n->stored)) return ATOLL_OK;
    for (size_t i = 0; i < TREE_FANOUT; i++) {
        void *child = n->children[i];
        if (child == NULL) continue;
        if (height > 1)
            TRY(write_node(k, child, height - 1));
        else if (!atomic_load(&((segment *)child)->stored))
            TRY(write_segment(k, child));
    }
    return vector_push(&k->written, &n->stored);
}

static status write_index(checkpoint *k, index_node *n)
{
    if (n == NULL || atomic_load(&n->stored)) return ATOLL_OK;
    const index_data *d = atomic_load(&n->data);
    uint8_t key[INDEX_RECORD_KEY_SIZE];
    for (size_t i = 0; i < INDEX_FANOUT && !index_is_leaf(d); i = index_run_end(d, i))
        TRY(write_index(k, index_children(d)[i]));
    TRY(index_encode(&k->record, k->view->version, n));
    TRY(put(k, index_record_key(key, n), &n->stored));
    for (unsigned bit = 2; bit < 2 * INDEX_FANOUT; bit++)
        if ((d->dropped >> bit & 1) != 0)
            TRY(storage_batch_delete(k->batch, index_dropped_key(key, n, bit)));
    return k->batch_size >= k->batch_limit ? flush(k) : ATOLL_OK;
}

static status write_root(checkpoint *k)
{
    uint8_t key[2] = {KEY_META, 'r'};
    const model_view *view = k->view;
    TRY(codec_begin(&k->record, view->version));
    TRY(buffer_append_varint(&k->record, view->class_count));
    for (size_t i = 0; i < view->class_count; i++) {
        const class_state *c = view->classes[i];
        TRY(buffer_append_varint(&k->record, c->next_row));
        TRY(buffer_append_varint(&k->record, c->alive_count));
        TRY(buffer_append_byte(&k->record, c->index != NULL));
        TRY(buffer_append_varint(&k->record, c->tree_count));
        for (uint32_t t = 0; t < c->tree_count; t++)
            TRY(buffer_append_varint(&k->record, c->trees[t].tree));
    }
    TRY(schema_write(&k->record, &view->schema->schema));
    codec_seal(&k->record);
    if (k->batch == NULL) TRY(storage_batch_new(k->db->store, &k->batch));
    TRY(forget_records(k->db, view->version, k->batch));
    return storage_batch_put(k->batch, bytes_of(key, sizeof key), buffer_view(&k->record));
}

/* Redo ends at the checkpoint; a local commit of a synced realm stays until it is folded. */
static bool is_needed(const model_db *db, const log_place *place, uint64_t version)
{
    if (place->version > version) return true;
    return db->options.use != SCHEMA_LOCAL && place->origin == COMMIT_LOCAL &&
           place->version > db->folded;
}

static status drop_log(checkpoint *k)
{
    VECTOR(uint64_t) versions = {0};
    uint8_t key[9];
    status result = ATOLL_OK;
    mutex_lock(&k->db->lock);
    for (size_t i = 0; i < k->db->log.count && result == ATOLL_OK; i++)
        if (!is_needed(k->db, &k->db->log.items[i], k->view->version))
            result = vector_push(&versions, k->db->log.items[i].version);
    mutex_unlock(&k->db->lock);
    for (size_t i = 0; i < versions.count && result == ATOLL_OK; i++)
        result = storage_batch_delete(k->batch, log_key(key, versions.items[i]));
    if (result == ATOLL_OK) result = flush(k);
    if (result == ATOLL_OK) {
        mutex_lock(&k->db->lock);
        size_t kept = 0, at = 0;
        for (size_t i = 0; i < k->db->log.count; i++) {
            bool dropped = at < versions.count && k->db->log.items[i].version == versions.items[at];
            if (dropped)
                at++;
            else
                k->db->log.items[kept++] = k->db->log.items[i];
        }
        k->db->log.count = kept;
        mutex_unlock(&k->db->lock);
    }
    vector_free(&versions);
    return result;
}

/* Records of indexes that are no more: all between those that are. */
static status drop_trees_of(checkpoint *k, const class_state *c)
{
    uint8_t from[INDEX_RECORD_KEY_SIZE], to[INDEX_RECORD_KEY_SIZE];
    uint32_t tree = c->index == NULL ? INDEX_OF_KEY : INDEX_OF_KEY + 1;
    for (;;) {
        uint32_t next = UINT32_MAX;
        for (uint32_t t = 0; t < c->tree_count; t++)
            if (c->trees[t].tree >= tree && c->trees[t].tree < next) next = c->trees[t].tree;
        if (next != tree)
            TRY(storage_batch_delete_range(
                k->batch, index_record_key(from, &(index_node){.class_of = c->key, .tree = tree}),
                index_record_key(to, &(index_node){.class_of = c->key, .tree = next})));
        if (next == UINT32_MAX) return ATOLL_OK;
        tree = next + 1;
    }
}

static status drop_trees(checkpoint *k)
{
    if (!k->drops_trees) return ATOLL_OK;
    for (size_t i = 0; i < k->view->class_count; i++) TRY(drop_trees_of(k, k->view->classes[i]));
    return ATOLL_OK;
}

static status write_all(checkpoint *k)
{
    size_t swept = 0;
    TRY(write_extents(k, 0, k->db->extents_settled));
    /* Indexes first: whenever a segment of some version is on disk, so is what the indexes say of it, and a replay
     * that passes over the segment's change may pass over theirs. */
    for (size_t i = 0; i < k->view->class_count; i++) {
        const class_state *c = k->view->classes[i];
        TRY(write_index(k, c->index));
        for (uint32_t t = 0; t < c->tree_count; t++) TRY(write_index(k, c->trees[t].root));
    }
    for (size_t i = 0; i < k->view->class_count; i++)
        TRY(write_node(k, k->view->classes[i]->root, k->view->classes[i]->height));
    TRY(flush(k));
    TRY(write_root(k));
    TRY(drop_trees(k));
    TRY(sweep_extents(k, &swept));
    TRY(drop_log(k));
    forget_extents(k, swept);
    return ATOLL_OK;
}

status checkpoint_run(model_db *db)
{
    uint32_t wanted = db->options.checkpoint_batch;
    checkpoint k = {.db = db, .batch_limit = wanted == 0 ? CHECKPOINT_BATCH_SIZE : wanted};
    mutex_lock(&db->lock);
    while (db->checkpointing) condition_wait(&db->changed, &db->lock);
    db->checkpointing = true;
    k.view = db->newest;
    view_hold(k.view, true);
    db->checkpoint_wanted = false;
    db->checkpoint_begun = k.view->version;
    k.extents = db->extents_published;
    uint64_t log_bytes = db->log_bytes;
    k.drops_trees = db->schema_version > db->checkpoint_version;
    mutex_unlock(&db->lock);
    buffer_init(&k.record, RECORD_SIZE_MAX);
    status result = write_all(&k);
    storage_batch_free(k.batch);
    buffer_free(&k.record);
    vector_free(&k.written);
    mutex_lock(&db->lock);
    if (result == ATOLL_OK) {
        db->checkpoint_version = k.view->version;
        forget_done(db, k.view->version);
        db->log_bytes -= log_bytes;
    }
    db->unsettled_bytes += k.written_bytes;
    db->checkpointing = false;
    condition_broadcast(&db->changed);
    mutex_unlock(&db->lock);
    model_view_release(k.view);
    return result;
}

status model_checkpoint(model_db *db)
{
    return checkpoint_run(db);
}

status checkpoint_settle(model_db *db, uint64_t size_min)
{
    mutex_lock(&db->lock);
    bool due = db->unsettled_bytes >= size_min;
    if (due) db->unsettled_bytes = 0;
    mutex_unlock(&db->lock);
    return due ? storage_settle(db->store) : ATOLL_OK;
}

bool checkpoint_is_due(const model_db *db)
{
    return db->checkpoint_wanted || db->log_bytes >= CHECKPOINT_LOG_SIZE ||
           db->newest->version - db->checkpoint_version >= CHECKPOINT_LOG_COUNT;
}

void checkpoint_main(void *context)
{
    model_db *db = context;
    uint64_t wanted = db->options.settle_size, settle_size = wanted == 0 ? SETTLE_SIZE : wanted;
    mutex_lock(&db->lock);
    while (!db->stopping) {
        if (!checkpoint_is_due(db) || db->broken != ATOLL_OK) {
            condition_wait_ms(&db->checkpoint_due, &db->lock, CHECKPOINT_PERIOD_MS);
            continue;
        }
        mutex_unlock(&db->lock);
        status result = checkpoint_run(db);
        if (result == ATOLL_OK) result = checkpoint_settle(db, settle_size);
        if (result != ATOLL_OK)
            log_write(LOG_WARN, "Realm.Storage", "a checkpoint failed and is tried again: %s",
                      fail_text());
        mutex_lock(&db->lock);
        if (result != ATOLL_OK && !db->stopping)
            condition_wait_ms(&db->checkpoint_due, &db->lock, CHECKPOINT_PERIOD_MS);
    }
    mutex_unlock(&db->lock);
}
