/* What golden realms hold. See golden.h: never change it. */
#include "golden.h"

const char *const golden_names[GOLDEN_KINDS] = {"plain", "sealed", "tail", "log", "migrated"};

/* ---- schema: class All has every type, required and not, alone and in each collection ---- */
enum { TYPES = 13, LARGE = 3000 };
static const value_type types[TYPES] = {
    VALUE_BOOL,      VALUE_INT,   VALUE_DOUBLE,  VALUE_STRING, VALUE_BINARY,
    VALUE_TIMESTAMP, VALUE_UUID,  VALUE_LINK,    VALUE_FLOAT,  VALUE_DECIMAL,
    VALUE_OBJECT_ID, VALUE_MIXED, VALUE_EMBEDDED};
static const uint8_t forms[] = {0, PROPERTY_LIST, PROPERTY_SET, PROPERTY_DICTIONARY};
static const char *const form_names[] = {"", " list", " set", " dictionary"};

typedef struct counts {
    int all, rows, large, elements;
} counts;

static counts counts_of(golden_kind kind)
{
    return kind == GOLDEN_SEALED ? (counts){3, 60, 1, 40} : (counts){8, 1300, 4, 600};
}

static void add(model_schema *s, size_t c, const char *name, value_type type, unsigned flags,
                const char *target)
{
    MUST(schema_add_property(s, c, bytes_text(name), type, (uint8_t)flags, bytes_text(target)));
}

static bool is_allowed(value_type type, uint8_t form, bool nullable)
{
    if (type == VALUE_MIXED) return !nullable;
    if (type == VALUE_EMBEDDED && form == PROPERTY_SET) return false;
    if (type == VALUE_LINK || type == VALUE_EMBEDDED)
        return nullable == (form == 0 || form == PROPERTY_DICTIONARY);
    return true;
}

static void property_name(char to[48], value_type type, size_t form, bool nullable)
{
    snprintf(to, 48, "%s%s%s", value_type_name(type), form_names[form], nullable ? "?" : "");
}

static void add_all(model_schema *s, size_t c)
{
    char name[48];
    add(s, c, "_id", VALUE_INT, PROPERTY_PRIMARY_KEY, "");
    for (int t = 0; t < TYPES; t++)
        for (size_t f = 0; f < 4; f++)
            for (int nullable = 0; nullable < 2; nullable++) {
                bool index = f == 0 && types[t] != VALUE_LINK && types[t] != VALUE_EMBEDDED &&
                             types[t] != VALUE_DOUBLE && types[t] != VALUE_FLOAT &&
                             types[t] != VALUE_DECIMAL && types[t] != VALUE_BINARY;
                if (!is_allowed(types[t], forms[f], nullable)) continue;
                property_name(name, types[t], f, nullable);
                add(s, c, name, types[t],
                    forms[f] | (nullable ? PROPERTY_NULLABLE : 0u) |
                        (index ? PROPERTY_INDEXED : 0u),
                    types[t] == VALUE_LINK       ? "Row"
                    : types[t] == VALUE_EMBEDDED ? "Part"
                                                 : "");
            }
}

static model_schema golden_schema(void)
{
    static const struct {
        const char *name;
        value_type key;
    } keyed[] = {{"Named", VALUE_STRING}, {"Known", VALUE_UUID}, {"Marked", VALUE_OBJECT_ID}};
    model_schema s = {0};
    size_t all = 0, row = 0, part = 0, deep = 0, other = 0;
    MUST(schema_add_class(&s, bytes_text("All"), CLASS_NORMAL, &all));
    MUST(schema_add_class(&s, bytes_text("Row"), CLASS_NORMAL, &row));
    MUST(schema_add_class(&s, bytes_text("Part"), CLASS_EMBEDDED, &part));
    MUST(schema_add_class(&s, bytes_text("Deep"), CLASS_EMBEDDED, &deep));
    add_all(&s, all);
    add(&s, row, "number", VALUE_INT, PROPERTY_INDEXED, "");
    add(&s, row, "half", VALUE_DOUBLE, 0, "");
    add(&s, row, "at", VALUE_TIMESTAMP, PROPERTY_NULLABLE, "");
    add(&s, row, "words", VALUE_STRING, PROPERTY_FULL_TEXT, "");
    add(&s, row, "seldom", VALUE_STRING, PROPERTY_NULLABLE, "");
    add(&s, row, "next", VALUE_LINK, PROPERTY_NULLABLE, "Row");
    add(&s, row, "gone", VALUE_INT, 0, "");
    add(&s, part, "x", VALUE_INT, 0, "");
    add(&s, part, "deep", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Deep");
    add(&s, deep, "y", VALUE_STRING, 0, "");
    for (size_t i = 0; i < 3; i++) {
        MUST(schema_add_class(&s, bytes_text(keyed[i].name), CLASS_NORMAL, &other));
        add(&s, other, "_id", keyed[i].key, PROPERTY_PRIMARY_KEY, "");
        add(&s, other, "large", VALUE_STRING, 0, "");
        add(&s, other, "bytes", VALUE_BINARY, PROPERTY_NULLABLE, "");
        add(&s, other, "many", VALUE_INT, PROPERTY_LIST, "");
        add(&s, other, "names", VALUE_STRING, PROPERTY_SET, "");
        add(&s, other, "by name", VALUE_INT, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "");
    }
    return s;
}

static bytes no_key(void)
{
    return bytes_of(NULL, 0);
}

bytes golden_key(golden_kind kind)
{
    static const char key[GOLDEN_KEY_SIZE] =
        "sixty-four bytes that all the world may know, they hide nothing.";
    return kind == GOLDEN_SEALED ? bytes_of(key, sizeof key) : no_key();
}

model_db *golden_open(golden_kind kind, const char *path)
{
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL, .durable = true};
    storage_options how = {.create = true};
    storage *plain = NULL, *store = NULL;
    model_db *db = NULL;
    MUST(storage_open_rocksdb(path, &how, &plain));
    MUST(storage_seal(plain, golden_key(kind), &store));
    MUST(model_open(store, &options, NULL, &db));
    return db;
}

/* ---- values by number ---- */
static value id_of(value_type type, int n)
{
    uint8_t id[16];
    for (int i = 0; i < 16; i++) id[i] = (uint8_t)(n * 13 + i * 7);
    return type == VALUE_UUID ? value_uuid(id) : value_object_id(id);
}

static value text_of(value_type type, int n, char text[LARGE + 32])
{
    int size = snprintf(text, 32,
                        "\xc3\xa9"
                        "t%d",
                        n);
    if (n % 17 == 5) { /* out of line */
        memset(text + size, 'a' + n % 26, LARGE);
        size += LARGE;
    }
    return (value){.type = type, .as.text = bytes_of(text, (size_t)size)};
}

static value value_of(value_type type, int n, char text[LARGE + 32])
{
    static const value_type in_mixed[] = {VALUE_INT,     VALUE_STRING, VALUE_DOUBLE,
                                          VALUE_DECIMAL, VALUE_BOOL,   VALUE_TIMESTAMP,
                                          VALUE_UUID,    VALUE_BINARY, VALUE_FLOAT};
    decimal d = {{0}};
    char number[32];
    switch (type) {
    case VALUE_BOOL: return value_bool(n % 2 == 1);
    case VALUE_INT: return value_int(n % 3 == 0 ? n : n * 1000000007ll - 5);
    case VALUE_DOUBLE: return value_double(n / 8.0 - 1);
    case VALUE_FLOAT: return value_float((float)n / 4 - 3);
    case VALUE_DECIMAL:
        snprintf(number, sizeof number, "%d.%02dE%d", n - 5, n % 100, n % 7 - 3);
        MUST(decimal_parse(bytes_text(number), &d));
        return value_decimal(&d);
    case VALUE_STRING:
    case VALUE_BINARY: return text_of(type, n, text);
    case VALUE_TIMESTAMP: return value_timestamp(n * 86399ll - 100000, n * 1001 % 1000000000);
    case VALUE_UUID:
    case VALUE_OBJECT_ID: return id_of(type, n);
    default: return value_of(in_mixed[n % 9], n, text);
    }
}

/* ---- contents ---- */
typedef struct filler {
    model_txn *txn;
    counts count;
    class_key c;
    row_key row;
    row_key rows[8]; /* of class Row, to link to */
} filler;

static const model_class *class_named(const filler *f, const char *name)
{
    return schema_class_named(model_view_schema(model_txn_view(f->txn)), bytes_text(name));
}

static property_key property_of(const filler *f, const char *name)
{
    const model_class *c = schema_class(model_view_schema(model_txn_view(f->txn)), f->c);
    return class_property_named(c, bytes_text(name))->key;
}

static void set(const filler *f, const char *name, value v)
{
    MUST(model_set(f->txn, f->c, f->row, property_of(f, name), &v));
}

static void fill_part(filler *f, row_key part, int n)
{
    char text[LARGE + 32];
    row_key deep = 0;
    value x = value_int(n), y = text_of(VALUE_STRING, n, text);
    class_key c = class_named(f, "Part")->key;
    MUST(model_set(f->txn, c, part, 1, &x));
    if (n % 3 != 0) return;
    MUST(model_set_embedded(f->txn, c, part, 2, &deep));
    MUST(model_set(f->txn, class_named(f, "Deep")->key, deep, 1, &y));
}

static void fill_embedded(filler *f, const model_property *p, int n)
{
    row_key part = 0;
    char key[16];
    uint8_t form = p->flags & PROPERTY_COLLECTION;
    if (form == 0) {
        MUST(model_set_embedded(f->txn, f->c, f->row, p->key, &part));
        fill_part(f, part, n);
    }
    for (int i = 0; i < n % 4 && form != 0; i++) {
        snprintf(key, sizeof key, "part %d", i);
        if (form == PROPERTY_LIST)
            MUST(model_list_insert_embedded(f->txn, f->c, f->row, p->key, 0, &part));
        else
            MUST(model_dictionary_put_embedded(f->txn, f->c, f->row, p->key, bytes_text(key),
                                               &part));
        fill_part(f, part, n + i);
    }
}

static value element_of(filler *f, const model_property *p, int n, char text[LARGE + 32])
{
    if ((p->flags & PROPERTY_NULLABLE) != 0 && n % 5 == 2) return value_null();
    return p->type == VALUE_LINK ? value_link(f->rows[n % 8]) : value_of(p->type, n, text);
}

static void fill_property(filler *f, const model_property *p, int n)
{
    char text[LARGE + 32], key[16];
    bool added = false;
    uint8_t form = p->flags & PROPERTY_COLLECTION;
    if (p->type == VALUE_EMBEDDED) {
        fill_embedded(f, p, n);
        return;
    }
    for (int i = 0; i < (form == 0 ? 1 : n % 6); i++) {
        value v = element_of(f, p, n + i, text);
        snprintf(key, sizeof key, "key %d", i);
        if (form == 0)
            MUST(model_set(f->txn, f->c, f->row, p->key, &v));
        else if (form == PROPERTY_LIST)
            MUST(model_list_insert(f->txn, f->c, f->row, p->key, 0, &v));
        else if (form == PROPERTY_SET)
            MUST(model_set_insert(f->txn, f->c, f->row, p->key, &v, &added));
        else
            MUST(model_dictionary_put(f->txn, f->c, f->row, p->key, bytes_text(key), &v));
    }
}

/* {"list": [n, {}], "n": n} in a mixed value, or a link. */
static void fill_nested(filler *f, int n)
{
    property_key any = property_of(f, "mixed");
    value v = {.type = VALUE_DICTIONARY}, list = {.type = VALUE_LIST}, number = value_int(n);
    if (n % 3 == 0) {
        v = (value){.type = VALUE_TYPED_LINK,
                    .as.link = {.row = f->rows[n % 8], .class_of = class_named(f, "Row")->key}};
        MUST(model_set(f->txn, f->c, f->row, any, &v));
        return;
    }
    MUST(model_set(f->txn, f->c, f->row, any, &v));
    MUST(model_get(model_txn_view(f->txn), f->c, f->row, any, &v));
    class_key c = v.as.link.class_of;
    row_key row = v.as.link.row;
    MUST(model_dictionary_put(f->txn, c, row, SCHEMA_HIDDEN_ITEMS, bytes_text("list"), &list));
    MUST(model_dictionary_put(f->txn, c, row, SCHEMA_HIDDEN_ITEMS, bytes_text("n"), &number));
    MUST(model_list_get(model_txn_view(f->txn), c, row, SCHEMA_HIDDEN_ITEMS, 0, &list, NULL));
    v.type = VALUE_DICTIONARY;
    MUST(model_list_insert(f->txn, list.as.link.class_of, list.as.link.row, SCHEMA_HIDDEN_ITEMS, 0,
                           &number));
    MUST(model_list_insert(f->txn, list.as.link.class_of, list.as.link.row, SCHEMA_HIDDEN_ITEMS, 1,
                           &v));
}

static void begin(filler *f, golden_kind kind, model_db *db)
{
    *f = (filler){.count = counts_of(kind)};
    MUST(model_begin(db, COMMIT_LOCAL, &f->txn));
}

static void fill_rows(filler *f)
{
    char text[64];
    f->c = class_named(f, "Row")->key;
    row_key before = 0;
    for (int i = 0; i < f->count.rows; i++) {
        MUST(model_create(f->txn, f->c, NULL, &f->row));
        set(f, "number", value_int(i % 50));
        set(f, "half", value_double(i / 2.0));
        if (i % 3 == 0) set(f, "at", value_timestamp(i * 60, i % 2));
        snprintf(text, sizeof text, "Word%d and fi\xc3\xb1%d", i % 40, i % 7);
        set(f, "words", value_string(bytes_text(text)));
        if (i % 500 == 7) set(f, "seldom", value_string(bytes_text("here")));
        if (before != 0 && i % 4 == 0) set(f, "next", value_link(before));
        set(f, "gone", value_int(i));
        before = f->row;
        if (i < 8) f->rows[i] = f->row;
    }
}

static void fill_objects(filler *f)
{
    for (int n = 1; n <= f->count.all; n++) {
        value key = value_int(n * 10);
        const model_class *c = class_named(f, "All");
        f->c = c->key;
        MUST(model_create(f->txn, f->c, &key, &f->row));
        for (size_t i = 1; i < c->property_count && n % 6 != 0; i++) /* some hold nothing */
            fill_property(f, &c->properties[i], n + (int)i);
        if (n % 2 == 1) fill_nested(f, n);
    }
}

static void fill_long(filler *f, int n)
{
    char text[32];
    bool added = false;
    for (int i = 0; i < f->count.elements; i++) {
        value number = value_int(i * n), name;
        snprintf(text, sizeof text, "name %d", i * 7 % f->count.elements);
        name = value_string(bytes_text(text));
        MUST(model_list_insert(f->txn, f->c, f->row, property_of(f, "many"), (uint64_t)i, &number));
        MUST(model_set_insert(f->txn, f->c, f->row, property_of(f, "names"), &name, &added));
        MUST(model_dictionary_put(f->txn, f->c, f->row, property_of(f, "by name"), bytes_text(text),
                                  &number));
    }
}

static void fill_keyed(filler *f)
{
    static const char *const names[] = {"Named", "Known", "Marked"};
    char *big = calloc(1, 60000);
    cr_assert(big != NULL);
    for (int which = 0; which < 3; which++)
        for (int n = 0; n < 3; n++) {
            char text[LARGE + 32];
            f->c = class_named(f, names[which])->key;
            value key = which == 0 ? text_of(VALUE_STRING, n, text)
                                   : id_of(which == 1 ? VALUE_UUID : VALUE_OBJECT_ID, n);
            MUST(model_create(f->txn, f->c, &key, &f->row));
            set(f, "large", text_of(VALUE_STRING, 5 + 17 * n, text));
            if (n < f->count.large) memset(big, n + 1, 60000);
            if (f->count.large > 1) set(f, "bytes", value_binary(bytes_of(big, 60000)));
            if (n == 0 && (which == 0 || f->count.large > 1)) fill_long(f, which + 1);
        }
    free(big);
}

static void delete_rows(filler *f, row_key from, row_key step)
{
    for (row_key row = from; row < (row_key)f->count.rows; row += step) {
        bool alive = false;
        MUST(model_is_alive(model_txn_view(f->txn), f->c, row, &alive));
        if (alive) MUST(model_delete(f->txn, f->c, row));
    }
}

void golden_fill(golden_kind kind, model_db *db)
{
    filler f;
    model_schema schema = golden_schema();
    MUST(model_update_schema(db, &schema, 1, true));
    schema_free(&schema);
    begin(&f, kind, db);
    fill_rows(&f);
    fill_objects(&f);
    fill_keyed(&f);
    MUST(model_commit(f.txn, NULL));
    begin(&f, kind, db);
    f.c = class_named(&f, "Row")->key;
    delete_rows(&f, 10, 3);
    MUST(model_commit(f.txn, NULL));
}

static void change_objects(filler *f)
{
    f->c = class_named(f, "All")->key;
    for (int n = 1; n <= f->count.all; n++) {
        value key = value_int(n * 10);
        MUST(model_find(model_txn_view(f->txn), f->c, &key, &f->row));
        if (n % 5 == 4) {
            MUST(model_delete(f->txn, f->c, f->row));
            continue;
        }
        set(f, "string?", n % 2 == 0 ? value_null() : value_string(bytes_text("changed")));
        set(f, "mixed", value_int(n));
        MUST(model_increment(f->txn, f->c, f->row, property_of(f, "int"), 1000 + n));
        uint64_t count =
            model_list_count(model_txn_view(f->txn), f->c, f->row, property_of(f, "string list"));
        if (count > 1)
            MUST(
                model_list_move(f->txn, f->c, f->row, property_of(f, "string list"), 0, count - 1));
        MUST(model_list_clear(f->txn, f->c, f->row, property_of(f, "int set")));
    }
    value fresh = value_int(-1);
    MUST(model_create(f->txn, f->c, &fresh, &f->row));
}

void golden_change(golden_kind kind, model_db *db)
{
    filler f;
    begin(&f, kind, db);
    f.c = class_named(&f, "Row")->key;
    delete_rows(&f, 20, 7);
    for (row_key row = 12; row < (row_key)f.count.rows; row += 100) {
        bool alive = false;
        MUST(model_is_alive(model_txn_view(f.txn), f.c, row, &alive));
        f.row = row;
        if (alive) set(&f, "half", value_double(-0.25));
        if (alive) set(&f, "words", value_string(bytes_text("entirely other")));
    }
    MUST(model_commit(f.txn, NULL));
    begin(&f, kind, db);
    change_objects(&f);
    MUST(model_commit(f.txn, NULL));
}

/* Row: gone goes, number is called count, half becomes a text, words may be null. Marked goes. */
static model_schema migrated_schema(void)
{
    model_schema s = {0};
    size_t row = 0;
    MUST(schema_add_class(&s, bytes_text("Row"), CLASS_NORMAL, &row));
    add(&s, row, "count", VALUE_INT, PROPERTY_INDEXED, "");
    add(&s, row, "half", VALUE_STRING, 0, "");
    add(&s, row, "at", VALUE_TIMESTAMP, PROPERTY_NULLABLE, "");
    add(&s, row, "words", VALUE_STRING, PROPERTY_FULL_TEXT | PROPERTY_NULLABLE, "");
    add(&s, row, "seldom", VALUE_STRING, PROPERTY_NULLABLE, "");
    add(&s, row, "next", VALUE_LINK, PROPERTY_NULLABLE, "Row");
    return s;
}

void golden_migrate(model_db *db)
{
    model_migration *m = NULL;
    model_schema schema = migrated_schema();
    filler f = {.count = counts_of(GOLDEN_MIGRATED)};
    MUST(model_migration_begin(db, &schema, 2, &m));
    MUST(model_migration_rename(m, bytes_text("Row"), bytes_text("number"), bytes_text("count")));
    MUST(model_migration_remove_class(m, &schema, bytes_text("Marked")));
    schema_free(&schema);
    f.txn = model_migration_txn(m);
    f.c = class_named(&f, "Row")->key;
    for (row_key row = 1; row < 100; row++) {
        bool alive = false;
        char text[32];
        MUST(model_is_alive(model_txn_view(f.txn), f.c, row, &alive));
        snprintf(text, sizeof text, "half of %d", (int)row);
        f.row = row;
        if (alive) set(&f, "half", value_string(bytes_text(text)));
    }
    MUST(model_migration_commit(m));
}
