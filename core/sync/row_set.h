#ifndef ATOLL_SYNC_ROW_SET_H
#define ATOLL_SYNC_ROW_SET_H
#include "model/model.h"

/* Rows of any class, a bit each: row keys are given one after the other, so that blocks of them are dense. */
typedef struct row_block {
    uint64_t bits[MODEL_BLOCK_ROWS / 64];
} row_block;
typedef struct row_set {
    map64 places; /* hash of (class, number of the block) → its place in blocks */
    VECTOR(row_block) blocks;
    uint64_t last; /* name of the block that was added to last; 0: none */
    size_t last_place;
} row_set;
void row_set_free(row_set *s); /* leaves it empty and usable */
status row_set_add(row_set *s, class_key c, row_key row) MUST_CHECK;
bool row_set_has(const row_set *s, class_key c, row_key row);
/* Of the segment that begins there; NULL: none of its rows is in the set. */
const row_block *row_set_block(const row_set *s, class_key c, row_key first);
#endif
