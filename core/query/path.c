/* What a path leads to from one row: over links, through collections, into mixed values, back along links.
 * It must never stop at a failed read silently: the first failure stays in row_source.error.
 * Invariant: a null link ends its path as null, unless the rest of the path has lists, which are then empty. */
#include "query/query_internal.h"

typedef struct walk {
    row_source *source;
    const operand *path;
    value_visit visit;
    void *context;
} walk;

static bool visit_from(const walk *w, size_t at, row_key row);

void row_failed(row_source *source, status why)
{
    if (source->error == ATOLL_OK) source->error = why;
}

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
    row_failed(source, read);
}

static bool is_link(const value *v)
{
    return v->type == VALUE_LINK || v->type == VALUE_EMBEDDED;
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
        if (o->steps[i].many && !counted) return true;
    }
    return false;
}

/* A value of the step, behind its selectors: the last one is taken, others are followed. */
static bool visit_value(const walk *w, size_t at, const value *v)
{
    bool last = at + 1 == w->path->step_count;
    value made;
    if (last && w->path->post == POST_COUNT) {
        made = count_of_text(v);
        return w->visit(w->context, &made);
    }
    if (last && w->path->post == POST_TYPE) {
        made = value_int(type_bit(v->type));
        return w->visit(w->context, &made);
    }
    if (last) return w->visit(w->context, v);
    if (is_link(v)) return visit_from(w, at + 1, v->as.row);
    if (has_lists_from(w->path, at + 1)) return false;
    made = value_null();
    return w->visit(w->context, &made);
}

/* ---- collections ---- */

typedef struct elements {
    const walk *walk;
    size_t at;
    const selector *selector; /* NULL: each */
    uint64_t index, wanted;   /* of the elements that were shown so far */
    bool keys, found, stopped;
} elements;

static bool visit_element(void *context, uint64_t index, bytes key, const value *v)
{
    elements *e = context;
    (void)index;
    if (e->selector != NULL && e->index++ != e->wanted) return true;
    e->found = true;
    value text = value_string(key);
    e->stopped = visit_value(e->walk, e->at, e->keys ? &text : v);
    return !e->stopped && e->selector == NULL;
}

static bool count_element(void *context, uint64_t index, bytes key, const value *v)
{
    (void)index, (void)key, (void)v;
    ++*(uint64_t *)context;
    return true;
}

static void each_element(const walk *w, const path_step *s, row_key row,
                         model_collection_visitor each, void *context)
{
    row_source *source = w->source;
    if (source->view == NULL) return;
    uint64_t count = 0;
    status read = model_list_size(source->view, s->class_of, row, s->property, &count);
    bool links = s->type == VALUE_LINK || s->type == VALUE_EMBEDDED;
    for (uint64_t i = 0; i < count && read == ATOLL_OK; i++) {
        value v;
        element_id id;
        read = model_list_get(source->view, s->class_of, row, s->property, i, &v, &id);
        if (read != ATOLL_OK) break;
        if (links && v.type == VALUE_NULL) continue; /* A deleted target is no element. */
        if (!each(context, i, bytes_of(NULL, 0), &v)) break;
    }
    if (read != ATOLL_OK) row_failed(source, read);
}

static uint64_t element_count(const walk *w, const path_step *s, row_key row)
{
    uint64_t count = 0;
    if (w->source->view == NULL) return 0;
    if (s->type == VALUE_LINK || s->type == VALUE_EMBEDDED) {
        each_element(w, s, row, count_element, &count);
        return count;
    }
    status read = model_list_size(w->source->view, s->class_of, row, s->property, &count);
    if (read != ATOLL_OK) row_failed(w->source, read);
    return count;
}

static bool visit_elements(const walk *w, size_t at, row_key row)
{
    const path_step *s = &w->path->steps[at];
    const selector *chosen = s->selector_count > 0 ? &s->selectors[0] : NULL;
    elements e = {.walk = w, .at = at};
    e.keys = chosen != NULL && chosen->kind == SELECT_KEYS;
    if (chosen != NULL && chosen->kind != SELECT_EACH && !e.keys) {
        e.selector = chosen;
        e.wanted = chosen->kind == SELECT_INDEX ? chosen->index : 0;
        if (chosen->kind == SELECT_LAST) {
            uint64_t count = element_count(w, s, row);
            e.wanted = count == 0 ? 0 : count - 1;
        }
    }
    each_element(w, s, row, visit_element, &e);
    return e.stopped;
}

static bool visit_collection(const walk *w, size_t at, row_key row)
{
    const path_step *s = &w->path->steps[at];
    bool last = at + 1 == w->path->step_count;
    if (!last || w->path->post != POST_COUNT || !s->many) return visit_elements(w, at, row);
    value count = value_int((int64_t)element_count(w, s, row));
    return w->visit(w->context, &count);
}

/* ---- steps ---- */

/* The depth is that of the written path. */
static bool visit_from(const walk *w, size_t at, row_key row)
{
    const path_step *s = &w->path->steps[at];
    if (s->list) return visit_collection(w, at, row);
    value v;
    read_value(w->source, s->class_of, row, s->property, &v);
    return visit_value(w, at, &v);
}

bool path_visit(row_source *source, const operand *o, row_key row, value_visit visit, void *context)
{
    walk w = {source, o, visit, context};
    if (o->step_count > 0) return visit_from(&w, 0, row);
    value self = value_link(row);
    return visit(context, &self);
}

typedef struct first_value {
    value value;
    bool found;
} first_value;

static bool take_first(void *context, const value *v)
{
    first_value *first = context;
    first->value = *v;
    first->found = true;
    return true;
}

void path_value(row_source *source, const operand *path, row_key row, value *out,
                bool *through_null)
{
    *through_null = false;
    for (size_t i = 0; i < path->step_count; i++) {
        const path_step *s = &path->steps[i];
        operand one = {.kind = OPERAND_PATH, .steps = &path->steps[i], .step_count = 1};
        first_value first = {.value = value_null()};
        if (s->list)
            path_visit(source, &one, row, take_first, &first);
        else
            read_value(source, s->class_of, row, s->property, &first.value);
        *out = first.value;
        if (i + 1 == path->step_count) return;
        if (!is_link(out)) {
            *through_null = true;
            *out = value_null();
            return;
        }
        row = out->as.row;
    }
}
