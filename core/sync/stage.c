/* Downloads on disk until they are published: the messages as they came, and one record of how far that is.
 * It must never keep a message in memory. Invariant: the record is written in the commit that makes it true, so that
 * after a power cut it tells of messages that are there. */
#include "sync/stage.h"

static const uint8_t record_key[2] = {'c', 'd'};
static const char MESSAGE_KIND = 'D';
enum { KEY_SIZE = 10, RECORD_SIZE_MAX = 200 + STAGE_POSITION_MAX };

static void message_key(uint8_t key[KEY_SIZE], uint64_t number)
{
    key[0] = 'c';
    key[1] = (uint8_t)MESSAGE_KIND;
    key_put_u64(key + 2, number);
}

status stage_read(model_db *db, stage_record *out)
{
    buffer record;
    bool found = false;
    stage_record s = {0};
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = model_side_get(db, bytes_of(record_key, sizeof record_key), &record, &found);
    if (result == ATOLL_OK && found) {
        reader r = reader_of(buffer_view(&record));
        uint64_t *numbers[] = {&s.ident, &s.epoch, &s.count, &s.to,          &s.view_version,
                               &s.clock, &s.next,  &s.row,   &s.sweep_class, &s.sweep_row};
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            *numbers[i] = reader_varint(&r);
        uint8_t flags = reader_byte(&r);
        s.complete = (flags & 1) != 0;
        s.sweep = (flags & 2) != 0;
        bytes position = {NULL, 0};
        if ((flags & 4) != 0) {
            s.resumable = reader_varint(&r);
            position = reader_bytes(&r);
        }
        if (position.size > sizeof s.position) r.failed = true;
        if (!r.failed && position.size > 0) {
            memcpy(s.position, position.data, position.size);
            s.position_size = position.size;
        }
        if (r.failed)
            result = fail(ATOLL_ERROR_FILE_CORRUPT,
                          "the record of staged downloads of %zu bytes is damaged", record.size);
    }
    buffer_free(&record);
    if (result == ATOLL_OK) *out = s;
    return result;
}

status stage_write(model_txn *txn, const stage_record *s)
{
    buffer record;
    buffer_init(&record, RECORD_SIZE_MAX);
    const uint64_t numbers[] = {s->ident, s->epoch, s->count, s->to,          s->view_version,
                                s->clock, s->next,  s->row,   s->sweep_class, s->sweep_row};
    status result = ATOLL_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && result == ATOLL_OK; i++)
        result = buffer_append_varint(&record, numbers[i]);
    if (result == ATOLL_OK)
        result = buffer_append_byte(
            &record, (uint8_t)(s->complete | s->sweep << 1 | (s->resumable > 0) << 2));
    if (result == ATOLL_OK && s->resumable > 0)
        result = buffer_append_varint(&record, s->resumable);
    if (result == ATOLL_OK && s->resumable > 0)
        result = buffer_append_bytes(&record, bytes_of(s->position, s->position_size));
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(record_key, sizeof record_key), buffer_view(&record));
    buffer_free(&record);
    return result;
}

status stage_add(model_txn *txn, stage_record *r, bytes message)
{
    uint8_t key[KEY_SIZE];
    message_key(key, r->count);
    TRY(model_side_put(txn, bytes_of(key, sizeof key), message));
    r->count++;
    return ATOLL_OK;
}

status stage_cut(model_txn *txn, stage_record *r)
{
    uint8_t key[KEY_SIZE];
    for (uint64_t i = r->resumable; i < r->count; i++) {
        message_key(key, i);
        TRY(model_side_delete(txn, bytes_of(key, sizeof key)));
    }
    r->count = r->resumable;
    return ATOLL_OK;
}

status stage_message(model_db *db, uint64_t number, buffer *out)
{
    uint8_t key[KEY_SIZE];
    bool found = false;
    message_key(key, number);
    TRY(model_side_get(db, bytes_of(key, sizeof key), out, &found));
    return found ? ATOLL_OK
                 : fail(ATOLL_ERROR_FILE_CORRUPT, "message %llu of a staged download is missing",
                        (unsigned long long)number);
}

status stage_drop(model_txn *txn, uint64_t count)
{
    uint8_t key[KEY_SIZE];
    if (count == 0) return ATOLL_OK;
    for (uint64_t i = 0; i < count; i++) {
        message_key(key, i);
        TRY(model_side_delete(txn, bytes_of(key, sizeof key)));
    }
    return model_side_delete(txn, bytes_of(record_key, sizeof record_key));
}
