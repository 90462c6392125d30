/* Wire rows: building columns value by value and reading them back row by row.
 * It must know nothing of protobuf, of the engine's rows or of merge. Invariant: a column under construction has one
 * placeholder in each of its type's arrays for every value, null or not, so that value i is always at index i. */
#include "sync/wire.h"

void client_message_free(client_message *m)
{
    if (m->kind == CLIENT_BIND) schema_free(&m->bind.schema);
    m->kind = 0;
}

void server_message_free(server_message *m)
{
    if (m->kind == SERVER_BOUND) schema_free(&m->bound.schema);
    if (m->kind == SERVER_DOWNLOAD) schema_free(&m->download.schema);
    m->kind = 0;
}

/* ---- reading ---- */

void wire_column_rewind(wire_column *c)
{
    c->cursor = 0;
}

bool wire_column_seek(wire_column *c, size_t row, size_t *entry)
{
    if (c->rows.count == 0) {
        *entry = row;
        return row < c->entries;
    }
    if (c->cursor > 0 && c->rows.items[c->cursor - 1] >= row) c->cursor = 0;
    while (c->cursor < c->rows.count && c->rows.items[c->cursor] < row) c->cursor++;
    *entry = c->cursor;
    return c->cursor < c->rows.count && c->rows.items[c->cursor] == row;
}

static bool bit_of(const wire_bytes *bits, size_t i)
{
    return i / 8 < bits->count && (bits->items[i / 8] >> (i % 8) & 1) != 0;
}

bool wire_column_null(const wire_column *c, size_t i)
{
    return c->type == VALUE_NULL || bit_of(&c->nulls, i);
}

bool wire_column_default(const wire_column *c, size_t entry)
{
    return bit_of(&c->defaults, entry);
}

uint64_t wire_column_stamp(const wire_column *c, size_t entry)
{
    return wire_one_or_each(&c->stamps, entry, 0);
}

value wire_column_value(const wire_column *c, size_t i)
{
    decimal d;
    if (wire_column_null(c, i)) return value_null();
    value_type type = c->type == VALUE_LINK ? c->key_type : c->type;
    switch (type) {
    case VALUE_BOOL: return value_bool(c->bools.items[i] != 0);
    case VALUE_INT: return value_int(c->integers.items[i]);
    case VALUE_FLOAT: return value_float((float)c->reals.items[i]);
    case VALUE_DOUBLE: return value_double(c->reals.items[i]);
    case VALUE_STRING:
    case VALUE_BINARY: {
        bytes text = bytes_of(c->heap.items + c->offsets[i], c->offsets[i + 1] - c->offsets[i]);
        return type == VALUE_STRING ? value_string(text) : value_binary(text);
    }
    case VALUE_TIMESTAMP:
        return value_timestamp(c->integers.items[2 * i], (int32_t)c->integers.items[2 * i + 1]);
    case VALUE_DECIMAL: memcpy(&d.bytes, c->ids.items + 16 * i, 16); return value_decimal(&d);
    case VALUE_UUID:
    case VALUE_EMBEDDED: return value_uuid(c->ids.items + 16 * i);
    case VALUE_OBJECT_ID: return value_object_id(c->ids.items + 12 * i);
    case VALUE_MIXED:
        return wire_mixed_value(c->types.items[i], bytes_of(c->heap.items + c->offsets[i],
                                                            c->offsets[i + 1] - c->offsets[i]));
    default: break;
    }
    return value_null();
}

static list_element element_at(const wire_column *c, size_t i)
{
    const wire_list *l = c->list;
    list_element e = {.id = {l->counters.items[i], l->actors.items[l->element_actors.items[i]]}};
    bool in_list = l->kind == WIRE_LIST;
    if (in_list && l->parent_counters.items[i] != 0) {
        e.parent =
            (element_id){l->parent_counters.items[i], l->actors.items[l->parent_actors.items[i]]};
    }
    bool left = in_list && (l->flags.items[i] & WIRE_ELEMENT_RIGHT) == 0;
    e.side = left ? LIST_SIDE_LEFT : LIST_SIDE_RIGHT;
    e.erased = (l->flags.items[i] & WIRE_ELEMENT_ERASED) != 0;
    e.stamp = l->stamps.items[i];
    e.value_stamp = l->value_stamps.items[i];
    e.value_actor = l->authors.items[i];
    if (l->kind == WIRE_DICTIONARY)
        e.key = bytes_of(l->key_heap.items + l->key_offsets[i],
                         l->key_offsets[i + 1] - l->key_offsets[i]);
    e.value = wire_column_value(c, i);
    if (c->type == VALUE_EMBEDDED && e.value.type == VALUE_UUID) {
        memcpy(e.embedded, e.value.as.id, 16);
        e.value = value_null();
    }
    return e;
}

status wire_list_state(const wire_column *c, size_t entry, list_state *out)
{
    const wire_list *l = c->list;
    list_state_init(out);
    out->life = l->lives.count == 0 ? 0 : l->lives.items[entry];
    size_t first = l->starts[entry], count = l->counts.items[entry];
    status result = vector_reserve(&out->elements, count + 1);
    if (result != ATOLL_OK) return result;
    bool moved = l->origin_counters.count != 0;
    if (moved) result = buffer_reserve(&out->heap, count * LIST_ORIGIN_SIZE + 1);
    for (size_t k = 0; k < count && result == ATOLL_OK; k++) {
        list_element e = element_at(c, first + k);
        if (moved && l->origin_counters.items[first + k] != 0) {
            /* There is room: what was written before stays where it is. */
            e.key = bytes_of(out->heap.data + out->heap.size, LIST_ORIGIN_SIZE);
            list_origin_write(out->heap.data + out->heap.size,
                              (element_id){l->origin_counters.items[first + k],
                                           l->actors.items[l->origin_actors.items[first + k]]});
            out->heap.size += LIST_ORIGIN_SIZE;
        }
        out->elements.items[out->elements.count++] = e;
    }
    if (result != ATOLL_OK) {
        list_state_free(out);
        return result;
    }
    return ATOLL_OK;
}

/* ---- building ---- */

status wire_builder_group(wire_builder *b, const char *class_name, const char *owner_class,
                          const char *owner_property, wire_rows **out)
{
    for (size_t i = b->rows.count; i-- > 0;) {
        wire_rows *g = b->rows.items[i];
        if (strcmp(g->class_name, class_name) == 0 && strcmp(g->owner_class, owner_class) == 0 &&
            strcmp(g->owner_property, owner_property) == 0) {
            *out = g;
            return ATOLL_OK;
        }
    }
    wire_rows *g = arena_take_zero(b->memory, sizeof *g);
    if (g == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    g->class_name = arena_text(b->memory, bytes_text(class_name));
    g->owner_class = arena_text(b->memory, bytes_text(owner_class));
    g->owner_property = arena_text(b->memory, bytes_text(owner_property));
    if (g->class_name == NULL || g->owner_class == NULL || g->owner_property == NULL)
        return ATOLL_ERROR_OUT_OF_MEMORY;
    g->key.property = g->owner_keys.property = "";
    TRY(arena_push(b->memory, &b->rows, g));
    b->size += strlen(class_name) + 32;
    *out = g;
    return ATOLL_OK;
}

static status set_bit(arena *memory, wire_bytes *bits, size_t i)
{
    while (bits->count <= i / 8) TRY(arena_push(memory, bits, 0));
    bits->items[i / 8] |= (uint8_t)(1u << (i % 8));
    return ATOLL_OK;
}

static status put_bytes(arena *memory, wire_bytes *to, const void *data, size_t size)
{
    TRY(arena_reserve(memory, to, size));
    if (size > 0) memcpy(to->items + to->count, data, size);
    to->count += size;
    return ATOLL_OK;
}

static status put_text(wire_builder *b, wire_column *c, bytes text)
{
    b->size += text.size;
    TRY(put_bytes(b->memory, &c->heap, text.data, text.size));
    return arena_push(b->memory, &c->lengths, (uint32_t)text.size);
}

static status put_mixed(wire_builder *b, wire_column *c, const value *v)
{
    bytes packed = bytes_of(NULL, 0);
    TRY(arena_push(b->memory, &c->types, (uint8_t)v->type));
    if (v->type != VALUE_NULL) TRY(wire_mixed_pack(b->memory, v, &packed));
    return put_text(b, c, packed);
}

/* Appends one value or its placeholder to the arrays of the column's type. */
static status put_value(wire_builder *b, wire_column *c, const value *v)
{
    static const uint8_t zeros[16] = {0};
    value_type type = c->type == VALUE_LINK ? c->key_type : c->type;
    bool null = v->type == VALUE_NULL;
    arena *memory = b->memory;
    if (null) TRY(set_bit(memory, &c->nulls, c->count));
    c->count++;
    b->size += 8;
    switch (type) {
    case VALUE_BOOL: return arena_push(memory, &c->bools, (uint8_t)(!null && v->as.boolean));
    case VALUE_INT: return arena_push(memory, &c->integers, null ? 0 : v->as.integer);
    case VALUE_FLOAT:
    case VALUE_DOUBLE: return arena_push(memory, &c->reals, null ? 0.0 : v->as.real);
    case VALUE_STRING:
    case VALUE_BINARY: return put_text(b, c, null ? bytes_of(NULL, 0) : v->as.text);
    case VALUE_MIXED: return put_mixed(b, c, v);
    case VALUE_TIMESTAMP:
        TRY(arena_push(memory, &c->integers, null ? 0 : v->as.timestamp.seconds));
        return arena_push(memory, &c->integers, null ? 0 : v->as.timestamp.nanoseconds);
    case VALUE_DECIMAL:
    case VALUE_UUID:
    case VALUE_EMBEDDED:
        b->size += 8;
        return put_bytes(memory, &c->ids, null ? zeros : v->as.id, 16);
    case VALUE_OBJECT_ID: return put_bytes(memory, &c->ids, null ? zeros : v->as.id, 12);
    default: break;
    }
    return fail(ATOLL_ERROR_NOT_SUPPORTED, "not supported yet: a value of type %s on the wire",
                value_type_name(type));
}

status wire_builder_row(wire_builder *b, wire_rows *g, row_kind kind, const value *key,
                        uint64_t life, uint64_t base)
{
    g->key.type = key->type;
    TRY(put_value(b, &g->key, key));
    if (kind != ROW_NONE) {
        TRY(arena_push(b->memory, &g->kinds, (uint8_t)kind));
        TRY(arena_push(b->memory, &g->lives, life));
        TRY(arena_push(b->memory, &g->bases, base));
        b->size += 2;
    }
    g->count++;
    b->row_count++;
    return ATOLL_OK;
}

status wire_builder_rows(wire_builder *b, wire_rows *g, row_kind kind, const value *keys,
                         size_t count, uint64_t life, uint64_t base)
{
    arena *memory = b->memory;
    TRY(arena_reserve(memory, &g->kinds, count));
    TRY(arena_reserve(memory, &g->lives, count));
    TRY(arena_reserve(memory, &g->bases, count));
    for (size_t i = 0; i < count; i++) TRY(wire_builder_row(b, g, kind, &keys[i], life, base));
    return ATOLL_OK;
}

status wire_builder_owner(wire_builder *b, wire_rows *g, const value *key, bool in_list,
                          element_id element)
{
    g->owner_keys.type = key->type;
    TRY(put_value(b, &g->owner_keys, key));
    if (!in_list) return ATOLL_OK;
    TRY(arena_push(b->memory, &g->owner_counters, element.counter));
    return arena_push(b->memory, &g->owner_actors, element.actor);
}

static status column_of(wire_builder *b, wire_rows *g, const char *property, value_type type,
                        value_type key_type, bool increment, wire_column **out)
{
    for (size_t i = 0; i < g->columns.count; i++) {
        wire_column *there = g->columns.items[i];
        bool full = increment && there->rows.count > 0 &&
                    there->rows.items[there->rows.count - 1] == g->count - 1;
        if (there->increment == increment && !full && strcmp(there->property, property) == 0) {
            *out = there;
            return ATOLL_OK;
        }
    }
    wire_column *c = arena_take_zero(b->memory, sizeof *c);
    if (c == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    c->property = arena_text(b->memory, bytes_text(property));
    if (c->property == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    c->type = type;
    c->key_type = key_type;
    c->increment = increment;
    TRY(arena_push(b->memory, &g->columns, c));
    b->size += strlen(property) + 16;
    *out = c;
    return ATOLL_OK;
}

static status put_entry(wire_builder *b, wire_column *c, size_t row, uint64_t stamp,
                        bool is_default)
{
    TRY(arena_push(b->memory, &c->rows, (uint32_t)row));
    TRY(arena_push(b->memory, &c->stamps, stamp));
    if (is_default) TRY(set_bit(b->memory, &c->defaults, c->entries));
    c->entries++;
    return ATOLL_OK;
}

status wire_builder_put(wire_builder *b, wire_rows *g, const char *property, value_type type,
                        value_type key_type, const value *v, uint64_t stamp, bool is_default)
{
    wire_column *c = NULL;
    TRY(column_of(b, g, property, type, key_type, false, &c));
    TRY(put_entry(b, c, g->count - 1, stamp, is_default));
    return put_value(b, c, v);
}

status wire_builder_put_rows(wire_builder *b, wire_rows *g, const wire_field *f, size_t first,
                             const value *values, size_t count)
{
    wire_column *c = NULL;
    TRY(column_of(b, g, f->property, f->type, f->key_type, false, &c));
    TRY(arena_reserve(b->memory, &c->rows, count));
    TRY(arena_reserve(b->memory, &c->stamps, count));
    for (size_t i = 0; i < count; i++) {
        TRY(put_entry(b, c, first + i, f->stamp, f->is_default));
        TRY(put_value(b, c, &values[i]));
    }
    return ATOLL_OK;
}

status wire_builder_add(wire_builder *b, wire_rows *g, const char *property, int64_t added,
                        uint64_t stamp)
{
    wire_column *c = NULL;
    value v = value_int(added);
    TRY(column_of(b, g, property, VALUE_INT, VALUE_NULL, true, &c));
    TRY(put_entry(b, c, g->count - 1, stamp, false));
    return put_value(b, c, &v);
}

static status actor_index(arena *memory, wire_list *l, uint64_t actor, uint32_t *out)
{
    for (size_t i = l->actors.count; i-- > 0;) {
        if (l->actors.items[i] == actor) {
            *out = (uint32_t)i;
            return ATOLL_OK;
        }
    }
    *out = (uint32_t)l->actors.count;
    return arena_push(memory, &l->actors, actor);
}

/* Nothing is told of origins before the first element that moved. */
static status put_origin(wire_builder *b, wire_list *l, const list_element *e)
{
    bool moved = e->key.size == LIST_ORIGIN_SIZE;
    element_id origin = list_origin(e);
    uint32_t actor = 0;
    if (!moved && l->origin_counters.count == 0) return ATOLL_OK;
    if (moved) TRY(actor_index(b->memory, l, origin.actor, &actor));
    while (l->origin_counters.count < l->counters.count) {
        TRY(arena_push(b->memory, &l->origin_counters, 0));
        TRY(arena_push(b->memory, &l->origin_actors, 0));
    }
    TRY(arena_push(b->memory, &l->origin_counters, moved ? origin.counter : 0));
    return arena_push(b->memory, &l->origin_actors, actor);
}

/* What only lists have, or only dictionaries. */
static status put_place(wire_builder *b, wire_list *l, const list_element *e)
{
    uint32_t parent = 0;
    if (l->kind == WIRE_DICTIONARY) {
        TRY(put_bytes(b->memory, &l->key_heap, e->key.data, e->key.size));
        b->size += e->key.size;
        return arena_push(b->memory, &l->key_lengths, (uint32_t)e->key.size);
    }
    if (l->kind == WIRE_SET) return ATOLL_OK;
    TRY(put_origin(b, l, e));
    if (e->parent.counter != 0) TRY(actor_index(b->memory, l, e->parent.actor, &parent));
    TRY(arena_push(b->memory, &l->parent_counters, e->parent.counter));
    return arena_push(b->memory, &l->parent_actors, parent);
}

static status put_element(wire_builder *b, wire_column *c, const list_element *e)
{
    wire_list *l = c->list;
    arena *memory = b->memory;
    uint32_t actor = 0;
    TRY(actor_index(memory, l, e->id.actor, &actor));
    TRY(put_place(b, l, e));
    TRY(arena_push(memory, &l->counters, e->id.counter));
    TRY(arena_push(memory, &l->element_actors, actor));
    uint8_t flags =
        (uint8_t)((l->kind == WIRE_LIST && e->side == LIST_SIDE_RIGHT ? WIRE_ELEMENT_RIGHT : 0) |
                  (e->erased ? WIRE_ELEMENT_ERASED : 0));
    TRY(arena_push(memory, &l->flags, flags));
    TRY(arena_push(memory, &l->stamps, e->stamp));
    TRY(arena_push(memory, &l->value_stamps, e->value_stamp));
    TRY(arena_push(memory, &l->authors, e->value_actor));
    b->size += 32;
    static const uint8_t none[16] = {0};
    bool kept = !e->erased || l->kind == WIRE_SET; /* A set knows an erased element by its value. */
    value v = kept ? e->value : value_null();
    if (c->type == VALUE_EMBEDDED)
        v = e->erased || memcmp(e->embedded, none, 16) == 0 ? value_null()
                                                            : value_uuid(e->embedded);
    return put_value(b, c, &v);
}

status wire_builder_list(wire_builder *b, wire_rows *g, const model_property *p,
                         value_type key_type, const list_state *state, uint64_t stamp)
{
    wire_column *c = NULL;
    TRY(column_of(b, g, p->name, p->type, key_type, false, &c));
    if (c->list == NULL) c->list = arena_take_zero(b->memory, sizeof *c->list);
    if (c->list == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    c->list->kind = wire_collection_of(p);
    TRY(put_entry(b, c, g->count - 1, stamp, false));
    TRY(arena_push(b->memory, &c->list->counts, (uint32_t)state->elements.count));
    TRY(arena_push(b->memory, &c->list->lives, state->life));
    for (size_t i = 0; i < state->elements.count; i++)
        TRY(put_element(b, c, &state->elements.items[i]));
    return ATOLL_OK;
}

static void pack_same(wire_u64 *a)
{
    for (size_t i = 1; i < a->count; i++) {
        if (a->items[i] != a->items[0]) return;
    }
    if (a->count > 1) a->count = 1;
}

static void pack_bits(wire_bytes *bits, size_t values)
{
    /* Bitmaps may be shorter than the values; the check of the other side asks for the full length or nothing. */
    size_t wanted = (values + 7) / 8;
    if (bits->count > wanted) bits->count = wanted;
}

static status pad_bits(arena *memory, wire_bytes *bits, size_t values)
{
    if (bits->count == 0) return ATOLL_OK;
    while (bits->count < (values + 7) / 8) TRY(arena_push(memory, bits, 0));
    pack_bits(bits, values);
    return ATOLL_OK;
}

status wire_builder_finish(wire_builder *b)
{
    for (size_t i = 0; i < b->rows.count; i++) {
        wire_rows *g = b->rows.items[i];
        pack_same(&g->lives);
        pack_same(&g->bases);
        for (size_t k = 0; k < g->columns.count; k++) {
            wire_column *c = g->columns.items[k];
            TRY(pad_bits(b->memory, &c->nulls, c->count));
            TRY(pad_bits(b->memory, &c->defaults, c->entries));
            pack_same(&c->stamps);
            if (c->stamps.count == 1 && c->stamps.items[0] == 0) c->stamps.count = 0;
            if (c->rows.count == g->count) c->rows.count = 0;
        }
    }
    return ATOLL_OK;
}
