#ifndef ATOLL_SYNC_TRAIL_H
#define ATOLL_SYNC_TRAIL_H
#include "sync/pending.h"

/* The names of commits that added to counters or made asymmetric objects. Copies of a folder have those of their common past
 * under the same names, and the server knows which names it has: so each counts once, whichever copy sends it. */
typedef VECTOR(uint64_t) trail_names;
/* Names the commit if there is something in it that counts. */
status trail_fold(model_txn *txn, sync_state *state, const local_commit *commit) MUST_CHECK;
status trail_put(model_txn *txn, uint64_t version, uint64_t name) MUST_CHECK;
/* Of what is unsent, or not acknowledged, in the order of their versions; the newest TRAIL_NAMES_MAX. */
enum { TRAIL_NAMES_MAX = 1 << 18 };
status trail_through(model_db *db, uint64_t bound, trail_names *out) MUST_CHECK;
/* 0: no commit that is unsent has it. */
status trail_find(model_db *db, uint64_t name, uint64_t *version) MUST_CHECK;
status trail_acknowledge(model_txn *txn, model_db *db, uint64_t bound) MUST_CHECK;

/* What a field had added to it, commit by commit: before anything is folded over the end of a common past. */
status trail_part(pending_entry *e, property_key p, uint64_t version, int64_t added,
                  uint64_t sent_bound) MUST_CHECK;
void trail_drop_parts(pending_entry *e, property_key p);         /* The field was set. */
void trail_parts_acknowledged(pending_entry *e, uint64_t bound); /* and those of no field */
/* Another copy sent everything up to that version: here it counts as acknowledged. */
status trail_shared(model_txn *txn, model_db *db, uint64_t version) MUST_CHECK;
#endif
