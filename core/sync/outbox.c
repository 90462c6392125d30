/* The outbox of asymmetric objects: what their commits wrote, in order, until the server has it.
 *
 *   c q sequence → the version of the last object's commit, then of each: version, class, size, payload
 *
 * It must never give a sequence twice, nor drop an object that was not acknowledged. Invariant: sequences of a record follow
 * one another from the one in its key, and versions never fall. */
#include "sync/outbox.h"

enum { KEY_SIZE = 10, RECORD_TARGET = 256 << 10, HEAD_SIZE = 8 };

static void key_of(uint8_t key[KEY_SIZE], uint64_t sequence)
{
    key[0] = 'c';
    key[1] = 'q';
    key_put_u64(key + 2, sequence);
}

/* ---- writing ---- */

void outbox_writer_init(outbox_writer *w)
{
    *w = (outbox_writer){0};
    buffer_init(&w->record, LIMIT_TRANSACTION_SIZE_MAX + RECORD_TARGET);
}

void outbox_writer_free(outbox_writer *w)
{
    buffer_free(&w->record);
}

status outbox_flush(outbox_writer *w, model_txn *txn)
{
    uint8_t key[KEY_SIZE];
    if (w->record.size == 0) return ATOLL_OK;
    key_of(key, w->first);
    key_put_u64(w->record.data, w->newest);
    TRY(model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&w->record)));
    buffer_clear(&w->record);
    return ATOLL_OK;
}

static status append(outbox_writer *w, uint64_t version, class_key c, bytes payload)
{
    static const uint8_t head[HEAD_SIZE];
    if (w->record.size == 0) TRY(buffer_append(&w->record, head, sizeof head));
    TRY(buffer_append_varint(&w->record, version));
    TRY(buffer_append_varint(&w->record, c));
    TRY(buffer_append_bytes(&w->record, payload));
    w->newest = version;
    return ATOLL_OK;
}

status outbox_add(outbox_writer *w, model_txn *txn, sync_state *state, const asymmetric_row *row,
                  uint64_t version)
{
    if (w->record.size > 0 && w->record.size + row->payload.size > RECORD_TARGET)
        TRY(outbox_flush(w, txn));
    if (w->record.size == 0) w->first = state->next_sequence;
    TRY(append(w, version, row->class_of, row->payload));
    state->next_sequence++;
    return ATOLL_OK;
}

/* ---- reading ---- */

static status iterate(model_db *db, uint64_t from, storage_iterator **out)
{
    uint8_t key[KEY_SIZE];
    const uint8_t to[2] = {'c', 'q' + 1};
    key_of(key, from);
    return model_side_iterate(db, bytes_of(key, sizeof key), bytes_of(to, 2), out);
}

static outbox_object object_read(reader *r)
{
    outbox_object o = {.version = reader_varint(r)};
    o.class_of = (class_key)reader_varint(r);
    o.payload = reader_bytes(r);
    return o;
}

static status damaged(uint64_t record)
{
    return fail(ATOLL_ERROR_FILE_CORRUPT, "record %llu of the outbox is damaged",
                (unsigned long long)record);
}

static status each_object(bytes key, bytes record, uint64_t after_sequence,
                          status (*each)(void *context, const outbox_object *o), void *context)
{
    reader r = reader_of(record);
    if (key.size != KEY_SIZE) return damaged(0);
    uint64_t first = key_get_u64(key.data + 2), sequence = first;
    reader_take(&r, HEAD_SIZE);
    for (; !r.failed && r.at != r.end; sequence++) {
        outbox_object o = object_read(&r);
        o.sequence = sequence;
        o.record = first;
        if (!r.failed && sequence > after_sequence) TRY(each(context, &o));
    }
    return r.failed ? damaged(first) : ATOLL_OK;
}

status outbox_each(model_db *db, uint64_t record, uint64_t after_sequence,
                   status (*each)(void *context, const outbox_object *o), void *context)
{
    storage_iterator *i = NULL;
    bytes key, value;
    TRY(iterate(db, record, &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value))
        result = each_object(key, value, after_sequence, each, context);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

status outbox_any(model_db *db, bool *any)
{
    storage_iterator *i = NULL;
    bytes key, value;
    TRY(iterate(db, 0, &i));
    bool there = storage_iterator_next(i, &key, &value);
    status result = storage_iterator_status(i);
    storage_iterator_free(i);
    if (result == ATOLL_OK) *any = there;
    return result;
}

/* ---- acknowledgement ---- */

typedef struct kept_objects {
    outbox_writer w;
    uint64_t bound;
} kept_objects;

static status keep_object(void *context, const outbox_object *o)
{
    kept_objects *k = context;
    if (o->version <= k->bound) return ATOLL_OK;
    if (k->w.record.size == 0) k->w.first = o->sequence;
    return append(&k->w, o->version, o->class_of, o->payload);
}

/* *more false: nothing of what follows was acknowledged. */
static status acknowledge_record(model_txn *txn, bytes key, bytes record, uint64_t bound,
                                 bool *more)
{
    reader r = reader_of(record);
    bytes head = reader_take(&r, HEAD_SIZE);
    uint64_t first = reader_varint(&r);
    if (r.failed || key.size != KEY_SIZE) return damaged(0);
    *more = first <= bound;
    if (!*more) return ATOLL_OK;
    if (key_get_u64(head.data) <= bound) return model_side_delete(txn, key);
    kept_objects kept = {.bound = bound};
    outbox_writer_init(&kept.w);
    status result = each_object(key, record, 0, keep_object, &kept);
    if (result == ATOLL_OK) result = outbox_flush(&kept.w, txn);
    if (result == ATOLL_OK && kept.w.first != key_get_u64(key.data + 2))
        result = model_side_delete(txn, key);
    outbox_writer_free(&kept.w);
    return result;
}

status outbox_acknowledge(model_txn *txn, model_db *db, uint64_t bound)
{
    storage_iterator *i = NULL;
    bytes key, record;
    bool more = true;
    TRY(iterate(db, 0, &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && more && storage_iterator_next(i, &key, &record))
        result = acknowledge_record(txn, key, record, bound, &more);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}
