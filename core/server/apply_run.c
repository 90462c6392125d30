/* New objects of an upload, many at once: most of a backlog are objects that nobody has seen yet, for which there is nothing
 * to merge with. It must never take a row that apply_row would treat otherwise than as a new life with every field won.
 * Invariant: values, marks, places, the clock and what is noted are those that the rows would have got one by one. */
#include "server/apply.h"

enum { RUN_MIN = 4 }; /* for fewer it is not worth while */

/* The text of a query that every object of its class fulfils. */
static bool is_everything(const query *q)
{
    return bytes_equal(query_text(q), bytes_text("TRUEPREDICATE"));
}

static bool sees_all(const server_view *v, class_key c)
{
    for (size_t i = 0; i < v->queries.count; i++) {
        const query *q = v->queries.items[i];
        if (query_class(q) == c && is_everything(q)) return true;
    }
    return false;
}

static bool is_plain(const batch_apply *a, const model_class *c, const wire_column *column,
                     const model_property *p)
{
    return !column->increment && column->list == NULL && (p->flags & PROPERTY_COLLECTION) == 0 &&
           p->type != VALUE_MIXED && p->type != VALUE_EMBEDDED &&
           !(p->type == VALUE_LINK && paths_follow(a->app, c->key, p->key)) &&
           rules_writes_field(a->views->rules, c->key, p->key) &&
           !(p->type == VALUE_LINK && paths_follow(a->app, c->key, p->key));
}

static bool has_column(const upload_run *r, property_key p)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->columns[i].property == p) return true;
    return false;
}

/* Which columns are written at once; a row that has something in another one goes alone. What is wrong with a column, the
 * first row that has it tells. */
static status sort_columns(upload_run *r)
{
    const model_schema *schema = model_view_schema(model_txn_view(r->a->txn));
    for (size_t i = 0; i < r->rows->columns.count; i++) {
        wire_column *column = r->rows->columns.items[i];
        const model_property *p = class_property_named(r->c, bytes_text(column->property));
        if (p != NULL && (p->flags & PROPERTY_PRIMARY_KEY) != 0) continue;
        const model_property *same = NULL;
        bool fits = p != NULL && rows_property(schema, r->c, column, &same) == ATOLL_OK;
        if (fits && r->count < MODEL_RUN_COLUMNS_MAX && is_plain(r->a, r->c, column, p) &&
            !has_column(r, p->key)) {
            r->from[r->count].column = column;
            r->from[r->count].property = p;
            r->columns[r->count++].property = p->key;
        } else {
            TRY(vector_push(&r->alone, column));
        }
    }
    return ATOLL_OK;
}

status upload_run_begin(upload_run *r, batch_apply *a, wire_rows *rows, const model_class *c)
{
    *r = (upload_run){.a = a, .rows = rows, .c = c, .next = rows->count};
    bool later = a->before != NULL && !apply_is_plain(a, c->key);
    if (rows->count < RUN_MIN || a->app->rows_alone || later) return ATOLL_OK;
    TRY(sort_columns(r));
    size_t size = (r->count + 1) * MODEL_RUN_MAX * sizeof *r->values;
    r->values = memory_allocate(size);
    if (r->values == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t k = 0; k < r->count; k++)
        r->columns[k].values = r->values + (k + 1) * MODEL_RUN_MAX;
    r->seen = !a->view->partition;
    r->inside = true;
    bool any = false;
    for (size_t i = 0; i < a->views->count; i++) {
        bool all = sees_all(a->views->items[i], c->key);
        any |= all;
        if (i < a->views->in_force) r->inside &= all;
    }
    r->seen &= any;
    r->next = 0;
    return ATOLL_OK;
}

void upload_run_end(upload_run *r)
{
    memory_free(r->values);
    vector_free(&r->alone);
}

/* ---- collecting ---- */

static value fresh_value(const model_property *p)
{
    bool null = (p->flags & PROPERTY_NULLABLE) != 0 || p->type == VALUE_LINK;
    return null ? value_null() : value_zero(p->type);
}

/* *known false: the row that a link names is to be made first. */
static status take_value(const upload_run *r, size_t k, size_t i, value *out, bool *known)
{
    const upload_column *from = &r->from[k];
    size_t entry = 0;
    if (!wire_column_seek(from->column, i, &entry)) {
        *out = fresh_value(from->property);
        return ATOLL_OK;
    }
    *out = wire_column_value(from->column, entry);
    if (from->property->type != VALUE_LINK || out->type == VALUE_NULL) return ATOLL_OK;
    row_key target = 0;
    TRY(model_find_any(model_txn_view(r->a->txn), from->property->target, out, &target));
    *known = target != 0;
    *out = value_link(target);
    return ATOLL_OK;
}

/* Was field k of row i written as that of row i - 1 was? */
static bool same_claim(wire_column *column, size_t i)
{
    size_t now = 0, before = 0;
    bool was = wire_column_seek(column, i - 1, &before);
    bool is = wire_column_seek(column, i, &now);
    return is == was &&
           (!is || (wire_column_stamp(column, now) == wire_column_stamp(column, before) &&
                    wire_column_default(column, now) == wire_column_default(column, before)));
}

static bool same_claims(const upload_run *r, size_t i)
{
    for (size_t k = 0; k < r->count; k++)
        if (!same_claim(r->from[k].column, i)) return false;
    return true;
}

static bool goes_alone(const upload_run *r, size_t i)
{
    size_t entry = 0;
    if (r->rows->kinds.items[i] != ROW_CREATE || wire_one_or_each(&r->rows->lives, i, 0) != 0)
        return true;
    for (size_t k = 0; k < r->alone.count; k++)
        if (wire_column_seek(r->alone.items[k], i, &entry)) return true;
    return false;
}

static status take_row(upload_run *r, size_t i, size_t at, bool *taken)
{
    bool known = true, allowed = false;
    *taken = false;
    if (goes_alone(r, i)) return ATOLL_OK;
    TRY(judge_new(r->a, r->rows, i, r->c, r->seen, &allowed));
    if (!allowed) return ATOLL_OK;
    r->values[at] = wire_column_value(&r->rows->key, i);
    for (size_t k = 0; k < r->count && known; k++)
        TRY(take_value(r, k, i, (value *)&r->columns[k].values[at], &known));
    *taken = known;
    return ATOLL_OK;
}

/* ---- what is remembered ---- */

static status make_mark(upload_run *r, size_t i, row_mark *m)
{
    batch_apply *a = r->a;
    m->life = 1;
    m->alive = true;
    m->since = m->changed = a->version;
    m->since_author = a->ident;
    row_mark_begin(m);
    for (size_t k = 0; k < r->count; k++) {
        wire_column *column = r->from[k].column;
        size_t entry = 0;
        if (!wire_column_seek(column, i, &entry)) continue;
        uint64_t stamp = wire_column_stamp(column, entry);
        if (stamp > a->limit) stamp = a->limit;
        if (stamp > a->app->clock) a->app->clock = stamp;
        field_mark f = {r->columns[k].property, wire_column_default(column, entry), stamp, a->ident,
                        a->version};
        TRY(vector_push(&m->fields, f));
    }
    return ATOLL_OK;
}

static status mark_rows(upload_run *r, row_key first, size_t count)
{
    row_mark mark = {0};
    status result = ATOLL_OK;
    for (size_t from = 0, end = 0; from < count && result == ATOLL_OK; from = end) {
        for (end = from + 1; end < count && same_claims(r, r->next + end);) end++;
        result = make_mark(r, r->next + from, &mark);
        if (result == ATOLL_OK)
            result = marks_new_rows(r->a->app, r->c->key, first + from, end - from, &mark);
    }
    row_mark_free(&mark);
    return result;
}

static status note_rows(upload_run *r, const model_run *run, row_key first, size_t count)
{
    batch_apply *a = r->a;
    const place_run places = {r->c, first, count, a->version, run};
    TRY(mark_rows(r, first, count));
    TRY(map64_put_bits(&a->named, root_name(r->c->key, first), count));
    TRY(places_new_rows(a->app, a->txn, &places));
    const row_mark alive = {.alive = true};
    for (size_t i = 0; i < count && !r->inside; i++) TRY(note_outside(a, r->c, first + i, &alive));
    return ATOLL_OK;
}

status upload_run_take(upload_run *r, size_t i, size_t *taken)
{
    size_t count = 0, made = 0;
    bool more = true;
    row_key first = 0;
    *taken = 0;
    if (i != r->next) return ATOLL_OK;
    while (count < MODEL_RUN_MAX && i + count < r->rows->count) {
        TRY(take_row(r, i + count, count, &more));
        if (!more) break;
        count++;
    }
    if (count >= RUN_MIN) {
        const model_run run = {r->values, count, r->columns, r->count};
        TRY(model_create_run(r->a->txn, r->c->key, &run, &first, &made));
        if (made > 0) TRY(note_rows(r, &run, first, made));
        *taken = made;
        more = made == count && (more || count == MODEL_RUN_MAX);
        r->next = i + made + (more ? 0 : 1);
    } else {
        r->next = i + count + 1;
    }
    return ATOLL_OK;
}
