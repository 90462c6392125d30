#ifndef ATOLL_SIM_TRIAL_H
#define ATOLL_SIM_TRIAL_H
#include "fixture.h"

/* What the worlds of resets and of the swarm share: what clients write, and what must be there in the end. Each client writes
 * objects of its own, which nobody else touches; everybody edits some shared ones, and adds to counters. The expectations are
 * plain C and know nothing of the pending table. */
enum { VOTES = 3, VOTES_FIRST = 700, OWN_MAX = 40, TAGS_MAX = 60, SETTLE_MS = 900000 };

typedef struct own_object {
    bool alive, unsure; /* unsure: a crash met the commit, or two copies edit it */
    int64_t score, name, part, extra;
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

bool trial_traced(
    int64_t
        id); /* RESETS_TRACE=ID in the environment: what is done to one object, and said about it */
uint64_t trial_below(trial *t, uint64_t n);
void trial_operation(trial *t, client *c);
bool trial_quiet(client *c);
void trial_run(trial *t, uint64_t ms); /* answers those who are asked about resets */
/* NULL, or what is wrong. */
const char *trial_settle(trial *t);
const char *trial_check(trial *t);
void trial_trace_up(world *w, client *c, const client_message *m);
void trial_trace_down(world *w, client *c, const server_message *m);
#endif
