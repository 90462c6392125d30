/* Schemas: what is refused, how an app's schema joins the stored one; values and their encoding. */
#include "fixture.h"
#include <math.h>

static size_t add_class(model_schema *s, const char *name, class_kind kind)
{
    size_t index = 0;
    MUST(schema_add_class(s, bytes_text(name), kind, &index));
    return index;
}

static status add(model_schema *s, size_t c, const char *name, value_type type, uint8_t flags,
                  const char *target)
{
    return schema_add_property(s, c, bytes_text(name), type, flags, bytes_text(target));
}

Test(schema, indexes_only_where_they_can_be)
{
    model_schema s = {0};
    size_t c = 0;
    MUST(schema_add_class(&s, bytes_text("A"), CLASS_NORMAL, &c));
    static const value_type good[] = {VALUE_INT,  VALUE_BOOL,      VALUE_STRING, VALUE_TIMESTAMP,
                                      VALUE_UUID, VALUE_OBJECT_ID, VALUE_MIXED},
                            bad[] = {VALUE_DOUBLE, VALUE_FLOAT, VALUE_DECIMAL, VALUE_BINARY};
    char name[16];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(name, sizeof name, "good%zu", i);
        MUST(add(&s, c, name, good[i], PROPERTY_INDEXED, ""));
        snprintf(name, sizeof name, "list%zu", i);
        cr_expect_eq(add(&s, c, name, good[i], PROPERTY_INDEXED | PROPERTY_LIST, ""),
                     ATOLL_ERROR_SCHEMA_INVALID);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(add(&s, c, "bad", bad[i], PROPERTY_INDEXED, ""), ATOLL_ERROR_SCHEMA_INVALID);
    MUST(add(&s, c, "words", VALUE_STRING, PROPERTY_FULL_TEXT, ""));
    cr_expect_eq(add(&s, c, "bad", VALUE_INT, PROPERTY_FULL_TEXT, ""), ATOLL_ERROR_SCHEMA_INVALID);
    cr_expect_eq(add(&s, c, "bad", VALUE_STRING, PROPERTY_FULL_TEXT | PROPERTY_SET, ""),
                 ATOLL_ERROR_SCHEMA_INVALID);
    cr_expect_eq(s.classes[c].property_count, sizeof good / sizeof *good + 1);
    schema_free(&s);
}

Test(schema, mixed_values_bring_their_hidden_classes_along)
{
    model_schema app = {0}, stored = {0};
    size_t c = 0;
    bool changed = false;
    MUST(schema_add_class(&app, bytes_text("A"), CLASS_NORMAL, &c));
    MUST(add(&app, c, "n", VALUE_INT, 0, ""));
    MUST(schema_merge(&stored, &app, &changed));
    cr_assert_eq(stored.class_count, 1);
    MUST(add(&app, c, "any", VALUE_MIXED, 0, ""));
    MUST(schema_merge(&stored, &app, &changed));
    cr_assert(changed && stored.class_count == 3);
    cr_assert(!schema_class_is_hidden(&stored.classes[0]));
    cr_assert(schema_class_is_hidden(&stored.classes[1]));
    cr_assert(schema_class_is_hidden(&stored.classes[2]));
    MUST(schema_merge(&stored, &app, &changed));
    cr_assert(!changed);
    cr_assert_eq(schema_validate(&app, SCHEMA_LOCAL), ATOLL_OK);
    cr_assert_eq(schema_validate(&app, SCHEMA_FLEXIBLE), ATOLL_ERROR_SCHEMA_INVALID,
                 "it has no _id; then mixed is named");
    schema_free(&app);
    schema_free(&stored);
}

Test(schema, builders_refuse_what_is_wrong)
{
    model_schema s = {0};
    size_t index = 0;
    char name[100];
    memset(name, 'n', sizeof name);
    MUST(schema_add_class(&s, bytes_of(name, LIMIT_CLASS_NAME_SIZE_MAX), CLASS_NORMAL, &index));
    cr_assert_eq(
        schema_add_class(&s, bytes_of(name, LIMIT_CLASS_NAME_SIZE_MAX + 1), CLASS_NORMAL, &index),
        ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_eq(schema_add_class(&s, bytes_text(""), CLASS_NORMAL, &index),
                 ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_eq(
        schema_add_class(&s, bytes_of(name, LIMIT_CLASS_NAME_SIZE_MAX), CLASS_NORMAL, &index),
        ATOLL_ERROR_SCHEMA_INVALID);
    MUST(schema_add_property(&s, 0, bytes_of(name, LIMIT_PROPERTY_NAME_SIZE_MAX), VALUE_INT, 0,
                             bytes_text("")));
    cr_assert_eq(schema_add_property(&s, 0, bytes_of(name, LIMIT_PROPERTY_NAME_SIZE_MAX + 1),
                                     VALUE_INT, 0, bytes_text("")),
                 ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_eq(add(&s, 0, "d", VALUE_DOUBLE, PROPERTY_PRIMARY_KEY, ""),
                 ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_eq(add(&s, 0, "l", VALUE_INT, PROPERTY_PRIMARY_KEY | PROPERTY_LIST, ""),
                 ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_eq(add(&s, 0, "link", VALUE_LINK, 0, ""), ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_eq(add(&s, 0, "x", VALUE_INT, 0, "Y"), ATOLL_ERROR_SCHEMA_INVALID);
    MUST(add(&s, 0, "key", VALUE_UUID, PROPERTY_PRIMARY_KEY, ""));
    cr_assert_eq(add(&s, 0, "second", VALUE_UUID, PROPERTY_PRIMARY_KEY, ""),
                 ATOLL_ERROR_SCHEMA_INVALID);
    MUST(add(&s, 0, "to", VALUE_LINK, 0, "Missing"));
    cr_assert_eq(schema_validate(&s, SCHEMA_LOCAL), ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_neq(strstr(fail_text(), "Missing"), NULL);
    schema_free(&s);
}

Test(schema, uses_have_their_rules)
{
    model_schema s = {0};
    size_t a = add_class(&s, "Reading", CLASS_ASYMMETRIC), n = add_class(&s, "Thing", CLASS_NORMAL);
    MUST(add(&s, a, "_id", VALUE_INT, PROPERTY_PRIMARY_KEY, ""));
    MUST(add(&s, n, "id", VALUE_INT, PROPERTY_PRIMARY_KEY, ""));
    cr_assert_eq(schema_validate(&s, SCHEMA_LOCAL), ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_str_eq(fail_text(), "Asymmetric table 'Reading' not allowed in a local Realm");
    cr_assert_eq(schema_validate(&s, SCHEMA_PARTITION), ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_eq(schema_validate(&s, SCHEMA_FLEXIBLE), ATOLL_ERROR_SCHEMA_INVALID);
    cr_assert_neq(strstr(fail_text(), "Thing"), NULL, "%s", fail_text());
    MUST(add(&s, n, "to", VALUE_LINK, 0, "Reading"));
    cr_assert_eq(schema_validate(&s, SCHEMA_FLEXIBLE), ATOLL_ERROR_SCHEMA_INVALID);
    schema_free(&s);
}

Test(schema, merging_adds_and_never_changes)
{
    model_schema stored = {0}, given = {0};
    bool changed = false;
    size_t a = add_class(&given, "A", CLASS_NORMAL);
    MUST(add(&given, a, "x", VALUE_INT, 0, ""));
    MUST(add(&given, a, "to", VALUE_LINK, 0, "B"));
    MUST(add(&given, add_class(&given, "B", CLASS_NORMAL), "y", VALUE_STRING, 0, ""));
    MUST(schema_merge(&stored, &given, &changed));
    cr_assert(changed && stored.class_count == 2);
    cr_assert(stored.classes[0].key == 1 && stored.classes[0].properties[1].target == 2 &&
              stored.classes[1].properties[0].key == 1);
    MUST(schema_merge(&stored, &given, &changed));
    cr_assert_not(changed);
    model_schema other = {0};
    size_t c = add_class(&other, "A", CLASS_NORMAL);
    MUST(add(&other, c, "z", VALUE_BOOL, 0, ""));
    MUST(add(&other, c, "x", VALUE_DOUBLE, 0, ""));
    cr_assert_eq(schema_merge(&stored, &other, &changed), ATOLL_ERROR_SCHEMA_MISMATCH);
    cr_assert(strstr(fail_text(), "A.x") != NULL && strstr(fail_text(), "int") != NULL &&
                  strstr(fail_text(), "double") != NULL,
              "%s", fail_text());
    cr_assert_eq(stored.classes[0].property_count, 2, "a refused schema changes nothing");
    buffer out;
    model_schema back = {0};
    buffer_init(&out, 1 << 20);
    MUST(schema_write(&out, &stored));
    MUST(schema_read(buffer_view(&out), &back));
    MUST(schema_merge(&back, &stored, &changed));
    cr_assert(!changed && back.classes[0].properties[1].target == 2);
    for (size_t size = 0; size < out.size; size++) {
        model_schema cut = {0};
        cr_assert_neq(schema_read(bytes_of(out.data, size), &cut), ATOLL_OK, "cut at %zu", size);
    }
    buffer_free(&out);
    schema_free(&back);
    schema_free(&other);
    schema_free(&stored);
    schema_free(&given);
    cr_assert_eq(memory_live_count(), 0);
}

Test(schema, new_properties_and_classes_join_at_opening)
{
    memory_disk *disk = memory_disk_new(1);
    storage *store = NULL;
    model_options options = test_options(false);
    model_schema first = {0}, second = {0};
    model_db *db = NULL;
    size_t a = add_class(&first, "A", CLASS_NORMAL);
    MUST(add(&first, a, "x", VALUE_INT, 0, ""));
    MUST(storage_open_memory(disk, &store));
    MUST(model_open(store, &options, &first, &db));
    model_txn *txn = test_begin(db);
    row_key row = 0;
    MUST(model_create(txn, 1, NULL, &row));
    test_set(txn, 1, row, 1, value_int(5));
    test_commit(txn);
    model_view *old = model_view_newest(db);
    MUST(schema_copy(&first, &second));
    MUST(add(&second, 0, "y", VALUE_STRING, PROPERTY_NULLABLE, ""));
    MUST(add(&second, add_class(&second, "B", CLASS_NORMAL), "z", VALUE_INT, 0, ""));
    MUST(model_add_schema(db, &second));
    cr_assert_eq(model_view_schema(old)->class_count, 1, "an old version keeps its schema");
    txn = test_begin(db);
    cr_assert_eq(test_get(model_txn_view(txn), 1, row, 2).type, VALUE_NULL);
    test_set(txn, 1, row, 2, value_string(bytes_text("new")));
    MUST(model_create(txn, 2, NULL, &row));
    test_commit(txn);
    model_view_release(old);
    memory_disk_crash(disk);
    model_close(db);
    MUST(storage_open_memory(disk, &store));
    MUST(model_open(store, &options, NULL, &db));
    model_view *view = model_view_newest(db);
    cr_assert_eq(model_view_schema(view)->class_count, 2);
    cr_assert_eq(model_count(view, 2), 1);
    cr_assert(bytes_equal(test_get(view, 1, 1, 2).as.text, bytes_text("new")));
    model_view_release(view);
    model_close(db);
    schema_free(&first);
    schema_free(&second);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

Test(value, what_is_written_reads_back)
{
    uint8_t id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const value values[] = {value_null(),
                            value_bool(true),
                            value_bool(false),
                            value_int(INT64_MIN),
                            value_int(INT64_MAX),
                            value_int(0),
                            value_double(-0.0),
                            value_double(NAN),
                            value_double(1e300),
                            value_string(bytes_text("")),
                            value_string(bytes_text("grüß")),
                            value_binary(bytes_of(id, 16)),
                            value_timestamp(INT64_MIN, -999999999),
                            value_timestamp(5, 999999999),
                            value_uuid(id),
                            value_object_id(id),
                            value_link(7),
                            {.type = VALUE_EMBEDDED, .as.row = 1ull << 60}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        buffer out;
        buffer_init(&out, 1000);
        MUST(value_write(&out, &values[i]));
        reader r = reader_of(buffer_view(&out));
        value back = value_read(&r);
        cr_assert(!r.failed && r.at == r.end && value_equal(&values[i], &back), "value %zu", i);
        cr_assert_eq(value_hash(&back), value_hash(&values[i]));
        for (size_t size = 0; size < out.size; size++) {
            r = reader_of(bytes_of(out.data, size));
            (void)value_read(&r);
            cr_assert(r.failed, "value %zu cut at %zu", i, size);
        }
        buffer_free(&out);
    }
    reader bad = reader_of(bytes_of("\x7f", 1));
    (void)value_read(&bad);
    cr_assert(bad.failed);
}

Test(value, order_is_total_and_numbers_compare_by_value)
{
    value a = value_int(2), b = value_double(2.5), zero = value_double(0.0),
          minus = value_double(-0.0), null = value_null();
    cr_assert_lt(value_compare(&a, &b), 0);
    cr_assert_gt(value_compare(&b, &a), 0);
    cr_assert_lt(value_compare(&null, &a), 0);
    cr_assert_not(value_equal(&zero, &minus));
    value nan = value_double(NAN);
    cr_assert(value_equal(&nan, &nan));
    cr_assert_lt(value_compare(&nan, &zero), 0);
}
