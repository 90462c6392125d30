/* The client's connections: one per user for its sessions, one for unary calls; closed when idle.
 * Must never: open a second connection for a user while one takes calls.
 * Invariant: a connection that failed is freed in the same turn, and every call on it was told why. */
#include "sync/runner_internal.h"

#include "base/log.h"

#include <stdio.h>

#define CATEGORY "Realm.Sync.Client.Network"

static void on_message(void *context, grpc_call *call, bytes message)
{
    (void)context;
    net_call *state = grpc_call_user(call);
    if (state == NULL) return;
    if (state->kind == NET_SESSION)
        session_message(state, message);
    else
        calls_message(state, message);
}

static void on_closed(void *context, grpc_call *call, status code, const char *text)
{
    net_connection *c = context;
    net_call *state = grpc_call_user(call);
    if (state == NULL) return;
    if (c->failed != ATOLL_OK && code == ATOLL_ERROR_CONNECTION_CLOSED) {
        code = c->failed;
        text = c->text;
    }
    if (state->kind == NET_SESSION)
        session_call_closed(state, code, text);
    else
        calls_closed(state, code, text);
}

static void connection_free(net_connection *c)
{
    channel_free(c->channel);
    if (c->account != NULL) account_release(c->account);
    memory_free(c);
}

static status connect_new(runner *r, account *of, net_connection **out)
{
    net_connection *c = memory_allocate_zero(sizeof *c);
    if (c == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    c->runner = r;
    const runner_options *o = &r->options;
    channel_options options = {
        .loop = r->loop,
        .platform = o->platform,
        .tls = r->address.secure ? r->tls : NULL,
        .proxy = r->proxy.host == NULL ? NULL : &r->proxy,
        .grpc = {.authority = r->address.authority,
                 .secure = r->address.secure,
                 .headers = (const char *const *)r->headers.items,
                 .header_count = r->headers.count,
                 .ping_period_ms = o->ping_period_ms,
                 .pong_timeout_ms = o->pong_timeout_ms,
                 .events = {NULL, on_message, NULL, NULL, on_closed},
                 .context = c},
    };
    uint64_t timeout_ms = of == NULL && o->request_timeout_ms < o->connect_timeout_ms
                              ? o->request_timeout_ms
                              : o->connect_timeout_ms;
    status result =
        channel_connect(&options, r->address.host, r->address.port, timeout_ms, &c->channel);
    if (result == ATOLL_OK) result = vector_push(&r->connections, c);
    if (result != ATOLL_OK) {
        connection_free(c);
        return result;
    }
    if (of != NULL) c->account = account_retain(of);
    log_write(LOG_DETAIL, CATEGORY, "connecting to %s", r->address.authority);
    *out = c;
    return ATOLL_OK;
}

status net_open(runner *r, account *of, net_connection **out)
{
    for (size_t i = 0; i < r->connections.count; i++) {
        net_connection *c = r->connections.items[i];
        if (c->account != of || c->failed != ATOLL_OK ||
            grpc_is_shut_down(channel_grpc(c->channel)))
            continue;
        *out = c;
        return ATOLL_OK;
    }
    return connect_new(r, of, out);
}

static void announce(runner *r, net_connection *c)
{
    c->announced = true;
    for (size_t i = 0; i < r->sessions.count; i++) {
        if (r->sessions.items[i]->connection == c) session_connected(r->sessions.items[i]);
    }
}

static bool is_idle_too_long(net_connection *c, uint64_t now_ms)
{
    if (grpc_call_count(channel_grpc(c->channel)) > 0) {
        c->idle_since_ms = 0;
        return false;
    }
    if (c->idle_since_ms == 0) c->idle_since_ms = now_ms;
    return now_ms >= c->idle_since_ms + c->runner->options.connection_linger_ms;
}

void net_turn(runner *r, bool *again)
{
    uint64_t now_ms = net_now_ms(r);
    for (size_t i = 0; i < r->connections.count;) {
        net_connection *c = r->connections.items[i];
        if (!c->announced && channel_is_connected(c->channel)) {
            announce(r, c);
            *again = true;
        }
        status result = channel_turn(c->channel, now_ms);
        bool idle = result == ATOLL_OK && is_idle_too_long(c, now_ms);
        if (result == ATOLL_OK && !idle) {
            i++;
            continue;
        }
        c->failed = idle ? ATOLL_ERROR_CONNECTION_CLOSED : result;
        snprintf(c->text, sizeof c->text, "%s: %s", r->address.authority,
                 idle ? "idle" : fail_text());
        log_write(idle ? LOG_DETAIL : LOG_INFO, CATEGORY, "connection closed: %s", c->text);
        r->connections.items[i] = r->connections.items[--r->connections.count];
        connection_free(c);
        *again = true;
    }
}

uint64_t net_deadline(const runner *r)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < r->connections.count; i++) {
        const net_connection *c = r->connections.items[i];
        uint64_t wanted = channel_deadline(c->channel);
        uint64_t closes_ms = c->idle_since_ms + r->options.connection_linger_ms;
        if (c->idle_since_ms != 0 && closes_ms < wanted) wanted = closes_ms;
        if (wanted < next) next = wanted;
    }
    return next;
}

void net_close_all(runner *r, const char *why)
{
    while (r->connections.count > 0) {
        net_connection *c = r->connections.items[--r->connections.count];
        c->failed = ATOLL_ERROR_CANCELLED;
        snprintf(c->text, sizeof c->text, "%s", why);
        connection_free(c);
    }
}
