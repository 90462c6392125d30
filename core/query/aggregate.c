/* Sum, least, greatest and mean of one property over the rows of a query.
 * It must never build the list of rows unless a LIMIT says which ones count.
 * Invariant: nulls and NaN-less order as in SORT; an empty set sums to 0 and has no least, greatest or mean. */
#include "query/kernels.h"
#include <math.h>

typedef struct total {
    aggregate_kind kind;
    value_type type;
    uint64_t count;
    int64_t integer;
    double real;
    decimal decimal; /* of decimals */
    value best;
    bool overflow;
} total;

static bool better(const total *t, const value *v)
{
    if (t->count == 0) return true;
    int order = value_compare(v, &t->best);
    return t->kind == AGGREGATE_MINIMUM ? order < 0 : order > 0;
}

static void add(total *t, const value *v)
{
    if (v->type == VALUE_NULL) return;
    if (t->kind == AGGREGATE_MINIMUM || t->kind == AGGREGATE_MAXIMUM) {
        if (value_is_nan(v)) return; /* NaN is neither least nor greatest. */
        if (better(t, v)) t->best = *v;
    } else if (v->type == VALUE_INT) {
        t->overflow = t->overflow || __builtin_add_overflow(t->integer, v->as.integer, &t->integer);
        t->real += (double)v->as.integer;
    } else if (v->type == VALUE_DECIMAL) {
        decimal d = value_as_decimal(v);
        t->decimal = decimal_add(&t->decimal, &d);
    } else {
        t->real += v->as.real;
    }
    t->count++;
}

/* The range of a column may be wider than its values, never narrower. */
static bool cannot_improve(const total *t, const model_column *c)
{
    bool ordered = t->kind == AGGREGATE_MINIMUM || t->kind == AGGREGATE_MAXIMUM;
    if (!ordered || t->count == 0 || !c->present || !c->has_range) return false;
    bool least = t->kind == AGGREGATE_MINIMUM;
    if (c->type == VALUE_INT)
        return least ? c->integer_minimum >= t->best.as.integer
                     : c->integer_maximum <= t->best.as.integer;
    if (c->type != VALUE_DOUBLE && c->type != VALUE_FLOAT) return false;
    return least ? c->double_minimum >= t->best.as.real : c->double_maximum <= t->best.as.real;
}

static void add_extreme(total *t, value v, bool any)
{
    if (any) add(t, &v);
}

/* The least or greatest of 64 numbers without making values of them; NaN is neither. */
static void add_double_extreme(total *t, const double *at)
{
    bool least = t->kind == AGGREGATE_MINIMUM, any = false;
    double best = least ? INFINITY : -INFINITY;
    for (size_t i = 0; i < 64; i++) {
        bool beats = least ? at[i] < best : at[i] > best;
        best = beats ? at[i] : best;
        any |= at[i] == at[i];
    }
    add_extreme(t, value_double(best), any);
}

static void add_integer_extreme(total *t, const int64_t *at)
{
    bool least = t->kind == AGGREGATE_MINIMUM;
    int64_t best = at[0];
    for (size_t i = 1; i < 64; i++) {
        bool beats = least ? at[i] < best : at[i] > best;
        best = beats ? at[i] : best;
    }
    add_extreme(t, value_int(best), true);
}

/* Whether no sum of the rows of a segment can leave what an int64 holds, nor what a double holds exactly. */
static bool sums_are_small(const model_column *c)
{
    const int64_t most = (int64_t)1 << 40;
    return c->has_range && c->integer_minimum > -most && c->integer_maximum < most;
}

/* 64 numbers that are all there; false: it must be done one by one. */
static bool add_whole_word(total *t, const model_column *c, size_t word)
{
    bool sums = t->kind == AGGREGATE_SUM || t->kind == AGGREGATE_AVERAGE;
    bool reals = c->type == VALUE_DOUBLE || c->type == VALUE_FLOAT;
    if (reals && sums) {
        t->real += kernel_doubles_sum(c->doubles + 64 * word);
        t->count += 64;
        return true;
    }
    if (c->type == VALUE_INT && sums && sums_are_small(c)) {
        int64_t sum = kernel_integers_sum(c->integers + 64 * word);
        t->overflow = t->overflow || __builtin_add_overflow(t->integer, sum, &t->integer);
        t->real += (double)sum;
        t->count += 64;
        return true;
    }
    if (sums || (c->type != VALUE_DOUBLE && c->type != VALUE_INT)) return false;
    if (c->type == VALUE_DOUBLE)
        add_double_extreme(t, c->doubles + 64 * word);
    else
        add_integer_extreme(t, c->integers + 64 * word);
    return true;
}

static void add_word(total *t, const model_column *c, size_t word, uint64_t mask)
{
    if (c->null_bits != NULL) mask &= ~c->null_bits[word];
    if (mask == UINT64_MAX && add_whole_word(t, c, word)) return;
    for (; mask != 0; mask &= mask - 1) {
        value v = column_value(c, 64 * word + (size_t)__builtin_ctzll(mask), NULL);
        add(t, &v);
    }
}

static status add_segment(segment_scan *s, const model_property *p, const uint64_t mask[MASK_WORDS],
                          total *t)
{
    value fallback = property_fallback(p->type, (p->flags & PROPERTY_NULLABLE) != 0);
    model_column column = {0};
    TRY(model_segment_column(s->source.rows.view, s->source.class_of, &s->source.segment, p->key,
                             &column));
    if (cannot_improve(t, &column)) return ATOLL_OK;
    for (size_t w = 0; w < MASK_WORDS; w++) {
        if (column.present)
            add_word(t, &column, w, mask[w]);
        else
            for (uint64_t left = mask[w]; left != 0; left &= left - 1) add(t, &fallback);
    }
    return ATOLL_OK;
}

static status add_segments(const query *q, const model_view *view, const model_property *p,
                           total *t)
{
    uint64_t mask[MASK_WORDS];
    segment_scan s;
    TRY(scan_begin(&s, view, q->class_of, q->tree.root));
    while (scan_next(&s, mask)) {
        s.result = add_segment(&s, p, mask, t);
        if (s.result != ATOLL_OK) break;
    }
    scan_end(&s);
    return s.result;
}

static status add_rows(const model_view *view, class_key c, const row_key *rows, size_t count,
                       property_key p, total *t)
{
    for (size_t i = 0; i < count; i++) {
        value v;
        bool alive = false;
        TRY(model_is_alive(view, c, rows[i], &alive));
        if (!alive) continue;
        TRY(model_get(view, c, rows[i], p, &v));
        add(t, &v);
    }
    return ATOLL_OK;
}

static status add_found(const query *q, const model_view *view, property_key p, total *t)
{
    row_vector rows = {0};
    status result = query_run(q, view, &rows);
    if (result == ATOLL_OK) result = add_rows(view, q->class_of, rows.items, rows.count, p, t);
    vector_free(&rows);
    return result;
}

static status check(const model_class *c, const model_property *p, aggregate_kind kind)
{
    bool number = type_is_number(p->type);
    bool ordered = kind == AGGREGATE_MINIMUM || kind == AGGREGATE_MAXIMUM;
    if ((p->flags & PROPERTY_COLLECTION) != 0)
        return fail(ATOLL_ERROR_QUERY_TYPE,
                    "property '%s.%s' is a collection; aggregate its values in a query "
                    "(`%s.@max`)",
                    c->name, p->name, p->name);
    if (number || (ordered && p->type == VALUE_TIMESTAMP)) return ATOLL_OK;
    return fail(ATOLL_ERROR_QUERY_TYPE, "property '%s.%s' is of type %s, which has no %s", c->name,
                p->name, value_type_name(p->type),
                ordered ? "least or greatest value here" : "sum or mean");
}

static status find_property(const model_view *view, class_key c, property_key key,
                            aggregate_kind kind, const model_class **class_of,
                            const model_property **out)
{
    *class_of = schema_class(model_view_schema(view), c);
    if (*class_of == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS, "the schema has no class of key %u", c);
    *out = class_property(*class_of, key);
    if (*out == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class '%s' has no property of key %u",
                    (*class_of)->name, key);
    return check(*class_of, *out, kind);
}

static status total_value(const total *t, const model_class *c, const model_property *p, value *out)
{
    if (t->kind == AGGREGATE_SUM && p->type == VALUE_INT) {
        if (t->overflow)
            return fail(ATOLL_ERROR_OUT_OF_RANGE, "the sum of '%s.%s' does not fit 64 bits",
                        c->name, p->name);
        *out = value_int(t->integer);
    } else if (t->kind == AGGREGATE_SUM) {
        *out = t->type == VALUE_DECIMAL ? value_decimal(&t->decimal) : value_double(t->real);
    } else if (t->count == 0) {
        *out = value_null();
    } else if (t->kind == AGGREGATE_AVERAGE && t->type == VALUE_DECIMAL) {
        decimal count = decimal_from_int((int64_t)t->count),
                mean = decimal_divide(&t->decimal, &count);
        *out = value_decimal(&mean);
    } else {
        *out = t->kind == AGGREGATE_AVERAGE ? value_double(t->real / (double)t->count) : t->best;
    }
    return ATOLL_OK;
}

status query_aggregate(const query *q, const model_view *view, property_key key,
                       aggregate_kind kind, value *out)
{
    const model_class *c = NULL;
    const model_property *p = NULL;
    TRY(find_property(view, q->class_of, key, kind, &c, &p));
    total t = {.kind = kind, .type = p->type, .decimal = decimal_from_int(0)};
    TRY(q->has_subset || query_has_base(q) ? add_found(q, view, key, &t)
                                           : add_segments(q, view, p, &t));
    return total_value(&t, c, p, out);
}

status query_aggregate_rows(const model_view *view, class_key class_of, const row_key *rows,
                            size_t count, property_key key, aggregate_kind kind, value *out)
{
    const model_class *c = NULL;
    const model_property *p = NULL;
    TRY(find_property(view, class_of, key, kind, &c, &p));
    total t = {.kind = kind, .type = p->type, .decimal = decimal_from_int(0)};
    TRY(add_rows(view, class_of, rows, count, key, &t));
    return total_value(&t, c, p, out);
}
