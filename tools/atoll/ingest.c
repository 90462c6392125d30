/* The commands that read ingested objects: tail, query, export.
 * Must never: hold more than one answer of the server. Invariant: standard output is lines of JSON, or CSV with one header, and
 * nothing else. */
#include "cli.h"

#include "base/vector.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TAIL_PERIOD_MS 200

/* ---- reading ---- */

typedef struct ingest_reader {
    admin *server;
    const arguments *a;
    int64_t since_ms, until_ms;
    uint64_t after;
} ingest_reader;

/* 2026-01-31, 2026-01-31T23:59 or 2026-01-31T23:59:59, in UTC, with or without a Z. */
static status read_time(const char *text, int64_t *ms)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    if (text == NULL) return ATOLL_OK;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm t = {0};
        const char *end = strptime(text, forms[i], &t);
        if (end == NULL || (end[0] != '\0' && strcmp(end, "Z") != 0)) continue;
        *ms = (int64_t)timegm(&t) * 1000;
        return ATOLL_OK;
    }
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "\"%s\" is no time: 2026-01-31 or 2026-01-31T23:59:59Z, in UTC", text);
}

static status print_lines(const Atoll__Auth__V1__Ingest *answer)
{
    size_t size = answer->lines.len;
    bool printed = size == 0 || fwrite(answer->lines.data, 1, size, stdout) == size;
    return printed && fflush(stdout) == 0
               ? ATOLL_OK
               : fail(ATOLL_ERROR_FILE_ACCESS, "standard output could not be written");
}

static status reader_open(const arguments *a, ingest_reader *r)
{
    *r = (ingest_reader){.a = a, .after = a->after};
    TRY(read_time(a->since, &r->since_ms));
    TRY(read_time(a->until, &r->until_ms));
    return admin_open(a, &r->server);
}

/* One call. *answer is the caller's; *news false: there is nothing further now. */
static status reader_next(ingest_reader *r, Atoll__Auth__V1__Ingest **answer, bool *news)
{
    Atoll__Auth__V1__ReadIngestRequest request = ATOLL__AUTH__V1__READ_INGEST_REQUEST__INIT;
    ProtobufCMessage *message = NULL;
    request.app_id = (char *)(uintptr_t)r->a->app;
    request.after = r->after;
    request.since_ms = r->since_ms;
    request.until_ms = r->until_ms;
    if (r->a->class_name != NULL) request.class_name = (char *)(uintptr_t)r->a->class_name;
    TRY(admin_call(r->server, "ReadIngest", &request.base, &atoll__auth__v1__ingest__descriptor,
                   &message));
    *answer = (Atoll__Auth__V1__Ingest *)message;
    *news = (*answer)->last != r->after; /* none of them may be of the class */
    r->after = (*answer)->last;
    return ATOLL_OK;
}

status command_ingest_tail(const arguments *a, bool follow)
{
    ingest_reader r;
    status result = reader_open(a, &r);
    while (result == ATOLL_OK) {
        Atoll__Auth__V1__Ingest *answer = NULL;
        bool news = false;
        result = reader_next(&r, &answer, &news);
        if (result != ATOLL_OK) break;
        result = print_lines(answer);
        protobuf_c_message_free_unpacked(&answer->base, NULL);
        if (!news && !follow) break;
        if (!news) usleep(TAIL_PERIOD_MS * 1000);
    }
    admin_close(r.server);
    return result;
}

/* ---- CSV ---- */

typedef VECTOR(char *) column_names;

static status note_columns(column_names *columns, const json_t *line)
{
    const char *name;
    json_t *v;
    json_object_foreach(json_object_get(line, "object"), name, v)
    {
        size_t i = 0;
        while (i < columns->count && strcmp(columns->items[i], name) != 0) i++;
        if (i < columns->count) continue;
        char *copy = memory_copy_text(name, strlen(name));
        if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        status result = vector_push(columns, copy);
        if (result == ATOLL_OK) continue;
        memory_free(copy);
        return result;
    }
    return ATOLL_OK;
}

/* RFC 4180; a text that is empty has quotes, what is null has not. */
static void put_quoted(const char *text)
{
    bool plain = text[0] != '\0' && strpbrk(text, ",\"\r\n") == NULL;
    if (plain) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static status put_cell(const json_t *v)
{
    if (v == NULL || json_is_null(v)) return ATOLL_OK;
    if (json_is_string(v)) {
        put_quoted(json_string_value(v));
        return ATOLL_OK;
    }
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (text == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    put_quoted(text);
    free(text);
    return ATOLL_OK;
}

static const char *const head_columns[] = {"position", "ident", "sequence", "at"};
enum { HEAD_COLUMNS = 4 };

static status put_line(const column_names *columns, const json_t *line)
{
    for (int i = 0; i < HEAD_COLUMNS; i++) {
        if (i > 0) putchar(',');
        TRY(put_cell(json_object_get(line, head_columns[i])));
    }
    const json_t *object = json_object_get(line, "object");
    for (size_t i = 0; i < columns->count; i++) {
        putchar(',');
        TRY(put_cell(json_object_get(object, columns->items[i])));
    }
    fputs("\r\n", stdout);
    return ATOLL_OK;
}

/* Each line of one answer up to a position; columns are noted, or the lines printed. */
static status take_lines(const Atoll__Auth__V1__Ingest *answer, uint64_t through,
                         column_names *columns, bool print)
{
    const char *at = (const char *)answer->lines.data, *end = at + answer->lines.len;
    while (at != NULL && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t size = stop == NULL ? (size_t)(end - at) : (size_t)(stop - at);
        json_t *line = json_loadb(at, size, JSON_ALLOW_NUL, NULL);
        if (line == NULL)
            return fail(ATOLL_ERROR_PROTOCOL, "the server sent a line that is not JSON");
        bool wanted = (uint64_t)json_integer_value(json_object_get(line, "position")) <= through;
        status result = !wanted ? ATOLL_OK
                        : print ? put_line(columns, line)
                                : note_columns(columns, line);
        json_decref(line);
        TRY(result);
        at = stop == NULL ? end : stop + 1;
    }
    return ATOLL_OK;
}

static status pass(ingest_reader *r, uint64_t through, column_names *columns, bool print)
{
    bool news = true;
    while (news && r->after < through) {
        Atoll__Auth__V1__Ingest *answer = NULL;
        TRY(reader_next(r, &answer, &news));
        status result = take_lines(answer, through, columns, print);
        protobuf_c_message_free_unpacked(&answer->base, NULL);
        TRY(result);
    }
    return ATOLL_OK;
}

/* Two passes: the columns are those that any of the objects has. What comes meanwhile is left to the next export. */
static status export_csv(const arguments *a)
{
    ingest_reader r;
    column_names columns = {0};
    TRY(reader_open(a, &r));
    status result = pass(&r, UINT64_MAX, &columns, false);
    uint64_t through = r.after;
    if (result == ATOLL_OK) {
        for (int i = 0; i < HEAD_COLUMNS; i++) printf("%s%s", i == 0 ? "" : ",", head_columns[i]);
        for (size_t i = 0; i < columns.count; i++) {
            putchar(',');
            put_quoted(columns.items[i]);
        }
        fputs("\r\n", stdout);
        r.after = a->after;
        result = pass(&r, through, &columns, true);
    }
    for (size_t i = 0; i < columns.count; i++) memory_free(columns.items[i]);
    vector_free(&columns);
    admin_close(r.server);
    if (result == ATOLL_OK && fflush(stdout) != 0)
        result = fail(ATOLL_ERROR_FILE_ACCESS, "standard output could not be written");
    return result;
}

status command_ingest_export(const arguments *a)
{
    if (a->format == NULL || strcmp(a->format, "ndjson") == 0) return command_ingest_tail(a, false);
    if (strcmp(a->format, "csv") != 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "--format is csv or ndjson, not \"%s\"",
                    a->format);
    if (a->class_name == NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "--class NAME is missing: the columns of CSV are those of one class");
    return export_csv(a);
}
