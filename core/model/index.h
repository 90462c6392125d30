#ifndef ATOLL_MODEL_INDEX_H
#define ATOLL_MODEL_INDEX_H
#include "model/value.h"
#include "storage/storage.h"
#include <stdatomic.h>

/* One structure for every index: a copy-on-write trie over 64-bit keys, five bits an inner node, whose leaves are small
 * open hash tables of (key, value), value not 0. A leaf covers an aligned run of its parent's places, so that leaves
 * stay between half full and full whatever the number of entries is.
 *
 *   key index:   hash of the primary key             → row
 *   values:      28 bits of the value's hash, row    → row
 *   backlinks:   28 bits of the target's row, origin → how often the origin links to it
 *   full text:   28 bits of the token's hash, row    → row
 *
 * Nobody may trust what is found alone: who looks up compares with the column. */
typedef struct index_node index_node;
typedef struct tree_writer tree_writer;

enum {
    INDEX_FANOUT_BITS = 5,
    INDEX_FANOUT = 1 << INDEX_FANOUT_BITS,
    INDEX_PLACES_MIN = 8,
    INDEX_PLACES_MAX = 128, /* a leaf that is three quarters full of these is split */
    INDEX_KEY_BITS = 64,
    INDEX_ROW_BITS = 36 /* of the keys that are made of two parts: see index_pair */
};

/* Which index of a class: the key index, or one of a property. */
enum { INDEX_OF_KEY = 0, INDEX_OF_VALUES = 1, INDEX_OF_BACKLINKS = 2, INDEX_OF_TEXT = 3 };
static inline uint32_t index_tree(property_key p, uint32_t kind)
{
    return p << 2 | kind;
}
/* All pairs of one first part lie side by side; of either part only the lower bits are kept. */
static inline uint64_t index_pair(uint64_t first, row_key row)
{
    return first << INDEX_ROW_BITS | (row & (((uint64_t)1 << INDEX_ROW_BITS) - 1));
}

typedef struct index_entry {
    uint64_t key, value; /* value 0: the place is empty */
} index_entry;

/* A thousand random keys touch a thousand leaves: what a transaction changes is small beside what it leaves as it is. So a
 * leaf that it takes over has the data of the version before and a few entries of its own, and an inner node holds a
 * reference to the one that it was copied from in place of one to each child. Both end after a few times. */
enum { INDEX_EXTRA_MAX = 12, INDEX_BASES_MAX = 4 };

typedef struct index_data index_data;
struct index_data {
    atomic_uint references;  /* of nodes, and of data that was copied from it */
    uint32_t count, places;  /* of a leaf */
    uint32_t owned;          /* inner: places of children that it has references to itself */
    uint64_t stored_version; /* every operation up to it is in; 0: was never on disk */
    uint64_t
        dropped; /* inner: children whose records go when this one is written; bit 2^level + number on the level */
    index_data *base; /* inner: has references to the other children; NULL: there are none */
    uint32_t bases;   /* how many, one behind the other */
    _Alignas(16) uint8_t
        room[]; /* leaf: entries; inner: INDEX_FANOUT children, NULL: empty; INDEX_FANOUT ways */
};

struct index_node {
    atomic_uint references;
    atomic_bool stored; /* the store has exactly this */
    atomic_uchar
        shift;    /* of a leaf: 64 less the logarithm of its places; 0: inner, or not loaded */
    uint8_t bits; /* that all keys below share */
    bool kept;    /* the store may have a record of this name */
    bool lent;    /* a leaf: its data are of a version before and stay as they are */
    uint8_t extra_count;
    class_key class_of;
    uint32_t tree;
    uint64_t prefix, stamp;
    _Atomic(index_data *) data; /* NULL: not loaded */
    index_entry extra[];        /* of a lent leaf: room for INDEX_EXTRA_MAX */
};

static inline index_entry *index_entries(const index_data *d)
{
    return (index_entry *)(uintptr_t)d->room;
}
static inline index_node **index_children(const index_data *d)
{
    return (index_node **)(uintptr_t)d->room;
}
/* The way to a child that is a leaf and will not change: its data, and in the low bits the logarithm of its places; 0: not
 * known yet. Who looks up passes the node by, which would be one more wait for memory. */
static inline _Atomic(uintptr_t) *index_ways(const index_data *d)
{
    return (_Atomic(uintptr_t) *)(uintptr_t)(d->room + INDEX_FANOUT * sizeof(index_node *));
}
static inline bool index_is_leaf(const index_data *d)
{
    return d->places != 0;
}
static inline size_t index_slot(const index_node *n, uint64_t key)
{
    return (size_t)(key << n->bits >> (INDEX_KEY_BITS - INDEX_FANOUT_BITS));
}
/* The first place behind the run of places that the child at `slot` has; for an empty place, the next one. */
size_t index_run_end(const index_data *inner, size_t slot);

/* The leaf of the open transaction's last change to a tree, and its parent: changes come in runs. */
typedef struct index_path {
    index_node *parent, *leaf;
} index_path;
enum { INDEX_RECENT = 8 };

index_node *index_handle(class_key c, uint32_t tree, uint8_t bits, uint64_t prefix);
index_node *index_new(class_key c, uint32_t tree, uint64_t stamp); /* an empty tree */
index_node *index_retain(index_node *n);
void index_release(index_node *n);
index_data *index_leaf_data(uint32_t count_max); /* an empty leaf with places for so many */
index_data *index_inner_data(void);
void index_data_free(index_data *d);                     /* one reference less */
void index_leaf_insert(index_data *leaf, index_entry e); /* there must be a place */
/* The data of a handle becomes known; another thread may have been faster. */
const index_data *index_publish(index_node *n, index_data *loaded);
status index_load(storage *store, index_node *n, const index_data **out) MUST_CHECK;

/* Changes of the transaction's own tree. gate: 0, or the version of the record that is replayed: leaves that have it
 * already stay as they are. */
typedef struct index_change {
    uint64_t key, value, gate;
} index_change;
status index_put(const tree_writer *w, index_node **root,
                 index_change c) MUST_CHECK; /* the same pair twice is one */
status index_remove(const tree_writer *w, index_node **root, index_change c) MUST_CHECK;
/* Values that count: value more, or less when it goes; at 0 the entry is gone. */
status index_count_up(const tree_writer *w, index_node **root, index_change c) MUST_CHECK;
status index_count_down(const tree_writer *w, index_node **root, index_change c) MUST_CHECK;

/* Steps through the values of a key: each returns true to stop. writer: of the open transaction, or NULL. */
typedef bool (*index_visitor)(void *context, uint64_t value);
status index_find(storage *store, const tree_writer *writer, index_node *root, uint64_t key,
                  index_visitor each, void *context) MUST_CHECK;
/* Asks the memory for what a find of the key will touch. */
void index_fetch(const index_node *root, uint64_t key);
/* Through the entries whose keys begin with the bits of the prefix, in no order. */
typedef bool (*index_entry_visitor)(void *context, index_entry e);
status index_range(storage *store, index_node *root, uint64_t prefix, unsigned bits,
                   index_entry_visitor each, void *context) MUST_CHECK;

/* ---- index_codec.c: the stored form ---- */
enum { INDEX_RECORD_KEY_SIZE = 18 };
bytes index_record_key(uint8_t to[INDEX_RECORD_KEY_SIZE], const index_node *n);
/* The name of the record that a bit of `dropped` stands for. */
bytes index_dropped_key(uint8_t to[INDEX_RECORD_KEY_SIZE], const index_node *inner, unsigned bit);
status index_encode(buffer *to, uint64_t version, const index_node *n) MUST_CHECK;
status store_load_index(storage *store, const index_node *n, index_data **out) MUST_CHECK;
/* Children that are not loaded, in one pass. */
status store_load_index_children(storage *store, const index_node *inner) MUST_CHECK;
#endif
