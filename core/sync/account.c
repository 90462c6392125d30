/* Users on the device and their file, by jansson; of the client, the only file that includes it.
 * Must never: lose the users because one of them could not be read.
 * Invariant: `current` is NULL or an item of the list that is logged in. */
#include "sync/account.h"

#include "platform/cipher.h"
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

/* ---- what the server tells of a user ---- */

static void texts_free(account_texts *t)
{
    for (size_t i = 0; i < t->count; i++) memory_free(t->items[i]);
    vector_free(t);
}

status account_texts_add(account_texts *to, const char *text)
{
    char *copy = memory_copy_text(text, strlen(text));
    status result = copy == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : vector_push(to, copy);
    if (result != ATOLL_OK) memory_free(copy);
    return result;
}

void account_profile_free(account_profile *p)
{
    memory_free(p->custom_data);
    texts_free(&p->identities);
    texts_free(&p->fields);
    *p = (account_profile){0};
}

void account_set_profile(account *a, account_profile *p)
{
    mutex_lock(&a->lock);
    account_profile old = a->profile;
    a->profile = *p;
    mutex_unlock(&a->lock);
    *p = (account_profile){0};
    account_profile_free(&old);
}

static status copy_texts(const account_texts *from, account_texts *to)
{
    status result = ATOLL_OK;
    for (size_t i = 0; i < from->count && result == ATOLL_OK; i++)
        result = account_texts_add(to, from->items[i]);
    if (result != ATOLL_OK) texts_free(to);
    return result;
}

status account_about(const account *of, account_kind kind, char ***texts, size_t *count)
{
    account *a = (account *)(uintptr_t)of;
    account_texts copy = {0};
    status result = ATOLL_OK;
    mutex_lock(&a->lock);
    if (kind == ACCOUNT_CUSTOM_DATA && a->profile.custom_data != NULL)
        result = account_texts_add(&copy, a->profile.custom_data);
    else if (kind == ACCOUNT_IDENTITIES)
        result = copy_texts(&a->profile.identities, &copy);
    else if (kind == ACCOUNT_FIELDS)
        result = copy_texts(&a->profile.fields, &copy);
    else if (kind == ACCOUNT_REFRESH_TOKEN && a->refresh != NULL)
        result = account_texts_add(&copy, a->refresh);
    mutex_unlock(&a->lock);
    if (result != ATOLL_OK) return result;
    *texts = copy.items;
    *count = copy.count;
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
    account_profile_free(&a->profile);
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

bool account_is_anonymous(account *a)
{
    bool anonymous = strcmp(a->provider, "anon-user") == 0;
    mutex_lock(&a->lock);
    for (size_t i = 0; anonymous && i + 1 < a->profile.identities.count; i += 2)
        anonymous = strcmp(a->profile.identities.items[i], "anon-user") == 0;
    mutex_unlock(&a->lock);
    return anonymous;
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
    texts_free(&l->removed);
    memory_free(l->device_id);
    *l = (account_list){0};
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

static status read_texts(json_t *array, account_texts *to)
{
    json_t *entry;
    size_t index;
    json_array_foreach(array, index, entry)
    {
        const char *text = json_string_value(entry);
        if (text != NULL) TRY(account_texts_add(to, text));
    }
    return ATOLL_OK;
}

static status read_profile(json_t *entry, account *a)
{
    const char *data = json_string_value(json_object_get(entry, "custom_data"));
    if (data != NULL) TRY(replace(&a->profile.custom_data, data));
    TRY(read_texts(json_object_get(entry, "identities"), &a->profile.identities));
    return read_texts(json_object_get(entry, "fields"), &a->profile.fields);
}

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
    if (result == ATOLL_OK) result = read_profile(entry, a);
    if (result != ATOLL_OK) {
        account_release(a);
        return result;
    }
    return account_list_add(l, a);
}

static status read_all(account_list *l, json_t *root)
{
    json_t *users = json_object_get(root, "users"), *entry;
    size_t index;
    json_array_foreach(users, index, entry) TRY(read_one(l, entry));
    const char *current = json_string_value(json_object_get(root, "current"));
    const char *device = json_string_value(json_object_get(root, "device_id"));
    if (current != NULL) l->current = account_list_find(l, current);
    if (device != NULL) TRY(replace(&l->device_id, device));
    account_list_choose(l);
    return read_texts(json_object_get(root, "removed"), &l->removed);
}

/* A sealed file begins so; JSON never does. */
static const char seal_mark[] = "ATOLL sealed users\n";

static status unseal(buffer *content, const char *path, bytes key)
{
    cipher *c = NULL;
    bool genuine = false;
    size_t mark = sizeof seal_mark - 1;
    bool sealed = content->size > mark && memcmp(content->data, seal_mark, mark) == 0;
    if (!sealed && key.size == 0) return ATOLL_OK;
    if (sealed != (key.size > 0)) {
        return fail(ATOLL_ERROR_WRONG_KEY,
                    "\"%s\" is %s: open it %s the metadata encryption key, or move it away", path,
                    sealed ? "encrypted" : "not encrypted", sealed ? "with" : "without");
    }
    if (content->size < mark + CIPHER_OVERHEAD)
        return fail(ATOLL_ERROR_FILE_CORRUPT, "\"%s\" is cut short", path);
    TRY(cipher_new(key, &c));
    size_t size = content->size - mark;
    status result = cipher_open(c, bytes_text("users"), content->data + mark, size, &genuine);
    cipher_free(c);
    if (result == ATOLL_OK && !genuine)
        result = fail(ATOLL_ERROR_WRONG_KEY, "another key encrypts the users in \"%s\"", path);
    if (result != ATOLL_OK) return result;
    content->size = size - CIPHER_OVERHEAD;
    memmove(content->data, content->data + mark, content->size);
    return ATOLL_OK;
}

status account_list_read(account_list *l, const char *path, bytes key)
{
    if (!file_exists(path)) return ATOLL_OK;
    buffer content;
    buffer_init(&content, USERS_FILE_SIZE_MAX + 8192);
    json_error_t problem;
    json_t *root = NULL;
    status result = file_read(path, USERS_FILE_SIZE_MAX, &content);
    if (result == ATOLL_OK) result = unseal(&content, path, key);
    if (result == ATOLL_OK)
        root = json_loadb((const char *)content.data, content.size, 0, &problem);
    buffer_free(&content);
    if (result == ATOLL_OK && root == NULL) {
        return fail(ATOLL_ERROR_FILE_CORRUPT,
                    "\"%s\", line %d: %s. Move the file away; its users must then log in again",
                    path, problem.line, problem.text);
    }
    if (result == ATOLL_OK) result = read_all(l, root);
    json_decref(root);
    return result;
}

static int set_texts(json_t *object, const char *name, const account_texts *texts)
{
    json_t *array = json_array();
    int code = array == NULL ? -1 : 0;
    for (size_t i = 0; code == 0 && i < texts->count; i++)
        code = json_array_append_new(array, json_string(texts->items[i]));
    if (code == 0) code = json_object_set(object, name, array);
    json_decref(array);
    return code;
}

static int set_profile(json_t *entry, account *a)
{
    mutex_lock(&a->lock);
    int code = set_texts(entry, "identities", &a->profile.identities);
    if (code == 0) code = set_texts(entry, "fields", &a->profile.fields);
    if (code == 0 && a->profile.custom_data != NULL)
        code = json_object_set_new(entry, "custom_data", json_string(a->profile.custom_data));
    mutex_unlock(&a->lock);
    return code;
}

static int write_one(json_t *users, account *a)
{
    char *access = account_copy_token(a, false), *refresh = account_copy_token(a, true);
    bool logged_in = account_state(a) == ACCOUNT_LOGGED_IN;
    json_t *entry =
        json_pack("{s:s, s:s, s:b}", "id", a->id, "provider", a->provider, "logged_in", logged_in);
    int code = entry == NULL ? -1 : set_profile(entry, a);
    if (code == 0 && logged_in && access != NULL)
        code = json_object_set_new(entry, "access_token", json_string(access));
    if (code == 0 && logged_in && refresh != NULL)
        code = json_object_set_new(entry, "refresh_token", json_string(refresh));
    memory_free(access);
    memory_free(refresh);
    if (code != 0) json_decref(entry);
    return code != 0 ? code : json_array_append_new(users, entry);
}

static char *text_of(const account_list *l)
{
    json_t *users = json_array();
    json_t *root = json_object();
    int code = users == NULL || root == NULL ? -1 : 0;
    for (size_t i = 0; code == 0 && i < l->items.count; i++)
        code = write_one(users, l->items.items[i]);
    if (code == 0 && l->current != NULL)
        code = json_object_set_new(root, "current", json_string(l->current->id));
    if (code == 0 && l->device_id != NULL)
        code = json_object_set_new(root, "device_id", json_string(l->device_id));
    if (code == 0 && l->removed.count > 0) code = set_texts(root, "removed", &l->removed);
    if (code == 0) code = json_object_set(root, "users", users);
    char *text = code == 0 ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(users);
    json_decref(root);
    return text;
}

static status write_sealed(const char *path, bytes plain, bytes key)
{
    cipher *c = NULL;
    size_t mark = sizeof seal_mark - 1, size = mark + plain.size + CIPHER_OVERHEAD;
    TRY(cipher_new(key, &c));
    uint8_t *sealed = memory_allocate(size);
    status result = sealed == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
    if (result == ATOLL_OK) {
        memcpy(sealed, seal_mark, mark);
        result = cipher_seal(c, bytes_text("users"), plain, sealed + mark);
    }
    if (result == ATOLL_OK) result = file_write(path, bytes_of(sealed, size), 0600);
    memory_free(sealed);
    cipher_free(c);
    return result;
}

status account_list_write(const account_list *l, const char *path, bytes key)
{
    char *text = text_of(l);
    if (text == NULL)
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "out of memory while writing the users of the app");
    bytes plain = bytes_text(text);
    status result = key.size > 0 ? write_sealed(path, plain, key) : file_write(path, plain, 0600);
    cipher_wipe(text, plain.size);
    free(text); /* jansson allocates by malloc */
    return result;
}
