/* atoll import: a client like any other, by the public interface of libatoll. Reads a file, opens a synced realm in a
 * folder of its own, writes the rows, waits until the server has them.
 * Must never: say that it is done before the server has acknowledged everything.
 * Invariant: every row whose _id exists is updated, so that an import can be repeated. */
#include "cli.h"
#include "table.h"

#include "base/log.h"
#include "platform/file.h"
#include "platform/platform.h"

#include <atoll/atoll.h>

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define ROWS_PER_TRANSACTION 5000
#define BAR_WIDTH 40
#define WAIT_PERIOD_MS 100

typedef struct import {
    const arguments *a;
    table rows;
    size_t key; /* column that becomes _id */
    bool bar;
    char folder[64];
    atoll_queue *queue;
    atoll_app *app;
    atoll_user *user;
    atoll_realm *realm;
    atoll_session *session;
    uint32_t class_key;
    atoll_error *error;
} import;

static status failed(import *m, const char *what)
{
    status code = m->error == NULL ? ATOLL_ERROR_INTERNAL : atoll_error_code(m->error);
    fail(code, "%s: %s", what, m->error == NULL ? "unknown error" : atoll_error_message(m->error));
    atoll_error_free(m->error);
    m->error = NULL;
    return code;
}

static void show(import *m, const char *what, double fraction)
{
    if (!m->bar) return;
    char line[BAR_WIDTH + 1];
    int full = (int)(fraction * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++) line[i] = i < full ? '#' : '.';
    line[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%-8s [%s] %3d %%", what, line, (int)(fraction * 100));
    if (fraction >= 1) fputc('\n', stderr);
    fflush(stderr);
}

/* Waits for the end of a request; the user of a log-in goes to *user. */
static status wait_for(import *m, uint64_t request, const char *what, const char *bar,
                       atoll_user **user)
{
    if (request == 0) return failed(m, what);
    for (;;) {
        atoll_event *event = atoll_queue_next(m->queue, -1, &m->error);
        if (m->error != NULL) return failed(m, what);
        if (event == NULL) continue;
        int32_t type = atoll_event_type(event);
        atoll_status code = atoll_event_status(event);
        atoll_bytes text = atoll_event_message(event);
        bool mine = type == ATOLL_EVENT_REQUEST_DONE && atoll_event_registration(event) == request;
        if (bar != NULL && type == ATOLL_EVENT_PROGRESS) {
            double fraction = atoll_event_fraction(event);
            show(m, bar, fraction > 0.99 ? 0.99 : fraction);
        }
        if ((mine || type == ATOLL_EVENT_SESSION_ERROR) && code != ATOLL_OK) {
            status result = fail(code, "%s: %.*s", what, (int)text.size, (const char *)text.data);
            atoll_event_free(event);
            return result;
        }
        if (mine && user != NULL) *user = atoll_event_user(event);
        atoll_event_free(event);
        if (mine) break;
    }
    if (bar != NULL) show(m, bar, 1);
    return ATOLL_OK;
}

/* ---- reading ---- */

static status choose_key(import *m)
{
    const char *wanted = m->a->key == NULL ? "_id" : m->a->key;
    for (size_t i = 0; i < m->rows.columns.count; i++) {
        const table_column *column = &m->rows.columns.items[i];
        if (strcmp(column->name, wanted) != 0) continue;
        m->key = i;
        if (column->has_empty || (column->kind != CELL_INT && column->kind != CELL_STRING)) {
            return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                        "the column \"%s\" can't be the key: every row needs an integer or a text",
                        wanted);
        }
        return ATOLL_OK;
    }
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "the file has no column \"%s\": name the column that identifies a row by --key",
                wanted);
}

static status read_rows(import *m)
{
    const char *path = m->a->words[1], *dot = strrchr(path, '.');
    const char *format = m->a->format != NULL                      ? m->a->format
                         : dot != NULL && strcmp(dot, ".csv") == 0 ? "csv"
                                                                   : "ndjson";
    bool csv = strcmp(format, "csv") == 0;
    if (!csv && strcmp(format, "ndjson") != 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "--format: expected csv or ndjson");
    if (m->a->class_name == NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "--class NAME is missing; see atoll --help");
    TRY(table_read(path, csv, &m->rows));
    return choose_key(m);
}

/* ---- opening ---- */

static status log_in(import *m)
{
    char url[512];
    const arguments *a = m->a;
    TRY(admin_find(a, url, sizeof url));
    snprintf(m->folder, sizeof m->folder, "/tmp/atoll-import-XXXXXX");
    if (mkdtemp(m->folder) == NULL)
        return fail(ATOLL_ERROR_FILE_ACCESS, "could not make a folder below /tmp");
    atoll_app_config *config = atoll_app_config_new(a->app, strlen(a->app), &m->error);
    buffer ca;
    buffer_init(&ca, 2u << 20);
    status result = read_ca(a, &ca);
    if (config != NULL && result == ATOLL_OK) {
        if (atoll_app_config_set_base_url(config, url, strlen(url), &m->error) == ATOLL_OK &&
            atoll_app_config_set_trusted_certificates(config, (const char *)ca.data, ca.size,
                                                      &m->error) == ATOLL_OK &&
            atoll_app_config_set_base_path(config, m->folder, strlen(m->folder), &m->error) ==
                ATOLL_OK) {
            m->app = atoll_app_open(config, &m->error);
        }
    }
    atoll_app_config_free(config);
    buffer_free(&ca);
    if (result != ATOLL_OK) return result;
    if (m->app == NULL) return failed(m, "opening the app");
    m->queue = atoll_queue_new(&m->error);
    if (m->queue == NULL) return failed(m, "opening the app");
    uint64_t request;
    if (a->email == NULL)
        request = atoll_app_log_in_anonymous(m->app, false, m->queue, &m->error);
    else {
        const char *password = a->password == NULL ? "" : a->password;
        request = atoll_app_log_in_email(m->app, a->email, strlen(a->email), password,
                                         strlen(password), m->queue, &m->error);
    }
    return wait_for(m, request, "logging in", NULL, &m->user);
}

static atoll_value_type type_of(cell_kind kind)
{
    switch (kind) {
    case CELL_BOOL: return ATOLL_TYPE_BOOL;
    case CELL_INT: return ATOLL_TYPE_INT;
    case CELL_DOUBLE: return ATOLL_TYPE_DOUBLE;
    case CELL_EMPTY:
    case CELL_STRING: break;
    }
    return ATOLL_TYPE_STRING;
}

static atoll_schema *make_schema(import *m)
{
    atoll_schema *schema = atoll_schema_new(&m->error);
    if (schema == NULL) return NULL;
    const char *name = m->a->class_name;
    int32_t index = atoll_schema_add_class(
        schema, name, strlen(name), m->a->asymmetric ? ATOLL_CLASS_ASYMMETRIC : ATOLL_CLASS_NORMAL,
        &m->error);
    for (size_t i = 0; i < m->rows.columns.count && m->error == NULL; i++) {
        const table_column *column = &m->rows.columns.items[i];
        const char *property = i == m->key ? "_id" : column->name;
        int32_t flags = i == m->key ? ATOLL_PROPERTY_PRIMARY_KEY : ATOLL_PROPERTY_NULLABLE;
        atoll_schema_add_property(schema, index, property, strlen(property), type_of(column->kind),
                                  flags, NULL, 0, &m->error);
    }
    if (m->error == NULL) return schema;
    atoll_schema_free(schema);
    return NULL;
}

static void set_partition(import *m, atoll_config *config)
{
    const char *text = m->a->partition;
    atoll_values *values = atoll_values_new(&m->error);
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (m->error != NULL) return;
    if (value != NULL && json_is_integer(value))
        atoll_values_add_int(values, json_integer_value(value), &m->error);
    else if (value != NULL && json_is_null(value))
        atoll_values_add_null(values, &m->error);
    else {
        const char *string =
            value != NULL && json_is_string(value) ? json_string_value(value) : text;
        atoll_values_add_string(values, string, strlen(string), &m->error);
    }
    if (m->error == NULL) atoll_config_set_partition(config, m->user, values, &m->error);
    json_decref(value);
    atoll_values_free(values);
}

static status open_realm(import *m)
{
    atoll_schema *schema = make_schema(m);
    if (schema == NULL) return failed(m, "making the schema");
    atoll_config *config = atoll_config_new(&m->error);
    if (config != NULL) {
        atoll_config_set_schema(config, schema, &m->error);
        if (m->error == NULL && m->a->partition == NULL)
            atoll_config_set_flexible(config, m->user, &m->error);
        if (m->error == NULL && m->a->partition != NULL) set_partition(m, config);
        if (m->error == NULL)
            atoll_config_set_sync_commits(config, false, &m->error); /* the folder is thrown away */
        if (m->error == NULL) m->realm = atoll_realm_open(config, &m->error);
        atoll_config_free(config);
    }
    atoll_schema_free(schema);
    if (m->realm == NULL) return failed(m, "opening the realm");
    m->class_key =
        atoll_realm_class(m->realm, m->a->class_name, strlen(m->a->class_name), &m->error);
    if (m->error == NULL) m->session = atoll_realm_session(m->realm, &m->error);
    if (m->error == NULL) atoll_session_observe_errors(m->session, m->queue, &m->error);
    return m->error == NULL ? ATOLL_OK : failed(m, "opening the realm");
}

/* What is written must be inside the view: the whole class. */
static status subscribe(import *m)
{
    if (m->a->partition != NULL || m->a->asymmetric) return ATOLL_OK;
    atoll_results *all = atoll_results_new(m->realm, m->class_key, "", 0, NULL, &m->error);
    atoll_subscription_update *update =
        m->error != NULL ? NULL : atoll_subscription_update_begin(m->realm, &m->error);
    atoll_subscriptions *set = NULL;
    if (update != NULL) {
        atoll_subscription_update_add(update, all, "import", 6, true, &m->error);
        if (m->error == NULL) set = atoll_subscription_update_commit(update, &m->error);
        atoll_subscription_update_free(update);
    }
    atoll_results_free(all);
    if (set == NULL) return failed(m, "subscribing to the class");
    status result = wait_for(m, atoll_subscriptions_wait(set, m->queue, &m->error),
                             "subscribing to the class", NULL, NULL);
    atoll_subscriptions_free(set);
    return result;
}

/* ---- writing ---- */

static void set_cell(import *m, atoll_object *object, uint32_t property, const table_column *column,
                     const cell *c)
{
    if (c->kind == CELL_EMPTY) {
        atoll_object_set_null(object, property, &m->error);
        return;
    }
    switch (column->kind) {
    case CELL_BOOL: atoll_object_set_bool(object, property, c->integer != 0, &m->error); break;
    case CELL_INT: atoll_object_set_int(object, property, c->integer, &m->error); break;
    case CELL_DOUBLE: atoll_object_set_double(object, property, c->real, &m->error); break;
    case CELL_EMPTY:
    case CELL_STRING:
        atoll_object_set_string(object, property, (const char *)c->text.data, c->text.size,
                                &m->error);
        break;
    }
}

static void write_row(import *m, size_t row, const uint32_t *properties)
{
    atoll_values *key = atoll_values_new(&m->error);
    if (key == NULL) return;
    const cell *id = table_cell(&m->rows, row, m->key);
    if (m->rows.columns.items[m->key].kind == CELL_INT)
        atoll_values_add_int(key, id->integer, &m->error);
    else
        atoll_values_add_string(key, (const char *)id->text.data, id->text.size, &m->error);
    atoll_object *object = NULL;
    if (m->error == NULL) {
        object = m->a->asymmetric
                     ? atoll_realm_create(m->realm, m->class_key, key, &m->error)
                     : atoll_realm_create_or_get(m->realm, m->class_key, key, &m->error);
    }
    atoll_values_free(key);
    for (size_t i = 0; i < m->rows.columns.count && m->error == NULL; i++) {
        if (i == m->key) continue;
        set_cell(m, object, properties[i], &m->rows.columns.items[i], table_cell(&m->rows, row, i));
    }
    atoll_object_free(object);
}

static status write_rows(import *m)
{
    size_t columns = m->rows.columns.count, count = m->rows.row_count;
    uint32_t *properties = memory_allocate_zero((columns + 1) * sizeof *properties);
    if (properties == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < columns && m->error == NULL; i++) {
        const char *name = i == m->key ? "_id" : m->rows.columns.items[i].name;
        properties[i] = atoll_realm_property(m->realm, m->class_key, name, strlen(name), &m->error);
    }
    for (size_t row = 0; row < count && m->error == NULL;) {
        if (atoll_realm_begin(m->realm, &m->error) != ATOLL_OK) break;
        for (size_t i = 0; i < ROWS_PER_TRANSACTION && row < count && m->error == NULL; i++)
            write_row(m, row++, properties);
        if (m->error == NULL)
            atoll_realm_commit(m->realm, &m->error);
        else
            atoll_realm_rollback(m->realm, NULL);
        show(m, "writing", (double)row / (double)count);
    }
    memory_free(properties);
    return m->error == NULL ? ATOLL_OK : failed(m, "writing");
}

static status upload(import *m)
{
    atoll_session_observe_progress(m->session, ATOLL_DIRECTION_UPLOAD, ATOLL_PROGRESS_INDEFINITELY,
                                   m->queue, &m->error);
    if (m->error != NULL) return failed(m, "uploading");
    return wait_for(m, atoll_session_wait_for_upload(m->session, m->queue, &m->error), "uploading",
                    "sending", NULL);
}

static void close_all(import *m)
{
    atoll_session_free(m->session);
    atoll_realm_free(m->realm);
    atoll_user_free(m->user);
    atoll_app_free(m->app);
    atoll_queue_free(m->queue);
    table_free(&m->rows);
    if (m->folder[0] != '\0' && file_remove_tree(m->folder) != ATOLL_OK)
        return; /* a temporary folder stays */
}

status command_import(const arguments *a)
{
import m = {.a = a, .bar = !a->quiet &&(a->progress || isatty(STDERR_FILENO)) };
    const platform *p = platform_posix();
    uint64_t start_ms = p->monotonic_ms(p->context);
    status result = ATOLL_OK;
    atoll_log_set_level(log_level()); /* the library has a log of its own */
    TRY_GOTO(read_rows(&m));
    TRY_GOTO(log_in(&m));
    TRY_GOTO(open_realm(&m));
    TRY_GOTO(subscribe(&m));
    TRY_GOTO(write_rows(&m));
    TRY_GOTO(upload(&m));
    if (!a->quiet) {
        printf("%zu rows of %s in %.1f s\n", m.rows.row_count, a->class_name,
               (double)(p->monotonic_ms(p->context) - start_ms) / 1000);
    }
done:
    close_all(&m);
    return result;
}
