/* Writing lists: index → element id and position in the cell, then one operation. It must never change a cell itself.
 * Invariant: an embedded object lives exactly as long as an element that is not erased holds it. */
#include "model/engine.h"

status collection_place_find(model_txn *txn, class_key c, row_key row, property_key p,
                             uint8_t kinds, collection_place *out)
{
    collection_place at = {.class_of = c, .row = row, .store = txn->writer.store};
    TRY(txn_usable(txn));
    TRY(need_property(txn->view, c, p, &at.model, &at.property));
    if ((at.property->flags & PROPERTY_COLLECTION) == 0)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' is not a %s", at.model->name,
                    at.property->name, collection_name(&(model_property){.flags = kinds}));
    if ((at.property->flags & kinds) == 0)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' is a %s and has operations of its own",
                    at.model->name, at.property->name, collection_name(at.property));
    TRY(need_row(txn, at.model, row));
    TRY(read_cell(txn->view, c, row, p, &at.cell));
    at.visible = at.cell == NULL ? 0 : at.cell->visible;
    *out = at;
    return ATOLL_OK;
}

static status check_index(const collection_place *at, uint64_t index, uint64_t bound)
{
    if (index < bound) return ATOLL_OK;
    return fail(ATOLL_ERROR_OUT_OF_RANGE,
                "index %llu is past the end of '%s.%s', which has %llu elements",
                (unsigned long long)index, at->model->name, at->property->name,
                (unsigned long long)at->visible);
}

status collection_check_kind(const collection_place *at, bool embedded)
{
    if ((at->property->type == VALUE_EMBEDDED) == embedded) return ATOLL_OK;
    return fail(ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' %s", at->model->name, at->property->name,
                embedded ? "holds no embedded objects"
                         : "holds embedded objects: they are made in their place");
}

static uint64_t touched_now(const model_txn *txn)
{
    bool remembered = txn->db->options.identity_rows && txn->origin != COMMIT_REMOTE;
    return remembered ? txn->view->version : 0;
}

operation collection_operation(const collection_place *at, operation_kind kind, uint64_t position)
{
    return (operation){.kind = kind,
                       .class_of = at->class_of,
                       .row = at->row,
                       .property = at->property->key,
                       .position = position};
}

operation collection_insertion(model_txn *txn, const collection_place *at, uint64_t position)
{
    operation o = collection_operation(at, OP_LIST_INSERT, position);
    o.element.side = LIST_SIDE_RIGHT;
    o.element.id = (element_id){++txn->db->element_counter, txn->db->actor};
    if (txn->db->options.identity_rows) o.element.value_actor = txn->db->actor;
    o.element.touched = touched_now(txn);
    return o;
}

/* Where nothing is merged, an element hangs on nothing: its position says all. A copy of a realm that synced still has
 * its erased elements. */
static status list_insertion(model_txn *txn, const collection_place *at, uint64_t index,
                             operation *out)
{
    uint64_t position = 0;
    if (at->cell == NULL || !txn->db->options.identity_rows) {
        if (at->cell != NULL) TRY(list_cell_position(at->store, at->cell, index, &position));
        *out = collection_insertion(txn, at, position);
        return ATOLL_OK;
    }
    element_id parent;
    uint8_t side;
    TRY(list_cell_locate(at->store, at->cell, index, &parent, &side, &position));
    *out = collection_insertion(txn, at, position);
    out->element.parent = parent;
    out->element.side = side;
    return ATOLL_OK;
}

status collection_make_nested(model_txn *txn, const collection_place *at, operation *o)
{
    model_owner owner = {.class_of = at->class_of,
                         .row = at->row,
                         .property = at->property->key,
                         .element = o->element.id};
    return nested_make(txn, &owner, &o->element.value);
}

static status list_insert(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index,
                          const value *v)
{
    collection_place at;
    operation o;
    TRY(collection_place_find(txn, c, row, p, PROPERTY_LIST, &at));
    TRY(collection_check_kind(&at, false));
    TRY(check_index(&at, index, at.visible + 1));
    TRY(check_value(txn, at.model, at.property, v));
    TRY(list_insertion(txn, &at, index, &o));
    o.element.value = *v;
    TRY(collection_make_nested(txn, &at, &o));
    return txn_operation(txn, &o);
}

status collection_make_embedded(model_txn *txn, const collection_place *at, operation *o)
{
    model_owner owner = {.class_of = at->class_of,
                         .row = at->row,
                         .property = at->property->key,
                         .element = o->element.id};
    o->element.value = (value){.type = VALUE_EMBEDDED};
    return write_embedded(txn, at->property->target, &owner, &o->element.value.as.row,
                          o->element.embedded);
}

static status list_insert_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                                   uint64_t index, row_key *out)
{
    collection_place at;
    operation o;
    TRY(collection_place_find(txn, c, row, p, PROPERTY_LIST, &at));
    TRY(collection_check_kind(&at, true));
    TRY(check_index(&at, index, at.visible + 1));
    TRY(list_insertion(txn, &at, index, &o));
    TRY(collection_make_embedded(txn, &at, &o));
    TRY(txn_operation(txn, &o));
    *out = o.element.value.as.row;
    return ATOLL_OK;
}

operation collection_replacement(model_txn *txn, const collection_place *at, uint64_t position,
                                 const list_element *e)
{
    operation o = collection_operation(at, OP_LIST_SET, position);
    o.element = *e;
    o.element.erased = false;
    o.element.value_stamp = 0;
    if (txn->db->options.identity_rows) o.element.value_actor = txn->db->actor;
    o.element.touched = touched_now(txn);
    return o;
}

static status list_replacement(model_txn *txn, const collection_place *at, uint64_t index,
                               operation *out)
{
    uint64_t position = 0;
    list_element e;
    TRY(check_index(at, index, at->visible));
    TRY(list_cell_position(at->store, at->cell, index, &position));
    TRY(list_cell_element(at->store, at->cell, position, &e));
    *out = collection_replacement(txn, at, position, &e);
    return ATOLL_OK;
}

static status list_set(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index,
                       const value *v)
{
    collection_place at;
    operation o;
    TRY(collection_place_find(txn, c, row, p, PROPERTY_LIST, &at));
    TRY(collection_check_kind(&at, false));
    TRY(list_replacement(txn, &at, index, &o));
    TRY(check_value(txn, at.model, at.property, v));
    TRY(nested_delete(txn, at.property, &o.element.value));
    o.element.value = *v;
    TRY(collection_make_nested(txn, &at, &o));
    return txn_operation(txn, &o);
}

static status list_set_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                                uint64_t index, row_key *out)
{
    collection_place at;
    operation o;
    TRY(collection_place_find(txn, c, row, p, PROPERTY_LIST, &at));
    TRY(collection_check_kind(&at, true));
    TRY(list_replacement(txn, &at, index, &o));
    if (o.element.value.type == VALUE_EMBEDDED)
        TRY(write_delete(txn, at.property->target, o.element.value.as.row));
    TRY(collection_make_embedded(txn, &at, &o));
    TRY(txn_operation(txn, &o));
    *out = o.element.value.as.row;
    return ATOLL_OK;
}

status collection_erase(model_txn *txn, const collection_place *at, uint64_t position,
                        const list_element *e)
{
    operation o = collection_operation(at, OP_LIST_ERASE, position);
    o.element.touched = touched_now(txn);
    TRY(nested_delete(txn, at->property, &e->value));
    return txn_operation(txn, &o);
}

static status list_erase(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index)
{
    collection_place at;
    uint64_t position = 0;
    list_element e;
    TRY(collection_place_find(txn, c, row, p, PROPERTY_COLLECTION, &at));
    TRY(check_index(&at, index, at.visible));
    TRY(list_cell_position(at.store, at.cell, index, &position));
    TRY(list_cell_element(at.store, at.cell, position, &e));
    return collection_erase(txn, &at, position, &e);
}

/* Where identities travel an element of the sequence never leaves its place: it gets another one, which knows the first. */
static status move_place(model_txn *txn, const collection_place *at, uint64_t from, uint64_t to)
{
    uint64_t position = 0;
    list_element e;
    operation insert;
    collection_place after;
    uint8_t origin[LIST_ORIGIN_SIZE];
    buffer text;
    TRY(list_cell_position(at->store, at->cell, from, &position));
    TRY(list_cell_element(at->store, at->cell, position, &e));
    list_origin_write(origin, list_origin(&e));
    operation leave = collection_operation(at, OP_LIST_ERASE, position);
    leave.element.touched = touched_now(txn);
    leave.all = true;
    buffer_init(&text, LIMIT_VALUE_SIZE_MAX);
    bool has_text = e.value.type == VALUE_STRING || e.value.type == VALUE_BINARY;
    status result =
        has_text ? buffer_append(&text, e.value.as.text.data, e.value.as.text.size) : ATOLL_OK;
    if (has_text) e.value.as.text = buffer_view(&text);
    if (result == ATOLL_OK) result = txn_operation(txn, &leave);
    if (result == ATOLL_OK)
        result = collection_place_find(txn, at->class_of, at->row, at->property->key, PROPERTY_LIST,
                                       &after);
    if (result == ATOLL_OK) result = list_insertion(txn, &after, to, &insert);
    if (result == ATOLL_OK) {
        insert.element.value = e.value;
        insert.element.value_stamp = e.value_stamp;
        insert.element.value_actor = e.value_actor;
        memcpy(insert.element.embedded, e.embedded, sizeof e.embedded);
        insert.element.key = bytes_of(origin, sizeof origin);
        result = txn_operation(txn, &insert);
    }
    buffer_free(&text);
    return result;
}

static status list_move(model_txn *txn, class_key c, row_key row, property_key p, uint64_t from,
                        uint64_t to)
{
    collection_place at;
    TRY(collection_place_find(txn, c, row, p, PROPERTY_LIST, &at));
    TRY(check_index(&at, from, at.visible));
    TRY(check_index(&at, to, at.visible));
    if (from == to) return ATOLL_OK;
    if (txn->db->options.identity_rows) return move_place(txn, &at, from, to);
    uint64_t position = 0;
    TRY(list_cell_position(at.store, at.cell, from, &position));
    operation o = collection_operation(&at, OP_LIST_MOVE, position);
    TRY(list_cell_position(at.store, at.cell, to, &o.hash));
    return txn_operation(txn, &o);
}

static bool holds(const list_state *s, const value *v)
{
    for (size_t i = 0; i < s->elements.count; i++) {
        const list_element *e = &s->elements.items[i];
        if (!e->erased && e->value.type == v->type && value_compare(&e->value, v) == 0) return true;
    }
    return false;
}

/* Deletes the embedded objects of the collection that `keep` (NULL: nothing) does not hold any more. */
static status delete_embedded_except(model_txn *txn, const collection_place *at,
                                     const list_state *keep)
{
    bool owning = at->property->type == VALUE_EMBEDDED || at->property->type == VALUE_MIXED;
    if (!owning || at->cell == NULL) return ATOLL_OK;
    for (uint64_t i = 0; i < list_cell_count(at->cell); i++) {
        list_element e;
        TRY(list_cell_element(at->store, at->cell, i, &e));
        bool owns = e.value.type == VALUE_EMBEDDED || nested_is(&e.value);
        if (!owns) continue;
        bool kept = keep != NULL && holds(keep, &e.value);
        if (!e.erased && !kept) TRY(nested_delete(txn, at->property, &e.value));
    }
    return ATOLL_OK;
}

static status list_clear(model_txn *txn, class_key c, row_key row, property_key p)
{
    collection_place at;
    TRY(collection_place_find(txn, c, row, p, PROPERTY_COLLECTION, &at));
    TRY(delete_embedded_except(txn, &at, NULL));
    operation o = collection_operation(&at, OP_LIST_CLEAR, at.cell == NULL ? 1 : at.cell->life + 1);
    return txn_operation(txn, &o);
}

static status check_elements(model_txn *txn, const collection_place *at, const list_state *state)
{
    for (size_t i = 0; i < state->elements.count; i++)
        if (!state->elements.items[i].erased)
            TRY(check_value(txn, at->model, at->property, &state->elements.items[i].value));
    return ATOLL_OK;
}

static status list_store(model_txn *txn, class_key c, row_key row, property_key p,
                         const struct list_state *state)
{
    collection_place at;
    list_state ordered;
    buffer blob;
    TRY(collection_place_find(txn, c, row, p, PROPERTY_COLLECTION, &at));
    TRY(check_elements(txn, &at, state));
    TRY(list_state_copy(state, &ordered));
    buffer_init(&blob, LIMIT_TRANSACTION_SIZE_MAX);
    status result =
        (at.property->flags & PROPERTY_LIST) != 0
            ? list_state_order(&ordered)
            : keyed_state_check(&ordered, (at.property->flags & PROPERTY_DICTIONARY) != 0);
    if (result == ATOLL_OK) result = list_state_write(&blob, &ordered);
    if (result == ATOLL_OK) result = delete_embedded_except(txn, &at, &ordered);
    operation o = collection_operation(&at, OP_LIST_STORE, 0);
    o.blob = buffer_view(&blob);
    if (result == ATOLL_OK) result = txn_operation(txn, &o);
    list_state_free(&ordered);
    buffer_free(&blob);
    return result;
}

/* ---- the public calls: one that fails half-way leaves the transaction fit only for a rollback ---- */
status model_list_insert(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index,
                         const value *v)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, list_insert(txn, c, row, p, index, v));
}

status model_list_insert_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                                  uint64_t index, row_key *out)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, list_insert_embedded(txn, c, row, p, index, out));
}

status model_list_set(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index,
                      const value *v)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, list_set(txn, c, row, p, index, v));
}

status model_list_set_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                               uint64_t index, row_key *out)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, list_set_embedded(txn, c, row, p, index, out));
}

status model_list_erase(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, list_erase(txn, c, row, p, index));
}

status model_list_clear(model_txn *txn, class_key c, row_key row, property_key p)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, list_clear(txn, c, row, p));
}

status model_list_store(model_txn *txn, class_key c, row_key row, property_key p,
                        const struct list_state *state)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, list_store(txn, c, row, p, state));
}

status model_list_move(model_txn *txn, class_key c, row_key row, property_key p, uint64_t from,
                       uint64_t to)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, list_move(txn, c, row, p, from, to));
}
