/* Log-in from the client's network thread to the server's users and back. */
#include "world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>

Test(log_in, registered_address_logs_in_with_its_password_only)
{
    world w;
    client c;
    account *user = NULL;
    world_open(&w, NULL);
    client_open(&c, &w, "a");
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret1", &user),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(client_register(&c, "ann@x.org", "short"), ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_eq(client_register(&c, "ann@x.org", "secret1"), ATOLL_OK);
    cr_assert_eq(client_register(&c, "ann@x.org", "secret1"), ATOLL_ERROR_USER_EXISTS);
    cr_assert_eq(client_log_in_email(&c, "ann@x.org", "secret2", &user),
                 ATOLL_ERROR_INVALID_CREDENTIALS);
    cr_assert_null(user);
    cr_assert_eq(client_log_in_email(&c, "ANN@x.org", "secret1", &user), ATOLL_OK);
    cr_assert_str_eq(account_provider(user), "local-userpass");
    cr_assert_eq(account_state(user), 1);
    account_release(user);
    client_close(&c);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(log_in, anonymous_user_is_reused_on_demand_and_kept_over_a_restart)
{
    world w;
    client c;
    account *again = NULL;
    char id[64], path[128];
    world_open(&w, NULL);
    client_open(&c, &w, "a");
    account *first = client_log_in(&c), *second = client_log_in(&c);
    cr_assert_str_neq(account_id(first), account_id(second));
    uint64_t request = client_request(&c);
    runner_log_in_anonymous(c.runner, request, true);
    cr_assert_eq(client_wait(&c, request, &again), ATOLL_OK);
    cr_assert_eq(again, second);
    cr_assert_eq(runner_switch_account(c.runner, first), ATOLL_OK);
    snprintf(id, sizeof id, "%s", account_id(first));
    account_release(first);
    account_release(second);
    account_release(again);
    client_close(&c);

    struct stat info;
    snprintf(path, sizeof path, "%s/a/test/users.json", w.folder);
    cr_assert_eq(stat(path, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600u);
    client_open(&c, &w, "a");
    cr_assert_eq(runner_account_count(c.runner), 2u);
    account *kept = runner_account_at(c.runner, 0);
    cr_assert_str_eq(account_id(kept), id);
    cr_assert_eq(account_state(kept), 1);
    account *current = runner_current_account(c.runner);
    cr_assert_eq(current, kept);
    account_release(current);
    account_release(kept);
    client_close(&c);
    world_close(&w);
}

Test(log_in, log_out_works_without_a_server_and_another_user_becomes_current)
{
    world w;
    client c;
    world_open(&w, NULL);
    client_open(&c, &w, "a");
    account *first = client_log_in(&c), *second = client_log_in(&c);
    world_stop_server(&w);
    cr_assert_eq(client_log_out(&c, second), ATOLL_OK);
    cr_assert_eq(account_state(second), 2); /* an anonymous user is gone for good */
    account *current = runner_current_account(c.runner);
    cr_assert_eq(current, first);
    buffer token;
    buffer_init(&token, 4096);
    cr_assert_eq(account_access_token(second, &token), ATOLL_ERROR_NOT_LOGGED_IN);
    cr_assert_eq(account_access_token(first, &token), ATOLL_OK);
    cr_assert_gt(token.size, 100u);
    buffer_free(&token);
    account_release(current);
    account_release(first);
    account_release(second);
    client_close(&c);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(log_in, errors_of_server_and_network_come_back_by_number)
{
    world w;
    client c;
    account *user = NULL;
    world_open(&w, "listen: 127.0.0.1:0\napps:\n- {id: test, sync: flexible, log_in: [email]}\n");
    client_open(&c, &w, "a");
    uint64_t request = client_request(&c);
    runner_log_in_anonymous(c.runner, request, false);
    cr_assert_eq(client_wait(&c, request, &user), ATOLL_ERROR_LOGIN_METHOD_DISABLED);
    world_stop_server(&w);
    request = client_request(&c);
    runner_log_in_anonymous(c.runner, request, false);
    cr_assert_eq(client_wait(&c, request, &user), ATOLL_ERROR_CONNECTION_FAILED);
    client_close(&c);
    world_close(&w);
}

Test(log_in, unknown_app_is_refused_when_apps_are_listed)
{
    world w;
    client c;
    world_open(&w, "listen: 127.0.0.1:0\napps:\n- {id: other, sync: flexible}\n");
    client_open(&c, &w, "a");
    uint64_t request = client_request(&c);
    runner_log_in_anonymous(c.runner, request, false);
    cr_assert_eq(client_wait(&c, request, NULL), ATOLL_ERROR_UNKNOWN_APP);
    client_close(&c);
    world_close(&w);
}

Test(runner, bad_addresses_are_refused_by_name)
{
    const struct {
        const char *url;
        status code;
    } cases[] = {{"https://a:x", ATOLL_ERROR_INVALID_ARGUMENT},
                 {"ftp://a", ATOLL_ERROR_INVALID_ARGUMENT},
                 {"http://", ATOLL_ERROR_INVALID_ARGUMENT},
                 {"http://a:x", ATOLL_ERROR_INVALID_ARGUMENT},
                 {"http://a:0", ATOLL_ERROR_INVALID_ARGUMENT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        runner *r = NULL;
        runner_options options = {.platform = platform_posix(),
                                  .app_id = "a",
                                  .base_url = cases[i].url,
                                  .base_path = "/tmp/none"};
        cr_assert_eq(runner_new(&options, &r), cases[i].code, "%s", cases[i].url);
        cr_assert_null(r);
    }
    cr_assert_eq(memory_live_count(), 0);
}
