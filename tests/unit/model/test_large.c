/* Values out of line: they read as any other, and nothing of them stays behind. */
#include "fixture.h"

static char big[3][3000];

static value big_text(int which, size_t size)
{
    memset(big[which], 'a' + which, sizeof big[which]);
    return value_string(bytes_of(big[which], size));
}

static void check(const model_view *view, row_key row, value expected)
{
    value v = test_get(view, ITEM, row, ITEM_NAME);
    cr_assert(value_equal(&v, &expected), "row %lu has %zu bytes", row,
              v.type == VALUE_STRING ? v.as.text.size : 0);
}

/* Records of the store whose key begins with the letter. */
static size_t records(memory_disk *disk, char letter)
{
    storage *store = NULL;
    storage_iterator *i = NULL;
    bytes key, record;
    size_t count = 0;
    uint8_t from = (uint8_t)letter, to = (uint8_t)letter + 1;
    MUST(storage_open_memory(disk, &store));
    MUST(storage_iterate(store, bytes_of(&from, 1), bytes_of(&to, 1), &i));
    while (storage_iterator_next(i, &key, &record)) count++;
    storage_iterator_free(i);
    storage_close(store);
    return count;
}

Test(large, values_at_the_bound_and_past_it_are_kept)
{
    memory_disk *disk = memory_disk_new(1);
    model_options options = test_options(false);
    model_db *db = test_open(disk, &options);
    model_txn *txn = test_begin(db);
    row_key a = test_create(txn, 1), b = test_create(txn, 2), c = test_create(txn, 3);
    test_set(txn, ITEM, a, ITEM_NAME, big_text(0, 1024));
    test_set(txn, ITEM, b, ITEM_NAME, big_text(1, 1025));
    test_set(txn, ITEM, c, ITEM_NAME, big_text(2, 3000));
    check(model_txn_view(txn), b, big_text(1, 1025));
    test_commit(txn);
    model_close(db);
    cr_assert_eq(records(disk, 'E'), 2);
    db = test_open(disk, &options);
    model_view *view = model_view_newest(db);
    check(view, a, big_text(0, 1024));
    check(view, b, big_text(1, 1025));
    check(view, c, big_text(2, 3000));
    model_view_release(view);
    model_close(db);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

Test(large, what_no_version_names_leaves_the_store)
{
    memory_disk *disk = memory_disk_new(2);
    model_options options = test_options(false);
    model_db *db = test_open(disk, &options);
    model_txn *txn = test_begin(db);
    row_key rows[4];
    for (int i = 0; i < 4; i++) {
        rows[i] = test_create(txn, i);
        test_set(txn, ITEM, rows[i], ITEM_NAME, big_text(0, 2000));
    }
    test_commit(txn);
    MUST(model_checkpoint(db));
    model_view *pinned = model_view_newest(db);
    txn = test_begin(db);
    test_set(txn, ITEM, rows[0], ITEM_NAME, big_text(1, 2500)); /* another */
    test_set(txn, ITEM, rows[1], ITEM_NAME, value_null());
    test_set(txn, ITEM, rows[2], ITEM_NAME, value_string(bytes_text("small")));
    MUST(model_delete(txn, ITEM, rows[3]));
    test_commit(txn);
    MUST(model_checkpoint(db));
    for (int i = 0; i < 4; i++) check(pinned, rows[i], big_text(0, 2000));
    model_view_release(pinned);
    MUST(model_checkpoint(db));
    model_view *view = model_view_newest(db);
    check(view, rows[0], big_text(1, 2500));
    check(view, rows[1], value_null());
    check(view, rows[2], value_string(bytes_text("small")));
    model_view_release(view);
    model_close(db);
    cr_assert_eq(records(disk, 'E'), 1);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

Test(large, a_value_is_not_written_again_when_its_neighbour_changes)
{
    memory_disk *disk = memory_disk_new(3);
    model_options options = test_options(false);
    model_db *db = test_open(disk, &options);
    static char photo[1 << 20];
    model_txn *txn = test_begin(db);
    row_key row = test_create(txn, 1), neighbour = test_create(txn, 2);
    test_set(txn, ITEM, row, ITEM_NAME,
             value_string(bytes_of(memset(photo, 'x', sizeof photo), sizeof photo)));
    test_commit(txn);
    model_close(db);
    db = test_open(disk, &options);
    txn = test_begin(db);
    test_set(txn, ITEM, neighbour, ITEM_NAME, value_string(bytes_text("next to a photo")));
    test_commit(txn);
    uint64_t before = model_memory_now(db).bytes;
    cr_assert_lt(before, 200000, "the photo came along: %lu bytes", before);
    model_view *view = model_view_newest(db);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_NAME).as.text.size, sizeof photo);
    cr_assert_gt(model_memory_now(db).bytes, sizeof photo);
    model_view_release(view);
    model_close(db);
    memory_disk_free(disk);
}

Test(large, a_value_may_be_set_from_itself)
{
    memory_disk *disk = memory_disk_new(4);
    model_options options = test_options(false);
    model_db *db = test_open(disk, &options);
    model_txn *txn = test_begin(db);
    row_key row = test_create(txn, 1);
    test_set(txn, ITEM, row, ITEM_NAME, big_text(0, 2000));
    value v = test_get(model_txn_view(txn), ITEM, row, ITEM_NAME);
    v.as.text.size = 1500;
    test_set(txn, ITEM, row, ITEM_NAME, v);
    v = test_get(model_txn_view(txn), ITEM, row, ITEM_NAME);
    v.as.text.size = 10;
    test_set(txn, ITEM, row, ITEM_NAME, v);
    check(model_txn_view(txn), row, big_text(0, 10));
    test_commit(txn);
    model_close(db);
    cr_assert_eq(records(disk, 'E'), 0);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}
