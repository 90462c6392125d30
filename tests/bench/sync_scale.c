/* The sections with a server and much of everything: clients, objects, messages of devices. Clients are processes of their
 * own where memory is measured; these sections want to be the only one of a run. */
#include "sync.h"
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 50, ROUNDS = 100 };

void bench_sync_many(const bench_options *o)
{
    static client clients[CLIENTS];
    server s;
    atoll_error *error = NULL;
    server_start(&s, o);
    for (int i = 0; i < CLIENTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "many-%d", i);
        client_open(&clients[i], o, name, s.url);
        subscribe(&clients[i], "");
    }
    for (int i = 0; i < CLIENTS; i++) wait_download(&clients[i]);
    double start = bench_now(), cpu = server_cpu_seconds(&s);
    for (int k = 0; k < ROUNDS; k++) {
        for (int i = 0; i < CLIENTS; i++) {
            bench_begin(&clients[i].b);
            atoll_object_free(bench_insert(&clients[i].b, (uint64_t)(i * ROUNDS + k), NULL));
            bench_commit(&clients[i].b);
        }
    }
    for (int i = 0; i < CLIENTS; i++) wait_upload(&clients[i]);
    for (int i = 0; i < CLIENTS; i++) wait_download(&clients[i]);
    double took = bench_now() - start;
    for (int i = 0; i < CLIENTS; i++) {
        atoll_realm_refresh(clients[i].b.realm, &error);
        atoll_results *all =
            atoll_results_new(clients[i].b.realm, clients[i].b.item, S(""), NULL, &error);
        long long count = atoll_results_count(all, &error);
        atoll_results_free(all);
        bench_check(error, "sync_many");
        if (count != CLIENTS * ROUNDS)
            fprintf(stderr, "sync_many: client %d has %lld objects\n", i, count), exit(1);
    }
    bench_print("sync_many.until_all_have_all", took, "s");
    bench_print("sync_many.server_cpu", server_cpu_seconds(&s) - cpu, "s");
    for (int i = 0; i < CLIENTS; i++) client_close(&clients[i]);
    server_stop(&s);
}

/* Runs a client in a process of its own; what it took of memory at most, and of time as it says. */
static double in_process(void (*run)(const bench_options *o, const server *s, double *seconds),
                         const bench_options *o, const server *s, double *seconds)
{
    int pipes[2];
    struct rusage used;
    if (pipe(pipes) != 0) exit(1);
    pid_t child = fork();
    if (child == 0) {
        double took = 0;
        run(o, s, &took);
        if (write(pipes[1], &took, sizeof took) != sizeof took) _exit(1);
        _exit(0);
    }
    int result = 0;
    if (child < 0 || wait4(child, &result, 0, &used) != child || result != 0 ||
        read(pipes[0], seconds, sizeof *seconds) != sizeof *seconds)
        fprintf(stderr, "a client ended badly\n"), exit(1);
    close(pipes[0]);
    close(pipes[1]);
    return (double)used.ru_maxrss * 1024;
}

static void write_offline(client *c, long objects)
{
    for (long i = 0; i < objects; i += 1000) {
        bench_begin(&c->b);
        for (long k = i; k < i + 1000; k++)
            atoll_object_free(bench_insert(&c->b, (uint64_t)k, NULL));
        bench_commit(&c->b);
    }
}

static void upload_all(const bench_options *o, const server *s, double *seconds)
{
    client c;
    atoll_error *error = NULL;
    client_open(&c, o, "backlog-a", s->url);
    subscribe(&c, "");
    wait_download(&c);
    atoll_session_stop(c.session, &error);
    write_offline(&c, o->objects);
    double start = bench_now();
    atoll_session_start(c.session, &error);
    bench_check(error, "backlog");
    wait_upload(&c);
    *seconds = bench_now() - start;
    client_close(&c);
}

static void download(const bench_options *o, const server *s, double *seconds, const char *name,
                     const char *query)
{
    client c;
    atoll_error *error = NULL;
    double start = bench_now();
    client_open(&c, o, name, s->url);
    subscribe(&c, query);
    wait_download(&c);
    atoll_realm_refresh(c.b.realm, &error);
    *seconds = bench_now() - start;
    atoll_results *all = atoll_results_new(c.b.realm, c.b.item, S(""), NULL, &error);
    long long count = atoll_results_count(all, &error), wanted = query[0] == 0 ? o->objects : 1;
    if (count < wanted) fprintf(stderr, "sync_1m: %lld objects arrived\n", count), exit(1);
    atoll_results_free(all);
    client_close(&c);
}

static void download_all(const bench_options *o, const server *s, double *seconds)
{
    download(o, s, seconds, "backlog-b", "");
}

static void download_part(const bench_options *o, const server *s, double *seconds)
{
    download(o, s, seconds, "backlog-c", "score > 0.99");
}

/* A backlog, and a view of a hundredth of it. */
void bench_sync_1m(const bench_options *o)
{
    server s;
    double up = 0, down = 0, part = 0, objects = (double)o->objects;
    server_start(&s, o);
    double a = in_process(upload_all, o, &s, &up);
    bench_print("sync_1m.upload", objects / up, "objects/s");
    double after_upload = server_peak_bytes(&s), cpu = server_cpu_seconds(&s);
    bench_print("sync_1m.upload.server_cpu", cpu, "s");
    double b = in_process(download_all, o, &s, &down);
    bench_print("sync_1m.download", objects / down, "objects/s");
    bench_print("sync_1m.download.server_cpu", server_cpu_seconds(&s) - cpu, "s");
    bench_print("sync_1m.uploader_peak_rss", a, "bytes");
    bench_print("sync_1m.downloader_peak_rss", b, "bytes");
    bench_print("sync_1m.server_peak_rss_after_upload", after_upload, "bytes");
    bench_print("sync_1m.server_peak_rss", server_peak_bytes(&s), "bytes");
    bench_print("sync_1m.peak_rss_of_all", (a > b ? a : b) + server_peak_bytes(&s), "bytes");
    cpu = server_cpu_seconds(&s);
    in_process(download_part, o, &s, &part);
    bench_print("sync_1m.view_of_a_hundredth", part, "s");
    bench_print("sync_1m.view_of_a_hundredth.server_cpu", server_cpu_seconds(&s) - cpu, "s");
    server_stop(&s);
    bench_print("sync_1m.server_bytes_per_object", bench_folder_bytes(s.data) / objects, "bytes");
}

static atoll_schema *reading_schema(void)
{
    atoll_error *error = NULL;
    atoll_schema *s = atoll_schema_new(&error);
    int32_t c = atoll_schema_add_class(s, S("Reading"), ATOLL_CLASS_ASYMMETRIC, &error);
    atoll_schema_add_property(s, c, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &error);
    atoll_schema_add_property(s, c, S("celsius"), ATOLL_TYPE_DOUBLE, 0, S(""), &error);
    atoll_schema_add_property(s, c, S("sensor"), ATOLL_TYPE_STRING, 0, S(""), &error);
    bench_check(error, "schema of readings");
    return s;
}

/* Measurements of one device, written and delivered: the server stores each as a line. */
void bench_sync_ingest(const bench_options *o)
{
    client c;
    server s;
    atoll_error *error = NULL;
    server_start(&s, o);
    client_open_with(&c, o, "ingest", s.url, reading_schema());
    uint32_t reading = atoll_realm_class(c.b.realm, S("Reading"), &error);
    uint32_t celsius = atoll_realm_property(c.b.realm, reading, S("celsius"), &error);
    uint32_t sensor = atoll_realm_property(c.b.realm, reading, S("sensor"), &error);
    double start = bench_now(), cpu = own_cpu_seconds();
    for (long i = 0; i < o->objects; i += 1000) {
        bench_begin(&c.b);
        for (long k = i; k < i + 1000; k++) {
            atoll_values *key = atoll_values_new(&error);
            atoll_values_add_int(key, k, &error);
            atoll_object *r = atoll_realm_create(c.b.realm, reading, key, &error);
            atoll_object_set_double(r, celsius, bench_score((uint64_t)k), &error);
            atoll_object_set_string(r, sensor, S("roof"), &error);
            atoll_object_free(r);
            atoll_values_free(key);
        }
        bench_commit(&c.b);
    }
    bench_check(error, "ingest");
    wait_upload(&c);
    bench_print("sync_ingest", (double)o->objects / (bench_now() - start), "objects/s");
    bench_print("sync_ingest.client_cpu", own_cpu_seconds() - cpu, "s");
    bench_print("sync_ingest.server_cpu", server_cpu_seconds(&s), "s");
    client_close(&c);
    server_stop(&s);
    bench_print("sync_ingest.server_bytes_per_object",
                bench_folder_bytes(s.data) / (double)o->objects, "bytes");
}
