/* atoll_migration: the old and the new realm of a migration under way. It must never let the new one's transaction be
 * ended by anyone else. Invariant: while `migration` is there, both realms are open and the database is closed to others. */
#include "api/api.h"

struct atoll_migration {
    database *database;
    model_migration *migration; /* NULL: it has ended */
    atoll_realm *old, *fresh;
    atoll_schema *schema;
    uint64_t old_version;
};

static status check(const atoll_migration *m)
{
    TRY(API_NOT_NULL(m));
    if (m->migration == NULL)
        return fail(ATOLL_ERROR_CLOSED, "the migration has ended; begin another one");
    return realm_check(m->fresh);
}

static void close_realms(atoll_migration *m)
{
    atoll_realm *realms[] = {m->old, m->fresh};
    for (size_t i = 0; i < 2; i++) {
        if (realms[i] == NULL) continue;
        atoll_realm_close(realms[i]);
        realm_release(realms[i]);
    }
    m->old = m->fresh = NULL;
}

static status wrap(atoll_migration *m, atoll_realm **out)
{
    database_add_realm(m->database);
    return realm_new(m->database, model_view_retain(model_migration_old(m->migration)), NULL, out);
}

static status prepare(atoll_migration *m, const atoll_config *config)
{
    m->schema = memory_allocate_zero(sizeof *m->schema);
    if (m->schema == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    TRY(schema_copy(&config->schema->schema, &m->schema->schema));
    TRY(wrap(m, &m->old));
    TRY(wrap(m, &m->fresh));
    m->old_version = model_view_schema(m->old->view)->version;
    m->old->read_only = true;
    m->fresh->migrates = true;
    m->fresh->txn = model_migration_txn(m->migration);
    return ATOLL_OK;
}

static void end(atoll_migration *m)
{
    close_realms(m);
    if (m->migration != NULL) model_migration_cancel(m->migration);
    m->migration = NULL;
    if (m->database != NULL) database_close(m->database);
    m->database = NULL;
}

static status begin(const atoll_config *config, atoll_migration **out)
{
    atoll_migration *m = memory_allocate_zero(sizeof *m);
    if (m == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = database_open_to_migrate(config, &m->database, &m->migration);
    bool needed = result == ATOLL_OK && m->migration != NULL;
    if (needed) result = prepare(m, config);
    if (result == ATOLL_OK && needed)
        *out = m;
    else
        atoll_migration_free(m);
    return result;
}

atoll_migration *atoll_migration_begin(const atoll_config *config, atoll_error **error)
{
    atoll_migration *migration = NULL;
    return api_ok(error, begin(config, &migration)) ? migration : NULL;
}

void atoll_migration_free(atoll_migration *migration)
{
    if (migration == NULL) return;
    end(migration);
    atoll_schema_free(migration->schema);
    memory_free(migration);
}

atoll_realm *atoll_migration_old_realm(const atoll_migration *migration, atoll_error **error)
{
    return api_ok(error, check(migration)) ? realm_retain(migration->old) : NULL;
}

atoll_realm *atoll_migration_new_realm(const atoll_migration *migration, atoll_error **error)
{
    return api_ok(error, check(migration)) ? realm_retain(migration->fresh) : NULL;
}

int64_t atoll_migration_old_version(const atoll_migration *migration, atoll_error **error)
{
    return api_ok(error, check(migration)) ? (int64_t)migration->old_version : 0;
}

atoll_status atoll_migration_rename_property(atoll_migration *migration, const char *class_name,
                                             size_t class_name_size, const char *from,
                                             size_t from_size, const char *to, size_t to_size,
                                             atoll_error **error)
{
    status result = check(migration);
    if (result == ATOLL_OK) result = API_TEXT(class_name, class_name_size);
    if (result == ATOLL_OK) result = API_TEXT(from, from_size);
    if (result == ATOLL_OK) result = API_TEXT(to, to_size);
    if (result == ATOLL_OK) {
        result = model_migration_rename(migration->migration, bytes_of(class_name, class_name_size),
                                        bytes_of(from, from_size), bytes_of(to, to_size));
        migration->fresh->write_count++; /* columns moved */
    }
    return api_result(error, result);
}

atoll_status atoll_migration_remove_class(atoll_migration *migration, const char *name,
                                          size_t name_size, atoll_error **error)
{
    status result = check(migration);
    if (result == ATOLL_OK) result = API_TEXT(name, name_size);
    if (result == ATOLL_OK) {
        result = model_migration_remove_class(migration->migration, &migration->schema->schema,
                                              bytes_of(name, name_size));
        migration->fresh->write_count++;
    }
    return api_result(error, result);
}

static status find_new(const atoll_migration *m, const atoll_object *object, atoll_object **out)
{
    bool alive = false;
    TRY(check(m));
    TRY(API_NOT_NULL(object));
    if (object->realm != m->old)
        return fail(ATOLL_ERROR_WRONG_REALM,
                    "the object is not of the old realm of this migration");
    TRY(object_check(object));
    const model_view *view = realm_view(m->fresh);
    if (schema_class(model_view_schema(view), object->class_of) != NULL)
        TRY(model_is_alive(view, object->class_of, object->row, &alive));
    return alive ? realm_object_new(m->fresh, object->class_of, object->row, out) : ATOLL_OK;
}

atoll_object *atoll_migration_find_new(const atoll_migration *migration, const atoll_object *object,
                                       atoll_error **error)
{
    atoll_object *found = NULL;
    return api_ok(error, find_new(migration, object, &found)) ? found : NULL;
}

atoll_status atoll_migration_commit(atoll_migration *migration, atoll_error **error)
{
    status result = check(migration);
    if (result != ATOLL_OK) return api_result(error, result);
    close_realms(migration);
    result = model_migration_commit(migration->migration);
    migration->migration = NULL;
    result = api_result(error, result); /* before the closing can fail with another text */
    end(migration);
    return result;
}

void atoll_migration_cancel(atoll_migration *migration)
{
    if (migration != NULL) end(migration);
}
