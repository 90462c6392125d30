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

status server_ingest_read_some(server_app *app, uint64_t after, size_t limit,
                               const ingest_filter *filter, buffer *ndjson, uint64_t *last)
{
    uint8_t from[10] = {'s', 'a'};
    storage_iterator *i = NULL;
    bytes key, value;
    key_put_u64(from + 2, after + 1);
    TRY(model_side_iterate(app->db, bytes_of(from, sizeof from), bytes_of(store_to, 2), &i));
    status result = ATOLL_OK;
    uint64_t at = after;
    for (size_t n = 0; n < limit && result == ATOLL_OK && storage_iterator_next(i, &key, &value);
         n++) {
        if (!is_of_class(value, filter->class_name) || !is_in_time(value, filter)) {
            at = key_get_u64(key.data + 2);
            continue;
        }
        bool fits = value.size <= ndjson->size_max - ndjson->size;
        if (!fits && ndjson->size > 0) break; /* The next call begins with it. */
        result =
            fits ? buffer_append(ndjson, value.data, value.size) : put_too_large(ndjson, value);
        if (result == ATOLL_OK) at = key_get_u64(key.data + 2);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    if (result == ATOLL_OK) *last = at;
    return result;
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
    while (storage_iterator_next(i, &key, &value)) size += key.size + value.size;
    status result = storage_iterator_status(i);
    storage_iterator_free(i);
    if (result == ATOLL_OK) app->ingest_bytes = size;
    return result;
}

typedef struct drop {
    const ingest_keep *keep;
    uint64_t through; /* the last that may go */
    char oldest[INGEST_TIME_SIZE];
    VECTOR(uint64_t) due;
    uint64_t size, due_size; /* of all that were looked at; of those that are due */
    size_t due_count; /* the first ones of `due`; others came before them, or are not old enough */
} drop;

/* False: neither this one nor any after it goes. A line without a time goes with the next one that has to. */
static bool is_due(drop *d, const server_app *app, uint64_t position, bytes line, bool *known)
{
    const char *at = time_of(line);
    *known = true;
    if (position > d->through) return false;
    if (d->keep->drop_delivered) return true;
    if (d->keep->bytes != 0 && app->ingest_bytes - d->size > d->keep->bytes) return true;
    if (d->keep->ms == 0) return false;
    *known = at != NULL;
    return at == NULL || memcmp(at, d->oldest, INGEST_TIME_SIZE - 1) < 0;
}

static status find_due(server_app *app, drop *d)
{
    storage_iterator *i = NULL;
    bytes key, line;
    TRY(model_side_iterate(app->db, bytes_of(store_from, 2), bytes_of(store_to, 2), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && d->due.count < DROPPED_MAX &&
           storage_iterator_next(i, &key, &line)) {
        bool known = false;
        uint64_t position = key_get_u64(key.data + 2);
        if (!is_due(d, app, position, line, &known)) break;
        result = vector_push(&d->due, position);
        d->size += key.size + line.size;
        if (!known) continue;
        d->due_count = d->due.count;
        d->due_size = d->size;
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

static status drop_due(server_app *app, const drop *d)
{
    model_txn *txn = NULL;
    uint64_t before = app->ingest_bytes;
    TRY(model_begin(app->db, COMMIT_SERVER, &txn));
    status result = ATOLL_OK;
    for (size_t i = 0; i < d->due_count && result == ATOLL_OK; i++) {
        uint8_t key[10] = {'s', 'a'};
        key_put_u64(key + 2, d->due.items[i]);
        result = model_side_delete(txn, bytes_of(key, sizeof key));
    }
    app->ingest_bytes -= d->due_size;
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
    drop d = {.keep = keep, .through = through};
    *more = false;
    if (keep->ms == 0 && keep->bytes == 0 && !keep->drop_delivered) return ATOLL_OK;
    if (keep->ms != 0) ingest_time_text(app_now_ms(app) - (int64_t)keep->ms, d.oldest);
    status result = find_due(app, &d);
    if (result == ATOLL_OK && d.due_count > 0) result = drop_due(app, &d);
    *more = result == ATOLL_OK && d.due_count == DROPPED_MAX;
    vector_free(&d.due);
    return result;
}
