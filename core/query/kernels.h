#ifndef ATOLL_QUERY_KERNELS_H
#define ATOLL_QUERY_KERNELS_H
#include "query/query_internal.h"

/* The loops over the values of one segment that the time of a scan goes into. A word is 64 rows, one bit each; words
 * of `wanted` that are zero are not looked at, and what `inside` holds for them afterwards means nothing. */
void kernel_integers_inside(const int64_t *values, int64_t low, int64_t high,
                            const uint64_t wanted[MASK_WORDS], uint64_t inside[MASK_WORDS]);
/* NaN is inside of no range, and both zeros are inside of one that ends at a zero. */
void kernel_doubles_inside(const double *values, double low, double high,
                           const uint64_t wanted[MASK_WORDS], uint64_t inside[MASK_WORDS]);
/* Texts that begin with the wanted one, or are it (whole). offsets: MODEL_BLOCK_ROWS + 1. */
void kernel_texts_begin(const uint32_t *offsets, const uint8_t *heap, bytes text, bool whole,
                        const uint64_t wanted[MASK_WORDS], uint64_t inside[MASK_WORDS]);
uint64_t kernel_count(const uint64_t mask[MASK_WORDS]); /* the bits that are set */
/* Of 64 values. */
double kernel_doubles_sum(const double values[64]);
int64_t kernel_integers_sum(const int64_t values[64]); /* the caller knows that it fits */
#endif
