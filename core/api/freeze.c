/* Frozen realms, and objects, lists and results that go from one realm instance to another: frozen, thawed, or handed
 * to another thread by a reference. It must never copy data: what is handed over is a name (class, row, property, query),
 * which means the same in every instance of one database. Invariant: a frozen realm holds its parent, and counts as an
 * open realm, so that its version stays readable until the last handle of it is freed. */
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
static status freeze_committed(const atoll_realm *realm, atoll_realm **out)
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
    return freeze_committed(realm, out);
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

static status object_in(const atoll_object *object, const atoll_realm *target, atoll_object **out)
{
    TRY(API_NOT_NULL(object));
    TRY(reach(object->realm, target));
    bool alive;
    TRY(model_is_alive(realm_view(target), object->class_of, object->row, &alive));
    if (!alive) return ATOLL_OK;
    return realm_object_new((atoll_realm *)(uintptr_t)target, object->class_of, object->row, out);
}

static status list_in(const atoll_list *list, const atoll_realm *target, atoll_list **out)
{
    TRY(API_NOT_NULL(list));
    TRY(reach(list->realm, target));
    bool alive;
    TRY(model_is_alive(realm_view(target), list->class_of, list->row, &alive));
    if (!alive) return ATOLL_OK;
    atoll_list *made = memory_allocate(sizeof *made);
    if (made == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *made = *list;
    made->realm = realm_retain((atoll_realm *)(uintptr_t)target);
    *out = made;
    return ATOLL_OK;
}

static status results_in(const atoll_results *results, const atoll_realm *target,
                         atoll_results **out)
{
    TRY(API_NOT_NULL(results));
    TRY(reach(results->realm, target));
    return results_copy(results, target, out);
}

atoll_object *atoll_object_resolve_in(const atoll_object *object, const atoll_realm *realm,
                                      atoll_error **error)
{
    atoll_object *found = NULL;
    return api_ok(error, object_in(object, realm, &found)) ? found : NULL;
}

atoll_list *atoll_list_resolve_in(const atoll_list *list, const atoll_realm *realm,
                                  atoll_error **error)
{
    atoll_list *found = NULL;
    return api_ok(error, list_in(list, realm, &found)) ? found : NULL;
}

atoll_results *atoll_results_resolve_in(const atoll_results *results, const atoll_realm *realm,
                                        atoll_error **error)
{
    atoll_results *found = NULL;
    return api_ok(error, results_in(results, realm, &found)) ? found : NULL;
}

/* ---- freezing one thing ---- */

atoll_object *atoll_object_freeze(const atoll_object *object, atoll_error **error)
{
    atoll_realm *frozen = NULL;
    atoll_object *made = NULL;
    status result = object_check(object);
    if (result == ATOLL_OK) result = freeze(object->realm, &frozen);
    if (result == ATOLL_OK) result = object_in(object, frozen, &made);
    realm_release(frozen);
    return api_ok(error, result) ? made : NULL;
}

atoll_list *atoll_list_freeze(const atoll_list *list, atoll_error **error)
{
    atoll_realm *frozen = NULL;
    atoll_list *made = NULL;
    status result = API_NOT_NULL(list);
    if (result == ATOLL_OK)
        result = object_check(&(atoll_object){list->realm, list->class_of, list->row});
    if (result == ATOLL_OK) result = freeze(list->realm, &frozen);
    if (result == ATOLL_OK) result = list_in(list, frozen, &made);
    realm_release(frozen);
    return api_ok(error, result) ? made : NULL;
}

atoll_results *atoll_results_freeze(const atoll_results *results, atoll_error **error)
{
    atoll_realm *frozen = NULL;
    atoll_results *made = NULL;
    status result = API_NOT_NULL(results);
    if (result == ATOLL_OK) result = freeze(results->realm, &frozen);
    if (result == ATOLL_OK) result = results_in(results, frozen, &made);
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

atoll_realm *atoll_results_realm(const atoll_results *results)
{
    return results == NULL ? NULL : realm_retain(results->realm);
}

/* ---- references ---- */

/* Holds a frozen twin, so the row means the same when it is resolved, however long that takes. */
struct atoll_reference {
    atomic_bool used;
    atoll_object *object;
    atoll_list *list;
    atoll_results *results;
};

static status reference_new(atoll_reference **out)
{
    *out = memory_allocate_zero(sizeof **out);
    return *out == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

/* NULL on failure; takes nothing. */
static atoll_reference *finish(atoll_reference *reference, status result, bool deleted,
                               atoll_error **error)
{
    if (result == ATOLL_OK && deleted)
        result = fail(ATOLL_ERROR_OBJECT_INVALID,
                      "a reference needs an object that was committed; commit first");
    if (api_ok(error, result)) return reference;
    atoll_reference_free(reference);
    return NULL;
}

atoll_reference *atoll_reference_of_object(const atoll_object *object, atoll_error **error)
{
    atoll_realm *frozen = NULL;
    atoll_reference *made = NULL;
    status result = object_check(object);
    if (result == ATOLL_OK) result = freeze_committed(object->realm, &frozen);
    if (result == ATOLL_OK) result = reference_new(&made);
    if (result == ATOLL_OK) result = object_in(object, frozen, &made->object);
    realm_release(frozen);
    return finish(made, result, result == ATOLL_OK && made->object == NULL, error);
}

atoll_reference *atoll_reference_of_list(const atoll_list *list, atoll_error **error)
{
    atoll_realm *frozen = NULL;
    atoll_reference *made = NULL;
    status result = API_NOT_NULL(list);
    if (result == ATOLL_OK)
        result = object_check(&(atoll_object){list->realm, list->class_of, list->row});
    if (result == ATOLL_OK) result = freeze_committed(list->realm, &frozen);
    if (result == ATOLL_OK) result = reference_new(&made);
    if (result == ATOLL_OK) result = list_in(list, frozen, &made->list);
    realm_release(frozen);
    return finish(made, result, result == ATOLL_OK && made->list == NULL, error);
}

atoll_reference *atoll_reference_of_results(const atoll_results *results, atoll_error **error)
{
    atoll_realm *frozen = NULL;
    atoll_reference *made = NULL;
    status result = API_NOT_NULL(results);
    if (result == ATOLL_OK) result = realm_check(results->realm);
    if (result == ATOLL_OK) result = freeze_committed(results->realm, &frozen);
    if (result == ATOLL_OK) result = reference_new(&made);
    if (result == ATOLL_OK) result = results_in(results, frozen, &made->results);
    realm_release(frozen);
    return finish(made, result, false, error);
}

void atoll_reference_free(atoll_reference *reference)
{
    if (reference == NULL) return;
    atoll_object_free(reference->object);
    atoll_list_free(reference->list);
    atoll_results_free(reference->results);
    memory_free(reference);
}

/* The realm is looked at first: a mistake there does not use the reference up. */
static status use(atoll_reference *reference, const atoll_realm *realm, bool fits, const char *kind)
{
    TRY(realm_check(realm));
    if (!fits) return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the reference is not one of %s", kind);
    if (!atomic_exchange(&reference->used, true)) return ATOLL_OK;
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "the reference was resolved before; a reference is good for one time");
}

atoll_object *atoll_reference_resolve_object(atoll_reference *reference, const atoll_realm *realm,
                                             atoll_error **error)
{
    atoll_object *found = NULL;
    status result = API_NOT_NULL(reference);
    if (result == ATOLL_OK) result = use(reference, realm, reference->object != NULL, "an object");
    if (result == ATOLL_OK) result = object_in(reference->object, realm, &found);
    return api_ok(error, result) ? found : NULL;
}

atoll_list *atoll_reference_resolve_list(atoll_reference *reference, const atoll_realm *realm,
                                         atoll_error **error)
{
    atoll_list *found = NULL;
    status result = API_NOT_NULL(reference);
    if (result == ATOLL_OK) result = use(reference, realm, reference->list != NULL, "a list");
    if (result == ATOLL_OK) result = list_in(reference->list, realm, &found);
    return api_ok(error, result) ? found : NULL;
}

atoll_results *atoll_reference_resolve_results(atoll_reference *reference, const atoll_realm *realm,
                                               atoll_error **error)
{
    atoll_results *found = NULL;
    status result = API_NOT_NULL(reference);
    if (result == ATOLL_OK) result = use(reference, realm, reference->results != NULL, "results");
    if (result == ATOLL_OK) result = results_in(reference->results, realm, &found);
    return api_ok(error, result) ? found : NULL;
}
