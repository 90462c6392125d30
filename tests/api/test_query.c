/* Queries through the public interface: aggregates, arguments, results of results. */
#include "api_support.h"

/* Dogs 0 to 9 of ages 0 to 9, weighing half of that; dog 4 has no age; even ones belong to Ann. */
static void fill(fixture *f)
{
    fixture_open(f);
    begin(f);
    atoll_values *key = text_key("ann");
    atoll_object *ann = atoll_realm_create(f->realm, f->person, key, &f->error);
    GOOD(f->error);
    for (int i = 0; i < 10; i++) {
        atoll_object *dog = make_dog(f, i, "x", i);
        atoll_object_set_double(dog, f->dog_weight, i / 2.0, &f->error);
        atoll_object_set_timestamp(dog, f->dog_born, (atoll_timestamp){i, 0, 0}, &f->error);
        if (i == 4) atoll_object_set_null(dog, f->dog_age, &f->error);
        if (i % 2 == 0) atoll_object_set_object(dog, f->dog_owner, ann, &f->error);
        GOOD(f->error);
        atoll_object_free(dog);
    }
    commit(f);
    atoll_object_free(ann);
    atoll_values_free(key);
}

static atoll_results *find(fixture *f, const char *text, const atoll_values *arguments)
{
    atoll_results *results = atoll_results_new(f->realm, f->dog, S(text), arguments, &f->error);
    GOOD(f->error);
    return results;
}

typedef atoll_values *(*aggregate)(const atoll_results *, uint32_t, atoll_error **);

static int64_t whole(fixture *f, aggregate of, const atoll_results *results, uint32_t property)
{
    atoll_values *values = of(results, property, &f->error);
    GOOD(f->error);
    int64_t out = atoll_values_get_int(values, 0, &f->error);
    GOOD(f->error);
    atoll_values_free(values);
    return out;
}

static double real(fixture *f, aggregate of, const atoll_results *results, uint32_t property)
{
    atoll_values *values = of(results, property, &f->error);
    GOOD(f->error);
    double out = atoll_values_get_double(values, 0, &f->error);
    GOOD(f->error);
    atoll_values_free(values);
    return out;
}

static bool is_null(fixture *f, aggregate of, const atoll_results *results, uint32_t property)
{
    atoll_values *values = of(results, property, &f->error);
    GOOD(f->error);
    bool null = atoll_values_type(values, 0, &f->error) == ATOLL_TYPE_NULL;
    atoll_values_free(values);
    return null;
}

Test(query, aggregates_pass_over_null)
{
    fixture f;
    fill(&f);
    atoll_results *all = find(&f, "", NULL), *none = find(&f, "age > 50", NULL),
                  *three = find(&f, "age > 2 SORT(age DESC) LIMIT(3)", NULL);
    cr_assert_eq(whole(&f, atoll_results_sum, all, f.dog_age), 41);
    cr_assert_eq(whole(&f, atoll_results_minimum, all, f.dog_age), 0);
    cr_assert_eq(whole(&f, atoll_results_maximum, all, f.dog_age), 9);
    cr_assert_float_eq(real(&f, atoll_results_average, all, f.dog_age), 41 / 9.0, 1e-12);
    cr_assert_eq(real(&f, atoll_results_sum, all, f.dog_weight), 22.5);
    cr_assert_eq(real(&f, atoll_results_minimum, all, f.dog_weight), 0);
    cr_assert_eq(real(&f, atoll_results_maximum, all, f.dog_weight), 4.5);
    cr_assert_eq(real(&f, atoll_results_average, all, f.dog_weight), 2.25);
    cr_assert_eq(whole(&f, atoll_results_sum, three, f.dog_age), 24);
    cr_assert_eq(whole(&f, atoll_results_minimum, three, f.dog_age), 7);
    cr_assert_eq(real(&f, atoll_results_average, three, f.dog_age), 8);
    cr_assert_eq(whole(&f, atoll_results_sum, none, f.dog_age), 0);
    cr_assert_eq(real(&f, atoll_results_sum, none, f.dog_weight), 0);
    cr_assert(is_null(&f, atoll_results_minimum, none, f.dog_age));
    cr_assert(is_null(&f, atoll_results_maximum, none, f.dog_weight));
    cr_assert(is_null(&f, atoll_results_average, none, f.dog_age));
    atoll_values *born = atoll_results_maximum(all, f.dog_born, &f.error);
    GOOD(f.error);
    cr_assert_eq(atoll_values_get_timestamp(born, 0, &f.error).seconds, 9);
    atoll_values_free(born);
    atoll_results_free(three);
    atoll_results_free(none);
    atoll_results_free(all);
    fixture_close(&f);
}

Test(query, aggregates_refuse_what_has_none)
{
    fixture f;
    fill(&f);
    atoll_results *all = find(&f, "", NULL);
    cr_assert_null(atoll_results_sum(all, f.dog_name, &f.error));
    BAD(f.error, ATOLL_ERROR_QUERY_TYPE);
    cr_assert_null(atoll_results_minimum(all, f.dog_name, &f.error));
    BAD(f.error, ATOLL_ERROR_QUERY_TYPE);
    cr_assert_null(atoll_results_average(all, f.dog_born, &f.error));
    BAD(f.error, ATOLL_ERROR_QUERY_TYPE);
    cr_assert_null(atoll_results_maximum(all, f.dog_tags, &f.error));
    BAD(f.error, ATOLL_ERROR_QUERY_TYPE);
    cr_assert_null(atoll_results_maximum(all, 999, &f.error));
    BAD(f.error, ATOLL_ERROR_UNKNOWN_PROPERTY);
    atoll_results_free(all);
    fixture_close(&f);
}

Test(query, a_snapshot_aggregates_the_objects_that_it_has)
{
    fixture f;
    fill(&f);
    atoll_results *live = find(&f, "age < 3", NULL);
    atoll_results *fixed = atoll_results_snapshot(live, &f.error);
    GOOD(f.error);
    begin(&f);
    atoll_results *two = find(&f, "age == 2", NULL), *one = find(&f, "age == 1", NULL);
    atoll_object *dog = atoll_results_object(two, 0, &f.error);
    atoll_object_set_int(dog, f.dog_age, 100, &f.error);
    atoll_results_delete_all(one, &f.error);
    GOOD(f.error);
    commit(&f);
    cr_assert_eq(whole(&f, atoll_results_sum, fixed, f.dog_age), 100);
    cr_assert_eq(whole(&f, atoll_results_sum, live, f.dog_age), 0);
    atoll_object_free(dog);
    atoll_results_free(one);
    atoll_results_free(two);
    atoll_results_free(fixed);
    atoll_results_free(live);
    fixture_close(&f);
}

Test(query, limited_and_distinct_results_can_be_filtered)
{
    fixture f;
    fill(&f);
    atoll_results *limited = find(&f, "TRUEPREDICATE SORT(age DESC) LIMIT(4)", NULL);
    atoll_results *filtered =
        atoll_results_filter(limited, S("age < 8 SORT(age ASC)"), NULL, &f.error);
    GOOD(f.error);
    cr_assert_eq(atoll_results_count(filtered, &f.error), 2);
    atoll_object *first = atoll_results_object(filtered, 0, &f.error);
    GOOD(f.error);
    cr_assert_eq(atoll_object_get_int(first, f.dog_id, &f.error), 6);
    atoll_bytes text = atoll_results_query(filtered, &f.error);
    static const char wanted[] =
        "TRUEPREDICATE SORT(age DESC) LIMIT(4) FILTER(age < 8) SORT(age ASC)";
    cr_assert(text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0, "%.*s",
              (int)text.size, text.data);
    atoll_object_free(first);
    atoll_results_free(filtered);
    atoll_results_free(limited);
    fixture_close(&f);
}

Test(query, objects_lists_and_key_paths_are_arguments)
{
    fixture f;
    fill(&f);
    atoll_values *key = text_key("ann"), *arguments = atoll_values_new(&f.error),
                 *ages = int_key(2);
    atoll_object *ann = atoll_realm_find(f.realm, f.person, key, &f.error);
    atoll_values_add_int(ages, 3, &f.error);
    atoll_values_add_object(arguments, ann, &f.error);
    atoll_values_add_list(arguments, ages, &f.error);
    atoll_values_add_string(arguments, S("owner._id"), &f.error);
    atoll_values_add_int(arguments, 1, &f.error);
    GOOD(f.error);
    static const struct {
        const char *text;
        int64_t count;
    } cases[] = {
        {"owner == $0", 5},          {"owner != $0", 5},
        {"owner IN {$0, null}", 10}, {"age IN $1", 2},
        {"age == NONE $1", 8},       {"$K2 == 'ann'", 5},
        {"age + $3 == 3", 1},        {"owner == obj('Person', 'ann') and age IN $1", 1},
        {"tags[$3] == 'x'", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        atoll_results *results = find(&f, cases[i].text, arguments);
        cr_assert_eq(atoll_results_count(results, &f.error), cases[i].count, "%s: %d",
                     cases[i].text, (int)atoll_results_count(results, &f.error));
        atoll_results_free(results);
    }
    cr_assert_null(atoll_results_new(f.realm, f.person, S("dogs == $0"), arguments, &f.error));
    cr_assert_not_null(strstr(atoll_error_message(f.error), "'Dog'"));
    BAD(f.error, ATOLL_ERROR_QUERY_TYPE);
    atoll_object_free(ann);
    atoll_values_free(ages);
    atoll_values_free(arguments);
    atoll_values_free(key);
    fixture_close(&f);
}
