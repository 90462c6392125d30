/* Random operations against plain arrays: after each commit, after rollbacks, by pinned views, after reopening, and
 * after a power cut before any disk operation. */
#include "base/log.h"
#include "oracle.h"

enum { PIN_COUNT = 4, KEPT = 64 };

typedef struct pin {
    model_view *view;
    oracle state;
} pin;

typedef struct world {
    memory_disk *disk;
    model_options options;
    model_db *db;
    random_state r;
    uint64_t seed;
    oracle now;
    pin pins[PIN_COUNT];
} world;

static void unpin_all(world *w)
{
    for (int i = 0; i < PIN_COUNT; i++) {
        model_view_release(w->pins[i].view);
        w->pins[i].view = NULL;
    }
}

static void pin_randomly(world *w)
{
    pin *p = &w->pins[random_below(&w->r, PIN_COUNT)];
    if (p->view != NULL) {
        oracle_compare(&p->state, p->view, "pinned", w->seed);
        model_view_release(p->view);
    }
    p->view = model_view_newest(w->db);
    p->state = w->now;
}

static void compare_newest(world *w, const char *when)
{
    model_view *view = model_view_newest(w->db);
    oracle_compare(&w->now, view, when, w->seed);
    model_view_release(view);
}

static void commit_or_roll_back(world *w)
{
    oracle tried = w->now;
    model_view *old_view = model_view_newest(w->db);
    model_txn *txn = test_begin(w->db);
    MUST(oracle_change(&tried, txn, &w->r, w->options.identity_rows));
    oracle_compare(&tried, model_txn_view(txn), "uncommitted", w->seed);
    if (random_below(&w->r, 5) == 0) {
        model_rollback(txn);
    } else {
        model_changes *changes = NULL;
        uint64_t version = test_commit(txn);
        model_view *new_view = model_view_newest(w->db);
        MUST(model_changes_between(w->db, model_view_version(old_view), version, &changes));
        oracle_compare_changes(&w->now, &tried, old_view, new_view, changes);
        model_changes_free(changes);
        model_view_release(new_view);
        w->now = tried;
    }
    model_view_release(old_view);
    compare_newest(w, "after a commit");
}

static void run_random(uint64_t seed, bool identity)
{
    world w = {.seed = seed, .r = {seed}, .options = test_options(identity)};
    if (seed % 2 == 0) w.options.memory_budget = 20000; /* two or three blocks */
    w.disk = memory_disk_new(seed);
    w.db = test_open(w.disk, &w.options);
    oracle_init(&w.now);
    for (int step = 0; step < 120; step++) {
        commit_or_roll_back(&w);
        if (random_below(&w.r, 4) == 0) pin_randomly(&w);
        if (random_below(&w.r, 8) == 0) MUST(model_checkpoint(w.db));
        if (random_below(&w.r, 20) != 0) continue;
        unpin_all(&w);
        model_close(w.db);
        w.db = test_open(w.disk, &w.options);
        compare_newest(&w, "after reopening");
    }
    unpin_all(&w);
    model_close(w.db);
    memory_disk_free(w.disk);
}

Test(random, a_local_realm_does_what_plain_arrays_do)
{
    for (uint64_t seed = 1; seed <= 25; seed++) run_random(seed, false);
    cr_assert_eq(memory_live_count(), 0);
}

Test(random, a_realm_of_identities_does_what_plain_arrays_do)
{
    for (uint64_t seed = 1; seed <= 25; seed++) run_random(seed, true);
    cr_assert_eq(memory_live_count(), 0);
}

/* ---- power cuts ---- */
static bool cut_now(void *context)
{
    uint64_t *left = context;
    return --*left == 0;
}

/* What each version since the last acknowledged one should hold. */
typedef struct kept_versions {
    oracle states[KEPT];
    uint64_t first, count; /* states[i] is version first + i */
} kept_versions;

static void work_until_cut(world *w, kept_versions *kept)
{
    for (int step = 0; step < KEPT - 2; step++) {
        oracle tried = w->now;
        model_txn *txn = NULL;
        uint64_t version = 0;
        if (model_begin(w->db, COMMIT_LOCAL, &txn) != ATOLL_OK) return;
        status result = oracle_change(&tried, txn, &w->r, w->options.identity_rows);
        if (result != ATOLL_OK) {
            model_rollback(txn);
            return;
        }
        kept->states[kept->count++] = tried;
        result = model_commit(txn, &version);
        if (result != ATOLL_OK) return;
        if (version == kept->first + kept->count - 2) { /* Nothing was changed: no version. */
            cr_assert(memcmp(&tried, &w->now, sizeof tried) == 0);
            kept->count--;
            continue;
        }
        cr_assert_eq(version, kept->first + kept->count - 1);
        w->now = tried;
        if (w->options.durable) { /* Acknowledged: nothing older may come back. */
            kept->states[0] = tried;
            kept->first = version;
            kept->count = 1;
        }
        if (random_below(&w->r, 6) == 0 && model_checkpoint(w->db) != ATOLL_OK) return;
    }
}

static void run_cuts(uint64_t seed)
{
    log_set_level(LOG_ERROR); /* That the last checkpoint fails is no news here. */
    world w = {.seed = seed, .r = {seed * 31}, .options = test_options(seed % 2 == 0)};
    static kept_versions kept;
    w.options.durable = seed % 3 != 0;
    w.disk = memory_disk_new(seed);
    w.db = test_open(w.disk, &w.options);
    oracle_init(&w.now);
    for (int round = 0; round < 6; round++) {
        uint64_t left = 1 + random_below(&w.r, 60);
        kept.first = model_version(w.db);
        kept.count = 1;
        kept.states[0] = w.now;
        memory_disk_set_hook(w.disk, cut_now, &left);
        work_until_cut(&w, &kept);
        memory_disk_crash(w.disk);
        model_close(w.db);
        memory_disk_set_hook(w.disk, NULL, NULL);
        w.db = test_open(w.disk, &w.options);
        uint64_t version = model_version(w.db);
        cr_assert(!w.options.durable || version >= kept.first,
                  "seed %lu: version %lu was acknowledged, %lu is there", seed, kept.first,
                  version);
        if (version <
            kept.first) { /* Unsynced commits of earlier rounds may go too; their states are not kept. */
            model_close(w.db);
            memory_disk_free(w.disk);
            return;
        }
        cr_assert_lt(version - kept.first, kept.count, "seed %lu", seed);
        w.now = kept.states[version - kept.first];
        compare_newest(&w, "after a power cut");
    }
    model_close(w.db);
    memory_disk_free(w.disk);
}

Test(random, a_power_cut_before_any_disk_operation_loses_nothing_acknowledged)
{
    for (uint64_t seed = 1; seed <= 400; seed++) run_cuts(seed);
    cr_assert_eq(memory_live_count(), 0);
}

Test(random, without_syncing_something_acknowledged_is_lost)
{
    bool lost = false;
    for (uint64_t seed = 1; seed <= 20 && !lost; seed++) {
        world w = {.seed = seed, .r = {seed}, .options = test_options(false)};
        w.disk = memory_disk_new(seed);
        w.db = test_open(w.disk, &w.options);
        memory_disk_set_ignore_sync(w.disk, true);
        model_txn *txn = test_begin(w.db);
        test_create(txn, 1);
        uint64_t version = test_commit(txn);
        memory_disk_crash(w.disk);
        model_close(w.db);
        w.db = test_open(w.disk, &w.options);
        lost = model_version(w.db) < version;
        model_close(w.db);
        memory_disk_free(w.disk);
    }
    cr_assert(lost);
}
