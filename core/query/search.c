/* TEXT: the words that a full-text search asks for, and whether a text has them.
 * It must never split a text by rules of its own: the words are those of the index (base/words.h).
 * Invariant: a search has at least one word; every word that is asked for is folded like those of the texts. */
#include "query/query_internal.h"
#include "base/words.h"

enum { SEARCH_WORDS_MAX = 64 };

typedef struct search_word {
    bytes text;
    bool prefix, excluded;
} search_word;

struct text_search {
    search_word words[SEARCH_WORDS_MAX];
    size_t count, wanted; /* wanted: those that are not excluded */
};

/* ---- the words of a search ---- */

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f' ||
           byte == '\v';
}

static bytes next_term(bytes *rest)
{
    size_t from = 0, to;
    while (from < rest->size && is_space(rest->data[from])) from++;
    for (to = from; to < rest->size && !is_space(rest->data[to]);) to++;
    bytes term = bytes_of(rest->data + from, to - from);
    *rest = bytes_of(rest->data + to, rest->size - to);
    return term;
}

static status wrong_term(position at, bytes term, const char *what)
{
    return fail(ATOLL_ERROR_QUERY_ARGUMENT, "the search word '%.*s' %s (in the query at %u:%u)",
                term.size > 60 ? 60 : (int)term.size, (const char *)term.data, what, at.line,
                at.column);
}

static size_t character_size(bytes text, size_t at)
{
    size_t size = 1;
    while (at + size < text.size && (text.data[at + size] & 0xC0) == 0x80) size++;
    return size;
}

/* Only letters and digits: each of its characters is a word by itself. */
static bool is_one_word(bytes term)
{
    for (size_t i = 0; i < term.size;) {
        uint8_t folded[WORD_SIZE_MAX];
        size_t size = character_size(term, i), folded_size = 0;
        word_reader one = words_of(bytes_of(term.data + i, size));
        bool letter = word_next(&one, folded, &folded_size);
        if (!letter || folded_size == 0) return false;
        i += size;
    }
    return term.size > 0;
}

static status add_term(arena *memory, text_search *s, bytes term, position at)
{
    uint8_t folded[WORD_SIZE_MAX];
    size_t size = 0;
    search_word made = {0};
    bytes whole = term;
    made.excluded = term.data[0] == '-';
    if (made.excluded) term = bytes_of(term.data + 1, term.size - 1);
    made.prefix = term.size > 0 && term.data[term.size - 1] == '*';
    if (made.prefix) term.size--;
    if (!is_one_word(term))
        return wrong_term(at, whole,
                          "may hold letters and digits, a - before it and a * behind it");
    word_reader words = words_of(term);
    if (!word_next(&words, folded, &size))
        return wrong_term(at, whole, "holds nothing that is searched for");
    TRY(query_arena_copy(memory, bytes_of(folded, size), &made.text));
    for (size_t i = 0; i < s->count; i++) {
        const search_word *other = &s->words[i];
        bool same = bytes_equal(other->text, made.text) && other->prefix == made.prefix;
        if (same && other->excluded != made.excluded)
            return wrong_term(at, whole, "is both asked for and excluded");
        if (same) return ATOLL_OK;
    }
    if (s->count == SEARCH_WORDS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "a search has at most %d words (in the query at %u:%u)", SEARCH_WORDS_MAX,
                    at.line, at.column);
    s->words[s->count++] = made;
    if (!made.excluded) s->wanted++;
    return ATOLL_OK;
}

status text_search_new(arena *memory, bytes terms, position at, text_search **out)
{
    text_search *made = query_arena_take(memory, sizeof *made);
    if (made == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (bytes term = next_term(&terms); term.size > 0; term = next_term(&terms))
        TRY(add_term(memory, made, term, at));
    if (made->count == 0)
        return fail(ATOLL_ERROR_QUERY_ARGUMENT,
                    "there is no word to search for (in the query at %u:%u)", at.line, at.column);
    *out = made;
    return ATOLL_OK;
}

/* ---- texts ---- */

static bool word_fits(const search_word *wanted, bytes word)
{
    if (!wanted->prefix) return bytes_equal(wanted->text, word);
    return word.size >= wanted->text.size &&
           memcmp(word.data, wanted->text.data, wanted->text.size) == 0;
}

bool text_search_matches(const text_search *s, bytes text)
{
    uint8_t folded[WORD_SIZE_MAX];
    size_t size = 0, found_count = 0;
    uint64_t found = 0;
    word_reader words = words_of(text);
    while (word_next(&words, folded, &size)) {
        for (size_t i = 0; i < s->count; i++) {
            if ((found >> i & 1) != 0 || !word_fits(&s->words[i], bytes_of(folded, size))) continue;
            if (s->words[i].excluded) return false;
            found |= (uint64_t)1 << i;
            found_count++;
        }
    }
    return found_count == s->wanted;
}

bytes text_search_word(const text_search *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!s->words[i].excluded && !s->words[i].prefix) return s->words[i].text;
    }
    return bytes_of(NULL, 0);
}
