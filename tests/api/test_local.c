/* The promises of the public interface for a realm on the device: objects, transactions, links, lists, embedded. */
#include "api_support.h"
#include <pthread.h>

Test(local, values_of_every_type_come_back)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 7, "Rex \xf0\x9f\x90\x95", 3);
    atoll_object_set_double(dog, f.dog_weight, 12.5, &f.error);
    atoll_object_set_bool(dog, f.dog_good, true, &f.error);
    atoll_object_set_timestamp(dog, f.dog_born, (atoll_timestamp){-62135596800, 999999999, 0},
                               &f.error);
    atoll_object_set_binary(dog, f.dog_photo, "\0\1\2", 3, &f.error);
    atoll_object_set_uuid(dog, f.dog_chip, "0123456789abcdef", 16, &f.error);
    GOOD(f.error);
    commit(&f);
    for (int round = 0; round < 2; round++) { /* the second time from disk */
        atoll_values *key = int_key(7);
        atoll_object *found = atoll_realm_find(f.realm, f.dog, key, &f.error);
        GOOD(f.error);
        cr_assert_not_null(found);
        atoll_bytes name = atoll_object_get_string(found, f.dog_name, &f.error);
        cr_assert(name.size == 8 && memcmp(name.data, "Rex \xf0\x9f\x90\x95", 8) == 0);
        cr_assert_eq(atoll_object_get_int(found, f.dog_age, &f.error), 3);
        cr_assert_eq(atoll_object_get_int(found, f.dog_id, &f.error), 7);
        cr_assert_eq(atoll_object_get_double(found, f.dog_weight, &f.error), 12.5);
        cr_assert(atoll_object_get_bool(found, f.dog_good, &f.error));
        atoll_timestamp born = atoll_object_get_timestamp(found, f.dog_born, &f.error);
        cr_assert(born.seconds == -62135596800 && born.nanoseconds == 999999999);
        atoll_bytes photo = atoll_object_get_binary(found, f.dog_photo, &f.error);
        cr_assert(photo.size == 3 && memcmp(photo.data, "\0\1\2", 3) == 0);
        atoll_bytes chip = atoll_object_get_uuid(found, f.dog_chip, &f.error);
        cr_assert(chip.size == 16 && memcmp(chip.data, "0123456789abcdef", 16) == 0);
        GOOD(f.error);
        atoll_object_free(found);
        atoll_values_free(key);
        if (round == 0) {
            atoll_object_free(dog);
            atoll_realm_close(f.realm);
            atoll_realm_free(f.realm);
            f.realm = open_dogs(f.path, &f.error);
            GOOD(f.error);
            fixture_keys(&f);
        }
    }
    fixture_close(&f);
}

Test(local, null_is_not_empty)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "", 0);
    atoll_object_set_null(dog, f.dog_age, &f.error);
    GOOD(f.error);
    cr_assert(atoll_object_is_null(dog, f.dog_age, &f.error));
    cr_assert_not(atoll_object_is_null(dog, f.dog_name, &f.error));
    cr_assert_not_null(atoll_object_get_string(dog, f.dog_name, &f.error).data);
    cr_assert_null(atoll_object_get_binary(dog, f.dog_photo, &f.error).data);
    atoll_object_set_null(dog, f.dog_name, &f.error);
    BAD(f.error, ATOLL_ERROR_NULL_NOT_ALLOWED);
    commit(&f);
    atoll_object_free(dog);
    fixture_close(&f);
}

Test(local, rollback_restores_and_commit_is_seen_by_refresh)
{
    fixture f;
    fixture_open(&f);
    atoll_realm *second = open_dogs(f.path, &f.error);
    GOOD(f.error);
    begin(&f);
    atoll_object_free(make_dog(&f, 1, "gone", 1));
    atoll_realm_rollback(f.realm, &f.error);
    GOOD(f.error);
    cr_assert_eq(count_of(&f, f.dog, ""), 0);
    begin(&f);
    atoll_object_free(make_dog(&f, 2, "kept", 1));
    cr_assert_eq(count_of(&f, f.dog, ""), 1, "the transaction sees its own writes");
    commit(&f);
    atoll_results *results = atoll_results_new(second, f.dog, S(""), NULL, &f.error);
    cr_assert_eq(atoll_results_count(results, &f.error), 0, "a pinned version does not change");
    cr_assert(atoll_realm_refresh(second, &f.error));
    cr_assert_eq(atoll_results_count(results, &f.error), 1);
    cr_assert_not(atoll_realm_refresh(second, &f.error));
    GOOD(f.error);
    atoll_results_free(results);
    atoll_realm_close(second);
    atoll_realm_free(second);
    fixture_close(&f);
}

Test(local, keys_are_unique_and_fixed)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "a", 1);
    atoll_values *key = int_key(1), *wrong = text_key("1");
    cr_assert_null(atoll_realm_create(f.realm, f.dog, key, &f.error));
    BAD(f.error, ATOLL_ERROR_DUPLICATE_PRIMARY_KEY);
    cr_assert_null(atoll_realm_create(f.realm, f.dog, wrong, &f.error));
    BAD(f.error, ATOLL_ERROR_TYPE_MISMATCH);
    cr_assert_null(atoll_realm_create(f.realm, f.dog, NULL, &f.error));
    BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_object *same = atoll_realm_create_or_get(f.realm, f.dog, key, &f.error);
    GOOD(f.error);
    cr_assert(atoll_object_equals(same, dog));
    atoll_object_set_int(dog, f.dog_id, 2, &f.error);
    BAD(f.error, ATOLL_ERROR_PRIMARY_KEY_IMMUTABLE);
    commit(&f);
    atoll_values_free(key);
    atoll_values_free(wrong);
    atoll_object_free(same);
    atoll_object_free(dog);
    fixture_close(&f);
}

Test(local, links_read_null_when_the_target_is_deleted)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "a", 1);
    atoll_values *key = text_key("ann");
    atoll_object *ann = atoll_realm_create(f.realm, f.person, key, &f.error);
    atoll_object_set_object(dog, f.dog_owner, ann, &f.error);
    GOOD(f.error);
    atoll_object_set_object(dog, f.dog_owner, dog, &f.error);
    BAD(f.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_object *owner = atoll_object_get_object(dog, f.dog_owner, &f.error);
    cr_assert(atoll_object_equals(owner, ann));
    commit(&f);
    begin(&f);
    atoll_object_delete(ann, &f.error);
    commit(&f);
    cr_assert_null(atoll_object_get_object(dog, f.dog_owner, &f.error));
    GOOD(f.error);
    cr_assert_not(atoll_object_is_valid(ann));
    cr_assert_eq(atoll_object_get_string(owner, f.person_name, &f.error).size, 0);
    BAD(f.error, ATOLL_ERROR_OBJECT_INVALID);
    atoll_object_free(owner);
    atoll_object_free(ann);
    atoll_object_free(dog);
    atoll_values_free(key);
    fixture_close(&f);
}

Test(local, lists_insert_set_erase_clear)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "a", 1);
    atoll_list *tags = atoll_object_get_list(dog, f.dog_tags, &f.error);
    GOOD(f.error);
    const char *words[] = {"c", "a", "b"};
    int64_t places[] = {0, 0, 1};
    for (int i = 0; i < 3; i++) {
        atoll_values *v = text_key(words[i]);
        atoll_list_insert_value(tags, places[i], v, &f.error);
        GOOD(f.error);
        atoll_values_free(v);
    }
    commit(&f);
    cr_assert_eq(atoll_list_count(tags, &f.error), 3);
    const char expected[] = "abc";
    for (int i = 0; i < 3; i++) {
        atoll_values *v = atoll_list_get_value(tags, i, &f.error);
        cr_assert_eq(atoll_values_get_string(v, 0, &f.error).data[0], expected[i]);
        atoll_values_free(v);
    }
    cr_assert_null(atoll_list_get_value(tags, 3, &f.error));
    BAD(f.error, ATOLL_ERROR_OUT_OF_RANGE);
    begin(&f);
    atoll_values *v = int_key(1);
    atoll_list_set_value(tags, 0, v, &f.error);
    BAD(f.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_list_erase(tags, 1, &f.error);
    GOOD(f.error);
    cr_assert_eq(atoll_list_count(tags, &f.error), 2);
    atoll_list_clear(tags, &f.error);
    cr_assert_eq(atoll_list_count(tags, &f.error), 0);
    atoll_realm_rollback(f.realm, &f.error);
    cr_assert_eq(atoll_list_count(tags, &f.error), 3);
    GOOD(f.error);
    atoll_values_free(v);
    atoll_list_free(tags);
    atoll_object_free(dog);
    fixture_close(&f);
}

Test(local, embedded_objects_have_one_parent_and_die_with_it)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_values *key = text_key("ann");
    atoll_object *ann = atoll_realm_create(f.realm, f.person, key, &f.error);
    cr_assert_null(atoll_realm_create(f.realm, f.address, NULL, &f.error));
    BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_object *home = atoll_object_create_embedded(ann, f.person_address, &f.error);
    atoll_object_set_string(home, f.address_city, S("Oslo"), &f.error);
    atoll_list *places = atoll_object_get_list(ann, f.person_places, &f.error);
    atoll_object *place = atoll_list_insert_embedded(places, 0, &f.error);
    atoll_object_set_string(place, f.address_city, S("Rome"), &f.error);
    GOOD(f.error);
    atoll_object *parent = atoll_object_parent(place, &f.error);
    cr_assert(atoll_object_equals(parent, ann));
    commit(&f);
    begin(&f);
    atoll_object *next = atoll_object_create_embedded(ann, f.person_address, &f.error);
    GOOD(f.error);
    cr_assert_not(atoll_object_is_valid(home), "what was there before is deleted");
    atoll_object_delete(ann, &f.error);
    GOOD(f.error);
    commit(&f);
    cr_assert_not(atoll_object_is_valid(next));
    cr_assert_not(atoll_object_is_valid(place), "elements of lists go with their root");
    atoll_object *all[] = {ann, home, place, parent, next};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) atoll_object_free(all[i]);
    atoll_list_free(places);
    atoll_values_free(key);
    fixture_close(&f);
}

Test(local, queries_filter_sort_and_sum)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "dog-%02d", i);
        atoll_object_free(make_dog(&f, i, name, i % 10));
    }
    commit(&f);
    cr_assert_eq(count_of(&f, f.dog, "age > 6"), 30);
    cr_assert_eq(count_of(&f, f.dog, "age == 3 AND name BEGINSWITH 'dog-1'"), 1);
    cr_assert_eq(count_of(&f, f.dog, "name CONTAINS[c] 'DOG-9'"), 10);
    atoll_values *arguments = int_key(8);
    atoll_results *results = atoll_results_new(
        f.realm, f.dog, S("age >= $0 SORT(age DESC, name ASC)"), arguments, &f.error);
    GOOD(f.error);
    cr_assert_eq(atoll_results_count(results, &f.error), 20);
    atoll_object *first = atoll_results_object(results, 0, &f.error);
    cr_assert_eq(atoll_object_get_int(first, f.dog_id, &f.error), 9);
    atoll_values *sum = atoll_results_sum(results, f.dog_age, &f.error);
    cr_assert_eq(atoll_values_get_int(sum, 0, &f.error), 170);
    cr_assert_eq(atoll_results_index_of(results, first, &f.error), 0);
    GOOD(f.error);
    cr_assert_null(atoll_results_new(f.realm, f.dog, S("age >\n  AND"), NULL, &f.error));
    cr_assert_not_null(strstr(atoll_error_message(f.error), "2:3"), "the position is in: %s",
                       atoll_error_message(f.error));
    BAD(f.error, ATOLL_ERROR_QUERY_SYNTAX);
    cr_assert_null(atoll_results_new(f.realm, f.dog, S("nope == 1"), NULL, &f.error));
    BAD(f.error, ATOLL_ERROR_UNKNOWN_PROPERTY);
    atoll_values_free(sum);
    atoll_object_free(first);
    atoll_results_free(results);
    atoll_values_free(arguments);
    fixture_close(&f);
}

Test(local, results_iterate_safely_while_writing_through_a_snapshot)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    for (int i = 0; i < 10; i++) atoll_object_free(make_dog(&f, i, "x", i));
    atoll_results *live = atoll_results_new(f.realm, f.dog, S("age < 5"), NULL, &f.error);
    atoll_results *fixed = atoll_results_snapshot(live, &f.error);
    GOOD(f.error);
    for (int64_t i = 0; i < 5; i++) {
        atoll_object *dog = atoll_results_object(fixed, i, &f.error);
        atoll_object_set_int(dog, f.dog_age, 100, &f.error);
        GOOD(f.error);
        atoll_object_free(dog);
    }
    cr_assert_eq(atoll_results_count(live, &f.error), 0);
    cr_assert_eq(atoll_results_count(fixed, &f.error), 5);
    commit(&f);
    atoll_results_free(fixed);
    atoll_results_free(live);
    fixture_close(&f);
}

static void *use_elsewhere(void *argument)
{
    fixture *f = argument;
    atoll_realm_begin(f->realm, &f->error);
    return NULL;
}

Test(local, misuse_gives_an_error_that_names_it)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "a", 1);
    atoll_realm_begin(f.realm, &f.error);
    BAD(f.error, ATOLL_ERROR_TRANSACTION_ACTIVE);
    commit(&f);
    atoll_object_set_int(dog, f.dog_age, 2, &f.error);
    BAD(f.error, ATOLL_ERROR_NO_TRANSACTION);
    cr_assert_eq(atoll_object_get_int(dog, f.dog_name, &f.error), 0);
    BAD(f.error, ATOLL_ERROR_TYPE_MISMATCH);
    cr_assert_eq(atoll_realm_class(f.realm, S("Cat"), &f.error), 0);
    BAD(f.error, ATOLL_ERROR_UNKNOWN_CLASS);
    cr_assert_eq(atoll_realm_property(f.realm, f.dog, S("wings"), &f.error), 0);
    BAD(f.error, ATOLL_ERROR_UNKNOWN_PROPERTY);
    pthread_t other;
    pthread_create(&other, NULL, use_elsewhere, &f);
    pthread_join(other, NULL);
    BAD(f.error, ATOLL_ERROR_WRONG_THREAD);
    atoll_realm_begin(NULL, &f.error);
    BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);
    begin(&f);
    atoll_object_set_string(dog, f.dog_name, "\xff", 1, &f.error);
    BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_realm_rollback(f.realm, &f.error);
    atoll_realm_close(f.realm);
    cr_assert_eq(atoll_object_get_int(dog, f.dog_age, &f.error), 0);
    BAD(f.error, ATOLL_ERROR_CLOSED);
    atoll_object_free(dog); /* after the realm: any order is fine */
    fixture_close(&f);
}

Test(local, writers_from_several_threads_take_turns)
{
    fixture f;
    fixture_open(&f);
    void *write_some(void *argument);
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++) {
        char *where = malloc(128);
        snprintf(where, 128, "%ld %s", (long)i, f.path);
        pthread_create(&threads[i], NULL, write_some, where);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    atoll_realm_refresh(f.realm, &f.error);
    cr_assert_eq(count_of(&f, f.dog, ""), 100);
    fixture_close(&f);
}

void *write_some(void *argument)
{
    fixture f = {0};
    char *text = argument;
    long offset = strtol(text, &text, 10);
    f.realm = open_dogs(text + 1, &f.error);
    GOOD(f.error);
    fixture_keys(&f);
    for (int i = 0; i < 25; i++) {
        begin(&f);
        atoll_object_free(make_dog(&f, offset * 25 + i, "t", i));
        commit(&f);
    }
    atoll_realm_close(f.realm);
    atoll_realm_free(f.realm);
    free(argument);
    return NULL;
}

Test(local, observers_are_told_indexes_and_properties)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "a", 1);
    atoll_object_free(make_dog(&f, 2, "b", 2));
    commit(&f);
    atoll_queue *queue = atoll_queue_new(&f.error);
    atoll_results *results =
        atoll_results_new(f.realm, f.dog, S("age < 10 SORT(age ASC)"), NULL, &f.error);
    uint64_t on_results = atoll_results_observe(results, queue, &f.error);
    uint64_t on_dog = atoll_object_observe(dog, queue, &f.error);
    uint64_t on_realm = atoll_realm_observe(f.realm, queue, &f.error);
    GOOD(f.error);
    atoll_event *event = atoll_queue_next(queue, 0, &f.error);
    cr_assert(atoll_event_is_initial(event) && atoll_event_registration(event) == on_results);
    atoll_event_free(event);
    begin(&f);
    atoll_object_set_int(dog, f.dog_age, 0, &f.error); /* keeps its place */
    atoll_object_free(make_dog(&f, 3, "c", 3));
    commit(&f);
    bool seen_results = false, seen_dog = false, seen_realm = false;
    while ((event = atoll_queue_next(queue, 0, &f.error)) != NULL) {
        uint64_t id = atoll_event_registration(event);
        if (id == on_results) {
            seen_results = true;
            cr_assert_eq(atoll_event_change_count(event, ATOLL_CHANGE_DELETIONS), 0);
            cr_assert_eq(atoll_event_change_count(event, ATOLL_CHANGE_INSERTIONS), 1);
            cr_assert_eq(atoll_event_change(event, ATOLL_CHANGE_INSERTIONS, 0), 2);
            cr_assert_eq(atoll_event_change_count(event, ATOLL_CHANGE_MODIFICATIONS), 1);
            cr_assert_eq(atoll_event_change(event, ATOLL_CHANGE_MODIFICATIONS, 0), 0);
        } else if (id == on_dog) {
            seen_dog = true;
            cr_assert_eq(atoll_event_change_count(event, ATOLL_CHANGE_PROPERTIES), 1);
            cr_assert_eq(atoll_event_change(event, ATOLL_CHANGE_PROPERTIES, 0), f.dog_age);
        } else if (id == on_realm && atoll_event_type(event) == ATOLL_EVENT_REALM_CHANGED) {
            seen_realm = true;
        }
        atoll_event_free(event);
    }
    cr_assert(seen_results && seen_dog && seen_realm);
    atoll_realm_unobserve(f.realm, on_results);
    begin(&f);
    atoll_object_delete(dog, &f.error);
    commit(&f);
    bool deleted = false;
    while ((event = atoll_queue_next(queue, 0, &f.error)) != NULL) {
        cr_assert_neq(atoll_event_registration(event), on_results);
        deleted |= atoll_event_registration(event) == on_dog && atoll_event_is_deleted(event);
        atoll_event_free(event);
    }
    cr_assert(deleted);
    atoll_results_free(results);
    atoll_object_free(dog);
    atoll_queue_free(queue);
    fixture_close(&f);
}

Test(local, a_folder_that_is_no_realm_is_refused_and_untouched)
{
    char folder[64], path[96], file[256];
    atoll_error *error = NULL;
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/notes", folder);
    snprintf(file, sizeof file, "mkdir -p %s && echo hello > %s/readme.txt", path, path);
    cr_assert_eq(system(file), 0);
    cr_assert_null(open_dogs(path, &error));
    BAD(error, ATOLL_ERROR_FILE_NOT_REALM);
    snprintf(file, sizeof file, "test \"$(ls -A %s)\" = readme.txt", path);
    cr_assert_eq(system(file), 0, "nothing was written into it");
    temp_folder_remove(folder);
}

Test(local, schemas_are_checked_and_grow)
{
    fixture f;
    fixture_open(&f);
    atoll_schema *bad = atoll_schema_new(&f.error);
    int32_t c = atoll_schema_add_class(bad, S("Dog"), ATOLL_CLASS_NORMAL, &f.error);
    atoll_schema_add_property(bad, c, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &f.error);
    atoll_schema_add_property(bad, c, S("age"), ATOLL_TYPE_STRING, 0, S(""), &f.error);
    atoll_config *config = atoll_config_new(&f.error);
    atoll_config_set_path(config, S(f.path), &f.error);
    atoll_config_set_schema(config, bad, &f.error);
    GOOD(f.error);
    cr_assert_null(atoll_realm_open(config, &f.error));
    cr_assert_not_null(strstr(atoll_error_message(f.error), "age"), "%s",
                       atoll_error_message(f.error));
    BAD(f.error, ATOLL_ERROR_MIGRATION_REQUIRED);
    atoll_schema *more = atoll_schema_new(&f.error);
    c = atoll_schema_add_class(more, S("Cat"), ATOLL_CLASS_NORMAL, &f.error);
    atoll_schema_add_property(more, c, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &f.error);
    atoll_schema_add_property(more, c, S("breed"), ATOLL_TYPE_STRING, ATOLL_PROPERTY_NULLABLE,
                              S(""), &f.error);
    atoll_config_set_schema(config, more, &f.error);
    atoll_realm *grown = atoll_realm_open(config, &f.error);
    GOOD(f.error);
    uint32_t cat = atoll_realm_class(grown, S("Cat"), &f.error),
             dog = atoll_realm_class(grown, S("Dog"), &f.error);
    cr_assert_neq(atoll_realm_property(grown, cat, S("breed"), &f.error), 0);
    cr_assert_neq(atoll_realm_property(grown, dog, S("age"), &f.error), 0, "what was there stays");
    GOOD(f.error);
    atoll_schema *asymmetric = atoll_schema_new(&f.error);
    c = atoll_schema_add_class(asymmetric, S("Measurement"), ATOLL_CLASS_ASYMMETRIC, &f.error);
    atoll_schema_add_property(asymmetric, c, S("_id"), ATOLL_TYPE_UUID, ATOLL_PROPERTY_PRIMARY_KEY,
                              S(""), &f.error);
    atoll_config_set_schema(config, asymmetric, &f.error);
    cr_assert_null(atoll_realm_open(config, &f.error));
    cr_assert_not_null(strstr(atoll_error_message(f.error),
                              "Asymmetric table 'Measurement' not allowed in a local Realm"));
    BAD(f.error, ATOLL_ERROR_SCHEMA_INVALID);
    atoll_realm_close(grown);
    atoll_realm_free(grown);
    atoll_schema_free(asymmetric);
    atoll_schema_free(bad);
    atoll_schema_free(more);
    atoll_config_free(config);
    fixture_close(&f);
}
