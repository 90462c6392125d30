/* Codec, first half: rows and schemas between wire.h and protobuf.
 * It must never copy the arrays: both forms point at the same memory. Invariant: nothing read here was trusted; the check
 * in wire_check.c follows at once. */
#include "sync/codec_internal.h"

typedef Atoll__Sync__V1__Column pb_column;
typedef Atoll__Sync__V1__ListPart pb_list;
typedef Atoll__Sync__V1__Property pb_property;

/* Repeated fields and byte fields, in and out. The arrays are never changed through these pointers. */
#define READ_ARRAY(wire, pb, name) \
    ((wire)->name.items = (pb)->name, (wire)->name.count = (wire)->name.capacity = (pb)->n_##name)
#define READ_BYTES(wire, pb, name)         \
    ((wire)->name.items = (pb)->name.data, \
     (wire)->name.count = (wire)->name.capacity = (pb)->name.len)
#define WRITE_ARRAY(wire, pb, name) \
    ((pb)->name = (wire)->name.items, (pb)->n_##name = (wire)->name.count)
#define WRITE_BYTES(wire, pb, name) \
    ((pb)->name.data = (wire)->name.items, (pb)->name.len = (wire)->name.count)

static status read_list(arena *memory, const pb_list *from, wire_list **out)
{
    *out = NULL;
    if (from == NULL) return ATOLL_OK;
    wire_list *l = arena_take_zero(memory, sizeof *l);
    if (l == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    READ_ARRAY(l, from, counts);
    READ_ARRAY(l, from, lives);
    READ_ARRAY(l, from, actors);
    READ_ARRAY(l, from, counters);
    READ_ARRAY(l, from, element_actors);
    READ_ARRAY(l, from, parent_counters);
    READ_ARRAY(l, from, parent_actors);
    READ_BYTES(l, from, flags);
    READ_ARRAY(l, from, stamps);
    READ_ARRAY(l, from, value_stamps);
    READ_ARRAY(l, from, authors);
    READ_ARRAY(l, from, key_lengths);
    READ_BYTES(l, from, key_heap);
    READ_ARRAY(l, from, origin_counters);
    READ_ARRAY(l, from, origin_actors);
    if ((int)from->kind < WIRE_LIST || (int)from->kind > WIRE_DICTIONARY)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "%d is no kind of collection", (int)from->kind);
    l->kind = (wire_collection)from->kind;
    *out = l;
    return ATOLL_OK;
}

static status read_type(int from, value_type *out)
{
    bool known = (from >= VALUE_NULL && from <= VALUE_EMBEDDED) ||
                 (from >= VALUE_FLOAT && from <= VALUE_MIXED);
    if (!known) return fail(ATOLL_ERROR_INVALID_ARGUMENT, "%d is no value type", from);
    *out = (value_type)from;
    return ATOLL_OK;
}

static status read_column(arena *memory, const pb_column *from, wire_column *c)
{
    *c = (wire_column){.property = ""};
    if (from == NULL) return ATOLL_OK;
    c->property = from->property;
    c->increment = from->increment;
    TRY(read_type((int)from->type, &c->type));
    TRY(read_type((int)from->key_type, &c->key_type));
    READ_ARRAY(c, from, rows);
    READ_BYTES(c, from, nulls);
    READ_BYTES(c, from, bools);
    READ_ARRAY(c, from, integers);
    READ_ARRAY(c, from, reals);
    READ_BYTES(c, from, ids);
    READ_ARRAY(c, from, lengths);
    READ_BYTES(c, from, heap);
    READ_ARRAY(c, from, stamps);
    READ_BYTES(c, from, defaults);
    READ_BYTES(c, from, types);
    return read_list(memory, from->list, &c->list);
}

status codec_rows_read(arena *memory, pb_rows **from, size_t count, bool upload,
                       wire_rows_list *out)
{
    for (size_t i = 0; i < count; i++) {
        const pb_rows *p = from[i];
        wire_rows *g = arena_take_zero(memory, sizeof *g);
        if (g == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        g->class_name = p->class_name;
        g->owner_class = p->owner_class;
        g->owner_property = p->owner_property;
        TRY(read_column(memory, p->key, &g->key));
        TRY(read_column(memory, p->owner_keys, &g->owner_keys));
        READ_BYTES(g, p, kinds);
        READ_ARRAY(g, p, lives);
        READ_ARRAY(g, p, bases);
        READ_ARRAY(g, p, sequences);
        READ_ARRAY(g, p, owner_counters);
        READ_ARRAY(g, p, owner_actors);
        if (p->n_columns > 2 * LIMIT_PROPERTIES_MAX)
            return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "more than %d columns",
                        2 * LIMIT_PROPERTIES_MAX);
        for (size_t k = 0; k < p->n_columns; k++) {
            wire_column *c = arena_take(memory, sizeof *c);
            if (c == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
            TRY(read_column(memory, p->columns[k], c));
            TRY(arena_push(memory, &g->columns, c));
        }
        TRY(wire_rows_check(memory, g, upload));
        TRY(arena_push(memory, out, g));
    }
    return ATOLL_OK;
}

static status write_list(arena *memory, const wire_list *l, pb_list **out)
{
    pb_list *p = arena_take(memory, sizeof *p);
    if (p == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atoll__sync__v1__list_part__init(p);
    WRITE_ARRAY(l, p, counts);
    WRITE_ARRAY(l, p, lives);
    WRITE_ARRAY(l, p, actors);
    WRITE_ARRAY(l, p, counters);
    WRITE_ARRAY(l, p, element_actors);
    WRITE_ARRAY(l, p, parent_counters);
    WRITE_ARRAY(l, p, parent_actors);
    WRITE_BYTES(l, p, flags);
    WRITE_ARRAY(l, p, stamps);
    WRITE_ARRAY(l, p, value_stamps);
    WRITE_ARRAY(l, p, authors);
    WRITE_ARRAY(l, p, key_lengths);
    WRITE_BYTES(l, p, key_heap);
    WRITE_ARRAY(l, p, origin_counters);
    WRITE_ARRAY(l, p, origin_actors);
    p->kind = (Atoll__Sync__V1__CollectionKind)l->kind;
    *out = p;
    return ATOLL_OK;
}

static status write_column(arena *memory, const wire_column *c, pb_column **out)
{
    pb_column *p = arena_take(memory, sizeof *p);
    if (p == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atoll__sync__v1__column__init(p);
    p->property = (char *)c->property;
    p->increment = c->increment;
    p->type = (Atoll__Sync__V1__ValueType)c->type;
    p->key_type = (Atoll__Sync__V1__ValueType)c->key_type;
    WRITE_ARRAY(c, p, rows);
    WRITE_BYTES(c, p, nulls);
    WRITE_BYTES(c, p, bools);
    WRITE_ARRAY(c, p, integers);
    WRITE_ARRAY(c, p, reals);
    WRITE_BYTES(c, p, ids);
    WRITE_ARRAY(c, p, lengths);
    WRITE_BYTES(c, p, heap);
    WRITE_ARRAY(c, p, stamps);
    WRITE_BYTES(c, p, defaults);
    WRITE_BYTES(c, p, types);
    if (c->list != NULL) TRY(write_list(memory, c->list, &p->list));
    *out = p;
    return ATOLL_OK;
}

static status write_rows(arena *memory, const wire_rows *g, pb_rows *p)
{
    atoll__sync__v1__rows__init(p);
    p->class_name = (char *)g->class_name;
    p->owner_class = (char *)g->owner_class;
    p->owner_property = (char *)g->owner_property;
    TRY(write_column(memory, &g->key, &p->key));
    if (g->owner_class[0] != '\0') TRY(write_column(memory, &g->owner_keys, &p->owner_keys));
    WRITE_BYTES(g, p, kinds);
    WRITE_ARRAY(g, p, lives);
    WRITE_ARRAY(g, p, bases);
    WRITE_ARRAY(g, p, sequences);
    WRITE_ARRAY(g, p, owner_counters);
    WRITE_ARRAY(g, p, owner_actors);
    p->columns = arena_take(memory, (g->columns.count + 1) * sizeof *p->columns);
    if (p->columns == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    p->n_columns = g->columns.count;
    for (size_t k = 0; k < g->columns.count; k++)
        TRY(write_column(memory, g->columns.items[k], &p->columns[k]));
    return ATOLL_OK;
}

status codec_rows_write(arena *memory, const wire_rows_list *from, size_t *count, pb_rows ***out)
{
    pb_rows **list = arena_take(memory, (from->count + 1) * sizeof *list);
    if (list == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < from->count; i++) {
        list[i] = arena_take(memory, sizeof *list[i]);
        if (list[i] == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        TRY(write_rows(memory, from->items[i], list[i]));
    }
    *count = from->count;
    *out = list;
    return ATOLL_OK;
}

/* ---- schemas ---- */

static status read_class(const pb_class *from, model_schema *out)
{
    if ((int)from->kind < CLASS_NORMAL || (int)from->kind > CLASS_ASYMMETRIC) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "class '%s': %d is no kind of class", from->name,
                    (int)from->kind);
    }
    size_t index = 0;
    TRY(schema_add_class(out, bytes_text(from->name), (class_kind)from->kind, &index));
    for (size_t k = 0; k < from->n_properties; k++) {
        const pb_property *p = from->properties[k];
        value_type type = VALUE_NULL;
        TRY(read_type((int)p->type, &type));
        uint8_t flags =
            (uint8_t)((p->nullable ? PROPERTY_NULLABLE : 0) | (p->list ? PROPERTY_LIST : 0) |
                      (p->set ? PROPERTY_SET : 0) | (p->dictionary ? PROPERTY_DICTIONARY : 0) |
                      (p->indexed ? PROPERTY_INDEXED : 0));
        if (strcmp(p->name, from->primary_key) == 0) flags |= PROPERTY_PRIMARY_KEY;
        TRY(schema_add_property(out, index, bytes_text(p->name), type, flags,
                                bytes_text(p->target)));
    }
    return ATOLL_OK;
}

status codec_schema_read(pb_class **from, size_t count, model_schema *out)
{
    model_schema schema = {0};
    for (size_t i = 0; i < count; i++) {
        status result = read_class(from[i], &schema);
        if (result != ATOLL_OK) {
            schema_free(&schema);
            return result;
        }
    }
    *out = schema;
    return ATOLL_OK;
}

static status write_class(arena *memory, const model_class *c, pb_class *p)
{
    atoll__sync__v1__class__init(p);
    p->name = c->name;
    p->kind = (Atoll__Sync__V1__ClassKind)c->kind;
    p->properties = arena_take(memory, (c->property_count + 1) * sizeof *p->properties);
    if (p->properties == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    p->n_properties = c->property_count;
    for (size_t k = 0; k < c->property_count; k++) {
        const model_property *m = &c->properties[k];
        pb_property *q = arena_take(memory, sizeof *q);
        if (q == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        atoll__sync__v1__property__init(q);
        q->name = m->name;
        q->type = (Atoll__Sync__V1__ValueType)m->type;
        q->nullable = (m->flags & PROPERTY_NULLABLE) != 0;
        q->list = (m->flags & PROPERTY_LIST) != 0;
        q->set = (m->flags & PROPERTY_SET) != 0;
        q->dictionary = (m->flags & PROPERTY_DICTIONARY) != 0;
        q->indexed = (m->flags & PROPERTY_INDEXED) != 0;
        if (m->target_name != NULL) q->target = m->target_name;
        if ((m->flags & PROPERTY_PRIMARY_KEY) != 0) p->primary_key = m->name;
        p->properties[k] = q;
    }
    return ATOLL_OK;
}

status codec_schema_write(arena *memory, const model_schema *from, size_t *count, pb_class ***out)
{
    pb_class **list = arena_take(memory, (from->class_count + 1) * sizeof *list);
    if (list == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    size_t written = 0;
    for (size_t i = 0; i < from->class_count; i++) {
        if (schema_class_is_hidden(&from->classes[i])) continue; /* Each side has its own. */
        list[written] = arena_take(memory, sizeof *list[written]);
        if (list[written] == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        TRY(write_class(memory, &from->classes[i], list[written++]));
    }
    *count = written;
    *out = list;
    return ATOLL_OK;
}
