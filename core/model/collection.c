/* Reading lists, sets and dictionaries. It must never write, nor show an erased element.
 * Invariant: sets stand in the order of their values, dictionaries in that of their keys, lists in their own. */
#include "model/engine.h"

const char *collection_name(const model_property *p)
{
    return (p->flags & PROPERTY_SET) != 0          ? "set"
           : (p->flags & PROPERTY_DICTIONARY) != 0 ? "dictionary"
                                                   : "list";
}

status read_cell(const model_view *view, class_key c, row_key row, property_key p,
                 const list_cell **out)
{
    const block_data *d = NULL;
    *out = NULL;
    const class_state *state = view_class(view, c);
    if (state == NULL) return ATOLL_OK;
    TRY(class_block(view->db->store, &view->schema->schema, state, row, slot_of(p), &d));
    if (d != NULL && d->type.kind == COLUMN_LIST)
        *out = block_cell(d, (uint32_t)(row % MODEL_BLOCK_ROWS));
    return ATOLL_OK;
}

typedef struct place {
    const model_view *view;
    const model_class *class_of;
    const model_property *property;
    const list_cell *cell; /* NULL: empty, never touched */
    storage *store;
    uint64_t visible;
} place;

static status find_place(const model_view *view, class_key c, row_key row, property_key p,
                         uint8_t wanted, place *out)
{
    place at = {.view = view, .store = view->db->store};
    TRY(need_property(view, c, p, &at.class_of, &at.property));
    if ((at.property->flags & wanted) == 0)
        return fail(
            ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' is a %s, not %s", at.class_of->name,
            at.property->name,
            (at.property->flags & PROPERTY_COLLECTION) != 0 ? collection_name(at.property)
                                                            : value_type_name(at.property->type),
            wanted == PROPERTY_COLLECTION ? "a collection"
                                          : collection_name(&(model_property){.flags = wanted}));
    TRY(read_cell(view, c, row, p, &at.cell));
    at.visible = at.cell == NULL ? 0 : at.cell->visible;
    *out = at;
    return ATOLL_OK;
}

status model_list_size(const model_view *view, class_key c, row_key row, property_key p,
                       uint64_t *out)
{
    const list_cell *cell = NULL;
    TRY(read_cell(view, c, row, p, &cell));
    *out = cell == NULL ? 0 : cell->visible;
    return ATOLL_OK;
}

uint64_t model_list_count(const model_view *view, class_key c, row_key row, property_key p)
{
    uint64_t count = 0;
    model_view_failed(view, model_list_size(view, c, row, p, &count));
    return count;
}

static status past_end(const place *at, uint64_t index)
{
    return fail(ATOLL_ERROR_OUT_OF_RANGE,
                "index %llu is past the end of '%s.%s', which has %llu elements",
                (unsigned long long)index, at->class_of->name, at->property->name,
                (unsigned long long)at->visible);
}

static status element_at(const place *at, uint64_t index, list_element *out)
{
    uint64_t position = 0;
    if (index >= at->visible) return past_end(at, index);
    TRY(list_cell_position(at->store, at->cell, index, &position));
    return list_cell_element(at->store, at->cell, position, out);
}

status model_list_get(const model_view *view, class_key c, row_key row, property_key p,
                      uint64_t index, value *out, element_id *id)
{
    place at;
    list_element e;
    TRY(find_place(view, c, row, p, PROPERTY_COLLECTION, &at));
    TRY(element_at(&at, index, &e));
    TRY(show_value(view, at.property, &e.value));
    *out = e.value;
    if (id != NULL) *id = e.id;
    return ATOLL_OK;
}

/* Lists and sets leave out what links nowhere; a dictionary has the key still. */
static bool leaves_dead_out(const model_property *p)
{
    return p->type == VALUE_LINK && (p->flags & PROPERTY_DICTIONARY) == 0;
}

status model_list_shown(const model_view *view, class_key c, row_key row, property_key p,
                        uint64_t wanted, uint64_t *count, uint64_t *index)
{
    place at;
    TRY(find_place(view, c, row, p, PROPERTY_COLLECTION, &at));
    uint64_t shown = at.visible, found = wanted < at.visible ? wanted : at.visible;
    if (at.cell != NULL && leaves_dead_out(at.property)) {
        list_walk walk = {.store = at.store, .cell = at.cell};
        list_element e;
        uint64_t i = 0;
        shown = 0;
        found = at.visible;
        for (; list_walk_next(&walk, &e); i++) {
            bool alive = false;
            if (e.value.type == VALUE_LINK)
                TRY(model_is_alive(view, at.property->target, e.value.as.row, &alive));
            if (alive && shown++ == wanted) found = i;
        }
        TRY(walk.result);
    }
    *count = shown;
    *index = found;
    return ATOLL_OK;
}

status model_list_state(const model_view *view, class_key c, row_key row, property_key p,
                        struct list_state *out)
{
    const list_cell *cell = NULL;
    TRY(read_cell(view, c, row, p, &cell));
    if (cell != NULL) return list_cell_state(view->db->store, cell, out);
    list_state_init(out);
    return ATOLL_OK;
}

/* ---- sets and dictionaries ---- */
static status find_element(const place *at, const value *v, const bytes *key, bool *found,
                           uint64_t *index, list_element *e)
{
    uint64_t position = 0;
    bool there = false;
    *found = false;
    if (at->cell == NULL) return ATOLL_OK;
    TRY(list_cell_find(at->store, at->cell, v, key, &there, &position));
    if (!there) return ATOLL_OK;
    TRY(list_cell_element(at->store, at->cell, position, e));
    if (e->erased) return ATOLL_OK;
    if (index != NULL) TRY(list_cell_index(at->store, at->cell, position, index));
    *found = true;
    return ATOLL_OK;
}

status model_set_find(const model_view *view, class_key c, row_key row, property_key p,
                      const value *v, bool *found, uint64_t *index)
{
    place at;
    list_element e;
    TRY(find_place(view, c, row, p, PROPERTY_SET, &at));
    return find_element(&at, v, NULL, found, index, &e);
}

status model_dictionary_find(const model_view *view, class_key c, row_key row, property_key p,
                             bytes key, bool *found, uint64_t *index, value *out)
{
    place at;
    list_element e;
    TRY(find_place(view, c, row, p, PROPERTY_DICTIONARY, &at));
    TRY(find_element(&at, NULL, &key, found, index, &e));
    if (!*found || out == NULL) return ATOLL_OK;
    TRY(show_value(view, at.property, &e.value));
    *out = e.value;
    return ATOLL_OK;
}

status model_dictionary_key(const model_view *view, class_key c, row_key row, property_key p,
                            uint64_t index, bytes *out)
{
    place at;
    list_element e;
    TRY(find_place(view, c, row, p, PROPERTY_DICTIONARY, &at));
    TRY(element_at(&at, index, &e));
    *out = e.key;
    return ATOLL_OK;
}

status model_collection_each(const model_view *view, class_key c, row_key row, property_key p,
                             model_collection_visitor each, void *context)
{
    place at;
    list_element e;
    TRY(find_place(view, c, row, p, PROPERTY_COLLECTION, &at));
    list_walk walk = {.store = at.store, .cell = at.cell};
    bool leaves_out = leaves_dead_out(at.property),
         keys = (at.property->flags & PROPERTY_DICTIONARY) != 0;
    for (uint64_t index = 0; list_walk_next(&walk, &e);) {
        bool link = e.value.type == VALUE_LINK;
        TRY(show_value(view, at.property, &e.value));
        if (leaves_out && link && e.value.type == VALUE_NULL) continue;
        if (!each(context, index++, keys ? e.key : bytes_of(NULL, 0), &e.value)) return ATOLL_OK;
    }
    return walk.result;
}
