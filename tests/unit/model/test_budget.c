/* The memory budget: blocks go and come back, and nobody sees a difference. */
#include "fixture.h"

enum { ROWS = 32 * MODEL_BLOCK_ROWS, BUDGET = 45000, SLACK = 4 * 20000 };

static model_db *open_with(memory_disk *disk, uint64_t budget)
{
    model_options options = test_options(false);
    options.memory_budget = budget;
    return test_open(disk, &options);
}

static void set_row(model_txn *txn, row_key row, int64_t round)
{
    char text[40];
    int64_t n = (int64_t)row * 1000 + round;
    int size = snprintf(text, sizeof text, "row %ld of round %ld", (long)row, (long)round);
    test_set(txn, ITEM, row, ITEM_NAME, value_string(bytes_of(text, (size_t)size)));
    test_set(txn, ITEM, row, ITEM_COUNT, value_int(n));
    test_set(txn, ITEM, row, ITEM_SCORE, value_double((double)n));
}

static void check_row(const model_view *view, row_key row, int64_t round)
{
    char text[40];
    int64_t n = (int64_t)row * 1000 + round;
    int size = snprintf(text, sizeof text, "row %ld of round %ld", (long)row, (long)round);
    value name = test_get(view, ITEM, row, ITEM_NAME),
          expected = value_string(bytes_of(text, (size_t)size));
    cr_assert(value_equal(&name, &expected), "row %lu of round %ld", row, (long)round);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_COUNT).as.integer, n);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_SCORE).as.real, (double)n);
}

/* As the layers above read: the view rests, each look is one call. */
static void check_all(model_db *db, const model_view *view, int64_t round, size_t step)
{
    for (row_key row = 1; row < ROWS; row += step) {
        model_reader *reader = model_read_begin(db);
        check_row(view, row, round);
        model_read_end(db, reader);
    }
}

static void write_round(model_db *db, int64_t round)
{
    model_txn *txn = test_begin(db);
    model_txn_rest(txn);
    for (row_key row = 1; row < ROWS; row++) {
        model_reader *reader = model_read_begin(db);
        if (round == 0) cr_assert_eq(test_create(txn, (int64_t)row), row);
        set_row(txn, row, round);
        model_read_end(db, reader);
    }
    test_commit(txn);
}

Test(budget, a_realm_of_many_times_its_budget_is_read_in_little_memory)
{
    memory_disk *disk = memory_disk_new(1);
    model_db *db = open_with(disk, 0);
    write_round(db, 0);
    cr_assert_gt(model_memory_now(db).bytes, 20 * BUDGET, "%lu", model_memory_now(db).bytes);
    model_close(db);
    db = open_with(disk, BUDGET);
    model_view *view = model_view_newest(db);
    model_view_rest(view);
    for (int round = 0; round < 2; round++) {
        check_all(db, view, 0, 7);
        model_memory now = model_memory_now(db);
        cr_assert_lt(now.bytes + now.waiting_bytes, BUDGET + SLACK, "%lu and %lu", now.bytes,
                     now.waiting_bytes);
        cr_assert_gt(now.evicted, 20);
        cr_assert_eq(now.spilled, 0, "what the store has needs no second place");
    }
    model_view_release_resting(view);
    model_close(db);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

Test(budget, what_was_read_stays_while_its_view_is_awake)
{
    memory_disk *disk = memory_disk_new(2);
    model_db *db = open_with(disk, 0);
    write_round(db, 0);
    model_close(db);
    db = open_with(disk, BUDGET);
    model_view *view = model_view_newest(db);
    value names[ROWS / 16];
    for (row_key row = 1; row < ROWS; row += 16)
        names[row / 16] = test_get(view, ITEM, row, ITEM_NAME);
    cr_assert_gt(model_memory_now(db).evicted, 0);
    for (row_key row = 1; row < ROWS; row += 16) {
        char text[40];
        int size = snprintf(text, sizeof text, "row %ld of round 0", (long)row);
        value expected = value_string(bytes_of(text, (size_t)size));
        cr_assert(value_equal(&names[row / 16], &expected));
    }
    model_view_release(view);
    model_close(db);
    memory_disk_free(disk);
}

Test(budget, pinned_versions_and_transactions_of_many_times_the_budget)
{
    enum { ROUNDS = 4 };
    memory_disk *disk = memory_disk_new(3);
    model_db *db = open_with(disk, BUDGET);
    model_view *pins[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        write_round(db, round);
        pins[round] = model_view_newest(db);
        model_view_rest(pins[round]);
        if (round % 2 == 0) MUST(model_checkpoint(db));
        check_all(db, pins[round], round, 301);
    }
    model_memory now = model_memory_now(db);
    cr_assert_gt(now.spilled, 100);
    cr_assert_lt(now.bytes + now.waiting_bytes, BUDGET + SLACK, "%lu and %lu", now.bytes,
                 now.waiting_bytes);
    for (int round = 0; round < ROUNDS; round++) {
        check_all(db, pins[round], round, 7);
        model_view_release_resting(pins[round]);
    }
    model_txn *txn = test_begin(db); /* what was spilled of a transaction goes with it */
    model_txn_rest(txn);
    for (row_key row = 1; row < ROWS; row++) {
        model_reader *reader = model_read_begin(db);
        set_row(txn, row, 77);
        model_read_end(db, reader);
    }
    model_rollback(txn);
    model_close(db);
    db = open_with(disk, BUDGET);
    model_view *view = model_view_newest(db);
    check_all(db, view, ROUNDS - 1, 1);
    model_view_release(view);
    model_close(db);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

/* Each look at all blocks takes as long as there are blocks: with millions of rows nothing else would be done. */
Test(budget, a_transaction_that_can_let_nothing_go_does_not_look_for_it_at_each_operation)
{
    enum { OPERATIONS = 20000 };
    memory_disk *disk = memory_disk_new(5);
    model_db *db = open_with(disk, 1);
    write_round(db, 0);
    model_txn *txn = test_begin(db);
    uint64_t before = model_memory_now(db).relieved;
    for (int i = 0; i < OPERATIONS; i++) set_row(txn, 1 + (row_key)(i % 3), i);
    cr_expect_lt(model_memory_now(db).relieved - before, OPERATIONS / 100);
    model_rollback(txn);
    model_close(db);
    memory_disk_free(disk);
}

Test(budget, a_window_holds_its_block)
{
    memory_disk *disk = memory_disk_new(4);
    model_db *db = open_with(disk, 0);
    write_round(db, 0);
    model_close(db);
    db = open_with(disk, BUDGET);
    model_view *view = model_view_newest(db);
    model_window window;
    check_row(view, 5, 0);
    cr_assert(model_window_open(view, ITEM, 5, ITEM_COUNT, &window));
    model_view_rest(view);
    check_all(db, view, 0, 3);
    cr_assert_gt(model_memory_now(db).evicted, 0);
    for (row_key row = 1; row < 900; row++) cr_assert_eq(window.words[row], (int64_t)row * 1000);
    model_window_close(&window);
    model_view_release_resting(view);
    model_close(db);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}
