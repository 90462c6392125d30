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
    atomic_init(&n->data, index_data_new(true, 4));
    if (atomic_load(&n->data) != NULL) return n;
    memory_free(n);
    return NULL;
}

index_node *index_new(class_key c, uint64_t stamp)
{
    return leaf_new(c, 0, 0, stamp);
}

index_data *index_data_new(bool leaf, uint32_t capacity)
{
    size_t room =
        leaf ? (size_t)capacity * 2 * sizeof(uint64_t) : TREE_FANOUT * sizeof(index_node *);
    index_data *d =
        leaf ? memory_allocate(sizeof *d + room) : memory_allocate_zero(sizeof *d + room);
    if (d == NULL) return NULL;
    d->leaf = leaf;
    d->count = 0;
    d->capacity = leaf ? capacity : 0;
    return d;
}

void index_data_free(index_data *d)
{
    if (d == NULL) return;
    for (size_t i = 0; i < TREE_FANOUT && !d->leaf; i++) index_release(index_children(d)[i]);
    memory_free(d);
}

void index_release(index_node *n)
{
    if (n == NULL || atomic_fetch_sub_explicit(&n->references, 1, memory_order_acq_rel) != 1)
        return;
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

static index_data *leaf_copy(const index_data *from, uint32_t capacity)
{
    index_data *d = index_data_new(true, capacity);
    if (d == NULL) return NULL;
    d->count = from->count;
    memcpy(index_hashes(d), index_hashes(from), from->count * sizeof(uint64_t));
    memcpy(index_rows(d), index_rows(from), from->count * sizeof(uint64_t));
    return d;
}

/* The leaf belongs to the transaction; it moves when it grows. */
static status leaf_add(index_node *leaf, uint64_t hash, row_key row)
{
    index_data *d = atomic_load_explicit(&leaf->data, memory_order_relaxed);
    if (d->count == d->capacity) {
        index_data *grown = leaf_copy(d, d->capacity < 4 ? 4 : d->capacity * 2);
        if (grown == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        atomic_store(&leaf->data, grown);
        index_data_free(d);
        d = grown;
    }
    index_hashes(d)[d->count] = hash;
    index_rows(d)[d->count++] = row;
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
    if (from->leaf) return leaf_copy(from, from->count + 2);
    index_data *d = index_data_new(false, 0);
    for (size_t i = 0; d != NULL && i < TREE_FANOUT; i++) {
        index_node *child = index_children(from)[i];
        index_children(d)[i] = child;
        if (child != NULL) atomic_fetch_add_explicit(&child->references, 1, memory_order_relaxed);
    }
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
    index_data *inner = index_data_new(false, 0);
    if (inner == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = ATOLL_OK;
    for (uint32_t i = 0; i < old->count && result == ATOLL_OK; i++) {
        uint64_t hash = index_hashes(old)[i];
        size_t at = child_of(hash, n->depth);
        index_node **child = &index_children(inner)[at];
        if (*child == NULL)
            *child = leaf_new(n->class_of, n->depth + 1, prefix_of(n, at), w->stamp);
        result =
            *child == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : leaf_add(*child, hash, index_rows(old)[i]);
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
        index_node **child = &index_children(d)[at];
        if (*child == NULL)
            *child =
                leaf_new((*place)->class_of, (*place)->depth + 1, prefix_of(*place, at), w->stamp);
        if (*child == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        place = child;
    }
    *out = *place;
    return ATOLL_OK;
}

static uint32_t leaf_position(const index_data *d, uint64_t hash, row_key row)
{
    uint32_t i = 0;
    while (i < d->count && (index_hashes(d)[i] != hash || index_rows(d)[i] != row)) i++;
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
        return index_put(w, root, hash,
                         row); /* One level deeper each time: at most INDEX_DEPTH_MAX. */
    }
    return leaf_add(leaf, hash, row);
}

status index_remove(const tree_writer *w, index_node **root, uint64_t hash, row_key row)
{
    index_node *leaf = NULL;
    TRY(leaf_own(w, root, hash, &leaf));
    index_data *d = atomic_load_explicit(&leaf->data, memory_order_relaxed);
    uint32_t i = leaf_position(d, hash, row);
    if (i == d->count) return ATOLL_OK;
    d->count--;
    index_hashes(d)[i] = index_hashes(d)[d->count];
    index_rows(d)[i] = index_rows(d)[d->count];
    return ATOLL_OK;
}

/* A lone look-up should load its own leaf only; where several came by, more will: then one pass over the store, for the
 * siblings lie next to each other, costs less than one look-up each. */
static status load_below(storage *store, const index_data *inner)
{
    enum { VISITED_MIN = 3 };
    uint32_t visited = 0;
    for (size_t i = 0; i < TREE_FANOUT; i++) {
        const index_node *child = index_children(inner)[i];
        visited +=
            child != NULL && atomic_load_explicit(&child->data, memory_order_relaxed) != NULL;
    }
    return visited >= VISITED_MIN ? store_load_index_children(store, inner) : ATOLL_OK;
}

status index_find(storage *store, index_node *root, uint64_t hash, index_visitor each,
                  void *context)
{
    const index_data *d = NULL;
    for (index_node *n = root; n != NULL; n = index_children(d)[child_of(hash, n->depth)]) {
        if (d != NULL && atomic_load_explicit(&n->data, memory_order_relaxed) == NULL)
            TRY(load_below(store, d));
        TRY(index_load(store, n, &d));
        if (!d->leaf) continue;
        for (uint32_t i = 0; i < d->count; i += 8)
            __builtin_prefetch(index_rows(d) + i); /* they come while the hashes are compared */
        for (uint32_t i = 0; i < d->count; i++)
            if (index_hashes(d)[i] == hash && each(context, index_rows(d)[i])) return ATOLL_OK;
        return ATOLL_OK;
    }
    return ATOLL_OK;
}
