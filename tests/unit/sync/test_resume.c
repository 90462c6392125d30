/* First downloads that are cut again and again while others write: what is kept of them, with what follows, is the server's
 * state. */
#include "copies.h"
#include "base/random.h"
#include "server/app.h"
#include "sync/breakage.h"
#include "sync/session_internal.h"

#include <stdlib.h>

enum { SEEDS = 120, OBJECTS = 40, CUTS_MAX = 5 };

static uint64_t spared;

static void change_one(world *w, random_state *r)
{
    client *c = &w->clients[0];
    int64_t id = (int64_t)random_below(r, OBJECTS + 8);
    bool made = fixture_create(w, c, id, (int64_t)random_below(r, 2), "made") == ATOLL_OK;
    if (made) return;
    switch (random_below(r, 6)) {
    case 0: MUST(fixture_delete(w, c, id)); return;
    case 1: MUST(fixture_set_int(w, c, id, "team", (int64_t)random_below(r, 2))); return;
    case 2: MUST(fixture_append(w, c, id, "tag")); return;
    case 3: MUST(fixture_part(w, c, id, id)); return;
    case 4: MUST(fixture_add(w, c, id, 3)); return;
    default: MUST(fixture_set_name(w, c, id, "changed")); return;
    }
}

/* Delivers some of what is on its way to the reader, then ends its stream in one of the ways in which that happens. */
static void cut_somewhere(world *w, client *c, random_state *r)
{
    uint64_t version = 0;
    peer_counters counters = {0};
    for (int i = 0; i < 3000 && (c->peer == NULL || c->down.count - c->down.first < 6); i++)
        world_run(w, 1);
    for (uint64_t n = 3 + random_below(r, OBJECTS); n > 0 && c->down.first < c->down.count; n--) {
        packet p = c->down.items[c->down.first++];
        session_received(c->session, w->now_ms, bytes_of(p.data, p.size));
        free(p.data);
    }
    if (c->peer != NULL) peer_get_counters(c->peer, &counters);
    spared += counters.rows_spared;
    if (random_below(r, 2) == 0) MUST(model_sync(c->db, &version));
    switch (random_below(r, 4)) {
    case 0: world_crash_client(w, c, 10); break;
    case 1: world_crash_server(w, 10); break;
    default: world_cut(w, c); break;
    }
}

/* Whether the reader has what the server has. */
static bool run_seed(uint64_t seed)
{
    static const char *const queries[] = {"TRUEPREDICATE", "team == 1"};
    random_state r = {seed};
    world w;
    model_schema schema = fixture_schema(true, false);
    fixture_add_types(&schema);
    simulator_message_size = 60 + (unsigned)random_below(&r, 200);
    simulator_slice_rows = 1 + (unsigned)random_below(&r, 10);
    simulator_slice_delay_ms = 5;
    simulator_stage_bytes = 100;
    MUST(world_start(&w, seed, 2, true, schema));
    subscribe(&w, 0, "TRUEPREDICATE");
    for (int i = 0; i < OBJECTS; i++) MUST(fixture_create(&w, &w.clients[0], i, i % 2, "first"));
    SETTLE(&w);
    w.delay_ms_max = 300;
    client *c = &w.clients[1];
    const char *query = queries[random_below(&r, 2)];
    subscribe(&w, 1, query);
    for (uint64_t cuts = 1 + random_below(&r, CUTS_MAX); cuts > 0; cuts--) {
        cut_somewhere(&w, c, &r);
        for (uint64_t n = random_below(&r, 8); n > 0; n--) change_one(&w, &r);
        world_run(&w, random_below(&r, 2000));
        if (random_below(&r, 12) == 0) subscribe(&w, 1, query = queries[random_below(&r, 2)]);
    }
    SETTLE(&w);
    char *mine = fixture_dump(c->db, "TRUEPREDICATE"),
         *server = fixture_dump(server_app_db(w.app), query);
    bool same = strcmp(mine, server) == 0;
    if (!same && breakage_active == BREAKAGE_NONE)
        cr_expect(same, "seed %d: the client has\n%sand the server\n%s", (int)seed, mine, server);
    free(mine);
    free(server);
    world_end(&w);
    return same;
}

Test(resume, what_is_kept_of_a_cut_download_is_part_of_the_servers_state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) (void)run_seed(seed);
    cr_expect_gt(spared, 500u, "%d rows were not sent again", (int)spared);
}

Test(resume, a_server_that_forgets_what_changed_before_the_place_is_found_out)
{
    uint64_t seed = 1;
    breakage_active = BREAKAGE_BEHIND_NOT_SENT;
    while (seed <= SEEDS && run_seed(seed)) seed++;
    cr_expect_leq(seed, SEEDS, "the deliberate breakage was not caught");
}
