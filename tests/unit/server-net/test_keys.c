/* Identities, keys, tickets and data of users over the memory store. */
#include "server/users.h"

#include <criterion/criterion.h>
#include <stdio.h>

typedef struct fixture {
    memory_disk *disk;
    users *u;
} fixture;

static void set_up(fixture *f)
{
    storage *store = NULL;
    f->disk = memory_disk_new(7);
    cr_assert_eq(storage_open_memory(f->disk, &store), ATOLL_OK);
    cr_assert_eq(users_open(store, platform_posix(), &f->u), ATOLL_OK);
}

static void tear_down(fixture *f)
{
    users_close(f->u);
    memory_disk_free(f->disk);
    cr_assert_eq(memory_live_count(), 0);
}

/* The memory store forgets what was not synced. */
static void power_cut(fixture *f)
{
    storage *store = NULL;
    memory_disk_crash(f->disk);
    users_close(f->u);
    cr_assert_eq(storage_open_memory(f->disk, &store), ATOLL_OK);
    cr_assert_eq(users_open(store, platform_posix(), &f->u), ATOLL_OK);
}

static status count_key(void *context, const user_key *k)
{
    (void)k;
    ++*(int *)context;
    return ATOLL_OK;
}

Test(users, identities_lead_to_their_user_and_belong_to_one)
{
    fixture f;
    user ann = {0}, bob = {0}, mail = {0}, found = {0};
    char log_in[TOKEN_ID_SIZE_MAX];
    bool there = false;
    set_up(&f);
    cr_assert_eq(users_add_anonymous(f.u, "a", &ann), ATOLL_OK);
    cr_assert(user_is_anonymous(&ann));
    cr_assert_eq(users_add_identity(f.u, "a", "custom-token", bytes_text("77"), &bob), ATOLL_OK);
    cr_assert_str_eq(user_provider(&bob), "custom-token");
    cr_assert_eq(users_link_identity(f.u, &ann, "custom-token", bytes_text("77")),
                 ATOLL_ERROR_USER_EXISTS);
    cr_assert_eq(users_link_identity(f.u, &ann, "oauth2-google", bytes_text("77")), ATOLL_OK);
    cr_assert_eq(users_add_email(f.u, "a", bytes_text("ann@x.org"), "hash", false, &mail),
                 ATOLL_OK);
    cr_assert_eq(users_link_email(f.u, &ann, &mail), ATOLL_OK);
    cr_assert_eq(users_link_email(f.u, &ann, &mail), ATOLL_ERROR_USER_EXISTS);
    user_free(&mail);
    cr_assert_eq(users_add_email(f.u, "a", bytes_text("bob@x.org"), "hash", false, &mail),
                 ATOLL_OK);
    cr_assert_eq(users_log_in(f.u, &mail, log_in), ATOLL_OK);
    user_free(&mail);
    cr_assert_eq(users_find_email(f.u, "a", bytes_text("bob@x.org"), &mail, &there), ATOLL_OK);
    cr_assert_eq(users_link_email(f.u, &bob, &mail), ATOLL_ERROR_USER_EXISTS);
    user_free(&mail);
    power_cut(&f);
    cr_assert_eq(users_find_identity(f.u, "a", "oauth2-google", bytes_text("77"), &found, &there),
                 ATOLL_OK);
    cr_assert(there);
    cr_assert_str_eq(found.id, ann.id);
    cr_assert_str_eq(found.email, "ann@x.org");
    cr_assert_str_eq(found.password_hash, "hash");
    cr_assert_not(user_is_anonymous(&found));
    user_free(&found);
    cr_assert_eq(users_find_identity(f.u, "b", "oauth2-google", bytes_text("77"), &found, &there),
                 ATOLL_OK);
    cr_assert_not(there);
    cr_assert_eq(users_find_identity(f.u, "a", "oauth2-google", bytes_text(""), &found, &there),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    user_free(&ann);
    user_free(&bob);
    tear_down(&f);
}

Test(users, keys_are_found_by_their_secret_until_they_are_gone)
{
    fixture f;
    user ann = {0};
    user_key k = {0}, found = {0};
    char secret[USER_SECRET_SIZE + 1], other[USER_SECRET_SIZE + 1];
    bool there = false;
    int count = 0;
    set_up(&f);
    cr_assert_eq(users_add_email(f.u, "a", bytes_text("ann@x.org"), "hash", false, &ann), ATOLL_OK);
    cr_assert_eq(users_key_add(f.u, &ann, bytes_text(""), false, &k, secret),
                 ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(users_key_add(f.u, &ann, bytes_text("build"), false, &k, secret), ATOLL_OK);
    power_cut(&f);
    cr_assert_eq(users_key_find_secret(f.u, "a", bytes_text(secret), &found, &there), ATOLL_OK);
    cr_assert(there && !found.disabled);
    cr_assert_str_eq(found.user_id, ann.id);
    cr_assert_str_eq(found.name, "build");
    user_key_free(&found);
    cr_assert_eq(users_key_find_secret(f.u, "b", bytes_text(secret), &found, &there), ATOLL_OK);
    cr_assert_not(there);
    secret[5] = secret[5] == 'a' ? 'b' : 'a';
    cr_assert_eq(users_key_find_secret(f.u, "a", bytes_text(secret), &found, &there), ATOLL_OK);
    cr_assert_not(there);
    cr_assert_eq(users_key_enable(f.u, "a", bytes_text(k.id), false), ATOLL_OK);
    cr_assert_eq(users_key_find(f.u, "a", bytes_text(k.id), &found, &there), ATOLL_OK);
    cr_assert(there && found.disabled);
    user_key_free(&found);
    cr_assert_eq(users_key_enable(f.u, "a", bytes_text("none"), true),
                 ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(users_key_remove(f.u, "a", bytes_text(k.id)), ATOLL_OK);
    cr_assert_eq(users_key_remove(f.u, "a", bytes_text(k.id)), ATOLL_OK);
    user_key_free(&k);
    for (int i = 0; i < USER_KEYS_MAX; i++) {
        cr_assert_eq(users_key_add(f.u, &ann, bytes_text("many"), false, &k, other), ATOLL_OK);
        user_key_free(&k);
    }
    cr_assert_eq(users_key_add(f.u, &ann, bytes_text("many"), false, &k, secret),
                 ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(users_remove(f.u, "a", bytes_text(ann.id)), ATOLL_OK);
    cr_assert_eq(users_key_find_secret(f.u, "a", bytes_text(other), &found, &there), ATOLL_OK);
    cr_assert_not(there);
    cr_assert_eq(users_key_each(f.u, "a", count_key, &count), ATOLL_OK);
    cr_assert_eq(count, 0);
    user_free(&ann);
    tear_down(&f);
}

Test(users, a_ticket_is_good_once_for_its_purpose_and_time)
{
    fixture f;
    user ann = {0}, found = {0};
    char id[USER_TICKET_ID_SIZE + 1], token[USER_TICKET_SIZE + 1];
    char id_2[USER_TICKET_ID_SIZE + 1], token_2[USER_TICKET_SIZE + 1];
    set_up(&f);
    cr_assert_eq(users_add_email(f.u, "a", bytes_text("ann@x.org"), "hash", false, &ann), ATOLL_OK);
    cr_assert_eq(users_ticket_add(f.u, &ann, true, INT64_MAX, id, token), ATOLL_OK);
    cr_assert_eq(users_ticket_check(f.u, "a", bytes_text(id), bytes_text(token), false, &found),
                 ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(users_ticket_check(f.u, "a", bytes_text(id), bytes_text(id), true, &found),
                 ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(users_ticket_check(f.u, "a", bytes_text(id), bytes_text(token), true, &found),
                 ATOLL_OK);
    cr_assert_str_eq(found.id, ann.id);
    user_free(&found);
    /* A newer one takes the place of the older. */
    cr_assert_eq(users_ticket_add(f.u, &ann, true, INT64_MAX, id_2, token_2), ATOLL_OK);
    cr_assert_eq(users_ticket_check(f.u, "a", bytes_text(id), bytes_text(token), true, &found),
                 ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(users_ticket_remove(f.u, "a", bytes_text(id_2)), ATOLL_OK);
    cr_assert_eq(users_ticket_check(f.u, "a", bytes_text(id_2), bytes_text(token_2), true, &found),
                 ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(users_ticket_add(f.u, &ann, false, 1, id, token), ATOLL_OK);
    cr_assert_eq(users_ticket_check(f.u, "a", bytes_text(id), bytes_text(token), false, &found),
                 ATOLL_ERROR_BAD_TOKEN, "it has expired");
    user_free(&ann);
    tear_down(&f);
}

Test(users, a_new_password_and_a_removal_end_all_log_ins)
{
    fixture f;
    user ann = {0}, bob = {0}, found = {0};
    token t = {.use = TOKEN_REFRESH, .app_id = "a"}, kept = t;
    bool there = false;
    set_up(&f);
    cr_assert_eq(users_add_email(f.u, "a", bytes_text("ann@x.org"), "hash", false, &ann), ATOLL_OK);
    cr_assert_eq(users_add_anonymous(f.u, "a", &bob), ATOLL_OK);
    cr_assert_eq(users_log_in(f.u, &ann, t.log_in), ATOLL_OK);
    cr_assert_eq(users_log_in(f.u, &bob, kept.log_in), ATOLL_OK);
    snprintf(t.user_id, sizeof t.user_id, "%s", ann.id);
    snprintf(kept.user_id, sizeof kept.user_id, "%s", bob.id);
    cr_assert_eq(users_set_password(f.u, "a", bytes_text(ann.id), "other"), ATOLL_OK);
    cr_assert_eq(users_check(f.u, &t, &found), ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(users_log_in(f.u, &ann, t.log_in), ATOLL_ERROR_INVALID_CREDENTIALS,
                 "who was read before the change has proven the old password");
    user_free(&ann);
    cr_assert_eq(users_find_email(f.u, "a", bytes_text("ann@x.org"), &ann, &there), ATOLL_OK);
    cr_assert_eq(users_log_in(f.u, &ann, t.log_in), ATOLL_OK);
    cr_assert_eq(users_check(f.u, &t, &found), ATOLL_OK);
    cr_assert_str_eq(found.password_hash, "other");
    user_free(&found);
    cr_assert_eq(users_remove(f.u, "a", bytes_text(ann.id)), ATOLL_OK);
    cr_assert_eq(users_check(f.u, &t, &found), ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(users_check(f.u, &kept, &found), ATOLL_OK);
    user_free(&found);
    cr_assert_eq(users_find_email(f.u, "a", bytes_text("ann@x.org"), &found, &there), ATOLL_OK);
    cr_assert_not(there);
    user_free(&ann);
    user_free(&bob);
    tear_down(&f);
}

Test(users, custom_data_is_kept_and_bounded)
{
    fixture f;
    user ann = {0}, found = {0};
    bool there = false;
    static char large[(16 << 10) + 1];
    set_up(&f);
    cr_assert_eq(users_add_anonymous(f.u, "a", &ann), ATOLL_OK);
    cr_assert_eq(users_set_custom_data(f.u, "a", bytes_text(ann.id), bytes_text("{\"n\":1}")),
                 ATOLL_OK);
    memset(large, ' ', sizeof large);
    cr_assert_eq(users_set_custom_data(f.u, "a", bytes_text(ann.id), bytes_of(large, sizeof large)),
                 ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(users_set_custom_data(f.u, "a", bytes_text("none"), bytes_text("{}")),
                 ATOLL_ERROR_INVALID_ARGUMENT);
    power_cut(&f);
    cr_assert_eq(users_find(f.u, "a", bytes_text(ann.id), &found, &there), ATOLL_OK);
    cr_assert(there);
    cr_assert_str_eq(found.custom_data, "{\"n\":1}");
    user_free(&found);
    user_free(&ann);
    tear_down(&f);
}
