/* Moves in list states: which of the places of an element it stands in, and with which value. It must never know rows.
 * Invariant: after settling at most one place of an element is not erased, and the result depends on the places only,
 * not on the order in which they came. */
#include "model/list.h"
#include <stdlib.h>

void list_origin_write(uint8_t to[LIST_ORIGIN_SIZE], element_id id)
{
    memcpy(to, &id.counter, 8);
    memcpy(to + 8, &id.actor, 8);
}

element_id list_origin(const list_element *e)
{
    element_id id = e->id;
    if (e->key.size != LIST_ORIGIN_SIZE) return id;
    memcpy(&id.counter, e->key.data, 8);
    memcpy(&id.actor, e->key.data + 8, 8);
    return id;
}

typedef struct place {
    list_element *element;
    element_id origin;
} place;

static int compare_id(element_id a, element_id b)
{
    if (a.counter != b.counter) return a.counter < b.counter ? -1 : 1;
    return (a.actor > b.actor) - (a.actor < b.actor);
}

static int compare_places(const void *a, const void *b)
{
    const place *x = a, *y = b;
    int order = compare_id(x->origin, y->origin);
    return order != 0 ? order : compare_id(x->element->id, y->element->id);
}

static bool stands_later(const list_element *a, const list_element *b)
{
    uint64_t x = a->stamp - 1, y = b->stamp - 1; /* No stamp yet is later than any. */
    return x != y ? x > y : compare_id(a->id, b->id) > 0;
}

static bool value_later(const list_element *a, const list_element *b)
{
    uint64_t x = a->value_stamp - 1, y = b->value_stamp - 1;
    if (x != y) return x > y;
    if (a->value_actor != b->value_actor) return a->value_actor > b->value_actor;
    return stands_later(a, b); /* The same value, unless it was never settled. */
}

static void leave(list_element *e, uint64_t mark)
{
    e->erased = true;
    e->value = value_null();
    e->value_stamp = mark;
    e->value_actor = 0;
    memset(e->embedded, 0, sizeof e->embedded);
}

static void settle_group(place *group, size_t count)
{
    bool dead = false;
    size_t stands = 0, newest = 0;
    for (size_t i = 0; i < count; i++) {
        const list_element *e = group[i].element;
        dead |= e->erased && !list_moved_away(e);
        if (stands_later(e, group[stands].element)) stands = i;
        if (value_later(e, group[newest].element)) newest = i;
    }
    list_element value = *group[newest].element;
    for (size_t i = 0; i < count; i++)
        if (dead || i != stands)
            leave(group[i].element, dead ? LIST_ERASED_ELSEWHERE : LIST_MOVED_AWAY);
    if (dead) return;
    list_element *e = group[stands].element;
    e->erased = false;
    e->value = value.value;
    e->value_stamp = value.value_stamp;
    e->value_actor = value.value_actor;
    if (value.touched > e->touched) e->touched = value.touched; /* Unsent, it is sent from here. */
    memcpy(e->embedded, value.embedded, sizeof e->embedded);
}

status list_state_settle(list_state *s)
{
    size_t count = s->elements.count;
    bool any = false;
    for (size_t i = 0; i < count && !any; i++)
        any = s->elements.items[i].key.size == LIST_ORIGIN_SIZE;
    if (!any) return ATOLL_OK;
    place *places = memory_allocate((count + 1) * sizeof *places);
    if (places == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        list_element *e = &s->elements.items[i];
        places[i] = (place){e, list_origin(e)};
    }
    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0, end = 0; i < count; i = end) {
        while (end < count && compare_id(places[end].origin, places[i].origin) == 0) end++;
        if (end - i > 1) settle_group(places + i, end - i);
    }
    memory_free(places);
    return ATOLL_OK;
}
