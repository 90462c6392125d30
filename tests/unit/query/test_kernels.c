/* The innermost loops against the plain comparison, value by value, with the values that are hard: NaN, both zeros, the
 * ends of the integers, texts at the end of the heap. Words that were not asked for must not be read by anyone. */
#include <criterion/criterion.h>
#include <math.h>
#include "query/kernels.h"

static bool bit_of(const uint64_t *mask, size_t i)
{
    return (mask[i / 64] >> (i % 64) & 1) != 0;
}

static void fill_wanted(uint64_t wanted[MASK_WORDS], uint64_t seed)
{
    for (size_t w = 0; w < MASK_WORDS; w++)
        wanted[w] = hash_u64(seed + w) % 4 == 0 ? 0 : hash_u64(seed * 31 + w) | 1;
}

static double hard_double(uint64_t n)
{
    static const double hard[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 1.5, -1.5, 5e-324};
    return n % 3 == 0 ? hard[n / 3 % 8] : (double)(int64_t)hash_u64(n) * 1e-3;
}

Test(kernels, doubles)
{
    static double values[MODEL_BLOCK_ROWS];
    uint64_t wanted[MASK_WORDS], inside[MASK_WORDS];
    for (uint64_t seed = 1; seed <= 200; seed++) {
        double low = hard_double(seed), high = hard_double(seed * 7 + 1);
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) values[i] = hard_double(hash_u64(seed) + i);
        fill_wanted(wanted, seed);
        kernel_doubles_inside(values, low, high, wanted, inside);
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++)
            if (wanted[i / 64] != 0)
                cr_assert_eq(bit_of(inside, i), values[i] >= low && values[i] <= high,
                             "%g in %g..%g", values[i], low, high);
    }
}

static int64_t hard_integer(uint64_t n)
{
    static const int64_t hard[] = {0, -1, 1, INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX - 1};
    return n % 2 == 0 ? hard[n / 2 % 7] : (int64_t)hash_u64(n);
}

Test(kernels, integers)
{
    static int64_t values[MODEL_BLOCK_ROWS];
    uint64_t wanted[MASK_WORDS], inside[MASK_WORDS];
    for (uint64_t seed = 1; seed <= 200; seed++) {
        int64_t low = hard_integer(seed), high = hard_integer(seed * 5 + 3);
        if (low > high) continue; /* an empty range is told by the plan */
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) values[i] = hard_integer(hash_u64(seed) + i);
        fill_wanted(wanted, seed);
        kernel_integers_inside(values, low, high, wanted, inside);
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++)
            if (wanted[i / 64] != 0)
                cr_assert_eq(bit_of(inside, i), values[i] >= low && values[i] <= high);
    }
}

Test(kernels, texts)
{
    static const char *const samples[] = {"",         "a",         "ab",       "abcdefg",
                                          "abcdefgh", "abcdefghi", "abcdefghj"};
    enum { SAMPLES = sizeof samples / sizeof *samples };
    uint32_t offsets[MODEL_BLOCK_ROWS + 1] = {0};
    uint64_t wanted[MASK_WORDS], inside[MASK_WORDS];
    for (uint64_t seed = 1; seed <= 100; seed++) {
        /* The heap has its exact size, so that a look behind it is found by the sanitizers. */
        uint8_t *heap = memory_allocate((size_t)MODEL_BLOCK_ROWS * 16 + 1);
        uint32_t size = 0;
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) {
            const char *text = samples[hash_u64(seed * 1000 + i) % SAMPLES];
            memcpy(heap + size, text, strlen(text));
            size += (uint32_t)strlen(text);
            offsets[i + 1] = size;
        }
        heap = memory_reallocate(heap, size == 0 ? 1 : size);
        bytes text = bytes_text(samples[seed % SAMPLES]);
        bool whole = seed / SAMPLES % 2 == 0;
        fill_wanted(wanted, seed);
        kernel_texts_begin(offsets, heap, text, whole, wanted, inside);
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) {
            size_t length = offsets[i + 1] - offsets[i];
            bool fits = (whole ? length == text.size : length >= text.size) &&
                        memcmp(heap + offsets[i], text.data, text.size) == 0;
            if (wanted[i / 64] != 0) cr_assert_eq(bit_of(inside, i), fits);
        }
        memory_free(heap);
    }
}

Test(kernels, sums_and_counts)
{
    double reals[64], expected = 0;
    int64_t integers[64], whole = 0;
    uint64_t mask[MASK_WORDS], count = 0;
    for (size_t i = 0; i < 64; i++) {
        reals[i] = (double)(hash_u64(i) >> 40);
        integers[i] = (int64_t)(hash_u64(i) >> 8) - ((int64_t)1 << 54);
        expected += reals[i];
        whole += integers[i];
    }
    for (size_t w = 0; w < MASK_WORDS; w++) mask[w] = hash_u64(w);
    for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) count += bit_of(mask, i);
    cr_assert_eq(kernel_doubles_sum(reals), expected);
    cr_assert_eq(kernel_integers_sum(integers), whole);
    cr_assert_eq(kernel_count(mask), count);
}
