/* atoll_list: a list property of one object, and what sets and dictionaries share with it. It must never hold elements
 * itself. Invariant: index counts visible elements only; links to objects that are gone, or not here yet, are not among
 * them, except in a dictionary, whose keys stay. */
#include "api/api.h"

/* ---- all collections ---- */
status collection_of(const atoll_object *object, property_key p, uint8_t kind, atoll_list *out)
{
    static const char *const names[] = {"list", "set", "dictionary"};
    const char *name = names[kind == PROPERTY_SET ? 1 : kind == PROPERTY_DICTIONARY ? 2 : 0];
    const model_property *property;
    TRY(object_check(object));
    TRY(realm_property(object->realm, object->class_of, p, &property));
    if (property->type == VALUE_MIXED && (property->flags & PROPERTY_COLLECTION) == 0) {
        value v;
        TRY(model_get(realm_view(object->realm), object->class_of, object->row, p, &v));
        return collection_nested(object->realm, property->name, &v, kind, out);
    }
    if ((property->flags & kind) == 0)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "%s is not a %s", property->name, name);
    *out = (atoll_list){realm_retain(object->realm), object->class_of, object->row, p};
    return ATOLL_OK;
}

status collection_nested(atoll_realm *realm, const char *name, const value *v, uint8_t kind,
                         atoll_list *out)
{
    value_type wanted = kind == PROPERTY_DICTIONARY ? VALUE_DICTIONARY : VALUE_LIST;
    if (v->type != wanted || kind == PROPERTY_SET)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "%s holds a %s, not a %s", name,
                    value_type_name(v->type),
                    value_type_name(kind == PROPERTY_SET ? VALUE_SET : wanted));
    *out =
        (atoll_list){realm_retain(realm), v->as.link.class_of, v->as.link.row, SCHEMA_HIDDEN_ITEMS};
    return ATOLL_OK;
}

status collection_check(const atoll_list *at)
{
    atoll_object owner = {at->realm, at->class_of, at->row};
    return object_check(&owner);
}

status collection_index(const atoll_list *at, int64_t index, bool may_append, uint64_t *out)
{
    uint64_t count = 0, found = 0, wanted = index < 0 ? UINT64_MAX : (uint64_t)index;
    TRY(model_list_shown(realm_view(at->realm), at->class_of, at->row, at->property, wanted, &count,
                         &found));
    if (wanted >= count && !(may_append && wanted == count))
        return fail(ATOLL_ERROR_OUT_OF_RANGE,
                    "index %lld is outside of the collection of %llu elements", (long long)index,
                    (unsigned long long)count);
    *out = found;
    return ATOLL_OK;
}

status collection_check_write(atoll_list *at)
{
    TRY(realm_check_write(at->realm));
    TRY(collection_check(at));
    TRY(realm_check_class_write(at->realm, at->class_of));
    at->realm->write_count++;
    return ATOLL_OK;
}

status collection_count(const atoll_list *at, uint64_t *out)
{
    uint64_t end;
    TRY(collection_check(at));
    return model_list_shown(realm_view(at->realm), at->class_of, at->row, at->property, UINT64_MAX,
                            out, &end);
}

status collection_get(const atoll_list *at, int64_t index, value *out,
                      const model_property **property)
{
    uint64_t found;
    TRY(collection_check(at));
    TRY(collection_index(at, index, false, &found));
    TRY(realm_property(at->realm, at->class_of, at->property, property));
    return model_list_get(realm_view(at->realm), at->class_of, at->row, at->property, found, out,
                          NULL);
}

status collection_wrap_object(const atoll_list *at, const model_property *p, const value *v,
                              atoll_object **out)
{
    return realm_wrap_object(at->realm, p, v, out);
}

status collection_convert(const atoll_list *at, const atoll_values *from, value *out)
{
    const api_value *item;
    const model_property *p;
    TRY(values_item(from, 0, &item));
    TRY(realm_property(at->realm, at->class_of, at->property, &p));
    if (p->type == VALUE_EMBEDDED && item->plain.type != VALUE_NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "the collection %s holds embedded objects; use the _embedded functions",
                    p->name);
    return realm_convert(at->realm, p, item, out);
}

/* ---- lists ---- */
status list_new(const atoll_list *in, atoll_list **out)
{
    atoll_list *list = memory_allocate(sizeof *list);
    if (list == NULL) {
        realm_release(in->realm);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    *list = *in;
    *out = list;
    return ATOLL_OK;
}

void atoll_list_free(atoll_list *list)
{
    if (list == NULL) return;
    realm_release(list->realm);
    memory_free(list);
}

static status check(const atoll_list *list)
{
    TRY(API_NOT_NULL(list));
    return collection_check(list);
}

static status check_write(atoll_list *list, int64_t index, bool may_append, uint64_t *at)
{
    TRY(API_NOT_NULL(list));
    TRY(collection_check_write(list));
    return collection_index(list, index, may_append, at);
}

bool atoll_list_is_valid(const atoll_list *list)
{
    return check(list) == ATOLL_OK;
}

int64_t atoll_list_count(const atoll_list *list, atoll_error **error)
{
    API_CALL_OF(list);
    uint64_t count = 0;
    status result = API_NOT_NULL(list);
    if (result == ATOLL_OK) result = collection_count(list, &count);
    return api_ok(error, result) ? (int64_t)count : 0;
}

atoll_values *atoll_list_get_value(const atoll_list *list, int64_t index, atoll_error **error)
{
    API_CALL_OF(list);
    value v;
    const model_property *p = NULL;
    atoll_values *values = NULL;
    status result = API_NOT_NULL(list);
    if (result == ATOLL_OK) result = collection_get(list, index, &v, &p);
    if (result == ATOLL_OK) result = realm_wrap_value(list->realm, p, &v, &values);
    return api_ok(error, result) ? values : NULL;
}

atoll_object *atoll_list_get_object(const atoll_list *list, int64_t index, atoll_error **error)
{
    API_CALL_OF(list);
    value v;
    const model_property *p = NULL;
    atoll_object *object = NULL;
    status result = API_NOT_NULL(list);
    if (result == ATOLL_OK) result = collection_get(list, index, &v, &p);
    if (result == ATOLL_OK) result = collection_wrap_object(list, p, &v, &object);
    return api_ok(error, result) ? object : NULL;
}

static status get_nested(const atoll_list *list, int64_t index, uint8_t kind, atoll_list *out)
{
    value v;
    const model_property *p = NULL;
    TRY(API_NOT_NULL(list));
    TRY(collection_get(list, index, &v, &p));
    return collection_nested(list->realm, "the element", &v, kind, out);
}

atoll_list *atoll_list_get_list(const atoll_list *list, int64_t index, atoll_error **error)
{
    atoll_list in, *nested = NULL;
    status result = get_nested(list, index, PROPERTY_LIST, &in);
    if (result == ATOLL_OK) result = list_new(&in, &nested);
    return api_ok(error, result) ? nested : NULL;
}

atoll_dictionary *atoll_list_get_dictionary(const atoll_list *list, int64_t index,
                                            atoll_error **error)
{
    atoll_list in;
    atoll_dictionary *nested = NULL;
    status result = get_nested(list, index, PROPERTY_DICTIONARY, &in);
    if (result == ATOLL_OK) result = dictionary_new(&in, &nested);
    return api_ok(error, result) ? nested : NULL;
}

atoll_status atoll_list_set_value(atoll_list *list, int64_t index, const atoll_values *value_list,
                                  atoll_error **error)
{
    API_CALL_OF(list);
    value v;
    uint64_t at = 0;
    status result = check_write(list, index, false, &at);
    if (result == ATOLL_OK) result = collection_convert(list, value_list, &v);
    if (result == ATOLL_OK)
        result =
            model_list_set(list->realm->txn, list->class_of, list->row, list->property, at, &v);
    return api_result(error, result);
}

atoll_status atoll_list_insert_value(atoll_list *list, int64_t index,
                                     const atoll_values *value_list, atoll_error **error)
{
    API_CALL_OF(list);
    value v;
    uint64_t at = 0;
    status result = check_write(list, index, true, &at);
    if (result == ATOLL_OK) result = collection_convert(list, value_list, &v);
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
    API_CALL_OF(list);
    atoll_object *object = NULL;
    return api_ok(error, put_embedded(list, index, false, &object)) ? object : NULL;
}

atoll_object *atoll_list_insert_embedded(atoll_list *list, int64_t index, atoll_error **error)
{
    API_CALL_OF(list);
    atoll_object *object = NULL;
    return api_ok(error, put_embedded(list, index, true, &object)) ? object : NULL;
}

atoll_status atoll_list_erase(atoll_list *list, int64_t index, atoll_error **error)
{
    API_CALL_OF(list);
    uint64_t at = 0;
    status result = check_write(list, index, false, &at);
    if (result == ATOLL_OK)
        result = model_list_erase(list->realm->txn, list->class_of, list->row, list->property, at);
    return api_result(error, result);
}

atoll_status atoll_list_clear(atoll_list *list, atoll_error **error)
{
    API_CALL_OF(list);
    uint64_t at = 0;
    status result = check_write(list, 0, true, &at);
    if (result == ATOLL_OK)
        result = model_list_clear(list->realm->txn, list->class_of, list->row, list->property);
    return api_result(error, result);
}

atoll_status atoll_list_move(atoll_list *list, int64_t from, int64_t to, atoll_error **error)
{
    API_CALL_OF(list);
    uint64_t source = 0, target = 0;
    status result = check_write(list, from, false, &source);
    if (result == ATOLL_OK) result = collection_index(list, to, false, &target);
    if (result == ATOLL_OK)
        result = model_list_move(list->realm->txn, list->class_of, list->row, list->property,
                                 source, target);
    return api_result(error, result);
}

status collection_results(const atoll_list *at, atoll_results **out)
{
    const model_property *p = NULL;
    TRY(collection_check(at));
    TRY(realm_property(at->realm, at->class_of, at->property, &p));
    if (p->type != VALUE_LINK && p->type != VALUE_EMBEDDED)
        return fail(ATOLL_ERROR_TYPE_MISMATCH, "%s holds values of type %s; results are of objects",
                    p->name, value_type_name(p->type));
    query_base base = {QUERY_BASE_COLLECTION, at->class_of, at->row, at->property};
    return results_over(at->realm, p->target, &base, out);
}

atoll_results *atoll_list_as_results(const atoll_list *list, atoll_error **error)
{
    API_CALL_OF(list);
    atoll_results *results = NULL;
    status result = API_NOT_NULL(list);
    if (result == ATOLL_OK) result = collection_results(list, &results);
    return api_ok(error, result) ? results : NULL;
}
