/* The check of rows that came from outside: every length, index and text, before anything is used.
 * It must never read past an array, whatever the message says. Invariant: after ATOLL_OK, value i of a column (i < count)
 * and element i of its list can be read without another check. */
#include "sync/wire.h"

static status bad(const wire_rows *g, const char *property, const char *what)
{
    return fail(ATOLL_ERROR_INVALID_ARGUMENT, "rows of class '%s', column '%s': %s", g->class_name,
                property, what);
}

static status check_bits(const wire_rows *g, const wire_column *c, const wire_bytes *bits,
                         size_t values)
{
    if (bits->count == 0 || bits->count == (values + 7) / 8) return ATOLL_OK;
    return bad(g, c->property, "a bitmap's length differs from the number of values");
}

static status check_texts(arena *memory, const wire_rows *g, wire_column *c, bool text)
{
    if (c->lengths.count != c->count)
        return bad(g, c->property, "the number of lengths differs from the number of values");
    c->offsets = arena_take(memory, (c->count + 1) * sizeof *c->offsets);
    if (c->offsets == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    /* A heap of no bytes decodes as a null pointer, to which not even an offset of 0 may be added. */
    static uint8_t nothing;
    if (c->heap.items == NULL) c->heap.items = &nothing;
    uint64_t at = 0;
    for (size_t i = 0; i < c->count; i++) {
        c->offsets[i] = at;
        if (c->lengths.items[i] > LIMIT_VALUE_SIZE_MAX)
            return bad(g, c->property, "a value is longer than 16 MB");
        at += c->lengths.items[i];
        if (at > c->heap.count)
            return bad(g, c->property, "the lengths add up to more than the heap");
        if (text && !utf8_is_valid(bytes_of(c->heap.items + c->offsets[i], c->lengths.items[i]))) {
            return bad(g, c->property, "a string is not valid UTF-8");
        }
    }
    c->offsets[c->count] = at;
    return at == c->heap.count ? ATOLL_OK
                               : bad(g, c->property, "the lengths add up to less than the heap");
}

static status check_mixed(arena *memory, const wire_rows *g, wire_column *c)
{
    if (c->types.count != c->count)
        return bad(g, c->property, "the number of types differs from the number of values");
    TRY(check_texts(memory, g, c, false));
    for (size_t i = 0; i < c->count; i++) {
        const char *problem =
            wire_mixed_problem((value_type)c->types.items[i],
                               bytes_of(c->heap.items + c->offsets[i], c->lengths.items[i]));
        if (problem != NULL) return bad(g, c->property, problem);
        /* Its row would never be made, and nobody could read the set again. */
        bool holds = c->types.items[i] == VALUE_LIST || c->types.items[i] == VALUE_DICTIONARY;
        if (holds && c->list != NULL && c->list->kind == WIRE_SET)
            return bad(g, c->property, "a set holds no lists and no dictionaries");
    }
    return ATOLL_OK;
}

static status check_timestamps(const wire_rows *g, const wire_column *c)
{
    if (c->integers.count != 2 * c->count)
        return bad(g, c->property, "there are not two integers for each timestamp");
    for (size_t i = 0; i < c->count; i++) {
        int64_t seconds = c->integers.items[2 * i], nanoseconds = c->integers.items[2 * i + 1];
        if (nanoseconds <= -1000000000 || nanoseconds >= 1000000000 ||
            (seconds > 0 && nanoseconds < 0) || (seconds < 0 && nanoseconds > 0)) {
            return bad(g, c->property,
                       "nanoseconds must be below a second and have the sign of the seconds");
        }
    }
    return ATOLL_OK;
}

static status check_floats(const wire_rows *g, const wire_column *c)
{
    if (c->reals.count != c->count)
        return bad(g, c->property, "the number of reals differs from the number of values");
    for (size_t i = 0; i < c->count; i++) {
        double real = c->reals.items[i];
        if (real == real && (double)(float)real != real)
            return bad(g, c->property, "a value does not fit a float");
    }
    return ATOLL_OK;
}

static status check_values(arena *memory, const wire_rows *g, wire_column *c)
{
    value_type type = c->type == VALUE_LINK ? c->key_type : c->type;
    if (c->type == VALUE_LINK && type != VALUE_INT && type != VALUE_STRING && type != VALUE_UUID &&
        type != VALUE_OBJECT_ID) {
        return bad(g, c->property, "key_type of a link must be INT, STRING, UUID or OBJECT_ID");
    }
    TRY(check_bits(g, c, &c->nulls, c->count));
    switch (type) {
    case VALUE_NULL:
        return c->nulls.count == 0 || c->count > 0
                   ? ATOLL_OK
                   : bad(g, c->property, "null column with a bitmap");
    case VALUE_BOOL:
        return c->bools.count == c->count
                   ? ATOLL_OK
                   : bad(g, c->property, "the number of bools differs from the number of values");
    case VALUE_INT:
        return c->integers.count == c->count
                   ? ATOLL_OK
                   : bad(g, c->property,
                         "the number of integers differs from the number of values");
    case VALUE_FLOAT: return check_floats(g, c);
    case VALUE_DOUBLE:
        return c->reals.count == c->count
                   ? ATOLL_OK
                   : bad(g, c->property, "the number of reals differs from the number of values");
    case VALUE_STRING: return check_texts(memory, g, c, true);
    case VALUE_BINARY: return check_texts(memory, g, c, false);
    case VALUE_TIMESTAMP: return check_timestamps(g, c);
    case VALUE_MIXED: return check_mixed(memory, g, c);
    case VALUE_DECIMAL:
    case VALUE_UUID:
    case VALUE_EMBEDDED:
        return c->ids.count == 16 * c->count
                   ? ATOLL_OK
                   : bad(g, c->property, "there are not 16 bytes of ids for each value");
    case VALUE_OBJECT_ID:
        return c->ids.count == 12 * c->count
                   ? ATOLL_OK
                   : bad(g, c->property, "there are not 12 bytes of ids for each value");
    default: break;
    }
    return bad(g, c->property, "unknown type");
}

static const char *key_problem(bytes key)
{
    if (key.size > LIMIT_DICTIONARY_KEY_SIZE_MAX) return "a key is too long";
    if (!utf8_is_valid(key)) return "a key is not valid UTF-8";
    if (key.size != 0 && key.data[0] == '$') return "a key begins with '$'";
    if (key.size != 0 && memchr(key.data, '.', key.size) != NULL) return "a key contains '.'";
    return NULL;
}

static status check_keys(arena *memory, const wire_rows *g, const wire_column *c, size_t count)
{
    wire_list *l = c->list;
    static uint8_t nothing;
    if (l->key_lengths.count != count)
        return bad(g, c->property, "the number of keys differs from the number of elements");
    l->key_offsets = arena_take(memory, (count + 1) * sizeof *l->key_offsets);
    if (l->key_offsets == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (l->key_heap.items == NULL) l->key_heap.items = &nothing;
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        l->key_offsets[i] = at;
        at += l->key_lengths.items[i];
        if (at > l->key_heap.count)
            return bad(g, c->property, "the lengths of the keys add up to more than their heap");
        const char *problem =
            key_problem(bytes_of(l->key_heap.items + l->key_offsets[i], l->key_lengths.items[i]));
        if (problem != NULL) return bad(g, c->property, problem);
    }
    l->key_offsets[count] = at;
    return at == l->key_heap.count
               ? ATOLL_OK
               : bad(g, c->property, "the lengths of the keys add up to less than their heap");
}

static status check_counts(arena *memory, const wire_rows *g, wire_column *c)
{
    wire_list *l = c->list;
    if (l->counts.count != c->entries)
        return bad(g, c->property, "the number of list counts differs from the number of rows");
    if (l->lives.count != 0 && l->lives.count != c->entries)
        return bad(g, c->property, "the number of list lives differs from the number of rows");
    l->starts = arena_take(memory, (c->entries + 1) * sizeof *l->starts);
    if (l->starts == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    uint64_t at = 0, count = l->counters.count;
    for (size_t i = 0; i < c->entries; i++) {
        l->starts[i] = (uint32_t)at;
        at += l->counts.items[i];
        if (at > count)
            return bad(g, c->property, "the list counts add up to more than the elements");
    }
    return at == count ? ATOLL_OK
                       : bad(g, c->property, "the arrays of list elements differ in length");
}

static status check_origins(const wire_rows *g, const wire_column *c, size_t count)
{
    const wire_list *l = c->list;
    size_t origins = l->origin_counters.count;
    if (origins != l->origin_actors.count ||
        (origins != 0 && (origins != count || l->kind != WIRE_LIST)))
        return bad(g, c->property, "the number of origins differs from the number of elements");
    for (size_t i = 0; i < origins; i++)
        if (l->origin_counters.items[i] != 0 && l->origin_actors.items[i] >= l->actors.count)
            return bad(g, c->property, "an origin names an unknown actor");
    return ATOLL_OK;
}

static status check_list(arena *memory, const wire_rows *g, wire_column *c)
{
    wire_list *l = c->list;
    size_t count = l->counters.count, parents = l->kind == WIRE_LIST ? count : 0;
    TRY(check_counts(memory, g, c));
    if (l->element_actors.count != count || l->parent_counters.count != parents ||
        l->parent_actors.count != parents || l->flags.count != count || l->stamps.count != count ||
        l->value_stamps.count != count || l->authors.count != count) {
        return bad(g, c->property, "the arrays of list elements differ in length");
    }
    for (size_t i = 0; i < count; i++) {
        bool parent_known = parents == 0 || l->parent_counters.items[i] == 0 ||
                            l->parent_actors.items[i] < l->actors.count;
        if (l->element_actors.items[i] >= l->actors.count || !parent_known)
            return bad(g, c->property, "an element names an unknown actor");
        if (l->counters.items[i] == 0) return bad(g, c->property, "an element has the counter 0");
    }
    TRY(check_origins(g, c, count));
    if (l->kind == WIRE_DICTIONARY)
        TRY(check_keys(memory, g, c, count));
    else if (l->key_lengths.count != 0 || l->key_heap.count != 0)
        return bad(g, c->property, "only dictionaries have keys");
    if (l->kind == WIRE_SET && c->type == VALUE_EMBEDDED)
        return bad(g, c->property, "a set holds no embedded objects");
    c->count = count;
    return ATOLL_OK;
}

static status check_column(arena *memory, const wire_rows *g, wire_column *c, bool upload)
{
    c->entries = c->rows.count != 0 ? c->rows.count : g->count;
    for (size_t i = 0; i < c->rows.count; i++) {
        if (c->rows.items[i] >= g->count || (i > 0 && c->rows.items[i] <= c->rows.items[i - 1])) {
            return bad(g, c->property, "row indexes must ascend and be below the number of rows");
        }
    }
    c->count = c->entries;
    if (c->list != NULL) TRY(check_list(memory, g, c));
    TRY(check_values(memory, g, c));
    if (c->increment && (!upload || c->type != VALUE_INT || c->list != NULL || c->nulls.count != 0))
        return bad(g, c->property, "increments are uploaded, and are INT without null");
    if (!upload) return ATOLL_OK;
    TRY(check_bits(g, c, &c->defaults, c->entries));
    if (c->stamps.count > 1 && c->stamps.count != c->entries)
        return bad(g, c->property, "the number of stamps differs from the number of rows");
    return ATOLL_OK;
}

static status check_key(arena *memory, const wire_rows *g, wire_column *key, const char *name)
{
    if (key->rows.count != 0 || key->list != NULL)
        return bad(g, name, "a key column has an entry for every row");
    key->entries = key->count = g->count;
    TRY(check_values(memory, g, key));
    for (size_t i = 0; i < key->nulls.count; i++) {
        if (key->nulls.items[i] != 0) return bad(g, name, "a key must not be null");
    }
    value_type t = key->type;
    bool legal = t == VALUE_INT || t == VALUE_STRING || t == VALUE_UUID || t == VALUE_OBJECT_ID ||
                 t == VALUE_EMBEDDED;
    return legal
               ? ATOLL_OK
               : bad(g, name, "the type of a key must be INT, STRING, UUID, OBJECT_ID or EMBEDDED");
}

/* The number of rows is what the key column holds. */
static size_t key_count(const wire_column *key)
{
    switch (key->type) {
    case VALUE_INT: return key->integers.count;
    case VALUE_STRING: return key->lengths.count;
    case VALUE_UUID:
    case VALUE_EMBEDDED: return key->ids.count / 16;
    case VALUE_OBJECT_ID: return key->ids.count / 12;
    default: break;
    }
    return 0;
}

static bool one_or_each(size_t count, size_t rows)
{
    return count <= 1 || count == rows;
}

status wire_rows_check(arena *memory, wire_rows *g, bool upload)
{
    bool embedded = g->owner_class[0] != '\0', asymmetric = g->sequences.count != 0;
    g->count = key_count(&g->key);
    TRY(check_key(memory, g, &g->key, "key"));
    if (!one_or_each(g->lives.count, g->count) || !one_or_each(g->bases.count, g->count)) {
        return bad(g, "key", "the number of lives or bases differs from the number of rows");
    }
    if (asymmetric && !upload) return bad(g, "key", "rows of a download have no sequences");
    if (asymmetric && g->sequences.count != g->count)
        return bad(g, "key", "the number of sequences differs from the number of rows");
    if (g->kinds.count != (embedded || asymmetric ? 0 : g->count))
        return bad(g, "key", "the number of kinds differs from the number of rows");
    for (size_t i = 0; i < g->kinds.count; i++) {
        uint8_t kind = g->kinds.items[i];
        bool legal = upload ? kind >= ROW_CREATE && kind <= ROW_REPLACE
                            : kind >= ROW_FULL && kind <= ROW_REVERTED;
        if (!legal) return bad(g, "key", "a row has an unknown kind");
    }
    if (embedded) {
        TRY(check_key(memory, g, &g->owner_keys, "owner_keys"));
        if (g->owner_counters.count != g->owner_actors.count ||
            (g->owner_counters.count != 0 && g->owner_counters.count != g->count)) {
            return bad(g, "owner_keys",
                       "the number of owner elements differs from the number of rows");
        }
    }
    for (size_t i = 0; i < g->columns.count; i++)
        TRY(check_column(memory, g, g->columns.items[i], upload));
    return ATOLL_OK;
}
