/* What users do with their accounts: identities, keys, custom data, observation.
 * It must never block on the network. Invariant: a request has its queue registered before the runner hears of it. */
#include "api/api.h"

/* ---- requests ---- */

static uint64_t ask(atoll_app *app, account *of, runner_ask what, const bytes *texts, size_t count,
                    atoll_queue *queue, atoll_error **error)
{
    uint64_t request = 0;
    status result = API_NOT_NULL(app);
    for (size_t i = 0; i < count && result == ATOLL_OK; i++) {
        if (texts[i].data == NULL || memchr(texts[i].data, '\0', texts[i].size) != NULL)
            result = fail(ATOLL_ERROR_INVALID_ARGUMENT, "argument %zu is NULL or holds a zero byte",
                          i + 1);
    }
    if (result == ATOLL_OK) result = app_request_new(app, queue, &request);
    if (!api_ok(error, result)) return 0;
    runner_ask_server(app->runner, request, what, of, texts, count);
    return request;
}

static uint64_t ask_of_user(atoll_user *user, runner_ask what, const bytes *texts, size_t count,
                            atoll_queue *queue, atoll_error **error)
{
    if (!api_ok(error, API_NOT_NULL(user))) return 0;
    return ask(user->app, user->account, what, texts, count, queue, error);
}

uint64_t atoll_app_log_in_token(atoll_app *app, const char *provider, size_t provider_size,
                                const char *token, size_t token_size, atoll_queue *queue,
                                atoll_error **error)
{
    bytes texts[] = {bytes_of(provider, provider_size), bytes_of(token, token_size)};
    return ask(app, NULL, RUNNER_LOG_IN_TOKEN, texts, 2, queue, error);
}

uint64_t atoll_app_confirm_email(atoll_app *app, const char *token, size_t token_size,
                                 const char *token_id, size_t token_id_size, atoll_queue *queue,
                                 atoll_error **error)
{
    bytes texts[] = {bytes_of(token, token_size), bytes_of(token_id, token_id_size)};
    return ask(app, NULL, RUNNER_CONFIRM, texts, 2, queue, error);
}

uint64_t atoll_app_resend_confirmation(atoll_app *app, const char *email, size_t email_size,
                                       atoll_queue *queue, atoll_error **error)
{
    bytes texts[] = {bytes_of(email, email_size)};
    return ask(app, NULL, RUNNER_RESEND_CONFIRMATION, texts, 1, queue, error);
}

uint64_t atoll_app_send_password_reset(atoll_app *app, const char *email, size_t email_size,
                                       atoll_queue *queue, atoll_error **error)
{
    bytes texts[] = {bytes_of(email, email_size)};
    return ask(app, NULL, RUNNER_SEND_RESET, texts, 1, queue, error);
}

uint64_t atoll_app_reset_password(atoll_app *app, const char *password, size_t password_size,
                                  const char *token, size_t token_size, const char *token_id,
                                  size_t token_id_size, atoll_queue *queue, atoll_error **error)
{
    bytes texts[] = {bytes_of(password, password_size), bytes_of(token, token_size),
                     bytes_of(token_id, token_id_size)};
    return ask(app, NULL, RUNNER_RESET_PASSWORD, texts, 3, queue, error);
}

uint64_t atoll_app_set_base_url(atoll_app *app, const char *url, size_t url_size,
                                atoll_queue *queue, atoll_error **error)
{
    bytes texts[] = {bytes_of(url, url_size)};
    return ask(app, NULL, RUNNER_SET_BASE_URL, texts, 1, queue, error);
}

uint64_t atoll_user_refresh(atoll_user *user, atoll_queue *queue, atoll_error **error)
{
    return ask_of_user(user, RUNNER_REFRESH_USER, NULL, 0, queue, error);
}

uint64_t atoll_user_link_email(atoll_user *user, const char *email, size_t email_size,
                               const char *password, size_t password_size, atoll_queue *queue,
                               atoll_error **error)
{
    bytes texts[] = {bytes_of(email, email_size), bytes_of(password, password_size)};
    return ask_of_user(user, RUNNER_LINK_EMAIL, texts, 2, queue, error);
}

uint64_t atoll_user_link_token(atoll_user *user, const char *provider, size_t provider_size,
                               const char *token, size_t token_size, atoll_queue *queue,
                               atoll_error **error)
{
    bytes texts[] = {bytes_of(provider, provider_size), bytes_of(token, token_size)};
    return ask_of_user(user, RUNNER_LINK_TOKEN, texts, 2, queue, error);
}

uint64_t atoll_user_remove(atoll_user *user, atoll_queue *queue, atoll_error **error)
{
    return ask_of_user(user, RUNNER_REMOVE_USER, NULL, 0, queue, error);
}

uint64_t atoll_user_delete(atoll_user *user, atoll_queue *queue, atoll_error **error)
{
    return ask_of_user(user, RUNNER_DELETE_USER, NULL, 0, queue, error);
}

uint64_t atoll_user_create_api_key(atoll_user *user, const char *name, size_t name_size,
                                   atoll_queue *queue, atoll_error **error)
{
    bytes texts[] = {bytes_of(name, name_size)};
    return ask_of_user(user, RUNNER_CREATE_KEY, texts, 1, queue, error);
}

uint64_t atoll_user_find_api_keys(atoll_user *user, const char *id, size_t id_size,
                                  atoll_queue *queue, atoll_error **error)
{
    bytes texts[] = {bytes_of(id, id_size)};
    return ask_of_user(user, RUNNER_FIND_KEYS, texts, 1, queue, error);
}

uint64_t atoll_user_enable_api_key(atoll_user *user, const char *id, size_t id_size, bool on,
                                   atoll_queue *queue, atoll_error **error)
{
    bytes texts[] = {bytes_of(id, id_size)};
    return ask_of_user(user, on ? RUNNER_ENABLE_KEY : RUNNER_DISABLE_KEY, texts, 1, queue, error);
}

uint64_t atoll_user_delete_api_key(atoll_user *user, const char *id, size_t id_size,
                                   atoll_queue *queue, atoll_error **error)
{
    bytes texts[] = {bytes_of(id, id_size)};
    return ask_of_user(user, RUNNER_DELETE_KEY, texts, 1, queue, error);
}

/* ---- what is known here ---- */

status values_of_texts(const char *const *texts, size_t count, atoll_values **out)
{
    atoll_values *made = atoll_values_new(NULL);
    status result = made == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    for (size_t i = 0; i < count && result == ATOLL_OK; i++) {
        value v = texts[i] == NULL ? value_null() : value_string(bytes_text(texts[i]));
        result = values_add(made, &v);
    }
    if (result != ATOLL_OK)
        atoll_values_free(made);
    else
        *out = made;
    return result;
}

static atoll_values *about(const atoll_user *user, account_kind kind, bool null_if_none,
                           atoll_error **error)
{
    char **texts = NULL;
    size_t count = 0;
    atoll_values *values = NULL;
    status result = API_NOT_NULL(user);
    if (result == ATOLL_OK) result = account_about(user->account, kind, &texts, &count);
    if (result == ATOLL_OK && (count > 0 || !null_if_none))
        result = values_of_texts((const char *const *)texts, count, &values);
    for (size_t i = 0; i < count; i++) memory_free(texts[i]);
    memory_free(texts);
    return api_ok(error, result) ? values : NULL;
}

atoll_values *atoll_user_refresh_token(const atoll_user *user, atoll_error **error)
{
    return about(user, ACCOUNT_REFRESH_TOKEN, true, error);
}

atoll_values *atoll_user_custom_data(const atoll_user *user, atoll_error **error)
{
    return about(user, ACCOUNT_CUSTOM_DATA, true, error);
}

atoll_values *atoll_user_identities(const atoll_user *user, atoll_error **error)
{
    return about(user, ACCOUNT_IDENTITIES, false, error);
}

atoll_values *atoll_user_profile(const atoll_user *user, atoll_error **error)
{
    return about(user, ACCOUNT_FIELDS, false, error);
}

atoll_values *atoll_app_device_id(const atoll_app *app, atoll_error **error)
{
    atoll_values *values = NULL;
    if (!api_ok(error, API_NOT_NULL(app))) return NULL;
    char *id = runner_device_id(app->runner);
    status result = ATOLL_OK;
    if (id != NULL) result = values_of_texts((const char *const *)&id, 1, &values);
    memory_free(id);
    return api_ok(error, result) ? values : NULL;
}

/* ---- observation ---- */

uint64_t atoll_user_observe(atoll_user *user, atoll_queue *queue, atoll_error **error)
{
    status result = API_NOT_NULL(user);
    if (result == ATOLL_OK) result = API_NOT_NULL(queue);
    if (!api_ok(error, result)) return 0;
    atoll_app *app = user->app;
    api_user_observer observer = {api_next_id(), user->account, queue};
    mutex_lock(&app->lock);
    result = vector_push(&app->observers, observer);
    mutex_unlock(&app->lock);
    if (!api_ok(error, result)) return 0;
    account_retain(user->account);
    queue_retain(queue);
    return observer.id;
}

static void observer_end(api_user_observer *o)
{
    account_release(o->account);
    queue_release(o->queue);
}

void atoll_user_unobserve(atoll_user *user, uint64_t registration)
{
    api_user_observer found = {0};
    if (user == NULL) return;
    atoll_app *app = user->app;
    mutex_lock(&app->lock);
    for (size_t i = 0; i < app->observers.count && found.id == 0; i++) {
        if (app->observers.items[i].id != registration) continue;
        found = app->observers.items[i];
        app->observers.items[i] = app->observers.items[--app->observers.count];
    }
    mutex_unlock(&app->lock);
    if (found.id != 0) observer_end(&found);
}

void app_user_changed(atoll_app *app, const account *changed)
{
    mutex_lock(&app->lock);
    for (size_t i = 0; i < app->observers.count; i++) {
        const api_user_observer *o = &app->observers.items[i];
        if (o->account == changed) /* a queue's lock is a leaf */
            queue_push(o->queue, event_new(ATOLL_EVENT_USER_CHANGED, o->id));
    }
    mutex_unlock(&app->lock);
}

void app_observers_free(atoll_app *app)
{
    for (size_t i = 0; i < app->observers.count; i++) observer_end(&app->observers.items[i]);
    vector_free(&app->observers);
}
