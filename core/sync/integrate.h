#ifndef ATOLL_SYNC_INTEGRATE_H
#define ATOLL_SYNC_INTEGRATE_H
#include "sync/pending.h"
#include "sync/rows.h"

/* Takes the server's rows into a client's realm, beside what is pending. One use is one transaction: a complete group of
 * downloads, or the outcome of a batch. */
typedef struct integration {
    model_txn *txn;
    uint64_t outcome_bound; /* of the acknowledgement whose outcome this is; 0: a download */
    uint64_t
        sent_bound; /* of the batch in flight; 0: none. What an entry says of another one is past: it never arrived */
    map64 told;    /* hash of (class, row) → kind, of roots that the group named; for the sweep */
    map64 skipped; /* roots whose content is not taken */
    map64 whole;   /* roots that came FULL */
    uint64_t
        reset; /* a client reset: the log version of its commit; what is pending is of no life yet */
} integration;
void integration_begin(integration *g, model_txn *txn, uint64_t outcome_bound, uint64_t sent_bound);
void integration_end(integration *g);
status integrate_rows(integration *g, const wire_rows_list *rows) MUST_CHECK; /* of one message */
/* Every element is unsent, from this log version on: the server may have none of them. */
status integrate_touch_list(model_txn *txn, const model_class *c, row_key row,
                            const model_property *p, uint64_t version) MUST_CHECK;
/* Every row of the top-level classes that was not named leaves. */
status integrate_sweep(integration *g) MUST_CHECK;
#endif
