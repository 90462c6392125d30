#ifndef ATOLL_QUERY_PARSER_INTERNAL_H
#define ATOLL_QUERY_PARSER_INTERNAL_H
#include "query/query_internal.h"

/* What parser.c (and, or, not, comparisons, suffixes) and parse_value.c (paths, constants, shapes) share. */

/* Parentheses alone add no level to the tree, and the canonical text has up to three per level of it. */
enum { NESTING_MAX = 4 * LIMIT_QUERY_DEPTH_MAX };

/* The variables of the SUBQUERYs around what is parsed, the innermost first. */
typedef struct variable_scope {
    bytes name;
    const struct variable_scope *outer;
} variable_scope;
typedef struct parser {
    lexer lexer;
    token now, ahead;
    arena *memory;
    uint32_t nesting;
    const variable_scope *scope;
} parser;

status parser_start(parser *p, arena *memory, bytes text) MUST_CHECK;
status parser_step(parser *p) MUST_CHECK;
status parser_take(parser *p, symbol s, const char *what) MUST_CHECK;
status parser_enter(parser *p, position at) MUST_CHECK; /* one level deeper */
status parser_expected(const token *found, const char *what);
/* Moves what was collected into the query's own memory. */
status parser_keep(parser *p, const void *items, size_t count, size_t size, void **out) MUST_CHECK;
bool token_is_symbol(const token *t, symbol s);
bool token_is_word(const token *t, const char *lower);       /* of any case */
bool token_is_exact_word(const token *t, const char *lower); /* `in` or `IN`, not `In` */
/* Whether the word is used as a name, although it is one of the language: `like == 1`. */
bool parser_at_name(const parser *p);

status parse_predicate(parser *p, node **out) MUST_CHECK;
/* A path, constant, list, aggregate or subquery: everything but arithmetic. */
status parse_value(parser *p, operand *out) MUST_CHECK;
status parse_path(parser *p,
                  operand *out) MUST_CHECK; /* without what may follow it: @count, @max */
status parse_shape(parser *p, operand *out) MUST_CHECK;
#endif
