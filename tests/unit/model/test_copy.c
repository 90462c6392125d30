/* Copies of realms that sync: the same kind keeps everything, a local one leaves behind what only sync needs. */
#include "fixture.h"

static model_db *open_on(memory_disk *disk, schema_use use, const model_schema *schema)
{
    model_options options = test_options(use != SCHEMA_LOCAL);
    storage *store = NULL;
    model_db *db = NULL;
    options.use = use;
    MUST(storage_open_memory(disk, &store));
    MUST(model_open(store, &options, schema, &db));
    return db;
}

static bool has_side(model_db *db)
{
    buffer value;
    bool found = false;
    buffer_init(&value, 100);
    MUST(model_side_get(db, bytes_text("cursor"), &value, &found));
    buffer_free(&value);
    return found;
}

Test(copy, a_flexible_realm_becomes_a_local_one)
{
    model_schema schema = {0};
    size_t index = 0;
    memory_disk *disk = memory_disk_new(1);
    MUST(schema_add_class(&schema, bytes_text("Dog"), CLASS_NORMAL, &index));
    MUST(schema_add_property(&schema, index, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    MUST(schema_add_class(&schema, bytes_text("Reading"), CLASS_ASYMMETRIC, &index));
    MUST(schema_add_property(&schema, index, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    model_db *db = open_on(disk, SCHEMA_FLEXIBLE, &schema);
    model_txn *txn = test_begin(db);
    row_key rows[2];
    for (int64_t i = 0; i < 2; i++) {
        value key = value_int(i);
        MUST(model_create(txn, 1, &key, &rows[i]));
    }
    MUST(model_delete(txn, 1, rows[0]));
    MUST(model_side_put(txn, bytes_text("cursor"), bytes_text("7")));
    test_commit(txn);
    for (int same = 0; same < 2; same++) {
        schema_use use = same ? SCHEMA_FLEXIBLE : SCHEMA_LOCAL;
        memory_disk *other = memory_disk_new(2);
        storage *target = NULL;
        MUST(storage_open_memory(other, &target));
        MUST(model_copy(db, target, use));
        model_db *copy = open_on(other, use, NULL);
        model_view *view = model_view_newest(copy);
        cr_assert_eq(has_side(copy), same == 1);
        cr_assert_eq(model_count(view, 1), 1);
        cr_assert_eq(model_view_schema(view)->class_count, same ? 2 : 1);
        model_view_release(view);
        /* The key of the row that died is free in both. */
        value key = value_int(0);
        row_key row = 0;
        txn = test_begin(copy);
        MUST(model_create(txn, 1, &key, &row));
        test_commit(txn);
        model_close(copy);
        memory_disk_free(other);
    }
    model_close(db);
    schema_free(&schema);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

/* The k-th call to either store fails: an error, and the source as it was. */
Test(copy, a_copy_that_fails_leaves_no_realm)
{
    memory_disk *disk = memory_disk_new(1);
    model_schema schema = {0};
    size_t index = 0;
    MUST(schema_add_class(&schema, bytes_text("Dog"), CLASS_NORMAL, &index));
    MUST(schema_add_property(&schema, index, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    model_db *db = open_on(disk, SCHEMA_LOCAL, &schema);
    model_txn *txn = test_begin(db);
    for (int64_t i = 0; i < 500; i++) {
        value key = value_int(i);
        row_key row = 0;
        MUST(model_create(txn, 1, &key, &row));
    }
    test_commit(txn);
    int failures = 0;
    for (uint64_t k = 1; k < 40; k++) {
        memory_disk *other = memory_disk_new(2);
        storage *target = NULL;
        MUST(storage_open_memory(other, &target));
        memory_disk_fail_at(other, k, ATOLL_ERROR_DISK_FULL);
        status result = model_copy(db, target, SCHEMA_LOCAL);
        memory_disk_fail_at(other, 0, ATOLL_OK);
        cr_assert(result == ATOLL_OK || result == ATOLL_ERROR_DISK_FULL, "%s", fail_text());
        failures += result != ATOLL_OK;
        if (result == ATOLL_OK) {
            model_db *copy = open_on(other, SCHEMA_LOCAL, NULL);
            model_view *view = model_view_newest(copy);
            cr_assert_eq(model_count(view, 1), 500);
            model_view_release(view);
            model_close(copy);
        }
        memory_disk_free(other);
    }
    cr_assert_gt(failures, 2);
    model_view *view = model_view_newest(db);
    cr_assert_eq(model_count(view, 1), 500);
    model_view_release(view);
    model_close(db);
    schema_free(&schema);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}
