/* SORT: rows in the order of one or more keys.
 * It must never be unstable: rows that are equal under all keys keep the order they came in, so that a later SORT
 * dominates and an earlier one breaks its ties.
 * How: the first key of each row becomes 64 bits that sort as it does; a radix sort orders those; runs of equal bits are
 * then merged by comparing all keys in full, unless the bits already said everything. */
#include "query/query_internal.h"
#include <math.h>

/* rank: 0 null, 1 a value, 2 behind a null link (last when ascending) */
typedef struct sort_value {
    value value;
    uint8_t rank;
} sort_value;

typedef struct sorter {
    const suffix *suffix;
    const model_view *view;
    row_vector *rows;
    sort_value *keys; /* rows × keys */
    sortable *items, *spare;
    bool bits_say_all;
} sorter;

/* ---- keys ---- */

/* One column read segment by segment, while the rows ascend as a scan leaves them. */
static status read_column(sorter *s, class_key c, const path_step *step, size_t key)
{
    value fallback = property_fallback(step->type, step->nullable);
    uint64_t cursor = 0;
    size_t i = 0, stride = s->suffix->key_count;
    model_segment segment;
    status result = ATOLL_OK;
    while (i < s->rows->count && model_scan(s->view, c, &cursor, &segment, &result)) {
        row_key end = segment.first + MODEL_BLOCK_ROWS;
        if (s->rows->items[i] >= end) continue;
        model_column column = {0};
        TRY(model_segment_column(s->view, c, &segment, step->property, &column));
        for (; i < s->rows->count && s->rows->items[i] < end; i++) {
            sort_value *to = &s->keys[i * stride + key];
            if (column.has_large)
                TRY(model_get(s->view, c, s->rows->items[i], step->property, &to->value));
            else
                to->value =
                    column_value(&column, (size_t)(s->rows->items[i] - segment.first), &fallback);
            to->rank = to->value.type != VALUE_NULL;
        }
    }
    TRY(result);
    return i == s->rows->count ? ATOLL_OK
                               : fail(ATOLL_ERROR_INTERNAL, "a row to sort is not in its class");
}

static status key_value(row_source *source, const operand *path, row_key row, sort_value *out)
{
    bool through_null = false;
    path_value(source, path, row, &out->value, &through_null);
    out->rank = through_null ? 2 : out->value.type != VALUE_NULL;
    return source->error;
}

static status read_key(sorter *s, size_t key, bool ascending_rows)
{
    const operand *path = &s->suffix->keys[key].path;
    const path_step *first = &path->steps[0];
    bool plain = path->step_count == 1 && !first->list && first->selector_count == 0 &&
                 first->type != VALUE_MIXED;
    if (ascending_rows && plain)
        return read_column(s, path->steps[0].class_of, &path->steps[0], key);
    row_source source = {.view = s->view};
    for (size_t i = 0; i < s->rows->count; i++) {
        sort_value *to = &s->keys[i * s->suffix->key_count + key];
        TRY(key_value(&source, path, s->rows->items[i], to));
    }
    return ATOLL_OK;
}

/* Rounding keeps the order. */
static uint64_t decimal_bits(const value *v)
{
    decimal d = value_as_decimal(v);
    return sort_bits_of_double(decimal_to_double(&d));
}

static uint64_t leading_bits(const uint8_t *data, size_t size)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) bits = bits << 8 | (i < size ? data[i] : 0);
    return bits;
}

/* Bits that sort as the value does; *exact stays set only if equal bits mean equal values. */
static uint64_t value_bits(const value *v, bool *exact)
{
    switch (v->type) {
    case VALUE_BOOL: return v->as.boolean ? 1 : 0;
    case VALUE_INT: return sort_bits_of_integer(v->as.integer);
    case VALUE_FLOAT:
    case VALUE_DOUBLE: return sort_bits_of_double(v->as.real);
    case VALUE_DECIMAL: *exact = false; return decimal_bits(v);
    case VALUE_TIMESTAMP: *exact = false; return sort_bits_of_integer(v->as.timestamp.seconds);
    case VALUE_STRING:
    case VALUE_BINARY: *exact = false; return leading_bits(v->as.text.data, v->as.text.size);
    case VALUE_UUID:
    case VALUE_OBJECT_ID: *exact = false; return leading_bits(v->as.id, 16);
    case VALUE_LINK:
    case VALUE_EMBEDDED: return v->as.row;
    default: break;
    }
    *exact = false;
    return 0;
}

/* Values of different types in one column: the type comes first. */
static uint64_t mixed_bits(const value *v, bool *exact)
{
    *exact = false;
    return (uint64_t)(value_is_number(v->type) ? VALUE_INT : v->type) << 32;
}

static void fill_bits(sorter *s)
{
    size_t stride = s->suffix->key_count;
    bool descending = s->suffix->keys[0].descending, exact = stride == 1;
    bool mixed = s->suffix->keys[0].path.type == VALUE_MIXED;
    for (size_t i = 0; i < s->rows->count; i++) {
        const sort_value *key = &s->keys[i * stride];
        /* Nulls share their bits with the least or the greatest value: the full comparison parts them. */
        uint64_t bits = key->rank == 1   ? (mixed ? mixed_bits : value_bits)(&key->value, &exact)
                        : key->rank == 0 ? 0
                                         : UINT64_MAX;
        if (key->rank != 1) exact = false;
        s->items[i] = (sortable){descending ? ~bits : bits, i};
    }
    s->bits_say_all = exact;
}

/* ---- order ---- */

static int compare_values(const value *a, const value *b)
{
    /* The bits hold NaN least and both zeros equal; the order of values must agree with them. */
    if (a->type == VALUE_DOUBLE && b->type == VALUE_DOUBLE) {
        uint64_t left = sort_bits_of_double(a->as.real), right = sort_bits_of_double(b->as.real);
        return (left > right) - (left < right);
    }
    return value_compare(a, b);
}

static int compare_keys(const sort_value *left, const sort_value *right)
{
    if (left->rank != right->rank) return left->rank < right->rank ? -1 : 1;
    return left->rank == 1 ? compare_values(&left->value, &right->value) : 0;
}

static int compare_rows(const sorter *s, uint64_t a, uint64_t b)
{
    size_t stride = s->suffix->key_count;
    for (size_t k = 0; k < stride; k++) {
        int order = compare_keys(&s->keys[a * stride + k], &s->keys[b * stride + k]);
        if (order != 0) return s->suffix->keys[k].descending ? -order : order;
    }
    return 0;
}

status rows_compare(const suffix *suffix, const model_view *view, row_key a, row_key b, int *order)
{
    row_source source = {.view = view};
    *order = 0;
    for (size_t k = 0; k < suffix->key_count && *order == 0; k++) {
        sort_value left, right;
        TRY(key_value(&source, &suffix->keys[k].path, a, &left));
        TRY(key_value(&source, &suffix->keys[k].path, b, &right));
        *order = compare_keys(&left, &right);
        if (suffix->keys[k].descending) *order = -*order;
    }
    return ATOLL_OK;
}

static void merge(sorter *s, size_t from, size_t middle, size_t to)
{
    size_t left = from, right = middle;
    for (size_t i = from; i < to; i++) {
        bool take_left = left < middle && (right >= to || compare_rows(s, s->items[left].index,
                                                                       s->items[right].index) <= 0);
        s->spare[i] = take_left ? s->items[left++] : s->items[right++];
    }
    memcpy(s->items + from, s->spare + from, (to - from) * sizeof *s->items);
}

/* Bottom-up, so that the depth of the stack does not follow the data. */
static void merge_sort(sorter *s, size_t from, size_t to)
{
    for (size_t width = 1; width < to - from; width *= 2) {
        for (size_t at = from; at + width < to; at += 2 * width) {
            size_t end = at + 2 * width < to ? at + 2 * width : to;
            merge(s, at, at + width, end);
        }
    }
}

static void sort_equal_runs(sorter *s)
{
    size_t count = s->rows->count;
    for (size_t from = 0, to = 0; from < count; from = to) {
        for (to = from + 1; to < count && s->items[to].bits == s->items[from].bits;) to++;
        if (to - from > 1) merge_sort(s, from, to);
    }
}

static bool rows_ascend(const row_vector *rows)
{
    for (size_t i = 1; i < rows->count; i++) {
        if (rows->items[i - 1] >= rows->items[i]) return false;
    }
    return true;
}

status rows_sort(const suffix *suffix, const model_view *view, row_vector *rows)
{
    size_t count = rows->count;
    if (count < 2) return ATOLL_OK;
    bool ascending = rows_ascend(rows), done = false;
    if (ascending) TRY(sort_by_column(suffix, view, rows, &done));
    if (done) return ATOLL_OK;
    sorter s = {.suffix = suffix, .view = view, .rows = rows};
    status result = ATOLL_ERROR_OUT_OF_MEMORY;
    row_key *sorted = memory_allocate(count * sizeof *sorted);
    sortable *first = memory_allocate(count * sizeof *first),
             *second = memory_allocate(count * sizeof *second);
    s.keys = memory_allocate_zero(count * suffix->key_count * sizeof *s.keys);
    s.items = first;
    s.spare = second;
    if (sorted == NULL || first == NULL || second == NULL || s.keys == NULL) goto done;
    for (size_t k = 0; k < suffix->key_count; k++) TRY_GOTO(read_key(&s, k, ascending));
    fill_bits(&s);
    radix_sort(s.items, s.spare, count);
    if (!s.bits_say_all) sort_equal_runs(&s);
    for (size_t i = 0; i < count; i++) sorted[i] = rows->items[s.items[i].index];
    memcpy(rows->items, sorted, count * sizeof *sorted);
    result = ATOLL_OK;
done:
    memory_free(sorted);
    memory_free(first);
    memory_free(second);
    memory_free(s.keys);
    return result;
}
