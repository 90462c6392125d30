/* What a peer is about, for people.
 * Must never: change the peer.
 * Invariant: the partition's text is one JSON value. */
#include "server/app.h"

#include <stdio.h>

bool peer_is_busy(const peer *p)
{
    return p->bound && (p->staged.parts.count > 0 || p->has_ack);
}

uint64_t peer_known_ident(const peer *p)
{
    return p->ident;
}

uint64_t peer_ident(const peer *p)
{
    return p->bound ? p->ident : 0;
}

static status append_text(buffer *json, bytes text)
{
    TRY(buffer_append_byte(json, '"'));
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        char escaped[8];
        if (c >= 0x20 && c != '"' && c != '\\') {
            TRY(buffer_append_byte(json, c));
            continue;
        }
        int size = snprintf(escaped, sizeof escaped, "\\u%04x", c);
        TRY(buffer_append(json, escaped, (size_t)size));
    }
    return buffer_append_byte(json, '"');
}

static status append_id(buffer *json, const char *kind, const uint8_t *id, size_t size, bool dashes)
{
    char text[64];
    size_t used = (size_t)snprintf(text, sizeof text, "%s(", kind);
    for (size_t i = 0; i < size; i++) {
        bool dash = dashes && (i == 4 || i == 6 || i == 8 || i == 10);
        used += (size_t)snprintf(text + used, sizeof text - used, dash ? "-%02x" : "%02x", id[i]);
    }
    used += (size_t)snprintf(text + used, sizeof text - used, ")");
    return append_text(json, bytes_of(text, used));
}

status peer_partition(const peer *p, buffer *json)
{
    char number[32];
    const value *v = &p->view.partition_value;
    if (!p->bound || !p->view.partition) return ATOLL_OK;
    switch (v->type) {
    case VALUE_STRING: return append_text(json, v->as.text);
    case VALUE_INT:
        snprintf(number, sizeof number, "%lld", (long long)v->as.integer);
        return buffer_append(json, number, strlen(number));
    case VALUE_UUID: return append_id(json, "uuid", v->as.id, 16, true);
    case VALUE_OBJECT_ID: return append_id(json, "oid", v->as.id, 12, false);
    default: return buffer_append(json, "null", 4);
    }
}
