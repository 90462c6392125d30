/* A realm of a million objects that changes: a migration that computes a value for each, an index built over all of them,
 * and work with a twentieth of the memory that they take. Each step goes on with the realm of the one before. */
#include "bench.h"

typedef struct thing_realm {
    atoll_realm *realm;
    uint32_t thing, id, name, number, text;
} thing_realm;

/* Version 0 has a number, version 1 a text made of it, version 2 an index on the name. */
static atoll_config *thing_config(const char *path, int64_t version, int64_t budget)
{
    atoll_error *error = NULL;
    atoll_schema *s = atoll_schema_new(&error);
    int32_t thing = atoll_schema_add_class(s, S("Thing"), ATOLL_CLASS_NORMAL, &error);
    atoll_schema_add_property(s, thing, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &error);
    atoll_schema_add_property(s, thing, S("name"), ATOLL_TYPE_STRING,
                              version >= 2 ? ATOLL_PROPERTY_INDEXED : 0, S(""), &error);
    if (version == 0)
        atoll_schema_add_property(s, thing, S("number"), ATOLL_TYPE_INT, 0, S(""), &error);
    else
        atoll_schema_add_property(s, thing, S("text"), ATOLL_TYPE_STRING, 0, S(""), &error);
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    atoll_config_set_schema(config, s, &error);
    atoll_config_set_schema_version(config, version, &error);
    if (budget != 0) atoll_config_set_memory_budget_bytes(config, budget, &error);
    bench_check(error, "configuration");
    atoll_schema_free(s);
    return config;
}

static void thing_open(thing_realm *t, const char *path, int64_t version, int64_t budget)
{
    atoll_error *error = NULL;
    atoll_config *config = thing_config(path, version, budget);
    *t = (thing_realm){.realm = atoll_realm_open(config, &error)};
    bench_check(error, "open");
    atoll_config_free(config);
    t->thing = atoll_realm_class(t->realm, S("Thing"), &error);
    t->id = atoll_realm_property(t->realm, t->thing, S("_id"), &error);
    t->name = atoll_realm_property(t->realm, t->thing, S("name"), &error);
    if (version == 0)
        t->number = atoll_realm_property(t->realm, t->thing, S("number"), &error);
    else
        t->text = atoll_realm_property(t->realm, t->thing, S("text"), &error);
    bench_check(error, "keys");
}

static void thing_close(thing_realm *t)
{
    atoll_realm_close(t->realm);
    atoll_realm_free(t->realm);
}

static void fill(const bench_options *o, const char *path)
{
    thing_realm t;
    atoll_error *error = NULL;
    bench_remove(path);
    thing_open(&t, path, 0, 0);
    atoll_realm_begin(t.realm, &error);
    for (long i = 0; i < o->objects; i++) {
        char name[17];
        atoll_values *key = atoll_values_new(&error);
        atoll_values_add_int(key, bench_key((uint64_t)i), &error);
        atoll_object *object = atoll_realm_create(t.realm, t.thing, key, &error);
        snprintf(name, sizeof name, "%016llx", (unsigned long long)bench_mix((uint64_t)i));
        atoll_object_set_string(object, t.name, name, 16, &error);
        atoll_object_set_int(object, t.number, i, &error);
        atoll_object_free(object);
        atoll_values_free(key);
    }
    atoll_realm_commit(t.realm, &error);
    bench_check(error, "fill");
    thing_close(&t);
}

static void migrate(const bench_options *o, const char *path)
{
    atoll_error *error = NULL;
    double start = bench_now();
    atoll_config *config = thing_config(path, 1, 0);
    atoll_migration *m = atoll_migration_begin(config, &error);
    bench_check(error, "migration");
    atoll_realm *old = atoll_migration_old_realm(m, &error),
                *fresh = atoll_migration_new_realm(m, &error);
    uint32_t was = atoll_realm_class(old, S("Thing"), &error),
             is = atoll_realm_class(fresh, S("Thing"), &error),
             number = atoll_realm_property(old, was, S("number"), &error),
             text = atoll_realm_property(fresh, is, S("text"), &error);
    atoll_results *all = atoll_results_new(old, was, S(""), NULL, &error);
    int64_t count = atoll_results_count(all, &error);
    atoll_object *before = atoll_results_object(all, 0, &error);
    bench_check(error, "old objects");
    for (int64_t i = 0; i < count; i++) {
        char digits[24];
        atoll_results_move(all, i, before, &error);
        atoll_object *after = atoll_migration_find_new(m, before, &error);
        int size = snprintf(digits, sizeof digits, "%lld",
                            (long long)atoll_object_get_int(before, number, &error));
        atoll_object_set_string(after, text, digits, (size_t)size, &error);
        atoll_object_free(after);
    }
    atoll_object_free(before);
    atoll_results_free(all);
    atoll_migration_commit(m, &error);
    bench_check(error, "migrate");
    atoll_migration_free(m);
    atoll_config_free(config);
    if (count != o->objects) exit(1);
    bench_print("migrate", (double)count / (bench_now() - start), "objects/s");
}

static void build_index(const bench_options *o, const char *path)
{
    thing_realm t;
    atoll_error *error = NULL;
    char query[64];
    double start = bench_now();
    thing_open(&t, path, 2, 0);
    bench_print("index_build", (double)o->objects / (bench_now() - start), "objects/s");
    double took = 1e9;
    for (int round = 0; round < 20; round++) {
        snprintf(query, sizeof query, "name == '%016llx'",
                 (unsigned long long)bench_mix((uint64_t)round * 37));
        start = bench_now();
        atoll_results *found = atoll_results_new(t.realm, t.thing, S(query), NULL, &error);
        if (atoll_results_count(found, &error) != 1) exit(1);
        if (bench_now() - start < took) took = bench_now() - start;
        atoll_results_free(found);
    }
    bench_check(error, query);
    bench_print("index_build.find_by_name", took * 1e6, "us");
    thing_close(&t);
}

/* With the realm of bench_reshape, in a process that has not held all of it. */
void bench_budget(const bench_options *o)
{
    char path[512];
    thing_realm t;
    atoll_error *error = NULL;
    long gets = o->objects / 10;
    bench_path(o, "reshape", path);
    double size = bench_folder_bytes(path), sum = 0;
    thing_open(&t, path, 2, (int64_t)(size / 20));
    double start = bench_now();
    for (long i = 0; i < gets; i++) {
        atoll_values *key = atoll_values_new(&error);
        atoll_values_add_int(key, bench_key(bench_mix((uint64_t)i) % (uint64_t)o->objects), &error);
        atoll_object *object = atoll_realm_find(t.realm, t.thing, key, &error);
        sum += (double)atoll_object_get_string(object, t.text, &error).size;
        atoll_object_free(object);
        atoll_values_free(key);
    }
    bench_check(error, "get");
    if (sum == 0) exit(1);
    bench_print("budget_twentieth.get_by_pk", (double)gets / (bench_now() - start), "ops/s");
    start = bench_now();
    atoll_results *found =
        atoll_results_new(t.realm, t.thing, S("text ENDSWITH '7'"), NULL, &error);
    if (atoll_results_count(found, &error) == 0) exit(1);
    bench_check(error, "scan");
    bench_print("budget_twentieth.scan", (double)o->objects / (bench_now() - start), "rows/s");
    bench_print("budget_twentieth.folder_bytes", size, "bytes");
    bench_print("budget_twentieth.end_rss_anon", bench_rss_bytes(1), "bytes");
    atoll_results_free(found);
    thing_close(&t);
}

void bench_reshape(const bench_options *o)
{
    char path[512];
    bench_path(o, "reshape", path);
    fill(o, path);
    migrate(o, path);
    build_index(o, path);
}
