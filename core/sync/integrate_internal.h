#ifndef ATOLL_SYNC_INTEGRATE_INTERNAL_H
#define ATOLL_SYNC_INTEGRATE_INTERNAL_H
#include "sync/integrate.h"

/* ---- integrate.c ---- */
/* What column n has for row i of the message, if anything. e: what is pending in the row; NULL: nothing. */
status integrate_column(integration *g, wire_rows *rows, size_t n, size_t i, const model_class *c,
                        row_key row, pending_entry *e, bool whole) MUST_CHECK;
status integrate_tell(integration *g, const model_class *c, row_key row) MUST_CHECK;

/* ---- integrate_run.c ---- */
/* From a row on that is whole and whose key is not here: it, and others that follow and are alike. *taken: at least one. */
status integrate_run(integration *g, wire_rows *rows, const model_class *c, size_t from, size_t to,
                     size_t *taken) MUST_CHECK;
void integrate_run_forget(struct integration_run *run); /* another message comes */
void integrate_run_free(struct integration_run *run);
#endif
