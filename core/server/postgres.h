#ifndef ATOLL_SERVER_POSTGRES_H
#define ATOLL_SERVER_POSTGRES_H
#include "base/bytes.h"

#include <stdatomic.h>

/* One connection to PostgreSQL, of one thread; calls wait for the answer. */
typedef struct postgres postgres;
/* connection: a conninfo string or URI of libpq. Gives up soon after *stop becomes true. */
status postgres_open(const char *connection, const atomic_bool *stop, postgres **out) MUST_CHECK;
void postgres_close(postgres *p); /* NULL is fine; an open transaction is rolled back */
/* Any other thread, between open and close: what is under way fails. */
void postgres_interrupt(postgres *p);
/* One statement; parameters are $1, $2, ... *changed (may be NULL): how many rows it wrote. */
status postgres_run(postgres *p, const char *sql, const char *const *parameters, int count,
                    uint64_t *changed) MUST_CHECK;
/* A query whose rows have one column; NULL stands for null. */
typedef status (*postgres_each)(void *context, const char *value);
status postgres_read(postgres *p, const char *sql, const char *const *parameters, int count,
                     postgres_each each, void *context) MUST_CHECK;
/* sql: COPY ... FROM STDIN; text: all its lines, in the text format. */
status postgres_copy(postgres *p, const char *sql, bytes text) MUST_CHECK;
#endif
