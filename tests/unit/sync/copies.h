#ifndef ATOLL_TEST_SYNC_COPIES_H
#define ATOLL_TEST_SYNC_COPIES_H
#include "fixture.h"

#include <criterion/criterion.h>

/* What tests of a world with several copies of the same items ask of it. */
#define MUST(expression) \
    cr_assert_eq((expression), ATOLL_OK, "line %d: %s: %s", __LINE__, #expression, fail_text())
#define SETTLE(w) cr_assert(world_settle(w, 600000), "line %d: it did not settle", __LINE__)

void subscribe(world *w, int who, const char *query); /* to items */
void away(world *w, client *c);                       /* its network is gone */
/* Asymmetric objects that the server has taken. */
size_t readings(world *w);

void expect_dump(model_db *db, const char *query, const char *wanted, const char *who);
/* The server and every client have these items. */
void expect_all(world *w, const char *wanted);
#endif
