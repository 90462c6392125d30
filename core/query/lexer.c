/* Cuts the text of a query into tokens with their positions.
 * It must never look at names or types, nor read past the end: what it gives the parser was wholly inside the text.
 * Invariant: `next` and `at` move together, so a position always names the character that is read next. */
#include "query/query_internal.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>

void lexer_advance(lexer *l, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = *l->next++;
        if (byte == '\n') {
            l->at.line++;
            l->at.column = 1;
        } else if ((byte & 0xC0) != 0x80) {
            l->at.column++;
        }
    }
}

bool words_equal(bytes word, const char *lower)
{
    if (word.size != strlen(lower)) return false;
    for (size_t i = 0; i < word.size; i++) {
        uint8_t byte = word.data[i];
        if (byte >= 'A' && byte <= 'Z') byte = (uint8_t)(byte + 32);
        if (byte != (uint8_t)lower[i]) return false;
    }
    return true;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool starts_word(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           byte == '$' || byte >= 0x80;
}

static uint8_t peek(const lexer *l, size_t ahead)
{
    return (size_t)(l->end - l->next) > ahead ? l->next[ahead] : 0;
}

static status syntax(position at, const char *what)
{
    return fail(ATOLL_ERROR_QUERY_SYNTAX, "the query is wrong at %u:%u: %s", at.line, at.column,
                what);
}

/* ---- words ---- */

static status read_word(lexer *l, token *out)
{
    size_t size = 0, left = (size_t)(l->end - l->next);
    bool escaped = false;
    while (size < left) {
        uint8_t byte = l->next[size];
        if (starts_word(byte) || is_digit(byte) || byte == '-') {
            size++;
        } else if (byte == '\\' && size + 1 < left && strchr(" tnr", l->next[size + 1]) != NULL &&
                   l->next[size + 1] != 0) {
            escaped = true;
            size += 2;
        } else {
            break;
        }
    }
    out->kind = TOKEN_WORD;
    out->text = bytes_of(l->next, size);
    if (escaped) {
        uint8_t *copy = query_arena_take(l->memory, size);
        if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        size_t used = 0;
        for (size_t i = 0; i < size; i++) {
            uint8_t byte = l->next[i];
            if (byte == '\\') {
                byte = l->next[++i];
                byte = byte == 't' ? '\t' : byte == 'n' ? '\n' : byte == 'r' ? '\r' : byte;
            }
            copy[used++] = byte;
        }
        out->text = bytes_of(copy, used);
    }
    lexer_advance(l, size);
    return ATOLL_OK;
}

static status read_argument(lexer *l, token *out)
{
    size_t size = 1;
    uint64_t index = 0;
    while (is_digit(peek(l, size)) && size < 10)
        index = index * 10 + (uint64_t)(peek(l, size++) - '0');
    out->kind = TOKEN_ARGUMENT;
    out->index = index;
    lexer_advance(l, size);
    return ATOLL_OK;
}

/* ---- texts ---- */

static int hex_digit(uint8_t byte)
{
    if (is_digit(byte)) return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

static int32_t read_hex4(const lexer *l)
{
    int32_t code = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(peek(l, i));
        if (digit < 0) return -1;
        code = code * 16 + digit;
    }
    return code;
}

static size_t put_utf8(uint8_t *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (uint8_t)(0xC0 | code >> 6);
        to[1] = (uint8_t)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (uint8_t)(0xE0 | code >> 12);
        to[1] = (uint8_t)(0x80 | (code >> 6 & 63));
        to[2] = (uint8_t)(0x80 | (code & 63));
        return 3;
    }
    to[0] = (uint8_t)(0xF0 | code >> 18);
    to[1] = (uint8_t)(0x80 | (code >> 12 & 63));
    to[2] = (uint8_t)(0x80 | (code >> 6 & 63));
    to[3] = (uint8_t)(0x80 | (code & 63));
    return 4;
}

/* Behind \u; surrogates must come in pairs, because a string is UTF-8. */
static status read_unicode(lexer *l, position at, uint8_t *to, size_t *used)
{
    int32_t code = read_hex4(l);
    if (code < 0) return syntax(at, "expected four hexadecimal digits after \\u");
    lexer_advance(l, 4);
    if (code >= 0xD800 && code < 0xE000) {
        int32_t low = -1;
        if (code < 0xDC00 && peek(l, 0) == '\\' && peek(l, 1) == 'u') {
            lexer_advance(l, 2);
            low = read_hex4(l);
        }
        if (low < 0xDC00 || low > 0xDFFF) return syntax(at, "expected a pair of surrogates");
        lexer_advance(l, 4);
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *used += put_utf8(to + *used, (uint32_t)code);
    return ATOLL_OK;
}

static status read_escape(lexer *l, uint8_t *to, size_t *used)
{
    static const char names[] = "\"'\\/bfnrt0", meanings[] = "\"'\\/\b\f\n\r\t\0";
    position at = l->at;
    uint8_t name = peek(l, 1);
    if (name == 'u') {
        lexer_advance(l, 2);
        return read_unicode(l, at, to, used);
    }
    const char *found = name == 0 ? NULL : strchr(names, name);
    if (found == NULL)
        return syntax(at, "expected one of \\\" \\' \\\\ \\/ \\b \\f \\n \\r \\t \\0 \\uXXXX");
    to[(*used)++] = (uint8_t)meanings[found - names];
    lexer_advance(l, 2);
    return ATOLL_OK;
}

static status read_string(lexer *l, token *out)
{
    uint8_t quote = *l->next;
    size_t size = 1, left = (size_t)(l->end - l->next);
    while (size < left && l->next[size] != quote) size += l->next[size] == '\\' ? 2 : 1;
    uint8_t *copy =
        query_arena_take(l->memory, size < left ? size : left); /* An escape never grows. */
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    size_t used = 0;
    lexer_advance(l, 1);
    for (;;) {
        if (l->next == l->end)
            return syntax(out->at, "expected the string that starts here to end with its quote");
        if (*l->next == quote) break;
        if (*l->next == '\\') {
            TRY(read_escape(l, copy, &used));
        } else {
            copy[used++] = *l->next;
            lexer_advance(l, 1);
        }
    }
    lexer_advance(l, 1);
    out->kind = TOKEN_CONSTANT;
    out->constant = value_string(bytes_of(copy, used));
    return ATOLL_OK;
}

/* ---- numbers ---- */

static status read_hex(lexer *l, token *out, size_t digits_at, bool negative)
{
    uint64_t number = 0;
    size_t size = digits_at;
    for (; hex_digit(peek(l, size)) >= 0; size++) {
        if (number >> 60 != 0) return syntax(out->at, "expected a number that fits 64 bits");
        number = number << 4 | (uint64_t)hex_digit(peek(l, size));
    }
    if (size == digits_at) return syntax(out->at, "expected hexadecimal digits after 0x");
    out->constant = value_int((int64_t)(negative ? 0 - number : number));
    lexer_advance(l, size);
    return ATOLL_OK;
}

static status read_integer(lexer *l, token *out, size_t digits_at, size_t size, bool negative)
{
    uint64_t number = 0, bound = negative ? (uint64_t)1 << 63 : INT64_MAX;
    for (size_t i = digits_at; i < size; i++) {
        uint64_t digit = (uint64_t)(peek(l, i) - '0');
        if (number > (bound - digit) / 10)
            return syntax(out->at, "expected a number that fits 64 bits");
        number = number * 10 + digit;
    }
    out->constant = value_int((int64_t)(negative ? 0 - number : number));
    lexer_advance(l, size);
    return ATOLL_OK;
}

/* The host program's locale must not decide what `3.5` means. */
static status number_of(const char *digits, value *out)
{
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "no memory for reading a number");
    *out = value_double(strtod_l(digits, NULL, plain));
    freelocale(plain);
    return ATOLL_OK;
}

static status read_number(lexer *l, token *out)
{
    bool negative = peek(l, 0) == '-', real = false;
    size_t start = negative || peek(l, 0) == '+' ? 1 : 0, size = start;
    out->kind = TOKEN_CONSTANT;
    if (peek(l, start) == '0' && (peek(l, start + 1) | 32) == 'x')
        return read_hex(l, out, start + 2, negative);
    while (is_digit(peek(l, size))) size++;
    if (peek(l, size) == '.') {
        real = true;
        for (size++; is_digit(peek(l, size));) size++;
    }
    if ((peek(l, size) | 32) == 'e') {
        size_t exponent = size + 1;
        if (peek(l, exponent) == '-' || peek(l, exponent) == '+') exponent++;
        if (is_digit(peek(l, exponent))) {
            real = true;
            for (size = exponent; is_digit(peek(l, size));) size++;
        }
    }
    bool suffixed = (peek(l, size) | 32) == 'f';
    if (starts_word(peek(l, size + suffixed)) || is_digit(peek(l, size + suffixed))) {
        return syntax(out->at, "expected a number without letters behind it");
    }
    if (!real && !suffixed) return read_integer(l, out, start, size, negative);
    char digits[400];
    if (size >= sizeof digits) return syntax(out->at, "expected a number of fewer digits");
    memcpy(digits, l->next, size);
    digits[size] = 0;
    TRY(number_of(digits, &out->constant));
    lexer_advance(l, size + suffixed);
    return ATOLL_OK;
}

/* -inf, +infinity: the sign is part of the constant. */
static bool read_signed_infinity(lexer *l, token *out)
{
    static const char *const names[] = {"infinity", "inf", "nan"};
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(names[i]);
        if ((size_t)(l->end - l->next) < size + 1) continue;
        if (!words_equal(bytes_of(l->next + 1, size), names[i])) continue;
        if (starts_word(peek(l, size + 1)) || is_digit(peek(l, size + 1))) continue;
        double number = i == 2 ? (double)NAN : (double)INFINITY;
        out->kind = TOKEN_CONSTANT;
        out->constant = value_double(*l->next == '-' ? -number : number);
        lexer_advance(l, size + 1);
        return true;
    }
    return false;
}

/* ---- symbols ---- */

static status read_symbol(lexer *l, token *out)
{
    static const struct {
        char text[4];
        symbol symbol;
    } symbols[] = {
        {"[c]", SYMBOL_FOLD},         {"==", SYMBOL_EQUAL},
        {"!=", SYMBOL_NOT_EQUAL},     {"<>", SYMBOL_NOT_EQUAL},
        {"<=", SYMBOL_LESS_EQUAL},    {"=<", SYMBOL_LESS_EQUAL},
        {">=", SYMBOL_GREATER_EQUAL}, {"=>", SYMBOL_GREATER_EQUAL},
        {"&&", SYMBOL_AND},           {"||", SYMBOL_OR},
        {"=", SYMBOL_EQUAL},          {"<", SYMBOL_LESS},
        {">", SYMBOL_GREATER},        {"!", SYMBOL_NOT},
        {"(", SYMBOL_OPEN},           {")", SYMBOL_CLOSE},
        {"{", SYMBOL_OPEN_BRACE},     {"}", SYMBOL_CLOSE_BRACE},
        {"[", SYMBOL_OPEN_BRACKET},   {"]", SYMBOL_CLOSE_BRACKET},
        {",", SYMBOL_COMMA},          {".", SYMBOL_DOT},
        {"+", SYMBOL_PLUS},           {"-", SYMBOL_MINUS},
        {"*", SYMBOL_TIMES},          {"/", SYMBOL_DIVIDE},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        size_t size = strlen(symbols[i].text);
        if ((size_t)(l->end - l->next) < size || memcmp(l->next, symbols[i].text, size) != 0)
            continue;
        out->kind = TOKEN_SYMBOL;
        out->symbol = symbols[i].symbol;
        lexer_advance(l, size);
        return ATOLL_OK;
    }
    return syntax(l->at, "this character has no meaning in a query");
}

static status read_token(lexer *l, token *out)
{
    uint8_t first = peek(l, 0), second = peek(l, 1);
    bool matched = false;
    TRY(literal_read(l, out, &matched));
    if (matched) return ATOLL_OK;
    if (first == '$' && is_digit(second)) return read_argument(l, out);
    if (starts_word(first)) return read_word(l, out);
    if (first == '"' || first == '\'') return read_string(l, out);
    if (first == '@' && starts_word(second)) {
        lexer_advance(l, 1);
        TRY(read_word(l, out));
        out->kind = TOKEN_AT;
        return ATOLL_OK;
    }
    bool number = is_digit(first) || (first == '.' && is_digit(second));
    if (first == '+' || first == '-') {
        if (read_signed_infinity(l, out)) return ATOLL_OK;
        number = is_digit(second) || (second == '.' && is_digit(peek(l, 2)));
    }
    return number ? read_number(l, out) : read_symbol(l, out);
}

status lexer_next(lexer *l, token *out)
{
    while (l->next < l->end && *l->next != 0 && strchr(" \t\r\n", *l->next) != NULL)
        lexer_advance(l, 1);
    token made = {.kind = TOKEN_END, .at = l->at, .raw = bytes_of(l->next, 0)};
    const uint8_t *start = l->next;
    if (l->next < l->end) TRY(read_token(l, &made));
    made.raw = bytes_of(start, (size_t)(l->next - start));
    *out = made;
    return ATOLL_OK;
}
