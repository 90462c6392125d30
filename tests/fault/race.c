/* Readers, a writer, checkpoints, listeners and eviction on one realm at once, without a test framework, so that the
 * thread sanitizer can watch (the test race of threads). With the argument "budget" the realm has a twentieth of the
 * memory that it would need, and views rest between two looks. Each version must be whole: the sum of all
 * balances is always the same, in objects, in columns and in lists. */
#include "base/log.h"
#include "model/model.h"
#include "query/query.h"
#include "platform/thread.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(expression)                                \
    do {                                                \
        if ((expression) != ATOLL_OK) die(#expression); \
    } while (0)
enum {
    ACCOUNT = 1,
    ACCOUNT_ID = 1,
    ACCOUNT_BALANCE = 2,
    ACCOUNT_NAME = 3,
    ACCOUNT_NOTES = 4,
    SMALL = 1500,
    LARGE = 12000,
    COMMITS = 1500,
    COMMITS_OF_LARGE = 150,
    BUDGET = 15000
};

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, fail_text());
    exit(1);
}

typedef struct race {
    model_db *db;
    int64_t accounts, commits;
    uint64_t budget;
    atomic_bool done;
    atomic_uint heard, looked;
} race;

static void on_commit(void *context, uint64_t version, commit_origin origin)
{
    (void)version, (void)origin;
    atomic_fetch_add(&((race *)context)->heard, 1);
}

static model_db *open_accounts(memory_disk *disk, uint64_t budget)
{
    storage *store = NULL;
    model_db *db = NULL;
    model_schema schema = {0};
    size_t c;
    model_options options = {.platform = platform_posix(),
                             .use = SCHEMA_LOCAL,
                             .durable = true,
                             .memory_budget = budget,
                             .checkpoint_thread = true};
    MUST(schema_add_class(&schema, bytes_text("Account"), CLASS_NORMAL, &c));
    MUST(schema_add_property(&schema, c, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_of(NULL, 0)));
    MUST(schema_add_property(&schema, c, bytes_text("balance"), VALUE_INT, 0, bytes_of(NULL, 0)));
    MUST(schema_add_property(&schema, c, bytes_text("name"), VALUE_STRING, 0, bytes_of(NULL, 0)));
    MUST(schema_add_property(&schema, c, bytes_text("notes"), VALUE_INT, PROPERTY_LIST,
                             bytes_of(NULL, 0)));
    MUST(storage_open_memory(disk, &store));
    MUST(model_open(store, &options, &schema, &db));
    schema_free(&schema);
    return db;
}

static void write_accounts(race *r)
{
    model_txn *txn = NULL;
    uint64_t version;
    MUST(model_begin(r->db, COMMIT_LOCAL, &txn));
    for (int64_t i = 0; i < r->accounts; i++) {
        value key = value_int(i), balance = value_int(100),
              name = value_string(bytes_text("an account"));
        row_key row;
        MUST(model_create(txn, ACCOUNT, &key, &row));
        MUST(model_set(txn, ACCOUNT, row, ACCOUNT_BALANCE, &balance));
        MUST(model_set(txn, ACCOUNT, row, ACCOUNT_NAME, &name));
    }
    MUST(model_commit(txn, &version));
}

static void move(model_txn *txn, int64_t key, int64_t amount)
{
    value id = value_int(key), balance,
          name = value_string(amount > 0 ? bytes_text("richer") : bytes_text("poorer by a while"));
    row_key row = 0;
    MUST(model_find(model_txn_view(txn), ACCOUNT, &id, &row));
    MUST(model_get(model_txn_view(txn), ACCOUNT, row, ACCOUNT_BALANCE, &balance));
    balance.as.integer += amount;
    MUST(model_set(txn, ACCOUNT, row, ACCOUNT_BALANCE, &balance));
    MUST(model_set(txn, ACCOUNT, row, ACCOUNT_NAME, &name));
    value note = value_int(amount);
    MUST(model_list_insert(txn, ACCOUNT, row, ACCOUNT_NOTES, 0, &note));
}

static void writer(void *context)
{
    race *r = context;
    for (int64_t i = 0; i < r->commits; i++) {
        model_txn *txn = NULL;
        uint64_t version;
        MUST(model_begin(r->db, COMMIT_LOCAL, &txn));
        move(txn, i * 37 % r->accounts, 5);
        move(txn, i * 91 % r->accounts, -5);
        if (i % 10 == 3)
            model_rollback(txn);
        else
            MUST(model_commit(txn, &version));
    }
    atomic_store(&r->done, true);
}

static void look(race *r, const query *all)
{
    model_view *view = model_view_newest(r->db);
    model_changes *changes = NULL;
    value sum, text;
    uint64_t count = 0, cursor = 0;
    status scanned;
    model_segment segment;
    MUST(query_aggregate(all, view, ACCOUNT_BALANCE, AGGREGATE_SUM, &sum));
    if (sum.as.integer != r->accounts * 100) die("a version is torn");
    while (model_scan(view, ACCOUNT, &cursor, &segment, &scanned)) count += segment.alive_count;
    if (scanned != ATOLL_OK || count != (uint64_t)r->accounts) die("a scan missed something");
    for (row_key row = 1; row <= (row_key)r->accounts; row += 111) {
        value note;
        element_id id;
        MUST(model_get(view, ACCOUNT, row, ACCOUNT_NAME, &text));
        if (model_list_count(view, ACCOUNT, row, ACCOUNT_NOTES) != 0)
            MUST(model_list_get(view, ACCOUNT, row, ACCOUNT_NOTES, 0, &note, &id));
    }
    MUST(
        model_changes_between(r->db, model_view_version(view), model_view_version(view), &changes));
    model_changes_free(changes);
    model_view_release(view);
    atomic_fetch_add(&r->looked, 1);
}

/* As an app looks at its objects: one call, one value, and a window kept in between. */
static void glance(race *r, const model_view *pinned)
{
    model_window window;
    bool open = false;
    for (row_key row = 1; row <= (row_key)r->accounts; row += 37) {
        value balance, again;
        model_reader *reader = model_read_begin(r->db);
        MUST(model_get(pinned, ACCOUNT, row, ACCOUNT_BALANCE, &balance));
        if (open) model_window_close(&window);
        open = model_window_open(pinned, ACCOUNT, row, ACCOUNT_BALANCE, &window);
        model_read_end(r->db, reader);
        if (!open) continue;
        model_window_get(&window, row, &again);
        if (again.as.integer != balance.as.integer) die("a window changed");
    }
    if (open) model_window_close(&window);
}

static void read_on(void *context)
{
    race *r = context;
    query *all = NULL;
    model_view *view = model_view_newest(r->db), *pinned = model_view_retain(view);
    MUST(query_new(model_view_schema(view), ACCOUNT, bytes_text("balance > -100000"), NULL, &all));
    model_view_rest(pinned);
    model_view_release(view);
    while (!atomic_load(&r->done)) {
        look(r, all);
        glance(r, pinned);
    }
    value sum;
    model_reader *reader = model_read_begin(r->db);
    MUST(query_aggregate(all, pinned, ACCOUNT_BALANCE, AGGREGATE_SUM,
                         &sum)); /* the version of the start, still whole */
    if (sum.as.integer != r->accounts * 100) die("a pinned version changed");
    model_read_end(r->db, reader);
    query_free(all);
    model_view_release_resting(pinned);
}

static void checkpointer(void *context)
{
    race *r = context;
    while (!atomic_load(&r->done)) MUST(model_checkpoint(r->db));
}

static void syncer(void *context)
{
    race *r = context;
    uint64_t durable;
    while (!atomic_load(&r->done)) {
        MUST(model_listen(r->db, on_commit, r));
        MUST(model_sync(r->db, &durable));
        model_unlisten(r->db, on_commit, r);
    }
}

int main(int count, char **arguments)
{
    memory_disk *disk = memory_disk_new(1);
    race r = {.accounts = SMALL, .commits = COMMITS};
    if (count > 1 && strcmp(arguments[1], "budget") == 0)
        r = (race){.accounts = LARGE, .commits = COMMITS_OF_LARGE, .budget = BUDGET};
    void (*const parts[])(void *) = {writer, checkpointer, syncer, read_on, read_on, read_on};
    thread *threads[sizeof parts / sizeof *parts];
    log_set_level(LOG_ERROR);
    r.db = open_accounts(disk, r.budget);
    write_accounts(&r);
    model_close(r.db); /* what follows reads through handles that are not loaded */
    r.db = open_accounts(disk, r.budget);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        MUST(thread_start("race", parts[i], &r, &threads[i]));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) thread_join(threads[i]);
    query *all = NULL;
    model_view *view = model_view_newest(r.db);
    MUST(query_new(model_view_schema(view), ACCOUNT, bytes_of(NULL, 0), NULL, &all));
    model_view_release(view);
    look(&r, all);
    model_memory memory = model_memory_now(r.db);
    if (r.budget != 0 && (memory.evicted < 5 || memory.spilled < 5))
        die("the budget had no effect");
    query_free(all);
    model_close(r.db);
    memory_disk_free(disk);
    if (memory_live_count() != 0) die("something leaks");
    printf("looked %u times, %llu blocks evicted, %llu spilled, %llu of them loaded back\n",
           atomic_load(&r.looked), (unsigned long long)memory.evicted,
           (unsigned long long)memory.spilled, (unsigned long long)memory.loaded_back);
    return 0;
}
