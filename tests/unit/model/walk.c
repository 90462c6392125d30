/* Random operations of every kind, changes of the schema among them, against plain arrays, as a plain program so that many
 * seeds fit into a test run: after each commit, after rollbacks, by pinned views, after reopening, and after power cuts
 * before any disk operation; half of the realms have a memory budget of a twentieth of their data or less.
 * usage: walk FIRST_SEED SEEDS OPERATIONS */
#include "base/log.h"
#include "oracle.h"

enum { PIN_COUNT = 4, KEPT = 64, CUT_MAX = 60, BUDGET_PART = 20 };

typedef struct pin {
    model_view *view;
    oracle state;
} pin;

/* What each version since the last acknowledged one should hold. */
typedef struct kept_versions {
    oracle states[KEPT];
    uint64_t first, count; /* states[i] is version first + i */
} kept_versions;

typedef struct world {
    memory_disk *disk;
    model_options options;
    model_db *db;
    random_state r;
    uint64_t seed;
    bool has_budget, sealed;
    int64_t burnt;
    oracle now;
    pin pins[PIN_COUNT];
    kept_versions kept;
} world;

typedef enum phase { PHASE_CHANGE, PHASE_COMMIT, PHASE_SCHEMA, PHASE_CHECKPOINT, PHASES } phase;
static const char *const phase_names[PHASES] = {"reading or changing", "commit",
                                                "change of the schema", "checkpoint"};
static struct {
    uint64_t copies, commits, rollbacks, pins, checkpoints, reopened, cuts[PHASES],
        cut_at[CUT_MAX + 1];
    uint64_t evicted, spilled, loaded_back, budgets, budget_bytes, budget_data_bytes;
} done;
static phase now_doing;

/* Pinned views rest, as those of an app do between two calls. */
static void unpin(world *w, pin *p)
{
    if (p->view == NULL) return;
    model_reader *reader = model_read_begin(w->db);
    oracle_compare(&p->state, p->view, "pinned", w->seed);
    model_read_end(w->db, reader);
    model_view_release_resting(p->view);
    p->view = NULL;
}

static void unpin_all(world *w)
{
    for (int i = 0; i < PIN_COUNT; i++) unpin(w, &w->pins[i]);
}

static void pin_randomly(world *w)
{
    pin *p = &w->pins[random_below(&w->r, PIN_COUNT)];
    unpin(w, p);
    p->view = model_view_newest(w->db);
    model_view_rest(p->view);
    p->state = w->now;
    done.pins++;
}

static void compare_newest(world *w, const char *when)
{
    model_view *view = model_view_newest(w->db);
    oracle_compare(&w->now, view, when, w->seed);
    model_view_release(view);
}

static void close_realm(world *w)
{
    model_memory memory = model_memory_now(w->db);
    done.evicted += memory.evicted;
    done.spilled += memory.spilled;
    done.loaded_back += memory.loaded_back;
    model_close(w->db);
}

static storage *open_store(memory_disk *disk, bool sealed)
{
    static const char key[64] = "sixty-four bytes";
    storage *plain = NULL, *store = NULL;
    MUST(storage_open_memory(disk, &plain));
    MUST(storage_seal(plain, bytes_of(key, sealed ? sizeof key : 0), &store));
    return store;
}

static model_db *open_disk(memory_disk *disk, bool sealed, const model_options *options)
{
    model_db *db = NULL;
    model_schema schema = test_schema();
    MUST(model_open(open_store(disk, sealed), options, &schema, &db));
    schema_free(&schema);
    return db;
}

/* A twentieth of the data, measured anew each time: half of the realms live in that. */
static void open_realm(world *w)
{
    uint64_t size = oracle_size(&w->now);
    if (w->has_budget) {
        w->options.memory_budget = size / BUDGET_PART + 1;
        done.budgets++;
        done.budget_bytes += w->options.memory_budget;
        done.budget_data_bytes += size;
    }
    w->db = open_disk(w->disk, w->sealed, &w->options);
}

/* One version, or none when nothing differs. */
static void change_schema(world *w)
{
    oracle tried = w->now;
    uint64_t before = model_version(w->db);
    bool pinned = random_below(&w->r, 2) == 0;
    if (!pinned) unpin_all(w);
    MUST(oracle_change_schema(&tried, w->db, &w->r, w->options.identity_rows, pinned));
    bool same = model_version(w->db) == before;
    cr_assert(same ? memcmp(&tried, &w->now, sizeof tried) == 0
                   : model_version(w->db) == before + 1);
    w->now = tried;
    compare_newest(w, "after a change of the schema");
}

/* A copy holds the same, sealed or not as it likes; it is a local realm in any case. */
static void copy_realm(world *w)
{
    memory_disk *disk = memory_disk_new(w->seed);
    model_options options = w->options;
    bool sealed = random_below(&w->r, 2) == 0;
    options.identity_rows = false;
    MUST(model_copy(w->db, open_store(disk, sealed), SCHEMA_LOCAL));
    model_db *copy = open_disk(disk, sealed, &options);
    model_view *view = model_view_newest(copy);
    oracle_compare(&w->now, view, "in a copy", w->seed);
    model_view_release(view);
    model_close(copy);
    memory_disk_free(disk);
    done.copies++;
}

static void commit_or_roll_back(world *w)
{
    if (random_below(&w->r, 16) == 0) change_schema(w);
    oracle tried = w->now;
    model_view *old_view = model_view_newest(w->db);
    model_txn *txn = test_begin(w->db);
    MUST(oracle_change(&tried, txn, &w->r, w->options.identity_rows));
    if (random_below(&w->r, 3) == 0)
        oracle_compare(&tried, model_txn_view(txn), "uncommitted", w->seed);
    bool committed = random_below(&w->r, 5) != 0;
    if (!committed) {
        model_rollback(txn);
        done.rollbacks++;
    } else {
        model_changes *changes = NULL;
        uint64_t version = test_commit(txn);
        model_view *new_view = model_view_newest(w->db);
        MUST(model_changes_between(w->db, model_view_version(old_view), version, &changes));
        oracle_compare_changes(&w->now, &tried, old_view, new_view, changes);
        model_changes_free(changes);
        model_view_release(new_view);
        w->now = tried;
        done.commits++;
    }
    model_view_release(old_view);
    if (committed || random_below(&w->r, 3) == 0) compare_newest(w, "after a commit");
}

/* ---- power cuts ---- */
static bool cut_now(void *context)
{
    uint64_t *left = context;
    if (--*left != 0) return false;
    done.cuts[now_doing]++;
    return true;
}

/* The version that holds what was tried is there. */
static void acknowledge(world *w, const oracle *tried, uint64_t version)
{
    kept_versions *kept = &w->kept;
    if (version == kept->first + kept->count - 2) { /* Nothing was changed: no version. */
        cr_assert(memcmp(tried, &w->now, sizeof *tried) == 0);
        kept->count--;
        return;
    }
    cr_assert_eq(version, kept->first + kept->count - 1);
    w->now = *tried;
    if (!w->options.durable) return;
    kept->states[0] = *tried; /* Nothing older may come back. */
    kept->first = version;
    kept->count = 1;
}

static bool try_schema(world *w)
{
    oracle tried = w->now;
    now_doing = PHASE_SCHEMA;
    status result = oracle_change_schema(&tried, w->db, &w->r, w->options.identity_rows, false);
    w->kept.states[w->kept.count++] = tried;
    if (result != ATOLL_OK) return false;
    acknowledge(w, &tried, model_version(w->db));
    return true;
}

/* False: the disk is gone. */
static bool try_commit(world *w)
{
    kept_versions *kept = &w->kept;
    oracle tried = w->now;
    model_txn *txn = NULL;
    uint64_t version = 0;
    if (random_below(&w->r, 12) == 0) return try_schema(w);
    now_doing = PHASE_CHANGE;
    if (model_begin(w->db, COMMIT_LOCAL, &txn) != ATOLL_OK) return false;
    if (oracle_change(&tried, txn, &w->r, w->options.identity_rows) != ATOLL_OK) {
        model_rollback(txn);
        return false;
    }
    kept->states[kept->count++] = tried;
    now_doing = PHASE_COMMIT;
    if (model_commit(txn, &version) != ATOLL_OK) return false;
    acknowledge(w, &tried, version);
    now_doing = PHASE_CHECKPOINT;
    return random_below(&w->r, 6) != 0 || model_checkpoint(w->db) == ATOLL_OK;
}

/* Everything that a version may hold after this is in kept, whether commits are synced or not. */
static void start_keeping(world *w)
{
    uint64_t durable = 0;
    MUST(model_sync(w->db, &durable));
    w->kept.first = model_version(w->db);
    w->kept.count = 1;
    w->kept.states[0] = w->now;
}

static void cut_power(world *w)
{
    uint64_t at = 1 + random_below(&w->r, CUT_MAX), left = at;
    kept_versions *kept = &w->kept;
    start_keeping(w);
    memory_disk_set_hook(w->disk, cut_now, &left);
    for (int step = 0; step < KEPT - 2 && try_commit(w); step++) {}
    if (left != 0) { /* The disk held: it goes down between two calls. */
        now_doing = PHASE_CHANGE;
        done.cuts[now_doing]++;
    }
    done.cut_at[left != 0 ? 0 : at]++;
    memory_disk_crash(w->disk);
    close_realm(w);
    memory_disk_set_hook(w->disk, NULL, NULL);
    open_realm(w);
    uint64_t version = model_version(w->db);
    cr_assert(version >= kept->first && version - kept->first < kept->count,
              "seed %lu: version %lu is there, %lu was acknowledged, %lu were begun", w->seed,
              version, kept->first, kept->count);
    w->now = kept->states[version - kept->first];
    compare_newest(w, "after a power cut");
}

/* ---- the walk ---- */
static uint64_t operations(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < KIND_COUNT; i++)
        if (i != KIND_MOVE) sum += oracle_kinds[i];
    return sum;
}

/* Objects that come and go at once: those that live lie in several segments after it, and where keys keep their rows
 * the index of keys has many nodes. */
static void burn_rows(world *w)
{
    enum { BURNT = 900 };
    model_txn *txn = test_begin(w->db);
    row_key rows[BURNT];
    for (int64_t i = 0; i < BURNT; i++) rows[i] = test_create(txn, 1000 + w->burnt++);
    for (int i = 0; i < BURNT; i++) MUST(model_delete(txn, ITEM, rows[i]));
    test_commit(txn);
    compare_newest(w, "after many objects came and went");
}

static void walk(world *w, uint64_t seed, uint64_t count)
{
    uint64_t end = operations() + count;
    *w = (world){.seed = seed, .r = {seed}, .options = test_options(seed % 2 == 0)};
    w->options.durable = seed % 5 != 0;
    w->sealed = seed % 8 == 3;
    /* Several batches a checkpoint, so that a power cut leaves a part of it. */
    w->options.checkpoint_batch = seed % 3 == 0 ? 0 : 1 + (uint32_t)random_below(&w->r, 3000);
    w->has_budget = seed / 2 % 2 == 0;
    w->disk = memory_disk_new(seed);
    oracle_init(&w->now);
    open_realm(w);
    while (operations() < end) {
        if ((seed % 16 == 1 || seed % 16 == 6) && random_below(&w->r, 100) == 0) burn_rows(w);
        commit_or_roll_back(w);
        if (random_below(&w->r, 4) == 0) pin_randomly(w);
        if (random_below(&w->r, 8) == 0) {
            MUST(model_checkpoint(w->db));
            done.checkpoints++;
        }
        bool cut = random_below(&w->r, 40) == 0;
        if (!cut && random_below(&w->r, 20) != 0) continue;
        unpin_all(w);
        if (cut) {
            cut_power(w);
            continue;
        }
        close_realm(w);
        open_realm(w);
        compare_newest(w, "after reopening");
        if (random_below(&w->r, 4) == 0) copy_realm(w);
        done.reopened++;
    }
    unpin_all(w);
    close_realm(w);
    memory_disk_free(w->disk);
}

static void print_done(void)
{
    for (int i = 0; i < KIND_COUNT; i++)
        printf("%10lu %s\n", oracle_kinds[i], oracle_kind_names[i]);
    printf("%10lu commits, %lu rollbacks, %lu pins, %lu checkpoints, %lu reopened, %lu copied\n",
           done.commits, done.rollbacks, done.pins, done.checkpoints, done.reopened, done.copies);
    printf("%10lu blocks evicted, %lu spilled, %lu of them loaded back\n", done.evicted,
           done.spilled, done.loaded_back);
    printf("%10lu bytes of data a realm with a budget, at an opening, and %lu of budget\n",
           done.budget_data_bytes / (done.budgets + (done.budgets == 0)),
           done.budget_bytes / (done.budgets + (done.budgets == 0)));
    /* The one byte more: no budget at all would be none. */
    cr_assert((done.budget_bytes - done.budgets) * BUDGET_PART <= done.budget_data_bytes);
    for (int i = 0; i < PHASES; i++)
        printf("%10lu power cuts while %s\n", done.cuts[i], phase_names[i]);
    printf("by the disk operation before which power was cut (0: between two):");
    for (int i = 0; i <= CUT_MAX; i++) printf(" %lu", done.cut_at[i]);
    printf("\n");
}

int main(int count, char **arguments)
{
    static world w;
    if (count != 4) return fprintf(stderr, "usage: walk FIRST_SEED SEEDS OPERATIONS\n"), 2;
    uint64_t first = strtoull(arguments[1], NULL, 10), seeds = strtoull(arguments[2], NULL, 10);
    log_set_level(LOG_ERROR); /* That the last checkpoint fails is no news here. */
    for (uint64_t seed = first; seed < first + seeds; seed++)
        walk(&w, seed, strtoull(arguments[3], NULL, 10));
    print_done();
    cr_assert_eq(memory_live_count(), 0, "something leaks");
    return 0;
}
