/* Values of every type over the wire: what one side puts in the other takes out, and what is no value is refused. */
#include "base/decimal.h"
#include "copies.h"
#include "sync/codec.h"

#include <stdlib.h>

typedef struct wire {
    arena out, in;
    wire_builder b;
    wire_rows *group;
    client_message read;
} wire;

static void wire_begin(wire *w)
{
    value key = value_int(1);
    *w = (wire){0};
    arena_init(&w->out, 16u << 20);
    arena_init(&w->in, 16u << 20);
    w->b = (wire_builder){.memory = &w->out};
    MUST(wire_builder_group(&w->b, "Item", "", "", &w->group));
    MUST(wire_builder_row(&w->b, w->group, ROW_EDIT, &key, 1, 0));
}

static status wire_pass(wire *w)
{
    static const uint8_t id[16] = {1};
    buffer raw;
    client_message m = {.kind = CLIENT_UPLOAD};
    buffer_init(&raw, LIMIT_MESSAGE_SIZE_MAX);
    MUST(wire_builder_finish(&w->b));
    m.upload =
        (wire_upload){.batch = bytes_of(id, 16), .bound = 1, .last = true, .rows = w->b.rows};
    MUST(codec_client_write(&raw, &m));
    status result = codec_client_read(buffer_view(&raw), &w->in, &w->read);
    buffer_free(&raw);
    return result;
}

static void wire_end(wire *w)
{
    client_message_free(&w->read);
    arena_free(&w->in);
    arena_free(&w->out);
}

static value decimal_value(const char *text)
{
    decimal d = {{0}};
    MUST(decimal_parse(bytes_text(text), &d));
    return value_decimal(&d);
}

Test(types, a_float_and_a_decimal_arrive_as_they_were)
{
    wire w;
    value values[] = {value_float(0.1f), decimal_value("-12.50"), value_null(), value_double(0.1)};
    static const value_type types[] = {VALUE_FLOAT, VALUE_DECIMAL, VALUE_DECIMAL, VALUE_DOUBLE};
    static const char *const names[] = {"f", "x", "none", "d"};
    wire_begin(&w);
    for (size_t i = 0; i < 4; i++)
        MUST(wire_builder_put(&w.b, w.group, names[i], types[i], VALUE_NULL, &values[i], 5, false));
    MUST(wire_pass(&w));
    const wire_rows *rows = w.read.upload.rows.items[0];
    cr_assert_eq(rows->columns.count, 4);
    for (size_t i = 0; i < 4; i++) {
        value v = wire_column_value(rows->columns.items[i], 0);
        cr_expect_eq(rows->columns.items[i]->type, types[i]);
        cr_expect(value_equal(&v, &values[i]), "column %s", names[i]);
    }
    wire_end(&w);
}

static value link_value(arena *memory, const char *class_name, value key)
{
    value v = value_null();
    MUST(wire_link_make(memory, class_name, &key, &v));
    return v;
}

Test(types, a_mixed_value_arrives_as_it_was)
{
    wire w;
    static const uint8_t id[16] = {9, 8, 7};
    wire_begin(&w);
    value values[] = {value_null(),
                      value_bool(true),
                      value_int(-5),
                      value_double(0.1),
                      value_float(0.1f),
                      value_string(bytes_text("text")),
                      value_string(bytes_text("")),
                      value_binary(bytes_of("\0\xff", 2)),
                      value_timestamp(-7, -9),
                      value_uuid(id),
                      value_object_id(id),
                      decimal_value("-12.50"),
                      link_value(&w.out, "Item", value_int(77)),
                      link_value(&w.out, "Item", value_string(bytes_text("key")))};
    size_t count = sizeof values / sizeof *values;
    for (size_t i = 0; i < count; i++) {
        char name[10] = {'m', (char)('a' + i)};
        MUST(wire_builder_put(&w.b, w.group, name, VALUE_MIXED, VALUE_NULL, &values[i], 5, false));
    }
    MUST(wire_pass(&w));
    const wire_rows *rows = w.read.upload.rows.items[0];
    cr_assert_eq(rows->columns.count, count);
    for (size_t i = 0; i < count; i++) {
        value v = wire_column_value(rows->columns.items[i], 0), a, b;
        bytes name, other;
        cr_assert_eq(v.type, values[i].type);
        if (v.type != VALUE_TYPED_LINK) {
            cr_expect(value_equal(&v, &values[i]), "value %zu", i);
            continue;
        }
        wire_link_read(&v, &name, &a);
        wire_link_read(&values[i], &other, &b);
        cr_expect(bytes_compare(name, other) == 0 && value_equal(&a, &b));
    }
    wire_end(&w);
}

Test(types, what_is_no_mixed_value_is_refused)
{
    for (int i = 0; i < 8; i++) {
        wire w;
        wire_begin(&w);
        value text = value_string(bytes_text("text")),
              link = link_value(&w.out, "Item", value_int(77));
        MUST(wire_builder_put(&w.b, w.group, "m", VALUE_MIXED, VALUE_NULL, &text, 5, false));
        MUST(wire_builder_put(&w.b, w.group, "l", VALUE_MIXED, VALUE_NULL, &link, 5, false));
        wire_column *m = w.group->columns.items[0], *l = w.group->columns.items[1];
        if (i == 0) m->types.count = 0;
        if (i == 1) m->types.items[0] = VALUE_INT;
        if (i == 2) m->types.items[0] = VALUE_SET;
        if (i == 3) m->types.items[0] = 200;
        if (i == 4) m->lengths.items[0] = 5;
        if (i == 5) l->heap.items[0] = 200; /* The name of the class is longer than all. */
        if (i == 6) l->heap.items[5] = VALUE_DOUBLE;
        if (i == 7) m->heap.items[0] = 0xff;
        cr_expect_eq(wire_pass(&w), ATOLL_ERROR_INVALID_ARGUMENT, "case %d", i);
        wire_end(&w);
    }
}

Test(types, damaged_keys_of_a_dictionary_are_refused)
{
    for (int i = 0; i < 6; i++) {
        wire w;
        list_state state;
        const model_property notes = {
            .name = "notes", .type = VALUE_INT, .flags = PROPERTY_DICTIONARY};
        list_element e = {.id = {1, 1}, .stamp = 1, .value_stamp = 1, .value = value_int(1)};
        e.key = bytes_text("key");
        wire_begin(&w);
        list_state_init(&state);
        MUST(list_state_push(&state, &e));
        MUST(wire_builder_list(&w.b, w.group, &notes, VALUE_NULL, &state, 1));
        list_state_free(&state);
        wire_list *l = w.group->columns.items[0]->list;
        if (i == 0) l->key_lengths.count = 0;
        if (i == 1) l->key_lengths.items[0] = 4;
        if (i == 2) l->key_heap.items[0] = '$';
        if (i == 3) l->key_heap.items[1] = '.';
        if (i == 4) l->key_heap.items[2] = 0xff;
        if (i == 5) l->kind = WIRE_LIST;
        cr_expect_eq(wire_pass(&w), ATOLL_ERROR_INVALID_ARGUMENT, "case %d", i);
        wire_end(&w);
    }
}

Test(types, what_does_not_fit_a_float_or_is_no_decimal_is_refused)
{
    for (int i = 0; i < 3; i++) {
        wire w;
        value f = value_float(1), x = decimal_value("1");
        wire_begin(&w);
        MUST(wire_builder_put(&w.b, w.group, "f", VALUE_FLOAT, VALUE_NULL, &f, 5, false));
        MUST(wire_builder_put(&w.b, w.group, "x", VALUE_DECIMAL, VALUE_NULL, &x, 5, false));
        if (i == 0) w.group->columns.items[0]->reals.items[0] = 0.1;
        if (i == 1) w.group->columns.items[0]->reals.count = 0;
        if (i == 2) w.group->columns.items[1]->ids.count = 15;
        cr_expect_eq(wire_pass(&w), ATOLL_ERROR_INVALID_ARGUMENT, "case %d", i);
        wire_end(&w);
    }
}

/* ---- from device to device ---- */

static value field(const client *c, int64_t id, const char *name)
{
    model_view *view = model_view_newest(c->db);
    const model_class *item = schema_class_named(model_view_schema(view), bytes_text("Item"));
    value key = value_int(id), v = value_null();
    row_key row = 0;
    MUST(model_find(view, item->key, &key, &row));
    cr_assert_neq(row, 0, "item %d is not there", (int)id);
    MUST(model_get(view, item->key, row, class_property_named(item, bytes_text(name))->key, &v));
    model_view_release(view); /* No value here points into it. */
    return v;
}

static void set_field(world *w, client *c, int64_t id, const char *name, value v)
{
    model_txn *txn = NULL;
    value key = value_int(id);
    row_key row = 0;
    MUST(model_begin(c->db, COMMIT_LOCAL, &txn));
    const model_view *view = model_txn_view(txn);
    const model_class *item = schema_class_named(model_view_schema(view), bytes_text("Item"));
    MUST(model_find(view, item->key, &key, &row));
    MUST(model_set(txn, item->key, row, class_property_named(item, bytes_text(name))->key, &v));
    MUST(model_commit(txn, NULL));
    session_committed(c->session, w->now_ms);
}

static void expect_field(const world *w, const char *name, value wanted)
{
    for (int i = 0; i < w->client_count; i++) {
        value got = field(&w->clients[i], 1, name);
        cr_expect(value_equal(&got, &wanted), "%s on client %d", name, i);
    }
}

Test(types, floats_and_decimals_reach_the_other_device)
{
    world w;
    const char *classes[] = {"Item"}, *queries[] = {"price < 100 AND ratio != 7"};
    model_schema schema = fixture_schema(true, false);
    MUST(schema_add_property(&schema, 0, bytes_text("ratio"), VALUE_FLOAT, PROPERTY_NULLABLE,
                             bytes_text("")));
    MUST(schema_add_property(&schema, 0, bytes_text("price"), VALUE_DECIMAL, 0, bytes_text("")));
    MUST(world_start(&w, 7, 2, true, schema));
    for (int i = 0; i < 2; i++) MUST(world_subscribe(&w, &w.clients[i], classes, queries, 1));
    cr_assert(world_settle(&w, 120000));
    MUST(fixture_create(&w, &w.clients[0], 1, 5, "one"));
    cr_assert(world_settle(&w, 120000));
    expect_field(&w, "ratio", value_null());
    expect_field(&w, "price", decimal_value("0"));
    set_field(&w, &w.clients[0], 1, "ratio", value_float(0.1f));
    set_field(&w, &w.clients[1], 1, "price", decimal_value("-1.50"));
    cr_assert(world_settle(&w, 120000));
    expect_field(&w, "ratio", value_float(0.1f));
    expect_field(&w, "price", decimal_value("-1.50"));
    /* Beyond the subscription: it leaves the other device. */
    set_field(&w, &w.clients[0], 1, "price", decimal_value("100.0"));
    cr_assert(world_settle(&w, 120000));
    char *left = fixture_dump(w.clients[1].db, "TRUEPREDICATE");
    cr_expect_str_eq(left, "");
    free(left);
    world_end(&w);
}
