/* Sets and dictionaries as states: merge laws, the later decision wins, a clear beats what it saw, hostile input. */
#include "fixture.h"

static void put(list_state *s, bool by_key, int n, bool erased, uint64_t stamp, uint64_t actor,
                uint64_t counter)
{
    char key[16];
    bytes name = bytes_of(key, (size_t)snprintf(key, sizeof key, "k%02d", n));
    list_element e = {.id = {counter, actor},
                      .side = LIST_SIDE_RIGHT,
                      .stamp = stamp,
                      .value_stamp = stamp,
                      .value_actor = actor,
                      .erased = erased,
                      .value = by_key && erased ? value_null()
                               : by_key         ? value_int((int64_t)(stamp * 10 + actor))
                                                : value_int(n)};
    if (by_key) e.key = name;
    size_t at = 0;
    while (at < s->elements.count) {
        const list_element *old = &s->elements.items[at];
        int order = by_key ? bytes_compare(old->key, name) : (int)old->value.as.integer - n;
        if (order >= 0) break;
        at++;
    }
    bool there = at < s->elements.count && (by_key ? bytes_equal(s->elements.items[at].key, name)
                                                   : s->elements.items[at].value.as.integer == n);
    if (there) {
        e.id = s->elements.items[at].id;
        e.stamp = s->elements.items[at].stamp;
        e.key = s->elements.items[at].key;
        s->elements.items[at] = e;
        return;
    }
    MUST(list_state_push(s, &e));
    list_element moved = s->elements.items[s->elements.count - 1];
    memmove(&s->elements.items[at + 1], &s->elements.items[at],
            (s->elements.count - 1 - at) * sizeof moved);
    s->elements.items[at] = moved;
}

static bool same(const list_state *a, const list_state *b)
{
    buffer x, y;
    buffer_init(&x, 1 << 20);
    buffer_init(&y, 1 << 20);
    MUST(list_state_write(&x, a));
    MUST(list_state_write(&y, b));
    bool equal = bytes_equal(buffer_view(&x), buffer_view(&y));
    buffer_free(&x);
    buffer_free(&y);
    return equal;
}

static list_state merged(const list_state *a, const list_state *b, bool by_key)
{
    list_state out;
    MUST(list_state_copy(a, &out));
    MUST(keyed_state_merge(&out, b, by_key));
    return out;
}

static void edit(list_state *s, random_state *r, bool by_key, uint64_t actor, uint64_t *counter)
{
    if (random_below(r, 15) == 0) {
        s->elements.count = 0;
        s->life++;
        return;
    }
    uint64_t stamp = random_below(r, 4) == 0 ? 0 : 1 + random_below(r, 30);
    put(s, by_key, (int)random_below(r, 12), random_below(r, 3) == 0, stamp, actor, ++*counter);
}

static void check_laws(uint64_t seed, bool by_key)
{
    random_state r = {seed};
    uint64_t counters[3] = {0};
    list_state s[3];
    for (int i = 0; i < 3; i++) list_state_init(&s[i]);
    for (int step = 0; step < 40; step++) {
        int i = (int)random_below(&r, 3), other = (int)random_below(&r, 3);
        edit(&s[i], &r, by_key, (uint64_t)i + 1, &counters[i]);
        if (random_below(&r, 8) == 0 && i != other)
            MUST(keyed_state_merge(&s[i], &s[other], by_key));
    }
    list_state ab = merged(&s[0], &s[1], by_key), ba = merged(&s[1], &s[0], by_key);
    list_state bc = merged(&s[1], &s[2], by_key), abc = merged(&ab, &s[2], by_key);
    list_state a_bc = merged(&s[0], &bc, by_key), again = merged(&abc, &s[1], by_key);
    cr_assert(same(&ab, &ba), "seed %lu: commutative", seed);
    cr_assert(same(&abc, &a_bc), "seed %lu: associative", seed);
    cr_assert(same(&abc, &again), "seed %lu: idempotent", seed);
    list_state *all[] = {&s[0], &s[1], &s[2], &ab, &ba, &bc, &abc, &a_bc, &again};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) list_state_free(all[i]);
}

Test(keyed, merge_is_commutative_associative_and_idempotent)
{
    for (uint64_t seed = 1; seed <= 400; seed++) check_laws(seed, seed % 2 == 0);
    cr_assert_eq(memory_live_count(), 0);
}

Test(keyed, the_later_decision_about_a_key_wins_also_an_erasure)
{
    const struct {
        uint64_t put_stamp, erase_stamp;
        bool erased;
    } cases[] = {{5, 6, true}, {6, 5, false}, {5, 0, true}, {0, 5, false}};
    for (size_t i = 0; i < 4; i++)
        for (int by_key = 0; by_key < 2; by_key++) {
            list_state one, two;
            list_state_init(&one);
            list_state_init(&two);
            put(&one, by_key, 3, false, cases[i].put_stamp, 1, 1);
            put(&two, by_key, 3, true, cases[i].erase_stamp, 2, 1);
            list_state both = merged(&one, &two, by_key);
            cr_assert_eq(both.elements.count, 1);
            cr_assert_eq(both.elements.items[0].erased, cases[i].erased, "case %zu", i);
            list_state_free(&one);
            list_state_free(&two);
            list_state_free(&both);
        }
}

Test(keyed, a_clear_beats_what_it_saw)
{
    list_state one, two;
    list_state_init(&one);
    list_state_init(&two);
    put(&one, true, 1, false, 100, 1, 1);
    put(&two, true, 2, false, 1, 2, 1);
    two.life = 1;
    list_state both = merged(&one, &two, true), reversed = merged(&two, &one, true);
    cr_assert(same(&both, &reversed));
    cr_assert_eq(both.elements.count, 1);
    cr_assert_eq(both.life, 1);
    list_state_free(&one);
    list_state_free(&two);
    list_state_free(&both);
    list_state_free(&reversed);
}

Test(keyed, elements_out_of_order_or_twice_are_refused)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        list_state s, empty;
        list_state_init(&s);
        list_state_init(&empty);
        put(&s, false, 1, false, 1, 1, 1);
        put(&s, false, 2, false, 1, 1, 2);
        s.elements.items[1].value = value_int(wrong);
        cr_assert_eq(keyed_state_merge(&empty, &s, false), ATOLL_ERROR_BAD_CHANGESET);
        list_state_free(&s);
    }
}
