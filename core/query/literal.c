/* The literals that have a grammar of their own: dates, uuid(...), oid(...), binary(...), B64"...", O<row>.
 * It must never take a token that only resembles a literal: `uuid` alone, `T1` or `Order` stay names.
 * Invariant: *matched is set only after the whole literal was read and stepped over. */
#include "query/query_internal.h"

static status syntax(position at, const char *what)
{
    return fail(ATOLL_ERROR_QUERY_SYNTAX, "the query is wrong at %u:%u: %s", at.line, at.column,
                what);
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool ends_word(uint8_t byte)
{
    return !(is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
             byte == '_' || byte == '$' || byte >= 0x80);
}

static size_t left(const lexer *l)
{
    return (size_t)(l->end - l->next);
}

static uint8_t peek(const lexer *l, size_t ahead)
{
    return left(l) > ahead ? l->next[ahead] : 0;
}

static bool starts_with(const lexer *l, const char *text)
{
    return left(l) >= strlen(text) && memcmp(l->next, text, strlen(text)) == 0;
}

static int hex_digit(uint8_t byte)
{
    if (is_digit(byte)) return byte - '0';
    uint8_t lower = byte | 32;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* ---- uuid(...) and oid(...) ---- */

static status read_id(lexer *l, token *out, size_t prefix, size_t byte_count, const char *what)
{
    uint8_t id[16] = {0};
    size_t at = prefix;
    for (size_t i = 0; i < byte_count; i++) {
        bool dash = byte_count == 16 && (i == 4 || i == 6 || i == 8 || i == 10);
        if (dash && peek(l, at++) != '-') return syntax(out->at, what);
        int high = hex_digit(peek(l, at)), low = hex_digit(peek(l, at + 1));
        if (high < 0 || low < 0) return syntax(out->at, what);
        id[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    if (peek(l, at) != ')') return syntax(out->at, what);
    out->kind = TOKEN_CONSTANT;
    out->constant = byte_count == 16 ? value_uuid(id) : value_object_id(id);
    lexer_advance(l, at + 1);
    return ATOLL_OK;
}

/* ---- base64 and binary(...) ---- */

static int base64_digit(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z') return byte - 'A';
    if (byte >= 'a' && byte <= 'z') return byte - 'a' + 26;
    if (is_digit(byte)) return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

status base64_decode(arena *memory, bytes from, bytes *out, bool *valid)
{
    *valid = false;
    while (from.size > 0 && from.data[from.size - 1] == '=') from.size--;
    uint8_t *to = query_arena_take(memory, from.size + 1);
    if (to == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    uint32_t bits = 0;
    int bit_count = 0;
    size_t used = 0;
    for (size_t i = 0; i < from.size; i++) {
        int digit = base64_digit(from.data[i]);
        if (digit < 0) return ATOLL_OK;
        bits = bits << 6 | (uint32_t)digit;
        bit_count += 6;
        if (bit_count < 8) continue;
        bit_count -= 8;
        to[used++] = (uint8_t)(bits >> bit_count);
    }
    if (from.size % 4 == 1) return ATOLL_OK;
    *out = bytes_of(to, used);
    *valid = true;
    return ATOLL_OK;
}

status base64_append(buffer *to, bytes from)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < from.size; i += 3) {
        uint32_t bits = (uint32_t)from.data[i] << 16;
        if (i + 1 < from.size) bits |= (uint32_t)from.data[i + 1] << 8;
        if (i + 2 < from.size) bits |= from.data[i + 2];
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                        digits[bits & 63]};
        if (i + 2 >= from.size) four[3] = '=';
        if (i + 1 >= from.size) four[2] = '=';
        TRY(buffer_append(to, four, 4));
    }
    return ATOLL_OK;
}

static status read_base64(lexer *l, token *out)
{
    uint8_t quote = peek(l, 3);
    size_t size = 4;
    while (size < left(l) && l->next[size] != quote) size++;
    bool valid = false;
    bytes decoded = {0};
    if (size < left(l))
        TRY(base64_decode(l->memory, bytes_of(l->next + 4, size - 4), &decoded, &valid));
    if (!valid) return syntax(out->at, "expected base64 digits between quotes after B64");
    out->kind = TOKEN_CONSTANT;
    out->constant = value_binary(decoded);
    lexer_advance(l, size + 1);
    return ATOLL_OK;
}

static status read_binary(lexer *l, token *out, size_t prefix)
{
    position at = out->at;
    token inner = {0};
    lexer_advance(l, prefix);
    /* Only a string may follow: another binary( would let the text decide the depth of the stack. */
    bool may_be_text = peek(l, 0) == '"' || peek(l, 0) == '\'' || starts_with(l, "B64");
    if (may_be_text) TRY(lexer_next(l, &inner));
    bool text = inner.kind == TOKEN_CONSTANT &&
                (inner.constant.type == VALUE_STRING || inner.constant.type == VALUE_BINARY);
    if (!text || peek(l, 0) != ')')
        return syntax(at, "expected one string between the parentheses of binary()");
    lexer_advance(l, 1);
    out->kind = TOKEN_CONSTANT;
    out->constant = value_binary(inner.constant.as.text);
    return ATOLL_OK;
}

/* ---- dates ---- */

static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool digits_at(const lexer *l, size_t *at, size_t count, int64_t *out)
{
    int64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = peek(l, *at + i);
        if (!is_digit(byte)) return false;
        number = number * 10 + (byte - '0');
    }
    *at += count;
    *out = number;
    return true;
}

static bool looks_like_date(const lexer *l)
{
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof form - 1; i++) {
        uint8_t byte = peek(l, i);
        if (form[i] == 'd' ? !is_digit(byte) : byte != '-') return false;
    }
    return peek(l, 10) == '@' || peek(l, 10) == 'T';
}

static status read_date(lexer *l, token *out)
{
    static const char expected[] =
        "expected a date as YYYY-MM-DD@HH:MM:SS or YYYY-MM-DD@HH:MM:SS:nanoseconds, from 1900 on";
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t part[6] = {0}, nanoseconds = 0;
    size_t at = 0;
    for (size_t i = 0; i < 6; i++) {
        if (i > 0) at++;
        if (i > 3 && peek(l, at - 1) != ':') return syntax(out->at, expected);
        if (!digits_at(l, &at, i == 0 ? 4 : 2, &part[i])) return syntax(out->at, expected);
    }
    if (peek(l, at) == ':') {
        size_t start = ++at;
        while (at - start < 9 && is_digit(peek(l, at)))
            nanoseconds = nanoseconds * 10 + (peek(l, at++) - '0');
        if (at == start) return syntax(out->at, expected);
    }
    bool leap = (part[0] % 4 == 0 && part[0] % 100 != 0) || part[0] % 400 == 0;
    bool month_fits = part[1] >= 1 && part[1] <= 12;
    bool day_fits =
        month_fits && part[2] >= 1 && part[2] <= lengths[part[1] - 1] + (leap && part[1] == 2);
    if (part[0] < 1900 || !day_fits || part[3] > 23 || part[4] > 59 || part[5] > 59 ||
        !ends_word(peek(l, at))) {
        return syntax(out->at, expected);
    }
    int64_t seconds =
        days_of(part[0], part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 + part[5];
    /* Both parts have one sign, as everywhere in a timestamp. */
    if (seconds < 0) nanoseconds = -nanoseconds;
    out->kind = TOKEN_CONSTANT;
    out->constant = value_timestamp(seconds, (int32_t)nanoseconds);
    lexer_advance(l, at);
    return ATOLL_OK;
}

static bool read_signed(const lexer *l, size_t *at, int64_t *out, bool *negative, uint64_t bound)
{
    *negative = peek(l, *at) == '-';
    if (*negative) (*at)++;
    size_t start = *at;
    uint64_t number = 0;
    for (; is_digit(peek(l, *at)); (*at)++) {
        uint64_t digit = (uint64_t)(peek(l, *at) - '0');
        if (number > (bound - digit) / 10) return false;
        number = number * 10 + digit;
    }
    *out = *negative ? (int64_t)(0 - number) : (int64_t)number;
    return *at > start;
}

static bool looks_like_seconds(const lexer *l)
{
    size_t at = 1;
    if (peek(l, 0) != 'T') return false;
    if (peek(l, at) == '-') at++;
    if (!is_digit(peek(l, at))) return false;
    while (is_digit(peek(l, at))) at++;
    return peek(l, at) == ':';
}

static status read_seconds(lexer *l, token *out)
{
    int64_t seconds = 0, nanoseconds = 0;
    bool seconds_negative = false, nanoseconds_negative = false;
    size_t at = 1;
    bool fits = read_signed(l, &at, &seconds, &seconds_negative, INT64_MAX) &&
                peek(l, at++) == ':' &&
                read_signed(l, &at, &nanoseconds, &nanoseconds_negative, 999999999) &&
                ends_word(peek(l, at));
    bool signs_agree = seconds == 0 || nanoseconds == 0 || (seconds < 0) == (nanoseconds < 0);
    if (!fits || !signs_agree) {
        return syntax(out->at, "expected T<seconds>:<nanoseconds>, both of the same sign and below "
                               "1000000000 behind the colon");
    }
    out->kind = TOKEN_CONSTANT;
    out->constant = value_timestamp(seconds, (int32_t)nanoseconds);
    lexer_advance(l, at);
    return ATOLL_OK;
}

/* O<row>: a link to the row with that local key, as the canonical text writes a link argument; L<class>:<row> beside
 * mixed values, which do not know the class. */
static status read_row(lexer *l, token *out, bool *matched)
{
    size_t at = 1;
    int64_t row = 0, class_of = 0;
    bool negative = false, typed = peek(l, 0) == 'L';
    if (typed) {
        if (!is_digit(peek(l, 1)) || !read_signed(l, &at, &class_of, &negative, UINT32_MAX))
            return ATOLL_OK;
        if (peek(l, at++) != ':') return ATOLL_OK;
    }
    if (!is_digit(peek(l, at)) || !read_signed(l, &at, &row, &negative, INT64_MAX)) return ATOLL_OK;
    if (!ends_word(peek(l, at)) || peek(l, at) == '-') return ATOLL_OK;
    out->kind = TOKEN_CONSTANT;
    out->constant = value_link((row_key)row);
    if (typed) {
        out->constant.type = VALUE_TYPED_LINK;
        out->constant.as.link.row = (row_key)row;
        out->constant.as.link.class_of = (class_key)class_of;
    }
    *matched = true;
    lexer_advance(l, at);
    return ATOLL_OK;
}

status literal_read(lexer *l, token *out, bool *matched)
{
    if (peek(l, 0) == 'O' || peek(l, 0) == 'L') return read_row(l, out, matched);
    *matched = true;
    if (starts_with(l, "uuid("))
        return read_id(l, out, 5, 16, "expected uuid(8-4-4-4-12 hexadecimal digits)");
    if (starts_with(l, "oid("))
        return read_id(l, out, 4, 12, "expected oid(24 hexadecimal digits)");
    if (starts_with(l, "bin(")) return read_binary(l, out, 4);
    if (starts_with(l, "binary(")) return read_binary(l, out, 7);
    if (starts_with(l, "B64\"") || starts_with(l, "B64'")) return read_base64(l, out);
    if (looks_like_date(l)) return read_date(l, out);
    if (looks_like_seconds(l)) return read_seconds(l, out);
    *matched = false;
    return ATOLL_OK;
}
