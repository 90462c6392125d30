/* The pending table and the outbox against plain arrays: whatever is shared, split, dropped or acknowledged, each row has what
 * was written last, also after a rollback, a reopening and a power cut. */
#include "sync/outbox.h"
#include "sync/pending_block.h"

#include "../model/fixture.h"

enum { ROWS = 1500, CLASSES = 2, FIELDS = 2 };

typedef struct plain_entry {
    bool there;
    uint64_t base, created, newest, versions[FIELDS]; /* 0: no such field */
} plain_entry;

typedef struct world {
    random_state random;
    memory_disk *disk;
    model_options options;
    model_db *db;
    plain_entry now[CLASSES][ROWS], committed[CLASSES][ROWS], durable[CLASSES][ROWS];
} world;

static world w;

static pending_entry entry_of(const plain_entry *p, class_key c, row_key row, pending_field *fields)
{
    pending_entry e = {
        .class_of = c, .row = row, .base = p->base, .created = p->created, .newest = p->newest};
    e.fields.items = fields;
    for (property_key i = 0; i < FIELDS; i++) {
        if (p->versions[i] == 0) continue;
        fields[e.fields.count++] = (pending_field){.property = i + 2, .version = p->versions[i]};
    }
    return e;
}

static void expect_entry(const pending_entry *e, class_key c, row_key row)
{
    const plain_entry *p = &w.now[c - 1][row];
    size_t fields = 0;
    cr_assert(p->there, "row %llu has nothing pending", (unsigned long long)row);
    cr_assert_eq(e->base, p->base);
    cr_assert_eq(e->created, p->created);
    cr_assert_eq(e->newest, p->newest);
    for (property_key i = 0; i < FIELDS; i++) {
        if (p->versions[i] == 0) continue;
        cr_assert_lt(fields, e->fields.count);
        cr_assert_eq(e->fields.items[fields].property, i + 2);
        cr_assert_eq(e->fields.items[fields++].version, p->versions[i]);
    }
    cr_assert_eq(fields, e->fields.count);
}

static void expect_row(model_txn *txn, class_key c, row_key row)
{
    pending_entry e;
    bool found = false;
    MUST(pending_get(txn, c, row, &e, &found));
    cr_assert_eq(found, w.now[c - 1][row].there, "row %llu", (unsigned long long)row);
    if (found) expect_entry(&e, c, row);
    cr_assert(e.class_of == c && e.row == row);
    pending_entry_free(&e);
}

typedef struct seen_rows {
    size_t count;
    class_key c;
    row_key next;
} seen_rows;

static status see_run(void *context, const pending_run *run)
{
    seen_rows *s = context;
    cr_assert(run->class_of > s->c || (run->class_of == s->c && run->first >= s->next),
              "out of order");
    for (uint32_t i = 0; i < run->count; i++)
        expect_entry(run->entry, run->class_of, run->first + i);
    s->count += run->count;
    s->c = run->class_of;
    s->next = run->first + run->count;
    return ATOLL_OK;
}

static void expect_all(void)
{
    seen_rows seen = {0};
    size_t wanted = 0;
    bool any = false;
    for (size_t i = 0; i < (size_t)CLASSES * ROWS; i++) wanted += w.now[i / ROWS][i % ROWS].there;
    MUST(pending_each_run(w.db, see_run, &seen));
    cr_assert_eq(seen.count, wanted);
    MUST(pending_any(w.db, &any));
    cr_assert_eq(any, wanted != 0);
}

/* A run of rows gets the same, as a commit of many objects makes it; or all of them lose theirs. */
static void change_run(model_txn *txn)
{
    class_key c = 1 + (class_key)random_below(&w.random, CLASSES);
    row_key first = random_below(&w.random, ROWS);
    uint64_t count = random_below(&w.random, 2) == 0 ? 1 : random_below(&w.random, 700);
    bool drops = random_below(&w.random, 3) == 0;
    plain_entry p = {.there = true,
                     .base = random_below(&w.random, 3),
                     .created = random_below(&w.random, 3),
                     .newest = 1 + random_below(&w.random, 1000)};
    for (int i = 0; i < FIELDS; i++) p.versions[i] = random_below(&w.random, 3);
    for (row_key row = first; row < first + count && row < ROWS; row++) {
        pending_field fields[FIELDS];
        pending_entry e = entry_of(&p, c, row, fields);
        w.now[c - 1][row] = drops ? (plain_entry){0} : p;
        if (drops)
            MUST(pending_drop(txn, c, row));
        else
            MUST(pending_put(txn, &e));
        if (count > 600) p.newest++; /* Each another one: nothing is shared. */
    }
}

static void one_transaction(void)
{
    model_txn *txn = NULL;
    MUST(model_begin(w.db, COMMIT_REMOTE, &txn));
    for (uint64_t i = random_below(&w.random, 12); i > 0; i--) {
        change_run(txn);
        for (int k = 0; k < 20; k++)
            expect_row(txn, 1 + (class_key)random_below(&w.random, CLASSES),
                       random_below(&w.random, ROWS));
    }
    if (random_below(&w.random, 4) == 0) {
        model_rollback(txn);
        memcpy(w.now, w.committed, sizeof w.now);
        return;
    }
    MUST(model_commit_as(txn, true, NULL));
    memcpy(w.committed, w.now, sizeof w.now);
    memcpy(w.durable, w.now, sizeof w.now);
}

static void world_begin(uint64_t seed)
{
    memset(&w, 0, sizeof w);
    w.random.state = seed;
    w.disk = memory_disk_new(seed);
    w.options = test_options(true);
    w.db = test_open(w.disk, &w.options);
}

static void world_end(void)
{
    model_close(w.db);
    memory_disk_free(w.disk);
}

Test(pending, every_row_has_what_was_written_last)
{
    for (uint64_t seed = 1; seed <= 25; seed++) {
        world_begin(seed);
        for (int i = 0; i < 25; i++) {
            one_transaction();
            expect_all();
            if (i % 8 != 7) continue;
            bool cut = random_below(&w.random, 2) == 0;
            if (cut) memory_disk_crash(w.disk);
            model_close(w.db);
            w.db = test_open(w.disk, &w.options);
            if (cut) memcpy(w.now, w.durable, sizeof w.now);
            memcpy(w.committed, w.now, sizeof w.now);
            expect_all();
        }
        world_end();
    }
}

static status count_run(void *context, const pending_run *run)
{
    uint64_t *sum = context;
    cr_assert_eq(run->count, 1); /* No two are alike. */
    cr_assert_eq(run->entry->newest, run->first + 1);
    *sum += run->entry->newest;
    return ATOLL_OK;
}

/* More than a transaction holds of entries that nobody shares: they are written and read again before it ends. */
Test(pending, a_transaction_holds_a_bounded_number_of_entries)
{
    enum { MANY = 300000 };
    model_txn *txn = NULL;
    uint64_t sum = 0;
    world_begin(1);
    MUST(model_begin(w.db, COMMIT_REMOTE, &txn));
    for (row_key row = 0; row < MANY; row++) {
        pending_entry e = {.class_of = 1, .row = row, .newest = row + 1};
        MUST(pending_put(txn, &e));
    }
    for (int i = 0; i < 1000; i++) {
        pending_entry e;
        bool found = false;
        row_key row = random_below(&w.random, MANY);
        MUST(pending_get(txn, 1, row, &e, &found));
        cr_assert(found && e.newest == row + 1);
        pending_entry_free(&e);
    }
    MUST(model_commit(txn, NULL));
    MUST(pending_each_run(w.db, count_run, &sum));
    cr_assert_eq(sum, (uint64_t)MANY * (MANY + 1) / 2);
    world_end();
}

/* ---- local commits ---- */

static void fold_all(sync_state *state)
{
    model_txn *txn = NULL;
    uint64_t newest = 0;
    MUST(model_begin(w.db, COMMIT_REMOTE, &txn));
    MUST(pending_fold(txn, w.db, state, &newest));
    MUST(sync_state_write(txn, state));
    MUST(model_commit(txn, NULL));
}

/* Rows made, changed and deleted before anything of them was sent, many alike and some not. */
static void local_commit_of(row_key *rows, size_t *count)
{
    model_txn *txn = test_begin(w.db);
    uint64_t version = model_txn_version(txn);
    size_t old = *count, made = random_below(&w.random, 2) * random_below(&w.random, 400);
    for (size_t i = old; i < old + made && i < ROWS - 1; i++, ++*count) {
        rows[i] = test_create(txn, (int64_t)i);
        cr_assert_lt(rows[i], ROWS);
        test_set(txn, ITEM, rows[i], ITEM_NAME, value_string(bytes_text("a")));
        w.now[0][rows[i]] = (plain_entry){
            .there = true, .created = version, .newest = version, .versions = {version}};
    }
    size_t first = *count == 0 ? 0 : random_below(&w.random, *count), step = 1 + first % 3;
    for (size_t i = first; i < *count && i < first + 300; i += step) {
        plain_entry *p = &w.now[0][rows[i]];
        if (rows[i] == 0) continue;
        bool ends = random_below(&w.random, 20) == 0 && p->created != 0 && i < old;
        if (ends) {
            MUST(model_delete(txn, ITEM, rows[i]));
            *p = (plain_entry){0};
            rows[i] = 0;
            continue;
        }
        test_set(txn, ITEM, rows[i], ITEM_SCORE, value_double((double)version));
        p->there = true;
        p->newest = p->versions[1] = version;
    }
    test_commit(txn);
}

static void acknowledge(sync_state *state, uint64_t bound)
{
    model_txn *txn = NULL;
    MUST(model_begin(w.db, COMMIT_REMOTE, &txn));
    MUST(pending_acknowledge(txn, w.db, bound));
    state->sent_bound = 0;
    MUST(sync_state_write(txn, state));
    MUST(model_commit(txn, NULL));
    for (size_t row = 0; row < ROWS; row++) {
        plain_entry *p = &w.now[0][row];
        if (p->created <= bound) p->created = 0;
        for (int i = 0; i < FIELDS; i++)
            if (p->versions[i] <= bound) p->versions[i] = 0;
        if (p->created == 0 && p->versions[0] == 0 && p->versions[1] == 0) *p = (plain_entry){0};
    }
}

/* A batch is snapshot, more is written and folded meanwhile, and the acknowledgement drops exactly what the batch had. */
Test(pending, commits_fold_row_by_row_and_an_acknowledgement_drops_what_was_sent)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        row_key rows[ROWS] = {0};
        size_t count = 0;
        sync_state state = {.next_sequence = 1};
        world_begin(seed);
        for (int i = 0; i < 8; i++) {
            for (uint64_t k = 1 + random_below(&w.random, 3); k > 0; k--)
                local_commit_of(rows, &count);
            if (random_below(&w.random, 2) == 0) fold_all(&state);
            /* What is in flight is not deleted here: that has rules of its own (the simulator's worlds). */
            if (i % 2 == 0) continue;
            fold_all(&state);
            expect_all();
            uint64_t bound = model_folded(w.db);
            acknowledge(&state, bound);
            expect_all();
        }
        world_end();
    }
}

/* ---- outbox ---- */

typedef struct plain_outbox {
    uint64_t versions[5000];
    uint32_t sizes[5000];
    uint64_t first, next; /* sequences */
} plain_outbox;
typedef struct outbox_walk {
    plain_outbox *plain;
    uint64_t next, stop_at, record;
} outbox_walk;

static status see_object(void *context, const outbox_object *o)
{
    outbox_walk *walk = context;
    if (o->sequence == walk->stop_at) return ATOLL_ERROR_CANCELLED;
    cr_assert_eq(o->sequence, walk->next++);
    cr_assert_eq(o->version, walk->plain->versions[o->sequence]);
    cr_assert_eq(o->payload.size, walk->plain->sizes[o->sequence]);
    cr_assert_eq(o->class_of, 1 + o->sequence % 3);
    if (o->payload.size > 0) cr_assert_eq(o->payload.data[0], (uint8_t)o->sequence);
    walk->record = o->record;
    return ATOLL_OK;
}

/* In two parts, as messages take them. */
static void expect_outbox(plain_outbox *plain)
{
    outbox_walk walk = {plain, plain->first, 0, 0};
    walk.stop_at = plain->first + random_below(&w.random, plain->next - plain->first + 1);
    if (walk.stop_at == plain->next) walk.stop_at = 0;
    status result = outbox_each(w.db, 0, 0, see_object, &walk);
    cr_assert_eq(result, walk.stop_at != 0 ? ATOLL_ERROR_CANCELLED : ATOLL_OK);
    walk.stop_at = 0;
    if (walk.next > plain->first)
        MUST(outbox_each(w.db, walk.record, walk.next - 1, see_object, &walk));
    else
        MUST(outbox_each(w.db, 0, 0, see_object, &walk));
    cr_assert_eq(walk.next, plain->next);
}

static void fill_outbox(plain_outbox *plain, sync_state *state, uint64_t *version)
{
    static uint8_t payload[100000];
    model_txn *txn = NULL;
    outbox_writer writer;
    MUST(model_begin(w.db, COMMIT_REMOTE, &txn));
    outbox_writer_init(&writer);
    for (uint64_t i = random_below(&w.random, 200); i > 0 && plain->next < 5000; i--) {
        uint32_t size = (uint32_t)random_below(&w.random, i % 50 == 0 ? sizeof payload : 50);
        asymmetric_row row = {(class_key)(1 + plain->next % 3), bytes_of(payload, size)};
        payload[0] = (uint8_t)plain->next;
        *version += random_below(&w.random, 2);
        plain->versions[plain->next] = *version;
        plain->sizes[plain->next++] = size;
        MUST(outbox_add(&writer, txn, state, &row, *version));
    }
    MUST(outbox_flush(&writer, txn));
    outbox_writer_free(&writer);
    MUST(model_commit(txn, NULL));
}

Test(pending, the_outbox_gives_each_object_once_in_order_until_it_is_acknowledged)
{
    static plain_outbox plain;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        sync_state state = {.next_sequence = 1};
        uint64_t version = 1;
        memset(&plain, 0, sizeof plain);
        plain.first = plain.next = 1;
        world_begin(seed);
        for (int i = 0; i < 30; i++) {
            model_txn *txn = NULL;
            fill_outbox(&plain, &state, &version);
            cr_assert_eq(state.next_sequence, plain.next);
            expect_outbox(&plain);
            uint64_t bound = random_below(&w.random, version + 1);
            MUST(model_begin(w.db, COMMIT_REMOTE, &txn));
            MUST(outbox_acknowledge(txn, w.db, bound));
            MUST(model_commit(txn, NULL));
            while (plain.first < plain.next && plain.versions[plain.first] <= bound) plain.first++;
            expect_outbox(&plain);
            bool any = false;
            MUST(outbox_any(w.db, &any));
            cr_assert_eq(any, plain.first < plain.next);
        }
        world_end();
    }
}
