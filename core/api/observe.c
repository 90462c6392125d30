/* Who observes what: registrations, and the first event of each. It must never build a change set (notify.c does).
 * Invariant: an observer is freed by its realm, or by unobserve, under the database's lock, since commits of other
 * threads look for observers of realms. */
#include "api/api.h"

void observer_free(observer *o)
{
    if (o == NULL) return;
    queue_release(o->queue);
    query_free(o->query);
    key_paths_free(o->paths);
    vector_free(&o->rows);
    memory_free(o);
}

status observer_add(atoll_realm *realm, observer *o)
{
    mutex_lock(&realm->database->lock);
    status result = vector_push(&realm->observers, o);
    /* A version that came while nobody observed was signalled to nobody. */
    if (result == ATOLL_OK && o->kind == OBSERVER_REALM && atomic_load(&realm->pending_signalled))
        queue_push(o->queue, event_new(ATOLL_EVENT_REALM_PENDING, o->id));
    mutex_unlock(&realm->database->lock);
    if (result != ATOLL_OK) observer_free(o);
    return result;
}

static status observer_new(observer_kind kind, atoll_queue *queue, observer **out)
{
    TRY(API_NOT_NULL(queue));
    observer *o = memory_allocate_zero(sizeof *o);
    if (o == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    o->id = api_next_id();
    o->kind = kind;
    o->queue = queue_retain(queue);
    *out = o;
    return ATOLL_OK;
}

static status paths_of(const atoll_realm *realm, class_key c, const atoll_values *texts,
                       key_paths **out)
{
    if (texts == NULL) return ATOLL_OK;
    size_t count = texts->items.count;
    if (count != 0 && c == 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "key paths begin at objects, and this collection holds none");
    bytes *items = memory_allocate((count + 1) * sizeof *items);
    status result = items == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    for (size_t i = 0; i < count && result == ATOLL_OK; i++) {
        const value *v = &texts->items.items[i].plain;
        items[i] = v->as.text;
        if (v->type != VALUE_STRING)
            result = fail(ATOLL_ERROR_TYPE_MISMATCH, "key path %zu is a %s, not a string", i,
                          value_type_name(v->type));
    }
    if (result == ATOLL_OK)
        result = key_paths_new(model_view_schema(realm_view(realm)), c, items, count, out);
    memory_free(items);
    return result;
}

static uint64_t register_observer(atoll_realm *realm, status result, observer *o,
                                  atoll_error **error)
{
    uint64_t id = result == ATOLL_OK ? o->id : 0;
    if (result == ATOLL_OK)
        result = observer_add(realm, o);
    else
        observer_free(o);
    return api_ok(error, result) ? id : 0;
}

static status push_initial(const observer *o, int32_t type)
{
    atoll_event *event = event_new(type, o->id);
    if (event == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    event->initial = true;
    queue_push(o->queue, event);
    return ATOLL_OK;
}

/* ---- realm ---- */

uint64_t atoll_realm_observe(atoll_realm *realm, atoll_queue *queue, atoll_error **error)
{
    observer *o = NULL;
    status result = realm_check_observe(realm);
    if (result == ATOLL_OK) result = observer_new(OBSERVER_REALM, queue, &o);
    return register_observer(realm, result, o, error);
}

void atoll_realm_unobserve(atoll_realm *realm, uint64_t registration)
{
    if (realm == NULL || realm->closed) return;
    observer *found = NULL;
    bool own = realm->thread == thread_self();
    mutex_lock(&realm->database->lock);
    for (size_t i = 0; i < realm->observers.count && found == NULL; i++) {
        if (realm->observers.items[i]->id != registration) continue;
        /* Its own thread may be looking at it: a finalizer, say, only marks it. */
        atomic_store(&realm->observers.items[i]->ended, true);
        if (!own) break;
        found = realm->observers.items[i];
        realm->observers.items[i] = realm->observers.items[--realm->observers.count];
    }
    mutex_unlock(&realm->database->lock);
    observer_free(found);
}

/* ---- objects ---- */

uint64_t atoll_object_observe(const atoll_object *object, atoll_queue *queue, atoll_error **error)
{
    return atoll_object_observe_key_paths(object, NULL, queue, error);
}

uint64_t atoll_object_observe_key_paths(const atoll_object *object, const atoll_values *paths,
                                        atoll_queue *queue, atoll_error **error)
{
    API_CALL_OF(object);
    observer *o = NULL;
    status result = object_check(object);
    if (result == ATOLL_OK) result = realm_check_observe(object->realm);
    if (result == ATOLL_OK) result = observer_new(OBSERVER_OBJECT, queue, &o);
    if (result == ATOLL_OK) result = paths_of(object->realm, object->class_of, paths, &o->paths);
    if (result == ATOLL_OK) {
        o->class_of = object->class_of;
        o->row = object->row;
    }
    return register_observer(object == NULL ? NULL : object->realm, result, o, error);
}

/* ---- collections ---- */

static status observe_collection(const atoll_list *at, const atoll_values *paths,
                                 atoll_queue *queue, observer **out)
{
    const model_property *p = NULL;
    TRY(collection_check(at));
    TRY(realm_check_observe(at->realm));
    TRY(realm_property(at->realm, at->class_of, at->property, &p));
    TRY(observer_new(OBSERVER_COLLECTION, queue, out));
    observer *o = *out;
    o->flags = p->flags & PROPERTY_COLLECTION;
    bool keeps_dead = o->flags == PROPERTY_DICTIONARY;
    o->target = p->type == VALUE_LINK && !keeps_dead ? p->target : 0;
    o->element_class = p->type == VALUE_LINK || p->type == VALUE_EMBEDDED ? p->target : 0;
    o->class_of = at->class_of;
    o->row = at->row;
    o->property = at->property;
    TRY(paths_of(at->realm, o->element_class, paths, &o->paths));
    return push_initial(o, ATOLL_EVENT_LIST_CHANGED);
}

static uint64_t observe_in(const atoll_list *at, const atoll_values *paths, atoll_queue *queue,
                           atoll_error **error)
{
    API_CALL_OF(at);
    observer *o = NULL;
    status result = API_NOT_NULL(at);
    if (result == ATOLL_OK) result = observe_collection(at, paths, queue, &o);
    return register_observer(at == NULL ? NULL : at->realm, result, o, error);
}

uint64_t atoll_list_observe(const atoll_list *list, atoll_queue *queue, atoll_error **error)
{
    return observe_in(list, NULL, queue, error);
}

uint64_t atoll_list_observe_key_paths(const atoll_list *list, const atoll_values *paths,
                                      atoll_queue *queue, atoll_error **error)
{
    return observe_in(list, paths, queue, error);
}

uint64_t atoll_set_observe(const atoll_set *set, atoll_queue *queue, atoll_error **error)
{
    return observe_in(set == NULL ? NULL : &set->in, NULL, queue, error);
}

uint64_t atoll_set_observe_key_paths(const atoll_set *set, const atoll_values *paths,
                                     atoll_queue *queue, atoll_error **error)
{
    return observe_in(set == NULL ? NULL : &set->in, paths, queue, error);
}

uint64_t atoll_dictionary_observe(const atoll_dictionary *dictionary, atoll_queue *queue,
                                  atoll_error **error)
{
    return observe_in(dictionary == NULL ? NULL : &dictionary->in, NULL, queue, error);
}

uint64_t atoll_dictionary_observe_key_paths(const atoll_dictionary *dictionary,
                                            const atoll_values *paths, atoll_queue *queue,
                                            atoll_error **error)
{
    return observe_in(dictionary == NULL ? NULL : &dictionary->in, paths, queue, error);
}

/* ---- results ---- */

uint64_t atoll_results_observe(const atoll_results *results, atoll_queue *queue,
                               atoll_error **error)
{
    return atoll_results_observe_key_paths(results, NULL, queue, error);
}

static status observe_results(const atoll_results *results, const atoll_values *paths,
                              atoll_queue *queue, observer **out)
{
    TRY(API_NOT_NULL(results));
    TRY(realm_check_observe(results->realm));
    if (results->realm->txn != NULL)
        return fail(ATOLL_ERROR_TRANSACTION_ACTIVE,
                    "observe results outside of a write transaction: commit or roll back first");
    if (results->snapshot)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "a snapshot never changes; observe the live results");
    TRY(observer_new(OBSERVER_RESULTS, queue, out));
    observer *o = *out;
    TRY(paths_of(results->realm, query_class(results->query), paths, &o->paths));
    TRY(query_and(results->query, NULL, &o->query));
    TRY(query_run(o->query, realm_view(results->realm), &o->rows));
    return push_initial(o, ATOLL_EVENT_RESULTS_CHANGED);
}

uint64_t atoll_results_observe_key_paths(const atoll_results *results, const atoll_values *paths,
                                         atoll_queue *queue, atoll_error **error)
{
    API_CALL_OF(results);
    observer *o = NULL;
    status result = observe_results(results, paths, queue, &o);
    return register_observer(results == NULL ? NULL : results->realm, result, o, error);
}
