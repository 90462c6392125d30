/* Numbers of every kind against each other: comparison is exact, a number as written takes the kind of the property. */
#include "fixture.h"
#include <criterion/criterion.h>
#include <math.h>

enum { ROWS = 5 };
typedef struct numbers {
    memory_disk *disk;
    model_db *db;
    model_view *view;
    const model_class *c;
    row_key rows[ROWS];
} numbers;

static void set(model_txn *txn, const numbers *n, int i, const char *name, value v)
{
    OK(model_set(txn, n->c->key, n->rows[i], fixture_property(n->c, name), &v));
}

static value decimal_value(const char *text)
{
    decimal d = {{0}};
    OK(decimal_parse(bytes_text(text), &d));
    return value_decimal(&d);
}

/* Row 0 holds only what a new object holds. */
static void numbers_open(numbers *n)
{
    model_schema app = {0};
    storage *store = NULL;
    model_txn *txn = NULL;
    size_t c = 0;
    uint64_t version = 0;
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL};
    *n = (numbers){.disk = memory_disk_new(1)};
    static const struct {
        const char *name;
        value_type type;
        uint8_t flags;
    } properties[] = {{"i", VALUE_INT, 0},
                      {"d", VALUE_DOUBLE, 0},
                      {"f", VALUE_FLOAT, 0},
                      {"x", VALUE_DECIMAL, 0},
                      {"g", VALUE_FLOAT, PROPERTY_NULLABLE},
                      {"y", VALUE_DECIMAL, PROPERTY_NULLABLE},
                      {"list", VALUE_DECIMAL, PROPERTY_LIST},
                      {"floats", VALUE_FLOAT, PROPERTY_LIST}};
    OK(schema_add_class(&app, bytes_text("Number"), CLASS_NORMAL, &c));
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        OK(schema_add_property(&app, c, bytes_text(properties[i].name), properties[i].type,
                               properties[i].flags, bytes_text("")));
    OK(storage_open_memory(n->disk, &store));
    OK(model_open(store, &options, &app, &n->db));
    schema_free(&app);
    OK(model_begin(n->db, COMMIT_LOCAL, &txn));
    n->c = schema_class_named(model_view_schema(model_txn_view(txn)), bytes_text("Number"));
    for (int i = 0; i < ROWS; i++) OK(model_create(txn, n->c->key, NULL, &n->rows[i]));
    static const char *const texts[] = {"0", "0.1", "1.00", "9007199254740993", "-2.5E+3"};
    static const double doubles[] = {0, 0.1, 1, 9007199254740992.0, -2500};
    static const int64_t integers[] = {0, 0, 1, 9007199254740993, -2500};
    for (int i = 1; i < ROWS; i++) {
        value x = decimal_value(texts[i]);
        set(txn, n, i, "i", value_int(integers[i]));
        set(txn, n, i, "d", value_double(doubles[i]));
        set(txn, n, i, "f", value_float((float)doubles[i]));
        set(txn, n, i, "x", x);
        if (i > 1) set(txn, n, i, "g", value_float((float)doubles[i]));
        if (i > 1) set(txn, n, i, "y", x);
        value f = value_float((float)doubles[i]);
        OK(model_list_insert(txn, n->c->key, n->rows[i], fixture_property(n->c, "list"), 0, &x));
        OK(model_list_insert(txn, n->c->key, n->rows[i], fixture_property(n->c, "floats"), 0, &f));
    }
    OK(model_commit(txn, &version));
    n->view = model_view_newest(n->db);
    n->c = schema_class_named(model_view_schema(n->view), bytes_text("Number"));
}

static void numbers_close(numbers *n)
{
    model_view_release(n->view);
    model_close(n->db);
    memory_disk_free(n->disk);
}

/* Which rows match, as bits; by segment, row by row and by the canonical text. */
static unsigned matching(const numbers *n, const char *text, const query_arguments *arguments)
{
    query *q = NULL, *again = NULL;
    const model_schema *schema = model_view_schema(n->view);
    row_vector rows = {0};
    unsigned found = 0, single = 0;
    OK(query_new(schema, n->c->key, bytes_text(text), arguments, &q));
    OK(query_run(q, n->view, &rows));
    for (size_t i = 0; i < rows.count; i++)
        for (int k = 0; k < ROWS; k++) found |= (unsigned)(rows.items[i] == n->rows[k]) << k;
    for (int k = 0; k < ROWS; k++) single |= (unsigned)query_matches(q, n->view, n->rows[k]) << k;
    cr_assert_eq(found, single, "%s: %x and %x", text, found, single);
    uint64_t count = 0;
    OK(query_count(q, n->view, &count));
    cr_assert_eq(count, rows.count, "%s: counted %lu", text, count);
    OK(query_new(schema, n->c->key, query_text(q), NULL, &again));
    OK(query_count(again, n->view, &count));
    cr_assert_eq(count, rows.count, "%s: `%.*s`", text, (int)query_text(q).size,
                 (const char *)query_text(q).data);
    vector_free(&rows);
    query_free(again);
    query_free(q);
    return found;
}

Test(numbers, a_number_as_written_takes_the_kind_of_the_property)
{
    static const struct {
        const char *text;
        unsigned rows;
    } cases[] = {
        {"d == 0.1", 2},
        {"f == 0.1", 2},
        {"x == 0.1", 2},
        {"x == .1f", 2},
        {"0.1 == x", 2},
        {"f != 0.1", 1 + 4 + 8 + 16},
        {"x != 0.1", 1 + 4 + 8 + 16},
        {"x == 1", 4},
        {"x == 1.000", 4},
        {"f == 1", 4},
        {"x == 0", 1},
        {"f == 0", 1},
        {"x == 9007199254740993", 8},
        {"i == 9007199254740992.0", 0},
        {"x > 9007199254740992.", 8},
        {"x == 9007199254740993.0", 8},
        {"x > 0.0999999999999999999999999999", 2 + 4 + 8},
        {"x < 12345678901234567890123456789012345678901E-5", 1 + 2 + 4 + 8 + 16},
        {"f > 0", 2 + 4 + 8},
        {"f >= 0.1", 2 + 4 + 8},
        {"f < -2499.5", 16},
        {"x BETWEEN {0.1, 1}", 2 + 4},
        {"f IN {0.1, 1}", 2 + 4},
        {"x IN {0.1, 1.0, 7}", 2 + 4},
        {"g == null", 1 + 2},
        {"y == null", 1 + 2},
        {"y != null", 4 + 8 + 16},
        {"y < 5", 4 + 16},
        {"list == 0.1", 2},
        {"ANY list > 0.5", 4 + 8},
        {"floats == 0.1", 2},
        {"NONE floats == 0.1", 1 + 4 + 8 + 16},
        {"x + 0.1 == 0.2", 2},
        {"x * 10 == 1", 2},
        {"list.@sum == 0.1", 2},
        {"list.@avg > 1", 8},
        {"list.@max < 0", 16},
        {"list.@count == 0 AND list.@sum == 0", 1},
        {"x < inf", 1 + 2 + 4 + 8 + 16},
        {"x == nan", 0},
    };
    numbers n;
    numbers_open(&n);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned found = matching(&n, cases[i].text, NULL);
        cr_expect_eq(found, cases[i].rows, "%s: %x", cases[i].text, found);
    }
    numbers_close(&n);
}

Test(numbers, arguments_keep_their_kind_and_compare_exactly)
{
    numbers n;
    numbers_open(&n);
    value v = value_double(0.1);
    query_arguments arguments = {&v, 1, NULL};
    cr_expect_eq(matching(&n, "d == $0", &arguments), 2);
    v = value_float(0.1f); /* a little above the double 0.1 */
    cr_expect_eq(matching(&n, "f == $0", &arguments), 2);
    cr_expect_eq(matching(&n, "d == $0", &arguments), 0);
    cr_expect_eq(matching(&n, "d >= $0", &arguments), 4 + 8);
    v = decimal_value("0.10");
    cr_expect_eq(matching(&n, "x == $0", &arguments), 2);
    v = decimal_value("9007199254740993");
    cr_expect_eq(matching(&n, "i == $0", &arguments), 8);
    cr_expect_eq(matching(&n, "x >= $0", &arguments), 8);
    v = decimal_value("nan");
    cr_expect_eq(matching(&n, "x == $0", &arguments), 0);
    v = decimal_value("-inf");
    cr_expect_eq(matching(&n, "x > $0", &arguments), 1 + 2 + 4 + 8 + 16);
    numbers_close(&n);
}

static void expect_order(const numbers *n, const char *text, const int *wanted)
{
    query *q = NULL;
    row_vector rows = {0};
    OK(query_new(model_view_schema(n->view), n->c->key, bytes_text(text), NULL, &q));
    OK(query_run(q, n->view, &rows));
    cr_assert_eq(rows.count, ROWS);
    for (int i = 0; i < ROWS; i++)
        cr_expect_eq(rows.items[i], n->rows[wanted[i]], "%s: place %d", text, i);
    vector_free(&rows);
    query_free(q);
}

Test(numbers, sort_by_float_and_decimal)
{
    static const int rising[] = {4, 0, 1, 2, 3}, falling[] = {3, 2, 1, 0, 4},
                     null_first[] = {0, 1, 4, 2, 3};
    numbers n;
    numbers_open(&n);
    expect_order(&n, "TRUEPREDICATE SORT(f ASC)", rising);
    expect_order(&n, "TRUEPREDICATE SORT(x ASC)", rising);
    expect_order(&n, "TRUEPREDICATE SORT(x DESC)", falling);
    expect_order(&n, "TRUEPREDICATE SORT(y ASC)", null_first);
    expect_order(&n, "TRUEPREDICATE SORT(g ASC)", null_first);
    numbers_close(&n);
}

static value aggregate(const numbers *n, const char *name, aggregate_kind kind)
{
    query *q = NULL;
    value v = value_null();
    OK(query_new(model_view_schema(n->view), n->c->key, bytes_text(""), NULL, &q));
    OK(query_aggregate(q, n->view, fixture_property(n->c, name), kind, &v));
    query_free(q);
    return v;
}

Test(numbers, aggregates_of_float_and_decimal)
{
    numbers n;
    numbers_open(&n);
    value wanted = decimal_value("9007199254738494.10"), v = aggregate(&n, "x", AGGREGATE_SUM);
    cr_expect(v.type == VALUE_DECIMAL && value_compare(&v, &wanted) == 0);
    wanted = decimal_value("1801439850947698.82");
    v = aggregate(&n, "x", AGGREGATE_AVERAGE);
    cr_expect(v.type == VALUE_DECIMAL && value_compare(&v, &wanted) == 0);
    v = aggregate(&n, "x", AGGREGATE_MINIMUM);
    wanted = decimal_value("-2500");
    cr_expect(v.type == VALUE_DECIMAL && value_compare(&v, &wanted) == 0);
    v = aggregate(&n, "f", AGGREGATE_MAXIMUM);
    cr_expect(v.type == VALUE_FLOAT && v.as.real == 9007199254740992.0);
    v = aggregate(&n, "f", AGGREGATE_SUM);
    cr_expect(v.type == VALUE_DOUBLE && fabs(v.as.real - 9007199254738493.1) < 2);
    numbers_close(&n);
}

Test(numbers, order_and_hash_of_values_agree_across_kinds)
{
    value all[64];
    size_t count = 0;
    static const char *const texts[] = {
        "nan", "-inf", "-1E+400",          "-1",   "-0",   "0.1",    "0.5",      "1.0",   "1.5",
        "2",   "1E+3", "9007199254740993", "1E18", "1E19", "1E+400", "Infinity", "1E-400"};
    static const double doubles[] = {
        NAN, -INFINITY, -1, -0.0, 0, 0.1, 0.5, 1, 1.5, 1000, 1e18, 1e19, 9007199254740992.0};
    static const int64_t integers[] = {
        INT64_MIN, -1, 0, 1, 2, 1000, 9007199254740993, INT64_MAX, 1ll << 53, 1000000000000000000};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        all[count++] = decimal_value(texts[i]);
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        all[count++] = value_double(doubles[i]);
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        all[count++] = value_float((float)doubles[i]);
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        all[count++] = value_int(integers[i]);
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b < count; b++) {
            int order = value_compare(&all[a], &all[b]);
            cr_assert_eq(order, -value_compare(&all[b], &all[a]), "%zu and %zu", a, b);
            if (order == 0)
                cr_assert_eq(value_hash(&all[a]), value_hash(&all[b]), "%zu and %zu", a, b);
            for (size_t c = 0; c < count; c++) {
                if (order <= 0 && value_compare(&all[b], &all[c]) <= 0)
                    cr_assert_leq(value_compare(&all[a], &all[c]), 0, "%zu %zu %zu", a, b, c);
            }
        }
    }
}
