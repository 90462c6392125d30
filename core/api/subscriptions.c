/* atoll_subscriptions: a snapshot of the subscription set of a flexible realm, and its update. All rules are in
 * sync/subscription.c. It must never change a snapshot. Invariant: an update commits once. */
#include "api/api.h"

struct atoll_subscriptions {
    database *database;      /* reference */
    runner_session *session; /* reference */
    subscription_set set;
};
struct atoll_subscription_update {
    database *database;
    runner_session *session;
    subscription_set set;
    bool committed;
};

static status check_flexible(const atoll_realm *realm)
{
    TRY(realm_check(realm));
    if (realm->database->flexible) return ATOLL_OK;
    return fail(ATOLL_ERROR_NOT_SUPPORTED,
                "%s is not a flexible sync realm, so it has no subscriptions",
                realm->database->path);
}

static atoll_subscriptions *wrap(database *d, runner_session *session, subscription_set set)
{
    atoll_subscriptions *made = memory_allocate(sizeof *made);
    if (made == NULL) {
        subscription_set_free(&set);
        return NULL;
    }
    *made = (atoll_subscriptions){database_retain(d), runner_session_retain(session), set};
    return made;
}

atoll_subscriptions *atoll_realm_subscriptions(const atoll_realm *realm, atoll_error **error)
{
    subscription_set set = {0};
    status result = check_flexible(realm);
    if (result == ATOLL_OK) result = subscription_set_newest(realm->database->model, &set);
    if (!api_ok(error, result)) return NULL;
    atoll_subscriptions *made = wrap(realm->database, realm->database->session, set);
    if (made == NULL) api_error_set(error, ATOLL_ERROR_OUT_OF_MEMORY);
    return made;
}

void atoll_subscriptions_free(atoll_subscriptions *set)
{
    if (set == NULL) return;
    subscription_set_free(&set->set);
    runner_session_release(set->session);
    database_release(set->database);
    memory_free(set);
}

int64_t atoll_subscriptions_version(const atoll_subscriptions *set)
{
    return set == NULL ? 0 : (int64_t)set->set.version;
}

/* The state of this version now, or as it was when the realm has been closed since. */
static status state_now(const atoll_subscriptions *set, subscription_state *state, char **text)
{
    TRY(API_NOT_NULL(set));
    *state = set->set.state;
    *text = NULL;
    if (set->database->model == NULL) return ATOLL_OK;
    return subscription_set_state(set->database->model, set->set.version, state, text);
}

int32_t atoll_subscriptions_state(const atoll_subscriptions *set)
{
    subscription_state state = SUBSCRIPTION_PENDING;
    char *text = NULL;
    if (state_now(set, &state, &text) != ATOLL_OK) return ATOLL_SUBSCRIPTIONS_PENDING;
    memory_free(text);
    return (int32_t)state;
}

atoll_values *atoll_subscriptions_error(const atoll_subscriptions *set, atoll_error **error)
{
    subscription_state state;
    char *text = NULL;
    atoll_values *values = NULL;
    status result = state_now(set, &state, &text);
    if (result == ATOLL_OK) {
        value v = text == NULL ? value_null() : value_string(bytes_text(text));
        result = values_of(&v, &values);
        memory_free(text);
    }
    return api_ok(error, result) ? values : NULL;
}

int64_t atoll_subscriptions_count(const atoll_subscriptions *set)
{
    return set == NULL ? 0 : (int64_t)set->set.items.count;
}

static const subscription *item_at(const atoll_subscriptions *set, int64_t index,
                                   atoll_error **error)
{
    status result = API_NOT_NULL(set);
    if (result == ATOLL_OK && (index < 0 || (uint64_t)index >= set->set.items.count))
        result = fail(ATOLL_ERROR_OUT_OF_RANGE, "subscription %lld does not exist: there are %zu",
                      (long long)index, set->set.items.count);
    return api_ok(error, result) ? &set->set.items.items[index] : NULL;
}

atoll_bytes atoll_subscriptions_name(const atoll_subscriptions *set, int64_t index,
                                     atoll_error **error)
{
    const subscription *item = item_at(set, index, error);
    return api_text(item == NULL ? NULL : item->name);
}

atoll_bytes atoll_subscriptions_class(const atoll_subscriptions *set, int64_t index,
                                      atoll_error **error)
{
    const subscription *item = item_at(set, index, error);
    return api_text(item == NULL ? NULL : item->class_name);
}

atoll_bytes atoll_subscriptions_query(const atoll_subscriptions *set, int64_t index,
                                      atoll_error **error)
{
    const subscription *item = item_at(set, index, error);
    return api_text(item == NULL ? NULL : item->query);
}

static atoll_timestamp stamp_of(int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    return (atoll_timestamp){seconds, (int32_t)(ms - seconds * 1000) * 1000000, 0};
}

atoll_timestamp atoll_subscriptions_created_at(const atoll_subscriptions *set, int64_t index,
                                               atoll_error **error)
{
    const subscription *item = item_at(set, index, error);
    return stamp_of(item == NULL ? 0 : item->created_ms);
}

atoll_timestamp atoll_subscriptions_updated_at(const atoll_subscriptions *set, int64_t index,
                                               atoll_error **error)
{
    const subscription *item = item_at(set, index, error);
    return stamp_of(item == NULL ? 0 : item->updated_ms);
}

int64_t atoll_subscriptions_find_name(const atoll_subscriptions *set, const char *name,
                                      size_t name_size)
{
    if (API_TEXT(name, name_size) != ATOLL_OK) return -1;
    for (size_t i = 0; set != NULL && i < set->set.items.count; i++) {
        const char *has = set->set.items.items[i].name;
        if (has != NULL && bytes_equal(bytes_text(has), bytes_of(name, name_size)))
            return (int64_t)i;
    }
    return -1;
}

/* The class name of results, from their realm's schema. */
static status class_name_of(const atoll_results *results, const char **name)
{
    TRY(API_NOT_NULL(results));
    TRY(realm_check(results->realm));
    const model_class *c =
        schema_class(model_view_schema(realm_view(results->realm)), query_class(results->query));
    if (c == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS,
                    "the class of these results is not in the schema any more");
    *name = c->name;
    return ATOLL_OK;
}

static bool same_query(const subscription *item, const char *class_name,
                       const atoll_results *results)
{
    return strcmp(item->class_name, class_name) == 0 &&
           bytes_equal(bytes_text(item->query), query_text(results->query));
}

int64_t atoll_subscriptions_find_results(const atoll_subscriptions *set,
                                         const atoll_results *results, atoll_error **error)
{
    const char *name = NULL;
    status result = API_NOT_NULL(set);
    if (result == ATOLL_OK) result = class_name_of(results, &name);
    if (!api_ok(error, result)) return -1;
    for (size_t i = 0; i < set->set.items.count; i++)
        if (same_query(&set->set.items.items[i], name, results)) return (int64_t)i;
    return -1;
}

uint64_t atoll_subscriptions_wait(const atoll_subscriptions *set, atoll_queue *queue,
                                  atoll_error **error)
{
    uint64_t request = 0;
    status result = API_NOT_NULL(set);
    if (result == ATOLL_OK && set->database->model == NULL)
        result =
            fail(ATOLL_ERROR_CLOSED, "the realm %s was closed; its subscriptions wait for nothing",
                 set->database->path);
    if (result == ATOLL_OK) result = app_request_new(set->database->app, queue, &request);
    if (!api_ok(error, result)) return 0;
    runner_session_wait_subscriptions(set->session, request, set->set.version);
    return request;
}

atoll_subscription_update *atoll_subscription_update_begin(const atoll_realm *realm,
                                                           atoll_error **error)
{
    status result = check_flexible(realm);
    if (result == ATOLL_OK && realm->txn != NULL)
        result = fail(ATOLL_ERROR_TRANSACTION_ACTIVE,
                      "subscriptions cannot change inside a write transaction; commit it first");
    atoll_subscription_update *update = NULL;
    if (result == ATOLL_OK && (update = memory_allocate_zero(sizeof *update)) == NULL)
        result = ATOLL_ERROR_OUT_OF_MEMORY;
    if (result == ATOLL_OK) result = subscription_set_newest(realm->database->model, &update->set);
    if (!api_ok(error, result)) {
        memory_free(update);
        return NULL;
    }
    update->database = database_retain(realm->database);
    update->session = runner_session_retain(realm->database->session);
    return update;
}

void atoll_subscription_update_free(atoll_subscription_update *update)
{
    if (update == NULL) return;
    subscription_set_free(&update->set);
    runner_session_release(update->session);
    database_release(update->database);
    memory_free(update);
}

static status update_check(const atoll_subscription_update *update)
{
    TRY(API_NOT_NULL(update));
    if (update->committed)
        return fail(ATOLL_ERROR_CLOSED, "this subscription update was committed; begin another");
    if (update->database->model == NULL)
        return fail(ATOLL_ERROR_CLOSED, "the realm %s was closed", update->database->path);
    return ATOLL_OK;
}

atoll_status atoll_subscription_update_add(atoll_subscription_update *update,
                                           const atoll_results *results, const char *name,
                                           size_t name_size, bool update_existing,
                                           atoll_error **error)
{
    const char *class_name = NULL;
    status result = update_check(update);
    if (result == ATOLL_OK) result = API_TEXT(name, name_size);
    if (result == ATOLL_OK) result = class_name_of(results, &class_name);
    if (result == ATOLL_OK)
        result = subscription_set_add(&update->set, platform_posix(), bytes_of(name, name_size),
                                      name_size != 0, bytes_text(class_name),
                                      query_text(results->query), update_existing);
    return api_result(error, result);
}

bool atoll_subscription_update_remove_name(atoll_subscription_update *update, const char *name,
                                           size_t name_size, atoll_error **error)
{
    if (!api_ok(error, update_check(update)) || !api_ok(error, API_TEXT(name, name_size)))
        return false;
    for (size_t i = 0; i < update->set.items.count; i++) {
        const char *has = update->set.items.items[i].name;
        if (has != NULL && bytes_equal(bytes_text(has), bytes_of(name, name_size)))
            return subscription_set_remove_at(&update->set, i);
    }
    return false;
}

typedef bool (*match_function)(const subscription *item, const char *class_name,
                               const atoll_results *results);

static int64_t remove_matching(atoll_subscription_update *update, const char *class_name,
                               const atoll_results *results, bool remove_named,
                               match_function matches)
{
    int64_t removed = 0;
    for (size_t i = update->set.items.count; i-- > 0;) {
        const subscription *item = &update->set.items.items[i];
        if ((item->name != NULL && !remove_named) ||
            (matches != NULL && !matches(item, class_name, results)))
            continue;
        removed += subscription_set_remove_at(&update->set, i);
    }
    return removed;
}

int64_t atoll_subscription_update_remove_results(atoll_subscription_update *update,
                                                 const atoll_results *results, bool remove_named,
                                                 atoll_error **error)
{
    const char *class_name = NULL;
    status result = update_check(update);
    if (result == ATOLL_OK) result = class_name_of(results, &class_name);
    return api_ok(error, result)
               ? remove_matching(update, class_name, results, remove_named, same_query)
               : 0;
}

static bool same_class(const subscription *item, const char *class_name,
                       const atoll_results *results)
{
    (void)results;
    return strcmp(item->class_name, class_name) == 0;
}

int64_t atoll_subscription_update_remove_class(atoll_subscription_update *update,
                                               const char *class_name, size_t class_name_size,
                                               bool remove_named, atoll_error **error)
{
    if (!api_ok(error, update_check(update)) ||
        !api_ok(error, API_TEXT(class_name, class_name_size)))
        return 0;
    char *name = memory_copy_text(class_name, class_name_size);
    if (name == NULL) {
        api_error_set(error, ATOLL_ERROR_OUT_OF_MEMORY);
        return 0;
    }
    int64_t removed = remove_matching(update, name, NULL, remove_named, same_class);
    memory_free(name);
    return removed;
}

int64_t atoll_subscription_update_remove_all(atoll_subscription_update *update, bool remove_named,
                                             atoll_error **error)
{
    return api_ok(error, update_check(update))
               ? remove_matching(update, NULL, NULL, remove_named, NULL)
               : 0;
}

bool atoll_subscription_update_remove_at(atoll_subscription_update *update,
                                         const atoll_subscriptions *set, int64_t index,
                                         atoll_error **error)
{
    if (!api_ok(error, update_check(update))) return false;
    const subscription *wanted = item_at(set, index, error);
    for (size_t i = 0; wanted != NULL && i < update->set.items.count; i++)
        if (memcmp(update->set.items.items[i].id, wanted->id, sizeof wanted->id) == 0)
            return subscription_set_remove_at(&update->set, i);
    return false;
}

atoll_subscriptions *atoll_subscription_update_commit(atoll_subscription_update *update,
                                                      atoll_error **error)
{
    status result = update_check(update);
    if (result == ATOLL_OK) result = subscription_set_commit(update->database->model, &update->set);
    if (!api_ok(error, result)) return NULL;
    update->committed = true;
    runner_session_subscriptions_changed(update->session);
    subscription_set set = {0};
    if (!api_ok(error, subscription_set_newest(update->database->model, &set))) return NULL;
    atoll_subscriptions *made = wrap(update->database, update->session, set);
    if (made == NULL) api_error_set(error, ATOLL_ERROR_OUT_OF_MEMORY);
    return made;
}
