/* Marks: what the server remembers of rows beside their values, in blocks of as many rows as the engine's have.
 *
 *   s b class block → the marks that eight rows and more of the block share, which rows have one of their own, and runs that
 *                     say which of the shared ones each other row has
 *   s m class row   → a row's own mark
 *   s v version class block → the rows whose newest change is of this version
 *
 * A block is read once and kept; what is written waits in it for marks_flush, so that a batch costs blocks and not rows. Of the
 * rows' own marks the newest few are kept: each session that wants a row asks for its mark. It must never be flushed but at
 * the end of the transaction that changed it. Invariant: between two transactions what is kept says what the store says. */
#include "server/app.h"

enum {
    ROW_KEY_SIZE = 14,
    VERSION_KEY_SIZE = 22,
    RECORD_SIZE_MAX = 64 << 20,
    WORDS = MODEL_BLOCK_ROWS / 64,
    SHARED_MIN = 8, /* rows; fewer have records of their own */
    SHARED_MAX =
        4096, /* marks that a block gathers before it drops those that nobody has any more */
    BLOCKS_KEPT_MAX = 4096,
    OWN_KEPT_MAX = 2048, /* a power of two */
    SEARCHED = 4,        /* a batch writes the same mark again and again */
    AT_OWN = UINT16_MAX
};

typedef struct mark_block {
    class_key class_of;
    uint64_t number;
    uint16_t at[MODEL_BLOCK_ROWS]; /* 0: no mark; AT_OWN; else the shared one at index + 1 */
    uint64_t own[WORDS];           /* rows that have a record of their own in the store */
    VECTOR(row_mark) shared;
    bool changed;
    buffer stored; /* its record, as it is in the store */
} mark_block;

typedef struct version_rows {
    uint64_t version, number;
    class_key class_of;
    bool stored;
    uint64_t rows[WORDS];
} version_rows;

typedef struct own_mark {
    class_key class_of;
    row_key row;
    row_mark mark;
    bool there;
} own_mark;

typedef struct mark_cache {
    map64 block_index, version_index;
    VECTOR(mark_block *) blocks, changed;
    VECTOR(version_rows *) versions; /* of the transaction under way */
    mark_block *last;
    own_mark *own; /* OWN_KEPT_MAX places, each for one of the rows whose hash leads there */
    row_mark none;
} mark_cache;

static void row_key_of(uint8_t key[ROW_KEY_SIZE], char kind, class_key c, uint64_t number)
{
    key[0] = 's';
    key[1] = (uint8_t)kind;
    key_put_u32(key + 2, c);
    key_put_u64(key + 6, number);
}

static void version_key_of(uint8_t key[VERSION_KEY_SIZE], uint64_t version, class_key c,
                           uint64_t number)
{
    key[0] = 's';
    key[1] = 'v';
    key_put_u64(key + 2, version);
    key_put_u32(key + 10, c);
    key_put_u64(key + 14, number);
}

static bool bit_of(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> (i % 64) & 1) != 0;
}

static void bit_put(uint64_t *bits, size_t i, bool on)
{
    bits[i / 64] = on ? bits[i / 64] | 1ull << (i % 64) : bits[i / 64] & ~(1ull << (i % 64));
}

/* ---- life ---- */

static void block_free(mark_block *b)
{
    for (size_t i = 0; i < b->shared.count; i++) row_mark_free(&b->shared.items[i]);
    vector_free(&b->shared);
    buffer_free(&b->stored);
    memory_free(b);
}

static void own_free(own_mark *o)
{
    if (!o->there) return;
    row_mark_free(&o->mark);
    *o = (own_mark){0};
}

static void forget_versions(mark_cache *k)
{
    for (size_t i = 0; i < k->versions.count; i++) memory_free(k->versions.items[i]);
    k->versions.count = 0;
    map64_clear(&k->version_index);
}

void marks_forget(server_app *app)
{
    mark_cache *k = app->marks;
    places_forget(app);
    if (k == NULL) return;
    for (size_t i = 0; i < k->blocks.count; i++) block_free(k->blocks.items[i]);
    k->blocks.count = 0;
    map64_clear(&k->block_index);
    k->changed.count = 0;
    k->last = NULL;
    for (size_t i = 0; k->own != NULL && i < OWN_KEPT_MAX; i++) own_free(&k->own[i]);
    forget_versions(k);
}

status marks_open(server_app *app)
{
    app->marks = memory_allocate_zero(sizeof *app->marks);
    return app->marks == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

void marks_close(server_app *app)
{
    mark_cache *k = app->marks;
    if (k == NULL) return;
    marks_forget(app);
    vector_free(&k->blocks);
    vector_free(&k->changed);
    vector_free(&k->versions);
    map64_free(&k->block_index);
    map64_free(&k->version_index);
    memory_free(k->own);
    memory_free(k);
    app->marks = NULL;
}

/* ---- the record of a block ---- */

static status record_shared(buffer *to, const mark_block *b)
{
    buffer one;
    buffer_init(&one, RECORD_SIZE_MAX);
    status result = buffer_append_varint(to, b->shared.count);
    for (size_t i = 0; i < b->shared.count && result == ATOLL_OK; i++) {
        buffer_clear(&one);
        result = row_mark_write(&one, &b->shared.items[i]);
        if (result == ATOLL_OK) result = buffer_append_bytes(to, buffer_view(&one));
    }
    buffer_free(&one);
    return result;
}

/* Rows of their own are passed over: they cut no run in two. What is absent at the end has no mark. */
static status record_runs(buffer *to, const mark_block *b)
{
    uint64_t length = 0;
    uint16_t run = 0;
    for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) {
        if (b->at[i] == AT_OWN) continue;
        if (b->at[i] != run && length > 0) {
            TRY(buffer_append_varint(to, run));
            TRY(buffer_append_varint(to, length));
            length = 0;
        }
        run = b->at[i];
        length++;
    }
    if (run == 0) return ATOLL_OK;
    TRY(buffer_append_varint(to, run));
    return buffer_append_varint(to, length);
}

static status block_record(buffer *to, const mark_block *b)
{
    bool any = false, own = false;
    for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) any |= b->at[i] != 0;
    for (size_t i = 0; i < WORDS; i++) own |= b->own[i] != 0;
    if (!any) return ATOLL_OK; /* No record at all. */
    TRY(record_shared(to, b));
    TRY(buffer_append_byte(to, own));
    for (size_t i = 0; own && i < WORDS; i++) TRY(buffer_append_fixed64(to, b->own[i]));
    return record_runs(to, b);
}

static status read_runs(reader *r, mark_block *b)
{
    uint64_t run = 0, length = 0;
    for (size_t i = 0; i < MODEL_BLOCK_ROWS && !r->failed; i++) {
        if (bit_of(b->own, i)) {
            b->at[i] = AT_OWN;
            continue;
        }
        if (length == 0) {
            if (r->at == r->end) continue;
            run = reader_varint(r);
            length = reader_varint(r);
            if (length == 0 || run > b->shared.count) r->failed = true;
        }
        b->at[i] = (uint16_t)run;
        length--;
    }
    return r->failed || r->at != r->end || length > MODEL_BLOCK_ROWS
               ? fail(ATOLL_ERROR_FILE_CORRUPT, "a block of marks is damaged")
               : ATOLL_OK;
}

static status read_block(bytes from, mark_block *b)
{
    reader r = reader_of(from);
    uint64_t count = reader_varint(&r);
    for (uint64_t i = 0; i < count && !r.failed; i++) {
        row_mark m;
        bytes one = reader_bytes(&r);
        if (r.failed) break;
        TRY(row_mark_read(one, &m));
        if (vector_push(&b->shared, m) != ATOLL_OK) {
            row_mark_free(&m);
            return ATOLL_ERROR_OUT_OF_MEMORY;
        }
    }
    bool own = reader_byte(&r) != 0;
    for (size_t i = 0; own && i < WORDS; i++) b->own[i] = reader_fixed64(&r);
    return read_runs(&r, b);
}

/* ---- finding a block ---- */

static uint64_t slot_of(class_key c, uint64_t number, uint64_t version)
{
    return hash_u64(hash_u64(number + ((uint64_t)c << 44)) ^ version);
}

static status load_block(server_app *app, class_key c, uint64_t number, mark_block *b)
{
    uint8_t key[ROW_KEY_SIZE];
    bool found = false;
    b->class_of = c;
    b->number = number;
    buffer_init(&b->stored, RECORD_SIZE_MAX);
    row_key_of(key, 'b', c, number);
    TRY(model_side_get(app->db, bytes_of(key, sizeof key), &b->stored, &found));
    return found ? read_block(buffer_view(&b->stored), b) : ATOLL_OK;
}

static status find_block(server_app *app, class_key c, row_key row, mark_block **out)
{
    mark_cache *k = app->marks;
    uint64_t number = row / MODEL_BLOCK_ROWS, place = slot_of(c, number, 0);
    *out = k->last;
    if (k->last != NULL && k->last->number == number && k->last->class_of == c) return ATOLL_OK;
    for (uint64_t *at = map64_get(&k->block_index, place); at != NULL;
         at = map64_get(&k->block_index, ++place)) {
        *out = k->last = k->blocks.items[*at];
        if (k->last->number == number && k->last->class_of == c) return ATOLL_OK;
    }
    mark_block *b = memory_allocate_zero(sizeof *b);
    if (b == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = load_block(app, c, number, b);
    if (result == ATOLL_OK) result = vector_reserve(&k->blocks, 1);
    if (result == ATOLL_OK) result = map64_put(&k->block_index, place, k->blocks.count);
    if (result != ATOLL_OK) {
        block_free(b);
        return result;
    }
    k->blocks.items[k->blocks.count++] = *out = k->last = b;
    return ATOLL_OK;
}

/* ---- reading ---- */

static status read_own(server_app *app, class_key c, row_key row, row_mark *out)
{
    uint8_t key[ROW_KEY_SIZE];
    buffer record;
    bool found = false;
    buffer_init(&record, RECORD_SIZE_MAX);
    row_key_of(key, 'm', c, row);
    status result = model_side_get(app->db, bytes_of(key, sizeof key), &record, &found);
    if (result == ATOLL_OK)
        result = found ? row_mark_read(buffer_view(&record), out)
                       : fail(ATOLL_ERROR_FILE_CORRUPT, "the mark of a row is missing");
    buffer_free(&record);
    return result;
}

static own_mark *own_place(mark_cache *k, class_key c, row_key row)
{
    return &k->own[slot_of(c, row, 0) % OWN_KEPT_MAX];
}

/* Takes the mark, also when it fails. */
static status own_keep(mark_cache *k, class_key c, row_key row, row_mark *m)
{
    if (k->own == NULL) k->own = memory_allocate_zero(OWN_KEPT_MAX * sizeof *k->own);
    if (k->own == NULL) {
        row_mark_free(m);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    own_mark *o = own_place(k, c, row);
    own_free(o);
    *o = (own_mark){c, row, *m, true};
    return ATOLL_OK;
}

static void own_drop(mark_cache *k, class_key c, row_key row)
{
    own_mark *o = k->own == NULL ? NULL : own_place(k, c, row);
    if (o != NULL && o->class_of == c && o->row == row) own_free(o);
}

static status peek_own(server_app *app, class_key c, row_key row, row_mark **out)
{
    mark_cache *k = app->marks;
    own_mark *o = k->own == NULL ? NULL : own_place(k, c, row);
    if (o == NULL || !o->there || o->class_of != c || o->row != row) {
        row_mark m;
        TRY(read_own(app, c, row, &m));
        TRY(own_keep(k, c, row, &m));
        o = own_place(k, c, row);
    }
    *out = &o->mark;
    return ATOLL_OK;
}

status marks_peek(server_app *app, class_key c, row_key row, row_mark **out)
{
    mark_cache *k = app->marks;
    mark_block *b = NULL;
    TRY(find_block(app, c, row, &b));
    uint16_t at = b->at[row % MODEL_BLOCK_ROWS];
    *out = &k->none;
    if (at == 0) return ATOLL_OK;
    if (at == AT_OWN) return peek_own(app, c, row, out);
    *out = &b->shared.items[at - 1];
    return ATOLL_OK;
}

static status mark_copy(const row_mark *from, row_mark *out)
{
    row_mark copy = *from;
    memset(&copy.fields, 0, sizeof copy.fields);
    memset(&copy.counters, 0, sizeof copy.counters);
    TRY(vector_reserve(&copy.fields, from->fields.count));
    status result = vector_reserve(&copy.counters, from->counters.count);
    if (result != ATOLL_OK) {
        row_mark_free(&copy);
        return result;
    }
    if (from->fields.count > 0)
        memcpy(copy.fields.items, from->fields.items,
               from->fields.count * sizeof *from->fields.items);
    if (from->counters.count > 0)
        memcpy(copy.counters.items, from->counters.items,
               from->counters.count * sizeof *from->counters.items);
    copy.fields.count = from->fields.count;
    copy.counters.count = from->counters.count;
    *out = copy;
    return ATOLL_OK;
}

status meta_read(server_app *app, class_key c, row_key row, row_mark *out)
{
    row_mark *there = NULL;
    *out = (row_mark){0};
    TRY(marks_peek(app, c, row, &there));
    return mark_copy(there, out);
}

/* ---- writing ---- */

static bool marks_equal(const row_mark *a, const row_mark *b)
{
    if (a->life != b->life || a->alive != b->alive || a->since != b->since ||
        a->since_author != b->since_author || a->ended != b->ended || a->changed != b->changed ||
        a->left != b->left || a->fields.count != b->fields.count ||
        a->counters.count + b->counters.count > 0)
        return false; /* What was added to a counter is not worth comparing. */
    for (size_t i = 0; i < a->fields.count; i++) {
        const field_mark *x = &a->fields.items[i], *y = &b->fields.items[i];
        if (x->property != y->property || x->is_default != y->is_default || x->stamp != y->stamp ||
            x->author != y->author || x->version != y->version)
            return false;
    }
    return true;
}

/* Drops the shared marks that no row has any more. */
static status pack_shared(mark_block *b)
{
    uint32_t *uses = memory_allocate_zero((b->shared.count + 1) * sizeof *uses);
    size_t kept = 0;
    if (uses == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++)
        if (b->at[i] != 0 && b->at[i] != AT_OWN) uses[b->at[i] - 1]++;
    for (size_t i = 0; i < b->shared.count; i++) {
        row_mark m = b->shared.items[i];
        if (uses[i] == 0) {
            row_mark_free(&m);
            continue;
        }
        b->shared.items[kept] = m;
        uses[i] = (uint32_t)kept++;
    }
    b->shared.count = kept;
    for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++)
        if (b->at[i] != 0 && b->at[i] != AT_OWN) b->at[i] = (uint16_t)(uses[b->at[i] - 1] + 1);
    memory_free(uses);
    return ATOLL_OK;
}

static status share(mark_block *b, const row_mark *m, uint16_t *at)
{
    size_t count = b->shared.count;
    for (size_t i = count; i > 0 && i + SEARCHED > count; i--) {
        *at = (uint16_t)i;
        if (marks_equal(&b->shared.items[i - 1], m)) return ATOLL_OK;
    }
    if (count >= SHARED_MAX) TRY(pack_shared(b));
    row_mark copy;
    TRY(mark_copy(m, &copy));
    status result = vector_push(&b->shared, copy);
    if (result != ATOLL_OK) row_mark_free(&copy);
    *at = (uint16_t)b->shared.count;
    return result;
}

status meta_write(server_app *app, class_key c, row_key row, const row_mark *m)
{
    mark_block *b = NULL;
    uint16_t at = 0;
    TRY(find_block(app, c, row, &b));
    if (!b->changed) TRY(vector_push(&app->marks->changed, b));
    b->changed = true;
    /* Embedded rows have no life of their own, only fields. */
    if (m->life != 0 || m->fields.count + m->counters.count > 0) TRY(share(b, m, &at));
    b->at[row % MODEL_BLOCK_ROWS] = at;
    return ATOLL_OK;
}

/* ---- the index from versions to rows ---- */

status marks_rows_read(bytes from, uint64_t *rows)
{
    reader r = reader_of(from);
    size_t i = 0;
    while (r.at < r.end && !r.failed) {
        uint64_t gap = reader_varint(&r), length = reader_varint(&r);
        if (r.failed || gap > MODEL_BLOCK_ROWS || length > MODEL_BLOCK_ROWS ||
            i + gap + length > MODEL_BLOCK_ROWS)
            return fail(ATOLL_ERROR_FILE_CORRUPT, "an entry of the index of versions is damaged");
        for (i += gap; length > 0; length--) bit_put(rows, i++, true);
    }
    return ATOLL_OK;
}

status marks_rows_write(buffer *to, const uint64_t *rows)
{
    size_t i = 0;
    while (i < MODEL_BLOCK_ROWS) {
        size_t first = i;
        while (i < MODEL_BLOCK_ROWS && !bit_of(rows, i)) i += rows[i / 64] == 0 ? 64 - i % 64 : 1;
        if (i == MODEL_BLOCK_ROWS) return ATOLL_OK;
        TRY(buffer_append_varint(to, i - first));
        first = i;
        while (i < MODEL_BLOCK_ROWS && bit_of(rows, i)) i++;
        TRY(buffer_append_varint(to, i - first));
    }
    return ATOLL_OK;
}

static status load_rows(server_app *app, version_rows *v)
{
    uint8_t key[VERSION_KEY_SIZE];
    buffer record;
    buffer_init(&record, RECORD_SIZE_MAX);
    version_key_of(key, v->version, v->class_of, v->number);
    status result = model_side_get(app->db, bytes_of(key, sizeof key), &record, &v->stored);
    if (result == ATOLL_OK && v->stored) result = marks_rows_read(buffer_view(&record), v->rows);
    buffer_free(&record);
    return result;
}

static status rows_of_version(server_app *app, uint64_t version, class_key c, row_key row,
                              version_rows **out)
{
    mark_cache *k = app->marks;
    uint64_t number = row / MODEL_BLOCK_ROWS, place = slot_of(c, number, version);
    for (uint64_t *at = map64_get(&k->version_index, place); at != NULL;
         at = map64_get(&k->version_index, ++place)) {
        *out = k->versions.items[*at];
        if ((*out)->version == version && (*out)->number == number && (*out)->class_of == c)
            return ATOLL_OK;
    }
    version_rows *v = memory_allocate_zero(sizeof *v);
    if (v == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *v = (version_rows){.version = version, .number = number, .class_of = c};
    status result = load_rows(app, v);
    if (result == ATOLL_OK) result = vector_reserve(&k->versions, 1);
    if (result == ATOLL_OK) result = map64_put(&k->version_index, place, k->versions.count);
    if (result != ATOLL_OK) {
        memory_free(v);
        return result;
    }
    k->versions.items[k->versions.count++] = *out = v;
    return ATOLL_OK;
}

status meta_touch(server_app *app, class_key c, row_key row, row_mark *m, uint64_t version)
{
    version_rows *v = NULL;
    if (m->changed == version) return ATOLL_OK;
    if (m->changed != 0) {
        TRY(rows_of_version(app, m->changed, c, row, &v));
        bit_put(v->rows, row % MODEL_BLOCK_ROWS, false);
    }
    m->changed = version;
    if (version == 0) return ATOLL_OK;
    TRY(rows_of_version(app, version, c, row, &v));
    bit_put(v->rows, row % MODEL_BLOCK_ROWS, true);
    return ATOLL_OK;
}

/* Rows of one block. */
static status mark_new_rows(server_app *app, class_key c, row_key first, size_t count,
                            const row_mark *m)
{
    mark_block *b = NULL;
    version_rows *v = NULL;
    uint16_t at = 0;
    TRY(find_block(app, c, first, &b));
    TRY(rows_of_version(app, m->changed, c, first, &v));
    if (!b->changed) TRY(vector_push(&app->marks->changed, b));
    b->changed = true;
    TRY(share(b, m, &at));
    for (size_t i = first % MODEL_BLOCK_ROWS; count > 0; count--, i++) {
        b->at[i] = at;
        bit_put(v->rows, i, true);
    }
    return ATOLL_OK;
}

status marks_new_rows(server_app *app, class_key c, row_key first, size_t count, const row_mark *m)
{
    while (count > 0) {
        size_t room = MODEL_BLOCK_ROWS - (size_t)(first % MODEL_BLOCK_ROWS);
        if (room > count) room = count;
        TRY(mark_new_rows(app, c, first, room, m));
        first += room;
        count -= room;
    }
    return ATOLL_OK;
}

static status each_row(const uint64_t rows[WORDS], uint64_t version, class_key c, uint64_t number,
                       meta_changed_each each, void *context)
{
    for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++)
        if (bit_of(rows, i)) TRY(each(context, version, c, number * MODEL_BLOCK_ROWS + i));
    return ATOLL_OK;
}

status meta_changed(server_app *app, uint64_t after, meta_changed_each each, void *context)
{
    uint8_t from[VERSION_KEY_SIZE];
    const uint8_t to[2] = {'s', 'v' + 1};
    storage_iterator *i = NULL;
    bytes key, value;
    version_key_of(from, after + 1, 0, 0);
    TRY(model_side_iterate(app->db, bytes_of(from, sizeof from), bytes_of(to, 2), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value)) {
        uint64_t rows[WORDS] = {0};
        if (key.size != VERSION_KEY_SIZE) continue;
        result = marks_rows_read(value, rows);
        if (result == ATOLL_OK)
            result = each_row(rows, key_get_u64(key.data + 2), key_get_u32(key.data + 10),
                              key_get_u64(key.data + 14), each, context);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

/* ---- into the transaction ---- */

static status flush_own(server_app *app, model_txn *txn, const mark_block *b, size_t i,
                        const row_mark *m)
{
    uint8_t key[ROW_KEY_SIZE];
    buffer record;
    row_mark copy;
    row_key row = b->number * MODEL_BLOCK_ROWS + i;
    row_key_of(key, 'm', b->class_of, row);
    if (m == NULL) own_drop(app->marks, b->class_of, row);
    if (m == NULL) return model_side_delete(txn, bytes_of(key, sizeof key));
    TRY(mark_copy(m, &copy));
    TRY(own_keep(app->marks, b->class_of, row, &copy));
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = row_mark_write(&record, m);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    buffer_free(&record);
    return result;
}

/* Rows whose mark few others have get records of their own; those that have one no more lose it. */
static status flush_rows(server_app *app, model_txn *txn, mark_block *b)
{
    uint32_t *uses = memory_allocate_zero((b->shared.count + 1) * sizeof *uses);
    status result = uses == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    for (size_t i = 0; uses != NULL && i < MODEL_BLOCK_ROWS; i++)
        if (b->at[i] != 0 && b->at[i] != AT_OWN) uses[b->at[i] - 1]++;
    for (size_t i = 0; i < MODEL_BLOCK_ROWS && result == ATOLL_OK; i++) {
        uint16_t at = b->at[i];
        if (at == AT_OWN) continue;
        bool own = at != 0 && uses[at - 1] < SHARED_MIN;
        if (own)
            result = flush_own(app, txn, b, i, &b->shared.items[at - 1]);
        else if (bit_of(b->own, i))
            result = flush_own(app, txn, b, i, NULL);
        bit_put(b->own, i, own);
        if (own) b->at[i] = AT_OWN;
    }
    memory_free(uses);
    return result == ATOLL_OK ? pack_shared(b) : result;
}

static status flush_block(server_app *app, model_txn *txn, mark_block *b)
{
    uint8_t key[ROW_KEY_SIZE];
    buffer record;
    TRY(flush_rows(app, txn, b));
    buffer_init(&record, RECORD_SIZE_MAX);
    row_key_of(key, 'b', b->class_of, b->number);
    status result = block_record(&record, b);
    bool same = result == ATOLL_OK && bytes_equal(buffer_view(&record), buffer_view(&b->stored));
    if (result == ATOLL_OK && !same && record.size == 0)
        result = model_side_delete(txn, bytes_of(key, sizeof key));
    else if (result == ATOLL_OK && !same)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    if (result != ATOLL_OK || same) {
        buffer_free(&record);
        return result;
    }
    buffer_free(&b->stored);
    b->stored = record;
    return ATOLL_OK;
}

static status flush_version(model_txn *txn, const version_rows *v)
{
    uint8_t key[VERSION_KEY_SIZE];
    buffer record;
    buffer_init(&record, RECORD_SIZE_MAX);
    version_key_of(key, v->version, v->class_of, v->number);
    status result = marks_rows_write(&record, v->rows);
    if (result == ATOLL_OK && record.size > 0)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    else if (result == ATOLL_OK && v->stored)
        result = model_side_delete(txn, bytes_of(key, sizeof key));
    buffer_free(&record);
    return result;
}

status marks_flush(server_app *app, model_txn *txn)
{
    mark_cache *k = app->marks;
    for (size_t i = 0; i < k->changed.count; i++) {
        TRY(flush_block(app, txn, k->changed.items[i]));
        k->changed.items[i]->changed = false;
    }
    k->changed.count = 0;
    for (size_t i = 0; i < k->versions.count; i++) TRY(flush_version(txn, k->versions.items[i]));
    forget_versions(k);
    return places_flush(app, txn);
}

void marks_settle(server_app *app)
{
    if (app->marks->blocks.count > BLOCKS_KEPT_MAX) marks_forget(app);
}
