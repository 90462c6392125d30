/* One turn of the server's loop: what many sessions uploaded in it is made durable by one sync, and nobody is told before. */
#include "copies.h"
#include "server/app.h"

#include <string.h>

enum { SESSIONS = 6 };

typedef struct turn {
    memory_disk *disk;
    server_app *app;
    model_schema schema;
    peer *peers[SESSIONS];
    bool acknowledged[SESSIONS], closed[SESSIONS];
} turn;

static status open_app(turn *t)
{
    storage *store = NULL;
    server_app_options options = {.platform = platform_posix(),
                                  .app_id = "app",
                                  .flexible = true,
                                  .partition_property = "_partition",
                                  .development = true};
    TRY(storage_open_memory(t->disk, &store));
    return server_app_open(store, &options, &t->app);
}

static void say(turn *t, int i, const client_message *m)
{
    buffer raw;
    buffer_init(&raw, LIMIT_MESSAGE_SIZE_MAX);
    MUST(codec_client_write(&raw, m));
    peer_received(t->peers[i], 1, buffer_view(&raw));
    buffer_free(&raw);
}

static void listen(turn *t, int i)
{
    peer_action a;
    while (peer_poll(t->peers[i], 1, &a)) {
        arena memory;
        server_message m;
        t->closed[i] |= a.kind == PEER_ACTION_CLOSE;
        if (a.kind == PEER_ACTION_CLOSE) continue;
        arena_init(&memory, 1 << 24);
        MUST(codec_server_read(a.message, &memory, &m));
        t->acknowledged[i] |= m.kind == SERVER_UPLOAD_ACK;
        server_message_free(&m);
        arena_free(&memory);
    }
}

static void join(turn *t, int i)
{
    wire_query q = {"Item", "TRUEPREDICATE"};
    client_message m = {.kind = CLIENT_BIND};
    MUST(peer_new(t->app, "user", &t->peers[i]));
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "app",
                         .flexible = true,
                         .schema = t->schema};
    say(t, i, &m);
    m = (client_message){.kind = CLIENT_SUBSCRIBE};
    m.subscribe.version = 1;
    m.subscribe.queries.items = &q;
    m.subscribe.queries.count = 1;
    say(t, i, &m);
    MUST(server_app_sync(t->app));
    listen(t, i);
}

static void begin(turn *t)
{
    *t = (turn){.disk = memory_disk_new(5), .schema = fixture_schema(true, false)};
    MUST(open_app(t));
    for (int i = 0; i < SESSIONS; i++) join(t, i);
}

/* A whole batch of one object, whose key is the session's number. */
static void upload(turn *t, int i)
{
    arena memory;
    wire_rows *group = NULL;
    uint8_t batch[16] = {(uint8_t)(i + 1)};
    value key = value_int(i), team = value_int(1);
    arena_init(&memory, 1 << 20);
    wire_builder b = {.memory = &memory};
    MUST(wire_builder_group(&b, "Item", "", "", &group));
    MUST(wire_builder_row(&b, group, ROW_CREATE, &key, 0, 0));
    MUST(wire_builder_put(&b, group, "team", VALUE_INT, VALUE_NULL, &team, 5, false));
    MUST(wire_builder_finish(&b));
    client_message m = {.kind = CLIENT_UPLOAD};
    m.upload =
        (wire_upload){.batch = bytes_of(batch, 16), .bound = 1, .last = true, .rows = b.rows};
    say(t, i, &m);
    arena_free(&memory);
}

static bool is_there(turn *t, int i)
{
    item_keys k = fixture_keys(server_app_db(t->app));
    model_view *view = model_view_newest(server_app_db(t->app));
    value key = value_int(i);
    row_key row = 0;
    MUST(model_find(view, k.c, &key, &row));
    bool alive = row != 0;
    model_view_release(view);
    return alive;
}

static void end(turn *t)
{
    for (int i = 0; i < SESSIONS; i++) peer_free(t->peers[i]);
    server_app_close(t->app);
    memory_disk_free(t->disk);
    schema_free(&t->schema);
}

Test(turns, uploads_of_many_sessions_share_one_sync_and_nobody_is_told_before)
{
    turn t;
    begin(&t);
    for (int i = 0; i < SESSIONS; i++) upload(&t, i);
    for (int i = 0; i < SESSIONS; i++) {
        listen(&t, i);
        cr_expect_not(t.acknowledged[i], "session %d was told of what a power cut may take", i);
    }
    uint64_t before = memory_disk_operations(t.disk);
    MUST(server_app_sync(t.app));
    cr_expect_eq(memory_disk_operations(t.disk) - before, 1u, "it is more than one sync");
    for (int i = 0; i < SESSIONS; i++) {
        listen(&t, i);
        cr_expect(t.acknowledged[i], "session %d", i);
    }
    end(&t);
}

/* Whichever call of the store fails in the turn: after a power cut whatever was acknowledged is there. */
Test(turns, whichever_call_of_the_store_fails_what_was_acknowledged_is_on_disk)
{
    unsigned failed = 0, told = 0;
    bool more = true;
    for (uint64_t k = 1; more && k < 500; k++) {
        turn t;
        begin(&t);
        uint64_t before = memory_disk_operations(t.disk);
        memory_disk_fail_at(t.disk, k, ATOLL_ERROR_DISK_FULL);
        for (int i = 0; i < SESSIONS; i++) upload(&t, i);
        bool synced = server_app_sync(t.app) == ATOLL_OK;
        for (int i = 0; i < SESSIONS; i++) listen(&t, i);
        more = memory_disk_operations(t.disk) - before >= k;
        memory_disk_fail_at(t.disk, 0, ATOLL_OK);
        for (int i = 0; i < SESSIONS && !synced; i++)
            cr_expect_not(t.acknowledged[i], "call %d: session %d was told", (int)k, i);
        for (int i = 0; i < SESSIONS; i++) peer_free(t.peers[i]);
        memset(t.peers, 0, sizeof t.peers);
        memory_disk_crash(t.disk);
        server_app_close(t.app);
        MUST(open_app(&t));
        failed += more;
        for (int i = 0; i < SESSIONS; i++) {
            told += t.acknowledged[i];
            cr_expect(!t.acknowledged[i] || is_there(&t, i), "call %d: object %d is lost", (int)k,
                      i);
        }
        server_app_close(t.app);
        memory_disk_free(t.disk);
        schema_free(&t.schema);
    }
    cr_expect_not(more, "the turn did not end");
    cr_expect_gt(failed, 10u);
    cr_expect_gt(told, 10u);
}
