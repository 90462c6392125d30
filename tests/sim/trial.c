/* Writing clients and their expectations, for worlds where everything of the machines may break but nothing may be lost.
 * It must never ask the machines what is right. Invariant: an object is unsure where a crash met its commit, or where two copies
 * have it unsent; of all others the last state that was written is known. */
#include "trial.h"
#include "server/app.h"
#include "sync/session_internal.h"

#include <stdio.h>
#include <stdlib.h>

bool trial_traced(int64_t id)
{
    const char *wanted = getenv("RESETS_TRACE");
    return wanted != NULL && strtoll(wanted, NULL, 10) == id;
}

uint64_t trial_below(trial *t, uint64_t n)
{
    return random_below(&t->random, n);
}

/* ---- operations ---- */

static int64_t id_of(const client *c, int k)
{
    return (c->number + 1) * 1000 + k;
}

static void edit_own(trial *t, client *c, int k, own_object *o)
{
    world *w = &t->w;
    int64_t v = ++t->next_value, id = id_of(c, k);
    char text[40];
    snprintf(text, sizeof text, "%lld", (long long)v);
    status result = ATOLL_OK;
    if (c->upgraded && o->alive && trial_below(t, 4) == 0) {
        result = fixture_set_int(w, c, id, "extra", v);
        if (result == ATOLL_OK) o->extra = v;
        if (result != ATOLL_OK && result != ATOLL_ERROR_DISK_FULL) o->unsure = true;
        return;
    }
    switch (o->alive ? trial_below(t, 9) : 9) {
    case 8:
        result = fixture_add(w, c, id, v);
        if (result == ATOLL_OK) o->score += v;
        break;
    case 0:
    case 1:
        result = fixture_set_int(w, c, id, "score", v);
        if (result == ATOLL_OK) o->score = v;
        break;
    case 2:
    case 3:
        result = fixture_set_name(w, c, id, text);
        if (result == ATOLL_OK) o->name = v;
        break;
    case 4:
    case 5:
        if (o->tag_count == TAGS_MAX) return;
        result = fixture_append(w, c, id, text);
        if (result == ATOLL_OK) o->tags[o->tag_count++] = v;
        break;
    case 6:
        result = fixture_part(w, c, id, v);
        if (result == ATOLL_OK) o->part = v;
        break;
    case 7:
        if (trial_below(t, 3) != 0) return;
        result = fixture_delete(w, c, id);
        if (result == ATOLL_OK) o->alive = false;
        break;
    default:
        result = fixture_create(w, c, id, 1, NULL);
        if (result == ATOLL_OK) *o = (own_object){.alive = true, .unsure = o->unsure};
    }
    if (trial_traced(id))
        printf("%llu c%d writes %lld: %d, alive %d score %lld\n", (unsigned long long)w->now_ms,
               c->number, (long long)v, result, o->alive, (long long)o->score);
    if (result != ATOLL_OK && result != ATOLL_ERROR_DISK_FULL) o->unsure = true;
}

static void edit_shared(trial *t, client *c)
{
    int64_t id = (int64_t)trial_below(t, 6), v = ++t->next_value;
    char text[40];
    snprintf(text, sizeof text, "%lld", (long long)v);
    uint64_t which = trial_below(t, 12);
    status result = which < 3    ? fixture_set_int(&t->w, c, id, "score", v)
                    : which < 6  ? fixture_append(&t->w, c, id, text)
                    : which < 7  ? fixture_delete(&t->w, c, id)
                    : which < 8  ? fixture_erase(&t->w, c, id, 0)
                    : which < 9  ? fixture_part(&t->w, c, id, v)
                    : which < 10 ? fixture_set_name(&t->w, c, id, text)
                                 : fixture_create(&t->w, c, id, 1, NULL);
    (void)result; /* It may be absent, or there already. */
}

static void vote(trial *t, client *c)
{
    int which = (int)trial_below(t, VOTES + (uint64_t)t->w.client_count);
    counted *v = &t->votes[which];
    int64_t by = 1 + (int64_t)trial_below(t, 9);
    bool own = which == VOTES + c->number;
    status result = own && !v->made ? fixture_create(&t->w, c, VOTES_FIRST + which, 2, NULL)
                                    : fixture_add(&t->w, c, VOTES_FIRST + which, by);
    if (trial_traced(VOTES_FIRST + which))
        printf("%llu c%d adds %lld: %d\n", (unsigned long long)t->w.now_ms, c->number,
               (long long)by, result);
    if (own && !v->made) {
        v->made = true;
        v->doubtful |= result != ATOLL_OK;
    } else if (result == ATOLL_OK) {
        v->sure += by;
        v->by_its_own += own ? by : 0;
    } else if (c->node.crashing) {
        v->unsure += by;
    }
}

void trial_operation(trial *t, client *c)
{
    uint64_t which = trial_below(t, 12);
    if (which >= 10) {
        vote(t, c);
        return;
    }
    if (which < 6) {
        int k = (int)trial_below(t, OWN_MAX);
        edit_own(t, c, k, &t->own[c->number][k]);
    } else if (which < 9) {
        edit_shared(t, c);
    } else {
        char text[40];
        snprintf(text, sizeof text, "%lld", (long long)++t->next_value);
        status result = fixture_reading(&t->w, c, t->next_value, text);
        *(result == ATOLL_OK ? &t->readings_sure : &t->readings_unsure) += 1;
    }
}

bool trial_quiet(client *c)
{
    return c->session != NULL && !session_has_pending(c->session);
}

/* ---- the app's answers ---- */

static void answer(trial *t)
{
    for (int i = 0; i < t->w.client_count; i++) {
        client *c = &t->w.clients[i];
        if (c->session == NULL || c->node.crashing) continue;
        int asks = c->session->reset_asks;
        if (asks == 0) t->reset_continue_at[i] = 0;
        if (asks == 0) continue;
        if (t->reset_continue_at[i] == 0)
            t->reset_continue_at[i] = t->w.now_ms + 1 + trial_below(t, 3000);
        if (t->w.now_ms < t->reset_continue_at[i]) continue;
        t->reset_continue_at[i] = 0;
        session_reset_continue(c->session, t->w.now_ms, ATOLL_OK, NULL);
    }
}

void trial_run(trial *t, uint64_t ms)
{
    uint64_t until = t->w.now_ms + ms;
    do {
        answer(t);
        uint64_t left = until - t->w.now_ms;
        world_run(&t->w, left > 200 ? 200 : left);
        for (int i = 0; i < t->w.client_count; i++)
            if (t->w.now_ms >= t->offline_until[i]) t->w.clients[i].offline = false;
    } while (t->w.now_ms < until);
    answer(t);
}

/* ---- the end ---- */

static const char *wrong_row(trial *t, client *writer, int k, const char *line)
{
    static char text[2000];
    const own_object *o = &t->own[writer->number][k];
    if (o->unsure) return NULL;
    char wanted[1600] = "";
    if (o->alive) {
        int n = snprintf(wanted, sizeof wanted, "%lld team 1 score %lld",
                         (long long)id_of(writer, k), (long long)o->score);
        if (o->name != 0)
            n += snprintf(wanted + n, sizeof wanted - (size_t)n, " name %lld", (long long)o->name);
        n += snprintf(wanted + n, sizeof wanted - (size_t)n, " tags [");
        for (int i = 0; i < o->tag_count; i++)
            n += snprintf(wanted + n, sizeof wanted - (size_t)n, "%lld,", (long long)o->tags[i]);
        n += snprintf(wanted + n, sizeof wanted - (size_t)n, "]");
        if (o->part != 0)
            n += snprintf(wanted + n, sizeof wanted - (size_t)n, " one %lld", (long long)o->part);
        if (o->extra != 0)
            n +=
                snprintf(wanted + n, sizeof wanted - (size_t)n, " extra %lld", (long long)o->extra);
        snprintf(wanted + n, sizeof wanted - (size_t)n, "\n");
    }
    if (strcmp(wanted, line) == 0) return NULL;
    snprintf(text, sizeof text, "client %d wrote\n%sand there is\n%s", writer->number,
             wanted[0] == '\0' ? "(deleted)\n" : wanted, line[0] == '\0' ? "(nothing)\n" : line);
    return text;
}

static const char *check_readings(trial *t)
{
    static char text[200];
    buffer lines;
    uint64_t last = 0, count = 0;
    buffer_init(&lines, 16 << 20);
    if (server_ingest_read(t->w.app, 0, 100000, &lines, &last) != ATOLL_OK) return "no readings";
    for (size_t i = 0; i < lines.size; i++) count += lines.data[i] == '\n';
    if (getenv("RESETS_SHOW") != NULL) printf("%.*s", (int)lines.size, (const char *)lines.data);
    buffer_free(&lines);
    uint64_t most = t->readings_sure + t->readings_unsure;
    if (count >= t->readings_sure && count <= most) return NULL;
    snprintf(text, sizeof text, "%llu readings, and not %llu to %llu", (unsigned long long)count,
             (unsigned long long)t->readings_sure, (unsigned long long)most);
    return text;
}

static const char *check_votes(trial *t)
{
    static char text[200];
    for (int k = 0; k < VOTES + t->w.client_count; k++) {
        const counted *v = &t->votes[k];
        char query[40];
        snprintf(query, sizeof query, "_id == %d", VOTES_FIRST + k);
        char *line = fixture_dump_sorted(server_app_db(t->w.app), query);
        const char *score = strstr(line, "score ");
        int64_t there = score == NULL ? -1 : strtoll(score + 6, NULL, 10);
        free(line);
        /* Who is back before the one that made it finds none to add to. */
        int64_t least = k < VOTES ? v->sure : v->by_its_own;
        if (v->doubtful || !v->made || (there >= least && there <= v->sure + v->unsure)) continue;
        snprintf(text, sizeof text, "counter %d is %lld, and not %lld to %lld", VOTES_FIRST + k,
                 (long long)there, (long long)least, (long long)v->sure + (long long)v->unsure);
        return text;
    }
    return NULL;
}

const char *trial_check(trial *t)
{
    static char text[300];
    char *server = fixture_dump(server_app_db(t->w.app), "TRUEPREDICATE");
    const char *wrong = NULL;
    for (int i = 0; i < t->w.client_count && wrong == NULL; i++) {
        char *mine = fixture_dump(t->w.clients[i].db, "TRUEPREDICATE");
        if (strcmp(server, mine) != 0) {
            snprintf(text, sizeof text, "client %d differs from the server", i);
            wrong = text;
            if (getenv("RESETS_SHOW") != NULL) printf("server\n%sclient\n%s", server, mine);
        }
        free(mine);
    }
    for (int i = 0; i < t->w.client_count && wrong == NULL && !t->discards; i++) {
        for (int k = 0; k < OWN_MAX && wrong == NULL; k++) {
            char query[40];
            snprintf(query, sizeof query, "_id == %lld", (long long)id_of(&t->w.clients[i], k));
            char *line = fixture_dump_sorted(server_app_db(t->w.app), query);
            wrong = wrong_row(t, &t->w.clients[i], k, line);
            free(line);
        }
    }
    free(server);
    if (wrong == NULL && !t->discards) wrong = check_readings(t);
    if (wrong == NULL && !t->discards) wrong = check_votes(t);
    return wrong;
}

const char *trial_settle(trial *t)
{
    static char text[400];
    for (int i = 0; i < t->w.client_count; i++) {
        t->offline_until[i] = 0;
        t->w.clients[i].node.crash_in = 0;
    }
    t->w.server_node.crash_in = 0;
    uint64_t until = t->w.now_ms + SETTLE_MS;
    int calm = 0;
    while (t->w.now_ms < until && calm < 8) {
        trial_run(t, 300);
        bool all = t->w.app != NULL;
        for (int i = 0; i < t->w.client_count && all; i++) {
            client *c = &t->w.clients[i];
            all = trial_quiet(c) && session_connection_state(c->session) == 2 &&
                  c->session->reset_asks == 0 && c->up.first == c->up.count &&
                  c->down.first == c->down.count && c->session->reset.phase != RESET_DOWNLOADING;
        }
        calm = all ? calm + 1 : 0;
    }
    if (calm >= 8) return NULL;
    for (int i = 0; i < t->w.client_count; i++) {
        client *c = &t->w.clients[i];
        if (c->session != NULL && session_state(c->session) != 0) {
            snprintf(text, sizeof text, "client %d has ended: %d %s", i, c->last_error,
                     c->last_error_text);
            return text;
        }
    }
    return "the world does not settle";
}

static void trace(world *w, const client *c, const char *what, const wire_rows_list *list)
{
    for (size_t k = 0; k < list->count; k++) {
        wire_rows *rows = list->items[k];
        /* Embedded objects name the one that holds them. */
        const wire_column *key = rows->owner_class[0] != '\0' ? &rows->owner_keys : &rows->key;
        for (size_t i = 0; i < rows->count && key->integers.count > 0; i++) {
            if (!trial_traced(key->integers.items[i])) continue;
            printf("%llu c%d %s %s kind %d life %llu base %llu:", (unsigned long long)w->now_ms,
                   c->number, what, rows->class_name,
                   rows->kinds.count > i ? rows->kinds.items[i] : 0,
                   (unsigned long long)wire_one_or_each(&rows->lives, i, 0),
                   (unsigned long long)wire_one_or_each(&rows->bases, i, 0));
            for (size_t n = 0; n < rows->columns.count; n++) {
                size_t entry = 0;
                list_state state;
                if (!wire_column_seek(rows->columns.items[n], i, &entry)) continue;
                printf(" %s", rows->columns.items[n]->property);
                const wire_column *column = rows->columns.items[n];
                if (column->type == VALUE_INT && column->integers.count > entry)
                    printf("%s%lld@%llu", column->increment ? "+" : "=",
                           (long long)column->integers.items[entry],
                           (unsigned long long)(column->stamps.count > entry
                                                    ? column->stamps.items[entry]
                                                    : 0));
                if (rows->columns.items[n]->list == NULL ||
                    wire_list_state(rows->columns.items[n], entry, &state) != ATOLL_OK)
                    continue;
                printf("(%zu)", state.elements.count);
                list_state_free(&state);
            }
            printf("\n"); /* What the copy has is not asked: that would change when it crashes. */
        }
    }
}

void trial_trace_up(world *w, client *c, const client_message *m)
{
    trace(w, c, "uploads", &m->upload.rows);
}

void trial_trace_down(world *w, client *c, const server_message *m)
{
    if (m->kind == SERVER_DOWNLOAD) trace(w, c, "downloads", &m->download.rows);
    if (m->kind == SERVER_UPLOAD_ACK) trace(w, c, "acknowledged", &m->ack.rows);
    if (m->kind == SERVER_UPLOAD_ACK)
        printf("%llu c%d ack version %llu bound %llu\n", (unsigned long long)w->now_ms, c->number,
               (unsigned long long)m->ack.version, (unsigned long long)m->ack.bound);
    if (m->kind == SERVER_BOUND)
        printf("%llu c%d bound ident %llu newest %llu high water %llu\n",
               (unsigned long long)w->now_ms, c->number, (unsigned long long)m->bound.ident,
               (unsigned long long)m->bound.newest,
               (unsigned long long)m->bound.previous_high_water);
    if (m->kind == SERVER_ERROR)
        printf("%llu c%d error %d %s\n", (unsigned long long)w->now_ms, c->number, m->error.code,
               m->error.text);
}
