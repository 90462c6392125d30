/* Opening and closing a realm: the format record, the root record, the replay of the log, the app's schema.
 * It must never change a store that is not ours. Invariant: after opening, the newest version is that of the last log
 * record, or of the checkpoint where there is none. */
#include "base/log.h"
#include "model/codec.h"
#include "model/engine.h"

enum { STORE_FORMAT = 1, STORE_FORMAT_OLDEST = 1, SETTLE_SIZE = 4 << 20 };
static const char magic[] = "atoll realm";

/* ---- the format record ---- */
static status store_is_empty(storage *store, bool *empty)
{
    storage_iterator *i = NULL;
    bytes key, value;
    TRY(storage_iterate(store, bytes_of(NULL, 0), bytes_of(NULL, 0), &i));
    *empty = !storage_iterator_next(i, &key, &value);
    status result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

status write_format(storage *store, const model_options *options, uint64_t hash_seed)
{
    const uint8_t key[2] = {KEY_META, 'F'};
    buffer record;
    storage_batch *batch = NULL;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = codec_begin(&record, STORE_FORMAT);
    if (result == ATOLL_OK) result = buffer_append_bytes(&record, bytes_text(magic));
    if (result == ATOLL_OK) result = buffer_append_byte(&record, (uint8_t)options->use);
    if (result == ATOLL_OK) result = buffer_append_byte(&record, options->identity_rows);
    if (result == ATOLL_OK) result = buffer_append_fixed64(&record, hash_seed);
    if (result == ATOLL_OK) {
        codec_seal(&record);
        result = storage_batch_new(store, &batch);
    }
    if (result == ATOLL_OK)
        result = storage_batch_put(batch, bytes_of(key, sizeof key), buffer_view(&record));
    if (result == ATOLL_OK) result = storage_write(store, batch, true);
    storage_batch_free(batch);
    buffer_free(&record);
    return result;
}

static status read_format(model_db *db, bytes record)
{
    reader r;
    uint64_t format = 0;
    TRY(codec_open(record, "the format record", &r, &format));
    if (format > STORE_FORMAT)
        return fail(ATOLL_ERROR_FILE_NEWER_FORMAT,
                    "the realm has format %llu; this library reads up to %d: update it",
                    (unsigned long long)format, STORE_FORMAT);
    if (format < STORE_FORMAT_OLDEST)
        return fail(ATOLL_ERROR_NOT_SUPPORTED,
                    "not supported any more: format %llu of the realm, which was never released; "
                    "delete the folder",
                    (unsigned long long)format);
    bytes name = reader_bytes(&r);
    uint8_t use = reader_byte(&r), identity = reader_byte(&r);
    db->hash_seed = reader_fixed64(&r);
    if (r.failed || !bytes_equal(name, bytes_text(magic)))
        return fail(ATOLL_ERROR_FILE_NOT_REALM, "the store holds something else than a realm");
    /* A server's app may change its kind of sync: its objects are the same. */
    bool switches = db->options.plain && use != SCHEMA_LOCAL && db->options.use != SCHEMA_LOCAL;
    if ((switches || use == (uint8_t)db->options.use) &&
        (identity != 0) == db->options.identity_rows)
        return ATOLL_OK;
    static const char *const names[] = {"a local realm", "a realm with partition sync",
                                        "a realm with flexible sync"};
    return fail(ATOLL_ERROR_MISMATCHED_CONFIG, "the realm was created as %s and is opened as %s",
                use < 3 ? names[use] : "another kind", names[db->options.use]);
}

static status check_format(model_db *db)
{
    uint8_t key_bytes[2] = {KEY_META, 'F'};
    bytes key = bytes_of(key_bytes, sizeof key_bytes);
    buffer record;
    bool found = false, empty = false;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get(db->store, key, &record, &found);
    if (result == ATOLL_OK && found) result = read_format(db, buffer_view(&record));
    buffer_free(&record);
    if (result != ATOLL_OK || found) return result;
    TRY(store_is_empty(db->store, &empty));
    if (!empty)
        return fail(ATOLL_ERROR_FILE_NOT_REALM, "the store holds something else than a realm");
    /* Prefixes of hashes are keys of the store, which stay in clear when the values are sealed, here or in a copy: there
     * nobody may guess from them what a key was. */
    db->hash_seed = platform_random_u64(db->options.platform);
    return write_format(db->store, &db->options, db->hash_seed);
}

/* ---- the root record ---- */
static status read_trees(class_state *c, reader *r)
{
    uint64_t count = reader_varint(r);
    if (count > 4 * LIMIT_PROPERTIES_MAX) r->failed = true;
    for (uint64_t i = 0; i < count && !r->failed; i++) {
        uint32_t tree = (uint32_t)reader_varint(r);
        TRY(class_tree_push(c, tree, index_handle(c->key, tree, 0, 0)));
    }
    return r->failed ? fail(ATOLL_ERROR_FILE_CORRUPT, "the root record is damaged") : ATOLL_OK;
}

static status read_classes(model_view *view, reader *r, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        class_state *c = class_state_new((class_key)(i + 1), 0);
        if (c == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        view->classes[view->class_count++] = c;
        c->next_row = reader_varint(r);
        c->alive_count = reader_varint(r);
        c->stored_version = view->version;
        bool indexed = reader_byte(r) != 0;
        if (r->failed || c->next_row == 0)
            return fail(ATOLL_ERROR_FILE_CORRUPT, "the root record is damaged");
        if (c->next_row > 1)
            TRY(class_state_add_handles(c, (c->next_row - 1) / MODEL_BLOCK_ROWS + 1));
        if (indexed) c->index = index_handle(c->key, INDEX_OF_KEY, 0, 0);
        if (indexed && c->index == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        TRY(read_trees(c, r));
    }
    return ATOLL_OK;
}

static status read_root(model_db *db, bytes record, model_view **out)
{
    reader r = reader_of(bytes_of(NULL, 0));
    uint64_t version = 0, count = 0;
    if (record.size != 0) {
        TRY(codec_open(record, "the root record", &r, &version));
        count = reader_varint(&r);
        if (r.failed || count > LIMIT_CLASS_KEYS_MAX)
            return fail(ATOLL_ERROR_FILE_CORRUPT, "the root record is damaged");
    }
    model_view *view = view_new(db, (size_t)count);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    view->version = version;
    view->schema = memory_allocate_zero(sizeof *view->schema);
    status result = view->schema == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    if (result == ATOLL_OK) atomic_init(&view->schema->references, 1);
    if (result == ATOLL_OK) result = read_classes(view, &r, count);
    if (result == ATOLL_OK && record.size != 0)
        result = schema_read(bytes_of(r.at, (size_t)(r.end - r.at)), &view->schema->schema);
    if (result == ATOLL_OK && view->schema->schema.key_count != count)
        result = fail(ATOLL_ERROR_FILE_CORRUPT, "the root record is damaged");
    if (result != ATOLL_OK) {
        view_destroy(view);
        return result;
    }
    *out = view;
    return ATOLL_OK;
}

static status load_root(model_db *db)
{
    uint8_t root_key[2] = {KEY_META, 'r'}, folded_key[2] = {KEY_META, 'f'};
    buffer record;
    bool found = false;
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = storage_get(db->store, bytes_of(folded_key, 2), &record, &found);
    if (result == ATOLL_OK && found && record.size == 8) db->folded = key_get_u64(record.data);
    if (result == ATOLL_OK) result = storage_get(db->store, bytes_of(root_key, 2), &record, &found);
    if (result == ATOLL_OK) result = read_root(db, buffer_view(&record), &db->newest);
    buffer_free(&record);
    if (result != ATOLL_OK) return result;
    db->oldest = db->newest;
    db->checkpoint_version = db->checkpoint_begun = db->newest->version;
    return ATOLL_OK;
}

/* ---- replay ---- */
static status replay_record(model_txn *txn, uint64_t version, bytes record, commit_origin *origin)
{
    changeset_reader r;
    record_header header;
    operation o;
    bool more = true;
    TRY(changeset_open(&r, record, &header));
    *origin = header.origin;
    if (version <= txn->db->checkpoint_version) return ATOLL_OK;
    if (version != txn->view->version)
        return fail(ATOLL_ERROR_FILE_CORRUPT,
                    "the log goes on at version %llu where %llu was expected",
                    (unsigned long long)version, (unsigned long long)txn->view->version);
    for (;;) {
        TRY(changeset_next(&r, &o, &more));
        if (!more) break;
        TRY(apply_operation(txn, &o, version));
    }
    txn->view->version++;
    txn->extents.version = txn->view->version;
    return ATOLL_OK;
}

static status replay_log(model_txn *txn)
{
    model_db *db = txn->db;
    storage_iterator *i = NULL;
    uint8_t from[1] = {KEY_LOG}, to[1] = {KEY_LOG + 1};
    bytes key, record;
    TRY(storage_iterate(db->store, bytes_of(from, 1), bytes_of(to, 1), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &record)) {
        log_place place = {.version = key.size == 9 ? key_get_u64(key.data + 1) : 0};
        result = replay_record(txn, place.version, record, &place.origin);
        if (result == ATOLL_OK) result = vector_push(&db->log, place);
        db->log_bytes += record.size;
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

static status replay(model_db *db)
{
    model_txn *txn = NULL;
    TRY(txn_new(db, COMMIT_LOCAL, &txn));
    status result = replay_log(txn);
    if (result == ATOLL_OK) result = vector_reserve(&db->forgotten, txn->forgotten.count);
    if (result == ATOLL_OK) result = list_leaves_close(&txn->writer);
    if (result == ATOLL_OK) result = vector_reserve(&db->dead_extents, txn->extents.dead.count);
    if (result == ATOLL_OK) {
        forget_publish(db, txn);
        extents_publish(db, &txn->extents);
        for (size_t i = 0; i < txn->texts.count; i++) block_finish(txn->texts.items[i]);
        view_destroy(db->newest);
        db->newest = db->oldest = txn->view;
        txn->view->last = NULL;
        if (txn->changes_schema) db->schema_version = txn->view->version;
        txn->view = NULL;
        db->newest->version--; /* The transaction was at the version after the last. */
        db->newest->writing = false;
        db->newest->writer = NULL;
    }
    txn_free(txn);
    return result;
}

/* ---- schema ---- */
status commit_schema(model_db *db, const model_schema *merged)
{
    model_txn *txn = NULL;
    buffer blob;
    uint64_t version = 0;
    buffer_init(&blob, RECORD_SIZE_MAX);
    status result = schema_write(&blob, merged);
    if (result == ATOLL_OK) result = model_begin(db, COMMIT_REMOTE, &txn);
    if (result == ATOLL_OK) {
        result = txn_operation(txn, &(operation){.kind = OP_SCHEMA, .blob = buffer_view(&blob)});
        if (result == ATOLL_OK)
            result = model_commit(txn, &version);
        else
            model_rollback(txn);
    }
    buffer_free(&blob);
    return result;
}

/* What the realm has, with what it lacks of the schema. *out is to be freed on failure too. */
static status merged_schema(model_db *db, const model_schema *schema, model_schema *out,
                            bool *changed)
{
    model_view *view = model_view_newest(db);
    status result = schema_copy(&view->schema->schema, out);
    model_view_release(view);
    return result == ATOLL_OK ? schema_merge(out, schema, changed) : result;
}

status db_add_schema(model_db *db, const model_schema *schema, bool sets_indexes)
{
    model_schema merged = {0};
    bool changed = false;
    status result = merged_schema(db, schema, &merged, &changed);
    if (result == ATOLL_OK && sets_indexes) schema_index_flags(&merged, schema, &changed);
    if (result == ATOLL_OK && changed) result = schema_validate(&merged, db->options.use);
    if (result == ATOLL_OK && changed) result = commit_schema(db, &merged);
    schema_free(&merged);
    return result;
}

/* Who comes later, or the server, adds to the schema, but which properties have an index is said by who opened. */
status model_add_schema(model_db *db, const model_schema *schema)
{
    return db_add_schema(db, schema, false);
}

status model_check_schema(model_db *db, const model_schema *schema)
{
    model_schema merged = {0};
    bool changed = false;
    status result = merged_schema(db, schema, &merged, &changed);
    schema_free(&merged);
    if (result == ATOLL_OK && changed)
        result = fail(ATOLL_ERROR_SCHEMA_MISMATCH,
                      "the realm lacks classes or properties of the schema, and nothing can be "
                      "added to it: it was opened read-only");
    return result;
}

bool model_is_read_only(const model_db *db)
{
    return storage_read_only(db->store);
}

/* ---- open and close ---- */
/* What the memory budget had put aside is of no use any more. */
static status drop_spilled(storage *store)
{
    storage_iterator *i = NULL;
    storage_batch *batch = NULL;
    bytes key, value, from = bytes_of(&(uint8_t){KEY_SPILL}, 1),
                      to = bytes_of(&(uint8_t){KEY_SPILL + 1}, 1);
    TRY(storage_iterate(store, from, to, &i));
    bool any = storage_iterator_next(i, &key, &value);
    status result = storage_iterator_status(i);
    storage_iterator_free(i);
    if (result != ATOLL_OK || !any || storage_read_only(store)) return result;
    TRY(storage_batch_new(store, &batch));
    result = storage_batch_delete_range(batch, from, to);
    if (result == ATOLL_OK) result = storage_write(store, batch, false);
    storage_batch_free(batch);
    return result;
}

static status open_parts(model_db *db, const model_schema *schema)
{
    const platform *p = db->options.platform;
    TRY(check_format(db));
    TRY(drop_spilled(db->store));
    TRY(load_root(db));
    TRY(extents_open(db));
    TRY(extents_recover(db));
    TRY(replay(db));
    storage_set_owner(db->store, db->cache); /* from here on others may read */
    atomic_store(&db->version, db->newest->version);
    db->durable_version = 0;
    db->process = process_self();
    do {
        db->actor = platform_random_u64(p);
    } while (db->actor == 0);
    if (schema != NULL)
        TRY(storage_read_only(db->store) ? model_check_schema(db, schema)
                                         : db_add_schema(db, schema, true));
    if (!db->options.checkpoint_thread || storage_read_only(db->store)) return ATOLL_OK;
    return thread_start("atoll-storage", checkpoint_main, db, &db->checkpoint_thread);
}

static void db_free(model_db *db)
{
    for (size_t i = 0; i < db->history.count; i++) history_release(db->history.items[i]);
    for (size_t i = 0; i < db->listeners.count; i++) memory_free(db->listeners.items[i]);
    vector_free(&db->history);
    vector_free(&db->listeners);
    vector_free(&db->log);
    vector_free(&db->forgotten);
    vector_free(&db->dead_extents);
    view_destroy(db->newest);
    cache_free(db->cache);
    storage_close(db->store);
    condition_destroy(&db->changed);
    condition_destroy(&db->checkpoint_due);
    mutex_destroy(&db->lock);
    memory_free(db);
}

static status init_conditions(model_db *db)
{
    TRY(condition_init(&db->changed));
    status result = condition_init(&db->checkpoint_due);
    if (result != ATOLL_OK) condition_destroy(&db->changed);
    return result;
}

status model_open(storage *store, const model_options *options, const model_schema *schema,
                  model_db **out)
{
    model_db *db = memory_allocate_zero(sizeof *db);
    status result = db == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : mutex_init(&db->lock);
    if (result == ATOLL_OK) {
        result = init_conditions(db);
        if (result != ATOLL_OK) mutex_destroy(&db->lock);
    }
    if (result != ATOLL_OK) {
        memory_free(db);
        storage_close(store);
        return result;
    }
    db->store = store;
    db->options = *options;
    result = cache_new(db, options->memory_budget, &db->cache);
    if (result == ATOLL_OK) result = open_parts(db, schema);
    if (result != ATOLL_OK) {
        db_free(db);
        return result;
    }
    *out = db;
    return ATOLL_OK;
}

/* A large log that only the store's own journal holds would slow the next opening down. */
static status close_store(model_db *db)
{
    if (db->newest->version != db->checkpoint_version) TRY(checkpoint_run(db));
    return checkpoint_settle(db, SETTLE_SIZE);
}

static void stop_checkpoints(model_db *db)
{
    mutex_lock(&db->lock);
    db->stopping = true;
    condition_broadcast(&db->changed);
    condition_broadcast(&db->checkpoint_due);
    mutex_unlock(&db->lock);
    if (db->checkpoint_thread != NULL) thread_join(db->checkpoint_thread);
    db->checkpoint_thread = NULL;
}

void model_quiesce(model_db *db)
{
    stop_checkpoints(db);
    mutex_lock(&db->lock);
    for (int i = 0; i < 20 && db->writer_active; i++)
        condition_wait_ms(&db->changed, &db->lock, 100);
    db->writer_active = true;
    mutex_unlock(&db->lock);
}

void model_close(model_db *db)
{
    /* In a forked child neither the threads nor the store's files are ours: the parent's handle stays as it is. */
    if (db == NULL || process_self() != db->process) return;
    stop_checkpoints(db);
    bool writable = db->broken == ATOLL_OK && !storage_read_only(db->store);
    if (writable && close_store(db) != ATOLL_OK)
        log_write(LOG_WARN, "Realm.Storage",
                  "the checkpoint at closing failed, the next opening replays the log: %s",
                  fail_text());
    db_free(db);
}
