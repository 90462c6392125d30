#ifndef ATOLL_SERVER_USERS_INTERNAL_H
#define ATOLL_SERVER_USERS_INTERNAL_H
#include "server/users.h"

enum {
    USER_KEY_SIZE_MAX = 1024,
    USER_RECORD_SIZE_MAX = 64 << 10,
    USER_EMAIL_SIZE_MAX = 254, /* what a mail server takes */
    USER_SUBJECT_SIZE_MAX = 512
};

struct users {
    storage *store;
    const platform *platform;
};

/* kind app 0 name; addresses in lower case. */
status users_key_of(buffer *key, char kind, const char *app_id, bytes name) MUST_CHECK;
status users_read(users *u, char kind, const char *app_id, bytes name, buffer *out,
                  bool *found) MUST_CHECK;
status users_batch_put(storage_batch *batch, char kind, const char *app_id, bytes name,
                       bytes value) MUST_CHECK;
status users_batch_delete(storage_batch *batch, char kind, const char *app_id,
                          bytes name) MUST_CHECK;
/* Every record of a kind whose name starts so, with the rest of its name. each puts into batches, it doesn't write. */
status users_scan(users *u, char kind, const char *app_id, bytes start,
                  status (*each)(void *context, bytes rest, bytes value), void *context) MUST_CHECK;
/* "first 0 second" as a name. */
status users_name_of(buffer *name, const char *first, bytes second) MUST_CHECK;
void users_random_hex(const users *u, size_t size, char *to);  /* 2 * size letters */
status users_store(users *u, storage_batch *batch) MUST_CHECK; /* takes the batch */
/* users_record.c */
status user_unpack(bytes record, user *out) MUST_CHECK;
status user_pack(const user *u, buffer *out) MUST_CHECK; /* appended */
/* Into a batch: what goes with a user. */
status users_keys_drop(users *u, storage_batch *batch, const char *app_id,
                       const char *user_id) MUST_CHECK;
status users_tickets_drop(users *u, storage_batch *batch, const char *app_id,
                          const char *user_id) MUST_CHECK;
#endif
