/* Which paths a predicate reads from a row: for whoever keeps what a row was, or has to know which rows hang on another.
 * It must never leave out a property that the predicate reads. Invariant: a predicate for which query_paths succeeds is told
 * by the values on these paths alone, and can be asked of rows that are in no view. */
#include "query/query_internal.h"

typedef struct path_search {
    query_path_vector *out; /* NULL: only whether it can be told */
    query_path before;      /* inside a SUBQUERY: what leads to its objects */
    bool inner;
} path_search;

static status search_node(const path_search *s, const node *n);

static status cannot(const operand *o, const char *what)
{
    return fail(ATOLL_ERROR_NOT_SUPPORTED,
                "not supported yet: %s in a condition that is kept for later (at %u:%u)", what,
                o->at.line, o->at.column);
}

static bool same_path(const query_path *a, const query_path *b)
{
    return a->count == b->count && memcmp(a->steps, b->steps, a->count * sizeof *a->steps) == 0;
}

static status add_path(const path_search *s, const query_path *made)
{
    if (s->out == NULL || made->count == 0) return ATOLL_OK;
    for (size_t i = 0; i < s->out->count; i++) {
        if (same_path(&s->out->items[i], made)) return ATOLL_OK;
    }
    return vector_push(s->out, *made);
}

static status make_path(const path_search *s, const operand *o, query_path *made)
{
    *made = s->before;
    for (size_t i = 0; i < o->step_count; i++) {
        const path_step *step = &o->steps[i];
        if (step->kind == STEP_BACKLINK || step->kind == STEP_BACKLINKS) return cannot(o, "@links");
        if (made->count == QUERY_PATH_STEPS_MAX) return cannot(o, "so long a path");
        /* Cleared, so that paths can be compared. */
        query_step *to = &made->steps[made->count++];
        memset(to, 0, sizeof *to);
        to->class_of = step->class_of;
        to->property = step->property;
        to->target = step->type == VALUE_LINK || step->type == VALUE_EMBEDDED ? step->target : 0;
    }
    return ATOLL_OK;
}

static status search_operand(const path_search *s, const operand *o)
{
    query_path made;
    switch (o->kind) {
    case OPERAND_OBJECT: return cannot(o, "obj(...)");
    case OPERAND_SUBQUERY:
        if (s->inner) return cannot(o, "a SUBQUERY inside of a SUBQUERY");
        path_search inner = {.out = s->out, .inner = true};
        TRY(make_path(s, o, &inner.before));
        TRY(add_path(s, &inner.before));
        return search_node(&inner, o->predicate);
    case OPERAND_PATH: TRY(make_path(s, o, &made)); return add_path(s, &made);
    case OPERAND_ARITHMETIC:
    case OPERAND_CONSTANTS:
        for (size_t i = 0; o->items != NULL && i < o->item_count; i++)
            TRY(search_operand(s, &o->items[i]));
        return ATOLL_OK;
    case OPERAND_CONSTANT:
    case OPERAND_ARGUMENT:
    case OPERAND_SHAPE: break;
    }
    return ATOLL_OK;
}

/* A shape is compared with two properties of the point. */
static status search_point(const path_search *s, const node *n)
{
    query_path point;
    const geo_shape *shape = n->right.shape;
    if (shape == NULL) return ATOLL_OK; /* As parsed. */
    const property_key properties[] = {shape->type, shape->coordinates};
    TRY(make_path(s, &n->left, &point));
    if (point.count == QUERY_PATH_STEPS_MAX) return cannot(&n->left, "so long a path");
    query_step *end = &point.steps[point.count++];
    for (size_t i = 0; i < 2; i++) {
        memset(end, 0, sizeof *end);
        end->class_of = n->left.target;
        end->property = properties[i];
        TRY(add_path(s, &point));
    }
    return ATOLL_OK;
}

static status search_node(const path_search *s, const node *n)
{
    for (size_t i = 0; i < n->child_count; i++) TRY(search_node(s, n->children[i]));
    if (n->kind != NODE_COMPARE && n->kind != NODE_GEO && n->kind != NODE_TEXT) return ATOLL_OK;
    TRY(search_operand(s, &n->left));
    return n->kind == NODE_GEO ? search_point(s, n) : search_operand(s, &n->right);
}

status query_paths(const query *q, query_path_vector *out)
{
    const path_search s = {.out = out};
    return search_node(&s, q->tree.root);
}

status query_paths_check(bytes text)
{
    const path_search s = {0};
    arena memory = {0};
    tree parsed;
    status result = query_parse(&memory, text, &parsed);
    if (result == ATOLL_OK) result = search_node(&s, parsed.root);
    query_arena_free(&memory);
    return result;
}

bool query_is_plain(const query *q)
{
    return q->plain;
}

/* The row's own fields of one value, no links: what any getter can give. */
void query_note_plain(query *q, const model_class *c)
{
    q->plain = !q->crosses_links;
    for (size_t i = 0; i < q->properties.count && q->plain; i++) {
        const model_property *p = class_property(c, q->properties.items[i]);
        q->plain = p != NULL && (p->flags & PROPERTY_COLLECTION) == 0 && p->type != VALUE_LINK &&
                   p->type != VALUE_EMBEDDED;
    }
}

bool query_matches_rows(const query *q, const query_rows *rows, row_key row)
{
    row_source source = {.rows = rows};
    return row_matches(&source, q->tree.root, q->class_of, row);
}
