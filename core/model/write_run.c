/* Writing many new objects of a class at once: rows that follow each other, filled a column at a time.
 * It must never make what model_create and model_set of each object in turn would not, nor touch a row that was there.
 * Invariant: the log record has the operations of each row together, as if the objects had been made one by one, so the
 * replay, notifications and whoever folds the record know nothing of runs. */
#include "model/engine.h"

enum { KEYS_AHEAD = 6 }; /* so many keys before its turn, the memory is asked for a key's place */

typedef struct run_column {
    const model_property *property;
    const value *values;
    value fresh; /* what a row has before anything was written to it */
    bool tracked;
} run_column;

typedef struct run_writer {
    model_txn *txn;
    const model_class *c;
    const model_run *run;
    row_key first;
    size_t count; /* of the rows that can be made */
    run_column columns[MODEL_RUN_COLUMNS_MAX];
} run_writer;

static bool is_fresh(const run_column *column, const value *v)
{
    return v->type == VALUE_NULL || value_equal(v, &column->fresh);
}

static status find_columns(run_writer *w)
{
    for (size_t i = 0; i < w->run->column_count; i++) {
        const model_run_column *from = &w->run->columns[i];
        const model_class *c = NULL;
        const model_property *p = NULL;
        TRY(need_property(w->txn->view, w->c->key, from->property, &c, &p));
        bool single = (p->flags & (PROPERTY_COLLECTION | PROPERTY_PRIMARY_KEY)) == 0 &&
                      p->type != VALUE_MIXED && p->type != VALUE_EMBEDDED;
        if (!single)
            return fail(ATOLL_ERROR_TYPE_MISMATCH,
                        "'%s.%s' can't be written in a run: set it object by object", c->name,
                        p->name);
        bool null = column_type_of(p).nullable;
        w->columns[i] = (run_column){p, from->values, null ? value_null() : value_zero(p->type),
                                     property_is_tracked(p) && !w->txn->db->options.plain};
    }
    return ATOLL_OK;
}

static status check_row(const run_writer *w, size_t i)
{
    const value *key = &w->run->keys[i];
    TRY(check_key(w->c, key));
    TRY(check_value(w->txn, w->c, class_property(w->c, w->c->primary_key), key));
    for (size_t k = 0; k < w->run->column_count; k++)
        TRY(check_value(w->txn, w->c, w->columns[k].property, &w->columns[k].values[i]));
    return ATOLL_OK;
}

/* The rows before the first that is refused; that one is for who asks for it alone. */
static status check_rows(run_writer *w, size_t count)
{
    status result = ATOLL_OK;
    while (w->count < count && result == ATOLL_OK) {
        result = check_row(w, w->count);
        w->count += result == ATOLL_OK;
    }
    return w->count == 0 ? result : ATOLL_OK;
}

/* Each key is written before the next one is looked for, which may be the same. */
static status make_keys(run_writer *w)
{
    model_txn *txn = w->txn;
    const model_property *key = class_property(w->c, w->c->primary_key);
    for (size_t i = 0; i < w->count; i++) {
        const value *v = &w->run->keys[i];
        row_key row = 0;
        if (i + KEYS_AHEAD < w->count)
            model_find_fetch(txn->view, w->c->key, &w->run->keys[i + KEYS_AHEAD]);
        TRY(model_find_any(txn->view, w->c->key, v, &row));
        if (row != 0) {
            w->count = i;
            return ATOLL_OK;
        }
        txn->operations++;
        TRY(apply_set(txn, w->c->key, w->first + i, slot_of(key->key), column_type_of(key), v, 0));
        TRY(apply_index_key(txn, w->c->key, key_hash(txn->db, v), w->first + i, 0));
    }
    return ATOLL_OK;
}

static status log_row(const run_writer *w, size_t i, operation *o)
{
    changeset_writer *to = &w->txn->changes;
    o->row = w->first + i;
    o->kind = OP_LIFE;
    TRY(changeset_write(to, o));
    o->kind = OP_KEY;
    o->value = w->run->keys[i];
    TRY(changeset_write(to, o));
    o->kind = OP_SET;
    for (size_t k = 0; k < w->run->column_count; k++) {
        const run_column *column = &w->columns[k];
        if (is_fresh(column, &column->values[i])) continue;
        o->property = column->property->key;
        o->value = column->values[i];
        o->is_default = w->txn->is_default;
        TRY(changeset_write(to, o));
    }
    o->is_default = false;
    return ATOLL_OK;
}

static status log_rows(const run_writer *w)
{
    operation o = {.class_of = w->c->key, .from = ROW_DEAD, .to = ROW_ALIVE};
    for (size_t i = 0; i < w->count && !w->txn->silent; i++) TRY(log_row(w, i, &o));
    return ATOLL_OK;
}

static void begin_lives(segment *s, row_key first, size_t count)
{
    segment_data *d = atomic_load_explicit(&s->data, memory_order_relaxed);
    for (row_key row = first; row < first + count; row++)
        d->alive[row % MODEL_BLOCK_ROWS / 64] |= (uint64_t)1 << (row % 64);
    d->alive_count += (uint32_t)count;
}

/* Rows of one segment. */
static status fill_column(const run_writer *w, segment *s, const run_column *column, size_t from,
                          size_t end)
{
    model_txn *txn = w->txn;
    const model_property *p = column->property;
    block *b = NULL;
    for (size_t i = from; i < end; i++) {
        const value *v = &column->values[i];
        row_key row = w->first + i;
        if (is_fresh(column, v)) continue;
        if (b == NULL)
            TRY(segment_block_own(&txn->writer, s, slot_of(p->key), column_type_of(p), &b));
        if (column->tracked) TRY(track_set(txn, w->c->key, p->key, row, b, v, 0));
        TRY(block_set(&txn->writer, b, (uint32_t)(row % MODEL_BLOCK_ROWS), v));
    }
    return ATOLL_OK;
}

static status fill_rows(const run_writer *w)
{
    model_txn *txn = w->txn;
    class_state *state = NULL;
    segment *s = NULL;
    TRY(apply_own_class(txn, w->c->key, &state));
    state->next_row = w->first + w->count;
    state->alive_count += w->count;
    for (size_t from = 0, end = 0; from < w->count; from = end) {
        end = from + MODEL_BLOCK_ROWS - (w->first + from) % MODEL_BLOCK_ROWS;
        if (end > w->count) end = w->count;
        TRY(apply_own_segment(txn, w->c->key, w->first + from, 0, &s));
        begin_lives(s, w->first + from, end - from);
        for (size_t k = 0; k < w->run->column_count; k++)
            TRY(fill_column(w, s, &w->columns[k], from, end));
    }
    return ATOLL_OK;
}

static status create_run(model_txn *txn, class_key c, const model_run *run, row_key *first,
                         size_t *made)
{
    run_writer w = {.txn = txn, .run = run, .first = 0};
    TRY(txn_usable(txn));
    TRY(need_class(txn->view, c, &w.c));
    if (w.c->kind != CLASS_NORMAL || w.c->primary_key == 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "objects of class '%s' can't be made in a run: it has no primary key, or they "
                    "are of a kind of their own",
                    w.c->name);
    if (run->count > MODEL_RUN_MAX || run->column_count > MODEL_RUN_COLUMNS_MAX)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a run of %zu objects with %zu properties",
                    run->count, run->column_count);
    TRY(find_columns(&w));
    TRY(check_rows(&w, run->count));
    if (cache_is_full(txn->db->cache)) cache_relieve(txn->db->cache, txn);
    w.first = next_row(txn, c);
    TRY(make_keys(&w));
    if (w.count > 0) TRY(log_rows(&w));
    if (w.count > 0) TRY(fill_rows(&w));
    *first = w.first;
    *made = w.count;
    return ATOLL_OK;
}

status model_create_run(model_txn *txn, class_key c, const model_run *run, row_key *first,
                        size_t *made)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, create_run(txn, c, run, first, made));
}
