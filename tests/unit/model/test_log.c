/* The log as upload queue: local commits in order, folding, asymmetric payloads. */
#include "fixture.h"
#include <sys/wait.h>
#include <unistd.h>

enum { READING = 1, PLACE = 2, CELL = 3, SAMPLE = 4 };
enum { READING_ID = 1, READING_TEXT, READING_PLACE, READING_CELL, READING_CELLS, READING_NUMBERS };

static model_schema synced_schema(void)
{
    model_schema s = {0};
    size_t reading = 0, place = 0, cell = 0, sample = 0;
    MUST(schema_add_class(&s, bytes_text("Reading"), CLASS_ASYMMETRIC, &reading));
    MUST(schema_add_class(&s, bytes_text("Place"), CLASS_NORMAL, &place));
    MUST(schema_add_class(&s, bytes_text("Cell"), CLASS_EMBEDDED, &cell));
    MUST(schema_add_property(&s, reading, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    MUST(schema_add_property(&s, reading, bytes_text("text"), VALUE_STRING, 0, bytes_text("")));
    MUST(schema_add_property(&s, reading, bytes_text("place"), VALUE_LINK, PROPERTY_NULLABLE,
                             bytes_text("Place")));
    MUST(schema_add_property(&s, reading, bytes_text("cell"), VALUE_EMBEDDED, PROPERTY_NULLABLE,
                             bytes_text("Cell")));
    MUST(schema_add_property(&s, reading, bytes_text("cells"), VALUE_EMBEDDED, PROPERTY_LIST,
                             bytes_text("Cell")));
    MUST(schema_add_property(&s, reading, bytes_text("numbers"), VALUE_INT, PROPERTY_LIST,
                             bytes_text("")));
    MUST(schema_add_property(&s, place, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    MUST(schema_add_property(&s, place, bytes_text("name"), VALUE_STRING, 0, bytes_text("")));
    MUST(schema_add_property(&s, cell, bytes_text("volts"), VALUE_DOUBLE, 0, bytes_text("")));
    MUST(schema_add_class(&s, bytes_text("Sample"), CLASS_ASYMMETRIC, &sample));
    MUST(schema_add_property(&s, sample, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    MUST(schema_add_property(&s, sample, bytes_text("text"), VALUE_STRING, PROPERTY_INDEXED,
                             bytes_text("")));
    return s;
}

typedef struct realm {
    memory_disk *disk;
    model_options options;
    model_db *db;
} realm;

static void reopen(realm *r)
{
    storage *store = NULL;
    model_schema schema = synced_schema();
    if (r->db != NULL) model_close(r->db);
    MUST(storage_open_memory(r->disk, &store));
    MUST(model_open(store, &r->options, &schema, &r->db));
    schema_free(&schema);
}

static realm open_synced(void)
{
    realm r = {.disk = memory_disk_new(1), .options = test_options(true)};
    r.options.use = SCHEMA_FLEXIBLE;
    reopen(&r);
    return r;
}

static void close_realm(realm *r)
{
    model_close(r->db);
    memory_disk_free(r->disk);
    cr_assert_eq(memory_live_count(), 0, "something leaks");
}

static uint64_t write_place(model_db *db, commit_origin origin, int64_t key)
{
    model_txn *txn = NULL;
    value v = value_int(key);
    row_key row = 0;
    uint64_t version = 0;
    MUST(model_begin(db, origin, &txn));
    MUST(model_create(txn, PLACE, &v, &row));
    v = value_string(bytes_text("here"));
    MUST(model_set(txn, PLACE, row, 2, &v));
    MUST(model_commit(txn, &version));
    return version;
}

typedef struct seen {
    uint64_t versions[16];
    size_t count, rows, asymmetric;
    buffer payload;
} seen;

static status see(void *context, const local_commit *commit)
{
    seen *s = context;
    cr_assert(commit->wall_ms == 1700000000123 && commit->monotonic_ms == 4711 &&
              commit->boot_id == 4711);
    s->versions[s->count++] = commit->version;
    s->rows += model_changes_count(commit->changes);
    for (size_t i = 0; i < commit->asymmetric_count; i++) {
        s->asymmetric++;
        cr_assert_eq(commit->asymmetric[i].class_of, READING);
        buffer_clear(&s->payload);
        MUST(buffer_append(&s->payload, commit->asymmetric[i].payload.data,
                           commit->asymmetric[i].payload.size));
    }
    return ATOLL_OK;
}

static seen look(model_db *db, uint64_t after)
{
    seen s = {0};
    buffer_init(&s.payload, 1 << 20);
    MUST(model_local_commits(db, after, see, &s));
    return s;
}

Test(log, local_commits_are_given_in_order_until_they_are_folded)
{
    realm r = open_synced();
    uint64_t first = write_place(r.db, COMMIT_LOCAL, 1);
    write_place(r.db, COMMIT_REMOTE, 2);
    uint64_t third = write_place(r.db, COMMIT_LOCAL, 3);
    for (int pass = 0; pass < 3; pass++) {
        seen s = look(r.db, 0);
        cr_assert(s.count == 2 && s.versions[0] == first && s.versions[1] == third && s.rows == 2,
                  "pass %d", pass);
        cr_assert_eq(look(r.db, first).count, 1);
        if (pass == 0)
            MUST(model_checkpoint(r.db)); /* Redo is not needed any more, the queue is. */
        if (pass == 1) reopen(&r);
    }
    model_txn *txn = test_begin(r.db);
    MUST(model_set_folded(txn, first));
    test_commit(txn);
    cr_assert_eq(model_folded(r.db), first);
    MUST(model_checkpoint(r.db));
    seen s = look(r.db, 0);
    cr_assert_eq(s.versions[0], third, "the folded commit is gone");
    reopen(&r);
    cr_assert_eq(model_folded(r.db), first);
    model_view *view = model_view_newest(r.db);
    cr_assert_eq(model_count(view, PLACE), 3);
    model_view_release(view);
    close_realm(&r);
}

static value item(reader *r, property_key p)
{
    cr_assert_eq(reader_varint(r), p);
    return value_read(r);
}

Test(log, asymmetric_objects_become_payloads_and_are_gone)
{
    realm r = open_synced();
    write_place(r.db, COMMIT_REMOTE, 5);
    model_txn *txn = test_begin(r.db);
    value key = value_int(77), v = value_int(5);
    row_key row = 0, place = 0, cell = 0, kept = 0;
    MUST(model_find(model_txn_view(txn), PLACE, &v, &place));
    MUST(model_create(txn, READING, &key, &row));
    cr_assert_eq(model_create(txn, READING, &key, &kept), ATOLL_ERROR_DUPLICATE_PRIMARY_KEY);
    v = value_string(bytes_text("warm"));
    MUST(model_set(txn, READING, row, READING_TEXT, &v));
    v = (value){.type = VALUE_LINK, .as.row = place};
    MUST(model_set(txn, READING, row, READING_PLACE, &v));
    MUST(model_set_embedded(txn, READING, row, READING_CELL, &cell));
    v = value_double(1.5);
    MUST(model_set(txn, CELL, cell, 1, &v));
    MUST(model_list_insert_embedded(txn, READING, row, READING_CELLS, 0, &cell));
    v = value_double(2.5);
    MUST(model_set(txn, CELL, cell, 1, &v));
    v = value_int(9);
    MUST(model_list_insert(txn, READING, row, READING_NUMBERS, 0, &v));
    v = value_int(6);
    MUST(model_create(txn, PLACE, &v, &kept));
    cr_assert(model_alive(model_txn_view(txn), READING, row));
    uint64_t version = test_commit(txn);
    for (int pass = 0; pass < 2; pass++) {
        model_view *view = model_view_newest(r.db);
        row_key found = 1;
        cr_assert_not(model_alive(view, READING, row));
        MUST(model_find_any(view, READING, &key, &found));
        cr_assert(found == 0 && model_count(view, READING) == 0 && model_count(view, CELL) == 0 &&
                  model_count(view, PLACE) == 2);
        model_view_release(view);
        seen s = look(r.db, version - 1);
        cr_assert(s.count == 1 && s.asymmetric == 1 && s.rows == 1,
                  "only the normal object is a row change");
        reader payload = reader_of(buffer_view(&s.payload));
        cr_assert_eq(reader_varint(&payload), 6);
        cr_assert_eq(item(&payload, READING_ID).as.integer, 77);
        cr_assert(bytes_equal(item(&payload, READING_TEXT).as.text, bytes_text("warm")));
        cr_assert_eq(item(&payload, READING_PLACE).as.row, place);
        cr_assert_eq(reader_varint(&payload), READING_CELL);
        cr_assert_eq(reader_byte(&payload), VALUE_EMBEDDED);
        cr_assert_eq(reader_varint(&payload), 1);
        cr_assert_eq(item(&payload, 1).as.real, 1.5);
        cr_assert_eq(reader_varint(&payload), READING_CELLS);
        cr_assert_eq(reader_byte(&payload), VALUE_LIST);
        cr_assert_eq(reader_varint(&payload), 1);
        cr_assert_eq(reader_byte(&payload), VALUE_EMBEDDED);
        cr_assert_eq(reader_varint(&payload), 1);
        cr_assert_eq(item(&payload, 1).as.real, 2.5);
        cr_assert_eq(reader_varint(&payload), READING_NUMBERS);
        cr_assert_eq(reader_byte(&payload), VALUE_LIST);
        cr_assert_eq(reader_varint(&payload), 1);
        cr_assert_eq(value_read(&payload).as.integer, 9);
        cr_assert(payload.at == payload.end && !payload.failed);
        buffer_free(&s.payload);
        reopen(&r);
    }
    txn = test_begin(r.db);
    MUST(model_create(txn, READING, &key, &row));
    test_commit(txn);
    close_realm(&r);
}

Test(log, a_commit_of_asymmetric_objects_alone_is_a_commit)
{
    realm r = open_synced();
    uint64_t before = model_version(r.db);
    for (int64_t i = 0; i < 2500; i++) {
        model_txn *txn = i % 50 == 0 ? test_begin(r.db) : NULL;
        static model_txn *open;
        if (txn != NULL) open = txn;
        value key = value_int(i), text = value_string(bytes_text("a text"));
        row_key row = 0;
        MUST(model_create(open, READING, &key, &row));
        MUST(model_set(open, READING, row, READING_TEXT, &text));
        if (i % 50 == 49) test_commit(open);
    }
    cr_assert_eq(model_version(r.db), before + 50);
    reopen(&r);
    cr_assert_eq(model_version(r.db), before + 50);
    close_realm(&r);
}

Test(log, an_asymmetric_object_can_be_deleted_before_its_commit)
{
    realm r = open_synced();
    model_txn *txn = test_begin(r.db);
    value key = value_int(1);
    row_key row = 0;
    MUST(model_create(txn, READING, &key, &row));
    MUST(model_delete(txn, READING, row));
    MUST(model_create(txn, READING, &key, &row));
    uint64_t version = test_commit(txn);
    seen s = look(r.db, version - 1);
    cr_assert_eq(s.asymmetric, 1);
    buffer_free(&s.payload);
    close_realm(&r);
}

/* Rows without links and collections go with their whole class, not one by one. */
static void write_samples(realm *r, int64_t count, const char *text)
{
    model_txn *txn = test_begin(r->db);
    for (int64_t i = 0; i < count; i++) {
        value key = value_int(i), v = value_string(bytes_text(text));
        row_key row = 0, again = 0;
        MUST(model_create(txn, SAMPLE, &key, &row));
        cr_assert_eq(model_create(txn, SAMPLE, &key, &again), ATOLL_ERROR_DUPLICATE_PRIMARY_KEY);
        MUST(model_set(txn, SAMPLE, row, 2, &v));
        if (i % 10 == 3) MUST(model_delete(txn, SAMPLE, row));
    }
    test_commit(txn);
}

typedef struct samples {
    int64_t next;
    size_t text_size;
} samples;

static status see_samples(void *context, const local_commit *commit)
{
    samples *s = context;
    for (size_t i = 0; i < commit->asymmetric_count; i++) {
        reader payload = reader_of(commit->asymmetric[i].payload);
        cr_assert_eq(reader_varint(&payload), 2);
        cr_assert_eq(item(&payload, 1).as.integer, s->next);
        cr_assert_eq(item(&payload, 2).as.text.size, s->text_size);
        s->next += s->next % 10 == 2 ? 2 : 1;
    }
    return ATOLL_OK;
}

Test(log, plain_asymmetric_objects_leave_their_class_as_it_was)
{
    static char large[5000];
    realm r = open_synced();
    memset(large, 'x', sizeof large - 1);
    for (int pass = 0; pass < 4; pass++) {
        const char *text = pass % 2 == 0 ? "the same text" : large;
        uint64_t before = model_version(r.db);
        write_samples(&r, 300, text);
        samples s = {0, strlen(text)};
        MUST(model_local_commits(r.db, before, see_samples, &s));
        cr_assert_eq(s.next, 300);
        if (pass == 1) MUST(model_checkpoint(r.db));
        if (pass == 2) reopen(&r);
        model_view *view = model_view_newest(r.db);
        value key = value_int(7);
        row_key found = 1;
        MUST(model_find_any(view, SAMPLE, &key, &found));
        cr_assert(found == 0 && model_count(view, SAMPLE) == 0, "pass %d", pass);
        model_view_release(view);
    }
    close_realm(&r);
}

Test(log, a_forked_child_may_not_write)
{
    realm r = open_synced();
    pid_t child = fork();
    if (child == 0) {
        model_txn *txn = NULL;
        _exit(model_begin(r.db, COMMIT_LOCAL, &txn) == ATOLL_ERROR_FORKED ? 0 : 1);
    }
    int code = 1;
    cr_assert_eq(waitpid(child, &code, 0), child);
    cr_assert_eq(code, 0);
    close_realm(&r);
}
