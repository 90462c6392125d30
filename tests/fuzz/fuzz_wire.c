/* Any bytes as a message of either side: decoded, checked, every value of every column read, written again. It must never
 * crash, leak or read past an array, and what was accepted must be accepted again after it was written, as the same bytes. */
#include "sync/codec.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 4 << 20 };

static volatile uint64_t sink;

static void must(bool holds)
{
    if (!holds) abort();
}

static void read_value(const value *v)
{
    size_t size = 0;
    const uint8_t *data = NULL;
    if (v->type == VALUE_STRING || v->type == VALUE_BINARY)
        data = v->as.text.data, size = v->as.text.size;
    if (v->type == VALUE_UUID) data = v->as.id, size = 16;
    if (v->type == VALUE_OBJECT_ID) data = v->as.id, size = 12;
    if (v->type == VALUE_INT) sink += (uint64_t)v->as.integer;
    for (size_t i = 0; i < size; i++) sink += data[i];
}

static void read_entry(wire_column *c, size_t entry, bool upload)
{
    if (c->list == NULL) {
        value v = wire_column_value(c, entry);
        read_value(&v);
    } else {
        list_state state;
        if (wire_list_state(c, entry, &state) == ATOLL_OK) {
            for (size_t i = 0; i < state.elements.count; i++)
                read_value(&state.elements.items[i].value);
            if (list_state_order(&state) != ATOLL_OK) sink++;
        }
        list_state_free(&state);
    }
    if (upload) sink += wire_column_stamp(c, entry) + wire_column_default(c, entry);
}

/* What both machines do with rows that passed the check. */
static void read_rows(const wire_rows_list *list, bool upload)
{
    for (size_t k = 0; k < list->count; k++) {
        wire_rows *g = list->items[k];
        for (size_t row = 0; row < g->count; row++) {
            value key = wire_column_value(&g->key, row);
            must(key.type != VALUE_NULL);
            read_value(&key);
            sink += wire_one_or_each(&g->lives, row, 0) + wire_one_or_each(&g->bases, row, 0);
            if (g->owner_class[0] != '\0') {
                value owner = wire_column_value(&g->owner_keys, row);
                must(owner.type != VALUE_NULL);
                read_value(&owner);
            }
            for (size_t i = 0; i < g->columns.count; i++) {
                size_t entry = 0;
                if (wire_column_seek(g->columns.items[i], row, &entry))
                    read_entry(g->columns.items[i], entry, upload);
            }
        }
    }
}

static void try_client(bytes from)
{
    arena memory, memory_again;
    arena_init(&memory, MEMORY_MAX);
    arena_init(&memory_again, 2 * MEMORY_MAX);
    client_message m, again;
    buffer first, second;
    buffer_init(&first, LIMIT_MESSAGE_SIZE_MAX);
    buffer_init(&second, LIMIT_MESSAGE_SIZE_MAX);
    if (codec_client_read(from, &memory, &m) == ATOLL_OK) {
        if (m.kind == CLIENT_UPLOAD) read_rows(&m.upload.rows, true);
        must(codec_client_write(&first, &m) == ATOLL_OK);
        must(codec_client_read(buffer_view(&first), &memory_again, &again) == ATOLL_OK);
        must(codec_client_write(&second, &again) == ATOLL_OK);
        must(bytes_equal(buffer_view(&first), buffer_view(&second)));
        client_message_free(&again);
        client_message_free(&m);
    }
    buffer_free(&first);
    buffer_free(&second);
    arena_free(&memory_again);
    arena_free(&memory);
}

static void try_server(bytes from)
{
    arena memory, memory_again;
    arena_init(&memory, MEMORY_MAX);
    arena_init(&memory_again, 2 * MEMORY_MAX);
    server_message m, again;
    buffer first, second;
    buffer_init(&first, LIMIT_MESSAGE_SIZE_MAX);
    buffer_init(&second, LIMIT_MESSAGE_SIZE_MAX);
    if (codec_server_read(from, &memory, &m) == ATOLL_OK) {
        if (m.kind == SERVER_DOWNLOAD) read_rows(&m.download.rows, false);
        if (m.kind == SERVER_UPLOAD_ACK) read_rows(&m.ack.rows, false);
        must(codec_server_write(&first, &m) == ATOLL_OK);
        must(codec_server_read(buffer_view(&first), &memory_again, &again) == ATOLL_OK);
        must(codec_server_write(&second, &again) == ATOLL_OK);
        must(bytes_equal(buffer_view(&first), buffer_view(&second)));
        server_message_free(&again);
        server_message_free(&m);
    }
    buffer_free(&first);
    buffer_free(&second);
    arena_free(&memory_again);
    arena_free(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_client(bytes_of(data, size));
    try_server(bytes_of(data, size));
    return 0;
}
