/* atoll_list: a list property of one object. It must never hold elements itself.
 * Invariant: index counts visible elements only; links to objects that are gone, or not here yet, are not among them. */
#include "api/api.h"

void atoll_list_free(atoll_list *list)
{
    if (list == NULL) return;
    realm_release(list->realm);
    memory_free(list);
}

static status check(const atoll_list *list)
{
    TRY(API_NOT_NULL(list));
    atoll_object owner = {list->realm, list->class_of, list->row};
    return object_check(&owner);
}

/* The element's index in the model. */
static status check_index(const atoll_list *list, int64_t index, bool may_append, uint64_t *at)
{
    uint64_t count = 0, found = 0, wanted = index < 0 ? UINT64_MAX : (uint64_t)index;
    TRY(model_list_shown(realm_view(list->realm), list->class_of, list->row, list->property, wanted,
                         &count, &found));
    *at = found;
    if (wanted < count || (may_append && wanted == count)) return ATOLL_OK;
    return fail(ATOLL_ERROR_OUT_OF_RANGE, "index %lld is outside of the list of %llu elements",
                (long long)index, (unsigned long long)count);
}

static status check_write(atoll_list *list, int64_t index, bool may_append, uint64_t *at)
{
    TRY(API_NOT_NULL(list));
    TRY(realm_check_write(list->realm));
    TRY(check(list));
    TRY(realm_check_class_write(list->realm, list->class_of));
    TRY(check_index(list, index, may_append, at));
    list->realm->write_count++;
    return ATOLL_OK;
}

bool atoll_list_is_valid(const atoll_list *list)
{
    return check(list) == ATOLL_OK;
}

int64_t atoll_list_count(const atoll_list *list, atoll_error **error)
{
    uint64_t count = 0, end;
    status result = check(list);
    if (result == ATOLL_OK)
        result = model_list_shown(realm_view(list->realm), list->class_of, list->row,
                                  list->property, UINT64_MAX, &count, &end);
    return api_ok(error, result) ? (int64_t)count : 0;
}

static status get_value(const atoll_list *list, int64_t index, value *out,
                        const model_property **property)
{
    TRY(check(list));
    uint64_t at;
    TRY(check_index(list, index, false, &at));
    TRY(realm_property(list->realm, list->class_of, list->property, property));
    element_id id;
    return model_list_get(realm_view(list->realm), list->class_of, list->row, list->property, at,
                          out, &id);
}

atoll_values *atoll_list_get_value(const atoll_list *list, int64_t index, atoll_error **error)
{
    value v;
    const model_property *p = NULL;
    atoll_values *values = NULL;
    status result = get_value(list, index, &v, &p);
    if (result == ATOLL_OK) result = realm_wrap_value(list->realm, p, &v, &values);
    return api_ok(error, result) ? values : NULL;
}

atoll_object *atoll_list_get_object(const atoll_list *list, int64_t index, atoll_error **error)
{
    value v;
    const model_property *p = NULL;
    atoll_object *object = NULL;
    status result = get_value(list, index, &v, &p);
    if (result == ATOLL_OK && p->type != VALUE_LINK && p->type != VALUE_EMBEDDED)
        result = fail(ATOLL_ERROR_TYPE_MISMATCH, "the list %s holds %ss, not objects", p->name,
                      value_type_name(p->type));
    if (result == ATOLL_OK && v.type != VALUE_NULL)
        result = realm_object_new(list->realm, p->target, v.as.row, &object);
    return api_ok(error, result) ? object : NULL;
}

static status convert(atoll_list *list, const atoll_values *from, value *out)
{
    const api_value *item;
    const model_property *p;
    TRY(values_item(from, 0, &item));
    TRY(realm_property(list->realm, list->class_of, list->property, &p));
    if (p->type == VALUE_EMBEDDED)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "the list %s holds embedded objects; use the _embedded functions", p->name);
    return realm_convert(list->realm, p, item, out);
}

atoll_status atoll_list_set_value(atoll_list *list, int64_t index, const atoll_values *value_list,
                                  atoll_error **error)
{
    value v;
    uint64_t at = 0;
    status result = check_write(list, index, false, &at);
    if (result == ATOLL_OK) result = convert(list, value_list, &v);
    if (result == ATOLL_OK)
        result =
            model_list_set(list->realm->txn, list->class_of, list->row, list->property, at, &v);
    return api_result(error, result);
}

atoll_status atoll_list_insert_value(atoll_list *list, int64_t index,
                                     const atoll_values *value_list, atoll_error **error)
{
    value v;
    uint64_t at = 0;
    status result = check_write(list, index, true, &at);
    if (result == ATOLL_OK) result = convert(list, value_list, &v);
    if (result == ATOLL_OK)
        result =
            model_list_insert(list->realm->txn, list->class_of, list->row, list->property, at, &v);
    return api_result(error, result);
}

static status put_embedded(atoll_list *list, int64_t index, bool insert, atoll_object **out)
{
    uint64_t at = 0;
    TRY(check_write(list, index, insert, &at));
    const model_property *p;
    TRY(realm_property(list->realm, list->class_of, list->property, &p));
    if (p->type != VALUE_EMBEDDED)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "the list %s does not hold embedded objects",
                    p->name);
    row_key row;
    class_key target = p->target;
    TRY((insert ? model_list_insert_embedded : model_list_set_embedded)(
        list->realm->txn, list->class_of, list->row, list->property, at, &row));
    return realm_object_new(list->realm, target, row, out);
}

atoll_object *atoll_list_set_embedded(atoll_list *list, int64_t index, atoll_error **error)
{
    atoll_object *object = NULL;
    return api_ok(error, put_embedded(list, index, false, &object)) ? object : NULL;
}

atoll_object *atoll_list_insert_embedded(atoll_list *list, int64_t index, atoll_error **error)
{
    atoll_object *object = NULL;
    return api_ok(error, put_embedded(list, index, true, &object)) ? object : NULL;
}

atoll_status atoll_list_erase(atoll_list *list, int64_t index, atoll_error **error)
{
    uint64_t at = 0;
    status result = check_write(list, index, false, &at);
    if (result == ATOLL_OK)
        result = model_list_erase(list->realm->txn, list->class_of, list->row, list->property, at);
    return api_result(error, result);
}

atoll_status atoll_list_clear(atoll_list *list, atoll_error **error)
{
    uint64_t at = 0;
    status result = check_write(list, 0, true, &at);
    if (result == ATOLL_OK)
        result = model_list_clear(list->realm->txn, list->class_of, list->row, list->property);
    return api_result(error, result);
}
