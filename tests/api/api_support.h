#ifndef ATOLL_TESTS_API_SUPPORT_H
#define ATOLL_TESTS_API_SUPPORT_H
#include <atoll/atoll.h>
#include <criterion/criterion.h>
#include "temp.h"

/* What the tests of the public interface share. They include nothing of core/. */
#define S(text) (text), strlen(text)
/* No error, or the test fails with its text. */
#define GOOD(error)                                                             \
    cr_assert_null(error, "%s: %s", atoll_status_name(atoll_error_code(error)), \
                   atoll_error_message(error))
/* Exactly this error; frees it. */
#define BAD(error, code)                                                                      \
    do {                                                                                      \
        cr_assert_not_null(error, "an error was expected");                                   \
        cr_assert_eq(atoll_error_code(error), code, "%s: %s",                                 \
                     atoll_status_name(atoll_error_code(error)), atoll_error_message(error)); \
        cr_assert_gt(strlen(atoll_error_message(error)), 10, "the error says nothing");       \
        atoll_error_free(error);                                                              \
        error = NULL;                                                                         \
    } while (0)

typedef struct fixture {
    char folder[64], path[96];
    atoll_realm *realm;
    uint32_t dog, dog_id, dog_name, dog_age, dog_weight, dog_owner, dog_tags, dog_born, dog_good,
        dog_photo, dog_chip;
    uint32_t person, person_id, person_name, person_address, person_dogs, person_places;
    uint32_t address, address_city;
    atoll_error *error;
} fixture;

static inline atoll_schema *dogs_schema(void)
{
    atoll_error *error = NULL;
    atoll_schema *s = atoll_schema_new(&error);
    int32_t dog = atoll_schema_add_class(s, S("Dog"), ATOLL_CLASS_NORMAL, &error);
    atoll_schema_add_property(s, dog, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY, S(""),
                              &error);
    atoll_schema_add_property(s, dog, S("name"), ATOLL_TYPE_STRING, 0, S(""), &error);
    atoll_schema_add_property(s, dog, S("age"), ATOLL_TYPE_INT, ATOLL_PROPERTY_NULLABLE, S(""),
                              &error);
    atoll_schema_add_property(s, dog, S("weight"), ATOLL_TYPE_DOUBLE, 0, S(""), &error);
    atoll_schema_add_property(s, dog, S("owner"), ATOLL_TYPE_LINK, ATOLL_PROPERTY_NULLABLE,
                              S("Person"), &error);
    atoll_schema_add_property(s, dog, S("tags"), ATOLL_TYPE_STRING, ATOLL_PROPERTY_LIST, S(""),
                              &error);
    atoll_schema_add_property(s, dog, S("born"), ATOLL_TYPE_TIMESTAMP, ATOLL_PROPERTY_NULLABLE,
                              S(""), &error);
    atoll_schema_add_property(s, dog, S("good"), ATOLL_TYPE_BOOL, 0, S(""), &error);
    atoll_schema_add_property(s, dog, S("photo"), ATOLL_TYPE_BINARY, ATOLL_PROPERTY_NULLABLE, S(""),
                              &error);
    atoll_schema_add_property(s, dog, S("chip"), ATOLL_TYPE_UUID, ATOLL_PROPERTY_NULLABLE, S(""),
                              &error);
    int32_t person = atoll_schema_add_class(s, S("Person"), ATOLL_CLASS_NORMAL, &error);
    atoll_schema_add_property(s, person, S("_id"), ATOLL_TYPE_STRING, ATOLL_PROPERTY_PRIMARY_KEY,
                              S(""), &error);
    atoll_schema_add_property(s, person, S("name"), ATOLL_TYPE_STRING, ATOLL_PROPERTY_NULLABLE,
                              S(""), &error);
    atoll_schema_add_property(s, person, S("address"), ATOLL_TYPE_EMBEDDED, ATOLL_PROPERTY_NULLABLE,
                              S("Address"), &error);
    atoll_schema_add_property(s, person, S("dogs"), ATOLL_TYPE_LINK, ATOLL_PROPERTY_LIST, S("Dog"),
                              &error);
    atoll_schema_add_property(s, person, S("places"), ATOLL_TYPE_EMBEDDED, ATOLL_PROPERTY_LIST,
                              S("Address"), &error);
    int32_t address = atoll_schema_add_class(s, S("Address"), ATOLL_CLASS_EMBEDDED, &error);
    atoll_schema_add_property(s, address, S("city"), ATOLL_TYPE_STRING, ATOLL_PROPERTY_NULLABLE,
                              S(""), &error);
    GOOD(error);
    return s;
}

static inline atoll_realm *open_dogs(const char *path, atoll_error **error)
{
    atoll_schema *schema = dogs_schema();
    atoll_config *config = atoll_config_new(error);
    atoll_config_set_path(config, S(path), error);
    atoll_config_set_schema(config, schema, error);
    atoll_realm *realm = *error == NULL ? atoll_realm_open(config, error) : NULL;
    atoll_config_free(config);
    atoll_schema_free(schema);
    return realm;
}

static inline uint32_t property_of(fixture *f, uint32_t c, const char *name)
{
    uint32_t key = atoll_realm_property(f->realm, c, S(name), &f->error);
    GOOD(f->error);
    return key;
}

static inline void fixture_keys(fixture *f)
{
    f->dog = atoll_realm_class(f->realm, S("Dog"), &f->error);
    f->person = atoll_realm_class(f->realm, S("Person"), &f->error);
    f->address = atoll_realm_class(f->realm, S("Address"), &f->error);
    GOOD(f->error);
    f->dog_id = property_of(f, f->dog, "_id"), f->dog_name = property_of(f, f->dog, "name");
    f->dog_age = property_of(f, f->dog, "age"), f->dog_weight = property_of(f, f->dog, "weight");
    f->dog_owner = property_of(f, f->dog, "owner"), f->dog_tags = property_of(f, f->dog, "tags");
    f->dog_born = property_of(f, f->dog, "born"), f->dog_good = property_of(f, f->dog, "good");
    f->dog_photo = property_of(f, f->dog, "photo"), f->dog_chip = property_of(f, f->dog, "chip");
    f->person_id = property_of(f, f->person, "_id"),
    f->person_name = property_of(f, f->person, "name");
    f->person_address = property_of(f, f->person, "address"),
    f->person_dogs = property_of(f, f->person, "dogs");
    f->person_places = property_of(f, f->person, "places"),
    f->address_city = property_of(f, f->address, "city");
}

static inline void fixture_open(fixture *f)
{
    *f = (fixture){0};
    cr_assert_not_null(temp_folder(f->folder));
    snprintf(f->path, sizeof f->path, "%s/dogs.atoll", f->folder);
    f->realm = open_dogs(f->path, &f->error);
    GOOD(f->error);
    fixture_keys(f);
}

static inline void fixture_close(fixture *f)
{
    atoll_realm_close(f->realm);
    atoll_realm_free(f->realm);
    temp_folder_remove(f->folder);
}

static inline atoll_values *int_key(int64_t key)
{
    atoll_error *error = NULL;
    atoll_values *values = atoll_values_new(&error);
    atoll_values_add_int(values, key, &error);
    GOOD(error);
    return values;
}

static inline atoll_values *text_key(const char *key)
{
    atoll_error *error = NULL;
    atoll_values *values = atoll_values_new(&error);
    atoll_values_add_string(values, S(key), &error);
    GOOD(error);
    return values;
}

/* In a transaction. */
static inline atoll_object *make_dog(fixture *f, int64_t id, const char *name, int64_t age)
{
    atoll_values *key = int_key(id);
    atoll_object *dog = atoll_realm_create(f->realm, f->dog, key, &f->error);
    GOOD(f->error);
    atoll_object_set_string(dog, f->dog_name, S(name), &f->error);
    atoll_object_set_int(dog, f->dog_age, age, &f->error);
    GOOD(f->error);
    atoll_values_free(key);
    return dog;
}

static inline void begin(fixture *f)
{
    atoll_realm_begin(f->realm, &f->error);
    GOOD(f->error);
}

static inline int64_t commit(fixture *f)
{
    int64_t version = atoll_realm_commit(f->realm, &f->error);
    GOOD(f->error);
    return version;
}

static inline int64_t count_of(fixture *f, uint32_t c, const char *query)
{
    atoll_results *results = atoll_results_new(f->realm, c, S(query), NULL, &f->error);
    GOOD(f->error);
    int64_t count = atoll_results_count(results, &f->error);
    GOOD(f->error);
    atoll_results_free(results);
    return count;
}
#endif
