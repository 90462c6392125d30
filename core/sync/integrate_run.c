/* New objects of a download, many at once: what integrate.c does with a row that is not here, for a run of them.
 * It must never touch a row that was here. Invariant: a run leaves what its rows would have left one by one; a key that is
 * here already, or comes twice, ends it. */
#include "sync/integrate_internal.h"

/* So many are tried first; while all of them are new the next try is twice as long. */
enum { ROWS_FIRST = 16 };

struct integration_run {
    const wire_rows *rows; /* whose columns these are */
    model_run_column columns[MODEL_RUN_COLUMNS_MAX];
    const wire_column *from[MODEL_RUN_COLUMNS_MAX];
    size_t count;          /* of them */
    VECTOR(size_t) others; /* numbers of the columns that each row takes for itself */
    size_t ahead;
    VECTOR(value) values; /* MODEL_RUN_MAX keys, then as many of each column */
};

void integrate_run_forget(struct integration_run *run)
{
    if (run != NULL) run->rows = NULL;
}

void integrate_run_free(struct integration_run *run)
{
    if (run == NULL) return;
    vector_free(&run->others);
    vector_free(&run->values);
    memory_free(run);
}

/* A value for each row, which is the engine's as it is. */
static bool is_plain(const wire_column *column, const model_property *p)
{
    bool single = (p->flags & (PROPERTY_COLLECTION | PROPERTY_PRIMARY_KEY)) == 0;
    bool own = p->type != VALUE_MIXED && p->type != VALUE_EMBEDDED && p->type != VALUE_LINK;
    return single && own && column->list == NULL && column->rows.count == 0;
}

static status find_columns(struct integration_run *run, const integration *g, wire_rows *rows,
                           const model_class *c)
{
    const model_schema *schema = model_view_schema(model_txn_view(g->txn));
    run->rows = rows;
    run->count = run->others.count = 0;
    run->ahead = ROWS_FIRST;
    for (size_t n = 0; n < rows->columns.count; n++) {
        const wire_column *column = rows->columns.items[n];
        const model_property *p = NULL;
        TRY(rows_property(schema, c, column, &p));
        if (p == NULL) continue;
        if (!is_plain(column, p) || run->count == MODEL_RUN_COLUMNS_MAX) {
            TRY(vector_push(&run->others, n));
            continue;
        }
        run->columns[run->count].property = p->key;
        run->from[run->count++] = column;
    }
    size_t wanted = (run->count + 1) * MODEL_RUN_MAX;
    run->values.count = 0;
    TRY(vector_reserve(&run->values, wanted));
    run->values.count = wanted;
    for (size_t k = 0; k < run->count; k++)
        run->columns[k].values = run->values.items + (k + 1) * MODEL_RUN_MAX;
    return ATOLL_OK;
}

static status run_of(integration *g, wire_rows *rows, const model_class *c)
{
    if (g->run == NULL) g->run = memory_allocate_zero(sizeof *g->run);
    if (g->run == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (g->run->rows == rows) return ATOLL_OK;
    g->run->rows = NULL;
    status result = find_columns(g->run, g, rows, c);
    if (result != ATOLL_OK) g->run->rows = NULL;
    return result;
}

static size_t read_values(struct integration_run *run, const wire_rows *rows, size_t from,
                          size_t to)
{
    size_t count = 0;
    while (from + count < to && count < run->ahead && rows->kinds.items[from + count] == ROW_FULL) {
        run->values.items[count] = wire_column_value(&rows->key, from + count);
        count++;
    }
    for (size_t k = 0; k < run->count; k++) {
        value *values = run->values.items + (k + 1) * MODEL_RUN_MAX;
        for (size_t i = 0; i < count; i++) values[i] = wire_column_value(run->from[k], from + i);
    }
    return count;
}

/* What the engine was not given with the rows. */
static status finish_row(integration *g, wire_rows *rows, size_t i, const model_class *c,
                         row_key row)
{
    const struct integration_run *run = g->run;
    uint64_t life = wire_one_or_each(&rows->lives, i, 1);
    TRY(integrate_tell(g, c, row));
    TRY(row_set_add(&g->whole, c->key, row));
    if (life != 1) TRY(pending_set_life(g->txn, c->key, row, life, false));
    for (size_t k = 0; k < run->others.count; k++)
        TRY(integrate_column(g, rows, run->others.items[k], i, c, row, NULL, true));
    return ATOLL_OK;
}

status integrate_run(integration *g, wire_rows *rows, const model_class *c, size_t from, size_t to,
                     size_t *taken)
{
    row_key first = 0;
    size_t made = 0;
    TRY(run_of(g, rows, c));
    struct integration_run *run = g->run;
    size_t count = read_values(run, rows, from, to);
    model_run request = {run->values.items, count, run->columns, run->count};
    TRY(model_create_run(g->txn, c->key, &request, &first, &made));
    for (size_t i = 0; i < made; i++) TRY(finish_row(g, rows, from + i, c, first + i));
    run->ahead = made < count ? ROWS_FIRST : run->ahead * 2;
    if (run->ahead > MODEL_RUN_MAX) run->ahead = MODEL_RUN_MAX;
    *taken = made;
    return ATOLL_OK;
}
