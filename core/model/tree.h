#ifndef ATOLL_MODEL_TREE_H
#define ATOLL_MODEL_TREE_H
#include "model/index.h"
#include "model/leaf.h"
#include <stdatomic.h>

/* The version tree. Everything below a view is immutable and reference counted, except what carries the stamp of the
 * one open transaction: that is changed in place.
 *
 *   view → class_state → tree_node (32-way) … → segment (1024 rows: alive bits) → block (one column of the segment)
 *                      → index_node (model/index.h) … → leaf of (hash, row)
 *
 * Segments, blocks and index nodes are handles: their data is loaded from the store on first touch. A transaction loads
 * a handle before it copies it, so a pinned version never finds newer data behind a handle that it shares. */

enum { TREE_FANOUT_BITS = 5, TREE_FANOUT = 1 << TREE_FANOUT_BITS };
enum {
    COLUMN_FIXED8 = 1,
    COLUMN_FIXED16 = 2,
    COLUMN_TEXT = 3,
    COLUMN_LIST = 4,
    COLUMN_BITS = 5 /* bools */
};
/* Slots of a class's columns: 0 to 3 belong to embedded classes (identity, owner), a property's slot follows. */
enum {
    SLOT_IDENTITY = 0,
    SLOT_OWNER_ROW = 1,
    SLOT_OWNER_PLACE = 2,
    SLOT_OWNER_ELEMENT = 3,
    SLOT_FIRST = 3
};
enum { ROW_DEAD = 0, ROW_ALIVE = 1, ROW_HIDDEN = 2 };
enum { BLOCK_WORDS = MODEL_BLOCK_ROWS / 64 };

typedef struct column_type {
    uint8_t kind, type;
    bool nullable;
} column_type;

/* A collection: a counted tree of nodes, whose leaves hold up to LIST_LEAF_COUNT elements. A change copies the way to
 * one leaf. A small one is a single leaf and lies in its block; else each node is a record of its own, an extent. */
enum {
    LIST_LEAF_COUNT = 256,
    LIST_LEAF_SIZE = 16 << 10, /* of texts, unless a single one is longer */
    LIST_INLINE_SIZE = 512,
    LIST_FANOUT = 64,
    LIST_HEIGHT_MAX = 8,
    LIST_OPEN_MAX = 8
};
typedef struct list_node list_node;
typedef struct list_child {
    list_node *node;
    uint32_t count, visible;
} list_child;
typedef struct list_inner {
    uint32_t used;
    list_child children[LIST_FANOUT];
} list_inner;
struct list_node {
    atomic_uint references;
    atomic_bool stored;       /* as an extent */
    bool leaf, outlined;      /* outlined: below another node, so it is stored as an extent */
    uint64_t stamp, id, born; /* born: the version; 0: loaded */
    list_state *open;         /* a leaf of the open transaction, being changed: instead of data */
    size_t open_limit;        /* of its heap, until what is not used is thrown out */
    _Atomic(void *) data;     /* list_leaf or list_inner; NULL: not loaded */
};
typedef struct list_cell {
    atomic_uint references;
    uint32_t height; /* 0: the root is a leaf */
    uint64_t stamp, life;
    uint64_t count, visible; /* elements; those that are not erased */
    list_node *root;         /* NULL: empty */
} list_cell;

/* A text or binary out of line (large.c): an extent. */
typedef struct large_value {
    atomic_uint references;
    atomic_bool stored, used;
    uint32_t row, size, swept;
    uint64_t stamp, id, born; /* born: the version; 0: loaded */
    _Atomic(uint8_t *) data;  /* NULL: not loaded */
} large_value;
enum { LARGE_SIZE_MIN = 1025 };

typedef struct block_data {
    atomic_uint references; /* of its block and of windows */
    column_type type;
    bool has_range;
    uint32_t filled; /* text: offsets up to this row are final; the rest is empty */
    union {
        struct {
            int64_t minimum, maximum;
        } integer;
        struct {
            double minimum, maximum;
        } real;
    } range;
    uint8_t *heap;
    size_t heap_size, heap_capacity;
    large_value **large; /* text: of the rows whose values lie out of line, by rising row */
    uint32_t large_count;
    uint64_t null_bits[BLOCK_WORDS];
    _Alignas(16) uint8_t slots
        []; /* int64 | 16 bytes | offsets uint32[1025] | list_cell pointers | bits, 64 a word */
} block_data;

typedef struct block {
    atomic_uint references;
    atomic_bool stored;     /* the store has exactly this */
    atomic_bool absent;     /* stored as nothing: every row holds what a fresh block holds */
    atomic_bool superseded; /* a transaction took it over: the store may soon hold its successor */
    atomic_bool used;       /* since it was last passed over by the memory budget */
    uint32_t swept;         /* model/cache.c */
    _Atomic(struct block_spill *) spill; /* where it lies while the store does not have it */
    column_type type;
    uint64_t stamp;
    class_key class_of;
    uint32_t slot;
    uint64_t segment;
    _Atomic(block_data *) data; /* NULL: not loaded */
} block;

typedef struct segment_data {
    uint64_t alive[BLOCK_WORDS], hidden[BLOCK_WORDS];
    uint32_t alive_count, slot_count;
    uint64_t stored_version; /* of the record on disk; 0: none */
    block **blocks;          /* slot_count; NULL: the column is absent */
} segment_data;

typedef struct segment {
    atomic_uint references;
    atomic_bool stored; /* header and all blocks */
    uint64_t stamp;
    class_key class_of;
    uint64_t index;
    _Atomic(segment_data *) data;
} segment;

typedef struct tree_node {
    atomic_uint references;
    atomic_bool stored;
    uint64_t stamp;
    void *children[TREE_FANOUT]; /* tree_node or, at height 1, segment */
} tree_node;

/* An index of one of the class's properties. */
typedef struct class_index {
    uint32_t tree;
    index_node *root;
} class_index;

typedef struct class_state {
    atomic_uint references;
    uint64_t stamp;
    class_key key;
    row_key next_row;
    uint64_t alive_count;
    uint64_t stored_version; /* counters are those of this version */
    uint32_t height;
    tree_node *root;
    index_node *index;  /* of the key */
    class_index *trees; /* of properties; those that have no entry yet may be absent */
    uint32_t tree_count;
} class_state;

typedef struct shared_schema {
    atomic_uint references;
    model_schema schema;
} shared_schema;

typedef VECTOR(block *) block_vector;

/* Extents: records under a number of their own, written once. Whoever changes what is in one writes another; the old one
 * is deleted when neither the store's root nor a version in memory names it (extent.c). */
typedef struct dead_extent {
    uint64_t id, version, born; /* the first version without it; the first with it */
} dead_extent;
typedef struct extent_writer {
    atomic_uint_least64_t *next;
    uint64_t version; /* of the transaction */
    VECTOR(dead_extent) dead;
} extent_writer;
/* Leaves of collections that the transaction is changing. */
typedef struct list_writer {
    list_node *open[LIST_OPEN_MAX]; /* references, the newest first */
    buffer text; /* of the element that comes in: it may lie in a leaf that moves */
} list_writer;

/* What a change needs: the transaction's stamp, the text blocks to finish at the commit, and where it changed indexes
 * last: INDEX_RECENT places, or NULL. */
struct tree_writer {
    storage *store;
    const model_schema *schema;
    uint64_t stamp;
    block_vector *texts;
    index_path *recent;
    extent_writer *extents;
    list_writer *lists;
};

/* ---- extent.c ---- */
uint64_t extent_new(const tree_writer *w);
status extent_drop(const tree_writer *w, uint64_t id, uint64_t born) MUST_CHECK;

/* ---- block.c ---- */
column_type column_type_of(const model_property *p);
column_type column_type_system(uint32_t slot);
block *block_new(const tree_writer *w, class_key c, uint32_t slot, uint64_t segment_index,
                 column_type type);
block *block_handle(class_key c, uint32_t slot, uint64_t segment_index,
                    column_type type); /* not loaded, stored */
block *block_retain(block *b);
void block_release(block *b);
block_data *block_data_retain(block_data *d);
void block_data_free(block_data *d); /* one reference less */
size_t block_data_size(const block_data *d);
bool block_is_evictable(const block_data *d);
block_data *block_data_new(column_type type);
status block_load(storage *store, block *b, const block_data **out) MUST_CHECK;
status block_own(const tree_writer *w, block **place) MUST_CHECK;
status block_set(const tree_writer *w, block *b, uint32_t row,
                 const value *v) MUST_CHECK;                   /* owned; null allowed */
void block_get(const block_data *d, uint32_t row, value *out); /* no value out of line */
status block_read(storage *store, const block_data *d, uint32_t row, value *out) MUST_CHECK;
void block_finish(block *b);
status block_clear_row(const tree_writer *w, block **place,
                       uint32_t row) MUST_CHECK; /* back to null or default */
list_cell *block_cell(const block_data *d, uint32_t row);
status block_own_cell(block *b, uint32_t row,
                      list_cell **out) MUST_CHECK; /* owned block; made if absent */
static inline bool block_is_null(const block_data *d, uint32_t row)
{
    return d->type.nullable && (d->null_bits[row / 64] >> (row % 64) & 1);
}

/* ---- large.c ---- */
void large_release(large_value *l);
large_value *large_retain(large_value *l);
large_value *large_find(const block_data *d, uint32_t row); /* NULL: the value is in the block */
status large_load(storage *store, large_value *l, bytes *out) MUST_CHECK;
/* In a block of the transaction. */
status large_set(const tree_writer *w, block_data *d, uint32_t row, bytes text) MUST_CHECK;
status large_clear(const tree_writer *w, block_data *d, uint32_t row) MUST_CHECK;
status large_drop_all(const tree_writer *w, const block_data *d) MUST_CHECK; /* the extents only */
status large_copy_all(const block_data *from, block_data *to) MUST_CHECK;
void large_free_all(block_data *d);

/* ---- cell.c ---- */
list_cell *list_cell_new(uint64_t stamp);
void list_cell_release(list_cell *cell);
status list_cell_own(list_cell **place, uint64_t stamp) MUST_CHECK;
/* Reading. A position counts erased elements too, an index does not. Views hold until the cell is changed. */
uint64_t list_cell_count(const list_cell *cell); /* positions */
status list_cell_element(storage *store, const list_cell *cell, uint64_t position,
                         list_element *out) MUST_CHECK;
status list_cell_position(storage *store, const list_cell *cell, uint64_t index,
                          uint64_t *out) MUST_CHECK; /* count: past the end */
status list_cell_index(storage *store, const list_cell *cell, uint64_t position,
                       uint64_t *out) MUST_CHECK; /* visible elements before it */
status list_cell_locate(storage *store, const list_cell *cell, uint64_t index, element_id *parent,
                        uint8_t *side, uint64_t *position) MUST_CHECK;
status list_cell_state(storage *store, const list_cell *cell, list_state *out) MUST_CHECK;
/* In a cell in order: the element, erased or not, or where it belongs. key NULL: by value, else by key. */
status list_cell_find(storage *store, const list_cell *cell, const value *v, const bytes *key,
                      bool *found, uint64_t *position) MUST_CHECK;
/* Steps through the elements that are not erased, from the front; nothing may be written to the cell meanwhile. */
typedef struct list_walk {
    storage *store;
    const list_cell *cell; /* NULL: there is none */
    uint64_t position;
    status result;
    uint64_t first, end; /* positions of the leaf at hand */
    const list_state *open;
    leaf_view leaf;
} list_walk;
bool list_walk_next(list_walk *walk, list_element *out); /* false: the end, or walk->result */
/* Writing: the cell is the writer's own. */
status list_cell_insert(const tree_writer *w, list_cell *cell, uint64_t position,
                        const list_element *element) MUST_CHECK;
status list_cell_set(const tree_writer *w, list_cell *cell, uint64_t position,
                     const list_element *from) MUST_CHECK; /* an erased one comes back */
/* WHOLE: nothing stays. Else a mark stays; of a list, without the value; of a set, with it; of a dictionary, the key. In
 * the latter two erasing is a decision like any, so it has no stamp yet. */
enum list_erasure {
    LIST_ERASE_WHOLE,
    LIST_ERASE_IN_LIST,
    LIST_ERASE_IN_SET,
    LIST_ERASE_IN_DICTIONARY,
    LIST_ERASE_MOVED /* the element has another place from now on */
};
status list_cell_erase(const tree_writer *w, list_cell *cell, uint64_t position,
                       enum list_erasure how, uint64_t touched) MUST_CHECK;
status list_cell_move(const tree_writer *w, list_cell *cell, uint64_t from,
                      uint64_t to) MUST_CHECK; /* to: its position afterwards */
status list_cell_clear(const tree_writer *w, list_cell *cell, uint64_t life) MUST_CHECK;
/* The collection goes with its row; the cell may be another version's too. */
status list_cell_drop(const tree_writer *w, list_cell *cell) MUST_CHECK;
/* Packs the leaves that are open; at the latest before the version is published. */
status list_leaves_close(const tree_writer *w) MUST_CHECK;
void list_writer_free(list_writer *lists);
status list_cell_store(const tree_writer *w, list_cell *cell,
                       const list_state *state) MUST_CHECK; /* in order already */
/* Nodes. */
list_node *list_node_new(bool leaf, uint64_t stamp);
list_node *list_node_handle(uint64_t id, bool leaf);
list_node *list_node_retain(list_node *n);
void list_node_release(list_node *n);
status list_node_load(storage *store, list_node *n, const void **out) MUST_CHECK;
static inline const list_leaf *list_cell_inline(const list_cell *cell) /* NULL: in extents */
{
    if (cell->root == NULL || cell->height != 0) return NULL;
    const list_leaf *leaf = atomic_load_explicit(&cell->root->data, memory_order_acquire);
    return leaf != NULL && leaf->size <= LIST_INLINE_SIZE ? leaf : NULL;
}

/* ---- tree.c ---- */
void segment_release(segment *s);
void segment_data_free(segment_data *d);
status segment_load(storage *store, const model_schema *schema, segment *s,
                    const segment_data **out) MUST_CHECK;
segment *segment_handle(class_key c, uint64_t index);
class_state *class_state_new(class_key key, uint64_t stamp);
class_state *class_state_retain(class_state *c);
void class_state_release(class_state *c);
status class_state_own(class_state **place, uint64_t stamp) MUST_CHECK;
status class_state_add_handles(class_state *c, uint64_t segment_count)
    MUST_CHECK;                                               /* at open: segments not loaded yet */
class_index *class_tree(const class_state *c, uint32_t tree); /* NULL: none */
/* Of the transaction's own class. */
status class_tree_add(class_state *c, uint32_t tree, uint64_t stamp, class_index **out) MUST_CHECK;
status class_tree_push(class_state *c, uint32_t tree, index_node *root) MUST_CHECK; /* takes root */
void class_tree_drop(class_state *c, uint32_t tree);
segment *class_segment(const class_state *c, uint64_t index); /* NULL: none */
status class_segment_own(const tree_writer *w, class_state *c, uint64_t index,
                         segment **out) MUST_CHECK;
/* The block of a row for writing; made if absent. */
status segment_block_own(const tree_writer *w, segment *s, uint32_t slot, column_type type,
                         block **out) MUST_CHECK;
/* The block for reading: *out NULL when the column is absent. */
status class_block(storage *store, const model_schema *schema, const class_state *c, row_key row,
                   uint32_t slot, const block_data **out) MUST_CHECK;
status class_row_state(storage *store, const model_schema *schema, const class_state *c,
                       row_key row, uint8_t *out) MUST_CHECK;
static inline uint8_t segment_row_state(const segment_data *d, row_key row)
{
    size_t word = row % MODEL_BLOCK_ROWS / 64;
    if ((d->alive[word] >> (row % 64) & 1) != 0) return ROW_ALIVE;
    return (d->hidden[word] >> (row % 64) & 1) != 0 ? ROW_HIDDEN : ROW_DEAD;
}
static inline uint32_t slot_of(property_key p)
{
    return p + SLOT_FIRST;
}

/* ---- codec.c: the stored form ---- */
status store_load_block(storage *store, const block *b, block_data **out) MUST_CHECK;
status store_load_segment(storage *store, const model_schema *schema, const segment *s,
                          segment_data **out) MUST_CHECK;
status store_load_list(storage *store, const list_node *n, void **out) MUST_CHECK;
#endif
