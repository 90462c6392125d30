/* The tree over one row: the fallback of every pass, and the whole of query_matches.
 * It must never write, nor stop at a failed read silently: the first failure stays in row_source.error.
 * Invariant: ANY, ALL and NONE nest: the quantifier on the left is over the left values, and for each of them the one on
 * the right is over the right values. */
#include "query/query_internal.h"

static bool operand_value(row_source *source, const operand *o, row_key row, value *out);

/* ---- values ---- */

static bool take_value(void *context, const value *v)
{
    *(value *)context = *v;
    return true;
}

static bool add_value(void *context, const value *v)
{
    accumulator_add(context, v);
    return false;
}

static value calculated(row_source *source, const operand *o, row_key row)
{
    value total = value_null(), next;
    operand_value(source, &o->items[0], row, &total);
    for (size_t i = 1; i < o->item_count && total.type != VALUE_NULL; i++) {
        operand_value(source, &o->items[i], row, &next);
        total = value_calculate(o->operators[i], &total, &next);
    }
    return total;
}

static value aggregated(row_source *source, const operand *o, row_key row)
{
    accumulator a = {.post = o->post, .total = value_null()};
    operand over = *o;
    over.post = POST_VALUE;
    path_visit(source, &over, row, add_value, &a);
    return accumulator_result(&a, o->type);
}

typedef struct counting {
    row_source *source;
    const operand *subquery;
    uint64_t count;
} counting;

static bool count_matching(void *context, const value *v)
{
    counting *c = context;
    if (v->type == VALUE_LINK || v->type == VALUE_EMBEDDED)
        c->count += row_matches(c->source, c->subquery->predicate, c->subquery->target, v->as.row);
    return false;
}

static value counted(row_source *source, const operand *o, row_key row)
{
    counting c = {.source = source, .subquery = o};
    operand over = *o;
    over.kind = OPERAND_PATH;
    path_visit(source, &over, row, count_matching, &c);
    return value_int((int64_t)c.count);
}

/* The object that obj() names, or a link to nowhere, which equals nothing. */
static value object_of(row_source *source, const operand *o)
{
    row_key row = 0;
    status found =
        source->view == NULL ? ATOLL_OK : model_find(source->view, o->target, &o->constant, &row);
    if (found != ATOLL_OK) row_failed(source, found);
    value v = value_link(row);
    if (o->type != VALUE_TYPED_LINK) return v;
    v.type = VALUE_TYPED_LINK;
    v.as.link.row = row;
    v.as.link.class_of = o->target;
    return v;
}

static value constant_at(row_source *source, const operand *o, size_t i)
{
    if (o->masks != NULL) return value_int(o->masks[i]);
    bool object = o->has_objects && o->items[i].kind == OPERAND_OBJECT;
    return object ? object_of(source, &o->items[i]) : o->constants[i];
}

static bool is_aggregate(const operand *o)
{
    return o->kind == OPERAND_PATH && o->post >= POST_MINIMUM;
}

bool operand_visit(row_source *source, const operand *o, row_key row, value_visit visit,
                   void *context)
{
    if (o->kind == OPERAND_PATH && !is_aggregate(o))
        return path_visit(source, o, row, visit, context);
    value v;
    if (o->kind != OPERAND_CONSTANTS) {
        operand_value(source, o, row, &v);
        return visit(context, &v);
    }
    for (size_t i = 0; i < o->item_count; i++) {
        v = constant_at(source, o, i);
        if (visit(context, &v)) return true;
    }
    return false;
}

/* Of an operand that has one value; false: it has none, as behind an index that is out of range. */
static bool operand_value(row_source *source, const operand *o, row_key row, value *out)
{
    *out = value_null();
    switch (o->kind) {
    case OPERAND_CONSTANT:
        *out = o->masks != NULL ? value_int(o->masks[0]) : o->constant;
        return true;
    case OPERAND_OBJECT: *out = object_of(source, o); return true;
    case OPERAND_ARITHMETIC: *out = calculated(source, o, row); return true;
    case OPERAND_SUBQUERY: *out = counted(source, o, row); return true;
    case OPERAND_PATH:
        if (!is_aggregate(o)) return path_visit(source, o, row, take_value, out);
        *out = aggregated(source, o, row);
        return true;
    case OPERAND_ARGUMENT:
    case OPERAND_CONSTANTS:
    case OPERAND_SHAPE: break;
    }
    return false;
}

/* ---- one comparison ---- */

typedef struct comparing {
    row_source *source;
    const node *node;
    row_key row;
    const value *left;
} comparing;

static bool pair_matches(const node *n, const value *left, const value *right)
{
    if (!n->types) return values_match(n->comparison, n->fold, left, right);
    bool shared = (left->as.integer & right->as.integer) != 0;
    return shared == (n->comparison == COMPARE_EQUAL);
}

/* Stops at the value that decides: ANY and NONE at the first that matches, ALL at the first that does not. */
static bool visit_right(void *context, const value *right)
{
    const comparing *c = context;
    return pair_matches(c->node, c->left, right) != (c->node->right.quantifier == QUANTIFIER_ALL);
}

static bool is_between(comparing *c, const value *left)
{
    const node *n = c->node;
    value low = constant_at(c->source, &n->right, 0), high = constant_at(c->source, &n->right, 1);
    return values_match(COMPARE_GREATER_EQUAL, false, left, &low) &&
           values_match(COMPARE_LESS_EQUAL, false, left, &high);
}

/* Whether the left value is as the right side wants it. */
static bool left_matches(comparing *c, const value *left)
{
    const operand *right = &c->node->right;
    if (c->node->between) return is_between(c, left);
    c->left = left;
    if (right->kind == OPERAND_CONSTANT && right->masks == NULL)
        return pair_matches(c->node, left, &right->constant);
    bool stopped = operand_visit(c->source, right, c->row, visit_right, c);
    return right->quantifier >= QUANTIFIER_ALL ? !stopped : stopped;
}

static bool visit_left(void *context, const value *left)
{
    comparing *c = context;
    bool matches = left_matches(c, left);
    c->left = NULL; /* it is the visitor's, and goes with this call */
    return matches != (c->node->left.quantifier == QUANTIFIER_ALL);
}

/* ---- two collections as a whole ---- */

typedef VECTOR(value) value_vector;
typedef struct gathering {
    row_source *source;
    value_vector values;
} gathering;

static bool gather(void *context, const value *v)
{
    gathering *g = context;
    if (vector_push(&g->values, *v) == ATOLL_OK) return false;
    row_failed(g->source, ATOLL_ERROR_OUT_OF_MEMORY);
    return true;
}

static bool is_set(const operand *o)
{
    return o->kind == OPERAND_PATH && (o->steps[o->step_count - 1].flags & PROPERTY_SET) != 0;
}

static bool holds(const value_vector *all, const value *v, bool fold)
{
    for (size_t i = 0; i < all->count; i++) {
        if (values_match(COMPARE_EQUAL, fold, &all->items[i], v)) return true;
    }
    return false;
}

static bool subset_of(const value_vector *part, const value_vector *all, bool fold)
{
    for (size_t i = 0; i < part->count; i++) {
        if (!holds(all, &part->items[i], fold)) return false;
    }
    return true;
}

static bool same_values(const value_vector *left, const value_vector *right, const node *n)
{
    if (is_set(&n->left) || is_set(&n->right))
        return subset_of(left, right, n->fold) && subset_of(right, left, n->fold);
    if (left->count != right->count) return false;
    for (size_t i = 0; i < left->count; i++) {
        if (!values_match(COMPARE_EQUAL, n->fold, &left->items[i], &right->items[i])) return false;
    }
    return true;
}

static bool whole_matches(row_source *source, const node *n, row_key row)
{
    gathering left = {.source = source}, right = {.source = source};
    operand_visit(source, &n->left, row, gather, &left);
    operand_visit(source, &n->right, row, gather, &right);
    bool same = same_values(&left.values, &right.values, n);
    vector_free(&left.values);
    vector_free(&right.values);
    return same == (n->comparison == COMPARE_EQUAL);
}

static bool comparison_matches(row_source *source, const node *n, row_key row)
{
    if (n->whole) return whole_matches(source, n, row);
    comparing c = {.source = source, .node = n, .row = row};
    bool stopped = operand_visit(source, &n->left, row, visit_left, &c);
    return n->left.quantifier >= QUANTIFIER_ALL ? !stopped : stopped;
}

/* ---- GEOWITHIN ---- */

typedef struct point_reader {
    row_source *source;
    const node *node;
    double numbers[2];
    size_t count;
} point_reader;

static bool read_coordinate(void *context, const value *v)
{
    point_reader *r = context;
    if (v->type != VALUE_DOUBLE) return true;
    r->numbers[r->count++] = v->as.real;
    return r->count == 2;
}

/* Stops at the point that decides. An object that is no point, or has no coordinates, is nowhere. */
static bool visit_point(void *context, const value *v)
{
    point_reader *r = context;
    const operand *left = &r->node->left;
    const geo_shape *shape = r->node->right.shape;
    bool inside = false;
    if (v->type == VALUE_LINK || v->type == VALUE_EMBEDDED) {
        path_step coordinates = {.class_of = left->target,
                                 .property = shape->coordinates,
                                 .type = VALUE_DOUBLE,
                                 .flags = PROPERTY_LIST,
                                 .list = true,
                                 .many = true};
        operand path = {.kind = OPERAND_PATH, .steps = &coordinates, .step_count = 1};
        value type;
        source_read(r->source, left->target, v->as.row, shape->type, &type);
        r->count = 0;
        bool point = type.type == VALUE_STRING && words_equal(type.as.text, "point");
        if (point) path_visit(r->source, &path, v->as.row, read_coordinate, r);
        inside = r->count == 2 && geo_contains(shape, r->numbers[0], r->numbers[1]);
    }
    return inside != (left->quantifier == QUANTIFIER_ALL);
}

static bool geo_matches(row_source *source, const node *n, row_key row)
{
    point_reader r = {.source = source, .node = n};
    if (!source_has_objects(source)) return false;
    bool stopped = operand_visit(source, &n->left, row, visit_point, &r);
    return n->left.quantifier >= QUANTIFIER_ALL ? !stopped : stopped;
}

/* ---- TEXT ---- */

static bool visit_text(void *context, const value *v)
{
    const node *n = context;
    bool matches = v->type == VALUE_STRING && text_search_matches(n->search, v->as.text);
    return matches != (n->left.quantifier == QUANTIFIER_ALL);
}

static bool text_matches(row_source *source, const node *n, row_key row)
{
    bool stopped = operand_visit(source, &n->left, row, visit_text, (node *)(uintptr_t)n);
    return n->left.quantifier >= QUANTIFIER_ALL ? !stopped : stopped;
}

/* ---- the tree ---- */

bool row_matches(row_source *source, const node *n, class_key class_of, row_key row)
{
    switch (n->kind) {
    case NODE_TRUE: return true;
    case NODE_FALSE: return false;
    case NODE_NOT: return !row_matches(source, n->children[0], class_of, row);
    case NODE_COMPARE: return comparison_matches(source, n, row);
    case NODE_GEO: return geo_matches(source, n, row);
    case NODE_TEXT: return text_matches(source, n, row);
    case NODE_AND:
    case NODE_OR: break;
    }
    bool decides = n->kind == NODE_OR;
    for (size_t i = 0; i < n->child_count; i++) {
        if (row_matches(source, n->children[i], class_of, row) == decides) return decides;
    }
    return !decides;
}
