/* The machines of both ends against each other, in a world without surprises: what each rule of sync promises. */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(expression) cr_assert_eq((expression), ATOLL_OK, "%s: %s", #expression, fail_text())
#define SETTLE(w) cr_assert(world_settle(w, 120000), "the world did not settle")

static void start(world *w, int clients)
{
    MUST(world_start(w, 7, clients, true, fixture_schema(true, false)));
}

static void subscribe(world *w, int who, const char *query)
{
    const char *classes[] = {"Item"}, *queries[] = {query};
    MUST(world_subscribe(w, &w->clients[who], classes, queries, 1));
}

static void expect_dump(model_db *db, const char *query, const char *wanted, const char *who)
{
    char *text = fixture_dump(db, query);
    cr_expect_str_eq(text, wanted, "%s has\n%sand not\n%s", who, text, wanted);
    free(text);
}

static void expect_all(world *w, const char *wanted)
{
    expect_dump(server_app_db(w->app), "TRUEPREDICATE", wanted, "the server");
    for (int i = 0; i < w->client_count; i++) {
        char who[20];
        snprintf(who, sizeof who, "client %d", i);
        expect_dump(w->clients[i].db, "TRUEPREDICATE", wanted, who);
    }
}

static void start_all(world *w, int clients)
{
    start(w, clients);
    for (int i = 0; i < clients; i++) subscribe(w, i, "TRUEPREDICATE");
    SETTLE(w);
}

Test(session, creates_sets_and_deletes_reach_the_other_client)
{
    world w;
    start_all(&w, 2);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, "one"));
    MUST(fixture_create(&w, &w.clients[0], 2, 5, "two"));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name one tags []\n2 team 5 score 0 name two tags []\n");
    MUST(fixture_set_name(&w, &w.clients[1], 1, "uno"));
    MUST(fixture_delete(&w, &w.clients[1], 2));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name uno tags []\n");
    world_end(&w);
}
