/* From the rows of results at one version to those at another, with what was deleted, inserted, moved and modified.
 * It must never compare all values of both versions: what changed is told by the commits' changes. Rows of a query whose
 * order is that of the rows or of a SORT cost what changed, a few steps of a binary search each: the rows that nothing
 * touched keep their order, so only those that were touched look for a place among them. A LIMIT, a base, links that
 * changed, or a change of most rows make the query run again, and both lists are compared.
 * Invariant: the old list without `deletions`, with `insertions` put in at their places, is the new list. */
#include "query/query_internal.h"
#include <stdlib.h>

typedef struct touched {
    row_key row;
    bool replaced; /* deleted and made again: to a listener another object */
    bool born;     /* it was not alive before */
    bool was, is, kept;
    size_t old_index, old_gap; /* was: its place, and the number of untouched rows before it */
    size_t new_gap; /* is: likewise, so that its place is that and its rank among those that are */
    size_t new_index;
} touched;
typedef VECTOR(touched) touched_vector;
typedef VECTOR(touched *) touched_list;

typedef struct advancing {
    const query *q;
    const model_view *before, *after;
    row_vector *rows;
    touched_vector touched; /* by row */
    row_vector modified;    /* rows that the listener is told of, touched or behind links */
    touched_list were, are; /* in the old order and in the new one */
    result_changes made;
} advancing;

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
    return base_concerns(q, change);
}

static status collect(advancing *a, const model_changes *changes, bool *again)
{
    size_t count = model_changes_count(changes);
    for (size_t i = 0; i < count; i++) {
        const row_change *change = model_changes_row(changes, i);
        if (concerns_links(a->q, change)) *again = true;
        if (change->class_of != a->q->class_of) continue;
        touched made = {.row = change->row,
                        .replaced = change->deleted_first,
                        .born = change->created && !change->deleted_first};
        TRY(vector_push(&a->touched, made));
    }
    if (a->touched.count > 1)
        qsort(a->touched.items, a->touched.count, sizeof *a->touched.items, order_touched);
    return ATOLL_OK;
}

static bool runs_again(const advancing *a)
{
    bool sorted = false;
    for (size_t i = 0; i < a->q->tree.suffix_count; i++) {
        if (a->q->tree.suffixes[i].kind != SUFFIX_SORT) return true;
        sorted = true;
    }
    if (query_has_base(a->q)) return true;
    return sorted && a->touched.count > 64 && a->touched.count > a->rows->count / 16;
}

/* ---- places ---- */

/* The order of two rows of a class in the results, at one version. */
static status compare(const query *q, const model_view *view, row_key a, row_key b, int *order)
{
    *order = 0;
    for (size_t i = q->tree.suffix_count; i > 0 && *order == 0 && a != b; i--)
        TRY(rows_compare(&q->tree.suffixes[i - 1], view, a, b, order));
    if (*order == 0) *order = (a > b) - (a < b);
    return ATOLL_OK;
}

/* The index of an untouched row in the old list or in the new one: touched rows stand in between. */
static size_t index_among(const touched_list *between, size_t untouched, bool old)
{
    size_t low = 0, high = between->count;
    while (low < high) {
        size_t half = low + (high - low) / 2;
        const touched *t = between->items[half];
        if ((old ? t->old_gap : t->new_gap) <= untouched)
            low = half + 1;
        else
            high = half;
    }
    return untouched + low;
}

typedef struct search {
    const advancing *a;
    const model_view *view;
    const touched_list *skipped; /* NULL: none */
    size_t count;
    row_key row;
} search;

static status stands_before(const search *s, size_t place, bool *out)
{
    int order;
    size_t at = s->skipped == NULL ? place : index_among(s->skipped, place, true);
    TRY(compare(s->a->q, s->view, s->a->rows->items[at], s->row, &order));
    *out = order < 0;
    return ATOLL_OK;
}

/* The first place, from `from` on, of a row that stands not before the one searched for. Steps double, so close places
 * are found fast. */
static status seek(const search *s, size_t from, size_t *out)
{
    size_t step = 1, low = from, high = s->count;
    bool before = false;
    /* New rows come last more often than not. */
    if (low < high) TRY(stands_before(s, high - 1, &before));
    if (before) low = high;
    while (low < high && low + step < high) {
        TRY(stands_before(s, low + step - 1, &before));
        if (!before) {
            high = low + step - 1;
            break;
        }
        low += step;
        step *= 2;
    }
    while (low < high) {
        size_t half = low + (high - low) / 2;
        TRY(stands_before(s, half, &before));
        if (before)
            low = half + 1;
        else
            high = half;
    }
    *out = low;
    return ATOLL_OK;
}

static int order_old(const void *a, const void *b)
{
    size_t left = (*(touched *const *)a)->old_index, right = (*(touched *const *)b)->old_index;
    return (left > right) - (left < right);
}

static status find_old(advancing *a)
{
    bool sorted = a->q->tree.suffix_count > 0;
    size_t from = 0;
    for (size_t i = 0; i < a->touched.count; i++) {
        touched *t = &a->touched.items[i];
        if (t->born) continue;
        search s = {a, a->before, NULL, a->rows->count, t->row};
        size_t at;
        TRY(seek(&s, from, &at));
        t->was = at < a->rows->count && a->rows->items[at] == t->row;
        t->old_index = at;
        if (!sorted) from = at;
        if (t->was) TRY(vector_push(&a->were, t));
    }
    if (sorted && a->were.count > 1)
        qsort(a->were.items, a->were.count, sizeof *a->were.items, order_old);
    for (size_t i = 0; i < a->were.count; i++)
        a->were.items[i]->old_gap = a->were.items[i]->old_index - i;
    return ATOLL_OK;
}

static touched *touched_row(const advancing *a, row_key row)
{
    touched wanted = {.row = row};
    if (a->touched.count == 0) return NULL;
    return bsearch(&wanted, a->touched.items, a->touched.count, sizeof *a->touched.items,
                   order_touched);
}

static status find_new(advancing *a)
{
    row_vector are = {0};
    row_source source = {.view = a->after};
    status result = ATOLL_OK;
    for (size_t i = 0; i < a->touched.count; i++) {
        touched *t = &a->touched.items[i];
        bool alive;
        TRY_GOTO(model_is_alive(a->after, a->q->class_of, t->row, &alive));
        t->is = alive && row_matches(&source, a->q->tree.root, a->q->class_of, t->row);
        TRY_GOTO(source.error);
        if (t->is) TRY_GOTO(vector_push(&are, t->row));
    }
    for (size_t i = 0; i < a->q->tree.suffix_count; i++)
        TRY_GOTO(rows_sort(&a->q->tree.suffixes[i], a->after, &are));
    for (size_t i = 0, from = 0; i < are.count; i++) {
        touched *t = touched_row(a, are.items[i]);
        search s = {a, a->after, &a->were, a->rows->count - a->were.count, t->row};
        TRY_GOTO(seek(&s, from, &from));
        t->new_gap = from;
        t->new_index = from + i;
        TRY_GOTO(vector_push(&a->are, t));
    }
done:
    vector_free(&are);
    return result;
}

/* ---- telling ---- */

/* A row keeps its place when it stands between the same untouched rows, and behind those that kept theirs. */
static void keep_places(advancing *a)
{
    size_t behind = 0;
    for (size_t i = 0; i < a->are.count; i++) {
        touched *t = a->are.items[i];
        t->kept = t->was && !t->replaced && t->old_gap == t->new_gap && t->old_index >= behind;
        if (t->kept) behind = t->old_index + 1;
    }
}

static status tell_touched(advancing *a)
{
    result_changes *to = &a->made;
    for (size_t i = 0; i < a->were.count; i++)
        if (!a->were.items[i]->kept) TRY(vector_push(&to->deletions, a->were.items[i]->old_index));
    for (size_t i = 0; i < a->are.count; i++) {
        const touched *t = a->are.items[i];
        if (t->kept) continue;
        TRY(vector_push(&to->insertions, t->new_index));
        if (!t->was || t->replaced) continue;
        TRY(vector_push(&to->moves_from, t->old_index));
        TRY(vector_push(&to->moves_to, t->new_index));
    }
    return ATOLL_OK;
}

typedef struct place {
    uint64_t old_index, new_index;
} place;

static int order_places(const void *a, const void *b)
{
    uint64_t left = ((const place *)a)->old_index, right = ((const place *)b)->old_index;
    return (left > right) - (left < right);
}

/* A row behind whose links something changed was not touched itself: it is where its keys put it. */
static status untouched_place(const advancing *a, row_key row, size_t *from, place *out,
                              bool *found)
{
    search s = {a, a->after, &a->were, a->rows->count - a->were.count, row};
    TRY(seek(&s, *from, from));
    *found = *from < s.count && a->rows->items[index_among(&a->were, *from, true)] == row;
    if (!*found) return ATOLL_OK;
    *out = (place){index_among(&a->were, *from, true), index_among(&a->are, *from, false)};
    return ATOLL_OK;
}

static status tell_modified(advancing *a)
{
    VECTOR(place) places = {0};
    bool sorted = a->q->tree.suffix_count > 0;
    size_t from = 0;
    status result = ATOLL_OK;
    for (size_t i = 0; i < a->modified.count; i++) {
        const touched *t = touched_row(a, a->modified.items[i]);
        place made = {0, 0};
        bool found = t != NULL && t->kept;
        if (found) made = (place){t->old_index, t->new_index};
        if (sorted) from = 0;
        if (t == NULL) TRY_GOTO(untouched_place(a, a->modified.items[i], &from, &made, &found));
        if (found) TRY_GOTO(vector_push(&places, made));
    }
    if (places.count > 1) qsort(places.items, places.count, sizeof *places.items, order_places);
    for (size_t i = 0; i < places.count; i++) {
        TRY_GOTO(vector_push(&a->made.modifications, places.items[i].old_index));
        TRY_GOTO(vector_push(&a->made.modifications_new, places.items[i].new_index));
    }
done:
    vector_free(&places);
    return result;
}

/* ---- the list ---- */

/* A run of untouched rows between two places where rows left or came. */
typedef struct run {
    size_t old_index, new_index, count;
} run;
typedef VECTOR(run) run_vector;

static status make_runs(const advancing *a, run_vector *out)
{
    size_t untouched = a->rows->count - a->were.count, at = 0, left = 0, came = 0;
    while (at < untouched) {
        while (left < a->were.count && a->were.items[left]->old_gap <= at) left++;
        while (came < a->are.count && a->are.items[came]->new_gap <= at) came++;
        size_t end = untouched;
        if (left < a->were.count && a->were.items[left]->old_gap < end)
            end = a->were.items[left]->old_gap;
        if (came < a->are.count && a->are.items[came]->new_gap < end)
            end = a->are.items[came]->new_gap;
        TRY(vector_push(out, ((run){at + left, at + came, end - at})));
        at = end;
    }
    return ATOLL_OK;
}

/* In place: runs that go to the left, from the left on, cannot run over one that waits, nor can the others from the
 * right. Nothing here can fail. */
static void move_runs(row_key *items, const run_vector *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        const run *r = &runs->items[i];
        if (r->new_index < r->old_index)
            memmove(items + r->new_index, items + r->old_index, r->count * sizeof *items);
    }
    for (size_t i = runs->count; i > 0; i--) {
        const run *r = &runs->items[i - 1];
        if (r->new_index > r->old_index)
            memmove(items + r->new_index, items + r->old_index, r->count * sizeof *items);
    }
}

static status change_list(advancing *a)
{
    run_vector runs = {0};
    status result = ATOLL_OK;
    if (a->made.deletions.count + a->made.insertions.count == 0) return ATOLL_OK;
    TRY_GOTO(make_runs(a, &runs));
    TRY_GOTO(vector_reserve(a->rows, a->are.count));
    move_runs(a->rows->items, &runs);
    for (size_t i = 0; i < a->are.count; i++)
        a->rows->items[a->are.items[i]->new_index] = a->are.items[i]->row;
    a->rows->count = a->rows->count - a->were.count + a->are.count;
done:
    vector_free(&runs);
    return result;
}

static status advance_touched(advancing *a)
{
    TRY(find_old(a));
    TRY(find_new(a));
    keep_places(a);
    TRY(tell_touched(a));
    TRY(tell_modified(a));
    return change_list(a);
}

/* ---- the old list against a new run ---- */

typedef struct comparing {
    const row_vector *made, *modified;
} comparing;

static status is_modified(void *context, size_t old_index, size_t new_index, bool *out)
{
    (void)old_index;
    const comparing *c = context;
    *out = rows_contain(c->modified, c->made->items[new_index]);
    return ATOLL_OK;
}

/* Rows that were deleted and made again get an identity that no row of the new list has. */
static void mark_replaced(const advancing *a, row_vector *old)
{
    bool any = false;
    for (size_t i = 0; i < a->touched.count && !any; i++) any = a->touched.items[i].replaced;
    if (old->items == NULL) return;
    for (size_t i = 0; i < old->count && any; i++) {
        const touched *t = touched_row(a, old->items[i]);
        if (t != NULL && t->replaced) old->items[i] |= (row_key)1 << 63;
    }
}

static status advance_by_run(advancing *a)
{
    row_vector made = {0}, old = {0};
    status result = ATOLL_OK;
    TRY_GOTO(query_run(a->q, a->after, &made));
    TRY_GOTO(vector_reserve(&old, a->rows->count + 1));
    if (a->rows->count > 0 && old.items != NULL) {
        memcpy(old.items, a->rows->items, a->rows->count * sizeof *old.items);
        old.count = a->rows->count;
    }
    mark_replaced(a, &old);
    comparing c = {&made, &a->modified};
    sequence_pair pair = {.old_items = old.items,
                          .old_count = old.count,
                          .new_items = made.items,
                          .new_count = made.count,
                          .is_modified = a->modified.count == 0 ? NULL : is_modified,
                          .context = &c};
    TRY_GOTO(sequence_difference(&pair, &a->made));
    row_vector replaced = *a->rows;
    *a->rows = made;
    made = replaced;
done:
    vector_free(&made);
    vector_free(&old);
    return result;
}

status results_advance(const query *q, const model_view *before, const model_view *after,
                       const model_changes *changes, const key_paths *paths, row_vector *rows,
                       result_changes *out)
{
    advancing a = {.q = q, .before = before, .after = after, .rows = rows};
    bool again = false;
    status result = ATOLL_OK;
    TRY_GOTO(collect(&a, changes, &again));
    TRY_GOTO(changes_reach(before, after, changes, q->class_of, paths, &a.modified));
    if (!again && a.touched.count + a.modified.count == 0) goto done;
    TRY_GOTO(again || runs_again(&a) ? advance_by_run(&a) : advance_touched(&a));
done:
    if (result == ATOLL_OK) {
        result_changes_free(out);
        *out = a.made;
    } else {
        result_changes_free(&a.made);
    }
    vector_free(&a.touched);
    vector_free(&a.modified);
    vector_free(&a.were);
    vector_free(&a.are);
    return result;
}
