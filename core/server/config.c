/* The configuration file of atolld, by libyaml; the only file that includes it.
 * Must never: ignore a key that it does not know, since a misspelt setting would silently be a default.
 * Invariant: a configuration that was read is complete: every app has its mode, ways to log in and partition property. */
#include "server/config_internal.h"
#include "server/roles.h"

#include <stdlib.h>

#define OFFLINE_MS_MAX (30ull * 86400 * 1000) /* if the file says nothing */

#define CONFIG_PORT_DEFAULT 7700
#define CONFIG_ACCESS_MS (30ull * 60 * 1000)
#define CONFIG_REFRESH_MS (60ull * 24 * 3600 * 1000)
#define CONFIG_APP_ID_SIZE_MAX 64 /* it names a folder */

status config_fail_at(const yaml_node_t *node, const char *text)
{
    return fail(ATOLL_ERROR_MISMATCHED_CONFIG, "configuration, line %zu column %zu: %s",
                node->start_mark.line + 1, node->start_mark.column + 1, text);
}

bytes config_scalar(const yaml_node_t *node)
{
    if (node == NULL || node->type != YAML_SCALAR_NODE) return bytes_of(NULL, 0);
    return bytes_of(node->data.scalar.value, node->data.scalar.length);
}

bool config_is(const yaml_node_t *node, const char *text)
{
    return node->type == YAML_SCALAR_NODE && bytes_equal(config_scalar(node), bytes_text(text));
}

status config_set_text(char **to, bytes text)
{
    char *copy = memory_copy_text((const char *)text.data, text.size);
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memory_free(*to);
    *to = copy;
    return ATOLL_OK;
}

status config_bool(const yaml_node_t *node, bool *out)
{
    if (config_is(node, "true"))
        *out = true;
    else if (config_is(node, "false"))
        *out = false;
    else
        return config_fail_at(node, "expected true or false");
    return ATOLL_OK;
}

/* 0: it is none above 0. */
static uint64_t read_number(const yaml_node_t *node)
{
    bytes text = config_scalar(node);
    uint64_t value = 0;
    if (text.size > 10) return 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return 0;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    return value;
}

status config_read_seconds(const yaml_node_t *node, uint64_t *out_ms)
{
    uint64_t value = read_number(node);
    if (value == 0) return config_fail_at(node, "expected a number of seconds above 0");
    *out_ms = value * 1000;
    return ATOLL_OK;
}

status config_read_megabytes(const yaml_node_t *node, uint64_t *out)
{
    uint64_t value = read_number(node);
    if (value == 0) return config_fail_at(node, "expected a number of megabytes above 0");
    *out = value << 20;
    return ATOLL_OK;
}

bool app_id_is_valid(bytes id)
{
    if (id.size == 0 || id.size > CONFIG_APP_ID_SIZE_MAX || id.data[0] == '.') return false;
    for (size_t i = 0; i < id.size; i++) {
        uint8_t c = id.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_' && c != '.') return false;
    }
    return true;
}

status address_read(const char *text, char **host, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long number = colon == NULL ? -1 : strtol(colon + 1, &end, 10);
    if (colon == NULL || colon == text || end == colon + 1 || *end != '\0' || number < 0 ||
        number > 65535) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "\"%s\" is no address: expected HOST:PORT, e.g. 127.0.0.1:7700", text);
    }
    bytes name = bytes_of(text, (size_t)(colon - text));
    if (name.size > 2 && name.data[0] == '[' && name.data[name.size - 1] == ']') {
        name = bytes_of(name.data + 1, name.size - 2);
    }
    TRY(config_set_text(host, name));
    *port = (uint16_t)number;
    return ATOLL_OK;
}

static status read_listen(const yaml_node_t *node, server_config *c)
{
    bytes text = config_scalar(node);
    char copy[256];
    if (text.size == 0 || text.size >= sizeof copy)
        return config_fail_at(node, "expected HOST:PORT, e.g. 127.0.0.1:7700");
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    status result = address_read(copy, &c->host, &c->port);
    if (result == ATOLL_ERROR_INVALID_ARGUMENT)
        return config_fail_at(node, "expected HOST:PORT, e.g. 127.0.0.1:7700");
    return result;
}

static status read_app_key(yaml_reading *r, const yaml_node_t *key, const yaml_node_t *node,
                           app_config *app)
{
    if (config_is(key, "id")) {
        if (!app_id_is_valid(config_scalar(node))) {
            return config_fail_at(
                node,
                "id: expected up to 64 letters, digits, '-', '_' and '.', not starting with '.'");
        }
        return config_set_text(&app->id, config_scalar(node));
    }
    if (config_is(key, "sync")) {
        app->mode_known = true;
        app->flexible = config_is(node, "flexible");
        return app->flexible || config_is(node, "partition")
                   ? ATOLL_OK
                   : config_fail_at(node, "sync: expected flexible or partition");
    }
    if (config_is(key, "partition_property")) {
        if (config_scalar(node).size == 0)
            return config_fail_at(node, "partition_property: expected the name of a property");
        app->partition_clients = true;
        return config_set_text(&app->partition_property, config_scalar(node));
    }
    if (config_is(key, "log_in")) return config_read_log_in(r, node, app);
    if (config_is(key, "email")) return config_read_email(r, node, app);
    if (config_is(key, "tokens")) return config_read_tokens(r, node, app);
    if (config_is(key, "development")) return config_bool(node, &app->development);
    if (config_is(key, "client_offline_seconds_max"))
        return config_read_seconds(node, &app->offline_ms);
    if (config_is(key, "client_recovery")) return config_bool(node, &app->recovery);
    if (config_is(key, "memory_megabytes")) return config_read_megabytes(node, &app->memory_budget);
    if (config_is(key, "staged_megabytes_max"))
        return config_read_megabytes(node, &app->staged_max);
    if (config_is(key, "roles") || config_is(key, "default_roles") ||
        config_is(key, "partition_rules") || config_is(key, "queryable_fields"))
        return config_roles_key(r, key, node, app);
    if (config_is(key, "ingest")) return config_read_ingest(r, node, app);
    return config_fail_at(
        key, "unknown key: expected id, sync, partition_property, log_in, email, tokens, "
             "development, client_offline_seconds_max, client_recovery, memory_megabytes, "
             "staged_megabytes_max, roles, default_roles, partition_rules, queryable_fields or "
             "ingest");
}

static status read_app(yaml_reading *r, const yaml_node_t *node, app_config *app)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "expected an app: id, sync, log_in, ...");
    app->anonymous = app->email = app->recovery = true;
    app->offline_ms = OFFLINE_MS_MAX;
    TRY(log_in_config_new(&app->log_in));
    TRY(config_set_text(&app->partition_property, bytes_text("_partition")));
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        TRY(read_app_key(r, yaml_document_get_node(&r->document, pair->key),
                         yaml_document_get_node(&r->document, pair->value), app));
    }
    if (app->id == NULL) return config_fail_at(node, "the app has no id");
    if (!app->mode_known)
        return config_fail_at(node, "the app does not say sync: flexible or sync: partition");
    if (app->sink != NULL && !app->flexible)
        return config_fail_at(node, "ingest: asymmetric classes are for apps of flexible sync");
    if (app->sink != NULL && !app->sink_create_said) app->sink->create = app->development;
    if (server_config_app(r->config, bytes_text(app->id)) != NULL)
        return config_fail_at(node, "a second app of the same id");
    return ATOLL_OK;
}

static status read_apps(yaml_reading *r, const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) return config_fail_at(node, "apps: expected a list");
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        app_config app = {0};
        status result = read_app(r, yaml_document_get_node(&r->document, *item), &app);
        if (result == ATOLL_OK) result = vector_push(&r->config->apps, app);
        if (result != ATOLL_OK) {
            app_config_free(&app);
            return result;
        }
    }
    return ATOLL_OK;
}

static status read_root(yaml_reading *r)
{
    const yaml_node_t *root = yaml_document_get_root_node(&r->document);
    if (root == NULL)
        return fail(ATOLL_ERROR_MISMATCHED_CONFIG,
                    "the configuration is empty: expected listen and apps");
    if (root->type != YAML_MAPPING_NODE) return config_fail_at(root, "expected listen and apps");
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
        const yaml_node_t *node = yaml_document_get_node(&r->document, pair->value);
        if (config_is(key, "listen"))
            TRY(read_listen(node, r->config));
        else if (config_is(key, "apps"))
            TRY(read_apps(r, node));
        else if (config_is(key, "tls"))
            TRY(config_read_tls(r, node));
        else if (config_is(key, "access_token_seconds"))
            TRY(config_read_seconds(node, &r->config->access_token_ms));
        else if (config_is(key, "refresh_token_seconds"))
            TRY(config_read_seconds(node, &r->config->refresh_token_ms));
        else
            return config_fail_at(
                key, "unknown key: expected listen, apps, tls, access_token_seconds or "
                     "refresh_token_seconds");
    }
    return ATOLL_OK;
}

status server_config_read(bytes yaml, server_config *out)
{
    server_config config = {0};
    yaml_parser_t parser;
    yaml_reading reading = {.config = &config};
    TRY(server_config_default(&config));
    config.open = false;
    if (yaml_parser_initialize(&parser) == 0) {
        server_config_free(&config);
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "out of memory while reading the configuration");
    }
    yaml_parser_set_input_string(&parser, yaml.data, yaml.size);
    status result;
    if (yaml_parser_load(&parser, &reading.document) == 0) {
        result = fail(ATOLL_ERROR_MISMATCHED_CONFIG, "configuration, line %zu column %zu: %s",
                      parser.problem_mark.line + 1, parser.problem_mark.column + 1,
                      parser.problem != NULL ? parser.problem : "not YAML");
    } else {
        result = read_root(&reading);
        yaml_document_delete(&reading.document);
    }
    yaml_parser_delete(&parser);
    if (result != ATOLL_OK)
        server_config_free(&config);
    else
        *out = config;
    return result;
}

status server_config_default(server_config *out)
{
    server_config config = {.port = CONFIG_PORT_DEFAULT,
                            .access_token_ms = CONFIG_ACCESS_MS,
                            .refresh_token_ms = CONFIG_REFRESH_MS,
                            .open = true};
    TRY(config_set_text(&config.host, bytes_text("127.0.0.1")));
    *out = config;
    return ATOLL_OK;
}

status app_config_default(const char *id, app_config *out)
{
    app_config app = {.anonymous = true,
                      .email = true,
                      .development = true,
                      .recovery = true,
                      .offline_ms = OFFLINE_MS_MAX};
    status result = config_set_text(&app.id, bytes_text(id));
    if (result == ATOLL_OK) result = log_in_config_new(&app.log_in);
    if (result == ATOLL_OK)
        result = config_set_text(&app.partition_property, bytes_text("_partition"));
    if (result != ATOLL_OK)
        app_config_free(&app);
    else
        *out = app;
    return result;
}

void app_config_free(app_config *c)
{
    memory_free(c->id);
    memory_free(c->partition_property);
    log_in_config_release(c->log_in);
    role_set_release(c->roles);
    sink_config_release(c->sink);
    *c = (app_config){0};
}

void server_config_free(server_config *c)
{
    for (size_t i = 0; i < c->apps.count; i++) app_config_free(&c->apps.items[i]);
    vector_free(&c->apps);
    memory_free(c->host);
    memory_free(c->certificate);
    memory_free(c->key);
    *c = (server_config){0};
}

const app_config *server_config_app(const server_config *c, bytes id)
{
    for (size_t i = 0; i < c->apps.count; i++) {
        if (bytes_equal(bytes_text(c->apps.items[i].id), id)) return &c->apps.items[i];
    }
    return NULL;
}
