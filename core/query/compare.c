/* One comparison of two values: the only place that knows the null rules, number against number, and [c].
 * It must never fail or allocate: what cannot be compared is simply not true.
 * Invariant: truth has two values; `x != v` is the exact opposite of `x == v`, so null != 3 is true. */
#include "query/query_internal.h"

/* ---- folding of case: Latin up to code point 591, as the systems before ---- */

uint32_t fold_character(uint32_t character)
{
    /* Upper-case runs: first, last, step, distance to the lower case. */
    static const struct {
        uint16_t first, last;
        uint8_t step;
        int16_t distance;
    } runs[] = {
        {65, 90, 1, 32},    {192, 214, 1, 32},   {216, 222, 1, 32},   {256, 302, 2, 1},
        {306, 310, 2, 1},   {313, 327, 2, 1},    {330, 374, 2, 1},    {376, 376, 1, -121},
        {377, 381, 2, 1},   {386, 388, 2, 1},    {391, 391, 1, 1},    {395, 395, 1, 1},
        {398, 398, 1, 79},  {401, 401, 1, 1},    {408, 408, 1, 1},    {416, 420, 2, 1},
        {423, 423, 1, 1},   {428, 428, 1, 1},    {431, 431, 1, 1},    {435, 437, 2, 1},
        {440, 440, 1, 1},   {444, 444, 1, 1},    {452, 452, 1, 2},    {453, 453, 1, 1},
        {455, 455, 1, 2},   {456, 456, 1, 1},    {458, 458, 1, 2},    {459, 475, 2, 1},
        {478, 494, 2, 1},   {497, 497, 1, 2},    {498, 500, 2, 1},    {502, 502, 1, -97},
        {503, 503, 1, -56}, {504, 542, 2, 1},    {544, 544, 1, -130}, {546, 562, 2, 1},
        {571, 571, 1, 1},   {573, 573, 1, -163}, {577, 577, 1, 1},    {579, 579, 1, -195},
        {582, 590, 2, 1},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs && character >= runs[i].first; i++) {
        if (character > runs[i].last) continue;
        return (character - runs[i].first) % runs[i].step == 0
                   ? (uint32_t)((int32_t)character + runs[i].distance)
                   : character;
    }
    return character;
}

/* Both bytes of a folded two-byte character stay two bytes, so folding never changes a size. Gives the number of bytes
 * that the character at `at` has and its folded code; other characters count byte by byte. */
static size_t folded_at(bytes text, size_t at, uint32_t *out)
{
    uint8_t first = text.data[at];
    if (first < 0x80) {
        *out = first >= 'A' && first <= 'Z' ? first + 32u : first;
        return 1;
    }
    if (first >= 0xC3 && first <= 0xC9 && at + 1 < text.size) {
        *out = fold_character((uint32_t)(first & 31) << 6 | (text.data[at + 1] & 63)) + 256;
        return 2;
    }
    *out = first;
    return 1;
}

static bool texts_equal(bytes a, bytes b, bool fold)
{
    if (!fold) return bytes_equal(a, b);
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size;) {
        uint32_t left = 0, right = 0;
        size_t size = folded_at(a, i, &left);
        if (folded_at(b, i, &right) != size || left != right) return false;
        i += size;
    }
    return true;
}

static bool text_contains(bytes text, bytes part, bool fold)
{
    if (part.size > text.size) return false;
    if (part.size == 0) return true;
    if (!fold) return memmem(text.data, text.size, part.data, part.size) != NULL;
    for (size_t i = 0; i + part.size <= text.size; i++) {
        if (texts_equal(bytes_of(text.data + i, part.size), part, true)) return true;
    }
    return false;
}

/* ---- LIKE: * any run, ? one character ---- */

static size_t character_size(bytes text, size_t at, bool binary)
{
    size_t size = 1;
    while (!binary && at + size < text.size && (text.data[at + size] & 0xC0) == 0x80) size++;
    return size;
}

/* Going back only to the last star is enough: an earlier star could not match more. */
static bool text_like(bytes text, bytes pattern, bool fold, bool binary)
{
    size_t at = 0, p = 0, star = SIZE_MAX, star_at = 0;
    while (at < text.size) {
        size_t size = character_size(text, at, binary);
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            star_at = at;
            continue;
        }
        bool one = p < pattern.size && pattern.data[p] == '?';
        size_t pattern_size = p < pattern.size ? character_size(pattern, p, binary) : 0;
        bool same = pattern_size == size && texts_equal(bytes_of(text.data + at, size),
                                                        bytes_of(pattern.data + p, size), fold);
        if (one || same) {
            p += one ? 1 : pattern_size;
            at += size;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            star_at += character_size(text, star_at, binary);
            at = star_at;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*') p++;
    return p == pattern.size;
}

static bool is_text(const value *v)
{
    return v->type == VALUE_STRING || v->type == VALUE_BINARY;
}

static bool text_match(comparison c, bool fold, const value *left, const value *right)
{
    /* Every row contains null, a null one too; only null is like null. */
    if (right->type == VALUE_NULL) return c != COMPARE_LIKE || left->type == VALUE_NULL;
    if (!is_text(left) || !is_text(right)) return false;
    bytes text = left->as.text, part = right->as.text;
    if (c == COMPARE_CONTAINS) return text_contains(text, part, fold);
    if (c == COMPARE_LIKE) return text_like(text, part, fold, left->type == VALUE_BINARY);
    if (part.size > text.size) return false;
    size_t from = c == COMPARE_ENDS_WITH ? text.size - part.size : 0;
    return texts_equal(bytes_of(text.data + from, part.size), part, fold);
}

/* ---- order ---- */

int number_compare(const value *a, const value *b, bool *unordered)
{
    if (value_is_nan(a) != value_is_nan(b)) *unordered = true;
    return *unordered ? 0 : value_compare_numbers(a, b);
}

/* Of two values that are not null; unordered: they are neither equal nor one before the other. */
static int order_of(const value *a, const value *b, bool fold, bool *unordered)
{
    if (value_is_number(a->type) && value_is_number(b->type))
        return number_compare(a, b, unordered);
    if (is_text(a) && is_text(b)) {
        if (fold)
            return texts_equal(a->as.text, b->as.text, true)
                       ? 0
                       : bytes_compare(a->as.text, b->as.text);
        return bytes_compare(a->as.text, b->as.text);
    }
    bool links = (a->type == VALUE_LINK || a->type == VALUE_EMBEDDED) &&
                 (b->type == VALUE_LINK || b->type == VALUE_EMBEDDED);
    if (links) return (a->as.row > b->as.row) - (a->as.row < b->as.row);
    *unordered = a->type != b->type || a->type == VALUE_LIST || a->type == VALUE_DICTIONARY;
    if (*unordered) return 0;
    if (a->type == VALUE_TYPED_LINK) return value_compare(a, b);
    if (a->type == VALUE_BOOL) return (int)a->as.boolean - (int)b->as.boolean;
    if (a->type == VALUE_UUID) return memcmp(a->as.id, b->as.id, 16);
    if (a->type == VALUE_OBJECT_ID) return memcmp(a->as.id, b->as.id, 12);
    if (a->as.timestamp.seconds != b->as.timestamp.seconds) {
        return a->as.timestamp.seconds < b->as.timestamp.seconds ? -1 : 1;
    }
    return (a->as.timestamp.nanoseconds > b->as.timestamp.nanoseconds) -
           (a->as.timestamp.nanoseconds < b->as.timestamp.nanoseconds);
}

bool values_match(comparison c, bool fold, const value *left, const value *right)
{
    if (c >= COMPARE_BEGINS_WITH) return text_match(c, fold, left, right);
    bool left_null = left->type == VALUE_NULL, right_null = right->type == VALUE_NULL;
    bool unordered = left_null != right_null;
    int order = left_null || right_null ? 0 : order_of(left, right, fold, &unordered);
    bool equal = !unordered && order == 0;
    switch (c) {
    case COMPARE_EQUAL: return equal;
    case COMPARE_NOT_EQUAL: return !equal;
    case COMPARE_LESS: return !unordered && order < 0;
    case COMPARE_GREATER: return !unordered && order > 0;
    case COMPARE_LESS_EQUAL: return !unordered && order <= 0;
    case COMPARE_GREATER_EQUAL: return !unordered && order >= 0;
    case COMPARE_BEGINS_WITH:
    case COMPARE_ENDS_WITH:
    case COMPARE_CONTAINS:
    case COMPARE_LIKE: break;
    }
    return false;
}
