/* What was acknowledged and may be missing in a backup that is restored: counted as unsent then.
 * It must never grow with how often rows change: many records are folded into one, and old ones go. Invariant: of a row that
 * was acknowledged within the time kept, some record names every field with the newest version that acknowledged it. */
#include "sync/remember.h"
#include "sync/pending_block.h"
#include "sync/side.h"

enum {
    RECORDS_MAX = 256, /* then they are folded */
    RECORD_SIZE_MAX = 256 << 20,
    LINE_MAX = 256,
    INCREMENTS_MAX = 16, /* of a field, apart from each other */
    DAYS_KEPT_OTHERWISE = 30
};
enum { DID_CREATE = 1, DID_DELETE = 2, HAS_CLAIMS = 4, KEY_RECORD = 'm' };
static const uint8_t line_key[2] = {'c', 'l'}, aside_key[2] = {'c', 'n'},
                     next_line_key[2] = {'c', 'j'};

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

static void row_free(remembered_row *r)
{
    vector_free(&r->fields);
    vector_free(&r->increments);
}

static void rows_free(memory_of_rows *m)
{
    for (size_t i = 0; i < m->rows.count; i++) row_free(&m->rows.items[i]);
    vector_free(&m->rows);
    map64_free(&m->index);
}

static bool any_claims(const remembered_row *r)
{
    for (size_t i = 0; i < r->increments.count; i++)
        if (r->increments.items[i].claim.place != 0) return true;
    return false;
}

/* `count` rows from that one on, of which the same was acknowledged. */
static status run_write(buffer *to, const remembered_row *r, uint64_t count)
{
    bool claims = any_claims(r);
    uint8_t flags = (uint8_t)((r->created != 0 ? DID_CREATE : 0) |
                              (r->deleted != 0 ? DID_DELETE : 0) | (claims ? HAS_CLAIMS : 0));
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
        const remembered_field *f = &r->fields.items[i];
        TRY(buffer_append_varint(to, (uint64_t)f->property << 1 | (f->set != 0)));
        TRY(buffer_append_varint(to, r->version - f->version));
        if (f->set != 0) TRY(buffer_append_varint(to, r->version - f->set));
    }
    TRY(buffer_append_varint(to, r->increments.count));
    for (size_t i = 0; i < r->increments.count; i++) {
        TRY(buffer_append_varint(to, r->increments.items[i].property));
        TRY(buffer_append_varint(to, r->version - r->increments.items[i].version));
        TRY(buffer_append_fixed64(to, (uint64_t)r->increments.items[i].added));
        if (claims) TRY(pending_claim_write(to, &r->increments.items[i].claim));
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
        uint64_t head = reader_varint(r);
        remembered_field f = {(property_key)(head >> 1), x.version - reader_varint(r), 0};
        if ((head & 1) != 0) f.set = x.version - reader_varint(r);
        result = vector_push(&x.fields, f);
    }
    count = reader_varint(r);
    for (uint64_t i = 0; i < count && !r->failed && result == ATOLL_OK; i++) {
        remembered_increment n = {.property = (property_key)reader_varint(r)};
        n.version = x.version - reader_varint(r);
        n.added = (int64_t)reader_fixed64(r);
        if ((flags & HAS_CLAIMS) != 0) n.claim = pending_claim_read(r);
        result = vector_push(&x.increments, n);
    }
    if (result == ATOLL_OK && r->failed)
        result = fail(ATOLL_ERROR_FILE_CORRUPT, "a record of what was acknowledged is damaged");
    if (result != ATOLL_OK) {
        row_free(&x);
        return result;
    }
    *out = x;
    return ATOLL_OK;
}

static status fold_field(remembered_row *there, const remembered_field *f)
{
    size_t k = 0, kept = 0;
    while (k < there->fields.count && there->fields.items[k].property != f->property) k++;
    if (k == there->fields.count) return vector_push(&there->fields, *f);
    there->fields.items[k].version = f->version;
    if (f->set == 0) return ATOLL_OK;
    there->fields.items[k].set = f->set;
    for (size_t i = 0; i < there->increments.count; i++) { /* They are in what was set. */
        if (there->increments.items[i].property != f->property)
            there->increments.items[kept++] = there->increments.items[i];
    }
    there->increments.count = kept;
    return ATOLL_OK;
}

/* Of very many the two oldest become one, which counts as the later of them. */
static status fold_increment(remembered_row *there, const remembered_increment *n)
{
    size_t count = 0, first = 0;
    for (size_t i = there->increments.count; i-- > 0;) {
        if (there->increments.items[i].property == n->property) count++, first = i;
    }
    if (count >= INCREMENTS_MAX) {
        remembered_increment *oldest = &there->increments.items[first];
        size_t next = first + 1;
        while (there->increments.items[next].property != n->property) next++;
        there->increments.items[next].added =
            (int64_t)((uint64_t)there->increments.items[next].added + (uint64_t)oldest->added);
        memmove(oldest, oldest + 1, (there->increments.count - first - 1) * sizeof *oldest);
        there->increments.count--;
    }
    return vector_push(&there->increments, *n);
}

static status fold_fields(remembered_row *there, const remembered_row *r)
{
    for (size_t i = 0; i < r->fields.count; i++) TRY(fold_field(there, &r->fields.items[i]));
    for (size_t i = 0; i < r->increments.count; i++)
        TRY(fold_increment(there, &r->increments.items[i]));
    return ATOLL_OK;
}

static status fold_in_first(memory_of_rows *m, const remembered_row *r)
{
    remembered_row own = *r;
    own.fields.items = NULL;
    own.fields.count = own.fields.capacity = 0;
    own.increments.items = NULL;
    own.increments.count = own.increments.capacity = 0;
    status result = fold_fields(&own, r);
    if (result == ATOLL_OK) result = vector_push(&m->rows, own);
    if (result != ATOLL_OK) {
        row_free(&own);
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
    TRY(fold_fields(there, r));
    there->version = r->version;
    there->seconds = r->seconds;
    if (r->created != 0) there->created = r->created;
    if (r->deleted != 0) there->deleted = r->deleted;
    return ATOLL_OK;
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
        row_free(&row);
        if (result != ATOLL_OK) return result;
    }
    return ATOLL_OK;
}

static status count_one(void *context, bytes key, bytes value)
{
    (void)key;
    (void)value;
    ++*(size_t *)context;
    return ATOLL_OK;
}

static status read_one(void *context, bytes key, bytes value)
{
    (void)key;
    return fold_in_record(context, value);
}

static status read_all(model_db *db, memory_of_rows *m)
{
    *m = (memory_of_rows){0};
    status result = side_each(db, KEY_RECORD, read_one, m);
    if (result != ATOLL_OK) rows_free(m);
    return result;
}

/* ---- a batch ---- */

typedef struct batch_memory {
    buffer record;
    uint64_t bound, version, seconds;
} batch_memory;

/* Of one batch what was set, or else what was added: a set has in it what was added to it. What was claimed keeps its stamps:
 * claimed once more, it has to lose to what it lost to. */
static status remember_field(const batch_memory *b, const pending_entry *e, const pending_field *f,
                             remembered_row *r)
{
    bool set = f->version != 0 && f->version <= b->bound;
    remembered_field field = {f->property, b->version, set ? b->version : 0};
    remembered_increment n = {.property = f->property, .version = b->version};
    uint64_t added = 0;
    if (!pending_field_sent(f, b->bound)) return ATOLL_OK;
    if (f->added_version != 0 && f->added_version <= b->bound) added += (uint64_t)f->added;
    if (f->sent_version != 0 && f->sent_version <= b->bound) added += (uint64_t)f->sent;
    bool claimed = f->claimed_version != 0 && f->claimed_version <= b->bound;
    TRY(vector_push(&r->fields, field));
    for (size_t i = 0; i < e->claims.count && claimed && !set; i++) {
        const pending_claim *c = &e->claims.items[i];
        if (c->property != f->property) continue;
        n.added = c->added;
        n.claim = c->stamp;
        TRY(vector_push(&r->increments, n));
    }
    n.added = (int64_t)added;
    n.claim = (claim_stamp){0};
    return set || added == 0 ? ATOLL_OK : vector_push(&r->increments, n);
}

static status remember_run(void *context, const pending_run *run)
{
    batch_memory *b = context;
    const pending_entry *e = run->entry;
    remembered_row r = {run->class_of, run->first, b->version, 0, 0, b->seconds, {0}, {0}};
    if (e->created != 0 && e->created <= b->bound) r.created = b->version;
    if (e->deleted != 0 && e->deleted <= b->bound) r.deleted = b->version;
    if (r.created != 0 && e->alive_before) r.deleted = b->version; /* A life before it ended. */
    status result = ATOLL_OK;
    for (size_t i = 0; i < e->fields.count && result == ATOLL_OK; i++) {
        result = remember_field(b, e, &e->fields.items[i], &r);
    }
    bool any = r.created != 0 || r.deleted != 0 || r.fields.count > 0;
    if (result == ATOLL_OK && any) result = run_write(&b->record, &r, run->count);
    row_free(&r);
    return result;
}

static bool same_row(const remembered_row *a, const remembered_row *b)
{
    bool same = a->class_of == b->class_of && a->version == b->version &&
                a->created == b->created && a->deleted == b->deleted && a->seconds == b->seconds &&
                a->fields.count == b->fields.count && a->increments.count == b->increments.count;
    for (size_t i = 0; same && i < a->fields.count; i++)
        same = a->fields.items[i].property == b->fields.items[i].property &&
               a->fields.items[i].version == b->fields.items[i].version &&
               a->fields.items[i].set == b->fields.items[i].set;
    for (size_t i = 0; same && i < a->increments.count; i++)
        same = a->increments.items[i].property == b->increments.items[i].property &&
               a->increments.items[i].version == b->increments.items[i].version &&
               a->increments.items[i].added == b->increments.items[i].added &&
               pending_same_stamp(&a->increments.items[i].claim, &b->increments.items[i].claim);
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

/* All records become one, of the rows that stay; its key names the newest version in it, at most newest_max. */
static status rewrite(model_txn *txn, model_db *db,
                      bool (*stays)(remembered_row *r, uint64_t limit), uint64_t limit,
                      uint64_t newest_max)
{
    memory_of_rows m;
    buffer all;
    uint8_t key[10];
    TRY(read_all(db, &m));
    buffer_init(&all, RECORD_SIZE_MAX);
    status result = side_drop(txn, db, KEY_RECORD);
    size_t kept = 0;
    for (size_t i = 0; i < m.rows.count; i++) {
        if (stays(&m.rows.items[i], limit))
            m.rows.items[kept++] = m.rows.items[i];
        else
            row_free(&m.rows.items[i]);
    }
    m.rows.count = kept;
    if (result == ATOLL_OK) result = rows_write(&all, &m);
    record_key(key, newest_max < m.newest ? newest_max : m.newest);
    if (result == ATOLL_OK && all.size > 0)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&all));
    buffer_free(&all);
    rows_free(&m);
    return result;
}

static bool is_young(remembered_row *r, uint64_t seconds)
{
    return r->seconds >= seconds;
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
    size_t there = 0;
    if (result == ATOLL_OK && *count == 0) result = side_each(db, KEY_RECORD, count_one, &there);
    if (result == ATOLL_OK) *count += there;
    if (result == ATOLL_OK && *count >= RECORDS_MAX) {
        uint64_t since = b.seconds > keep_seconds ? b.seconds - keep_seconds : 0;
        result = rewrite(txn, db, is_young, since, UINT64_MAX);
        *count = 1;
    }
    if (result == ATOLL_OK && b.record.size > 0) {
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&b.record));
        ++*count;
    }
    buffer_free(&b.record);
    return result;
}

status remember_aside(model_txn *txn, model_db *db, uint64_t bound, remembered_at at,
                      int64_t now_ms)
{
    batch_memory b = {.bound = bound, .version = at.version, .seconds = (uint64_t)now_ms / 1000};
    buffer_init(&b.record, RECORD_SIZE_MAX);
    status result = buffer_append_fixed64(&b.record, at.epoch);
    if (result == ATOLL_OK) result = buffer_append_fixed64(&b.record, at.version);
    if (result == ATOLL_OK) result = pending_each_run(db, remember_run, &b);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(aside_key, 2), buffer_view(&b.record));
    buffer_free(&b.record);
    return result;
}

status remember_aside_at(model_db *db, remembered_at *at)
{
    buffer aside;
    bool found = false;
    buffer_init(&aside, RECORD_SIZE_MAX);
    status result = model_side_get(db, bytes_of(aside_key, 2), &aside, &found);
    reader r = reader_of(buffer_view(&aside));
    remembered_at x = {0, 0};
    if (result == ATOLL_OK && found) x.epoch = reader_fixed64(&r);
    if (result == ATOLL_OK && found) x.version = reader_fixed64(&r);
    if (result == ATOLL_OK && r.failed)
        result =
            fail(ATOLL_ERROR_FILE_CORRUPT, "the record of a batch that was put aside is damaged");
    buffer_free(&aside);
    if (result == ATOLL_OK) *at = x;
    return result;
}

/* The same as if it had been acknowledged at another version. */
static void row_at(remembered_row *r, uint64_t version)
{
    r->version = version;
    r->created = r->created != 0 ? version : 0;
    r->deleted = r->deleted != 0 ? version : 0;
    for (size_t i = 0; i < r->fields.count; i++) {
        r->fields.items[i].version = version;
        if (r->fields.items[i].set != 0) r->fields.items[i].set = version;
    }
    for (size_t i = 0; i < r->increments.count; i++) r->increments.items[i].version = version;
}

/* Behind what is remembered of that version already: in another history its number may have been used before. */
static status take_aside(model_txn *txn, model_db *db, reader *rows, uint64_t version)
{
    uint8_t key[10];
    buffer all;
    bool found = false;
    record_key(key, version);
    buffer_init(&all, RECORD_SIZE_MAX);
    status result = model_side_get(db, bytes_of(key, sizeof key), &all, &found);
    while (result == ATOLL_OK && rows->at != rows->end) {
        remembered_row row;
        uint64_t count = 0;
        result = run_read(rows, &row, &count);
        if (result != ATOLL_OK) break;
        row_at(&row, version);
        result = run_write(&all, &row, count);
        row_free(&row);
    }
    if (result == ATOLL_OK && all.size > 0)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&all));
    if (result == ATOLL_OK) result = model_side_delete(txn, bytes_of(aside_key, 2));
    buffer_free(&all);
    return result;
}

status remember_aside_as(model_txn *txn, model_db *db, uint64_t version)
{
    buffer aside;
    bool found = false;
    buffer_init(&aside, RECORD_SIZE_MAX);
    status result = model_side_get(db, bytes_of(aside_key, 2), &aside, &found);
    reader r = reader_of(buffer_view(&aside));
    if (result == ATOLL_OK && found) (void)reader_take(&r, 16);
    if (result == ATOLL_OK && found) result = take_aside(txn, db, &r, version);
    buffer_free(&aside);
    return result;
}

status remember_no_longer_aside(model_txn *txn, model_db *db)
{
    remembered_at at;
    TRY(remember_aside_at(db, &at));
    return at.version == 0 ? ATOLL_OK : remember_aside_as(txn, db, at.version);
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

/* Of what is left of a field; 0: nothing is. */
static uint64_t newest_of(const remembered_row *r, const remembered_field *f)
{
    uint64_t newest = f->set;
    for (size_t i = 0; i < r->increments.count; i++) {
        const remembered_increment *n = &r->increments.items[i];
        if (n->property == f->property && n->version > newest) newest = n->version;
    }
    return newest;
}

/* Leaves of a row what was acknowledged at or before the version; false: nothing. */
static bool cut_row(remembered_row *r, uint64_t version)
{
    size_t kept = 0;
    if (r->version <= version) return true;
    for (size_t i = 0; i < r->increments.count; i++) {
        if (r->increments.items[i].version <= version)
            r->increments.items[kept++] = r->increments.items[i];
    }
    r->increments.count = kept;
    kept = 0;
    for (size_t i = 0; i < r->fields.count; i++) {
        remembered_field f = r->fields.items[i];
        if (f.set <= version && f.version > version) f.version = newest_of(r, &f);
        if (f.version != 0 && f.version <= version) r->fields.items[kept++] = f;
    }
    r->fields.count = kept;
    if (r->created > version) r->created = 0;
    if (r->deleted > version) r->deleted = 0;
    r->version = version;
    return kept > 0 || r->created != 0 || r->deleted != 0;
}

status remember_forget_after(model_txn *txn, model_db *db, uint64_t version)
{
    return rewrite(txn, db, cut_row, version, version);
}

/* ---- the line ---- */

static status read_line(model_db *db, const uint8_t key[2], remembered_line *out)
{
    buffer record;
    bool found = false;
    remembered_line line = {0};
    buffer_init(&record, 64 * LINE_MAX);
    status result = model_side_get(db, bytes_of(key, 2), &record, &found);
    reader r = reader_of(buffer_view(&record));
    while (result == ATOLL_OK && found && !r.failed && r.at != r.end) {
        remembered_epoch e = {.id = reader_fixed64(&r)};
        e.last = reader_fixed64(&r);
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

status remember_line(model_db *db, remembered_line *out)
{
    return read_line(db, line_key, out);
}

static status write_line(model_txn *txn, const uint8_t key[2], const remembered_line *line)
{
    buffer record;
    buffer_init(&record, 64 * LINE_MAX);
    status result = ATOLL_OK;
    for (size_t i = line->count < LINE_MAX ? 0 : line->count - LINE_MAX;
         i < line->count && result == ATOLL_OK; i++) {
        result = buffer_append_fixed64(&record, line->items[i].id);
        if (result == ATOLL_OK) result = buffer_append_fixed64(&record, line->items[i].last);
    }
    if (result == ATOLL_OK) result = model_side_put(txn, bytes_of(key, 2), buffer_view(&record));
    buffer_free(&record);
    return result;
}

/* The newest stretch that was told goes on; one before it ended where it is told. */
static status extend_line(remembered_line *line, const wire_bound *b, bool *changed)
{
    const wire_epoch now = {b->epoch, UINT64_MAX, 0};
    size_t count = b->history.count > 0 ? b->history.count : 1;
    for (size_t i = 0; i < count; i++) {
        wire_epoch told = b->history.count > 0 ? b->history.items[i] : now;
        remembered_epoch e = {told.id, i + 1 < count ? told.last : UINT64_MAX};
        size_t k = 0;
        while (k < line->count && line->items[k].id != e.id) k++;
        *changed |= k == line->count || line->items[k].last > e.last;
        if (k == line->count) {
            TRY(vector_push(line, e));
        } else if (line->items[k].last > e.last) {
            line->items[k].last = e.last;
        }
    }
    return ATOLL_OK;
}

status remember_bound(model_txn *txn, model_db *db, const wire_bound *b, bool aside, bool anew)
{
    const uint8_t *key = aside ? next_line_key : line_key;
    remembered_line line = {0};
    bool changed = anew;
    if (!anew) TRY(read_line(db, key, &line));
    status result = extend_line(&line, b, &changed);
    if (result == ATOLL_OK && changed) result = write_line(txn, key, &line);
    vector_free(&line);
    return result;
}

status remember_turn(model_txn *txn, model_db *db)
{
    remembered_line line;
    TRY(read_line(db, next_line_key, &line));
    status result = write_line(txn, line_key, &line);
    if (result == ATOLL_OK) result = model_side_delete(txn, bytes_of(next_line_key, 2));
    vector_free(&line);
    return result;
}
