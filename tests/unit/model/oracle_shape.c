/* The oracle's class whose properties come, go, and change their names, types and nullability while it has objects. */
#include "oracle_parts.h"

static const value_type shape_types[SHAPE_TYPES] = {
    VALUE_INT, VALUE_STRING, VALUE_DOUBLE, VALUE_LINK, VALUE_MIXED, VALUE_INT, VALUE_STRING};

static int nothing(const shape_property *p) /* what an object holds that was never set */
{
    return p->nullable || p->type == SHAPE_MIXED ? ORACLE_NONE : SHAPE_ZERO;
}

static uint8_t shape_flags(const shape_property *p)
{
    unsigned flags = p->nullable ? PROPERTY_NULLABLE : 0u;
    if (p->indexed) flags |= PROPERTY_INDEXED;
    if (p->type == SHAPE_LIST) flags |= PROPERTY_LIST;
    if (p->type == SHAPE_DICTIONARY) flags |= PROPERTY_DICTIONARY;
    return (uint8_t)flags;
}

static bytes shape_name(char to[16], int name)
{
    return numbered(to, "p", name);
}

static value shape_value(const shape_property *p, int n, char text[TEXT_SIZE])
{
    if (n == ORACLE_NONE) return value_null();
    if (n == SHAPE_ZERO) return value_zero(shape_types[p->type]);
    switch (p->type) {
    case SHAPE_INT: return value_int(n % 10);
    case SHAPE_TEXT: return text_value(text, n % 20, VALUE_STRING);
    case SHAPE_DOUBLE: return value_double(n / 3.0);
    default: return any_value(n, text);
    }
}

/* ---- objects ---- */
static const model_class *shape_class(const model_view *view)
{
    return schema_class_named(model_view_schema(view), bytes_text("Shape"));
}

static status fill_list(change_context *c, class_key held, row_key row, property_key p, int n)
{
    TRY(model_list_clear(c->txn, held, row, p));
    for (int i = 0; i < n % 4; i++) {
        value v = value_int(n + i);
        TRY(model_list_insert(c->txn, held, row, p, (uint64_t)i, &v));
    }
    return ATOLL_OK;
}

static status fill_dictionary(change_context *c, class_key held, row_key row, property_key p, int n)
{
    char text[TEXT_SIZE], key[16];
    TRY(model_list_clear(c->txn, held, row, p));
    for (int i = 0; i < n % 4; i++) {
        value v = text_value(text, n + i, VALUE_STRING);
        TRY(model_dictionary_put(c->txn, held, row, p, shape_name(key, i), &v));
    }
    return ATOLL_OK;
}

/* Sets one property of one object to something new. */
static status set_shape(change_context *c, int index, row_key row)
{
    char text[TEXT_SIZE], name[16];
    oracle_shape *shape = &c->o->shape;
    int slot = (int)random_below(c->r, SHAPE_PROPERTIES), n = (int)random_below(c->r, 300);
    const shape_property *p = &shape->properties[slot];
    if (p->name == 0) return ATOLL_OK;
    const model_class *class_of = shape_class(model_txn_view(c->txn));
    property_key key = class_property_named(class_of, shape_name(name, p->name))->key;
    bool collection = p->type == SHAPE_LIST || p->type == SHAPE_DICTIONARY;
    if (p->nullable && n % 5 == 0) n = ORACLE_NONE;
    if (collection && n % 4 == 0) n = SHAPE_ZERO;
    if (collection) {
        int size = n == SHAPE_ZERO ? 0 : n;
        TRY(p->type == SHAPE_LIST ? fill_list(c, class_of->key, row, key, size)
                                  : fill_dictionary(c, class_of->key, row, key, size));
    } else {
        value v = value_null();
        if (p->type == SHAPE_LINK) TRY(random_target(c, &n, &v));
        if (p->type != SHAPE_LINK) v = shape_value(p, n, text);
        TRY(model_set(c->txn, class_of->key, row, key, &v));
    }
    shape->values[index][slot] = n;
    return ATOLL_OK;
}

static status find_shape(change_context *c, int index, row_key *row)
{
    value key = value_int(index);
    return model_find(model_txn_view(c->txn), shape_class(model_txn_view(c->txn))->key, &key, row);
}

status change_shape(change_context *c)
{
    oracle_shape *shape = &c->o->shape;
    int index = (int)random_below(c->r, SHAPE_ROWS);
    value key = value_int(index);
    row_key row = 0;
    if (!shape->exists) return ATOLL_OK;
    class_key class_of = shape_class(model_txn_view(c->txn))->key;
    if (!shape->alive[index]) {
        TRY(model_create(c->txn, class_of, &key, &row));
        shape->alive[index] = true;
        for (int i = 0; i < SHAPE_PROPERTIES; i++)
            shape->values[index][i] = nothing(&shape->properties[i]);
        return ATOLL_OK;
    }
    TRY(find_shape(c, index, &row));
    if (random_below(c->r, 6) != 0) return set_shape(c, index, row);
    TRY(model_delete(c->txn, class_of, row));
    shape->alive[index] = false;
    memset(shape->values[index], 0, sizeof shape->values[index]);
    return ATOLL_OK;
}

/* ---- its schema ---- */
static model_schema shape_schema(const oracle_shape *shape)
{
    model_schema s = {0};
    size_t index = 0;
    char name[16];
    if (!shape->exists) return s;
    MUST(schema_add_class(&s, bytes_text("Shape"), CLASS_NORMAL, &index));
    MUST(schema_add_property(&s, index, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    for (int i = 0; i < SHAPE_PROPERTIES; i++) {
        const shape_property *p = &shape->properties[i];
        if (p->name == 0) continue;
        MUST(schema_add_property(&s, index, shape_name(name, p->name), shape_types[p->type],
                                 shape_flags(p), bytes_text(p->type == SHAPE_LINK ? "Item" : "")));
    }
    return s;
}

/* A name that neither schema has, 0: there is none. */
static int unused_name(const oracle_shape *before, const oracle_shape *now, random_state *r)
{
    bool used[SHAPE_NAMES + 1] = {0};
    int first = 1 + (int)random_below(r, SHAPE_NAMES);
    for (int i = 0; i < SHAPE_PROPERTIES; i++)
        used[before->properties[i].name] = used[now->properties[i].name] = true;
    for (int i = 0; i < SHAPE_NAMES; i++) {
        int name = 1 + (first + i) % SHAPE_NAMES;
        if (!used[name]) return name;
    }
    return 0;
}

static void begin_anew(oracle_shape *shape, int slot)
{
    for (int i = 0; i < SHAPE_ROWS; i++)
        shape->values[i][slot] = shape->alive[i] ? nothing(&shape->properties[slot]) : 0;
}

static bool may_have_index(const shape_property *p)
{
    return p->type == SHAPE_INT || p->type == SHAPE_TEXT || p->type == SHAPE_MIXED;
}

static void make_property(oracle_shape *shape, int slot, int name, random_state *r)
{
    shape_property *p = &shape->properties[slot];
    memset(p, 0, sizeof *p);
    if (name != 0) {
        p->name = name;
        p->type = (shape_type)random_below(r, SHAPE_TYPES);
        p->nullable = p->type == SHAPE_LINK || (p->type < SHAPE_LINK && random_below(r, 2) == 0);
        p->indexed = may_have_index(p) && random_below(r, 2) == 0;
    }
    begin_anew(shape, slot);
}

static status add_to_schema(oracle *o, model_db *db, random_state *r, bool pinned)
{
    oracle_shape *shape = &o->shape, before = *shape;
    int slot = (int)random_below(r, SHAPE_PROPERTIES);
    shape_property *p = &shape->properties[slot];
    bool flips = !pinned && shape->exists && p->name != 0;
    shape->exists = true;
    if (flips && may_have_index(p)) p->indexed = !p->indexed;
    if (p->name == 0) make_property(shape, slot, unused_name(&before, shape, r), r);
    model_schema given = shape_schema(shape);
    status result = flips ? model_update_schema(db, &given, shape->version, true)
                          : model_add_schema(db, &given);
    schema_free(&given);
    oracle_kinds[KIND_ADDITIVE]++;
    return result;
}

/* What becomes of a property. *renamed: it keeps its values under a name that is new. */
static void migrate_property(const oracle_shape *before, oracle_shape *now, int slot, bool *renamed,
                             random_state *r)
{
    shape_property *p = &now->properties[slot];
    int name = unused_name(before, now, r);
    bool scalar = p->type < SHAPE_LINK;
    switch (p->name == 0 ? 0 : random_below(r, 9)) {
    case 0: /* added, or another in its place */ make_property(now, slot, name, r); break;
    case 1: /* another type, perhaps */
        make_property(now, slot, p->name, r);
        if (p->type != before->properties[slot].type) break;
        *p = before->properties[slot];
        for (int i = 0; i < SHAPE_ROWS; i++) now->values[i][slot] = before->values[i][slot];
        break;
    case 2: /* null becomes nothing */
        if (!scalar) break;
        p->nullable = !p->nullable;
        for (int i = 0; i < SHAPE_ROWS; i++)
            if (now->alive[i] && now->values[i][slot] == ORACLE_NONE && !p->nullable)
                now->values[i][slot] = SHAPE_ZERO;
        break;
    case 3: /* gone */ make_property(now, slot, 0, r); break;
    case 4:
    case 5:
        if (name == 0) break;
        p->name = name;
        if (scalar && random_below(r, 3) == 0) p->nullable = true;
        *renamed = true;
        break;
    default: break;
    }
}

static status rename_all(model_migration *m, const oracle_shape *before, const oracle_shape *now,
                         const bool renamed[SHAPE_PROPERTIES])
{
    char from[16], to[16];
    for (int i = 0; i < SHAPE_PROPERTIES; i++)
        if (renamed[i])
            TRY(model_migration_rename(m, bytes_text("Shape"),
                                       shape_name(from, before->properties[i].name),
                                       shape_name(to, now->properties[i].name)));
    return ATOLL_OK;
}

static status write_in_migration(oracle *o, model_migration *m, random_state *r)
{
    change_context c = {.o = o, .txn = model_migration_txn(m), .r = r};
    for (uint64_t n = random_below(r, 4); n > 0; n--) {
        int index = (int)random_below(r, SHAPE_ROWS);
        row_key row = 0;
        if (!o->shape.alive[index]) continue;
        TRY(find_shape(&c, index, &row));
        TRY(set_shape(&c, index, row));
    }
    return ATOLL_OK;
}

static status migrate(oracle *o, model_db *db, random_state *r)
{
    oracle_shape *shape = &o->shape, before = *shape;
    bool renamed[SHAPE_PROPERTIES] = {0}, removes = random_below(r, 8) == 0,
         cancels = random_below(r, 6) == 0;
    model_migration *m = NULL;
    shape->version++;
    if (removes) {
        *shape = (oracle_shape){.version = shape->version};
    } else {
        for (int i = 0; i < SHAPE_PROPERTIES; i++)
            migrate_property(&before, shape, i, &renamed[i], r);
    }
    model_schema given = shape_schema(shape);
    status result = model_migration_begin(db, &given, shape->version, &m);
    if (result == ATOLL_OK && removes)
        result = model_migration_remove_class(m, &given, bytes_text("Shape"));
    if (result == ATOLL_OK && !removes) result = rename_all(m, &before, shape, renamed);
    if (result == ATOLL_OK && !removes) result = write_in_migration(o, m, r);
    schema_free(&given);
    oracle_kinds[KIND_MIGRATION]++;
    if (result == ATOLL_OK && !cancels) return model_migration_commit(m);
    model_migration_cancel(m);
    if (cancels) *shape = before;
    return result;
}

status oracle_change_schema(oracle *o, model_db *db, random_state *r, bool identity, bool pinned)
{
    if (identity || pinned || !o->shape.exists || random_below(r, 3) == 0)
        return add_to_schema(o, db, r, pinned);
    return migrate(o, db, r);
}

/* ---- comparison ---- */
static void compare_collection(compare_context *c, class_key class_of, row_key row,
                               property_key key, const shape_property *p, int n)
{
    char text[TEXT_SIZE], name[16];
    uint64_t count = n == SHAPE_ZERO ? 0 : (uint64_t)n % 4;
    cr_assert_eq(model_list_count(c->view, class_of, row, key), count, "%s, seed %lu: p%d", c->when,
                 c->seed, p->name);
    for (int i = 0; i < (int)count; i++) {
        value v, expected = value_int(n + i);
        bytes stored;
        if (p->type == SHAPE_DICTIONARY) {
            expected = text_value(text, n + i, VALUE_STRING);
            MUST(model_dictionary_key(c->view, class_of, row, key, (uint64_t)i, &stored));
            cr_assert(bytes_equal(stored, shape_name(name, i)));
        }
        MUST(model_list_get(c->view, class_of, row, key, (uint64_t)i, &v, NULL));
        cr_assert(value_equal(&v, &expected), "%s, seed %lu: p%d", c->when, c->seed, p->name);
    }
}

/* The index gives just those objects that have the value of this one. */
static void compare_index(compare_context *c, const row_key rows[SHAPE_ROWS], class_key class_of,
                          property_key key, int index, int slot)
{
    char text[TEXT_SIZE], other[TEXT_SIZE];
    const oracle_shape *shape = &c->o->shape;
    const shape_property *p = &shape->properties[slot];
    value v = shape_value(p, shape->values[index][slot], text);
    model_rows found = {0};
    MUST(model_index_rows(c->view, class_of, key, &v, &found));
    size_t expected = 0;
    for (int i = 0; i < SHAPE_ROWS; i++) {
        if (!shape->alive[i]) continue;
        value same = shape_value(p, shape->values[i][slot], other);
        if (value_compare(&v, &same) != 0) continue;
        bool there = false;
        for (size_t k = 0; k < found.count; k++) there |= found.items[k] == rows[i];
        cr_assert(there, "%s, seed %lu: the index of p%d lacks object %d", c->when, c->seed,
                  p->name, i);
        expected++;
    }
    cr_assert_eq(found.count, expected, "%s, seed %lu: the index of p%d", c->when, c->seed,
                 p->name);
    vector_free(&found);
}

static void compare_property(compare_context *c, const model_class *class_of,
                             const row_key rows[SHAPE_ROWS], int slot)
{
    char text[TEXT_SIZE], name[16];
    const oracle_shape *shape = &c->o->shape;
    const shape_property *p = &shape->properties[slot];
    const model_property *stored = class_property_named(class_of, shape_name(name, p->name));
    cr_assert(stored != NULL && stored->type == shape_types[p->type] &&
                  (stored->flags & ~PROPERTY_NULLABLE) == (shape_flags(p) & ~PROPERTY_NULLABLE),
              "%s, seed %lu: declaration of p%d", c->when, c->seed, p->name);
    for (int i = 0; i < SHAPE_ROWS; i++) {
        int n = shape->values[i][slot];
        value expected = value_null();
        if (!shape->alive[i]) continue;
        if (p->type == SHAPE_LIST || p->type == SHAPE_DICTIONARY) {
            compare_collection(c, class_of->key, rows[i], stored->key, p, n);
            continue;
        }
        value v = test_get(c->view, class_of->key, rows[i], stored->key);
        if (p->type != SHAPE_LINK) {
            expected = shape_value(p, n, text);
        } else if (n != ORACLE_NONE && c->rows[n] != 0) {
            c->links[n]++;
            expected = value_link(c->rows[n]);
        }
        cr_assert(value_equal(&v, &expected), "%s, seed %lu: p%d of object %d", c->when, c->seed,
                  p->name, i);
        if (p->indexed && i == (int)(c->seed % SHAPE_ROWS))
            compare_index(c, rows, class_of->key, stored->key, i, slot);
    }
}

void compare_shape(compare_context *c)
{
    const oracle_shape *shape = &c->o->shape;
    const model_class *class_of = shape_class(c->view);
    row_key rows[SHAPE_ROWS] = {0};
    size_t properties = 1;
    uint64_t alive = 0;
    cr_assert_eq(class_of != NULL, shape->exists, "%s, seed %lu: class Shape", c->when, c->seed);
    cr_assert_eq(model_view_schema(c->view)->version, shape->version, "%s, seed %lu", c->when,
                 c->seed);
    if (class_of == NULL) return;
    for (int i = 0; i < SHAPE_ROWS; i++) {
        value key = value_int(i);
        MUST(model_find(c->view, class_of->key, &key, &rows[i]));
        cr_assert_eq(rows[i] != 0, shape->alive[i], "%s, seed %lu: life of shape %d", c->when,
                     c->seed, i);
        alive += shape->alive[i];
    }
    cr_assert_eq(model_count(c->view, class_of->key), alive);
    for (int i = 0; i < SHAPE_PROPERTIES; i++) {
        if (shape->properties[i].name == 0) continue;
        properties++;
        compare_property(c, class_of, rows, i);
    }
    cr_assert_eq(class_of->property_count, properties, "%s, seed %lu", c->when, c->seed);
}
