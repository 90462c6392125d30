/* Checks what a parsed tree compares with what, and chooses how each comparison is made.
 * It must never read rows: whether a query is right depends on the schema and the arguments only.
 * Invariant: after it, every comparison is one that values_match knows. */
#include "query/query_internal.h"

/* ---- types ---- */

static status check_text(const node *n, value_type left, value_type right)
{
    bool left_fits = type_is_text(left) || left == VALUE_NULL || left == VALUE_MIXED,
         right_fits = type_is_text(right) || right == VALUE_NULL || right == VALUE_MIXED;
    if (left_fits && right_fits) return ATOLL_OK;
    return fail(ATOLL_ERROR_QUERY_TYPE,
                "%s works on strings and binaries, not on %s and %s (in the query at %u:%u)",
                n->comparison >= COMPARE_BEGINS_WITH ? "a string operator" : "[c]",
                value_type_name(left), value_type_name(right), n->at.line, n->at.column);
}

static status check_types(const node *n, value_type left, value_type right)
{
    if (n->fold || n->comparison >= COMPARE_BEGINS_WITH) TRY(check_text(n, left, right));
    if (n->comparison >= COMPARE_BEGINS_WITH) return ATOLL_OK;
    bool ordered = n->comparison >= COMPARE_LESS;
    bool without_order =
        left == VALUE_BOOL || right == VALUE_BOOL || type_is_link(left) || type_is_link(right);
    if (ordered && without_order) {
        return fail(ATOLL_ERROR_QUERY_TYPE,
                    "%s has no order, only == and != (in the query at %u:%u)",
                    value_type_name(left == VALUE_BOOL || type_is_link(left) ? left : right),
                    n->at.line, n->at.column);
    }
    bool fits = left == right || left == VALUE_NULL || right == VALUE_NULL || left == VALUE_MIXED ||
                right == VALUE_MIXED || (type_is_number(left) && type_is_number(right)) ||
                (type_is_text(left) && type_is_text(right)) ||
                (type_is_link(left) && type_is_link(right));
    if (fits) return ATOLL_OK;
    return fail(ATOLL_ERROR_QUERY_TYPE, "cannot compare %s with %s (in the query at %u:%u)",
                value_type_name(left), value_type_name(right), n->at.line, n->at.column);
}

static uint32_t types_of(const operand *o)
{
    uint32_t types = 0;
    if (o->kind != OPERAND_CONSTANTS) return 1u << o->type;
    for (size_t i = 0; i < o->item_count; i++) types |= 1u << o->constants[i].type;
    return types;
}

static bool is_link_list(const operand *o)
{
    if (o->kind != OPERAND_PATH || !o->many || !type_is_link(o->type)) return false;
    return (o->steps[o->step_count - 1].flags & PROPERTY_DICTIONARY) == 0;
}

static void fit_numbers(const operand *path, operand *o)
{
    if (operand_reads_rows(path)) bind_fit_numbers(path->type, o);
}

/* Every type that may stand on the left with every one on the right. */
static status check_sides(const node *n)
{
    uint32_t left = types_of(&n->left), right = types_of(&n->right), null = 1u << VALUE_NULL;
    if (n->types) return ATOLL_OK;
    for (unsigned l = 0; l < 32; l++) {
        for (unsigned r = 0; r < 32 && (left >> l & 1) != 0; r++) {
            if ((right >> r & 1) != 0) TRY(check_types(n, (value_type)l, (value_type)r));
        }
    }
    if ((is_link_list(&n->left) && (right & null) != 0) ||
        (is_link_list(&n->right) && (left & null) != 0))
        return bind_type_error(n->at, "cannot compare a list of links with null");
    return ATOLL_OK;
}

/* Links of two classes never meet: comparing them is a mistake. An argument names its class, `O12` does not. */
static status check_targets(binder *b, const node *n, const operand *path, operand *other)
{
    if (path->kind != OPERAND_PATH || !type_is_link(path->type)) return ATOLL_OK;
    value *values = other->kind == OPERAND_CONSTANTS ? other->constants : &other->constant;
    size_t count = other->kind == OPERAND_CONSTANTS ? other->item_count : 1;
    class_key wrong =
        other->kind == OPERAND_OBJECT || other->kind == OPERAND_PATH
            ? type_is_link(other->type) && other->target != path->target ? other->target : 0
            : 0;
    for (size_t i = 0; i < count; i++) {
        bool object = other->kind == OPERAND_CONSTANTS && other->has_objects &&
                      other->items[i].kind == OPERAND_OBJECT;
        if (object && other->items[i].target != path->target) wrong = other->items[i].target;
        if (values[i].type != VALUE_TYPED_LINK) continue;
        if (values[i].as.link.class_of != path->target) wrong = values[i].as.link.class_of;
        values[i] = value_link(values[i].as.link.row);
    }
    if (wrong == 0) return ATOLL_OK;
    const model_class *left = schema_class(b->schema, path->target),
                      *right = schema_class(b->schema, wrong);
    return fail(ATOLL_ERROR_QUERY_TYPE,
                "cannot compare a link to '%s' with an object of '%s' (in the query at %u:%u)",
                left == NULL ? "?" : left->name, right == NULL ? "?" : right->name, n->at.line,
                n->at.column);
}

/* Beside a mixed value an object is told by its class and row. */
static void type_objects(const operand *other, operand *o)
{
    if (other->type != VALUE_MIXED) return;
    if (o->kind == OPERAND_OBJECT) o->type = VALUE_TYPED_LINK;
    for (size_t i = 0; o->has_objects && i < o->item_count; i++) {
        if (o->items[i].kind == OPERAND_OBJECT) o->items[i].type = VALUE_TYPED_LINK;
    }
}

/* ---- collections as a whole ---- */

/* A list or set of values that are no objects, reached over single links, with no word before it. */
static bool is_whole(const operand *o)
{
    if (o->quantifier != QUANTIFIER_NONE_WRITTEN || o->kind != OPERAND_PATH || !o->many)
        return false;
    if (o->post != POST_VALUE) return false;
    for (size_t i = 0; i + 1 < o->step_count; i++) {
        if (o->steps[i].many) return false;
    }
    const path_step *end = &o->steps[o->step_count - 1];
    return (end->flags & (PROPERTY_LIST | PROPERTY_SET)) != 0 && end->selector_count == 0 &&
           !type_is_link(end->type);
}

static bool compares_whole(const node *n)
{
    const operand *left = &n->left, *right = &n->right;
    bool equality = n->comparison <= COMPARE_NOT_EQUAL && !n->in;
    bool list = right->kind == OPERAND_CONSTANTS && right->quantifier == QUANTIFIER_NONE_WRITTEN;
    bool left_list = left->kind == OPERAND_CONSTANTS && left->quantifier == QUANTIFIER_NONE_WRITTEN;
    return equality &&
           ((is_whole(left) && (is_whole(right) || list)) || (left_list && is_whole(right)));
}

/* ---- @type ---- */

static status bind_type_names(binder *b, operand *o)
{
    if (o->kind == OPERAND_PATH) {
        if (o->post == POST_TYPE) return ATOLL_OK;
        return bind_type_error(o->at, "@type is compared with the name of a type");
    }
    bool one = o->kind == OPERAND_CONSTANT;
    if (!one && o->kind != OPERAND_CONSTANTS)
        return bind_type_error(o->at, "@type is compared with the name of a type");
    size_t count = one ? 1 : o->item_count;
    const value *names = one ? &o->constant : o->constants;
    uint32_t *masks = query_arena_take(&b->query->memory, count * sizeof *masks + 1);
    if (masks == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        masks[i] = names[i].type == VALUE_STRING ? type_mask(names[i].as.text) : 0;
        if (masks[i] == 0)
            return bind_type_error(
                o->at,
                "no such type: expected null, int, bool, string, binary, date, float, double, "
                "decimal, numeric, objectid, uuid, link, object, array, dictionary or collection");
    }
    o->masks = masks;
    o->type = VALUE_INT;
    return ATOLL_OK;
}

static status bind_types(binder *b, node *n)
{
    n->types = n->left.post == POST_TYPE || n->right.post == POST_TYPE;
    if (!n->types) return ATOLL_OK;
    if (n->comparison > COMPARE_NOT_EQUAL)
        return bind_type_error(n->at, "@type has no order, only == and !=");
    n->fold = false; /* Names of types have no case anyhow. */
    TRY(bind_type_names(b, &n->left));
    return bind_type_names(b, &n->right);
}

/* ---- forms ---- */

static status check_quantifier(const operand *o)
{
    if (o->quantifier == QUANTIFIER_NONE_WRITTEN || o->many) return ATOLL_OK;
    return bind_type_error(o->at, "ANY, ALL and NONE need a list");
}

static status check_form(node *n)
{
    const operand *left = &n->left, *right = &n->right;
    bool lists = left->kind == OPERAND_CONSTANTS || right->kind == OPERAND_CONSTANTS;
    if (!operand_reads_rows(left) && !operand_reads_rows(right) && !lists)
        return bind_type_error(n->at, "a comparison needs a property on one side");
    TRY(check_quantifier(left));
    TRY(check_quantifier(right));
    if (n->in && !right->many)
        return bind_type_error(right->at, "IN needs a list on its right side");
    bool two = right->kind == OPERAND_CONSTANTS && right->item_count == 2;
    if (n->between && !two)
        return bind_type_error(right->at, "BETWEEN needs a list of two constants");
    if (n->between && left->many && left->quantifier != QUANTIFIER_ALL)
        return bind_type_error(left->at, "BETWEEN takes a list only with ALL before it");
    n->whole = compares_whole(n);
    bool ordered = n->comparison >= COMPARE_LESS && n->comparison <= COMPARE_GREATER_EQUAL;
    if (ordered && is_whole(left) && is_whole(right))
        return bind_type_error(n->at, "two lists have no order; write ANY, ALL or NONE");
    return ATOLL_OK;
}

/* Two rules for null that depend on the written sides, not on the values: they become simpler nodes here. */
static void settle_null(node *n)
{
    bool pattern = n->comparison >= COMPARE_BEGINS_WITH && n->comparison <= COMPARE_CONTAINS;
    if (!pattern) return;
    if (n->left.kind == OPERAND_CONSTANT && n->left.constant.type == VALUE_NULL) {
        *n = (node){.kind = NODE_FALSE, .at = n->at};
        return;
    }
    bool null_part = n->right.kind == OPERAND_CONSTANT && n->right.constant.type == VALUE_NULL;
    if (n->comparison == COMPARE_CONTAINS && n->fold && null_part && n->left.type == VALUE_BINARY &&
        !n->left.many) {
        n->comparison = COMPARE_NOT_EQUAL;
        n->fold = false;
    }
}

static status bind_comparison(binder *b, node *n)
{
    TRY(bind_operand(b, &n->left));
    TRY(bind_operand(b, &n->right));
    TRY(bind_types(b, n));
    TRY(check_form(n));
    fit_numbers(&n->left, &n->right);
    fit_numbers(&n->right, &n->left);
    TRY(check_sides(n));
    TRY(check_targets(b, n, &n->left, &n->right));
    TRY(check_targets(b, n, &n->right, &n->left));
    type_objects(&n->left, &n->right);
    type_objects(&n->right, &n->left);
    settle_null(n);
    if (n->kind == NODE_COMPARE) pass_plan(n);
    return ATOLL_OK;
}

static status bind_geo(binder *b, node *n)
{
    TRY(bind_operand(b, &n->left));
    TRY(check_quantifier(&n->left));
    return bind_shape(b, &n->left, &n->right);
}

/* The left side is one string of an object, with a full-text index; the right one the words. */
static status bind_text(binder *b, node *n)
{
    operand *left = &n->left, *right = &n->right;
    TRY(bind_operand(b, left));
    TRY(bind_operand(b, right));
    TRY(check_quantifier(left));
    const path_step *end = left->kind == OPERAND_PATH && left->step_count > 0
                               ? &left->steps[left->step_count - 1]
                               : NULL;
    bool string = end != NULL && left->post == POST_VALUE && left->type == VALUE_STRING;
    if (!string || (end->flags & PROPERTY_FULL_TEXT) == 0)
        return bind_type_error(left->at, "TEXT needs a string property with a full-text index");
    if (right->kind != OPERAND_CONSTANT || right->constant.type != VALUE_STRING)
        return bind_type_error(right->at, "TEXT needs a string of words on its right side");
    return text_search_new(&b->query->memory, right->constant.as.text, right->at, &n->search);
}

status bind_node(binder *b, node *n)
{
    if (n->kind == NODE_COMPARE) return bind_comparison(b, n);
    if (n->kind == NODE_GEO) return bind_geo(b, n);
    if (n->kind == NODE_TEXT) return bind_text(b, n);
    for (size_t i = 0; i < n->child_count; i++) TRY(bind_node(b, n->children[i]));
    return ATOLL_OK;
}

/* ---- suffixes ---- */

static status bind_keys(binder *b, suffix *s)
{
    for (size_t i = 0; i < s->key_count; i++) {
        operand *path = &s->keys[i].path;
        TRY(bind_path(b, path));
        if (path->step_count == 0) return bind_type_error(path->at, "expected a property");
        bool sort = s->kind == SUFFIX_SORT;
        if (path->many)
            return bind_type_error(path->at, sort ? "cannot sort by a list"
                                                  : "cannot take distinct values of a list");
        if (sort && type_is_link(path->type))
            return bind_type_error(path->at, "cannot sort by a link");
    }
    return ATOLL_OK;
}

status query_bind(query *q, const model_schema *schema, const model_class *class_of,
                  const query_arguments *arguments)
{
    binder b = {.query = q, .schema = schema, .class_of = class_of, .arguments = arguments};
    b.in_predicate = true;
    TRY(bind_node(&b, q->tree.root));
    for (size_t i = 0; i < q->tree.suffix_count; i++) {
        suffix *s = &q->tree.suffixes[i];
        b.in_predicate = s->kind == SUFFIX_FILTER;
        if (s->kind == SUFFIX_FILTER)
            TRY(bind_node(&b, s->predicate));
        else
            TRY(bind_keys(&b, s));
        if (s->kind == SUFFIX_SORT)
            q->has_sort = true;
        else
            q->has_subset = true;
    }
    return ATOLL_OK;
}
