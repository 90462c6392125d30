#ifndef ATOLL_QUERY_INTERNAL_H
#define ATOLL_QUERY_INTERNAL_H
#include "query/query.h"
#include <stdatomic.h>

/* The steps of the query layer, each in its own file:
 *   lexer.c, literal.c text → tokens;  parser.c, parse_value.c tokens → tree;
 *   bind_operand.c names found, arguments filled in;  bind.c types checked;  text.c tree → canonical text;
 *   compare.c one comparison of two values;  calculate.c arithmetic, aggregates of lists;  geo.c shapes;  search.c words;
 *   path.c from a row to the values of a path; paths.c which there are;  evaluate.c the tree over one row;
 *   plan.c how a comparison runs;  execute.c the tree over segments, kernels.c its innermost loops;  linked.c what is behind a link;
 *   sort.c (sort_column.c, radix.c), distinct.c, aggregate.c what is built on the rows;
 *   base.c rows of one object's collection instead of a class;
 *   advance.c, difference.c, reach.c what changed between two versions;  query.c the door. */

/* ---- memory: everything that a query holds dies with it ---- */
typedef struct arena {
    struct arena_block *blocks;
} arena;
void *
query_arena_take(arena *a,
                 size_t size); /* NULL after fail(OUT_OF_MEMORY); cleared, aligned for any type */
status query_arena_copy(arena *a, bytes from, bytes *out) MUST_CHECK;
void query_arena_free(arena *a);

/* ---- tokens ---- */
typedef struct position {
    uint32_t line, column; /* from 1; columns count characters */
} position;
typedef enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_CONSTANT,
    TOKEN_ARGUMENT,
    TOKEN_SYMBOL,
    TOKEN_AT
} token_kind;
typedef enum symbol {
    SYMBOL_NONE,
    SYMBOL_OPEN,
    SYMBOL_CLOSE,
    SYMBOL_OPEN_BRACE,
    SYMBOL_CLOSE_BRACE,
    SYMBOL_OPEN_BRACKET,
    SYMBOL_CLOSE_BRACKET,
    SYMBOL_COMMA,
    SYMBOL_DOT,
    SYMBOL_EQUAL,
    SYMBOL_NOT_EQUAL,
    SYMBOL_LESS,
    SYMBOL_LESS_EQUAL,
    SYMBOL_GREATER,
    SYMBOL_GREATER_EQUAL,
    SYMBOL_AND,
    SYMBOL_OR,
    SYMBOL_NOT,
    SYMBOL_PLUS,
    SYMBOL_MINUS,
    SYMBOL_TIMES,
    SYMBOL_DIVIDE,
    SYMBOL_FOLD
} symbol;
typedef struct token {
    token_kind kind;
    symbol symbol;
    position at;
    bytes raw;      /* as written */
    bytes text;     /* WORD: escapes undone; AT: the word behind @ */
    value constant; /* CONSTANT */
    uint64_t index; /* ARGUMENT */
} token;
typedef struct lexer {
    const uint8_t *next, *end;
    position at;
    arena *memory;
} lexer;
status lexer_next(lexer *l, token *out) MUST_CHECK;
/* The forms with calendar, hex and base64 digits (literal.c); *matched false: the text is no such literal. */
status literal_read(lexer *l, token *out, bool *matched) MUST_CHECK;
void lexer_advance(lexer *l, size_t size); /* steps over size bytes, counting lines and columns */
status base64_decode(arena *memory, bytes from, bytes *out, bool *valid) MUST_CHECK;
status base64_append(buffer *to, bytes from) MUST_CHECK;
bool words_equal(bytes word, const char *lower); /* ASCII letters of any case */

/* ---- tree ---- */
typedef enum quantifier {
    QUANTIFIER_NONE_WRITTEN,
    QUANTIFIER_ANY,
    QUANTIFIER_ALL,
    QUANTIFIER_NONE
} quantifier;
typedef enum operand_kind {
    OPERAND_CONSTANT,
    OPERAND_ARGUMENT,
    OPERAND_PATH,
    OPERAND_CONSTANTS,
    OPERAND_OBJECT,     /* obj('Class', key): looked up in the view that is read */
    OPERAND_ARITHMETIC, /* a chain of + and -, or one of * and / */
    OPERAND_SUBQUERY,   /* the number of objects on the path that match */
    OPERAND_SHAPE       /* of GEOWITHIN */
} operand_kind;
/* What is taken of the values at the end of a path. COUNT: elements of a collection, size of a text. */
typedef enum path_post {
    POST_VALUE,
    POST_COUNT,
    POST_TYPE,
    POST_MINIMUM,
    POST_MAXIMUM,
    POST_SUM,
    POST_AVERAGE
} path_post;
typedef enum selector_kind {
    SELECT_EACH, /* [*], @values */
    SELECT_INDEX,
    SELECT_FIRST,
    SELECT_LAST,
    SELECT_KEY,
    SELECT_KEYS,    /* @keys: the keys themselves */
    SELECT_ARGUMENT /* as parsed; index: of the argument */
} selector_kind;
typedef struct selector {
    selector_kind kind;
    position at;
    uint64_t index;
    bytes key;
} selector;
typedef enum step_kind {
    STEP_PROPERTY,
    STEP_BACKLINK,  /* @links.Class.property */
    STEP_BACKLINKS, /* @links, of which only the count is known */
    STEP_ARGUMENT   /* $K0, as parsed; becomes the steps of its text */
} step_kind;
typedef struct path_step {
    step_kind kind;
    bytes name;
    bytes class_name; /* BACKLINK: the class that links here */
    position at;
    uint64_t argument;
    selector *selectors;
    size_t selector_count;
    class_key class_of; /* bound: the class that the property is of, and the property */
    property_key property;
    value_type type;
    class_key target;
    uint8_t flags;
    bool list;     /* a collection, or backlinks */
    bool many;     /* any number of values are left after the selectors */
    bool nullable; /* of a collection: its elements */
} path_step;
struct geo_shape;
struct node;
typedef struct operand {
    operand_kind kind;
    quantifier quantifier;
    position at;
    bytes variable;       /* before a path inside a SUBQUERY: `$x` */
    bytes inner_variable; /* SUBQUERY: the one that its predicate uses */
    path_step *steps;
    size_t step_count;
    path_post post;
    bool aggregated; /* the last step stands behind the post: `dogs.@max.age` */
    value constant;  /* OBJECT: the key */
    bytes literal;   /* CONSTANT: a number as it was written; empty: another or an argument */
    uint64_t argument;
    struct operand
        *items;      /* CONSTANTS as parsed; parts of ARITHMETIC; key of OBJECT; numbers of SHAPE */
    char *operators; /* ARITHMETIC: between the items, the first unused */
    value *constants; /* CONSTANTS as bound */
    uint32_t *masks;  /* of constants beside @type: the types that each name means, one bit each */
    size_t item_count;
    bytes class_name;       /* OBJECT */
    class_key target;       /* bound: class of OBJECT, and of links */
    struct node *predicate; /* SUBQUERY */
    bytes shape_name;       /* SHAPE as parsed */
    size_t *ring_sizes;     /* SHAPE as parsed: numbers of each point list */
    size_t ring_count;
    struct geo_shape *shape; /* SHAPE as bound */
    value_type type;         /* bound; of each value */
    bool many;               /* bound: any number of values */
    bool stays_double; /* bound: a double that is compared with floats, and not written as one */
    bool has_objects;  /* CONSTANTS: some are obj(...), then items are read */
} operand;
typedef enum comparison {
    COMPARE_EQUAL,
    COMPARE_NOT_EQUAL,
    COMPARE_LESS,
    COMPARE_LESS_EQUAL,
    COMPARE_GREATER,
    COMPARE_GREATER_EQUAL,
    COMPARE_BEGINS_WITH,
    COMPARE_ENDS_WITH,
    COMPARE_CONTAINS,
    COMPARE_LIKE
} comparison;
typedef enum node_kind {
    NODE_TRUE,
    NODE_FALSE,
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_COMPARE,
    NODE_GEO, /* left GEOWITHIN right */
    NODE_TEXT /* left TEXT right */
} node_kind;
/* How execute.c runs a comparison: as a closed range over a fixed-size column, a column of any type, or row by row. */
typedef enum pass_kind {
    PASS_ROW,
    PASS_INTEGER,
    PASS_DOUBLE,
    PASS_TIMESTAMP,
    PASS_COLUMN,
    PASS_LINKED
} pass_kind;
typedef struct pass_range {
    bool empty,
        outside; /* empty: no value is inside; outside: matches what is not inside, null too */
    int64_t low, high; /* integers; seconds */
    int32_t low_nanoseconds, high_nanoseconds;
    double low_double, high_double;
} pass_range;
typedef struct node {
    node_kind kind;
    position at;
    struct node **children;
    size_t child_count;
    comparison comparison;
    bool fold, in; /* [c]; written IN */
    bool between;  /* >= the first constant on the right and <= the second */
    bool types;    /* bound: both sides are sets of types, one bit each (.@type) */
    bool whole;    /* bound: two collections element by element */
    operand left, right;
    struct text_search *search; /* TEXT */
    pass_kind pass;
    pass_range range;
} node;
typedef struct sort_key {
    operand path;
    bool descending;
} sort_key;
typedef enum suffix_kind {
    SUFFIX_SORT,
    SUFFIX_DISTINCT,
    SUFFIX_LIMIT,
    SUFFIX_FILTER /* a predicate over what is left: results with a LIMIT that were filtered */
} suffix_kind;
typedef struct suffix {
    suffix_kind kind;
    uint64_t limit;
    sort_key *keys;
    size_t key_count;
    node *predicate;
} suffix;
typedef struct tree {
    node *root;
    suffix *suffixes;
    size_t suffix_count;
} tree;
status query_parse(arena *memory, bytes text, tree *out) MUST_CHECK;
/* The text of an argument, read where the language has a path or a shape. */
status query_parse_path(arena *memory, bytes text, operand *out) MUST_CHECK;
status query_path_too_long(position at);
status query_parse_shape(arena *memory, bytes text, operand *out) MUST_CHECK;

/* A class whose rows the query looks into: any change of them, or their life alone, may change who matches. */
typedef struct dependency {
    class_key class_of;
    bool life_only;
} dependency;
struct query {
    atomic_uint references;
    query *parts[2]; /* of query_and: the tree points into theirs */
    arena memory;
    class_key class_of;
    const char *class_name; /* the schema may be gone by the time of an error */
    tree tree;
    query_base base;
    bytes text;
    VECTOR(property_key) properties;
    VECTOR(dependency) dependencies;
    bool
        crosses_links; /* links, collections of other classes, whatever needs more than the row's own fields */
    bool plain; /* it asks fields of one value of the row only */
    bool has_sort;
    bool has_subset; /* LIMIT, DISTINCT or FILTER: which rows are left depends on the others */
};
status query_bind(query *q, const model_schema *schema, const model_class *class_of,
                  const query_arguments *arguments) MUST_CHECK;
/* What both halves of binding share: bind_operand.c gives names and arguments their meaning, bind.c checks what is
 * compared with what. */
typedef struct binder {
    query *query;
    const model_schema *schema;
    const model_class
        *class_of; /* of the rows that the predicate is over; another one inside a SUBQUERY */
    const query_arguments *arguments;
    bool inner;        /* inside a SUBQUERY */
    bool in_predicate; /* not in the keys of SORT and DISTINCT */
} binder;
status bind_operand(binder *b, operand *o) MUST_CHECK;
status bind_path(binder *b, operand *o) MUST_CHECK;
status bind_shape(binder *b, const operand *path, operand *o) MUST_CHECK;
status bind_node(binder *b, node *n) MUST_CHECK;
status bind_type_error(position at, const char *what);
/* Gives the numbers that were written the kind of what they meet. */
void bind_fit_numbers(value_type type, operand *o);
bool type_is_text(value_type type);
bool type_is_link(value_type type); /* embedded objects too */
bool type_is_number(value_type type);
bool operand_reads_rows(const operand *o);
void query_note_plain(query *q, const model_class *c);
status query_note_property(query *q, property_key p) MUST_CHECK; /* each once */
status query_note_dependency(query *q, class_key c, bool life_only) MUST_CHECK;
status query_write_text(query *q) MUST_CHECK; /* fills q->text */
status query_write_name(buffer *to, bytes name) MUST_CHECK;
status query_write_node(buffer *to, const node *n) MUST_CHECK;
status query_write_suffixes(buffer *to, const tree *t) MUST_CHECK;
void pass_plan(node *n); /* chooses the pass of a bound comparison */

/* ---- values ---- */
/* The whole truth of one comparison, null rules included; a failed comparison of types is false. */
bool values_match(comparison c, bool fold, const value *left, const value *right);
int number_compare(const value *a, const value *b, bool *unordered); /* of all kinds, exact */
uint32_t fold_character(uint32_t character);
/* + - * /: null with null, and when an integer is divided by zero. */
value value_calculate(char sign, const value *left, const value *right);
value_type arithmetic_type(value_type left, value_type right);
/* @type: the bit of a value's type, and the bits that a name means; 0: no such name. */
uint32_t type_bit(value_type type);
uint32_t type_mask(bytes name);
/* @min, @max, @sum, @avg, value by value; nulls do not count. */
typedef struct accumulator {
    path_post post;
    uint64_t count;
    value total;
} accumulator;
void accumulator_add(accumulator *a, const value *v);
value accumulator_result(const accumulator *a, value_type type); /* type: of the values */

/* ---- full text (search.c) ---- */
typedef struct text_search text_search;
/* The words of a search: all must be there, but for those with a - before them; a * behind one stands for any end. */
status text_search_new(arena *memory, bytes terms, position at, text_search **out) MUST_CHECK;
bool text_search_matches(const text_search *s, bytes text);
bytes text_search_word(
    const text_search *s); /* a whole word that must be there, folded; empty: none */

/* ---- shapes on the sphere (geo.c) ---- */
typedef enum shape_kind { SHAPE_BOX, SHAPE_CIRCLE, SHAPE_POLYGON } shape_kind;
typedef struct geo_shape {
    shape_kind kind;
    double *
        numbers; /* longitude and latitude of each point, in degrees; behind them the radius of a circle */
    size_t *ring_sizes;
    size_t ring_count;
    double (*vertices)[3]; /* POLYGON: the points on the unit sphere, rings counter-clockwise */
    property_key type, coordinates; /* of the embedded class on the left */
} geo_shape;
/* Checks the numbers of a shape and makes it ready for geo_contains. */
status geo_prepare(arena *memory, geo_shape *shape, position at) MUST_CHECK;
bool geo_contains(const geo_shape *shape, double longitude, double latitude);

/* ---- rows ---- */
typedef struct row_source {
    const model_view *view;
    query_getter get; /* instead of a view */
    void *get_context;
    const query_rows *rows; /* instead of both */
    status error;           /* the first failure of a read; what was evaluated then means nothing */
} row_source;
bool row_matches(row_source *source, const node *n, class_key c, row_key row);
void row_failed(row_source *source, status why); /* keeps the first one */
/* Gets each value of an operand, borrowed for the call; answers true to stop. */
typedef bool (*value_visit)(void *context, const value *v);
bool operand_visit(row_source *source, const operand *o, row_key row, value_visit visit,
                   void *context);
bool source_has_objects(const row_source *source); /* more than the row's own fields of one value */
void source_read(row_source *source, class_key c, row_key row, property_key p, value *out);
bool path_visit(row_source *source, const operand *o, row_key row, value_visit visit,
                void *context);
/* A path without lists; *through_null told when a link before the end is null. */
void path_value(row_source *source, const operand *path, row_key row, value *out,
                bool *through_null);

/* ---- segments ---- */
enum { MASK_WORDS = MODEL_BLOCK_ROWS / 64 };
typedef struct segment_source {
    row_source rows;
    class_key class_of;
    model_segment segment;
    struct linked
        *linked; /* what comparisons behind links found in this run; linked_free at its end */
} segment_source;
/* Leaves in mask the rows of it that match. */
void segment_matches(segment_source *source, const node *n, uint64_t mask[MASK_WORDS]);
/* Rows outside of which nothing matches. */
typedef struct candidates {
    const node *by;  /* the part of the tree that an index answered; NULL: every row is one */
    model_rows rows; /* in order; some may be there twice */
} candidates;
status candidates_find(const model_view *view, class_key c, const node *root,
                       candidates *out) MUST_CHECK;
/* The segments that have rows that match, from the candidates or from all. */
typedef struct segment_scan {
    segment_source source;
    const node *root;
    candidates from;
    size_t at;
    uint64_t cursor;
    status result;
} segment_scan;
status scan_begin(segment_scan *s, const model_view *view, class_key c,
                  const node *root) MUST_CHECK;
/* False: the end, or s->result. The mask has the rows of s->source.segment that match, maybe none. */
bool scan_next(segment_scan *s, uint64_t mask[MASK_WORDS]);
void scan_end(segment_scan *s);
/* Row i of a column as a value. fallback: what a missing column reads as. */
value column_value(const model_column *column, size_t i, const value *fallback);
value property_fallback(value_type type, bool nullable);
bool constants_match(const node *n, const value *v); /* any of the constants on the right */
/* ---- comparisons behind one link (linked.c) ---- */
typedef struct linked linked;
/* *done false: nothing was done, following each link is quicker. */
status linked_pass(segment_source *s, const node *n, const model_column *links,
                   uint64_t mask[MASK_WORDS], bool *done) MUST_CHECK;
void linked_free(linked *l);
/* ---- order ---- */
typedef struct sortable {
    uint64_t bits;
    uint64_t index; /* what the sorter finds its row by */
} sortable;
/* By bits; items of equal bits keep their order. spare: room for as many. */
void radix_sort(sortable *items, sortable *spare, size_t count);
/* Bits that sort as the numbers do: NaN before every number, both zeros equal. */
static inline uint64_t sort_bits_of_integer(int64_t integer)
{
    return (uint64_t)integer ^ (uint64_t)1 << 63;
}
static inline uint64_t sort_bits_of_double(double real)
{
    if (real != real) return 0;
    uint64_t bits = 0;
    real += 0.0;
    memcpy(&bits, &real, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}
/* The rows ascend. *done false: nothing was done, the general way must be taken. */
status sort_by_column(const suffix *s, const model_view *view, row_vector *rows,
                      bool *done) MUST_CHECK;
status rows_sort(const suffix *s, const model_view *view, row_vector *rows) MUST_CHECK;
status rows_distinct(const suffix *s, const model_view *view, row_vector *rows) MUST_CHECK;
/* The order of two rows by the keys of a SORT; 0: they stay as they were. */
status rows_compare(const suffix *s, const model_view *view, row_key a, row_key b,
                    int *order) MUST_CHECK;
/* ---- bases (base.c) ---- */
status query_copy(const query *q, query **out) MUST_CHECK; /* with a base of its own */
status base_rows(const query *q, const model_view *view,
                 row_vector *out) MUST_CHECK; /* that match, before SORT and the like */
bool base_concerns(const query *q, const row_change *change);
#endif
