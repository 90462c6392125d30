#ifndef ATOLL_SYNC_SUBSCRIPTION_H
#define ATOLL_SYNC_SUBSCRIPTION_H
#include "base/vector.h"
#include "model/model.h"

/* The subscription set of a flexible realm: versioned records in the side table, changed in a commit of its own.
 * Only the newest pending version is sent. */
typedef enum subscription_state {
    SUBSCRIPTION_PENDING = 0,
    SUBSCRIPTION_COMPLETE = 1,
    SUBSCRIPTION_ERROR = 2,
    SUBSCRIPTION_SUPERSEDED = 3
} subscription_state;
typedef struct subscription {
    uint8_t id[12];
    char *name; /* NULL: unnamed */
    char *class_name;
    char *query; /* canonical text */
    int64_t created_ms, updated_ms;
} subscription;
typedef struct subscription_set {
    uint64_t version; /* 0: the empty set of a new realm, complete */
    subscription_state state;
    char *error; /* NULL unless state is ERROR */
    VECTOR(subscription) items;
} subscription_set;
void subscription_set_free(subscription_set *s);
status subscription_set_newest(model_db *db, subscription_set *out) MUST_CHECK;
/* State of a version now (superseded when a newer one is active), with its error text if any (caller frees by memory_free). */
status subscription_set_state(model_db *db, uint64_t version, subscription_state *state,
                              char **error) MUST_CHECK;
/* Editing a copy; named: unique name; unnamed: (class, query). SUBSCRIPTION_FAILED / INVALID_ARGUMENT as features.md tells. */
status subscription_set_add(subscription_set *s, const platform *p, bytes name, bool named,
                            bytes class_name, bytes query, bool update_existing) MUST_CHECK;
bool subscription_set_remove_at(subscription_set *s, size_t index);
/* Commits the copy as the next version (version of the copy must still be the newest, else BUSY). */
status subscription_set_commit(model_db *db, subscription_set *s) MUST_CHECK;
/* Local rule: is there a subscription for a class in the newest set? (NO_SUBSCRIPTION_FOR_WRITE) */
status subscription_covers(model_db *db, bytes class_name, bool *covered) MUST_CHECK;
#endif
