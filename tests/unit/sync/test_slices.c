/* Downloads that are staged on disk and published in slices: what is seen meanwhile, what a power cut leaves, and who may
 * write in between. */
#include "copies.h"
#include "model/engine.h"
#include "platform/thread.h"
#include "sync/breakage.h"
#include "sync/session_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OBJECTS = 40, SLICE = 3 };

/* Client 0 has made the objects, half of them of team 1; messages, slices and what stays in memory are small. */
static void start(world *w)
{
    simulator_message_size = 300;
    simulator_slice_rows = SLICE;
    simulator_slice_delay_ms = 20;
    simulator_stage_bytes = 200;
    model_schema schema = fixture_schema(true, false);
    fixture_add_types(&schema);
    MUST(world_start(w, 11, 2, true, schema));
    w->delay_ms_max = 1;
    subscribe(w, 0, "TRUEPREDICATE");
    for (int i = 0; i < OBJECTS; i++) {
        MUST(fixture_create(w, &w->clients[0], i, i % 2, "first"));
        if (i % 4 == 0) MUST(fixture_part(w, &w->clients[0], i, i));
    }
    SETTLE(w);
}

static uint64_t count(const client *c)
{
    model_view *view = model_view_newest(c->db);
    uint64_t objects = model_count(view, fixture_keys(c->db).c);
    model_view_release(view);
    return objects;
}

static bool publishing(const client *c)
{
    return c->session != NULL && !session_takes_messages(c->session);
}

/* Until some slices are published and others are not. */
static void run_into_slices(world *w, client *c, unsigned slices)
{
    unsigned before = simulator_slices;
    for (int i = 0; i < 100000 && !(publishing(c) && simulator_slices >= before + slices); i++)
        world_run(w, 1);
    cr_assert(publishing(c), "nothing is published in slices");
}

static void expect_same(world *w, const client *c, const char *query)
{
    char *mine = fixture_dump(c->db, "TRUEPREDICATE"),
         *server = fixture_dump(server_app_db(w->app), query);
    cr_expect_str_eq(mine, server);
    free(mine);
    free(server);
}

Test(sync_slices, the_cursor_and_the_subscription_come_with_the_last_one)
{
    world w;
    start(&w);
    client *c = &w.clients[1];
    uint64_t before = c->session->sync.cursor;
    subscribe(&w, 1, "TRUEPREDICATE");
    run_into_slices(&w, c, 4);
    cr_assert_lt(before, c->session->stage.record.to);
    subscription_state state = SUBSCRIPTION_COMPLETE;
    char *error = NULL;
    sync_state stored;
    for (uint64_t seen = 0; publishing(c); world_run(&w, 1)) {
        MUST(sync_state_read(c->db, &stored));
        MUST(subscription_set_state(c->db, 1, &state, &error));
        cr_expect_eq(stored.cursor, before);
        cr_expect_eq(state, SUBSCRIPTION_PENDING);
        cr_expect(count(c) >= seen && count(c) <= seen + SLICE + 8, "a slice is not small");
        seen = count(c);
    }
    MUST(sync_state_read(c->db, &stored));
    MUST(subscription_set_state(c->db, 1, &state, &error));
    cr_expect_gt(stored.cursor, before);
    cr_expect_eq(state, SUBSCRIPTION_COMPLETE);
    cr_expect_eq(count(c), (uint64_t)OBJECTS);
    SETTLE(&w);
    expect_same(&w, c, "TRUEPREDICATE");
    stage_record left;
    MUST(stage_read(c->db, &left));
    cr_expect_eq(left.count, 0u, "what was staged is still there");
    world_end(&w);
}

Test(sync_slices, after_a_power_cut_they_go_on_without_the_server)
{
    for (unsigned slices = 1; slices < 12; slices += 3) {
        world w;
        start(&w);
        client *c = &w.clients[1];
        subscribe(&w, 1, "TRUEPREDICATE");
        run_into_slices(&w, c, slices);
        cr_assert_lt(count(c), (uint64_t)OBJECTS);
        uint64_t version = 0;
        MUST(model_sync(c->db, &version)); /* Else the power cut may take the group with it. */
        c->offline = true;
        world_crash_client(&w, c, 10);
        world_run(&w, 10000);
        cr_expect_eq(count(c), (uint64_t)OBJECTS, "after %u slices", slices);
        c->offline = false;
        SETTLE(&w);
        expect_same(&w, c, "TRUEPREDICATE");
        world_end(&w);
    }
}

Test(sync_slices, what_is_written_between_them_is_kept)
{
    world w;
    start(&w);
    client *c = &w.clients[1];
    subscribe(&w, 1, "TRUEPREDICATE");
    SETTLE(&w);
    c->offline = true;
    world_cut(&w, c);
    for (int i = 0; i < OBJECTS; i++) {
        MUST(fixture_set_name(&w, &w.clients[0], i, "second"));
        MUST(fixture_add(&w, &w.clients[0], i, 10));
    }
    MUST(fixture_delete(&w, &w.clients[0], OBJECTS - 1));
    world_run(&w, 2000);
    c->offline = false;
    run_into_slices(&w, c, 2);
    for (int i = 0; i < OBJECTS; i += OBJECTS / 2 - 1) { /* the first is there, the last is not */
        MUST(fixture_set_name(&w, c, i, "third"));
        MUST(fixture_add(&w, c, i, 1));
        MUST(fixture_append(&w, c, i, "tag"));
    }
    MUST(fixture_create(&w, c, 1000, 1, "mine"));
    SETTLE(&w);
    expect_same(&w, c, "TRUEPREDICATE");
    expect_same(&w, &w.clients[0], "TRUEPREDICATE");
    char *own = fixture_dump(c->db, "name == 'third' AND hits == 11 AND tags.@count == 1");
    int lines = 0;
    for (const char *at = own; *at != '\0'; at++) lines += *at == '\n';
    cr_expect_eq(lines, 3, "%s", own);
    free(own);
    cr_expect_eq(count(c), (uint64_t)OBJECTS); /* one deleted, one more */
    world_end(&w);
}

Test(sync_slices, a_sweep_after_a_power_cut_takes_only_what_was_not_named)
{
    for (unsigned slices = 2; slices < 20; slices += 4) {
        world w;
        start(&w);
        client *c = &w.clients[1];
        subscribe(&w, 1, "TRUEPREDICATE");
        SETTLE(&w);
        subscribe(&w, 1, "team == 1");
        run_into_slices(&w, c, slices < 8 ? slices : 8);
        uint64_t version = 0;
        MUST(model_sync(c->db, &version));
        world_crash_client(&w, c, 10);
        SETTLE(&w);
        cr_expect_eq(count(c), (uint64_t)OBJECTS / 2);
        expect_same(&w, c, "team == 1");
        world_end(&w);
    }
}

/* Until so many parts of the group, each of one object, are on disk, and others are on their way. */
static void run_into_parts(world *w, client *c, uint64_t parts)
{
    w->delay_ms_max = 500;
    simulator_message_size = 60;
    subscribe(w, 1, "TRUEPREDICATE");
    for (int i = 0; i < 100000 && c->down.count - c->down.first < OBJECTS - 1; i++) world_run(w, 1);
    while (c->down.first < c->down.count && c->session->stage.record.count < parts) {
        packet p = c->down.items[c->down.first++];
        session_received(c->session, w->now_ms, bytes_of(p.data, p.size));
        free(p.data);
    }
    cr_assert_eq(c->session->stage.record.count, parts, "not so many parts were staged");
    cr_assert(!publishing(c), "nothing is on its way");
}

/* What changes before the place where the group was cut, and behind it. */
static void change_meanwhile(world *w)
{
    client *other = &w->clients[0];
    MUST(fixture_set_name(w, other, 0, "before the cut"));
    MUST(fixture_append(w, other, 1, "before the cut"));
    MUST(fixture_delete(w, other, 2));
    MUST(fixture_part(w, other, 4, 77));
    MUST(fixture_set_name(w, other, OBJECTS - 1, "behind the cut"));
    MUST(fixture_delete(w, other, OBJECTS - 2));
    MUST(fixture_create(w, other, 2000, 1, "new"));
    world_run(w, 5000);
}

static uint64_t sent_to(const client *c, uint64_t *spared)
{
    peer_counters counters;
    peer_get_counters(c->peer, &counters);
    *spared = counters.rows_spared;
    return counters.rows_out;
}

Test(sync_slices, a_group_that_was_cut_goes_on_where_it_was)
{
    for (int restarts = 0; restarts < 2; restarts++) {
        world w;
        start(&w);
        client *c = &w.clients[1];
        run_into_parts(&w, c, OBJECTS * 9 / 10); /* of one object each */
        uint64_t had = c->session->stage.record.count, version = 0, spared = 0;
        c->offline = true;
        MUST(model_sync(c->db, &version)); /* Else the power cut may take the parts with it. */
        if (restarts)
            world_crash_client(&w, c, 10);
        else
            world_cut(&w, c);
        change_meanwhile(&w);
        cr_expect_eq(count(c), 0u);
        c->offline = false;
        SETTLE(&w);
        uint64_t sent = sent_to(c, &spared);
        cr_expect_eq(spared, had - 4, "%d of %d rows were spared", (int)spared, (int)had);
        cr_expect_leq(sent, OBJECTS - had + 5, "%d rows were sent again", (int)sent);
        expect_same(&w, c, "TRUEPREDICATE");
        world_end(&w);
    }
}

Test(sync_slices, a_group_is_cut_again_and_again)
{
    for (uint64_t parts = 2; parts < 8; parts++) {
        world w;
        start(&w);
        client *c = &w.clients[1];
        run_into_parts(&w, c, parts);
        for (int cuts = 0; cuts < 6; cuts++) {
            world_cut(&w, c);
            MUST(fixture_set_name(&w, &w.clients[0], cuts, "again"));
            if (cuts % 2 == 0) MUST(fixture_set_int(&w, &w.clients[0], cuts, "team", 5));
            world_run(&w, 1500 + 700 * (unsigned)cuts);
        }
        SETTLE(&w);
        expect_same(&w, c, "TRUEPREDICATE");
        world_end(&w);
    }
}

Test(sync_slices, a_group_that_was_cut_begins_anew_for_another_view)
{
    world w;
    uint64_t spared = 0;
    start(&w);
    client *c = &w.clients[1];
    run_into_parts(&w, c, 3);
    c->offline = true;
    world_cut(&w, c);
    subscribe(&w, 1, "team == 1");
    c->offline = false;
    SETTLE(&w);
    (void)sent_to(c, &spared);
    cr_expect_eq(spared, 0u);
    expect_same(&w, c, "team == 1");
    stage_record left;
    MUST(stage_read(c->db, &left));
    cr_expect_eq(left.count, 0u);
    world_end(&w);
}

/* From a server that gives no positions. */
Test(sync_slices, a_group_that_was_cut_leaves_nothing)
{
    world w;
    start(&w);
    client *c = &w.clients[1];
    run_into_parts(&w, c, 3);
    c->session->stage.record.resumable = 0;
    c->offline = true;
    world_cut(&w, c);
    world_run(&w, 3000);
    stage_record left;
    MUST(stage_read(c->db, &left));
    cr_expect_eq(left.count, 0u);
    cr_expect_eq(count(c), 0u);
    c->offline = false;
    SETTLE(&w);
    expect_same(&w, c, "TRUEPREDICATE");
    world_end(&w);
}

/* A driver that can't make the stream wait. */
Test(sync_slices, what_comes_meanwhile_is_taken_afterwards)
{
    world w;
    start(&w);
    client *c = &w.clients[1];
    subscribe(&w, 1, "TRUEPREDICATE");
    run_into_slices(&w, c, 2);
    MUST(fixture_set_name(&w, &w.clients[0], 1, "second"));
    for (int i = 0; i < 1000 && c->down.first == c->down.count; i++) world_run(&w, 1);
    cr_assert(publishing(c) && c->down.first < c->down.count, "nothing came");
    packet p = c->down.items[c->down.first++];
    session_received(c->session, w.now_ms, bytes_of(p.data, p.size));
    free(p.data);
    cr_expect_eq(c->session->held.count, 1u);
    SETTLE(&w);
    expect_same(&w, c, "TRUEPREDICATE");
    world_end(&w);
}

typedef struct writer {
    model_db *db;
    uint64_t version;
} writer;

static void write_once(void *context)
{
    writer *x = context;
    model_txn *txn = NULL;
    const uint8_t key[] = {'x'};
    if (model_begin(x->db, COMMIT_LOCAL, &txn) != ATOLL_OK) return;
    if (model_side_put(txn, bytes_of(key, 1), bytes_of(key, 1)) == ATOLL_OK &&
        model_commit(txn, &x->version) == ATOLL_OK)
        return;
    model_rollback(txn);
}

static uint64_t tickets(model_db *db)
{
    mutex_lock(&db->lock);
    uint64_t given = db->writer_tickets;
    mutex_unlock(&db->lock);
    return given;
}

/* Who writes again and again, as the slices do, does not overtake who waits. */
Test(sync_slices, who_waits_to_write_is_served_in_turn)
{
    const uint8_t key[] = {'y'};
    for (int round = 0; round < 20; round++) {
        storage *store = NULL;
        writer x = {0};
        model_txn *txn = NULL;
        thread *t = NULL;
        uint64_t first = 0;
        model_options options = {
            .platform = platform_posix(), .use = SCHEMA_FLEXIBLE, .identity_rows = true};
        model_schema schema = fixture_schema(true, false);
        MUST(storage_open_volatile(&store));
        MUST(model_open(store, &options, &schema, &x.db));
        MUST(model_begin(x.db, COMMIT_REMOTE, &txn));
        uint64_t given = tickets(x.db);
        MUST(thread_start("writer", write_once, &x, &t));
        while (tickets(x.db) == given) usleep(100);
        MUST(model_side_put(txn, bytes_of(key, 1), bytes_of(key, 1)));
        MUST(model_commit(txn, &first));
        MUST(model_begin(x.db, COMMIT_REMOTE, &txn));
        cr_expect_eq(model_txn_version(txn), first + 2, "the one that waited was overtaken");
        model_rollback(txn);
        thread_join(t);
        cr_expect_eq(x.version, first + 1);
        schema_free(&schema);
        model_close(x.db);
    }
}
