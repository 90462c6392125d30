#ifndef ATOLL_SERVER_APPLY_H
#define ATOLL_SERVER_APPLY_H
#include "server/app.h"

/* Inside of applying a batch: rows and their fields (apply.c), the order of its parts and the commit (apply_batch.c). */
typedef struct batch_apply {
    server_app *app;
    model_txn *txn;
    const server_view *view; /* the one in force: it tells the partition */
    const judging_views *views;
    uint64_t ident, version, limit; /* limit: no stamp is later than the server's now */
    ident_record record;
    bool broken_list; /* of the object under way */
    /* Sets of roots, a bit each: that the batch named; of those, that were not taken; that are in the outcome; in which an
     * embedded object was written that may not be. And rows of embedded classes that are done, by their place in the batch. */
    map64 named, refused, outcome, forbidden, placed;
} batch_apply;

typedef struct field_target {
    const model_class *c;
    row_key row;
    row_mark *mark;
    bool is_root;
    row_mark before; /* borrowed, for the leave record: of the life that was there */
    uint64_t base;   /* what the writer had integrated */
    bool *lost;
} field_target;

static inline uint64_t root_name(class_key c, row_key row)
{
    return (uint64_t)c << 44 ^ row;
}
status apply_outcome(batch_apply *a, class_key c, row_key row, uint64_t life,
                     bool reverted) MUST_CHECK;
/* Takes the fields that win; what was set before what was added to it. */
status apply_fields(batch_apply *a, wire_rows *rows, size_t i, field_target *t) MUST_CHECK;
status apply_group(batch_apply *a, wire_rows *rows) MUST_CHECK;
#endif
