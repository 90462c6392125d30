/* Recorded messages with a field more or with a field of another number, as a later version might send them.
 * Must never: know the meaning of a field; it works on the generated descriptors. */
#include "replay.h"

#include "sync.pb-c.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void walk(ProtobufCMessage *m, replay_change change);

static void walk_field(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, replay_change change)
{
    uint8_t *at = (uint8_t *)m + f->offset;
    if (f->type != PROTOBUF_C_TYPE_MESSAGE) return;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(size_t *)(void *)((uint8_t *)m + f->quantifier_offset);
        ProtobufCMessage **items = *(ProtobufCMessage ***)(void *)at;
        for (size_t i = 0; i < count; i++) walk(items[i], change);
        return;
    }
    bool oneof = (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (oneof && *(uint32_t *)(void *)((uint8_t *)m + f->quantifier_offset) != f->id) return;
    ProtobufCMessage *inner = *(ProtobufCMessage **)(void *)at;
    if (inner != NULL) walk(inner, change);
}

static void put_unknown(ProtobufCMessage *m, uint32_t tag)
{
    static const uint8_t text[] = {5, 'l', 'a', 't', 'e', 'r'};
    ProtobufCMessageUnknownField *field = calloc(1, sizeof *field);
    uint8_t *data = malloc(sizeof text);
    if (field == NULL || data == NULL) abort();
    memcpy(data, text, sizeof text);
    *field = (ProtobufCMessageUnknownField){tag, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, sizeof text,
                                            data};
    m->unknown_fields = field;
    m->n_unknown_fields = 1;
}

static void walk(ProtobufCMessage *m, replay_change change)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) walk_field(m, &d->fields[i], change);
    bool column = d == &atoll__sync__v1__column__descriptor;
    if (change == REPLAY_UNKNOWN_ADDED && m->n_unknown_fields == 0) put_unknown(m, 1000);
    if (change == REPLAY_RENUMBERED && column) {
        Atoll__Sync__V1__Column *c = (Atoll__Sync__V1__Column *)m;
        if (c->n_integers == 0) return;
        free(c->integers);
        c->integers = NULL;
        c->n_integers = 0;
        put_unknown(m, 70);
    }
}

void change_message(replay_change change, bool client, bytes message, buffer *out)
{
    buffer_clear(out);
    if (change == REPLAY_AS_IT_WAS) {
        MUST(buffer_append(out, message.data, message.size));
        return;
    }
    const ProtobufCMessageDescriptor *d = client ? &atoll__sync__v1__client_message__descriptor
                                                 : &atoll__sync__v1__server_message__descriptor;
    ProtobufCMessage *m = protobuf_c_message_unpack(d, NULL, message.size, message.data);
    cr_assert_not_null(m);
    walk(m, change);
    MUST(buffer_reserve(out, protobuf_c_message_get_packed_size(m)));
    out->size = protobuf_c_message_pack(m, out->data);
    protobuf_c_message_free_unpacked(m, NULL);
}
