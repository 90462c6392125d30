#ifndef ATOLL_SYNC_ACCOUNT_H
#define ATOLL_SYNC_ACCOUNT_H
#include "base/vector.h"
#include "platform/thread.h"
#include "sync/runner.h"

#include <stdatomic.h>

/* The users of an app on this device, and the file that keeps them. The list belongs to the runner's lock, the tokens of
 * an account to the account's own. */
enum {
    ACCOUNT_LOGGED_OUT = 0,
    ACCOUNT_LOGGED_IN = 1,
    ACCOUNT_REMOVED = 2
}; /* the numbers of the ABI */
/* What the server tells of a user, flat: name and value in turn. */
typedef VECTOR(char *) account_texts;
typedef struct account_profile {
    char *custom_data;        /* JSON; NULL: none */
    account_texts identities; /* provider, what it calls the user */
    account_texts fields;     /* "name", "Ann", ... */
} account_profile;
void account_profile_free(account_profile *p);
status account_texts_add(account_texts *to, const char *text) MUST_CHECK;
struct account {
    atomic_int references, state;
    mutex lock;
    char *id, *provider;
    char *access, *refresh;  /* under the lock */
    account_profile profile; /* under the lock */
    uint64_t
        refresh_at_ms; /* network thread: monotonic time at which the access token is to be renewed; 0: at once */
    bool refreshing; /* network thread */
};
typedef struct account_list {
    VECTOR(account *) items;
    account *current; /* one of the items, or NULL */
    char *device_id;  /* as the server gave it; NULL: none yet */
    account_texts
        removed; /* ids of users whose realms are to be deleted when they are not in use */
} account_list;

status account_new(const char *id, const char *provider, account **out) MUST_CHECK;
status account_set_tokens(account *a, const char *access,
                          const char *refresh) MUST_CHECK; /* NULL or "": stays */
void account_set_profile(account *a, account_profile *p);  /* takes what is in it */
bool account_is_anonymous(account *a);                     /* no other identity was linked */
char *account_copy_token(account *a, bool refresh);        /* NULL: none, or no memory; free it */
void account_list_free(account_list *l);
account *account_list_find(const account_list *l, const char *id);
status account_list_add(account_list *l, account *a) MUST_CHECK; /* takes the reference over */
void account_list_remove(account_list *l, account *a);
void account_list_choose(account_list *l); /* the current one left: the last who is logged in */
/* No file: empty. With a key of 64 bytes the file is sealed: WRONG_KEY. */
status account_list_read(account_list *l, const char *path, bytes key) MUST_CHECK;
status account_list_write(const account_list *l, const char *path, bytes key) MUST_CHECK;
#endif
