/* Which rows a change concerns: those that were changed, and those from which links lead to what was changed. Key paths
 * say which properties and links count; without them it is everything up to four links away.
 * It must never follow links from every row: it begins at what changed and goes back to who links there, so nothing is
 * looked at when nothing behind the links changed. Invariant: rows that are found ascend, each once. */
#include "query/query_internal.h"
#include <stdlib.h>

/* One path: names of properties, "*" for any, "@links.Class.property" for the objects that link here by the property. */
typedef struct key_step {
    bytes name; /* of a class, and of its property, when back */
    bool back;
    bytes property;
    class_key origin; /* bound, when back */
    property_key origin_property;
} key_step;
typedef struct key_path {
    key_step *steps;
    size_t step_count;
} key_path;
struct key_paths {
    arena memory;
    VECTOR(key_path) paths;
};

/* ---- parsing ---- */

static bool is_any(const key_step *step)
{
    return !step->back && step->name.size == 1 && step->name.data[0] == '*';
}

static bool leads_on(const model_property *p)
{
    return p->type == VALUE_LINK || p->type == VALUE_EMBEDDED;
}

static bool leads_to_row(const value *v)
{
    return v->type == VALUE_LINK || v->type == VALUE_EMBEDDED;
}

static status check_step(const model_schema *schema, const model_class *c, const key_path *path,
                         size_t step, bool *found);

static status check_back(const model_schema *schema, const model_class *c, const key_path *path,
                         size_t step, bool *found)
{
    key_step *s = &path->steps[step];
    const model_class *origin = schema_class_named(schema, s->name);
    const model_property *p = origin == NULL ? NULL : class_property_named(origin, s->property);
    if (p == NULL)
        return fail(origin == NULL ? ATOLL_ERROR_UNKNOWN_CLASS : ATOLL_ERROR_UNKNOWN_PROPERTY,
                    "key path: @links names %.*s.%.*s, which is not in the schema",
                    (int)s->name.size, (const char *)s->name.data, (int)s->property.size,
                    (const char *)s->property.data);
    if (!leads_on(p) || p->target != c->key)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "key path: property %s of class %s does not link to class %s", p->name,
                    origin->name, c->name);
    if (step > 0 && is_any(&path->steps[step - 1]))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "key path: @links can't follow a *, which is of any class");
    s->origin = origin->key;
    s->origin_property = p->key;
    if (step + 1 < path->step_count) return check_step(schema, origin, path, step + 1, found);
    *found = true;
    return ATOLL_OK;
}

/* Behind a wildcard a name must be that of a property of some class that can be there. */
static status check_step(const model_schema *schema, const model_class *c, const key_path *path,
                         size_t step, bool *found)
{
    if (path->steps[step].back) return check_back(schema, c, path, step, found);
    bytes name = path->steps[step].name;
    bool any = is_any(&path->steps[step]);
    bool last = step + 1 == path->step_count;
    for (size_t i = 0; i < c->property_count && !*found; i++) {
        const model_property *p = &c->properties[i];
        if (!any && !bytes_equal(name, bytes_text(p->name))) continue;
        if (last) *found = true;
        if (last || !leads_on(p)) continue;
        const model_class *target = schema_class(schema, p->target);
        if (target != NULL) TRY(check_step(schema, target, path, step + 1, found));
    }
    if (*found || any) {
        /* Wildcards may lead nowhere: then there is nothing to be told. */
        *found = *found || last;
        return ATOLL_OK;
    }
    bool known = class_property_named(c, name) != NULL;
    if (known && !last && leads_on(class_property_named(c, name))) return ATOLL_OK;
    if (step > 0 && is_any(&path->steps[step - 1])) return ATOLL_OK;
    if (known)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "key path: property %.*s of class %s is no link, so nothing follows it",
                    (int)name.size, (const char *)name.data, c->name);
    return fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "key path: class %s has no property %.*s", c->name,
                (int)name.size, (const char *)name.data);
}

/* Gives the part of a path up to the next dot. */
static status take_part(bytes text, size_t *at, bytes *out)
{
    size_t start = *at, end = start;
    while (end < text.size && text.data[end] != '.') end++;
    if (end == start)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "key path: \"%.*s\" has an empty name at character %zu", (int)text.size,
                    text.size == 0 ? "" : (const char *)text.data, start + 1);
    *out = bytes_of(text.data + start, end - start);
    *at = end + 1;
    return ATOLL_OK;
}

static status split(arena *memory, bytes text, key_path *out)
{
    bytes kept;
    TRY(query_arena_copy(memory, text, &kept));
    size_t count = 1;
    for (size_t i = 0; i < kept.size; i++) count += kept.data[i] == '.';
    if (count > LIMIT_KEY_PATH_STEPS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "key path: %zu steps, the most are %d", count,
                    LIMIT_KEY_PATH_STEPS_MAX);
    out->steps = query_arena_take(memory, count * sizeof *out->steps);
    if (out->steps == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t at = 0; at <= kept.size;) {
        key_step *step = &out->steps[out->step_count++];
        TRY(take_part(kept, &at, &step->name));
        step->back = bytes_equal(step->name, bytes_text("@links"));
        if (step->back) TRY(take_part(kept, &at, &step->name));
        if (step->back) TRY(take_part(kept, &at, &step->property));
    }
    return ATOLL_OK;
}

static status add_path(key_paths *paths, const model_schema *schema, class_key c, bytes text)
{
    key_path path = {0};
    const model_class *class_of = schema_class(schema, c);
    if (class_of == NULL) return fail(ATOLL_ERROR_UNKNOWN_CLASS, "no class has the key %u", c);
    TRY(split(&paths->memory, text, &path));
    bool found = false;
    TRY(check_step(schema, class_of, &path, 0, &found));
    if (!found)
        return fail(ATOLL_ERROR_UNKNOWN_PROPERTY,
                    "key path: no property answers to \"%.*s\" from class %s", (int)text.size,
                    (const char *)text.data, class_of->name);
    return vector_push(&paths->paths, path);
}

status key_paths_new(const model_schema *schema, class_key c, const bytes *texts, size_t count,
                     key_paths **out)
{
    key_paths *made = memory_allocate_zero(sizeof *made);
    status result = made == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    for (size_t i = 0; i < count && result == ATOLL_OK; i++)
        result = add_path(made, schema, c, texts[i]);
    if (result == ATOLL_OK)
        *out = made;
    else
        key_paths_free(made);
    return result;
}

void key_paths_free(key_paths *paths)
{
    if (paths == NULL) return;
    vector_free(&paths->paths);
    query_arena_free(&paths->memory);
    memory_free(paths);
}

/* ---- sets of rows ---- */

static int order_rows(const void *a, const void *b)
{
    row_key left = *(const row_key *)a, right = *(const row_key *)b;
    return (left > right) - (left < right);
}

static void make_set(row_vector *rows)
{
    if (rows->count < 2) return;
    bool ascend = true;
    for (size_t i = 1; i < rows->count && ascend; i++) ascend = rows->items[i - 1] < rows->items[i];
    if (ascend) return;
    qsort(rows->items, rows->count, sizeof *rows->items, order_rows);
    size_t kept = 1;
    for (size_t i = 1; i < rows->count; i++)
        if (rows->items[i] != rows->items[kept - 1]) rows->items[kept++] = rows->items[i];
    rows->count = kept;
}

static status push_all(row_vector *to, const row_vector *from)
{
    TRY(vector_reserve(to, from->count));
    if (from->count > 0)
        memcpy(to->items + to->count, from->items, from->count * sizeof *from->items);
    to->count += from->count;
    return ATOLL_OK;
}

bool rows_contain(const row_vector *rows, row_key row)
{
    size_t low = 0, high = rows->count;
    if (high == 0 || row < rows->items[0] || row > rows->items[high - 1]) return false;
    while (low < high) {
        size_t half = low + (high - low) / 2;
        if (rows->items[half] < row)
            low = half + 1;
        else
            high = half;
    }
    return low < rows->count && rows->items[low] == row;
}

/* ---- who links there ---- */

static status linking_singly(const model_view *view, class_key c, const model_property *p,
                             const row_vector *targets, row_vector *out)
{
    uint64_t cursor = 0;
    model_segment segment;
    status result = ATOLL_OK;
    int64_t least = (int64_t)targets->items[0];
    int64_t greatest = (int64_t)targets->items[targets->count - 1];
    while (model_scan(view, c, &cursor, &segment, &result)) {
        model_column column = {0};
        TRY(model_segment_column(view, c, &segment, p->key, &column));
        if (!column.present || (column.has_range && (column.integer_maximum < least ||
                                                     column.integer_minimum > greatest)))
            continue;
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) {
            int64_t link = column.integers[i];
            if (link < least || link > greatest || !model_window_bit(segment.alive, i)) continue;
            if (column.null_bits != NULL && model_window_bit(column.null_bits, i)) continue;
            if (rows_contain(targets, (row_key)link)) TRY(vector_push(out, segment.first + i));
        }
    }
    return result;
}

static status holds_one(const model_view *view, class_key c, row_key row, const model_property *p,
                        const row_vector *targets, bool *out)
{
    uint64_t count = 0;
    bool alive;
    *out = false;
    TRY(model_is_alive(view, c, row, &alive));
    if (!alive) return ATOLL_OK;
    TRY(model_list_size(view, c, row, p->key, &count));
    for (uint64_t i = 0; i < count && !*out; i++) {
        value v;
        element_id id;
        TRY(model_list_get(view, c, row, p->key, i, &v, &id));
        *out = leads_to_row(&v) && rows_contain(targets, v.as.row);
    }
    return ATOLL_OK;
}

/* A collection does not show an object that went: it held it before. */
static status held_or_holds(const model_view *before, const model_view *view, class_key c,
                            row_key row, const model_property *p, const row_vector *targets,
                            bool *out)
{
    TRY(holds_one(view, c, row, p, targets, out));
    return *out ? ATOLL_OK : holds_one(before, c, row, p, targets, out);
}

static status linking_in_collections(const model_view *before, const model_view *view, class_key c,
                                     const model_property *p, const row_vector *targets,
                                     row_vector *out)
{
    uint64_t cursor = 0;
    model_segment segment;
    status result = ATOLL_OK;
    while (model_scan(view, c, &cursor, &segment, &result)) {
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) {
            bool holds = false;
            if (!model_window_bit(segment.alive, i)) continue;
            TRY(held_or_holds(before, view, c, segment.first + i, p, targets, &holds));
            if (holds) TRY(vector_push(out, segment.first + i));
        }
    }
    return result;
}

/* An embedded object knows who holds it. */
static status owning_row(const model_view *view, class_key c, const model_property *p, row_key row,
                         row_vector *out)
{
    model_owner owner;
    bool alive;
    TRY(model_is_alive(view, p->target, row, &alive));
    if (!alive) return ATOLL_OK;
    TRY(model_owner_get(view, p->target, row, &owner));
    if (owner.class_of != c || owner.property != p->key) return ATOLL_OK;
    return vector_push(out, owner.row);
}

static status linking_to_one(const model_view *view, class_key c, const model_property *p,
                             row_key row, row_vector *out)
{
    if (p->type == VALUE_EMBEDDED) return owning_row(view, c, p, row, out);
    model_rows rows = {0};
    status result = model_backlinks(view, p->target, row, c, p->key, &rows);
    for (size_t i = 0; i < rows.count && result == ATOLL_OK; i++)
        result = vector_push(out, rows.items[i]);
    vector_free(&rows);
    return result;
}

/* Few targets are looked up; for many one look at all rows is less. */
enum { LOOKED_UP_MAX = 64 };

static status linking_rows(const model_view *before, const model_view *view, class_key c,
                           const model_property *p, const row_vector *targets, row_vector *out)
{
    if (targets->count > LOOKED_UP_MAX) {
        return (p->flags & PROPERTY_COLLECTION) != 0
                   ? linking_in_collections(before, view, c, p, targets, out)
                   : linking_singly(view, c, p, targets, out);
    }
    for (size_t i = 0; i < targets->count; i++) {
        TRY(linking_to_one(view, c, p, targets->items[i], out));
        TRY(linking_to_one(before, c, p, targets->items[i], out));
    }
    return ATOLL_OK;
}

/* ---- from the changes back to the class ---- */

typedef struct found {
    class_key class_of;
    size_t step;
    row_vector rows;
} found;
/* Who links to some rows: at the next step these are often the same rows. */
typedef struct linkers {
    class_key class_of;
    property_key property;
    row_vector targets, rows;
} linkers;
typedef struct reaching {
    const model_view *before, *view;
    const model_schema *schema;
    const model_changes *changes;
    const key_path *path;
    VECTOR(found *) known; /* what a class answers at a step, so that circles end */
    VECTOR(linkers *) linkers;
} reaching;

/* Changes stand together by class. */
static void changes_of(const model_changes *changes, class_key c, size_t *from, size_t *to)
{
    size_t count = model_changes_count(changes), i = 0;
    while (i < count && model_changes_row(changes, i)->class_of != c) i++;
    *from = i;
    while (i < count && model_changes_row(changes, i)->class_of == c) i++;
    *to = i;
}

static bool step_takes(const key_path *path, size_t step, const model_property *p)
{
    const key_step *s = &path->steps[step];
    return !s->back && (is_any(s) || bytes_equal(s->name, bytes_text(p->name)));
}

static status changed_directly(const reaching *r, const model_class *c, size_t step,
                               row_vector *out)
{
    size_t from, to;
    changes_of(r->changes, c->key, &from, &to);
    bool any = is_any(&r->path->steps[step]);
    for (size_t i = from; i < to; i++) {
        const row_change *change = model_changes_row(r->changes, i);
        bool hit = any && change->property_count > 0;
        for (size_t k = 0; k < change->property_count && !hit; k++) {
            const model_property *p = class_property(c, change->properties[k]);
            hit = p != NULL && step_takes(r->path, step, p);
        }
        if (hit) TRY(vector_push(out, change->row));
    }
    return ATOLL_OK;
}

/* A link to an object that went reads as null from then on; one that came back lights its links up. */
static status came_or_went(const reaching *r, class_key c, row_vector *out)
{
    size_t from, to;
    changes_of(r->changes, c, &from, &to);
    for (size_t i = from; i < to; i++) {
        const row_change *change = model_changes_row(r->changes, i);
        if (change->created || change->deleted) TRY(vector_push(out, change->row));
    }
    make_set(out);
    return ATOLL_OK;
}

static status rows_at(reaching *r, const model_class *c, size_t step, const row_vector **out);

/* What the links of one property lead to and that counts, at this step. */
static status targets_at(reaching *r, const model_property *p, size_t step, row_vector *out)
{
    const model_class *target = schema_class(r->schema, p->target);
    if (target == NULL) return ATOLL_OK;
    if (p->type == VALUE_LINK) TRY(came_or_went(r, target->key, out));
    if (step + 1 == r->path->step_count) return ATOLL_OK;
    const row_vector *behind = NULL;
    TRY(rows_at(r, target, step + 1, &behind));
    TRY(push_all(out, behind));
    make_set(out);
    return ATOLL_OK;
}

static bool same_rows(const row_vector *a, const row_vector *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

static status linkers_add(reaching *r, class_key c, property_key p, linkers **out)
{
    linkers *made = memory_allocate_zero(sizeof *made);
    if (made == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    made->class_of = c;
    made->property = p;
    status result = vector_push(&r->linkers, made);
    if (result == ATOLL_OK)
        *out = made;
    else
        memory_free(made);
    return result;
}

/* Takes what is in targets. */
static status who_links(reaching *r, class_key c, const model_property *p, row_vector *targets,
                        const row_vector **out)
{
    for (size_t i = 0; i < r->linkers.count; i++) {
        linkers *l = r->linkers.items[i];
        if (l->class_of != c || l->property != p->key || !same_rows(&l->targets, targets)) continue;
        *out = &l->rows;
        return ATOLL_OK;
    }
    linkers *l = NULL;
    TRY(linkers_add(r, c, p->key, &l));
    l->targets = *targets;
    *targets = (row_vector){0};
    *out = &l->rows;
    return linking_rows(r->before, r->view, c, p, &l->targets, &l->rows);
}

/* ---- along backlinks ---- */

static status add_targets(const model_view *view, const model_class *origin,
                          const model_property *p, row_key row, row_vector *out)
{
    bool alive = false;
    value v;
    element_id id;
    uint64_t count = 0;
    TRY(model_is_alive(view, origin->key, row, &alive));
    if (!alive) return ATOLL_OK;
    if ((p->flags & PROPERTY_COLLECTION) == 0) {
        TRY(model_get(view, origin->key, row, p->key, &v));
        return leads_to_row(&v) ? vector_push(out, v.as.row) : ATOLL_OK;
    }
    TRY(model_list_size(view, origin->key, row, p->key, &count));
    for (uint64_t i = 0; i < count; i++) {
        TRY(model_list_get(view, origin->key, row, p->key, i, &v, &id));
        if (leads_to_row(&v)) TRY(vector_push(out, v.as.row));
    }
    return ATOLL_OK;
}

/* What links here is another set when an object that links came or went, or links elsewhere; and behind the step it is what
 * the rest of the path says of those that link, before or now. */
static status fill_back(reaching *r, size_t step, row_vector *out)
{
    const key_step *s = &r->path->steps[step];
    const model_class *origin = schema_class(r->schema, s->origin);
    const model_property *p = origin == NULL ? NULL : class_property(origin, s->origin_property);
    row_vector origins = {0};
    size_t from, to;
    if (p == NULL) return ATOLL_OK;
    changes_of(r->changes, origin->key, &from, &to);
    status result = came_or_went(r, origin->key, &origins);
    for (size_t i = from; i < to && result == ATOLL_OK; i++) {
        const row_change *change = model_changes_row(r->changes, i);
        for (size_t k = 0; k < change->property_count && result == ATOLL_OK; k++)
            if (change->properties[k] == p->key) result = vector_push(&origins, change->row);
    }
    const row_vector *behind = NULL;
    if (result == ATOLL_OK && step + 1 < r->path->step_count)
        result = rows_at(r, origin, step + 1, &behind);
    if (result == ATOLL_OK && behind != NULL) result = push_all(&origins, behind);
    make_set(&origins);
    for (size_t i = 0; i < origins.count && result == ATOLL_OK; i++) {
        result = add_targets(r->before, origin, p, origins.items[i], out);
        if (result == ATOLL_OK) result = add_targets(r->view, origin, p, origins.items[i], out);
    }
    vector_free(&origins);
    make_set(out);
    return result;
}

static status fill(reaching *r, const model_class *c, size_t step, row_vector *out)
{
    if (r->path->steps[step].back) return fill_back(r, step, out);
    TRY(changed_directly(r, c, step, out));
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        if (!leads_on(p) || !step_takes(r->path, step, p)) continue;
        row_vector targets = {0};
        status result = targets_at(r, p, step, &targets);
        const row_vector *linking = NULL;
        if (result == ATOLL_OK && targets.count > 0)
            result = who_links(r, c->key, p, &targets, &linking);
        if (result == ATOLL_OK && linking != NULL) result = push_all(out, linking);
        vector_free(&targets);
        TRY(result);
    }
    make_set(out);
    return ATOLL_OK;
}

/* The rows of a class from which the rest of the path, from a step on, leads to a change. */
static status rows_at(reaching *r, const model_class *c, size_t step, const row_vector **out)
{
    for (size_t i = 0; i < r->known.count; i++) {
        found *f = r->known.items[i];
        if (f->class_of != c->key || f->step != step) continue;
        *out = &f->rows;
        return ATOLL_OK;
    }
    found *f = memory_allocate_zero(sizeof *f);
    if (f == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *f = (found){.class_of = c->key, .step = step};
    status result = fill(r, c, step, &f->rows);
    if (result == ATOLL_OK) result = vector_push(&r->known, f);
    if (result != ATOLL_OK) {
        vector_free(&f->rows);
        memory_free(f);
        return result;
    }
    *out = &f->rows;
    return ATOLL_OK;
}

static void reaching_free(reaching *r)
{
    for (size_t i = 0; i < r->known.count; i++) {
        vector_free(&r->known.items[i]->rows);
        memory_free(r->known.items[i]);
    }
    vector_free(&r->known);
    for (size_t i = 0; i < r->linkers.count; i++) {
        vector_free(&r->linkers.items[i]->targets);
        vector_free(&r->linkers.items[i]->rows);
        memory_free(r->linkers.items[i]);
    }
    vector_free(&r->linkers);
}

/* ---- paths that nobody wrote ---- */

static const key_step any_steps[] = {{.name = {(const uint8_t *)"*", 1}},
                                     {.name = {(const uint8_t *)"*", 1}},
                                     {.name = {(const uint8_t *)"*", 1}},
                                     {.name = {(const uint8_t *)"*", 1}},
                                     {.name = {(const uint8_t *)"*", 1}}};
enum { LINKS_FOLLOWED = 4 };

static key_path path_at(const key_paths *paths, size_t index, size_t default_steps)
{
    if (paths != NULL) return paths->paths.items[index];
    return (key_path){(key_step *)(uintptr_t)any_steps, default_steps};
}

static size_t path_count(const key_paths *paths)
{
    return paths == NULL ? 1 : paths->paths.count;
}

status changes_reach(const model_view *before, const model_view *view, const model_changes *changes,
                     class_key c, const key_paths *paths, row_vector *out)
{
    const model_schema *schema = model_view_schema(view);
    const model_class *class_of = schema_class(schema, c);
    row_vector made = {0};
    status result = ATOLL_OK;
    if (class_of == NULL) return ATOLL_OK;
    for (size_t i = 0; i < path_count(paths) && result == ATOLL_OK; i++) {
        key_path path = path_at(paths, i, LINKS_FOLLOWED + 1);
        reaching r = {before, view, schema, changes, &path, {0}, {0}};
        const row_vector *rows = NULL;
        result = rows_at(&r, class_of, 0, &rows);
        if (result == ATOLL_OK) result = push_all(&made, rows);
        reaching_free(&r);
    }
    make_set(&made);
    if (result != ATOLL_OK) {
        vector_free(&made);
        return result;
    }
    vector_free(out);
    *out = made;
    return ATOLL_OK;
}

/* ---- one object: which of its properties ---- */

static bool changed_itself(const row_change *change, property_key p)
{
    for (size_t i = 0; change != NULL && i < change->property_count; i++)
        if (change->properties[i] == p) return true;
    return false;
}

static status leads_to(const reaching *r, class_key c, row_key row, const model_property *p,
                       const row_vector *targets, bool *out)
{
    value v;
    if (targets->count == 0) return ATOLL_OK;
    if ((p->flags & PROPERTY_COLLECTION) != 0)
        return held_or_holds(r->before, r->view, c, row, p, targets, out);
    TRY(model_get_raw(r->view, c, row, p->key, &v));
    *out = leads_to_row(&v) && rows_contain(targets, v.as.row);
    return ATOLL_OK;
}

static status properties_of_path(reaching *r, const model_class *c, row_key row,
                                 const row_change *change, property_vector *out, bool *linked)
{
    if (r->path->steps[0].back) {
        const row_vector *rows = NULL;
        TRY(rows_at(r, c, 0, &rows));
        *linked |= rows_contain(rows, row);
        return ATOLL_OK;
    }
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        bool hit = false;
        if (!step_takes(r->path, 0, p)) continue;
        hit = changed_itself(change, p->key);
        if (!hit && leads_on(p)) {
            row_vector targets = {0};
            status result = targets_at(r, p, 0, &targets);
            if (result == ATOLL_OK) result = leads_to(r, c->key, row, p, &targets, &hit);
            vector_free(&targets);
            TRY(result);
        }
        for (size_t k = 0; k < out->count && hit; k++) hit = out->items[k] != p->key;
        if (hit) TRY(vector_push(out, p->key));
    }
    return ATOLL_OK;
}

status changes_reach_properties(const model_view *before, const model_view *view,
                                const model_changes *changes, class_key c, row_key row,
                                const key_paths *paths, property_vector *out, bool *linked)
{
    const model_schema *schema = model_view_schema(view);
    const model_class *class_of = schema_class(schema, c);
    const row_change *change = NULL;
    size_t from, to;
    if (class_of == NULL) return ATOLL_OK;
    changes_of(changes, c, &from, &to);
    for (size_t i = from; i < to && change == NULL; i++)
        if (model_changes_row(changes, i)->row == row) change = model_changes_row(changes, i);
    status result = ATOLL_OK;
    for (size_t i = 0; i < path_count(paths) && result == ATOLL_OK; i++) {
        key_path path = path_at(paths, i, 1);
        reaching r = {before, view, schema, changes, &path, {0}, {0}};
        result = properties_of_path(&r, class_of, row, change, out, linked);
        reaching_free(&r);
    }
    return result;
}
