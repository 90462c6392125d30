/* The server's end against a client that is not ours: refused messages end the session with a code, the app lives on. */
#include "copies.h"

#include "server/app.h"
#include "sync/breakage.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct talk {
    world w;
    peer *p;
    arena memory;
    server_message last;
    status closed;
    bool is_closed, swept; /* swept: the last answer to a bind at cursor zero was an empty sweep */
    int messages;
} talk;

static void talk_start(talk *t)
{
    *t = (talk){0};
    MUST(world_start(&t->w, 3, 0, true, fixture_schema(true, false)));
    MUST(peer_new(t->w.app, "user", &t->p));
    arena_init(&t->memory, 64u << 20);
}

/* Takes what the server has to say; keeps the last message. */
static void listen(talk *t)
{
    peer_action a;
    MUST(server_app_sync(t->w.app));
    while (peer_poll(t->p, t->w.now_ms, &a)) {
        if (a.kind == PEER_ACTION_CLOSE) {
            t->is_closed = true;
            t->closed = a.code;
            continue;
        }
        server_message m;
        MUST(codec_server_read(a.message, &t->memory, &m));
        t->messages++;
        if (m.kind == SERVER_DOWNLOAD && m.download.from == 0 && m.download.rows.count == 0) {
            t->swept = m.download.sweep && m.download.last;
            server_message_free(&m);
            continue;
        }
        server_message_free(&t->last);
        t->last = m;
    }
}

static void say(talk *t, const client_message *m)
{
    buffer raw;
    buffer_init(&raw, LIMIT_MESSAGE_SIZE_MAX);
    MUST(codec_client_write(&raw, m));
    peer_received(t->p, t->w.now_ms, buffer_view(&raw));
    buffer_free(&raw);
    listen(t);
}

static client_message bind_message(const talk *t)
{
    client_message m = {.kind = CLIENT_BIND};
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "app",
                         .flexible = true,
                         .schema = t->w.schema};
    return m;
}

static void bind(talk *t)
{
    client_message m = bind_message(t);
    say(t, &m);
    cr_assert_eq(t->last.kind, SERVER_BOUND);
}

static void talk_end(talk *t)
{
    server_message_free(&t->last);
    arena_free(&t->memory);
    peer_free(t->p);
    world_end(&t->w);
}

static void expect_closed(talk *t, status code, const char *words)
{
    cr_expect(t->is_closed, "the stream is open");
    cr_expect_eq(t->closed, code, "closed with %d", t->closed);
    cr_expect_eq(t->last.kind, SERVER_ERROR);
    cr_expect(t->last.kind == SERVER_ERROR && strstr(t->last.error.text, words) != NULL, "text: %s",
              t->last.kind == SERVER_ERROR ? t->last.error.text : "");
}

Test(peer, bind_gives_an_ident_and_a_secret)
{
    talk t;
    talk_start(&t);
    bind(&t);
    cr_expect_eq(t.last.bound.ident, 1u);
    cr_expect_eq(t.last.bound.secret.size, 16u);
    cr_expect(schema_class_named(&t.last.bound.schema, bytes_text("Item")) != NULL);
    talk_end(&t);
}

Test(peer, a_bind_at_cursor_zero_is_answered_with_the_whole_view_and_a_sweep)
{
    talk t;
    talk_start(&t);
    bind(&t);
    cr_expect(t.swept, "what the client may still hold would stay for ever");
    talk_end(&t);
}

Test(peer, refuses_what_is_not_a_bind_first)
{
    talk t;
    talk_start(&t);
    client_message m = {.kind = CLIENT_MARK, .mark = 1};
    say(&t, &m);
    expect_closed(&t, ATOLL_ERROR_PROTOCOL, "first message");
    talk_end(&t);
}

Test(peer, refuses_another_protocol_version)
{
    talk t;
    talk_start(&t);
    client_message m = bind_message(&t);
    m.bind.version_minimum = m.bind.version_maximum = 9;
    say(&t, &m);
    expect_closed(&t, ATOLL_ERROR_PROTOCOL_VERSION, "9 to 9 of the protocol, this server 1 to 1");
    talk_end(&t);
    talk_start(&t);
    m = bind_message(&t);
    m.bind.version_minimum = m.bind.version_maximum = 0;
    say(&t, &m);
    expect_closed(&t, ATOLL_ERROR_PROTOCOL_VERSION, "0 to 0 of the protocol, this server 1 to 1");
    talk_end(&t);
}

Test(peer, the_newest_version_that_both_speak_is_chosen)
{
    talk t;
    talk_start(&t);
    client_message m = bind_message(&t);
    m.bind.version_minimum = 0;
    m.bind.version_maximum = 9;
    say(&t, &m);
    cr_assert_eq(t.last.kind, SERVER_BOUND);
    cr_expect_eq(t.last.bound.version, 1u);
    talk_end(&t);
}

Test(peer, refuses_the_other_kind_of_sync)
{
    talk t;
    talk_start(&t);
    client_message m = bind_message(&t);
    m.bind.flexible = false;
    m.bind.partition = value_string(bytes_text("p"));
    say(&t, &m);
    expect_closed(&t, ATOLL_ERROR_WRONG_SYNC_TYPE, "flexible");
    talk_end(&t);
}

Test(peer, refuses_a_schema_that_contradicts_the_servers)
{
    talk t;
    talk_start(&t);
    bind(&t);
    peer_free(t.p);
    MUST(peer_new(t.w.app, "user", &t.p));
    model_schema other = {0};
    size_t index = 0;
    MUST(schema_add_class(&other, bytes_text("Item"), CLASS_NORMAL, &index));
    MUST(schema_add_property(&other, index, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    MUST(schema_add_property(&other, index, bytes_text("team"), VALUE_STRING, 0, bytes_text("")));
    client_message m = bind_message(&t);
    m.bind.schema = other;
    say(&t, &m);
    expect_closed(&t, ATOLL_ERROR_INVALID_SCHEMA_CHANGE, "team");
    schema_free(&other);
    talk_end(&t);
}

Test(peer, refuses_garbage)
{
    talk t;
    talk_start(&t);
    peer_received(t.p, 0, bytes_text("\xff\xff\xff\xffnot a message"));
    listen(&t);
    expect_closed(&t, ATOLL_ERROR_INVALID_ARGUMENT, "decoded");
    talk_end(&t);
}

/* ---- uploads ---- */

static void upload(talk *t, wire_builder *b, uint64_t bound)
{
    client_message m = {.kind = CLIENT_UPLOAD};
    uint8_t id[16] = {9, (uint8_t)bound};
    MUST(wire_builder_finish(b));
    m.upload =
        (wire_upload){.batch = bytes_of(id, 16), .bound = bound, .last = true, .rows = b->rows};
    say(t, &m);
}

static wire_rows *one_item(talk *t, wire_builder *b, int64_t id)
{
    wire_rows *group = NULL;
    value key = value_int(id), name = value_string(bytes_text("n")), team = value_int(1);
    *b = (wire_builder){.memory = &t->memory};
    MUST(wire_builder_group(b, "Item", "", "", &group));
    MUST(wire_builder_row(b, group, ROW_CREATE, &key, 0, 0));
    MUST(wire_builder_put(b, group, "name", VALUE_STRING, VALUE_NULL, &name, 5, false));
    MUST(wire_builder_put(b, group, "team", VALUE_INT, VALUE_NULL, &team, 5, false));
    return group;
}

static void subscribe_all(talk *t)
{
    client_message m = {.kind = CLIENT_SUBSCRIBE, .subscribe = {.version = 1}};
    wire_query q = {"Item", "TRUEPREDICATE"};
    MUST(arena_push(&t->memory, &m.subscribe.queries, q));
    say(t, &m);
}

Test(peer, takes_an_upload_of_a_stock_client)
{
    talk t;
    wire_builder b;
    talk_start(&t);
    bind(&t);
    subscribe_all(&t);
    one_item(&t, &b, 4);
    upload(&t, &b, 1);
    cr_expect_not(t.is_closed);
    char *text = fixture_dump(server_app_db(t.w.app), "TRUEPREDICATE");
    cr_expect_str_eq(text, "4 team 1 score 0 name n tags []\n");
    free(text);
    talk_end(&t);
}

typedef void (*spoil)(wire_rows *g, arena *memory);
static void spoil_team(wire_rows *g, arena *memory)
{
    MUST(arena_push(memory, &g->columns.items[1]->integers, 7));
}
static void spoil_heap(wire_rows *g, arena *memory)
{
    (void)memory;
    g->columns.items[0]->lengths.items[0] = 5;
}
static void spoil_utf8(wire_rows *g, arena *memory)
{
    (void)memory;
    g->columns.items[0]->heap.items[0] = 0xff;
}
static void spoil_rows(wire_rows *g, arena *memory)
{
    MUST(arena_push(memory, &g->columns.items[1]->rows, 8));
}
static void spoil_kinds(wire_rows *g, arena *memory)
{
    MUST(arena_push(memory, &g->kinds, ROW_EDIT));
}
static void spoil_kind(wire_rows *g, arena *memory)
{
    (void)memory;
    g->kinds.items[0] = ROW_FULL;
}
static void spoil_key(wire_rows *g, arena *memory)
{
    MUST(arena_push(memory, &g->key.nulls, 1));
}
static void spoil_stamps(wire_rows *g, arena *memory)
{
    for (int i = 0; i < 2; i++) MUST(arena_push(memory, &g->columns.items[1]->stamps, 8));
}

Test(peer, columns_that_differ_in_length_end_the_stream_with_invalid_argument)
{
    const spoil spoils[] = {spoil_team,  spoil_heap, spoil_utf8, spoil_rows,
                            spoil_kinds, spoil_kind, spoil_key,  spoil_stamps};
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        talk t;
        wire_builder b;
        talk_start(&t);
        bind(&t);
        subscribe_all(&t);
        wire_rows *g = one_item(&t, &b, 4);
        MUST(wire_builder_finish(&b));
        spoils[i](g, &t.memory);
        client_message m = {.kind = CLIENT_UPLOAD};
        uint8_t id[16] = {1};
        m.upload =
            (wire_upload){.batch = bytes_of(id, 16), .bound = 1, .last = true, .rows = b.rows};
        say(&t, &m);
        cr_expect(t.is_closed && t.closed == ATOLL_ERROR_INVALID_ARGUMENT,
                  "spoil %zu: closed %d with %d", i, t.is_closed, t.closed);
        char *text = fixture_dump(server_app_db(t.w.app), "TRUEPREDICATE");
        cr_expect_str_eq(text, "", "spoil %zu: something was applied", i);
        free(text);
        talk_end(&t);
    }
}

Test(peer, an_unknown_class_property_or_type_is_refused_and_nothing_of_the_batch_applied)
{
    for (int i = 0; i < 3; i++) {
        talk t;
        wire_builder b;
        talk_start(&t);
        bind(&t);
        subscribe_all(&t);
        wire_rows *g = one_item(&t, &b, 4);
        value v = value_double(1.5);
        if (i == 0) g->class_name = "Nothing";
        if (i == 1)
            MUST(wire_builder_put(&b, g, "nothing", VALUE_DOUBLE, VALUE_NULL, &v, 5, false));
        if (i == 2) MUST(wire_builder_put(&b, g, "score", VALUE_DOUBLE, VALUE_NULL, &v, 5, false));
        upload(&t, &b, 1);
        const status wanted[] = {ATOLL_ERROR_UNKNOWN_CLASS, ATOLL_ERROR_UNKNOWN_PROPERTY,
                                 ATOLL_ERROR_TYPE_MISMATCH};
        expect_closed(&t, wanted[i], i == 2 ? "score" : "othing");
        char *text = fixture_dump(server_app_db(t.w.app), "TRUEPREDICATE");
        cr_expect_str_eq(text, "");
        free(text);
        talk_end(&t);
    }
}

Test(peer, rows_with_sequences_belong_to_asymmetric_classes_only)
{
    talk t;
    talk_start(&t);
    bind(&t);
    wire_builder b;
    wire_rows *group = one_item(&t, &b, 1);
    MUST(arena_push(b.memory, &group->sequences, 1));
    group->kinds.count = 0;
    upload(&t, &b, 1);
    expect_closed(&t, ATOLL_ERROR_INVALID_ARGUMENT, "kinds");
    talk_end(&t);
}

Test(peer, a_batch_that_does_not_follow_the_last_one_is_refused)
{
    talk t;
    wire_builder b;
    talk_start(&t);
    bind(&t);
    subscribe_all(&t);
    one_item(&t, &b, 4);
    upload(&t, &b, 1);
    one_item(&t, &b, 5);
    upload(&t, &b, 2); /* without the id of the batch before */
    expect_closed(&t, ATOLL_ERROR_COPIED_FOLDER, "follow");
    talk_end(&t);
}

Test(peer, a_stamp_beyond_the_servers_now_is_clamped)
{
    talk t;
    wire_builder b;
    talk_start(&t);
    bind(&t);
    subscribe_all(&t);
    wire_rows *g = one_item(&t, &b, 4);
    for (size_t i = 0; i < g->columns.count; i++) g->columns.items[i]->stamps.items[0] = UINT64_MAX;
    upload(&t, &b, 1);
    cr_expect_not(t.is_closed);
    client_message m = {.kind = CLIENT_PING};
    say(&t, &m);
    cr_expect_eq(t.last.kind, SERVER_PONG);
    cr_expect_leq(t.last.pong_server_ms, (int64_t)(1760000000000ll + 60000),
                  "the server's clock ran away with a client's");
    talk_end(&t);
}

/* Whichever of the server's disk calls fails: the client learns that the server failed, not how its disks are laid out. */
Test(peer, a_failure_of_the_servers_disk_is_told_without_its_words)
{
    unsigned told = 0;
    for (uint64_t k = 1; k <= 3; k++) {
        talk t;
        wire_builder b;
        talk_start(&t);
        bind(&t);
        subscribe_all(&t);
        one_item(&t, &b, 4);
        memory_disk_fail_at(t.w.server_node.disk, k, ATOLL_ERROR_DISK_FULL);
        upload(&t, &b, 1);
        if (t.is_closed) {
            expect_closed(&t, ATOLL_ERROR_SERVER, "its log says why");
            cr_expect_not(t.last.error.fatal, "the client would not come again");
            told++;
        }
        memory_disk_fail_at(t.w.server_node.disk, 0, ATOLL_OK);
        talk_end(&t);
    }
    cr_expect_geq(told, 1u, "no failure was told");
}

Test(peer, a_list_that_hangs_on_nothing_is_refused_alone)
{
    talk t;
    wire_builder b;
    talk_start(&t);
    bind(&t);
    subscribe_all(&t);
    wire_rows *g = one_item(&t, &b, 4);
    list_state list;
    list_state_init(&list);
    list_element e = {.id = {7, 1},
                      .parent = {6, 1},
                      .stamp = 5,
                      .value_stamp = 5,
                      .value = value_string(bytes_text("x"))};
    MUST(vector_push(&list.elements, e));
    MUST(wire_builder_list(
        &b, g, &(model_property){.name = "tags", .type = VALUE_STRING, .flags = PROPERTY_LIST},
        VALUE_NULL, &list, 5));
    list_state_free(&list);
    upload(&t, &b, 1);
    cr_expect_not(t.is_closed);
    cr_assert_gt(t.messages, 2);
    char *text = fixture_dump(server_app_db(t.w.app), "TRUEPREDICATE");
    cr_expect_str_eq(text, "4 team 1 score 0 name n tags []\n");
    free(text);
    talk_end(&t);
}

static void upload_a_part(talk *t, peer *p, uint32_t part, bool last)
{
    client_message m = {.kind = CLIENT_UPLOAD};
    wire_builder b;
    peer *own = t->p;
    static const uint8_t id[16] = {7};
    one_item(t, &b, 100 + part);
    MUST(wire_builder_finish(&b));
    m.upload = (wire_upload){
        .batch = bytes_of(id, 16), .bound = 1, .part = part, .last = last, .rows = b.rows};
    t->p = p;
    say(t, &m);
    t->p = own;
}

static void upload_part(talk *t, peer *p, uint32_t part)
{
    upload_a_part(t, p, part, false);
}

static uint64_t count_items(talk *t)
{
    model_view *view = model_view_newest(server_app_db(t->w.app));
    const model_class *c = schema_class_named(model_view_schema(view), bytes_text("Item"));
    uint64_t count = model_count(view, c->key);
    model_view_release(view);
    return count;
}

Test(peer, a_batch_of_many_messages_is_put_aside_and_applied_in_one_commit)
{
    enum { PARTS = 200, IN_MEMORY = 1000 };
    talk t;
    talk_start(&t);
    t.w.app->options.staged_memory = IN_MEMORY;
    bind(&t);
    subscribe_all(&t);
    uint64_t before = model_version(server_app_db(t.w.app));
    for (uint32_t part = 0; part < PARTS - 1; part++) {
        upload_a_part(&t, t.p, part, false);
        cr_assert_leq(t.w.app->staged_memory, (uint64_t)IN_MEMORY);
    }
    cr_assert_gt(t.w.app->staged_size, 5u * IN_MEMORY);
    cr_assert_gt(t.w.spooled, PARTS / 2u);
    cr_assert_eq(model_version(server_app_db(t.w.app)), before, "a part was applied by itself");
    upload_a_part(&t, t.p, PARTS - 1, true);
    cr_expect_not(t.is_closed);
    cr_expect_eq(count_items(&t), (uint64_t)PARTS);
    cr_expect_eq(model_version(server_app_db(t.w.app)), before + 1);
    cr_expect_eq(t.w.app->staged_size + t.w.app->staged_memory, 0u);
    cr_expect_null(t.p->staged.spool);
    talk_end(&t);
}

/* Another session with a batch of one message. */
static void upload_of_another(talk *t)
{
    peer *own = t->p, *other = NULL;
    wire_builder b;
    MUST(peer_new(t->w.app, "user", &other));
    t->p = other;
    bind(t);
    subscribe_all(t);
    one_item(t, &b, 4);
    upload(t, &b, 1);
    peer_free(other);
    t->p = own;
}

Test(peer, messages_are_applied_as_they_arrive_and_seen_with_the_last)
{
    talk t;
    talk_start(&t);
    bind(&t);
    subscribe_all(&t);
    uint64_t before = model_version(server_app_db(t.w.app));
    for (uint32_t part = 0; part < 3; part++) {
        upload_a_part(&t, t.p, part, false);
        cr_assert_not_null(t.w.app->early);
        cr_expect_eq(count_items(&t), 0u);
    }
    upload_a_part(&t, t.p, 3, true);
    cr_expect_null(t.w.app->early);
    cr_expect_eq(t.w.app->early_dropped, 0u);
    cr_expect_eq(count_items(&t), 4u);
    cr_expect_eq(model_version(server_app_db(t.w.app)), before + 1);
    talk_end(&t);
}

Test(peer, whoever_writes_meanwhile_does_not_wait_for_a_batch_that_arrives)
{
    talk t;
    talk_start(&t);
    bind(&t);
    subscribe_all(&t);
    upload_a_part(&t, t.p, 0, false);
    cr_assert_not_null(t.w.app->early);
    upload_of_another(&t);
    cr_expect_null(t.w.app->early);
    cr_expect_eq(t.w.app->early_dropped, 1u);
    cr_expect_eq(count_items(&t), 1u, "only the other's object");
    upload_a_part(&t, t.p, 1, false);
    cr_expect_null(t.w.app->early, "what was dropped once waits until it is whole");
    upload_a_part(&t, t.p, 2, true);
    cr_expect_eq(count_items(&t), 4u);
    cr_expect_not(t.is_closed);
    talk_end(&t);
}

Test(peer, a_stream_that_says_nothing_more_holds_no_transaction)
{
    talk t;
    talk_start(&t);
    bind(&t);
    subscribe_all(&t);
    upload_a_part(&t, t.p, 0, false);
    MUST(server_app_watch(t.w.app));
    cr_assert_not_null(t.w.app->early);
    t.w.now_ms += 3000;
    MUST(server_app_watch(t.w.app));
    cr_expect_null(t.w.app->early);
    upload_a_part(&t, t.p, 1, false);
    peer_free(t.p);
    MUST(peer_new(t.w.app, "user", &t.p));
    cr_expect_eq(count_items(&t), 0u);
    talk_end(&t);
}

static void part_bytes(talk *t, uint32_t part, bool last, buffer *out)
{
    client_message m = {.kind = CLIENT_UPLOAD};
    wire_builder b;
    static const uint8_t id[16] = {7};
    one_item(t, &b, 100 + part);
    MUST(wire_builder_finish(&b));
    m.upload = (wire_upload){
        .batch = bytes_of(id, 16), .bound = 1, .part = part, .last = last, .rows = b.rows};
    buffer_init(out, 10000);
    MUST(codec_client_write(out, &m));
}

Test(peer, whichever_allocation_fails_a_staged_batch_is_there_whole_or_not_at_all)
{
    enum { PARTS = 4 };
    unsigned whole = 0, none = 0;
    bool carried_out = true;
    int64_t alive = memory_live_count();
    for (uint64_t k = 1; carried_out; k++) {
        talk t;
        buffer parts[PARTS];
        talk_start(&t);
        t.w.app->options.staged_memory = 200;
        bind(&t);
        subscribe_all(&t);
        for (uint32_t i = 0; i < PARTS; i++) part_bytes(&t, i, i == PARTS - 1, &parts[i]);
        (void)memory_fail_at(k);
        for (int i = 0; i < PARTS; i++) peer_received(t.p, t.w.now_ms, buffer_view(&parts[i]));
        carried_out = memory_fail_at(0) == 0;
        listen(&t);
        cr_assert(!t.is_closed || t.closed == ATOLL_ERROR_OUT_OF_MEMORY, "closed with %d",
                  t.closed);
        uint64_t count = count_items(&t);
        cr_assert(count == 0 || count == PARTS, "%llu objects", (unsigned long long)count);
        cr_assert_eq(t.w.app->staged_size + t.w.app->staged_memory, 0u, "allocation %llu",
                     (unsigned long long)k);
        whole += count == PARTS;
        none += count == 0;
        for (int i = 0; i < PARTS; i++) buffer_free(&parts[i]);
        talk_end(&t);
        cr_assert_eq(memory_live_count(), alive, "allocation %llu", (unsigned long long)k);
    }
    cr_expect_geq(whole, 1u);
    cr_expect_gt(none, 20u);
}

/* What a slow reader holds of a large download does not grow with it. */
Test(peer, a_first_download_is_planned_in_few_runs)
{
    talk t;
    peer *own = NULL, *reader = NULL;
    buffer raw;
    peer_action a;
    talk_start(&t);
    bind(&t);
    subscribe_all(&t);
    for (uint32_t part = 0; part < 300; part++) upload_a_part(&t, t.p, part, part == 299);
    MUST(peer_new(t.w.app, "user", &reader));
    own = t.p;
    t.p = reader;
    bind(&t);
    client_message m = {.kind = CLIENT_SUBSCRIBE, .subscribe = {.version = 1}};
    wire_query q = {"Item", "TRUEPREDICATE"};
    MUST(arena_push(&t.memory, &m.subscribe.queries, q));
    buffer_init(&raw, 10000);
    MUST(codec_client_write(&raw, &m));
    peer_received(reader, t.w.now_ms, buffer_view(&raw));
    buffer_free(&raw);
    simulator_message_size = 200;
    MUST(server_app_sync(t.w.app));
    for (int i = 0; i < 2; i++) cr_assert(peer_poll(reader, t.w.now_ms, &a));
    cr_assert(reader->group.active);
    cr_expect_gt(reader->group.left, 200u);
    cr_expect_lt(reader->group.left, 300u);
    cr_expect_leq(reader->group.rows.count, 2u);
    simulator_message_size = 1u << 20;
    listen(&t);
    cr_expect_not(reader->group.active);
    cr_expect_eq(t.last.kind, SERVER_DOWNLOAD);
    cr_expect(t.last.download.last);
    t.p = own;
    peer_free(reader);
    talk_end(&t);
}

/* The acknowledgement is not due, and the next client finds room again. */
Test(peer, a_full_disk_while_staging_ends_that_stream_only)
{
    talk t;
    peer *other = NULL;
    talk_start(&t);
    t.w.app->options.staged_memory = 500;
    bind(&t);
    subscribe_all(&t);
    t.w.spool_full = true;
    for (uint32_t part = 0; !t.is_closed && part < 50; part++) upload_part(&t, t.p, part);
    expect_closed(&t, ATOLL_ERROR_SERVER, "sent again");
    cr_expect_not(t.last.error.fatal, "it may come again");
    cr_expect_eq(t.w.app->staged_size + t.w.app->staged_memory, 0u);
    cr_expect_eq(count_items(&t), 0u);
    t.w.spool_full = t.is_closed = false;
    MUST(peer_new(t.w.app, "user", &other));
    peer *first = t.p;
    t.p = other;
    bind(&t);
    subscribe_all(&t);
    for (uint32_t part = 0; part < 50; part++) upload_a_part(&t, other, part, part == 49);
    cr_expect_not(t.is_closed);
    cr_expect_eq(count_items(&t), 50u);
    t.p = first;
    peer_free(other);
    talk_end(&t);
}

Test(peer, a_batch_that_the_app_has_no_room_for_ends_by_name)
{
    talk t;
    talk_start(&t);
    t.w.app->options.staged_max = 1000;
    bind(&t);
    subscribe_all(&t);
    for (uint32_t part = 0; !t.is_closed && part < 50; part++) upload_part(&t, t.p, part);
    expect_closed(&t, ATOLL_ERROR_LIMIT_EXCEEDED, "staged_megabytes_max");
    cr_expect_eq(t.w.app->staged_size, 0u);
    talk_end(&t);
}

Test(peer, who_holds_the_largest_unfinished_batch_makes_room_for_others)
{
    talk t;
    peer *hoarder = NULL, *honest = NULL;
    talk_start(&t);
    t.w.app->options.staged_max = 2000;
    MUST(peer_new(t.w.app, "user", &hoarder));
    honest = t.p;
    t.p = hoarder;
    bind(&t);
    for (uint32_t part = 0; !t.is_closed && t.w.app->staged_size < 1800; part++)
        upload_part(&t, hoarder, part);
    cr_expect_not(t.is_closed);
    t.p = honest;
    bind(&t);
    subscribe_all(&t);
    for (uint32_t part = 0; hoarder->staged.size > 0 && part < 50; part++)
        upload_part(&t, honest, part);
    cr_expect_not(t.is_closed, "the honest one was ended");
    cr_expect(honest->staged.size > 0);
    cr_expect_eq(t.w.app->staged_size, honest->staged.size);
    t.p = hoarder;
    listen(&t);
    expect_closed(&t, ATOLL_ERROR_BUSY, "unfinished");
    cr_expect_not(t.last.error.fatal, "it may come again");
    t.is_closed = false;
    peer_free(hoarder);
    t.p = honest;
    talk_end(&t);
}

Test(peer, sessions_of_one_version_of_an_app_share_its_schema)
{
    world w;
    MUST(world_start(&w, 7, 3, true, fixture_schema(true, false)));
    for (int i = 0; i < 3; i++) subscribe(&w, i, "TRUEPREDICATE");
    SETTLE(&w);
    /* What the apps declare, and what the server made of it, which the views point into. */
    cr_assert_eq(w.app->schemas.count, 2u);
    size_t queries = 0;
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(w.app->schemas.items[i]->users, 3u);
        queries += w.app->schemas.items[i]->queries.count;
    }
    cr_expect_eq(queries, 1u, "all ask the same");
    for (int i = 0; i < 3; i++) away(&w, &w.clients[i]);
    world_run(&w, 1000);
    cr_expect_eq(w.app->schemas.count, 0u);
    world_end(&w);
}

Test(peer, queries_that_nobody_asks_any_more_go)
{
    world w;
    char text[40];
    size_t most = 0;
    MUST(world_start(&w, 7, 2, true, fixture_schema(true, false)));
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "score == %d", i);
        subscribe(&w, i % 2, text);
        SETTLE(&w);
        for (size_t k = 0; k < w.app->schemas.count; k++)
            most = w.app->schemas.items[k]->queries.count > most
                       ? w.app->schemas.items[k]->queries.count
                       : most;
    }
    cr_expect_gt(most, 10u);
    cr_expect_lt(most, 200u);
    world_end(&w);
}
