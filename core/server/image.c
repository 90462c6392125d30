/* What decides whether a row is in somebody's view: the paths that the queries of views read, an image of what was on them
 * before a change, and the rows that hang on a changed one by such a path.
 *
 *   Task.project.team    the team of a project changes: its tasks, found by their links, leave an image each
 *
 * It must never read more of a row than what is on declared paths. Invariant: a query whose paths are declared says the same of
 * an image as it said of the row when the image was made.
 *
 * An image: (property, value) of the row itself; then 0 and (class, row, property, kind, values) of collections and of what
 * is behind embedded objects and links. The row itself is row 0 there. */
#include "server/app.h"

enum {
    IMAGE_VALUE = 0,
    IMAGE_LIST = 1,
    IMAGE_DICTIONARY = 2,
    PATH_KEY_SIZE_MAX = 64,
    IMAGE_SIZE_MAX = 64u << 20
};

/* ---- declared paths ---- */

static bool same_path(const query_path *a, const query_path *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same; i++) {
        same = a->steps[i].class_of == b->steps[i].class_of &&
               a->steps[i].property == b->steps[i].property;
    }
    return same;
}

bool paths_have(const server_app *app, const query_path *path)
{
    for (size_t i = 0; i < app->paths.count; i++) {
        if (same_path(&app->paths.items[i], path)) return true;
    }
    return false;
}

bool paths_follow(const server_app *app, class_key c, property_key p)
{
    for (size_t i = 0; i < app->paths.count; i++) {
        const query_path *path = &app->paths.items[i];
        for (size_t k = 0; k < path->count; k++)
            if (path->steps[k].class_of == c && path->steps[k].property == p) return true;
    }
    return false;
}

status paths_add(server_app *app, model_txn *txn, const query_path *path)
{
    uint8_t key[PATH_KEY_SIZE_MAX] = {'s', 'q'};
    if (paths_have(app, path)) return ATOLL_OK;
    key_put_u32(key + 2, path->steps[0].class_of);
    for (size_t i = 0; i < path->count; i++) key_put_u32(key + 6 + 4 * i, path->steps[i].property);
    TRY(model_side_put(txn, bytes_of(key, 6 + 4 * path->count), bytes_of("", 0)));
    return vector_push(&app->paths, *path);
}

static status read_path(const model_schema *schema, bytes key, query_path *out)
{
    size_t count = key.size < 10 ? 0 : (key.size - 6) / 4;
    class_key c = count == 0 ? 0 : key_get_u32(key.data + 2);
    query_path path = {.count = count};
    if (count == 0 || count > QUERY_PATH_STEPS_MAX)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "the record of a queryable path is damaged");
    for (size_t i = 0; i < count; i++) {
        const model_class *of = schema_class(schema, c);
        property_key property = key_get_u32(key.data + 6 + 4 * i);
        const model_property *p = of == NULL ? NULL : class_property(of, property);
        bool links = p != NULL && (p->type == VALUE_LINK || p->type == VALUE_EMBEDDED);
        path.steps[i] = (query_step){c, links ? p->target : 0, property};
        c = path.steps[i].target;
    }
    *out = path;
    return ATOLL_OK;
}

status paths_load(server_app *app)
{
    const uint8_t from[2] = {'s', 'q'}, to[2] = {'s', 'q' + 1};
    storage_iterator *i = NULL;
    bytes key, value;
    model_view *view = model_view_newest(app->db);
    if (view == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = model_side_iterate(app->db, bytes_of(from, 2), bytes_of(to, 2), &i);
    while (result == ATOLL_OK && storage_iterator_next(i, &key, &value)) {
        query_path path;
        result = read_path(model_view_schema(view), key, &path);
        if (result == ATOLL_OK) result = vector_push(&app->paths, path);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(i);
    if (i != NULL) storage_iterator_free(i);
    model_view_release(view);
    return result;
}

/* ---- writing an image ---- */

typedef struct image_writer {
    const model_view *view;
    buffer *to;
    const query_path *path;
    map64 seen; /* properties of rows that are in it */
    status result;
} image_writer;

/* A property of a row; what it holds is followed by the steps after `at`. */
typedef struct image_place {
    class_key class_of;
    row_key row, written; /* written: its name in the image */
    property_key property;
    size_t at;
} image_place;

static status write_place(image_writer *w, const image_place *p);

static status write_held(image_writer *w, const image_place *p, const value *v)
{
    image_place inner = {.row = v->as.row, .written = v->as.row, .at = p->at + 1};
    if (v->type == VALUE_LIST || v->type == VALUE_DICTIONARY) {
        const model_class *c = schema_class(model_view_schema(w->view), v->as.link.class_of);
        if (c == NULL || c->property_count == 0) return ATOLL_OK;
        inner = (image_place){c->key, v->as.link.row, v->as.link.row, c->properties[0].key, p->at};
        return write_place(w, &inner);
    }
    bool leads = v->type == VALUE_LINK || v->type == VALUE_EMBEDDED;
    if (!leads || inner.at >= w->path->count) return ATOLL_OK;
    inner.class_of = w->path->steps[inner.at].class_of;
    inner.property = w->path->steps[inner.at].property;
    return write_place(w, &inner);
}

typedef struct element_writer {
    image_writer *w;
    VECTOR(value) held; /* what leads further; the collection is read to its end before that */
    bool keys;
} element_writer;

static bool write_element(void *context, uint64_t index, bytes key, const value *v)
{
    element_writer *e = context;
    buffer *to = e->w->to;
    (void)index;
    status result = buffer_append_byte(to, 1);
    if (result == ATOLL_OK && e->keys) result = buffer_append_bytes(to, key);
    if (result == ATOLL_OK) result = value_write(to, v);
    bool leads = v->type == VALUE_LINK || v->type == VALUE_EMBEDDED || v->type == VALUE_LIST ||
                 v->type == VALUE_DICTIONARY;
    if (result == ATOLL_OK && leads) result = vector_push(&e->held, *v);
    e->w->result = result;
    return result == ATOLL_OK;
}

static status write_head(image_writer *w, const image_place *p, uint8_t kind)
{
    TRY(buffer_append_varint(w->to, p->class_of));
    TRY(buffer_append_varint(w->to, p->written));
    TRY(buffer_append_varint(w->to, p->property));
    return buffer_append_byte(w->to, kind);
}

static status write_collection(image_writer *w, const image_place *p, bool first, bool keys)
{
    buffer dropped;
    element_writer e = {.w = w, .keys = keys};
    buffer *to = w->to;
    buffer_init(&dropped, IMAGE_SIZE_MAX);
    if (!first) w->to = &dropped; /* It is there; what is behind it may not be. */
    status result = write_head(w, p, keys ? IMAGE_DICTIONARY : IMAGE_LIST);
    if (result == ATOLL_OK)
        result =
            model_collection_each(w->view, p->class_of, p->row, p->property, write_element, &e);
    if (result == ATOLL_OK) result = w->result;
    if (result == ATOLL_OK) result = buffer_append_byte(w->to, 0);
    w->to = to;
    buffer_free(&dropped);
    for (size_t i = 0; i < e.held.count && result == ATOLL_OK; i++)
        result = write_held(w, p, &e.held.items[i]);
    vector_free(&e.held);
    return result;
}

static status write_place(image_writer *w, const image_place *p)
{
    const model_class *c = schema_class(model_view_schema(w->view), p->class_of);
    const model_property *property = c == NULL ? NULL : class_property(c, p->property);
    value v;
    if (property == NULL) return ATOLL_OK;
    uint64_t name = hash_u64(hash_u64((uint64_t)p->class_of << 32 | p->property) ^ p->written);
    bool first = map64_get(&w->seen, name) == NULL;
    if (first) TRY(map64_put(&w->seen, name, 1));
    if ((property->flags & PROPERTY_COLLECTION) != 0)
        return write_collection(w, p, first, (property->flags & PROPERTY_DICTIONARY) != 0);
    TRY(model_get(w->view, p->class_of, p->row, p->property, &v));
    if (first) {
        TRY(write_head(w, p, IMAGE_VALUE));
        TRY(value_write(w->to, &v));
    }
    return write_held(w, p, &v);
}

static bool is_simple(const model_property *p)
{
    return (p->flags & PROPERTY_COLLECTION) == 0 && p->type != VALUE_LINK &&
           p->type != VALUE_EMBEDDED && p->type != VALUE_MIXED;
}

static status write_simple(const server_app *app, const model_view *view, const model_class *c,
                           row_key row, buffer *to)
{
    for (size_t i = 0; i < app->paths.count; i++) {
        const query_path *path = &app->paths.items[i];
        const model_property *p = class_property(c, path->steps[0].property);
        value v;
        if (path->steps[0].class_of != c->key || p == NULL || !is_simple(p)) continue;
        TRY(model_get_raw(view, c->key, row, p->key, &v));
        TRY(buffer_append_varint(to, p->key));
        TRY(value_write(to, &v));
    }
    return ATOLL_OK;
}

status image_write(const server_app *app, const model_view *view, class_key c, row_key row,
                   buffer *to)
{
    const model_class *of = schema_class(model_view_schema(view), c);
    image_writer w = {.view = view, .to = to};
    bool more = false;
    if (of == NULL) return ATOLL_OK;
    status result = write_simple(app, view, of, row, to);
    for (size_t i = 0; i < app->paths.count && result == ATOLL_OK; i++) {
        const query_path *path = &app->paths.items[i];
        const model_property *p = class_property(of, path->steps[0].property);
        if (path->steps[0].class_of != c || p == NULL || is_simple(p)) continue;
        if (!more) result = buffer_append_varint(to, 0);
        more = true;
        w.path = path;
        const image_place place = {c, row, 0, p->key, 0};
        if (result == ATOLL_OK) result = write_place(&w, &place);
    }
    map64_free(&w.seen);
    return result;
}

/* ---- reading an image ---- */

static bool find_simple(reader *r, property_key p, value *out)
{
    while (r->at < r->end && !r->failed) {
        property_key property = (property_key)reader_varint(r);
        if (property == 0) return false;
        value v = value_read(r);
        if (r->failed || property != p) continue;
        *out = v;
        return true;
    }
    return false;
}

static void skip_elements(reader *r, bool keys)
{
    while (!r->failed && reader_byte(r) == 1) {
        if (keys) (void)reader_bytes(r);
        (void)value_read(r);
    }
}

/* Leaves the reader at what the property holds. */
static bool find_place(reader *r, class_key c, row_key row, property_key p, uint8_t *kind)
{
    while (r->at < r->end && !r->failed) {
        bool there = (class_key)reader_varint(r) == c;
        there &= reader_varint(r) == row;
        there &= (property_key)reader_varint(r) == p;
        *kind = reader_byte(r);
        if (r->failed) return false;
        if (there) return true;
        if (*kind == IMAGE_VALUE)
            (void)value_read(r);
        else
            skip_elements(r, *kind == IMAGE_DICTIONARY);
    }
    return false;
}

typedef struct image_source {
    bytes image;
    reader more; /* behind the simple properties */
} image_source;

static void image_get(void *context, class_key c, row_key row, property_key p, value *out)
{
    const image_source *s = context;
    reader r = reader_of(s->image), more = s->more;
    uint8_t kind = 0;
    *out = value_null();
    if (row == 0 && find_simple(&r, p, out)) return;
    if (find_place(&more, c, row, p, &kind) && kind == IMAGE_VALUE) *out = value_read(&more);
}

static void image_each(void *context, class_key c, row_key row, property_key p,
                       model_collection_visitor visit, void *visit_context)
{
    const image_source *s = context;
    reader r = s->more;
    uint8_t kind = 0;
    if (!find_place(&r, c, row, p, &kind) || kind == IMAGE_VALUE) return;
    for (uint64_t index = 0; !r.failed && reader_byte(&r) == 1; index++) {
        bytes key = kind == IMAGE_DICTIONARY ? reader_bytes(&r) : bytes_of(NULL, 0);
        value v = value_read(&r);
        if (r.failed || !visit(visit_context, index, key, &v)) return;
    }
}

void image_value(bytes image, property_key p, value *out)
{
    reader r = reader_of(image);
    *out = value_null();
    (void)find_simple(&r, p, out);
}

bool image_matches(const query *q, const model_schema *schema, bytes image)
{
    value ignored;
    image_source s = {image, reader_of(image)};
    (void)find_simple(&s.more, 0, &ignored); /* There is no property 0: to the end of them. */
    const query_rows rows = {schema, image_get, image_each, &s};
    return query_matches_rows(q, &rows, 0);
}

/* ---- what hangs on a row ---- */

typedef struct hanging {
    server_app *app;
    const model_view *view;
    const query_path *path;
    hanging_each each;
    void *context;
} hanging;

/* From a row that step `at` of the path reads back to those where the path begins. */
static status walk_back(const hanging *h, size_t at, class_key c, row_key row)
{
    if (at == 0) return h->each(h->context, c, row);
    const query_step *before = &h->path->steps[at - 1];
    const model_class *from = schema_class(model_view_schema(h->view), before->class_of);
    const model_property *p = from == NULL ? NULL : class_property(from, before->property);
    model_owner owner;
    model_rows rows = {0};
    if (p == NULL || p->target != c) return ATOLL_OK;
    if (p->type == VALUE_EMBEDDED) {
        TRY(model_owner_get(h->view, c, row, &owner));
        bool here = owner.class_of == from->key && owner.property == p->key;
        return here ? walk_back(h, at - 1, owner.class_of, owner.row) : ATOLL_OK;
    }
    status result = links_to(h->app, h->view, c, row, from->key, p, &rows);
    for (size_t i = 0; i < rows.count && result == ATOLL_OK; i++)
        result = walk_back(h, at - 1, from->key, rows.items[i]);
    vector_free(&rows);
    return result;
}

/* Of what is in a mixed value the property that holds it. */
static status climb_hidden(const model_view *view, class_key *c, row_key *row, property_key *p)
{
    const model_schema *schema = model_view_schema(view);
    for (const model_class *of = schema_class(schema, *c); of != NULL && schema_class_is_hidden(of);
         of = schema_class(schema, *c)) {
        model_owner owner;
        TRY(model_owner_get(view, *c, *row, &owner));
        *c = owner.class_of;
        *row = owner.row;
        *p = owner.property;
    }
    return ATOLL_OK;
}

status hanging_on_field(server_app *app, const model_view *view, class_key c, row_key row,
                        property_key p, hanging_each each, void *context)
{
    TRY(climb_hidden(view, &c, &row, &p));
    for (size_t i = 0; i < app->paths.count; i++) {
        const query_path *path = &app->paths.items[i];
        const hanging h = {app, view, path, each, context};
        for (size_t k = 0; k < path->count; k++) {
            if (path->steps[k].class_of == c && path->steps[k].property == p)
                TRY(walk_back(&h, k, c, row));
        }
    }
    return ATOLL_OK;
}

/* The property of a step that links to objects of the class; NULL: it does not. */
static const model_property *leads_to(const model_schema *schema, const query_step *step,
                                      class_key target)
{
    const model_class *c = schema_class(schema, step->class_of);
    const model_property *p = c == NULL ? NULL : class_property(c, step->property);
    if (p == NULL) return NULL;
    return p->type == VALUE_MIXED || (p->type == VALUE_LINK && p->target == target) ? p : NULL;
}

status hanging_on_life(server_app *app, const model_view *view, class_key c, row_key row,
                       hanging_each each, void *context)
{
    status result = ATOLL_OK;
    for (size_t i = 0; i < app->paths.count && result == ATOLL_OK; i++) {
        const query_path *path = &app->paths.items[i];
        const hanging h = {app, view, path, each, context};
        for (size_t k = 0; k < path->count && result == ATOLL_OK; k++) {
            const query_step *step = &path->steps[k];
            const model_property *p = leads_to(model_view_schema(view), step, c);
            model_rows rows = {0};
            if (p == NULL) continue;
            result = links_to(app, view, c, row, step->class_of, p, &rows);
            for (size_t n = 0; n < rows.count && result == ATOLL_OK; n++)
                result = walk_back(&h, k, step->class_of, rows.items[n]);
            vector_free(&rows);
        }
    }
    return result;
}
