/* Users as records of the accounts' store.
 * Must never: lose a field that an earlier write has stored.
 * Invariant: user_unpack of what user_pack wrote gives an equal user. */
#include "server/users_internal.h"

#include "auth.pb-c.h"

void user_pairs_free(user_pairs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        memory_free(p->items[i].name);
        memory_free(p->items[i].value);
    }
    vector_free(p);
}

status user_pairs_add(user_pairs *to, bytes name, bytes value)
{
    user_pair pair = {memory_copy_text((const char *)name.data, name.size),
                      memory_copy_text((const char *)value.data, value.size)};
    status result =
        pair.name == NULL || pair.value == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : vector_push(to, pair);
    if (result != ATOLL_OK) {
        memory_free(pair.name);
        memory_free(pair.value);
    }
    return result;
}

void user_free(user *u)
{
    memory_free(u->id);
    memory_free(u->app_id);
    memory_free(u->email);
    memory_free(u->password_hash);
    memory_free(u->custom_data);
    user_pairs_free(&u->identities);
    user_pairs_free(&u->fields);
    *u = (user){0};
}

bool user_is_anonymous(const user *u)
{
    return u->email[0] == '\0' && u->identities.count == 0;
}

const char *user_provider(const user *u)
{
    if (user_is_anonymous(u)) return "anon-user";
    return u->identities.count == 0 ? "local-userpass" : u->identities.items[0].name;
}

static status copy_text(char **to, const char *text)
{
    *to = memory_copy_text(text, strlen(text));
    return *to == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

static status fill(user *out, const Atoll__Auth__V1__StoredUser *stored)
{
    TRY(copy_text(&out->id, stored->id));
    TRY(copy_text(&out->app_id, stored->app_id));
    TRY(copy_text(&out->email, stored->email));
    TRY(copy_text(&out->password_hash, stored->password_hash));
    TRY(copy_text(&out->custom_data, stored->custom_data));
    for (size_t i = 0; i < stored->n_identities; i++) {
        TRY(user_pairs_add(&out->identities, bytes_text(stored->identities[i]->provider),
                           bytes_text(stored->identities[i]->id)));
    }
    for (size_t i = 0; i < stored->n_fields; i++) {
        TRY(user_pairs_add(&out->fields, bytes_text(stored->fields[i]->name),
                           bytes_text(stored->fields[i]->value)));
    }
    return ATOLL_OK;
}

status user_unpack(bytes record, user *out)
{
    Atoll__Auth__V1__StoredUser *stored =
        atoll__auth__v1__stored_user__unpack(NULL, record.size, record.data);
    if (stored == NULL) return fail(ATOLL_ERROR_FILE_CORRUPT, "a user's record cannot be read");
    user u = {.disabled = stored->disabled,
              .unconfirmed = stored->unconfirmed,
              .used = stored->used,
              .created_ms = stored->created_ms};
    status result = fill(&u, stored);
    atoll__auth__v1__stored_user__free_unpacked(stored, NULL);
    if (result == ATOLL_OK)
        *out = u;
    else
        user_free(&u);
    return result;
}

static status pack(const user *u, Atoll__Auth__V1__StoredUser *stored, buffer *out)
{
    size_t identities = u->identities.count, fields = u->fields.count;
    Atoll__Auth__V1__Identity *made = memory_allocate_zero((identities + 1) * sizeof *made);
    Atoll__Auth__V1__ProfileField *field = memory_allocate_zero((fields + 1) * sizeof *field);
    void **list = memory_allocate_zero((identities + fields + 1) * sizeof *list);
    uint8_t *to = NULL;
    status result = ATOLL_ERROR_OUT_OF_MEMORY;
    if (made != NULL && field != NULL && list != NULL) {
        for (size_t i = 0; i < identities; i++) {
            atoll__auth__v1__identity__init(&made[i]);
            made[i].provider = u->identities.items[i].name;
            made[i].id = u->identities.items[i].value;
            list[i] = &made[i];
        }
        for (size_t i = 0; i < fields; i++) {
            atoll__auth__v1__profile_field__init(&field[i]);
            field[i].name = u->fields.items[i].name;
            field[i].value = u->fields.items[i].value;
            list[identities + i] = &field[i];
        }
        stored->identities = (Atoll__Auth__V1__Identity **)list;
        stored->n_identities = identities;
        stored->fields = (Atoll__Auth__V1__ProfileField **)(list + identities);
        stored->n_fields = fields;
        result = buffer_room(out, atoll__auth__v1__stored_user__get_packed_size(stored), &to);
    }
    if (result == ATOLL_OK) out->size += atoll__auth__v1__stored_user__pack(stored, to);
    memory_free(made);
    memory_free(field);
    memory_free(list);
    return result;
}

status user_pack(const user *u, buffer *out)
{
    Atoll__Auth__V1__StoredUser stored = ATOLL__AUTH__V1__STORED_USER__INIT;
    stored.id = u->id;
    stored.app_id = u->app_id;
    stored.email = u->email;
    stored.password_hash = u->password_hash;
    stored.custom_data = u->custom_data;
    stored.disabled = u->disabled;
    stored.unconfirmed = u->unconfirmed;
    stored.used = u->used;
    stored.created_ms = u->created_ms;
    return pack(u, &stored, out);
}
