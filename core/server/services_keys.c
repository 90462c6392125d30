/* Keys by which programs log in: a user's own, and those of servers, which are users of their own.
 * Must never: show a key to another user than its own, or its secret a second time.
 * Invariant: a server key's user has the identity api-key with the key's id and goes with the key. */
#include "server/services.h"

#include <stdio.h>

typedef struct key_listing {
    VECTOR(user_key) keys;
    const char *user_id; /* NULL: those of servers */
    bytes id;            /* empty: all */
} key_listing;

static void fill_key(const user_key *from, const char *secret, Atoll__Auth__V1__Key *to)
{
    atoll__auth__v1__key__init(to);
    to->id = from->id;
    to->name = from->name;
    to->disabled = from->disabled;
    to->created_ms = from->created_ms;
    if (secret != NULL) to->secret = (char *)(uintptr_t)secret;
}

static void answer_key(unary *u, const user_key *key, const char *secret)
{
    Atoll__Auth__V1__KeyList list = ATOLL__AUTH__V1__KEY_LIST__INIT;
    Atoll__Auth__V1__Key shown, *one = &shown;
    fill_key(key, secret, &shown);
    list.keys = &one;
    list.n_keys = 1;
    unary_answer(u, &list.base);
}

static status keep(void *context, const user_key *k)
{
    key_listing *l = context;
    bool wanted =
        l->user_id == NULL ? k->server : !k->server && strcmp(k->user_id, l->user_id) == 0;
    if (!wanted || (l->id.size > 0 && !bytes_equal(l->id, bytes_text(k->id)))) return ATOLL_OK;
    user_key copy = {.id = memory_copy_text(k->id, strlen(k->id)),
                     .name = memory_copy_text(k->name, strlen(k->name)),
                     .disabled = k->disabled,
                     .created_ms = k->created_ms};
    status result = copy.id == NULL || copy.name == NULL ? ATOLL_ERROR_OUT_OF_MEMORY
                                                         : vector_push(&l->keys, copy);
    if (result != ATOLL_OK) user_key_free(&copy);
    return result;
}

static status answer_list(unary *u, const key_listing *l)
{
    Atoll__Auth__V1__KeyList list = ATOLL__AUTH__V1__KEY_LIST__INIT;
    size_t count = l->keys.count;
    Atoll__Auth__V1__Key *shown =
        memory_allocate_zero((count + 1) * (sizeof *shown + sizeof(void *)));
    if (shown == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    list.keys = (Atoll__Auth__V1__Key **)(shown + count + 1);
    list.n_keys = count;
    for (size_t i = 0; i < count; i++) {
        fill_key(&l->keys.items[i], NULL, &shown[i]);
        list.keys[i] = &shown[i];
    }
    unary_answer(u, &list.base);
    memory_free(shown);
    return ATOLL_OK;
}

static status list_keys(unary *u, const char *user_id, bytes id)
{
    key_listing l = {.user_id = user_id, .id = id};
    status result = user_id != NULL
                        ? users_key_each_of(u->runner->users, u->app->config.id, user_id, keep, &l)
                        : users_key_each(u->runner->users, u->app->config.id, keep, &l);
    if (result == ATOLL_OK) result = answer_list(u, &l);
    for (size_t i = 0; i < l.keys.count; i++) user_key_free(&l.keys.items[i]);
    vector_free(&l.keys);
    return result;
}

static status create(unary *u, const user *owner, const char *name, bool server)
{
    user_key key = {0};
    char secret[USER_SECRET_SIZE + 1];
    TRY(users_key_add(u->runner->users, owner, bytes_text(name), server, &key, secret));
    answer_key(u, &key, secret);
    explicit_bzero(secret, sizeof secret);
    user_key_free(&key);
    return ATOLL_OK;
}

/* owner NULL: a server's. */
static status find_own(unary *u, const char *owner, const char *id, user_key *out, bool *found)
{
    TRY(users_key_find(u->runner->users, u->app->config.id, bytes_text(id), out, found));
    if (!*found) return ATOLL_OK;
    *found = owner == NULL ? out->server : !out->server && strcmp(out->user_id, owner) == 0;
    if (!*found) user_key_free(out);
    return ATOLL_OK;
}

/* Who has such a key has nothing else: its log-ins end with it, and may go on with it. */
static status enable_server_user(unary *u, const char *user_id, bool on)
{
    TRY(users_disable(u->runner->users, u->app->config.id, bytes_text(user_id), !on));
    if (!on)
        streams_end_log_in(u->app, user_id, NULL, ATOLL_ERROR_USER_DISABLED,
                           "the key was disabled");
    return ATOLL_OK;
}

static status enable(unary *u, const char *owner, const char *id, bool on)
{
    user_key key = {0};
    bool found = false;
    TRY(find_own(u, owner, id, &key, &found));
    if (!found)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "there is no key \"%s\"",
                    strlen(id) < 100 ? id : "of such a length");
    status result = users_key_enable(u->runner->users, u->app->config.id, bytes_text(id), on);
    if (result == ATOLL_OK && key.server) result = enable_server_user(u, key.user_id, on);
    user_key_free(&key);
    if (result == ATOLL_OK) unary_answer_nothing(u);
    return result;
}

static status remove_key(unary *u, const char *owner, const char *id)
{
    user_key key = {0};
    bool found = false;
    users *all = u->runner->users;
    const char *app = u->app->config.id;
    TRY(find_own(u, owner, id, &key, &found));
    status result = ATOLL_OK;
    if (found && key.server) { /* the user goes with its key, and the key with its user */
        result = users_remove(all, app, bytes_text(key.user_id));
        if (result == ATOLL_OK)
            streams_end_log_in(u->app, key.user_id, NULL, ATOLL_ERROR_BAD_TOKEN,
                               "the key was deleted");
    } else if (found) {
        result = users_key_remove(all, app, bytes_text(id));
    }
    user_key_free(&key);
    if (result == ATOLL_OK) unary_answer_nothing(u);
    return result;
}

/* ---- of users ---- */

static status begin(unary *u, bytes request, Atoll__Auth__V1__KeyRequest **out)
{
    token t;
    Atoll__Auth__V1__KeyRequest *m =
        atoll__auth__v1__key_request__unpack(NULL, request.size, request.data);
    if (m == NULL) {
        TRY(fail_request());
        return ATOLL_ERROR_INVALID_ARGUMENT;
    }
    status result = unary_user(u, m->app_id, &t);
    if (result == ATOLL_OK && user_is_anonymous(&u->who))
        result = fail(ATOLL_ERROR_PERMISSION_DENIED,
                      "an anonymous user has no keys: link another identity first");
    if (result == ATOLL_OK)
        *out = m;
    else
        atoll__auth__v1__key_request__free_unpacked(m, NULL);
    return result;
}

status handle_create_key(unary *u, bytes request)
{
    Atoll__Auth__V1__KeyRequest *m = NULL;
    TRY(begin(u, request, &m));
    status result = create(u, &u->who, m->name, false);
    atoll__auth__v1__key_request__free_unpacked(m, NULL);
    return result;
}

status handle_find_keys(unary *u, bytes request)
{
    Atoll__Auth__V1__KeyRequest *m = NULL;
    TRY(begin(u, request, &m));
    status result = list_keys(u, u->who.id, bytes_text(m->id));
    atoll__auth__v1__key_request__free_unpacked(m, NULL);
    return result;
}

status handle_enable_key(unary *u, bytes request)
{
    Atoll__Auth__V1__KeyRequest *m = NULL;
    TRY(begin(u, request, &m));
    status result = enable(u, u->who.id, m->id, !m->disable);
    atoll__auth__v1__key_request__free_unpacked(m, NULL);
    return result;
}

status handle_delete_key(unary *u, bytes request)
{
    Atoll__Auth__V1__KeyRequest *m = NULL;
    TRY(begin(u, request, &m));
    status result = remove_key(u, u->who.id, m->id);
    atoll__auth__v1__key_request__free_unpacked(m, NULL);
    return result;
}

/* ---- of servers, for the command line ---- */

static status create_server_key(unary *u, const char *name)
{
    users *all = u->runner->users;
    const char *app = u->app->config.id;
    uint8_t raw[12];
    char subject[2 * sizeof raw + 1];
    u->runner->platform->random(u->runner->platform->context, raw, sizeof raw);
    for (size_t i = 0; i < sizeof raw; i++) snprintf(subject + 2 * i, 3, "%02x", raw[i]);
    TRY(users_add_identity(all, app, "api-key", bytes_text(subject), &u->who));
    status result = create(u, &u->who, name, true);
    if (result == ATOLL_OK) return ATOLL_OK;
    status removed = users_remove(all, app, bytes_text(u->who.id));
    return removed == ATOLL_OK ? fail(result, "the name of a key has 1 to 200 bytes of text")
                               : removed;
}

status do_server_key(unary *u, bytes request, const char *what)
{
    Atoll__Auth__V1__KeyRequest *m =
        atoll__auth__v1__key_request__unpack(NULL, request.size, request.data);
    if (m == NULL) return fail_request();
    status result = apps_find(u->runner, bytes_text(m->app_id), &u->app);
    if (result == ATOLL_OK && strcmp(what, "create") == 0) result = create_server_key(u, m->name);
    if (result == ATOLL_OK && strcmp(what, "list") == 0)
        result = list_keys(u, NULL, bytes_text(""));
    if (result == ATOLL_OK && strcmp(what, "enable") == 0)
        result = enable(u, NULL, m->id, !m->disable);
    if (result == ATOLL_OK && strcmp(what, "delete") == 0) result = remove_key(u, NULL, m->id);
    atoll__auth__v1__key_request__free_unpacked(m, NULL);
    return result;
}
