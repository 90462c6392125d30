/* atoll_app and atoll_user: one network thread per app; log-ins are requests whose answer is an event.
 * It must never block on the network. Invariant: every request has its queue registered before the runner hears of it. */
#include "api/api.h"
#include "api/config_limits.h"
#include "sync/grpc.h"
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
    config->connection_linger_ms = APP_CONFIG_CONNECTION_LINGER_MS_DEFAULT;
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
    memory_free(config->trusted_certificates);
    memory_free(config->proxy_url);
    cipher_wipe(config->metadata_key, sizeof config->metadata_key);
    for (size_t i = 0; i < config->headers.count; i++) memory_free(config->headers.items[i]);
    vector_free(&config->headers);
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

static status replace_optional(atoll_app_config *config, char **to, const char *text, size_t size,
                               const char *what)
{
    TRY(API_NOT_NULL(config));
    if (size > 0) return api_replace_text(to, text, size, what);
    memory_free(*to);
    *to = NULL;
    return ATOLL_OK;
}

atoll_status atoll_app_config_set_trusted_certificates(atoll_app_config *config, const char *pem,
                                                       size_t pem_size, atoll_error **error)
{
    return api_result(error, replace_optional(config,
                                              config == NULL ? NULL : &config->trusted_certificates,
                                              pem, pem_size, "certificates"));
}

atoll_status atoll_app_config_set_proxy_url(atoll_app_config *config, const char *url,
                                            size_t url_size, atoll_error **error)
{
    return api_result(error, replace_optional(config, config == NULL ? NULL : &config->proxy_url,
                                              url, url_size, "proxy URL"));
}

atoll_status atoll_app_config_set_metadata_encryption_key(atoll_app_config *config, const char *key,
                                                          size_t key_size, atoll_error **error)
{
    status result = API_NOT_NULL(config);
    if (result == ATOLL_OK && key_size != 0 && (key_size != CIPHER_KEY_SIZE || key == NULL))
        result = fail(ATOLL_ERROR_INVALID_ARGUMENT,
                      "a metadata encryption key has %d bytes; %zu were given", CIPHER_KEY_SIZE,
                      key_size);
    if (result == ATOLL_OK) {
        if (key_size > 0) memcpy(config->metadata_key, key, key_size);
        config->metadata_key_size = key_size;
    }
    return api_result(error, result);
}

static status add_header(atoll_app_config *config, bytes name, bytes value)
{
    TRY(API_NOT_NULL(config));
    if (name.data == NULL || value.data == NULL)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "a header's name or value is NULL");
    if (config->headers.count / 2 >= GRPC_HEADERS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "an app has %d headers at most", GRPC_HEADERS_MAX);
    TRY(vector_reserve(&config->headers, 2));
    char *copies[] = {memory_copy_text((const char *)name.data, name.size),
                      memory_copy_text((const char *)value.data, value.size)};
    if (copies[0] == NULL || copies[1] == NULL) {
        memory_free(copies[0]);
        memory_free(copies[1]);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < 2; i++) config->headers.items[config->headers.count++] = copies[i];
    return ATOLL_OK;
}

atoll_status atoll_app_config_add_header(atoll_app_config *config, const char *name,
                                         size_t name_size, const char *value, size_t value_size,
                                         atoll_error **error)
{
    return api_result(error,
                      add_header(config, bytes_of(name, name_size), bytes_of(value, value_size)));
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
MILLISECONDS_SETTER(connection_linger_ms, APP_CONFIG_CONNECTION_LINGER_MS)
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
        if (e->answer_count > 0 &&
            values_of_texts(e->answer, e->answer_count, &event->values) != ATOLL_OK)
            event->code = ATOLL_ERROR_OUT_OF_MEMORY;
    }
    queue_push(queue, event);
    queue_release(queue);
    return true;
}

static void on_runner_event(void *context, const runner_event *e)
{
    atoll_app *app = context;
    if (e->kind == RUNNER_EVENT_REQUEST_DONE && request_done(app, e)) return;
    if (e->kind == RUNNER_EVENT_USER) {
        app_user_changed(app, e->user);
        return;
    }
    database *d = e->session == NULL ? NULL : database_of_session(e->session);
    if (d == NULL) return;
    database_event(d, e);
    database_release(d);
}

/* The app's own copy of what is asked later. */
static status copy_config(atoll_app *app, const atoll_app_config *config)
{
    atoll_app_config *copy = memory_allocate_zero(sizeof *copy);
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    app->config = copy;
    copy->connect_timeout_ms = config->connect_timeout_ms;
    copy->request_timeout_ms = config->request_timeout_ms;
    copy->ping_period_ms = config->ping_period_ms;
    copy->pong_timeout_ms = config->pong_timeout_ms;
    copy->reconnect_delay_ms = config->reconnect_delay_ms;
    copy->reconnect_delay_ms_max = config->reconnect_delay_ms_max;
    copy->reconnect_multiplier = config->reconnect_multiplier;
    copy->reconnect_jitter_divisor = config->reconnect_jitter_divisor;
    app->app_id = copy->app_id = memory_copy_text(config->app_id, strlen(config->app_id));
    app->base_url = copy->base_url = memory_copy_text(config->base_url, strlen(config->base_url));
    app->base_path = copy->base_path =
        memory_copy_text(config->base_path, strlen(config->base_path));
    return app->app_id == NULL || app->base_url == NULL || app->base_path == NULL
               ? ATOLL_ERROR_OUT_OF_MEMORY
               : ATOLL_OK;
}

static status app_start(atoll_app *app, const atoll_app_config *config)
{
    TRY(mutex_init(&app->lock));
    TRY(copy_config(app, config));
    runner_options options = {
        .platform = platform_posix(),
        .app_id = app->app_id,
        .base_url = app->base_url,
        .base_path = app->base_path,
        .connect_timeout_ms = (uint64_t)config->connect_timeout_ms,
        .request_timeout_ms = (uint64_t)config->request_timeout_ms,
        .ping_period_ms = (uint64_t)config->ping_period_ms,
        .pong_timeout_ms = (uint64_t)config->pong_timeout_ms,
        .connection_linger_ms = (uint64_t)config->connection_linger_ms,
        .reconnect_delay_ms = (uint64_t)config->reconnect_delay_ms,
        .reconnect_delay_ms_max = (uint64_t)config->reconnect_delay_ms_max,
        .reconnect_multiplier = (uint32_t)config->reconnect_multiplier,
        .reconnect_jitter_divisor = (uint32_t)config->reconnect_jitter_divisor,
        .proxy_url = config->proxy_url,
        .headers = (const char *const *)config->headers.items,
        .header_count = config->headers.count,
        .metadata_key = bytes_of(config->metadata_key, config->metadata_key_size),
        .sink = on_runner_event,
        .sink_context = app};
    if (config->trusted_certificates != NULL)
        options.trusted_certificates = bytes_text(config->trusted_certificates);
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
    app_observers_free(app);
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
