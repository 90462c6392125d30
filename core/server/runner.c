/* The server's loop.
 *
 *   turn: sockets → gRPC → streams and unary calls → one sync per app → outputs → sockets
 *
 * Must never: wait for anything but the loop itself; die of what a client sends.
 * Invariant: between two turns every connection that has something to say or has failed is in `touched`. */
#include "server/runner_internal.h"

#include "base/log.h"
#include "server/events.h"

#include <stdio.h>

#define SERVER_PING_MS 60000
#define SERVER_PONG_MS 120000
#define SERVER_SWEEP_MS 1000 /* how late a deadline of a quiet connection may be seen */
#define SERVER_HOUSEKEEPING_MS (600u * 1000)
#define INGEST_DROPS_A_SWEEP 4
#define SERVER_CONNECTIONS_MAX 100000
#define SERVER_DRAIN_MS 3000 /* for batches that are under way when the server is to stop */
#define SERVER_STOP_TURNS 50 /* 20 ms each, for streams to hear of the end */
#define ADMIN_TOKEN_SIZE 32
#define PATH_SIZE_MAX 4096
#define CATEGORY "Realm.Sync.Server"

uint64_t runner_now_ms(const server_runner *r)
{
    return r->platform->monotonic_ms(r->platform->context);
}

int64_t runner_wall_ms(const server_runner *r)
{
    return r->platform->wall_ms(r->platform->context);
}

/* ---- events of calls ---- */

static void on_begun(void *context, grpc_call *call)
{
    connection *c = context;
    connection_touch(c);
    if (bytes_equal(grpc_call_path(call), bytes_text("/atoll.sync.v1.Sync/Session")))
        stream_begin(c->runner, c, call);
    else
        unary_begin(c->runner, c, call);
}

static void on_message(void *context, grpc_call *call, bytes message)
{
    call_state *state = grpc_call_user(call);
    connection_touch(context);
    if (state == NULL) return;
    if (state->kind == CALL_STREAM)
        stream_received((stream *)state, message);
    else
        unary_received(state, message);
}

static void on_ended(void *context, grpc_call *call)
{
    call_state *state = grpc_call_user(call);
    connection_touch(context);
    if (state == NULL) return;
    if (state->kind == CALL_STREAM)
        stream_ended((stream *)state);
    else
        unary_ended(state);
}

static void on_drained(void *context, grpc_call *call)
{
    call_state *state = grpc_call_user(call);
    if (state == NULL || state->kind != CALL_STREAM) return;
    connection_touch(context);
    stream_drained((stream *)state);
}

static void on_closed(void *context, grpc_call *call, status code, const char *text)
{
    (void)context, (void)code, (void)text;
    call_state *state = grpc_call_user(call);
    if (state == NULL) return;
    if (state->kind == CALL_STREAM)
        stream_closed((stream *)state);
    else
        unary_closed(state);
}

/* ---- connections ---- */

void connection_touch(connection *c)
{
    if (c->touched) return;
    /* There is room since connection_add: each is there once, or twice while the list is being worked through. */
    c->touched = true;
    c->runner->touched.items[c->runner->touched.count++] = c;
}

static void on_touched(void *context, channel *ch)
{
    (void)ch;
    connection_touch(context);
}

static void connection_end(connection *c)
{
    server_runner *r = c->runner;
    r->connections.items[c->index] = r->connections.items[--r->connections.count];
    r->connections.items[c->index]->index = c->index;
    c->touched = true; /* so that closing calls don't put it into the list again */
    channel_free(c->channel);
    memory_free(c);
}

static status connection_add(server_runner *r, int socket)
{
    if (r->connections.count >= SERVER_CONNECTIONS_MAX) {
        socket_close(socket);
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "more than %d connections", SERVER_CONNECTIONS_MAX);
    }
    connection *c = memory_allocate_zero(sizeof *c);
    if (c == NULL || vector_reserve(&r->connections, 1) != ATOLL_OK ||
        vector_reserve(&r->touched, 2 * (r->connections.count + 1)) != ATOLL_OK) {
        memory_free(c);
        socket_close(socket);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    c->runner = r;
    channel_options options = {
        .loop = r->loop,
        .platform = r->platform,
        .grpc = {.server = true,
                 .ping_period_ms = SERVER_PING_MS,
                 .pong_timeout_ms = SERVER_PONG_MS,
                 .events = {on_begun, on_message, on_ended, on_drained, on_closed},
                 .context = c},
        .touched = on_touched,
        .context = c,
        .tls = r->tls,
    };
    status result = channel_accepted(&options, socket, &c->channel);
    if (result != ATOLL_OK) {
        memory_free(c);
        return result;
    }
    c->index = r->connections.count;
    r->connections.items[r->connections.count++] = c;
    connection_touch(c);
    return ATOLL_OK;
}

static void on_listener(void *context, unsigned events)
{
    (void)events;
    server_runner *r = context;
    for (int i = 0; i < 64; i++) { /* then the others have their turn */
        int socket = -1;
        status result = socket_accept(r->listener, &socket);
        if (result == ATOLL_OK && socket < 0) return;
        if (result == ATOLL_OK) result = connection_add(r, socket);
        if (result != ATOLL_OK) {
            log_write(LOG_WARN, CATEGORY, "a connection was refused: %s", fail_text());
            return;
        }
    }
}

static void housekeep(server_runner *r, uint64_t now_ms)
{
    for (size_t i = 0; i < r->apps.count; i++) {
        served_app *a = r->apps.items[i];
        if (a->app != NULL && server_app_index(a->app) != ATOLL_OK)
            log_write(LOG_ERROR, CATEGORY, "%s: first downloads read all objects: %s", a->config.id,
                      fail_text());
    }
    if (now_ms < r->next_housekeeping_ms) return;
    uint64_t wait_ms = SERVER_HOUSEKEEPING_MS;
    for (size_t i = 0; i < r->apps.count; i++) {
        served_app *a = r->apps.items[i];
        uint64_t wanted = a->config.offline_ms / 100;
        if (wanted < wait_ms) wait_ms = wanted < SERVER_SWEEP_MS ? SERVER_SWEEP_MS : wanted;
        if (a->app != NULL && server_app_housekeep(a->app) != ATOLL_OK)
            log_write(LOG_ERROR, CATEGORY, "%s: old deletions stay: %s", a->config.id, fail_text());
    }
    r->next_housekeeping_ms = now_ms + wait_ms;
}

/* What PostgreSQL is to have and has not yet stays, however old it is. */
static void drop_ingested(server_runner *r)
{
    for (size_t i = 0; i < r->apps.count; i++) {
        served_app *a = r->apps.items[i];
        bool more = a->app != NULL;
        for (int k = 0; more && k < INGEST_DROPS_A_SWEEP; k++) {
            uint64_t through = a->sink == NULL ? UINT64_MAX : sink_delivered(a->sink);
            if (server_ingest_drop(a->app, &a->config.keep, through, &more) == ATOLL_OK) continue;
            log_write(LOG_ERROR, CATEGORY, "%s: old ingested objects stay: %s", a->config.id,
                      fail_text());
            break;
        }
    }
}

static void turn_connections(server_runner *r, uint64_t now_ms)
{
    if (now_ms >= r->next_sweep_ms) {
        for (size_t i = 0; i < r->connections.count; i++) {
            if (channel_deadline(r->connections.items[i]->channel) <= now_ms)
                connection_touch(r->connections.items[i]);
        }
        r->next_sweep_ms = now_ms + SERVER_SWEEP_MS;
        housekeep(r, now_ms);
        streams_end_expired(r);
        drop_ingested(r);
    }
    /* A connection that is turned may get touched again, by what leaves it: it waits for the next turn. */
    size_t count = r->touched.count;
    for (size_t i = 0; i < count; i++) r->touched.items[i]->touched = false;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        connection *c = r->touched.items[i];
        if (channel_turn(c->channel, now_ms) == ATOLL_OK) continue;
        log_write(LOG_DEBUG, CATEGORY, "a connection has ended: %s", fail_text());
        for (size_t j = count; j < r->touched.count; j++) {
            if (r->touched.items[j] == c)
                r->touched.items[j] = r->touched.items[--r->touched.count], j--;
        }
        connection_end(c);
    }
    for (size_t i = count; i < r->touched.count; i++)
        r->touched.items[kept++] = r->touched.items[i];
    r->touched.count = kept;
}

/* ---- start and end ---- */

static status load_secret(server_runner *r, const char *name, size_t size, bool hex, buffer *out)
{
    char path[PATH_SIZE_MAX];
    uint8_t raw[64];
    snprintf(path, sizeof path, "%s/%s", r->options.data, name);
    if (!file_exists(path)) {
        char text[2 * sizeof raw + 1] = "";
        r->platform->random(r->platform->context, raw, size);
        for (size_t i = 0; i < size; i++) snprintf(text + 2 * i, 3, "%02x", raw[i]);
        TRY(file_write(path, hex ? bytes_text(text) : bytes_of(raw, size), 0600));
    }
    TRY(file_read(path, 4096, out));
    if (out->size != (hex ? 2 * size : size))
        return fail(ATOLL_ERROR_FILE_CORRUPT, "\"%s\" has a wrong size", path);
    return ATOLL_OK;
}

static status load_secrets(server_runner *r)
{
    buffer key;
    buffer_init(&key, 8192);
    status result = load_secret(r, "token.key", TOKEN_KEY_SIZE, false, &key);
    if (result == ATOLL_OK) memcpy(r->token_key, key.data, TOKEN_KEY_SIZE);
    buffer_free(&key);
    if (result == ATOLL_OK)
        result = load_secret(r, "admin.token", ADMIN_TOKEN_SIZE, true, &r->admin_token);
    return result;
}

static status open_users(server_runner *r)
{
    char path[PATH_SIZE_MAX];
    storage *store = NULL;
    storage_options options = {.create = true};
    snprintf(path, sizeof path, "%s/accounts", r->options.data);
    TRY(storage_open_rocksdb(path, &options, &store));
    return users_open(store, r->platform, &r->users);
}

static status start_listening(server_runner *r)
{
    char path[PATH_SIZE_MAX], address[512];
    const server_config *config = r->options.config;
    TRY(socket_listen(config->host, config->port, &r->listener, &r->port));
    TRY(loop_watch_add(r->loop, r->listener, LOOP_READ, on_listener, r, &r->watch));
    /* So that `atoll --data DIR` finds the server. */
    snprintf(path, sizeof path, "%s/address", r->options.data);
    bool six = strchr(config->host, ':') != NULL;
    snprintf(address, sizeof address, six ? "%s[%s]:%u\n" : "%s%s:%u\n",
             r->tls != NULL ? "https://" : "", config->host, r->port);
    return file_write(path, bytes_text(address), 0644);
}

static status load_tls(const server_runner *r, tls_context **out)
{
    const server_config *config = r->options.config;
    return config->certificate == NULL ? ATOLL_OK
                                       : tls_context_server(config->certificate, config->key, out);
}

static void reload_tls(server_runner *r)
{
    tls_context *fresh = NULL;
    if (r->tls == NULL) return;
    if (load_tls(r, &fresh) != ATOLL_OK) {
        log_write(LOG_ERROR, CATEGORY, "the certificate stays as it was: %s", fail_text());
        return;
    }
    tls_context_free(r->tls); /* open connections keep what they have */
    r->tls = fresh;
    log_write(LOG_INFO, CATEGORY, "the certificate was read again");
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Not at run time: sockets and files that are open already. */
static void tell_restart(const server_runner *r, const server_config *config)
{
    const server_config *first = r->options.config;
    if (strcmp(first->host, config->host) != 0 || first->port != config->port)
        EVENT(LOG_WARN, "setting waits for a restart", {"setting", "listen", 0});
    if (!same_text(first->certificate, config->certificate) || !same_text(first->key, config->key))
        EVENT(LOG_WARN, "setting waits for a restart", {"setting", "tls", 0});
}

/* Whoever runs the server hears of a mistake in the log; what was in force stays. */
static void reload_config(server_runner *r)
{
    server_config config = {0};
    if (r->options.read_config == NULL) return;
    status result = r->options.read_config(r->options.context, &config);
    if (result == ATOLL_OK) {
        tell_restart(r, &config);
        r->access_token_ms = config.access_token_ms;
        r->refresh_token_ms = config.refresh_token_ms;
        result = apps_reload(r, &config);
    }
    server_config_free(&config);
    if (result == ATOLL_OK)
        log_write(LOG_INFO, CATEGORY, "the configuration was read again");
    else
        log_write(LOG_ERROR, CATEGORY, "the configuration was not taken: %s", fail_text());
}

static void reload(server_runner *r)
{
    if (!atomic_exchange(&r->reload, false)) return;
    reload_config(r);
    reload_tls(r);
}

void server_runner_reload(server_runner *r)
{
    atomic_store(&r->reload, true);
    loop_wake(r->loop);
}

static void wake(void *context)
{
    loop_wake(context);
}

status server_runner_new(const server_runner_options *options, server_runner **out)
{
    char path[PATH_SIZE_MAX];
    if (strlen(options->data) > PATH_SIZE_MAX / 2)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the data folder's path is too long");
    server_runner *r = memory_allocate_zero(sizeof *r);
    if (r == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    r->options = *options;
    r->data = memory_copy_text(options->data, strlen(options->data));
    r->options.data = r->data;
    r->platform = options->platform;
    r->listener = -1;
    r->access_token_ms = options->config->access_token_ms;
    r->refresh_token_ms = options->config->refresh_token_ms;
    r->platform->random(r->platform->context, &r->run, sizeof r->run);
    buffer_init(&r->admin_token, 8192);
    snprintf(path, sizeof path, "%s/lock", options->data);
    status result = r->data == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    TRY_GOTO(result);
    TRY_GOTO(file_make_folders(options->data));
    TRY_GOTO(file_lock_take(path, NULL, &r->lock));
    TRY_GOTO(loop_new(r->platform, &r->loop));
    TRY_GOTO(load_secrets(r));
    TRY_GOTO(open_users(r));
    TRY_GOTO(passwords_new(r->platform, wake, r->loop, &r->passwords));
    TRY_GOTO(guard_new(r->platform, &r->guard));
    TRY_GOTO(apps_load(r));
    TRY_GOTO(load_tls(r, &r->tls));
    TRY_GOTO(start_listening(r));
done:
    if (result != ATOLL_OK)
        server_runner_free(r);
    else
        *out = r;
    return result;
}

uint16_t server_runner_port(const server_runner *r)
{
    return r->port;
}

static status turn(server_runner *r, uint64_t deadline_ms)
{
    uint64_t due_ms = streams_deadline(r);
    if (due_ms > deadline_ms) due_ms = deadline_ms;
    TRY(loop_turn(r->loop, r->touched.count > 0 ? 0 : due_ms));
    services_password_done(r);
    reload(r);
    TRY(streams_commit(r));
    turn_connections(r, runner_now_ms(r));
    return ATOLL_OK;
}

status server_runner_run(server_runner *r)
{
    status result = ATOLL_OK;
    while (result == ATOLL_OK && !atomic_load(&r->stop)) result = turn(r, r->next_sweep_ms);
    loop_watch_remove(r->watch);
    r->watch = NULL;
    for (size_t i = 0; i < r->connections.count; i++) {
        grpc_shut_down(channel_grpc(r->connections.items[i]->channel));
        connection_touch(r->connections.items[i]);
    }
    uint64_t until_ms = runner_now_ms(r) + SERVER_DRAIN_MS;
    while (streams_drain(r, runner_now_ms(r) >= until_ms) && result == ATOLL_OK)
        result = turn(r, runner_now_ms(r) + 20);
    for (int i = 0; i < SERVER_STOP_TURNS && r->connections.count > 0 && result == ATOLL_OK; i++) {
        result = turn(r, runner_now_ms(r) + 20);
    }
    return result;
}

void server_runner_stop(server_runner *r)
{
    atomic_store(&r->stop, true);
    loop_wake(r->loop);
}

void server_runner_free(server_runner *r)
{
    if (r == NULL) return;
    while (r->connections.count > 0) connection_end(r->connections.items[r->connections.count - 1]);
    loop_watch_remove(r->watch);
    if (r->listener >= 0) socket_close(r->listener);
    passwords_free(r->passwords);
    guard_free(r->guard);
    tls_context_free(r->tls);
    apps_close(r);
    users_close(r->users);
    for (size_t i = 0; i < r->ended.count; i++) memory_free(r->ended.items[i].partition);
    vector_free(&r->ended);
    vector_free(&r->connections);
    vector_free(&r->touched);
    buffer_free(&r->admin_token);
    loop_free(r->loop);
    file_lock_free(r->lock);
    memory_free(r->data);
    memory_free(r);
}
