/* Paths into the lists and dictionaries that mixed values hold, and @type. */
#include "fixture.h"
#include <criterion/criterion.h>

enum { ROWS = 5 };
typedef struct nested {
    memory_disk *disk;
    model_db *db;
    model_txn *txn;
    class_key thing;
    property_key it, map;
    row_key rows[ROWS];
} nested;

static void open_store(nested *n)
{
    model_schema app = {0};
    storage *store = NULL;
    size_t c = 0;
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL};
    *n = (nested){.disk = memory_disk_new(1)};
    OK(schema_add_class(&app, bytes_text("Thing"), CLASS_NORMAL, &c));
    OK(schema_add_property(&app, c, bytes_text("it"), VALUE_MIXED, 0, bytes_text("")));
    OK(schema_add_property(&app, c, bytes_text("map"), VALUE_MIXED, PROPERTY_DICTIONARY,
                           bytes_text("")));
    OK(storage_open_memory(n->disk, &store));
    OK(model_open(store, &options, &app, &n->db));
    schema_free(&app);
    model_view *view = model_view_newest(n->db);
    const model_class *thing = schema_class_named(model_view_schema(view), bytes_text("Thing"));
    n->thing = thing->key;
    n->it = fixture_property(thing, "it");
    n->map = fixture_property(thing, "map");
    model_view_release(view);
}

/* The items of the collection that a value holds. */
static property_key items_of(const nested *n, const value *collection)
{
    const model_schema *schema = model_view_schema(model_txn_view(n->txn));
    return schema_class(schema, collection->as.link.class_of)->properties[0].key;
}

static value get(nested *n, int row)
{
    value v;
    OK(model_get(model_txn_view(n->txn), n->thing, n->rows[row], n->it, &v));
    return v;
}

static value append(nested *n, const value *list, value v)
{
    uint64_t count = 0;
    element_id id;
    class_key c = list->as.link.class_of;
    row_key row = list->as.link.row;
    property_key items = items_of(n, list);
    const model_view *view = model_txn_view(n->txn);
    OK(model_list_size(view, c, row, items, &count));
    OK(model_list_insert(n->txn, c, row, items, count, &v));
    OK(model_list_get(view, c, row, items, count, &v, &id));
    return v;
}

static value put(nested *n, const value *dictionary, const char *key, value v)
{
    bool found = false;
    class_key c = dictionary->as.link.class_of;
    row_key row = dictionary->as.link.row;
    property_key items = items_of(n, dictionary);
    OK(model_dictionary_put(n->txn, c, row, items, bytes_text(key), &v));
    OK(model_dictionary_find(model_txn_view(n->txn), c, row, items, bytes_text(key), &found, NULL,
                             &v));
    return v;
}

/* 0 [1, "two", {a: 3, b: [4, null]}], 1 {a: 1, b: {c: 5}}, 2 7, 3 null, 4 "text";
 * map: 0 {k: [1, 2]}, 1 {k: 3} */
static void fill(nested *n)
{
    static const value list = {.type = VALUE_LIST}, dictionary = {.type = VALUE_DICTIONARY};
    value values[ROWS] = {list, dictionary, value_int(7), value_null(),
                          value_string(bytes_text("text"))};
    bool found = false;
    OK(model_begin(n->db, COMMIT_LOCAL, &n->txn));
    for (int i = 0; i < ROWS; i++) {
        OK(model_create(n->txn, n->thing, NULL, &n->rows[i]));
        OK(model_set(n->txn, n->thing, n->rows[i], n->it, &values[i]));
    }
    value top = get(n, 0);
    append(n, &top, value_int(1));
    append(n, &top, value_string(bytes_text("two")));
    value inner = append(n, &top, dictionary);
    put(n, &inner, "a", value_int(3));
    value deep = put(n, &inner, "b", list);
    append(n, &deep, value_int(4));
    append(n, &deep, value_null());
    top = get(n, 1);
    put(n, &top, "a", value_int(1));
    inner = put(n, &top, "b", dictionary);
    put(n, &inner, "c", value_int(5));
    value three = value_int(3), k = list;
    bytes key = bytes_text("k");
    OK(model_dictionary_put(n->txn, n->thing, n->rows[0], n->map, key, &k));
    OK(model_dictionary_find(model_txn_view(n->txn), n->thing, n->rows[0], n->map, key, &found,
                             NULL, &k));
    append(n, &k, value_int(1));
    append(n, &k, value_int(2));
    OK(model_dictionary_put(n->txn, n->thing, n->rows[1], n->map, key, &three));
    OK(model_commit(n->txn, NULL));
}

static void close_store(nested *n)
{
    model_close(n->db);
    memory_disk_free(n->disk);
}

static unsigned found(const nested *n, const query *q, const model_view *view)
{
    row_vector rows = {0};
    unsigned out = 0;
    OK(query_run(q, view, &rows));
    for (size_t i = 0; i < rows.count; i++)
        for (int k = 0; k < ROWS; k++) out |= (unsigned)(rows.items[i] == n->rows[k]) << k;
    vector_free(&rows);
    return out;
}

static const struct {
    const char *text;
    unsigned rows;
} cases[] = {
    {"it[0] == 1", 1},
    {"it[1] == 'two'", 1},
    {"it[LAST].a == 3", 1},
    {"it[2]['b'][0] == 4", 1},
    {"it[2].b[1] == null", 1},
    {"it[2].b[LAST] == 4", 0},
    {"it.a == 1", 2},
    {"it['b']['c'] == 5", 2},
    {"it.b.c == 5", 2},
    {"it['zz'] == null", 31},
    {"it[7] == null", 0},
    {"it[*] == 1", 3},
    {"it[*][*] == 5", 2},
    {"NONE it[*] == 1", 28},
    {"it.@keys == 'a'", 2},
    {"it.@count == 3", 1},
    {"it.@size == 2", 2},
    {"it[2].b.@count == 2", 1},
    {"it.@size == 4", 16},
    {"it.@type == 'list'", 1},
    {"it.@type == 'dictionary'", 2},
    {"it.@type == 'Collection'", 3},
    {"it.@type == 'numeric'", 4},
    {"it.@type != 'null'", 23},
    {"it.@type IN {'int', 'string'}", 20},
    {"'long' == it.@type", 4},
    {"it[*].@type == 'string'", 1},
    {"ALL it[*].@type == 'int'", 28},
    {"it.@type == map.@type", 1},
    {"map.k[0] == 1", 1},
    {"map['k'] == 3", 2},
    {"map['k'].@type == 'array'", 1},
    {"map.@values[*] == 2", 1},
    {"it == null", 8},
};

Test(query_nested, paths_lead_into_mixed_values)
{
    nested n;
    open_store(&n);
    fill(&n);
    model_view *view = model_view_newest(n.db);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        query *q = NULL, *again = NULL;
        const model_schema *schema = model_view_schema(view);
        status made = query_new(schema, n.thing, bytes_text(cases[i].text), NULL, &q);
        if (made != ATOLL_OK) cr_assert_fail("`%s`: %s", cases[i].text, fail_text());
        unsigned got = found(&n, q, view);
        cr_expect_eq(got, cases[i].rows, "`%s` found %u", cases[i].text, got);
        OK(query_new(schema, n.thing, query_text(q), NULL, &again));
        cr_expect_eq(found(&n, again, view), got, "`%s` and `%.*s` differ", cases[i].text,
                     (int)query_text(q).size, (const char *)query_text(q).data);
        query_free(again);
        query_free(q);
    }
    model_view_release(view);
    close_store(&n);
}

Test(query_nested, results_follow_what_is_deep_inside)
{
    nested n;
    row_vector rows = {0};
    result_changes told = {0};
    model_changes *changes = NULL;
    query *q = NULL;
    open_store(&n);
    fill(&n);
    model_view *before = model_view_newest(n.db);
    OK(query_new(model_view_schema(before), n.thing, bytes_text("it[2].b[0] == 6"), NULL, &q));
    OK(query_run(q, before, &rows));
    cr_assert_eq(rows.count, 0);
    OK(model_begin(n.db, COMMIT_LOCAL, &n.txn));
    const model_view *view = model_txn_view(n.txn);
    element_id id;
    bool there = false;
    value top = get(&n, 0), six = value_int(6), inner, deep;
    OK(model_list_get(view, top.as.link.class_of, top.as.link.row, items_of(&n, &top), 2, &inner,
                      &id));
    OK(model_dictionary_find(view, inner.as.link.class_of, inner.as.link.row, items_of(&n, &inner),
                             bytes_text("b"), &there, NULL, &deep));
    OK(model_list_set(n.txn, deep.as.link.class_of, deep.as.link.row, items_of(&n, &deep), 0,
                      &six));
    OK(model_commit(n.txn, NULL));
    model_view *after = model_view_newest(n.db);
    OK(model_changes_between(n.db, model_view_version(before), model_view_version(after),
                             &changes));
    OK(results_advance(q, before, after, changes, NULL, &rows, &told));
    cr_assert(rows.count == 1 && rows.items[0] == n.rows[0]);
    result_changes_free(&told);
    model_changes_free(changes);
    model_view_release(after);
    model_view_release(before);
    vector_free(&rows);
    query_free(q);
    close_store(&n);
}
