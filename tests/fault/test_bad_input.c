/* What a program, a user or a broken disk may hand to a realm on the device: each gets an error with a code and a text
 * that says what is wrong and where, and the process and its data live on. Through the public interface only. */
#include "api_support.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The error with this code whose text holds the words; frees it. */
#define SAYS(error, code, words)                                                                \
    do {                                                                                        \
        cr_assert_not_null(error, "an error was expected that says '%s'", words);               \
        cr_assert_not_null(strstr(atoll_error_message(error), words), "'%s' does not say '%s'", \
                           atoll_error_message(error), words);                                  \
        BAD(error, code);                                                                       \
    } while (0)

static bool is_usable(fixture *f)
{
    begin(f);
    atoll_object_free(make_dog(f, 1000 + atoll_realm_version(f->realm), "usable", 1));
    commit(f);
    return count_of(f, f->dog, "name == 'usable'") > 0;
}

/* ---- schema ---- */
static void add_class(atoll_schema *s, const char *name, int32_t kind, const char *key)
{
    atoll_error *error = NULL;
    int32_t c = atoll_schema_add_class(s, S(name), kind, &error);
    GOOD(error);
    int32_t flags = key[0] == 0 ? 0 : ATOLL_PROPERTY_PRIMARY_KEY;
    atoll_schema_add_property(s, c, S(key[0] == 0 ? "x" : key), ATOLL_TYPE_INT, flags, S(""),
                              &error);
    GOOD(error);
}

static void refused(fixture *f, atoll_schema *s, const char *words)
{
    char path[160];
    snprintf(path, sizeof path, "%s/schema.atoll", f->folder);
    atoll_config *config = atoll_config_new(&f->error);
    atoll_config_set_path(config, S(path), &f->error);
    atoll_config_set_schema(config, s, &f->error);
    GOOD(f->error);
    cr_assert_null(atoll_realm_open(config, &f->error));
    SAYS(f->error, ATOLL_ERROR_SCHEMA_INVALID, words);
    cr_assert_neq(access(path, F_OK), 0, "a refused schema leaves a folder behind");
    atoll_config_free(config);
    atoll_schema_free(s);
}

Test(bad_input, each_rule_of_a_schema_names_class_and_property)
{
    fixture f;
    fixture_open(&f);
    atoll_schema *s = atoll_schema_new(&f.error);
    char longest[300];
    memset(longest, 'x', sizeof longest);
    cr_assert_eq(atoll_schema_add_class(s, "", 0, 0, &f.error), -1);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "empty name");
    atoll_schema_add_class(s, longest, sizeof longest, 0, &f.error);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "300 bytes");
    atoll_schema_add_class(s, "a\xff", 2, 0, &f.error);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "UTF-8");
    atoll_schema_add_class(s, "a\0b", 3, 0, &f.error);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "UTF-8");
    atoll_schema_add_class(s, S("A"), 7, &f.error);
    SAYS(f.error, ATOLL_ERROR_INVALID_ARGUMENT, "7");
    add_class(s, "A", ATOLL_CLASS_NORMAL, "_id");
    atoll_schema_add_class(s, S("A"), 0, &f.error);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "'A' is in the schema twice");
    atoll_schema_add_property(s, 0, S("_id"), ATOLL_TYPE_INT, 0, S(""), &f.error);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "'_id' twice");
    atoll_schema_add_property(s, 0, S("key2"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &f.error);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "key2");
    atoll_schema_add_property(s, 0, S("link"), ATOLL_TYPE_LINK, 0, S(""), &f.error);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "'A.link' of type link needs a target");
    atoll_schema_add_property(s, 0, S("n"), ATOLL_TYPE_INT, 0, S("A"), &f.error);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "cannot have a target");
    atoll_schema_add_property(s, 0, S("n"), 42, 0, S(""), &f.error);
    SAYS(f.error, ATOLL_ERROR_NOT_SUPPORTED, "42");
    atoll_schema_add_property(s, 0, S("n"), ATOLL_TYPE_INT, 1 << 20, S(""), &f.error);
    SAYS(f.error, ATOLL_ERROR_INVALID_ARGUMENT, "flags 1048576");
    atoll_schema_add_property(s, 9, S("n"), ATOLL_TYPE_INT, 0, S(""), &f.error);
    SAYS(f.error, ATOLL_ERROR_OUT_OF_RANGE, "9");
    atoll_schema_add_property(s, -1, S("n"), ATOLL_TYPE_INT, 0, S(""), &f.error);
    SAYS(f.error, ATOLL_ERROR_OUT_OF_RANGE, "-1");
    atoll_schema_add_property(s, 0, S("gone"), ATOLL_TYPE_LINK, ATOLL_PROPERTY_NULLABLE,
                              S("Nowhere"), &f.error);
    GOOD(f.error);
    refused(&f, s, "'A.gone' refers to class 'Nowhere'");
    cr_assert(is_usable(&f));
    fixture_close(&f);
}

Test(bad_input, a_schema_is_judged_as_a_whole)
{
    fixture f;
    fixture_open(&f);
    atoll_schema *s = atoll_schema_new(&f.error);
    add_class(s, "A", ATOLL_CLASS_NORMAL, "_id");
    add_class(s, "E", ATOLL_CLASS_EMBEDDED, "");
    atoll_schema_add_property(s, 0, S("e"), ATOLL_TYPE_LINK, ATOLL_PROPERTY_NULLABLE, S("E"),
                              &f.error);
    GOOD(f.error);
    refused(&f, s, "A.e");
    s = atoll_schema_new(&f.error);
    add_class(s, "A", ATOLL_CLASS_NORMAL, "_id");
    add_class(s, "B", ATOLL_CLASS_NORMAL, "_id");
    atoll_schema_add_property(s, 0, S("b"), ATOLL_TYPE_EMBEDDED, ATOLL_PROPERTY_NULLABLE, S("B"),
                              &f.error);
    GOOD(f.error);
    refused(&f, s, "A.b");
    s = atoll_schema_new(&f.error);
    add_class(s, "M", ATOLL_CLASS_ASYMMETRIC, "_id");
    refused(&f, s, "Asymmetric table 'M' not allowed in a local Realm");
    s = atoll_schema_new(&f.error);
    atoll_schema_add_class(s, S("E"), ATOLL_CLASS_EMBEDDED, &f.error);
    atoll_schema_add_property(s, 0, S("k"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &f.error);
    SAYS(f.error, ATOLL_ERROR_SCHEMA_INVALID, "embedded classes have none");
    atoll_schema_free(s);
    fixture_close(&f);
}

/* ---- queries ---- */
Test(bad_input, a_malformed_query_says_where_and_what_was_expected)
{
    fixture f;
    fixture_open(&f);
    static const struct {
        const char *text;
        atoll_status code;
        const char *words;
    } queries[] = {
        {"age >", ATOLL_ERROR_QUERY_SYNTAX, "1:"},
        {"age > > 3", ATOLL_ERROR_QUERY_SYNTAX, "1:7"},
        {"(age > 3", ATOLL_ERROR_QUERY_SYNTAX, "1:9"},
        {"name == 'x", ATOLL_ERROR_QUERY_SYNTAX, "1:9"},
        {"age > 3 AND", ATOLL_ERROR_QUERY_SYNTAX, "1:"},
        {"age > 3\nAND OR", ATOLL_ERROR_QUERY_SYNTAX, "2:5"},
        {"wings == 2", ATOLL_ERROR_UNKNOWN_PROPERTY, "wings"},
        {"owner.wings == 2", ATOLL_ERROR_UNKNOWN_PROPERTY, "wings"},
        {"age == 'three'", ATOLL_ERROR_QUERY_TYPE, "int with string (in the query at 1:5)"},
        {"age == $0", ATOLL_ERROR_QUERY_ARGUMENT, "$0"},
        {"age.name == 1", ATOLL_ERROR_QUERY_TYPE, "age"},
        {"SUBQUERY(owner, $d, $d.age > 1).@count > 1", ATOLL_ERROR_QUERY_TYPE,
         "needs a list of objects"},
        {"age == 99999999999999999999", ATOLL_ERROR_QUERY_SYNTAX, "1:8"},
        {"\xff\xfe", ATOLL_ERROR_QUERY_SYNTAX, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        atoll_results *results =
            atoll_results_new(f.realm, f.dog, S(queries[i].text), NULL, &f.error);
        cr_assert_null(results, "'%s' was taken", queries[i].text);
        cr_assert_not_null(strstr(atoll_error_message(f.error), queries[i].words),
                           "'%s': '%s' does not say '%s'", queries[i].text,
                           atoll_error_message(f.error), queries[i].words);
        cr_assert_eq(atoll_error_code(f.error), queries[i].code, "'%s': %s: %s", queries[i].text,
                     atoll_status_name(atoll_error_code(f.error)), atoll_error_message(f.error));
        atoll_error_free(f.error);
        f.error = NULL;
    }
    size_t deep = 200000; /* brackets */
    char *text = malloc(deep * 2 + 10);
    memset(text, '(', deep);
    memcpy(text + deep, "age>1", 5);
    memset(text + deep + 5, ')', deep);
    cr_assert_null(atoll_results_new(f.realm, f.dog, text, deep * 2 + 5, NULL, &f.error));
    cr_assert_not_null(f.error);
    atoll_error_free(f.error);
    f.error = NULL;
    free(text);
    cr_assert(is_usable(&f));
    fixture_close(&f);
}

/* ---- handles ---- */
Test(bad_input, objects_of_another_realm_are_refused)
{
    fixture f, g;
    fixture_open(&f);
    fixture_open(&g);
    begin(&g);
    atoll_values *key = text_key("ann");
    atoll_object *stranger = atoll_realm_create(g.realm, g.person, key, &g.error);
    GOOD(g.error);
    commit(&g);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "a", 1);
    atoll_object_set_object(dog, f.dog_owner, stranger, &f.error);
    SAYS(f.error, ATOLL_ERROR_WRONG_REALM, g.path);
    atoll_values *values = atoll_values_new(&f.error);
    atoll_values_add_object(values, stranger, &f.error);
    GOOD(f.error);
    atoll_object_set_value(dog, f.dog_owner, values, &f.error);
    SAYS(f.error, ATOLL_ERROR_WRONG_REALM, g.path);
    commit(&f);
    cr_assert_null(atoll_results_new(f.realm, f.dog, S("owner == $0"), values, &f.error));
    SAYS(f.error, ATOLL_ERROR_WRONG_REALM, g.path);
    atoll_object_set_object(dog, f.dog_owner, dog, &f.error);
    SAYS(f.error, ATOLL_ERROR_TYPE_MISMATCH, "Person");
    atoll_values_free(values);
    atoll_values_free(key);
    atoll_object_free(stranger);
    atoll_object_free(dog);
    cr_assert(is_usable(&f) && is_usable(&g));
    fixture_close(&g);
    fixture_close(&f);
}

typedef struct bag {
    atoll_realm *realm;
    atoll_object *object;
    atoll_results *results;
    atoll_list *list;
    atoll_queue *queue;
    atoll_values *values;
} bag;

static void *free_bag(void *context)
{
    bag *b = context;
    unsigned seed = (unsigned)(uintptr_t)b->object;
    for (int left = 63; left != 0;) { /* in any order */
        int one = rand_r(&seed) % 6;
        if ((left >> one & 1) == 0) continue;
        left &= ~(1 << one);
        if (one == 0) atoll_realm_free(b->realm);
        if (one == 1) atoll_object_free(b->object);
        if (one == 2) atoll_results_free(b->results);
        if (one == 3) atoll_list_free(b->list);
        if (one == 4) atoll_queue_free(b->queue);
        if (one == 5) atoll_values_free(b->values);
    }
    return NULL;
}

Test(bad_input, handles_are_freed_in_any_order_by_any_thread)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object_free(make_dog(&f, 1, "a", 1));
    commit(&f);
    for (int round = 0; round < 60; round++) {
        bag bags[3];
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) {
            bag *b = &bags[i];
            b->realm = open_dogs(f.path, &f.error);
            GOOD(f.error);
            atoll_values *key = int_key(1);
            b->object = atoll_realm_find(b->realm, f.dog, key, &f.error);
            b->list = atoll_object_get_list(b->object, f.dog_tags, &f.error);
            b->results = atoll_results_new(b->realm, f.dog, S("age > 0"), NULL, &f.error);
            b->queue = atoll_queue_new(&f.error);
            b->values = atoll_values_new(&f.error);
            atoll_values_add_object(b->values, b->object, &f.error);
            atoll_results_observe(b->results, b->queue, &f.error);
            atoll_list_observe(b->list, b->queue, &f.error);
            if (i == 2 && round % 2 == 0) { /* with a transaction open */
                atoll_realm_begin(b->realm, &f.error);
                atoll_object_set_int(b->object, f.dog_age, 77, &f.error);
            }
            GOOD(f.error);
            atoll_values_free(key);
        }
        for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, free_bag, &bags[i]);
        for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    }
    cr_assert_eq(count_of(&f, f.dog, "age == 77"), 0);
    cr_assert(is_usable(&f));
    fixture_close(&f);
}

typedef struct visitor {
    fixture *f;
    atoll_object *object;
    atoll_results *results;
    atoll_list *list;
    int wrong;
} visitor;

#define WRONG(call)                                                      \
    do {                                                                 \
        atoll_error *error = NULL;                                       \
        (void)(call);                                                    \
        v->wrong += atoll_error_code(error) == ATOLL_ERROR_WRONG_THREAD; \
        atoll_error_free(error);                                         \
    } while (0)

static void *visit(void *context)
{
    visitor *v = context;
    fixture *f = v->f;
    WRONG(atoll_object_get_int(v->object, f->dog_age, &error));
    WRONG(atoll_object_set_int(v->object, f->dog_age, 5, &error));
    WRONG(atoll_object_delete(v->object, &error));
    WRONG(atoll_results_count(v->results, &error));
    WRONG(atoll_results_object(v->results, 0, &error));
    WRONG(atoll_list_count(v->list, &error));
    WRONG(atoll_list_clear(v->list, &error));
    WRONG(atoll_realm_refresh(f->realm, &error));
    WRONG(atoll_realm_commit(f->realm, &error));
    WRONG(atoll_realm_rollback(f->realm, &error));
    return NULL;
}

Test(bad_input, another_thread_is_told_so_by_every_handle)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    visitor v = {.f = &f, .object = make_dog(&f, 1, "a", 1)};
    v.results = atoll_results_new(f.realm, f.dog, S(""), NULL, &f.error);
    v.list = atoll_object_get_list(v.object, f.dog_tags, &f.error);
    pthread_t other;
    pthread_create(&other, NULL, visit, &v);
    pthread_join(other, NULL);
    cr_assert_eq(v.wrong, 10);
    commit(&f);
    cr_assert_eq(atoll_object_get_int(v.object, f.dog_age, &f.error), 1);
    atoll_object_free(v.object);
    atoll_results_free(v.results);
    atoll_list_free(v.list);
    fixture_close(&f);
}

Test(bad_input, a_second_transaction_of_one_thread_is_an_error_and_no_wait)
{
    fixture f;
    fixture_open(&f);
    atoll_realm *second = open_dogs(f.path, &f.error);
    GOOD(f.error);
    begin(&f);
    atoll_realm_begin(second, &f.error);
    BAD(f.error, ATOLL_ERROR_TRANSACTION_ACTIVE);
    commit(&f);
    atoll_realm_begin(second, &f.error);
    atoll_realm_rollback(second, &f.error);
    GOOD(f.error);
    atoll_realm_free(second);
    cr_assert(is_usable(&f));
    fixture_close(&f);
}

/* ---- processes ---- */
Test(bad_input, a_forked_child_is_told_and_does_not_hang)
{
    fixture f;
    fixture_open(&f);
    begin(&f);
    atoll_object *dog = make_dog(&f, 1, "a", 1);
    commit(&f);
    pid_t child = fork();
    if (child == 0) {
        atoll_error *error = NULL;
        alarm(20);
        (void)atoll_object_get_int(dog, f.dog_age, &error);
        if (atoll_error_code(error) != ATOLL_ERROR_FORKED) _exit(1);
        error = NULL;
        atoll_realm_begin(f.realm, &error);
        if (atoll_error_code(error) != ATOLL_ERROR_FORKED) _exit(2);
        error = NULL;
        if (open_dogs(f.path, &error) != NULL || atoll_error_code(error) != ATOLL_ERROR_FORKED)
            _exit(3);
        error = NULL;
        strcat(f.path,
               ".2"); /* no other realm either: the store's threads stayed with the parent */
        if (open_dogs(f.path, &error) != NULL || atoll_error_code(error) != ATOLL_ERROR_FORKED)
            _exit(4);
        atoll_object_free(dog);
        atoll_realm_free(f.realm);
        _exit(0);
    }
    int code = -1;
    cr_assert_eq(waitpid(child, &code, 0), child);
    cr_assert(WIFEXITED(code) && WEXITSTATUS(code) == 0, "the child ended with %x", (unsigned)code);
    cr_assert_eq(atoll_object_get_int(dog, f.dog_age, &f.error), 1);
    atoll_object_free(dog);
    cr_assert(is_usable(&f));
    fixture_close(&f);
}

Test(bad_input, a_child_that_lives_on_does_not_keep_the_folder)
{
    fixture f;
    int held[2];
    fixture_open(&f);
    cr_assert_eq(pipe(held), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(held[1]);
        _exit(read(held[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(held[0]);
    atoll_realm_free(f.realm);
    f.realm = open_dogs(f.path, &f.error);
    GOOD(f.error);
    close(held[1]);
    waitpid(child, NULL, 0);
    cr_assert(is_usable(&f));
    fixture_close(&f);
}

Test(bad_input, a_second_process_is_told_who_has_the_folder)
{
    fixture f = {0};
    int ready[2], done[2];
    char byte;
    cr_assert_not_null(temp_folder(f.folder));
    snprintf(f.path, sizeof f.path, "%s/dogs.atoll", f.folder);
    cr_assert(pipe(ready) == 0 && pipe(done) == 0);
    pid_t child = fork();
    if (child == 0) {
        atoll_error *error = NULL;
        close(done[1]);
        bool fine = open_dogs(f.path, &error) != NULL && write(ready[1], "r", 1) == 1;
        _exit(fine && read(done[0], &byte, 1) == 0 ? 0 : 1); /* without closing: as a crash would */
    }
    close(done[0]);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    char holder[32];
    snprintf(holder, sizeof holder, "process %ld", (long)child);
    cr_assert_null(open_dogs(f.path, &f.error));
    SAYS(f.error, ATOLL_ERROR_FILE_IN_USE, holder);
    atoll_config *config = atoll_config_new(&f.error);
    atoll_config_set_path(config, S(f.path), &f.error);
    GOOD(f.error);
    atoll_realm_delete_files(config, &f.error);
    SAYS(f.error, ATOLL_ERROR_FILE_IN_USE, holder);
    close(done[1]);
    int code = -1;
    waitpid(child, &code, 0);
    cr_assert_eq(code, 0);
    f.realm = open_dogs(f.path, &f.error);
    GOOD(f.error);
    fixture_keys(&f);
    cr_assert(is_usable(&f));
    atoll_realm_delete_files(config, &f.error);
    BAD(f.error, ATOLL_ERROR_FILE_IN_USE);
    atoll_realm_free(f.realm);
    atoll_realm_delete_files(config, &f.error);
    GOOD(f.error);
    cr_assert_neq(access(f.path, F_OK), 0);
    atoll_config_free(config);
    temp_folder_remove(f.folder);
}

Test(bad_input, deleting_spares_what_is_no_realm)
{
    char folder[64], path[96], file[128];
    atoll_error *error = NULL;
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/letters", folder);
    snprintf(file, sizeof file, "%s/dear.txt", path);
    cr_assert_eq(mkdir(path, 0755), 0);
    close(open(file, O_CREAT | O_WRONLY, 0644));
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    GOOD(error);
    atoll_realm_delete_files(config, &error);
    SAYS(error, ATOLL_ERROR_FILE_NOT_REALM, path);
    cr_assert_eq(access(file, F_OK), 0);
    atoll_config_set_path(config, S(file), &error);
    atoll_realm_delete_files(config, &error);
    SAYS(error, ATOLL_ERROR_FILE_NOT_REALM, file);
    cr_assert_eq(access(file, F_OK), 0);
    atoll_config_free(config);
    temp_folder_remove(folder);
}

/* ---- the disk ---- */
static void fill(fixture *f)
{
    begin(f);
    for (int i = 0; i < 300; i++) {
        char name[200];
        memset(name, 'a' + i % 26, sizeof name - 1);
        name[sizeof name - 1] = 0;
        atoll_object *dog = make_dog(f, i, name, i);
        atoll_object_set_double(dog, f->dog_weight, i, &f->error);
        GOOD(f->error);
        atoll_object_free(dog);
    }
    commit(f);
}

static off_t size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) ? info.st_size : 0;
}

/* The files of the realm that hold data, without markers and logs for people. */
static size_t data_files(const char *folder, char names[16][400])
{
    DIR *d = opendir(folder);
    size_t count = 0;
    struct dirent *entry;
    while (d != NULL && (entry = readdir(d)) != NULL && count < 16) {
        if (strncmp(entry->d_name, "LOG", 3) == 0 || strncmp(entry->d_name, "OPTIONS", 7) == 0 ||
            strncmp(entry->d_name, "atoll", 5) == 0)
            continue;
        snprintf(names[count], 400, "%s/%s", folder, entry->d_name);
        if (size_of(names[count]) > 0) count++;
    }
    if (d != NULL) closedir(d);
    return count;
}

/* Opens the damaged folder in a child, which reads all and writes: 0 all is there, 1 an error said it, else a crash. */
static int try_folder(const char *path, atoll_status *code)
{
    int answer[2];
    cr_assert_eq(pipe(answer), 0);
    pid_t child = fork();
    if (child == 0) {
        fixture f = {0};
        int64_t sum = 0;
        alarm(30);
        f.realm = open_dogs(path, &f.error);
        if (f.realm != NULL) {
            f.dog = atoll_realm_class(f.realm, S("Dog"), &f.error);
            uint32_t name =
                f.error == NULL ? atoll_realm_property(f.realm, f.dog, S("name"), &f.error) : 0;
            uint32_t age =
                f.error == NULL ? atoll_realm_property(f.realm, f.dog, S("age"), &f.error) : 0;
            for (int i = 0; i < 300 && f.error == NULL; i++) {
                atoll_values *key = atoll_values_new(&f.error);
                atoll_values_add_int(key, i, &f.error);
                atoll_object *dog = atoll_realm_find(f.realm, f.dog, key, &f.error);
                atoll_values_free(key);
                if (f.error != NULL || dog == NULL) break;
                sum += (int64_t)atoll_object_get_string(dog, name, &f.error).size;
                if (f.error == NULL) sum += atoll_object_get_int(dog, age, &f.error);
                atoll_object_free(dog);
            }
            atoll_realm_free(f.realm);
        }
        atoll_status said = atoll_error_code(f.error);
        if (write(answer[1], &said, sizeof said) != sizeof said) _exit(9);
        _exit(said != ATOLL_OK ? 1 : sum == 300 * 199 + 299 * 150 ? 0 : 2);
    }
    int result = -1;
    close(answer[1]);
    *code = ATOLL_OK;
    if (read(answer[0], code, sizeof *code) != sizeof *code) *code = -1;
    close(answer[0]);
    waitpid(child, &result, 0);
    return WIFEXITED(result) ? WEXITSTATUS(result) : 1000 + WTERMSIG(result);
}

Test(bad_input, flipped_and_missing_bytes_on_disk_are_noticed, .timeout = 120)
{
    fixture f = {0};
    char command[400], damaged[96], names[16][400];
    unsigned seed = 12345;
    int noticed = 0, harmless = 0, rewound = 0;
    cr_assert_not_null(temp_folder(f.folder));
    snprintf(f.path, sizeof f.path, "%s/dogs.atoll", f.folder);
    snprintf(damaged, sizeof damaged, "%s/damaged.atoll", f.folder);
    pid_t writer = fork(); /* a process of its own: what it had open is gone with it */
    if (writer == 0) {
        f.realm = open_dogs(f.path, &f.error);
        fixture_keys(&f);
        fill(&f);
        atoll_realm_free(f.realm);
        _exit(0);
    }
    int written = -1;
    waitpid(writer, &written, 0);
    cr_assert_eq(written, 0);
    for (int round = 0; round < 120; round++) {
        snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", damaged, f.path,
                 damaged);
        cr_assert_eq(system(command), 0);
        size_t count = data_files(damaged, names);
        cr_assert_gt(count, 0);
        const char *name = names[(unsigned)rand_r(&seed) % count];
        off_t size = size_of(name), at = (off_t)((unsigned)rand_r(&seed) % (unsigned)size);
        if (round % 4 == 3) {
            cr_assert_eq(truncate(name, at), 0);
        } else {
            int file = open(name, O_RDWR);
            unsigned char byte = 0;
            cr_assert(pread(file, &byte, 1, at) == 1);
            byte ^= (unsigned char)(1u << (unsigned)rand_r(&seed) % 8);
            cr_assert(pwrite(file, &byte, 1, at) == 1);
            close(file);
        }
        atoll_status code;
        int result = try_folder(damaged, &code);
        cr_assert_leq(result, 2, "round %d: %s damaged at %ld of %ld ends the process with %d",
                      round, name, (long)at, (long)size, result);
        if (result == 1)
            cr_assert(code == ATOLL_ERROR_FILE_CORRUPT || code == ATOLL_ERROR_FILE_ACCESS ||
                          code == ATOLL_ERROR_FILE_NOT_REALM,
                      "round %d: %s at %ld: %s", round, name, (long)at, atoll_status_name(code));
        /* The end of the journal may be cut off as after a power cut: then less is there, and it is whole. */
        bool journal = strstr(name, ".log") != NULL;
        cr_assert(result != 2 || journal,
                  "round %d: %s damaged at %ld gives wrong data without an error", round, name,
                  (long)at);
        noticed += result == 1;
        harmless += result == 0;
        rewound += result == 2;
    }
    cr_assert_gt(noticed, 20, "noticed %d, harmless %d, rewound %d", noticed, harmless, rewound);
    temp_folder_remove(f.folder);
}

Test(bad_input, a_full_disk_is_an_error_and_what_was_written_stays, .timeout = 60)
{
    fixture f = {0};
    cr_assert_not_null(temp_folder(f.folder));
    snprintf(f.path, sizeof f.path, "%s/dogs.atoll", f.folder);
    pid_t child = fork();
    if (child == 0) {
        int64_t committed = 0;
        signal(SIGXFSZ, SIG_IGN);
        f.realm = open_dogs(f.path, &f.error);
        fixture_keys(&f);
        struct rlimit limit = {
            600000, 600000}; /* a file of this process cannot grow past it: the disk is full */
        setrlimit(RLIMIT_FSIZE, &limit);
        char *photo = malloc(50000);
        memset(photo, 'p', 50000);
        for (int64_t i = 0; i < 40 && f.error == NULL; i++) {
            atoll_realm_begin(f.realm, &f.error);
            if (f.error != NULL) break;
            atoll_object *dog = make_dog(&f, i, "fills the disk", 1);
            atoll_object_set_binary(dog, f.dog_photo, photo, 50000, &f.error);
            if (f.error == NULL) atoll_realm_commit(f.realm, &f.error);
            if (f.error == NULL) committed++;
            atoll_object_free(dog);
        }
        if (f.error == NULL) _exit(100);
        fprintf(stderr, "%s: %s\n", atoll_status_name(atoll_error_code(f.error)),
                atoll_error_message(f.error));
        bool named = atoll_error_code(f.error) == ATOLL_ERROR_DISK_FULL ||
                     atoll_error_code(f.error) == ATOLL_ERROR_FILE_ACCESS;
        if (!named) _exit(101);
        f.error = NULL;
        /* Readers go on. */
        if (atoll_realm_is_in_transaction(f.realm)) atoll_realm_rollback(f.realm, &f.error);
        atoll_results *results = atoll_results_new(f.realm, f.dog, S(""), NULL, &f.error);
        int64_t count = atoll_results_count(results, &f.error);
        if (f.error != NULL || count < committed) _exit(102);
        _exit((int)committed);
    }
    int result = -1;
    waitpid(child, &result, 0);
    cr_assert(WIFEXITED(result) && WEXITSTATUS(result) > 0 && WEXITSTATUS(result) < 40,
              "the child ended with %x", (unsigned)result);
    f.realm = open_dogs(f.path, &f.error);
    GOOD(f.error);
    fixture_keys(&f);
    int64_t count = count_of(&f, f.dog, "name == 'fills the disk'");
    cr_assert(count == WEXITSTATUS(result) || count == WEXITSTATUS(result) + 1, "%ld of %d",
              (long)count, WEXITSTATUS(result));
    cr_assert(is_usable(&f));
    fixture_close(&f);
}

Test(bad_input, a_partition_is_of_five_types)
{
    atoll_error *error = NULL;
    atoll_config *config = atoll_config_new(&error);
    atoll_values *values = atoll_values_new(&error);
    atoll_values_add_double(values, 1.5, &error);
    GOOD(error);
    atoll_config_set_partition(config, NULL, values, &error);
    SAYS(error, ATOLL_ERROR_BAD_PARTITION_VALUE, "double");
    atoll_values_free(values);
    values = atoll_values_new(&error);
    atoll_config_set_partition(config, NULL, values, &error);
    BAD(error, ATOLL_ERROR_OUT_OF_RANGE);
    atoll_values_free(values);
    atoll_config_free(config);
}
