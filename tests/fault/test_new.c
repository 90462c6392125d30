/* A day with what a realm can do besides: encryption, sets, dictionaries, mixed values, embedded objects by key, indexes,
 * frozen things, references, a copy and a migration, run again and again with the k-th allocation or the k-th call to
 * the store failing. Each time there is an error or none is needed, nothing crashes or leaks, and the realm and its copy
 * hold exactly what was acknowledged. The stores are memory stores on virtual disks. */
#include "faults.h"
#include "base/memory.h"
#include "storage/storage.h"

static memory_disk *disk, *copy_disk;

status __real_storage_open_rocksdb(const char *path, const storage_options *options, storage **out);
status __wrap_storage_open_rocksdb(const char *path, const storage_options *options, storage **out);
status __wrap_storage_open_rocksdb(const char *path, const storage_options *options, storage **out)
{
    if (disk == NULL) return __real_storage_open_rocksdb(path, options, out);
    return storage_open_memory(strstr(path, ".copy") == NULL ? disk : copy_disk, out);
}

static const char first_key[64] = "the first of the keys, of sixty-four bytes as each of them is..";
static const char second_key[64] =
    "the second of the keys, as long as the first, for the copy only";

typedef struct day {
    char path[96], copy_path[112];
    atoll_error *error;
    atoll_realm *realm;
    uint32_t thing, id, names, numbers, any, old, parts, size;
    uint32_t friend_of;
    int committed, tried; /* steps: acknowledged, and asked for */
    bool copied;
    atoll_object *one, *two, *frozen_one;
    atoll_list *nested;
    atoll_set *names_set;
    atoll_dictionary *number_of, *part_of;
    atoll_realm *frozen, *old_realm;
    atoll_reference *reference;
} day;

#define E &d->error

static void add_property(day *d, atoll_schema *s, int32_t c, const char *name,
                         atoll_value_type type, int32_t flags, const char *target)
{
    if (d->error == NULL) atoll_schema_add_property(s, c, S(name), type, flags, S(target), E);
}

static void fill_schema(day *d, atoll_schema *s, const char *renamed)
{
    int32_t c, part;
    GO(c = atoll_schema_add_class(s, S("Thing"), ATOLL_CLASS_NORMAL, E));
    add_property(d, s, c, "_id", ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, "");
    add_property(d, s, c, renamed, ATOLL_TYPE_STRING, ATOLL_PROPERTY_INDEXED, "");
    add_property(d, s, c, "names", ATOLL_TYPE_STRING, ATOLL_PROPERTY_SET, "");
    add_property(d, s, c, "numbers", ATOLL_TYPE_DECIMAL128, ATOLL_PROPERTY_DICTIONARY, "");
    add_property(d, s, c, "any", ATOLL_TYPE_MIXED, 0, "");
    add_property(d, s, c, "friend", ATOLL_TYPE_LINK, ATOLL_PROPERTY_NULLABLE, "Thing");
    add_property(d, s, c, "parts", ATOLL_TYPE_EMBEDDED,
                 ATOLL_PROPERTY_DICTIONARY | ATOLL_PROPERTY_NULLABLE, "Part");
    if (d->error != NULL) return;
    GO(part = atoll_schema_add_class(s, S("Part"), ATOLL_CLASS_EMBEDDED, E));
    add_property(d, s, part, "size", ATOLL_TYPE_FLOAT, 0, "");
    if (strcmp(renamed, "old") == 0) return;
    add_property(d, s, part, "more", ATOLL_TYPE_INT, 0, "");
}

/* NULL on failure. */
static atoll_config *config_of(day *d, const char *renamed, int64_t version)
{
    atoll_schema *schema = NULL;
    atoll_config *config = atoll_config_new(E);
    if (d->error == NULL && renamed != NULL) schema = atoll_schema_new(E);
    if (d->error == NULL && renamed != NULL) fill_schema(d, schema, renamed);
    if (d->error == NULL && renamed != NULL) atoll_config_set_schema(config, schema, E);
    if (d->error == NULL) atoll_config_set_schema_version(config, version, E);
    if (d->error == NULL) atoll_config_set_path(config, S(d->path), E);
    if (d->error == NULL) atoll_config_set_encryption_key(config, first_key, sizeof first_key, E);
    atoll_schema_free(schema);
    if (d->error == NULL) return config;
    atoll_config_free(config);
    return NULL;
}

static void open_day(day *d, const char *renamed, int64_t version)
{
    atoll_config *config = config_of(d, renamed, version);
    if (config != NULL) d->realm = atoll_realm_open(config, E);
    atoll_config_free(config);
}

static uint32_t find_property(day *d, uint32_t c, const char *name)
{
    return d->error == NULL ? atoll_realm_property(d->realm, c, S(name), E) : 0;
}

static void learn_keys(day *d, const char *renamed)
{
    uint32_t part = 0;
    GO(d->thing = atoll_realm_class(d->realm, S("Thing"), E));
    GO(part = atoll_realm_class(d->realm, S("Part"), E));
    d->id = find_property(d, d->thing, "_id");
    d->old = find_property(d, d->thing, renamed);
    d->names = find_property(d, d->thing, "names");
    d->numbers = find_property(d, d->thing, "numbers");
    d->any = find_property(d, d->thing, "any");
    d->friend_of = find_property(d, d->thing, "friend");
    d->parts = find_property(d, d->thing, "parts");
    d->size = find_property(d, part, "size");
}

static atoll_object *add_thing(day *d, int64_t id)
{
    atoll_object *thing = NULL;
    atoll_values *key = atoll_values_new(E);
    if (d->error == NULL) atoll_values_add_int(key, id, E);
    if (d->error == NULL) thing = atoll_realm_create(d->realm, d->thing, key, E);
    atoll_values_free(key);
    return thing;
}

static void add_name(day *d, const char *text, bool remove)
{
    atoll_values *value = atoll_values_new(E);
    if (d->error == NULL) atoll_values_add_string(value, S(text), E);
    if (d->error == NULL && !remove) atoll_set_add(d->names_set, value, E);
    if (d->error == NULL && remove) atoll_set_remove(d->names_set, value, E);
    atoll_values_free(value);
}

static void put_number(day *d, const char *key, const char *number)
{
    atoll_values *value = atoll_values_new(E);
    if (d->error == NULL) atoll_values_add_decimal128_text(value, S(number), E);
    if (d->error == NULL) atoll_dictionary_put_value(d->number_of, S(key), value, E);
    atoll_values_free(value);
}

static void commit_step(day *d)
{
    d->tried++;
    GO(atoll_realm_commit(d->realm, E));
    d->committed++;
}

/* A list in a mixed value: [1, {"x": "deep"}, a link]. */
static void nest(day *d)
{
    atoll_dictionary *inner = NULL;
    atoll_values *list = atoll_values_new(E), *items = NULL, *text = NULL;
    if (d->error == NULL) items = atoll_values_new(E);
    if (d->error == NULL) text = atoll_values_new(E);
    if (d->error == NULL) atoll_values_add_list(list, items, E);
    if (d->error == NULL) atoll_object_set_value(d->one, d->any, list, E);
    if (d->error == NULL) d->nested = atoll_object_get_list(d->one, d->any, E);
    if (d->error == NULL) atoll_values_add_dictionary(items, E);
    if (d->error == NULL) atoll_list_insert_value(d->nested, 0, items, E);
    if (d->error == NULL) inner = atoll_list_get_dictionary(d->nested, 0, E);
    if (d->error == NULL) atoll_values_add_string(text, S("deep"), E);
    if (d->error == NULL) atoll_dictionary_put_value(inner, S("x"), text, E);
    if (d->error == NULL) atoll_list_insert_value(d->nested, 0, text, E);
    atoll_dictionary_free(inner);
    atoll_values_free(text);
    atoll_values_free(items);
    atoll_values_free(list);
}

/* Step 1: something in every kind of property. */
static void first_write(day *d)
{
    atoll_object *part = NULL;
    GO(atoll_realm_begin(d->realm, E));
    GO(d->one = add_thing(d, 1));
    GO(d->two = add_thing(d, 2));
    GO(atoll_object_set_string(d->one, d->old, S("kept"), E));
    GO(atoll_object_set_object(d->two, d->friend_of, d->one, E));
    GO(d->names_set = atoll_object_get_set(d->one, d->names, E));
    GO(add_name(d, "ann", false));
    GO(add_name(d, "bob", false));
    GO(d->number_of = atoll_object_get_dictionary(d->one, d->numbers, E));
    GO(put_number(d, "pi", "3.14"));
    GO(put_number(d, "e", "2.718"));
    GO(nest(d));
    GO(d->part_of = atoll_object_get_dictionary(d->one, d->parts, E));
    GO(part = atoll_dictionary_put_embedded(d->part_of, S("wheel"), E));
    atoll_object_set_float(part, d->size, 1.5f, E);
    atoll_object_free(part);
    if (d->error != NULL) return;
    commit_step(d);
}

/* Step 2: a change of each kind. */
static void second_write(day *d)
{
    GO(atoll_realm_begin(d->realm, E));
    GO(add_name(d, "bob", true));
    GO(put_number(d, "pi", "3.14159"));
    GO(atoll_dictionary_erase(d->number_of, S("e"), E));
    GO(atoll_list_move(d->nested, 0, 1, E));
    GO(atoll_list_erase(d->nested, 0, E));
    GO(atoll_dictionary_erase(d->part_of, S("wheel"), E));
    GO(atoll_object_delete(d->two, E));
    commit_step(d);
}

static void freeze_things(day *d)
{
    atoll_object *back = NULL;
    int64_t count = 0;
    GO(d->frozen = atoll_realm_freeze(d->realm, E));
    GO(d->frozen_one = atoll_object_freeze(d->one, E));
    GO(d->reference = atoll_reference_of_object(d->one, E));
    GO(back = atoll_reference_resolve_object(d->reference, d->realm, E));
    cr_assert_not_null(back);
    atoll_object_free(back);
    atoll_results *found = NULL;
    GO(found = atoll_results_new(d->frozen, d->thing,
                                 S("old == 'kept' AND ANY names == 'ann' AND numbers['pi'] > 3 AND "
                                   "any[0].@type == 'string' AND @links.@count == 0"),
                                 NULL, E));
    count = atoll_results_count(found, E);
    atoll_results_free(found);
    if (d->error == NULL) cr_assert_eq(count, 1, "an error must not pass for an answer");
}

static void write_copy(day *d)
{
    atoll_config *config = atoll_config_new(E);
    if (d->error == NULL) atoll_config_set_path(config, S(d->copy_path), E);
    if (d->error == NULL) atoll_config_set_encryption_key(config, second_key, sizeof second_key, E);
    if (d->error == NULL) atoll_realm_write_copy(d->realm, config, E);
    d->copied = d->error == NULL;
    atoll_config_free(config);
}

static void free_handles(day *d)
{
    atoll_object_free(d->one);
    atoll_realm_close(d->realm);
    atoll_realm_free(d->realm);
    atoll_set_free(d->names_set);
    atoll_realm_free(d->frozen);
    atoll_reference_free(d->reference);
    atoll_list_free(d->nested);
    atoll_dictionary_free(d->part_of);
    atoll_object_free(d->frozen_one);
    atoll_dictionary_free(d->number_of);
    atoll_object_free(d->two);
    d->one = d->two = d->frozen_one = NULL;
    d->realm = d->frozen = NULL;
    d->names_set = NULL;
    d->reference = NULL;
    d->nested = NULL;
    d->part_of = d->number_of = NULL;
}

static void migrate_all(day *d, atoll_migration *m)
{
    atoll_realm *old = NULL;
    atoll_results *all = NULL;
    GO(atoll_migration_rename_property(m, S("Thing"), S("old"), S("new"), E));
    old = atoll_migration_old_realm(m, E);
    if (d->error == NULL) all = atoll_results_new(old, d->thing, S("_id == 1"), NULL, E);
    atoll_object *before = d->error == NULL ? atoll_results_object(all, 0, E) : NULL, *after = NULL;
    if (d->error == NULL) after = atoll_migration_find_new(m, before, E);
    if (d->error == NULL) atoll_object_set_null(after, d->any, E);
    atoll_object_free(after);
    atoll_object_free(before);
    atoll_results_free(all);
    atoll_realm_free(old);
    if (d->error != NULL) return;
    d->tried++;
    GO(atoll_migration_commit(m, E));
    d->committed++;
}

/* Step 3: a property has another name, its class one more, and a nested list went. */
static void third_write(day *d)
{
    atoll_config *config = config_of(d, "new", 1);
    if (config == NULL) return;
    atoll_migration *migration = atoll_migration_begin(config, E);
    atoll_config_free(config);
    if (d->error == NULL) migrate_all(d, migration);
    atoll_migration_free(migration);
}

static void run_day(day *d)
{
    GO(open_day(d, "old", 0));
    GO(learn_keys(d, "old"));
    GO(first_write(d));
    GO(second_write(d));
    GO(freeze_things(d));
    GO(write_copy(d));
    free_handles(d);
    GO(third_write(d));
    GO(open_day(d, "new", 1));
    GO(learn_keys(d, "new"));
}

static int64_t count_of_things(day *d, const char *query)
{
    atoll_results *results = atoll_results_new(d->realm, d->thing, S(query), NULL, E);
    GOOD(d->error);
    int64_t count = atoll_results_count(results, E);
    GOOD(d->error);
    atoll_results_free(results);
    return count;
}

static bool holds_step(day *d, int step)
{
    static const char *const each[] = {
        "_id == 1 AND old == 'kept' AND names.@count == 2 AND numbers['e'] == 2.718 AND "
        "any[0] == 'deep' AND any[1]['x'] == 'deep' AND parts['wheel'].size == 1.5 AND "
        "@links.@count == 1",
        "_id == 1 AND old == 'kept' AND names.@count == 1 AND numbers.@count == 1 AND "
        "numbers['pi'] == 3.14159 AND any[0] == 'deep' AND any.@count == 1 AND parts.@count == 0 "
        "AND @links.@count == 0",
        "_id == 1 AND new == 'kept' AND names.@count == 1 AND numbers['pi'] == 3.14159 AND "
        "any == NULL"};
    if (step == 0) {
        d->thing = atoll_realm_class(d->realm, S("Thing"), E);
        bool none = d->thing == 0 || count_of_things(d, "") == 0;
        atoll_error_free(d->error);
        d->error = NULL;
        return none;
    }
    bool has_new = atoll_realm_property(d->realm, d->thing, S("new"), NULL) != 0;
    return has_new == (step == 3) && count_of_things(d, "") == (step == 1 ? 2 : 1) &&
           count_of_things(d, each[step - 1]) == 1;
}

/* Opened without a schema: what is there is there. */
static void check_step(day *d, uint64_t k, bool unsure)
{
    day tomorrow = {0};
    memcpy(tomorrow.path, d->path, sizeof d->path);
    open_day(&tomorrow, NULL, 0);
    GOOD(tomorrow.error);
    tomorrow.thing = atoll_realm_class(tomorrow.realm, S("Thing"), NULL);
    bool good = holds_step(&tomorrow, d->committed) ||
                (unsure && d->tried > d->committed && holds_step(&tomorrow, d->tried));
    cr_assert(good, "fault %lu: not what was acknowledged after %d commits", k, d->committed);
    free_handles(&tomorrow);
}

static void check_copy(const day *d, uint64_t k)
{
    day other = {0};
    atoll_error *error = NULL;
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(d->copy_path), &error);
    atoll_config_set_encryption_key(config, second_key, sizeof second_key, &error);
    other.realm = atoll_realm_open(config, &error);
    GOOD(error);
    other.thing = atoll_realm_class(other.realm, S("Thing"), &error);
    GOOD(error);
    cr_assert(holds_step(&other, 2), "fault %lu: the copy is not what was copied", k);
    free_handles(&other);
    atoll_config_free(config);
}

/* True when the fault made something fail. */
static bool live_through(const char *folder, uint64_t k, bool allocation)
{
    day today = {0};
    int64_t before = memory_live_count();
    disk = memory_disk_new(k);
    copy_disk = memory_disk_new(k);
    snprintf(today.path, sizeof today.path, "%s/new.atoll", folder);
    snprintf(today.copy_path, sizeof today.copy_path, "%s/new.copy", folder);
    if (allocation)
        memory_fail_at(k);
    else
        memory_disk_fail_at(disk, k, ATOLL_ERROR_DISK_FULL);
    run_day(&today);
    memory_fail_at(0);
    memory_disk_fail_at(disk, 0, ATOLL_OK);
    bool failed = today.error != NULL;
    if (failed) {
        faults_check_error(today.error, k, allocation);
    } else {
        cr_assert_eq(today.committed, 3);
    }
    free_handles(&today);
    check_step(&today, k, !allocation);
    if (today.copied) check_copy(&today, k);
    memory_disk_free(disk);
    memory_disk_free(copy_disk);
    disk = copy_disk = NULL;
    cr_assert_eq(memory_live_count(), before, "fault %lu leaks %ld", k,
                 (long)(memory_live_count() - before));
    return failed;
}

Test(new_faults, any_allocation_may_fail, .timeout = 150)
{
    faults_each(live_through, true, 60, 500);
}

Test(new_faults, any_call_to_the_store_may_fail, .timeout = 150)
{
    faults_each(live_through, false, 12, 20);
}
