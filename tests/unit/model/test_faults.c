/* One scenario, run again and again with the k-th allocation or the k-th disk call failing: the realm stays usable at
 * the old version, or says that it has to be opened again; after opening it again it holds one of the two states. */
#include "base/log.h"
#include "oracle.h"

typedef struct scenario {
    memory_disk *disk;
    model_options options;
    oracle before, after;
    bool committed;
} scenario;

/* Two commits with a checkpoint between; the same random operations each time. */
static status run_commit(scenario *s, model_db *db, uint64_t seed)
{
    random_state r = {seed};
    model_txn *txn = NULL;
    uint64_t version = 0;
    oracle tried = s->after;
    TRY(model_begin(db, COMMIT_LOCAL, &txn));
    status result = ATOLL_OK;
    for (int i = 0; i < 3 && result == ATOLL_OK; i++)
        result = oracle_change(&tried, txn, &r, s->options.identity_rows);
    if (result == ATOLL_OK)
        result = model_side_put(txn, bytes_text("key"), bytes_of(&seed, sizeof seed));
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    s->before = s->after;
    s->after = tried;
    s->committed = false;
    TRY(model_commit(txn, &version));
    s->committed = true;
    return ATOLL_OK;
}

static status run_all(scenario *s, model_db *db)
{
    TRY(run_commit(s, db, 11));
    TRY(model_checkpoint(db));
    TRY(run_commit(s, db, 12));
    return run_commit(s, db, 13);
}

static bool is_state(const oracle *o, const model_view *view)
{
    for (int key = 0; key < ORACLE_KEYS; key++) {
        row_key row = test_find(view, key);
        if ((row != 0) != o->items[key].alive) return false;
        if (row != 0 &&
            (test_get(view, ITEM, row, ITEM_COUNT).as.integer !=
                 o->items[key].count * 1000000007ll ||
             model_list_count(view, ITEM, row, ITEM_TAGS) != (uint64_t)o->items[key].tag_count))
            return false;
    }
    return model_count(view, NOTE) == (uint64_t)o->notes;
}

static void check_state(const scenario *s, model_db *db, uint64_t k, const char *when)
{
    model_view *view = model_view_newest(db);
    bool new_state = is_state(&s->after, view);
    cr_assert(new_state || (!s->committed && is_state(&s->before, view)),
              "%s, fault %lu: neither the state before nor the one after", when, k);
    oracle_compare(new_state ? &s->after : &s->before, view, when, k);
    model_view_release(view);
}

/* True when the fault was reached. */
static bool run_with_fault(uint64_t k, bool allocation, bool identity)
{
    scenario s = {.disk = memory_disk_new(5), .options = test_options(identity)};
    oracle_init(&s.before);
    oracle_init(&s.after);
    s.committed = true;
    model_db *db = test_open(s.disk, &s.options);
    if (allocation)
        memory_fail_at(k);
    else
        memory_disk_fail_at(s.disk, k, ATOLL_ERROR_DISK_FULL);
    status result = run_all(&s, db);
    memory_fail_at(0);
    memory_disk_fail_at(s.disk, 0, ATOLL_OK);
    if (result != ATOLL_OK)
        cr_assert_eq(result, allocation ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_ERROR_DISK_FULL,
                     "fault %lu: %s", k, fail_text());
    check_state(&s, db, k, "after the fault");
    model_txn *txn = NULL;
    if (model_begin(db, COMMIT_LOCAL, &txn) == ATOLL_OK) { /* Still writable. */
        row_key row = 0;
        value text = value_string(bytes_text("after the fault"));
        MUST(model_create(txn, NOTE, NULL, &row));
        MUST(model_set(txn, NOTE, row, NOTE_TEXT, &text));
        test_commit(txn);
        s.before.notes++;
        s.after.notes++;
    }
    model_close(db);
    db = test_open(s.disk, &s.options);
    check_state(&s, db, k, "after opening again");
    model_close(db);
    memory_disk_free(s.disk);
    cr_assert_eq(memory_live_count(), 0, "fault %lu leaks", k);
    return result != ATOLL_OK;
}

Test(faults, any_allocation_may_fail)
{
    uint64_t k = 1, misses = 0;
    log_set_level(LOG_ERROR);
    /* A failure that costs nothing (a retry, a cache) does not end the loop; a run without one does. */
    for (; misses < 20; k++) misses = run_with_fault(k, true, k % 2 == 0) ? 0 : misses + 1;
    cr_assert_gt(k, 200);
}

Test(faults, any_disk_call_may_fail)
{
    uint64_t k = 1, misses = 0;
    log_set_level(LOG_ERROR);
    for (; misses < 3; k++) misses = run_with_fault(k, false, k % 2 == 0) ? 0 : misses + 1;
    cr_assert_gt(k, 8);
}

Test(faults, opening_survives_any_failure)
{
    memory_disk *disk = memory_disk_new(3);
    model_options options = test_options(true);
    random_state r = {8};
    oracle o;
    oracle_init(&o);
    log_set_level(LOG_ERROR);
    model_db *db = test_open(disk, &options);
    for (int i = 0; i < 6; i++) {
        model_txn *txn = test_begin(db);
        MUST(oracle_change(&o, txn, &r, true));
        test_commit(txn);
        if (i == 2) MUST(model_checkpoint(db));
    }
    memory_disk_crash(disk);
    model_close(db);
    for (uint64_t k = 1, reached = 1; reached != 0; k++) {
        storage *store = NULL;
        MUST(storage_open_memory(disk, &store));
        memory_fail_at(k);
        status result = model_open(store, &options, NULL, &db);
        memory_fail_at(0);
        reached = result != ATOLL_OK;
        if (reached) {
            cr_assert_eq(result, ATOLL_ERROR_OUT_OF_MEMORY);
            continue;
        }
        model_view *view = model_view_newest(db);
        oracle_compare(&o, view, "after opening", k);
        model_view_release(view);
        memory_disk_crash(disk);
        model_close(db);
    }
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}
