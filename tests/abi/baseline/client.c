/* A program as an application would write it, in strict C11 and again as C++17, with the public headers only: it must
 * compile without a warning, link to nothing but libatoll, and run. The sizes that it states are part of the ABI. */
#include <atoll/atoll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
#define SIZE_IS(type, bytes) static_assert(sizeof(type) == (bytes), #type)
#define AT_IS(type, member, bytes) static_assert(offsetof(type, member) == (bytes), #member)
#else
#define SIZE_IS(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#define AT_IS(type, member, bytes) _Static_assert(offsetof(type, member) == (bytes), #member)
#endif
SIZE_IS(atoll_status, 4);
SIZE_IS(atoll_value_type, 4);
SIZE_IS(atoll_timestamp, 16);
SIZE_IS(atoll_bytes, 2 * sizeof(void *));
AT_IS(atoll_timestamp, nanoseconds, 8);
AT_IS(atoll_bytes, size, sizeof(void *));

static int failures;

static void check(int good, const char *what, atoll_error *error)
{
    if (good && error == NULL) return;
    fprintf(stderr, "%s: %s %s\n", what, atoll_status_name(atoll_error_code(error)),
            atoll_error_message(error));
    failures++;
}

static atoll_realm *open_realm(const char *path)
{
    atoll_error *error = NULL;
    atoll_schema *schema = atoll_schema_new(&error);
    atoll_config *config = atoll_config_new(&error);
    int32_t book = atoll_schema_add_class(schema, "Book", 4, ATOLL_CLASS_NORMAL, &error);
    check(atoll_schema_add_property(schema, book, "_id", 3, ATOLL_TYPE_INT,
                                    ATOLL_PROPERTY_PRIMARY_KEY, "", 0, &error) == ATOLL_OK,
          "key", error);
    check(atoll_schema_add_property(schema, book, "title", 5, ATOLL_TYPE_STRING, 0, "", 0,
                                    &error) == ATOLL_OK,
          "title", error);
    check(atoll_config_set_path(config, path, strlen(path), &error) == ATOLL_OK, "path", error);
    check(atoll_config_set_schema(config, schema, &error) == ATOLL_OK, "schema", error);
    atoll_realm *realm = atoll_realm_open(config, &error);
    check(realm != NULL, "open", error);
    atoll_config_free(config);
    atoll_schema_free(schema);
    return realm;
}

static void write_book(atoll_realm *realm)
{
    atoll_error *error = NULL;
    uint32_t book = atoll_realm_class(realm, "Book", 4, &error);
    uint32_t title = atoll_realm_property(realm, book, "title", 5, &error);
    atoll_values *key = atoll_values_new(&error);
    check(atoll_values_add_int(key, 1, &error) == ATOLL_OK, "value", error);
    check(atoll_realm_begin(realm, &error) == ATOLL_OK, "begin", error);
    atoll_object *object = atoll_realm_create(realm, book, key, &error);
    check(atoll_object_set_string(object, title, "Ys", 2, &error) == ATOLL_OK, "set", error);
    check(atoll_realm_commit(realm, &error) > 0, "commit", error);
    atoll_object_free(object);
    object = atoll_realm_find(realm, book, key, &error);
    atoll_bytes text = atoll_object_get_string(object, title, &error);
    check(text.size == 2 && memcmp(text.data, "Ys", 2) == 0, "get", error);
    check(atoll_object_get_int(object, title, &error) == 0 && error != NULL, "an error", NULL);
    check(atoll_error_code(error) == ATOLL_ERROR_TYPE_MISMATCH &&
              strlen(atoll_error_message(error)) > 0,
          "its code", NULL);
    atoll_error_free(error);
    atoll_object_free(object);
    atoll_values_free(key);
}

int main(int count, char **arguments)
{
    char folder[] = "/tmp/atoll-test-XXXXXX", path[64], command[64];
    (void)count;
    (void)arguments;
    if (mkdtemp(folder) == NULL) return 2;
    snprintf(path, sizeof path, "%s/books.atoll", folder);
    atoll_realm *realm = open_realm(path);
    write_book(realm);
    atoll_realm_free(realm);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) return 2;
    return failures == 0 ? 0 : 1;
}
