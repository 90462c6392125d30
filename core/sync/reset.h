#ifndef ATOLL_SYNC_RESET_H
#define ATOLL_SYNC_RESET_H
#include "sync/integrate.h"
#include "sync/remember.h"

/* A client reset: the realm is bound anew, and what the server has then becomes the realm's state in one transaction, with
 * what is unsent recovered or given up. The record of it is in the side table, so that it goes on after a crash.
 *
 *   NONE ──begin──▶ DOWNLOADING ──apply──▶ UPLOADING ──all acknowledged──▶ NONE
 *                       ▲                      │
 *                       └────────begin─────────┘  (the server was restored again)                                       */
typedef enum reset_phase { RESET_NONE, RESET_DOWNLOADING, RESET_UPLOADING } reset_phase;
typedef struct reset_record {
    reset_phase phase;
    bool discard;
    bool copied;         /* what was acknowledged is the original's to remember */
    uint64_t in_a_row;   /* begun since the last one that was completed */
    uint64_t through;    /* UPLOADING: log version up to which everything must be acknowledged */
    uint64_t lost_after; /* acknowledged at later server versions: not there any more */
    uint64_t common;     /* the stretch of history in which that version is; 0: none */
    uint64_t began;      /* stamp at the begin of the stretch that follows on it; 0: not known */
    uint64_t as_of; /* the cursor that the reset found: the lost version that this copy is of */
    uint64_t previous_ident; /* and its batch in flight; 0: told to the server already */
    uint64_t previous_bound;
    uint8_t previous_secret[16], previous_batch[16];
} reset_record;
status reset_read(model_db *db, reset_record *out) MUST_CHECK; /* NONE when there is none */

/* One commit each: the old identity is given up; the new one is taken. */
status reset_begin(model_db *db, sync_state *state, reset_record *record, bool discard,
                   bool copied) MUST_CHECK;
status reset_bound(model_txn *txn, model_db *db, const wire_bound *b, int64_t now_ms,
                   reset_record *record) MUST_CHECK;
/* The complete view is staged: makes the realm equal to it. The caller commits, with the sync state. */
typedef struct reset_apply {
    integration *g;
    model_db *db;
    sync_state *state;
    reset_record *record;
    const platform *platform;
    VECTOR(uint64_t) began;      /* of every stretch of the history */
    VECTOR(pending_entry) names; /* class and row of what is pending */
    map64 named;
} reset_apply;
status reset_prepare(reset_apply *r) MUST_CHECK; /* before the rows are integrated */
status reset_finish(reset_apply *r,
                    uint64_t to) MUST_CHECK; /* after them: what was not told goes */
void reset_apply_end(reset_apply *r);
status reset_acknowledged(model_txn *txn, reset_record *record, uint64_t bound) MUST_CHECK;
#endif
