/* Reads CSV and NDJSON and finds out what type each column has.
 * Must never: turn a text with leading zeros into a number (zip codes), or guess from the first rows only.
 * Invariant: a column's kind fits every cell: INT < DOUBLE, everything < STRING. */
#include "table.h"

#include "base/memory.h"
#include "platform/file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#define TABLE_SIZE_MAX (1ull << 30)
#define TABLE_COLUMNS_MAX 1000 /* of a class */

static status column_named(table *t, const char *name, size_t *index)
{
    for (size_t i = 0; i < t->columns.count; i++) {
        if (strcmp(t->columns.items[i].name, name) != 0) continue;
        *index = i;
        return ATOLL_OK;
    }
    if (t->columns.count == TABLE_COLUMNS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "more than %d columns", TABLE_COLUMNS_MAX);
    table_column column = {.name = memory_copy_text(name, strlen(name)),
                           .has_empty = t->row_count > 0};
    if (column.name == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *index = t->columns.count;
    return vector_push(&t->columns, column);
}

static void widen(table_column *column, cell_kind kind)
{
    if (kind == CELL_EMPTY)
        column->has_empty = true;
    else if (column->kind == CELL_EMPTY || column->kind == kind)
        column->kind = kind;
    else if ((column->kind == CELL_INT && kind == CELL_DOUBLE) ||
             (column->kind == CELL_DOUBLE && kind == CELL_INT))
        column->kind = CELL_DOUBLE;
    else
        column->kind = CELL_STRING;
}

static cell read_cell(bytes text)
{
    cell c = {.kind = CELL_STRING, .text = text};
    char copy[64], *end = NULL;
    if (text.size == 0) return (cell){.kind = CELL_EMPTY};
    if (text.size >= sizeof copy) return c;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (strcmp(copy, "true") == 0 || strcmp(copy, "false") == 0) {
        c.kind = CELL_BOOL;
        c.integer = copy[0] == 't';
        return c;
    }
    const char *digits = copy[0] == '-' ? copy + 1 : copy;
    bool number = digits[0] >= '0' && digits[0] <= '9' &&
                  !(digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9');
    if (!number || strspn(copy, "0123456789+-.eE") != text.size) return c;
    errno = 0;
    c.integer = strtoll(copy, &end, 10);
    if (*end == '\0' && errno == 0) {
        c.kind = CELL_INT;
        c.real = (double)c.integer;
        return c;
    }
    c.real = strtod(copy, &end);
    if (*end == '\0') c.kind = CELL_DOUBLE;
    return c;
}

static status put_cell(table *t, size_t row_start, size_t column, cell c)
{
    while (t->cells.count <= row_start + column)
        TRY(vector_push(&t->cells, (cell){.kind = CELL_EMPTY}));
    t->cells.items[row_start + column] = c;
    return ATOLL_OK;
}

/* ---- CSV ---- */

/* One field from *at on, its quotes taken off in place; *last: the row ends behind it. */
static status csv_field(uint8_t **at, uint8_t *end, size_t *line, bytes *out, bool *last)
{
    uint8_t *from = *at, *to = *at, *start = *at;
    if (from < end && *from == '"') {
        for (from++;; from++) {
            if (from >= end)
                return fail(ATOLL_ERROR_INVALID_ARGUMENT, "line %zu: a quoted field has no end",
                            *line);
            if (*from == '\n') ++*line;
            if (*from == '"' && (from + 1 >= end || from[1] != '"')) break;
            if (*from == '"') from++;
            *to++ = *from;
        }
        from++;
    } else {
        while (from < end && *from != ',' && *from != '\n' && *from != '\r') from++;
        to = from;
    }
    *out = bytes_of(start, (size_t)(to - start));
    if (from < end && *from == '\r') from++;
    *last = from >= end || *from == '\n';
    if (from < end && *from != ',' && *from != '\n') {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "line %zu: expected a comma or the line's end behind a field", *line);
    }
    *at = from < end ? from + 1 : end;
    return ATOLL_OK;
}

static status csv_header(table *t, uint8_t **at, uint8_t *end, size_t *line)
{
    bool last = false;
    if (end - *at >= 3 && memcmp(*at, "\xef\xbb\xbf", 3) == 0) *at += 3;
    while (!last) {
        bytes text;
        size_t index;
        TRY(csv_field(at, end, line, &text, &last));
        char *name = memory_copy_text((const char *)text.data, text.size);
        if (name == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        size_t before = t->columns.count;
        status result = column_named(t, name, &index);
        if (result == ATOLL_OK && t->columns.count == before) {
            result = fail(ATOLL_ERROR_INVALID_ARGUMENT, "the header names \"%s\" twice", name);
        }
        memory_free(name);
        if (result != ATOLL_OK) return result;
    }
    ++*line;
    return ATOLL_OK;
}

static status read_csv(table *t)
{
    uint8_t *at = t->content.data, *end = at + t->content.size;
    size_t line = 1;
    TRY(csv_header(t, &at, end, &line));
    while (at < end) {
        if (*at == '\n' || (*at == '\r' && at + 1 < end && at[1] == '\n')) { /* an empty line */
            at += *at == '\n' ? 1 : 2;
            line++;
            continue;
        }
        size_t start = t->cells.count, column = 0;
        bool last = false;
        while (!last) {
            bytes text;
            TRY(csv_field(&at, end, &line, &text, &last));
            if (column == t->columns.count) {
                return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                            "line %zu has more fields than the header's %zu", line, column);
            }
            cell c = read_cell(text);
            widen(&t->columns.items[column], c.kind);
            TRY(put_cell(t, start, column++, c));
        }
        for (; column < t->columns.count; column++) widen(&t->columns.items[column], CELL_EMPTY);
        line++;
        t->row_count++;
        TRY(vector_push(&t->starts, start));
    }
    return vector_push(&t->starts, t->cells.count);
}

/* ---- NDJSON ---- */

static status json_cell(json_t *value, const char *name, size_t line, cell *out)
{
    cell c = {.kind = CELL_EMPTY};
    switch (json_typeof(value)) {
    case JSON_NULL: break;
    case JSON_TRUE:
    case JSON_FALSE:
        c.kind = CELL_BOOL;
        c.integer = json_is_true(value);
        c.text = bytes_text(json_is_true(value) ? "true" : "false");
        break;
    case JSON_INTEGER:
        c.kind = CELL_INT;
        c.integer = json_integer_value(value);
        c.real = (double)c.integer;
        break;
    case JSON_REAL:
        c.kind = CELL_DOUBLE;
        c.real = json_real_value(value);
        break;
    case JSON_STRING:
        c.kind = CELL_STRING;
        c.text = bytes_of(json_string_value(value), json_string_length(value));
        break;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return fail(ATOLL_ERROR_NOT_SUPPORTED,
                    "line %zu: not supported yet: an object or array as \"%s\"", line, name);
    }
    *out = c;
    return ATOLL_OK;
}

static status json_row(table *t, json_t *root, size_t line)
{
    const char *name;
    json_t *value;
    size_t start = t->cells.count;
    json_object_foreach(root, name, value)
    {
        size_t column;
        cell c;
        TRY(column_named(t, name, &column));
        TRY(json_cell(value, name, line, &c));
        TRY(put_cell(t, start, column, c));
    }
    for (size_t i = 0; i < t->columns.count; i++) {
        widen(&t->columns.items[i],
              start + i < t->cells.count ? t->cells.items[start + i].kind : CELL_EMPTY);
    }
    t->row_count++;
    return vector_push(&t->starts, start);
}

static status read_ndjson(table *t)
{
    const char *at = (const char *)t->content.data, *end = at + t->content.size;
    for (size_t line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t size = stop == NULL ? (size_t)(end - at) : (size_t)(stop - at);
        bool blank = true;
        for (size_t i = 0; i < size; i++)
            blank = blank && (at[i] == ' ' || at[i] == '\r' || at[i] == '\t');
        if (!blank) {
            json_error_t problem;
            json_t *root = json_loadb(at, size, JSON_REJECT_DUPLICATES, &problem);
            if (root == NULL)
                return fail(ATOLL_ERROR_INVALID_ARGUMENT, "line %zu column %d: %s", line,
                            problem.column, problem.text);
            status result = vector_push(&t->roots, (void *)root);
            if (result != ATOLL_OK) {
                json_decref(root);
                return result;
            }
            if (!json_is_object(root))
                return fail(ATOLL_ERROR_INVALID_ARGUMENT, "line %zu: expected an object", line);
            TRY(json_row(t, root, line));
        }
        at += size + 1;
    }
    return vector_push(&t->starts, t->cells.count);
}

/* ---- both ---- */

/* A column of mixed kinds is text: numbers in JSON need one. */
static status spell_out(table *t, size_t index)
{
    for (size_t row = 0; row < t->row_count; row++) {
        cell *c = (cell *)(uintptr_t)table_cell(t, row, index);
        if (c->kind == CELL_EMPTY || c->text.data != NULL) continue;
        json_t *text = c->kind == CELL_INT ? json_sprintf("%lld", (long long)c->integer)
                                           : json_sprintf("%.17g", c->real);
        if (text == NULL)
            return fail(ATOLL_ERROR_OUT_OF_MEMORY, "out of memory while reading a column");
        c->text = bytes_of(json_string_value(text), json_string_length(text));
        status result = vector_push(&t->roots, (void *)text);
        if (result != ATOLL_OK) {
            json_decref(text);
            return result;
        }
    }
    return ATOLL_OK;
}

status table_read(const char *path, bool csv, table *out)
{
    table t = {0};
    buffer_init(&t.content, TABLE_SIZE_MAX + 8192);
    status result = file_read(path, TABLE_SIZE_MAX, &t.content);
    if (result == ATOLL_OK) {
        result = csv ? read_csv(&t) : read_ndjson(&t);
        if (result != ATOLL_OK) result = fail_context(result, "%s: ", path);
    }
    for (size_t i = 0; i < t.columns.count && result == ATOLL_OK; i++) {
        if (t.columns.items[i].kind == CELL_STRING) result = spell_out(&t, i);
    }
    if (result != ATOLL_OK)
        table_free(&t);
    else
        *out = t;
    return result;
}

void table_free(table *t)
{
    for (size_t i = 0; i < t->columns.count; i++) memory_free(t->columns.items[i].name);
    for (size_t i = 0; i < t->roots.count; i++) json_decref(t->roots.items[i]);
    vector_free(&t->columns);
    vector_free(&t->cells);
    vector_free(&t->starts);
    vector_free(&t->roots);
    buffer_free(&t->content);
}

const cell *table_cell(const table *t, size_t row, size_t column)
{
    static const cell empty = {.kind = CELL_EMPTY};
    size_t at = t->starts.items[row] + column;
    return at < t->starts.items[row + 1] ? &t->cells.items[at] : &empty;
}
