/* The configuration file of the server. */
#include "base/memory.h"
#include "server/config.h"
#include "server/roles.h"

#include <criterion/criterion.h>
#include <stdio.h>

static status read_text(const char *yaml, server_config *out)
{
    return server_config_read(bytes_text(yaml), out);
}

Test(config, says_everything_about_an_app)
{
    server_config c;
    cr_assert_eq(read_text("listen: 0.0.0.0:9000\n"
                           "access_token_seconds: 5\n"
                           "apps:\n"
                           "- id: shop\n"
                           "  sync: partition\n"
                           "  partition_property: owner\n"
                           "  log_in: [email]\n"
                           "  development: false\n"
                           "  memory_megabytes: 100\n"
                           "  staged_megabytes_max: 5000\n"
                           "- {id: chat-2, sync: flexible}\n",
                           &c),
                 ATOLL_OK, "%s", fail_text());
    cr_assert_str_eq(c.host, "0.0.0.0");
    cr_assert_eq(c.port, 9000);
    cr_assert_eq(c.access_token_ms, 5000u);
    cr_assert_eq(c.refresh_token_ms, 60ull * 24 * 3600 * 1000);
    cr_assert_not(c.open);
    const app_config *shop = server_config_app(&c, bytes_text("shop"));
    cr_assert(!shop->flexible && shop->email && !shop->anonymous && !shop->development);
    cr_assert_str_eq(shop->partition_property, "owner");
    cr_assert_eq(shop->memory_budget, 100ull << 20);
    cr_assert_eq(shop->staged_max, 5000ull << 20);
    const app_config *chat = server_config_app(&c, bytes_text("chat-2"));
    cr_assert(chat->flexible && chat->email && chat->anonymous && !chat->development);
    cr_assert_str_eq(chat->partition_property, "_partition");
    cr_assert_null(server_config_app(&c, bytes_text("other")));
    server_config_free(&c);
    cr_assert_eq(memory_live_count(), 0);
}

Test(config, a_condition_that_no_image_can_answer_is_refused)
{
    static const char *const conditions[] = {"@links.Task.owner.@count > 0",
                                             "owner == obj('Person', 1)"};
    for (size_t i = 0; i < 2; i++) {
        char text[400];
        server_config c;
        snprintf(text, sizeof text,
                 "apps:\n- id: shop\n  sync: flexible\n  default_roles:\n"
                 "  - {name: one, read: true, document_filters: {read: \"%s\"}}\n",
                 conditions[i]);
        cr_expect_neq(read_text(text, &c), ATOLL_OK, "%s", conditions[i]);
        cr_expect(strstr(fail_text(), "not supported yet: ") != NULL, "%s", fail_text());
    }
}

Test(config, roles_are_read_with_their_fields)
{
    server_config c;
    cr_assert_eq(read_text("apps:\n"
                           "- id: shop\n"
                           "  sync: flexible\n"
                           "  queryable_fields: [owner]\n"
                           "  partition_rules: {read: true, write: '%%user.id == \"x\"'}\n"
                           "  default_roles: []\n"
                           "  roles:\n"
                           "    Task:\n"
                           "    - name: one\n"
                           "      apply_when: '%%user.custom_data.level > 3'\n"
                           "      document_filters: {read: 'owner == %%user.id', write: false}\n"
                           "      fields: {pay: {read: false}, note: {write: true}}\n"
                           "      read: true\n",
                           &c),
                 ATOLL_OK, "%s", fail_text());
    const role_set *s = c.apps.items[0].roles;
    cr_assert(s->restricts && s->declares && s->classes.count == 2);
    cr_assert_null(s->partition_read);
    cr_assert_str_eq(s->partition_write, "%%user.id == \"x\"");
    cr_assert_null(s->classes.items[0].class_name);
    const role *r = &s->classes.items[1].roles.items[0];
    cr_assert_str_eq(r->name, "one");
    cr_assert_str_eq(r->read, "owner == %%user.id");
    cr_assert_str_eq(r->write, "FALSEPREDICATE");
    cr_assert(r->read_others && !r->write_others && !r->insert && !r->remove);
    cr_assert(!r->fields.items[0].read && !r->fields.items[0].write);
    cr_assert(r->fields.items[1].read && r->fields.items[1].write);
    cr_assert(role_set_queryable(s, "Task", "owner") && !role_set_queryable(s, "Task", "pay"));
    server_config_free(&c);
    cr_assert_eq(memory_live_count(), 0);
}

#define ROLE(text) "apps:\n- id: a\n  sync: flexible\n  default_roles:\n  - {name: x, " text "}"

Test(config, without_a_file_the_server_is_open_for_development)
{
    server_config c;
    cr_assert_eq(server_config_default(&c), ATOLL_OK);
    cr_assert(c.open);
    cr_assert_eq(c.port, 7700);
    cr_assert_eq(c.access_token_ms, 30ull * 60 * 1000);
    server_config_free(&c);
}

Test(config, ingest_says_where_objects_go)
{
    server_config c;
    cr_assert_eq(read_text("apps:\n"
                           "- id: a\n"
                           "  sync: flexible\n"
                           "  development: true\n"
                           "  ingest:\n"
                           "    postgres: dbname=x\n"
                           "    tables: {Reading: readings}\n"
                           "- {id: b, sync: flexible, development: true, ingest: {postgres: "
                           "dbname=y, schema: s, create: false}}\n"
                           "- {id: c, sync: flexible, ingest: {postgres: dbname=z}}\n",
                           &c),
                 ATOLL_OK, "%s", fail_text());
    const sink_config *a = c.apps.items[0].sink, *b = c.apps.items[1].sink;
    cr_assert_str_eq(a->connection, "dbname=x");
    cr_assert_str_eq(a->schema, "public");
    cr_assert(a->create && !b->create && !c.apps.items[2].sink->create);
    cr_assert_eq(a->tables.count, 1);
    cr_assert_str_eq(a->tables.items[0].class_name, "Reading");
    cr_assert_str_eq(a->tables.items[0].table, "readings");
    cr_assert_str_eq(b->schema, "s");
    server_config_free(&c);
    cr_assert_eq(
        read_text("apps:\n"
                  "- {id: a, sync: flexible, ingest: {keep_seconds: 60}}\n"
                  "- {id: b, sync: flexible, ingest: {postgres: dbname=y, keep_megabytes: 2, "
                  "keep_delivered: false}}\n",
                  &c),
        ATOLL_OK, "%s", fail_text());
    const app_config *apps = c.apps.items;
    cr_assert(apps[0].sink == NULL && apps[0].keep.ms == 60000 && apps[0].keep.bytes == 0);
    cr_assert(apps[1].sink != NULL && apps[1].keep.bytes == 2 << 20 && apps[1].keep.drop_delivered);
    server_config_free(&c);
    cr_assert_neq(
        read_text("apps:\n- {id: a, sync: flexible, ingest: {keep_delivered: false}}\n", &c),
        ATOLL_OK, "nothing is delivered anywhere");
    cr_assert_eq(memory_live_count(), 0);
}

Test(config, mistakes_are_named_with_their_place)
{
    const struct {
        const char *yaml, *text;
    } cases[] = {
        {"", "empty"},
        {"apps:\n- {id: a, sync: flexible, ingest: {schema: s}}", "postgres: a connection string"},
        {"apps:\n- {id: a, sync: partition, ingest: {postgres: x}}", "of flexible sync"},
        {"apps:\n- {id: a, sync: flexible, ingest: {postgres: x, tables: [b]}}", "{Class: table"},
        {"apps:\n- {id: a, sync: flexible, ingest: {postgres: x, table: b}}", "unknown key"},
        {"apps:\n- {id: a, sync: flexible, email: {confirm: maybe}}",
         "confirm: expected automatic"},
        {"apps:\n- {id: a, sync: flexible, email: {command: mail}}", "command: expected the path"},
        {"apps:\n- {id: a, sync: flexible, tokens: [{provider: custom-token}]}", "has no keys"},
        {"apps:\n- {id: a, sync: flexible, tokens: [{provider: other}]}", "expected custom-token"},
        {"apps:\n- {id: a, sync: flexible, tokens: [{keys: /none/such}]}", "/none/such"},
        {"apps:\n- {id: a, sync: flexible, tokens: [{secret: /dev/null}]}", "at least 32 bytes"},
        {"- a", "line 1 column 1: expected listen and apps"},
        {"listne: x", "line 1 column 1: unknown key"},
        {ROLE("raed: true"), "line 5 column 15: unknown key: expected name, apply_when"},
        {ROLE("read: maybe"), "line 5 column 21: expected true or false"},
        {ROLE("apply_when: 'owner == %%user.id'"), "can't name fields of documents"},
        {ROLE("apply_when: '%%user.name == 1'"), "unknown expansion '%%user.name'"},
        {ROLE("document_filters: {read: 'a =='}"), "the query is wrong at 1:5"},
        {ROLE("fields: {a: {}, b: {delete: true}}"), "unknown key: expected read or write"},
        {"apps:\n- id: a\n  sync: flexible\n  default_roles: [{read: true}]", "has no name"},
        {"listen: 7700", "line 1 column 9: expected HOST:PORT"},
        {"listen: a:70000", "expected HOST:PORT"},
        {"apps: {}", "apps: expected a list"},
        {"apps:\n- sync: flexible", "line 2 column 3: the app has no id"},
        {"apps:\n- id: a", "does not say sync"},
        {"apps:\n- id: ../a\n  sync: flexible", "line 2 column 7: id: expected up to 64"},
        {"apps:\n- id: a\n  sync: both", "line 3 column 9: sync: expected flexible or partition"},
        {"apps:\n- id: a\n  sync: flexible\n  log_in: [fax]",
         "line 4 column 12: log_in: expected anonymous, email or api-key"},
        {"apps:\n- id: a\n  sync: flexible\n  development: yes", "expected true or false"},
        {"apps:\n- {id: a, sync: flexible}\n- {id: a, sync: flexible}",
         "line 3 column 3: a second app"},
        {"access_token_seconds: 0", "number of seconds above 0"},
        {"apps: [{id: a, sync: flexible, staged_megabytes_max: 1.5}]",
         "number of megabytes above 0"},
        {"a: [", "line 2 column 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        server_config c = {0};
        cr_assert_eq(read_text(cases[i].yaml, &c), ATOLL_ERROR_MISMATCHED_CONFIG, "%s",
                     cases[i].yaml);
        cr_assert_not_null(strstr(fail_text(), cases[i].text), "\"%s\" lacks \"%s\"", fail_text(),
                           cases[i].text);
        cr_assert_null(c.host);
    }
    cr_assert_eq(memory_live_count(), 0);
}

Test(config, an_app_id_never_leaves_its_folder)
{
    const char *bad[] = {
        "",         ".",    "..",
        ".a",       "a/b",  "a b",
        "\xc3\xa4", "a\\b", "0123456789012345678901234567890123456789012345678901234567890123x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(app_id_is_valid(bytes_text(bad[i])), "%s", bad[i]);
    cr_assert(app_id_is_valid(
        bytes_text("0123456789012345678901234567890123456789012345678901234567890123")));
    cr_assert(app_id_is_valid(bytes_text("my_app-1.test")));
}

Test(config, addresses_have_a_host_and_a_port)
{
    char *host = NULL;
    uint16_t port = 0;
    cr_assert_eq(address_read("[::1]:65535", &host, &port), ATOLL_OK);
    cr_assert_str_eq(host, "::1");
    cr_assert_eq(port, 65535);
    const char *bad[] = {"", ":1", "a", "a:", "a:x", "a:65536", "a:-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(address_read(bad[i], &host, &port), ATOLL_ERROR_INVALID_ARGUMENT, "%s",
                     bad[i]);
    }
    memory_free(host);
}
