/* atoll-sim-swarm --seed N [--count M] [--coverage] [--verbose]: worlds that differ in what goes wrong in them. Each seed switches
 * some of it on: full disks on either side, streams of which one end is gone, streams that are said again by nobody, apps without
 * compression and apps of the future, newer versions of the app beside older ones, sessions that are stopped, ended, killed.
 * What clients wrote must be everywhere in the end, once. Exit 0, or 1 and what was lost.
 * With --coverage it tells what was seen of messages and of the states of sessions, and fails where docs/protocol.md names
 * something that was not. */
#include "sync/session_internal.h"
#include "trial.h"

#include "base/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 160, PING_MS = 4000 };

typedef enum swarm_switch {
    FULL_DEVICE,
    FULL_SERVER,
    HALF_OPEN_DEVICE,
    HALF_OPEN_SERVER,
    REPLAYED,
    PLAIN,
    NEWER,
    UPGRADED,
    STOPPED,
    ENDED,
    KILLED,
    SWITCHES
} swarm_switch;
static const char *const switch_names[SWITCHES] = {
    "device full", "server full",    "half open: device", "half open: server", "replayed",
    "plain",       "newer messages", "newer schema",      "stopped",           "ended",
    "killed"};

typedef struct swarm {
    trial t;
    bool on[SWITCHES];
    uint64_t full_until[WORLD_CLIENTS_MAX + 1]; /* the last: the server */
} swarm;

/* ---- what was seen, of all seeds ---- */

enum { UP = 8, DOWN = 9, STATES = 5, CONNECTIONS = 3, OPENINGS = 4 };
static uint64_t switched[SWITCHES], seen_up[16], seen_down[16], seen_states[STATES][STATES],
    seen_connections[CONNECTIONS][CONNECTIONS], seen_openings[8];
static const char *const up_names[UP] = {"",     "Bind",         "Subscribe", "Upload",
                                         "Mark", "Authenticate", "Ping",      "Unbind"};
static const char *const down_names[DOWN] = {"",         "Bound",     "SubscriptionState",
                                             "Download", "UploadAck", "MarkReply",
                                             "Pong",     "Error",     "LogLine"};
static const char *const state_names[STATES] = {"active", "dying", "inactive", "waiting", "paused"};
static const char *const connection_names[CONNECTIONS] = {"disconnected", "connecting",
                                                          "connected"};
static const char *const opening_names[OPENINGS] = {"first", "retry", "resume", "reconnect"};

static void note_seen(const world *w)
{
    for (int i = 0; i < 16; i++) seen_up[i] += w->messages_up[i];
    for (int i = 0; i < 16; i++) seen_down[i] += w->messages_down[i];
    for (int i = 0; i < 8; i++) seen_openings[i] += w->openings[i];
    for (int i = 0; i < STATES; i++)
        for (int k = 0; k < STATES; k++) seen_states[i][k] += w->states[i][k];
    for (int i = 0; i < CONNECTIONS; i++)
        for (int k = 0; k < CONNECTIONS; k++) seen_connections[i][k] += w->connections[i][k];
}

/* True: it was seen, or need not be. */
static bool tell(const char *kind, const char *from, const char *to, uint64_t count, bool wanted)
{
    bool missing = count == 0 && wanted;
    if (count == 0 && !wanted) return true;
    printf("%-12s %-18s %-14s %10llu%s\n", kind, from, to, (unsigned long long)count,
           missing ? "  never seen" : "");
    return !missing;
}

/* Authenticate and Unbind are the transport's to say, log lines are asked for; the other machines have tests of their own. */
static bool tell_coverage(void)
{
    static const int states[][2] = {{0, 1}, {0, 2}, {0, 4}, {4, 0}};
    static const int connections[][2] = {{0, 1}, {1, 0}, {1, 2}, {2, 0}};
    bool all = true;
    for (int i = 1; i < UP; i++) all &= tell("up", up_names[i], "", seen_up[i], i != 5 && i != 7);
    for (int i = 1; i < DOWN; i++) all &= tell("down", down_names[i], "", seen_down[i], i != 8);
    for (int i = 0; i < STATES; i++) {
        for (int k = 0; k < STATES; k++) {
            bool wanted = false;
            for (int n = 0; n < 4; n++) wanted |= states[n][0] == i && states[n][1] == k;
            all &= tell("session", state_names[i], state_names[k], seen_states[i][k], wanted);
        }
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        for (int k = 0; k < CONNECTIONS; k++) {
            bool wanted = false;
            for (int n = 0; n < 4; n++) wanted |= connections[n][0] == i && connections[n][1] == k;
            all &= tell("connection", connection_names[i], connection_names[k],
                        seen_connections[i][k], wanted);
        }
    }
    for (int i = 0; i < OPENINGS; i++)
        all &= tell("opening", opening_names[i], "", seen_openings[i], true);
    for (int i = 0; i < SWITCHES; i++)
        all &= tell("switch", switch_names[i], "", switched[i], true);
    return all;
}

/* ---- what goes wrong ---- */

static bool switched_on(swarm *s, swarm_switch which)
{
    if (!s->on[which]) return false;
    switched[which]++;
    return true;
}

static void fill(swarm *s, int number)
{
    world *w = &s->t.w;
    bool server = number == WORLD_CLIENTS_MAX;
    s->full_until[number] = w->now_ms + 100 + trial_below(&s->t, 6000);
    memory_disk_set_full(server ? w->server_node.disk : w->clients[number].node.disk, true);
    if (server) w->spool_full = true;
}

static void make_room(swarm *s, bool at_once)
{
    world *w = &s->t.w;
    for (int i = 0; i <= WORLD_CLIENTS_MAX; i++) {
        bool server = i == WORLD_CLIENTS_MAX;
        if (!server && i >= w->client_count) continue;
        if (!at_once && w->now_ms < s->full_until[i]) continue;
        memory_disk_set_full(server ? w->server_node.disk : w->clients[i].node.disk, false);
        if (server) w->spool_full = false;
    }
}

static void reopen(swarm *s, client *c)
{
    world_crash_client(&s->t.w, c, 50);
}

static void stop_or_start(swarm *s, client *c)
{
    uint64_t now = s->t.w.now_ms;
    switch (trial_below(&s->t, 4)) {
    case 0: session_stop(c->session, now); break;
    case 1: session_start(c->session, now); break;
    case 2: session_reconnect(c->session, now); break;
    default: session_wait_download(c->session, now, now);
    }
}

static void end_session(swarm *s, client *c)
{
    uint64_t now = s->t.w.now_ms;
    if (trial_below(&s->t, 2) == 0)
        session_close_when_uploaded(c->session, now);
    else
        session_simulate_error(c->session, now, ATOLL_ERROR_PERMISSION_DENIED, "by the world",
                               true);
}

static void weather(swarm *s, client *c)
{
    trial *t = &s->t;
    world *w = &t->w;
    uint64_t which = trial_below(t, 100);
    if (which < 6) {
        world_cut(w, c);
    } else if (which < 10) {
        c->offline = true;
        t->offline_until[c->number] = w->now_ms + 500 + trial_below(t, 8000);
        world_cut(w, c);
    } else if (which < 16 && switched_on(s, KILLED)) {
        (which % 2 == 0 ? &w->server_node : &c->node)->crash_in = 1 + trial_below(t, 60);
    } else if (which < 22 && switched_on(s, HALF_OPEN_DEVICE)) {
        world_half_open(w, c, false);
    } else if (which < 28 && switched_on(s, HALF_OPEN_SERVER)) {
        world_half_open(w, c, true);
    } else if (which < 34 && switched_on(s, REPLAYED)) {
        world_replay(w, c);
    } else if (which < 38 && switched_on(s, FULL_DEVICE)) {
        fill(s, c->number);
    } else if (which < 42 && switched_on(s, FULL_SERVER)) {
        fill(s, WORLD_CLIENTS_MAX);
    } else if (which < 45 && switched_on(s, UPGRADED)) {
        c->upgraded = true;
        reopen(s, c);
    } else if (which < 55 && switched_on(s, STOPPED)) {
        stop_or_start(s, c);
    } else if (which < 57 && switched_on(s, ENDED)) {
        end_session(s, c);
    } else if (which < 62) {
        (void)!model_checkpoint(c->db);
    }
}

/* ---- a world ---- */

/* The app is started again where its session has ended, or its realm was closed by a failure. */
static void start_again(swarm *s)
{
    world *w = &s->t.w;
    make_room(s, true);
    for (int i = 0; i < w->client_count; i++) {
        client *c = &w->clients[i];
        if (c->session == NULL || c->node.crashing) continue;
        if (session_state(c->session) == 4) session_start(c->session, w->now_ms);
        if (session_state(c->session) != 0) reopen(s, c);
    }
}

static const char *storm(swarm *s)
{
    trial *t = &s->t;
    const char *wrong = NULL;
    for (int round = 0; round < ROUNDS && wrong == NULL; round++) {
        client *c = &t->w.clients[trial_below(t, (uint64_t)t->w.client_count)];
        uint64_t burst = 1 + trial_below(t, 5);
        for (uint64_t i = 0; i < burst && c->session != NULL && !c->node.crashing; i++)
            trial_operation(t, c);
        if (c->session != NULL && !c->node.crashing) weather(s, c);
        trial_run(t, trial_below(t, 2) == 0 ? trial_below(t, 20) : trial_below(t, 2500));
        make_room(s, false);
        if (round % 80 != 79) continue;
        start_again(s);
        trial_run(t, 1000);
        wrong = trial_settle(t);
        /* Properties that came since it was bound are in the next answer to a bind. */
        for (int i = 0; i < t->w.client_count; i++) world_cut(&t->w, &t->w.clients[i]);
        if (wrong == NULL) wrong = trial_settle(t);
        if (wrong == NULL) wrong = trial_check(t);
    }
    return wrong;
}

static status set_up(swarm *s, uint64_t seed)
{
    trial *t = &s->t;
    t->random.state = seed * 15485863 + 11;
    int clients = 2 + (int)trial_below(t, 3);
    t->spare = -1;
    TRY(world_start(&t->w, seed + 9, clients, true, fixture_schema(true, false)));
    for (int i = 0; i < SWITCHES; i++) s->on[i] = trial_below(t, 2) == 0;
    simulator_message_size = trial_below(t, 2) == 0 ? 1u << 20 : 80 + (unsigned)trial_below(t, 500);
    t->w.ping_ms = PING_MS;
    t->w.records = s->on[REPLAYED];
    for (int i = 0; i < clients; i++) {
        const char *classes[] = {"Item"}, *queries[] = {"TRUEPREDICATE"};
        client *c = &t->w.clients[i];
        c->plain = trial_below(t, 2) == 0 && switched_on(s, PLAIN);
        c->newer = trial_below(t, 2) == 0 && switched_on(s, NEWER);
        world_crash_client(&t->w, c, 10);
        world_run(&t->w, 50);
        TRY(world_subscribe(&t->w, c, classes, queries, 1));
    }
    for (int k = 0; k < VOTES; k++) {
        TRY(fixture_create(&t->w, &t->w.clients[0], VOTES_FIRST + k, 2, NULL));
        t->votes[k].made = true;
    }
    trial_run(t, 5000);
    return ATOLL_OK;
}

static int run_seed(uint64_t seed, bool verbose)
{
    swarm *s = calloc(1, sizeof *s);
    if (s == NULL) return 2;
    s->t.w.verbose = verbose;
    if (set_up(s, seed) != ATOLL_OK) return 2;
    if (getenv("RESETS_TRACE") != NULL) {
        s->t.w.on_upload = trial_trace_up;
        s->t.w.on_down = trial_trace_down;
    }
    const char *wrong = storm(s);
    printf("seed %llu: clients %d crashes %llu %llu", (unsigned long long)seed, s->t.w.client_count,
           (unsigned long long)s->t.w.client_crashes, (unsigned long long)s->t.w.server_crashes);
    for (int i = 0; i < SWITCHES; i++)
        if (s->on[i]) printf(", %s", switch_names[i]);
    printf("%s%s\n", wrong == NULL ? "" : ": ", wrong == NULL ? "" : wrong);
    note_seen(&s->t.w);
    world_end(&s->t.w);
    free(s);
    return wrong == NULL ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"coverage", no_argument, NULL, 'o'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    uint64_t seed = 1, count = 1;
    bool verbose = false, coverage = false;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 's') seed = strtoull(optarg, NULL, 10);
        if (o == 'c') count = strtoull(optarg, NULL, 10);
        if (o == 'o') coverage = true;
        if (o == 'v') verbose = true;
        if (o == '?') return 2;
    }
    log_set_level(verbose ? LOG_DEBUG : LOG_OFF);
    for (uint64_t i = 0; i < count; i++) {
        int result = run_seed(seed + i, verbose);
        if (result != 0) return result;
    }
    return coverage && !tell_coverage() ? 1 : 0;
}
