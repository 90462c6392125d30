#ifndef ATOLL_SYNC_OUTBOX_H
#define ATOLL_SYNC_OUTBOX_H
#include "sync/pending.h"

/* Asymmetric objects that are not acknowledged, in their order, many in a record. */
typedef struct outbox_writer {
    buffer record;
    uint64_t first, newest; /* sequence of its first object, version of its last */
} outbox_writer;
void outbox_writer_init(outbox_writer *w);
/* Takes the state's next sequence for the object. */
status outbox_add(outbox_writer *w, model_txn *txn, sync_state *state, const asymmetric_row *row,
                  uint64_t version) MUST_CHECK;
status outbox_flush(outbox_writer *w, model_txn *txn) MUST_CHECK;
void outbox_writer_free(outbox_writer *w);

typedef struct outbox_object {
    uint64_t sequence, version;
    class_key class_of;
    bytes payload;
    uint64_t record; /* names the record that holds it */
} outbox_object;
/* Objects after that one, from that record on (0: from the first). */
status outbox_each(model_db *db, uint64_t record, uint64_t after_sequence,
                   status (*each)(void *context, const outbox_object *o), void *context) MUST_CHECK;
status outbox_any(model_db *db, bool *any) MUST_CHECK;
/* The server has every object of a commit at or below the bound. */
status outbox_acknowledge(model_txn *txn, model_db *db, uint64_t bound) MUST_CHECK;
#endif
