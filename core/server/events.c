/* The server's log lines: an event and its fields, as text or as JSON.
 * Must never: hold what proves who somebody is: passwords, tokens, keys, secrets, addresses; nor values of objects.
 * Invariant: one event is one line, whatever its fields hold. */
#include "server/events.h"

#include "base/calendar.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define CATEGORY "Realm.Sync.Server"
enum { LINE_SIZE_MAX = 1800 };

/* What is being logged on this thread, so that a sink can have the fields and not only their text. */
static _Thread_local const struct now {
    const char *what;
    const event_field *fields;
    size_t count;
} * now;

static const char *level_name(int32_t level)
{
    static const char *const names[] = {"all",  "trace", "debug", "detail",
                                        "info", "warn",  "error", "fatal"};
    return names[level & 7];
}

/* ---- text ---- */

static bool is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7f)
            return false;
    return *text != '\0';
}

static void put(char *line, size_t *at, char c)
{
    if (*at + 1 < LINE_SIZE_MAX) line[(*at)++] = c;
}

static void put_text(char *line, size_t *at, const char *text)
{
    while (*text != '\0') put(line, at, *text++);
}

static void put_quoted(char *line, size_t *at, const char *text)
{
    put(line, at, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        char escaped[8];
        if (c == '"' || c == '\\') put(line, at, '\\');
        if (c >= ' ' && c != 0x7f) {
            put(line, at, *text);
            continue;
        }
        snprintf(escaped, sizeof escaped, "\\x%02x", c);
        put_text(line, at, escaped);
    }
    put(line, at, '"');
}

void event_write(int32_t level, const char *what, const event_field *fields, size_t count)
{
    char line[LINE_SIZE_MAX];
    size_t at = 0;
    if (!log_wants(level, CATEGORY)) return;
    put_text(line, &at, what);
    for (size_t i = 0; i < count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%llu", (unsigned long long)fields[i].number);
        const char *text = fields[i].text != NULL ? fields[i].text : number;
        put(line, &at, ' ');
        put_text(line, &at, fields[i].name);
        put(line, &at, '=');
        if (is_plain(text))
            put_text(line, &at, text);
        else
            put_quoted(line, &at, text);
    }
    line[at] = '\0';
    const struct now event = {what, fields, count};
    now = &event;
    log_write(level, CATEGORY, "%s", line);
    now = NULL;
}

/* ---- sinks ---- */

static void write_time(const platform *p, char *to, size_t size)
{
    int64_t ms = p->wall_ms(p->context), days = ms / 86400000, rest = ms % 86400000, year = 0;
    unsigned month = 0, day = 0;
    calendar_date(days, &year, &month, &day);
    snprintf(to, size, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", (int)year, month, day,
             (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60),
             (int)(rest % 1000));
}

void event_sink_text(void *user_data, int32_t level, const char *category, const char *message)
{
    char at[40], line[LINE_SIZE_MAX + 400];
    size_t size = 0;
    write_time(user_data, at, sizeof at);
    /* A message of another part of the program may quote what a client sent: it stays one line. */
    for (; *message != '\0' && size + 1 < sizeof line; message++)
        line[size++] = (char)((unsigned char)*message < ' ' ? ' ' : *message);
    line[size] = '\0';
    (void)fprintf(stderr, "%s %s [%s] %s\n", at, level_name(level), category, line);
}

/* Text that is no UTF-8 would be no JSON. */
static json_t *text_value(const char *text)
{
    json_t *made = json_string(text);
    if (made != NULL) return made;
    char copy[LINE_SIZE_MAX];
    size_t size = 0;
    for (; *text != '\0' && size + 1 < sizeof copy; text++)
        copy[size++] = (char)((signed char)*text < 0 ? '?' : *text);
    copy[size] = '\0';
    return json_string(copy);
}

void event_sink_json(void *user_data, int32_t level, const char *category, const char *message)
{
    char at[40];
    write_time(user_data, at, sizeof at);
    json_t *line = json_object();
    int failed = json_object_set_new(line, "time", json_string(at));
    failed |= json_object_set_new(line, "level", json_string(level_name(level)));
    failed |= json_object_set_new(line, "category", text_value(category));
    failed |= json_object_set_new(line, now == NULL ? "message" : "event",
                                  text_value(now == NULL ? message : now->what));
    for (size_t i = 0; now != NULL && i < now->count; i++) {
        const event_field *f = &now->fields[i];
        failed |= json_object_set_new(line, f->name,
                                      f->text != NULL ? text_value(f->text)
                                                      : json_integer((json_int_t)f->number));
    }
    size_t size = failed ? 0 : json_dumpb(line, NULL, 0, JSON_COMPACT);
    char *text = size == 0 ? NULL : memory_allocate(size);
    if (text != NULL && json_dumpb(line, text, size, JSON_COMPACT) == size)
        (void)fprintf(stderr, "%.*s\n", (int)size, text);
    else
        event_sink_text(user_data, level, category, message);
    json_decref(line);
    memory_free(text);
}
