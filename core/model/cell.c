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

uint64_t list_cell_count(const list_cell *cell)
{
    return cell->state.elements.count;
}

static status past_end(void)
{
    return fail(ATOLL_ERROR_FILE_CORRUPT, "an element of a collection lies past its end");
}

status list_cell_element(storage *store, const list_cell *cell, uint64_t position,
                         list_element *out)
{
    (void)store;
    if (position >= cell->state.elements.count) return past_end();
    *out = cell->state.elements.items[position];
    return ATOLL_OK;
}

status list_cell_position(storage *store, const list_cell *cell, uint64_t index, uint64_t *out)
{
    uint64_t count = cell->state.elements.count, at = count;
    (void)store;
    if (cell->visible == count)
        at = index < count ? index : count;
    else
        for (uint64_t i = 0; i < count && at == count; i++)
            if (!cell->state.elements.items[i].erased && index-- == 0) at = i;
    *out = at;
    return ATOLL_OK;
}

status list_cell_index(storage *store, const list_cell *cell, uint64_t position, uint64_t *out)
{
    uint64_t index = 0;
    (void)store;
    for (uint64_t i = 0; i < position; i++) index += !cell->state.elements.items[i].erased;
    *out = index;
    return ATOLL_OK;
}

bool list_walk_next(list_walk *walk, list_element *out)
{
    while (walk->cell != NULL && walk->position < list_cell_count(walk->cell)) {
        walk->result = list_cell_element(walk->store, walk->cell, walk->position++, out);
        if (walk->result != ATOLL_OK) return false;
        if (!out->erased) return true;
    }
    return false;
}

static bool id_equal(element_id a, element_id b)
{
    return a.counter == b.counter && a.actor == b.actor;
}

/* In list order the right subtree of an element follows it at once. So the element after it is in that subtree, if there
 * is one: up from it over elements that hang on the left, the last one hangs on the right of the element asked for. */
static status has_right_child(storage *store, const list_cell *cell, uint64_t at, element_id id,
                              bool *out)
{
    list_element e;
    *out = false;
    if (at + 1 >= list_cell_count(cell)) return ATOLL_OK;
    TRY(list_cell_element(store, cell, at + 1, &e));
    for (uint64_t i = at + 2; e.side == LIST_SIDE_LEFT && i < list_cell_count(cell); i++) {
        list_element next;
        TRY(list_cell_element(store, cell, i, &next));
        if (id_equal(next.id, e.parent)) e = next;
    }
    *out = e.side == LIST_SIDE_RIGHT && id_equal(e.parent, id);
    return ATOLL_OK;
}

/* Where an element that becomes the index-th visible one hangs: right of its left neighbour, or, when something hangs
 * there already, left of the element that follows. */
status list_cell_locate(storage *store, const list_cell *cell, uint64_t index, element_id *parent,
                        uint8_t *side, uint64_t *position)
{
    uint64_t at = 0;
    list_element e;
    *parent = (element_id){0, 0};
    *side = LIST_SIDE_RIGHT;
    *position = 0;
    if (index > 0) {
        bool taken = false;
        TRY(list_cell_position(store, cell, index - 1, &at));
        TRY(list_cell_element(store, cell, at, &e));
        *position = at + 1;
        TRY(has_right_child(store, cell, at, e.id, &taken));
        if (!taken) {
            *parent = e.id;
            return ATOLL_OK;
        }
    }
    if (*position < list_cell_count(cell)) {
        TRY(list_cell_element(store, cell, *position, &e));
        *parent = e.id;
        *side = LIST_SIDE_LEFT;
    }
    return ATOLL_OK;
}

status list_cell_find(storage *store, const list_cell *cell, const value *v, const bytes *key,
                      bool *found, uint64_t *position)
{
    uint64_t low = 0, high = list_cell_count(cell);
    *found = false;
    while (low < high && !*found) {
        uint64_t middle = low + (high - low) / 2;
        list_element e;
        TRY(list_cell_element(store, cell, middle, &e));
        int order = key != NULL ? bytes_compare(e.key, *key) : value_compare(&e.value, v);
        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *position = *found ? high : low;
    return ATOLL_OK;
}

status list_cell_state(storage *store, const list_cell *cell, list_state *out)
{
    (void)store;
    return list_state_copy(&cell->state, out);
}

/* ---- writing ---- */
void list_cell_recount(list_cell *cell)
{
    cell->visible = 0;
    for (size_t i = 0; i < cell->state.elements.count; i++)
        cell->visible += !cell->state.elements.items[i].erased;
}

status list_cell_insert(const tree_writer *w, list_cell *cell, uint64_t position,
                        const list_element *element)
{
    list_state *s = &cell->state;
    (void)w;
    if (position > s->elements.count) return past_end();
    TRY(list_state_push(s, element));
    list_element moved = s->elements.items[s->elements.count - 1];
    memmove(s->elements.items + position + 1, s->elements.items + position,
            (s->elements.count - 1 - position) * sizeof moved);
    s->elements.items[position] = moved;
    cell->visible += !moved.erased;
    return ATOLL_OK;
}

status list_cell_set(const tree_writer *w, list_cell *cell, uint64_t position,
                     const list_element *from)
{
    list_state *s = &cell->state;
    (void)w;
    if (position >= s->elements.count) return past_end();
    list_element fresh = s->elements.items[position];
    fresh.value = from->value;
    TRY(list_state_own_text(s, &fresh.value));
    fresh.key = s->elements.items[position].key; /* it may have moved */
    fresh.value_stamp = from->value_stamp;
    fresh.value_actor = from->value_actor;
    fresh.touched = from->touched;
    memcpy(fresh.embedded, from->embedded, sizeof fresh.embedded);
    cell->visible += fresh.erased;
    fresh.erased = false;
    s->elements.items[position] = fresh;
    return ATOLL_OK;
}

status list_cell_erase(const tree_writer *w, list_cell *cell, uint64_t position,
                       enum list_erasure how, uint64_t touched)
{
    list_state *s = &cell->state;
    (void)w;
    if (position >= s->elements.count) return past_end();
    list_element *e = &s->elements.items[position];
    cell->visible -= !e->erased;
    e->erased = true;
    e->touched = touched;
    if (how != LIST_ERASE_MARK) e->value = value_null();
    if (how == LIST_ERASE_WHOLE) {
        memmove(e, e + 1, (s->elements.count - 1 - position) * sizeof *e);
        s->elements.count--;
    }
    return ATOLL_OK;
}

status list_cell_move(const tree_writer *w, list_cell *cell, uint64_t from, uint64_t to)
{
    list_element *items = cell->state.elements.items;
    (void)w;
    if (from >= cell->state.elements.count || to >= cell->state.elements.count) return past_end();
    list_element moved = items[from];
    if (from < to)
        memmove(items + from, items + from + 1, (to - from) * sizeof moved);
    else
        memmove(items + to + 1, items + to, (from - to) * sizeof moved);
    items[to] = moved;
    return ATOLL_OK;
}

void list_cell_clear(const tree_writer *w, list_cell *cell, uint64_t life)
{
    (void)w;
    cell->state.elements.count = 0;
    buffer_clear(&cell->state.heap);
    cell->state.life = life;
    cell->visible = 0;
}

status list_cell_store(const tree_writer *w, list_cell *cell, const list_state *state)
{
    list_state copy;
    (void)w;
    TRY(list_state_copy(state, &copy));
    list_state_free(&cell->state);
    cell->state = copy;
    list_cell_recount(cell);
    return ATOLL_OK;
}
