#ifndef ATOLL_SERVER_USERS_H
#define ATOLL_SERVER_USERS_H
#include "base/bytes.h"
#include "base/vector.h"
#include "platform/platform.h"
#include "server/tokens.h"
#include "storage/storage.h"

/* Users of all apps of one server, and their log-ins. Every change is durable before the call returns. */
typedef struct users users;
typedef struct user_pair {
    char *name, *value;
} user_pair;
typedef VECTOR(user_pair) user_pairs;
typedef struct user {
    char *id, *app_id;
    char *email;                      /* "" : none */
    char *password_hash;              /* "" : none */
    char *custom_data;                /* JSON; "" : none */
    user_pairs identities;            /* provider and what it calls the user; not the address */
    user_pairs fields;                /* of the profile */
    bool disabled, unconfirmed, used; /* used: has logged in */
    int64_t created_ms;
} user;
void user_free(user *u);
status user_pairs_add(user_pairs *to, bytes name, bytes value) MUST_CHECK;
void user_pairs_free(user_pairs *p);
/* How the user came to be: "anon-user", "local-userpass", or the provider of the first identity. */
const char *user_provider(const user *u);
bool user_is_anonymous(const user *u);

status users_open(storage *store, const platform *p,
                  users **out) MUST_CHECK; /* takes the store over */
void users_close(users *u);
/* EMAIL and PASSWORD as a program gave them: INVALID_CREDENTIALS names what is wrong with them. */
status users_check_registration(bytes email, bytes password) MUST_CHECK;
status users_add_anonymous(users *u, const char *app_id, user *out) MUST_CHECK;
status users_add_email(users *u, const char *app_id, bytes email, const char *password_hash,
                       bool unconfirmed, user *out) MUST_CHECK; /* USER_EXISTS */
/* found false: none, out untouched. */
status users_find(users *u, const char *app_id, bytes id, user *out, bool *found) MUST_CHECK;
status users_find_email(users *u, const char *app_id, bytes email, user *out,
                        bool *found) MUST_CHECK;
status users_disable(users *u, const char *app_id, bytes id, bool disabled) MUST_CHECK;
status users_confirm(users *u, const char *app_id, bytes id) MUST_CHECK;
/* All log-ins of the user end. */
status users_set_password(users *u, const char *app_id, bytes id, const char *hash) MUST_CHECK;
/* JSON text of an object, or nothing. INVALID_ARGUMENT: no such user; LIMIT_EXCEEDED: more than 16 KB. */
status users_set_custom_data(users *u, const char *app_id, bytes id, bytes json) MUST_CHECK;
status users_set_fields(users *u, const user *who) MUST_CHECK; /* who->fields takes their place */
/* With log-ins, keys, tickets and identities. */
status users_remove(users *u, const char *app_id, bytes id) MUST_CHECK;
/* Identities of other providers. */
status users_find_identity(users *u, const char *app_id, const char *provider, bytes subject,
                           user *out, bool *found) MUST_CHECK;
status users_add_identity(users *u, const char *app_id, const char *provider, bytes subject,
                          user *out) MUST_CHECK; /* a new user */
/* To a user who is there: USER_EXISTS. who shows it afterwards. */
status users_link_identity(users *u, user *who, const char *provider, bytes subject) MUST_CHECK;
/* The address of a registered user who has never logged in, and who goes. */
status users_link_email(users *u, user *who, const user *registered) MUST_CHECK;
status users_each(users *u, const char *app_id, status (*each)(void *context, const user *u),
                  void *context) MUST_CHECK;
/* A log-in lives until its log-out. */
status users_log_in(users *u, const user *who, char log_in[TOKEN_ID_SIZE_MAX]) MUST_CHECK;
status users_log_out(users *u, const token *t) MUST_CHECK;
/* The user of a token that token_read has accepted: BAD_TOKEN after a log-out, USER_DISABLED. */
status users_check(users *u, const token *t, user *out) MUST_CHECK;

/* ---- keys: secrets of programs, stored as their digests ---- */
enum { USER_KEYS_MAX = 20, USER_SECRET_SIZE = 64 }; /* keys of a user; letters of a secret */
typedef struct user_key {
    char *id, *user_id, *name;
    bool disabled, server;
    int64_t created_ms;
} user_key;
void user_key_free(user_key *k);
/* The secret is told once, here. LIMIT_EXCEEDED: the user has 20; INVALID_ARGUMENT: the name. */
status users_key_add(users *u, const user *who, bytes name, bool server, user_key *out,
                     char secret[USER_SECRET_SIZE + 1]) MUST_CHECK;
status users_key_find(users *u, const char *app_id, bytes id, user_key *out,
                      bool *found) MUST_CHECK;
status users_key_find_secret(users *u, const char *app_id, bytes secret, user_key *out,
                             bool *found) MUST_CHECK;
/* INVALID_ARGUMENT: no such key. */
status users_key_enable(users *u, const char *app_id, bytes id, bool enable) MUST_CHECK;
status users_key_remove(users *u, const char *app_id, bytes id) MUST_CHECK; /* none is fine */
status users_key_each(users *u, const char *app_id,
                      status (*each)(void *context, const user_key *k), void *context) MUST_CHECK;
status users_key_each_of(users *u, const char *app_id, const char *user_id,
                         status (*each)(void *context, const user_key *k),
                         void *context) MUST_CHECK;

/* ---- tickets: what is sent to an address to prove that it is the user's ---- */
enum { USER_TICKET_SIZE = 64, USER_TICKET_ID_SIZE = 24 };
status users_ticket_add(users *u, const user *who, bool reset, int64_t expires_ms,
                        char id[USER_TICKET_ID_SIZE + 1],
                        char token[USER_TICKET_SIZE + 1]) MUST_CHECK;
/* BAD_TOKEN: no such ticket, of the other kind, expired, or another token. The user is found. */
status users_ticket_check(users *u, const char *app_id, bytes id, bytes token, bool reset,
                          user *out) MUST_CHECK;
status users_ticket_remove(users *u, const char *app_id, bytes id) MUST_CHECK;
#endif
