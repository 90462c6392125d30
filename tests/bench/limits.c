/* What the machine gives: the figures that no database can pass. */
#include "bench.h"
#include <fcntl.h>
#include <unistd.h>

void bench_raw(const bench_options *o)
{
    enum { APPENDS = 1000 };
    static double times[APPENDS];
    char path[512], block[128] = {0};
    snprintf(path, sizeof path, "%s/raw", o->folder);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
    double start = bench_now();
    for (int i = 0; i < APPENDS; i++) {
        double before = bench_now();
        if (write(file, block, sizeof block) != (ssize_t)sizeof block || fdatasync(file) != 0)
            perror(path), exit(1);
        times[i] = (bench_now() - before) * 1e6;
    }
    bench_print("raw_append_fdatasync", APPENDS / (bench_now() - start), "tx/s");
    bench_percentiles("raw_append_fdatasync", times, APPENDS);
    close(file);
    unlink(path);
}

void bench_memory(const bench_options *o)
{
    enum { WORDS = 16 << 20, ROUNDS = 8 }; /* 128 MB, more than the caches hold */
    uint64_t *words = malloc(WORDS * sizeof *words), sum = 0;
    double best = 1e9;
    (void)o;
    if (words == NULL) exit(1);
    for (size_t i = 0; i < WORDS; i++) words[i] = i;
    for (int round = 0; round < ROUNDS; round++) {
        double start = bench_now();
        for (size_t i = 0; i < WORDS; i++) sum += words[i];
        double took = bench_now() - start;
        if (took < best) best = took;
    }
    free(words);
    if (sum == 1) exit(1);
    bench_print("memory_read_bandwidth", WORDS * sizeof *words / best / 1e9, "GB/s");
    bench_print("memory_read_bandwidth.of_doubles", WORDS / best, "rows/s");
}
