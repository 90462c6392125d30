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

bool source_has_objects(const row_source *source)
{
    return source->view != NULL || source->rows != NULL;
}

void source_read(row_source *source, class_key c, row_key row, property_key p, value *out)
{
    *out = value_null();
    if (source->rows != NULL) {
        source->rows->get(source->rows->context, c, row, p, out);
        return;
    }
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

static bool has_lists_from(const operand *o, size_t at)
{
    for (size_t i = at; i < o->step_count; i++) {
        bool counted = i + 1 == o->step_count && o->post == POST_COUNT;
        if (o->steps[i].many && !counted) return true;
    }
    return false;
}

static bool visit_value(const walk *w, size_t at, const value *v);

/* ---- collections: those of properties, and those in mixed values, which are rows of hidden classes ---- */

typedef struct place {
    class_key class_of;
    row_key row;
    property_key property;
    bool dictionary;
} place;

static bool visit_place(const walk *w, size_t at, size_t next, const place *p);

static bool place_of_value(const row_source *source, const value *v, place *out)
{
    bool collection = v->type == VALUE_LIST || v->type == VALUE_DICTIONARY;
    if (!collection || !source_has_objects(source)) return false;
    const model_schema *schema =
        source->rows != NULL ? source->rows->schema : model_view_schema(source->view);
    const model_class *c = schema_class(schema, v->as.link.class_of);
    if (c == NULL || c->property_count == 0) return false;
    *out = (place){c->key, v->as.link.row, c->properties[0].key, v->type == VALUE_DICTIONARY};
    return true;
}

/* A value that the first `next` selectors of the step lead to. What has no keys has none that is asked for: null. */
static bool visit_selected(const walk *w, size_t at, size_t next, const value *v)
{
    const path_step *s = &w->path->steps[at];
    place inner;
    if (next >= s->selector_count) return visit_value(w, at, v);
    if (place_of_value(w->source, v, &inner)) return visit_place(w, at, next, &inner);
    value none = value_null();
    return s->selectors[next].kind == SELECT_KEY && visit_value(w, at, &none);
}

typedef struct elements {
    const walk *walk;
    size_t at, next;
    bool keys, stopped;
} elements;

static bool visit_element(void *context, uint64_t index, bytes key, const value *v)
{
    elements *e = context;
    (void)index;
    value text = value_string(key);
    e->stopped = visit_selected(e->walk, e->at, e->next, e->keys ? &text : v);
    return !e->stopped;
}

/* The elements as a reader is shown them. */
static void each_element(row_source *source, const place *p, model_collection_visitor visit,
                         void *context)
{
    const query_rows *rows = source->rows;
    if (rows != NULL) {
        rows->each(rows->context, p->class_of, p->row, p->property, visit, context);
        return;
    }
    status read =
        model_collection_each(source->view, p->class_of, p->row, p->property, visit, context);
    if (read != ATOLL_OK) row_failed(source, read);
}

static bool visit_each(const walk *w, size_t at, size_t next, const place *p, bool keys)
{
    elements e = {.walk = w, .at = at, .next = next, .keys = keys};
    each_element(w->source, p, visit_element, &e);
    return e.stopped;
}

/* Where there is no view, elements are counted and looked for one by one. */
typedef struct counted_elements {
    uint64_t count;
    const uint64_t *index; /* the one that is wanted, or by its key, or the last */
    const bytes *key;
    bool found;
    value value;
} counted_elements;

static bool count_element(void *context, uint64_t index, bytes key, const value *v)
{
    counted_elements *e = context;
    bool any = e->index == NULL && e->key == NULL;
    bool wanted = any || (e->index != NULL && *e->index == index) ||
                  (e->key != NULL && bytes_equal(*e->key, key));
    e->count++;
    e->found |= wanted;
    if (wanted) e->value = *v;
    return true;
}

/* A key that is not there reads as null. */
static bool visit_key(const walk *w, size_t at, size_t next, const place *p, bytes key)
{
    value v = value_null();
    bool found = false;
    if (w->source->rows != NULL) {
        counted_elements e = {.key = &key, .value = v};
        if (p->dictionary) each_element(w->source, p, count_element, &e);
        return visit_selected(w, at, next, &e.value);
    }
    status read = p->dictionary ? model_dictionary_find(w->source->view, p->class_of, p->row,
                                                        p->property, key, &found, NULL, &v)
                                : ATOLL_OK;
    if (read != ATOLL_OK) row_failed(w->source, read);
    if (read != ATOLL_OK || !found) v = value_null();
    return visit_selected(w, at, next, &v);
}

/* An index counts what a reader is shown: elements whose target is gone are left out. */
static status element_at(const walk *w, const place *p, const selector *chosen, value *out,
                         bool *found)
{
    const model_view *view = w->source->view;
    uint64_t wanted = chosen->kind == SELECT_INDEX ? chosen->index : 0, count = 0, index = 0;
    element_id id;
    if (w->source->rows != NULL) {
        counted_elements e = {.index = chosen->kind == SELECT_LAST ? NULL : &wanted};
        each_element(w->source, p, count_element, &e);
        *out = e.value;
        *found = e.found;
        return ATOLL_OK;
    }
    TRY(model_list_shown(view, p->class_of, p->row, p->property, wanted, &count, &index));
    if (chosen->kind == SELECT_LAST && count > 1) {
        wanted = count - 1;
        TRY(model_list_shown(view, p->class_of, p->row, p->property, wanted, &count, &index));
    }
    *found = wanted < count;
    return *found ? model_list_get(view, p->class_of, p->row, p->property, index, out, &id)
                  : ATOLL_OK;
}

static bool visit_index(const walk *w, size_t at, size_t next, const place *p,
                        const selector *chosen)
{
    value v = value_null();
    bool found = false;
    status read = p->dictionary ? ATOLL_OK : element_at(w, p, chosen, &v, &found);
    if (read != ATOLL_OK) row_failed(w->source, read);
    return read == ATOLL_OK && found && visit_selected(w, at, next, &v);
}

/* What the selector at `next` takes of a collection; without one, each element. */
static bool visit_place(const walk *w, size_t at, size_t next, const place *p)
{
    const path_step *s = &w->path->steps[at];
    const selector *chosen = next < s->selector_count ? &s->selectors[next] : NULL;
    if (chosen == NULL) return visit_each(w, at, next, p, false);
    switch (chosen->kind) {
    case SELECT_EACH: return visit_each(w, at, next + 1, p, false);
    case SELECT_KEYS: return p->dictionary && visit_each(w, at, next + 1, p, true);
    case SELECT_KEY: return visit_key(w, at, next + 1, p, chosen->key);
    case SELECT_INDEX:
    case SELECT_FIRST:
    case SELECT_LAST:
    case SELECT_ARGUMENT: break;
    }
    return visit_index(w, at, next + 1, p, chosen);
}

static uint64_t count_at(row_source *source, const place *p)
{
    uint64_t count = 0, index = 0;
    if (source->rows != NULL) {
        counted_elements e = {0};
        each_element(source, p, count_element, &e);
        return e.count;
    }
    status read =
        model_list_shown(source->view, p->class_of, p->row, p->property, 0, &count, &index);
    if (read != ATOLL_OK) row_failed(source, read);
    return count;
}

/* The size of a text in its own unit: characters are not counted, bytes are, as in the systems before. */
static value size_of_value(row_source *source, const value *v)
{
    place p;
    if (place_of_value(source, v, &p)) return value_int((int64_t)count_at(source, &p));
    bool text = v->type == VALUE_STRING || v->type == VALUE_BINARY;
    return text ? value_int((int64_t)v->as.text.size) : value_null();
}

/* A value of the step, behind its selectors: the last one is taken, others are followed. */
static bool visit_value(const walk *w, size_t at, const value *v)
{
    bool last = at + 1 == w->path->step_count;
    value made;
    if (last && w->path->post == POST_COUNT) {
        made = size_of_value(w->source, v);
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

static bool visit_collection(const walk *w, size_t at, row_key row)
{
    const path_step *s = &w->path->steps[at];
    bool last = at + 1 == w->path->step_count;
    place p = {s->class_of, row, s->property, (s->flags & PROPERTY_DICTIONARY) != 0};
    if (!source_has_objects(w->source)) return false;
    bool counted = last && w->path->post == POST_COUNT && s->many && s->selector_count <= 1;
    if (!counted) return visit_place(w, at, 0, &p);
    value count = value_int((int64_t)count_at(w->source, &p));
    return w->visit(w->context, &count);
}

/* ---- backlinks ---- */

static bool visit_link_count(const walk *w, const path_step *s, row_key row)
{
    uint64_t count = 0;
    status read = model_backlink_count(w->source->view, s->class_of, row, &count);
    if (read != ATOLL_OK) row_failed(w->source, read);
    value v = value_int((int64_t)count);
    return w->visit(w->context, &v);
}

static bool visit_origins(const walk *w, size_t at, const model_rows *rows)
{
    bool last = at + 1 == w->path->step_count;
    value v = value_int((int64_t)rows->count);
    if (last && w->path->post == POST_COUNT) return w->visit(w->context, &v);
    for (size_t i = 0; i < rows->count; i++) {
        v = value_link(rows->items[i]);
        if (visit_value(w, at, &v)) return true;
    }
    return false;
}

static bool visit_backlinks(const walk *w, size_t at, row_key row)
{
    const path_step *s = &w->path->steps[at];
    if (w->source->view == NULL) return false;
    if (s->kind == STEP_BACKLINKS) return visit_link_count(w, s, row);
    model_rows rows = {0};
    status read = model_backlinks(w->source->view, s->class_of, row, s->target, s->property, &rows);
    if (read != ATOLL_OK) row_failed(w->source, read);
    bool stopped = read == ATOLL_OK && visit_origins(w, at, &rows);
    vector_free(&rows);
    return stopped;
}

/* ---- steps ---- */

/* The depth is that of the written path. */
static bool visit_from(const walk *w, size_t at, row_key row)
{
    const path_step *s = &w->path->steps[at];
    if (s->kind != STEP_PROPERTY) return visit_backlinks(w, at, row);
    if (s->list) return visit_collection(w, at, row);
    value v;
    source_read(w->source, s->class_of, row, s->property, &v);
    return visit_selected(w, at, 0, &v);
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
        if (s->kind != STEP_PROPERTY || s->list || s->selector_count > 0)
            path_visit(source, &one, row, take_first, &first);
        else
            source_read(source, s->class_of, row, s->property, &first.value);
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
