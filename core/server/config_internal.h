#ifndef ATOLL_SERVER_CONFIG_INTERNAL_H
#define ATOLL_SERVER_CONFIG_INTERNAL_H
#include "server/config.h"

#include <yaml.h>

typedef struct yaml_reading {
    yaml_document_t document;
    server_config *config;
} yaml_reading;

status config_fail_at(const yaml_node_t *node, const char *text); /* with line and column */
bytes config_scalar(const yaml_node_t *node);                     /* empty: none */
bool config_is(const yaml_node_t *node, const char *text);
status config_set_text(char **to, bytes text) MUST_CHECK;
status config_read_seconds(const yaml_node_t *node, uint64_t *out_ms) MUST_CHECK;
status config_read_megabytes(const yaml_node_t *node, uint64_t *out) MUST_CHECK; /* bytes */
status config_bool(const yaml_node_t *node, bool *out) MUST_CHECK;
/* config_roles.c: roles, default_roles, partition_rules, queryable_fields. */
status config_roles_key(yaml_reading *r, const yaml_node_t *key, const yaml_node_t *node,
                        app_config *app) MUST_CHECK;
/* config_log_in.c: the keys log_in, email and tokens of an app. */
status config_read_log_in(yaml_reading *r, const yaml_node_t *node, app_config *app) MUST_CHECK;
status config_read_email(yaml_reading *r, const yaml_node_t *node, app_config *app) MUST_CHECK;
status config_read_tokens(yaml_reading *r, const yaml_node_t *node, app_config *app) MUST_CHECK;
/* and tls of the server. */
status config_read_tls(yaml_reading *r, const yaml_node_t *node) MUST_CHECK;
/* config_ingest.c: the key ingest of an app. */
status config_read_ingest(yaml_reading *r, const yaml_node_t *node, app_config *app) MUST_CHECK;
#endif
