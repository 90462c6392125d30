/* atoll_set: a set property of one object. It must never hold elements itself.
 * Invariant: elements stand in the order of their values; objects that are gone are not among them. */
#include "api/api.h"

static status get_set(const atoll_object *object, property_key p, atoll_set **out)
{
    atoll_list in;
    TRY(API_NOT_NULL(object));
    TRY(collection_of(object, p, PROPERTY_SET, &in));
    *out = memory_allocate(sizeof **out);
    if (*out == NULL) {
        realm_release(in.realm);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    (*out)->in = in;
    return ATOLL_OK;
}

atoll_set *atoll_object_get_set(const atoll_object *object, uint32_t property, atoll_error **error)
{
    API_CALL_OF(object);
    atoll_set *set = NULL;
    return api_ok(error, get_set(object, property, &set)) ? set : NULL;
}

void atoll_set_free(atoll_set *set)
{
    if (set == NULL) return;
    realm_release(set->in.realm);
    memory_free(set);
}

bool atoll_set_is_valid(const atoll_set *set)
{
    return set != NULL && collection_check(&set->in) == ATOLL_OK;
}

int64_t atoll_set_count(const atoll_set *set, atoll_error **error)
{
    API_CALL(set == NULL ? NULL : set->in.realm);
    uint64_t count = 0;
    status result = API_NOT_NULL(set);
    if (result == ATOLL_OK) result = collection_count(&set->in, &count);
    return api_ok(error, result) ? (int64_t)count : 0;
}

atoll_values *atoll_set_get_value(const atoll_set *set, int64_t index, atoll_error **error)
{
    API_CALL(set == NULL ? NULL : set->in.realm);
    value v;
    const model_property *p = NULL;
    atoll_values *values = NULL;
    status result = API_NOT_NULL(set);
    if (result == ATOLL_OK) result = collection_get(&set->in, index, &v, &p);
    if (result == ATOLL_OK) result = realm_wrap_value(set->in.realm, p, &v, &values);
    return api_ok(error, result) ? values : NULL;
}

atoll_object *atoll_set_get_object(const atoll_set *set, int64_t index, atoll_error **error)
{
    API_CALL(set == NULL ? NULL : set->in.realm);
    value v;
    const model_property *p = NULL;
    atoll_object *object = NULL;
    status result = API_NOT_NULL(set);
    if (result == ATOLL_OK) result = collection_get(&set->in, index, &v, &p);
    if (result == ATOLL_OK) result = collection_wrap_object(&set->in, p, &v, &object);
    return api_ok(error, result) ? object : NULL;
}

/* A link to an object that is gone is no member: nobody could be shown it. */
static status contains(const atoll_set *set, const atoll_values *from, bool *out)
{
    value v;
    const model_property *p;
    bool found = false, alive = true;
    TRY(API_NOT_NULL(set));
    TRY(collection_check(&set->in));
    TRY(collection_convert(&set->in, from, &v));
    TRY(realm_property(set->in.realm, set->in.class_of, set->in.property, &p));
    const model_view *view = realm_view(set->in.realm);
    TRY(model_set_find(view, set->in.class_of, set->in.row, set->in.property, &v, &found, NULL));
    if (found && p->type == VALUE_LINK && v.type == VALUE_LINK)
        TRY(model_is_alive(view, p->target, v.as.row, &alive));
    *out = found && alive;
    return ATOLL_OK;
}

bool atoll_set_contains(const atoll_set *set, const atoll_values *value_list, atoll_error **error)
{
    API_CALL(set == NULL ? NULL : set->in.realm);
    bool found = false;
    return api_ok(error, contains(set, value_list, &found)) && found;
}

typedef status (*set_change)(model_txn *txn, class_key c, row_key row, property_key p,
                             const value *v, bool *changed);

static status change_set(atoll_set *set, const atoll_values *from, set_change function,
                         bool *changed)
{
    value v;
    TRY(API_NOT_NULL(set));
    TRY(collection_check_write(&set->in));
    TRY(collection_convert(&set->in, from, &v));
    return function(set->in.realm->txn, set->in.class_of, set->in.row, set->in.property, &v,
                    changed);
}

bool atoll_set_add(atoll_set *set, const atoll_values *value_list, atoll_error **error)
{
    API_CALL(set == NULL ? NULL : set->in.realm);
    bool added = false;
    return api_ok(error, change_set(set, value_list, model_set_insert, &added)) && added;
}

bool atoll_set_remove(atoll_set *set, const atoll_values *value_list, atoll_error **error)
{
    API_CALL(set == NULL ? NULL : set->in.realm);
    bool removed = false;
    return api_ok(error, change_set(set, value_list, model_set_erase, &removed)) && removed;
}

atoll_status atoll_set_clear(atoll_set *set, atoll_error **error)
{
    API_CALL(set == NULL ? NULL : set->in.realm);
    status result = API_NOT_NULL(set);
    if (result == ATOLL_OK) result = collection_check_write(&set->in);
    if (result == ATOLL_OK)
        result =
            model_list_clear(set->in.realm->txn, set->in.class_of, set->in.row, set->in.property);
    return api_result(error, result);
}

atoll_results *atoll_set_as_results(const atoll_set *set, atoll_error **error)
{
    API_CALL(set == NULL ? NULL : set->in.realm);
    atoll_results *results = NULL;
    status result = API_NOT_NULL(set);
    if (result == ATOLL_OK) result = collection_results(&set->in, &results);
    return api_ok(error, result) ? results : NULL;
}
