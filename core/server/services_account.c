/* Confirmation of addresses, new passwords, the end of users.
 * Must never: tell a stranger whether an address is known, or let a ticket be used twice.
 * Invariant: what a ticket allows happens only after its token was compared. */
#include "server/services.h"

#include "base/log.h"
#include "platform/process.h"

#define CATEGORY "Realm.Sync.Server"

/* ---- sending ---- */

static void on_sent(const char *path, int code)
{
    if (code != 0) log_write(LOG_ERROR, CATEGORY, "%s ended with code %d", path, code);
}

status send_ticket(unary *u, const user *who, bool reset)
{
    char id[USER_TICKET_ID_SIZE + 1], token[USER_TICKET_SIZE + 1];
    const log_in_config *config = u->app->config.log_in;
    int64_t expires_ms = runner_wall_ms(u->runner) + (int64_t)config->ticket_ms;
    const char *kind = reset ? "reset" : "confirm";
    TRY(users_ticket_add(u->runner->users, who, reset, expires_ms, id, token));
    if (config->command == NULL) {
        log_write(LOG_INFO, CATEGORY, "app \"%s\", %s %s: token %s token id %s", who->app_id, kind,
                  who->email, token, id);
        return ATOLL_OK;
    }
    const char *pairs[] = {"ATOLL_KIND",     kind,       "ATOLL_APP",   who->app_id,
                           "ATOLL_EMAIL",    who->email, "ATOLL_TOKEN", token,
                           "ATOLL_TOKEN_ID", id,         NULL};
    return process_run(config->command, pairs, on_sent);
}

/* Both calls say the same of every address. */
static status send_to(unary *u, bytes request, bool reset)
{
    Atoll__Auth__V1__EmailRequest *m =
        atoll__auth__v1__email_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    bool found = false;
    bytes email = bytes_text(m->email);
    status result = apps_find(u->runner, bytes_text(m->app_id), &u->app);
    if (result == ATOLL_OK && !u->app->config.email)
        result = fail(ATOLL_ERROR_LOGIN_METHOD_DISABLED,
                      "the app \"%s\" has no users by email address", m->app_id);
    /* Each letter counts as an attempt, so that nobody's mailbox is filled. */
    if (result == ATOLL_OK)
        result = guard_check(u->runner->guard, reset ? "reset" : "confirm", email);
    if (result == ATOLL_OK) {
        guard_failed(u->runner->guard, reset ? "reset" : "confirm", email);
        result = users_find_email(u->runner->users, u->app->config.id, email, &u->who, &found);
    }
    if (result == ATOLL_OK && found && (reset || u->who.unconfirmed))
        result = send_ticket(u, &u->who, reset);
    atoll__auth__v1__email_request__free_unpacked(m, NULL);
    if (result == ATOLL_OK) unary_answer_nothing(u);
    return result;
}

status handle_resend(unary *u, bytes request)
{
    return send_to(u, request, false);
}

status handle_send_reset(unary *u, bytes request)
{
    return send_to(u, request, true);
}

/* ---- using ---- */

static status use_confirmation(unary *u, const Atoll__Auth__V1__TicketRequest *m)
{
    users *all = u->runner->users;
    bytes id = bytes_text(m->token_id);
    TRY(apps_find(u->runner, bytes_text(m->app_id), &u->app));
    TRY(users_ticket_check(all, u->app->config.id, id, bytes_text(m->token), false, &u->who));
    TRY(users_confirm(all, u->app->config.id, bytes_text(u->who.id)));
    return users_ticket_remove(all, u->app->config.id, id);
}

status handle_confirm(unary *u, bytes request)
{
    Atoll__Auth__V1__TicketRequest *m =
        atoll__auth__v1__ticket_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = use_confirmation(u, m);
    atoll__auth__v1__ticket_request__free_unpacked(m, NULL);
    if (result == ATOLL_OK) unary_answer_nothing(u);
    return result;
}

/* The ticket was removed before its password was hashed: two calls with one ticket can't both come here. */
static void hashed(unary *u, password_job *job)
{
    users *all = u->runner->users;
    const char *app = u->app->config.id;
    status result = job->code;
    if (result == ATOLL_OK) result = users_set_password(all, app, bytes_text(u->who.id), job->hash);
    /* Who has the mailbox has confirmed it. */
    if (result == ATOLL_OK && u->who.unconfirmed)
        result = users_confirm(all, app, bytes_text(u->who.id));
    if (result != ATOLL_OK) {
        unary_fail(u, result);
        return;
    }
    guard_passed(u->runner->guard, app, bytes_text(u->who.email));
    streams_end_log_in(u->app, u->who.id, NULL, ATOLL_ERROR_BAD_TOKEN, "the password was changed");
    unary_answer_nothing(u);
}

static status begin_reset(unary *u, const Atoll__Auth__V1__TicketRequest *m)
{
    users *all = u->runner->users;
    bytes id = bytes_text(m->token_id);
    TRY(users_check_registration(bytes_text("any@address"), bytes_text(m->password)));
    TRY(apps_find(u->runner, bytes_text(m->app_id), &u->app));
    TRY(users_ticket_check(all, u->app->config.id, id, bytes_text(m->token), true, &u->who));
    TRY(users_ticket_remove(all, u->app->config.id, id));
    return unary_start_job(u, bytes_text(m->password), NULL, hashed);
}

status handle_reset(unary *u, bytes request)
{
    Atoll__Auth__V1__TicketRequest *m =
        atoll__auth__v1__ticket_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = begin_reset(u, m);
    atoll__auth__v1__ticket_request__free_unpacked(m, NULL);
    return result;
}

/* ---- the end of a user ---- */

status handle_delete_user(unary *u, bytes request)
{
    token t;
    Atoll__Auth__V1__AppRequest *m =
        atoll__auth__v1__app_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = unary_user(u, m->app_id, &t);
    atoll__auth__v1__app_request__free_unpacked(m, NULL);
    if (result == ATOLL_OK)
        result = users_remove(u->runner->users, u->app->config.id, bytes_text(u->who.id));
    if (result != ATOLL_OK) return result;
    streams_end_log_in(u->app, u->who.id, NULL, ATOLL_ERROR_BAD_TOKEN, "the user was deleted");
    unary_answer_nothing(u);
    return ATOLL_OK;
}
