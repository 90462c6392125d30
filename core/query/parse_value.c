/* The values of a query's text: constants, lists, paths with what follows them, SUBQUERY, the shapes of GEOWITHIN.
 * It must never look at the schema, nor at the arguments: `$K0` stays a step of its own until they are known.
 * Invariant: every value that was read starts with a token that can start nothing else, so nothing is read twice. */
#include "query/parser_internal.h"
#include <math.h>

/* ---- paths ---- */

static status parse_selector(parser *p, selector *out)
{
    const token *t = &p->now;
    bool number =
        t->kind == TOKEN_CONSTANT && t->constant.type == VALUE_INT && t->constant.as.integer >= 0;
    *out = (selector){.at = t->at};
    if (number) {
        out->kind = SELECT_INDEX;
        out->index = (uint64_t)t->constant.as.integer;
    } else if (t->kind == TOKEN_CONSTANT && t->constant.type == VALUE_STRING) {
        out->kind = SELECT_KEY;
        out->key = t->constant.as.text;
    } else if (t->kind == TOKEN_ARGUMENT) {
        out->kind = SELECT_ARGUMENT;
        out->index = t->index;
    } else if (token_is_symbol(t, SYMBOL_TIMES)) {
        out->kind = SELECT_EACH;
    } else if (token_is_exact_word(t, "first")) {
        out->kind = SELECT_FIRST;
    } else if (token_is_exact_word(t, "last")) {
        out->kind = SELECT_LAST;
    } else {
        return parser_expected(t, "an index, a key in quotes, FIRST, LAST or *");
    }
    return parser_step(p);
}

/* @keys and @values come behind a dot: they belong to the step that they follow. */
static bool at_keys(const parser *p, selector *out)
{
    if (!token_is_symbol(&p->now, SYMBOL_DOT) || p->ahead.kind != TOKEN_AT) return false;
    bool keys = bytes_equal(p->ahead.text, bytes_text("keys"));
    *out = (selector){.kind = keys ? SELECT_KEYS : SELECT_EACH, .at = p->ahead.at};
    return keys || bytes_equal(p->ahead.text, bytes_text("values"));
}

/* Behind the name of a step: `[3]`, `['key']`, `.@keys`, any number of them; *size told when the last is [SIZE]. */
static status parse_selectors(parser *p, path_step *s, bool *size)
{
    VECTOR(selector) selectors = {0};
    status result = ATOLL_OK;
    for (selector made; !*size;) {
        bool keys = at_keys(p, &made);
        if (!keys && !token_is_symbol(&p->now, SYMBOL_OPEN_BRACKET)) break;
        TRY_GOTO(parser_step(p));
        *size = !keys && token_is_exact_word(&p->now, "size");
        if (keys || *size)
            TRY_GOTO(parser_step(p));
        else
            TRY_GOTO(parse_selector(p, &made));
        if (!*size) TRY_GOTO(vector_push(&selectors, made));
        if (!keys) TRY_GOTO(parser_take(p, SYMBOL_CLOSE_BRACKET, "`]`"));
    }
    s->selector_count = selectors.count;
    TRY_GOTO(parser_keep(p, selectors.items, selectors.count, sizeof *selectors.items,
                         (void **)&s->selectors));
done:
    vector_free(&selectors);
    return result;
}

/* @links.Class.property, or @links alone before @count. */
static status parse_backlink(parser *p, path_step *out)
{
    *out = (path_step){.kind = STEP_BACKLINK, .at = p->now.at};
    TRY(parser_step(p));
    if (!token_is_symbol(&p->now, SYMBOL_DOT))
        return parser_expected(&p->now, "`.` and the class that links here, or .@count");
    if (p->ahead.kind == TOKEN_AT) {
        out->kind = STEP_BACKLINKS;
        return ATOLL_OK;
    }
    TRY(parser_step(p));
    if (p->now.kind != TOKEN_WORD) return parser_expected(&p->now, "the name of a class");
    out->class_name = p->now.text;
    TRY(parser_step(p));
    TRY(parser_take(p, SYMBOL_DOT, "`.` and the property that links here"));
    if (p->now.kind != TOKEN_WORD) return parser_expected(&p->now, "the name of a property");
    out->name = p->now.text;
    return parser_step(p);
}

static bool is_path_argument(bytes word, uint64_t *index)
{
    if (word.size < 3 || word.size > 8 || memcmp(word.data, "$K", 2) != 0) return false;
    *index = 0;
    for (size_t i = 2; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') return false;
        *index = *index * 10 + (uint64_t)(word.data[i] - '0');
    }
    return true;
}

static status parse_step(parser *p, path_step *out, bool *size)
{
    if (p->now.kind == TOKEN_AT && bytes_equal(p->now.text, bytes_text("links")))
        return parse_backlink(p, out);
    if (p->now.kind != TOKEN_WORD) return parser_expected(&p->now, "the name of a property");
    *out = (path_step){.name = p->now.text, .at = p->now.at};
    if (is_path_argument(out->name, &out->argument)) out->kind = STEP_ARGUMENT;
    TRY(parser_step(p));
    return parse_selectors(p, out, size);
}

/* `$x` before the path, where x is the variable of the SUBQUERY around it. */
static status parse_variable(parser *p, operand *o)
{
    bytes word = p->now.text;
    if (p->now.kind != TOKEN_WORD || word.size == 0 || word.data[0] != '$') return ATOLL_OK;
    for (const variable_scope *s = p->scope; s != NULL; s = s->outer) {
        if (!bytes_equal(s->name, word)) continue;
        if (s != p->scope)
            return parser_expected(&p->now, "the variable of the innermost SUBQUERY");
        o->variable = word;
        return parser_step(p);
    }
    return ATOLL_OK;
}

/* Whether another step follows the dot that is read next; @count and the like end the path. */
static bool step_follows(const parser *p)
{
    bool name = p->ahead.kind == TOKEN_WORD ||
                (p->ahead.kind == TOKEN_AT && bytes_equal(p->ahead.text, bytes_text("links")));
    return token_is_symbol(&p->now, SYMBOL_DOT) && (name || p->ahead.kind != TOKEN_AT);
}

status query_path_too_long(position at)
{
    return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                "a path of the query has more than %d names and indexes at %u:%u",
                LIMIT_QUERY_PATH_MAX, at.line, at.column);
}

status parse_path(parser *p, operand *o)
{
    VECTOR(path_step) steps = {0};
    status result = ATOLL_OK;
    size_t parts = 0;
    bool size = false;
    o->kind = OPERAND_PATH;
    o->at = p->now.at;
    TRY(parse_variable(p, o));
    bool more = o->variable.size == 0 || step_follows(p);
    if (more && o->variable.size != 0) TRY(parser_step(p));
    while (more) {
        path_step made = {0};
        TRY_GOTO(parse_step(p, &made, &size));
        parts += 1 + made.selector_count;
        if (parts > LIMIT_QUERY_PATH_MAX) TRY_GOTO(query_path_too_long(made.at));
        TRY_GOTO(vector_push(&steps, made));
        more = !size && step_follows(p);
        if (more) TRY_GOTO(parser_step(p));
    }
    if (size) o->post = POST_COUNT;
    o->step_count = steps.count;
    TRY_GOTO(parser_keep(p, steps.items, steps.count, sizeof *steps.items, (void **)&o->steps));
done:
    vector_free(&steps);
    return result;
}

static const struct {
    const char *word;
    path_post post;
} posts[] = {
    {"count", POST_COUNT}, {"size", POST_COUNT}, {"type", POST_TYPE},   {"max", POST_MAXIMUM},
    {"min", POST_MINIMUM}, {"sum", POST_SUM},    {"avg", POST_AVERAGE},
};

/* `dogs.@max.age`: the property of the linked objects becomes one more step. */
static status parse_aggregated(parser *p, operand *o)
{
    path_step *steps = query_arena_take(p->memory, (o->step_count + 1) * sizeof *steps);
    bool size = false;
    if (steps == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    TRY(parser_step(p));
    if (o->step_count > 0) memcpy(steps, o->steps, o->step_count * sizeof *steps);
    TRY(parse_step(p, &steps[o->step_count], &size));
    if (size) return parser_expected(&p->now, "a property without [SIZE]");
    o->steps = steps;
    o->step_count++;
    o->aggregated = true;
    return ATOLL_OK;
}

static status parse_post(parser *p, operand *o)
{
    if (o->post == POST_COUNT || !token_is_symbol(&p->now, SYMBOL_DOT)) return ATOLL_OK;
    TRY(parser_step(p));
    for (size_t i = 0; i < sizeof posts / sizeof *posts; i++) {
        if (!bytes_equal(p->now.text, bytes_text(posts[i].word))) continue;
        o->post = posts[i].post;
        TRY(parser_step(p));
        bool property = token_is_symbol(&p->now, SYMBOL_DOT) && p->ahead.kind == TOKEN_WORD;
        return property && o->post >= POST_MINIMUM ? parse_aggregated(p, o) : ATOLL_OK;
    }
    return parser_expected(
        &p->now, "@count, @size, @type, @min, @max, @sum, @avg, @keys, @values or @links");
}

static status parse_full_path(parser *p, operand *o)
{
    TRY(parse_path(p, o));
    return parse_post(p, o);
}

/* ---- SUBQUERY(path, $variable, predicate).@count ---- */

static status parse_subquery(parser *p, operand *o)
{
    position at = p->now.at;
    TRY(parser_enter(p, at));
    TRY(parser_step(p));
    TRY(parser_take(p, SYMBOL_OPEN, "`(`"));
    TRY(parse_path(p, o));
    if (o->post != POST_VALUE) return parser_expected(&p->now, "a path without [SIZE]");
    TRY(parser_take(p, SYMBOL_COMMA, "`,` and a variable"));
    if (p->now.kind != TOKEN_WORD || p->now.text.data[0] != '$' || p->now.text.size < 2)
        return parser_expected(&p->now, "a variable such as $x");
    variable_scope scope = {p->now.text, p->scope};
    TRY(parser_step(p));
    TRY(parser_take(p, SYMBOL_COMMA, "`,` and a predicate"));
    p->scope = &scope;
    status result = parse_predicate(p, &o->predicate);
    p->scope = scope.outer;
    TRY(result);
    TRY(parser_take(p, SYMBOL_CLOSE, "`and`, `or` or `)`"));
    TRY(parser_take(p, SYMBOL_DOT, "`.@count`"));
    bool count = p->now.kind == TOKEN_AT && (bytes_equal(p->now.text, bytes_text("count")) ||
                                             bytes_equal(p->now.text, bytes_text("size")));
    if (!count) return parser_expected(&p->now, "@count or @size");
    p->nesting--;
    o->kind = OPERAND_SUBQUERY;
    o->at = at;
    o->inner_variable = scope.name;
    return parser_step(p);
}

/* ---- constants ---- */

/* null, true, inf: words until the place of a value makes constants of them. */
static bool word_constant(const token *t, value *out)
{
    if (token_is_word(t, "null") || token_is_word(t, "nil"))
        *out = value_null();
    else if (token_is_exact_word(t, "true"))
        *out = value_bool(true);
    else if (token_is_exact_word(t, "false"))
        *out = value_bool(false);
    else if (token_is_word(t, "inf") || token_is_word(t, "infinity"))
        *out = value_double((double)INFINITY);
    else if (token_is_word(t, "nan"))
        *out = value_double((double)NAN);
    else
        return false;
    return true;
}

/* A constant or an argument; nothing that could hold another value, so that braces cannot nest. */
static status parse_single(parser *p, operand *out, const char *wanted)
{
    const token *t = &p->now;
    *out = (operand){.kind = t->kind == TOKEN_ARGUMENT ? OPERAND_ARGUMENT : OPERAND_CONSTANT,
                     .at = t->at,
                     .constant = t->constant,
                     .argument = t->index};
    if (type_is_number(t->constant.type)) out->literal = t->raw;
    bool single = t->kind == TOKEN_CONSTANT || t->kind == TOKEN_ARGUMENT ||
                  (t->kind == TOKEN_WORD && word_constant(t, &out->constant));
    return single ? parser_step(p) : parser_expected(t, wanted);
}

static bool at_object(const parser *p)
{
    return p->now.kind == TOKEN_WORD && token_is_symbol(&p->ahead, SYMBOL_OPEN) &&
           bytes_equal(p->now.text, bytes_text("obj"));
}

/* obj('Class', key) */
static status parse_object(parser *p, operand *o)
{
    TRY(parser_step(p));
    TRY(parser_step(p));
    if (p->now.kind != TOKEN_CONSTANT || p->now.constant.type != VALUE_STRING)
        return parser_expected(&p->now, "the name of a class in quotes");
    o->kind = OPERAND_OBJECT;
    o->class_name = p->now.constant.as.text;
    TRY(parser_step(p));
    TRY(parser_take(p, SYMBOL_COMMA, "`,` and a key"));
    o->items = query_arena_take(p->memory, sizeof *o->items);
    if (o->items == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    TRY(parse_single(p, o->items, "a key"));
    o->item_count = 1;
    return parser_take(p, SYMBOL_CLOSE, "`)`");
}

static status parse_constants(parser *p, operand *o)
{
    VECTOR(operand) items = {0};
    status result = ATOLL_OK;
    o->kind = OPERAND_CONSTANTS;
    TRY_GOTO(parser_step(p));
    while (!token_is_symbol(&p->now, SYMBOL_CLOSE_BRACE)) {
        operand item = {.at = p->now.at};
        TRY_GOTO(at_object(p) ? parse_object(p, &item) : parse_single(p, &item, "a constant"));
        TRY_GOTO(vector_push(&items, item));
        if (token_is_symbol(&p->now, SYMBOL_CLOSE_BRACE)) break;
        TRY_GOTO(parser_take(p, SYMBOL_COMMA, "`,` or `}`"));
    }
    TRY_GOTO(parser_step(p));
    o->item_count = items.count;
    TRY_GOTO(parser_keep(p, items.items, items.count, sizeof *items.items, (void **)&o->items));
done:
    vector_free(&items);
    return result;
}

static bool reserved_word(const token *t)
{
    return token_is_word(t, "and") || token_is_word(t, "or") || token_is_exact_word(t, "not") ||
           token_is_exact_word(t, "in") || token_is_word(t, "truepredicate") ||
           token_is_word(t, "falsepredicate") || token_is_word(t, "between") ||
           token_is_word(t, "contains") || token_is_word(t, "beginswith") ||
           token_is_word(t, "endswith") || token_is_word(t, "like");
}

static quantifier read_quantifier(const token *t)
{
    if (token_is_exact_word(t, "any") || token_is_exact_word(t, "some")) return QUANTIFIER_ANY;
    if (token_is_exact_word(t, "all")) return QUANTIFIER_ALL;
    return token_is_exact_word(t, "none") ? QUANTIFIER_NONE : QUANTIFIER_NONE_WRITTEN;
}

static status parse_quantified(parser *p, quantifier q, operand *out)
{
    static const char wanted[] = "a property or a list";
    TRY(parser_step(p));
    if (p->now.kind == TOKEN_WORD && !parser_at_name(p) &&
        (read_quantifier(&p->now) != QUANTIFIER_NONE_WRITTEN || reserved_word(&p->now)))
        return parser_expected(&p->now, wanted);
    token first = p->now;
    TRY(parse_value(p, out));
    if (out->kind != OPERAND_PATH && out->kind != OPERAND_CONSTANTS &&
        out->kind != OPERAND_ARGUMENT)
        return parser_expected(&first, wanted);
    out->quantifier = q;
    return ATOLL_OK;
}

status parse_value(parser *p, operand *out)
{
    *out = (operand){.at = p->now.at};
    const token *t = &p->now;
    if (t->kind == TOKEN_CONSTANT || t->kind == TOKEN_ARGUMENT) {
        out->kind = t->kind == TOKEN_CONSTANT ? OPERAND_CONSTANT : OPERAND_ARGUMENT;
        out->constant = t->constant;
        if (type_is_number(out->constant.type)) out->literal = t->raw;
        out->argument = t->index;
        return parser_step(p);
    }
    if (token_is_symbol(t, SYMBOL_OPEN_BRACE)) return parse_constants(p, out);
    bool links = t->kind == TOKEN_AT && bytes_equal(t->text, bytes_text("links"));
    if (links) return parse_full_path(p, out);
    if (t->kind == TOKEN_AT) return parser_expected(t, "a property");
    if (t->kind != TOKEN_WORD) return parser_expected(t, "a property or a constant");
    bool call = token_is_symbol(&p->ahead, SYMBOL_OPEN);
    if (call && token_is_word(t, "subquery")) return parse_subquery(p, out);
    if (at_object(p)) return parse_object(p, out);
    if (!parser_at_name(p)) {
        quantifier q = read_quantifier(t);
        if (q != QUANTIFIER_NONE_WRITTEN) return parse_quantified(p, q, out);
        if (reserved_word(t)) return parser_expected(t, "a property or a constant");
    }
    if (word_constant(t, &out->constant)) return parser_step(p);
    return parse_full_path(p, out);
}

/* ---- shapes ---- */

typedef struct shape_parts {
    VECTOR(operand) numbers;
    VECTOR(size_t) ring_sizes;
} shape_parts;

static status parse_number(parser *p, operand *out)
{
    token first = p->now;
    TRY(parse_single(p, out, "a number"));
    bool number = out->kind == OPERAND_ARGUMENT ||
                  (out->kind == OPERAND_CONSTANT &&
                   (out->constant.type == VALUE_INT || out->constant.type == VALUE_DOUBLE));
    return number ? ATOLL_OK : parser_expected(&first, "a number");
}

/* [longitude, latitude], or with an altitude, which is ignored */
static status parse_point(parser *p, shape_parts *parts)
{
    operand number;
    TRY(parser_take(p, SYMBOL_OPEN_BRACKET, "a point as [longitude, latitude]"));
    for (size_t i = 0; i < 3; i++) {
        TRY(parse_number(p, &number));
        if (i < 2) TRY(vector_push(&parts->numbers, number));
        if (i > 0 && !token_is_symbol(&p->now, SYMBOL_COMMA)) break;
        if (i < 2) TRY(parser_take(p, SYMBOL_COMMA, "`,`"));
    }
    return parser_take(p, SYMBOL_CLOSE_BRACKET, "`]`");
}

static status parse_ring(parser *p, shape_parts *parts)
{
    size_t before = parts->numbers.count;
    TRY(parser_take(p, SYMBOL_OPEN_BRACE, "`{` and the points of a ring"));
    for (;;) {
        TRY(parse_point(p, parts));
        if (!token_is_symbol(&p->now, SYMBOL_COMMA)) break;
        TRY(parser_step(p));
    }
    TRY(vector_push(&parts->ring_sizes, (parts->numbers.count - before) / 2));
    return parser_take(p, SYMBOL_CLOSE_BRACE, "`,` or `}`");
}

static status parse_shape_parts(parser *p, const token *name, shape_parts *parts)
{
    if (token_is_word(name, "geopolygon")) {
        for (;;) {
            TRY(parse_ring(p, parts));
            if (!token_is_symbol(&p->now, SYMBOL_COMMA)) return ATOLL_OK;
            TRY(parser_step(p));
        }
    }
    operand radius;
    TRY(parse_point(p, parts));
    TRY(parser_take(p, SYMBOL_COMMA, "`,`"));
    if (token_is_word(name, "geobox")) return parse_point(p, parts);
    TRY(parse_number(p, &radius));
    return vector_push(&parts->numbers, radius);
}

status parse_shape(parser *p, operand *out)
{
    token name = p->now;
    shape_parts parts = {0};
    status result = ATOLL_OK;
    *out = (operand){.kind = OPERAND_SHAPE, .at = name.at, .shape_name = name.text};
    if (name.kind == TOKEN_ARGUMENT) {
        out->kind = OPERAND_ARGUMENT;
        out->argument = name.index;
        return parser_step(p);
    }
    if (!token_is_word(&name, "geobox") && !token_is_word(&name, "geocircle") &&
        !token_is_word(&name, "geopolygon"))
        return parser_expected(&name, "geoBox, geoCircle, geoPolygon or an argument");
    TRY(parser_step(p));
    TRY(parser_take(p, SYMBOL_OPEN, "`(`"));
    TRY_GOTO(parse_shape_parts(p, &name, &parts));
    TRY_GOTO(parser_take(p, SYMBOL_CLOSE, "`,` or `)`"));
    out->item_count = parts.numbers.count;
    out->ring_count = parts.ring_sizes.count;
    TRY_GOTO(parser_keep(p, parts.numbers.items, parts.numbers.count, sizeof(operand),
                         (void **)&out->items));
    TRY_GOTO(parser_keep(p, parts.ring_sizes.items, parts.ring_sizes.count, sizeof(size_t),
                         (void **)&out->ring_sizes));
done:
    vector_free(&parts.numbers);
    vector_free(&parts.ring_sizes);
    return result;
}
