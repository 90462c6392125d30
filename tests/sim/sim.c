/* atoll-sim --seed N [--breakage NAME] [--verbose]: one seed is one run of a world; exit 0, or 1 and the rule that broke.
 * Random operations on 2 to 5 clients, cuts, crashes, offline times, wrong clocks, stops, changing views; everything that
 * reaches the server is told to the reference model (oracle.c), and after the storm every copy is compared with it. */
#include "fixture.h"
#include "rights.h"
#include "server/app.h"
#include "sync/breakage.h"
#include "sync/session_internal.h"
#include "tap.h"

#include "base/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPERATIONS_MIN = 500, CUTS_MIN = 5, CRASHES_MIN = 2, OFFLINE_MIN = 2, SETTLE_MS = 900000 };

typedef struct judged {
    unsigned masks[2 + VIEWS_BEFORE_MAX];
    int count;
} judged;

typedef struct sim {
    world w;
    judged judged[WORLD_CLIENTS_MAX]; /* the views by which the newest batch of each is judged */
    oracle *o;
    random_state random;
    uint64_t unsure_versions[WORLD_CLIENTS_MAX]; /* of the set whose commit failed; 0: none did */
    unsigned unsure_masks[WORLD_CLIENTS_MAX];
    unsigned masks[WORLD_CLIENTS_MAX]; /* teams that the newest subscription of a client shows */
    uint64_t bound[WORLD_CLIENTS_MAX], operations[WORLD_CLIENTS_MAX], tag[WORLD_CLIENTS_MAX];
    uint64_t offline_until[WORLD_CLIENTS_MAX], stopped_until[WORLD_CLIENTS_MAX];
    uint64_t offline_times, stops, view_changes, crashes, next_value, refused;
    uint64_t promised[WORLD_CLIENTS_MAX]; /* newest version whose commit returned OK */
    uint64_t life;                        /* of the collection that the next note is about */
    rights rights
        [WORLD_CLIENTS_MAX]; /* what roles give the user of a client; with_roles: they are in force */
    bool with_roles;
    uint64_t right_changes;
    bool failed, all_types;
    char wrong[1000];
} sim;

static void broke(sim *s, const char *rule)
{
    if (s->failed || rule == NULL) return;
    s->failed = true;
    snprintf(s->wrong, sizeof s->wrong, "at %llu ms: %s", (unsigned long long)s->w.now_ms, rule);
}

static void team_value(void *context, property_key p, value *out)
{
    (void)p;
    *out = value_int(*(int64_t *)context);
}

static unsigned mask_of(const server_view *v, class_key item)
{
    unsigned mask = 0;
    for (int64_t team = 0; team < ORACLE_TEAMS; team++) {
        if (view_matches_values(v, item, team_value, &team)) mask |= 1u << team;
    }
    return mask;
}

/* The views that a batch is judged by: applying it may drop some. */
static void note_views(sim *s, const client *c)
{
    judged *j = &s->judged[c->number];
    item_keys k = fixture_keys(server_app_db(s->w.app));
    const peer *p = c->peer;
    j->count = 0;
    j->masks[j->count++] = mask_of(&p->view, k.c);
    if (p->has_next_view) j->masks[j->count++] = mask_of(&p->next_view, k.c);
    for (size_t i = 0; i < p->before_count; i++)
        j->masks[j->count++] = mask_of(&p->before[i].view, k.c);
}

static void on_upload(world *w, client *c, const client_message *m)
{
    sim *s = w->context;
    s->bound[c->number] = m->upload.bound;
    tap_upload(s->o, c, m);
    if (c->peer != NULL && w->app != NULL) note_views(s, c);
}

static void on_applied(world *w, client *c, bytes raw, uint64_t bound, uint64_t version)
{
    sim *s = w->context;
    const judged *j = &s->judged[c->number];
    (void)raw;
    (void)bound;
    broke(s, oracle_applied(s->o, c->number, c->peer->ident, s->bound[c->number], version, j->masks,
                            j->count));
    if (w->server_node.crashing) return; /* Nothing can be read any more. */
    /* What the test reads is no part of the world: no power cut is due in it. */
    uint64_t crash_in = w->server_node.crash_in;
    w->server_node.crash_in = 0;
    char *has = fixture_dump_sorted(server_app_db(w->app), "TRUEPREDICATE"),
         *wants = oracle_dump(s->o, ~0u, false);
    w->server_node.crash_in = crash_in;
    if (strcmp(has, wants) != 0 && !s->failed) {
        broke(s, "the server's state differs from the reference model's");
        fprintf(stderr, "batch of client %d, bound %llu\nserver:\n%sreference:\n%s", c->number,
                (unsigned long long)s->bound[c->number], has, wants);
    }
    free(has);
    free(wants);
}

static void on_ack(world *w, client *c, uint64_t bound)
{
    sim *s = w->context;
    oracle_acknowledged(s->o, c->number, bound);
}

static void trace_rows(world *w, client *c, const char *what, const wire_rows_list *list,
                       uint64_t to)
{
    for (size_t k = 0; k < list->count; k++) {
        wire_rows *rows = list->items[k];
        for (size_t i = 0; i < rows->count && rows->kinds.count > 0; i++) {
            if (rows->key.integers.items[i] != atoi(getenv("ORACLE_TRACE"))) continue;
            char query[40];
            snprintf(query, sizeof query, "_id == %d", atoi(getenv("ORACLE_TRACE")));
            char *now = fixture_dump_sorted(c->db, query);
            fprintf(stderr, "   c%d before: %s", c->number, now[0] == '\0' ? "nothing\n" : now);
            free(now);
            fprintf(stderr, "%llu c%d %s object %lld kind %d life %llu at %llu\n",
                    (unsigned long long)w->now_ms, c->number, what,
                    (long long)rows->key.integers.items[i], rows->kinds.items[i],
                    (unsigned long long)wire_one_or_each(&rows->lives, i, 1),
                    (unsigned long long)to);
        }
    }
}

/* The wire is read for objects and fields that must not be on it. */
static void check_secrets(sim *s, client *c, const wire_rows_list *list)
{
    char text[200];
    for (size_t k = 0; k < list->count; k++) {
        const wire_rows *rows = list->items[k];
        if (strcmp(rows->class_name, "Item") != 0) continue;
        for (size_t i = 0; i < rows->count; i++) {
            int object = (int)rows->key.integers.items[i];
            snprintf(text, sizeof text, "client %d was told of object %d, which it may not see",
                     c->number, object);
            if (!oracle_may_know(s->o, c->number, object)) broke(s, text);
        }
        for (size_t i = 0; i < rows->columns.count && s->rights[c->number].no_score; i++) {
            if (strcmp(rows->columns.items[i]->property, "score") == 0)
                broke(s, "a field travelled that may not be read");
        }
    }
}

static void on_down(world *w, client *c, const server_message *m)
{
    sim *s = w->context;
    bool told = m->kind != SERVER_UPLOAD_ACK || !m->ack.last || m->ack.rejected.count > 0;
    if (!told && oracle_denied(s->o, c->number)) broke(s, "a refused write is not told");
    if (s->with_roles && m->kind == SERVER_DOWNLOAD) check_secrets(s, c, &m->download.rows);
    if (s->with_roles && m->kind == SERVER_UPLOAD_ACK) check_secrets(s, c, &m->ack.rows);
    if (getenv("ORACLE_TRACE") == NULL) return;
    if (m->kind == SERVER_DOWNLOAD)
        trace_rows(w, c, m->download.sweep ? "sweep" : "download", &m->download.rows,
                   m->download.to);
    if (m->kind == SERVER_UPLOAD_ACK) trace_rows(w, c, "outcome", &m->ack.rows, m->ack.version);
    if (m->kind == SERVER_ERROR)
        fprintf(stderr, "%llu c%d error %d %s\n", (unsigned long long)w->now_ms, c->number,
                m->error.code, m->error.text);
}

static void on_server_up(world *w, uint64_t version)
{
    sim *s = w->context;
    broke(s, oracle_server_lost(s->o, version));
}

static void on_client_up(world *w, client *c, uint64_t version)
{
    sim *s = w->context;
    if (version < s->promised[c->number]) broke(s, "a client lost a commit that had returned");
    oracle_client_lost(s->o, c->number, version);
}

/* ---- operations ---- */

static void note(sim *s, client *c, op_kind kind, int object, int field, int64_t v, uint64_t before,
                 status result)
{
    uint64_t version = before + 1; /* One commit each. */
    if (result == ATOLL_OK) version = model_version(c->db);
    if (version == before) return; /* A move to where it is: nothing was committed. */
    op x = {kind, object, field, v, version, c->session->sync.cursor, false, s->life};
    if (result == ATOLL_OK) s->promised[c->number] = version;
    if (result == ATOLL_OK || c->node.crashing) oracle_op(s->o, c->number, x);
    s->operations[c->number]++;
}

/* What the test reads is no part of the world: no power cut is due in it, though it may have to read the disk. */
static bool has_object(client *c, int object, uint64_t *tags, int64_t *part)
{
    item_keys k = fixture_keys(c->db);
    uint64_t crash_in = c->node.crash_in;
    c->node.crash_in = 0;
    model_view *view = model_view_newest(c->db);
    value key = value_int(object), slot;
    row_key row = 0;
    bool there = model_find(view, k.c, &key, &row) == ATOLL_OK && row != 0;
    *tags = 0;
    *part = 0;
    if (there) {
        *tags = model_list_count(view, k.c, row, k.tags);
        if (model_get(view, k.c, row, k.one, &slot) == ATOLL_OK && slot.type == VALUE_EMBEDDED) {
            uint8_t id[16];
            if (model_embedded_identity(view, k.part, slot.as.row, id) == ATOLL_OK)
                memcpy(part, id, 8);
        }
    }
    model_view_release(view);
    c->node.crash_in = crash_in;
    return there;
}

static int64_t part_identity(client *c, int object)
{
    uint64_t tags = 0;
    int64_t part = 0;
    if (c->node.crashing) return -1;
    (void)has_object(c, object, &tags, &part);
    return part == 0 ? 1 : part;
}

static bool look_inside(sim *s, client *c, int object, int kind, int64_t number)
{
    item_keys k = fixture_keys(c->db);
    property_key p = kind == KEYED_PAIRS ? k.pairs : k.marks;
    model_view *view = model_view_newest(c->db);
    value id = value_int(object), v = value_int(number);
    char key[40];
    row_key row = 0;
    list_state state;
    bool found = false;
    snprintf(key, sizeof key, "k%lld", (long long)number);
    if (model_find(view, k.c, &id, &row) != ATOLL_OK || row == 0 ||
        model_list_state(view, k.c, row, p, &state) != ATOLL_OK) {
        model_view_release(view);
        return false;
    }
    s->life = state.life;
    list_state_free(&state);
    status result = kind == KEYED_PAIRS ? model_dictionary_find(view, k.c, row, p, bytes_text(key),
                                                                &found, NULL, NULL)
                                        : model_set_find(view, k.c, row, p, &v, &found, NULL);
    model_view_release(view);
    return result == ATOLL_OK && found;
}

/* Life of a collection before a change, and what it has of a key. */
static bool look(sim *s, client *c, int object, int kind, int64_t number)
{
    uint64_t crash_in = c->node.crash_in;
    c->node.crash_in = 0;
    bool found = look_inside(s, c, object, kind, number);
    c->node.crash_in = crash_in;
    return found;
}

static void edit_keyed(sim *s, client *c, int object, uint64_t before)
{
    world *w = &s->w;
    int kind = (int)random_below(&s->random, KEYED_KINDS);
    int64_t number = (int64_t)random_below(&s->random, 8), v = (int64_t)++s->next_value;
    bool there = look(s, c, object, kind, number);
    char key[40];
    status result = ATOLL_OK;
    snprintf(key, sizeof key, "k%lld", (long long)number);
    if (random_below(&s->random, 8) == 0) {
        result = fixture_clear(w, c, object, kind == KEYED_PAIRS);
        note(s, c, OP_CLEAR, object, kind, 0, before, result);
        return;
    }
    if (kind == KEYED_MARKS) {
        result = fixture_mark(w, c, object, number, !there);
    } else {
        bool erase = there && random_below(&s->random, 3) == 0;
        result = fixture_pair(w, c, object, key, erase ? -1 : v);
    }
    note(s, c, OP_KEYED, object, kind, number, before, result);
}

static void edit_types(sim *s, client *c, int object, uint64_t tags)
{
    world *w = &s->w;
    char text[40];
    uint64_t before = model_version(c->db), which = random_below(&s->random, 14);
    int64_t v = (int64_t)++s->next_value;
    status result = ATOLL_OK;
    snprintf(text, sizeof text, "%lld", (long long)v);
    if (which < 5) {
        edit_keyed(s, c, object, before);
    } else if (which < 8) {
        result = fixture_add(w, c, object, v);
        note(s, c, OP_ADD, object, FIELD_HITS, v, before, result);
    } else if (which < 9) {
        result = fixture_set_int(w, c, object, "hits", v);
        note(s, c, OP_SET, object, FIELD_HITS, v, before, result);
    } else if (which > 11) {
        if (tags < 2) return;
        result = fixture_move(w, c, object, random_below(&s->random, tags),
                              random_below(&s->random, tags));
        note(s, c, OP_TAG, object, 2, 0, before, result);
    } else {
        value any = which == 9    ? value_null()
                    : which == 10 ? value_int(v)
                                  : value_string(bytes_text(text));
        result = fixture_any(w, c, object, &any);
        note(s, c, OP_SET, object, FIELD_ANY, tap_any(&any), before, result);
    }
}

static void edit_object(sim *s, client *c, int object, uint64_t tags, int64_t part)
{
    world *w = &s->w;
    char text[40];
    uint64_t before = model_version(c->db), which = random_below(&s->random, 20);
    int64_t v = (int64_t)++s->next_value;
    status result = ATOLL_OK;
    snprintf(text, sizeof text, "%lld", (long long)v);
    if (which < 4) {
        int64_t team = (int64_t)random_below(&s->random, ORACLE_TEAMS);
        result = fixture_set_int(w, c, object, "team", team);
        note(s, c, OP_SET, object, FIELD_TEAM, team, before, result);
    } else if (which < 8) {
        result = fixture_set_int(w, c, object, "score", v);
        note(s, c, OP_SET, object, FIELD_SCORE, v, before, result);
    } else if (which < 11) {
        result = fixture_set_name(w, c, object, text);
        note(s, c, OP_SET, object, FIELD_NAME, v, before, result);
    } else if (which < 14) {
        int64_t tag = c->number * 1000000 + (int64_t)++s->tag[c->number];
        snprintf(text, sizeof text, "%lld", (long long)tag);
        result = fixture_append(w, c, object, text);
        note(s, c, OP_TAG, object, 0, tag, before, result);
    } else if (which < 15 && tags > 0) {
        result = fixture_erase(w, c, object, random_below(&s->random, tags));
        note(s, c, OP_TAG, object, 1, 0, before, result);
    } else if (which < 17) {
        result = fixture_part(w, c, object, v);
        if (part == 0)
            note(s, c, OP_SET, object, FIELD_PART,
                 result == ATOLL_OK ? part_identity(c, object) : -2, before, result);
        if (part != 0) note(s, c, OP_PART_X, object, 0, v, before, result);
    } else if (which < 18 && part != 0) {
        result = fixture_part_null(w, c, object);
        note(s, c, OP_SET, object, FIELD_PART, 0, before, result);
    } else {
        result = fixture_delete(w, c, object);
        note(s, c, OP_GONE, object, 0, 0, before, result);
    }
}

static int lowest_team(unsigned mask)
{
    for (int i = 0; i < ORACLE_TEAMS; i++) {
        if ((mask >> i & 1) != 0) return i;
    }
    return 0;
}

static void one_operation(sim *s, client *c)
{
    int object = (int)random_below(&s->random, ORACLE_OBJECTS);
    uint64_t tags = 0, before = model_version(c->db);
    int64_t part = 0;
    if (random_below(&s->random, 10) == 0) {
        char text[40];
        int64_t v = (int64_t)++s->next_value;
        snprintf(text, sizeof text, "%lld", (long long)v);
        note(s, c, OP_READING, 0, 0, v, before, fixture_reading(&s->w, c, v, text));
        return;
    }
    if (has_object(c, object, &tags, &part)) {
        if (s->all_types && random_below(&s->random, 3) == 0)
            edit_types(s, c, object, tags);
        else
            edit_object(s, c, object, tags, part);
        return;
    }
    /* Mostly inside of the view; a write outside of it is refused, now and then. */
    int team = (int)random_below(&s->random, ORACLE_TEAMS);
    if ((s->masks[c->number] >> team & 1) == 0 && random_below(&s->random, 4) != 0)
        team = lowest_team(s->masks[c->number]);
    bool with_default = random_below(&s->random, 2) == 0;
    int64_t score = 500 + (int64_t)random_below(&s->random, 100);
    status result = with_default ? fixture_create_default(&s->w, c, object, team, score)
                                 : fixture_create(&s->w, c, object, team, NULL);
    note(s, c, OP_MADE, object, 0, 0, before, result);
    if (result == ATOLL_OK || c->node.crashing) {
        s->operations[c->number]--;
        note(s, c, OP_SET, object, FIELD_TEAM, team, before, result);
        if (with_default) s->operations[c->number]--;
        if (with_default) note(s, c, OP_SET, object, FIELD_SCORE, score, before, result);
    }
}

/* ---- weather ---- */

/* A subscription whose commit met a power cut may be there or not: the set that the client has now tells. */
static void resolve_view(sim *s, client *c)
{
    subscription_set newest;
    int i = c->number;
    if (s->unsure_versions[i] == 0 || subscription_set_newest(c->db, &newest) != ATOLL_OK) return;
    if (newest.version >= s->unsure_versions[i]) s->masks[i] = s->unsure_masks[i];
    s->unsure_versions[i] = 0;
    subscription_set_free(&newest);
}

static void change_view(sim *s, client *c)
{
    static const char *const texts[] = {"TRUEPREDICATE",  "team == 0", "team == 1",
                                        "team IN {1, 2}", "team > 1",  "team != 2"};
    static const unsigned masks[] = {15, 1, 2, 6, 12, 11};
    uint64_t which = random_below(&s->random, 6);
    const char *classes[] = {"Item"}, *queries[] = {texts[which]};
    subscription_set before;
    s->view_changes++;
    resolve_view(s, c);
    if (subscription_set_newest(c->db, &before) != ATOLL_OK) return;
    if (world_subscribe(&s->w, c, classes, queries, 1) == ATOLL_OK) {
        s->masks[c->number] = masks[which];
    } else {
        s->unsure_versions[c->number] = before.version + 1;
        s->unsure_masks[c->number] = masks[which];
    }
    subscription_set_free(&before);
}

/* Other custom data: the server judges by them from now on, and gives the view anew. */
static void change_rights(sim *s, client *c)
{
    rights *r = &s->rights[c->number];
    char data[200];
    rights_choose(r, &s->random);
    rights_data(r, data, sizeof data);
    oracle_rights told = {true, r->reads, r->writes, r->insert, r->remove, r->no_score};
    oracle_set_rights(s->o, c->number, &told);
    s->right_changes++;
    /* A power cut of the server in it: it reads the data again when it is back. */
    if (world_set_user_data(&s->w, c, data) != ATOLL_OK && !s->w.server_node.crashing)
        broke(s, "custom data can't be set");
}

static void start_roles(sim *s, uint64_t seed)
{
    s->with_roles = true;
    const char *roles = seed % 2 == 0 ? rights_roles_by_paths : rights_roles;
    if (world_set_roles(&s->w, roles) != ATOLL_OK) broke(s, fail_text());
    for (int i = 0; i < s->w.client_count; i++) {
        s->w.clients[i].user_id = rights_users[i];
        s->rights[i].no_score = random_below(&s->random, 3) == 0;
        change_rights(s, &s->w.clients[i]);
    }
}

static void weather(sim *s, client *c)
{
    world *w = &s->w;
    if (!session_takes_messages(c->session) && random_below(&s->random, 3) == 0) {
        c->node.crash_in = 1 + random_below(&s->random, 20); /* between two slices, perhaps */
        s->crashes++;
    }
    uint64_t which = random_below(&s->random, 400);
    int i = c->number;
    if (which < 6) {
        world_cut(w, c);
    } else if (which < 9) {
        c->offline = true;
        s->offline_until[i] = w->now_ms + 1000 + random_below(&s->random, 100000);
        s->offline_times++;
        world_cut(w, c);
    } else if (which < 11) {
        c->node.crash_in = 1 + random_below(&s->random, 60);
        s->crashes++;
    } else if (which < 13) {
        w->server_node.crash_in = 1 + random_below(&s->random, 60);
        s->crashes++;
    } else if (which < 15) {
        session_stop(c->session, w->now_ms);
        s->stopped_until[i] = w->now_ms + random_below(&s->random, 20000);
        s->stops++;
    } else if (which < 17 && i > 0) {
        change_view(s, c);
    } else if (which < 19) {
        c->node.wall_offset_ms += (int64_t)random_below(&s->random, 7200000) - 3600000;
    } else if (which < 22) {
        (void)!model_checkpoint(c->db);
    } else if (which < 24 && w->app != NULL) {
        (void)!model_checkpoint(server_app_db(w->app));
    } else if (which < 27 && s->with_roles) {
        change_rights(s, c);
    }
}

static void clear_sky(sim *s, bool now)
{
    for (int i = 0; i < s->w.client_count; i++) {
        client *c = &s->w.clients[i];
        if (c->offline && (now || s->w.now_ms >= s->offline_until[i])) c->offline = false;
        bool paused = c->session != NULL && session_state(c->session) == STATE_PAUSED;
        if (paused && (now || s->w.now_ms >= s->stopped_until[i]))
            session_start(c->session, s->w.now_ms);
        if (now) c->node.crash_in = 0;
    }
    if (now) s->w.server_node.crash_in = 0;
}

/* ---- the end of a storm ---- */

static bool all_uploaded(sim *s)
{
    for (int i = 0; i < s->w.client_count; i++) {
        client *c = &s->w.clients[i];
        if (c->session == NULL || session_has_pending(c->session) || oracle_unsent(s->o, i) > 0)
            return false;
    }
    return true;
}

static void check_session(sim *s, client *c)
{
    char text[400];
    if (c->session == NULL || session_state(c->session) == STATE_ACTIVE ||
        session_state(c->session) == STATE_PAUSED)
        return;
    snprintf(text, sizeof text, "session %d ended: %d %s", c->number, c->last_error,
             c->last_error_text);
    broke(s, text);
}

static void compare_client(sim *s, client *c)
{
    char rule[100];
    resolve_view(s, c);
    const rights *r = &s->rights[c->number];
    unsigned mask = s->masks[c->number] & (s->with_roles ? r->reads : ~0u);
    char *has = fixture_dump_sorted(c->db, "TRUEPREDICATE"),
         *wants = oracle_dump(s->o, mask, r->no_score);
    if (strcmp(has, wants) != 0 && !s->failed) {
        snprintf(rule, sizeof rule, "client %d did not converge to its view of the reference model",
                 c->number);
        broke(s, rule);
        if (getenv("ORACLE_TRACE") != NULL) oracle_trace(s->o, atoi(getenv("ORACLE_TRACE")));
        fprintf(stderr, "client %d (mask %x):\n%sreference:\n%s", c->number, mask, has, wants);
    }
    free(has);
    free(wants);
    if (r->no_score) return;
    /* Lists in order: the same text of the same rows on the server. */
    char text[100];
    rights_query(mask, text, sizeof text);
    char *mine = fixture_dump(c->db, "TRUEPREDICATE"),
         *server = fixture_dump(server_app_db(s->w.app), text);
    if (strcmp(mine, server) != 0 && !s->failed) {
        broke(s, "a list has another order on a client than on the server");
        fprintf(stderr, "client %d:\n%sserver:\n%s", c->number, mine, server);
    }
    free(mine);
    free(server);
}

static void compare_all(sim *s)
{
    buffer lines;
    uint64_t last = 0;
    size_t count = 0;
    for (int i = 0; i < s->w.client_count && !s->failed; i++) compare_client(s, &s->w.clients[i]);
    buffer_init(&lines, 256u << 20);
    if (server_ingest_read(s->w.app, 0, 1000000, &lines, &last) != ATOLL_OK)
        broke(s, "ingested objects can't be read");
    for (size_t i = 0; i < lines.size; i++) count += lines.data[i] == '\n';
    buffer_free(&lines);
    if (count != oracle_readings(s->o)) broke(s, "asymmetric objects were lost or stored twice");
}

static void settle(sim *s)
{
    uint64_t until = s->w.now_ms + SETTLE_MS;
    bool calm = false;
    clear_sky(s, true);
    while (!s->failed && !calm && s->w.now_ms < until) {
        calm = world_settle(&s->w, 20000) && all_uploaded(s);
        clear_sky(s, true);
        for (int i = 0; i < s->w.client_count; i++) check_session(s, &s->w.clients[i]);
    }
    if (!calm) broke(s, "a session hangs: not everything was uploaded");
    /* One round trip more: everybody has what the others uploaded. */
    for (int i = 0; i < s->w.client_count && !s->failed; i++) {
        client *c = &s->w.clients[i];
        uint64_t done = c->requests_done;
        session_wait_download(c->session, s->w.now_ms, 1);
        for (int k = 0; k < 100 && c->requests_done == done; k++) world_run(&s->w, 500);
        if (c->requests_done == done) broke(s, "a wait for download never ends");
    }
    if (!s->failed && !world_settle(&s->w, 60000)) broke(s, "the world does not come to rest");
    if (simulator_mended != 0)
        broke(s, "a client lacked something of the server's state, and asked for the whole view");
    if (!s->failed) compare_all(s);
}

static bool enough(const sim *s)
{
    for (int i = 0; i < s->w.client_count; i++) {
        if (s->operations[i] < OPERATIONS_MIN) return false;
    }
    return s->w.cuts >= CUTS_MIN && s->w.client_crashes + s->w.server_crashes >= CRASHES_MIN &&
           s->offline_times >= OFFLINE_MIN;
}

static void storm(sim *s)
{
    uint64_t half = 0;
    simulator_mended = 0;
    while (!s->failed && !enough(s)) {
        client *c = &s->w.clients[random_below(&s->random, (uint64_t)s->w.client_count)];
        uint64_t burst = 1 + random_below(&s->random, 6);
        for (uint64_t i = 0; i < burst && c->session != NULL && !c->node.crashing; i++)
            one_operation(s, c);
        if (c->session != NULL && !c->node.crashing) weather(s, c);
        if (random_below(&s->random, 3) != 0)
            world_run(&s->w, random_below(&s->random, 2) == 0 ? random_below(&s->random, 5)
                                                              : random_below(&s->random, 1500));
        clear_sky(s, false);
        for (int i = 0; i < s->w.client_count; i++) check_session(s, &s->w.clients[i]);
        if (half == 0 && s->operations[0] > OPERATIONS_MIN / 2) {
            half = 1;
            settle(s);
        }
    }
    if (!s->failed) settle(s);
}

static void print_coverage(const sim *s)
{
    static const char *const up[] = {"",     "bind",         "subscribe", "upload",
                                     "mark", "authenticate", "ping",      "unbind"};
    static const char *const down[] = {"",         "bound",      "subscription_state",
                                       "download", "upload_ack", "mark_reply",
                                       "pong",     "error",      "log_line"};
    uint64_t refused = 0, operations = 0;
    for (int i = 0; i < s->w.client_count; i++) {
        refused += s->w.clients[i].compensations;
        operations += s->operations[i];
    }
    printf("clients %d operations %llu batches %llu cuts %llu client_crashes %llu server_crashes "
           "%llu offline %llu stops %llu views %llu rights %llu refused %llu put_aside %llu",
           s->w.client_count, (unsigned long long)operations,
           (unsigned long long)oracle_batches(s->o), (unsigned long long)s->w.cuts,
           (unsigned long long)s->w.client_crashes, (unsigned long long)s->w.server_crashes,
           (unsigned long long)s->offline_times, (unsigned long long)s->stops,
           (unsigned long long)s->view_changes, (unsigned long long)s->right_changes,
           (unsigned long long)refused, (unsigned long long)s->w.spooled);
    printf(" slices %u slices_resumed %u parts_kept %u", simulator_slices, simulator_resumed,
           simulator_continued);
    for (int i = 1; i < 8; i++) printf(" %s %llu", up[i], (unsigned long long)s->w.messages_up[i]);
    for (int i = 1; i < 9; i++)
        printf(" %s %llu", down[i], (unsigned long long)s->w.messages_down[i]);
    static const char *const connections[] = {"disconnected", "connecting", "connected"},
                             *const states[] = {"active", "dying", "inactive", "waiting", "paused"};
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            if (s->w.connections[i][k] > 0)
                printf(" %s>%s %llu", connections[i], connections[k],
                       (unsigned long long)s->w.connections[i][k]);
        }
    }
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 5; k++) {
            if (s->w.states[i][k] > 0)
                printf(" %s>%s %llu", states[i], states[k], (unsigned long long)s->w.states[i][k]);
        }
    }
    printf(" open_first %llu open_retry %llu open_resume %llu\n",
           (unsigned long long)s->w.openings[0], (unsigned long long)s->w.openings[1],
           (unsigned long long)s->w.openings[2]);
}

static int run_seed(uint64_t seed, bool quiet, bool verbose)
{
    static const uint64_t delays[] = {1, 10, 100, 800};
    sim *s = calloc(1, sizeof *s);
    if (s == NULL) return 2;
    s->random.state = seed * 7919 + 13;
    s->o = oracle_new();
    int clients = 2 + (int)random_below(&s->random, 4);
    model_schema schema = fixture_schema(true, false);
    fixture_add_types(&schema);
    s->all_types = seed % 4 != 0;
    simulator_slices = simulator_resumed = simulator_continued = 0;
    world_choose_slices(seed);
    if (world_start(&s->w, seed + 1, clients, true, schema) != ATOLL_OK) {
        fprintf(stderr, "seed %llu: the world does not start: %s\n", (unsigned long long)seed,
                fail_text());
        return 2;
    }
    s->w.delay_ms_max = delays[random_below(&s->random, 4)];
    simulator_message_size =
        random_below(&s->random, 3) == 0 ? 1u << 20 : 80 + (unsigned)random_below(&s->random, 500);
    s->w.context = s;
    s->w.verbose = verbose;
    s->w.on_upload = on_upload;
    s->w.on_applied = on_applied;
    s->w.on_ack = on_ack;
    s->w.on_down = on_down;
    s->w.on_server_up = on_server_up;
    s->w.on_client_up = on_client_up;
    if (seed % 3 == 0) start_roles(s, seed);
    for (int i = 0; i < clients; i++) {
        const char *classes[] = {"Item"}, *queries[] = {"TRUEPREDICATE"};
        if (world_subscribe(&s->w, &s->w.clients[i], classes, queries, 1) != ATOLL_OK)
            broke(s, "a subscription can't be made");
        s->masks[i] = 15;
        if (i > 0 && random_below(&s->random, 2) == 0) change_view(s, &s->w.clients[i]);
        s->w.clients[i].node.wall_offset_ms =
            (int64_t)random_below(&s->random, 86400000) - 43200000;
    }
    storm(s);
    int result = s->failed ? 1 : 0;
    if (s->failed) printf("seed %llu: %s\n", (unsigned long long)seed, s->wrong);
    if (!quiet) print_coverage(s);
    world_end(&s->w);
    oracle_free(s->o);
    free(s);
    return result;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},     {"count", required_argument, NULL, 'c'},
        {"breakage", required_argument, NULL, 'b'}, {"verbose", no_argument, NULL, 'v'},
        {"expect-failure", no_argument, NULL, 'x'}, {NULL, 0, NULL, 0}};
    uint64_t seed = 1, count = 1;
    bool verbose = false, expect_failure = false;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 's') seed = strtoull(optarg, NULL, 10);
        if (o == 'c') count = strtoull(optarg, NULL, 10);
        if (o == 'v') verbose = true;
        if (o == 'x') expect_failure = true;
        if (o == 'b') breakage_active = breakage_named(optarg);
        if (o == '?' || breakage_active < 0) {
            fprintf(stderr, "usage: atoll-sim --seed N [--count N] [--breakage NAME] "
                            "[--expect-failure] [--verbose]\n");
            return 2;
        }
    }
    log_set_level(verbose ? LOG_DEBUG : LOG_OFF);
    for (uint64_t i = 0; i < count; i++) {
        int result = run_seed(seed + i, count > 1 && i > 0, verbose);
        if (result == 2) return 2;
        if (result == 1 && expect_failure) {
            printf("caught by seed %llu\n", (unsigned long long)(seed + i));
            return 0;
        }
        if (result == 1) return 1;
    }
    if (expect_failure) printf("not caught within %llu seeds\n", (unsigned long long)count);
    return expect_failure ? 1 : 0;
}
