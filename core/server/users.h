#ifndef ATOLL_SERVER_USERS_H
#define ATOLL_SERVER_USERS_H
#include "base/bytes.h"
#include "platform/platform.h"
#include "server/tokens.h"
#include "storage/storage.h"

/* Users of all apps of one server, and their log-ins. Every change is durable before the call returns. */
typedef struct users users;
typedef struct user {
    char *id, *app_id;
    char *email;         /* "" : anonymous */
    char *password_hash; /* "" : anonymous */
    bool disabled;
    int64_t created_ms;
} user;
void user_free(user *u);
const char *user_provider(const user *u);

status users_open(storage *store, const platform *p,
                  users **out) MUST_CHECK; /* takes the store over */
void users_close(users *u);
/* EMAIL and PASSWORD as a program gave them: INVALID_CREDENTIALS names what is wrong with them. */
status users_check_registration(bytes email, bytes password) MUST_CHECK;
status users_add_anonymous(users *u, const char *app_id, user *out) MUST_CHECK;
status users_add_email(users *u, const char *app_id, bytes email, const char *password_hash,
                       user *out) MUST_CHECK; /* USER_EXISTS */
/* found false: none, out untouched. */
status users_find(users *u, const char *app_id, bytes id, user *out, bool *found) MUST_CHECK;
status users_find_email(users *u, const char *app_id, bytes email, user *out,
                        bool *found) MUST_CHECK;
status users_disable(users *u, const char *app_id, bytes id, bool disabled) MUST_CHECK;
status users_each(users *u, const char *app_id, status (*each)(void *context, const user *u),
                  void *context) MUST_CHECK;
/* A log-in lives until its log-out. */
status users_log_in(users *u, const user *who, char log_in[TOKEN_ID_SIZE_MAX]) MUST_CHECK;
status users_log_out(users *u, const token *t) MUST_CHECK;
/* The user of a token that token_read has accepted: BAD_TOKEN after a log-out, USER_DISABLED. */
status users_check(users *u, const token *t, user *out) MUST_CHECK;
#endif
