/* Encoding of log records and the reading of them. It must never look at blocks. Invariant: what changeset_next gives is
 * what changeset_write was given, and the end of a record falls between two operations. */
#include "model/changeset.h"

enum { RECORD_FORMAT = 0, SAME_ROW = 0x80, DEFAULT_BIT = 0x40, KIND_MASK = 0x3f };

static uint64_t zigzag(int64_t i)
{
    return ((uint64_t)i << 1) ^ (uint64_t)(i >> 63);
}

status changeset_header(buffer *to, const record_header *header)
{
    TRY(buffer_append_byte(to, RECORD_FORMAT));
    TRY(buffer_append_byte(to, (uint8_t)header->origin));
    TRY(buffer_append_varint(to, zigzag(header->wall_ms)));
    TRY(buffer_append_varint(to, header->monotonic_ms));
    return buffer_append_fixed64(to, header->boot_id);
}

static status write_element_id(buffer *to, element_id id)
{
    TRY(buffer_append_varint(to, id.counter));
    return buffer_append_fixed64(to, id.actor);
}

enum {
    ELEMENT_LEFT = 1,
    ELEMENT_ACTORS = 2, /* of the id and the value */
    ELEMENT_PARENT = 4,
    ELEMENT_STAMPS = 8,
    ELEMENT_TOUCHED = 16,
    ELEMENT_EMBEDDED = 32,
    ELEMENT_KEY = 64
};

static uint8_t element_bits(const list_element *e)
{
    static const uint8_t zeros[16];
    return (uint8_t)((e->side == LIST_SIDE_LEFT ? ELEMENT_LEFT : 0) |
                     ((e->id.actor | e->value_actor) != 0 ? ELEMENT_ACTORS : 0) |
                     ((e->parent.counter | e->parent.actor) != 0 ? ELEMENT_PARENT : 0) |
                     ((e->stamp | e->value_stamp) != 0 ? ELEMENT_STAMPS : 0) |
                     (e->touched != 0 ? ELEMENT_TOUCHED : 0) |
                     (memcmp(e->embedded, zeros, 16) != 0 ? ELEMENT_EMBEDDED : 0) |
                     (e->key.size != 0 ? ELEMENT_KEY : 0));
}

/* What is zero, as most of it is in a realm that does not sync, takes a bit. */
static status write_element(buffer *to, const list_element *e)
{
    uint8_t bits = element_bits(e);
    TRY(buffer_append_byte(to, bits));
    TRY(buffer_append_varint(to, e->id.counter));
    if ((bits & ELEMENT_ACTORS) != 0) {
        TRY(buffer_append_fixed64(to, e->id.actor));
        TRY(buffer_append_fixed64(to, e->value_actor));
    }
    if ((bits & ELEMENT_PARENT) != 0) TRY(write_element_id(to, e->parent));
    if ((bits & ELEMENT_STAMPS) != 0) {
        TRY(buffer_append_varint(to, e->stamp));
        TRY(buffer_append_varint(to, e->value_stamp));
    }
    if ((bits & ELEMENT_TOUCHED) != 0) TRY(buffer_append_varint(to, e->touched));
    if ((bits & ELEMENT_EMBEDDED) != 0) TRY(buffer_append(to, e->embedded, sizeof e->embedded));
    if ((bits & ELEMENT_KEY) != 0) TRY(buffer_append_bytes(to, e->key));
    return value_write(to, &e->value);
}

static status write_owner(buffer *to, const operation *o)
{
    TRY(buffer_append(to, o->id, sizeof o->id));
    TRY(buffer_append_varint(to, o->owner.class_of));
    TRY(buffer_append_varint(to, o->owner.row));
    TRY(buffer_append_varint(to, o->owner.property));
    return write_element_id(to, o->owner.element);
}

static status write_body(buffer *to, const operation *o)
{
    switch (o->kind) {
    case OP_LIFE: return buffer_append_byte(to, (uint8_t)(o->from | o->to << 4));
    case OP_KEY: return value_write(to, &o->value);
    case OP_UNKEY:
    case OP_REKEY: return buffer_append_fixed64(to, o->hash);
    case OP_FORGET:
        TRY(buffer_append_varint(to, o->property));
        return buffer_append_byte(to, o->all);
    case OP_DROP: return buffer_append_byte(to, o->all);
    case OP_INCREMENT:
    case OP_SET: TRY(buffer_append_varint(to, o->property)); return value_write(to, &o->value);
    case OP_LIST_INSERT:
    case OP_LIST_SET:
        TRY(buffer_append_varint(to, o->property));
        TRY(buffer_append_varint(to, o->position));
        return write_element(to, &o->element);
    case OP_LIST_ERASE:
    case OP_LIST_CLEAR:
        TRY(buffer_append_varint(to, o->property));
        TRY(buffer_append_varint(to, o->position));
        return buffer_append_varint(to, o->element.touched << 1 | o->all);
    case OP_LIST_STORE:
        TRY(buffer_append_varint(to, o->property));
        return buffer_append_bytes(to, o->blob);
    case OP_LIST_MOVE:
        TRY(buffer_append_varint(to, o->property));
        TRY(buffer_append_varint(to, o->position));
        return buffer_append_varint(to, o->hash);
    case OP_OWNER: return write_owner(to, o);
    case OP_ASYMMETRIC:
    case OP_SCHEMA: return buffer_append_bytes(to, o->blob);
    }
    return fail(ATOLL_ERROR_INTERNAL, "unknown operation %d", (int)o->kind);
}

status changeset_write(changeset_writer *w, const operation *o)
{
    size_t before = w->to->size;
    bool same = w->last_class == o->class_of && w->last_row == o->row;
    uint8_t *at = NULL;
    TRY(buffer_room(w->to, 1 + 2 * VARINT_SIZE_MAX, &at));
    *at++ = (uint8_t)(o->kind | (same ? SAME_ROW : 0) | (o->is_default ? DEFAULT_BIT : 0));
    if (!same) at = varint_put(varint_put(at, o->class_of), o->row);
    w->to->size = (size_t)(at - w->to->data);
    status result = write_body(w->to, o);
    if (result != ATOLL_OK) {
        w->to->size = before;
        return result;
    }
    w->last_class = o->class_of;
    w->last_row = o->row;
    return ATOLL_OK;
}

status changeset_open(changeset_reader *r, bytes record, record_header *header)
{
    *r = (changeset_reader){.from = reader_of(record)};
    uint8_t format = reader_byte(&r->from);
    if (r->from.failed || format != RECORD_FORMAT)
        return fail(ATOLL_ERROR_FILE_CORRUPT,
                    "a log record has the unknown format %d; was it written by a newer version?",
                    (int)format);
    header->origin = (commit_origin)reader_byte(&r->from);
    uint64_t wall = reader_varint(&r->from);
    header->wall_ms = (int64_t)(wall >> 1) ^ -(int64_t)(wall & 1);
    header->monotonic_ms = reader_varint(&r->from);
    header->boot_id = reader_fixed64(&r->from);
    if (r->from.failed || header->origin > COMMIT_SERVER)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "the header of a log record is damaged");
    return ATOLL_OK;
}

static element_id read_element_id(reader *from)
{
    element_id id = {.counter = reader_varint(from)};
    id.actor = reader_fixed64(from);
    return id;
}

static void read_id16(reader *from, uint8_t id[16])
{
    bytes view = reader_take(from, 16);
    if (!from->failed) memcpy(id, view.data, 16);
}

static void read_element(reader *from, list_element *e)
{
    uint8_t bits = reader_byte(from);
    e->side = (bits & ELEMENT_LEFT) != 0 ? LIST_SIDE_LEFT : LIST_SIDE_RIGHT;
    e->id.counter = reader_varint(from);
    if ((bits & ELEMENT_ACTORS) != 0) {
        e->id.actor = reader_fixed64(from);
        e->value_actor = reader_fixed64(from);
    }
    if ((bits & ELEMENT_PARENT) != 0) e->parent = read_element_id(from);
    if ((bits & ELEMENT_STAMPS) != 0) {
        e->stamp = reader_varint(from);
        e->value_stamp = reader_varint(from);
    }
    if ((bits & ELEMENT_TOUCHED) != 0) e->touched = reader_varint(from);
    if ((bits & ELEMENT_EMBEDDED) != 0) read_id16(from, e->embedded);
    if ((bits & ELEMENT_KEY) != 0) e->key = reader_bytes(from);
    e->value = value_read(from);
}

static void read_owner(reader *from, operation *o)
{
    read_id16(from, o->id);
    o->owner.class_of = (class_key)reader_varint(from);
    o->owner.row = reader_varint(from);
    o->owner.property = (property_key)reader_varint(from);
    o->owner.element = read_element_id(from);
}

static void read_body(reader *from, operation *o)
{
    uint8_t bits;
    switch (o->kind) {
    case OP_LIFE:
        bits = reader_byte(from);
        o->from = bits & 15;
        o->to = bits >> 4;
        return;
    case OP_KEY: o->value = value_read(from); return;
    case OP_UNKEY:
    case OP_REKEY: o->hash = reader_fixed64(from); return;
    case OP_FORGET:
        o->property = (property_key)reader_varint(from);
        o->all = reader_byte(from) != 0;
        return;
    case OP_DROP: o->all = reader_byte(from) != 0; return;
    case OP_INCREMENT:
    case OP_SET:
        o->property = (property_key)reader_varint(from);
        o->value = value_read(from);
        return;
    case OP_LIST_INSERT:
    case OP_LIST_SET:
        o->property = (property_key)reader_varint(from);
        o->position = reader_varint(from);
        read_element(from, &o->element);
        return;
    case OP_LIST_ERASE:
    case OP_LIST_CLEAR:
        o->property = (property_key)reader_varint(from);
        o->position = reader_varint(from);
        o->element.touched = reader_varint(from);
        o->all = (o->element.touched & 1) != 0;
        o->element.touched >>= 1;
        return;
    case OP_LIST_STORE:
        o->property = (property_key)reader_varint(from);
        o->blob = reader_bytes(from);
        return;
    case OP_LIST_MOVE:
        o->property = (property_key)reader_varint(from);
        o->position = reader_varint(from);
        o->hash = reader_varint(from);
        return;
    case OP_OWNER: read_owner(from, o); return;
    case OP_ASYMMETRIC:
    case OP_SCHEMA: o->blob = reader_bytes(from); return;
    }
    from->failed = true;
}

status changeset_next(changeset_reader *r, operation *out, bool *out_more)
{
    *out_more = r->from.at != r->from.end;
    if (!*out_more) return ATOLL_OK;
    uint8_t head = reader_byte(&r->from);
    operation_kind kind = (operation_kind)(head & KIND_MASK);
    /* Most have nothing of what comes behind the value, and clearing it would take longer than reading them. */
    memset(out, 0, kind <= OP_SET ? offsetof(operation, element) : sizeof *out);
    out->kind = kind;
    out->is_default = (head & DEFAULT_BIT) != 0;
    if ((head & SAME_ROW) == 0) {
        r->last_class = (class_key)reader_varint(&r->from);
        r->last_row = reader_varint(&r->from);
    }
    out->class_of = r->last_class;
    out->row = r->last_row;
    read_body(&r->from, out);
    if (r->from.failed)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "a log record is damaged in an operation of kind %d",
                    (int)out->kind);
    return ATOLL_OK;
}

status changeset_step(changeset_reader *r, change_step *out, bool *out_more, bool *plain)
{
    *out_more = r->from.at != r->from.end;
    if (!*out_more) return ATOLL_OK;
    uint8_t head = reader_byte(&r->from);
    if ((head & SAME_ROW) == 0) {
        r->last_class = (class_key)reader_varint(&r->from);
        r->last_row = reader_varint(&r->from);
    }
    out->kind = (operation_kind)(head & KIND_MASK);
    out->is_default = (head & DEFAULT_BIT) != 0;
    out->class_of = r->last_class;
    out->row = r->last_row;
    if (out->kind == OP_LIFE) {
        out->lives = reader_byte(&r->from);
    } else if (out->kind == OP_SET || out->kind == OP_KEY) {
        if (out->kind == OP_SET) out->property = (property_key)reader_varint(&r->from);
        (void)value_read(&r->from);
    } else {
        *plain = false;
    }
    return !r->from.failed
               ? ATOLL_OK
               : fail(ATOLL_ERROR_FILE_CORRUPT,
                      "a log record is damaged in an operation of kind %d", (int)out->kind);
}
