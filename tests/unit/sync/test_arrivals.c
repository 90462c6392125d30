/* Objects that arrive together are taken in runs: what they leave is what they leave one message each. */
#include "copies.h"
#include "base/random.h"
#include "sync/integrate.h"

#include <stdlib.h>

enum { SEEDS = 60, ROWS = 120, KEYS = 160, MESSAGES = 3 };

typedef struct arrival {
    row_kind kind;
    int64_t key, team, friend_of; /* friend_of 0: none */
    uint64_t life;
    bool has_score;   /* else the column leaves it out */
    const char *name; /* NULL: null */
} arrival;

static arrival random_arrival(random_state *r)
{
    static const char *const names[] = {NULL, "", "a name", "another name that is longer"};
    bool deleted = random_below(r, 20) == 0;
    return (arrival){.kind = deleted ? ROW_DELETED : ROW_FULL,
                     .key = 1 + (int64_t)random_below(r, KEYS),
                     .team = (int64_t)random_below(r, 3),
                     .friend_of = random_below(r, 3) == 0 ? 1 + (int64_t)random_below(r, KEYS) : 0,
                     .life = 1 + (random_below(r, 8) == 0),
                     .has_score = random_below(r, 10) != 0,
                     .name = names[random_below(r, 4)]};
}

static void put(wire_builder *b, wire_rows *group, const char *name, value_type type, value v)
{
    value_type key = type == VALUE_LINK ? VALUE_INT : VALUE_NULL;
    MUST(wire_builder_put(b, group, name, type, key, &v, 1, false));
}

static void put_arrival(wire_builder *b, wire_rows *group, const arrival *a)
{
    value key = value_int(a->key);
    MUST(wire_builder_row(b, group, a->kind, &key, a->life, 0));
    if (a->kind == ROW_DELETED) return;
    put(b, group, "team", VALUE_INT, value_int(a->team));
    put(b, group, "name", VALUE_STRING,
        a->name == NULL ? value_null() : value_string(bytes_text(a->name)));
    put(b, group, "friend", VALUE_LINK, a->friend_of == 0 ? value_null() : value_int(a->friend_of));
    put(b, group, "any", VALUE_MIXED, value_int(a->key));
    if (a->has_score) put(b, group, "score", VALUE_INT, value_int(a->key * 10));
}

static void integrate(model_txn *txn, const arrival *arrivals, size_t count)
{
    arena memory;
    wire_builder b = {.memory = &memory};
    wire_rows *group = NULL;
    integration g;
    arena_init(&memory, 16u << 20);
    MUST(wire_builder_group(&b, "Item", "", "", &group));
    for (size_t i = 0; i < count; i++) put_arrival(&b, group, &arrivals[i]);
    MUST(wire_builder_finish(&b));
    MUST(wire_rows_check(&memory, group, false));
    integration_begin(&g, txn, 0, 0);
    MUST(integrate_rows(&g, &b.rows));
    integration_end(&g);
    arena_free(&memory);
}

static void expect_lives(model_db *a, model_db *b, uint64_t seed)
{
    model_txn *x = NULL, *y = NULL;
    class_key c = fixture_keys(a).c;
    MUST(model_begin(a, COMMIT_REMOTE, &x));
    MUST(model_begin(b, COMMIT_REMOTE, &y));
    for (int64_t i = 1; i <= KEYS; i++) {
        value key = value_int(i);
        row_key row_x = 0, row_y = 0;
        known_life life_x = {0}, life_y = {0};
        bool found_x = false, found_y = false;
        MUST(model_find_any(model_txn_view(x), c, &key, &row_x));
        MUST(model_find_any(model_txn_view(y), c, &key, &row_y));
        cr_assert_eq(row_x != 0, row_y != 0, "seed %d, key %d", (int)seed, (int)i);
        if (row_x == 0) continue;
        MUST(pending_life(x, c, row_x, &life_x, &found_x));
        MUST(pending_life(y, c, row_y, &life_y, &found_y));
        cr_expect_eq(found_x, found_y, "seed %d, key %d", (int)seed, (int)i);
        cr_expect_eq(life_x.life, life_y.life, "seed %d, key %d", (int)seed, (int)i);
        cr_expect_eq(life_x.dead, life_y.dead, "seed %d, key %d", (int)seed, (int)i);
    }
    model_rollback(x);
    model_rollback(y);
}

Test(arrivals, what_comes_together_is_taken_as_what_comes_one_by_one)
{
    size_t objects = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        random_state r = {seed};
        world w;
        model_schema schema = fixture_schema(true, false);
        fixture_add_types(&schema);
        MUST(world_start(&w, seed, 2, true, schema));
        model_db *a = w.clients[0].db, *b = w.clients[1].db;
        for (int k = 0; k < MESSAGES; k++) {
            arrival arrivals[ROWS];
            model_txn *x = NULL, *y = NULL;
            for (size_t i = 0; i < ROWS; i++) arrivals[i] = random_arrival(&r);
            MUST(model_begin(a, COMMIT_REMOTE, &x));
            MUST(model_begin(b, COMMIT_REMOTE, &y));
            integrate(x, arrivals, ROWS);
            for (size_t i = 0; i < ROWS; i++) integrate(y, &arrivals[i], 1);
            MUST(model_commit(x, NULL));
            MUST(model_commit(y, NULL));
            char *together = fixture_dump(a, "TRUEPREDICATE"),
                 *alone = fixture_dump(b, "TRUEPREDICATE");
            cr_expect_str_eq(together, alone, "seed %d", (int)seed);
            for (const char *at = together; *at != '\0'; at++) objects += *at == '\n';
            free(together);
            free(alone);
            expect_lives(a, b, seed);
        }
        world_end(&w);
    }
    cr_expect_gt(objects, SEEDS * ROWS);
}
