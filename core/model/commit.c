/* Transactions: begin, the one commit routine, rollback, publication, group commit. It must never publish what the log
 * does not hold, nor return success for a durable commit before the disk has it. Invariant: versions are published in
 * log order, by one writer at a time. */
#include "base/log.h"
#include "model/engine.h"
#include <stdio.h>

/* ---- begin ---- */
static status view_copy(const model_view *from, model_view **out)
{
    model_view *view = view_new(from->db, from->class_count);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    view->version = from->version + 1;
    view->schema = shared_schema_retain(from->schema);
    view->class_count = from->class_count;
    view->writing = true;
    for (size_t i = 0; i < from->class_count; i++)
        view->classes[i] = class_state_retain(from->classes[i]);
    *out = view;
    return ATOLL_OK;
}

status txn_new(model_db *db, commit_origin origin, model_txn **out)
{
    model_txn *txn = memory_allocate_zero(sizeof *txn);
    if (txn == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    static const uint8_t room[RECORD_HEADER_ROOM];
    txn->db = db;
    txn->origin = origin;
    buffer_init(&txn->record, LIMIT_TRANSACTION_SIZE_MAX);
    buffer_init(&txn->lists.text, LIMIT_TRANSACTION_SIZE_MAX);
    txn->changes.to = &txn->record;
    status result = buffer_append(&txn->record, room, sizeof room);
    if (result == ATOLL_OK) result = view_copy(db->newest, &txn->view);
    if (result != ATOLL_OK) {
        txn_free(txn);
        return result;
    }
    txn->writer = (tree_writer){.store = db->store,
                                .schema = &txn->view->schema->schema,
                                .stamp = ++db->stamp,
                                .texts = &txn->texts,
                                .recent = txn->recent,
                                .extents = &txn->extents,
                                .lists = &txn->lists};
    txn->view->writer = &txn->writer;
    txn->extents = (extent_writer){.next = &db->next_extent, .version = txn->view->version};
    *out = txn;
    return ATOLL_OK;
}

void txn_free(model_txn *txn)
{
    if (txn->companion != NULL) txn->companion_type->release(txn->companion);
    view_destroy(txn->view);
    buffer_free(&txn->record);
    vector_free(&txn->texts);
    vector_free(&txn->extents.dead);
    list_writer_free(&txn->lists);
    for (size_t i = 0; i < txn->side.count; i++) {
        memory_free(txn->side.items[i].key);
        memory_free(txn->side.items[i].value);
    }
    vector_free(&txn->side);
    map64_free(&txn->side_index);
    vector_free(&txn->heavy);
    vector_free(&txn->asymmetric);
    vector_free(&txn->forgotten);
    map64_free(&txn->rekeyed);
    memory_free(txn);
}

static void writer_done(model_db *db)
{
    mutex_lock(&db->lock);
    db->writer_active = false;
    db->writer = NULL;
    condition_broadcast(&db->changed);
    mutex_unlock(&db->lock);
}

void db_break(model_db *db, status why)
{
    mutex_lock(&db->lock);
    if (db->broken == ATOLL_OK) {
        db->broken = why;
        snprintf(db->broken_text, sizeof db->broken_text, "%s", fail_text());
    }
    mutex_unlock(&db->lock);
}

/* After a failure that may have misled a writer, or left the log unsure, nothing more is written. */
static status db_usable(model_db *db)
{
    mutex_lock(&db->lock);
    status broken = db->broken;
    mutex_unlock(&db->lock);
    return broken == ATOLL_OK
               ? ATOLL_OK
               : fail(broken, "the realm takes no more writes until it is opened again: %s",
                      db->broken_text);
}

status model_begin(model_db *db, commit_origin origin, model_txn **out)
{
    if (process_self() != db->process)
        return fail(ATOLL_ERROR_FORKED, "the realm was opened before a fork and stays with the "
                                        "parent process; open realms after the fork only, or exec");
    mutex_lock(&db->lock);
    bool own = db->writer_active && db->writer_thread == thread_self();
    if (!own) {
        /* In turn: who writes again and again does not overtake who waits. */
        uint64_t ticket = db->writer_tickets++;
        while (db->writer_active || ticket != db->writer_turn)
            condition_wait(&db->changed, &db->lock);
        db->writer_turn++;
    }
    status broken = db->broken;
    if (broken != ATOLL_OK) condition_broadcast(&db->changed); /* the next in turn */
    if (broken == ATOLL_OK && !own) {
        db->writer_active = true;
        db->writer_thread = thread_self();
    }
    mutex_unlock(&db->lock);
    /* It would wait for itself. */
    if (own)
        return fail(ATOLL_ERROR_TRANSACTION_ACTIVE, "this thread has a transaction open on the "
                                                    "realm already; commit or roll it back first");
    if (broken != ATOLL_OK)
        return fail(broken, "the realm takes no more writes until it is opened again: %s",
                    db->broken_text);
    status result = txn_new(db, origin, out);
    if (result != ATOLL_OK) {
        writer_done(db);
        return result;
    }
    mutex_lock(&db->lock);
    (*out)->awake_since = cache_epoch(db->cache);
    db->writer = *out;
    mutex_unlock(&db->lock);
    return ATOLL_OK;
}

bool model_writer_waits(model_db *db)
{
    mutex_lock(&db->lock);
    bool waits = db->writer_tickets != db->writer_turn;
    mutex_unlock(&db->lock);
    return waits;
}

const model_view *model_txn_view(model_txn *txn)
{
    return txn->view;
}

void model_txn_rest(model_txn *txn)
{
    if (txn->resting) return; /* no other thread sets it */
    mutex_lock(&txn->db->lock);
    txn->resting = true;
    mutex_unlock(&txn->db->lock);
}

uint64_t model_txn_version(const model_txn *txn)
{
    return txn->view->version;
}

void model_txn_set_default(model_txn *txn, bool on)
{
    txn->is_default = on;
}

void model_rollback(model_txn *txn)
{
    if (txn == NULL) return;
    model_db *db = txn->db;
    mutex_lock(&db->lock);
    db->writer = NULL;
    mutex_unlock(&db->lock);
    txn_free(txn);
    writer_done(db);
}

/* ---- changes ---- */
status txn_unusable(const model_txn *txn)
{
    return fail(txn->broken, "an earlier change of this transaction failed, roll it back: %s",
                txn->broken_text);
}

status txn_remember(model_txn *txn, status why)
{
    if (txn->broken == ATOLL_OK) {
        txn->broken = why;
        snprintf(txn->broken_text, sizeof txn->broken_text, "%s", fail_text());
    }
    return why;
}

status txn_settle(model_txn *txn, uint64_t before, status result)
{
    return result != ATOLL_OK && txn->operations != before ? txn_break(txn, result) : result;
}

status txn_operation(model_txn *txn, const operation *o)
{
    bool silent =
        txn->silent || (txn->asymmetric.count != 0 && is_asymmetric(txn, o->class_of, o->row));
    const model_class *c = schema_class(txn->writer.schema, o->class_of);
    if (c != NULL && c->kind == CLASS_ASYMMETRIC) silent = true;
    if (cache_is_full(txn->db->cache)) cache_relieve(txn->db->cache, txn);
    TRY(room_note(txn, o));
    txn->operations++;
    if (!silent) TRY(txn_break(txn, changeset_write(&txn->changes, o)));
    return txn_break(txn, apply_operation(txn, o, 0));
}

/* ---- commit ---- */
static bool is_empty(const model_txn *txn)
{
    return txn->record.size == RECORD_HEADER_ROOM && txn->side.count == 0 && !txn->sets_folded;
}

/* The header goes right before the operations, into the room that was left for it. */
static status record_finish(model_txn *txn, bytes *record)
{
    const platform *p = txn->db->options.platform;
    buffer header;
    buffer_init(&header, RECORD_HEADER_ROOM);
    record_header h = {.origin = txn->origin,
                       .wall_ms = p->wall_ms(p->context),
                       .monotonic_ms = p->monotonic_ms(p->context),
                       .boot_id = p->boot_id(p->context)};
    status result = changeset_header(&header, &h);
    if (result == ATOLL_OK) {
        uint8_t *start = txn->record.data + RECORD_HEADER_ROOM - header.size;
        memcpy(start, header.data, header.size);
        *record = bytes_of(start, txn->record.size - RECORD_HEADER_ROOM + header.size);
    }
    buffer_free(&header);
    return result;
}

/* Where nobody asks what changed between two versions, no record is kept, however old the versions that are held. */
static bool keeps_history(const model_db *db)
{
    return !db->options.plain;
}

static status side_batch(const model_txn *txn, storage_batch *batch)
{
    uint8_t folded_key[2] = {KEY_META, 'f'}, folded[8];
    for (size_t i = 0; i < txn->side.count; i++) {
        const side_change *c = &txn->side.items[i];
        bytes key = bytes_of(c->key, c->key_size);
        TRY(c->value == NULL ? storage_batch_delete(batch, key)
                             : storage_batch_put(batch, key, bytes_of(c->value, c->value_size)));
    }
    if (!txn->sets_folded) return ATOLL_OK;
    key_put_u64(folded, txn->folded);
    return storage_batch_put(batch, bytes_of(folded_key, sizeof folded_key),
                             bytes_of(folded, sizeof folded));
}

/* The record comes last, so that a batch which holds a large one is not copied when it grows. */
static status write_log(model_txn *txn, bytes record)
{
    storage_batch *batch = NULL;
    uint8_t key[9];
    TRY(storage_batch_new(txn->db->store, &batch));
    status result = side_batch(txn, batch);
    if (result == ATOLL_OK)
        result = storage_batch_put(batch, log_key(key, txn->view->version), record);
    if (!keeps_history(txn->db)) buffer_free(&txn->record); /* The batch has it. */
    if (result == ATOLL_OK) result = storage_write(txn->db->store, batch, false);
    storage_batch_free(batch);
    return result;
}

/* All that publication needs, so that nothing can fail once the log has the record. */
static status prepare_publication(model_txn *txn, history_record **out)
{
    model_db *db = txn->db;
    *out = keeps_history(db) ? memory_allocate_zero(sizeof **out) : NULL;
    if (*out == NULL && keeps_history(db)) return ATOLL_ERROR_OUT_OF_MEMORY;
    mutex_lock(&db->lock);
    status result = vector_reserve(&db->history, 1);
    if (result == ATOLL_OK) result = vector_reserve(&db->log, 1);
    if (result == ATOLL_OK) result = vector_reserve(&db->forgotten, txn->forgotten.count);
    if (result == ATOLL_OK) result = vector_reserve(&db->dead_extents, txn->extents.dead.count);
    mutex_unlock(&db->lock);
    if (result == ATOLL_OK) return ATOLL_OK;
    memory_free(*out);
    return result;
}

/* The history takes the record's memory; the header does not start at its front. */
static void history_take(history_record *history, model_txn *txn, bytes record)
{
    atomic_init(&history->references, 1);
    history->version = txn->view->version;
    if (history->folded) return;
    history->memory = txn->record.data;
    history->data = record.data;
    history->size = record.size;
    txn->record = (buffer){0};
}

/* A download of a million objects would stay in memory until the app refreshes: of a large record only what changed stays.
 * Without memory for that the record does. */
static void history_fold(history_record *history, model_txn *txn, bytes record)
{
    enum { FOLD_SIZE_MIN = 16 << 10 };
    buffer folded;
    bool foldable = false;
    if (history == NULL || txn->origin != COMMIT_REMOTE || record.size < FOLD_SIZE_MIN) return;
    if (changes_fold(record, &folded, &foldable) != ATOLL_OK || !foldable) return;
    history->folded = true;
    history->memory = folded.data;
    history->data = folded.data;
    history->size = folded.size;
    buffer_free(&txn->record);
}

static void publish(model_txn *txn, bytes record, history_record *history)
{
    model_db *db = txn->db;
    model_view *view = txn->view;
    if (history != NULL) history_take(history, txn, record);
    txn->view = NULL;
    view->writing = false;
    view->writer = NULL;
    view->last = NULL;
    mutex_lock(&db->lock);
    model_view *old = db->newest;
    view->older = old;
    old->newer = view;
    db->newest = view;
    if (history != NULL) db->history.items[db->history.count++] = history;
    db->log.items[db->log.count++] = (log_place){view->version, txn->origin};
    db->log_bytes += record.size;
    db->unsettled_bytes += record.size;
    extents_publish(db, &txn->extents);
    if (txn->sets_folded) db->folded = txn->folded;
    forget_publish(db, txn);
    if (txn->changes_schema) db->schema_version = view->version;
    atomic_store_explicit(&db->version, view->version, memory_order_release);
    db->writer_active = false;
    db->writer = NULL;
    condition_broadcast(&db->changed);
    if (checkpoint_is_due(db)) condition_broadcast(&db->checkpoint_due);
    mutex_unlock(&db->lock);
    view_let_go(old, false);
}

/* Group commit: whoever comes first syncs for all that are written by then. */
static status make_durable(model_db *db, uint64_t version)
{
    status result = ATOLL_OK;
    mutex_lock(&db->lock);
    while (db->durable_version < version && db->broken == ATOLL_OK) {
        if (db->syncing) {
            condition_wait(&db->changed, &db->lock);
            continue;
        }
        db->syncing = true;
        uint64_t target = db->newest->version;
        mutex_unlock(&db->lock);
        result = storage_sync(db->store);
        if (result != ATOLL_OK) db_break(db, result);
        mutex_lock(&db->lock);
        db->syncing = false;
        if (result == ATOLL_OK && target > db->durable_version) db->durable_version = target;
        condition_broadcast(&db->changed);
    }
    bool durable = db->durable_version >= version;
    status broken = db->broken;
    mutex_unlock(&db->lock);
    if (durable) return ATOLL_OK;
    return fail(broken, "the commit may be lost, open the realm again: %s", db->broken_text);
}

/* Listeners are called without the lock; `called` marks those that were reached, whatever is removed meanwhile. */
static void call_listeners(model_db *db, uint64_t version, commit_origin origin)
{
    mutex_lock(&db->lock);
    for (size_t i = 0; i < db->listeners.count; i++) {
        listener *l = db->listeners.items[i];
        if (l->removed || l->called >= version) continue;
        l->called = version;
        l->calls++;
        mutex_unlock(&db->lock);
        l->function(l->context, version, origin);
        mutex_lock(&db->lock);
        l->calls--;
        condition_broadcast(&db->changed);
        i = SIZE_MAX; /* The array may have changed: start again, those that were called are passed over. */
    }
    mutex_unlock(&db->lock);
}

/* Whoever holds an old version keeps every record since then in memory. */
static status check_version_count(const model_txn *txn)
{
    model_db *db = txn->db;
    if (db->options.version_count_max == 0) return ATOLL_OK;
    mutex_lock(&db->lock);
    uint64_t count = txn->view->version - db->oldest->version;
    mutex_unlock(&db->lock);
    if (count <= db->options.version_count_max) return ATOLL_OK;
    return fail(ATOLL_ERROR_TOO_MANY_VERSIONS,
                "%llu versions of the realm would be in use, and %llu are allowed: refresh or "
                "close instances that stand at old ones, release frozen realms",
                (unsigned long long)count, (unsigned long long)db->options.version_count_max);
}

static status commit_written(model_txn *txn, uint64_t *version)
{
    history_record *history = NULL;
    bytes record;
    TRY(db_usable(txn->db));
    TRY(check_version_count(txn));
    TRY(room_check(txn));
    TRY(finish_asymmetric(txn));
    for (size_t i = 0; i < txn->texts.count; i++) block_finish(txn->texts.items[i]);
    TRY(list_leaves_close(&txn->writer));
    TRY(record_finish(txn, &record));
    TRY(prepare_publication(txn, &history));
    status result = write_log(txn, record);
    if (result != ATOLL_OK) {
        memory_free(history);
        return result;
    }
    *version = txn->view->version;
    history_fold(history, txn, record);
    publish(txn, record, history);
    return ATOLL_OK;
}

static status commit_all(model_txn *txn, bool durable, uint64_t *version)
{
    model_db *db = txn->db;
    commit_origin origin = txn->origin;
    uint64_t committed = 0;
    status result = txn_usable(txn);
    if (result == ATOLL_OK && txn->companion != NULL)
        result = txn->companion_type->before_commit(txn, txn->companion);
    if (result == ATOLL_OK && is_empty(txn) && txn->asymmetric.count == 0) {
        if (version != NULL) *version = txn->view->version - 1;
        model_rollback(txn);
        return ATOLL_OK;
    }
    if (result == ATOLL_OK) result = commit_written(txn, &committed);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    txn_free(txn);
    if (durable) result = make_durable(db, committed);
    call_listeners(db, committed, origin);
    if (result == ATOLL_OK && version != NULL) *version = committed;
    return result;
}

status model_commit(model_txn *txn, uint64_t *version)
{
    return commit_all(txn, txn->db->options.durable, version);
}

status model_commit_as(model_txn *txn, bool durable, uint64_t *version)
{
    return commit_all(txn, durable, version);
}

void model_txn_hand_over(model_txn *txn, uint64_t thread)
{
    mutex_lock(&txn->db->lock);
    txn->db->writer_thread = thread;
    mutex_unlock(&txn->db->lock);
}

status model_sync(model_db *db, uint64_t *durable_version)
{
    TRY(make_durable(db, model_version(db)));
    mutex_lock(&db->lock);
    *durable_version = db->durable_version;
    mutex_unlock(&db->lock);
    return ATOLL_OK;
}

/* ---- listeners ---- */
status model_listen(model_db *db, model_listener function, void *context)
{
    listener *l = memory_allocate_zero(sizeof *l);
    if (l == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    l->function = function;
    l->context = context;
    mutex_lock(&db->lock);
    status result = vector_push(&db->listeners, l);
    mutex_unlock(&db->lock);
    if (result != ATOLL_OK) memory_free(l);
    return result;
}

void model_unlisten(model_db *db, model_listener function, void *context)
{
    mutex_lock(&db->lock);
    for (size_t i = 0; i < db->listeners.count; i++) {
        listener *l = db->listeners.items[i];
        if (l->function != function || l->context != context || l->removed) continue;
        l->removed = true;
        while (l->calls != 0) condition_wait(&db->changed, &db->lock);
        for (i = 0; db->listeners.items[i] != l;) i++;
        memmove(&db->listeners.items[i], &db->listeners.items[i + 1],
                (db->listeners.count - i - 1) * sizeof l);
        db->listeners.count--;
        memory_free(l);
        break;
    }
    mutex_unlock(&db->lock);
}
