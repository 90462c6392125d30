/* A power cut before each disk call of a scenario, one after the other: opening, commits, changes of the schema, checkpoints,
 * compaction, closing. What is there afterwards is the last state that was acknowledged or the one that was under way,
 * whole; and the realm goes on from there.
 * usage: cuts FIRST_SEED SEEDS */
#include "base/log.h"
#include "oracle.h"

enum { STEPS = 14, BEGUN = 2 * STEPS + 2 };

typedef enum step {
    STEP_OPEN,
    STEP_COMMIT,
    STEP_SCHEMA,
    STEP_CHECKPOINT,
    STEP_COMPACT,
    STEPS_COUNT
} step;
static const char *const step_names[STEPS_COUNT] = {
    "opening or closing", "changing or commit", "change of the schema", "checkpoint", "compaction"};
static uint64_t cuts[STEPS_COUNT], states_lost, longest;

typedef struct scenario {
    uint64_t seed, left; /* disk calls until the cut */
    bool was_cut, created;
    step now_doing;
    random_state r;
    memory_disk *disk;
    model_options options;
    model_db *db;
    oracle now, begun[BEGUN]; /* of version first and those after it */
    uint64_t first, count;
} scenario;

static bool cut_now(void *context)
{
    scenario *s = context;
    if (--s->left != 0) return false;
    s->was_cut = true;
    cuts[s->now_doing]++;
    return true;
}

static status open_realm(scenario *s)
{
    storage *store = NULL;
    model_schema schema = test_schema();
    s->now_doing = STEP_OPEN;
    status result = storage_open_memory(s->disk, &store);
    if (result == ATOLL_OK) result = model_open(store, &s->options, &schema, &s->db);
    schema_free(&schema);
    if (result != ATOLL_OK) s->db = NULL;
    return result;
}

static void begin_state(scenario *s, const oracle *tried)
{
    cr_assert(s->count < BEGUN);
    s->begun[s->count++] = *tried;
}

static void acknowledge(scenario *s, const oracle *tried)
{
    uint64_t version = model_version(s->db);
    s->now = *tried;
    if (version == s->first + s->count - 2) s->count--; /* nothing was changed */
    cr_assert_eq(version, s->first + s->count - 1);
    if (!s->options.durable) return;
    s->begun[0] = *tried;
    s->first = version;
    s->count = 1;
}

static status commit(scenario *s)
{
    oracle tried = s->now;
    model_txn *txn = NULL;
    s->now_doing = STEP_COMMIT;
    TRY(model_begin(s->db, COMMIT_LOCAL, &txn));
    status result = ATOLL_OK;
    for (int i = 0; i < 4 && result == ATOLL_OK; i++)
        result = oracle_change(&tried, txn, &s->r, s->options.identity_rows);
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    begin_state(s, &tried);
    TRY(model_commit(txn, NULL));
    acknowledge(s, &tried);
    return ATOLL_OK;
}

/* Objects that come and go: the others lie in two segments then, and where keys keep their rows their index has many
 * nodes. */
static status burn_rows(scenario *s)
{
    model_txn *txn = NULL;
    oracle same = s->now;
    s->now_doing = STEP_COMMIT;
    TRY(model_begin(s->db, COMMIT_LOCAL, &txn));
    status result = ATOLL_OK;
    for (int64_t i = 0; i < 1015 && result == ATOLL_OK; i++) {
        value key = value_int(1000 + i);
        row_key row = 0;
        result = model_create(txn, ITEM, &key, &row);
        if (result == ATOLL_OK) result = model_delete(txn, ITEM, row);
    }
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    begin_state(s, &same);
    TRY(model_commit(txn, NULL));
    acknowledge(s, &same);
    return ATOLL_OK;
}

static status change_schema(scenario *s)
{
    oracle tried = s->now;
    s->now_doing = STEP_SCHEMA;
    status result = oracle_change_schema(&tried, s->db, &s->r, s->options.identity_rows, false);
    begin_state(s, &tried);
    TRY(result);
    acknowledge(s, &tried);
    return ATOLL_OK;
}

static status reopen(scenario *s)
{
    s->now_doing = STEP_OPEN;
    model_close(s->db);
    s->db = NULL;
    return s->was_cut ? ATOLL_ERROR_CLOSED : open_realm(s);
}

static status play(scenario *s)
{
    TRY(open_realm(s));
    s->created = true;
    s->first = model_version(s->db);
    if (s->seed % 10 > 7) TRY(burn_rows(s));
    for (int i = 0; i < STEPS; i++) {
        switch (random_below(&s->r, 8)) {
        case 0: TRY(reopen(s)); break;
        case 1:
            s->now_doing = STEP_CHECKPOINT;
            TRY(model_checkpoint(s->db));
            break;
        case 2:
        case 3: TRY(change_schema(s)); break;
        case 4:
            s->now_doing = STEP_COMPACT;
            if (random_below(&s->r, 3) == 0) TRY(model_compact(s->db));
            break;
        default: TRY(commit(s)); break;
        }
    }
    s->now_doing = STEP_OPEN;
    model_close(s->db);
    s->db = NULL;
    return ATOLL_OK;
}

static void compare(scenario *s, const char *when, uint64_t k)
{
    model_view *view = model_view_newest(s->db);
    oracle_compare(&s->now, view, when, s->seed * 10000 + k);
    model_view_release(view);
}

static void check_after(scenario *s, uint64_t k)
{
    MUST(open_realm(s));
    uint64_t version = model_version(s->db);
    if (s->created) {
        cr_assert(version >= s->first && version - s->first < s->count,
                  "seed %lu, cut %lu: version %lu is there, %lu was acknowledged, %lu were begun",
                  s->seed, k, version, s->first, s->count);
        states_lost += s->first + s->count - 1 - version;
        s->now = s->begun[version - s->first];
    }
    compare(s, "after a power cut", k);
    s->begun[0] = s->now;
    s->first = version;
    s->count = 1;
    MUST(commit(s));
    MUST(model_checkpoint(s->db));
    MUST(reopen(s));
    compare(s, "later", k);
    model_close(s->db);
}

/* False: the scenario ended before. */
static bool run(uint64_t seed, uint64_t k)
{
    static scenario s;
    memset(&s, 0, sizeof s);
    s.seed = seed;
    s.r.state = seed;
    s.left = k;
    s.count = 1;
    s.options = test_options(seed % 2 == 0);
    s.options.durable = seed % 3 != 0;
    if (seed % 4 < 2) s.options.memory_budget = 2000;
    s.options.checkpoint_batch = seed % 5 < 2 ? 0 : (uint32_t)(1 + seed * 97 % 2000);
    s.disk = memory_disk_new(seed * 1000 + k);
    oracle_init(&s.now);
    s.begun[0] = s.now;
    memory_disk_set_hook(s.disk, cut_now, &s);
    status result = play(&s);
    cr_assert(s.was_cut || result == ATOLL_OK, "seed %lu: %s", seed, fail_text());
    memory_disk_crash(s.disk);
    if (s.db != NULL) model_close(s.db);
    memory_disk_set_hook(s.disk, NULL, NULL);
    bool cut = s.was_cut;
    s.was_cut = false;
    check_after(&s, k);
    memory_disk_free(s.disk);
    if (k > longest) longest = k;
    return cut;
}

int main(int count, char **arguments)
{
    uint64_t sum = 0;
    if (count != 3) return fprintf(stderr, "usage: cuts FIRST_SEED SEEDS\n"), 2;
    uint64_t first = strtoull(arguments[1], NULL, 10), seeds = strtoull(arguments[2], NULL, 10);
    log_set_level(LOG_ERROR); /* That the last checkpoint fails is no news here. */
    for (uint64_t seed = first; seed < first + seeds; seed++)
        for (uint64_t k = 1; run(seed, k); k++) sum++;
    for (int i = 0; i < STEPS_COUNT; i++)
        printf("%8lu power cuts while %s\n", cuts[i], step_names[i]);
    printf("%8lu in all, %lu in the longest scenario; %lu states were not acknowledged and gone\n",
           sum, longest, states_lost);
    for (int i = 0; i < STEPS_COUNT; i++)
        cr_assert(cuts[i] != 0 || seeds < 10, "no cut while %s", step_names[i]);
    cr_assert_eq(memory_live_count(), 0, "something leaks");
    return 0;
}
