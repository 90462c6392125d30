/* Ingest: asymmetric objects become lines of an append-only record, once each, in order per device.
 * It must never store an object whose sequence is at or below the device's mark. Invariant: objects and mark change in the same
 * commit. */
#include "base/calendar.h"
#include "base/real.h"
#include "server/app.h"
#include "sync/breakage.h"

#include <math.h>
#include <stdio.h>

/* A byte of text may become six in JSON. */
enum {
    LINE_SIZE_MAX = 6 * LIMIT_PAYLOAD_SIZE_MAX + (1 << 20),
    DEPTH_MAX = LIMIT_PAYLOAD_DEPTH_MAX,
    RECORD_TARGET = 64 << 10 /* lines of one message stand together in records of about this size */
};

typedef struct line_writer {
    buffer *to; /* the record: whole lines, and the one that is being made */
    const wire_upload *upload;
    const model_schema *schema;
    char at[INGEST_TIME_SIZE]; /* when they came */
} line_writer;

static status put_text(buffer *to, const char *text)
{
    return buffer_append(to, text, strlen(text));
}

static status put_escape(buffer *to, uint8_t c)
{
    char escape[8];
    if (c == '"' || c == '\\')
        snprintf(escape, sizeof escape, "\\%c", c);
    else
        snprintf(escape, sizeof escape, "\\u%04x", c);
    return put_text(to, escape);
}

static status put_string(buffer *to, bytes text)
{
    size_t begun = 0;
    TRY(buffer_append_byte(to, '"'));
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        TRY(buffer_append(to, text.data + begun, i - begun));
        TRY(put_escape(to, c));
        begun = i + 1;
    }
    if (begun < text.size) TRY(buffer_append(to, text.data + begun, text.size - begun));
    return buffer_append_byte(to, '"');
}

static status put_base64(buffer *to, bytes data)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    TRY(buffer_append_byte(to, '"'));
    for (size_t i = 0; i < data.size; i += 3) {
        uint32_t left = (uint32_t)(data.size - i), x = (uint32_t)data.data[i] << 16;
        if (left > 1) x |= (uint32_t)data.data[i + 1] << 8;
        if (left > 2) x |= data.data[i + 2];
        char four[4] = {digits[x >> 18], digits[x >> 12 & 63], '=', '='};
        if (left > 1) four[2] = digits[x >> 6 & 63];
        if (left > 2) four[3] = digits[x & 63];
        TRY(buffer_append(to, four, 4));
    }
    return buffer_append_byte(to, '"');
}

void ingest_time_text(int64_t ms, char text[INGEST_TIME_SIZE])
{
    int64_t days = ms >= 0 ? ms / 86400000 : -((86399999 - ms) / 86400000), year;
    int64_t rest = ms - days * 86400000;
    unsigned month, day;
    char all[96];
    calendar_date(days, &year, &month, &day);
    snprintf(all, sizeof all, "%04lld-%02u-%02uT%02lld:%02lld:%02lld.%03lldZ", (long long)year,
             month, day, (long long)(rest / 3600000), (long long)(rest / 60000 % 60),
             (long long)(rest / 1000 % 60), (long long)(rest % 1000));
    memcpy(text, all, INGEST_TIME_SIZE - 1); /* Years of more digits are nobody's present. */
    text[INGEST_TIME_SIZE - 1] = 0;
}

static status put_timestamp(buffer *to, const value *v)
{
    int64_t seconds = v->as.timestamp.seconds, nanoseconds = v->as.timestamp.nanoseconds;
    if (nanoseconds < 0) {
        nanoseconds += 1000000000;
        seconds--;
    }
    int64_t days = seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400),
            rest = seconds - days * 86400, year;
    unsigned month, day;
    char text[96];
    calendar_date(days, &year, &month, &day);
    snprintf(text, sizeof text, "\"%04lld-%02u-%02uT%02lld:%02lld:%02lld.%09lldZ\"",
             (long long)year, month, day, (long long)(rest / 3600), (long long)(rest / 60 % 60),
             (long long)(rest % 60), (long long)nanoseconds);
    return put_text(to, text);
}

static status put_hex(buffer *to, const uint8_t *id, int size, bool dashes)
{
    char text[64];
    int at = snprintf(text, sizeof text, "\"");
    for (int i = 0; i < size; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10)) text[at++] = '-';
        at += snprintf(text + at, sizeof text - (size_t)at, "%02x", id[i]);
    }
    text[at++] = '"';
    return buffer_append(to, text, (size_t)at);
}

static status put_real(buffer *to, const value *v)
{
    char text[64];
    if (!isfinite(v->as.real))
        return put_text(to, isnan(v->as.real) ? "\"NaN\""
                            : v->as.real > 0  ? "\"Infinity\""
                                              : "\"-Infinity\"");
    if (v->type == VALUE_DOUBLE) return buffer_append(to, text, real_print(v->as.real, text));
    snprintf(text, sizeof text, "%.9g", v->as.real);
    return put_text(to, text);
}

/* A string: few readers of JSON keep 34 digits of a number. */
static status put_decimal(buffer *to, const value *v)
{
    char text[DECIMAL_TEXT_SIZE + 2] = "\"";
    decimal d = value_as_decimal(v);
    size_t size = decimal_print(&d, text + 1);
    text[size + 1] = '"';
    return buffer_append(to, text, size + 2);
}

static status put_number(buffer *to, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return buffer_append(to, digits + at, sizeof digits - at);
}

static status put_integer(buffer *to, int64_t number)
{
    if (number >= 0) return put_number(to, (uint64_t)number);
    TRY(buffer_append_byte(to, '-'));
    return put_number(to, 0 - (uint64_t)number);
}

static status put_plain(buffer *to, const value *v)
{
    switch (v->type) {
    case VALUE_NULL: return put_text(to, "null");
    case VALUE_BOOL: return put_text(to, v->as.boolean ? "true" : "false");
    case VALUE_INT: return put_integer(to, v->as.integer);
    case VALUE_DOUBLE:
    case VALUE_FLOAT: return put_real(to, v);
    case VALUE_DECIMAL: return put_decimal(to, v);
    case VALUE_STRING: return put_string(to, v->as.text);
    case VALUE_BINARY: return put_base64(to, v->as.text);
    case VALUE_TIMESTAMP: return put_timestamp(to, v);
    case VALUE_UUID: return put_hex(to, v->as.id, 16, true);
    case VALUE_OBJECT_ID: return put_hex(to, v->as.id, 12, false);
    default: break;
    }
    return put_text(to, "null");
}

static status put_object(line_writer *w, wire_rows *rows, size_t i, int depth);
static status put_column(line_writer *w, const wire_column *column, size_t entry, int depth);

/* What a list or dictionary in a mixed value holds: the one collection of its row. */
static status put_nested(line_writer *w, wire_rows *rows, size_t i, int depth)
{
    size_t entry = 0;
    if (depth > DEPTH_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "an asymmetric object is nested too deeply");
    for (size_t k = 0; k < rows->columns.count; k++) {
        wire_column *column = rows->columns.items[k];
        if (column->list != NULL && wire_column_seek(column, i, &entry))
            return put_column(w, column, entry, depth);
    }
    return put_text(w->to, strcmp(rows->class_name, SCHEMA_HIDDEN_LIST) == 0 ? "[]" : "{}");
}

/* The embedded object or nested collection with this identity, from the same message. */
static status put_embedded(line_writer *w, const uint8_t id[16], int depth)
{
    for (size_t k = 0; k < w->upload->rows.count; k++) {
        wire_rows *rows = w->upload->rows.items[k];
        if (rows->owner_class[0] == '\0' || rows->key.type != VALUE_EMBEDDED) continue;
        for (size_t i = 0; i < rows->count; i++) {
            if (memcmp(rows->key.ids.items + 16 * i, id, 16) != 0) continue;
            const model_class *c = schema_class_named(w->schema, bytes_text(rows->class_name));
            bool nested = c != NULL && schema_class_is_hidden(c);
            return nested ? put_nested(w, rows, i, depth + 1) : put_object(w, rows, i, depth + 1);
        }
    }
    return put_text(w->to, "null");
}

/* A link of a mixed value: its class and key. */
static status put_link(line_writer *w, const value *v)
{
    bytes name;
    value key;
    wire_link_read(v, &name, &key);
    TRY(put_text(w->to, "{\"class\":"));
    TRY(put_string(w->to, name));
    TRY(put_text(w->to, ",\"key\":"));
    TRY(put_plain(w->to, &key));
    return buffer_append_byte(w->to, '}');
}

static status put_value(line_writer *w, const wire_column *column, size_t i, int depth)
{
    value v = wire_column_value(column, i);
    bool held = column->type == VALUE_EMBEDDED && v.type == VALUE_UUID;
    if (held || v.type == VALUE_LIST || v.type == VALUE_DICTIONARY)
        return put_embedded(w, v.as.id, depth);
    if (v.type == VALUE_TYPED_LINK) return put_link(w, &v);
    return put_plain(w->to, &v);
}

/* Lists and sets as arrays, dictionaries as objects. */
static status put_column(line_writer *w, const wire_column *column, size_t entry, int depth)
{
    const wire_list *l = column->list;
    if (l == NULL) return put_value(w, column, entry, depth);
    bool keys = l->kind == WIRE_DICTIONARY;
    size_t first = l->starts[entry], count = l->counts.items[entry];
    TRY(buffer_append_byte(w->to, keys ? '{' : '['));
    for (size_t i = 0; i < count; i++) {
        size_t at = first + i;
        if (i > 0) TRY(buffer_append_byte(w->to, ','));
        if (keys) {
            TRY(put_string(
                w->to, bytes_of(l->key_heap.items + l->key_offsets[at], l->key_lengths.items[at])));
            TRY(buffer_append_byte(w->to, ':'));
        }
        TRY(put_value(w, column, at, depth));
    }
    return buffer_append_byte(w->to, keys ? '}' : ']');
}

static status put_object(line_writer *w, wire_rows *rows, size_t i, int depth)
{
    const model_class *c = schema_class_named(w->schema, bytes_text(rows->class_name));
    bool first = true;
    if (c == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS,
                    "the upload names the class '%s', which is not in the schema",
                    rows->class_name);
    if (depth > DEPTH_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "an asymmetric object is nested too deeply");
    TRY(buffer_append_byte(w->to, '{'));
    if (c->kind == CLASS_ASYMMETRIC) {
        const model_property *key = class_property(c, c->primary_key);
        value v = wire_column_value(&rows->key, i);
        if (key == NULL || key->type != v.type)
            return fail(ATOLL_ERROR_TYPE_MISMATCH, "the keys of class '%s' have another type",
                        c->name);
        TRY(put_string(w->to, bytes_text(key->name)));
        TRY(buffer_append_byte(w->to, ':'));
        TRY(put_plain(w->to, &v));
        first = false;
    }
    for (size_t k = 0; k < rows->columns.count; k++) {
        const model_property *p = NULL;
        size_t entry = 0;
        if (!wire_column_seek(rows->columns.items[k], i, &entry)) continue;
        TRY(rows_property(w->schema, c, rows->columns.items[k], &p));
        if (p == NULL)
            return fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class '%s' has no property '%s'", c->name,
                        rows->columns.items[k]->property);
        if (!first) TRY(buffer_append_byte(w->to, ','));
        first = false;
        TRY(put_string(w->to, bytes_text(p->name)));
        TRY(buffer_append_byte(w->to, ':'));
        TRY(put_column(w, rows->columns.items[k], entry, depth));
    }
    return buffer_append_byte(w->to, '}');
}

/* Under the position of its last line: a reader seeks the record that has a position. */
static status store_record(server_app *app, model_txn *txn, line_writer *w)
{
    uint8_t key[10] = {'s', 'a'};
    if (w->to->size == 0) return ATOLL_OK;
    key_put_u64(key + 2, app->ingest_position);
    TRY(model_side_put(txn, bytes_of(key, sizeof key), buffer_view(w->to)));
    app->ingest_bytes += w->to->size;
    buffer_clear(w->to);
    return ATOLL_OK;
}

static status put_line(line_writer *w, wire_rows *rows, size_t i, uint64_t position, uint64_t ident)
{
    TRY(put_text(w->to, "{\"position\":"));
    TRY(put_number(w->to, position));
    TRY(put_text(w->to, ",\"ident\":"));
    TRY(put_number(w->to, ident));
    TRY(put_text(w->to, ",\"sequence\":"));
    TRY(put_number(w->to, rows->sequences.items[i]));
    TRY(put_text(w->to, ",\"at\":\""));
    TRY(put_text(w->to, w->at));
    TRY(put_text(w->to, "\",\"class\":"));
    TRY(put_string(w->to, bytes_text(rows->class_name)));
    TRY(put_text(w->to, ",\"object\":"));
    TRY(put_object(w, rows, i, 0));
    return put_text(w->to, "}\n");
}

static status store_line(server_app *app, model_txn *txn, uint64_t ident, line_writer *w,
                         wire_rows *rows, size_t i)
{
    if (w->to->size >= RECORD_TARGET) TRY(store_record(app, txn, w));
    TRY(put_line(w, rows, i, app->ingest_position + 1, ident));
    app->ingest_position++;
    return ATOLL_OK;
}

static status ingest_group(server_app *app, model_txn *txn, uint64_t ident, uint64_t mark,
                           uint64_t *highest, line_writer *w, wire_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        uint64_t sequence = rows->sequences.items[i];
        if (i > 0 && sequence <= rows->sequences.items[i - 1])
            return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                        "sequences of asymmetric objects must ascend");
        if (sequence <= mark || BREAKAGE(BREAKAGE_INGEST_LOST)) continue;
        TRY(store_line(app, txn, ident, w, rows, i));
        if (sequence > *highest) *highest = sequence;
    }
    return ATOLL_OK;
}

/* Objects that the user may not insert count as taken, so that those after them are; each is told. */
static status refuse_group(ident_record *record, const model_class *c, uint64_t *highest,
                           const wire_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        value key = wire_column_value(&rows->key, i);
        if (rows->sequences.items[i] <= *highest) continue;
        *highest = rows->sequences.items[i];
        TRY(ident_reject(record, c->key, &key, rules_no_insert));
    }
    return ATOLL_OK;
}

static bool may_insert(const session_rules *rules, const model_class *c)
{
    const class_rules *x = rules_of(rules, c->key);
    return rules->writes_partition && (!rules->restricts || (x != NULL && x->insert));
}

status ingest_rows(server_app *app, model_txn *txn, uint64_t ident, ident_record *record,
                   const session_rules *rules, const wire_upload *upload)
{
    buffer lines;
    uint64_t highest = record->sequence_mark;
    buffer_init(&lines, LINE_SIZE_MAX + RECORD_TARGET);
    line_writer w = {&lines, upload, model_view_schema(model_txn_view(txn)), {0}};
    ingest_time_text(app_now_ms(app), w.at);
    status result = ATOLL_OK;
    for (size_t k = 0; k < upload->rows.count && result == ATOLL_OK; k++) {
        wire_rows *rows = upload->rows.items[k];
        const model_class *c = schema_class_named(w.schema, bytes_text(rows->class_name));
        if (c == NULL || c->kind != CLASS_ASYMMETRIC) continue;
        if (rows->count > 0 && rows->sequences.count != rows->count) {
            result = fail(ATOLL_ERROR_INVALID_ARGUMENT,
                          "objects of the asymmetric class '%s' come with sequences", c->name);
        } else if (!may_insert(rules, c)) {
            result = refuse_group(record, c, &highest, rows);
        } else {
            result = ingest_group(app, txn, ident, record->sequence_mark, &highest, &w, rows);
        }
    }
    if (result == ATOLL_OK) result = store_record(app, txn, &w);
    buffer_free(&lines);
    if (result == ATOLL_OK) record->sequence_mark = highest;
    return result;
}
