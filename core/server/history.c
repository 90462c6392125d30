/* The line of an app's history: which stretches of versions are its own, and how far back it is remembered.
 *
 *   epoch 71f0…      epoch 03aa…         epoch 9c51… (now)
 *   versions 1-80    versions 81-200     versions 201-
 *
 * Each start of the server begins a stretch with a random id. Data that was restored from a backup ends its stretches earlier
 * than the original did, so that a client which saw more is found out, though the versions have grown past its cursor since.
 * It must never forget a stretch or a deletion that a client within the maximum offline time may ask for. Invariant: the
 * newest stretch is the app's epoch, and it is on disk before anything of it is told. */
#include "server/app.h"

enum { EPOCHS_MAX = 4096, HISTORY_SIZE_MAX = 1 << 20, TRIM_ROWS_MAX = 10000, MARKS = 64 };

static const char category[] = "Realm.Sync.Server";
static const char *const why_ended[] = {
    "", "sync was terminated and enabled again",
    "breaking schema change: something of this app's classes was removed from the server's schema, "
    "or given back"};
static const uint8_t history_key[2] = {'s', 'e'};

static status history_write(model_txn *txn, const app_history *h)
{
    buffer record;
    buffer_init(&record, HISTORY_SIZE_MAX);
    status result = buffer_append_varint(&record, h->horizon);
    if (result == ATOLL_OK) result = buffer_append_varint(&record, h->epochs.count);
    for (size_t i = 0; i < h->epochs.count && result == ATOLL_OK; i++) {
        const app_epoch *e = &h->epochs.items[i];
        result = buffer_append_fixed64(&record, e->id);
        if (result == ATOLL_OK) result = buffer_append_varint(&record, e->first);
        if (result == ATOLL_OK) result = buffer_append_fixed64(&record, e->began);
        if (result == ATOLL_OK) result = buffer_append_byte(&record, e->ended);
    }
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(history_key, 2), buffer_view(&record));
    buffer_free(&record);
    return result;
}

status history_load(server_app *app)
{
    buffer record;
    bool found = false;
    buffer_init(&record, HISTORY_SIZE_MAX);
    status result = model_side_get(app->db, bytes_of(history_key, 2), &record, &found);
    reader r = reader_of(buffer_view(&record));
    if (result == ATOLL_OK && found) {
        app->history.horizon = reader_varint(&r);
        uint64_t count = reader_varint(&r);
        for (uint64_t i = 0; i < count && !r.failed && result == ATOLL_OK; i++) {
            app_epoch e = {reader_fixed64(&r), reader_varint(&r), reader_fixed64(&r),
                           reader_byte(&r)};
            if (e.ended > HISTORY_SCHEMA_BROKEN) e.ended = HISTORY_TERMINATED;
            result = vector_push(&app->history.epochs, e);
        }
        if (r.failed)
            result = fail(ATOLL_ERROR_FILE_CORRUPT, "the record of the history of '%s' is damaged",
                          app->app_id);
    }
    buffer_free(&record);
    return result;
}

/* Old ones stay for long: a client that knows none of them can't tell what a restored backup has. */
static void forget_epochs(app_history *h)
{
    size_t drop = h->epochs.count > EPOCHS_MAX ? h->epochs.count - EPOCHS_MAX : 0;
    if (drop == 0) return;
    memmove(h->epochs.items, h->epochs.items + drop,
            (h->epochs.count - drop) * sizeof *h->epochs.items);
    h->epochs.count -= drop;
}

status history_begin(server_app *app, model_txn *txn)
{
    app_epoch e = {platform_random_u64(app->options.platform) >> 1 | 1, model_txn_version(txn),
                   (uint64_t)app_now_ms(app) << 16, HISTORY_GOES_ON};
    if (e.began <= app->clock) e.began = app->clock + 1;
    forget_epochs(&app->history);
    TRY(vector_push(&app->history.epochs, e));
    app->epoch = e.id;
    return history_write(txn, &app->history);
}

uint64_t history_last(const server_app *app, size_t index)
{
    return index + 1 < app->history.epochs.count ? app->history.epochs.items[index + 1].first - 1
                                                 : model_version(app->db);
}

status history_check(const server_app *app, uint64_t epoch, uint64_t cursor, uint64_t acknowledged)
{
    size_t i = 0;
    while (i < app->history.epochs.count && app->history.epochs.items[i].id != epoch) i++;
    bool known = i < app->history.epochs.count;
    if (!known || cursor > history_last(app, i) || acknowledged > history_last(app, i)) {
        return fail(ATOLL_ERROR_CLIENT_RESET,
                    "the server's data was restored or replaced since this realm was synced");
    }
    uint8_t ended = app->history.epochs.items[i].ended;
    if (ended != HISTORY_GOES_ON) return fail(ATOLL_ERROR_CLIENT_RESET, "%s", why_ended[ended]);
    if (cursor != 0 && cursor < app->history.horizon) {
        return fail(ATOLL_ERROR_CLIENT_RESET,
                    "this realm was offline for longer than the server remembers deletions");
    }
    return ATOLL_OK;
}

/* ---- ends ---- */

status history_end_all(server_app *app, model_txn *txn, history_end why)
{
    for (size_t i = 0; i < app->history.epochs.count; i++)
        app->history.epochs.items[i].ended = (uint8_t)why;
    TRY(history_begin(app, txn));
    return app_record_write(app, txn);
}

void history_tell_end(server_app *app, history_end why)
{
    for (size_t i = 0; i < app->peers.count; i++)
        peer_end(app->peers.items[i], ATOLL_ERROR_CLIENT_RESET, why_ended[why], true);
}

status server_app_terminate(server_app *app)
{
    model_txn *txn = NULL;
    TRY(app_begin(app, &txn));
    status result = history_end_all(app, txn, HISTORY_TERMINATED);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    history_tell_end(app, HISTORY_TERMINATED);
    return server_app_sync(app);
}

/* ---- the horizon ---- */

static void mark_key(uint8_t key[10], uint64_t version)
{
    key[0] = 's';
    key[1] = 'w';
    key_put_u64(key + 2, version);
}

typedef struct mark_search {
    uint64_t version,
        newest_ms; /* version: newest one that is old enough; newest_ms: of any mark */
    int64_t before_ms;
} mark_search;

static status find_marks(server_app *app, mark_search *s)
{
    const uint8_t from[2] = {'s', 'w'}, to[2] = {'s', 'w' + 1};
    storage_iterator *i = NULL;
    bytes key, value;
    TRY(model_side_iterate(app->db, bytes_of(from, 2), bytes_of(to, 2), &i));
    while (storage_iterator_next(i, &key, &value)) {
        reader r = reader_of(value);
        uint64_t at = reader_fixed64(&r);
        if (key.size != 10 || r.failed) continue;
        if ((int64_t)at <= s->before_ms) s->version = key_get_u64(key.data + 2);
        s->newest_ms = at;
    }
    status result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

typedef struct trim {
    server_app *app;
    model_txn *txn;
    uint64_t horizon, done; /* done: everything at or below it is trimmed */
    size_t rows;
} trim;

static status trim_leave(void *context, class_key c, row_key row, const leave_record *r)
{
    trim *t = context;
    row_mark mark;
    if (r->version > t->horizon) return ATOLL_ERROR_CANCELLED;
    if (t->rows >= TRIM_ROWS_MAX && r->version > t->done) return ATOLL_ERROR_CANCELLED;
    TRY(meta_drop_leave(t->txn, r->version, c, row));
    TRY(meta_read(t->app, c, row, &mark));
    const row_mark none = {0};
    status result = places_trim(t->app, t->txn, c, row, r, &mark);
    if (result == ATOLL_OK && !mark.alive && mark.life != 0 && mark.changed <= t->horizon) {
        /* Nothing remains of the row. */
        result = meta_touch(t->app, c, row, &mark, 0);
        if (result == ATOLL_OK) result = meta_write(t->app, c, row, &none);
    }
    row_mark_free(&mark);
    t->done = r->version;
    t->rows++;
    return result;
}

static status trim_marks(trim *t)
{
    uint8_t from[10], to[10];
    storage_iterator *i = NULL;
    bytes key, value;
    mark_key(from, 0);
    mark_key(to, t->horizon);
    TRY(model_side_iterate(t->app->db, bytes_of(from, 10), bytes_of(to, 10), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value))
        result = model_side_delete(t->txn, key);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

/* The horizon moves before what lies below it goes: both are in one commit. */
static status trim_to(server_app *app, uint64_t horizon, bool *more)
{
    trim t = {.app = app, .horizon = horizon};
    uint64_t before = app->history.horizon;
    TRY(app_begin(app, &t.txn));
    status result = meta_leaves(app, 0, trim_leave, &t);
    *more = result == ATOLL_ERROR_CANCELLED && t.rows >= TRIM_ROWS_MAX;
    if (result == ATOLL_ERROR_CANCELLED) result = ATOLL_OK;
    if (result == ATOLL_OK) result = trim_marks(&t);
    app->history.horizon = horizon;
    if (result == ATOLL_OK) result = history_write(t.txn, &app->history);
    if (result == ATOLL_OK) result = marks_flush(app, t.txn);
    if (result == ATOLL_OK) {
        result = model_commit(t.txn, NULL);
    } else {
        model_rollback(t.txn);
    }
    if (result != ATOLL_OK) app->history.horizon = before;
    if (result != ATOLL_OK) marks_forget(app);
    marks_settle(app);
    if (result == ATOLL_OK && t.rows > 0)
        log_write(LOG_INFO, category, "%zu deletions and leaves before version %llu are forgotten",
                  t.rows, (unsigned long long)horizon);
    return result;
}

static status put_mark(server_app *app, int64_t now_ms)
{
    uint8_t key[10];
    model_txn *txn = NULL;
    buffer record;
    buffer_init(&record, 16);
    TRY(app_begin(app, &txn));
    mark_key(key, model_txn_version(txn));
    status result = buffer_append_fixed64(&record, (uint64_t)now_ms);
    if (result == ATOLL_OK) result = model_side_put(txn, bytes_of(key, 10), buffer_view(&record));
    buffer_free(&record);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    for (size_t i = 0; i < app->peers.count; i++) {
        app->peers.items[i]->tell_cursor = true;
        peer_wake(app->peers.items[i]);
    }
    return ATOLL_OK;
}

status server_app_housekeep(server_app *app)
{
    uint64_t offline_ms = app->options.offline_ms;
    int64_t now_ms = app_now_ms(app);
    bool more = true;
    if (offline_ms == 0) return ATOLL_OK;
    mark_search s = {.before_ms = now_ms - (int64_t)offline_ms};
    TRY(find_marks(app, &s));
    if (s.newest_ms == 0 || now_ms - (int64_t)s.newest_ms >= (int64_t)(offline_ms / MARKS))
        TRY(put_mark(app, now_ms));
    if (s.version <= app->history.horizon) return ATOLL_OK;
    while (more) TRY(trim_to(app, s.version, &more));
    return ATOLL_OK;
}
