/* Users, log-ins, tokens and password hashes over the memory store. */
#include "base/memory.h"
#include "platform/platform.h"
#include "platform/thread.h"
#include "server/passwords.h"
#include "server/user_data.h"
#include "server/users.h"

#include <criterion/criterion.h>
#include <stdio.h>

static users *open_users(memory_disk *disk)
{
    storage *store = NULL;
    users *u = NULL;
    cr_assert_eq(storage_open_memory(disk, &store), ATOLL_OK);
    cr_assert_eq(users_open(store, platform_posix(), &u), ATOLL_OK);
    return u;
}

Test(users, an_address_registers_once_per_app_whatever_its_case)
{
    memory_disk *disk = memory_disk_new(1);
    users *u = open_users(disk);
    user ann = {0}, other = {0}, found = {0};
    bool there = false;
    cr_assert_eq(users_add_email(u, "a", bytes_text("Ann@x.org"), "hash", false, &ann), ATOLL_OK);
    cr_assert_eq(users_add_email(u, "a", bytes_text("ann@X.org"), "hash", false, &other),
                 ATOLL_ERROR_USER_EXISTS);
    cr_assert_null(other.id);
    cr_assert_eq(users_add_email(u, "b", bytes_text("ann@x.org"), "hash", false, &other), ATOLL_OK);
    cr_assert_str_neq(ann.id, other.id);
    cr_assert_eq(users_find_email(u, "a", bytes_text("ANN@x.org"), &found, &there), ATOLL_OK);
    cr_assert(there);
    cr_assert_str_eq(found.id, ann.id);
    cr_assert_str_eq(user_provider(&found), "local-userpass");
    user_free(&found);
    cr_assert_eq(users_find_email(u, "c", bytes_text("ann@x.org"), &found, &there), ATOLL_OK);
    cr_assert_not(there);
    user_free(&ann);
    user_free(&other);
    users_close(u);
    memory_disk_free(disk);
    cr_assert_eq(memory_live_count(), 0);
}

Test(users, what_was_answered_survives_a_power_cut)
{
    memory_disk *disk = memory_disk_new(2);
    users *u = open_users(disk);
    user made = {0}, found = {0};
    token t = {.use = TOKEN_REFRESH};
    bool there = false;
    cr_assert_eq(users_add_anonymous(u, "a", &made), ATOLL_OK);
    cr_assert_eq(users_log_in(u, &made, t.log_in), ATOLL_OK);
    snprintf(t.user_id, sizeof t.user_id, "%s", made.id);
    snprintf(t.app_id, sizeof t.app_id, "a");
    memory_disk_crash(disk);
    users_close(u);
    u = open_users(disk);
    cr_assert_eq(users_find(u, "a", bytes_text(made.id), &found, &there), ATOLL_OK);
    cr_assert(there);
    cr_assert_str_eq(user_provider(&found), "anon-user");
    user_free(&found);
    cr_assert_eq(users_check(u, &t, &found), ATOLL_OK);
    user_free(&found);
    user_free(&made);
    users_close(u);
    memory_disk_free(disk);
}

Test(users, log_out_ends_one_log_in_and_disabling_all)
{
    memory_disk *disk = memory_disk_new(3);
    users *u = open_users(disk);
    user who = {0}, found = {0};
    cr_assert_eq(users_add_anonymous(u, "a", &who), ATOLL_OK);
    token first = {.use = TOKEN_ACCESS}, second;
    snprintf(first.user_id, sizeof first.user_id, "%s", who.id);
    snprintf(first.app_id, sizeof first.app_id, "a");
    second = first;
    cr_assert_eq(users_log_in(u, &who, first.log_in), ATOLL_OK);
    cr_assert_eq(users_log_in(u, &who, second.log_in), ATOLL_OK);
    cr_assert_eq(users_log_out(u, &first), ATOLL_OK);
    cr_assert_eq(users_check(u, &first, &found), ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(users_check(u, &second, &found), ATOLL_OK);
    user_free(&found);
    cr_assert_eq(users_disable(u, "a", bytes_text(who.id), true), ATOLL_OK);
    cr_assert_eq(users_check(u, &second, &found), ATOLL_ERROR_USER_DISABLED);
    cr_assert_null(found.id);
    cr_assert_eq(users_disable(u, "a", bytes_text(who.id), false), ATOLL_OK);
    cr_assert_eq(users_check(u, &second, &found), ATOLL_OK);
    user_free(&found);
    snprintf(second.user_id, sizeof second.user_id, "somebody else");
    cr_assert_eq(users_check(u, &second, &found), ATOLL_ERROR_BAD_TOKEN);
    user_free(&who);
    users_close(u);
    memory_disk_free(disk);
}

Test(users, bad_addresses_and_passwords_are_refused)
{
    const char *addresses[] = {"", "a", "@", "a@", "@b", "a b@c", "a@b\n", "\xff@b"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        cr_assert_eq(users_check_registration(bytes_text(addresses[i]), bytes_text("123456")),
                     ATOLL_ERROR_INVALID_CREDENTIALS);
    }
    char password[200];
    memset(password, 'x', sizeof password);
    const struct {
        size_t size;
        status code;
    } cases[] = {{5, ATOLL_ERROR_INVALID_CREDENTIALS},
                 {6, ATOLL_OK},
                 {128, ATOLL_OK},
                 {129, ATOLL_ERROR_INVALID_CREDENTIALS}};
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(users_check_registration(bytes_text("a@b"), bytes_of(password, cases[i].size)),
                     cases[i].code);
    }
}

Test(users, custom_data_is_one_json_object)
{
    user_data *d = NULL;
    user_data_kind kind;
    value_vector found = {0};
    const char *wrong[] = {"3", "[1]", "{\"a\": }", "{\"a\": 1, \"a\": 2}", "{} x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_eq(user_data_read(bytes_text(wrong[i]), &d), ATOLL_ERROR_INVALID_ARGUMENT, "%s",
                     wrong[i]);
    const char *text = "{\"a\": {\"b\": 3}, \"list\": [true, 1.5, \"x\"], \"deep\": [[1]], "
                       "\"id\": {\"$oid\": \"0102030405060708090a0b0c\"}}";
    cr_assert_eq(user_data_read(bytes_text(text), &d), ATOLL_OK);
    cr_assert_eq(user_data_get(d, bytes_text("a.b"), &kind, &found), ATOLL_OK);
    cr_assert_eq(kind, USER_DATA_VALUE);
    cr_assert_eq(found.items[0].as.integer, 3);
    found.count = 0;
    cr_assert_eq(user_data_get(d, bytes_text("list"), &kind, &found), ATOLL_OK);
    cr_assert(kind == USER_DATA_LIST && found.count == 3 && found.items[0].as.boolean);
    found.count = 0;
    cr_assert_eq(user_data_get(d, bytes_text("id"), &kind, &found), ATOLL_OK);
    cr_assert(found.items[0].type == VALUE_OBJECT_ID && found.items[0].as.id[11] == 12);
    found.count = 0;
    cr_assert_eq(user_data_get(d, bytes_text("a.c"), &kind, &found), ATOLL_OK);
    cr_assert_eq(kind, USER_DATA_NONE);
    cr_assert_eq(user_data_get(d, bytes_text("a"), &kind, &found), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(user_data_get(d, bytes_text("deep"), &kind, &found), ATOLL_ERROR_INVALID_ARGUMENT);
    vector_free(&found);
    user_data_free(d);
    cr_assert_eq(memory_live_count(), 0);
}

Test(tokens, only_unchanged_and_fresh_ones_of_this_key_and_use_are_accepted)
{
    uint8_t key[TOKEN_KEY_SIZE] = {1}, other_key[TOKEN_KEY_SIZE] = {2};
    token t = {.use = TOKEN_ACCESS,
               .user_id = "u",
               .app_id = "a",
               .log_in = "l",
               .expires_ms = 10000},
          out;
    buffer text;
    buffer_init(&text, 4096);
    cr_assert_eq(token_write(key, &t, 0, &text), ATOLL_OK);
    cr_assert_eq(token_read(key, buffer_view(&text), TOKEN_ACCESS, 9999, &out), ATOLL_OK);
    cr_assert_str_eq(out.user_id, "u");
    cr_assert_str_eq(out.app_id, "a");
    cr_assert_str_eq(out.log_in, "l");
    cr_assert_eq(token_read(key, buffer_view(&text), TOKEN_ACCESS, 10000, &out),
                 ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(token_read(key, buffer_view(&text), TOKEN_REFRESH, 0, &out),
                 ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(token_read(other_key, buffer_view(&text), TOKEN_ACCESS, 0, &out),
                 ATOLL_ERROR_BAD_TOKEN);
    size_t accepted = 0;
    for (size_t i = 0; i + 1 < text.size; i++) { /* the last character has bits that mean nothing */
        text.data[i] ^= 1;
        accepted += token_read(key, buffer_view(&text), TOKEN_ACCESS, 0, &out) == ATOLL_OK;
        text.data[i] ^= 1;
    }
    cr_assert_eq(accepted, 0u);
    buffer_free(&text);
}

Test(tokens, the_algorithm_none_is_refused)
{
    /* {"alg":"none","typ":"JWT"} . {"app":"a","exp":99999999999,"sid":"l","sub":"u","typ":"access"} . */
    const char *text =
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0."
        "eyJhcHAiOiJhIiwiZXhwIjo5OTk5OTk5OTk5OSwic2lkIjoibCIsInN1YiI6InUiLCJ0eXAiOiJhY2Nlc3MifQ.";
    uint8_t key[TOKEN_KEY_SIZE] = {1};
    token out;
    cr_assert_eq(token_read(key, bytes_text(text), TOKEN_ACCESS, 0, &out), ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(token_read(key, bytes_text(""), TOKEN_ACCESS, 0, &out), ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(token_read(key, bytes_of("a\0b", 3), TOKEN_ACCESS, 0, &out),
                 ATOLL_ERROR_BAD_TOKEN);
}

typedef struct bell {
    mutex lock;
    condition rung;
    int times;
} bell;

static void ring(void *context)
{
    bell *b = context;
    mutex_lock(&b->lock);
    b->times++;
    condition_broadcast(&b->rung);
    mutex_unlock(&b->lock);
}

static password_job *do_job(passwords *p, bell *b, const char *password, const char *hash)
{
    password_job *job = memory_allocate_zero(sizeof *job);
    job->verify = hash != NULL;
    if (hash != NULL) snprintf(job->hash, sizeof job->hash, "%s", hash);
    int before = b->times;
    cr_assert_eq(passwords_add(p, job, bytes_text(password)), ATOLL_OK);
    mutex_lock(&b->lock);
    while (b->times == before) cr_assert(condition_wait_ms(&b->rung, &b->lock, 30000));
    mutex_unlock(&b->lock);
    password_job *done = passwords_done(p);
    cr_assert_eq(done, job);
    cr_assert_null(passwords_done(p));
    return job;
}

Test(passwords, hashes_match_their_password_only_and_are_salted)
{
    bell b = {0};
    passwords *p = NULL;
    cr_assert_eq(mutex_init(&b.lock), ATOLL_OK);
    cr_assert_eq(condition_init(&b.rung), ATOLL_OK);
    cr_assert_eq(passwords_new(platform_posix(), ring, &b, &p), ATOLL_OK);
    password_job *first = do_job(p, &b, "correct horse", NULL),
                 *second = do_job(p, &b, "correct horse", NULL);
    cr_assert_eq(first->code, ATOLL_OK);
    cr_assert_eq(strncmp(first->hash, "$argon2id$", 10), 0);
    cr_assert_str_neq(first->hash, second->hash);
    password_job *good = do_job(p, &b, "correct horse", first->hash),
                 *bad = do_job(p, &b, "correct horsf", first->hash);
    cr_assert(good->matches);
    cr_assert_not(bad->matches);
    memory_free(first);
    memory_free(second);
    memory_free(good);
    memory_free(bad);
    passwords_free(p);
    condition_destroy(&b.rung);
    mutex_destroy(&b.lock);
    cr_assert_eq(memory_live_count(), 0);
}
