/* Conditions of roles over lists, dictionaries, embedded objects and links: what a user has is at any time what the
 * condition gives on the server's data, whatever changed, in whichever object. */
#include "base/log.h"
#include "fixture.h"
#include "server/app.h"
#include "sync/subscription.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(expression) cr_assert_eq((expression), ATOLL_OK, "%s: %s", #expression, fail_text())
#define SETTLE(w) cr_assert(world_settle(w, 120000), "the world did not settle")

enum { ADMIN = 0, ITEMS = 8 };
static const char *const users[] = {"admin", "ann", "bob", "cid", "dan", "eve"};

/* One condition for each user but the administrator; he does all. */
static void start(world *w, uint64_t seed, const char *const *reads, const char *const *writes,
                  int count)
{
    static char yaml[8000];
    int at = snprintf(yaml, sizeof yaml,
                      "  default_roles:\n"
                      "  - {name: all, apply_when: '%%%%user.id == \"admin\"', read: true, write: "
                      "true, insert: true, delete: true}\n");
    for (int i = 1; i <= count; i++)
        at +=
            snprintf(yaml + at, sizeof yaml - (size_t)at,
                     "  - name: r%d\n    apply_when: '%%%%user.id == \"%s\"'\n"
                     "    document_filters: {read: '%s', write: '%s'}\n"
                     "    read: true\n    write: true\n    insert: true\n    delete: true\n",
                     i, users[i], reads[i - 1], writes == NULL ? "FALSEPREDICATE" : writes[i - 1]);
    model_schema schema = fixture_schema(true, false);
    fixture_add_types(&schema);
    MUST(world_start(w, seed, count + 1, true, schema));
    for (int i = 0; i <= count; i++) w->clients[i].user_id = users[i];
    MUST(world_set_roles(w, yaml));
    for (int i = 0; i <= count; i++)
        MUST(world_set_user_data(w, &w->clients[i],
                                 "{\"tags\": [\"a\", \"c\"], \"ids\": [1, 3, 5]}"));
    const char *classes[] = {"Item"}, *queries[] = {"TRUEPREDICATE"};
    for (int i = 0; i <= count; i++) MUST(world_subscribe(w, &w->clients[i], classes, queries, 1));
    SETTLE(w);
}

static void expect(world *w, int who, const char *condition, const char *when)
{
    char *has = fixture_dump(w->clients[who].db, "TRUEPREDICATE"),
         *wanted = fixture_dump(server_app_db(w->app), condition);
    cr_assert_str_eq(has, wanted, "%s: %s has\n%sand not\n%sby %s", when, users[who], has, wanted,
                     condition);
    free(has);
    free(wanted);
}

static status change_one(world *w, random_state *random, client *c)
{
    static const char *const tags[] = {"a", "b", "c"}, *const keys[] = {"k", "l"};
    int64_t id = (int64_t)random_below(random, ITEMS), x = (int64_t)random_below(random, 5);
    char name[8];
    switch (random_below(random, 16)) {
    case 0:
    case 1:
    case 2: return fixture_create(w, c, id, x, "ann");
    case 3: return fixture_delete(w, c, id);
    case 4: return fixture_append(w, c, id, tags[random_below(random, 3)]);
    case 5: return fixture_erase(w, c, id, 0);
    case 6:
    case 7: return fixture_part(w, c, id, x);
    case 8: return fixture_part_null(w, c, id);
    case 9: return fixture_add_part(w, c, id, x);
    case 10: return fixture_pair(w, c, id, keys[random_below(random, 2)], x - 1);
    case 11:
    case 12: return fixture_friend(w, c, id, (int64_t)random_below(random, ITEMS + 1) - 1);
    case 13: return fixture_mark(w, c, id, x, random_below(random, 3) != 0);
    case 14: return fixture_set_int(w, c, id, "team", x);
    default: break;
    }
    snprintf(name, sizeof name, "n%d", (int)x);
    return fixture_set_name(w, c, id, name);
}

static const char *const conditions[2][5] = {
    {"ANY tags == \"a\"", "one.x > 2", "friend.team == 1", "pairs[\"k\"] > 1 || ANY many.x == 2",
     "friend.friend.team > 1 && NOT ANY tags == \"b\""},
    {"ANY friend.tags == \"a\" || ALL marks > 2", "SUBQUERY(many, $m, $m.x == 3).@count > 0",
     "friend.one.x IN {1, 2, 3}", "friend == NULL && tags.@count < 2",
     "NONE many.x == 1 && friend.friend.one.x != 2"}};

static const char *const with_data[5][2] = {
    {"ANY tags IN %%user.custom_data.tags", "ANY tags IN {\"a\", \"c\"}"},
    {"_id IN %%user.custom_data.ids", "_id IN {1, 3, 5}"},
    {"friend._id IN %%user.custom_data.ids", "friend._id IN {1, 3, 5}"},
    {"one.x IN %%user.custom_data.ids || pairs.@count > 1",
     "one.x IN {1, 3, 5} || pairs.@count > 1"},
    {"friend.name == %%user.id", "friend.name == \"eve\""}};

static void walk(uint64_t seed, const char *const *roles, const char *const *wanted)
{
    world w;
    random_state random = {seed};
    char when[60];
    start(&w, seed, roles, NULL, 5);
    w.app->scans = seed % 2 == 0;
    for (int step = 0; step < 60; step++) {
        for (int n = (int)random_below(&random, 4); n >= 0; n--) {
            status result = change_one(&w, &random, &w.clients[ADMIN]);
            cr_assert_neq(result, ATOLL_ERROR_INTERNAL, "%s", fail_text());
        }
        bool back = false;
        for (int i = 1; i <= 5; i++) {
            if (random_below(&random, 8) != 0) continue;
            w.clients[i].offline = !w.clients[i].offline;
            if (w.clients[i].offline) world_cut(&w, &w.clients[i]);
            back |= !w.clients[i].offline;
        }
        world_run(&w, back ? 400000 : 4000); /* It tries again five minutes later. */
        bool open[6];
        for (int i = 1; i <= 5; i++) open[i] = w.clients[i].stream_open;
        world_run(&w, 4000);
        snprintf(when, sizeof when, "seed %d, step %d", (int)seed, step);
        for (int i = 1; i <= 5; i++)
            if (open[i] && w.clients[i].stream_open) expect(&w, i, wanted[i - 1], when);
    }
    for (int i = 1; i <= 5; i++) w.clients[i].offline = false;
    SETTLE(&w);
    for (int i = 1; i <= 5; i++) expect(&w, i, wanted[i - 1], "at the end");
    world_end(&w);
}

Test(role_paths, views_are_what_conditions_over_lists_and_links_give)
{
    for (uint64_t seed = 1; seed <= 12; seed++)
        walk(seed, conditions[seed / 2 % 2], conditions[seed / 2 % 2]);
}

Test(role_paths, lists_of_custom_data_meet_lists_and_links)
{
    const char *roles[5], *wanted[5];
    for (int i = 0; i < 5; i++) {
        roles[i] = with_data[i][0];
        wanted[i] = with_data[i][1];
    }
    for (uint64_t seed = 21; seed <= 26; seed++) walk(seed, roles, wanted);
}

/* ---- writes ---- */

static void away(world *w, int who)
{
    w->clients[who].offline = true;
    world_cut(w, &w->clients[who]);
    world_run(w, 1000);
}

static void expect_refused(world *w, int who, uint64_t times)
{
    cr_expect_eq(w->clients[who].compensations, times, "%llu refusals, the last: %s",
                 (unsigned long long)w->clients[who].compensations,
                 w->clients[who].last_error_text);
}

Test(role_paths, a_write_is_judged_by_what_links_lead_to_before_and_after_it)
{
    static const char *const reads[] = {"TRUEPREDICATE"}, *const writes[] = {
                                                              "friend.name == %%user.id"};
    world w;
    start(&w, 5, reads, writes, 1);
    client *admin = &w.clients[ADMIN], *ann = &w.clients[1];
    MUST(fixture_create(&w, admin, 1, 0, "ann"));
    MUST(fixture_create(&w, admin, 2, 0, "two"));
    MUST(fixture_create(&w, admin, 3, 0, "three"));
    MUST(fixture_friend(&w, admin, 2, 1));
    SETTLE(&w);
    away(&w, 1);
    MUST(fixture_set_int(&w, ann, 2, "score", 5)); /* hers by its friend */
    MUST(fixture_set_int(&w, ann, 3, "score", 6)); /* not hers */
    MUST(fixture_create(&w, ann, 4, 0, "four"));
    MUST(fixture_friend(&w, ann, 4, 1)); /* hers when all is there */
    MUST(fixture_create(&w, ann, 5, 0, "five"));
    ann->offline = false;
    SETTLE(&w);
    expect_refused(&w, 1, 1); /* told together */
    expect(&w, 1, "_id IN {1, 2, 3, 4}", "after the refusals");
    char *text = fixture_dump(server_app_db(w.app), "_id > 1");
    cr_expect_str_eq(text,
                     "2 team 0 score 5 name two tags [] hits 0 marks {} pairs {}\n"
                     "3 team 0 score 0 name three tags [] hits 0 marks {} pairs {}\n"
                     "4 team 0 score 0 name four tags [] hits 0 marks {} pairs {}\n",
                     "%s", text);
    free(text);
    /* Away from herself: allowed before, not after. And what it links to decides no more when another has changed it. */
    MUST(fixture_friend(&w, ann, 2, 3));
    SETTLE(&w);
    expect_refused(&w, 1, 2);
    MUST(fixture_set_name(&w, admin, 1, "bob"));
    SETTLE(&w);
    MUST(fixture_set_int(&w, ann, 2, "score", 9));
    SETTLE(&w);
    expect_refused(&w, 1, 3);
    expect(&w, 1, "TRUEPREDICATE", "at the end");
    world_end(&w);
}

Test(role_paths, a_write_is_judged_by_embedded_objects_and_lists_before_and_after_it)
{
    static const char *const reads[] = {"TRUEPREDICATE"}, *const writes[] = {
                                                              "one.x > 0 && NONE tags == \"shut\""};
    world w;
    start(&w, 6, reads, writes, 1);
    client *admin = &w.clients[ADMIN], *ann = &w.clients[1];
    MUST(fixture_create(&w, admin, 1, 0, "one"));
    MUST(fixture_part(&w, admin, 1, 3));
    MUST(fixture_create(&w, admin, 2, 0, "two"));
    SETTLE(&w);
    MUST(fixture_part(&w, ann, 1, 4));
    SETTLE(&w);
    expect_refused(&w, 1, 0);
    MUST(fixture_part(&w, ann, 1, -4)); /* allowed before, not after */
    SETTLE(&w);
    expect_refused(&w, 1, 1);
    MUST(fixture_part(&w, ann, 2, 4)); /* the other way round */
    SETTLE(&w);
    expect_refused(&w, 1, 2);
    away(&w, 1);
    MUST(fixture_create(&w, ann, 3, 0, "three"));
    MUST(fixture_part(&w, ann, 3, 1));
    MUST(fixture_create(&w, ann, 4, 0, "four"));
    MUST(fixture_part(&w, ann, 4, 1));
    MUST(fixture_append(&w, ann, 4, "shut"));
    ann->offline = false;
    SETTLE(&w);
    expect_refused(&w, 1, 3);
    MUST(fixture_append(&w, admin, 3, "shut"));
    SETTLE(&w);
    MUST(fixture_erase(&w, ann, 3, 0)); /* what forbids it can't be taken away by it */
    SETTLE(&w);
    expect_refused(&w, 1, 4);
    expect(&w, 1, "_id < 4", "at the end");
    char *text = fixture_dump(server_app_db(w.app), "TRUEPREDICATE");
    cr_expect_str_eq(text,
                     "1 team 0 score 0 name one tags [] one 4 hits 0 marks {} pairs {}\n"
                     "2 team 0 score 0 name two tags [] hits 0 marks {} pairs {}\n"
                     "3 team 0 score 0 name three tags [shut,] one 1 hits 0 marks {} pairs {}\n",
                     "%s", text);
    free(text);
    world_end(&w);
}

/* ---- subscriptions ---- */

Test(role_paths, subscriptions_ask_lists_and_embedded_objects_and_no_links)
{
    static const char asked[] = "ANY tags == \"a\" || one.x > 2 || pairs[\"k\"] == 1";
    const char *classes[] = {"Item"}, *queries[] = {asked};
    world w;
    random_state random = {9};
    model_schema schema = fixture_schema(true, false);
    fixture_add_types(&schema);
    MUST(world_start(&w, 9, 2, true, schema));
    client *all = &w.clients[ADMIN], *some = &w.clients[1];
    MUST(world_subscribe(&w, some, classes, queries, 1));
    queries[0] = "TRUEPREDICATE";
    MUST(world_subscribe(&w, all, classes, queries, 1));
    SETTLE(&w);
    for (int step = 0; step < 80; step++) {
        status result = change_one(&w, &random, all);
        cr_assert_neq(result, ATOLL_ERROR_INTERNAL, "%s", fail_text());
        SETTLE(&w);
        expect(&w, 1, asked, "a change");
    }
    queries[0] = "friend.team == 1";
    MUST(world_subscribe(&w, some, classes, queries, 1));
    world_run(&w, 5000);
    subscription_set set = {0};
    MUST(subscription_set_newest(some->db, &set));
    cr_expect_eq(set.state, SUBSCRIPTION_ERROR);
    cr_expect(strstr(set.error, "links in a subscription to 'Item'") != NULL, "%s", set.error);
    subscription_set_free(&set);
    world_end(&w);
}
