/* Places: which rows have, or had, a value in a queryable field, by the version of their newest change: what a session that
 * was away reads instead of all that changed in the app.
 *
 *   s x class property place version block → rows: their value lies in the place since or at that version, or did until then
 *   s p class property                     → the version from which on the index is kept; does it know every living row
 *
 * A place is a hash of the value; property 0 is that of all rows of a class, for queries that demand no value. Primary keys
 * need none. It must never answer for versions before it was kept. Invariant: a row that was in a place at some version
 * above the one that it is kept from has an entry there, at the version of its newest change there or later; so who asks for
 * what is above a version gets every row that was in the place then and has changed since. Entries that are left over (a hash
 * met twice, a value that came and went in one commit) only name a row once more. */
#include "server/app.h"

#include <stdlib.h>

enum {
    KEY_SIZE = 34,
    PREFIX_SIZE = 18,
    RECORD_SIZE_MAX = 1 << 16,
    WORDS = MODEL_BLOCK_ROWS / 64,
    BUILD_ROWS = 8192,     /* rows that were there before, at a time */
    WAITING_MAX = 1 << 17, /* changes that wait in memory until they go into the transaction */
    WHOLE_CLASS = 1
};

typedef struct place_field {
    class_key class_of;
    property_key property;
    bool complete;  /* every living row is in it */
    uint64_t since; /* every change above this version is in it */
    uint64_t built; /* not complete: segments up to here were taken in since the server began */
} place_field;

typedef struct place_change {
    uint64_t place, version;
    row_key row;
    class_key class_of;
    property_key property;
    bool put;
    uint16_t more; /* rows behind it, of its block */
} place_change;

typedef struct place_index {
    VECTOR(place_field) fields;
    VECTOR(place_change) waiting;
    VECTOR(uint64_t) before; /* places of the row under way, one a field; 0: none */
    bool flushed;            /* a part of the transaction's changes is in it already */
} place_index;

uint64_t place_of(class_key c, property_key p, const value *v)
{
    uint64_t seed = hash_u64((uint64_t)c << 32 | p), hash = 0;
    switch (v->type) {
    case VALUE_BOOL: hash = hash_u64(seed + v->as.boolean); break;
    case VALUE_INT: hash = hash_u64(seed ^ hash_u64((uint64_t)v->as.integer)); break;
    case VALUE_STRING: hash = hash_bytes(v->as.text.data, v->as.text.size, seed); break;
    case VALUE_UUID: hash = hash_bytes(v->as.id, 16, seed); break;
    case VALUE_OBJECT_ID: hash = hash_bytes(v->as.id, 12, seed); break;
    default: return 0; /* no guard has such a value */
    }
    return hash == 0 ? 1 : hash;
}

static void key_of(uint8_t key[KEY_SIZE], const place_change *x)
{
    key[0] = 's';
    key[1] = 'x';
    key_put_u32(key + 2, x->class_of);
    key_put_u32(key + 6, x->property);
    key_put_u64(key + 10, x->place);
    key_put_u64(key + 18, x->version);
    key_put_u64(key + 26, x->row / MODEL_BLOCK_ROWS);
}

/* ---- life ---- */

static status load_fields(server_app *app)
{
    const uint8_t from[2] = {'s', 'p'}, to[2] = {'s', 'p' + 1};
    storage_iterator *i = NULL;
    bytes key, record;
    TRY(model_side_iterate(app->db, bytes_of(from, 2), bytes_of(to, 2), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &record)) {
        reader r = reader_of(record);
        place_field f = {.since = reader_varint(&r)};
        f.complete = reader_byte(&r) != 0;
        if (r.failed || key.size != 10) {
            result = fail(ATOLL_ERROR_FILE_CORRUPT, "a record of the index of places is damaged");
            continue;
        }
        f.class_of = key_get_u32(key.data + 2);
        f.property = key_get_u32(key.data + 6);
        result = vector_push(&app->places->fields, f);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

status places_open(server_app *app)
{
    app->places = memory_allocate_zero(sizeof *app->places);
    return app->places == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : load_fields(app);
}

void places_close(server_app *app)
{
    place_index *x = app->places;
    if (x == NULL) return;
    vector_free(&x->fields);
    vector_free(&x->waiting);
    vector_free(&x->before);
    memory_free(x);
    app->places = NULL;
}

void places_forget(server_app *app)
{
    if (app->places == NULL) return;
    app->places->waiting.count = 0;
    app->places->flushed = false;
}

status places_fork(const server_app *app, place_index **out)
{
    const place_index *from = app->places;
    place_index *x = memory_allocate_zero(sizeof *x);
    if (x == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (vector_reserve(&x->fields, from->fields.count) != ATOLL_OK) {
        memory_free(x);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < from->fields.count; i++)
        x->fields.items[x->fields.count++] = from->fields.items[i];
    *out = x;
    return ATOLL_OK;
}

/* ---- fields ---- */

static const place_field *field_of(const server_app *app, class_key c, property_key p)
{
    for (size_t i = 0; i < app->places->fields.count; i++) {
        const place_field *f = &app->places->fields.items[i];
        if (f->class_of == c && f->property == p) return f;
    }
    return NULL;
}

static status write_field(model_txn *txn, const place_field *f, bool complete)
{
    uint8_t key[10] = {'s', 'p'};
    buffer record;
    key_put_u32(key + 2, f->class_of);
    key_put_u32(key + 6, f->property);
    buffer_init(&record, 16);
    status result = buffer_append_varint(&record, f->since);
    if (result == ATOLL_OK) result = buffer_append_byte(&record, complete);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    buffer_free(&record);
    return result;
}

static status add_field(server_app *app, model_txn *txn, class_key c, property_key p)
{
    place_field f = {.class_of = c,
                     .property = p,
                     .complete = model_count(model_txn_view(txn), c) == 0,
                     .since = model_txn_version(txn)};
    TRY(write_field(txn, &f, f.complete));
    return vector_push(&app->places->fields, f);
}

static bool is_key(const server_view *v, class_key c, property_key p)
{
    const model_class *k = schema_class(&v->shared->schema, c);
    return k != NULL && k->primary_key == p;
}

/* What a query demands, when it is values of fields, each of which a row that matches has one of. */
static bool demands(const query *q, query_guard *guards, size_t *count)
{
    bool all = query_guards(q, guards, PLACES_OF_A_QUERY_MAX, count);
    for (size_t i = 0; i < *count && all; i++) {
        query_guard *g = &guards[i];
        bool nothing = !g->equal && g->low > g->high;
        all = g->equal || nothing;
        if (nothing) guards[i--] = guards[--*count];
    }
    return all;
}

status places_declare(server_app *app, model_txn *txn, const server_view *v, bool *missing)
{
    query_guard guards[PLACES_OF_A_QUERY_MAX];
    for (size_t i = 0; i < v->queries.count; i++) {
        const query *q = v->queries.items[i];
        class_key c = query_class(q);
        size_t count = 0;
        bool all = demands(q, guards, &count);
        for (size_t k = 0; k < (all ? count : 1); k++) {
            property_key p = all ? guards[k].property : 0;
            if (is_key(v, c, p) || field_of(app, c, p) != NULL) continue;
            *missing = true;
            if (txn != NULL) TRY(add_field(app, txn, c, p));
        }
    }
    return ATOLL_OK;
}

void places_undeclare(server_app *app, size_t count)
{
    app->places->fields.count = count;
}

size_t places_declared(const server_app *app)
{
    return app->places->fields.count;
}

/* ---- writing ---- */

static status places_of_row(const server_app *app, const model_view *view, class_key c, row_key row,
                            size_t field, uint64_t *out)
{
    const place_field *f = &app->places->fields.items[field];
    value v;
    *out = 0;
    if (f->class_of != c) return ATOLL_OK;
    *out = WHOLE_CLASS;
    if (f->property == 0) return ATOLL_OK;
    TRY(model_get_raw(view, c, row, f->property, &v));
    *out = place_of(c, f->property, &v);
    return ATOLL_OK;
}

status places_before(server_app *app, const model_view *view, class_key c, row_key row, bool alive)
{
    place_index *x = app->places;
    x->before.count = 0;
    TRY(vector_reserve(&x->before, x->fields.count));
    for (size_t i = 0; i < x->fields.count; i++) {
        uint64_t place = 0;
        if (alive) TRY(places_of_row(app, view, c, row, i, &place));
        x->before.items[x->before.count++] = place;
    }
    return ATOLL_OK;
}

static status wait(server_app *app, model_txn *txn, const place_change *change)
{
    if (app->places->waiting.count >= WAITING_MAX) {
        TRY(places_flush(app, txn));
        app->places->flushed = true;
    }
    return vector_push(&app->places->waiting, *change);
}

status places_after(server_app *app, model_txn *txn, class_key c, row_key row, const row_mark *m,
                    uint64_t changed)
{
    place_index *x = app->places;
    for (size_t i = 0; i < x->fields.count; i++) {
        uint64_t before = x->before.items[i], after = 0;
        if (x->fields.items[i].class_of != c) continue;
        if (m->alive) TRY(places_of_row(app, model_txn_view(txn), c, row, i, &after));
        place_change one = {.place = before,
                            .version = changed,
                            .row = row,
                            .class_of = c,
                            .property = x->fields.items[i].property};
        bool moved = changed != m->changed;
        if (before != 0 && changed != 0 && moved) TRY(wait(app, txn, &one));
        one.put = true;
        one.version = m->changed;
        if (before != 0 && (moved || before != after) && !BREAKAGE(BREAKAGE_PLACE_NOT_LEFT))
            TRY(wait(app, txn, &one));
        one.place = after;
        if (after != 0 && after != before) TRY(wait(app, txn, &one));
    }
    return ATOLL_OK;
}

static const value *run_values(const place_run *run, property_key p)
{
    if (p == run->c->primary_key) return run->values->keys;
    for (size_t i = 0; i < run->values->column_count; i++)
        if (run->values->columns[i].property == p) return run->values->columns[i].values;
    return NULL;
}

/* Neighbours with one value are one change. */
static status new_places(server_app *app, model_txn *txn, const place_run *run, property_key p)
{
    const model_property *property = class_property(run->c, p);
    const value *values = p == 0 ? NULL : run_values(run, p);
    place_change one = {
        .place = WHOLE_CLASS, .version = run->version, .class_of = run->c->key, .property = p};
    one.put = true;
    if (p != 0 && property == NULL) return ATOLL_OK;
    if (p != 0) {
        value fresh =
            (property->flags & PROPERTY_NULLABLE) != 0 ? value_null() : value_zero(property->type);
        one.place = place_of(run->c->key, p, &fresh);
    }
    for (size_t i = 0, end = 0; i < run->count; i = end) {
        if (values != NULL) one.place = place_of(run->c->key, p, &values[i]);
        one.row = run->first + i;
        for (end = i + 1; end < run->count && (run->first + end) % MODEL_BLOCK_ROWS != 0; end++)
            if (values != NULL && place_of(run->c->key, p, &values[end]) != one.place) break;
        one.more = (uint16_t)(end - i - 1);
        if (one.place != 0) TRY(wait(app, txn, &one));
    }
    return ATOLL_OK;
}

status places_new_rows(server_app *app, model_txn *txn, const place_run *run)
{
    for (size_t i = 0; i < app->places->fields.count; i++) {
        const place_field *f = &app->places->fields.items[i];
        if (f->class_of == run->c->key) TRY(new_places(app, txn, run, f->property));
    }
    return ATOLL_OK;
}

status places_touch(server_app *app, model_txn *txn, class_key c, row_key row, const row_mark *m,
                    uint64_t changed)
{
    place_index *x = app->places;
    for (size_t i = 0; i < x->fields.count && changed != m->changed; i++) {
        place_change one = {
            .version = changed, .row = row, .class_of = c, .property = x->fields.items[i].property};
        TRY(places_of_row(app, model_txn_view(txn), c, row, i, &one.place));
        if (one.place == 0) continue;
        if (changed != 0) TRY(wait(app, txn, &one));
        one.put = true;
        one.version = m->changed;
        TRY(wait(app, txn, &one));
    }
    return ATOLL_OK;
}

/* ---- records ---- */

static status read_record(bytes from, uint64_t rows[WORDS])
{
    return marks_rows_read(from, rows);
}

static int compare_changes(const void *a, const void *b)
{
    const place_change *x = a, *y = b;
    if (x->class_of != y->class_of) return x->class_of < y->class_of ? -1 : 1;
    if (x->property != y->property) return x->property < y->property ? -1 : 1;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    if (x->version != y->version) return x->version < y->version ? -1 : 1;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return (int)x->put - (int)y->put;
}

/* Changes of one record. A row that leaves and comes in one transaction stays. */
static status flush_record(server_app *app, model_txn *txn, const place_change *changes,
                           size_t count)
{
    uint8_t key[KEY_SIZE];
    uint64_t rows[WORDS] = {0}, any = 0;
    buffer record;
    bool found = false, old = changes->version != model_txn_version(txn) || app->places->flushed;
    key_of(key, changes);
    buffer_init(&record, RECORD_SIZE_MAX);
    status result = ATOLL_OK;
    if (old) result = model_side_get_txn(txn, bytes_of(key, sizeof key), &record, &found);
    if (found && result == ATOLL_OK) result = read_record(buffer_view(&record), rows);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k <= changes[i].more; k++) {
            size_t at = changes[i].row % MODEL_BLOCK_ROWS + k;
            uint64_t bit = 1ull << (at % 64);
            rows[at / 64] = changes[i].put ? rows[at / 64] | bit : rows[at / 64] & ~bit;
        }
    }
    for (size_t i = 0; i < WORDS; i++) any |= rows[i];
    buffer_clear(&record);
    if (result == ATOLL_OK) result = marks_rows_write(&record, rows);
    if (result == ATOLL_OK && any != 0)
        result = model_side_put(txn, bytes_of(key, sizeof key), buffer_view(&record));
    else if (result == ATOLL_OK && found)
        result = model_side_delete(txn, bytes_of(key, sizeof key));
    buffer_free(&record);
    return result;
}

status places_flush(server_app *app, model_txn *txn)
{
    place_index *x = app->places;
    if (x->waiting.count > 1)
        qsort(x->waiting.items, x->waiting.count, sizeof *x->waiting.items, compare_changes);
    for (size_t i = 0, end = 0; i < x->waiting.count; i = end) {
        const place_change *first = &x->waiting.items[i];
        for (end = i + 1; end < x->waiting.count; end++) {
            const place_change *next = &x->waiting.items[end];
            if (next->class_of != first->class_of || next->property != first->property ||
                next->place != first->place || next->version != first->version ||
                next->row / MODEL_BLOCK_ROWS != first->row / MODEL_BLOCK_ROWS)
                break;
        }
        TRY(flush_record(app, txn, first, end - i));
    }
    places_forget(app);
    return ATOLL_OK;
}

/* ---- what was there before the index ---- */

static status build_row(server_app *app, model_txn *txn, size_t field, class_key c, row_key row)
{
    row_mark *mark = NULL;
    uint64_t place = 0;
    TRY(places_of_row(app, model_txn_view(txn), c, row, field, &place));
    if (place == 0) return ATOLL_OK;
    TRY(marks_peek(app, c, row, &mark));
    const place_change one = {
        place, mark->changed, row, c, app->places->fields.items[field].property, true};
    return mark->changed == 0 ? ATOLL_OK : wait(app, txn, &one);
}

static status build_slice(server_app *app, model_txn *txn, size_t field, uint64_t *cursor,
                          bool *complete)
{
    class_key c = app->places->fields.items[field].class_of;
    model_segment segment;
    status result = ATOLL_OK;
    size_t rows = 0;
    bool more = true;
    while (rows < BUILD_ROWS && result == ATOLL_OK) {
        more = model_scan(model_txn_view(txn), c, cursor, &segment, &result);
        if (!more || result != ATOLL_OK) break;
        for (size_t i = 0; i < MODEL_BLOCK_ROWS && result == ATOLL_OK; i++) {
            if ((segment.alive[i / 64] >> (i % 64) & 1) == 0) continue;
            result = build_row(app, txn, field, c, segment.first + i);
            rows++;
        }
    }
    *complete = !more;
    if (result == ATOLL_OK && *complete)
        result = write_field(txn, &app->places->fields.items[field], true);
    return result == ATOLL_OK ? places_flush(app, txn) : result;
}

/* One slice of the first field that lacks some. What changes meanwhile is in the index already, or moves within it. */
status server_app_index(server_app *app)
{
    model_txn *txn = NULL;
    size_t field = 0;
    bool complete = false;
    while (field < app->places->fields.count && app->places->fields.items[field].complete) field++;
    if (field == app->places->fields.count) return ATOLL_OK;
    uint64_t cursor = app->places->fields.items[field].built;
    TRY(app_begin(app, &txn));
    status result = build_slice(app, txn, field, &cursor, &complete);
    if (result == ATOLL_OK)
        result = model_commit(txn, NULL);
    else
        model_rollback(txn);
    marks_settle(app);
    if (result != ATOLL_OK) {
        marks_forget(app);
        return result;
    }
    app->places->fields.items[field].built = cursor;
    app->places->fields.items[field].complete = complete;
    return ATOLL_OK;
}

/* A leave is forgotten: with it what names the row for the values that it had then, where that is not what it has now. */
status places_trim(server_app *app, model_txn *txn, class_key c, row_key row,
                   const leave_record *left, const row_mark *m)
{
    place_index *x = app->places;
    bool newest = m->alive && m->changed == left->version;
    for (size_t i = 0; i < x->fields.count; i++) {
        const place_field *f = &x->fields.items[i];
        uint64_t now = 0, then = WHOLE_CLASS;
        value v;
        if (f->class_of != c) continue;
        if (newest) TRY(places_of_row(app, model_txn_view(txn), c, row, i, &now));
        if (f->property != 0) {
            image_value(buffer_view(&left->values), f->property, &v);
            then = place_of(c, f->property, &v);
        }
        const place_change gone = {then, left->version, row, c, f->property, false};
        if (then != 0 && then != now) TRY(wait(app, txn, &gone));
    }
    return ATOLL_OK;
}

/* ---- reading ---- */

static status each_of_record(const place_change *at, bytes record, places_each each, void *context)
{
    uint64_t rows[WORDS] = {0};
    TRY(read_record(record, rows));
    for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) {
        if (rows[i / 64] == 0)
            i |= 63;
        else if ((rows[i / 64] >> (i % 64) & 1) != 0)
            TRY(each(context, at->class_of, at->row + i));
    }
    return ATOLL_OK;
}

static status read_place(server_app *app, const place_change *from, places_each each, void *context)
{
    uint8_t first[KEY_SIZE], last[KEY_SIZE];
    place_change end = *from, at = *from;
    storage_iterator *i = NULL;
    bytes key, record;
    end.version = end.row = UINT64_MAX;
    key_of(first, from);
    key_of(last, &end);
    TRY(model_side_iterate(app->db, bytes_of(first, KEY_SIZE), bytes_of(last, KEY_SIZE), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &record)) {
        if (key.size != KEY_SIZE) continue;
        at.row = key_get_u64(key.data + PREFIX_SIZE + 8) * MODEL_BLOCK_ROWS;
        result = each_of_record(&at, record, each, context);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

typedef struct place_search {
    server_app *app;
    const server_view *v;
    const model_view *view;
    uint64_t after;
    places_each each;
    void *context;
} place_search;

static bool answers(const place_search *s, class_key c, property_key p)
{
    const place_field *f = field_of(s->app, c, p);
    if (is_key(s->v, c, p)) return true;
    return f != NULL && (s->after == 0 ? f->complete : f->since <= s->after);
}

static status look_up(const place_search *s, class_key c, const query_guard *g)
{
    place_change from = {.version = s->after + 1, .class_of = c, .place = WHOLE_CLASS};
    if (g != NULL && is_key(s->v, c, g->property)) {
        row_key row = 0;
        row_mark *mark = NULL;
        TRY(model_find_any(s->view, c, &g->value, &row));
        if (row == 0) return ATOLL_OK;
        TRY(marks_peek(s->app, c, row, &mark));
        return mark->changed > s->after ? s->each(s->context, c, row) : ATOLL_OK;
    }
    if (g != NULL) {
        from.property = g->property;
        from.place = place_of(c, g->property, &g->value);
    }
    return read_place(s->app, &from, s->each, s->context);
}

static status search_query(const place_search *s, const query *q, query_guard *guards, bool look,
                           bool *usable)
{
    class_key c = query_class(q);
    size_t count = 0;
    bool all = demands(q, guards, &count);
    for (size_t i = 0; i < count && all; i++) all = answers(s, c, guards[i].property);
    if (!all) {
        /* A first download of nearly all of a class is better read from its columns. */
        *usable = s->after != 0 && answers(s, c, 0);
        return look && *usable ? look_up(s, c, NULL) : ATOLL_OK;
    }
    *usable = true;
    for (size_t i = 0; i < count && look; i++) TRY(look_up(s, c, &guards[i]));
    return ATOLL_OK;
}

status places_of_query(server_app *app, const server_view *v, const query *q,
                       const model_view *view, places_each each, void *context, bool *usable)
{
    query_guard guards[PLACES_OF_A_QUERY_MAX];
    const place_search s = {app, v, view, 0, each, context};
    *usable = false;
    return app->scans ? ATOLL_OK : search_query(&s, q, guards, true, usable);
}

status places_changed(server_app *app, const server_view *v, const model_view *view, uint64_t after,
                      places_each each, void *context, bool *usable)
{
    query_guard guards[PLACES_OF_A_QUERY_MAX];
    const place_search s = {app, v, view, after, each, context};
    *usable = !app->scans && after != 0;
    for (size_t i = 0; i < v->queries.count && *usable; i++)
        TRY(search_query(&s, v->queries.items[i], guards, false, usable));
    for (size_t i = 0; i < v->queries.count && *usable; i++)
        TRY(search_query(&s, v->queries.items[i], guards, true, usable));
    return ATOLL_OK;
}
