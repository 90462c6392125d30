/* The key index of a class: a copy-on-write trie over the 64-bit hash of the key, 5 bits a level, leaves of (hash, row).
 * It must never be trusted alone: who looks up compares the key column. Invariant: a leaf holds only hashes that begin
 * with its prefix, and an inner node is never empty of children that are on disk. */
#include "model/tree.h"

index_node *index_handle(class_key c, uint8_t depth, uint64_t prefix)
{
    index_node *n = memory_allocate_zero(sizeof *n);
    if (n == NULL) return NULL;
    atomic_init(&n->references, 1);
    atomic_init(&n->stored, true);
    n->class_of = c;
    n->depth = depth;
    n->prefix = prefix;
    return n;
}

static index_node *leaf_new(class_key c, uint8_t depth, uint64_t prefix, uint64_t stamp)
{
    index_node *n = index_handle(c, depth, prefix);
    if (n == NULL) return NULL;
    atomic_init(&n->stored, false);
    n->stamp = stamp;
    index_data *d = memory_allocate_zero(sizeof *d);
    if (d == NULL) {
        memory_free(n);
        return NULL;
    }
    d->leaf = true;
    atomic_init(&n->data, d);
    return n;
}

index_node *index_new(class_key c, uint64_t stamp)
{
    return leaf_new(c, 0, 0, stamp);
}

void index_data_free(index_data *d)
{
    if (d == NULL) return;
    for (size_t i = 0; i < TREE_FANOUT; i++) index_release(d->children[i]);
    memory_free(d->hashes);
    memory_free(d);
}

void index_release(index_node *n)
{
    if (n == NULL || atomic_fetch_sub_explicit(&n->references, 1, memory_order_acq_rel) != 1) return;
    index_data_free(atomic_load(&n->data));
    memory_free(n);
}

status index_load(storage *store, index_node *n, const index_data **out)
{
    index_data *d = atomic_load_explicit(&n->data, memory_order_acquire);
    if (d == NULL) {
        index_data *loaded = NULL;
        TRY(store_load_index(store, n, &loaded));
        if (atomic_compare_exchange_strong(&n->data, &d, loaded))
            d = loaded;
        else
            index_data_free(loaded);
    }
    *out = d;
    return ATOLL_OK;
}

/* hashes and rows share one allocation: rows follow the hashes. */
static status leaf_reserve(index_data *d, uint32_t wanted)
{
    if (wanted <= d->capacity) return ATOLL_OK;
    uint32_t capacity = d->capacity < 4 ? 4 : d->capacity * 2;
    while (capacity < wanted) capacity *= 2;
    uint64_t *both = memory_allocate((size_t)capacity * 2 * sizeof *both);
    if (both == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    if (d->count != 0) {
        memcpy(both, d->hashes, d->count * sizeof *both);
        memcpy(both + capacity, d->rows, d->count * sizeof *both);
    }
    memory_free(d->hashes);
    d->hashes = both;
    d->rows = both + capacity;
    d->capacity = capacity;
    return ATOLL_OK;
}

static status leaf_add(index_data *d, uint64_t hash, row_key row)
{
    TRY(leaf_reserve(d, d->count + 1));
    d->hashes[d->count] = hash;
    d->rows[d->count++] = row;
    return ATOLL_OK;
}

static size_t child_of(uint64_t hash, uint8_t depth)
{
    return (size_t)(hash >> (64 - TREE_FANOUT_BITS * (depth + 1))) & (TREE_FANOUT - 1);
}

static uint64_t prefix_of(const index_node *n, size_t child)
{
    return n->prefix | (uint64_t)child << (64 - TREE_FANOUT_BITS * (n->depth + 1));
}

static index_data *data_copy(const index_data *from)
{
    index_data *d = memory_allocate_zero(sizeof *d);
    if (d == NULL) return NULL;
    d->leaf = from->leaf;
    for (size_t i = 0; i < TREE_FANOUT; i++) {
        d->children[i] = from->children[i];
        if (d->children[i] != NULL) atomic_fetch_add_explicit(&d->children[i]->references, 1, memory_order_relaxed);
    }
    if (from->count != 0 && leaf_reserve(d, from->count) != ATOLL_OK) {
        index_data_free(d);
        return NULL;
    }
    if (from->count != 0) {
        memcpy(d->hashes, from->hashes, from->count * sizeof *d->hashes);
        memcpy(d->rows, from->rows, from->count * sizeof *d->rows);
    }
    d->count = from->count;
    return d;
}

static status index_own(const tree_writer *w, index_node **place)
{
    index_node *old = *place;
    if (old->stamp == w->stamp) return ATOLL_OK;
    const index_data *from = NULL;
    TRY(index_load(w->store, old, &from));
    index_node *fresh = index_handle(old->class_of, old->depth, old->prefix);
    if (fresh == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_init(&fresh->stored, false);
    fresh->stamp = w->stamp;
    atomic_init(&fresh->data, data_copy(from));
    if (atomic_load(&fresh->data) == NULL) {
        index_release(fresh);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    *place = fresh;
    index_release(old);
    return ATOLL_OK;
}

/* A full leaf becomes an inner node; nothing changes when an allocation fails. */
static status leaf_split(const tree_writer *w, index_node *n)
{
    index_data *old = atomic_load_explicit(&n->data, memory_order_relaxed);
    index_data *inner = memory_allocate_zero(sizeof *inner);
    if (inner == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = ATOLL_OK;
    for (uint32_t i = 0; i < old->count && result == ATOLL_OK; i++) {
        size_t at = child_of(old->hashes[i], n->depth);
        if (inner->children[at] == NULL) inner->children[at] = leaf_new(n->class_of, n->depth + 1, prefix_of(n, at), w->stamp);
        result = inner->children[at] == NULL
                     ? ATOLL_ERROR_OUT_OF_MEMORY
                     : leaf_add(atomic_load_explicit(&inner->children[at]->data, memory_order_relaxed), old->hashes[i], old->rows[i]);
    }
    if (result != ATOLL_OK) {
        index_data_free(inner);
        return result;
    }
    atomic_store(&n->data, inner);
    index_data_free(old);
    return ATOLL_OK;
}

/* Walks to the leaf of the hash, owning the path. */
static status leaf_own(const tree_writer *w, index_node **root, uint64_t hash, index_node **out)
{
    index_node **place = root;
    for (;;) {
        TRY(index_own(w, place));
        index_data *d = atomic_load_explicit(&(*place)->data, memory_order_relaxed);
        if (d->leaf) break;
        size_t at = child_of(hash, (*place)->depth);
        if (d->children[at] == NULL) {
            d->children[at] = leaf_new((*place)->class_of, (*place)->depth + 1, prefix_of(*place, at), w->stamp);
            if (d->children[at] == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        }
        place = &d->children[at];
    }
    *out = *place;
    return ATOLL_OK;
}

static uint32_t leaf_position(const index_data *d, uint64_t hash, row_key row)
{
    uint32_t i = 0;
    while (i < d->count && (d->hashes[i] != hash || d->rows[i] != row)) i++;
    return i;
}

status index_put(const tree_writer *w, index_node **root, uint64_t hash, row_key row)
{
    index_node *leaf = NULL;
    TRY(leaf_own(w, root, hash, &leaf));
    index_data *d = atomic_load_explicit(&leaf->data, memory_order_relaxed);
    if (leaf_position(d, hash, row) < d->count) return ATOLL_OK;
    if (d->count >= INDEX_LEAF_MAX && leaf->depth < INDEX_DEPTH_MAX) {
        TRY(leaf_split(w, leaf));
        return index_put(w, root, hash, row); /* One level deeper each time: at most INDEX_DEPTH_MAX. */
    }
    return leaf_add(d, hash, row);
}

status index_remove(const tree_writer *w, index_node **root, uint64_t hash, row_key row)
{
    index_node *leaf = NULL;
    TRY(leaf_own(w, root, hash, &leaf));
    index_data *d = atomic_load_explicit(&leaf->data, memory_order_relaxed);
    uint32_t i = leaf_position(d, hash, row);
    if (i == d->count) return ATOLL_OK;
    d->count--;
    d->hashes[i] = d->hashes[d->count];
    d->rows[i] = d->rows[d->count];
    return ATOLL_OK;
}

status index_find(storage *store, index_node *root, uint64_t hash, index_visitor each, void *context)
{
    const index_data *d = NULL;
    for (index_node *n = root; n != NULL; n = d->children[child_of(hash, n->depth)]) {
        TRY(index_load(store, n, &d));
        if (!d->leaf) continue;
        for (uint32_t i = 0; i < d->count; i++)
            if (d->hashes[i] == hash && each(context, d->rows[i])) return ATOLL_OK;
        return ATOLL_OK;
    }
    return ATOLL_OK;
}
