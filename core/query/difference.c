/* Two sequences of identities, and what was deleted, inserted, moved and modified between them.
 * It must never look at more than the identities, and asks its caller which of the kept ones were modified. Invariant: the
 * old sequence without `deletions`, with `insertions` put in at their places, is the new one; each move is one of the
 * deletions together with one of the insertions. */
#include "query/query_internal.h"

#define NOWHERE UINT64_MAX

/* The middle: what lies between the equal beginnings and the equal ends of both. */
typedef struct middle {
    const uint64_t *old_items, *new_items;
    size_t old_count, new_count;
    uint64_t *old_places; /* of each new item: where it was, or NOWHERE */
    uint8_t *kept_old, *kept_new;
} middle;

void result_changes_free(result_changes *changes)
{
    vector_free(&changes->deletions);
    vector_free(&changes->insertions);
    vector_free(&changes->modifications);
    vector_free(&changes->modifications_new);
    vector_free(&changes->moves_from);
    vector_free(&changes->moves_to);
}

/* An identity may occur more than once: its first occurrence answers the first, and so on. */
static status find_old_places(middle *m)
{
    map64 places = {0};
    size_t *next = memory_allocate((m->old_count + 1) * sizeof *next);
    status result = next == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    for (size_t i = m->old_count; i-- > 0 && result == ATOLL_OK;) {
        const uint64_t *later = map64_get(&places, m->old_items[i]);
        next[i] = later == NULL ? SIZE_MAX : (size_t)*later;
        result = map64_put(&places, m->old_items[i], i);
    }
    for (size_t i = 0; i < m->new_count && result == ATOLL_OK; i++) {
        uint64_t *found = map64_get(&places, m->new_items[i]);
        m->old_places[i] = found == NULL ? NOWHERE : *found;
        if (found == NULL) continue;
        if (next[*found] == SIZE_MAX)
            map64_remove(&places, m->new_items[i]);
        else
            *found = next[*found];
    }
    map64_free(&places);
    memory_free(next);
    return result;
}

/* Keeps the longest run of items whose order did not change; the others moved. ends[l]: the new item that ends the best
 * run of length l + 1, previous: the one before it. */
static status keep_longest(middle *m)
{
    size_t count = m->new_count, length = 0;
    size_t *ends = memory_allocate((count + 1) * sizeof *ends),
           *previous = memory_allocate((count + 1) * sizeof *previous);
    status result = ATOLL_ERROR_OUT_OF_MEMORY;
    if (ends == NULL || previous == NULL) goto done;
    for (size_t i = 0; i < count; i++) {
        if (m->old_places[i] == NOWHERE) continue;
        size_t low = 0, high = length;
        /* Items mostly keep their order, so the end is tried first. */
        if (length > 0 && m->old_places[ends[length - 1]] < m->old_places[i]) low = length;
        while (low < high) {
            size_t half = low + (high - low) / 2;
            if (m->old_places[ends[half]] < m->old_places[i])
                low = half + 1;
            else
                high = half;
        }
        previous[i] = low == 0 ? SIZE_MAX : ends[low - 1];
        ends[low] = i;
        if (low == length) length++;
    }
    for (size_t i = length == 0 ? SIZE_MAX : ends[length - 1]; i != SIZE_MAX; i = previous[i]) {
        m->kept_new[i] = 1;
        m->kept_old[m->old_places[i]] = 1;
    }
    result = ATOLL_OK;
done:
    memory_free(ends);
    memory_free(previous);
    return result;
}

static status tell_modified(const sequence_pair *pair, size_t old_index, size_t new_index,
                            result_changes *changes)
{
    bool modified = false;
    if (pair->is_modified == NULL) return ATOLL_OK;
    TRY(pair->is_modified(pair->context, old_index, new_index, &modified));
    if (!modified) return ATOLL_OK;
    TRY(vector_push(&changes->modifications, old_index));
    return vector_push(&changes->modifications_new, new_index);
}

static status tell_middle(const sequence_pair *pair, const middle *m, size_t first,
                          result_changes *changes)
{
    for (size_t i = 0; i < m->old_count; i++)
        if (!m->kept_old[i]) TRY(vector_push(&changes->deletions, first + i));
    for (size_t i = 0; i < m->new_count; i++) {
        if (m->kept_new[i]) {
            TRY(tell_modified(pair, first + (size_t)m->old_places[i], first + i, changes));
            continue;
        }
        TRY(vector_push(&changes->insertions, first + i));
        if (m->old_places[i] == NOWHERE) continue;
        TRY(vector_push(&changes->moves_from, first + m->old_places[i]));
        TRY(vector_push(&changes->moves_to, first + i));
    }
    return ATOLL_OK;
}

static status compare_middle(const sequence_pair *pair, size_t first, size_t last,
                             result_changes *changes)
{
    middle m = {.old_items = pair->old_items + first,
                .new_items = pair->new_items + first,
                .old_count = pair->old_count - first - last,
                .new_count = pair->new_count - first - last};
    if (m.old_count + m.new_count == 0) return ATOLL_OK;
    m.old_places = memory_allocate((m.new_count + 1) * sizeof *m.old_places);
    m.kept_new = memory_allocate_zero(m.new_count + 1);
    m.kept_old = memory_allocate_zero(m.old_count + 1);
    status result = m.old_places == NULL || m.kept_new == NULL || m.kept_old == NULL
                        ? ATOLL_ERROR_OUT_OF_MEMORY
                        : find_old_places(&m);
    if (result == ATOLL_OK) result = keep_longest(&m);
    if (result == ATOLL_OK) result = tell_middle(pair, &m, first, changes);
    memory_free(m.old_places);
    memory_free(m.kept_new);
    memory_free(m.kept_old);
    return result;
}

status sequence_difference(const sequence_pair *pair, result_changes *out)
{
    size_t shorter = pair->old_count < pair->new_count ? pair->old_count : pair->new_count;
    size_t first = 0, last = 0;
    result_changes made = {0};
    while (first < shorter && pair->old_items[first] == pair->new_items[first]) first++;
    while (last < shorter - first && pair->old_items[pair->old_count - 1 - last] ==
                                         pair->new_items[pair->new_count - 1 - last])
        last++;
    status result = ATOLL_OK;
    for (size_t i = 0; i < first && pair->is_modified != NULL; i++)
        TRY_GOTO(tell_modified(pair, i, i, &made));
    TRY_GOTO(compare_middle(pair, first, last, &made));
    for (size_t i = last; i > 0 && pair->is_modified != NULL; i--)
        TRY_GOTO(tell_modified(pair, pair->old_count - i, pair->new_count - i, &made));
    result_changes_free(out);
    *out = made;
    return ATOLL_OK;
done:
    result_changes_free(&made);
    return result;
}
