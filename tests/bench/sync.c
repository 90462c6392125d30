/* The sections with a server: atolld in a process of its own, clients in this one. */
#include "bench.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct server {
    pid_t process;
    char url[64], data[512];
} server;

static void server_start(server *s, const bench_options *o)
{
    char port_file[600], port[16] = "";
    static int number; /* each section has a server of its own */
    snprintf(s->data, sizeof s->data, "%s/server-%d-%d", o->folder, (int)getpid(), number++);
    snprintf(port_file, sizeof port_file, "%s.port", s->data);
    unlink(port_file);
    s->process = fork();
    if (s->process == 0) {
        execl(o->atolld, o->atolld, "--data", s->data, "--listen", "127.0.0.1:0", "--port-file",
              port_file, "--log-level", "warn", (char *)NULL);
        perror(o->atolld);
        _exit(127);
    }
    for (int i = 0; i < 1000 && port[0] == 0; i++) {
        FILE *file = fopen(port_file, "r");
        if (file != NULL && fgets(port, sizeof port, file) == NULL) port[0] = 0;
        if (file != NULL) fclose(file);
        if (port[0] == 0) usleep(10000);
    }
    if (port[0] == 0) fprintf(stderr, "the server did not start\n"), exit(1);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", (int)strtol(port, NULL, 10));
}

static void server_stop(server *s)
{
    kill(s->process, SIGTERM);
    waitpid(s->process, NULL, 0);
}

/* Bytes of messages in and out of the server, of all sessions so far; below 0: the command line is not where it is built. */
static double server_wire_bytes(const server *s, const bench_options *o)
{
    char command[2000], line[4096];
    double total = -1;
    size_t folder = strlen(o->atolld) - strlen(strrchr(o->atolld, '/'));
    snprintf(command, sizeof command,
             "%.*s/../atoll/atoll --data %s session list --app bench --json 2>/dev/null",
             (int)folder, o->atolld, s->data);
    FILE *out = popen(command, "r");
    while (out != NULL && fgets(line, sizeof line, out) != NULL) {
        for (char *at = strstr(line, "\"bytes_"); at != NULL; at = strstr(at + 1, "\"bytes_"))
            total = (total < 0 ? 0 : total) + strtod(strchr(at, ':') + 1, NULL);
    }
    if (out != NULL) pclose(out);
    return total;
}

typedef struct client {
    bench_realm b;
    atoll_app *app;
    atoll_queue *queue;
    atoll_session *session;
} client;

static atoll_event *wait_for(atoll_queue *queue, uint64_t request)
{
    atoll_error *error = NULL;
    for (;;) {
        atoll_event *event = atoll_queue_next(queue, 120000, &error);
        if (event == NULL) fprintf(stderr, "a request did not end in two minutes\n"), exit(1);
        if (atoll_event_registration(event) == request &&
            atoll_event_type(event) == ATOLL_EVENT_REQUEST_DONE) {
            if (atoll_event_status(event) != ATOLL_OK) {
                atoll_bytes message = atoll_event_message(event);
                fprintf(stderr, "a request failed: %.*s\n", (int)message.size, message.data);
                exit(1);
            }
            return event;
        }
        atoll_event_free(event);
    }
}

static void subscribe(client *c)
{
    atoll_error *error = NULL;
    atoll_results *all = atoll_results_new(c->b.realm, c->b.item, S(""), NULL, &error);
    atoll_subscription_update *update = atoll_subscription_update_begin(c->b.realm, &error);
    atoll_subscription_update_add(update, all, S("all"), true, &error);
    atoll_subscriptions *set = atoll_subscription_update_commit(update, &error);
    bench_check(error, "subscribe");
    atoll_subscriptions_free(set);
    atoll_subscription_update_free(update);
    atoll_results_free(all);
}

static void client_open(client *c, const bench_options *o, const char *name, const char *url)
{
    atoll_error *error = NULL;
    char folder[700], path[800];
    snprintf(folder, sizeof folder, "%s/%s-%d", o->folder, name, (int)getpid());
    snprintf(path, sizeof path, "%s/realm.atoll", folder);
    bench_remove(path);
    atoll_app_config *app = atoll_app_config_new(S("bench"), &error);
    atoll_app_config_set_base_url(app, S(url), &error);
    atoll_app_config_set_base_path(app, S(folder), &error);
    c->app = atoll_app_open(app, &error);
    c->queue = atoll_queue_new(&error);
    bench_check(error, "app");
    atoll_event *event =
        wait_for(c->queue, atoll_app_log_in_anonymous(c->app, false, c->queue, &error));
    atoll_user *user = atoll_event_user(event);
    atoll_schema *schema = bench_schema();
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    atoll_config_set_schema(config, schema, &error);
    atoll_config_set_flexible(config, user, &error);
    c->b.realm = atoll_realm_open(config, &error);
    bench_check(error, "open synced");
    bench_keys(&c->b);
    c->session = atoll_realm_session(c->b.realm, &error);
    bench_check(error, "session");
    atoll_config_free(config);
    atoll_schema_free(schema);
    atoll_user_free(user);
    atoll_event_free(event);
    atoll_app_config_free(app);
}

static void client_close(client *c)
{
    atoll_session_free(c->session);
    bench_close(&c->b);
    atoll_queue_free(c->queue);
    atoll_app_free(c->app);
}

static void wait_upload(client *c)
{
    atoll_error *error = NULL;
    atoll_event_free(
        wait_for(c->queue, atoll_session_wait_for_upload(c->session, c->queue, &error)));
}

static void wait_download(client *c)
{
    atoll_error *error = NULL;
    atoll_event_free(
        wait_for(c->queue, atoll_session_wait_for_download(c->session, c->queue, &error)));
}

void bench_sync_offline(const bench_options *o)
{
    enum { OBJECTS = 100000 };
    server s;
    client a, b;
    atoll_error *error = NULL;
    server_start(&s, o);
    client_open(&a, o, "sync-a", s.url);
    subscribe(&a);
    wait_download(&a);
    atoll_session_stop(a.session, &error);
    double start = bench_now();
    for (long i = 0; i < OBJECTS; i += 1000) {
        atoll_realm_begin(a.b.realm, &error);
        for (long k = i; k < i + 1000; k++)
            atoll_object_free(bench_insert(&a.b, (uint64_t)k, NULL));
        atoll_realm_commit(a.b.realm, &error);
    }
    bench_check(error, "offline writes");
    bench_print("sync_100k_offline.local_write_with_sync_history", OBJECTS / (bench_now() - start),
                "objects/s");
    start = bench_now();
    atoll_session_start(a.session, &error);
    wait_upload(&a);
    bench_print("sync_100k_offline.upload", OBJECTS / (bench_now() - start), "objects/s");
    double uploaded = server_wire_bytes(&s, o);
    start = bench_now();
    client_open(&b, o, "sync-b", s.url);
    subscribe(&b);
    wait_download(&b);
    atoll_realm_refresh(b.b.realm, &error);
    double took = bench_now() - start;
    atoll_results *all = atoll_results_new(b.b.realm, b.b.item, S(""), NULL, &error);
    if (atoll_results_count(all, &error) != OBJECTS)
        fprintf(stderr, "sync_offline: %lld objects arrived\n",
                (long long)atoll_results_count(all, &error)),
            exit(1);
    bench_print("sync_100k_offline.download", OBJECTS / took, "objects/s");
    atoll_results_free(all);
    double downloaded = server_wire_bytes(&s, o) - uploaded;
    bench_print("sync_100k_offline.wire_bytes_up", uploaded / OBJECTS, "bytes");
    bench_print("sync_100k_offline.wire_bytes_down", downloaded / OBJECTS, "bytes");
    client_close(&a);
    client_close(&b);
    server_stop(&s);
    bench_print("sync_100k_offline.server_bytes_per_object", bench_folder_bytes(s.data) / OBJECTS,
                "bytes");
}

void bench_sync_latency(const bench_options *o)
{
    enum { ROUNDS = 200 };
    static double visible[ROUNDS], committed[ROUNDS];
    server s;
    client a, b;
    atoll_error *error = NULL;
    server_start(&s, o);
    client_open(&a, o, "latency-a", s.url);
    client_open(&b, o, "latency-b", s.url);
    subscribe(&a);
    subscribe(&b);
    wait_download(&a);
    wait_download(&b);
    uint64_t pending = atoll_realm_observe(b.b.realm, b.queue, &error);
    for (int i = 0; i < ROUNDS; i++) {
        double start = bench_now();
        atoll_realm_begin(a.b.realm, &error);
        atoll_object_free(bench_insert(&a.b, (uint64_t)i, NULL));
        atoll_realm_commit(a.b.realm, &error);
        committed[i] = (bench_now() - start) * 1e6;
        atoll_values *key = atoll_values_new(&error);
        atoll_values_add_int(key, bench_key((uint64_t)i), &error);
        for (atoll_object *found = NULL; found == NULL;) {
            atoll_event *event = atoll_queue_next(b.queue, 10000, &error);
            if (event == NULL) fprintf(stderr, "sync_latency: a change did not arrive\n"), exit(1);
            if (atoll_event_registration(event) == pending) {
                atoll_realm_refresh(b.b.realm, &error);
                found = atoll_realm_find(b.b.realm, b.b.item, key, &error);
                atoll_object_free(found);
            }
            atoll_event_free(event);
        }
        visible[i] = (bench_now() - start) * 1e6;
        atoll_values_free(key);
        bench_check(error, "latency");
    }
    bench_percentiles("sync_latency.commit_to_visible", visible, ROUNDS);
    bench_percentiles("sync_latency.commit_itself", committed, ROUNDS);
    client_close(&a);
    client_close(&b);
    server_stop(&s);
}
