#ifndef ATOLL_MODEL_CACHE_H
#define ATOLL_MODEL_CACHE_H
#include "model/tree.h"

/* The memory budget of an open realm. Blocks that the store can give again are let go when the budget is exceeded, those
 * that were not touched lately first; blocks of pinned versions that the store no longer has, and blocks that are not
 * stored yet, are spilled: written under keys of their own that the next opening drops.
 *
 * Who may hold a pointer into a block (the data behind it, not the handle):
 *   - whoever holds a view, or a transaction, that is awake; every view is, unless its holder has said model_view_rest;
 *   - a thread between model_read_begin and model_read_end, or since its last model_read_pause;
 *   - whoever holds a reference to the data (a window).
 * Data that was let go is freed once nobody of the first two remains from before. */
typedef struct cache cache;
typedef struct block_spill block_spill;

status cache_new(model_db *db, uint64_t budget, cache **out) MUST_CHECK;
void cache_free(cache *k); /* after the last view */
/* The realm's cache; NULL while it is opened or closed. */
cache *cache_of(storage *store);
/* So many bytes more are in memory; may let others go. */
void cache_loaded(storage *store, size_t size);
bool cache_is_full(const cache *k);
void cache_wait(
    cache
        *k); /* until no block is being let go: before a newer block is stored over an older one */
uint64_t cache_epoch(const cache *k);
/* For the transaction between two operations: spills its own blocks when the budget is exceeded. */
void cache_relieve(cache *k, model_txn *txn);
status cache_load_spilled(storage *store, const block *b, const block_spill *spill,
                          block_data **out) MUST_CHECK;
void cache_drop_spilled(block_spill *spill); /* NULL: nothing */
#endif
