/* Indexes of properties, backlinks and full text against the columns: after every commit, checkpoint, crash and reopen,
 * in pinned versions, and when the schema's flags come and go. */
#include "base/words.h"
#include "fixture.h"
#include "model/engine.h"

enum { A = 1, B = 2 };
enum {
    A_ID = 1,
    A_N,
    A_S,
    A_B,
    A_T,
    A_WORDS,
    A_LINK,
    A_LIST,
    A_SET,
    A_MAP,
    A_U,
    A_PLAIN,
    A_ANY,
    A_SUM
};
enum { B_TO = 1, B_MANY };
enum { INDEXED = PROPERTY_INDEXED };

static void add(model_schema *s, size_t c, const char *name, value_type type, unsigned flags,
                const char *target)
{
    MUST(schema_add_property(s, c, bytes_text(name), type, (uint8_t)flags, bytes_text(target)));
}

/* flags: which of the optional indexes there are. */
static model_schema schema_with(unsigned flags)
{
    model_schema s = {0};
    size_t a = 0, b = 0;
    MUST(schema_add_class(&s, bytes_text("A"), CLASS_NORMAL, &a));
    MUST(schema_add_class(&s, bytes_text("B"), CLASS_NORMAL, &b));
    add(&s, a, "id", VALUE_INT, PROPERTY_PRIMARY_KEY | INDEXED, "");
    add(&s, a, "n", VALUE_INT, flags & 1 ? INDEXED : 0, "");
    add(&s, a, "s", VALUE_STRING, PROPERTY_NULLABLE | (flags & 2 ? INDEXED : 0), "");
    add(&s, a, "b", VALUE_BOOL, PROPERTY_NULLABLE | INDEXED, "");
    add(&s, a, "t", VALUE_TIMESTAMP, INDEXED, "");
    add(&s, a, "words", VALUE_STRING, flags & 4 ? PROPERTY_FULL_TEXT : 0, "");
    add(&s, a, "link", VALUE_LINK, PROPERTY_NULLABLE, "A");
    add(&s, a, "list", VALUE_LINK, PROPERTY_LIST, "A");
    add(&s, a, "set", VALUE_LINK, PROPERTY_SET, "A");
    add(&s, a, "map", VALUE_LINK, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "A");
    add(&s, a, "u", VALUE_UUID, PROPERTY_NULLABLE | INDEXED, "");
    add(&s, a, "plain", VALUE_INT, 0, "");
    add(&s, a, "any", VALUE_MIXED, PROPERTY_NULLABLE | INDEXED, "");
    add(&s, a, "sum", VALUE_INT, INDEXED, "");
    add(&s, b, "to", VALUE_LINK, PROPERTY_NULLABLE, "A");
    add(&s, b, "many", VALUE_LINK, PROPERTY_LIST, "A");
    return s;
}

/* ---- what the indexes must hold, from the columns ---- */
typedef struct entries {
    VECTOR(index_entry) list;
    bool counts, text;
    const model_property *property;
    const model_view *view;
    row_key row;
} entries;

static void expect(entries *e, uint64_t first, uint64_t value)
{
    index_entry one = {index_pair(first, e->row), value};
    for (size_t i = 0; i < e->list.count; i++) {
        if (e->list.items[i].key != one.key) continue;
        if (e->counts) e->list.items[i].value++;
        if (e->counts || e->list.items[i].value == value) return;
    }
    MUST(vector_push(&e->list, one));
}

static void expect_words(entries *e, bytes text)
{
    word_reader words = words_of(text);
    uint8_t word[WORD_SIZE_MAX];
    size_t size = 0;
    while (word_next(&words, word, &size)) {
        value v = value_string(bytes_of(word, size));
        expect(e, key_hash(e->view->db, &v), e->row);
    }
}

static void expect_value(entries *e, const value *v)
{
    if (e->text)
        expect_words(e, v->as.text);
    else if (e->counts && (v->type == VALUE_LINK || v->type == VALUE_TYPED_LINK))
        expect(e, index_link_first(v), 1);
    else if (!e->counts && !value_is_blank(e->property, v))
        expect(e, index_value_hash(e->view->db, v), e->row);
}

static bool take(void *context, index_entry e)
{
    entries *to = context;
    MUST(vector_push(&to->list, e));
    return false;
}

static int by_key(const void *a, const void *b)
{
    const index_entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

static void check_tree(const model_view *view, class_key c, const model_property *p, uint32_t kind,
                       uint64_t seed)
{
    const class_state *state = view->classes[c - 1];
    class_index *tree = class_tree(state, index_tree(p->key, kind));
    entries wanted = {.counts = kind == INDEX_OF_BACKLINKS,
                      .text = kind == INDEX_OF_TEXT,
                      .property = p,
                      .view = view};
    entries found = wanted;
    for (wanted.row = 1; wanted.row < state->next_row; wanted.row++) {
        list_walk walk = {.store = view->db->store};
        list_element e;
        value v;
        if ((p->flags & PROPERTY_COLLECTION) != 0) {
            MUST(read_cell(view, c, wanted.row, p->key, &walk.cell));
            while (list_walk_next(&walk, &e)) expect_value(&wanted, &e.value);
        } else {
            MUST(read_slot(view, c, wanted.row, slot_of(p->key), &v));
            if (v.type != VALUE_NULL) expect_value(&wanted, &v);
        }
    }
    cr_assert_not_null(tree, "seed %llu: %s has no tree", (unsigned long long)seed, p->name);
    MUST(index_range(view->db->store, tree->root, 0, 0, take, &found));
    cr_assert_eq(found.list.count, wanted.list.count, "seed %llu, %s: %zu of %zu entries",
                 (unsigned long long)seed, p->name, found.list.count, wanted.list.count);
    if (found.list.count != 0) {
        qsort(found.list.items, found.list.count, sizeof(index_entry), by_key);
        qsort(wanted.list.items, wanted.list.count, sizeof(index_entry), by_key);
        cr_assert(memcmp(found.list.items, wanted.list.items,
                         found.list.count * sizeof(index_entry)) == 0,
                  "seed %llu, %s: other entries", (unsigned long long)seed, p->name);
    }
    vector_free(&found.list);
    vector_free(&wanted.list);
}

static void check(const model_view *view, uint64_t seed)
{
    const model_schema *s = model_view_schema(view);
    for (size_t i = 0; i < s->class_count; i++) {
        for (size_t k = 0; k < s->classes[i].property_count; k++) {
            const model_property *p = &s->classes[i].properties[k];
            class_key c = s->classes[i].key;
            uint8_t flags = p->flags;
            bool value_index = (flags & INDEXED) != 0 && (flags & PROPERTY_PRIMARY_KEY) == 0;
            if (value_index) check_tree(view, c, p, INDEX_OF_VALUES, seed);
            if (p->type == VALUE_LINK || p->type == VALUE_MIXED)
                check_tree(view, c, p, INDEX_OF_BACKLINKS, seed);
            if ((flags & PROPERTY_FULL_TEXT) != 0) check_tree(view, c, p, INDEX_OF_TEXT, seed);
            cr_assert(value_index || class_tree(view->classes[c - 1],
                                                index_tree(p->key, INDEX_OF_VALUES)) == NULL);
        }
    }
}

/* ---- random changes ---- */
typedef struct world {
    random_state random;
    memory_disk *disk;
    model_db *db;
    model_options options;
    model_view *pinned[3];
    uint64_t seed;
} world;

static uint64_t pick(world *w, uint64_t bound)
{
    return random_below(&w->random, bound);
}

static row_key any_row(world *w, const model_view *view, class_key c)
{
    for (int i = 0; i < 20; i++) {
        row_key row = 1 + pick(w, view->classes[c - 1]->next_row);
        bool alive = false;
        MUST(model_is_alive(view, c, row, &alive));
        if (alive) return row;
    }
    return 0;
}

static value any_value(world *w, property_key p, row_key target)
{
    static const char *const texts[] = {"",        "one two", "Two three, ONE", "caf\xc3\xa9",
                                        "x-ray x", "a b c d", "two two two"};
    uint8_t id[16] = {(uint8_t)pick(w, 4)};
    switch (p) {
    case A_N:
    case A_PLAIN: return value_int((int64_t)pick(w, 5));
    case A_S: return pick(w, 4) == 0 ? value_null() : value_string(bytes_text(texts[pick(w, 7)]));
    case A_B: return pick(w, 3) == 0 ? value_null() : value_bool(pick(w, 2) == 0);
    case A_T: return value_timestamp((int64_t)pick(w, 3), 0);
    case A_WORDS: return value_string(bytes_text(texts[pick(w, 7)]));
    case A_ANY:
        if (target != 0 && pick(w, 3) == 0)
            return (value){.type = VALUE_TYPED_LINK, .as.link = {.row = target, .class_of = A}};
        if (pick(w, 3) == 0) return value_double((double)pick(w, 6) / 2);
        return pick(w, 2) == 0 ? value_string(bytes_text(texts[pick(w, 7)]))
                               : value_int((int64_t)pick(w, 3));
    case A_U: return pick(w, 3) == 0 ? value_null() : value_uuid(id);
    default: return target == 0 || pick(w, 5) == 0 ? value_null() : value_link(target);
    }
}

static void change_collection(world *w, model_txn *txn, class_key c, row_key row, property_key p,
                              row_key target)
{
    const model_view *view = model_txn_view(txn);
    uint64_t size = 0;
    value v = value_link(target);
    bool flag = false;
    char key[2] = {(char)('a' + pick(w, 4)), 0};
    MUST(model_list_size(view, c, row, p, &size));
    uint64_t what = pick(w, 12);
    if (what == 0) {
        MUST(model_list_clear(txn, c, row, p));
    } else if (what < 4 && size != 0) {
        MUST(model_list_erase(txn, c, row, p, pick(w, size)));
    } else if (target == 0) {
        return;
    } else if (c == A && p == A_SET) {
        MUST(model_set_insert(txn, c, row, p, &v, &flag));
    } else if (c == A && p == A_MAP) {
        if (pick(w, 4) == 0) v = value_null();
        MUST(model_dictionary_put(txn, c, row, p, bytes_text(key), &v));
    } else if (what < 6 && size != 0) {
        MUST(model_list_set(txn, c, row, p, pick(w, size), &v));
    } else if (what == 6 && size != 0) {
        MUST(model_list_move(txn, c, row, p, pick(w, size), pick(w, size)));
    } else {
        MUST(model_list_insert(txn, c, row, p, pick(w, size + 1), &v));
    }
}

static void create(world *w, model_txn *txn)
{
    value key = value_int((int64_t)pick(w, 60));
    row_key row = 0;
    if (pick(w, 3) == 0) {
        MUST(model_create(txn, B, NULL, &row));
        return;
    }
    MUST(model_find(model_txn_view(txn), A, &key, &row));
    if (row == 0) MUST(model_create(txn, A, &key, &row));
}

static void change_one(world *w, model_txn *txn)
{
    const model_view *view = model_txn_view(txn);
    class_key c = pick(w, 3) == 0 ? B : A;
    row_key row = any_row(w, view, c), target = any_row(w, view, A);
    if (row == 0 || pick(w, 6) == 0) {
        create(w, txn);
        return;
    }
    uint64_t what = pick(w, 20);
    if (what == 0) {
        MUST(model_delete(txn, c, row));
    } else if (what == 1) {
        MUST(model_hide(txn, c, row, true));
    } else if (c == B) {
        if (what < 8)
            test_set(txn, B, row, B_TO, any_value(w, A_LINK, target));
        else
            change_collection(w, txn, B, row, B_MANY, target);
    } else {
        property_key p = (property_key)(A_N + pick(w, A_SUM - A_ID));
        if (p == A_SUM) {
            MUST(model_increment(txn, A, row, A_SUM, (int64_t)pick(w, 3) - 1));
            return;
        }
        if (p >= A_LIST && p <= A_MAP)
            change_collection(w, txn, A, row, p, target);
        else
            test_set(txn, A, row, p, any_value(w, p, target));
    }
}

static void reopen(world *w, bool crash, unsigned flags)
{
    storage *store = NULL;
    model_schema schema = schema_with(flags);
    for (size_t i = 0; i < 3; i++) {
        model_view_release(w->pinned[i]);
        w->pinned[i] = NULL;
    }
    if (crash) memory_disk_crash(w->disk);
    model_close(w->db);
    MUST(storage_open_memory(w->disk, &store));
    MUST(model_open(store, &w->options, &schema, &w->db));
    schema_free(&schema);
}

static bool crash_now(void *context)
{
    int *left = context;
    return (*left)-- <= 0;
}

/* A checkpoint that a crash cuts short leaves indexes and segments of different versions. */
static void crash_in_checkpoint(world *w, unsigned flags)
{
    int left = (int)pick(w, 6);
    memory_disk_set_hook(w->disk, crash_now, &left);
    (void)!model_checkpoint(w->db);
    memory_disk_set_hook(w->disk, NULL, NULL);
    reopen(w, true, flags);
}

static void one_step(world *w, int step)
{
    model_txn *txn = test_begin(w->db);
    for (uint64_t n = 1 + pick(w, 25); n > 0; n--) change_one(w, txn);
    if (pick(w, 8) == 0)
        model_rollback(txn);
    else
        test_commit(txn);
    unsigned flags = step < 20 ? 7 : (unsigned)pick(w, 8);
    uint64_t what = pick(w, 12);
    if (what < 2) MUST(model_checkpoint(w->db));
    if (what == 2) reopen(w, false, flags);
    if (what == 3) reopen(w, true, flags);
    if (what == 4) crash_in_checkpoint(w, flags);
    if (what == 5) {
        size_t i = pick(w, 3);
        model_view_release(w->pinned[i]);
        w->pinned[i] = model_view_newest(w->db);
    }
    model_view *view = model_view_newest(w->db);
    check(view, w->seed);
    model_view_release(view);
    for (size_t i = 0; i < 3; i++)
        if (w->pinned[i] != NULL) check(w->pinned[i], w->seed);
}

static void run(uint64_t seed)
{
    world w = {.random = {seed}, .seed = seed, .options = test_options(seed % 2 == 0)};
    storage *store = NULL;
    model_schema schema = schema_with(7);
    w.disk = memory_disk_new(seed);
    MUST(storage_open_memory(w.disk, &store));
    MUST(model_open(store, &w.options, &schema, &w.db));
    schema_free(&schema);
    for (int step = 0; step < 60; step++) one_step(&w, step);
    for (size_t i = 0; i < 3; i++) model_view_release(w.pinned[i]);
    model_close(w.db);
    memory_disk_free(w.disk);
}

Test(track, indexes_hold_exactly_what_the_columns_hold)
{
    int64_t live = memory_live_count();
    for (uint64_t seed = 1; seed <= 40; seed++) run(seed);
    cr_assert_eq(memory_live_count(), live);
}

/* ---- what is read from them ---- */
static model_db *open_with(memory_disk *disk, unsigned flags)
{
    storage *store = NULL;
    model_db *db = NULL;
    model_options options = test_options(true);
    model_schema schema = schema_with(flags);
    MUST(storage_open_memory(disk, &store));
    MUST(model_open(store, &options, &schema, &db));
    schema_free(&schema);
    return db;
}

static void expect_rows(const model_rows *rows, const char *wanted)
{
    char text[200] = "";
    for (size_t i = 0; i < rows->count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%llu ",
                 (unsigned long long)rows->items[i]);
    cr_assert_str_eq(text, wanted);
}

Test(track, rows_are_found_by_value_null_and_default_too)
{
    memory_disk *disk = memory_disk_new(1);
    model_db *db = open_with(disk, 7);
    model_rows rows = {0};
    model_txn *txn = test_begin(db);
    for (int64_t i = 1; i <= 8; i++) {
        value key = value_int(i);
        row_key row = 0;
        MUST(model_create(txn, A, &key, &row));
        if (i > 2) test_set(txn, A, row, A_N, value_int(i % 3));
        if (i % 2 == 0) test_set(txn, A, row, A_S, value_string(bytes_text("even")));
    }
    MUST(model_delete(txn, A, 4));
    MUST(model_hide(txn, A, 5, true));
    test_commit(txn);
    model_view *view = model_view_newest(db);
    value one = value_int(1), zero = value_int(0), null = value_null(),
          even = value_string(bytes_text("even"));
    MUST(model_index_rows(view, A, A_N, &one, &rows));
    expect_rows(&rows, "7 ");
    MUST(model_index_rows(view, A, A_N, &zero, &rows));
    expect_rows(&rows, "1 2 3 6 ");
    MUST(model_index_rows(view, A, A_S, &even, &rows));
    expect_rows(&rows, "2 6 8 ");
    MUST(model_index_rows(view, A, A_S, &null, &rows));
    expect_rows(&rows, "1 3 7 ");
    cr_assert_eq(model_index_rows(view, A, A_PLAIN, &one, &rows), ATOLL_ERROR_INVALID_ARGUMENT);
    vector_free(&rows);
    model_view_release(view);
    model_close(db);
    memory_disk_free(disk);
}

Test(track, backlinks_name_each_origin_once_and_count_every_link)
{
    memory_disk *disk = memory_disk_new(1);
    model_db *db = open_with(disk, 7);
    model_rows rows = {0};
    uint64_t count = 0;
    model_txn *txn = test_begin(db);
    for (int64_t i = 1; i <= 4; i++) {
        value key = value_int(i);
        row_key row = 0;
        MUST(model_create(txn, A, &key, &row));
        if (i > 1) test_set(txn, A, row, A_LINK, value_link(1));
    }
    value to = value_link(1);
    for (int i = 0; i < 3; i++) MUST(model_list_insert(txn, A, 2, A_LIST, 0, &to));
    MUST(model_hide(txn, A, 3, true));
    test_commit(txn);
    model_view *view = model_view_newest(db);
    MUST(model_backlinks(view, A, 1, A, A_LINK, &rows));
    expect_rows(&rows, "2 4 ");
    MUST(model_backlinks(view, A, 1, A, A_LIST, &rows));
    expect_rows(&rows, "2 ");
    MUST(model_backlink_count(view, A, 1, &count));
    cr_assert_eq(count, 5);
    MUST(model_backlink_count(view, A, 2, &count));
    cr_assert_eq(count, 0);
    cr_assert_eq(model_backlinks(view, B, 1, A, A_LINK, &rows), ATOLL_ERROR_INVALID_ARGUMENT);
    MUST(model_backlinks(view, A, 1, B, B_TO, &rows));
    expect_rows(&rows, "");
    vector_free(&rows);
    model_view_release(view);
    model_close(db);
    memory_disk_free(disk);
}

Test(track, an_index_that_comes_later_is_built_and_one_that_goes_leaves_no_record)
{
    memory_disk *disk = memory_disk_new(1);
    model_db *db = open_with(disk, 0);
    model_rows rows = {0};
    model_txn *txn = test_begin(db);
    for (int64_t i = 1; i <= 3000; i++) {
        value key = value_int(i);
        row_key row = 0;
        MUST(model_create(txn, A, &key, &row));
        test_set(txn, A, row, A_N, value_int(i % 1000));
    }
    test_commit(txn);
    uint64_t before = storage_size_bytes(db->store);
    model_close(db);
    db = open_with(disk, 1);
    model_view *view = model_view_newest(db);
    value v = value_int(7);
    MUST(model_index_rows(view, A, A_N, &v, &rows));
    expect_rows(&rows, "7 1007 2007 ");
    model_view_release(view);
    MUST(model_checkpoint(db));
    cr_assert_gt(storage_size_bytes(db->store), before);
    model_close(db);
    db = open_with(disk, 0);
    view = model_view_newest(db);
    cr_assert_eq(model_index_rows(view, A, A_N, &v, &rows), ATOLL_ERROR_INVALID_ARGUMENT);
    model_view_release(view);
    MUST(model_checkpoint(db));
    storage_iterator *i = NULL;
    uint8_t from[INDEX_RECORD_KEY_SIZE], to[INDEX_RECORD_KEY_SIZE];
    bytes key, record;
    index_node first = {.class_of = A, .tree = index_tree(A_N, INDEX_OF_VALUES)}, last = first;
    last.tree++;
    MUST(storage_iterate(db->store, index_record_key(from, &first), index_record_key(to, &last),
                         &i));
    cr_assert_not(storage_iterator_next(i, &key, &record), "a record of the index is left");
    storage_iterator_free(i);
    vector_free(&rows);
    model_close(db);
    memory_disk_free(disk);
}

Test(track, words_lead_to_their_rows)
{
    memory_disk *disk = memory_disk_new(1);
    model_db *db = open_with(disk, 7);
    model_rows rows = {0};
    model_txn *txn = test_begin(db);
    static const char *const texts[] = {"Caf\xc3\xa9 au lait", "cafe noir", "th\xc3\xa9 noir"};
    for (int64_t i = 0; i < 3; i++) {
        value key = value_int(i);
        row_key row = 0;
        MUST(model_create(txn, A, &key, &row));
        test_set(txn, A, row, A_WORDS, value_string(bytes_text(texts[i])));
    }
    test_commit(txn);
    model_view *view = model_view_newest(db);
    MUST(model_text_rows(view, A, A_WORDS, bytes_text("cafe"), &rows));
    expect_rows(&rows, "1 2 ");
    MUST(model_text_rows(view, A, A_WORDS, bytes_text("noir"), &rows));
    expect_rows(&rows, "2 3 ");
    MUST(model_text_rows(view, A, A_WORDS, bytes_text("caf"), &rows));
    expect_rows(&rows, "");
    cr_assert_eq(model_text_rows(view, A, A_S, bytes_text("cafe"), &rows),
                 ATOLL_ERROR_INVALID_ARGUMENT);
    vector_free(&rows);
    model_view_release(view);
    model_close(db);
    memory_disk_free(disk);
}
