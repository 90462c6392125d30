/* The promises of the public interface about types of values: each keeps what it was given, over a reopen too. */
#include "api_support.h"

typedef struct things {
    char folder[64], path[96];
    atoll_realm *realm;
    uint32_t thing, hits, ratio, price, maybe, ratios, prices, any, anys;
    atoll_error *error;
} things;

static void open_things(things *t)
{
    atoll_schema *s = atoll_schema_new(&t->error);
    int32_t c = atoll_schema_add_class(s, S("Thing"), ATOLL_CLASS_NORMAL, &t->error);
    atoll_schema_add_property(s, c, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &t->error);
    atoll_schema_add_property(s, c, S("hits"), ATOLL_TYPE_INT, ATOLL_PROPERTY_NULLABLE, S(""),
                              &t->error);
    atoll_schema_add_property(s, c, S("ratio"), ATOLL_TYPE_FLOAT, 0, S(""), &t->error);
    atoll_schema_add_property(s, c, S("price"), ATOLL_TYPE_DECIMAL128, 0, S(""), &t->error);
    atoll_schema_add_property(s, c, S("maybe"), ATOLL_TYPE_DECIMAL128, ATOLL_PROPERTY_NULLABLE,
                              S(""), &t->error);
    atoll_schema_add_property(s, c, S("ratios"), ATOLL_TYPE_FLOAT, ATOLL_PROPERTY_LIST, S(""),
                              &t->error);
    atoll_schema_add_property(s, c, S("prices"), ATOLL_TYPE_DECIMAL128, ATOLL_PROPERTY_LIST, S(""),
                              &t->error);
    atoll_schema_add_property(s, c, S("any"), ATOLL_TYPE_MIXED, 0, S(""), &t->error);
    atoll_schema_add_property(s, c, S("anys"), ATOLL_TYPE_MIXED, ATOLL_PROPERTY_LIST, S(""),
                              &t->error);
    GOOD(t->error);
    atoll_config *config = atoll_config_new(&t->error);
    atoll_config_set_path(config, S(t->path), &t->error);
    atoll_config_set_schema(config, s, &t->error);
    t->realm = atoll_realm_open(config, &t->error);
    GOOD(t->error);
    atoll_config_free(config);
    atoll_schema_free(s);
    t->thing = atoll_realm_class(t->realm, S("Thing"), &t->error);
    t->hits = atoll_realm_property(t->realm, t->thing, S("hits"), &t->error);
    t->ratio = atoll_realm_property(t->realm, t->thing, S("ratio"), &t->error);
    t->price = atoll_realm_property(t->realm, t->thing, S("price"), &t->error);
    t->maybe = atoll_realm_property(t->realm, t->thing, S("maybe"), &t->error);
    t->ratios = atoll_realm_property(t->realm, t->thing, S("ratios"), &t->error);
    t->any = atoll_realm_property(t->realm, t->thing, S("any"), &t->error);
    t->anys = atoll_realm_property(t->realm, t->thing, S("anys"), &t->error);
    t->prices = atoll_realm_property(t->realm, t->thing, S("prices"), &t->error);
    GOOD(t->error);
}

static void things_start(things *t)
{
    *t = (things){0};
    cr_assert_not_null(temp_folder(t->folder));
    snprintf(t->path, sizeof t->path, "%s/things.atoll", t->folder);
    open_things(t);
}

static void things_reopen(things *t)
{
    atoll_realm_close(t->realm);
    atoll_realm_free(t->realm);
    open_things(t);
}

static void things_end(things *t)
{
    atoll_realm_close(t->realm);
    atoll_realm_free(t->realm);
    temp_folder_remove(t->folder);
}

static void write_begin(things *t)
{
    atoll_realm_begin(t->realm, &t->error);
    GOOD(t->error);
}

static void write_end(things *t)
{
    atoll_realm_commit(t->realm, &t->error);
    GOOD(t->error);
}

static atoll_object *thing_of(things *t, int64_t id)
{
    atoll_values *key = int_key(id);
    atoll_object *thing = atoll_realm_find(t->realm, t->thing, key, &t->error);
    if (thing == NULL) thing = atoll_realm_create(t->realm, t->thing, key, &t->error);
    GOOD(t->error);
    atoll_values_free(key);
    return thing;
}

static void expect_text(atoll_bytes got, const char *wanted)
{
    cr_assert(got.size == strlen(wanted) && memcmp(got.data, wanted, got.size) == 0, "%.*s, not %s",
              (int)got.size, got.data, wanted);
}

Test(types, floats_and_decimals_come_back)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1);
    cr_expect_eq(atoll_object_get_float(thing, t.ratio, &t.error), 0);
    expect_text(atoll_object_get_decimal128_text(thing, t.price, &t.error), "0");
    cr_expect(atoll_object_is_null(thing, t.maybe, &t.error));
    cr_expect_null(atoll_object_get_decimal128_text(thing, t.maybe, &t.error).data);
    atoll_object_set_float(thing, t.ratio, 0.1f, &t.error);
    atoll_object_set_decimal128_text(thing, t.price, S("-1234567890123456789012345678.901230"),
                                     &t.error);
    atoll_object_set_decimal128(thing, t.maybe, "\x6e\0\0\0\0\0\0\0\0\0\0\0\0\0\x3c\x30", 16,
                                &t.error);
    GOOD(t.error);
    atoll_object_free(thing);
    write_end(&t);
    for (int round = 0; round < 2; round++) {
        thing = thing_of(&t, 1);
        cr_expect_eq(atoll_object_get_float(thing, t.ratio, &t.error), 0.1f);
        cr_expect_eq(atoll_object_get_float(thing, t.ratio, &t.error), 0.1f, "by the window");
        expect_text(atoll_object_get_decimal128_text(thing, t.price, &t.error),
                    "-1234567890123456789012345678.901230");
        expect_text(atoll_object_get_decimal128_text(thing, t.maybe, &t.error), "1.10");
        atoll_bytes raw = atoll_object_get_decimal128(thing, t.maybe, &t.error);
        cr_expect(raw.size == 16 && raw.data[0] == 0x6e && raw.data[15] == 0x30);
        atoll_values *value = atoll_object_get_value(thing, t.maybe, &t.error);
        cr_expect_eq(atoll_values_type(value, 0, &t.error), ATOLL_TYPE_DECIMAL128);
        expect_text(atoll_values_get_decimal128_text(value, 0, &t.error), "1.10");
        atoll_values_free(value);
        GOOD(t.error);
        atoll_object_free(thing);
        if (round == 0) things_reopen(&t);
    }
    things_end(&t);
}

Test(types, lists_of_floats_and_decimals_come_back)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1);
    atoll_list *ratios = atoll_object_get_list(thing, t.ratios, &t.error);
    atoll_list *prices = atoll_object_get_list(thing, t.prices, &t.error);
    for (int i = 0; i < 3; i++) {
        atoll_values *value = atoll_values_new(&t.error);
        atoll_values_add_float(value, (float)i + 0.1f, &t.error);
        atoll_list_insert_value(ratios, i, value, &t.error);
        atoll_values_free(value);
        value = atoll_values_new(&t.error);
        atoll_values_add_decimal128_text(value, i == 1 ? "0.10" : "1E+3", 4, &t.error);
        atoll_list_insert_value(prices, i, value, &t.error);
        if (i == 0) {
            atoll_list_insert_value(ratios, 0, value, &t.error);
            BAD(t.error, ATOLL_ERROR_TYPE_MISMATCH);
        }
        atoll_values_free(value);
    }
    GOOD(t.error);
    atoll_list_free(ratios);
    atoll_list_free(prices);
    atoll_object_free(thing);
    write_end(&t);
    things_reopen(&t);
    thing = thing_of(&t, 1);
    ratios = atoll_object_get_list(thing, t.ratios, &t.error);
    prices = atoll_object_get_list(thing, t.prices, &t.error);
    atoll_values *value = atoll_list_get_value(ratios, 2, &t.error);
    cr_expect_eq(atoll_values_get_float(value, 0, &t.error), 2.1f);
    atoll_values_get_double(value, 0, &t.error);
    BAD(t.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_values_free(value);
    value = atoll_list_get_value(prices, 1, &t.error);
    expect_text(atoll_values_get_decimal128_text(value, 0, &t.error), "0.10");
    cr_expect_eq(atoll_values_get_decimal128(value, 0, &t.error).size, 16);
    atoll_values_free(value);
    GOOD(t.error);
    atoll_list_free(ratios);
    atoll_list_free(prices);
    atoll_object_free(thing);
    things_end(&t);
}

Test(types, what_is_no_float_or_decimal_is_refused)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1);
    atoll_object_set_decimal128_text(thing, t.price, S("12,5"), &t.error);
    BAD(t.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_object_set_decimal128_text(thing, t.price, S("1E+6145"), &t.error);
    BAD(t.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_object_set_decimal128_text(thing, t.price, NULL, 3, &t.error);
    BAD(t.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_object_set_decimal128(thing, t.price, "short", 5, &t.error);
    BAD(t.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_object_set_null(thing, t.price, &t.error);
    BAD(t.error, ATOLL_ERROR_NULL_NOT_ALLOWED);
    atoll_object_set_double(thing, t.ratio, 1, &t.error);
    BAD(t.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_object_set_float(thing, t.price, 1, &t.error);
    BAD(t.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_object_get_double(thing, t.ratio, &t.error);
    BAD(t.error, ATOLL_ERROR_TYPE_MISMATCH);
    expect_text(atoll_object_get_decimal128_text(thing, t.price, &t.error), "0");
    atoll_object_free(thing);
    write_end(&t);
    things_end(&t);
}

static void calculate(const char *a, int32_t operation, const char *b, const char *expected)
{
    atoll_error *error = NULL;
    atoll_values *values = atoll_values_new(&error);
    atoll_values_add_decimal128_text(values, a, strlen(a), &error);
    atoll_values_add_decimal128_text(values, b, strlen(b), &error);
    atoll_values_add_decimal128_result(values, operation, &error);
    GOOD(error);
    expect_text(atoll_values_get_decimal128_text(values, 2, &error), expected);
    atoll_values_free(values);
}

Test(types, decimals_are_calculated_with)
{
    calculate("0.1", ATOLL_DECIMAL_ADD, "0.2", "0.3");
    calculate("1", ATOLL_DECIMAL_SUBTRACT, "1.10", "-0.10");
    calculate("1.5", ATOLL_DECIMAL_MULTIPLY, "-2", "-3.0");
    calculate("1", ATOLL_DECIMAL_DIVIDE, "3", "0.3333333333333333333333333333333333");
    calculate("-1", ATOLL_DECIMAL_DIVIDE, "0", "-Infinity");
    calculate("0", ATOLL_DECIMAL_DIVIDE, "0", "NaN");
    atoll_error *error = NULL;
    atoll_values *values = atoll_values_new(&error);
    atoll_values_add_decimal128_text(values, S("1"), &error);
    atoll_values_add_decimal128_result(values, ATOLL_DECIMAL_ADD, &error);
    BAD(error, ATOLL_ERROR_OUT_OF_RANGE);
    atoll_values_add_int(values, 2, &error);
    atoll_values_add_decimal128_result(values, ATOLL_DECIMAL_ADD, &error);
    BAD(error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_values_add_decimal128_result(values, 4, &error);
    BAD(error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_values_add_decimal128_result(NULL, ATOLL_DECIMAL_ADD, &error);
    BAD(error, ATOLL_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(atoll_values_count(values), 2, "a failure appends nothing");
    atoll_values_free(values);
}

Test(types, sums_and_queries_of_decimals_are_exact)
{
    things t;
    things_start(&t);
    write_begin(&t);
    for (int i = 1; i <= 3; i++) {
        atoll_object *thing = thing_of(&t, i);
        atoll_object_set_decimal128_text(thing, t.price, S("0.1"), &t.error);
        atoll_object_set_float(thing, t.ratio, 0.1f, &t.error);
        GOOD(t.error);
        atoll_object_free(thing);
    }
    write_end(&t);
    atoll_results *all = atoll_results_new(
        t.realm, t.thing, S("price == 0.1 AND ratio == 0.1 AND price < 0.10000000001"), NULL,
        &t.error);
    cr_expect_eq(atoll_results_count(all, &t.error), 3);
    atoll_values *sum = atoll_results_sum(all, t.price, &t.error);
    GOOD(t.error);
    expect_text(atoll_values_get_decimal128_text(sum, 0, &t.error), "0.3");
    atoll_values_free(sum);
    atoll_results_free(all);
    things_end(&t);
}

Test(types, increments_add_up_and_wrap)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1);
    atoll_object_increment(thing, t.hits, 1, &t.error);
    BAD(t.error, ATOLL_ERROR_NULL_NOT_ALLOWED);
    atoll_object_increment(thing, t.ratio, 1, &t.error);
    BAD(t.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_object_set_int(thing, t.hits, 40, &t.error);
    write_end(&t);
    write_begin(&t);
    atoll_object_increment(thing, t.hits, 5, &t.error);
    atoll_object_increment(thing, t.hits, -3, &t.error);
    GOOD(t.error);
    cr_expect_eq(atoll_object_get_int(thing, t.hits, &t.error), 42);
    atoll_realm_rollback(t.realm, &t.error);
    cr_expect_eq(atoll_object_get_int(thing, t.hits, &t.error), 40);
    atoll_object_increment(thing, t.hits, 1, &t.error);
    BAD(t.error, ATOLL_ERROR_NO_TRANSACTION);
    write_begin(&t);
    atoll_object_increment(thing, t.hits, INT64_MAX, &t.error);
    write_end(&t);
    atoll_object_free(thing);
    things_reopen(&t);
    thing = thing_of(&t, 1);
    cr_expect_eq(atoll_object_get_int(thing, t.hits, &t.error), INT64_MIN + 39);
    GOOD(t.error);
    atoll_object_free(thing);
    things_end(&t);
}

Test(types, a_mixed_value_is_what_it_was_set_to)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1), *other = thing_of(&t, 2);
    cr_expect(atoll_object_is_null(thing, t.any, &t.error));
    atoll_object_set_int(thing, t.any, 7, &t.error);
    cr_expect_eq(atoll_object_get_int(thing, t.any, &t.error), 7);
    atoll_object_get_string(thing, t.any, &t.error);
    BAD(t.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_object_set_string(thing, t.any, S("text"), &t.error);
    expect_text(atoll_object_get_string(thing, t.any, &t.error), "text");
    atoll_object_set_decimal128_text(thing, t.any, S("1.10"), &t.error);
    expect_text(atoll_object_get_decimal128_text(thing, t.any, &t.error), "1.10");
    atoll_object_set_null(thing, t.any, &t.error);
    cr_expect(atoll_object_is_null(thing, t.any, &t.error));
    atoll_object_set_object(thing, t.any, other, &t.error);
    GOOD(t.error);
    write_end(&t);
    atoll_object_free(thing);
    atoll_object_free(other);
    things_reopen(&t);
    thing = thing_of(&t, 1);
    other = atoll_object_get_object(thing, t.any, &t.error);
    GOOD(t.error);
    cr_expect_eq(atoll_object_get_int(other, 1, &t.error), 2);
    atoll_values *value = atoll_object_get_value(thing, t.any, &t.error);
    cr_expect_eq(atoll_values_type(value, 0, &t.error), ATOLL_TYPE_LINK);
    atoll_values_free(value);
    write_begin(&t);
    atoll_object_delete(other, &t.error);
    write_end(&t);
    cr_expect(atoll_object_is_null(thing, t.any, &t.error), "its target is gone");
    cr_expect_null(atoll_object_get_object(thing, t.any, &t.error));
    GOOD(t.error);
    atoll_object_free(other);
    atoll_object_free(thing);
    things_end(&t);
}

Test(types, a_list_of_mixed_values_holds_kinds_side_by_side)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1), *other = thing_of(&t, 2);
    atoll_list *list = atoll_object_get_list(thing, t.anys, &t.error);
    atoll_values *all = atoll_values_new(&t.error);
    atoll_values_add_object(all, other, &t.error);
    atoll_list_insert_value(list, 0, all, &t.error);
    atoll_values_free(all);
    all = atoll_values_new(&t.error);
    atoll_values_add_null(all, &t.error);
    atoll_list_insert_value(list, 0, all, &t.error);
    atoll_values_free(all);
    all = int_key(4);
    atoll_list_insert_value(list, 0, all, &t.error);
    atoll_values_free(all);
    GOOD(t.error);
    write_end(&t);
    cr_expect_eq(atoll_list_count(list, &t.error), 3);
    all = atoll_list_get_value(list, 0, &t.error);
    cr_expect_eq(atoll_values_get_int(all, 0, &t.error), 4);
    atoll_values_free(all);
    all = atoll_list_get_value(list, 1, &t.error);
    cr_expect_eq(atoll_values_type(all, 0, &t.error), ATOLL_TYPE_NULL);
    atoll_values_free(all);
    atoll_object *found = atoll_list_get_object(list, 2, &t.error);
    cr_expect(atoll_object_equals(found, other));
    write_begin(&t);
    atoll_object_delete(other, &t.error);
    write_end(&t);
    cr_expect_eq(atoll_list_count(list, &t.error), 3, "a mixed element stays, as null");
    cr_expect_null(atoll_list_get_object(list, 2, &t.error));
    GOOD(t.error);
    atoll_object_free(found);
    atoll_list_free(list);
    atoll_object_free(other);
    atoll_object_free(thing);
    things_end(&t);
}

static atoll_values *empty_list(void)
{
    atoll_error *error = NULL;
    atoll_values *made = atoll_values_new(&error), *none = atoll_values_new(&error);
    atoll_values_add_list(made, none, &error);
    GOOD(error);
    atoll_values_free(none);
    return made;
}

static atoll_values *empty_dictionary(void)
{
    atoll_error *error = NULL;
    atoll_values *made = atoll_values_new(&error);
    atoll_values_add_dictionary(made, &error);
    GOOD(error);
    return made;
}

/* any = [7, {"names": ["x"]}] */
static void fill_nested(things *t, atoll_object *thing)
{
    atoll_values *list = empty_list(), *dictionary = empty_dictionary(), *seven = int_key(7),
                 *text = text_key("x");
    atoll_object_set_value(thing, t->any, list, &t->error);
    atoll_list *outer = atoll_object_get_list(thing, t->any, &t->error);
    atoll_list_insert_value(outer, 0, seven, &t->error);
    atoll_list_insert_value(outer, 1, dictionary, &t->error);
    atoll_dictionary *inner = atoll_list_get_dictionary(outer, 1, &t->error);
    atoll_dictionary_put_value(inner, S("names"), list, &t->error);
    atoll_list *names = atoll_dictionary_get_list(inner, S("names"), &t->error);
    atoll_list_insert_value(names, 0, text, &t->error);
    GOOD(t->error);
    atoll_list_free(names);
    atoll_dictionary_free(inner);
    atoll_list_free(outer);
    atoll_values_free(list);
    atoll_values_free(dictionary);
    atoll_values_free(seven);
    atoll_values_free(text);
}

static void expect_nested(things *t, const atoll_object *thing)
{
    atoll_list *outer = atoll_object_get_list(thing, t->any, &t->error);
    cr_assert_eq(atoll_list_count(outer, &t->error), 2);
    atoll_values *value = atoll_list_get_value(outer, 0, &t->error);
    cr_expect_eq(atoll_values_get_int(value, 0, &t->error), 7);
    atoll_values_free(value);
    value = atoll_list_get_value(outer, 1, &t->error);
    cr_expect_eq(atoll_values_type(value, 0, &t->error), ATOLL_TYPE_DICTIONARY);
    atoll_values_free(value);
    atoll_dictionary *inner = atoll_list_get_dictionary(outer, 1, &t->error);
    atoll_list *names = atoll_dictionary_get_list(inner, S("names"), &t->error);
    value = atoll_list_get_value(names, 0, &t->error);
    expect_text(atoll_values_get_string(value, 0, &t->error), "x");
    GOOD(t->error);
    atoll_values_free(value);
    atoll_list_free(names);
    atoll_dictionary_free(inner);
    atoll_list_free(outer);
}

Test(types, lists_and_dictionaries_nest_in_a_mixed_value)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1);
    fill_nested(&t, thing);
    write_end(&t);
    expect_nested(&t, thing);
    atoll_object_free(thing);
    things_reopen(&t);
    thing = thing_of(&t, 1);
    expect_nested(&t, thing);
    atoll_schema *schema = atoll_realm_schema(t.realm, &t.error);
    cr_expect_eq(atoll_schema_class_count(schema), 1, "what holds them is no class of the app");
    atoll_schema_free(schema);
    atoll_object_get_dictionary(thing, t.any, &t.error);
    BAD(t.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_object_free(thing);
    things_end(&t);
}

Test(types, a_nested_collection_goes_with_what_held_it)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1), *other = thing_of(&t, 2);
    fill_nested(&t, thing);
    fill_nested(&t, other);
    atoll_list *first = atoll_object_get_list(thing, t.any, &t.error);
    atoll_dictionary *inner = atoll_list_get_dictionary(first, 1, &t.error);
    atoll_list *names = atoll_dictionary_get_list(inner, S("names"), &t.error);
    atoll_list_erase(first, 1, &t.error);
    GOOD(t.error);
    cr_expect_not(atoll_dictionary_is_valid(inner));
    cr_expect_not(atoll_list_is_valid(names));
    atoll_object_set_int(thing, t.any, 1, &t.error);
    cr_expect_not(atoll_list_is_valid(first), "overwritten");
    atoll_list *second = atoll_object_get_list(other, t.any, &t.error);
    atoll_object_delete(other, &t.error);
    GOOD(t.error);
    cr_expect_not(atoll_list_is_valid(second), "its object was deleted");
    write_end(&t);
    atoll_list_free(second);
    atoll_list_free(names);
    atoll_dictionary_free(inner);
    atoll_list_free(first);
    atoll_object_free(other);
    atoll_object_free(thing);
    things_end(&t);
}

Test(types, nesting_ends_at_a_hundred_levels)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1);
    atoll_values *empty = empty_list();
    atoll_object_set_value(thing, t.any, empty, &t.error);
    atoll_list *at = atoll_object_get_list(thing, t.any, &t.error);
    for (int level = 2; level <= 100; level++) {
        atoll_list_insert_value(at, 0, empty, &t.error);
        atoll_list *next = atoll_list_get_list(at, 0, &t.error);
        GOOD(t.error);
        atoll_list_free(at);
        at = next;
    }
    atoll_list_insert_value(at, 0, empty, &t.error);
    BAD(t.error, ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_expect_eq(atoll_list_count(at, &t.error), 0);
    atoll_object_delete(thing, &t.error);
    GOOD(t.error);
    cr_expect_not(atoll_list_is_valid(at));
    write_end(&t);
    atoll_list_free(at);
    atoll_values_free(empty);
    atoll_object_free(thing);
    things_end(&t);
}

Test(types, a_collection_is_given_empty_and_to_mixed_values_only)
{
    things t;
    things_start(&t);
    write_begin(&t);
    atoll_object *thing = thing_of(&t, 1);
    atoll_values *empty = empty_list(), *full = atoll_values_new(&t.error), *one = int_key(1);
    atoll_values_add_list(full, one, &t.error);
    atoll_object_set_value(thing, t.any, full, &t.error);
    BAD(t.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_object_set_value(thing, t.hits, empty, &t.error);
    BAD(t.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_object_set_value(thing, t.any, empty, &t.error);
    atoll_values *placed = atoll_object_get_value(thing, t.any, &t.error);
    cr_expect_eq(atoll_values_type(placed, 0, &t.error), ATOLL_TYPE_LIST);
    GOOD(t.error);
    atoll_object_set_value(thing, t.any, placed, &t.error);
    BAD(t.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_schema *schema = atoll_schema_new(&t.error);
    atoll_schema_add_class(schema, S("@list"), ATOLL_CLASS_NORMAL, &t.error);
    BAD(t.error, ATOLL_ERROR_SCHEMA_INVALID);
    atoll_schema_free(schema);
    write_end(&t);
    atoll_values_free(placed);
    atoll_values_free(one);
    atoll_values_free(full);
    atoll_values_free(empty);
    atoll_object_free(thing);
    things_end(&t);
}
