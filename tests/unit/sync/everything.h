#ifndef ATOLL_TEST_SYNC_EVERYTHING_H
#define ATOLL_TEST_SYNC_EVERYTHING_H
#include "copies.h"

/* A world whose Item has a property of every kind that sync carries, edits of it by name, and a text of one object that is
 * the same on every copy that holds the same. */
enum { EVERYTHING_CLIENTS_MAX = 4 };
void everything_start(world *w, uint64_t seed, int clients); /* all see everything */
void everything_settle(world *w);
void everything_offline(world *w, client *c, bool away);

/* A local commit under way on the object with this key, made when it is not there. */
typedef struct changing {
    world *w;
    client *c;
    model_txn *txn;
    class_key item;
    row_key row;
} changing;
changing change_begin(world *w, client *c, int64_t id);
void change_end(changing *x);
property_key change_property(const changing *x, const char *name);
value change_link(const changing *x, int64_t id);  /* to another item: VALUE_LINK */
value change_typed(const changing *x, int64_t id); /* the same in a mixed value */

/* Item 1 on devices that know it, as `prepare` (or nothing) left it; then all are away. */
void apart_begin(world *w, int clients, void (*prepare)(changing *x));
/* They come back one after the other, the first one first. */
void apart_meet(world *w, int first);

char *everything_text(model_db *db, int64_t id); /* caller frees */
/* Every client, and the server, have this text of the object; "" when it is not there. */
void everything_expect(world *w, int64_t id, const char *wanted, int line);
#define EXPECT_EVERYWHERE(w, id, wanted) everything_expect(w, id, wanted, __LINE__)
/* Nobody differs from the server. */
void everything_converged(world *w, int64_t id, int line);
#define EXPECT_CONVERGED(w, id) everything_converged(w, id, __LINE__)
#endif
