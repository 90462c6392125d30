/* Notifications through the public interface: change sets of results and of every kind of collection, applied to what a
 * listener had, give what is there; key paths; dictionaries name their keys; transactions off the thread; the log. */
#include "api_support.h"
#include <pthread.h>

typedef struct shop {
    char folder[64], path[96];
    atoll_realm *realm;
    atoll_queue *queue;
    uint32_t box, item, name, rank, next, list, numbers, set, dictionary, counts;
    atoll_object *root, *items[12];
    atoll_error *error;
    uint64_t random;
} shop;

static atoll_schema *shop_schema(void)
{
    static const struct {
        const char *name;
        atoll_value_type type;
        int32_t flags;
        const char *target;
    } box[] = {{"list", ATOLL_TYPE_LINK, ATOLL_PROPERTY_LIST, "Item"},
               {"numbers", ATOLL_TYPE_INT, ATOLL_PROPERTY_LIST, ""},
               {"set", ATOLL_TYPE_LINK, ATOLL_PROPERTY_SET, "Item"},
               {"dictionary", ATOLL_TYPE_LINK, ATOLL_PROPERTY_DICTIONARY, "Item"},
               {"counts", ATOLL_TYPE_INT, ATOLL_PROPERTY_DICTIONARY, ""}};
    atoll_error *error = NULL;
    atoll_schema *s = atoll_schema_new(&error);
    int32_t b = atoll_schema_add_class(s, S("Box"), ATOLL_CLASS_NORMAL, &error);
    int32_t i = atoll_schema_add_class(s, S("Item"), ATOLL_CLASS_NORMAL, &error);
    for (size_t k = 0; k < sizeof box / sizeof *box; k++)
        atoll_schema_add_property(s, b, S(box[k].name), box[k].type, box[k].flags, S(box[k].target),
                                  &error);
    atoll_schema_add_property(s, i, S("name"), ATOLL_TYPE_STRING, 0, S(""), &error);
    atoll_schema_add_property(s, i, S("rank"), ATOLL_TYPE_INT, 0, S(""), &error);
    atoll_schema_add_property(s, i, S("next"), ATOLL_TYPE_LINK, ATOLL_PROPERTY_NULLABLE, S("Item"),
                              &error);
    GOOD(error);
    return s;
}

static atoll_realm *open_shop(const char *path)
{
    atoll_error *error = NULL;
    atoll_schema *schema = shop_schema();
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(path), &error);
    atoll_config_set_schema(config, schema, &error);
    atoll_config_set_sync_commits(config, false, &error);
    atoll_realm *realm = atoll_realm_open(config, &error);
    atoll_config_free(config);
    atoll_schema_free(schema);
    GOOD(error);
    return realm;
}

static void shop_begin(shop *s)
{
    atoll_realm_begin(s->realm, &s->error);
    GOOD(s->error);
}

static void shop_commit(shop *s)
{
    atoll_realm_commit(s->realm, &s->error);
    GOOD(s->error);
}

static atoll_object *new_item(shop *s, int64_t rank)
{
    atoll_object *item = atoll_realm_create(s->realm, s->item, NULL, &s->error);
    atoll_object_set_int(item, s->rank, rank, &s->error);
    GOOD(s->error);
    return item;
}

static uint32_t shop_key(shop *s, uint32_t c, const char *name)
{
    return atoll_realm_property(s->realm, c, S(name), &s->error);
}

static void shop_open(shop *s)
{
    *s = (shop){.random = 99};
    temp_folder(s->folder);
    snprintf(s->path, sizeof s->path, "%s/shop.atoll", s->folder);
    s->realm = open_shop(s->path);
    s->queue = atoll_queue_new(&s->error);
    s->box = atoll_realm_class(s->realm, S("Box"), &s->error);
    s->item = atoll_realm_class(s->realm, S("Item"), &s->error);
    s->name = shop_key(s, s->item, "name"), s->rank = shop_key(s, s->item, "rank");
    s->next = shop_key(s, s->item, "next"), s->list = shop_key(s, s->box, "list");
    s->numbers = shop_key(s, s->box, "numbers"), s->set = shop_key(s, s->box, "set");
    s->dictionary = shop_key(s, s->box, "dictionary"), s->counts = shop_key(s, s->box, "counts");
    shop_begin(s);
    s->root = atoll_realm_create(s->realm, s->box, NULL, &s->error);
    for (int i = 0; i < 12; i++) s->items[i] = new_item(s, i);
    shop_commit(s);
}

static void shop_close(shop *s)
{
    for (int i = 0; i < 12; i++) atoll_object_free(s->items[i]);
    atoll_object_free(s->root);
    atoll_queue_free(s->queue);
    atoll_realm_close(s->realm);
    atoll_realm_free(s->realm);
    temp_folder_remove(s->folder);
}

static int shop_pick(shop *s, int bound)
{
    s->random = s->random * 6364136223846793005u + 1442695040888963407u;
    return (int)((s->random >> 33) % (uint64_t)bound);
}

static atoll_event *next_event(shop *s)
{
    atoll_event *event = atoll_queue_next(s->queue, 0, &s->error);
    GOOD(s->error);
    return event;
}

static void drop_events(shop *s)
{
    for (atoll_event *e = next_event(s); e != NULL; e = next_event(s)) atoll_event_free(e);
}

static atoll_values *link_value(shop *s, int item)
{
    atoll_values *v = atoll_values_new(&s->error);
    atoll_values_add_object(v, s->items[item], &s->error);
    GOOD(s->error);
    return v;
}

/* ---- every kind of collection, followed by what its events say ---- */

enum { CELLS_MAX = 400, WATCHERS = 8 };
typedef struct cells {
    int64_t values[CELLS_MAX];
    int64_t count;
} cells;
typedef struct follower {
    uint64_t registration;
    cells seen;
    void (*read)(shop *s, struct follower *f, cells *out);
    atoll_results *results;
    atoll_list *list;
    atoll_set *set;
    atoll_dictionary *dictionary;
    bool is_numbers;
} follower;

static int64_t value_number(shop *s, atoll_values *v)
{
    int64_t number = -1;
    if (atoll_values_type(v, 0, &s->error) == ATOLL_TYPE_INT)
        number = atoll_values_get_int(v, 0, &s->error);
    else if (atoll_values_type(v, 0, &s->error) != ATOLL_TYPE_NULL) {
        atoll_object *o = atoll_values_get_object(v, 0, &s->error);
        number = (int64_t)atoll_object_row(o);
        atoll_object_free(o);
    }
    atoll_values_free(v);
    GOOD(s->error);
    return number;
}

static void read_results(shop *s, follower *f, cells *out)
{
    out->count = atoll_results_count(f->results, &s->error);
    for (int64_t i = 0; i < out->count; i++)
        out->values[i] = (int64_t)atoll_results_row(f->results, i, &s->error);
}

static void read_list(shop *s, follower *f, cells *out)
{
    out->count = atoll_list_count(f->list, &s->error);
    for (int64_t i = 0; i < out->count; i++)
        out->values[i] = value_number(s, atoll_list_get_value(f->list, i, &s->error));
}

static void read_set(shop *s, follower *f, cells *out)
{
    out->count = atoll_set_count(f->set, &s->error);
    for (int64_t i = 0; i < out->count; i++)
        out->values[i] = value_number(s, atoll_set_get_value(f->set, i, &s->error));
}

static void read_dictionary(shop *s, follower *f, cells *out)
{
    out->count = atoll_dictionary_count(f->dictionary, &s->error);
    for (int64_t i = 0; i < out->count; i++)
        out->values[i] = value_number(s, atoll_dictionary_value_at(f->dictionary, i, &s->error));
}

/* Deletions, then insertions, then modifications: what was seen becomes what is there. */
static void apply_event(follower *f, const atoll_event *e, const cells *is, const char *name)
{
    cells *seen = &f->seen;
    for (int64_t i = atoll_event_change_count(e, ATOLL_CHANGE_DELETIONS); i-- > 0;) {
        int64_t at = atoll_event_change(e, ATOLL_CHANGE_DELETIONS, i);
        cr_assert(at < seen->count, "%s: deletion %d of %d", name, (int)at, (int)seen->count);
        memmove(seen->values + at, seen->values + at + 1,
                (size_t)(--seen->count - at) * sizeof *seen->values);
    }
    int64_t count = atoll_event_change_count(e, ATOLL_CHANGE_INSERTIONS);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = atoll_event_change(e, ATOLL_CHANGE_INSERTIONS, i);
        cr_assert(at <= seen->count && at < is->count, "%s: insertion %d", name, (int)at);
        memmove(seen->values + at + 1, seen->values + at,
                (size_t)(seen->count++ - at) * sizeof *seen->values);
        seen->values[at] = is->values[at];
    }
    count = atoll_event_change_count(e, ATOLL_CHANGE_MODIFICATIONS_NEW);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = atoll_event_change(e, ATOLL_CHANGE_MODIFICATIONS_NEW, i);
        seen->values[at] = is->values[at];
    }
    cr_assert_eq(atoll_event_change_count(e, ATOLL_CHANGE_MOVES_FROM),
                 atoll_event_change_count(e, ATOLL_CHANGE_MOVES_TO));
    cr_assert(!atoll_event_is_cleared(e) || is->count == 0, "%s", name);
}

static void check_follower(shop *s, follower *f, const atoll_event *event, int round, int which)
{
    char name[60];
    cells is;
    snprintf(name, sizeof name, "round %d, collection %d", round, which);
    f->read(s, f, &is);
    GOOD(s->error);
    if (event != NULL) apply_event(f, event, &is, name);
    cr_assert_eq(f->seen.count, is.count, "%s: %d instead of %d", name, (int)f->seen.count,
                 (int)is.count);
    for (int64_t i = 0; i < is.count; i++)
        cr_assert_eq(f->seen.values[i], is.values[i], "%s: another element at %d", name, (int)i);
}

static void replace_item(shop *s, int item)
{
    atoll_object_delete(s->items[item], &s->error);
    atoll_object_free(s->items[item]);
    s->items[item] = new_item(s, shop_pick(s, 30));
}

static void change_list(shop *s, follower *f)
{
    int64_t count = atoll_list_count(f->list, &s->error), at = shop_pick(s, (int)count + 1);
    int form = shop_pick(s, 9);
    atoll_values *v = f->is_numbers ? int_key(shop_pick(s, 5)) : link_value(s, shop_pick(s, 12));
    if (form < 4 && count < 60)
        atoll_list_insert_value(f->list, at, v, &s->error);
    else if (form == 4 && at < count)
        atoll_list_set_value(f->list, at, v, &s->error);
    else if (form < 7 && at < count)
        atoll_list_move(f->list, at, shop_pick(s, (int)count), &s->error);
    else if (at < count)
        atoll_list_erase(f->list, at, &s->error);
    else if (shop_pick(s, 10) == 0)
        atoll_list_clear(f->list, &s->error);
    atoll_values_free(v);
    GOOD(s->error);
}

static void change_keyed(shop *s, follower *f)
{
    char key[8];
    atoll_values *v = f->is_numbers ? int_key(shop_pick(s, 5)) : link_value(s, shop_pick(s, 12));
    snprintf(key, sizeof key, "k%d", shop_pick(s, 9));
    bool takes = shop_pick(s, 3) != 0;
    if (f->set != NULL && takes)
        atoll_set_add(f->set, v, &s->error);
    else if (f->set != NULL)
        atoll_set_remove(f->set, v, &s->error);
    else if (takes)
        atoll_dictionary_put_value(f->dictionary, S(key), v, &s->error);
    else
        atoll_dictionary_erase(f->dictionary, S(key), &s->error);
    atoll_values_free(v);
    GOOD(s->error);
}

static atoll_results *items_where(shop *s, const char *query)
{
    return atoll_results_new(s->realm, s->item, S(query), NULL, &s->error);
}

static void followers_open(shop *s, follower f[WATCHERS])
{
    memset(f, 0, WATCHERS * sizeof *f);
    f[0] =
        (follower){.read = read_list, .list = atoll_object_get_list(s->root, s->list, &s->error)};
    f[1] = (follower){.read = read_list,
                      .list = atoll_object_get_list(s->root, s->numbers, &s->error),
                      .is_numbers = true};
    f[2] = (follower){.read = read_set, .set = atoll_object_get_set(s->root, s->set, &s->error)};
    f[3] = (follower){.read = read_dictionary,
                      .dictionary = atoll_object_get_dictionary(s->root, s->dictionary, &s->error)};
    f[4] = (follower){.read = read_dictionary,
                      .dictionary = atoll_object_get_dictionary(s->root, s->counts, &s->error),
                      .is_numbers = true};
    f[5] = (follower){.read = read_results, .results = items_where(s, "rank > 3 SORT(rank ASC)")};
    atoll_results *of_list = atoll_list_as_results(f[0].list, &s->error);
    f[6] = (follower){
        .read = read_results,
        .results = atoll_results_filter(of_list, S("rank < 20 SORT(rank DESC)"), NULL, &s->error)};
    f[7] = (follower){.read = read_results, .results = of_list};
    for (int i = 0; i < WATCHERS; i++) {
        GOOD(s->error);
        if (f[i].list != NULL)
            f[i].registration = atoll_list_observe(f[i].list, s->queue, &s->error);
        if (f[i].set != NULL) f[i].registration = atoll_set_observe(f[i].set, s->queue, &s->error);
        if (f[i].dictionary != NULL)
            f[i].registration = atoll_dictionary_observe(f[i].dictionary, s->queue, &s->error);
        if (f[i].results != NULL)
            f[i].registration = atoll_results_observe(f[i].results, s->queue, &s->error);
        GOOD(s->error);
        f[i].read(s, &f[i], &f[i].seen);
        atoll_event *event = next_event(s);
        cr_assert(atoll_event_is_initial(event));
        cr_assert_eq(atoll_event_registration(event), f[i].registration);
        atoll_event_free(event);
    }
}

static void followers_close(follower f[WATCHERS])
{
    for (int i = 0; i < WATCHERS; i++) {
        atoll_list_free(f[i].list);
        atoll_set_free(f[i].set);
        atoll_dictionary_free(f[i].dictionary);
        atoll_results_free(f[i].results);
    }
}

static void change_all(shop *s, follower f[WATCHERS])
{
    for (int steps = shop_pick(s, 7); steps >= 0; steps--) {
        int form = shop_pick(s, 10);
        if (form < 2)
            change_list(s, &f[form]);
        else if (form < 7)
            change_keyed(s, &f[2 + form % 3]);
        else if (form == 7)
            replace_item(s, shop_pick(s, 12));
        else
            atoll_object_set_int(s->items[shop_pick(s, 12)], s->rank, shop_pick(s, 30), &s->error);
    }
    GOOD(s->error);
}

Test(notify, change_sets_turn_what_was_seen_into_what_is_there_for_every_kind_of_collection)
{
    shop s;
    follower f[WATCHERS];
    int told[WATCHERS] = {0}, moves = 0;
    shop_open(&s);
    followers_open(&s, f);
    for (int round = 0; round < 600; round++) {
        const atoll_event *events[WATCHERS] = {0};
        shop_begin(&s);
        change_all(&s, f);
        shop_commit(&s);
        for (atoll_event *e = next_event(&s); e != NULL; e = next_event(&s)) {
            for (int i = 0; i < WATCHERS; i++) {
                if (f[i].registration != atoll_event_registration(e)) continue;
                cr_assert_null(events[i], "one event a commit");
                events[i] = e;
                told[i]++;
            }
            moves += (int)atoll_event_change_count(e, ATOLL_CHANGE_MOVES_TO);
        }
        for (int i = 0; i < WATCHERS; i++) check_follower(&s, &f[i], events[i], round, i);
        for (int i = 0; i < WATCHERS; i++) atoll_event_free((atoll_event *)(uintptr_t)events[i]);
    }
    for (int i = 0; i < WATCHERS; i++)
        cr_assert(told[i] > 50, "collection %d was told %d times", i, told[i]);
    cr_assert_gt(moves, 100);
    followers_close(f);
    shop_close(&s);
}

/* ---- single facts ---- */

static int64_t count_of_kind(const atoll_event *e, int32_t kind)
{
    return atoll_event_change_count(e, kind);
}

Test(notify, a_moved_element_is_a_move_and_a_clear_says_so)
{
    shop s;
    shop_open(&s);
    atoll_list *list = atoll_object_get_list(s.root, s.list, &s.error);
    shop_begin(&s);
    for (int i = 0; i < 5; i++) {
        atoll_values *v = link_value(&s, i);
        atoll_list_insert_value(list, i, v, &s.error);
        atoll_values_free(v);
    }
    shop_commit(&s);
    atoll_list_observe(list, s.queue, &s.error);
    drop_events(&s);
    shop_begin(&s);
    atoll_list_move(list, 0, 3, &s.error);
    shop_commit(&s);
    atoll_event *e = next_event(&s);
    cr_assert(count_of_kind(e, ATOLL_CHANGE_MOVES_FROM) == 1 &&
              atoll_event_change(e, ATOLL_CHANGE_MOVES_FROM, 0) == 0 &&
              atoll_event_change(e, ATOLL_CHANGE_MOVES_TO, 0) == 3);
    cr_assert(!atoll_event_is_cleared(e) && count_of_kind(e, ATOLL_CHANGE_DELETIONS) == 1);
    atoll_event_free(e);
    shop_begin(&s);
    atoll_list_clear(list, &s.error);
    shop_commit(&s);
    e = next_event(&s);
    cr_assert(atoll_event_is_cleared(e) && !atoll_event_is_deleted(e));
    cr_assert_eq(count_of_kind(e, ATOLL_CHANGE_DELETIONS), 5);
    atoll_event_free(e);
    shop_begin(&s);
    atoll_object_delete(s.root, &s.error);
    shop_commit(&s);
    e = next_event(&s);
    cr_assert(atoll_event_is_deleted(e), "the owner is gone");
    atoll_event_free(e);
    GOOD(s.error);
    atoll_list_free(list);
    shop_close(&s);
}

static atoll_values *texts(const char *first, const char *second)
{
    atoll_error *error = NULL;
    atoll_values *v = atoll_values_new(&error);
    if (first != NULL) atoll_values_add_string(v, S(first), &error);
    if (second != NULL) atoll_values_add_string(v, S(second), &error);
    GOOD(error);
    return v;
}

/* What comes for one listener in one commit that sets the rank of the second item and the name of the first. */
static int64_t told_along(shop *s, const char *first, const char *second, bool by_default,
                          bool object)
{
    atoll_values *paths = by_default ? NULL : texts(first, second);
    atoll_results *results = items_where(s, "TRUEPREDICATE");
    uint64_t id = object ? atoll_object_observe_key_paths(s->items[0], paths, s->queue, &s->error)
                         : atoll_results_observe_key_paths(results, paths, s->queue, &s->error);
    GOOD(s->error);
    drop_events(s);
    shop_begin(s);
    atoll_object_set_int(s->items[1], s->rank, shop_pick(s, 1000000), &s->error);
    shop_commit(s);
    atoll_event *e = next_event(s);
    int64_t told =
        e == NULL ? 0
                  : count_of_kind(e, object ? ATOLL_CHANGE_PROPERTIES : ATOLL_CHANGE_MODIFICATIONS);
    if (object && told > 0)
        cr_assert_eq(atoll_event_change(e, ATOLL_CHANGE_PROPERTIES, 0), s->next);
    atoll_event_free(e);
    cr_assert_null(next_event(s));
    atoll_realm_unobserve(s->realm, id);
    atoll_results_free(results);
    atoll_values_free(paths);
    return told;
}

Test(notify, key_paths_choose_what_is_told)
{
    shop s;
    shop_open(&s);
    shop_begin(&s);
    atoll_object_set_object(s.items[0], s.next, s.items[1], &s.error);
    shop_commit(&s);
    cr_assert_eq(told_along(&s, NULL, NULL, true, false), 2, "the item and who links to it");
    cr_assert_eq(told_along(&s, "rank", NULL, false, false), 1);
    cr_assert_eq(told_along(&s, "next.rank", NULL, false, false), 1);
    cr_assert_eq(told_along(&s, "next.rank", "rank", false, false), 2);
    cr_assert_eq(told_along(&s, "name", "next", false, false), 0);
    cr_assert_eq(told_along(&s, "*", NULL, false, false), 1);
    cr_assert_eq(told_along(&s, "*.*", NULL, false, false), 2);
    cr_assert_eq(told_along(&s, NULL, NULL, false, false), 0, "shallow");
    cr_assert_eq(told_along(&s, NULL, NULL, true, true), 0, "an object hears of itself");
    cr_assert_eq(told_along(&s, "next.rank", NULL, false, true), 1);
    cr_assert_eq(told_along(&s, "next.name", NULL, false, true), 0);
    atoll_values *paths = texts("next.wrong", NULL);
    cr_assert_eq(atoll_object_observe_key_paths(s.items[0], paths, s.queue, &s.error), 0);
    cr_assert_not_null(strstr(atoll_error_message(s.error), "wrong"));
    BAD(s.error, ATOLL_ERROR_UNKNOWN_PROPERTY);
    atoll_values_free(paths);
    shop_close(&s);
}

Test(notify, an_object_hears_that_its_link_is_gone_and_not_of_who_links_to_it)
{
    shop s;
    shop_open(&s);
    shop_begin(&s);
    atoll_object_set_object(s.items[0], s.next, s.items[1], &s.error);
    shop_commit(&s);
    uint64_t first = atoll_object_observe(s.items[0], s.queue, &s.error);
    atoll_object_observe(s.items[1], s.queue, &s.error);
    shop_begin(&s);
    atoll_object_set_object(s.items[2], s.next, s.items[1], &s.error);
    atoll_object_set_object(s.items[2], s.next, s.items[0], &s.error);
    shop_commit(&s);
    cr_assert_null(next_event(&s), "backlinks do not fire");
    shop_begin(&s);
    atoll_object_delete(s.items[1], &s.error);
    shop_commit(&s);
    for (int i = 0; i < 2; i++) {
        atoll_event *e = next_event(&s);
        bool of_first = atoll_event_registration(e) == first;
        cr_assert_eq(atoll_event_is_deleted(e), !of_first);
        if (of_first) cr_assert_eq(atoll_event_change(e, ATOLL_CHANGE_PROPERTIES, 0), s.next);
        atoll_event_free(e);
    }
    shop_close(&s);
}

static void expect_key(const atoll_event *e, int32_t kind, const char *key)
{
    cr_assert_eq(atoll_event_change_count(e, kind), 1);
    atoll_bytes text = atoll_event_change_key(e, kind, 0);
    cr_assert(text.size == strlen(key) && memcmp(text.data, key, text.size) == 0, "%.*s",
              (int)text.size, text.data);
}

Test(notify, a_dictionary_names_its_keys)
{
    shop s;
    shop_open(&s);
    atoll_dictionary *d = atoll_object_get_dictionary(s.root, s.counts, &s.error);
    atoll_values *one = int_key(1), *two = int_key(2);
    shop_begin(&s);
    atoll_dictionary_put_value(d, S("b"), one, &s.error);
    atoll_dictionary_put_value(d, S("d"), one, &s.error);
    shop_commit(&s);
    atoll_dictionary_observe(d, s.queue, &s.error);
    drop_events(&s);
    shop_begin(&s);
    atoll_dictionary_put_value(d, S("a"), one, &s.error);
    atoll_dictionary_put_value(d, S("d"), two, &s.error);
    atoll_dictionary_erase(d, S("b"), &s.error);
    shop_commit(&s);
    atoll_event *e = next_event(&s);
    expect_key(e, ATOLL_CHANGE_INSERTIONS, "a");
    expect_key(e, ATOLL_CHANGE_MODIFICATIONS, "d");
    expect_key(e, ATOLL_CHANGE_DELETIONS, "b");
    cr_assert_null(atoll_event_change_key(e, ATOLL_CHANGE_INSERTIONS, 1).data);
    cr_assert_null(atoll_event_change_key(e, ATOLL_CHANGE_MOVES_TO, 0).data);
    atoll_event_free(e);
    atoll_values_free(one);
    atoll_values_free(two);
    atoll_dictionary_free(d);
    shop_close(&s);
}

Test(notify, results_of_a_list_are_filtered_sorted_and_summed_in_place)
{
    shop s;
    shop_open(&s);
    atoll_list *list = atoll_object_get_list(s.root, s.list, &s.error);
    shop_begin(&s);
    for (int i = 0; i < 6; i++) {
        atoll_values *v = link_value(&s, 5 - i);
        atoll_list_insert_value(list, i, v, &s.error);
        atoll_values_free(v);
    }
    shop_commit(&s);
    atoll_results *all = atoll_list_as_results(list, &s.error);
    atoll_results *some = atoll_results_filter(all, S("rank > 2 SORT(rank ASC)"), NULL, &s.error);
    GOOD(s.error);
    cr_assert_eq(atoll_results_count(all, &s.error), 6);
    cr_assert_eq(atoll_results_row(all, 0, &s.error), atoll_object_row(s.items[5]));
    cr_assert_eq(atoll_results_row(some, 0, &s.error), atoll_object_row(s.items[3]));
    atoll_values *sum = atoll_results_sum(all, s.rank, &s.error);
    cr_assert_eq(atoll_values_get_int(sum, 0, &s.error), 15);
    atoll_values_free(sum);
    atoll_list *numbers = atoll_object_get_list(s.root, s.numbers, &s.error);
    cr_assert_null(atoll_list_as_results(numbers, &s.error));
    BAD(s.error, ATOLL_ERROR_TYPE_MISMATCH);
    shop_begin(&s);
    atoll_results_delete_all(some, &s.error);
    cr_assert_eq(atoll_results_count(all, &s.error), 3, "live inside the transaction too");
    atoll_object_delete(s.root, &s.error);
    shop_commit(&s);
    cr_assert_eq(atoll_results_count(all, &s.error), 0, "its object is gone");
    GOOD(s.error);
    atoll_results_free(all);
    atoll_results_free(some);
    atoll_list_free(list);
    atoll_list_free(numbers);
    shop_close(&s);
}

Test(notify, sets_and_dictionaries_are_frozen_and_handed_over_as_lists_are)
{
    shop s;
    shop_open(&s);
    atoll_realm *other = open_shop(s.path);
    atoll_set *set = atoll_object_get_set(s.root, s.set, &s.error);
    atoll_dictionary *d = atoll_object_get_dictionary(s.root, s.dictionary, &s.error);
    atoll_values *v = link_value(&s, 3);
    shop_begin(&s);
    atoll_set_add(set, v, &s.error);
    atoll_dictionary_put_value(d, S("k"), v, &s.error);
    shop_commit(&s);
    atoll_set *frozen_set = atoll_set_freeze(set, &s.error);
    atoll_dictionary *frozen = atoll_dictionary_freeze(d, &s.error);
    atoll_reference *of_set = atoll_reference_of_set(set, &s.error),
                    *of_dictionary = atoll_reference_of_dictionary(d, &s.error);
    GOOD(s.error);
    shop_begin(&s);
    atoll_set_clear(set, &s.error);
    shop_commit(&s);
    cr_assert(atoll_set_is_frozen(frozen_set) && atoll_dictionary_is_frozen(frozen));
    cr_assert_eq(atoll_set_count(frozen_set, &s.error), 1);
    cr_assert_eq(atoll_dictionary_count(frozen, &s.error), 1);
    atoll_set_clear(frozen_set, &s.error);
    BAD(s.error, ATOLL_ERROR_FROZEN);
    cr_assert_eq(atoll_dictionary_observe(frozen, s.queue, &s.error), 0);
    BAD(s.error, ATOLL_ERROR_FROZEN);
    cr_assert_null(atoll_reference_resolve_list(of_set, other, &s.error));
    BAD(s.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_set *there = atoll_reference_resolve_set(of_set, other, &s.error);
    atoll_dictionary *thawed = atoll_reference_resolve_dictionary(of_dictionary, other, &s.error);
    GOOD(s.error);
    cr_assert_eq(atoll_dictionary_count(thawed, &s.error), 1);
    atoll_results *objects = atoll_dictionary_as_results(thawed, &s.error);
    cr_assert_eq(atoll_results_row(objects, 0, &s.error), atoll_object_row(s.items[3]));
    GOOD(s.error);
    atoll_results_free(objects);
    atoll_set_free(there), atoll_set_free(frozen_set), atoll_set_free(set);
    atoll_dictionary_free(thawed), atoll_dictionary_free(frozen), atoll_dictionary_free(d);
    atoll_reference_free(of_set), atoll_reference_free(of_dictionary);
    atoll_values_free(v);
    atoll_realm_close(other);
    atoll_realm_free(other);
    shop_close(&s);
}

/* ---- transactions off the thread ---- */

static atoll_event *wait_event(shop *s, uint64_t registration)
{
    for (;;) {
        atoll_event *e = atoll_queue_next(s->queue, 20000, &s->error);
        cr_assert_not_null(e, "no event came");
        if (atoll_event_registration(e) == registration) return e;
        atoll_event_free(e);
    }
}

Test(async, begin_waits_elsewhere_and_commit_says_when_it_is_on_disk)
{
    shop s;
    shop_open(&s);
    atoll_realm *other = open_shop(s.path);
    atoll_realm_begin(other, &s.error);
    uint64_t asked = atoll_realm_begin_async(s.realm, s.queue, &s.error);
    GOOD(s.error);
    cr_assert_null(atoll_queue_next(s.queue, 50, &s.error), "the other one writes");
    atoll_realm_begin(s.realm, &s.error);
    BAD(s.error, ATOLL_ERROR_BUSY);
    cr_assert_eq(atoll_realm_begin_async(s.realm, s.queue, &s.error), 0);
    BAD(s.error, ATOLL_ERROR_TRANSACTION_ACTIVE);
    atoll_realm_rollback(other, &s.error);
    atoll_event *e = wait_event(&s, asked);
    cr_assert_eq(atoll_event_type(e), ATOLL_EVENT_REQUEST_DONE);
    cr_assert_eq(atoll_event_status(e), ATOLL_OK);
    atoll_event_free(e);
    atoll_realm_begin(other, &s.error); /* of the same thread: it would wait for itself */
    BAD(s.error, ATOLL_ERROR_TRANSACTION_ACTIVE);
    shop_begin(&s);
    atoll_object_set_int(s.items[0], s.rank, 77, &s.error);
    uint64_t saved = atoll_realm_commit_async(s.realm, s.queue, &s.error);
    GOOD(s.error);
    cr_assert_eq(atoll_object_get_int(s.items[0], s.rank, &s.error), 77, "seen at once");
    e = wait_event(&s, saved);
    cr_assert_eq(atoll_event_status(e), ATOLL_OK);
    cr_assert_eq(atoll_event_number(e, 0), atoll_realm_version(s.realm));
    atoll_event_free(e);
    cr_assert_eq(atoll_realm_commit_async(s.realm, s.queue, &s.error), 0);
    BAD(s.error, ATOLL_ERROR_NO_TRANSACTION);
    atoll_realm_close(other);
    atoll_realm_free(other);
    shop_close(&s);
}

Test(async, what_was_asked_for_can_be_cancelled_or_closed_at_any_time)
{
    shop s;
    shop_open(&s);
    atoll_realm *other = open_shop(s.path);
    for (int round = 0; round < 60; round++) {
        bool held_first = round % 2 == 0;
        if (held_first) atoll_realm_begin(other, &s.error);
        uint64_t asked = atoll_realm_begin_async(s.realm, s.queue, &s.error);
        GOOD(s.error);
        if (!held_first && round % 3 == 0) atoll_event_free(wait_event(&s, asked));
        atoll_realm_cancel_begin(s.realm, asked + 1);
        atoll_realm_cancel_begin(s.realm, asked);
        if (held_first) atoll_realm_rollback(other, &s.error);
        shop_begin(&s); /* waits for nobody but a worker on its way out */
        atoll_realm_rollback(s.realm, &s.error);
        GOOD(s.error);
    }
    atoll_realm_begin(other, &s.error);
    atoll_realm_begin_async(s.realm, s.queue, &s.error);
    atoll_realm_close(s.realm);
    atoll_realm_commit(other, &s.error);
    GOOD(s.error);
    atoll_realm_close(other);
    atoll_realm_free(other);
    shop_close(&s);
}

/* ---- the log ---- */

typedef struct heard {
    int count;
    char category[64];
} heard;

static void hear(void *user_data, int32_t level, const char *category, const char *message)
{
    heard *h = user_data;
    (void)level, (void)message;
    h->count++;
    snprintf(h->category, sizeof h->category, "%s", category);
}

Test(logs, each_category_has_a_level_that_goes_down_the_tree)
{
    atoll_error *error = NULL;
    cr_assert_gt(atoll_log_category_count(), 10);
    cr_assert_str_eq(atoll_log_category_name(0).data, "Realm");
    cr_assert_null(atoll_log_category_name(atoll_log_category_count()).data);
    atoll_log_set_category_level(S("Realm.Sync"), ATOLL_LOG_WARN, &error);
    atoll_log_set_category_level(S("Realm.Sync.Client"), ATOLL_LOG_TRACE, &error);
    GOOD(error);
    cr_assert_eq(atoll_log_category_level(S("Realm.Sync.Server"), &error), ATOLL_LOG_WARN);
    cr_assert_eq(atoll_log_category_level(S("Realm.Sync.Client.Session"), &error), ATOLL_LOG_TRACE);
    cr_assert_eq(atoll_log_category_level(S("Realm.Storage"), &error), ATOLL_LOG_INFO);
    cr_assert_eq(atoll_log_level(), ATOLL_LOG_INFO);
    atoll_log_set_category_level(S("Realm.Sy"), ATOLL_LOG_WARN, &error);
    BAD(error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_log_category_level(S("realm"), &error);
    BAD(error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_log_set_level(ATOLL_LOG_ERROR);
    cr_assert_eq(atoll_log_category_level(S("Realm.Sync.Client"), &error), ATOLL_LOG_ERROR);
    atoll_log_set_level(ATOLL_LOG_INFO);
}

Test(logs, a_category_below_its_level_is_silent_while_another_talks)
{
    shop s;
    heard h = {0};
    shop_open(&s);
    atoll_log_set_sink(hear, &h, NULL);
    atoll_log_set_category_level(S("Realm.Storage.Query"), ATOLL_LOG_TRACE, &s.error);
    shop_begin(&s);
    shop_commit(&s);
    cr_assert_eq(h.count, 0);
    atoll_log_set_category_level(S("Realm.Storage"), ATOLL_LOG_TRACE, &s.error);
    shop_begin(&s);
    atoll_realm_rollback(s.realm, &s.error);
    GOOD(s.error);
    cr_assert(h.count >= 2 && strcmp(h.category, "Realm.Storage.Transaction") == 0, "%s",
              h.category);
    atoll_log_set_sink(NULL, NULL, NULL);
    atoll_log_set_level(ATOLL_LOG_INFO);
    shop_close(&s);
}
