/* The apps of a server: found by id, opened at first use.
 * Must never: let an id from outside become a path before it was checked.
 * Invariant: an app that has a folder has its mode in it, so that it stays flexible or partitioned for ever. */
#include "server/events.h"
#include "server/roles.h"
#include "server/runner_internal.h"

#include "base/log.h"

#include <stdio.h>

#define APP_PATH_SIZE_MAX 4096
#define MEMORY_PART 4 /* of the machine, for one app */
#define MEMORY_BUDGET_MIN (64ull << 20)
/* The record of a large commit is dropped by its checkpoint before it ever becomes part of a table: it is in memory once, and
 * not written a second time. What is gathered becomes a table early nevertheless, when the store is settled. */
#define MEMORY_TABLE ((size_t)256 << 20)
#define SETTLE_SIZE ((uint64_t)16 << 20)
#define CATEGORY "Realm.Sync.Server"

static status app_path(const server_runner *r, const char *id, const char *name,
                       char path[APP_PATH_SIZE_MAX])
{
    int size = snprintf(path, APP_PATH_SIZE_MAX, "%s/apps/%s%s", r->options.data, id, name);
    if (size < 0 || size >= APP_PATH_SIZE_MAX)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the data folder's path is too long");
    return ATOLL_OK;
}

static status copy_config(const app_config *from, app_config *to)
{
    app_config copy = {0};
    TRY(app_config_default(from->id, &copy));
    char *property = memory_copy_text(from->partition_property, strlen(from->partition_property));
    if (property == NULL) {
        app_config_free(&copy);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    memory_free(copy.partition_property);
    copy.partition_property = property;
    copy.partition_clients = from->partition_clients;
    copy.mode_known = from->mode_known;
    copy.flexible = from->flexible;
    copy.anonymous = from->anonymous;
    copy.email = from->email;
    log_in_config_release(copy.log_in);
    copy.log_in = log_in_config_retain(from->log_in);
    copy.development = from->development;
    copy.offline_ms = from->offline_ms;
    copy.recovery = from->recovery;
    copy.memory_budget = from->memory_budget;
    copy.staged_max = from->staged_max;
    copy.roles = role_set_retain(from->roles);
    copy.sink = sink_config_retain(from->sink);
    copy.keep = from->keep;
    *to = copy;
    return ATOLL_OK;
}

static status add_app(server_runner *r, const app_config *config, served_app **out)
{
    served_app *a = memory_allocate_zero(sizeof *a);
    if (a == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = copy_config(config, &a->config);
    if (result == ATOLL_OK) result = vector_push(&r->apps, a);
    if (result != ATOLL_OK) {
        app_config_free(&a->config);
        memory_free(a);
        return result;
    }
    if (out != NULL) *out = a;
    return ATOLL_OK;
}

static served_app *find(const server_runner *r, bytes id)
{
    for (size_t i = 0; i < r->apps.count; i++) {
        if (bytes_equal(bytes_text(r->apps.items[i]->config.id), id)) return r->apps.items[i];
    }
    return NULL;
}

/* An app that a client of an earlier run created. */
static status load_created(void *context, const char *name)
{
    server_runner *r = context;
    char path[APP_PATH_SIZE_MAX];
    if (!app_id_is_valid(bytes_text(name)) || find(r, bytes_text(name)) != NULL) return ATOLL_OK;
    TRY(app_path(r, name, "/mode", path));
    if (!file_exists(path)) return ATOLL_OK;
    buffer mode;
    buffer_init(&mode, 8192);
    app_config config = {0};
    status result = file_read(path, 64, &mode);
    if (result == ATOLL_OK) result = app_config_default(name, &config);
    if (result == ATOLL_OK) {
        config.mode_known = true;
        config.flexible = bytes_equal(buffer_view(&mode), bytes_text("flexible\n"));
        result = add_app(r, &config, NULL);
    }
    app_config_free(&config);
    buffer_free(&mode);
    return result;
}

status apps_load(server_runner *r)
{
    char path[APP_PATH_SIZE_MAX];
    TRY(app_path(r, "", "", path));
    TRY(file_make_folders(path));
    for (size_t i = 0; i < r->options.config->apps.count; i++) {
        TRY(add_app(r, &r->options.config->apps.items[i], NULL));
    }
    if (r->options.config->open) TRY(file_list(path, load_created, r));
    /* What was ingested before goes on, or goes, at once, not when the first client comes. */
    for (size_t i = 0; i < r->apps.count; i++) {
        served_app *a = r->apps.items[i];
        bool keeps_all = a->config.keep.ms == 0 && a->config.keep.bytes == 0;
        if (a->config.sink != NULL || !keeps_all) TRY(app_use(r, a, a->config.flexible));
    }
    return ATOLL_OK;
}

status apps_find(server_runner *r, bytes id, served_app **out)
{
    served_app *a = find(r, id);
    if (a == NULL && !app_id_is_valid(id)) {
        return fail(ATOLL_ERROR_UNKNOWN_APP,
                    "an app id has up to 64 letters, digits, '-', '_' and '.'");
    }
    if (a == NULL && !r->options.config->open) {
        return fail(ATOLL_ERROR_UNKNOWN_APP,
                    "this server has no app \"%.*s\": add it to the configuration", (int)id.size,
                    (const char *)id.data);
    }
    if (a == NULL) {
        char text[TOKEN_ID_SIZE_MAX];
        snprintf(text, sizeof text, "%.*s", (int)id.size, (const char *)id.data);
        app_config config = {0};
        TRY(app_config_default(text, &config));
        status result = add_app(r, &config, &a);
        app_config_free(&config);
        if (result != ATOLL_OK) return result;
    }
    *out = a;
    return ATOLL_OK;
}

/* What is not asked for often is read again from the store. */
static uint64_t memory_budget(const app_config *c)
{
    uint64_t part = platform_memory_bytes() / MEMORY_PART;
    if (c->memory_budget != 0) return c->memory_budget;
    return part < MEMORY_BUDGET_MIN ? MEMORY_BUDGET_MIN : part;
}

/* A spool has no name once it is open, so what is there is of a server that was killed meanwhile. */
static status open_staging(const server_runner *r, served_app *a)
{
    char path[APP_PATH_SIZE_MAX];
    TRY(app_path(r, a->config.id, "/staging", path));
    TRY(file_remove_tree(path));
    memory_free(a->staging);
    a->staging = memory_copy_text(path, strlen(path));
    return a->staging == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

/* What a killed server had not synced may be there now, and go with a power cut: no sink may have it before a sync. */
static status start_sink(served_app *a)
{
    uint64_t version = 0;
    status result = model_sync(server_app_db(a->app), &version);
    if (result == ATOLL_OK) result = sink_start(a->app, a->config.id, a->config.sink, &a->sink);
    if (result != ATOLL_OK) {
        server_app_close(a->app);
        a->app = NULL;
    }
    return result;
}

status app_use(server_runner *r, served_app *a, bool flexible)
{
    if (a->app != NULL) return ATOLL_OK;
    char path[APP_PATH_SIZE_MAX];
    const char *id = a->config.id;
    TRY(app_path(r, id, "/data", path));
    TRY(file_make_folders(path));
    bool mode = a->config.mode_known ? a->config.flexible : flexible;
    TRY(open_staging(r, a));
    storage *store = NULL;
    storage_options store_options = {.create = true, .memory_table = MEMORY_TABLE};
    server_app_options options = {.platform = r->platform,
                                  .app_id = id,
                                  .flexible = mode,
                                  .partition_property = a->config.partition_property,
                                  .partition_clients = a->config.partition_clients,
                                  .development = a->config.development,
                                  .offline_ms = a->config.offline_ms,
                                  .no_recovery = !a->config.recovery,
                                  .roles = a->config.roles,
                                  .memory_budget = memory_budget(&a->config),
                                  .staged_max = a->config.staged_max,
                                  .spools = {a->staging, spool_open_file},
                                  .checkpoint_thread = true,
                                  .settle_size = SETTLE_SIZE};
    TRY(storage_open_rocksdb(path, &store_options, &store));
    TRY(server_app_open(store, &options, &a->app));
    a->version_synced = model_version(server_app_db(a->app));
    if (!a->config.mode_known) {
        TRY(app_path(r, id, "/mode", path));
        status result = file_write(path, bytes_text(mode ? "flexible\n" : "partition\n"), 0644);
        if (result != ATOLL_OK) {
            server_app_close(a->app);
            a->app = NULL;
            return result;
        }
        a->config.mode_known = true;
        a->config.flexible = mode;
    }
    if (a->config.sink != NULL) TRY(start_sink(a));
    log_write(LOG_INFO, CATEGORY, "app \"%s\" is open (%s sync)", id,
              mode ? "flexible" : "partition");
    return ATOLL_OK;
}

/* ---- a configuration that was read again ---- */

static void tell_restart(const char *id, const char *setting)
{
    EVENT(LOG_WARN, "setting waits for a restart", {"app", id, 0}, {"setting", setting, 0});
}

/* Delivery goes on where it was: the mark is in the database. */
static status reload_sink(server_runner *r, served_app *a, sink_config *next)
{
    uint64_t version = 0;
    if (sink_config_equal(a->config.sink, next)) return ATOLL_OK;
    sink_stop(a->sink);
    a->sink = NULL;
    sink_config_release(a->config.sink);
    a->config.sink = sink_config_retain(next);
    if (next == NULL) return ATOLL_OK;
    if (a->app == NULL) return app_use(r, a, a->config.flexible);
    TRY(model_sync(server_app_db(a->app), &version));
    return sink_start(a->app, a->config.id, next, &a->sink);
}

static status reload_app(server_runner *r, served_app *a, const app_config *next)
{
    app_config *now = &a->config;
    if (now->flexible != next->flexible) tell_restart(now->id, "sync");
    if (strcmp(now->partition_property, next->partition_property) != 0 ||
        now->partition_clients != next->partition_clients)
        tell_restart(now->id, "partition_property");
    if (now->memory_budget != next->memory_budget) tell_restart(now->id, "memory_megabytes");
    now->anonymous = next->anonymous;
    now->email = next->email;
    log_in_config_release(now->log_in);
    now->log_in = log_in_config_retain(next->log_in);
    now->development = next->development;
    now->offline_ms = next->offline_ms;
    now->recovery = next->recovery;
    now->staged_max = next->staged_max;
    role_set *roles = role_set_retain(next->roles);
    role_set_release(now->roles);
    now->roles = roles;
    TRY(reload_sink(r, a, next->sink));
    if (a->app == NULL) return ATOLL_OK;
    server_app_options limits = {.development = now->development,
                                 .offline_ms = now->offline_ms,
                                 .staged_max = now->staged_max,
                                 .no_recovery = !now->recovery};
    server_app_set_limits(a->app, &limits);
    return server_app_set_roles(a->app, now->roles);
}

status apps_reload(server_runner *r, const server_config *config)
{
    for (size_t i = 0; i < r->apps.count; i++) {
        const char *id = r->apps.items[i]->config.id;
        if (server_config_app(config, bytes_text(id)) == NULL) tell_restart(id, "removal");
    }
    for (size_t i = 0; i < config->apps.count; i++) {
        const app_config *next = &config->apps.items[i];
        served_app *a = find(r, bytes_text(next->id));
        TRY(a == NULL ? add_app(r, next, &a) : reload_app(r, a, next));
        if (a->app == NULL && next->sink != NULL) TRY(app_use(r, a, next->flexible));
    }
    return ATOLL_OK;
}

void apps_close(server_runner *r)
{
    for (size_t i = 0; i < r->apps.count; i++) {
        served_app *a = r->apps.items[i];
        sink_stop(a->sink);
        if (a->app != NULL) {
            if (server_app_sync(a->app) != ATOLL_OK)
                log_write(LOG_ERROR, CATEGORY, "%s: %s", a->config.id, fail_text());
            server_app_close(a->app);
        }
        vector_free(&a->streams);
        vector_free(&a->polls);
        vector_free(&a->held);
        memory_free(a->staging);
        app_config_free(&a->config);
        memory_free(a);
    }
    vector_free(&r->apps);
}
