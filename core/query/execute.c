/* The tree over the segments of a class: masks of 1024 rows, one bit each, narrowed node by node.
 * It must never look at a row that is already decided, nor at the values of a segment that its range decides.
 * Invariant: a node only clears bits of the mask that it is given; a row outside it is never looked at. */
#include "query/kernels.h"

/* ---- columns ---- */

value property_fallback(value_type type, bool nullable)
{
    if (nullable || type == VALUE_LINK || type == VALUE_EMBEDDED) return value_null();
    return value_zero(type);
}

static bool is_null(const model_column *c, size_t i)
{
    return c->null_bits != NULL && (c->null_bits[i / 64] >> (i % 64) & 1) != 0;
}

value column_value(const model_column *c, size_t i, const value *fallback)
{
    if (!c->present) return *fallback;
    if (is_null(c, i)) return value_null();
    switch (c->type) {
    case VALUE_BOOL: return value_bool(model_window_bit(c->bits, i));
    case VALUE_INT: return value_int(c->integers[i]);
    case VALUE_LINK:
    case VALUE_EMBEDDED: return value_link((row_key)c->integers[i]);
    case VALUE_DOUBLE: return value_double(c->doubles[i]);
    case VALUE_FLOAT: return value_float((float)c->doubles[i]);
    case VALUE_DECIMAL: {
        value v = {.type = VALUE_DECIMAL};
        value_decimal_turn(v.as.id, c->ids + 16 * i);
        return v;
    }
    case VALUE_TIMESTAMP:
        return value_timestamp(c->timestamps[2 * i], (int32_t)c->timestamps[2 * i + 1]);
    case VALUE_UUID: return value_uuid(c->ids + 16 * i);
    case VALUE_OBJECT_ID: return value_object_id(c->ids + 16 * i);
    case VALUE_MIXED:
        return value_unpack(bytes_of(c->heap + c->offsets[i], c->offsets[i + 1] - c->offsets[i]));
    case VALUE_STRING:
    case VALUE_BINARY: {
        bytes text = bytes_of(c->heap + c->offsets[i], c->offsets[i + 1] - c->offsets[i]);
        return c->type == VALUE_STRING ? value_string(text) : value_binary(text);
    }
    default: break;
    }
    return value_null();
}

bool constants_match(const node *n, const value *v)
{
    if (n->right.kind == OPERAND_CONSTANT)
        return values_match(n->comparison, n->fold, v, &n->right.constant);
    if (n->between)
        return values_match(COMPARE_GREATER_EQUAL, false, v, &n->right.constants[0]) &&
               values_match(COMPARE_LESS_EQUAL, false, v, &n->right.constants[1]);
    for (size_t i = 0; i < n->right.item_count; i++) {
        if (values_match(n->comparison, n->fold, v, &n->right.constants[i])) return true;
    }
    return false;
}

/* ---- leaves ---- */

static bool timestamp_inside(const int64_t *at, const pass_range *r)
{
    bool above = at[0] > r->low || (at[0] == r->low && at[1] >= r->low_nanoseconds);
    bool below = at[0] < r->high || (at[0] == r->high && at[1] <= r->high_nanoseconds);
    return above && below;
}

static uint64_t timestamp_word(const int64_t *values, const pass_range *r)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 64; i++) word |= (uint64_t)timestamp_inside(values + 2 * i, r) << i;
    return word;
}

/* A whole segment may be decided by its least and greatest value; nulls still have to be taken out. */
typedef enum verdict { VERDICT_NONE, VERDICT_SOME, VERDICT_ALL } verdict;

static verdict segment_verdict(const node *n, const model_column *c)
{
    const pass_range *r = &n->range;
    if (r->empty) return VERDICT_NONE;
    if (!c->has_range || n->pass == PASS_TIMESTAMP) return VERDICT_SOME;
    if (n->pass == PASS_INTEGER) {
        if (c->integer_minimum > r->high || c->integer_maximum < r->low) return VERDICT_NONE;
        return c->integer_minimum >= r->low && c->integer_maximum <= r->high ? VERDICT_ALL
                                                                             : VERDICT_SOME;
    }
    if (c->double_minimum > r->high_double || c->double_maximum < r->low_double)
        return VERDICT_NONE;
    /* A NaN is in no range, and no minimum tells of it: doubles are never taken unseen. */
    return VERDICT_SOME;
}

/* Fills the words of `inside` that the mask has rows in. */
static void range_words(const node *n, const model_column *c, const uint64_t mask[MASK_WORDS],
                        uint64_t inside[MASK_WORDS])
{
    const pass_range *r = &n->range;
    if (n->pass == PASS_INTEGER && c->type == VALUE_BOOL) {
        uint64_t ones = r->low <= 1 && r->high >= 1 ? UINT64_MAX : 0,
                 zeros = r->low <= 0 && r->high >= 0 ? UINT64_MAX : 0;
        for (size_t w = 0; w < MASK_WORDS; w++)
            inside[w] = (c->bits[w] & ones) | (~c->bits[w] & zeros);
    } else if (n->pass == PASS_INTEGER) {
        kernel_integers_inside(c->integers, r->low, r->high, mask, inside);
    } else if (n->pass == PASS_DOUBLE) {
        kernel_doubles_inside(c->doubles, r->low_double, r->high_double, mask, inside);
    } else {
        for (size_t w = 0; w < MASK_WORDS; w++)
            if (mask[w] != 0) inside[w] = timestamp_word(c->timestamps + 128 * w, r);
    }
}

static void range_pass(const node *n, const model_column *c, uint64_t mask[MASK_WORDS])
{
    verdict known = segment_verdict(n, c);
    uint64_t inside[MASK_WORDS];
    if (known == VERDICT_SOME)
        range_words(n, c, mask, inside);
    else
        memset(inside, known == VERDICT_ALL ? 0xff : 0, sizeof inside);
    for (size_t w = 0; w < MASK_WORDS; w++) {
        if (mask[w] == 0) continue;
        if (c->null_bits != NULL) inside[w] &= ~c->null_bits[w];
        mask[w] &= n->range.outside ? ~inside[w] : inside[w];
    }
}

/* The common comparisons of text, byte by byte against one text; null never matches. */
static bool is_plain_text(const node *n, const model_column *c)
{
    bool text = (c->type == VALUE_STRING || c->type == VALUE_BINARY) &&
                n->right.kind == OPERAND_CONSTANT &&
                (n->right.constant.type == VALUE_STRING || n->right.constant.type == VALUE_BINARY);
    return text && !n->fold &&
           (n->comparison == COMPARE_EQUAL || n->comparison == COMPARE_BEGINS_WITH);
}

static void text_pass(const node *n, const model_column *c, uint64_t mask[MASK_WORDS])
{
    uint64_t inside[MASK_WORDS];
    kernel_texts_begin(c->offsets, c->heap, n->right.constant.as.text,
                       n->comparison == COMPARE_EQUAL, mask, inside);
    for (size_t w = 0; w < MASK_WORDS; w++) {
        if (mask[w] == 0) continue;
        mask[w] &= c->null_bits == NULL ? inside[w] : inside[w] & ~c->null_bits[w];
    }
}

static void column_pass(const node *n, const model_column *c, uint64_t mask[MASK_WORDS])
{
    for (size_t w = 0; w < MASK_WORDS; w++) {
        for (uint64_t left = mask[w]; left != 0; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left);
            value v = column_value(c, 64 * w + bit, NULL);
            if (!constants_match(n, &v)) mask[w] &= ~((uint64_t)1 << bit);
        }
    }
}

static void row_pass(segment_source *s, const node *n, uint64_t mask[MASK_WORDS])
{
    for (size_t w = 0; w < MASK_WORDS; w++) {
        for (uint64_t left = mask[w]; left != 0; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left);
            row_key row = s->segment.first + 64 * w + bit;
            if (!row_matches(&s->rows, n, s->class_of, row)) mask[w] &= ~((uint64_t)1 << bit);
        }
    }
}

static void clear(uint64_t mask[MASK_WORDS])
{
    memset(mask, 0, MASK_WORDS * sizeof *mask);
}

static void comparison_pass(segment_source *s, const node *n, uint64_t mask[MASK_WORDS])
{
    if (n->pass == PASS_ROW) {
        row_pass(s, n, mask);
        return;
    }
    const operand *column = n->left.kind == OPERAND_PATH ? &n->left : &n->right;
    const path_step *step = &column->steps[0];
    model_column c = {0};
    status read = model_segment_column(s->rows.view, s->class_of, &s->segment, step->property, &c);
    if (read != ATOLL_OK) {
        if (s->rows.error == ATOLL_OK) s->rows.error = read;
        clear(mask);
        return;
    }
    if (!c.present) {
        /* All rows have the same value, so the first one decides for all. */
        row_key first = s->segment.first;
        for (size_t w = 0; w < MASK_WORDS; w++) {
            if (mask[w] == 0) continue;
            first += 64 * w + (unsigned)__builtin_ctzll(mask[w]);
            if (!row_matches(&s->rows, n, s->class_of, first)) clear(mask);
            return;
        }
        return;
    }
    if (n->pass == PASS_LINKED) {
        bool done = false;
        read = linked_pass(s, n, &c, mask, &done);
        if (read != ATOLL_OK && s->rows.error == ATOLL_OK) s->rows.error = read;
        if (read == ATOLL_OK && !done) row_pass(s, n, mask);
        return;
    }
    if (c.has_large)
        row_pass(s, n, mask);
    else if (n->pass == PASS_COLUMN && is_plain_text(n, &c))
        text_pass(n, &c, mask);
    else if (n->pass == PASS_COLUMN)
        column_pass(n, &c, mask);
    else
        range_pass(n, &c, mask);
}

/* ---- the tree ---- */

static bool is_clear(const uint64_t mask[MASK_WORDS])
{
    uint64_t any = 0;
    for (size_t w = 0; w < MASK_WORDS; w++) any |= mask[w];
    return any == 0;
}

static void or_pass(segment_source *s, const node *n, uint64_t mask[MASK_WORDS])
{
    uint64_t undecided[MASK_WORDS], part[MASK_WORDS], found[MASK_WORDS] = {0};
    memcpy(undecided, mask, sizeof undecided);
    for (size_t i = 0; i < n->child_count && !is_clear(undecided); i++) {
        memcpy(part, undecided, sizeof part);
        segment_matches(s, n->children[i], part);
        for (size_t w = 0; w < MASK_WORDS; w++) {
            found[w] |= part[w];
            undecided[w] &= ~part[w];
        }
    }
    memcpy(mask, found, sizeof found);
}

void segment_matches(segment_source *s, const node *n, uint64_t mask[MASK_WORDS])
{
    switch (n->kind) {
    case NODE_TRUE: return;
    case NODE_FALSE: clear(mask); return;
    case NODE_COMPARE: comparison_pass(s, n, mask); return;
    case NODE_GEO:
    case NODE_TEXT: row_pass(s, n, mask); return;
    case NODE_OR: or_pass(s, n, mask); return;
    case NODE_AND:
        for (size_t i = 0; i < n->child_count && !is_clear(mask); i++)
            segment_matches(s, n->children[i], mask);
        return;
    case NODE_NOT: {
        uint64_t inner[MASK_WORDS];
        memcpy(inner, mask, sizeof inner);
        segment_matches(s, n->children[0], inner);
        for (size_t w = 0; w < MASK_WORDS; w++) mask[w] &= ~inner[w];
        return;
    }
    }
}
