/* Values of every type over the wire: what one side puts in the other takes out, and what is no value is refused. */
#include "base/decimal.h"
#include "sync/codec.h"

#include <criterion/criterion.h>

#define MUST(expression) cr_assert_eq((expression), ATOLL_OK, "%s: %s", #expression, fail_text())

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
