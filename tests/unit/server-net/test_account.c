/* What users do with their accounts, from the client's network thread to the server and back. */
#include "server/runner_internal.h"
#include "world.h"

#include <criterion/criterion.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char secret[] = "a secret of more than thirty-two bytes";

static void write_text(const world *w, const char *name, const char *text, unsigned mode,
                       char path[160])
{
    snprintf(path, 160, "%s/%s", w->folder, name);
    cr_assert_eq(file_write(path, bytes_text(text), mode), ATOLL_OK, "%s", fail_text());
}

/* A server whose letters are written to the file `letter` and which knows a provider of tokens. */
static void open_world(world *w, const char *more)
{
    char script[400], path[160], yaml[900], secret_path[160];
    *w = (world){.folder = "/tmp/atoll-serve-XXXXXX"};
    cr_assert_not_null(mkdtemp(w->folder));
    snprintf(script, sizeof script,
             "#!/bin/sh\necho $ATOLL_KIND $ATOLL_EMAIL $ATOLL_TOKEN $ATOLL_TOKEN_ID > %s/half\n"
             "mv %s/half %s/letter\n",
             w->folder, w->folder, w->folder);
    write_text(w, "send", script, 0700, path);
    write_text(w, "secret", secret, 0600, secret_path);
    snprintf(yaml, sizeof yaml,
             "listen: 127.0.0.1:0\napps:\n- id: test\n  sync: flexible\n  development: true\n"
             "  email: {confirm: sent, command: %s}\n"
             "  tokens:\n  - {provider: custom-token, secret: %s, audience: us}\n%s",
             path, secret_path, more);
    cr_assert_eq(server_config_read(bytes_text(yaml), &w->config), ATOLL_OK, "%s", fail_text());
    world_start_server(w);
}

static void read_letter(const world *w, const char *kind, char token[80], char id[80])
{
    char path[160], got[20] = "", email[80];
    snprintf(path, sizeof path, "%s/letter", w->folder);
    for (int i = 0; i < 1000 && !file_exists(path); i++) usleep(10000);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "no letter came");
    cr_assert_eq(fscanf(file, "%19s %79s %79s %79s", got, email, token, id), 4);
    fclose(file);
    unlink(path);
    cr_assert_str_eq(got, kind);
    cr_assert_str_eq(email, "ann@x.org");
}

static char *token_of(const char *subject, const char *audience)
{
    jwt_t *jwt = NULL;
    cr_assert_eq(jwt_new(&jwt), 0);
    cr_assert_eq(jwt_add_grant(jwt, "sub", subject), 0);
    cr_assert_eq(jwt_add_grant(jwt, "aud", audience), 0);
    cr_assert_eq(jwt_add_grant(jwt, "name", "Ann"), 0);
    cr_assert_eq(jwt_add_grant_int(jwt, "exp", 4000000000), 0);
    cr_assert_eq(jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)secret, sizeof secret - 1),
                 0);
    char *text = jwt_encode_str(jwt);
    jwt_free(jwt);
    return text;
}

/* The texts of an account joined by spaces. */
static const char *about(account *a, account_kind kind)
{
    static char joined[600];
    char **texts = NULL;
    size_t count = 0, at = 0;
    cr_assert_eq(account_about(a, kind, &texts, &count), ATOLL_OK);
    joined[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        at +=
            (size_t)snprintf(joined + at, sizeof joined - at, "%s%s", i == 0 ? "" : " ", texts[i]);
        memory_free(texts[i]);
    }
    memory_free(texts);
    return joined;
}

Test(account, an_address_is_confirmed_by_what_was_sent_to_it)
{
    world w;
    client c;
    account *user = NULL;
    char token[80], id[80];
    open_world(&w, "");
    client_open(&c, &w, "a");
    cr_assert_eq(client_register(&c, "ann@x.org", "secret1"), ATOLL_OK);
    read_letter(&w, "confirm", token, id);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &user),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(client_ask(&c, RUNNER_CONFIRM, NULL, "wrong", id, NULL), ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(client_ask(&c, RUNNER_RESEND_CONFIRMATION, NULL, "ann@x.org", NULL, NULL),
                 ATOLL_OK);
    char token_2[80], id_2[80];
    read_letter(&w, "confirm", token_2, id_2);
    cr_assert_eq(client_ask(&c, RUNNER_CONFIRM, NULL, token, id, NULL), ATOLL_ERROR_BAD_TOKEN,
                 "a newer letter replaces the older");
    cr_assert_eq(client_ask(&c, RUNNER_CONFIRM, NULL, token_2, id_2, NULL), ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_CONFIRM, NULL, token_2, id_2, NULL), ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &user), ATOLL_OK);
    cr_assert_str_eq(about(user, ACCOUNT_IDENTITIES), "local-userpass ann@x.org");
    cr_assert_str_eq(about(user, ACCOUNT_FIELDS), "email ann@x.org");
    account_release(user);
    client_close(&c);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(account, a_new_password_is_set_by_what_was_sent_and_ends_all_log_ins)
{
    world w;
    client c;
    account *user = NULL;
    char token[80], id[80];
    open_world(&w, "");
    client_open(&c, &w, "a");
    cr_assert_eq(client_register(&c, "ann@x.org", "secret1"), ATOLL_OK);
    read_letter(&w, "confirm", token, id);
    cr_assert_eq(client_ask(&c, RUNNER_CONFIRM, NULL, token, id, NULL), ATOLL_OK);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &user), ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_SEND_RESET, NULL, "nobody@x.org", NULL, NULL), ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_SEND_RESET, NULL, "ann@x.org", NULL, NULL), ATOLL_OK);
    read_letter(&w, "reset", token, id);
    cr_assert_eq(client_ask(&c, RUNNER_CONFIRM, NULL, token, id, NULL), ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(client_ask(&c, RUNNER_RESET_PASSWORD, NULL, "short", token, id),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(client_ask(&c, RUNNER_RESET_PASSWORD, NULL, "secret2", token, id), ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_RESET_PASSWORD, NULL, "secret3", token, id),
                 ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(client_ask(&c, RUNNER_REFRESH_USER, user, NULL, NULL, NULL),
                 ATOLL_ERROR_BAD_TOKEN);
    cr_assert_eq(account_state(user), 0, "the log-in of before has ended");
    account_release(user);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &user),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret2", &user), ATOLL_OK);
    account_release(user);
    client_close(&c);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(account, too_many_guesses_have_to_wait)
{
    world w;
    client c;
    account *user = NULL;
    world_open(&w, NULL);
    client_open(&c, &w, "a");
    cr_assert_eq(client_register(&c, "ann@x.org", "secret1"), ATOLL_OK);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(client_log_in_email(&c, "ann@x.org", "wrong-1", &user),
                     ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(client_log_in_email(&c, "ANN@x.org", "secret1", &user),
                 ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_assert_eq(client_log_in_email(&c, "bob@x.org", "secret1", &user),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    usleep(1100 * 1000);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &user), ATOLL_OK);
    account_release(user);
    client_close(&c);
    world_close(&w);
}

Test(account, keys_log_in_as_their_user)
{
    world w;
    client c;
    account *user = NULL, *by_key = NULL;
    char id[64], key[80];
    world_open(&w, NULL);
    client_open(&c, &w, "a");
    account *nobody = client_log_in(&c);
    cr_assert_eq(client_ask(&c, RUNNER_CREATE_KEY, nobody, "k", NULL, NULL),
                 ATOLL_ERROR_PERMISSION_DENIED);
    cr_assert_eq(client_register(&c, "ann@x.org", "secret1"), ATOLL_OK);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &user), ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_CREATE_KEY, user, "build", NULL, NULL), ATOLL_OK);
    snprintf(id, sizeof id, "%s", c.answers[0]);
    snprintf(key, sizeof key, "%s", c.answers[3]);
    cr_assert_str_eq(c.answers[1], "build");
    cr_assert_str_eq(c.answers[2], "true");
    cr_assert_eq(client_ask(&c, RUNNER_FIND_KEYS, user, id, NULL, NULL), ATOLL_OK);
    cr_assert_str_eq(c.answers[0], id);
    cr_assert_null(c.answers[3], "the key itself is told once");
    cr_assert_eq(client_log_in_token(&c, "api-key", key, &by_key), ATOLL_OK);
    cr_assert_eq(by_key, user);
    account_release(by_key);
    cr_assert_eq(client_ask(&c, RUNNER_DISABLE_KEY, user, id, NULL, NULL), ATOLL_OK);
    cr_assert_eq(client_log_in_token(&c, "api-key", key, &by_key), ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(client_ask(&c, RUNNER_ENABLE_KEY, user, "none", NULL, NULL),
                 ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(client_ask(&c, RUNNER_ENABLE_KEY, user, id, NULL, NULL), ATOLL_OK);
    cr_assert_eq(client_log_in_token(&c, "api-key", key, &by_key), ATOLL_OK);
    account_release(by_key);
    cr_assert_eq(client_ask(&c, RUNNER_DELETE_KEY, user, "none", NULL, NULL), ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_DELETE_KEY, user, id, NULL, NULL), ATOLL_OK);
    cr_assert_eq(client_log_in_token(&c, "api-key", key, &by_key), ATOLL_ERROR_INVALID_CREDENTIALS);
    account_release(nobody);
    account_release(user);
    client_close(&c);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(account, tokens_of_a_provider_log_in_and_are_linked)
{
    world w;
    client c;
    account *first = NULL, *again = NULL;
    open_world(&w, "");
    client_open(&c, &w, "a");
    char *ours = token_of("77", "us"), *theirs = token_of("77", "them"),
         *other = token_of("78", "us");
    cr_assert_eq(client_log_in_token(&c, "custom-token", theirs, &first),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(client_log_in_token(&c, "oauth2-google", ours, &first),
                 ATOLL_ERROR_LOGIN_METHOD_DISABLED);
    cr_assert_eq(client_log_in_token(&c, "oauth2-facebook", ours, &first),
                 ATOLL_ERROR_NOT_SUPPORTED);
    cr_assert_eq(client_log_in_token(&c, "custom-token", ours, &first), ATOLL_OK);
    cr_assert_str_eq(account_provider(first), "custom-token");
    cr_assert_str_eq(about(first, ACCOUNT_FIELDS), "name Ann");
    cr_assert_eq(client_log_in_token(&c, "custom-token", ours, &again), ATOLL_OK);
    cr_assert_eq(first, again);
    account_release(again);
    account *nobody = client_log_in(&c);
    size_t events = c.user_events;
    cr_assert_eq(client_ask(&c, RUNNER_LINK_TOKEN, nobody, "custom-token", ours, NULL),
                 ATOLL_ERROR_USER_EXISTS);
    cr_assert_eq(client_ask(&c, RUNNER_LINK_TOKEN, nobody, "custom-token", other, NULL), ATOLL_OK);
    cr_assert_str_eq(about(nobody, ACCOUNT_IDENTITIES), "custom-token 78");
    cr_assert_gt(c.user_events, events);
    cr_assert_eq(client_log_out(&c, nobody), ATOLL_OK);
    cr_assert_eq(account_state(nobody), 0, "no longer anonymous: not deleted");
    cr_assert_eq(client_log_in_token(&c, "custom-token", other, &again), ATOLL_OK);
    cr_assert_eq(again, nobody);
    account_release(again);
    account_release(nobody);
    account_release(first);
    free(ours);
    free(theirs);
    free(other);
    client_close(&c);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(account, an_address_that_never_logged_in_is_linked_by_its_password)
{
    world w;
    client c;
    account *ann = NULL, *again = NULL;
    world_open(&w, NULL);
    client_open(&c, &w, "a");
    account *nobody = client_log_in(&c);
    cr_assert_eq(client_register(&c, "ann@x.org", "secret1"), ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_LINK_EMAIL, nobody, "ann@x.org", "wrong-1", NULL),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(client_ask(&c, RUNNER_LINK_EMAIL, nobody, "ann@x.org", "secret1", NULL), ATOLL_OK);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &again), ATOLL_OK);
    cr_assert_eq(again, nobody);
    account_release(again);
    cr_assert_eq(client_register(&c, "bob@x.org", "secret1"), ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_LINK_EMAIL, nobody, "bob@x.org", "secret1", NULL),
                 ATOLL_ERROR_USER_EXISTS, "a second address");
    cr_assert_eq(client_log_in_email(&c, "bob@x.org", "secret1", &ann), ATOLL_OK);
    account *second = client_log_in(&c);
    cr_assert_eq(client_ask(&c, RUNNER_LINK_EMAIL, second, "bob@x.org", "secret1", NULL),
                 ATOLL_ERROR_USER_EXISTS, "it has logged in");
    account_release(ann);
    account_release(second);
    account_release(nobody);
    client_close(&c);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(account, custom_data_arrives_with_a_refresh_and_is_kept)
{
    world w;
    client c;
    world_open(&w, NULL);
    client_open(&c, &w, "a");
    account *user = client_log_in(&c);
    cr_assert_str_eq(about(user, ACCOUNT_CUSTOM_DATA), "");
    cr_assert_eq(users_set_custom_data(w.server->users, "test", bytes_text(account_id(user)),
                                       bytes_text("{\"team\": 3}")),
                 ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_REFRESH_USER, user, NULL, NULL, NULL), ATOLL_OK);
    cr_assert_str_eq(about(user, ACCOUNT_CUSTOM_DATA), "{\"team\": 3}");
    char *device = runner_device_id(c.runner), *same = NULL;
    cr_assert_eq(strlen(device), 24u);
    account_release(user);
    client_close(&c);
    client_open(&c, &w, "a");
    user = runner_current_account(c.runner);
    cr_assert_str_eq(about(user, ACCOUNT_CUSTOM_DATA), "{\"team\": 3}");
    same = runner_device_id(c.runner);
    cr_assert_str_eq(same, device);
    memory_free(device);
    memory_free(same);
    account_release(user);
    client_close(&c);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(account, a_deleted_user_is_gone_on_the_server_and_here)
{
    world w;
    client c;
    account *user = NULL;
    char path[256];
    world_open(&w, NULL);
    client_open(&c, &w, "a");
    cr_assert_eq(client_register(&c, "ann@x.org", "secret1"), ATOLL_OK);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &user), ATOLL_OK);
    snprintf(path, sizeof path, "%s/a/test/%s", w.folder, account_id(user));
    cr_assert_eq(file_make_folders(path), ATOLL_OK);
    cr_assert_eq(client_ask(&c, RUNNER_DELETE_USER, user, NULL, NULL, NULL), ATOLL_OK);
    cr_assert_eq(account_state(user), 2);
    cr_assert_eq(runner_account_count(c.runner), 0u);
    cr_assert_eq(client_ask(&c, RUNNER_DELETE_USER, user, NULL, NULL, NULL),
                 ATOLL_ERROR_NOT_LOGGED_IN);
    account_release(user);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &user),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    client_close(&c);
    cr_assert(file_exists(path));
    client_open(&c, &w, "a"); /* the realms of who is gone go when nobody has them open */
    cr_assert_not(file_exists(path));
    client_close(&c);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(account, another_base_url_logs_everybody_out)
{
    world w, second;
    client c;
    char url[64];
    world_open(&w, NULL);
    world_open(&second, NULL);
    client_open(&c, &w, "a");
    account *user = client_log_in(&c);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", second.port);
    cr_assert_eq(client_ask(&c, RUNNER_SET_BASE_URL, NULL, "nonsense", NULL, NULL),
                 ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(account_state(user), 1);
    cr_assert_eq(client_ask(&c, RUNNER_SET_BASE_URL, NULL, url, NULL, NULL), ATOLL_OK);
    cr_assert_eq(account_state(user), 0);
    world_stop_server(&w);
    account *other = client_log_in(&c);
    cr_assert_eq(account_state(other), 1);
    account_release(other);
    account_release(user);
    client_close(&c);
    world_close(&second);
    world_close(&w);
}

Test(account, the_users_of_the_device_are_sealed_with_the_key)
{
    world w;
    client c;
    uint8_t key[64], other[64];
    buffer content;
    char path[128];
    memset(key, 7, sizeof key);
    memset(other, 8, sizeof other);
    world_open(&w, NULL);
    cr_assert_eq(client_try(&c, &w, "a", bytes_of(key, 5)), ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(client_try(&c, &w, "a", bytes_of(key, sizeof key)), ATOLL_OK, "%s", fail_text());
    account *user = client_log_in(&c);
    client_close(&c);
    snprintf(path, sizeof path, "%s/a/test/users.json", w.folder);
    buffer_init(&content, 1 << 20);
    cr_assert_eq(file_read(path, 1 << 20, &content), ATOLL_OK);
    cr_assert_null(memmem(content.data, content.size, account_id(user), 24));
    cr_assert_null(memmem(content.data, content.size, "token", 5));
    buffer_free(&content);
    cr_assert_eq(client_try(&c, &w, "a", bytes_of(NULL, 0)), ATOLL_ERROR_WRONG_KEY);
    cr_assert_eq(client_try(&c, &w, "a", bytes_of(other, sizeof other)), ATOLL_ERROR_WRONG_KEY);
    cr_assert_eq(client_try(&c, &w, "a", bytes_of(key, sizeof key)), ATOLL_OK, "%s", fail_text());
    account *kept = runner_current_account(c.runner);
    cr_assert_str_eq(account_id(kept), account_id(user));
    account_release(kept);
    account_release(user);
    client_close(&c);
    world_close(&w);
}
