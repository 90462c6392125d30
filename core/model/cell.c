/* List cells: one list of one row, kept in list order. A published cell must never change. Invariant: visible is the
 * number of elements that are not erased, and an element's parent is in the cell or the root. */
#include "model/tree.h"

list_cell *list_cell_new(uint64_t stamp)
{
    list_cell *cell = memory_allocate_zero(sizeof *cell);
    if (cell == NULL) return NULL;
    atomic_init(&cell->references, 1);
    cell->stamp = stamp;
    list_state_init(&cell->state);
    return cell;
}

void list_cell_release(list_cell *cell)
{
    if (cell == NULL || atomic_fetch_sub_explicit(&cell->references, 1, memory_order_acq_rel) != 1)
        return;
    list_state_free(&cell->state);
    memory_free(cell);
}

status list_cell_own(list_cell **place, uint64_t stamp)
{
    if ((*place)->stamp == stamp) return ATOLL_OK;
    list_cell *fresh = list_cell_new(stamp);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    list_state_free(&fresh->state);
    status result = list_state_copy(&(*place)->state, &fresh->state);
    if (result != ATOLL_OK) {
        list_cell_release(fresh);
        return result;
    }
    fresh->visible = (*place)->visible;
    list_cell_release(*place);
    *place = fresh;
    return ATOLL_OK;
}

size_t list_cell_position(const list_cell *cell, uint64_t index)
{
    size_t count = cell->state.elements.count;
    if (cell->visible == count) return index < count ? (size_t)index : count;
    for (size_t i = 0; i < count; i++)
        if (!cell->state.elements.items[i].erased && index-- == 0) return i;
    return count;
}

static bool id_equal(element_id a, element_id b)
{
    return a.counter == b.counter && a.actor == b.actor;
}

static bool has_right_child(const list_cell *cell, size_t at)
{
    const list_element *items = cell->state.elements.items;
    if (at + 1 == cell->state.elements.count) return false;
    for (size_t i = at + 1; i < cell->state.elements.count; i++)
        if (items[i].side == LIST_SIDE_RIGHT && id_equal(items[i].parent, items[at].id))
            return true;
    return false;
}

/* Where an element that becomes the index-th visible one hangs: right of its left neighbour, or, when something hangs
 * there already, left of the element that follows. */
void list_cell_locate(const list_cell *cell, uint64_t index, element_id *parent, uint8_t *side,
                      size_t *position)
{
    size_t count = cell->state.elements.count;
    const list_element *items = cell->state.elements.items;
    *parent = (element_id){0, 0};
    *side = LIST_SIDE_RIGHT;
    *position = 0;
    if (index > 0) {
        size_t left = list_cell_position(cell, index - 1);
        *position = left + 1;
        if (!has_right_child(cell, left)) {
            *parent = items[left].id;
            return;
        }
    }
    if (*position < count) {
        *parent = items[*position].id;
        *side = LIST_SIDE_LEFT;
    }
}

void list_cell_recount(list_cell *cell)
{
    cell->visible = 0;
    for (size_t i = 0; i < cell->state.elements.count; i++)
        cell->visible += !cell->state.elements.items[i].erased;
}

status list_cell_insert(list_cell *cell, size_t position, const list_element *element)
{
    list_state *s = &cell->state;
    if (position > s->elements.count)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "an element of a list belongs past its end");
    TRY(list_state_push(s, element));
    list_element moved = s->elements.items[s->elements.count - 1];
    memmove(s->elements.items + position + 1, s->elements.items + position,
            (s->elements.count - 1 - position) * sizeof moved);
    s->elements.items[position] = moved;
    cell->visible += !moved.erased;
    return ATOLL_OK;
}

status list_cell_set(list_cell *cell, size_t position, const list_element *from)
{
    list_state *s = &cell->state;
    if (position >= s->elements.count)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a list has no element %zu to set", position);
    list_element fresh = s->elements.items[position];
    fresh.value = from->value;
    TRY(list_state_own_text(s, &fresh.value));
    fresh.value_stamp = from->value_stamp;
    fresh.value_actor = from->value_actor;
    fresh.touched = from->touched;
    memcpy(fresh.embedded, from->embedded, sizeof fresh.embedded);
    s->elements.items[position] = fresh;
    return ATOLL_OK;
}

status list_cell_erase(list_cell *cell, size_t position, uint64_t touched)
{
    list_state *s = &cell->state;
    if (position >= s->elements.count)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a list has no element %zu to erase", position);
    list_element *e = &s->elements.items[position];
    cell->visible -= !e->erased;
    e->erased = true;
    e->value = value_null();
    e->touched = touched;
    return ATOLL_OK;
}

void list_cell_clear(list_cell *cell, uint64_t life)
{
    cell->state.elements.count = 0;
    buffer_clear(&cell->state.heap);
    cell->state.life = life;
    cell->visible = 0;
}

status list_cell_store(list_cell *cell, const list_state *state)
{
    list_state copy;
    TRY(list_state_copy(state, &copy));
    status result = list_state_order(&copy);
    if (result != ATOLL_OK) {
        list_state_free(&copy);
        return result;
    }
    list_state_free(&cell->state);
    cell->state = copy;
    list_cell_recount(cell);
    return ATOLL_OK;
}
