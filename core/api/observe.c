/* Notifications: when a realm advances, the changes of the commits in between become events in its observers' queues.
 * It must never call user code. Cost follows what changed. Invariant: an observer's rows are those at the realm's version. */
#include "api/api.h"
#include "base/log.h"

void observer_free(observer *o)
{
    if (o == NULL) return;
    queue_release(o->queue);
    query_free(o->query);
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

static status copy_indexes(atoll_event *event, int32_t kind, const index_vector *from)
{
    TRY(vector_reserve(&event->changes[kind], from->count));
    for (size_t i = 0; i < from->count; i++)
        event->changes[kind].items[i] = (int64_t)from->items[i];
    event->changes[kind].count = from->count;
    return ATOLL_OK;
}

static status results_event(observer *o, const result_changes *changes)
{
    if (changes->deletions.count + changes->insertions.count + changes->modifications.count == 0)
        return ATOLL_OK;
    atoll_event *event = event_new(ATOLL_EVENT_RESULTS_CHANGED, o->id);
    if (event == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = copy_indexes(event, ATOLL_CHANGE_DELETIONS, &changes->deletions);
    if (result == ATOLL_OK)
        result = copy_indexes(event, ATOLL_CHANGE_INSERTIONS, &changes->insertions);
    if (result == ATOLL_OK)
        result = copy_indexes(event, ATOLL_CHANGE_MODIFICATIONS, &changes->modifications);
    if (result == ATOLL_OK)
        result = copy_indexes(event, ATOLL_CHANGE_MODIFICATIONS_NEW, &changes->modifications_new);
    if (result == ATOLL_OK)
        queue_push(o->queue, event);
    else
        atoll_event_free(event);
    return result;
}

static status advance_results(observer *o, const model_view *before, const model_view *after,
                              const model_changes *changes)
{
    result_changes difference = {0};
    status result = results_advance(o->query, before, after, changes, &o->rows, &difference);
    if (result == ATOLL_OK) result = results_event(o, &difference);
    result_changes_free(&difference);
    return result;
}

static const row_change *change_of_row(const model_changes *changes, class_key c, row_key row)
{
    size_t count = model_changes_count(changes);
    for (size_t i = 0; i < count; i++) {
        const row_change *change = model_changes_row(changes, i);
        if (change->class_of == c && change->row == row) return change;
    }
    return NULL;
}

static status advance_object(observer *o, const model_view *after, const model_changes *changes)
{
    const row_change *change = change_of_row(changes, o->class_of, o->row);
    if (change == NULL) return ATOLL_OK;
    bool alive;
    TRY(model_is_alive(after, o->class_of, o->row, &alive));
    bool deleted = !alive;
    if (!deleted && change->property_count == 0) return ATOLL_OK;
    atoll_event *event = event_new(ATOLL_EVENT_OBJECT_CHANGED, o->id);
    if (event == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    event->deleted = deleted;
    status result = ATOLL_OK;
    for (size_t i = 0; i < change->property_count && !deleted && result == ATOLL_OK; i++)
        result =
            vector_push(&event->changes[ATOLL_CHANGE_PROPERTIES], (int64_t)change->properties[i]);
    if (result == ATOLL_OK)
        queue_push(o->queue, event);
    else
        atoll_event_free(event);
    return result;
}

static bool changed_property(const row_change *change, property_key p)
{
    for (size_t i = 0; i < change->property_count; i++)
        if (change->properties[i] == p) return true;
    return false;
}

typedef struct list_snapshot {
    VECTOR(element_id) ids;
    VECTOR(uint64_t) at; /* the model's index of each: it also counts links that are not shown */
    map64 positions;     /* hash of an id → index */
} list_snapshot;

static uint64_t id_hash(element_id id)
{
    return hash_u64(id.counter) ^ hash_u64(id.actor + 0x9e3779b97f4a7c15ull);
}

static status take_list(const observer *o, const model_view *view, list_snapshot *out)
{
    bool alive;
    uint64_t count = 0;
    TRY(model_is_alive(view, o->class_of, o->row, &alive));
    if (alive) TRY(model_list_size(view, o->class_of, o->row, o->property, &count));
    for (uint64_t i = 0; i < count; i++) {
        value v;
        element_id id;
        TRY(model_list_get(view, o->class_of, o->row, o->property, i, &v, &id));
        if (o->target != 0 && v.type == VALUE_NULL) continue;
        TRY(map64_put(&out->positions, id_hash(id), out->ids.count));
        TRY(vector_push(&out->ids, id));
        TRY(vector_push(&out->at, i));
    }
    return ATOLL_OK;
}

static status list_differences(const observer *o, const model_view *before, const model_view *after,
                               const list_snapshot *old, const list_snapshot *new_list,
                               atoll_event *event)
{
    for (size_t i = 0; i < old->ids.count; i++)
        if (map64_get(&new_list->positions, id_hash(old->ids.items[i])) == NULL)
            TRY(vector_push(&event->changes[ATOLL_CHANGE_DELETIONS], (int64_t)i));
    for (size_t i = 0; i < new_list->ids.count; i++) {
        const uint64_t *at = map64_get(&old->positions, id_hash(new_list->ids.items[i]));
        if (at == NULL) {
            TRY(vector_push(&event->changes[ATOLL_CHANGE_INSERTIONS], (int64_t)i));
            continue;
        }
        value was, is;
        element_id id;
        /* What is in positions is in at: the check cannot know. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        TRY(model_list_get(before, o->class_of, o->row, o->property, old->at.items[*at], &was,
                           &id));
        TRY(model_list_get(after, o->class_of, o->row, o->property, new_list->at.items[i], &is,
                           &id));
        if (value_equal(&was, &is)) continue;
        TRY(vector_push(&event->changes[ATOLL_CHANGE_MODIFICATIONS], (int64_t)*at));
        TRY(vector_push(&event->changes[ATOLL_CHANGE_MODIFICATIONS_NEW], (int64_t)i));
    }
    return ATOLL_OK;
}

/* A list of links also changes when a target goes or comes. */
static bool targets_changed(const observer *o, const model_changes *changes)
{
    size_t count = o->target == 0 ? 0 : model_changes_count(changes);
    for (size_t i = 0; i < count; i++) {
        const row_change *change = model_changes_row(changes, i);
        if (change->class_of == o->target && (change->created || change->deleted)) return true;
    }
    return false;
}

static bool is_empty(const atoll_event *event)
{
    for (size_t i = 0; i < sizeof event->changes / sizeof event->changes[0]; i++)
        if (event->changes[i].count != 0) return false;
    return true;
}

static status advance_list(observer *o, const model_view *before, const model_view *after,
                           const model_changes *changes)
{
    const row_change *change = change_of_row(changes, o->class_of, o->row);
    bool own = change != NULL && (change->deleted || changed_property(change, o->property));
    if (!own && !targets_changed(o, changes)) return ATOLL_OK;
    list_snapshot old = {0}, new_list = {0};
    atoll_event *event = event_new(ATOLL_EVENT_LIST_CHANGED, o->id);
    status result = event == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : take_list(o, before, &old);
    if (result == ATOLL_OK) result = take_list(o, after, &new_list);
    if (result == ATOLL_OK) result = list_differences(o, before, after, &old, &new_list, event);
    bool alive = true;
    if (result == ATOLL_OK) result = model_is_alive(after, o->class_of, o->row, &alive);
    if (result == ATOLL_OK) event->deleted = !alive;
    if (result == ATOLL_OK && (own || !is_empty(event))) {
        queue_push(o->queue, event);
    } else {
        atoll_event_free(event);
    }
    vector_free(&old.ids);
    vector_free(&old.at);
    vector_free(&new_list.ids);
    vector_free(&new_list.at);
    map64_free(&old.positions);
    map64_free(&new_list.positions);
    return result;
}

/* After an event that could not be made: what the listener has counts no more. */
static status start_anew(observer *o, const model_view *after)
{
    atoll_event *event = NULL;
    bool alive = true;
    if (o->kind == OBSERVER_RESULTS) TRY(query_run(o->query, after, &o->rows));
    if (o->kind == OBSERVER_OBJECT || o->kind == OBSERVER_LIST)
        TRY(model_is_alive(after, o->class_of, o->row, &alive));
    switch (o->kind) {
    case OBSERVER_REALM: event = event_new(ATOLL_EVENT_REALM_CHANGED, o->id); break;
    case OBSERVER_RESULTS: event = event_new(ATOLL_EVENT_RESULTS_CHANGED, o->id); break;
    case OBSERVER_OBJECT: event = event_new(ATOLL_EVENT_OBJECT_CHANGED, o->id); break;
    case OBSERVER_LIST: event = event_new(ATOLL_EVENT_LIST_CHANGED, o->id); break;
    }
    if (event == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    event->initial = o->kind != OBSERVER_REALM;
    event->deleted = !alive;
    if (o->kind == OBSERVER_REALM) event->numbers[0] = (int64_t)model_view_version(after);
    queue_push(o->queue, event);
    return ATOLL_OK;
}

static status advance_observer(observer *o, const model_view *before, const model_view *after,
                               const model_changes *changes)
{
    switch (o->kind) {
    case OBSERVER_REALM: {
        atoll_event *event = event_new(ATOLL_EVENT_REALM_CHANGED, o->id);
        if (event == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        event->numbers[0] = (int64_t)model_view_version(after);
        queue_push(o->queue, event);
        return ATOLL_OK;
    }
    case OBSERVER_RESULTS: return advance_results(o, before, after, changes);
    case OBSERVER_OBJECT: return advance_object(o, after, changes);
    case OBSERVER_LIST: return advance_list(o, before, after, changes);
    }
    return ATOLL_OK;
}

/* It cannot fail: the commit that it tells of is done. */
void observe_advance(atoll_realm *realm, model_view *newer)
{
    realm_wake(realm);
    if (realm->observers.count != 0) {
        model_changes *changes = NULL;
        status known =
            model_changes_between(realm->database->model, model_view_version(realm->view),
                                  model_view_version(newer), &changes);
        for (size_t i = 0; i < realm->observers.count; i++) {
            observer *o = realm->observers.items[i];
            status told = known;
            if (told == ATOLL_OK)
                told = o->lost ? start_anew(o, newer)
                               : advance_observer(o, realm->view, newer, changes);
            if (told != ATOLL_OK)
                log_write(LOG_WARN, "Realm.SDK",
                          "a notification is late, the next one starts anew: %s", fail_text());
            o->lost = told != ATOLL_OK;
        }
        model_changes_free(changes);
    }
    realm_drop_view(realm);
    realm->view = newer;
    realm->write_count++;
}

static uint64_t register_observer(atoll_realm *realm, status result, observer *o,
                                  atoll_error **error)
{
    uint64_t id = result == ATOLL_OK ? o->id : 0;
    if (result == ATOLL_OK) result = observer_add(realm, o);
    return api_ok(error, result) ? id : 0;
}

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
    mutex_lock(&realm->database->lock);
    for (size_t i = 0; i < realm->observers.count && found == NULL; i++) {
        if (realm->observers.items[i]->id != registration) continue;
        found = realm->observers.items[i];
        realm->observers.items[i] = realm->observers.items[--realm->observers.count];
    }
    mutex_unlock(&realm->database->lock);
    observer_free(found);
}

uint64_t atoll_object_observe(const atoll_object *object, atoll_queue *queue, atoll_error **error)
{
    observer *o = NULL;
    status result = object_check(object);
    if (result == ATOLL_OK) result = realm_check_observe(object->realm);
    if (result == ATOLL_OK) result = observer_new(OBSERVER_OBJECT, queue, &o);
    if (!api_ok(error, result)) return 0;
    o->class_of = object->class_of;
    o->row = object->row;
    return register_observer(object->realm, result, o, error);
}

/* Frees the observer on failure. */
static status push_initial(observer *o, int32_t type)
{
    atoll_event *event = event_new(type, o->id);
    if (event == NULL) {
        observer_free(o);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    event->initial = true;
    queue_push(o->queue, event);
    return ATOLL_OK;
}

uint64_t collection_observe(const atoll_list *list, atoll_queue *queue, atoll_error **error)
{
    observer *o = NULL;
    status result = collection_check(list);
    if (result == ATOLL_OK) result = realm_check_observe(list->realm);
    const model_property *property = NULL;
    if (result == ATOLL_OK)
        result = realm_property(list->realm, list->class_of, list->property, &property);
    if (result == ATOLL_OK) result = observer_new(OBSERVER_LIST, queue, &o);
    if (!api_ok(error, result)) return 0;
    bool keeps_dead = (property->flags & PROPERTY_DICTIONARY) != 0;
    o->target = property->type == VALUE_LINK && !keeps_dead ? property->target : 0;
    o->class_of = list->class_of;
    o->row = list->row;
    o->property = list->property;
    result = push_initial(o, ATOLL_EVENT_LIST_CHANGED);
    return register_observer(list->realm, result, o, error);
}

uint64_t atoll_results_observe(const atoll_results *results, atoll_queue *queue,
                               atoll_error **error)
{
    observer *o = NULL;
    status result = API_NOT_NULL(results);
    if (result == ATOLL_OK) result = realm_check_observe(results->realm);
    if (result == ATOLL_OK && results->realm->txn != NULL)
        result = fail(ATOLL_ERROR_TRANSACTION_ACTIVE,
                      "observe results outside of a write transaction: commit or roll back first");
    if (result == ATOLL_OK && results->snapshot)
        result = fail(ATOLL_ERROR_INVALID_ARGUMENT,
                      "a snapshot never changes; observe the live results");
    if (result == ATOLL_OK) result = observer_new(OBSERVER_RESULTS, queue, &o);
    if (result == ATOLL_OK) {
        result = query_and(results->query, NULL, &o->query);
        if (result == ATOLL_OK) result = query_run(o->query, realm_view(results->realm), &o->rows);
        if (result != ATOLL_OK) observer_free(o);
    }
    if (!api_ok(error, result)) return 0;
    result = push_initial(o, ATOLL_EVENT_RESULTS_CHANGED);
    return register_observer(results->realm, result, o, error);
}
