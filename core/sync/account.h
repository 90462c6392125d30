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
struct account {
    atomic_int references, state;
    mutex lock;
    char *id, *provider;
    char *access, *refresh; /* under the lock */
    uint64_t
        refresh_at_ms; /* network thread: monotonic time at which the access token is to be renewed; 0: at once */
    bool refreshing; /* network thread */
};
typedef struct account_list {
    VECTOR(account *) items;
    account *current; /* one of the items, or NULL */
} account_list;

status account_new(const char *id, const char *provider, account **out) MUST_CHECK;
status account_set_tokens(account *a, const char *access,
                          const char *refresh) MUST_CHECK; /* NULL or "": stays */
char *account_copy_token(account *a, bool refresh);        /* NULL: none, or no memory; free it */
void account_list_free(account_list *l);
account *account_list_find(const account_list *l, const char *id);
status account_list_add(account_list *l, account *a) MUST_CHECK; /* takes the reference over */
void account_list_remove(account_list *l, account *a);
void account_list_choose(account_list *l); /* the current one left: the last who is logged in */
status account_list_read(account_list *l, const char *path) MUST_CHECK;  /* no file: empty */
status account_list_text(const account_list *l, char **json) MUST_CHECK; /* free() it */
#endif
