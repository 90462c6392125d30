/* Reading the indexes of properties: rows by value, by link target, by word. It must never hand out what an index says
 * without a look at the rows, but for candidates, whose caller looks. Invariant: rows come in row order, each once. */
#include "model/engine.h"

static index_node *tree_root(const model_view *view, class_key c, property_key p, uint32_t kind)
{
    const class_state *state = view_class(view, c);
    const class_index *found = state == NULL ? NULL : class_tree(state, index_tree(p, kind));
    return found == NULL ? NULL : found->root;
}

typedef struct found {
    VECTOR(index_entry) entries;
    uint64_t limit;
    bool whole; /* not more than the limit */
    status result;
} found;

static bool take(void *context, index_entry e)
{
    found *f = context;
    f->whole = f->entries.count < f->limit;
    if (f->whole) f->result = vector_push(&f->entries, e);
    return !f->whole || f->result != ATOLL_OK;
}

/* All entries of a first part, by row. They come leaf by leaf in order, so each moves a few places at most. */
static status collect(const model_view *view, index_node *root, uint64_t first, uint64_t limit,
                      found *out)
{
    *out = (found){.limit = limit, .whole = true, .result = ATOLL_OK};
    if (root == NULL) return ATOLL_OK;
    status result = index_range(view->db->store, root, index_pair(first, 0),
                                INDEX_KEY_BITS - INDEX_ROW_BITS, take, out);
    if (result == ATOLL_OK) result = out->result;
    if (result != ATOLL_OK) {
        vector_free(&out->entries);
        return result;
    }
    index_entry *e = out->entries.items;
    for (size_t i = 1; i < out->entries.count; i++) {
        index_entry moved = e[i];
        size_t at = i;
        for (; at > 0 && e[at - 1].key > moved.key; at--) e[at] = e[at - 1];
        e[at] = moved;
    }
    return ATOLL_OK;
}

/* The rows of what was found, which ends. */
static status candidates_of(found *f, model_rows *out, bool *usable)
{
    status result = vector_reserve(out, f->entries.count);
    for (size_t i = 0; i < f->entries.count && result == ATOLL_OK; i++)
        out->items[out->count++] = f->entries.items[i].key & (((uint64_t)1 << INDEX_ROW_BITS) - 1);
    vector_free(&f->entries);
    if (result == ATOLL_OK) *usable = f->whole;
    return result;
}

static status need_kind(const model_view *view, class_key c, property_key p, bool text,
                        const model_property **out)
{
    const model_class *class_of = NULL;
    TRY(need_property(view, c, p, &class_of, out));
    uint8_t flag = text ? PROPERTY_FULL_TEXT : PROPERTY_INDEXED;
    bool has = ((*out)->flags & flag) != 0 && ((*out)->flags & PROPERTY_COLLECTION) == 0 &&
               !view->db->options.plain;
    return has ? ATOLL_OK
               : fail(ATOLL_ERROR_INVALID_ARGUMENT,
                      "the property '%s.%s' has no %s index; declare one", class_of->name,
                      (*out)->name, text ? "full-text" : "general");
}

status model_index_candidates(const model_view *view, class_key c, property_key p, const value *v,
                              uint64_t limit, model_rows *out, bool *usable)
{
    const model_class *class_of = NULL;
    const model_property *property = NULL;
    row_key row = 0;
    found f;
    *usable = false;
    TRY(need_property(view, c, p, &class_of, &property));
    if ((property->flags & PROPERTY_PRIMARY_KEY) != 0) {
        if (v->type != property->type) return ATOLL_OK;
        TRY(model_find(view, c, v, &row));
        *usable = true;
        return row == 0 ? ATOLL_OK : vector_push(out, row);
    }
    bool has = (property->flags & PROPERTY_INDEXED) != 0 && !view->db->options.plain &&
               (property->flags & PROPERTY_COLLECTION) == 0 && !value_is_blank(property, v);
    if (!has) return ATOLL_OK;
    TRY(collect(view, tree_root(view, c, p, INDEX_OF_VALUES), index_value_hash(view->db, v), limit,
                &f));
    return candidates_of(&f, out, usable);
}

status model_backlink_candidates(const model_view *view, row_key row, class_key from,
                                 property_key p, uint64_t limit, model_rows *out, bool *usable)
{
    index_node *root = tree_root(view, from, p, INDEX_OF_BACKLINKS);
    found f;
    *usable = false;
    if (root == NULL) return ATOLL_OK;
    TRY(collect(view, root, row, limit, &f));
    return candidates_of(&f, out, usable);
}

status model_text_candidates(const model_view *view, class_key c, property_key p, bytes token,
                             uint64_t limit, model_rows *out, bool *usable)
{
    index_node *root = tree_root(view, c, p, INDEX_OF_TEXT);
    value v = value_string(token);
    found f;
    *usable = false;
    if (root == NULL) return ATOLL_OK;
    TRY(collect(view, root, key_hash(view->db, &v), limit, &f));
    return candidates_of(&f, out, usable);
}

static bool same_value(const value *a, const value *b)
{
    return value_equal(a, b) || (a->type != b->type && value_compare(a, b) == 0);
}

static status check_row(const model_view *view, class_key c, const model_property *p, row_key row,
                        const value *v, bool *out)
{
    value now;
    *out = false;
    TRY(model_is_alive(view, c, row, out));
    if (!*out) return ATOLL_OK;
    TRY(model_get(view, c, row, p->key, &now));
    *out = same_value(&now, v);
    return ATOLL_OK;
}

/* What a row has that was never written is in no index. */
static status scan_rows(const model_view *view, class_key c, const model_property *p,
                        const value *v, model_rows *out)
{
    model_segment segment;
    uint64_t cursor = 0;
    status result = ATOLL_OK;
    while (model_scan(view, c, &cursor, &segment, &result)) {
        for (size_t i = 0; i < MODEL_BLOCK_ROWS; i++) {
            bool matches = (segment.alive[i / 64] >> (i % 64) & 1) != 0;
            if (matches) TRY(check_row(view, c, p, segment.first + i, v, &matches));
            if (matches) TRY(vector_push(out, segment.first + i));
        }
    }
    return result;
}

status model_index_rows(const model_view *view, class_key c, property_key p, const value *v,
                        model_rows *out)
{
    const model_property *property = NULL;
    model_rows rows = {0};
    bool usable = false;
    TRY(need_kind(view, c, p, false, &property));
    out->count = 0;
    status result = model_index_candidates(view, c, p, v, UINT64_MAX, &rows, &usable);
    if (result == ATOLL_OK && !usable) result = scan_rows(view, c, property, v, out);
    for (size_t i = 0; i < rows.count && result == ATOLL_OK; i++) {
        bool matches = false;
        result = check_row(view, c, property, rows.items[i], v, &matches);
        if (result == ATOLL_OK && matches) result = vector_push(out, rows.items[i]);
    }
    vector_free(&rows);
    return result;
}

status model_text_rows(const model_view *view, class_key c, property_key p, bytes token,
                       model_rows *out)
{
    const model_property *property = NULL;
    value v = value_string(token);
    found f;
    TRY(need_kind(view, c, p, true, &property));
    TRY(collect(view, tree_root(view, c, p, INDEX_OF_TEXT), key_hash(view->db, &v), UINT64_MAX,
                &f));
    status result = ATOLL_OK;
    out->count = 0;
    for (size_t i = 0; i < f.entries.count && result == ATOLL_OK; i++) {
        bool alive = false;
        result = model_is_alive(view, c, f.entries.items[i].value, &alive);
        if (result == ATOLL_OK && alive) result = vector_push(out, f.entries.items[i].value);
    }
    vector_free(&f.entries);
    return result;
}

/* ---- backlinks ---- */
static bool links_to(const value *v, class_key target, row_key row)
{
    if (v->type == VALUE_TYPED_LINK) return v->as.link.class_of == target && v->as.link.row == row;
    return v->type == VALUE_LINK && v->as.row == row;
}

/* How often the origin links to the row; the index knows, unless its key stands for several targets. */
static status count_links(const model_view *view, class_key from, const model_property *p,
                          row_key origin, class_key target, row_key row, uint64_t *out)
{
    uint64_t count = 0;
    if ((p->flags & PROPERTY_COLLECTION) == 0) {
        value v;
        TRY(read_slot(view, from, origin, slot_of(p->key), &v));
        *out = links_to(&v, target, row);
        return ATOLL_OK;
    }
    list_walk walk = {.store = view->db->store};
    list_element e;
    TRY(read_cell(view, from, origin, p->key, &walk.cell));
    while (list_walk_next(&walk, &e)) count += links_to(&e.value, target, row);
    if (walk.result == ATOLL_OK) *out = count;
    return walk.result;
}

static status each_origin(const model_view *view, class_key target, row_key row, class_key from,
                          const model_property *p,
                          status (*each)(void *context, row_key origin, uint64_t count),
                          void *context)
{
    const class_state *state = view_class(view, target);
    value link = value_link(row);
    found f;
    if (p->type == VALUE_MIXED) {
        link.type = VALUE_TYPED_LINK;
        link.as.link.class_of = target;
        link.as.link.row = row;
    }
    bool exact = p->type == VALUE_LINK && state != NULL &&
                 state->next_row >> (INDEX_KEY_BITS - INDEX_ROW_BITS) == 0;
    TRY(collect(view, tree_root(view, from, p->key, INDEX_OF_BACKLINKS), index_link_first(&link),
                UINT64_MAX, &f));
    status result = ATOLL_OK;
    for (size_t i = 0; i < f.entries.count && result == ATOLL_OK; i++) {
        row_key origin = f.entries.items[i].key & (((uint64_t)1 << INDEX_ROW_BITS) - 1);
        uint64_t count = f.entries.items[i].value;
        bool alive = false;
        result = model_is_alive(view, from, origin, &alive);
        if (result == ATOLL_OK && alive && !exact)
            result = count_links(view, from, p, origin, target, row, &count);
        if (result == ATOLL_OK && alive && count != 0) result = each(context, origin, count);
    }
    vector_free(&f.entries);
    return result;
}

static status push_origin(void *context, row_key origin, uint64_t count)
{
    model_rows *rows = context;
    (void)count;
    return vector_push(rows, origin);
}

static bool may_link(const model_property *p, class_key target)
{
    return p->type == VALUE_MIXED || (p->type == VALUE_LINK && p->target == target);
}

status model_backlinks(const model_view *view, class_key target, row_key row, class_key from,
                       property_key p, model_rows *out)
{
    const model_class *class_of = NULL;
    const model_property *property = NULL;
    TRY(need_property(view, from, p, &class_of, &property));
    if (!may_link(property, target))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the property '%s.%s' does not link to the class",
                    class_of->name, property->name);
    out->count = 0;
    return each_origin(view, target, row, from, property, push_origin, out);
}

static status add_count(void *context, row_key origin, uint64_t count)
{
    uint64_t *sum = context;
    (void)origin;
    *sum += count;
    return ATOLL_OK;
}

status model_backlink_count(const model_view *view, class_key target, row_key row, uint64_t *out)
{
    const model_schema *schema = &view->schema->schema;
    uint64_t sum = 0;
    for (size_t i = 0; i < schema->class_count; i++) {
        const model_class *c = &schema->classes[i];
        for (size_t k = 0; k < c->property_count; k++)
            if (may_link(&c->properties[k], target))
                TRY(each_origin(view, target, row, c->key, &c->properties[k], add_count, &sum));
    }
    *out = sum;
    return ATOLL_OK;
}
