/* DRAFT of the whole public ABI: the generator (tools/abigen, from schema/abi) takes this over. */
#ifndef ATOLL_ATOLL_H
#define ATOLL_ATOLL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <atoll/status.h>
#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#define ATOLL_API __attribute__((visibility("default")))
#else
#define ATOLL_API
#endif

/* ---------- values (frozen structs) ---------- */
typedef struct atoll_bytes { const char *data; size_t size; } atoll_bytes; /* borrowed; data NULL = null value */
typedef struct atoll_timestamp { int64_t seconds; int32_t nanoseconds; int32_t zero; } atoll_timestamp; /* since 1970 UTC */

typedef int32_t atoll_value_type; /* enum values below; int32_t in the ABI */
enum {
    ATOLL_TYPE_NULL = 0, ATOLL_TYPE_BOOL = 1, ATOLL_TYPE_INT = 2, ATOLL_TYPE_DOUBLE = 3, ATOLL_TYPE_STRING = 4, ATOLL_TYPE_BINARY = 5,
    ATOLL_TYPE_TIMESTAMP = 6, ATOLL_TYPE_UUID = 7, ATOLL_TYPE_OBJECT_ID = 8, ATOLL_TYPE_LINK = 9, ATOLL_TYPE_EMBEDDED = 10, ATOLL_TYPE_LIST = 11
};
enum { ATOLL_CLASS_NORMAL = 0, ATOLL_CLASS_EMBEDDED = 1, ATOLL_CLASS_ASYMMETRIC = 2 };
enum { ATOLL_PROPERTY_NULLABLE = 1, ATOLL_PROPERTY_LIST = 2, ATOLL_PROPERTY_PRIMARY_KEY = 4, ATOLL_PROPERTY_INDEXED = 8 }; /* flags */

typedef struct atoll_error atoll_error;
typedef struct atoll_values atoll_values;         /* a growable list of values: keys, query arguments, list elements */
typedef struct atoll_schema atoll_schema;
typedef struct atoll_config atoll_config;         /* of one realm */
typedef struct atoll_realm atoll_realm;           /* belongs to the thread that opened it */
typedef struct atoll_object atoll_object;
typedef struct atoll_list atoll_list;
typedef struct atoll_results atoll_results;
typedef struct atoll_queue atoll_queue;           /* any thread */
typedef struct atoll_event atoll_event;
typedef struct atoll_app_config atoll_app_config;
typedef struct atoll_app atoll_app;               /* any thread; so are user, session, subscriptions */
typedef struct atoll_user atoll_user;
typedef struct atoll_session atoll_session;
typedef struct atoll_subscriptions atoll_subscriptions;             /* a snapshot of the subscription set */
typedef struct atoll_subscription_update atoll_subscription_update; /* a mutable copy, committed or dropped */

/* ---------- library, errors ---------- */
ATOLL_API const char *atoll_version(void);
ATOLL_API atoll_status atoll_error_code(const atoll_error *error);
ATOLL_API const char *atoll_error_message(const atoll_error *error); /* borrowed until the error is freed */
ATOLL_API bool atoll_error_is_retryable(const atoll_error *error);
ATOLL_API void atoll_error_free(atoll_error *error);
ATOLL_API const char *atoll_status_name(atoll_status status); /* "INVALID_ARGUMENT" */

/* ---------- values ---------- */
ATOLL_API atoll_values *atoll_values_new(atoll_error **error);
ATOLL_API void atoll_values_free(atoll_values *values);
ATOLL_API int64_t atoll_values_count(const atoll_values *values);
ATOLL_API atoll_status atoll_values_add_null(atoll_values *values, atoll_error **error);
ATOLL_API atoll_status atoll_values_add_bool(atoll_values *values, bool value, atoll_error **error);
ATOLL_API atoll_status atoll_values_add_int(atoll_values *values, int64_t value, atoll_error **error);
ATOLL_API atoll_status atoll_values_add_double(atoll_values *values, double value, atoll_error **error);
ATOLL_API atoll_status atoll_values_add_string(atoll_values *values, const char *value, size_t value_size, atoll_error **error);
ATOLL_API atoll_status atoll_values_add_binary(atoll_values *values, const char *value, size_t value_size, atoll_error **error);
ATOLL_API atoll_status atoll_values_add_timestamp(atoll_values *values, atoll_timestamp value, atoll_error **error);
ATOLL_API atoll_status atoll_values_add_uuid(atoll_values *values, const char *value, size_t value_size, atoll_error **error);      /* 16 bytes */
ATOLL_API atoll_status atoll_values_add_object_id(atoll_values *values, const char *value, size_t value_size, atoll_error **error); /* 12 bytes */
ATOLL_API atoll_status atoll_values_add_object(atoll_values *values, const atoll_object *object, atoll_error **error);
ATOLL_API atoll_status atoll_values_add_list(atoll_values *values, const atoll_values *list, atoll_error **error);
ATOLL_API atoll_value_type atoll_values_type(const atoll_values *values, int64_t index, atoll_error **error);
ATOLL_API bool atoll_values_get_bool(const atoll_values *values, int64_t index, atoll_error **error);
ATOLL_API int64_t atoll_values_get_int(const atoll_values *values, int64_t index, atoll_error **error);
ATOLL_API double atoll_values_get_double(const atoll_values *values, int64_t index, atoll_error **error);
ATOLL_API atoll_bytes atoll_values_get_string(const atoll_values *values, int64_t index, atoll_error **error); /* borrowed from values */
ATOLL_API atoll_bytes atoll_values_get_binary(const atoll_values *values, int64_t index, atoll_error **error);
ATOLL_API atoll_timestamp atoll_values_get_timestamp(const atoll_values *values, int64_t index, atoll_error **error);
ATOLL_API atoll_bytes atoll_values_get_uuid(const atoll_values *values, int64_t index, atoll_error **error);
ATOLL_API atoll_bytes atoll_values_get_object_id(const atoll_values *values, int64_t index, atoll_error **error);
ATOLL_API atoll_object *atoll_values_get_object(const atoll_values *values, int64_t index, atoll_error **error); /* new; NULL without error = null link */

/* ---------- schema ---------- */
ATOLL_API atoll_schema *atoll_schema_new(atoll_error **error);
ATOLL_API void atoll_schema_free(atoll_schema *schema);
ATOLL_API int32_t atoll_schema_add_class(atoll_schema *schema, const char *name, size_t name_size, int32_t kind, atoll_error **error); /* index of the class */
ATOLL_API atoll_status atoll_schema_add_property(atoll_schema *schema, int32_t class_index, const char *name, size_t name_size, atoll_value_type type,
                                                 int32_t flags, const char *target, size_t target_size, atoll_error **error); /* target: class of link or embedded; size 0 otherwise */
ATOLL_API int32_t atoll_schema_class_count(const atoll_schema *schema);
ATOLL_API atoll_bytes atoll_schema_class_name(const atoll_schema *schema, int32_t class_index, atoll_error **error);
ATOLL_API int32_t atoll_schema_class_kind(const atoll_schema *schema, int32_t class_index, atoll_error **error);
ATOLL_API int32_t atoll_schema_property_count(const atoll_schema *schema, int32_t class_index, atoll_error **error);
ATOLL_API atoll_bytes atoll_schema_property_name(const atoll_schema *schema, int32_t class_index, int32_t property_index, atoll_error **error);
ATOLL_API atoll_value_type atoll_schema_property_type(const atoll_schema *schema, int32_t class_index, int32_t property_index, atoll_error **error);
ATOLL_API int32_t atoll_schema_property_flags(const atoll_schema *schema, int32_t class_index, int32_t property_index, atoll_error **error);
ATOLL_API atoll_bytes atoll_schema_property_target(const atoll_schema *schema, int32_t class_index, int32_t property_index, atoll_error **error);

/* ---------- configuration of a realm ---------- */
ATOLL_API atoll_config *atoll_config_new(atoll_error **error);
ATOLL_API void atoll_config_free(atoll_config *config);
ATOLL_API atoll_status atoll_config_set_path(atoll_config *config, const char *path, size_t path_size, atoll_error **error); /* optional for synced realms */
ATOLL_API atoll_status atoll_config_set_schema(atoll_config *config, const atoll_schema *schema, atoll_error **error);       /* copied */
ATOLL_API atoll_status atoll_config_set_flexible(atoll_config *config, const atoll_user *user, atoll_error **error);
ATOLL_API atoll_status atoll_config_set_partition(atoll_config *config, const atoll_user *user, const atoll_values *partition, atoll_error **error); /* one value: string, int, object id, uuid or null */
ATOLL_API atoll_status atoll_config_set_partition_property(atoll_config *config, const char *name, size_t name_size, atoll_error **error); /* default "_partition" */
ATOLL_API atoll_status atoll_config_set_sync_commits(atoll_config *config, bool on, atoll_error **error); /* fsync at every commit; default true */
ATOLL_API atoll_bytes atoll_config_path(const atoll_config *config, atoll_error **error); /* the effective path, derived for synced realms when not set */

/* ---------- realm ---------- */
ATOLL_API atoll_realm *atoll_realm_open(const atoll_config *config, atoll_error **error);
ATOLL_API void atoll_realm_close(atoll_realm *realm); /* handles derived from it answer CLOSED from then on */
ATOLL_API void atoll_realm_free(atoll_realm *realm);
ATOLL_API bool atoll_realm_is_closed(const atoll_realm *realm);
ATOLL_API atoll_bytes atoll_realm_path(const atoll_realm *realm);
ATOLL_API atoll_schema *atoll_realm_schema(const atoll_realm *realm, atoll_error **error); /* new */
ATOLL_API atoll_status atoll_realm_begin(atoll_realm *realm, atoll_error **error); /* blocks while another thread writes */
ATOLL_API int64_t atoll_realm_commit(atoll_realm *realm, atoll_error **error);     /* the new version */
ATOLL_API atoll_status atoll_realm_rollback(atoll_realm *realm, atoll_error **error);
ATOLL_API bool atoll_realm_is_in_transaction(const atoll_realm *realm);
ATOLL_API bool atoll_realm_refresh(atoll_realm *realm, atoll_error **error); /* true: it advanced; events of its observers are queued before the return */
ATOLL_API int64_t atoll_realm_version(const atoll_realm *realm);
ATOLL_API atoll_status atoll_realm_set_defaults(atoll_realm *realm, bool on, atoll_error **error); /* sets made while on are default values: they lose every merge */
ATOLL_API uint32_t atoll_realm_class(const atoll_realm *realm, const char *name, size_t name_size, atoll_error **error); /* stable key of the class, never 0 */
ATOLL_API uint32_t atoll_realm_property(const atoll_realm *realm, uint32_t class_key, const char *name, size_t name_size, atoll_error **error); /* key, never 0 */
ATOLL_API atoll_object *atoll_realm_create(atoll_realm *realm, uint32_t class_key, const atoll_values *key, atoll_error **error);       /* key NULL for a class without one */
ATOLL_API atoll_object *atoll_realm_create_or_get(atoll_realm *realm, uint32_t class_key, const atoll_values *key, atoll_error **error); /* upsert */
ATOLL_API atoll_object *atoll_realm_find(const atoll_realm *realm, uint32_t class_key, const atoll_values *key, atoll_error **error);    /* NULL without error: none */
ATOLL_API atoll_object *atoll_realm_object(const atoll_realm *realm, uint32_t class_key, uint64_t row, atoll_error **error);             /* by local row key */
ATOLL_API atoll_status atoll_realm_delete_class(atoll_realm *realm, uint32_t class_key, atoll_error **error); /* deletes all objects of a class */
ATOLL_API atoll_status atoll_realm_delete_files(const atoll_config *config, atoll_error **error); /* FILE_IN_USE while open */
ATOLL_API atoll_session *atoll_realm_session(const atoll_realm *realm, atoll_error **error); /* new; NULL without error: a local realm */
ATOLL_API atoll_subscriptions *atoll_realm_subscriptions(const atoll_realm *realm, atoll_error **error); /* new; NOT_SUPPORTED unless flexible */
ATOLL_API uint64_t atoll_realm_observe(atoll_realm *realm, atoll_queue *queue, atoll_error **error); /* REALM_PENDING (a newer version exists; from any thread) and REALM_CHANGED (this instance advanced) */
ATOLL_API void atoll_realm_unobserve(atoll_realm *realm, uint64_t registration); /* ends any observe of this realm, its objects, lists and results */

/* ---------- object ---------- */
ATOLL_API void atoll_object_free(atoll_object *object);
ATOLL_API atoll_object *atoll_object_copy(const atoll_object *object, atoll_error **error);
ATOLL_API bool atoll_object_is_valid(const atoll_object *object); /* false: deleted, asymmetric after commit, realm closed */
ATOLL_API uint32_t atoll_object_class(const atoll_object *object);
ATOLL_API uint64_t atoll_object_row(const atoll_object *object);
ATOLL_API bool atoll_object_equals(const atoll_object *object, const atoll_object *other);
ATOLL_API atoll_status atoll_object_delete(atoll_object *object, atoll_error **error);
ATOLL_API atoll_object *atoll_object_parent(const atoll_object *object, atoll_error **error); /* of an embedded object; new */
ATOLL_API bool atoll_object_is_null(const atoll_object *object, uint32_t property, atoll_error **error);
ATOLL_API bool atoll_object_get_bool(const atoll_object *object, uint32_t property, atoll_error **error);
ATOLL_API int64_t atoll_object_get_int(const atoll_object *object, uint32_t property, atoll_error **error);
ATOLL_API double atoll_object_get_double(const atoll_object *object, uint32_t property, atoll_error **error);
ATOLL_API atoll_bytes atoll_object_get_string(const atoll_object *object, uint32_t property, atoll_error **error); /* borrowed until the next call on this realm */
ATOLL_API atoll_bytes atoll_object_get_binary(const atoll_object *object, uint32_t property, atoll_error **error);
ATOLL_API atoll_timestamp atoll_object_get_timestamp(const atoll_object *object, uint32_t property, atoll_error **error);
ATOLL_API atoll_bytes atoll_object_get_uuid(const atoll_object *object, uint32_t property, atoll_error **error);
ATOLL_API atoll_bytes atoll_object_get_object_id(const atoll_object *object, uint32_t property, atoll_error **error);
ATOLL_API atoll_object *atoll_object_get_object(const atoll_object *object, uint32_t property, atoll_error **error); /* link or embedded; new; NULL without error: null */
ATOLL_API atoll_list *atoll_object_get_list(const atoll_object *object, uint32_t property, atoll_error **error);     /* new */
ATOLL_API atoll_values *atoll_object_get_value(const atoll_object *object, uint32_t property, atoll_error **error);  /* new; one value of any type */
ATOLL_API atoll_status atoll_object_set_null(atoll_object *object, uint32_t property, atoll_error **error);
ATOLL_API atoll_status atoll_object_set_bool(atoll_object *object, uint32_t property, bool value, atoll_error **error);
ATOLL_API atoll_status atoll_object_set_int(atoll_object *object, uint32_t property, int64_t value, atoll_error **error);
ATOLL_API atoll_status atoll_object_set_double(atoll_object *object, uint32_t property, double value, atoll_error **error);
ATOLL_API atoll_status atoll_object_set_string(atoll_object *object, uint32_t property, const char *value, size_t value_size, atoll_error **error);
ATOLL_API atoll_status atoll_object_set_binary(atoll_object *object, uint32_t property, const char *value, size_t value_size, atoll_error **error);
ATOLL_API atoll_status atoll_object_set_timestamp(atoll_object *object, uint32_t property, atoll_timestamp value, atoll_error **error);
ATOLL_API atoll_status atoll_object_set_uuid(atoll_object *object, uint32_t property, const char *value, size_t value_size, atoll_error **error);
ATOLL_API atoll_status atoll_object_set_object_id(atoll_object *object, uint32_t property, const char *value, size_t value_size, atoll_error **error);
ATOLL_API atoll_status atoll_object_set_object(atoll_object *object, uint32_t property, const atoll_object *target, atoll_error **error); /* a link; target NULL: null */
ATOLL_API atoll_status atoll_object_set_value(atoll_object *object, uint32_t property, const atoll_values *value, atoll_error **error);    /* values[0] */
ATOLL_API atoll_object *atoll_object_create_embedded(atoll_object *object, uint32_t property, atoll_error **error); /* replaces what was there; new */
ATOLL_API uint64_t atoll_object_observe(const atoll_object *object, atoll_queue *queue, atoll_error **error);

/* ---------- list ---------- */
ATOLL_API void atoll_list_free(atoll_list *list);
ATOLL_API bool atoll_list_is_valid(const atoll_list *list);
ATOLL_API int64_t atoll_list_count(const atoll_list *list, atoll_error **error);
ATOLL_API atoll_values *atoll_list_get_value(const atoll_list *list, int64_t index, atoll_error **error);   /* new */
ATOLL_API atoll_object *atoll_list_get_object(const atoll_list *list, int64_t index, atoll_error **error);  /* new */
ATOLL_API atoll_status atoll_list_set_value(atoll_list *list, int64_t index, const atoll_values *value, atoll_error **error);
ATOLL_API atoll_status atoll_list_insert_value(atoll_list *list, int64_t index, const atoll_values *value, atoll_error **error); /* index == count appends; a link by add_object */
ATOLL_API atoll_object *atoll_list_set_embedded(atoll_list *list, int64_t index, atoll_error **error);
ATOLL_API atoll_object *atoll_list_insert_embedded(atoll_list *list, int64_t index, atoll_error **error);
ATOLL_API atoll_status atoll_list_erase(atoll_list *list, int64_t index, atoll_error **error);
ATOLL_API atoll_status atoll_list_clear(atoll_list *list, atoll_error **error);
ATOLL_API uint64_t atoll_list_observe(const atoll_list *list, atoll_queue *queue, atoll_error **error);

/* ---------- results: live, lazily evaluated at the realm's version ---------- */
ATOLL_API atoll_results *atoll_results_new(const atoll_realm *realm, uint32_t class_key, const char *query, size_t query_size, const atoll_values *arguments, atoll_error **error); /* query_size 0: all; arguments may be NULL */
ATOLL_API void atoll_results_free(atoll_results *results);
ATOLL_API atoll_results *atoll_results_filter(const atoll_results *results, const char *query, size_t query_size, const atoll_values *arguments, atoll_error **error);
ATOLL_API int64_t atoll_results_count(const atoll_results *results, atoll_error **error);
ATOLL_API atoll_object *atoll_results_object(const atoll_results *results, int64_t index, atoll_error **error);
ATOLL_API uint64_t atoll_results_row(const atoll_results *results, int64_t index, atoll_error **error);
ATOLL_API int64_t atoll_results_index_of(const atoll_results *results, const atoll_object *object, atoll_error **error); /* -1: not in it */
ATOLL_API atoll_values *atoll_results_sum(const atoll_results *results, uint32_t property, atoll_error **error);
ATOLL_API atoll_status atoll_results_delete_all(const atoll_results *results, atoll_error **error);
ATOLL_API atoll_bytes atoll_results_query(const atoll_results *results, atoll_error **error); /* canonical text with the arguments filled in; "TRUEPREDICATE" for all */
ATOLL_API uint32_t atoll_results_class(const atoll_results *results);
ATOLL_API uint64_t atoll_results_observe(const atoll_results *results, atoll_queue *queue, atoll_error **error); /* first event: INITIAL, then changes */

/* ---------- event queue ---------- */
enum {
    ATOLL_EVENT_REALM_PENDING = 1, ATOLL_EVENT_REALM_CHANGED = 2, ATOLL_EVENT_RESULTS_CHANGED = 3, ATOLL_EVENT_OBJECT_CHANGED = 4, ATOLL_EVENT_LIST_CHANGED = 5,
    ATOLL_EVENT_REQUEST_DONE = 6,          /* a request (log-in, wait, ...) ended: error NULL = success */
    ATOLL_EVENT_CONNECTION_CHANGED = 7,    /* number 0: old, number 1: new atoll_connection_state */
    ATOLL_EVENT_PROGRESS = 8,              /* fraction; number 0: transferred bytes, 1: transferable bytes, 2: done for good (1) */
    ATOLL_EVENT_SESSION_ERROR = 9,         /* error */
    ATOLL_EVENT_LOG = 10,                  /* number 0: level; text 0: category, text 1: message */
    ATOLL_EVENT_WAKE = 11                  /* atoll_queue_wake was called */
};
enum { ATOLL_CHANGE_DELETIONS = 0, ATOLL_CHANGE_INSERTIONS = 1, ATOLL_CHANGE_MODIFICATIONS = 2, ATOLL_CHANGE_MODIFICATIONS_NEW = 3, ATOLL_CHANGE_PROPERTIES = 4 };
ATOLL_API atoll_queue *atoll_queue_new(atoll_error **error);
ATOLL_API void atoll_queue_free(atoll_queue *queue);
ATOLL_API int32_t atoll_queue_fd(const atoll_queue *queue); /* readable while events wait */
ATOLL_API atoll_event *atoll_queue_next(atoll_queue *queue, int64_t timeout_ms, atoll_error **error); /* new; NULL without error: time ran out; 0 polls, -1 waits */
ATOLL_API void atoll_queue_wake(atoll_queue *queue);
ATOLL_API void atoll_event_free(atoll_event *event);
ATOLL_API int32_t atoll_event_type(const atoll_event *event);
ATOLL_API uint64_t atoll_event_registration(const atoll_event *event); /* of the observe or request that it answers */
ATOLL_API bool atoll_event_is_initial(const atoll_event *event);       /* RESULTS_CHANGED and LIST_CHANGED: the first */
ATOLL_API bool atoll_event_is_deleted(const atoll_event *event);       /* OBJECT_CHANGED, LIST_CHANGED: the object is gone */
ATOLL_API int64_t atoll_event_change_count(const atoll_event *event, int32_t kind);
ATOLL_API int64_t atoll_event_change(const atoll_event *event, int32_t kind, int64_t position); /* an index, or a property key for PROPERTIES */
ATOLL_API atoll_status atoll_event_status(const atoll_event *event);   /* of its error; ATOLL_OK if none */
ATOLL_API atoll_bytes atoll_event_message(const atoll_event *event);   /* of its error; borrowed from the event */
ATOLL_API atoll_user *atoll_event_user(const atoll_event *event);      /* log-in: new handle, else NULL */
ATOLL_API int64_t atoll_event_number(const atoll_event *event, int32_t position);
ATOLL_API double atoll_event_fraction(const atoll_event *event);
ATOLL_API atoll_bytes atoll_event_text(const atoll_event *event, int32_t position);

/* ---------- app and users ---------- */
ATOLL_API atoll_app_config *atoll_app_config_new(const char *app_id, size_t app_id_size, atoll_error **error);
ATOLL_API void atoll_app_config_free(atoll_app_config *config);
ATOLL_API atoll_status atoll_app_config_set_base_url(atoll_app_config *config, const char *url, size_t url_size, atoll_error **error); /* default ATOLL_BASE_URL, else http://127.0.0.1:7700 */
ATOLL_API atoll_status atoll_app_config_set_base_path(atoll_app_config *config, const char *path, size_t path_size, atoll_error **error); /* folder of users and realms; default the working folder */
ATOLL_API atoll_status atoll_app_config_set_connect_timeout_ms(atoll_app_config *config, int64_t value, atoll_error **error);
ATOLL_API atoll_status atoll_app_config_set_request_timeout_ms(atoll_app_config *config, int64_t value, atoll_error **error);
ATOLL_API atoll_status atoll_app_config_set_ping_period_ms(atoll_app_config *config, int64_t value, atoll_error **error);
ATOLL_API atoll_status atoll_app_config_set_pong_timeout_ms(atoll_app_config *config, int64_t value, atoll_error **error);
ATOLL_API atoll_status atoll_app_config_set_reconnect_delay_ms(atoll_app_config *config, int64_t value, atoll_error **error);       /* default 1000 */
ATOLL_API atoll_status atoll_app_config_set_reconnect_delay_max_ms(atoll_app_config *config, int64_t value, atoll_error **error);   /* default 300000 */
ATOLL_API atoll_status atoll_app_config_set_reconnect_multiplier(atoll_app_config *config, int32_t value, atoll_error **error);     /* default 2 */
ATOLL_API atoll_status atoll_app_config_set_reconnect_jitter_divisor(atoll_app_config *config, int32_t value, atoll_error **error); /* default 4; 0: no jitter */
ATOLL_API atoll_app *atoll_app_open(const atoll_app_config *config, atoll_error **error);
ATOLL_API void atoll_app_free(atoll_app *app);
ATOLL_API atoll_bytes atoll_app_id(const atoll_app *app);
ATOLL_API uint64_t atoll_app_log_in_anonymous(atoll_app *app, bool reuse, atoll_queue *queue, atoll_error **error); /* request; its event has the user */
ATOLL_API uint64_t atoll_app_log_in_email(atoll_app *app, const char *email, size_t email_size, const char *password, size_t password_size, atoll_queue *queue, atoll_error **error);
ATOLL_API uint64_t atoll_app_register_email(atoll_app *app, const char *email, size_t email_size, const char *password, size_t password_size, atoll_queue *queue, atoll_error **error);
ATOLL_API atoll_user *atoll_app_current_user(const atoll_app *app, atoll_error **error); /* new; NULL without error: none */
ATOLL_API int32_t atoll_app_user_count(const atoll_app *app);
ATOLL_API atoll_user *atoll_app_user(const atoll_app *app, int32_t index, atoll_error **error);
ATOLL_API atoll_status atoll_app_switch_user(atoll_app *app, const atoll_user *user, atoll_error **error);
ATOLL_API void atoll_app_reconnect(atoll_app *app); /* every session tries at once */
enum { ATOLL_USER_LOGGED_OUT = 0, ATOLL_USER_LOGGED_IN = 1, ATOLL_USER_REMOVED = 2 };
ATOLL_API void atoll_user_free(atoll_user *user);
ATOLL_API atoll_bytes atoll_user_id(const atoll_user *user);
ATOLL_API int32_t atoll_user_state(const atoll_user *user);
ATOLL_API atoll_bytes atoll_user_provider(const atoll_user *user); /* "anon-user", "local-userpass" */
ATOLL_API atoll_values *atoll_user_access_token(const atoll_user *user, atoll_error **error); /* one string; it changes as it is refreshed */
ATOLL_API bool atoll_user_equals(const atoll_user *user, const atoll_user *other);
ATOLL_API uint64_t atoll_user_log_out(atoll_user *user, atoll_queue *queue, atoll_error **error);

/* ---------- session ---------- */
enum { ATOLL_SESSION_ACTIVE = 0, ATOLL_SESSION_DYING = 1, ATOLL_SESSION_INACTIVE = 2, ATOLL_SESSION_WAITING_FOR_ACCESS_TOKEN = 3, ATOLL_SESSION_PAUSED = 4 };
enum { ATOLL_CONNECTION_DISCONNECTED = 0, ATOLL_CONNECTION_CONNECTING = 1, ATOLL_CONNECTION_CONNECTED = 2 };
enum { ATOLL_DIRECTION_UPLOAD = 0, ATOLL_DIRECTION_DOWNLOAD = 1 };
enum { ATOLL_PROGRESS_INDEFINITELY = 0, ATOLL_PROGRESS_CURRENT_WORK = 1 };
ATOLL_API void atoll_session_free(atoll_session *session);
ATOLL_API bool atoll_session_equals(const atoll_session *session, const atoll_session *other);
ATOLL_API int32_t atoll_session_state(const atoll_session *session);
ATOLL_API int32_t atoll_session_connection_state(const atoll_session *session);
ATOLL_API atoll_status atoll_session_stop(atoll_session *session, atoll_error **error);
ATOLL_API atoll_status atoll_session_start(atoll_session *session, atoll_error **error); /* attempts at once, whatever the backoff */
ATOLL_API atoll_bytes atoll_session_path(const atoll_session *session);
ATOLL_API atoll_user *atoll_session_user(const atoll_session *session, atoll_error **error); /* new */
ATOLL_API uint64_t atoll_session_wait_for_upload(atoll_session *session, atoll_queue *queue, atoll_error **error);   /* request */
ATOLL_API uint64_t atoll_session_wait_for_download(atoll_session *session, atoll_queue *queue, atoll_error **error); /* request */
ATOLL_API uint64_t atoll_session_observe_connection(atoll_session *session, atoll_queue *queue, atoll_error **error);
ATOLL_API uint64_t atoll_session_observe_progress(atoll_session *session, int32_t direction, int32_t mode, atoll_queue *queue, atoll_error **error);
ATOLL_API uint64_t atoll_session_observe_errors(atoll_session *session, atoll_queue *queue, atoll_error **error);
ATOLL_API void atoll_session_unobserve(atoll_session *session, uint64_t registration);

/* ---------- subscriptions ---------- */
enum { ATOLL_SUBSCRIPTIONS_PENDING = 0, ATOLL_SUBSCRIPTIONS_COMPLETE = 1, ATOLL_SUBSCRIPTIONS_ERROR = 2, ATOLL_SUBSCRIPTIONS_SUPERSEDED = 3 };
ATOLL_API void atoll_subscriptions_free(atoll_subscriptions *set);
ATOLL_API int64_t atoll_subscriptions_version(const atoll_subscriptions *set);
ATOLL_API int32_t atoll_subscriptions_state(const atoll_subscriptions *set); /* of this version, now */
ATOLL_API atoll_values *atoll_subscriptions_error(const atoll_subscriptions *set, atoll_error **error); /* one string or null */
ATOLL_API int64_t atoll_subscriptions_count(const atoll_subscriptions *set);
ATOLL_API atoll_bytes atoll_subscriptions_name(const atoll_subscriptions *set, int64_t index, atoll_error **error); /* data NULL: unnamed */
ATOLL_API atoll_bytes atoll_subscriptions_class(const atoll_subscriptions *set, int64_t index, atoll_error **error);
ATOLL_API atoll_bytes atoll_subscriptions_query(const atoll_subscriptions *set, int64_t index, atoll_error **error);
ATOLL_API atoll_timestamp atoll_subscriptions_created_at(const atoll_subscriptions *set, int64_t index, atoll_error **error);
ATOLL_API atoll_timestamp atoll_subscriptions_updated_at(const atoll_subscriptions *set, int64_t index, atoll_error **error);
ATOLL_API int64_t atoll_subscriptions_find_name(const atoll_subscriptions *set, const char *name, size_t name_size);       /* -1: none */
ATOLL_API int64_t atoll_subscriptions_find_results(const atoll_subscriptions *set, const atoll_results *results, atoll_error **error); /* -1: none */
ATOLL_API uint64_t atoll_subscriptions_wait(const atoll_subscriptions *set, atoll_queue *queue, atoll_error **error);       /* request: done when this version is Complete */
ATOLL_API atoll_subscription_update *atoll_subscription_update_begin(const atoll_realm *realm, atoll_error **error);        /* a copy of the newest set */
ATOLL_API void atoll_subscription_update_free(atoll_subscription_update *update);                                           /* drops it unless committed */
ATOLL_API atoll_status atoll_subscription_update_add(atoll_subscription_update *update, const atoll_results *results, const char *name, size_t name_size, bool update_existing, atoll_error **error); /* name_size 0: unnamed */
ATOLL_API bool atoll_subscription_update_remove_name(atoll_subscription_update *update, const char *name, size_t name_size, atoll_error **error);
ATOLL_API int64_t atoll_subscription_update_remove_results(atoll_subscription_update *update, const atoll_results *results, bool remove_named, atoll_error **error);
ATOLL_API int64_t atoll_subscription_update_remove_class(atoll_subscription_update *update, const char *class_name, size_t class_name_size, bool remove_named, atoll_error **error);
ATOLL_API int64_t atoll_subscription_update_remove_all(atoll_subscription_update *update, bool remove_named, atoll_error **error);
ATOLL_API bool atoll_subscription_update_remove_at(atoll_subscription_update *update, const atoll_subscriptions *set, int64_t index, atoll_error **error); /* the same subscription as set[index] */
ATOLL_API atoll_subscriptions *atoll_subscription_update_commit(atoll_subscription_update *update, atoll_error **error); /* new snapshot of the committed version */

/* ---------- log ---------- */
enum { ATOLL_LOG_ALL = 0, ATOLL_LOG_TRACE = 1, ATOLL_LOG_DEBUG = 2, ATOLL_LOG_DETAIL = 3, ATOLL_LOG_INFO = 4, ATOLL_LOG_WARN = 5, ATOLL_LOG_ERROR = 6, ATOLL_LOG_FATAL = 7, ATOLL_LOG_OFF = 8 };
typedef void (*atoll_log_function)(void *user_data, int32_t level, const char *category, const char *message);
typedef void (*atoll_free_function)(void *user_data);
ATOLL_API void atoll_log_set_level(int32_t level);
ATOLL_API int32_t atoll_log_level(void);
ATOLL_API void atoll_log_set_sink(atoll_log_function function, void *user_data, atoll_free_function free_user_data); /* NULL function: the default (stderr); not in SWIG */
ATOLL_API void atoll_log_set_queue(atoll_queue *queue); /* LOG events instead of a call; NULL: back to the sink. The queue drops the oldest above 10,000 lines */
#ifdef __cplusplus
}
#endif
#endif
