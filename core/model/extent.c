/* Extents: records of the store under numbers that are never used again, each written once. Whoever changes what is in
 * one writes another and drops the old one. It must never delete what the store's root, or a version in memory, still
 * names. Invariant: the record of extents is in the store before anything that was written after it: the numbers below
 * `next` are taken, and what it lists as dead is named by nothing once the log has been replayed. */
#include "model/codec.h"
#include "model/engine.h"

uint64_t extent_new(const tree_writer *w)
{
    return atomic_fetch_add_explicit(w->extents->next, 1, memory_order_relaxed);
}

status extent_drop(const tree_writer *w, uint64_t id, uint64_t born)
{
    return vector_push(&w->extents->dead, ((dead_extent){id, w->extents->version, born}));
}

/* Called under the lock, with room for all. What was born after the newest checkpoint began never came to the store, and
 * now it never will. */
void extents_publish(model_db *db, extent_writer *w)
{
    for (size_t i = 0; i < w->dead.count; i++)
        if (w->dead.items[i].born <= db->checkpoint_begun)
            db->dead_extents.items[db->dead_extents.count++] = w->dead.items[i];
    w->dead.count = 0;
    db->extents_published = atomic_load(w->next);
}

/* How many of the dead, from the front, nothing can name once a checkpoint of that version is done. Under the lock. */
size_t extents_sweepable(const model_db *db, uint64_t version)
{
    size_t count = 0;
    if (db->oldest->version < version) version = db->oldest->version;
    while (count < db->dead_extents.count && db->dead_extents.items[count].version <= version)
        count++;
    return count;
}

status extents_record(model_db *db, size_t skip, uint64_t settled, uint64_t version, buffer *to)
{
    status result = codec_begin(to, version);
    mutex_lock(&db->lock);
    if (result == ATOLL_OK) result = buffer_append_varint(to, atomic_load(&db->next_extent));
    if (result == ATOLL_OK) result = buffer_append_varint(to, settled);
    if (result == ATOLL_OK) result = buffer_append_varint(to, db->dead_extents.count - skip);
    for (size_t i = skip; i < db->dead_extents.count && result == ATOLL_OK; i++)
        result = buffer_append_varint(to, db->dead_extents.items[i].id);
    mutex_unlock(&db->lock);
    if (result == ATOLL_OK) codec_seal(to);
    return result;
}

static status read_record(model_db *db, bytes record)
{
    reader r;
    uint64_t version = 0;
    TRY(codec_open(record, "the record of extents", &r, &version));
    uint64_t next = reader_varint(&r), settled = reader_varint(&r), count = reader_varint(&r);
    for (uint64_t i = 0; i < count && !r.failed; i++)
        TRY(vector_push(&db->dead_extents, ((dead_extent){.id = reader_varint(&r)})));
    if (r.failed || r.at != r.end || next == 0)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "the record of extents is damaged");
    atomic_store(&db->next_extent, next);
    db->extents_published = next;
    db->extents_settled = settled;
    return ATOLL_OK;
}

status extents_open(model_db *db)
{
    uint8_t key[2] = {KEY_META, 'e'};
    buffer record;
    bool found = false;
    atomic_store(&db->next_extent, 1);
    db->extents_published = db->extents_settled = 1;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get(db->store, bytes_of(key, 2), &record, &found);
    if (result == ATOLL_OK && found) result = read_record(db, buffer_view(&record));
    buffer_free(&record);
    return result;
}

/* ---- after a power cut ---- */
static status mark_tree(model_db *db, list_node *n, map64 *named)
{
    const void *data = NULL;
    TRY(map64_put(named, n->id, 1));
    if (n->leaf) return ATOLL_OK;
    TRY(list_node_load(db->store, n, &data));
    const list_inner *inner = data;
    for (uint32_t i = 0; i < inner->used; i++) TRY(mark_tree(db, inner->children[i].node, named));
    return ATOLL_OK;
}

static status mark_block(model_db *db, block *b, map64 *named)
{
    const block_data *d = NULL;
    if (b == NULL || (b->type.kind != COLUMN_LIST && b->type.kind != COLUMN_TEXT)) return ATOLL_OK;
    TRY(block_load(db->store, b, &d));
    for (uint32_t i = 0; i < d->large_count; i++) TRY(map64_put(named, d->large[i]->id, 1));
    if (b->type.kind != COLUMN_LIST) return ATOLL_OK;
    for (uint32_t row = 0; row < MODEL_BLOCK_ROWS; row++) {
        const list_cell *cell = block_cell(d, row);
        bool outside = cell != NULL && cell->root != NULL && list_cell_inline(cell) == NULL;
        if (outside) TRY(mark_tree(db, cell->root, named));
    }
    return ATOLL_OK;
}

/* Only segments that are newer than the root were written by the checkpoint that was cut off. */
static status mark_class(model_db *db, const class_state *c, map64 *named)
{
    uint64_t end = (c->next_row + MODEL_BLOCK_ROWS - 1) / MODEL_BLOCK_ROWS;
    for (uint64_t i = 0; i < end; i++) {
        segment *s = class_segment(c, i);
        const segment_data *d = NULL;
        if (s == NULL) continue;
        TRY(segment_load(db->store, &db->newest->schema->schema, s, &d));
        if (d->stored_version <= db->checkpoint_version) continue;
        for (uint32_t slot = 0; slot < d->slot_count; slot++)
            TRY(mark_block(db, d->blocks[slot], named));
    }
    return ATOLL_OK;
}

static status collect_unnamed(model_db *db, const map64 *named)
{
    uint8_t from[9], to[9];
    storage_iterator *i = NULL;
    bytes key, record;
    TRY(storage_iterate(db->store, extent_key(from, db->extents_settled),
                        extent_key(to, atomic_load(&db->next_extent)), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &record)) {
        uint64_t id = key.size == 9 ? key_get_u64(key.data + 1) : 0;
        if (map64_get(named, id) == NULL)
            result = vector_push(&db->dead_extents, ((dead_extent){.id = id}));
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

status extents_recover(model_db *db)
{
    map64 named = {0};
    status result = ATOLL_OK;
    if (db->extents_settled == atomic_load(&db->next_extent) || storage_read_only(db->store))
        return ATOLL_OK;
    for (size_t i = 0; i < db->newest->class_count && result == ATOLL_OK; i++)
        result = mark_class(db, db->newest->classes[i], &named);
    if (result == ATOLL_OK) result = collect_unnamed(db, &named);
    map64_free(&named);
    return result;
}
