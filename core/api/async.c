/* Transactions that do not hold their thread up: the write lock is waited for, and the disk is, on a thread of its own.
 * It must never touch a realm there: what a worker knows is a model and a queue. Invariant: a worker counts as an open
 * realm of its database, so that it outlives every handle that it may be asked by. */
#include "api/api.h"

/* One wait for the write lock. The database's lock guards what follows it. */
struct api_begin {
    atomic_int references; /* the realm's and the worker's */
    uint64_t id, thread;
    database *database; /* counted as a realm until the worker ends */
    atoll_queue *queue;
    atoll_event *event; /* made before the wait: nobody waits for one that could not be made */
    bool done, cancelled;
    status code;
    char *message;
    model_txn *txn;
};
typedef struct api_sync {
    uint64_t id, version;
    database *database;
    atoll_queue *queue;
    atoll_event *event;
} api_sync;

static void begin_release(api_begin *b)
{
    if (b == NULL || atomic_fetch_sub(&b->references, 1) != 1) return;
    queue_release(b->queue);
    atoll_event_free(b->event);
    memory_free(b->message);
    memory_free(b);
}

/* Takes the event, and ends the worker's hold on the database first: who has the event may close, compact or delete. */
static void push_done(database *d, atoll_queue *queue, atoll_event *event, status code,
                      uint64_t version)
{
    event->code = code;
    event->numbers[0] = (int64_t)version;
    if (code != ATOLL_OK) event->message = memory_copy_text(fail_text(), strlen(fail_text()));
    database_close(d);
    queue_push(queue, event);
}

/* ---- begin ---- */

static void wait_for_lock(void *context)
{
    api_begin *b = context;
    database *d = b->database;
    model_txn *txn = NULL;
    status result = model_begin(d->model, COMMIT_LOCAL, &txn);
    mutex_lock(&d->lock);
    bool cancelled = b->cancelled;
    if (!cancelled) {
        /* Only what was not cancelled: else that thread could not begin while this one rolls back. */
        if (result == ATOLL_OK) model_txn_hand_over(txn, b->thread);
        b->done = true;
        b->code = result;
        b->txn = txn;
        if (result != ATOLL_OK) b->message = memory_copy_text(fail_text(), strlen(fail_text()));
    }
    mutex_unlock(&d->lock);
    if (!cancelled) {
        push_done(d, b->queue, b->event, result, 0);
        b->event = NULL;
    } else {
        if (result == ATOLL_OK) model_rollback(txn);
        database_close(d);
    }
    begin_release(b);
}

static status begin_async(atoll_realm *realm, atoll_queue *queue, uint64_t *id)
{
    TRY(realm_check_begin(realm));
    TRY(API_NOT_NULL(queue));
    if (realm->waiting != NULL)
        return fail(ATOLL_ERROR_TRANSACTION_ACTIVE,
                    "this realm waits for the write lock already; take its event, then begin");
    api_begin *b = memory_allocate_zero(sizeof *b);
    thread *worker = NULL;
    if (b == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    atomic_store(&b->references, 2);
    b->id = api_next_id();
    b->event = event_new(ATOLL_EVENT_REQUEST_DONE, b->id);
    if (b->event == NULL) {
        memory_free(b);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    *id = b->id;
    b->thread = realm->thread;
    b->queue = queue_retain(queue);
    b->database = realm->database;
    database_add_realm(realm->database);
    status result = thread_start("atoll begin", wait_for_lock, b, &worker);
    if (result != ATOLL_OK) {
        database_close(realm->database);
        begin_release(b);
        begin_release(b);
        return result;
    }
    thread_detach(worker);
    realm->waiting = b;
    return ATOLL_OK;
}

uint64_t atoll_realm_begin_async(atoll_realm *realm, atoll_queue *queue, atoll_error **error)
{
    uint64_t id = 0;
    return api_ok(error, begin_async(realm, queue, &id)) ? id : 0;
}

status async_take(atoll_realm *realm)
{
    api_begin *b = realm->waiting;
    mutex_lock(&realm->database->lock);
    bool done = b->done;
    status code = b->code;
    if (done) realm->txn = b->txn;
    mutex_unlock(&realm->database->lock);
    if (!done)
        return fail(ATOLL_ERROR_BUSY,
                    "the write lock was asked for and is not here yet; wait for the event %llu, or "
                    "cancel it",
                    (unsigned long long)b->id);
    realm->waiting = NULL;
    if (code != ATOLL_OK) code = fail(code, "%s", b->message == NULL ? "" : b->message);
    begin_release(b);
    return code;
}

void async_cancel(atoll_realm *realm)
{
    api_begin *b = realm->waiting;
    if (b == NULL) return;
    realm->waiting = NULL;
    mutex_lock(&realm->database->lock);
    b->cancelled = true;
    model_txn *txn = b->txn;
    b->txn = NULL;
    mutex_unlock(&realm->database->lock);
    model_rollback(txn);
    begin_release(b);
}

void atoll_realm_cancel_begin(atoll_realm *realm, uint64_t registration)
{
    if (realm == NULL || realm_check(realm) != ATOLL_OK || realm->waiting == NULL) return;
    if (realm->waiting->id == registration) async_cancel(realm);
}

/* ---- commit ---- */

static void wait_for_disk(void *context)
{
    api_sync *s = context;
    uint64_t durable;
    status result = model_sync(s->database->model, &durable);
    push_done(s->database, s->queue, s->event, result, s->version);
    queue_release(s->queue);
    memory_free(s);
}

static status commit_async(atoll_realm *realm, atoll_queue *queue, uint64_t *id)
{
    TRY(realm_check_write(realm));
    TRY(API_NOT_NULL(queue));
    api_sync *s = memory_allocate_zero(sizeof *s);
    thread *worker = NULL;
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    s->id = api_next_id();
    s->event = event_new(ATOLL_EVENT_REQUEST_DONE, s->id);
    status result =
        s->event == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : realm_commit(realm, false, &s->version);
    if (result != ATOLL_OK) {
        atoll_event_free(s->event);
        memory_free(s);
        return result;
    }
    *id = s->id;
    s->database = realm->database;
    s->queue = queue_retain(queue);
    database_add_realm(realm->database);
    /* Without a thread the caller waits itself: what it was promised holds. */
    if (thread_start("atoll commit", wait_for_disk, s, &worker) == ATOLL_OK)
        thread_detach(worker);
    else
        wait_for_disk(s);
    return ATOLL_OK;
}

uint64_t atoll_realm_commit_async(atoll_realm *realm, atoll_queue *queue, atoll_error **error)
{
    API_CALL(realm);
    uint64_t id = 0;
    return api_ok(error, commit_async(realm, queue, &id)) ? id : 0;
}
