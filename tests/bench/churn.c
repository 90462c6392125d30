/* What a realm is like after it has been used: each row updated once at random, half of the objects deleted, and a
 * durable transaction of one object in a realm of a million. They work on copies of nothing: each makes its own realm. */
#include "bench.h"

static void filled(const bench_options *o, const char *name, bench_realm *b, char path[512])
{
    atoll_object *link = NULL;
    bench_path(o, name, path);
    bench_remove(path);
    bench_open(b, path, 1);
    for (long i = 0; i < o->objects; i += 100000) {
        bench_begin(b);
        bench_insert_range(b, i, i + 100000 < o->objects ? i + 100000 : o->objects, &link);
        bench_commit(b);
    }
    atoll_object_free(link);
}

void bench_update_single_on_big(const bench_options *o)
{
    enum { TRANSACTIONS = 300 };
    static double times[TRANSACTIONS];
    atoll_error *error = NULL;
    char path[512];
    bench_realm b;
    filled(o, "big", &b, path);
    bench_close(&b);
    bench_open(&b, path, 1);
    double start = bench_now();
    for (int i = 0; i < TRANSACTIONS; i++) {
        double before = bench_now();
        bench_begin(&b);
        atoll_object *object = bench_find(&b, bench_mix((uint64_t)i) % (uint64_t)o->objects);
        atoll_object_set_double(object, b.score, (double)i, &error);
        bench_check(error, "set");
        atoll_object_free(object);
        bench_commit(&b);
        times[i] = (bench_now() - before) * 1e6;
    }
    bench_print("update_single_tx_durable_on_big_file", TRANSACTIONS / (bench_now() - start),
                "tx/s");
    bench_percentiles("update_single_tx_durable_on_big_file", times, TRANSACTIONS);
    bench_close(&b);
}

/* In transactions of 10,000, in an order that jumps all over the realm. */
void bench_update_each(const bench_options *o)
{
    enum { STEP = 10000 };
    atoll_error *error = NULL;
    char path[512];
    bench_realm b;
    long jump = 611953; /* a prime: every object once, unless their number is a multiple of it */
    filled(o, "each", &b, path);
    double start = bench_now();
    for (long i = 0; i < o->objects; i += STEP) {
        bench_begin(&b);
        for (long k = i; k < i + STEP && k < o->objects; k++) {
            atoll_object *object = bench_find(&b, (uint64_t)(k * jump % o->objects));
            atoll_object_set_double(object, b.score, bench_score((uint64_t)k + 3), &error);
            atoll_object_free(object);
        }
        bench_check(error, "update");
        bench_commit(&b);
    }
    bench_print("update_each_at_random", (double)o->objects / (bench_now() - start), "ops/s");
    bench_close(&b);
    bench_print("update_each_at_random.file_bytes_per_object",
                bench_folder_bytes(path) / (double)o->objects, "bytes");
    bench_open(&b, path, 1);
    bench_scan(&b, o, "update_each_at_random.scan_count_score_gt_half", "score > 0.5");
    bench_close(&b);
}

void bench_delete_half(const bench_options *o)
{
    enum { STEP = 10000 };
    char path[512];
    bench_realm b;
    atoll_error *error = NULL;
    filled(o, "half", &b, path);
    double start = bench_now();
    for (long i = 0; i < o->objects; i += STEP) {
        bench_begin(&b);
        for (long k = i; k < i + STEP && k < o->objects; k += 2) {
            atoll_object *object = bench_find(&b, (uint64_t)k);
            atoll_object_delete(object, &error);
            atoll_object_free(object);
        }
        bench_check(error, "delete");
        bench_commit(&b);
    }
    bench_print("delete_half", (double)(o->objects / 2) / (bench_now() - start), "objects/s");
    bench_scan(&b, o, "delete_half.scan_count_score_gt_half", "score > 0.5");
    bench_close(&b);
    bench_print("delete_half.file_bytes_per_object_left",
                bench_folder_bytes(path) / (double)(o->objects / 2), "bytes");
}
