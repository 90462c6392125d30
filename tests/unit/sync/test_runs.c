/* New objects of an upload are made in runs: the store then holds, byte by byte, what it holds when each is made alone, and
 * the client is told the same. Random batches, views, roles and partitions; one server has runs, the other has none. */
#include "base/log.h"
#include "fixture.h"

#include "model/engine.h"
#include "server/app.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(expression) cr_assert_eq((expression), ATOLL_OK, "%s: %s", #expression, fail_text())

enum { SEEDS = 40, BATCHES = 8, ROWS_MAX = 700, KEYS = 4000 };

static const char some_roles[] = "  default_roles:\n"
                                 "  - name: some\n"
                                 "    document_filters: {read: 'team != 3', write: 'team < 2'}\n"
                                 "    read: true\n"
                                 "    write: true\n"
                                 "    insert: true\n";
static const char by_links[] = "  default_roles:\n"
                               "  - name: all\n"
                               "    apply_when: '%%user.id == \"user\"'\n"
                               "    read: true\n"
                               "    write: true\n"
                               "    insert: true\n"
                               "  - name: guest\n"
                               "    document_filters: {read: 'friend.team == 1', write: false}\n"
                               "    read: true\n";
static const char some_fields[] = "  default_roles:\n"
                                  "  - name: fields\n"
                                  "    insert: true\n"
                                  "    delete: true\n"
                                  "    fields: {score: {read: true, write: false}}\n"
                                  "    read: true\n"
                                  "    write: true\n";

typedef struct side {
    world w;
    peer *p, *other; /* other: one whose view follows links, or NULL */
    uint64_t heard;  /* hash of all that the server said */
    uint64_t cursor;
    bool closed;
    buffer out;
} side;

static void listen_to(side *s, peer *p)
{
    peer_action a;
    while (p != NULL && peer_poll(p, s->w.now_ms, &a)) {
        s->closed |= a.kind == PEER_ACTION_CLOSE;
        if (a.kind == PEER_ACTION_SEND)
            s->heard = hash_bytes(a.message.data, a.message.size, s->heard);
    }
}

static void listen(side *s)
{
    MUST(server_app_sync(s->w.app));
    listen_to(s, s->p);
    MUST(server_app_watch(s->w.app));
    listen_to(s, s->other);
}

static void say(side *s, const client_message *m)
{
    buffer_clear(&s->out);
    MUST(codec_client_write(&s->out, m));
    peer_received(s->p, s->w.now_ms, buffer_view(&s->out));
    listen(s);
}

static void join(side *s)
{
    client_message m = {.kind = CLIENT_BIND};
    peer *own = s->p;
    arena memory;
    arena_init(&memory, 1u << 20);
    MUST(peer_new(s->w.app, "guest", &s->other));
    s->p = s->other;
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "app",
                         .flexible = true,
                         .schema = s->w.schema};
    say(s, &m);
    m = (client_message){.kind = CLIENT_SUBSCRIBE, .subscribe = {.version = 1}};
    MUST(arena_push(&memory, &m.subscribe.queries, ((wire_query){"Item", "TRUEPREDICATE"})));
    say(s, &m);
    arena_free(&memory);
    s->p = own;
}

static void side_start(side *s, uint64_t seed, bool alone)
{
    bool flexible = seed % 4 != 0;
    client_message m = {.kind = CLIENT_BIND};
    arena memory;
    arena_init(&memory, 1u << 20);
    buffer_init(&s->out, LIMIT_MESSAGE_SIZE_MAX);
    *s = (side){.out = s->out};
    MUST(world_start(&s->w, seed, 0, flexible, fixture_schema(flexible, !flexible)));
    s->w.app->rows_alone = alone;
    if (seed % 5 == 1) MUST(world_set_roles(&s->w, some_roles));
    if (seed % 5 == 2) MUST(world_set_roles(&s->w, some_fields));
    if (seed % 5 == 3) MUST(world_set_roles(&s->w, by_links));
    MUST(peer_new(s->w.app, "user", &s->p));
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "app",
                         .flexible = flexible,
                         .partition = value_string(bytes_text("p")),
                         .schema = s->w.schema};
    say(s, &m);
    static const char *const views[] = {"TRUEPREDICATE", "team == 1", "team < 3",
                                        "name BEGINSWITH 'n'"};
    client_message subscribe = {.kind = CLIENT_SUBSCRIBE, .subscribe = {.version = 1}};
    MUST(arena_push(&memory, &subscribe.subscribe.queries,
                    ((wire_query){"Item", views[seed / 4 % 4]})));
    if (seed % 3 == 0)
        MUST(
            arena_push(&memory, &subscribe.subscribe.queries, ((wire_query){"Item", "score > 2"})));
    if (flexible) say(s, &subscribe);
    if (flexible && seed % 5 == 3) join(s);
    arena_free(&memory);
    cr_assert_not(s->closed, "seed %llu: %s", (unsigned long long)seed, fail_text());
}

static void side_end(side *s)
{
    peer_free(s->p);
    if (s->other != NULL) peer_free(s->other);
    buffer_free(&s->out);
    world_end(&s->w);
}

static void put(wire_builder *b, wire_rows *g, const char *name, value_type type, value v,
                random_state *r)
{
    bool link = type == VALUE_LINK;
    uint64_t stamp = 5 + random_below(r, random_below(r, 4) == 0 ? 1000 : 1);
    MUST(wire_builder_put(b, g, name, type, link ? VALUE_INT : VALUE_NULL, &v, stamp,
                          random_below(r, 40) == 0));
}

static void put_tags(wire_builder *b, wire_rows *g, random_state *r)
{
    list_state list;
    list_state_init(&list);
    list_element e = {.id = {1 + random_below(r, 90), 7}, .value = value_string(bytes_text("x"))};
    e.stamp = e.value_stamp = 5;
    MUST(vector_push(&list.elements, e));
    MUST(wire_builder_list(
        b, g, &(model_property){.name = "tags", .type = VALUE_STRING, .flags = PROPERTY_LIST},
        VALUE_NULL, &list, 5));
    list_state_free(&list);
}

/* One in `odd` rows is something that no run can have. */
static void put_row(wire_builder *b, wire_rows *g, random_state *r, int64_t key, uint32_t odd,
                    bool partition)
{
    static const row_kind kinds[] = {ROW_CREATE, ROW_CREATE, ROW_EDIT, ROW_REMOVE, ROW_REPLACE};
    bool is_odd = random_below(r, odd) == 0;
    row_kind kind = is_odd ? kinds[random_below(r, 5)] : ROW_CREATE;
    value v = value_int(key);
    MUST(wire_builder_row(b, g, kind, &v, kind != ROW_CREATE || random_below(r, 60) == 0,
                          random_below(r, 3)));
    if (kind == ROW_REMOVE) return;
    if (partition && random_below(r, odd) != 0)
        put(b, g, "_partition", VALUE_STRING,
            value_string(bytes_text(random_below(r, odd) == 0 ? "q" : "p")), r);
    if (random_below(r, 10) != 0)
        put(b, g, "team", VALUE_INT, value_int((int64_t)random_below(r, odd > 50 ? 2 : 4)), r);
    static const char *const names[] = {"n", "", "nn", "other"};
    if (random_below(r, 3) != 0)
        put(b, g, "name", VALUE_STRING,
            random_below(r, 5) == 0 ? value_null()
                                    : value_string(bytes_text(names[random_below(r, 4)])),
            r);
    if (random_below(r, 3) == 0) put(b, g, "score", VALUE_INT, value_int(random_below(r, 6)), r);
    if (random_below(r, odd) == 0)
        put(b, g, "friend", VALUE_LINK,
            random_below(r, 4) == 0 ? value_null() : value_int((int64_t)random_below(r, KEYS)), r);
    if (is_odd && random_below(r, 4) == 0) put_tags(b, g, r);
    if (is_odd && random_below(r, 4) == 0)
        MUST(wire_builder_add(b, g, "score", (int64_t)random_below(r, 9), 6));
}

/* One message of a batch. */
typedef struct part {
    uint64_t seed, number;
    uint32_t index, odd;
    bool last;
} part;

static void make_part(const part *x, int64_t *next, arena *memory, client_message *m)
{
    static uint8_t id[16], previous[16];
    random_state r = {x->seed * 1000 + x->number * 10 + x->index};
    wire_builder b = {.memory = memory};
    wire_rows *g = NULL;
    size_t rows = 1 + random_below(&r, random_below(&r, 2) == 0 ? ROWS_MAX : 20);
    MUST(wire_builder_group(&b, "Item", "", "", &g));
    for (size_t i = 0; i < rows; i++) {
        bool again = random_below(&r, x->odd) == 0;
        put_row(&b, g, &r, again ? (int64_t)random_below(&r, KEYS) : (*next)++, x->odd,
                x->seed % 4 == 0);
    }
    MUST(wire_builder_finish(&b));
    id[0] = (uint8_t)(x->number + 1);
    previous[0] = (uint8_t)x->number;
    *m = (client_message){.kind = CLIENT_UPLOAD};
    m->upload = (wire_upload){.batch = bytes_of(id, 16),
                              .previous_batch = bytes_of(previous, x->number == 0 ? 0 : 16),
                              .bound = x->number + 1,
                              .cursor = x->number * 2,
                              .part = x->index,
                              .last = x->last,
                              .rows = b.rows};
}

/* Blocks that are put aside for the memory budget are nobody's state, and a transaction that was dropped has used up numbers
 * of extents. */
static bool next_of(storage_iterator *i, bytes *key, bytes *v)
{
    while (storage_iterator_next(i, key, v))
        if (key->data[0] != KEY_SPILL && (key->data[0] != KEY_META || key->data[1] != 'e'))
            return true;
    return false;
}

static void compare_stores(side *a, side *b, uint64_t seed, const char *when)
{
    storage_iterator *i = NULL, *k = NULL;
    bytes ki, vi, kk, vk;
    size_t count = 0;
    MUST(storage_iterate(server_app_db(a->w.app)->store, bytes_text(""), bytes_text(""), &i));
    MUST(storage_iterate(server_app_db(b->w.app)->store, bytes_text(""), bytes_text(""), &k));
    while (next_of(i, &ki, &vi)) {
        cr_assert(next_of(k, &kk, &vk), "seed %llu, %s: less without runs",
                  (unsigned long long)seed, when);
        cr_assert(bytes_equal(ki, kk), "seed %llu, %s: key %zu is '%c%c%c' and '%c%c%c'",
                  (unsigned long long)seed, when, count, ki.data[0], ki.data[1], ki.data[2],
                  kk.data[0], kk.data[1], kk.data[2]);
        cr_assert(bytes_equal(vi, vk), "seed %llu, %s: the value of '%c%c%c' (%zu) differs",
                  (unsigned long long)seed, when, ki.data[0], ki.data[1], ki.data[2], count);
        count++;
    }
    cr_assert_not(next_of(k, &kk, &vk), "seed %llu, %s: more without runs",
                  (unsigned long long)seed, when);
    storage_iterator_free(i);
    storage_iterator_free(k);
    cr_assert_gt(count, 3u);
}

/* Both are told the same; the second one applies the batch once it is whole. */
static void tell(side *a, side *b, const part *x, int64_t *next, uint64_t *early)
{
    arena memory;
    client_message m;
    arena_init(&memory, 64u << 20);
    make_part(x, next, &memory, &m);
    say(a, &m);
    wire_rows *rows = m.upload.rows.items[0];
    for (size_t i = 0; i < rows->columns.count; i++) wire_column_rewind(rows->columns.items[i]);
    say(b, &m);
    *early += a->w.app->early != NULL;
    early_drop(b->w.app);
    arena_free(&memory);
    cr_assert_eq(a->closed, b->closed, "seed %llu", (unsigned long long)x->seed);
    cr_assert_eq(a->heard, b->heard, "seed %llu: other messages", (unsigned long long)x->seed);
    cr_assert_eq(a->w.app->clock, b->w.app->clock);
    compare_stores(a, b, x->seed, "after a message");
}

static void tell_batch(side *a, side *b, uint64_t seed, uint64_t number, uint64_t *early)
{
    static const uint32_t odds[] = {3, 20, 100, 400};
    random_state r = {seed * 77 + number};
    part x = {.seed = seed, .number = number, .odd = odds[random_below(&r, 4)]};
    uint32_t count = 1 + (uint32_t)random_below(&r, 4);
    int64_t next = (int64_t)(number * 300);
    for (; x.index < count && !a->closed; x.index++) {
        x.last = x.index + 1 == count;
        tell(a, b, &x, &next, early);
    }
}

Test(runs, leave_what_objects_made_one_by_one_leave)
{
    uint64_t objects = 0, closed = 0, early = 0;
    log_set_level(LOG_ERROR);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        side a, b;
        side_start(&a, seed, false);
        side_start(&b, seed, true);
        for (uint64_t n = 0; n < BATCHES && !a.closed; n++) {
            tell_batch(&a, &b, seed, n, &early);
            if (n % 4 != 3) continue;
            MUST(model_checkpoint(server_app_db(a.w.app)));
            MUST(model_checkpoint(server_app_db(b.w.app)));
            compare_stores(&a, &b, seed, "after a checkpoint");
        }
        model_view *view = model_view_newest(server_app_db(a.w.app));
        objects += model_count(view, 1);
        model_view_release(view);
        closed += a.closed;
        side_end(&a);
        side_end(&b);
    }
    cr_expect_gt(objects, SEEDS * 500u, "%llu objects", (unsigned long long)objects);
    cr_expect_lt(closed, SEEDS / 2, "%llu ended early", (unsigned long long)closed);
    cr_expect_gt(early, SEEDS * 3u, "%llu messages were applied ahead", (unsigned long long)early);
}

static void upload_links(side *s, uint64_t number, row_kind kind, int64_t first, int64_t count,
                         int64_t team)
{
    uint8_t id[16] = {(uint8_t)(number + 1)}, previous[16] = {(uint8_t)number};
    arena memory;
    wire_rows *g = NULL;
    client_message m = {.kind = CLIENT_UPLOAD};
    arena_init(&memory, 1u << 20);
    wire_builder b = {.memory = &memory};
    MUST(wire_builder_group(&b, "Item", "", "", &g));
    for (int64_t key = first; key < first + count; key++) {
        value v = value_int(key), of = value_int(team), target = value_int(1);
        MUST(wire_builder_row(&b, g, kind, &v, kind != ROW_CREATE, number));
        MUST(wire_builder_put(&b, g, "team", VALUE_INT, VALUE_NULL, &of, 5 + number, false));
        if (key > 1)
            MUST(wire_builder_put(&b, g, "friend", VALUE_LINK, VALUE_INT, &target, 5, false));
    }
    MUST(wire_builder_finish(&b));
    m.upload = (wire_upload){.batch = bytes_of(id, 16),
                             .previous_batch = bytes_of(previous, number == 0 ? 0 : 16),
                             .bound = number + 1,
                             .cursor = 1000,
                             .last = true,
                             .rows = b.rows};
    say(s, &m);
    arena_free(&memory);
    cr_assert_not(s->closed, "%s", fail_text());
}

Test(runs, links_that_a_view_follows_are_known_of_new_objects)
{
    enum { COUNT = 50 };
    side s;
    peer_counters before, after;
    log_set_level(LOG_ERROR);
    side_start(&s, 3, false);
    upload_links(&s, 0, ROW_CREATE, 1, 2, 0);
    upload_links(&s, 1, ROW_CREATE, 3, COUNT, 0);
    peer_get_counters(s.other, &before);
    upload_links(&s, 2, ROW_EDIT, 1, 1, 1);
    peer_get_counters(s.other, &after);
    cr_expect_eq(after.rows_out - before.rows_out, COUNT + 1u, "%llu rows came into the view",
                 (unsigned long long)(after.rows_out - before.rows_out));
    side_end(&s);
}
