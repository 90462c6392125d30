/* atoll: the command line. Parses arguments and hands over to a command.
 * Must never: talk to a server itself; client.c does.
 * Invariant: exit code 0: done; 1: it failed, stderr says why; 2: the arguments are wrong. */
#include "cli.h"

#include "base/log.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

enum {
    OPTION_DATA = 256,
    OPTION_URL,
    OPTION_TOKEN,
    OPTION_APP,
    OPTION_PASSWORD,
    OPTION_CLASS,
    OPTION_KEY,
    OPTION_EMAIL,
    OPTION_PARTITION,
    OPTION_FORMAT,
    OPTION_AFTER,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_JSON,
    OPTION_FOLLOW,
    OPTION_NO_FOLLOW,
    OPTION_ASYMMETRIC,
    OPTION_PROGRESS,
    OPTION_QUIET,
    OPTION_LOG_LEVEL,
    OPTION_CA,
    OPTION_HELP,
    OPTION_VERSION
};

static void usage(FILE *to)
{
    fputs(
        "usage: atoll COMMAND [OPTIONS]\n"
        "\n"
        "With the server's folder (--data DIR), or --url http://HOST:PORT and --token FILE; --ca "
        "FILE with "
        "certificates to trust for https:\n"
        "  app list [--json]\n"
        "  user add EMAIL --app ID [--password TEXT]     without --password it is read from "
        "standard input\n"
        "  user list --app ID [--json]\n"
        "  user disable USER --app ID                    USER is an id or an email address\n"
        "  user enable USER --app ID\n"
        "  user delete USER --app ID                     with log-ins and keys; objects stay\n"
        "  key create NAME --app ID [--json]             a key by which a server logs in; shown "
        "this once\n"
        "  key list --app ID [--json]\n"
        "  key disable|enable|delete KEYID --app ID\n"
        "  user data get USER --app ID                   custom data, which roles read as "
        "user.custom_data\n"
        "  user data set USER JSON --app ID              one JSON object; '' for none\n"
        "  session list --app ID [--json]                streams of this run with their counters\n"
        "  sync terminate --app ID                       and begin again: every client resets, and "
        "sends what it had not sent\n"
        "  schema show --app ID                          as JSON\n"
        "  schema remove CLASS [PROPERTY] --app ID       out of the schema, the name is free; "
        "every "
        "client resets\n"
        "  schema restore CLASS [PROPERTY] --app ID      what was removed, with its data\n"
        "  ingest tail --app ID [--after N] [--since TIME] [--until TIME] [--class NAME] "
        "[--no-follow]\n"
        "                                                objects of asymmetric classes, one line "
        "of JSON each\n"
        "  ingest query --app ID ...                     the same, until the end; TIME is "
        "2026-01-31 "
        "or 2026-01-31T23:59:59Z\n"
        "  ingest export --app ID ... --class NAME --format csv   the same as CSV; without "
        "--format "
        "lines of JSON\n"
        "  hash CLASS [QUERY] --app ID                   number and hash of the objects that "
        "match\n"
        "\n"
        "As a client (--url http://HOST:PORT, or the server's folder):\n"
        "  import FILE --app ID --class NAME [--key COLUMN] [--format csv|ndjson] [--partition "
        "JSON] [--asymmetric]\n"
        "         [--email ADDRESS --password TEXT] [--progress | --quiet]\n"
        "         --key names the column that becomes _id; a row whose _id is there already is "
        "updated\n",
        to);
}

static status parse_number(const char *text, uint64_t *out)
{
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0') {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "\"%s\" is no number; see atoll --help", text);
    }
    *out = value;
    return ATOLL_OK;
}

static status take_option(int option, arguments *a)
{
    switch (option) {
    case OPTION_DATA: a->data = optarg; break;
    case OPTION_URL: a->url = optarg; break;
    case OPTION_TOKEN: a->token_file = optarg; break;
    case OPTION_APP: a->app = optarg; break;
    case OPTION_CA: a->ca_file = optarg; break;
    case OPTION_PASSWORD: a->password = optarg; break;
    case OPTION_CLASS: a->class_name = optarg; break;
    case OPTION_KEY: a->key = optarg; break;
    case OPTION_EMAIL: a->email = optarg; break;
    case OPTION_PARTITION: a->partition = optarg; break;
    case OPTION_SINCE: a->since = optarg; break;
    case OPTION_UNTIL: a->until = optarg; break;
    case OPTION_FORMAT: a->format = optarg; break;
    case OPTION_AFTER: return parse_number(optarg, &a->after);
    case OPTION_JSON: a->json = true; break;
    case OPTION_FOLLOW: a->follow = true; break;
    case OPTION_NO_FOLLOW: a->follow = false; break;
    case OPTION_ASYMMETRIC: a->asymmetric = true; break;
    case OPTION_PROGRESS: a->progress = true; break;
    case OPTION_QUIET: a->quiet = true; break;
    case OPTION_LOG_LEVEL:
        log_set_level(strcmp(optarg, "debug") == 0 ? LOG_DEBUG : LOG_INFO);
        break;
    case OPTION_HELP: usage(stdout); exit(0);
    case OPTION_VERSION: puts("atoll " ATOLL_VERSION_TEXT); exit(0);
    default: return fail(ATOLL_ERROR_INVALID_ARGUMENT, "see atoll --help");
    }
    return ATOLL_OK;
}

static status parse(int count, char **values, arguments *out)
{
    static const struct option options[] = {
        {"data", 1, NULL, OPTION_DATA},
        {"url", 1, NULL, OPTION_URL},
        {"token", 1, NULL, OPTION_TOKEN},
        {"app", 1, NULL, OPTION_APP},
        {"ca", 1, NULL, OPTION_CA},
        {"password", 1, NULL, OPTION_PASSWORD},
        {"class", 1, NULL, OPTION_CLASS},
        {"key", 1, NULL, OPTION_KEY},
        {"email", 1, NULL, OPTION_EMAIL},
        {"partition", 1, NULL, OPTION_PARTITION},
        {"format", 1, NULL, OPTION_FORMAT},
        {"after", 1, NULL, OPTION_AFTER},
        {"since", 1, NULL, OPTION_SINCE},
        {"until", 1, NULL, OPTION_UNTIL},
        {"json", 0, NULL, OPTION_JSON},
        {"follow", 0, NULL, OPTION_FOLLOW},
        {"no-follow", 0, NULL, OPTION_NO_FOLLOW},
        {"asymmetric", 0, NULL, OPTION_ASYMMETRIC},
        {"progress", 0, NULL, OPTION_PROGRESS},
        {"quiet", 0, NULL, OPTION_QUIET},
        {"log-level", 1, NULL, OPTION_LOG_LEVEL},
        {"help", 0, NULL, OPTION_HELP},
        {"version", 0, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(count, values, "", options, NULL)) != -1)
        TRY(take_option(option, out));
    for (; optind < count; optind++) {
        if (out->word_count == 5)
            return fail(ATOLL_ERROR_INVALID_ARGUMENT, "too many arguments; see atoll --help");
        out->words[out->word_count++] = values[optind];
    }
    return ATOLL_OK;
}

static bool says(const arguments *a, const char *first, const char *second, int more_min,
                 int more_max)
{
    int used = second == NULL ? 1 : 2;
    return a->word_count >= used + more_min && a->word_count <= used + more_max &&
           strcmp(a->words[0], first) == 0 && (second == NULL || strcmp(a->words[1], second) == 0);
}

static status run(const arguments *a)
{
    bool needs_app = !says(a, "app", "list", 0, 0);
    if (a->word_count > 0 && needs_app && a->app == NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "--app ID is missing; see atoll --help");
    if (says(a, "app", "list", 0, 0)) return command_app_list(a);
    if (says(a, "user", "list", 0, 0) || says(a, "user", "add", 1, 1)) return command_user(a);
    if (says(a, "user", "disable", 1, 1) || says(a, "user", "enable", 1, 1)) return command_user(a);
    if (says(a, "user", "data", 2, 3) || says(a, "user", "delete", 1, 1)) return command_user(a);
    if (says(a, "key", "list", 0, 0) || says(a, "key", "create", 1, 1)) return command_key(a);
    if (says(a, "key", "disable", 1, 1) || says(a, "key", "enable", 1, 1) ||
        says(a, "key", "delete", 1, 1))
        return command_key(a);
    if (says(a, "session", "list", 0, 0)) return command_session_list(a);
    if (says(a, "sync", "terminate", 0, 0)) return command_sync_terminate(a);
    if (says(a, "schema", "show", 0, 0)) return command_schema_show(a);
    if (says(a, "schema", "remove", 1, 2)) return command_schema_change(a, false);
    if (says(a, "schema", "restore", 1, 2)) return command_schema_change(a, true);
    if (says(a, "ingest", "tail", 0, 0)) return command_ingest_tail(a, a->follow);
    if (says(a, "ingest", "query", 0, 0)) return command_ingest_tail(a, false);
    if (says(a, "ingest", "export", 0, 0)) return command_ingest_export(a);
    if (says(a, "hash", NULL, 1, 2)) return command_hash(a);
    if (says(a, "import", NULL, 1, 1)) return command_import(a);
    return fail(ATOLL_ERROR_INVALID_ARGUMENT, "unknown command; see atoll --help");
}

int main(int count, char **values)
{
    arguments a = {.follow = true};
    signal(SIGPIPE, SIG_DFL); /* `atoll ingest tail | head` ends quietly */
    log_set_level(LOG_WARN);
    status result = parse(count, values, &a);
    if (result == ATOLL_OK) result = run(&a);
    if (result == ATOLL_OK) return 0;
    fprintf(stderr, "atoll: %s\n", fail_text());
    return result == ATOLL_ERROR_INVALID_ARGUMENT ? 2 : 1;
}
