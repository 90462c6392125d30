/* Keys of programs and tickets of addresses behind the storage door. Of a secret its digest is kept.
 *
 *   'k' app 0 id     → StoredKey       'h' app 0 digest → id      'o' app 0 user 0 id → nothing
 *   't' app 0 id     → StoredTicket    'w' app 0 user 0 id → nothing
 *
 * Must never: store a secret, or let another than its own user's key or ticket through.
 * Invariant: each 'k' has its 'h' and its 'o', each 't' its 'w'; they are written in one batch. */
#include "server/users_internal.h"

#include "platform/cipher.h"

#include "auth.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_NAME_SIZE_MAX 200
#define DIGEST_TEXT_SIZE (2 * CIPHER_DIGEST_SIZE)

void user_key_free(user_key *k)
{
    memory_free(k->id);
    memory_free(k->user_id);
    memory_free(k->name);
    *k = (user_key){0};
}

static status copy_text(char **to, const char *text)
{
    *to = memory_copy_text(text, strlen(text));
    return *to == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

static status fill_key(user_key *out, const char *id, const char *user_id, const char *name)
{
    status result = copy_text(&out->id, id);
    if (result == ATOLL_OK) result = copy_text(&out->user_id, user_id);
    if (result == ATOLL_OK) result = copy_text(&out->name, name);
    if (result != ATOLL_OK) user_key_free(out);
    return result;
}

static status digest_text(bytes secret, uint8_t digest[CIPHER_DIGEST_SIZE],
                          char text[DIGEST_TEXT_SIZE + 1])
{
    TRY(cipher_digest(secret, digest));
    for (size_t i = 0; i < CIPHER_DIGEST_SIZE; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return ATOLL_OK;
}

/* ---- keys ---- */

static status key_unpack(bytes record, user_key *out, char digest[DIGEST_TEXT_SIZE + 1])
{
    Atoll__Auth__V1__StoredKey *stored =
        atoll__auth__v1__stored_key__unpack(NULL, record.size, record.data);
    if (stored == NULL) return fail(ATOLL_ERROR_FILE_CORRUPT, "a key's record cannot be read");
    user_key k = {
        .disabled = stored->disabled, .server = stored->server, .created_ms = stored->created_ms};
    status result = fill_key(&k, stored->id, stored->user_id, stored->name);
    for (size_t i = 0; i < stored->digest.len && i < CIPHER_DIGEST_SIZE && digest != NULL; i++)
        snprintf(digest + 2 * i, 3, "%02x", stored->digest.data[i]);
    atoll__auth__v1__stored_key__free_unpacked(stored, NULL);
    if (result == ATOLL_OK) *out = k;
    return result;
}

static status put_key(storage_batch *batch, const char *app_id, const user_key *k,
                      const char *digest_hex)
{
    Atoll__Auth__V1__StoredKey stored = ATOLL__AUTH__V1__STORED_KEY__INIT;
    uint8_t digest[CIPHER_DIGEST_SIZE], packed[1024];
    for (size_t i = 0; i < sizeof digest; i++) {
        char pair[3] = {digest_hex[2 * i], 0, 0}, *end = NULL;
        if (pair[0] != 0) pair[1] = digest_hex[2 * i + 1];
        unsigned long byte = strtoul(pair, &end, 16);
        if (end != pair + 2) return fail(ATOLL_ERROR_FILE_CORRUPT, "a key's record has no digest");
        digest[i] = (uint8_t)byte;
    }
    stored.id = k->id;
    stored.user_id = k->user_id;
    stored.name = k->name;
    stored.disabled = k->disabled;
    stored.server = k->server;
    stored.created_ms = k->created_ms;
    stored.digest = (ProtobufCBinaryData){sizeof digest, digest};
    if (atoll__auth__v1__stored_key__get_packed_size(&stored) > sizeof packed)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a key's record is too large");
    size_t size = atoll__auth__v1__stored_key__pack(&stored, packed);
    return users_batch_put(batch, 'k', app_id, bytes_text(k->id), bytes_of(packed, size));
}

/* The two ways to a key, put or deleted. */
static status put_ways(storage_batch *batch, const char *app_id, const user_key *k,
                       const char *digest_hex, bool put)
{
    buffer name;
    buffer_init(&name, USER_KEY_SIZE_MAX);
    status result = users_name_of(&name, k->user_id, bytes_text(k->id));
    bytes both = buffer_view(&name), digest = bytes_text(digest_hex);
    if (result == ATOLL_OK) {
        result = put ? users_batch_put(batch, 'o', app_id, both, bytes_text(""))
                     : users_batch_delete(batch, 'o', app_id, both);
    }
    if (result == ATOLL_OK) {
        result = put ? users_batch_put(batch, 'h', app_id, digest, bytes_text(k->id))
                     : users_batch_delete(batch, 'h', app_id, digest);
    }
    buffer_free(&name);
    return result;
}

static status count_one(void *context, bytes rest, bytes value)
{
    (void)rest, (void)value;
    ++*(size_t *)context;
    return ATOLL_OK;
}

static status check_name(bytes name)
{
    bool good = name.size > 0 && name.size <= KEY_NAME_SIZE_MAX && utf8_is_valid(name);
    for (size_t i = 0; good && i < name.size; i++) good = name.data[i] >= ' ';
    return good ? ATOLL_OK
                : fail(ATOLL_ERROR_INVALID_ARGUMENT, "the name of a key has 1 to %d bytes of text",
                       KEY_NAME_SIZE_MAX);
}

static status make_key(users *u, const user *who, const char *name, bool server, user_key *out,
                       char secret[USER_SECRET_SIZE + 1])
{
    char id[25], digest_hex[DIGEST_TEXT_SIZE + 1];
    uint8_t digest[CIPHER_DIGEST_SIZE];
    storage_batch *batch = NULL;
    users_random_hex(u, 12, id);
    users_random_hex(u, USER_SECRET_SIZE / 2, secret);
    user_key k = {.server = server, .created_ms = u->platform->wall_ms(u->platform->context)};
    TRY(digest_text(bytes_of(secret, USER_SECRET_SIZE), digest, digest_hex));
    TRY(fill_key(&k, id, who->id, name));
    status result = storage_batch_new(u->store, &batch);
    if (result == ATOLL_OK) result = put_key(batch, who->app_id, &k, digest_hex);
    if (result == ATOLL_OK) result = put_ways(batch, who->app_id, &k, digest_hex, true);
    if (result == ATOLL_OK)
        result = users_store(u, batch);
    else if (batch != NULL)
        storage_batch_free(batch);
    if (result == ATOLL_OK)
        *out = k;
    else
        user_key_free(&k);
    return result;
}

status users_key_add(users *u, const user *who, bytes name, bool server, user_key *out,
                     char secret[USER_SECRET_SIZE + 1])
{
    size_t count = 0;
    TRY(check_name(name));
    TRY(users_scan(u, 'o', who->app_id, bytes_of(who->id, strlen(who->id) + 1), count_one, &count));
    if (count >= USER_KEYS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a user has at most %d keys: delete one first",
                    USER_KEYS_MAX);
    char *text = memory_copy_text((const char *)name.data, name.size);
    if (text == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = make_key(u, who, text, server, out, secret);
    memory_free(text);
    return result;
}

static status find_key(users *u, const char *app_id, bytes id, user_key *out,
                       char digest[DIGEST_TEXT_SIZE + 1], bool *found)
{
    buffer record;
    buffer_init(&record, USER_RECORD_SIZE_MAX);
    status result = users_read(u, 'k', app_id, id, &record, found);
    if (result == ATOLL_OK && *found) result = key_unpack(buffer_view(&record), out, digest);
    buffer_free(&record);
    return result;
}

status users_key_find(users *u, const char *app_id, bytes id, user_key *out, bool *found)
{
    return find_key(u, app_id, id, out, NULL, found);
}

status users_key_find_secret(users *u, const char *app_id, bytes secret, user_key *out, bool *found)
{
    char digest_hex[DIGEST_TEXT_SIZE + 1];
    uint8_t digest[CIPHER_DIGEST_SIZE];
    buffer id;
    *found = false;
    if (secret.size != USER_SECRET_SIZE) return ATOLL_OK;
    TRY(digest_text(secret, digest, digest_hex));
    buffer_init(&id, USER_KEY_SIZE_MAX);
    status result = users_read(u, 'h', app_id, bytes_text(digest_hex), &id, found);
    if (result == ATOLL_OK && *found)
        result = users_key_find(u, app_id, buffer_view(&id), out, found);
    buffer_free(&id);
    return result;
}

status users_key_enable(users *u, const char *app_id, bytes id, bool enable)
{
    user_key k = {0};
    char digest[DIGEST_TEXT_SIZE + 1] = "";
    bool found = false;
    storage_batch *batch = NULL;
    TRY(find_key(u, app_id, id, &k, digest, &found));
    if (!found)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "there is no key \"%.*s\"",
                    id.size < 100 ? (int)id.size : 100, (const char *)id.data);
    k.disabled = !enable;
    status result = storage_batch_new(u->store, &batch);
    if (result == ATOLL_OK) result = put_key(batch, app_id, &k, digest);
    if (result == ATOLL_OK)
        result = users_store(u, batch);
    else if (batch != NULL)
        storage_batch_free(batch);
    user_key_free(&k);
    return result;
}

static status drop_key(users *u, storage_batch *batch, const char *app_id, bytes id)
{
    user_key k = {0};
    char digest[DIGEST_TEXT_SIZE + 1] = "";
    bool found = false;
    TRY(find_key(u, app_id, id, &k, digest, &found));
    if (!found) return ATOLL_OK;
    status result = put_ways(batch, app_id, &k, digest, false);
    if (result == ATOLL_OK) result = users_batch_delete(batch, 'k', app_id, id);
    user_key_free(&k);
    return result;
}

status users_key_remove(users *u, const char *app_id, bytes id)
{
    storage_batch *batch = NULL;
    TRY(storage_batch_new(u->store, &batch));
    status result = drop_key(u, batch, app_id, id);
    if (result == ATOLL_OK) return users_store(u, batch);
    storage_batch_free(batch);
    return result;
}

typedef struct dropping {
    users *u;
    storage_batch *batch;
    const char *app_id, *user_id;
    int kind; /* of tickets: 0 confirmations, 1 resets, -1 all */
} dropping;

static status drop_key_of_user(void *context, bytes rest, bytes value)
{
    (void)value;
    const dropping *d = context;
    return drop_key(d->u, d->batch, d->app_id, rest);
}

status users_keys_drop(users *u, storage_batch *batch, const char *app_id, const char *user_id)
{
    dropping d = {u, batch, app_id, user_id, -1};
    return users_scan(u, 'o', app_id, bytes_of(user_id, strlen(user_id) + 1), drop_key_of_user, &d);
}

typedef struct key_walk {
    users *u;
    const char *app_id;
    status (*each)(void *context, const user_key *k);
    void *context;
} key_walk;

static status walk_key(void *context, bytes rest, bytes value)
{
    (void)rest;
    const key_walk *walk = context;
    user_key k = {0};
    TRY(key_unpack(value, &k, NULL));
    status result = walk->each(walk->context, &k);
    user_key_free(&k);
    return result;
}

status users_key_each(users *u, const char *app_id,
                      status (*each)(void *context, const user_key *k), void *context)
{
    key_walk walk = {u, app_id, each, context};
    return users_scan(u, 'k', app_id, bytes_text(""), walk_key, &walk);
}

static status walk_key_of(void *context, bytes rest, bytes value)
{
    (void)value;
    const key_walk *walk = context;
    user_key k = {0};
    bool found = false;
    TRY(users_key_find(walk->u, walk->app_id, rest, &k, &found));
    status result = found ? walk->each(walk->context, &k) : ATOLL_OK;
    user_key_free(&k);
    return result;
}

status users_key_each_of(users *u, const char *app_id, const char *user_id,
                         status (*each)(void *context, const user_key *k), void *context)
{
    key_walk walk = {u, app_id, each, context};
    return users_scan(u, 'o', app_id, bytes_of(user_id, strlen(user_id) + 1), walk_key_of, &walk);
}

/* ---- tickets ---- */

static status drop_ticket(storage_batch *batch, const char *app_id, const char *user_id, bytes id)
{
    buffer name;
    buffer_init(&name, USER_KEY_SIZE_MAX);
    status result = users_name_of(&name, user_id, id);
    if (result == ATOLL_OK) result = users_batch_delete(batch, 'w', app_id, buffer_view(&name));
    if (result == ATOLL_OK) result = users_batch_delete(batch, 't', app_id, id);
    buffer_free(&name);
    return result;
}

static status drop_ticket_of_user(void *context, bytes rest, bytes value)
{
    const dropping *d = context;
    int kind = value.size > 0 && value.data[0] == 'r';
    if (d->kind >= 0 && kind != d->kind) return ATOLL_OK;
    return drop_ticket(d->batch, d->app_id, d->user_id, rest);
}

status users_tickets_drop(users *u, storage_batch *batch, const char *app_id, const char *user_id)
{
    dropping d = {u, batch, app_id, user_id, -1};
    return users_scan(u, 'w', app_id, bytes_of(user_id, strlen(user_id) + 1), drop_ticket_of_user,
                      &d);
}

static status put_ticket(users *u, storage_batch *batch, const user *who, bytes id, bytes record,
                         bool reset)
{
    /* The newest of its kind replaces the ones before: a user has two tickets at most. */
    dropping d = {u, batch, who->app_id, who->id, reset ? 1 : 0};
    buffer name;
    TRY(users_scan(u, 'w', who->app_id, bytes_of(who->id, strlen(who->id) + 1), drop_ticket_of_user,
                   &d));
    buffer_init(&name, USER_KEY_SIZE_MAX);
    status result = users_name_of(&name, who->id, id);
    if (result == ATOLL_OK)
        result = users_batch_put(batch, 'w', who->app_id, buffer_view(&name),
                                 bytes_text(reset ? "r" : "c"));
    if (result == ATOLL_OK) result = users_batch_put(batch, 't', who->app_id, id, record);
    buffer_free(&name);
    return result;
}

status users_ticket_add(users *u, const user *who, bool reset, int64_t expires_ms,
                        char id[USER_TICKET_ID_SIZE + 1], char token[USER_TICKET_SIZE + 1])
{
    Atoll__Auth__V1__StoredTicket stored = ATOLL__AUTH__V1__STORED_TICKET__INIT;
    uint8_t digest[CIPHER_DIGEST_SIZE], packed[512];
    storage_batch *batch = NULL;
    users_random_hex(u, USER_TICKET_ID_SIZE / 2, id);
    users_random_hex(u, USER_TICKET_SIZE / 2, token);
    TRY(cipher_digest(bytes_of(token, USER_TICKET_SIZE), digest));
    stored.user_id = who->id;
    stored.digest = (ProtobufCBinaryData){sizeof digest, digest};
    stored.expires_ms = expires_ms;
    stored.reset = reset;
    size_t size = atoll__auth__v1__stored_ticket__pack(&stored, packed);
    TRY(storage_batch_new(u->store, &batch));
    status result =
        put_ticket(u, batch, who, bytes_of(id, USER_TICKET_ID_SIZE), bytes_of(packed, size), reset);
    if (result == ATOLL_OK) return users_store(u, batch);
    storage_batch_free(batch);
    return result;
}

static status find_ticket(users *u, const char *app_id, bytes id,
                          Atoll__Auth__V1__StoredTicket **out)
{
    buffer record;
    bool found = false;
    buffer_init(&record, USER_RECORD_SIZE_MAX);
    *out = NULL;
    status result = users_read(u, 't', app_id, id, &record, &found);
    if (result == ATOLL_OK && found) {
        *out = atoll__auth__v1__stored_ticket__unpack(NULL, record.size, record.data);
        if (*out == NULL)
            result = fail(ATOLL_ERROR_FILE_CORRUPT, "a ticket's record cannot be read");
    }
    buffer_free(&record);
    return result;
}

status users_ticket_check(users *u, const char *app_id, bytes id, bytes token, bool reset,
                          user *out)
{
    Atoll__Auth__V1__StoredTicket *stored = NULL;
    uint8_t digest[CIPHER_DIGEST_SIZE];
    TRY(cipher_digest(token, digest));
    TRY(find_ticket(u, app_id, id, &stored));
    bool found = false;
    bool good = stored != NULL && stored->reset == reset &&
                stored->expires_ms > u->platform->wall_ms(u->platform->context) &&
                bytes_equal(bytes_of(stored->digest.data, stored->digest.len),
                            bytes_of(digest, sizeof digest));
    status result =
        good ? users_find(u, app_id, bytes_text(stored->user_id), out, &found) : ATOLL_OK;
    if (stored != NULL) atoll__auth__v1__stored_ticket__free_unpacked(stored, NULL);
    if (result == ATOLL_OK && !found)
        result = fail(ATOLL_ERROR_BAD_TOKEN,
                      "the token is not, or no longer, valid: ask for a new one to be sent");
    return result;
}

status users_ticket_remove(users *u, const char *app_id, bytes id)
{
    Atoll__Auth__V1__StoredTicket *stored = NULL;
    storage_batch *batch = NULL;
    TRY(find_ticket(u, app_id, id, &stored));
    if (stored == NULL) return ATOLL_OK;
    status result = storage_batch_new(u->store, &batch);
    if (result == ATOLL_OK) result = drop_ticket(batch, app_id, stored->user_id, id);
    if (result == ATOLL_OK)
        result = users_store(u, batch);
    else if (batch != NULL)
        storage_batch_free(batch);
    atoll__auth__v1__stored_ticket__free_unpacked(stored, NULL);
    return result;
}
