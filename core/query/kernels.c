/* The innermost loops of a scan, each over one column of one segment, written so that they run at the speed at which
 * memory is read: no branch that depends on a value, and wider instructions where the processor has them.
 * They must never know of nodes, nulls or liveness. Invariant: the wide and the plain form of a loop give the same bits. */
#include "query/kernels.h"

/* ---- plain forms ---- */

static uint64_t integer_word(const int64_t *values, int64_t low, uint64_t width)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 64; i++)
        word |= (uint64_t)((uint64_t)values[i] - (uint64_t)low <= width) << i;
    return word;
}

static void integers_plain(const int64_t *values, int64_t low, int64_t high, const uint64_t *wanted,
                           uint64_t *inside)
{
    for (size_t w = 0; w < MASK_WORDS; w++)
        if (wanted[w] != 0)
            inside[w] = integer_word(values + 64 * w, low, (uint64_t)high - (uint64_t)low);
}

static uint64_t double_word(const double *values, double low, double high)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 64; i++)
        word |= (uint64_t)((values[i] >= low) & (values[i] <= high)) << i;
    return word;
}

static void doubles_plain(const double *values, double low, double high, const uint64_t *wanted,
                          uint64_t *inside)
{
    for (size_t w = 0; w < MASK_WORDS; w++)
        if (wanted[w] != 0) inside[w] = double_word(values + 64 * w, low, high);
}

static double sum_plain(const double *values)
{
    double parts[4] = {0};
    for (size_t i = 0; i < 64; i += 4)
        for (size_t k = 0; k < 4; k++) parts[k] += values[i + k];
    return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

/* ---- wide forms ---- */

#if defined __x86_64__
#include <immintrin.h>
#define HAS_WIDE __builtin_cpu_supports("avx2")

__attribute__((target("avx2"))) static void integers_wide(const int64_t *values, int64_t low,
                                                          int64_t high, const uint64_t *wanted,
                                                          uint64_t *inside)
{
    __m256i lows = _mm256_set1_epi64x(low), highs = _mm256_set1_epi64x(high);
    for (size_t w = 0; w < MASK_WORDS; w++) {
        if (wanted[w] == 0) continue;
        uint64_t outside = 0;
        for (unsigned i = 0; i < 64; i += 4) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(values + 64 * w + i));
            __m256i out =
                _mm256_or_si256(_mm256_cmpgt_epi64(lows, v), _mm256_cmpgt_epi64(v, highs));
            outside |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(out)) << i;
        }
        inside[w] = ~outside;
    }
}

__attribute__((target("avx2"))) static void doubles_wide(const double *values, double low,
                                                         double high, const uint64_t *wanted,
                                                         uint64_t *inside)
{
    __m256d lows = _mm256_set1_pd(low), highs = _mm256_set1_pd(high);
    for (size_t w = 0; w < MASK_WORDS; w++) {
        if (wanted[w] == 0) continue;
        uint64_t word = 0;
        for (unsigned i = 0; i < 64; i += 4) {
            __m256d v = _mm256_loadu_pd(values + 64 * w + i);
            __m256d in = _mm256_and_pd(_mm256_cmp_pd(v, lows, _CMP_GE_OQ),
                                       _mm256_cmp_pd(v, highs, _CMP_LE_OQ));
            word |= (uint64_t)(unsigned)_mm256_movemask_pd(in) << i;
        }
        inside[w] = word;
    }
}

/* The same four parts, added in the same order as in the plain form: the sums are equal to the last bit. */
__attribute__((target("avx2"))) static double sum_wide(const double *values)
{
    __m256d total = _mm256_setzero_pd();
    for (size_t i = 0; i < 64; i += 4) total = _mm256_add_pd(total, _mm256_loadu_pd(values + i));
    double parts[4];
    _mm256_storeu_pd(parts, total);
    return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}
#else
#define HAS_WIDE 0
#define integers_wide integers_plain
#define doubles_wide doubles_plain
#define sum_wide sum_plain
#endif

void kernel_integers_inside(const int64_t *values, int64_t low, int64_t high,
                            const uint64_t wanted[MASK_WORDS], uint64_t inside[MASK_WORDS])
{
    (HAS_WIDE ? integers_wide : integers_plain)(values, low, high, wanted, inside);
}

void kernel_doubles_inside(const double *values, double low, double high,
                           const uint64_t wanted[MASK_WORDS], uint64_t inside[MASK_WORDS])
{
    (HAS_WIDE ? doubles_wide : doubles_plain)(values, low, high, wanted, inside);
}

double kernel_doubles_sum(const double values[64])
{
    return HAS_WIDE ? sum_wide(values) : sum_plain(values);
}

int64_t kernel_integers_sum(const int64_t values[64])
{
    uint64_t sum = 0;
    for (size_t i = 0; i < 64; i++) sum += (uint64_t)values[i];
    return (int64_t)sum;
}

static uint64_t count_plain(const uint64_t *mask)
{
    uint64_t count = 0;
    for (size_t w = 0; w < MASK_WORDS; w++) count += (uint64_t)__builtin_popcountll(mask[w]);
    return count;
}

#if defined __x86_64__
__attribute__((target("popcnt"))) static uint64_t count_wide(const uint64_t *mask)
{
    uint64_t count = 0;
    for (size_t w = 0; w < MASK_WORDS; w++) count += (uint64_t)__builtin_popcountll(mask[w]);
    return count;
}
#else
#define count_wide count_plain
#endif

uint64_t kernel_count(const uint64_t mask[MASK_WORDS])
{
    return (HAS_WIDE ? count_wide : count_plain)(mask);
}

/* ---- texts ---- */

static uint64_t read_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* The first eight bytes of the wanted text, or fewer with what is behind them masked. */
typedef struct text_key {
    uint64_t wanted, mask;
    uint32_t shortest, longest;
} text_key;

static text_key key_of(bytes text, bool whole)
{
    uint8_t first[8] = {0}, kept[8] = {0};
    size_t size = text.size < 8 ? text.size : 8;
    if (size != 0) memcpy(first, text.data, size);
    memset(kept, 0xff, size);
    uint32_t shortest = text.size > INT32_MAX ? INT32_MAX : (uint32_t)text.size;
    return (text_key){.wanted = read_word(first),
                      .mask = read_word(kept),
                      .shortest = shortest,
                      .longest = whole ? shortest : INT32_MAX};
}

static uint64_t heads_plain(const uint32_t *offsets, const uint8_t *heap, const text_key *k)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 64; i++) {
        uint32_t length = offsets[i + 1] - offsets[i];
        uint64_t differs = (read_word(heap + offsets[i]) ^ k->wanted) & k->mask;
        word |= (uint64_t)((differs == 0) & (length >= k->shortest) & (length <= k->longest)) << i;
    }
    return word;
}

#if defined __x86_64__
__attribute__((target("avx2"))) static uint64_t heads_wide(const uint32_t *offsets,
                                                           const uint8_t *heap, const text_key *k)
{
    uint64_t word = 0;
    __m256i wanted = _mm256_set1_epi64x((int64_t)k->wanted),
            mask = _mm256_set1_epi64x((int64_t)k->mask);
    __m128i least = _mm_set1_epi32((int32_t)k->shortest - 1),
            most = _mm_set1_epi32((int32_t)k->longest);
    for (unsigned i = 0; i < 64; i += 4) {
        __m128i at = _mm_loadu_si128((const __m128i *)(const void *)(offsets + i));
        __m128i end = _mm_loadu_si128((const __m128i *)(const void *)(offsets + i + 1));
        __m128i length = _mm_sub_epi32(end, at);
        __m256i head = _mm256_set_epi64x(
            (int64_t)read_word(heap + offsets[i + 3]), (int64_t)read_word(heap + offsets[i + 2]),
            (int64_t)read_word(heap + offsets[i + 1]), (int64_t)read_word(heap + offsets[i]));
        __m256i same = _mm256_cmpeq_epi64(_mm256_and_si256(head, mask), wanted);
        __m128i fits =
            _mm_andnot_si128(_mm_cmpgt_epi32(length, most), _mm_cmpgt_epi32(length, least));
        unsigned heads = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(same));
        unsigned sizes = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(fits));
        word |= (uint64_t)(heads & sizes) << i;
    }
    return word;
}
#else
#define heads_wide heads_plain
#endif

/* The first bytes decide for all but a few rows, for which the rest is compared. */
static uint64_t text_word(const uint32_t *offsets, const uint8_t *heap, bytes text,
                          const text_key *k)
{
    uint64_t word = (HAS_WIDE ? heads_wide : heads_plain)(offsets, heap, k);
    if (text.size <= 8) return word;
    for (uint64_t left = word; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        if (memcmp(heap + offsets[i] + 8, text.data + 8, text.size - 8) != 0)
            word &= ~((uint64_t)1 << i);
    }
    return word;
}

/* The same near the end of the heap, where eight bytes more may not be there. */
static uint64_t text_word_end(const uint32_t *offsets, const uint8_t *heap, bytes text, bool whole)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 64; i++) {
        size_t length = offsets[i + 1] - offsets[i];
        bool fits = whole ? length == text.size : length >= text.size;
        if (fits && (text.size == 0 || memcmp(heap + offsets[i], text.data, text.size) == 0))
            word |= (uint64_t)1 << i;
    }
    return word;
}

void kernel_texts_begin(const uint32_t *offsets, const uint8_t *heap, bytes text, bool whole,
                        const uint64_t wanted[MASK_WORDS], uint64_t inside[MASK_WORDS])
{
    size_t heap_size = offsets[MODEL_BLOCK_ROWS];
    text_key k = key_of(text, whole);
    for (size_t w = 0; w < MASK_WORDS; w++) {
        const uint32_t *at = offsets + 64 * w;
        if (wanted[w] == 0) continue;
        bool safe = (size_t)at[63] + 8 <= heap_size;
        inside[w] = safe ? text_word(at, heap, text, &k) : text_word_end(at, heap, text, whole);
    }
}
