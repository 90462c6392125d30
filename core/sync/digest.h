#ifndef ATOLL_SYNC_DIGEST_H
#define ATOLL_SYNC_DIGEST_H
#include "query/query.h"
/* A hash over the objects that match a query, independent of row order and local row keys: the same on client and server
 * when they hold the same objects. Sum (mod 2^64) over rows of hash(key, fields by property name, lists, embedded). */
status digest_query(const query *q, const model_view *view, uint64_t *digest,
                    uint64_t *count) MUST_CHECK;
#endif
