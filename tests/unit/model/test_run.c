/* Objects that are made in runs leave what objects made one by one leave: the same log record, the same blocks and indexes. */
#include "fixture.h"
#include "model/engine.h"

enum { SEEDS = 80, ROWS = 700, COLUMNS = 8, KEYS = 3000 };

static const property_key columns[COLUMNS] = {ITEM_NAME, ITEM_SCORE, ITEM_AT,    ITEM_DONE,
                                              ITEM_DATA, ITEM_UID,   ITEM_RATIO, ITEM_LINK};

typedef struct rows {
    value keys[ROWS], values[COLUMNS][ROWS];
} rows;

static value random_value(random_state *r, property_key p, row_key last)
{
    static const char *const texts[] = {"", "a", "some words", "a longer text that is no other"};
    uint8_t id[16] = {(uint8_t)random_below(r, 3)};
    switch (p) {
    case ITEM_NAME: return value_string(bytes_text(texts[random_below(r, 4)]));
    case ITEM_SCORE:
        return value_double(random_below(r, 3) == 0 ? -0.0 : (double)random_below(r, 3));
    case ITEM_AT: return value_timestamp((int64_t)random_below(r, 2), (int32_t)random_below(r, 2));
    case ITEM_DONE: return random_below(r, 3) == 0 ? value_null() : value_bool(random_below(r, 2));
    case ITEM_DATA: return value_binary(bytes_text(texts[random_below(r, 4)]));
    case ITEM_UID: return random_below(r, 2) == 0 ? value_null() : value_uuid(id);
    case ITEM_RATIO: return random_below(r, 2) == 0 ? value_null() : value_float(1.5f);
    default:
        return last == 0 || random_below(r, 2) == 0 ? value_null()
                                                    : value_link(1 + random_below(r, last));
    }
}

/* Both realms have the same secret numbers. */
static void same_numbers(void *context, void *to, size_t size)
{
    (void)context;
    memset(to, 5, size);
}

static void make_rows(random_state *r, rows *out, int64_t *next, row_key last)
{
    for (size_t i = 0; i < ROWS; i++) {
        bool again = random_below(r, 30) == 0;
        out->keys[i] = value_int(again ? (int64_t)random_below(r, KEYS) : (*next)++);
        for (size_t k = 0; k < COLUMNS; k++) out->values[k][i] = random_value(r, columns[k], last);
    }
}

static void make_alone(model_txn *txn, const rows *from, size_t i)
{
    row_key row = 0;
    MUST(model_find(model_txn_view(txn), ITEM, &from->keys[i], &row));
    if (row == 0) MUST(model_create(txn, ITEM, &from->keys[i], &row));
    for (size_t k = 0; k < COLUMNS; k++) {
        value now;
        MUST(model_get_raw(model_txn_view(txn), ITEM, row, columns[k], &now));
        if (!value_equal(&now, &from->values[k][i]))
            MUST(model_set(txn, ITEM, row, columns[k], &from->values[k][i]));
    }
}

static size_t make_in_runs(model_txn *txn, const rows *from, random_state *r)
{
    size_t in_runs = 0;
    for (size_t i = 0; i < ROWS;) {
        size_t count = 1 + random_below(r, MODEL_RUN_MAX), made = 0;
        model_run_column given[COLUMNS];
        row_key first = 0;
        if (count > ROWS - i) count = ROWS - i;
        for (size_t k = 0; k < COLUMNS; k++)
            given[k] = (model_run_column){columns[k], from->values[k] + i};
        const model_run run = {from->keys + i, count, given, COLUMNS};
        MUST(model_create_run(txn, ITEM, &run, &first, &made));
        cr_assert_leq(made, count);
        in_runs += made;
        i += made;
        if (made < count) make_alone(txn, from, i++);
    }
    return in_runs;
}

static void compare_stores(model_db *a, model_db *b, uint64_t seed)
{
    storage_iterator *i = NULL, *k = NULL;
    bytes ki, vi, kk, vk;
    MUST(storage_iterate(a->store, bytes_text(""), bytes_text(""), &i));
    MUST(storage_iterate(b->store, bytes_text(""), bytes_text(""), &k));
    while (storage_iterator_next(i, &ki, &vi)) {
        cr_assert(storage_iterator_next(k, &kk, &vk));
        cr_assert(bytes_equal(ki, kk) && bytes_equal(vi, vk),
                  "seed %llu: key '%c' and '%c', %zu and %zu bytes", (unsigned long long)seed,
                  ki.data[0], kk.data[0], vi.size, vk.size);
    }
    cr_assert_not(storage_iterator_next(k, &kk, &vk));
    storage_iterator_free(i);
    storage_iterator_free(k);
}

Test(run, leaves_what_objects_made_one_by_one_leave)
{
    static rows made;
    uint64_t in_runs = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        random_state r = {seed};
        model_options options = test_options(seed % 2 == 0);
        platform same = test_platform;
        same.random = same_numbers;
        options.platform = &same;
        memory_disk *disks[2] = {memory_disk_new(seed), memory_disk_new(seed)};
        model_db *a = test_open(disks[0], &options), *b = test_open(disks[1], &options);
        int64_t next = seed % 3 == 0 ? 0 : 5000;
        for (int commit = 0; commit < 3; commit++) {
            model_txn *x = test_begin(a), *y = test_begin(b);
            make_rows(&r, &made, &next, next_row(x, ITEM) - 1);
            in_runs += make_in_runs(x, &made, &r);
            for (size_t i = 0; i < ROWS; i++) make_alone(y, &made, i);
            test_commit(x);
            test_commit(y);
            compare_stores(a, b, seed);
        }
        MUST(model_checkpoint(a));
        MUST(model_checkpoint(b));
        compare_stores(a, b, seed);
        model_close(a);
        model_close(b);
        for (int i = 0; i < 2; i++) memory_disk_free(disks[i]);
    }
    cr_expect_gt(in_runs, SEEDS * ROWS * 2u);
}

static status one_run(model_txn *txn, const value *keys, size_t count, property_key p,
                      const value *values, size_t *made)
{
    model_run_column column = {p, values};
    row_key first = 0;
    const model_run run = {keys, count, &column, 1};
    return model_create_run(txn, ITEM, &run, &first, made);
}

Test(run, ends_before_what_is_there_or_would_be_refused)
{
    model_options options = test_options(true);
    memory_disk *disk = memory_disk_new(1);
    model_db *db = test_open(disk, &options);
    model_txn *txn = test_begin(db);
    value keys[] = {value_int(1), value_int(2), value_int(3), value_int(2), value_int(9)};
    value names[] = {value_null(), value_string(bytes_text("b")), value_string(bytes_text("c")),
                     value_null(), value_string(bytes_text("\xff"))};
    size_t made = 77;
    row_key row = 0;
    MUST(model_ghost(txn, ITEM, &keys[2], &row));
    MUST(one_run(txn, keys, 5, ITEM_NAME, names, &made));
    cr_expect_eq(made, 2u, "there is a ghost with the third key");
    MUST(one_run(txn, keys + 2, 3, ITEM_NAME, names + 2, &made));
    cr_expect_eq(made, 0u);
    value again[] = {value_int(7), value_int(8), value_int(7)};
    MUST(one_run(txn, again, 3, ITEM_NAME, names, &made));
    cr_expect_eq(made, 2u, "the third has the key of the first");
    cr_expect_eq(one_run(txn, keys + 4, 1, ITEM_NAME, names + 4, &made),
                 ATOLL_ERROR_INVALID_ARGUMENT);
    value wrong[] = {value_int(1)}, missing[] = {value_null()};
    cr_expect_eq(one_run(txn, keys + 4, 1, ITEM_SCORE, wrong, &made), ATOLL_ERROR_TYPE_MISMATCH);
    cr_expect_eq(one_run(txn, keys + 4, 1, ITEM_SCORE, missing, &made),
                 ATOLL_ERROR_NULL_NOT_ALLOWED);
    cr_expect_eq(one_run(txn, keys + 4, 1, ITEM_ANY, wrong, &made), ATOLL_ERROR_TYPE_MISMATCH);
    cr_expect_eq(one_run(txn, keys + 4, 1, ITEM_ID, wrong, &made), ATOLL_ERROR_TYPE_MISMATCH);
    cr_expect_eq(model_count(model_txn_view(txn), ITEM), 4u);
    test_commit(txn);
    model_close(db);
    memory_disk_free(disk);
}

Test(run, whichever_allocation_fails_the_transaction_can_be_rolled_back)
{
    bool carried_out = true;
    int64_t alive = memory_live_count();
    value keys[200], names[200];
    for (int i = 0; i < 200; i++) keys[i] = value_int(i), names[i] = value_string(bytes_text("x"));
    for (uint64_t k = 1; carried_out; k++) {
        model_options options = test_options(true);
        memory_disk *disk = memory_disk_new(1);
        model_db *db = test_open(disk, &options);
        model_txn *txn = test_begin(db);
        size_t made = 0;
        (void)memory_fail_at(k);
        status result = one_run(txn, keys, 200, ITEM_NAME, names, &made);
        carried_out = memory_fail_at(0) == 0;
        cr_assert(result == ATOLL_OK ? made == 200 : result == ATOLL_ERROR_OUT_OF_MEMORY);
        model_rollback(txn);
        txn = test_begin(db);
        MUST(one_run(txn, keys, 200, ITEM_NAME, names, &made));
        cr_assert_eq(made, 200u);
        test_commit(txn);
        model_close(db);
        memory_disk_free(disk);
        cr_assert_eq(memory_live_count(), alive, "allocation %llu", (unsigned long long)k);
    }
}
