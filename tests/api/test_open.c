/* How a realm is opened: in memory, for reading, encrypted, below a folder; and what each setting refuses. */
#include "api_support.h"
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char key_a[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char key_b[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF";

static atoll_config *config_at(const char *path, bool with_schema)
{
    atoll_error *error = NULL;
    atoll_config *config = atoll_config_new(&error);
    GOOD(error);
    if (path != NULL) atoll_config_set_path(config, S(path), &error);
    atoll_schema *schema = dogs_schema();
    if (with_schema) atoll_config_set_schema(config, schema, &error);
    atoll_schema_free(schema);
    GOOD(error);
    return config;
}

/* Opens with the configuration, which is freed. */
static atoll_realm *open_with(atoll_config *config, atoll_error **error)
{
    atoll_realm *realm = *error == NULL ? atoll_realm_open(config, error) : NULL;
    atoll_config_free(config);
    return realm;
}

static atoll_realm *open_memory(const char *name, atoll_error **error)
{
    atoll_config *config = config_at(name, true);
    atoll_config_set_in_memory(config, true, error);
    return open_with(config, error);
}

static atoll_realm *open_for_reading(const char *path, bool with_schema, atoll_error **error)
{
    atoll_config *config = config_at(path, with_schema);
    atoll_config_set_read_only(config, true, error);
    return open_with(config, error);
}

static atoll_realm *open_sealed(const char *path, const char *key, atoll_error **error)
{
    atoll_config *config = config_at(path, true);
    if (key != NULL) atoll_config_set_encryption_key(config, key, 64, error);
    return open_with(config, error);
}

static void use(fixture *f, atoll_realm *realm)
{
    GOOD(f->error);
    f->realm = realm;
    fixture_keys(f);
}

static void close_realm(atoll_realm *realm)
{
    atoll_realm_close(realm);
    atoll_realm_free(realm);
}

static void add_dog(fixture *f, int64_t id, const char *name)
{
    begin(f);
    atoll_object_free(make_dog(f, id, name, 1));
    commit(f);
}

Test(open, a_realm_in_memory_is_shared_by_its_identifier_and_goes_with_its_last_instance)
{
    fixture f = {0};
    use(&f, open_memory("cache", &f.error));
    cr_assert_eq(access("cache", F_OK), -1, "nothing is written to disk");
    add_dog(&f, 1, "Rex");
    atoll_realm *first = f.realm, *other = open_memory("another", &f.error);
    use(&f, other);
    cr_assert_eq(count_of(&f, f.dog, ""), 0, "another identifier is another realm");
    use(&f, open_memory("cache", &f.error));
    cr_assert_eq(count_of(&f, f.dog, ""), 1);
    close_realm(first);
    add_dog(&f, 2, "Bo");
    cr_assert_eq(count_of(&f, f.dog, ""), 2, "the second instance keeps it");
    close_realm(f.realm);
    use(&f, open_memory("cache", &f.error));
    cr_assert_eq(count_of(&f, f.dog, ""), 0, "it went with the last instance");
    close_realm(f.realm);
    close_realm(other);
}

/* Enough for checkpoints, so that the log does not grow for ever. */
Test(open, a_realm_in_memory_takes_many_commits)
{
    fixture f = {0};
    use(&f, open_memory("many", &f.error));
    for (int64_t i = 0; i < 5000; i++) add_dog(&f, i, "one of many dogs");
    cr_assert_eq(count_of(&f, f.dog, "name BEGINSWITH 'one'"), 5000);
    close_realm(f.realm);
}

Test(open, settings_that_exclude_each_other_are_refused)
{
    atoll_error *error = NULL;
    atoll_config *config = config_at("x", true);
    atoll_config_set_in_memory(config, true, &error);
    atoll_config_set_encryption_key(config, key_a, 64, &error);
    GOOD(error);
    cr_assert_null(open_with(config, &error));
    BAD(error, ATOLL_ERROR_INVALID_ARGUMENT);
    config = config_at("x", true);
    atoll_config_set_in_memory(config, true, &error);
    atoll_config_set_read_only(config, true, &error);
    cr_assert_null(open_with(config, &error));
    BAD(error, ATOLL_ERROR_INVALID_ARGUMENT);
    config = config_at(NULL, true);
    atoll_config_set_in_memory(config, true, &error);
    cr_assert_null(open_with(config, &error), "an identifier is needed");
    BAD(error, ATOLL_ERROR_INVALID_ARGUMENT);
    config = config_at("x", true);
    atoll_config_set_version_max_count(config, -1, &error);
    BAD(error, ATOLL_ERROR_OUT_OF_RANGE);
    atoll_config_set_memory_budget_bytes(config, -1, &error);
    BAD(error, ATOLL_ERROR_OUT_OF_RANGE);
    atoll_config_set_schema_version(config, -1, &error);
    BAD(error, ATOLL_ERROR_OUT_OF_RANGE);
    atoll_config_free(config);
}

/* ---- reading only ---- */
Test(open, a_read_only_realm_must_exist_and_refuses_writes)
{
    fixture f;
    char missing[128];
    fixture_open(&f);
    snprintf(missing, sizeof missing, "%s/missing.atoll", f.folder);
    cr_assert_null(open_for_reading(missing, true, &f.error));
    BAD(f.error, ATOLL_ERROR_FILE_NOT_FOUND);
    cr_assert_eq(access(missing, F_OK), -1, "nothing was made");
    add_dog(&f, 1, "Rex");
    close_realm(f.realm);
    for (int round = 0; round < 2; round++) { /* the second time with the schema of the folder */
        use(&f, open_for_reading(f.path, round == 0, &f.error));
        cr_assert_eq(count_of(&f, f.dog, "name == 'Rex'"), 1);
        atoll_realm_begin(f.realm, &f.error);
        BAD(f.error, ATOLL_ERROR_READ_ONLY);
        cr_assert_not(atoll_realm_is_in_transaction(f.realm));
        atoll_realm *writer = open_dogs(f.path, &f.error);
        cr_assert_null(writer);
        BAD(f.error, ATOLL_ERROR_MISMATCHED_CONFIG);
        close_realm(f.realm);
    }
    use(&f, open_dogs(f.path, &f.error));
    add_dog(&f, 2, "Bo");
    atoll_realm *reader = open_for_reading(f.path, true, &f.error);
    GOOD(f.error);
    atoll_realm_begin(reader, &f.error);
    BAD(f.error, ATOLL_ERROR_READ_ONLY);
    close_realm(reader);
    fixture_close(&f);
}

Test(open, a_read_only_realm_has_every_class_of_the_schema_or_is_refused)
{
    fixture f;
    fixture_open(&f);
    close_realm(f.realm);
    for (int kind = 0; kind < 3; kind++) {
        atoll_schema *schema = atoll_schema_new(&f.error);
        int32_t c = atoll_schema_add_class(schema, S(kind == 0 ? "Cat" : "Dog"), ATOLL_CLASS_NORMAL,
                                           &f.error);
        atoll_schema_add_property(schema, c, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY,
                                  S(""), &f.error);
        if (kind == 1)
            atoll_schema_add_property(schema, c, S("fur"), ATOLL_TYPE_STRING, 0, S(""), &f.error);
        atoll_config *config = config_at(f.path, false);
        atoll_config_set_schema(config, schema, &f.error);
        atoll_config_set_read_only(config, true, &f.error);
        GOOD(f.error);
        atoll_realm *realm = open_with(config, &f.error);
        if (kind == 2) {
            GOOD(f.error); /* a part of what is stored is enough */
            close_realm(realm);
        } else {
            cr_assert_null(realm);
            BAD(f.error, ATOLL_ERROR_SCHEMA_MISMATCH);
        }
        atoll_schema_free(schema);
    }
    temp_folder_remove(f.folder);
}

static void wait_for(int file)
{
    char byte;
    cr_assert_eq(read(file, &byte, 1), 1);
}

static void tell(int file)
{
    cr_assert_eq(write(file, "x", 1), 1);
}

/* The child writes and keeps the realm open while the parent reads, and is refused to write. */
static void hold_open(const char *path, const int up[2], const int down[2])
{
    fixture f = {0};
    atoll_realm *realm = open_dogs(path, &f.error);
    if (f.error != NULL) _exit(1);
    use(&f, realm);
    add_dog(&f, 1, "Rex");
    tell(up[1]);
    wait_for(down[0]);
    add_dog(&f, 2, "Bo");
    close_realm(realm);
    _exit(0);
}

Test(open, readers_stand_beside_a_writer_of_another_process)
{
    fixture f = {0};
    int up[2], down[2], result = 1;
    cr_assert_not_null(temp_folder(f.folder));
    snprintf(f.path, sizeof f.path, "%s/dogs.atoll", f.folder);
    cr_assert(pipe(up) == 0 && pipe(down) == 0);
    pid_t child = fork();
    if (child == 0) hold_open(f.path, up, down);
    wait_for(up[0]);
    cr_assert_null(open_dogs(f.path, &f.error));
    BAD(f.error, ATOLL_ERROR_FILE_IN_USE);
    use(&f, open_for_reading(f.path, true, &f.error));
    cr_assert_eq(count_of(&f, f.dog, "name == 'Rex'"), 1);
    tell(down[1]);
    cr_assert_eq(waitpid(child, &result, 0), child);
    cr_assert_eq(result, 0);
    cr_assert_not(atoll_realm_refresh(f.realm, &f.error), "it stays at its version");
    cr_assert_eq(count_of(&f, f.dog, ""), 1);
    close_realm(f.realm);
    use(&f, open_for_reading(f.path, true, &f.error));
    cr_assert_eq(count_of(&f, f.dog, ""), 2);
    fixture_close(&f);
}

/* ---- encryption ---- */
Test(open, an_encrypted_realm_opens_with_its_key_only)
{
    fixture f = {0};
    cr_assert_not_null(temp_folder(f.folder));
    snprintf(f.path, sizeof f.path, "%s/dogs.atoll", f.folder);
    atoll_config *config = config_at(f.path, true);
    for (size_t size = 1; size < 130; size++) {
        if (size == 64) continue;
        atoll_config_set_encryption_key(config, (char[130]){0}, size, &f.error);
        BAD(f.error, ATOLL_ERROR_INVALID_ARGUMENT);
    }
    atoll_config_free(config);
    for (int round = 0; round < 3; round++) {
        use(&f, open_sealed(f.path, key_a, &f.error));
        cr_assert_eq(count_of(&f, f.dog, ""), round);
        add_dog(&f, round, "Rex");
        cr_assert_null(open_sealed(f.path, key_b, &f.error), "while it is open");
        BAD(f.error, ATOLL_ERROR_WRONG_KEY);
        close_realm(f.realm);
        cr_assert_null(open_sealed(f.path, key_b, &f.error), "its last bit differs");
        BAD(f.error, ATOLL_ERROR_WRONG_KEY);
        cr_assert_null(open_sealed(f.path, NULL, &f.error));
        BAD(f.error, ATOLL_ERROR_WRONG_KEY);
    }
    temp_folder_remove(f.folder);
    fixture_open(&f);
    close_realm(f.realm);
    cr_assert_null(open_sealed(f.path, key_a, &f.error), "a realm that is not encrypted");
    BAD(f.error, ATOLL_ERROR_WRONG_KEY);
    use(&f, open_sealed(f.path, NULL, &f.error));
    fixture_close(&f);
}

static size_t file_holds(const char *path, const char *marker)
{
    size_t hits = 0, size = strlen(marker);
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0; /* the store deletes old files whenever it likes */
    cr_assert_eq(fstat(fileno(file), &info), 0);
    char *content = malloc((size_t)info.st_size + 1);
    size_t got = fread(content, 1, (size_t)info.st_size, file);
    for (size_t i = 0; i + size <= got; i++) hits += memcmp(content + i, marker, size) == 0;
    free(content);
    fclose(file);
    return hits;
}

/* In how many places of the folder's files the text lies in clear. */
static size_t folder_holds(const char *folder, const char *marker)
{
    size_t hits = 0;
    char path[512];
    DIR *open_folder = opendir(folder);
    cr_assert_not_null(open_folder);
    for (struct dirent *entry; (entry = readdir(open_folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        hits += file_holds(path, marker);
    }
    closedir(open_folder);
    return hits;
}

static void fill_with_markers(fixture *f)
{
    char text[64];
    begin(f);
    for (int64_t i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "MARKER-%d", (int)i);
        atoll_object_free(make_dog(f, 0x5845544e49305900 + i, text, 0x4154414445474100));
        atoll_values *key = text_key(text);
        atoll_object_free(atoll_realm_create(f->realm, f->person, key, &f->error));
        GOOD(f->error);
        atoll_values_free(key);
    }
    commit(f);
}

Test(open, no_file_of_an_encrypted_realm_holds_anything_in_clear)
{
    /* Texts, keys, integers by their bytes, names of classes and properties. */
    static const char *const markers[] = {"MARKER", "XETNI0", "0INTEX",
                                          "Person", "weight", "address"};
    fixture f = {0};
    for (int sealed = 1; sealed >= 0; sealed--) {
        size_t found = 0;
        cr_assert_not_null(temp_folder(f.folder));
        snprintf(f.path, sizeof f.path, "%s/dogs.atoll", f.folder);
        for (int round = 0; round < 2; round++) { /* in the journal, then in tables as well */
            use(&f, open_sealed(f.path, sealed ? key_a : NULL, &f.error));
            if (round == 0) fill_with_markers(&f);
            for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) {
                size_t hits = folder_holds(f.path, markers[i]);
                found += hits;
                if (sealed) cr_assert_eq(hits, 0, "%s in round %d", markers[i], round);
            }
            close_realm(f.realm);
        }
        if (!sealed) cr_assert_gt(found, 4, "the search finds what is in clear");
        temp_folder_remove(f.folder);
    }
}

Test(open, keys_of_an_encrypted_realm_are_found_again)
{
    fixture f = {0};
    cr_assert_not_null(temp_folder(f.folder));
    snprintf(f.path, sizeof f.path, "%s/dogs.atoll", f.folder);
    use(&f, open_sealed(f.path, key_a, &f.error));
    fill_with_markers(&f);
    close_realm(f.realm);
    use(&f, open_sealed(f.path, key_a, &f.error));
    for (int i = 0; i < 3000; i += 7) {
        char text[64];
        snprintf(text, sizeof text, "MARKER-%d", i);
        atoll_values *key = text_key(text), *number = int_key(0x5845544e49305900 + i);
        atoll_object *person = atoll_realm_find(f.realm, f.person, key, &f.error);
        atoll_object *dog = atoll_realm_find(f.realm, f.dog, number, &f.error);
        GOOD(f.error);
        cr_assert(person != NULL && dog != NULL, "%s", text);
        atoll_bytes name = atoll_object_get_string(dog, f.dog_name, &f.error);
        cr_assert(name.size == strlen(text) && memcmp(name.data, text, name.size) == 0);
        atoll_object_free(person);
        atoll_object_free(dog);
        atoll_values_free(key);
        atoll_values_free(number);
    }
    fixture_close(&f);
}

/* ---- places ---- */
Test(open, a_relative_path_lies_below_the_base_path)
{
    fixture f = {0};
    char expected[128];
    cr_assert_not_null(temp_folder(f.folder));
    const char *const names[] = {"mine.atoll", "sub/", NULL};
    const char *const places[] = {"mine.atoll", "sub/default.realm", "default.realm"};
    for (int i = 0; i < 3; i++) {
        atoll_config *config = config_at(names[i], true);
        atoll_config_set_base_path(config, S(f.folder), &f.error);
        use(&f, open_with(config, &f.error));
        snprintf(expected, sizeof expected, "%s/%s", f.folder, places[i]);
        atoll_bytes path = atoll_realm_path(f.realm);
        cr_assert(path.size == strlen(expected) && memcmp(path.data, expected, path.size) == 0,
                  "%s instead of %s", (const char *)path.data, expected);
        close_realm(f.realm);
    }
    temp_folder_remove(f.folder);
}
