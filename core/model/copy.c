/* A copy of a realm in another store: compacted, sealed with another key or none, and local where the source syncs. It
 * must never change the source but for a checkpoint. Invariant: what is copied is one snapshot of the store, which opens
 * as the source would after a crash at that moment. */
#include "model/engine.h"

enum { COPY_BATCH_SIZE = 4 << 20 };

typedef struct copying {
    model_db *db;
    storage *target;
    storage_batch *batch;
    size_t batch_size;
    bool keeps_kind; /* else what only synchronisation needs stays behind */
} copying;

static status flush(copying *k)
{
    if (k->batch == NULL) return ATOLL_OK;
    status result = storage_write(k->target, k->batch, false);
    storage_batch_free(k->batch);
    k->batch = NULL;
    k->batch_size = 0;
    return result;
}

static bool is_wanted(const copying *k, bytes key)
{
    bool format = key.size == 2 && key.data[0] == KEY_META && key.data[1] == 'F';
    bool folded = key.size == 2 && key.data[0] == KEY_META && key.data[1] == 'f';
    if (format) return false; /* written by its own */
    return k->keeps_kind || (!folded && key.data[0] != KEY_SIDE);
}

static status copy_record(copying *k, bytes key, bytes value)
{
    if (key.size == 0 || !is_wanted(k, key)) return ATOLL_OK;
    if (k->batch == NULL) TRY(storage_batch_new(k->target, &k->batch));
    TRY(storage_batch_put(k->batch, key, value));
    k->batch_size += key.size + value.size;
    return k->batch_size < COPY_BATCH_SIZE ? ATOLL_OK : flush(k);
}

static status copy_records(copying *k)
{
    storage_iterator *i = NULL;
    bytes key, value;
    TRY(storage_iterate(k->db->store, bytes_of(NULL, 0), bytes_of(NULL, 0), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value))
        result = copy_record(k, key, value);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    if (result == ATOLL_OK) result = flush(k);
    storage_batch_free(k->batch);
    k->batch = NULL;
    return result;
}

/* Asymmetric classes hold nothing, and a local realm may not have them. */
static status drop_asymmetric(model_db *copy)
{
    model_schema schema = {0};
    model_view *view = model_view_newest(copy);
    status result = schema_copy(&view->schema->schema, &schema);
    model_view_release(view);
    size_t before = schema.class_count;
    for (size_t i = schema.class_count; i > 0 && result == ATOLL_OK; i--)
        if (schema.classes[i - 1].kind == CLASS_ASYMMETRIC)
            schema_class_remove(&schema, schema.classes[i - 1].key);
    if (result == ATOLL_OK && schema.class_count != before) result = commit_schema(copy, &schema);
    schema_free(&schema);
    return result;
}

status model_copy(model_db *db, storage *target, schema_use use)
{
    copying k = {.db = db, .target = target, .keeps_kind = use == db->options.use};
    model_options options = db->options;
    model_db *copy = NULL;
    options.use = use;
    options.identity_rows = use != SCHEMA_LOCAL;
    options.durable = false;
    options.checkpoint_thread = false;
    status result = storage_read_only(db->store) ? ATOLL_OK : checkpoint_run(db);
    if (result == ATOLL_OK) result = copy_records(&k);
    /* The last record, so that half a copy is no realm. */
    if (result == ATOLL_OK) result = write_format(target, &options, db->hash_seed);
    if (result != ATOLL_OK) {
        storage_close(target);
        return result;
    }
    /* A copy that does not open is none. */
    TRY(model_open(target, &options, NULL, &copy));
    if (!k.keeps_kind) result = drop_asymmetric(copy);
    if (result == ATOLL_OK) result = model_compact(copy);
    model_close(copy);
    return result;
}

status model_compact(model_db *db)
{
    TRY(checkpoint_run(db));
    TRY(storage_compact(db->store));
    return storage_sync(db->store);
}

void model_size(model_db *db, uint64_t *total_bytes, uint64_t *used_bytes)
{
    *total_bytes = storage_size_bytes(db->store);
    *used_bytes = storage_used_bytes(db->store);
    if (*used_bytes > *total_bytes) *used_bytes = *total_bytes;
}
