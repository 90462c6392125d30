/* Users on the device and their file, by jansson; of the client, the only file that includes it.
 * Must never: lose the users because one of them could not be read.
 * Invariant: `current` is NULL or an item of the list that is logged in. */
#include "sync/account.h"

#include "platform/file.h"

#include <jansson.h>
#include <stdlib.h>

#define USERS_FILE_SIZE_MAX (16u << 20)

static status replace(char **to, const char *text)
{
    char *copy = memory_copy_text(text, strlen(text));
    if (copy == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    memory_free(*to);
    *to = copy;
    return ATOLL_OK;
}

status account_new(const char *id, const char *provider, account **out)
{
    account *a = memory_allocate_zero(sizeof *a);
    if (a == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = mutex_init(&a->lock);
    if (result != ATOLL_OK) {
        memory_free(a);
        return result;
    }
    atomic_init(&a->references, 1);
    atomic_init(&a->state, ACCOUNT_LOGGED_IN);
    result = replace(&a->id, id);
    if (result == ATOLL_OK) result = replace(&a->provider, provider);
    if (result != ATOLL_OK)
        account_release(a);
    else
        *out = a;
    return result;
}

account *account_retain(account *a)
{
    atomic_fetch_add(&a->references, 1);
    return a;
}

void account_release(account *a)
{
    if (a == NULL || atomic_fetch_sub(&a->references, 1) != 1) return;
    mutex_destroy(&a->lock);
    memory_free(a->id);
    memory_free(a->provider);
    memory_free(a->access);
    memory_free(a->refresh);
    memory_free(a);
}

const char *account_id(const account *a)
{
    return a->id;
}

const char *account_provider(const account *a)
{
    return a->provider;
}

int32_t account_state(const account *a)
{
    return atomic_load(&a->state);
}

status account_set_tokens(account *a, const char *access, const char *refresh)
{
    status result = ATOLL_OK;
    mutex_lock(&a->lock);
    if (access != NULL && access[0] != '\0') result = replace(&a->access, access);
    if (result == ATOLL_OK && refresh != NULL && refresh[0] != '\0')
        result = replace(&a->refresh, refresh);
    mutex_unlock(&a->lock);
    return result;
}

char *account_copy_token(account *a, bool refresh)
{
    mutex_lock(&a->lock);
    const char *token = refresh ? a->refresh : a->access;
    char *copy = token == NULL ? NULL : memory_copy_text(token, strlen(token));
    mutex_unlock(&a->lock);
    return copy;
}

status account_access_token(const account *a, buffer *out)
{
    if (account_state(a) != ACCOUNT_LOGGED_IN)
        return fail(ATOLL_ERROR_NOT_LOGGED_IN, "the user is logged out: log in again");
    char *token = account_copy_token((account *)(uintptr_t)a, false);
    if (token == NULL)
        return fail(ATOLL_ERROR_NOT_LOGGED_IN, "the user has no access token: log in again");
    status result = buffer_append(out, token, strlen(token));
    memory_free(token);
    return result;
}

/* ---- the list ---- */

void account_list_free(account_list *l)
{
    for (size_t i = 0; i < l->items.count; i++) account_release(l->items.items[i]);
    vector_free(&l->items);
    l->current = NULL;
}

account *account_list_find(const account_list *l, const char *id)
{
    for (size_t i = 0; i < l->items.count; i++) {
        if (strcmp(l->items.items[i]->id, id) == 0) return l->items.items[i];
    }
    return NULL;
}

status account_list_add(account_list *l, account *a)
{
    status result = vector_push(&l->items, a);
    if (result != ATOLL_OK) account_release(a);
    return result;
}

void account_list_remove(account_list *l, account *a)
{
    for (size_t i = 0; i < l->items.count; i++) {
        if (l->items.items[i] != a) continue;
        memmove(&l->items.items[i], &l->items.items[i + 1],
                (l->items.count - i - 1) * sizeof(account *));
        l->items.count--;
        if (l->current == a) l->current = NULL;
        account_release(a);
        return;
    }
}

void account_list_choose(account_list *l)
{
    if (l->current != NULL && account_state(l->current) == ACCOUNT_LOGGED_IN) return;
    l->current = NULL;
    for (size_t i = 0; i < l->items.count; i++) {
        if (account_state(l->items.items[i]) == ACCOUNT_LOGGED_IN) l->current = l->items.items[i];
    }
}

/* ---- the file ---- */

static status read_one(account_list *l, json_t *entry)
{
    const char *id = json_string_value(json_object_get(entry, "id"));
    const char *provider = json_string_value(json_object_get(entry, "provider"));
    const char *refresh = json_string_value(json_object_get(entry, "refresh_token"));
    account *a = NULL;
    if (id == NULL || provider == NULL || account_list_find(l, id) != NULL) return ATOLL_OK;
    TRY(account_new(id, provider, &a));
    bool logged_in = refresh != NULL && json_is_true(json_object_get(entry, "logged_in"));
    atomic_store(&a->state, logged_in ? ACCOUNT_LOGGED_IN : ACCOUNT_LOGGED_OUT);
    a->refresh_at_ms = UINT64_MAX; /* the server tells when it has expired */
    status result =
        account_set_tokens(a, json_string_value(json_object_get(entry, "access_token")), refresh);
    if (result != ATOLL_OK) {
        account_release(a);
        return result;
    }
    return account_list_add(l, a);
}

status account_list_read(account_list *l, const char *path)
{
    if (!file_exists(path)) return ATOLL_OK;
    buffer content;
    buffer_init(&content, USERS_FILE_SIZE_MAX + 8192);
    json_error_t problem;
    json_t *root = NULL;
    status result = file_read(path, USERS_FILE_SIZE_MAX, &content);
    if (result == ATOLL_OK)
        root = json_loadb((const char *)content.data, content.size, 0, &problem);
    buffer_free(&content);
    if (result == ATOLL_OK && root == NULL) {
        return fail(ATOLL_ERROR_FILE_CORRUPT,
                    "\"%s\", line %d: %s. Move the file away; its users must then log in again",
                    path, problem.line, problem.text);
    }
    json_t *users = json_object_get(root, "users"), *entry;
    size_t index;
    json_array_foreach(users, index, entry)
    {
        if (result == ATOLL_OK) result = read_one(l, entry);
    }
    const char *current = json_string_value(json_object_get(root, "current"));
    if (current != NULL) l->current = account_list_find(l, current);
    account_list_choose(l);
    json_decref(root);
    return result;
}

static int write_one(json_t *users, account *a)
{
    char *access = account_copy_token(a, false), *refresh = account_copy_token(a, true);
    bool logged_in = account_state(a) == ACCOUNT_LOGGED_IN;
    json_t *entry =
        json_pack("{s:s, s:s, s:b}", "id", a->id, "provider", a->provider, "logged_in", logged_in);
    int code = entry == NULL ? -1 : 0;
    if (code == 0 && logged_in && access != NULL)
        code = json_object_set_new(entry, "access_token", json_string(access));
    if (code == 0 && logged_in && refresh != NULL)
        code = json_object_set_new(entry, "refresh_token", json_string(refresh));
    memory_free(access);
    memory_free(refresh);
    return code != 0 ? code : json_array_append_new(users, entry);
}

status account_list_text(const account_list *l, char **json)
{
    json_t *users = json_array();
    json_t *root = json_object();
    int code = users == NULL || root == NULL ? -1 : 0;
    for (size_t i = 0; code == 0 && i < l->items.count; i++)
        code = write_one(users, l->items.items[i]);
    if (code == 0 && l->current != NULL)
        code = json_object_set_new(root, "current", json_string(l->current->id));
    if (code == 0) code = json_object_set(root, "users", users);
    char *text = code == 0 ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(users);
    json_decref(root);
    if (text == NULL)
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "out of memory while writing the users of the app");
    *json = text;
    return ATOLL_OK;
}
