/* The durable store: one RocksDB database in the realm's folder, beside a marker file that says that it is ours and the
 * lock that names the process that has it open. This is the only file that knows RocksDB. It must never touch a folder
 * that holds anything else. Invariant: the lock is held from before the database is opened until after it is closed. */
#include "base/vector.h"
#include "platform/file.h"
#include "platform/thread.h"
#include "storage/storage_internal.h"
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    MEMTABLE_SIZE = 64 << 20,
    WRITE_BACK_SIZE = 512 << 10,
    TABLE_BLOCK_SIZE = 8 << 10,
    WASTE_SIZE_MIN = 16 << 20
};
#define MARKER_NAME "atoll.realm"
#define LOCK_NAME "atoll.lock"
static const char marker_text[] =
    "This folder is an Atoll realm. Delete or copy it as a whole, while no process has it open.\n";

typedef struct rocks_store {
    storage base;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_block_based_table_options_t *table;
    rocksdb_readoptions_t *read, *read_checked;
    rocksdb_writeoptions_t *write, *write_sync;
    file_lock *lock;
    uint64_t compact_size; /* of the tables when they last held nothing twice; 0: not known */
    char *path;
} rocks_store;

typedef struct rocks_batch {
    storage_batch base;
    rocksdb_writebatch_t *batch;
} rocks_batch;

typedef struct rocks_iterator {
    storage_iterator base;
    rocks_store *store;
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *read;
    rocksdb_iterator_t *iterator;
    uint8_t *end; /* RocksDB keeps a view of the bound */
    bool started;
} rocks_iterator;

static const storage_operations rocks_operations;

/* Takes RocksDB's message over and turns it into one of our codes. */
static status rocks_failure(const rocks_store *s, const char *doing, char *message)
{
    status code = ATOLL_ERROR_FILE_ACCESS;
    const char *mend = "check the folder and the disk";
    bool full = strstr(message, "No space left") != NULL || strstr(message, "NoSpace") != NULL ||
                strstr(message, "File too large") != NULL;
    if (full) {
        code = ATOLL_ERROR_DISK_FULL;
        mend = "make room on the disk and open the realm again";
    } else if (strncmp(message, "Corruption", 10) == 0) {
        code = ATOLL_ERROR_FILE_CORRUPT;
        mend = "restore a copy, or delete the realm and download it again";
    } else if (strstr(message, "Permission denied") != NULL) {
        code = ATOLL_ERROR_FILE_PERMISSION;
        mend = "check who owns the folder";
    } else if (strstr(message, "lock ") != NULL) {
        code = ATOLL_ERROR_FILE_IN_USE;
        mend = "close it in the other process";
    }
    (void)fail(code, "%s the realm in %s failed: %s; %s", doing, s->path, message, mend);
    rocksdb_free(message);
    return code;
}

/* ---- opening ---- */
typedef struct folder_content {
    size_t count;
    bool has_marker;
} folder_content;

static status note_name(void *context, const char *name)
{
    folder_content *content = context;
    /* A marker that a kill cut off waits beside its place, and the folder is as fresh as before. */
    bool unfinished = strncmp(name, MARKER_NAME ".", sizeof MARKER_NAME) == 0;
    if (strcmp(name, LOCK_NAME) == 0 || unfinished) return ATOLL_OK;
    content->count++;
    content->has_marker |= strcmp(name, MARKER_NAME) == 0;
    return ATOLL_OK;
}

static status join_path(const char *path, const char *name, char **out)
{
    size_t size = strlen(path) + strlen(name) + 2;
    *out = memory_allocate(size);
    if (*out == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    snprintf(*out, size, "%s/%s", path, name);
    return ATOLL_OK;
}

static status check_folder(const char *path, const storage_options *options, bool *fresh)
{
    folder_content content = {0};
    if (!file_exists(path)) {
        if (!options->create || options->read_only)
            return fail(ATOLL_ERROR_FILE_NOT_FOUND, "there is no realm at %s", path);
        TRY(file_make_folders(path));
    }
    status result = file_list(path, note_name, &content);
    if (result != ATOLL_OK) {
        /* A plain file in the place of the folder is the common mistake. */
        return fail_context(result == ATOLL_ERROR_FILE_PERMISSION ? result
                                                                  : ATOLL_ERROR_FILE_NOT_REALM,
                            "%s is not a realm's folder: ", path);
    }
    *fresh = content.count == 0;
    if (*fresh && (!options->create || options->read_only))
        return fail(ATOLL_ERROR_FILE_NOT_FOUND, "there is no realm at %s: the folder is empty",
                    path);
    if (!*fresh && !content.has_marker)
        return fail(ATOLL_ERROR_FILE_NOT_REALM,
                    "%s holds other files and is not a realm; choose another folder", path);
    return ATOLL_OK;
}

static status write_marker(const char *path)
{
    char *marker = NULL;
    TRY(join_path(path, MARKER_NAME, &marker));
    status result = file_write(marker, bytes_text(marker_text), 0644);
    memory_free(marker);
    return result;
}

static status take_lock(rocks_store *s)
{
    char *lock = NULL;
    TRY(join_path(s->path, LOCK_NAME, &lock));
    status result = file_lock_take(lock, NULL, &s->lock);
    memory_free(lock);
    return result;
}

static void set_options(rocks_store *s, size_t memory_table)
{
    rocksdb_options_t *o = s->options;
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_compression(o, rocksdb_no_compression);
    rocksdb_options_set_write_buffer_size(o, memory_table == 0 ? MEMTABLE_SIZE : memory_table);
    rocksdb_options_set_allow_mmap_reads(o, 1);
    /* The disk gets what is written little by little, so that who waits for a sync waits for little. */
    rocksdb_options_set_bytes_per_sync(o, WRITE_BACK_SIZE);
    rocksdb_options_set_wal_bytes_per_sync(o, WRITE_BACK_SIZE);
    rocksdb_options_set_max_background_jobs(o, 1);
    rocksdb_options_set_max_file_opening_threads(o,
                                                 1); /* else sixteen threads start at every open */
    rocksdb_options_set_allow_concurrent_memtable_write(o, 0);
    rocksdb_options_set_skip_stats_update_on_db_open(o, 1);
    rocksdb_options_set_skip_checking_sst_file_sizes_on_db_open(o, 1);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
    rocksdb_options_set_avoid_unnecessary_blocking_io(o, 1);
    rocksdb_options_set_keep_log_file_num(o, 1);
    /* Nothing: its log file is written to again after a full disk, and that aborts the process. What fails is returned. */
    rocksdb_options_set_info_log_level(o, 5);
    /* A torn tail is what a power cut leaves; anything else that does not read back is damage and is said. */
    rocksdb_options_set_wal_recovery_mode(o, rocksdb_point_in_time_recovery);
    rocksdb_block_based_options_set_block_size(s->table, TABLE_BLOCK_SIZE);
    rocksdb_block_based_options_set_no_block_cache(s->table, 1);
    rocksdb_options_set_block_based_table_factory(o, s->table);
    rocksdb_writeoptions_set_sync(s->write_sync, 1);
}

static void rocks_close(storage *base)
{
    rocks_store *s = (rocks_store *)base;
    if (s->db != NULL) rocksdb_close(s->db);
    if (s->options != NULL) rocksdb_options_destroy(s->options);
    if (s->table != NULL) rocksdb_block_based_options_destroy(s->table);
    if (s->read != NULL) rocksdb_readoptions_destroy(s->read);
    if (s->read_checked != NULL) rocksdb_readoptions_destroy(s->read_checked);
    if (s->write != NULL) rocksdb_writeoptions_destroy(s->write);
    if (s->write_sync != NULL) rocksdb_writeoptions_destroy(s->write_sync);
    file_lock_free(s->lock);
    memory_free(s->path);
    memory_free(s);
}

static status open_database(rocks_store *s, size_t memory_table)
{
    char *message = NULL;
    s->options = rocksdb_options_create();
    s->table = rocksdb_block_based_options_create();
    s->read = rocksdb_readoptions_create();
    s->read_checked = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(s->read_checked, 0);
    s->write = rocksdb_writeoptions_create();
    s->write_sync = rocksdb_writeoptions_create();
    set_options(s, memory_table);
    s->db = s->base.read_only ? rocksdb_open_for_read_only(s->options, s->path, 0, &message)
                              : rocksdb_open(s->options, s->path, &message);
    return message == NULL ? ATOLL_OK : rocks_failure(s, "opening", message);
}

static status open_store(rocks_store *s, const storage_options *options)
{
    bool fresh = false;
    TRY(check_folder(s->path, options, &fresh));
    if (!options->read_only) TRY(take_lock(s));
    if (fresh) TRY(write_marker(s->path));
    return open_database(s, options->memory_table);
}

/* RocksDB keeps threads for the whole process, and a forked child has none of them: it would hang when it closes. */
static status check_process(void)
{
    static atomic_uint_least64_t first;
    uint64_t process = 0, self = process_self();
    if (atomic_compare_exchange_strong(&first, &process, self) || process == self) return ATOLL_OK;
    return fail(ATOLL_ERROR_FORKED, "a realm was opened before fork(), so this child process can "
                                    "open none: open realms after the fork only, or exec");
}

status storage_open_rocksdb(const char *path, const storage_options *options, storage **out)
{
    TRY(check_process());
    rocks_store *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    s->base.operations = &rocks_operations;
    s->base.read_only = options->read_only;
    s->path = memory_copy_text(path, strlen(path));
    status result = s->path == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : open_store(s, options);
    if (result != ATOLL_OK) {
        rocks_close(&s->base);
        return result;
    }
    *out = &s->base;
    return ATOLL_OK;
}

status storage_delete_rocksdb(const char *path)
{
    rocks_store s = {.path = (char *)(uintptr_t)path};
    storage_options options = {.create = true};
    bool fresh = false;
    if (!file_exists(path)) return ATOLL_OK;
    TRY(check_folder(path, &options, &fresh));
    TRY(take_lock(&s));
    status result = file_remove_tree(path);
    file_lock_free(s.lock);
    return result;
}

status storage_move_rocksdb(const char *path, const char *to)
{
    rocks_store s = {.path = (char *)(uintptr_t)path};
    storage_options options = {0};
    bool fresh = false;
    TRY(check_folder(path, &options, &fresh));
    TRY(take_lock(&s));
    status result = file_move(path, to);
    file_lock_free(s.lock);
    return result;
}

/* ---- reading and writing ---- */
static const char *text(bytes b)
{
    return b.data == NULL ? "" : (const char *)b.data;
}

static status read_value(const rocks_store *s, const rocksdb_readoptions_t *options, bytes key,
                         buffer *out, bool *found)
{
    char *message = NULL;
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned(s->db, options, text(key), key.size, &message);
    if (message != NULL) return rocks_failure(s, "reading", message);
    if (slice == NULL) return ATOLL_OK;
    size_t size = 0;
    const char *data = rocksdb_pinnableslice_value(slice, &size);
    status result = buffer_append(out, data, size);
    rocksdb_pinnableslice_destroy(slice);
    *found = result == ATOLL_OK;
    return result;
}

static status rocks_get(storage *base, bytes key, buffer *out, bool *found)
{
    const rocks_store *s = (rocks_store *)base;
    return read_value(s, s->read, key, out, found);
}

static status rocks_get_checked(storage *base, bytes key, buffer *out, bool *found)
{
    const rocks_store *s = (rocks_store *)base;
    return read_value(s, s->read_checked, key, out, found);
}

static status rocks_batch_new(storage *s, storage_batch **out)
{
    (void)s;
    rocks_batch *b = memory_allocate_zero(sizeof *b);
    if (b == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    b->base.operations = &rocks_operations;
    b->batch = rocksdb_writebatch_create();
    *out = &b->base;
    return ATOLL_OK;
}

static void rocks_batch_free(storage_batch *base)
{
    rocks_batch *b = (rocks_batch *)base;
    rocksdb_writebatch_destroy(b->batch);
    memory_free(b);
}

static status rocks_batch_put(storage_batch *base, bytes key, bytes value)
{
    rocksdb_writebatch_put(((rocks_batch *)base)->batch, text(key), key.size, text(value),
                           value.size);
    return ATOLL_OK;
}

static status rocks_batch_delete(storage_batch *base, bytes key)
{
    rocksdb_writebatch_delete(((rocks_batch *)base)->batch, text(key), key.size);
    return ATOLL_OK;
}

static status rocks_batch_delete_range(storage_batch *base, bytes from, bytes to)
{
    /* The other store takes an empty range for nothing; here it would be an error. */
    if (bytes_compare(from, to) < 0)
        rocksdb_writebatch_delete_range(((rocks_batch *)base)->batch, text(from), from.size,
                                        text(to), to.size);
    return ATOLL_OK;
}

static status rocks_write(storage *base, storage_batch *batch, bool sync)
{
    rocks_store *s = (rocks_store *)base;
    char *message = NULL;
    rocksdb_write(s->db, sync ? s->write_sync : s->write, ((rocks_batch *)batch)->batch, &message);
    return message == NULL ? ATOLL_OK : rocks_failure(s, "writing", message);
}

static status rocks_sync(storage *base)
{
    rocks_store *s = (rocks_store *)base;
    char *message = NULL;
    rocksdb_flush_wal(s->db, 1, &message);
    return message == NULL ? ATOLL_OK : rocks_failure(s, "syncing", message);
}

static uint64_t table_bytes(const rocks_store *s)
{
    uint64_t size = 0;
    return rocksdb_property_int(s->db, "rocksdb.total-sst-files-size", &size) == 0 ? size : 0;
}

/* Log records that were dropped and blocks that were written again fill the tables until a compaction; the store's own
 * ones come late for a realm of this size. */
static status flush_tables(rocks_store *s)
{
    char *message = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(s->db, options, &message);
    rocksdb_flushoptions_destroy(options);
    return message == NULL ? ATOLL_OK : rocks_failure(s, "settling", message);
}

static status rocks_compact(storage *base)
{
    rocks_store *s = (rocks_store *)base;
    TRY(flush_tables(s));
    rocksdb_compact_range(s->db, NULL, 0, NULL, 0);
    s->compact_size = table_bytes(s);
    return ATOLL_OK;
}

static status rocks_settle(storage *base)
{
    rocks_store *s = (rocks_store *)base;
    TRY(flush_tables(s));
    if (table_bytes(s) < s->compact_size + s->compact_size / 2 + WASTE_SIZE_MIN) return ATOLL_OK;
    return rocks_compact(base);
}

/* ---- iteration ---- */
static void rocks_iterator_free(storage_iterator *base)
{
    rocks_iterator *i = (rocks_iterator *)base;
    if (i->iterator != NULL) rocksdb_iter_destroy(i->iterator);
    if (i->read != NULL) rocksdb_readoptions_destroy(i->read);
    if (i->snapshot != NULL) rocksdb_release_snapshot(i->store->db, i->snapshot);
    memory_free(i->end);
    memory_free(i);
}

static status rocks_iterate(storage *base, bytes from, bytes to, storage_iterator **out)
{
    rocks_store *s = (rocks_store *)base;
    rocks_iterator *i = memory_allocate_zero(sizeof *i);
    if (i == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    i->base.operations = &rocks_operations;
    i->store = s;
    i->end = memory_allocate(to.size);
    if (i->end == NULL) {
        memory_free(i);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    if (to.size != 0) memcpy(i->end, to.data, to.size);
    i->snapshot = rocksdb_create_snapshot(s->db);
    i->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(i->read, i->snapshot);
    if (to.size != 0)
        rocksdb_readoptions_set_iterate_upper_bound(i->read, (const char *)i->end, to.size);
    i->iterator = rocksdb_create_iterator(s->db, i->read);
    rocksdb_iter_seek(i->iterator, text(from), from.size);
    *out = &i->base;
    return ATOLL_OK;
}

static bool rocks_iterator_next(storage_iterator *base, bytes *key, bytes *value)
{
    rocks_iterator *i = (rocks_iterator *)base;
    if (i->started && rocksdb_iter_valid(i->iterator)) rocksdb_iter_next(i->iterator);
    i->started = true;
    if (!rocksdb_iter_valid(i->iterator)) return false;
    size_t size = 0;
    const char *data = rocksdb_iter_key(i->iterator, &size);
    *key = bytes_of(data, size);
    data = rocksdb_iter_value(i->iterator, &size);
    *value = bytes_of(data, size);
    return true;
}

static status rocks_iterator_status(const storage_iterator *base)
{
    const rocks_iterator *i = (const rocks_iterator *)base;
    char *message = NULL;
    rocksdb_iter_get_error(i->iterator, &message);
    return message == NULL ? ATOLL_OK : rocks_failure(i->store, "reading", message);
}

static uint64_t memory_table_bytes(const rocks_store *s)
{
    uint64_t size = 0;
    return rocksdb_property_int(s->db, "rocksdb.cur-size-all-mem-tables", &size) == 0 ? size : 0;
}

static uint64_t rocks_size_bytes(storage *base)
{
    const rocks_store *s = (rocks_store *)base;
    return table_bytes(s) + memory_table_bytes(s);
}

static uint64_t rocks_used_bytes(storage *base)
{
    const rocks_store *s = (rocks_store *)base;
    uint64_t size = 0;
    if (rocksdb_property_int(s->db, "rocksdb.estimate-live-data-size", &size) != 0)
        size = table_bytes(s);
    return size + memory_table_bytes(s);
}

static const storage_operations rocks_operations = {
    .close = rocks_close,
    .get = rocks_get,
    .get_checked = rocks_get_checked,
    .batch_new = rocks_batch_new,
    .write = rocks_write,
    .sync = rocks_sync,
    .settle = rocks_settle,
    .iterate = rocks_iterate,
    .compact = rocks_compact,
    .size_bytes = rocks_size_bytes,
    .used_bytes = rocks_used_bytes,
    .batch_free = rocks_batch_free,
    .batch_put = rocks_batch_put,
    .batch_delete = rocks_batch_delete,
    .batch_delete_range = rocks_batch_delete_range,
    .iterator_next = rocks_iterator_next,
    .iterator_status = rocks_iterator_status,
    .iterator_free = rocks_iterator_free,
};
