#ifndef ATOLL_SYNC_SIDE_H
#define ATOLL_SYNC_SIDE_H
#include "model/model.h"

/* The client's keys in the side table: 'c', then one character for what they are about, then what tells them apart. */
typedef status (*side_visitor)(void *context, bytes key, bytes value);
/* Steps over every committed key of a kind, in their order, until an error. */
status side_each(model_db *db, char kind, side_visitor each, void *context) MUST_CHECK;
status side_drop(model_txn *txn, model_db *db, char kind) MUST_CHECK;
#endif
