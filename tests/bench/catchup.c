/* atoll-bench-catchup FOLDER PART ...: what a session costs the server that was away, without sockets, with its store on disk.
 *   reconnect USERS ROWS   each of a thousand users comes back: nothing changed, or 10 of his rows did and 10,000 of others
 *   commits COUNT          away for so many commits on the same 1,000 rows
 *   view ROWS              the first download of 10,000 rows of so many
 * Figures go to stdout as "name value unit"; CPU is that of the server's thread. */
#include "peers_support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { COMING = 1000, FILL_BATCH = 100000 };

static int64_t rows_of_one = 1;

static int64_t owner_of_run(int64_t key)
{
    return key / rows_of_one;
}

static int64_t owner_of_thousand(int64_t key)
{
    return key % rows_of_one;
}

static void fill(bench_server *b, int64_t rows, bench_owner owner)
{
    double start = cpu_now();
    for (int64_t at = 0; at < rows; at += FILL_BATCH)
        bench_upload(b, at, rows - at < FILL_BATCH ? rows - at : FILL_BATCH, owner, true);
    print("fill", -1, (double)rows / (cpu_now() - start) * 1e6, "rows/s of CPU");
}

/* All of them come, take what is there, and go. */
static void come(bench_server *b, const char *name, bench_device *devices, size_t count)
{
    double start = cpu_now(), wall = wall_now();
    uint64_t looked = 0, sent = 0, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        peer_counters counters;
        uint64_t before = devices[i].bytes;
        peer *p = bench_bind(b, &devices[i]);
        must(server_app_sync(b->app));
        bench_drain(p, &devices[i]);
        peer_get_counters(p, &counters);
        looked += counters.rows_looked_at;
        sent += counters.rows_out;
        bytes += devices[i].bytes - before;
        peer_free(p);
    }
    char line[100];
    const double each = 1.0 / (double)count;
    snprintf(line, sizeof line, "%s.cpu", name);
    print(line, -1, (cpu_now() - start) * 1e-3 * each, "ms");
    snprintf(line, sizeof line, "%s.wall", name);
    print(line, -1, (wall_now() - wall) * 1e-3 * each, "ms");
    snprintf(line, sizeof line, "%s.rows_looked_at", name);
    print(line, -1, (double)looked * each, "rows");
    snprintf(line, sizeof line, "%s.rows_sent", name);
    print(line, -1, (double)sent * each, "rows");
    snprintf(line, sizeof line, "%s.bytes", name);
    print(line, -1, (double)bytes * each, "bytes");
}

static void reconnect(bench_server *b, int64_t users, int64_t rows)
{
    static bench_device devices[COMING];
    int64_t step = users / COMING == 0 ? 1 : users / COMING, ten = rows < 10 ? rows : 10;
    rows_of_one = rows;
    for (int64_t i = 0; i < COMING; i++)
        snprintf(devices[i].text, sizeof devices[i].text, "owner == %" PRId64, i * step);
    come(b, "join_empty", devices, COMING); /* The field is declared before the data comes. */
    fill(b, users * rows, owner_of_run);
    come(b, "first_download", devices, COMING);
    come(b, "reconnect_unchanged", devices, COMING);
    for (int64_t i = 0; i < COMING; i++) bench_upload(b, i * step * rows, ten, owner_of_run, false);
    come(b, "reconnect_10_changed_each", devices, COMING);
    int64_t others = users * rows / 2 < 10000 ? users * rows / 2 : 10000;
    bench_upload(b, users * rows - others, others, owner_of_run, false);
    bench_upload(b, 0, ten, owner_of_run, false);
    come(b, "reconnect_10000_of_others_changed", devices, COMING / 2);
}

static void commits(bench_server *b, int64_t count)
{
    bench_device d = {.text = "owner == 0"};
    rows_of_one = 1000;
    come(b, "join_empty", &d, 1);
    fill(b, 1000, owner_of_run);
    come(b, "first_download", &d, 1);
    double start = cpu_now();
    for (int64_t i = 0; i < count; i++) bench_upload(b, i % 1000, 1, owner_of_run, false);
    print("commit", -1, (cpu_now() - start) / (double)count, "us of CPU");
    come(b, "away_for_all_commits", &d, 1);
}

static void view(bench_server *b, int64_t rows)
{
    bench_device d = {.text = "owner == 7"}, ranged = {.text = "owner > 6 AND owner < 8"};
    rows_of_one = rows / 10000;
    bench_device first = d;
    come(b, "join_empty", &first, 1);
    fill(b, rows, owner_of_thousand);
    come(b, "first_download", &d, 1);
    come(b, "first_download_again", &first, 1);
    come(b, "first_download_by_scan", &ranged, 1);
}

int main(int count, char **arguments)
{
    static bench_server b;
    storage *store = NULL;
    const storage_options options = {.create = true};
    if (count < 4) return 2;
    must(storage_open_rocksdb(arguments[1], &options, &store));
    bench_server_start(&b, store);
    int64_t n = strtoll(arguments[3], NULL, 10);
    if (strcmp(arguments[2], "reconnect") == 0 && count > 4)
        reconnect(&b, n, strtoll(arguments[4], NULL, 10));
    else if (strcmp(arguments[2], "commits") == 0)
        commits(&b, n);
    else
        view(&b, n);
    peer_free(b.writer);
    server_app_close(b.app);
    return 0;
}
