/* Events for observers: when a realm advances, the changes of the commits in between become events in the queues of
 * those that observe it. It must never call user code, nor fail: the commit that it tells of is done. Cost follows what
 * changed. Invariant: an observer's rows are those at the realm's version; an event that could not be made makes the
 * next one an initial one. */
#include "api/api.h"
#include "base/log.h"

static status copy_indexes(atoll_event *event, int32_t kind, const index_vector *from)
{
    TRY(vector_reserve(&event->changes[kind], from->count));
    for (size_t i = 0; i < from->count; i++)
        event->changes[kind].items[i] = (int64_t)from->items[i];
    event->changes[kind].count = from->count;
    return ATOLL_OK;
}

static status copy_changes(atoll_event *event, const result_changes *changes)
{
    TRY(copy_indexes(event, ATOLL_CHANGE_DELETIONS, &changes->deletions));
    TRY(copy_indexes(event, ATOLL_CHANGE_INSERTIONS, &changes->insertions));
    TRY(copy_indexes(event, ATOLL_CHANGE_MODIFICATIONS, &changes->modifications));
    TRY(copy_indexes(event, ATOLL_CHANGE_MODIFICATIONS_NEW, &changes->modifications_new));
    TRY(copy_indexes(event, ATOLL_CHANGE_MOVES_FROM, &changes->moves_from));
    return copy_indexes(event, ATOLL_CHANGE_MOVES_TO, &changes->moves_to);
}

static bool says_nothing(const result_changes *changes)
{
    return changes->deletions.count + changes->insertions.count + changes->modifications.count == 0;
}

/* ---- results ---- */

static status advance_results(observer *o, const model_view *before, const model_view *after,
                              const model_changes *changes)
{
    result_changes difference = {0};
    size_t count = o->rows.count;
    status result =
        results_advance(o->query, before, after, changes, o->paths, &o->rows, &difference);
    if (result == ATOLL_OK && !says_nothing(&difference)) {
        atoll_event *event = event_new(ATOLL_EVENT_RESULTS_CHANGED, o->id);
        result = event == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : copy_changes(event, &difference);
        if (result == ATOLL_OK) {
            event->cleared = count != 0 && o->rows.count == 0;
            queue_push(o->queue, event);
        } else {
            atoll_event_free(event);
        }
    }
    result_changes_free(&difference);
    return result;
}

/* ---- objects ---- */

static const row_change *change_of_row(const model_changes *changes, class_key c, row_key row)
{
    size_t count = model_changes_count(changes);
    for (size_t i = 0; i < count; i++) {
        const row_change *change = model_changes_row(changes, i);
        if (change->class_of == c && change->row == row) return change;
    }
    return NULL;
}

static status advance_object(observer *o, const model_view *before, const model_view *after,
                             const model_changes *changes)
{
    const row_change *change = change_of_row(changes, o->class_of, o->row);
    property_vector properties = {0};
    bool alive = true, linked = false;
    status result = ATOLL_OK;
    if (change != NULL) TRY(model_is_alive(after, o->class_of, o->row, &alive));
    if (alive)
        result = changes_reach_properties(before, after, changes, o->class_of, o->row, o->paths,
                                          &properties, &linked);
    if (result == ATOLL_OK && (properties.count != 0 || linked || !alive)) {
        atoll_event *event = event_new(ATOLL_EVENT_OBJECT_CHANGED, o->id);
        result = event == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
        for (size_t i = 0; i < properties.count && result == ATOLL_OK; i++)
            result =
                vector_push(&event->changes[ATOLL_CHANGE_PROPERTIES], (int64_t)properties.items[i]);
        if (result == ATOLL_OK) {
            event->deleted = !alive;
            queue_push(o->queue, event);
        } else {
            atoll_event_free(event);
        }
    }
    vector_free(&properties);
    return result;
}

/* ---- collections ---- */

/* What a listener saw: identities, and the model's index of each, which also counts links that are not shown. */
typedef struct elements {
    VECTOR(uint64_t) ids;
    VECTOR(uint64_t) at;
} elements;
typedef struct comparison {
    const observer *o;
    const model_view *before, *after;
    const elements *old_elements, *new_elements;
    const row_vector *reached; /* of the target class */
} comparison;

static void elements_free(elements *e)
{
    vector_free(&e->ids);
    vector_free(&e->at);
}

/* An element of a list is what it is wherever it moves to; one of a set is its value, one of a dictionary its key. */
static status identity_of(const observer *o, const model_view *view, uint64_t index, const value *v,
                          element_id id, uint64_t *out)
{
    bytes key;
    *out = hash_u64(id.counter) ^ hash_u64(id.actor + 1);
    if (o->flags == PROPERTY_SET) *out = value_hash(v);
    if (o->flags != PROPERTY_DICTIONARY) return ATOLL_OK;
    TRY(model_dictionary_key(view, o->class_of, o->row, o->property, index, &key));
    *out = hash_bytes(key.data, key.size, 1);
    return ATOLL_OK;
}

static status take_elements(const observer *o, const model_view *view, elements *out)
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
        uint64_t identity;
        TRY(identity_of(o, view, i, &v, id, &identity));
        TRY(vector_push(&out->ids, identity));
        TRY(vector_push(&out->at, i));
    }
    return ATOLL_OK;
}

static status element_at(const observer *o, const model_view *view, const elements *from,
                         size_t index, value *out)
{
    element_id id;
    return model_list_get(view, o->class_of, o->row, o->property, from->at.items[index], out, &id);
}

static status is_modified(void *context, size_t old_index, size_t new_index, bool *out)
{
    const comparison *c = context;
    value was, is;
    TRY(element_at(c->o, c->after, c->new_elements, new_index, &is));
    *out =
        (is.type == VALUE_LINK || is.type == VALUE_EMBEDDED) && rows_contain(c->reached, is.as.row);
    if (*out) return ATOLL_OK;
    TRY(element_at(c->o, c->before, c->old_elements, old_index, &was));
    *out = !value_equal(&was, &is);
    return ATOLL_OK;
}

static bool changed_property(const row_change *change, property_key p)
{
    for (size_t i = 0; i < change->property_count; i++)
        if (change->properties[i] == p) return true;
    return false;
}

/* A collection of links also changes when a target goes or comes. */
static bool targets_changed(const observer *o, const model_changes *changes)
{
    size_t count = o->element_class == 0 ? 0 : model_changes_count(changes);
    for (size_t i = 0; i < count; i++) {
        const row_change *change = model_changes_row(changes, i);
        if (change->class_of == o->element_class && (change->created || change->deleted))
            return true;
    }
    return false;
}

static status name_keys(const observer *o, const model_view *view, const elements *from,
                        atoll_event *event, int32_t kind)
{
    for (size_t i = 0; i < event->changes[kind].count; i++) {
        bytes key;
        TRY(model_dictionary_key(view, o->class_of, o->row, o->property,
                                 from->at.items[event->changes[kind].items[i]], &key));
        char *copy = memory_copy_text((const char *)key.data, key.size);
        if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
        status result = vector_push(&event->keys[kind], copy);
        if (result != ATOLL_OK) memory_free(copy);
        TRY(result);
    }
    return ATOLL_OK;
}

static status name_all_keys(const comparison *c, atoll_event *event)
{
    if (c->o->flags != PROPERTY_DICTIONARY) return ATOLL_OK;
    TRY(name_keys(c->o, c->before, c->old_elements, event, ATOLL_CHANGE_DELETIONS));
    TRY(name_keys(c->o, c->after, c->new_elements, event, ATOLL_CHANGE_INSERTIONS));
    return name_keys(c->o, c->before, c->old_elements, event, ATOLL_CHANGE_MODIFICATIONS);
}

static status collection_event(observer *o, const comparison *c)
{
    const elements *old = c->old_elements, *made = c->new_elements;
    sequence_pair pair = {.old_items = old->ids.items,
                          .old_count = old->ids.count,
                          .new_items = made->ids.items,
                          .new_count = made->ids.count,
                          .is_modified = is_modified,
                          .context = (void *)(uintptr_t)c};
    result_changes difference = {0};
    atoll_event *event = event_new(ATOLL_EVENT_LIST_CHANGED, o->id);
    bool alive = true;
    status result =
        event == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : sequence_difference(&pair, &difference);
    if (result == ATOLL_OK) result = copy_changes(event, &difference);
    if (result == ATOLL_OK) result = name_all_keys(c, event);
    if (result == ATOLL_OK) result = model_is_alive(c->after, o->class_of, o->row, &alive);
    if (result == ATOLL_OK && (!alive || !says_nothing(&difference))) {
        event->deleted = !alive;
        event->cleared = alive && old->ids.count != 0 && made->ids.count == 0;
        queue_push(o->queue, event);
    } else {
        atoll_event_free(event);
    }
    result_changes_free(&difference);
    return result;
}

static status advance_collection(observer *o, const model_view *before, const model_view *after,
                                 const model_changes *changes)
{
    const row_change *change = change_of_row(changes, o->class_of, o->row);
    bool own = change != NULL && (change->deleted || changed_property(change, o->property));
    row_vector reached = {0};
    elements old = {0}, made = {0};
    comparison c = {o, before, after, &old, &made, &reached};
    status result = ATOLL_OK;
    if (o->element_class != 0)
        TRY_GOTO(changes_reach(before, after, changes, o->element_class, o->paths, &reached));
    if (!own && reached.count == 0 && !targets_changed(o, changes)) goto done;
    TRY_GOTO(take_elements(o, before, &old));
    TRY_GOTO(take_elements(o, after, &made));
    TRY_GOTO(collection_event(o, &c));
done:
    vector_free(&reached);
    elements_free(&old);
    elements_free(&made);
    return result;
}

/* ---- all of them ---- */

static status push_simple(observer *o, int32_t type, const model_view *after, bool initial,
                          bool alive)
{
    atoll_event *event = event_new(type, o->id);
    if (event == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    event->initial = initial;
    event->deleted = !alive;
    if (type == ATOLL_EVENT_REALM_CHANGED) event->numbers[0] = (int64_t)model_view_version(after);
    queue_push(o->queue, event);
    return ATOLL_OK;
}

static int32_t event_of(observer_kind kind)
{
    switch (kind) {
    case OBSERVER_REALM: return ATOLL_EVENT_REALM_CHANGED;
    case OBSERVER_RESULTS: return ATOLL_EVENT_RESULTS_CHANGED;
    case OBSERVER_OBJECT: return ATOLL_EVENT_OBJECT_CHANGED;
    case OBSERVER_COLLECTION: return ATOLL_EVENT_LIST_CHANGED;
    }
    return ATOLL_EVENT_NONE;
}

/* After an event that could not be made: what the listener has counts no more. */
static status start_anew(observer *o, const model_view *after)
{
    bool alive = true;
    if (o->kind == OBSERVER_RESULTS) TRY(query_run(o->query, after, &o->rows));
    if (o->kind == OBSERVER_OBJECT || o->kind == OBSERVER_COLLECTION)
        TRY(model_is_alive(after, o->class_of, o->row, &alive));
    return push_simple(o, event_of(o->kind), after, o->kind != OBSERVER_REALM, alive);
}

static status advance_observer(observer *o, const model_view *before, const model_view *after,
                               const model_changes *changes)
{
    switch (o->kind) {
    case OBSERVER_REALM: return push_simple(o, ATOLL_EVENT_REALM_CHANGED, after, false, true);
    case OBSERVER_RESULTS: return advance_results(o, before, after, changes);
    case OBSERVER_OBJECT: return advance_object(o, before, after, changes);
    case OBSERVER_COLLECTION: return advance_collection(o, before, after, changes);
    }
    return ATOLL_OK;
}

/* Those that another thread ended. */
static void drop_ended(atoll_realm *realm)
{
    mutex_lock(&realm->database->lock);
    for (size_t i = realm->observers.count; i > 0; i--) {
        observer *o = realm->observers.items[i - 1];
        if (!atomic_load(&o->ended)) continue;
        realm->observers.items[i - 1] = realm->observers.items[--realm->observers.count];
        observer_free(o);
    }
    mutex_unlock(&realm->database->lock);
}

void observe_advance(atoll_realm *realm, model_view *newer)
{
    realm_wake(realm);
    if (realm->observers.count != 0) drop_ended(realm);
    if (realm->observers.count != 0) {
        model_changes *changes = NULL;
        status known =
            model_changes_between(realm->database->model, model_view_version(realm->view),
                                  model_view_version(newer), &changes);
        for (size_t i = 0; i < realm->observers.count; i++) {
            observer *o = realm->observers.items[i];
            if (atomic_load(&o->ended)) continue;
            status told = known;
            if (told == ATOLL_OK)
                told = o->lost ? start_anew(o, newer)
                               : advance_observer(o, realm->view, newer, changes);
            if (told != ATOLL_OK)
                log_write(LOG_WARN, "Realm.Storage.Notification",
                          "a notification is late, the next one starts anew: %s", fail_text());
            o->lost = told != ATOLL_OK;
        }
        model_changes_free(changes);
    }
    realm_drop_view(realm);
    realm->view = newer;
    realm->write_count++;
}
