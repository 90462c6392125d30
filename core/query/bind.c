/* Gives every name of a parsed tree its property, fills the arguments in and checks the types of both sides.
 * It must never read rows: whether a query is right depends on the schema and the arguments only.
 * Invariant: after it, no operand is an OPERAND_ARGUMENT, every comparison is one that values_match knows, and every
 * text belongs to the query's own memory. */
#include "query/query_internal.h"

typedef struct binder {
    query *query;
    const model_schema *schema;
    const model_class *class_of;
    const query_arguments *arguments;
} binder;

static status type_error(position at, const char *what)
{
    return fail(ATOLL_ERROR_QUERY_TYPE, "%s (in the query at %u:%u)", what, at.line, at.column);
}

static bool is_text(value_type type)
{
    return type == VALUE_STRING || type == VALUE_BINARY;
}

static bool is_link(value_type type)
{
    return type == VALUE_LINK || type == VALUE_EMBEDDED;
}

static bool is_number(value_type type)
{
    return type == VALUE_INT || type == VALUE_DOUBLE;
}

/* ---- what the predicate reads ---- */

status query_note_property(query *q, property_key p)
{
    for (size_t i = 0; i < q->properties.count; i++) {
        if (q->properties.items[i] == p) return ATOLL_OK;
    }
    return vector_push(&q->properties, p);
}

status query_note_dependency(query *q, class_key c, bool life_only)
{
    for (size_t i = 0; i < q->dependencies.count; i++) {
        dependency *known = &q->dependencies.items[i];
        if (known->class_of != c) continue;
        known->life_only = known->life_only && life_only;
        return ATOLL_OK;
    }
    dependency made = {c, life_only};
    return vector_push(&q->dependencies, made);
}

/* ---- names ---- */

static status bind_step(binder *b, const model_class *c, path_step *s, bool in_predicate,
                        bool first)
{
    const model_property *property = class_property_named(c, s->name);
    if (property == NULL) {
        return fail(ATOLL_ERROR_UNKNOWN_PROPERTY,
                    "class '%s' has no property '%.*s' (in the query at %u:%u)", c->name,
                    (int)s->name.size, (const char *)s->name.data, s->at.line, s->at.column);
    }
    s->class_of = c->key;
    s->property = property->key;
    s->type = property->type;
    s->target = property->target;
    s->list = (property->flags & PROPERTY_LIST) != 0;
    s->nullable = (property->flags & PROPERTY_NULLABLE) != 0;
    if (first && in_predicate) TRY(query_note_property(b->query, s->property));
    return ATOLL_OK;
}

static status bind_path(binder *b, operand *o, bool in_predicate)
{
    const model_class *c = b->class_of;
    o->many = false;
    for (size_t i = 0; i < o->step_count; i++) {
        path_step *s = &o->steps[i];
        bool last = i + 1 == o->step_count;
        TRY(bind_step(b, c, s, in_predicate, i == 0));
        bool counted = last && o->post == POST_COUNT;
        if (s->list && !counted) o->many = true;
        if (is_link(s->type) && !(counted && !s->list))
            TRY(query_note_dependency(b->query, s->target, last));
        if (last) break;
        if (!is_link(s->type)) {
            return fail(
                ATOLL_ERROR_QUERY_TYPE,
                "property '%s.%.*s' is no link, it has no property '%.*s' (in the query at %u:%u)",
                c->name, (int)s->name.size, (const char *)s->name.data, (int)s[1].name.size,
                (const char *)s[1].name.data, s[1].at.line, s[1].at.column);
        }
        if (in_predicate) b->query->crosses_links = true;
        c = schema_class(b->schema, s->target);
        if (c == NULL)
            return fail(ATOLL_ERROR_INTERNAL, "a link's class is missing from the schema");
    }
    const path_step *end = &o->steps[o->step_count - 1];
    o->type = end->type;
    if (o->post == POST_COUNT) {
        if (!end->list && !is_text(end->type))
            return type_error(o->at, "only lists, strings and binaries have @count");
        o->type = VALUE_INT;
    }
    if (o->quantifier != QUANTIFIER_NONE_WRITTEN && !o->many) {
        return type_error(o->at, "ANY, ALL and NONE need a list on the path");
    }
    return ATOLL_OK;
}

/* ---- arguments and constants ---- */

static status copy_value(binder *b, const value *from, value *out)
{
    *out = *from;
    return is_text(from->type) ? query_arena_copy(&b->query->memory, from->as.text, &out->as.text)
                               : ATOLL_OK;
}

static status argument_error(const operand *o, const char *what)
{
    return fail(ATOLL_ERROR_QUERY_ARGUMENT, "argument $%llu of the query %s (at %u:%u)",
                (unsigned long long)o->argument, what, o->at.line, o->at.column);
}

static status bind_list_argument(binder *b, operand *o, const query_arguments *list)
{
    value *constants = query_arena_take(&b->query->memory, list->count * sizeof *constants + 1);
    if (constants == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < list->count; i++) {
        bool nested = list->lists != NULL && list->lists[i] != NULL;
        if (nested || list->values[i].type == VALUE_LIST)
            return argument_error(o, "is a list of lists");
        TRY(copy_value(b, &list->values[i], &constants[i]));
    }
    o->kind = OPERAND_CONSTANTS;
    o->constants = constants;
    o->item_count = list->count;
    return ATOLL_OK;
}

static status bind_argument(binder *b, operand *o)
{
    const query_arguments *given = b->arguments;
    size_t count = given == NULL ? 0 : given->count;
    if (o->argument >= count) {
        return fail(ATOLL_ERROR_QUERY_ARGUMENT,
                    "the query uses $%llu at %u:%u, but has %zu arguments",
                    (unsigned long long)o->argument, o->at.line, o->at.column, count);
    }
    const query_arguments *list = given->lists == NULL ? NULL : given->lists[o->argument];
    if (list != NULL) return bind_list_argument(b, o, list);
    const value *v = &given->values[o->argument];
    if (v->type > VALUE_EMBEDDED) return argument_error(o, "is no single value");
    TRY(copy_value(b, v, &o->constant));
    o->kind = OPERAND_CONSTANT;
    return ATOLL_OK;
}

static status bind_constants(binder *b, operand *o)
{
    value *constants = query_arena_take(&b->query->memory, o->item_count * sizeof *constants + 1);
    if (constants == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; i < o->item_count; i++) {
        operand *item = &o->items[i];
        if (item->kind == OPERAND_ARGUMENT) TRY(bind_argument(b, item));
        if (item->kind == OPERAND_CONSTANTS) return argument_error(item, "is a list inside a list");
        constants[i] = item->constant;
    }
    o->constants = constants;
    return ATOLL_OK;
}

static status bind_operand(binder *b, operand *o)
{
    if (o->kind == OPERAND_PATH) return bind_path(b, o, true);
    if (o->kind == OPERAND_ARGUMENT)
        TRY(bind_argument(b, o));
    else if (o->kind == OPERAND_CONSTANTS)
        TRY(bind_constants(b, o));
    if (o->kind == OPERAND_CONSTANT) o->type = o->constant.type;
    if (o->kind == OPERAND_CONSTANTS) o->many = true;
    return ATOLL_OK;
}

/* ---- types ---- */

static status check_text(const node *n, value_type left, value_type right)
{
    bool left_fits = is_text(left) || left == VALUE_NULL,
         right_fits = is_text(right) || right == VALUE_NULL;
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
        left == VALUE_BOOL || right == VALUE_BOOL || is_link(left) || is_link(right);
    if (ordered && without_order) {
        return fail(ATOLL_ERROR_QUERY_TYPE,
                    "%s has no order, only == and != (in the query at %u:%u)",
                    value_type_name(left == VALUE_BOOL || is_link(left) ? left : right), n->at.line,
                    n->at.column);
    }
    bool fits = left == right || left == VALUE_NULL || right == VALUE_NULL ||
                (is_number(left) && is_number(right)) || (is_text(left) && is_text(right)) ||
                (is_link(left) && is_link(right));
    if (fits) return ATOLL_OK;
    return fail(ATOLL_ERROR_QUERY_TYPE, "cannot compare %s with %s (in the query at %u:%u)",
                value_type_name(left), value_type_name(right), n->at.line, n->at.column);
}

static status check_null_in_links(const node *n, const operand *path, const value *constant)
{
    bool link_list = path->kind == OPERAND_PATH && path->many && is_link(path->type);
    if (!link_list || constant->type != VALUE_NULL) return ATOLL_OK;
    return type_error(n->at, "cannot compare a list of links with null");
}

static status check_sides(const node *n)
{
    const operand *left = &n->left, *right = &n->right;
    if (right->kind == OPERAND_CONSTANTS) {
        for (size_t i = 0; i < right->item_count; i++) {
            TRY(check_types(n, left->type, right->constants[i].type));
            TRY(check_null_in_links(n, left, &right->constants[i]));
        }
        return ATOLL_OK;
    }
    TRY(check_types(n, left->type, right->type));
    if (right->kind == OPERAND_CONSTANT) TRY(check_null_in_links(n, left, &right->constant));
    return left->kind == OPERAND_CONSTANT ? check_null_in_links(n, right, &left->constant)
                                          : ATOLL_OK;
}

static status not_supported(position at, const char *name)
{
    return fail(ATOLL_ERROR_NOT_SUPPORTED, "not supported yet: %s at %u:%u", name, at.line,
                at.column);
}

/* The forms of the language that are left: one side at most has lists, and the right one means ANY. */
static status check_form(const node *n)
{
    const operand *left = &n->left, *right = &n->right;
    if (left->kind == OPERAND_CONSTANTS)
        return not_supported(left->at, "a list of constants on the left");
    if (left->kind != OPERAND_PATH && right->kind != OPERAND_PATH) {
        return type_error(n->at, "a comparison needs a property on one side");
    }
    if (left->many && right->many && right->kind == OPERAND_PATH)
        return not_supported(n->at, "comparing two lists");
    if (right->quantifier > QUANTIFIER_ANY)
        return not_supported(right->at, "ALL and NONE on the right side");
    if (left->kind != OPERAND_PATH && left->quantifier != QUANTIFIER_NONE_WRITTEN) {
        return type_error(left->at, "ANY, ALL and NONE need a list");
    }
    if (n->in && !right->many) return type_error(right->at, "IN needs a list on its right side");
    if (right->kind == OPERAND_CONSTANT && right->quantifier != QUANTIFIER_NONE_WRITTEN) {
        return type_error(right->at, "ANY needs a list");
    }
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
    TRY(check_form(n));
    TRY(check_sides(n));
    settle_null(n);
    if (n->kind == NODE_COMPARE) pass_plan(n);
    return ATOLL_OK;
}

static status bind_node(binder *b, node *n)
{
    if (n->kind == NODE_COMPARE) return bind_comparison(b, n);
    for (size_t i = 0; i < n->child_count; i++) TRY(bind_node(b, n->children[i]));
    return ATOLL_OK;
}

static status bind_sort(binder *b, suffix *s)
{
    for (size_t i = 0; i < s->key_count; i++) {
        operand *path = &s->keys[i].path;
        TRY(bind_path(b, path, false));
        if (path->many) return type_error(path->at, "cannot sort by a list");
        if (is_link(path->type)) return type_error(path->at, "cannot sort by a link");
    }
    return ATOLL_OK;
}

status query_bind(query *q, const model_schema *schema, const model_class *class_of,
                  const query_arguments *arguments)
{
    binder b = {q, schema, class_of, arguments};
    TRY(bind_node(&b, q->tree.root));
    for (size_t i = 0; i < q->tree.suffix_count; i++) {
        suffix *s = &q->tree.suffixes[i];
        if (s->is_limit)
            q->has_limit = true;
        else
            q->has_sort = true;
        TRY(bind_sort(&b, s));
    }
    return ATOLL_OK;
}
