#ifndef ATOLL_SERVER_SINK_H
#define ATOLL_SERVER_SINK_H
#include "server/config.h"
#include "server/postgres.h"
#include "server/server.h"

/* sink.c: a thread of its own that copies what is in the embedded store, in order, to PostgreSQL: each object once. */
typedef struct sink sink;
status sink_start(server_app *app, const char *app_id, sink_config *config, sink **out) MUST_CHECK;
/* Objects up to this position are on disk. The loop's thread; never waits. */
void sink_advance(sink *s, uint64_t position);
uint64_t sink_delivered(sink *s); /* everything up to this position is in PostgreSQL; any thread */
void sink_stop(sink *s);          /* NULL is fine; before the app is closed */

/* sink_rows.c: objects as lines of COPY, by class. */
typedef struct sink_rows {
    const model_class *of;
    buffer lines;
    size_t count;
} sink_rows;
typedef struct sink_batch {
    const sink_config *config;
    const model_schema *schema; /* outlives the batch */
    VECTOR(sink_rows *) classes;
    size_t size, count;
} sink_batch;
/* line: one of server_ingest_read. */
status sink_batch_add(sink_batch *b, bytes line) MUST_CHECK;
void sink_batch_free(sink_batch *b);

/* sink_tables.c: tables and columns. */
bool sink_column_is_json(const model_property *p);
/* Missing tables and columns are made, or named in the error. */
status sink_table_prepare(postgres *p, const sink_config *config, const model_schema *schema,
                          const model_class *c) MUST_CHECK;
status sink_table_copy(postgres *p, const sink_config *config, const sink_rows *rows) MUST_CHECK;
/* The mark of an app's store: the position of the last object that is there. */
status sink_mark_prepare(postgres *p, const sink_config *config, const char *app_id,
                         uint64_t store) MUST_CHECK;
status sink_mark_read(postgres *p, const sink_config *config, const char *app_id, uint64_t store,
                      uint64_t *out) MUST_CHECK;
/* *moved false: it is not at `from`. */
status sink_mark_move(postgres *p, const sink_config *config, const char *app_id, uint64_t store,
                      uint64_t from, uint64_t to, bool *moved) MUST_CHECK;
#endif
