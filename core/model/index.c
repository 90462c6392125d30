/* The trie behind the key index, the indexes of properties, backlinks and full text: see model/index.h.
 * A published node must never change but for its `stored` flag and data that is loaded behind a handle. Invariant: a
 * leaf holds only keys that begin with its prefix, at most three quarters of its places are taken, and a node with the
 * transaction's stamp is reachable from the transaction only. */
#include "model/index.h"
#include "model/tree.h"

/* ---- nodes ---- */
static index_node *handle_new(class_key c, uint32_t tree, uint8_t bits, uint64_t prefix,
                              size_t extra)
{
    index_node *n = memory_allocate_zero(sizeof *n + extra * sizeof *n->extra);
    if (n == NULL) return NULL;
    atomic_init(&n->references, 1);
    atomic_init(&n->stored, true);
    n->kept = true;
    n->class_of = c;
    n->tree = tree;
    n->bits = bits;
    n->prefix = prefix;
    return n;
}

index_node *index_handle(class_key c, uint32_t tree, uint8_t bits, uint64_t prefix)
{
    return handle_new(c, tree, bits, prefix, 0);
}

static uint8_t shift_of(const index_data *d)
{
    return (uint8_t)(index_is_leaf(d) ? 64 - __builtin_ctz(d->places) : 0);
}

/* Of a node that no other thread can see yet. */
static void data_set(index_node *n, index_data *d)
{
    atomic_store_explicit(&n->shift, shift_of(d), memory_order_relaxed);
    atomic_store_explicit(&n->data, d, memory_order_relaxed);
}

static index_data *data_of(const index_node *n)
{
    return atomic_load_explicit(&n->data, memory_order_relaxed);
}

/* Takes the data, also on failure. */
static index_node *node_new(const index_node *like, uint8_t bits, uint64_t prefix, uint64_t stamp,
                            index_data *d)
{
    index_node *n = d == NULL ? NULL : index_handle(like->class_of, like->tree, bits, prefix);
    if (n == NULL) {
        memory_free(d);
        return NULL;
    }
    atomic_init(&n->stored, false);
    n->kept = false;
    n->stamp = stamp;
    data_set(n, d);
    return n;
}

index_node *index_new(class_key c, uint32_t tree, uint64_t stamp)
{
    index_node like = {.class_of = c, .tree = tree};
    return node_new(&like, 0, 0, stamp, index_leaf_data(0));
}

index_data *index_leaf_data(uint32_t count_max)
{
    uint32_t places = INDEX_PLACES_MIN;
    while (count_max > places / 4 * 3) places *= 2;
    index_data *d = memory_allocate_zero(sizeof *d + places * sizeof(index_entry));
    if (d == NULL) return NULL;
    atomic_init(&d->references, 1);
    d->places = places;
    return d;
}

index_data *index_inner_data(void)
{
    index_data *d =
        memory_allocate_zero(sizeof *d + INDEX_FANOUT * (sizeof(index_node *) + sizeof(uintptr_t)));
    if (d == NULL) return NULL;
    atomic_init(&d->references, 1);
    d->owned = UINT32_MAX;
    return d;
}

size_t index_run_end(const index_data *inner, size_t slot)
{
    index_node *const *children = index_children(inner);
    size_t end = slot + 1;
    while (children[slot] != NULL && end < INDEX_FANOUT && children[end] == children[slot]) end++;
    return end;
}

void index_data_free(index_data *d)
{
    while (d != NULL && atomic_fetch_sub_explicit(&d->references, 1, memory_order_acq_rel) == 1) {
        for (size_t i = 0; !index_is_leaf(d) && i < INDEX_FANOUT; i = index_run_end(d, i))
            if ((d->owned >> i & 1) != 0) index_release(index_children(d)[i]);
        index_data *base = d->base;
        memory_free(d);
        d = base;
    }
}

index_node *index_retain(index_node *n)
{
    if (n != NULL) atomic_fetch_add_explicit(&n->references, 1, memory_order_relaxed);
    return n;
}

void index_release(index_node *n)
{
    if (n == NULL || atomic_fetch_sub_explicit(&n->references, 1, memory_order_acq_rel) != 1)
        return;
    index_data_free(atomic_load(&n->data));
    memory_free(n);
}

const index_data *index_publish(index_node *n, index_data *loaded)
{
    index_data *d = NULL;
    /* Who loads the same record finds the same shift. */
    atomic_store_explicit(&n->shift, shift_of(loaded), memory_order_relaxed);
    if (atomic_compare_exchange_strong(&n->data, &d, loaded)) return loaded;
    index_data_free(loaded);
    return d;
}

status index_load(storage *store, index_node *n, const index_data **out)
{
    const index_data *d = atomic_load_explicit(&n->data, memory_order_acquire);
    if (d == NULL) {
        index_data *loaded = NULL;
        TRY(store_load_index(store, n, &loaded));
        d = index_publish(n, loaded);
    }
    *out = d;
    return ATOLL_OK;
}

/* ---- leaves ---- */
static size_t home_of(uint64_t key, uint8_t shift)
{
    return (size_t)(key * 0x9e3779b97f4a7c15u >> shift);
}

/* The place of the pair, or of the first entry of the key when value is 0; NULL: there is none. */
static index_entry *leaf_seek(index_node *n, uint64_t key, uint64_t value)
{
    for (size_t i = 0; i < n->extra_count; i++)
        if (n->extra[i].key == key && (value == 0 || n->extra[i].value == value))
            return n->extra + i;
    index_entry *e = index_entries(atomic_load_explicit(&n->data, memory_order_relaxed));
    uint8_t shift = atomic_load_explicit(&n->shift, memory_order_relaxed);
    size_t mask = ((size_t)1 << (64 - shift)) - 1;
    for (size_t i = home_of(key, shift); e[i].value != 0; i = (i + 1) & mask)
        if (e[i].key == key && (value == 0 || e[i].value == value)) return e + i;
    return NULL;
}

void index_leaf_insert(index_data *d, index_entry new)
{
    index_entry *e = index_entries(d);
    size_t mask = d->places - 1, i = home_of(new.key, shift_of(d));
    while (e[i].value != 0) i = (i + 1) & mask;
    e[i] = new;
    d->count++;
}

/* Entries behind the gap that would not be found across it move into it. */
static void leaf_erase(index_data *d, index_entry *gone)
{
    index_entry *e = index_entries(d);
    uint8_t shift = shift_of(d);
    size_t mask = d->places - 1, gap = (size_t)(gone - e);
    for (size_t i = (gap + 1) & mask; e[i].value != 0; i = (i + 1) & mask) {
        size_t home = home_of(e[i].key, shift);
        if (((i - home) & mask) < ((i - gap) & mask)) continue;
        e[gap] = e[i];
        gap = i;
    }
    e[gap].value = 0;
    d->count--;
}

static index_data *leaf_grown(const index_data *from)
{
    index_data *d = index_leaf_data(from->places / 4 * 3 + 1);
    if (d == NULL) return NULL;
    d->stored_version = from->stored_version;
    for (uint32_t i = 0; i < from->places; i++)
        if (index_entries(from)[i].value != 0) index_leaf_insert(d, index_entries(from)[i]);
    return d;
}

/* ---- owning the way to a leaf ---- */
static index_data *data_retain(const index_data *d)
{
    index_data *own = (index_data *)(uintptr_t)d;
    atomic_fetch_add_explicit(&own->references, 1, memory_order_relaxed);
    return own;
}

static index_data *inner_copy(const index_data *from)
{
    index_data *d = index_inner_data();
    if (d == NULL) return NULL;
    d->stored_version = from->stored_version;
    d->dropped = from->dropped;
    memcpy(index_children(d), index_children(from), INDEX_FANOUT * sizeof(index_node *));
    for (size_t i = 0; i < INDEX_FANOUT; i++) /* readers find ways meanwhile */
        atomic_init(&index_ways(d)[i],
                    atomic_load_explicit(&index_ways(from)[i], memory_order_acquire));
    if (from->bases < INDEX_BASES_MAX) {
        d->base = data_retain(from);
        d->bases = from->bases + 1;
        d->owned = 0;
        return d;
    }
    for (size_t i = 0; i < INDEX_FANOUT; i = index_run_end(d, i))
        index_retain(index_children(d)[i]);
    return d;
}

static status node_own(const tree_writer *w, index_node *old, index_node **out)
{
    const index_data *from = NULL;
    TRY(index_load(w->store, old, &from));
    bool leaf = index_is_leaf(from);
    index_data *d = leaf ? data_retain(from) : inner_copy(from);
    index_node *fresh = d == NULL ? NULL
                                  : handle_new(old->class_of, old->tree, old->bits, old->prefix,
                                               leaf ? INDEX_EXTRA_MAX : 0);
    if (fresh == NULL) {
        index_data_free(d);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    /* They went with the record of the old one. */
    if (!leaf && atomic_load(&old->stored)) d->dropped = 0;
    atomic_init(&fresh->stored, false);
    fresh->stamp = w->stamp;
    fresh->lent = leaf;
    fresh->extra_count = old->extra_count;
    memcpy(fresh->extra, old->extra, old->extra_count * sizeof *old->extra);
    data_set(fresh, d);
    *out = fresh;
    return ATOLL_OK;
}

/* The data takes the reference over. */
static void slots_set(index_data *inner, size_t from, size_t to, index_node *child)
{
    for (size_t i = from; i < to; i++) {
        index_children(inner)[i] = child;
        inner->owned |= (uint32_t)1 << i;
        atomic_store_explicit(&index_ways(inner)[i], 0, memory_order_relaxed);
    }
}

static status child_own(const tree_writer *w, index_data *inner, size_t slot)
{
    index_node *old = index_children(inner)[slot], *fresh = NULL;
    if (old->stamp == w->stamp) return ATOLL_OK;
    TRY(node_own(w, old, &fresh));
    size_t from = slot;
    while (from > 0 && index_children(inner)[from - 1] == old) from--;
    bool owned = (inner->owned >> from & 1) != 0;
    slots_set(inner, from, index_run_end(inner, slot), fresh);
    if (owned) index_release(old);
    return ATOLL_OK;
}

static unsigned dropped_bit(const index_node *parent, unsigned bits, size_t slot)
{
    unsigned level = bits - parent->bits;
    return (1u << level) + (unsigned)(slot >> (INDEX_FANOUT_BITS - level));
}

/* A new child takes its name over from one that was dropped. */
static void name_taken(index_node *parent, index_node *child, size_t slot)
{
    index_data *d = data_of(parent);
    uint64_t bit = (uint64_t)1 << dropped_bit(parent, child->bits, slot);
    child->kept = (d->dropped & bit) != 0;
    d->dropped &= ~bit;
}

static void name_dropped(index_node *parent, const index_node *child, size_t slot)
{
    if (child->kept)
        data_of(parent)->dropped |= (uint64_t)1 << dropped_bit(parent, child->bits, slot);
}

/* An empty leaf over the widest aligned run of empty places around the slot. */
static status leaf_plant(const tree_writer *w, index_node *parent, size_t slot)
{
    index_data *inner = data_of(parent);
    size_t from = slot, width = 1;
    uint8_t bits = (uint8_t)(parent->bits + INDEX_FANOUT_BITS);
    while (width < INDEX_FANOUT / 2) {
        size_t wider = from & ~(2 * width - 1), i = wider;
        while (i < wider + 2 * width && index_children(inner)[i] == NULL) i++;
        if (i < wider + 2 * width) break;
        from = wider;
        width *= 2;
        bits--;
    }
    uint64_t prefix =
        parent->prefix | (uint64_t)from << (INDEX_KEY_BITS - INDEX_FANOUT_BITS) >> parent->bits;
    index_node *leaf = node_new(parent, bits, prefix, w->stamp, index_leaf_data(0));
    if (leaf == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    data_of(leaf)->stored_version = inner->stored_version;
    slots_set(inner, from, from + width, leaf);
    name_taken(parent, leaf, from);
    return ATOLL_OK;
}

static index_path *recent_of(const tree_writer *w, const index_node *root)
{
    return w->recent == NULL ? NULL : &w->recent[(root->class_of * 5 + root->tree) % INDEX_RECENT];
}

static bool covers(const index_node *n, uint64_t key)
{
    return n->bits == 0 || (n->prefix ^ key) >> (INDEX_KEY_BITS - n->bits) == 0;
}

static bool recent_covers(const index_path *recent, const index_node *root, uint64_t key)
{
    return recent != NULL && recent->leaf != NULL && recent->leaf->tree == root->tree &&
           recent->leaf->class_of == root->class_of && covers(recent->leaf, key);
}

static void recent_forget(const tree_writer *w, const index_node *root)
{
    index_path *recent = recent_of(w, root);
    if (recent != NULL) *recent = (index_path){NULL, NULL};
}

/* Walks to the leaf of the key, owning the path. */
static status leaf_own(const tree_writer *w, index_node **root, uint64_t key, index_path *out)
{
    index_path *recent = recent_of(w, *root);
    if (recent_covers(recent, *root, key)) {
        *out = *recent;
        return ATOLL_OK;
    }
    index_path path = {NULL, *root};
    if (path.leaf->stamp != w->stamp) {
        TRY(node_own(w, *root, &path.leaf));
        index_release(*root);
        *root = path.leaf;
    }
    while (!index_is_leaf(data_of(path.leaf))) {
        path.parent = path.leaf;
        index_data *inner = data_of(path.parent);
        size_t slot = index_slot(path.parent, key);
        TRY(index_children(inner)[slot] == NULL ? leaf_plant(w, path.parent, slot)
                                                : child_own(w, inner, slot));
        path.leaf = index_children(inner)[slot];
    }
    if (recent != NULL) *recent = path;
    *out = path;
    return ATOLL_OK;
}

/* ---- changes ---- */
/* Data of its own for a lent leaf. */
static status leaf_private(index_node *leaf)
{
    index_data *from = data_of(leaf);
    if (!leaf->lent) return ATOLL_OK;
    index_data *d = index_leaf_data(from->count + leaf->extra_count);
    if (d == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    d->stored_version = from->stored_version;
    if (d->places == from->places) {
        memcpy(index_entries(d), index_entries(from), from->places * sizeof(index_entry));
        d->count = from->count;
    }
    for (uint32_t i = 0; d->count < from->count; i++)
        if (index_entries(from)[i].value != 0) index_leaf_insert(d, index_entries(from)[i]);
    for (size_t i = 0; i < leaf->extra_count; i++) index_leaf_insert(d, leaf->extra[i]);
    leaf->lent = false;
    leaf->extra_count = 0;
    data_set(leaf, d);
    index_data_free(from);
    return ATOLL_OK;
}

/* One half of a full leaf; *out NULL when it would be empty. */
static status half_of(const tree_writer *w, const index_node *leaf, unsigned side, index_node **out)
{
    const index_data *from = data_of(leaf);
    uint64_t bit = (uint64_t)1 << (INDEX_KEY_BITS - 1 - leaf->bits);
    uint32_t count = 0;
    const index_entry *e = index_entries(from);
    for (uint32_t i = 0; i < from->places; i++)
        count += e[i].value != 0 && ((e[i].key & bit) != 0) == side;
    *out = NULL;
    if (count == 0) return ATOLL_OK;
    index_node *half = node_new(leaf, (uint8_t)(leaf->bits + 1), leaf->prefix | (side ? bit : 0),
                                w->stamp, index_leaf_data(count));
    if (half == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    index_data *d = data_of(half);
    d->stored_version = from->stored_version;
    for (uint32_t i = 0; i < from->places; i++)
        if (e[i].value != 0 && ((e[i].key & bit) != 0) == side) index_leaf_insert(d, e[i]);
    *out = half;
    return ATOLL_OK;
}

/* Two leaves in the place of a full one. One that has a single place of its parent, or no parent, becomes an inner node
 * above them. Nothing changes when an allocation fails. */
static status leaf_split(const tree_writer *w, index_node *parent, index_node *leaf)
{
    index_node *half[2] = {NULL, NULL};
    bool deeper = parent == NULL || leaf->bits == parent->bits + INDEX_FANOUT_BITS;
    index_data *inner = deeper ? index_inner_data() : data_of(parent);
    status result = inner == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : half_of(w, leaf, 0, &half[0]);
    if (result == ATOLL_OK) result = half_of(w, leaf, 1, &half[1]);
    if (result != ATOLL_OK) {
        index_release(half[0]);
        if (deeper) memory_free(inner);
        return result;
    }
    size_t from = deeper ? 0 : index_slot(parent, leaf->prefix);
    size_t width = deeper ? INDEX_FANOUT : index_run_end(inner, from) - from;
    if (deeper) {
        index_data *old = data_of(leaf);
        inner->stored_version = old->stored_version;
        data_set(leaf, inner);
        memory_free(old);
        parent = leaf;
    } else {
        name_dropped(parent, leaf, from);
    }
    for (size_t side = 0; side < 2; side++) {
        size_t at = from + side * width / 2;
        slots_set(inner, at, at + width / 2, half[side]);
        if (half[side] != NULL) name_taken(parent, half[side], at);
    }
    if (!deeper) index_release(leaf);
    return ATOLL_OK;
}

static status leaf_add(const tree_writer *w, index_node **root, const index_path *path,
                       index_entry e, bool *added)
{
    index_node *leaf = path->leaf;
    index_data *d = data_of(leaf);
    *added = true;
    if (leaf->lent && leaf->extra_count < INDEX_EXTRA_MAX &&
        d->count + leaf->extra_count < INDEX_PLACES_MAX / 4 * 3) {
        leaf->extra[leaf->extra_count++] = e;
        return ATOLL_OK;
    }
    TRY(leaf_private(leaf));
    d = data_of(leaf);
    if (d->count >= d->places / 4 * 3) {
        *added = d->places < INDEX_PLACES_MAX || path->leaf->bits == INDEX_KEY_BITS;
        if (!*added) {
            recent_forget(w, *root);
            return leaf_split(w, path->parent, path->leaf);
        }
        index_data *grown = leaf_grown(d);
        if (grown == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        data_set(path->leaf, grown);
        memory_free(d);
        d = grown;
    }
    index_leaf_insert(d, e);
    return ATOLL_OK;
}

static status leaf_take(const tree_writer *w, index_node **root, const index_path *path,
                        index_entry *e)
{
    index_data *d = data_of(path->leaf);
    leaf_erase(d, e);
    if (d->count != 0 || path->parent == NULL) return ATOLL_OK;
    index_data *inner = data_of(path->parent);
    size_t from = index_slot(path->parent, path->leaf->prefix);
    recent_forget(w, *root);
    name_dropped(path->parent, path->leaf, from);
    slots_set(inner, from, index_run_end(inner, from), NULL);
    index_release(path->leaf);
    return ATOLL_OK;
}

/* The leaf of a change; *entry the pair, or with any the entry of the key. *done: the leaf has the change already. */
static status change_begin(const tree_writer *w, index_node **root, const index_change *c, bool any,
                           index_path *path, index_entry **entry, bool *done)
{
    TRY(leaf_own(w, root, c->key, path));
    *done = c->gate != 0 && data_of(path->leaf)->stored_version >= c->gate;
    *entry = leaf_seek(path->leaf, c->key, any ? 0 : c->value);
    return ATOLL_OK;
}

/* The entry of the key in the leaf's own data. */
static status entry_private(index_node *leaf, const index_entry *found, index_entry **out)
{
    index_entry sought = *found;
    TRY(leaf_private(leaf));
    *out = leaf_seek(leaf, sought.key, sought.value);
    return ATOLL_OK;
}

static status entry_add(const index_path *path, index_entry *e, const index_change *c)
{
    bool own = e >= path->leaf->extra && e < path->leaf->extra + path->leaf->extra_count;
    if (!own) TRY(entry_private(path->leaf, e, &e));
    e->value += c->value;
    return ATOLL_OK;
}

static status change_add(const tree_writer *w, index_node **root, const index_change *c,
                         bool counts)
{
    index_path path;
    index_entry *entry = NULL;
    bool done = false;
    while (!done) { /* Each time the leaf was split: one bit deeper, or with half of the entries. */
        TRY(change_begin(w, root, c, counts, &path, &entry, &done));
        if (done) break;
        if (entry != NULL) return counts ? entry_add(&path, entry, c) : ATOLL_OK;
        TRY(leaf_add(w, root, &path, (index_entry){c->key, c->value}, &done));
    }
    return ATOLL_OK;
}

status index_put(const tree_writer *w, index_node **root, index_change c)
{
    return change_add(w, root, &c, false);
}

status index_count_up(const tree_writer *w, index_node **root, index_change c)
{
    return change_add(w, root, &c, true);
}

status index_remove(const tree_writer *w, index_node **root, index_change c)
{
    index_path path;
    index_entry *entry = NULL;
    bool done = false;
    TRY(change_begin(w, root, &c, false, &path, &entry, &done));
    if (done || entry == NULL) return ATOLL_OK;
    TRY(entry_private(path.leaf, entry, &entry));
    return leaf_take(w, root, &path, entry);
}

status index_count_down(const tree_writer *w, index_node **root, index_change c)
{
    index_path path;
    index_entry *entry = NULL;
    bool done = false;
    TRY(change_begin(w, root, &c, true, &path, &entry, &done));
    if (done || entry == NULL) return ATOLL_OK;
    TRY(entry_private(path.leaf, entry, &entry));
    if (entry->value <= c.value) return leaf_take(w, root, &path, entry);
    entry->value -= c.value;
    return ATOLL_OK;
}

/* ---- reading ---- */
/* A lone look-up should load its own leaf only; where several came by, more will: then one pass over the store, for the
 * siblings lie next to each other, costs less than one look-up each. */
static status load_below(storage *store, const index_node *inner, const index_data *d)
{
    enum { VISITED_MIN = 3 };
    uint32_t visited = 0;
    for (size_t i = 0; i < INDEX_FANOUT && visited < VISITED_MIN; i = index_run_end(d, i)) {
        const index_node *child = index_children(d)[i];
        visited +=
            child != NULL && atomic_load_explicit(&child->data, memory_order_relaxed) != NULL;
    }
    return visited >= VISITED_MIN ? store_load_index_children(store, inner) : ATOLL_OK;
}

/* A leaf that no transaction can change any more, and its parent. */
static void way_found(const index_path *path, const index_data *leaf, uint8_t shift, uint64_t key)
{
    enum { PLACES_BITS_MAX = 15 };
    if (path->parent == NULL || 64 - shift > PLACES_BITS_MAX || path->leaf->extra_count != 0)
        return;
    const index_data *inner = atomic_load_explicit(&path->parent->data, memory_order_relaxed);
    atomic_store_explicit(&index_ways(inner)[index_slot(path->parent, key)],
                          (uintptr_t)leaf | (uintptr_t)(64 - shift), memory_order_release);
}

/* The leaf of the key; *out NULL: there is none. Of a leaf only the line with the entry is touched: what it takes to find
 * it is in the node, and in the way to it. */
static status leaf_find(storage *store, const tree_writer *writer, index_path path, uint64_t key,
                        const index_data **out, uint8_t *shift, const index_node **extra,
                        index_path *recent)
{
    const index_data *d = NULL;
    for (;;) {
        d = atomic_load_explicit(&path.leaf->data, memory_order_acquire);
        if (d == NULL) {
            if (path.parent != NULL)
                TRY(load_below(store, path.parent,
                               atomic_load_explicit(&path.parent->data, memory_order_acquire)));
            TRY(index_load(store, path.leaf, &d));
        }
        *shift = atomic_load_explicit(&path.leaf->shift, memory_order_relaxed);
        if (*shift != 0) break;
        path.parent = path.leaf;
        size_t slot = index_slot(path.parent, key);
        uintptr_t way = atomic_load_explicit(&index_ways(d)[slot], memory_order_acquire);
        if (way != 0) {
            *out = (const index_data *)(way & ~(uintptr_t)15);
            *shift = (uint8_t)(64 - (way & 15));
            return ATOLL_OK;
        }
        path.leaf = index_children(d)[slot];
        if (path.leaf == NULL) return ATOLL_OK;
    }
    *out = d;
    if (path.leaf->extra_count != 0) *extra = path.leaf;
    if (writer == NULL || path.leaf->stamp != writer->stamp)
        way_found(&path, d, *shift, key);
    else if (recent != NULL)
        *recent = path;
    return ATOLL_OK;
}

status index_find(storage *store, const tree_writer *writer, index_node *root, uint64_t key,
                  index_visitor each, void *context)
{
    index_path *recent = writer == NULL ? NULL : recent_of(writer, root);
    const index_data *d = NULL;
    const index_node *extra = NULL;
    uint8_t shift = 0;
    TRY(leaf_find(store, writer,
                  recent_covers(recent, root, key) ? *recent : (index_path){NULL, root}, key, &d,
                  &shift, &extra, recent));
    if (d == NULL) return ATOLL_OK;
    for (size_t i = 0; extra != NULL && i < extra->extra_count; i++)
        if (extra->extra[i].key == key && each(context, extra->extra[i].value)) return ATOLL_OK;
    const index_entry *e = index_entries(d);
    if (writer != NULL) __builtin_prefetch(d); /* who looks will put next, and needs the count */
    size_t mask = ((size_t)1 << (64 - shift)) - 1;
    for (size_t i = home_of(key, shift); e[i].value != 0; i = (i + 1) & mask)
        if (e[i].key == key && each(context, e[i].value)) return ATOLL_OK;
    return ATOLL_OK;
}

void index_fetch(const index_node *root, uint64_t key)
{
    for (const index_node *n = root; n != NULL;) {
        const index_data *d = atomic_load_explicit(&n->data, memory_order_acquire);
        uint8_t shift = atomic_load_explicit(&n->shift, memory_order_relaxed);
        if (d == NULL) return;
        if (shift != 0) {
            __builtin_prefetch(&index_entries(d)[home_of(key, shift)]);
            __builtin_prefetch(d);
            return;
        }
        n = index_children(d)[index_slot(n, key)];
    }
}

typedef struct range {
    storage *store;
    uint64_t prefix;
    unsigned bits;
    index_entry_visitor each;
    void *context;
    bool stop;
} range;

static status range_visit(range *r, index_node *n)
{
    const index_data *d = NULL;
    TRY(index_load(r->store, n, &d));
    uint64_t outside = r->bits == 0 ? 0 : ~(uint64_t)0 << (INDEX_KEY_BITS - r->bits);
    for (uint32_t i = 0; i < d->places && !r->stop; i++) {
        index_entry e = index_entries(d)[i];
        if (e.value != 0 && ((e.key ^ r->prefix) & outside) == 0) r->stop = r->each(r->context, e);
    }
    for (size_t i = 0; i < n->extra_count && !r->stop; i++)
        if (((n->extra[i].key ^ r->prefix) & outside) == 0)
            r->stop = r->each(r->context, n->extra[i]);
    if (index_is_leaf(d)) return ATOLL_OK;
    size_t from = 0, to = INDEX_FANOUT;
    if (r->bits > n->bits) {
        unsigned known = r->bits - n->bits;
        size_t width = known >= INDEX_FANOUT_BITS ? 1 : (size_t)1 << (INDEX_FANOUT_BITS - known);
        from = index_slot(n, r->prefix) & ~(width - 1);
        to = from + width;
    }
    if (to - from > 1) TRY(load_below(r->store, n, d));
    for (size_t i = from; i < to && !r->stop; i = index_run_end(d, i))
        if (index_children(d)[i] != NULL) TRY(range_visit(r, index_children(d)[i]));
    return ATOLL_OK;
}

status index_range(storage *store, index_node *root, uint64_t prefix, unsigned bits,
                   index_entry_visitor each, void *context)
{
    range r = {.store = store, .prefix = prefix, .bits = bits, .each = each, .context = context};
    return root == NULL ? ATOLL_OK : range_visit(&r, root);
}
