/* Classes of other shapes than the peer's: sixty properties of which two are asked for, strings of a kilobyte, lists of a
 * thousand. Each makes its own realm and closes it. */
#include "bench.h"

typedef struct shape {
    atoll_realm *realm;
    uint32_t class_of, properties[64];
    char path[512];
} shape;

static void shape_open(shape *s, const bench_options *o, const char *name, int32_t type,
                       int32_t flags, int count)
{
    atoll_error *error = NULL;
    atoll_schema *schema = atoll_schema_new(&error);
    int32_t class_at = atoll_schema_add_class(schema, S("Shape"), ATOLL_CLASS_NORMAL, &error);
    for (int i = 0; i < count; i++) {
        char property[16];
        snprintf(property, sizeof property, "p%d", i);
        atoll_schema_add_property(schema, class_at, S(property), type, flags, S(""), &error);
    }
    bench_check(error, "schema");
    bench_path(o, name, s->path);
    bench_remove(s->path);
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(s->path), &error);
    atoll_config_set_schema(config, schema, &error);
    s->realm = atoll_realm_open(config, &error);
    bench_check(error, "open");
    s->class_of = atoll_realm_class(s->realm, S("Shape"), &error);
    for (int i = 0; i < count; i++) {
        char property[16];
        snprintf(property, sizeof property, "p%d", i);
        s->properties[i] = atoll_realm_property(s->realm, s->class_of, S(property), &error);
    }
    bench_check(error, "keys");
    atoll_config_free(config);
    atoll_schema_free(schema);
}

static void shape_close(shape *s)
{
    atoll_realm_close(s->realm);
    atoll_realm_free(s->realm);
}

static void shape_reopen(shape *s)
{
    atoll_error *error = NULL;
    shape_close(s);
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(s->path), &error);
    s->realm = atoll_realm_open(config, &error);
    bench_check(error, "reopen");
    atoll_config_free(config);
}

static void shape_count(shape *s, const char *name, const char *query, long objects)
{
    atoll_error *error = NULL;
    for (int round = 0; round < 3; round++) {
        char line[128];
        double start = bench_now();
        atoll_results *results = atoll_results_new(s->realm, s->class_of, S(query), NULL, &error);
        int64_t count = atoll_results_count(results, &error);
        bench_check(error, query);
        if (count <= 0 || count > objects) exit(1);
        snprintf(line, sizeof line, "%s%s", name, round == 0 ? ".first" : "");
        if (round != 1) bench_print(line, (double)objects / (bench_now() - start), "rows/s");
        atoll_results_free(results);
    }
}

void bench_wide(const bench_options *o)
{
    enum { PROPERTIES = 60 };
    shape s;
    atoll_error *error = NULL;
    long objects = o->objects / 10;
    shape_open(&s, o, "wide", ATOLL_TYPE_DOUBLE, 0, PROPERTIES);
    double start = bench_now();
    for (long i = 0; i < objects; i += 1000) {
        atoll_realm_begin(s.realm, &error);
        for (long k = i; k < i + 1000 && k < objects; k++) {
            atoll_object *object = atoll_realm_create(s.realm, s.class_of, NULL, &error);
            for (int p = 0; p < PROPERTIES; p++)
                atoll_object_set_double(object, s.properties[p],
                                        bench_score((uint64_t)(k * 60 + p)), &error);
            atoll_object_free(object);
        }
        atoll_realm_commit(s.realm, &error);
        bench_check(error, "insert");
    }
    bench_print("wide_60.insert", (double)objects / (bench_now() - start), "objects/s");
    shape_reopen(&s);
    shape_count(&s, "wide_60.scan_two", "p7 > 0.5 AND p41 > 0.5", objects);
    bench_print("wide_60.end_rss_anon_after_scan_of_two", bench_rss_bytes(1), "bytes");
    shape_close(&s);
}

void bench_strings(const bench_options *o)
{
    enum { SIZE = 1024 };
    shape s;
    atoll_error *error = NULL;
    char text[SIZE];
    long objects = o->objects / 10;
    double sum = 0;
    shape_open(&s, o, "strings", ATOLL_TYPE_STRING, 0, 1);
    double start = bench_now();
    for (long i = 0; i < objects; i += 1000) {
        atoll_realm_begin(s.realm, &error);
        for (long k = i; k < i + 1000 && k < objects; k++) {
            for (int at = 0; at < SIZE; at++)
                text[at] = (char)('a' + (bench_mix((uint64_t)(k * 64 + at / 16)) >> at % 16) % 26);
            atoll_object *object = atoll_realm_create(s.realm, s.class_of, NULL, &error);
            atoll_object_set_string(object, s.properties[0], text, SIZE, &error);
            atoll_object_free(object);
        }
        atoll_realm_commit(s.realm, &error);
        bench_check(error, "insert");
    }
    bench_print("strings_1k.insert", (double)objects / (bench_now() - start), "objects/s");
    shape_reopen(&s);
    bench_print("strings_1k.file_bytes_per_object", bench_folder_bytes(s.path) / (double)objects,
                "bytes");
    atoll_results *all = atoll_results_new(s.realm, s.class_of, S(""), NULL, &error);
    start = bench_now();
    for (long i = 0; i < 20000; i++) {
        atoll_object *object = atoll_results_object(
            all, (int64_t)(bench_mix((uint64_t)i) % (uint64_t)objects), &error);
        sum += (double)atoll_object_get_string(object, s.properties[0], &error).size;
        atoll_object_free(object);
    }
    bench_check(error, "get");
    if (sum != 20000.0 * SIZE) exit(1);
    bench_print("strings_1k.get_at_random_cold", 20000 / (bench_now() - start), "ops/s");
    atoll_results_free(all);
    shape_close(&s);
}

void bench_lists(const bench_options *o)
{
    enum { SIZE = 1000 };
    shape s;
    atoll_error *error = NULL;
    long lists = o->objects / 10000 + 1;
    shape_open(&s, o, "lists", ATOLL_TYPE_INT, ATOLL_PROPERTY_LIST, 1);
    atoll_values *item = atoll_values_new(&error);
    atoll_values_add_int(item, 4711, &error);
    double start = bench_now();
    atoll_realm_begin(s.realm, &error);
    for (long i = 0; i < lists; i++) {
        atoll_object *object = atoll_realm_create(s.realm, s.class_of, NULL, &error);
        atoll_list *list = atoll_object_get_list(object, s.properties[0], &error);
        for (int k = 0; k < SIZE; k++) atoll_list_insert_value(list, k, item, &error);
        atoll_list_free(list);
        atoll_object_free(object);
    }
    bench_check(error, "insert");
    atoll_realm_commit(s.realm, &error);
    bench_print("lists_1000.append", (double)(lists * SIZE) / (bench_now() - start), "elements/s");
    shape_reopen(&s);
    bench_print("lists_1000.file_bytes_per_element",
                bench_folder_bytes(s.path) / (double)(lists * SIZE), "bytes");
    atoll_results *all = atoll_results_new(s.realm, s.class_of, S(""), NULL, &error);
    start = bench_now();
    for (long i = 0; i < lists; i++) { /* one element more in each, its own transaction */
        atoll_realm_begin(s.realm, &error);
        atoll_object *object = atoll_results_object(all, i, &error);
        atoll_list *list = atoll_object_get_list(object, s.properties[0], &error);
        atoll_list_insert_value(list, SIZE, item, &error);
        atoll_list_free(list);
        atoll_object_free(object);
        atoll_realm_commit(s.realm, &error);
    }
    bench_check(error, "append");
    bench_print("lists_1000.append_one_tx", (double)lists / (bench_now() - start), "tx/s");
    atoll_results_free(all);
    atoll_values_free(item);
    shape_close(&s);
}
