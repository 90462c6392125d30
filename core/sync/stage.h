#ifndef ATOLL_SYNC_STAGE_H
#define ATOLL_SYNC_STAGE_H
#include "model/model.h"

/* Download groups that are large, or are published in slices, lie in the side table as they came, message by message, until
 * the last slice of them is published. */
enum { STAGE_POSITION_MAX = 200 };
typedef struct stage_record {
    uint64_t ident, epoch; /* of whom they were sent to */
    uint64_t count;        /* messages; 0: there is nothing */
    bool complete, sweep;
    uint64_t to, view_version, clock; /* of the last message, when it is complete */
    uint64_t next, row; /* the first row that is not published: message and number in it */
    uint64_t sweep_class, sweep_row; /* the same, of the sweep after them */
    uint64_t
        resumable; /* not complete: behind so many messages the server can go on; 0: it can't */
    uint8_t position[STAGE_POSITION_MAX]; /* what it is to be told for that */
    size_t position_size;
} stage_record;
status stage_read(model_db *db, stage_record *out) MUST_CHECK; /* zeros: there is none */
status stage_write(model_txn *txn, const stage_record *r) MUST_CHECK;
/* The message is the next one, of the group that r tells of: stage_write it in the same transaction. */
status stage_add(model_txn *txn, stage_record *r, bytes message) MUST_CHECK;
status stage_cut(model_txn *txn, stage_record *r) MUST_CHECK; /* back to what is resumable */
status stage_message(model_db *db, uint64_t number, buffer *out) MUST_CHECK;
status stage_drop(model_txn *txn, uint64_t count) MUST_CHECK; /* record and messages */
#endif
