/* Custom user data, by jansson.
 * It must never keep what is no JSON object, nor take a number for one that it is not.
 * Invariant: values that are given out live as long as the data. */
#include "server/user_data.h"

#include "base/memory.h"

#include <jansson.h>

struct user_data {
    json_t *root; /* NULL: the user has none */
};

status user_data_read(bytes json, user_data **out)
{
    json_error_t error;
    json_t *root = NULL;
    if (json.size > USER_DATA_SIZE_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "custom user data has %zu bytes, at most %d",
                    json.size, USER_DATA_SIZE_MAX);
    if (json.size > 0) {
        root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &error);
        if (root == NULL)
            return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                        "custom user data is no JSON, at line %d column %d: %s", error.line,
                        error.column, error.text);
        if (!json_is_object(root)) {
            json_decref(root);
            return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                        "custom user data is one JSON object, e.g. {\"team\": 3}");
        }
    }
    user_data *d = memory_allocate(sizeof *d);
    if (d == NULL) {
        json_decref(root);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    d->root = root;
    *out = d;
    return ATOLL_OK;
}

void user_data_free(user_data *d)
{
    if (d == NULL) return;
    json_decref(d->root);
    memory_free(d);
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool read_id(const char *text, size_t size, uint8_t *to)
{
    size_t at = 0;
    for (size_t i = 0; i < size; i++) {
        if (size == 16 && (i == 4 || i == 6 || i == 8 || i == 10) && text[at] == '-') at++;
        int high = digit(text[at]), low = high < 0 ? -1 : digit(text[at + 1]);
        if (low < 0) return false;
        to[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return text[at] == '\0';
}

static bool read_value(const json_t *from, value *out)
{
    uint8_t id[16];
    switch (json_typeof(from)) {
    case JSON_NULL: *out = value_null(); return true;
    case JSON_TRUE:
    case JSON_FALSE: *out = value_bool(json_is_true(from)); return true;
    case JSON_INTEGER: *out = value_int(json_integer_value(from)); return true;
    case JSON_REAL: *out = value_double(json_real_value(from)); return true;
    case JSON_STRING:
        *out = value_string(bytes_of(json_string_value(from), json_string_length(from)));
        return true;
    case JSON_OBJECT: break;
    default: return false;
    }
    const char *oid = json_string_value(json_object_get(from, "$oid")),
               *uuid = json_string_value(json_object_get(from, "$uuid"));
    if (json_object_size(from) != 1) return false;
    if (oid != NULL && read_id(oid, 12, id)) {
        *out = value_object_id(id);
        return true;
    }
    if (uuid == NULL || !read_id(uuid, 16, id)) return false;
    *out = value_uuid(id);
    return true;
}

static const json_t *find(const json_t *at, bytes path)
{
    const char *from = (const char *)path.data, *end = from + path.size;
    while (at != NULL && from < end) {
        const char *dot = memchr(from, '.', (size_t)(end - from));
        size_t size = (size_t)((dot == NULL ? end : dot) - from);
        const char *name;
        json_t *below, *found = NULL;
        if (!json_is_object(at)) return NULL;
        json_object_foreach((json_t *)(uintptr_t)at, name, below)
        {
            if (strlen(name) == size && memcmp(name, from, size) == 0) found = below;
        }
        at = found;
        from += size + (dot != NULL);
    }
    return at;
}

status user_data_get(const user_data *d, bytes path, user_data_kind *kind, value_vector *out)
{
    const json_t *found = d == NULL || d->root == NULL ? NULL : find(d->root, path);
    value v;
    *kind = USER_DATA_NONE;
    if (found == NULL) return ATOLL_OK;
    bool list = json_is_array(found);
    size_t count = list ? json_array_size(found) : 1;
    for (size_t i = 0; i < count; i++) {
        if (!read_value(list ? json_array_get(found, i) : found, &v))
            return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                        "custom user data: '%.*s' is neither a value nor a list of values",
                        (int)path.size, (const char *)path.data);
        TRY(vector_push(out, v));
    }
    *kind = list ? USER_DATA_LIST : USER_DATA_VALUE;
    return ATOLL_OK;
}
