#ifndef ATOLL_SYNC_REMEMBER_H
#define ATOLL_SYNC_REMEMBER_H
#include "sync/pending.h"

/* What this copy sent and the server acknowledged, as long as a backup that is restored may lack it (design rule 11), and the
 * line of the server's history as this copy saw it. In the side table: a record a batch, folded when there are many. */
typedef struct remembered_field {
    property_key property;
    uint64_t version; /* of the server, that acknowledged it */
} remembered_field;
typedef struct remembered_row {
    class_key class_of;
    row_key row;
    uint64_t version;          /* the newest of it */
    uint64_t created, deleted; /* server versions, 0: not by this copy */
    uint64_t seconds;          /* when, by this device's clock */
    VECTOR(remembered_field) fields;
} remembered_row;

/* Call it before pending_acknowledge, with the same bound. *count: records there are; 0 at first. */
status remember_batch(model_txn *txn, model_db *db, uint64_t bound, uint64_t version,
                      int64_t now_ms, uint64_t keep_ms, size_t *count) MUST_CHECK;
/* The same for a batch that a reset found applied: put aside until that reset ends, or the next begins, since the reset itself
 * must not take it for lost. Call it before pending_acknowledge. */
status remember_aside(model_txn *txn, model_db *db, uint64_t bound, uint64_t version,
                      int64_t now_ms) MUST_CHECK;
status remember_no_longer_aside(model_txn *txn, model_db *db) MUST_CHECK;
/* Rows of which something was acknowledged after that version, folded: each once. */
status remember_after(model_db *db, uint64_t version,
                      status (*each)(void *context, const remembered_row *r),
                      void *context) MUST_CHECK;
/* What lies after the version is unsent again, or of no use: its records go. */
status remember_forget_after(model_txn *txn, model_db *db, uint64_t version) MUST_CHECK;

/* The stretches of the server's history that this copy was bound in, the newest last. Where a reset left one, it ends here,
 * though in another copy of the server's data it may go on. */
typedef struct remembered_epoch {
    uint64_t id, last; /* last: UINT64_MAX: no reset left it */
} remembered_epoch;
typedef VECTOR(remembered_epoch) remembered_line;
status remember_line(model_db *db, remembered_line *out) MUST_CHECK; /* caller frees the vector */
status remember_epoch(model_txn *txn, model_db *db, uint64_t epoch) MUST_CHECK;
/* The line leaves `common` at `last` (0: nothing is common), and goes on in `epoch`. */
status remember_turn(model_txn *txn, model_db *db, uint64_t common, uint64_t last,
                     uint64_t epoch) MUST_CHECK;
#endif
