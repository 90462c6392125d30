/* atoll_results: a query bound to a realm, evaluated when it is asked. It must never be older than its realm: the cache
 * of rows is good for one write_count only. Invariant: a snapshot's rows never change. */
#include "api/api.h"

status results_make(const atoll_realm *realm, query *q, atoll_results **out)
{
    atoll_results *results = memory_allocate_zero(sizeof *results);
    if (results == NULL) {
        query_free(q);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    results->realm = realm_retain((atoll_realm *)(uintptr_t)realm);
    results->query = q;
    buffer_init(&results->packed, SIZE_MAX);
    *out = results;
    return ATOLL_OK;
}

/* Objects among the arguments must be of the realm: a row key means nothing in another one. */
static status check_objects(const atoll_realm *realm, const atoll_values *arguments)
{
    for (size_t i = 0; arguments != NULL && i < arguments->items.count; i++) {
        const api_value *item = &arguments->items.items[i];
        if (item->object != NULL && item->object->realm->database != realm->database)
            return fail(ATOLL_ERROR_WRONG_REALM, "argument %zu is an object of another realm (%s)",
                        i, item->object->realm->database->path);
        if (item->list != NULL) TRY(check_objects(realm, item->list));
    }
    return ATOLL_OK;
}

static status compile(const atoll_realm *realm, class_key c, bytes text,
                      const atoll_values *arguments, query **out)
{
    TRY(realm_check(realm));
    const model_schema *schema = model_view_schema(realm_view(realm));
    const model_class *class_of = schema_class(schema, c);
    if (class_of == NULL || schema_class_is_hidden(class_of))
        return fail(ATOLL_ERROR_UNKNOWN_CLASS, "class key %u does not exist in %s", c,
                    realm->database->path);
    if (class_of->kind == CLASS_ASYMMETRIC)
        return fail(ATOLL_ERROR_ASYMMETRIC,
                    "class %s is asymmetric: its objects leave the device and cannot be queried",
                    class_of->name);
    api_arguments borrowed;
    TRY(check_objects(realm, arguments));
    TRY(values_arguments(arguments, &borrowed));
    status result = query_new(schema, c, text, &borrowed.top, out);
    values_arguments_free(&borrowed);
    return result;
}

atoll_results *atoll_results_new(const atoll_realm *realm, uint32_t class_key,
                                 const char *query_chars, size_t query_size,
                                 const atoll_values *arguments, atoll_error **error)
{
    API_CALL(realm);
    query *q = NULL;
    atoll_results *results = NULL;
    status result = API_TEXT(query_chars, query_size);
    if (result == ATOLL_OK)
        result = compile(realm, class_key, bytes_of(query_chars, query_size), arguments, &q);
    if (result == ATOLL_OK) result = results_make(realm, q, &results);
    return api_ok(error, result) ? results : NULL;
}

status results_over(atoll_realm *realm, class_key c, const query_base *base, atoll_results **out)
{
    query *all = NULL, *over = NULL;
    TRY(query_new(model_view_schema(realm_view(realm)), c, bytes_of(NULL, 0), NULL, &all));
    status result = query_over(all, base, &over);
    query_free(all);
    return result == ATOLL_OK ? results_make(realm, over, out) : result;
}

void atoll_results_free(atoll_results *results)
{
    if (results == NULL) return;
    query_free(results->query);
    vector_free(&results->rows);
    buffer_free(&results->packed);
    realm_release(results->realm);
    memory_free(results);
}

static status results_check(const atoll_results *results)
{
    TRY(API_NOT_NULL(results));
    return realm_check(results->realm);
}

static status filter(const atoll_results *results, bytes text, const atoll_values *arguments,
                     atoll_results **out)
{
    TRY(results_check(results));
    query *more = NULL, *both = NULL;
    TRY(compile(results->realm, query_class(results->query), text, arguments, &more));
    status result = query_and(results->query, more, &both);
    query_free(more);
    return result == ATOLL_OK ? results_make(results->realm, both, out) : result;
}

atoll_results *atoll_results_filter(const atoll_results *results, const char *query_chars,
                                    size_t query_size, const atoll_values *arguments,
                                    atoll_error **error)
{
    API_CALL_OF(results);
    atoll_results *filtered = NULL;
    status result = API_TEXT(query_chars, query_size);
    if (result == ATOLL_OK)
        result = filter(results, bytes_of(query_chars, query_size), arguments, &filtered);
    return api_ok(error, result) ? filtered : NULL;
}

static bool has_rows(const atoll_results *results)
{
    return results->snapshot || atomic_load_explicit(&results->rows_at, memory_order_acquire) ==
                                    results->realm->write_count + 1;
}

/* Several threads may find the rows of frozen results at once: the first keeps its own, and they never change again. */
static void keep_rows(atoll_results *results, row_vector rows)
{
    mutex *lock = &results->realm->database->lock;
    mutex_lock(lock);
    bool lost = results->realm->frozen && has_rows(results);
    row_vector spare = lost ? rows : results->rows;
    if (!lost) results->rows = rows;
    atomic_store_explicit(&results->rows_at, results->realm->write_count + 1, memory_order_release);
    mutex_unlock(lock);
    vector_free(&spare);
}

status results_rows(atoll_results *results)
{
    TRY(results_check(results));
    if (has_rows(results)) return ATOLL_OK;
    row_vector rows = {0};
    status result = query_run(results->query, realm_view(results->realm), &rows);
    if (result != ATOLL_OK) {
        vector_free(&rows);
        return result;
    }
    keep_rows(results, rows);
    return ATOLL_OK;
}

/* The cache of rows is the one field that a reader fills. */
static atoll_results *cache_of(const atoll_results *results)
{
    return (atoll_results *)(uintptr_t)results;
}

static status copy_rows(const atoll_results *from, atoll_results *to)
{
    to->snapshot = true;
    if (from->rows.count == 0) return ATOLL_OK;
    TRY(vector_reserve(&to->rows, from->rows.count));
    memcpy(to->rows.items, from->rows.items, from->rows.count * sizeof *to->rows.items);
    to->rows.count = from->rows.count;
    return ATOLL_OK;
}

status results_copy(const atoll_results *results, const atoll_realm *realm, atoll_results **out)
{
    query *q = NULL;
    TRY(query_and(results->query, NULL, &q));
    atoll_results *copy = NULL;
    TRY(results_make(realm, q, &copy));
    if (results->snapshot) {
        status result = copy_rows(results, copy);
        if (result != ATOLL_OK) {
            atoll_results_free(copy);
            return result;
        }
    }
    *out = copy;
    return ATOLL_OK;
}

static status snapshot(const atoll_results *results, atoll_results **out)
{
    TRY(results_rows(cache_of(results)));
    query *q = NULL;
    TRY(query_and(results->query, NULL, &q));
    atoll_results *copy = NULL;
    TRY(results_make(results->realm, q, &copy));
    status result = copy_rows(results, copy);
    if (result == ATOLL_OK)
        *out = copy;
    else
        atoll_results_free(copy);
    return result;
}

atoll_results *atoll_results_snapshot(const atoll_results *results, atoll_error **error)
{
    API_CALL_OF(results);
    atoll_results *copy = NULL;
    return api_ok(error, snapshot(results, &copy)) ? copy : NULL;
}

int64_t atoll_results_count(const atoll_results *results, atoll_error **error)
{
    API_CALL_OF(results);
    uint64_t count = 0;
    status result = results_check(results);
    if (result == ATOLL_OK && has_rows(results))
        count = results->rows.count;
    else if (result == ATOLL_OK)
        result = query_count(results->query, realm_view(results->realm), &count);
    return api_ok(error, result) ? (int64_t)count : 0;
}

/* Rows in the order of a SORT lie all over the class, and memory is slower than all else that a loop over them does: what
 * will be read soon is fetched while this row is used. It may be wrong, it is never needed. */
static inline void fetch_ahead(const atoll_results *results, uint64_t index)
{
    enum { AHEAD = 8 };
    if (index + AHEAD >= results->rows.count) return;
    row_key row = results->rows.items[index + AHEAD];
    if (row == results->rows.items[index] + AHEAD) return; /* the processor does it by itself */
    realm_fetch(results->realm, query_class(results->query), row);
}

static status row_at(const atoll_results *results, int64_t index, row_key *out)
{
    /* The common case of a loop in one look; a closed realm has another write_count. */
    if (results != NULL && results->realm->thread == thread_self() &&
        results->realm->process == process_self() && !results->snapshot && has_rows(results) &&
        (uint64_t)index < results->rows.count) {
        *out = results->rows.items[index];
        fetch_ahead(results, (uint64_t)index);
        return ATOLL_OK;
    }
    TRY(results_rows(cache_of(results)));
    if (index < 0 || (uint64_t)index >= results->rows.count)
        return fail(ATOLL_ERROR_OUT_OF_RANGE, "index %lld is outside of the %zu results",
                    (long long)index, results->rows.count);
    *out = results->rows.items[index];
    return ATOLL_OK;
}

uint64_t atoll_results_row(const atoll_results *results, int64_t index, atoll_error **error)
{
    row_key row = 0;
    return api_ok(error, row_at(results, index, &row)) ? row : 0;
}

atoll_object *atoll_results_object(const atoll_results *results, int64_t index, atoll_error **error)
{
    API_CALL_OF(results);
    row_key row = 0;
    atoll_object *object = NULL;
    status result = row_at(results, index, &row);
    if (result == ATOLL_OK)
        result = realm_object_new(results->realm, query_class(results->query), row, &object);
    return api_ok(error, result) ? object : NULL;
}

static status move(const atoll_results *results, int64_t index, atoll_object *object)
{
    row_key row = 0;
    TRY(API_NOT_NULL(object));
    TRY(row_at(results, index, &row));
    if (object->realm != results->realm)
        return fail(ATOLL_ERROR_WRONG_REALM,
                    "the handle is of another realm instance than the results; take one from them");
    object->class_of = query_class(results->query);
    object->row = row;
    return ATOLL_OK;
}

atoll_status atoll_results_move(const atoll_results *results, int64_t index, atoll_object *object,
                                atoll_error **error)
{
    return api_result(error, move(results, index, object));
}

int64_t atoll_results_index_of(const atoll_results *results, const atoll_object *object,
                               atoll_error **error)
{
    API_CALL_OF(results);
    status result = results_rows(cache_of(results));
    if (result == ATOLL_OK) result = API_NOT_NULL(object);
    if (!api_ok(error, result)) return -1;
    if (object->class_of != query_class(results->query) ||
        object->realm->database != results->realm->database)
        return -1;
    for (size_t i = 0; i < results->rows.count; i++)
        if (results->rows.items[i] == object->row) return (int64_t)i;
    return -1;
}

static status aggregate(const atoll_results *results, uint32_t property, aggregate_kind kind,
                        atoll_values **out)
{
    value v;
    TRY(results_check(results));
    const model_view *view = realm_view(results->realm);
    if (results->snapshot)
        TRY(query_aggregate_rows(view, query_class(results->query), results->rows.items,
                                 results->rows.count, property, kind, &v));
    else
        TRY(query_aggregate(results->query, view, property, kind, &v));
    return values_of(&v, out);
}

static atoll_values *aggregate_or_error(const atoll_results *results, uint32_t property,
                                        aggregate_kind kind, atoll_error **error)
{
    API_CALL_OF(results);
    atoll_values *values = NULL;
    return api_ok(error, aggregate(results, property, kind, &values)) ? values : NULL;
}

atoll_values *atoll_results_sum(const atoll_results *results, uint32_t property,
                                atoll_error **error)
{
    return aggregate_or_error(results, property, AGGREGATE_SUM, error);
}

atoll_values *atoll_results_minimum(const atoll_results *results, uint32_t property,
                                    atoll_error **error)
{
    return aggregate_or_error(results, property, AGGREGATE_MINIMUM, error);
}

atoll_values *atoll_results_maximum(const atoll_results *results, uint32_t property,
                                    atoll_error **error)
{
    return aggregate_or_error(results, property, AGGREGATE_MAXIMUM, error);
}

atoll_values *atoll_results_average(const atoll_results *results, uint32_t property,
                                    atoll_error **error)
{
    return aggregate_or_error(results, property, AGGREGATE_AVERAGE, error);
}

static status delete_all(const atoll_results *results)
{
    TRY(results_check(results));
    TRY(realm_check_write(results->realm));
    TRY(realm_check_class_write(results->realm, query_class(results->query)));
    TRY(results_rows(cache_of(results)));
    atoll_realm *realm = results->realm;
    status result = ATOLL_OK;
    for (size_t i = 0; i < results->rows.count && result == ATOLL_OK; i++) {
        bool alive = false;
        result = model_is_alive(realm_view(realm), query_class(results->query),
                                results->rows.items[i], &alive);
        if (result == ATOLL_OK && alive)
            result = model_delete(realm->txn, query_class(results->query), results->rows.items[i]);
    }
    realm->write_count++;
    return result;
}

atoll_status atoll_results_delete_all(const atoll_results *results, atoll_error **error)
{
    API_CALL_OF(results);
    return api_result(error, delete_all(results));
}

atoll_bytes atoll_results_query(const atoll_results *results, atoll_error **error)
{
    if (!api_ok(error, API_NOT_NULL(results))) return (atoll_bytes){NULL, 0};
    bytes text = query_text(results->query);
    return (atoll_bytes){(const char *)text.data, text.size};
}

static status explain(const atoll_results *results, atoll_values **out)
{
    buffer text;
    TRY(results_check(results));
    buffer_init(&text, LIMIT_VALUE_SIZE_MAX);
    status result = query_explain(results->query, realm_view(results->realm), &text);
    value v = value_string(buffer_view(&text));
    if (result == ATOLL_OK) result = values_of(&v, out);
    buffer_free(&text);
    return result;
}

atoll_values *atoll_results_explain(const atoll_results *results, atoll_error **error)
{
    atoll_values *values = NULL;
    return api_ok(error, explain(results, &values)) ? values : NULL;
}

uint32_t atoll_results_class(const atoll_results *results)
{
    return results == NULL ? 0 : query_class(results->query);
}
