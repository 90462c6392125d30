#ifndef ATOLL_SYNC_SUBSCRIPTION_INTERNAL_H
#define ATOLL_SYNC_SUBSCRIPTION_INTERNAL_H
#include "sync/subscription.h"

/* For the session: the set in force, and what became of the newest one. */
status subscription_set_active(model_db *db, subscription_set *out) MUST_CHECK;
/* Changes the state of the newest set if it still is that version; COMPLETE puts it in force. */
status subscription_set_settle(model_txn *txn, uint64_t version, subscription_state state,
                               const char *error) MUST_CHECK;
/* Puts a set in force that is not the newest any more. */
status subscription_set_activate(model_txn *txn, const subscription_set *s) MUST_CHECK;
/* The set that a staged download was sent for: it comes in force with the last slice, perhaps after a restart. */
status subscription_set_keep_staged(model_txn *txn, const subscription_set *s) MUST_CHECK;
status subscription_set_activate_staged(model_txn *txn, uint64_t version) MUST_CHECK;
/* A set that is not in force yet is given up for the one that is: a client reset that discards. */
status subscription_set_revert(model_txn *txn) MUST_CHECK;
/* The sets that were in force when something unsent was written: kept until all of it is acknowledged, so that the server
 * can judge those writes by what the writer saw then. */
status subscription_set_before(model_db *db, subscription_set *out) MUST_CHECK;
status
subscription_set_keep_before(model_txn *txn) MUST_CHECK; /* the one in force is about to change */
status subscription_set_drop_before(model_txn *txn) MUST_CHECK;
#endif
