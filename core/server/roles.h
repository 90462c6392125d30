#ifndef ATOLL_SERVER_ROLES_H
#define ATOLL_SERVER_ROLES_H
#include "query/query.h"
#include "server/user_data.h"

/* Roles as an app's configuration has them (docs/server.md): who may see and write which objects and fields. rules.h
 * makes of them what one session may do. */
typedef struct role_field {
    char *name;
    bool read, write;
} role_field;

typedef struct role {
    char *name;
    char *apply_when;   /* a condition on the user; NULL: always */
    char *read, *write; /* conditions on the object; NULL: always, "FALSEPREDICATE": never */
    bool read_others, write_others; /* fields that `fields` does not name */
    bool insert, remove;
    VECTOR(role_field) fields;
} role;

typedef struct class_roles {
    char *class_name; /* NULL: for the classes that have none of their own */
    VECTOR(role) roles;
} class_roles;

typedef struct queryable_name {
    char *class_name; /* NULL: of every class that has it */
    char *property;
} queryable_name;

typedef struct role_set role_set;
struct role_set {
    size_t references;
    bool restricts; /* some class or the default has roles: what no role names is forbidden */
    VECTOR(class_roles) classes;
    bool declares; /* subscriptions may only name the fields in `queryable` (and the key) */
    VECTOR(queryable_name) queryable;
    char *partition_read,
        *partition_write; /* conditions on the partition and the user; NULL: always */
};

status role_set_new(role_set **out) MUST_CHECK;
role_set *role_set_retain(role_set *s);
void role_set_release(role_set *s);
void role_free(role *r);

bool role_set_queryable(const role_set *s, const char *class_name, const char *property);

/* Who it is about: the values of %%user.id, %%user.custom_data.path, %%partition. */
typedef struct role_subject {
    const char *user_id;
    const user_data *data;  /* NULL: none */
    const value *partition; /* NULL: flexible sync */
} role_subject;

/* Is a condition on the user (and the partition) true? No data where %%user.custom_data leads: null. */
status role_applies(const char *condition, const role_subject *subject, bool *out) MUST_CHECK;
/* A condition on the objects of a class with the subject's values in it. No data where it leads: *out NULL, no object
 * fulfils it. */
status role_filter(const model_schema *schema, const model_class *c, const char *condition,
                   const role_subject *subject, query **out) MUST_CHECK;
/* What can be told before there is a user: syntax, names of expansions, properties in conditions on the user. */
status role_check_condition(const char *condition, bool of_object) MUST_CHECK;
#endif
