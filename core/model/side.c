/* The side table and the history of changes: what the layers above keep and read. It must never interpret their keys.
 * Invariant: a side change is in the same batch as the log record of its commit. */
#include "model/engine.h"

/* ---- side table ---- */
static status side_change_add(model_txn *txn, bytes key, const bytes *value)
{
    TRY(txn_usable(txn));
    side_change c = {.key = memory_allocate(key.size + 1), .key_size = key.size + 1};
    if (value != NULL) {
        c.value = memory_allocate(value->size);
        c.value_size = value->size;
    }
    if (c.key == NULL || (value != NULL && c.value == NULL)) goto failed;
    c.key[0] = KEY_SIDE;
    if (key.size != 0) memcpy(c.key + 1, key.data, key.size);
    if (value != NULL && value->size != 0) memcpy(c.value, value->data, value->size);
    if (vector_reserve(&txn->side, 1) != ATOLL_OK) goto failed;
    if (map64_put(&txn->side_index, hash_bytes(c.key, c.key_size, 0), txn->side.count) != ATOLL_OK)
        goto failed;
    txn->side.items[txn->side.count++] = c;
    return ATOLL_OK;
failed:
    memory_free(c.key);
    memory_free(c.value);
    return ATOLL_ERROR_OUT_OF_MEMORY;
}

status model_side_put(model_txn *txn, bytes key, bytes value)
{
    return side_change_add(txn, key, &value);
}

status model_side_delete(model_txn *txn, bytes key)
{
    return side_change_add(txn, key, NULL);
}

static status side_get(model_db *db, bytes key, buffer *out, bool *found)
{
    uint8_t small[256],
        *full = key.size + 1 <= sizeof small ? small : memory_allocate(key.size + 1);
    if (full == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    full[0] = KEY_SIDE;
    if (key.size != 0) memcpy(full + 1, key.data, key.size);
    status result = storage_get(db->store, bytes_of(full, key.size + 1), out, found);
    if (full != small) memory_free(full);
    return result;
}

status model_side_get(model_db *db, bytes key, buffer *out, bool *found)
{
    return side_get(db, key, out, found);
}

static bool is_key(const side_change *c, bytes key)
{
    return bytes_equal(bytes_of(c->key + 1, c->key_size - 1), key);
}

static uint64_t side_hash(bytes key)
{
    uint8_t prefix = KEY_SIDE;
    uint8_t small[256];
    if (key.size + 1 > sizeof small) return 0;
    small[0] = prefix;
    if (key.size != 0) memcpy(small + 1, key.data, key.size);
    return hash_bytes(small, key.size + 1, 0);
}

static side_change *side_own(model_txn *txn, bytes key)
{
    uint64_t *at = key.size < 255 ? map64_get(&txn->side_index, side_hash(key)) : NULL;
    side_change *c = at == NULL ? NULL : &txn->side.items[*at];
    /* Another key with the same hash, or a long one: look through all, newest first. */
    if ((c != NULL && !is_key(c, key)) || key.size >= 255) {
        c = NULL;
        for (size_t i = txn->side.count; i > 0 && c == NULL; i--)
            if (is_key(&txn->side.items[i - 1], key)) c = &txn->side.items[i - 1];
    }
    return c;
}

void model_txn_accompany(model_txn *txn, const model_companion *type, void *companion)
{
    txn->companion_type = type;
    txn->companion = companion;
}

void *model_txn_companion(const model_txn *txn, const model_companion *type)
{
    return txn->companion_type == type ? txn->companion : NULL;
}

static bool in_gap(const side_gap *g, bytes key)
{
    return g->from_size != 0 && bytes_compare(bytes_of(g->from, g->from_size), key) <= 0 &&
           (g->to_size == 0 || bytes_compare(key, bytes_of(g->to, g->to_size)) < 0);
}

/* What is the next key after one that is not there? The writer is alone: the store does not change under it. */
static status search_gap(model_txn *txn, bytes key, side_gap *g)
{
    storage_iterator *i = NULL;
    bytes next = {0}, value;
    g->searches++;
    TRY(model_side_iterate(txn->db, key, bytes_of(NULL, 0), &i));
    bool more = storage_iterator_next(i, &next, &value);
    status result = storage_iterator_status(i);
    if (result == ATOLL_OK && (!more || next.size <= SIDE_GAP_KEY_MAX)) {
        memcpy(g->from, key.data, key.size);
        g->from_size = key.size;
        g->to_size = more ? next.size : 0;
        if (more) memcpy(g->to, next.data, next.size);
    }
    storage_iterator_free(i);
    return result;
}

/* A fold and a merge ask for row after row what is there of only a few: after some misses the gap that the keys are in is
 * looked for, and the store is not asked again within it. */
static status side_get_gaps(model_txn *txn, bytes key, buffer *out, bool *found)
{
    if (key.size < 2 || key.size > SIDE_GAP_KEY_MAX) return side_get(txn->db, key, out, found);
    side_gap *g = &txn->side_gaps[(key.data[0] * 7u + key.data[1]) % SIDE_GAPS];
    buffer_clear(out);
    *found = false;
    if (in_gap(g, key)) return ATOLL_OK;
    TRY(side_get(txn->db, key, out, found));
    if (*found || ++g->misses < 4 * (g->searches + 1)) return ATOLL_OK;
    return search_gap(txn, key, g);
}

status model_side_get_txn(model_txn *txn, bytes key, buffer *out, bool *found)
{
    const side_change *c = side_own(txn, key);
    if (c == NULL) return side_get_gaps(txn, key, out, found);
    buffer_clear(out);
    *found = false;
    if (c->value == NULL) return ATOLL_OK;
    TRY(buffer_append(out, c->value, c->value_size));
    *found = true;
    return ATOLL_OK;
}

status model_side_iterate(model_db *db, bytes from, bytes to, storage_iterator **out)
{
    uint8_t after = KEY_SIDE + 1;
    uint8_t *keys = memory_allocate(from.size + to.size + 2);
    if (keys == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    keys[0] = KEY_SIDE;
    if (from.size != 0) memcpy(keys + 1, from.data, from.size);
    uint8_t *end = keys + from.size + 1;
    end[0] = to.size == 0 ? after : KEY_SIDE;
    if (to.size != 0) memcpy(end + 1, to.data, to.size);
    status result =
        storage_iterate(db->store, bytes_of(keys, from.size + 1), bytes_of(end, to.size + 1), out);
    memory_free(keys);
    if (result == ATOLL_OK) storage_iterator_strip(*out, 1);
    return result;
}

/* ---- changes between versions ---- */
/* Takes the records of from < v <= to; NULL in *out where one is missing. */
static status take_records(model_db *db, uint64_t from, uint64_t to, history_record ***out,
                           size_t *count)
{
    history_record **records = memory_allocate((size_t)(to - from + 1) * sizeof *records);
    size_t taken = 0;
    if (records == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    mutex_lock(&db->lock);
    for (size_t i = 0; i < db->history.count; i++) {
        history_record *r = db->history.items[i];
        if (r->version <= from || r->version > to) continue;
        atomic_fetch_add(&r->references, 1);
        records[taken++] = r;
    }
    mutex_unlock(&db->lock);
    *out = records;
    *count = taken;
    return ATOLL_OK;
}

static status add_record(changes_builder *builder, const history_record *r)
{
    bytes data = bytes_of(r->data, r->size);
    return r->folded ? changes_builder_add_folded(builder, data)
                     : changes_builder_add(builder, data);
}

status model_changes_between(model_db *db, uint64_t from, uint64_t to, model_changes **out)
{
    history_record **records = NULL;
    changes_builder *builder = NULL;
    size_t count = 0;
    uint64_t newest = model_version(db);
    if (from > to || to > newest)
        return fail(ATOLL_ERROR_OUT_OF_RANGE,
                    "no changes lie between versions %llu and %llu; the newest is %llu",
                    (unsigned long long)from, (unsigned long long)to, (unsigned long long)newest);
    if (to - from > 1u << 30)
        return fail(ATOLL_ERROR_OUT_OF_RANGE, "the changes since version %llu are not kept",
                    (unsigned long long)from);
    TRY(take_records(db, from, to, &records, &count));
    status result = ATOLL_OK;
    if (count != to - from)
        result = fail(ATOLL_ERROR_OUT_OF_RANGE,
                      "the changes since version %llu are not kept: hold a view of it",
                      (unsigned long long)from);
    if (result == ATOLL_OK) result = changes_builder_new(&builder);
    for (size_t i = 0; i < count; i++) {
        if (result == ATOLL_OK) result = add_record(builder, records[i]);
        history_release(records[i]);
    }
    memory_free(records);
    if (builder == NULL) return result;
    model_changes *changes = NULL;
    status finished = changes_builder_finish(builder, &changes);
    if (result == ATOLL_OK) result = finished;
    if (result == ATOLL_OK)
        *out = changes;
    else
        model_changes_free(changes);
    return result;
}

/* ---- the log as upload queue ---- */
static status give_commit(uint64_t version, bytes record,
                          status (*each)(void *context, const local_commit *commit), void *context)
{
    asymmetric_vector rows = {0};
    record_header header = {0};
    changeset_reader r;
    changes_builder *builder = NULL;
    model_changes *changes = NULL;
    TRY(changeset_open(&r, record, &header));
    if (header.origin != COMMIT_LOCAL) return ATOLL_OK;
    TRY(changes_builder_new(&builder));
    status result = changes_builder_take(builder, record, &rows);
    status finished = changes_builder_finish(builder, &changes);
    if (result == ATOLL_OK) result = finished;
    local_commit commit = {.version = version,
                           .wall_ms = header.wall_ms,
                           .monotonic_ms = header.monotonic_ms,
                           .boot_id = header.boot_id,
                           .changes = changes,
                           .asymmetric = rows.items,
                           .asymmetric_count = rows.count};
    if (result == ATOLL_OK) result = each(context, &commit);
    model_changes_free(changes);
    vector_free(&rows);
    return result;
}

/* The first local commit after a version; 0: there is none. What others wrote is passed by without reading it. */
static uint64_t first_local(model_db *db, uint64_t after)
{
    uint64_t first = 0;
    mutex_lock(&db->lock);
    for (size_t i = db->log.count; i > 0 && db->log.items[i - 1].version > after; i--)
        if (db->log.items[i - 1].origin == COMMIT_LOCAL) first = db->log.items[i - 1].version;
    mutex_unlock(&db->lock);
    return first;
}

status model_local_commits(model_db *db, uint64_t after,
                           status (*each)(void *context, const local_commit *commit), void *context)
{
    storage_iterator *i = NULL;
    uint8_t from[9], to[9];
    bytes key, record;
    uint64_t newest = model_version(db), first = first_local(db, after);
    if (first == 0) return ATOLL_OK;
    TRY(storage_iterate(db->store, log_key(from, first), log_key(to, newest + 1), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &record))
        result = key.size == 9 ? give_commit(key_get_u64(key.data + 1), record, each, context)
                               : fail(ATOLL_ERROR_FILE_CORRUPT,
                                      "a log record has a key of %zu bytes", key.size);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

status model_set_folded(model_txn *txn, uint64_t version)
{
    TRY(txn_usable(txn));
    txn->folded = version;
    txn->sets_folded = true;
    return ATOLL_OK;
}

uint64_t model_folded(model_db *db)
{
    mutex_lock(&db->lock);
    uint64_t folded = db->folded;
    mutex_unlock(&db->lock);
    return folded;
}
