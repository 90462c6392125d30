/* What the sections with a server share. */
#include "sync.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void server_start(server *s, const bench_options *o)
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

void server_stop(server *s)
{
    kill(s->process, SIGTERM);
    waitpid(s->process, NULL, 0);
}

double server_wire_bytes(const server *s, const bench_options *o)
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

double loopback_bytes(void)
{
    char line[512];
    double received = 0;
    FILE *file = fopen("/proc/net/dev", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *at = strstr(line, "lo:");
        if (at != NULL) received = strtod(at + 3, NULL);
    }
    if (file != NULL) fclose(file);
    return received;
}

double server_cpu_seconds(const server *s)
{
    char path[64], line[1024] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)s->process);
    FILE *file = fopen(path, "r");
    if (file != NULL && fgets(line, sizeof line, file) == NULL) line[0] = 0;
    if (file != NULL) fclose(file);
    unsigned long user = 0, system = 0;
    const char *at = strrchr(line, ')');
    if (at == NULL ||
        sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double own_cpu_seconds(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0) return 0;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

double server_peak_bytes(const server *s)
{
    char path[64], line[256];
    double kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)s->process);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0) kilobytes = strtod(line + 6, NULL);
    if (file != NULL) fclose(file);
    return kilobytes * 1024;
}

atoll_event *wait_for(atoll_queue *queue, uint64_t request)
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

void subscribe(client *c, const char *query)
{
    atoll_error *error = NULL;
    atoll_results *all = atoll_results_new(c->b.realm, c->b.item, S(query), NULL, &error);
    atoll_subscription_update *update = atoll_subscription_update_begin(c->b.realm, &error);
    atoll_subscription_update_add(update, all, S("all"), true, &error);
    atoll_subscriptions *set = atoll_subscription_update_commit(update, &error);
    bench_check(error, "subscribe");
    atoll_subscriptions_free(set);
    atoll_subscription_update_free(update);
    atoll_results_free(all);
}

void client_open_with(client *c, const bench_options *o, const char *name, const char *url,
                      atoll_schema *schema)
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
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    atoll_config_set_schema(config, schema, &error);
    atoll_config_set_flexible(config, user, &error);
    c->b.realm = atoll_realm_open(config, &error);
    bench_check(error, "open synced");
    c->session = atoll_realm_session(c->b.realm, &error);
    bench_check(error, "session");
    atoll_config_free(config);
    atoll_schema_free(schema);
    atoll_user_free(user);
    atoll_event_free(event);
    atoll_app_config_free(app);
}

void client_open(client *c, const bench_options *o, const char *name, const char *url)
{
    client_open_with(c, o, name, url, bench_schema());
    bench_keys(&c->b);
}

void client_close(client *c)
{
    atoll_session_free(c->session);
    bench_close(&c->b);
    atoll_queue_free(c->queue);
    atoll_app_free(c->app);
}

void wait_upload(client *c)
{
    atoll_error *error = NULL;
    atoll_event_free(
        wait_for(c->queue, atoll_session_wait_for_upload(c->session, c->queue, &error)));
}

void wait_download(client *c)
{
    atoll_error *error = NULL;
    atoll_event_free(
        wait_for(c->queue, atoll_session_wait_for_download(c->session, c->queue, &error)));
}
