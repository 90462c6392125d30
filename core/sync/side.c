/* Walks over the client's side table, by kind of key. It must never know what a record means. Invariant: what is walked over
 * is what was committed; a transaction's own changes are not seen. */
#include "sync/side.h"

status side_each(model_db *db, char kind, side_visitor each, void *context)
{
    const uint8_t from[2] = {'c', (uint8_t)kind}, to[2] = {'c', (uint8_t)(kind + 1)};
    storage_iterator *i = NULL;
    bytes key, value;
    TRY(model_side_iterate(db, bytes_of(from, 2), bytes_of(to, 2), &i));
    status result = ATOLL_OK;
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value))
        result = each(context, key, value);
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    storage_iterator_free(i);
    return result;
}

static status drop_one(void *context, bytes key, bytes value)
{
    (void)value;
    return model_side_delete(context, key);
}

status side_drop(model_txn *txn, model_db *db, char kind)
{
    return side_each(db, kind, drop_one, txn);
}
