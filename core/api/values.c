/* atoll_values: the one way in which values of any type cross the boundary. It must never keep a caller's pointer:
 * texts are copied. Invariant: a text value points into the item's own memory. */
#include "api/api.h"

#define VALUES_COUNT_MAX 1000000 /* arguments and list elements handed over at once */

status api_replace_text(char **text, const char *from, size_t size, const char *what)
{
    if (from == NULL || size == 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the %s is empty", what);
    if (memchr(from, 0, size) != NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the %s holds a zero byte", what);
    char *copy = memory_copy_text(from, size);
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memory_free(*text);
    *text = copy;
    return ATOLL_OK;
}

atoll_values *atoll_values_new(atoll_error **error)
{
    atoll_values *values = memory_allocate_zero(sizeof *values);
    if (values == NULL) api_error_set(error, ATOLL_ERROR_OUT_OF_MEMORY);
    return values;
}

void atoll_values_free(atoll_values *values)
{
    if (values == NULL) return;
    for (size_t i = 0; i < values->items.count; i++) {
        memory_free(values->items.items[i].owned);
        atoll_values_free(values->items.items[i].list);
        atoll_object_free(values->items.items[i].object);
    }
    if (values->items.items != &values->first) vector_free(&values->items);
    memory_free(values);
}

int64_t atoll_values_count(const atoll_values *values)
{
    return values == NULL ? 0 : (int64_t)values->items.count;
}

static status values_push(atoll_values *values, const api_value *item)
{
    TRY(API_NOT_NULL(values));
    if (values->items.count >= VALUES_COUNT_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "a list of values holds at most %d; hand over fewer at once", VALUES_COUNT_MAX);
    if (values->items.count == 0) {
        values->items.items = &values->first;
        values->items.capacity = 1;
    } else if (values->items.items == &values->first) {
        values->items.items = NULL; /* they move out of the handle */
        values->items.capacity = 0;
        status result = vector_reserve(&values->items, 3);
        if (result != ATOLL_OK) {
            values->items.items = &values->first;
            values->items.capacity = 1;
            return result;
        }
        values->items.items[0] = values->first;
    }
    return vector_push(&values->items, *item);
}

status values_add(atoll_values *values, const value *v)
{
    api_value item = {.plain = *v};
    if (v->type == VALUE_STRING || v->type == VALUE_BINARY) {
        item.owned = (uint8_t *)memory_copy_text((const char *)v->as.text.data, v->as.text.size);
        if (item.owned == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        item.plain.as.text.data = item.owned;
    }
    status result = values_push(values, &item);
    if (result != ATOLL_OK) memory_free(item.owned);
    return result;
}

status values_of(const value *v, atoll_values **out)
{
    atoll_values *values = memory_allocate_zero(sizeof *values);
    if (values == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = values_add(values, v);
    if (result == ATOLL_OK)
        *out = values;
    else
        atoll_values_free(values);
    return result;
}

status values_add_object_handle(atoll_values *values, atoll_object *object)
{
    api_value item = {.plain = value_link(object->row), .object = object};
    status result = values_push(values, &item);
    if (result != ATOLL_OK) atoll_object_free(object);
    return result;
}

static status values_add_text(atoll_values *values, value_type type, const char *text, size_t size)
{
    if (text == NULL && size != 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the text is NULL but its size is %zu", size);
    if (size > LIMIT_VALUE_SIZE_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "a value of %zu bytes is above the limit of %u; store it in parts", size,
                    LIMIT_VALUE_SIZE_MAX);
    value v = {.type = type, .as.text = bytes_of(text, size)};
    if (type == VALUE_STRING && !utf8_is_valid(v.as.text))
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the string is not UTF-8; encode it first");
    return values_add(values, &v);
}

static status values_add_id(atoll_values *values, value_type type, const char *id, size_t size,
                            size_t wanted)
{
    if (id == NULL || size != wanted)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a %s has %zu bytes, got %zu",
                    value_type_name(type), wanted, id == NULL ? 0 : size);
    value v = {.type = type};
    memcpy(v.as.id, id, wanted);
    return values_add(values, &v);
}

atoll_status atoll_values_add_null(atoll_values *values, atoll_error **error)
{
    value v = value_null();
    return api_result(error, values_add(values, &v));
}

atoll_status atoll_values_add_bool(atoll_values *values, bool boolean, atoll_error **error)
{
    value v = value_bool(boolean);
    return api_result(error, values_add(values, &v));
}

atoll_status atoll_values_add_int(atoll_values *values, int64_t integer, atoll_error **error)
{
    value v = value_int(integer);
    return api_result(error, values_add(values, &v));
}

atoll_status atoll_values_add_double(atoll_values *values, double real, atoll_error **error)
{
    value v = value_double(real);
    return api_result(error, values_add(values, &v));
}

atoll_status atoll_values_add_float(atoll_values *values, float real, atoll_error **error)
{
    value v = value_float(real);
    return api_result(error, values_add(values, &v));
}

atoll_status atoll_values_add_decimal128(atoll_values *values, const char *value, size_t value_size,
                                         atoll_error **error)
{
    return api_result(error, values_add_id(values, VALUE_DECIMAL, value, value_size, 16));
}

status decimal_to_value(const char *text, size_t size, value *out)
{
    decimal d;
    TRY(API_TEXT(text, size));
    TRY(decimal_parse(bytes_of(text, size), &d));
    *out = value_decimal(&d);
    return ATOLL_OK;
}

atoll_status atoll_values_add_decimal128_text(atoll_values *values, const char *text, size_t size,
                                              atoll_error **error)
{
    value v;
    status result = decimal_to_value(text, size, &v);
    return api_result(error, result == ATOLL_OK ? values_add(values, &v) : result);
}

static status add_decimal_result(atoll_values *values, int32_t kind)
{
    static decimal (*const operations[])(const decimal *, const decimal *) = {
        [ATOLL_DECIMAL_ADD] = decimal_add,
        [ATOLL_DECIMAL_SUBTRACT] = decimal_subtract,
        [ATOLL_DECIMAL_MULTIPLY] = decimal_multiply,
        [ATOLL_DECIMAL_DIVIDE] = decimal_divide,
    };
    TRY(API_NOT_NULL(values));
    if (kind < 0 || kind > ATOLL_DECIMAL_DIVIDE)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "there is no operation %d of decimals", kind);
    size_t count = values->items.count;
    if (count < 2)
        return fail(ATOLL_ERROR_OUT_OF_RANGE,
                    "an operation takes the last two values, and there are %zu", count);
    const value *a = &values->items.items[count - 2].plain;
    const value *b = &values->items.items[count - 1].plain;
    if (a->type != VALUE_DECIMAL || b->type != VALUE_DECIMAL)
        return fail(ATOLL_ERROR_TYPE_MISMATCH,
                    "an operation takes two decimals, and the last values are %s and %s",
                    value_type_name(a->type), value_type_name(b->type));
    decimal x = value_as_decimal(a), y = value_as_decimal(b);
    decimal made = operations[kind](&x, &y);
    value v = value_decimal(&made);
    return values_add(values, &v);
}

atoll_status atoll_values_add_decimal128_result(atoll_values *values, int32_t kind,
                                                atoll_error **error)
{
    return api_result(error, add_decimal_result(values, kind));
}

atoll_status atoll_values_add_string(atoll_values *values, const char *value, size_t value_size,
                                     atoll_error **error)
{
    return api_result(error, values_add_text(values, VALUE_STRING, value, value_size));
}

atoll_status atoll_values_add_binary(atoll_values *values, const char *value, size_t value_size,
                                     atoll_error **error)
{
    return api_result(error, values_add_text(values, VALUE_BINARY, value, value_size));
}

/* The interface counts nanoseconds upwards from the second; inside, both parts have one sign. */
status timestamp_to_value(atoll_timestamp t, value *out)
{
    if (t.nanoseconds < 0 || t.nanoseconds > 999999999)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "nanoseconds are 0 to 999999999, got %d",
                    (int)t.nanoseconds);
    bool turned = t.seconds < 0 && t.nanoseconds > 0;
    *out = turned ? value_timestamp(t.seconds + 1, t.nanoseconds - 1000000000)
                  : value_timestamp(t.seconds, t.nanoseconds);
    return ATOLL_OK;
}

atoll_timestamp timestamp_of_value(const value *v)
{
    int64_t seconds = v->as.timestamp.seconds;
    int32_t nanoseconds = v->as.timestamp.nanoseconds;
    return nanoseconds < 0 ? (atoll_timestamp){seconds - 1, nanoseconds + 1000000000, 0}
                           : (atoll_timestamp){seconds, nanoseconds, 0};
}

atoll_status atoll_values_add_timestamp(atoll_values *values, atoll_timestamp stamp,
                                        atoll_error **error)
{
    value v;
    status result = timestamp_to_value(stamp, &v);
    return api_result(error, result == ATOLL_OK ? values_add(values, &v) : result);
}

atoll_status atoll_values_add_uuid(atoll_values *values, const char *value, size_t value_size,
                                   atoll_error **error)
{
    return api_result(error, values_add_id(values, VALUE_UUID, value, value_size, 16));
}

atoll_status atoll_values_add_object_id(atoll_values *values, const char *value, size_t value_size,
                                        atoll_error **error)
{
    return api_result(error, values_add_id(values, VALUE_OBJECT_ID, value, value_size, 12));
}

atoll_status atoll_values_add_object(atoll_values *values, const atoll_object *object,
                                     atoll_error **error)
{
    status result = API_NOT_NULL(object);
    if (result != ATOLL_OK) return api_result(error, result);
    atoll_object *copy = atoll_object_copy(object, error);
    return copy == NULL ? ATOLL_ERROR_OUT_OF_MEMORY
                        : api_result(error, values_add_object_handle(values, copy));
}

static status values_copy(const atoll_values *from, atoll_values **out)
{
    atoll_values *copy = memory_allocate_zero(sizeof *copy);
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = ATOLL_OK;
    for (size_t i = 0; i < from->items.count && result == ATOLL_OK; i++) {
        const api_value *item = &from->items.items[i];
        if (item->list != NULL)
            result = fail(ATOLL_ERROR_NOT_SUPPORTED,
                          "not supported yet: a list inside a list of arguments");
        else if (item->object != NULL)
            result = atoll_values_add_object(copy, item->object, NULL);
        else
            result = values_add(copy, &item->plain);
    }
    if (result == ATOLL_OK)
        *out = copy;
    else
        atoll_values_free(copy);
    return result;
}

atoll_status atoll_values_add_list(atoll_values *values, const atoll_values *list,
                                   atoll_error **error)
{
    api_value item = {.plain = value_null()};
    status result = API_NOT_NULL(list);
    if (result == ATOLL_OK) result = values_copy(list, &item.list);
    if (result == ATOLL_OK) {
        item.plain.type = VALUE_LIST;
        result = values_push(values, &item);
        if (result != ATOLL_OK) atoll_values_free(item.list);
    }
    return api_result(error, result);
}

atoll_status atoll_values_add_dictionary(atoll_values *values, atoll_error **error)
{
    api_value item = {.plain = {.type = VALUE_DICTIONARY}};
    return api_result(error, values_push(values, &item));
}

status values_item(const atoll_values *values, int64_t index, const api_value **out)
{
    TRY(API_NOT_NULL(values));
    if (index < 0 || (uint64_t)index >= values->items.count)
        return fail(ATOLL_ERROR_OUT_OF_RANGE, "value %lld does not exist: there are %zu",
                    (long long)index, values->items.count);
    *out = &values->items.items[index];
    return ATOLL_OK;
}

atoll_value_type atoll_values_type(const atoll_values *values, int64_t index, atoll_error **error)
{
    const api_value *item = NULL;
    return api_ok(error, values_item(values, index, &item)) ? (atoll_value_type)item->plain.type
                                                            : ATOLL_TYPE_NULL;
}

static bool values_typed(const atoll_values *values, int64_t index, value_type type, value *out,
                         atoll_error **error)
{
    const api_value *item;
    status result = values_item(values, index, &item);
    if (result == ATOLL_OK && item->plain.type != type)
        result = fail(ATOLL_ERROR_TYPE_MISMATCH, "value %lld is a %s, not a %s", (long long)index,
                      value_type_name(item->plain.type), value_type_name(type));
    if (!api_ok(error, result)) return false;
    *out = item->plain;
    return true;
}

bool atoll_values_get_bool(const atoll_values *values, int64_t index, atoll_error **error)
{
    value v;
    return values_typed(values, index, VALUE_BOOL, &v, error) && v.as.boolean;
}

int64_t atoll_values_get_int(const atoll_values *values, int64_t index, atoll_error **error)
{
    value v;
    return values_typed(values, index, VALUE_INT, &v, error) ? v.as.integer : 0;
}

double atoll_values_get_double(const atoll_values *values, int64_t index, atoll_error **error)
{
    value v;
    return values_typed(values, index, VALUE_DOUBLE, &v, error) ? v.as.real : 0;
}

float atoll_values_get_float(const atoll_values *values, int64_t index, atoll_error **error)
{
    value v;
    return values_typed(values, index, VALUE_FLOAT, &v, error) ? (float)v.as.real : 0;
}

atoll_bytes decimal_text_of_value(const value *v)
{
    static _Thread_local char last[DECIMAL_TEXT_SIZE];
    decimal d = value_as_decimal(v);
    size_t size = decimal_print(&d, last);
    return (atoll_bytes){last, size};
}

atoll_bytes atoll_values_get_decimal128_text(const atoll_values *values, int64_t index,
                                             atoll_error **error)
{
    value v;
    if (!values_typed(values, index, VALUE_DECIMAL, &v, error)) return (atoll_bytes){NULL, 0};
    return decimal_text_of_value(&v);
}

static atoll_bytes values_text(const atoll_values *values, int64_t index, value_type type,
                               atoll_error **error)
{
    value v;
    if (!values_typed(values, index, type, &v, error)) return (atoll_bytes){NULL, 0};
    return (atoll_bytes){(const char *)v.as.text.data, v.as.text.size};
}

atoll_bytes atoll_values_get_string(const atoll_values *values, int64_t index, atoll_error **error)
{
    return values_text(values, index, VALUE_STRING, error);
}

atoll_bytes atoll_values_get_binary(const atoll_values *values, int64_t index, atoll_error **error)
{
    return values_text(values, index, VALUE_BINARY, error);
}

atoll_timestamp atoll_values_get_timestamp(const atoll_values *values, int64_t index,
                                           atoll_error **error)
{
    value v;
    if (!values_typed(values, index, VALUE_TIMESTAMP, &v, error)) return (atoll_timestamp){0, 0, 0};
    return timestamp_of_value(&v);
}

static atoll_bytes values_id(const atoll_values *values, int64_t index, value_type type,
                             size_t size, atoll_error **error)
{
    value v;
    if (!values_typed(values, index, type, &v, error)) return (atoll_bytes){NULL, 0};
    return (atoll_bytes){(const char *)values->items.items[index].plain.as.id, size};
}

atoll_bytes atoll_values_get_uuid(const atoll_values *values, int64_t index, atoll_error **error)
{
    return values_id(values, index, VALUE_UUID, 16, error);
}

atoll_bytes atoll_values_get_decimal128(const atoll_values *values, int64_t index,
                                        atoll_error **error)
{
    return values_id(values, index, VALUE_DECIMAL, 16, error);
}

atoll_bytes atoll_values_get_object_id(const atoll_values *values, int64_t index,
                                       atoll_error **error)
{
    return values_id(values, index, VALUE_OBJECT_ID, 12, error);
}

atoll_object *atoll_values_get_object(const atoll_values *values, int64_t index,
                                      atoll_error **error)
{
    const api_value *item;
    if (!api_ok(error, values_item(values, index, &item)) || item->plain.type == VALUE_NULL)
        return NULL;
    if (item->object != NULL) return atoll_object_copy(item->object, error);
    api_error_set(error, fail(ATOLL_ERROR_TYPE_MISMATCH, "value %lld is a %s, not an object",
                              (long long)index, value_type_name(item->plain.type)));
    return NULL;
}

static status arguments_of(const atoll_values *values, bool nested, api_arguments *all,
                           query_arguments *out)
{
    size_t count = values->items.count;
    value *plain = memory_allocate((count + 1) * sizeof *plain);
    if (plain == NULL || vector_push(&all->owned, plain) != ATOLL_OK) {
        memory_free(plain);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    const query_arguments **lists = NULL;
    for (size_t i = 0; i < count; i++) {
        const api_value *item = &values->items.items[i];
        plain[i] = item->plain;
        if (item->object != NULL) {
            /* A query tells an object of the wrong class from one of the right class and the same row. */
            plain[i].type = VALUE_TYPED_LINK;
            plain[i].as.link.row = item->object->row;
            plain[i].as.link.class_of = item->object->class_of;
        }
        if (item->list == NULL || nested) continue;
        if (lists == NULL) {
            lists = memory_allocate_zero(count * sizeof *lists);
            if (lists == NULL || vector_push(&all->owned, (void *)lists) != ATOLL_OK) {
                memory_free((void *)lists);
                return ATOLL_ERROR_OUT_OF_MEMORY;
            }
        }
        query_arguments *list = memory_allocate_zero(sizeof *list);
        if (list == NULL || vector_push(&all->owned, list) != ATOLL_OK) {
            memory_free(list);
            return ATOLL_ERROR_OUT_OF_MEMORY;
        }
        TRY(arguments_of(item->list, true, all, list));
        lists[i] = list;
    }
    *out = (query_arguments){plain, count, lists};
    return ATOLL_OK;
}

status values_arguments(const atoll_values *values, api_arguments *out)
{
    memset(out, 0, sizeof *out);
    if (values == NULL) return ATOLL_OK;
    status result = arguments_of(values, false, out, &out->top);
    if (result != ATOLL_OK) values_arguments_free(out);
    return result;
}

void values_arguments_free(api_arguments *arguments)
{
    for (size_t i = 0; i < arguments->owned.count; i++) memory_free(arguments->owned.items[i]);
    vector_free(&arguments->owned);
}
