/* atoll-bench-peers [SESSIONS [SUBSCRIPTIONS [CLASSES [ROLES]]]]: the server's logic alone, without sockets: what an idle session takes of memory, and
 * what a change costs that 10, 1,000 or all of the live sessions want, alone or many at once. Figures go to stdout as
 * "name value unit". */
#include "peers_support.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { SESSIONS_DEFAULT = 20000, SESSIONS_MIN = 100, ROUNDS = 50 };

typedef struct bench {
    bench_server server;
    peer **peers;
    long sessions, subscriptions;
    int64_t next_key;
} bench;

static int64_t wanted_owner;

static int64_t owner_of_all(int64_t key)
{
    (void)key;
    return wanted_owner;
}

/* Sessions ask for one owner each: 1 to 10 for the first, 2 for the next thousand, then nobody's, and all for the number 3. */
static long owner_of(long i)
{
    return i <= 10 ? 1 : i <= 1010 ? 2 : 10000 + i * 1000;
}

static void join(bench *b, long i)
{
    static bench_device d;
    int at = snprintf(d.text, sizeof d.text, "owner == %ld OR owner == 3", owner_of(i));
    for (long k = 1; k < b->subscriptions; k++)
        at += snprintf(d.text + at, sizeof d.text - (size_t)at, "\nowner == %ld",
                       10000 + i * 1000 + k);
    b->peers[i] = bench_bind(&b->server, &d);
    must(server_app_sync(b->server.app));
    bench_drain(b->peers[i], NULL);
}

static uint64_t rows_sent(const bench *b)
{
    uint64_t total = 0;
    for (long i = 1; i < b->sessions; i++) {
        peer_counters counters;
        peer_get_counters(b->peers[i], &counters);
        total += counters.rows_out;
    }
    return total;
}

/* So many rows in one upload, each a new object. */
static void make_changes(bench *b, int64_t owner, int64_t count)
{
    wanted_owner = owner;
    bench_upload(&b->server, b->next_key, count, owner_of_all, true);
    b->next_key += count;
}

static void measure(bench *b, const char *name, int64_t owner, long wanting, int64_t rows)
{
    uint64_t before = rows_sent(b);
    make_changes(b, owner, rows); /* the first one warms */
    double start = cpu_now();
    for (int i = 0; i < ROUNDS; i++) make_changes(b, owner, rows);
    double took = (cpu_now() - start) / ROUNDS / (double)rows;
    print(name, wanting, took, "us of CPU");
    if (rows_sent(b) - before != (uint64_t)wanting * (ROUNDS + 1) * (uint64_t)rows)
        fprintf(stderr, "%ld sessions were to be told\n", wanting), exit(1);
}

int main(int count, char **arguments)
{
    static bench b;
    storage *store = NULL;
    b.sessions = count > 1 ? strtol(arguments[1], NULL, 10) : SESSIONS_DEFAULT;
    b.subscriptions = count > 2 ? strtol(arguments[2], NULL, 10) : 1;
    if (b.sessions < SESSIONS_MIN) b.sessions = SESSIONS_MIN;
    b.peers = calloc((size_t)b.sessions, sizeof *b.peers);
    if (b.peers == NULL) return 1;
    must(storage_open_volatile(&store));
    bench_add_classes(&b.server, count > 3 ? strtol(arguments[3], NULL, 10) : 0);
    b.server.roles = count > 4;
    bench_server_start(&b.server, store);
    long warm = b.sessions / 2 < 100 ? b.sessions / 2 : 100;
    for (long i = 1; i < warm; i++) join(&b, i);
    size_t before = mallinfo2().uordblks;
    double start = cpu_now();
    for (long i = warm; i < b.sessions; i++) join(&b, i);
    print("bind_and_subscribe", -1, (cpu_now() - start) / (double)(b.sessions - warm), "us of CPU");
    make_changes(&b, 5, 1);
    print("idle_session.memory", -1,
          (double)(mallinfo2().uordblks - before) / (double)(b.sessions - warm), "bytes");
    measure(&b, "change_wanted_by", 5, 0, 1);
    measure(&b, "change_wanted_by", 1, 10, 1);
    measure(&b, "change_wanted_by_10_of_10_at_once", 1, 10, 10);
    measure(&b, "change_wanted_by_10_of_100_at_once", 1, 10, 100);
    if (b.sessions > 1010) measure(&b, "change_wanted_by", 2, 1000, 1);
    measure(&b, "change_wanted_by", 3, b.sessions - 1, 1);
    return 0;
}
