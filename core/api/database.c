/* The registry of open databases: one per path and process, shared by the realm instances on it, with the session of a
 * synced one. It must never be locked while something is called that waits for the network thread.
 * Invariant: a database in the list has an open model; the last realm of a synced one hands it to its session, which
 * closes it when everything is uploaded. */
#include "api/api.h"
#include "base/log.h"
#include "platform/file.h"
#include "sync/refusals.h"
#include <stdio.h>
#include <stdlib.h>

enum { SYNCED_MEMORY_TABLE = 16 << 20, SYNCED_CHECKPOINT_BATCH = 1 << 20 };

static mutex registry_lock = PTHREAD_MUTEX_INITIALIZER;
static database *registry;
static bool exiting;
static uint64_t registry_process; /* whose exit handler is registered */

database *database_retain(database *d)
{
    atomic_fetch_add(&d->references, 1);
    return d;
}

void database_release(database *d)
{
    if (d == NULL || atomic_fetch_sub(&d->references, 1) != 1) return;
    account_release(d->account);
    app_release(d->app);
    for (size_t i = 0; i < d->observers.count; i++) queue_release(d->observers.items[i].queue);
    vector_free(&d->observers);
    vector_free(&d->realm_list);
    cipher_wipe(d->key, sizeof d->key);
    memory_free(d->user_id);
    memory_free(d->partition);
    refusals_release(d->error_refused);
    memory_free(d->error_text);
    memory_free(d->path);
    mutex_destroy(&d->lock);
    memory_free(d);
}

static void unlink_database(database *d)
{
    for (database **at = &registry; *at != NULL; at = &(*at)->next) {
        if (*at != d) continue;
        *at = d->next;
        return;
    }
}

/* Wakes the realms of this database that look for changes; runs on the committing thread. */
static void on_commit(void *context, uint64_t version, commit_origin origin)
{
    (void)origin;
    database *d = context;
    mutex_lock(&d->lock);
    for (size_t i = 0; i < d->realm_list.count; i++) {
        atoll_realm *realm = d->realm_list.items[i];
        if (atomic_exchange(&realm->pending_signalled, true)) continue;
        for (size_t k = 0; k < realm->observers.count; k++) {
            observer *o = realm->observers.items[k];
            if (o->kind != OBSERVER_REALM || atomic_load(&o->ended)) continue;
            atoll_event *event = event_new(ATOLL_EVENT_REALM_PENDING, o->id);
            if (event != NULL) event->numbers[0] = (int64_t)version;
            if (event == NULL)
                atomic_store(&realm->pending_signalled, false); /* the next commit tries again */
            queue_push(o->queue, event);
        }
    }
    mutex_unlock(&d->lock);
}

static char *partition_text(const atoll_config *config)
{
    if (config->user == NULL || config->flexible) return memory_copy_text("", 0);
    buffer b;
    buffer_init(&b, LIMIT_VALUE_SIZE_MAX * 2u);
    char *text = NULL;
    if (value_write(&b, &config->partition->items.items[0].plain) == ATOLL_OK) {
        char name[40];
        snprintf(name, sizeof name, "%016llx%016llx",
                 (unsigned long long)hash_bytes(b.data, b.size, 1),
                 (unsigned long long)hash_bytes(b.data, b.size, 2));
        text = memory_copy_text(name, strlen(name));
    }
    buffer_free(&b);
    return text;
}

schema_use config_use(const atoll_config *config)
{
    return config->user == NULL ? SCHEMA_LOCAL
           : config->flexible   ? SCHEMA_FLEXIBLE
                                : SCHEMA_PARTITION;
}

static status open_store(const database *d, const atoll_config *config, storage **out)
{
    storage *plain = NULL;
    if (config->in_memory) return storage_open_volatile(out);
    /* What arrives goes through the store once more than what is written here: small tables bound what is in memory. */
    bool synced = config->user != NULL;
    storage_options options = {.create = true,
                               .read_only = config->read_only,
                               .memory_table = synced ? SYNCED_MEMORY_TABLE : 0};
    TRY(storage_open_rocksdb(d->path, &options, &plain));
    return storage_seal(plain, config_key(config), out);
}

/* Classes and properties that the folder has not yet; what a realm that is opened for reading lacks cannot be added. */
static status add_schema(const database *d, const atoll_config *config, bool alone)
{
    if (config->schema == NULL) return ATOLL_OK;
    const model_schema *schema = &config->schema->schema;
    if (config->read_only) return model_check_schema(d->model, schema);
    if (d->synced) return model_add_schema(d->model, schema);
    return model_update_schema(d->model, schema, (uint64_t)config->schema_version, alone);
}

/* Without a wish a quarter of the machine, but no more than a phone's app may want. */
static uint64_t memory_budget(const atoll_config *config)
{
    const uint64_t most = (uint64_t)1 << 30;
    uint64_t quarter = platform_memory_bytes() / 4;
    if (config->memory_budget_bytes != 0) return (uint64_t)config->memory_budget_bytes;
    return quarter == 0 || quarter > most ? most : quarter;
}

static status open_model(database *d, const atoll_config *config)
{
    schema_use use = config_use(config);
    storage *store = NULL;
    TRY(open_store(d, config, &store));
    model_options options = {.platform = platform_posix(),
                             .use = use,
                             .identity_rows = config->user != NULL,
                             .durable = config->sync_commits,
                             .version_count_max = (uint64_t)config->version_max_count,
                             .memory_budget = memory_budget(config),
                             .checkpoint_thread = true,
                             .checkpoint_batch =
                                 config->user != NULL ? SYNCED_CHECKPOINT_BATCH : 0};
    TRY(model_open(store, &options, NULL, &d->model));
    status result = d->migrating ? ATOLL_OK : add_schema(d, config, true);
    if (result == ATOLL_OK) result = model_listen(d->model, on_commit, d);
    if (result != ATOLL_OK) model_close(d->model);
    return result;
}

/* A realm that would have to be migrated is emptied instead, where the app wants that. */
static status open_model_or_anew(database *d, const atoll_config *config)
{
    status result = open_model(d, config);
    bool differs =
        result == ATOLL_ERROR_MIGRATION_REQUIRED || result == ATOLL_ERROR_SCHEMA_VERSION_LOWER ||
        result == ATOLL_ERROR_SCHEMA_MISMATCH || result == ATOLL_ERROR_DUPLICATE_PRIMARY_KEY;
    if (!differs || !config->delete_if_migration_needed || d->migrating || d->in_memory)
        return result;
    TRY(storage_delete_rocksdb(d->path));
    return open_model(d, config);
}

static session_choices choices_of(const atoll_config *config)
{
    return (session_choices){.reset_mode = config->client_reset_mode,
                             .cancel_waits = config->cancel_waits_on_errors,
                             .ask_resets = config->ask_client_resets};
}

static status start_session(database *d, const atoll_config *config)
{
    if (config->user == NULL) return fail(ATOLL_ERROR_INTERNAL, "a session needs a user");
    const atoll_app_config *a = config->user->app->config;
    session_options options = {.db = d->model,
                               .platform = platform_posix(),
                               .flexible = config->flexible,
                               .partition_property = config->partition_property == NULL
                                                         ? "_partition"
                                                         : config->partition_property,
                               .user_id = account_id(d->account),
                               .app_id = d->app->app_id,
                               .reconnect_delay_ms = (uint64_t)a->reconnect_delay_ms,
                               .reconnect_delay_ms_max = (uint64_t)a->reconnect_delay_ms_max,
                               .reconnect_multiplier = (uint32_t)a->reconnect_multiplier,
                               .reconnect_jitter_divisor = (uint32_t)a->reconnect_jitter_divisor,
                               .connect_timeout_ms = (uint64_t)a->connect_timeout_ms,
                               .ping_period_ms = (uint64_t)a->ping_period_ms,
                               .pong_timeout_ms = (uint64_t)a->pong_timeout_ms,
                               .chosen = choices_of(config)};
    if (!config->flexible) options.partition = config->partition->items.items[0].plain;
    return runner_session_attach(d->app->runner, d->account, &options, &d->session);
}

static status make_database(const atoll_config *config, const char *path, bool migrating,
                            database **out)
{
    database *d = memory_allocate_zero(sizeof *d);
    if (d == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_store(&d->references, 1);
    status result = mutex_init(&d->lock);
    if (result != ATOLL_OK) {
        memory_free(d);
        return result;
    }
    d->path = memory_copy_text(path, strlen(path));
    d->partition = partition_text(config);
    d->process = process_self();
    d->synced = config->user != NULL;
    d->flexible = config->flexible;
    d->in_memory = config->in_memory;
    d->migrating = migrating;
    d->key_size = config->encryption_key_size;
    memcpy(d->key, config->encryption_key, sizeof d->key);
    if (d->synced) {
        d->app = app_retain(config->user->app);
        d->account = account_retain(config->user->account);
        d->user_id = memory_copy_text(account_id(d->account), strlen(account_id(d->account)));
    }
    if (d->path == NULL || d->partition == NULL || (d->synced && d->user_id == NULL))
        result = ATOLL_ERROR_OUT_OF_MEMORY;
    if (result == ATOLL_OK) result = open_model_or_anew(d, config);
    if (result == ATOLL_OK && d->synced) {
        result = start_session(d, config);
        if (result != ATOLL_OK) model_close(d->model);
    }
    if (result == ATOLL_OK)
        *out = d;
    else
        database_release(d);
    return result;
}

/* The same path with another configuration in one process is refused: both would believe in their own. */
static status check_same(const database *d, const atoll_config *config)
{
    bool same_user =
        (config->user != NULL) == d->synced &&
        (config->user == NULL || strcmp(account_id(config->user->account), d->user_id) == 0);
    if (!same_user && d->synced && config->user != NULL)
        return fail(ATOLL_ERROR_USER_MISMATCH, "%s is open for user %s, not %s; use another path",
                    d->path, d->user_id, account_id(config->user->account));
    if (!bytes_equal(config_key(config), bytes_of(d->key, d->key_size)))
        return fail(ATOLL_ERROR_WRONG_KEY,
                    "%s is open in this process with another encryption key, or without one; use "
                    "the same",
                    d->path);
    if (model_is_read_only(d->model) && !config->read_only)
        return fail(ATOLL_ERROR_MISMATCHED_CONFIG,
                    "%s is open in this process for reading only; close it first or use read_only",
                    d->path);
    char *partition = partition_text(config);
    if (partition == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    bool same =
        same_user && d->flexible == config->flexible && strcmp(partition, d->partition) == 0;
    memory_free(partition);
    if (!same)
        return fail(ATOLL_ERROR_MISMATCHED_CONFIG,
                    "%s is open in this process with another configuration; close it first or use "
                    "the same one",
                    d->path);
    return config->schema == NULL ? ATOLL_OK
                                  : schema_validate(&config->schema->schema, config_use(config));
}

/* Called with the registry locked. */
static status reuse_database(database *d, const atoll_config *config)
{
    if (d->process != process_self())
        return fail(ATOLL_ERROR_FORKED,
                    "%s was opened before fork(), and stays with the parent process; open realms "
                    "after the fork only, or exec",
                    d->path);
    TRY(check_same(d, config));
    if (d->migrating)
        return fail(ATOLL_ERROR_FILE_IN_USE, "%s is being migrated; commit or cancel that first",
                    d->path);
    TRY(add_schema(d, config, false));
    if (d->dying) {
        d->dying = false;
        session_choices chosen = choices_of(config);
        if (runner_session_revive(d->session, &chosen)) {
            database_release(d); /* what the detach held for on_released, which is not called now */
        } else {
            runner_session *old = d->session;
            d->session = NULL;
            TRY(start_session(d, config));
            runner_session_release(old);
        }
    }
    return ATOLL_OK;
}

/* A process may exit with realms open: most do. The store takes itself apart after this, so nothing of ours may run
 * any more: a late call into it would abort the process. */
static void on_exit_of_process(void)
{
    if (registry_process != process_self()) return;
    mutex_lock(&registry_lock);
    exiting = true; /* from now on nothing leaves the registry */
    database *all = registry;
    mutex_unlock(&registry_lock);
    for (database *d = all; d != NULL; d = d->next)
        if (d->app != NULL) runner_quiesce(d->app->runner);
    for (database *d = all; d != NULL; d = d->next) model_quiesce(d->model);
}

/* After the first store was opened: handlers run in reverse order of registration, so ours comes before the store's. */
static void watch_exit(void)
{
    if (registry_process == process_self()) return;
    registry_process = process_self();
    if (atexit(on_exit_of_process) != 0)
        log_write(LOG_WARN, "Realm.Storage", "the exit handler could not be registered");
}

static status find_path(const atoll_config *config, char **out)
{
    char *given = NULL;
    TRY(API_NOT_NULL(config));
    TRY(config_check(config));
    if (config->schema != NULL) TRY(schema_validate(&config->schema->schema, config_use(config)));
    TRY(config_effective_path(config, &given));
    if (config->in_memory) {
        *out = given;
        return ATOLL_OK;
    }
    status result = file_canonical(given, !config->read_only, out);
    memory_free(given);
    return result;
}

static status open_or_reuse(const atoll_config *config, bool migrating, database **out)
{
    char *path = NULL;
    TRY(find_path(config, &path));
    status result = ATOLL_OK;
    mutex_lock(&registry_lock);
    database *d = registry;
    while (d != NULL && strcmp(d->path, path) != 0) d = d->next;
    if (d != NULL && migrating) {
        result = fail(ATOLL_ERROR_FILE_IN_USE,
                      "%s is open in this process; close every realm on it to migrate it", path);
    } else if (d != NULL) {
        result = reuse_database(d, config);
    } else {
        if (!config->in_memory && !config->read_only) result = database_move_aside(path);
        if (result == ATOLL_OK) result = make_database(config, path, migrating, &d);
        if (result == ATOLL_OK) {
            watch_exit();
            d->next = registry;
            registry = d;
        }
    }
    if (result == ATOLL_OK) {
        d->realms++;
        *out = database_retain(d);
    }
    mutex_unlock(&registry_lock);
    memory_free(path);
    return result;
}

status database_open(const atoll_config *config, database **out)
{
    return open_or_reuse(config, false, out);
}

status database_open_to_migrate(const atoll_config *config, database **out,
                                model_migration **migration)
{
    database *d = NULL;
    *out = NULL;
    TRY(API_NOT_NULL(config));
    if (config->user != NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "a synced realm is not migrated: its schema only grows");
    if (config->read_only)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a realm cannot be migrated with read_only");
    if (config->schema == NULL || config->in_memory) return ATOLL_OK;
    TRY(open_or_reuse(config, true, &d));
    status result = model_migration_begin(d->model, &config->schema->schema,
                                          (uint64_t)config->schema_version, migration);
    if (result == ATOLL_OK && *migration != NULL)
        *out = d;
    else
        database_close(d);
    return result;
}

static void close_model(database *d)
{
    unlink_database(d);
    model_unlisten(d->model, on_commit, d);
    model_close(d->model);
    d->model = NULL;
    runner_session_release(d->session);
    d->session = NULL;
    database_release(d);
}

void database_add_realm(database *d)
{
    mutex_lock(&registry_lock);
    d->realms++;
    mutex_unlock(&registry_lock);
    database_retain(d);
}

/* The session has uploaded everything (network thread). The realm may have been opened again meanwhile. */
static void on_released(void *context)
{
    database *d = context;
    mutex_lock(&registry_lock);
    if (d->realms == 0 && d->dying && !exiting) close_model(d);
    mutex_unlock(&registry_lock);
    database_release(d);
}

void database_close(database *d)
{
    mutex_lock(&registry_lock);
    runner_session *detach = NULL;
    if (--d->realms == 0) {
        if (exiting) {
            d->dying = true;
        } else if (d->session == NULL) {
            close_model(d);
        } else {
            d->dying = true;
            detach = runner_session_retain(d->session);
        }
    }
    mutex_unlock(&registry_lock);
    if (detach != NULL) {
        runner_session_detach(detach, on_released, database_retain(d));
        runner_session_release(detach);
    }
    database_release(d);
}

bool database_is_partition(const database *d, const atoll_config *config)
{
    char *partition = partition_text(config);
    bool same = partition != NULL && strcmp(partition, d->partition) == 0;
    memory_free(partition);
    return same;
}

status database_with_files(const atoll_config *config,
                           status (*each)(const atoll_config *config, const char *path,
                                          model_db *open, void *context),
                           void *context)
{
    char *path = NULL;
    TRY(find_path(config, &path));
    mutex_lock(&registry_lock);
    database *d = registry;
    while (d != NULL && strcmp(d->path, path) != 0) d = d->next;
    bool forked = d != NULL && d->process != process_self();
    status result = d == NULL && config->in_memory
                        ? fail(ATOLL_ERROR_FILE_NOT_FOUND, "%s is not open", path)
                    : forked ? fail(ATOLL_ERROR_FORKED, "%s was opened before fork()", path)
                             : each(config, path, d == NULL ? NULL : d->model, context);
    mutex_unlock(&registry_lock);
    memory_free(path);
    return result;
}

status database_delete_files(const char *given)
{
    char *path = NULL;
    TRY(file_canonical(given, false, &path));
    mutex_lock(&registry_lock);
    database *d = registry;
    while (d != NULL && strcmp(d->path, path) != 0) d = d->next;
    status result = d != NULL
                        ? fail(ATOLL_ERROR_FILE_IN_USE,
                               "%s is open in this process; close every realm on it first", path)
                        : storage_delete_rocksdb(path);
    if (result == ATOLL_OK) result = database_forget_aside(path);
    mutex_unlock(&registry_lock);
    memory_free(path);
    return result;
}

database *database_of_session(runner_session *session)
{
    mutex_lock(&registry_lock);
    database *d = registry;
    while (d != NULL && d->session != session) d = d->next;
    if (d != NULL) database_retain(d);
    mutex_unlock(&registry_lock);
    return d;
}

static atoll_event *progress_event(api_session_observer *o, const session_progress *p, bool done)
{
    bool upload = o->direction == ATOLL_DIRECTION_UPLOAD;
    bool current = o->mode == ATOLL_PROGRESS_CURRENT_WORK;
    double fraction = upload ? p->upload_fraction : p->download_fraction;
    uint64_t bytes_done = upload ? p->uploaded_bytes : p->downloaded_bytes;
    uint64_t bytes_all = upload ? p->uploadable_bytes : p->downloadable_bytes;
    if (fraction < 0 && !done) return NULL;            /* nothing is known yet */
    if (current && o->last_fraction >= 1) return NULL; /* it has ended */
    /* Current work ends when the wait that began with it does: until then the session may not even know of it. */
    if (current && fraction > 0.99) fraction = 0.99;
    if (done) fraction = 1, bytes_all = bytes_done;
    /* It only rises, until it is 1 and something new is to be done. */
    if (o->last_fraction < 1 && fraction < o->last_fraction) fraction = o->last_fraction;
    if (fraction == o->last_fraction && bytes_done == o->last_bytes) return NULL;
    atoll_event *event = event_new(ATOLL_EVENT_PROGRESS, o->id);
    if (event == NULL) return NULL;
    o->last_fraction = fraction;
    o->last_bytes = bytes_done;
    event->fraction = fraction;
    event->numbers[0] = (int64_t)bytes_done;
    event->numbers[1] = (int64_t)bytes_all;
    event->numbers[2] = done;
    return event;
}

static atoll_event *error_event(const api_session_observer *o, int32_t code, const char *text,
                                refusals *refused, bool is_fatal)
{
    atoll_event *event = event_new(ATOLL_EVENT_SESSION_ERROR, o->id);
    if (event == NULL) return NULL;
    event->code = code;
    event->message = memory_copy_text(text, strlen(text));
    event->refused = refusals_retain(refused);
    event->numbers[0] = is_fatal;
    return event;
}

/* A session can fail before the one who opened its realm was able to observe it. */
void database_tell_error(database *d, const api_session_observer *observer)
{
    if (d->error_code == ATOLL_OK) return;
    queue_push(observer->queue,
               error_event(observer, d->error_code, d->error_text == NULL ? "" : d->error_text,
                           d->error_refused, d->error_is_fatal));
    d->error_code = ATOLL_OK;
    refusals_release(d->error_refused);
    d->error_refused = NULL;
    memory_free(d->error_text);
    d->error_text = NULL;
}

static void keep_error(database *d, const runner_event *e)
{
    for (size_t i = 0; i < d->observers.count; i++)
        if (d->observers.items[i].kind == OBSERVE_ERRORS) return;
    memory_free(d->error_text);
    refusals_release(d->error_refused);
    d->error_refused = refusals_retain(e->refused);
    d->error_code = e->code;
    d->error_is_fatal = e->number_old != 0;
    d->error_text = memory_copy_text(e->text, strlen(e->text));
}

/* The wait of an observer of current work ended: it is told for the last time. After a stop it is not done. */
static void end_progress(database *d, const runner_event *e)
{
    session_progress progress;
    runner_session_progress(e->session, &progress);
    mutex_lock(&d->lock);
    for (size_t i = 0; i < d->observers.count && e->code == ATOLL_OK; i++) {
        api_session_observer *o = &d->observers.items[i];
        if (o->id == e->request) queue_push(o->queue, progress_event(o, &progress, true));
    }
    mutex_unlock(&d->lock);
}

void database_event(database *d, const runner_event *e)
{
    session_progress progress = {0};
    if (e->kind == RUNNER_EVENT_REQUEST_DONE) {
        end_progress(d, e);
        return;
    }
    if (e->kind == RUNNER_EVENT_RESET) {
        database_reset_event(d, e->number_old, e->number_new);
        return;
    }
    if (e->kind == RUNNER_EVENT_PROGRESS) runner_session_progress(e->session, &progress);
    mutex_lock(&d->lock);
    if (e->kind == RUNNER_EVENT_ERROR) keep_error(d, e);
    for (size_t i = 0; i < d->observers.count; i++) {
        api_session_observer *o = &d->observers.items[i];
        atoll_event *event = NULL;
        if (e->kind == RUNNER_EVENT_CONNECTION && o->kind == OBSERVE_CONNECTION) {
            event = event_new(ATOLL_EVENT_CONNECTION_CHANGED, o->id);
            if (event != NULL) event->numbers[0] = e->number_old, event->numbers[1] = e->number_new;
        } else if (e->kind == RUNNER_EVENT_PROGRESS && o->kind == OBSERVE_PROGRESS) {
            event = progress_event(o, &progress, false);
        } else if (e->kind == RUNNER_EVENT_ERROR && o->kind == OBSERVE_ERRORS) {
            event = error_event(o, e->code, e->text, e->refused, e->number_old != 0);
        }
        queue_push(o->queue, event);
    }
    mutex_unlock(&d->lock);
}
