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
    bool keys, stopped;
} elements;

static bool visit_element(void *context, uint64_t index, bytes key, const value *v)
{
    elements *e = context;
    (void)index;
    value text = value_string(key);
    e->stopped = visit_value(e->walk, e->at, e->keys ? &text : v);
    return !e->stopped;
}

static bool visit_each(const walk *w, size_t at, row_key row, bool keys)
{
    const path_step *s = &w->path->steps[at];
    elements e = {.walk = w, .at = at, .keys = keys};
    status read =
        model_collection_each(w->source->view, s->class_of, row, s->property, visit_element, &e);
    if (read != ATOLL_OK) row_failed(w->source, read);
    return e.stopped;
}

/* A key that is not there reads as null. */
static bool visit_key(const walk *w, size_t at, row_key row, bytes key)
{
    const path_step *s = &w->path->steps[at];
    value v = value_null();
    bool found = false;
    status read = model_dictionary_find(w->source->view, s->class_of, row, s->property, key, &found,
                                        NULL, &v);
    if (read != ATOLL_OK) row_failed(w->source, read);
    if (read != ATOLL_OK || !found) v = value_null();
    return visit_value(w, at, &v);
}

/* An index counts what a reader is shown: elements whose target is gone are left out. */
static status element_at(const walk *w, const path_step *s, row_key row, const selector *chosen,
                         value *out, bool *found)
{
    const model_view *view = w->source->view;
    uint64_t wanted = chosen->kind == SELECT_INDEX ? chosen->index : 0, count = 0, index = 0;
    element_id id;
    TRY(model_list_shown(view, s->class_of, row, s->property, wanted, &count, &index));
    if (chosen->kind == SELECT_LAST && count > 1) {
        wanted = count - 1;
        TRY(model_list_shown(view, s->class_of, row, s->property, wanted, &count, &index));
    }
    *found = wanted < count;
    return *found ? model_list_get(view, s->class_of, row, s->property, index, out, &id) : ATOLL_OK;
}

static bool visit_index(const walk *w, size_t at, row_key row, const selector *chosen)
{
    value v = value_null();
    bool found = false;
    status read = element_at(w, &w->path->steps[at], row, chosen, &v, &found);
    if (read != ATOLL_OK) row_failed(w->source, read);
    return read == ATOLL_OK && found && visit_value(w, at, &v);
}

static bool visit_count(const walk *w, const path_step *s, row_key row)
{
    uint64_t count = 0, index = 0;
    status read =
        model_list_shown(w->source->view, s->class_of, row, s->property, 0, &count, &index);
    if (read != ATOLL_OK) row_failed(w->source, read);
    value v = value_int((int64_t)count);
    return w->visit(w->context, &v);
}

static bool visit_collection(const walk *w, size_t at, row_key row)
{
    const path_step *s = &w->path->steps[at];
    bool last = at + 1 == w->path->step_count;
    const selector *chosen = s->selector_count > 0 ? &s->selectors[0] : NULL;
    if (w->source->view == NULL) return false;
    if (last && w->path->post == POST_COUNT && s->many) return visit_count(w, s, row);
    if (chosen == NULL || chosen->kind == SELECT_EACH) return visit_each(w, at, row, false);
    if (chosen->kind == SELECT_KEYS) return visit_each(w, at, row, true);
    return chosen->kind == SELECT_KEY ? visit_key(w, at, row, chosen->key)
                                      : visit_index(w, at, row, chosen);
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
