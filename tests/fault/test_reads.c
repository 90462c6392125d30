/* A read that fails is told: it never makes a result shorter, an object disappear, or a commit rest on it. */
#include "base/log.h"
#include "model/model.h"
#include "query/query.h"
#include <criterion/criterion.h>

#define MUST(expression) cr_assert_eq((expression), ATOLL_OK, "%s: %s", #expression, fail_text())
enum { THING = 1, THING_ID = 1, THING_SIZE = 2, THING_NEXT = 3, THING_NAMES = 4, THINGS = 5000 };

static model_options options(void)
{
    return (model_options){.platform = platform_posix(), .use = SCHEMA_LOCAL, .durable = true};
}

static model_db *open_things(memory_disk *disk)
{
    storage *store = NULL;
    model_db *db = NULL;
    model_schema schema = {0};
    model_options o = options();
    size_t thing;
    MUST(schema_add_class(&schema, bytes_text("Thing"), CLASS_NORMAL, &thing));
    MUST(schema_add_property(&schema, thing, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_of(NULL, 0)));
    MUST(schema_add_property(&schema, thing, bytes_text("size"), VALUE_INT, 0, bytes_of(NULL, 0)));
    MUST(schema_add_property(&schema, thing, bytes_text("next"), VALUE_LINK, PROPERTY_NULLABLE,
                             bytes_text("Thing")));
    MUST(schema_add_property(&schema, thing, bytes_text("names"), VALUE_STRING, PROPERTY_LIST,
                             bytes_of(NULL, 0)));
    MUST(storage_open_memory(disk, &store));
    MUST(model_open(store, &o, &schema, &db));
    schema_free(&schema);
    return db;
}

static memory_disk *disk_of_things(void)
{
    memory_disk *disk = memory_disk_new(1);
    model_db *db = open_things(disk);
    model_txn *txn = NULL;
    uint64_t version;
    row_key last = 0;
    value name = value_string(bytes_text("x"));
    MUST(model_begin(db, COMMIT_LOCAL, &txn));
    for (int64_t i = 0; i < THINGS; i++) {
        value key = value_int(i), size = value_int(i % 7), link = value_link(last);
        row_key row;
        MUST(model_create(txn, THING, &key, &row));
        MUST(model_set(txn, THING, row, THING_SIZE, &size));
        if (last != 0) MUST(model_set(txn, THING, row, THING_NEXT, &link));
        if (i % 100 == 0) MUST(model_list_insert(txn, THING, row, THING_NAMES, 0, &name));
        last = row;
    }
    MUST(model_commit(txn, &version));
    model_close(db);
    return disk;
}

typedef struct question {
    const char *text;
    uint64_t answer;
} question;
static const question questions[] = {
    {"size == 3", 714},
    {"next.size == 3", 714},
    {"ANY names == 'x'", 50},
    {"names.@count > 0", 50},
    {"size >= 0 SORT(size DESC)", THINGS},
    {"next == NULL", 1},
    {"size > 100", 0},
};

static status ask(model_db *db, const char *text, uint64_t *count, uint64_t *rows_count,
                  int64_t *sum)
{
    model_view *view = model_view_newest(db);
    query *q = NULL;
    row_vector rows = {0};
    value total = value_null();
    status result = query_new(model_view_schema(view), THING, bytes_text(text), NULL, &q);
    if (result == ATOLL_OK) result = query_count(q, view, count);
    if (result == ATOLL_OK) result = query_run(q, view, &rows);
    if (result == ATOLL_OK) result = query_aggregate(q, view, THING_SIZE, AGGREGATE_SUM, &total);
    if (result == ATOLL_OK) {
        *rows_count = rows.count;
        *sum = total.as.integer;
    }
    vector_free(&rows);
    query_free(q);
    model_view_release(view);
    return result;
}

Test(reads, a_query_over_a_failing_disk_fails_or_is_right)
{
    memory_disk *disk = disk_of_things();
    uint64_t failures = 0, rights = 0;
    log_set_level(LOG_ERROR + 1);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        int64_t right_sum = -1;
        for (uint64_t k = 0, misses = 0; misses < 3; k++) { /* k 0: no fault, for the sum */
            model_db *db = open_things(disk);
            uint64_t count = 0, rows = 0;
            int64_t sum = 0;
            memory_disk_fail_at(disk, k, ATOLL_ERROR_FILE_ACCESS);
            status result = ask(db, questions[i].text, &count, &rows, &sum);
            memory_disk_fail_at(disk, 0, ATOLL_OK);
            if (k == 0) right_sum = sum;
            if (result == ATOLL_OK) {
                cr_assert(count == questions[i].answer && rows == questions[i].answer &&
                              sum == right_sum,
                          "'%s', call %lu: %lu, %lu rows, sum %ld passed for the answer",
                          questions[i].text, k, count, rows, (long)sum);
                if (k != 0) misses++, rights++;
            } else {
                cr_assert_eq(result, ATOLL_ERROR_FILE_ACCESS, "'%s', call %lu: %s",
                             questions[i].text, k, fail_text());
                failures++;
                MUST(ask(db, questions[i].text, &count, &rows, &sum)); /* the next try reads it */
                cr_assert(count == questions[i].answer && sum == right_sum);
            }
            model_close(db);
        }
    }
    cr_assert(failures > 50 && rights > 0, "%lu failures", failures);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

Test(reads, a_reader_that_cannot_tell_keeps_the_realm_from_committing)
{
    memory_disk *disk = disk_of_things();
    log_set_level(LOG_ERROR + 1);
    model_db *db = open_things(disk);
    model_txn *txn = NULL;
    uint64_t version;
    value key = value_int(THINGS);
    row_key row;
    MUST(model_begin(db, COMMIT_LOCAL, &txn));
    memory_disk_fail_at(disk, 1, ATOLL_ERROR_FILE_ACCESS);
    cr_assert_not(model_alive(model_txn_view(txn), THING, 1), "the read was meant to fail");
    MUST(model_create(txn, THING, &key, &row));
    cr_assert_eq(model_commit(txn, &version), ATOLL_ERROR_FILE_ACCESS);
    cr_assert_eq(model_begin(db, COMMIT_LOCAL, &txn), ATOLL_ERROR_FILE_ACCESS);
    model_close(db);
    db = open_things(disk);
    model_view *view = model_view_newest(db);
    cr_assert_eq(model_count(view, THING), THINGS);
    cr_assert(model_alive(view, THING, 1));
    model_view_release(view);
    MUST(model_begin(db, COMMIT_LOCAL, &txn));
    model_rollback(txn);
    model_close(db);
    memory_disk_free(disk);
}

Test(reads, a_thread_is_not_made_to_wait_for_itself)
{
    memory_disk *disk = memory_disk_new(1);
    model_db *db = open_things(disk);
    model_txn *txn = NULL, *second = NULL;
    MUST(model_begin(db, COMMIT_LOCAL, &txn));
    cr_assert_eq(model_begin(db, COMMIT_LOCAL, &second), ATOLL_ERROR_TRANSACTION_ACTIVE);
    model_rollback(txn);
    MUST(model_begin(db, COMMIT_LOCAL, &second));
    model_rollback(second);
    model_close(db);
    memory_disk_free(disk);
}

/* ---- records that lie: damaged, and with a checksum that says otherwise ---- */
static status overwrite(memory_disk *disk, uint64_t *random)
{
    storage *store = NULL;
    storage_iterator *i = NULL;
    storage_batch *batch = NULL;
    bytes key, record;
    uint8_t name[64], *copy = NULL;
    size_t name_size = 0, size = 0, count = 0;
    MUST(storage_open_memory(disk, &store));
    MUST(storage_iterate(store, bytes_of(NULL, 0), bytes_of(NULL, 0), &i));
    while (storage_iterator_next(i, &key, &record)) {
        *random = hash_u64(*random);
        if (record.size < 16 || key.size > sizeof name || *random % ++count != 0)
            continue; /* each with the same chance */
        memory_free(copy);
        copy = memory_allocate(record.size);
        memcpy(copy, record.data, size = record.size);
        memcpy(name, key.data, name_size = key.size);
    }
    storage_iterator_free(i);
    size_t changes = 1 + *random % 3;
    for (size_t k = 0; k < changes; k++) {
        *random = hash_u64(*random);
        copy[4 + *random % (size - 4)] = (uint8_t)(*random >> 32);
    }
    if (name[0] != 'L') { /* log records have no checksum of ours */
        uint32_t crc = crc32c(0, copy + 4, size - 4);
        for (int k = 0; k < 4; k++) copy[k] = (uint8_t)(crc >> (8 * k));
    }
    MUST(storage_batch_new(store, &batch));
    MUST(storage_batch_put(batch, bytes_of(name, name_size), bytes_of(copy, size)));
    MUST(storage_write(store, batch, true));
    storage_batch_free(batch);
    storage_close(store);
    memory_free(copy);
    return ATOLL_OK;
}

static status read_all(model_db *db)
{
    model_view *view = model_view_newest(db);
    status result = ATOLL_OK;
    for (int64_t i = 0; i < THINGS && result == ATOLL_OK; i += 7) {
        value key = value_int(i), v;
        row_key row = 0;
        result = model_find(view, THING, &key, &row);
        for (property_key p = THING_ID; p <= THING_NEXT && row != 0 && result == ATOLL_OK; p++)
            result = model_get(view, THING, row, p, &v);
        uint64_t count = 0;
        if (result == ATOLL_OK && row != 0)
            result = model_list_size(view, THING, row, THING_NAMES, &count);
        for (uint64_t k = 0; k < count && result == ATOLL_OK; k++) {
            element_id id;
            result = model_list_get(view, THING, row, THING_NAMES, k, &v, &id);
        }
    }
    model_view_release(view);
    return result;
}

static status write_some(model_db *db)
{
    model_txn *txn = NULL;
    uint64_t version;
    value key = value_int(THINGS), size = value_int(1), name = value_string(bytes_text("new"));
    row_key row = 0;
    TRY(model_begin(db, COMMIT_LOCAL, &txn));
    status result = model_create(txn, THING, &key, &row);
    if (result == ATOLL_OK) result = model_set(txn, THING, row, THING_SIZE, &size);
    if (result == ATOLL_OK) result = model_list_insert(txn, THING, row, THING_NAMES, 0, &name);
    if (result == ATOLL_OK) return model_commit(txn, &version);
    model_rollback(txn);
    return result;
}

Test(reads, a_record_that_lies_is_no_crash, .timeout = 120)
{
    memory_disk *good = disk_of_things();
    uint64_t random = 20, refused = 0;
    log_set_level(LOG_ERROR + 1);
    for (int round = 0; round < 600; round++) {
        memory_disk *disk = memory_disk_copy(good);
        storage *store = NULL;
        model_db *db = NULL;
        model_options o = options();
        MUST(overwrite(disk, &random));
        MUST(storage_open_memory(disk, &store));
        status result = model_open(store, &o, NULL, &db);
        if (result == ATOLL_OK) {
            result = read_all(db);
            if (write_some(db) == ATOLL_OK && model_checkpoint(db) != ATOLL_OK) refused++;
            model_close(db);
        }
        refused += result != ATOLL_OK;
        memory_disk_free(disk);
    }
    cr_assert_gt(refused, 20, "only %lu of the lies were seen", refused);
    memory_disk_free(good);
}
