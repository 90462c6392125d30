/* The tree over one row: the fallback of every pass, and the whole of query_matches.
 * It must never write, nor stop at a failed read silently: the first failure stays in row_source.error.
 * Invariant: a null link ends its path as null, unless the rest of the path has lists, which are then empty. */
#include "query/query_internal.h"

/* Gets each value of an operand; returns true to stop. */
typedef bool (*value_visit)(void *context, const value *v);

static void read_value(row_source *source, class_key c, row_key row, property_key p, value *out)
{
    *out = value_null();
    if (source->get != NULL) {
        source->get(source->get_context, p, out);
        return;
    }
    status read = model_get(source->view, c, row, p, out);
    if (read == ATOLL_OK) return;
    *out = value_null();
    if (source->error == ATOLL_OK) source->error = read;
}

/* The size of a text in its own unit: characters are not counted, bytes are, as in the systems before. */
static value count_of_text(const value *v)
{
    bool text = v->type == VALUE_STRING || v->type == VALUE_BINARY;
    return text ? value_int((int64_t)v->as.text.size) : value_null();
}

static bool has_lists_from(const operand *o, size_t at)
{
    for (size_t i = at; i < o->step_count; i++) {
        bool counted = i + 1 == o->step_count && o->post == POST_COUNT;
        if (o->steps[i].list && !counted) return true;
    }
    return false;
}

static bool is_link(const value *v)
{
    return v->type == VALUE_LINK || v->type == VALUE_EMBEDDED;
}

/* The depth is that of the written path. */
static bool visit_path(row_source *source, const operand *o, size_t at, row_key row,
                       value_visit visit, void *context)
{
    const path_step *s = &o->steps[at];
    bool last = at + 1 == o->step_count;
    value v = value_null();
    if (!s->list) {
        read_value(source, s->class_of, row, s->property, &v);
        if (last && o->post == POST_COUNT) v = count_of_text(&v);
        if (last) return visit(context, &v);
        if (is_link(&v)) return visit_path(source, o, at + 1, v.as.row, visit, context);
        v = value_null();
        return has_lists_from(o, at + 1) ? false : visit(context, &v);
    }
    uint64_t count = 0;
    if (source->view != NULL) {
        status read = model_list_size(source->view, s->class_of, row, s->property, &count);
        if (source->error == ATOLL_OK) source->error = read;
    }
    if (last && o->post == POST_COUNT) {
        v = value_int((int64_t)count);
        return visit(context, &v);
    }
    for (uint64_t i = 0; i < count; i++) {
        element_id id;
        status read = model_list_get(source->view, s->class_of, row, s->property, i, &v, &id);
        if (read != ATOLL_OK) {
            if (source->error == ATOLL_OK) source->error = read;
            return false;
        }
        bool gone = v.type == VALUE_NULL && (s->type == VALUE_LINK || s->type == VALUE_EMBEDDED);
        if (gone) continue; /* A link to a deleted row is no element to a query. */
        if (last ? visit(context, &v)
                 : is_link(&v) && visit_path(source, o, at + 1, v.as.row, visit, context))
            return true;
    }
    return false;
}

void path_value(row_source *source, const operand *path, row_key row, value *out,
                bool *through_null)
{
    *through_null = false;
    for (size_t i = 0; i < path->step_count; i++) {
        const path_step *s = &path->steps[i];
        read_value(source, s->class_of, row, s->property, out);
        if (i + 1 == path->step_count) return;
        if (!is_link(out)) {
            *through_null = true;
            *out = value_null();
            return;
        }
        row = out->as.row;
    }
}

/* ---- one comparison ---- */

typedef struct comparing {
    row_source *source;
    const node *node;
    row_key row;
    const value *left;
    bool all; /* look for a left value without a partner */
} comparing;

static bool right_matches(void *context, const value *right)
{
    const comparing *c = context;
    return values_match(c->node->comparison, c->node->fold, c->left, right);
}

/* Whether the left value has a partner among the right ones. */
static bool left_matches(comparing *c, const value *left)
{
    const operand *right = &c->node->right;
    c->left = left;
    if (right->kind == OPERAND_CONSTANT) return right_matches(c, &right->constant);
    if (right->kind == OPERAND_PATH)
        return visit_path(c->source, right, 0, c->row, right_matches, c);
    for (size_t i = 0; i < right->item_count; i++) {
        if (right_matches(c, &right->constants[i])) return true;
    }
    return false;
}

static bool visit_left(void *context, const value *left)
{
    comparing *c = context;
    bool matches = left_matches(c, left);
    c->left = NULL; /* it is the visitor's, and goes with this call */
    return matches != c->all;
}

static bool comparison_matches(row_source *source, const node *n, row_key row)
{
    comparing c = {
        .source = source, .node = n, .row = row, .all = n->left.quantifier == QUANTIFIER_ALL};
    if (n->left.kind == OPERAND_CONSTANT) return left_matches(&c, &n->left.constant);
    bool found = visit_path(source, &n->left, 0, row, visit_left, &c);
    return n->left.quantifier >= QUANTIFIER_ALL ? !found : found;
}

bool row_matches(row_source *source, const node *n, class_key class_of, row_key row)
{
    switch (n->kind) {
    case NODE_TRUE: return true;
    case NODE_FALSE: return false;
    case NODE_NOT: return !row_matches(source, n->children[0], class_of, row);
    case NODE_COMPARE: return comparison_matches(source, n, row);
    case NODE_AND:
    case NODE_OR: break;
    }
    bool decides = n->kind == NODE_OR;
    for (size_t i = 0; i < n->child_count; i++) {
        if (row_matches(source, n->children[i], class_of, row) == decides) return decides;
    }
    return !decides;
}
