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

static void make_trees(model_db *db)
{
    value key = value_int(1), text = value_string(bytes_text("a name")),
          list = {.type = VALUE_LIST};
    row_key rows[3], part = 0;
    model_txn *txn = test_begin(db);
    for (int64_t i = 0; i < 3; i++) {
        key = value_int(i);
        MUST(model_create(txn, 1, &key, &rows[i]));
        MUST(model_set(txn, 1, rows[i], 2, &text));
    }
    value link = {.type = VALUE_LINK, .as.row = rows[2]};
    MUST(model_set(txn, 1, rows[0], 3, &link));
    MUST(model_list_insert_embedded(txn, 1, rows[0], 4, 0, &part));
    MUST(model_set(txn, 2, part, 1, &text));
    MUST(model_set(txn, 1, rows[1], 5, &list));
    MUST(model_get(model_txn_view(txn), 1, rows[1], 5, &list));
    for (int64_t i = 0; i < 2; i++) {
        key = value_int(7 + i);
        MUST(model_list_insert(txn, list.as.link.class_of, list.as.link.row, SCHEMA_HIDDEN_ITEMS,
                               (uint64_t)i, &key));
    }
    MUST(model_delete(txn, 1, rows[2]));
    key = value_int(2);
    MUST(model_create(txn, 1, &key, &rows[2]));
    test_commit(txn);
}

static void check_trees(model_db *copy)
{
    model_view *view = model_view_newest(copy);
    const model_schema *s = model_view_schema(view);
    const model_class *c = schema_class_named(s, bytes_text("Tree"));
    value key = value_int(1), v;
    row_key row = 0;
    uint64_t size = 0;
    cr_assert_eq(model_count(view, c->key), 3);
    MUST(model_find(view, c->key, &key, &row));
    property_key any = class_property_named(c, bytes_text("any"))->key;
    MUST(model_get(view, c->key, row, any, &v));
    cr_assert_eq(v.type, VALUE_LIST);
    MUST(model_list_size(view, v.as.link.class_of, v.as.link.row, SCHEMA_HIDDEN_ITEMS, &size));
    cr_assert_eq(size, 2);
    key = value_int(0);
    MUST(model_find(view, c->key, &key, &row));
    MUST(model_list_size(view, c->key, row, class_property_named(c, bytes_text("parts"))->key,
                         &size));
    cr_assert_eq(size, 1);
    model_view_release(view);
}

static model_schema tree_schema(void)
{
    model_schema s = {0};
    size_t tree = 0, part = 0;
    const bytes none = bytes_text("");
    MUST(schema_add_class(&s, bytes_text("Tree"), CLASS_NORMAL, &tree));
    MUST(schema_add_class(&s, bytes_text("Part"), CLASS_EMBEDDED, &part));
    MUST(schema_add_property(&s, tree, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY, none));
    MUST(schema_add_property(&s, tree, bytes_text("name"), VALUE_STRING, 0, none));
    MUST(schema_add_property(&s, tree, bytes_text("next"), VALUE_LINK, PROPERTY_NULLABLE,
                             bytes_text("Tree")));
    MUST(schema_add_property(&s, tree, bytes_text("parts"), VALUE_EMBEDDED, PROPERTY_LIST,
                             bytes_text("Part")));
    MUST(schema_add_property(&s, tree, bytes_text("any"), VALUE_MIXED, PROPERTY_NULLABLE, none));
    MUST(schema_add_property(&s, part, bytes_text("name"), VALUE_STRING, 0, none));
    return s;
}

/* Objects made anew in a realm that syncs: all of them, or an error and nothing lost. */
Test(copy, objects_made_anew_for_sync_are_all_there_or_an_error)
{
    memory_disk *disk = memory_disk_new(1);
    model_schema schema = tree_schema();
    model_db *db = open_on(disk, SCHEMA_LOCAL, &schema);
    make_trees(db);
    int failures = 0, successes = 0;
    for (uint64_t k = 1; k < 60; k++) {
        memory_disk *other = memory_disk_new(2);
        storage *target = NULL;
        MUST(storage_open_memory(other, &target));
        memory_disk_fail_at(other, k, ATOLL_ERROR_DISK_FULL);
        status result = model_copy_objects(db, target, SCHEMA_PARTITION);
        memory_disk_fail_at(other, 0, ATOLL_OK);
        cr_assert(result == ATOLL_OK || result == ATOLL_ERROR_DISK_FULL, "%s", fail_text());
        failures += result != ATOLL_OK;
        successes += result == ATOLL_OK;
        if (result == ATOLL_OK) {
            model_db *copy = open_on(other, SCHEMA_PARTITION, NULL);
            check_trees(copy);
            model_close(copy);
        }
        memory_disk_free(other);
    }
    cr_assert(failures > 2 && successes > 2, "%d failed, %d went well", failures, successes);
    check_trees(db);
    model_close(db);
    schema_free(&schema);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}
