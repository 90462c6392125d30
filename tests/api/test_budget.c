/* A realm of many times its memory budget, through the public interface: what is read is right, texts last until the
 * next call, older versions stay whole. */
#include "api_support.h"
#include <stdio.h>

enum { DOGS = 20000, BUDGET = 60000 };

static void open_small(fixture *f)
{
    *f = (fixture){0};
    cr_assert_not_null(temp_folder(f->folder));
    snprintf(f->path, sizeof f->path, "%s/dogs.atoll", f->folder);
    atoll_schema *schema = dogs_schema();
    atoll_config *config = atoll_config_new(&f->error);
    atoll_config_set_path(config, S(f->path), &f->error);
    atoll_config_set_schema(config, schema, &f->error);
    atoll_config_set_sync_commits(config, false, &f->error);
    atoll_config_set_memory_budget_bytes(config, BUDGET, &f->error);
    f->realm = atoll_realm_open(config, &f->error);
    GOOD(f->error);
    atoll_config_free(config);
    atoll_schema_free(schema);
    fixture_keys(f);
}

static void name_of(int64_t id, int round, char to[64])
{
    snprintf(to, 64, "dog %lld of round %d", (long long)id, round);
}

static atoll_object *find_dog(fixture *f, int64_t id)
{
    atoll_values *key = int_key(id);
    atoll_object *dog = atoll_realm_find(f->realm, f->dog, key, &f->error);
    GOOD(f->error);
    cr_assert_not_null(dog);
    atoll_values_free(key);
    return dog;
}

static void check_dog(fixture *f, const atoll_object *dog, int64_t id, int round)
{
    char name[64];
    name_of(id, round, name);
    cr_assert_eq(atoll_object_get_int(dog, f->dog_age, &f->error), id * 10 + round);
    atoll_bytes text = atoll_object_get_string(dog, f->dog_name, &f->error);
    GOOD(f->error);
    cr_assert(text.size == strlen(name) && memcmp(text.data, name, text.size) == 0,
              "dog %lld: %.*s", (long long)id, (int)text.size, text.data);
}

static void write_dogs(fixture *f, int round)
{
    char name[64];
    begin(f);
    for (int64_t id = 0; id < DOGS; id++) {
        name_of(id, round, name);
        if (round == 0) {
            atoll_object_free(make_dog(f, id, name, id * 10));
            continue;
        }
        atoll_object *dog = find_dog(f, id);
        atoll_object_set_string(dog, f->dog_name, S(name), &f->error);
        atoll_object_set_int(dog, f->dog_age, id * 10 + round, &f->error);
        GOOD(f->error);
        atoll_object_free(dog);
    }
    commit(f);
}

Test(budget, reading_and_writing_many_times_the_budget)
{
    fixture f;
    open_small(&f);
    write_dogs(&f, 0);
    for (int64_t id = 0; id < DOGS; id += 3) {
        atoll_object *dog = find_dog(&f, id * 7919 % DOGS);
        check_dog(&f, dog, id * 7919 % DOGS, 0);
        atoll_object_free(dog);
    }
    cr_assert_eq(count_of(&f, f.dog, "age >= 100000"), DOGS - 10000);
    cr_assert_eq(count_of(&f, f.dog, "name ENDSWITH '99 of round 0'"), DOGS / 100);
    atoll_realm *frozen = atoll_realm_freeze(f.realm, &f.error);
    GOOD(f.error);
    write_dogs(&f, 1);
    for (int64_t id = 0; id < DOGS; id += 37) {
        atoll_object *dog = find_dog(&f, id), *before;
        check_dog(&f, dog, id, 1);
        before = atoll_realm_object(frozen, f.dog, atoll_object_row(dog), &f.error);
        check_dog(&f, before, id, 0);
        atoll_object_free(before);
        atoll_object_free(dog);
    }
    atoll_realm_free(frozen);
    fixture_close(&f);
}

Test(budget, a_text_lasts_until_the_next_call)
{
    fixture f;
    char name[64];
    open_small(&f);
    write_dogs(&f, 0);
    atoll_results *all =
        atoll_results_new(f.realm, f.dog, S("TRUEPREDICATE SORT(name DESC)"), NULL, &f.error);
    for (int64_t i = 0; i < DOGS; i++) {
        atoll_object *dog = atoll_results_object(all, i, &f.error);
        int64_t id = atoll_object_get_int(dog, f.dog_id, &f.error);
        name_of(id, 0, name);
        atoll_bytes text = atoll_object_get_string(dog, f.dog_name, &f.error);
        GOOD(f.error);
        cr_assert(text.size == strlen(name) && memcmp(text.data, name, text.size) == 0);
        atoll_object_free(dog);
    }
    atoll_results_free(all);
    fixture_close(&f);
}
