/* A real process on the real store, killed at random moments or out of disk: what it acknowledged is there. */
#include "base/random.h"
#include "kill_writer.h"
#include "support/temp.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(expression) cr_assert_eq((expression), ATOLL_OK, "%s: %s", #expression, fail_text())

/* The writer lies beside this program. Gives its process; *out reads what it acknowledges. */
static pid_t start_writer(const char *mode, const char *folder, const char *from, int *out)
{
    char path[4096];
    int ends[2];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 32);
    cr_assert_gt(size, 0);
    path[size] = '\0';
    strcpy(strrchr(path, '/'), "/kill_writer");
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(path, path, mode, folder, from, (char *)NULL);
        _exit(206);
    }
    close(ends[1]);
    *out = ends[0];
    return child;
}

static model_db *open_folder(const char *folder)
{
    storage *store = NULL;
    model_db *db = NULL;
    storage_options creating = {.create = true};
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL, .durable = true};
    MUST(storage_open_rocksdb(folder, &creating, &store));
    MUST(model_open(store, &options, NULL, &db));
    return db;
}

static row_key find(const model_view *view, int64_t key)
{
    value v = value_int(key);
    row_key row = 0;
    MUST(model_find(view, KILL_ITEM, &v, &row));
    return row;
}

static int64_t count_of(const model_view *view, row_key row)
{
    value v;
    MUST(model_get(view, KILL_ITEM, row, KILL_COUNT, &v));
    return v.as.integer;
}

/* The property of every odd schema version is in each object, and what it held is nowhere otherwise. */
static void check_extra(const model_view *view, row_key row, int64_t count, int round)
{
    const model_schema *schema = model_view_schema(view);
    const model_property *p =
        class_property_named(schema_class(schema, KILL_ITEM), bytes_text("extra"));
    model_rows rows = {0};
    value extra;
    cr_assert_eq(p != NULL, schema->version % 2 == 1, "round %d", round);
    if (p == NULL) return;
    MUST(model_get(view, KILL_ITEM, row, p->key, &extra));
    cr_assert_eq(extra.as.integer, count, "round %d: half a migration", round);
    MUST(model_index_rows(view, KILL_ITEM, p->key, &extra, &rows));
    cr_assert(rows.count >= 1, "round %d: the index lacks %ld", round, (long)count);
    vector_free(&rows);
}

/* Everything that commits up to the last one should have left, and nothing of the one after. Gives the last. */
static int64_t check_realm(const char *folder, int64_t acknowledged, int round, uint64_t *versions)
{
    model_db *db = open_folder(folder);
    model_view *view = model_view_newest(db);
    row_key zero = model_version(db) == 0 ? 0 : find(view, 0);
    int64_t last = zero == 0 ? 0 : count_of(view, zero);
    cr_assert(last == acknowledged || last == acknowledged + 1,
              "round %d: %ld acknowledged, %ld there", round, (long)acknowledged, (long)last);
    cr_assert_eq(model_count(view, KILL_ITEM),
                 (uint64_t)(last == 0 ? 0 : (last < KILL_KEPT ? last : KILL_KEPT) + 1));
    for (int64_t key = last > KILL_KEPT ? last - KILL_KEPT + 1 : 1; key <= last; key++) {
        row_key row = find(view, key);
        cr_assert_neq(row, 0, "round %d: key %ld", round, (long)key);
        cr_assert_eq(count_of(view, row), key);
        cr_assert_eq(model_list_count(view, KILL_ITEM, row, KILL_TAGS), 1);
        check_extra(view, row, key, round);
        value data;
        MUST(model_get(view, KILL_ITEM, row, KILL_DATA, &data));
        cr_assert(data.as.text.size == KILL_DATA_SIZE && data.as.text.data[99] == (uint8_t)key,
                  "round %d: data of key %ld", round, (long)key);
    }
    if (last != 0) check_extra(view, zero, last, round);
    *versions = model_view_schema(view)->version;
    model_view_release(view);
    model_close(db);
    return last;
}

Test(kill, nothing_acknowledged_is_lost, .timeout = 60)
{
    char folder[64];
    int64_t last = 0;
    uint64_t versions = 0;
    random_state r = {6};
    temp_folder(folder);
    /* On a slow machine the writer may hardly get past opening: then it gets more rounds, each longer than the last. */
    for (int round = 0; round < 12 || versions <= 2; round++) {
        char from[32];
        int out = -1;
        int64_t acknowledged = last, n = 0;
        snprintf(from, sizeof from, "%ld", (long)last + 1);
        pid_t child = start_writer("write", folder, from, &out);
        usleep((useconds_t)(40000 + random_below(&r, 80000) +
                            (round < 12 ? 0 : 50000 * (uint64_t)(round - 11))));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(out, &n, sizeof n) == sizeof n) acknowledged = n;
        close(out);
        last = check_realm(folder, acknowledged, round, &versions);
    }
    temp_folder_remove(folder);
}

Test(kill, a_full_disk_is_told_and_costs_only_the_commit_that_did_not_fit, .timeout = 60)
{
    char folder[64];
    int code = 0, out = -1;
    temp_folder(folder);
    pid_t child = start_writer("full", folder, NULL, &out);
    cr_assert_eq(waitpid(child, &code, 0), child);
    close(out);
    cr_assert(WIFEXITED(code) && WEXITSTATUS(code) > 2 && WEXITSTATUS(code) < 100,
              "the writer ended with %x", (unsigned)code);
    model_db *db = open_folder(folder);
    model_view *view = model_view_newest(db);
    cr_assert_eq(model_count(view, KILL_ITEM), (uint64_t)WEXITSTATUS(code));
    model_view_release(view);
    model_txn *txn = NULL;
    value key = value_int(1000);
    row_key row = 0;
    uint64_t version = 0;
    MUST(model_begin(db, COMMIT_LOCAL, &txn));
    MUST(model_create(txn, KILL_ITEM, &key, &row));
    MUST(model_commit(txn, &version));
    model_close(db);
    temp_folder_remove(folder);
}
