/* Mixed values in queries: what they hold decides, numbers of all kinds compare, a link to what is gone is null. */
#include "fixture.h"
#include <criterion/criterion.h>

enum { ROWS = 10 };
typedef struct mixed {
    memory_disk *disk;
    model_db *db;
    model_view *view;
    class_key c, other;
    property_key any, list;
    row_key rows[ROWS], target, gone;
} mixed;

static value decimal_value(const char *text)
{
    decimal d = {{0}};
    OK(decimal_parse(bytes_text(text), &d));
    return value_decimal(&d);
}

static value link_to(const mixed *m, row_key row)
{
    return (value){.type = VALUE_TYPED_LINK, .as.link = {row, m->other}};
}

static void open_store(mixed *m)
{
    model_schema app = {0};
    storage *store = NULL;
    size_t c = 0, other = 0;
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL};
    OK(schema_add_class(&app, bytes_text("Thing"), CLASS_NORMAL, &c));
    OK(schema_add_class(&app, bytes_text("Other"), CLASS_NORMAL, &other));
    OK(schema_add_property(&app, c, bytes_text("it"), VALUE_MIXED, 0, bytes_text("")));
    OK(schema_add_property(&app, c, bytes_text("list"), VALUE_MIXED, PROPERTY_LIST,
                           bytes_text("")));
    OK(schema_add_property(&app, c, bytes_text("other"), VALUE_LINK, 0, bytes_text("Other")));
    OK(schema_add_property(&app, other, bytes_text("n"), VALUE_INT, 0, bytes_text("")));
    OK(storage_open_memory(m->disk, &store));
    OK(model_open(store, &options, &app, &m->db));
    schema_free(&app);
    m->view = model_view_newest(m->db);
    const model_schema *schema = model_view_schema(m->view);
    const model_class *thing = schema_class_named(schema, bytes_text("Thing"));
    m->c = thing->key;
    m->other = schema_class_named(schema, bytes_text("Other"))->key;
    m->any = fixture_property(thing, "it");
    m->list = fixture_property(thing, "list");
}

/* 0 null, 1 true, 2 int 5, 3 double 5.5, 4 decimal 5.5, 5 "five", 6 binary "five", 7 a link, 8 a link to what is gone,
 * 9 float 5. The lists hold the same value once. */
static void mixed_open(mixed *m)
{
    model_txn *txn = NULL;
    uint64_t version = 0;
    *m = (mixed){.disk = memory_disk_new(1)};
    open_store(m);
    OK(model_begin(m->db, COMMIT_LOCAL, &txn));
    OK(model_create(txn, m->other, NULL, &m->target));
    OK(model_create(txn, m->other, NULL, &m->gone));
    value values[ROWS] = {value_null(),
                          value_bool(true),
                          value_int(5),
                          value_double(5.5),
                          decimal_value("5.50"),
                          value_string(bytes_text("five")),
                          value_binary(bytes_text("five")),
                          link_to(m, m->target),
                          link_to(m, m->gone),
                          value_float(5)};
    for (int i = 0; i < ROWS; i++) {
        OK(model_create(txn, m->c, NULL, &m->rows[i]));
        OK(model_set(txn, m->c, m->rows[i], m->any, &values[i]));
        OK(model_list_insert(txn, m->c, m->rows[i], m->list, 0, &values[i]));
    }
    OK(model_delete(txn, m->other, m->gone));
    OK(model_commit(txn, &version));
    model_view_release(m->view);
    m->view = model_view_newest(m->db);
}

static void mixed_close(mixed *m)
{
    model_view_release(m->view);
    model_close(m->db);
    memory_disk_free(m->disk);
}

static query *make(const mixed *m, bytes text, const query_arguments *arguments)
{
    query *q = NULL;
    OK(query_new(model_view_schema(m->view), m->c, text, arguments, &q));
    return q;
}

static unsigned matching(const mixed *m, const char *text, const query_arguments *arguments)
{
    query *q = make(m, bytes_text(text), arguments), *again = make(m, query_text(q), NULL);
    row_vector rows = {0};
    unsigned found = 0;
    uint64_t count = 0;
    OK(query_run(q, m->view, &rows));
    for (size_t i = 0; i < rows.count; i++)
        for (int k = 0; k < ROWS; k++) found |= (unsigned)(rows.items[i] == m->rows[k]) << k;
    for (int k = 0; k < ROWS; k++)
        cr_expect_eq(query_matches(q, m->view, m->rows[k]), (found >> k & 1) != 0, "%s: %d", text,
                     k);
    OK(query_count(again, m->view, &count));
    cr_expect_eq(count, rows.count, "%s: `%.*s`", text, (int)query_text(q).size,
                 (const char *)query_text(q).data);
    vector_free(&rows);
    query_free(again);
    query_free(q);
    return found;
}

Test(mixed, what_a_value_is_decides_whether_it_compares)
{
    enum { ALL = (1 << ROWS) - 1 };
    static const struct {
        const char *text;
        unsigned rows;
    } cases[] = {
        {"it == null", 1 << 0 | 1 << 8},
        {"it != null", ALL & ~(1 << 0 | 1 << 8)},
        {"it == true", 1 << 1},
        {"it == 5", 1 << 2 | 1 << 9},
        {"it == 5.5", 1 << 3 | 1 << 4},
        {"it > 5", 1 << 3 | 1 << 4},
        {"it >= 5", 1 << 2 | 1 << 3 | 1 << 4 | 1 << 9},
        {"it < 100", 1 << 2 | 1 << 3 | 1 << 4 | 1 << 9},
        {"5 < it", 1 << 3 | 1 << 4},
        {"it == 'five'", 1 << 5 | 1 << 6},
        {"it ==[c] 'FIVE'", 1 << 5 | 1 << 6},
        {"it BEGINSWITH 'fi'", 1 << 5 | 1 << 6},
        {"it IN {true, 5}", 1 << 1 | 1 << 2 | 1 << 9},
        {"it BETWEEN {5, 5.2}", 1 << 2 | 1 << 9},
        {"it != 5", ALL & ~(1 << 2 | 1 << 9)},
        {"list == 5", 1 << 2 | 1 << 9},
        {"list == null", 1 << 0 | 1 << 8},
        {"list CONTAINS 'iv'", 1 << 5 | 1 << 6},
    };
    mixed m;
    mixed_open(&m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned found = matching(&m, cases[i].text, NULL);
        cr_expect_eq(found, cases[i].rows, "%s: %x", cases[i].text, found);
    }
    mixed_close(&m);
}

Test(mixed, a_link_is_compared_with_its_class)
{
    mixed m;
    mixed_open(&m);
    value v = link_to(&m, m.target);
    query_arguments arguments = {&v, 1, NULL};
    cr_expect_eq(matching(&m, "it == $0", &arguments), 1 << 7);
    v.as.link.class_of = m.c;
    cr_expect_eq(matching(&m, "it == $0", &arguments), 0);
    query *q = NULL;
    cr_expect_eq(
        query_new(model_view_schema(m.view), m.c, bytes_text("other == $0"), &arguments, &q),
        ATOLL_ERROR_QUERY_TYPE, "an object of another class");
    mixed_close(&m);
}

Test(mixed, sort_is_by_kind_then_by_value)
{
    static const int wanted[] = {0, 8, 1, 2, 9, 3, 4, 5, 6, 7};
    mixed m;
    row_vector rows = {0};
    mixed_open(&m);
    query *q = make(&m, bytes_text("TRUEPREDICATE SORT(it ASC)"), NULL);
    OK(query_run(q, m.view, &rows));
    cr_assert_eq(rows.count, ROWS);
    for (int i = 0; i < ROWS; i++) cr_expect_eq(rows.items[i], m.rows[wanted[i]], "place %d", i);
    vector_free(&rows);
    query_free(q);
    mixed_close(&m);
}

/* Row 0 holds [7, {"names": ["x"]}], row 1 an empty list. */
static void nest(mixed *m)
{
    model_txn *txn = NULL;
    uint64_t version = 0;
    value v = {.type = VALUE_LIST}, in = {.type = VALUE_DICTIONARY}, seven = value_int(7),
          text = value_string(bytes_text("x"));
    OK(model_begin(m->db, COMMIT_LOCAL, &txn));
    OK(model_set(txn, m->c, m->rows[0], m->any, &v));
    OK(model_set(txn, m->c, m->rows[1], m->any, &v));
    OK(model_get(model_txn_view(txn), m->c, m->rows[0], m->any, &v));
    class_key lists = v.as.link.class_of;
    row_key outer = v.as.link.row;
    OK(model_list_insert(txn, lists, outer, SCHEMA_HIDDEN_ITEMS, 0, &seven));
    OK(model_list_insert(txn, lists, outer, SCHEMA_HIDDEN_ITEMS, 1, &in));
    OK(model_list_get(model_txn_view(txn), lists, outer, SCHEMA_HIDDEN_ITEMS, 1, &in, NULL));
    v = (value){.type = VALUE_LIST};
    OK(model_dictionary_put(txn, in.as.link.class_of, in.as.link.row, SCHEMA_HIDDEN_ITEMS,
                            bytes_text("names"), &v));
    bool found = false;
    OK(model_dictionary_find(model_txn_view(txn), in.as.link.class_of, in.as.link.row,
                             SCHEMA_HIDDEN_ITEMS, bytes_text("names"), &found, NULL, &v));
    OK(model_list_insert(txn, lists, v.as.link.row, SCHEMA_HIDDEN_ITEMS, 0, &text));
    OK(model_commit(txn, &version));
    model_view_release(m->view);
    m->view = model_view_newest(m->db);
}

Test(mixed, paths_lead_into_nested_collections)
{
    static const struct {
        const char *text;
        unsigned rows;
    } cases[] = {
        {"it[0] == 7", 1},
        {"it[FIRST] == 7", 1},
        {"it[*] == 7", 1},
        {"it[1]['names'][0] == 'x'", 1},
        {"it[1]['names'][*] == 'x'", 1},
        {"it[1]['names'][0] == 'y'", 0},
        {"it[0] == 8", 0},
        {"it.@type == 'list'", 1 | 2},
        {"it[1].@type == 'dictionary'", 1},
        {"it.@type == 'numeric'", 1 << 2 | 1 << 3 | 1 << 4 | 1 << 9},
    };
    mixed m;
    mixed_open(&m);
    nest(&m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned found = matching(&m, cases[i].text, NULL);
        cr_expect_eq(found, cases[i].rows, "%s: %x", cases[i].text, found);
    }
    mixed_close(&m);
}

Test(mixed, results_follow_the_death_of_a_target)
{
    mixed m;
    row_vector rows = {0};
    result_changes told = {0};
    model_txn *txn = NULL;
    model_changes *changes = NULL;
    uint64_t version = 0;
    mixed_open(&m);
    query *q = make(&m, bytes_text("it == null"), NULL);
    OK(query_run(q, m.view, &rows));
    cr_assert_eq(rows.count, 2);
    OK(model_begin(m.db, COMMIT_LOCAL, &txn));
    OK(model_delete(txn, m.other, m.target));
    OK(model_commit(txn, &version));
    model_view *after = model_view_newest(m.db);
    OK(model_changes_between(m.db, model_view_version(m.view), model_view_version(after),
                             &changes));
    OK(results_advance(q, m.view, after, changes, NULL, &rows, &told));
    cr_expect_eq(rows.count, 3);
    cr_expect_eq(told.insertions.count, 1);
    result_changes_free(&told);
    model_changes_free(changes);
    model_view_release(after);
    vector_free(&rows);
    query_free(q);
    mixed_close(&m);
}
