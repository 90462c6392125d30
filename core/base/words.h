#ifndef ATOLL_BASE_WORDS_H
#define ATOLL_BASE_WORDS_H
#include "base/bytes.h"

/* The words of a text as full-text search knows them: runs of ASCII and Latin-1 letters and digits, without case and
 * without accents (å, æ, ø, ð and þ are letters of their own; ß is ss). Everything else separates, but for a soft
 * hyphen, which is as if it were not there. */
enum { WORD_SIZE_MAX = 64 }; /* of a folded word; what is longer is cut */
typedef struct word_reader {
    bytes rest;
} word_reader;
static inline word_reader words_of(bytes text)
{
    return (word_reader){text};
}
/* False at the end. *size 0 to WORD_SIZE_MAX bytes in `to`. */
bool word_next(word_reader *r, uint8_t to[WORD_SIZE_MAX], size_t *size);
#endif
