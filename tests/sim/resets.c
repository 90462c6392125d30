/* atoll-sim-resets --seed N [--count M] [--verbose]: client resets under every weather; exit 0, or 1 and what was lost.
 * Backups of the server are restored, sync is terminated, folders are copied, clients stay away past the horizon, nodes crash at
 * any disk operation, resets meet resets. Each client writes objects of its own, which nobody else touches: with recovery
 * every one of them must be everywhere in the end as its writer left it. Everybody edits some shared ones; all copies must be
 * equal in the end. Everybody adds to some counters: those that are never deleted must have the sum of all that was added. The expectations are plain C and know nothing of the pending table. */
#include "trial.h"
#include "server/app.h"
#include "sync/session_internal.h"

#include "base/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 250, BLOWS_MAX = 4 };

/* The spare device gets a copy of another one's folder. What the other had unsent is everybody's then. */
static void copy_folder(trial *t, client *from)
{
    client *c = &t->w.clients[t->spare];
    if (from->number == t->spare || from->session == NULL || from->node.crashing) return;
    bool both = !trial_quiet(from) || t->restored_lately; /* have it, and one of them sends it */
    for (int k = 0; k < OWN_MAX && both; k++) t->own[from->number][k].unsure = true;
    /* What was lost either may think that the other one tells. */
    for (int k = 0; k < VOTES + WORLD_CLIENTS_MAX && t->restored_lately; k++)
        t->votes[k].doubtful = true;
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
    uint64_t which = trial_below(t, 4);
    if (which < 2 && t->backup != NULL) {
        world_restore_server(w, t->backup, 100 + trial_below(t, 3000));
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
        copy_folder(t, &w->clients[trial_below(t, (uint64_t)t->spare)]);
    }
    t->blows++;
    /* Crashes at any step of what follows. */
    for (int i = 0; i < w->client_count; i++)
        if (trial_below(t, 3) == 0) w->clients[i].node.crash_in = 1 + trial_below(t, 40);
    if (trial_below(t, 4) == 0) w->server_node.crash_in = 1 + trial_below(t, 60);
}

static void weather(trial *t, client *c)
{
    world *w = &t->w;
    uint64_t which = trial_below(t, 100);
    if (which < 6) {
        world_cut(w, c);
    } else if (which < 12) {
        bool away = w->offline_ms != 0 && trial_below(t, 3) == 0;
        c->offline = true;
        t->away += away;
        t->offline_until[c->number] =
            w->now_ms + (away ? w->offline_ms * 2 : 1000 + trial_below(t, 30000));
        world_cut(w, c);
    } else if (which < 15) {
        c->node.crash_in = 1 + trial_below(t, 60);
    } else if (which < 17) {
        w->server_node.crash_in = 1 + trial_below(t, 60);
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

static const char *storm(trial *t)
{
    const char *wrong = NULL;
    for (int round = 0; round < ROUNDS && wrong == NULL; round++) {
        client *c = &t->w.clients[trial_below(t, (uint64_t)t->w.client_count)];
        uint64_t burst = 1 + trial_below(t, 5);
        bool waits = c->number == t->spare; /* It has no folder of its own yet. */
        for (uint64_t i = 0; i < burst && c->session != NULL && !c->node.crashing && !waits; i++)
            trial_operation(t, c);
        if (c->session != NULL && !c->node.crashing) weather(t, c);
        trial_run(t, trial_below(t, 2) == 0 ? trial_below(t, 20) : trial_below(t, 2500));
        if (round % 60 == 59) {
            wrong = trial_settle(t);
            if (wrong == NULL) wrong = trial_check(t);
            t->blows = 0;
            t->restored_lately = false;
        }
    }
    if (wrong == NULL) wrong = trial_settle(t);
    return wrong == NULL ? trial_check(t) : wrong;
}

static int run_seed(uint64_t seed, bool verbose)
{
    trial *t = calloc(1, sizeof *t);
    if (t == NULL) return 2;
    t->random.state = seed * 104729 + 7;
    int clients = 2 + (int)trial_below(t, 3);
    t->w.verbose = verbose;
    world_choose_slices(seed);
    if (world_start(&t->w, seed + 5, clients, true, fixture_schema(true, false)) != ATOLL_OK)
        return 2;
    simulator_message_size = trial_below(t, 2) == 0 ? 1u << 20 : 80 + (unsigned)trial_below(t, 500);
    t->discards = trial_below(t, 6) == 0;
    t->w.reset_mode = t->discards              ? SESSION_RESET_DISCARD
                      : trial_below(t, 2) == 0 ? SESSION_RESET_RECOVER
                                               : SESSION_RESET_RECOVER_OR_DISCARD;
    t->w.ask_resets = trial_below(t, 3) == 0;
    t->w.offline_ms = trial_below(t, 2) == 0 ? 0 : 60000;
    t->spare = clients - 1;
    if (getenv("RESETS_TRACE") != NULL) {
        t->w.on_upload = trial_trace_up;
        t->w.on_down = trial_trace_down;
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
    trial_run(t, 5000);
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
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},     {"count", required_argument, NULL, 'c'},
        {"verbose", no_argument, NULL, 'v'},        {"breakage", required_argument, NULL, 'b'},
        {"expect-failure", no_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
    uint64_t seed = 1, count = 1;
    bool verbose = false, expects = false;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 's') seed = strtoull(optarg, NULL, 10);
        if (o == 'c') count = strtoull(optarg, NULL, 10);
        if (o == 'v') verbose = true;
        if (o == 'b') breakage_active = breakage_named(optarg);
        if (o == 'f') expects = true;
        if (o == '?' || breakage_active < 0) return 2;
    }
    log_set_level(verbose ? LOG_DEBUG : LOG_OFF);
    for (uint64_t i = 0; i < count; i++) {
        int result = run_seed(seed + i, verbose);
        if (result == 1 && expects) return 0;
        if (result != 0) return result;
    }
    return expects ? 1 : 0;
}
