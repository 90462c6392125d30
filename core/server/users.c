/* Users and log-ins behind the storage door.
 *
 *   'u' app 0 id     → StoredUser            'e' app 0 email → id            's' app 0 log-in → user id
 *
 * Must never: keep a password, or answer before the disk has what it answered.
 * Invariant: an 'e' entry names a user of that address; both are written in one batch. */
#include "server/users.h"

#include "base/memory.h"

#include "auth.pb-c.h"

#include <stdio.h>

#define USER_EMAIL_SIZE_MAX 254 /* what a mail server takes */
#define USER_PASSWORD_SIZE_MIN 6
#define USER_PASSWORD_SIZE_MAX 128 /* the service before had the same bounds */
#define USER_KEY_SIZE_MAX 512
#define USER_RECORD_SIZE_MAX 4096

struct users {
    storage *store;
    const platform *platform;
};

void user_free(user *u)
{
    memory_free(u->id);
    memory_free(u->app_id);
    memory_free(u->email);
    memory_free(u->password_hash);
    *u = (user){0};
}

const char *user_provider(const user *u)
{
    return u->email[0] == '\0' ? "anon-user" : "local-userpass";
}

status users_open(storage *store, const platform *p, users **out)
{
    users *u = memory_allocate_zero(sizeof *u);
    if (u == NULL) {
        storage_close(store);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    u->store = store;
    u->platform = p;
    *out = u;
    return ATOLL_OK;
}

void users_close(users *u)
{
    if (u == NULL) return;
    storage_close(u->store);
    memory_free(u);
}

static status make_key(buffer *key, char kind, const char *app_id, bytes name)
{
    buffer_clear(key);
    TRY(buffer_append_byte(key, (uint8_t)kind));
    TRY(buffer_append(key, app_id, strlen(app_id) + 1));
    size_t start = key->size;
    TRY(buffer_append(key, name.data, name.size));
    for (size_t i = start; kind == 'e' && i < key->size;
         i++) { /* addresses differ by more than case */
        if (key->data[i] >= 'A' && key->data[i] <= 'Z') key->data[i] = (uint8_t)(key->data[i] + 32);
    }
    return ATOLL_OK;
}

static status copy_text(char **to, const char *text)
{
    *to = memory_copy_text(text, strlen(text));
    return *to == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

static status user_fill(user *out, const char *id, const char *app_id, const char *email,
                        const char *hash)
{
    status result = copy_text(&out->id, id);
    if (result == ATOLL_OK) result = copy_text(&out->app_id, app_id);
    if (result == ATOLL_OK) result = copy_text(&out->email, email);
    if (result == ATOLL_OK) result = copy_text(&out->password_hash, hash);
    if (result != ATOLL_OK) user_free(out);
    return result;
}

static status user_unpack(bytes record, user *out)
{
    Atoll__Auth__V0__StoredUser *stored =
        atoll__auth__v0__stored_user__unpack(NULL, record.size, record.data);
    if (stored == NULL) return fail(ATOLL_ERROR_FILE_CORRUPT, "a user's record cannot be read");
    user u = {.disabled = stored->disabled, .created_ms = stored->created_ms};
    status result = user_fill(&u, stored->id, stored->app_id, stored->email, stored->password_hash);
    atoll__auth__v0__stored_user__free_unpacked(stored, NULL);
    if (result == ATOLL_OK) *out = u;
    return result;
}

static status put_user(storage_batch *batch, const user *u)
{
    Atoll__Auth__V0__StoredUser stored = ATOLL__AUTH__V0__STORED_USER__INIT;
    stored.id = u->id;
    stored.app_id = u->app_id;
    stored.email = u->email;
    stored.password_hash = u->password_hash;
    stored.disabled = u->disabled;
    stored.created_ms = u->created_ms;
    uint8_t packed[USER_RECORD_SIZE_MAX];
    size_t size = atoll__auth__v0__stored_user__get_packed_size(&stored);
    if (size > sizeof packed)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a user's record is larger than %zu bytes",
                    sizeof packed);
    atoll__auth__v0__stored_user__pack(&stored, packed);
    buffer key;
    buffer_init(&key, USER_KEY_SIZE_MAX);
    status result = make_key(&key, 'u', u->app_id, bytes_text(u->id));
    if (result == ATOLL_OK)
        result = storage_batch_put(batch, buffer_view(&key), bytes_of(packed, size));
    if (result == ATOLL_OK && u->email[0] != '\0') {
        result = make_key(&key, 'e', u->app_id, bytes_text(u->email));
        if (result == ATOLL_OK)
            result = storage_batch_put(batch, buffer_view(&key), bytes_text(u->id));
    }
    buffer_free(&key);
    return result;
}

static status store_user(users *u, const user *who)
{
    storage_batch *batch = NULL;
    TRY(storage_batch_new(u->store, &batch));
    status result = put_user(batch, who);
    if (result == ATOLL_OK) result = storage_write(u->store, batch, true);
    storage_batch_free(batch);
    return result;
}

static void random_hex(const platform *p, size_t size, char *to)
{
    uint8_t raw[32];
    p->random(p->context, raw, size);
    for (size_t i = 0; i < size; i++) snprintf(to + 2 * i, 3, "%02x", raw[i]);
}

status users_check_registration(bytes email, bytes password)
{
    const uint8_t *at = email.size == 0 ? NULL : memchr(email.data, '@', email.size);
    bool good = at != NULL && at != email.data && at != email.data + email.size - 1 &&
                email.size <= USER_EMAIL_SIZE_MAX && utf8_is_valid(email);
    for (size_t i = 0; good && i < email.size; i++) good = email.data[i] > ' ';
    if (!good)
        return fail(ATOLL_ERROR_INVALID_CREDENTIALS,
                    "the email address is not one: expected name@host");
    if (password.size < USER_PASSWORD_SIZE_MIN || password.size > USER_PASSWORD_SIZE_MAX) {
        return fail(ATOLL_ERROR_INVALID_CREDENTIALS, "a password must have %d to %d bytes",
                    USER_PASSWORD_SIZE_MIN, USER_PASSWORD_SIZE_MAX);
    }
    return ATOLL_OK;
}

static status add_user(users *u, const char *app_id, const char *email, const char *hash, user *out)
{
    char id[25];
    random_hex(u->platform, 12, id);
    user who = {.created_ms = u->platform->wall_ms(u->platform->context)};
    TRY(user_fill(&who, id, app_id, email, hash));
    status result = store_user(u, &who);
    if (result == ATOLL_OK)
        *out = who;
    else
        user_free(&who);
    return result;
}

status users_add_anonymous(users *u, const char *app_id, user *out)
{
    return add_user(u, app_id, "", "", out);
}

status users_add_email(users *u, const char *app_id, bytes email, const char *password_hash,
                       user *out)
{
    user there = {0};
    bool found = false;
    char text[USER_EMAIL_SIZE_MAX + 1];
    if (email.size >= sizeof text)
        return fail(ATOLL_ERROR_INVALID_CREDENTIALS, "the email address is too long");
    TRY(users_find_email(u, app_id, email, &there, &found));
    if (found) {
        user_free(&there);
        return fail(ATOLL_ERROR_USER_EXISTS,
                    "the email address is already registered: log in with it");
    }
    memcpy(text, email.data, email.size);
    text[email.size] = '\0';
    return add_user(u, app_id, text, password_hash, out);
}

static status read_key(users *u, char kind, const char *app_id, bytes name, buffer *out,
                       bool *found)
{
    buffer key;
    buffer_init(&key, USER_KEY_SIZE_MAX);
    status result = make_key(&key, kind, app_id, name);
    if (result == ATOLL_ERROR_LIMIT_EXCEEDED) { /* nothing of such a length was ever stored */
        *found = false;
        result = ATOLL_OK;
    } else if (result == ATOLL_OK) {
        result = storage_get(u->store, buffer_view(&key), out, found);
    }
    buffer_free(&key);
    return result;
}

status users_find(users *u, const char *app_id, bytes id, user *out, bool *found)
{
    buffer record;
    buffer_init(&record, USER_RECORD_SIZE_MAX);
    status result = read_key(u, 'u', app_id, id, &record, found);
    if (result == ATOLL_OK && *found) result = user_unpack(buffer_view(&record), out);
    buffer_free(&record);
    return result;
}

status users_find_email(users *u, const char *app_id, bytes email, user *out, bool *found)
{
    buffer id;
    buffer_init(&id, USER_RECORD_SIZE_MAX);
    status result = read_key(u, 'e', app_id, email, &id, found);
    if (result == ATOLL_OK && *found) result = users_find(u, app_id, buffer_view(&id), out, found);
    buffer_free(&id);
    return result;
}

status users_disable(users *u, const char *app_id, bytes id, bool disabled)
{
    user who = {0};
    bool found = false;
    TRY(users_find(u, app_id, id, &who, &found));
    if (!found)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "the app \"%s\" has no such user", app_id);
    who.disabled = disabled;
    status result = store_user(u, &who);
    user_free(&who);
    return result;
}

status users_each(users *u, const char *app_id, status (*each)(void *context, const user *u),
                  void *context)
{
    buffer from, to;
    buffer_init(&from, USER_KEY_SIZE_MAX);
    buffer_init(&to, USER_KEY_SIZE_MAX);
    storage_iterator *iterator = NULL;
    status result = make_key(&from, 'u', app_id, bytes_of(NULL, 0));
    if (result == ATOLL_OK) result = make_key(&to, 'u', app_id, bytes_text("\xff"));
    if (result == ATOLL_OK)
        result = storage_iterate(u->store, buffer_view(&from), buffer_view(&to), &iterator);
    bytes key, value;
    while (result == ATOLL_OK && storage_iterator_next(iterator, &key, &value)) {
        user who = {0};
        result = user_unpack(value, &who);
        if (result == ATOLL_OK) result = each(context, &who);
        user_free(&who);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(iterator);
    if (iterator != NULL) storage_iterator_free(iterator);
    buffer_free(&from);
    buffer_free(&to);
    return result;
}

/* ---- log-ins ---- */

static status write_log_in(users *u, const char *app_id, const char *log_in, const char *user_id)
{
    storage_batch *batch = NULL;
    buffer key;
    buffer_init(&key, USER_KEY_SIZE_MAX);
    status result = make_key(&key, 's', app_id, bytes_text(log_in));
    if (result == ATOLL_OK) result = storage_batch_new(u->store, &batch);
    if (result == ATOLL_OK) {
        result = user_id != NULL ? storage_batch_put(batch, buffer_view(&key), bytes_text(user_id))
                                 : storage_batch_delete(batch, buffer_view(&key));
    }
    if (result == ATOLL_OK) result = storage_write(u->store, batch, true);
    if (batch != NULL) storage_batch_free(batch);
    buffer_free(&key);
    return result;
}

status users_log_in(users *u, const user *who, char log_in[TOKEN_ID_SIZE_MAX])
{
    char text[TOKEN_ID_SIZE_MAX];
    random_hex(u->platform, 16, text);
    TRY(write_log_in(u, who->app_id, text, who->id));
    memcpy(log_in, text, TOKEN_ID_SIZE_MAX);
    return ATOLL_OK;
}

status users_log_out(users *u, const token *t)
{
    return write_log_in(u, t->app_id, t->log_in, NULL);
}

status users_check(users *u, const token *t, user *out)
{
    buffer id;
    bool found = false;
    user who = {0};
    buffer_init(&id, USER_RECORD_SIZE_MAX);
    status result = read_key(u, 's', t->app_id, bytes_text(t->log_in), &id, &found);
    found = found && bytes_equal(buffer_view(&id), bytes_text(t->user_id));
    buffer_free(&id);
    if (result == ATOLL_OK && !found)
        result = fail(ATOLL_ERROR_BAD_TOKEN, "this log-in was ended by a log-out: log in again");
    if (result == ATOLL_OK) result = users_find(u, t->app_id, bytes_text(t->user_id), &who, &found);
    if (result == ATOLL_OK && !found)
        result = fail(ATOLL_ERROR_BAD_TOKEN, "the user of the token is gone: log in again");
    if (result == ATOLL_OK && who.disabled) {
        user_free(&who);
        result = fail(ATOLL_ERROR_USER_DISABLED, "the user is disabled");
    }
    if (result == ATOLL_OK) *out = who;
    return result;
}
