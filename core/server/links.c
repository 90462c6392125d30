/* Who links to a row, of the link properties that conditions follow: the server's engine keeps no backlinks of its own.
 * It must never be believed without a look at the row: what is in it may have been taken back, or be gone. Invariant: every
 * living row that links to a target through the property, in the state committed or in the transaction under way, is in the
 * map of that property, if there is one. */
#include "server/app.h"

enum { WASTE_MIN = 4096 }; /* pairs; a map of more that has grown fourfold is made anew */

typedef struct link_entry {
    row_key row;
    size_t next; /* of the same target; 0: none, else an index and one */
} link_entry;
typedef struct link_map {
    class_key class_of;
    property_key property;
    size_t built; /* pairs that there were when it was made */
    map64 heads;  /* target → index in entries, and one */
    map64 pairs;  /* that are in it */
    VECTOR(link_entry) entries;
} link_map;
struct link_maps {
    VECTOR(link_map *) items;
};

static void map_free(link_map *m)
{
    map64_free(&m->heads);
    map64_free(&m->pairs);
    vector_free(&m->entries);
    memory_free(m);
}

void links_close(server_app *app)
{
    if (app->links == NULL) return;
    for (size_t i = 0; i < app->links->items.count; i++) map_free(app->links->items.items[i]);
    vector_free(&app->links->items);
    memory_free(app->links);
    app->links = NULL;
}

/* Of a mixed value the class counts too; a link of another property is always to the same one. */
static uint64_t target_of(const value *v)
{
    if (v->type == VALUE_TYPED_LINK)
        return hash_u64(v->as.link.row ^ hash_u64((uint64_t)v->as.link.class_of + 1));
    return v->type == VALUE_LINK ? v->as.row : 0;
}

static status add_pair(link_map *m, const value *v, row_key row)
{
    uint64_t target = target_of(v), pair = hash_u64(hash_u64(target) + row);
    if (target == 0 || map64_get(&m->pairs, pair) != NULL) return ATOLL_OK;
    uint64_t *head = map64_get(&m->heads, target);
    link_entry e = {row, head == NULL ? 0 : (size_t)*head};
    TRY(vector_reserve(&m->entries, 1));
    TRY(map64_put(&m->pairs, pair, 1));
    TRY(map64_put(&m->heads, target, m->entries.count + 1));
    m->entries.items[m->entries.count++] = e;
    return ATOLL_OK;
}

typedef status (*each_link)(void *context, const value *v, row_key row);

/* What the property links to, also where the target is gone or not here yet. */
static status links_of_row(const model_view *view, class_key c, row_key row,
                           const model_property *p, each_link each, void *context)
{
    value v;
    if ((p->flags & PROPERTY_COLLECTION) == 0) {
        TRY(model_get_raw(view, c, row, p->key, &v));
        return each(context, &v, row);
    }
    list_state state;
    list_state_init(&state);
    status result = model_list_state(view, c, row, p->key, &state);
    for (size_t i = 0; i < state.elements.count && result == ATOLL_OK; i++) {
        if (!state.elements.items[i].erased)
            result = each(context, &state.elements.items[i].value, row);
    }
    list_state_free(&state);
    return result;
}

static status take_link(void *context, const value *v, row_key row)
{
    return add_pair(context, v, row);
}

static status build(link_map *m, const model_view *view, const model_property *p)
{
    model_segment segment;
    status result = ATOLL_OK;
    for (uint64_t cursor = 0; model_scan(view, m->class_of, &cursor, &segment, &result);) {
        for (size_t i = 0; i < MODEL_BLOCK_ROWS && result == ATOLL_OK; i++) {
            if ((segment.alive[i / 64] >> (i % 64) & 1) == 0) continue;
            result = links_of_row(view, m->class_of, segment.first + i, p, take_link, m);
        }
        if (result != ATOLL_OK) break;
    }
    m->built = m->entries.count;
    return result;
}

/* Made of what is committed; what the transaction has changed since is added by links_note. */
static status make_map(server_app *app, class_key c, const model_property *p, link_map **out)
{
    link_map *m = memory_allocate_zero(sizeof *m);
    if (m == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *m = (link_map){.class_of = c, .property = p->key};
    model_view *view = model_view_newest(app->db);
    status result = view == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    if (result == ATOLL_OK) {
        model_view_rest(view); /* What was read of it does not stay in memory. */
        result = build(m, view, p);
        model_view_release_resting(view);
    }
    if (result == ATOLL_OK) result = vector_push(&app->links->items, m);
    if (result != ATOLL_OK) {
        map_free(m);
        return result;
    }
    *out = m;
    return ATOLL_OK;
}

static status map_of(server_app *app, class_key c, const model_property *p, link_map **out)
{
    if (app->links == NULL) {
        app->links = memory_allocate_zero(sizeof *app->links);
        if (app->links == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < app->links->items.count; i++) {
        link_map *m = app->links->items.items[i];
        if (m->class_of != c || m->property != p->key) continue;
        *out = m;
        return ATOLL_OK;
    }
    return make_map(app, c, p, out);
}

status links_note(server_app *app, const model_view *view, class_key c, row_key row,
                  const model_property *p)
{
    link_map *m = NULL;
    if (p->type != VALUE_LINK && p->type != VALUE_MIXED) return ATOLL_OK;
    if (!paths_follow(app, c, p->key)) return ATOLL_OK;
    TRY(map_of(app, c, p, &m));
    return links_of_row(view, c, row, p, take_link, m);
}

void links_tidy(server_app *app)
{
    for (size_t i = 0; app->links != NULL && i < app->links->items.count;) {
        link_map *m = app->links->items.items[i];
        bool wasteful = m->entries.count > WASTE_MIN && m->entries.count / 4 > m->built;
        if (!wasteful) {
            i++;
            continue;
        }
        map_free(m);
        app->links->items.items[i] = app->links->items.items[--app->links->items.count];
    }
}

typedef struct link_check {
    uint64_t target;
    bool links;
} link_check;

static status check_link(void *context, const value *v, row_key row)
{
    link_check *k = context;
    (void)row;
    k->links |= target_of(v) == k->target;
    return ATOLL_OK;
}

status links_to(server_app *app, const model_view *view, class_key target, row_key row,
                class_key from, const model_property *p, model_rows *out)
{
    link_map *m = NULL;
    value link = value_link(row);
    if (p->type == VALUE_MIXED) {
        link.type = VALUE_TYPED_LINK;
        link.as.link.class_of = target;
        link.as.link.row = row;
    }
    link_check k = {.target = target_of(&link)};
    out->count = 0;
    TRY(map_of(app, from, p, &m));
    const uint64_t *head = map64_get(&m->heads, k.target);
    for (size_t at = head == NULL ? 0 : (size_t)*head; at != 0 && at <= m->entries.count;) {
        const link_entry e = m->entries.items[at - 1];
        bool alive = false;
        at = e.next;
        k.links = false;
        TRY(model_is_alive(view, from, e.row, &alive));
        if (alive) TRY(links_of_row(view, from, e.row, p, check_link, &k));
        if (k.links) TRY(vector_push(out, e.row));
    }
    return ATOLL_OK;
}
