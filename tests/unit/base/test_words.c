/* The words of full-text search: what separates, what folds, what is cut. */
#include "base/words.h"
#include <criterion/criterion.h>
#include <stdio.h>

static void expect(const char *text, const char *wanted)
{
    char found[400] = "";
    word_reader r = words_of(bytes_text(text));
    uint8_t word[WORD_SIZE_MAX];
    size_t size = 0;
    while (word_next(&r, word, &size))
        snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s|", (int)size, word);
    cr_assert_str_eq(found, wanted, "'%s' gave %s", text, found);
}

Test(words, letters_and_digits_without_case_and_accents)
{
    expect("", "");
    expect(" \t--- ", "");
    expect("Hello, World", "hello|world|");
    expect("full-text", "full|text|");
    expect("a1 2b", "a1|2b|");
    expect("Caf\xc3\x89 na\xc3\xaf"
           "ve \xc3\xbc"
           "ber",
           "cafe|naive|uber|");
    expect("\xc3\x85"
           "se \xc3\xa5"
           "se",
           "\xc3\xa5se|\xc3\xa5se|");
    expect("S\xc3\x98"
           " s\xc3\xb8",
           "s\xc3\xb8|s\xc3\xb8|");
    expect("Stra\xc3\x9f"
           "e \xc3\xbf",
           "strasse|y|");
    expect("2\xc3\x97"
           "3 8\xc3\xb7"
           "4",
           "2|3|8|4|");
    expect("hy\xc2\xadphen", "hyphen|");
}

Test(words, other_scripts_separate_and_bad_bytes_do_no_harm)
{
    expect("ab\xe2\x82\xac"
           "cd",
           "ab|cd|");
    expect("ab\xf0\x9f\x98\x80"
           "cd",
           "ab|cd|");
    expect("ab\xc4\x81"
           "cd",
           "ab|cd|");
    expect("ab\xc3", "ab|");
    expect("ab\xf0\x9f", "ab|");
    expect("\x80\x80"
           "x",
           "x|");
}

Test(words, a_long_word_is_cut)
{
    char text[200] = {0}, wanted[200] = {0};
    memset(text, 'x', 150);
    memset(wanted, 'x', WORD_SIZE_MAX);
    wanted[WORD_SIZE_MAX] = '|';
    expect(text, wanted);
}
