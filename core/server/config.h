#ifndef ATOLL_SERVER_CONFIG_H
#define ATOLL_SERVER_CONFIG_H
#include "base/bytes.h"
#include "base/vector.h"

/* What atolld was told: by a YAML file, or the development defaults without one. */
typedef struct app_config {
    char *id;
    bool mode_known; /* false: the first client's bind decides (development only) */
    bool flexible;
    char *partition_property;
    bool anonymous, email; /* ways to log in */
    bool development;      /* take schemas from clients */
} app_config;

typedef struct server_config {
    char *host;
    uint16_t port;
    uint64_t access_token_ms, refresh_token_ms;
    bool open; /* no file: an app is created when a client first names it */
    VECTOR(app_config) apps;
} server_config;

status server_config_default(server_config *out) MUST_CHECK;
/* Errors name line and column: MISMATCHED_CONFIG. */
status server_config_read(bytes yaml, server_config *out) MUST_CHECK;
void server_config_free(server_config *c);
const app_config *server_config_app(const server_config *c, bytes id); /* NULL: none */
status app_config_default(const char *id, app_config *out) MUST_CHECK;
void app_config_free(app_config *c);
bool app_id_is_valid(bytes id);
/* "HOST:PORT"; [::1]:7700 too. */
status address_read(const char *text, char **host, uint16_t *port) MUST_CHECK;
#endif
