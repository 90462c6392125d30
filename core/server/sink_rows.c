/* Ingested objects as lines of COPY: JSON read by jansson, each value as its column takes it.
 * Must never: leave out a value silently; what its column can't hold is null there and kept in _atoll_object.
 * Invariant: a line that failed leaves nothing in the batch. */
#include "server/sink.h"

#include <jansson.h>
#include <stdio.h>

/* Base64 becomes hexadecimal, an escape two bytes, and the whole object may follow once more. */
#define ROWS_SIZE_MAX ((size_t)1 << 30)
#define TIMESTAMP_SIZE 30 /* of years 0000 to 9999: 2026-01-31T23:59:59.123456789Z */

static status put_text(buffer *to, const char *text)
{
    return buffer_append(to, text, strlen(text));
}

/* Text of the COPY format: a backslash, a tab and line breaks are escaped. */
static status put_escaped(buffer *to, const char *text, size_t size)
{
    size_t from = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c != '\\' && c != '\t' && c != '\n' && c != '\r') continue;
        char two[2] = {'\\', (char)(c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\\')};
        TRY(buffer_append(to, text + from, i - from));
        TRY(buffer_append(to, two, 2));
        from = i + 1;
    }
    return buffer_append(to, text + from, size - from);
}

static int base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

static status put_binary(buffer *to, const char *text, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    uint32_t bits = 0;
    int held = 0;
    TRY(put_text(to, "\\\\x"));
    for (size_t i = 0; i < size && text[i] != '='; i++) {
        bits = bits << 6 | (uint32_t)base64_digit(text[i]);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        uint8_t byte = (uint8_t)(bits >> held);
        TRY(buffer_append_byte(to, (uint8_t)hex[byte >> 4]));
        TRY(buffer_append_byte(to, (uint8_t)hex[byte & 15]));
    }
    return ATOLL_OK;
}

/* Microseconds are what a column holds; *fits: the year does. */
static status put_timestamp(buffer *to, const char *text, size_t size, bool *fits)
{
    *fits = size == TIMESTAMP_SIZE && memcmp(text, "0000", 4) != 0;
    if (!*fits) return ATOLL_OK;
    TRY(buffer_append(to, text, size - 4));
    return buffer_append_byte(to, 'Z');
}

/* A NUL character, which jsonb refuses, as JSON writes it. */
static bool has_nul(const uint8_t *text, size_t size)
{
    for (size_t i = 0; i + 5 < size; i++) {
        if (text[i] != '\\') continue;
        if (memcmp(text + i + 1, "u0000", 5) == 0) return true;
        i++; /* an escaped backslash begins nothing */
    }
    return false;
}

static status put_json(buffer *to, const json_t *v, bool *fits)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    size_t size = json_dumpb(v, NULL, 0, flags);
    char *text = memory_allocate(size);
    if (size == 0 || text == NULL) {
        memory_free(text);
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "out of memory: JSON for PostgreSQL");
    }
    json_dumpb(v, text, size, flags);
    *fits = !has_nul((const uint8_t *)text, size);
    status result = *fits ? put_escaped(to, text, size) : ATOLL_OK;
    memory_free(text);
    return result;
}

static status put_string(buffer *to, value_type type, const json_t *v, bool *fits)
{
    const char *text = json_string_value(v);
    size_t size = json_string_length(v);
    if (type == VALUE_BINARY) return put_binary(to, text, size);
    if (type == VALUE_TIMESTAMP) return put_timestamp(to, text, size, fits);
    *fits = memchr(text, 0, size) == NULL;
    return *fits ? put_escaped(to, text, size) : ATOLL_OK;
}

/* type: of the property, or of the key of what it links to. *fits false: nothing was written. */
static status put_value(buffer *to, const model_property *p, value_type type, const json_t *v,
                        bool *fits)
{
    char number[64];
    if (sink_column_is_json(p)) return put_json(to, v, fits);
    switch (json_typeof(v)) {
    case JSON_TRUE: return put_text(to, "t");
    case JSON_FALSE: return put_text(to, "f");
    case JSON_STRING: return put_string(to, type, v, fits);
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        return put_text(to, number);
    case JSON_REAL:
        snprintf(number, sizeof number, "%.17g", json_real_value(v));
        return put_text(to, number);
    default: break;
    }
    *fits = false;
    return ATOLL_OK;
}

static value_type column_type(const model_schema *schema, const model_property *p)
{
    const model_class *target = p->type == VALUE_LINK ? schema_class(schema, p->target) : NULL;
    const model_property *key = target == NULL ? NULL : class_property(target, target->primary_key);
    return key == NULL ? p->type : key->type;
}

static status put_columns(sink_batch *b, sink_rows *rows, const json_t *object, bool *whole)
{
    size_t met = 0;
    *whole = !json_is_object(object);
    for (size_t i = 0; i < rows->of->property_count; i++) {
        const model_property *p = &rows->of->properties[i];
        const json_t *v = json_object_get(object, p->name);
        bool fits = true;
        size_t before = rows->lines.size;
        met += v != NULL;
        TRY(buffer_append_byte(&rows->lines, '\t'));
        if (v != NULL && !json_is_null(v))
            TRY(put_value(&rows->lines, p, column_type(b->schema, p), v, &fits));
        if (!fits) rows->lines.size = before + 1;
        if (v == NULL || json_is_null(v) || !fits) TRY(put_text(&rows->lines, "\\N"));
        *whole |= !fits;
    }
    *whole |= met < json_object_size(object);
    return ATOLL_OK;
}

/* The text of the object within its line. */
static bytes object_text(bytes line)
{
    static const char mark[] = ",\"object\":";
    const uint8_t *at = memmem(line.data, line.size, mark, sizeof mark - 1);
    if (at == NULL) return bytes_text("null");
    at += sizeof mark - 1;
    return bytes_of(at, (size_t)(line.data + line.size - at) - 2); /* without "}\n" */
}

static status put_row(sink_batch *b, sink_rows *rows, const json_t *root, bytes line)
{
    char head[96];
    bool whole = false;
    snprintf(head, sizeof head,
             "%" JSON_INTEGER_FORMAT "\t%" JSON_INTEGER_FORMAT "\t%" JSON_INTEGER_FORMAT,
             json_integer_value(json_object_get(root, "position")),
             json_integer_value(json_object_get(root, "ident")),
             json_integer_value(json_object_get(root, "sequence")));
    TRY(put_text(&rows->lines, head));
    TRY(put_columns(b, rows, json_object_get(root, "object"), &whole));
    TRY(buffer_append_byte(&rows->lines, '\t'));
    bytes object = object_text(line);
    TRY(whole ? put_escaped(&rows->lines, (const char *)object.data, object.size)
              : put_text(&rows->lines, "\\N"));
    return buffer_append_byte(&rows->lines, '\n');
}

static status find_rows(sink_batch *b, const char *name, sink_rows **out)
{
    const model_class *c = schema_class_named(b->schema, bytes_text(name));
    if (c == NULL) return fail(ATOLL_ERROR_UNKNOWN_CLASS, "ingest: there is no class \"%s\"", name);
    for (size_t i = 0; i < b->classes.count; i++) {
        if (b->classes.items[i]->of != c) continue;
        *out = b->classes.items[i];
        return ATOLL_OK;
    }
    sink_rows *rows = memory_allocate_zero(sizeof *rows);
    if (rows == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    rows->of = c;
    buffer_init(&rows->lines, ROWS_SIZE_MAX);
    if (vector_push(&b->classes, rows) != ATOLL_OK) {
        memory_free(rows);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    *out = rows;
    return ATOLL_OK;
}

status sink_batch_add(sink_batch *b, bytes line)
{
    json_error_t error;
    sink_rows *rows = NULL;
    json_t *root = json_loadb((const char *)line.data, line.size, JSON_ALLOW_NUL, &error);
    if (root == NULL)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "an ingested object is no JSON, at column %d: %s",
                    error.column, error.text);
    const char *name = json_string_value(json_object_get(root, "class"));
    status result = find_rows(b, name == NULL ? "" : name, &rows);
    if (result == ATOLL_OK) {
        size_t before = rows->lines.size;
        result = put_row(b, rows, root, line);
        if (result != ATOLL_OK) {
            rows->lines.size = before;
        } else {
            rows->count++;
            b->count++;
            b->size += rows->lines.size - before;
        }
    }
    json_decref(root);
    return result;
}

void sink_batch_free(sink_batch *b)
{
    for (size_t i = 0; i < b->classes.count; i++) {
        buffer_free(&b->classes.items[i]->lines);
        memory_free(b->classes.items[i]);
    }
    vector_free(&b->classes);
    b->size = b->count = 0;
}
