/* Frozen realms, and objects, collections and results that go from one realm instance to another: frozen or thawed.
 * It must never copy data: what is handed over is a name (class, row, property, query), which means the same in every
 * instance of one database. Invariant: a frozen realm holds its parent, and counts as an open realm, so that its version
 * stays readable until the last handle of it is freed. */
#include "api/api.h"

/* ---- the realm ---- */

/* One that is about to be freed is not taken. */
static bool retain_if_alive(atoll_realm *realm)
{
    int references = atomic_load(&realm->references);
    while (references != 0)
        if (atomic_compare_exchange_weak(&realm->references, &references, references + 1))
            return true;
    return false;
}

/* Objects that are frozen one by one share a frozen realm as long as the version is the same. */
static atoll_realm *find_frozen(const atoll_realm *parent, uint64_t version)
{
    database *d = parent->database;
    atoll_realm *found = NULL;
    mutex_lock(&d->lock);
    for (size_t i = 0; i < d->realm_list.count && found == NULL; i++) {
        atoll_realm *r = d->realm_list.items[i];
        bool fits = r->frozen && r->parent == parent && !atomic_load(&r->closed) &&
                    model_view_version(r->view) == version;
        if (fits && retain_if_alive(r)) found = r;
    }
    mutex_unlock(&d->lock);
    return found;
}

/* The committed version that the realm stands at, without what its transaction wrote. */
status freeze_realm_committed(const atoll_realm *realm, atoll_realm **out)
{
    atoll_realm *parent = (atoll_realm *)(uintptr_t)realm;
    if (realm->database->migrating)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "%s is being migrated: nothing of it can be frozen or referenced before it is "
                    "opened",
                    realm->database->path);
    if (realm->frozen) {
        *out = realm_retain(parent);
        return ATOLL_OK;
    }
    *out = find_frozen(realm, model_view_version(realm->view));
    if (*out != NULL) return ATOLL_OK;
    database_add_realm(realm->database);
    return realm_new_frozen(parent, out);
}

static status freeze(const atoll_realm *realm, atoll_realm **out)
{
    TRY(realm_check(realm));
    if (realm->txn != NULL && !realm->database->migrating)
        return fail(ATOLL_ERROR_TRANSACTION_ACTIVE,
                    "%s has a write transaction open; commit it or roll it back, then freeze",
                    realm->database->path);
    return freeze_realm_committed(realm, out);
}

atoll_realm *atoll_realm_freeze(const atoll_realm *realm, atoll_error **error)
{
    atoll_realm *frozen = NULL;
    return api_ok(error, freeze(realm, &frozen)) ? frozen : NULL;
}

bool atoll_realm_is_frozen(const atoll_realm *realm)
{
    return realm != NULL && realm->frozen;
}

/* ---- from one instance to another ---- */

/* The target stands at the source's version at least: what exists there is not taken for deleted here. */
static status reach(const atoll_realm *source, const atoll_realm *target)
{
    TRY(realm_check(target));
    if (source->database != target->database)
        return fail(ATOLL_ERROR_WRONG_REALM, "%s is another realm than %s", source->database->path,
                    target->database->path);
    if (source->frozen)
        realm_advance_to((atoll_realm *)(uintptr_t)target, model_view_version(source->view));
    return ATOLL_OK;
}

status freeze_object_in(const atoll_object *object, const atoll_realm *target, atoll_object **out)
{
    TRY(API_NOT_NULL(object));
    TRY(reach(object->realm, target));
    bool alive;
    TRY(model_is_alive(realm_view(target), object->class_of, object->row, &alive));
    if (!alive) return ATOLL_OK;
    return realm_object_new((atoll_realm *)(uintptr_t)target, object->class_of, object->row, out);
}

/* *found false: its object is gone. */
static status collection_in(const atoll_list *at, const atoll_realm *target, atoll_list *out,
                            bool *found)
{
    TRY(reach(at->realm, target));
    TRY(model_is_alive(realm_view(target), at->class_of, at->row, found));
    if (!*found) return ATOLL_OK;
    *out = *at;
    out->realm = realm_retain((atoll_realm *)(uintptr_t)target);
    return ATOLL_OK;
}

/* A set and a dictionary hold the same as a list, and nothing else. */
_Static_assert(sizeof(atoll_set) == sizeof(atoll_list), "a set is reached as a list is");
_Static_assert(sizeof(atoll_dictionary) == sizeof(atoll_list), "and so is a dictionary");

/* A new handle of the kind of the old one, or NULL. */
status freeze_list_in(const atoll_list *at, const atoll_realm *target, atoll_list **out)
{
    bool found = false;
    TRY(API_NOT_NULL(at));
    atoll_list *made = memory_allocate(sizeof *made);
    if (made == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = collection_in(at, target, made, &found);
    if (result == ATOLL_OK && found)
        *out = made;
    else
        memory_free(made);
    return result;
}

status freeze_results_in(const atoll_results *results, const atoll_realm *target,
                         atoll_results **out)
{
    TRY(API_NOT_NULL(results));
    TRY(reach(results->realm, target));
    return results_copy(results, target, out);
}

atoll_object *atoll_object_resolve_in(const atoll_object *object, const atoll_realm *realm,
                                      atoll_error **error)
{
    API_CALL(realm);
    atoll_object *found = NULL;
    return api_ok(error, freeze_object_in(object, realm, &found)) ? found : NULL;
}

static atoll_list *resolve_list(const atoll_list *at, const atoll_realm *realm, atoll_error **error)
{
    API_CALL(realm);
    atoll_list *found = NULL;
    return api_ok(error, freeze_list_in(at, realm, &found)) ? found : NULL;
}

atoll_list *atoll_list_resolve_in(const atoll_list *list, const atoll_realm *realm,
                                  atoll_error **error)
{
    return resolve_list(list, realm, error);
}

atoll_set *atoll_set_resolve_in(const atoll_set *set, const atoll_realm *realm, atoll_error **error)
{
    return (atoll_set *)resolve_list(set == NULL ? NULL : &set->in, realm, error);
}

atoll_dictionary *atoll_dictionary_resolve_in(const atoll_dictionary *dictionary,
                                              const atoll_realm *realm, atoll_error **error)
{
    return (atoll_dictionary *)resolve_list(dictionary == NULL ? NULL : &dictionary->in, realm,
                                            error);
}

atoll_results *atoll_results_resolve_in(const atoll_results *results, const atoll_realm *realm,
                                        atoll_error **error)
{
    API_CALL(realm);
    atoll_results *found = NULL;
    return api_ok(error, freeze_results_in(results, realm, &found)) ? found : NULL;
}

/* ---- freezing one thing ---- */

atoll_object *atoll_object_freeze(const atoll_object *object, atoll_error **error)
{
    API_CALL_OF(object);
    atoll_realm *frozen = NULL;
    atoll_object *made = NULL;
    status result = object_check(object);
    if (result == ATOLL_OK) result = freeze(object->realm, &frozen);
    if (result == ATOLL_OK) result = freeze_object_in(object, frozen, &made);
    realm_release(frozen);
    return api_ok(error, result) ? made : NULL;
}

static atoll_list *freeze_list(const atoll_list *at, atoll_error **error)
{
    API_CALL_OF(at);
    atoll_realm *frozen = NULL;
    atoll_list *made = NULL;
    status result = API_NOT_NULL(at);
    if (result == ATOLL_OK) result = collection_check(at);
    if (result == ATOLL_OK) result = freeze(at->realm, &frozen);
    if (result == ATOLL_OK) result = freeze_list_in(at, frozen, &made);
    realm_release(frozen);
    return api_ok(error, result) ? made : NULL;
}

atoll_list *atoll_list_freeze(const atoll_list *list, atoll_error **error)
{
    return freeze_list(list, error);
}

atoll_set *atoll_set_freeze(const atoll_set *set, atoll_error **error)
{
    return (atoll_set *)freeze_list(set == NULL ? NULL : &set->in, error);
}

atoll_dictionary *atoll_dictionary_freeze(const atoll_dictionary *dictionary, atoll_error **error)
{
    return (atoll_dictionary *)freeze_list(dictionary == NULL ? NULL : &dictionary->in, error);
}

atoll_results *atoll_results_freeze(const atoll_results *results, atoll_error **error)
{
    API_CALL_OF(results);
    atoll_realm *frozen = NULL;
    atoll_results *made = NULL;
    status result = API_NOT_NULL(results);
    if (result == ATOLL_OK) result = freeze(results->realm, &frozen);
    if (result == ATOLL_OK) result = freeze_results_in(results, frozen, &made);
    realm_release(frozen);
    return api_ok(error, result) ? made : NULL;
}

/* ---- what realm a handle is of ---- */

bool atoll_object_is_frozen(const atoll_object *object)
{
    return object != NULL && object->realm->frozen;
}

bool atoll_list_is_frozen(const atoll_list *list)
{
    return list != NULL && list->realm->frozen;
}

bool atoll_set_is_frozen(const atoll_set *set)
{
    return set != NULL && set->in.realm->frozen;
}

bool atoll_dictionary_is_frozen(const atoll_dictionary *dictionary)
{
    return dictionary != NULL && dictionary->in.realm->frozen;
}

bool atoll_results_is_frozen(const atoll_results *results)
{
    return results != NULL && results->realm->frozen;
}

atoll_realm *atoll_object_realm(const atoll_object *object)
{
    return object == NULL ? NULL : realm_retain(object->realm);
}

atoll_realm *atoll_list_realm(const atoll_list *list)
{
    return list == NULL ? NULL : realm_retain(list->realm);
}

atoll_realm *atoll_set_realm(const atoll_set *set)
{
    return set == NULL ? NULL : realm_retain(set->in.realm);
}

atoll_realm *atoll_dictionary_realm(const atoll_dictionary *dictionary)
{
    return dictionary == NULL ? NULL : realm_retain(dictionary->in.realm);
}

atoll_realm *atoll_results_realm(const atoll_results *results)
{
    return results == NULL ? NULL : realm_retain(results->realm);
}
