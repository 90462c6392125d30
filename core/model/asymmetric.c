/* Asymmetric objects: at the commit they become payloads in the log record and leave the version. They must never be
 * readable after the commit. Invariant: nothing of them is logged as an operation on rows. */
#include "model/engine.h"

bool is_asymmetric(const model_txn *txn, class_key c, row_key row)
{
    const model_class *class_of = schema_class(txn->writer.schema, c);
    class_key root_class = c;
    row_key root = row;
    if (class_of == NULL || class_of->kind == CLASS_NORMAL) return false;
    if (class_of->kind == CLASS_EMBEDDED &&
        model_root_get(txn->view, c, row, &root_class, &root) != ATOLL_OK)
        return false;
    class_of = schema_class(txn->writer.schema, root_class);
    return class_of != NULL && class_of->kind == CLASS_ASYMMETRIC;
}

static status write_payload(const model_txn *txn, buffer *to, class_key c, row_key row, int depth);

static status check_depth(int depth)
{
    if (depth <= LIMIT_PAYLOAD_DEPTH_MAX) return ATOLL_OK;
    return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                "an asymmetric object holds objects and collections more than %d deep",
                LIMIT_PAYLOAD_DEPTH_MAX);
}

static status write_collection(const model_txn *txn, buffer *to, class_key c, row_key row,
                               const model_property *p, int depth);

static status write_item(const model_txn *txn, buffer *to, const model_property *p, const value *v,
                         int depth)
{
    if (nested_is(v)) {
        const model_class *hidden = NULL;
        TRY(need_class(txn->view, v->as.link.class_of, &hidden));
        return write_collection(txn, to, hidden->key, v->as.link.row, &hidden->properties[0],
                                depth + 1);
    }
    if (v->type != VALUE_EMBEDDED) return value_write(to, v);
    TRY(buffer_append_byte(to, VALUE_EMBEDDED));
    return write_payload(txn, to, p->target, v->as.row, depth + 1);
}

static status write_collection(const model_txn *txn, buffer *to, class_key c, row_key row,
                               const model_property *p, int depth)
{
    const list_cell *cell = NULL;
    bool keys = (p->flags & PROPERTY_DICTIONARY) != 0;
    TRY(check_depth(depth));
    TRY(read_cell(txn->view, c, row, p->key, &cell));
    TRY(buffer_append_byte(to, keys ? VALUE_DICTIONARY : VALUE_LIST));
    TRY(buffer_append_varint(to, cell == NULL ? 0 : cell->visible));
    list_walk walk = {.store = txn->writer.store, .cell = cell};
    list_element e;
    while (list_walk_next(&walk, &e)) {
        if (keys) TRY(buffer_append_bytes(to, e.key));
        TRY(write_item(txn, to, p, &e.value, depth));
    }
    return walk.result;
}

static status write_payload(const model_txn *txn, buffer *to, class_key c, row_key row, int depth)
{
    const model_class *class_of = NULL;
    TRY(need_class(txn->view, c, &class_of));
    TRY(check_depth(depth));
    TRY(buffer_append_varint(to, class_of->property_count));
    for (size_t i = 0; i < class_of->property_count; i++) {
        const model_property *p = &class_of->properties[i];
        value v;
        TRY(buffer_append_varint(to, p->key));
        if ((p->flags & PROPERTY_COLLECTION) != 0) {
            TRY(write_collection(txn, to, c, row, p, depth));
            continue;
        }
        TRY(model_get_raw(txn->view, c, row, p->key, &v));
        TRY(write_item(txn, to, p, &v, depth));
    }
    return ATOLL_OK;
}

/* Rows of such a class leave nothing outside of it: no object of theirs is elsewhere, and nobody's links name them. */
static bool stands_alone(const model_class *c)
{
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        bool refers = p->type == VALUE_LINK || p->type == VALUE_EMBEDDED || p->type == VALUE_MIXED;
        if (refers || (p->flags & PROPERTY_COLLECTION) != 0) return false;
    }
    return c->kind == CLASS_ASYMMETRIC;
}

/* Whether restore_class takes back what is in the class now. */
static bool is_restored(const model_txn *txn, class_key c)
{
    const model_view *newest = txn->db->newest;
    return c <= newest->class_count &&
           txn->view->classes[c - 1]->root != newest->classes[c - 1]->root;
}

static status finish_row(model_txn *txn, class_key c, row_key row, buffer *payload)
{
    bool alive;
    const model_class *class_of = NULL;
    TRY(model_is_alive(txn->view, c, row, &alive));
    if (!alive) return ATOLL_OK;
    TRY(need_class(txn->view, c, &class_of));
    buffer_clear(payload);
    TRY(write_payload(txn, payload, c, row, 0));
    /* Once it is committed nobody can make it smaller, and what lies behind it would wait for ever. */
    if (payload->size > LIMIT_PAYLOAD_SIZE_MAX) {
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "an asymmetric object has %zu bytes, at most %u can be sent; split it",
                    payload->size, LIMIT_PAYLOAD_SIZE_MAX);
    }
    operation o = {.kind = OP_ASYMMETRIC, .class_of = c, .row = row, .blob = buffer_view(payload)};
    TRY(changeset_write(&txn->changes, &o));
    /* To take each value out of its block first would cost as much as to write it did. */
    return is_restored(txn, c) && stands_alone(class_of) ? ATOLL_OK : write_delete(txn, c, row);
}

static status finish_rows(model_txn *txn)
{
    buffer payload;
    status result = ATOLL_OK;
    buffer_init(&payload, LIMIT_TRANSACTION_SIZE_MAX);
    for (size_t i = 0; i + 1 < txn->asymmetric.count && result == ATOLL_OK; i += 2)
        result = finish_row(txn, (class_key)txn->asymmetric.items[i], txn->asymmetric.items[i + 1],
                            &payload);
    buffer_free(&payload);
    return result;
}

/* The class goes back to what it was, except that its row keys are not given again. */
static status restore_class(model_txn *txn, class_key c)
{
    class_state **place = &txn->view->classes[c - 1];
    if (c > txn->db->newest->class_count) return ATOLL_OK;
    row_key next = (*place)->next_row;
    txn->view->last = NULL; /* it may go with the class's segments */
    class_state *old = class_state_retain(txn->db->newest->classes[c - 1]);
    status result = class_state_own(&old, txn->writer.stamp);
    if (result != ATOLL_OK) {
        class_state_release(old);
        return result;
    }
    old->next_row = next;
    class_state_release(*place);
    *place = old;
    return ATOLL_OK;
}

status finish_asymmetric(model_txn *txn)
{
    TRY(finish_rows(txn));
    /* Blocks of these classes go away now: what is left to finish must not point at them. */
    for (size_t i = 0; i < txn->texts.count; i++) block_finish(txn->texts.items[i]);
    txn->texts.count = 0;
    for (size_t i = 0; i + 1 < txn->asymmetric.count; i += 2) {
        class_key c = (class_key)txn->asymmetric.items[i];
        if (txn->view->classes[c - 1]->root == txn->db->newest->classes[c - 1]->root) continue;
        TRY(restore_class(txn, c));
    }
    return ATOLL_OK;
}
