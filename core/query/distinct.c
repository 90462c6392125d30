/* DISTINCT: the first row of each combination of values stays, in the order that the rows have.
 * It must never compare every row with every other: a table of hashes finds the one that was there before.
 * Invariant: null is one value; a row whose path goes through a null link has no value, and is dropped. */
#include "query/query_internal.h"

typedef struct distinct {
    const suffix *suffix;
    const model_view *view;
    value *keys;     /* of the rows that stay, one after the other */
    uint64_t *slots; /* index of such a row + 1; 0: free */
    size_t slot_count, kept;
} distinct;

static bool read_keys(const distinct *d, row_key row, value *keys, status *result)
{
    row_source source = {.view = d->view};
    for (size_t k = 0; k < d->suffix->key_count; k++) {
        bool through_null = false;
        path_value(&source, &d->suffix->keys[k].path, row, &keys[k], &through_null);
        *result = source.error;
        if (through_null || *result != ATOLL_OK) return false;
    }
    return true;
}

/* The keys lie behind those that stay already: they are kept by counting them in. */
static bool is_first(distinct *d, const value *keys)
{
    uint64_t hash = 0;
    size_t count = d->suffix->key_count;
    for (size_t k = 0; k < count; k++) hash = hash_u64(hash ^ value_hash(&keys[k]));
    size_t at = hash & (d->slot_count - 1);
    for (; d->slots[at] != 0; at = (at + 1) & (d->slot_count - 1)) {
        const value *other = d->keys + (d->slots[at] - 1) * count;
        bool same = true;
        for (size_t k = 0; k < count && same; k++)
            same = values_match(COMPARE_EQUAL, false, &keys[k], &other[k]);
        if (same) return false;
    }
    d->slots[at] = ++d->kept;
    return true;
}

status rows_distinct(const suffix *s, const model_view *view, row_vector *rows)
{
    distinct d = {.suffix = s, .view = view, .slot_count = 16};
    status result = ATOLL_OK;
    while (d.slot_count < 2 * rows->count) d.slot_count *= 2;
    d.keys = memory_allocate((rows->count + 1) * s->key_count * sizeof *d.keys);
    d.slots = memory_allocate_zero(d.slot_count * sizeof *d.slots);
    if (d.keys == NULL || d.slots == NULL) TRY_GOTO(ATOLL_ERROR_OUT_OF_MEMORY);
    for (size_t i = 0; i < rows->count; i++) {
        value *keys = d.keys + d.kept * s->key_count;
        size_t place = d.kept;
        bool has_keys = read_keys(&d, rows->items[i], keys, &result);
        if (result != ATOLL_OK) goto done;
        if (has_keys && is_first(&d, keys)) rows->items[place] = rows->items[i];
    }
    rows->count = d.kept;
done:
    memory_free(d.keys);
    memory_free(d.slots);
    return result;
}
