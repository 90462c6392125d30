/* Marks in blocks against plain arrays: whatever is shared, split, taken back or forgotten, each row has the mark written last,
 * and the index of versions names each row once. */
#include "copies.h"
#include "base/random.h"
#include "server/app.h"
#include "server/server.h"

#include <stdlib.h>

enum { ROWS = 3000, CLASSES = 2 };

typedef struct marks_world {
    memory_disk *disk;
    server_app *app;
    random_state random;
    row_mark marks[CLASSES][ROWS], before[CLASSES][ROWS]; /* each with at most two fields */
    field_mark fields[CLASSES][ROWS][2], fields_before[CLASSES][ROWS][2];
} marks_world;

static marks_world w;

static void open_app(void)
{
    storage *store = NULL;
    server_app_options options = {.platform = platform_posix(),
                                  .app_id = "app",
                                  .flexible = true,
                                  .partition_property = "_partition",
                                  .development = true};
    MUST(storage_open_memory(w.disk, &store));
    MUST(server_app_open(store, &options, &w.app));
}

static void expect_row(class_key c, row_key row)
{
    const row_mark *wanted = &w.marks[c - 1][row];
    row_mark *there = NULL;
    MUST(marks_peek(w.app, c, row, &there));
    cr_assert_eq(there->life, wanted->life, "row %llu", (unsigned long long)row);
    cr_assert_eq(there->changed, wanted->changed, "row %llu", (unsigned long long)row);
    cr_assert_eq(there->fields.count, wanted->fields.count);
    for (size_t i = 0; i < wanted->fields.count; i++)
        cr_assert_eq(there->fields.items[i].stamp, w.fields[c - 1][row][i].stamp);
}

static status note_row(void *context, uint64_t version, class_key c, row_key row)
{
    uint8_t(*seen)[ROWS] = context;
    cr_assert_eq(version, w.marks[c - 1][row].changed, "row %llu", (unsigned long long)row);
    cr_assert_eq(seen[c - 1][row]++, 0, "row %llu is there twice", (unsigned long long)row);
    return ATOLL_OK;
}

static void expect_marks(uint64_t after)
{
    static uint8_t seen[CLASSES][ROWS];
    memset(seen, 0, sizeof seen);
    MUST(meta_changed(w.app, after, note_row, seen));
    for (class_key c = 1; c <= CLASSES; c++) {
        for (row_key row = 1; row < ROWS; row++) {
            expect_row(c, row);
            cr_assert_eq(seen[c - 1][row], w.marks[c - 1][row].changed > after);
        }
    }
}

static void write_one(class_key c, row_key row, uint64_t version, uint64_t stamp)
{
    row_mark m;
    MUST(meta_read(w.app, c, row, &m));
    bool ends = random_below(&w.random, 40) == 0;
    MUST(meta_touch(w.app, c, row, &m, ends ? 0 : version));
    m.life = ends ? 0 : m.life + 1;
    m.fields.count = 0;
    for (property_key p = 1; p <= stamp % 3 && !ends; p++) {
        field_mark f = {p, false, stamp, 1, version};
        MUST(row_mark_set(&m, &f));
        w.fields[c - 1][row][p - 1] = f;
    }
    MUST(meta_write(w.app, c, row, &m));
    row_mark *kept = &w.marks[c - 1][row];
    *kept = m;
    kept->fields.items = NULL;
    row_mark_free(&m);
}

/* A run of rows that share a mark, or rows here and there with their own. */
static void write_some(uint64_t version)
{
    class_key c = (class_key)(1 + random_below(&w.random, CLASSES));
    bool run = random_below(&w.random, 2) == 0;
    row_key row = 1 + random_below(&w.random, ROWS - 1);
    uint64_t count = 1 + random_below(&w.random, run ? 2000 : 20), stamp = random_next(&w.random);
    for (uint64_t i = 0; i < count; i++) {
        write_one(c, row, version, run ? stamp : random_next(&w.random));
        row = run ? 1 + row % (ROWS - 1) : 1 + random_below(&w.random, ROWS - 1);
    }
}

static void one_transaction(void)
{
    model_txn *txn = NULL;
    bool keeps = random_below(&w.random, 5) != 0;
    memcpy(w.before, w.marks, sizeof w.marks);
    memcpy(w.fields_before, w.fields, sizeof w.fields);
    MUST(model_begin(server_app_db(w.app), COMMIT_SERVER, &txn));
    uint64_t parts = 1 + random_below(&w.random, 3);
    for (uint64_t i = 0; i < parts; i++) write_some(model_txn_version(txn));
    if (keeps || random_below(&w.random, 2) == 0) MUST(marks_flush(w.app, txn));
    if (keeps) {
        MUST(model_side_put(txn, bytes_text("x"), bytes_of("", 0)));
        MUST(model_commit(txn, NULL));
        return;
    }
    model_rollback(txn);
    marks_forget(w.app);
    memcpy(w.marks, w.before, sizeof w.marks);
    memcpy(w.fields, w.fields_before, sizeof w.fields);
}

Test(marks, blocks_say_of_each_row_what_a_plain_array_says)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        memset(&w, 0, sizeof w);
        w.random.state = seed;
        w.disk = memory_disk_new(seed);
        open_app();
        for (int i = 0; i < 60; i++) {
            one_transaction();
            if (i % 10 == 0) expect_marks(random_below(&w.random, model_version(w.app->db) + 1));
            if (random_below(&w.random, 8) != 0) continue;
            MUST(server_app_sync(w.app));
            server_app_close(w.app);
            open_app();
        }
        expect_marks(0);
        server_app_close(w.app);
        memory_disk_free(w.disk);
    }
}

Test(marks, a_batch_of_new_rows_takes_a_record_a_block)
{
    model_txn *txn = NULL;
    memset(&w, 0, sizeof w);
    w.disk = memory_disk_new(1);
    open_app();
    MUST(model_begin(server_app_db(w.app), COMMIT_SERVER, &txn));
    for (row_key row = 1; row < ROWS; row++) write_one(1, row, model_txn_version(txn), 5);
    MUST(marks_flush(w.app, txn));
    MUST(model_commit(txn, NULL));
    storage_iterator *i = NULL;
    bytes key, value;
    size_t records = 0;
    MUST(model_side_iterate(server_app_db(w.app), bytes_text("sb"), bytes_text("sw"), &i));
    while (storage_iterator_next(i, &key, &value))
        records += key.data[1] == 'b' || key.data[1] == 'm' || key.data[1] == 'v';
    storage_iterator_free(i);
    cr_assert_leq(records, 2 * (ROWS / MODEL_BLOCK_ROWS + 1) + ROWS / 20, "%zu records", records);
    server_app_close(w.app);
    memory_disk_free(w.disk);
}
