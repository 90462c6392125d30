/* Two copies of one folder: what they have in common is sent once, whichever of them goes on, and in whatever order. */
#include "copies.h"

#include "base/random.h"
#include "sync/session_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first client has a folder, the second one is going to be its copy. */
static void start(world *w, uint64_t seed, int clients)
{
    MUST(world_start(w, seed, clients, true, fixture_schema(true, false)));
    for (int i = 0; i < clients; i++) subscribe(w, i, "TRUEPREDICATE");
    SETTLE(w);
    MUST(fixture_create(w, &w->clients[0], 1, 5, NULL));
    SETTLE(w);
}

/* As it is at this moment, though the original goes on writing. */
static void copy_folder(world *w, client *from, client *to)
{
    world_crash_client(w, to, 10);
    memory_disk_free(to->node.disk);
    to->node.disk = memory_disk_copy(from->node.disk);
    to->offline = true;
    world_run(w, 100);
    cr_assert_not_null(to->db);
}

static void expect_score(world *w, int64_t score)
{
    char wanted[80];
    snprintf(wanted, sizeof wanted, "1 team 5 score %lld tags []\n", (long long)score);
    expect_all(w, wanted);
}

Test(copied_folders, what_their_common_past_had_unsent_arrives_once)
{
    for (int first = 0; first < 2; first++) {
        world w;
        start(&w, 7, 2);
        client *a = &w.clients[0], *b = &w.clients[1];
        away(&w, a);
        MUST(fixture_add(&w, a, 1, 1));
        MUST(fixture_reading(&w, a, 1, "of both"));
        copy_folder(&w, a, b);
        MUST(fixture_add(&w, a, 1, 20));
        MUST(fixture_reading(&w, a, 2, "of the original"));
        MUST(fixture_add(&w, b, 1, 300));
        MUST(fixture_reading(&w, b, 3, "of the copy"));
        w.clients[first].offline = false;
        world_run(&w, 20000);
        cr_expect_eq(readings(&w), 2u);
        w.clients[1 - first].offline = false;
        SETTLE(&w);
        expect_score(&w, 321);
        cr_expect_eq(readings(&w), 3u);
        world_end(&w);
    }
}

/* The one that is told that it is a copy may be the first to send: then the other one is told so, too. */
Test(copied_folders, the_one_that_resets_first_sends_for_both)
{
    world w;
    start(&w, 7, 2);
    client *a = &w.clients[0], *b = &w.clients[1];
    away(&w, a);
    MUST(fixture_add(&w, a, 1, 1));
    MUST(fixture_reading(&w, a, 1, "of both"));
    copy_folder(&w, a, b);
    MUST(fixture_add(&w, a, 1, 20));
    MUST(fixture_add(&w, b, 1, 300));
    session_simulate_error(b->session, w.now_ms, ATOLL_ERROR_COPIED_FOLDER, "it is a copy", false);
    b->offline = false;
    world_run(&w, 20000);
    cr_expect_eq(readings(&w), 1u);
    a->offline = false;
    SETTLE(&w);
    expect_score(&w, 321);
    cr_expect_eq(readings(&w), 1u);
    world_end(&w);
}

/* Copied while it writes, more than once; cuts, crashes of devices and of the server at any disk operation in between. */
Test(copied_folders, every_object_and_increment_counts_once_in_whatever_order)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        world w;
        random_state random = {.state = seed * 7919 + 1};
        int64_t sum = 0;
        size_t made = 0;
        bool unsure = false;
        start(&w, seed, 3);
        int copies = 1; /* clients that have a folder of this line */
        for (int i = 1; i < 3; i++) w.clients[i].offline = true;
        for (int round = 0; round < 60 && !unsure; round++) {
            client *c = &w.clients[random_below(&random, (uint64_t)copies)];
            uint64_t which = random_below(&random, 12);
            int64_t by = 1 + (int64_t)random_below(&random, 9);
            if (which < 4 && c->db != NULL) {
                unsure = fixture_add(&w, c, 1, by) != ATOLL_OK;
                sum += by;
            } else if (which < 8 && c->db != NULL) {
                unsure = fixture_reading(&w, c, (int64_t)(seed * 1000 + made++), "x") != ATOLL_OK;
            } else if (which == 8 && copies < 3 && round > 10 && c->db != NULL) {
                copy_folder(&w, c, &w.clients[copies++]);
            } else if (which == 9) {
                c->offline = !c->offline;
                if (c->offline) world_cut(&w, c);
            } else if (which == 10) {
                world_crash_server(&w, 50);
            } else if (which == 11) {
                world_run(&w, random_below(&random, 4000));
            }
            world_run(&w, random_below(&random, 60));
        }
        cr_assert(!unsure);
        for (int i = copies; i < 3; i++) copy_folder(&w, &w.clients[0], &w.clients[i]);
        for (int i = 0; i < 3; i++) w.clients[i].offline = false;
        SETTLE(&w);
        expect_score(&w, sum);
        cr_expect_eq(readings(&w), made, "seed %llu: %zu readings of %zu", (unsigned long long)seed,
                     readings(&w), made);
        world_end(&w);
    }
}
