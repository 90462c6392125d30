/* What is done with the folder of a realm as a whole: compaction, its size, copies. It must never wait for the network
 * thread. Invariant: what is done to a folder is done to one that nobody has open, or through the one who has. */
#include "api/api.h"
#include "base/log.h"
#include "platform/file.h"
#include "sync/pending.h"
#include "sync/reset.h"
#include <stdio.h>

static status config_store(const atoll_config *config, const char *path, bool create, storage **out)
{
    storage *plain = NULL;
    storage_options options = {.create = create};
    TRY(storage_open_rocksdb(path, &options, &plain));
    return storage_seal(plain, config_key(config), out);
}

/* ---- compaction and sizes ---- */
typedef struct file_sizes {
    uint64_t total, used;
} file_sizes;

static status open_alone(const atoll_config *config, const char *path, model_db **out)
{
    storage *store = NULL;
    TRY(config_store(config, path, false, &store));
    model_options options = {.platform = platform_posix(),
                             .use = config_use(config),
                             .identity_rows = config->user != NULL};
    return model_open(store, &options, NULL, out);
}

static status compact_alone(const atoll_config *config, const char *path, model_db *open,
                            void *context)
{
    model_db *db = NULL;
    bool *done = context;
    if (open != NULL) return ATOLL_OK;
    status result = open_alone(config, path, &db);
    if (result == ATOLL_ERROR_FILE_IN_USE) return ATOLL_OK; /* another process has it */
    TRY(result);
    result = model_compact(db);
    model_close(db);
    *done = result == ATOLL_OK;
    return result;
}

static status measure(const atoll_config *config, const char *path, model_db *open, void *context)
{
    file_sizes *sizes = context;
    model_db *db = open;
    if (db == NULL) TRY(open_alone(config, path, &db));
    model_size(db, &sizes->total, &sizes->used);
    if (db != open) model_close(db);
    return ATOLL_OK;
}

bool atoll_realm_compact(const atoll_config *config, atoll_error **error)
{
    bool done = false;
    return api_ok(error, database_with_files(config, compact_alone, &done)) && done;
}

int64_t atoll_realm_file_size(const atoll_config *config, atoll_error **error)
{
    file_sizes sizes = {0};
    return api_ok(error, database_with_files(config, measure, &sizes)) ? (int64_t)sizes.total : 0;
}

int64_t atoll_realm_used_size(const atoll_config *config, atoll_error **error)
{
    file_sizes sizes = {0};
    return api_ok(error, database_with_files(config, measure, &sizes)) ? (int64_t)sizes.used : 0;
}

/* ---- copies ---- */
static status check_kinds(const database *from, const atoll_config *to)
{
    static const char *const names[] = {"local", "partition synced", "flexibly synced"};
    schema_use source = !from->synced    ? SCHEMA_LOCAL
                        : from->flexible ? SCHEMA_FLEXIBLE
                                         : SCHEMA_PARTITION,
               target = config_use(to);
    if (to->in_memory || to->read_only)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a copy cannot be written with %s",
                    to->in_memory ? "in_memory" : "read_only");
    if (source == SCHEMA_LOCAL && target == SCHEMA_PARTITION) return ATOLL_OK;
    if (source != target && target != SCHEMA_LOCAL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a %s realm cannot be copied as a %s one",
                    names[source], names[target]);
    if (source != target || target == SCHEMA_LOCAL) return ATOLL_OK;
    return database_is_partition(from, to)
               ? ATOLL_OK
               : fail(ATOLL_ERROR_INVALID_ARGUMENT,
                      "a synced copy is of the same partition as the realm");
}

static status found_commit(void *context, const local_commit *commit)
{
    (void)commit;
    *(bool *)context = true;
    return ATOLL_OK;
}

/* What was not sent would be sent by both, or by none. */
static status check_sent(const database *d)
{
    bool any = false;
    if (!d->synced) return ATOLL_OK;
    TRY(pending_any(d->model, &any));
    if (!any) TRY(model_local_commits(d->model, model_folded(d->model), found_commit, &any));
    return any ? fail(ATOLL_ERROR_BUSY,
                      "%s has changes that are not uploaded yet; wait for the upload, then copy it",
                      d->path)
               : ATOLL_OK;
}

static status note_entry(void *context, const char *name)
{
    (void)name;
    *(bool *)context = true;
    return ATOLL_OK;
}

static status check_free(const char *path)
{
    bool any = false;
    if (!file_exists(path)) return ATOLL_OK;
    status result = file_list(path, note_entry, &any);
    if (result == ATOLL_OK && !any) return ATOLL_OK;
    return fail(ATOLL_ERROR_FILE_EXISTS, "%s exists; copy to another path, or delete it first",
                path);
}

/* Somebody else may have copied to the same place meanwhile. */
static status check_empty(storage *target, const char *path)
{
    storage_iterator *i = NULL;
    bytes key, value;
    TRY(storage_iterate(target, bytes_of(NULL, 0), bytes_of(NULL, 0), &i));
    bool any = storage_iterator_next(i, &key, &value);
    status result = storage_iterator_status(i);
    storage_iterator_free(i);
    if (result == ATOLL_OK && any)
        result = fail(ATOLL_ERROR_FILE_EXISTS, "%s exists; copy to another path", path);
    return result;
}

/* A synced copy is nobody's until it is opened: then it binds as a new device, and what its user may not see is swept. */
static status give_up_identity(model_db *db)
{
    static const uint8_t user[2] = {'c', 'u'};
    model_txn *txn = NULL;
    sync_state state;
    reset_record record;
    uint64_t durable = 0;
    TRY(sync_state_read(db, &state));
    TRY(reset_read(db, &record));
    if (state.ident != 0 || record.phase != RESET_NONE) {
        record = (reset_record){0};
        TRY(reset_begin(db, &state, &record, false, true));
    }
    TRY(model_begin(db, COMMIT_REMOTE, &txn));
    status result = model_side_delete(txn, bytes_of(user, sizeof user));
    if (result != ATOLL_OK) {
        model_rollback(txn);
        return result;
    }
    TRY(model_commit(txn, NULL));
    return model_sync(db, &durable);
}

static status unbind_copy(const atoll_config *config, const char *path)
{
    model_db *db = NULL;
    TRY(open_alone(config, path, &db));
    status result = give_up_identity(db);
    model_close(db);
    return result;
}

static status copy_into(const database *d, const atoll_config *config, const char *path)
{
    storage *target = NULL;
    TRY(config_store(config, path, true, &target));
    status result = check_empty(target, path);
    if (result == ATOLL_OK)
        return !d->synced && config_use(config) != SCHEMA_LOCAL
                   ? model_copy_objects(d->model, target, config_use(config))
                   : model_copy(d->model, target, config_use(config));
    storage_close(target);
    return result;
}

static status copy_to(const database *d, const atoll_config *config, const char *path)
{
    TRY(check_free(path));
    status result = copy_into(d, config, path);
    if (result == ATOLL_OK && d->synced && config_use(config) != SCHEMA_LOCAL)
        result = unbind_copy(config, path);
    bool others = result == ATOLL_ERROR_FILE_IN_USE || result == ATOLL_ERROR_FILE_EXISTS;
    if (result == ATOLL_OK || others) return result;
    char why[512];
    snprintf(why, sizeof why, "%s", fail_text());
    if (file_remove_tree(path) != ATOLL_OK)
        log_write(LOG_WARN, "Realm.Storage", "a copy that failed is left in %s: %s", path,
                  fail_text());
    return fail(result, "%s", why);
}

static status write_copy(const atoll_realm *realm, const atoll_config *config)
{
    char *given = NULL, *path = NULL;
    TRY(realm_check(realm));
    TRY(API_NOT_NULL(config));
    if (realm->txn != NULL)
        return fail(ATOLL_ERROR_TRANSACTION_ACTIVE,
                    "%s has a write transaction open; commit it or roll it back, then copy",
                    realm->database->path);
    TRY(config_check(config));
    TRY(check_kinds(realm->database, config));
    TRY(check_sent(realm->database));
    TRY(config_effective_path(config, &given));
    status result = file_canonical(given, true, &path);
    memory_free(given);
    if (result == ATOLL_OK) result = copy_to(realm->database, config, path);
    memory_free(path);
    return result;
}

atoll_status atoll_realm_write_copy(const atoll_realm *realm, const atoll_config *config,
                                    atoll_error **error)
{
    return api_result(error, write_copy(realm, config));
}
