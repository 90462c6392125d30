/* The worker that copies ingested objects from the embedded store to PostgreSQL.
 * Must never: touch what belongs to the loop's thread, or read what is not on disk yet (after a power cut its position may
 * be given again). Invariant: an object and the mark beyond it are committed by one transaction of PostgreSQL, and the
 * mark only moves from where the batch began; so whatever is cut, each object is there once. */
#include "server/sink.h"

#include "platform/thread.h"
#include "server/app.h"

#include <inttypes.h>

#define BATCH_SIZE (4u << 20)
#define BATCH_COUNT 20000
#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS 5000
#define CATEGORY "Realm.Sync.Server"

typedef struct prepared_table {
    class_key class_of;
    size_t property_count;
} prepared_table;

struct sink {
    model_db *db;
    const char *app_id; /* the app's own copy */
    uint64_t store;   /* whose positions these are: a folder that begins anew has another number */
    uint64_t started; /* the position that this run of the server began with */
    bool known;       /* the worker has read the mark in this run */
    sink_config *config;
    uint64_t told; /* of the loop's thread */
    mutex lock;
    condition changed;
    uint64_t durable;     /* under lock */
    uint64_t delivered;   /* under lock */
    postgres *connection; /* under lock to set; the worker's to use */
    atomic_bool stop;
    thread *worker;
    /* the worker's */
    uint64_t at; /* the mark */
    uint64_t retry_ms;
    VECTOR(prepared_table) tables; /* of this connection */
};

/* ---- the connection ---- */

static uint64_t durable_of(sink *s)
{
    mutex_lock(&s->lock);
    uint64_t durable = s->durable;
    mutex_unlock(&s->lock);
    return durable;
}

static void set_mark(sink *s, uint64_t at)
{
    s->at = at;
    mutex_lock(&s->lock);
    s->delivered = at;
    mutex_unlock(&s->lock);
}

uint64_t sink_delivered(sink *s)
{
    mutex_lock(&s->lock);
    uint64_t delivered = s->delivered;
    mutex_unlock(&s->lock);
    return delivered;
}

static void set_connection(sink *s, postgres *p)
{
    mutex_lock(&s->lock);
    postgres *before = s->connection;
    s->connection = p;
    mutex_unlock(&s->lock);
    postgres_close(before);
    s->tables.count = 0;
}

/* No earlier run can have delivered more than this run began with: such a folder was restored from a backup. All that it
 * had then is there, and what came since has positions that were given before. */
static status read_mark(sink *s)
{
    uint64_t limit = s->known ? durable_of(s) : s->started, mark = 0;
    bool moved = true;
    TRY(sink_mark_read(s->connection, s->config, s->app_id, s->store, &mark));
    if (mark > limit) {
        log_write(LOG_WARN, CATEGORY,
                  "app \"%s\": PostgreSQL has objects up to %" PRIu64 ", this folder only %" PRIu64
                  ": it was set back; its next objects are taken as new",
                  s->app_id, mark, limit);
        TRY(sink_mark_move(s->connection, s->config, s->app_id, s->store, mark, limit, &moved));
        if (!moved) return fail(ATOLL_ERROR_BUSY, "another server moves the mark of this app");
        mark = limit;
    }
    s->known = true;
    set_mark(s, mark);
    return ATOLL_OK;
}

static status connect_sink(sink *s)
{
    postgres *p = NULL;
    TRY(postgres_open(s->config->connection, &s->stop, &p));
    set_connection(s, p);
    TRY(sink_mark_prepare(p, s->config, s->app_id, s->store));
    TRY(read_mark(s));
    log_write(LOG_INFO, CATEGORY, "app \"%s\": ingested objects after %" PRIu64 " go to PostgreSQL",
              s->app_id, s->at);
    return ATOLL_OK;
}

/* ---- batches ---- */

typedef struct batch_reader {
    sink_batch *batch;
    uint64_t at;
} batch_reader;

static status read_object(void *context, uint64_t position, bytes line)
{
    batch_reader *r = context;
    if (r->batch->count >= BATCH_COUNT || r->batch->size >= BATCH_SIZE)
        return ATOLL_ERROR_CANCELLED;
    TRY(sink_batch_add(r->batch, line));
    r->at = position;
    return ATOLL_OK;
}

static status read_batch(sink *s, uint64_t durable, sink_batch *batch, uint64_t *last)
{
    batch_reader r = {batch, durable};
    TRY(ingest_each(s->db, s->at, durable, read_object, &r));
    *last = r.at;
    return ATOLL_OK;
}

static status prepare_table(sink *s, const model_schema *schema, const model_class *c)
{
    size_t i = 0;
    while (i < s->tables.count && s->tables.items[i].class_of != c->key) i++;
    if (i < s->tables.count && s->tables.items[i].property_count == c->property_count)
        return ATOLL_OK;
    TRY(sink_table_prepare(s->connection, s->config, schema, c));
    prepared_table t = {c->key, c->property_count};
    if (i == s->tables.count) return vector_push(&s->tables, t);
    s->tables.items[i] = t;
    return ATOLL_OK;
}

/* Moving the mark comes first: it waits for whatever became of a transaction whose commit was not answered, and then
 * finds the mark where that left it. */
static status write_batch(sink *s, const sink_batch *batch, uint64_t last)
{
    bool moved = false;
    postgres *p = s->connection;
    TRY(postgres_run(p, "BEGIN", NULL, 0, NULL));
    TRY(sink_mark_move(p, s->config, s->app_id, s->store, s->at, last, &moved));
    if (!moved) {
        TRY(postgres_run(p, "ROLLBACK", NULL, 0, NULL));
        return read_mark(s);
    }
    for (size_t i = 0; i < batch->classes.count; i++) {
        const sink_rows *rows = batch->classes.items[i];
        TRY(prepare_table(s, batch->schema, rows->of));
        TRY(sink_table_copy(p, s->config, rows));
    }
    TRY(postgres_run(p, "COMMIT", NULL, 0, NULL));
    set_mark(s, last);
    return ATOLL_OK;
}

static status deliver(sink *s)
{
    model_view *view = model_view_newest(s->db);
    sink_batch batch = {.config = s->config, .schema = model_view_schema(view)};
    uint64_t last = s->at;
    status result = read_batch(s, durable_of(s), &batch, &last);
    if (result == ATOLL_OK) result = write_batch(s, &batch, last);
    sink_batch_free(&batch);
    model_view_release(view);
    return result;
}

/* ---- the thread ---- */

static void failed(sink *s)
{
    if (!atomic_load(&s->stop))
        log_write(LOG_WARN, CATEGORY,
                  "app \"%s\": ingested objects wait for PostgreSQL, next try in %" PRIu64
                  " ms: %s",
                  s->app_id, s->retry_ms, fail_text());
    set_connection(s, NULL);
    mutex_lock(&s->lock);
    if (!atomic_load(&s->stop)) condition_wait_ms(&s->changed, &s->lock, s->retry_ms);
    mutex_unlock(&s->lock);
    s->retry_ms = s->retry_ms * 2 < RETRY_LAST_MS ? s->retry_ms * 2 : RETRY_LAST_MS;
}

static void work(void *argument)
{
    sink *s = argument;
    while (!atomic_load(&s->stop)) {
        status result = s->connection == NULL ? connect_sink(s) : ATOLL_OK;
        if (result == ATOLL_OK && s->at < durable_of(s)) {
            result = deliver(s);
            if (result == ATOLL_OK) s->retry_ms = RETRY_FIRST_MS;
        }
        if (result != ATOLL_OK) {
            failed(s);
            continue;
        }
        mutex_lock(&s->lock);
        while (s->at >= s->durable && !atomic_load(&s->stop)) condition_wait(&s->changed, &s->lock);
        mutex_unlock(&s->lock);
    }
    set_connection(s, NULL);
}

void sink_advance(sink *s, uint64_t position)
{
    if (position == s->told) return;
    s->told = position;
    mutex_lock(&s->lock);
    s->durable = position;
    condition_broadcast(&s->changed);
    mutex_unlock(&s->lock);
}

static void sink_free(sink *s)
{
    sink_config_release(s->config);
    vector_free(&s->tables);
    memory_free(s);
}

/* Drawn once for a folder; it stays in its copies. */
static status store_number(server_app *app, uint64_t *out)
{
    static const uint8_t key[2] = {'s', 'g'};
    buffer record;
    bool found = false;
    model_txn *txn = NULL;
    buffer_init(&record, 64);
    status result = model_side_get(app->db, bytes_of(key, 2), &record, &found);
    if (result == ATOLL_OK && !found) {
        buffer_clear(&record);
        result =
            buffer_append_fixed64(&record, platform_random_u64(app->options.platform) >> 1 | 1);
        if (result == ATOLL_OK) result = app_begin(app, &txn);
        if (result == ATOLL_OK)
            result = model_side_put(txn, bytes_of(key, 2), buffer_view(&record));
        if (result == ATOLL_OK)
            result = model_commit(txn, NULL);
        else if (txn != NULL)
            model_rollback(txn);
        if (result == ATOLL_OK) result = server_app_sync(app);
    }
    reader r = reader_of(buffer_view(&record));
    uint64_t number = reader_fixed64(&r);
    if (result == ATOLL_OK && r.failed)
        result = fail(ATOLL_ERROR_FILE_CORRUPT, "the number of the folder of '%s' is damaged",
                      app->app_id);
    buffer_free(&record);
    if (result == ATOLL_OK) *out = number;
    return result;
}

status sink_start(server_app *app, const char *app_id, sink_config *config, sink **out)
{
    sink *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    s->db = app->db;
    s->app_id = app_id;
    s->config = sink_config_retain(config);
    s->told = s->durable = s->started = app->ingest_position;
    s->retry_ms = RETRY_FIRST_MS;
    status result = store_number(app, &s->store);
    if (result == ATOLL_OK) result = mutex_init(&s->lock);
    if (result != ATOLL_OK) {
        sink_free(s);
        return result;
    }
    result = condition_init(&s->changed);
    if (result == ATOLL_OK) {
        result = thread_start("atoll-sink", work, s, &s->worker);
        if (result != ATOLL_OK) condition_destroy(&s->changed);
    }
    if (result != ATOLL_OK) {
        mutex_destroy(&s->lock);
        sink_free(s);
        return result;
    }
    *out = s;
    return ATOLL_OK;
}

void sink_stop(sink *s)
{
    if (s == NULL) return;
    mutex_lock(&s->lock);
    atomic_store(&s->stop, true);
    if (s->connection != NULL) postgres_interrupt(s->connection);
    condition_broadcast(&s->changed);
    mutex_unlock(&s->lock);
    thread_join(s->worker);
    condition_destroy(&s->changed);
    mutex_destroy(&s->lock);
    sink_free(s);
}
