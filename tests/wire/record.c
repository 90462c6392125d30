/* A recorded conversation, as lines of text in a file, and how one is made of a world.
 * Must never: read a message; a record holds the bytes as they were. */
#include "talks.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {"",    "step",  "open",   "up",       "down", "closed",
                                    "cut", "state", "errors", "ingested", "inner"};
enum { EVENT_KINDS = sizeof names / sizeof *names };

void record_add(record *r, uint64_t at_ms, int who, event_kind kind, int64_t number, bytes data)
{
    r->items = realloc(r->items, (r->count + 1) * sizeof *r->items);
    uint8_t *copy = malloc(data.size + 1);
    if (r->items == NULL || copy == NULL) abort();
    if (data.size > 0) memcpy(copy, data.data, data.size);
    copy[data.size] = 0;
    r->items[r->count++] = (event){at_ms, who, kind, number, copy, data.size};
}

void record_free(record *r)
{
    for (size_t i = 0; i < r->count; i++) free(r->items[i].data);
    free(r->items);
    *r = (record){0};
}

const char *record_text(const record *r, int who, event_kind kind, int64_t number)
{
    for (size_t i = 0; i < r->count; i++) {
        const event *e = &r->items[i];
        if (e->who == who && e->kind == kind && e->number == number) return (const char *)e->data;
    }
    return "";
}

/* ---- files ---- */

static bool is_message(event_kind kind)
{
    return kind == EVENT_UP || kind == EVENT_DOWN || kind == EVENT_INNER;
}

void record_write(const char *path, const record *r)
{
    FILE *to = fopen(path, "wx");
    cr_assert_not_null(to, "%s is there, or can't be made", path);
    for (size_t i = 0; i < r->count; i++) {
        const event *e = &r->items[i];
        fprintf(to, "%" PRIu64 " %d %s %" PRId64 " ", e->at_ms, e->who, names[e->kind], e->number);
        for (size_t k = 0; k < e->size; k++)
            fprintf(to, is_message(e->kind) ? "%02x" : "%c", e->data[k]);
        fprintf(to, "\n");
    }
    cr_assert_eq(fclose(to), 0);
}

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

/* time, who, what, number, the rest; one space after each */
static void read_line(char *line, record *out)
{
    char *at = line;
    uint64_t at_ms = strtoull(at, &at, 10);
    int who = (int)strtol(at, &at, 10);
    const char *name = at + 1;
    at = strchr(name, ' ');
    cr_assert_not_null(at, "no event: %s", line);
    *at++ = '\0';
    event_kind kind = 0;
    for (int i = 1; i < EVENT_KINDS; i++) kind = strcmp(names[i], name) == 0 ? (event_kind)i : kind;
    cr_assert_neq(kind, 0, "an unknown event: %s", name);
    int64_t number = strtoll(at, &at, 10);
    char *rest = at + 1;
    size_t size = strlen(rest);
    if (is_message(kind)) {
        size /= 2;
        for (size_t i = 0; i < size; i++)
            rest[i] = (char)(digit(rest[2 * i]) << 4 | digit(rest[2 * i + 1]));
    }
    record_add(out, at_ms, who, kind, number, bytes_of((uint8_t *)rest, size));
}

void record_read(const char *path, record *out)
{
    FILE *from = fopen(path, "r");
    cr_assert_not_null(from, "%s can't be read", path);
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    *out = (record){0};
    while ((size = getline(&line, &room, from)) > 0) {
        line[size - 1] = '\0';
        read_line(line, out);
    }
    free(line);
    (void)fclose(from);
}

/* ---- of a world ---- */

bool message_again(bool client, bytes raw, buffer *out)
{
    arena memory;
    client_message up;
    server_message down;
    arena_init(&memory, 64u << 20);
    buffer_clear(out);
    if (client) {
        MUST(codec_client_read(raw, &memory, &up));
        MUST(codec_client_write(out, &up));
        client_message_free(&up);
    } else {
        MUST(codec_server_read(raw, &memory, &down));
        MUST(codec_server_write(out, &down));
        server_message_free(&down);
    }
    arena_free(&memory);
    return raw.data[0] == (15 << 3 | 2); /* Packed */
}

char *ingested_text(world *w)
{
    buffer lines;
    uint64_t last = 0;
    buffer_init(&lines, 1 << 20);
    MUST(server_ingest_read(w->app, 0, 100, &lines, &last));
    /* The time of arrival and its kind are the server's own: what came is from "object" on. */
    char *text = calloc(lines.size + 1, 1), *to = text;
    const char *from = (const char *)lines.data, *end = from + lines.size;
    while (text != NULL && from != NULL && from < end) {
        const char *line = memchr(from, '\n', (size_t)(end - from));
        const char *object = strstr(from, "\"object\":");
        cr_assert(object != NULL && line != NULL && object < line);
        memcpy(to, object, (size_t)(line - object));
        to += line - object;
        from = line + 1;
    }
    buffer_free(&lines);
    return text;
}

typedef struct recording {
    record *to;
    char errors[WORLD_CLIENTS_MAX][200];
} recording;

static void on_wire(world *w, client *c, world_event what, bytes data, status code)
{
    static const event_kind kinds[] = {0,          EVENT_OPEN,   EVENT_UP,
                                       EVENT_DOWN, EVENT_CLOSED, EVENT_CUT};
    recording *r = w->context;
    record_add(r->to, w->now_ms, c->number, kinds[what], code, data);
    buffer inner;
    buffer_init(&inner, LIMIT_MESSAGE_SIZE_MAX);
    if ((what == WORLD_UP || what == WORLD_DOWN) && message_again(what == WORLD_UP, data, &inner))
        record_add(r->to, w->now_ms, c->number, EVENT_INNER, what == WORLD_UP, buffer_view(&inner));
    buffer_free(&inner);
}

static void on_error(world *w, client *c, const session_action *a)
{
    recording *r = w->context;
    char *text = r->errors[c->number];
    size_t size = strlen(text);
    snprintf(text + size, sizeof r->errors[0] - size, "%d ", a->code);
}

static void add_outcome(world *w, const talk *t, recording *r)
{
    for (int who = TALK_SERVER; who < t->clients; who++) {
        for (int64_t id = 1; id < TALK_IDS_MAX; id++) {
            char *text = everything_text(
                who == TALK_SERVER ? server_app_db(w->app) : w->clients[who].db, id);
            record_add(r->to, w->now_ms, who, EVENT_STATE, id, bytes_text(text));
            free(text);
        }
        if (who != TALK_SERVER)
            record_add(r->to, w->now_ms, who, EVENT_ERRORS, 0, bytes_text(r->errors[who]));
    }
    char *lines = ingested_text(w);
    record_add(r->to, w->now_ms, TALK_SERVER, EVENT_INGESTED, 0, bytes_text(lines));
    free(lines);
}

void talk_record(const talk *t, record *out)
{
    world w;
    recording r = {.to = out};
    *out = (record){0};
    talk_world(&w, t, t->seed, t->clients);
    w.context = &r;
    w.on_wire = on_wire;
    w.on_error = on_error;
    for (int i = 0; i < TALK_STEPS_MAX && t->steps[i].run != NULL; i++) {
        const talk_step *s = &t->steps[i];
        record_add(out, w.now_ms, s->who, EVENT_STEP, i, bytes_of(NULL, 0));
        s->run(&w, s->who < 0 ? NULL : &w.clients[s->who]);
        if (s->then_ms > 0)
            world_run(&w, s->then_ms);
        else
            cr_assert(world_settle(&w, 300000), "%s: step %d does not come to rest", t->name, i);
    }
    add_outcome(&w, t, &r);
    w.on_wire = NULL;
    world_end(&w);
}
