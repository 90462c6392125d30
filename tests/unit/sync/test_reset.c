/* Client resets: what brings them about, and what each kind of them keeps. */
#include "copies.h"

#include "sync/session_internal.h"

#include <stdio.h>
#include <stdlib.h>

static void start(world *w, int clients)
{
    MUST(world_start(w, 7, clients, true, fixture_schema(true, false)));
    for (int i = 0; i < clients; i++) subscribe(w, i, "TRUEPREDICATE");
    SETTLE(w);
}

/* The mode counts from the next start of the session on. */
static void reopen(world *w, client *c)
{
    world_crash_client(w, c, 10);
    world_run(w, 100);
}

static void mode(world *w, int32_t reset_mode)
{
    w->reset_mode = reset_mode;
    for (int i = 0; i < w->client_count; i++) reopen(w, &w->clients[i]);
    SETTLE(w);
}

Test(reset, a_restored_backup_loses_nothing_of_those_who_come_back)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0], *b = &w.clients[1];
    MUST(fixture_create(&w, a, 1, 5, "old"));
    MUST(fixture_create(&w, b, 2, 5, "to be deleted"));
    SETTLE(&w);
    memory_disk *backup = memory_disk_copy(w.server_node.disk);
    MUST(fixture_set_name(&w, a, 1, "acknowledged"));
    MUST(fixture_create(&w, b, 3, 6, "new"));
    MUST(fixture_append(&w, b, 3, "tag"));
    MUST(fixture_part(&w, b, 3, 8));
    MUST(fixture_delete(&w, b, 2));
    SETTLE(&w);
    away(&w, a);
    MUST(fixture_set_int(&w, a, 1, "score", 4));
    world_restore_server(&w, backup, 100);
    memory_disk_free(backup);
    a->offline = false;
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 4 name acknowledged tags []\n"
                   "3 team 6 score 0 name new tags [tag,] one 8\n");
    world_end(&w);
}

Test(reset, a_restored_backup_is_found_out_though_the_server_has_gone_on)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0], *b = &w.clients[1];
    memory_disk *backup = memory_disk_copy(w.server_node.disk);
    MUST(fixture_create(&w, a, 1, 5, "lost"));
    SETTLE(&w);
    away(&w, a);
    world_restore_server(&w, backup, 100);
    memory_disk_free(backup);
    world_run(&w, 20000);
    /* The other one writes until the versions are past the cursor of the first. */
    for (int i = 10; i < 30; i++) {
        MUST(fixture_create(&w, b, i, 5, NULL));
        world_run(&w, 500);
    }
    a->offline = false;
    SETTLE(&w);
    char *server = fixture_dump(server_app_db(w.app), "TRUEPREDICATE");
    cr_expect_not_null(strstr(server, "1 team 5 score 0 name lost"), "%s", server);
    expect_all(&w, server);
    free(server);
    world_end(&w);
}

Test(reset, an_empty_server_is_filled_by_those_who_come_back)
{
    world w;
    start(&w, 1);
    client *a = &w.clients[0];
    MUST(fixture_create(&w, a, 1, 5, "one"));
    MUST(fixture_add_part(&w, a, 1, 3));
    SETTLE(&w);
    memory_disk *empty = memory_disk_new(1);
    world_restore_server(&w, empty, 100);
    memory_disk_free(empty);
    char *before = fixture_dump(a->db, "TRUEPREDICATE");
    SETTLE(&w);
    expect_all(&w, before);
    free(before);
    world_end(&w);
}

Test(reset, a_copied_folder_recovers_under_a_new_ident)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0], *b = &w.clients[1];
    MUST(fixture_create(&w, a, 1, 5, "shared"));
    MUST(fixture_append(&w, a, 1, "both"));
    SETTLE(&w);
    world_crash_client(&w, b, 1000);
    memory_disk_free(b->node.disk);
    b->node.disk = memory_disk_copy(a->node.disk);
    b->offline = true;
    world_run(&w, 2000);
    MUST(fixture_append(&w, b, 1, "copy"));
    MUST(fixture_create(&w, b, 2, 5, "of the copy"));
    MUST(fixture_reading(&w, b, 1, "of the copy"));
    MUST(fixture_append(&w, a, 1, "original"));
    world_run(&w, 20000);
    b->offline = false;
    SETTLE(&w);
    cr_expect_eq(b->errors, 0, "%s", b->last_error_text);
    expect_all(&w, "1 team 5 score 0 name shared tags [both,original,copy,]\n"
                   "2 team 5 score 0 name of the copy tags []\n");
    cr_expect_eq(readings(&w), 1u);
    world_end(&w);
}

Test(reset, recovery_keeps_what_is_unsent_and_edits_only_what_is_still_there)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0], *b = &w.clients[1];
    for (int i = 1; i <= 4; i++) MUST(fixture_create(&w, a, i, 5, "start"));
    SETTLE(&w);
    away(&w, a);
    MUST(fixture_set_name(&w, a, 1, "pending wins"));
    MUST(fixture_set_name(&w, a, 2, "edit of what is gone"));
    MUST(fixture_delete(&w, a, 3));
    MUST(fixture_create(&w, a, 9, 5, "created"));
    MUST(fixture_reading(&w, a, 1, "once"));
    world_run(&w, 5000);
    MUST(fixture_set_name(&w, b, 1, "later, on the server"));
    MUST(fixture_set_int(&w, b, 1, "score", 7));
    MUST(fixture_delete(&w, b, 2));
    MUST(fixture_set_name(&w, b, 3, "deleted by the other"));
    world_run(&w, 20000);
    world_run(&w, 10000);
    MUST(server_app_terminate(w.app));
    a->offline = false;
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 7 name pending wins tags []\n"
                   "4 team 5 score 0 name start tags []\n"
                   "9 team 5 score 0 name created tags []\n");
    cr_expect_eq(readings(&w), 1u);
    world_end(&w);
}

Test(reset, discarding_leaves_the_servers_state_and_nothing_to_send)
{
    world w;
    start(&w, 2);
    mode(&w, SESSION_RESET_DISCARD);
    client *a = &w.clients[0], *b = &w.clients[1];
    for (int i = 1; i <= 3; i++) MUST(fixture_create(&w, a, i, 5, "start"));
    SETTLE(&w);
    away(&w, a);
    MUST(fixture_set_name(&w, a, 1, "unsent"));
    MUST(fixture_delete(&w, a, 2));
    MUST(fixture_create(&w, a, 9, 5, "unsent"));
    MUST(fixture_append(&w, a, 3, "unsent"));
    MUST(fixture_set_int(&w, b, 3, "score", 2));
    world_run(&w, 20000);
    MUST(server_app_terminate(w.app));
    a->offline = false;
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name start tags []\n2 team 5 score 0 name start tags []\n"
                   "3 team 5 score 2 name start tags []\n");
    bool any = true;
    MUST(pending_any(a->db, &any));
    cr_expect_not(any);
    world_end(&w);
}

Test(reset, one_who_was_offline_too_long_resets_and_deletions_are_forgotten)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0], *b = &w.clients[1];
    w.offline_ms = 100000;
    world_crash_server(&w, 10);
    SETTLE(&w);
    MUST(fixture_create(&w, a, 1, 5, "one"));
    MUST(fixture_create(&w, a, 2, 5, "two"));
    SETTLE(&w);
    MUST(server_app_housekeep(w.app));
    away(&w, a);
    MUST(fixture_set_name(&w, a, 1, "unsent"));
    MUST(fixture_delete(&w, b, 2));
    world_run(&w, 20000);
    for (int i = 0; i < 40; i++) {
        world_run(&w, 5000);
        MUST(server_app_housekeep(w.app));
    }
    world_run(&w, 20000);
    a->offline = false;
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name unsent tags []\n");
    /* The tombstone is gone, and the key is free for a next life. */
    MUST(fixture_create(&w, b, 2, 5, "again"));
    MUST(fixture_set_int(&w, b, 2, "score", 1));
    SETTLE(&w);
    MUST(fixture_set_int(&w, a, 2, "score", 2));
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name unsent tags []\n2 team 5 score 2 name again tags []\n");
    world_end(&w);
}

Test(reset, one_who_is_there_all_the_time_never_resets)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0];
    w.offline_ms = 100000;
    mode(&w, SESSION_RESET_MANUAL);
    world_crash_server(&w, 10);
    SETTLE(&w);
    subscribe(&w, 0, "team == 1"); /* Nothing of what happens concerns it. */
    SETTLE(&w);
    for (int i = 0; i < 100; i++) {
        MUST(fixture_create(&w, &w.clients[1], i, 5, NULL));
        world_run(&w, 5000);
        MUST(server_app_housekeep(w.app));
    }
    reopen(&w, a);
    SETTLE(&w);
    cr_expect_eq(session_state(a->session), 0, "%s", a->last_error_text);
    world_end(&w);
}

Test(reset, the_app_is_asked_before_and_after_and_the_server_waits)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0], *b = &w.clients[1];
    w.ask_resets = true;
    reopen(&w, a);
    SETTLE(&w);
    MUST(fixture_create(&w, a, 1, 5, "one"));
    SETTLE(&w);
    away(&w, a);
    MUST(fixture_create(&w, a, 2, 5, "unsent"));
    MUST(server_app_terminate(w.app));
    a->offline = false;
    world_run(&w, 30000);
    cr_expect_eq(a->resets[1][0], 1u);
    MUST(fixture_create(&w, b, 3, 5, "later"));
    world_run(&w, 20000);
    expect_dump(a->db, "TRUEPREDICATE",
                "1 team 5 score 0 name one tags []\n2 team 5 score 0 name unsent tags []\n",
                "the one that is asked");
    session_reset_continue(a->session, w.now_ms, ATOLL_OK, NULL);
    world_run(&w, 1000);
    cr_expect_eq(a->resets[2][0], 1u);
    session_reset_continue(a->session, w.now_ms, ATOLL_OK, NULL);
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name one tags []\n2 team 5 score 0 name unsent tags []\n"
                   "3 team 5 score 0 name later tags []\n");
    world_end(&w);
}

/* What each device added, acknowledged or not, counts once, whoever comes back first and whatever the backup has of it. */
Test(reset, increments_that_a_restored_backup_lost_are_added_again)
{
    for (int first = 0; first < 2; first++) {
        world w;
        start(&w, 2);
        client *a = &w.clients[0], *b = &w.clients[1];
        MUST(fixture_create(&w, a, 1, 5, NULL));
        SETTLE(&w);
        MUST(fixture_add(&w, a, 1, 1));
        MUST(fixture_add(&w, b, 1, 20));
        SETTLE(&w);
        memory_disk *backup = memory_disk_copy(w.server_node.disk);
        MUST(fixture_add(&w, a, 1, 300));
        SETTLE(&w);
        MUST(fixture_add(&w, b, 1, 4000));
        SETTLE(&w);
        MUST(fixture_add(&w, a, 1, 50000));
        SETTLE(&w);
        away(&w, a);
        away(&w, b);
        MUST(fixture_add(&w, a, 1, 600000));
        world_restore_server(&w, backup, 100);
        world_run(&w, 1000);
        w.clients[first].offline = false;
        world_run(&w, 30000);
        w.clients[1 - first].offline = false;
        SETTLE(&w);
        expect_all(&w, "1 team 5 score 654321 tags []\n");
        /* The same once more: what was added again is remembered as what was added. */
        world_restore_server(&w, backup, 100);
        memory_disk_free(backup);
        SETTLE(&w);
        expect_all(&w, "1 team 5 score 654321 tags []\n");
        world_end(&w);
    }
}

/* An increment ends with the object. */
Test(reset, what_was_added_to_an_object_is_not_added_to_the_one_in_its_place)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0];
    MUST(fixture_create(&w, a, 1, 5, NULL));
    SETTLE(&w);
    memory_disk *backup = memory_disk_copy(w.server_node.disk);
    MUST(fixture_add(&w, a, 1, 300));
    SETTLE(&w);
    away(&w, a);
    MUST(fixture_delete(&w, a, 1));
    MUST(fixture_create(&w, a, 1, 6, NULL));
    world_restore_server(&w, backup, 100);
    memory_disk_free(backup);
    world_run(&w, 5000);
    a->offline = false;
    SETTLE(&w);
    expect_all(&w, "1 team 6 score 0 tags []\n");
    world_end(&w);
}

/* The one that made the object tells its value as it knew it last: what others added until then is in it, what they added later
 * is not. */
Test(reset, an_object_that_was_lost_has_what_everybody_added_once)
{
    for (int first = 0; first < 2; first++) {
        world w;
        start(&w, 2);
        client *a = &w.clients[0], *b = &w.clients[1];
        memory_disk *backup = memory_disk_copy(w.server_node.disk);
        MUST(fixture_create(&w, a, 1, 5, NULL));
        SETTLE(&w);
        MUST(fixture_add(&w, b, 1, 1));
        SETTLE(&w);
        MUST(fixture_add(&w, a, 1, 20));
        SETTLE(&w);
        away(&w, a);
        if (first == 0) MUST(fixture_add(&w, b, 1, 300));
        world_run(&w, 5000);
        away(&w, b);
        world_restore_server(&w, backup, 100);
        memory_disk_free(backup);
        world_run(&w, 1000);
        w.clients[first].offline = false; /* The other one first finds no object to add to. */
        world_run(&w, 30000);
        w.clients[1 - first].offline = false;
        SETTLE(&w);
        expect_all(&w, first == 0 ? "1 team 5 score 321 tags []\n" : "1 team 5 score 21 tags []\n");
        world_end(&w);
    }
}

/* What was claimed and lost to the value that has it, loses to it in the next reset, too. */
Test(reset, what_was_claimed_beside_its_value_is_not_added_in_the_next_reset)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0], *b = &w.clients[1];
    memory_disk *backup = memory_disk_copy(w.server_node.disk);
    MUST(fixture_create(&w, a, 1, 5, NULL));
    SETTLE(&w);
    MUST(fixture_add(&w, b, 1, 7));
    SETTLE(&w);
    away(&w, b);
    world_restore_server(&w, backup, 100);
    memory_disk_free(backup);
    world_run(&w, 30000); /* The value of a has what b added. */
    memory_disk *later = memory_disk_copy(w.server_node.disk);
    b->offline = false;
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 7 tags []\n");
    world_restore_server(&w, later, 100);
    memory_disk_free(later);
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 7 tags []\n");
    world_end(&w);
}

/* What is set after the restoring is later than what was lost. */
Test(reset, a_lost_value_does_not_win_over_one_that_was_set_since)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0], *b = &w.clients[1];
    MUST(fixture_create(&w, a, 1, 5, NULL));
    SETTLE(&w);
    memory_disk *backup = memory_disk_copy(w.server_node.disk);
    MUST(fixture_set_name(&w, a, 1, "acknowledged, and lost"));
    SETTLE(&w);
    away(&w, a);
    world_restore_server(&w, backup, 100);
    memory_disk_free(backup);
    world_run(&w, 30000);
    MUST(fixture_set_name(&w, b, 1, "set since"));
    world_run(&w, 5000);
    a->offline = false;
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name set since tags []\n");
    world_end(&w);
}

/* The object of the backup has to end, though the one that took its place ends before it is sent. */
Test(reset, an_object_made_anew_and_deleted_again_does_not_bring_back_the_old_one)
{
    world w;
    start(&w, 2);
    client *a = &w.clients[0];
    w.ask_resets = true;
    reopen(&w, a);
    MUST(fixture_create(&w, a, 1, 5, "old"));
    SETTLE(&w);
    memory_disk *backup = memory_disk_copy(w.server_node.disk);
    MUST(fixture_delete(&w, a, 1));
    MUST(fixture_create(&w, a, 1, 6, NULL));
    SETTLE(&w);
    world_restore_server(&w, backup, 100);
    memory_disk_free(backup);
    world_run(&w, 30000);
    session_reset_continue(a->session, w.now_ms, ATOLL_OK, NULL);
    world_run(&w, 1000);
    cr_expect_eq(a->resets[2][0], 1u);
    MUST(fixture_delete(&w, a, 1));
    session_reset_continue(a->session, w.now_ms, ATOLL_OK, NULL);
    SETTLE(&w);
    expect_all(&w, "");
    MUST(fixture_create(&w, a, 1, 7, NULL));
    SETTLE(&w);
    expect_all(&w, "1 team 7 score 0 tags []\n");
    world_end(&w);
}

Test(reset, a_handler_that_fails_ends_the_automatic_reset)
{
    world w;
    start(&w, 1);
    client *a = &w.clients[0];
    w.ask_resets = true;
    reopen(&w, a);
    SETTLE(&w);
    MUST(fixture_create(&w, a, 1, 5, "one"));
    SETTLE(&w);
    MUST(server_app_terminate(w.app));
    world_run(&w, 10);
    world_run(&w, 30000);
    cr_expect_eq(a->resets[1][0], 1u);
    session_reset_continue(a->session, w.now_ms, ATOLL_ERROR_INTERNAL, "the handler threw");
    world_run(&w, 1000);
    cr_expect_eq(a->last_error, ATOLL_ERROR_AUTO_CLIENT_RESET_FAILED, "%s", a->last_error_text);
    cr_expect_eq(session_state(a->session), 2);
    /* The next start tries it again. */
    w.ask_resets = false;
    reopen(&w, a);
    SETTLE(&w);
    expect_all(&w, "1 team 5 score 0 name one tags []\n");
    world_end(&w);
}

/* Cut at every moment of an upload: what the server has is not sent again under the new ident. */
Test(reset, a_batch_whose_acknowledgement_was_lost_is_not_applied_twice)
{
    int lost = 0;
    for (uint64_t pause = 0; pause < 100; pause += 3) {
        world w;
        start(&w, 1);
        client *a = &w.clients[0];
        for (int k = 0; k < 3; k++) MUST(fixture_reading(&w, a, k, "once"));
        world_run(&w, 1);
        world_run(&w, pause);
        bool unsent = a->session->sync.sent_bound != 0;
        away(&w, a);
        world_run(&w, 10);
        lost += unsent && readings(&w) > 0;
        MUST(server_app_terminate(w.app));
        a->offline = false;
        SETTLE(&w);
        cr_expect_eq(readings(&w), 3u, "cut after %llu ms: %zu", (unsigned long long)pause,
                     readings(&w));
        world_end(&w);
    }
    cr_expect_gt(lost, 0, "no acknowledgement was lost: the test shows nothing");
}

Test(reset, a_circle_of_resets_ends)
{
    world w;
    start(&w, 1);
    client *a = &w.clients[0];
    w.reset_mode = SESSION_RESET_RECOVER;
    reopen(&w, a);
    SETTLE(&w);
    MUST(fixture_create(&w, a, 1, 5, "one"));
    for (int i = 0; i < 10 && session_state(a->session) == 0; i++) {
        session_simulate_error(a->session, w.now_ms, ATOLL_ERROR_CLIENT_RESET, "again", true);
        world_run(&w, 10);
    }
    cr_expect_eq(a->last_error, ATOLL_ERROR_AUTO_CLIENT_RESET_FAILED, "%s", a->last_error_text);
    cr_expect_eq(session_state(a->session), 2);
    expect_dump(a->db, "TRUEPREDICATE", "1 team 5 score 0 name one tags []\n", "the client");
    world_end(&w);
}
