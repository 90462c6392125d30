/* The canonical text of a bound query: `age < 3`, `a == "x" and b == 1`, `!(...)`, TRUEPREDICATE; arguments filled in.
 * It must never lose a difference that matters: the text parses back to a tree that matches the same rows.
 * Invariant: programs compare these texts byte for byte, so a form once written is not changed. */
#include "query/query_internal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static status put(buffer *to, const char *text)
{
    return buffer_append(to, text, strlen(text));
}

static status put_string(buffer *to, bytes text)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    TRY(put(to, "\""));
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        const char *found = byte == 0 ? NULL : strchr(escaped, byte);
        if (found != NULL) {
            char pair[2] = {'\\', names[found - escaped]};
            TRY(buffer_append(to, pair, 2));
        } else if (byte < 0x20) {
            char code[8];
            snprintf(code, sizeof code, "\\u%04x", byte);
            TRY(put(to, code));
        } else {
            TRY(buffer_append_byte(to, byte));
        }
    }
    return put(to, "\"");
}

static status put_double(buffer *to, double real)
{
    char text[40];
    if (isnan(real)) return put(to, "nan");
    if (isinf(real)) return put(to, real < 0 ? "-inf" : "inf");
    if (real == 0)
        return put(to, "0"); /* Both zeros are equal, and -0 would read back as the integer 0. */
    /* The shortest of the three that reads back as the same number. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real) break;
    }
    for (char *at = text; *at != 0; at++) {
        if (*at == ',') *at = '.'; /* the host program's locale */
    }
    return put(to, text);
}

/* In a form that reads back as a number: NaN and infinity have words of their own, and more digits than an integer has
 * need a point. */
static status put_decimal(buffer *to, const value *v)
{
    char text[DECIMAL_TEXT_SIZE];
    decimal d = value_as_decimal(v);
    if (value_is_nan(v) || decimal_is_infinite(&d)) return put_double(to, decimal_to_double(&d));
    size_t size = decimal_print(&d, text);
    TRY(put(to, text));
    if (strcmp(text, "-0") == 0) return put(to, ".0"); /* As an integer it would lose its sign. */
    bool long_integer = size > 18 && strpbrk(text, ".E") == NULL;
    return long_integer ? put(to, ".") : ATOLL_OK;
}

static status put_id(buffer *to, const uint8_t *id, size_t size)
{
    TRY(put(to, size == 16 ? "uuid(" : "oid("));
    for (size_t i = 0; i < size; i++) {
        char pair[4];
        bool dash = size == 16 && (i == 4 || i == 6 || i == 8 || i == 10);
        snprintf(pair, sizeof pair, "%s%02x", dash ? "-" : "", id[i]);
        TRY(put(to, pair));
    }
    return put(to, ")");
}

static status put_value(buffer *to, const value *v)
{
    char text[64];
    switch (v->type) {
    case VALUE_NULL: return put(to, "NULL");
    case VALUE_BOOL: return put(to, v->as.boolean ? "true" : "false");
    case VALUE_INT:
        snprintf(text, sizeof text, "%lld", (long long)v->as.integer);
        return put(to, text);
    case VALUE_FLOAT:
    case VALUE_DOUBLE: return put_double(to, v->as.real);
    case VALUE_DECIMAL: return put_decimal(to, v);
    case VALUE_STRING: return put_string(to, v->as.text);
    case VALUE_BINARY:
        TRY(put(to, "B64\""));
        TRY(base64_append(to, v->as.text));
        return put(to, "\"");
    case VALUE_TIMESTAMP:
        snprintf(text, sizeof text, "T%lld:%d", (long long)v->as.timestamp.seconds,
                 v->as.timestamp.nanoseconds);
        return put(to, text);
    case VALUE_UUID: return put_id(to, v->as.id, 16);
    case VALUE_OBJECT_ID: return put_id(to, v->as.id, 12);
    case VALUE_LINK:
    case VALUE_EMBEDDED:
        snprintf(text, sizeof text, "O%llu", (unsigned long long)v->as.row);
        return put(to, text);
    case VALUE_TYPED_LINK:
        snprintf(text, sizeof text, "L%u:%llu", (unsigned)v->as.link.class_of,
                 (unsigned long long)v->as.link.row);
        return put(to, text);
    default: break;
    }
    return fail(ATOLL_ERROR_INTERNAL, "a query cannot hold a list as a value");
}

status query_write_name(buffer *to, bytes name)
{
    static const char blanks[] = " \t\n\r", names[] = " tnr";
    for (size_t i = 0; i < name.size; i++) {
        const char *found = name.data[i] == 0 ? NULL : strchr(blanks, name.data[i]);
        if (found == NULL) {
            TRY(buffer_append_byte(to, name.data[i]));
        } else {
            char pair[2] = {'\\', names[found - blanks]};
            TRY(buffer_append(to, pair, 2));
        }
    }
    return ATOLL_OK;
}

static status put_number(buffer *to, const char *form, uint64_t number)
{
    char text[64];
    snprintf(text, sizeof text, form, (unsigned long long)number);
    return put(to, text);
}

static status put_selector(buffer *to, const selector *s)
{
    switch (s->kind) {
    case SELECT_EACH: return put(to, "[*]");
    case SELECT_FIRST: return put(to, "[FIRST]");
    case SELECT_LAST: return put(to, "[LAST]");
    case SELECT_KEYS: return put(to, ".@keys");
    case SELECT_INDEX: return put_number(to, "[%llu]", s->index);
    case SELECT_KEY: break;
    case SELECT_ARGUMENT: return put_number(to, "[$%llu]", s->index);
    }
    TRY(put(to, "["));
    TRY(put_string(to, s->key));
    return put(to, "]");
}

static status put_step(buffer *to, const path_step *s)
{
    if (s->kind == STEP_BACKLINKS) return put(to, "@links");
    if (s->kind == STEP_BACKLINK) {
        TRY(put(to, "@links."));
        TRY(query_write_name(to, s->class_name));
        TRY(put(to, "."));
    }
    TRY(query_write_name(to, s->name));
    for (size_t i = 0; i < s->selector_count; i++) TRY(put_selector(to, &s->selectors[i]));
    return ATOLL_OK;
}

static status put_path(buffer *to, const operand *o)
{
    static const char *const posts[] = {"",      ".@count", ".@type", ".@min",
                                        ".@max", ".@sum",   ".@avg"};
    bool first = o->variable.size == 0;
    TRY(query_write_name(to, o->variable));
    for (size_t i = 0; i < o->step_count; i++) {
        bool behind = o->aggregated && i + 1 == o->step_count;
        if (behind) TRY(put(to, posts[o->post]));
        if (!first) TRY(put(to, "."));
        TRY(put_step(to, &o->steps[i]));
        first = false;
    }
    return o->aggregated || o->kind == OPERAND_SUBQUERY ? ATOLL_OK : put(to, posts[o->post]);
}

static status put_object(buffer *to, const operand *o)
{
    TRY(put(to, "obj("));
    TRY(put_string(to, o->class_name));
    TRY(put(to, ", "));
    TRY(put_value(to, &o->constant));
    return put(to, ")");
}

static status put_constants(buffer *to, const operand *o)
{
    TRY(put(to, "{"));
    for (size_t i = 0; i < o->item_count; i++) {
        bool object = o->has_objects && o->items[i].kind == OPERAND_OBJECT;
        if (i > 0) TRY(put(to, ", "));
        TRY(object ? put_object(to, &o->items[i]) : put_value(to, &o->constants[i]));
    }
    return put(to, "}");
}

static status put_operand(buffer *to, const operand *o);

/* In arithmetic 1.0 is not 1: it makes a division one of doubles. */
static status put_part(buffer *to, const operand *o)
{
    size_t before = to->size;
    bool real = o->kind == OPERAND_CONSTANT && o->constant.type == VALUE_DOUBLE;
    if (real && o->constant.as.real == 0)
        return put(to, signbit(o->constant.as.real) ? "-0.0" : "0.0");
    TRY(put_operand(to, o));
    if (!real) return ATOLL_OK;
    for (size_t i = before; i < to->size; i++) {
        if (strchr(".ein", to->data[i]) != NULL) return ATOLL_OK;
    }
    return put(to, ".0");
}

static status put_arithmetic(buffer *to, const operand *o)
{
    TRY(put(to, "("));
    for (size_t i = 0; i < o->item_count; i++) {
        char sign[] = {' ', o->operators[i], ' ', 0};
        if (i > 0) TRY(put(to, sign));
        TRY(put_part(to, &o->items[i]));
    }
    return put(to, ")");
}

static status put_subquery(buffer *to, const operand *o)
{
    TRY(put(to, "SUBQUERY("));
    TRY(put_path(to, o));
    TRY(put(to, ", "));
    TRY(query_write_name(to, o->inner_variable));
    TRY(put(to, ", "));
    TRY(query_write_node(to, o->predicate));
    return put(to, ").@count");
}

static status put_point(buffer *to, const double *numbers)
{
    TRY(put(to, "["));
    TRY(put_double(to, numbers[0]));
    TRY(put(to, ", "));
    TRY(put_double(to, numbers[1]));
    return put(to, "]");
}

static status put_ring(buffer *to, const double *numbers, size_t count)
{
    TRY(put(to, "{"));
    for (size_t i = 0; i < count; i++) {
        if (i > 0) TRY(put(to, ", "));
        TRY(put_point(to, numbers + 2 * i));
    }
    return put(to, "}");
}

static status put_shape(buffer *to, const operand *o)
{
    static const char *const names[] = {"geoBox(", "geoCircle(", "geoPolygon("};
    const double *numbers = o->shape->numbers;
    TRY(put(to, names[o->shape->kind]));
    if (o->shape->kind == SHAPE_POLYGON) {
        for (size_t i = 0; i < o->ring_count; i++) {
            if (i > 0) TRY(put(to, ", "));
            TRY(put_ring(to, numbers, o->ring_sizes[i]));
            numbers += 2 * o->ring_sizes[i];
        }
        return put(to, ")");
    }
    TRY(put_point(to, numbers));
    TRY(put(to, ", "));
    TRY(o->shape->kind == SHAPE_BOX ? put_point(to, numbers + 2) : put_double(to, numbers[2]));
    return put(to, ")");
}

static status put_operand(buffer *to, const operand *o)
{
    static const char *const quantifiers[] = {"", "ANY ", "ALL ", "NONE "};
    TRY(put(to, quantifiers[o->quantifier]));
    switch (o->kind) {
    case OPERAND_CONSTANT:
        if (!o->stays_double) return put_value(to, &o->constant);
        /* A number alone would be read as a float; a sum is not one as written. */
        TRY(put(to, "("));
        TRY(put_value(to, &o->constant));
        return put(to, " + 0.0)");
    case OPERAND_CONSTANTS: return put_constants(to, o);
    case OPERAND_OBJECT: return put_object(to, o);
    case OPERAND_ARITHMETIC: return put_arithmetic(to, o);
    case OPERAND_SUBQUERY: return put_subquery(to, o);
    case OPERAND_SHAPE: return put_shape(to, o);
    case OPERAND_ARGUMENT:
    case OPERAND_PATH: break;
    }
    return put_path(to, o);
}

static status put_comparison(buffer *to, const node *n)
{
    static const char *const signs[] = {"==", "!=",         "<",        "<=",       ">",
                                        ">=", "BEGINSWITH", "ENDSWITH", "CONTAINS", "LIKE"};
    TRY(put_operand(to, &n->left));
    TRY(put(to, " "));
    TRY(put(to, n->kind == NODE_GEO    ? "GEOWITHIN"
                : n->kind == NODE_TEXT ? "TEXT"
                : n->between           ? "BETWEEN"
                : n->in                ? "IN"
                                       : signs[n->comparison]));
    TRY(put(to, n->fold ? "[c] " : " "));
    return put_operand(to, &n->right);
}

static status put_chain(buffer *to, const node *n, const char *between)
{
    for (size_t i = 0; i < n->child_count; i++) {
        if (i > 0) TRY(put(to, between));
        TRY(query_write_node(to, n->children[i]));
    }
    return ATOLL_OK;
}

status query_write_node(buffer *to, const node *n)
{
    switch (n->kind) {
    case NODE_TRUE: return put(to, "TRUEPREDICATE");
    case NODE_FALSE: return put(to, "FALSEPREDICATE");
    case NODE_COMPARE:
    case NODE_GEO:
    case NODE_TEXT: return put_comparison(to, n);
    case NODE_AND: return put_chain(to, n, " and ");
    case NODE_OR:
        TRY(put(to, "("));
        TRY(put_chain(to, n, " or "));
        return put(to, ")");
    case NODE_NOT:
        TRY(put(to, "!("));
        TRY(query_write_node(to, n->children[0]));
        return put(to, ")");
    }
    return fail(ATOLL_ERROR_INTERNAL, "a node of the query has no kind");
}

static status put_suffix(buffer *to, const suffix *s)
{
    if (s->kind == SUFFIX_LIMIT) return put_number(to, " LIMIT(%llu)", s->limit);
    if (s->kind == SUFFIX_FILTER) {
        TRY(put(to, " FILTER("));
        TRY(query_write_node(to, s->predicate));
        return put(to, ")");
    }
    TRY(put(to, s->kind == SUFFIX_SORT ? " SORT(" : " DISTINCT("));
    for (size_t k = 0; k < s->key_count; k++) {
        if (k > 0) TRY(put(to, ", "));
        TRY(put_operand(to, &s->keys[k].path));
        if (s->kind == SUFFIX_SORT) TRY(put(to, s->keys[k].descending ? " DESC" : " ASC"));
    }
    return put(to, ")");
}

status query_write_suffixes(buffer *to, const tree *t)
{
    for (size_t i = 0; i < t->suffix_count; i++) TRY(put_suffix(to, &t->suffixes[i]));
    return ATOLL_OK;
}

status query_write_text(query *q)
{
    /* Arguments may be long; what they fill in is bounded by the values' own limit. */
    buffer text;
    buffer_init(&text, (size_t)1 << 31);
    status result = ATOLL_OK;
    TRY_GOTO(query_write_node(&text, q->tree.root));
    TRY_GOTO(query_write_suffixes(&text, &q->tree));
    TRY_GOTO(query_arena_copy(&q->memory, buffer_view(&text), &q->text));
done:
    buffer_free(&text);
    return result;
}
