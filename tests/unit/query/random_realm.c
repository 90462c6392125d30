/* Random schemas and data, in a realm and in plain arrays at once. It knows nothing of queries. */
#include "random_realm.h"

uint64_t random_first_seed(void)
{
    const char *text = getenv("ATOLL_FIRST_SEED");
    return text == NULL ? 1 : strtoull(text, NULL, 10);
}

int random_pick(random_realm *w, int bound)
{
    return (int)random_below(&w->random, (uint64_t)bound);
}

bool random_is_collection(const random_property *p)
{
    return (p->flags & PROPERTY_COLLECTION) != 0;
}

/* ---- values ---- */
static value number_value(value_type type, int n)
{
    static const char *const halves[DOMAIN] = {"-1", "-0.5", "0", "0.5", "1", "1.5", "2"};
    decimal d = {{0}};
    switch (type) {
    case VALUE_INT: return value_int(n - 2);
    case VALUE_DOUBLE: return value_double((n - 2) / 2.0);
    case VALUE_FLOAT: return value_float((float)(n - 2) / 2);
    default: OK(decimal_parse(bytes_text(halves[n]), &d)); return value_decimal(&d);
    }
}

static value id_value(value_type type, int n)
{
    uint8_t id[16] = {0};
    id[3] = (uint8_t)(n * 50);
    id[11] = (uint8_t)n;
    return type == VALUE_UUID ? value_uuid(id) : value_object_id(id);
}

value random_value(random_realm *w, value_type type)
{
    static const char *const texts[DOMAIN] = {"", "a", "A", "ab", "ba", "\xc3\xa9", "\xc3\x89"};
    static const value_type kinds[] = {VALUE_NULL, VALUE_INT,  VALUE_DOUBLE,   VALUE_STRING,
                                       VALUE_BOOL, VALUE_UUID, VALUE_TIMESTAMP};
    int n = random_pick(w, DOMAIN);
    switch (type) {
    case VALUE_MIXED: return random_value(w, kinds[random_pick(w, 7)]);
    case VALUE_NULL: return value_null();
    case VALUE_BOOL: return value_bool(n % 2 == 1);
    case VALUE_STRING: return value_string(bytes_text(texts[n]));
    case VALUE_BINARY: return value_binary(bytes_text(texts[n]));
    case VALUE_TIMESTAMP: return value_timestamp(n / 2, n % 2);
    case VALUE_UUID:
    case VALUE_OBJECT_ID: return id_value(type, n);
    default: return number_value(type, n);
    }
}

/* ---- order, by other means than the query layer's ---- */
static double as_double(const value *v)
{
    if (v->type == VALUE_INT) return (double)v->as.integer;
    if (v->type != VALUE_DECIMAL) return v->as.real;
    for (int half = -4; half < 8; half++) {
        decimal d = value_as_decimal(v), other = {{0}};
        char text[16];
        snprintf(text, sizeof text, "%g", half / 2.0);
        OK(decimal_parse(bytes_text(text), &other));
        if (decimal_compare(&d, &other) == 0) return half / 2.0;
    }
    cr_assert_fail("a decimal of no domain");
    return 0;
}

bool random_is_number(const value *v)
{
    return v->type == VALUE_INT || v->type == VALUE_DOUBLE || v->type == VALUE_FLOAT ||
           v->type == VALUE_DECIMAL;
}

static int order_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

bool random_order(const value *a, const value *b, int *order)
{
    if (random_is_number(a) && random_is_number(b)) {
        double x = as_double(a), y = as_double(b);
        *order = (x > y) - (x < y);
        return true;
    }
    if (a->type != b->type) return false;
    switch (a->type) {
    case VALUE_BOOL: *order = a->as.boolean - b->as.boolean; break;
    case VALUE_STRING:
    case VALUE_BINARY:
        *order = order_bytes(a->as.text.data, a->as.text.size, b->as.text.data, b->as.text.size);
        break;
    case VALUE_TIMESTAMP:
        *order = (int)(a->as.timestamp.seconds * 2 + a->as.timestamp.nanoseconds -
                       b->as.timestamp.seconds * 2 - b->as.timestamp.nanoseconds);
        break;
    case VALUE_UUID: *order = memcmp(a->as.id, b->as.id, 16); break;
    case VALUE_OBJECT_ID: *order = memcmp(a->as.id, b->as.id, 12); break;
    default: return false;
    }
    return true;
}

/* ---- schema ---- */
static void draw_property(random_realm *w, random_property *p, int index)
{
    static const value_type types[] = {
        VALUE_BOOL,   VALUE_INT,    VALUE_DOUBLE,    VALUE_FLOAT, VALUE_DECIMAL,
        VALUE_STRING, VALUE_BINARY, VALUE_TIMESTAMP, VALUE_UUID,  VALUE_OBJECT_ID,
        VALUE_MIXED,  VALUE_LINK,   VALUE_LINK,      VALUE_INT,   VALUE_STRING};
    static const uint8_t kinds[] = {0, 0, 0, 0, PROPERTY_LIST, PROPERTY_SET, PROPERTY_DICTIONARY};
    snprintf(p->name, sizeof p->name, "p%d", index);
    p->type = types[random_pick(w, sizeof types / sizeof types[0])];
    uint8_t kind = kinds[random_pick(w, sizeof kinds)];
    bool link = p->type == VALUE_LINK, nullable = random_pick(w, 2) == 0;
    if (link) nullable = kind == 0 || kind == PROPERTY_DICTIONARY;
    if (p->type == VALUE_MIXED) nullable = false;
    if (p->type == VALUE_MIXED && kind == PROPERTY_SET) kind = 0; /* 1 and 1.0 are one in a set */
    if (link) p->target = random_pick(w, w->class_count);
    p->flags = (uint8_t)(kind | (nullable ? PROPERTY_NULLABLE : 0));
    bool may_index =
        kind == 0 && (p->type == VALUE_BOOL || p->type == VALUE_INT || p->type == VALUE_STRING ||
                      p->type == VALUE_TIMESTAMP || p->type == VALUE_UUID ||
                      p->type == VALUE_OBJECT_ID || p->type == VALUE_MIXED);
    if (may_index && random_pick(w, 2) == 0) p->flags |= PROPERTY_INDEXED;
}

static void draw_schema(random_realm *w, model_schema *to)
{
    char name[16], target[16];
    size_t index = 0;
    w->class_count = 1 + random_pick(w, CLASSES_MAX);
    for (int c = 0; c < w->class_count; c++) {
        snprintf(name, sizeof name, "C%d", c);
        OK(schema_add_class(to, bytes_text(name), CLASS_NORMAL, &index));
        w->classes[c].property_count = 3 + random_pick(w, PROPERTIES_MAX - 2);
        for (int i = 0; i < w->classes[c].property_count; i++) {
            random_property *p = &w->classes[c].properties[i];
            draw_property(w, p, i);
            snprintf(target, sizeof target, p->type == VALUE_LINK ? "C%d" : "", p->target);
            OK(schema_add_property(to, index, bytes_text(p->name), p->type, p->flags,
                                   bytes_text(target)));
        }
    }
}

static void learn_keys(random_realm *w)
{
    char name[16];
    model_view *view = model_view_newest(w->db);
    for (int c = 0; c < w->class_count; c++) {
        snprintf(name, sizeof name, "C%d", c);
        const model_class *stored = schema_class_named(model_view_schema(view), bytes_text(name));
        w->classes[c].key = stored->key;
        for (int i = 0; i < w->classes[c].property_count; i++)
            w->classes[c].properties[i].key =
                fixture_property(stored, w->classes[c].properties[i].name);
    }
    model_view_release(view);
}

/* ---- data ---- */
typedef struct place {
    random_class *c;
    random_object *object;
    random_property *property;
    cell *cell;
} place;

static value item_value(random_realm *w, const place *at, int *target)
{
    const random_property *p = at->property;
    bool nullable = (p->flags & PROPERTY_NULLABLE) != 0;
    *target = NOBODY;
    if (p->type != VALUE_LINK)
        return nullable && random_pick(w, 4) == 0 ? value_null() : random_value(w, p->type);
    const random_class *other = &w->classes[p->target];
    if (other->object_count == 0) return value_null();
    int n = random_pick(w, other->object_count);
    if (!other->objects[n].alive || (nullable && random_pick(w, 4) == 0)) return value_null();
    *target = n;
    return value_link(other->objects[n].row);
}

static void put_item(cell *to, int at, bool there, value v, int target, int key)
{
    for (int i = to->count; i > at && !there; i--) {
        to->items[i] = to->items[i - 1];
        to->targets[i] = to->targets[i - 1];
        to->keys[i] = to->keys[i - 1];
    }
    to->count += !there;
    to->items[at] = v;
    to->targets[at] = target;
    to->keys[at] = key;
}

static void clear(random_realm *w, const place *at)
{
    OK(model_list_clear(w->txn, at->c->key, at->object->row, at->property->key));
    at->cell->count = 0;
}

static void add_item(random_realm *w, const place *at)
{
    int target = NOBODY, n = at->cell->count;
    class_key c = at->c->key;
    row_key row = at->object->row;
    property_key p = at->property->key;
    value v = item_value(w, at, &target);
    bool link_to_none = at->property->type == VALUE_LINK && target == NOBODY, added = false;
    if ((at->property->flags & PROPERTY_DICTIONARY) != 0) {
        char key[4];
        int name = random_pick(w, ITEMS_MAX), k = 0;
        snprintf(key, sizeof key, "k%d", name);
        while (k < n && at->cell->keys[k] < name) k++;
        OK(model_dictionary_put(w->txn, c, row, p, bytes_text(key), &v));
        put_item(at->cell, k, k < n && at->cell->keys[k] == name, v, target, name);
        return;
    }
    if (n == ITEMS_MAX || link_to_none) return;
    if ((at->property->flags & PROPERTY_SET) != 0) {
        OK(model_set_insert(w->txn, c, row, p, &v, &added));
        if (added) put_item(at->cell, n, false, v, target, 0);
        return;
    }
    int k = random_pick(w, n + 1);
    OK(model_list_insert(w->txn, c, row, p, (uint64_t)k, &v));
    put_item(at->cell, k, false, v, target, 0);
}

static void change_cell(random_realm *w, random_class *c, random_object *o, int index)
{
    place at = {c, o, &c->properties[index], &o->cells[index]};
    int target = NOBODY;
    if (random_is_collection(at.property)) {
        if (random_pick(w, 6) == 0) clear(w, &at);
        for (int n = random_pick(w, 3); n > 0; n--) add_item(w, &at);
        return;
    }
    value v = item_value(w, &at, &target);
    OK(model_set(w->txn, c->key, o->row, at.property->key, &v));
    put_item(at.cell, 0, true, v, target, 0);
}

static void add_object(random_realm *w, random_class *c)
{
    if (c->object_count == OBJECTS_MAX) return;
    random_object *o = &c->objects[c->object_count++];
    *o = (random_object){.alive = true};
    OK(model_create(w->txn, c->key, NULL, &o->row));
    for (int i = 0; i < c->property_count; i++) {
        const random_property *p = &c->properties[i];
        bool empty = (p->flags & PROPERTY_NULLABLE) != 0 || p->type == VALUE_MIXED;
        o->cells[i].targets[0] = NOBODY;
        o->cells[i].count = !random_is_collection(p);
        o->cells[i].items[0] = empty ? value_null() : value_zero(p->type);
        if (random_pick(w, 4) != 0) change_cell(w, c, o, i);
    }
}

/* What linked there does not any more: out of lists and sets, null elsewhere. */
static void forget(random_realm *w, int target_class, int gone)
{
    for (int c = 0; c < w->class_count; c++)
        for (int i = 0; i < w->classes[c].property_count; i++) {
            const random_property *p = &w->classes[c].properties[i];
            bool stays = (p->flags & (PROPERTY_LIST | PROPERTY_SET)) == 0;
            if (p->type != VALUE_LINK || p->target != target_class) continue;
            for (int k = 0; k < w->classes[c].object_count; k++) {
                cell *at = &w->classes[c].objects[k].cells[i];
                int kept = 0;
                for (int n = 0; n < at->count; n++) {
                    bool lost = at->targets[n] == gone;
                    if (lost && !stays) continue;
                    at->items[kept] = lost ? value_null() : at->items[n];
                    at->targets[kept] = lost ? NOBODY : at->targets[n];
                    at->keys[kept++] = at->keys[n];
                }
                at->count = kept;
            }
        }
}

static void delete_object(random_realm *w, int c, int index)
{
    random_object *o = &w->classes[c].objects[index];
    if (!o->alive) return;
    OK(model_delete(w->txn, w->classes[c].key, o->row));
    o->alive = false;
    forget(w, c, index);
}

void random_realm_change(random_realm *w, int steps)
{
    OK(model_begin(w->db, COMMIT_LOCAL, &w->txn));
    for (; steps > 0; steps--) {
        int index = random_pick(w, w->class_count), what = random_pick(w, 8);
        random_class *c = &w->classes[index];
        int n = c->object_count == 0 ? NOBODY : random_pick(w, c->object_count);
        if (what == 0 || n == NOBODY)
            add_object(w, c);
        else if (what == 1)
            delete_object(w, index, n);
        else if (c->objects[n].alive)
            change_cell(w, c, &c->objects[n], random_pick(w, c->property_count));
    }
    OK(model_commit(w->txn, NULL));
}

random_realm *random_realm_new(uint64_t seed)
{
    model_options options = {.platform = platform_posix(), .use = SCHEMA_LOCAL};
    model_schema schema = {0};
    storage *store = NULL;
    random_realm *w = calloc(1, sizeof *w);
    cr_assert_not_null(w);
    w->live = memory_live_count();
    w->random.state = seed;
    w->disk = memory_disk_new(seed);
    draw_schema(w, &schema);
    OK(storage_open_memory(w->disk, &store));
    OK(model_open(store, &options, &schema, &w->db));
    schema_free(&schema);
    learn_keys(w);
    OK(model_begin(w->db, COMMIT_LOCAL, &w->txn));
    for (int c = 0; c < w->class_count; c++) {
        /* Some have more objects than one segment. */
        int count = seed % 40 == 0 && c == 0 ? 1150 : random_pick(w, 60);
        w->classes[c].objects = calloc(OBJECTS_MAX, sizeof(random_object));
        cr_assert_not_null(w->classes[c].objects);
        for (int i = 0; i < count; i++) add_object(w, &w->classes[c]);
    }
    OK(model_commit(w->txn, NULL));
    random_realm_change(w, 60);
    return w;
}

void random_realm_free(random_realm *w)
{
    model_close(w->db);
    memory_disk_free(w->disk);
    cr_assert_eq(memory_live_count(), w->live, "%d allocations are left",
                 (int)(memory_live_count() - w->live));
    for (int c = 0; c < w->class_count; c++) free(w->classes[c].objects);
    free(w);
}
