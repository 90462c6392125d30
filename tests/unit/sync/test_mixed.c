/* Mixed values between devices, and lists and dictionaries that are nested in them. */
#include "everything.h"

#include <stdio.h>
#include <stdlib.h>

static void set_any(changing *x, value v)
{
    MUST(model_set(x->txn, x->item, x->row, change_property(x, "any"), &v));
}

/* The collection that the mixed field holds. */
static value nested(changing *x)
{
    value v;
    MUST(model_get(model_txn_view(x->txn), x->item, x->row, change_property(x, "any"), &v));
    cr_assert(v.type == VALUE_LIST || v.type == VALUE_DICTIONARY, "no collection but %s",
              value_type_name(v.type));
    return v;
}

static void nested_add(changing *x, value at, value v)
{
    uint64_t count = model_list_count(model_txn_view(x->txn), at.as.link.class_of, at.as.link.row,
                                      SCHEMA_HIDDEN_ITEMS);
    MUST(model_list_insert(x->txn, at.as.link.class_of, at.as.link.row, SCHEMA_HIDDEN_ITEMS, count,
                           &v));
}

static void nested_put(changing *x, value at, const char *key, value v)
{
    MUST(model_dictionary_put(x->txn, at.as.link.class_of, at.as.link.row, SCHEMA_HIDDEN_ITEMS,
                              bytes_text(key), &v));
}

static value nested_at(changing *x, value at, uint64_t index)
{
    value v;
    element_id id;
    MUST(model_list_get(model_txn_view(x->txn), at.as.link.class_of, at.as.link.row,
                        SCHEMA_HIDDEN_ITEMS, index, &v, &id));
    return v;
}

Test(sync_mixed, a_value_of_every_type_reaches_the_other_device)
{
    world w;
    static const uint8_t id[16] = {0xab, [11] = 0xcd};
    everything_start(&w, 3, 2);
    MUST(fixture_create(&w, &w.clients[0], 2, 0, NULL));
    const struct {
        value v;
        const char *text;
    } cases[] = {{value_int(-5), "-5"},
                 {value_bool(true), "true"},
                 {value_string(bytes_text("text")), "'text'"},
                 {value_string(bytes_text("")), "''"},
                 {value_binary(bytes_of("\0", 1)), "binary 1"},
                 {value_double(0.5), "0.5"},
                 {value_float(0.25f), "0.25f"},
                 {value_timestamp(7, 9), "time 7.9"},
                 {value_uuid(id), "uuid abcd"},
                 {value_object_id(id), "object id abcd"},
                 {{.type = VALUE_TYPED_LINK}, "@2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char wanted[100];
        changing x = change_begin(&w, &w.clients[i % 2], 1);
        set_any(&x, cases[i].v.type == VALUE_TYPED_LINK ? change_typed(&x, 2) : cases[i].v);
        change_end(&x);
        everything_settle(&w);
        snprintf(wanted, sizeof wanted, "(_id=1 team=0 score=0 any=%s)", cases[i].text);
        EXPECT_EVERYWHERE(&w, 1, wanted);
    }
    changing x = change_begin(&w, &w.clients[0], 1);
    set_any(&x, value_null());
    change_end(&x);
    everything_settle(&w);
    EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0)");
    world_end(&w);
}

Test(sync_mixed, the_later_value_wins_whatever_its_type)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, NULL);
        changing x = change_begin(&w, &w.clients[0], 1);
        set_any(&x, value_int(7));
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[1], 1);
        set_any(&x, value_string(bytes_text("later")));
        change_end(&x);
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 any='later')");
        world_end(&w);
    }
}

Test(sync_mixed, collections_of_mixed_values_merge_as_others)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, NULL);
        for (int i = 0; i < 2; i++) {
            bool changed = false;
            changing x = change_begin(&w, &w.clients[i], 1);
            value own = value_int(10 + i), link = change_typed(&x, 1),
                  text = value_string(bytes_text(i == 0 ? "a" : "b"));
            MUST(model_list_insert(x.txn, x.item, x.row, change_property(&x, "anys"), 0, &own));
            MUST(model_list_insert(x.txn, x.item, x.row, change_property(&x, "anys"), 1, &link));
            MUST(model_set_insert(x.txn, x.item, x.row, change_property(&x, "anyset"), &link,
                                  &changed));
            MUST(model_set_insert(x.txn, x.item, x.row, change_property(&x, "anyset"), &text,
                                  &changed));
            MUST(model_dictionary_put(x.txn, x.item, x.row, change_property(&x, "anydict"),
                                      text.as.text, &link));
            change_end(&x);
            world_run(&w, 1000);
        }
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1,
                          "(_id=1 team=0 score=0 anys=[10 @1 11 @1] anyset={'a' 'b' @1} "
                          "anydict={a:@1 b:@1})");
        world_end(&w);
    }
}

static void a_list(changing *x)
{
    set_any(x, (value){.type = VALUE_LIST});
    nested_add(x, nested(x), value_int(1));
    nested_add(x, nested(x), (value){.type = VALUE_DICTIONARY});
    nested_put(x, nested_at(x, nested(x), 1), "k", value_int(2));
}

Test(sync_nested, edits_of_two_devices_inside_of_a_list_are_all_kept)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, a_list);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 any=[1 {k:2}])");
        changing x = change_begin(&w, &w.clients[0], 1);
        nested_add(&x, nested(&x), value_int(3));
        nested_put(&x, nested_at(&x, nested(&x), 1), "k", value_int(20));
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[1], 1);
        nested_add(&x, nested(&x), (value){.type = VALUE_LIST});
        nested_add(&x, nested_at(&x, nested(&x), 2), value_int(4));
        nested_put(&x, nested_at(&x, nested(&x), 1), "m", value_int(5));
        change_end(&x);
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 any=[1 {k:20 m:5} 3 [4]])");
        world_end(&w);
    }
}

Test(sync_nested, a_value_put_in_the_place_of_a_list_wins_over_edits_inside)
{
    for (int k = 0; k < 4; k++) {
        world w;
        apart_begin(&w, 2, a_list);
        bool edit_later = (k & 1) != 0;
        for (int step = 0; step < 2; step++) {
            bool edit = edit_later == (step == 1);
            changing x = change_begin(&w, &w.clients[edit], 1);
            if (edit)
                nested_put(&x, nested_at(&x, nested(&x), 1), "k", value_int(20));
            else
                set_any(&x, value_int(7));
            change_end(&x);
            world_run(&w, 1000);
        }
        apart_meet(&w, k >> 1);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 any=7)");
        world_end(&w);
    }
}

Test(sync_nested, a_nested_list_in_a_collection_goes_with_its_element)
{
    world w;
    everything_start(&w, 5, 2);
    changing x = change_begin(&w, &w.clients[0], 1);
    value list = {.type = VALUE_LIST}, held;
    element_id id;
    bool found = false;
    MUST(model_list_insert(x.txn, x.item, x.row, change_property(&x, "anys"), 0, &list));
    MUST(model_list_get(model_txn_view(x.txn), x.item, x.row, change_property(&x, "anys"), 0, &held,
                        &id));
    nested_add(&x, held, value_int(1));
    MUST(model_dictionary_put(x.txn, x.item, x.row, change_property(&x, "anydict"), bytes_text("d"),
                              &list));
    MUST(model_dictionary_find(model_txn_view(x.txn), x.item, x.row, change_property(&x, "anydict"),
                               bytes_text("d"), &found, NULL, &held));
    nested_add(&x, held, value_int(2));
    change_end(&x);
    everything_settle(&w);
    EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 anys=[[1]] anydict={d:[2]})");
    x = change_begin(&w, &w.clients[1], 1);
    MUST(model_list_erase(x.txn, x.item, x.row, change_property(&x, "anys"), 0));
    value plain = value_int(9);
    MUST(model_dictionary_put(x.txn, x.item, x.row, change_property(&x, "anydict"), bytes_text("d"),
                              &plain));
    change_end(&x);
    everything_settle(&w);
    EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 anydict={d:9})");
    for (int i = 0; i < 2; i++) { /* Nothing is left of them. */
        model_view *view = model_view_newest(w.clients[i].db);
        const model_class *c =
            schema_class_named(model_view_schema(view), bytes_text(SCHEMA_HIDDEN_LIST));
        cr_expect_eq(model_count(view, c->key), 0u);
        model_view_release(view);
    }
    world_end(&w);
}

Test(sync_nested, what_is_pending_in_a_list_of_a_hidden_row_arrives)
{
    world w;
    apart_begin(&w, 2, a_list);
    changing x = change_begin(&w, &w.clients[1], 1);
    nested_add(&x, nested(&x), value_int(3));
    change_end(&x);
    const char *classes[] = {"Item"}, *queries[] = {"team == 1"};
    MUST(world_subscribe(&w, &w.clients[1], classes, queries, 1));
    apart_meet(&w, 1);
    char *server = everything_text(server_app_db(w.app), 1);
    cr_expect_str_eq(server, "(_id=1 team=0 score=0 any=[1 {k:2} 3])");
    free(server);
    world_end(&w);
}

static void new_part(changing *x, int64_t number)
{
    item_keys k = fixture_keys(x->c->db);
    value v = value_int(number);
    row_key part = 0;
    MUST(model_set_embedded(x->txn, x->item, x->row, k.one, &part));
    MUST(model_set(x->txn, k.part, part, k.part_x, &v));
}

static void edit_part(changing *x, int64_t number)
{
    item_keys k = fixture_keys(x->c->db);
    value v = value_int(number), slot;
    MUST(model_get(model_txn_view(x->txn), x->item, x->row, k.one, &slot));
    cr_assert_eq(slot.type, VALUE_EMBEDDED);
    MUST(model_set(x->txn, k.part, slot.as.row, k.part_x, &v));
}

Test(sync_embedded, two_that_are_made_at_once_in_one_slot_are_one_object)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, NULL);
        changing x = change_begin(&w, &w.clients[0], 1);
        new_part(&x, 1);
        set_any(&x, (value){.type = VALUE_LIST});
        nested_add(&x, nested(&x), value_int(1));
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[1], 1);
        new_part(&x, 2);
        set_any(&x, (value){.type = VALUE_LIST});
        nested_add(&x, nested(&x), value_int(2));
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[0], 1);
        edit_part(&x, 3); /* Later than the other one's making: it stays. */
        change_end(&x);
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 one=(x=3) any=[1 2])");
        world_end(&w);
    }
}

Test(sync_embedded, a_list_and_a_dictionary_made_at_once_the_later_one_wins)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, NULL);
        changing x = change_begin(&w, &w.clients[0], 1);
        set_any(&x, (value){.type = VALUE_LIST});
        nested_add(&x, nested(&x), value_int(1));
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[1], 1);
        set_any(&x, (value){.type = VALUE_DICTIONARY});
        nested_put(&x, nested(&x), "k", value_int(2));
        change_end(&x);
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 any={k:2})");
        world_end(&w);
    }
}

Test(sync_embedded, one_in_the_place_of_another_is_a_new_object)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, NULL);
        changing x = change_begin(&w, &w.clients[0], 1);
        new_part(&x, 1);
        change_end(&x);
        apart_meet(&w, 0);
        for (int i = 0; i < 2; i++) everything_offline(&w, &w.clients[i], true);
        x = change_begin(&w, &w.clients[0], 1);
        new_part(&x, 5); /* An outer change: what is changed inside of the old one goes with it. */
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[1], 1);
        edit_part(&x, 6);
        change_end(&x);
        apart_meet(&w, first);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 one=(x=5))");
        /* A null between, in one batch: a new one, too. */
        item_keys k = fixture_keys(w.clients[0].db);
        value null = value_null();
        x = change_begin(&w, &w.clients[0], 1);
        MUST(model_set(x.txn, x.item, x.row, k.one, &null));
        row_key part = 0;
        MUST(model_set_embedded(x.txn, x.item, x.row, k.one, &part));
        change_end(&x);
        everything_settle(&w);
        EXPECT_EVERYWHERE(&w, 1, "(_id=1 team=0 score=0 one=(x=0))");
        world_end(&w);
    }
}

Test(sync_embedded, a_value_beats_an_object_that_is_made_at_once_when_it_is_later)
{
    for (int k = 0; k < 4; k++) {
        world w;
        apart_begin(&w, 2, NULL);
        bool value_later = (k & 1) != 0;
        for (int step = 0; step < 2; step++) {
            bool plain = value_later == (step == 1);
            changing x = change_begin(&w, &w.clients[plain], 1);
            set_any(&x, plain ? value_int(7) : (value){.type = VALUE_LIST});
            change_end(&x);
            world_run(&w, 1000);
        }
        apart_meet(&w, k >> 1);
        EXPECT_EVERYWHERE(
            &w, 1, value_later ? "(_id=1 team=0 score=0 any=7)" : "(_id=1 team=0 score=0 any=[])");
        world_end(&w);
    }
}
