/* The embedded store of ingested objects: what is read of it, and what of it is dropped.
 * It must never drop an object that is not the oldest one, nor one beyond what the caller allows. Invariant: the bytes that
 * the app's record tells are those of the lines that are there. */
#include "server/app.h"

#include <stdio.h>

enum { DROPPED_MAX = 5000 }; /* in one commit: the loop has more to do */

static const uint8_t store_from[2] = {'s', 'a'}, store_to[2] = {'s', 'a' + 1};

/* An object whose line fits no answer: what it is, without its values, so that the reader gets past it and knows. */
static status put_too_large(buffer *ndjson, bytes line)
{
    static const char mark[] = ",\"object\":";
    size_t head = 0;
    while (head + sizeof mark < line.size && memcmp(line.data + head, mark, sizeof mark - 1) != 0)
        head++;
    TRY(buffer_append(ndjson, line.data, head));
    char tail[80];
    snprintf(tail, sizeof tail, ",\"object\":null,\"too_large\":%zu}\n", line.size);
    return buffer_append(ndjson, tail, strlen(tail));
}

/* The class stands before the object, as store_line writes it; names of classes need no escapes. */
static bool is_of_class(bytes line, bytes class_name)
{
    static const char mark[] = ",\"class\":\"";
    if (class_name.size == 0) return true;
    const uint8_t *at = memmem(line.data, line.size, mark, sizeof mark - 1);
    if (at == NULL) return false;
    at += sizeof mark - 1;
    size_t left = (size_t)(line.data + line.size - at);
    return left > class_name.size && at[class_name.size] == '"' &&
           memcmp(at, class_name.data, class_name.size) == 0;
}

/* When the line came, as text of fixed width, which sorts as the time does; NULL: it is older than this was written. */
static const char *time_of(bytes line)
{
    static const char mark[] = ",\"at\":\"";
    static const char behind[] = ",\"class\":";
    const uint8_t *end = memmem(line.data, line.size, behind, sizeof behind - 1);
    if (end == NULL) return NULL;
    const char *at = memmem(line.data, (size_t)(end - line.data), mark, sizeof mark - 1);
    if (at == NULL) return NULL;
    at += sizeof mark - 1;
    size_t left = (size_t)((const char *)line.data + line.size - at);
    return left >= INGEST_TIME_SIZE ? at : NULL;
}

static bool is_in_time(bytes line, const ingest_filter *filter)
{
    char text[INGEST_TIME_SIZE];
    if (filter->since_ms == 0 && filter->until_ms == 0) return true;
    const char *at = time_of(line);
    if (at == NULL) return false;
    ingest_time_text(filter->since_ms, text);
    if (filter->since_ms != 0 && memcmp(at, text, INGEST_TIME_SIZE - 1) < 0) return false;
    ingest_time_text(filter->until_ms, text);
    return filter->until_ms == 0 || memcmp(at, text, INGEST_TIME_SIZE - 1) < 0;
}

/* ---- records: lines that came together, under the position of the last one ---- */

static uint64_t count_lines(bytes record)
{
    uint64_t count = 0;
    const uint8_t *at = record.data, *end = record.data + record.size;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) at++, count++;
    return count;
}

static status each_line(bytes key, bytes record, uint64_t after, ingest_visitor each, void *context)
{
    if (key.size != 10)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a record of ingested objects has a key of %zu bytes",
                    key.size);
    uint64_t position = key_get_u64(key.data + 2) - count_lines(record);
    const uint8_t *at = record.data, *end = record.data + record.size;
    while (at < end) {
        const uint8_t *next = memchr(at, '\n', (size_t)(end - at));
        if (next == NULL)
            return fail(ATOLL_ERROR_FILE_CORRUPT, "a record of ingested objects is cut off");
        if (++position > after) TRY(each(context, position, bytes_of(at, (size_t)(next + 1 - at))));
        at = next + 1;
    }
    return ATOLL_OK;
}

status ingest_each(model_db *db, uint64_t after, uint64_t through, ingest_visitor each,
                   void *context)
{
    uint8_t from[10] = {'s', 'a'}, to[10] = {'s', 'a'};
    storage_iterator *i = NULL;
    bytes key, record;
    key_put_u64(from + 2, after + 1);
    key_put_u64(to + 2, through + 1);
    TRY(model_side_iterate(db, bytes_of(from, sizeof from), bytes_of(to, sizeof to), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &record))
        result = each_line(key, record, after, each, context);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result == ATOLL_ERROR_CANCELLED ? ATOLL_OK : result;
}

/* ---- what is read ---- */

typedef struct line_reader {
    const ingest_filter *filter;
    buffer *ndjson;
    size_t left;
    uint64_t at;
} line_reader;

static status read_line(void *context, uint64_t position, bytes line)
{
    line_reader *r = context;
    if (r->left == 0) return ATOLL_ERROR_CANCELLED;
    bool fits = line.size <= r->ndjson->size_max - r->ndjson->size;
    bool wanted = is_of_class(line, r->filter->class_name) && is_in_time(line, r->filter);
    if (wanted && !fits && r->ndjson->size > 0)
        return ATOLL_ERROR_CANCELLED; /* The next call begins with it. */
    if (wanted)
        TRY(fits ? buffer_append(r->ndjson, line.data, line.size) : put_too_large(r->ndjson, line));
    r->left--;
    r->at = position;
    return ATOLL_OK;
}

status server_ingest_read_some(server_app *app, uint64_t after, size_t limit,
                               const ingest_filter *filter, buffer *ndjson, uint64_t *last)
{
    line_reader r = {filter, ndjson, limit, after};
    TRY(ingest_each(app->db, after, UINT64_MAX - 1, read_line, &r));
    *last = r.at;
    return ATOLL_OK;
}

status server_ingest_read(server_app *app, uint64_t after, size_t limit, buffer *ndjson,
                          uint64_t *last)
{
    const ingest_filter all = {0};
    return server_ingest_read_some(app, after, limit, &all, ndjson, last);
}

/* ---- what is dropped ---- */

status ingest_count_bytes(server_app *app)
{
    storage_iterator *i = NULL;
    bytes key, value;
    uint64_t size = 0;
    TRY(model_side_iterate(app->db, bytes_of(store_from, 2), bytes_of(store_to, 2), &i));
    while (storage_iterator_next(i, &key, &value)) size += value.size;
    status result = storage_iterator_status(i);
    storage_iterator_free(i);
    if (result == ATOLL_OK) app->ingest_bytes = size;
    return result;
}

typedef struct drop {
    const server_app *app;
    const ingest_keep *keep;
    uint64_t through; /* the last that may go */
    char oldest[INGEST_TIME_SIZE];
    uint64_t size; /* of all that were looked at */
    size_t count;
    uint64_t last,
        last_size; /* all up to this one go; others came before it, or are not old enough */
    size_t last_count;
} drop;

/* False: neither this one nor any after it goes. A line without a time goes with the next one that has to. */
static bool is_due(const drop *d, uint64_t position, bytes line, bool *known)
{
    const char *at = time_of(line);
    *known = true;
    if (position > d->through) return false;
    if (d->keep->drop_delivered) return true;
    if (d->keep->bytes != 0 && d->app->ingest_bytes - d->size > d->keep->bytes) return true;
    if (d->keep->ms == 0) return false;
    *known = at != NULL;
    return at == NULL || memcmp(at, d->oldest, INGEST_TIME_SIZE - 1) < 0;
}

static status look_at(void *context, uint64_t position, bytes line)
{
    drop *d = context;
    bool known = false;
    if (d->count == DROPPED_MAX || !is_due(d, position, line, &known)) return ATOLL_ERROR_CANCELLED;
    d->count++;
    d->size += line.size;
    if (!known) return ATOLL_OK;
    d->last = position;
    d->last_size = d->size;
    d->last_count = d->count;
    return ATOLL_OK;
}

/* Of the record that holds the first line which stays, the end stays: its position is that of its last line. */
static status drop_record(model_txn *txn, bytes key, bytes record, uint64_t through, bool *more)
{
    uint64_t newest = key_get_u64(key.data + 2), first = newest - count_lines(record) + 1;
    const uint8_t *at = record.data, *end = record.data + record.size;
    *more = newest < through;
    if (newest <= through) return model_side_delete(txn, key);
    if (first > through) return ATOLL_OK;
    for (uint64_t i = first; i <= through && at < end; i++) {
        const uint8_t *next = memchr(at, '\n', (size_t)(end - at));
        at = next == NULL ? end : next + 1;
    }
    return model_side_put(txn, key, bytes_of(at, (size_t)(end - at)));
}

static status drop_lines(model_txn *txn, model_db *db, uint64_t through)
{
    storage_iterator *i = NULL;
    bytes key, record;
    bool more = true;
    TRY(model_side_iterate(db, bytes_of(store_from, 2), bytes_of(store_to, 2), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && more && storage_iterator_next(i, &key, &record))
        result = drop_record(txn, key, record, through, &more);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

static status drop_due(server_app *app, const drop *d)
{
    model_txn *txn = NULL;
    uint64_t before = app->ingest_bytes;
    TRY(app_begin(app, &txn));
    status result = drop_lines(txn, app->db, d->last);
    app->ingest_bytes -= d->last_size;
    if (result == ATOLL_OK) result = app_record_write(app, txn);
    if (result == ATOLL_OK)
        result = model_commit(txn, NULL);
    else
        model_rollback(txn);
    if (result != ATOLL_OK) app->ingest_bytes = before;
    return result;
}

status server_ingest_drop(server_app *app, const ingest_keep *keep, uint64_t through, bool *more)
{
    drop d = {.app = app, .keep = keep, .through = through};
    *more = false;
    if (keep->ms == 0 && keep->bytes == 0 && !keep->drop_delivered) return ATOLL_OK;
    if (keep->ms != 0) ingest_time_text(app_now_ms(app) - (int64_t)keep->ms, d.oldest);
    TRY(ingest_each(app->db, 0, UINT64_MAX - 1, look_at, &d));
    if (d.last_count > 0) TRY(drop_due(app, &d));
    *more = d.last_count == DROPPED_MAX;
    return ATOLL_OK;
}
