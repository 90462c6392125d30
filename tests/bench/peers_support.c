/* The server's logic as the benches drive it: messages in, messages out, no socket. It must never sync more often than a
 * bench asks for. Invariant: what is uploaded is durable and told when bench_upload returns. */
#include "peers_support.h"
#include "server/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MESSAGE_ROWS = 10000, QUERIES_MAX = 128, PROPERTIES = 20 };

void must(status result)
{
    if (result == ATOLL_OK) return;
    fprintf(stderr, "%s\n", fail_text());
    exit(1);
}

static double clock_now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

double cpu_now(void)
{
    return clock_now(CLOCK_THREAD_CPUTIME_ID);
}

double wall_now(void)
{
    return clock_now(CLOCK_MONOTONIC);
}

void print(const char *name, long which, double value, const char *unit)
{
    if (which >= 0)
        printf("%s_%ld %.9g %s\n", name, which, value, unit);
    else
        printf("%s %.9g %s\n", name, value, unit);
    (void)fflush(stdout);
}

void bench_add_classes(bench_server *b, long classes)
{
    char name[40];
    for (long i = 0; i < classes; i++) {
        size_t c = 0;
        snprintf(name, sizeof name, "Other%ld", i);
        must(schema_add_class(&b->schema, bytes_text(name), CLASS_NORMAL, &c));
        must(schema_add_property(&b->schema, c, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                                 bytes_text("")));
        for (int k = 1; k < PROPERTIES; k++) {
            snprintf(name, sizeof name, "property_%d", k);
            must(schema_add_property(&b->schema, c, bytes_text(name), VALUE_STRING, 0,
                                     bytes_text("")));
        }
    }
}

/* Of every class: objects of the user's own, by a field that each has. */
static void add_roles(bench_server *b)
{
    server_config config;
    static const char text[] =
        "apps:\n- id: app\n  sync: flexible\n  default_roles:\n  - name: owner\n"
        "    document_filters: {read: '_id > 0', write: '_id > 0'}\n"
        "    read: true\n    write: true\n    insert: true\n    delete: true\n";
    must(server_config_read(bytes_text(text), &config));
    must(server_app_set_roles(b->app, config.apps.items[0].roles));
    server_config_free(&config);
}

void bench_server_start(bench_server *b, storage *store)
{
    size_t c = 0;
    server_app_options options = {.platform = platform_posix(),
                                  .app_id = "app",
                                  .flexible = true,
                                  .partition_property = "_partition",
                                  .development = true,
                                  .memory_budget = 1ull << 30};
    must(schema_add_class(&b->schema, bytes_text("Item"), CLASS_NORMAL, &c));
    must(schema_add_property(&b->schema, c, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    must(schema_add_property(&b->schema, c, bytes_text("owner"), VALUE_INT, 0, bytes_text("")));
    must(schema_add_property(&b->schema, c, bytes_text("score"), VALUE_DOUBLE, 0, bytes_text("")));
    must(server_app_open(store, &options, &b->app));
    if (b->roles) add_roles(b);
    bench_device d = {.text = "TRUEPREDICATE"};
    b->writer = bench_bind(b, &d);
    bench_drain(b->writer, NULL);
}

void bench_say(peer *p, const client_message *m)
{
    buffer raw;
    buffer_init(&raw, LIMIT_MESSAGE_SIZE_MAX);
    must(codec_client_write(&raw, m));
    peer_received(p, 0, buffer_view(&raw));
    buffer_free(&raw);
}

static size_t queries_of(char *text, wire_query *queries)
{
    size_t count = 0;
    for (char *line = strtok(text, "\n"); line != NULL && count < QUERIES_MAX;
         line = strtok(NULL, "\n"))
        queries[count++] = (wire_query){"Item", line};
    return count;
}

peer *bench_bind(bench_server *b, const bench_device *d)
{
    peer *p = NULL;
    char text[sizeof d->text];
    wire_query queries[QUERIES_MAX];
    memcpy(text, d->text, sizeof text);
    size_t count = queries_of(text, queries);
    client_message m = {.kind = CLIENT_BIND};
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "app",
                         .flexible = true,
                         .schema = b->schema};
    must(peer_new(b->app, "user", &p));
    if (d->ident != 0) {
        m.bind.ident = d->ident;
        m.bind.secret = bytes_of(d->secret, 16);
        m.bind.epoch = d->epoch;
        m.bind.cursor = d->cursor;
        m.bind.view_version = 1;
        m.bind.view.items = queries;
        m.bind.view.count = count;
    }
    bench_say(p, &m);
    if (d->ident != 0) return p;
    m = (client_message){.kind = CLIENT_SUBSCRIBE};
    m.subscribe.version = 1;
    m.subscribe.queries.items = queries;
    m.subscribe.queries.count = count;
    bench_say(p, &m);
    return p;
}

static void keep(bench_device *d, bytes raw)
{
    arena memory;
    server_message m;
    arena_init(&memory, 1 << 28);
    must(codec_server_read(raw, &memory, &m));
    if (m.kind == SERVER_ERROR) fprintf(stderr, "%s\n", m.error.text), exit(1);
    if (m.kind == SERVER_BOUND) {
        d->ident = m.bound.ident;
        d->epoch = m.bound.epoch;
        memcpy(d->secret, m.bound.secret.data, 16);
    }
    if (m.kind == SERVER_DOWNLOAD) d->cursor = m.download.to;
    d->bytes += raw.size;
    server_message_free(&m);
    arena_free(&memory);
}

void bench_drain(peer *p, bench_device *d)
{
    peer_action a;
    while (peer_poll(p, 0, &a)) {
        if (a.kind != PEER_ACTION_SEND) fprintf(stderr, "closed: %s\n", a.text), exit(1);
        if (d != NULL) keep(d, a.message);
    }
}

static void put_rows(bench_server *b, arena *memory, int64_t first, int64_t count,
                     bench_owner owner, bool created, wire_rows_list *out)
{
    wire_rows *group = NULL;
    wire_builder w = {.memory = memory};
    must(wire_builder_group(&w, "Item", "", "", &group));
    uint64_t base = model_version(server_app_db(b->app)), stamp = ++b->stamp << 20;
    for (int64_t i = first; i < first + count; i++) {
        value key = value_int(i), of = value_int(owner(i)), score = value_double((double)stamp);
        must(wire_builder_row(&w, group, created ? ROW_CREATE : ROW_EDIT, &key, created ? 0 : 1,
                              base));
        if (created)
            must(wire_builder_put(&w, group, "owner", VALUE_INT, VALUE_NULL, &of, stamp, false));
        must(wire_builder_put(&w, group, "score", VALUE_DOUBLE, VALUE_NULL, &score, stamp, false));
    }
    must(wire_builder_finish(&w));
    *out = w.rows;
}

void bench_upload(bench_server *b, int64_t first, int64_t count, bench_owner owner, bool created)
{
    uint8_t batch[16] = {0};
    uint64_t bound = b->bound + 1;
    client_message m = {.kind = CLIENT_UPLOAD};
    memcpy(batch, &bound, 8);
    m.upload = (wire_upload){.batch = bytes_of(batch, 16), .bound = bound};
    m.upload.cursor = model_version(server_app_db(b->app));
    if (b->bound > 0) m.upload.previous_batch = bytes_of(b->last_batch, 16);
    for (int64_t at = first; at < first + count; at += MESSAGE_ROWS) {
        arena memory;
        int64_t left = first + count - at, now = left < MESSAGE_ROWS ? left : MESSAGE_ROWS;
        arena_init(&memory, 1 << 28);
        put_rows(b, &memory, at, now, owner, created, &m.upload.rows);
        m.upload.last = now == left;
        bench_say(b->writer, &m);
        m.upload.part++;
        arena_free(&memory);
    }
    b->bound = bound;
    memcpy(b->last_batch, batch, 16);
    must(server_app_sync(b->app));
    must(server_app_watch(b->app));
    for (peer *p = server_app_woken(b->app); p != NULL; p = server_app_woken(b->app))
        bench_drain(p, NULL);
    bench_drain(b->writer, NULL);
}
