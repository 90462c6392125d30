/* The machines of both ends against each other, in a world without surprises: what each rule of sync promises. */
#include "copies.h"
#include "server/app.h"

#include <stdio.h>
#include <stdlib.h>

static void start(world *w, int clients)
{
    MUST(world_start(w, 7, clients, true, fixture_schema(true, false)));
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

/* ---- merge ---- */

Test(merge, the_later_write_of_a_field_wins_and_others_stay)
{
    world w;
    start_all(&w, 2);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, "start"));
    SETTLE(&w);
    w.clients[0].offline = w.clients[1].offline = true;
    world_cut(&w, &w.clients[0]);
    world_cut(&w, &w.clients[1]);
    world_run(&w, 1000);
    MUST(fixture_set_name(&w, &w.clients[1], 1, "earlier"));
    MUST(fixture_set_int(&w, &w.clients[1], 1, "score", 9));
    world_run(&w, 2000);
    MUST(fixture_set_name(&w, &w.clients[0], 1, "later"));
    /* The later write arrives first. */
    w.clients[0].offline = false;
    world_run(&w, 30000);
    w.clients[1].offline = false;
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 9 name later tags []\n");
    world_end(&w);
}

static void both_offline(world *w)
{
    for (int i = 0; i < 2; i++) {
        w->clients[i].offline = true;
        world_cut(w, &w->clients[i]);
    }
    world_run(w, 1000);
}

static void back_in_order(world *w, int first)
{
    w->clients[first].offline = false;
    world_run(w, 30000);
    w->clients[1 - first].offline = false;
    SETTLE(w);
}

Test(merge, creates_with_the_same_key_are_one_object)
{
    world w;
    start_all(&w, 2);
    both_offline(&w);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, "zero"));
    world_run(&w, 1000);
    MUST(fixture_create(&w, &w.clients[1], 1, 6, NULL));
    MUST(fixture_set_int(&w, &w.clients[1], 1, "score", 3));
    back_in_order(&w, 1);
    expect_all(&w, "1 team 6 score 3 name zero tags []\n");
    world_end(&w);
}

Test(merge, a_delete_wins_over_a_later_edit)
{
    for (int first = 0; first < 2; first++) {
        world w;
        start_all(&w, 2);
        MUST(fixture_create(&w, &w.clients[0], 1, 5, "x"));
        SETTLE(&w);
        both_offline(&w);
        MUST(fixture_delete(&w, &w.clients[0], 1));
        world_run(&w, 1000);
        MUST(fixture_set_name(&w, &w.clients[1], 1, "too late"));
        MUST(fixture_append(&w, &w.clients[1], 1, "tag"));
        back_in_order(&w, first);
        expect_all(&w, "");
        world_end(&w);
    }
}

Test(merge, a_create_after_the_deletion_was_seen_begins_the_next_life)
{
    world w;
    start_all(&w, 2);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, "first life"));
    MUST(fixture_append(&w, &w.clients[0], 1, "old"));
    SETTLE(&w);
    MUST(fixture_delete(&w, &w.clients[0], 1));
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[1], 1, 8, NULL));
    SETTLE(&w);
    expect_all(&w, "1 team 8 score 0 tags []\n");
    MUST(fixture_set_name(&w, &w.clients[0], 1, "second"));
    SETTLE(&w);
    expect_all(&w, "1 team 8 score 0 name second tags []\n");
    world_end(&w);
}

Test(merge, a_create_concurrent_with_the_deletion_loses)
{
    world w;
    start_all(&w, 2);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, "x"));
    SETTLE(&w);
    /* Client 1 deletes and creates again; client 0 edits what it still sees. */
    both_offline(&w);
    MUST(fixture_delete(&w, &w.clients[1], 1));
    MUST(fixture_create(&w, &w.clients[1], 1, 7, "again"));
    MUST(fixture_set_name(&w, &w.clients[0], 1, "edit of the first life"));
    back_in_order(&w, 1);
    expect_all(&w, "1 team 7 score 0 name again tags []\n");
    world_end(&w);
}

Test(merge, appends_from_two_devices_are_both_kept_and_do_not_interleave)
{
    world w;
    start_all(&w, 2);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, NULL));
    MUST(fixture_append(&w, &w.clients[0], 1, "base"));
    SETTLE(&w);
    both_offline(&w);
    for (int i = 0; i < 3; i++) {
        char tag[16];
        snprintf(tag, sizeof tag, "a%d", i);
        MUST(fixture_append(&w, &w.clients[0], 1, tag));
        world_run(&w, 100);
        snprintf(tag, sizeof tag, "b%d", i);
        MUST(fixture_append(&w, &w.clients[1], 1, tag));
        world_run(&w, 100);
    }
    MUST(fixture_erase(&w, &w.clients[1], 1, 0));
    back_in_order(&w, 1);
    expect_all(&w, "1 team 5 score 0 tags [a0,a1,a2,b0,b1,b2,]\n");
    world_end(&w);
}

Test(merge, embedded_objects_travel_with_their_root)
{
    world w;
    start_all(&w, 2);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, NULL));
    MUST(fixture_part(&w, &w.clients[0], 1, 10));
    MUST(fixture_add_part(&w, &w.clients[0], 1, 20));
    MUST(fixture_add_part(&w, &w.clients[0], 1, 21));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 tags [] one 10 many 20 21\n");
    MUST(fixture_part(&w, &w.clients[1], 1, 11));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 tags [] one 11 many 20 21\n");
    MUST(fixture_delete(&w, &w.clients[1], 1));
    SETTLE(&w);
    expect_all(&w, "");
    world_end(&w);
}

/* ---- views ---- */

Test(view, objects_enter_and_leave_and_nothing_else_is_sent)
{
    world w;
    start(&w, 2);
    subscribe(&w, 0, "TRUEPREDICATE");
    subscribe(&w, 1, "team == 1");
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[0], 1, 1, "in"));
    MUST(fixture_create(&w, &w.clients[0], 2, 2, "out"));
    SETTLE(&w);
    expect_dump(w.clients[1].db, "TRUEPREDICATE", "1 team 1 score 0 name in tags []\n", "client 1");
    MUST(fixture_set_int(&w, &w.clients[0], 1, "team", 2));
    MUST(fixture_set_int(&w, &w.clients[0], 2, "team", 1));
    SETTLE(&w);
    expect_dump(w.clients[1].db, "TRUEPREDICATE", "2 team 1 score 0 name out tags []\n",
                "client 1");
    subscribe(&w, 1, "team == 2");
    SETTLE(&w);
    expect_dump(w.clients[1].db, "TRUEPREDICATE", "1 team 2 score 0 name in tags []\n", "client 1");
    subscription_set set;
    MUST(subscription_set_newest(w.clients[1].db, &set));
    cr_expect_eq(set.state, SUBSCRIPTION_COMPLETE);
    subscription_set_free(&set);
    world_end(&w);
}

Test(view, leaving_while_offline_is_told_by_leave_records)
{
    world w;
    start(&w, 2);
    subscribe(&w, 0, "TRUEPREDICATE");
    subscribe(&w, 1, "team == 1");
    SETTLE(&w);
    for (int i = 1; i <= 4; i++) MUST(fixture_create(&w, &w.clients[0], i, 1, NULL));
    SETTLE(&w);
    w.clients[1].offline = true;
    world_cut(&w, &w.clients[1]);
    MUST(fixture_set_int(&w, &w.clients[0], 1, "team", 2)); /* leaves */
    MUST(fixture_delete(&w, &w.clients[0], 2));             /* deleted */
    MUST(fixture_set_int(&w, &w.clients[0], 3, "team", 2)); /* leaves and comes back */
    world_run(&w, 500);
    MUST(fixture_set_int(&w, &w.clients[0], 3, "team", 1));
    MUST(fixture_create(&w, &w.clients[0], 5, 2, NULL)); /* never was there */
    MUST(fixture_delete(&w, &w.clients[0], 5));
    world_run(&w, 20000);
    w.clients[1].offline = false;
    SETTLE(&w);
    expect_dump(w.clients[1].db, "TRUEPREDICATE",
                "3 team 1 score 0 tags []\n4 team 1 score 0 tags []\n", "client 1");
    world_end(&w);
}

Test(view, a_row_with_pending_edits_that_leaves_is_hidden_and_its_edit_arrives)
{
    world w;
    start(&w, 2);
    subscribe(&w, 0, "TRUEPREDICATE");
    subscribe(&w, 1, "team == 1");
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[0], 1, 1, "x"));
    SETTLE(&w);
    w.clients[1].offline = true;
    world_cut(&w, &w.clients[1]);
    world_run(&w, 100);
    MUST(fixture_set_int(&w, &w.clients[1], 1, "score", 77));
    MUST(fixture_set_int(&w, &w.clients[0], 1, "team", 2));
    world_run(&w, 70000);
    w.clients[1].offline = false;
    SETTLE(&w);
    expect_dump(w.clients[1].db, "TRUEPREDICATE", "", "client 1");
    expect_dump(server_app_db(w.app), "TRUEPREDICATE", "1 team 2 score 77 name x tags []\n",
                "the server");
    expect_dump(w.clients[0].db, "TRUEPREDICATE", "1 team 2 score 77 name x tags []\n", "client 0");
    cr_expect_eq(w.clients[1].compensations, 0);
    world_end(&w);
}

Test(view, a_write_outside_of_the_view_is_reverted_and_reported_once)
{
    world w;
    start(&w, 2);
    subscribe(&w, 0, "TRUEPREDICATE");
    subscribe(&w, 1, "team == 1");
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[1], 1, 2, "outside"));
    MUST(fixture_create(&w, &w.clients[1], 2, 1, "inside"));
    SETTLE(&w);
    expect_dump(w.clients[1].db, "TRUEPREDICATE", "2 team 1 score 0 name inside tags []\n",
                "client 1");
    expect_dump(server_app_db(w.app), "TRUEPREDICATE", "2 team 1 score 0 name inside tags []\n",
                "the server");
    cr_expect_eq(w.clients[1].compensations, 1, "%d errors, the last: %s", (int)w.clients[1].errors,
                 w.clients[1].last_error_text);
    world_end(&w);
}

Test(view, writes_made_under_the_subscription_before_are_not_lost_with_it)
{
    world w;
    start(&w, 2);
    subscribe(&w, 0, "TRUEPREDICATE");
    subscribe(&w, 1, "team == 1");
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[0], 1, 1, "x"));
    SETTLE(&w);
    w.clients[1].offline = true;
    world_cut(&w, &w.clients[1]);
    world_run(&w, 100);
    MUST(fixture_set_int(&w, &w.clients[1], 1, "score", 5));
    subscribe(&w, 1, "team == 2");
    MUST(fixture_create(&w, &w.clients[1], 2, 2, "new view"));
    world_run(&w, 70000);
    w.clients[1].offline = false;
    SETTLE(&w);
    expect_dump(server_app_db(w.app), "TRUEPREDICATE",
                "1 team 1 score 5 name x tags []\n2 team 2 score 0 name new view tags []\n",
                "the server");
    expect_dump(w.clients[1].db, "TRUEPREDICATE", "2 team 2 score 0 name new view tags []\n",
                "client 1");
    cr_expect_eq(w.clients[1].compensations, 0);
    world_end(&w);
}

Test(view, a_bad_query_fails_the_set_and_the_one_before_stays)
{
    world w;
    start_all(&w, 1);
    MUST(fixture_create(&w, &w.clients[0], 1, 1, "x"));
    SETTLE(&w);
    subscribe(&w, 0, "no_such_field == 1");
    SETTLE(&w);
    subscription_set set;
    MUST(subscription_set_newest(w.clients[0].db, &set));
    cr_expect_eq(set.state, SUBSCRIPTION_ERROR);
    cr_expect(set.error != NULL && strstr(set.error, "no_such_field") != NULL, "%s", set.error);
    subscription_set_free(&set);
    MUST(fixture_create(&w, &w.clients[0], 2, 1, "y"));
    SETTLE(&w);
    expect_all(&w, "1 team 1 score 0 name x tags []\n2 team 1 score 0 name y tags []\n");
    world_end(&w);
}

/* ---- an app that is faster ---- */

typedef struct fast_app {
    model_db *db;
    item_keys keys;
    int64_t left;
} fast_app;

static void write_after(void *context, uint64_t version, commit_origin origin)
{
    fast_app *a = context;
    model_txn *txn = NULL;
    row_key row = 0;
    (void)version;
    if (origin != COMMIT_REMOTE || a->left == 0) return;
    value key = value_int(a->left--);
    MUST(model_begin(a->db, COMMIT_LOCAL, &txn));
    MUST(model_create(txn, a->keys.c, &key, &row));
    MUST(model_commit(txn, NULL));
}

Test(session, who_was_outrun_by_the_app_sends_all_and_sleeps_again)
{
    world w;
    start_all(&w, 1);
    client *c = &w.clients[0];
    fast_app a = {c->db, fixture_keys(c->db), 100};
    MUST(model_listen(c->db, write_after, &a));
    MUST(fixture_create(&w, c, 1000, 5, "before all of them"));
    world_run(&w, 1);
    cr_assert_gt(a.left, 0, "it was not outrun");
    world_run(&w, 1000);
    cr_assert_eq(a.left, 0);
    model_unlisten(c->db, write_after, &a);
    session_committed(c->session, w.now_ms);
    SETTLE(&w);
    model_view *view = model_view_newest(server_app_db(w.app));
    cr_assert_eq(model_count(view, fixture_keys(server_app_db(w.app)).c), 101);
    model_view_release(view);
    cr_assert_gt(session_deadline(c->session), w.now_ms, "its thread would never sleep");
    world_end(&w);
}

/* ---- asymmetric ---- */

static size_t ingested(world *w, char **text)
{
    buffer lines;
    uint64_t last = 0;
    size_t count = 0;
    buffer_init(&lines, 64u << 20);
    MUST(server_ingest_read(w->app, 0, 100000, &lines, &last));
    MUST(buffer_append_byte(&lines, 0));
    *text = malloc(lines.size);
    memcpy(*text, lines.data, lines.size);
    buffer_free(&lines);
    for (char *at = *text; *at != '\0'; at++) count += *at == '\n';
    return count;
}

/* Whatever the record that holds a line, and wherever a reader begins: the lines after that position, as many as wanted. */
static void expect_pages(world *w, const char *all)
{
    for (uint64_t after = 0; after <= 20; after++) {
        for (size_t limit = 1; limit <= 21; limit += 4) {
            buffer lines;
            uint64_t last = 0, wanted = after + limit < 20 ? after + limit : 20;
            const char *from = all, *to = all;
            for (uint64_t i = 0; i < after; i++) from = strchr(from, '\n') + 1;
            for (uint64_t i = 0; i < wanted; i++) to = strchr(to, '\n') + 1;
            buffer_init(&lines, 1 << 20);
            MUST(server_ingest_read(w->app, after, limit, &lines, &last));
            cr_expect_eq(last, wanted, "%d after %d", (int)limit, (int)after);
            cr_expect(bytes_equal(buffer_view(&lines), bytes_of(from, (size_t)(to - from))));
            buffer_free(&lines);
        }
    }
}

static status count_line(void *context, uint64_t position, bytes line)
{
    char wanted[40];
    size_t size = (size_t)snprintf(wanted, sizeof wanted, "{\"position\":%d,", (int)position);
    cr_expect(line.size > size && memcmp(line.data, wanted, size) == 0);
    ++*(size_t *)context;
    return ATOLL_OK;
}

Test(ingest, objects_arrive_once_in_order_and_leave_the_device)
{
    world w;
    start_all(&w, 1);
    client *c = &w.clients[0];
    c->offline = true;
    world_cut(&w, c);
    for (int i = 0; i < 20; i++) {
        char text[20];
        snprintf(text, sizeof text, "r\"%d", i);
        MUST(fixture_reading(&w, c, 100 + i, text));
        if (i == 10) world_run(&w, 1000);
    }
    world_run(&w, 1000);
    c->offline = false;
    SETTLE(&w);
    char *lines = NULL;
    cr_expect_eq(ingested(&w, &lines), 20u, "%s", lines);
    const char *at = lines;
    for (int i = 0; i < 20 && at != NULL; i++) {
        char wanted[80];
        snprintf(wanted, sizeof wanted, "\"object\":{\"_id\":%d,\"text\":\"r\\\"%d\"", 100 + i, i);
        at = strstr(at, wanted);
        cr_expect_not_null(at, "missing %s in\n%s", wanted, lines);
    }
    expect_pages(&w, lines);
    size_t counted = 0;
    MUST(ingest_each(server_app_db(w.app), 3, 20, count_line, &counted));
    cr_expect_eq(counted, 17u);
    free(lines);
    session_wait_upload(c->session, w.now_ms, 5);
    world_run(&w, 1000);
    cr_expect_eq(c->request_last, 5u);
    cr_expect_eq(c->request_code, ATOLL_OK);
    world_end(&w);
}

/* ---- sessions ---- */

Test(session, stop_ends_waits_and_start_connects_at_once_with_reason_resume)
{
    world w;
    start_all(&w, 1);
    client *c = &w.clients[0];
    c->offline = true;
    world_cut(&w, c);
    world_run(&w, 30000); /* the backoff is long now */
    session_wait_download(c->session, w.now_ms, 9);
    session_stop(c->session, w.now_ms);
    world_run(&w, 10);
    cr_expect_eq(c->request_last, 9u);
    cr_expect_eq(c->request_code, ATOLL_ERROR_SESSION_INACTIVE);
    cr_expect_eq(session_state(c->session), 4);
    session_wait_download(c->session, w.now_ms, 10);
    c->offline = false;
    world_run(&w, 60000);
    cr_expect_eq(c->request_last, 9u, "a stopped session does nothing");
    uint64_t resumes = w.openings[2];
    session_start(c->session, w.now_ms);
    world_run(&w, 500);
    cr_expect_eq(w.openings[2], resumes + 1);
    cr_expect_eq(c->request_last, 10u);
    cr_expect_eq(c->request_code, ATOLL_OK);
    world_end(&w);
}

Test(session, waits_end_with_an_error_of_the_connection_where_that_is_wanted)
{
    for (int wanted = 0; wanted < 2; wanted++) {
        world w;
        start_all(&w, 1);
        client *c = &w.clients[0];
        w.cancel_waits = wanted != 0;
        world_crash_client(&w, c, 1);
        world_run(&w, 1000);
        SETTLE(&w);
        c->offline = true;
        world_cut(&w, c);
        session_wait_download(c->session, w.now_ms, 9);
        world_run(&w, 30000);
        cr_expect_eq(c->request_last == 9, wanted != 0);
        if (wanted != 0) cr_expect_neq(c->request_code, ATOLL_OK);
        cr_expect_eq(session_state(c->session), 0, "the session goes on");
        c->offline = false;
        session_wait_download(c->session, w.now_ms, 10);
        world_run(&w, 60000);
        cr_expect_eq(c->request_last, 10u);
        cr_expect_eq(c->request_code, ATOLL_OK);
        world_end(&w);
    }
}

Test(session, a_lost_acknowledgement_is_sent_again_and_nothing_is_applied_twice)
{
    world w;
    start_all(&w, 1);
    client *c = &w.clients[0];
    for (int k = 0; k < 30; k++) {
        MUST(fixture_reading(&w, c, k, "once"));
        world_run(&w, (uint64_t)(k * 3));
        world_cut(&w, c);
        SETTLE(&w);
    }
    char *lines = NULL;
    cr_expect_eq(ingested(&w, &lines), 30u, "%s", lines);
    free(lines);
    world_end(&w);
}

Test(session, a_copied_folder_is_refused_and_keeps_what_it_has)
{
    world w;
    start_all(&w, 2);
    w.reset_mode = SESSION_RESET_MANUAL;
    client *a = &w.clients[0], *b = &w.clients[1];
    MUST(fixture_create(&w, a, 1, 5, "shared"));
    SETTLE(&w);
    a->offline = true;
    world_cut(&w, a);
    MUST(fixture_create(&w, a, 2, 5, "unsent"));
    world_run(&w, 100);
    /* Client 1 becomes a copy of client 0's folder. */
    world_crash_client(&w, b, 100);
    memory_disk_free(b->node.disk);
    b->node.disk = memory_disk_copy(a->node.disk);
    a->offline = false;
    b->offline = true;
    world_run(&w, 100000);
    b->offline = false;
    world_run(&w, 100000);
    cr_expect_eq(b->last_error, ATOLL_ERROR_COPIED_FOLDER, "%s", b->last_error_text);
    cr_expect_eq(session_state(b->session), 2);
    expect_dump(b->db, "TRUEPREDICATE",
                "1 team 5 score 0 name shared tags []\n2 team 5 score 0 name unsent tags []\n",
                "the copy");
    MUST(fixture_set_name(&w, b, 2, "still usable"));
    expect_dump(server_app_db(w.app), "TRUEPREDICATE",
                "1 team 5 score 0 name shared tags []\n2 team 5 score 0 name unsent tags []\n",
                "the server");
    world_end(&w);
}

Test(session, partition_sync_fills_the_partition_and_sees_only_its_own)
{
    world w;
    MUST(world_start(&w, 3, 2, false, fixture_schema(false, false)));
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, "in p"));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name in p tags []\n");
    expect_dump(server_app_db(w.app), "_partition == 'p'", "1 team 5 score 0 name in p tags []\n",
                "the server");
    world_end(&w);
}

Test(session, a_crash_of_either_side_loses_nothing_that_was_committed)
{
    world w;
    start_all(&w, 2);
    for (int i = 0; i < 12; i++) {
        MUST(fixture_create(&w, &w.clients[0], i, 1, NULL));
        world_run(&w, (uint64_t)(i * 7));
        if (i % 3 == 0) world_crash_server(&w, 500);
        if (i % 3 == 1) world_crash_client(&w, &w.clients[0], 300);
        world_run(&w, 2000);
    }
    SETTLE(&w);
    char wanted[1000] = "";
    for (int i = 0; i < 12; i++)
        snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted),
                 "%d team 1 score 0 tags []\n", i);
    expect_all(&w, wanted);
    world_end(&w);
}
