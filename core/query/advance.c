/* From the rows of results at one version to those at another, with what was deleted, inserted and modified.
 * It must never compare all values of both versions: what changed is told by the commits' changes. Rows of a query
 * without SORT and LIMIT cost what changed (plus moving the list); a sorted one, or one whose links point at changed
 * rows, runs again and both lists of rows are compared.
 * Invariant: the old list without `deletions`, with `insertions` put in at their places, is the new list. */
#include "query/query_internal.h"
#include <stdlib.h>

typedef struct touched {
    row_key row;
    bool modified; /* a property was set */
    bool replaced; /* deleted and made again: to a listener another object */
} touched;
typedef VECTOR(touched) touched_vector;

void result_changes_free(result_changes *changes)
{
    vector_free(&changes->deletions);
    vector_free(&changes->insertions);
    vector_free(&changes->modifications);
    vector_free(&changes->modifications_new);
}

/* ---- what the commits touched ---- */

static int order_touched(const void *a, const void *b)
{
    row_key left = ((const touched *)a)->row, right = ((const touched *)b)->row;
    return (left > right) - (left < right);
}

/* Whether a change of another row may change what matches. */
static bool concerns_links(const query *q, const row_change *change)
{
    for (size_t i = 0; i < q->dependencies.count; i++) {
        const dependency *d = &q->dependencies.items[i];
        if (d->class_of == change->class_of &&
            (!d->life_only || change->created || change->deleted))
            return true;
    }
    return false;
}

static status collect(const query *q, const model_changes *changes, touched_vector *out,
                      bool *links_changed)
{
    size_t count = model_changes_count(changes);
    for (size_t i = 0; i < count; i++) {
        const row_change *change = model_changes_row(changes, i);
        if (concerns_links(q, change)) *links_changed = true;
        if (change->class_of != q->class_of) continue;
        touched made = {change->row, change->property_count > 0, change->deleted_first};
        TRY(vector_push(out, made));
    }
    if (out->count > 1) qsort(out->items, out->count, sizeof *out->items, order_touched);
    return ATOLL_OK;
}

static const touched *find_touched(const touched_vector *all, row_key row)
{
    touched wanted = {.row = row};
    return all->count == 0
               ? NULL
               : bsearch(&wanted, all->items, all->count, sizeof *all->items, order_touched);
}

/* ---- without SORT: both lists ascend ---- */

/* The place of the first row that is not less, from `from` on: steps double, so close places are found fast. */
static size_t seek(const row_vector *rows, size_t from, row_key row)
{
    size_t step = 1, low = from;
    while (low + step < rows->count && rows->items[low + step] < row) {
        low += step;
        step *= 2;
    }
    size_t high = low + step < rows->count ? low + step : rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->items[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

typedef struct merging {
    const row_vector *old_rows;
    row_vector made;
    result_changes *changes;
    size_t taken;       /* of the old rows */
    bool counting_only; /* nothing was inserted or deleted so far: the new list is the old one */
} merging;

/* Copies the old rows before `to`; as long as the list did not change there is nothing to copy. */
static status copy_until(merging *m, size_t to)
{
    size_t count = to - m->taken;
    if (!m->counting_only) {
        TRY(vector_reserve(&m->made, count));
        if (count > 0)
            memcpy(m->made.items + m->made.count, m->old_rows->items + m->taken,
                   count * sizeof(row_key));
        m->made.count += count;
    }
    m->taken = to;
    return ATOLL_OK;
}

static status start_list(merging *m)
{
    if (!m->counting_only) return ATOLL_OK;
    size_t done = m->taken;
    m->counting_only = false;
    m->taken = 0;
    TRY(vector_reserve(&m->made, m->old_rows->count + 1));
    return copy_until(m, done);
}

static status place_row(merging *m, const touched *t, bool matches)
{
    size_t at = seek(m->old_rows, m->taken, t->row);
    bool was = at < m->old_rows->count && m->old_rows->items[at] == t->row;
    TRY(copy_until(m, at));
    if (was && matches && !t->replaced) {
        if (!t->modified) return ATOLL_OK;
        TRY(vector_push(&m->changes->modifications, at));
        return vector_push(&m->changes->modifications_new, m->counting_only ? at : m->made.count);
    }
    if (!was && !matches) return ATOLL_OK;
    TRY(start_list(m));
    if (was) {
        TRY(vector_push(&m->changes->deletions, at));
        m->taken = at + 1;
    }
    if (!matches) return ATOLL_OK;
    TRY(vector_push(&m->changes->insertions, m->made.count));
    return vector_push(&m->made, t->row);
}

static status advance_touched(const query *q, const model_view *after, const touched_vector *all,
                              row_vector *rows, result_changes *changes)
{
    merging m = {.old_rows = rows, .changes = changes, .counting_only = true};
    row_source source = {.view = after};
    status result = ATOLL_OK;
    for (size_t i = 0; i < all->count; i++) {
        row_key row = all->items[i].row;
        /* A row that comes in this order meets modifications before the list starts to differ, so both indexes agree
         * until then. */
        bool alive;
        TRY_GOTO(model_is_alive(after, q->class_of, row, &alive));
        bool matches = alive && row_matches(&source, q->tree.root, q->class_of, row);
        TRY_GOTO(source.error);
        TRY_GOTO(place_row(&m, &all->items[i], matches));
    }
    if (m.counting_only) return ATOLL_OK;
    TRY_GOTO(copy_until(&m, rows->count));
    vector_free(rows);
    *rows = m.made;
    return ATOLL_OK;
done:
    vector_free(&m.made);
    return result;
}

/* ---- with SORT or LIMIT, or through links: the old list against a new run ---- */

typedef struct comparing {
    const row_vector *old_rows, *new_rows;
    const touched_vector *touched;
    uint64_t *old_places; /* of each new row; NOWHERE: it was not there */
    uint8_t *kept;        /* of each new row: stays in place */
    uint8_t *old_kept;    /* of each old row */
} comparing;
#define NOWHERE UINT64_MAX

static status find_old_places(comparing *c)
{
    map64 places = {0};
    status result = ATOLL_OK;
    for (size_t i = 0; i < c->old_rows->count; i++)
        TRY_GOTO(map64_put(&places, c->old_rows->items[i], i));
    for (size_t i = 0; i < c->new_rows->count; i++) {
        row_key row = c->new_rows->items[i];
        const uint64_t *found = map64_get(&places, row);
        const touched *t = find_touched(c->touched, row);
        c->old_places[i] = found == NULL || (t != NULL && t->replaced) ? NOWHERE : *found;
    }
done:
    map64_free(&places);
    return result;
}

/* Keeps the longest run of rows whose order did not change; the others moved and are told as deleted and inserted.
 * ends[l]: the new row that ends the best run of length l + 1, previous: the one before it. */
static status keep_longest(comparing *c)
{
    size_t count = c->new_rows->count, length = 0;
    size_t *ends = memory_allocate((count + 1) * sizeof *ends),
           *previous = memory_allocate((count + 1) * sizeof *previous);
    status result = ATOLL_ERROR_OUT_OF_MEMORY;
    if (ends == NULL || previous == NULL) goto done;
    for (size_t i = 0; i < count; i++) {
        if (c->old_places[i] == NOWHERE) continue;
        size_t low = 0, high = length;
        /* Rows mostly keep their order, so the end is tried first. */
        if (length > 0 && c->old_places[ends[length - 1]] < c->old_places[i]) low = length;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (c->old_places[ends[middle]] < c->old_places[i])
                low = middle + 1;
            else
                high = middle;
        }
        previous[i] = low == 0 ? SIZE_MAX : ends[low - 1];
        ends[low] = i;
        if (low == length) length++;
    }
    for (size_t i = length == 0 ? SIZE_MAX : ends[length - 1]; i != SIZE_MAX; i = previous[i]) {
        c->kept[i] = 1;
        c->old_kept[c->old_places[i]] = 1;
    }
    result = ATOLL_OK;
done:
    memory_free(ends);
    memory_free(previous);
    return result;
}

static status tell_changes(const comparing *c, result_changes *changes)
{
    for (size_t i = 0; i < c->old_rows->count; i++) {
        if (!c->old_kept[i]) TRY(vector_push(&changes->deletions, i));
    }
    for (size_t i = 0; i < c->new_rows->count; i++) {
        if (!c->kept[i]) {
            TRY(vector_push(&changes->insertions, i));
            continue;
        }
        const touched *t = find_touched(c->touched, c->new_rows->items[i]);
        if (t == NULL || !t->modified) continue;
        TRY(vector_push(&changes->modifications, c->old_places[i]));
        TRY(vector_push(&changes->modifications_new, i));
    }
    return ATOLL_OK;
}

static status advance_by_run(const query *q, const model_view *after, const touched_vector *all,
                             row_vector *rows, result_changes *changes)
{
    row_vector made = {0};
    comparing c = {.old_rows = rows, .new_rows = &made, .touched = all};
    status result = ATOLL_OK;
    TRY_GOTO(query_run(q, after, &made));
    c.old_places = memory_allocate((made.count + 1) * sizeof *c.old_places);
    c.kept = memory_allocate_zero(made.count + 1);
    c.old_kept = memory_allocate_zero(rows->count + 1);
    if (c.old_places == NULL || c.kept == NULL || c.old_kept == NULL)
        TRY_GOTO(ATOLL_ERROR_OUT_OF_MEMORY);
    TRY_GOTO(find_old_places(&c));
    TRY_GOTO(keep_longest(&c));
    TRY_GOTO(tell_changes(&c, changes));
    row_vector old = *rows;
    *rows = made;
    made = old;
done:
    vector_free(&made);
    memory_free(c.old_places);
    memory_free(c.kept);
    memory_free(c.old_kept);
    return result;
}

status results_advance(const query *q, const model_view *before, const model_view *after,
                       const model_changes *changes, row_vector *rows, result_changes *out)
{
    (void)before; /* The rows and the changes say what was. */
    touched_vector all = {0};
    result_changes made = {0};
    bool links_changed = false;
    status result = ATOLL_OK;
    TRY_GOTO(collect(q, changes, &all, &links_changed));
    bool ordered = q->has_sort || q->has_subset;
    if (links_changed || (ordered && all.count > 0))
        TRY_GOTO(advance_by_run(q, after, &all, rows, &made));
    else
        TRY_GOTO(advance_touched(q, after, &all, rows, &made));
    result_changes_free(out);
    *out = made;
    made = (result_changes){0};
done:
    vector_free(&all);
    result_changes_free(&made);
    return result;
}
