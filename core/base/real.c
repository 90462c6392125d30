/* Doubles as text, by the second algorithm of Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with
 * Integers" (2010): the C library's own printing calculates with big numbers, which is ten times as slow.
 * It must never be given what is not finite. Invariant: the digits lie between the two neighbours' halves, so that reading
 * them gives the same double. */
#include "base/real.h"

#include <string.h>

enum {
    SIGNIFICAND_BITS = 52,
    EXPONENT_BIAS = 1075,
    DIGITS_MAX = 20,
    POINT_MAX = 17,
    ZEROS_MAX = 5
};

/* f times 2 to the e. */
typedef struct scaled {
    uint64_t f;
    int e;
} scaled;

/* 10 to the -348, -340, ... 340, each rounded to 64 bits. */
static const scaled powers[] = {
    {0xfa8fd5a0081c0288, -1220}, {0xbaaee17fa23ebf76, -1193}, {0x8b16fb203055ac76, -1166},
    {0xcf42894a5dce35ea, -1140}, {0x9a6bb0aa55653b2d, -1113}, {0xe61acf033d1a45df, -1087},
    {0xab70fe17c79ac6ca, -1060}, {0xff77b1fcbebcdc4f, -1034}, {0xbe5691ef416bd60c, -1007},
    {0x8dd01fad907ffc3c, -980},  {0xd3515c2831559a83, -954},  {0x9d71ac8fada6c9b5, -927},
    {0xea9c227723ee8bcb, -901},  {0xaecc49914078536d, -874},  {0x823c12795db6ce57, -847},
    {0xc21094364dfb5637, -821},  {0x9096ea6f3848984f, -794},  {0xd77485cb25823ac7, -768},
    {0xa086cfcd97bf97f4, -741},  {0xef340a98172aace5, -715},  {0xb23867fb2a35b28e, -688},
    {0x84c8d4dfd2c63f3b, -661},  {0xc5dd44271ad3cdba, -635},  {0x936b9fcebb25c996, -608},
    {0xdbac6c247d62a584, -582},  {0xa3ab66580d5fdaf6, -555},  {0xf3e2f893dec3f126, -529},
    {0xb5b5ada8aaff80b8, -502},  {0x87625f056c7c4a8b, -475},  {0xc9bcff6034c13053, -449},
    {0x964e858c91ba2655, -422},  {0xdff9772470297ebd, -396},  {0xa6dfbd9fb8e5b88f, -369},
    {0xf8a95fcf88747d94, -343},  {0xb94470938fa89bcf, -316},  {0x8a08f0f8bf0f156b, -289},
    {0xcdb02555653131b6, -263},  {0x993fe2c6d07b7fac, -236},  {0xe45c10c42a2b3b06, -210},
    {0xaa242499697392d3, -183},  {0xfd87b5f28300ca0e, -157},  {0xbce5086492111aeb, -130},
    {0x8cbccc096f5088cc, -103},  {0xd1b71758e219652c, -77},   {0x9c40000000000000, -50},
    {0xe8d4a51000000000, -24},   {0xad78ebc5ac620000, 3},     {0x813f3978f8940984, 30},
    {0xc097ce7bc90715b3, 56},    {0x8f7e32ce7bea5c70, 83},    {0xd5d238a4abe98068, 109},
    {0x9f4f2726179a2245, 136},   {0xed63a231d4c4fb27, 162},   {0xb0de65388cc8ada8, 189},
    {0x83c7088e1aab65db, 216},   {0xc45d1df942711d9a, 242},   {0x924d692ca61be758, 269},
    {0xda01ee641a708dea, 295},   {0xa26da3999aef774a, 322},   {0xf209787bb47d6b85, 348},
    {0xb454e4a179dd1877, 375},   {0x865b86925b9bc5c2, 402},   {0xc83553c5c8965d3d, 428},
    {0x952ab45cfa97a0b3, 455},   {0xde469fbd99a05fe3, 481},   {0xa59bc234db398c25, 508},
    {0xf6c69a72a3989f5c, 534},   {0xb7dcbf5354e9bece, 561},   {0x88fcf317f22241e2, 588},
    {0xcc20ce9bd35c78a5, 614},   {0x98165af37b2153df, 641},   {0xe2a0b5dc971f303a, 667},
    {0xa8d9d1535ce3b396, 694},   {0xfb9b7cd9a4a7443c, 720},   {0xbb764c4ca7a44410, 747},
    {0x8bab8eefb6409c1a, 774},   {0xd01fef10a657842c, 800},   {0x9b10a4e5e9913129, 827},
    {0xe7109bfba19c0c9d, 853},   {0xac2820d9623bf429, 880},   {0x80444b5e7aa7cf85, 907},
    {0xbf21e44003acdd2d, 933},   {0x8e679c2f5e44ff8f, 960},   {0xd433179d9c8cb841, 986},
    {0x9e19db92b4e31ba9, 1013},  {0xeb96bf6ebadf77d9, 1039},  {0xaf87023b9bf0ee6b, 1066},
};
enum { POWER_FIRST = -348, POWER_STEP = 8 };

static const uint64_t tens[] = {1u,
                                10u,
                                100u,
                                1000u,
                                10000u,
                                100000u,
                                1000000u,
                                10000000u,
                                100000000u,
                                1000000000u,
                                10000000000u,
                                100000000000u,
                                1000000000000u,
                                10000000000000u,
                                100000000000000u,
                                1000000000000000u,
                                10000000000000000u,
                                100000000000000000u,
                                1000000000000000000u,
                                10000000000000000000u};
enum { TENS = sizeof tens / sizeof *tens };

static scaled multiply(scaled a, scaled b)
{
    unsigned __int128 product = (unsigned __int128)a.f * b.f;
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    return (scaled){high + (low >> 63), a.e + b.e + 64};
}

static scaled normalize(scaled a)
{
    int shift = __builtin_clzll(a.f);
    return (scaled){a.f << shift, a.e - shift};
}

static scaled parts_of(double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    uint64_t hidden = 1ull << SIGNIFICAND_BITS, f = bits & (hidden - 1);
    int e = (int)(bits >> SIGNIFICAND_BITS & 0x7ff);
    return e == 0 ? (scaled){f, 1 - EXPONENT_BIAS} : (scaled){f | hidden, e - EXPONENT_BIAS};
}

/* Half of the way to the next double and to the one before, with the exponent of the first. */
static void halves_of(scaled v, scaled *below, scaled *above)
{
    *above = normalize((scaled){(v.f << 1) + 1, v.e - 1});
    *below = v.f == 1ull << SIGNIFICAND_BITS ? (scaled){(v.f << 2) - 1, v.e - 2}
                                             : (scaled){(v.f << 1) - 1, v.e - 1};
    below->f <<= below->e - above->e;
    below->e = above->e;
}

/* A power of ten whose product with what has the exponent e lies in the range that the digits are made of. *k: its negative. */
static scaled power_for(int e, int *k)
{
    double wanted = (-61 - e) * 0.30102999566398114 - POWER_FIRST - 1;
    int rounded = (int)wanted;
    rounded += wanted > rounded;
    size_t index = (size_t)rounded / POWER_STEP + 1;
    *k = -(POWER_FIRST + POWER_STEP * (int)index);
    return powers[index];
}

/* The last digit goes down as long as that brings the digits nearer to the number. */
static void round_last(char *last, uint64_t delta, uint64_t rest, uint64_t ten, uint64_t distance)
{
    while (rest < distance && delta - rest >= ten &&
           (rest + ten < distance || distance - rest > rest + ten - distance)) {
        (*last)--;
        rest += ten;
    }
}

/* Digits of what is at most delta below the upper half, as few as there can be. */
static int make_digits(scaled w, scaled above, uint64_t delta, char *to, int *k)
{
    int shift = -above.e, count = 0, left = 0;
    uint64_t one = 1ull << shift, distance = above.f - w.f;
    uint64_t whole = above.f >> shift, part = above.f & (one - 1);
    while (left < TENS && whole >= tens[left]) left++;
    while (left > 0) {
        uint64_t digit = whole / tens[--left];
        whole %= tens[left];
        if (digit != 0 || count > 0) to[count++] = (char)('0' + digit);
        uint64_t rest = (whole << shift) + part;
        if (rest > delta) continue;
        *k += left;
        round_last(to + count - 1, delta, rest, tens[left] << shift, distance);
        return count;
    }
    for (left = 0;;) {
        part *= 10;
        delta *= 10;
        uint64_t digit = part >> shift;
        if (digit != 0 || count > 0) to[count++] = (char)('0' + digit);
        part &= one - 1;
        left++;
        if (part >= delta) continue;
        *k -= left;
        round_last(to + count - 1, delta, part, one, left < TENS ? distance * tens[left] : 0);
        return count;
    }
}

static size_t put_exponent(char *to, int exponent)
{
    char digits[8];
    size_t at = 0, count = 0;
    unsigned left = (unsigned)(exponent < 0 ? -exponent : exponent);
    do digits[count++] = (char)('0' + left % 10);
    while ((left /= 10) != 0);
    to[at++] = 'e';
    to[at++] = exponent < 0 ? '-' : '+';
    while (count > 0) to[at++] = digits[--count];
    return at;
}

/* The digits times 10 to the k. */
static size_t put_point(const char *digits, int count, int k, char *to)
{
    size_t at = 0;
    int point = count + k; /* digits before it */
    if (k >= 0 && point <= POINT_MAX) {
        memcpy(to, digits, (size_t)count);
        memset(to + count, '0', (size_t)k);
        return (size_t)point;
    }
    if (point > 0 && point <= POINT_MAX) {
        memcpy(to, digits, (size_t)point);
        to[point] = '.';
        memcpy(to + point + 1, digits + point, (size_t)(count - point));
        return (size_t)count + 1;
    }
    if (point <= 0 && point > -ZEROS_MAX) {
        memcpy(to, "0.00000", 2 + (size_t)-point);
        memcpy(to + 2 - point, digits, (size_t)count);
        return (size_t)(count + 2 - point);
    }
    to[at++] = digits[0];
    if (count > 1) {
        to[at++] = '.';
        memcpy(to + at, digits + 1, (size_t)count - 1);
        at += (size_t)count - 1;
    }
    return at + put_exponent(to + at, point - 1);
}

size_t real_print(double real, char to[REAL_TEXT_SIZE])
{
    char digits[DIGITS_MAX] = "";
    size_t at = 0;
    int k = 0;
    scaled v = parts_of(real), below, above;
    if (__builtin_signbit(real)) to[at++] = '-';
    if (v.f == 0) {
        to[at++] = '0';
        to[at] = 0;
        return at;
    }
    halves_of(v, &below, &above);
    scaled power = power_for(above.e, &k);
    scaled w = multiply(normalize(v), power);
    above = multiply(above, power);
    below = multiply(below, power);
    above.f--; /* What was rounded on the way may be one too much. */
    below.f++;
    int count = make_digits(w, above, above.f - below.f, digits, &k);
    at += put_point(digits, count, k, to + at);
    to[at] = 0;
    return at;
}
