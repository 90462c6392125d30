/* Moves in lists: between devices, and as pure merge: whatever the order of arrival, an element stands in one place. */
#include "base/random.h"
#include "everything.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- as pure merge ---- */

static const list_element *shown(const list_state *s, size_t index)
{
    for (size_t i = 0; i < s->elements.count; i++)
        if (!s->elements.items[i].erased && index-- == 0) return &s->elements.items[i];
    return NULL;
}

static size_t shown_count(const list_state *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->elements.count; i++) count += !s->elements.items[i].erased;
    return count;
}

static list_element *element_of(list_state *s, element_id id)
{
    for (size_t i = 0; i < s->elements.count; i++) {
        list_element *e = &s->elements.items[i];
        if (e->id.counter == id.counter && e->id.actor == id.actor) return e;
    }
    return NULL;
}

/* Right of the last element of all. */
static void push(list_state *s, list_element e)
{
    if (s->elements.count > 0) e.parent = s->elements.items[s->elements.count - 1].id;
    e.side = LIST_SIDE_RIGHT;
    MUST(list_state_push(s, &e));
}

static void move_to_end(list_state *s, element_id from, element_id to, uint64_t stamp)
{
    uint8_t origin[LIST_ORIGIN_SIZE];
    list_element *old = element_of(s, from), e = *old;
    list_origin_write(origin, list_origin(old));
    e.key = bytes_of(origin, sizeof origin);
    e.id = to;
    e.stamp = stamp;
    old->erased = true;
    old->value = value_null();
    old->value_stamp = LIST_MOVED_AWAY;
    old->value_actor = 0;
    push(s, e);
}

static void random_edits(random_state *r, list_state *s, uint64_t actor)
{
    for (uint64_t i = 1; i <= 4; i++) {
        size_t count = shown_count(s);
        if (count == 0) return;
        element_id id = shown(s, random_below(r, count))->id;
        uint64_t stamp = 100 + random_below(r, 50) * 8 + actor;
        uint64_t which = random_below(r, 5);
        list_element *e = element_of(s, id);
        if (which < 3) {
            move_to_end(s, id, (element_id){100 + i, actor}, stamp);
        } else if (which == 3) {
            e->value = value_int((int64_t)stamp);
            e->value_stamp = stamp;
            e->value_actor = actor;
        } else {
            e->erased = true;
            e->value = value_null();
        }
    }
}

static char *text_of(const list_state *s)
{
    char *text = calloc(1, 4000);
    cr_assert_not_null(text);
    for (size_t i = 0; i < s->elements.count; i++) {
        const list_element *e = &s->elements.items[i];
        if (e->erased) continue;
        size_t at = strlen(text);
        snprintf(text + at, 4000 - at, "%llu.%llu=%lld@%llu ", (unsigned long long)e->id.counter,
                 (unsigned long long)e->id.actor, (long long)e->value.as.integer,
                 (unsigned long long)e->value_stamp);
    }
    return text;
}

static char *merged(const list_state *states, const int *order, int count)
{
    list_state s;
    MUST(list_state_copy(&states[order[0]], &s));
    for (int i = 1; i < count; i++) MUST(list_state_merge(&s, &states[order[i]]));
    char *text = text_of(&s);
    list_state_free(&s);
    return text;
}

Test(list_moves, the_order_of_arrival_does_not_matter_and_twice_is_once)
{
    static const int orders[][5] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},       {1, 2, 0},
                                    {2, 0, 1}, {2, 1, 0}, {0, 1, 0, 2, 1}, {2, 2, 1, 1, 0}};
    random_state r = {77};
    for (int round = 0; round < 3000; round++) {
        list_state states[3];
        list_state_init(&states[0]);
        for (uint64_t i = 1; i <= 4; i++)
            push(&states[0], (list_element){.id = {i, 9},
                                            .stamp = i + 10,
                                            .value_stamp = i + 10,
                                            .value_actor = 9,
                                            .value = value_int((int64_t)i)});
        for (int i = 1; i < 3; i++) MUST(list_state_copy(&states[0], &states[i]));
        for (int i = 0; i < 3; i++) random_edits(&r, &states[i], (uint64_t)i + 1);
        char *wanted = merged(states, orders[0], 3);
        for (size_t k = 1; k < sizeof orders / sizeof *orders; k++) {
            char *got = merged(states, orders[k], k < 6 ? 3 : 5);
            cr_assert_str_eq(got, wanted, "round %d, order %zu: %s instead of %s", round, k, got,
                             wanted);
            free(got);
        }
        free(wanted);
        for (int i = 0; i < 3; i++) list_state_free(&states[i]);
    }
}

/* ---- between devices ---- */

static void move(changing *x, const char *name, uint64_t from, uint64_t to)
{
    MUST(model_list_move(x->txn, x->item, x->row, change_property(x, name), from, to));
}

static void three(changing *x)
{
    item_keys k = fixture_keys(x->c->db);
    for (uint64_t i = 0; i < 3; i++) {
        static const char *const texts[] = {"a", "b", "c"};
        value v = value_string(bytes_text(texts[i])), number = value_int((int64_t)i + 1);
        row_key part = 0;
        MUST(model_list_insert(x->txn, x->item, x->row, k.tags, i, &v));
        MUST(model_list_insert_embedded(x->txn, x->item, x->row, k.many, i, &part));
        MUST(model_set(x->txn, k.part, part, k.part_x, &number));
    }
}

static void expect_lists(world *w, const char *tags, const char *many)
{
    char wanted[200];
    snprintf(wanted, sizeof wanted, "(_id=1 team=0 score=0 tags=[%s] many=[%s])", tags, many);
    EXPECT_EVERYWHERE(w, 1, wanted);
}

Test(sync_moves, the_later_move_of_an_element_wins)
{
    for (int k = 0; k < 4; k++) {
        world w;
        apart_begin(&w, 2, three);
        for (int step = 0; step < 2; step++) {
            int mover = (k & 1) ^ step;
            changing x = change_begin(&w, &w.clients[mover], 1);
            move(&x, "tags", 0, mover == 0 ? 1 : 2);
            move(&x, "many", 0, mover == 0 ? 1 : 2);
            change_end(&x);
            world_run(&w, 1000);
        }
        apart_meet(&w, k >> 1);
        if ((k & 1) == 1)
            expect_lists(&w, "'b' 'a' 'c'", "(x=2) (x=1) (x=3)");
        else
            expect_lists(&w, "'b' 'c' 'a'", "(x=2) (x=3) (x=1)");
        world_end(&w);
    }
}

Test(sync_moves, an_erasure_beats_a_move)
{
    for (int k = 0; k < 4; k++) {
        world w;
        apart_begin(&w, 2, three);
        for (int step = 0; step < 2; step++) {
            bool erase = ((k & 1) ^ step) != 0;
            item_keys keys = fixture_keys(w.clients[erase].db);
            changing x = change_begin(&w, &w.clients[erase], 1);
            if (erase) {
                MUST(model_list_erase(x.txn, x.item, x.row, keys.tags, 0));
                MUST(model_list_erase(x.txn, x.item, x.row, keys.many, 0));
            } else {
                move(&x, "tags", 0, 2);
                move(&x, "many", 0, 2);
            }
            change_end(&x);
            world_run(&w, 1000);
        }
        apart_meet(&w, k >> 1);
        expect_lists(&w, "'b' 'c'", "(x=2) (x=3)");
        world_end(&w);
    }
}

Test(sync_moves, what_is_set_meanwhile_moves_along)
{
    for (int first = 0; first < 2; first++) {
        world w;
        apart_begin(&w, 2, three);
        item_keys keys = fixture_keys(w.clients[0].db);
        changing x = change_begin(&w, &w.clients[0], 1);
        move(&x, "tags", 0, 2);
        move(&x, "many", 0, 2);
        change_end(&x);
        world_run(&w, 1000);
        x = change_begin(&w, &w.clients[1], 1);
        value text = value_string(bytes_text("set")), number = value_int(10), part;
        element_id id;
        MUST(model_list_set(x.txn, x.item, x.row, keys.tags, 0, &text));
        MUST(model_list_get(model_txn_view(x.txn), x.item, x.row, keys.many, 0, &part, &id));
        MUST(model_set(x.txn, keys.part, part.as.row, keys.part_x, &number));
        change_end(&x);
        apart_meet(&w, first);
        expect_lists(&w, "'b' 'c' 'set'", "(x=2) (x=3) (x=10)");
        world_end(&w);
    }
}

Test(sync_moves, an_element_that_moved_is_erased_and_moved_again)
{
    world w;
    apart_begin(&w, 2, three);
    item_keys keys = fixture_keys(w.clients[0].db);
    changing x = change_begin(&w, &w.clients[0], 1);
    move(&x, "tags", 0, 2);
    move(&x, "tags", 2, 1);
    move(&x, "many", 0, 2);
    change_end(&x);
    apart_meet(&w, 0);
    expect_lists(&w, "'b' 'a' 'c'", "(x=2) (x=3) (x=1)");
    x = change_begin(&w, &w.clients[1], 1);
    MUST(model_list_erase(x.txn, x.item, x.row, keys.tags, 1));
    MUST(model_list_erase(x.txn, x.item, x.row, keys.many, 2));
    change_end(&x);
    everything_settle(&w);
    expect_lists(&w, "'b' 'c'", "(x=2) (x=3)");
    world_end(&w);
}
