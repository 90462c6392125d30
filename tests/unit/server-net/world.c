/* A server and its clients in one process, over real sockets on the loopback. */
#include "world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_MS 20000

static void serve(void *argument)
{
    world *w = argument;
    w->server_result = server_runner_run(w->server);
}

void world_start_server(world *w)
{
    char data[128];
    snprintf(data, sizeof data, "%s/server", w->folder);
    w->config.port = w->port;
    server_runner_options options = {
        .platform = platform_posix(), .config = &w->config, .data = data};
    cr_assert_eq(server_runner_new(&options, &w->server), ATOLL_OK, "%s", fail_text());
    w->port = server_runner_port(w->server);
    cr_assert_eq(thread_start("server", serve, w, &w->thread), ATOLL_OK);
}

void world_stop_server(world *w)
{
    server_runner_stop(w->server);
    thread_join(w->thread);
    cr_assert_eq(w->server_result, ATOLL_OK);
    server_runner_free(w->server);
    w->server = NULL;
}

void world_open(world *w, const char *yaml)
{
    *w = (world){.folder = "/tmp/atoll-serve-XXXXXX"};
    cr_assert_not_null(mkdtemp(w->folder));
    status result = yaml == NULL ? server_config_default(&w->config)
                                 : server_config_read(bytes_text(yaml), &w->config);
    cr_assert_eq(result, ATOLL_OK, "%s", fail_text());
    world_start_server(w);
}

void world_close(world *w)
{
    if (w->server != NULL) world_stop_server(w);
    server_config_free(&w->config);
    cr_assert_eq(file_remove_tree(w->folder), ATOLL_OK);
}

static void on_event(void *context, const runner_event *e)
{
    client *c = context;
    mutex_lock(&c->lock);
    if (e->kind == RUNNER_EVENT_REQUEST_DONE && c->done_count < DONE_MAX) {
        c->done[c->done_count] = e->request;
        c->codes[c->done_count] = e->code;
        c->users[c->done_count++] = e->user == NULL ? NULL : account_retain(e->user);
    }
    if (e->kind == RUNNER_EVENT_REQUEST_DONE && e->answer_count > 0) {
        for (size_t i = 0; i < 16; i++) {
            const char *text = i < e->answer_count ? e->answer[i] : NULL;
            memory_free(c->answers[i]);
            c->answers[i] = text == NULL ? NULL : memory_copy_text(text, strlen(text));
        }
    }
    if (e->kind == RUNNER_EVENT_USER) c->user_events++;
    if (e->kind == RUNNER_EVENT_ERROR) {
        c->error_count++;
        c->last_error = e->code;
    }
    if (e->kind == RUNNER_EVENT_CONNECTION) {
        c->connection = e->number_new;
        if (e->number_new == 2) c->connections++;
    }
    condition_broadcast(&c->changed);
    mutex_unlock(&c->lock);
}

void client_listen(client *c)
{
    cr_assert_eq(mutex_init(&c->lock), ATOLL_OK);
    cr_assert_eq(condition_init(&c->changed), ATOLL_OK);
}

runner_options client_options(client *c, const char *url, const char *path)
{
    return (runner_options){.platform = platform_posix(),
                            .app_id = "test",
                            .base_url = url,
                            .base_path = path,
                            .connect_timeout_ms = 5000,
                            .request_timeout_ms = 10000,
                            .ping_period_ms = 60000,
                            .pong_timeout_ms = 60000,
                            .connection_linger_ms = 30000,
                            .reconnect_delay_ms = 50,
                            .reconnect_delay_ms_max = 200,
                            .reconnect_multiplier = 2,
                            .reconnect_jitter_divisor = 4,
                            .sink = on_event,
                            .sink_context = c};
}

status client_try(client *c, world *w, const char *name, bytes metadata_key)
{
    char path[128], url[64];
    *c = (client){.world = w};
    client_listen(c);
    snprintf(path, sizeof path, "%s/%s", w->folder, name);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", w->port);
    runner_options options = client_options(c, url, path);
    options.metadata_key = metadata_key;
    return runner_new(&options, &c->runner);
}

void client_open(client *c, world *w, const char *name)
{
    cr_assert_eq(client_try(c, w, name, bytes_of(NULL, 0)), ATOLL_OK, "%s", fail_text());
}

status client_ask(client *c, runner_ask what, account *of, const char *first, const char *second,
                  const char *third)
{
    bytes texts[3];
    size_t count = 0;
    if (first != NULL) texts[count++] = bytes_text(first);
    if (second != NULL) texts[count++] = bytes_text(second);
    if (third != NULL) texts[count++] = bytes_text(third);
    uint64_t request = client_request(c);
    runner_ask_server(c->runner, request, what, of, texts, count);
    return client_wait(c, request, NULL);
}

status client_log_in_token(client *c, const char *provider, const char *token, account **user)
{
    bytes texts[] = {bytes_text(provider), bytes_text(token)};
    uint64_t request = client_request(c);
    runner_ask_server(c->runner, request, RUNNER_LOG_IN_TOKEN, NULL, texts, 2);
    return client_wait(c, request, user);
}

void client_close(client *c)
{
    runner_free(c->runner);
    for (size_t i = 0; i < c->done_count; i++) account_release(c->users[i]);
    for (size_t i = 0; i < 16; i++) memory_free(c->answers[i]);
    condition_destroy(&c->changed);
    mutex_destroy(&c->lock);
}

uint64_t client_request(client *c)
{
    return ++c->next_request;
}

status client_wait(client *c, uint64_t request, account **user)
{
    mutex_lock(&c->lock);
    for (;;) {
        for (size_t i = 0; i < c->done_count; i++) {
            if (c->done[i] != request) continue;
            status code = c->codes[i];
            if (user != NULL) {
                *user = c->users[i];
                c->users[i] = NULL;
            }
            mutex_unlock(&c->lock);
            return code;
        }
        bool woken = condition_wait_ms(&c->changed, &c->lock, PATIENCE_MS);
        if (!woken) mutex_unlock(&c->lock);
        cr_assert(woken, "request %llu was not answered", (unsigned long long)request);
    }
}

bool client_wait_connections(client *c, size_t count)
{
    bool woken = true;
    mutex_lock(&c->lock);
    while (c->connections < count && woken)
        woken = condition_wait_ms(&c->changed, &c->lock, PATIENCE_MS);
    mutex_unlock(&c->lock);
    return woken;
}

void client_released(void *context)
{
    client *c = context;
    mutex_lock(&c->lock);
    c->released = true;
    condition_broadcast(&c->changed);
    mutex_unlock(&c->lock);
}

void client_wait_released(client *c)
{
    bool woken = true;
    mutex_lock(&c->lock);
    while (!c->released && woken) woken = condition_wait_ms(&c->changed, &c->lock, PATIENCE_MS);
    mutex_unlock(&c->lock);
    cr_assert(woken, "the session was not released");
}

account *client_log_in(client *c)
{
    account *user = NULL;
    uint64_t request = client_request(c);
    runner_log_in_anonymous(c->runner, request, false);
    cr_assert_eq(client_wait(c, request, &user), ATOLL_OK);
    cr_assert_not_null(user);
    return user;
}

status client_log_in_email(client *c, const char *email, const char *password, account **user)
{
    uint64_t request = client_request(c);
    runner_log_in_email(c->runner, request, bytes_text(email), bytes_text(password));
    return client_wait(c, request, user);
}

status client_register(client *c, const char *email, const char *password)
{
    uint64_t request = client_request(c);
    runner_register_email(c->runner, request, bytes_text(email), bytes_text(password));
    return client_wait(c, request, NULL);
}

status client_log_out(client *c, account *user)
{
    uint64_t request = client_request(c);
    runner_log_out(c->runner, request, user);
    return client_wait(c, request, NULL);
}
