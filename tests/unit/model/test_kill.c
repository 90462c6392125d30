/* A real process on the real store, killed at random moments: what it acknowledged through a pipe is there. */
#include "fixture.h"
#include "support/temp.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static model_db *open_folder(const char *folder)
{
    storage *store = NULL;
    model_db *db = NULL;
    storage_options creating = {.create = true};
    model_options options = test_options(false);
    model_schema schema = test_schema();
    options.checkpoint_thread = true;
    MUST(storage_open_rocksdb(folder, &creating, &store));
    MUST(model_open(store, &options, &schema, &db));
    schema_free(&schema);
    return db;
}

/* Each commit adds key n, deletes key n - 40 and moves the counter of key 0. */
static void write_for_ever(const char *folder, int64_t from, int out)
{
    model_db *db = open_folder(folder);
    for (int64_t n = from;; n++) {
        model_txn *txn = test_begin(db);
        row_key row = test_create(txn, n), zero = test_find(model_txn_view(txn), 0), old = test_find(model_txn_view(txn), n - 40);
        value tag = value_string(bytes_text("tag"));
        test_set(txn, ITEM, row, ITEM_COUNT, value_int(n));
        MUST(model_list_insert(txn, ITEM, row, ITEM_TAGS, 0, &tag));
        if (zero == 0) zero = test_create(txn, 0);
        test_set(txn, ITEM, zero, ITEM_COUNT, value_int(n));
        if (n > 40) MUST(model_delete(txn, ITEM, old));
        test_commit(txn);
        if (write(out, &n, sizeof n) != sizeof n) _exit(1);
        if (n % 37 == 0) MUST(model_checkpoint(db));
    }
}

Test(kill, nothing_acknowledged_is_lost)
{
    char folder[64];
    int64_t last = 0;
    random_state r = {6};
    temp_folder(folder);
    for (int round = 0; round < 12; round++) {
        int ends[2];
        cr_assert_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            write_for_ever(folder, last + 1, ends[1]);
        }
        close(ends[1]);
        usleep((useconds_t)(20000 + random_below(&r, 60000)));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        int64_t acknowledged = last, n = 0;
        while (read(ends[0], &n, sizeof n) == sizeof n) acknowledged = n;
        close(ends[0]);
        model_db *db = open_folder(folder);
        model_view *view = model_view_newest(db);
        row_key zero = test_find(view, 0);
        last = zero == 0 ? 0 : test_get(view, ITEM, zero, ITEM_COUNT).as.integer;
        cr_assert(last == acknowledged || last == acknowledged + 1, "round %d: %ld acknowledged, %ld there", round, (long)acknowledged, (long)last);
        cr_assert_eq(model_count(view, ITEM), (uint64_t)(last == 0 ? 0 : (last < 40 ? last : 40) + 1));
        for (int64_t key = last > 40 ? last - 39 : 1; key <= last; key++) {
            row_key row = test_find(view, key);
            cr_assert_neq(row, 0, "round %d: key %ld", round, (long)key);
            cr_assert_eq(test_get(view, ITEM, row, ITEM_COUNT).as.integer, key);
            cr_assert_eq(model_list_count(view, ITEM, row, ITEM_TAGS), 1);
        }
        model_view_release(view);
        model_close(db);
    }
    cr_assert_gt(last, 10, "the child hardly wrote");
    temp_folder_remove(folder);
}
