/* Writing objects: checks, then operations. It must never touch the tree itself: every change is an operation that is
 * logged and applied. Invariant: a check that fails leaves the transaction as it was; a change that fails half-way
 * leaves it fit only for a rollback. */
#include "model/engine.h"

static status run(model_txn *txn, const operation *o)
{
    return txn_operation(txn, o);
}

row_key next_row(const model_txn *txn, class_key c)
{
    return view_class(txn->view, c)->next_row;
}

static status write_life(model_txn *txn, class_key c, row_key row, uint8_t from, uint8_t to)
{
    return run(txn,
               &(operation){.kind = OP_LIFE, .class_of = c, .row = row, .from = from, .to = to});
}

status row_missing(const model_class *c)
{
    return fail(ATOLL_ERROR_OBJECT_INVALID, "the object of class '%s' was deleted or is not here",
                c->name);
}

/* ---- checks ---- */
static status check_text(const model_class *c, const model_property *p, const value *v)
{
    if (v->as.text.size > LIMIT_VALUE_SIZE_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "the value of '%s.%s' has %zu bytes; at most %u are allowed", c->name, p->name,
                    v->as.text.size, LIMIT_VALUE_SIZE_MAX);
    if (v->type == VALUE_STRING && !utf8_is_valid(v->as.text))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the text for '%s.%s' is not valid UTF-8",
                    c->name, p->name);
    return ATOLL_OK;
}

static status check_timestamp(const model_class *c, const model_property *p, const value *v)
{
    int64_t s = v->as.timestamp.seconds;
    int32_t ns = v->as.timestamp.nanoseconds;
    if (ns > -1000000000 && ns < 1000000000 && !(s > 0 && ns < 0) && !(s < 0 && ns > 0))
        return ATOLL_OK;
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "the timestamp for '%s.%s' has nanoseconds out of range or of another sign than "
                "its seconds",
                c->name, p->name);
}

/* Null was let through before. */
static status check_mixed(const model_txn *txn, const model_class *c, const model_property *p,
                          const value *v)
{
    switch (v->type) {
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE:
    case VALUE_FLOAT:
    case VALUE_DECIMAL:
    case VALUE_UUID:
    case VALUE_OBJECT_ID: return ATOLL_OK;
    case VALUE_STRING:
    case VALUE_BINARY: return check_text(c, p, v);
    case VALUE_TIMESTAMP: return check_timestamp(c, p, v);
    case VALUE_TYPED_LINK: break;
    case VALUE_LIST:
    case VALUE_DICTIONARY:
        if ((p->flags & PROPERTY_SET) == 0) return ATOLL_OK;
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "the set '%s.%s' cannot hold a %s", c->name, p->name,
                    value_type_name(v->type));
    default:
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "the mixed property '%s.%s' cannot hold a %s",
                    c->name, p->name, value_type_name(v->type));
    }
    const model_class *target = schema_class(txn->writer.schema, v->as.link.class_of);
    if (target == NULL || v->as.link.row == 0 ||
        v->as.link.row >= next_row(txn, v->as.link.class_of))
        return fail(ATOLL_ERROR_OBJECT_INVALID, "the object given for '%s.%s' does not exist",
                    c->name, p->name);
    if (target->kind == CLASS_NORMAL) return ATOLL_OK;
    return fail(ATOLL_ERROR_TYPE_MISMATCH,
                "the mixed property '%s.%s' cannot hold an object of class '%s', which is %s",
                c->name, p->name, target->name,
                target->kind == CLASS_EMBEDDED ? "embedded" : "asymmetric");
}

status check_value(const model_txn *txn, const model_class *c, const model_property *p,
                   const value *v)
{
    if (v->type == VALUE_NULL) {
        bool nullable = (p->flags & PROPERTY_NULLABLE) != 0;
        bool single = (p->flags & (PROPERTY_LIST | PROPERTY_SET)) == 0 &&
                      (p->type == VALUE_LINK || p->type == VALUE_EMBEDDED);
        if (nullable || single) return ATOLL_OK;
        return fail(ATOLL_ERROR_NULL_NOT_ALLOWED,
                    "property '%s.%s' cannot be null; declare it optional or give a value", c->name,
                    p->name);
    }
    if (p->type == VALUE_MIXED) return check_mixed(txn, c, p, v);
    if (v->type != p->type)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "property '%s.%s' is of type %s; a %s was given",
                    c->name, p->name, value_type_name(p->type), value_type_name(v->type));
    if (v->type == VALUE_STRING || v->type == VALUE_BINARY) return check_text(c, p, v);
    if (v->type == VALUE_TIMESTAMP) return check_timestamp(c, p, v);
    bool reference = v->type == VALUE_LINK || v->type == VALUE_EMBEDDED;
    if (reference && (v->as.row == 0 || view_class(txn->view, p->target) == NULL ||
                      v->as.row >= next_row(txn, p->target)))
        return fail(ATOLL_ERROR_OBJECT_INVALID, "the object given for '%s.%s' does not exist",
                    c->name, p->name);
    return ATOLL_OK;
}

static status check_class_write(model_txn *txn, class_key c, const model_class **out)
{
    TRY(txn_usable(txn));
    return need_class(txn->view, c, out);
}

/* ---- create ---- */
static status make_row(model_txn *txn, const model_class *c, const value *key, uint8_t state,
                       row_key *out)
{
    row_key row = next_row(txn, c->key);
    TRY(write_life(txn, c->key, row, ROW_DEAD, state));
    if (key != NULL)
        TRY(run(txn, &(operation){.kind = OP_KEY, .class_of = c->key, .row = row, .value = *key}));
    *out = row;
    return ATOLL_OK;
}

static status describe_duplicate(const model_class *c, const value *key)
{
    if (key->type == VALUE_INT)
        return fail(ATOLL_ERROR_DUPLICATE_PRIMARY_KEY,
                    "class '%s' has an object with the primary key %lld already", c->name,
                    (long long)key->as.integer);
    if (key->type == VALUE_STRING)
        return fail(ATOLL_ERROR_DUPLICATE_PRIMARY_KEY,
                    "class '%s' has an object with the primary key '%.*s' already", c->name,
                    (int)(key->as.text.size > 200 ? 200 : key->as.text.size),
                    (const char *)key->as.text.data);
    return fail(ATOLL_ERROR_DUPLICATE_PRIMARY_KEY,
                "class '%s' has an object with this primary key already", c->name);
}

static status revive(model_txn *txn, const model_class *c, row_key row)
{
    uint8_t state;
    TRY(row_state(txn->view, c->key, row, &state));
    if (state == ROW_HIDDEN) TRY(write_delete(txn, c->key, row));
    return write_life(txn, c->key, row, ROW_DEAD, ROW_ALIVE);
}

static status check_create(model_txn *txn, const model_class *c, const value *key)
{
    if (c->kind == CLASS_EMBEDDED)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "class '%s' is embedded: its objects are made in a property of their owner",
                    c->name);
    if (c->primary_key == 0)
        return key == NULL ? ATOLL_OK
                           : fail(ATOLL_ERROR_NO_PRIMARY_KEY,
                                  "class '%s' has no primary key, but one was given", c->name);
    TRY(check_key(c, key));
    return check_value(txn, c, class_property(c, c->primary_key), key);
}

static status create(model_txn *txn, class_key c, const value *key, row_key *out)
{
    const model_class *class_of = NULL;
    row_key row = 0;
    TRY(check_class_write(txn, c, &class_of));
    TRY(check_create(txn, class_of, key));
    if (key != NULL) TRY(model_find_any(txn->view, c, key, &row));
    bool alive = false;
    if (row != 0) TRY(model_is_alive(txn->view, c, row, &alive));
    if (alive) return describe_duplicate(class_of, key);
    if (row != 0)
        TRY(revive(txn, class_of, row));
    else
        TRY(make_row(txn, class_of, key, ROW_ALIVE, &row));
    if (class_of->kind == CLASS_ASYMMETRIC) {
        status result = vector_push(&txn->asymmetric, (row_key)c);
        if (result == ATOLL_OK) result = vector_push(&txn->asymmetric, row);
        if (result != ATOLL_OK) return txn_break(txn, result);
    }
    *out = row;
    return ATOLL_OK;
}

static status make_ghost(model_txn *txn, class_key c, const value *key, row_key *out)
{
    const model_class *class_of = NULL;
    row_key row = 0;
    TRY(check_class_write(txn, c, &class_of));
    TRY(check_create(txn, class_of, key));
    if (key == NULL)
        return fail(ATOLL_ERROR_NO_PRIMARY_KEY, "class '%s' has no primary key", class_of->name);
    TRY(model_find_any(txn->view, c, key, &row));
    if (row == 0) TRY(make_row(txn, class_of, key, ROW_DEAD, &row));
    *out = row;
    return ATOLL_OK;
}

/* ---- delete and hide: always with what the row owns ---- */
typedef status (*owned_function)(model_txn *txn, class_key c, row_key row, bool flag);

static status each_owned_of(model_txn *txn, const model_class *c, row_key row,
                            const model_property *p, owned_function each, bool flag)
{
    value child;
    class_key owned_class = 0;
    row_key owned = 0;
    if ((p->flags & PROPERTY_COLLECTION) == 0) {
        TRY(read_slot(txn->view, c->key, row, slot_of(p->key), &child));
        return nested_owned(p, &child, &owned_class, &owned) ? each(txn, owned_class, owned, flag)
                                                             : ATOLL_OK;
    }
    const list_cell *cell = NULL;
    TRY(read_cell(txn->view, c->key, row, p->key, &cell));
    list_walk walk = {.store = txn->writer.store, .cell = cell};
    list_element e;
    while (list_walk_next(&walk, &e))
        if (nested_owned(p, &e.value, &owned_class, &owned))
            TRY(each(txn, owned_class, owned, flag));
    return walk.result;
}

static status each_owned(model_txn *txn, const model_class *c, row_key row, owned_function each,
                         bool flag)
{
    for (size_t i = 0; i < c->property_count; i++)
        if (c->properties[i].type == VALUE_EMBEDDED || c->properties[i].type == VALUE_MIXED)
            TRY(each_owned_of(txn, c, row, &c->properties[i], each, flag));
    return ATOLL_OK;
}

static status delete_owned(model_txn *txn, class_key c, row_key row, bool flag)
{
    (void)flag;
    return write_delete(txn, c, row);
}

status write_delete_owned(model_txn *txn, class_key c, row_key row, const model_property *p)
{
    const model_class *class_of = NULL;
    TRY(need_class(txn->view, c, &class_of));
    return each_owned_of(txn, class_of, row, p, delete_owned, false);
}

static status delete_alone(model_txn *txn, const model_class *class_of, row_key row, uint8_t state);

status write_delete(model_txn *txn, class_key c, row_key row)
{
    const model_class *class_of = NULL;
    TRY(need_class(txn->view, c, &class_of));
    uint8_t state;
    TRY(row_state(txn->view, c, row, &state));
    if (state == ROW_DEAD) return ATOLL_OK;
    /* Asked first: without its owner an embedded object does not tell any more. */
    bool silent = txn->silent;
    txn->silent = silent || is_asymmetric(txn, c, row);
    status result = delete_alone(txn, class_of, row, state);
    txn->silent = silent;
    return result;
}

static status delete_alone(model_txn *txn, const model_class *class_of, row_key row, uint8_t state)
{
    value key;
    class_key c = class_of->key;
    bool embedded = class_of->kind == CLASS_EMBEDDED, forget = !txn->db->options.identity_rows;
    TRY(each_owned(txn, class_of, row, delete_owned, false));
    TRY(read_slot(txn->view, c, row, embedded ? SLOT_IDENTITY : slot_of(class_of->primary_key),
                  &key));
    operation unkey = {
        .kind = OP_UNKEY, .class_of = c, .row = row, .hash = key_hash(txn->db, &key)};
    if (forget && (embedded || class_of->primary_key != 0)) TRY(run(txn, &unkey));
    TRY(run(txn, &(operation){.kind = OP_DROP, .class_of = c, .row = row, .all = forget}));
    return write_life(txn, c, row, state, ROW_DEAD);
}

static status set_value(model_txn *txn, class_key c, row_key row, property_key p, const value *v);

/* An embedded object goes by the slot or the list element that holds it. */
static status delete_embedded(model_txn *txn, class_key c, row_key row)
{
    model_owner owner;
    const model_class *owner_class = NULL;
    const model_property *p = NULL;
    const list_cell *cell = NULL;
    value null = value_null();
    TRY(model_owner_get(txn->view, c, row, &owner));
    TRY(need_property(txn->view, owner.class_of, owner.property, &owner_class, &p));
    if ((p->flags & PROPERTY_COLLECTION) == 0)
        return set_value(txn, owner.class_of, owner.row, owner.property, &null);
    TRY(read_cell(txn->view, owner.class_of, owner.row, owner.property, &cell));
    list_walk walk = {.store = txn->writer.store, .cell = cell};
    list_element e;
    for (uint64_t index = 0; list_walk_next(&walk, &e); index++)
        if (e.value.type == VALUE_EMBEDDED && e.value.as.row == row)
            return model_list_erase(txn, owner.class_of, owner.row, owner.property, index);
    TRY(walk.result);
    return write_delete(txn, c, row);
}

static status delete_row(model_txn *txn, class_key c, row_key row)
{
    const model_class *class_of = NULL;
    TRY(check_class_write(txn, c, &class_of));
    TRY(need_row(txn, class_of, row));
    return class_of->kind == CLASS_EMBEDDED ? delete_embedded(txn, c, row)
                                            : write_delete(txn, c, row);
}

status write_hide(model_txn *txn, class_key c, row_key row, bool hidden)
{
    const model_class *class_of = NULL;
    TRY(need_class(txn->view, c, &class_of));
    uint8_t state, wanted = hidden ? ROW_HIDDEN : ROW_ALIVE;
    TRY(row_state(txn->view, c, row, &state));
    if (state == ROW_DEAD || state == wanted) return ATOLL_OK;
    TRY(each_owned(txn, class_of, row, write_hide, hidden));
    return write_life(txn, c, row, state, wanted);
}

static status hide_row(model_txn *txn, class_key c, row_key row, bool hidden)
{
    const model_class *class_of = NULL;
    TRY(check_class_write(txn, c, &class_of));
    TRY(need_row(txn, class_of, row));
    return write_hide(txn, c, row, hidden);
}

/* ---- set ---- */
/* The old embedded object of a slot goes when the slot changes; a new one must be owned by it. */
static status replace_embedded(model_txn *txn, const model_class *c, row_key row,
                               const model_property *p, const value *v)
{
    value old;
    model_owner owner;
    if (v->type == VALUE_EMBEDDED) {
        TRY(model_owner_get(txn->view, p->target, v->as.row, &owner));
        if (owner.class_of != c->key || owner.row != row || owner.property != p->key)
            return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                        "the embedded object belongs to another place than '%s.%s'", c->name,
                        p->name);
    }
    TRY(read_slot(txn->view, c->key, row, slot_of(p->key), &old));
    bool same = v->type == VALUE_EMBEDDED && old.type == VALUE_EMBEDDED && old.as.row == v->as.row;
    return old.type != VALUE_EMBEDDED || same ? ATOLL_OK : write_delete(txn, p->target, old.as.row);
}

static status replace_nested(model_txn *txn, const model_class *c, row_key row,
                             const model_property *p, value *v)
{
    value old;
    TRY(read_slot(txn->view, c->key, row, slot_of(p->key), &old));
    TRY(nested_delete(txn, p, &old));
    return nested_make(txn, &(model_owner){.class_of = c->key, .row = row, .property = p->key}, v);
}

static status check_set(const model_txn *txn, const model_class *c, row_key row,
                        const model_property *p);
static status write_set(model_txn *txn, class_key c, row_key row, property_key p, const value *v);

/* Its row was made before: it must have this place as its owner. */
static status set_nested(model_txn *txn, class_key c, row_key row, property_key p, const value *v)
{
    const model_class *class_of = NULL;
    const model_property *property = NULL;
    value old;
    model_owner owner;
    TRY(txn_usable(txn));
    TRY(need_property(txn->view, c, p, &class_of, &property));
    TRY(check_set(txn, class_of, row, property));
    if (property->type != VALUE_MIXED || !nested_is(v))
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' holds no nested collection", class_of->name,
                    property->name);
    TRY(model_owner_get(txn->view, v->as.link.class_of, v->as.link.row, &owner));
    if (owner.class_of != c || owner.row != row || owner.property != p)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "the nested collection belongs to another place than '%s.%s'", class_of->name,
                    property->name);
    TRY(read_slot(txn->view, c, row, slot_of(p), &old));
    if (value_equal(&old, v)) return ATOLL_OK;
    TRY(nested_delete(txn, property, &old));
    return write_set(txn, c, row, p, v);
}

static status check_set(const model_txn *txn, const model_class *c, row_key row,
                        const model_property *p)
{
    if ((p->flags & PROPERTY_COLLECTION) != 0)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "'%s.%s' is a %s; change its elements", c->name,
                    p->name, collection_name(p));
    return need_row(txn, c, row);
}

/* In a migration: several rows may have one key until its end. */
static status change_key(model_txn *txn, const model_class *c, row_key row, const value *old,
                         const value *v)
{
    operation unkey = {.kind = OP_UNKEY,
                       .class_of = c->key,
                       .row = row,
                       .hash = key_hash(txn->db, old)},
              rekey = unkey,
              set = {.kind = OP_SET,
                     .class_of = c->key,
                     .row = row,
                     .property = c->primary_key,
                     .value = *v};
    rekey.kind = OP_REKEY;
    rekey.hash = key_hash(txn->db, v);
    TRY(map64_put(&txn->rekeyed, c->key, 1));
    TRY(run(txn, &unkey));
    TRY(run(txn, &set));
    return run(txn, &rekey);
}

/* Fills in only what a set has: clearing the room of the others would take longer than the change itself. */
static status write_set(model_txn *txn, class_key c, row_key row, property_key p, const value *v)
{
    operation o;
    o.kind = OP_SET;
    o.class_of = c;
    o.row = row;
    o.property = p;
    o.value = *v;
    o.is_default = txn->is_default;
    return run(txn, &o);
}

static status set_value(model_txn *txn, class_key c, row_key row, property_key p, const value *v)
{
    const model_class *class_of = NULL;
    const model_property *property = NULL;
    TRY(txn_usable(txn));
    TRY(need_property(txn->view, c, p, &class_of, &property));
    TRY(check_set(txn, class_of, row, property));
    TRY(check_value(txn, class_of, property, v));
    if ((property->flags & PROPERTY_PRIMARY_KEY) != 0) {
        value old;
        TRY(model_get_raw(txn->view, c, row, p, &old));
        if (value_equal(&old, v)) return ATOLL_OK;
        if (txn->migrates) return change_key(txn, class_of, row, &old, v);
        return fail(ATOLL_ERROR_PRIMARY_KEY_IMMUTABLE,
                    "the primary key '%s.%s' cannot be changed; create another object",
                    class_of->name, property->name);
    }
    if (property->type == VALUE_EMBEDDED) TRY(replace_embedded(txn, class_of, row, property, v));
    value made = *v;
    if (property->type == VALUE_MIXED) TRY(replace_nested(txn, class_of, row, property, &made));
    return write_set(txn, c, row, p, &made);
}

static status increment(model_txn *txn, class_key c, row_key row, property_key p, int64_t delta)
{
    const model_class *class_of = NULL;
    const model_property *property = NULL;
    value now;
    TRY(txn_usable(txn));
    TRY(need_property(txn->view, c, p, &class_of, &property));
    TRY(check_set(txn, class_of, row, property));
    if (property->type != VALUE_INT)
        return fail(ATOLL_ERROR_TYPE_MISMATCH,
                    "property '%s.%s' is of type %s; only an int can be incremented",
                    class_of->name, property->name, value_type_name(property->type));
    if ((property->flags & PROPERTY_PRIMARY_KEY) != 0)
        return fail(ATOLL_ERROR_PRIMARY_KEY_IMMUTABLE,
                    "the primary key '%s.%s' cannot be changed; create another object",
                    class_of->name, property->name);
    TRY(model_get_raw(txn->view, c, row, p, &now));
    if (now.type == VALUE_NULL)
        return fail(ATOLL_ERROR_NULL_NOT_ALLOWED,
                    "'%s.%s' is null; set it to a number before it is incremented", class_of->name,
                    property->name);
    return run(txn, &(operation){.kind = OP_INCREMENT,
                                 .class_of = c,
                                 .row = row,
                                 .property = p,
                                 .value = value_int(delta)});
}

/* ---- embedded objects ---- */
/* Deleting and sending follow what is embedded level by level. */
static status check_embedding(const model_txn *txn, const model_owner *owner)
{
    model_owner at = *owner;
    const model_class *c = NULL;
    for (int depth = 1;; depth++) {
        TRY(need_class(txn->view, at.class_of, &c));
        if (c->kind != CLASS_EMBEDDED) return ATOLL_OK;
        if (depth == LIMIT_EMBEDDING_MAX)
            return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                        "objects of class '%s' are embedded more than %d deep in each other",
                        c->name, LIMIT_EMBEDDING_MAX);
        TRY(model_owner_get(txn->view, at.class_of, at.row, &at));
    }
}

static bool in_slot(const model_txn *txn, const model_owner *owner)
{
    const model_class *c = schema_class(txn->writer.schema, owner->class_of);
    const model_property *p = c == NULL ? NULL : class_property(c, owner->property);
    return p != NULL && (p->flags & PROPERTY_COLLECTION) == 0;
}

status write_embedded(model_txn *txn, class_key c, const model_owner *owner, row_key *out,
                      uint8_t id[16])
{
    const model_class *class_of = NULL;
    operation o = {.kind = OP_OWNER, .class_of = c, .owner = *owner};
    TRY(need_class(txn->view, c, &class_of));
    TRY(check_embedding(txn, owner));
    bool asymmetric = is_asymmetric(txn, owner->class_of, owner->row);
    if (txn->db->options.identity_rows && !asymmetric && in_slot(txn, owner))
        TRY(identity_of_place(txn->view, c, owner, o.id));
    else
        identity_random(txn, o.id);
    bool silent = txn->silent;
    txn->silent = silent || asymmetric;
    status result = make_row(txn, class_of, NULL, ROW_ALIVE, &o.row);
    if (result == ATOLL_OK) result = run(txn, &o);
    txn->silent = silent;
    TRY(result);
    memcpy(id, o.id, 16);
    *out = o.row;
    return ATOLL_OK;
}

static status set_embedded(model_txn *txn, class_key c, row_key row, property_key p, row_key *out)
{
    const model_class *class_of = NULL;
    const model_property *property = NULL;
    value null = value_null(), v = {.type = VALUE_EMBEDDED};
    uint8_t id[16];
    TRY(txn_usable(txn));
    TRY(need_property(txn->view, c, p, &class_of, &property));
    TRY(check_set(txn, class_of, row, property));
    if (property->type != VALUE_EMBEDDED)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "property '%s.%s' holds no embedded object",
                    class_of->name, property->name);
    TRY(replace_embedded(txn, class_of, row, property, &null));
    TRY(write_embedded(txn, property->target,
                       &(model_owner){.class_of = c, .row = row, .property = p}, &v.as.row, id));
    TRY(run(txn, &(operation){.kind = OP_SET,
                              .class_of = c,
                              .row = row,
                              .property = p,
                              .value = v,
                              .is_default = txn->is_default}));
    *out = v.as.row;
    return ATOLL_OK;
}

/* What is embedded never changes its place: else it could come to hold itself, or be taken from an object that the one
 * who says so may not write. */
static status check_owner(const model_txn *txn, const model_class *c, row_key row,
                          const model_owner *owner)
{
    model_owner now;
    TRY(model_owner_get(txn->view, c->key, row, &now));
    if (now.class_of == owner->class_of && now.row == owner->row && now.property == owner->property)
        return ATOLL_OK;
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "an embedded object of class '%s' belongs to another place already", c->name);
}

static status put_embedded(model_txn *txn, class_key c, const uint8_t id[16],
                           const model_owner *owner, row_key *out)
{
    const model_class *class_of = NULL;
    const model_class *owner_class = NULL;
    row_key row = 0;
    TRY(check_class_write(txn, c, &class_of));
    TRY(need_class(txn->view, owner->class_of, &owner_class));
    if (class_of->kind != CLASS_EMBEDDED)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "class '%s' is not embedded", class_of->name);
    TRY(model_embedded_find(txn->view, c, id, &row));
    uint8_t state = ROW_DEAD;
    if (row != 0) TRY(row_state(txn->view, c, row, &state));
    if (row != 0) TRY(check_owner(txn, class_of, row, owner));
    TRY(check_embedding(txn, owner));
    TRY(identity_check(txn->view, id, owner));
    if (row == 0)
        TRY(make_row(txn, class_of, NULL, ROW_ALIVE, &row));
    else if (state != ROW_ALIVE)
        TRY(write_life(txn, c, row, state, ROW_ALIVE));
    operation o = {.kind = OP_OWNER, .class_of = c, .row = row, .owner = *owner};
    memcpy(o.id, id, 16);
    TRY(run(txn, &o));
    *out = row;
    return ATOLL_OK;
}

/* ---- the public calls: one that fails half-way leaves the transaction fit only for a rollback ---- */
status model_create(model_txn *txn, class_key c, const value *key, row_key *out)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, create(txn, c, key, out));
}

status model_ghost(model_txn *txn, class_key c, const value *key, row_key *out)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, make_ghost(txn, c, key, out));
}

status model_delete(model_txn *txn, class_key c, row_key row)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, delete_row(txn, c, row));
}

status model_hide(model_txn *txn, class_key c, row_key row, bool hidden)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, hide_row(txn, c, row, hidden));
}

status model_set(model_txn *txn, class_key c, row_key row, property_key p, const value *v)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, set_value(txn, c, row, p, v));
}

status model_set_nested(model_txn *txn, class_key c, row_key row, property_key p, const value *v)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, set_nested(txn, c, row, p, v));
}

status model_increment(model_txn *txn, class_key c, row_key row, property_key p, int64_t delta)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, increment(txn, c, row, p, delta));
}

status model_set_embedded(model_txn *txn, class_key c, row_key row, property_key p, row_key *out)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, set_embedded(txn, c, row, p, out));
}

status model_embedded_put(model_txn *txn, class_key c, const uint8_t id[16],
                          const model_owner *owner, row_key *out)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, put_embedded(txn, c, id, owner, out));
}
