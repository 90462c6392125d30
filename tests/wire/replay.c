/* One side of a recorded conversation, replayed to today's machine of the other side. What one side chose at random (idents,
 * secrets, batches) is put in the place of what it chose when it was recorded.
 * Must never: change anything else of a recorded message. */
#include "replay.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAIRS_MAX = 64, TOKENS_MAX = 400 };

typedef struct pair {
    uint64_t recorded, today;
    uint8_t recorded_id[16], today_id[16];
} pair;
typedef struct pairs {
    pair items[PAIRS_MAX];
    size_t count;
} pairs;
typedef struct message {
    arena memory;
    client_message up;
    server_message down;
    bool client, good;
} message;

static void message_read(message *m, bool client, bytes raw)
{
    *m = (message){.client = client};
    arena_init(&m->memory, 64u << 20);
    m->good = (client ? codec_client_read(raw, &m->memory, &m->up)
                      : codec_server_read(raw, &m->memory, &m->down)) == ATOLL_OK;
}

static void message_write(message *m, buffer *out)
{
    buffer_clear(out);
    MUST(m->client ? codec_client_write(out, &m->up) : codec_server_write(out, &m->down));
}

static void message_end(message *m)
{
    if (m->good && m->client) client_message_free(&m->up);
    if (m->good && !m->client) server_message_free(&m->down);
    arena_free(&m->memory);
}

static const pair *pair_find(const pairs *p, uint64_t recorded, bytes id)
{
    for (size_t i = p->count; i-- > 0;) {
        const pair *x = &p->items[i];
        if (id.size == 16 ? memcmp(x->recorded_id, id.data, 16) == 0 : x->recorded == recorded)
            return x;
    }
    return NULL;
}

static int differs(const talk *t, const char *what, int who, const char *has, const char *wanted)
{
    if (strcmp(has, wanted) == 0) return 0;
    fprintf(stderr, "# %s: %s at %d is\n#   %s and was recorded as\n#   %s\n", t->name, what, who,
            has, wanted);
    return 1;
}

static int compare_states(const talk *t, const record *r, int who, model_db *db)
{
    int differences = 0;
    for (int64_t id = 1; id < TALK_IDS_MAX; id++) {
        char *text = everything_text(db, id);
        differences += differs(t, "an object", who, text, record_text(r, who, EVENT_STATE, id));
        free(text);
    }
    return differences;
}

/* ---- today's server ---- */

typedef struct server_side {
    const talk *talk;
    world w;
    peer *peers[WORLD_CLIENTS_MAX];
    pairs idents, epochs;
    struct {
        uint64_t ident, epoch, newest;
        uint8_t secret[16];
    } bound[WORLD_CLIENTS_MAX];
    int64_t shift; /* of versions, against the record's */
    int32_t said[WORLD_CLIENTS_MAX][TOKENS_MAX], heard[WORLD_CLIENTS_MAX][TOKENS_MAX];
    size_t said_count[WORLD_CLIENTS_MAX], heard_count[WORLD_CLIENTS_MAX];
    buffer raw, changed;
} server_side;

/* What is compared of an answer: downloads may be cut into groups in other ways. */
static int32_t token_of(const server_message *m)
{
    switch (m->kind) {
    case SERVER_DOWNLOAD: return 0;
    case SERVER_ERROR: return 1000 + m->error.code;
    case SERVER_SUBSCRIPTION_STATE: return 3000 + m->subscription_state.code;
    case SERVER_UPLOAD_ACK: return m->ack.last ? 5000 + (int32_t)m->ack.rejected.count : 0;
    default: return (int32_t)m->kind;
    }
}

static void put_token(int32_t *list, size_t *count, const server_message *m)
{
    int32_t token = token_of(m);
    if (token == 0) return;
    cr_assert_lt(*count, (size_t)TOKENS_MAX);
    list[(*count)++] = token;
}

static void hear(server_side *s, int who, bytes raw)
{
    message m;
    message_read(&m, false, raw);
    cr_assert(m.good, "today's server sent what today's codec does not read: %s", fail_text());
    put_token(s->said[who], &s->said_count[who], &m.down);
    if (m.down.kind == SERVER_BOUND) {
        s->bound[who].ident = m.down.bound.ident;
        s->bound[who].epoch = m.down.bound.epoch;
        s->bound[who].newest = m.down.bound.newest;
        memcpy(s->bound[who].secret, m.down.bound.secret.data, 16);
    }
    message_end(&m);
}

static void serve(server_side *s)
{
    MUST(server_app_sync(s->w.app));
    MUST(server_app_watch(s->w.app));
    while (server_app_woken(s->w.app) != NULL) continue;
    for (int i = 0; i < WORLD_CLIENTS_MAX; i++) {
        peer_action a;
        while (s->peers[i] != NULL && peer_poll(s->peers[i], s->w.now_ms, &a)) {
            if (a.kind == PEER_ACTION_SEND) {
                hear(s, i, a.message);
                continue;
            }
            peer_free(s->peers[i]);
            s->peers[i] = NULL;
        }
    }
}

static void shift_version(const server_side *s, uint64_t *version)
{
    if (*version != 0) *version = (uint64_t)((int64_t)*version + s->shift);
}

static void adapt_up(server_side *s, bytes raw, buffer *out)
{
    message m;
    message_read(&m, true, raw);
    bool other = false;
    if (m.good && m.up.kind == CLIENT_BIND) {
        wire_bind *b = &m.up.bind;
        const pair *own = b->ident == 0 ? NULL : pair_find(&s->idents, b->ident, bytes_of("", 0));
        const pair *past = b->previous_ident == 0
                               ? NULL
                               : pair_find(&s->idents, b->previous_ident, bytes_of("", 0));
        const pair *epoch = b->epoch == 0 ? NULL : pair_find(&s->epochs, b->epoch, bytes_of("", 0));
        if (own != NULL) b->ident = own->today, b->secret = bytes_of(own->today_id, 16);
        if (past != NULL)
            b->previous_ident = past->today, b->previous_secret = bytes_of(past->today_id, 16);
        if (epoch != NULL) b->epoch = epoch->today;
        shift_version(s, &b->cursor);
        shift_version(s, &b->acknowledged_version);
        other = own != NULL || past != NULL || epoch != NULL;
    } else if (m.good && m.up.kind == CLIENT_UPLOAD && s->shift != 0) {
        shift_version(s, &m.up.upload.cursor);
        for (size_t i = 0; i < m.up.upload.rows.count; i++) {
            wire_u64 *bases = &m.up.upload.rows.items[i]->bases;
            for (size_t k = 0; k < bases->count; k++) shift_version(s, &bases->items[k]);
        }
        other = true;
    }
    if (other) message_write(&m, out);
    message_end(&m);
}

static void note_down(server_side *s, int who, bytes raw)
{
    message m;
    message_read(&m, false, raw);
    cr_assert(m.good, "a recorded message is not read: %s", fail_text());
    put_token(s->heard[who], &s->heard_count[who], &m.down);
    if (m.down.kind == SERVER_BOUND) {
        const wire_bound *b = &m.down.bound;
        pair *ident = &s->idents.items[s->idents.count++],
             *epoch = &s->epochs.items[s->epochs.count++];
        cr_assert_lt(s->idents.count, (size_t)PAIRS_MAX);
        *ident = (pair){.recorded = b->ident, .today = s->bound[who].ident};
        memcpy(ident->recorded_id, b->secret.data, 16);
        memcpy(ident->today_id, s->bound[who].secret, 16);
        *epoch = (pair){.recorded = b->epoch, .today = s->bound[who].epoch};
        s->shift = (int64_t)(s->bound[who].newest - b->newest);
    }
    message_end(&m);
}

static void take_event(server_side *s, const event *e, replay_change change)
{
    int i = e->who;
    s->w.now_ms = e->at_ms;
    if (e->kind == EVENT_STEP && i == TALK_SERVER) s->talk->steps[e->number].run(&s->w, NULL);
    if (e->kind == EVENT_OPEN) MUST(peer_new(s->w.app, "user", &s->peers[i]));
    if (e->kind == EVENT_CUT && s->peers[i] != NULL) {
        peer_free(s->peers[i]);
        s->peers[i] = NULL;
    }
    if (e->kind == EVENT_UP && s->peers[i] != NULL) {
        buffer_clear(&s->raw);
        MUST(buffer_append(&s->raw, e->data, e->size));
        adapt_up(s, bytes_of(e->data, e->size), &s->raw);
        change_message(change, true, buffer_view(&s->raw), &s->changed);
        peer_received(s->peers[i], e->at_ms, buffer_view(&s->changed));
    }
    if (e->kind == EVENT_DOWN) note_down(s, i, bytes_of(e->data, e->size));
    serve(s);
}

/* What the recorded client heard, today's server says too, in that order; it may have said more that was lost. */
static int compare_answers(const server_side *s, int who)
{
    size_t at = 0;
    for (size_t i = 0; i < s->heard_count[who]; i++, at++) {
        while (at < s->said_count[who] && s->said[who][at] != s->heard[who][i]) at++;
        if (at < s->said_count[who]) continue;
        fprintf(stderr, "# %s: the answer %d to client %d is missing\n", s->talk->name,
                s->heard[who][i], who);
        return 1;
    }
    return 0;
}

int replay_server(const talk *t, const record *r, uint64_t seed, replay_change change)
{
    int differences = 0;
    server_side *s = calloc(1, sizeof *s);
    if (s == NULL) abort();
    s->talk = t;
    talk_world(&s->w, t, seed, 0);
    buffer_init(&s->raw, LIMIT_MESSAGE_SIZE_MAX);
    buffer_init(&s->changed, LIMIT_MESSAGE_SIZE_MAX);
    for (size_t i = 0; i < r->count; i++) take_event(s, &r->items[i], change);
    differences += compare_states(t, r, TALK_SERVER, server_app_db(s->w.app));
    char *lines = ingested_text(&s->w);
    differences += differs(t, "what is kept", TALK_SERVER, lines,
                           record_text(r, TALK_SERVER, EVENT_INGESTED, 0));
    free(lines);
    for (int i = 0; i < t->clients; i++) differences += compare_answers(s, i);
    for (int i = 0; i < WORLD_CLIENTS_MAX; i++) peer_free(s->peers[i]);
    buffer_free(&s->raw);
    buffer_free(&s->changed);
    world_end(&s->w);
    free(s);
    return differences;
}

/* ---- today's client ---- */

typedef struct client_side {
    const talk *talk;
    world w;
    client *c;
    bool wants_open;
    pairs
        batches; /* recorded: those that the record's client sent; today: those of this one, in the same order */
    size_t batches_today;
    uint64_t marks[PAIRS_MAX];
    size_t marks_first, marks_count;
    char errors[200];
    buffer raw, changed;
} client_side;

static void note_up(client_side *s, bytes raw, bool today)
{
    message m;
    message_read(&m, true, raw);
    cr_assert(m.good, "a message of a client is not read: %s", fail_text());
    if (m.up.kind == CLIENT_UPLOAD && m.up.upload.part == 0) {
        size_t *count = today ? &s->batches_today : &s->batches.count;
        cr_assert_lt(*count, (size_t)PAIRS_MAX);
        pair *p = &s->batches.items[*count];
        const uint8_t *last = *count == 0 ? NULL : today ? p[-1].today_id : p[-1].recorded_id;
        bool again = last != NULL && memcmp(last, m.up.upload.batch.data, 16) == 0;
        if (!again) {
            memcpy(today ? p->today_id : p->recorded_id, m.up.upload.batch.data, 16);
            if (today)
                p->today = m.up.upload.bound;
            else
                p->recorded = m.up.upload.bound;
            (*count)++;
        }
    }
    if (m.up.kind == CLIENT_MARK && today) {
        cr_assert_lt(s->marks_count, (size_t)PAIRS_MAX);
        s->marks[s->marks_count++] = m.up.mark;
    }
    message_end(&m);
}

static void pump(client_side *s)
{
    session_action a;
    for (int n = 0; n < 10000; n++) {
        while (session_poll(s->c->session, s->w.now_ms, &a)) {
            if (a.kind == SESSION_ACTION_OPEN) s->wants_open = true;
            if (a.kind == SESSION_ACTION_SEND) note_up(s, a.message, true);
            if (a.kind == SESSION_ACTION_ERROR) {
                size_t size = strlen(s->errors);
                snprintf(s->errors + size, sizeof s->errors - size, "%d ", a.code);
            }
        }
        if (session_deadline(s->c->session) > s->w.now_ms) return;
        session_tick(s->c->session, s->w.now_ms);
    }
}

/* When a client comes again is its own choice. */
static bool open_for(client_side *s)
{
    for (int i = 0; i < 10000 && !s->wants_open; i++) {
        s->w.now_ms += 10;
        pump(s);
    }
    if (!s->wants_open) return false;
    s->wants_open = false;
    s->marks_first = s->marks_count = 0;
    session_opened(s->c->session, s->w.now_ms);
    return true;
}

static void adapt_down(client_side *s, bytes raw, buffer *out)
{
    message m;
    message_read(&m, false, raw);
    cr_assert(m.good, "a recorded message is not read: %s", fail_text());
    server_message *d = &m.down;
    const pair *p = NULL;
    bool mark = d->kind == SERVER_MARK_REPLY && s->marks_first < s->marks_count;
    if (d->kind == SERVER_UPLOAD_ACK && (p = pair_find(&s->batches, 0, d->ack.batch)) != NULL) {
        d->ack.batch = bytes_of(p->today_id, 16);
        d->ack.bound = p->today;
    }
    if (d->kind == SERVER_BOUND && d->bound.last_batch.size == 16 &&
        (p = pair_find(&s->batches, 0, d->bound.last_batch)) != NULL) {
        d->bound.last_batch = bytes_of(p->today_id, 16);
        d->bound.high_water = p->today;
    }
    if (mark) d->mark = s->marks[s->marks_first++];
    if (p != NULL || mark) message_write(&m, out);
    message_end(&m);
}

static bool follow_event(client_side *s, const event *e, replay_change change)
{
    if (e->at_ms > s->w.now_ms) s->w.now_ms = e->at_ms;
    pump(s);
    if (e->kind == EVENT_STEP) s->talk->steps[e->number].run(&s->w, s->c);
    if (e->kind == EVENT_OPEN && !open_for(s)) return false;
    if (e->kind == EVENT_UP) note_up(s, bytes_of(e->data, e->size), false);
    if (e->kind == EVENT_CLOSED)
        session_closed(s->c->session, s->w.now_ms, (status)e->number, (const char *)e->data);
    if (e->kind == EVENT_DOWN) {
        buffer_clear(&s->raw);
        MUST(buffer_append(&s->raw, e->data, e->size));
        adapt_down(s, bytes_of(e->data, e->size), &s->raw);
        change_message(change, false, buffer_view(&s->raw), &s->changed);
        session_received(s->c->session, s->w.now_ms, buffer_view(&s->changed));
    }
    pump(s);
    return true;
}

int replay_client(const talk *t, const record *r, int who, uint64_t seed, replay_change change)
{
    int differences = 0;
    client_side *s = calloc(1, sizeof *s);
    if (s == NULL) abort();
    s->talk = t;
    talk_world(&s->w, t, seed, 1);
    s->c = &s->w.clients[0];
    buffer_init(&s->raw, LIMIT_MESSAGE_SIZE_MAX);
    buffer_init(&s->changed, LIMIT_MESSAGE_SIZE_MAX);
    for (size_t i = 0; i < r->count; i++) {
        const event *e = &r->items[i];
        if (e->who != who || e->kind >= EVENT_STATE || follow_event(s, e, change)) continue;
        fprintf(stderr, "# %s: client %d does not come again\n", t->name, who);
        differences++;
        break;
    }
    differences += compare_states(t, r, who, s->c->db);
    differences += differs(t, "errors", who, s->errors, record_text(r, who, EVENT_ERRORS, 0));
    buffer_free(&s->raw);
    buffer_free(&s->changed);
    world_end(&s->w);
    free(s);
    return differences;
}
