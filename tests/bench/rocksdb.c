/* Bare RocksDB: the same object as one value of 56 bytes under its key, with the options of a small device. For the
 * table: what a store without objects, queries and notifications costs. */
#include "bench.h"

#if defined HAVE_ROCKSDB
#include <rocksdb/c.h>

static void check(char *error, const char *what)
{
    if (error == NULL) return;
    fprintf(stderr, "rocksdb %s: %s\n", what, error);
    exit(1);
}

static void pair(uint64_t i, char key[8], char value[56])
{
    uint64_t number = (uint64_t)bench_key(i);
    double score = bench_score(i);
    for (int k = 0; k < 8; k++) key[k] = (char)(number >> (56 - 8 * k));
    memset(value, 'x', 56);
    memcpy(value, &score, sizeof score);
}

static void fill(rocksdb_t *db, const bench_options *o)
{
    char *error = NULL, key[8], value[56];
    rocksdb_writeoptions_t *durable = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(durable, 1);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    double start = bench_now();
    for (long i = 0; i < o->objects; i++) {
        pair((uint64_t)i, key, value);
        rocksdb_writebatch_put(batch, key, 8, value, 56);
        if (i % 1000 != 999 && i + 1 != o->objects) continue;
        rocksdb_write(db, durable, batch, &error);
        check(error, "write");
        rocksdb_writebatch_clear(batch);
    }
    bench_print("rocksdb.insert_bulk_1000_per_tx", (double)o->objects / (bench_now() - start),
                "objects/s");
    start = bench_now();
    for (long i = 0; i < 300; i++) {
        pair((uint64_t)(o->objects + i), key, value);
        rocksdb_put(db, durable, key, 8, value, 56, &error);
        check(error, "put");
    }
    bench_print("rocksdb.insert_single_tx_durable", 300 / (bench_now() - start), "tx/s");
    rocksdb_writebatch_destroy(batch);
    rocksdb_writeoptions_destroy(durable);
}

static void read_back(rocksdb_t *db, const bench_options *o)
{
    char *error = NULL, key[8], value[56];
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    double sum = 0, score, start = bench_now();
    for (long i = 0; i < 100000; i++) {
        size_t size = 0;
        pair(bench_mix((uint64_t)i) % (uint64_t)o->objects, key, value);
        char *found = rocksdb_get(db, options, key, 8, &size, &error);
        check(error, "get");
        if (found == NULL || size != 56) exit(1);
        memcpy(&score, found, sizeof score);
        sum += score;
        rocksdb_free(found);
    }
    bench_print("rocksdb.get_by_pk", 100000 / (bench_now() - start), "ops/s");
    rocksdb_iterator_t *all = rocksdb_create_iterator(db, options);
    start = bench_now();
    for (rocksdb_iter_seek_to_first(all); rocksdb_iter_valid(all); rocksdb_iter_next(all)) {
        size_t size = 0;
        memcpy(&score, rocksdb_iter_value(all, &size), sizeof score);
        sum += score;
    }
    bench_print("rocksdb.sum_score", (double)o->objects / (bench_now() - start), "rows/s");
    if (sum == 0) exit(1);
    rocksdb_iter_destroy(all);
    rocksdb_readoptions_destroy(options);
}

void bench_rocksdb(const bench_options *o)
{
    char path[512], *error = NULL;
    snprintf(path, sizeof path, "%s/rocksdb", o->folder);
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_destroy_db(options, path, &error);
    check(error, "destroy");
    rocksdb_t *db = rocksdb_open(options, path, &error);
    check(error, "open");
    fill(db, o);
    read_back(db, o);
    rocksdb_close(db);
    bench_print("rocksdb.file_bytes_per_object", bench_folder_bytes(path) / (double)o->objects,
                "bytes");
    rocksdb_options_destroy(options);
}
#else
void bench_rocksdb(const bench_options *o)
{
    (void)o;
    fprintf(stderr, "rocksdb: its headers were not there when this program was built\n");
}
#endif
