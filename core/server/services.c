/* The unary calls of apps: how one lives; register, refresh, log out; and the health of the server.
 * Must never: hash on the loop's thread.
 * Invariant: a call is answered once; a client that went away leaves its password job without a call. */
#include "server/services.h"

#include "base/log.h"
#include "server/events.h"

#include <stdio.h>

#define CATEGORY "Realm.Sync.Server"

status unary_send(unary *u, const ProtobufCMessage *message)
{
    if (u->call == NULL) return ATOLL_OK;
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = memory_allocate(size);
    status result = packed == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    if (result == ATOLL_OK)
        result = grpc_send(u->call, bytes_of(packed, protobuf_c_message_pack(message, packed)));
    memory_free(packed);
    connection_touch(u->connection);
    return result;
}

void unary_answer(unary *u, const ProtobufCMessage *message)
{
    if (u->call == NULL) return;
    status result = unary_send(u, message);
    grpc_finish(u->call, result, result == ATOLL_OK ? NULL : fail_text());
    connection_touch(u->connection);
}

void unary_answer_nothing(unary *u)
{
    Atoll__Auth__V1__Nothing nothing = ATOLL__AUTH__V1__NOTHING__INIT;
    unary_answer(u, &nothing.base);
}

void unary_fail(unary *u, status code)
{
    if (u->call == NULL) return;
    bytes path = grpc_call_path(u->call);
    char method[80];
    snprintf(method, sizeof method, "%.*s", path.size < 79 ? (int)path.size : 79,
             (const char *)path.data);
    EVENT(LOG_INFO, "call refused", {"method", method, 0},
          {"app", u->app == NULL ? "" : u->app->config.id, 0},
          {"user", u->who.id == NULL ? "" : u->who.id, 0}, {"code", NULL, (uint64_t)code},
          {"text", fail_text(), 0});
    grpc_finish(u->call, code, fail_text());
    connection_touch(u->connection);
}

status fail_request(void)
{
    return fail(ATOLL_ERROR_PROTOCOL,
                "the request's message cannot be read: see schema/auth.proto");
}

/* ---- passwords ---- */

status unary_start_job(unary *u, bytes password, const char *hash,
                       void (*done)(unary *u, password_job *job))
{
    password_job *job = memory_allocate_zero(sizeof *job);
    if (job == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    job->user = u;
    job->verify = hash != NULL;
    if (hash != NULL) snprintf(job->hash, sizeof job->hash, "%s", hash);
    status result = passwords_add(u->runner->passwords, job, password);
    if (result != ATOLL_OK) {
        memory_free(job);
        return result;
    }
    u->job = job;
    u->password_done = done;
    return ATOLL_OK;
}

static void unary_free(unary *u)
{
    memory_free(u->email);
    memory_free(u->device_id);
    user_free(&u->who);
    user_free(&u->linked);
    memory_free(u);
}

void services_password_done(server_runner *r)
{
    password_job *job;
    while ((job = passwords_done(r->passwords)) != NULL) {
        unary *u = job->user;
        u->job = NULL;
        if (u->call != NULL)
            u->password_done(u, job);
        else
            unary_free(u);
        memory_free(job);
    }
}

/* ---- registration ---- */

void fill_user(const user *from, Atoll__Auth__V1__User *to)
{
    atoll__auth__v1__user__init(to);
    to->id = from->id;
    to->email = from->email;
    to->provider = (char *)(uintptr_t)user_provider(from);
    to->disabled = from->disabled;
    to->created_ms = from->created_ms;
}

static void hashed(unary *u, password_job *job)
{
    status result = job->code;
    if (result == ATOLL_OK) {
        bool confirm = u->app->config.log_in->confirm && !u->as_admin;
        result = users_add_email(u->runner->users, u->app->config.id, bytes_text(u->email),
                                 job->hash, confirm, &u->who);
        if (result == ATOLL_OK && confirm) result = send_ticket(u, &u->who, false);
    }
    Atoll__Auth__V1__User added;
    if (result != ATOLL_OK) {
        unary_fail(u, result);
    } else if (u->as_admin) {
        fill_user(&u->who, &added);
        unary_answer(u, &added.base);
    } else {
        unary_answer_nothing(u);
    }
}

status register_user(unary *u, bytes request, bool as_admin)
{
    Atoll__Auth__V1__RegisterRequest *m =
        atoll__auth__v1__register_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    u->as_admin = as_admin;
    const char *email = m->email_password == NULL ? "" : m->email_password->email;
    const char *password = m->email_password == NULL ? "" : m->email_password->password;
    status result = apps_find(u->runner, bytes_text(m->app_id), &u->app);
    if (result == ATOLL_OK && !as_admin && !u->app->config.email) {
        result = fail(ATOLL_ERROR_LOGIN_METHOD_DISABLED,
                      "the app \"%s\" doesn't register email addresses", m->app_id);
    }
    if (result == ATOLL_OK)
        result = users_check_registration(bytes_text(email), bytes_text(password));
    if (result == ATOLL_OK) {
        u->email = memory_copy_text(email, strlen(email));
        result = u->email == NULL ? ATOLL_ERROR_OUT_OF_MEMORY
                                  : unary_start_job(u, bytes_text(password), NULL, hashed);
    }
    atoll__auth__v1__register_request__free_unpacked(m, NULL);
    return result;
}

static status handle_register(unary *u, bytes request)
{
    return register_user(u, request, false);
}

/* ---- refresh, log out, health ---- */

static status read_refresh(unary *u, bytes request, token *t)
{
    Atoll__Auth__V1__RefreshRequest *m =
        atoll__auth__v1__refresh_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = token_read(u->runner->token_key, bytes_text(m->refresh_token), TOKEN_REFRESH,
                               runner_wall_ms(u->runner), t);
    if (result == ATOLL_OK && strcmp(m->app_id, t->app_id) != 0) {
        result = fail(ATOLL_ERROR_BAD_TOKEN, "the token belongs to another app");
    }
    atoll__auth__v1__refresh_request__free_unpacked(m, NULL);
    return result;
}

status unary_user(unary *u, const char *app_id, token *t)
{
    TRY(token_read(u->runner->token_key, grpc_call_token(u->call), TOKEN_REFRESH,
                   runner_wall_ms(u->runner), t));
    if (strcmp(app_id, t->app_id) != 0)
        return fail(ATOLL_ERROR_BAD_TOKEN, "the token belongs to another app");
    TRY(apps_find(u->runner, bytes_text(t->app_id), &u->app));
    return users_check(u->runner->users, t, &u->who);
}

static status handle_refresh(unary *u, bytes request)
{
    token t;
    TRY(read_refresh(u, request, &t));
    TRY(apps_find(u->runner, bytes_text(t.app_id), &u->app));
    TRY(users_check(u->runner->users, &t, &u->who));
    answer_tokens(u, &u->who, user_provider(&u->who), t.log_in, false);
    return ATOLL_OK;
}

static status handle_log_out(unary *u, bytes request)
{
    token t;
    user who = {0};
    bool found = false;
    users *all = u->runner->users;
    TRY(read_refresh(u, request, &t));
    TRY(users_find(all, t.app_id, bytes_text(t.user_id), &who, &found));
    bool anonymous = found && user_is_anonymous(&who);
    user_free(&who);
    TRY(anonymous ? users_remove(all, t.app_id, bytes_text(t.user_id)) : users_log_out(all, &t));
    if (apps_find(u->runner, bytes_text(t.app_id), &u->app) == ATOLL_OK) {
        streams_end_log_in(u->app, t.user_id, t.log_in, ATOLL_ERROR_BAD_TOKEN,
                           "this log-in was ended by a log-out");
    }
    unary_answer_nothing(u);
    return ATOLL_OK;
}

/* ---- dispatch ---- */

static unary_handler handler_of(bytes path)
{
    static const struct {
        const char *path;
        unary_handler handle;
    } handlers[] = {
        {"/atoll.auth.v1.Auth/LogIn", handle_log_in},
        {"/atoll.auth.v1.Auth/LinkIdentity", handle_link},
        {"/atoll.auth.v1.Auth/RegisterUser", handle_register},
        {"/atoll.auth.v1.Auth/ConfirmUser", handle_confirm},
        {"/atoll.auth.v1.Auth/ResendConfirmation", handle_resend},
        {"/atoll.auth.v1.Auth/SendPasswordReset", handle_send_reset},
        {"/atoll.auth.v1.Auth/ResetPassword", handle_reset},
        {"/atoll.auth.v1.Auth/DeleteUser", handle_delete_user},
        {"/atoll.auth.v1.Auth/CreateKey", handle_create_key},
        {"/atoll.auth.v1.Auth/FindKeys", handle_find_keys},
        {"/atoll.auth.v1.Auth/EnableKey", handle_enable_key},
        {"/atoll.auth.v1.Auth/DeleteKey", handle_delete_key},
        {"/atoll.auth.v1.Auth/Refresh", handle_refresh},
        {"/atoll.auth.v1.Auth/LogOut", handle_log_out},
        {"/grpc.health.v1.Health/Check", handle_health},
        {"/grpc.health.v1.Health/Watch", handle_watch},
        {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", handle_reflection},
        {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", handle_reflection},
    };
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (bytes_equal(path, bytes_text(handlers[i].path))) return handlers[i].handle;
    }
    return admin_handler(path);
}

/* Another version of our own services is told apart from what is no service here. */
static status unknown_method(bytes path)
{
    int size = path.size < 200 ? (int)path.size : 200;
    const char *start = (const char *)path.data;
    bytes prefixes[] = {bytes_text("/atoll.sync.v"), bytes_text("/atoll.auth.v")};
    for (size_t i = 0; i < 2; i++) {
        size_t n = prefixes[i].size;
        if (path.size <= n + 1 || memcmp(start, prefixes[i].data, n) != 0) continue;
        if (start[n] == '1' && start[n + 1] == '.') continue;
        return fail(ATOLL_ERROR_PROTOCOL_VERSION,
                    "%.*s is of another version of the protocol: this server speaks version 1",
                    size, start);
    }
    return fail(ATOLL_ERROR_NOT_SUPPORTED, "unknown method %.*s", size, start);
}

void unary_begin(server_runner *r, connection *c, grpc_call *call)
{
    bytes path = grpc_call_path(call);
    unary_handler handle = handler_of(path);
    if (handle == NULL) {
        status result = unknown_method(path);
        grpc_finish(call, result, fail_text());
        return;
    }
    unary *u = memory_allocate_zero(sizeof *u);
    if (u == NULL) {
        grpc_finish(call, ATOLL_ERROR_OUT_OF_MEMORY, fail_text());
        return;
    }
    u->state.kind = CALL_UNARY;
    u->runner = r;
    u->connection = c;
    u->call = call;
    u->handle = handle;
    grpc_call_set_user(call, u);
}

void unary_received(call_state *state, bytes message)
{
    unary *u = (unary *)state;
    if (u->received && u->handle != handle_reflection) return; /* a unary call has one */
    u->received = true;
    status result = u->handle(u, message);
    if (result != ATOLL_OK) unary_fail(u, result);
}

void unary_ended(call_state *state)
{
    unary *u = (unary *)state;
    if (u->handle == handle_reflection && u->call != NULL) {
        grpc_finish(u->call, ATOLL_OK, NULL);
        connection_touch(u->connection);
        return;
    }
    if (!u->received)
        unary_fail(u,
                   fail(ATOLL_ERROR_PROTOCOL, "a unary call has one message, this one had none"));
}

void unary_closed(call_state *state)
{
    unary *u = (unary *)state;
    u->call = NULL;
    if (u->job == NULL) unary_free(u);
}
