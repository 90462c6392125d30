/* Chooses how a bound comparison runs over columns, and turns it into a closed range where it can.
 * It must never change what a comparison matches: a range is used only when it says exactly the same.
 * Invariant: PASS_INTEGER, PASS_DOUBLE and PASS_TIMESTAMP never match null, except with `outside`. */
#include "query/query_internal.h"
#include <math.h>

static void integer_range(comparison c, int64_t at, pass_range *out)
{
    *out = (pass_range){.low = INT64_MIN, .high = INT64_MAX, .outside = c == COMPARE_NOT_EQUAL};
    if (c == COMPARE_EQUAL || c == COMPARE_NOT_EQUAL || c == COMPARE_GREATER_EQUAL) out->low = at;
    if (c == COMPARE_EQUAL || c == COMPARE_NOT_EQUAL || c == COMPARE_LESS_EQUAL) out->high = at;
    if (c == COMPARE_LESS) {
        out->empty = at == INT64_MIN;
        if (!out->empty) out->high = at - 1;
    }
    if (c == COMPARE_GREATER) {
        out->empty = at == INT64_MAX;
        if (!out->empty) out->low = at + 1;
    }
}

/* Integers against a double: the bound moves to the next integer inside. False: left to the general comparison. */
static bool integer_range_of_double(comparison c, double at, pass_range *out)
{
    if (!(at > -9.2e18 && at < 9.2e18)) return false;
    double whole = floor(at);
    if (whole == at) {
        integer_range(c, (int64_t)whole, out);
        return true;
    }
    if (c == COMPARE_LESS || c == COMPARE_LESS_EQUAL) {
        integer_range(COMPARE_LESS_EQUAL, (int64_t)whole, out);
    } else if (c == COMPARE_GREATER || c == COMPARE_GREATER_EQUAL) {
        integer_range(COMPARE_GREATER_EQUAL, (int64_t)whole + 1, out);
    } else {
        *out = (pass_range){.empty = true, .outside = c == COMPARE_NOT_EQUAL};
    }
    return true;
}

static bool double_range(comparison c, double at, pass_range *out)
{
    if (isnan(at)) return false;
    *out = (pass_range){
        .low_double = -INFINITY, .high_double = INFINITY, .outside = c == COMPARE_NOT_EQUAL};
    if (c == COMPARE_EQUAL || c == COMPARE_NOT_EQUAL || c == COMPARE_GREATER_EQUAL)
        out->low_double = at;
    if (c == COMPARE_EQUAL || c == COMPARE_NOT_EQUAL || c == COMPARE_LESS_EQUAL)
        out->high_double = at;
    if (c == COMPARE_LESS) {
        out->empty = at == -INFINITY;
        out->high_double = nextafter(at, -INFINITY);
    }
    if (c == COMPARE_GREATER) {
        out->empty = at == INFINITY;
        out->low_double = nextafter(at, INFINITY);
    }
    return true;
}

static bool step_nanoseconds(int64_t *seconds, int32_t *nanoseconds, int by)
{
    /* Stored timestamps keep both parts of one sign, so stepping over a second is left to the general comparison. */
    int64_t stepped = (int64_t)*nanoseconds + by;
    bool inside = stepped > -1000000000 && stepped < 1000000000;
    if (!inside || (*seconds > 0 && stepped < 0) || (*seconds < 0 && stepped > 0)) return false;
    *nanoseconds = (int32_t)stepped;
    return true;
}

static bool timestamp_range(comparison c, const value *at, pass_range *out)
{
    int64_t seconds = at->as.timestamp.seconds;
    int32_t nanoseconds = at->as.timestamp.nanoseconds;
    if (c == COMPARE_LESS && !step_nanoseconds(&seconds, &nanoseconds, -1)) return false;
    if (c == COMPARE_GREATER && !step_nanoseconds(&seconds, &nanoseconds, 1)) return false;
    *out = (pass_range){.low = INT64_MIN,
                        .low_nanoseconds = INT32_MIN,
                        .high = INT64_MAX,
                        .high_nanoseconds = INT32_MAX,
                        .outside = c == COMPARE_NOT_EQUAL};
    if (c != COMPARE_LESS && c != COMPARE_LESS_EQUAL) {
        out->low = seconds;
        out->low_nanoseconds = nanoseconds;
    }
    if (c != COMPARE_GREATER && c != COMPARE_GREATER_EQUAL) {
        out->high = seconds;
        out->high_nanoseconds = nanoseconds;
    }
    return true;
}

static comparison turned(comparison c)
{
    switch (c) {
    case COMPARE_LESS: return COMPARE_GREATER;
    case COMPARE_LESS_EQUAL: return COMPARE_GREATER_EQUAL;
    case COMPARE_GREATER: return COMPARE_LESS;
    case COMPARE_GREATER_EQUAL: return COMPARE_LESS_EQUAL;
    case COMPARE_EQUAL:
    case COMPARE_NOT_EQUAL:
    case COMPARE_BEGINS_WITH:
    case COMPARE_ENDS_WITH:
    case COMPARE_CONTAINS:
    case COMPARE_LIKE: break;
    }
    return c;
}

/* One value in a column of its own. Mixed values have columns of bytes, which only single reads understand. */
static bool is_plain_step(const path_step *s)
{
    return s->kind == STEP_PROPERTY && !s->list && s->selector_count == 0 && s->type != VALUE_MIXED;
}

static bool column_operand(const operand *o)
{
    return o->kind == OPERAND_PATH && o->step_count == 1 && o->post == POST_VALUE &&
           !type_is_link(o->type) && is_plain_step(&o->steps[0]);
}

/* One link, then a plain property. */
static bool linked_operand(const operand *o)
{
    if (o->kind != OPERAND_PATH || o->step_count != 2 || o->post != POST_VALUE) return false;
    return is_plain_step(&o->steps[0]) && type_is_link(o->steps[0].type) &&
           is_plain_step(&o->steps[1]) && !type_is_link(o->type);
}

/* Constants of which any one is enough: what constants_match looks at. */
static bool plain_constants(const operand *o)
{
    if (o->kind == OPERAND_CONSTANT) return true;
    return o->kind == OPERAND_CONSTANTS && !o->has_objects && o->quantifier <= QUANTIFIER_ANY;
}

/* PASS_ROW: the comparison is no range. */
static pass_kind range_of(value_type type, comparison c, const value *at, pass_range *out)
{
    switch (type) {
    case VALUE_BOOL:
        if (at->type != VALUE_BOOL) return PASS_ROW;
        integer_range(c, at->as.boolean ? 1 : 0, out);
        return PASS_INTEGER;
    case VALUE_INT:
        if (at->type == VALUE_DOUBLE || at->type == VALUE_FLOAT)
            return integer_range_of_double(c, at->as.real, out) ? PASS_INTEGER : PASS_ROW;
        if (at->type != VALUE_INT) return PASS_ROW;
        integer_range(c, at->as.integer, out);
        return PASS_INTEGER;
    case VALUE_FLOAT:
    case VALUE_DOUBLE: {
        bool number = at->type == VALUE_INT || at->type == VALUE_DOUBLE || at->type == VALUE_FLOAT;
        if (!number) return PASS_ROW;
        double real = at->type == VALUE_INT ? (double)at->as.integer : at->as.real;
        bool exact =
            at->type != VALUE_INT || (at->as.integer > -(1ll << 53) && at->as.integer < 1ll << 53);
        return exact && double_range(c, real, out) ? PASS_DOUBLE : PASS_ROW;
    }
    case VALUE_TIMESTAMP:
        if (at->type != VALUE_TIMESTAMP) return PASS_ROW;
        return timestamp_range(c, at, out) ? PASS_TIMESTAMP : PASS_ROW;
    default: break;
    }
    return PASS_ROW;
}

/* Of BETWEEN: the low end of one range and the high end of the other. */
static pass_kind range_between(value_type type, const value *bounds, pass_range *out)
{
    pass_range low, high;
    pass_kind kind = range_of(type, COMPARE_GREATER_EQUAL, &bounds[0], &low);
    if (kind == PASS_ROW || range_of(type, COMPARE_LESS_EQUAL, &bounds[1], &high) != kind)
        return PASS_ROW;
    *out = low;
    out->high = high.high;
    out->high_nanoseconds = high.high_nanoseconds;
    out->high_double = high.high_double;
    bool turned_seconds = low.low > high.high || (kind == PASS_TIMESTAMP && low.low == high.high &&
                                                  low.low_nanoseconds > high.high_nanoseconds);
    bool turned = kind == PASS_DOUBLE ? low.low_double > high.high_double : turned_seconds;
    out->empty = low.empty || high.empty || turned;
    return kind;
}

static pass_kind plan(node *n)
{
    bool plain = n->comparison <= COMPARE_GREATER_EQUAL;
    bool constant_first = n->left.kind == OPERAND_CONSTANT && plain && column_operand(&n->right);
    const operand *column = constant_first ? &n->right : &n->left;
    const operand *other = constant_first ? &n->left : &n->right;
    if (n->types || n->whole) return PASS_ROW;
    if (linked_operand(&n->left) && plain_constants(&n->right)) return PASS_LINKED;
    if (!column_operand(column) || !plain_constants(other)) return PASS_ROW;
    pass_kind range = PASS_ROW;
    if (n->between)
        range = range_between(column->type, other->constants, &n->range);
    else if (plain && other->kind == OPERAND_CONSTANT)
        range = range_of(column->type, constant_first ? turned(n->comparison) : n->comparison,
                         &other->constant, &n->range);
    if (range != PASS_ROW) return range;
    return constant_first ? PASS_ROW : PASS_COLUMN;
}

void pass_plan(node *n)
{
    n->pass = plan(n);
}
