/* Clocks, figures and the bench's class. It must never hide an error: a section that fails ends the program. */
#include "bench.h"
#include <dirent.h>
#include <sys/stat.h>

int bench_cpu_time;

double bench_now(void)
{
    struct timespec t;
    clock_gettime(bench_cpu_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void bench_print(const char *name, double value, const char *unit)
{
    printf("%s %.9g %s\n", name, value, unit);
    fflush(stdout);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_percentiles(const char *name, double *microseconds, size_t count)
{
    char line[128];
    qsort(microseconds, count, sizeof *microseconds, compare_doubles);
    snprintf(line, sizeof line, "%s.p50", name);
    bench_print(line, microseconds[count / 2], "us");
    snprintf(line, sizeof line, "%s.p99", name);
    bench_print(line, microseconds[count * 99 / 100], "us");
    snprintf(line, sizeof line, "%s.max", name);
    bench_print(line, microseconds[count - 1], "us");
}

void bench_check(atoll_error *error, const char *what)
{
    if (error == NULL) return;
    fprintf(stderr, "%s: %s: %s\n", what, atoll_status_name(atoll_error_code(error)),
            atoll_error_message(error));
    exit(1);
}

uint64_t bench_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

int64_t bench_key(uint64_t i)
{
    return (int64_t)(bench_mix(i * 7 + 1) >> 1);
}

double bench_score(uint64_t i)
{
    return (double)(bench_mix(i) >> 11) * 0x1p-53;
}

double bench_folder_bytes(const char *path)
{
    DIR *folder = opendir(path);
    double total = 0;
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        char name[4096];
        struct stat info;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (stat(name, &info) != 0) continue;
        total += S_ISDIR(info.st_mode) ? bench_folder_bytes(name) : (double)info.st_size;
    }
    if (folder != NULL) closedir(folder);
    return total;
}

double bench_file_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (double)info.st_size : 0;
}

void bench_remove(const char *path)
{
    atoll_error *error = NULL;
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    (void)atoll_realm_delete_files(config, NULL); /* it may not exist yet */
    atoll_config_free(config);
    bench_check(error, "remove");
}

double bench_rss_bytes(int anonymous)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kilobytes = 0;
    const char *wanted = anonymous ? "RssAnon:" : "VmRSS:";
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, wanted, strlen(wanted)) == 0)
            kilobytes = strtod(line + strlen(wanted), NULL);
    if (file != NULL) fclose(file);
    return kilobytes * 1024;
}

atoll_schema *bench_schema(void)
{
    atoll_error *error = NULL;
    atoll_schema *s = atoll_schema_new(&error);
    int32_t item = atoll_schema_add_class(s, S("Item"), ATOLL_CLASS_NORMAL, &error);
    atoll_schema_add_property(s, item, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &error);
    atoll_schema_add_property(s, item, S("name"), ATOLL_TYPE_STRING, 0, S(""), &error);
    atoll_schema_add_property(s, item, S("score"), ATOLL_TYPE_DOUBLE, 0, S(""), &error);
    atoll_schema_add_property(s, item, S("created"), ATOLL_TYPE_TIMESTAMP, 0, S(""), &error);
    atoll_schema_add_property(s, item, S("done"), ATOLL_TYPE_BOOL, 0, S(""), &error);
    atoll_schema_add_property(s, item, S("link"), ATOLL_TYPE_LINK, ATOLL_PROPERTY_NULLABLE,
                              S("Item"), &error);
    bench_check(error, "schema");
    return s;
}

void bench_keys(bench_realm *b)
{
    atoll_error *error = NULL;
    b->item = atoll_realm_class(b->realm, S("Item"), &error);
    b->id = atoll_realm_property(b->realm, b->item, S("_id"), &error);
    b->name = atoll_realm_property(b->realm, b->item, S("name"), &error);
    b->score = atoll_realm_property(b->realm, b->item, S("score"), &error);
    b->created = atoll_realm_property(b->realm, b->item, S("created"), &error);
    b->done = atoll_realm_property(b->realm, b->item, S("done"), &error);
    b->link = atoll_realm_property(b->realm, b->item, S("link"), &error);
    bench_check(error, "keys");
}

void bench_open(bench_realm *b, const char *path, int sync_commits)
{
    atoll_error *error = NULL;
    atoll_schema *schema = bench_schema();
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    atoll_config_set_schema(config, schema, &error);
    atoll_config_set_sync_commits(config, sync_commits != 0, &error);
    bench_check(error, "configuration");
    b->realm = atoll_realm_open(config, &error);
    bench_check(error, "open");
    atoll_config_free(config);
    atoll_schema_free(schema);
    bench_keys(b);
}

void bench_close(bench_realm *b)
{
    atoll_realm_close(b->realm);
    atoll_realm_free(b->realm);
}

atoll_object *bench_insert(bench_realm *b, uint64_t i, atoll_object *link)
{
    static const char digits[] = "0123456789abcdef";
    atoll_error *error = NULL;
    atoll_values *key = atoll_values_new(&error);
    atoll_values_add_int(key, bench_key(i), &error);
    atoll_object *object = atoll_realm_create(b->realm, b->item, key, &error);
    bench_check(error, "create");
    char name[17] = "item-";
    uint64_t hash = bench_mix(i);
    for (int k = 5; k < 16; k++, hash >>= 4) name[k] = digits[hash & 15];
    hash = bench_mix(i);
    name[0] = (char)('a' + hash % 26);
    atoll_object_set_string(object, b->name, name, 16, &error);
    atoll_object_set_double(object, b->score, bench_score(i), &error);
    atoll_object_set_timestamp(object, b->created, (atoll_timestamp){1700000000 + (int64_t)i, 0, 0},
                               &error);
    atoll_object_set_bool(object, b->done, (hash & 1) != 0, &error);
    if (link != NULL) atoll_object_set_object(object, b->link, link, &error);
    bench_check(error, "set");
    atoll_values_free(key);
    return object;
}
