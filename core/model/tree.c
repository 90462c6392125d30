/* Segments, the 32-way tree above them, class states: reference counts, path copying, loading on first touch.
 * Published nodes must never change but for their `stored` flags and the data behind a handle that was not loaded yet.
 * Invariant: a node with the transaction's stamp is reachable from the transaction only. */
#include "model/tree.h"

/* ---- segments ---- */
segment *segment_handle(class_key c, uint64_t index)
{
    segment *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return NULL;
    atomic_init(&s->references, 1);
    atomic_init(&s->stored, true);
    s->class_of = c;
    s->index = index;
    return s;
}

void segment_data_free(segment_data *d)
{
    if (d == NULL) return;
    for (uint32_t i = 0; i < d->slot_count; i++) block_release(d->blocks[i]);
    memory_free(d->blocks);
    memory_free(d);
}

void segment_release(segment *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    segment_data_free(atomic_load(&s->data));
    memory_free(s);
}

status segment_load(storage *store, const model_schema *schema, segment *s,
                    const segment_data **out)
{
    segment_data *d = atomic_load_explicit(&s->data, memory_order_acquire);
    if (d == NULL) {
        segment_data *loaded = NULL;
        TRY(store_load_segment(store, schema, s, &loaded));
        if (atomic_compare_exchange_strong(&s->data, &d, loaded))
            d = loaded;
        else
            segment_data_free(loaded);
    }
    *out = d;
    return ATOLL_OK;
}

static segment_data *segment_data_copy(const segment_data *from)
{
    segment_data *d = memory_allocate(sizeof *d);
    if (d == NULL) return NULL;
    *d = *from;
    d->blocks = d->slot_count == 0 ? NULL : memory_allocate(d->slot_count * sizeof *d->blocks);
    if (d->slot_count != 0 && d->blocks == NULL) {
        memory_free(d);
        return NULL;
    }
    for (uint32_t i = 0; i < d->slot_count; i++) d->blocks[i] = block_retain(from->blocks[i]);
    return d;
}

static status segment_own(const tree_writer *w, segment **place, class_key c, uint64_t index)
{
    segment *old = *place;
    if (old != NULL && old->stamp == w->stamp) return ATOLL_OK;
    const segment_data *from = NULL;
    if (old != NULL) TRY(segment_load(w->store, w->schema, old, &from));
    segment *fresh = segment_handle(c, index);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_init(&fresh->stored, false);
    fresh->stamp = w->stamp;
    atomic_init(&fresh->data, from == NULL ? memory_allocate_zero(sizeof(segment_data))
                                           : segment_data_copy(from));
    if (atomic_load(&fresh->data) == NULL) {
        segment_release(fresh);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    *place = fresh;
    segment_release(old);
    return ATOLL_OK;
}

/* ---- nodes ---- */
static void node_release(tree_node *n, uint32_t height)
{
    if (n == NULL || atomic_fetch_sub_explicit(&n->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < TREE_FANOUT; i++) {
        if (height > 1)
            node_release(n->children[i], height - 1);
        else
            segment_release(n->children[i]);
    }
    memory_free(n);
}

static tree_node *node_new(uint64_t stamp, bool stored)
{
    tree_node *n = memory_allocate_zero(sizeof *n);
    if (n == NULL) return NULL;
    atomic_init(&n->references, 1);
    atomic_init(&n->stored, stored);
    n->stamp = stamp;
    return n;
}

/* Tree nodes and segments both begin with their reference count. */
static void child_retain(void *child)
{
    if (child != NULL) atomic_fetch_add_explicit((atomic_uint *)child, 1, memory_order_relaxed);
}

static status node_own(tree_node **place, uint64_t stamp, uint32_t height)
{
    tree_node *old = *place;
    if (old != NULL && old->stamp == stamp) return ATOLL_OK;
    tree_node *fresh = node_new(stamp, false);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (size_t i = 0; old != NULL && i < TREE_FANOUT; i++) {
        fresh->children[i] = old->children[i];
        child_retain(fresh->children[i]);
    }
    *place = fresh;
    node_release(old, height);
    return ATOLL_OK;
}

static size_t child_at(uint64_t index, uint32_t height)
{
    return (size_t)(index >> (TREE_FANOUT_BITS * (height - 1))) & (TREE_FANOUT - 1);
}

static bool fits(uint64_t index, uint32_t height)
{
    return height * TREE_FANOUT_BITS >= 64 || index >> (TREE_FANOUT_BITS * height) == 0;
}

/* Puts new roots on top until the index fits. */
static status class_grow(class_state *c, uint64_t index, uint64_t stamp, bool stored)
{
    while (c->root == NULL || !fits(index, c->height)) {
        tree_node *root = node_new(stamp, stored);
        if (root == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        root->children[0] = c->root;
        c->root = root;
        c->height++;
    }
    return ATOLL_OK;
}

segment *class_segment(const class_state *c, uint64_t index)
{
    if (c->root == NULL || !fits(index, c->height)) return NULL;
    const tree_node *n = c->root;
    for (uint32_t height = c->height; height > 1; height--) {
        n = n->children[child_at(index, height)];
        if (n == NULL) return NULL;
    }
    return n->children[child_at(index, 1)];
}

status class_segment_own(const tree_writer *w, class_state *c, uint64_t index, segment **out)
{
    TRY(class_grow(c, index, w->stamp, false));
    tree_node **place = &c->root;
    for (uint32_t height = c->height; height > 1; height--) {
        TRY(node_own(place, w->stamp, height));
        place = (tree_node **)&(*place)->children[child_at(index, height)];
    }
    TRY(node_own(place, w->stamp, 1));
    segment **leaf = (segment **)&(*place)->children[child_at(index, 1)];
    TRY(segment_own(w, leaf, c->key, index));
    *out = *leaf;
    return ATOLL_OK;
}

status class_state_add_handles(class_state *c, uint64_t segment_count)
{
    for (uint64_t index = 0; index < segment_count; index++) {
        TRY(class_grow(c, index, 0, true));
        tree_node *n = c->root;
        for (uint32_t height = c->height; height > 1; height--) {
            tree_node **child = (tree_node **)&n->children[child_at(index, height)];
            if (*child == NULL) *child = node_new(0, true);
            if (*child == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
            n = *child;
        }
        void **leaf = &n->children[child_at(index, 1)];
        *leaf = segment_handle(c->key, index);
        if (*leaf == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    return ATOLL_OK;
}

/* ---- classes ---- */
class_state *class_state_new(class_key key, uint64_t stamp)
{
    class_state *c = memory_allocate_zero(sizeof *c);
    if (c == NULL) return NULL;
    atomic_init(&c->references, 1);
    c->stamp = stamp;
    c->key = key;
    c->next_row = 1;
    return c;
}

class_state *class_state_retain(class_state *c)
{
    if (c != NULL) atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

void class_state_release(class_state *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    node_release(c->root, c->height);
    index_release(c->index);
    for (uint32_t i = 0; i < c->tree_count; i++) index_release(c->trees[i].root);
    memory_free(c->trees);
    memory_free(c);
}

status class_state_own(class_state **place, uint64_t stamp)
{
    class_state *old = *place;
    if (old->stamp == stamp) return ATOLL_OK;
    class_state *fresh = class_state_new(old->key, stamp);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (old->tree_count != 0) {
        fresh->trees = memory_allocate(old->tree_count * sizeof *fresh->trees);
        if (fresh->trees == NULL) {
            memory_free(fresh);
            return ATOLL_ERROR_OUT_OF_MEMORY;
        }
        memcpy(fresh->trees, old->trees, old->tree_count * sizeof *fresh->trees);
        fresh->tree_count = old->tree_count;
        for (uint32_t i = 0; i < old->tree_count; i++) index_retain(fresh->trees[i].root);
    }
    fresh->next_row = old->next_row;
    fresh->alive_count = old->alive_count;
    fresh->stored_version = old->stored_version;
    fresh->height = old->height;
    fresh->root = old->root;
    child_retain(fresh->root);
    fresh->index = index_retain(old->index);
    *place = fresh;
    class_state_release(old);
    return ATOLL_OK;
}

class_index *class_tree(const class_state *c, uint32_t tree)
{
    for (uint32_t i = 0; i < c->tree_count; i++)
        if (c->trees[i].tree == tree) return &c->trees[i];
    return NULL;
}

status class_tree_push(class_state *c, uint32_t tree, index_node *root)
{
    size_t size = (c->tree_count + 1) * sizeof *c->trees;
    class_index *grown = root == NULL ? NULL : memory_reallocate(c->trees, size);
    if (grown == NULL) {
        index_release(root);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    c->trees = grown;
    c->trees[c->tree_count++] = (class_index){tree, root};
    return ATOLL_OK;
}

status class_tree_add(class_state *c, uint32_t tree, uint64_t stamp, class_index **out)
{
    TRY(class_tree_push(c, tree, index_new(c->key, tree, stamp)));
    *out = &c->trees[c->tree_count - 1];
    return ATOLL_OK;
}

void class_tree_drop(class_state *c, uint32_t tree)
{
    class_index *found = class_tree(c, tree);
    if (found == NULL) return;
    index_release(found->root);
    *found = c->trees[--c->tree_count];
}

/* ---- columns ---- */
static status slots_extend(segment_data *d, uint32_t slot)
{
    if (slot < d->slot_count) return ATOLL_OK;
    uint32_t count = slot + 1 > d->slot_count * 2 ? slot + 1 : d->slot_count * 2;
    block **blocks = memory_reallocate(d->blocks, count * sizeof *blocks);
    if (blocks == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    for (uint32_t i = d->slot_count; i < count; i++) blocks[i] = NULL;
    d->blocks = blocks;
    d->slot_count = count;
    return ATOLL_OK;
}

status segment_block_own(const tree_writer *w, segment *s, uint32_t slot, column_type type,
                         block **out)
{
    segment_data *d = atomic_load_explicit(&s->data, memory_order_relaxed);
    TRY(slots_extend(d, slot));
    if (d->blocks[slot] == NULL) {
        d->blocks[slot] = block_new(w, s->class_of, slot, s->index, type);
        if (d->blocks[slot] == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    TRY(block_own(w, &d->blocks[slot]));
    *out = d->blocks[slot];
    return ATOLL_OK;
}

status class_block(storage *store, const model_schema *schema, const class_state *c, row_key row,
                   uint32_t slot, const block_data **out)
{
    *out = NULL;
    segment *s = class_segment(c, row / MODEL_BLOCK_ROWS);
    const segment_data *d = NULL;
    if (s == NULL) return ATOLL_OK;
    TRY(segment_load(store, schema, s, &d));
    if (slot >= d->slot_count || d->blocks[slot] == NULL) return ATOLL_OK;
    return block_load(store, d->blocks[slot], out);
}

status class_row_state(storage *store, const model_schema *schema, const class_state *c,
                       row_key row, uint8_t *out)
{
    segment *s = class_segment(c, row / MODEL_BLOCK_ROWS);
    const segment_data *d = NULL;
    *out = ROW_DEAD;
    if (s == NULL) return ATOLL_OK;
    TRY(segment_load(store, schema, s, &d));
    *out = segment_row_state(d, row);
    return ATOLL_OK;
}
