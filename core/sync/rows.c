/* Rows between the engine and the wire, the same for both sides.
 * It must never decide what to send or to take. Invariant: what rows_field gives for a row on one side, given to rows_set
 * on the other, makes the field equal there. */
#include "sync/rows.h"

value_type rows_key_type(const model_view *view, const model_property *p)
{
    if (p->type != VALUE_LINK) return VALUE_NULL;
    const model_class *target = schema_class(model_view_schema(view), p->target);
    const model_property *key = target == NULL ? NULL : class_property(target, target->primary_key);
    return key == NULL ? VALUE_NULL : key->type;
}

status rows_key(const model_view *view, const model_class *c, row_key row, value *out)
{
    if (c->kind == CLASS_EMBEDDED) {
        value id = {.type = VALUE_EMBEDDED};
        TRY(model_embedded_identity(view, c->key, row, id.as.id));
        *out = id;
        return ATOLL_OK;
    }
    if (c->primary_key == 0)
        return fail(ATOLL_ERROR_NO_PRIMARY_KEY, "class '%s' has no primary key and can't be synced",
                    c->name);
    return model_get(view, c->key, row, c->primary_key, out);
}

static status outside(const model_view *view, const model_property *p, const value *raw, value *out)
{
    *out = *raw;
    if (raw->type == VALUE_NULL) return ATOLL_OK;
    if (p->type == VALUE_LINK) {
        const model_class *target = schema_class(model_view_schema(view), p->target);
        return rows_key(view, target, raw->as.row, out);
    }
    if (p->type == VALUE_EMBEDDED) {
        const model_class *target = schema_class(model_view_schema(view), p->target);
        return rows_key(view, target, raw->as.row, out);
    }
    return ATOLL_OK;
}

status rows_field(const model_view *view, const model_class *c, row_key row,
                  const model_property *p, value *out)
{
    value raw;
    TRY(model_get_raw(view, c->key, row, p->key, &raw));
    return outside(view, p, &raw, out);
}

status rows_put_field(wire_builder *b, wire_rows *group, const model_view *view,
                      const model_class *c, row_key row, const model_property *p, uint64_t stamp,
                      bool is_default)
{
    value v;
    TRY(rows_field(view, c, row, p, &v));
    return wire_builder_put(b, group, p->name, p->type, rows_key_type(view, p), &v, stamp,
                            is_default);
}

status rows_put_list(wire_builder *b, wire_rows *group, const model_view *view,
                     const model_class *c, row_key row, const model_property *p, uint64_t after,
                     uint64_t until, uint64_t stamp)
{
    list_state state;
    list_state_init(&state);
    status result = model_list_state(view, c->key, row, p->key, &state);
    size_t kept = 0;
    for (size_t i = 0; result == ATOLL_OK && i < state.elements.count; i++) {
        list_element e = state.elements.items[i];
        if (after > 0 && (e.touched <= after || e.touched > until)) continue;
        if (!e.erased && p->type == VALUE_LINK) {
            value raw = e.value;
            result = outside(view, p, &raw, &e.value);
        }
        state.elements.items[kept++] = e;
    }
    state.elements.count = kept;
    if (result == ATOLL_OK && (kept > 0 || state.life > 0)) {
        result =
            wire_builder_list(b, group, p->name, p->type, rows_key_type(view, p), &state, stamp);
    }
    list_state_free(&state);
    return result;
}

status rows_property(const model_schema *schema, const model_class *c, const wire_column *column,
                     const model_property **out)
{
    const model_property *p = class_property_named(c, bytes_text(column->property));
    *out = p;
    if (p == NULL) return ATOLL_OK;
    bool list = (p->flags & PROPERTY_LIST) != 0;
    bool same = list == (column->list != NULL) &&
                (p->type == column->type || (column->type == VALUE_NULL && !list));
    if (same && p->type == VALUE_LINK && column->type == VALUE_LINK) {
        const model_class *target = schema_class(schema, p->target);
        const model_property *key =
            target == NULL ? NULL : class_property(target, target->primary_key);
        same = key != NULL && key->type == column->key_type;
    }
    if (same) return ATOLL_OK;
    return fail(ATOLL_ERROR_TYPE_MISMATCH,
                "column '%s.%s' has type %s%s, the property has type %s%s", c->name, p->name,
                column->list != NULL ? "list of " : "", value_type_name(column->type),
                list ? "list of " : "", value_type_name(p->type));
}

static status set_embedded(model_txn *txn, const model_class *c, row_key row,
                           const model_property *p, const value *v)
{
    const model_view *view = model_txn_view(txn);
    const model_class *target = schema_class(model_view_schema(view), p->target);
    if (target == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS, "the class of '%s.%s' is not known", c->name,
                    p->name);
    model_owner owner = {.class_of = c->key, .row = row, .property = p->key};
    value child = {.type = VALUE_EMBEDDED};
    TRY(model_embedded_put(txn, target->key, v->as.id, &owner, &child.as.row));
    return model_set(txn, c->key, row, p->key, &child);
}

status rows_set(model_txn *txn, const model_class *c, row_key row, const model_property *p,
                const value *v)
{
    const model_view *view = model_txn_view(txn);
    value now;
    TRY(rows_field(view, c, row, p, &now));
    if (now.type == VALUE_EMBEDDED && v->type == VALUE_UUID && memcmp(now.as.id, v->as.id, 16) == 0)
        return ATOLL_OK;
    if (p->type != VALUE_EMBEDDED && value_equal(&now, v)) return ATOLL_OK;
    if (v->type == VALUE_NULL) {
        if ((p->flags & PROPERTY_NULLABLE) == 0 && p->type != VALUE_LINK &&
            p->type != VALUE_EMBEDDED) {
            return fail(ATOLL_ERROR_NULL_NOT_ALLOWED, "'%s.%s' can't be null", c->name, p->name);
        }
        return model_set(txn, c->key, row, p->key, v);
    }
    if (p->type == VALUE_EMBEDDED) return set_embedded(txn, c, row, p, v);
    if (p->type != VALUE_LINK) return model_set(txn, c->key, row, p->key, v);
    value link = {.type = VALUE_LINK};
    TRY(model_ghost(txn, p->target, v, &link.as.row));
    return model_set(txn, c->key, row, p->key, &link);
}

status rows_reset(model_txn *txn, const model_class *c, row_key row, const model_property *p)
{
    const model_view *view = model_txn_view(txn);
    if ((p->flags & PROPERTY_LIST) != 0) {
        /* Not a clear: that would be a change of its own, which outlives what comes later. */
        list_state old, empty;
        TRY(model_list_state(view, c->key, row, p->key, &old));
        bool already = old.elements.count == 0 && old.life == 0;
        list_state_free(&old);
        list_state_init(&empty);
        return already ? ATOLL_OK : model_list_store(txn, c->key, row, p->key, &empty);
    }
    bool null =
        (p->flags & PROPERTY_NULLABLE) != 0 || p->type == VALUE_LINK || p->type == VALUE_EMBEDDED;
    value v = null ? value_null() : value_zero(p->type);
    return rows_set(txn, c, row, p, &v);
}

status rows_list_in(model_txn *txn, const model_property *p, const wire_column *column,
                    size_t entry, list_state *out)
{
    list_state state;
    status result = wire_list_state(column, entry, &state);
    for (size_t i = 0; result == ATOLL_OK && i < state.elements.count; i++) {
        list_element *e = &state.elements.items[i];
        if (e->erased) {
            e->value = value_null();
        } else if (p->type == VALUE_LINK && e->value.type != VALUE_NULL) {
            value link = {.type = VALUE_LINK};
            result = model_ghost(txn, p->target, &e->value, &link.as.row);
            e->value = link;
        } else if (e->value.type == VALUE_NULL && p->type != VALUE_EMBEDDED &&
                   (p->flags & PROPERTY_NULLABLE) == 0 && p->type != VALUE_LINK) {
            result =
                fail(ATOLL_ERROR_NULL_NOT_ALLOWED, "an element of '%s' can't be null", p->name);
        }
    }
    if (result != ATOLL_OK) {
        list_state_free(&state);
        return result;
    }
    *out = state;
    return ATOLL_OK;
}

status rows_list_store(model_txn *txn, const model_class *c, row_key row, const model_property *p,
                       list_state *state)
{
    for (size_t i = 0; p->type == VALUE_EMBEDDED && i < state->elements.count; i++) {
        list_element *e = &state->elements.items[i];
        if (e->erased || rows_id_is_zero(e->embedded)) continue;
        const model_view *view = model_txn_view(txn);
        model_owner owner = {.class_of = c->key, .row = row, .property = p->key, .element = e->id};
        row_key child = 0;
        TRY(model_embedded_find(view, p->target, e->embedded, &child));
        if (child == 0 || !model_alive(view, p->target, child))
            TRY(model_embedded_put(txn, p->target, e->embedded, &owner, &child));
        e->value = (value){.type = VALUE_EMBEDDED, .as.row = child};
    }
    return model_list_store(txn, c->key, row, p->key, state);
}

static status walk_list(const model_view *view, const model_class *c, row_key row,
                        const model_property *p, const model_class *target, rows_visitor visit,
                        void *context)
{
    list_state state;
    list_state_init(&state);
    status result = model_list_state(view, c->key, row, p->key, &state);
    for (size_t i = 0; result == ATOLL_OK && i < state.elements.count; i++) {
        const list_element *e = &state.elements.items[i];
        row_key child = 0;
        if (e->erased || rows_id_is_zero(e->embedded)) continue;
        result = model_embedded_find(view, target->key, e->embedded, &child);
        if (result != ATOLL_OK || child == 0 || !model_alive(view, target->key, child)) continue;
        model_owner owner = {c->key, row, p->key, e->id};
        result = visit(context, target, child, &owner);
        if (result == ATOLL_OK) result = rows_walk_embedded(view, target, child, visit, context);
    }
    list_state_free(&state);
    return result;
}

status rows_walk_embedded(const model_view *view, const model_class *c, row_key row,
                          rows_visitor visit, void *context)
{
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        if (p->type != VALUE_EMBEDDED) continue;
        const model_class *target = schema_class(model_view_schema(view), p->target);
        if (target == NULL) continue;
        if ((p->flags & PROPERTY_LIST) != 0) {
            TRY(walk_list(view, c, row, p, target, visit, context));
            continue;
        }
        value slot;
        TRY(model_get_raw(view, c->key, row, p->key, &slot));
        if (slot.type == VALUE_NULL || !model_alive(view, target->key, slot.as.row)) continue;
        model_owner owner = {.class_of = c->key, .row = row, .property = p->key};
        TRY(visit(context, target, slot.as.row, &owner));
        TRY(rows_walk_embedded(view, target, slot.as.row, visit, context));
    }
    return ATOLL_OK;
}

status rows_put_embedded(wire_builder *b, const model_view *view, const model_class *c, row_key row,
                         const model_owner *owner, wire_rows **group)
{
    const model_class *owner_class = schema_class(model_view_schema(view), owner->class_of);
    const model_property *p =
        owner_class == NULL ? NULL : class_property(owner_class, owner->property);
    if (p == NULL)
        return fail(ATOLL_ERROR_INTERNAL, "an embedded object of class '%s' has no owner", c->name);
    value key, owner_key;
    TRY(rows_key(view, c, row, &key));
    TRY(rows_key(view, owner_class, owner->row, &owner_key));
    TRY(wire_builder_group(b, c->name, owner_class->name, p->name, group));
    TRY(wire_builder_row(b, *group, ROW_NONE, &key, 0, 0));
    return wire_builder_owner(b, *group, &owner_key, (p->flags & PROPERTY_LIST) != 0,
                              owner->element);
}
