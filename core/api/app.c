/* atoll_app and atoll_user: one network thread per app; log-ins are requests whose answer is an event.
 * It must never block on the network. Invariant: every request has its queue registered before the runner hears of it. */
#include "api/api.h"
#include "api/config_limits.h"
#include <stdlib.h>

#define DEFAULT_BASE_URL "http://127.0.0.1:7700"

atoll_app_config *atoll_app_config_new(const char *app_id, size_t app_id_size, atoll_error **error)
{
    atoll_app_config *config = memory_allocate_zero(sizeof *config);
    const char *url = getenv("ATOLL_BASE_URL");
    if (url == NULL || *url == 0) url = DEFAULT_BASE_URL;
    status result = config == NULL
                        ? ATOLL_ERROR_OUT_OF_MEMORY
                        : api_replace_text(&config->app_id, app_id, app_id_size, "app id");
    if (result == ATOLL_OK && memchr(app_id, '/', app_id_size) != NULL)
        result = fail(ATOLL_ERROR_INVALID_ARGUMENT, "the app id %.*s holds a slash",
                      (int)app_id_size, app_id);
    if (result == ATOLL_OK)
        result = api_replace_text(&config->base_url, url, strlen(url), "base URL");
    if (result == ATOLL_OK) result = api_replace_text(&config->base_path, ".", 1, "base path");
    if (!api_ok(error, result)) {
        atoll_app_config_free(config);
        return NULL;
    }
    config->connect_timeout_ms = APP_CONFIG_CONNECT_TIMEOUT_MS_DEFAULT;
    config->request_timeout_ms = APP_CONFIG_REQUEST_TIMEOUT_MS_DEFAULT;
    config->ping_period_ms = APP_CONFIG_PING_PERIOD_MS_DEFAULT;
    config->pong_timeout_ms = APP_CONFIG_PONG_TIMEOUT_MS_DEFAULT;
    config->reconnect_delay_ms = APP_CONFIG_RECONNECT_DELAY_MS_DEFAULT;
    config->reconnect_delay_ms_max = APP_CONFIG_RECONNECT_DELAY_MAX_MS_DEFAULT;
    config->reconnect_multiplier = APP_CONFIG_RECONNECT_MULTIPLIER_DEFAULT;
    config->reconnect_jitter_divisor = APP_CONFIG_RECONNECT_JITTER_DIVISOR_DEFAULT;
    return config;
}

void atoll_app_config_free(atoll_app_config *config)
{
    if (config == NULL) return;
    memory_free(config->app_id);
    memory_free(config->base_url);
    memory_free(config->base_path);
    memory_free(config);
}

atoll_status atoll_app_config_set_base_url(atoll_app_config *config, const char *url,
                                           size_t url_size, atoll_error **error)
{
    status result = API_NOT_NULL(config);
    return api_result(error, result == ATOLL_OK
                                 ? api_replace_text(&config->base_url, url, url_size, "base URL")
                                 : result);
}

atoll_status atoll_app_config_set_base_path(atoll_app_config *config, const char *path,
                                            size_t path_size, atoll_error **error)
{
    status result = API_NOT_NULL(config);
    return api_result(error, result == ATOLL_OK ? api_replace_text(&config->base_path, path,
                                                                   path_size, "base path")
                                                : result);
}

static status set_number(atoll_app_config *config, int64_t *field, int64_t number, int64_t minimum,
                         int64_t maximum, const char *what)
{
    TRY(API_NOT_NULL(config));
    if (number < minimum || number > maximum)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "%s is %lld to %lld, got %lld", what,
                    (long long)minimum, (long long)maximum, (long long)number);
    *field = number;
    return ATOLL_OK;
}

#define MILLISECONDS_SETTER(name, bound)                                                           \
    atoll_status atoll_app_config_set_##name(atoll_app_config *config, int64_t number,             \
                                             atoll_error **error)                                  \
    {                                                                                              \
        return api_result(error, set_number(config, config == NULL ? NULL : &config->name, number, \
                                            bound##_MIN, bound##_MAX, #name));                     \
    }
MILLISECONDS_SETTER(connect_timeout_ms, APP_CONFIG_CONNECT_TIMEOUT_MS)
MILLISECONDS_SETTER(request_timeout_ms, APP_CONFIG_REQUEST_TIMEOUT_MS)
MILLISECONDS_SETTER(ping_period_ms, APP_CONFIG_PING_PERIOD_MS)
MILLISECONDS_SETTER(pong_timeout_ms, APP_CONFIG_PONG_TIMEOUT_MS)
MILLISECONDS_SETTER(reconnect_delay_ms, APP_CONFIG_RECONNECT_DELAY_MS)

atoll_status atoll_app_config_set_reconnect_delay_max_ms(atoll_app_config *config, int64_t number,
                                                         atoll_error **error)
{
    return api_result(error,
                      set_number(config, config == NULL ? NULL : &config->reconnect_delay_ms_max,
                                 number, APP_CONFIG_RECONNECT_DELAY_MAX_MS_MIN,
                                 APP_CONFIG_RECONNECT_DELAY_MAX_MS_MAX, "reconnect_delay_max_ms"));
}

atoll_status atoll_app_config_set_reconnect_multiplier(atoll_app_config *config, int32_t number,
                                                       atoll_error **error)
{
    int64_t wide = 0;
    status result = set_number(config, &wide, number, APP_CONFIG_RECONNECT_MULTIPLIER_MIN,
                               APP_CONFIG_RECONNECT_MULTIPLIER_MAX, "reconnect_multiplier");
    if (result == ATOLL_OK) config->reconnect_multiplier = number;
    return api_result(error, result);
}

atoll_status atoll_app_config_set_reconnect_jitter_divisor(atoll_app_config *config, int32_t number,
                                                           atoll_error **error)
{
    int64_t wide = 0;
    status result = set_number(config, &wide, number, APP_CONFIG_RECONNECT_JITTER_DIVISOR_MIN,
                               APP_CONFIG_RECONNECT_JITTER_DIVISOR_MAX, "reconnect_jitter_divisor");
    if (result == ATOLL_OK) config->reconnect_jitter_divisor = number;
    return api_result(error, result);
}

/* Removes a request and gives its queue to the caller, or NULL. */
static atoll_queue *take_request(atoll_app *app, uint64_t id)
{
    atoll_queue *queue = NULL;
    mutex_lock(&app->lock);
    for (size_t i = 0; i < app->requests.count && queue == NULL; i++) {
        if (app->requests.items[i].id != id) continue;
        queue = app->requests.items[i].queue;
        app->requests.items[i] = app->requests.items[--app->requests.count];
    }
    mutex_unlock(&app->lock);
    return queue;
}

/* False: it is no request of the app's. */
static bool request_done(atoll_app *app, const runner_event *e)
{
    atoll_queue *queue = take_request(app, e->request);
    if (queue == NULL) return false;
    atoll_event *event = event_new(ATOLL_EVENT_REQUEST_DONE, e->request);
    if (event != NULL) {
        event->code = e->code;
        if (e->code != ATOLL_OK && e->text != NULL)
            event->message = memory_copy_text(e->text, strlen(e->text));
        if (e->user != NULL) event->user = user_wrap(app, account_retain(e->user));
    }
    queue_push(queue, event);
    queue_release(queue);
    return true;
}

static void on_runner_event(void *context, const runner_event *e)
{
    atoll_app *app = context;
    if (e->kind == RUNNER_EVENT_REQUEST_DONE && request_done(app, e)) return;
    database *d = e->session == NULL ? NULL : database_of_session(e->session);
    if (d == NULL) return;
    database_event(d, e);
    database_release(d);
}

static status app_start(atoll_app *app, const atoll_app_config *config)
{
    TRY(mutex_init(&app->lock));
    atoll_app_config *copy = memory_allocate(sizeof *copy);
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    *copy = *config;
    app->config = copy;
    app->app_id = copy->app_id = memory_copy_text(config->app_id, strlen(config->app_id));
    app->base_url = copy->base_url = memory_copy_text(config->base_url, strlen(config->base_url));
    app->base_path = copy->base_path =
        memory_copy_text(config->base_path, strlen(config->base_path));
    if (app->app_id == NULL || app->base_url == NULL || app->base_path == NULL)
        return ATOLL_ERROR_OUT_OF_MEMORY;
    runner_options options = {.platform = platform_posix(),
                              .app_id = app->app_id,
                              .base_url = app->base_url,
                              .base_path = app->base_path,
                              .connect_timeout_ms = (uint64_t)config->connect_timeout_ms,
                              .request_timeout_ms = (uint64_t)config->request_timeout_ms,
                              .ping_period_ms = (uint64_t)config->ping_period_ms,
                              .pong_timeout_ms = (uint64_t)config->pong_timeout_ms,
                              .reconnect_delay_ms = (uint64_t)config->reconnect_delay_ms,
                              .reconnect_delay_ms_max = (uint64_t)config->reconnect_delay_ms_max,
                              .reconnect_multiplier = (uint32_t)config->reconnect_multiplier,
                              .reconnect_jitter_divisor =
                                  (uint32_t)config->reconnect_jitter_divisor,
                              .sink = on_runner_event,
                              .sink_context = app};
    return runner_new(&options, &app->runner);
}

atoll_app *atoll_app_open(const atoll_app_config *config, atoll_error **error)
{
    if (!api_ok(error, API_NOT_NULL(config))) return NULL;
    atoll_app *app = memory_allocate_zero(sizeof *app);
    if (app == NULL) {
        api_error_set(error, ATOLL_ERROR_OUT_OF_MEMORY);
        return NULL;
    }
    atomic_store(&app->references, 1);
    if (api_ok(error, app_start(app, config))) return app;
    app_release(app);
    return NULL;
}

atoll_app *app_retain(atoll_app *app)
{
    atomic_fetch_add(&app->references, 1);
    return app;
}

/* The last reference may go on the network thread itself (an event's user): then nothing joins it, the process's end
 * does. Realms hold the app, so no session is running by then. */
void app_release(atoll_app *app)
{
    if (app == NULL || atomic_fetch_sub(&app->references, 1) != 1) return;
    runner_free(app->runner);
    for (size_t i = 0; i < app->requests.count; i++) queue_release(app->requests.items[i].queue);
    vector_free(&app->requests);
    atoll_app_config_free(app->config);
    mutex_destroy(&app->lock);
    memory_free(app);
}

void atoll_app_free(atoll_app *app)
{
    app_release(app);
}

atoll_bytes atoll_app_id(const atoll_app *app)
{
    return app == NULL ? (atoll_bytes){NULL, 0} : (atoll_bytes){app->app_id, strlen(app->app_id)};
}

status app_request_new(atoll_app *app, atoll_queue *queue, uint64_t *id)
{
    TRY(API_NOT_NULL(app));
    TRY(API_NOT_NULL(queue));
    api_request request = {api_next_id(), queue};
    mutex_lock(&app->lock);
    status result = vector_push(&app->requests, request);
    mutex_unlock(&app->lock);
    if (result != ATOLL_OK) return result;
    queue_retain(queue);
    *id = request.id;
    return ATOLL_OK;
}

uint64_t atoll_app_log_in_anonymous(atoll_app *app, bool reuse, atoll_queue *queue,
                                    atoll_error **error)
{
    uint64_t request = 0;
    if (!api_ok(error, app_request_new(app, queue, &request))) return 0;
    runner_log_in_anonymous(app->runner, request, reuse);
    return request;
}

static uint64_t email_request(atoll_app *app, bytes email, bytes password, bool log_in,
                              atoll_queue *queue, atoll_error **error)
{
    uint64_t request = 0;
    status result = email.data == NULL || password.data == NULL
                        ? fail(ATOLL_ERROR_INVALID_ARGUMENT,
                               "an e-mail address and a password are needed; one of them is NULL")
                        : app_request_new(app, queue, &request);
    if (!api_ok(error, result)) return 0;
    if (log_in)
        runner_log_in_email(app->runner, request, email, password);
    else
        runner_register_email(app->runner, request, email, password);
    return request;
}

uint64_t atoll_app_log_in_email(atoll_app *app, const char *email, size_t email_size,
                                const char *password, size_t password_size, atoll_queue *queue,
                                atoll_error **error)
{
    return email_request(app, bytes_of(email, email_size), bytes_of(password, password_size), true,
                         queue, error);
}

uint64_t atoll_app_register_email(atoll_app *app, const char *email, size_t email_size,
                                  const char *password, size_t password_size, atoll_queue *queue,
                                  atoll_error **error)
{
    return email_request(app, bytes_of(email, email_size), bytes_of(password, password_size), false,
                         queue, error);
}

atoll_user *user_wrap(atoll_app *app, account *of)
{
    atoll_user *user = of == NULL ? NULL : memory_allocate(sizeof *user);
    if (user == NULL) {
        if (of != NULL) account_release(of);
        return NULL;
    }
    *user = (atoll_user){app_retain(app), of};
    return user;
}

static atoll_user *user_new(const atoll_app *app, account *of, atoll_error **error)
{
    if (of == NULL) return NULL;
    atoll_user *user = user_wrap((atoll_app *)(uintptr_t)app, of);
    if (user == NULL) api_error_set(error, ATOLL_ERROR_OUT_OF_MEMORY);
    return user;
}

atoll_user *atoll_app_current_user(const atoll_app *app, atoll_error **error)
{
    return api_ok(error, API_NOT_NULL(app))
               ? user_new(app, runner_current_account(app->runner), error)
               : NULL;
}

int32_t atoll_app_user_count(const atoll_app *app)
{
    return app == NULL ? 0 : (int32_t)runner_account_count(app->runner);
}

atoll_user *atoll_app_user(const atoll_app *app, int32_t index, atoll_error **error)
{
    if (!api_ok(error, API_NOT_NULL(app))) return NULL;
    account *found = index < 0 ? NULL : runner_account_at(app->runner, (size_t)index);
    if (found == NULL)
        api_error_set(error, fail(ATOLL_ERROR_OUT_OF_RANGE, "user %d does not exist", (int)index));
    return user_new(app, found, error);
}

atoll_status atoll_app_switch_user(atoll_app *app, const atoll_user *user, atoll_error **error)
{
    status result = API_NOT_NULL(app);
    if (result == ATOLL_OK) result = API_NOT_NULL(user);
    return api_result(error, result == ATOLL_OK ? runner_switch_account(app->runner, user->account)
                                                : result);
}

void atoll_app_reconnect(atoll_app *app)
{
    if (app != NULL) runner_reconnect(app->runner);
}

void atoll_user_free(atoll_user *user)
{
    if (user == NULL) return;
    account_release(user->account);
    app_release(user->app);
    memory_free(user);
}

atoll_bytes atoll_user_id(const atoll_user *user)
{
    return user == NULL
               ? (atoll_bytes){NULL, 0}
               : (atoll_bytes){account_id(user->account), strlen(account_id(user->account))};
}

int32_t atoll_user_state(const atoll_user *user)
{
    return user == NULL ? ATOLL_USER_REMOVED : account_state(user->account);
}

atoll_bytes atoll_user_provider(const atoll_user *user)
{
    if (user == NULL) return (atoll_bytes){NULL, 0};
    return (atoll_bytes){account_provider(user->account), strlen(account_provider(user->account))};
}

atoll_values *atoll_user_access_token(const atoll_user *user, atoll_error **error)
{
    buffer token;
    atoll_values *values = NULL;
    buffer_init(&token, 64u << 10);
    status result = API_NOT_NULL(user);
    if (result == ATOLL_OK) result = account_access_token(user->account, &token);
    if (result == ATOLL_OK) {
        value v = value_string(buffer_view(&token));
        result = values_of(&v, &values);
    }
    buffer_free(&token);
    return api_ok(error, result) ? values : NULL;
}

bool atoll_user_equals(const atoll_user *user, const atoll_user *other)
{
    if (user == NULL || other == NULL) return user == other;
    return user->account == other->account ||
           strcmp(account_id(user->account), account_id(other->account)) == 0;
}

uint64_t atoll_user_log_out(atoll_user *user, atoll_queue *queue, atoll_error **error)
{
    uint64_t request = 0;
    status result = API_NOT_NULL(user);
    if (result == ATOLL_OK) result = app_request_new(user->app, queue, &request);
    if (!api_ok(error, result)) return 0;
    runner_log_out(user->app->runner, request, user->account);
    return request;
}
