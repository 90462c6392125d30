/* Event queues: what happens on other threads waits here until the user's code takes it. It must never call back.
 * Invariant: the flag is raised while events wait, so that its descriptor is readable then and only then. */
#include "api/api.h"
#include "platform/ready.h"
#include "sync/refusals.h"

struct atoll_queue {
    atomic_int references;
    mutex lock;
    condition ready;
    atoll_event *first, *last;
    size_t count;
    uint64_t dropped;
    ready_flag waiting;
};

uint64_t api_next_id(void)
{
    static atomic_uint_least64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

static status queue_make(atoll_queue **out)
{
    atoll_queue *queue = memory_allocate_zero(sizeof *queue);
    if (queue == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = mutex_init(&queue->lock);
    if (result != ATOLL_OK) goto without_lock;
    result = condition_init(&queue->ready);
    if (result != ATOLL_OK) goto without_condition;
    result = ready_flag_open(&queue->waiting);
    if (result != ATOLL_OK) goto without_flag;
    atomic_store(&queue->references, 1);
    *out = queue;
    return ATOLL_OK;
without_flag:
    condition_destroy(&queue->ready);
without_condition:
    mutex_destroy(&queue->lock);
without_lock:
    memory_free(queue);
    return result;
}

atoll_queue *atoll_queue_new(atoll_error **error)
{
    atoll_queue *queue = NULL;
    return api_ok(error, queue_make(&queue)) ? queue : NULL;
}

atoll_queue *queue_retain(atoll_queue *queue)
{
    atomic_fetch_add(&queue->references, 1);
    return queue;
}

void queue_release(atoll_queue *queue)
{
    if (queue == NULL || atomic_fetch_sub(&queue->references, 1) != 1) return;
    while (queue->first != NULL) {
        atoll_event *event = queue->first;
        queue->first = event->next;
        atoll_event_free(event);
    }
    ready_flag_close(&queue->waiting);
    condition_destroy(&queue->ready);
    mutex_destroy(&queue->lock);
    memory_free(queue);
}

void atoll_queue_free(atoll_queue *queue)
{
    queue_release(queue);
}

int32_t atoll_queue_fd(const atoll_queue *queue)
{
    return queue == NULL ? -1 : queue->waiting.shown;
}

/* The oldest log line makes room above the limit; other events are few by construction, and are kept. */
static atoll_event *queue_drop_log(atoll_queue *queue)
{
    atoll_event *event = queue->first;
    if (event == NULL || event->type != ATOLL_EVENT_LOG) return NULL;
    queue->first = event->next;
    queue->count--;
    queue->dropped++;
    return event;
}

void queue_push(atoll_queue *queue, atoll_event *event)
{
    if (event == NULL) return;
    atoll_event *dropped = NULL;
    mutex_lock(&queue->lock);
    if (queue->count >= LIMIT_QUEUE_COUNT_MAX && event->type == ATOLL_EVENT_LOG)
        dropped = queue_drop_log(queue);
    event->next = NULL;
    if (queue->first == NULL) {
        queue->first = event;
        ready_flag_raise(&queue->waiting);
    } else {
        queue->last->next = event;
    }
    queue->last = event;
    queue->count++;
    condition_broadcast(&queue->ready);
    mutex_unlock(&queue->lock);
    atoll_event_free(dropped);
}

static atoll_event *queue_take(atoll_queue *queue)
{
    atoll_event *event = queue->first;
    if (event == NULL) return NULL;
    queue->first = event->next;
    queue->count--;
    if (queue->first == NULL) ready_flag_lower(&queue->waiting);
    return event;
}

atoll_event *atoll_queue_next(atoll_queue *queue, int64_t timeout_ms, atoll_error **error)
{
    if (!api_ok(error, API_NOT_NULL(queue))) return NULL;
    const platform *machine = platform_posix();
    uint64_t until =
        machine->monotonic_ms(machine->context) + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
    mutex_lock(&queue->lock);
    atoll_event *event;
    while ((event = queue_take(queue)) == NULL && timeout_ms != 0) {
        if (timeout_ms < 0) {
            condition_wait(&queue->ready, &queue->lock);
            continue;
        }
        uint64_t now = machine->monotonic_ms(machine->context);
        if (now >= until) break;
        condition_wait_ms(&queue->ready, &queue->lock, until - now);
    }
    mutex_unlock(&queue->lock);
    return event;
}

void atoll_queue_wake(atoll_queue *queue)
{
    if (queue != NULL) queue_push(queue, event_new(ATOLL_EVENT_WAKE, 0));
}

atoll_event *event_new(int32_t type, uint64_t registration)
{
    atoll_event *event = memory_allocate_zero(sizeof *event);
    if (event == NULL) return NULL;
    event->type = type;
    event->registration = registration;
    return event;
}

void atoll_event_free(atoll_event *event)
{
    if (event == NULL) return;
    for (int kind = 0; kind < API_CHANGE_KINDS; kind++) vector_free(&event->changes[kind]);
    for (int kind = 0; kind < API_KEY_KINDS; kind++) {
        for (size_t i = 0; i < event->keys[kind].count; i++)
            memory_free(event->keys[kind].items[i]);
        vector_free(&event->keys[kind]);
    }
    memory_free(event->message);
    for (int i = 0; i < 2; i++) memory_free(event->texts[i]);
    atoll_user_free(event->user);
    atoll_values_free(event->values);
    refusals_release(event->refused);
    memory_free(event);
}

int32_t atoll_event_type(const atoll_event *event)
{
    return event == NULL ? 0 : event->type;
}

uint64_t atoll_event_registration(const atoll_event *event)
{
    return event == NULL ? 0 : event->registration;
}

bool atoll_event_is_initial(const atoll_event *event)
{
    return event != NULL && event->initial;
}

bool atoll_event_is_deleted(const atoll_event *event)
{
    return event != NULL && event->deleted;
}

bool atoll_event_is_cleared(const atoll_event *event)
{
    return event != NULL && event->cleared;
}

int64_t atoll_event_change_count(const atoll_event *event, int32_t kind)
{
    return event == NULL || kind < 0 || kind >= API_CHANGE_KINDS
               ? 0
               : (int64_t)event->changes[kind].count;
}

int64_t atoll_event_change(const atoll_event *event, int32_t kind, int64_t position)
{
    if (position < 0 || position >= atoll_event_change_count(event, kind)) return -1;
    return event->changes[kind].items[position];
}

atoll_bytes atoll_event_change_key(const atoll_event *event, int32_t kind, int64_t position)
{
    bool there = event != NULL && kind >= 0 && kind < API_KEY_KINDS && position >= 0 &&
                 (uint64_t)position < event->keys[kind].count;
    return api_text(there ? event->keys[kind].items[position] : NULL);
}

atoll_status atoll_event_status(const atoll_event *event)
{
    return event == NULL ? ATOLL_OK : event->code;
}

atoll_bytes atoll_event_message(const atoll_event *event)
{
    return api_text(event == NULL ? NULL : event->message);
}

atoll_user *atoll_event_user(const atoll_event *event)
{
    if (event == NULL || event->user == NULL) return NULL;
    return user_wrap(event->user->app, account_retain(event->user->account));
}

atoll_values *atoll_event_values(const atoll_event *event)
{
    if (event == NULL || event->values == NULL) return NULL;
    atoll_values *copy = atoll_values_new(NULL);
    status result = copy == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    for (size_t i = 0; i < event->values->items.count && result == ATOLL_OK; i++)
        result = values_add(copy, &event->values->items.items[i].plain);
    if (result == ATOLL_OK) return copy;
    atoll_values_free(copy);
    return NULL;
}

int64_t atoll_event_number(const atoll_event *event, int32_t position)
{
    return event == NULL || position < 0 || position > 2 ? 0 : event->numbers[position];
}

double atoll_event_fraction(const atoll_event *event)
{
    return event == NULL ? 0 : event->fraction;
}

atoll_bytes atoll_event_text(const atoll_event *event, int32_t position)
{
    return api_text(event == NULL || position < 0 || position > 1 ? NULL : event->texts[position]);
}

static status refused_values(const atoll_event *event, atoll_values *out)
{
    const refusals *list = event->refused;
    for (size_t i = 0; list != NULL && i < list->items.count; i++) {
        const refusal *r = &list->items.items[i];
        value class_name = value_string(bytes_text(r->class_name)),
              reason = value_string(bytes_text(r->reason));
        TRY(values_add(out, &class_name));
        TRY(values_add(out, &r->key));
        TRY(values_add(out, &reason));
    }
    return ATOLL_OK;
}

atoll_values *atoll_event_refused_writes(const atoll_event *event, atoll_error **error)
{
    if (!api_ok(error, API_NOT_NULL(event))) return NULL;
    atoll_values *values = atoll_values_new(error);
    if (values == NULL || api_ok(error, refused_values(event, values))) return values;
    atoll_values_free(values);
    return NULL;
}
