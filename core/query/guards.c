/* What a predicate demands of single fields: for whoever holds many predicates and has one row, and wants to know which of
 * them to ask. It must never leave out a predicate that matches. Invariant: a row that matches has, for one of the guards,
 * a value that the guard lets through. */
#include "query/query_internal.h"
#include <math.h>

typedef struct collector {
    query_guard *guards;
    size_t room, count;
} collector;

static bool plain_path(const operand *o)
{
    return o->kind == OPERAND_PATH && o->step_count == 1 && o->post == POST_VALUE &&
           !o->aggregated && o->quantifier <= QUANTIFIER_ANY && o->variable.size == 0 &&
           o->steps[0].kind == STEP_PROPERTY && o->steps[0].selector_count == 0 &&
           !o->steps[0].list;
}

static bool add(collector *c, const query_guard *g)
{
    if (c->count == c->room) return false;
    c->guards[c->count++] = *g;
    return true;
}

/* Values that are equal to this one have its type and its bytes. */
static bool is_exact(value_type property, const value *v)
{
    bool exact = property == VALUE_STRING || property == VALUE_UUID ||
                 property == VALUE_OBJECT_ID || property == VALUE_INT || property == VALUE_BOOL;
    return exact && v->type == property;
}

static bool guard_equal(collector *c, const operand *path, const value *v)
{
    const path_step *s = &path->steps[0];
    query_guard g = {.property = s->property, .equal = true, .value = *v};
    return is_exact(s->type, v) && add(c, &g);
}

static bool guard_range(collector *c, const operand *path, const node *n)
{
    query_guard g = {.property = path->steps[0].property,
                     .low = n->pass == PASS_INTEGER ? (double)n->range.low : n->range.low_double,
                     .high =
                         n->pass == PASS_INTEGER ? (double)n->range.high : n->range.high_double};
    if (n->range.outside) return false;
    if (n->range.empty) { /* Nothing matches: a guard that lets nothing through. */
        g.low = INFINITY;
        g.high = -INFINITY;
    }
    return add(c, &g);
}

static bool guard_comparison(collector *c, const node *n)
{
    bool turned = n->left.kind == OPERAND_CONSTANT;
    const operand *path = turned ? &n->right : &n->left, *other = turned ? &n->left : &n->right;
    if (!plain_path(path) || n->fold || n->types || n->whole) return false;
    bool list = other->kind == OPERAND_CONSTANTS && !other->has_objects &&
                other->quantifier <= QUANTIFIER_ANY && !n->between;
    size_t before = c->count;
    if (n->comparison == COMPARE_EQUAL && (list || other->kind == OPERAND_CONSTANT)) {
        size_t count = list ? other->item_count : 1;
        bool all = true;
        for (size_t i = 0; i < count && all; i++)
            all = guard_equal(c, path, list ? &other->constants[i] : &other->constant);
        if (all) return true;
        c->count = before;
    }
    bool range = n->pass == PASS_INTEGER || n->pass == PASS_DOUBLE;
    return range && path->steps[0].type != VALUE_BOOL && guard_range(c, path, n);
}

static bool collect(collector *c, const node *n);

/* One of them is enough: the one with the fewest guards, and equalities before ranges. */
static bool collect_and(collector *c, const node *n)
{
    size_t before = c->count, best_cost = SIZE_MAX, best = 0;
    for (size_t i = 0; i < n->child_count; i++) {
        size_t cost = 0;
        c->count = before;
        if (!collect(c, n->children[i])) continue;
        for (size_t k = before; k < c->count; k++) cost += c->guards[k].equal ? 1 : 1000;
        if (cost < best_cost) {
            best_cost = cost;
            best = i;
        }
    }
    c->count = before;
    return best_cost != SIZE_MAX && collect(c, n->children[best]);
}

static bool collect(collector *c, const node *n)
{
    size_t before = c->count;
    switch (n->kind) {
    case NODE_FALSE: return true;
    case NODE_COMPARE: return guard_comparison(c, n);
    case NODE_AND: return collect_and(c, n);
    case NODE_OR:
        for (size_t i = 0; i < n->child_count; i++) {
            if (collect(c, n->children[i])) continue;
            c->count = before;
            return false;
        }
        return true;
    case NODE_TRUE:
    case NODE_NOT:
    case NODE_GEO:
    case NODE_TEXT: break;
    }
    return false;
}

bool query_guards(const query *q, query_guard *out, size_t room, size_t *count)
{
    collector c = {.guards = out, .room = room};
    *count = 0;
    if (q->has_subset || q->base.kind != QUERY_BASE_CLASS || !collect(&c, q->tree.root))
        return false;
    *count = c.count;
    return true;
}

bool query_guard_lets(const query_guard *g, const value *v)
{
    if (g->equal) return value_equal(&g->value, v);
    if (v->type == VALUE_INT) {
        double at = (double)v->as.integer;
        return at >= g->low && at <= g->high;
    }
    if (v->type == VALUE_DOUBLE || v->type == VALUE_FLOAT)
        return v->as.real >= g->low && v->as.real <= g->high;
    return false; /* A range never matches null. */
}
