/* atoll_session: a handle on the session of a synced realm, usable from any thread. It must never wait for the network.
 * Invariant: the handle keeps the session's object alive, not the session: after the realm is gone calls are refused. */
#include "api/api.h"

static status session_wrap(database *d, atoll_session **out)
{
    if (d->session == NULL) return ATOLL_OK;
    atoll_session *session = memory_allocate(sizeof *session);
    if (session == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *session = (atoll_session){database_retain(d), runner_session_retain(d->session)};
    *out = session;
    return ATOLL_OK;
}

atoll_session *atoll_realm_session(const atoll_realm *realm, atoll_error **error)
{
    atoll_session *session = NULL;
    status result = realm_check(realm);
    if (result == ATOLL_OK) result = session_wrap(realm->database, &session);
    return api_ok(error, result) ? session : NULL;
}

void atoll_session_free(atoll_session *session)
{
    if (session == NULL) return;
    runner_session_release(session->session);
    database_release(session->database);
    memory_free(session);
}

bool atoll_session_equals(const atoll_session *session, const atoll_session *other)
{
    return session == other ||
           (session != NULL && other != NULL && session->session == other->session);
}

int32_t atoll_session_state(const atoll_session *session)
{
    return session == NULL ? ATOLL_SESSION_INACTIVE : runner_session_state(session->session);
}

int32_t atoll_session_connection_state(const atoll_session *session)
{
    return session == NULL ? ATOLL_CONNECTION_DISCONNECTED
                           : runner_session_connection_state(session->session);
}

status session_check(const atoll_session *session)
{
    TRY(API_NOT_NULL(session));
    if (session->database->model == NULL)
        return fail(ATOLL_ERROR_CLOSED,
                    "the session of %s has ended with its realm; open the realm again",
                    session->database->path);
    return ATOLL_OK;
}

atoll_status atoll_session_stop(atoll_session *session, atoll_error **error)
{
    status result = session_check(session);
    if (result == ATOLL_OK) runner_session_stop(session->session);
    return api_result(error, result);
}

atoll_status atoll_session_start(atoll_session *session, atoll_error **error)
{
    status result = session_check(session);
    if (result == ATOLL_OK) runner_session_start(session->session);
    return api_result(error, result);
}

atoll_bytes atoll_session_path(const atoll_session *session)
{
    if (session == NULL) return (atoll_bytes){NULL, 0};
    return (atoll_bytes){session->database->path, strlen(session->database->path)};
}

atoll_user *atoll_session_user(const atoll_session *session, atoll_error **error)
{
    if (!api_ok(error, API_NOT_NULL(session))) return NULL;
    atoll_user *user =
        user_wrap(session->database->app, account_retain(session->database->account));
    if (user == NULL) api_error_set(error, ATOLL_ERROR_OUT_OF_MEMORY);
    return user;
}

static status wait_request(atoll_session *session, atoll_queue *queue, uint64_t *request)
{
    TRY(session_check(session));
    return app_request_new(session->database->app, queue, request);
}

uint64_t atoll_session_wait_for_upload(atoll_session *session, atoll_queue *queue,
                                       atoll_error **error)
{
    uint64_t request = 0;
    if (!api_ok(error, wait_request(session, queue, &request))) return 0;
    runner_session_wait_upload(session->session, request);
    return request;
}

uint64_t atoll_session_wait_for_download(atoll_session *session, atoll_queue *queue,
                                         atoll_error **error)
{
    uint64_t request = 0;
    if (!api_ok(error, wait_request(session, queue, &request))) return 0;
    runner_session_wait_download(session->session, request);
    return request;
}

static uint64_t observe(atoll_session *session, int kind, int32_t direction, int32_t mode,
                        atoll_queue *queue, atoll_error **error)
{
    status result = session_check(session);
    if (result == ATOLL_OK) result = API_NOT_NULL(queue);
    if (!api_ok(error, result)) return 0;
    api_session_observer o = {.id = api_next_id(),
                              .kind = kind,
                              .direction = direction,
                              .mode = mode,
                              .queue = queue,
                              .last_fraction = -1};
    database *d = session->database;
    mutex_lock(&d->lock);
    result = vector_push(&d->observers, o);
    if (result == ATOLL_OK) queue_retain(queue);
    if (result == ATOLL_OK && kind == OBSERVE_ERRORS) database_tell_error(d, &o);
    if (result == ATOLL_OK && kind == OBSERVE_RESETS) database_tell_reset(d, &o);
    mutex_unlock(&d->lock);
    if (!api_ok(error, result)) return 0;
    if (kind == OBSERVE_PROGRESS) { /* told at once what is known */
        runner_event event = {.kind = RUNNER_EVENT_PROGRESS, .session = session->session};
        database_event(d, &event);
    }
    if (kind == OBSERVE_PROGRESS &&
        mode == ATOLL_PROGRESS_CURRENT_WORK) { /* what is outstanding now, told by its id */
        if (direction == ATOLL_DIRECTION_UPLOAD)
            runner_session_wait_upload(session->session, o.id);
        else
            runner_session_wait_download(session->session, o.id);
    }
    return o.id;
}

uint64_t atoll_session_observe_connection(atoll_session *session, atoll_queue *queue,
                                          atoll_error **error)
{
    return observe(session, OBSERVE_CONNECTION, 0, 0, queue, error);
}

uint64_t atoll_session_observe_progress(atoll_session *session, int32_t direction, int32_t mode,
                                        atoll_queue *queue, atoll_error **error)
{
    if (direction < 0 || direction > 1 || mode < 0 || mode > 1) {
        api_error_set(error, fail(ATOLL_ERROR_INVALID_ARGUMENT,
                                  "direction and mode are 0 or 1, got %d and %d", (int)direction,
                                  (int)mode));
        return 0;
    }
    return observe(session, OBSERVE_PROGRESS, direction, mode, queue, error);
}

uint64_t atoll_session_observe_errors(atoll_session *session, atoll_queue *queue,
                                      atoll_error **error)
{
    return observe(session, OBSERVE_ERRORS, 0, 0, queue, error);
}

uint64_t atoll_session_observe_resets(atoll_session *session, atoll_queue *queue,
                                      atoll_error **error)
{
    return observe(session, OBSERVE_RESETS, 0, 0, queue, error);
}

atoll_status atoll_session_continue_reset(atoll_session *session, atoll_status code,
                                          const char *message, size_t message_size,
                                          atoll_error **error)
{
    status result = session_check(session);
    if (result == ATOLL_OK) result = API_TEXT(message, message_size);
    if (result == ATOLL_OK)
        database_continue_reset(session->database, code, bytes_of(message, message_size));
    return api_result(error, result);
}

void atoll_session_unobserve(atoll_session *session, uint64_t registration)
{
    if (session == NULL) return;
    database *d = session->database;
    atoll_queue *queue = NULL;
    mutex_lock(&d->lock);
    for (size_t i = 0; i < d->observers.count && queue == NULL; i++) {
        if (d->observers.items[i].id != registration) continue;
        queue = d->observers.items[i].queue;
        d->observers.items[i] = d->observers.items[--d->observers.count];
    }
    bool answer = database_reset_unheard(d);
    mutex_unlock(&d->lock);
    if (answer) database_continue_reset(d, ATOLL_OK, bytes_of("", 0));
    queue_release(queue);
}
