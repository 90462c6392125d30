/* atoll_dictionary: a dictionary property of one object. It must never hold elements itself.
 * Invariant: elements stand in the byte order of their keys; a link to an object that is gone reads as null. */
#include "api/api.h"

status dictionary_new(const atoll_list *in, atoll_dictionary **out)
{
    atoll_dictionary *dictionary = memory_allocate(sizeof *dictionary);
    if (dictionary == NULL) {
        realm_release(in->realm);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    dictionary->in = *in;
    *out = dictionary;
    return ATOLL_OK;
}

static status get_dictionary(const atoll_object *object, property_key p, atoll_dictionary **out)
{
    atoll_list in;
    TRY(API_NOT_NULL(object));
    TRY(collection_of(object, p, PROPERTY_DICTIONARY, &in));
    return dictionary_new(&in, out);
}

atoll_dictionary *atoll_object_get_dictionary(const atoll_object *object, uint32_t property,
                                              atoll_error **error)
{
    API_CALL_OF(object);
    atoll_dictionary *dictionary = NULL;
    return api_ok(error, get_dictionary(object, property, &dictionary)) ? dictionary : NULL;
}

void atoll_dictionary_free(atoll_dictionary *dictionary)
{
    if (dictionary == NULL) return;
    realm_release(dictionary->in.realm);
    memory_free(dictionary);
}

bool atoll_dictionary_is_valid(const atoll_dictionary *dictionary)
{
    return dictionary != NULL && collection_check(&dictionary->in) == ATOLL_OK;
}

int64_t atoll_dictionary_count(const atoll_dictionary *dictionary, atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    uint64_t count = 0;
    status result = API_NOT_NULL(dictionary);
    if (result == ATOLL_OK) result = collection_count(&dictionary->in, &count);
    return api_ok(error, result) ? (int64_t)count : 0;
}

/* ---- by key ---- */
static status find(const atoll_dictionary *dictionary, const char *key, size_t size,
                   const model_property **property, bool *found, value *out)
{
    TRY(API_NOT_NULL(dictionary));
    TRY(API_TEXT(key, size));
    TRY(collection_check(&dictionary->in));
    const atoll_list *at = &dictionary->in;
    TRY(realm_property(at->realm, at->class_of, at->property, property));
    return model_dictionary_find(realm_view(at->realm), at->class_of, at->row, at->property,
                                 bytes_of(key, size), found, NULL, out);
}

bool atoll_dictionary_contains(const atoll_dictionary *dictionary, const char *key, size_t key_size,
                               atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    value v;
    const model_property *p;
    bool found = false;
    return api_ok(error, find(dictionary, key, key_size, &p, &found, &v)) && found;
}

atoll_values *atoll_dictionary_get_value(const atoll_dictionary *dictionary, const char *key,
                                         size_t key_size, atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    value v;
    const model_property *p = NULL;
    atoll_values *values = NULL;
    bool found = false;
    status result = find(dictionary, key, key_size, &p, &found, &v);
    if (result == ATOLL_OK && found)
        result = realm_wrap_value(dictionary->in.realm, p, &v, &values);
    return api_ok(error, result) ? values : NULL;
}

atoll_object *atoll_dictionary_get_object(const atoll_dictionary *dictionary, const char *key,
                                          size_t key_size, atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    value v = value_null();
    const model_property *p = NULL;
    atoll_object *object = NULL;
    bool found = false;
    status result = find(dictionary, key, key_size, &p, &found, &v);
    if (result == ATOLL_OK) result = collection_wrap_object(&dictionary->in, p, &v, &object);
    return api_ok(error, result) ? object : NULL;
}

static status get_nested(const atoll_dictionary *dictionary, const char *key, size_t size,
                         uint8_t kind, atoll_list *out)
{
    value v = value_null();
    const model_property *p = NULL;
    bool found = false;
    TRY(find(dictionary, key, size, &p, &found, &v));
    return collection_nested(dictionary->in.realm, "the value", &v, kind, out);
}

atoll_list *atoll_dictionary_get_list(const atoll_dictionary *dictionary, const char *key,
                                      size_t key_size, atoll_error **error)
{
    atoll_list in, *nested = NULL;
    status result = get_nested(dictionary, key, key_size, PROPERTY_LIST, &in);
    if (result == ATOLL_OK) result = list_new(&in, &nested);
    return api_ok(error, result) ? nested : NULL;
}

atoll_dictionary *atoll_dictionary_get_dictionary(const atoll_dictionary *dictionary,
                                                  const char *key, size_t key_size,
                                                  atoll_error **error)
{
    atoll_list in;
    atoll_dictionary *nested = NULL;
    status result = get_nested(dictionary, key, key_size, PROPERTY_DICTIONARY, &in);
    if (result == ATOLL_OK) result = dictionary_new(&in, &nested);
    return api_ok(error, result) ? nested : NULL;
}

static status check_write(atoll_dictionary *dictionary, const char *key, size_t size)
{
    TRY(API_NOT_NULL(dictionary));
    TRY(API_TEXT(key, size));
    return collection_check_write(&dictionary->in);
}

atoll_status atoll_dictionary_put_value(atoll_dictionary *dictionary, const char *key,
                                        size_t key_size, const atoll_values *value_list,
                                        atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    value v;
    status result = check_write(dictionary, key, key_size);
    if (result == ATOLL_OK) result = collection_convert(&dictionary->in, value_list, &v);
    if (result == ATOLL_OK)
        result = model_dictionary_put(dictionary->in.realm->txn, dictionary->in.class_of,
                                      dictionary->in.row, dictionary->in.property,
                                      bytes_of(key, key_size), &v);
    return api_result(error, result);
}

static status put_embedded(atoll_dictionary *dictionary, const char *key, size_t size,
                           atoll_object **out)
{
    const model_property *p;
    row_key row;
    TRY(check_write(dictionary, key, size));
    const atoll_list *at = &dictionary->in;
    TRY(realm_property(at->realm, at->class_of, at->property, &p));
    class_key target = p->target;
    TRY(model_dictionary_put_embedded(at->realm->txn, at->class_of, at->row, at->property,
                                      bytes_of(key, size), &row));
    return realm_object_new(at->realm, target, row, out);
}

atoll_object *atoll_dictionary_put_embedded(atoll_dictionary *dictionary, const char *key,
                                            size_t key_size, atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    atoll_object *object = NULL;
    return api_ok(error, put_embedded(dictionary, key, key_size, &object)) ? object : NULL;
}

bool atoll_dictionary_erase(atoll_dictionary *dictionary, const char *key, size_t key_size,
                            atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    bool removed = false;
    status result = check_write(dictionary, key, key_size);
    if (result == ATOLL_OK)
        result = model_dictionary_erase(dictionary->in.realm->txn, dictionary->in.class_of,
                                        dictionary->in.row, dictionary->in.property,
                                        bytes_of(key, key_size), &removed);
    return api_ok(error, result) && removed;
}

atoll_status atoll_dictionary_clear(atoll_dictionary *dictionary, atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    status result = check_write(dictionary, "", 0);
    if (result == ATOLL_OK)
        result = model_list_clear(dictionary->in.realm->txn, dictionary->in.class_of,
                                  dictionary->in.row, dictionary->in.property);
    return api_result(error, result);
}

/* ---- by index, for iteration ---- */
static status key_at(const atoll_dictionary *dictionary, int64_t index, bytes *out)
{
    uint64_t found = 0;
    TRY(API_NOT_NULL(dictionary));
    const atoll_list *at = &dictionary->in;
    TRY(collection_check(at));
    TRY(collection_index(at, index, false, &found));
    return model_dictionary_key(realm_view(at->realm), at->class_of, at->row, at->property, found,
                                out);
}

atoll_bytes atoll_dictionary_key_at(const atoll_dictionary *dictionary, int64_t index,
                                    atoll_error **error)
{
    bytes key = {NULL, 0};
    if (!api_ok(error, key_at(dictionary, index, &key))) return (atoll_bytes){NULL, 0};
    return (atoll_bytes){key.size == 0 ? "" : (const char *)key.data, key.size};
}

atoll_values *atoll_dictionary_value_at(const atoll_dictionary *dictionary, int64_t index,
                                        atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    value v;
    const model_property *p = NULL;
    atoll_values *values = NULL;
    status result = API_NOT_NULL(dictionary);
    if (result == ATOLL_OK) result = collection_get(&dictionary->in, index, &v, &p);
    if (result == ATOLL_OK) result = realm_wrap_value(dictionary->in.realm, p, &v, &values);
    return api_ok(error, result) ? values : NULL;
}

atoll_object *atoll_dictionary_object_at(const atoll_dictionary *dictionary, int64_t index,
                                         atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    value v;
    const model_property *p = NULL;
    atoll_object *object = NULL;
    status result = API_NOT_NULL(dictionary);
    if (result == ATOLL_OK) result = collection_get(&dictionary->in, index, &v, &p);
    if (result == ATOLL_OK) result = collection_wrap_object(&dictionary->in, p, &v, &object);
    return api_ok(error, result) ? object : NULL;
}

atoll_results *atoll_dictionary_as_results(const atoll_dictionary *dictionary, atoll_error **error)
{
    API_CALL(dictionary == NULL ? NULL : dictionary->in.realm);
    atoll_results *results = NULL;
    status result = API_NOT_NULL(dictionary);
    if (result == ATOLL_OK) result = collection_results(&dictionary->in, &results);
    return api_ok(error, result) ? results : NULL;
}
