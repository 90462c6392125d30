/* atoll_reference: what goes from one thread's realm to another's, once. It must never copy data.
 * Invariant: it holds a frozen twin, so the row means the same when it is resolved, however long that takes. */
#include "api/api.h"

struct atoll_reference {
    atomic_bool used;
    atoll_object *object;
    atoll_list *collection;
    uint8_t kind; /* of the collection: PROPERTY_LIST, _SET or _DICTIONARY */
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
    API_CALL_OF(object);
    atoll_realm *frozen = NULL;
    atoll_reference *made = NULL;
    status result = object_check(object);
    if (result == ATOLL_OK) result = freeze_realm_committed(object->realm, &frozen);
    if (result == ATOLL_OK) result = reference_new(&made);
    if (result == ATOLL_OK) result = freeze_object_in(object, frozen, &made->object);
    realm_release(frozen);
    return finish(made, result, result == ATOLL_OK && made->object == NULL, error);
}

static atoll_reference *of_collection(const atoll_list *at, uint8_t kind, atoll_error **error)
{
    API_CALL_OF(at);
    atoll_realm *frozen = NULL;
    atoll_reference *made = NULL;
    status result = API_NOT_NULL(at);
    if (result == ATOLL_OK) result = collection_check(at);
    if (result == ATOLL_OK) result = freeze_realm_committed(at->realm, &frozen);
    if (result == ATOLL_OK) result = reference_new(&made);
    if (result == ATOLL_OK) made->kind = kind;
    if (result == ATOLL_OK) result = freeze_list_in(at, frozen, &made->collection);
    realm_release(frozen);
    return finish(made, result, result == ATOLL_OK && made->collection == NULL, error);
}

atoll_reference *atoll_reference_of_list(const atoll_list *list, atoll_error **error)
{
    return of_collection(list, PROPERTY_LIST, error);
}

atoll_reference *atoll_reference_of_set(const atoll_set *set, atoll_error **error)
{
    return of_collection(set == NULL ? NULL : &set->in, PROPERTY_SET, error);
}

atoll_reference *atoll_reference_of_dictionary(const atoll_dictionary *dictionary,
                                               atoll_error **error)
{
    return of_collection(dictionary == NULL ? NULL : &dictionary->in, PROPERTY_DICTIONARY, error);
}

atoll_reference *atoll_reference_of_results(const atoll_results *results, atoll_error **error)
{
    API_CALL_OF(results);
    atoll_realm *frozen = NULL;
    atoll_reference *made = NULL;
    status result = API_NOT_NULL(results);
    if (result == ATOLL_OK) result = realm_check(results->realm);
    if (result == ATOLL_OK) result = freeze_realm_committed(results->realm, &frozen);
    if (result == ATOLL_OK) result = reference_new(&made);
    if (result == ATOLL_OK) result = freeze_results_in(results, frozen, &made->results);
    realm_release(frozen);
    return finish(made, result, false, error);
}

void atoll_reference_free(atoll_reference *reference)
{
    if (reference == NULL) return;
    atoll_object_free(reference->object);
    atoll_list_free(reference->collection);
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
    API_CALL(realm);
    atoll_object *found = NULL;
    status result = API_NOT_NULL(reference);
    if (result == ATOLL_OK) result = use(reference, realm, reference->object != NULL, "an object");
    if (result == ATOLL_OK) result = freeze_object_in(reference->object, realm, &found);
    return api_ok(error, result) ? found : NULL;
}

static atoll_list *resolve_collection(atoll_reference *reference, uint8_t kind, const char *text,
                                      const atoll_realm *realm, atoll_error **error)
{
    API_CALL(realm);
    atoll_list *found = NULL;
    status result = API_NOT_NULL(reference);
    if (result == ATOLL_OK) result = use(reference, realm, reference->kind == kind, text);
    if (result == ATOLL_OK) result = freeze_list_in(reference->collection, realm, &found);
    return api_ok(error, result) ? found : NULL;
}

atoll_list *atoll_reference_resolve_list(atoll_reference *reference, const atoll_realm *realm,
                                         atoll_error **error)
{
    return resolve_collection(reference, PROPERTY_LIST, "a list", realm, error);
}

atoll_set *atoll_reference_resolve_set(atoll_reference *reference, const atoll_realm *realm,
                                       atoll_error **error)
{
    return (atoll_set *)resolve_collection(reference, PROPERTY_SET, "a set", realm, error);
}

atoll_dictionary *atoll_reference_resolve_dictionary(atoll_reference *reference,
                                                     const atoll_realm *realm, atoll_error **error)
{
    return (atoll_dictionary *)resolve_collection(reference, PROPERTY_DICTIONARY, "a dictionary",
                                                  realm, error);
}

atoll_results *atoll_reference_resolve_results(atoll_reference *reference, const atoll_realm *realm,
                                               atoll_error **error)
{
    API_CALL(realm);
    atoll_results *found = NULL;
    status result = API_NOT_NULL(reference);
    if (result == ATOLL_OK) result = use(reference, realm, reference->results != NULL, "results");
    if (result == ATOLL_OK) result = freeze_results_in(reference->results, realm, &found);
    return api_ok(error, result) ? found : NULL;
}
