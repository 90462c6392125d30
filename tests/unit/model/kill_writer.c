/* The process that test_kill.c starts and kills: it has no test framework and no threads of a parent.
 *   kill_writer write FOLDER FROM   commits for ever, gives each acknowledged number on standard output
 *   kill_writer full FOLDER         may write two megabytes a file: commits until one fails; exit code: how many did not */
#include "kill_writer.h"
#include "base/log.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void check(status result, int line)
{
    if (result == ATOLL_OK) return;
    fprintf(stderr, "kill_writer, line %d: %s\n", line, fail_text());
    _exit(200);
}
#define CHECK(expression) check((expression), __LINE__)

/* Every odd version has one property more. */
static void make_schema(model_schema *s, uint64_t version)
{
    size_t item = 0;
    CHECK(schema_add_class(s, bytes_text("Item"), CLASS_NORMAL, &item));
    CHECK(schema_add_property(s, item, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                              bytes_text("")));
    CHECK(schema_add_property(s, item, bytes_text("count"), VALUE_INT, 0, bytes_text("")));
    CHECK(schema_add_property(s, item, bytes_text("tags"), VALUE_STRING, PROPERTY_LIST,
                              bytes_text("")));
    CHECK(schema_add_property(s, item, bytes_text("data"), VALUE_BINARY, 0, bytes_text("")));
    if (version % 2 == 0) return;
    CHECK(schema_add_property(s, item, bytes_text("extra"), VALUE_INT, PROPERTY_INDEXED,
                              bytes_text("")));
}

static model_db *open_realm(const char *folder)
{
    storage *store = NULL;
    model_db *db = NULL;
    model_schema schema = {0};
    storage_options creating = {.create = true};
    model_options options = {.platform = platform_posix(),
                             .use = SCHEMA_LOCAL,
                             .durable = true,
                             .memory_budget = KILL_BUDGET,
                             .checkpoint_thread = true};
    make_schema(&schema, 0);
    CHECK(storage_open_rocksdb(folder, &creating, &store));
    CHECK(model_open(store, &options, NULL, &db));
    if (model_version(db) == 0) CHECK(model_add_schema(db, &schema));
    schema_free(&schema);
    return db;
}

static row_key find_or_create(model_txn *txn, int64_t key)
{
    value v = value_int(key);
    row_key row = 0;
    CHECK(model_find(model_txn_view(txn), KILL_ITEM, &v, &row));
    if (row == 0) CHECK(model_create(txn, KILL_ITEM, &v, &row));
    return row;
}

static void set(model_txn *txn, row_key row, property_key p, value v)
{
    CHECK(model_set(txn, KILL_ITEM, row, p, &v));
}

static property_key extra_of(const model_view *view)
{
    const model_property *p =
        class_property_named(schema_class(model_view_schema(view), KILL_ITEM), bytes_text("extra"));
    return p == NULL ? 0 : p->key;
}

/* The property comes, with the number in every object, or goes. */
static void migrate(model_db *db)
{
    model_migration *m = NULL;
    model_schema schema = {0};
    model_view *view = model_view_newest(db);
    uint64_t version = model_view_schema(view)->version + 1, cursor = 0;
    model_view_release(view);
    make_schema(&schema, version);
    CHECK(model_migration_begin(db, &schema, version, &m));
    schema_free(&schema);
    model_txn *txn = model_migration_txn(m);
    property_key extra = extra_of(model_txn_view(txn));
    model_segment segment;
    status scanned = ATOLL_OK;
    while (extra != 0 && model_scan(model_migration_old(m), KILL_ITEM, &cursor, &segment, &scanned))
        for (row_key i = 0; i < MODEL_BLOCK_ROWS; i++) {
            value count;
            if ((segment.alive[i / 64] >> (i % 64) & 1) == 0) continue;
            CHECK(model_get(model_migration_old(m), KILL_ITEM, segment.first + i, KILL_COUNT,
                            &count));
            set(txn, segment.first + i, extra, count);
        }
    CHECK(scanned);
    CHECK(model_migration_commit(m));
}

/* Each commit adds key n, deletes key n - KILL_KEPT and moves the counter of key 0. */
static void write_for_ever(const char *folder, int64_t from)
{
    static char data[KILL_DATA_SIZE];
    model_db *db = open_realm(folder);
    for (int64_t n = from;; n++) {
        model_txn *txn = NULL;
        uint64_t version = 0;
        value tag = value_string(bytes_text("tag"));
        CHECK(model_begin(db, COMMIT_LOCAL, &txn));
        row_key row = find_or_create(txn, n);
        set(txn, row, KILL_COUNT, value_int(n));
        CHECK(model_list_insert(txn, KILL_ITEM, row, KILL_TAGS, 0, &tag));
        memset(data, (int)n, sizeof data);
        set(txn, row, KILL_DATA, value_binary(bytes_of(data, sizeof data)));
        row_key zero = find_or_create(txn, 0);
        set(txn, zero, KILL_COUNT, value_int(n));
        property_key extra = extra_of(model_txn_view(txn));
        if (extra != 0) set(txn, row, extra, value_int(n));
        if (extra != 0) set(txn, zero, extra, value_int(n));
        if (n > KILL_KEPT) CHECK(model_delete(txn, KILL_ITEM, find_or_create(txn, n - KILL_KEPT)));
        CHECK(model_commit(txn, &version));
        if (write(STDOUT_FILENO, &n, sizeof n) != sizeof n) _exit(201);
        if (n % 37 == 0) CHECK(model_checkpoint(db));
        if (n % 23 == 0) migrate(db);
        if (n % 61 == 0) CHECK(model_compact(db));
    }
}

static int write_until_full(const char *folder)
{
    static char big[200000];
    struct rlimit limit = {2 << 20, 2 << 20};
    log_set_level(LOG_OFF);
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 202;
    model_db *db = open_realm(folder);
    status result = ATOLL_OK;
    int commits = 0;
    for (int64_t n = 1; n < 100 && result == ATOLL_OK; n++) {
        model_txn *txn = NULL;
        uint64_t version = 0;
        CHECK(model_begin(db, COMMIT_LOCAL, &txn));
        set(txn, find_or_create(txn, n), KILL_DATA, value_binary(bytes_of(big, sizeof big)));
        result = model_commit(txn, &version);
        commits += result == ATOLL_OK;
    }
    if (result != ATOLL_ERROR_DISK_FULL) return 203;
    model_view *view = model_view_newest(db);
    value key = value_int(commits);
    row_key last = 0;
    CHECK(model_find(view, KILL_ITEM, &key, &last));
    bool intact = last != 0 && model_count(view, KILL_ITEM) == (uint64_t)commits;
    model_view_release(view);
    model_close(db);
    return intact ? commits : 204;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "write") == 0)
        write_for_ever(argv[2], strtoll(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "full") == 0) return write_until_full(argv[2]);
    return 205;
}
