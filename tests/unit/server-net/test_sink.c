/* Ingested objects as lines of COPY; the database itself is in test_sink.py. */
#include "server/sink.h"

#include <criterion/criterion.h>

static model_schema schema;

static void add(size_t class_of, const char *name, value_type type, uint8_t flags,
                const char *target)
{
    cr_assert_eq(
        schema_add_property(&schema, class_of, bytes_text(name), type, flags, bytes_text(target)),
        ATOLL_OK, "%s: %s", name, fail_text());
}

static void make_schema(void)
{
    size_t reading = 0, place = 0, part = 0;
    cr_assert_eq(schema_add_class(&schema, bytes_text("Place"), CLASS_NORMAL, &place), ATOLL_OK);
    cr_assert_eq(schema_add_class(&schema, bytes_text("Part"), CLASS_EMBEDDED, &part), ATOLL_OK);
    cr_assert_eq(schema_add_class(&schema, bytes_text("Reading"), CLASS_ASYMMETRIC, &reading),
                 ATOLL_OK);
    add(place, "_id", VALUE_UUID, PROPERTY_PRIMARY_KEY, "");
    add(part, "n", VALUE_INT, 0, "");
    add(reading, "_id", VALUE_OBJECT_ID, PROPERTY_PRIMARY_KEY, "");
    add(reading, "truth", VALUE_BOOL, PROPERTY_NULLABLE, "");
    add(reading, "number", VALUE_INT, PROPERTY_NULLABLE, "");
    add(reading, "real", VALUE_DOUBLE, PROPERTY_NULLABLE, "");
    add(reading, "money", VALUE_DECIMAL, PROPERTY_NULLABLE, "");
    add(reading, "text", VALUE_STRING, PROPERTY_NULLABLE, "");
    add(reading, "data", VALUE_BINARY, PROPERTY_NULLABLE, "");
    add(reading, "at", VALUE_TIMESTAMP, PROPERTY_NULLABLE, "");
    add(reading, "list", VALUE_STRING, PROPERTY_LIST, "");
    add(reading, "part", VALUE_EMBEDDED, PROPERTY_NULLABLE, "Part");
    add(reading, "place", VALUE_LINK, PROPERTY_NULLABLE, "Place");
    add(reading, "any", VALUE_MIXED, PROPERTY_NULLABLE, "");
}

/* What COPY gets for an object, without position, ident and sequence. */
static void expect(const char *object, const char *wanted)
{
    buffer line;
    sink_config *config = NULL;
    static const char head[] = "5\t7\t9\t";
    buffer_init(&line, 1 << 16);
    cr_assert_eq(sink_config_new(&config), ATOLL_OK);
    sink_batch batch = {.config = config, .schema = &schema};
    const char *before =
        "{\"position\":5,\"ident\":7,\"sequence\":9,\"class\":\"Reading\",\"object\":";
    cr_assert_eq(buffer_append(&line, before, strlen(before)), ATOLL_OK);
    cr_assert_eq(buffer_append(&line, object, strlen(object)), ATOLL_OK);
    cr_assert_eq(buffer_append(&line, "}\n", 2), ATOLL_OK);
    cr_assert_eq(sink_batch_add(&batch, buffer_view(&line)), ATOLL_OK, "%s", fail_text());
    cr_assert_eq(batch.classes.count, 1);
    const buffer *lines = &batch.classes.items[0]->lines;
    cr_assert_eq(batch.size, lines->size);
    cr_assert_eq(memcmp(lines->data, head, sizeof head - 1), 0);
    cr_assert_eq(lines->size, strlen(wanted) + sizeof head - 1, "%.*s", (int)lines->size,
                 (const char *)lines->data);
    cr_assert_eq(memcmp(lines->data + sizeof head - 1, wanted, strlen(wanted)), 0, "%.*s",
                 (int)lines->size, (const char *)lines->data);
    sink_batch_free(&batch);
    sink_config_release(config);
    buffer_free(&line);
}

Test(sink, every_type_becomes_what_its_column_takes)
{
    make_schema();
    expect("{\"_id\":\"0123456789abcdef01234567\",\"truth\":true,\"number\":-9223372036854775808,"
           "\"real\":1.5,\"money\":\"1.50\",\"text\":\"a\\tb\\\\\\n\",\"data\":\"AP8Q\","
           "\"at\":\"2026-01-31T23:59:59.123456789Z\",\"list\":[\"x\\ty\",null],"
           "\"part\":{\"n\":1},\"place\":\"00112233-4455-6677-8899-aabbccddeeff\",\"any\":2}",
           "0123456789abcdef01234567\tt\t-9223372036854775808\t1.5\t1.50\ta\\tb\\\\\\n\t\\\\x00ff10"
           "\t2026-01-31T23:59:59.123456Z\t[\"x\\\\ty\",null]\t{\"n\":1}"
           "\t00112233-4455-6677-8899-aabbccddeeff\t2\t\\N\n");
    expect("{\"_id\":\"0123456789abcdef01234567\",\"real\":\"-Infinity\",\"truth\":null}",
           "0123456789abcdef01234567\t\\N\t\\N\t-Infinity\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N"
           "\t\\N\n");
    schema_free(&schema);
}

Test(sink, what_a_column_cannot_hold_is_kept_in_the_whole_object)
{
    make_schema();
    expect("{\"_id\":\"a\",\"text\":\"x\\u0000y\"}",
           "a\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N"
           "\t{\"_id\":\"a\",\"text\":\"x\\\\u0000y\"}\n");
    expect("{\"_id\":\"a\",\"list\":[\"\\u0000\"]}",
           "a\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N"
           "\t{\"_id\":\"a\",\"list\":[\"\\\\u0000\"]}\n");
    expect("{\"_id\":\"a\",\"list\":[\"\\\\u0000\"]}",
           "a\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t[\"\\\\\\\\u0000\"]\t\\N\t\\N\t\\N\t\\N\n");
    expect("{\"_id\":\"a\",\"at\":\"12026-01-31T23:59:59.000000000Z\"}",
           "a\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N"
           "\t{\"_id\":\"a\",\"at\":\"12026-01-31T23:59:59.000000000Z\"}\n");
    expect("{\"_id\":\"a\",\"gone\":1}", "a\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N"
                                         "\t{\"_id\":\"a\",\"gone\":1}\n");
    schema_free(&schema);
}

Test(sink, lines_that_cannot_be_read_are_refused)
{
    make_schema();
    sink_batch batch = {.schema = &schema};
    cr_assert_eq(sink_batch_add(&batch, bytes_text("{\"position\":")), ATOLL_ERROR_FILE_CORRUPT);
    cr_assert_eq(sink_batch_add(&batch, bytes_text("{\"class\":\"Nope\",\"object\":{}}\n")),
                 ATOLL_ERROR_UNKNOWN_CLASS);
    cr_assert_eq(batch.count, 0);
    sink_batch_free(&batch);
    schema_free(&schema);
}
