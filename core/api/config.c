/* atoll_config: where a realm is and what it syncs. It must never touch the disk. Invariant: a configuration with a
 * user is either flexible or has a partition. */
#include "api/api.h"
#include "api/config_limits.h"
#include <stdio.h>

atoll_config *atoll_config_new(atoll_error **error)
{
    atoll_config *config = memory_allocate_zero(sizeof *config);
    if (config == NULL) {
        api_error_set(error, ATOLL_ERROR_OUT_OF_MEMORY);
        return NULL;
    }
    config->sync_commits = true;
    return config;
}

void atoll_config_free(atoll_config *config)
{
    if (config == NULL) return;
    memory_free(config->path);
    memory_free(config->effective_path);
    atoll_schema_free(config->schema);
    atoll_user_free(config->user);
    atoll_values_free(config->partition);
    memory_free(config->partition_property);
    memory_free(config->base_path);
    cipher_wipe(config->encryption_key, sizeof config->encryption_key);
    memory_free(config);
}

atoll_status atoll_config_set_path(atoll_config *config, const char *path, size_t path_size,
                                   atoll_error **error)
{
    status result = API_NOT_NULL(config);
    return api_result(error, result == ATOLL_OK
                                 ? api_replace_text(&config->path, path, path_size, "path")
                                 : result);
}

atoll_status atoll_config_set_schema(atoll_config *config, const atoll_schema *schema,
                                     atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK) result = API_NOT_NULL(schema);
    if (result != ATOLL_OK) return api_result(error, result);
    atoll_schema *copy = memory_allocate_zero(sizeof *copy);
    result = copy == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : schema_copy(&schema->schema, &copy->schema);
    if (result == ATOLL_OK) {
        atoll_schema_free(config->schema);
        config->schema = copy;
    } else {
        memory_free(copy);
    }
    return api_result(error, result);
}

static status set_user(atoll_config *config, const atoll_user *user)
{
    TRY(API_NOT_NULL(config));
    TRY(API_NOT_NULL(user));
    atoll_user *copy = user_wrap(user->app, account_retain(user->account));
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atoll_user_free(config->user);
    config->user = copy;
    return ATOLL_OK;
}

atoll_status atoll_config_set_flexible(atoll_config *config, const atoll_user *user,
                                       atoll_error **error)
{
    status result = set_user(config, user);
    if (result == ATOLL_OK) {
        config->flexible = true;
        atoll_values_free(config->partition);
        config->partition = NULL;
    }
    return api_result(error, result);
}

static status check_partition(const atoll_values *partition)
{
    const api_value *item;
    TRY(values_item(partition, 0, &item));
    switch (item->plain.type) {
    case VALUE_NULL:
    case VALUE_STRING:
    case VALUE_INT:
    case VALUE_OBJECT_ID:
    case VALUE_UUID: return ATOLL_OK;
    default:
        return fail(ATOLL_ERROR_BAD_PARTITION_VALUE,
                    "a partition is a string, int, object id, uuid or null, not a %s",
                    value_type_name(item->plain.type));
    }
}

atoll_status atoll_config_set_partition(atoll_config *config, const atoll_user *user,
                                        const atoll_values *partition, atoll_error **error)
{
    status result = check_partition(partition);
    atoll_values *copy = NULL;
    if (result == ATOLL_OK) result = values_of(&partition->items.items[0].plain, &copy);
    if (result == ATOLL_OK) result = set_user(config, user);
    if (result == ATOLL_OK) {
        config->flexible = false;
        atoll_values_free(config->partition);
        config->partition = copy;
    } else {
        atoll_values_free(copy);
    }
    return api_result(error, result);
}

atoll_status atoll_config_set_partition_property(atoll_config *config, const char *name,
                                                 size_t name_size, atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK)
        result = api_replace_text(&config->partition_property, name, name_size,
                                  "name of the partition property");
    return api_result(error, result);
}

atoll_status atoll_config_set_sync_commits(atoll_config *config, bool on, atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK) config->sync_commits = on;
    return api_result(error, result);
}

atoll_status atoll_config_set_in_memory(atoll_config *config, bool on, atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK) config->in_memory = on;
    return api_result(error, result);
}

atoll_status atoll_config_set_read_only(atoll_config *config, bool on, atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK) config->read_only = on;
    return api_result(error, result);
}

atoll_status atoll_config_set_delete_if_migration_needed(atoll_config *config, bool on,
                                                         atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK) config->delete_if_migration_needed = on;
    return api_result(error, result);
}

static status set_key(atoll_config *config, bytes key)
{
    TRY(API_NOT_NULL(config));
    TRY(API_TEXT(key.data, key.size));
    if (key.size != 0 && key.size != CIPHER_KEY_SIZE)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "an encryption key has %d bytes; %zu were given: make one with a secure random "
                    "generator and keep it safe",
                    CIPHER_KEY_SIZE, key.size);
    if (key.size != 0) memcpy(config->encryption_key, key.data, key.size);
    config->encryption_key_size = key.size;
    return ATOLL_OK;
}

atoll_status atoll_config_set_encryption_key(atoll_config *config, const char *key, size_t key_size,
                                             atoll_error **error)
{
    return api_result(error, set_key(config, bytes_of(key, key_size)));
}

atoll_status atoll_config_set_base_path(atoll_config *config, const char *path, size_t path_size,
                                        atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK)
        result = api_replace_text(&config->base_path, path, path_size, "base path");
    return api_result(error, result);
}

static status set_number(int64_t *to, int64_t value, int64_t maximum, const char *what)
{
    if (value < 0 || value > maximum)
        return fail(ATOLL_ERROR_OUT_OF_RANGE, "%s is %lld; it lies between 0 and %lld", what,
                    (long long)value, (long long)maximum);
    *to = value;
    return ATOLL_OK;
}

atoll_status atoll_config_set_version_max_count(atoll_config *config, int64_t value,
                                                atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK)
        result = set_number(&config->version_max_count, value, CONFIG_VERSION_MAX_COUNT_MAX,
                            "version_max_count");
    return api_result(error, result);
}

atoll_status atoll_config_set_schema_version(atoll_config *config, int64_t value,
                                             atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK)
        result =
            set_number(&config->schema_version, value, CONFIG_SCHEMA_VERSION_MAX, "schema_version");
    return api_result(error, result);
}

atoll_status atoll_config_set_client_reset_mode(atoll_config *config, int32_t value,
                                                atoll_error **error)
{
    int64_t mode = 0;
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK)
        result = set_number(&mode, value, CONFIG_CLIENT_RESET_MODE_MAX, "client_reset_mode");
    if (result == ATOLL_OK) config->client_reset_mode = (int32_t)mode;
    return api_result(error, result);
}

atoll_status atoll_config_set_ask_client_resets(atoll_config *config, bool value,
                                                atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK) config->ask_client_resets = value;
    return api_result(error, result);
}

atoll_status atoll_config_set_cancel_waits_on_errors(atoll_config *config, bool value,
                                                     atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK) config->cancel_waits_on_errors = value;
    return api_result(error, result);
}

atoll_status atoll_config_set_memory_budget_bytes(atoll_config *config, int64_t value,
                                                  atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK)
        result = set_number(&config->memory_budget_bytes, value, CONFIG_MEMORY_BUDGET_BYTES_MAX,
                            "memory_budget_bytes");
    return api_result(error, result);
}

status config_check(const atoll_config *config)
{
    bool synced = config->user != NULL;
    const char *pair = NULL;
    if (config->in_memory && config->encryption_key_size != 0)
        pair = "in_memory and encryption_key: nothing of a realm in memory reaches the disk";
    else if (config->in_memory && config->read_only)
        pair = "in_memory and read_only: it would stay empty";
    else if (config->read_only && config->delete_if_migration_needed)
        pair = "read_only and delete_if_migration_needed";
    if (pair != NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "settings exclude each other: %s", pair);
    if (synced && (config->in_memory || config->read_only))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "%s",
                    config->in_memory
                        ? "in_memory is a setting of local realms: what a synced one has not sent "
                          "must outlive the process"
                        : "read_only is a setting of local realms: a synced one is written by what "
                          "it receives");
    if (synced && (config->schema_version != 0 || config->delete_if_migration_needed))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "%s is a setting of local realms: the schema of a synced one only grows",
                    config->schema_version != 0 ? "schema_version" : "delete_if_migration_needed");
    return ATOLL_OK;
}

/* A partition value as part of a file name: a letter for the type and hexadecimal digits, so that no value can leave
 * the folder or meet another. */
static status partition_name(const value *v, buffer *out)
{
    buffer plain;
    buffer_init(&plain, LIMIT_VALUE_SIZE_MAX * 2u);
    status result = value_write(&plain, v);
    if (plain.size > 100) { /* longer than a file name may be: its hash */
        uint64_t hashes[2] = {hash_bytes(plain.data, plain.size, 1),
                              hash_bytes(plain.data, plain.size, 2)};
        buffer_clear(&plain);
        if (result == ATOLL_OK) result = buffer_append(&plain, hashes, sizeof hashes);
    }
    static const char digits[] = "0123456789abcdef";
    if (result == ATOLL_OK) result = buffer_append(out, "partition_", 10);
    for (size_t i = 0; i < plain.size && result == ATOLL_OK; i++) {
        char pair[2] = {digits[plain.data[i] >> 4], digits[plain.data[i] & 15]};
        result = buffer_append(out, pair, 2);
    }
    buffer_free(&plain);
    return result;
}

/* What has no path of its own is named after its sync mode; it and a relative path lie in the user's folder. */
static status synced_path(const atoll_config *config, char **out)
{
    buffer path;
    buffer_init(&path, 64u << 10);
    const atoll_app *app = config->user->app;
    bool named = config->path != NULL && config->path[0] != 0;
    const char *parts[] = {
        app->base_path,           "/", app->app_id, "/", account_id(config->user->account), "/",
        named ? config->path : ""};
    status result = ATOLL_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && result == ATOLL_OK; i++)
        result = buffer_append(&path, parts[i], strlen(parts[i]));
    if (result == ATOLL_OK && !named)
        result = config->flexible ? buffer_append(&path, "flexible", 8)
                                  : partition_name(&config->partition->items.items[0].plain, &path);
    if (result == ATOLL_OK && !named) result = buffer_append(&path, ".atoll", 6);
    if (result == ATOLL_OK) result = buffer_append(&path, "", 1);
    if (result == ATOLL_OK)
        *out = (char *)path.data;
    else
        buffer_free(&path);
    return result;
}

static status join_path(const char *folder, const char *between, const char *name, char **out)
{
    size_t size = strlen(folder) + strlen(between) + strlen(name) + 1;
    char *joined = memory_allocate(size);
    if (joined == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    snprintf(joined, size, "%s%s%s", folder, between, name);
    *out = joined;
    return ATOLL_OK;
}

status config_effective_path(const atoll_config *config, char **out)
{
    TRY(API_NOT_NULL(config));
    bool named = config->path != NULL && config->path[0] != 0;
    if (config->in_memory) {
        if (!named)
            return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                        "a realm in memory needs an identifier; call atoll_config_set_path");
        return join_path("memory:", "", config->path, out);
    }
    if (!named && config->user == NULL && config->base_path == NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "a local realm needs a path; call atoll_config_set_path");
    const char *path = named ? config->path : "";
    if (config->user != NULL && path[0] != '/' && config->base_path == NULL)
        return synced_path(config, out);
    bool relative = config->base_path != NULL && path[0] != '/';
    size_t size = strlen(path);
    char *full = NULL;
    TRY(join_path(relative ? config->base_path : "", relative ? "/" : "", path, &full));
    if (size != 0 && path[size - 1] != '/') {
        *out = full;
        return ATOLL_OK;
    }
    status result = join_path(full, "", "default.realm", out);
    memory_free(full);
    return result;
}

atoll_bytes atoll_config_path(const atoll_config *config, atoll_error **error)
{
    char *path = NULL;
    if (!api_ok(error, config_effective_path(config, &path))) return (atoll_bytes){NULL, 0};
    /* The text is the configuration's: this is the one field that a reader fills. */
    atoll_config *owner = (atoll_config *)(uintptr_t)config;
    memory_free(owner->effective_path);
    owner->effective_path = path;
    return (atoll_bytes){path, strlen(path)};
}
