/* What a query works out of values: + - * /, the aggregates of lists, the names of types.
 * It must never fail: what cannot be worked out is null, as null itself makes everything null.
 * Invariant: integers stay integers, wrapping at 64 bits; with a decimal in it the result is a decimal, else with a
 * double or float a double. */
#include "query/query_internal.h"

/* ---- arithmetic ---- */

value_type arithmetic_type(value_type left, value_type right)
{
    if (left == VALUE_MIXED || right == VALUE_MIXED) return VALUE_MIXED;
    if (left == VALUE_NULL || right == VALUE_NULL) return left == VALUE_NULL ? right : left;
    if (left == VALUE_DECIMAL || right == VALUE_DECIMAL) return VALUE_DECIMAL;
    return left == VALUE_INT && right == VALUE_INT ? VALUE_INT : VALUE_DOUBLE;
}

static value calculate_integers(char sign, int64_t left, int64_t right)
{
    uint64_t a = (uint64_t)left, b = (uint64_t)right;
    switch (sign) {
    case '+': return value_int((int64_t)(a + b));
    case '-': return value_int((int64_t)(a - b));
    case '*': return value_int((int64_t)(a * b));
    default: break;
    }
    if (right == 0) return value_null();
    /* The one quotient that does not fit. */
    return value_int(right == -1 ? (int64_t)(0 - a) : left / right);
}

static value calculate_doubles(char sign, double left, double right)
{
    switch (sign) {
    case '+': return value_double(left + right);
    case '-': return value_double(left - right);
    case '*': return value_double(left * right);
    default: break;
    }
    return value_double(left / right);
}

static bool to_double(const value *v, double *out)
{
    if (v->type == VALUE_INT)
        *out = (double)v->as.integer;
    else if (v->type == VALUE_DOUBLE || v->type == VALUE_FLOAT)
        *out = v->as.real;
    else
        return false;
    return true;
}

static decimal to_decimal(const value *v)
{
    if (v->type == VALUE_DECIMAL) return value_as_decimal(v);
    return v->type == VALUE_INT ? decimal_from_int(v->as.integer) : decimal_from_double(v->as.real);
}

static value calculate_decimals(char sign, const value *left, const value *right)
{
    decimal a = to_decimal(left), b = to_decimal(right);
    decimal result = sign == '+'   ? decimal_add(&a, &b)
                     : sign == '-' ? decimal_subtract(&a, &b)
                     : sign == '*' ? decimal_multiply(&a, &b)
                                   : decimal_divide(&a, &b);
    return value_decimal(&result);
}

value value_calculate(char sign, const value *left, const value *right)
{
    double a = 0, b = 0;
    if (left->type == VALUE_INT && right->type == VALUE_INT)
        return calculate_integers(sign, left->as.integer, right->as.integer);
    bool numbers = value_is_number(left->type) && value_is_number(right->type);
    if (numbers && (left->type == VALUE_DECIMAL || right->type == VALUE_DECIMAL))
        return calculate_decimals(sign, left, right);
    if (!to_double(left, &a) || !to_double(right, &b)) return value_null();
    return calculate_doubles(sign, a, b);
}

/* ---- aggregates of lists ---- */

void accumulator_add(accumulator *a, const value *v)
{
    bool ordered = a->post == POST_MINIMUM || a->post == POST_MAXIMUM;
    bool fits = type_is_number(v->type) || (ordered && v->type == VALUE_TIMESTAMP);
    if (!fits) return; /* null, and what a mixed list has beside numbers */
    if (!ordered) {
        a->total = a->count == 0 ? *v : value_calculate('+', &a->total, v);
    } else {
        if (value_is_nan(v)) return;
        comparison better = a->post == POST_MINIMUM ? COMPARE_LESS : COMPARE_GREATER;
        if (a->count == 0 || values_match(better, false, v, &a->total)) a->total = *v;
    }
    a->count++;
}

value accumulator_result(const accumulator *a, value_type type)
{
    if (a->post == POST_SUM && a->count == 0)
        return type == VALUE_MIXED   ? value_int(0)
               : type == VALUE_FLOAT ? value_double(0)
                                     : value_zero(type);
    if (a->count == 0 || a->post != POST_AVERAGE) return a->total;
    /* An integer keeps the mean of decimals one; the mean of integers is a double. */
    value count = a->total.type == VALUE_DECIMAL ? value_int((int64_t)a->count)
                                                 : value_double((double)a->count);
    return value_calculate('/', &a->total, &count);
}

/* ---- types ---- */

uint32_t type_bit(value_type type)
{
    if (type == VALUE_EMBEDDED || type == VALUE_TYPED_LINK) type = VALUE_LINK;
    return 1u << type;
}

uint32_t type_mask(bytes name)
{
    static const struct {
        char name[16];
        uint32_t mask;
    } names[] = {
        {"null", 1u << VALUE_NULL},
        {"int", 1u << VALUE_INT},
        {"integer", 1u << VALUE_INT},
        {"int16", 1u << VALUE_INT},
        {"int32", 1u << VALUE_INT},
        {"int64", 1u << VALUE_INT},
        {"short", 1u << VALUE_INT},
        {"long", 1u << VALUE_INT},
        {"byte", 1u << VALUE_INT},
        {"char", 1u << VALUE_INT},
        {"bool", 1u << VALUE_BOOL},
        {"boolean", 1u << VALUE_BOOL},
        {"string", 1u << VALUE_STRING},
        {"binary", 1u << VALUE_BINARY},
        {"data", 1u << VALUE_BINARY},
        {"bindata", 1u << VALUE_BINARY},
        {"bytearray", 1u << VALUE_BINARY},
        {"byte[]", 1u << VALUE_BINARY},
        {"date", 1u << VALUE_TIMESTAMP},
        {"datetimeoffset", 1u << VALUE_TIMESTAMP},
        {"timestamp", 1u << VALUE_TIMESTAMP},
        {"float", 1u << VALUE_FLOAT},
        {"double", 1u << VALUE_DOUBLE},
        {"decimal", 1u << VALUE_DECIMAL},
        {"decimal128", 1u << VALUE_DECIMAL},
        {"numeric", 1u << VALUE_INT | 1u << VALUE_FLOAT | 1u << VALUE_DOUBLE | 1u << VALUE_DECIMAL},
        {"objectid", 1u << VALUE_OBJECT_ID},
        {"uuid", 1u << VALUE_UUID},
        {"guid", 1u << VALUE_UUID},
        {"objectlink", 1u << VALUE_LINK},
        {"link", 1u << VALUE_LINK},
        {"object", 1u << VALUE_DICTIONARY},
        {"dictionary", 1u << VALUE_DICTIONARY},
        {"array", 1u << VALUE_LIST},
        {"list", 1u << VALUE_LIST},
        {"collection", 1u << VALUE_LIST | 1u << VALUE_DICTIONARY},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (words_equal(name, names[i].name)) return names[i].mask;
    }
    return 0;
}
