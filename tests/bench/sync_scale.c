/* The sections with a server and much of everything: clients, objects, messages of devices. Clients are processes of their
 * own where memory is measured; these sections want to be the only one of a run. */
#include "sync.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 50, ROUNDS = 100 };

typedef struct many {
    const bench_options *options;
    server server;
    pthread_barrier_t ready, written, uploaded, ended;
    int next; /* the number of the next thread's client */
} many;

/* As the peer's: each client is opened, written and waited for by a thread of its own. */
static void *many_client(void *context)
{
    many *m = context;
    client c;
    char name[32];
    atoll_error *error = NULL;
    uint64_t number = (uint64_t)__atomic_fetch_add(&m->next, 1, __ATOMIC_RELAXED);
    snprintf(name, sizeof name, "many-%d", (int)number);
    client_open(&c, m->options, name, m->server.url);
    subscribe(&c, "");
    wait_download(&c);
    pthread_barrier_wait(&m->ready);
    for (uint64_t k = 0; k < ROUNDS; k++) {
        bench_begin(&c.b);
        atoll_object_free(bench_insert(&c.b, number * ROUNDS + k, NULL));
        bench_commit(&c.b);
    }
    pthread_barrier_wait(&m->written);
    wait_upload(&c);
    pthread_barrier_wait(&m->uploaded);
    wait_download(&c);
    pthread_barrier_wait(&m->ended);
    atoll_realm_refresh(c.b.realm, &error);
    atoll_results *all = atoll_results_new(c.b.realm, c.b.item, S(""), NULL, &error);
    long long count = atoll_results_count(all, &error);
    atoll_results_free(all);
    bench_check(error, "sync_many");
    if (count != CLIENTS * ROUNDS)
        fprintf(stderr, "sync_many: client %d has %lld objects\n", (int)number, count), exit(1);
    client_close(&c);
    return NULL;
}

void bench_sync_many(const bench_options *o)
{
    many m = {.options = o};
    pthread_t threads[CLIENTS];
    pthread_barrier_t *const barriers[] = {&m.ready, &m.written, &m.uploaded, &m.ended};
    server_start(&m.server, o);
    for (size_t i = 0; i < 4; i++) pthread_barrier_init(barriers[i], NULL, CLIENTS + 1);
    for (int i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, many_client, &m) != 0) perror("a thread"), exit(1);
    pthread_barrier_wait(&m.ready);
    double start = bench_now(), cpu = server_cpu_seconds(&m.server), own = own_cpu_seconds();
    pthread_barrier_wait(&m.written);
    bench_print("sync_50_clients_insert.all_written", bench_now() - start, "s");
    pthread_barrier_wait(&m.uploaded);
    bench_print("sync_50_clients_insert.all_uploaded", bench_now() - start, "s");
    pthread_barrier_wait(&m.ended);
    bench_print("sync_50_clients_insert.all_converged", bench_now() - start, "s");
    bench_print("sync_50_clients_insert.server_cpu", server_cpu_seconds(&m.server) - cpu, "s");
    bench_print("sync_50_clients_insert.clients_cpu", own_cpu_seconds() - own, "s");
    for (int i = 0; i < CLIENTS; i++) pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 4; i++) pthread_barrier_destroy(barriers[i]);
    server_stop(&m.server);
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
    if (count < wanted) fprintf(stderr, "sync_1m_offline: %lld objects arrived\n", count), exit(1);
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
    bench_print("sync_1m_offline.upload", objects / up, "objects/s");
    double after_upload = server_peak_bytes(&s), cpu = server_cpu_seconds(&s);
    bench_print("sync_1m_offline.upload.server_cpu", cpu, "s");
    double b = in_process(download_all, o, &s, &down);
    bench_print("sync_1m_offline.download", objects / down, "objects/s");
    bench_print("sync_1m_offline.download.server_cpu", server_cpu_seconds(&s) - cpu, "s");
    bench_print("sync_1m_offline.uploader_peak_rss", a, "bytes");
    bench_print("sync_1m_offline.downloader_peak_rss", b, "bytes");
    bench_print("sync_1m_offline.server_peak_rss_after_upload", after_upload, "bytes");
    bench_print("sync_1m_offline.server_peak_rss", server_peak_bytes(&s), "bytes");
    bench_print("sync_1m_offline.peak_rss", (a > b ? a : b) + server_peak_bytes(&s), "bytes");
    cpu = server_cpu_seconds(&s);
    in_process(download_part, o, &s, &part);
    bench_print("sync_1m_offline.view_of_a_hundredth", part, "s");
    bench_print("sync_1m_offline.view_of_a_hundredth.server_cpu", server_cpu_seconds(&s) - cpu,
                "s");
    server_stop(&s);
    bench_print("sync_1m_offline.server_file", bench_folder_bytes(s.data), "bytes");
    bench_print("sync_1m_offline.server_bytes_per_object", bench_folder_bytes(s.data) / objects,
                "bytes");
}

static double number_after(const char *text, const char *what)
{
    const char *at = strstr(text, what);
    return at == NULL ? 0 : strtod(at + strlen(what), NULL);
}

/* The slices of a download, as the session tells of them when it has published it. */
static void note_holds(void *user_data, int32_t level, const char *category, const char *message)
{
    (void)user_data;
    (void)category;
    if (level >= ATOLL_LOG_WARN) fprintf(stderr, "%s\n", message);
    if (strstr(message, "the write lock was held us") == NULL) return;
    bench_print("sync_arrive.hold_slices", number_after(message, "published in "), "slices");
    bench_print("sync_arrive.hold_p50", number_after(message, "p50 <="), "us");
    bench_print("sync_arrive.hold_p99", number_after(message, "p99 <="), "us");
    bench_print("sync_arrive.hold_max", number_after(message, "max "), "us");
    printf("# write lock, us%s\n", strrchr(message, ';') + 1);
}

enum { UI_ROUNDS_MAX = 100000, UI_ROUNDS_ALONE = 300, UI_PAUSE_US = 4000 };

/* One change of the user's own and the notification that tells of it, as a thread that draws sees them. */
typedef struct ui_times {
    double *waits, *writes, *wholes;
} ui_times;

static void ui_round(client *c, atoll_queue *queue, uint64_t registration, uint64_t number,
                     const ui_times *t, size_t i)
{
    atoll_error *error = NULL;
    double start = bench_now();
    bench_begin(&c->b);
    t->waits[i] = (bench_now() - start) * 1e6;
    atoll_object *object = bench_insert(&c->b, (1ull << 40) + number, NULL);
    atoll_object_set_double(object, c->b.score, 10, &error);
    atoll_object_free(object);
    bench_commit(&c->b);
    t->writes[i] = (bench_now() - start) * 1e6;
    atoll_realm_refresh(c->b.realm, &error);
    for (bool told = false; !told;) {
        atoll_event *event = atoll_queue_next(queue, 60000, &error);
        if (event == NULL) fprintf(stderr, "sync_arrive: no notification\n"), exit(1);
        told = atoll_event_registration(event) == registration;
        atoll_event_free(event);
    }
    t->wholes[i] = (bench_now() - start) * 1e6;
    bench_check(error, "sync_arrive");
}

/* A thread that draws writes every few milliseconds while everything arrives. */
void bench_sync_arrive(const bench_options *o)
{
    static double waits[UI_ROUNDS_MAX], writes[UI_ROUNDS_MAX], wholes[UI_ROUNDS_MAX];
    const ui_times t = {waits, writes, wholes};
    server s;
    client c;
    atoll_error *error = NULL;
    double up = 0;
    size_t rounds = 0;
    server_start(&s, o);
    in_process(upload_all, o, &s, &up);
    atoll_log_set_sink(note_holds, NULL, NULL);
    atoll_log_set_category_level(S("Realm.Sync.Client.Session"), ATOLL_LOG_DEBUG, &error);
    client_open(&c, o, "arrive", s.url);
    subscribe(&c, "");
    atoll_queue *queue = atoll_queue_new(&error);
    atoll_results *own = atoll_results_new(c.b.realm, c.b.item, S("score > 5"), NULL, &error);
    uint64_t registration = atoll_results_observe(own, queue, &error);
    atoll_event_free(atoll_queue_next(queue, 10000, &error));
    uint64_t request = atoll_session_wait_for_download(c.session, c.queue, &error);
    bench_check(error, "sync_arrive");
    double start = bench_now();
    for (bool done = false; !done && rounds < UI_ROUNDS_MAX; rounds++) {
        ui_round(&c, queue, registration, rounds, &t, rounds);
        usleep(UI_PAUSE_US);
        atoll_event *event = atoll_queue_next(c.queue, 0, &error);
        done = event != NULL && atoll_event_type(event) == ATOLL_EVENT_REQUEST_DONE &&
               atoll_event_registration(event) == request;
        atoll_event_free(event);
    }
    bench_print("sync_arrive.download", (double)o->objects / (bench_now() - start), "objects/s");
    bench_print("sync_arrive.rounds", (double)rounds, "writes");
    bench_percentiles("sync_arrive.ui_wait_for_the_lock", waits, rounds);
    bench_percentiles("sync_arrive.ui_write", writes, rounds);
    bench_percentiles("sync_arrive.ui_write_and_notification", wholes, rounds);
    /* The same afterwards, to compare with: what of it is the disk's. */
    for (size_t i = 0; i < UI_ROUNDS_ALONE; i++) {
        ui_round(&c, queue, registration, rounds + i, &t, i);
        usleep(UI_PAUSE_US);
    }
    bench_percentiles("sync_arrive.ui_write_when_nothing_arrives", writes, UI_ROUNDS_ALONE);
    atoll_realm_unobserve(c.b.realm, registration);
    atoll_results_free(own);
    atoll_queue_free(queue);
    client_close(&c);
    server_stop(&s);
    atoll_log_set_sink(NULL, NULL, NULL);
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
    bench_print("sync_ingest.written", (double)o->objects / (bench_now() - start), "objects/s");
    wait_upload(&c);
    bench_print("sync_ingest", (double)o->objects / (bench_now() - start), "objects/s");
    if (getenv("WINDOW")) fprintf(stderr, "WINDOW %.6f %.6f\n", start, bench_now());
    bench_print("sync_ingest.client_cpu", own_cpu_seconds() - cpu, "s");
    bench_print("sync_ingest.server_cpu", server_cpu_seconds(&s), "s");
    client_close(&c);
    server_stop(&s);
    bench_print("sync_ingest.server_bytes_per_object",
                bench_folder_bytes(s.data) / (double)o->objects, "bytes");
}
