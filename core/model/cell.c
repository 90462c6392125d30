/* Collections: reading the counted tree of one list, set or dictionary. A published node must never change, but for its
 * data when that is loaded. Invariant: a node's counts are the sums of its children's, and an element that hangs on
 * another one has it in the same collection. */
#include "model/tree.h"

/* ---- cells and nodes ---- */
list_cell *list_cell_new(uint64_t stamp)
{
    list_cell *cell = memory_allocate_zero(sizeof *cell);
    if (cell == NULL) return NULL;
    atomic_init(&cell->references, 1);
    cell->stamp = stamp;
    return cell;
}

void list_cell_release(list_cell *cell)
{
    if (cell == NULL || atomic_fetch_sub_explicit(&cell->references, 1, memory_order_acq_rel) != 1)
        return;
    list_node_release(cell->root);
    memory_free(cell);
}

status list_cell_own(list_cell **place, uint64_t stamp)
{
    list_cell *old = *place;
    if (old->stamp == stamp) return ATOLL_OK;
    list_cell *fresh = list_cell_new(stamp);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    fresh->height = old->height;
    fresh->life = old->life;
    fresh->count = old->count;
    fresh->visible = old->visible;
    fresh->root = list_node_retain(old->root);
    list_cell_release(old);
    *place = fresh;
    return ATOLL_OK;
}

list_node *list_node_new(bool leaf, uint64_t stamp)
{
    list_node *n = memory_allocate_zero(sizeof *n);
    if (n == NULL) return NULL;
    atomic_init(&n->references, 1);
    n->leaf = leaf;
    n->stamp = stamp;
    return n;
}

list_node *list_node_handle(uint64_t id, bool leaf)
{
    list_node *n = list_node_new(leaf, 0);
    if (n == NULL) return NULL;
    atomic_init(&n->stored, true);
    n->id = id;
    n->outlined = true;
    return n;
}

list_node *list_node_retain(list_node *n)
{
    if (n != NULL) atomic_fetch_add_explicit(&n->references, 1, memory_order_relaxed);
    return n;
}

static void data_free(void *data, bool leaf)
{
    list_inner *inner = data;
    for (uint32_t i = 0; !leaf && inner != NULL && i < inner->used; i++)
        list_node_release(inner->children[i].node);
    memory_free(data);
}

void list_node_release(list_node *n)
{
    if (n == NULL || atomic_fetch_sub_explicit(&n->references, 1, memory_order_acq_rel) != 1)
        return;
    data_free(atomic_load(&n->data), n->leaf);
    if (n->open != NULL) list_state_free(n->open);
    memory_free(n->open);
    memory_free(n);
}

status list_node_load(storage *store, list_node *n, const void **out)
{
    void *d = atomic_load_explicit(&n->data, memory_order_acquire);
    if (d == NULL) {
        void *loaded = NULL;
        TRY(store_load_list(store, n, &loaded));
        if (atomic_compare_exchange_strong(&n->data, &d, loaded))
            d = loaded;
        else
            data_free(loaded, n->leaf); /* Another reader was faster; d is theirs. */
    }
    *out = d;
    return ATOLL_OK;
}

/* ---- finding leaves ---- */
static status past_end(void)
{
    return fail(ATOLL_ERROR_FILE_CORRUPT, "an element of a collection lies past its end");
}

/* Where a search ends: the leaf, how many elements come before it, how many of them not erased. */
typedef struct leaf_place {
    list_node *node;
    uint64_t count, visible;
} leaf_place;

/* The leaf that holds the position, or the index when by_index. */
static status find_leaf(storage *store, const list_cell *cell, uint64_t wanted, bool by_index,
                        leaf_place *out)
{
    leaf_place at = {.node = cell->root};
    if (wanted >= (by_index ? cell->visible : cell->count) || at.node == NULL) return past_end();
    for (uint32_t height = cell->height; height > 0; height--) {
        const void *data = NULL;
        TRY(list_node_load(store, at.node, &data));
        const list_inner *inner = data;
        uint32_t i = 0;
        for (;; i++) {
            if (i == inner->used) return past_end();
            const list_child *c = &inner->children[i];
            uint64_t end = by_index ? at.visible + c->visible : at.count + c->count;
            if (wanted < end) break;
            at.count += c->count;
            at.visible += c->visible;
        }
        at.node = inner->children[i].node;
    }
    *out = at;
    return ATOLL_OK;
}

/* A leaf as it is to be read: the open state of the transaction's own, or the packed form. */
typedef struct leaf_content {
    const list_state *open;
    leaf_view packed;
    uint32_t count;
} leaf_content;

static status read_leaf(storage *store, list_node *n, leaf_content *out)
{
    const void *data = NULL;
    out->open = n->open;
    if (n->open != NULL) {
        out->count = (uint32_t)n->open->elements.count;
        return ATOLL_OK;
    }
    TRY(list_node_load(store, n, &data));
    leaf_open(data, &out->packed);
    out->count = out->packed.leaf->count;
    return ATOLL_OK;
}

static bool erased_at(const leaf_content *c, uint32_t i)
{
    return c->open != NULL ? c->open->elements.items[i].erased : leaf_erased(&c->packed, i);
}

uint64_t list_cell_count(const list_cell *cell)
{
    return cell->count;
}

status list_cell_element(storage *store, const list_cell *cell, uint64_t position,
                         list_element *out)
{
    leaf_place at;
    leaf_content content;
    TRY(find_leaf(store, cell, position, false, &at));
    TRY(read_leaf(store, at.node, &content));
    uint32_t i = (uint32_t)(position - at.count);
    if (i >= content.count) return past_end();
    if (content.open != NULL)
        *out = content.open->elements.items[i];
    else
        leaf_element(&content.packed, i, out);
    return ATOLL_OK;
}

status list_cell_position(storage *store, const list_cell *cell, uint64_t index, uint64_t *out)
{
    leaf_place at;
    leaf_content content;
    if (cell->visible == cell->count || index >= cell->visible) {
        *out = index < cell->visible ? index : cell->count;
        return ATOLL_OK;
    }
    TRY(find_leaf(store, cell, index, true, &at));
    TRY(read_leaf(store, at.node, &content));
    uint64_t left = index - at.visible;
    for (uint32_t i = 0; i < content.count; i++)
        if (!erased_at(&content, i) && left-- == 0) {
            *out = at.count + i;
            return ATOLL_OK;
        }
    return past_end();
}

status list_cell_index(storage *store, const list_cell *cell, uint64_t position, uint64_t *out)
{
    leaf_place at;
    leaf_content content;
    if (cell->visible == cell->count || position >= cell->count) {
        *out = position < cell->count ? position : cell->visible;
        return ATOLL_OK;
    }
    TRY(find_leaf(store, cell, position, false, &at));
    TRY(read_leaf(store, at.node, &content));
    uint64_t index = at.visible;
    for (uint32_t i = 0; i < content.count && at.count + i < position; i++)
        index += !erased_at(&content, i);
    *out = index;
    return ATOLL_OK;
}

/* ---- walking ---- */
static status walk_leaf(list_walk *walk)
{
    leaf_place at;
    leaf_content content;
    TRY(find_leaf(walk->store, walk->cell, walk->position, false, &at));
    TRY(read_leaf(walk->store, at.node, &content));
    if (walk->position - at.count >= content.count) return past_end();
    walk->first = at.count;
    walk->end = at.count + content.count;
    walk->open = content.open;
    if (content.open == NULL) walk->leaf = content.packed;
    return ATOLL_OK;
}

/* The next element, erased or not. */
static bool walk_next(list_walk *walk, list_element *out)
{
    if (walk->cell == NULL || walk->position >= walk->cell->count) return false;
    if (walk->position >= walk->end) {
        walk->result = walk_leaf(walk);
        if (walk->result != ATOLL_OK) return false;
    }
    uint64_t i = walk->position++ - walk->first;
    if (walk->open != NULL)
        *out = walk->open->elements.items[i];
    else
        leaf_element(&walk->leaf, (uint32_t)i, out);
    return true;
}

bool list_walk_next(list_walk *walk, list_element *out)
{
    while (walk_next(walk, out))
        if (!out->erased) return true;
    return false;
}

status list_cell_state(storage *store, const list_cell *cell, list_state *out)
{
    list_walk walk = {.store = store, .cell = cell};
    list_state s;
    list_element e;
    list_state_init(&s);
    s.life = cell->life;
    status result = vector_reserve(&s.elements, cell->count + 1);
    while (result == ATOLL_OK && walk_next(&walk, &e)) result = list_state_push(&s, &e);
    if (result == ATOLL_OK) result = walk.result;
    if (result != ATOLL_OK) {
        list_state_free(&s);
        return result;
    }
    *out = s;
    return ATOLL_OK;
}

/* ---- the places of elements ---- */
static bool id_equal(element_id a, element_id b)
{
    return a.counter == b.counter && a.actor == b.actor;
}

/* In list order the right subtree of an element follows it at once. So the element after it is in that subtree, if there
 * is one: up from it over elements that hang on the left, the last one hangs on the right of the element asked for. */
static status has_right_child(storage *store, const list_cell *cell, uint64_t at, element_id id,
                              bool *out)
{
    list_walk walk = {.store = store, .cell = cell, .position = at + 1};
    list_element e, next;
    *out = false;
    if (!walk_next(&walk, &e)) return walk.result;
    while (e.side == LIST_SIDE_LEFT && walk_next(&walk, &next))
        if (id_equal(next.id, e.parent)) e = next;
    TRY(walk.result);
    *out = e.side == LIST_SIDE_RIGHT && id_equal(e.parent, id);
    return ATOLL_OK;
}

/* Where an element that becomes the index-th visible one hangs: right of its left neighbour, or, when something hangs
 * there already, left of the element that follows. */
status list_cell_locate(storage *store, const list_cell *cell, uint64_t index, element_id *parent,
                        uint8_t *side, uint64_t *position)
{
    uint64_t at = 0;
    list_element e;
    *parent = (element_id){0, 0};
    *side = LIST_SIDE_RIGHT;
    *position = 0;
    if (index > 0) {
        bool taken = false;
        TRY(list_cell_position(store, cell, index - 1, &at));
        TRY(list_cell_element(store, cell, at, &e));
        *position = at + 1;
        TRY(has_right_child(store, cell, at, e.id, &taken));
        if (!taken) {
            *parent = e.id;
            return ATOLL_OK;
        }
    }
    if (*position < list_cell_count(cell)) {
        TRY(list_cell_element(store, cell, *position, &e));
        *parent = e.id;
        *side = LIST_SIDE_LEFT;
    }
    return ATOLL_OK;
}

/* ---- cells in order ---- */
typedef struct wanted_element {
    const value *v;
    const bytes *key; /* NULL: by value */
} wanted_element;

static int order_of(const leaf_content *c, uint32_t i, const wanted_element *wanted)
{
    value v;
    bytes key;
    const list_element *e = c->open == NULL ? NULL : &c->open->elements.items[i];
    if (e == NULL) leaf_value(&c->packed, i, &v, &key);
    return wanted->key != NULL ? bytes_compare(e == NULL ? key : e->key, *wanted->key)
                               : value_compare(e == NULL ? &v : &e->value, wanted->v);
}

static status compare_first(storage *store, list_node *n, const wanted_element *wanted, int *order)
{
    const void *data = NULL;
    leaf_content content;
    while (!n->leaf) {
        TRY(list_node_load(store, n, &data));
        n = ((const list_inner *)data)->children[0].node;
    }
    TRY(read_leaf(store, n, &content));
    if (content.count == 0) return past_end();
    *order = order_of(&content, 0, wanted);
    return ATOLL_OK;
}

/* The last child that does not begin after what is wanted. */
static status find_child(storage *store, const list_inner *inner, const wanted_element *wanted,
                         uint32_t *out)
{
    uint32_t low = 0, high = inner->used - 1;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        int order = 0;
        TRY(compare_first(store, inner->children[middle].node, wanted, &order));
        if (order > 0)
            high = middle - 1;
        else
            low = middle;
    }
    *out = low;
    return ATOLL_OK;
}

static void find_in_leaf(const leaf_content *content, const wanted_element *wanted, bool *found,
                         uint32_t *position)
{
    uint32_t low = 0, high = content->count;
    *found = false;
    while (low < high && !*found) {
        uint32_t middle = low + (high - low) / 2;
        int order = order_of(content, middle, wanted);
        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *position = *found ? high : low;
}

status list_cell_find(storage *store, const list_cell *cell, const value *v, const bytes *key,
                      bool *found, uint64_t *position)
{
    wanted_element wanted = {v, key};
    list_node *n = cell->root;
    leaf_content content;
    uint64_t before = 0;
    uint32_t at = 0;
    *found = false;
    *position = 0;
    if (n == NULL) return ATOLL_OK;
    while (!n->leaf) {
        const void *data = NULL;
        TRY(list_node_load(store, n, &data));
        const list_inner *inner = data;
        TRY(find_child(store, inner, &wanted, &at));
        for (uint32_t i = 0; i < at; i++) before += inner->children[i].count;
        n = inner->children[at].node;
    }
    TRY(read_leaf(store, n, &content));
    find_in_leaf(&content, &wanted, found, &at);
    *position = before + at;
    return ATOLL_OK;
}
