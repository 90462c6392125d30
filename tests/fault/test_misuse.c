/* What a program should not do with the newer parts of the public interface, and what it is told then: an error that
 * says what is wrong, and everything goes on. */
#include "api_support.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

typedef struct place {
    char folder[64], path[96];
    atoll_error *error;
    atoll_realm *realm;
} place;

static void place_make(place *p)
{
    *p = (place){0};
    cr_assert_not_null(temp_folder(p->folder));
    snprintf(p->path, sizeof p->path, "%s/m.atoll", p->folder);
}

static void property(atoll_schema *s, int32_t c, const char *name, atoll_value_type type,
                     int32_t flags, const char *target)
{
    atoll_error *error = NULL;
    atoll_schema_add_property(s, c, S(name), type, flags, S(target), &error);
    GOOD(error);
}

/* Things with one property of each newer kind, and nodes that hold nodes. */
static atoll_schema *things_schema(void)
{
    atoll_error *error = NULL;
    atoll_schema *s = atoll_schema_new(&error);
    int32_t thing = atoll_schema_add_class(s, S("Thing"), ATOLL_CLASS_NORMAL, &error);
    int32_t node = atoll_schema_add_class(s, S("Node"), ATOLL_CLASS_EMBEDDED, &error);
    GOOD(error);
    property(s, thing, "_id", ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, "");
    property(s, thing, "node", ATOLL_TYPE_EMBEDDED, ATOLL_PROPERTY_NULLABLE, "Node");
    property(s, thing, "nodes", ATOLL_TYPE_EMBEDDED, ATOLL_PROPERTY_LIST, "Node");
    property(s, thing, "reals", ATOLL_TYPE_DOUBLE, ATOLL_PROPERTY_SET, "");
    property(s, thing, "texts", ATOLL_TYPE_STRING, ATOLL_PROPERTY_DICTIONARY, "");
    property(s, thing, "any", ATOLL_TYPE_MIXED, ATOLL_PROPERTY_NULLABLE, "");
    property(s, thing, "friends", ATOLL_TYPE_LINK, ATOLL_PROPERTY_SET, "Thing");
    property(s, node, "next", ATOLL_TYPE_EMBEDDED, ATOLL_PROPERTY_NULLABLE, "Node");
    return s;
}

static atoll_config *config_of(place *p, atoll_schema *schema, int64_t version)
{
    atoll_config *config = atoll_config_new(&p->error);
    atoll_config_set_path(config, S(p->path), &p->error);
    atoll_config_set_schema_version(config, version, &p->error);
    atoll_config_set_sync_commits(config, false, &p->error);
    atoll_config_set_schema(config, schema, &p->error);
    atoll_schema_free(schema);
    GOOD(p->error);
    return config;
}

static void open_place(place *p, atoll_schema *schema, int64_t version)
{
    atoll_config *config = config_of(p, schema, version);
    p->realm = atoll_realm_open(config, &p->error);
    atoll_config_free(config);
}

static void close_place(place *p)
{
    atoll_realm_close(p->realm);
    atoll_realm_free(p->realm);
    p->realm = NULL;
}

static uint32_t class_key(place *p, const char *name)
{
    uint32_t key = atoll_realm_class(p->realm, S(name), &p->error);
    GOOD(p->error);
    return key;
}

static uint32_t key_of(place *p, const char *c, const char *name)
{
    uint32_t key = atoll_realm_property(p->realm, class_key(p, c), S(name), &p->error);
    GOOD(p->error);
    return key;
}

static atoll_object *make_thing(place *p, int64_t id)
{
    atoll_values *key = int_key(id);
    atoll_object *thing = atoll_realm_create(p->realm, class_key(p, "Thing"), key, &p->error);
    GOOD(p->error);
    atoll_values_free(key);
    return thing;
}

static void start(place *p)
{
    place_make(p);
    open_place(p, things_schema(), 0);
    GOOD(p->error);
    atoll_realm_begin(p->realm, &p->error);
    GOOD(p->error);
}

static void finish(place *p)
{
    close_place(p);
    temp_folder_remove(p->folder);
}

static int64_t count_all(place *p, const char *c)
{
    atoll_results *all = atoll_results_new(p->realm, class_key(p, c), S(""), NULL, &p->error);
    GOOD(p->error);
    int64_t count = atoll_results_count(all, &p->error);
    GOOD(p->error);
    atoll_results_free(all);
    return count;
}

/* The nodes that fit into each other; the next is refused. */
static int64_t nest_nodes(place *p, atoll_object *thing)
{
    uint32_t next = key_of(p, "Node", "next");
    atoll_object *at = atoll_object_create_embedded(thing, key_of(p, "Thing", "node"), &p->error);
    int64_t depth = 0;
    for (; p->error == NULL && depth < 100000; depth++) {
        atoll_object *inner = atoll_object_create_embedded(at, next, &p->error);
        atoll_object_free(at);
        at = inner;
    }
    return depth;
}

Test(misuse, embedded_objects_nest_to_a_bound_and_go_together)
{
    place p;
    start(&p);
    atoll_object *thing = make_thing(&p, 1);
    int64_t depth = nest_nodes(&p, thing);
    BAD(p.error, ATOLL_ERROR_LIMIT_EXCEEDED);
    cr_expect_eq(depth, 200);
    atoll_realm_commit(p.realm, &p.error);
    GOOD(p.error);
    cr_expect_eq(count_all(&p, "Node"), 200);
    atoll_realm_begin(p.realm, &p.error);
    atoll_object_delete(thing, &p.error);
    GOOD(p.error);
    cr_expect_eq(count_all(&p, "Node"), 0);
    atoll_object_free(thing);
    finish(&p);
}

Test(misuse, deleting_a_class_passes_over_what_went_with_its_owner)
{
    place p;
    start(&p);
    atoll_object *thing = make_thing(&p, 1);
    nest_nodes(&p, thing);
    atoll_error_free(p.error);
    p.error = NULL;
    atoll_realm_delete_class(p.realm, class_key(&p, "Node"), &p.error);
    GOOD(p.error);
    cr_expect_eq(count_all(&p, "Node"), 0);
    cr_expect(atoll_object_is_null(thing, key_of(&p, "Thing", "node"), &p.error));
    atoll_object_free(thing);
    finish(&p);
}

Test(misuse, what_is_iterated_may_be_deleted)
{
    place p;
    start(&p);
    atoll_object *thing = make_thing(&p, 1);
    atoll_list *nodes = atoll_object_get_list(thing, key_of(&p, "Thing", "nodes"), &p.error);
    for (int i = 0; i < 5; i++) atoll_object_free(atoll_list_insert_embedded(nodes, i, &p.error));
    GOOD(p.error);
    while (atoll_list_count(nodes, &p.error) > 0) {
        atoll_object *node = atoll_list_get_object(nodes, 0, &p.error);
        atoll_object_delete(node, &p.error);
        GOOD(p.error);
        cr_expect_not(atoll_object_is_valid(node));
        atoll_object_free(node);
    }
    atoll_object_delete(thing, &p.error);
    atoll_list_count(nodes, &p.error);
    BAD(p.error, ATOLL_ERROR_OBJECT_INVALID);
    atoll_list_free(nodes);
    atoll_object_free(thing);
    finish(&p);
}

Test(misuse, the_classes_of_nested_collections_are_hidden)
{
    place p;
    start(&p);
    uint32_t beyond = class_key(&p, "Node") + 3;
    static const char *const names[] = {"@list", "@dictionary"};
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(atoll_realm_class(p.realm, S(names[i]), &p.error), 0);
        BAD(p.error, ATOLL_ERROR_UNKNOWN_CLASS);
    }
    for (uint32_t key = 3; key < beyond; key++) {
        atoll_realm_delete_class(p.realm, key, &p.error);
        BAD(p.error, ATOLL_ERROR_UNKNOWN_CLASS);
        cr_expect_null(atoll_results_new(p.realm, key, S(""), NULL, &p.error));
        BAD(p.error, ATOLL_ERROR_UNKNOWN_CLASS);
    }
    finish(&p);
}

Test(misuse, numbers_that_are_none_are_in_a_set_once)
{
    place p;
    start(&p);
    atoll_object *thing = make_thing(&p, 1);
    atoll_set *reals = atoll_object_get_set(thing, key_of(&p, "Thing", "reals"), &p.error);
    double odd[] = {(double)NAN, 0.0, (double)INFINITY, -0.0, (double)NAN, -(double)INFINITY};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        atoll_values *v = atoll_values_new(&p.error);
        atoll_values_add_double(v, odd[i], &p.error);
        atoll_set_add(reals, v, &p.error);
        cr_expect(atoll_set_contains(reals, v, &p.error));
        GOOD(p.error);
        atoll_values_free(v);
    }
    int64_t count = atoll_set_count(reals, &p.error);
    cr_expect(count == 4 || count == 5, "%ld", (long)count);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        atoll_values *v = atoll_values_new(&p.error);
        atoll_values_add_double(v, odd[i], &p.error);
        atoll_set_remove(reals, v, &p.error);
        GOOD(p.error);
        atoll_values_free(v);
    }
    cr_expect_eq(atoll_set_count(reals, &p.error), 0);
    atoll_set_free(reals);
    atoll_object_free(thing);
    finish(&p);
}

Test(misuse, keys_and_texts_that_cannot_be_are_refused_by_name)
{
    place p;
    start(&p);
    atoll_object *thing = make_thing(&p, 1);
    atoll_dictionary *texts =
        atoll_object_get_dictionary(thing, key_of(&p, "Thing", "texts"), &p.error);
    atoll_values *good = text_key("good");
    char *large = malloc(5000);
    memset(large, 'x', 5000);
    atoll_dictionary_put_value(texts, "\xff\xfe", 2, good, &p.error);
    BAD(p.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_dictionary_put_value(texts, large, 5000, good, &p.error);
    BAD(p.error, ATOLL_ERROR_LIMIT_EXCEEDED);
    atoll_dictionary_put_value(texts, NULL, 5, good, &p.error);
    BAD(p.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_dictionary_put_value(texts, S("$key"), good, &p.error);
    BAD(p.error, ATOLL_ERROR_NOT_SUPPORTED);
    cr_expect_not(atoll_dictionary_contains(texts, large, 5000, &p.error));
    cr_expect_not(atoll_dictionary_contains(texts, "\xff", 1, &p.error));
    cr_expect_not(atoll_dictionary_erase(texts, "\xff", 1, &p.error));
    GOOD(p.error);
    atoll_dictionary_put_value(texts, "", 0, good, &p.error);
    atoll_dictionary_put_value(texts, "a\0b", 3, good, &p.error);
    GOOD(p.error);
    cr_expect_eq(atoll_dictionary_count(texts, &p.error), 2);
    static const int64_t indexes[] = {-1, 2, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 4; i++) {
        cr_expect_null(atoll_dictionary_value_at(texts, indexes[i], &p.error));
        BAD(p.error, ATOLL_ERROR_OUT_OF_RANGE);
    }
    free(large);
    atoll_values_free(good);
    atoll_dictionary_free(texts);
    atoll_object_free(thing);
    finish(&p);
}

Test(misuse, collections_are_no_values_of_a_query)
{
    place p;
    start(&p);
    atoll_object *thing = make_thing(&p, 1);
    uint32_t any = key_of(&p, "Thing", "any");
    static const char *const queries[] = {"any == $0",        "_id == $0",      "_id IN $0",
                                          "any IN $0",        "$0 IN any",      "any[$0] == 1",
                                          "texts[$0] == 'x'", "any.@size > $0", "ANY $0 == _id",
                                          "node == $0",       "_id BETWEEN $0"};
    atoll_values *empty = atoll_values_new(&p.error), *list = atoll_values_new(&p.error);
    atoll_values_add_list(list, empty, &p.error);
    atoll_object_set_value(thing, any, list, &p.error);
    GOOD(p.error);
    atoll_values *placed = atoll_object_get_value(thing, any, &p.error);
    atoll_values *dictionary = atoll_values_new(&p.error);
    atoll_values_add_dictionary(dictionary, &p.error);
    const atoll_values *all[] = {empty, list, placed, dictionary, NULL};
    for (size_t q = 0; q < sizeof queries / sizeof *queries; q++)
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            atoll_results *r =
                atoll_results_new(p.realm, class_key(&p, "Thing"), S(queries[q]), all[i], &p.error);
            if (r != NULL) cr_expect_leq(atoll_results_count(r, &p.error), 1);
            if (p.error != NULL) cr_expect_gt(strlen(atoll_error_message(p.error)), 10);
            atoll_error_free(p.error);
            p.error = NULL;
            atoll_results_free(r);
        }
    atoll_values_free(empty);
    atoll_values_free(list);
    atoll_values_free(placed);
    atoll_values_free(dictionary);
    atoll_object_free(thing);
    finish(&p);
}

Test(misuse, an_object_of_another_realm_enters_no_collection)
{
    place p, q;
    start(&p);
    start(&q);
    atoll_object *here = make_thing(&p, 1), *there = make_thing(&q, 1);
    atoll_values *v = atoll_values_new(&p.error);
    atoll_values_add_object(v, there, &p.error);
    atoll_set *friends = atoll_object_get_set(here, key_of(&p, "Thing", "friends"), &p.error);
    GOOD(p.error);
    cr_expect_not(atoll_set_add(friends, v, &p.error));
    BAD(p.error, ATOLL_ERROR_WRONG_REALM);
    cr_expect_not(atoll_set_contains(friends, v, &p.error));
    BAD(p.error, ATOLL_ERROR_WRONG_REALM);
    atoll_object_set_value(here, key_of(&p, "Thing", "any"), v, &p.error);
    BAD(p.error, ATOLL_ERROR_WRONG_REALM);
    finish(&q);
    cr_expect_not(atoll_set_add(friends, v, &p.error)); /* even when that one is closed */
    BAD(p.error, ATOLL_ERROR_WRONG_REALM);
    atoll_values_free(v);
    atoll_object_free(there);
    atoll_set_free(friends);
    atoll_object_free(here);
    finish(&p);
}

/* ---- migrations ---- */
static atoll_schema *other_schema(void)
{
    atoll_schema *s = things_schema();
    property(s, 0, "more", ATOLL_TYPE_INT, 0, "");
    return s;
}

static atoll_migration *migrate(place *p, atoll_schema *schema, int64_t version)
{
    atoll_config *config = config_of(p, schema, version);
    atoll_migration *m = atoll_migration_begin(config, &p->error);
    GOOD(p->error);
    atoll_config_free(config);
    return m;
}

Test(misuse, a_migration_that_is_left_open_lets_nothing_out)
{
    place p;
    start(&p);
    atoll_object_free(make_thing(&p, 1));
    atoll_realm_commit(p.realm, &p.error);
    GOOD(p.error);
    close_place(&p);
    atoll_migration *m = migrate(&p, other_schema(), 1);
    atoll_realm *old = atoll_migration_old_realm(m, &p.error);
    atoll_results *all =
        atoll_results_new(old, atoll_realm_class(old, S("Thing"), &p.error), S(""), NULL, &p.error);
    atoll_object *thing = atoll_results_object(all, 0, &p.error);
    GOOD(p.error);
    cr_expect_null(atoll_reference_of_object(thing, &p.error));
    BAD(p.error, ATOLL_ERROR_INVALID_ARGUMENT);
    cr_expect_null(atoll_reference_of_results(all, &p.error));
    BAD(p.error, ATOLL_ERROR_INVALID_ARGUMENT);
    open_place(&p, other_schema(), 1);
    BAD(p.error, ATOLL_ERROR_FILE_IN_USE);
    atoll_migration_free(m);
    cr_expect_not(atoll_object_is_valid(thing));
    atoll_results_count(all, &p.error);
    BAD(p.error, ATOLL_ERROR_CLOSED);
    open_place(&p, other_schema(), 1);
    GOOD(p.error);
    atoll_object_free(thing);
    atoll_results_free(all);
    atoll_realm_free(old);
    finish(&p);
}

Test(misuse, handles_of_a_class_that_a_migration_removed_say_so)
{
    place p;
    start(&p);
    atoll_object_free(make_thing(&p, 1));
    atoll_realm_commit(p.realm, &p.error);
    close_place(&p);
    atoll_schema *only = atoll_schema_new(&p.error);
    property(only, atoll_schema_add_class(only, S("Other"), ATOLL_CLASS_NORMAL, &p.error), "x",
             ATOLL_TYPE_INT, 0, "");
    atoll_migration *m = migrate(&p, only, 1);
    p.realm = atoll_migration_new_realm(m, &p.error);
    uint32_t any = key_of(&p, "Thing", "any");
    atoll_values *key = int_key(1);
    atoll_object *thing = atoll_realm_find(p.realm, class_key(&p, "Thing"), key, &p.error);
    atoll_object_set_int(thing, any, 3, &p.error);
    cr_expect_eq(atoll_object_get_int(thing, any, &p.error), 3);
    atoll_list *nodes = atoll_object_get_list(thing, key_of(&p, "Thing", "nodes"), &p.error);
    GOOD(p.error);
    atoll_migration_remove_class(m, S("Thing"), &p.error);
    GOOD(p.error);
    atoll_object_set_int(thing, any, 4, &p.error);
    BAD(p.error, ATOLL_ERROR_OBJECT_INVALID);
    atoll_object_get_int(thing, any, &p.error);
    BAD(p.error, ATOLL_ERROR_OBJECT_INVALID);
    atoll_list_count(nodes, &p.error);
    BAD(p.error, ATOLL_ERROR_OBJECT_INVALID);
    cr_expect_not(atoll_object_is_valid(thing));
    atoll_list_free(nodes);
    atoll_object_free(thing);
    atoll_values_free(key);
    atoll_migration_free(m);
    finish(&p);
}

/* Many classes, each with one property. */
static atoll_schema *crowd(const char *prefix, int count)
{
    atoll_error *error = NULL;
    atoll_schema *s = atoll_schema_new(&error);
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%d", prefix, i);
        int32_t c = atoll_schema_add_class(s, S(name), ATOLL_CLASS_NORMAL, &error);
        GOOD(error);
        property(s, c, "x", ATOLL_TYPE_INT, 0, "");
    }
    return s;
}

Test(misuse, classes_may_come_and_go_more_often_than_there_may_be, .timeout = 60)
{
    place p;
    char prefix[2] = "A";
    place_make(&p);
    open_place(&p, crowd(prefix, 400), 0);
    GOOD(p.error);
    close_place(&p);
    for (int64_t version = 1; version < 4; version++) {
        char last = prefix[0]++;
        atoll_migration *m = migrate(&p, crowd(prefix, 400), version);
        for (int i = 0; i < 400; i++) {
            char name[32];
            snprintf(name, sizeof name, "%c%d", last, i);
            atoll_migration_remove_class(m, S(name), &p.error);
            GOOD(p.error);
        }
        atoll_migration_commit(m, &p.error);
        GOOD(p.error);
        atoll_migration_free(m);
    }
    open_place(&p, crowd(prefix, 400), 3);
    GOOD(p.error);
    atoll_realm_begin(p.realm, &p.error);
    atoll_object_free(atoll_realm_create(p.realm, class_key(&p, "D399"), NULL, &p.error));
    atoll_realm_commit(p.realm, &p.error);
    GOOD(p.error);
    close_place(&p);
    open_place(&p, crowd(prefix, 400), 3);
    GOOD(p.error);
    cr_expect_eq(count_all(&p, "D399"), 1);
    finish(&p);
}

/* A thousand properties that no other version has. */
static atoll_schema *wide(int version)
{
    atoll_error *error = NULL;
    atoll_schema *s = atoll_schema_new(&error);
    int32_t c = atoll_schema_add_class(s, S("Wide"), ATOLL_CLASS_NORMAL, &error);
    GOOD(error);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "p%d_%d", version, i);
        property(s, c, name, ATOLL_TYPE_INT, 0, "");
    }
    return s;
}

Test(misuse, properties_may_come_and_go_up_to_a_bound, .timeout = 60)
{
    place p;
    place_make(&p);
    for (int version = 0; version < 4; version++) {
        open_place(&p, wide(version), version);
        GOOD(p.error);
        atoll_realm_begin(p.realm, &p.error);
        char name[32];
        snprintf(name, sizeof name, "p%d_999", version);
        atoll_object *made = atoll_realm_create(p.realm, class_key(&p, "Wide"), NULL, &p.error);
        atoll_object_set_int(made, key_of(&p, "Wide", name), 1, &p.error);
        atoll_realm_commit(p.realm, &p.error);
        GOOD(p.error);
        atoll_object_free(made);
        close_place(&p);
    }
    open_place(&p, wide(4), 4);
    BAD(p.error, ATOLL_ERROR_LIMIT_EXCEEDED);
    open_place(&p, wide(3), 3);
    GOOD(p.error);
    cr_expect_eq(count_all(&p, "Wide"), 4);
    finish(&p);
}
