/* The sequence CRDT: merge laws, order independent of arrival, runs that do not interleave, hostile input. */
#include "fixture.h"

static list_element element(uint64_t counter, uint64_t actor, element_id parent, int side,
                            uint64_t stamp, int64_t number)
{
    return (list_element){.id = {counter, actor},
                          .parent = parent,
                          .side = (uint8_t)side,
                          .stamp = stamp,
                          .value_stamp = stamp,
                          .value_actor = actor,
                          .value = value_int(number)};
}

static bool same(const list_state *a, const list_state *b)
{
    buffer x, y;
    buffer_init(&x, 1 << 24);
    buffer_init(&y, 1 << 24);
    MUST(list_state_write(&x, a));
    MUST(list_state_write(&y, b));
    bool equal = bytes_equal(buffer_view(&x), buffer_view(&y));
    buffer_free(&x);
    buffer_free(&y);
    return equal;
}

static list_state copy(const list_state *s)
{
    list_state out;
    MUST(list_state_copy(s, &out));
    return out;
}

static list_state merged(const list_state *a, const list_state *b)
{
    list_state out = copy(a);
    MUST(list_state_merge(&out, b));
    return out;
}

/* One replica edits: the element after position `at` hangs right of its left neighbour, or left of what follows. */
static void insert_at(list_state *s, size_t at, uint64_t counter, uint64_t actor, uint64_t stamp,
                      value v)
{
    list_element e = element(counter, actor, (element_id){0, 0}, LIST_SIDE_RIGHT, stamp, 0);
    const list_element *items = s->elements.items;
    e.value = v;
    bool taken = false;
    for (size_t i = at; at > 0 && i < s->elements.count; i++)
        taken |= items[i].side == LIST_SIDE_RIGHT &&
                 memcmp(&items[i].parent, &items[at - 1].id, sizeof items[i].parent) == 0;
    if (at > 0 && !taken)
        e.parent = items[at - 1].id;
    else if (at < s->elements.count) {
        e.parent = items[at].id;
        e.side = LIST_SIDE_LEFT;
    }
    MUST(list_state_push(s, &e));
    MUST(list_state_order(s));
}

static void edit_randomly(list_state *s, random_state *r, uint64_t actor, uint64_t *counter)
{
    char text[16];
    uint64_t stamp = random_below(r, 6), count = s->elements.count, at = random_below(r, count + 1);
    uint64_t kind = random_below(r, 10);
    snprintf(text, sizeof text, "t%u", (unsigned)random_below(r, 1000));
    if (kind < 6 || count == 0) {
        insert_at(s, at, ++*counter, actor, stamp,
                  random_below(r, 2) ? value_string(bytes_text(text)) : value_int((int64_t)at));
    } else if (kind < 8) {
        list_element *e = &s->elements.items[random_below(r, count)];
        e->erased = true;
        e->value = value_null();
    } else if (kind < 9) {
        list_element *e = &s->elements.items[random_below(r, count)];
        if (e->erased) return;
        e->value = value_int((int64_t)random_below(r, 5));
        e->value_stamp = random_below(r, 6);
        e->value_actor = actor;
    } else if (random_below(r, 10) == 0) {
        s->life++;
        s->elements.count = 0;
    }
}

Test(list, merge_is_commutative_associative_and_idempotent)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        random_state r = {seed};
        list_state s[3];
        uint64_t counters[3] = {0};
        for (int i = 0; i < 3; i++) list_state_init(&s[i]);
        for (int step = 0; step < 60; step++) {
            int i = (int)random_below(&r, 3), other = (int)random_below(&r, 3);
            edit_randomly(&s[i], &r, (uint64_t)i + 1, &counters[i]);
            if (random_below(&r, 8) == 0 && i != other) MUST(list_state_merge(&s[i], &s[other]));
        }
        list_state ab = merged(&s[0], &s[1]), ba = merged(&s[1], &s[0]), bc = merged(&s[1], &s[2]);
        list_state abc = merged(&ab, &s[2]), a_bc = merged(&s[0], &bc), again = merged(&abc, &s[1]);
        cr_assert(same(&ab, &ba), "seed %lu: not commutative", seed);
        cr_assert(same(&abc, &a_bc), "seed %lu: not associative", seed);
        cr_assert(same(&abc, &again), "seed %lu: not idempotent", seed);
        list_state *all[] = {&s[0], &s[1], &s[2], &ab, &ba, &bc, &abc, &a_bc, &again};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) list_state_free(all[i]);
    }
    cr_assert_eq(memory_live_count(), 0);
}

Test(list, order_does_not_depend_on_arrival)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        random_state r = {seed};
        list_state s, shuffled;
        uint64_t counters[2] = {0};
        list_state_init(&s);
        for (int step = 0; step < 80; step++) {
            uint64_t actor = random_below(&r, 2);
            insert_at(&s, random_below(&r, s.elements.count + 1), ++counters[actor], actor + 1,
                      random_below(&r, 9), value_int(step));
        }
        shuffled = copy(&s);
        for (size_t i = shuffled.elements.count; i > 1; i--) {
            size_t other = random_below(&r, i);
            list_element held = shuffled.elements.items[i - 1];
            shuffled.elements.items[i - 1] = shuffled.elements.items[other];
            shuffled.elements.items[other] = held;
        }
        MUST(list_state_order(&shuffled));
        cr_assert(same(&s, &shuffled), "seed %lu", seed);
        list_state_free(&s);
        list_state_free(&shuffled);
    }
}

/* Two writers type a run each at the same place: one run follows the other, the earlier one first. */
static void check_runs(bool backwards)
{
    for (uint64_t base = 0; base <= 3; base++) {
        list_state one, two;
        list_state_init(&one);
        for (uint64_t i = 0; i < base; i++) insert_at(&one, i, i + 1, 9, 1, value_int(0));
        two = copy(&one);
        size_t at = base == 0 ? 0 : 1;
        for (uint64_t i = 0; i < 10; i++) {
            insert_at(&one, backwards ? at : at + i, i + 100, 1, 50 + i, value_int(1));
            insert_at(&two, backwards ? at : at + i, i + 100, 2, 40 + i, value_int(2));
        }
        list_state both = merged(&one, &two);
        size_t switches = 0;
        for (size_t i = 1; i < both.elements.count; i++)
            switches += both.elements.items[i].id.actor != both.elements.items[i - 1].id.actor;
        size_t expected = base == 0 ? 1 : base == 1 ? 2 : 3;
        cr_assert_eq(switches, expected, "base %lu, %s: %zu switches", base,
                     backwards ? "backwards" : "forwards", switches);
        if (!backwards)
            cr_assert_eq(both.elements.items[at].id.actor, 2, "the earlier run comes first");
        list_state_free(&one);
        list_state_free(&two);
        list_state_free(&both);
    }
}

Test(list, runs_typed_at_once_do_not_interleave)
{
    check_runs(false);
    check_runs(true);
}

Test(list, an_erased_element_stays_erased_and_a_later_set_wins)
{
    list_state a, b;
    list_state_init(&a);
    insert_at(&a, 0, 1, 1, 5, value_int(1));
    insert_at(&a, 1, 2, 1, 5, value_int(2));
    b = copy(&a);
    a.elements.items[0].erased = true;
    b.elements.items[0].value = value_int(7);
    b.elements.items[0].value_stamp = 100;
    a.elements.items[1].value = value_int(8);
    a.elements.items[1].value_stamp = 6;
    b.elements.items[1].value = value_int(9);
    b.elements.items[1].value_stamp = 0; /* Not stamped yet: later than all. */
    list_state both = merged(&a, &b);
    cr_assert(both.elements.items[0].erased);
    cr_assert_eq(both.elements.items[1].value.as.integer, 9);
    list_state_free(&a);
    list_state_free(&b);
    list_state_free(&both);
}

Test(list, a_cleared_list_beats_what_it_held_before)
{
    list_state a, b;
    list_state_init(&a);
    insert_at(&a, 0, 1, 1, 5, value_int(1));
    b = copy(&a);
    insert_at(&a, 1, 2, 1, 9, value_int(2));
    b.life++;
    b.elements.count = 0;
    insert_at(&b, 0, 7, 2, 8, value_int(3));
    list_state both = merged(&a, &b), reversed = merged(&b, &a);
    cr_assert_eq(both.elements.count, 1);
    cr_assert_eq(both.elements.items[0].value.as.integer, 3);
    cr_assert(same(&both, &reversed));
    list_state *all[] = {&a, &b, &both, &reversed};
    for (size_t i = 0; i < 4; i++) list_state_free(all[i]);
}

Test(list, hostile_states_are_refused)
{
    const element_id root = {0, 0}, one = {1, 1}, two = {2, 1}, three = {3, 1};
    const struct {
        const char *what;
        list_element elements[3];
        size_t count;
    } cases[] = {
        {"an unknown parent", {element(1, 1, three, 1, 1, 0)}, 1},
        {"its own parent", {element(1, 1, one, 1, 1, 0)}, 1},
        {"a circle", {element(1, 1, two, 1, 1, 0), element(2, 1, one, 1, 1, 0)}, 2},
        {"the same id twice", {element(1, 1, root, 1, 1, 0), element(1, 1, root, 1, 1, 0)}, 2},
        {"a zero id", {element(0, 0, root, 1, 1, 0)}, 1},
        {"a third side", {element(1, 1, root, 2, 1, 0)}, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        list_state s;
        list_state_init(&s);
        for (size_t k = 0; k < cases[i].count; k++)
            MUST(list_state_push(&s, &cases[i].elements[k]));
        cr_assert_eq(list_state_order(&s), ATOLL_ERROR_BAD_CHANGESET, "%s", cases[i].what);
        list_state_free(&s);
    }
}

Test(list, a_long_chain_is_ordered_without_recursion)
{
    list_state s;
    list_state_init(&s);
    for (uint64_t i = 1; i <= 200000; i++) {
        list_element e =
            element(i, 1, (element_id){i - 1, i == 1 ? 0 : 1}, LIST_SIDE_RIGHT, 1, (int64_t)i);
        MUST(list_state_push(&s, &e));
    }
    MUST(list_state_order(&s));
    cr_assert_eq(s.elements.items[199999].id.counter, 200000);
    list_state_free(&s);
}

Test(list, what_is_written_reads_back_and_damage_is_refused)
{
    list_state s, back;
    buffer out;
    list_state_init(&s);
    buffer_init(&out, 1 << 20);
    s.life = 3;
    insert_at(&s, 0, 1, 1, 5, value_string(bytes_text("a text of some size")));
    insert_at(&s, 1, 2, 77, 0, value_timestamp(5, 6));
    s.elements.items[0].embedded[3] = 9;
    s.elements.items[1].erased = true;
    s.elements.items[1].touched = 12;
    MUST(list_state_write(&out, &s));
    MUST(list_state_read(buffer_view(&out), &back));
    cr_assert(same(&s, &back));
    list_state_free(&back);
    for (size_t size = 0; size < out.size; size++)
        cr_assert_neq(list_state_read(bytes_of(out.data, size), &back), ATOLL_OK, "cut at %zu",
                      size);
    buffer_free(&out);
    list_state_free(&s);
}

/* The model's own inserts make states that order themselves the same. */
Test(list, the_model_keeps_cells_in_list_order)
{
    model_options options = test_options(true);
    memory_disk *disk = memory_disk_new(1);
    model_db *db = test_open(disk, &options);
    model_txn *txn = test_begin(db);
    random_state r = {4};
    row_key row = test_create(txn, 1);
    for (int i = 0; i < 300; i++) {
        uint64_t count = model_list_count(model_txn_view(txn), ITEM, row, ITEM_TAGS);
        value v = value_string(bytes_text("tag"));
        if (random_below(&r, 4) == 0 && count > 0)
            MUST(model_list_erase(txn, ITEM, row, ITEM_TAGS, random_below(&r, count)));
        else
            MUST(model_list_insert(txn, ITEM, row, ITEM_TAGS, random_below(&r, count + 1), &v));
    }
    list_state s, ordered;
    MUST(model_list_state(model_txn_view(txn), ITEM, row, ITEM_TAGS, &s));
    ordered = copy(&s);
    MUST(list_state_order(&ordered));
    cr_assert(same(&s, &ordered));
    cr_assert_gt(s.elements.items[0].touched, 0);
    MUST(model_list_store(txn, ITEM, row, ITEM_TAGS, &s));
    cr_assert_eq(model_list_count(model_txn_view(txn), ITEM, row, ITEM_TAGS) > 0, true);
    list_state_free(&s);
    list_state_free(&ordered);
    model_rollback(txn);
    model_close(db);
    memory_disk_free(disk);
}
