/* The promises of the public interface for sets, dictionaries and the moving of list elements. */
#include "api_support.h"

typedef struct bag {
    char folder[64], path[96];
    atoll_realm *realm;
    atoll_object *box;
    uint32_t box_class, item_class, numbers, names, friends, counts, parts, links, steps, maybe;
    uint32_t part_class, part_x;
    atoll_error *error;
} bag;

static atoll_schema *bag_schema(void)
{
    atoll_error *error = NULL;
    atoll_schema *s = atoll_schema_new(&error);
    int32_t box = atoll_schema_add_class(s, S("Box"), ATOLL_CLASS_NORMAL, &error);
    int32_t item = atoll_schema_add_class(s, S("Item"), ATOLL_CLASS_NORMAL, &error);
    int32_t part = atoll_schema_add_class(s, S("Part"), ATOLL_CLASS_EMBEDDED, &error);
    const struct {
        const char *name;
        atoll_value_type type;
        int32_t flags;
        const char *target;
    } properties[] = {
        {"numbers", ATOLL_TYPE_INT, ATOLL_PROPERTY_SET, ""},
        {"names", ATOLL_TYPE_STRING, ATOLL_PROPERTY_SET | ATOLL_PROPERTY_NULLABLE, ""},
        {"friends", ATOLL_TYPE_LINK, ATOLL_PROPERTY_SET, "Item"},
        {"counts", ATOLL_TYPE_INT, ATOLL_PROPERTY_DICTIONARY, ""},
        {"parts", ATOLL_TYPE_EMBEDDED, ATOLL_PROPERTY_DICTIONARY, "Part"},
        {"links", ATOLL_TYPE_LINK, ATOLL_PROPERTY_DICTIONARY, "Item"},
        {"steps", ATOLL_TYPE_INT, ATOLL_PROPERTY_LIST, ""},
        {"maybe", ATOLL_TYPE_DOUBLE, ATOLL_PROPERTY_LIST | ATOLL_PROPERTY_NULLABLE, ""},
    };
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        atoll_schema_add_property(s, box, S(properties[i].name), properties[i].type,
                                  properties[i].flags, S(properties[i].target), &error);
    atoll_schema_add_property(s, item, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &error);
    atoll_schema_add_property(s, part, S("x"), ATOLL_TYPE_INT, 0, S(""), &error);
    GOOD(error);
    return s;
}

static void open_realm(bag *b)
{
    atoll_schema *schema = bag_schema();
    atoll_config *config = atoll_config_new(&b->error);
    atoll_config_set_path(config, S(b->path), &b->error);
    atoll_config_set_schema(config, schema, &b->error);
    b->realm = atoll_realm_open(config, &b->error);
    atoll_config_free(config);
    atoll_schema_free(schema);
    GOOD(b->error);
}

static uint32_t key_of(bag *b, uint32_t c, const char *name)
{
    uint32_t key = atoll_realm_property(b->realm, c, S(name), &b->error);
    GOOD(b->error);
    return key;
}

static void begin_write(bag *b)
{
    atoll_realm_begin(b->realm, &b->error);
    GOOD(b->error);
}

static void commit_write(bag *b)
{
    atoll_realm_commit(b->realm, &b->error);
    GOOD(b->error);
}

static void start(bag *b)
{
    memset(b, 0, sizeof *b);
    temp_folder(b->folder);
    snprintf(b->path, sizeof b->path, "%s/bag", b->folder);
    open_realm(b);
    b->box_class = atoll_realm_class(b->realm, S("Box"), &b->error);
    b->item_class = atoll_realm_class(b->realm, S("Item"), &b->error);
    b->part_class = atoll_realm_class(b->realm, S("Part"), &b->error);
    b->numbers = key_of(b, b->box_class, "numbers"), b->names = key_of(b, b->box_class, "names");
    b->friends = key_of(b, b->box_class, "friends"), b->counts = key_of(b, b->box_class, "counts");
    b->parts = key_of(b, b->box_class, "parts"), b->links = key_of(b, b->box_class, "links");
    b->steps = key_of(b, b->box_class, "steps"), b->maybe = key_of(b, b->box_class, "maybe");
    b->part_x = key_of(b, b->part_class, "x");
    begin_write(b);
    b->box = atoll_realm_create(b->realm, b->box_class, NULL, &b->error);
    GOOD(b->error);
}

static void finish(bag *b)
{
    atoll_object_free(b->box);
    atoll_realm_close(b->realm);
    atoll_realm_free(b->realm);
    temp_folder_remove(b->folder);
}

static atoll_values *number(int64_t n)
{
    atoll_error *error = NULL;
    atoll_values *v = atoll_values_new(&error);
    atoll_values_add_int(v, n, &error);
    GOOD(error);
    return v;
}

static atoll_values *text(const char *t) /* NULL: null */
{
    atoll_error *error = NULL;
    atoll_values *v = atoll_values_new(&error);
    if (t == NULL)
        atoll_values_add_null(v, &error);
    else
        atoll_values_add_string(v, S(t), &error);
    GOOD(error);
    return v;
}

static atoll_values *object(const atoll_object *o)
{
    atoll_error *error = NULL;
    atoll_values *v = atoll_values_new(&error);
    atoll_values_add_object(v, o, &error);
    GOOD(error);
    return v;
}

/* Calls with values that are freed after it. */
static bool add(atoll_set *set, atoll_values *v, atoll_error **error)
{
    bool added = atoll_set_add(set, v, error);
    atoll_values_free(v);
    return added;
}

static bool take(atoll_set *set, atoll_values *v, atoll_error **error)
{
    bool removed = atoll_set_remove(set, v, error);
    atoll_values_free(v);
    return removed;
}

static bool has(const atoll_set *set, atoll_values *v, atoll_error **error)
{
    bool found = atoll_set_contains(set, v, error);
    atoll_values_free(v);
    return found;
}

static void put(atoll_dictionary *d, const char *key, atoll_values *v, atoll_error **error)
{
    atoll_dictionary_put_value(d, S(key), v, error);
    atoll_values_free(v);
}

static atoll_object *new_item(bag *b, int64_t id)
{
    atoll_values *key = number(id);
    atoll_object *o = atoll_realm_create(b->realm, b->item_class, key, &b->error);
    atoll_values_free(key);
    GOOD(b->error);
    return o;
}

Test(collections, a_set_holds_each_value_once_in_order)
{
    bag b;
    start(&b);
    atoll_set *numbers = atoll_object_get_set(b.box, b.numbers, &b.error);
    const int64_t given[] = {5, -3, 5, 9, 0, -3};
    const bool fresh[] = {true, true, false, true, true, false};
    const int64_t order[] = {-3, 0, 5, 9};
    for (int i = 0; i < 6; i++) cr_assert_eq(add(numbers, number(given[i]), &b.error), fresh[i]);
    GOOD(b.error);
    cr_assert_eq(atoll_set_count(numbers, &b.error), 4);
    for (int i = 0; i < 4; i++) {
        atoll_values *v = atoll_set_get_value(numbers, i, &b.error);
        cr_assert_eq(atoll_values_get_int(v, 0, &b.error), order[i]);
        atoll_values_free(v);
    }
    cr_assert(has(numbers, number(9), &b.error));
    cr_assert_not(has(numbers, number(8), &b.error));
    cr_assert(take(numbers, number(0), &b.error));
    cr_assert_not(take(numbers, number(0), &b.error));
    cr_assert_eq(atoll_set_count(numbers, &b.error), 3);
    cr_assert_null(atoll_set_get_value(numbers, 3, &b.error));
    BAD(b.error, ATOLL_ERROR_OUT_OF_RANGE);
    add(numbers, text("five"), &b.error);
    BAD(b.error, ATOLL_ERROR_TYPE_MISMATCH);
    add(numbers, text(NULL), &b.error);
    BAD(b.error, ATOLL_ERROR_NULL_NOT_ALLOWED);
    commit_write(&b);
    add(numbers, number(1), &b.error);
    BAD(b.error, ATOLL_ERROR_NO_TRANSACTION);
    begin_write(&b);
    atoll_set_clear(numbers, &b.error);
    cr_assert_eq(atoll_set_count(numbers, &b.error), 0);
    GOOD(b.error);
    cr_assert_null(atoll_object_get_set(b.box, b.counts, &b.error));
    BAD(b.error, ATOLL_ERROR_TYPE_MISMATCH);
    commit_write(&b);
    atoll_set_free(numbers);
    finish(&b);
}

Test(collections, a_set_of_optional_texts_holds_null_once)
{
    bag b;
    start(&b);
    atoll_set *names = atoll_object_get_set(b.box, b.names, &b.error);
    cr_assert(add(names, text("b"), &b.error));
    cr_assert(add(names, text(NULL), &b.error));
    cr_assert_not(add(names, text(NULL), &b.error));
    cr_assert(add(names, text("a"), &b.error));
    cr_assert(has(names, text(NULL), &b.error));
    atoll_values *first = atoll_set_get_value(names, 0, &b.error);
    cr_assert(atoll_values_type(first, 0, &b.error) == ATOLL_TYPE_NULL);
    atoll_values_free(first);
    GOOD(b.error);
    commit_write(&b);
    atoll_set_free(names);
    finish(&b);
}

Test(collections, a_deleted_object_leaves_its_sets_and_is_null_in_dictionaries)
{
    bag b;
    start(&b);
    atoll_object *one = new_item(&b, 1), *two = new_item(&b, 2);
    atoll_set *friends = atoll_object_get_set(b.box, b.friends, &b.error);
    atoll_dictionary *links = atoll_object_get_dictionary(b.box, b.links, &b.error);
    cr_assert(add(friends, object(one), &b.error));
    cr_assert(add(friends, object(two), &b.error));
    cr_assert_not(add(friends, object(one), &b.error));
    put(links, "one", object(one), &b.error);
    put(links, "none", text(NULL), &b.error);
    GOOD(b.error);
    atoll_object_delete(one, &b.error);
    GOOD(b.error);
    cr_assert_eq(atoll_set_count(friends, &b.error), 1);
    atoll_object *left = atoll_set_get_object(friends, 0, &b.error);
    cr_assert(atoll_object_equals(left, two));
    cr_assert_eq(atoll_dictionary_count(links, &b.error), 2);
    cr_assert(atoll_dictionary_contains(links, S("one"), &b.error));
    cr_assert_null(atoll_dictionary_get_object(links, S("one"), &b.error));
    GOOD(b.error);
    atoll_object_free(left), atoll_object_free(one), atoll_object_free(two);
    atoll_set_free(friends);
    atoll_dictionary_free(links);
    commit_write(&b);
    finish(&b);
}

Test(collections, a_dictionary_has_one_value_for_a_key)
{
    bag b;
    start(&b);
    atoll_dictionary *counts = atoll_object_get_dictionary(b.box, b.counts, &b.error);
    put(counts, "tea", number(2), &b.error);
    put(counts, "milk", number(1), &b.error);
    put(counts, "tea", number(7), &b.error);
    put(counts, "", number(9), &b.error);
    GOOD(b.error);
    cr_assert_eq(atoll_dictionary_count(counts, &b.error), 3);
    const char *keys[] = {"", "milk", "tea"};
    const int64_t values[] = {9, 1, 7};
    for (int i = 0; i < 3; i++) {
        atoll_bytes key = atoll_dictionary_key_at(counts, i, &b.error);
        cr_assert_eq(key.size, strlen(keys[i]));
        cr_assert_eq(memcmp(key.data, keys[i], key.size), 0);
        atoll_values *at = atoll_dictionary_value_at(counts, i, &b.error);
        atoll_values *by = atoll_dictionary_get_value(counts, S(keys[i]), &b.error);
        cr_assert_eq(atoll_values_get_int(at, 0, &b.error), values[i]);
        cr_assert_eq(atoll_values_get_int(by, 0, &b.error), values[i]);
        atoll_values_free(at);
        atoll_values_free(by);
    }
    cr_assert_null(atoll_dictionary_get_value(counts, S("coffee"), &b.error));
    GOOD(b.error);
    cr_assert(atoll_dictionary_erase(counts, S("tea"), &b.error));
    cr_assert_not(atoll_dictionary_erase(counts, S("tea"), &b.error));
    cr_assert_not(atoll_dictionary_contains(counts, S("tea"), &b.error));
    put(counts, "a.b", number(1), &b.error);
    cr_assert(b.error != NULL && strstr(atoll_error_message(b.error), "'a.b'") != NULL);
    BAD(b.error, ATOLL_ERROR_NOT_SUPPORTED);
    put(counts, "$a", number(1), &b.error);
    BAD(b.error, ATOLL_ERROR_NOT_SUPPORTED);
    put(counts, "\xff", number(1), &b.error);
    BAD(b.error, ATOLL_ERROR_INVALID_ARGUMENT);
    char longest[4098];
    memset(longest, 'k', sizeof longest);
    longest[4096] = 0;
    put(counts, longest, number(1), &b.error);
    GOOD(b.error);
    longest[4096] = 'k', longest[4097] = 0;
    put(counts, longest, number(1), &b.error);
    BAD(b.error, ATOLL_ERROR_LIMIT_EXCEEDED);
    put(counts, "x", text("y"), &b.error);
    BAD(b.error, ATOLL_ERROR_TYPE_MISMATCH);
    commit_write(&b);
    begin_write(&b);
    atoll_dictionary_clear(counts, &b.error);
    cr_assert_eq(atoll_dictionary_count(counts, &b.error), 0);
    commit_write(&b);
    atoll_dictionary_free(counts);
    finish(&b);
}

Test(collections, embedded_objects_live_as_long_as_their_key)
{
    bag b;
    start(&b);
    atoll_dictionary *parts = atoll_object_get_dictionary(b.box, b.parts, &b.error);
    atoll_object *left = atoll_dictionary_put_embedded(parts, S("left"), &b.error);
    atoll_object_set_int(left, b.part_x, 3, &b.error);
    GOOD(b.error);
    atoll_object *again = atoll_dictionary_get_object(parts, S("left"), &b.error);
    cr_assert(atoll_object_equals(left, again));
    atoll_object *other = atoll_dictionary_put_embedded(parts, S("left"), &b.error);
    cr_assert_not(atoll_object_is_valid(left), "the key has another object now");
    cr_assert_eq(atoll_object_get_int(other, b.part_x, &b.error), 0);
    put(parts, "left", text(NULL), &b.error);
    GOOD(b.error);
    cr_assert_not(atoll_object_is_valid(other));
    cr_assert_eq(atoll_dictionary_count(parts, &b.error), 1);
    atoll_object *right = atoll_dictionary_put_embedded(parts, S("right"), &b.error);
    atoll_dictionary_erase(parts, S("right"), &b.error);
    cr_assert_not(atoll_object_is_valid(right));
    atoll_object *last = atoll_dictionary_put_embedded(parts, S("last"), &b.error);
    commit_write(&b);
    begin_write(&b);
    atoll_object_delete(b.box, &b.error);
    GOOD(b.error);
    cr_assert_not(atoll_object_is_valid(last), "it goes with its root");
    cr_assert_not(atoll_dictionary_is_valid(parts));
    commit_write(&b);
    atoll_object_free(left), atoll_object_free(again), atoll_object_free(other);
    atoll_object_free(right), atoll_object_free(last);
    atoll_dictionary_free(parts);
    finish(&b);
}

static int64_t step(bag *b, const atoll_list *list, int64_t i)
{
    atoll_values *v = atoll_list_get_value(list, i, &b->error);
    int64_t n = atoll_values_get_int(v, 0, &b->error);
    atoll_values_free(v);
    GOOD(b->error);
    return n;
}

Test(collections, a_list_element_moves_and_the_others_close_up)
{
    bag b;
    start(&b);
    atoll_list *steps = atoll_object_get_list(b.box, b.steps, &b.error);
    for (int64_t i = 0; i < 5; i++) {
        atoll_values *v = number(i);
        atoll_list_insert_value(steps, i, v, &b.error);
        atoll_values_free(v);
    }
    const struct {
        int64_t from, to, after[5];
    } moves[] = {{0, 3, {1, 2, 3, 0, 4}}, {4, 0, {4, 1, 2, 3, 0}}, {2, 2, {4, 1, 2, 3, 0}}};
    for (int i = 0; i < 3; i++) {
        atoll_list_move(steps, moves[i].from, moves[i].to, &b.error);
        GOOD(b.error);
        for (int k = 0; k < 5; k++) cr_assert_eq(step(&b, steps, k), moves[i].after[k]);
    }
    atoll_list_move(steps, 0, 5, &b.error);
    BAD(b.error, ATOLL_ERROR_OUT_OF_RANGE);
    commit_write(&b);
    atoll_list_free(steps);
    finish(&b);
}

Test(collections, everything_is_there_after_reopening)
{
    bag b;
    start(&b);
    atoll_set *names = atoll_object_get_set(b.box, b.names, &b.error);
    atoll_dictionary *counts = atoll_object_get_dictionary(b.box, b.counts, &b.error);
    atoll_list *maybe = atoll_object_get_list(b.box, b.maybe, &b.error);
    add(names, text("x"), &b.error), add(names, text(NULL), &b.error);
    put(counts, "k", number(4), &b.error);
    atoll_values *null = text(NULL);
    atoll_list_insert_value(maybe, 0, null, &b.error);
    atoll_values_free(null);
    GOOD(b.error);
    commit_write(&b);
    uint64_t row = atoll_object_row(b.box);
    atoll_set_free(names), atoll_dictionary_free(counts), atoll_list_free(maybe);
    atoll_object_free(b.box);
    atoll_realm_close(b.realm);
    atoll_realm_free(b.realm);
    open_realm(&b);
    b.box = atoll_realm_object(b.realm, b.box_class, row, &b.error);
    GOOD(b.error);
    names = atoll_object_get_set(b.box, b.names, &b.error);
    counts = atoll_object_get_dictionary(b.box, b.counts, &b.error);
    maybe = atoll_object_get_list(b.box, b.maybe, &b.error);
    cr_assert_eq(atoll_set_count(names, &b.error), 2);
    cr_assert(has(names, text("x"), &b.error));
    atoll_values *k = atoll_dictionary_get_value(counts, S("k"), &b.error);
    cr_assert_eq(atoll_values_get_int(k, 0, &b.error), 4);
    atoll_values *m = atoll_list_get_value(maybe, 0, &b.error);
    cr_assert(atoll_values_type(m, 0, &b.error) == ATOLL_TYPE_NULL);
    GOOD(b.error);
    atoll_values_free(k), atoll_values_free(m);
    atoll_set_free(names), atoll_dictionary_free(counts), atoll_list_free(maybe);
    finish(&b);
}

Test(collections, a_changed_dictionary_tells_its_observer)
{
    bag b;
    start(&b);
    atoll_dictionary *counts = atoll_object_get_dictionary(b.box, b.counts, &b.error);
    put(counts, "b", number(1), &b.error);
    put(counts, "d", number(1), &b.error);
    commit_write(&b);
    atoll_queue *queue = atoll_queue_new(&b.error);
    atoll_dictionary_observe(counts, queue, &b.error);
    atoll_event_free(atoll_queue_next(queue, 1000, &b.error));
    begin_write(&b);
    put(counts, "a", number(1), &b.error);
    put(counts, "b", number(2), &b.error);
    atoll_dictionary_erase(counts, S("d"), &b.error);
    commit_write(&b);
    atoll_event *event = atoll_queue_next(queue, 1000, &b.error);
    GOOD(b.error);
    cr_assert_not_null(event);
    const int32_t kinds[] = {ATOLL_CHANGE_DELETIONS, ATOLL_CHANGE_INSERTIONS,
                             ATOLL_CHANGE_MODIFICATIONS, ATOLL_CHANGE_MODIFICATIONS_NEW};
    const int64_t expected[] = {1, 0, 0, 1};
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(atoll_event_change_count(event, kinds[i]), 1, "kind %d", i);
        cr_assert_eq(atoll_event_change(event, kinds[i], 0), expected[i], "kind %d", i);
    }
    atoll_event_free(event);
    atoll_queue_free(queue);
    atoll_dictionary_free(counts);
    finish(&b);
}
