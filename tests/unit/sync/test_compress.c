/* Compressed messages: what was packed reads as it was, what claims too much or is damaged is refused, and nobody gets one
 * who did not say that he takes them. */
#include "copies.h"
#include "sync/compress.h"

#include <stdio.h>

enum { PACKED_TAG = 15 << 3 | 2, ROWS = 3000 /* several blocks */ };

static void write_rows(buffer *to)
{
    arena memory;
    arena_init(&memory, 1 << 24);
    client_message m = {.kind = CLIENT_UPLOAD};
    wire_builder b = {.memory = &memory};
    wire_rows *group = NULL;
    static const uint8_t batch[16] = {1};
    for (int i = 0; i < ROWS; i++) {
        value key = value_int(i), v = value_double(i * 0.5);
        MUST(wire_builder_group(&b, "Item", "", "", &group));
        MUST(wire_builder_row(&b, group, ROW_CREATE, &key, 0, 7));
        MUST(wire_builder_put(&b, group, "score", VALUE_DOUBLE, VALUE_NULL, &v, 9, false));
    }
    MUST(wire_builder_finish(&b));
    m.upload =
        (wire_upload){.batch = bytes_of(batch, 16), .bound = 3, .last = true, .rows = b.rows};
    MUST(codec_client_write(to, &m));
    arena_free(&memory);
}

static status read_client(bytes from, buffer *again)
{
    arena memory;
    client_message m;
    arena_init(&memory, 16 * from.size + (1u << 20));
    status result = codec_client_read(from, &memory, &m);
    if (result == ATOLL_OK) {
        MUST(codec_client_write(again, &m));
        client_message_free(&m);
    }
    arena_free(&memory);
    return result;
}

Test(compress, a_packed_message_reads_as_it_was)
{
    buffer plain, packed, again;
    buffer_init(&plain, 1 << 24);
    buffer_init(&packed, 1 << 24);
    buffer_init(&again, 1 << 24);
    write_rows(&plain);
    write_rows(&packed);
    MUST(codec_client_pack(&packed));
    cr_assert_eq(packed.data[0], PACKED_TAG);
    cr_assert_lt(packed.size * 2, plain.size);
    MUST(read_client(buffer_view(&packed), &again));
    cr_assert(bytes_equal(buffer_view(&plain), buffer_view(&again)));
    /* Any damage ends in a refusal or in a message that was checked like any other. */
    for (size_t i = 0; i < packed.size; i += 7) {
        packed.data[i] ^= 0x55;
        buffer_clear(&again);
        (void)!read_client(buffer_view(&packed), &again);
        packed.data[i] ^= 0x55;
    }
    buffer_free(&plain);
    buffer_free(&packed);
    buffer_free(&again);
}

static void put_packed(buffer *to, uint64_t size, bytes frame)
{
    buffer body;
    buffer_init(&body, 1 << 26);
    MUST(buffer_append_byte(&body, 1 << 3));
    MUST(buffer_append_varint(&body, size));
    MUST(buffer_append_byte(&body, 2 << 3 | 2));
    MUST(buffer_append_bytes(&body, frame));
    MUST(buffer_append_byte(to, PACKED_TAG));
    MUST(buffer_append_bytes(to, buffer_view(&body)));
    buffer_free(&body);
}

static status read_claim(uint64_t size, bytes frame)
{
    buffer message, again;
    buffer_init(&message, 1 << 26);
    buffer_init(&again, 1 << 26);
    put_packed(&message, size, frame);
    status result = read_client(buffer_view(&message), &again);
    buffer_free(&message);
    buffer_free(&again);
    return result;
}

Test(compress, a_message_may_not_claim_more_than_it_pays_for)
{
    buffer plain, frame, inner;
    bool made = false;
    buffer_init(&plain, 1 << 24);
    buffer_init(&frame, 1 << 24);
    buffer_init(&inner, 1 << 24);
    write_rows(&plain);
    MUST(compress(buffer_view(&plain), &frame, &made));
    cr_assert(made);
    bytes f = buffer_view(&frame);
    cr_assert_eq(read_claim(plain.size, f), ATOLL_OK);
    cr_assert_eq(read_claim(plain.size - 1, f), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(read_claim(plain.size + 1, f), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(read_claim(COMPRESS_RATIO_MAX * (f.size + 1), f), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(read_claim((uint64_t)LIMIT_MESSAGE_SIZE_MAX + 1, f),
                 ATOLL_ERROR_MESSAGE_TOO_LARGE);
    cr_assert_neq(read_claim(0, f), ATOLL_OK);
    /* One within another. */
    put_packed(&inner, plain.size, f);
    buffer_clear(&frame);
    while (inner.size < 4 * COMPRESS_SIZE_MIN) MUST(buffer_append_byte(&inner, 0));
    MUST(compress(buffer_view(&inner), &frame, &made));
    if (made) cr_assert_neq(read_claim(inner.size, buffer_view(&frame)), ATOLL_OK);
    /* What shrinks too much goes as it is. */
    buffer_clear(&plain);
    buffer_clear(&frame);
    for (int i = 0; i < 1 << 20; i++) MUST(buffer_append_byte(&plain, 0));
    MUST(compress(buffer_view(&plain), &frame, &made));
    cr_assert(!made && frame.size == 0);
    buffer_free(&plain);
    buffer_free(&frame);
    buffer_free(&inner);
}

/* The answer to a bind names every property. */
static model_schema wide_schema(void)
{
    model_schema s = {0};
    size_t index = 0;
    char name[32];
    MUST(schema_add_class(&s, bytes_text("Wide"), CLASS_NORMAL, &index));
    MUST(schema_add_property(&s, index, bytes_text("_id"), VALUE_INT, PROPERTY_PRIMARY_KEY,
                             bytes_text("")));
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "property_%d", i);
        MUST(schema_add_property(&s, index, bytes_text(name), VALUE_INT, 0, bytes_text("")));
    }
    return s;
}

static bool bound_is_packed(bool accepts)
{
    world w = {0};
    peer *p = NULL;
    peer_action a;
    buffer raw;
    buffer_init(&raw, 1 << 20);
    MUST(world_start(&w, 3, 0, true, fixture_schema(true, false)));
    MUST(peer_new(w.app, "user", &p));
    model_schema schema = wide_schema();
    client_message m = {.kind = CLIENT_BIND};
    m.bind = (wire_bind){.version_minimum = 1,
                         .version_maximum = 1,
                         .app_id = "app",
                         .flexible = true,
                         .schema = schema,
                         .accepts_zstd = accepts};
    MUST(codec_client_write(&raw, &m));
    peer_received(p, w.now_ms, buffer_view(&raw));
    MUST(server_app_sync(w.app));
    bool packed = false;
    while (peer_poll(p, w.now_ms, &a))
        if (a.kind == PEER_ACTION_SEND) packed |= a.message.data[0] == PACKED_TAG;
    schema_free(&schema);
    peer_free(p);
    world_end(&w);
    buffer_free(&raw);
    return packed;
}

Test(compress, only_who_takes_packed_messages_gets_them)
{
    cr_assert(bound_is_packed(true));
    cr_assert(!bound_is_packed(false));
}
