#ifndef ATOLL_STORAGE_STORAGE_H
#define ATOLL_STORAGE_STORAGE_H
#include "base/bytes.h"

/* The storage door: an ordered map of bytes with snapshots and atomic batches. Two implementations with the same
 * contract (tests/unit/storage runs the same random operations on both): RocksDB, and a memory store that can lose
 * or keep unsynced batches and fail any call; and a third that seals what it puts into another. Any thread may read
 * and write. */
struct memory_disk;
typedef struct storage storage;
typedef struct storage_batch storage_batch;
typedef struct storage_iterator storage_iterator;

typedef struct storage_options {
    bool read_only;
    bool create;         /* make the folder if it is missing; else FILE_NOT_FOUND */
    size_t memory_table; /* bytes that are gathered before they become a table; 0: 64 MB */
} storage_options;

status storage_open_rocksdb(const char *path, const storage_options *options,
                            storage **out) MUST_CHECK; /* FILE_IN_USE names the holder */
/* Removes the folder of a realm; one that is not there is fine. FILE_NOT_REALM when it holds anything else, FILE_IN_USE
 * while it is open anywhere: then nothing is touched. */
status storage_delete_rocksdb(const char *path) MUST_CHECK;
status storage_move_rocksdb(const char *path, const char *to) MUST_CHECK; /* nobody has it open */
status storage_open_memory(struct memory_disk *disk, storage **out) MUST_CHECK;
/* A store of its own in memory, gone when it is closed: that of realms that are never written to disk. */
status storage_open_volatile(storage **out) MUST_CHECK;
/* Puts authenticated encryption around a store and takes it over, also on failure. A key of 64 bytes, or none: then the
 * store itself comes back. WRONG_KEY: another key sealed it, it is not sealed, or it is and no key was given. */
status storage_seal(storage *inner, bytes key, storage **out) MUST_CHECK;
bool storage_is_sealed(const storage *s);
/* What the layer above keeps with its store. */
void storage_set_owner(storage *s, void *owner);
void *storage_owner(const storage *s);
void storage_close(storage *s);
bool storage_read_only(const storage *s);

/* *found false and *out empty when absent. The buffer is cleared first. */
status storage_get(storage *s, bytes key, buffer *out, bool *found) MUST_CHECK;
/* The same for a value that has a checksum of its own, which the caller looks at: the store may leave out its. */
status storage_get_checked(storage *s, bytes key, buffer *out, bool *found) MUST_CHECK;

status storage_batch_new(storage *s, storage_batch **out) MUST_CHECK;
void storage_batch_free(storage_batch *b);
status storage_batch_put(storage_batch *b, bytes key, bytes value) MUST_CHECK;
status storage_batch_delete(storage_batch *b, bytes key) MUST_CHECK;
status storage_batch_delete_range(storage_batch *b, bytes from,
                                  bytes to) MUST_CHECK; /* from <= key < to */
/* All or nothing. sync: on disk before the return; else some later synced write makes it durable, in order. */
status storage_write(storage *s, storage_batch *b, bool sync) MUST_CHECK;
status storage_sync(storage *s) MUST_CHECK; /* everything written so far is durable */
status storage_settle(storage *s)
    MUST_CHECK; /* recent writes into their final place: a quick next opening, less disk */

/* Iterates keys from <= key < to (to empty: no end) of a consistent snapshot taken now. */
status storage_iterate(storage *s, bytes from, bytes to, storage_iterator **out) MUST_CHECK;
bool storage_iterator_next(
    storage_iterator *i, bytes *key,
    bytes *value); /* false: the end or an error; views hold until the next call */
status storage_iterator_status(const storage_iterator *i) MUST_CHECK;
void storage_iterator_free(storage_iterator *i);
void storage_iterator_strip(
    storage_iterator *i,
    size_t size); /* cuts that many bytes off the front of every key it gives */
/* Everything written again without what was deleted or replaced. Reading goes on meanwhile. */
status storage_compact(storage *s) MUST_CHECK;
uint64_t storage_size_bytes(storage *s); /* on disk, roughly */
uint64_t storage_used_bytes(storage *s); /* what a compaction would leave of it, roughly */

/* The virtual disk of memory stores: survives storage_close and crashes. */
typedef struct memory_disk memory_disk;
memory_disk *memory_disk_new(uint64_t seed);
void memory_disk_free(memory_disk *d);
memory_disk *memory_disk_copy(const memory_disk *d); /* a copied folder */
/* Power cut: closes every handle's future (calls fail), drops a random suffix of the unsynced batches. */
void memory_disk_crash(memory_disk *d);
/* The k-th storage call from now on fails with the code, once (0: none). */
void memory_disk_fail_at(memory_disk *d, uint64_t k, status code);
uint64_t memory_disk_operations(const memory_disk *d); /* count of calls so far */
/* Called before each disk operation; the simulator crashes a node from here by returning true: the call and every
 * later one of that handle fail until the disk is opened again. */
void memory_disk_set_hook(memory_disk *d, bool (*before)(void *context), void *context);
void memory_disk_set_full(memory_disk *d, bool on); /* writing fails, reading does not */
void memory_disk_set_ignore_sync(memory_disk *d,
                                 bool on); /* a deliberate breakage for tests: sync does nothing */
#endif
