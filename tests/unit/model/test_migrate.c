/* Migrations under the surface: replayed from the log after a crash, with every call to the store failing once, and with
 * every allocation failing once: all of it is there, or nothing. */
#include "fixture.h"

static void add_property(model_schema *s, const char *name, value_type type, uint8_t flags)
{
    MUST(schema_add_property(s, 0, bytes_text(name), type, flags, bytes_text("")));
}

/* Before: id is the key. After: name is, age is a text, note is gone, tags are gone, years is new. */
static void make_schemas(model_schema *before, model_schema *after)
{
    size_t index = 0;
    MUST(schema_add_class(before, bytes_text("Person"), CLASS_NORMAL, &index));
    add_property(before, "id", VALUE_INT, PROPERTY_PRIMARY_KEY);
    add_property(before, "name", VALUE_STRING, 0);
    add_property(before, "age", VALUE_INT, 0);
    add_property(before, "note", VALUE_STRING, PROPERTY_NULLABLE);
    add_property(before, "tags", VALUE_STRING, PROPERTY_LIST);
    MUST(schema_add_class(after, bytes_text("Person"), CLASS_NORMAL, &index));
    add_property(after, "id", VALUE_INT, PROPERTY_NULLABLE);
    add_property(after, "name", VALUE_STRING, PROPERTY_PRIMARY_KEY);
    add_property(after, "age", VALUE_STRING, PROPERTY_NULLABLE);
    add_property(after, "years", VALUE_INT, 0);
}

enum { ROWS = 1500 };

static status fill(model_db *db, const model_schema *before)
{
    model_txn *txn = NULL;
    TRY(model_update_schema(db, before, 1, true));
    TRY(model_begin(db, COMMIT_LOCAL, &txn));
    status result = ATOLL_OK;
    for (int64_t i = 0; i < ROWS && result == ATOLL_OK; i++) {
        char text[32];
        value key = value_int(i), age = value_int(i * 2), name, tag;
        row_key row = 0;
        snprintf(text, sizeof text, "n%d", (int)i);
        name = tag = value_string(bytes_text(text));
        result = model_create(txn, 1, &key, &row);
        if (result == ATOLL_OK) result = model_set(txn, 1, row, 2, &name);
        if (result == ATOLL_OK) result = model_set(txn, 1, row, 3, &age);
        if (result == ATOLL_OK) result = model_set(txn, 1, row, 4, &name);
        if (result == ATOLL_OK && i % 10 == 0) result = model_list_insert(txn, 1, row, 5, 0, &tag);
    }
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    return model_commit(txn, NULL);
}

static status rename_and_write(model_migration *m)
{
    TRY(model_migration_rename(m, bytes_text("Person"), bytes_text("note"), bytes_text("age")));
    model_txn *txn = model_migration_txn(m);
    const model_class *c = schema_class(model_view_schema(model_txn_view(txn)), 1);
    property_key years = class_property_named(c, bytes_text("years"))->key;
    for (row_key row = 1; row <= ROWS; row++) {
        value age;
        TRY(model_get(model_migration_old(m), 1, row, 3, &age));
        TRY(model_set(txn, 1, row, years, &age));
    }
    return ATOLL_OK;
}

static status migrate(model_db *db, const model_schema *after)
{
    model_migration *m = NULL;
    TRY(model_migration_begin(db, after, 2, &m));
    if (m == NULL) return ATOLL_OK;
    status result = rename_and_write(m);
    if (result == ATOLL_OK) return model_migration_commit(m);
    model_migration_cancel(m);
    return result;
}

static model_db *open_disk(memory_disk *disk)
{
    model_options options = test_options(false);
    storage *store = NULL;
    model_db *db = NULL;
    MUST(storage_open_memory(disk, &store));
    MUST(model_open(store, &options, NULL, &db));
    return db;
}

static value of(const model_view *view, row_key row, const char *name)
{
    value v;
    const model_class *c = schema_class(model_view_schema(view), 1);
    MUST(model_get(view, 1, row, class_property_named(c, bytes_text(name))->key, &v));
    return v;
}

static void check_row(const model_view *view, row_key row, bool migrated)
{
    char text[32];
    value key = value_int((int64_t)row - 1);
    row_key found = 0;
    snprintf(text, sizeof text, "n%d", (int)row - 1);
    if (migrated) key = value_string(bytes_text(text));
    MUST(model_find(view, 1, &key, &found));
    cr_assert_eq(found, row);
    cr_assert_eq(of(view, row, "id").as.integer, (int64_t)row - 1);
    cr_assert(bytes_equal(of(view, row, "name").as.text, bytes_text(text)));
    cr_assert_eq(of(view, row, migrated ? "years" : "age").as.integer, ((int64_t)row - 1) * 2);
    cr_assert(bytes_equal(of(view, row, migrated ? "age" : "note").as.text, bytes_text(text)));
    uint64_t tags = 0;
    if (!migrated) MUST(model_list_size(view, 1, row, 5, &tags));
    if (!migrated) cr_assert_eq(tags, (row - 1) % 10 == 0);
}

static bool check(model_db *db)
{
    model_view *view = model_view_newest(db);
    bool migrated = model_view_schema(view)->version == 2;
    cr_assert_eq(model_count(view, 1), ROWS);
    for (row_key row = 1; row <= ROWS; row += 7) check_row(view, row, migrated);
    cr_assert_eq(schema_class(model_view_schema(view), 1)->property_count, migrated ? 4 : 5);
    model_view_release(view);
    return migrated;
}

Test(migrate, a_migration_is_replayed_from_the_log)
{
    model_schema before = {0}, after = {0};
    make_schemas(&before, &after);
    for (int stored = 0; stored < 2;
         stored++) { /* what it changes: in the log, or in blocks already */
        memory_disk *disk = memory_disk_new(3);
        model_db *db = open_disk(disk);
        MUST(fill(db, &before));
        if (stored) MUST(model_checkpoint(db));
        MUST(migrate(db, &after));
        uint64_t version = 0;
        MUST(model_sync(db, &version));
        memory_disk_crash(disk);
        model_close(db);
        for (int round = 0; round < 3; round++) {
            db = open_disk(disk);
            cr_assert(check(db));
            if (round == 1) MUST(model_checkpoint(db));
            model_close(db);
        }
        memory_disk_free(disk);
    }
    schema_free(&before);
    schema_free(&after);
    cr_assert_eq(memory_live_count(), 0);
}

/* The records of what was dropped leave the store with the next checkpoint. */
Test(migrate, space_comes_back)
{
    model_schema before = {0}, after = {0};
    make_schemas(&before, &after);
    memory_disk *disk = memory_disk_new(3);
    model_db *db = open_disk(disk);
    uint64_t full = 0, less = 0, used = 0;
    MUST(fill(db, &before));
    MUST(model_checkpoint(db));
    model_size(db, &full, &used);
    model_migration *m = NULL;
    MUST(model_migration_begin(db, &after, 2, &m));
    MUST(model_migration_commit(m));
    MUST(model_checkpoint(db));
    model_size(db, &less, &used);
    /* age, note and tags are a good part of it; the new columns hold nothing. */
    cr_assert_lt(less, full * 9 / 10, "%lu bytes became %lu", (unsigned long)full,
                 (unsigned long)less);
    model_close(db);
    memory_disk_free(disk);
    schema_free(&before);
    schema_free(&after);
}

Test(migrate, every_failing_call_leaves_all_or_nothing)
{
    model_schema before = {0}, after = {0};
    make_schemas(&before, &after);
    int failed = 0, migrated = 0;
    for (uint64_t k = 1; k < 30; k++) {
        memory_disk *disk = memory_disk_new(k);
        model_db *db = open_disk(disk);
        MUST(fill(db, &before));
        if (k % 2 == 0) { /* cold: it is read from the store */
            model_close(db);
            db = open_disk(disk);
        }
        memory_disk_fail_at(disk, k, ATOLL_ERROR_DISK_FULL);
        status result = migrate(db, &after);
        if (result == ATOLL_OK) result = model_checkpoint(db);
        memory_disk_fail_at(disk, 0, ATOLL_OK);
        failed += result != ATOLL_OK;
        model_close(db);
        db = open_disk(disk);
        migrated += check(db);
        model_close(db);
        memory_disk_free(disk);
    }
    cr_assert(failed > 3 && migrated > 3, "%d failed, %d migrated", failed, migrated);
    schema_free(&before);
    schema_free(&after);
    cr_assert_eq(memory_live_count(), 0);
}

Test(migrate, every_failing_allocation_leaves_all_or_nothing)
{
    model_schema before = {0}, after = {0};
    make_schemas(&before, &after);
    memory_disk *disk = memory_disk_new(5);
    model_db *db = open_disk(disk);
    MUST(fill(db, &before));
    uint64_t k = 1;
    for (;; k += 1 + k / 16) {
        memory_fail_at(k);
        status result = migrate(db, &after);
        memory_fail_at(0);
        if (result == ATOLL_OK) break;
        cr_assert_eq(result, ATOLL_ERROR_OUT_OF_MEMORY, "%s", fail_text());
        cr_assert_not(check(db));
    }
    cr_assert_gt(k, 50, "no allocation was made to fail");
    cr_assert(check(db));
    model_close(db);
    memory_disk_free(disk);
    schema_free(&before);
    schema_free(&after);
    cr_assert_eq(memory_live_count(), 0);
}
