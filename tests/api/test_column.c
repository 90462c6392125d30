/* A property of all results at once: it must be what the getters say, object by object. */
#include "api_support.h"

enum { DOGS = 3000 };

static void make_dogs(fixture *f)
{
    begin(f);
    for (int64_t i = 0; i < DOGS; i++) {
        atoll_object *dog = make_dog(f, i * 7 % DOGS, "x", i % 50);
        if (i % 3 == 0) atoll_object_set_null(dog, f->dog_age, &f->error);
        atoll_object_set_double(dog, f->dog_weight, (double)i / 8, &f->error);
        atoll_object_set_bool(dog, f->dog_good, i % 5 == 0, &f->error);
        if (i % 4 != 0)
            atoll_object_set_timestamp(dog, f->dog_born, (atoll_timestamp){i - 700, (int32_t)i, 0},
                                       &f->error);
        GOOD(f->error);
        atoll_object_free(dog);
    }
    for (int64_t i = 1; i < DOGS; i += 11) {
        atoll_values *key = int_key(i);
        atoll_object *dog = atoll_realm_find(f->realm, f->dog, key, &f->error);
        atoll_object_delete(dog, &f->error);
        GOOD(f->error);
        atoll_object_free(dog);
        atoll_values_free(key);
    }
    commit(f);
}

typedef struct columns {
    int64_t *ages, *born;
    double *weights;
    uint8_t *goods, *age_nulls, *born_nulls;
} columns;

static void *column(fixture *f, const atoll_results *results, uint32_t p, size_t width)
{
    atoll_bytes packed = atoll_results_column(results, p, &f->error);
    GOOD(f->error);
    cr_assert_eq(packed.size, (size_t)atoll_results_count(results, &f->error) * width);
    void *copy = malloc(packed.size + 1);
    memcpy(copy, packed.data, packed.size);
    return copy;
}

static uint8_t *nulls(fixture *f, const atoll_results *results, uint32_t p)
{
    atoll_bytes packed = atoll_results_column_nulls(results, p, &f->error);
    GOOD(f->error);
    uint8_t *copy = malloc(packed.size + 1);
    memcpy(copy, packed.data, packed.size);
    return copy;
}

static void check(fixture *f, const atoll_results *results, const columns *c, int64_t i)
{
    atoll_object *dog = atoll_results_object(results, i, &f->error);
    cr_assert_eq(atoll_object_get_double(dog, f->dog_weight, &f->error), c->weights[i]);
    cr_assert_eq(atoll_object_get_bool(dog, f->dog_good, &f->error), c->goods[i] != 0);
    cr_assert_eq(atoll_object_is_null(dog, f->dog_age, &f->error), c->age_nulls[i] != 0);
    cr_assert_eq(atoll_object_is_null(dog, f->dog_born, &f->error), c->born_nulls[i] != 0);
    if (c->age_nulls[i] == 0)
        cr_assert_eq(atoll_object_get_int(dog, f->dog_age, &f->error), c->ages[i]);
    else
        cr_assert_eq(c->ages[i], 0, "a null must be zeros");
    if (c->born_nulls[i] == 0) {
        atoll_timestamp born = atoll_object_get_timestamp(dog, f->dog_born, &f->error);
        cr_assert_eq(born.seconds, c->born[2 * i]);
        cr_assert_eq(born.nanoseconds, c->born[2 * i + 1]);
    }
    GOOD(f->error);
    atoll_object_free(dog);
}

static void check_all(fixture *f, const atoll_results *results)
{
    columns c = {.ages = column(f, results, f->dog_age, 8),
                 .born = column(f, results, f->dog_born, 16),
                 .weights = column(f, results, f->dog_weight, 8),
                 .goods = column(f, results, f->dog_good, 1),
                 .age_nulls = nulls(f, results, f->dog_age),
                 .born_nulls = nulls(f, results, f->dog_born)};
    int64_t count = atoll_results_count(results, &f->error);
    cr_assert_gt(count, 100);
    for (int64_t i = 0; i < count; i++) check(f, results, &c, i);
    free(c.ages), free(c.born), free(c.weights);
    free(c.goods), free(c.age_nulls), free(c.born_nulls);
}

Test(column, is_what_the_getters_say_in_any_order_before_and_after_reopening)
{
    const char *queries[] = {"", "age > 20", "TRUEPREDICATE SORT(weight DESC)", "good == true"};
    fixture f;
    fixture_open(&f);
    make_dogs(&f);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
            atoll_results *results =
                atoll_results_new(f.realm, f.dog, S(queries[i]), NULL, &f.error);
            GOOD(f.error);
            check_all(&f, results);
            atoll_results_free(results);
        }
        atoll_realm_close(f.realm);
        atoll_realm_free(f.realm);
        f.realm = open_dogs(f.path, &f.error);
        GOOD(f.error);
    }
    fixture_close(&f);
}

Test(column, of_a_snapshot_has_nulls_for_what_died_and_texts_are_refused)
{
    fixture f;
    fixture_open(&f);
    make_dogs(&f);
    atoll_results *all = atoll_results_new(f.realm, f.dog, S("good == true"), NULL, &f.error);
    atoll_results *snapshot = atoll_results_snapshot(all, &f.error);
    int64_t count = atoll_results_count(snapshot, &f.error);
    GOOD(f.error);
    begin(&f);
    atoll_results_delete_all(all, &f.error);
    GOOD(f.error);
    uint8_t *dead = nulls(&f, snapshot, f.dog_weight);
    double *weights = column(&f, snapshot, f.dog_weight, 8);
    for (int64_t i = 0; i < count; i++) cr_assert(dead[i] == 1 && weights[i] == 0);
    free(dead), free(weights);
    commit(&f);
    cr_assert_null(atoll_results_column(all, f.dog_name, &f.error).data);
    BAD(f.error, ATOLL_ERROR_TYPE_MISMATCH);
    cr_assert_null(atoll_results_column(all, f.dog_tags, &f.error).data);
    BAD(f.error, ATOLL_ERROR_TYPE_MISMATCH);
    cr_assert_null(atoll_results_column(all, 999, &f.error).data);
    BAD(f.error, ATOLL_ERROR_UNKNOWN_PROPERTY);
    cr_assert_eq(atoll_results_column(all, f.dog_weight, &f.error).size, 0, "nothing is left");
    GOOD(f.error);
    atoll_results_free(snapshot);
    atoll_results_free(all);
    fixture_close(&f);
}
