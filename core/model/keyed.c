/* States of sets and dictionaries: merge by value or key, each element a field of its own. It must never know rows or
 * blocks. Invariant: elements stand in order, each value or key once, erased ones among them. */
#include "model/list.h"
#include <stdlib.h>

static int order_elements(const list_element *a, const list_element *b, bool by_key)
{
    return by_key ? bytes_compare(a->key, b->key) : value_compare(&a->value, &b->value);
}

static int by_keys(const void *a, const void *b)
{
    return order_elements(a, b, true);
}

static int by_values(const void *a, const void *b)
{
    return order_elements(a, b, false);
}

status keyed_state_order(list_state *s, bool by_key)
{
    if (s->elements.count > 1)
        qsort(s->elements.items, s->elements.count, sizeof *s->elements.items,
              by_key ? by_keys : by_values);
    return keyed_state_check(s, by_key);
}

status keyed_state_check(const list_state *s, bool by_key)
{
    for (size_t i = 1; i < s->elements.count; i++)
        if (order_elements(&s->elements.items[i - 1], &s->elements.items[i], by_key) >= 0)
            return fail(ATOLL_ERROR_BAD_CHANGESET,
                        "the elements of a set or dictionary are out of order or there twice");
    return ATOLL_OK;
}

/* Whether a is the later decision. Ends with the content, so that the result is the same whichever side is asked. */
static bool wins(const list_element *a, const list_element *b)
{
    uint64_t x = a->value_stamp - 1, y = b->value_stamp - 1; /* No stamp yet is later than any. */
    if (x != y) return x > y;
    if (a->value_actor != b->value_actor) return a->value_actor > b->value_actor;
    if (a->erased != b->erased) return a->erased;
    int order = memcmp(a->embedded, b->embedded, sizeof a->embedded);
    if (order == 0) order = value_compare(&a->value, &b->value);
    return order > 0;
}

static bool id_before(element_id a, element_id b)
{
    return a.counter != b.counter ? a.counter < b.counter : a.actor < b.actor;
}

/* The decision is the later one's; who was there first gives the element its identity. */
static list_element joined(const list_element *a, const list_element *b)
{
    const list_element *first = id_before(a->id, b->id) ? a : b;
    list_element e = wins(a, b) ? *a : *b;
    e.id = first->id;
    e.stamp = a->stamp - 1 < b->stamp - 1 ? a->stamp : b->stamp;
    e.touched = a->touched > b->touched ? a->touched : b->touched;
    return e;
}

static status merge_into(const list_state *a, const list_state *b, bool by_key, list_state *out)
{
    size_t i = 0, k = 0;
    while (i < a->elements.count || k < b->elements.count) {
        const list_element *x = i < a->elements.count ? &a->elements.items[i] : NULL;
        const list_element *y = k < b->elements.count ? &b->elements.items[k] : NULL;
        int order = x == NULL ? 1 : y == NULL ? -1 : order_elements(x, y, by_key);
        if (x != NULL && y != NULL && order == 0) {
            list_element both = joined(x, y);
            TRY(list_state_push(out, &both));
        } else {
            TRY(list_state_push(out, order < 0 ? x : y));
        }
        i += order <= 0;
        k += order >= 0;
    }
    return ATOLL_OK;
}

status keyed_state_merge(list_state *into, const list_state *other, bool by_key)
{
    list_state merged;
    TRY(keyed_state_check(other, by_key));
    if (other->life < into->life) return ATOLL_OK;
    list_state_init(&merged);
    merged.life = other->life;
    status result = ATOLL_OK;
    if (other->life == into->life) {
        result = merge_into(into, other, by_key, &merged);
    } else {
        list_state_free(&merged);
        result = list_state_copy(other, &merged);
    }
    if (result != ATOLL_OK) {
        if (other->life == into->life) list_state_free(&merged);
        return result;
    }
    list_state_free(into);
    *into = merged;
    return ATOLL_OK;
}
