/* Folded log records tell the same changes as the records, in less memory. */
#include "fixture.h"
#include "base/random.h"
#include "model/changeset.h"
#include "model/engine.h"

enum { SEEDS = 300, ROWS = 200, OBJECTS = 20000 };

static void write_row(changeset_writer *w, random_state *r, class_key c, row_key row)
{
    operation o = {.class_of = c, .row = row};
    uint64_t how = random_below(r, 4);
    if (how != 0) { /* 0: an edit */
        o.kind = OP_LIFE;
        o.from = how == 3;
        o.to = how != 3;
        MUST(changeset_write(w, &o));
        o.kind = OP_KEY;
        o.value = value_int((int64_t)random_next(r));
        MUST(changeset_write(w, &o));
    }
    o.kind = OP_SET;
    for (uint64_t k = random_below(r, 4); k > 0; k--) {
        o.property = (property_key)(1 + random_below(r, 3));
        o.is_default = random_below(r, 5) == 0;
        o.value = random_below(r, 2) == 0 ? value_null() : value_string(bytes_text("some text"));
        MUST(changeset_write(w, &o));
    }
}

static void random_record(random_state *r, buffer *out)
{
    record_header header = {.origin = COMMIT_REMOTE};
    changeset_writer w = {.to = out};
    row_key row = 1;
    MUST(changeset_header(out, &header));
    for (int i = 0; i < ROWS; i++) {
        row = random_below(r, 6) == 0 ? 1 + random_below(r, ROWS) : row + 1;
        random_state same = {random_below(r, 2)}; /* many rows are alike */
        write_row(&w, random_below(r, 4) == 0 ? r : &same,
                  (class_key)(1 + random_below(r, 20) / 19), row);
    }
}

static model_changes *changes_of(bytes record, bytes folded)
{
    changes_builder *b = NULL;
    model_changes *changes = NULL;
    MUST(changes_builder_new(&b));
    MUST(folded.data != NULL ? changes_builder_add_folded(b, folded)
                             : changes_builder_add(b, record));
    MUST(changes_builder_finish(b, &changes));
    return changes;
}

static void expect_alike(const row_change *x, const row_change *y, uint64_t seed)
{
    cr_assert(x->class_of == y->class_of && x->row == y->row, "seed %d", (int)seed);
    cr_assert(x->created == y->created && x->deleted == y->deleted &&
                  x->deleted_first == y->deleted_first,
              "seed %d, row %d", (int)seed, (int)x->row);
    cr_assert_eq(x->property_count, y->property_count);
    for (size_t i = 0; i < x->property_count; i++) {
        cr_assert_eq(x->properties[i], y->properties[i], "seed %d", (int)seed);
        cr_assert_eq(x->defaults[i], y->defaults[i], "seed %d", (int)seed);
    }
}

Test(fold, a_folded_record_tells_the_same_changes)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        random_state r = {seed};
        buffer record, folded;
        bool foldable = false;
        buffer_init(&record, 1 << 20);
        random_record(&r, &record);
        MUST(changes_fold(buffer_view(&record), &folded, &foldable));
        cr_assert(foldable);
        cr_expect_lt(folded.size, record.size);
        model_changes *from_record = changes_of(buffer_view(&record), bytes_of(NULL, 0)),
                      *from_folded = changes_of(bytes_of(NULL, 0), buffer_view(&folded));
        cr_assert_eq(model_changes_count(from_record), model_changes_count(from_folded));
        for (size_t i = 0; i < model_changes_count(from_record); i++)
            expect_alike(model_changes_row(from_record, i), model_changes_row(from_folded, i),
                         seed);
        model_changes_free(from_record);
        model_changes_free(from_folded);
        buffer_free(&folded);
        buffer_free(&record);
    }
}

Test(fold, a_record_with_what_is_more_than_a_value_stays)
{
    static const operation_kind kinds[] = {OP_INCREMENT, OP_LIST_CLEAR, OP_DROP, OP_UNKEY};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        buffer record, folded = {0};
        bool foldable = true;
        record_header header = {.origin = COMMIT_REMOTE};
        changeset_writer w = {.to = &record};
        operation o = {
            .kind = kinds[i], .class_of = 1, .row = 1, .property = 1, .value = value_int(1)};
        buffer_init(&record, 1 << 20);
        MUST(changeset_header(&record, &header));
        MUST(changeset_write(&w, &o));
        MUST(changes_fold(buffer_view(&record), &folded, &foldable));
        cr_expect(!foldable && folded.data == NULL);
        buffer_free(&record);
    }
}

/* What a view of before a large download keeps in memory, and what it learns from it. */
Test(fold, who_stands_at_an_old_version_keeps_what_changed_and_not_the_values)
{
    model_options options = test_options(true);
    memory_disk *disk = memory_disk_new(1);
    model_db *db = test_open(disk, &options);
    model_view *old = model_view_newest(db);
    model_txn *txn = NULL;
    model_changes *changes = NULL;
    MUST(model_begin(db, COMMIT_REMOTE, &txn));
    for (int i = 0; i < OBJECTS; i++) {
        value key = value_int(i), name = value_string(bytes_text("a name of some length"));
        row_key row = 0;
        MUST(model_create(txn, ITEM, &key, &row));
        MUST(model_set(txn, ITEM, row, ITEM_NAME, &name));
    }
    MUST(model_commit(txn, NULL));
    size_t kept = 0;
    for (size_t i = 0; i < db->history.count; i++) kept += db->history.items[i]->size;
    cr_expect_lt(kept, 1000u, "%d bytes are kept", (int)kept);
    MUST(model_changes_between(db, model_view_version(old), model_version(db), &changes));
    cr_expect_eq(model_changes_count(changes), (size_t)OBJECTS);
    const row_change *last = model_changes_row(changes, OBJECTS - 1);
    cr_expect(last->created && last->property_count == 1 && last->properties[0] == ITEM_NAME);
    model_changes_free(changes);
    model_view_release(old);
    model_close(db);
    memory_disk_free(disk);
}
