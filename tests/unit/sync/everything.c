/* The world of the tests of all types: see everything.h. */
#include "everything.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void add(model_schema *s, const char *name, value_type type, uint8_t flags,
                const char *target)
{
    MUST(schema_add_property(s, 0, bytes_text(name), type, flags, bytes_text(target)));
}

void everything_start(world *w, uint64_t seed, int clients)
{
    const char *classes[] = {"Item"}, *queries[] = {"TRUEPREDICATE"};
    model_schema schema = fixture_schema(true, false);
    add(&schema, "count", VALUE_INT, PROPERTY_NULLABLE, "");
    add(&schema, "labels", VALUE_INT, PROPERTY_SET, "");
    add(&schema, "words", VALUE_STRING, PROPERTY_SET | PROPERTY_NULLABLE, "");
    add(&schema, "friends", VALUE_LINK, PROPERTY_SET, "Item");
    add(&schema, "notes", VALUE_STRING, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "");
    add(&schema, "parts", VALUE_EMBEDDED, PROPERTY_DICTIONARY, "Part");
    add(&schema, "known", VALUE_LINK, PROPERTY_DICTIONARY | PROPERTY_NULLABLE, "Item");
    add(&schema, "any", VALUE_MIXED, 0, "");
    add(&schema, "anys", VALUE_MIXED, PROPERTY_LIST, "");
    add(&schema, "anyset", VALUE_MIXED, PROPERTY_SET, "");
    add(&schema, "anydict", VALUE_MIXED, PROPERTY_DICTIONARY, "");
    MUST(world_start(w, seed, clients, true, schema));
    for (int i = 0; i < clients; i++) MUST(world_subscribe(w, &w->clients[i], classes, queries, 1));
    everything_settle(w);
}

void everything_settle(world *w)
{
    cr_assert(world_settle(w, 300000), "the world does not come to rest: %s",
              w->clients[0].last_error_text);
    for (int i = 0; i < w->client_count; i++)
        cr_assert_eq(w->clients[i].errors, w->clients[i].compensations, "client %d: %s", i,
                     w->clients[i].last_error_text);
}

void everything_offline(world *w, client *c, bool away)
{
    c->offline = away;
    if (away) world_cut(w, c);
    world_run(w, 1);
}

changing change_begin(world *w, client *c, int64_t id)
{
    changing x = {.w = w, .c = c};
    value key = value_int(id);
    MUST(model_begin(c->db, COMMIT_LOCAL, &x.txn));
    const model_view *view = model_txn_view(x.txn);
    x.item = schema_class_named(model_view_schema(view), bytes_text("Item"))->key;
    MUST(model_find(view, x.item, &key, &x.row));
    if (x.row == 0) MUST(model_create(x.txn, x.item, &key, &x.row));
    return x;
}

void change_end(changing *x)
{
    MUST(model_commit(x->txn, NULL));
    session_committed(x->c->session, x->w->now_ms);
}

property_key change_property(const changing *x, const char *name)
{
    const model_class *c = schema_class(model_view_schema(model_txn_view(x->txn)), x->item);
    const model_property *p = class_property_named(c, bytes_text(name));
    cr_assert_not_null(p, "no property %s", name);
    return p->key;
}

value change_link(const changing *x, int64_t id)
{
    value key = value_int(id), link = {.type = VALUE_LINK};
    MUST(model_find(model_txn_view(x->txn), x->item, &key, &link.as.row));
    cr_assert_neq(link.as.row, 0, "item %d is not there", (int)id);
    return link;
}

value change_typed(const changing *x, int64_t id)
{
    value link = change_link(x, id), typed = {.type = VALUE_TYPED_LINK};
    typed.as.link.class_of = x->item;
    typed.as.link.row = link.as.row;
    return typed;
}

/* ---- text ---- */
typedef struct text {
    char *data;
    size_t size;
} text;

static void put(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(text *t, const char *format, ...)
{
    char line[500];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    t->data = realloc(t->data, t->size + (size_t)size + 1);
    if (t->data == NULL) abort();
    memcpy(t->data + t->size, line, (size_t)size + 1);
    t->size += (size_t)size;
}

static void put_row(text *t, const model_view *view, class_key c, row_key row);

static void put_link(text *t, const model_view *view, class_key c, row_key row)
{
    value key;
    const model_class *target = schema_class(model_view_schema(view), c);
    MUST(model_get_raw(view, c, row, target->primary_key, &key));
    put(t, "@%lld", (long long)key.as.integer);
}

static void put_value(text *t, const model_view *view, const model_property *p, const value *v)
{
    switch (v->type) {
    case VALUE_NULL: put(t, "null"); return;
    case VALUE_BOOL: put(t, v->as.boolean ? "true" : "false"); return;
    case VALUE_INT: put(t, "%lld", (long long)v->as.integer); return;
    case VALUE_FLOAT: put(t, "%gf", v->as.real); return;
    case VALUE_DOUBLE: put(t, "%g", v->as.real); return;
    case VALUE_STRING:
        put(t, "'%.*s'", (int)v->as.text.size, (const char *)v->as.text.data);
        return;
    case VALUE_BINARY: put(t, "binary %zu", v->as.text.size); return;
    case VALUE_TIMESTAMP:
        put(t, "time %lld.%d", (long long)v->as.timestamp.seconds, v->as.timestamp.nanoseconds);
        return;
    case VALUE_UUID:
    case VALUE_OBJECT_ID:
    case VALUE_DECIMAL:
        put(t, "%s %02x%02x", value_type_name(v->type), v->as.id[0], v->as.id[11]);
        return;
    case VALUE_LINK: put_link(t, view, p->target, v->as.row); return;
    case VALUE_TYPED_LINK: put_link(t, view, v->as.link.class_of, v->as.link.row); return;
    case VALUE_EMBEDDED: put_row(t, view, p->target, v->as.row); return;
    case VALUE_LIST:
    case VALUE_DICTIONARY: put_row(t, view, v->as.link.class_of, v->as.link.row); return;
    default: put(t, "?");
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(((const text *)a)->data, ((const text *)b)->data);
}

static void put_collection(text *t, const model_view *view, class_key c, row_key row,
                           const model_property *p)
{
    uint64_t count = model_list_count(view, c, row, p->key);
    bool set = (p->flags & PROPERTY_SET) != 0, keys = (p->flags & PROPERTY_DICTIONARY) != 0;
    text *items = calloc(count + 1, sizeof *items);
    if (items == NULL) abort();
    for (uint64_t i = 0; i < count; i++) {
        value v;
        element_id id;
        bytes key;
        MUST(model_list_get(view, c, row, p->key, i, &v, &id));
        if (keys) MUST(model_dictionary_key(view, c, row, p->key, i, &key));
        if (keys) put(&items[i], "%.*s:", (int)key.size, (const char *)key.data);
        put_value(&items[i], view, p, &v);
    }
    if (set)
        qsort(items, count, sizeof *items, compare_texts); /* Links stand in the order of rows. */
    put(t, set || keys ? "{" : "[");
    for (uint64_t i = 0; i < count; i++) put(t, "%s%s", i == 0 ? "" : " ", items[i].data);
    put(t, set || keys ? "}" : "]");
    for (uint64_t i = 0; i < count; i++) free(items[i].data);
    free(items);
}

/* What holds nothing is left out. */
static void put_row(text *t, const model_view *view, class_key c, row_key row)
{
    const model_class *class_of = schema_class(model_view_schema(view), c);
    bool hidden = schema_class_is_hidden(class_of), first = true;
    if (!hidden) put(t, "(");
    for (size_t i = 0; i < class_of->property_count; i++) {
        const model_property *p = &class_of->properties[i];
        bool collection = (p->flags & PROPERTY_COLLECTION) != 0;
        value v = value_null();
        if (collection && !hidden && model_list_count(view, c, row, p->key) == 0) continue;
        if (!collection) MUST(model_get(view, c, row, p->key, &v));
        if (!collection && v.type == VALUE_NULL) continue;
        if (!hidden) put(t, "%s%s=", first ? "" : " ", p->name);
        first = false;
        if (collection)
            put_collection(t, view, c, row, p);
        else
            put_value(t, view, p, &v);
    }
    if (!hidden) put(t, ")");
}

void apart_begin(world *w, int clients, void (*prepare)(changing *x))
{
    everything_start(w, 11, clients);
    changing x = change_begin(w, &w->clients[0], 1);
    if (prepare != NULL) prepare(&x);
    change_end(&x);
    everything_settle(w);
    for (int i = 0; i < clients; i++) everything_offline(w, &w->clients[i], true);
}

void apart_meet(world *w, int first)
{
    for (int i = 0; i < w->client_count; i++) {
        everything_offline(w, &w->clients[(first + i) % w->client_count], false);
        world_run(w, 30000);
    }
    everything_settle(w);
}

char *everything_text(model_db *db, int64_t id)
{
    text t = {0};
    value key = value_int(id);
    row_key row = 0;
    model_view *view = model_view_newest(db);
    class_key item = schema_class_named(model_view_schema(view), bytes_text("Item"))->key;
    put(&t, "%s", "");
    MUST(model_find(view, item, &key, &row));
    if (row != 0) put_row(&t, view, item, row);
    model_view_release(view);
    return t.data;
}

void everything_expect(world *w, int64_t id, const char *wanted, int line)
{
    for (int i = -1; i < w->client_count; i++) {
        char *has = everything_text(i < 0 ? server_app_db(w->app) : w->clients[i].db, id);
        cr_expect_str_eq(has, wanted, "line %d: %s %d has %s, not %s", line,
                         i < 0 ? "server" : "client", i, has, wanted);
        free(has);
    }
}

void everything_converged(world *w, int64_t id, int line)
{
    char *wanted = everything_text(server_app_db(w->app), id);
    everything_expect(w, id, wanted, line);
    free(wanted);
}
