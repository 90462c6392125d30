#ifndef ATOLL_SERVER_CONFIG_H
#define ATOLL_SERVER_CONFIG_H
#include "base/bytes.h"
#include "base/vector.h"

#include <stdatomic.h>

/* A key that checks tokens of somebody else. */
typedef struct provider_key {
    char *id;   /* "kid"; NULL: none */
    char *text; /* PEM of a public key, or a shared secret */
    size_t size;
} provider_key;
/* Who else may say who a user is. */
typedef struct token_provider {
    char *name;               /* "custom-token", "oauth2-google", "oauth2-apple" */
    bool shared_secret;       /* HS256, else RS256 */
    char *issuer;             /* NULL: any */
    VECTOR(char *) audiences; /* none: any */
    VECTOR(provider_key) keys;
} token_provider;
/* How users of an app log in, beyond the two ways without settings. Shared, never changed once it was read. */
typedef struct log_in_config {
    atomic_int references;
    bool api_keys;
    bool confirm;  /* an address is confirmed by what is sent to it */
    char *command; /* does the sending; NULL: the log tells */
    uint64_t ticket_ms;
    VECTOR(token_provider) providers;
} log_in_config;
status log_in_config_new(log_in_config **out) MUST_CHECK;
log_in_config *log_in_config_retain(log_in_config *c);
void log_in_config_release(log_in_config *c); /* NULL is fine */
const token_provider *log_in_config_provider(const log_in_config *c,
                                             const char *name); /* NULL: none */

/* config_ingest.c. Where ingested objects of an app go besides the embedded store. Shared once it was read; counts its references. */
typedef struct sink_table {
    char *class_name, *table;
} sink_table;
typedef struct sink_config {
    atomic_size_t references;
    char *connection; /* libpq's; may hold a password */
    char *schema;
    bool create;               /* makes tables and columns that are missing */
    VECTOR(sink_table) tables; /* other classes: the table has the class's name */
} sink_config;
status sink_config_new(sink_config **out) MUST_CHECK;
sink_config *sink_config_retain(sink_config *c);                    /* NULL is fine */
void sink_config_release(sink_config *c);                           /* NULL is fine */
bool sink_config_equal(const sink_config *a, const sink_config *b); /* NULL is fine */

/* How long the embedded store keeps ingested objects; zeros: for ever. */
typedef struct ingest_keep {
    uint64_t ms, bytes;
    bool drop_delivered; /* what is in PostgreSQL */
} ingest_keep;

/* What atolld was told: by a YAML file, or the development defaults without one. */
typedef struct app_config {
    char *id;
    bool mode_known; /* false: the first client's bind decides (development only) */
    bool flexible;
    char *partition_property;
    bool
        partition_clients; /* flexible, and the property is named: clients of partition sync go on */
    bool anonymous, email;  /* ways to log in */
    log_in_config *log_in;  /* a reference */
    bool development;       /* take schemas from clients */
    struct role_set *roles; /* NULL: everything is allowed (server/roles.h); a reference */
    uint64_t offline_ms;    /* how long a client may be away before it has to reset */
    bool recovery;          /* clients that reset may send what they had not sent */
    uint64_t memory_budget; /* bytes of objects kept in memory; 0: as the machine allows */
    uint64_t staged_max;    /* bytes of unfinished batches of all its clients; 0: 4 GB */
    sink_config *sink;      /* a reference; NULL: ingested objects stay in the embedded store */
    bool sink_create_said;  /* else as development */
    ingest_keep keep;
} app_config;

typedef struct server_config {
    char *host;
    uint16_t port;
    uint64_t access_token_ms, refresh_token_ms;
    char *certificate, *key; /* files of TLS; NULL: without */
    bool open;               /* no file: an app is created when a client first names it */
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
