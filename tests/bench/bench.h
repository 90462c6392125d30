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

double bench_now(void); /* seconds, monotonic */
void bench_print(const char *name, double value, const char *unit);
void bench_percentiles(const char *name, double *microseconds, size_t count);
void bench_check(atoll_error *error, const char *what); /* exits 1 with the text */
uint64_t bench_mix(uint64_t x);
int64_t bench_key(uint64_t i);
double bench_score(uint64_t i);
double bench_folder_bytes(const char *path);
void bench_remove(const char *path);
double bench_rss_bytes(int anonymous);
atoll_schema *bench_schema(void);
void bench_keys(bench_realm *b);
void bench_open(bench_realm *b, const char *path, int sync_commits);
void bench_close(bench_realm *b);
atoll_object *bench_insert(bench_realm *b, uint64_t i, atoll_object *link);

void bench_insert_bulk(const bench_options *o);
void bench_insert_bulk_1000(const bench_options *o);
void bench_insert_single(const bench_options *o);
void bench_open_warm(const bench_options *o);
void bench_ops(const bench_options *o);
void bench_raw(const bench_options *o);
void bench_sync_offline(const bench_options *o);
void bench_sync_latency(const bench_options *o);
#endif
