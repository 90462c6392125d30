/* The tests' schema and small commits to it. */
#include "fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void must(status result)
{
    if (result == ATOLL_OK) return;
    fprintf(stderr, "fixture: %s\n", fail_text());
    abort();
}

static void property(model_schema *s, size_t c, const char *name, value_type type, uint8_t flags,
                     const char *target)
{
    must(schema_add_property(s, c, bytes_text(name), type, flags, bytes_text(target)));
}

model_schema fixture_schema(bool flexible, bool partition_in_model)
{
    model_schema s = {0};
    size_t item = 0, part = 0, reading = 0;
    must(schema_add_class(&s, bytes_text("Item"), CLASS_NORMAL, &item));
    property(&s, item, "_id", VALUE_INT, PROPERTY_PRIMARY_KEY, "");
    property(&s, item, "team", VALUE_INT, 0, "");
    property(&s, item, "name", VALUE_STRING, PROPERTY_NULLABLE, "");
    property(&s, item, "score", VALUE_INT, 0, "");
    property(&s, item, "tags", VALUE_STRING, PROPERTY_LIST, "");
    property(&s, item, "one", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Part");
    property(&s, item, "many", VALUE_EMBEDDED, PROPERTY_LIST, "Part");
    property(&s, item, "friend", VALUE_LINK, PROPERTY_NULLABLE, "Item");
    if (partition_in_model) property(&s, item, "_partition", VALUE_STRING, PROPERTY_NULLABLE, "");
    must(schema_add_class(&s, bytes_text("Part"), CLASS_EMBEDDED, &part));
    property(&s, part, "x", VALUE_INT, 0, "");
    if (!flexible) return s;
    must(schema_add_class(&s, bytes_text("Reading"), CLASS_ASYMMETRIC, &reading));
    property(&s, reading, "_id", VALUE_INT, PROPERTY_PRIMARY_KEY, "");
    property(&s, reading, "text", VALUE_STRING, 0, "");
    property(&s, reading, "part", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Part");
    return s;
}

void fixture_add_types(model_schema *s)
{
    property(s, 0, "hits", VALUE_INT, 0, "");
    property(s, 0, "marks", VALUE_INT, PROPERTY_SET, "");
    property(s, 0, "pairs", VALUE_INT, PROPERTY_DICTIONARY, "");
    property(s, 0, "any", VALUE_MIXED, 0, "");
}

static property_key key_of(const model_class *c, const char *name)
{
    const model_property *p = class_property_named(c, bytes_text(name));
    return p == NULL ? 0 : p->key;
}

item_keys fixture_keys(model_db *db)
{
    model_view *view = model_view_newest(db);
    const model_schema *s = model_view_schema(view);
    const model_class *item = schema_class_named(s, bytes_text("Item")),
                      *part = schema_class_named(s, bytes_text("Part"));
    const model_class *reading = schema_class_named(s, bytes_text("Reading"));
    item_keys k = {.c = item->key,
                   .part = part->key,
                   .id = key_of(item, "_id"),
                   .team = key_of(item, "team"),
                   .name = key_of(item, "name"),
                   .score = key_of(item, "score"),
                   .tags = key_of(item, "tags"),
                   .one = key_of(item, "one"),
                   .many = key_of(item, "many"),
                   .friend_of = key_of(item, "friend"),
                   .part_x = key_of(part, "x"),
                   .hits = key_of(item, "hits"),
                   .extra = key_of(item, "extra"),
                   .marks = key_of(item, "marks"),
                   .pairs = key_of(item, "pairs"),
                   .any = key_of(item, "any")};
    if (reading != NULL) {
        k.reading = reading->key;
        k.reading_id = key_of(reading, "_id");
        k.reading_text = key_of(reading, "text");
    }
    model_view_release(view);
    return k;
}

typedef struct edit {
    model_txn *txn;
    item_keys k;
    row_key row;
    const model_view *view;
} edit;

static status edit_begin(client *c, int64_t id, edit *e)
{
    value key = value_int(id);
    e->k = fixture_keys(c->db);
    TRY(model_begin(c->db, COMMIT_LOCAL, &e->txn));
    e->view = model_txn_view(e->txn);
    return model_find(e->view, e->k.c, &key, &e->row);
}

static status edit_end(world *w, client *c, edit *e, status result)
{
    if (result != ATOLL_OK) {
        if (e->txn != NULL) model_rollback(e->txn);
        return result;
    }
    result = model_commit(e->txn, NULL);
    if (result == ATOLL_OK) session_committed(c->session, w->now_ms);
    return result;
}

static status need(const edit *e, int64_t id)
{
    return e->row != 0 ? ATOLL_OK : fail(ATOLL_ERROR_OBJECT_INVALID, "no item %lld", (long long)id);
}

status fixture_create(world *w, client *c, int64_t id, int64_t team, const char *name)
{
    edit e = {0};
    value key = value_int(id), team_value = value_int(team),
          name_value = name == NULL ? value_null() : value_string(bytes_text(name));
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = model_create(e.txn, e.k.c, &key, &e.row);
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.c, e.row, e.k.team, &team_value);
    if (result == ATOLL_OK && name != NULL)
        result = model_set(e.txn, e.k.c, e.row, e.k.name, &name_value);
    return edit_end(w, c, &e, result);
}

status fixture_create_default(world *w, client *c, int64_t id, int64_t team, int64_t score)
{
    edit e = {0};
    value key = value_int(id), team_value = value_int(team), score_value = value_int(score);
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = model_create(e.txn, e.k.c, &key, &e.row);
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.c, e.row, e.k.team, &team_value);
    if (result == ATOLL_OK) model_txn_set_default(e.txn, true);
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.c, e.row, e.k.score, &score_value);
    return edit_end(w, c, &e, result);
}

status fixture_set_int(world *w, client *c, int64_t id, const char *name, int64_t v)
{
    edit e = {0};
    value x = value_int(v);
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK)
        result = model_set(e.txn, e.k.c, e.row,
                           strcmp(name, "extra") == 0  ? e.k.extra
                           : strcmp(name, "team") == 0 ? e.k.team
                           : strcmp(name, "hits") == 0 ? e.k.hits
                                                       : e.k.score,
                           &x);
    return edit_end(w, c, &e, result);
}

status fixture_set_name(world *w, client *c, int64_t id, const char *name)
{
    edit e = {0};
    value x = value_string(bytes_text(name));
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.c, e.row, e.k.name, &x);
    return edit_end(w, c, &e, result);
}

status fixture_delete(world *w, client *c, int64_t id)
{
    edit e = {0};
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK) result = model_delete(e.txn, e.k.c, e.row);
    return edit_end(w, c, &e, result);
}

status fixture_append(world *w, client *c, int64_t id, const char *tag)
{
    edit e = {0};
    value x = value_string(bytes_text(tag));
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK)
        result = model_list_insert(e.txn, e.k.c, e.row, e.k.tags,
                                   model_list_count(e.view, e.k.c, e.row, e.k.tags), &x);
    return edit_end(w, c, &e, result);
}

status fixture_erase(world *w, client *c, int64_t id, uint64_t index)
{
    edit e = {0};
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK) result = model_list_erase(e.txn, e.k.c, e.row, e.k.tags, index);
    return edit_end(w, c, &e, result);
}

status fixture_move(world *w, client *c, int64_t id, uint64_t from, uint64_t to)
{
    edit e = {0};
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK) result = model_list_move(e.txn, e.k.c, e.row, e.k.tags, from, to);
    return edit_end(w, c, &e, result);
}

status fixture_part(world *w, client *c, int64_t id, int64_t x)
{
    edit e = {0};
    value v = value_int(x), slot;
    row_key child = 0;
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK) result = model_get(e.view, e.k.c, e.row, e.k.one, &slot);
    if (result == ATOLL_OK && slot.type == VALUE_NULL)
        result = model_set_embedded(e.txn, e.k.c, e.row, e.k.one, &child);
    if (result == ATOLL_OK && slot.type != VALUE_NULL) child = slot.as.row;
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.part, child, e.k.part_x, &v);
    return edit_end(w, c, &e, result);
}

status fixture_add_part(world *w, client *c, int64_t id, int64_t x)
{
    edit e = {0};
    value v = value_int(x);
    row_key child = 0;
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK)
        result =
            model_list_insert_embedded(e.txn, e.k.c, e.row, e.k.many,
                                       model_list_count(e.view, e.k.c, e.row, e.k.many), &child);
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.part, child, e.k.part_x, &v);
    return edit_end(w, c, &e, result);
}

status fixture_reading(world *w, client *c, int64_t id, const char *text)
{
    edit e = {0};
    value key = value_int(id), x = value_string(bytes_text(text));
    e.k = fixture_keys(c->db);
    status result = model_begin(c->db, COMMIT_LOCAL, &e.txn);
    if (result == ATOLL_OK) result = model_create(e.txn, e.k.reading, &key, &e.row);
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.reading, e.row, e.k.reading_text, &x);
    return edit_end(w, c, &e, result);
}

status fixture_add(world *w, client *c, int64_t id, int64_t by)
{
    edit e = {0};
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK)
        result = model_increment(e.txn, e.k.c, e.row, e.k.hits != 0 ? e.k.hits : e.k.score, by);
    return edit_end(w, c, &e, result);
}

status fixture_mark(world *w, client *c, int64_t id, int64_t v, bool there)
{
    edit e = {0};
    value x = value_int(v);
    bool changed = false;
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK && there)
        result = model_set_insert(e.txn, e.k.c, e.row, e.k.marks, &x, &changed);
    if (result == ATOLL_OK && !there)
        result = model_set_erase(e.txn, e.k.c, e.row, e.k.marks, &x, &changed);
    return edit_end(w, c, &e, result);
}

status fixture_pair(world *w, client *c, int64_t id, const char *key, int64_t v)
{
    edit e = {0};
    value x = value_int(v);
    bool changed = false;
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK && v >= 0)
        result = model_dictionary_put(e.txn, e.k.c, e.row, e.k.pairs, bytes_text(key), &x);
    if (result == ATOLL_OK && v < 0)
        result = model_dictionary_erase(e.txn, e.k.c, e.row, e.k.pairs, bytes_text(key), &changed);
    return edit_end(w, c, &e, result);
}

status fixture_clear(world *w, client *c, int64_t id, bool pairs)
{
    edit e = {0};
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK)
        result = model_list_clear(e.txn, e.k.c, e.row, pairs ? e.k.pairs : e.k.marks);
    return edit_end(w, c, &e, result);
}

status fixture_any(world *w, client *c, int64_t id, const value *v)
{
    edit e = {0};
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.c, e.row, e.k.any, v);
    return edit_end(w, c, &e, result);
}

/* ---- dump ---- */

typedef struct text {
    char *data;
    size_t size, capacity;
} text;

static void add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(text *t, const char *format, ...)
{
    char line[400];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (t->size + (size_t)size + 1 > t->capacity) {
        t->capacity = (t->size + (size_t)size + 1) * 2;
        t->data = realloc(t->data, t->capacity);
        if (t->data == NULL) abort();
    }
    memcpy(t->data + t->size, line, (size_t)size + 1);
    t->size += (size_t)size;
}

static int64_t int_of(const model_view *view, class_key c, row_key row, property_key p)
{
    value v;
    must(model_get(view, c, row, p, &v));
    return v.type == VALUE_INT ? v.as.integer : -999;
}

static int compare_tags(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

static void dump_tags_sorted(text *t, const model_view *view, const item_keys *k, row_key row)
{
    value v;
    element_id id;
    uint64_t count = model_list_count(view, k->c, row, k->tags);
    long long *tags = calloc(count + 1, sizeof *tags);
    if (tags == NULL) abort();
    for (uint64_t i = 0; i < count; i++) {
        char digits[40];
        must(model_list_get(view, k->c, row, k->tags, i, &v, &id));
        snprintf(digits, sizeof digits, "%.*s", (int)v.as.text.size, (const char *)v.as.text.data);
        tags[i] = atoll(digits);
    }
    qsort(tags, count, sizeof *tags, compare_tags);
    for (uint64_t i = 0; i < count; i++) add(t, "%lld,", tags[i]);
    free(tags);
}

static void dump_any(text *t, const value *v)
{
    if (v->type == VALUE_INT) add(t, " any %lld", (long long)v->as.integer);
    if (v->type == VALUE_STRING)
        add(t, " any '%.*s'", (int)v->as.text.size, (const char *)v->as.text.data);
}

static void dump_types(text *t, const model_view *view, const item_keys *k, row_key row)
{
    value v;
    element_id id;
    bytes key;
    if (k->hits == 0) return;
    add(t, " hits %lld marks {", (long long)int_of(view, k->c, row, k->hits));
    for (uint64_t i = 0; i < model_list_count(view, k->c, row, k->marks); i++) {
        must(model_list_get(view, k->c, row, k->marks, i, &v, &id));
        add(t, "%lld,", (long long)v.as.integer);
    }
    add(t, "} pairs {");
    for (uint64_t i = 0; i < model_list_count(view, k->c, row, k->pairs); i++) {
        must(model_list_get(view, k->c, row, k->pairs, i, &v, &id));
        must(model_dictionary_key(view, k->c, row, k->pairs, i, &key));
        add(t, "%.*s:%lld,", (int)key.size, (const char *)key.data, (long long)v.as.integer);
    }
    add(t, "}");
    must(model_get(view, k->c, row, k->any, &v));
    dump_any(t, &v);
}

static void dump_row(text *t, const model_view *view, const item_keys *k, row_key row, bool sorted)
{
    value v;
    element_id id;
    add(t, "%lld team %lld score %lld", (long long)int_of(view, k->c, row, k->id),
        (long long)int_of(view, k->c, row, k->team), (long long)int_of(view, k->c, row, k->score));
    must(model_get(view, k->c, row, k->name, &v));
    if (v.type == VALUE_STRING)
        add(t, " name %.*s", (int)v.as.text.size, (const char *)v.as.text.data);
    uint64_t count = model_list_count(view, k->c, row, k->tags);
    add(t, " tags [");
    if (sorted) dump_tags_sorted(t, view, k, row);
    for (uint64_t i = 0; i < count && !sorted; i++) {
        must(model_list_get(view, k->c, row, k->tags, i, &v, &id));
        add(t, "%.*s,", (int)v.as.text.size, (const char *)v.as.text.data);
    }
    add(t, "]");
    must(model_get(view, k->c, row, k->one, &v));
    if (v.type == VALUE_EMBEDDED)
        add(t, " one %lld", (long long)int_of(view, k->part, v.as.row, k->part_x));
    count = model_list_count(view, k->c, row, k->many);
    if (count > 0 && !sorted) add(t, " many");
    for (uint64_t i = 0; i < count && !sorted; i++) {
        must(model_list_get(view, k->c, row, k->many, i, &v, &id));
        add(t, " %lld",
            v.type == VALUE_EMBEDDED ? (long long)int_of(view, k->part, v.as.row, k->part_x) : -1);
    }
    dump_types(t, view, k, row);
    value extra = value_null();
    if (k->extra != 0) must(model_get(view, k->c, row, k->extra, &extra));
    if (extra.type == VALUE_INT) add(t, " extra %lld", (long long)extra.as.integer);
    add(t, "\n");
}

static char *dump(model_db *db, const char *text_of_query, bool sort_tags)
{
    text t = {0};
    query *q = NULL;
    row_vector rows = {0};
    char sorted[300];
    item_keys k = fixture_keys(db);
    model_view *view = model_view_newest(db);
    snprintf(sorted, sizeof sorted, "%s SORT(_id ASC)", text_of_query);
    add(&t, "%s", "");
    must(query_new(model_view_schema(view), k.c, bytes_text(sorted), NULL, &q));
    must(query_run(q, view, &rows));
    for (size_t i = 0; i < rows.count; i++) dump_row(&t, view, &k, rows.items[i], sort_tags);
    vector_free(&rows);
    query_free(q);
    model_view_release(view);
    return t.data;
}

char *fixture_dump(model_db *db, const char *query)
{
    return dump(db, query, false);
}

char *fixture_dump_sorted(model_db *db, const char *query)
{
    return dump(db, query, true);
}

status fixture_part_null(world *w, client *c, int64_t id)
{
    edit e = {0};
    value v = value_null();
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.c, e.row, e.k.one, &v);
    return edit_end(w, c, &e, result);
}

status fixture_friend(world *w, client *c, int64_t id, int64_t of)
{
    edit e = {0};
    value key = value_int(of), x = value_null();
    row_key row = 0;
    status result = edit_begin(c, id, &e);
    if (result == ATOLL_OK) result = need(&e, id);
    if (result == ATOLL_OK && of >= 0) result = model_find(e.view, e.k.c, &key, &row);
    if (result == ATOLL_OK && row != 0) x = value_link(row);
    if (result == ATOLL_OK) result = model_set(e.txn, e.k.c, e.row, e.k.friend_of, &x);
    return edit_end(w, c, &e, result);
}
