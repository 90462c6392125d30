/* A program's day with a realm through the public interface, run again and again with the k-th allocation or the k-th
 * call to the store failing: each time there is an error with the right code or none is needed, nothing crashes or
 * leaks, and the realm holds exactly what was acknowledged. The store is a memory store on a virtual disk. */
#include "faults.h"
#include "base/memory.h"
#include "storage/storage.h"

static memory_disk *disk;

status __real_storage_open_rocksdb(const char *path, const storage_options *options, storage **out);
status __wrap_storage_open_rocksdb(const char *path, const storage_options *options, storage **out);
status __wrap_storage_open_rocksdb(const char *path, const storage_options *options, storage **out)
{
    return disk == NULL ? __real_storage_open_rocksdb(path, options, out)
                        : storage_open_memory(disk, out);
}

enum { HANDLES_MAX = 64 };
typedef struct day {
    fixture f;
    bool keys_known;
    int committed, tried; /* steps: acknowledged, and asked for */
    atoll_object *objects[HANDLES_MAX];
    int object_count;
    atoll_results *results;
    atoll_results *filtered;
    atoll_list *tags, *dogs, *places;
    atoll_queue *queue;
    uint64_t heard;
} day;

#define E &d->f.error

static void keep(day *d, atoll_object *object)
{
    if (object != NULL) d->objects[d->object_count++] = object;
}

static uint32_t find_property(day *d, uint32_t c, const char *name)
{
    return d->f.error == NULL ? atoll_realm_property(d->f.realm, c, S(name), E) : 0;
}

static void open_day(day *d)
{
    atoll_schema *schema = NULL;
    atoll_config *config = atoll_config_new(E);
    if (d->f.error == NULL) schema = atoll_schema_new(E);
    if (d->f.error == NULL) {
        int32_t dog = atoll_schema_add_class(schema, S("Dog"), ATOLL_CLASS_NORMAL, E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, dog, S("_id"), ATOLL_TYPE_INT,
                                      ATOLL_PROPERTY_PRIMARY_KEY, S(""), E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, dog, S("name"), ATOLL_TYPE_STRING, 0, S(""), E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, dog, S("age"), ATOLL_TYPE_INT,
                                      ATOLL_PROPERTY_NULLABLE, S(""), E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, dog, S("owner"), ATOLL_TYPE_LINK,
                                      ATOLL_PROPERTY_NULLABLE, S("Person"), E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, dog, S("tags"), ATOLL_TYPE_STRING,
                                      ATOLL_PROPERTY_LIST, S(""), E);
    }
    if (d->f.error == NULL) {
        int32_t person = atoll_schema_add_class(schema, S("Person"), ATOLL_CLASS_NORMAL, E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, person, S("_id"), ATOLL_TYPE_STRING,
                                      ATOLL_PROPERTY_PRIMARY_KEY, S(""), E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, person, S("address"), ATOLL_TYPE_EMBEDDED,
                                      ATOLL_PROPERTY_NULLABLE, S("Address"), E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, person, S("dogs"), ATOLL_TYPE_LINK,
                                      ATOLL_PROPERTY_LIST, S("Dog"), E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, person, S("places"), ATOLL_TYPE_EMBEDDED,
                                      ATOLL_PROPERTY_LIST, S("Address"), E);
    }
    if (d->f.error == NULL) {
        int32_t address = atoll_schema_add_class(schema, S("Address"), ATOLL_CLASS_EMBEDDED, E);
        if (d->f.error == NULL)
            atoll_schema_add_property(schema, address, S("city"), ATOLL_TYPE_STRING,
                                      ATOLL_PROPERTY_NULLABLE, S(""), E);
    }
    if (d->f.error == NULL) atoll_config_set_path(config, S(d->f.path), E);
    if (d->f.error == NULL) atoll_config_set_schema(config, schema, E);
    if (d->f.error == NULL) d->f.realm = atoll_realm_open(config, E);
    atoll_schema_free(schema);
    atoll_config_free(config);
}

static void learn_keys(day *d)
{
    fixture *f = &d->f;
    GO(f->dog = atoll_realm_class(f->realm, S("Dog"), E));
    GO(f->person = atoll_realm_class(f->realm, S("Person"), E));
    GO(f->address = atoll_realm_class(f->realm, S("Address"), E));
    f->dog_name = find_property(d, f->dog, "name");
    f->dog_age = find_property(d, f->dog, "age");
    f->dog_owner = find_property(d, f->dog, "owner");
    f->dog_tags = find_property(d, f->dog, "tags");
    f->person_address = find_property(d, f->person, "address");
    f->person_dogs = find_property(d, f->person, "dogs");
    f->person_places = find_property(d, f->person, "places");
    f->address_city = find_property(d, f->address, "city");
    d->keys_known = f->error == NULL;
}

static atoll_object *add_dog(day *d, int64_t id, bool find)
{
    atoll_object *dog = NULL;
    atoll_values *key = atoll_values_new(E);
    if (d->f.error == NULL) atoll_values_add_int(key, id, E);
    if (d->f.error == NULL && find) dog = atoll_realm_find(d->f.realm, d->f.dog, key, E);
    if (d->f.error == NULL && !find) dog = atoll_realm_create(d->f.realm, d->f.dog, key, E);
    atoll_values_free(key);
    keep(d, dog);
    return dog;
}

static void add_text(day *d, atoll_list *list, const char *text)
{
    atoll_values *value = atoll_values_new(E);
    if (d->f.error == NULL) atoll_values_add_string(value, S(text), E);
    if (d->f.error == NULL) atoll_list_insert_value(list, 0, value, E);
    atoll_values_free(value);
}

static void add_link(day *d, atoll_list *list, atoll_object *target)
{
    atoll_values *value = atoll_values_new(E);
    if (d->f.error == NULL) atoll_values_add_object(value, target, E);
    if (d->f.error == NULL) atoll_list_insert_value(list, 0, value, E);
    atoll_values_free(value);
}

static void commit_step(day *d)
{
    d->tried++;
    GO(atoll_realm_commit(d->f.realm, E));
    d->committed++;
}

static void observe(day *d)
{
    GO(d->queue = atoll_queue_new(E));
    GO(d->results = atoll_results_new(d->f.realm, d->f.dog, S("age >= 0 SORT(age ASC)"), NULL, E));
    GO(atoll_results_observe(d->results, d->queue, E));
    GO(atoll_realm_observe(d->f.realm, d->queue, E));
}

/* Step 1: dogs with tags, owned by a person who has an address. */
static void first_write(day *d)
{
    fixture *f = &d->f;
    atoll_object *dog = NULL, *person = NULL, *address = NULL;
    GO(atoll_realm_begin(f->realm, E));
    for (int64_t i = 0; i < 3; i++) {
        GO(dog = add_dog(d, i, false));
        GO(atoll_object_set_string(dog, f->dog_name, S("a name"), E));
        GO(atoll_object_set_int(dog, f->dog_age, i, E));
    }
    GO(d->tags = atoll_object_get_list(dog, f->dog_tags, E));
    GO(add_text(d, d->tags, "small"));
    GO(add_text(d, d->tags, "brown"));
    atoll_values *key = atoll_values_new(E);
    if (f->error == NULL) atoll_values_add_string(key, S("ann"), E);
    if (f->error == NULL) person = atoll_realm_create(f->realm, f->person, key, E);
    atoll_values_free(key);
    keep(d, person);
    if (f->error != NULL) return;
    GO(address = atoll_object_create_embedded(person, f->person_address, E));
    keep(d, address);
    GO(atoll_object_set_string(address, f->address_city, S("Ys"), E));
    GO(d->dogs = atoll_object_get_list(person, f->person_dogs, E));
    GO(add_link(d, d->dogs, dog));
    GO(d->places = atoll_object_get_list(person, f->person_places, E));
    GO(keep(d, atoll_list_insert_embedded(d->places, 0, E)));
    GO(atoll_object_set_object(dog, f->dog_owner, person, E));
    GO(atoll_object_observe(dog, d->queue, E));
    GO(atoll_list_observe(d->tags, d->queue, E));
    commit_step(d);
}

/* Step 2: a change of each kind, and a delete. */
static void second_write(day *d)
{
    fixture *f = &d->f;
    atoll_object *dog = NULL;
    GO(atoll_realm_begin(f->realm, E));
    GO(dog = add_dog(d, 0, true));
    cr_assert_not_null(dog);
    GO(atoll_object_delete(dog, E));
    GO(dog = add_dog(d, 1, true));
    GO(atoll_object_set_int(dog, f->dog_age, 100, E));
    GO(add_dog(d, 50, false));
    GO(atoll_list_erase(d->tags, 0, E));
    GO(atoll_list_clear(d->places, E));
    commit_step(d);
}

static void read_day(day *d)
{
    fixture *f = &d->f;
    atoll_values *arguments = atoll_values_new(E), *sum = NULL;
    if (f->error == NULL) atoll_values_add_string(arguments, S("a n"), E);
    if (f->error == NULL)
        d->filtered = atoll_results_new(
            f->realm, f->dog,
            S("name BEGINSWITH $0 AND (owner._id == 'ann' OR ANY tags == 'none' OR age > 3)"),
            arguments, E);
    atoll_values_free(arguments);
    if (f->error != NULL) return;
    int64_t count = 0;
    GO(count = atoll_results_count(d->filtered, E));
    cr_assert_eq(count, 2, "an error must not pass for an answer");
    for (int64_t i = 0; i < count; i++) GO(keep(d, atoll_results_object(d->filtered, i, E)));
    GO(sum = atoll_results_sum(d->results, f->dog_age, E));
    int64_t total = atoll_values_get_int(sum, 0, E);
    atoll_values_free(sum);
    if (f->error == NULL) cr_assert_eq(total, 102);
    GO(atoll_realm_refresh(f->realm, E));
}

static void drain(day *d)
{
    atoll_event *event = NULL;
    while (d->queue != NULL && (event = atoll_queue_next(d->queue, 0, NULL)) != NULL) {
        d->heard++;
        atoll_event_free(event);
    }
}

static void run_day(day *d)
{
    GO(open_day(d));
    GO(learn_keys(d));
    GO(observe(d));
    GO(first_write(d));
    drain(d);
    GO(second_write(d));
    GO(read_day(d));
}

/* What must hold after `step` commits. */
static bool holds_step(day *d, int step)
{
    fixture *f = &d->f;
    static const int64_t dogs[] = {0, 3, 3}, old[] = {0, 0, 1};
    return count_of(f, f->dog, "") == dogs[step] &&
           count_of(f, f->dog, "age == 100") == old[step] &&
           count_of(f, f->dog, "owner._id == 'ann'") == (step > 0) &&
           count_of(f, f->dog, "ANY tags == 'brown'") == (step == 1) &&
           count_of(f, f->person, "address.city == 'Ys'") == (step > 0) &&
           count_of(f, f->person, "places.@count == 1") == (step == 1);
}

static void check_step(day *d, uint64_t k, bool unsure, const char *when)
{
    bool good = holds_step(d, d->committed) ||
                (unsure && d->tried > d->committed && holds_step(d, d->tried));
    cr_assert(good, "fault %lu, %s: not what was acknowledged after %d commits", k, when,
              d->committed);
}

/* In an order that owners do not like. */
static void free_day(day *d)
{
    atoll_realm_close(d->f.realm);
    atoll_realm_free(d->f.realm);
    atoll_queue_free(d->queue);
    atoll_list_free(d->tags);
    atoll_results_free(d->filtered);
    for (int i = 0; i < d->object_count; i++) atoll_object_free(d->objects[i]);
    atoll_list_free(d->dogs);
    atoll_list_free(d->places);
    atoll_results_free(d->results);
    atoll_error_free(d->f.error);
}

static void check_alive(day *d, uint64_t k, bool allocation)
{
    if (!d->keys_known) return;
    if (atoll_realm_is_in_transaction(d->f.realm)) {
        atoll_realm_rollback(d->f.realm, E);
        GOOD(d->f.error);
    }
    atoll_realm_refresh(d->f.realm, E);
    GOOD(d->f.error);
    if (allocation) check_step(d, k, false, "going on");
    atoll_realm_begin(d->f.realm, E);
    if (allocation) GOOD(d->f.error); /* after a disk error it may ask to be opened again */
    if (d->f.error == NULL) atoll_realm_rollback(d->f.realm, E);
    atoll_error_free(d->f.error);
    d->f.error = NULL;
}

/* True when the fault made something fail. */
static bool live_through(const char *folder, uint64_t k, bool allocation)
{
    day today = {0}, tomorrow = {0};
    int64_t before = memory_live_count();
    disk = memory_disk_new(k);
    snprintf(today.f.path, sizeof today.f.path, "%s/faults.atoll", folder);
    memcpy(tomorrow.f.path, today.f.path, sizeof today.f.path);
    if (allocation)
        memory_fail_at(k);
    else
        memory_disk_fail_at(disk, k, ATOLL_ERROR_DISK_FULL);
    run_day(&today);
    memory_fail_at(0);
    memory_disk_fail_at(disk, 0, ATOLL_OK);
    bool failed = today.f.error != NULL;
    if (failed) {
        faults_check_error(today.f.error, k, allocation);
        today.f.error = NULL;
    } else {
        cr_assert_eq(today.committed, 2);
    }
    check_alive(&today, k, allocation);
    free_day(&today);
    open_day(&tomorrow);
    GOOD(tomorrow.f.error);
    learn_keys(&tomorrow);
    GOOD(tomorrow.f.error);
    tomorrow.committed = today.committed;
    tomorrow.tried = today.tried;
    check_step(&tomorrow, k, !allocation, "opened again");
    free_day(&tomorrow);
    memory_disk_free(disk);
    disk = NULL;
    cr_assert_eq(memory_live_count(), before, "fault %lu leaks %ld", k,
                 (long)(memory_live_count() - before));
    return failed;
}

Test(api_faults, any_allocation_may_fail)
{
    /* failures while a commit is being told of make no call fail */
    faults_each(live_through, true, 400, 250);
}

Test(api_faults, any_call_to_the_store_may_fail)
{
    faults_each(live_through, false, 6, 8);
}

/* A listener's copy of how many rows there are, kept by events alone. */
static void mirror(day *d, int64_t *rows)
{
    atoll_event *event = NULL;
    while ((event = atoll_queue_next(d->queue, 0, NULL)) != NULL) {
        if (atoll_event_type(event) == ATOLL_EVENT_RESULTS_CHANGED) {
            if (atoll_event_is_initial(event)) *rows = atoll_results_count(d->results, NULL);
            *rows += atoll_event_change_count(event, ATOLL_CHANGE_INSERTIONS) -
                     atoll_event_change_count(event, ATOLL_CHANGE_DELETIONS);
        }
        atoll_event_free(event);
    }
}

static void add_dogs(day *d, int64_t from)
{
    GO(atoll_realm_begin(d->f.realm, E));
    for (int64_t i = from; i < from + 3; i++) {
        atoll_object *dog = NULL;
        GO(dog = add_dog(d, i, false));
        GO(atoll_object_set_int(dog, d->f.dog_age, i, E));
    }
}

Test(api_faults, a_notification_that_could_not_be_made_starts_anew)
{
    char folder[64];
    temp_folder(folder);
    log_set_level(LOG_ERROR);
    uint64_t lost = 0, misses = 0;
    for (uint64_t k = 1; misses < 20; k++) {
        day today = {0};
        int64_t rows = 0;
        disk = memory_disk_new(k);
        snprintf(today.f.path, sizeof today.f.path, "%s/mirror.atoll", folder);
        open_day(&today), learn_keys(&today), observe(&today);
        GOOD(today.f.error);
        mirror(&today, &rows);
        add_dogs(&today, 0);
        GOOD(today.f.error);
        memory_fail_at(k);
        atoll_realm_commit(today.f.realm, &today.f.error);
        memory_fail_at(0);
        bool committed = today.f.error == NULL;
        atoll_error_free(today.f.error);
        today.f.error = NULL;
        cr_assert_eq(count_of(&today.f, today.f.dog, ""), committed ? 3 : 0,
                     "fault %lu: the commit says one thing and the realm another", k);
        mirror(&today, &rows);
        bool late = committed && rows != 3;
        lost += late;
        misses = committed && !late ? misses + 1 : 0;
        add_dogs(&today, 10);
        atoll_realm_commit(today.f.realm, &today.f.error);
        GOOD(today.f.error);
        mirror(&today, &rows);
        cr_assert_eq(rows, committed ? 6 : 3, "fault %lu: the listener counts %ld", k, (long)rows);
        free_day(&today);
        memory_disk_free(disk);
    }
    cr_assert_gt(lost, 5);
    disk = NULL;
    temp_folder_remove(folder);
}
