/* What people reported of the systems before, each as a test: state travels, not history; what did not change does not
 * travel; nothing grows with what happened; a link to what is not here lights up once it is. */
#include "copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What each client was told of rows: how many, and how many bytes of texts. */
typedef struct told {
    uint64_t rows[WORLD_CLIENTS_MAX], text[WORLD_CLIENTS_MAX];
} told;

static void count_rows(world *w, client *c, const wire_rows_list *rows)
{
    told *t = w->context;
    for (size_t i = 0; i < rows->count; i++) {
        const wire_rows *group = rows->items[i];
        t->rows[c->number] += group->count;
        for (size_t k = 0; k < group->columns.count; k++)
            t->text[c->number] += group->columns.items[k]->heap.count;
    }
}

static void listen(world *w, client *c, const server_message *m)
{
    if (m->kind == SERVER_DOWNLOAD) count_rows(w, c, &m->download.rows);
    if (m->kind == SERVER_UPLOAD_ACK) count_rows(w, c, &m->ack.rows);
}

static void start(world *w, told *t)
{
    *t = (told){0};
    MUST(world_start(w, 7, 2, true, fixture_schema(true, false)));
    w->context = t;
    w->on_down = listen;
    for (int i = 0; i < 2; i++) subscribe(w, i, "TRUEPREDICATE");
    SETTLE(w);
}

static void go_away(world *w, int who)
{
    away(w, &w->clients[who]);
    world_run(w, 1000);
}

static int64_t read_int(model_db *db, int64_t id, const char *name)
{
    value key = value_int(id), v;
    row_key row = 0;
    model_view *view = model_view_newest(db);
    const model_class *item = schema_class_named(model_view_schema(view), bytes_text("Item"));
    MUST(model_find(view, item->key, &key, &row));
    cr_assert_neq(row, 0, "no item %lld", (long long)id);
    MUST(model_get(view, item->key, row, class_property_named(item, bytes_text(name))->key, &v));
    model_view_release(view);
    return v.as.integer;
}

Test(reports, a_photo_is_not_sent_again_for_a_flag_and_nothing_comes_back_to_its_author)
{
    world w;
    told t;
    enum { PHOTO = 300000 };
    char *photo = malloc(PHOTO + 1);
    cr_assert_not_null(photo);
    memset(photo, 'x', PHOTO);
    photo[PHOTO] = 0;
    start(&w, &t);
    MUST(fixture_create(&w, &w.clients[0], 1, 1, photo));
    SETTLE(&w);
    cr_expect_eq(t.rows[1], 1);
    cr_expect_geq(t.text[1], PHOTO);
    cr_expect_eq(t.rows[0], 0, "the author was told of its own object");
    t = (told){0};
    MUST(fixture_set_int(&w, &w.clients[1], 1, "score", 3));
    SETTLE(&w);
    cr_expect_eq(t.rows[0], 1);
    cr_expect_eq(t.text[0], 0, "%llu bytes of text for a number", (unsigned long long)t.text[0]);
    cr_expect_eq(t.rows[1], 0, "the author was told of its own change");
    cr_expect_eq(read_int(w.clients[0].db, 1, "score"), 3);
    free(photo);
    world_end(&w);
}

Test(reports, an_object_that_changed_a_thousand_times_arrives_once)
{
    world w;
    told t;
    start(&w, &t);
    MUST(fixture_create(&w, &w.clients[0], 1, 1, "busy"));
    SETTLE(&w);
    go_away(&w, 1);
    t = (told){0};
    for (int i = 1; i <= 1000; i++) {
        MUST(fixture_set_int(&w, &w.clients[0], 1, "score", i));
        world_run(&w, 100);
    }
    world_run(&w, 5000);
    cr_assert_eq(read_int(server_app_db(w.app), 1, "score"), 1000);
    w.clients[1].offline = false;
    SETTLE(&w);
    cr_expect_eq(read_int(w.clients[1].db, 1, "score"), 1000);
    cr_expect_eq(t.rows[1], 1, "it arrived %llu times", (unsigned long long)t.rows[1]);
    world_end(&w);
}

static uint64_t side_bytes(model_db *db)
{
    const uint8_t from[1] = {0}, to[2] = {0xff, 0xff};
    storage_iterator *i = NULL;
    bytes key, v;
    uint64_t sum = 0;
    MUST(model_side_iterate(db, bytes_of(from, 1), bytes_of(to, 2), &i));
    while (storage_iterator_next(i, &key, &v)) sum += key.size + v.size;
    MUST(storage_iterator_status(i));
    storage_iterator_free(i);
    return sum;
}

enum { GROWING = 20, ROUNDS = 30 };

/* Objects are changed over and over: what a copy keeps beside them follows what there is. What it remembers of acknowledged
 * batches, in case that a backup is restored, is folded when there are 256 of them. */
Test(reports, no_copy_grows_with_what_happened)
{
    world w;
    told t;
    uint64_t most[3] = {0}, last[3] = {0};
    start(&w, &t);
    for (int64_t i = 1; i <= GROWING; i++) MUST(fixture_create(&w, &w.clients[0], i, 1, "x"));
    for (int round = 0; round < 2 * ROUNDS; round++) {
        for (int64_t i = 1; i <= GROWING; i++) {
            MUST(fixture_set_int(&w, &w.clients[round % 2], i, "score", round));
            world_run(&w, 50);
        }
        SETTLE(&w);
        for (int i = 0; i < 3; i++) {
            uint64_t now = side_bytes(i == 2 ? server_app_db(w.app) : w.clients[i].db);
            uint64_t *of = round < ROUNDS ? most : last;
            if (now > of[i]) of[i] = now;
        }
    }
    for (int i = 0; i < 3; i++)
        cr_expect_leq(last[i], most[i] + most[i] / 10,
                      "%s: at most %llu bytes in the first half, %llu in the second",
                      i == 2 ? "the server" : "a client", (unsigned long long)most[i],
                      (unsigned long long)last[i]);
    world_end(&w);
}

static void befriend(world *w, client *c, int64_t id, int64_t friend_id)
{
    value key = value_int(id), other = value_int(friend_id), link = {.type = VALUE_LINK};
    item_keys k = fixture_keys(c->db);
    model_txn *txn = NULL;
    row_key row = 0;
    MUST(model_begin(c->db, COMMIT_LOCAL, &txn));
    MUST(model_find(model_txn_view(txn), k.c, &key, &row));
    MUST(model_find(model_txn_view(txn), k.c, &other, &link.as.row));
    MUST(model_set(txn, k.c, row, k.friend_of, &link));
    MUST(model_commit(txn, NULL));
    session_committed(c->session, w->now_ms);
}

/* The key of the friend, 0: it reads as null. */
static int64_t friend_of(model_db *db, int64_t id)
{
    value key = value_int(id), v;
    item_keys k = fixture_keys(db);
    row_key row = 0;
    model_view *view = model_view_newest(db);
    MUST(model_find(view, k.c, &key, &row));
    MUST(model_get(view, k.c, row, k.friend_of, &v));
    if (v.type == VALUE_LINK) MUST(model_get(view, k.c, v.as.row, k.id, &v));
    model_view_release(view);
    return v.type == VALUE_INT ? v.as.integer : 0;
}

Test(reports, a_link_to_what_is_not_in_the_view_lights_up_when_it_comes)
{
    world w;
    told t;
    start(&w, &t);
    subscribe(&w, 1, "team == 1");
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[0], 1, 1, "here"));
    MUST(fixture_create(&w, &w.clients[0], 2, 2, "elsewhere"));
    befriend(&w, &w.clients[0], 1, 2);
    SETTLE(&w);
    cr_expect_eq(friend_of(w.clients[1].db, 1), 0, "a link to what is not here is not null");
    MUST(fixture_set_int(&w, &w.clients[0], 2, "team", 1));
    SETTLE(&w);
    cr_expect_eq(friend_of(w.clients[1].db, 1), 2, "its target came, and it is still null");
    MUST(fixture_set_int(&w, &w.clients[0], 2, "team", 2));
    SETTLE(&w);
    cr_expect_eq(friend_of(w.clients[1].db, 1), 0, "its target went, and it is not null");
    /* Whoever edits the row without touching the link does not lose it for those who see its target. */
    MUST(fixture_set_name(&w, &w.clients[1], 1, "edited"));
    SETTLE(&w);
    cr_expect_eq(friend_of(w.clients[0].db, 1), 2);
    MUST(fixture_set_int(&w, &w.clients[0], 2, "team", 1));
    SETTLE(&w);
    cr_expect_eq(friend_of(w.clients[1].db, 1), 2, "it came back, and the link did not");
    world_end(&w);
}
