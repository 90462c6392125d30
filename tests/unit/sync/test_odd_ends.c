/* Streams that end on one side only, or are said again, and apps of several versions at once. */
#include "copies.h"

#include "sync/session_internal.h"

#include <stdio.h>
#include <stdlib.h>

static void start(world *w, int clients)
{
    const char *classes[] = {"Item"}, *queries[] = {"TRUEPREDICATE"};
    MUST(world_start(w, 7, clients, true, fixture_schema(true, false)));
    w->ping_ms = 2000;
    w->records = true;
    for (int i = 0; i < clients; i++) {
        world_crash_client(w, &w->clients[i], 10);
        world_run(w, 100);
        MUST(world_subscribe(w, &w->clients[i], classes, queries, 1));
    }
    SETTLE(w);
}

/* From the first Bind on, which had no ident. */
Test(odd_ends, a_stream_that_is_said_again_adds_nothing)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0];
    MUST(fixture_create(&w, a, 1, 5, NULL));
    SETTLE(&w);
    MUST(fixture_add(&w, a, 1, 30));
    MUST(fixture_reading(&w, a, 1, "once"));
    SETTLE(&w);
    cr_assert_gt(a->said.count, 2u);
    world_replay(&w, a);
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 30 tags []\n");
    cr_expect_eq(readings(&w), 1u);
    /* And one that bound with it. */
    world_cut(&w, a);
    SETTLE(&w);
    MUST(fixture_add(&w, a, 1, 4));
    SETTLE(&w);
    world_replay(&w, a);
    SETTLE(&w);
    MUST(fixture_add(&w, a, 1, 200));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 234 tags []\n");
    cr_expect_eq(a->last_error, ATOLL_OK, "%s", a->last_error_text);
    world_end(&w);
}

Test(odd_ends, a_device_whose_servers_end_is_gone_finds_out_by_its_pings)
{
    world w;
    start(&w, 1);
    client *a = &w.clients[0];
    world_half_open(&w, a, false);
    MUST(fixture_create(&w, a, 1, 5, "said to nobody"));
    world_run(&w, 1000);
    cr_expect_eq(session_connection_state(a->session), 2, "it does not know yet");
    world_run(&w, 15000);
    expect_all(&w, "1 team 5 score 0 name said to nobody tags []\n");
    world_end(&w);
}

Test(odd_ends, a_server_whose_device_is_gone_lets_it_come_back)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0];
    world_half_open(&w, a, true);
    cr_assert_eq(w.lost_ends.count, 1);
    MUST(fixture_create(&w, a, 1, 5, "by another stream"));
    SETTLE(&w);
    cr_expect_eq(w.lost_ends.count, 0, "the earlier stream has ended");
    expect_all(&w, "1 team 5 score 0 name by another stream tags []\n");
    world_end(&w);
}

/* The older one is told of the property when it is made, in a download that has no rows. */
Test(odd_ends, what_a_newer_app_writes_reaches_an_older_one_that_stays_connected)
{
    world w;
    start(&w, 2);
    client *newer = &w.clients[0], *older = &w.clients[1];
    MUST(fixture_create(&w, older, 1, 5, "of both"));
    SETTLE(&w);
    newer->upgraded = true;
    world_crash_client(&w, newer, 10);
    world_run(&w, 100);
    SETTLE(&w);
    MUST(fixture_set_int(&w, newer, 1, "extra", 42));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name of both tags [] extra 42\n");
    MUST(fixture_set_name(&w, older, 1, "still there"));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name still there tags [] extra 42\n");
    world_end(&w);
}

/* It says so once, keeps all that it has, and a new folder with the server's type goes on. */
Test(odd_ends, an_app_that_breaks_the_schema_is_refused_and_keeps_its_data)
{
    world w;
    start(&w, 2);
    client *newer = &w.clients[0], *breaking = &w.clients[1];
    MUST(fixture_create(&w, breaking, 1, 5, "of both"));
    SETTLE(&w);
    newer->upgraded = true;
    breaking->offline = breaking->upgraded = breaking->breaking = true;
    for (int i = 0; i < 2; i++) world_crash_client(&w, &w.clients[i], 10);
    world_run(&w, 5000);
    MUST(fixture_set_int(&w, newer, 1, "extra", 42));
    MUST(fixture_create(&w, breaking, 2, 6, "unsent"));
    breaking->offline = false;
    uint64_t errors = breaking->errors;
    world_run(&w, 60000);
    cr_expect_eq(breaking->errors, errors + 1);
    cr_expect_eq(breaking->last_error, ATOLL_ERROR_INVALID_SCHEMA_CHANGE);
    cr_expect_not_null(strstr(breaking->last_error_text, "another name"), "%s",
                       breaking->last_error_text);
    MUST(fixture_create(&w, breaking, 3, 7, "still usable"));
    model_view *view = model_view_newest(breaking->db);
    cr_expect_eq(model_count(view, fixture_keys(breaking->db).c), 3u);
    model_view_release(view);
    breaking->breaking = false;
    world_new_device(&w, breaking);
    const char *classes[] = {"Item"}, *queries[] = {"TRUEPREDICATE"};
    MUST(world_subscribe(&w, breaking, classes, queries, 1));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name of both tags [] extra 42\n");
    world_end(&w);
}

Test(odd_ends, a_full_disk_stops_nothing_for_good)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0];
    memory_disk_set_full(a->node.disk, true);
    cr_expect_eq(fixture_create(&w, a, 1, 5, "too much"), ATOLL_ERROR_DISK_FULL);
    memory_disk_set_full(a->node.disk, false);
    MUST(fixture_create(&w, a, 2, 5, "fits"));
    memory_disk_set_full(w.server_node.disk, true);
    world_run(&w, 5000);
    memory_disk_set_full(w.server_node.disk, false);
    SETTLE(&w);
    expect_all(&w, "2 team 5 score 0 name fits tags []\n");
    world_end(&w);
}
