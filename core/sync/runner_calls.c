/* The client's unary calls: log in, register, refresh, log out.
 * Must never: keep a password after it was sent; answer a request twice.
 * Invariant: a call's record lives until the call is closed; its request is answered there. */
#include "sync/runner_internal.h"

#include "auth.pb-c.h"

#include "base/log.h"
#include "platform/file.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_SIZE_MAX (64u << 10)
#define TOKEN_MARGIN_MS 60000 /* before its end, an access token is renewed */
#define CATEGORY "Realm.App"

typedef struct unary_call {
    net_call state; /* first */
    runner *runner;
    command_kind kind; /* COMMAND_SAVE stands for a refresh */
    uint64_t request;
    account *user; /* reference, or NULL */
    buffer answer;
} unary_call;

static void done(runner *r, uint64_t request, status code, const char *text, account *user)
{
    runner_event event = {.kind = RUNNER_EVENT_REQUEST_DONE,
                          .request = request,
                          .code = code,
                          .text = text,
                          .user = user};
    runner_send(r, &event);
}

/* ---- the users' file ---- */

static void save(runner *r)
{
    account_list copy = {0};
    char *json = NULL;
    status result = ATOLL_OK;
    mutex_lock(&r->lock);
    for (size_t i = 0; i < r->accounts.items.count && result == ATOLL_OK; i++) {
        result = account_list_add(&copy, account_retain(r->accounts.items.items[i]));
    }
    copy.current = r->accounts.current;
    mutex_unlock(&r->lock);
    if (result == ATOLL_OK) result = account_list_text(&copy, &json);
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/%s", r->base_path, r->app_id);
    if (result == ATOLL_OK) result = file_make_folders(folder);
    if (result == ATOLL_OK) result = file_write(r->users_path, bytes_text(json), 0600);
    if (result != ATOLL_OK)
        log_write(LOG_ERROR, CATEGORY, "the users of the app were not saved: %s", fail_text());
    free(json);
    account_list_free(&copy);
}

/* ---- starting ---- */

static void unary_free(unary_call *u)
{
    if (u->user != NULL) account_release(u->user);
    buffer_free(&u->answer);
    memory_free(u);
}

static status start(runner *r, unary_call *u, const char *path, const ProtobufCMessage *message)
{
    uint8_t packed[4096];
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > sizeof packed)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "the request is larger than %zu bytes",
                    sizeof packed);
    protobuf_c_message_pack(message, packed);
    net_connection *c = NULL;
    grpc_call *call = NULL;
    status result = net_open(r, NULL, &c);
    grpc_request request = {.path = path, .timeout_ms = r->options.request_timeout_ms};
    if (result == ATOLL_OK)
        result = grpc_start(channel_grpc(c->channel), &request, net_now_ms(r), &call);
    if (result == ATOLL_OK) result = grpc_send(call, bytes_of(packed, size));
    if (result == ATOLL_OK) result = grpc_half_close(call);
    explicit_bzero(packed, sizeof packed);
    if (result == ATOLL_OK)
        grpc_call_set_user(call, &u->state);
    else if (call != NULL)
        grpc_cancel(call);
    return result;
}

static unary_call *unary_new(runner *r, command_kind kind, uint64_t request, account *user)
{
    unary_call *u = memory_allocate_zero(sizeof *u);
    if (u == NULL) return NULL;
    u->state.kind = NET_UNARY;
    u->runner = r;
    u->kind = kind;
    u->request = request;
    if (user != NULL) u->user = account_retain(user);
    buffer_init(&u->answer, ANSWER_SIZE_MAX);
    return u;
}

static status send_log_in(runner *r, unary_call *u, const command *c)
{
    Atoll__Auth__V0__LogInRequest m = ATOLL__AUTH__V0__LOG_IN_REQUEST__INIT;
    Atoll__Auth__V0__Anonymous anonymous = ATOLL__AUTH__V0__ANONYMOUS__INIT;
    Atoll__Auth__V0__EmailPassword email = ATOLL__AUTH__V0__EMAIL_PASSWORD__INIT;
    m.app_id = r->app_id;
    if (c->kind == COMMAND_LOG_IN_ANONYMOUS) {
        m.credentials_case = ATOLL__AUTH__V0__LOG_IN_REQUEST__CREDENTIALS_ANONYMOUS;
        m.anonymous = &anonymous;
    } else {
        m.credentials_case = ATOLL__AUTH__V0__LOG_IN_REQUEST__CREDENTIALS_EMAIL_PASSWORD;
        email.email = c->email;
        email.password = c->password;
        m.email_password = &email;
    }
    return start(r, u, "/atoll.auth.v0.Auth/LogIn", &m.base);
}

static status send_register(runner *r, unary_call *u, const command *c)
{
    Atoll__Auth__V0__RegisterRequest m = ATOLL__AUTH__V0__REGISTER_REQUEST__INIT;
    Atoll__Auth__V0__EmailPassword email = ATOLL__AUTH__V0__EMAIL_PASSWORD__INIT;
    m.app_id = r->app_id;
    email.email = c->email;
    email.password = c->password;
    m.email_password = &email;
    return start(r, u, "/atoll.auth.v0.Auth/RegisterUser", &m.base);
}

static status send_refresh_token(runner *r, unary_call *u, const char *path, const char *token)
{
    Atoll__Auth__V0__RefreshRequest m = ATOLL__AUTH__V0__REFRESH_REQUEST__INIT;
    m.app_id = r->app_id;
    m.refresh_token = (char *)(uintptr_t)token;
    return start(r, u, path, &m.base);
}

/* ---- commands ---- */

static account *reusable(runner *r)
{
    account *found = NULL;
    mutex_lock(&r->lock);
    for (size_t i = 0; i < r->accounts.items.count; i++) {
        account *a = r->accounts.items.items[i];
        if (strcmp(a->provider, "anon-user") == 0 && account_state(a) == ACCOUNT_LOGGED_IN)
            found = a;
    }
    if (found != NULL) {
        r->accounts.current = found;
        account_retain(found);
    }
    mutex_unlock(&r->lock);
    return found;
}

static void log_in(runner *r, const command *c)
{
    account *there = c->kind == COMMAND_LOG_IN_ANONYMOUS && c->reuse ? reusable(r) : NULL;
    if (there != NULL) {
        done(r, c->request, ATOLL_OK, NULL, there);
        account_release(there);
        return;
    }
    status result = ATOLL_ERROR_OUT_OF_MEMORY;
    unary_call *u = unary_new(r, c->kind, c->request, NULL);
    bool complete = u != NULL && (c->kind == COMMAND_LOG_IN_ANONYMOUS || c->email != NULL);
    if (complete)
        result = c->kind == COMMAND_REGISTER ? send_register(r, u, c) : send_log_in(r, u, c);
    if (result == ATOLL_OK) return;
    if (u != NULL) unary_free(u);
    done(r, c->request, result, fail_text(), NULL);
}

/* Locally it is done at once; the server is told as far as it can be reached. */
static void log_out(runner *r, const command *c)
{
    account *a = c->user;
    bool anonymous = strcmp(a->provider, "anon-user") == 0;
    if (account_state(a) != ACCOUNT_LOGGED_IN) {
        done(r, c->request, ATOLL_OK, NULL, NULL);
        return;
    }
    char *token = account_copy_token(a, true);
    session_stop_account(r, a);
    mutex_lock(&r->lock);
    atomic_store(&a->state, anonymous ? ACCOUNT_REMOVED : ACCOUNT_LOGGED_OUT);
    if (anonymous) account_list_remove(&r->accounts, a);
    account_list_choose(&r->accounts);
    mutex_unlock(&r->lock);
    save(r);
    unary_call *u = token == NULL ? NULL : unary_new(r, COMMAND_LOG_OUT, c->request, a);
    status result = u == NULL ? ATOLL_ERROR_OUT_OF_MEMORY
                              : send_refresh_token(r, u, "/atoll.auth.v0.Auth/LogOut", token);
    memory_free(token);
    if (result == ATOLL_OK) return;
    if (u != NULL) unary_free(u);
    done(r, c->request, ATOLL_OK, NULL, NULL);
}

void calls_command(runner *r, command *c)
{
    if (c->kind == COMMAND_SAVE)
        save(r);
    else if (c->kind == COMMAND_LOG_OUT)
        log_out(r, c);
    else if (c->kind == COMMAND_RECONNECT)
        session_command(r, c);
    else
        log_in(r, c);
}

void calls_refresh(runner *r, account *a)
{
    if (a->refreshing) return;
    char *token = account_copy_token(a, true);
    status result;
    if (token == NULL)
        result = fail(ATOLL_ERROR_NOT_LOGGED_IN, "the user has no refresh token: log in again");
    else {
        unary_call *u = unary_new(r, COMMAND_SAVE, 0, a);
        result = u == NULL ? ATOLL_ERROR_OUT_OF_MEMORY
                           : send_refresh_token(r, u, "/atoll.auth.v0.Auth/Refresh", token);
        if (result != ATOLL_OK && u != NULL) unary_free(u);
    }
    memory_free(token);
    a->refreshing = result == ATOLL_OK;
    if (result != ATOLL_OK) session_token_refreshed(r, a, result, fail_text());
}

/* ---- answers ---- */

void calls_message(net_call *state, bytes message)
{
    unary_call *u = (unary_call *)state;
    buffer_clear(&u->answer);
    if (buffer_append(&u->answer, message.data, message.size) != ATOLL_OK) buffer_clear(&u->answer);
}

static void note_lifetime(runner *r, account *a, const Atoll__Auth__V0__Tokens *t)
{
    int64_t life_ms = t->access_expires_ms - t->server_ms;
    int64_t margin_ms = life_ms / 10 < TOKEN_MARGIN_MS ? life_ms / 10 : TOKEN_MARGIN_MS;
    a->refresh_at_ms = life_ms > 0 ? net_now_ms(r) + (uint64_t)(life_ms - margin_ms) : UINT64_MAX;
}

/* The user of an answer: a known one with new tokens, or a new one. */
static status take_account(runner *r, const Atoll__Auth__V0__Tokens *t, account **out)
{
    account *a = NULL;
    status result = ATOLL_OK;
    mutex_lock(&r->lock);
    a = account_list_find(&r->accounts, t->user_id);
    if (a == NULL) {
        result = account_new(t->user_id, t->provider, &a);
        if (result == ATOLL_OK) result = account_list_add(&r->accounts, a);
    }
    if (result == ATOLL_OK) account_retain(a);
    mutex_unlock(&r->lock);
    if (result != ATOLL_OK) return result;
    result = account_set_tokens(a, t->access_token, t->refresh_token);
    if (result == ATOLL_OK) {
        mutex_lock(&r->lock);
        atomic_store(&a->state, ACCOUNT_LOGGED_IN);
        r->accounts.current = a;
        mutex_unlock(&r->lock);
        note_lifetime(r, a, t);
        *out = a;
    } else {
        account_release(a);
    }
    return result;
}

static void log_in_done(unary_call *u, status code, const char *text)
{
    account *a = NULL;
    if (code == ATOLL_OK) {
        Atoll__Auth__V0__Tokens *t =
            atoll__auth__v0__tokens__unpack(NULL, u->answer.size, u->answer.data);
        code = t == NULL || t->user_id[0] == '\0'
                   ? fail(ATOLL_ERROR_PROTOCOL, "the server's answer to a log-in cannot be read")
                   : take_account(u->runner, t, &a);
        if (t != NULL) atoll__auth__v0__tokens__free_unpacked(t, NULL);
        text = code == ATOLL_OK ? NULL : fail_text();
    }
    if (a != NULL) {
        save(u->runner);
        session_start_account(u->runner, a);
    }
    done(u->runner, u->request, code, text, a);
    if (a != NULL) account_release(a);
}

static void refresh_done(unary_call *u, status code, const char *text)
{
    runner *r = u->runner;
    account *a = u->user;
    a->refreshing = false;
    if (code == ATOLL_OK) {
        Atoll__Auth__V0__Tokens *t =
            atoll__auth__v0__tokens__unpack(NULL, u->answer.size, u->answer.data);
        code = t == NULL
                   ? fail(ATOLL_ERROR_PROTOCOL, "the server's answer to a refresh cannot be read")
                   : account_set_tokens(a, t->access_token, t->refresh_token);
        if (code == ATOLL_OK) note_lifetime(r, a, t);
        if (t != NULL) atoll__auth__v0__tokens__free_unpacked(t, NULL);
        text = code == ATOLL_OK ? NULL : fail_text();
        save(r);
    } else if (code == ATOLL_ERROR_BAD_TOKEN) {
        mutex_lock(&r->lock);
        if (account_state(a) == ACCOUNT_LOGGED_IN) atomic_store(&a->state, ACCOUNT_LOGGED_OUT);
        account_list_choose(&r->accounts);
        mutex_unlock(&r->lock);
        save(r);
    }
    session_token_refreshed(r, a, code, text);
}

void calls_closed(net_call *state, status code, const char *text)
{
    unary_call *u = (unary_call *)state;
    switch (u->kind) {
    case COMMAND_LOG_IN_ANONYMOUS:
    case COMMAND_LOG_IN_EMAIL: log_in_done(u, code, text); break;
    case COMMAND_SAVE: refresh_done(u, code, text); break;
    case COMMAND_LOG_OUT: done(u->runner, u->request, ATOLL_OK, NULL, NULL); break;
    default: done(u->runner, u->request, code, text, NULL); break;
    }
    unary_free(u);
}
