/* Any bytes as the text of a query: parsed, bound and written again. It must never crash, leak or run for long, and a
 * text that was accepted must read back from its canonical form unchanged. */
#include "query/query.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) abort();
}

static void add(model_schema *s, size_t c, const char *name, value_type type, uint8_t flags,
                const char *target)
{
    must(schema_add_property(s, c, bytes_text(name), type, flags, bytes_text(target)) == ATOLL_OK);
}

static void build(model_schema *out)
{
    static const value_type types[] = {VALUE_BOOL,   VALUE_INT,      VALUE_DOUBLE,
                                       VALUE_STRING, VALUE_BINARY,   VALUE_TIMESTAMP,
                                       VALUE_UUID,   VALUE_OBJECT_ID};
    static const char *const names[] = {"b", "i", "d", "s", "y", "t", "u", "o"};
    static const char *const lists[] = {"bs", "is", "ds", "ss", "ys", "ts", "us", "os"};
    model_schema app = {0};
    size_t c = 0;
    bool changed = false;
    must(schema_add_class(&app, bytes_text("Thing"), CLASS_NORMAL, &c) == ATOLL_OK);
    add(&app, c, "_id", VALUE_INT, PROPERTY_PRIMARY_KEY, "");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        add(&app, c, names[i], types[i], i % 2 == 0 ? PROPERTY_NULLABLE : 0, "");
        add(&app, c, lists[i], types[i], PROPERTY_LIST, "");
    }
    add(&app, c, "l", VALUE_LINK, PROPERTY_NULLABLE, "Thing");
    add(&app, c, "ls", VALUE_LINK, PROPERTY_LIST, "Thing");
    must(schema_merge(out, &app, &changed) == ATOLL_OK);
    schema_free(&app);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    model_schema schema = {0};
    build(&schema);
    value values[3] = {value_int(1), value_string(bytes_text("x")), value_null()};
    query_arguments inner = {values, 2, NULL};
    const query_arguments *lists[3] = {NULL, NULL, &inner};
    query_arguments arguments = {values, 3, lists};
    query *q = NULL, *again = NULL;
    if (query_new(&schema, schema.classes[0].key, bytes_of(data, size), &arguments, &q) ==
        ATOLL_OK) {
        bytes text = query_text(q);
        if (text.size <= LIMIT_QUERY_SIZE_MAX) {
            must(query_new(&schema, schema.classes[0].key, text, NULL, &again) == ATOLL_OK);
            must(bytes_equal(text, query_text(again)));
        }
    }
    query_free(again);
    query_free(q);
    schema_free(&schema);
    return 0;
}
