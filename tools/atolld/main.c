/* atolld: the server. Reads arguments and configuration, then runs the loop until SIGTERM or SIGINT.
 * Must never: hold logic; everything that it does is in core/server.
 * Invariant: the port file, if asked for, is written when connections are accepted, not before. */
#include "base/log.h"
#include "platform/file.h"
#include "platform/process.h"
#include "server/events.h"
#include "server/runner.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define CONFIG_SIZE_MAX (1u << 20)
#define CATEGORY "Realm.Sync.Server"

typedef struct arguments {
    const char *data, *config, *listen, *port_file, *log_level, *log_format;
} arguments;

static server_runner *running; /* for the signal handler only */

static void on_signal(int number)
{
    (void)number;
    if (running != NULL) server_runner_stop(running);
}

static void on_hang_up(int number)
{
    (void)number;
    if (running != NULL) server_runner_reload(running);
}

static void usage(FILE *to)
{
    fputs("usage: atolld --data DIR [--config FILE] [--listen HOST:PORT] [--port-file FILE] "
          "[--log-level LEVEL] [--log-format FORMAT]\n"
          "\n"
          "  --data DIR         where everything is kept; made if missing\n"
          "  --config FILE      apps and settings (YAML, docs/server.md); without it the server is "
          "open for development:\n"
          "                     an app exists as soon as a client names it\n"
          "  --listen HOST:PORT instead of the configuration's; port 0 takes a free one "
          "(127.0.0.1:7700)\n"
          "  --port-file FILE   gets the port once the server listens\n"
          "  --log-level LEVEL  trace, debug, detail, info, warn, error, fatal, off (info)\n"
          "  --log-format FORMAT  text or json, a line an event (text)\n",
          to);
}

static status parse(int count, char **values, arguments *out)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"listen", required_argument, NULL, 'l'},
        {"port-file", required_argument, NULL, 'p'},
        {"log-level", required_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {"log-format", required_argument, NULL, 'f'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(count, values, "", options, NULL)) != -1) {
        switch (option) {
        case 'd': out->data = optarg; break;
        case 'c': out->config = optarg; break;
        case 'l': out->listen = optarg; break;
        case 'p': out->port_file = optarg; break;
        case 'v': out->log_level = optarg; break;
        case 'f': out->log_format = optarg; break;
        case 'h': usage(stdout); exit(0);
        case 'V': puts("atolld " ATOLL_VERSION_TEXT); exit(0);
        default: return fail(ATOLL_ERROR_INVALID_ARGUMENT, "see atolld --help");
        }
    }
    if (optind < count)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "unexpected argument \"%s\"; see atolld --help",
                    values[optind]);
    if (out->data == NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "--data DIR is missing; see atolld --help");
    return ATOLL_OK;
}

static status set_log_level(const char *name)
{
    static const char *const names[] = {"all",  "trace", "debug", "detail", "info",
                                        "warn", "error", "fatal", "off"};
    if (name == NULL) name = "info";
    for (int32_t i = 0; i < 9; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        log_set_level(i);
        return ATOLL_OK;
    }
    return fail(ATOLL_ERROR_INVALID_ARGUMENT, "unknown log level \"%s\"; see atolld --help", name);
}

static status set_log_format(const char *name)
{
    bool json = name != NULL && strcmp(name, "json") == 0;
    if (name != NULL && !json && strcmp(name, "text") != 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "unknown log format \"%s\"; see atolld --help",
                    name);
    log_set_sink(json ? event_sink_json : event_sink_text, (void *)(uintptr_t)platform_posix(),
                 NULL);
    return ATOLL_OK;
}

static status read_config(const arguments *a, server_config *out)
{
    server_config config = {0};
    status result;
    if (a->config == NULL) {
        result = server_config_default(&config);
    } else {
        buffer yaml;
        buffer_init(&yaml, CONFIG_SIZE_MAX + 8192);
        result = file_read(a->config, CONFIG_SIZE_MAX, &yaml);
        if (result == ATOLL_OK) result = server_config_read(buffer_view(&yaml), &config);
        buffer_free(&yaml);
    }
    if (result == ATOLL_OK && a->listen != NULL)
        result = address_read(a->listen, &config.host, &config.port);
    if (result != ATOLL_OK)
        server_config_free(&config);
    else
        *out = config;
    return result;
}

static status read_again(void *context, server_config *out)
{
    return read_config(context, out);
}

static status serve(const arguments *a, const server_config *config)
{
    server_runner *r = NULL;
    process_raise_file_limit();
    server_runner_options options = {.platform = platform_posix(),
                                     .config = config,
                                     .data = a->data,
                                     .read_config = a->config == NULL ? NULL : read_again,
                                     .context = (void *)(uintptr_t)a};
    TRY(server_runner_new(&options, &r));
    running = r;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = on_hang_up;
    sigaction(SIGHUP, &action, NULL);
    log_write(LOG_INFO, CATEGORY, "listening on %s:%u, data in %s", config->host,
              server_runner_port(r), a->data);
    status result = ATOLL_OK;
    if (a->port_file != NULL) {
        char port[16];
        snprintf(port, sizeof port, "%u\n", server_runner_port(r));
        result = file_write(a->port_file, bytes_text(port), 0644);
    }
    if (result == ATOLL_OK) result = server_runner_run(r);
    (void)signal(SIGTERM, SIG_IGN); /* the way out is under way */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    running = NULL;
    server_runner_free(r);
    if (result == ATOLL_OK) log_write(LOG_INFO, CATEGORY, "stopped");
    return result;
}

int main(int count, char **values)
{
    arguments a = {0};
    server_config config = {0};
    status result = parse(count, values, &a);
    if (result == ATOLL_OK) result = set_log_level(a.log_level);
    if (result == ATOLL_OK) result = set_log_format(a.log_format);
    if (result == ATOLL_OK) result = read_config(&a, &config);
    if (result == ATOLL_OK) result = serve(&a, &config);
    if (result != ATOLL_OK) fprintf(stderr, "atolld: %s\n", fail_text());
    server_config_free(&config);
    return result == ATOLL_OK ? 0 : result == ATOLL_ERROR_INVALID_ARGUMENT ? 2 : 1;
}
