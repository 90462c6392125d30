/* The calls of the command line `atoll`.
 * Must never: answer without the token of the server's own folder.
 * Invariant: they read; of what apps see they change users, their keys and data, and may end the history of an app. */
#include "server/services.h"
#include "server/user_data.h"

#include "sync/digest.h"

#include <stdio.h>

#define INGEST_LIMIT 1000
#define INGEST_SIZE_MAX (24u << 20)

static status check_admin(unary *u)
{
    bytes given = grpc_call_token(u->call), wanted = buffer_view(&u->runner->admin_token);
    uint8_t different = given.size != wanted.size;
    for (size_t i = 0; i < given.size && i < wanted.size; i++)
        different |= given.data[i] ^ wanted.data[i];
    if (different == 0) return ATOLL_OK;
    return fail(ATOLL_ERROR_PERMISSION_DENIED,
                "only for the holder of the file admin.token in the server's data folder");
}

static status app_known(unary *u, const char *id)
{
    for (size_t i = 0; i < u->runner->apps.count; i++) {
        if (strcmp(u->runner->apps.items[i]->config.id, id) != 0) continue;
        u->app = u->runner->apps.items[i];
        return ATOLL_OK;
    }
    return fail(ATOLL_ERROR_UNKNOWN_APP, "this server has no app \"%s\"", id);
}

static status app_opened(unary *u, const char *id)
{
    TRY(app_known(u, id));
    if (!u->app->config.mode_known)
        return fail(ATOLL_ERROR_UNKNOWN_APP, "no client has used the app \"%s\" yet", id);
    return app_use(u->runner, u->app, u->app->config.flexible);
}

/* users: an app whose users are looked at may be one that no client has used since the server started. */
static status app_of_request(unary *u, bytes request, bool of_users)
{
    Atoll__Auth__V1__AppRequest *m =
        atoll__auth__v1__app_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result =
        of_users ? apps_find(u->runner, bytes_text(m->app_id), &u->app) : app_known(u, m->app_id);
    atoll__auth__v1__app_request__free_unpacked(m, NULL);
    return result;
}

static status list_apps(unary *u, bytes request)
{
    (void)request;
    TRY(check_admin(u));
    size_t count = u->runner->apps.count;
    Atoll__Auth__V1__AppList list = ATOLL__AUTH__V1__APP_LIST__INIT;
    Atoll__Auth__V1__App *apps = memory_allocate_zero(count * (sizeof *apps + sizeof(void *)));
    if (apps == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    static char *ways[] = {"anonymous", "email"};
    list.apps = (Atoll__Auth__V1__App **)(apps + count);
    list.n_apps = count;
    for (size_t i = 0; i < count; i++) {
        const served_app *from = u->runner->apps.items[i];
        atoll__auth__v1__app__init(&apps[i]);
        apps[i].id = from->config.id;
        apps[i].sync = !from->config.mode_known ? ""
                       : from->config.flexible  ? "flexible"
                                                : "partition";
        apps[i].partition_property = from->config.partition_property;
        apps[i].log_in = from->config.anonymous ? ways : ways + 1;
        apps[i].n_log_in = (size_t)from->config.anonymous + (size_t)from->config.email;
        apps[i].development = from->config.development;
        apps[i].open = from->app != NULL;
        list.apps[i] = &apps[i];
    }
    unary_answer(u, &list.base);
    memory_free(apps);
    return ATOLL_OK;
}

static status add_user(unary *u, bytes request)
{
    TRY(check_admin(u));
    return register_user(u, request, true);
}

/* ---- users ---- */

typedef struct user_listing {
    VECTOR(user) users;
} user_listing;

static status keep_user(void *context, const user *who)
{
    user_listing *l = context;
    user copy = {.id = memory_copy_text(who->id, strlen(who->id)),
                 .email = memory_copy_text(who->email, strlen(who->email)),
                 .disabled = who->disabled,
                 .created_ms = who->created_ms};
    status result = copy.id == NULL || copy.email == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    if (result == ATOLL_OK && who->identities.count > 0)
        result = user_pairs_add(&copy.identities, bytes_text(who->identities.items[0].name),
                                bytes_text(who->identities.items[0].value));
    if (result == ATOLL_OK) result = vector_push(&l->users, copy);
    if (result != ATOLL_OK) user_free(&copy);
    return result;
}

static status list_users(unary *u, bytes request)
{
    TRY(check_admin(u));
    TRY(app_of_request(u, request, true));
    user_listing listing = {0};
    status result = users_each(u->runner->users, u->app->config.id, keep_user, &listing);
    size_t count = listing.users.count;
    Atoll__Auth__V1__UserList list = ATOLL__AUTH__V1__USER_LIST__INIT;
    Atoll__Auth__V1__User *shown = memory_allocate_zero(count * (sizeof *shown + sizeof(void *)));
    if (shown == NULL) result = ATOLL_ERROR_OUT_OF_MEMORY;
    if (result == ATOLL_OK) {
        list.users = (Atoll__Auth__V1__User **)(shown + count);
        list.n_users = count;
        for (size_t i = 0; i < count; i++) {
            fill_user(&listing.users.items[i], &shown[i]);
            list.users[i] = &shown[i];
        }
        unary_answer(u, &list.base);
    }
    memory_free(shown);
    for (size_t i = 0; i < count; i++) user_free(&listing.users.items[i]);
    vector_free(&listing.users);
    return result;
}

/* By id or email address. */
static status find_user(unary *u, const char *name)
{
    bool found = false;
    users *all = u->runner->users;
    const char *app = u->app->config.id;
    TRY(users_find(all, app, bytes_text(name), &u->who, &found));
    if (!found) TRY(users_find_email(all, app, bytes_text(name), &u->who, &found));
    return found
               ? ATOLL_OK
               : fail(ATOLL_ERROR_INVALID_ARGUMENT, "the app \"%s\" has no user \"%s\"", app, name);
}

static status do_disable(unary *u, const Atoll__Auth__V1__DisableUserRequest *m)
{
    TRY(find_user(u, m->user));
    TRY(users_disable(u->runner->users, u->app->config.id, bytes_text(u->who.id), !m->enable));
    u->who.disabled = !m->enable;
    if (!m->enable)
        streams_end_log_in(u->app, u->who.id, NULL, ATOLL_ERROR_USER_DISABLED,
                           "the user was disabled");
    return ATOLL_OK;
}

static status disable_user(unary *u, bytes request)
{
    TRY(check_admin(u));
    Atoll__Auth__V1__DisableUserRequest *m =
        atoll__auth__v1__disable_user_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = apps_find(u->runner, bytes_text(m->app_id), &u->app);
    if (result == ATOLL_OK) result = do_disable(u, m);
    atoll__auth__v1__disable_user_request__free_unpacked(m, NULL);
    if (result != ATOLL_OK) return result;
    Atoll__Auth__V1__User shown;
    fill_user(&u->who, &shown);
    unary_answer(u, &shown.base);
    return ATOLL_OK;
}

static status remove_user(unary *u, bytes request)
{
    TRY(check_admin(u));
    Atoll__Auth__V1__DisableUserRequest *m =
        atoll__auth__v1__disable_user_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = apps_find(u->runner, bytes_text(m->app_id), &u->app);
    if (result == ATOLL_OK) result = find_user(u, m->user);
    if (result == ATOLL_OK)
        result = users_remove(u->runner->users, u->app->config.id, bytes_text(u->who.id));
    atoll__auth__v1__disable_user_request__free_unpacked(m, NULL);
    if (result != ATOLL_OK) return result;
    streams_end_log_in(u->app, u->who.id, NULL, ATOLL_ERROR_BAD_TOKEN, "the user was deleted");
    unary_answer_nothing(u);
    return ATOLL_OK;
}

/* ---- keys of servers ---- */

static status server_key(unary *u, bytes request, const char *what)
{
    TRY(check_admin(u));
    return do_server_key(u, request, what);
}

static status create_server_key(unary *u, bytes request)
{
    return server_key(u, request, "create");
}

static status list_server_keys(unary *u, bytes request)
{
    return server_key(u, request, "list");
}

static status enable_server_key(unary *u, bytes request)
{
    return server_key(u, request, "enable");
}

static status delete_server_key(unary *u, bytes request)
{
    return server_key(u, request, "delete");
}

/* ---- custom data ---- */

static status set_custom_data(unary *u, const char *text)
{
    user_data *read = NULL;
    const char *app = u->app->config.id;
    bytes id = bytes_text(u->who.id);
    TRY(user_data_read(bytes_text(text), &read)); /* Nothing else is kept. */
    user_data_free(read);
    TRY(users_set_custom_data(u->runner->users, app, id, bytes_text(text)));
    /* His sessions see what he may see now. */
    return u->app->app == NULL ? ATOLL_OK
                               : server_app_set_user_data(u->app->app, u->who.id, bytes_text(text));
}

static status do_user_data(unary *u, const Atoll__Auth__V1__UserDataRequest *m, bool set)
{
    TRY(apps_find(u->runner, bytes_text(m->app_id), &u->app));
    TRY(find_user(u, m->user));
    if (set) TRY(set_custom_data(u, m->json));
    Atoll__Auth__V1__UserData answer = ATOLL__AUTH__V1__USER_DATA__INIT;
    answer.json = set ? m->json : u->who.custom_data;
    unary_answer(u, &answer.base);
    return ATOLL_OK;
}

static status user_data_call(unary *u, bytes request, bool set)
{
    TRY(check_admin(u));
    Atoll__Auth__V1__UserDataRequest *m =
        atoll__auth__v1__user_data_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = do_user_data(u, m, set);
    atoll__auth__v1__user_data_request__free_unpacked(m, NULL);
    return result;
}

static status set_user_data(unary *u, bytes request)
{
    return user_data_call(u, request, true);
}

static status get_user_data(unary *u, bytes request)
{
    return user_data_call(u, request, false);
}

/* ---- objects ---- */

static status read_ingest(unary *u, bytes request)
{
    TRY(check_admin(u));
    Atoll__Auth__V1__ReadIngestRequest *m =
        atoll__auth__v1__read_ingest_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    uint64_t after = m->after, last = m->after;
    size_t limit = m->limit == 0 || m->limit > INGEST_LIMIT ? INGEST_LIMIT : m->limit;
    status result = app_opened(u, m->app_id);
    buffer lines;
    buffer_init(&lines, INGEST_SIZE_MAX);
    if (result == ATOLL_OK)
        result = server_ingest_read_some(
            u->app->app, after, limit,
            &(ingest_filter){bytes_text(m->class_name), m->since_ms, m->until_ms}, &lines, &last);
    atoll__auth__v1__read_ingest_request__free_unpacked(m, NULL);
    if (result == ATOLL_OK) {
        Atoll__Auth__V1__Ingest ingest = ATOLL__AUTH__V1__INGEST__INIT;
        ingest.lines.data = lines.data;
        ingest.lines.len = lines.size;
        ingest.last = last;
        unary_answer(u, &ingest.base);
    }
    buffer_free(&lines);
    return result;
}

static status do_hash(unary *u, const char *class_name, const char *text,
                      Atoll__Auth__V1__QueryHash *out)
{
    model_view *view = model_view_newest(server_app_db(u->app->app));
    const model_class *c = schema_class_named(model_view_schema(view), bytes_text(class_name));
    query *q = NULL;
    status result;
    if (c == NULL)
        result = fail(ATOLL_ERROR_UNKNOWN_CLASS, "the app \"%s\" has no class \"%s\"",
                      u->app->config.id, class_name);
    else
        result = query_new(model_view_schema(view), c->key, bytes_text(text), NULL, &q);
    if (result == ATOLL_OK) result = digest_query(q, view, &out->digest, &out->count);
    if (q != NULL) query_free(q);
    model_view_release(view);
    return result;
}

static status hash_query(unary *u, bytes request)
{
    TRY(check_admin(u));
    Atoll__Auth__V1__HashQueryRequest *m =
        atoll__auth__v1__hash_query_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    Atoll__Auth__V1__QueryHash hash = ATOLL__AUTH__V1__QUERY_HASH__INIT;
    status result = app_opened(u, m->app_id);
    if (result == ATOLL_OK) result = do_hash(u, m->class_name, m->query, &hash);
    atoll__auth__v1__hash_query_request__free_unpacked(m, NULL);
    if (result == ATOLL_OK) unary_answer(u, &hash.base);
    return result;
}

/* ---- sessions ---- */

static void fill_session(const session_record *from, bool open, Atoll__Auth__V1__Session *to)
{
    atoll__auth__v1__session__init(to);
    to->app_id = (char *)(uintptr_t)from->app_id;
    to->user_id = (char *)(uintptr_t)from->user_id;
    to->partition = from->partition == NULL ? "" : from->partition;
    to->ident = from->ident;
    to->open = open;
    to->number = from->number;
    to->opened_ms = from->opened_ms;
    to->messages_in = from->counters.messages_in;
    to->messages_out = from->counters.messages_out;
    to->bytes_in = from->counters.bytes_in;
    to->bytes_out = from->counters.bytes_out;
    to->rows_in = from->counters.rows_in;
    to->rows_out = from->counters.rows_out;
    to->uploads_applied = from->counters.uploads_applied;
}

static status answer_sessions(unary *u, const session_record *live, size_t live_count)
{
    server_runner *r = u->runner;
    size_t count = 0;
    Atoll__Auth__V1__SessionList list = ATOLL__AUTH__V1__SESSION_LIST__INIT;
    Atoll__Auth__V1__Session *shown =
        memory_allocate_zero((r->ended.count + live_count) * (sizeof *shown + sizeof(void *)));
    if (shown == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    list.sessions = (Atoll__Auth__V1__Session **)(shown + r->ended.count + live_count);
    for (size_t i = 0; i < r->ended.count; i++) {
        const session_record *record = &r->ended.items[(r->ended_at + i) % r->ended.count];
        if (strcmp(record->app_id, u->app->config.id) == 0)
            fill_session(record, false, &shown[count++]);
    }
    for (size_t i = 0; i < live_count; i++) fill_session(&live[i], true, &shown[count++]);
    for (size_t i = 0; i < count; i++) list.sessions[i] = &shown[i];
    list.n_sessions = count;
    unary_answer(u, &list.base);
    memory_free(shown);
    return ATOLL_OK;
}

static status list_sessions(unary *u, bytes request)
{
    TRY(check_admin(u));
    TRY(app_of_request(u, request, false));
    size_t count = u->app->streams.count;
    session_record *live = memory_allocate_zero(count * sizeof *live);
    if (live == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = ATOLL_OK;
    for (size_t i = 0; i < count && result == ATOLL_OK; i++)
        result = stream_record(u->app->streams.items[i], &live[i]);
    if (result == ATOLL_OK) result = answer_sessions(u, live, count);
    for (size_t i = 0; i < count; i++) memory_free(live[i].partition);
    memory_free(live);
    return result;
}

static status terminate_sync(unary *u, bytes request)
{
    TRY(check_admin(u));
    Atoll__Auth__V1__AppRequest *m =
        atoll__auth__v1__app_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = app_opened(u, m->app_id);
    atoll__auth__v1__app_request__free_unpacked(m, NULL);
    if (result == ATOLL_OK) result = server_app_terminate(u->app->app);
    if (result != ATOLL_OK) return result;
    unary_answer_nothing(u);
    return ATOLL_OK;
}

/* ---- the schema ---- */

static status show_schema(unary *u, bytes request)
{
    TRY(check_admin(u));
    Atoll__Auth__V1__AppRequest *m =
        atoll__auth__v1__app_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    Atoll__Auth__V1__AppSchema answer = ATOLL__AUTH__V1__APP_SCHEMA__INIT;
    char *json = NULL;
    status result = app_opened(u, m->app_id);
    atoll__auth__v1__app_request__free_unpacked(m, NULL);
    if (result == ATOLL_OK) result = server_app_show_schema(u->app->app, &json);
    if (result != ATOLL_OK) return result;
    answer.json = json;
    unary_answer(u, &answer.base);
    memory_free(json);
    return ATOLL_OK;
}

static status change_schema(unary *u, bytes request)
{
    TRY(check_admin(u));
    Atoll__Auth__V1__SchemaRequest *m =
        atoll__auth__v1__schema_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = app_opened(u, m->app_id);
    if (result == ATOLL_OK)
        result = m->restore ? server_app_restore(u->app->app, m->class_name, m->property)
                            : server_app_remove(u->app->app, m->class_name, m->property);
    atoll__auth__v1__schema_request__free_unpacked(m, NULL);
    if (result != ATOLL_OK) return result;
    unary_answer_nothing(u);
    return ATOLL_OK;
}

unary_handler admin_handler(bytes path)
{
    static const struct {
        const char *path;
        unary_handler handle;
    } handlers[] = {
        {"/atoll.auth.v1.Admin/ListApps", list_apps},
        {"/atoll.auth.v1.Admin/AddUser", add_user},
        {"/atoll.auth.v1.Admin/ListUsers", list_users},
        {"/atoll.auth.v1.Admin/DisableUser", disable_user},
        {"/atoll.auth.v1.Admin/SetUserData", set_user_data},
        {"/atoll.auth.v1.Admin/GetUserData", get_user_data},
        {"/atoll.auth.v1.Admin/RemoveUser", remove_user},
        {"/atoll.auth.v1.Admin/CreateServerKey", create_server_key},
        {"/atoll.auth.v1.Admin/ListServerKeys", list_server_keys},
        {"/atoll.auth.v1.Admin/EnableServerKey", enable_server_key},
        {"/atoll.auth.v1.Admin/DeleteServerKey", delete_server_key},
        {"/atoll.auth.v1.Admin/ReadIngest", read_ingest},
        {"/atoll.auth.v1.Admin/HashQuery", hash_query},
        {"/atoll.auth.v1.Admin/ListSessions", list_sessions},
        {"/atoll.auth.v1.Admin/TerminateSync", terminate_sync},
        {"/atoll.auth.v1.Admin/ShowSchema", show_schema},
        {"/atoll.auth.v1.Admin/ChangeSchema", change_schema},
    };
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (bytes_equal(path, bytes_text(handlers[i].path))) return handlers[i].handle;
    }
    return NULL;
}
