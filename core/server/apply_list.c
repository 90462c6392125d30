/* Applying the collections of a batch: what came merges with what is there, element by element.
 * It must never judge who may write. Invariant: an element of the result that differs from the stored one carries the
 * version of the commit, so that downloads find it. */
#include "server/app.h"

#include <stdlib.h>

/* No stamp is later than the server's now; what has none is of now. */
static uint64_t clamp(const list_merge *m, uint64_t stamp)
{
    return stamp == 0 || stamp > m->limit ? m->limit : stamp;
}

static bool element_changed(const list_element *before, const list_element *after)
{
    return before->erased != after->erased || before->stamp != after->stamp ||
           before->value_stamp != after->value_stamp || before->value_actor != after->value_actor ||
           memcmp(before->embedded, after->embedded, 16) != 0;
}

/* Elements of one state to be found by those of another: of lists by id, of sets by value, of dictionaries by key. */
typedef struct element_index {
    const list_element **sorted;
    size_t count;
    wire_collection kind;
} element_index;

static int compare_element_id(const void *a, const void *b)
{
    const list_element *x = *(const list_element *const *)a, *y = *(const list_element *const *)b;
    if (x->id.actor != y->id.actor) return x->id.actor < y->id.actor ? -1 : 1;
    return (x->id.counter > y->id.counter) - (x->id.counter < y->id.counter);
}

static int compare_element_value(const void *a, const void *b)
{
    const list_element *x = *(const list_element *const *)a, *y = *(const list_element *const *)b;
    return value_compare(&x->value, &y->value);
}

static int compare_element_key(const void *a, const void *b)
{
    const list_element *x = *(const list_element *const *)a, *y = *(const list_element *const *)b;
    return bytes_compare(x->key, y->key);
}

static int (*const element_orders[])(const void *, const void *) = {
    compare_element_id, compare_element_value, compare_element_key};

static status element_index_make(const list_state *s, wire_collection kind, element_index *out)
{
    element_index x = {.count = s->elements.count, .kind = kind};
    x.sorted = memory_allocate((x.count + 1) * sizeof *x.sorted);
    if (x.sorted == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < x.count; i++) x.sorted[i] = &s->elements.items[i];
    if (kind == WIRE_LIST) /* The others stand in their order. */
        qsort(x.sorted, x.count, sizeof *x.sorted, element_orders[kind]);
    *out = x;
    return ATOLL_OK;
}

static const list_element *element_find(const element_index *x, const list_element *wanted)
{
    const list_element **there =
        x->count == 0
            ? NULL
            : bsearch(&wanted, x->sorted, x->count, sizeof *x->sorted, element_orders[x->kind]);
    return there == NULL ? NULL : *there;
}

/* Elements of the merged collection that differ from the stored one carry this commit's version. */
static status mark_elements(const list_state *before, list_state *after, wire_collection kind,
                            uint64_t version)
{
    element_index x;
    TRY(element_index_make(before, kind, &x));
    for (size_t i = 0; i < after->elements.count; i++) {
        list_element *e = &after->elements.items[i];
        const list_element *there = element_find(&x, e);
        if (there == NULL || before->life != after->life || element_changed(there, e))
            e->touched = version;
    }
    memory_free(x.sorted);
    return ATOLL_OK;
}

/* Tells by *lost whether an uploaded element came out otherwise than its writer has it. */
static status compare_elements(const list_state *merged, const list_state *incoming,
                               wire_collection kind, bool *lost)
{
    element_index x;
    TRY(element_index_make(merged, kind, &x));
    if (merged->life != incoming->life) *lost = true;
    for (size_t i = 0; i < incoming->elements.count && !*lost; i++) {
        const list_element *e = &incoming->elements.items[i], *there = element_find(&x, e);
        *lost = there == NULL || there->erased != e->erased ||
                there->value_stamp != e->value_stamp || there->value_actor != e->value_actor;
    }
    memory_free(x.sorted);
    return ATOLL_OK;
}

status apply_list(const list_merge *m, const model_class *c, row_key row, const model_property *p,
                  const wire_column *column, size_t entry, bool *lost)
{
    list_state incoming, stored, merged;
    TRY(rows_list_in(m->txn, p, column, entry, &incoming));
    list_state_init(&stored);
    list_state_init(&merged);
    for (size_t i = 0; i < incoming.elements.count; i++) {
        list_element *e = &incoming.elements.items[i];
        e->stamp = clamp(m, e->stamp);
        e->value_stamp = clamp(m, e->value_stamp);
    }
    status result = model_list_state(model_txn_view(m->txn), c->key, row, p->key, &stored);
    if (result == ATOLL_OK)
        result = model_list_state(model_txn_view(m->txn), c->key, row, p->key, &merged);
    if (result == ATOLL_OK) result = rows_list_merge(p, &merged, &incoming);
    if (result == ATOLL_OK)
        result = compare_elements(&merged, &incoming, wire_collection_of(p), lost);
    if (result == ATOLL_OK)
        result = mark_elements(&stored, &merged, wire_collection_of(p), m->version);
    if (result == ATOLL_OK) result = rows_list_store(m->txn, c, row, p, &merged);
    list_state_free(&incoming);
    list_state_free(&stored);
    list_state_free(&merged);
    return result;
}
