/* One property of all results at once, packed for a caller that computes with arrays. It must never hand out what a row
 * that died holds: its place is zero and counts as null. Invariant: the bytes belong to the results, and last until the
 * next call that packs. */
#include "api/api.h"

typedef struct packing {
    const atoll_results *results;
    const model_view *view;
    class_key class_of;
    const model_property *property;
    bool nulls; /* which are null, in place of the values */
    size_t width;
    model_segment segment; /* that column is of */
    model_column column;
    bool known;
} packing;

/* 0: values of the type have no fixed size. */
static size_t width_of(value_type type)
{
    switch (type) {
    case VALUE_BOOL: return 1;
    case VALUE_FLOAT: return sizeof(float);
    case VALUE_INT:
    case VALUE_DOUBLE: return 8;
    case VALUE_OBJECT_ID: return 12;
    case VALUE_TIMESTAMP:
    case VALUE_DECIMAL:
    case VALUE_UUID: return 16;
    default: return 0;
    }
}

static status packing_begin(const atoll_results *results, property_key p, packing *out)
{
    const atoll_realm *realm = results->realm;
    class_key c = query_class(results->query);
    const model_view *view = realm_view(realm);
    const model_class *class_of = schema_class(model_view_schema(view), c);
    const model_property *property = class_of == NULL ? NULL : class_property(class_of, p);
    if (property == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class %s has no property with key %u",
                    class_of == NULL ? "?" : class_of->name, p);
    *out = (packing){.results = results, .view = view, .class_of = c, .property = property};
    out->width = (property->flags & PROPERTY_COLLECTION) != 0 ? 0 : width_of(property->type);
    if (out->width != 0) return ATOLL_OK;
    return fail(ATOLL_ERROR_TYPE_MISMATCH,
                "%s.%s has no values of a fixed size to pack; read it object by object",
                class_of->name, property->name);
}

static void put_value(const packing *k, size_t at, uint8_t *to)
{
    const model_column *c = &k->column;
    switch (c->type) {
    case VALUE_BOOL: *to = model_window_bit(c->bits, at); return;
    case VALUE_INT: memcpy(to, c->integers + at, 8); return;
    case VALUE_DOUBLE: memcpy(to, c->doubles + at, 8); return;
    case VALUE_FLOAT: {
        float small = (float)c->doubles[at];
        memcpy(to, &small, sizeof small);
        return;
    }
    case VALUE_TIMESTAMP: {
        value v = value_timestamp(c->timestamps[2 * at], (int32_t)c->timestamps[2 * at + 1]);
        atoll_timestamp stamp = timestamp_of_value(&v);
        int64_t pair[2] = {stamp.seconds, stamp.nanoseconds};
        memcpy(to, pair, sizeof pair);
        return;
    }
    case VALUE_DECIMAL: value_decimal_turn(to, c->ids + 16 * at); return;
    default: memcpy(to, c->ids + 16 * at, k->width); return;
    }
}

/* Rows mostly come in their order: the segment of the one before is at hand. */
static status see_segment(packing *k, row_key row)
{
    row_key first = row - row % MODEL_BLOCK_ROWS;
    if (k->known && k->segment.first == first) return ATOLL_OK;
    k->segment.first = first;
    k->known = true;
    return model_segment_column(k->view, k->class_of, &k->segment, k->property->key, &k->column);
}

static status put_row(packing *k, row_key row, uint8_t *to)
{
    bool alive = true;
    size_t at = row % MODEL_BLOCK_ROWS;
    bool nullable = (k->property->flags & PROPERTY_NULLABLE) != 0;
    /* Only a snapshot keeps rows that died. */
    if (k->results->snapshot) TRY(model_is_alive(k->view, k->class_of, row, &alive));
    TRY(see_segment(k, row));
    bool null = !alive || (!k->column.present && nullable) ||
                (k->column.null_bits != NULL && model_window_bit(k->column.null_bits, at));
    if (k->nulls)
        *to = null;
    else if (!null && k->column.present)
        put_value(k, at, to);
    return ATOLL_OK;
}

static status pack(atoll_results *results, property_key p, bool nulls, atoll_bytes *out)
{
    packing k;
    TRY(API_NOT_NULL(results));
    TRY(results_rows(results));
    TRY(packing_begin(results, p, &k));
    k.nulls = nulls;
    size_t width = nulls ? 1 : k.width, count = results->rows.count;
    buffer *packed = &results->packed;
    buffer_clear(packed);
    TRY(buffer_reserve(packed, count * width + 1));
    memset(packed->data, 0, count * width);
    for (size_t i = 0; i < count; i++)
        TRY(put_row(&k, results->rows.items[i], packed->data + i * width));
    packed->size = count * width;
    *out = (atoll_bytes){(const char *)packed->data, packed->size};
    return ATOLL_OK;
}

static atoll_bytes pack_or_error(const atoll_results *results, property_key p, bool nulls,
                                 atoll_error **error)
{
    API_CALL_OF(results);
    atoll_bytes packed = {NULL, 0};
    status result = pack((atoll_results *)(uintptr_t)results, p, nulls, &packed);
    return api_ok(error, result) ? packed : (atoll_bytes){NULL, 0};
}

atoll_bytes atoll_results_column(const atoll_results *results, uint32_t property,
                                 atoll_error **error)
{
    return pack_or_error(results, property, false, error);
}

atoll_bytes atoll_results_column_nulls(const atoll_results *results, uint32_t property,
                                       atoll_error **error)
{
    return pack_or_error(results, property, true, error);
}
