/* Log in, and link another identity to a user.
 * Must never: tell a wrong address from a wrong password, or link what belongs to another user.
 * Invariant: tokens are given only for who has proven an identity in this very call, or by a refresh token. */
#include "server/events.h"
#include "server/services.h"

#include <stdio.h>

/* ---- the answer ---- */

typedef struct profile_message {
    Atoll__Auth__V1__Profile profile;
    Atoll__Auth__V1__Identity *identities;
    Atoll__Auth__V1__ProfileField *fields;
    void **list;
} profile_message;

static void profile_free(profile_message *p)
{
    memory_free(p->identities);
    memory_free(p->fields);
    memory_free(p->list);
}

static void add_identity(profile_message *p, const char *provider, const char *id)
{
    Atoll__Auth__V1__Identity *to = &p->identities[p->profile.n_identities];
    atoll__auth__v1__identity__init(to);
    to->provider = (char *)(uintptr_t)provider;
    to->id = (char *)(uintptr_t)id;
    p->list[p->profile.n_identities++] = to;
}

static void add_field(profile_message *p, size_t at, const char *name, const char *value)
{
    Atoll__Auth__V1__ProfileField *to = &p->fields[p->profile.n_fields++];
    atoll__auth__v1__profile_field__init(to);
    to->name = (char *)(uintptr_t)name;
    to->value = (char *)(uintptr_t)value;
    p->list[at] = to;
}

static status profile_fill(const user *who, profile_message *p)
{
    size_t identities = who->identities.count + 2, fields = who->fields.count + 1;
    *p = (profile_message){0};
    atoll__auth__v1__profile__init(&p->profile);
    p->identities = memory_allocate_zero(identities * sizeof *p->identities);
    p->fields = memory_allocate_zero(fields * sizeof *p->fields);
    p->list = memory_allocate_zero((identities + fields) * sizeof *p->list);
    if (p->identities == NULL || p->fields == NULL || p->list == NULL) {
        profile_free(p);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    bool has_email = false;
    if (user_is_anonymous(who)) add_identity(p, "anon-user", who->id);
    if (who->email[0] != '\0') add_identity(p, "local-userpass", who->email);
    for (size_t i = 0; i < who->identities.count; i++)
        add_identity(p, who->identities.items[i].name, who->identities.items[i].value);
    for (size_t i = 0; i < who->fields.count; i++) {
        const user_pair *field = &who->fields.items[i];
        has_email = has_email || strcmp(field->name, "email") == 0;
        add_field(p, identities + p->profile.n_fields, field->name, field->value);
    }
    if (!has_email && who->email[0] != '\0')
        add_field(p, identities + p->profile.n_fields, "email", who->email);
    p->profile.identities = (Atoll__Auth__V1__Identity **)p->list;
    p->profile.fields = (Atoll__Auth__V1__ProfileField **)(p->list + identities);
    p->profile.custom_data = who->custom_data;
    return ATOLL_OK;
}

static status sign(unary *u, token_use use, const user *who, const char *log_in, buffer *out,
                   int64_t *expires_ms)
{
    server_runner *r = u->runner;
    int64_t now_ms = runner_wall_ms(r);
    token t = {.use = use};
    t.expires_ms =
        now_ms + (int64_t)(use == TOKEN_ACCESS ? r->access_token_ms : r->refresh_token_ms);
    snprintf(t.user_id, sizeof t.user_id, "%s", who->id);
    snprintf(t.app_id, sizeof t.app_id, "%s", who->app_id);
    snprintf(t.log_in, sizeof t.log_in, "%s", log_in);
    *expires_ms = t.expires_ms;
    TRY(token_write(r->token_key, &t, now_ms, out));
    return buffer_append_byte(out, '\0');
}

static status send_tokens(unary *u, const user *who, const char *log_in, bool with_refresh,
                          Atoll__Auth__V1__Tokens *tokens)
{
    buffer access, refresh;
    int64_t ignored;
    profile_message profile;
    buffer_init(&access, 8192);
    buffer_init(&refresh, 8192);
    status result = profile_fill(who, &profile);
    if (result != ATOLL_OK) return result;
    result = sign(u, TOKEN_ACCESS, who, log_in, &access, &tokens->access_expires_ms);
    if (result == ATOLL_OK && with_refresh)
        result = sign(u, TOKEN_REFRESH, who, log_in, &refresh, &ignored);
    if (result == ATOLL_OK) {
        tokens->access_token = (char *)access.data;
        if (with_refresh) tokens->refresh_token = (char *)refresh.data;
        tokens->profile = &profile.profile;
        unary_answer(u, &tokens->base);
    }
    buffer_free(&access);
    buffer_free(&refresh);
    profile_free(&profile);
    return result;
}

void answer_tokens(unary *u, const user *who, const char *provider, const char *log_in,
                   bool with_refresh)
{
    Atoll__Auth__V1__Tokens tokens = ATOLL__AUTH__V1__TOKENS__INIT;
    char device[25];
    if (with_refresh && u->device_id == NULL) {
        uint8_t raw[12];
        u->runner->platform->random(u->runner->platform->context, raw, sizeof raw);
        for (size_t i = 0; i < sizeof raw; i++) snprintf(device + 2 * i, 3, "%02x", raw[i]);
        tokens.device_id = device;
    } else if (u->device_id != NULL) {
        tokens.device_id = u->device_id;
    }
    tokens.server_ms = runner_wall_ms(u->runner);
    tokens.user_id = who->id;
    tokens.provider = (char *)(uintptr_t)provider;
    status result = send_tokens(u, who, log_in, with_refresh, &tokens);
    if (result != ATOLL_OK) unary_fail(u, result);
}

static void log_in_as(unary *u, const user *who, const char *provider)
{
    char id[TOKEN_ID_SIZE_MAX];
    status result = who->disabled ? fail(ATOLL_ERROR_USER_DISABLED, "the user is disabled")
                                  : users_log_in(u->runner->users, who, id);
    if (result != ATOLL_OK) {
        unary_fail(u, result);
        return;
    }
    EVENT(LOG_INFO, "log-in", {"app", who->app_id, 0}, {"user", who->id, 0},
          {"provider", provider, 0});
    answer_tokens(u, who, provider, id, true);
}

static status answer_linked(unary *u)
{
    answer_tokens(u, &u->linked, user_provider(&u->linked), u->proven.log_in, false);
    return ATOLL_OK;
}

/* ---- email address and password ---- */

/* Both users as they are stored now: time has passed since they were read. */
static status read_again(unary *u, user *who)
{
    user fresh = {0};
    bool found = false;
    TRY(users_find(u->runner->users, who->app_id, bytes_text(who->id), &fresh, &found));
    if (!found) return fail(ATOLL_ERROR_INVALID_CREDENTIALS, "the user is gone meanwhile");
    user_free(who);
    *who = fresh;
    return ATOLL_OK;
}

static status link_email(unary *u)
{
    TRY(read_again(u, &u->linked));
    TRY(read_again(u, &u->who));
    TRY(users_link_email(u->runner->users, &u->linked, &u->who));
    return answer_linked(u);
}

static void verified(unary *u, password_job *job)
{
    const char *app = u->app->config.id;
    /* Guesses that began together are answered as those that come later: only the first few are told anything. */
    status result = guard_check(u->runner->guard, app, bytes_text(u->email));
    if (result != ATOLL_OK) {
        unary_fail(u, result);
        return;
    }
    if (!job->matches || u->who.id == NULL) {
        guard_failed(u->runner->guard, app, bytes_text(u->email));
        result = fail(ATOLL_ERROR_INVALID_CREDENTIALS, "invalid email address or password");
    } else if (u->who.unconfirmed) {
        result = fail(ATOLL_ERROR_INVALID_CREDENTIALS,
                      "the email address is not confirmed yet: use what was sent to it");
    } else {
        guard_passed(u->runner->guard, app, bytes_text(u->email));
    }
    if (result == ATOLL_OK && u->linking) result = link_email(u);
    if (result != ATOLL_OK)
        unary_fail(u, result);
    else if (!u->linking)
        log_in_as(u, &u->who, "local-userpass");
}

static status begin_email(unary *u, const Atoll__Auth__V1__EmailPassword *given)
{
    /* An unknown address costs as much time as a wrong password: this is the hash of nothing in particular. */
    static const char stranger[] = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                                   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    bool found = false;
    const char *app = u->app->config.id;
    TRY(guard_check(u->runner->guard, app, bytes_text(given->email)));
    u->email = memory_copy_text(given->email, strlen(given->email));
    if (u->email == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    TRY(users_find_email(u->runner->users, app, bytes_text(given->email), &u->who, &found));
    return unary_start_job(u, bytes_text(given->password), found ? u->who.password_hash : stranger,
                           verified);
}

/* ---- keys and tokens of others ---- */

static status log_in_key(unary *u, bytes secret)
{
    user_key key = {0};
    bool found = false;
    users *all = u->runner->users;
    const char *app = u->app->config.id;
    TRY(users_key_find_secret(all, app, secret, &key, &found));
    bool good = found && !key.disabled;
    status result = ATOLL_OK;
    if (good) result = users_find(all, app, bytes_text(key.user_id), &u->who, &good);
    user_key_free(&key);
    if (result == ATOLL_OK && !good)
        result = fail(ATOLL_ERROR_INVALID_CREDENTIALS, "the key is unknown or disabled");
    if (result == ATOLL_OK) log_in_as(u, &u->who, "api-key");
    return result;
}

static status set_fields(const foreign_token *from, user *who)
{
    user_pairs fields = {0};
    status result = ATOLL_OK;
    for (size_t i = 0; i < from->field_count && result == ATOLL_OK; i++) {
        result = user_pairs_add(&fields, bytes_text(from->fields[i].name),
                                bytes_text(from->fields[i].value));
    }
    if (result == ATOLL_OK) {
        user_pairs old = who->fields;
        who->fields = fields;
        fields = old;
    }
    user_pairs_free(&fields);
    return result;
}

static status use_token(unary *u, const char *provider, const foreign_token *t)
{
    users *all = u->runner->users;
    const char *app = u->app->config.id;
    bytes subject = bytes_text(t->subject);
    bool found = false;
    if (u->linking) {
        TRY(set_fields(t, &u->linked));
        TRY(users_link_identity(all, &u->linked, provider, subject));
        return answer_linked(u);
    }
    TRY(users_find_identity(all, app, provider, subject, &u->who, &found));
    if (!found) TRY(users_add_identity(all, app, provider, subject, &u->who));
    TRY(set_fields(t, &u->who));
    TRY(users_set_fields(all, &u->who));
    log_in_as(u, &u->who, provider);
    return ATOLL_OK;
}

static status refuse_way(unary *u, const char *way)
{
    return fail(ATOLL_ERROR_LOGIN_METHOD_DISABLED, "the app \"%s\" doesn't allow to log in %s",
                u->app->config.id, way);
}

static status begin_token(unary *u, const Atoll__Auth__V1__ProviderToken *given)
{
    static const char *const known[] = {"custom-token", "oauth2-google", "oauth2-apple"};
    const log_in_config *config = u->app->config.log_in;
    const char *provider = given->provider;
    if (strcmp(provider, "api-key") == 0) {
        if (u->linking)
            return fail(ATOLL_ERROR_INVALID_CREDENTIALS, "a key is not an identity to link");
        return config->api_keys ? log_in_key(u, bytes_text(given->token)) : refuse_way(u, "by key");
    }
    bool offered = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        offered = offered || strcmp(known[i], provider) == 0;
    if (!offered)
        return fail(ATOLL_ERROR_NOT_SUPPORTED, "log-in by %s is not offered by this server",
                    strlen(provider) < 50 ? provider : "this provider");
    const token_provider *settings = log_in_config_provider(config, provider);
    if (settings == NULL) return refuse_way(u, provider);
    foreign_token *t = memory_allocate(sizeof *t);
    if (t == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result =
        foreign_token_read(settings, bytes_text(given->token), runner_wall_ms(u->runner), t);
    if (result == ATOLL_OK) result = use_token(u, provider, t);
    memory_free(t);
    return result;
}

/* ---- the calls ---- */

static status begin_anonymous(unary *u)
{
    if (u->linking)
        return fail(ATOLL_ERROR_INVALID_CREDENTIALS, "an anonymous identity cannot be linked");
    if (!u->app->config.anonymous) return refuse_way(u, "anonymously");
    TRY(users_add_anonymous(u->runner->users, u->app->config.id, &u->who));
    log_in_as(u, &u->who, "anon-user");
    return ATOLL_OK;
}

static status begin(unary *u, const Atoll__Auth__V1__LogInRequest *m)
{
    size_t device = strlen(m->device_id);
    if (device > 0 && device <= 64 && utf8_is_valid(bytes_text(m->device_id))) {
        u->device_id = memory_copy_text(m->device_id, device);
        if (u->device_id == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    switch (m->credentials_case) {
    case ATOLL__AUTH__V1__LOG_IN_REQUEST__CREDENTIALS_ANONYMOUS: return begin_anonymous(u);
    case ATOLL__AUTH__V1__LOG_IN_REQUEST__CREDENTIALS_EMAIL_PASSWORD:
        return u->app->config.email ? begin_email(u, m->email_password)
                                    : refuse_way(u, "by email address");
    case ATOLL__AUTH__V1__LOG_IN_REQUEST__CREDENTIALS_PROVIDER_TOKEN:
        return begin_token(u, m->provider_token);
    default:
        return fail(ATOLL_ERROR_INVALID_CREDENTIALS,
                    "the request has no credentials: anonymous, email_password or provider_token");
    }
}

status handle_log_in(unary *u, bytes request)
{
    Atoll__Auth__V1__LogInRequest *m =
        atoll__auth__v1__log_in_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = apps_find(u->runner, bytes_text(m->app_id), &u->app);
    if (result == ATOLL_OK) result = begin(u, m);
    atoll__auth__v1__log_in_request__free_unpacked(m, NULL);
    return result;
}

status handle_link(unary *u, bytes request)
{
    Atoll__Auth__V1__LogInRequest *m =
        atoll__auth__v1__log_in_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    u->linking = true;
    status result = unary_user(u, m->app_id, &u->proven);
    u->linked = u->who;
    u->who = (user){0};
    if (result == ATOLL_OK) result = begin(u, m);
    atoll__auth__v1__log_in_request__free_unpacked(m, NULL);
    return result;
}
