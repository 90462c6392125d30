#include <atoll/atoll.h>
#include <stdio.h>
#include <string.h>

#define S(text) (text), strlen(text)

/* A consumer in C: opens a realm, writes an object, counts it. */
int main(int count, char **arguments)
{
    atoll_error *error = NULL;
    if (count != 2) return 2;
    atoll_schema *schema = atoll_schema_new(&error);
    int32_t dog = atoll_schema_add_class(schema, S("Dog"), ATOLL_CLASS_NORMAL, &error);
    atoll_schema_add_property(schema, dog, S("_id"), ATOLL_TYPE_INT, ATOLL_PROPERTY_PRIMARY_KEY,
                              S(""), &error);
    atoll_config *config = atoll_config_new(&error);
    atoll_config_set_path(config, S(arguments[1]), &error);
    atoll_config_set_schema(config, schema, &error);
    atoll_realm *realm = error == NULL ? atoll_realm_open(config, &error) : NULL;
    atoll_values *key = atoll_values_new(&error);
    atoll_values_add_int(key, 1, &error);
    uint32_t dogs = realm == NULL ? 0 : atoll_realm_class(realm, S("Dog"), &error);
    if (error == NULL) atoll_realm_begin(realm, &error);
    if (error == NULL) atoll_object_free(atoll_realm_create(realm, dogs, key, &error));
    if (error == NULL) atoll_realm_commit(realm, &error);
    atoll_results *results =
        error == NULL ? atoll_results_new(realm, dogs, S("_id == 1"), NULL, &error) : NULL;
    long long found = error == NULL ? (long long)atoll_results_count(results, &error) : 0;
    if (error != NULL) fprintf(stderr, "%s\n", atoll_error_message(error));
    printf("found %lld\n", found);
    atoll_results_free(results);
    atoll_values_free(key);
    atoll_realm_free(realm);
    atoll_config_free(config);
    atoll_schema_free(schema);
    return found == 1 && error == NULL ? 0 : 1;
}
