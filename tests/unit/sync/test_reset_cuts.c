/* A power cut before each disk call of a whole client reset, on the device or on the server, one after the other: however often
 * it begins again, what it recovers is there once, and what it gives up is gone. */
#include "copies.h"

#include "sync/session_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { CUTS_LEAST = 20 }; /* fewer disk calls than that are no reset */

static const char recovered[] = "1 team 5 score 35 name acknowledged tags [tag,]\n"
                                "3 team 5 score 7 tags []\n"
                                "4 team 6 score 0 name new tags [] one 8\n"
                                "5 team 6 score 0 name unsent tags []\n";
static const char discarded[] = "1 team 5 score 0 tags []\n"
                                "2 team 5 score 0 tags []\n"
                                "3 team 5 score 0 tags []\n";

static void begin(world *w, int32_t mode)
{
    MUST(world_start(w, 7, 2, true, fixture_schema(true, false)));
    w->reset_mode = mode;
    for (int i = 0; i < 2; i++) {
        const char *classes[] = {"Item"}, *queries[] = {"TRUEPREDICATE"};
        world_crash_client(w, &w->clients[i], 10);
        world_run(w, 100);
        MUST(world_subscribe(w, &w->clients[i], classes, queries, 1));
    }
    cr_assert(world_settle(w, 200000));
}

/* Acknowledged and lost, and not sent yet: of every kind something. */
static void write_all(world *w)
{
    client *a = &w->clients[0], *b = &w->clients[1];
    MUST(fixture_create(w, a, 1, 5, NULL));
    MUST(fixture_create(w, a, 2, 5, NULL));
    MUST(fixture_create(w, b, 3, 5, NULL));
    cr_assert(world_settle(w, 200000));
    memory_disk *backup = memory_disk_copy(w->server_node.disk);
    MUST(fixture_set_name(w, a, 1, "acknowledged"));
    MUST(fixture_add(w, a, 1, 5));
    MUST(fixture_create(w, a, 4, 6, "new"));
    MUST(fixture_part(w, a, 4, 8));
    MUST(fixture_delete(w, a, 2));
    cr_assert(world_settle(w, 200000));
    a->offline = true;
    world_cut(w, a);
    MUST(fixture_set_int(w, a, 3, "score", 7));
    MUST(fixture_add(w, a, 1, 30));
    MUST(fixture_append(w, a, 1, "tag"));
    MUST(fixture_create(w, a, 5, 6, "unsent"));
    MUST(fixture_reading(w, a, 1, "unsent"));
    world_restore_server(w, backup, 100);
    memory_disk_free(backup);
    world_run(w, 1000);
}

static void expect(world *w, const char *wanted, bool of_server, uint64_t cut)
{
    model_db *all[] = {server_app_db(w->app), w->clients[0].db, w->clients[1].db};
    for (int i = 0; i < 3; i++) {
        char *text = fixture_dump(all[i], "TRUEPREDICATE");
        cr_assert_str_eq(text, wanted, "cut %llu of the %s, copy %d: there is\n%sand not\n%s",
                         (unsigned long long)cut, of_server ? "server" : "device", i, text, wanted);
        free(text);
    }
    buffer lines;
    uint64_t last = 0, count = 0;
    buffer_init(&lines, 1 << 20);
    MUST(server_ingest_read(w->app, 0, 100, &lines, &last));
    for (size_t i = 0; i < lines.size; i++) count += lines.data[i] == '\n';
    buffer_free(&lines);
    cr_assert_eq(count, 1u, "cut %llu: %llu readings", (unsigned long long)cut,
                 (unsigned long long)count);
}

/* False: the reset has fewer disk calls. */
static bool cut_at(int32_t mode, bool of_server, uint64_t cut)
{
    world w;
    begin(&w, mode);
    write_all(&w);
    client *a = &w.clients[0];
    node *n = of_server ? &w.server_node : &a->node;
    uint64_t crashes = n->crashes;
    n->crash_in = cut;
    a->offline = false;
    cr_assert(world_settle(&w, 400000), "cut %llu: the world does not settle",
              (unsigned long long)cut);
    bool reached = n->crashes > crashes;
    n->crash_in = 0;
    expect(&w, mode == SESSION_RESET_DISCARD ? discarded : recovered, of_server, cut);
    cr_assert_eq(a->session->reset.phase, RESET_NONE);
    world_end(&w);
    return reached;
}

static void cut_everywhere(int32_t mode, bool of_server)
{
    uint64_t cut = 1;
    while (cut_at(mode, of_server, cut)) cut++;
    cr_assert_gt(cut, (uint64_t)CUTS_LEAST);
}

Test(reset_cuts, a_recovery_goes_on_after_a_cut_before_each_disk_call_of_the_device)
{
    cut_everywhere(SESSION_RESET_RECOVER, false);
}

Test(reset_cuts, a_recovery_goes_on_after_a_cut_before_each_disk_call_of_the_server)
{
    cut_everywhere(SESSION_RESET_RECOVER, true);
}

Test(reset_cuts, a_discarding_goes_on_after_a_cut_before_each_disk_call)
{
    cut_everywhere(SESSION_RESET_DISCARD, false);
    cut_everywhere(SESSION_RESET_DISCARD, true);
}
