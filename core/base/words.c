/* Splits a text into folded words. It must never allocate, nor look past the end of a text that is no valid UTF-8.
 * Invariant: the same word gives the same bytes wherever it stands. */
#include "base/words.h"
#include <string.h>

/* What the letters from À on fold to, and from à on the same; empty: a separator. */
static const char latin[32][3] = {"a",        "a", "a", "a", "a", "\xc3\xa5", "\xc3\xa6", "c",
                                  "e",        "e", "e", "e", "i", "i",        "i",        "i",
                                  "\xc3\xb0", "n", "o", "o", "o", "o",        "o",        "",
                                  "\xc3\xb8", "u", "u", "u", "u", "y",        "\xc3\xbe", "ss"};

/* The size of the character at the front and what it folds to; *letter false: it separates. */
static size_t fold(bytes text, char to[3], bool *letter)
{
    uint8_t c = text.data[0];
    to[0] = to[1] = to[2] = 0;
    *letter = true;
    if (c < 0x80) {
        to[0] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        *letter = (to[0] >= 'a' && to[0] <= 'z') || (c >= '0' && c <= '9');
        return 1;
    }
    size_t size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    if (size > text.size) size = text.size;
    if (size == 2 && c == 0xc3) {
        uint8_t low = text.data[1] & 0x3f;
        memcpy(to, low == 0x3f ? "y" : latin[low & 0x1f], 2);
        if (low != 0x3f) to[1] = latin[low & 0x1f][1];
        *letter = to[0] != 0;
        return size;
    }
    *letter = size == 2 && c == 0xc2 && text.data[1] == 0xad;
    return size;
}

bool word_next(word_reader *r, uint8_t to[WORD_SIZE_MAX], size_t *size)
{
    size_t used = 0;
    bool inside = false;
    while (r->rest.size != 0) {
        char folded[3] = {0};
        bool letter = false;
        size_t taken = fold(r->rest, folded, &letter);
        r->rest = bytes_of(r->rest.data + taken, r->rest.size - taken);
        if (!letter && inside) break;
        size_t extra = strlen(folded);
        if (!letter || extra == 0) continue;
        inside = true;
        if (used + extra > WORD_SIZE_MAX) continue;
        for (size_t i = 0; i < extra; i++) to[used++] = folded[i];
    }
    *size = used;
    return inside;
}
