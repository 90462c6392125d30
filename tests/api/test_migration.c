/* Schema versions and migrations of local realms: what needs a higher version, what a migration may do, and that all of
 * it or nothing is there afterwards. */
#include "api_support.h"
#include <sys/stat.h>

typedef struct place {
    char folder[64], path[96];
    atoll_error *error;
} place;

static void place_make(place *p)
{
    *p = (place){0};
    cr_assert_not_null(temp_folder(p->folder));
    snprintf(p->path, sizeof p->path, "%s/m.atoll", p->folder);
}

/* "Class: property type flags, ..." per class; types: i int, s string, d double; flags: ? optional, ! primary key,
 * * list; >Class link, @Class embedded. A class that begins with @ is embedded. */
static void add_text_property(atoll_schema *schema, int32_t c, char *text)
{
    atoll_error *error = NULL;
    int32_t flags = 0;
    atoll_value_type type = ATOLL_TYPE_INT;
    char *target = strpbrk(text, ">@"), *space = strchr(text, ' ');
    if (target != NULL) type = *target == '>' ? ATOLL_TYPE_LINK : ATOLL_TYPE_EMBEDDED;
    if (type != ATOLL_TYPE_INT) flags |= ATOLL_PROPERTY_NULLABLE;
    for (char *at = space + 1; target == NULL && *at != 0; at++) {
        if (*at == 's') type = ATOLL_TYPE_STRING;
        if (*at == 'd') type = ATOLL_TYPE_DOUBLE;
        if (*at == '?') flags |= ATOLL_PROPERTY_NULLABLE;
        if (*at == '!') flags |= ATOLL_PROPERTY_PRIMARY_KEY;
        if (*at == '*') flags |= ATOLL_PROPERTY_LIST;
    }
    atoll_schema_add_property(schema, c, text, (size_t)(space - text), type, flags,
                              target == NULL ? "" : target + 1,
                              target == NULL ? 0 : strlen(target + 1), &error);
    GOOD(error);
}

static atoll_schema *schema_of(const char *text)
{
    atoll_error *error = NULL;
    char copy[512], *lines = copy, *line;
    atoll_schema *schema = atoll_schema_new(&error);
    snprintf(copy, sizeof copy, "%s", text);
    while ((line = strsep(&lines, ";")) != NULL) {
        char *properties = strchr(line, ':');
        *properties = 0;
        properties += 2; /* and the space */
        bool embedded = *line == '@';
        int32_t c =
            atoll_schema_add_class(schema, S(line + embedded),
                                   embedded ? ATOLL_CLASS_EMBEDDED : ATOLL_CLASS_NORMAL, &error);
        GOOD(error);
        for (char *p; (p = strsep(&properties, ",")) != NULL;) add_text_property(schema, c, p);
    }
    return schema;
}

static atoll_config *config_of(place *p, const char *text, int64_t version)
{
    atoll_config *config = atoll_config_new(&p->error);
    atoll_config_set_path(config, S(p->path), &p->error);
    atoll_config_set_schema_version(config, version, &p->error);
    if (text != NULL) {
        atoll_schema *schema = schema_of(text);
        atoll_config_set_schema(config, schema, &p->error);
        atoll_schema_free(schema);
    }
    GOOD(p->error);
    return config;
}

static atoll_realm *open_as(place *p, const char *text, int64_t version)
{
    atoll_config *config = config_of(p, text, version);
    atoll_realm *realm = atoll_realm_open(config, &p->error);
    atoll_config_free(config);
    return realm;
}

static atoll_migration *migrate(place *p, const char *text, int64_t version)
{
    atoll_config *config = config_of(p, text, version);
    atoll_migration *migration = atoll_migration_begin(config, &p->error);
    atoll_config_free(config);
    return migration;
}

static void close_realm(atoll_realm *realm)
{
    atoll_realm_close(realm);
    atoll_realm_free(realm);
}

static uint32_t class_of(atoll_realm *realm, const char *name)
{
    atoll_error *error = NULL;
    uint32_t key = atoll_realm_class(realm, S(name), &error);
    GOOD(error);
    return key;
}

static uint32_t property_key(atoll_realm *realm, const char *c, const char *name)
{
    atoll_error *error = NULL;
    uint32_t key = atoll_realm_property(realm, class_of(realm, c), S(name), &error);
    GOOD(error);
    return key;
}

static int64_t count(atoll_realm *realm, const char *c, const char *query)
{
    atoll_error *error = NULL;
    atoll_results *results = atoll_results_new(realm, class_of(realm, c), S(query), NULL, &error);
    GOOD(error);
    int64_t found = atoll_results_count(results, &error);
    GOOD(error);
    atoll_results_free(results);
    return found;
}

static const char people[] = "Person: id i!,name s,age i,note s?";

/* People with the keys 0.. and names n0.., ages 0.. */
static void fill(place *p, const char *text, int64_t version, int64_t n)
{
    atoll_realm *realm = open_as(p, text, version);
    GOOD(p->error);
    uint32_t c = class_of(realm, "Person"), name = property_key(realm, "Person", "name"),
             age = property_key(realm, "Person", "age"),
             note = property_key(realm, "Person", "note");
    atoll_realm_begin(realm, &p->error);
    for (int64_t i = 0; i < n; i++) {
        char label[32];
        atoll_values *key = int_key(i);
        atoll_object *o = atoll_realm_create(realm, c, key, &p->error);
        snprintf(label, sizeof label, "n%d", (int)i);
        atoll_object_set_string(o, name, S(label), &p->error);
        atoll_object_set_int(o, age, i, &p->error);
        if (i % 2 == 0) atoll_object_set_string(o, note, S(label), &p->error);
        atoll_object_free(o);
        atoll_values_free(key);
    }
    atoll_realm_commit(realm, &p->error);
    GOOD(p->error);
    close_realm(realm);
}

Test(migration, a_changed_class_needs_a_higher_version_and_all_differences_are_named)
{
    place p;
    place_make(&p);
    fill(&p, people, 3, 10);
    cr_assert_null(open_as(&p, "Person: id i!,name s?,years i,note s?", 3));
    cr_assert_not_null(p.error);
    const char *text = atoll_error_message(p.error);
    cr_assert(strstr(text, "'Person.name' is stored as string and given as string, optional") &&
                  strstr(text, "'Person.years' was added") &&
                  strstr(text, "'Person.age' was removed"),
              "%s", text);
    BAD(p.error, ATOLL_ERROR_MIGRATION_REQUIRED);
    cr_assert_null(open_as(&p, people, 2));
    BAD(p.error, ATOLL_ERROR_SCHEMA_VERSION_LOWER);
    /* A class more, or fewer, needs none. */
    atoll_realm *realm = open_as(&p, "Person: id i!,name s,age i,note s?;Pet: id i!", 3);
    GOOD(p.error);
    close_realm(realm);
    realm = open_as(&p, "Pet: id i!", 3);
    GOOD(p.error);
    close_realm(realm);
    realm = open_as(&p, people, 3);
    GOOD(p.error);
    cr_assert_eq(count(realm, "Person", ""), 10);
    cr_assert_null(open_as(&p, people, 4), "while it is open");
    BAD(p.error, ATOLL_ERROR_MISMATCHED_CONFIG);
    close_realm(realm);
    realm = open_as(&p, NULL, 0); /* without models: what is stored */
    GOOD(p.error);
    cr_assert_eq(count(realm, "Person", "age < 5"), 5);
    close_realm(realm);
    temp_folder_remove(p.folder);
}

Test(migration, a_higher_version_alone_migrates_with_defaults)
{
    place p;
    place_make(&p);
    fill(&p, people, 0, 3000);
    for (int round = 0; round < 2; round++) { /* the second time from disk */
        atoll_realm *realm = open_as(&p, "Person: id i!,name s?,age s,extra i?", 1);
        GOOD(p.error);
        cr_assert_eq(count(realm, "Person", "name BEGINSWITH 'n'"), 3000,
                     "only the nullability changed");
        cr_assert_eq(count(realm, "Person", "age == ''"), 3000, "another type begins anew");
        cr_assert_eq(count(realm, "Person", "extra == nil"), 3000);
        atoll_realm_property(realm, class_of(realm, "Person"), S("note"), &p.error);
        BAD(p.error, ATOLL_ERROR_UNKNOWN_PROPERTY);
        atoll_values *key = int_key(1234);
        atoll_object *found = atoll_realm_find(realm, class_of(realm, "Person"), key, &p.error);
        GOOD(p.error);
        cr_assert_not_null(found);
        atoll_object_free(found);
        atoll_values_free(key);
        close_realm(realm);
    }
    /* Null where it is not allowed any more becomes the default. */
    atoll_realm *realm = open_as(&p, "Person: id i!,name s,extra i", 2);
    GOOD(p.error);
    cr_assert_eq(count(realm, "Person", "extra == 0"), 3000);
    cr_assert_eq(count(realm, "Person", "name == 'n77'"), 1);
    close_realm(realm);
    temp_folder_remove(p.folder);
}

Test(migration, old_values_are_read_beside_the_new_ones_that_are_written)
{
    place p;
    place_make(&p);
    fill(&p, people, 1, 3000);
    atoll_migration *m = migrate(&p, "Person: id i!,name s,age s,note s?", 7);
    GOOD(p.error);
    cr_assert_eq(atoll_migration_old_version(m, &p.error), 1);
    atoll_realm *old = atoll_migration_old_realm(m, &p.error),
                *fresh = atoll_migration_new_realm(m, &p.error);
    uint32_t old_age = property_key(old, "Person", "age"),
             new_age = property_key(fresh, "Person", "age");
    atoll_results *all = atoll_results_new(old, class_of(old, "Person"), S(""), NULL, &p.error);
    for (int64_t i = 0; i < 3000; i++) {
        char text[32];
        atoll_object *was = atoll_results_object(all, i, &p.error);
        atoll_object *is = atoll_migration_find_new(m, was, &p.error);
        snprintf(text, sizeof text, "%d years", (int)atoll_object_get_int(was, old_age, &p.error));
        atoll_object_set_string(is, new_age, S(text), &p.error);
        if (i % 3 == 0) atoll_object_delete(is, &p.error);
        GOOD(p.error);
        atoll_object *again = atoll_migration_find_new(m, was, &p.error);
        cr_assert_eq(again == NULL, i % 3 == 0);
        atoll_object_free(again);
        atoll_object_free(is);
        atoll_object_free(was);
    }
    atoll_results_free(all);
    /* Neither realm can be written or ended by hand, and nobody else comes in. */
    atoll_realm_begin(old, &p.error);
    BAD(p.error, ATOLL_ERROR_READ_ONLY);
    atoll_realm_commit(fresh, &p.error);
    BAD(p.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_realm_rollback(fresh, &p.error);
    BAD(p.error, ATOLL_ERROR_INVALID_ARGUMENT);
    cr_assert_null(open_as(&p, people, 1));
    BAD(p.error, ATOLL_ERROR_FILE_IN_USE);
    cr_assert_null(migrate(&p, people, 8));
    BAD(p.error, ATOLL_ERROR_FILE_IN_USE);
    atoll_migration_commit(m, &p.error);
    GOOD(p.error);
    cr_assert(atoll_realm_is_closed(old) && atoll_realm_is_closed(fresh));
    atoll_migration_commit(m, &p.error);
    BAD(p.error, ATOLL_ERROR_CLOSED);
    atoll_realm_free(old);
    atoll_migration_free(m);
    atoll_realm_free(fresh);
    atoll_realm *realm = open_as(&p, "Person: id i!,name s,age s,note s?", 7);
    GOOD(p.error);
    cr_assert_eq(count(realm, "Person", "age ENDSWITH ' years'"), 2000);
    cr_assert_eq(count(realm, "Person", "age == '1001 years' AND name == 'n1001'"), 1);
    close_realm(realm);
    cr_assert_null(migrate(&p, "Person: id i!,name s,age s,note s?", 7), "nothing to do");
    GOOD(p.error);
    temp_folder_remove(p.folder);
}

Test(migration, a_renamed_property_keeps_its_values)
{
    place p;
    place_make(&p);
    fill(&p, people, 0, 2000);
    atoll_migration *m = migrate(&p, "Person: id i!,full s,age i,remark s?,years i?", 1);
    GOOD(p.error);
    const struct {
        const char *c, *from, *to;
        atoll_status expected;
    } wrong[] = {{"Person", "age", "years", ATOLL_ERROR_INVALID_ARGUMENT}, /* it is there still */
                 {"Person", "note", "age", ATOLL_ERROR_INVALID_ARGUMENT},
                 {"Person", "name", "years", ATOLL_ERROR_TYPE_MISMATCH},
                 {"Person", "nme", "full", ATOLL_ERROR_UNKNOWN_PROPERTY},
                 {"Person", "name", "fll", ATOLL_ERROR_UNKNOWN_PROPERTY},
                 {"Pet", "name", "full", ATOLL_ERROR_UNKNOWN_CLASS}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        atoll_migration_rename_property(m, S(wrong[i].c), S(wrong[i].from), S(wrong[i].to),
                                        &p.error);
        BAD(p.error, wrong[i].expected);
    }
    atoll_realm *fresh = atoll_migration_new_realm(m, &p.error);
    /* What was written to the new name before is replaced. */
    atoll_values *key = int_key(5);
    atoll_object *o = atoll_realm_find(fresh, class_of(fresh, "Person"), key, &p.error);
    atoll_object_set_string(o, property_key(fresh, "Person", "full"), S("lost"), &p.error);
    atoll_migration_rename_property(m, S("Person"), S("name"), S("full"), &p.error);
    GOOD(p.error);
    atoll_bytes full = atoll_object_get_string(o, property_key(fresh, "Person", "full"), &p.error);
    cr_assert(full.size == 2 && memcmp(full.data, "n5", 2) == 0);
    atoll_object_set_string(o, property_key(fresh, "Person", "full"), S("five"), &p.error);
    atoll_object_free(o);
    atoll_values_free(key);
    atoll_migration_rename_property(m, S("Person"), S("name"), S("full"), &p.error);
    BAD(p.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_migration_rename_property(m, S("Person"), S("note"), S("remark"), &p.error);
    GOOD(p.error);
    atoll_realm_free(fresh);
    atoll_migration_commit(m, &p.error);
    GOOD(p.error);
    atoll_migration_free(m);
    for (int round = 0; round < 2; round++) {
        atoll_realm *realm = open_as(&p, "Person: id i!,full s,age i,remark s?,years i?", 1);
        GOOD(p.error);
        cr_assert_eq(count(realm, "Person", "full BEGINSWITH 'n'"), 1999);
        cr_assert_eq(count(realm, "Person", "full == 'five' AND age == 5"), 1);
        cr_assert_eq(count(realm, "Person", "remark == nil"), 1000);
        close_realm(realm);
    }
    temp_folder_remove(p.folder);
}

Test(migration, a_cancelled_or_failed_migration_changes_nothing)
{
    place p;
    place_make(&p);
    fill(&p, people, 0, 1500);
    for (int way = 0; way < 3; way++) {
        atoll_migration *m = migrate(&p, "Person: id i,name s!", 1);
        GOOD(p.error);
        atoll_realm *fresh = atoll_migration_new_realm(m, &p.error);
        atoll_realm_delete_class(fresh, class_of(fresh, "Person"), &p.error);
        for (int i = 0; i < 2 && way == 2; i++) { /* two with one key: allowed until the commit */
            char text[8];
            snprintf(text, sizeof text, "k%d", i);
            atoll_values *key = text_key(text);
            atoll_object *o = atoll_realm_create(fresh, class_of(fresh, "Person"), key, &p.error);
            GOOD(p.error);
            atoll_object_set_string(o, property_key(fresh, "Person", "name"), S("same"), &p.error);
            GOOD(p.error);
            atoll_object_free(o);
            atoll_values_free(key);
        }
        if (way == 0) atoll_migration_cancel(m);
        if (way == 2) {
            atoll_migration_commit(m, &p.error);
            BAD(p.error, ATOLL_ERROR_DUPLICATE_PRIMARY_KEY);
        }
        atoll_migration_free(m);
        cr_assert(atoll_realm_is_closed(fresh));
        atoll_realm_free(fresh);
        atoll_realm *realm = open_as(&p, people, 0);
        GOOD(p.error);
        cr_assert_eq(count(realm, "Person", "name BEGINSWITH 'n'"), 1500);
        close_realm(realm);
    }
    temp_folder_remove(p.folder);
}

Test(migration, another_primary_key_is_found_by_and_refuses_duplicates)
{
    place p;
    place_make(&p);
    fill(&p, people, 0, 2000);
    /* name as the key: all differ; then note, which is missing in half of them. */
    for (int round = 0; round < 2; round++) {
        atoll_realm *realm = open_as(&p, "Person: id i,name s!,age i,note s?", 1);
        GOOD(p.error);
        for (int i = 0; i < 2000; i += 37) {
            char text[32];
            snprintf(text, sizeof text, "n%d", i);
            atoll_values *key = text_key(text);
            atoll_object *o = atoll_realm_find(realm, class_of(realm, "Person"), key, &p.error);
            cr_assert_not_null(o, "%s", text);
            cr_assert_eq(atoll_object_get_int(o, property_key(realm, "Person", "id"), &p.error), i);
            atoll_object_free(o);
            if (i == 0) {
                atoll_realm_begin(realm, &p.error);
                cr_assert_null(atoll_realm_create(realm, class_of(realm, "Person"), key, &p.error));
                BAD(p.error, ATOLL_ERROR_DUPLICATE_PRIMARY_KEY);
                atoll_realm_rollback(realm, &p.error);
            }
            atoll_values_free(key);
        }
        close_realm(realm);
    }
    cr_assert_null(open_as(&p, "Person: id i,name s,age i,other s!", 2), "all would be empty");
    BAD(p.error, ATOLL_ERROR_DUPLICATE_PRIMARY_KEY);
    atoll_realm *realm = open_as(&p, "Person: id i,name s,age i,note s?", 2); /* none */
    GOOD(p.error);
    cr_assert_eq(count(realm, "Person", ""), 2000);
    close_realm(realm);
    temp_folder_remove(p.folder);
}

Test(migration, keys_can_be_set_and_swapped)
{
    place p;
    place_make(&p);
    fill(&p, people, 0, 100);
    atoll_migration *m = migrate(&p, "Person: id i!,name s,age i", 1);
    GOOD(p.error);
    atoll_realm *fresh = atoll_migration_new_realm(m, &p.error);
    atoll_results *all = atoll_results_new(fresh, class_of(fresh, "Person"), S(""), NULL, &p.error);
    uint32_t id = property_key(fresh, "Person", "id");
    atoll_results *fixed = atoll_results_snapshot(all, &p.error);
    for (int64_t i = 0; i < 100; i++) {
        atoll_object *o = atoll_results_object(fixed, i, &p.error);
        atoll_object_set_int(o, id, 99 - atoll_object_get_int(o, id, &p.error), &p.error);
        GOOD(p.error);
        atoll_object_free(o);
    }
    atoll_results_free(fixed);
    atoll_results_free(all);
    atoll_realm_free(fresh);
    atoll_migration_commit(m, &p.error);
    GOOD(p.error);
    atoll_migration_free(m);
    atoll_realm *realm = open_as(&p, "Person: id i!,name s,age i", 1);
    for (int64_t i = 0; i < 100; i++) {
        atoll_values *key = int_key(i);
        atoll_object *o = atoll_realm_find(realm, class_of(realm, "Person"), key, &p.error);
        GOOD(p.error);
        cr_assert_eq(atoll_object_get_int(o, property_key(realm, "Person", "age"), &p.error),
                     99 - i);
        atoll_object_free(o);
        atoll_values_free(key);
    }
    close_realm(realm);
    temp_folder_remove(p.folder);
}

static const char owners[] = "Person: id i!,name s,age i,note s?,home >City,places @Spot;"
                             "City: id i!,spot @Spot;@Spot: text s";

static void fill_owned(place *p)
{
    atoll_realm *realm = open_as(p, owners, 0);
    GOOD(p->error);
    atoll_realm_begin(realm, &p->error);
    for (int64_t i = 0; i < 50; i++) {
        atoll_values *key = int_key(i);
        atoll_object *city = atoll_realm_create(realm, class_of(realm, "City"), key, &p->error),
                     *person = atoll_realm_create(realm, class_of(realm, "Person"), key, &p->error);
        atoll_object_free(
            atoll_object_create_embedded(city, property_key(realm, "City", "spot"), &p->error));
        atoll_object_free(atoll_object_create_embedded(
            person, property_key(realm, "Person", "places"), &p->error));
        GOOD(p->error);
        atoll_object_free(city);
        atoll_object_free(person);
        atoll_values_free(key);
    }
    atoll_realm_commit(realm, &p->error);
    GOOD(p->error);
    close_realm(realm);
}

Test(migration, a_removed_class_takes_its_objects_and_what_they_own_along)
{
    place p;
    place_make(&p);
    fill_owned(&p);
    const char after[] = "Person: id i!,name s;@Spot: text s";
    atoll_realm *realm =
        open_as(&p, after, 1); /* places goes with what it holds; City stays unseen */
    GOOD(p.error);
    cr_assert_eq(count(realm, "Spot", ""), 50, "those of the cities");
    cr_assert_eq(count(realm, "City", ""), 50);
    close_realm(realm);
    atoll_migration *m = migrate(&p, after, 2);
    GOOD(p.error);
    atoll_migration_remove_class(m, S("Person"), &p.error);
    BAD(p.error, ATOLL_ERROR_INVALID_ARGUMENT);
    atoll_migration_remove_class(m, S("Nobody"), &p.error);
    BAD(p.error, ATOLL_ERROR_UNKNOWN_CLASS);
    atoll_migration_remove_class(m, S("City"), &p.error);
    GOOD(p.error);
    atoll_migration_commit(m, &p.error);
    GOOD(p.error);
    atoll_migration_free(m);
    for (int round = 0; round < 2; round++) {
        realm = open_as(&p, after, 2);
        GOOD(p.error);
        atoll_realm_class(realm, S("City"), &p.error);
        BAD(p.error, ATOLL_ERROR_UNKNOWN_CLASS);
        cr_assert_eq(count(realm, "Spot", ""), 0);
        cr_assert_eq(count(realm, "Person", ""), 50);
        close_realm(realm);
    }
    realm = open_as(&p, "Person: id i!,name s;@Spot: text s;City: id i!", 2); /* it begins anew */
    GOOD(p.error);
    cr_assert_eq(count(realm, "City", ""), 0);
    close_realm(realm);
    temp_folder_remove(p.folder);
}

Test(migration, a_class_that_is_still_linked_to_is_not_removed)
{
    place p;
    place_make(&p);
    fill_owned(&p);
    atoll_migration *m = migrate(&p, "@Spot: text s,more i", 1);
    GOOD(p.error);
    atoll_migration_remove_class(m, S("City"), &p.error); /* Person.home, unseen, links to it */
    GOOD(p.error);
    atoll_migration_commit(m, &p.error);
    BAD(p.error, ATOLL_ERROR_SCHEMA_INVALID);
    atoll_migration_free(m);
    atoll_realm *realm = open_as(&p, owners, 0);
    GOOD(p.error);
    cr_assert_eq(count(realm, "City", ""), 50);
    close_realm(realm);
    temp_folder_remove(p.folder);
}

Test(migration, a_realm_may_be_emptied_instead)
{
    place p;
    place_make(&p);
    fill(&p, people, 5, 10);
    const char *const texts[] = {people, "Person: id i!,name s?,age i,note s?", people};
    const int64_t versions[] = {5, 5, 2}, left[] = {10, 0, 0};
    for (int i = 0; i < 3; i++) {
        atoll_config *config = config_of(&p, texts[i], versions[i]);
        atoll_config_set_delete_if_migration_needed(config, true, &p.error);
        atoll_realm *realm = atoll_realm_open(config, &p.error);
        GOOD(p.error);
        cr_assert_eq(count(realm, "Person", ""), left[i]);
        close_realm(realm);
        atoll_config_free(config);
    }
    temp_folder_remove(p.folder);
}
