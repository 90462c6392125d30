/* atoll-bench: sections under the names of the peer's benchmark, figures as "name value unit".
 * usage: atoll-bench FOLDER [--objects N] [--atolld PATH] [--cpu] SECTION...
 * --cpu counts the CPU time of the calling thread in place of the clock: for tuning on a busy machine, not for tables. */
#include "bench.h"

typedef struct section {
    const char *name;
    void (*run)(const bench_options *options);
} section;

static const section sections[] = {
    {"insert_bulk", bench_insert_bulk},
    {"open_warm", bench_open_warm},
    {"ops", bench_ops},
    {"insert_bulk_1000", bench_insert_bulk_1000},
    {"insert_single", bench_insert_single},
    {"raw", bench_raw},
    {"memory", bench_memory},
    {"update_single_on_big", bench_update_single_on_big},
    {"update_each", bench_update_each},
    {"delete_half", bench_delete_half},
    {"wide", bench_wide},
    {"strings", bench_strings},
    {"lists", bench_lists},
    {"reshape", bench_reshape},
    {"budget", bench_budget},
    {"notify_1k", bench_notify_1k},
    {"notify_big", bench_notify_big},
    {"sqlite", bench_sqlite},
    {"rocksdb", bench_rocksdb},
    {"sync_offline", bench_sync_offline},
    {"sync_latency", bench_sync_latency},
    {"sync_many", bench_sync_many},
    {"sync_1m", bench_sync_1m},
    {"sync_arrive", bench_sync_arrive},
    {"sync_ingest", bench_sync_ingest},
};

static int run_section(const char *name, const bench_options *options)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (strcmp(sections[i].name, name) != 0) continue;
        sections[i].run(options);
        return 0;
    }
    fprintf(stderr, "unknown section %s\n", name);
    return 2;
}

int main(int count, char **arguments)
{
    bench_options options = {.objects = 1000000, .atolld = "atolld"};
    if (count < 3) {
        fprintf(stderr, "usage: atoll-bench FOLDER [--objects N] [--atolld PATH] SECTION...\n");
        return 2;
    }
    options.folder = arguments[1];
    int result = 0;
    for (int i = 2; i < count && result == 0; i++) {
        if (strcmp(arguments[i], "--objects") == 0 && i + 1 < count)
            options.objects = strtol(arguments[++i], NULL, 10);
        else if (strcmp(arguments[i], "--atolld") == 0 && i + 1 < count)
            options.atolld = arguments[++i];
        else if (strcmp(arguments[i], "--cpu") == 0)
            bench_cpu_time = 1;
        else
            result = run_section(arguments[i], &options);
    }
    return result;
}
