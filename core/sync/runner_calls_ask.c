/* What else the client asks the server about users: tokens of others, confirmations, identities, keys, deletion.
 * Must never: send a user's refresh token to another address than the one that gave it.
 * Invariant: every command that comes here is answered once, by ask_done or at once. */
#include "sync/runner_internal.h"

#include "auth.pb-c.h"

#include <stdio.h>

typedef Atoll__Auth__V1__TicketRequest ticket_request;
typedef Atoll__Auth__V1__EmailRequest email_request;
typedef Atoll__Auth__V1__KeyRequest key_request;

static status send_credentials(runner *r, unary_call *u, const command *c)
{
    Atoll__Auth__V1__LogInRequest m = ATOLL__AUTH__V1__LOG_IN_REQUEST__INIT;
    Atoll__Auth__V1__ProviderToken token = ATOLL__AUTH__V1__PROVIDER_TOKEN__INIT;
    Atoll__Auth__V1__EmailPassword email = ATOLL__AUTH__V1__EMAIL_PASSWORD__INIT;
    bool linking = c->ask != RUNNER_LOG_IN_TOKEN;
    m.app_id = r->app_id;
    if (r->accounts.device_id != NULL) m.device_id = r->accounts.device_id;
    if (c->ask == RUNNER_LINK_EMAIL) {
        m.credentials_case = ATOLL__AUTH__V1__LOG_IN_REQUEST__CREDENTIALS_EMAIL_PASSWORD;
        email.email = c->texts[0];
        email.password = c->texts[1];
        m.email_password = &email;
    } else {
        m.credentials_case = ATOLL__AUTH__V1__LOG_IN_REQUEST__CREDENTIALS_PROVIDER_TOKEN;
        token.provider = c->texts[0];
        token.token = c->texts[1];
        m.provider_token = &token;
    }
    return unary_start(r, u,
                       linking ? "/atoll.auth.v1.Auth/LinkIdentity" : "/atoll.auth.v1.Auth/LogIn",
                       &m.base, linking);
}

static status send_ticket(runner *r, unary_call *u, const command *c)
{
    ticket_request m = ATOLL__AUTH__V1__TICKET_REQUEST__INIT;
    bool reset = c->ask == RUNNER_RESET_PASSWORD;
    m.app_id = r->app_id;
    if (reset) m.password = c->texts[0];
    m.token = c->texts[reset ? 1 : 0];
    m.token_id = c->texts[reset ? 2 : 1];
    return unary_start(
        r, u, reset ? "/atoll.auth.v1.Auth/ResetPassword" : "/atoll.auth.v1.Auth/ConfirmUser",
        &m.base, false);
}

static status send_email(runner *r, unary_call *u, const command *c)
{
    email_request m = ATOLL__AUTH__V1__EMAIL_REQUEST__INIT;
    m.app_id = r->app_id;
    m.email = c->texts[0];
    return unary_start(r, u,
                       c->ask == RUNNER_SEND_RESET ? "/atoll.auth.v1.Auth/SendPasswordReset"
                                                   : "/atoll.auth.v1.Auth/ResendConfirmation",
                       &m.base, false);
}

static status send_key(runner *r, unary_call *u, const command *c)
{
    static const char *const paths[] = {[RUNNER_CREATE_KEY] = "/atoll.auth.v1.Auth/CreateKey",
                                        [RUNNER_FIND_KEYS] = "/atoll.auth.v1.Auth/FindKeys",
                                        [RUNNER_ENABLE_KEY] = "/atoll.auth.v1.Auth/EnableKey",
                                        [RUNNER_DISABLE_KEY] = "/atoll.auth.v1.Auth/EnableKey",
                                        [RUNNER_DELETE_KEY] = "/atoll.auth.v1.Auth/DeleteKey"};
    key_request m = ATOLL__AUTH__V1__KEY_REQUEST__INIT;
    m.app_id = r->app_id;
    m.disable = c->ask == RUNNER_DISABLE_KEY;
    if (c->ask == RUNNER_CREATE_KEY)
        m.name = c->texts[0];
    else
        m.id = c->texts[0];
    return unary_start(r, u, paths[c->ask], &m.base, true);
}

static status send_refresh(runner *r, unary_call *u)
{
    Atoll__Auth__V1__RefreshRequest m = ATOLL__AUTH__V1__REFRESH_REQUEST__INIT;
    char *token = account_copy_token(u->user, true);
    if (token == NULL)
        return fail(ATOLL_ERROR_NOT_LOGGED_IN, "the user is logged out: log in again");
    m.app_id = r->app_id;
    m.refresh_token = token;
    status result = unary_start(r, u, "/atoll.auth.v1.Auth/Refresh", &m.base, false);
    memory_free(token);
    return result;
}

static status send_delete(runner *r, unary_call *u)
{
    Atoll__Auth__V1__AppRequest m = ATOLL__AUTH__V1__APP_REQUEST__INIT;
    m.app_id = r->app_id;
    return unary_start(r, u, "/atoll.auth.v1.Auth/DeleteUser", &m.base, true);
}

static status send_ask(runner *r, unary_call *u, const command *c)
{
    switch (c->ask) {
    case RUNNER_LOG_IN_TOKEN:
    case RUNNER_LINK_EMAIL:
    case RUNNER_LINK_TOKEN: return send_credentials(r, u, c);
    case RUNNER_CONFIRM:
    case RUNNER_RESET_PASSWORD: return send_ticket(r, u, c);
    case RUNNER_RESEND_CONFIRMATION:
    case RUNNER_SEND_RESET: return send_email(r, u, c);
    case RUNNER_REFRESH_USER: return send_refresh(r, u);
    case RUNNER_DELETE_USER: return send_delete(r, u);
    default: return send_key(r, u, c);
    }
}

/* The log-ins belong to the server that gave them: on another one they mean nothing. */
static status set_base_url(runner *r, const char *url)
{
    server_address address = {0};
    TRY(server_address_read(url, &address));
    status result = runner_secure(r, &address);
    if (result != ATOLL_OK) {
        server_address_free(&address);
        return result;
    }
    for (size_t i = 0; i < r->accounts.items.count; i++) {
        account *a = r->accounts.items.items[i];
        if (account_state(a) != ACCOUNT_LOGGED_IN) continue;
        session_stop_account(r, a);
        mutex_lock(&r->lock);
        atomic_store(&a->state, ACCOUNT_LOGGED_OUT);
        mutex_unlock(&r->lock);
        runner_user_changed(r, a);
    }
    mutex_lock(&r->lock);
    account_list_choose(&r->accounts);
    mutex_unlock(&r->lock);
    net_close_all(r, "the app has another server now");
    server_address_free(&r->address);
    r->address = address;
    runner_save(r);
    return ATOLL_OK;
}

/* From this device: the sessions stop, what was not sent stays in the realms. */
static void remove_user(runner *r, const command *c)
{
    account *a = c->user;
    Atoll__Auth__V1__RefreshRequest m = ATOLL__AUTH__V1__REFRESH_REQUEST__INIT;
    char *token = account_copy_token(a, true);
    bool logged_in = account_state(a) == ACCOUNT_LOGGED_IN;
    if (account_state(a) != ACCOUNT_REMOVED) account_leaves(r, a, ACCOUNT_REMOVED);
    status result = ATOLL_ERROR_NOT_LOGGED_IN;
    unary_call *u =
        token == NULL || !logged_in ? NULL : unary_new(r, COMMAND_LOG_OUT, c->request, a);
    if (u != NULL) {
        m.app_id = r->app_id;
        m.refresh_token = token;
        result = unary_start(r, u, "/atoll.auth.v1.Auth/LogOut", &m.base, false);
        if (result != ATOLL_OK) unary_free(u);
    }
    memory_free(token);
    if (result != ATOLL_OK) runner_done(r, c->request, ATOLL_OK, NULL, NULL);
}

void ask_command(runner *r, command *c)
{
    bool of_user = c->ask >= RUNNER_LINK_EMAIL;
    bool textless = c->ask >= RUNNER_REFRESH_USER && c->ask <= RUNNER_DELETE_USER;
    status result = ATOLL_OK;
    if (!textless && c->texts[0] == NULL)
        result = fail(ATOLL_ERROR_OUT_OF_MEMORY, "out of memory: the request was not sent");
    else if (c->ask == RUNNER_REMOVE_USER) {
        remove_user(r, c);
        return;
    } else if (c->ask == RUNNER_SET_BASE_URL) {
        result = set_base_url(r, c->texts[0]);
        runner_done(r, c->request, result, result == ATOLL_OK ? NULL : fail_text(), NULL);
        return;
    } else if (of_user && account_state(c->user) != ACCOUNT_LOGGED_IN)
        result = fail(ATOLL_ERROR_NOT_LOGGED_IN, "the user is logged out: log in again");
    unary_call *u = result == ATOLL_OK ? unary_new(r, COMMAND_ASK, c->request, c->user) : NULL;
    if (result == ATOLL_OK && u == NULL) result = ATOLL_ERROR_OUT_OF_MEMORY;
    if (result == ATOLL_OK) {
        u->ask = c->ask;
        result = send_ask(r, u, c);
    }
    if (result == ATOLL_OK) return;
    if (u != NULL) unary_free(u);
    runner_done(r, c->request, result, fail_text(), NULL);
}

/* ---- answers ---- */

static void keys_done(unary_call *u)
{
    Atoll__Auth__V1__KeyList *list =
        atoll__auth__v1__key_list__unpack(NULL, u->answer.size, u->answer.data);
    VECTOR(const char *) texts = {0};
    status result = list == NULL ? fail(ATOLL_ERROR_PROTOCOL, "the server's answer cannot be read")
                                 : vector_reserve(&texts, 4 * list->n_keys);
    for (size_t i = 0; result == ATOLL_OK && texts.items != NULL && i < list->n_keys; i++) {
        const Atoll__Auth__V1__Key *key = list->keys[i];
        texts.items[texts.count++] = key->id;
        texts.items[texts.count++] = key->name;
        texts.items[texts.count++] = key->disabled ? "false" : "true";
        texts.items[texts.count++] = key->secret[0] == '\0' ? NULL : key->secret;
    }
    runner_event event = {.kind = RUNNER_EVENT_REQUEST_DONE,
                          .request = u->request,
                          .code = result,
                          .text = result == ATOLL_OK ? NULL : fail_text(),
                          .answer = texts.items,
                          .answer_count = texts.count};
    runner_send(u->runner, &event);
    vector_free(&texts);
    if (list != NULL) atoll__auth__v1__key_list__free_unpacked(list, NULL);
}

static void profile_done(unary_call *u)
{
    account *a = NULL;
    status result = take_tokens(u->runner, u, &a);
    if (result == ATOLL_OK) {
        runner_save(u->runner);
        runner_user_changed(u->runner, a);
    }
    runner_done(u->runner, u->request, result, result == ATOLL_OK ? NULL : fail_text(), a);
    if (a != NULL) account_release(a);
}

/* The user is gone everywhere: the realms here can never be sent any more. */
static void deleted(unary_call *u)
{
    runner *r = u->runner;
    mutex_lock(&r->lock);
    bool known = account_list_find(&r->accounts, u->user->id) == u->user;
    status result = known ? account_texts_add(&r->accounts.removed, u->user->id) : ATOLL_OK;
    mutex_unlock(&r->lock);
    if (known) account_leaves(r, u->user, ACCOUNT_REMOVED);
    runner_done(r, u->request, result, result == ATOLL_OK ? NULL : fail_text(), NULL);
}

void ask_done(unary_call *u, status code, const char *text)
{
    if (u->ask == RUNNER_LOG_IN_TOKEN) {
        log_in_done(u, code, text);
        return;
    }
    if (code == ATOLL_ERROR_BAD_TOKEN && u->user != NULL) token_refused(u->runner, u->user);
    if (code != ATOLL_OK) {
        runner_done(u->runner, u->request, code, text, NULL);
        return;
    }
    switch (u->ask) {
    case RUNNER_LINK_EMAIL:
    case RUNNER_LINK_TOKEN:
    case RUNNER_REFRESH_USER: profile_done(u); break;
    case RUNNER_CREATE_KEY:
    case RUNNER_FIND_KEYS: keys_done(u); break;
    case RUNNER_DELETE_USER: deleted(u); break;
    default: runner_done(u->runner, u->request, ATOLL_OK, NULL, NULL); break;
    }
}
