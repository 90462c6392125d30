/* Any bytes as the text of a query: parsed, bound, written again and run over a small realm. It must never crash, leak
 * or run for long; a text that was accepted must read back from its canonical form unchanged and find the same rows, as
 * many as it counts, each of which matches alone. Links only lead to later rows, so that no path is endless. */
#include "query/query.h"
#include "platform/platform.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { THINGS = 5 };
static model_db *realm;
static class_key thing;

static void must(bool holds)
{
    if (!holds) abort();
}

static void add(model_schema *s, size_t c, const char *name, value_type type, uint8_t flags,
                const char *target)
{
    must(schema_add_property(s, c, bytes_text(name), type, flags, bytes_text(target)) == ATOLL_OK);
}

static void build(model_schema *app)
{
    static const value_type types[] = {VALUE_BOOL,   VALUE_INT,      VALUE_DOUBLE,
                                       VALUE_STRING, VALUE_BINARY,   VALUE_TIMESTAMP,
                                       VALUE_UUID,   VALUE_OBJECT_ID};
    static const char *const names[] = {"b", "i", "d", "s", "y", "t", "u", "o"};
    static const char *const lists[] = {"bs", "is", "ds", "ss", "ys", "ts", "us", "os"};
    size_t c = 0, point = 0;
    must(schema_add_class(app, bytes_text("Thing"), CLASS_NORMAL, &c) == ATOLL_OK);
    must(schema_add_class(app, bytes_text("Point"), CLASS_EMBEDDED, &point) == ATOLL_OK);
    add(app, c, "_id", VALUE_INT, PROPERTY_PRIMARY_KEY, "");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        uint8_t text = types[i] == VALUE_STRING ? PROPERTY_FULL_TEXT : 0;
        add(app, c, names[i], types[i], i % 2 == 0 ? PROPERTY_NULLABLE : text, "");
        add(app, c, lists[i], types[i], PROPERTY_LIST, "");
    }
    add(app, c, "l", VALUE_LINK, PROPERTY_NULLABLE, "Thing");
    add(app, c, "ls", VALUE_LINK, PROPERTY_LIST, "Thing");
    add(app, c, "set", VALUE_STRING, PROPERTY_SET, "");
    add(app, c, "map", VALUE_INT, PROPERTY_DICTIONARY, "");
    add(app, c, "m", VALUE_MIXED, 0, "");
    add(app, c, "f", VALUE_FLOAT, PROPERTY_NULLABLE, "");
    add(app, c, "e", VALUE_DECIMAL, PROPERTY_NULLABLE, "");
    add(app, c, "p", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Point");
    add(app, point, "type", VALUE_STRING, 0, "");
    add(app, point, "coordinates", VALUE_DOUBLE, PROPERTY_LIST, "");
}

static property_key key_of(const model_schema *s, const char *class_name, const char *name)
{
    const model_class *c = schema_class_named(s, bytes_text(class_name));
    return class_property_named(c, bytes_text(name))->key;
}

static void fill_collections(model_txn *txn, const model_schema *s, row_key row, int i)
{
    bool told = false;
    value number = value_int(i), text = value_string(bytes_text("x")), real = value_double(i * 10);
    class_key point = schema_class_named(s, bytes_text("Point"))->key;
    row_key inner = 0;
    must(model_list_insert(txn, thing, row, key_of(s, "Thing", "is"), 0, &number) == ATOLL_OK);
    must(model_list_insert(txn, thing, row, key_of(s, "Thing", "ss"), 0, &text) == ATOLL_OK);
    must(model_set_insert(txn, thing, row, key_of(s, "Thing", "set"), &text, &told) == ATOLL_OK);
    must(model_dictionary_put(txn, thing, row, key_of(s, "Thing", "map"), bytes_text("x"),
                              &number) == ATOLL_OK);
    must(model_set_embedded(txn, thing, row, key_of(s, "Thing", "p"), &inner) == ATOLL_OK);
    text = value_string(bytes_text("Point"));
    must(model_set(txn, point, inner, key_of(s, "Point", "type"), &text) == ATOLL_OK);
    for (int k = 0; k < 2; k++)
        must(model_list_insert(txn, point, inner, key_of(s, "Point", "coordinates"), 0, &real) ==
             ATOLL_OK);
}

/* Every third has a list with a dictionary in it. */
static void fill_mixed(model_txn *txn, const model_schema *s, row_key row, int i)
{
    value list = {.type = VALUE_LIST}, dictionary = {.type = VALUE_DICTIONARY}, held = list;
    value number = value_int(i), real = value_float((float)i / 2);
    decimal exact = decimal_from_int(i);
    value fine = value_decimal(&exact);
    property_key m = key_of(s, "Thing", "m");
    must(model_set(txn, thing, row, key_of(s, "Thing", "f"), &real) == ATOLL_OK);
    must(model_set(txn, thing, row, key_of(s, "Thing", "e"), &fine) == ATOLL_OK);
    must(model_set(txn, thing, row, m, i % 3 == 0 ? &list : &number) == ATOLL_OK);
    if (i % 3 != 0) return;
    must(model_get(model_txn_view(txn), thing, row, m, &held) == ATOLL_OK);
    class_key c = held.as.link.class_of;
    property_key items = schema_class(s, c)->properties[0].key;
    must(model_list_insert(txn, c, held.as.link.row, items, 0, &number) == ATOLL_OK);
    must(model_list_insert(txn, c, held.as.link.row, items, 1, &dictionary) == ATOLL_OK);
}

/* Thing 4 first: it links to nothing, thing 0 to all others. */
static void fill(void)
{
    model_txn *txn = NULL;
    row_key rows[THINGS];
    model_view *view = model_view_newest(realm);
    const model_schema *s = model_view_schema(view);
    must(model_begin(realm, COMMIT_LOCAL, &txn) == ATOLL_OK);
    for (int i = THINGS - 1; i >= 0; i--) {
        value key = value_int(i), number = value_int(i), text = value_string(bytes_text("abx"));
        must(model_create(txn, thing, &key, &rows[i]) == ATOLL_OK);
        must(model_set(txn, thing, rows[i], key_of(s, "Thing", "i"), &number) == ATOLL_OK);
        if (i % 2 == 0)
            must(model_set(txn, thing, rows[i], key_of(s, "Thing", "s"), &text) == ATOLL_OK);
        if (i % 2 == 0) fill_collections(txn, s, rows[i], i);
        fill_mixed(txn, s, rows[i], i);
        for (int k = i + 1; k < THINGS; k++) {
            value link = value_link(rows[k]);
            if (k == i + 1)
                must(model_set(txn, thing, rows[i], key_of(s, "Thing", "l"), &link) == ATOLL_OK);
            must(model_list_insert(txn, thing, rows[i], key_of(s, "Thing", "ls"), 0, &link) ==
                 ATOLL_OK);
        }
    }
    must(model_commit(txn, NULL) == ATOLL_OK);
    model_view_release(view);
}

static void open_realm(void)
{
    model_schema app = {0};
    storage *store = NULL;
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL};
    build(&app);
    must(storage_open_memory(memory_disk_new(1), &store) == ATOLL_OK);
    must(model_open(store, &options, &app, &realm) == ATOLL_OK);
    schema_free(&app);
    model_view *view = model_view_newest(realm);
    thing = schema_class_named(model_view_schema(view), bytes_text("Thing"))->key;
    model_view_release(view);
    fill();
}

static void check_rows(const query *q, const query *again, const model_view *view)
{
    row_vector rows = {0}, same = {0};
    uint64_t count = 0;
    must(query_run(q, view, &rows) == ATOLL_OK);
    must(query_run(again, view, &same) == ATOLL_OK);
    must(query_count(q, view, &count) == ATOLL_OK);
    must(count == rows.count && count == same.count);
    for (size_t i = 0; i < rows.count; i++)
        must(rows.items[i] == same.items[i] && query_matches(q, view, rows.items[i]));
    vector_free(&rows);
    vector_free(&same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (realm == NULL) open_realm();
    value values[4] = {value_int(1), value_string(bytes_text("l.i")), value_null(),
                       value_string(bytes_text("geoCircle([0,0],1)"))};
    query_arguments inner = {values, 2, NULL};
    const query_arguments *lists[4] = {NULL, NULL, &inner, NULL};
    query_arguments arguments = {values, 4, lists};
    query *q = NULL, *again = NULL;
    model_view *view = model_view_newest(realm);
    const model_schema *schema = model_view_schema(view);
    if (query_new(schema, thing, bytes_of(data, size), &arguments, &q) == ATOLL_OK) {
        bytes text = query_text(q);
        if (text.size <= LIMIT_QUERY_SIZE_MAX) {
            must(query_new(schema, thing, text, NULL, &again) == ATOLL_OK);
            must(bytes_equal(text, query_text(again)));
            check_rows(q, again, view);
        }
    }
    query_free(again);
    query_free(q);
    model_view_release(view);
    return 0;
}
