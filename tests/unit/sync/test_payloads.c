/* What asymmetric objects hold, as it arrives: lists and dictionaries in mixed values, embedded objects in each other. */
#include "copies.h"
#include "server/app.h"

#include <stdlib.h>
#include <string.h>

static void property(model_schema *s, size_t c, const char *name, value_type type, uint8_t flags,
                     const char *target)
{
    MUST(schema_add_property(s, c, bytes_text(name), type, flags, bytes_text(target)));
}

static model_schema sample_schema(void)
{
    model_schema s = {0};
    size_t sample = 0, box = 0;
    MUST(schema_add_class(&s, bytes_text("Sample"), CLASS_ASYMMETRIC, &sample));
    property(&s, sample, "_id", VALUE_STRING, PROPERTY_PRIMARY_KEY, "");
    property(&s, sample, "any", VALUE_MIXED, PROPERTY_NULLABLE, "");
    property(&s, sample, "anys", VALUE_MIXED, PROPERTY_LIST | PROPERTY_NULLABLE, "");
    property(&s, sample, "box", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Box");
    property(&s, sample, "last", VALUE_INT, 0, "");
    MUST(schema_add_class(&s, bytes_text("Box"), CLASS_EMBEDDED, &box));
    property(&s, box, "first", VALUE_INT, 0, "");
    property(&s, box, "inner", VALUE_EMBEDDED, PROPERTY_LIST, "Box");
    property(&s, box, "note", VALUE_MIXED, PROPERTY_NULLABLE, "");
    property(&s, box, "last", VALUE_INT, 0, "");
    return s;
}

enum { SAMPLE_ANY = 2, SAMPLE_ANYS, SAMPLE_BOX, SAMPLE_LAST };
enum { BOX_FIRST = 1, BOX_INNER, BOX_NOTE, BOX_LAST };
typedef struct making {
    model_txn *txn;
    class_key sample, box, list, dictionary;
} making;

static class_key class_named(const making *m, const char *name)
{
    const model_schema *s = model_view_schema(model_txn_view(m->txn));
    const model_class *c = schema_class_named(s, bytes_text(name));
    return c == NULL ? 0 : c->key;
}

static making begin(world *w)
{
    making m = {0};
    MUST(model_begin(w->clients[0].db, COMMIT_LOCAL, &m.txn));
    m.sample = class_named(&m, "Sample");
    m.box = class_named(&m, "Box");
    m.list = class_named(&m, SCHEMA_HIDDEN_LIST);
    m.dictionary = class_named(&m, SCHEMA_HIDDEN_DICTIONARY);
    return m;
}

static void end(world *w, making *m)
{
    MUST(model_commit(m->txn, NULL));
    session_committed(w->clients[0].session, w->now_ms);
    SETTLE(w);
}

/* A collection that was just put into the property: its row. */
static row_key put(making *m, class_key c, row_key row, property_key p, value_type type)
{
    value v = {.type = type};
    MUST(model_set(m->txn, c, row, p, &v));
    MUST(model_get(model_txn_view(m->txn), c, row, p, &v));
    return v.as.link.row;
}

static void add(making *m, row_key list, value v)
{
    uint64_t count = model_list_count(model_txn_view(m->txn), m->list, list, SCHEMA_HIDDEN_ITEMS);
    MUST(model_list_insert(m->txn, m->list, list, SCHEMA_HIDDEN_ITEMS, count, &v));
}

static row_key add_collection(making *m, row_key list, value_type type)
{
    value v = {.type = type};
    element_id id;
    const model_view *view = model_txn_view(m->txn);
    uint64_t count = model_list_count(view, m->list, list, SCHEMA_HIDDEN_ITEMS);
    add(m, list, v);
    MUST(model_list_get(view, m->list, list, SCHEMA_HIDDEN_ITEMS, count, &v, &id));
    return v.as.link.row;
}

static void put_key(making *m, row_key dictionary, const char *key, value v)
{
    MUST(model_dictionary_put(m->txn, m->dictionary, dictionary, SCHEMA_HIDDEN_ITEMS,
                              bytes_text(key), &v));
}

static void expect_objects(world *w, const char *const *wanted, size_t count)
{
    buffer lines;
    uint64_t at = 0;
    buffer_init(&lines, 64u << 20);
    MUST(server_ingest_read(w->app, 0, 1000, &lines, &at));
    MUST(buffer_append_byte(&lines, 0));
    const char *text = (const char *)lines.data;
    for (size_t i = 0; i < count; i++) {
        const char *object = strstr(text, "\"object\":");
        cr_assert_not_null(object, "object %zu is missing", i);
        object += strlen("\"object\":");
        text = strchr(object, '\n');
        cr_assert_not_null(text);
        size_t size = (size_t)(text - object) - 1;
        cr_expect(size == strlen(wanted[i]) && memcmp(object, wanted[i], size) == 0, "%.*s",
                  (int)size, object);
    }
    cr_expect_null(strstr(text, "\"object\":"), "%s", text);
    buffer_free(&lines);
}

Test(payloads, lists_and_dictionaries_in_mixed_values_arrive)
{
    static const char *const wanted[] = {
        "{\"_id\":\"a\",\"any\":[1,[2,{\"k\":[]}],\"x\"],\"anys\":[],\"box\":null,\"last\":7}",
        "{\"_id\":\"b\",\"any\":{\"l\":true},\"anys\":[5,{}],\"box\":null,\"last\":0}",
        "{\"_id\":\"c\",\"any\":null,\"anys\":[],\"box\":null,\"last\":0}"};
    world w;
    MUST(world_start(&w, 3, 1, true, sample_schema()));
    making m = begin(&w);
    value a = value_string(bytes_text("a")), b = value_string(bytes_text("b")),
          c = value_string(bytes_text("c")), v = value_int(7), empty = {.type = VALUE_LIST};
    row_key row = 0;
    MUST(model_create(m.txn, m.sample, &a, &row));
    row_key list = put(&m, m.sample, row, SAMPLE_ANY, VALUE_LIST);
    MUST(model_set(m.txn, m.sample, row, SAMPLE_LAST, &v));
    add(&m, list, value_int(1));
    row_key inner = add_collection(&m, list, VALUE_LIST);
    add(&m, inner, value_int(2));
    put_key(&m, add_collection(&m, inner, VALUE_DICTIONARY), "k", empty);
    add(&m, list, value_string(bytes_text("x")));
    MUST(model_create(m.txn, m.sample, &b, &row));
    put_key(&m, put(&m, m.sample, row, SAMPLE_ANY, VALUE_DICTIONARY), "l", value_bool(true));
    v = value_int(5);
    MUST(model_list_insert(m.txn, m.sample, row, SAMPLE_ANYS, 0, &v));
    v = (value){.type = VALUE_DICTIONARY};
    MUST(model_list_insert(m.txn, m.sample, row, SAMPLE_ANYS, 1, &v));
    MUST(model_create(m.txn, m.sample, &c, &row));
    end(&w, &m);
    expect_objects(&w, wanted, 3);
    world_end(&w);
}

static void fill_box(making *m, row_key box, int64_t number, int depth)
{
    value v = value_int(number);
    MUST(model_set(m->txn, m->box, box, BOX_FIRST, &v));
    MUST(model_set(m->txn, m->box, box, BOX_LAST, &v));
    add(m, put(m, m->box, box, BOX_NOTE, VALUE_LIST), v);
    for (int64_t i = 0; i < 2 && depth > 0; i++) {
        row_key inner = 0;
        MUST(model_list_insert_embedded(m->txn, m->box, box, BOX_INNER, (uint64_t)i, &inner));
        fill_box(m, inner, 10 * number + i + 1, depth - 1);
    }
}

Test(payloads, embedded_objects_of_one_class_in_each_other_keep_their_fields_apart)
{
#define LEAF(n) "{\"first\":" n ",\"inner\":[],\"note\":[" n "],\"last\":" n "}"
#define BRANCH(n, inner) "{\"first\":" n ",\"inner\":[" inner "],\"note\":[" n "],\"last\":" n "}"
    static const char *const wanted[] = {"{\"_id\":\"a\",\"any\":null,\"anys\":[],\"box\":" BRANCH(
        "1", BRANCH("11", LEAF("111") "," LEAF("112")) "," BRANCH(
                 "12", LEAF("121") "," LEAF("122"))) ",\"last\":0}"};
    world w;
    MUST(world_start(&w, 4, 1, true, sample_schema()));
    making m = begin(&w);
    value a = value_string(bytes_text("a"));
    row_key row = 0, box = 0;
    MUST(model_create(m.txn, m.sample, &a, &row));
    MUST(model_set_embedded(m.txn, m.sample, row, SAMPLE_BOX, &box));
    fill_box(&m, box, 1, 2);
    end(&w, &m);
    expect_objects(&w, wanted, 1);
    world_end(&w);
}
