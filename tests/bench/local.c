/* The sections without a network, under the peer's names. The realm of insert_bulk is what open_warm and ops use. */
#include "bench.h"

void bench_path(const bench_options *o, const char *name, char to[512])
{
    snprintf(to, 512, "%s/%s.atoll", o->folder, name);
}

void bench_begin(bench_realm *b)
{
    atoll_error *error = NULL;
    atoll_realm_begin(b->realm, &error);
    bench_check(error, "begin");
}

void bench_commit(bench_realm *b)
{
    atoll_error *error = NULL;
    atoll_realm_commit(b->realm, &error);
    bench_check(error, "commit");
}

void bench_insert_range(bench_realm *b, long from, long to, atoll_object **link)
{
    for (long i = from; i < to; i++) {
        atoll_object *object = bench_insert(b, (uint64_t)i, *link);
        if (i % 16 == 0) {
            atoll_object_free(*link);
            *link = object;
        } else {
            atoll_object_free(object);
        }
    }
}

void bench_insert_bulk(const bench_options *o)
{
    char path[512];
    bench_realm b;
    atoll_object *link = NULL;
    bench_path(o, "bulk", path);
    bench_remove(path);
    bench_open(&b, path, 1);
    double start = bench_now();
    bench_begin(&b);
    bench_insert_range(&b, 0, o->objects, &link);
    double before_commit = bench_now();
    bench_commit(&b);
    double end = bench_now();
    atoll_object_free(link);
    bench_print("insert_bulk", (double)o->objects / (end - start), "objects/s");
    bench_print("insert_bulk.commit_time_total", end - before_commit, "s");
    bench_close(&b);
    bench_print("insert_bulk.file_bytes_per_object", bench_folder_bytes(path) / (double)o->objects,
                "bytes");
    bench_print("insert_bulk.end_rss_anon", bench_rss_bytes(1), "bytes");
}

void bench_insert_bulk_1000(const bench_options *o)
{
    char path[512];
    bench_realm b;
    atoll_object *link = NULL;
    bench_path(o, "bulk_1000", path);
    bench_remove(path);
    bench_open(&b, path, 1);
    double start = bench_now();
    for (long i = 0; i < o->objects; i += 1000) {
        bench_begin(&b);
        bench_insert_range(&b, i, i + 1000 < o->objects ? i + 1000 : o->objects, &link);
        bench_commit(&b);
    }
    bench_print("insert_bulk_1000_per_tx", (double)o->objects / (bench_now() - start), "objects/s");
    atoll_object_free(link);
    bench_close(&b);
    bench_print("insert_bulk_1000_per_tx.file_bytes_per_object",
                bench_folder_bytes(path) / (double)o->objects, "bytes");
}

static void insert_single(const bench_options *o, const char *name, int durable)
{
    enum { TRANSACTIONS = 1000 };
    static double times[TRANSACTIONS];
    char path[512];
    bench_realm b;
    bench_path(o, "single", path);
    bench_remove(path);
    bench_open(&b, path, durable);
    double start = bench_now();
    for (int i = 0; i < TRANSACTIONS; i++) {
        double before = bench_now();
        bench_begin(&b);
        atoll_object_free(bench_insert(&b, (uint64_t)i, NULL));
        bench_commit(&b);
        times[i] = (bench_now() - before) * 1e6;
    }
    bench_print(name, TRANSACTIONS / (bench_now() - start), "tx/s");
    bench_percentiles(name, times, TRANSACTIONS);
    bench_close(&b);
}

void bench_insert_single(const bench_options *o)
{
    insert_single(o, "insert_single_tx_durable", 1);
    insert_single(o, "insert_single_tx_unsafe", 0);
}

void bench_open_warm(const bench_options *o)
{
    char path[512];
    bench_path(o, "bulk", path);
    for (int round = 0; round < 2; round++) { /* the first warms the page cache */
        bench_realm b;
        atoll_error *error = NULL;
        double start = bench_now();
        bench_open(&b, path, 1);
        double opened = bench_now();
        atoll_values *key = atoll_values_new(&error);
        atoll_values_add_int(key, bench_key(12345 % (uint64_t)o->objects), &error);
        atoll_object *found = atoll_realm_find(b.realm, b.item, key, &error);
        bench_check(error, "find");
        if (found == NULL) fprintf(stderr, "open_warm: the object is missing\n"), exit(1);
        double got = bench_now();
        if (round == 1) {
            bench_print("open_warm", (opened - start) * 1e3, "ms");
            bench_print("open_warm_plus_first_get", (got - start) * 1e3, "ms");
            bench_print("open_warm.end_rss_anon", bench_rss_bytes(1), "bytes");
            bench_print("open_warm.end_rss", bench_rss_bytes(0), "bytes");
        }
        atoll_object_free(found);
        atoll_values_free(key);
        bench_close(&b);
    }
}

atoll_object *bench_find(bench_realm *b, uint64_t i)
{
    atoll_error *error = NULL;
    atoll_values *key = atoll_values_new(&error);
    atoll_values_add_int(key, bench_key(i), &error);
    atoll_object *found = atoll_realm_find(b->realm, b->item, key, &error);
    bench_check(error, "find");
    if (found == NULL) fprintf(stderr, "object %llu is missing\n", (unsigned long long)i), exit(1);
    atoll_values_free(key);
    return found;
}

void bench_scan(bench_realm *b, const bench_options *o, const char *name, const char *query)
{
    atoll_error *error = NULL;
    double best = 1e9;
    int64_t count = 0;
    for (int round = 0; round < 5; round++) {
        double start = bench_now();
        atoll_results *results = atoll_results_new(b->realm, b->item, S(query), NULL, &error);
        bench_check(error, query);
        count = atoll_results_count(results, &error);
        bench_check(error, query);
        double took = bench_now() - start;
        if (took < best) best = took;
        atoll_results_free(results);
    }
    if (count < 0 || count > o->objects) exit(1);
    bench_print(name, (double)o->objects / best, "rows/s");
}

/* One handle for the whole loop, as the peer's objects are values on the stack. */
static void sort(bench_realm *b, const bench_options *o, const char *name, const char *query)
{
    atoll_error *error = NULL;
    double start = bench_now(), sum = 0;
    atoll_results *results = atoll_results_new(b->realm, b->item, S(query), NULL, &error);
    bench_check(error, query);
    int64_t count = atoll_results_count(results, &error);
    atoll_object *object = atoll_results_object(results, 0, &error);
    for (int64_t i = 0; i < count; i++) {
        atoll_results_move(results, i, object, &error);
        sum += atoll_object_get_double(object, b->score, &error);
    }
    bench_check(error, query);
    if (sum <= 0) exit(1);
    bench_print(name, (double)o->objects / (bench_now() - start), "rows/s");
    atoll_object_free(object);
    atoll_results_free(results);
}

static double read_3(bench_realm *b, const atoll_object *object, atoll_error **error)
{
    return atoll_object_get_double(object, b->score, error) +
           (double)atoll_object_get_string(object, b->name, error).size +
           (double)atoll_object_get_int(object, b->id, error);
}

static void iterate(bench_realm *b, const bench_options *o)
{
    atoll_error *error = NULL;
    atoll_results *results = atoll_results_new(b->realm, b->item, S(""), NULL, &error);
    double start = bench_now(), sum = 0;
    int64_t count = atoll_results_count(results, &error);
    atoll_object *moving = atoll_results_object(results, 0, &error);
    for (int64_t i = 0; i < count; i++) {
        atoll_results_move(results, i, moving, &error);
        sum += read_3(b, moving, &error);
    }
    bench_check(error, "iterate");
    bench_print("iterate_read_3", (double)o->objects / (bench_now() - start), "rows/s");
    atoll_object_free(moving);
    start = bench_now();
    for (int64_t i = 0; i < count; i++) {
        atoll_object *object = atoll_results_object(results, i, &error);
        sum += read_3(b, object, &error);
        atoll_object_free(object);
    }
    bench_check(error, "iterate");
    bench_print("iterate_read_3.a_handle_each", (double)o->objects / (bench_now() - start),
                "rows/s");
    if (sum == 0) exit(1);
    atoll_results_free(results);
}

typedef atoll_values *(*aggregate)(const atoll_results *results, uint32_t property,
                                   atoll_error **error);

/* The best of five, as of the scans. */
static void aggregates(bench_realm *b, const bench_options *o, const char *name, aggregate run)
{
    atoll_error *error = NULL;
    double best = 1e9;
    for (int round = 0; round < 5; round++) {
        atoll_results *results = atoll_results_new(b->realm, b->item, S(""), NULL, &error);
        double start = bench_now();
        atoll_values *total = run(results, b->score, &error);
        bench_check(error, name);
        double took = bench_now() - start;
        if (took < best) best = took;
        atoll_values_free(total);
        atoll_results_free(results);
    }
    bench_print(name, (double)o->objects / best, "rows/s");
}

void bench_ops(const bench_options *o)
{
    char path[512];
    bench_realm b;
    atoll_error *error = NULL;
    long gets = o->objects < 200000 ? o->objects : 200000;
    bench_path(o, "bulk", path);
    bench_open(&b, path, 1);
    double start = bench_now(), sum = 0;
    for (long i = 0; i < gets; i++) {
        atoll_object *object = bench_find(&b, bench_mix((uint64_t)i) % (uint64_t)o->objects);
        sum += atoll_object_get_double(object, b.score, &error) +
               (double)atoll_object_get_string(object, b.name, &error).size;
        atoll_object_free(object);
    }
    if (sum == 0) exit(1);
    bench_print("get_by_pk", (double)gets / (bench_now() - start), "ops/s");
    bench_scan(&b, o, "scan_count_score_gt_half", "score > 0.5");
    bench_scan(&b, o, "scan_count_name_beginswith_a", "name BEGINSWITH 'a'");
    bench_scan(&b, o, "scan_count_done_and_score", "done == true AND score > 0.5");
    bench_scan(&b, o, "scan_count_link_score", "link.score > 0.5");
    bench_scan(&b, o, "scan_count_name_equal_noindex", "name == 'aaaaaaaaaaaaaaaa'");
    iterate(&b, o);
    aggregates(&b, o, "sum_score", atoll_results_sum);
    aggregates(&b, o, "max_score", atoll_results_maximum);
    sort(&b, o, "sort_by_score_take_all", "TRUEPREDICATE SORT(score ASC)");
    sort(&b, o, "sort_by_name_take_all", "TRUEPREDICATE SORT(name ASC)");
    long updates = o->objects < 100000 ? o->objects : 100000;
    start = bench_now();
    bench_begin(&b);
    for (long i = 0; i < updates; i++) {
        atoll_object *object = bench_find(&b, bench_mix((uint64_t)i + 5) % (uint64_t)o->objects);
        atoll_object_set_double(object, b.score, bench_score((uint64_t)i + 9), &error);
        atoll_object_free(object);
    }
    bench_check(error, "update");
    bench_commit(&b);
    bench_print("update_by_pk", (double)updates / (bench_now() - start), "ops/s");
    bench_close(&b);
}
