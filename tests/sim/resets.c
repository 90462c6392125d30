/* atoll-sim-resets --seed N [--count M] [--verbose]: client resets under every weather; exit 0, or 1 and what was lost.
 * Backups of the server are restored, sync is terminated, folders are copied, clients stay away past the horizon, nodes crash at
 * any disk operation, resets meet resets. Each client writes objects of its own, which nobody else touches: with recovery
 * every one of them must be everywhere in the end as its writer left it. Everybody edits some shared ones; all copies must be
 * equal in the end. Everybody adds to some counters: those that are never deleted must have the sum of all that was added. The expectations are plain C and know nothing of the pending table. */
#include "fixture.h"
#include "server/app.h"
#include "sync/session_internal.h"

#include "base/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    VOTES = 3,
    VOTES_FIRST = 700,
    OWN_MAX = 40,
    TAGS_MAX = 60,
    ROUNDS = 250,
    BLOWS_MAX = 4,
    SETTLE_MS = 900000
};

typedef struct own_object {
    bool alive, unsure; /* unsure: a crash met the commit, or two copies edit it */
    int64_t score, name, part;
    int64_t tags[TAGS_MAX];
    int tag_count;
} own_object;

/* The first ones were there before any backup; of the others each client makes one, at any time. */
typedef struct counted {
    bool made, doubtful; /* doubtful: two copies had the same unsent, or the same lost */
    int64_t sure, unsure, by_its_own; /* what was added; unsure: a crash met the commit */
} counted;

typedef struct trial {
    world w;
    counted votes[VOTES + WORLD_CLIENTS_MAX];
    bool restored_lately; /* since all clients were there */
    random_state random;
    own_object own[WORLD_CLIENTS_MAX][OWN_MAX];
    uint64_t reset_continue_at[WORLD_CLIENTS_MAX], offline_until[WORLD_CLIENTS_MAX];
    int reset_step[WORLD_CLIENTS_MAX];
    memory_disk *backup;
    int64_t next_value;
    int blows,
        spare; /* spare: the client that becomes a copy of another; -1: none, or it is done */
    uint64_t restored, terminated, copied, away, resets[2];
    uint64_t readings_sure, readings_unsure;
    bool discards;
} trial;

/* RESETS_TRACE=ID in the environment tells what is done to one object, and said about it. */
static bool traced(int64_t id)
{
    const char *wanted = getenv("RESETS_TRACE");
    return wanted != NULL && strtoll(wanted, NULL, 10) == id;
}

static uint64_t below(trial *t, uint64_t n)
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
    switch (o->alive ? below(t, 9) : 9) {
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
        if (below(t, 3) != 0) return;
        result = fixture_delete(w, c, id);
        if (result == ATOLL_OK) o->alive = false;
        break;
    default:
        result = fixture_create(w, c, id, 1, NULL);
        if (result == ATOLL_OK) *o = (own_object){.alive = true, .unsure = o->unsure};
    }
    if (traced(id))
        printf("%llu c%d writes %lld: %d, alive %d score %lld\n", (unsigned long long)w->now_ms,
               c->number, (long long)v, result, o->alive, (long long)o->score);
    if (result != ATOLL_OK) o->unsure = true;
}

static void edit_shared(trial *t, client *c)
{
    int64_t id = (int64_t)below(t, 6), v = ++t->next_value;
    char text[40];
    snprintf(text, sizeof text, "%lld", (long long)v);
    uint64_t which = below(t, 12);
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
    int which = (int)below(t, VOTES + (uint64_t)t->w.client_count);
    counted *v = &t->votes[which];
    int64_t by = 1 + (int64_t)below(t, 9);
    bool own = which == VOTES + c->number;
    status result = own && !v->made ? fixture_create(&t->w, c, VOTES_FIRST + which, 2, NULL)
                                    : fixture_add(&t->w, c, VOTES_FIRST + which, by);
    if (traced(VOTES_FIRST + which))
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

static void one_operation(trial *t, client *c)
{
    uint64_t which = below(t, 12);
    if (which >= 10) {
        vote(t, c);
        return;
    }
    if (which < 6) {
        int k = (int)below(t, OWN_MAX);
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

/* ---- blows ---- */

static bool quiet(client *c)
{
    return c->session != NULL && !session_has_pending(c->session);
}

/* The spare device gets a copy of another one's folder. What the other had unsent is everybody's then. */
static void copy_folder(trial *t, client *from)
{
    client *c = &t->w.clients[t->spare];
    if (from->number == t->spare || from->session == NULL || from->node.crashing) return;
    bool both = !quiet(from) || t->restored_lately; /* have it, and send it */
    for (int k = 0; k < OWN_MAX && both; k++) t->own[from->number][k].unsure = true;
    for (int k = 0; k < VOTES + WORLD_CLIENTS_MAX && both; k++) t->votes[k].doubtful = true;
    if (both) t->readings_unsure += t->readings_sure, t->readings_sure = 0;
    world_crash_client(&t->w, c, 100);
    memory_disk_free(c->node.disk);
    c->node.disk = memory_disk_copy(from->node.disk);
    if (t->backup != NULL) memory_disk_free(t->backup);
    t->backup =
        NULL; /* Of what both acknowledged before, either may think that the other one tells. */
    t->spare = -1;
    t->copied++;
    t->blows = BLOWS_MAX; /* None more before the copy knows what it is. */
}

static void blow(trial *t)
{
    world *w = &t->w;
    if (t->blows >= BLOWS_MAX || w->app == NULL || w->server_node.crashing) return;
    uint64_t which = below(t, 4);
    if (which < 2 && t->backup != NULL) {
        world_restore_server(w, t->backup, 100 + below(t, 3000));
        /* What was acknowledged of readings is gone with the restored backup. */
        t->readings_unsure += t->readings_sure;
        t->readings_sure = 0;
        t->restored++;
        /* Lost versions of two histories have no order that all copies know. */
        for (int k = VOTES; k < VOTES + WORLD_CLIENTS_MAX && t->restored_lately; k++)
            t->votes[k].doubtful = true;
        t->restored_lately = true;
        if (getenv("RESETS_TRACE") != NULL)
            printf("%llu restored\n", (unsigned long long)w->now_ms);
    } else if (which == 2 && server_app_terminate(w->app) == ATOLL_OK) {
        t->terminated++;
    } else if (which == 3 && t->spare >= 0) {
        copy_folder(t, &w->clients[below(t, (uint64_t)t->spare)]);
    }
    t->blows++;
    /* Crashes at any step of what follows. */
    for (int i = 0; i < w->client_count; i++)
        if (below(t, 3) == 0) w->clients[i].node.crash_in = 1 + below(t, 40);
    if (below(t, 4) == 0) w->server_node.crash_in = 1 + below(t, 60);
}

static void weather(trial *t, client *c)
{
    world *w = &t->w;
    uint64_t which = below(t, 100);
    if (which < 6) {
        world_cut(w, c);
    } else if (which < 12) {
        bool away = w->offline_ms != 0 && below(t, 3) == 0;
        c->offline = true;
        t->away += away;
        t->offline_until[c->number] =
            w->now_ms + (away ? w->offline_ms * 2 : 1000 + below(t, 30000));
        world_cut(w, c);
    } else if (which < 15) {
        c->node.crash_in = 1 + below(t, 60);
    } else if (which < 17) {
        w->server_node.crash_in = 1 + below(t, 60);
    } else if (which < 22 && w->app != NULL && !w->server_node.crashing) {
        if (t->backup != NULL) memory_disk_free(t->backup);
        t->backup = memory_disk_copy(w->server_node.disk);
    } else if (which < 30) {
        blow(t);
    } else if (which < 40 && w->app != NULL && !w->server_node.crashing) {
        (void)!server_app_housekeep(w->app);
    } else if (which < 43) {
        (void)!model_checkpoint(c->db);
    }
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
            t->reset_continue_at[i] = t->w.now_ms + 1 + below(t, 3000);
        if (t->w.now_ms < t->reset_continue_at[i]) continue;
        t->reset_continue_at[i] = 0;
        session_reset_continue(c->session, t->w.now_ms, ATOLL_OK, NULL);
    }
}

static void run(trial *t, uint64_t ms)
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
    uint64_t most = t->readings_sure + t->readings_unsure * (t->copied > 0 ? 2 : 1);
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

static const char *check(trial *t)
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

static const char *settle(trial *t)
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
        run(t, 300);
        bool all = t->w.app != NULL;
        for (int i = 0; i < t->w.client_count && all; i++) {
            client *c = &t->w.clients[i];
            all = quiet(c) && session_connection_state(c->session) == 2 &&
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

static const char *storm(trial *t)
{
    const char *wrong = NULL;
    for (int round = 0; round < ROUNDS && wrong == NULL; round++) {
        client *c = &t->w.clients[below(t, (uint64_t)t->w.client_count)];
        uint64_t burst = 1 + below(t, 5);
        bool waits = c->number == t->spare; /* It has no folder of its own yet. */
        for (uint64_t i = 0; i < burst && c->session != NULL && !c->node.crashing && !waits; i++)
            one_operation(t, c);
        if (c->session != NULL && !c->node.crashing) weather(t, c);
        run(t, below(t, 2) == 0 ? below(t, 20) : below(t, 2500));
        if (round % 60 == 59) {
            wrong = settle(t);
            if (wrong == NULL) wrong = check(t);
            t->blows = 0;
            t->restored_lately = false;
        }
    }
    if (wrong == NULL) wrong = settle(t);
    return wrong == NULL ? check(t) : wrong;
}

static void trace(world *w, const client *c, const char *what, const wire_rows_list *list)
{
    for (size_t k = 0; k < list->count; k++) {
        wire_rows *rows = list->items[k];
        for (size_t i = 0; i < rows->count && rows->kinds.count > 0; i++) {
            if (!traced(rows->key.integers.items[i])) continue;
            printf("%llu c%d %s kind %d life %llu base %llu:", (unsigned long long)w->now_ms,
                   c->number, what, rows->kinds.items[i],
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

static void trace_up(world *w, client *c, const client_message *m)
{
    trace(w, c, "uploads", &m->upload.rows);
}

static void trace_down(world *w, client *c, const server_message *m)
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

static int run_seed(uint64_t seed, bool verbose)
{
    trial *t = calloc(1, sizeof *t);
    if (t == NULL) return 2;
    t->random.state = seed * 104729 + 7;
    int clients = 2 + (int)below(t, 3);
    t->w.verbose = verbose;
    if (world_start(&t->w, seed + 5, clients, true, fixture_schema(true, false)) != ATOLL_OK)
        return 2;
    simulator_message_size = below(t, 2) == 0 ? 1u << 20 : 80 + (unsigned)below(t, 500);
    t->discards = below(t, 6) == 0;
    t->w.reset_mode = t->discards        ? SESSION_RESET_DISCARD
                      : below(t, 2) == 0 ? SESSION_RESET_RECOVER
                                         : SESSION_RESET_RECOVER_OR_DISCARD;
    t->w.ask_resets = below(t, 3) == 0;
    t->w.offline_ms = below(t, 2) == 0 ? 0 : 60000;
    t->spare = clients - 1;
    if (getenv("RESETS_TRACE") != NULL) {
        t->w.on_upload = trace_up;
        t->w.on_down = trace_down;
    }
    world_crash_server(&t->w, 10);
    for (int i = 0; i < clients; i++) {
        const char *classes[] = {"Item"}, *queries[] = {"TRUEPREDICATE"};
        world_crash_client(&t->w, &t->w.clients[i], 10);
        world_run(&t->w, 50);
        if (world_subscribe(&t->w, &t->w.clients[i], classes, queries, 1) != ATOLL_OK) return 2;
    }
    for (int k = 0; k < VOTES; k++)
        t->votes[k].made =
            fixture_create(&t->w, &t->w.clients[0], VOTES_FIRST + k, 2, NULL) == ATOLL_OK;
    run(t, 5000);
    const char *wrong = storm(t);
    printf("seed %llu: clients %d mode %d asks %d horizon %llu restored %llu terminated %llu "
           "copied %llu "
           "away %llu crashes %llu %llu%s%s\n",
           (unsigned long long)seed, clients, t->w.reset_mode, t->w.ask_resets,
           (unsigned long long)t->w.offline_ms, (unsigned long long)t->restored,
           (unsigned long long)t->terminated, (unsigned long long)t->copied,
           (unsigned long long)t->away, (unsigned long long)t->w.client_crashes,
           (unsigned long long)t->w.server_crashes, wrong == NULL ? "" : ": ",
           wrong == NULL ? "" : wrong);
    if (t->backup != NULL) memory_disk_free(t->backup);
    world_end(&t->w);
    free(t);
    return wrong == NULL ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    uint64_t seed = 1, count = 1;
    bool verbose = false;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 's') seed = strtoull(optarg, NULL, 10);
        if (o == 'c') count = strtoull(optarg, NULL, 10);
        if (o == 'v') verbose = true;
        if (o == '?') return 2;
    }
    log_set_level(verbose ? LOG_DEBUG : LOG_OFF);
    for (uint64_t i = 0; i < count; i++) {
        int result = run_seed(seed + i, verbose);
        if (result != 0) return result;
    }
    return 0;
}
