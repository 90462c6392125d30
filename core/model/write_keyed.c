/* Writing sets and dictionaries: value or key → position in order, then one operation. It must never change a cell itself.
 * Invariant: a value or key is in its collection once; one that was erased is revived in its place. */
#include "model/engine.h"

typedef struct keyed_place {
    collection_place at;
    list_element element; /* if it is there, erased or not */
    uint64_t position;    /* where it is or belongs */
    bool there;
} keyed_place;

static status find_keyed(model_txn *txn, class_key c, row_key row, property_key p, const value *v,
                         const bytes *key, keyed_place *out)
{
    keyed_place k = {.position = 0};
    TRY(collection_place_find(txn, c, row, p, key == NULL ? PROPERTY_SET : PROPERTY_DICTIONARY,
                              &k.at));
    if (k.at.cell != NULL)
        TRY(list_cell_find(k.at.store, k.at.cell, v, key, &k.there, &k.position));
    if (k.there) TRY(list_cell_element(k.at.store, k.at.cell, k.position, &k.element));
    *out = k;
    return ATOLL_OK;
}

static bool is_held(const keyed_place *k)
{
    return k->there && !k->element.erased;
}

static operation put_operation(model_txn *txn, const keyed_place *k)
{
    return k->there ? collection_replacement(txn, &k->at, k->position, &k->element)
                    : collection_insertion(txn, &k->at, k->position);
}

/* ---- sets ---- */
static status set_insert(model_txn *txn, class_key c, row_key row, property_key p, const value *v,
                         bool *added)
{
    keyed_place k;
    TRY(find_keyed(txn, c, row, p, v, NULL, &k));
    TRY(check_value(txn, k.at.model, k.at.property, v));
    *added = !is_held(&k);
    if (!*added) return ATOLL_OK;
    operation o = put_operation(txn, &k);
    o.element.value = *v;
    return txn_operation(txn, &o);
}

static status keyed_erase(model_txn *txn, class_key c, row_key row, property_key p, const value *v,
                          const bytes *key, bool *removed)
{
    keyed_place k;
    TRY(find_keyed(txn, c, row, p, v, key, &k));
    *removed = is_held(&k);
    return *removed ? collection_erase(txn, &k.at, k.position, &k.element) : ATOLL_OK;
}

/* ---- dictionaries ---- */
static status check_dictionary_key(const keyed_place *k, bytes key)
{
    const char *what = NULL;
    if (key.size > LIMIT_DICTIONARY_KEY_SIZE_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "a key of '%s.%s' has %zu bytes; at most %d are allowed", k->at.model->name,
                    k->at.property->name, key.size, LIMIT_DICTIONARY_KEY_SIZE_MAX);
    if (!utf8_is_valid(key))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a key for '%s.%s' is not valid UTF-8",
                    k->at.model->name, k->at.property->name);
    if (key.size != 0 && key.data[0] == '$') what = "begins with '$'";
    if (key.size != 0 && memchr(key.data, '.', key.size) != NULL) what = "contains '.'";
    if (what == NULL) return ATOLL_OK;
    return fail(ATOLL_ERROR_NOT_SUPPORTED, "the key '%.*s' for '%s.%s' %s, which is not supported",
                (int)(key.size > 200 ? 200 : key.size), (const char *)key.data, k->at.model->name,
                k->at.property->name, what);
}

static status find_for_put(model_txn *txn, class_key c, row_key row, property_key p,
                           const bytes *key, keyed_place *out)
{
    TRY(find_keyed(txn, c, row, p, NULL, key, out));
    return check_dictionary_key(out, *key);
}

static status delete_old(model_txn *txn, const keyed_place *k)
{
    return is_held(k) ? nested_delete(txn, k->at.property, &k->element.value) : ATOLL_OK;
}

static status dictionary_put(model_txn *txn, class_key c, row_key row, property_key p, bytes key,
                             const value *v)
{
    keyed_place k;
    TRY(find_for_put(txn, c, row, p, &key, &k));
    if (v->type != VALUE_NULL) TRY(collection_check_kind(&k.at, false));
    TRY(check_value(txn, k.at.model, k.at.property, v));
    operation o = put_operation(txn, &k);
    memset(o.element.embedded, 0, sizeof o.element.embedded);
    TRY(delete_old(txn, &k));
    o.element.value = *v;
    o.element.key = key;
    TRY(collection_make_nested(txn, &k.at, &o));
    return txn_operation(txn, &o);
}

static status dictionary_put_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                                      bytes key, row_key *out)
{
    keyed_place k;
    TRY(find_for_put(txn, c, row, p, &key, &k));
    TRY(collection_check_kind(&k.at, true));
    operation o = put_operation(txn, &k);
    TRY(delete_old(txn, &k));
    TRY(collection_make_embedded(txn, &k.at, &o));
    o.element.key = key;
    TRY(txn_operation(txn, &o));
    *out = o.element.value.as.row;
    return ATOLL_OK;
}

/* ---- the public calls: one that fails half-way leaves the transaction fit only for a rollback ---- */
status model_set_insert(model_txn *txn, class_key c, row_key row, property_key p, const value *v,
                        bool *added)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, set_insert(txn, c, row, p, v, added));
}

status model_set_erase(model_txn *txn, class_key c, row_key row, property_key p, const value *v,
                       bool *removed)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, keyed_erase(txn, c, row, p, v, NULL, removed));
}

status model_dictionary_put(model_txn *txn, class_key c, row_key row, property_key p, bytes key,
                            const value *v)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, dictionary_put(txn, c, row, p, key, v));
}

status model_dictionary_put_embedded(model_txn *txn, class_key c, row_key row, property_key p,
                                     bytes key, row_key *out)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, dictionary_put_embedded(txn, c, row, p, key, out));
}

status model_dictionary_erase(model_txn *txn, class_key c, row_key row, property_key p, bytes key,
                              bool *removed)
{
    uint64_t before = txn->operations;
    return txn_settle(txn, before, keyed_erase(txn, c, row, p, NULL, &key, removed));
}
