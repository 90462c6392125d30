/* Writing lists: index → element id and position in the cell, then one operation. It must never change a cell itself.
 * Invariant: an embedded object lives exactly as long as an element that is not erased holds it. */
#include "model/engine.h"

typedef struct place {
    class_key class_of;
    row_key row;
    const model_class *model;
    const model_property *property;
    const list_cell *cell; /* NULL: empty, never touched */
    uint64_t visible;
} place;

static status find_place(model_txn *txn, class_key c, row_key row, property_key p, place *out)
{
    place at = {.class_of = c, .row = row};
    TRY(txn_usable(txn));
    TRY(need_property(txn->view, c, p, &at.model, &at.property));
    if ((at.property->flags & PROPERTY_LIST) == 0)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' is not a list", at.model->name,
                    at.property->name);
    TRY(need_row(txn, at.model, row));
    TRY(read_cell(txn->view, c, row, p, &at.cell));
    at.visible = at.cell == NULL ? 0 : at.cell->visible;
    *out = at;
    return ATOLL_OK;
}

static status check_index(const place *at, uint64_t index, uint64_t bound)
{
    if (index < bound) return ATOLL_OK;
    return fail(ATOLL_ERROR_OUT_OF_RANGE,
                "index %llu is past the end of '%s.%s', which has %llu elements",
                (unsigned long long)index, at->model->name, at->property->name,
                (unsigned long long)at->visible);
}

static status check_kind(const place *at, bool embedded)
{
    if ((at->property->type == VALUE_EMBEDDED) == embedded) return ATOLL_OK;
    return fail(ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' %s", at->model->name, at->property->name,
                embedded ? "holds no embedded objects"
                         : "holds embedded objects: they are made in their place");
}

static uint64_t touched_now(const model_txn *txn)
{
    return txn->origin == COMMIT_REMOTE ? 0 : txn->view->version;
}

static operation operation_at(const place *at, operation_kind kind, uint64_t position)
{
    return (operation){.kind = kind,
                       .class_of = at->class_of,
                       .row = at->row,
                       .property = at->property->key,
                       .position = position};
}

static operation insertion(model_txn *txn, const place *at, uint64_t index)
{
    operation o = operation_at(at, OP_LIST_INSERT, 0);
    size_t position = 0;
    o.element.side = LIST_SIDE_RIGHT;
    if (at->cell != NULL)
        list_cell_locate(at->cell, index, &o.element.parent, &o.element.side, &position);
    o.position = position;
    o.element.id = (element_id){++txn->db->element_counter, txn->db->actor};
    o.element.value_actor = txn->db->actor;
    o.element.touched = touched_now(txn);
    return o;
}

static status insert(model_txn *txn, const place *at, uint64_t index, const value *v)
{
    operation o = insertion(txn, at, index);
    o.element.value = *v;
    return txn_operation(txn, &o);
}

static status list_insert(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index,
                          const value *v)
{
    place at;
    TRY(find_place(txn, c, row, p, &at));
    TRY(check_kind(&at, false));
    TRY(check_index(&at, index, at.visible + 1));
    TRY(check_value(txn, at.model, at.property, v));
    return insert(txn, &at, index, v);
}

static status list_insert_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                                   uint64_t index, row_key *out)
{
    place at;
    TRY(find_place(txn, c, row, p, &at));
    TRY(check_kind(&at, true));
    TRY(check_index(&at, index, at.visible + 1));
    operation o = insertion(txn, &at, index);
    model_owner owner = {.class_of = c, .row = row, .property = p, .element = o.element.id};
    o.element.value = (value){.type = VALUE_EMBEDDED};
    TRY(write_embedded(txn, at.property->target, &owner, &o.element.value.as.row,
                       o.element.embedded));
    TRY(txn_operation(txn, &o));
    *out = o.element.value.as.row;
    return ATOLL_OK;
}

static operation replacement(model_txn *txn, const place *at, uint64_t index)
{
    size_t position = list_cell_position(at->cell, index);
    operation o = operation_at(at, OP_LIST_SET, position);
    o.element = at->cell->state.elements.items[position];
    o.element.value_stamp = 0;
    o.element.value_actor = txn->db->actor;
    o.element.touched = touched_now(txn);
    return o;
}

static status list_set(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index,
                       const value *v)
{
    place at;
    TRY(find_place(txn, c, row, p, &at));
    TRY(check_kind(&at, false));
    TRY(check_index(&at, index, at.visible));
    TRY(check_value(txn, at.model, at.property, v));
    operation o = replacement(txn, &at, index);
    o.element.value = *v;
    return txn_operation(txn, &o);
}

static status list_set_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                                uint64_t index, row_key *out)
{
    place at;
    TRY(find_place(txn, c, row, p, &at));
    TRY(check_kind(&at, true));
    TRY(check_index(&at, index, at.visible));
    operation o = replacement(txn, &at, index);
    model_owner owner = {.class_of = c, .row = row, .property = p, .element = o.element.id};
    if (o.element.value.type == VALUE_EMBEDDED)
        TRY(write_delete(txn, at.property->target, o.element.value.as.row));
    o.element.value = (value){.type = VALUE_EMBEDDED};
    TRY(write_embedded(txn, at.property->target, &owner, &o.element.value.as.row,
                       o.element.embedded));
    TRY(txn_operation(txn, &o));
    *out = o.element.value.as.row;
    return ATOLL_OK;
}

static status list_erase(model_txn *txn, class_key c, row_key row, property_key p, uint64_t index)
{
    place at;
    TRY(find_place(txn, c, row, p, &at));
    TRY(check_index(&at, index, at.visible));
    operation o = operation_at(&at, OP_LIST_ERASE, list_cell_position(at.cell, index));
    o.element.touched = touched_now(txn);
    value old = at.cell->state.elements.items[o.position].value;
    if (old.type == VALUE_EMBEDDED) TRY(write_delete(txn, at.property->target, old.as.row));
    return txn_operation(txn, &o);
}

static bool holds(const list_state *s, row_key row)
{
    for (size_t i = 0; i < s->elements.count; i++) {
        const list_element *e = &s->elements.items[i];
        if (!e->erased && e->value.type == VALUE_EMBEDDED && e->value.as.row == row) return true;
    }
    return false;
}

/* Deletes the embedded objects of the list that `keep` (NULL: nothing) does not hold any more. */
static status delete_embedded_except(model_txn *txn, const place *at, const list_state *keep)
{
    if (at->property->type != VALUE_EMBEDDED || at->cell == NULL) return ATOLL_OK;
    for (size_t i = 0; i < at->cell->state.elements.count; i++) {
        const list_element *e = &at->cell->state.elements.items[i];
        if (e->erased || e->value.type != VALUE_EMBEDDED ||
            (keep != NULL && holds(keep, e->value.as.row)))
            continue;
        TRY(write_delete(txn, at->property->target, e->value.as.row));
    }
    return ATOLL_OK;
}

static status list_clear(model_txn *txn, class_key c, row_key row, property_key p)
{
    place at;
    TRY(find_place(txn, c, row, p, &at));
    TRY(delete_embedded_except(txn, &at, NULL));
    operation o = operation_at(&at, OP_LIST_CLEAR, at.cell == NULL ? 1 : at.cell->state.life + 1);
    return txn_operation(txn, &o);
}

static status check_elements(model_txn *txn, const place *at, const list_state *state)
{
    for (size_t i = 0; i < state->elements.count; i++)
        if (!state->elements.items[i].erased)
            TRY(check_value(txn, at->model, at->property, &state->elements.items[i].value));
    return ATOLL_OK;
}

static status list_store(model_txn *txn, class_key c, row_key row, property_key p,
                         const struct list_state *state)
{
    place at;
    list_state ordered;
    buffer blob;
    TRY(find_place(txn, c, row, p, &at));
    TRY(check_elements(txn, &at, state));
    TRY(list_state_copy(state, &ordered));
    buffer_init(&blob, LIMIT_TRANSACTION_SIZE_MAX);
    status result = list_state_order(&ordered);
    if (result == ATOLL_OK) result = list_state_write(&blob, &ordered);
    if (result == ATOLL_OK) result = delete_embedded_except(txn, &at, &ordered);
    operation o = operation_at(&at, OP_LIST_STORE, 0);
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
