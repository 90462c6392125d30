/* A realm's folder as a whole: compaction, its size, copies with and without encryption, the bound on versions. */
#include "api_support.h"
#include <unistd.h>

static const char key_a[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char key_b[] = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

static atoll_config *config_at(const char *path, const char *key)
{
    atoll_error *error = NULL;
    atoll_schema *schema = dogs_schema();
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    atoll_config_set_schema(config, schema, &error);
    if (key != NULL) atoll_config_set_encryption_key(config, key, 64, &error);
    atoll_schema_free(schema);
    GOOD(error);
    return config;
}

static void open_at(fixture *f, const char *path, const char *key)
{
    atoll_config *config = config_at(path, key);
    f->realm = atoll_realm_open(config, &f->error);
    GOOD(f->error);
    atoll_config_free(config);
    fixture_keys(f);
}

static void close_realm(fixture *f)
{
    atoll_realm_close(f->realm);
    atoll_realm_free(f->realm);
}

static void add_dogs(fixture *f, int64_t from, int64_t to)
{
    char name[200];
    begin(f);
    for (int64_t i = from; i < to; i++) {
        /* Texts that do not compress: the store must feel them. */
        snprintf(name, sizeof name, "dog %d %x %x %x %x", (int)i, (unsigned)(i * 2654435761u),
                 (unsigned)(i * 40503u), (unsigned)(i * 97u), (unsigned)(i * 31337u));
        atoll_object_free(make_dog(f, i, name, i));
    }
    commit(f);
}

Test(files, compaction_gives_space_back_and_is_refused_while_the_realm_is_open)
{
    fixture f;
    fixture_open(&f);
    atoll_config *config = config_at(f.path, NULL);
    for (int round = 0; round < 4; round++) {
        add_dogs(&f, round * 20000, round * 20000 + 20000);
        close_realm(&f);
        open_at(&f, f.path, NULL);
    }
    begin(&f);
    atoll_realm_delete_class(f.realm, f.dog, &f.error);
    GOOD(f.error);
    commit(&f);
    add_dogs(&f, 100000, 100010);
    cr_assert_not(atoll_realm_compact(config, &f.error), "it is open");
    GOOD(f.error);
    cr_assert_gt(atoll_realm_file_size(config, &f.error), 0, "its size is known while it is open");
    GOOD(f.error);
    close_realm(&f);
    int64_t before = atoll_realm_file_size(config, &f.error);
    cr_assert_leq(atoll_realm_used_size(config, &f.error), before);
    cr_assert(atoll_realm_compact(config, &f.error));
    GOOD(f.error);
    int64_t after = atoll_realm_file_size(config, &f.error);
    cr_assert_lt(after, before / 3, "%lld bytes became %lld", (long long)before, (long long)after);
    open_at(&f, f.path, NULL);
    cr_assert_eq(count_of(&f, f.dog, ""), 10);
    atoll_config_free(config);
    config = config_at("/tmp/atoll-test-nowhere/x", NULL);
    cr_assert_not(atoll_realm_compact(config, &f.error));
    BAD(f.error, ATOLL_ERROR_FILE_NOT_FOUND);
    atoll_realm_file_size(config, &f.error);
    BAD(f.error, ATOLL_ERROR_FILE_NOT_FOUND);
    atoll_config_free(config);
    fixture_close(&f);
}

/* Names, links, lists and embedded objects of the copy. */
static void check_copy(const char *path, const char *key)
{
    fixture f = {0};
    open_at(&f, path, key);
    cr_assert_eq(count_of(&f, f.dog, ""), 3001);
    cr_assert_eq(count_of(&f, f.dog, "owner.name == 'Ann' AND tags.@count == 2"), 1);
    cr_assert_eq(count_of(&f, f.person, "address.city == 'Oslo'"), 1);
    for (int64_t i = 0; i < 3000; i += 13) {
        atoll_values *id = int_key(i);
        atoll_object *dog = atoll_realm_find(f.realm, f.dog, id, &f.error);
        GOOD(f.error);
        cr_assert_not_null(dog);
        cr_assert_eq(atoll_object_get_int(dog, f.dog_age, &f.error), i);
        atoll_object_free(dog);
        atoll_values_free(id);
    }
    begin(&f); /* it is a realm of its own */
    atoll_values *id = int_key(-1);
    atoll_object_free(make_dog(&f, 999999, "of the copy", 1));
    cr_assert_null(atoll_realm_create(f.realm, f.dog, id, &f.error));
    BAD(f.error, ATOLL_ERROR_DUPLICATE_PRIMARY_KEY);
    commit(&f);
    atoll_values_free(id);
    close_realm(&f);
}

static void fill(fixture *f)
{
    add_dogs(f, 0, 3000);
    begin(f);
    atoll_values *key = text_key("ann");
    atoll_object *ann = atoll_realm_create(f->realm, f->person, key, &f->error),
                 *dog = make_dog(f, -1, "Rex", 1),
                 *home = atoll_object_create_embedded(ann, f->person_address, &f->error);
    atoll_object_set_string(ann, f->person_name, S("Ann"), &f->error);
    atoll_object_set_string(home, f->address_city, S("Oslo"), &f->error);
    atoll_object_set_object(dog, f->dog_owner, ann, &f->error);
    atoll_list *tags = atoll_object_get_list(dog, f->dog_tags, &f->error);
    for (int i = 0; i < 2; i++) {
        atoll_values *tag = text_key("tag");
        atoll_list_insert_value(tags, i, tag, &f->error);
        atoll_values_free(tag);
    }
    GOOD(f->error);
    commit(f);
    atoll_list_free(tags);
    atoll_object_free(home);
    atoll_object_free(dog);
    atoll_object_free(ann);
    atoll_values_free(key);
}

Test(files, copies_open_with_their_own_key_or_none)
{
    static const char *const keys[] = {NULL, key_a, key_b};
    fixture f = {0};
    cr_assert_not_null(temp_folder(f.folder));
    for (int from = 0; from < 2; from++) {
        snprintf(f.path, sizeof f.path, "%s/from%d", f.folder, from);
        open_at(&f, f.path, keys[from]);
        fill(&f);
        for (int to = 0; to < 3; to++) {
            char path[128];
            snprintf(path, sizeof path, "%s/copy%d%d", f.folder, from, to);
            atoll_config *config = config_at(path, keys[to]);
            atoll_realm_write_copy(f.realm, config, &f.error);
            GOOD(f.error);
            check_copy(path, keys[to]);
            atoll_realm_write_copy(f.realm, config, &f.error);
            BAD(f.error, ATOLL_ERROR_FILE_EXISTS);
            atoll_config_free(config);
            config = config_at(path, keys[(to + 1) % 3]);
            cr_assert_null(atoll_realm_open(config, &f.error));
            BAD(f.error, ATOLL_ERROR_WRONG_KEY);
            atoll_config_free(config);
        }
        cr_assert_eq(count_of(&f, f.dog, ""), 3001, "the source stays as it is");
        close_realm(&f);
    }
    temp_folder_remove(f.folder);
}

Test(files, a_realm_in_memory_is_written_to_disk_by_a_copy)
{
    fixture f = {0};
    char path[128];
    cr_assert_not_null(temp_folder(f.folder));
    snprintf(path, sizeof path, "%s/saved", f.folder);
    atoll_config *memory = config_at("volatile", NULL), *target = config_at(path, key_a);
    atoll_config_set_in_memory(memory, true, &f.error);
    f.realm = atoll_realm_open(memory, &f.error);
    GOOD(f.error);
    fixture_keys(&f);
    fill(&f);
    atoll_realm_begin(f.realm, &f.error);
    atoll_realm_write_copy(f.realm, target, &f.error);
    BAD(f.error, ATOLL_ERROR_TRANSACTION_ACTIVE);
    atoll_realm_rollback(f.realm, &f.error);
    atoll_realm_write_copy(f.realm, memory, &f.error);
    BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_realm_write_copy(f.realm, target, &f.error);
    GOOD(f.error);
    check_copy(path, key_a);
    close_realm(&f);
    atoll_config_free(memory);
    atoll_config_free(target);
    temp_folder_remove(f.folder);
}

static atoll_realm *open_counted(const atoll_config *config, fixture *f, int64_t wanted)
{
    atoll_realm *realm = atoll_realm_open(config, &f->error);
    GOOD(f->error);
    f->realm = realm;
    fixture_keys(f);
    cr_assert_eq(count_of(f, f->dog, ""), wanted);
    return realm;
}

/* A manual client reset: the folder goes before the next opening, once, and nothing that somebody has open is moved. */
Test(files, a_realm_that_is_set_aside_while_open_is_moved_before_it_is_opened_again)
{
    fixture f = {0};
    char backup[160], second[170];
    cr_assert_not_null(temp_folder(f.folder));
    snprintf(f.path, sizeof f.path, "%s/dogs.atoll", f.folder);
    snprintf(backup, sizeof backup, "%s/backups/dogs", f.folder);
    snprintf(second, sizeof second, "%s-2", backup);
    atoll_config *config = config_at(f.path, NULL), *moved = config_at(backup, NULL);
    atoll_config *moved_later = config_at(second, NULL);
    for (int time = 0; time < 2; time++) {
        atoll_realm *realm = open_counted(config, &f, 0);
        add_dogs(&f, 0, 5 + time);
        cr_assert_not(atoll_realm_set_aside(config, S(backup), &f.error));
        GOOD(f.error);
        atoll_realm *other = atoll_realm_open(config, &f.error); /* As long as it is open. */
        GOOD(f.error);
        atoll_realm_close(other);
        atoll_realm_free(other);
        atoll_realm_close(realm);
        atoll_realm_free(realm);
    }
    open_counted(config, &f, 0);
    close_realm(&f);
    open_counted(moved, &f, 5);
    close_realm(&f);
    open_counted(moved_later, &f, 6); /* The name was taken. */
    close_realm(&f);
    /* Nobody has it open: at once, and what was asked for before is done with it. */
    open_counted(config, &f, 0);
    cr_assert_not(atoll_realm_set_aside(config, S(backup), &f.error));
    GOOD(f.error);
    close_realm(&f);
    snprintf(backup, sizeof backup, "%s/backups/third", f.folder);
    cr_assert(atoll_realm_set_aside(config, S(backup), &f.error));
    GOOD(f.error);
    cr_assert_neq(access(f.path, F_OK), 0);
    open_counted(config, &f, 0);
    add_dogs(&f, 0, 3);
    close_realm(&f);
    open_counted(config, &f, 3);
    close_realm(&f);
    /* A realm that is deleted is not moved. */
    open_counted(config, &f, 3);
    cr_assert_not(atoll_realm_set_aside(config, S(backup), &f.error));
    close_realm(&f);
    atoll_realm_delete_files(config, &f.error);
    GOOD(f.error);
    open_counted(config, &f, 0);
    add_dogs(&f, 0, 2);
    close_realm(&f);
    open_counted(config, &f, 2);
    close_realm(&f);
    atoll_config_free(config);
    atoll_config_free(moved);
    atoll_config_free(moved_later);
    temp_folder_remove(f.folder);
}

Test(files, a_commit_beyond_the_allowed_versions_fails)
{
    fixture f = {0};
    cr_assert_not_null(temp_folder(f.folder));
    snprintf(f.path, sizeof f.path, "%s/dogs.atoll", f.folder);
    atoll_config *config = config_at(f.path, NULL);
    atoll_config_set_version_max_count(config, 3, &f.error);
    f.realm = atoll_realm_open(config, &f.error);
    GOOD(f.error);
    fixture_keys(&f);
    for (int64_t i = 0; i < 10; i++) add_dogs(&f, i, i + 1); /* nobody holds an old one */
    atoll_realm *old = atoll_realm_open(config, &f.error);
    GOOD(f.error);
    for (int64_t i = 10; i < 13; i++) add_dogs(&f, i, i + 1);
    begin(&f);
    atoll_object_free(make_dog(&f, 13, "one too many", 1));
    atoll_realm_commit(f.realm, &f.error);
    BAD(f.error, ATOLL_ERROR_TOO_MANY_VERSIONS);
    cr_assert_not(atoll_realm_is_in_transaction(f.realm));
    cr_assert_eq(count_of(&f, f.dog, ""), 13, "nothing of it is there");
    cr_assert(atoll_realm_refresh(old, &f.error));
    add_dogs(&f, 13, 14);
    atoll_realm_close(old);
    atoll_realm_free(old);
    close_realm(&f);
    atoll_config_free(config);
    temp_folder_remove(f.folder);
}
