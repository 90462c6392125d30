/* Roles: who sees and writes what, in a world without surprises; the wire is read for what must not be on it. */
#include "base/log.h"
#include "copies.h"
#include "server/roles.h"

#include <stdio.h>
#include <stdlib.h>

enum { ADMIN = 0, ANN = 1, BOB = 2 };
static const char *const users[] = {"admin", "ann", "bob"};

static void start(world *w, const char *roles)
{
    MUST(world_start(w, 11, 3, true, fixture_schema(true, false)));
    for (int i = 0; i < 3; i++) w->clients[i].user_id = users[i];
    MUST(world_set_roles(w, roles));
    MUST(world_set_user_data(w, &w->clients[ADMIN], "{\"admin\": true}"));
    const char *classes[] = {"Item"}, *queries[] = {"TRUEPREDICATE"};
    for (int i = 0; i < 3; i++) MUST(world_subscribe(w, &w->clients[i], classes, queries, 1));
    SETTLE(w);
}

static void expect(world *w, int who, const char *wanted)
{
    char *text = fixture_dump(w->clients[who].db, "TRUEPREDICATE");
    cr_expect_str_eq(text, wanted, "%s has\n%sand not\n%s", users[who], text, wanted);
    free(text);
}

static void expect_server(world *w, const char *wanted)
{
    char *text = fixture_dump(server_app_db(w->app), "TRUEPREDICATE");
    cr_expect_str_eq(text, wanted, "the server has\n%sand not\n%s", text, wanted);
    free(text);
}

static void expect_refused(world *w, int who, uint64_t times, const char *reason)
{
    client *c = &w->clients[who];
    cr_expect_eq(c->compensations, times, "%s: %llu refusals, the last: %s", users[who],
                 (unsigned long long)c->compensations, c->last_error_text);
    cr_expect(strstr(c->last_error_text, reason) != NULL, "%s: %s", users[who], c->last_error_text);
}

/* The name is the owner: the administrator does all, others only what is theirs. */
static const char by_owner[] =
    "  default_roles:\n"
    "  - name: administrator\n"
    "    apply_when: '%%user.custom_data.admin == true'\n"
    "    read: true\n"
    "    write: true\n"
    "    insert: true\n"
    "    delete: true\n"
    "  - name: owner\n"
    "    document_filters: {read: 'name == %%user.id || team == 0', write: 'name == %%user.id'}\n"
    "    read: true\n"
    "    write: true\n"
    "    insert: true\n";

Test(roles, the_first_that_applies_filters_what_is_read)
{
    world w;
    start(&w, by_owner);
    MUST(fixture_create(&w, &w.clients[ADMIN], 1, 5, "ann"));
    MUST(fixture_create(&w, &w.clients[ADMIN], 2, 5, "bob"));
    MUST(fixture_create(&w, &w.clients[ADMIN], 3, 0, "admin"));
    SETTLE(&w);
    expect(&w, ADMIN,
           "1 team 5 score 0 name ann tags []\n2 team 5 score 0 name bob tags []\n"
           "3 team 0 score 0 name admin tags []\n");
    expect(&w, ANN, "1 team 5 score 0 name ann tags []\n3 team 0 score 0 name admin tags []\n");
    expect(&w, BOB, "2 team 5 score 0 name bob tags []\n3 team 0 score 0 name admin tags []\n");
    /* It changes hands: it leaves one and comes to the other. */
    MUST(fixture_set_name(&w, &w.clients[ADMIN], 1, "bob"));
    SETTLE(&w);
    expect(&w, ANN, "3 team 0 score 0 name admin tags []\n");
    expect(&w, BOB,
           "1 team 5 score 0 name bob tags []\n2 team 5 score 0 name bob tags []\n"
           "3 team 0 score 0 name admin tags []\n");
    world_end(&w);
}

Test(roles, one_refused_object_does_not_undo_the_others_and_is_told_after_its_revert)
{
    world w;
    start(&w, by_owner);
    MUST(fixture_create(&w, &w.clients[ADMIN], 1, 5, "ann"));
    MUST(fixture_create(&w, &w.clients[ADMIN], 2, 0, "admin"));
    SETTLE(&w);
    w.clients[ANN].offline = true;
    world_cut(&w, &w.clients[ANN]);
    world_run(&w, 1000);
    MUST(fixture_set_int(&w, &w.clients[ANN], 1, "score", 7));
    MUST(fixture_set_int(&w, &w.clients[ANN], 2, "score", 8)); /* may be read, not written */
    MUST(fixture_create(&w, &w.clients[ANN], 4, 0, "ann"));
    w.clients[ANN].offline = false;
    SETTLE(&w);
    expect_refused(&w, ANN, 1, "object 2 of class 'Item': the user may not write this object");
    expect(&w, ANN,
           "1 team 5 score 7 name ann tags []\n2 team 0 score 0 name admin tags []\n"
           "4 team 0 score 0 name ann tags []\n");
    expect_server(&w, "1 team 5 score 7 name ann tags []\n2 team 0 score 0 name admin tags []\n"
                      "4 team 0 score 0 name ann tags []\n");
    cr_expect_eq(w.clients[ADMIN].compensations, 0u);
    world_end(&w);
}

Test(roles, the_state_before_and_the_state_after_must_both_allow_a_write)
{
    world w;
    start(&w, by_owner);
    MUST(fixture_create(&w, &w.clients[ANN], 1, 0, "ann"));
    MUST(fixture_create(&w, &w.clients[ADMIN], 2, 0, "bob"));
    SETTLE(&w);
    /* Away from herself: allowed before, not after. To herself: the other way round. */
    MUST(fixture_set_name(&w, &w.clients[ANN], 1, "bob"));
    SETTLE(&w);
    expect_refused(&w, ANN, 1, "may not write this object");
    MUST(fixture_set_name(&w, &w.clients[ANN], 2, "ann"));
    SETTLE(&w);
    expect_refused(&w, ANN, 2, "may not write this object");
    expect(&w, ANN, "1 team 0 score 0 name ann tags []\n2 team 0 score 0 name bob tags []\n");
    /* Deleting is not hers at all. */
    MUST(fixture_delete(&w, &w.clients[ANN], 1));
    SETTLE(&w);
    expect_refused(&w, ANN, 3, "may not delete this object");
    expect(&w, ANN, "1 team 0 score 0 name ann tags []\n2 team 0 score 0 name bob tags []\n");
    /* An object of somebody else. */
    MUST(fixture_create(&w, &w.clients[ANN], 5, 0, "bob"));
    SETTLE(&w);
    expect_refused(&w, ANN, 4, "may not write this object");
    expect_server(&w, "1 team 0 score 0 name ann tags []\n2 team 0 score 0 name bob tags []\n");
    world_end(&w);
}

Test(roles, a_create_on_a_key_beyond_the_rights_is_refused_without_telling_of_it)
{
    world w;
    start(&w, by_owner);
    MUST(fixture_create(&w, &w.clients[ADMIN], 1, 5, "bob"));
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[ANN], 1, 5, "ann"));
    SETTLE(&w);
    expect_refused(&w, ANN, 1, "the key is not free");
    expect(&w, ANN, "");
    expect_server(&w, "1 team 5 score 0 name bob tags []\n");
    world_end(&w);
}

/* ---- the wire ---- */

static int seen_values, seen_objects;

static void look_for_secrets(world *w, client *c, const server_message *m)
{
    (void)w;
    if (c->number != BOB) return;
    const wire_rows_list *list = m->kind == SERVER_DOWNLOAD     ? &m->download.rows
                                 : m->kind == SERVER_UPLOAD_ACK ? &m->ack.rows
                                                                : NULL;
    for (size_t k = 0; list != NULL && k < list->count; k++) {
        const wire_rows *rows = list->items[k];
        for (size_t i = 0; i < rows->columns.count; i++) {
            const char *name = rows->columns.items[i]->property;
            seen_values += strcmp(name, "score") == 0 || strcmp(name, "x") == 0;
        }
        for (size_t i = 0; i < rows->count && strcmp(rows->class_name, "Item") == 0; i++)
            seen_objects += rows->key.integers.items[i] >= 100;
    }
}

static const char fields[] =
    "  roles:\n"
    "    Item:\n"
    "    - name: administrator\n"
    "      apply_when: '%%user.custom_data.admin == true'\n"
    "      read: true\n"
    "      write: true\n"
    "      insert: true\n"
    "      delete: true\n"
    "    - name: member\n"
    "      document_filters: {read: '_id < 100', write: '_id < 100'}\n"
    "      read: true\n"
    "      write: true\n"
    "      insert: true\n"
    "      delete: true\n"
    "      fields: {score: {read: false}, one: {read: false}, team: {write: false}}\n";

Test(roles, what_may_not_be_read_never_travels)
{
    world w;
    start(&w, fields);
    seen_values = seen_objects = 0;
    w.on_down = look_for_secrets;
    client *admin = &w.clients[ADMIN];
    for (int i = 0; i < 4; i++) {
        MUST(fixture_create(&w, admin, i * 50, 5, "x"));
        MUST(fixture_set_int(&w, admin, i * 50, "score", 77));
        MUST(fixture_part(&w, admin, i * 50, 78));
        SETTLE(&w);
        MUST(fixture_set_int(&w, admin, i * 50, "score", 79));
        MUST(fixture_part(&w, admin, i * 50, 80));
        MUST(fixture_set_name(&w, admin, i * 50, "y"));
        SETTLE(&w);
    }
    MUST(fixture_delete(&w, admin, 150));
    SETTLE(&w);
    expect(&w, ADMIN,
           "0 team 5 score 79 name y tags [] one 80\n50 team 5 score 79 name y tags [] one 80\n"
           "100 team 5 score 79 name y tags [] one 80\n");
    expect(&w, BOB, "0 team 5 score 0 name y tags []\n50 team 5 score 0 name y tags []\n");
    /* A write that is refused comes back without them too. */
    MUST(fixture_set_int(&w, &w.clients[BOB], 50, "score", 1));
    SETTLE(&w);
    expect_refused(&w, BOB, 1, "may not write this field");
    expect(&w, BOB, "0 team 5 score 0 name y tags []\n50 team 5 score 0 name y tags []\n");
    cr_expect_eq(seen_values, 0);
    cr_expect_eq(seen_objects, 0);
    world_end(&w);
}

Test(roles, a_field_that_may_not_be_written_refuses_its_object_and_a_default_is_dropped)
{
    world w;
    start(&w, fields);
    MUST(fixture_create(&w, &w.clients[ADMIN], 1, 5, "x"));
    SETTLE(&w);
    MUST(fixture_set_int(&w, &w.clients[BOB], 1, "team", 6));
    MUST(fixture_set_name(&w, &w.clients[ANN], 1, "ann"));
    SETTLE(&w);
    expect_refused(&w, BOB, 1, "may not write this field");
    cr_expect_eq(w.clients[ANN].compensations, 0u);
    expect(&w, BOB, "1 team 5 score 0 name ann tags []\n");
    MUST(fixture_part(&w, &w.clients[ADMIN], 1, 3));
    SETTLE(&w);
    expect_server(&w, "1 team 5 score 0 name ann tags [] one 3\n");
    world_end(&w);
}

Test(roles, a_class_that_no_role_names_is_closed)
{
    world w;
    start(&w, "  roles:\n    Other:\n    - {name: all, read: true, write: true, insert: true}\n");
    MUST(fixture_create(&w, &w.clients[ANN], 1, 5, "ann"));
    MUST(fixture_reading(&w, &w.clients[ANN], 1, "one"));
    SETTLE(&w);
    cr_expect_eq(w.clients[ANN].compensations, 1u); /* of one batch */
    cr_expect(strstr(w.clients[ANN].last_error_text, "2 writes were refused") != NULL ||
                  strstr(w.clients[ANN].last_error_text, "may not create") != NULL,
              "%s", w.clients[ANN].last_error_text);
    expect(&w, ANN, "");
    expect_server(&w, "");
    world_end(&w);
}

/* ---- changes ---- */

Test(roles, other_custom_data_changes_the_view_without_a_reset)
{
    world w;
    start(&w, by_owner);
    for (int i = 0; i < 4; i++)
        MUST(fixture_create(&w, &w.clients[ADMIN], i, 5, i < 2 ? "ann" : "bob"));
    SETTLE(&w);
    expect(&w, ANN, "0 team 5 score 0 name ann tags []\n1 team 5 score 0 name ann tags []\n");
    MUST(world_set_user_data(&w, &w.clients[ANN], "{\"admin\": true}"));
    SETTLE(&w);
    expect(&w, ANN,
           "0 team 5 score 0 name ann tags []\n1 team 5 score 0 name ann tags []\n"
           "2 team 5 score 0 name bob tags []\n3 team 5 score 0 name bob tags []\n");
    MUST(fixture_set_int(&w, &w.clients[ANN], 3, "score", 1));
    SETTLE(&w);
    /* While she is away: what she may not see any more is gone when she comes back. */
    w.clients[ANN].offline = true;
    world_cut(&w, &w.clients[ANN]);
    world_run(&w, 1000);
    MUST(world_set_user_data(&w, &w.clients[ANN], "{}"));
    MUST(fixture_set_int(&w, &w.clients[ANN], 0, "score", 2));
    MUST(fixture_set_int(&w, &w.clients[ANN], 2, "score", 3));
    w.clients[ANN].offline = false;
    SETTLE(&w);
    expect(&w, ANN, "0 team 5 score 2 name ann tags []\n1 team 5 score 0 name ann tags []\n");
    expect_refused(&w, ANN, 1, "outside of the current view");
    expect_server(&w, "0 team 5 score 2 name ann tags []\n1 team 5 score 0 name ann tags []\n"
                      "2 team 5 score 0 name bob tags []\n3 team 5 score 1 name bob tags []\n");
    cr_expect_eq(w.clients[ANN].errors, 1u); /* the refusal, no reset */
    world_end(&w);
}

Test(roles, other_roles_change_the_view_and_the_fields_without_a_reset)
{
    world w;
    start(&w, fields);
    MUST(fixture_create(&w, &w.clients[ADMIN], 1, 5, "x"));
    MUST(fixture_set_int(&w, &w.clients[ADMIN], 1, "score", 9));
    MUST(fixture_create(&w, &w.clients[ADMIN], 100, 5, "y"));
    SETTLE(&w);
    expect(&w, BOB, "1 team 5 score 0 name x tags []\n");
    MUST(world_set_roles(&w, by_owner));
    SETTLE(&w);
    expect(&w, BOB, "");
    MUST(world_set_roles(&w, "  default_roles:\n  - {name: all, read: true}\n"));
    SETTLE(&w);
    expect(&w, BOB, "1 team 5 score 9 name x tags []\n100 team 5 score 0 name y tags []\n");
    MUST(world_set_roles(&w, fields));
    world_crash_server(&w, 500);
    SETTLE(&w);
    expect(&w, BOB, "1 team 5 score 0 name x tags []\n");
    for (int i = 0; i < 3; i++) cr_expect_eq(w.clients[i].errors, 0u);
    world_end(&w);
}

Test(roles, nothing_is_resent_while_nothing_changes)
{
    world w;
    start(&w, by_owner);
    MUST(fixture_create(&w, &w.clients[ADMIN], 1, 5, "ann"));
    SETTLE(&w);
    world_cut(&w, &w.clients[ANN]);
    seen_objects = 0;
    uint64_t downloads = w.messages_down[SERVER_DOWNLOAD];
    SETTLE(&w);
    MUST(world_set_roles(&w, by_owner));
    SETTLE(&w);
    cr_expect_eq(w.messages_down[SERVER_DOWNLOAD], downloads);
    world_end(&w);
}

/* ---- lists of values, queryable fields ---- */

Test(roles, custom_data_may_be_a_list)
{
    world w;
    start(&w, "  default_roles:\n"
              "  - name: administrator\n"
              "    apply_when: \"'admin' IN %%user.custom_data.groups || "
              "%%user.custom_data.admin == true\"\n"
              "    read: true\n"
              "    write: true\n"
              "    insert: true\n"
              "  - name: member\n"
              "    document_filters: {read: 'team IN %%user.custom_data.teams', write: false}\n"
              "    read: true\n");
    for (int i = 0; i < 4; i++) MUST(fixture_create(&w, &w.clients[ADMIN], i, i, NULL));
    MUST(world_set_user_data(&w, &w.clients[ANN], "{\"teams\": [1, 3]}"));
    MUST(world_set_user_data(&w, &w.clients[BOB], "{\"teams\": 2}"));
    SETTLE(&w);
    expect(&w, ANN, "1 team 1 score 0 tags []\n3 team 3 score 0 tags []\n");
    expect(&w, BOB, "2 team 2 score 0 tags []\n");
    MUST(world_set_user_data(&w, &w.clients[ANN], "{\"teams\": []}"));
    MUST(world_set_user_data(&w, &w.clients[BOB], "{\"groups\": [\"other\", \"admin\"]}"));
    SETTLE(&w);
    expect(&w, ANN, "");
    expect(&w, BOB,
           "0 team 0 score 0 tags []\n1 team 1 score 0 tags []\n2 team 2 score 0 tags []\n"
           "3 team 3 score 0 tags []\n");
    world_end(&w);
}

static status subscribe_to(world *w, int who, const char *query)
{
    const char *classes[] = {"Item"}, *queries[] = {query};
    return world_subscribe(w, &w->clients[who], classes, queries, 1);
}

static void expect_subscription_error(world *w, int who, const char *text)
{
    subscription_set set = {0};
    MUST(subscription_set_newest(w->clients[who].db, &set));
    cr_expect_eq(set.state, SUBSCRIPTION_ERROR);
    cr_expect(set.error != NULL && strstr(set.error, text) != NULL, "%s", set.error);
    subscription_set_free(&set);
}

Test(roles, subscriptions_name_only_queryable_fields_that_may_be_read)
{
    world w;
    start(&w, "  queryable_fields: {Item: [team, score]}\n"
              "  default_roles:\n"
              "  - {name: all, read: true, fields: {score: {read: false}}}\n");
    MUST(subscribe_to(&w, ANN, "_id > 3 && team == 5"));
    MUST(subscribe_to(&w, BOB, "name == 'x'"));
    MUST(subscribe_to(&w, ADMIN, "score == 3"));
    SETTLE(&w);
    subscription_set set = {0};
    MUST(subscription_set_newest(w.clients[ANN].db, &set));
    cr_expect_eq(set.state, SUBSCRIPTION_COMPLETE);
    subscription_set_free(&set);
    expect_subscription_error(&w, BOB, "'name' of class 'Item' is not queryable");
    expect_subscription_error(&w, ADMIN, "'score' of class 'Item' may not be read");
    world_end(&w);
}

/* ---- partitions ---- */

Test(roles, partition_rules_tell_who_reads_and_writes_a_partition)
{
    world w;
    MUST(world_start(&w, 12, 3, false, fixture_schema(false, false)));
    for (int i = 0; i < 3; i++) w.clients[i].user_id = users[i];
    MUST(world_set_roles(&w, "  partition_rules:\n"
                             "    read: '%%partition == \"p\" && %%user.id != \"bob\"'\n"
                             "    write: '%%user.id == \"admin\"'\n"));
    world_run(&w, 5000);
    MUST(fixture_create(&w, &w.clients[ADMIN], 1, 5, "x"));
    MUST(fixture_create(&w, &w.clients[ANN], 2, 5, "y"));
    world_run(&w, 20000);
    expect(&w, ANN, "1 team 5 score 0 name x tags []\n");
    expect_refused(&w, ANN, 1, "may not write in this partition");
    cr_expect_eq(w.clients[BOB].last_error, ATOLL_ERROR_PERMISSION_DENIED, "%s",
                 w.clients[BOB].last_error_text);
    expect_server(&w, "1 team 5 score 0 name x tags []\n");
    world_end(&w);
}

static void partition_of(const value *partition, const char *query)
{
    world w;
    MUST(world_start(&w, 13, 2, false, fixture_schema(false, false)));
    w.partition = *partition;
    for (int i = 0; i < 2; i++) world_crash_client(&w, &w.clients[i], 1);
    world_run(&w, 1000);
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, "x"));
    SETTLE(&w);
    expect(&w, 1, "1 team 5 score 0 name x tags []\n");
    char *text = fixture_dump(server_app_db(w.app), query);
    cr_expect_str_eq(text, "1 team 5 score 0 name x tags []\n", "%s", query);
    free(text);
    world_end(&w);
}

Test(partition, its_value_is_of_any_type_of_key_or_null)
{
    const uint8_t id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const value values[] = {value_string(bytes_text("a 'quoted' \"part\"")), value_int(-7),
                            value_object_id(id), value_uuid(id), value_null()};
    partition_of(&values[0], "_partition == \"a 'quoted' \\\"part\\\"\"");
    partition_of(&values[1], "_partition == -7");
    partition_of(&values[2], "_partition == oid(0102030405060708090a0b0c)");
    partition_of(&values[3], "_partition == uuid(01020304-0506-0708-090a-0b0c0d0e0f10)");
    partition_of(&values[4], "_partition == null");
}

Test(partition, its_clients_go_on_when_the_app_becomes_flexible)
{
    world w;
    MUST(world_start(&w, 14, 3, false, fixture_schema(false, false)));
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[0], 1, 5, "before"));
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[1], 2, 5, "unsent")); /* on its way, perhaps */
    w.flexible = w.partition_clients = true;
    w.clients[0].other_mode = w.clients[1].other_mode = true;
    world_crash_server(&w, 500);
    world_new_device(&w, &w.clients[2]); /* of the new kind */
    SETTLE(&w);
    const char *classes[] = {"Item"}, *queries[] = {"_partition == 'p' || team == 9"};
    MUST(world_subscribe(&w, &w.clients[2], classes, queries, 1));
    MUST(fixture_set_int(&w, &w.clients[0], 2, "score", 3));
    SETTLE(&w);
    MUST(fixture_create(&w, &w.clients[2], 3, 9, "of no partition"));
    MUST(fixture_set_int(&w, &w.clients[2], 1, "score", 4));
    SETTLE(&w);
    for (int i = 0; i < 2; i++)
        expect(&w, i,
               "1 team 5 score 4 name before tags []\n2 team 5 score 3 name unsent tags []\n");
    expect(&w, 2,
           "1 team 5 score 4 name before tags []\n2 team 5 score 3 name unsent tags []\n"
           "3 team 9 score 0 name of no partition tags []\n");
    for (int i = 0; i < 3; i++) cr_expect_eq(w.clients[i].errors, 0u);
    world_end(&w);
}

/* ---- conditions ---- */

static bool applies(const char *condition, const char *data)
{
    user_data *d = NULL;
    bool out = false;
    value p = value_int(7);
    MUST(user_data_read(bytes_text(data), &d));
    role_subject subject = {"ann", d, &p};
    MUST(role_applies(condition, &subject, &out));
    user_data_free(d);
    return out;
}

Test(roles, conditions_on_the_user_are_queries_over_his_values)
{
    cr_expect(applies("%%user.id == 'ann'", ""));
    cr_expect_not(applies("%%user.id BEGINSWITH 'b'", ""));
    cr_expect(applies("%%user.custom_data.a.b > 2 && %%user.custom_data.s ==[c] 'X'",
                      "{\"a\": {\"b\": 2.5}, \"s\": \"x\"}"));
    cr_expect_not(applies("%%user.custom_data.a == true", ""));
    cr_expect(applies("%%user.custom_data.a != true", ""));
    cr_expect(applies("%%user.custom_data.a == null", ""));
    cr_expect(applies("%%partition == 7 && TRUEPREDICATE", ""));
    cr_expect(applies("%%partition == %%user.custom_data.p", "{\"p\": 7}"));
    cr_expect(applies("%%partition IN %%user.custom_data.p", "{\"p\": [1, 7]}"));
    cr_expect_not(applies("%%partition IN %%user.custom_data.p", "{}"));
    cr_expect(applies("%%user.id == %%user.custom_data.n", "{\"n\": \"ann\"}"));
    cr_expect_not(applies("%%user.id == '%%user.id'", "{}"));
    /* Whatever is in the data, it is a value. */
    cr_expect_not(applies("%%user.custom_data.n == 'x'", "{\"n\": \"x' || TRUEPREDICATE || '\"}"));
}

static char heard[20000];

static void hear(void *user_data, int32_t level, const char *category, const char *message)
{
    (void)user_data;
    size_t size = strlen(heard);
    snprintf(heard + size, sizeof heard - size, "%d %s %s\n", (int)level, category, message);
}

Test(roles, the_clients_log_has_what_the_server_says_of_its_session)
{
    world w;
    start(&w, by_owner);
    log_set_sink(hear, NULL, NULL);
    peer_set_log_id(w.clients[ANN].peer, "5f00aa01-7");
    MUST(fixture_create(&w, &w.clients[ANN], 1, 5, "bob"));
    SETTLE(&w);
    cr_expect(
        strstr(heard, "4 Realm.Sync.Server session 5f00aa01-7: a write to 'Item' was refused: "),
        "%s", heard);
    cr_expect_gt(w.messages_down[SERVER_LOG_LINE], 0u);
    MUST(server_app_terminate(w.app));
    SETTLE(&w);
    log_set_sink(NULL, NULL, NULL);
    /* By it whoever runs the server finds what its own log has. */
    cr_expect(strstr(heard, "enabled again [session 5f00aa01-7]\n"), "%s", heard);
    world_end(&w);
}

Test(roles, a_client_that_wants_no_lines_of_the_server_gets_none)
{
    world w;
    log_set_level(LOG_OFF); /* before the bind, which says so */
    start(&w, by_owner);
    MUST(fixture_create(&w, &w.clients[ANN], 1, 5, "bob"));
    SETTLE(&w);
    log_set_level(LOG_INFO);
    cr_expect_eq(w.messages_down[SERVER_LOG_LINE], 0u);
    world_end(&w);
}
