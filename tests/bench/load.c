/* atoll-bench-load ATOLLD FOLDER [SESSIONS...]: many live sessions against a real server, once as streams of few connections,
 * once as a connection each, and once as a connection with TLS each. Memory and CPU are the server's (from /proc), the tool's own CPU is printed apart. Figures
 * go to stdout as "name value unit"; the machine is shared by both. */
#include "load.h"

#include "platform/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    bool connection_each, tls;
} modes[] = {{"streams", false, false}, {"connections", true, false}, {"tls", true, true}};
enum { MODES = sizeof modes / sizeof modes[0] };
enum { STREAMS_A_CONNECTION = 500, AT_ONCE = 200, ROUNDS = 5, IDLE_SECONDS = 5 };

typedef struct server {
    const char *program;
    char folder[500], port_file[600];
    uint16_t port;
    pid_t pid;
    bool tls;
} server;

/* Keys as people have them: ECDSA on P-256. The client trusts this certificate and no other. */
static void make_certificate(const server *s, tls_context **out)
{
    char command[2000], path[600];
    buffer pem;
    snprintf(
        command, sizeof command,
        "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=load -addext subjectAltName=IP:127.0.0.1 -keyout key.pem "
        "-out certificate.pem 2>openssl.log && printf 'tls: "
        "{certificate: %s/certificate.pem, key: %s/key.pem}\\napps:\\n- {id: load, sync: flexible, "
        "development: true}\\n' > server.yaml",
        s->folder, s->folder, s->folder);
    if (system(command) != 0) fprintf(stderr, "openssl made no certificate\n"), exit(1);
    snprintf(path, sizeof path, "%s/certificate.pem", s->folder);
    buffer_init(&pem, 1 << 16);
    must(file_read(path, 1 << 16, &pem));
    must(tls_context_client(buffer_view(&pem), out));
    buffer_free(&pem);
}

/* ---- the server's process ---- */

static void server_run(server *s)
{
    char listen[40], data[600], config[600];
    snprintf(listen, sizeof listen, "127.0.0.1:%u", s->port);
    snprintf(data, sizeof data, "%s/data", s->folder);
    snprintf(s->port_file, sizeof s->port_file, "%s/port", s->folder);
    unlink(s->port_file);
    s->pid = fork();
    if (s->pid == 0) {
        snprintf(config, sizeof config, "%s/server.yaml", s->folder);
        if (s->tls)
            execl(s->program, s->program, "--data", data, "--listen", listen, "--port-file",
                  s->port_file, "--log-level", "warn", "--config", config, (char *)NULL);
        execl(s->program, s->program, "--data", data, "--listen", listen, "--port-file",
              s->port_file, "--log-level", "warn", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 3000; i++) {
        FILE *file = fopen(s->port_file, "r");
        char text[16] = "";
        bool there = file != NULL && fgets(text, sizeof text, file) != NULL;
        if (file != NULL) (void)fclose(file);
        if (there) {
            s->port = (uint16_t)strtoul(text, NULL, 10);
            return;
        }
        usleep(10000);
    }
    fprintf(stderr, "%s does not start\n", s->program);
    exit(1);
}

static void server_end(server *s)
{
    int result = 0;
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &result, 0);
    if (result != 0) fprintf(stderr, "the server ended with %d\n", result), exit(1);
}

static double server_memory(const server *s)
{
    char path[60], text[200];
    double kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)s->pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(text, sizeof text, file) != NULL)
        if (strncmp(text, "VmRSS:", 6) == 0) kilobytes = strtod(text + 6, NULL);
    if (file != NULL) (void)fclose(file);
    return kilobytes * 1024;
}

static double server_cpu(const server *s)
{
    char path[60], text[1000] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)s->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(text, sizeof text, file) == NULL) return 0;
    (void)fclose(file);
    char *at = strrchr(text, ')');
    for (int i = 0; i < 12 && at != NULL; i++) at = strchr(at + 1, ' ');
    if (at == NULL) return 0;
    double user = strtod(at, &at), system = strtod(at, NULL);
    return (user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double own_cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

/* ---- what is measured ---- */

typedef struct run {
    server *server;
    load *load;
    const char *mode;
} run;

static void print(const run *r, const char *name, long which, double value, const char *unit)
{
    printf("load_%s_%ld.%s", r->mode, r->load->count, name);
    if (which > 0) printf("_%ld", which);
    printf(" %.6g %s\n", value, unit);
    (void)fflush(stdout);
}

typedef struct meter {
    double server, own;
    uint64_t at_us;
} meter;

static meter meter_begin(const run *r)
{
    return (meter){server_cpu(r->server), own_cpu(), now_us()};
}

static void meter_print(const run *r, const char *name, long which, const meter *m, double rounds)
{
    char text[60];
    print(r, name, which, (double)(now_us() - m->at_us) * 1e-6 / rounds, "s");
    snprintf(text, sizeof text, "%s.server_cpu", name);
    print(r, text, which, (server_cpu(r->server) - m->server) / rounds, "s");
    snprintf(text, sizeof text, "%s.tool_cpu", name);
    print(r, text, which, (own_cpu() - m->own) / rounds, "s");
}

static void measure_idle(const run *r)
{
    meter m = meter_begin(r);
    uint64_t end = now_us() + IDLE_SECONDS * 1000000ull;
    while (now_us() < end) load_turn(r->load, 100);
    print(r, "idle.server_cpu_a_second", -1, (server_cpu(r->server) - m.server) / IDLE_SECONDS,
          "s");
}

static void measure_change(const run *r, int64_t owner, long wanting)
{
    load *l = r->load;
    double latency = 0, slowest = 0;
    if (wanting >= l->count) return;
    meter m = meter_begin(r);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t rows = l->rows, begin = now_us(), number = l->bound_number + 1;
        load_upload(l, owner);
        while (l->rows - rows < (uint64_t)wanting || l->acknowledged < number) load_turn(l, 100);
        double took = (double)(l->last_row_us - begin) * 1e-3;
        /* Whom a commit concerned together with many others hears of the next one 50 ms later: that is not asked here. */
        for (uint64_t end = now_us() + 100000; now_us() < end;) load_turn(l, 10);
        latency += took / ROUNDS;
        if (took > slowest) slowest = took;
    }
    print(r, "change_until_last_has_it", wanting, latency, "ms");
    print(r, "change_until_last_has_it.slowest", wanting, slowest, "ms");
    print(r, "change.server_cpu", wanting, (server_cpu(r->server) - m.server) / ROUNDS * 1e3, "ms");
    print(r, "change.tool_cpu", wanting, (own_cpu() - m.own) / ROUNDS * 1e3, "ms");
}

static void measure(server *s, const char *mode, long sessions, long streams_a_line,
                    const tls_context *trusted)
{
    load l;
    run r = {s, &l, mode};
    server_run(s);
    load_start(&l, s->port, sessions, streams_a_line);
    l.tls = trusted;
    load_log_in(&l);
    double before = server_memory(s);
    meter m = meter_begin(&r);
    load_open(&l, AT_ONCE);
    meter_print(&r, "first_bind", -1, &m, 1);
    measure_idle(&r);
    double after = server_memory(s);
    print(&r, "idle.server_memory", -1, after / 1e6, "MB");
    print(&r, "idle.server_memory_a_session", -1, (after - before) / (double)sessions, "bytes");
    measure_change(&r, 1, 10);
    measure_change(&r, 2, 1000);
    measure_change(&r, 3, 10000);
    /* The server goes and comes again, and all come back at once. */
    server_end(s);
    while (l.bound > 0) load_turn(&l, 100);
    load_drop(&l);
    server_run(s);
    m = meter_begin(&r);
    load_open(&l, sessions);
    meter_print(&r, "storm", -1, &m, 1);
    print(&r, "storm.server_memory", -1, server_memory(s) / 1e6, "MB");
    load_end(&l);
    server_end(s);
}

/* A connection is an open file at either end; the rest is the server's store. */
static long connections_allowed(long sessions)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if ((double)limit.rlim_cur >= (double)sessions + 500) return sessions;
    fprintf(stderr, "only %llu open files are allowed: fewer than %ld connections\n",
            (unsigned long long)limit.rlim_cur, sessions);
    return (long)limit.rlim_cur - 500;
}

int main(int count, char **arguments)
{
    static const char *const defaults[] = {"1000", "10000", "20000"};
    if (count < 3) {
        fprintf(stderr, "usage: atoll-bench-load ATOLLD FOLDER [SESSIONS...]\n");
        return 2;
    }
    for (int i = 0; i < (count > 3 ? count - 3 : 3); i++) {
        long sessions = strtol(count > 3 ? arguments[3 + i] : defaults[i], NULL, 10);
        long connections = connections_allowed(sessions);
        for (int mode = 0; mode < MODES; mode++) {
            server s = {.program = arguments[1], .tls = modes[mode].tls};
            tls_context *trusted = NULL;
            snprintf(s.folder, sizeof s.folder, "%s/load", arguments[2]);
            must(file_remove_tree(s.folder));
            must(file_make_folders(s.folder));
            if (s.tls) make_certificate(&s, &trusted);
            if (modes[mode].connection_each)
                measure(&s, modes[mode].name, connections, 1, trusted);
            else
                measure(&s, modes[mode].name, sessions, STREAMS_A_CONNECTION, trusted);
            tls_context_free(trusted);
        }
    }
    return 0;
}
