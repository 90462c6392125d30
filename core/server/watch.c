/* The predicate index: which sessions a change concerns, found by what their queries demand of single fields, so that a
 * change costs the sessions that want it and not those that are there.
 *
 *   equal   hash of (class, property, value) → sessions
 *   ranges  of a class: property, lowest, highest → session
 *   rest    of a class: queries that are asked about every row that changes
 *
 * It must never pass a session by that has, had or gets a row by a change; it may name more. Invariant: of a live session
 * every row changed after its cursor that may be in its view, before or after, is in `wanted`, unless wanted_all says
 * that it has to look itself. */
#include "server/app.h"

enum { WANTED_MAX = 4096, GUARDS_MAX = 64 };

typedef struct watch_list {
    uint64_t place; /* 0: free */
    VECTOR(peer *) peers;
} watch_list;
typedef struct watch_range {
    peer *p;
    query_guard guard;
} watch_range;
typedef struct watch_rest {
    peer *p;
    const query *q;
} watch_rest;
typedef struct watch_field {
    property_key property;
    size_t count; /* guards of equality */
} watch_field;
typedef struct watch_class {
    class_key class_of;
    VECTOR(watch_field) fields;
    VECTOR(watch_range) ranges;
    VECTOR(watch_rest) rest;
} watch_class;

typedef struct watch_index {
    uint64_t version, generation; /* commits and schemas up to here were told */
    map64 equal;                  /* place → index in lists */
    VECTOR(watch_list) lists;
    VECTOR(size_t) free_lists;
    VECTOR(watch_class) classes;
    VECTOR(peer *) woken;
} watch_index;

/* ---- life ---- */

status watch_open(server_app *app)
{
    app->watch = memory_allocate_zero(sizeof *app->watch);
    if (app->watch == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    app->watch->version = model_version(app->db);
    app->watch->generation = app->schema_generation;
    return ATOLL_OK;
}

void watch_close(server_app *app)
{
    watch_index *w = app->watch;
    if (w == NULL) return;
    for (size_t i = 0; i < w->lists.count; i++) vector_free(&w->lists.items[i].peers);
    for (size_t i = 0; i < w->classes.count; i++) {
        vector_free(&w->classes.items[i].fields);
        vector_free(&w->classes.items[i].ranges);
        vector_free(&w->classes.items[i].rest);
    }
    map64_free(&w->equal);
    vector_free(&w->lists);
    vector_free(&w->free_lists);
    vector_free(&w->classes);
    vector_free(&w->woken);
    memory_free(w);
    app->watch = NULL;
}

/* ---- who is to be polled ---- */

void peer_wake(peer *p)
{
    watch_index *w = p->app->watch;
    if (p->woken) return;
    /* There is room since watch_join. */
    p->woken = true;
    w->woken.items[w->woken.count++] = p;
}

peer *server_app_woken(server_app *app)
{
    watch_index *w = app->watch;
    if (w->woken.count == 0) return NULL;
    peer *p = w->woken.items[--w->woken.count];
    p->woken = false;
    return p;
}

status watch_join(peer *p)
{
    return vector_reserve(&p->app->watch->woken, p->app->peers.count + 1);
}

/* ---- the index ---- */

static watch_class *class_of(watch_index *w, class_key c)
{
    for (size_t i = 0; i < w->classes.count; i++)
        if (w->classes.items[i].class_of == c) return &w->classes.items[i];
    return NULL;
}

static status class_for(watch_index *w, class_key c, watch_class **out)
{
    *out = class_of(w, c);
    if (*out != NULL) return ATOLL_OK;
    TRY(vector_push(&w->classes, ((watch_class){.class_of = c})));
    *out = &w->classes.items[w->classes.count - 1];
    return ATOLL_OK;
}

static status list_for(watch_index *w, uint64_t place, watch_list **out)
{
    uint64_t *at = map64_get(&w->equal, place);
    if (at == NULL) {
        size_t index = w->lists.count;
        if (w->free_lists.count > 0) {
            index = w->free_lists.items[--w->free_lists.count];
        } else {
            TRY(vector_push(&w->lists, (watch_list){0}));
            TRY(vector_reserve(&w->free_lists, w->lists.count));
        }
        status result = map64_put(&w->equal, place, index);
        if (result != ATOLL_OK) {
            w->free_lists.items[w->free_lists.count++] = index;
            return result;
        }
        w->lists.items[index].place = place;
        at = map64_get(&w->equal, place);
    }
    *out = &w->lists.items[*at];
    return ATOLL_OK;
}

static status add_equal(peer *p, class_key c, const query_guard *g)
{
    watch_index *w = p->app->watch;
    watch_class *k = NULL;
    watch_list *list = NULL;
    watch_entry entry = {c, g->property, place_of(c, g->property, &g->value)};
    TRY(class_for(w, c, &k));
    size_t i = 0;
    while (i < k->fields.count && k->fields.items[i].property != g->property) i++;
    if (i == k->fields.count) TRY(vector_push(&k->fields, ((watch_field){g->property, 0})));
    TRY(vector_reserve(&p->watches, 1));
    TRY(list_for(w, entry.place, &list));
    TRY(vector_push(&list->peers, p));
    k->fields.items[i].count++;
    p->watches.items[p->watches.count++] = entry;
    return ATOLL_OK;
}

static status add_query(peer *p, const query *q)
{
    query_guard guards[GUARDS_MAX];
    size_t count = 0;
    watch_class *k = NULL;
    class_key c = query_class(q);
    watch_entry entry = {c, 0, 0};
    TRY(class_for(p->app->watch, c, &k));
    TRY(vector_push(&p->watches, entry));
    if (!query_guards(q, guards, GUARDS_MAX, &count))
        return vector_push(&k->rest, ((watch_rest){p, q}));
    for (size_t i = 0; i < count; i++) {
        if (guards[i].equal)
            TRY(add_equal(p, c, &guards[i]));
        else
            TRY(vector_push(&k->ranges, ((watch_range){p, guards[i]})));
    }
    return ATOLL_OK;
}

static void remove_equal(watch_index *w, const watch_entry *e, const peer *p)
{
    uint64_t *at = map64_get(&w->equal, e->place);
    watch_class *k = class_of(w, e->class_of);
    if (at == NULL || k == NULL) return;
    watch_list *list = &w->lists.items[*at];
    size_t i = 0;
    while (i < list->peers.count && list->peers.items[i] != p) i++;
    if (i == list->peers.count) return;
    list->peers.items[i] = list->peers.items[--list->peers.count];
    for (size_t f = 0; f < k->fields.count; f++)
        k->fields.items[f].count -= k->fields.items[f].property == e->property;
    if (list->peers.count > 0) return;
    vector_free(&list->peers);
    list->place = 0;
    w->free_lists.items[w->free_lists.count++] = *at;
    map64_remove(&w->equal, e->place);
}

static void remove_others(watch_class *k, const peer *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < k->ranges.count; i++)
        if (k->ranges.items[i].p != p) k->ranges.items[kept++] = k->ranges.items[i];
    k->ranges.count = kept;
    kept = 0;
    for (size_t i = 0; i < k->rest.count; i++)
        if (k->rest.items[i].p != p) k->rest.items[kept++] = k->rest.items[i];
    k->rest.count = kept;
}

void watch_end(peer *p)
{
    watch_index *w = p->app->watch;
    for (size_t i = 0; i < p->watches.count; i++) {
        const watch_entry *e = &p->watches.items[i];
        if (e->place != 0)
            remove_equal(w, e, p);
        else
            remove_others(class_of(w, e->class_of), p);
    }
    vector_free(&p->watches);
    vector_free(&p->wanted);
    p->live = p->wanted_all = false;
}

void watch_leave(peer *p)
{
    watch_index *w = p->app->watch;
    watch_end(p);
    for (size_t i = 0; p->woken && i < w->woken.count; i++) {
        if (w->woken.items[i] != p) continue;
        w->woken.items[i] = w->woken.items[--w->woken.count];
        p->woken = false;
    }
}

status watch_begin(peer *p, const server_view *v)
{
    watch_end(p);
    status result = ATOLL_OK;
    for (size_t i = 0; i < v->queries.count && result == ATOLL_OK; i++)
        result = add_query(p, v->queries.items[i]);
    if (result != ATOLL_OK) watch_end(p);
    p->live = result == ATOLL_OK;
    return result;
}

/* ---- a commit ---- */

typedef struct changed_row {
    server_app *app;
    const model_view *view;
    class_key class_of;
    row_key row;
    uint64_t before;          /* the version that was told last */
    const leave_record *left; /* NULL: as it is now */
} changed_row;

static void want(const changed_row *r, peer *p)
{
    if (p->wanted_all) return;
    size_t count = p->wanted.count;
    /* What came until then did not concern it; but no cursor passes a change of rules before the view was sent anew. */
    bool sent = !p->view_stale && !p->view_unknown && !p->uploaded;
    if (count == 0 && !p->group.active && sent && p->cursor < r->before) p->cursor = r->before;
    peer_wake(p);
    if (count > 0 && p->wanted.items[count - 1].row == r->row &&
        p->wanted.items[count - 1].class_of == r->class_of)
        return;
    wanted_row one = {r->class_of, r->row};
    if (count >= WANTED_MAX || vector_push(&p->wanted, one) != ATOLL_OK) {
        p->wanted_all = true;
        vector_free(&p->wanted);
    }
}

static status value_of(const changed_row *r, property_key p, value *out)
{
    if (r->left == NULL) return model_get_raw(r->view, r->class_of, r->row, p, out);
    image_value(buffer_view(&r->left->values), p, out);
    return ATOLL_OK;
}

static status tell_equal(const changed_row *r, const watch_class *k)
{
    const watch_index *w = r->app->watch;
    for (size_t f = 0; f < k->fields.count; f++) {
        value v;
        if (k->fields.items[f].count == 0) continue;
        TRY(value_of(r, k->fields.items[f].property, &v));
        uint64_t place = place_of(r->class_of, k->fields.items[f].property, &v);
        uint64_t *at = place == 0 ? NULL : map64_get(&w->equal, place);
        for (size_t i = 0; at != NULL && i < w->lists.items[*at].peers.count; i++)
            want(r, w->lists.items[*at].peers.items[i]);
    }
    return ATOLL_OK;
}

static status tell_row(const changed_row *r)
{
    const watch_class *k = class_of(r->app->watch, r->class_of);
    if (k == NULL) return ATOLL_OK;
    TRY(tell_equal(r, k));
    property_key property = 0;
    value v = value_null();
    for (size_t i = 0; i < k->ranges.count; i++) {
        const query_guard *g = &k->ranges.items[i].guard;
        if (g->property != property) TRY(value_of(r, g->property, &v));
        property = g->property;
        if (query_guard_lets(g, &v)) want(r, k->ranges.items[i].p);
    }
    for (size_t i = 0; i < k->rest.count; i++) {
        const watch_rest *rest = &k->rest.items[i];
        bool matches = r->left == NULL ? query_matches(rest->q, r->view, r->row)
                                       : image_matches(rest->q, model_view_schema(r->view),
                                                       buffer_view(&r->left->values));
        if (matches) want(r, rest->p);
    }
    return ATOLL_OK;
}

static status tell_changed(void *context, uint64_t version, class_key c, row_key row)
{
    changed_row *r = context;
    bool alive = false;
    (void)version;
    r->class_of = c;
    r->row = row;
    TRY(model_is_alive(r->view, c, row, &alive));
    return alive ? tell_row(r) : ATOLL_OK;
}

static status tell_left(void *context, class_key c, row_key row, const leave_record *left)
{
    changed_row r = *(changed_row *)context;
    r.class_of = c;
    r.row = row;
    r.left = left;
    return tell_row(&r);
}

static void wake_all(server_app *app, bool all)
{
    for (size_t i = 0; i < app->peers.count; i++) {
        app->peers.items[i]->wanted_all |= all;
        peer_wake(app->peers.items[i]);
    }
}

status watch_advance(server_app *app)
{
    watch_index *w = app->watch;
    uint64_t newest = model_version(app->db), version = w->version;
    if (w->generation != app->schema_generation) wake_all(app, false);
    w->generation = app->schema_generation;
    if (version >= newest) return ATOLL_OK;
    w->version = newest;
    if (w->classes.count == 0) return ATOLL_OK;
    changed_row r = {.app = app, .view = model_view_newest(app->db), .before = version};
    status result =
        r.view == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : meta_changed(app, version, tell_changed, &r);
    if (result == ATOLL_OK && !BREAKAGE(BREAKAGE_LEAVES_NOT_WATCHED))
        result = meta_leaves(app, version, tell_left, &r);
    model_view_release((model_view *)(uintptr_t)r.view);
    /* Then each looks itself, and fails by itself. */
    if (result != ATOLL_OK) wake_all(app, true);
    return result;
}

status server_app_watch(server_app *app)
{
    early_expire(app);
    return watch_advance(app);
}
