/* What an admin removes from the server's schema: who had it resets, keeps all that still fits, and goes on beside apps that
 * give the name to something else. */
#include "copies.h"

#include "sync/session_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void start(world *w, bool newer)
{
    MUST(world_start(w, 7, 2, true, fixture_schema(true, false)));
    for (int i = 0; i < 2; i++) w->clients[i].upgraded = newer;
    for (int i = 0; i < 2; i++) world_crash_client(w, &w->clients[i], 10);
    world_run(w, 1000);
    for (int i = 0; i < 2; i++) subscribe(w, i, "TRUEPREDICATE");
    SETTLE(w);
}

static const model_property *served(world *w, model_view *view, const char *name)
{
    const model_class *c = schema_class_named(model_view_schema(view), bytes_text("Item"));
    (void)w;
    return c == NULL ? NULL : class_property_named(c, bytes_text(name));
}

static char *shown(world *w)
{
    char *json = NULL;
    MUST(server_app_show_schema(w->app, &json));
    return json;
}

Test(removed, a_property_goes_and_everything_else_is_recovered)
{
    world w;
    start(&w, true);
    client *a = &w.clients[0], *b = &w.clients[1];
    MUST(fixture_create(&w, a, 1, 5, "of both"));
    MUST(fixture_set_int(&w, a, 1, "extra", 42));
    SETTLE(&w);
    away(&w, a);
    MUST(fixture_set_name(&w, a, 1, "unsent"));
    MUST(fixture_set_int(&w, a, 1, "extra", 43));
    MUST(fixture_add(&w, a, 1, 7));
    MUST(fixture_create(&w, a, 2, 6, "made away"));
    MUST(server_app_remove(w.app, "Item", "extra"));
    char *json = shown(&w);
    cr_expect_not_null(strstr(json, "\"removed\": true"), "%s", json);
    memory_free(json);
    world_run(&w, 20000);
    MUST(fixture_set_int(&w, b, 1, "extra", 44));
    MUST(fixture_set_int(&w, b, 1, "team", 8));
    a->offline = false;
    SETTLE(&w);
    const char *wanted = "1 team 8 score 7 name unsent tags []\n"
                         "2 team 6 score 0 name made away tags []\n";
    expect_dump(server_app_db(w.app), "TRUEPREDICATE", wanted, "the server");
    model_view *view = model_view_newest(server_app_db(w.app));
    cr_expect_null(served(&w, view, "extra"), "an app of before has brought it back");
    model_view_release(view);
    /* Given back, it has what it had; what was written meanwhile stayed where it was written. */
    MUST(server_app_restore(w.app, "Item", "extra"));
    SETTLE(&w);
    expect_dump(server_app_db(w.app), "TRUEPREDICATE",
                "1 team 8 score 7 name unsent tags [] extra 42\n"
                "2 team 6 score 0 name made away tags []\n",
                "the server");
    MUST(fixture_set_int(&w, b, 1, "extra", 45));
    SETTLE(&w);
    expect_all(&w, "1 team 8 score 7 name unsent tags [] extra 45\n"
                   "2 team 6 score 0 name made away tags []\n");
    world_end(&w);
}

/* The name is free: an app whose property has another type is no breach any more, and the older one goes on beside it. */
Test(removed, an_older_app_goes_on_beside_one_that_redefines_the_property)
{
    world w;
    start(&w, true);
    client *older = &w.clients[0], *newer = &w.clients[1];
    MUST(fixture_create(&w, older, 1, 5, "of both"));
    MUST(fixture_set_int(&w, older, 1, "extra", 42));
    SETTLE(&w);
    MUST(server_app_remove(w.app, "Item", "extra"));
    newer->breaking = true;
    world_new_device(&w, newer);
    subscribe(&w, 1, "TRUEPREDICATE");
    SETTLE(&w);
    model_view *view = model_view_newest(server_app_db(w.app));
    const model_property *p = served(&w, view, "extra");
    cr_assert_not_null(p);
    cr_expect_neq(p->type, VALUE_INT);
    model_view_release(view);
    MUST(fixture_set_int(&w, older, 1, "extra", 43));
    MUST(fixture_set_name(&w, older, 1, "by the older one"));
    MUST(fixture_create(&w, newer, 2, 6, "by the newer one"));
    MUST(fixture_create(&w, older, 3, 6, "by the older one"));
    SETTLE(&w);
    const char *wanted = "1 team 5 score 0 name by the older one tags []\n"
                         "2 team 6 score 0 name by the newer one tags []\n"
                         "3 team 6 score 0 name by the older one tags []\n";
    expect_dump(newer->db, "TRUEPREDICATE", wanted, "the newer one");
    cr_expect_eq(model_count(view = model_view_newest(older->db), fixture_keys(older->db).c), 3u);
    model_view_release(view);
    cr_expect_eq(server_app_restore(w.app, "Item", "extra"), ATOLL_ERROR_INVALID_ARGUMENT);
    world_end(&w);
}

Test(removed, a_class_goes_and_comes_back_with_its_objects)
{
    world w;
    start(&w, false);
    client *a = &w.clients[0];
    MUST(fixture_create(&w, a, 1, 5, "kept"));
    SETTLE(&w);
    cr_expect_eq(server_app_remove(w.app, "Nobody", ""), ATOLL_ERROR_UNKNOWN_CLASS);
    cr_expect_eq(server_app_remove(w.app, "Item", "_id"), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(server_app_remove(w.app, "Part", ""), ATOLL_ERROR_INVALID_ARGUMENT);
    MUST(server_app_remove(w.app, "Item", ""));
    SETTLE(&w);
    MUST(fixture_reading(&w, a, 1, "the rest goes on"));
    SETTLE(&w);
    cr_expect_eq(readings(&w), 1u);
    for (int i = 0; i < 2; i++) {
        model_view *view = model_view_newest(w.clients[i].db);
        cr_expect_eq(model_count(view, fixture_keys(w.clients[i].db).c), 0u);
        model_view_release(view);
    }
    MUST(server_app_restore(w.app, "Item", ""));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name kept tags []\n");
    world_end(&w);
}
