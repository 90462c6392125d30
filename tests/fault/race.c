/* Readers, a writer, checkpoints and listeners on one realm at once, without a test framework, so that the thread
 * sanitizer can watch: meson setup -Db_sanitize=thread, then run it. Each version must be whole: the sum of all
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
    ACCOUNTS = 1500,
    COMMITS = 1500
};

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, fail_text());
    exit(1);
}

typedef struct race {
    model_db *db;
    atomic_bool done;
    atomic_uint heard, looked;
} race;

static void on_commit(void *context, uint64_t version, commit_origin origin)
{
    (void)version, (void)origin;
    atomic_fetch_add(&((race *)context)->heard, 1);
}

static model_db *open_accounts(memory_disk *disk)
{
    storage *store = NULL;
    model_db *db = NULL;
    model_schema schema = {0};
    size_t c;
    model_options options = {.platform = platform_posix(),
                             .use = SCHEMA_LOCAL,
                             .durable = true,
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
    for (int64_t i = 0; i < ACCOUNTS; i++) {
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
    for (int64_t i = 0; i < COMMITS; i++) {
        model_txn *txn = NULL;
        uint64_t version;
        MUST(model_begin(r->db, COMMIT_LOCAL, &txn));
        move(txn, i * 37 % ACCOUNTS, 5);
        move(txn, i * 91 % ACCOUNTS, -5);
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
    if (sum.as.integer != ACCOUNTS * 100) die("a version is torn");
    while (model_scan(view, ACCOUNT, &cursor, &segment, &scanned)) count += segment.alive_count;
    if (scanned != ATOLL_OK || count != ACCOUNTS) die("a scan missed something");
    for (row_key row = 1; row <= ACCOUNTS; row += 111) {
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

static void read_on(void *context)
{
    race *r = context;
    query *all = NULL;
    model_view *view = model_view_newest(r->db), *pinned = model_view_retain(view);
    MUST(query_new(model_view_schema(view), ACCOUNT, bytes_text("balance > -100000"), NULL, &all));
    while (!atomic_load(&r->done)) look(r, all);
    value sum;
    MUST(query_aggregate(all, pinned, ACCOUNT_BALANCE, AGGREGATE_SUM,
                         &sum)); /* the version of the start, still whole */
    if (sum.as.integer != ACCOUNTS * 100) die("a pinned version changed");
    query_free(all);
    model_view_release(view);
    model_view_release(pinned);
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

int main(void)
{
    memory_disk *disk = memory_disk_new(1);
    race r = {0};
    void (*const parts[])(void *) = {writer, checkpointer, syncer, read_on, read_on, read_on};
    thread *threads[sizeof parts / sizeof *parts];
    log_set_level(LOG_ERROR);
    r.db = open_accounts(disk);
    write_accounts(&r);
    model_close(r.db); /* what follows reads through handles that are not loaded */
    r.db = open_accounts(disk);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        MUST(thread_start("race", parts[i], &r, &threads[i]));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) thread_join(threads[i]);
    query *all = NULL;
    model_view *view = model_view_newest(r.db);
    MUST(query_new(model_view_schema(view), ACCOUNT, bytes_of(NULL, 0), NULL, &all));
    model_view_release(view);
    look(&r, all);
    query_free(all);
    model_close(r.db);
    memory_disk_free(disk);
    if (memory_live_count() != 0) die("something leaks");
    printf("looked %u times\n", atomic_load(&r.looked));
    return 0;
}
