/* Objects of one realm made anew in another: how a local realm becomes one that syncs, whose rows and elements have identities
 * of their own. It must never change the source. Invariant: what is made is pending, as if the app had written it there; links
 * lead to the object of the same key. */
#include "model/engine.h"

enum { ROWS_A_COMMIT = 2000 };

typedef struct conversion {
    model_view *from;
    model_db *to;
    model_txn *txn;
    size_t rows; /* in this transaction */
} conversion;

static const model_class *class_there(const conversion *k, const model_class *c)
{
    return schema_class_named(model_view_schema(model_txn_view(k->txn)), bytes_text(c->name));
}

static status commit_rows(conversion *k)
{
    model_txn *txn = k->txn;
    k->txn = NULL;
    k->rows = 0;
    return txn == NULL ? ATOLL_OK : model_commit(txn, NULL);
}

static status row_done(conversion *k)
{
    if (++k->rows < ROWS_A_COMMIT) return ATOLL_OK;
    TRY(commit_rows(k));
    return model_begin(k->to, COMMIT_LOCAL, &k->txn);
}

/* 0: it is not alive. */
static status row_there(const conversion *k, class_key c, row_key row, const model_class **there,
                        row_key *out)
{
    const model_class *here = schema_class(model_view_schema(k->from), c);
    value key;
    *there = here == NULL ? NULL : class_there(k, here);
    *out = 0;
    if (*there == NULL || !model_alive(k->from, c, row)) return ATOLL_OK;
    TRY(model_get(k->from, c, row, here->primary_key, &key));
    return model_find(model_txn_view(k->txn), (*there)->key, &key, out);
}

/* Links become those of the other realm; what leads nowhere is null. */
static status value_there(const conversion *k, class_key target, value *v)
{
    const model_class *there;
    row_key row = 0;
    if (v->type == VALUE_LINK) {
        TRY(row_there(k, target, v->as.row, &there, &row));
        *v = row == 0 ? value_null() : (value){.type = VALUE_LINK, .as.row = row};
    } else if (v->type == VALUE_TYPED_LINK) {
        TRY(row_there(k, v->as.link.class_of, v->as.link.row, &there, &row));
        *v = row == 0 ? value_null()
                      : (value){.type = VALUE_TYPED_LINK, .as.link = {row, there->key}};
    }
    return ATOLL_OK;
}

typedef struct place { /* a property of a row, or a collection: here and there */
    class_key c, c_there;
    row_key row, row_there;
    const model_property *p, *p_there;
} place;

static status copy_properties(conversion *k, class_key c, row_key row, class_key c_there,
                              row_key row_to);

static bool is_nested(const value *v)
{
    return v->type == VALUE_LIST || v->type == VALUE_DICTIONARY;
}

static status copy_collection(conversion *k, const place *at);

/* v: the collection in a mixed value here; made: the empty one that was put there. */
static status copy_nested(conversion *k, const value *v, const value *made)
{
    const model_class *here = schema_class(model_view_schema(k->from), v->as.link.class_of);
    const model_class *there =
        schema_class(model_view_schema(model_txn_view(k->txn)), made->as.link.class_of);
    place at = {here->key,
                there->key,
                v->as.link.row,
                made->as.link.row,
                class_property(here, SCHEMA_HIDDEN_ITEMS),
                class_property(there, SCHEMA_HIDDEN_ITEMS)};
    return copy_collection(k, &at);
}

/* ---- collections ---- */

typedef struct elements {
    conversion *k;
    const place *at;
    uint64_t count;
    status result;
} elements;

static status put_embedded(conversion *k, const place *at, uint64_t index, bytes key, row_key row)
{
    row_key made = 0;
    if ((at->p->flags & PROPERTY_DICTIONARY) != 0)
        TRY(model_dictionary_put_embedded(k->txn, at->c_there, at->row_there, at->p_there->key, key,
                                          &made));
    else
        TRY(model_list_insert_embedded(k->txn, at->c_there, at->row_there, at->p_there->key, index,
                                       &made));
    return copy_properties(k, at->p->target, row, at->p_there->target, made);
}

static status put_element(conversion *k, const place *at, uint64_t index, bytes key, value v)
{
    class_key c = at->c_there;
    row_key row = at->row_there;
    property_key p = at->p_there->key;
    bool added = false, found = false;
    if (v.type == VALUE_EMBEDDED) return put_embedded(k, at, index, key, v.as.row);
    value here = v;
    TRY(value_there(k, at->p->target, &v));
    if (is_nested(&v)) v.as.link.row = 0;
    if ((at->p->flags & PROPERTY_SET) != 0) return model_set_insert(k->txn, c, row, p, &v, &added);
    if ((at->p->flags & PROPERTY_DICTIONARY) != 0) {
        TRY(model_dictionary_put(k->txn, c, row, p, key, &v));
        if (!is_nested(&here)) return ATOLL_OK;
        TRY(model_dictionary_find(model_txn_view(k->txn), c, row, p, key, &found, NULL, &v));
        return copy_nested(k, &here, &v);
    }
    TRY(model_list_insert(k->txn, c, row, p, index, &v));
    if (!is_nested(&here)) return ATOLL_OK;
    TRY(model_list_get(model_txn_view(k->txn), c, row, p, index, &v, NULL));
    return copy_nested(k, &here, &v);
}

static bool next_element(void *context, uint64_t index, bytes key, const value *v)
{
    elements *e = context;
    (void)index;
    e->result = put_element(e->k, e->at, e->count++, key, *v);
    return e->result == ATOLL_OK;
}

static status copy_collection(conversion *k, const place *at)
{
    elements e = {.k = k, .at = at};
    status result = model_collection_each(k->from, at->c, at->row, at->p->key, next_element, &e);
    return result != ATOLL_OK ? result : e.result;
}

/* ---- objects ---- */

static status copy_property(conversion *k, const place *at)
{
    value v, made;
    if ((at->p->flags & PROPERTY_COLLECTION) != 0) return copy_collection(k, at);
    TRY(model_get(k->from, at->c, at->row, at->p->key, &v));
    if (v.type == VALUE_NULL) return ATOLL_OK;
    if (v.type == VALUE_EMBEDDED) {
        row_key row = 0;
        TRY(model_set_embedded(k->txn, at->c_there, at->row_there, at->p_there->key, &row));
        return copy_properties(k, at->p->target, v.as.row, at->p_there->target, row);
    }
    value here = v;
    TRY(value_there(k, at->p->target, &v));
    if (is_nested(&v)) v.as.link.row = 0;
    TRY(model_set(k->txn, at->c_there, at->row_there, at->p_there->key, &v));
    if (!is_nested(&here)) return ATOLL_OK;
    TRY(model_get(model_txn_view(k->txn), at->c_there, at->row_there, at->p_there->key, &made));
    return copy_nested(k, &here, &made);
}

static status copy_properties(conversion *k, class_key c, row_key row, class_key c_there,
                              row_key row_to)
{
    const model_class *here = schema_class(model_view_schema(k->from), c);
    for (size_t i = 0; i < here->property_count; i++) {
        const model_property *p = &here->properties[i];
        const model_class *there = schema_class(model_view_schema(model_txn_view(k->txn)), c_there);
        place at = {c, c_there, row, row_to, p, class_property_named(there, bytes_text(p->name))};
        if ((p->flags & PROPERTY_PRIMARY_KEY) == 0) TRY(copy_property(k, &at));
    }
    return ATOLL_OK;
}

static status copy_object(conversion *k, const model_class *c, row_key row, bool create)
{
    const model_class *there = class_there(k, c);
    row_key made = 0;
    value key;
    TRY(model_get(k->from, c->key, row, c->primary_key, &key));
    if (create) {
        TRY(model_create(k->txn, there->key, &key, &made));
    } else {
        TRY(model_find(model_txn_view(k->txn), there->key, &key, &made));
        TRY(copy_properties(k, c->key, row, there->key, made));
    }
    return row_done(k);
}

static status copy_class(conversion *k, const model_class *c, bool create)
{
    uint64_t cursor = 0;
    model_segment segment;
    status result = ATOLL_OK;
    while (model_scan(k->from, c->key, &cursor, &segment, &result)) {
        for (unsigned i = 0; i < MODEL_BLOCK_ROWS; i++) {
            if ((segment.alive[i / 64] >> (i % 64) & 1) == 0) continue;
            TRY(copy_object(k, c, segment.first + i, create));
        }
    }
    return result;
}

/* First every object, then what they hold: a link finds its target. */
static status copy_all(conversion *k)
{
    const model_schema *s = model_view_schema(k->from);
    TRY(model_begin(k->to, COMMIT_LOCAL, &k->txn));
    for (int create = 1; create >= 0; create--) {
        for (size_t i = 0; i < s->class_count; i++) {
            if (s->classes[i].kind != CLASS_NORMAL || schema_class_is_hidden(&s->classes[i]))
                continue;
            TRY(copy_class(k, &s->classes[i], create != 0));
        }
    }
    return commit_rows(k);
}

/* The classes by their names: keys and hidden classes are each realm's own. */
static status describe(const model_schema *from, model_schema *out)
{
    for (size_t i = 0; i < from->class_count; i++) {
        const model_class *c = &from->classes[i];
        size_t index = 0;
        if (schema_class_is_hidden(c)) continue;
        TRY(schema_add_class(out, bytes_text(c->name), c->kind, &index));
        for (size_t k = 0; k < c->property_count; k++) {
            const model_property *p = &c->properties[k];
            TRY(schema_add_property(out, index, bytes_text(p->name), p->type, p->flags,
                                    bytes_text(p->target_name == NULL ? "" : p->target_name)));
        }
    }
    return ATOLL_OK;
}

status model_copy_objects(model_db *db, storage *target, schema_use use)
{
    model_options options = db->options;
    model_schema schema = {0};
    conversion k = {.from = model_view_newest(db)};
    options.use = use;
    options.identity_rows = use != SCHEMA_LOCAL;
    options.durable = false;
    options.checkpoint_thread = false;
    status result = describe(model_view_schema(k.from), &schema);
    if (result != ATOLL_OK)
        storage_close(target);
    else
        result = model_open(target, &options, &schema, &k.to);
    schema_free(&schema);
    if (result == ATOLL_OK) result = copy_all(&k);
    if (k.txn != NULL) model_rollback(k.txn);
    if (result == ATOLL_OK) result = storage_sync(k.to->store);
    model_view_release(k.from);
    model_close(k.to);
    return result;
}
