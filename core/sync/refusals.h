#ifndef ATOLL_SYNC_REFUSALS_H
#define ATOLL_SYNC_REFUSALS_H
#include "base/vector.h"
#include "model/value.h"

#include <stdatomic.h>

/* The writes that the server refused in one batch: made by a session, shared by all who are told. Constant once it is told. */
typedef struct refusal {
    char *class_name, *reason;
    value key;   /* null: unknown */
    char *owned; /* what a text key points into */
} refusal;
typedef struct refusals {
    atomic_int references;
    VECTOR(refusal) items;
} refusals;

status refusals_new(refusals **out) MUST_CHECK;
status refusals_add(refusals *r, const char *class_name, const value *key,
                    const char *reason) MUST_CHECK;
refusals *refusals_retain(refusals *r); /* NULL stays NULL */
void refusals_release(refusals *r);
#endif
