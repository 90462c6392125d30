/* Tokens to a tree, by recursive descent: or > and > not > comparison > + - > * / > value, then the suffixes.
 * It must never look at the schema.
 * Invariant: the stack is bounded by LIMIT_QUERY_DEPTH_MAX whatever the text; chains of AND, OR, + and * are flat, so
 * their length costs no depth. A parenthesis may hold a predicate or a value: which of them is known only at its end, so
 * what is parsed is a term until somebody needs the one or the other. */
#include "query/parser_internal.h"

typedef VECTOR(node *) node_vector;

/* A predicate or a value. */
typedef struct term {
    node *predicate;
    operand *value;
    token first;
} term;

static status parse_or(parser *p, term *out);

/* ---- tokens ---- */

status parser_step(parser *p)
{
    p->now = p->ahead;
    return lexer_next(&p->lexer, &p->ahead);
}

status parser_start(parser *p, arena *memory, bytes text)
{
    *p = (parser){
        .lexer = {.next = text.data, .end = text.data + text.size, .at = {1, 1}, .memory = memory},
        .memory = memory};
    TRY(parser_step(p));
    return parser_step(p);
}

bool token_is_symbol(const token *t, symbol s)
{
    return t->kind == TOKEN_SYMBOL && t->symbol == s;
}

bool token_is_word(const token *t, const char *lower)
{
    return t->kind == TOKEN_WORD && words_equal(t->text, lower);
}

bool token_is_exact_word(const token *t, const char *lower)
{
    if (!token_is_word(t, lower) || t->text.size < 2) return false;
    bool first_upper = t->text.data[0] < 'a';
    for (size_t i = 0; i < t->text.size; i++) {
        if ((t->text.data[i] < 'a') != first_upper) return false;
    }
    return true;
}

status parser_expected(const token *found, const char *what)
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

status parser_take(parser *p, symbol s, const char *what)
{
    if (!token_is_symbol(&p->now, s)) return parser_expected(&p->now, what);
    return parser_step(p);
}

status parser_enter(parser *p, position at)
{
    if (++p->nesting <= NESTING_MAX) return ATOLL_OK;
    return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "the query is nested deeper than %d at %u:%u",
                NESTING_MAX, at.line, at.column);
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

status parser_keep(parser *p, const void *items, size_t count, size_t size, void **out)
{
    *out = query_arena_take(p->memory, count * size + 1);
    if (*out == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (count > 0) memcpy(*out, items, count * size);
    return ATOLL_OK;
}

/* ---- words that are operators ---- */

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
        if (!token_is_word(t, word_operators[i].word)) continue;
        n->comparison = word_operators[i].comparison;
        return true;
    }
    n->in = token_is_exact_word(t, "in");
    n->comparison = COMPARE_EQUAL;
    return n->in;
}

bool parser_at_name(const parser *p)
{
    if (p->now.kind != TOKEN_WORD) return false;
    if (p->ahead.kind == TOKEN_SYMBOL)
        return p->ahead.symbol == SYMBOL_OPEN_BRACKET ||
               (p->ahead.symbol >= SYMBOL_DOT && p->ahead.symbol <= SYMBOL_GREATER_EQUAL);
    /* `in like 'x'`, but not `not like == 'x'`: there the second word is the name. */
    static const char *const before_names[] = {"not", "any", "some", "all", "none", "and", "or"};
    for (size_t i = 0; i < sizeof before_names / sizeof *before_names; i++)
        if (token_is_word(&p->now, before_names[i])) return false;
    node ignored = {0};
    return read_operator(&p->ahead, &ignored) || token_is_word(&p->ahead, "between") ||
           token_is_word(&p->ahead, "text") || token_is_word(&p->ahead, "geowithin");
}

/* ---- values ---- */

static status need_value(const term *t, const operand **out)
{
    *out = t->value;
    return t->value != NULL ? ATOLL_OK : parser_expected(&t->first, "a property or a constant");
}

static status need_predicate(const parser *p, const term *t, node **out)
{
    *out = t->predicate;
    return t->predicate != NULL ? ATOLL_OK : parser_expected(&p->now, "a comparison");
}

static status parse_primary(parser *p, term *out)
{
    *out = (term){.first = p->now};
    if (token_is_symbol(&p->now, SYMBOL_OPEN)) {
        token first = p->now;
        TRY(parser_enter(p, p->now.at));
        TRY(parser_step(p));
        TRY(parse_or(p, out));
        out->first = first;
        p->nesting--;
        return parser_take(p, SYMBOL_CLOSE,
                           out->value != NULL ? "a comparison or `)`" : "`and`, `or` or `)`");
    }
    bool all = token_is_word(&p->now, "truepredicate");
    if ((all || token_is_word(&p->now, "falsepredicate")) && !parser_at_name(p)) {
        TRY(make_node(p, all ? NODE_TRUE : NODE_FALSE, p->now.at, &out->predicate));
        return parser_step(p);
    }
    out->value = query_arena_take(p->memory, sizeof *out->value);
    return out->value == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : parse_value(p, out->value);
}

/* `age -1`: the lexer took the sign for a part of the number. Adding it is the same. */
static bool is_signed_number(const token *t)
{
    bool number = t->kind == TOKEN_CONSTANT &&
                  (t->constant.type == VALUE_INT || t->constant.type == VALUE_DOUBLE);
    return number && t->raw.size > 0 && (t->raw.data[0] == '-' || t->raw.data[0] == '+');
}

static char arithmetic_sign(const parser *p, bool sums)
{
    if (sums && is_signed_number(&p->now)) return '+';
    if (p->now.kind != TOKEN_SYMBOL) return 0;
    switch (p->now.symbol) {
    case SYMBOL_PLUS: return sums ? '+' : '\0';
    case SYMBOL_MINUS: return sums ? '-' : '\0';
    case SYMBOL_TIMES: return sums ? '\0' : '*';
    case SYMBOL_DIVIDE: return sums ? '\0' : '/';
    default: return '\0';
    }
}

/* One level of arithmetic: the chain stays flat. */
static status parse_arithmetic(parser *p, bool sums, term *out)
{
    VECTOR(operand) items = {0};
    VECTOR(char) operators = {0};
    status result = ATOLL_OK;
    const operand *value = NULL;
    char sign = 0;
    TRY(sums ? parse_arithmetic(p, false, out) : parse_primary(p, out));
    if (arithmetic_sign(p, sums) == 0) return ATOLL_OK;
    TRY(need_value(out, &value));
    TRY_GOTO(vector_push(&items, *value));
    TRY_GOTO(vector_push(&operators, ' '));
    while ((sign = arithmetic_sign(p, sums)) != 0) {
        term next;
        if (!is_signed_number(&p->now)) TRY_GOTO(parser_step(p));
        TRY_GOTO(sums ? parse_arithmetic(p, false, &next) : parse_primary(p, &next));
        TRY_GOTO(need_value(&next, &value));
        TRY_GOTO(vector_push(&items, *value));
        TRY_GOTO(vector_push(&operators, sign));
    }
    out->value = query_arena_take(p->memory, sizeof *out->value);
    if (out->value == NULL) TRY_GOTO(ATOLL_ERROR_OUT_OF_MEMORY);
    out->value->kind = OPERAND_ARITHMETIC;
    out->value->at = out->first.at;
    out->value->item_count = items.count;
    TRY_GOTO(
        parser_keep(p, items.items, items.count, sizeof(operand), (void **)&out->value->items));
    TRY_GOTO(parser_keep(p, operators.items, operators.count, 1, (void **)&out->value->operators));
done:
    vector_free(&items);
    vector_free(&operators);
    return result;
}

/* ---- comparisons ---- */

/* Both bounds stay in one comparison: two would look at the left side twice, and at what nests in it ever more often. */
static status parse_between(parser *p, node *n)
{
    token at = p->now;
    TRY(parse_value(p, &n->right));
    bool two = n->right.kind == OPERAND_CONSTANTS && n->right.item_count == 2;
    bool list = two || n->right.kind == OPERAND_ARGUMENT;
    if (!list || n->right.quantifier != QUANTIFIER_NONE_WRITTEN)
        return parser_expected(&at, "{lowest, highest} after BETWEEN");
    n->between = true;
    n->comparison = COMPARE_GREATER_EQUAL; /* and <= the second */
    return ATOLL_OK;
}

static status parse_fold(parser *p, node *n)
{
    if (!token_is_symbol(&p->now, SYMBOL_FOLD)) return ATOLL_OK;
    bool ordered = n->comparison >= COMPARE_LESS && n->comparison <= COMPARE_GREATER_EQUAL;
    if (ordered)
        return parser_expected(&p->now,
                               "a value: [c] goes with ==, !=, IN and the string operators");
    n->fold = true;
    return parser_step(p);
}

static status parse_right(parser *p, node *n)
{
    term right;
    const operand *value = NULL;
    TRY(parse_arithmetic(p, true, &right));
    TRY(need_value(&right, &value));
    n->right = *value;
    return ATOLL_OK;
}

/* Leaves a value that nothing is compared with to the caller: it may stand in parentheses. */
static status parse_comparison(parser *p, term *out)
{
    node *made = NULL;
    const operand *left = NULL;
    TRY(parse_arithmetic(p, true, out));
    node ignored = {0};
    bool between = token_is_word(&p->now, "between"), geo = token_is_word(&p->now, "geowithin"),
         text = token_is_word(&p->now, "text");
    if (!between && !geo && !text && !read_operator(&p->now, &ignored)) return ATOLL_OK;
    TRY(need_value(out, &left));
    TRY(make_node(p, geo ? NODE_GEO : text ? NODE_TEXT : NODE_COMPARE, p->now.at, &made));
    made->left = *left;
    out->value = NULL;
    out->predicate = made;
    if (!between && !geo && !text && !read_operator(&p->now, made))
        return parser_expected(&p->now, "a comparison");
    TRY(parser_step(p));
    if (between) return parse_between(p, made);
    if (geo) return parse_shape(p, &made->right);
    if (text) return parse_value(p, &made->right);
    TRY(parse_fold(p, made));
    return parse_right(p, made);
}

/* ---- and, or, not ---- */

static status parse_not(parser *p, term *out)
{
    token first = p->now;
    bool not = token_is_symbol(&first, SYMBOL_NOT) ||
               (token_is_exact_word(&first, "not") && !parser_at_name(p));
    if (!not ) return parse_comparison(p, out);
    node *inner = NULL, **child = query_arena_take(p->memory, sizeof *child);
    if (child == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    TRY(parser_enter(p, first.at));
    TRY(parser_step(p));
    TRY(parse_not(p, out));
    p->nesting--;
    TRY(need_predicate(p, out, &inner));
    TRY(make_node(p, NODE_NOT, first.at, &out->predicate));
    *child = inner;
    out->predicate->children = child;
    out->predicate->child_count = 1;
    out->first = first;
    return ATOLL_OK;
}

/* Children of the same kind are taken over one by one: `a and (b and c)` is one node of three. */
static status add_child(node_vector *children, node_kind kind, node *child)
{
    /* A term that was parsed is a node: the check loses sight of it in the depths. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    if (child->kind != kind) return vector_push(children, child);
    for (size_t i = 0; i < child->child_count; i++) TRY(vector_push(children, child->children[i]));
    return ATOLL_OK;
}

static bool at_connective(const parser *p, node_kind kind)
{
    return kind == NODE_AND ? token_is_word(&p->now, "and") || token_is_symbol(&p->now, SYMBOL_AND)
                            : token_is_word(&p->now, "or") || token_is_symbol(&p->now, SYMBOL_OR);
}

static status parse_chain(parser *p, node_kind kind, term *out)
{
    node_vector children = {0};
    status result = ATOLL_OK;
    position at = p->now.at;
    node *made = NULL;
    TRY(kind == NODE_AND ? parse_not(p, out) : parse_chain(p, NODE_AND, out));
    if (!at_connective(p, kind)) return ATOLL_OK;
    TRY(need_predicate(p, out, &made));
    TRY_GOTO(add_child(&children, kind, made));
    while (at_connective(p, kind)) {
        term next;
        TRY_GOTO(parser_step(p));
        TRY_GOTO(kind == NODE_AND ? parse_not(p, &next) : parse_chain(p, NODE_AND, &next));
        TRY_GOTO(need_predicate(p, &next, &made));
        TRY_GOTO(add_child(&children, kind, made));
    }
    TRY_GOTO(make_node(p, kind, at, &made));
    made->child_count = children.count;
    TRY_GOTO(parser_keep(p, children.items, children.count, sizeof *children.items,
                         (void **)&made->children));
    out->predicate = made;
done:
    vector_free(&children);
    return result;
}

static status parse_or(parser *p, term *out)
{
    return parse_chain(p, NODE_OR, out);
}

status parse_predicate(parser *p, node **out)
{
    term made;
    TRY(parse_or(p, &made));
    return need_predicate(p, &made, out);
}

/* ---- suffixes ---- */

static status parse_key(parser *p, bool sorts, sort_key *out)
{
    *out = (sort_key){0};
    TRY(parse_path(p, &out->path));
    if (out->path.post != POST_VALUE) return parser_expected(&p->now, "a path without [SIZE]");
    if (!sorts) return ATOLL_OK;
    out->descending = token_is_word(&p->now, "desc") || token_is_word(&p->now, "descending");
    bool ascending = token_is_word(&p->now, "asc") || token_is_word(&p->now, "ascending");
    if (!out->descending && !ascending) return parser_expected(&p->now, "ASC or DESC");
    return parser_step(p);
}

static status parse_keys(parser *p, suffix *out)
{
    VECTOR(sort_key) keys = {0};
    status result = ATOLL_OK;
    for (;;) {
        sort_key key = {0};
        TRY_GOTO(parse_key(p, out->kind == SUFFIX_SORT, &key));
        TRY_GOTO(vector_push(&keys, key));
        if (!token_is_symbol(&p->now, SYMBOL_COMMA)) break;
        TRY_GOTO(parser_step(p));
    }
    out->key_count = keys.count;
    TRY_GOTO(parser_keep(p, keys.items, keys.count, sizeof *keys.items, (void **)&out->keys));
done:
    vector_free(&keys);
    return result;
}

static status parse_limit(parser *p, suffix *out)
{
    bool number = p->now.kind == TOKEN_CONSTANT && p->now.constant.type == VALUE_INT &&
                  p->now.constant.as.integer >= 0;
    if (!number) return parser_expected(&p->now, "a number of rows");
    out->limit = (uint64_t)p->now.constant.as.integer;
    return parser_step(p);
}

static bool suffix_of(const token *t, suffix_kind *out)
{
    static const char *const words[] = {"sort", "distinct", "limit", "filter"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!token_is_word(t, words[i])) continue;
        *out = (suffix_kind)i;
        return true;
    }
    return false;
}

static status parse_suffix(parser *p, suffix *out)
{
    *out = (suffix){0};
    if (!suffix_of(&p->now, &out->kind))
        return parser_expected(&p->now, "`and`, `or`, SORT, DISTINCT, LIMIT or the end");
    TRY(parser_step(p));
    TRY(parser_take(p, SYMBOL_OPEN, "`(`"));
    switch (out->kind) {
    case SUFFIX_SORT:
    case SUFFIX_DISTINCT: TRY(parse_keys(p, out)); break;
    case SUFFIX_LIMIT: TRY(parse_limit(p, out)); break;
    case SUFFIX_FILTER: TRY(parse_predicate(p, &out->predicate)); break;
    }
    return parser_take(p, SYMBOL_CLOSE, out->kind == SUFFIX_LIMIT ? "`)`" : "`,` or `)`");
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
    TRY_GOTO(parser_keep(p, suffixes.items, suffixes.count, sizeof *suffixes.items,
                         (void **)&out->suffixes));
done:
    vector_free(&suffixes);
    return result;
}

/* The recursion here and below is bounded by the nesting that the parser let through. */
static uint32_t depth_of_value(const operand *o);

static uint32_t depth_of(const node *n)
{
    uint32_t deepest = 0;
    for (size_t i = 0; i < n->child_count; i++) {
        uint32_t depth = depth_of(n->children[i]);
        if (depth > deepest) deepest = depth;
    }
    if (n->kind == NODE_COMPARE) {
        uint32_t left = depth_of_value(&n->left), right = depth_of_value(&n->right);
        return left > right ? left : right;
    }
    return deepest + (n->kind == NODE_NOT || n->kind == NODE_AND || n->kind == NODE_OR);
}

static uint32_t depth_of_value(const operand *o)
{
    if (o->kind == OPERAND_SUBQUERY) return 1 + depth_of(o->predicate);
    if (o->kind != OPERAND_ARITHMETIC) return 0;
    uint32_t deepest = 0;
    for (size_t i = 0; i < o->item_count; i++) {
        uint32_t depth = depth_of_value(&o->items[i]);
        if (depth > deepest) deepest = depth;
    }
    return deepest + 1;
}

static status check_depth(const tree *t)
{
    uint32_t depth = depth_of(t->root);
    for (size_t i = 0; i < t->suffix_count; i++) {
        const suffix *s = &t->suffixes[i];
        uint32_t below = s->kind == SUFFIX_FILTER ? 1 + depth_of(s->predicate) : 0;
        if (below > depth) depth = below;
    }
    if (depth <= LIMIT_QUERY_DEPTH_MAX) return ATOLL_OK;
    return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                "the query nests %u levels of and, or, not, arithmetic and SUBQUERY; at most %d "
                "are allowed",
                depth, LIMIT_QUERY_DEPTH_MAX);
}

static status check_text(bytes text)
{
    if (text.size > LIMIT_QUERY_SIZE_MAX) {
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "the query has %zu bytes, at most %u are allowed",
                    text.size, LIMIT_QUERY_SIZE_MAX);
    }
    return utf8_is_valid(text) ? ATOLL_OK
                               : fail(ATOLL_ERROR_QUERY_SYNTAX, "the query is not valid UTF-8");
}

status query_parse(arena *memory, bytes text, tree *out)
{
    static const char everything[] = "TRUEPREDICATE";
    tree made = {0};
    parser p;
    TRY(check_text(text));
    TRY(parser_start(&p, memory, text.size == 0 ? bytes_text(everything) : text));
    TRY(parse_predicate(&p, &made.root));
    TRY(parse_suffixes(&p, &made));
    TRY(check_depth(&made));
    *out = made;
    return ATOLL_OK;
}

static status parse_argument(arena *memory, bytes text, operand *out,
                             status (*parse)(parser *, operand *))
{
    parser p;
    operand made = {0};
    TRY(check_text(text));
    TRY(parser_start(&p, memory, text));
    TRY(parse(&p, &made));
    if (p.now.kind != TOKEN_END) return parser_expected(&p.now, "the end of the argument");
    *out = made;
    return ATOLL_OK;
}

status query_parse_path(arena *memory, bytes text, operand *out)
{
    return parse_argument(memory, text, out, parse_path);
}

status query_parse_shape(arena *memory, bytes text, operand *out)
{
    return parse_argument(memory, text, out, parse_shape);
}
