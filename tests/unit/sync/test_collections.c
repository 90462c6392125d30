/* Sets and dictionaries between devices: each pair of concurrent changes has the outcome that docs/merge.md says. */
#include "everything.h"

#include <stdlib.h>

static void set_put(changing *x, const char *name, value v)
{
    bool changed = false;
    MUST(model_set_insert(x->txn, x->item, x->row, change_property(x, name), &v, &changed));
}

static void set_erase(changing *x, const char *name, value v)
{
    bool changed = false;
    MUST(model_set_erase(x->txn, x->item, x->row, change_property(x, name), &v, &changed));
}

static void note(changing *x, const char *key, const char *text)
{
    value v = text == NULL ? value_null() : value_string(bytes_text(text));
    MUST(model_dictionary_put(x->txn, x->item, x->row, change_property(x, "notes"), bytes_text(key),
                              &v));
}

static void key_erase(changing *x, const char *name, const char *key)
{
    bool removed = false;
    MUST(model_dictionary_erase(x->txn, x->item, x->row, change_property(x, name), bytes_text(key),
                                &removed));
}

static void part_put(changing *x, const char *key, int64_t number)
{
    row_key part = 0;
    item_keys k = fixture_keys(x->c->db);
    value v = value_int(number);
    MUST(model_dictionary_put_embedded(x->txn, x->item, x->row, change_property(x, "parts"),
                                       bytes_text(key), &part));
    MUST(model_set(x->txn, k.part, part, k.part_x, &v));
}

static void part_set(changing *x, const char *key, int64_t number)
{
    item_keys k = fixture_keys(x->c->db);
    value v = value_int(number), held;
    bool found = false;
    MUST(model_dictionary_find(model_txn_view(x->txn), x->item, x->row, change_property(x, "parts"),
                               bytes_text(key), &found, NULL, &held));
    cr_assert(found);
    MUST(model_set(x->txn, k.part, held.as.row, k.part_x, &v));
}

static void clear(changing *x, const char *name)
{
    MUST(model_list_clear(x->txn, x->item, x->row, change_property(x, name)));
}

static void fill(changing *x)
{
    set_put(x, "labels", value_int(1));
    set_put(x, "labels", value_int(2));
    note(x, "a", "one");
    note(x, "b", "two");
}

Test(sync_sets, different_values_are_all_kept)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, fill);
        for (int i = 0; i < 2; i++) {
            changing x = change_begin(&w, &w.clients[i], 1);
            set_put(&x, "labels", value_int(10 + i));
            set_put(&x, "labels", value_int(20)); /* The same on both: once. */
            change_end(&x);
        }
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1,
                          "(_id=1 team=0 score=0 labels={1 10 11 2 20} notes={a:'one' b:'two'})");
        world_end(&w);
    }
}

Test(sync_sets, the_later_of_an_insertion_and_an_erasure_wins)
{
    for (int k = 0; k < 4; k++) {
        world w;
        bool insert_later = (k & 1) != 0;
        apart_begin(&w, 2, fill);
        for (int step = 0; step < 2; step++) {
            bool insert = insert_later == (step == 1);
            changing x = change_begin(&w, &w.clients[insert], 1);
            if (insert) {
                set_erase(&x, "labels", value_int(2)); /* It decides anew about what it has. */
                set_put(&x, "labels", value_int(2));
            } else {
                set_erase(&x, "labels", value_int(2));
            }
            change_end(&x);
            world_run(&w, 1000);
        }
        apart_meet(&w, k >> 1);
        EXPECT_EVERYWHERE(&w, 1,
                          insert_later
                              ? "(_id=1 team=0 score=0 labels={1 2} notes={a:'one' b:'two'})"
                              : "(_id=1 team=0 score=0 labels={1} notes={a:'one' b:'two'})");
        world_end(&w);
    }
}

Test(sync_sets, a_clear_wins_over_concurrent_insertions)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, fill);
        changing x = change_begin(&w, &w.clients[0], 1);
        clear(&x, "labels");
        set_put(&x, "labels", value_int(7));
        clear(&x, "notes");
        change_end(&x);
        x = change_begin(&w, &w.clients[1], 1);
        set_put(&x, "labels", value_int(9)); /* Later, but into what was cleared. */
        note(&x, "c", "three");
        change_end(&x);
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 labels={7})");
        world_end(&w);
    }
}

static void two_more(changing *x)
{
    row_key row = 0;
    for (int64_t id = 2; id <= 3; id++) {
        value key = value_int(id);
        MUST(model_create(x->txn, x->item, &key, &row));
    }
}

Test(sync_sets, links_of_a_set_are_the_same_objects_everywhere)
{
    world w;
    apart_begin(&w, 2, two_more);
    for (int i = 0; i < 2; i++) {
        changing x = change_begin(&w, &w.clients[i], 1);
        /* In the other order on each, so that rows get other numbers. */
        value mine = value_int(100 + i);
        row_key row = 0;
        MUST(model_create(x.txn, x.item, &mine, &row));
        set_put(&x, "friends", change_link(&x, 3 - i));
        set_put(&x, "friends", change_link(&x, 100 + i));
        value link = change_link(&x, 100 + i);
        MUST(model_dictionary_put(x.txn, x.item, x.row, change_property(&x, "known"),
                                  bytes_text(i == 0 ? "x" : "y"), &link));
        change_end(&x);
    }
    apart_meet(&w, 1);
    EXPECT_EVERYWHERE(&w, 1,
                      "(_id=1 team=0 score=0 friends={@100 @101 @2 @3} known={x:@100 y:@101})");
    changing x = change_begin(&w, &w.clients[0], 1);
    set_erase(&x, "friends", change_link(&x, 101));
    key_erase(&x, "known", "y");
    change_end(&x);
    everything_settle(&w);
    EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 friends={@100 @2 @3} known={x:@100})");
    MUST(fixture_delete(&w, &w.clients[1], 100));
    everything_settle(&w);
    EXPECT_CONVERGED(&w, 1);
    world_end(&w);
}

Test(sync_dictionaries, each_key_is_a_field_of_its_own)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, fill);
        changing x = change_begin(&w, &w.clients[0], 1);
        note(&x, "a", "from 0");
        note(&x, "c", "from 0");
        key_erase(&x, "notes", "b");
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[1], 1);
        note(&x, "a", "from 1");
        note(&x, "d", NULL);
        note(&x, "b", "kept, since later");
        change_end(&x);
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1,
                          "(_id=1 team=0 score=0 labels={1 2} notes={a:'from 1' b:'kept, since "
                          "later' c:'from 0' d:null})");
        world_end(&w);
    }
}

Test(sync_dictionaries, an_erasure_that_is_later_wins)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, fill);
        changing x = change_begin(&w, &w.clients[1], 1);
        note(&x, "b", "lost, since earlier");
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[0], 1);
        key_erase(&x, "notes", "b");
        change_end(&x);
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 labels={1 2} notes={a:'one'})");
        world_end(&w);
    }
}

static void parts(changing *x)
{
    part_put(x, "a", 1);
    part_put(x, "b", 2);
}

Test(sync_dictionaries, embedded_objects_live_as_long_as_their_key)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, parts);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 parts={a:(x=1) b:(x=2)})");
        changing x = change_begin(&w, &w.clients[0], 1);
        part_set(&x, "a", 10);
        key_erase(&x, "parts", "b");
        part_put(&x, "c", 3);
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[1], 1);
        part_set(&x, "b", 20); /* In what the other one erased. */
        part_put(&x, "d", 4);
        change_end(&x);
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 parts={a:(x=10) c:(x=3) d:(x=4)})");
        world_end(&w);
    }
}

Test(sync_collections, what_is_pending_in_a_row_that_leaves_the_view_arrives)
{
    world w;
    apart_begin(&w, 2, parts);
    changing x = change_begin(&w, &w.clients[1], 1);
    note(&x, "k", "v");
    set_put(&x, "labels", value_int(5));
    part_set(&x, "a", 11);
    change_end(&x);
    const char *classes[] = {"Item"}, *queries[] = {"team == 1"};
    MUST(world_subscribe(&w, &w.clients[1], classes, queries, 1));
    apart_meet(&w, 1);
    char *left = everything_text(w.clients[1].db, 1);
    cr_expect_str_eq(left, "");
    free(left);
    char *server = everything_text(server_app_db(w.app), 1);
    cr_expect_str_eq(server,
                     "(_id=1 team=0 score=0 labels={5} notes={k:'v'} parts={a:(x=11) b:(x=2)})");
    free(server);
    world_end(&w);
}
