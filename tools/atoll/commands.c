/* The commands that ask the server's Admin service, and how they print.
 * Must never: change anything but users.
 * Invariant: with --json, standard output is one JSON array (or one line an object), nothing else. */
#include "cli.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#define PASSWORD_SIZE_MAX 256

void print_json_text(const char *text)
{
    putchar('"');
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if (*at < 0x20)
            printf("\\u%04x", *at);
        else
            putchar(*at);
    }
    putchar('"');
}

static void field(const char *separator, const char *name, const char *text)
{
    printf("%s\"%s\": ", separator, name);
    print_json_text(text);
}

status command_app_list(const arguments *a)
{
    Atoll__Auth__V1__Nothing request = ATOLL__AUTH__V1__NOTHING__INIT;
    ProtobufCMessage *answer = NULL;
    TRY(admin_ask(a, "ListApps", &request.base, &atoll__auth__v1__app_list__descriptor, &answer));
    const Atoll__Auth__V1__AppList *list = (const Atoll__Auth__V1__AppList *)answer;
    if (a->json)
        fputs("[", stdout);
    else
        printf("%-24s %-10s %-16s %s\n", "APP", "SYNC", "LOG-IN", "DEVELOPMENT");
    for (size_t i = 0; i < list->n_apps; i++) {
        const Atoll__Auth__V1__App *app = list->apps[i];
        bool both = app->n_log_in == 2;
        const char *ways = both ? "anonymous,email" : app->n_log_in == 1 ? app->log_in[0] : "-";
        if (!a->json) {
            printf("%-24s %-10s %-16s %s\n", app->id, app->sync[0] == '\0' ? "?" : app->sync, ways,
                   app->development ? "yes" : "no");
            continue;
        }
        field(i == 0 ? "\n {" : ",\n {", "id", app->id);
        field(", ", "sync", app->sync);
        field(", ", "partition_property", app->partition_property);
        fputs(", \"log_in\": [", stdout);
        for (size_t k = 0; k < app->n_log_in; k++)
            printf("%s\"%s\"", k == 0 ? "" : ", ", app->log_in[k]);
        printf("], \"development\": %s, \"open\": %s}", app->development ? "true" : "false",
               app->open ? "true" : "false");
    }
    if (a->json) fputs("\n]\n", stdout);
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

/* ---- users ---- */

static void print_user(const Atoll__Auth__V1__User *u, bool json, const char *separator)
{
    if (!json) {
        char when[32] = "";
        time_t seconds = (time_t)(u->created_ms / 1000);
        struct tm parts;
        if (gmtime_r(&seconds, &parts) != NULL)
            strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
        printf("%-26s %-15s %-9s %-21s %s\n", u->id, u->provider,
               u->disabled ? "disabled" : "enabled", when, u->email);
        return;
    }
    field(separator, "id", u->id);
    field(", ", "email", u->email);
    field(", ", "provider", u->provider);
    printf(", \"disabled\": %s, \"created_ms\": %" PRId64 "}", u->disabled ? "true" : "false",
           u->created_ms);
}

static status user_list(const arguments *a)
{
    Atoll__Auth__V1__AppRequest request = ATOLL__AUTH__V1__APP_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    request.app_id = (char *)(uintptr_t)a->app;
    TRY(admin_ask(a, "ListUsers", &request.base, &atoll__auth__v1__user_list__descriptor, &answer));
    const Atoll__Auth__V1__UserList *list = (const Atoll__Auth__V1__UserList *)answer;
    if (a->json)
        fputs("[", stdout);
    else
        printf("%-26s %-15s %-9s %-21s %s\n", "USER", "PROVIDER", "STATE", "CREATED", "EMAIL");
    for (size_t i = 0; i < list->n_users; i++)
        print_user(list->users[i], a->json, i == 0 ? "\n {" : ",\n {");
    if (a->json) fputs("\n]\n", stdout);
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

static status read_password(char password[PASSWORD_SIZE_MAX])
{
    if (isatty(STDIN_FILENO)) {
        char *typed = getpass("password: ");
        if (typed != NULL) snprintf(password, PASSWORD_SIZE_MAX, "%s", typed);
        return typed != NULL ? ATOLL_OK
                             : fail(ATOLL_ERROR_INVALID_ARGUMENT, "no password was given");
    }
    if (fgets(password, PASSWORD_SIZE_MAX, stdin) == NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "no password on standard input");
    password[strcspn(password, "\r\n")] = '\0';
    return ATOLL_OK;
}

static status user_add(const arguments *a)
{
    Atoll__Auth__V1__RegisterRequest request = ATOLL__AUTH__V1__REGISTER_REQUEST__INIT;
    Atoll__Auth__V1__EmailPassword given = ATOLL__AUTH__V1__EMAIL_PASSWORD__INIT;
    ProtobufCMessage *answer = NULL;
    char password[PASSWORD_SIZE_MAX] = "";
    if (a->password != NULL)
        snprintf(password, sizeof password, "%s", a->password);
    else
        TRY(read_password(password));
    given.email = (char *)(uintptr_t)a->words[2];
    given.password = password;
    request.app_id = (char *)(uintptr_t)a->app;
    request.email_password = &given;
    status result =
        admin_ask(a, "AddUser", &request.base, &atoll__auth__v1__user__descriptor, &answer);
    explicit_bzero(password, sizeof password);
    if (result != ATOLL_OK) return result;
    print_user((const Atoll__Auth__V1__User *)answer, a->json, "{");
    if (a->json) putchar('\n');
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

static status user_disable(const arguments *a, bool enable)
{
    Atoll__Auth__V1__DisableUserRequest request = ATOLL__AUTH__V1__DISABLE_USER_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    request.app_id = (char *)(uintptr_t)a->app;
    request.user = (char *)(uintptr_t)a->words[2];
    request.enable = enable;
    TRY(admin_ask(a, "DisableUser", &request.base, &atoll__auth__v1__user__descriptor, &answer));
    print_user((const Atoll__Auth__V1__User *)answer, a->json, "{");
    if (a->json) putchar('\n');
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

static status user_data(const arguments *a)
{
    Atoll__Auth__V1__UserDataRequest request = ATOLL__AUTH__V1__USER_DATA_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    bool set = strcmp(a->words[2], "set") == 0;
    if (a->word_count != (set ? 5 : 4) || (!set && strcmp(a->words[2], "get") != 0))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "expected user data get USER, or user data set USER JSON");
    request.app_id = (char *)(uintptr_t)a->app;
    request.user = (char *)(uintptr_t)a->words[3];
    if (set) request.json = (char *)(uintptr_t)a->words[4];
    TRY(admin_ask(a, set ? "SetUserData" : "GetUserData", &request.base,
                  &atoll__auth__v1__user_data__descriptor, &answer));
    puts(((const Atoll__Auth__V1__UserData *)answer)->json);
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

static status user_delete(const arguments *a)
{
    Atoll__Auth__V1__DisableUserRequest request = ATOLL__AUTH__V1__DISABLE_USER_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    request.app_id = (char *)(uintptr_t)a->app;
    request.user = (char *)(uintptr_t)a->words[2];
    TRY(admin_ask(a, "RemoveUser", &request.base, &atoll__auth__v1__nothing__descriptor, &answer));
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

status command_user(const arguments *a)
{
    if (strcmp(a->words[1], "delete") == 0) return user_delete(a);
    if (strcmp(a->words[1], "data") == 0) return user_data(a);
    if (strcmp(a->words[1], "list") == 0) return user_list(a);
    if (strcmp(a->words[1], "add") == 0) return user_add(a);
    return user_disable(a, strcmp(a->words[1], "enable") == 0);
}

/* ---- sync ---- */

status command_sync_terminate(const arguments *a)
{
    Atoll__Auth__V1__AppRequest request = ATOLL__AUTH__V1__APP_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    request.app_id = (char *)(uintptr_t)a->app;
    TRY(admin_ask(a, "TerminateSync", &request.base, &atoll__auth__v1__nothing__descriptor,
                  &answer));
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

/* ---- the schema ---- */

status command_schema_show(const arguments *a)
{
    Atoll__Auth__V1__AppRequest request = ATOLL__AUTH__V1__APP_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    request.app_id = (char *)(uintptr_t)a->app;
    TRY(admin_ask(a, "ShowSchema", &request.base, &atoll__auth__v1__app_schema__descriptor,
                  &answer));
    printf("%s\n", ((Atoll__Auth__V1__AppSchema *)(void *)answer)->json);
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

status command_schema_change(const arguments *a, bool restore)
{
    Atoll__Auth__V1__SchemaRequest request = ATOLL__AUTH__V1__SCHEMA_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    request.app_id = (char *)(uintptr_t)a->app;
    request.class_name = (char *)(uintptr_t)a->words[2];
    if (a->word_count > 3) request.property = (char *)(uintptr_t)a->words[3];
    request.restore = restore;
    TRY(admin_ask(a, "ChangeSchema", &request.base, &atoll__auth__v1__nothing__descriptor,
                  &answer));
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

/* ---- sessions ---- */

static void print_session(const Atoll__Auth__V1__Session *s, bool json, const char *separator)
{
    if (!json) {
        printf("%6" PRIu64 " %-6s %-26s %6" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64
               " %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %s\n",
               s->number, s->open ? "open" : "ended", s->user_id, s->ident, s->messages_in,
               s->messages_out, s->bytes_in, s->bytes_out, s->rows_in, s->rows_out, s->partition);
        return;
    }
    printf("%s\"number\": %" PRIu64 ", \"open\": %s, \"ident\": %" PRIu64, separator, s->number,
           s->open ? "true" : "false", s->ident);
    field(", ", "user_id", s->user_id);
    printf(", \"partition\": %s, \"opened_ms\": %" PRId64,
           s->partition[0] == '\0' ? "null" : s->partition, s->opened_ms);
    printf(", \"messages_in\": %" PRIu64 ", \"messages_out\": %" PRIu64, s->messages_in,
           s->messages_out);
    printf(", \"bytes_in\": %" PRIu64 ", \"bytes_out\": %" PRIu64, s->bytes_in, s->bytes_out);
    printf(", \"rows_in\": %" PRIu64 ", \"rows_out\": %" PRIu64, s->rows_in, s->rows_out);
    printf(", \"uploads_applied\": %" PRIu64 "}", s->uploads_applied);
}

status command_session_list(const arguments *a)
{
    Atoll__Auth__V1__AppRequest request = ATOLL__AUTH__V1__APP_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    request.app_id = (char *)(uintptr_t)a->app;
    TRY(admin_ask(a, "ListSessions", &request.base, &atoll__auth__v1__session_list__descriptor,
                  &answer));
    const Atoll__Auth__V1__SessionList *list = (const Atoll__Auth__V1__SessionList *)answer;
    if (a->json)
        fputs("[", stdout);
    else
        printf("%6s %-6s %-26s %6s %8s %8s %10s %10s %8s %8s %s\n", "NUMBER", "STATE", "USER",
               "IDENT", "MSG IN", "MSG OUT", "BYTES IN", "BYTES OUT", "ROWS IN", "ROWS OUT",
               "PARTITION");
    for (size_t i = 0; i < list->n_sessions; i++)
        print_session(list->sessions[i], a->json, i == 0 ? "\n {" : ",\n {");
    if (a->json) fputs("\n]\n", stdout);
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}

/* ---- objects ---- */

status command_hash(const arguments *a)
{
    Atoll__Auth__V1__HashQueryRequest request = ATOLL__AUTH__V1__HASH_QUERY_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    request.app_id = (char *)(uintptr_t)a->app;
    request.class_name = (char *)(uintptr_t)a->words[1];
    if (a->word_count > 2) request.query = (char *)(uintptr_t)a->words[2];
    TRY(admin_ask(a, "HashQuery", &request.base, &atoll__auth__v1__query_hash__descriptor,
                  &answer));
    const Atoll__Auth__V1__QueryHash *hash = (const Atoll__Auth__V1__QueryHash *)answer;
    if (a->json)
        printf("{\"digest\": \"%016" PRIx64 "\", \"count\": %" PRIu64 "}\n", hash->digest,
               hash->count);
    else
        printf("%016" PRIx64 " %" PRIu64 "\n", hash->digest, hash->count);
    protobuf_c_message_free_unpacked(answer, NULL);
    return ATOLL_OK;
}
