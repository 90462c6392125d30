/* Tokens to a tree, by recursive descent: or > and > not > comparison, then SORT and LIMIT.
 * It must never look at the schema. What the language has and Atoll has not yet is refused here by its name.
 * Invariant: the stack is bounded by LIMIT_QUERY_DEPTH_MAX whatever the text; AND and OR chains are flat, so their
 * length costs no depth. BETWEEN becomes two comparisons. */
#include "query/query_internal.h"
#include <math.h>

/* Parentheses alone add no level to the tree, and the canonical text has up to three per level of it. */
enum { NESTING_MAX = 4 * LIMIT_QUERY_DEPTH_MAX };

typedef VECTOR(node *) node_vector;
typedef struct parser {
    lexer lexer;
    token now, ahead;
    arena *memory;
    uint32_t nesting;
} parser;

static status parse_or(parser *p, node **out);
static status parse_operand(parser *p, operand *out);

/* ---- tokens ---- */

static status step(parser *p)
{
    p->now = p->ahead;
    return lexer_next(&p->lexer, &p->ahead);
}

static bool is_symbol(const token *t, symbol s)
{
    return t->kind == TOKEN_SYMBOL && t->symbol == s;
}

static bool is_word(const token *t, const char *lower)
{
    return t->kind == TOKEN_WORD && words_equal(t->text, lower);
}

/* Words of exactly two spellings: `in` and `IN`, not `In`. */
static bool is_exact_word(const token *t, const char *lower)
{
    if (!is_word(t, lower) || t->text.size < 2) return false;
    bool first_upper = t->text.data[0] < 'a';
    for (size_t i = 0; i < t->text.size; i++) {
        if ((t->text.data[i] < 'a') != first_upper) return false;
    }
    return true;
}

static status expected(const token *found, const char *what)
{
    if (found->kind == TOKEN_END) {
        return fail(ATOLL_ERROR_QUERY_SYNTAX,
                    "the query is wrong at %u:%u: expected %s, found the end", found->at.line,
                    found->at.column, what);
    }
    int shown = found->raw.size > 40 ? 40 : (int)found->raw.size;
    return fail(ATOLL_ERROR_QUERY_SYNTAX, "the query is wrong at %u:%u: expected %s, found `%.*s`",
                found->at.line, found->at.column, what, shown, (const char *)found->raw.data);
}

static status not_supported(position at, const char *name)
{
    return fail(ATOLL_ERROR_NOT_SUPPORTED, "not supported yet: %s at %u:%u", name, at.line,
                at.column);
}

static status take_symbol(parser *p, symbol s, const char *what)
{
    if (!is_symbol(&p->now, s)) return expected(&p->now, what);
    return step(p);
}

/* ---- memory ---- */

static status make_node(parser *p, node_kind kind, position at, node **out)
{
    *out = query_arena_take(p->memory, sizeof **out);
    if (*out == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    (*out)->kind = kind;
    (*out)->at = at;
    return ATOLL_OK;
}

/* Moves what was collected into the query's own memory. */
static status keep(parser *p, const void *items, size_t count, size_t size, void **out)
{
    *out = query_arena_take(p->memory, count * size + 1);
    if (*out == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (count > 0) memcpy(*out, items, count * size);
    return ATOLL_OK;
}

/* ---- operands ---- */

static status parse_post(parser *p, operand *o)
{
    static const char *const later[] = {"max",  "min",  "sum",    "avg",
                                        "type", "keys", "values", "links"};
    bytes word = p->now.text;
    if (bytes_equal(word, bytes_text("count")) || bytes_equal(word, bytes_text("size"))) {
        o->post = POST_COUNT;
        return step(p);
    }
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        if (!bytes_equal(word, bytes_text(later[i]))) continue;
        char name[16] = "@";
        memcpy(name + 1, later[i], strlen(later[i]) + 1);
        return not_supported(p->now.at, name);
    }
    return expected(&p->now, "@count or @size");
}

static status parse_path(parser *p, operand *o)
{
    VECTOR(path_step) steps = {0};
    status result = ATOLL_OK;
    o->kind = OPERAND_PATH;
    o->at = p->now.at;
    for (;;) {
        if (p->now.kind == TOKEN_AT) {
            TRY_GOTO(steps.count == 0 && !bytes_equal(p->now.text, bytes_text("links"))
                         ? expected(&p->now, "a property")
                         : parse_post(p, o));
            break;
        }
        if (p->now.kind != TOKEN_WORD) TRY_GOTO(expected(&p->now, "the name of a property"));
        path_step made = {.name = p->now.text, .at = p->now.at};
        TRY_GOTO(vector_push(&steps, made));
        TRY_GOTO(step(p));
        if (!is_symbol(&p->now, SYMBOL_DOT)) break;
        TRY_GOTO(step(p));
    }
    if (is_symbol(&p->now, SYMBOL_OPEN_BRACKET))
        TRY_GOTO(not_supported(p->now.at, "an index in brackets"));
    o->step_count = steps.count;
    TRY_GOTO(keep(p, steps.items, steps.count, sizeof *steps.items, (void **)&o->steps));
done:
    vector_free(&steps);
    return result;
}

static status parse_constants(parser *p, operand *o)
{
    VECTOR(operand) items = {0};
    status result = ATOLL_OK;
    o->kind = OPERAND_CONSTANTS;
    TRY_GOTO(step(p));
    while (!is_symbol(&p->now, SYMBOL_CLOSE_BRACE)) {
        operand item = {.at = p->now.at};
        token first = p->now;
        if (is_symbol(&first, SYMBOL_OPEN_BRACE)) TRY_GOTO(expected(&first, "a constant"));
        TRY_GOTO(parse_operand(p, &item));
        if (item.kind == OPERAND_PATH) TRY_GOTO(expected(&first, "a constant"));
        TRY_GOTO(vector_push(&items, item));
        if (is_symbol(&p->now, SYMBOL_CLOSE_BRACE)) break;
        TRY_GOTO(take_symbol(p, SYMBOL_COMMA, "`,` or `}`"));
    }
    TRY_GOTO(step(p));
    o->item_count = items.count;
    TRY_GOTO(keep(p, items.items, items.count, sizeof *items.items, (void **)&o->items));
done:
    vector_free(&items);
    return result;
}

/* null, true, inf: words until the place of a value makes constants of them. */
static bool word_constant(const token *t, value *out)
{
    if (is_word(t, "null") || is_word(t, "nil"))
        *out = value_null();
    else if (is_exact_word(t, "true"))
        *out = value_bool(true);
    else if (is_exact_word(t, "false"))
        *out = value_bool(false);
    else if (is_word(t, "inf") || is_word(t, "infinity"))
        *out = value_double((double)INFINITY);
    else if (is_word(t, "nan"))
        *out = value_double((double)NAN);
    else
        return false;
    return true;
}

/* What the language has at the place of a value and Atoll not yet; NULL: nothing of it. */
static const char *later_operand(const parser *p)
{
    const token *t = &p->now;
    bool call = is_symbol(&p->ahead, SYMBOL_OPEN);
    if (is_word(t, "subquery") && call) return "SUBQUERY";
    if (t->kind == TOKEN_WORD && call && bytes_equal(t->text, bytes_text("obj")))
        return "obj(class, key)";
    if (t->kind == TOKEN_WORD && t->text.size > 2 && memcmp(t->text.data, "$K", 2) == 0 &&
        t->text.data[2] >= '0' && t->text.data[2] <= '9') {
        return "a key path argument";
    }
    if (call && (is_word(t, "geobox") || is_word(t, "geocircle") || is_word(t, "geopolygon")))
        return "GEOWITHIN";
    return NULL;
}

static bool reserved_word(const token *t)
{
    return is_word(t, "and") || is_word(t, "or") || is_exact_word(t, "not") ||
           is_exact_word(t, "in") || is_word(t, "truepredicate") || is_word(t, "falsepredicate") ||
           is_word(t, "between") || is_word(t, "contains") || is_word(t, "beginswith") ||
           is_word(t, "endswith") || is_word(t, "like");
}

static quantifier read_quantifier(const token *t)
{
    if (is_exact_word(t, "any") || is_exact_word(t, "some")) return QUANTIFIER_ANY;
    if (is_exact_word(t, "all")) return QUANTIFIER_ALL;
    return is_exact_word(t, "none") ? QUANTIFIER_NONE : QUANTIFIER_NONE_WRITTEN;
}

/* Whether a word that is also an operator stands where only a property can: `like == 1`. */
static bool followed_by_operator(const parser *p)
{
    return p->ahead.kind == TOKEN_SYMBOL && p->ahead.symbol >= SYMBOL_DOT &&
           p->ahead.symbol <= SYMBOL_GREATER_EQUAL;
}

static status parse_operand(parser *p, operand *out)
{
    *out = (operand){.at = p->now.at};
    const char *later = later_operand(p);
    if (later != NULL) return not_supported(p->now.at, later);
    if (p->now.kind == TOKEN_CONSTANT || p->now.kind == TOKEN_ARGUMENT) {
        out->kind = p->now.kind == TOKEN_CONSTANT ? OPERAND_CONSTANT : OPERAND_ARGUMENT;
        out->constant = p->now.constant;
        out->argument = p->now.index;
        return step(p);
    }
    if (p->now.kind == TOKEN_AT) return parse_path(p, out);
    if (is_symbol(&p->now, SYMBOL_OPEN_BRACE)) return parse_constants(p, out);
    if (p->now.kind == TOKEN_WORD && !followed_by_operator(p)) {
        quantifier q = read_quantifier(&p->now);
        if (q != QUANTIFIER_NONE_WRITTEN) {
            TRY(step(p));
            if (read_quantifier(&p->now) != QUANTIFIER_NONE_WRITTEN)
                return expected(&p->now, "a property or a list");
            TRY(parse_operand(p, out));
            out->quantifier = q;
            return ATOLL_OK;
        }
        if (reserved_word(&p->now)) return expected(&p->now, "a property or a constant");
    }
    if (p->now.kind != TOKEN_WORD) return expected(&p->now, "a property or a constant");
    if (word_constant(&p->now, &out->constant)) return step(p);
    return parse_path(p, out);
}

/* ---- comparisons ---- */

static const struct {
    const char *word;
    comparison comparison;
} word_operators[] = {
    {"beginswith", COMPARE_BEGINS_WITH},
    {"endswith", COMPARE_ENDS_WITH},
    {"contains", COMPARE_CONTAINS},
    {"like", COMPARE_LIKE},
};

static bool read_operator(const token *t, node *n)
{
    if (t->kind == TOKEN_SYMBOL && t->symbol >= SYMBOL_EQUAL && t->symbol <= SYMBOL_GREATER_EQUAL) {
        n->comparison = (comparison)(t->symbol - SYMBOL_EQUAL + COMPARE_EQUAL);
        return true;
    }
    for (size_t i = 0; i < sizeof word_operators / sizeof *word_operators; i++) {
        if (!is_word(t, word_operators[i].word)) continue;
        n->comparison = word_operators[i].comparison;
        return true;
    }
    n->in = is_exact_word(t, "in");
    n->comparison = COMPARE_EQUAL;
    return n->in;
}

static status refuse_arithmetic(const token *t)
{
    bool sum = is_symbol(t, SYMBOL_PLUS) || is_symbol(t, SYMBOL_MINUS) ||
               is_symbol(t, SYMBOL_TIMES) || is_symbol(t, SYMBOL_DIVIDE);
    return sum ? not_supported(t->at, "arithmetic") : ATOLL_OK;
}

static status parse_between(parser *p, node *low)
{
    operand bounds = {0};
    token at = p->now;
    TRY(parse_operand(p, &bounds));
    if (bounds.kind != OPERAND_CONSTANTS || bounds.item_count != 2)
        return expected(&at, "{lowest, highest} after BETWEEN");
    node *high = NULL, *first = NULL, **both = query_arena_take(p->memory, 2 * sizeof *both);
    if (both == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    TRY(make_node(p, NODE_COMPARE, low->at, &first));
    TRY(make_node(p, NODE_COMPARE, low->at, &high));
    first->comparison = COMPARE_GREATER_EQUAL;
    high->comparison = COMPARE_LESS_EQUAL;
    first->left = low->left;
    high->left = low->left;
    /* Each side binds its own copy of the path. */
    TRY(keep(p, low->left.steps, low->left.step_count, sizeof *low->left.steps,
             (void **)&high->left.steps));
    first->right = bounds.items[0];
    high->right = bounds.items[1];
    both[0] = first;
    both[1] = high;
    *low = (node){.kind = NODE_AND, .at = low->at, .children = both, .child_count = 2};
    return ATOLL_OK;
}

static status parse_comparison(parser *p, node **out)
{
    node *made = NULL;
    TRY(make_node(p, NODE_COMPARE, p->now.at, &made));
    TRY(parse_operand(p, &made->left));
    TRY(refuse_arithmetic(&p->now));
    if (is_word(&p->now, "text")) return not_supported(p->now.at, "TEXT");
    if (is_word(&p->now, "geowithin")) return not_supported(p->now.at, "GEOWITHIN");
    made->at = p->now.at;
    if (is_word(&p->now, "between")) {
        TRY(step(p));
        *out = made;
        return parse_between(p, made);
    }
    if (!read_operator(&p->now, made)) return expected(&p->now, "a comparison");
    TRY(step(p));
    if (is_symbol(&p->now, SYMBOL_FOLD)) {
        bool ordered =
            made->comparison >= COMPARE_LESS && made->comparison <= COMPARE_GREATER_EQUAL;
        if (ordered)
            return expected(&p->now, "a value: [c] goes with ==, !=, IN and the string operators");
        made->fold = true;
        TRY(step(p));
    }
    TRY(parse_operand(p, &made->right));
    TRY(refuse_arithmetic(&p->now));
    *out = made;
    return ATOLL_OK;
}

/* ---- and, or, not ---- */

static status enter(parser *p, position at)
{
    if (++p->nesting <= NESTING_MAX) return ATOLL_OK;
    return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "the query is nested deeper than %d at %u:%u",
                NESTING_MAX, at.line, at.column);
}

static status parse_term(parser *p, node **out)
{
    token first = p->now;
    bool predicate = is_word(&first, "truepredicate") || is_word(&first, "falsepredicate");
    if (predicate) {
        TRY(make_node(p, is_word(&first, "truepredicate") ? NODE_TRUE : NODE_FALSE, first.at, out));
        return step(p);
    }
    if (is_symbol(&first, SYMBOL_NOT) ||
        (is_exact_word(&first, "not") && !followed_by_operator(p))) {
        node *inner = NULL, **child = query_arena_take(p->memory, sizeof *child);
        if (child == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        TRY(enter(p, first.at));
        TRY(step(p));
        TRY(parse_term(p, &inner));
        p->nesting--;
        TRY(make_node(p, NODE_NOT, first.at, out));
        *child = inner;
        (*out)->children = child;
        (*out)->child_count = 1;
        return ATOLL_OK;
    }
    if (is_symbol(&first, SYMBOL_OPEN)) {
        TRY(enter(p, first.at));
        TRY(step(p));
        TRY(parse_or(p, out));
        p->nesting--;
        return take_symbol(p, SYMBOL_CLOSE, "`and`, `or` or `)`");
    }
    return parse_comparison(p, out);
}

/* Children of the same kind are taken over one by one: `a and (b and c)` is one node of three. */
static status add_child(node_vector *children, node_kind kind, node *child)
{
    /* A term that was parsed is a node: the check loses sight of it in the depths. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    if (child->kind != kind) return vector_push(children, child);
    for (size_t i = 0; i < child->child_count; i++) TRY(vector_push(children, child->children[i]));
    return ATOLL_OK;
}

static status parse_chain(parser *p, node_kind kind, node **out)
{
    node_vector children = {0};
    status result = ATOLL_OK;
    position at = p->now.at;
    const char *word = kind == NODE_AND ? "and" : "or";
    symbol sign = kind == NODE_AND ? SYMBOL_AND : SYMBOL_OR;
    for (;;) {
        node *child = NULL;
        TRY_GOTO(kind == NODE_AND ? parse_term(p, &child) : parse_chain(p, NODE_AND, &child));
        TRY_GOTO(add_child(&children, kind, child));
        if (!is_word(&p->now, word) && !is_symbol(&p->now, sign)) break;
        TRY_GOTO(step(p));
    }
    if (children.count == 1) {
        *out = children.items[0];
        goto done;
    }
    node *made = NULL;
    TRY_GOTO(make_node(p, kind, at, &made));
    made->child_count = children.count;
    TRY_GOTO(
        keep(p, children.items, children.count, sizeof *children.items, (void **)&made->children));
    *out = made;
done:
    vector_free(&children);
    return result;
}

static status parse_or(parser *p, node **out)
{
    return parse_chain(p, NODE_OR, out);
}

/* ---- suffixes ---- */

static status parse_sort_key(parser *p, sort_key *out)
{
    *out = (sort_key){0};
    TRY(parse_path(p, &out->path));
    if (out->path.post != POST_VALUE) return not_supported(out->path.at, "sorting by @count");
    out->descending = is_word(&p->now, "desc") || is_word(&p->now, "descending");
    bool ascending = is_word(&p->now, "asc") || is_word(&p->now, "ascending");
    if (!out->descending && !ascending) return expected(&p->now, "ASC or DESC");
    return step(p);
}

static status parse_sort(parser *p, suffix *out)
{
    VECTOR(sort_key) keys = {0};
    status result = ATOLL_OK;
    for (;;) {
        sort_key key = {0};
        TRY_GOTO(parse_sort_key(p, &key));
        TRY_GOTO(vector_push(&keys, key));
        if (!is_symbol(&p->now, SYMBOL_COMMA)) break;
        TRY_GOTO(step(p));
    }
    TRY_GOTO(take_symbol(p, SYMBOL_CLOSE, "`,` or `)`"));
    out->key_count = keys.count;
    TRY_GOTO(keep(p, keys.items, keys.count, sizeof *keys.items, (void **)&out->keys));
done:
    vector_free(&keys);
    return result;
}

static status parse_suffix(parser *p, suffix *out)
{
    token word = p->now;
    *out = (suffix){.is_limit = is_word(&word, "limit")};
    if (is_word(&word, "distinct")) return not_supported(word.at, "DISTINCT");
    if (!out->is_limit && !is_word(&word, "sort"))
        return expected(&word, "`and`, `or`, SORT, LIMIT or the end");
    TRY(step(p));
    TRY(take_symbol(p, SYMBOL_OPEN, "`(`"));
    if (!out->is_limit) return parse_sort(p, out);
    bool number = p->now.kind == TOKEN_CONSTANT && p->now.constant.type == VALUE_INT &&
                  p->now.constant.as.integer >= 0;
    if (!number) return expected(&p->now, "a number of rows");
    out->limit = (uint64_t)p->now.constant.as.integer;
    TRY(step(p));
    return take_symbol(p, SYMBOL_CLOSE, "`)`");
}

static status parse_suffixes(parser *p, tree *out)
{
    VECTOR(suffix) suffixes = {0};
    status result = ATOLL_OK;
    while (p->now.kind != TOKEN_END) {
        suffix made = {0};
        TRY_GOTO(parse_suffix(p, &made));
        TRY_GOTO(vector_push(&suffixes, made));
    }
    out->suffix_count = suffixes.count;
    TRY_GOTO(
        keep(p, suffixes.items, suffixes.count, sizeof *suffixes.items, (void **)&out->suffixes));
done:
    vector_free(&suffixes);
    return result;
}

/* The recursion here is bounded by the nesting that the parser let through. */
static uint32_t depth_of(const node *n)
{
    uint32_t deepest = 0;
    for (size_t i = 0; i < n->child_count; i++) {
        uint32_t depth = depth_of(n->children[i]);
        if (depth > deepest) deepest = depth;
    }
    return deepest + (n->kind == NODE_NOT || n->kind == NODE_AND || n->kind == NODE_OR);
}

status query_parse(arena *memory, bytes text, tree *out)
{
    if (text.size > LIMIT_QUERY_SIZE_MAX) {
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "the query has %zu bytes, at most %u are allowed",
                    text.size, LIMIT_QUERY_SIZE_MAX);
    }
    if (!utf8_is_valid(text)) return fail(ATOLL_ERROR_QUERY_SYNTAX, "the query is not valid UTF-8");
    static const char everything[] = "TRUEPREDICATE";
    if (text.size == 0) text = bytes_text(everything);
    tree made = {0};
    parser p = {
        .lexer = {.next = text.data, .end = text.data + text.size, .at = {1, 1}, .memory = memory},
        .memory = memory};
    TRY(step(&p));
    TRY(step(&p));
    TRY(parse_or(&p, &made.root));
    TRY(parse_suffixes(&p, &made));
    uint32_t depth = depth_of(made.root);
    if (depth > LIMIT_QUERY_DEPTH_MAX) {
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "the query nests %u levels of and, or, not; at most %d are allowed", depth,
                    LIMIT_QUERY_DEPTH_MAX);
    }
    *out = made;
    return ATOLL_OK;
}
