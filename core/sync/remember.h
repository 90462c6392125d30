#ifndef ATOLL_SYNC_REMEMBER_H
#define ATOLL_SYNC_REMEMBER_H
#include "sync/pending.h"

/* What this copy sent and the server acknowledged, as long as a backup that is restored may lack it (design rule 11), and the
 * line of the server's history as this copy saw it. In the side table: a record a batch, folded when there are many. */
typedef struct remembered_field {
    property_key property;
    uint64_t version; /* of the server, that acknowledged it */
    uint64_t set;     /* the same, of the last that was no increment; 0: it was only added to */
} remembered_field;
typedef struct remembered_increment {
    property_key property;
    uint64_t version;
    int64_t added;     /* after the last set */
    claim_stamp claim; /* a reset claimed it so: place 0: it was added then */
} remembered_increment;
typedef struct remembered_row {
    class_key class_of;
    row_key row;
    uint64_t version;          /* the newest of it */
    uint64_t created, deleted; /* server versions, 0: not by this copy */
    uint64_t seconds;          /* when, by this device's clock */
    VECTOR(remembered_field) fields;
    VECTOR(remembered_increment) increments; /* of a field: in the order of their versions */
} remembered_row;

/* Call it before pending_acknowledge, with the same bound. *count: records there are; 0 at first. */
status remember_batch(model_txn *txn, model_db *db, uint64_t bound, uint64_t version,
                      int64_t now_ms, uint64_t keep_ms, size_t *count) MUST_CHECK;
/* The same for a batch that a reset found applied in that stretch of history: put aside until that reset ends, since the
 * reset itself must not take it for lost. Call it before pending_acknowledge. */
typedef struct remembered_at {
    uint64_t epoch, version;
} remembered_at;
status remember_aside(model_txn *txn, model_db *db, uint64_t bound, remembered_at at,
                      int64_t now_ms) MUST_CHECK;
/* The reset ended: as what was acknowledged at the version that was told. */
status remember_no_longer_aside(model_txn *txn, model_db *db) MUST_CHECK;
/* Another reset took its place. *at, zeros when nothing is aside; then as what was acknowledged at that version. */
status remember_aside_at(model_db *db, remembered_at *at) MUST_CHECK;
status remember_aside_as(model_txn *txn, model_db *db, uint64_t version) MUST_CHECK;
/* Rows of which something was acknowledged after that version, folded: each once. */
status remember_after(model_db *db, uint64_t version,
                      status (*each)(void *context, const remembered_row *r),
                      void *context) MUST_CHECK;
/* What lies after the version is unsent again, or of no use: its records go. */
status remember_forget_after(model_txn *txn, model_db *db, uint64_t version) MUST_CHECK;

/* The stretches of the server's history that are in this copy, the newest last, as Bound told them. */
typedef struct remembered_epoch {
    uint64_t id, last; /* last: UINT64_MAX: it goes on */
} remembered_epoch;
typedef VECTOR(remembered_epoch) remembered_line;
status remember_line(model_db *db, remembered_line *out) MUST_CHECK; /* caller frees the vector */
/* Aside: until the reset under way ends; anew: it begins with what is told here. */
status remember_bound(model_txn *txn, model_db *db, const wire_bound *b, bool aside,
                      bool anew) MUST_CHECK;
/* The reset ended: the line that was put aside is the one. */
status remember_turn(model_txn *txn, model_db *db) MUST_CHECK;
#endif
