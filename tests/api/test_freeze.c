/* Frozen realms and thread-safe references: what is frozen never changes and is read anywhere; a reference is resolved
 * once, in a realm of another thread. */
#include "api_support.h"
#include <pthread.h>

typedef struct parcel {
    fixture *f;
    atoll_object *dog;
    atoll_results *results;
    atoll_list *list;
    atoll_reference *reference, *list_reference, *results_reference;
    int failures;
} parcel;

#define EXPECT(condition) ((condition) ? (void)0 : (void)__atomic_fetch_add(&p->failures, 1, 0))

static void *read_frozen(void *argument)
{
    parcel *p = argument;
    atoll_error *error = NULL;
    for (int i = 0; i < 200; i++) {
        EXPECT(atoll_object_get_int(p->dog, p->f->dog_age, &error) == 3);
        EXPECT(atoll_object_get_string(p->dog, p->f->dog_name, &error).size == 3);
        EXPECT(atoll_results_count(p->results, &error) == 2);
        EXPECT(atoll_list_count(p->list, &error) == 1);
        atoll_object *second = atoll_results_object(p->results, 1, &error);
        EXPECT(atoll_object_get_int(second, p->f->dog_age, &error) == 4);
        atoll_object_free(second);
    }
    EXPECT(error == NULL);
    return NULL;
}

static atoll_list *tags_of(fixture *f, atoll_object *dog)
{
    atoll_list *tags = atoll_object_get_list(dog, f->dog_tags, &f->error);
    GOOD(f->error);
    return tags;
}

static void put_dogs(fixture *f, parcel *p)
{
    begin(f);
    p->dog = make_dog(f, 1, "Rex", 3);
    atoll_object_free(make_dog(f, 2, "Ada", 4));
    p->list = tags_of(f, p->dog);
    atoll_values *tag = text_key("good");
    atoll_list_insert_value(p->list, 0, tag, &f->error);
    atoll_values_free(tag);
    commit(f);
    p->f = f;
    p->results = atoll_results_new(f->realm, f->dog, S("age > 2 SORT(age ASC)"), NULL, &f->error);
    GOOD(f->error);
}

static void free_parcel(parcel *p)
{
    atoll_object_free(p->dog);
    atoll_results_free(p->results);
    atoll_list_free(p->list);
    atoll_reference_free(p->reference);
    atoll_reference_free(p->list_reference);
    atoll_reference_free(p->results_reference);
}

static void freeze_parcel(parcel *live, parcel *frozen)
{
    *frozen = (parcel){.f = live->f};
    frozen->dog = atoll_object_freeze(live->dog, &live->f->error);
    frozen->results = atoll_results_freeze(live->results, &live->f->error);
    frozen->list = atoll_list_freeze(live->list, &live->f->error);
    GOOD(live->f->error);
}

Test(freeze, frozen_objects_lists_and_results_never_change_and_are_read_on_any_thread)
{
    fixture f;
    parcel live = {0}, frozen;
    fixture_open(&f);
    put_dogs(&f, &live);
    freeze_parcel(&live, &frozen);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, read_frozen, &frozen);
    begin(&f);
    atoll_object_set_int(live.dog, f.dog_age, 30, &f.error);
    atoll_object_free(make_dog(&f, 3, "Bob", 5));
    atoll_list_clear(live.list, &f.error);
    commit(&f);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    cr_assert_eq(frozen.failures, 0);
    read_frozen(&frozen);
    cr_assert_eq(frozen.failures, 0, "what was committed meanwhile is not seen");
    cr_assert_eq(atoll_results_count(live.results, &f.error), 3);
    cr_assert(atoll_object_is_frozen(frozen.dog) && !atoll_object_is_frozen(live.dog));
    cr_assert(atoll_list_is_frozen(frozen.list) && atoll_results_is_frozen(frozen.results));
    free_parcel(&frozen);
    free_parcel(&live);
    fixture_close(&f);
}

Test(freeze, freezing_what_is_frozen_gives_itself_and_one_version_is_frozen_once)
{
    fixture f;
    parcel live = {0};
    fixture_open(&f);
    put_dogs(&f, &live);
    atoll_realm *frozen = atoll_realm_freeze(f.realm, &f.error),
                *again = atoll_realm_freeze(frozen, &f.error);
    GOOD(f.error);
    cr_assert_eq(frozen, again);
    atoll_object *dog = atoll_object_freeze(live.dog, &f.error);
    atoll_realm *of_dog = atoll_object_realm(dog);
    cr_assert_eq(of_dog, frozen);
    cr_assert(atoll_realm_is_frozen(frozen) && !atoll_realm_is_frozen(f.realm));
    cr_assert_eq(atoll_realm_version(frozen), atoll_realm_version(f.realm));
    cr_assert(!atoll_realm_refresh(frozen, &f.error));
    GOOD(f.error);
    atoll_object *thawed = atoll_object_resolve_in(dog, f.realm, &f.error);
    cr_assert(atoll_object_equals(thawed, live.dog) && !atoll_object_is_frozen(thawed));
    atoll_object_free(thawed);
    atoll_object_free(dog);
    atoll_realm_free(of_dog);
    atoll_realm_free(frozen);
    atoll_realm_free(again);
    free_parcel(&live);
    fixture_close(&f);
}

Test(freeze, writing_and_observing_what_is_frozen_is_refused)
{
    fixture f;
    parcel live = {0}, frozen;
    fixture_open(&f);
    put_dogs(&f, &live);
    freeze_parcel(&live, &frozen);
    atoll_realm *realm = atoll_realm_freeze(f.realm, &f.error);
    atoll_queue *queue = atoll_queue_new(&f.error);
    GOOD(f.error);
    atoll_object_set_int(frozen.dog, f.dog_age, 1, &f.error);
    BAD(f.error, ATOLL_ERROR_FROZEN);
    atoll_realm_begin(realm, &f.error);
    BAD(f.error, ATOLL_ERROR_FROZEN);
    atoll_list_clear(frozen.list, &f.error);
    BAD(f.error, ATOLL_ERROR_FROZEN);
    atoll_results_delete_all(frozen.results, &f.error);
    BAD(f.error, ATOLL_ERROR_FROZEN);
    cr_assert_eq(atoll_realm_observe(realm, queue, &f.error), 0);
    BAD(f.error, ATOLL_ERROR_FROZEN);
    cr_assert_eq(atoll_object_observe(frozen.dog, queue, &f.error), 0);
    BAD(f.error, ATOLL_ERROR_FROZEN);
    cr_assert_eq(atoll_list_observe(frozen.list, queue, &f.error), 0);
    BAD(f.error, ATOLL_ERROR_FROZEN);
    cr_assert_eq(atoll_results_observe(frozen.results, queue, &f.error), 0);
    BAD(f.error, ATOLL_ERROR_FROZEN);
    begin(&f);
    cr_assert_null(atoll_realm_freeze(f.realm, &f.error));
    BAD(f.error, ATOLL_ERROR_TRANSACTION_ACTIVE);
    atoll_realm_rollback(f.realm, &f.error);
    atoll_queue_free(queue);
    atoll_realm_free(realm);
    free_parcel(&frozen);
    free_parcel(&live);
    fixture_close(&f);
}

Test(freeze, closing_the_live_realm_ends_what_was_frozen_from_it)
{
    fixture f;
    parcel live = {0}, frozen;
    fixture_open(&f);
    put_dogs(&f, &live);
    freeze_parcel(&live, &frozen);
    atoll_realm_close(f.realm);
    atoll_object_get_int(frozen.dog, f.dog_age, &f.error);
    BAD(f.error, ATOLL_ERROR_CLOSED);
    atoll_results_count(frozen.results, &f.error);
    BAD(f.error, ATOLL_ERROR_CLOSED);
    free_parcel(&live);
    atoll_realm_free(f.realm);
    atoll_list_count(frozen.list,
                     &f.error); /* every live handle is gone, the frozen ones hold on */
    BAD(f.error, ATOLL_ERROR_CLOSED);
    free_parcel(&frozen);
    f.realm = open_dogs(f.path, &f.error);
    GOOD(f.error);
    fixture_close(&f);
}

Test(freeze, a_closed_frozen_realm_answers_closed_and_the_live_one_goes_on)
{
    fixture f;
    parcel live = {0};
    fixture_open(&f);
    put_dogs(&f, &live);
    atoll_realm *frozen = atoll_realm_freeze(f.realm, &f.error);
    atoll_object *dog = atoll_object_resolve_in(live.dog, frozen, &f.error);
    GOOD(f.error);
    atoll_realm_close(frozen);
    cr_assert(atoll_realm_is_closed(frozen) && !atoll_realm_is_closed(f.realm));
    atoll_object_get_int(dog, f.dog_age, &f.error);
    BAD(f.error, ATOLL_ERROR_CLOSED);
    cr_assert_eq(atoll_object_get_int(live.dog, f.dog_age, &f.error), 3);
    atoll_object *anew = atoll_object_freeze(live.dog, &f.error);
    cr_assert_eq(atoll_object_get_int(anew, f.dog_age, &f.error), 3);
    GOOD(f.error);
    atoll_object_free(anew);
    atoll_realm_free(frozen);
    atoll_object_free(dog);
    free_parcel(&live);
    fixture_close(&f);
}

static void *resolve_there(void *argument)
{
    parcel *p = argument;
    atoll_error *error = NULL;
    fixture there = {0};
    atoll_object_get_int(p->dog, p->f->dog_age, &error);
    EXPECT(error != NULL && atoll_error_code(error) == ATOLL_ERROR_WRONG_THREAD);
    EXPECT(strstr(atoll_error_message(error), "was opened on thread") != NULL &&
           strstr(atoll_error_message(error), "atoll_reference_of_object") != NULL);
    atoll_error_free(error);
    error = NULL;
    there.realm = open_dogs(p->f->path, &error);
    atoll_object *dog = atoll_reference_resolve_object(p->reference, there.realm, &error);
    EXPECT(error == NULL && atoll_object_get_int(dog, p->f->dog_age, &error) == 3);
    atoll_list *list = atoll_reference_resolve_list(p->list_reference, there.realm, &error);
    EXPECT(error == NULL && atoll_list_count(list, &error) == 1);
    atoll_results *results =
        atoll_reference_resolve_results(p->results_reference, there.realm, &error);
    EXPECT(error == NULL && atoll_results_count(results, &error) == 2);
    EXPECT(atoll_reference_resolve_object(p->reference, there.realm, &error) == NULL);
    EXPECT(error != NULL && atoll_error_code(error) == ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_error_free(error);
    atoll_object_free(dog);
    atoll_list_free(list);
    atoll_results_free(results);
    atoll_realm_close(there.realm);
    atoll_realm_free(there.realm);
    return NULL;
}

Test(reference, hands_objects_lists_and_results_to_another_thread_once)
{
    fixture f;
    parcel p = {0};
    fixture_open(&f);
    put_dogs(&f, &p);
    p.reference = atoll_reference_of_object(p.dog, &f.error);
    p.list_reference = atoll_reference_of_list(p.list, &f.error);
    p.results_reference = atoll_reference_of_results(p.results, &f.error);
    GOOD(f.error);
    pthread_t there;
    pthread_create(&there, NULL, resolve_there, &p);
    pthread_join(there, NULL);
    cr_assert_eq(p.failures, 0);
    free_parcel(&p);
    fixture_close(&f);
}

Test(reference, resolves_to_nothing_when_deleted_and_refreshes_an_older_realm)
{
    fixture f;
    parcel p = {0};
    fixture_open(&f);
    atoll_realm *older = open_dogs(f.path, &f.error);
    put_dogs(&f, &p);
    p.reference = atoll_reference_of_object(p.dog, &f.error);
    GOOD(f.error);
    atoll_object *dog = atoll_reference_resolve_object(p.reference, older, &f.error);
    GOOD(f.error);
    cr_assert_eq(atoll_object_get_int(dog, f.dog_age, &f.error), 3, "made after older stood still");
    atoll_object_free(dog);
    atoll_reference_free(p.reference);
    p.reference = atoll_reference_of_object(p.dog, &f.error);
    begin(&f);
    atoll_object_delete(p.dog, &f.error);
    atoll_object *fresh = make_dog(&f, 9, "New", 1);
    cr_assert_null(atoll_reference_of_object(fresh, &f.error));
    BAD(f.error, ATOLL_ERROR_OBJECT_INVALID);
    atoll_object_free(fresh);
    commit(&f);
    atoll_realm_refresh(older, &f.error);
    cr_assert_null(atoll_reference_resolve_object(p.reference, older, &f.error));
    GOOD(f.error);
    atoll_realm_close(older);
    atoll_realm_free(older);
    free_parcel(&p);
    fixture_close(&f);
}
