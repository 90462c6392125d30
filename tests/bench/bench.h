#ifndef ATOLL_TESTS_BENCH_BENCH_H
#define ATOLL_TESTS_BENCH_BENCH_H
#include <atoll/atoll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the sections of the benchmark share. The class is the peer's: Item {_id int, name string of 16, score double,
 * created timestamp, done bool, link Item}. Figures go to stdout as "name value unit". */
#define S(text) (text), strlen(text)
typedef struct bench_realm {
    atoll_realm *realm;
    uint32_t item, id, name, score, created, done, link;
} bench_realm;
typedef struct bench_options {
    const char *folder, *atolld;
    long objects;
} bench_options;

extern int
    bench_cpu_time; /* 1: bench_now answers the CPU time of this thread, for tuning on a busy machine */
double bench_now(void); /* seconds, monotonic */
void bench_print(const char *name, double value, const char *unit);
void bench_percentiles(const char *name, double *microseconds, size_t count);
void bench_check(atoll_error *error, const char *what); /* exits 1 with the text */
uint64_t bench_mix(uint64_t x);
int64_t bench_key(uint64_t i);
double bench_score(uint64_t i);
double bench_folder_bytes(const char *path);
double bench_file_bytes(const char *path);
void bench_remove(const char *path);
double bench_rss_bytes(int anonymous);
atoll_schema *bench_schema(void);
void bench_keys(bench_realm *b);
void bench_open(bench_realm *b, const char *path, int sync_commits);
void bench_close(bench_realm *b);
atoll_object *bench_insert(bench_realm *b, uint64_t i, atoll_object *link);

/* What several sections do. */
void bench_path(const bench_options *o, const char *name, char to[512]);
void bench_begin(bench_realm *b);
void bench_commit(bench_realm *b);
void bench_insert_range(bench_realm *b, long from, long to, atoll_object **link);
atoll_object *bench_find(bench_realm *b, uint64_t i);
void bench_scan(bench_realm *b, const bench_options *o, const char *name, const char *query);
void bench_insert_bulk(const bench_options *o);
void bench_insert_bulk_1000(const bench_options *o);
void bench_insert_single(const bench_options *o);
void bench_open_warm(const bench_options *o);
void bench_ops(const bench_options *o);
void bench_raw(const bench_options *o);
void bench_memory(const bench_options *o);
void bench_update_single_on_big(const bench_options *o);
void bench_update_each(const bench_options *o);
void bench_delete_half(const bench_options *o);
void bench_wide(const bench_options *o);
void bench_strings(const bench_options *o);
void bench_lists(const bench_options *o);
void bench_reshape(const bench_options *o);
void bench_budget(const bench_options *o);
void bench_notify_big(const bench_options *o);
void bench_notify_1k(const bench_options *o);
void bench_sqlite(const bench_options *o);
void bench_rocksdb(const bench_options *o);
void bench_sync_offline(const bench_options *o);
void bench_sync_latency(const bench_options *o);
void bench_sync_many(const bench_options *o);
void bench_sync_1m(const bench_options *o);
void bench_sync_arrive(const bench_options *o);
void bench_sync_ingest(const bench_options *o);
#endif
