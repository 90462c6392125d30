#ifndef ATOLL_MODEL_LEAF_H
#define ATOLL_MODEL_LEAF_H
#include "model/list.h"

/* A run of neighbouring elements of a collection, packed: what is the same in all of them is kept once, the rest as
 * arrays of the width that they need. It is read where it lies, in memory and on disk alike, and never changed.
 *
 *   count, visible, then a bit per column that is not all zero, then those columns, the type and the values
 *   column: width u8 (0: all alike; 0x40: each one more than the one before), base, count numbers of that width */
typedef struct list_leaf {
    uint32_t count, visible, size;
    uint8_t packed[]; /* size bytes and LEAF_PADDING more */
} list_leaf;
enum { LEAF_PADDING = 8 };

typedef struct leaf_numbers {
    uint64_t base;
    const uint8_t *data;
    uint8_t width;
    bool linear;
} leaf_numbers;
enum leaf_column {
    LEAF_FLAGS,
    LEAF_ID_COUNTER,
    LEAF_ID_ACTOR,
    LEAF_PARENT_COUNTER,
    LEAF_PARENT_ACTOR,
    LEAF_STAMP,
    LEAF_VALUE_STAMP,
    LEAF_VALUE_ACTOR,
    LEAF_TOUCHED,
    LEAF_KEY_END,
    LEAF_NUMBER, /* of the value: integer, row, seconds, end of the text */
    LEAF_NANOSECONDS,
    LEAF_COLUMNS,
    LEAF_EMBEDDED = LEAF_COLUMNS /* in the bits only */
};
/* A leaf with its columns found: for whoever reads more than one element. */
typedef struct leaf_view {
    const list_leaf *leaf;
    uint64_t present; /* bits of the columns that are not all zero */
    leaf_numbers columns[LEAF_COLUMNS];
    const uint8_t *embedded, *keys, *values;
    uint8_t type;
} leaf_view;

void leaf_open(const list_leaf *leaf, leaf_view *out);
bool leaf_erased(const leaf_view *v, uint32_t i);
void leaf_value(const leaf_view *v, uint32_t i, value *out, bytes *key);
void leaf_element(const leaf_view *v, uint32_t i,
                  list_element *out); /* texts point into the leaf */
status leaf_pack(const list_element *elements, size_t count, list_leaf **out) MUST_CHECK;
status leaf_unpack(const list_leaf *leaf, list_state *out) MUST_CHECK;
/* From bytes that nobody has checked: FILE_CORRUPT when they are no leaf. */
status leaf_read(bytes packed, list_leaf **out) MUST_CHECK;
/* A column by itself, for the nodes above the leaves. */
status leaf_numbers_write(buffer *to, const uint64_t *from, size_t count) MUST_CHECK;
leaf_numbers leaf_numbers_read(reader *from, size_t count);
static inline uint64_t leaf_number(const leaf_numbers *n, size_t i)
{
    uint64_t x = 0;
    if (n->width == 0) return n->base + (n->linear ? i : 0);
    memcpy(&x, n->data + i * n->width, sizeof x);
    return n->base + (n->width == 8 ? x : x & (((uint64_t)1 << (8 * n->width)) - 1));
}
#endif
