/* Reading again and again: what getters keep between calls must never show in what they answer. */
#include "api_support.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t age(fixture *f, const atoll_object *dog)
{
    int64_t out = 0;
    /* The second call takes the short way, if there is one. */
    for (int i = 0; i < 2; i++) out = atoll_object_get_int(dog, f->dog_age, &f->error);
    return out;
}

static void set_age(fixture *f, atoll_object *dog, int64_t to)
{
    atoll_object_set_int(dog, f->dog_age, to, &f->error);
    GOOD(f->error);
}

Test(read, each_write_rollback_and_refresh_is_seen)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "Rex", 1);
    cr_assert_eq(age(&f, dog), 1);
    set_age(&f, dog, 2);
    cr_assert_eq(age(&f, dog), 2);
    commit(&f);
    cr_assert_eq(age(&f, dog), 2);
    begin(&f);
    set_age(&f, dog, 3);
    cr_assert_eq(age(&f, dog), 3);
    atoll_realm_rollback(f.realm, &f.error);
    cr_assert_eq(age(&f, dog), 2);

    atoll_realm *other = open_dogs(f.path, &f.error);
    GOOD(f.error);
    atoll_object *same = atoll_realm_object(other, f.dog, atoll_object_row(dog), &f.error);
    GOOD(f.error);
    cr_assert_eq(age(&f, same), 2);
    begin(&f);
    set_age(&f, dog, 4);
    cr_assert_eq(age(&f, same), 2, "another instance must not see what is not committed");
    commit(&f);
    cr_assert_eq(age(&f, same), 2, "another instance must stay at its version");
    cr_assert(atoll_realm_refresh(other, &f.error));
    cr_assert_eq(age(&f, same), 4);
    GOOD(f.error);
    atoll_object_free(same);
    atoll_realm_free(other);
    atoll_object_free(dog);
    fixture_close(&f);
}

Test(read, null_absent_and_default_stay_apart)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "Rex", 7), *other = make_dog(&f, 2, "Luna", 9);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(atoll_object_get_double(dog, f.dog_weight, &f.error), 0,
                     "a column that nobody set reads as zero");
        cr_assert_not(atoll_object_is_null(dog, f.dog_weight, &f.error));
        cr_assert(atoll_object_is_null(dog, f.dog_photo, &f.error));
        cr_assert_null(atoll_object_get_binary(dog, f.dog_photo, &f.error).data);
    }
    atoll_object_set_double(other, f.dog_weight, 2.5, &f.error);
    atoll_object_set_null(other, f.dog_age, &f.error);
    atoll_object_set_bool(other, f.dog_good, true, &f.error);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(atoll_object_get_double(dog, f.dog_weight, &f.error), 0);
        cr_assert_eq(atoll_object_get_double(other, f.dog_weight, &f.error), 2.5);
        cr_assert_not(atoll_object_is_null(dog, f.dog_age, &f.error));
        cr_assert(atoll_object_is_null(other, f.dog_age, &f.error));
        cr_assert_eq(atoll_object_get_int(other, f.dog_age, &f.error), 0);
        cr_assert_not(atoll_object_get_bool(dog, f.dog_good, &f.error));
        cr_assert(atoll_object_get_bool(other, f.dog_good, &f.error));
    }
    GOOD(f.error);
    commit(&f);
    atoll_object_free(other);
    atoll_object_free(dog);
    fixture_close(&f);
}

Test(read, objects_far_apart_do_not_answer_for_each_other)
{
    enum { DOGS = 70000, STEP = 997 };
    fixture f;
    fixture_open(&f);
    static atoll_object *dogs[DOGS];
    begin(&f);
    for (int i = 0; i < DOGS; i++) {
        dogs[i] = make_dog(&f, i, "x", i);
        atoll_object_set_double(dogs[i], f.dog_weight, -i, &f.error);
        GOOD(f.error);
    }
    commit(&f);
    for (int i = 0; i < DOGS; i++) {
        int at = (int)((int64_t)i * STEP % DOGS);
        cr_assert_eq(atoll_object_get_int(dogs[at], f.dog_age, &f.error), at);
        cr_assert_eq(atoll_object_get_double(dogs[at], f.dog_weight, &f.error), -at);
        cr_assert_eq(atoll_object_get_int(dogs[at], f.dog_id, &f.error), at);
    }
    GOOD(f.error);
    for (int i = 0; i < DOGS; i++) atoll_object_free(dogs[i]);
    fixture_close(&f);
}

Test(read, many_classes_and_properties_do_not_answer_for_each_other)
{
    enum { MANY = 70 };
    char folder[64], path[96], name[16];
    atoll_error *error = NULL;
    cr_assert_not_null(temp_folder(folder));
    snprintf(path, sizeof path, "%s/many.atoll", folder);
    atoll_schema *schema = atoll_schema_new(&error);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "C%d", i);
        int32_t c = atoll_schema_add_class(schema, S(name), ATOLL_CLASS_NORMAL, &error);
        for (int p = 0; p < (i == 0 ? MANY : 2); p++) {
            snprintf(name, sizeof name, "p%d", p);
            atoll_schema_add_property(schema, c, S(name), ATOLL_TYPE_INT, 0, S(""), &error);
        }
    }
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    atoll_config_set_schema(config, schema, &error);
    atoll_realm *realm = atoll_realm_open(config, &error);
    GOOD(error);
    static atoll_object *objects[MANY];
    static uint32_t keys[MANY];
    atoll_realm_begin(realm, &error);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "C%d", i);
        uint32_t c = atoll_realm_class(realm, S(name), &error);
        objects[i] = atoll_realm_create(realm, c, NULL, &error);
        GOOD(error);
        atoll_object_set_int(objects[i], atoll_realm_property(realm, c, S("p1"), &error), 1000 + i,
                             &error);
    }
    for (int p = 0; p < MANY; p++) {
        snprintf(name, sizeof name, "p%d", p);
        keys[p] = atoll_realm_property(realm, atoll_object_class(objects[0]), S(name), &error);
        atoll_object_set_int(objects[0], keys[p], p, &error);
    }
    GOOD(error);
    for (int p = 0; p < MANY; p++)
        for (int q = 0; q < MANY; q++) {
            cr_assert_eq(atoll_object_get_int(objects[0], keys[p], &error), p);
            cr_assert_eq(atoll_object_get_int(objects[0], keys[q], &error), q);
        }
    for (int i = 1; i < MANY; i++)
        for (int j = 1; j < MANY; j++) {
            cr_assert_eq(atoll_object_get_int(objects[i], keys[1], &error), 1000 + i);
            cr_assert_eq(atoll_object_get_int(objects[j], keys[1], &error), 1000 + j);
        }
    GOOD(error);
    for (int i = 0; i < MANY; i++) atoll_object_free(objects[i]);
    atoll_config_free(config);
    atoll_schema_free(schema);
    atoll_realm_free(realm);
    temp_folder_remove(folder);
}

Test(read, one_handle_moves_over_results)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    for (int i = 0; i < 3000; i++) atoll_object_free(make_dog(&f, i, i % 2 ? "odd" : "even", i));
    commit(&f);
    atoll_results *odd =
        atoll_results_new(f.realm, f.dog, S("name == 'odd' SORT(age DESC)"), NULL, &f.error);
    atoll_object *dog = atoll_results_object(odd, 0, &f.error);
    for (int i = 0; i < 1500; i++) {
        atoll_results_move(odd, i, dog, &f.error);
        GOOD(f.error);
        cr_assert_eq(age(&f, dog), 2999 - 2 * i);
        cr_assert_eq(atoll_object_row(dog), atoll_results_row(odd, i, &f.error));
    }
    atoll_results_move(odd, 1500, dog, &f.error);
    BAD(f.error, ATOLL_ERROR_OUT_OF_RANGE);
    atoll_results_move(odd, -1, dog, &f.error);
    BAD(f.error, ATOLL_ERROR_OUT_OF_RANGE);
    cr_assert_eq(age(&f, dog), 1, "a move that failed must leave the handle as it was");
    atoll_realm *other = open_dogs(f.path, &f.error);
    atoll_object *foreign = atoll_realm_object(other, f.dog, atoll_object_row(dog), &f.error);
    atoll_results_move(odd, 0, foreign, &f.error);
    BAD(f.error, ATOLL_ERROR_WRONG_REALM);
    atoll_results_move(odd, 0, NULL, &f.error);
    BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_object_free(foreign);
    atoll_realm_free(other);
    atoll_object_free(dog);
    atoll_results_free(odd);
    fixture_close(&f);
}

/* What a transaction was once allowed to set is remembered: not beyond it, nor for another object that is gone. */
Test(read, mistakes_are_told_after_writes_that_worked)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "Rex", 7), *gone = make_dog(&f, 2, "Luna", 8);
    set_age(&f, dog, 9);
    set_age(&f, gone, 9);
    atoll_object_delete(gone, &f.error);
    GOOD(f.error);
    atoll_object_set_int(gone, f.dog_age, 1, &f.error);
    BAD(f.error, ATOLL_ERROR_OBJECT_INVALID);
    atoll_object_set_double(dog, f.dog_age, 1, &f.error);
    BAD(f.error, ATOLL_ERROR_TYPE_MISMATCH);
    for (int i = 0; i < 2; i++) {
        atoll_object_set_int(dog, f.dog_id, 5, &f.error);
        BAD(f.error, ATOLL_ERROR_PRIMARY_KEY_IMMUTABLE);
    }
    commit(&f);
    atoll_object_set_int(dog, f.dog_age, 1, &f.error);
    BAD(f.error, ATOLL_ERROR_NO_TRANSACTION);
    cr_assert_eq(age(&f, dog), 9);
    atoll_object_free(dog);
    atoll_object_free(gone);
    fixture_close(&f);
}

Test(read, mistakes_are_told_after_reads_that_worked)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "Rex", 7), *gone = make_dog(&f, 2, "Luna", 8);
    commit(&f);
    cr_assert_eq(age(&f, dog), 7);
    cr_assert_eq(age(&f, gone), 8);
    atoll_object_get_double(dog, f.dog_age, &f.error);
    BAD(f.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_object_get_string(dog, f.dog_age, &f.error);
    BAD(f.error, ATOLL_ERROR_TYPE_MISMATCH);
    atoll_object_get_int(dog, 999, &f.error);
    BAD(f.error, ATOLL_ERROR_UNKNOWN_PROPERTY);
    atoll_object_get_int(NULL, f.dog_age, &f.error);
    BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);

    begin(&f);
    atoll_object_delete(gone, &f.error);
    GOOD(f.error);
    age(&f, gone);
    BAD(f.error, ATOLL_ERROR_OBJECT_INVALID);
    cr_assert_eq(age(&f, dog), 7, "its neighbour is there");
    atoll_object_is_null(gone, f.dog_age, &f.error);
    BAD(f.error, ATOLL_ERROR_OBJECT_INVALID);
    atoll_realm_rollback(f.realm, &f.error);
    cr_assert_eq(age(&f, gone), 8);
    GOOD(f.error);
    atoll_realm_close(f.realm);
    age(&f, dog);
    BAD(f.error, ATOLL_ERROR_CLOSED);
    atoll_object_free(gone);
    atoll_object_free(dog);
    fixture_close(&f);
}

typedef struct elsewhere {
    fixture *f;
    const atoll_object *dog;
    atoll_error *error;
} elsewhere;

static void *read_elsewhere(void *context)
{
    elsewhere *e = context;
    atoll_object_get_int(e->dog, e->f->dog_age, &e->error);
    return NULL;
}

Test(read, another_thread_and_a_forked_child_are_refused_after_reads_that_worked)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "Rex", 7);
    commit(&f);
    cr_assert_eq(age(&f, dog), 7);
    elsewhere e = {.f = &f, .dog = dog};
    pthread_t other;
    pthread_create(&other, NULL, read_elsewhere, &e);
    pthread_join(other, NULL);
    BAD(e.error, ATOLL_ERROR_WRONG_THREAD);
    pid_t child = fork();
    if (child == 0) {
        atoll_object_get_int(dog, f.dog_age, &f.error);
        _exit(f.error != NULL && atoll_error_code(f.error) == ATOLL_ERROR_FORKED ? 0 : 1);
    }
    int told = 0;
    cr_assert_eq(waitpid(child, &told, 0), child);
    cr_assert(WIFEXITED(told) && WEXITSTATUS(told) == 0,
              "a child must not read what its parent had open");
    cr_assert_eq(age(&f, dog), 7);
    atoll_object_free(dog);
    fixture_close(&f);
}
