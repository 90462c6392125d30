#ifndef ATOLL_SYNC_PENDING_BLOCK_H
#define ATOLL_SYNC_PENDING_BLOCK_H
#include "sync/pending.h"

/* The pending table as it is kept: rows that were changed alike share one entry. For pending.c and the upload. */

enum { PENDING_BLOCK_ROWS = 256 };
typedef struct pending_block {
    class_key class_of;
    uint64_t number;                 /* rows from number * PENDING_BLOCK_ROWS */
    uint16_t at[PENDING_BLOCK_ROWS]; /* 0: nothing pending; else the shared entry at index + 1 */
    VECTOR(pending_entry) shared;    /* of no row of their own */
    uint64_t numbering;              /* another one whenever what `at` says changes its meaning */
    size_t *held;                    /* shared entries of all blocks of the transaction */
    bool stored, changed;
} pending_block;

/* The block as the transaction has it. What is changed in it is written before the commit. It holds until the next call. */
status pending_block_of(model_txn *txn, class_key c, uint64_t number,
                        pending_block **out) MUST_CHECK;
/* The place of an entry that says the same as e, which stays the caller's. */
status pending_block_share(pending_block *b, const pending_entry *e, uint16_t *at) MUST_CHECK;
void pending_block_set(pending_block *b, row_key row, uint16_t at);
static inline uint16_t pending_block_at(const pending_block *b, row_key row)
{
    return b->at[row % PENDING_BLOCK_ROWS];
}
/* A copy for that row, with fields of its own. */
status pending_entry_copy(const pending_entry *e, class_key c, row_key row,
                          pending_entry *out) MUST_CHECK;
/* Every committed block; each may change the transaction's. */
status pending_block_each(model_db *db, status (*each)(void *context, class_key c, uint64_t number),
                          void *context) MUST_CHECK;

/* What was claimed, wherever it is kept. */
bool pending_same_stamp(const claim_stamp *a, const claim_stamp *b);
status pending_claim_write(buffer *to, const claim_stamp *c) MUST_CHECK;
claim_stamp pending_claim_read(reader *r);

/* ---- everything pending at a moment, packed ---- */
typedef struct pending_snapshot {
    buffer blocks;
    uint64_t rows;
} pending_snapshot;
typedef struct pending_run {
    const pending_entry *entry; /* of all of them; its class and row say nothing */
    class_key class_of;
    row_key first;
    uint32_t count;
} pending_run;
typedef struct pending_cursor {
    size_t next;  /* block in the snapshot */
    uint32_t row; /* in the block that is open */
    bool open;
    pending_block block;
} pending_cursor;
status pending_snapshot_take(model_db *db,
                             pending_snapshot *out) MUST_CHECK; /* what is committed */
void pending_snapshot_free(pending_snapshot *s);
/* In order of class and row. *count 0: the end. The run holds until the next call. */
status pending_cursor_next(const pending_snapshot *s, pending_cursor *c,
                           pending_run *out) MUST_CHECK;
void pending_cursor_return(pending_cursor *c, uint32_t count); /* the last rows come again */
void pending_cursor_free(pending_cursor *c);
/* The same, once through what is committed. */
status pending_each_run(model_db *db, status (*each)(void *context, const pending_run *run),
                        void *context) MUST_CHECK;
#endif
