/* The predicate index: a change wakes the sessions that it concerns, and of many others none. */
#include "copies.h"

#include <stdio.h>

enum { SESSIONS = 500 };

typedef struct watchers {
    world w;
    peer *peers[SESSIONS];
    uint64_t bound, cursors[SESSIONS];
    int told[SESSIONS], polls; /* rows that each was sent */
    uint8_t last_batch[16];
    bool uploaded;
} watchers;

static void say(watchers *t, peer *p, const client_message *m)
{
    buffer raw;
    buffer_init(&raw, LIMIT_MESSAGE_SIZE_MAX);
    MUST(codec_client_write(&raw, m));
    peer_received(p, t->w.now_ms, buffer_view(&raw));
    buffer_free(&raw);
}

static void poll(watchers *t, int i)
{
    peer_action a;
    t->polls++;
    while (peer_poll(t->peers[i], t->w.now_ms, &a)) {
        arena memory;
        server_message m;
        arena_init(&memory, 1 << 24);
        cr_assert_eq(a.kind, PEER_ACTION_SEND, "%s", a.text);
        MUST(codec_server_read(a.message, &memory, &m));
        cr_assert_neq(m.kind, SERVER_ERROR, "%s", m.error.text);
        for (size_t k = 0; m.kind == SERVER_DOWNLOAD && k < m.download.rows.count; k++)
            t->told[i] += (int)m.download.rows.items[k]->count;
        server_message_free(&m);
        arena_free(&memory);
    }
}

/* Polls those that are concerned. */
static void settle(watchers *t)
{
    MUST(server_app_sync(t->w.app));
    MUST(server_app_watch(t->w.app));
    memset(t->told, 0, sizeof t->told);
    t->polls = 0;
    for (peer *p = server_app_woken(t->w.app); p != NULL; p = server_app_woken(t->w.app)) {
        for (int i = 0; i < SESSIONS; i++)
            if (t->peers[i] == p) poll(t, i);
    }
}

static void join(watchers *t, int i, const char *text)
{
    wire_query q = {"Item", text};
    MUST(peer_new(t->w.app, "user", &t->peers[i]));
    client_message m = {.kind = CLIENT_BIND};
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "app",
                         .flexible = true,
                         .schema = t->w.schema};
    say(t, t->peers[i], &m);
    m = (client_message){.kind = CLIENT_SUBSCRIBE};
    m.subscribe.version = 1;
    m.subscribe.queries.items = &q;
    m.subscribe.queries.count = 1;
    say(t, t->peers[i], &m);
    MUST(server_app_sync(t->w.app));
    poll(t, i);
}

static void begin(watchers *t)
{
    memset(t, 0, sizeof *t);
    MUST(world_start(&t->w, 3, 0, true, fixture_schema(true, false)));
    join(t, 0, "TRUEPREDICATE");
    for (int i = 1; i < SESSIONS - 2; i++) {
        char text[64];
        snprintf(text, sizeof text, "team == %d", i);
        join(t, i, text);
    }
    join(t, SESSIONS - 2, "team > 1000");
    join(t, SESSIONS - 1, "name BEGINSWITH 'x' OR team == 7");
    settle(t);
}

static void upload(watchers *t, int64_t key, row_kind kind, int64_t team)
{
    arena memory;
    wire_rows *group = NULL;
    uint8_t batch[16] = {0};
    arena_init(&memory, 1 << 20);
    wire_builder b = {.memory = &memory};
    value k = value_int(key), v = value_int(team);
    MUST(wire_builder_group(&b, "Item", "", "", &group));
    MUST(wire_builder_row(&b, group, kind, &k, kind == ROW_CREATE ? 0 : 1,
                          model_version(server_app_db(t->w.app))));
    if (kind != ROW_REMOVE)
        MUST(wire_builder_put(&b, group, "team", VALUE_INT, VALUE_NULL, &v, ++t->bound << 20,
                              false));
    else
        t->bound++;
    MUST(wire_builder_finish(&b));
    memcpy(batch, &t->bound, 8);
    client_message m = {.kind = CLIENT_UPLOAD};
    m.upload = (wire_upload){
        .batch = bytes_of(batch, 16), .bound = t->bound, .last = true, .rows = b.rows};
    if (t->uploaded) m.upload.previous_batch = bytes_of(t->last_batch, 16);
    say(t, t->peers[0], &m);
    memcpy(t->last_batch, batch, 16);
    t->uploaded = true;
    arena_free(&memory);
    settle(t);
    poll(t, 0);
}

static void expect_told(const watchers *t, int a, int b)
{
    for (int i = 1; i < SESSIONS; i++)
        cr_expect_eq(t->told[i], i == a || i == b, "session %d was told %d", i, t->told[i]);
    cr_expect_leq(t->polls, 5, "%d sessions were polled", t->polls);
}

static void end(watchers *t)
{
    for (int i = 0; i < SESSIONS; i++) peer_free(t->peers[i]);
    world_end(&t->w);
}

static watchers t;

Test(watch, a_change_wakes_whom_it_concerns)
{
    begin(&t);
    upload(&t, 1, ROW_CREATE, 20);
    expect_told(&t, 20, 20);
    upload(&t, 1, ROW_EDIT, 30); /* it leaves one view and enters another */
    expect_told(&t, 20, 30);
    upload(&t, 1, ROW_EDIT, 2000);
    expect_told(&t, 30, SESSIONS - 2);
    upload(&t, 1, ROW_EDIT, 7);
    cr_expect(t.told[7] == 1 && t.told[SESSIONS - 2] == 1 && t.told[SESSIONS - 1] == 1);
    upload(&t, 1, ROW_REMOVE, 0);
    expect_told(&t, 7, SESSIONS - 1);
    end(&t);
}

Test(watch, who_was_passed_by_keeps_up)
{
    begin(&t);
    for (int64_t i = 0; i < 50; i++) upload(&t, 100 + i, ROW_CREATE, 900);
    /* Nothing of it was for this session, and a mark is answered all the same. */
    client_message m = {.kind = CLIENT_MARK, .mark = 5};
    say(&t, t.peers[3], &m);
    memset(t.told, 0, sizeof t.told);
    poll(&t, 3);
    cr_expect_eq(t.told[3], 0);
    upload(&t, 100, ROW_EDIT, 3);
    expect_told(&t, 3, 3);
    /* A session that ends is not told, and is not looked for. */
    peer_free(t.peers[4]);
    t.peers[4] = NULL;
    upload(&t, 100, ROW_EDIT, 4);
    expect_told(&t, 3, 3);
    end(&t);
}

Test(watch, what_is_held_goes_in_one_piece)
{
    begin(&t);
    cr_expect(!peer_hold(t.peers[20], true), "nothing waits");
    upload(&t, 1, ROW_CREATE, 20);
    cr_expect_eq(t.told[20], 0);
    upload(&t, 2, ROW_CREATE, 20);
    cr_expect_eq(t.told[20], 0);
    cr_expect(peer_hold(t.peers[20], true), "changes wait");
    cr_expect(peer_hold(t.peers[20], false));
    peer_counters before, after;
    peer_get_counters(t.peers[20], &before);
    memset(t.told, 0, sizeof t.told);
    poll(&t, 20);
    peer_get_counters(t.peers[20], &after);
    cr_expect_eq(t.told[20], 2);
    cr_expect_eq(after.messages_out - before.messages_out, 1);
    end(&t);
}
