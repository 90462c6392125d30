/* Collections in mixed values: a list or a dictionary in one is a row of a hidden embedded class with one property, its
 * items. It must never be seen as a class of the app. Invariant: the row lives exactly as long as the value that names
 * it, so a value is never in two places, and its owners lead to an object of the app in at most LIMIT_NESTING_MAX steps. */
#include "model/engine.h"

bool nested_is(const value *v)
{
    return v->type == VALUE_LIST || v->type == VALUE_DICTIONARY;
}

static bool is_hidden(const model_view *view, class_key c)
{
    const model_class *class_of = schema_class(&view->schema->schema, c);
    return class_of != NULL && schema_class_is_hidden(class_of);
}

static status check_depth(const model_txn *txn, const model_owner *owner)
{
    model_owner at = *owner;
    for (int depth = 1; is_hidden(txn->view, at.class_of); depth++) {
        if (depth == LIMIT_NESTING_MAX)
            return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                        "lists and dictionaries are nested more than %d deep in a mixed value",
                        LIMIT_NESTING_MAX);
        TRY(model_owner_get(txn->view, at.class_of, at.row, &at));
    }
    return ATOLL_OK;
}

status nested_make(model_txn *txn, const model_owner *owner, value *v)
{
    uint8_t id[16];
    const char *name = v->type == VALUE_LIST ? SCHEMA_HIDDEN_LIST : SCHEMA_HIDDEN_DICTIONARY;
    if (!nested_is(v)) return ATOLL_OK;
    const model_class *c = schema_class_named(txn->writer.schema, bytes_text(name));
    if (c == NULL)
        return fail(ATOLL_ERROR_INTERNAL, "the schema has a mixed property and no class %s", name);
    TRY(check_depth(txn, owner));
    class_key key = c->key;
    row_key row = 0;
    TRY(write_embedded(txn, key, owner, &row, id));
    v->as.link.class_of = key;
    v->as.link.row = row;
    return ATOLL_OK;
}

bool nested_owned(const model_property *p, const value *v, class_key *c, row_key *row)
{
    bool embedded = v->type == VALUE_EMBEDDED;
    if (!embedded && !nested_is(v)) return false;
    *c = embedded ? p->target : v->as.link.class_of;
    *row = embedded ? v->as.row : v->as.link.row;
    return true;
}

status nested_delete(model_txn *txn, const model_property *p, const value *v)
{
    class_key c = 0;
    row_key row = 0;
    return nested_owned(p, v, &c, &row) ? write_delete(txn, c, row) : ATOLL_OK;
}
