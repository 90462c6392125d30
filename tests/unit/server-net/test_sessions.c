/* Sessions over real sockets: the client's runner and machine against the server's loop and peer. */
#include "world.h"

#include "model/model.h"

#include <criterion/criterion.h>
#include <unistd.h>
#include <stdio.h>

typedef struct realm {
    client *client;
    model_db *db;
    runner_session *session;
    class_key things;
    property_key text;
} realm;

static void make_schema(model_schema *schema)
{
    size_t index = 0;
    *schema = (model_schema){0};
    cr_assert_eq(schema_add_class(schema, bytes_text("Thing"), CLASS_NORMAL, &index), ATOLL_OK);
    cr_assert_eq(schema_add_property(schema, index, bytes_text("_id"), VALUE_INT,
                                     PROPERTY_PRIMARY_KEY, bytes_text("")),
                 ATOLL_OK);
    cr_assert_eq(schema_add_property(schema, index, bytes_text("text"), VALUE_STRING,
                                     PROPERTY_NULLABLE, bytes_text("")),
                 ATOLL_OK);
}

static void open_db(realm *r, const char *name)
{
    char path[160];
    storage *store = NULL;
    model_schema schema;
    storage_options store_options = {.create = true};
    model_options options = {.platform = platform_posix(),
                             .use = SCHEMA_PARTITION,
                             .identity_rows = true,
                             .checkpoint_thread = true};
    snprintf(path, sizeof path, "%s/%s", r->client->world->folder, name);
    make_schema(&schema);
    cr_assert_eq(storage_open_rocksdb(path, &store_options, &store), ATOLL_OK, "%s", fail_text());
    cr_assert_eq(model_open(store, &options, &schema, &r->db), ATOLL_OK, "%s", fail_text());
    schema_free(&schema);
    model_view *view = model_view_newest(r->db);
    const model_class *c = schema_class_named(model_view_schema(view), bytes_text("Thing"));
    r->things = c->key;
    r->text = class_property_named(c, bytes_text("text"))->key;
    model_view_release(view);
}

static void realm_open(realm *r, client *c, account *user, const char *name, const char *partition)
{
    *r = (realm){.client = c};
    open_db(r, name);
    session_options options = {.db = r->db,
                               .platform = platform_posix(),
                               .partition = value_string(bytes_text(partition)),
                               .partition_property = "_partition",
                               .user_id = account_id(user),
                               .app_id = "test",
                               .reconnect_delay_ms = 50,
                               .reconnect_delay_ms_max = 200,
                               .reconnect_multiplier = 2,
                               .reconnect_jitter_divisor = 4,
                               .connect_timeout_ms = 5000,
                               .ping_period_ms = 60000,
                               .pong_timeout_ms = 60000};
    cr_assert_eq(runner_session_attach(c->runner, user, &options, &r->session), ATOLL_OK, "%s",
                 fail_text());
}

static void realm_close(realm *r)
{
    mutex_lock(&r->client->lock);
    r->client->released = false;
    mutex_unlock(&r->client->lock);
    runner_session_detach(r->session, client_released, r->client);
    client_wait_released(r->client);
    runner_session_release(r->session);
    model_close(r->db);
}

static void put(realm *r, int64_t id, const char *text)
{
    model_txn *txn = NULL;
    row_key row = 0;
    value key = value_int(id), content = value_string(bytes_text(text));
    cr_assert_eq(model_begin(r->db, COMMIT_LOCAL, &txn), ATOLL_OK);
    cr_assert_eq(model_find(model_txn_view(txn), r->things, &key, &row), ATOLL_OK);
    if (row == 0)
        cr_assert_eq(model_create(txn, r->things, &key, &row), ATOLL_OK, "%s", fail_text());
    cr_assert_eq(model_set(txn, r->things, row, r->text, &content), ATOLL_OK);
    cr_assert_eq(model_commit(txn, NULL), ATOLL_OK, "%s", fail_text());
}

static bool has(realm *r, int64_t id, const char *text)
{
    row_key row = 0;
    value key = value_int(id), content = value_null();
    model_view *view = model_view_newest(r->db);
    bool found = model_find(view, r->things, &key, &row) == ATOLL_OK && row != 0 &&
                 model_get(view, r->things, row, r->text, &content) == ATOLL_OK &&
                 content.type == VALUE_STRING && bytes_equal(content.as.text, bytes_text(text));
    model_view_release(view);
    return found;
}

static status wait_upload(realm *r)
{
    uint64_t request = client_request(r->client);
    runner_session_wait_upload(r->session, request);
    return client_wait(r->client, request, NULL);
}

static status wait_download(realm *r)
{
    uint64_t request = client_request(r->client);
    runner_session_wait_download(r->session, request);
    return client_wait(r->client, request, NULL);
}

Test(sessions, a_write_reaches_the_other_client_of_the_partition_and_no_other)
{
    world w;
    client a, b;
    realm first, second, stranger;
    world_open(&w,
               "listen: 127.0.0.1:0\napps:\n- {id: test, sync: partition, development: true}\n");
    client_open(&a, &w, "a");
    client_open(&b, &w, "b");
    account *user_a = client_log_in(&a), *user_b = client_log_in(&b);
    realm_open(&first, &a, user_a, "first", "p");
    realm_open(&second, &b, user_b, "second", "p");
    realm_open(&stranger, &b, user_b, "stranger", "q");
    put(&first, 1, "hello");
    cr_assert_eq(wait_upload(&first), ATOLL_OK);
    cr_assert_eq(wait_download(&second), ATOLL_OK);
    cr_assert_eq(wait_download(&stranger), ATOLL_OK);
    cr_assert(has(&second, 1, "hello"));
    cr_assert_not(has(&stranger, 1, "hello"));
    put(&second, 1, "changed");
    cr_assert_eq(wait_upload(&second), ATOLL_OK);
    cr_assert_eq(wait_download(&first), ATOLL_OK);
    cr_assert(has(&first, 1, "changed"));
    realm_close(&first);
    realm_close(&second);
    realm_close(&stranger);
    account_release(user_a);
    account_release(user_b);
    client_close(&a);
    client_close(&b);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

Test(sessions, a_server_that_comes_back_gets_what_was_written_meanwhile)
{
    world w;
    client a;
    realm first, fresh;
    world_open(&w,
               "listen: 127.0.0.1:0\napps:\n- {id: test, sync: partition, development: true}\n");
    client_open(&a, &w, "a");
    account *user = client_log_in(&a);
    realm_open(&first, &a, user, "first", "p");
    put(&first, 1, "before");
    cr_assert_eq(wait_upload(&first), ATOLL_OK);
    size_t connections = a.connections;
    world_stop_server(&w);
    put(&first, 2, "while the server was away");
    world_start_server(&w);
    cr_assert(client_wait_connections(&a, connections + 1));
    cr_assert_eq(wait_upload(&first), ATOLL_OK);
    realm_open(&fresh, &a, user, "fresh", "p");
    cr_assert_eq(wait_download(&fresh), ATOLL_OK);
    cr_assert(has(&fresh, 1, "before"));
    cr_assert(has(&fresh, 2, "while the server was away"));
    realm_close(&first);
    realm_close(&fresh);
    account_release(user);
    client_close(&a);
    world_close(&w);
}

Test(sessions, nothing_crosses_while_stopped_and_start_connects_at_once)
{
    world w;
    client a, b;
    realm first, second;
    world_open(&w,
               "listen: 127.0.0.1:0\napps:\n- {id: test, sync: partition, development: true}\n");
    client_open(&a, &w, "a");
    client_open(&b, &w, "b");
    account *user_a = client_log_in(&a), *user_b = client_log_in(&b);
    realm_open(&first, &a, user_a, "first", "p");
    realm_open(&second, &b, user_b, "second", "p");
    cr_assert_eq(wait_download(&first), ATOLL_OK);
    cr_assert_eq(wait_download(&second), ATOLL_OK);
    runner_session_stop(first.session);
    cr_assert_eq(runner_session_state(first.session), 4);
    cr_assert_eq(runner_session_connection_state(first.session), 0);
    put(&first, 1, "from the stopped one");
    put(&second, 2, "from the other");
    cr_assert_eq(wait_upload(&second), ATOLL_OK);
    cr_assert_eq(wait_download(&second), ATOLL_OK);
    cr_assert_not(has(&second, 1, "from the stopped one"));
    cr_assert_not(has(&first, 2, "from the other"));
    runner_session_start(first.session);
    cr_assert_eq(wait_upload(&first), ATOLL_OK);
    cr_assert_eq(wait_download(&first), ATOLL_OK);
    cr_assert_eq(wait_download(&second), ATOLL_OK);
    cr_assert(has(&second, 1, "from the stopped one"));
    cr_assert(has(&first, 2, "from the other"));
    cr_assert_eq(runner_session_state(first.session), 0);
    cr_assert_eq(runner_session_connection_state(first.session), 2);
    realm_close(&first);
    realm_close(&second);
    account_release(user_a);
    account_release(user_b);
    client_close(&a);
    client_close(&b);
    world_close(&w);
}

Test(sessions, an_expired_access_token_is_renewed_and_the_session_goes_on)
{
    world w;
    client a;
    realm first;
    world_open(&w, "listen: 127.0.0.1:0\naccess_token_seconds: 1\napps:\n- {id: test, sync: "
                   "partition, development: true}\n");
    client_open(&a, &w, "a");
    account *user = client_log_in(&a);
    char *before = NULL;
    buffer token;
    buffer_init(&token, 4096);
    cr_assert_eq(account_access_token(user, &token), ATOLL_OK);
    before = memory_copy_text((const char *)token.data, token.size);
    buffer_clear(&token);
    realm_open(&first, &a, user, "first", "p");
    cr_assert_eq(wait_download(&first), ATOLL_OK);
    /* Until the token has expired by the server's clock: then a new stream needs a new one. */
    const platform *p = platform_posix();
    uint64_t until_ms = p->monotonic_ms(p->context) + 1100;
    mutex_lock(&a.lock);
    for (uint64_t now_ms; (now_ms = p->monotonic_ms(p->context)) < until_ms;)
        condition_wait_ms(&a.changed, &a.lock, until_ms - now_ms);
    mutex_unlock(&a.lock);
    runner_session_stop(first.session);
    runner_session_start(first.session);
    put(&first, 1, "after");
    cr_assert_eq(wait_upload(&first), ATOLL_OK);
    cr_assert_eq(account_access_token(user, &token), ATOLL_OK);
    cr_assert_not(bytes_equal(buffer_view(&token), bytes_text(before)));
    cr_assert_eq(a.error_count, 0u);
    buffer_free(&token);
    memory_free(before);
    realm_close(&first);
    account_release(user);
    client_close(&a);
    world_close(&w);
}

Test(sessions, one_that_is_open_when_its_token_expires_comes_again_with_a_new_one)
{
    world w;
    client a;
    realm first;
    world_open(&w, "listen: 127.0.0.1:0\naccess_token_seconds: 1\napps:\n- {id: test, sync: "
                   "partition, development: true}\n");
    client_open(&a, &w, "a");
    account *user = client_log_in(&a);
    buffer before, after;
    buffer_init(&before, 4096);
    buffer_init(&after, 4096);
    cr_assert_eq(account_access_token(user, &before), ATOLL_OK);
    realm_open(&first, &a, user, "first", "p");
    cr_assert_eq(wait_download(&first), ATOLL_OK);
    /* Nobody asks for anything: the server ends the stream, and the app is told of nothing. */
    bool renewed = false;
    for (int i = 0; i < 1000 && !renewed; i++) {
        usleep(10000);
        buffer_clear(&after);
        cr_assert_eq(account_access_token(user, &after), ATOLL_OK);
        renewed = !bytes_equal(buffer_view(&before), buffer_view(&after));
    }
    cr_assert(renewed, "the token expired, and the session goes on with it");
    put(&first, 1, "after");
    cr_assert_eq(wait_upload(&first), ATOLL_OK);
    cr_assert_eq(a.error_count, 0u);
    buffer_free(&before);
    buffer_free(&after);
    realm_close(&first);
    account_release(user);
    client_close(&a);
    world_close(&w);
}

Test(sessions, a_realm_that_is_opened_again_before_its_upload_ended_goes_on)
{
    world w;
    client a;
    realm first;
    world_open(&w,
               "listen: 127.0.0.1:0\napps:\n- {id: test, sync: partition, development: true}\n");
    client_open(&a, &w, "a");
    account *user = client_log_in(&a);
    realm_open(&first, &a, user, "first", "p");
    cr_assert_eq(wait_download(&first), ATOLL_OK);
    world_stop_server(&w); /* so that the upload can't end */
    put(&first, 1, "unsent");
    runner_session_detach(first.session, client_released, &a);
    const session_choices chosen = {0};
    cr_assert(runner_session_revive(first.session, &chosen));
    world_start_server(&w);
    cr_assert_eq(wait_upload(&first), ATOLL_OK);
    cr_assert_not(a.released);
    realm_close(&first);
    account_release(user);
    client_close(&a);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}

/* Before it had ended, a session went on with the handler of resets of the opening before. */
Test(sessions, one_that_goes_on_is_as_its_realm_was_opened_last)
{
    world w;
    client a;
    realm first;
    const session_choices chosen = {.reset_mode = SESSION_RESET_MANUAL};
    world_open(&w,
               "listen: 127.0.0.1:0\napps:\n- {id: test, sync: partition, development: true}\n");
    client_open(&a, &w, "a");
    account *user = client_log_in(&a);
    realm_open(&first, &a, user, "first", "p");
    cr_assert_eq(wait_download(&first), ATOLL_OK);
    world_stop_server(&w); /* so that the upload can't end */
    put(&first, 1, "unsent");
    runner_session_detach(first.session, client_released, &a);
    cr_assert(runner_session_revive(first.session, &chosen));
    world_start_server(&w);
    cr_assert_eq(wait_upload(&first), ATOLL_OK);
    runner_session_simulate_error(first.session, ATOLL_ERROR_CLIENT_RESET, bytes_text("by a test"),
                                  true);
    cr_expect_eq(wait_download(&first), ATOLL_ERROR_CLIENT_RESET, "it was not left to the app");
    realm_close(&first);
    account_release(user);
    client_close(&a);
    world_close(&w);
}

Test(sessions, the_last_close_waits_for_the_upload)
{
    world w;
    client a;
    realm first, fresh;
    world_open(&w,
               "listen: 127.0.0.1:0\napps:\n- {id: test, sync: partition, development: true}\n");
    client_open(&a, &w, "a");
    account *user = client_log_in(&a);
    realm_open(&first, &a, user, "first", "p");
    for (int64_t i = 0; i < 200; i++) put(&first, i, "x");
    realm_close(&first);
    realm_open(&fresh, &a, user, "fresh", "p");
    cr_assert_eq(wait_download(&fresh), ATOLL_OK);
    for (int64_t i = 0; i < 200; i++)
        cr_assert(has(&fresh, i, "x"), "object %lld is missing", (long long)i);
    realm_close(&fresh);
    account_release(user);
    client_close(&a);
    world_close(&w);
}

Test(sessions, a_log_out_stops_them_and_the_next_log_in_of_the_user_starts_them)
{
    world w;
    client a;
    realm first;
    account *user = NULL, *again = NULL;
    world_open(&w,
               "listen: 127.0.0.1:0\napps:\n- {id: test, sync: partition, development: true}\n");
    client_open(&a, &w, "a");
    uint64_t request = client_request(&a);
    runner_register_email(a.runner, request, bytes_text("ann@x.org"), bytes_text("secret1"));
    cr_assert_eq(client_wait(&a, request, NULL), ATOLL_OK);
    request = client_request(&a);
    runner_log_in_email(a.runner, request, bytes_text("ann@x.org"), bytes_text("secret1"));
    cr_assert_eq(client_wait(&a, request, &user), ATOLL_OK);
    realm_open(&first, &a, user, "first", "p");
    cr_assert_eq(wait_download(&first), ATOLL_OK);
    request = client_request(&a);
    runner_log_out(a.runner, request, user);
    cr_assert_eq(client_wait(&a, request, NULL), ATOLL_OK);
    cr_assert_eq(account_state(user), 0);
    cr_assert_neq(runner_session_state(first.session), 0);
    put(&first, 1, "kept");
    size_t connections = a.connections;
    request = client_request(&a);
    runner_log_in_email(a.runner, request, bytes_text("ann@x.org"), bytes_text("secret1"));
    cr_assert_eq(client_wait(&a, request, &again), ATOLL_OK);
    cr_assert_eq(again, user);
    cr_assert(client_wait_connections(&a, connections + 1));
    cr_assert_eq(wait_upload(&first), ATOLL_OK);
    realm_close(&first);
    account_release(user);
    account_release(again);
    client_close(&a);
    world_close(&w);
}
