/* atoll-sim-hostile --seed N [--count N]: messages of one client are changed on their way, up and down, in worlds of three.
 * The server must live on, the other clients must converge with it, and the realm of the one that was lied to must stay
 * usable. What the lies make of its own data is its own affair. Exit 0, or 1 and what went wrong. */
#include "fixture.h"
#include "server/app.h"
#include "sync/session_internal.h"

#include "base/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 3, VICTIM = 2, STEPS = 120, STEP_MS = 40, CALM_MS = 60000 };

typedef struct hostile {
    world w;
    random_state random;
    const void *seen_up,
        *seen_down; /* packets are changed once, when they come to the head of their queue */
    uint64_t changed, delivered, victim_errors;
    uint64_t seed;
} hostile;

static int wrong(const hostile *h, const char *what, const char *more)
{
    fprintf(stderr, "seed %llu at %llu ms: %s%s%s\n", (unsigned long long)h->seed,
            (unsigned long long)h->w.now_ms, what, more[0] == 0 ? "" : ": ", more);
    return 1;
}

static size_t random_place(hostile *h, size_t size)
{
    return (size_t)random_below(&h->random, size);
}

/* One change of the bytes; `p->data` is malloc's. */
static void change_once(hostile *h, packet *p)
{
    if (p->size == 0) return;
    size_t at = random_place(h, p->size), left = p->size - at;
    size_t length = 1 + random_place(h, left < 12 ? left : 12);
    switch (random_below(&h->random, 6)) {
    case 0: p->data[at] ^= (uint8_t)(1u << random_below(&h->random, 8)); break;
    case 1: {
        static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
        p->data[at] = edges[random_place(h, sizeof edges)];
        break;
    }
    case 2: /* a number becomes another one: fixed-width fields are eight bytes */
        for (size_t i = 0; i < length; i++) p->data[at + i] = (uint8_t)random_next(&h->random);
        break;
    case 3:
        memmove(p->data + at, p->data + at + length, left - length);
        p->size -= length;
        break;
    case 4: { /* a piece of it comes twice: the same field again, or an array that is longer than the others */
        uint8_t *grown = realloc(p->data, p->size + length);
        if (grown == NULL) abort();
        p->data = grown;
        memmove(grown + at + length, grown + at, left);
        p->size += length;
        break;
    }
    default: p->size = at; break;
    }
}

static void change_head(hostile *h, packet_queue *q, const void **seen)
{
    if (q->first >= q->count) return;
    packet *p = &q->items[q->first];
    if (p->data == NULL || p->data == *seen) return;
    h->delivered++;
    if (random_below(&h->random, 3) == 0) {
        for (uint64_t n = 1 + random_below(&h->random, 3); n > 0; n--) change_once(h, p);
        h->changed++;
    }
    *seen = p->data;
}

static void run(hostile *h, uint64_t for_ms, bool lying)
{
    uint64_t end = h->w.now_ms + for_ms;
    client *victim = &h->w.clients[VICTIM];
    while (h->w.now_ms < end) {
        if (lying) {
            change_head(h, &victim->up, &h->seen_up);
            change_head(h, &victim->down, &h->seen_down);
        }
        world_step(&h->w, end);
    }
}

/* Any small write; that an object is not there, or no longer, is no fault. */
static void write_something(hostile *h, client *c)
{
    char text[40];
    int64_t id = 1 + (int64_t)random_below(&h->random, 12);
    uint64_t number = random_below(&h->random, 1000);
    world *w = &h->w;
    status result = ATOLL_OK;
    if (c->db == NULL || c->session == NULL) return;
    snprintf(text, sizeof text, "%d%03llu", c->number, (unsigned long long)number);
    switch (random_below(&h->random, 9)) {
    case 0:
    case 1: result = fixture_create(w, c, id, (int64_t)(number % 4), text); break;
    case 2: result = fixture_set_int(w, c, id, "team", (int64_t)(number % 4)); break;
    case 3: result = fixture_set_int(w, c, id, "score", (int64_t)number); break;
    case 4: result = fixture_set_name(w, c, id, text); break;
    case 5: result = fixture_append(w, c, id, text); break;
    case 6: result = fixture_part(w, c, id, (int64_t)number); break;
    case 7: result = fixture_add_part(w, c, id, (int64_t)number); break;
    default: result = fixture_delete(w, c, id); break;
    }
    (void)result;
}

static int check_honest(hostile *h)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (i == VICTIM) continue;
        client *c = &h->w.clients[i];
        char *theirs = fixture_dump(c->db, "TRUEPREDICATE");
        char *servers =
            fixture_dump(server_app_db(h->w.app), i == 0 ? "TRUEPREDICATE" : "team < 2");
        bool same = strcmp(theirs, servers) == 0;
        if (!same) fprintf(stderr, "client %d:\n%sserver:\n%s", i, theirs, servers);
        free(theirs);
        free(servers);
        if (!same) return wrong(h, "an honest client differs from the server", "");
        if (session_state(c->session) != STATE_ACTIVE)
            return wrong(h, "an honest client's session ended", c->last_error_text);
    }
    return 0;
}

/* It was lied to: its session may have ended, but its realm takes writes and opens again. */
static int check_victim(hostile *h)
{
    client *c = &h->w.clients[VICTIM];
    h->victim_errors = c->errors;
    if (c->db == NULL) return wrong(h, "the realm that was lied to is not open", "");
    if (fixture_create(&h->w, c, 100, 1, "after") != ATOLL_OK)
        return wrong(h, "the realm that was lied to takes no writes", fail_text());
    world_crash_client(&h->w, c, 1);
    run(h, 5000, false);
    if (c->db == NULL)
        return wrong(h, "the realm that was lied to does not open again", fail_text());
    return 0;
}

static int one(uint64_t seed, hostile *h)
{
    static const char *const classes[] = {"Item"};
    static const char *const queries[] = {"TRUEPREDICATE", "team < 2", "TRUEPREDICATE"};
    *h = (hostile){.seed = seed};
    h->random.state = seed * 77 + 5;
    if (world_start(&h->w, seed, CLIENTS, true, fixture_schema(true, false)) != ATOLL_OK)
        return wrong(h, "the world does not start", fail_text());
    for (int i = 0; i < CLIENTS; i++) {
        if (world_subscribe(&h->w, &h->w.clients[i], classes, &queries[i], 1) != ATOLL_OK)
            return wrong(h, "subscribing failed", fail_text());
    }
    run(h, CALM_MS, false); /* whoever binds first makes the schema: not the one that lies */
    for (int step = 0; step < STEPS; step++) {
        write_something(h, &h->w.clients[random_place(h, CLIENTS)]);
        write_something(h, &h->w.clients[VICTIM]);
        run(h, random_below(&h->random, 2 * STEP_MS), true);
        /* An error ends a session for good, until its program starts it again. */
        if (step % 10 == 9 && h->w.clients[VICTIM].session != NULL)
            session_start(h->w.clients[VICTIM].session, h->w.now_ms);
    }
    if (!h->w.server_node.up || h->w.server_crashes > 0) return wrong(h, "the server ended", "");
    if (h->w.clients[VICTIM].session != NULL)
        session_stop(h->w.clients[VICTIM].session, h->w.now_ms);
    run(h, CALM_MS, false);
    if (check_honest(h) != 0 || check_victim(h) != 0) return 1;
    world_end(&h->w);
    return 0;
}

int main(int count, char **words)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'}, {"count", required_argument, NULL, 'c'}, {0}};
    uint64_t seed = 1, runs = 1, changed = 0, delivered = 0, errors = 0;
    for (int o; (o = getopt_long(count, words, "", options, NULL)) != -1;) {
        if (o == 's')
            seed = strtoull(optarg, NULL, 10);
        else if (o == 'c')
            runs = strtoull(optarg, NULL, 10);
        else
            return fprintf(stderr, "usage: atoll-sim-hostile --seed N [--count N]\n"), 2;
    }
    log_set_level(LOG_OFF);
    for (uint64_t i = 0; i < runs; i++) {
        static hostile h;
        if (one(seed + i, &h) != 0) return 1;
        changed += h.changed;
        delivered += h.delivered;
        errors += h.victim_errors;
    }
    printf("worlds %llu messages %llu changed %llu errors told %llu\n", (unsigned long long)runs,
           (unsigned long long)delivered, (unsigned long long)changed, (unsigned long long)errors);
    return changed > 0 ? 0 : 1;
}
