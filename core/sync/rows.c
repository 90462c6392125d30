/* Rows between the engine and the wire, the same for both sides.
 * It must never decide what to send or to take. Invariant: what rows_field gives for a row on one side, given to rows_set
 * on the other, makes the field equal there. */
#include "sync/rows.h"
#include "sync/breakage.h"

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

/* memory NULL: a link of a mixed value stays a local row. */
static status outside(arena *memory, const model_view *view, const model_property *p,
                      const value *raw, value *out)
{
    const model_schema *schema = model_view_schema(view);
    value key;
    *out = *raw;
    switch (raw->type) {
    case VALUE_LINK:
    case VALUE_EMBEDDED: return rows_key(view, schema_class(schema, p->target), raw->as.row, out);
    case VALUE_LIST:
    case VALUE_DICTIONARY:
        return model_embedded_identity(view, raw->as.link.class_of, raw->as.link.row, out->as.id);
    case VALUE_TYPED_LINK: {
        const model_class *target = schema_class(schema, raw->as.link.class_of);
        if (memory == NULL) return ATOLL_OK;
        TRY(rows_key(view, target, raw->as.link.row, &key));
        return wire_link_make(memory, target->name, &key, out);
    }
    default: return ATOLL_OK;
    }
}

status rows_field(const model_view *view, const model_class *c, row_key row,
                  const model_property *p, value *out)
{
    value raw;
    TRY(model_get_raw(view, c->key, row, p->key, &raw));
    return outside(NULL, view, p, &raw, out);
}

status rows_put_field(wire_builder *b, wire_rows *group, const model_view *view,
                      const model_class *c, row_key row, const model_property *p, uint64_t stamp,
                      bool is_default)
{
    value raw, v;
    TRY(model_get_raw(view, c->key, row, p->key, &raw));
    TRY(outside(b->memory, view, p, &raw, &v));
    return wire_builder_put(b, group, p->name, p->type, rows_key_type(view, p), &v, stamp,
                            is_default);
}

static value column_value(const model_column *c, size_t i)
{
    decimal d;
    bool null = c->null_bits != NULL && (c->null_bits[i / 64] >> (i % 64) & 1) != 0;
    if (null) return value_null();
    switch (c->type) {
    case VALUE_BOOL: return value_bool((c->bits[i / 64] >> (i % 64) & 1) != 0);
    case VALUE_INT: return value_int(c->integers[i]);
    case VALUE_FLOAT: return value_float((float)c->doubles[i]);
    case VALUE_DOUBLE: return value_double(c->doubles[i]);
    case VALUE_TIMESTAMP:
        return value_timestamp(c->timestamps[2 * i], (int32_t)c->timestamps[2 * i + 1]);
    case VALUE_DECIMAL: value_decimal_turn(d.bytes, c->ids + 16 * i); return value_decimal(&d);
    case VALUE_UUID: return value_uuid(c->ids + 16 * i);
    case VALUE_OBJECT_ID: return value_object_id(c->ids + 16 * i);
    default: break;
    }
    bytes text = bytes_of(c->heap + c->offsets[i], c->offsets[i + 1] - c->offsets[i]);
    return c->type == VALUE_STRING ? value_string(text) : value_binary(text);
}

/* Links, what holds objects, and mixed values look elsewhere; long texts would make a message of any size. */
static bool is_plain(const model_column *c, size_t at, size_t count)
{
    enum { TEXT_MAX = 64 << 10 };
    switch (c->type) {
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_FLOAT:
    case VALUE_DOUBLE:
    case VALUE_TIMESTAMP:
    case VALUE_DECIMAL:
    case VALUE_UUID:
    case VALUE_OBJECT_ID: return c->present;
    case VALUE_STRING:
    case VALUE_BINARY:
        return c->present && !c->has_large && c->offsets[at + count] - c->offsets[at] <= TEXT_MAX;
    default: return false;
    }
}

status rows_read_run(const model_view *view, const model_class *c, row_key first, size_t count,
                     const model_property *p, value values[ROWS_RUN_MAX], bool *plain)
{
    size_t at = first % MODEL_BLOCK_ROWS;
    model_segment segment = {.first = first - at};
    model_column column;
    *plain = false;
    if ((p->flags & PROPERTY_COLLECTION) != 0 || count > ROWS_RUN_MAX ||
        at + count > MODEL_BLOCK_ROWS)
        return ATOLL_OK;
    TRY(model_segment_column(view, c->key, &segment, p->key, &column));
    *plain = is_plain(&column, at, count);
    for (size_t i = 0; i < count && *plain; i++) values[i] = column_value(&column, at + i);
    return ATOLL_OK;
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
        bool told = p->type != VALUE_EMBEDDED && (!e.erased || (p->flags & PROPERTY_SET) != 0);
        value raw = e.value;
        if (told) result = outside(b->memory, view, p, &raw, &e.value);
        state.elements.items[kept++] = e;
    }
    state.elements.count = kept;
    if (result == ATOLL_OK && (kept > 0 || state.life > 0))
        result = wire_builder_list(b, group, p, rows_key_type(view, p), &state, stamp);
    list_state_free(&state);
    return result;
}

static bool same_kind(const model_property *p, const wire_column *column)
{
    bool collection = (p->flags & PROPERTY_COLLECTION) != 0;
    if (collection != (column->list != NULL)) return false;
    if (collection && column->list->kind != wire_collection_of(p)) return false;
    return p->type == column->type || (column->type == VALUE_NULL && !collection);
}

static const char *const collection_prefix[] = {"list of ", "set of ", "dictionary of "};

status rows_property(const model_schema *schema, const model_class *c, const wire_column *column,
                     const model_property **out)
{
    const model_property *p = class_property_named(c, bytes_text(column->property));
    *out = p;
    if (p == NULL) return ATOLL_OK;
    bool same = same_kind(p, column);
    if (same && p->type == VALUE_LINK && column->type == VALUE_LINK) {
        const model_class *target = schema_class(schema, p->target);
        const model_property *key =
            target == NULL ? NULL : class_property(target, target->primary_key);
        same = key != NULL && key->type == column->key_type;
    }
    if (same) return ATOLL_OK;
    return fail(
        ATOLL_ERROR_TYPE_MISMATCH, "column '%s.%s' has type %s%s, the property has type %s%s",
        c->name, p->name, column->list == NULL ? "" : collection_prefix[column->list->kind],
        value_type_name(column->type),
        (p->flags & PROPERTY_COLLECTION) == 0 ? "" : collection_prefix[wire_collection_of(p)],
        value_type_name(p->type));
}

/* ---- from the wire ---- */

/* A row that is there belongs to this owner: who names another's would have it deleted with an object of his own. */
static status check_held(const model_view *view, class_key c, row_key row, const model_owner *owner)
{
    model_owner now;
    TRY(model_owner_get(view, c, row, &now));
    if (now.class_of == owner->class_of && now.row == owner->row && now.property == owner->property)
        return ATOLL_OK;
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "an embedded object or nested collection belongs to another place already");
}

/* The row of a list or dictionary that a mixed value names: alive, with this owner. */
static status nested_row(model_txn *txn, const value *v, const model_owner *owner, value *out)
{
    const model_view *view = model_txn_view(txn);
    const char *name = v->type == VALUE_LIST ? SCHEMA_HIDDEN_LIST : SCHEMA_HIDDEN_DICTIONARY;
    const model_class *hidden = schema_class_named(model_view_schema(view), bytes_text(name));
    row_key row = 0;
    if (hidden == NULL)
        return fail(ATOLL_ERROR_INTERNAL, "the schema has a mixed property and no class %s", name);
    class_key key = hidden->key;
    TRY(model_embedded_find(view, key, v->as.id, &row));
    if (row == 0 || !model_alive(view, key, row))
        TRY(model_embedded_put(txn, key, v->as.id, owner, &row));
    else
        TRY(check_held(view, key, row, owner));
    *out = (value){.type = v->type};
    out->as.link.class_of = key;
    out->as.link.row = row;
    return ATOLL_OK;
}

/* A link of a mixed value; null when its class is not in this copy's model. */
static status typed_link(model_txn *txn, const value *v, value *out)
{
    const model_schema *schema = model_view_schema(model_txn_view(txn));
    bytes name;
    value key;
    wire_link_read(v, &name, &key);
    const model_class *target = schema_class_named(schema, name);
    const model_property *p = target == NULL ? NULL : class_property(target, target->primary_key);
    *out = value_null();
    if (p == NULL || target->kind != CLASS_NORMAL || p->type != key.type) return ATOLL_OK;
    value link = {.type = VALUE_TYPED_LINK};
    link.as.link.class_of = target->key;
    TRY(model_ghost(txn, link.as.link.class_of, &key, &link.as.link.row));
    *out = link;
    return ATOLL_OK;
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

static bool same_identity(const model_view *view, const value *now, const value *v)
{
    uint8_t id[16];
    return now->type == v->type &&
           model_embedded_identity(view, now->as.link.class_of, now->as.link.row, id) == ATOLL_OK &&
           memcmp(id, v->as.id, 16) == 0;
}

static status set_mixed(model_txn *txn, const model_class *c, row_key row, const model_property *p,
                        const value *v)
{
    value now, fresh = *v;
    model_owner owner = {.class_of = c->key, .row = row, .property = p->key};
    TRY(model_get_raw(model_txn_view(txn), c->key, row, p->key, &now));
    if (v->type == VALUE_LIST || v->type == VALUE_DICTIONARY) {
        if (same_identity(model_txn_view(txn), &now, v)) return ATOLL_OK;
        TRY(nested_row(txn, v, &owner, &fresh));
        return model_set_nested(txn, c->key, row, p->key, &fresh);
    }
    if (v->type == VALUE_TYPED_LINK) TRY(typed_link(txn, v, &fresh));
    return value_equal(&now, &fresh) ? ATOLL_OK : model_set(txn, c->key, row, p->key, &fresh);
}

status rows_set(model_txn *txn, const model_class *c, row_key row, const model_property *p,
                const value *v)
{
    const model_view *view = model_txn_view(txn);
    value now;
    if (p->type == VALUE_MIXED) return set_mixed(txn, c, row, p, v);
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
    if ((p->flags & PROPERTY_COLLECTION) != 0) {
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

/* *keep false: an element that means nothing here. */
static status element_in(model_txn *txn, const model_property *p, list_element *e, bool *keep)
{
    bool set = (p->flags & PROPERTY_SET) != 0;
    *keep = true;
    if (e->erased && !set) {
        e->value = value_null();
        return ATOLL_OK;
    }
    value v = e->value;
    if (p->type == VALUE_LINK && v.type != VALUE_NULL) {
        e->value = (value){.type = VALUE_LINK};
        return model_ghost(txn, p->target, &v, &e->value.as.row);
    }
    if (v.type == VALUE_TYPED_LINK && p->type == VALUE_MIXED) {
        TRY(typed_link(txn, &v, &e->value));
        *keep = e->value.type != VALUE_NULL || !set;
        return ATOLL_OK;
    }
    if (v.type == VALUE_LIST || v.type == VALUE_DICTIONARY) {
        /* Its row is made when the element turns out to stay. */
        memcpy(e->embedded, v.as.id, 16);
        e->value = (value){.type = v.type};
        return ATOLL_OK;
    }
    bool single = p->type == VALUE_EMBEDDED || p->type == VALUE_LINK;
    if (v.type == VALUE_NULL && !single && (p->flags & PROPERTY_NULLABLE) == 0)
        return fail(ATOLL_ERROR_NULL_NOT_ALLOWED, "an element of '%s' can't be null", p->name);
    return ATOLL_OK;
}

status rows_list_in(model_txn *txn, const model_property *p, const wire_column *column,
                    size_t entry, list_state *out)
{
    list_state state;
    size_t kept = 0;
    status result = wire_list_state(column, entry, &state);
    for (size_t i = 0; result == ATOLL_OK && i < state.elements.count; i++) {
        list_element e = state.elements.items[i];
        bool keep = true;
        result = element_in(txn, p, &e, &keep);
        if (keep) state.elements.items[kept++] = e;
    }
    state.elements.count = kept;
    /* Rows have other numbers here than where the elements were put in order. */
    if (result == ATOLL_OK && (p->flags & PROPERTY_LIST) == 0)
        result = keyed_state_order(&state, (p->flags & PROPERTY_DICTIONARY) != 0);
    if (result != ATOLL_OK) {
        list_state_free(&state);
        return result;
    }
    *out = state;
    return ATOLL_OK;
}

status rows_list_merge(const model_property *p, list_state *into, const list_state *other)
{
    if ((p->flags & PROPERTY_LIST) != 0) return list_state_merge(into, other);
    if (BREAKAGE(BREAKAGE_CLEAR_FORGOTTEN) && other->life > into->life) into->life = other->life;
    return keyed_state_merge(into, other, (p->flags & PROPERTY_DICTIONARY) != 0);
}

static status held_row(model_txn *txn, const model_property *p, const model_owner *owner,
                       list_element *e)
{
    const model_view *view = model_txn_view(txn);
    row_key child = 0;
    if (p->type == VALUE_MIXED) {
        value v = {.type = e->value.type};
        memcpy(v.as.id, e->embedded, 16);
        memset(e->embedded, 0, 16);
        return nested_row(txn, &v, owner, &e->value);
    }
    TRY(model_embedded_find(view, p->target, e->embedded, &child));
    if (child == 0 || !model_alive(view, p->target, child))
        TRY(model_embedded_put(txn, p->target, e->embedded, owner, &child));
    else
        TRY(check_held(view, p->target, child, owner));
    e->value = (value){.type = VALUE_EMBEDDED, .as.row = child};
    return ATOLL_OK;
}

status rows_list_store(model_txn *txn, const model_class *c, row_key row, const model_property *p,
                       list_state *state)
{
    for (size_t i = 0; i < state->elements.count; i++) {
        list_element *e = &state->elements.items[i];
        bool nested = p->type == VALUE_MIXED && e->value.as.link.row == 0 &&
                      (e->value.type == VALUE_LIST || e->value.type == VALUE_DICTIONARY);
        if (e->erased || rows_id_is_zero(e->embedded)) continue;
        model_owner owner = {.class_of = c->key, .row = row, .property = p->key, .element = e->id};
        if (nested || p->type == VALUE_EMBEDDED) TRY(held_row(txn, p, &owner, e));
    }
    return model_list_store(txn, c->key, row, p->key, state);
}

/* ---- what a row owns ---- */

static bool owned_by(const model_property *p, const value *v, class_key *c, row_key *row)
{
    bool nested = v->type == VALUE_LIST || v->type == VALUE_DICTIONARY;
    if (v->type != VALUE_EMBEDDED && !nested) return false;
    *c = nested ? v->as.link.class_of : p->target;
    *row = nested ? v->as.link.row : v->as.row;
    return true;
}

static status visit_owned(const model_view *view, const model_property *p, const value *v,
                          const model_owner *owner, rows_visitor visit, void *context)
{
    class_key c = 0;
    row_key child = 0;
    if (!owned_by(p, v, &c, &child) || !model_alive(view, c, child)) return ATOLL_OK;
    const model_class *target = schema_class(model_view_schema(view), c);
    if (target == NULL) return ATOLL_OK;
    TRY(visit(context, target, child, owner));
    return rows_walk_embedded(view, target, child, visit, context);
}

static status walk_list(const model_view *view, const model_class *c, row_key row,
                        const model_property *p, rows_visitor visit, void *context)
{
    list_state state;
    list_state_init(&state);
    status result = model_list_state(view, c->key, row, p->key, &state);
    for (size_t i = 0; result == ATOLL_OK && i < state.elements.count; i++) {
        const list_element *e = &state.elements.items[i];
        model_owner owner = {c->key, row, p->key, e->id};
        if (!e->erased) result = visit_owned(view, p, &e->value, &owner, visit, context);
    }
    list_state_free(&state);
    return result;
}

status rows_walk_field(const model_view *view, const model_class *c, row_key row,
                       const model_property *p, rows_visitor visit, void *context)
{
    if (p->type != VALUE_EMBEDDED && p->type != VALUE_MIXED) return ATOLL_OK;
    if ((p->flags & PROPERTY_COLLECTION) != 0) {
        bool set = p->type == VALUE_MIXED && (p->flags & PROPERTY_SET) != 0;
        return set ? ATOLL_OK : walk_list(view, c, row, p, visit, context);
    }
    value slot;
    TRY(model_get_raw(view, c->key, row, p->key, &slot));
    model_owner owner = {.class_of = c->key, .row = row, .property = p->key};
    return visit_owned(view, p, &slot, &owner, visit, context);
}

status rows_walk_embedded(const model_view *view, const model_class *c, row_key row,
                          rows_visitor visit, void *context)
{
    for (size_t i = 0; i < c->property_count; i++)
        TRY(rows_walk_field(view, c, row, &c->properties[i], visit, context));
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
