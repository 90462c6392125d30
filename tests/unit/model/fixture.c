#include "fixture.h"

static void add(model_schema *s, size_t c, const char *name, value_type type, uint8_t flags,
                const char *target)
{
    MUST(schema_add_property(s, c, bytes_text(name), type, flags, bytes_text(target)));
}

model_schema test_schema(void)
{
    model_schema s = {0};
    size_t item = 0, note = 0, part = 0, deep = 0;
    MUST(schema_add_class(&s, bytes_text("Item"), CLASS_NORMAL, &item));
    MUST(schema_add_class(&s, bytes_text("Note"), CLASS_NORMAL, &note));
    MUST(schema_add_class(&s, bytes_text("Part"), CLASS_EMBEDDED, &part));
    MUST(schema_add_class(&s, bytes_text("Deep"), CLASS_EMBEDDED, &deep));
    add(&s, item, "_id", VALUE_INT, PROPERTY_PRIMARY_KEY, "");
    add(&s, item, "name", VALUE_STRING, PROPERTY_NULLABLE, "");
    add(&s, item, "score", VALUE_DOUBLE, 0, "");
    add(&s, item, "at", VALUE_TIMESTAMP, 0, "");
    add(&s, item, "done", VALUE_BOOL, PROPERTY_NULLABLE, "");
    add(&s, item, "data", VALUE_BINARY, 0, "");
    add(&s, item, "uid", VALUE_UUID, PROPERTY_NULLABLE, "");
    add(&s, item, "link", VALUE_LINK, PROPERTY_NULLABLE, "Item");
    add(&s, item, "tags", VALUE_STRING, PROPERTY_LIST, "");
    add(&s, item, "one", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Part");
    add(&s, item, "many", VALUE_EMBEDDED, PROPERTY_LIST, "Part");
    add(&s, item, "count", VALUE_INT, 0, "");
    add(&s, item, "ratio", VALUE_FLOAT, PROPERTY_NULLABLE, "");
    add(&s, item, "price", VALUE_DECIMAL, 0, "");
    add(&s, item, "any", VALUE_MIXED, 0, "");
    add(&s, item, "refs", VALUE_LINK, PROPERTY_LIST, "Item");
    add(&s, item, "marks", VALUE_INT, PROPERTY_SET, "");
    add(&s, item, "words", VALUE_STRING, PROPERTY_SET | PROPERTY_NULLABLE, "");
    add(&s, item, "friends", VALUE_LINK, PROPERTY_SET, "Item");
    add(&s, item, "map", VALUE_STRING, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "");
    add(&s, item, "mates", VALUE_LINK, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "Item");
    add(&s, item, "named", VALUE_EMBEDDED, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "Part");
    add(&s, note, "text", VALUE_STRING, 0, "");
    add(&s, part, "x", VALUE_INT, 0, "");
    add(&s, part, "deep", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Deep");
    add(&s, deep, "y", VALUE_STRING, 0, "");
    return s;
}

static int64_t wall(void *context)
{
    (void)context;
    return 1700000000123;
}

static uint64_t monotonic(void *context)
{
    (void)context;
    return 4711;
}

static random_state random_source = {99};

static void fill_random(void *context, void *to, size_t size)
{
    uint8_t *bytes_out = to;
    (void)context;
    for (size_t i = 0; i < size; i++) bytes_out[i] = (uint8_t)random_next(&random_source);
}

const platform test_platform = {
    .wall_ms = wall, .monotonic_ms = monotonic, .boot_id = monotonic, .random = fill_random};

model_options test_options(bool identity)
{
    return (model_options){.platform = &test_platform,
                           .use = SCHEMA_LOCAL,
                           .identity_rows = identity,
                           .durable = true};
}

model_db *test_open(memory_disk *disk, const model_options *options)
{
    storage *store = NULL;
    model_db *db = NULL;
    model_schema schema = test_schema();
    MUST(storage_open_memory(disk, &store));
    MUST(model_open(store, options, &schema, &db));
    schema_free(&schema);
    return db;
}

model_txn *test_begin(model_db *db)
{
    model_txn *txn = NULL;
    MUST(model_begin(db, COMMIT_LOCAL, &txn));
    return txn;
}

uint64_t test_commit(model_txn *txn)
{
    uint64_t version = 0;
    MUST(model_commit(txn, &version));
    return version;
}

row_key test_create(model_txn *txn, int64_t key)
{
    value v = value_int(key);
    row_key row = 0;
    MUST(model_create(txn, ITEM, &v, &row));
    return row;
}

void test_set(model_txn *txn, class_key c, row_key row, property_key p, value v)
{
    MUST(model_set(txn, c, row, p, &v));
}

value test_get(const model_view *view, class_key c, row_key row, property_key p)
{
    value v = value_null();
    MUST(model_get(view, c, row, p, &v));
    return v;
}

row_key test_find(const model_view *view, int64_t key)
{
    value v = value_int(key);
    row_key row = 0;
    MUST(model_find(view, ITEM, &v, &row));
    return row;
}
