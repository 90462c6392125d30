/* atoll-bench-peers [SESSIONS]: the server's logic alone, without sockets: what an idle session takes of memory, and what a change
 * costs that 10, 1,000 or all of the live sessions want. Figures go to stdout as "name value unit". */
#include "server/server.h"
#include "sync/codec.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SESSIONS_DEFAULT = 20000, ROUNDS = 50 };

typedef struct bench {
    server_app *app;
    peer **peers;
    long sessions, wanting, rows_sent;
    model_schema schema;
    uint64_t bound;
    uint8_t last_batch[16];
} bench;

static void must(status result)
{
    if (result == ATOLL_OK) return;
    fprintf(stderr, "%s\n", fail_text());
    exit(1);
}

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void print(const char *name, long which, double value, const char *unit)
{
    if (which >= 0)
        printf("%s_%ld %.9g %s\n", name, which, value, unit);
    else
        printf("%s %.9g %s\n", name, value, unit);
    fflush(stdout);
}

static void make_schema(bench *b)
{
    size_t c = 0;
    must(schema_add_class(&b->schema, bytes_text("Item"), CLASS_NORMAL, &c));
    must(schema_add_property(&b->schema, c, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    must(schema_add_property(&b->schema, c, bytes_text("owner"), VALUE_INT, 0, bytes_text("")));
    must(schema_add_property(&b->schema, c, bytes_text("score"), VALUE_DOUBLE, 0, bytes_text("")));
}

static void say(peer *p, const client_message *m)
{
    buffer raw;
    buffer_init(&raw, LIMIT_MESSAGE_SIZE_MAX);
    must(codec_client_write(&raw, m));
    peer_received(p, 0, buffer_view(&raw));
    buffer_free(&raw);
}

static void drain(peer *p)
{
    peer_action a;
    while (peer_poll(p, 0, &a))
        if (a.kind != PEER_ACTION_SEND) fprintf(stderr, "closed: %s\n", a.text), exit(1);
}

static void settle(bench *b)
{
    must(server_app_sync(b->app));
    must(server_app_watch(b->app));
    for (peer *p = server_app_woken(b->app); p != NULL; p = server_app_woken(b->app)) drain(p);
}

/* Sessions ask for one owner each: 1 to 10 for the first, 2 for the next thousand, then nobody's, and all for the number 3. */
static long owner_of(long i)
{
    return i <= 10 ? 1 : i <= 1010 ? 2 : 1000 + i;
}

static void join(bench *b, long i)
{
    char text[80];
    wire_query q = {"Item", text};
    snprintf(text, sizeof text, i == 0 ? "TRUEPREDICATE" : "owner == %ld OR owner == 3",
             owner_of(i));
    must(peer_new(b->app, "user", &b->peers[i]));
    client_message m = {.kind = CLIENT_BIND};
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "app",
                         .flexible = true,
                         .schema = b->schema};
    say(b->peers[i], &m);
    m = (client_message){.kind = CLIENT_SUBSCRIBE};
    m.subscribe.version = 1;
    m.subscribe.queries.items = &q;
    m.subscribe.queries.count = 1;
    say(b->peers[i], &m);
    must(server_app_sync(b->app));
    drain(b->peers[i]);
}

static void make_change(bench *b, int64_t owner)
{
    arena memory;
    wire_rows *group = NULL;
    uint8_t batch[16] = {0};
    arena_init(&memory, 1 << 20);
    wire_builder w = {.memory = &memory};
    value key = value_int((int64_t)++b->bound), v = value_int(owner), score = value_double(0.5);
    must(wire_builder_group(&w, "Item", "", "", &group));
    must(wire_builder_row(&w, group, ROW_CREATE, &key, 0, 0));
    must(wire_builder_put(&w, group, "owner", VALUE_INT, VALUE_NULL, &v, b->bound << 20, false));
    must(wire_builder_put(&w, group, "score", VALUE_DOUBLE, VALUE_NULL, &score, b->bound << 20,
                          false));
    must(wire_builder_finish(&w));
    memcpy(batch, &b->bound, 8);
    client_message m = {.kind = CLIENT_UPLOAD};
    m.upload = (wire_upload){
        .batch = bytes_of(batch, 16), .bound = b->bound, .last = true, .rows = w.rows};
    if (b->bound > 1) m.upload.previous_batch = bytes_of(b->last_batch, 16);
    say(b->peers[0], &m);
    memcpy(b->last_batch, batch, 16);
    arena_free(&memory);
    settle(b);
    drain(b->peers[0]);
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

static void measure(bench *b, int64_t owner, long wanting)
{
    uint64_t before = rows_sent(b);
    make_change(b, owner); /* the first one warms */
    double start = cpu_now();
    for (int i = 0; i < ROUNDS; i++) make_change(b, owner);
    double took = (cpu_now() - start) / ROUNDS;
    print("change_wanted_by", wanting, took, "us of CPU");
    if (rows_sent(b) - before != (uint64_t)wanting * (ROUNDS + 1))
        fprintf(stderr, "%ld sessions were to be told\n", wanting), exit(1);
}

int main(int count, char **arguments)
{
    bench b = {.sessions = count > 1 ? strtol(arguments[1], NULL, 10) : SESSIONS_DEFAULT};
    storage *store = NULL;
    server_app_options options = {.platform = platform_posix(),
                                  .app_id = "app",
                                  .flexible = true,
                                  .partition_property = "_partition",
                                  .development = true};
    if (b.sessions < 1100) b.sessions = 1100;
    b.peers = calloc((size_t)b.sessions, sizeof *b.peers);
    if (b.peers == NULL) return 1;
    make_schema(&b);
    must(storage_open_volatile(&store));
    must(server_app_open(store, &options, &b.app));
    join(&b, 0);
    for (long i = 1; i < 100; i++) join(&b, i);
    size_t before = mallinfo2().uordblks;
    double start = cpu_now();
    for (long i = 100; i < b.sessions; i++) join(&b, i);
    print("bind_and_subscribe", -1, (cpu_now() - start) / (double)(b.sessions - 100), "us of CPU");
    settle(&b);
    print("idle_session.memory", -1,
          (double)(mallinfo2().uordblks - before) / (double)(b.sessions - 100), "bytes");
    measure(&b, 5, 0);
    measure(&b, 1, 10);
    measure(&b, 2, 1000);
    measure(&b, 3, b.sessions - 1);
    return 0;
}
