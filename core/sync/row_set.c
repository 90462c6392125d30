/* Sets of rows as bits: what a download has named, for the sweep after it.
 * It must never take a row for another: rows are counted from 1 up and stay far below 2^44. Invariant: a block is in the map
 * when, and only when, one of its rows was added. */
#include "sync/row_set.h"

void row_set_free(row_set *s)
{
    map64_free(&s->places);
    vector_free(&s->blocks);
    s->last = 0;
}

static uint64_t name_of(class_key c, row_key row)
{
    return (uint64_t)c << 44 ^ row / MODEL_BLOCK_ROWS;
}

status row_set_add(row_set *s, class_key c, row_key row)
{
    uint64_t name = name_of(c, row), bit = row % MODEL_BLOCK_ROWS;
    if (s->last != name) { /* Rows come in runs. */
        uint64_t *place = map64_get(&s->places, name);
        if (place == NULL) {
            TRY(vector_reserve(&s->blocks, 1));
            TRY(map64_put(&s->places, name, s->blocks.count));
            s->blocks.items[s->blocks.count++] = (row_block){{0}};
        }
        s->last_place = place == NULL ? s->blocks.count - 1 : (size_t)*place;
        s->last = name;
    }
    s->blocks.items[s->last_place].bits[bit / 64] |= 1ull << (bit % 64);
    return ATOLL_OK;
}

const row_block *row_set_block(const row_set *s, class_key c, row_key first)
{
    const uint64_t *place = map64_get(&s->places, name_of(c, first));
    return place == NULL ? NULL : &s->blocks.items[*place];
}

bool row_set_has(const row_set *s, class_key c, row_key row)
{
    const row_block *b = row_set_block(s, c, row);
    uint64_t bit = row % MODEL_BLOCK_ROWS;
    return b != NULL && (b->bits[bit / 64] >> (bit % 64) & 1) != 0;
}
