/* Users and log-ins behind the storage door. "first 0 second" stands for both names with a zero byte between them.
 *
 *   'u' app 0 id          → StoredUser          'e' app 0 email            → id
 *   'i' app 0 provider 0 subject → id           's' app 0 log-in           → user id
 *   'l' app 0 user 0 log-in → nothing           keys and tickets: users_keys.c
 *
 * Must never: keep a password, or answer before the disk has what it answered.
 * Invariant: an 'e' or 'i' entry names a user of that address or identity; all of a user is written in one batch. */
#include "server/users_internal.h"

#include <stdio.h>

#define USER_PASSWORD_SIZE_MIN 6
#define USER_PASSWORD_SIZE_MAX 128 /* the service before had the same bounds */
#define USER_CUSTOM_DATA_SIZE_MAX (16u << 10)

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

/* ---- records ---- */

status users_key_of(buffer *key, char kind, const char *app_id, bytes name)
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

status users_name_of(buffer *name, const char *first, bytes second)
{
    buffer_clear(name);
    TRY(buffer_append(name, first, strlen(first) + 1));
    return buffer_append(name, second.data, second.size);
}

status users_read(users *u, char kind, const char *app_id, bytes name, buffer *out, bool *found)
{
    buffer key;
    buffer_init(&key, USER_KEY_SIZE_MAX);
    status result = users_key_of(&key, kind, app_id, name);
    if (result == ATOLL_ERROR_LIMIT_EXCEEDED) { /* nothing of such a length was ever stored */
        *found = false;
        result = ATOLL_OK;
    } else if (result == ATOLL_OK) {
        result = storage_get(u->store, buffer_view(&key), out, found);
    }
    buffer_free(&key);
    return result;
}

status users_batch_put(storage_batch *batch, char kind, const char *app_id, bytes name, bytes value)
{
    buffer key;
    buffer_init(&key, USER_KEY_SIZE_MAX);
    status result = users_key_of(&key, kind, app_id, name);
    if (result == ATOLL_OK) result = storage_batch_put(batch, buffer_view(&key), value);
    buffer_free(&key);
    return result;
}

status users_batch_delete(storage_batch *batch, char kind, const char *app_id, bytes name)
{
    buffer key;
    buffer_init(&key, USER_KEY_SIZE_MAX);
    status result = users_key_of(&key, kind, app_id, name);
    if (result == ATOLL_OK) result = storage_batch_delete(batch, buffer_view(&key));
    buffer_free(&key);
    return result;
}

status users_scan(users *u, char kind, const char *app_id, bytes start,
                  status (*each)(void *context, bytes rest, bytes value), void *context)
{
    buffer from, to;
    buffer_init(&from, USER_KEY_SIZE_MAX);
    buffer_init(&to, USER_KEY_SIZE_MAX + 1);
    storage_iterator *iterator = NULL;
    bytes key, value;
    status result = users_key_of(&from, kind, app_id, start);
    if (result == ATOLL_OK) result = users_key_of(&to, kind, app_id, start);
    if (result == ATOLL_OK) result = buffer_append_byte(&to, 0xff); /* no name has such a byte */
    if (result == ATOLL_OK)
        result = storage_iterate(u->store, buffer_view(&from), buffer_view(&to), &iterator);
    while (result == ATOLL_OK && storage_iterator_next(iterator, &key, &value)) {
        result = each(context, bytes_of(key.data + from.size, key.size - from.size), value);
    }
    if (result == ATOLL_OK) result = storage_iterator_status(iterator);
    if (iterator != NULL) storage_iterator_free(iterator);
    buffer_free(&from);
    buffer_free(&to);
    return result;
}

status users_store(users *u, storage_batch *batch)
{
    status result = storage_write(u->store, batch, true);
    storage_batch_free(batch);
    return result;
}

void users_random_hex(const users *u, size_t size, char *to)
{
    uint8_t raw[64];
    u->platform->random(u->platform->context, raw, size);
    for (size_t i = 0; i < size; i++) snprintf(to + 2 * i, 3, "%02x", raw[i]);
}

static status put_identities(storage_batch *batch, const user *u, bool put)
{
    buffer name;
    status result = ATOLL_OK;
    buffer_init(&name, USER_KEY_SIZE_MAX);
    for (size_t i = 0; i < u->identities.count && result == ATOLL_OK; i++) {
        const user_pair *pair = &u->identities.items[i];
        result = users_name_of(&name, pair->name, bytes_text(pair->value));
        if (result == ATOLL_OK) {
            result =
                put ? users_batch_put(batch, 'i', u->app_id, buffer_view(&name), bytes_text(u->id))
                    : users_batch_delete(batch, 'i', u->app_id, buffer_view(&name));
        }
    }
    buffer_free(&name);
    return result;
}

static status put_user(storage_batch *batch, const user *u)
{
    buffer record;
    buffer_init(&record, USER_RECORD_SIZE_MAX);
    status result = user_pack(u, &record);
    if (result == ATOLL_OK)
        result = users_batch_put(batch, 'u', u->app_id, bytes_text(u->id), buffer_view(&record));
    buffer_free(&record);
    if (result == ATOLL_OK && u->email[0] != '\0')
        result = users_batch_put(batch, 'e', u->app_id, bytes_text(u->email), bytes_text(u->id));
    return result == ATOLL_OK ? put_identities(batch, u, true) : result;
}

static status store_user(users *u, const user *who)
{
    storage_batch *batch = NULL;
    TRY(storage_batch_new(u->store, &batch));
    status result = put_user(batch, who);
    if (result == ATOLL_OK) return users_store(u, batch);
    storage_batch_free(batch);
    return result;
}

/* ---- new users ---- */

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

static status replace_text(char **to, bytes text)
{
    char *copy = memory_copy_text((const char *)text.data, text.size);
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memory_free(*to);
    *to = copy;
    return ATOLL_OK;
}

static status user_begin(users *u, const char *app_id, bytes email, const char *hash, user *out)
{
    char id[25];
    users_random_hex(u, 12, id);
    out->created_ms = u->platform->wall_ms(u->platform->context);
    status result = replace_text(&out->id, bytes_text(id));
    if (result == ATOLL_OK) result = replace_text(&out->app_id, bytes_text(app_id));
    if (result == ATOLL_OK) result = replace_text(&out->email, email);
    if (result == ATOLL_OK) result = replace_text(&out->password_hash, bytes_text(hash));
    if (result == ATOLL_OK) result = replace_text(&out->custom_data, bytes_text(""));
    return result;
}

static status add_user(users *u, const char *app_id, bytes email, const char *hash,
                       bool unconfirmed, const char *provider, bytes subject, user *out)
{
    user who = {.unconfirmed = unconfirmed};
    status result = user_begin(u, app_id, email, hash, &who);
    if (result == ATOLL_OK && provider != NULL)
        result = user_pairs_add(&who.identities, bytes_text(provider), subject);
    if (result == ATOLL_OK) result = store_user(u, &who);
    if (result == ATOLL_OK)
        *out = who;
    else
        user_free(&who);
    return result;
}

status users_add_anonymous(users *u, const char *app_id, user *out)
{
    return add_user(u, app_id, bytes_text(""), "", false, NULL, bytes_text(""), out);
}

static status check_email_free(users *u, const char *app_id, bytes email)
{
    user there = {0};
    bool found = false;
    if (email.size > USER_EMAIL_SIZE_MAX)
        return fail(ATOLL_ERROR_INVALID_CREDENTIALS, "the email address is too long");
    TRY(users_find_email(u, app_id, email, &there, &found));
    if (!found) return ATOLL_OK;
    user_free(&there);
    return fail(ATOLL_ERROR_USER_EXISTS, "the email address is already registered: log in with it");
}

status users_add_email(users *u, const char *app_id, bytes email, const char *password_hash,
                       bool unconfirmed, user *out)
{
    TRY(check_email_free(u, app_id, email));
    return add_user(u, app_id, email, password_hash, unconfirmed, NULL, bytes_text(""), out);
}

static status check_subject(bytes subject)
{
    bool good = subject.size > 0 && subject.size <= USER_SUBJECT_SIZE_MAX && utf8_is_valid(subject);
    for (size_t i = 0; good && i < subject.size; i++) good = subject.data[i] >= ' ';
    return good ? ATOLL_OK
                : fail(ATOLL_ERROR_INVALID_CREDENTIALS,
                       "the provider's name of the user has no text of 1 to %d bytes",
                       USER_SUBJECT_SIZE_MAX);
}

status users_add_identity(users *u, const char *app_id, const char *provider, bytes subject,
                          user *out)
{
    TRY(check_subject(subject));
    return add_user(u, app_id, bytes_text(""), "", false, provider, subject, out);
}

/* ---- finding ---- */

status users_find(users *u, const char *app_id, bytes id, user *out, bool *found)
{
    buffer record;
    buffer_init(&record, USER_RECORD_SIZE_MAX);
    status result = users_read(u, 'u', app_id, id, &record, found);
    if (result == ATOLL_OK && *found) result = user_unpack(buffer_view(&record), out);
    buffer_free(&record);
    return result;
}

static status find_by(users *u, char kind, const char *app_id, bytes name, user *out, bool *found)
{
    buffer id;
    buffer_init(&id, USER_RECORD_SIZE_MAX);
    status result = users_read(u, kind, app_id, name, &id, found);
    if (result == ATOLL_OK && *found) result = users_find(u, app_id, buffer_view(&id), out, found);
    buffer_free(&id);
    return result;
}

status users_find_email(users *u, const char *app_id, bytes email, user *out, bool *found)
{
    return find_by(u, 'e', app_id, email, out, found);
}

status users_find_identity(users *u, const char *app_id, const char *provider, bytes subject,
                           user *out, bool *found)
{
    buffer name;
    buffer_init(&name, USER_KEY_SIZE_MAX);
    TRY(check_subject(subject));
    status result = users_name_of(&name, provider, subject);
    if (result == ATOLL_OK) result = find_by(u, 'i', app_id, buffer_view(&name), out, found);
    buffer_free(&name);
    return result;
}

typedef struct user_walk {
    status (*each)(void *context, const user *u);
    void *context;
} user_walk;

static status walk_one(void *context, bytes rest, bytes value)
{
    (void)rest;
    const user_walk *walk = context;
    user who = {0};
    TRY(user_unpack(value, &who));
    status result = walk->each(walk->context, &who);
    user_free(&who);
    return result;
}

status users_each(users *u, const char *app_id, status (*each)(void *context, const user *u),
                  void *context)
{
    user_walk walk = {each, context};
    return users_scan(u, 'u', app_id, bytes_text(""), walk_one, &walk);
}

/* ---- changes ---- */

static status find_known(users *u, const char *app_id, bytes id, user *out)
{
    bool found = false;
    TRY(users_find(u, app_id, id, out, &found));
    return found ? ATOLL_OK
                 : fail(ATOLL_ERROR_INVALID_ARGUMENT, "the app \"%s\" has no such user", app_id);
}

status users_disable(users *u, const char *app_id, bytes id, bool disabled)
{
    user who = {0};
    TRY(find_known(u, app_id, id, &who));
    who.disabled = disabled;
    status result = store_user(u, &who);
    user_free(&who);
    return result;
}

status users_confirm(users *u, const char *app_id, bytes id)
{
    user who = {0};
    TRY(find_known(u, app_id, id, &who));
    who.unconfirmed = false;
    status result = store_user(u, &who);
    user_free(&who);
    return result;
}

status users_set_custom_data(users *u, const char *app_id, bytes id, bytes json)
{
    user who = {0};
    if (json.size > USER_CUSTOM_DATA_SIZE_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "the data of a user has at most %u bytes",
                    USER_CUSTOM_DATA_SIZE_MAX);
    TRY(find_known(u, app_id, id, &who));
    status result = replace_text(&who.custom_data, json);
    if (result == ATOLL_OK) result = store_user(u, &who);
    user_free(&who);
    return result;
}

status users_set_fields(users *u, const user *who)
{
    return store_user(u, who);
}

status users_link_identity(users *u, user *who, const char *provider, bytes subject)
{
    user there = {0};
    bool found = false;
    TRY(users_find_identity(u, who->app_id, provider, subject, &there, &found));
    user_free(&there);
    if (found)
        return fail(ATOLL_ERROR_USER_EXISTS,
                    "a user with this identity exists already: log in with it");
    TRY(user_pairs_add(&who->identities, bytes_text(provider), subject));
    status result = store_user(u, who);
    if (result == ATOLL_OK) return ATOLL_OK;
    user_pair *last = &who->identities.items[--who->identities.count];
    memory_free(last->name);
    memory_free(last->value);
    return result;
}

/* ---- log-ins ---- */

static status put_log_in(storage_batch *batch, const char *app_id, bytes log_in,
                         const char *user_id, bool put)
{
    buffer name;
    buffer_init(&name, USER_KEY_SIZE_MAX);
    status result = users_name_of(&name, user_id, log_in);
    bytes both = buffer_view(&name);
    if (result == ATOLL_OK) {
        result = put ? users_batch_put(batch, 's', app_id, log_in, bytes_text(user_id))
                     : users_batch_delete(batch, 's', app_id, log_in);
    }
    if (result == ATOLL_OK) {
        result = put ? users_batch_put(batch, 'l', app_id, both, bytes_text(""))
                     : users_batch_delete(batch, 'l', app_id, both);
    }
    buffer_free(&name);
    return result;
}

/* The user as stored now: who may have been read before a password was compared. */
static status write_log_in(users *u, user *fresh, const char *log_in)
{
    storage_batch *batch = NULL;
    bool first = !fresh->used;
    fresh->used = true;
    TRY(storage_batch_new(u->store, &batch));
    status result = first ? put_user(batch, fresh) : ATOLL_OK;
    if (result == ATOLL_OK)
        result = put_log_in(batch, fresh->app_id, bytes_text(log_in), fresh->id, true);
    if (result == ATOLL_OK) return users_store(u, batch);
    storage_batch_free(batch);
    return result;
}

status users_log_in(users *u, const user *who, char log_in[TOKEN_ID_SIZE_MAX])
{
    char text[TOKEN_ID_SIZE_MAX];
    user fresh = {0};
    bool found = false;
    users_random_hex(u, 16, text);
    TRY(users_find(u, who->app_id, bytes_text(who->id), &fresh, &found));
    status result =
        !found || strcmp(fresh.password_hash, who->password_hash) != 0
            ? fail(ATOLL_ERROR_INVALID_CREDENTIALS, "the user has changed meanwhile: log in again")
            : write_log_in(u, &fresh, text);
    user_free(&fresh);
    if (result == ATOLL_OK) memcpy(log_in, text, TOKEN_ID_SIZE_MAX);
    return result;
}

status users_log_out(users *u, const token *t)
{
    storage_batch *batch = NULL;
    TRY(storage_batch_new(u->store, &batch));
    status result = put_log_in(batch, t->app_id, bytes_text(t->log_in), t->user_id, false);
    if (result == ATOLL_OK) return users_store(u, batch);
    storage_batch_free(batch);
    return result;
}

typedef struct log_in_drop {
    storage_batch *batch;
    const char *app_id, *user_id;
} log_in_drop;

static status drop_log_in(void *context, bytes rest, bytes value)
{
    (void)value;
    const log_in_drop *drop = context;
    return put_log_in(drop->batch, drop->app_id, rest, drop->user_id, false);
}

static status drop_log_ins(users *u, storage_batch *batch, const char *app_id, const char *user_id)
{
    log_in_drop drop = {batch, app_id, user_id};
    return users_scan(u, 'l', app_id, bytes_of(user_id, strlen(user_id) + 1), drop_log_in, &drop);
}

status users_set_password(users *u, const char *app_id, bytes id, const char *hash)
{
    user who = {0};
    storage_batch *batch = NULL;
    TRY(find_known(u, app_id, id, &who));
    status result = replace_text(&who.password_hash, bytes_text(hash));
    if (result == ATOLL_OK) result = storage_batch_new(u->store, &batch);
    if (result == ATOLL_OK) result = put_user(batch, &who);
    if (result == ATOLL_OK) result = drop_log_ins(u, batch, app_id, who.id);
    if (result == ATOLL_OK)
        result = users_store(u, batch);
    else if (batch != NULL)
        storage_batch_free(batch);
    user_free(&who);
    return result;
}

static status remove_all(users *u, storage_batch *batch, const user *who)
{
    TRY(users_batch_delete(batch, 'u', who->app_id, bytes_text(who->id)));
    if (who->email[0] != '\0')
        TRY(users_batch_delete(batch, 'e', who->app_id, bytes_text(who->email)));
    TRY(put_identities(batch, who, false));
    TRY(users_keys_drop(u, batch, who->app_id, who->id));
    TRY(users_tickets_drop(u, batch, who->app_id, who->id));
    return drop_log_ins(u, batch, who->app_id, who->id);
}

status users_remove(users *u, const char *app_id, bytes id)
{
    user who = {0};
    storage_batch *batch = NULL;
    TRY(find_known(u, app_id, id, &who));
    status result = storage_batch_new(u->store, &batch);
    if (result == ATOLL_OK) result = remove_all(u, batch, &who);
    if (result == ATOLL_OK)
        result = users_store(u, batch);
    else if (batch != NULL)
        storage_batch_free(batch);
    user_free(&who);
    return result;
}

static status link_email(users *u, const user *who, const user *registered)
{
    storage_batch *batch = NULL;
    TRY(storage_batch_new(u->store, &batch));
    status result = remove_all(u, batch, registered);
    if (result == ATOLL_OK) result = put_user(batch, who);
    if (result == ATOLL_OK) return users_store(u, batch);
    storage_batch_free(batch);
    return result;
}

status users_link_email(users *u, user *who, const user *registered)
{
    if (who->email[0] != '\0')
        return fail(ATOLL_ERROR_USER_EXISTS, "the user has an email address already");
    if (registered->used || registered->disabled || strcmp(who->id, registered->id) == 0)
        return fail(ATOLL_ERROR_USER_EXISTS,
                    "the address is another user's, who has logged in with it or was disabled");
    TRY(replace_text(&who->email, bytes_text(registered->email)));
    status result = replace_text(&who->password_hash, bytes_text(registered->password_hash));
    if (result == ATOLL_OK) result = link_email(u, who, registered);
    if (result != ATOLL_OK) who->email[0] = '\0';
    return result;
}

status users_check(users *u, const token *t, user *out)
{
    buffer id;
    bool found = false;
    user who = {0};
    buffer_init(&id, USER_RECORD_SIZE_MAX);
    status result = users_read(u, 's', t->app_id, bytes_text(t->log_in), &id, &found);
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
