#ifndef ATOLL_SYNC_INTEGRATE_H
#define ATOLL_SYNC_INTEGRATE_H
#include "sync/pending.h"
#include "sync/row_set.h"
#include "sync/rows.h"

/* Takes the server's rows into a client's realm, beside what is pending. One use is one transaction: a complete group of
 * downloads or a slice of it, or the outcome of a batch. */
typedef struct integration {
    model_txn *txn;
    uint64_t outcome_bound; /* of the acknowledgement whose outcome this is; 0: a download */
    uint64_t
        sent_bound; /* of the batch in flight; 0: none. What an entry says of another one is past: it never arrived */
    row_set *told;   /* roots that the group named, for the sweep; NULL: nobody asks */
    row_set skipped; /* roots whose content is not taken */
    row_set whole;   /* roots that came FULL */
    uint64_t
        reset; /* a client reset: the log version of its commit; what is pending is of no life yet */
    struct integration_run *run; /* integrate_run.c */
} integration;
void integration_begin(integration *g, model_txn *txn, uint64_t outcome_bound, uint64_t sent_bound);
void integration_end(integration *g);
status integrate_rows(integration *g, const wire_rows_list *rows) MUST_CHECK; /* of one message */
/* Every element is unsent, from this log version on: the server may have none of them. */
status integrate_touch_list(model_txn *txn, const model_class *c, row_key row,
                            const model_property *p, uint64_t version) MUST_CHECK;

/* The rows of one message in the order in which they are taken: roots by their number, each with what is embedded in it. */
typedef struct embedded_place {
    size_t group, index, root;
} embedded_place;
typedef struct integration_plan {
    const wire_rows_list *list; /* outlives the plan */
    size_t rows;                /* roots */
    VECTOR(embedded_place) embedded;
} integration_plan;
status integration_plan_make(const wire_rows_list *list, integration_plan *out) MUST_CHECK;
void integration_plan_free(integration_plan *plan);
/* The root before which a slice from that one ends: about so many rows, at least one root. */
size_t integration_plan_slice(const integration_plan *plan, size_t from, size_t rows_max);
status integrate_slice(integration *g, const integration_plan *plan, size_t from,
                       size_t to) MUST_CHECK;

/* Every row of the top-level classes that was not told leaves, from a place on, at most so many. */
typedef struct integration_sweep {
    size_t class_index;
    row_key row; /* the first that was not looked at */
    size_t left; /* rows that left, of this call */
    bool done;
} integration_sweep;
status integrate_sweep(integration *g, integration_sweep *at, size_t rows_max) MUST_CHECK;
#endif
