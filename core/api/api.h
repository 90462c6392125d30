#ifndef ATOLL_API_API_H
#define ATOLL_API_API_H
#include <atoll/atoll.h>
#include <stdatomic.h>
#include "base/vector.h"
#include "model/model.h"
#include "platform/cipher.h"
#include "platform/thread.h"
#include "query/query.h"
#include "sync/runner.h"
#include "sync/subscription.h"

/* What the files of this layer share. The layer is thin: check the arguments, call the layer below, translate the
 * status into an atoll_error. Handles hold references to what they need, so they can be freed in any order. */

/* ---- errors (error.c) ---- */
void api_error_set(atoll_error **error, status code); /* text: fail_text(); keeps the first error */
/* For functions that return a value: sets the error if code is not ATOLL_OK; true when it is ATOLL_OK. */
static inline bool api_ok(atoll_error **error, status code)
{
    if (code == ATOLL_OK) return true;
    api_error_set(error, code);
    return false;
}
/* For functions that return a status. */
status api_result(atoll_error **error, status code);
#define API_NOT_NULL(pointer)                               \
    ((pointer) != NULL ? ATOLL_OK                           \
                       : fail(ATOLL_ERROR_INVALID_ARGUMENT, \
                              "%s: the argument %s is NULL; pass a handle", __func__, #pointer))

/* A text may be NULL only when it is empty. */
#define API_TEXT(text, size)                                                                  \
    ((text) != NULL || (size) == 0                                                            \
         ? ATOLL_OK                                                                           \
         : fail(ATOLL_ERROR_INVALID_ARGUMENT, "%s: %s is NULL but its size is %zu", __func__, \
                #text, (size_t)(size)))

/* ---- values (values.c) ---- */
typedef struct api_value {
    value plain; /* texts point into owned */
    uint8_t *owned;
    atoll_values *list;   /* a nested list, for IN $0 */
    atoll_object *object; /* for links: which realm and class the row belongs to */
} api_value;
struct atoll_values {
    VECTOR(api_value) items;
    api_value first; /* where items begin: a key is one value, and needs no memory of its own */
};
status values_item(const atoll_values *values, int64_t index, const api_value **out) MUST_CHECK;
status values_add(atoll_values *values, const value *v) MUST_CHECK; /* copies texts */
status values_of(const value *v, atoll_values **out) MUST_CHECK;    /* a new list with one value */
status values_add_object_handle(atoll_values *values,
                                atoll_object *object) MUST_CHECK; /* takes the object */
status timestamp_to_value(atoll_timestamp t,
                          value *out) MUST_CHECK; /* INVALID_ARGUMENT: nanoseconds out of range */
atoll_timestamp timestamp_of_value(const value *v);
status decimal_to_value(const char *text, size_t size, value *out) MUST_CHECK;
atoll_bytes decimal_text_of_value(const value *v); /* until the next call on this thread */
/* Borrowed arguments for the query layer; freed by values_arguments_free. */
typedef struct api_arguments {
    query_arguments top;
    value *plain;
    const query_arguments **lists;
    VECTOR(void *) owned;
} api_arguments;
status values_arguments(const atoll_values *values, api_arguments *out) MUST_CHECK;
void values_arguments_free(api_arguments *arguments);

/* ---- texts ---- */
static inline atoll_bytes api_text(const char *text) /* NULL stays null */
{
    return (atoll_bytes){text, text == NULL ? 0 : strlen(text)};
}
/* Sets a text of a configuration; INVALID_ARGUMENT names what is empty or holds a zero byte. */
status api_replace_text(char **text, const char *from, size_t size, const char *what) MUST_CHECK;

/* ---- queues and events (queue.c) ---- */
enum {
    API_CHANGE_KINDS = ATOLL_CHANGE_MOVES_TO + 1,
    API_KEY_KINDS = ATOLL_CHANGE_MODIFICATIONS + 1
};
struct atoll_event {
    int32_t type;
    uint64_t registration;
    bool initial, deleted, cleared;
    VECTOR(char *) keys[API_KEY_KINDS]; /* of a dictionary, by the kinds of changes */
    VECTOR(int64_t) changes[API_CHANGE_KINDS];
    status code;
    char *message;
    atoll_user *user;
    int64_t numbers[3];
    double fraction;
    char *texts[2];
    atoll_values *values;     /* NULL: none */
    struct refusals *refused; /* a reference */
    struct atoll_event *next;
};
atoll_event *event_new(int32_t type, uint64_t registration); /* NULL: out of memory */
void queue_push(atoll_queue *queue,
                atoll_event *event); /* takes the event; drops it above the limit */
atoll_queue *queue_retain(atoll_queue *queue);
void queue_release(atoll_queue *queue);
uint64_t api_next_id(void); /* requests and registrations, unique in the process */

/* ---- schema, config ---- */
struct atoll_schema {
    model_schema schema;
};
struct atoll_user {
    struct atoll_app *app; /* reference */
    account *account;      /* reference */
};
struct atoll_config {
    char *path; /* as set; NULL: derived */
    char *effective_path;
    atoll_schema *schema;
    atoll_user *user; /* NULL: local */
    bool flexible;
    atoll_values *partition;
    char *partition_property;
    bool sync_commits, in_memory, read_only, delete_if_migration_needed;
    char *base_path; /* NULL: the working folder */
    uint8_t encryption_key[CIPHER_KEY_SIZE];
    size_t encryption_key_size; /* 0: not encrypted */
    int64_t version_max_count, schema_version, memory_budget_bytes;
    int32_t client_reset_mode;
    bool ask_client_resets, cancel_waits_on_errors;
};
status config_effective_path(const atoll_config *config, char **out) MUST_CHECK; /* caller frees */
/* Settings that exclude each other; called when the realm is opened. */
status config_check(const atoll_config *config) MUST_CHECK;
static inline bytes config_key(const atoll_config *config)
{
    return bytes_of(config->encryption_key, config->encryption_key_size);
}

/* ---- app (app.c) ---- */
typedef struct api_request {
    uint64_t id;
    atoll_queue *queue;
} api_request;
typedef struct api_user_observer {
    uint64_t id;
    account *account;   /* reference */
    atoll_queue *queue; /* reference */
} api_user_observer;
struct atoll_app {
    atomic_int references;
    char *app_id, *base_url, *base_path;
    atoll_app_config *config;
    runner *runner;
    mutex lock; /* requests, observers */
    VECTOR(api_request) requests;
    VECTOR(api_user_observer) observers;
};
/* account.c */
status values_of_texts(const char *const *texts, size_t count,
                       atoll_values **out) MUST_CHECK; /* NULL among them: null */
void app_user_changed(atoll_app *app, const account *changed);
void app_observers_free(atoll_app *app);
atoll_app *app_retain(atoll_app *app);
void app_release(atoll_app *app);
status app_request_new(atoll_app *app, atoll_queue *queue,
                       uint64_t *id) MUST_CHECK; /* before the call that it names */
atoll_user *user_wrap(atoll_app *app,
                      account *user); /* takes the account reference; NULL: out of memory */
struct atoll_app_config {
    char *app_id, *base_url, *base_path;
    int64_t connect_timeout_ms, request_timeout_ms, ping_period_ms, pong_timeout_ms,
        reconnect_delay_ms, reconnect_delay_ms_max, connection_linger_ms;
    int32_t reconnect_multiplier, reconnect_jitter_divisor;
    char *trusted_certificates, *proxy_url; /* NULL: none */
    uint8_t metadata_key[CIPHER_KEY_SIZE];
    size_t metadata_key_size; /* 0: none */
    VECTOR(char *) headers;   /* name and value in turn */
};

/* ---- databases: one per path in the process, shared by its realms (database.c) ---- */
typedef struct api_session_observer {
    uint64_t id;
    int kind, direction, mode; /* OBSERVE_* below */
    atoll_queue *queue;
    double last_fraction;
    uint64_t last_bytes;
} api_session_observer;
enum { OBSERVE_CONNECTION, OBSERVE_PROGRESS, OBSERVE_ERRORS, OBSERVE_RESETS };
typedef struct database {
    char *path;
    int realms;       /* open realm instances; the registry's lock guards it */
    uint64_t process; /* that opened it */
    model_db *model;
    bool flexible, synced, in_memory, migrating;
    uint8_t key[CIPHER_KEY_SIZE]; /* of an encrypted realm: who opens it again must have it too */
    size_t key_size;
    char *user_id;
    char *partition; /* encoded, for the comparison of configurations */
    atoll_app *app;
    account *account;
    runner_session *session;
    bool dying;
    atomic_int references;
    mutex lock; /* realm_list, observers */
    VECTOR(struct atoll_realm *) realm_list;
    VECTOR(api_session_observer) observers;
    int32_t
        error_code; /* of the session, when nobody observed errors yet: the first who does is told */
    char *error_text;
    bool error_is_fatal;
    int32_t reset_step, reset_discards; /* a client reset that waits for the app; 0: none */
    struct refusals *error_refused;
    struct database *next;
} database;
struct atoll_session {
    database *database;      /* reference */
    runner_session *session; /* reference */
};
status session_check(const atoll_session *session) MUST_CHECK;
status database_open(const atoll_config *config, database **out) MUST_CHECK; /* counts one realm */
/* Opens a database for a migration and keeps others out; *out NULL: there is nothing to migrate. */
status database_open_to_migrate(const atoll_config *config, database **out,
                                model_migration **migration) MUST_CHECK;
void database_close(database *d);     /* one realm less; the last one closes */
void database_add_realm(database *d); /* one that is open already: one realm more */
database *database_retain(database *d);
void database_release(database *d);
/* Calls it with the model of the realm, or NULL when nobody has it open here; no one can open it meanwhile. */
status database_with_files(const atoll_config *config,
                           status (*each)(const atoll_config *config, const char *path,
                                          model_db *open, void *context),
                           void *context) MUST_CHECK;
schema_use config_use(const atoll_config *config);
bool database_is_partition(const database *d, const atoll_config *config); /* the same one */
status database_delete_files(const char *path) MUST_CHECK;
database *database_of_session(runner_session *session); /* a new reference or NULL */
void database_event(database *d, const runner_event *event);
/* reset.c: client resets that wait for the app. */
void database_reset_event(database *d, int32_t step, int32_t discards);
void database_tell_reset(database *d, const api_session_observer *o); /* under the lock */
bool database_reset_unheard(const database *d);                       /* under the lock */
void database_continue_reset(database *d, status code, bytes text);
/* aside.c: moves the folder that was asked to be, if nobody has it open. */
status database_move_aside(const char *path) MUST_CHECK;
status database_forget_aside(const char *path) MUST_CHECK; /* what was asked for is no longer */
void database_tell_error(
    database *d, const api_session_observer *observer); /* of the time before it; under the lock */

/* ---- realm, object, list, results ---- */
typedef enum observer_kind {
    OBSERVER_REALM,
    OBSERVER_RESULTS,
    OBSERVER_OBJECT,
    OBSERVER_COLLECTION
} observer_kind;
typedef struct observer {
    uint64_t id;
    observer_kind kind;
    atoll_queue *queue;
    query *query;       /* results: own copy */
    key_paths *paths;   /* NULL: the default of its kind */
    row_vector rows;    /* results: at the realm's version */
    class_key class_of; /* object, list */
    row_key row;
    property_key property;
    class_key target;        /* links that vanish with their objects: their class */
    class_key element_class; /* links and embedded objects: theirs */
    uint8_t flags;           /* PROPERTY_LIST, _SET or _DICTIONARY */
    bool lost;               /* an event could not be made: the next one starts anew */
    atomic_bool ended;       /* by another thread: its own one takes it out */
} observer;
/* Where getters read last: whoever reads a property of one object reads it again, or that of the next row. */
enum { API_WINDOWS = 32, API_WINDOWS_MAX = 65536, API_READ_RECENT = 3 };
#define API_WINDOW_CLOSED UINT64_MAX
typedef struct api_window {
    uint64_t write_count; /* of the realm when it was opened; 0: it is not among the opened */
    uint64_t segment;
    class_key class_of;
    property_key property;
    model_window window;
} api_window;
/* What this transaction may set with a plain value: whoever sets a property of one object sets that of the next. */
enum { API_SETTERS = 16 };
typedef struct api_setter {
    uint64_t transaction; /* of the realm when it was allowed; 0: never */
    class_key class_of;
    property_key property;
} api_setter;
/* Freed object handles that the realm's thread makes new ones of. The sanitizer wants to see each of them go. */
#if defined __SANITIZE_ADDRESS__
enum { API_SPARE_OBJECTS = 0 };
#else
enum { API_SPARE_OBJECTS = 64 };
#endif
struct atoll_realm {
    atomic_int references;
    database *database;
    uint64_t thread, process; /* thread 0: a frozen one, bound to none */
    char thread_text[THREAD_TEXT_SIZE];
    atomic_bool closed;
    bool read_only;
    bool sync_commits;          /* of this instance: another one of the folder may differ */
    bool migrates;              /* its transaction belongs to a migration */
    bool frozen;                /* view never changes, nothing here is written after it was made */
    struct atoll_realm *parent; /* of a frozen one: the live realm, referenced */
    model_view *view;           /* pinned */
    model_txn *txn;
    uint64_t
        write_count; /* grows with every write, advance and close: live results and windows compare it */
    VECTOR(observer *) observers;
    struct api_begin *waiting; /* for the write lock, see async.c; NULL: not */
    map64 covered;             /* classes that this transaction was allowed to write */
    uint64_t transactions;     /* begun so far */
    api_setter setters[API_SETTERS];
    atoll_object *spare_objects[API_SPARE_OBJECTS + 1]; /* of this thread alone */
    int spare_count;
    atomic_bool pending_signalled;
    api_window few_windows[API_WINDOWS];
    api_window *windows; /* few_windows until reads are all over the place */
    uint32_t few_opened[API_WINDOWS];
    uint32_t *opened; /* places of the windows that may hold something */
    uint32_t opened_count;
    property_key
        read_recent[API_READ_RECENT];     /* those that windows were opened for last; 0: none */
    uint32_t window_count, window_losses; /* losses: windows closed for others since it grew */
    /* The memory budget: between two calls the view rests, so that what it shows may leave memory. */
    bool resting, reading;
    model_reader *reader;
    uint32_t calls; /* under way, one in another */
    buffer text;    /* the last text that no window holds */
};
/* Where the window of a property of a row is, if it is open. With a factor of seven the first seven properties of
 * neighbouring segments never meet. */
static inline api_window *realm_window(const atoll_realm *realm, class_key c, row_key row,
                                       property_key p)
{
    uint64_t at = row / MODEL_BLOCK_ROWS * 7 + c * 3 + p;
    return &realm->windows[at & (realm->window_count - 1)];
}
/* What was read of other rows will be read of this one: memory is slower than all else, so it is fetched meanwhile. It
 * may be wrong, it is never needed. */
static inline void realm_fetch(const atoll_realm *realm, class_key c, row_key row)
{
    for (size_t i = 0; i < API_READ_RECENT; i++) {
        property_key p = realm->read_recent[i];
        const api_window *w = realm_window(realm, c, row, p);
        if (w->write_count != realm->write_count || w->window.block == NULL) continue;
        model_window_fetch(&w->window, row);
    }
}
struct atoll_object {
    atoll_realm *realm; /* reference */
    class_key class_of;
    row_key row;
};
struct atoll_list {
    atoll_realm *realm;
    class_key class_of;
    row_key row;
    property_key property;
};
struct atoll_set {
    atoll_list in; /* all collections are reached in the same way */
};
struct atoll_dictionary {
    atoll_list in;
};
struct atoll_results {
    atoll_realm *realm;
    query *query;
    row_vector rows;               /* cache */
    atomic_uint_least64_t rows_at; /* write_count of the cache + 1; 0: none */
    bool snapshot;                 /* rows never change */
    buffer packed;                 /* column.c */
};
/* An instance on this thread, or a frozen one of its parent. Takes the realm counted in the database, and the view, also
 * on failure. */
status realm_new(database *d, model_view *view, atoll_realm *parent, atoll_realm **out) MUST_CHECK;
/* A call that reads, from here to the end of the function: what it sees stays where it is so long. Not for frozen
 * realms, which never rest, nor on another thread. */
#define API_CALL(realm_pointer)                                                                  \
    __attribute__((cleanup(realm_call_end))) atoll_realm *api_call = /* NOLINT: a declaration */ \
        realm_call(realm_pointer)
#define API_CALL_OF(handle) API_CALL((handle) == NULL ? NULL : (handle)->realm)
static inline atoll_realm *realm_call(const atoll_realm *realm)
{
    atoll_realm *own = (atoll_realm *)(uintptr_t)realm;
    if (realm == NULL || realm->thread != thread_self()) return NULL;
    own->calls++;
    return own;
}
void realm_call_end(atoll_realm **call);
void realm_wake(const atoll_realm *realm); /* before its view is read: realm_view does it */
void realm_close_windows(atoll_realm *realm);
void realm_drop_view(atoll_realm *realm);
atoll_realm *realm_retain(atoll_realm *realm);
void realm_release(atoll_realm *realm);
status realm_check(const atoll_realm *realm)
    MUST_CHECK; /* not NULL, open, this thread, not a forked child */
status realm_check_write(const atoll_realm *realm) MUST_CHECK;   /* and in a transaction */
status realm_check_observe(const atoll_realm *realm) MUST_CHECK; /* realm_check, and not frozen */
status realm_new_frozen(atoll_realm *parent, atoll_realm **out)
    MUST_CHECK; /* at the parent's version; takes the realm counted in the database, also on failure */
void realm_advance_to(atoll_realm *realm, uint64_t version); /* unless it writes or is there */
const model_view *realm_view(const atoll_realm *realm); /* the transaction's or the pinned one */
status realm_check_class_write(atoll_realm *realm,
                               class_key c) MUST_CHECK; /* a flexible realm needs a subscription */
/* Takes the query, also on failure. */
status results_make(const atoll_realm *realm, query *q, atoll_results **out) MUST_CHECK;
status realm_object_new(atoll_realm *realm, class_key c, row_key row,
                        atoll_object **out) MUST_CHECK;
/* Collections (list.c). An index of the model also counts links that are not shown. */
status collection_of(const atoll_object *object, property_key p, uint8_t kind,
                     atoll_list *out) MUST_CHECK; /* retains the realm */
/* Handles of it: take its reference to the realm, also on failure. */
status list_new(const atoll_list *in, atoll_list **out) MUST_CHECK;
status dictionary_new(const atoll_list *in, atoll_dictionary **out) MUST_CHECK;
/* The list or dictionary that a mixed value is. */
status collection_nested(atoll_realm *realm, const char *name, const value *v, uint8_t kind,
                         atoll_list *out) MUST_CHECK;
status collection_check(const atoll_list *at) MUST_CHECK;
status collection_check_write(atoll_list *at) MUST_CHECK; /* counts the write */
status collection_index(const atoll_list *at, int64_t index, bool may_append,
                        uint64_t *out) MUST_CHECK; /* of the model */
status collection_count(const atoll_list *at, uint64_t *out) MUST_CHECK;
status collection_get(const atoll_list *at, int64_t index, value *out,
                      const model_property **property) MUST_CHECK;
status collection_wrap_object(const atoll_list *at, const model_property *p, const value *v,
                              atoll_object **out) MUST_CHECK; /* *out NULL: null */
status collection_convert(const atoll_list *at, const atoll_values *from, value *out) MUST_CHECK;
status collection_results(const atoll_list *at, atoll_results **out) MUST_CHECK; /* of objects */
status
object_check(const atoll_object *object) MUST_CHECK; /* its realm is usable and the row alive */
/* The realm must have been checked. */
status realm_property(const atoll_realm *realm, class_key c, property_key p,
                      const model_property **out) MUST_CHECK;
/* The value to store for a value handle: links are checked for realm and class. */
status realm_convert(const atoll_realm *realm, const model_property *p, const api_value *from,
                     value *out) MUST_CHECK;
/* The object that a link, an embedded object or a mixed value is; *out NULL for null. */
status realm_wrap_object(atoll_realm *realm, const model_property *p, const value *v,
                         atoll_object **out) MUST_CHECK;
/* A new values handle with what model_get gave for the property. */
status realm_wrap_value(atoll_realm *realm, const model_property *p, const value *v,
                        atoll_values **out) MUST_CHECK;
status results_copy(const atoll_results *results, const atoll_realm *realm,
                    atoll_results **out) MUST_CHECK; /* the same in another instance */
status
results_rows(atoll_results *results) MUST_CHECK; /* fills the cache for the realm's current state */
/* ---- from one instance to another (freeze.c); *out stays NULL when it is not there any more ---- */
status freeze_realm_committed(const atoll_realm *realm, atoll_realm **out) MUST_CHECK;
status freeze_object_in(const atoll_object *object, const atoll_realm *target,
                        atoll_object **out) MUST_CHECK;
status freeze_list_in(const atoll_list *at, const atoll_realm *target,
                      atoll_list **out) MUST_CHECK; /* any collection */
status freeze_results_in(const atoll_results *results, const atoll_realm *target,
                         atoll_results **out) MUST_CHECK;
/* A query over what one object holds. Takes nothing. */
status results_over(atoll_realm *realm, class_key c, const query_base *base,
                    atoll_results **out) MUST_CHECK;
/* ---- transactions off the thread (async.c) ---- */
typedef struct api_begin api_begin;
status realm_check_begin(const atoll_realm *realm) MUST_CHECK; /* may begin a transaction */
status realm_commit(atoll_realm *realm, bool durable, uint64_t *version) MUST_CHECK;
status async_take(atoll_realm *realm)
    MUST_CHECK; /* the transaction that was waited for; BUSY: not here yet */
void async_cancel(atoll_realm *realm);
void observe_advance(atoll_realm *realm,
                     model_view *newer); /* takes newer; queues the observers' events */
void observer_free(observer *o);
status observer_add(atoll_realm *realm, observer *o) MUST_CHECK; /* takes it */
#endif
