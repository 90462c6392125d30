/* Items in the order of 64 bits. It must never change the order of items whose bits are equal.
 * How: three passes of eleven bits over the highest bits that differ at all part nearly every item from the others; the
 * few that are still together are sorted by what is left. Invariant: the result is a permutation of what came in. */
#include "query/query_internal.h"

enum {
    DIGIT_BITS = 11,
    DIGITS = 1 << DIGIT_BITS,
    PASSES = 3,
    FEW = 64 /* so many are put in order by insertion */
};

static void insertion_sort(sortable *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        sortable moved = items[i];
        size_t at = i;
        for (; at > 0 && items[at - 1].bits > moved.bits; at--) items[at] = items[at - 1];
        items[at] = moved;
    }
}

static void scatter(const sortable *from, sortable *to, size_t count, unsigned shift,
                    size_t places[DIGITS])
{
    size_t total = 0;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t here = places[d];
        places[d] = total;
        total += here;
    }
    for (size_t i = 0; i < count; i++) to[places[from[i].bits >> shift & (DIGITS - 1)]++] = from[i];
}

/* Orders by the bits from `shift` up to `top`; answers whether the result is in the spare room. */
static bool sort_digits(sortable *items, sortable *spare, size_t count, unsigned shift,
                        unsigned top)
{
    size_t places[PASSES][DIGITS] = {{0}};
    bool in_spare = false;
    for (size_t i = 0; i < count; i++)
        for (unsigned p = 0; p < PASSES; p++)
            places[p][items[i].bits >> (shift + p * DIGIT_BITS) & (DIGITS - 1)]++;
    for (unsigned p = 0; p < PASSES && shift + p * DIGIT_BITS < top; p++) {
        scatter(in_spare ? spare : items, in_spare ? items : spare, count, shift + p * DIGIT_BITS,
                places[p]);
        in_spare = !in_spare;
    }
    return in_spare;
}

void radix_sort(sortable *items, sortable *spare, size_t count)
{
    uint64_t differing = 0;
    if (count <= FEW) {
        insertion_sort(items, count);
        return;
    }
    for (size_t i = 1; i < count; i++) differing |= items[i].bits ^ items[0].bits;
    if (differing == 0) return;
    unsigned top = 64 - (unsigned)__builtin_clzll(differing), digits = PASSES * DIGIT_BITS,
             shift = top > digits ? top - digits : 0;
    if (sort_digits(items, spare, count, shift, top)) memcpy(items, spare, count * sizeof *items);
    if (shift == 0) return;
    for (size_t from = 0, to = 0; from < count; from = to) {
        for (to = from + 1; to < count && items[to].bits >> shift == items[from].bits >> shift;)
            to++;
        /* Fewer bits differ in each of them, so it ends. */
        if (to - from > 1) radix_sort(items + from, spare + from, to - from);
    }
}
