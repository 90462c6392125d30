/* Collections: changing the counted tree. It must never change a node of another version: the way to a leaf is copied
 * first. Invariant: after each change the counts are right up to the cell, no leaf below another node is empty, and an
 * extent that this version does not name any more was dropped. A change that fails half-way leaves the transaction fit
 * only for a rollback. */
#include "model/tree.h"

enum { LIST_TEXT_KEPT = 1 << 20 };

static status past_end(void)
{
    return fail(ATOLL_ERROR_FILE_CORRUPT, "an element of a collection lies past its end");
}

/* ---- open leaves: those that are being changed are kept unpacked, a few at a time ---- */
static status close_leaf(list_node *n)
{
    list_leaf *packed = NULL;
    if (n == NULL || n->open == NULL) return ATOLL_OK;
    TRY(leaf_pack(n->open->elements.items, n->open->elements.count, &packed));
    list_state_free(n->open);
    memory_free(n->open);
    n->open = NULL;
    atomic_store_explicit(&n->data, packed, memory_order_release);
    return ATOLL_OK;
}

status list_leaves_close(const tree_writer *w)
{
    for (int i = 0; i < LIST_OPEN_MAX; i++) {
        TRY(close_leaf(w->lists->open[i]));
        list_node_release(w->lists->open[i]);
        w->lists->open[i] = NULL;
    }
    return ATOLL_OK;
}

void list_writer_free(list_writer *lists)
{
    for (int i = 0; i < LIST_OPEN_MAX; i++) list_node_release(lists->open[i]);
    buffer_free(&lists->text);
}

/* The one that was used the longest ago makes room. */
static status remember_open(const tree_writer *w, list_node *n)
{
    list_node **open = w->lists->open;
    int at = 0;
    while (at + 1 < LIST_OPEN_MAX && open[at] != n) at++;
    if (open[at] != n) {
        TRY(close_leaf(open[at]));
        list_node_release(open[at]);
        list_node_retain(n);
    }
    memmove(open + 1, open, (size_t)at * sizeof(list_node *));
    open[0] = n;
    return ATOLL_OK;
}

/* An open leaf with what a packed one holds; NULL: with nothing. */
static status unpack_into(const tree_writer *w, list_node *n, const list_leaf *from)
{
    list_state *state = memory_allocate(sizeof *state);
    if (state == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    list_state_init(state);
    status result = from == NULL ? ATOLL_OK : leaf_unpack(from, state);
    if (result == ATOLL_OK) {
        result = remember_open(w, n);
        if (result != ATOLL_OK) list_state_free(state);
    }
    if (result != ATOLL_OK) {
        memory_free(state);
        return result;
    }
    n->open = state;
    n->open_limit = 4 * (state->heap.size + LIST_LEAF_SIZE);
    return ATOLL_OK;
}

static status open_leaf(const tree_writer *w, list_node *n)
{
    if (n->open != NULL) return w->lists->open[0] == n ? ATOLL_OK : remember_open(w, n);
    list_leaf *packed = atomic_load_explicit(&n->data, memory_order_relaxed);
    TRY(unpack_into(w, n, packed));
    atomic_store_explicit(&n->data, NULL, memory_order_relaxed);
    memory_free(packed);
    return ATOLL_OK;
}

/* Values that were replaced stay in the heap until it is packed. */
static status throw_out_waste(list_node *n)
{
    list_state copy;
    if (n->open->heap.size <= n->open_limit) return ATOLL_OK;
    TRY(list_state_copy(n->open, &copy));
    list_state_free(n->open);
    *n->open = copy;
    n->open_limit = 4 * (copy.heap.size + LIST_LEAF_SIZE);
    return ATOLL_OK;
}

static list_node *new_node(const tree_writer *w, bool leaf)
{
    list_node *n = list_node_new(leaf, w->stamp);
    if (n == NULL) return NULL;
    n->id = extent_new(w);
    n->born = w->extents->version;
    return n;
}

static status new_open_leaf(const tree_writer *w, list_node **out)
{
    list_node *n = new_node(w, true);
    status result = n == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : unpack_into(w, n, NULL);
    if (result != ATOLL_OK) {
        list_node_release(n);
        return result;
    }
    *out = n;
    return ATOLL_OK;
}

/* ---- nodes of this version ---- */
/* Whether a node has or may get a record of its own. */
static bool has_extent(const list_node *n)
{
    const list_leaf *leaf = atomic_load_explicit(&n->data, memory_order_acquire);
    return n->outlined || !n->leaf || atomic_load(&n->stored) ||
           (leaf != NULL && leaf->size > LIST_INLINE_SIZE);
}

static status drop_node(const tree_writer *w, const list_node *n)
{
    if (n->stamp == w->stamp || !has_extent(n)) return ATOLL_OK;
    return extent_drop(w, n->id, n->born);
}

/* With everything below it. Leaves need not be loaded for that. */
static status drop_tree(const tree_writer *w, list_node *n)
{
    const void *data = NULL;
    if (!n->leaf) {
        TRY(list_node_load(w->store, n, &data));
        const list_inner *inner = data;
        for (uint32_t i = 0; i < inner->used; i++) TRY(drop_tree(w, inner->children[i].node));
    }
    return drop_node(w, n);
}

static list_inner *inner_of(list_node *n)
{
    return atomic_load_explicit(&n->data, memory_order_relaxed);
}

static status copy_data(const tree_writer *w, list_node *fresh, list_node *old)
{
    const void *data = NULL;
    TRY(list_node_load(w->store, old, &data));
    if (old->leaf) return unpack_into(w, fresh, data);
    list_inner *copy = memory_allocate(sizeof *copy);
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memcpy(copy, data, sizeof *copy);
    for (uint32_t i = 0; i < copy->used; i++) list_node_retain(copy->children[i].node);
    atomic_init(&fresh->data, copy);
    return ATOLL_OK;
}

static status own_node(const tree_writer *w, list_node **place)
{
    list_node *old = *place;
    if (old->stamp == w->stamp) return ATOLL_OK;
    list_node *fresh = new_node(w, old->leaf);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    fresh->outlined = old->outlined;
    status result = copy_data(w, fresh, old);
    if (result == ATOLL_OK) result = drop_node(w, old);
    if (result != ATOLL_OK) {
        list_node_release(fresh);
        return result;
    }
    *place = fresh;
    list_node_release(old);
    return ATOLL_OK;
}

/* ---- one change on its way down ---- */
enum { EDIT_INSERT, EDIT_SET, EDIT_ERASE };
typedef struct list_edit {
    const tree_writer *w;
    int kind;
    const list_element *element;
    enum list_erasure how;
    uint64_t touched;
    int64_t count, visible; /* what it adds */
    list_child split;       /* a node that belongs right of the one that was changed; or NULL */
} list_edit;

static status insert_element(list_edit *e, list_state *s, uint64_t at)
{
    TRY(list_state_push(s, e->element));
    size_t last = s->elements.count - 1;
    list_element moved = s->elements.items[last];
    memmove(s->elements.items + at + 1, s->elements.items + at, (last - at) * sizeof moved);
    s->elements.items[at] = moved;
    e->count = 1;
    e->visible = !moved.erased;
    return ATOLL_OK;
}

static status set_element(list_edit *e, list_state *s, uint64_t at)
{
    const list_element *from = e->element;
    value fresh = from->value;
    TRY(list_state_own_text(s, &fresh));
    list_element *to = &s->elements.items[at];
    e->visible = to->erased;
    to->erased = false;
    to->value = fresh;
    to->value_stamp = from->value_stamp;
    to->value_actor = from->value_actor;
    to->touched = from->touched;
    memcpy(to->embedded, from->embedded, sizeof to->embedded);
    return ATOLL_OK;
}

static void erase_element(list_edit *e, list_state *s, uint64_t at)
{
    list_element *to = &s->elements.items[at];
    e->visible = -(int64_t)!to->erased;
    to->erased = true;
    to->touched = e->touched;
    if (e->how != LIST_ERASE_IN_SET) to->value = value_null();
    if (e->how == LIST_ERASE_IN_SET || e->how == LIST_ERASE_IN_DICTIONARY)
        to->value_stamp = to->value_actor = 0;
    if (e->how == LIST_ERASE_MOVED) {
        to->value_stamp = LIST_MOVED_AWAY;
        to->value_actor = 0;
        memset(to->embedded, 0, sizeof to->embedded);
    }
    if (e->how != LIST_ERASE_WHOLE) return;
    e->count = -1;
    memmove(to, to + 1, (s->elements.count - 1 - at) * sizeof *to);
    s->elements.count--;
}

static bool is_too_large(const list_state *s)
{
    if (s->elements.count > LIST_LEAF_COUNT) return true;
    if (s->heap.size <= LIST_LEAF_SIZE || s->elements.count < 2) return false;
    size_t size = 0;
    for (size_t i = 0; i < s->elements.count; i++) {
        const value *v = &s->elements.items[i].value;
        bool text = v->type == VALUE_STRING || v->type == VALUE_BINARY;
        size += s->elements.items[i].key.size + (text ? v->as.text.size : 0);
    }
    return size > LIST_LEAF_SIZE;
}

static list_child child_of(list_node *n)
{
    list_child c = {.node = n, .count = (uint32_t)n->open->elements.count};
    for (uint32_t i = 0; i < c.count; i++) c.visible += !n->open->elements.items[i].erased;
    return c;
}

/* Elements are mostly appended: a leaf that grew at its end gives that one element away and stays full. */
static status split_leaf(list_edit *e, list_node *n, bool at_end)
{
    list_node *right = NULL;
    TRY(new_open_leaf(e->w, &right));
    list_state *from = n->open;
    size_t kept = at_end ? from->elements.count - 1 : from->elements.count / 2;
    status result = ATOLL_OK;
    for (size_t i = kept; i < from->elements.count && result == ATOLL_OK; i++)
        result = list_state_push(right->open, &from->elements.items[i]);
    if (result != ATOLL_OK) {
        list_node_release(right);
        return result;
    }
    from->elements.count = kept;
    n->outlined = right->outlined = true;
    e->split = child_of(right);
    return ATOLL_OK;
}

static status edit_leaf(list_edit *e, list_node *n, uint64_t at)
{
    TRY(open_leaf(e->w, n));
    list_state *s = n->open;
    uint64_t count = s->elements.count;
    if (at > count || (at == count && e->kind != EDIT_INSERT)) return past_end();
    if (e->kind == EDIT_ERASE) {
        erase_element(e, s, at);
        return ATOLL_OK;
    }
    TRY(e->kind == EDIT_INSERT ? insert_element(e, s, at) : set_element(e, s, at));
    TRY(throw_out_waste(n));
    bool split = s->elements.count > 1 && is_too_large(s);
    return split ? split_leaf(e, n, at + 1 == s->elements.count) : ATOLL_OK;
}

static void insert_child(list_inner *inner, uint32_t at, list_child c)
{
    memmove(&inner->children[at + 1], &inner->children[at], (inner->used - at) * sizeof c);
    inner->children[at] = c;
    inner->used++;
}

static status new_inner(const tree_writer *w, list_node **out)
{
    list_node *n = new_node(w, false);
    list_inner *inner = memory_allocate_zero(sizeof *inner);
    if (n == NULL || inner == NULL) {
        memory_free(inner);
        list_node_release(n);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    atomic_init(&n->data, inner);
    *out = n;
    return ATOLL_OK;
}

static list_child sum_of(list_node *n)
{
    const list_inner *inner = inner_of(n);
    list_child sum = {.node = n};
    for (uint32_t i = 0; i < inner->used; i++) {
        sum.count += inner->children[i].count;
        sum.visible += inner->children[i].visible;
    }
    return sum;
}

/* Puts the split node in; a node that is full is split itself first, again with an eye on appending. */
static status take_split(list_edit *e, list_node *n, uint32_t at)
{
    list_inner *inner = inner_of(n);
    list_node *right = NULL;
    if (inner->used < LIST_FANOUT) {
        insert_child(inner, at, e->split);
        e->split = (list_child){0};
        return ATOLL_OK;
    }
    TRY(new_inner(e->w, &right));
    list_inner *other = inner_of(right);
    uint32_t kept = at == inner->used ? inner->used : inner->used / 2;
    other->used = inner->used - kept;
    memcpy(other->children, inner->children + kept, other->used * sizeof *other->children);
    inner->used = kept;
    if (at > kept || kept == LIST_FANOUT)
        insert_child(other, at - kept, e->split);
    else
        insert_child(inner, at, e->split);
    e->split = sum_of(right);
    return ATOLL_OK;
}

static status edit_node(list_edit *e, list_node **place, uint64_t at)
{
    TRY(own_node(e->w, place));
    list_node *n = *place;
    if (n->leaf) return edit_leaf(e, n, at);
    list_inner *inner = inner_of(n);
    uint32_t i = 0;
    /* An element that is inserted between two leaves goes to the end of the left one. */
    uint64_t slack = e->kind == EDIT_INSERT ? 0 : 1;
    while (i + 1 < inner->used && at + slack > inner->children[i].count)
        at -= inner->children[i++].count;
    TRY(edit_node(e, &inner->children[i].node, at));
    list_child *c = &inner->children[i];
    c->count = (uint32_t)(c->count + e->count - e->split.count);
    c->visible = (uint32_t)(c->visible + e->visible - e->split.visible);
    if (e->split.node != NULL) return take_split(e, n, i + 1);
    if (c->count != 0) return ATOLL_OK;
    list_node_release(c->node);
    memmove(c, c + 1, (inner->used - 1 - i) * sizeof *c);
    inner->used--;
    return ATOLL_OK;
}

/* A root of one child gives way to it; an empty one goes. */
static status shrink(const tree_writer *w, list_cell *cell)
{
    while (cell->height > 0 && cell->count != 0) {
        const void *data = NULL;
        TRY(list_node_load(w->store, cell->root, &data));
        const list_inner *inner = data;
        if (inner->used != 1) return ATOLL_OK;
        TRY(drop_node(w, cell->root));
        list_node *child = list_node_retain(inner->children[0].node);
        list_node_release(cell->root);
        cell->root = child;
        cell->height--;
    }
    if (cell->count != 0) return ATOLL_OK;
    list_node_release(cell->root);
    cell->root = NULL;
    cell->height = 0;
    return ATOLL_OK;
}

static status grow(const tree_writer *w, list_cell *cell, list_edit *e)
{
    list_node *root = NULL;
    if (cell->height >= LIST_HEIGHT_MAX)
        return fail(ATOLL_ERROR_INTERNAL, "a collection has become too high");
    TRY(new_inner(w, &root));
    list_inner *inner = inner_of(root);
    inner->children[0] = (list_child){.node = cell->root,
                                      .count = (uint32_t)(cell->count - e->split.count),
                                      .visible = (uint32_t)(cell->visible - e->split.visible)};
    inner->children[1] = e->split;
    inner->used = 2;
    cell->root->outlined = true;
    cell->root = root;
    cell->height++;
    e->split = (list_child){0};
    return ATOLL_OK;
}

/* The element with its text out of reach of what the change moves. */
static status hold_text(const list_edit *e, const list_element *from, list_element *held)
{
    buffer *text = &e->w->lists->text;
    *held = *from;
    bool has_text = held->value.type == VALUE_STRING || held->value.type == VALUE_BINARY;
    if (text->capacity > LIST_TEXT_KEPT) buffer_free(text);
    buffer_clear(text);
    size_t size = has_text ? held->value.as.text.size : 0;
    if (size != 0) TRY(buffer_append(text, held->value.as.text.data, size));
    if (held->key.size != 0) TRY(buffer_append(text, held->key.data, held->key.size));
    if (size != 0) held->value.as.text.data = text->data;
    if (held->key.size != 0) held->key.data = text->data + size;
    return ATOLL_OK;
}

static status edit(list_edit *e, list_cell *cell, uint64_t at)
{
    if (at > cell->count || (at == cell->count && e->kind != EDIT_INSERT)) return past_end();
    if (e->kind == EDIT_INSERT && cell->count >= LIMIT_LIST_COUNT_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "a collection has at most %u elements, erased ones included",
                    LIMIT_LIST_COUNT_MAX);
    if (cell->root == NULL) TRY(new_open_leaf(e->w, &cell->root));
    status result = edit_node(e, &cell->root, at);
    if (result == ATOLL_OK) {
        cell->count = (uint64_t)((int64_t)cell->count + e->count);
        cell->visible = (uint64_t)((int64_t)cell->visible + e->visible);
    }
    if (result == ATOLL_OK && e->split.node != NULL) result = grow(e->w, cell, e);
    if (result == ATOLL_OK && e->count < 0) result = shrink(e->w, cell);
    list_node_release(e->split.node); /* left over by a failure only */
    return result;
}

/* ---- changes ---- */
status list_cell_insert(const tree_writer *w, list_cell *cell, uint64_t position,
                        const list_element *element)
{
    list_element held;
    list_edit e = {.w = w, .kind = EDIT_INSERT, .element = &held};
    TRY(hold_text(&e, element, &held));
    return edit(&e, cell, position);
}

status list_cell_set(const tree_writer *w, list_cell *cell, uint64_t position,
                     const list_element *from)
{
    list_element held;
    list_edit e = {.w = w, .kind = EDIT_SET, .element = &held};
    TRY(hold_text(&e, from, &held));
    return edit(&e, cell, position);
}

status list_cell_erase(const tree_writer *w, list_cell *cell, uint64_t position,
                       enum list_erasure how, uint64_t touched)
{
    list_edit e = {.w = w, .kind = EDIT_ERASE, .how = how, .touched = touched};
    return edit(&e, cell, position);
}

/* Texts of the element lie in its leaf, which both halves of a move may change. */
status list_cell_move(const tree_writer *w, list_cell *cell, uint64_t from, uint64_t to)
{
    list_element element;
    list_state held;
    list_state_init(&held);
    status result = to < cell->count ? ATOLL_OK : past_end();
    if (result == ATOLL_OK) result = list_cell_element(w->store, cell, from, &element);
    if (result == ATOLL_OK) result = list_state_push(&held, &element);
    if (result == ATOLL_OK) result = list_cell_erase(w, cell, from, LIST_ERASE_WHOLE, 0);
    if (result == ATOLL_OK) result = list_cell_insert(w, cell, to, &held.elements.items[0]);
    list_state_free(&held);
    return result;
}

status list_cell_drop(const tree_writer *w, list_cell *cell)
{
    return cell->root == NULL ? ATOLL_OK : drop_tree(w, cell->root);
}

status list_cell_clear(const tree_writer *w, list_cell *cell, uint64_t life)
{
    TRY(list_cell_drop(w, cell));
    list_node_release(cell->root);
    cell->root = NULL;
    cell->height = 0;
    cell->count = cell->visible = 0;
    cell->life = life;
    return ATOLL_OK;
}

status list_cell_store(const tree_writer *w, list_cell *cell, const list_state *state)
{
    TRY(list_cell_clear(w, cell, state->life));
    for (size_t i = 0; i < state->elements.count; i++)
        TRY(list_cell_insert(w, cell, i, &state->elements.items[i]));
    return ATOLL_OK;
}
