#ifndef ATOLL_SERVER_APPLY_H
#define ATOLL_SERVER_APPLY_H
#include "server/app.h"

/* Inside of applying a batch: rows and their fields (apply.c), the order of its parts and the commit (apply_batch.c). */
typedef struct later_check {
    class_key class_of;
    row_key row;
    uint64_t place;          /* of the root in the batch */
    const char *not_in_view; /* the reason if no view has it; NULL: it need not be in one */
    bool written;            /* the role has to allow it */
} later_check;

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
    /* A condition that reads more than fields of one value is asked when all of the batch is in the transaction. What it
     * refuses then (the reason by the root's place in the batch) is refused from the start when the batch is applied again. */
    const model_view *before; /* of the state before the batch; NULL: no such condition */
    uint64_t place;
    VECTOR(later_check) later;
    map64 refused_later;
    unsigned rounds;
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
/* apply_batch.c: the record and the transaction; the roots of one message. Its txn ends elsewhere. */
status batch_begin(batch_apply *a, const wire_upload *first) MUST_CHECK;
bool batch_judges_plainly(
    const judging_views *views); /* message by message, not when all is there */
status batch_part(batch_apply *a, const wire_upload *u) MUST_CHECK;
void batch_free(batch_apply *a);
/* apply_early.c: what of the app changes with a transaction that is open for several messages. */
typedef struct app_state {
    uint64_t clock, ingest_position, ingest_bytes;
    struct mark_cache *marks;
    struct place_index *places;
} app_state;
void app_state_swap(server_app *app, app_state *s);
void app_state_free(server_app *app, app_state *s);
/* What is applied of the batch but its last message becomes the caller's. False: nothing, and then it is dropped. */
bool early_take(server_app *app, const staged_batch *b, batch_apply *a, size_t *parts,
                app_state *state);
status apply_outcome(batch_apply *a, class_key c, row_key row, uint64_t life,
                     bool reverted) MUST_CHECK;
/* Takes the fields that win; what was set before what was added to it. */
status apply_fields(batch_apply *a, wire_rows *rows, size_t i, field_target *t) MUST_CHECK;
bool apply_is_plain(const batch_apply *a, class_key c); /* no condition is for later */
status apply_group(batch_apply *a, wire_rows *rows) MUST_CHECK;
/* May the session make this object, which was never here? seen: its view lets every object of the class through. Not
 * *allowed: no, or it is not told so easily. */
status judge_new(batch_apply *a, wire_rows *rows, size_t i, const model_class *c, bool seen,
                 bool *allowed) MUST_CHECK;
/* The writer has it, though no query of its view leads there: it is told by name. */
status note_outside(batch_apply *a, const model_class *c, row_key row,
                    const row_mark *mark) MUST_CHECK;

/* apply_run.c: the new objects of a group, in runs. */
typedef struct upload_column {
    wire_column *column;
    const model_property *property;
} upload_column;
typedef struct upload_run {
    batch_apply *a;
    wire_rows *rows;
    const model_class *c;
    bool seen,
        inside;  /* every object of the class is in some view that may allow it; in all in force */
    size_t next; /* the row from which on it is worth while to try */
    value *values; /* of keys, then of each column */
    size_t count;
    upload_column from[MODEL_RUN_COLUMNS_MAX];
    model_run_column columns[MODEL_RUN_COLUMNS_MAX];
    VECTOR(wire_column *) alone; /* a row that has something in one of these is not for a run */
} upload_run;
status upload_run_begin(upload_run *r, batch_apply *a, wire_rows *rows,
                        const model_class *c) MUST_CHECK;
status upload_run_take(upload_run *r, size_t i, size_t *taken)
    MUST_CHECK; /* rows from i on; 0: row i is to be taken alone */
void upload_run_end(upload_run *r);
#endif
