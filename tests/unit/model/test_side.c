/* The side table against a plain array: a transaction reads what it wrote and else what is committed, in any order. */
#include "fixture.h"

enum { KINDS = 3, NUMBERS = 200 };

typedef struct side_world {
    random_state random;
    int committed[KINDS][NUMBERS], now[KINDS][NUMBERS]; /* 0: absent */
} side_world;

static bytes side_key(uint8_t key[10], uint64_t kind, uint64_t number)
{
    key[0] = 'z';
    key[1] = (uint8_t)('a' + kind);
    key_put_u64(key + 2, number);
    return bytes_of(key, 10);
}

static void expect_one(side_world *w, model_txn *txn, uint64_t kind, uint64_t number)
{
    uint8_t key[10];
    bool found = false;
    buffer value;
    buffer_init(&value, 64);
    MUST(model_side_get_txn(txn, side_key(key, kind, number), &value, &found));
    cr_assert_eq(found, w->now[kind][number] != 0, "kind %d number %d", (int)kind, (int)number);
    if (found) cr_assert_eq(value.data[0], (uint8_t)w->now[kind][number]);
    buffer_free(&value);
}

static void one_transaction(side_world *w, model_db *db)
{
    uint8_t key[10];
    model_txn *txn = test_begin(db);
    memcpy(w->now, w->committed, sizeof w->now);
    for (int i = 0; i < 60; i++) {
        uint64_t kind = random_below(&w->random, KINDS), number = random_below(&w->random, NUMBERS);
        uint64_t what = random_below(&w->random, 8);
        if (what == 0) {
            uint8_t byte = (uint8_t)(w->now[kind][number] = 1 + (int)random_below(&w->random, 9));
            MUST(model_side_put(txn, side_key(key, kind, number), bytes_of(&byte, 1)));
        } else if (what == 1) {
            w->now[kind][number] = 0;
            MUST(model_side_delete(txn, side_key(key, kind, number)));
        } else { /* A run, as a fold makes it: this is where gaps are found. */
            for (uint64_t n = number; n < NUMBERS && n < number + what * 4; n++)
                expect_one(w, txn, kind, n);
        }
    }
    if (random_below(&w->random, 4) == 0) {
        model_rollback(txn);
        return;
    }
    test_commit(txn);
    memcpy(w->committed, w->now, sizeof w->now);
}

Test(side, a_transaction_reads_its_own_writes_and_what_is_committed)
{
    model_options options = test_options(true);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        side_world w = {.random = {seed}};
        memory_disk *disk = memory_disk_new(seed);
        model_db *db = test_open(disk, &options);
        for (int i = 0; i < 30; i++) one_transaction(&w, db);
        model_close(db);
        memory_disk_free(disk);
    }
}
