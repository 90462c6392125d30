/* The client's unary calls: log in, register, refresh, log out; the others are in runner_calls_ask.c.
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

void runner_done(runner *r, uint64_t request, status code, const char *text, account *user)
{
    runner_event event = {.kind = RUNNER_EVENT_REQUEST_DONE,
                          .request = request,
                          .code = code,
                          .text = text,
                          .user = user};
    runner_send(r, &event);
}

void runner_user_changed(runner *r, account *a)
{
    runner_send(r, &(runner_event){.kind = RUNNER_EVENT_USER, .user = a});
}

/* ---- the users' file ---- */

void runner_save(runner *r)
{
    char folder[4096];
    account_list copy = {0};
    snprintf(folder, sizeof folder, "%s/%s", r->base_path, r->app_id);
    status result = file_make_folders(folder);
    mutex_lock(&r->lock); /* for the copy alone: a disk may be slow */
    for (size_t i = 0; i < r->accounts.items.count && result == ATOLL_OK; i++)
        result = account_list_add(&copy, account_retain(r->accounts.items.items[i]));
    copy.current = r->accounts.current;
    mutex_unlock(&r->lock);
    copy.device_id = r->accounts.device_id; /* these two are this thread's to change */
    copy.removed = r->accounts.removed;
    if (result == ATOLL_OK)
        result = account_list_write(&copy, r->users_path, r->options.metadata_key);
    if (result != ATOLL_OK)
        log_write(LOG_ERROR, CATEGORY, "the users of the app were not saved: %s", fail_text());
    for (size_t i = 0; i < copy.items.count; i++) account_release(copy.items.items[i]);
    vector_free(&copy.items);
}

/* ---- starting ---- */

void unary_free(unary_call *u)
{
    if (u->user != NULL) account_release(u->user);
    buffer_free(&u->answer);
    memory_free(u);
}

status unary_start(runner *r, unary_call *u, const char *path, const ProtobufCMessage *message,
                   bool bearer)
{
    uint8_t packed[32 << 10]; /* a token of another provider has up to 16 KB */
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > sizeof packed)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "the request is larger than %zu bytes",
                    sizeof packed);
    protobuf_c_message_pack(message, packed);
    net_connection *c = NULL;
    grpc_call *call = NULL;
    char *token = bearer && u->user != NULL ? account_copy_token(u->user, true) : NULL;
    if (bearer && token == NULL)
        return fail(ATOLL_ERROR_NOT_LOGGED_IN, "the user is logged out: log in again");
    status result = net_open(r, NULL, &c);
    grpc_request request = {
        .path = path, .authorization = token, .timeout_ms = r->options.request_timeout_ms};
    if (result == ATOLL_OK)
        result = grpc_start(channel_grpc(c->channel), &request, net_now_ms(r), &call);
    if (result == ATOLL_OK) result = grpc_send(call, bytes_of(packed, size));
    if (result == ATOLL_OK) result = grpc_half_close(call);
    explicit_bzero(packed, size);
    memory_free(token);
    if (result == ATOLL_OK)
        grpc_call_set_user(call, &u->state);
    else if (call != NULL)
        grpc_cancel(call);
    return result;
}

unary_call *unary_new(runner *r, command_kind kind, uint64_t request, account *user)
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
    Atoll__Auth__V1__LogInRequest m = ATOLL__AUTH__V1__LOG_IN_REQUEST__INIT;
    Atoll__Auth__V1__Anonymous anonymous = ATOLL__AUTH__V1__ANONYMOUS__INIT;
    Atoll__Auth__V1__EmailPassword email = ATOLL__AUTH__V1__EMAIL_PASSWORD__INIT;
    m.app_id = r->app_id;
    if (r->accounts.device_id != NULL) m.device_id = r->accounts.device_id;
    if (c->kind == COMMAND_LOG_IN_ANONYMOUS) {
        m.credentials_case = ATOLL__AUTH__V1__LOG_IN_REQUEST__CREDENTIALS_ANONYMOUS;
        m.anonymous = &anonymous;
    } else {
        m.credentials_case = ATOLL__AUTH__V1__LOG_IN_REQUEST__CREDENTIALS_EMAIL_PASSWORD;
        email.email = c->texts[0];
        email.password = c->texts[1];
        m.email_password = &email;
    }
    return unary_start(r, u, "/atoll.auth.v1.Auth/LogIn", &m.base, false);
}

static status send_register(runner *r, unary_call *u, const command *c)
{
    Atoll__Auth__V1__RegisterRequest m = ATOLL__AUTH__V1__REGISTER_REQUEST__INIT;
    Atoll__Auth__V1__EmailPassword email = ATOLL__AUTH__V1__EMAIL_PASSWORD__INIT;
    m.app_id = r->app_id;
    email.email = c->texts[0];
    email.password = c->texts[1];
    m.email_password = &email;
    return unary_start(r, u, "/atoll.auth.v1.Auth/RegisterUser", &m.base, false);
}

static status send_refresh_token(runner *r, unary_call *u, const char *path, const char *token)
{
    Atoll__Auth__V1__RefreshRequest m = ATOLL__AUTH__V1__REFRESH_REQUEST__INIT;
    m.app_id = r->app_id;
    m.refresh_token = (char *)(uintptr_t)token;
    return unary_start(r, u, path, &m.base, false);
}

/* ---- commands ---- */

static account *reusable(runner *r)
{
    account *found = NULL;
    mutex_lock(&r->lock);
    for (size_t i = 0; i < r->accounts.items.count; i++) {
        account *a = r->accounts.items.items[i];
        if (account_is_anonymous(a) && account_state(a) == ACCOUNT_LOGGED_IN) found = a;
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
        runner_done(r, c->request, ATOLL_OK, NULL, there);
        account_release(there);
        return;
    }
    status result = ATOLL_ERROR_OUT_OF_MEMORY;
    unary_call *u = unary_new(r, c->kind, c->request, NULL);
    bool complete = u != NULL && (c->kind == COMMAND_LOG_IN_ANONYMOUS || c->texts[0] != NULL);
    if (complete)
        result = c->kind == COMMAND_REGISTER ? send_register(r, u, c) : send_log_in(r, u, c);
    if (result == ATOLL_OK) return;
    if (u != NULL) unary_free(u);
    runner_done(r, c->request, result, fail_text(), NULL);
}

void account_leaves(runner *r, account *a, int32_t state)
{
    session_stop_account(r, a);
    mutex_lock(&r->lock);
    atomic_store(&a->state, state);
    bool gone = state == ACCOUNT_REMOVED;
    /* Who is anonymous cannot come back: what is here of them is of no use. */
    bool useless = gone && account_is_anonymous(a);
    if (useless && account_texts_add(&r->accounts.removed, a->id) != ATOLL_OK)
        log_write(LOG_WARN, CATEGORY, "the realms of user %s stay: out of memory", a->id);
    if (gone) account_list_remove(&r->accounts, a);
    account_list_choose(&r->accounts);
    mutex_unlock(&r->lock);
    runner_save(r);
    runner_user_changed(r, a);
}

/* Locally it is done at once; the server is told as far as it can be reached. */
static void log_out(runner *r, const command *c)
{
    account *a = c->user;
    bool anonymous = account_is_anonymous(a);
    if (account_state(a) != ACCOUNT_LOGGED_IN) {
        runner_done(r, c->request, ATOLL_OK, NULL, NULL);
        return;
    }
    char *token = account_copy_token(a, true);
    account_leaves(r, a, anonymous ? ACCOUNT_REMOVED : ACCOUNT_LOGGED_OUT);
    unary_call *u = token == NULL ? NULL : unary_new(r, COMMAND_LOG_OUT, c->request, a);
    status result = u == NULL ? ATOLL_ERROR_OUT_OF_MEMORY
                              : send_refresh_token(r, u, "/atoll.auth.v1.Auth/LogOut", token);
    memory_free(token);
    if (result == ATOLL_OK) return;
    if (u != NULL) unary_free(u);
    runner_done(r, c->request, ATOLL_OK, NULL, NULL);
}

void calls_command(runner *r, command *c)
{
    if (c->kind == COMMAND_SAVE)
        runner_save(r);
    else if (c->kind == COMMAND_LOG_OUT)
        log_out(r, c);
    else if (c->kind == COMMAND_ASK)
        ask_command(r, c);
    else if (c->kind == COMMAND_RECONNECT || c->kind == COMMAND_NETWORK)
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
                           : send_refresh_token(r, u, "/atoll.auth.v1.Auth/Refresh", token);
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

static void note_lifetime(runner *r, account *a, const Atoll__Auth__V1__Tokens *t)
{
    int64_t life_ms = t->access_expires_ms - t->server_ms;
    int64_t margin_ms = life_ms / 10 < TOKEN_MARGIN_MS ? life_ms / 10 : TOKEN_MARGIN_MS;
    a->refresh_at_ms = life_ms > 0 ? net_now_ms(r) + (uint64_t)(life_ms - margin_ms) : UINT64_MAX;
}

static status profile_of(const Atoll__Auth__V1__Profile *from, account_profile *to)
{
    for (size_t i = 0; i < from->n_identities; i++) {
        TRY(account_texts_add(&to->identities, from->identities[i]->provider));
        TRY(account_texts_add(&to->identities, from->identities[i]->id));
    }
    for (size_t i = 0; i < from->n_fields; i++) {
        TRY(account_texts_add(&to->fields, from->fields[i]->name));
        TRY(account_texts_add(&to->fields, from->fields[i]->value));
    }
    if (from->custom_data[0] == '\0') return ATOLL_OK;
    to->custom_data = memory_copy_text(from->custom_data, strlen(from->custom_data));
    return to->custom_data == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

static status note_profile(account *a, const Atoll__Auth__V1__Tokens *t)
{
    account_profile profile = {0};
    status result = t->profile == NULL ? ATOLL_OK : profile_of(t->profile, &profile);
    if (result == ATOLL_OK && t->profile != NULL) account_set_profile(a, &profile);
    account_profile_free(&profile);
    return result;
}

static void note_device(runner *r, const char *id)
{
    if (id[0] == '\0' || r->accounts.device_id != NULL) return;
    char *copy = memory_copy_text(id, strlen(id));
    mutex_lock(&r->lock);
    r->accounts.device_id = copy; /* none, without memory: the next log-in tells it again */
    mutex_unlock(&r->lock);
}

/* The user of an answer: a known one with new tokens, or a new one. */
static status take_account(runner *r, const Atoll__Auth__V1__Tokens *t, bool log_in, account **out)
{
    account *a = NULL;
    status result = ATOLL_OK;
    mutex_lock(&r->lock);
    a = account_list_find(&r->accounts, t->user_id);
    if (a == NULL && log_in) {
        result = account_new(t->user_id, t->provider, &a);
        if (result == ATOLL_OK) result = account_list_add(&r->accounts, a);
    } else if (a == NULL) {
        result = fail(ATOLL_ERROR_NOT_LOGGED_IN, "the user has logged out meanwhile");
    }
    if (result == ATOLL_OK) account_retain(a);
    mutex_unlock(&r->lock);
    if (result != ATOLL_OK) return result;
    result = account_set_tokens(a, t->access_token, t->refresh_token);
    if (result == ATOLL_OK) result = note_profile(a, t);
    if (result != ATOLL_OK) {
        account_release(a);
        return result;
    }
    if (log_in) {
        mutex_lock(&r->lock);
        atomic_store(&a->state, ACCOUNT_LOGGED_IN);
        r->accounts.current = a;
        mutex_unlock(&r->lock);
        note_device(r, t->device_id);
    }
    note_lifetime(r, a, t);
    *out = a;
    return ATOLL_OK;
}

status take_tokens(runner *r, unary_call *u, account **out)
{
    bool log_in = u->user == NULL;
    Atoll__Auth__V1__Tokens *t =
        atoll__auth__v1__tokens__unpack(NULL, u->answer.size, u->answer.data);
    status result = t == NULL || t->user_id[0] == '\0'
                        ? fail(ATOLL_ERROR_PROTOCOL, "the server's answer cannot be read")
                        : take_account(r, t, log_in, out);
    if (t != NULL) atoll__auth__v1__tokens__free_unpacked(t, NULL);
    return result;
}

void log_in_done(unary_call *u, status code, const char *text)
{
    account *a = NULL;
    if (code == ATOLL_OK) {
        code = take_tokens(u->runner, u, &a);
        text = code == ATOLL_OK ? NULL : fail_text();
    }
    if (a != NULL) {
        runner_save(u->runner);
        session_start_account(u->runner, a);
        runner_user_changed(u->runner, a);
    }
    runner_done(u->runner, u->request, code, text, a);
    if (a != NULL) account_release(a);
}

void token_refused(runner *r, account *a)
{
    mutex_lock(&r->lock);
    bool logged_in = account_state(a) == ACCOUNT_LOGGED_IN;
    if (logged_in) atomic_store(&a->state, ACCOUNT_LOGGED_OUT);
    account_list_choose(&r->accounts);
    mutex_unlock(&r->lock);
    if (!logged_in) return;
    runner_save(r);
    runner_user_changed(r, a);
}

static void refresh_done(unary_call *u, status code, const char *text)
{
    runner *r = u->runner;
    account *a = u->user, *same = NULL;
    a->refreshing = false;
    if (code == ATOLL_OK) {
        code = take_tokens(r, u, &same);
        text = code == ATOLL_OK ? NULL : fail_text();
    } else if (code == ATOLL_ERROR_BAD_TOKEN) {
        token_refused(r, a);
    }
    if (same != NULL) {
        account_release(same);
        runner_save(r);
        runner_user_changed(r, a);
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
    case COMMAND_ASK: ask_done(u, code, text); break;
    case COMMAND_LOG_OUT: runner_done(u->runner, u->request, ATOLL_OK, NULL, NULL); break;
    default: runner_done(u->runner, u->request, code, text, NULL); break;
    }
    unary_free(u);
}
