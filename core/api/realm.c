/* atoll_realm: one thread's window on a database: a pinned version and, while it writes, the transaction.
 * It must never be used by another thread than the one that opened it (checked), unless it is frozen; only its release
 * may happen anywhere.
 * Invariant: view is the newest version that this instance has advanced to; txn implies that it holds the writer. */
#include "api/api.h"
#include "base/log.h"

static status check_forked(const atoll_realm *realm)
{
    if (realm->process == process_self()) return ATOLL_OK;
    return fail(ATOLL_ERROR_FORKED,
                "this realm was opened before fork() and stays with the parent process: open "
                "realms after the fork only, or exec (%s)",
                realm->database->path);
}

static status wrong_thread(const atoll_realm *realm)
{
    char here[THREAD_TEXT_SIZE];
    thread_describe_self(here);
    return fail(ATOLL_ERROR_WRONG_THREAD,
                "the realm %s was opened on thread %s and is used on thread %s; open another "
                "instance on this thread and hand objects over with atoll_reference_of_object, or "
                "freeze them",
                realm->database->path, realm->thread_text, here);
}

status realm_check(const atoll_realm *realm)
{
    TRY(API_NOT_NULL(realm));
    if (atomic_load_explicit(&realm->closed, memory_order_relaxed))
        return fail(ATOLL_ERROR_CLOSED, "the realm %s was closed; open it again",
                    realm->database->path);
    if (realm->frozen) {
        if (atomic_load_explicit(&realm->parent->closed, memory_order_relaxed))
            return fail(ATOLL_ERROR_CLOSED,
                        "the realm %s was closed, and what was frozen from it ended with it; keep "
                        "it open as long as frozen objects are read",
                        realm->database->path);
    } else if (realm->thread != thread_self()) {
        return wrong_thread(realm);
    }
    return check_forked(realm);
}

status realm_check_observe(const atoll_realm *realm)
{
    TRY(realm_check(realm));
    if (!realm->frozen) return ATOLL_OK;
    return fail(ATOLL_ERROR_FROZEN,
                "the realm %s is frozen at version %llu and never changes; observe the live realm",
                realm->database->path, (unsigned long long)model_view_version(realm->view));
}

static status check_not_frozen(const atoll_realm *realm)
{
    if (!realm->frozen) return ATOLL_OK;
    return fail(ATOLL_ERROR_FROZEN,
                "the realm %s is frozen at version %llu and cannot be written; write through the "
                "live realm",
                realm->database->path, (unsigned long long)model_view_version(realm->view));
}

status realm_check_write(const atoll_realm *realm)
{
    TRY(realm_check(realm));
    TRY(check_not_frozen(realm));
    if (realm->txn == NULL)
        return fail(ATOLL_ERROR_NO_TRANSACTION,
                    "writing to %s needs a transaction; call atoll_realm_begin first",
                    realm->database->path);
    return ATOLL_OK;
}

void realm_wake(const atoll_realm *realm)
{
    atoll_realm *own = (atoll_realm *)(uintptr_t)realm;
    if (!realm->resting || realm->reading) return;
    own->reader = model_read_begin(realm->database->model);
    own->reading = true;
}

void realm_call_end(atoll_realm **call)
{
    atoll_realm *realm = *call;
    if (realm == NULL || --realm->calls != 0 || realm->view == NULL) return;
    if (!realm->resting) model_view_rest(realm->view);
    realm->resting = true;
    if (realm->txn != NULL) model_txn_rest(realm->txn);
    if (realm->reading) model_read_end(realm->database->model, realm->reader);
    realm->reading = false;
}

void realm_close_windows(atoll_realm *realm)
{
    for (size_t i = 0; i < realm->opened_count; i++) {
        api_window *w = &realm->windows[realm->opened[i]];
        model_window_close(&w->window);
        w->write_count = 0;
    }
    realm->opened_count = 0;
}

void realm_drop_view(atoll_realm *realm)
{
    realm_close_windows(realm);
    if (realm->reading) model_read_end(realm->database->model, realm->reader);
    realm->reading = false;
    if (realm->resting)
        model_view_release_resting(realm->view);
    else
        model_view_release(realm->view);
    realm->resting = false;
    realm->view = NULL;
}

const model_view *realm_view(const atoll_realm *realm)
{
    realm_wake(realm);
    return realm->txn != NULL ? model_txn_view(realm->txn) : realm->view;
}

status realm_check_class_write(atoll_realm *realm, class_key c)
{
    if (!realm->database->flexible || map64_get(&realm->covered, c) != NULL) return ATOLL_OK;
    const model_class *class_of = schema_class(model_view_schema(realm_view(realm)), c);
    bool covered = class_of != NULL && class_of->kind != CLASS_NORMAL;
    if (class_of != NULL && !covered)
        TRY(subscription_covers(realm->database->model, bytes_text(class_of->name), &covered));
    if (!covered)
        return fail(ATOLL_ERROR_NO_SUBSCRIPTION,
                    "Cannot write to class %s when no flexible sync subscription has been created.",
                    class_of == NULL ? "?" : class_of->name);
    return map64_put(&realm->covered, c, 1);
}

status realm_new(database *d, model_view *view, atoll_realm *parent, atoll_realm **out)
{
    atoll_realm *realm = memory_allocate_zero(sizeof *realm);
    if (realm == NULL) {
        model_view_release(view);
        database_close(d);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    realm->database = d;
    realm->view = view;
    atomic_store(&realm->references, 1);
    realm->frozen = parent != NULL;
    realm->parent = parent == NULL ? NULL : realm_retain(parent);
    realm->thread = parent == NULL ? thread_self() : 0;
    thread_describe_self(realm->thread_text);
    realm->process = process_self();
    realm->windows = realm->few_windows;
    realm->opened = realm->few_opened;
    realm->window_count = API_WINDOWS;
    buffer_init(&realm->text, SIZE_MAX);
    realm->write_count = 1; /* 0 is the mark of a window that was never opened */
    mutex_lock(&d->lock);
    status result = vector_push(&d->realm_list, realm);
    mutex_unlock(&d->lock);
    if (result == ATOLL_OK)
        *out = realm;
    else
        atoll_realm_free(realm);
    return result;
}

static status realm_make(const atoll_config *config, atoll_realm **out)
{
    database *d = NULL;
    TRY(database_open(config, &d));
    TRY(realm_new(d, model_view_newest(d->model), NULL, out));
    (*out)->read_only = config->read_only;
    (*out)->sync_commits = config->sync_commits;
    return ATOLL_OK;
}

status realm_new_frozen(atoll_realm *parent, atoll_realm **out)
{
    return realm_new(parent->database, model_view_retain(parent->view), parent, out);
}

atoll_realm *atoll_realm_open(const atoll_config *config, atoll_error **error)
{
    atoll_realm *realm = NULL;
    return api_ok(error, realm_make(config, &realm)) ? realm : NULL;
}

static void forget_observers(atoll_realm *realm)
{
    database *d = realm->database;
    mutex_lock(&d->lock);
    for (size_t i = 0; i < d->realm_list.count; i++) {
        if (d->realm_list.items[i] != realm) continue;
        d->realm_list.items[i] = d->realm_list.items[--d->realm_list.count];
        break;
    }
    for (size_t i = 0; i < realm->observers.count; i++) observer_free(realm->observers.items[i]);
    vector_free(&realm->observers);
    mutex_unlock(&d->lock);
}

/* A frozen realm may be read by other threads at this moment, so it only ends when its last handle is freed. */
static void tear_down(atoll_realm *realm)
{
    if (realm->view == NULL) return;
    realm->write_count++;
    if (realm->txn != NULL && !realm->migrates) model_rollback(realm->txn);
    realm->txn = NULL;
    async_cancel(realm);
    forget_observers(realm);
    realm_drop_view(realm);
    buffer_free(&realm->text);
    database_retain(realm->database); /* the realm keeps it for its path and messages */
    database_close(realm->database);
}

void atoll_realm_close(atoll_realm *realm)
{
    if (realm == NULL || check_forked(realm) != ATOLL_OK) return;
    if (atomic_exchange(&realm->closed, true) || realm->frozen) return;
    tear_down(realm);
}

atoll_realm *realm_retain(atoll_realm *realm)
{
    atomic_fetch_add(&realm->references, 1);
    return realm;
}

void realm_release(atoll_realm *realm)
{
    if (realm == NULL || atomic_fetch_sub(&realm->references, 1) != 1) return;
    atoll_realm_close(realm);
    if (realm->frozen && check_forked(realm) == ATOLL_OK) tear_down(realm);
    map64_free(&realm->covered);
    if (realm->windows != realm->few_windows) memory_free(realm->windows);
    for (int i = 0; i < realm->spare_count; i++) memory_free(realm->spare_objects[i]);
    realm_release(realm->parent);
    database_release(realm->database);
    memory_free(realm);
}

void atoll_realm_free(atoll_realm *realm)
{
    realm_release(realm);
}

bool atoll_realm_is_closed(const atoll_realm *realm)
{
    return realm == NULL || realm->closed;
}

atoll_bytes atoll_realm_path(const atoll_realm *realm)
{
    if (realm == NULL) return (atoll_bytes){NULL, 0};
    return (atoll_bytes){realm->database->path, strlen(realm->database->path)};
}

atoll_schema *atoll_realm_schema(const atoll_realm *realm, atoll_error **error)
{
    API_CALL(realm);
    if (!api_ok(error, realm_check(realm))) return NULL;
    atoll_schema *schema = atoll_schema_new(error);
    if (schema == NULL) return NULL;
    model_schema *copy = &schema->schema;
    if (!api_ok(error, schema_copy(model_view_schema(realm_view(realm)), copy))) {
        memory_free(schema);
        return NULL;
    }
    for (size_t i = copy->class_count; i-- > 0;)
        if (schema_class_is_hidden(&copy->classes[i]))
            schema_class_remove(copy, copy->classes[i].key);
    return schema;
}

/* Moves to the newest version, so that a transaction starts from it and its observers hear of what came before. */
static bool advance(atoll_realm *realm)
{
    atomic_store(&realm->pending_signalled, false);
    if (model_version(realm->database->model) == model_view_version(realm->view)) return false;
    observe_advance(realm, model_view_newest(realm->database->model));
    return true;
}

void realm_advance_to(atoll_realm *realm, uint64_t version)
{
    if (realm->txn == NULL && !realm->frozen && model_view_version(realm->view) < version)
        advance(realm);
}

status realm_check_begin(const atoll_realm *realm)
{
    TRY(realm_check(realm));
    TRY(check_not_frozen(realm));
    if (realm->txn != NULL)
        return fail(ATOLL_ERROR_TRANSACTION_ACTIVE,
                    "a transaction is already open on %s; commit or roll it back first",
                    realm->database->path);
    if (realm->read_only)
        return fail(ATOLL_ERROR_READ_ONLY,
                    "%s was opened read-only; open it without read_only to write",
                    realm->database->path);
    return ATOLL_OK;
}

static status begin(atoll_realm *realm)
{
    TRY(realm_check_begin(realm));
    TRY(realm->waiting != NULL ? async_take(realm)
                               : model_begin(realm->database->model, COMMIT_LOCAL, &realm->txn));
    log_write(LOG_TRACE, "Realm.Storage.Transaction", "%s: a transaction begins at version %llu",
              realm->database->path, (unsigned long long)model_txn_version(realm->txn) - 1);
    advance(realm);
    realm->write_count++;
    realm->transactions++;
    map64_clear(&realm->covered);
    return ATOLL_OK;
}

atoll_status atoll_realm_begin(atoll_realm *realm, atoll_error **error)
{
    API_CALL(realm);
    return api_result(error, begin(realm));
}

/* A transaction that this instance may end. */
static status check_end(const atoll_realm *realm)
{
    TRY(realm_check_write(realm));
    if (realm->migrates)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "the transaction belongs to the migration of %s; call atoll_migration_commit "
                    "or atoll_migration_cancel",
                    realm->database->path);
    return ATOLL_OK;
}

status realm_commit(atoll_realm *realm, bool durable, uint64_t *version)
{
    TRY(check_end(realm));
    model_txn *txn = realm->txn;
    realm->txn = NULL;
    realm->write_count++;
    TRY(model_commit_as(txn, durable && realm->sync_commits, version));
    log_write(LOG_TRACE, "Realm.Storage.Transaction", "%s: version %llu is committed",
              realm->database->path, (unsigned long long)*version);
    advance(realm);
    return ATOLL_OK;
}

int64_t atoll_realm_commit(atoll_realm *realm, atoll_error **error)
{
    API_CALL(realm);
    uint64_t version = 0;
    return api_ok(error, realm_commit(realm, true, &version)) ? (int64_t)version : 0;
}

atoll_status atoll_realm_rollback(atoll_realm *realm, atoll_error **error)
{
    API_CALL(realm);
    status result = check_end(realm);
    if (result == ATOLL_OK) {
        model_rollback(realm->txn);
        realm->txn = NULL;
        realm->write_count++;
        log_write(LOG_TRACE, "Realm.Storage.Transaction", "%s: rolled back", realm->database->path);
    }
    return api_result(error, result);
}

bool atoll_realm_is_in_transaction(const atoll_realm *realm)
{
    return realm != NULL && realm->txn != NULL;
}

bool atoll_realm_refresh(atoll_realm *realm, atoll_error **error)
{
    API_CALL(realm);
    bool moved = false;
    status result = realm_check(realm);
    if (result == ATOLL_OK && realm->txn == NULL && !realm->frozen) moved = advance(realm);
    return api_ok(error, result) && moved;
}

int64_t atoll_realm_version(const atoll_realm *realm)
{
    return realm == NULL || realm->view == NULL ? 0 : (int64_t)model_view_version(realm->view);
}

atoll_status atoll_realm_set_defaults(atoll_realm *realm, bool on, atoll_error **error)
{
    API_CALL(realm);
    status result = realm_check_write(realm);
    if (result == ATOLL_OK) model_txn_set_default(realm->txn, on);
    return api_result(error, result);
}

static status class_named(const atoll_realm *realm, bytes name, const model_class **out)
{
    TRY(realm_check(realm));
    const model_class *c = schema_class_named(model_view_schema(realm_view(realm)), name);
    if (c == NULL || schema_class_is_hidden(c))
        return fail(ATOLL_ERROR_UNKNOWN_CLASS,
                    "the realm %s has no class %.*s; add it to the schema", realm->database->path,
                    (int)name.size, name.size == 0 ? "" : (const char *)name.data);
    *out = c;
    return ATOLL_OK;
}

uint32_t atoll_realm_class(const atoll_realm *realm, const char *name, size_t name_size,
                           atoll_error **error)
{
    const model_class *c = NULL;
    status result = API_TEXT(name, name_size);
    if (result == ATOLL_OK) result = class_named(realm, bytes_of(name, name_size), &c);
    return api_ok(error, result) ? c->key : 0;
}

static status class_of_key(const atoll_realm *realm, class_key key, const model_class **out)
{
    TRY(realm_check(realm));
    const model_class *c = schema_class(model_view_schema(realm_view(realm)), key);
    if (c == NULL || schema_class_is_hidden(c))
        return fail(ATOLL_ERROR_UNKNOWN_CLASS,
                    "class key %u does not exist in %s; take it from atoll_realm_class", key,
                    realm->database->path);
    *out = c;
    return ATOLL_OK;
}

uint32_t atoll_realm_property(const atoll_realm *realm, uint32_t class_key, const char *name,
                              size_t name_size, atoll_error **error)
{
    API_CALL(realm);
    const model_class *c = NULL;
    if (!api_ok(error, API_TEXT(name, name_size))) return 0;
    if (!api_ok(error, class_of_key(realm, class_key, &c))) return 0;
    const model_property *p = class_property_named(c, bytes_of(name, name_size));
    if (p != NULL) return p->key;
    api_error_set(error, fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class %s has no property %.*s",
                              c->name, (int)name_size, name_size == 0 ? "" : name));
    return 0;
}

status realm_property(const atoll_realm *realm, class_key c, property_key p,
                      const model_property **out)
{
    const model_class *class_of = schema_class(model_view_schema(realm_view(realm)), c);
    if (class_of == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS, "class key %u does not exist in %s", c,
                    realm->database->path);
    *out = class_property(class_of, p);
    if (*out == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class %s has no property with key %u",
                    class_of->name, p);
    return ATOLL_OK;
}

status realm_object_new(atoll_realm *realm, class_key c, row_key row, atoll_object **out)
{
    bool spare = realm->spare_count != 0 && realm->thread == thread_self();
    atoll_object *object =
        spare ? realm->spare_objects[--realm->spare_count] : memory_allocate(sizeof *object);
    if (object == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *object = (atoll_object){realm_retain(realm), c, row};
    *out = object;
    return ATOLL_OK;
}

static status key_of(const model_class *c, const atoll_values *key, const value **out)
{
    *out = NULL;
    if (c->primary_key == 0) {
        if (key == NULL) return ATOLL_OK;
        return fail(ATOLL_ERROR_NO_PRIMARY_KEY, "class %s has no primary key; pass NULL", c->name);
    }
    if (key == NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "class %s has a primary key; pass its value",
                    c->name);
    const api_value *item;
    TRY(values_item(key, 0, &item));
    const model_property *p = class_property(c, c->primary_key);
    bool fits = item->plain.type == p->type ||
                (item->plain.type == VALUE_NULL && (p->flags & PROPERTY_NULLABLE));
    if (!fits)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "the primary key %s.%s is a %s, not a %s", c->name,
                    p->name, value_type_name(p->type), value_type_name(item->plain.type));
    *out = &item->plain;
    return ATOLL_OK;
}

static status create(atoll_realm *realm, class_key key_of_class, const atoll_values *key,
                     bool or_get, atoll_object **out)
{
    TRY(realm_check_write(realm));
    const model_class *c;
    TRY(class_of_key(realm, key_of_class, &c));
    if (c->kind == CLASS_EMBEDDED)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "%s is an embedded class; create it through its parent's property", c->name);
    const value *key_value;
    TRY(key_of(c, key, &key_value));
    TRY(realm_check_class_write(realm, c->key));
    row_key row = 0;
    if (or_get && key_value != NULL) TRY(model_find(realm_view(realm), c->key, key_value, &row));
    realm->write_count++; /* whether it works or not */
    if (row == 0) TRY(model_create(realm->txn, c->key, key_value, &row));
    return realm_object_new(realm, key_of_class, row, out);
}

atoll_object *atoll_realm_create(atoll_realm *realm, uint32_t class_key, const atoll_values *key,
                                 atoll_error **error)
{
    API_CALL(realm);
    atoll_object *object = NULL;
    return api_ok(error, create(realm, class_key, key, false, &object)) ? object : NULL;
}

atoll_object *atoll_realm_create_or_get(atoll_realm *realm, uint32_t class_key,
                                        const atoll_values *key, atoll_error **error)
{
    API_CALL(realm);
    atoll_object *object = NULL;
    return api_ok(error, create(realm, class_key, key, true, &object)) ? object : NULL;
}

static status find(const atoll_realm *realm, class_key key_of_class, const atoll_values *key,
                   atoll_object **out)
{
    const model_class *c;
    TRY(class_of_key(realm, key_of_class, &c));
    if (c->primary_key == 0)
        return fail(ATOLL_ERROR_NO_PRIMARY_KEY, "class %s has no primary key; query it instead",
                    c->name);
    if (c->kind == CLASS_ASYMMETRIC)
        return fail(ATOLL_ERROR_ASYMMETRIC, "class %s is asymmetric: its objects cannot be read",
                    c->name);
    const value *key_value;
    TRY(key_of(c, key, &key_value));
    row_key row = 0;
    TRY(model_find(realm_view(realm), c->key, key_value, &row));
    if (row == 0) return ATOLL_OK;
    realm_fetch(realm, key_of_class, row);
    return realm_object_new((atoll_realm *)(uintptr_t)realm, key_of_class, row, out);
}

atoll_object *atoll_realm_find(const atoll_realm *realm, uint32_t class_key,
                               const atoll_values *key, atoll_error **error)
{
    API_CALL(realm);
    atoll_object *object = NULL;
    return api_ok(error, find(realm, class_key, key, &object)) ? object : NULL;
}

atoll_object *atoll_realm_object(const atoll_realm *realm, uint32_t class_key, uint64_t row,
                                 atoll_error **error)
{
    API_CALL(realm);
    const model_class *c;
    status result = class_of_key(realm, class_key, &c);
    atoll_object *object = NULL;
    bool alive = true;
    if (result == ATOLL_OK) result = model_is_alive(realm_view(realm), class_key, row, &alive);
    if (result == ATOLL_OK && !alive)
        result = fail(ATOLL_ERROR_OBJECT_INVALID, "row %llu of %s is not there any more",
                      (unsigned long long)row, c->name);
    if (result == ATOLL_OK)
        result = realm_object_new((atoll_realm *)(uintptr_t)realm, class_key, row, &object);
    return api_ok(error, result) ? object : NULL;
}

static status delete_class(atoll_realm *realm, class_key key_of_class)
{
    TRY(realm_check_write(realm));
    const model_class *c;
    TRY(class_of_key(realm, key_of_class, &c));
    TRY(realm_check_class_write(realm, c->key));
    row_vector rows = {0};
    query *all = NULL;
    TRY(query_new(model_view_schema(realm_view(realm)), c->key, bytes_of(NULL, 0), NULL, &all));
    status result = query_run(all, realm_view(realm), &rows);
    for (size_t i = 0; i < rows.count && result == ATOLL_OK; i++) {
        bool alive = false; /* an embedded object may have gone with the one that held it */
        result = model_is_alive(realm_view(realm), key_of_class, rows.items[i], &alive);
        if (result == ATOLL_OK && alive)
            result = model_delete(realm->txn, key_of_class, rows.items[i]);
    }
    realm->write_count++;
    query_free(all);
    vector_free(&rows);
    return result;
}

atoll_status atoll_realm_delete_class(atoll_realm *realm, uint32_t class_key, atoll_error **error)
{
    return api_result(error, delete_class(realm, class_key));
}

atoll_status atoll_realm_delete_files(const atoll_config *config, atoll_error **error)
{
    char *path = NULL;
    status result = config_effective_path(config, &path);
    if (result == ATOLL_OK) result = database_delete_files(path);
    memory_free(path);
    return api_result(error, result);
}
