/* Backlinks and plans through the public interface. */
#include "api_support.h"

static atoll_object *add_person(fixture *f, const char *id)
{
    atoll_values *key = atoll_values_new(&f->error);
    atoll_values_add_string(key, S(id), &f->error);
    atoll_object *person = atoll_realm_create(f->realm, f->person, key, &f->error);
    atoll_values_free(key);
    GOOD(f->error);
    return person;
}

static atoll_object *add_dog(fixture *f, int64_t id, atoll_object *owner)
{
    atoll_values *key = atoll_values_new(&f->error);
    atoll_values_add_int(key, id, &f->error);
    atoll_object *dog = atoll_realm_create(f->realm, f->dog, key, &f->error);
    atoll_values_free(key);
    if (owner != NULL) atoll_object_set_object(dog, f->dog_owner, owner, &f->error);
    GOOD(f->error);
    return dog;
}

static void expect_dogs(fixture *f, atoll_results *results, const char *wanted)
{
    char found[100] = "";
    int64_t count = atoll_results_count(results, &f->error);
    for (int64_t i = 0; i < count; i++) {
        atoll_object *dog = atoll_results_object(results, i, &f->error);
        snprintf(found + strlen(found), sizeof found - strlen(found), "%lld ",
                 (long long)atoll_object_get_int(dog, f->dog_id, &f->error));
        atoll_object_free(dog);
    }
    GOOD(f->error);
    cr_assert_str_eq(found, wanted);
}

Test(indexes, backlinks_are_live_results)
{
    fixture f;
    fixture_open(&f);
    atoll_realm_begin(f.realm, &f.error);
    atoll_object *ann = add_person(&f, "ann"), *bob = add_person(&f, "bob");
    atoll_object *first = add_dog(&f, 1, ann), *second = add_dog(&f, 2, ann);
    atoll_object_free(add_dog(&f, 3, bob));
    atoll_realm_commit(f.realm, &f.error);
    GOOD(f.error);
    atoll_results *dogs = atoll_object_backlinks(ann, f.dog, f.dog_owner, &f.error);
    GOOD(f.error);
    cr_assert_eq(atoll_results_class(dogs), f.dog);
    expect_dogs(&f, dogs, "1 2 ");
    atoll_results *some = atoll_results_filter(dogs, S("_id > 1 SORT(_id DESC)"), NULL, &f.error);
    GOOD(f.error);
    expect_dogs(&f, some, "2 ");
    atoll_realm_begin(f.realm, &f.error);
    atoll_object_free(add_dog(&f, 4, ann));
    expect_dogs(&f, dogs, "1 2 4 ");
    atoll_object_set_object(first, f.dog_owner, bob, &f.error);
    atoll_object_delete(second, &f.error);
    GOOD(f.error);
    expect_dogs(&f, dogs, "4 ");
    expect_dogs(&f, some, "4 ");
    atoll_object_delete(ann, &f.error);
    expect_dogs(&f, dogs, "");
    atoll_realm_rollback(f.realm, &f.error);
    expect_dogs(&f, dogs, "1 2 ");
    atoll_results_free(some);
    atoll_results_free(dogs);
    cr_assert_null(atoll_object_backlinks(ann, f.dog, f.dog_name, &f.error));
    BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_null(atoll_object_backlinks(ann, f.dog, 99, &f.error));
    BAD(f.error, ATOLL_ERROR_UNKNOWN_PROPERTY);
    cr_assert_null(atoll_object_backlinks(first, f.dog, f.dog_owner, &f.error));
    BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_object_free(first);
    atoll_object_free(second);
    atoll_object_free(ann);
    atoll_object_free(bob);
    fixture_close(&f);
}

Test(indexes, backlinks_are_counted_over_all_classes)
{
    fixture f;
    fixture_open(&f);
    atoll_realm_begin(f.realm, &f.error);
    atoll_object *ann = add_person(&f, "ann"), *dog = add_dog(&f, 1, ann);
    cr_assert_eq(atoll_object_backlink_count(ann, &f.error), 1);
    cr_assert_eq(atoll_object_backlink_count(dog, &f.error), 0);
    atoll_list *dogs = atoll_object_get_list(ann, f.person_dogs, &f.error);
    for (int i = 0; i < 2; i++) {
        atoll_values *value = atoll_values_new(&f.error);
        atoll_values_add_object(value, dog, &f.error);
        atoll_list_insert_value(dogs, 0, value, &f.error);
        atoll_values_free(value);
    }
    GOOD(f.error);
    cr_assert_eq(atoll_object_backlink_count(dog, &f.error), 2);
    atoll_results *lists = atoll_object_backlinks(dog, f.person, f.person_dogs, &f.error);
    GOOD(f.error);
    cr_assert_eq(atoll_results_count(lists, &f.error), 1, "each object once");
    atoll_list_erase(dogs, 0, &f.error);
    cr_assert_eq(atoll_object_backlink_count(dog, &f.error), 1);
    cr_assert_eq(atoll_results_count(lists, &f.error), 1);
    atoll_object *home = atoll_object_create_embedded(ann, f.person_address, &f.error);
    cr_assert_eq(atoll_object_backlink_count(home, &f.error), 1);
    GOOD(f.error);
    atoll_object_delete(ann, &f.error);
    cr_assert_eq(atoll_object_backlink_count(dog, &f.error), 0);
    GOOD(f.error);
    cr_assert_eq(atoll_object_backlink_count(ann, &f.error), 0);
    BAD(f.error, ATOLL_ERROR_OBJECT_INVALID);
    atoll_realm_rollback(f.realm, &f.error);
    atoll_results_free(lists);
    atoll_list_free(dogs);
    atoll_object_free(home);
    atoll_object_free(dog);
    atoll_object_free(ann);
    fixture_close(&f);
}

Test(indexes, a_query_says_how_it_would_run)
{
    fixture f;
    fixture_open(&f);
    atoll_realm_begin(f.realm, &f.error);
    for (int64_t i = 1; i <= 3; i++) atoll_object_free(add_dog(&f, i, NULL));
    atoll_realm_commit(f.realm, &f.error);
    atoll_results *one =
        atoll_results_new(f.realm, f.dog, S("_id == 2 and weight < 3"), NULL, &f.error);
    atoll_values *plan = atoll_results_explain(one, &f.error);
    GOOD(f.error);
    atoll_bytes text = atoll_values_get_string(plan, 0, &f.error);
    GOOD(f.error);
    const char *start = "Dog: 1 of 3 objects, from the index by _id == 2\n";
    cr_assert_geq(text.size, strlen(start));
    cr_assert_eq(memcmp(text.data, start, strlen(start)), 0, "%.*s", (int)text.size, text.data);
    atoll_values_free(plan);
    atoll_results_free(one);
    fixture_close(&f);
}
