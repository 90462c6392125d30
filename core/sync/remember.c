/* What was acknowledged and may be missing in a backup that is restored: counted as unsent then.
 * It must never grow with how often rows change: many records are folded into one, and old ones go. Invariant: of a row that
 * was acknowledged within the time kept, some record names every field with the newest version that acknowledged it. */
#include "sync/remember.h"
#include "sync/pending_block.h"

enum {
    RECORDS_MAX = 256, /* then they are folded */
    RECORD_SIZE_MAX = 256 << 20,
    LINE_MAX = 64,
    DAYS_KEPT_OTHERWISE = 30
};
enum { DID_CREATE = 1, DID_DELETE = 2, KEY_RECORD = 'm' };
static const uint8_t line_key[2] = {'c', 'l'}, aside_key[2] = {'c', 'n'};

static uint64_t name_of(class_key c, row_key row)
{
    return (uint64_t)c << 44 ^ row;
}

static void record_key(uint8_t key[10], uint64_t version)
{
    key[0] = 'c';
    key[1] = KEY_RECORD;
    key_put_u64(key + 2, version);
}

/* ---- records ---- */

typedef struct memory_of_rows {
    map64 index; /* name → place in rows + 1 */
    VECTOR(remembered_row) rows;
    uint64_t newest;
} memory_of_rows;

static void rows_free(memory_of_rows *m)
{
    for (size_t i = 0; i < m->rows.count; i++) vector_free(&m->rows.items[i].fields);
    vector_free(&m->rows);
    map64_free(&m->index);
}

/* `count` rows from that one on, of which the same was acknowledged. */
static status run_write(buffer *to, const remembered_row *r, uint64_t count)
{
    uint8_t flags =
        (uint8_t)((r->created != 0 ? DID_CREATE : 0) | (r->deleted != 0 ? DID_DELETE : 0));
    TRY(buffer_append_varint(to, r->class_of));
    TRY(buffer_append_varint(to, r->row));
    TRY(buffer_append_varint(to, count));
    TRY(buffer_append_varint(to, r->version));
    TRY(buffer_append_varint(to, r->seconds));
    TRY(buffer_append_byte(to, flags));
    if (r->created != 0) TRY(buffer_append_varint(to, r->version - r->created));
    if (r->deleted != 0) TRY(buffer_append_varint(to, r->version - r->deleted));
    TRY(buffer_append_varint(to, r->fields.count));
    for (size_t i = 0; i < r->fields.count; i++) {
        TRY(buffer_append_varint(to, r->fields.items[i].property));
        TRY(buffer_append_varint(to, r->version - r->fields.items[i].version));
    }
    return ATOLL_OK;
}

static status run_read(reader *r, remembered_row *out, uint64_t *rows)
{
    remembered_row x = {.class_of = (class_key)reader_varint(r)};
    x.row = reader_varint(r);
    *rows = reader_varint(r);
    x.version = reader_varint(r);
    x.seconds = reader_varint(r);
    uint8_t flags = reader_byte(r);
    if ((flags & DID_CREATE) != 0) x.created = x.version - reader_varint(r);
    if ((flags & DID_DELETE) != 0) x.deleted = x.version - reader_varint(r);
    uint64_t count = reader_varint(r);
    status result = ATOLL_OK;
    for (uint64_t i = 0; i < count && !r->failed && result == ATOLL_OK; i++) {
        remembered_field f = {(property_key)reader_varint(r), 0};
        f.version = x.version - reader_varint(r);
        result = vector_push(&x.fields, f);
    }
    if (result == ATOLL_OK && r->failed)
        result = fail(ATOLL_ERROR_FILE_CORRUPT, "a record of what was acknowledged is damaged");
    if (result != ATOLL_OK) {
        vector_free(&x.fields);
        return result;
    }
    *out = x;
    return ATOLL_OK;
}

static status fold_in_first(memory_of_rows *m, const remembered_row *r)
{
    remembered_row own = *r;
    own.fields.items = NULL;
    own.fields.count = own.fields.capacity = 0;
    for (size_t i = 0; i < r->fields.count; i++) {
        status result = vector_push(&own.fields, r->fields.items[i]);
        if (result != ATOLL_OK) {
            vector_free(&own.fields);
            return result;
        }
    }
    status result = vector_push(&m->rows, own);
    if (result != ATOLL_OK) {
        vector_free(&own.fields);
        return result;
    }
    return map64_put(&m->index, name_of(r->class_of, r->row), m->rows.count);
}

/* What comes later was acknowledged later. */
static status fold_in(memory_of_rows *m, const remembered_row *r)
{
    uint64_t *at = map64_get(&m->index, name_of(r->class_of, r->row));
    if (r->version > m->newest) m->newest = r->version;
    if (at == NULL) return fold_in_first(m, r);
    if (m->rows.items == NULL) return ATOLL_OK; /* Never: `at` names one of them. */
    remembered_row *there = &m->rows.items[*at - 1];
    status result = ATOLL_OK;
    for (size_t i = 0; i < r->fields.count && result == ATOLL_OK; i++) {
        size_t k = 0;
        while (k < there->fields.count &&
               there->fields.items[k].property != r->fields.items[i].property)
            k++;
        if (k < there->fields.count) {
            there->fields.items[k].version = r->fields.items[i].version;
        } else {
            result = vector_push(&there->fields, r->fields.items[i]);
        }
    }
    there->version = r->version;
    there->seconds = r->seconds;
    if (r->created != 0) there->created = r->created;
    if (r->deleted != 0) there->deleted = r->deleted;
    return result;
}

static status fold_in_record(memory_of_rows *m, bytes record)
{
    reader r = reader_of(record);
    while (r.at != r.end) {
        remembered_row row;
        uint64_t count = 0;
        TRY(run_read(&r, &row, &count));
        status result = count <= UINT32_MAX ? ATOLL_OK
                                            : fail(ATOLL_ERROR_FILE_CORRUPT,
                                                   "a record of what was acknowledged is damaged");
        for (uint64_t i = 0; i < count && result == ATOLL_OK; i++, row.row++)
            result = fold_in(m, &row);
        vector_free(&row.fields);
        if (result != ATOLL_OK) return result;
    }
    return ATOLL_OK;
}

static status iterate(model_db *db, storage_iterator **out)
{
    const uint8_t from[2] = {'c', KEY_RECORD}, to[2] = {'c', KEY_RECORD + 1};
    return model_side_iterate(db, bytes_of(from, 2), bytes_of(to, 2), out);
}

static status count_records(model_db *db, size_t *out)
{
    storage_iterator *i = NULL;
    bytes key, value;
    size_t count = 0;
    TRY(iterate(db, &i));
    while (storage_iterator_next(i, &key, &value)) count++;
    status result = storage_iterator_status(i);
    storage_iterator_free(i);
    if (result == ATOLL_OK) *out = count;
    return result;
}

static status read_all(model_db *db, memory_of_rows *m)
{
    storage_iterator *i = NULL;
    bytes key, value;
    *m = (memory_of_rows){0};
    TRY(iterate(db, &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value))
        result = fold_in_record(m, value);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    if (result != ATOLL_OK) {
        rows_free(m);
        return result;
    }
    return ATOLL_OK;
}

static status drop_records(model_txn *txn, model_db *db)
{
    storage_iterator *i = NULL;
    bytes key, value;
    TRY(iterate(db, &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value))
        result = model_side_delete(txn, key);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

/* ---- a batch ---- */

typedef struct batch_memory {
    buffer record;
    uint64_t bound, version, seconds;
} batch_memory;

static status remember_run(void *context, const pending_run *run)
{
    batch_memory *b = context;
    const pending_entry *e = run->entry;
    remembered_row r = {run->class_of, run->first, b->version, 0, 0, b->seconds, {0}};
    if (e->created != 0 && e->created <= b->bound) r.created = b->version;
    if (e->deleted != 0 && e->deleted <= b->bound) r.deleted = b->version;
    if (r.created != 0 && e->alive_before) r.deleted = b->version; /* A life before it ended. */
    status result = ATOLL_OK;
    for (size_t i = 0; i < e->fields.count && result == ATOLL_OK; i++) {
        remembered_field f = {e->fields.items[i].property, b->version};
        if (pending_field_sent(&e->fields.items[i], b->bound)) result = vector_push(&r.fields, f);
    }
    bool any = r.created != 0 || r.deleted != 0 || r.fields.count > 0;
    if (result == ATOLL_OK && any) result = run_write(&b->record, &r, run->count);
    vector_free(&r.fields);
    return result;
}

static bool same_row(const remembered_row *a, const remembered_row *b)
{
    bool same = a->class_of == b->class_of && a->version == b->version &&
                a->created == b->created && a->deleted == b->deleted && a->seconds == b->seconds &&
                a->fields.count == b->fields.count;
    for (size_t i = 0; same && i < a->fields.count; i++)
        same = a->fields.items[i].property == b->fields.items[i].property &&
               a->fields.items[i].version == b->fields.items[i].version;
    return same;
}

/* Rows that follow one another, and of which the same is remembered, are one run. */
static status rows_write(buffer *to, const memory_of_rows *m)
{
    for (size_t i = 0, next = 0; i < m->rows.count; i = next) {
        const remembered_row *first = &m->rows.items[i];
        for (next = i + 1; next < m->rows.count; next++) {
            if (m->rows.items[next].row != first->row + (next - i) ||
                !same_row(&m->rows.items[next], first))
                break;
        }
        TRY(run_write(to, first, next - i));
    }
    return ATOLL_OK;
}

/* Many records become one, without what is too old. */
static status fold_records(model_txn *txn, model_db *db, batch_memory *b, uint64_t keep_seconds)
{
    memory_of_rows m;
    buffer all;
    uint8_t key[10];
    TRY(read_all(db, &m));
    buffer_init(&all, RECORD_SIZE_MAX);
    status result = drop_records(txn, db);
    size_t kept = 0;
    for (size_t i = 0; i < m.rows.count; i++) {
        if (m.rows.items[i].seconds + keep_seconds >= b->seconds)
            m.rows.items[kept++] = m.rows.items[i];
        else
            vector_free(&m.rows.items[i].fields);
    }
    m.rows.count = kept;
    if (result == ATOLL_OK) result = rows_write(&all, &m);
    record_key(key, m.newest);
    if (result == ATOLL_OK && all.size > 0)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&all));
    buffer_free(&all);
    rows_free(&m);
    return result;
}

status remember_batch(model_txn *txn, model_db *db, uint64_t bound, uint64_t version,
                      int64_t now_ms, uint64_t keep_ms, size_t *count)
{
    batch_memory b = {.bound = bound, .version = version, .seconds = (uint64_t)now_ms / 1000};
    uint64_t keep_seconds =
        keep_ms != 0 ? keep_ms / 1000 + 1 : (uint64_t)DAYS_KEPT_OTHERWISE * 86400;
    uint8_t key[10];
    record_key(key, version);
    buffer_init(&b.record, RECORD_SIZE_MAX);
    status result = pending_each_run(db, remember_run, &b);
    if (result == ATOLL_OK && *count == 0) result = count_records(db, count);
    if (result == ATOLL_OK && *count >= RECORDS_MAX) {
        result = fold_records(txn, db, &b, keep_seconds);
        *count = 1;
    }
    if (result == ATOLL_OK && b.record.size > 0) {
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&b.record));
        ++*count;
    }
    buffer_free(&b.record);
    return result;
}

status remember_aside(model_txn *txn, model_db *db, uint64_t bound, uint64_t version,
                      int64_t now_ms)
{
    batch_memory b = {.bound = bound, .version = version, .seconds = (uint64_t)now_ms / 1000};
    buffer_init(&b.record, RECORD_SIZE_MAX);
    status result = pending_each_run(db, remember_run, &b);
    if (result == ATOLL_OK && b.record.size > 0)
        result = model_side_put(txn, bytes_of(aside_key, 2), buffer_view(&b.record));
    buffer_free(&b.record);
    return result;
}

/* Behind what is remembered of that version already: in another history its number may have been used before. */
static status take_aside(model_txn *txn, model_db *db, bytes rows)
{
    uint8_t key[10];
    remembered_row first;
    reader r = reader_of(rows);
    buffer all;
    bool found = false;
    uint64_t count = 0;
    TRY(run_read(&r, &first, &count));
    record_key(key, first.version);
    vector_free(&first.fields);
    buffer_init(&all, RECORD_SIZE_MAX);
    status result = model_side_get(db, bytes_of(key, sizeof key), &all, &found);
    if (result == ATOLL_OK) result = buffer_append(&all, rows.data, rows.size);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&all));
    if (result == ATOLL_OK) result = model_side_delete(txn, bytes_of(aside_key, 2));
    buffer_free(&all);
    return result;
}

status remember_no_longer_aside(model_txn *txn, model_db *db)
{
    buffer rows;
    bool found = false;
    buffer_init(&rows, RECORD_SIZE_MAX);
    status result = model_side_get(db, bytes_of(aside_key, 2), &rows, &found);
    if (result == ATOLL_OK && found && rows.size > 0)
        result = take_aside(txn, db, buffer_view(&rows));
    buffer_free(&rows);
    return result;
}

status remember_after(model_db *db, uint64_t version,
                      status (*each)(void *context, const remembered_row *r), void *context)
{
    memory_of_rows m;
    TRY(read_all(db, &m));
    status result = ATOLL_OK;
    for (size_t i = 0; i < m.rows.count && result == ATOLL_OK; i++) {
        if (m.rows.items[i].version > version) result = each(context, &m.rows.items[i]);
    }
    rows_free(&m);
    return result;
}

/* Leaves of a row what was acknowledged at or before the version; false: nothing. */
static bool cut_row(remembered_row *r, uint64_t version)
{
    size_t kept = 0;
    if (r->version <= version) return true;
    for (size_t i = 0; i < r->fields.count; i++) {
        if (r->fields.items[i].version <= version) r->fields.items[kept++] = r->fields.items[i];
    }
    r->fields.count = kept;
    if (r->created > version) r->created = 0;
    if (r->deleted > version) r->deleted = 0;
    r->version = version;
    return kept > 0 || r->created != 0 || r->deleted != 0;
}

status remember_forget_after(model_txn *txn, model_db *db, uint64_t version)
{
    memory_of_rows m;
    buffer kept;
    uint8_t key[10];
    TRY(read_all(db, &m));
    buffer_init(&kept, RECORD_SIZE_MAX);
    status result = drop_records(txn, db);
    size_t left = 0;
    for (size_t i = 0; i < m.rows.count; i++) {
        if (cut_row(&m.rows.items[i], version))
            m.rows.items[left++] = m.rows.items[i];
        else
            vector_free(&m.rows.items[i].fields);
    }
    m.rows.count = left;
    if (result == ATOLL_OK) result = rows_write(&kept, &m);
    record_key(key, version < m.newest ? version : m.newest);
    if (result == ATOLL_OK && kept.size > 0)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&kept));
    buffer_free(&kept);
    rows_free(&m);
    return result;
}

/* ---- the line ---- */

status remember_line(model_db *db, remembered_line *out)
{
    buffer record;
    bool found = false;
    remembered_line line = {0};
    buffer_init(&record, 64 * LINE_MAX);
    status result = model_side_get(db, bytes_of(line_key, 2), &record, &found);
    reader r = reader_of(buffer_view(&record));
    while (result == ATOLL_OK && found && !r.failed && r.at != r.end) {
        remembered_epoch e = {reader_fixed64(&r), reader_fixed64(&r)};
        result = vector_push(&line, e);
    }
    if (result == ATOLL_OK && r.failed)
        result = fail(ATOLL_ERROR_FILE_CORRUPT, "the record of the server's history is damaged");
    buffer_free(&record);
    if (result != ATOLL_OK) {
        vector_free(&line);
        return result;
    }
    *out = line;
    return ATOLL_OK;
}

static status write_line(model_txn *txn, const remembered_line *line, uint64_t epoch)
{
    buffer record;
    buffer_init(&record, 64 * LINE_MAX);
    status result = ATOLL_OK;
    for (size_t i = line->count < LINE_MAX ? 0 : line->count - LINE_MAX + 1;
         i < line->count && result == ATOLL_OK; i++) {
        result = buffer_append_fixed64(&record, line->items[i].id);
        if (result == ATOLL_OK) result = buffer_append_fixed64(&record, line->items[i].last);
    }
    if (result == ATOLL_OK) result = buffer_append_fixed64(&record, epoch);
    if (result == ATOLL_OK) result = buffer_append_fixed64(&record, UINT64_MAX);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(line_key, 2), buffer_view(&record));
    buffer_free(&record);
    return result;
}

status remember_epoch(model_txn *txn, model_db *db, uint64_t epoch)
{
    remembered_line line;
    TRY(remember_line(db, &line));
    bool there = line.count > 0 && line.items[line.count - 1].id == epoch;
    status result = there ? ATOLL_OK : write_line(txn, &line, epoch);
    vector_free(&line);
    return result;
}

status remember_turn(model_txn *txn, model_db *db, uint64_t common, uint64_t last, uint64_t epoch)
{
    remembered_line line;
    TRY(remember_line(db, &line));
    while (line.count > 0 && line.items[line.count - 1].id != common) line.count--;
    if (line.count > 0 && line.items[line.count - 1].last > last)
        line.items[line.count - 1].last = last;
    if (epoch == common && line.count > 0) line.count--; /* It goes on. */
    status result = write_line(txn, &line, epoch);
    vector_free(&line);
    return result;
}
