/* The contract of model.h, one fact a test. */
#include "base/log.h"
#include "fixture.h"

typedef struct realm {
    memory_disk *disk;
    model_options options;
    model_db *db;
} realm;

static realm open_realm(bool identity)
{
    realm r = {.disk = memory_disk_new(1), .options = test_options(identity)};
    r.db = test_open(r.disk, &r.options);
    return r;
}

static void close_realm(realm *r)
{
    model_close(r->db);
    memory_disk_free(r->disk);
    cr_assert_eq(memory_live_count(), 0, "something leaks");
}

static void reopen(realm *r)
{
    model_close(r->db);
    r->db = test_open(r->disk, &r->options);
}

Test(model, checks_refuse_and_change_nothing)
{
    realm r = open_realm(false);
    model_txn *txn = test_begin(r.db);
    row_key row = test_create(txn, 1), out = 0;
    value key = value_int(1), null = value_null(), text = value_string(bytes_text("x")),
          bad = value_string(bytes_of("\xff", 1));
    value wrong_time = value_timestamp(5, -1), nowhere = {.type = VALUE_LINK, .as.row = 99};
    cr_assert_eq(model_create(txn, ITEM, &key, &out), ATOLL_ERROR_DUPLICATE_PRIMARY_KEY);
    cr_assert_neq(strstr(fail_text(), "Item"), NULL);
    cr_assert_eq(model_create(txn, ITEM, &text, &out), ATOLL_ERROR_TYPE_MISMATCH);
    cr_assert_eq(model_create(txn, ITEM, &null, &out), ATOLL_ERROR_NULL_NOT_ALLOWED);
    cr_assert_eq(model_create(txn, ITEM, NULL, &out), ATOLL_ERROR_NULL_NOT_ALLOWED);
    cr_assert_eq(model_create(txn, NOTE, &key, &out), ATOLL_ERROR_NO_PRIMARY_KEY);
    cr_assert_eq(model_create(txn, PART, NULL, &out), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(model_create(txn, 77, NULL, &out), ATOLL_ERROR_UNKNOWN_CLASS);
    cr_assert_eq(model_set(txn, ITEM, row, 77, &text), ATOLL_ERROR_UNKNOWN_PROPERTY);
    cr_assert_eq(model_set(txn, ITEM, row, ITEM_SCORE, &text), ATOLL_ERROR_TYPE_MISMATCH);
    cr_assert_eq(model_set(txn, ITEM, row, ITEM_SCORE, &null), ATOLL_ERROR_NULL_NOT_ALLOWED);
    cr_assert_eq(model_set(txn, ITEM, row, ITEM_NAME, &bad), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(model_set(txn, ITEM, row, ITEM_AT, &wrong_time), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(model_set(txn, ITEM, row, ITEM_LINK, &nowhere), ATOLL_ERROR_OBJECT_INVALID);
    cr_assert_eq(model_set(txn, ITEM, row, ITEM_TAGS, &text), ATOLL_ERROR_TYPE_MISMATCH);
    cr_assert_eq(model_set(txn, ITEM, 50, ITEM_NAME, &text), ATOLL_ERROR_OBJECT_INVALID);
    key = value_int(2);
    cr_assert_eq(model_set(txn, ITEM, row, ITEM_ID, &key), ATOLL_ERROR_PRIMARY_KEY_IMMUTABLE);
    cr_assert_eq(model_list_insert(txn, ITEM, row, ITEM_TAGS, 1, &text), ATOLL_ERROR_OUT_OF_RANGE);
    cr_assert_eq(model_list_set(txn, ITEM, row, ITEM_TAGS, 0, &text), ATOLL_ERROR_OUT_OF_RANGE);
    cr_assert_eq(model_list_erase(txn, ITEM, row, ITEM_TAGS, 0), ATOLL_ERROR_OUT_OF_RANGE);
    cr_assert_eq(model_list_insert(txn, ITEM, row, ITEM_NAME, 0, &text), ATOLL_ERROR_TYPE_MISMATCH);
    cr_assert_eq(model_list_insert(txn, ITEM, row, ITEM_MANY, 0, &text), ATOLL_ERROR_TYPE_MISMATCH);
    cr_assert_eq(out, 0);
    /* None of these broke the transaction. */
    test_set(txn, ITEM, row, ITEM_NAME, text);
    test_commit(txn);
    close_realm(&r);
}

Test(model, a_value_at_the_limit_fits_and_one_past_it_does_not)
{
    realm r = open_realm(false);
    char *big = calloc(1, LIMIT_VALUE_SIZE_MAX + 1);
    model_txn *txn = test_begin(r.db);
    row_key row = test_create(txn, 1);
    value at = value_binary(bytes_of(big, LIMIT_VALUE_SIZE_MAX)),
          past = value_binary(bytes_of(big, LIMIT_VALUE_SIZE_MAX + 1));
    cr_assert_eq(model_set(txn, ITEM, row, ITEM_DATA, &past), ATOLL_ERROR_LIMIT_EXCEEDED);
    MUST(model_set(txn, ITEM, row, ITEM_DATA, &at));
    test_commit(txn);
    reopen(&r);
    model_view *view = model_view_newest(r.db);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_DATA).as.text.size, LIMIT_VALUE_SIZE_MAX);
    model_view_release(view);
    free(big);
    close_realm(&r);
}

Test(model, a_fresh_object_reads_as_defaults)
{
    realm r = open_realm(false);
    model_txn *txn = test_begin(r.db);
    row_key row = test_create(txn, 1);
    const model_view *view = model_txn_view(txn);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_NAME).type, VALUE_NULL);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_SCORE).as.real, 0.0);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_SCORE).type, VALUE_DOUBLE);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_AT).as.timestamp.seconds, 0);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_DONE).type, VALUE_NULL);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_DATA).as.text.size, 0);
    cr_assert_eq(test_get(view, ITEM, row, ITEM_DATA).type, VALUE_BINARY);
    cr_assert_eq(model_list_count(view, ITEM, row, ITEM_TAGS), 0);
    model_rollback(txn);
    close_realm(&r);
}

Test(model, identity_rows_give_a_key_its_old_row_and_light_links_up)
{
    realm r = open_realm(true);
    model_txn *txn = test_begin(r.db);
    row_key target = test_create(txn, 1), holder = test_create(txn, 2), ghost = 0, again = 0;
    value key = value_int(9), link = {.type = VALUE_LINK, .as.row = target};
    test_set(txn, ITEM, holder, ITEM_LINK, link);
    test_set(txn, ITEM, target, ITEM_COUNT, value_int(5));
    MUST(model_delete(txn, ITEM, target));
    const model_view *view = model_txn_view(txn);
    cr_assert_eq(test_get(view, ITEM, holder, ITEM_LINK).type, VALUE_NULL);
    MUST(model_get_raw(view, ITEM, holder, ITEM_LINK, &link));
    cr_assert_eq(link.as.row, target);
    cr_assert_eq(test_get(view, ITEM, target, ITEM_ID).as.integer, 1, "a dead row keeps its key");
    cr_assert_eq(model_get(view, ITEM, target, ITEM_COUNT, &link), ATOLL_ERROR_OBJECT_INVALID);
    cr_assert_eq(test_create(txn, 1), target);
    cr_assert_eq(test_get(view, ITEM, target, ITEM_COUNT).as.integer, 0, "a revived row is empty");
    cr_assert_eq(test_get(view, ITEM, holder, ITEM_LINK).as.row, target);
    MUST(model_ghost(txn, ITEM, &key, &ghost));
    MUST(model_ghost(txn, ITEM, &key, &again));
    cr_assert(ghost == again && !model_alive(view, ITEM, ghost) && test_find(view, 9) == 0);
    link = (value){.type = VALUE_LINK, .as.row = ghost};
    test_set(txn, ITEM, holder, ITEM_LINK, link);
    cr_assert_eq(test_get(view, ITEM, holder, ITEM_LINK).type, VALUE_NULL);
    test_commit(txn);
    reopen(&r);
    txn = test_begin(r.db);
    cr_assert_eq(test_create(txn, 9), ghost);
    cr_assert_eq(test_get(model_txn_view(txn), ITEM, holder, ITEM_LINK).as.row, ghost);
    test_commit(txn);
    close_realm(&r);
}

Test(model, without_identity_rows_a_deleted_key_gets_another_row)
{
    realm r = open_realm(false);
    model_txn *txn = test_begin(r.db);
    row_key first = test_create(txn, 1), holder = test_create(txn, 2), any = 99;
    value key = value_int(1), link = {.type = VALUE_LINK, .as.row = first};
    test_set(txn, ITEM, holder, ITEM_LINK, link);
    MUST(model_delete(txn, ITEM, first));
    MUST(model_find_any(model_txn_view(txn), ITEM, &key, &any));
    cr_assert_eq(any, 0);
    cr_assert_neq(test_create(txn, 1), first);
    cr_assert_eq(test_get(model_txn_view(txn), ITEM, holder, ITEM_LINK).type, VALUE_NULL);
    test_commit(txn);
    close_realm(&r);
}

Test(model, a_hidden_row_keeps_its_values_and_looks_deleted)
{
    realm r = open_realm(true);
    model_txn *txn = test_begin(r.db);
    row_key row = test_create(txn, 1), part = 0;
    test_set(txn, ITEM, row, ITEM_COUNT, value_int(5));
    MUST(model_set_embedded(txn, ITEM, row, ITEM_ONE, &part));
    uint64_t from = test_commit(txn);
    model_view *old = model_view_newest(r.db);
    txn = test_begin(r.db);
    MUST(model_hide(txn, ITEM, row, true));
    cr_assert(!model_alive(model_txn_view(txn), ITEM, row) &&
              !model_alive(model_txn_view(txn), PART, part));
    cr_assert_eq(test_get(model_txn_view(txn), ITEM, row, ITEM_COUNT).as.integer, 5);
    cr_assert_eq(model_count(model_txn_view(txn), ITEM), 0);
    uint64_t hidden = test_commit(txn);
    model_changes *changes = NULL;
    MUST(model_changes_between(r.db, from, hidden, &changes));
    cr_assert_eq(model_changes_count(changes), 2);
    cr_assert(model_changes_row(changes, 0)->deleted && !model_changes_row(changes, 0)->created);
    model_changes_free(changes);
    txn = test_begin(r.db);
    MUST(model_hide(txn, ITEM, row, false));
    cr_assert(model_alive(model_txn_view(txn), ITEM, row) &&
              model_alive(model_txn_view(txn), PART, part));
    cr_assert_eq(test_get(model_txn_view(txn), ITEM, row, ITEM_COUNT).as.integer, 5);
    test_commit(txn);
    model_view_release(old);
    close_realm(&r);
}

Test(model, a_segment_gives_its_columns_as_arrays)
{
    realm r = open_realm(false);
    model_txn *txn = test_begin(r.db);
    for (int i = 1; i <= 1500; i++) {
        char text[16];
        row_key row = test_create(txn, i);
        snprintf(text, sizeof text, "n%d", i);
        if (i % 3 != 0) test_set(txn, ITEM, row, ITEM_NAME, value_string(bytes_text(text)));
        test_set(txn, ITEM, row, ITEM_SCORE, value_double(i));
        test_set(txn, ITEM, row, ITEM_COUNT, value_int(-i));
    }
    for (int pass = 0; pass < 2; pass++) { /* Uncommitted, then committed. */
        model_view *newest = pass == 0 ? NULL : model_view_newest(r.db);
        const model_view *view = pass == 0 ? model_txn_view(txn) : newest;
        model_segment segment;
        uint64_t cursor = 0, seen = 0;
        status scanned = ATOLL_OK;
        while (model_scan(view, ITEM, &cursor, &segment, &scanned)) {
            model_column name, score, count, uid;
            MUST(model_segment_column(view, ITEM, &segment, ITEM_NAME, &name));
            MUST(model_segment_column(view, ITEM, &segment, ITEM_SCORE, &score));
            MUST(model_segment_column(view, ITEM, &segment, ITEM_COUNT, &count));
            MUST(model_segment_column(view, ITEM, &segment, ITEM_UID, &uid));
            cr_assert(!uid.present && name.present && score.present);
            for (unsigned i = 0; i < MODEL_BLOCK_ROWS; i++) {
                if ((segment.alive[i / 64] >> (i % 64) & 1) == 0) continue;
                int64_t n = (int64_t)(segment.first + i);
                char text[16];
                snprintf(text, sizeof text, "n%ld", (long)n);
                bool null = name.null_bits != NULL && (name.null_bits[i / 64] >> (i % 64) & 1) != 0;
                cr_assert_eq(null, n % 3 == 0);
                bytes got =
                    bytes_of(name.heap + name.offsets[i], name.offsets[i + 1] - name.offsets[i]);
                cr_assert(bytes_equal(got, null ? bytes_of("", 0) : bytes_text(text)), "row %ld",
                          (long)n);
                cr_assert(score.doubles[i] == (double)n && count.integers[i] == -n);
                cr_assert(score.has_range && score.double_minimum <= score.doubles[i] &&
                          score.double_maximum >= score.doubles[i]);
                cr_assert(count.has_range && count.integer_minimum <= -n &&
                          count.integer_maximum >= -n);
                seen++;
            }
        }
        cr_assert_eq(seen, 1500);
        model_view_release(newest);
        if (pass == 0) test_commit(txn);
    }
    close_realm(&r);
}

/* Leaves of the key index come from the store together with their siblings: each must be of the reader's version, though
 * the store has newer ones by then. */
Test(model, keys_that_are_loaded_together_are_those_of_the_readers_version)
{
    enum { KEYS = 4096, CHANGED = 60 };
    realm r = open_realm(false);
    model_txn *txn = test_begin(r.db);
    for (int i = 0; i < KEYS; i++) test_create(txn, i);
    test_commit(txn);
    reopen(&r);
    model_view *old = model_view_newest(r.db);
    for (int i = 0; i < 40; i++) cr_assert_neq(test_find(old, i), 0);
    txn = test_begin(r.db);
    for (int i = 0; i < CHANGED; i++) {
        MUST(model_delete(txn, ITEM, test_find(model_txn_view(txn), i)));
        test_create(txn, KEYS + i);
    }
    test_commit(txn);
    MUST(model_checkpoint(r.db));
    model_view *new = model_view_newest(r.db);
    for (int i = 0; i < KEYS + CHANGED; i++) {
        row_key before = test_find(old, i), after = test_find(new, i);
        cr_assert_eq(before != 0, i < KEYS, "key %d in the old version", i);
        cr_assert_eq(after != 0, i >= CHANGED, "key %d in the new version", i);
        if (i >= CHANGED && i < KEYS) cr_assert_eq(before, after);
        if (before != 0) cr_assert_eq(test_get(old, ITEM, before, ITEM_ID).as.integer, i);
    }
    model_view_release(old);
    model_view_release(new);
    close_realm(&r);
}

Test(model, the_side_table_goes_with_the_commit)
{
    realm r = open_realm(true);
    buffer out;
    bool found = true;
    bytes key, v;
    buffer_init(&out, 1 << 20);
    model_txn *txn = test_begin(r.db);
    MUST(model_side_put(txn, bytes_text("a"), bytes_text("1")));
    MUST(model_side_put(txn, bytes_text("b"), bytes_text("2")));
    MUST(model_side_put(txn, bytes_text("b"), bytes_text("3")));
    MUST(model_side_delete(txn, bytes_text("a")));
    MUST(model_side_get(r.db, bytes_text("b"), &out, &found));
    cr_assert_not(found, "uncommitted");
    MUST(model_side_get_txn(txn, bytes_text("b"), &out, &found));
    cr_assert(found && bytes_equal(buffer_view(&out), bytes_text("3")));
    MUST(model_side_get_txn(txn, bytes_text("a"), &out, &found));
    cr_assert_not(found);
    test_commit(txn);
    txn = test_begin(r.db);
    MUST(model_side_put(txn, bytes_text("c"), bytes_text("4")));
    model_rollback(txn);
    storage_iterator *i = NULL;
    MUST(model_side_iterate(r.db, bytes_text("a"), bytes_of(NULL, 0), &i));
    cr_assert(storage_iterator_next(i, &key, &v));
    cr_assert(bytes_equal(key, bytes_text("b")) && bytes_equal(v, bytes_text("3")));
    cr_assert_not(storage_iterator_next(i, &key, &v));
    storage_iterator_free(i);
    buffer_free(&out);
    close_realm(&r);
}

Test(model, an_empty_transaction_makes_no_version)
{
    realm r = open_realm(false);
    uint64_t before = model_version(r.db);
    cr_assert_eq(test_commit(test_begin(r.db)), before);
    cr_assert_eq(model_version(r.db), before);
    close_realm(&r);
}

Test(model, changes_are_kept_while_an_older_view_is_held)
{
    realm r = open_realm(false);
    model_changes *changes = NULL;
    model_view *view = model_view_newest(r.db);
    uint64_t from = model_view_version(view);
    for (int i = 0; i < 3; i++) {
        model_txn *txn = test_begin(r.db);
        row_key row = i == 0 ? test_create(txn, 1) : test_find(model_txn_view(txn), 1);
        model_txn_set_default(txn, i == 1);
        test_set(txn, ITEM, row, i == 2 ? ITEM_NAME : ITEM_COUNT,
                 i == 2 ? value_null() : value_int(i));
        test_commit(txn);
    }
    MUST(model_changes_between(r.db, from, from + 3, &changes));
    cr_assert_eq(model_changes_count(changes), 1);
    const row_change *c = model_changes_row(changes, 0);
    cr_assert(c->created && !c->deleted && c->property_count == 2);
    cr_assert(c->properties[0] == ITEM_COUNT && c->defaults[0] == 1 &&
              c->properties[1] == ITEM_NAME && c->defaults[1] == 0);
    model_changes_free(changes);
    MUST(model_changes_between(r.db, from + 1, from + 1, &changes));
    cr_assert_eq(model_changes_count(changes), 0);
    model_changes_free(changes);
    model_view_release(view);
    cr_assert_eq(model_changes_between(r.db, from, from + 3, &changes), ATOLL_ERROR_OUT_OF_RANGE);
    cr_assert_eq(model_changes_between(r.db, from, from + 4, &changes), ATOLL_ERROR_OUT_OF_RANGE);
    close_realm(&r);
}

Test(model, another_use_a_newer_format_or_foreign_data_is_refused)
{
    model_options options = test_options(false), synced = options;
    memory_disk *disk = memory_disk_new(1);
    storage *store = NULL;
    storage_batch *batch = NULL;
    model_db *db = test_open(disk, &options);
    model_close(db);
    synced.use = SCHEMA_FLEXIBLE;
    MUST(storage_open_memory(disk, &store));
    cr_assert_eq(model_open(store, &synced, NULL, &db), ATOLL_ERROR_MISMATCHED_CONFIG);
    /* crc32c, then the version: what a later library would have written, and one before the first release. */
    const status refused[] = {ATOLL_ERROR_NOT_SUPPORTED, ATOLL_OK, ATOLL_ERROR_FILE_NEWER_FORMAT};
    for (uint8_t format = 0; format < 3; format += 2) {
        uint8_t record[12] = {0, 0, 0, 0, format};
        uint32_t crc = crc32c(0, record + 4, 8);
        memcpy(record, &crc, 4);
        MUST(storage_open_memory(disk, &store));
        MUST(storage_batch_new(store, &batch));
        MUST(storage_batch_put(batch, bytes_text("MF"), bytes_of(record, sizeof record)));
        MUST(storage_write(store, batch, true));
        storage_batch_free(batch);
        cr_assert_eq(model_open(store, &options, NULL, &db), refused[format], "%s", fail_text());
    }
    memory_disk *foreign = memory_disk_new(2);
    MUST(storage_open_memory(foreign, &store));
    MUST(storage_batch_new(store, &batch));
    MUST(storage_batch_put(batch, bytes_text("hello"), bytes_text("world")));
    MUST(storage_write(store, batch, true));
    storage_batch_free(batch);
    cr_assert_eq(model_open(store, &options, NULL, &db), ATOLL_ERROR_FILE_NOT_REALM, "%s",
                 fail_text());
    memory_disk_free(foreign);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

Test(model, a_flipped_bit_in_a_stored_block_is_noticed)
{
    int noticed = 0, records = 0;
    log_set_level(LOG_OFF);
    for (int victim = 0; victim < 40; victim++) {
        realm r = open_realm(false);
        model_txn *txn = test_begin(r.db);
        row_key row = test_create(txn, 1), part = 0;
        value tag = value_string(bytes_text("tag"));
        test_set(txn, ITEM, row, ITEM_NAME, value_string(bytes_text("name")));
        MUST(model_list_insert(txn, ITEM, row, ITEM_TAGS, 0, &tag));
        MUST(model_set_embedded(txn, ITEM, row, ITEM_ONE, &part));
        test_commit(txn);
        model_close(r.db);
        storage *store = NULL;
        storage_iterator *i = NULL;
        storage_batch *batch = NULL;
        bytes key, v;
        bool hit = false;
        MUST(storage_open_memory(r.disk, &store));
        MUST(storage_batch_new(store, &batch));
        MUST(storage_iterate(store, bytes_of("", 0), bytes_of(NULL, 0), &i));
        for (int at = 0; storage_iterator_next(i, &key, &v); at++) {
            records = at + 1;
            if (at != victim) continue;
            uint8_t damaged[4096];
            cr_assert_leq(v.size, sizeof damaged);
            memcpy(damaged, v.data, v.size);
            damaged[v.size / 2] ^= 4;
            MUST(storage_batch_put(batch, key, bytes_of(damaged, v.size)));
            hit = true;
        }
        storage_iterator_free(i);
        MUST(storage_write(store, batch, true));
        storage_batch_free(batch);
        model_schema schema = test_schema();
        status result = model_open(store, &r.options, &schema, &r.db);
        schema_free(&schema);
        if (result == ATOLL_OK) {
            model_view *view = model_view_newest(r.db);
            value k = value_int(1), got;
            row_key found = 0;
            result = model_find(view, ITEM, &k, &found);
            for (property_key p = ITEM_NAME; p <= ITEM_COUNT && result == ATOLL_OK && found != 0;
                 p++)
                if (p != ITEM_TAGS && p != ITEM_MANY) result = model_get(view, ITEM, row, p, &got);
            uint64_t links = 0;
            if (result == ATOLL_OK) result = model_backlink_count(view, ITEM, row, &links);
            if (result == ATOLL_OK)
                result = model_list_get(view, ITEM, row, ITEM_TAGS, 0, &got, NULL);
            if (result == ATOLL_OK) result = model_owner_get(view, PART, part, &(model_owner){0});
            model_view_release(view);
            model_close(r.db);
        }
        noticed += hit && result != ATOLL_OK;
        memory_disk_free(r.disk);
        cr_assert_eq(memory_live_count(), 0);
    }
    /* The embedded object's index and its element column are not read above. */
    cr_assert_geq(noticed, records - 3, "%d of %d damaged records were noticed", noticed, records);
}

/* ---- threads ---- */
#include <pthread.h>

typedef struct worker {
    model_db *db;
    int64_t first;
    int commits;
} worker;

static void *work(void *context)
{
    worker *w = context;
    for (int i = 0; i < w->commits; i++) {
        model_txn *txn = test_begin(w->db);
        test_create(txn, w->first + i);
        test_commit(txn);
        model_view *view = model_view_newest(w->db);
        cr_assert_neq(test_find(view, w->first + i), 0);
        model_view_release(view);
    }
    return NULL;
}

static void *look(void *context)
{
    worker *w = context;
    for (int i = 0; i < w->commits; i++) {
        model_view *view = model_view_newest(w->db);
        model_segment segment;
        uint64_t cursor = 0, seen = 0;
        status scanned = ATOLL_OK;
        while (model_scan(view, ITEM, &cursor, &segment, &scanned)) seen += segment.alive_count;
        cr_assert_eq(seen, model_count(view, ITEM));
        model_view_release(view);
        if (i % 50 == 0) MUST(model_checkpoint(w->db));
    }
    return NULL;
}

Test(model, threads_write_one_after_the_other_and_read_whenever)
{
    realm r = open_realm(false);
    pthread_t threads[6];
    worker workers[6];
    for (int i = 0; i < 6; i++) {
        workers[i] = (worker){.db = r.db, .first = i * 1000, .commits = 300};
        pthread_create(&threads[i], NULL, i < 4 ? work : look, &workers[i]);
    }
    for (int i = 0; i < 6; i++) pthread_join(threads[i], NULL);
    model_view *view = model_view_newest(r.db);
    cr_assert_eq(model_count(view, ITEM), 1200);
    cr_assert_eq(model_view_version(view), 1 + 1200);
    model_view_release(view);
    reopen(&r);
    view = model_view_newest(r.db);
    cr_assert_eq(model_count(view, ITEM), 1200);
    model_view_release(view);
    close_realm(&r);
}

static void note_version(void *context, uint64_t version, commit_origin origin)
{
    cr_assert_eq(origin, COMMIT_LOCAL);
    *(uint64_t *)context = version;
}

Test(model, a_listener_hears_of_each_commit_until_it_leaves)
{
    realm r = open_realm(false);
    uint64_t heard = 0;
    MUST(model_listen(r.db, note_version, &heard));
    model_txn *txn = test_begin(r.db);
    test_create(txn, 1);
    uint64_t version = test_commit(txn);
    cr_assert_eq(heard, version);
    model_unlisten(r.db, note_version, &heard);
    txn = test_begin(r.db);
    test_create(txn, 2);
    test_commit(txn);
    cr_assert_eq(heard, version);
    close_realm(&r);
}

/* A peer that says so could else take it from an object that it may not write, or let it hold itself. */
Test(model, what_is_embedded_stays_where_it_is)
{
    realm r = open_realm(true);
    model_txn *txn = test_begin(r.db);
    row_key first = test_create(txn, 1), second = test_create(txn, 2), part = 0, again = 0;
    uint8_t id[16];
    MUST(model_set_embedded(txn, ITEM, first, ITEM_ONE, &part));
    MUST(model_embedded_identity(model_txn_view(txn), PART, part, id));
    model_owner here = {.class_of = ITEM, .row = first, .property = ITEM_ONE}, there = here;
    there.row = second;
    cr_assert_eq(model_embedded_put(txn, PART, id, &there, &again), ATOLL_ERROR_INVALID_ARGUMENT);
    there = (model_owner){.class_of = PART, .row = part, .property = PART_DEEP};
    cr_assert_eq(model_embedded_put(txn, PART, id, &there, &again), ATOLL_ERROR_INVALID_ARGUMENT);
    MUST(model_embedded_put(txn, PART, id, &here, &again));
    cr_assert_eq(again, part);
    test_commit(txn);
    close_realm(&r);
}
