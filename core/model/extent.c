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

status extents_record(model_db *db, size_t skip, uint64_t version, buffer *to)
{
    status result = codec_begin(to, version);
    mutex_lock(&db->lock);
    if (result == ATOLL_OK) result = buffer_append_varint(to, atomic_load(&db->next_extent));
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
    uint64_t next = reader_varint(&r), count = reader_varint(&r);
    for (uint64_t i = 0; i < count && !r.failed; i++)
        TRY(vector_push(&db->dead_extents, ((dead_extent){.id = reader_varint(&r)})));
    if (r.failed || r.at != r.end || next == 0)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "the record of extents is damaged");
    atomic_store(&db->next_extent, next);
    return ATOLL_OK;
}

status extents_open(model_db *db)
{
    uint8_t key[2] = {KEY_META, 'e'};
    buffer record;
    bool found = false;
    atomic_store(&db->next_extent, 1);
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get(db->store, bytes_of(key, 2), &record, &found);
    if (result == ATOLL_OK && found) result = read_record(db, buffer_view(&record));
    buffer_free(&record);
    return result;
}
