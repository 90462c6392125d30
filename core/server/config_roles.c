/* Roles, partition rules and queryable fields in the configuration file.
 * Must never: let a condition pass that could only be found wrong when a user comes, if it can be told before.
 * Invariant: an app whose configuration has roles restricts; what no role names is forbidden. */
#include "server/config_internal.h"
#include "server/roles.h"

#include <stdio.h>

static const yaml_node_t *node_of(yaml_reading *r, int index)
{
    return yaml_document_get_node(&r->document, index);
}

/* true, false, or a condition: NULL, one that is never fulfilled, or its text. */
static status read_condition(const yaml_node_t *node, bool of_object, char **out)
{
    if (config_is(node, "true")) {
        memory_free(*out);
        *out = NULL;
        return ATOLL_OK;
    }
    if (config_is(node, "false")) return config_set_text(out, bytes_text("FALSEPREDICATE"));
    if (config_scalar(node).size == 0)
        return config_fail_at(node, "expected true, false or a condition in quotes");
    TRY(config_set_text(out, config_scalar(node)));
    status result = role_check_condition(*out, of_object);
    if (result == ATOLL_OK || result == ATOLL_ERROR_OUT_OF_MEMORY) return result;
    char text[400];
    snprintf(text, sizeof text, "%s", fail_text());
    return config_fail_at(node, text);
}

static status read_filters(yaml_reading *r, const yaml_node_t *node, role *to)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "document_filters: expected read and write");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_of(r, pair->key), *value = node_of(r, pair->value);
        if (config_is(key, "read"))
            TRY(read_condition(value, true, &to->read));
        else if (config_is(key, "write"))
            TRY(read_condition(value, true, &to->write));
        else
            return config_fail_at(key, "unknown key: expected read or write");
    }
    return ATOLL_OK;
}

/* What is not said is as for the other fields; what may not be read may not be written. */
static status read_field(yaml_reading *r, const yaml_node_t *node, role_field *field)
{
    bool writes_said = false;
    if (node->type != YAML_MAPPING_NODE) return config_fail_at(node, "expected read and write");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_of(r, pair->key), *value = node_of(r, pair->value);
        bool writes = config_is(key, "write");
        if (!writes && !config_is(key, "read"))
            return config_fail_at(key, "unknown key: expected read or write");
        TRY(config_bool(value, writes ? &field->write : &field->read));
        writes_said |= writes;
    }
    if (!writes_said) field->write &= field->read;
    return ATOLL_OK;
}

static status read_fields(yaml_reading *r, const yaml_node_t *node, role *to)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "fields: expected names of fields");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        role_field field = {.read = to->read_others, .write = to->write_others};
        TRY(read_field(r, node_of(r, pair->value), &field));
        TRY(config_set_text(&field.name, config_scalar(node_of(r, pair->key))));
        status result = vector_push(&to->fields, field);
        if (result != ATOLL_OK) {
            memory_free(field.name);
            return result;
        }
    }
    return ATOLL_OK;
}

static status read_role_key(yaml_reading *r, const yaml_node_t *key, const yaml_node_t *node,
                            role *to)
{
    if (config_is(key, "name")) return config_set_text(&to->name, config_scalar(node));
    if (config_is(key, "apply_when")) return read_condition(node, false, &to->apply_when);
    if (config_is(key, "document_filters")) return read_filters(r, node, to);
    if (config_is(key, "read")) return config_bool(node, &to->read_others);
    if (config_is(key, "write")) return config_bool(node, &to->write_others);
    if (config_is(key, "insert")) return config_bool(node, &to->insert);
    if (config_is(key, "delete")) return config_bool(node, &to->remove);
    if (config_is(key, "fields")) return ATOLL_OK; /* after the rest */
    return config_fail_at(key, "unknown key: expected name, apply_when, document_filters, read, "
                               "write, insert, delete or fields");
}

static status read_role(yaml_reading *r, const yaml_node_t *node, role *to)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "expected a role: name, apply_when, read, write, ...");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        TRY(read_role_key(r, node_of(r, pair->key), node_of(r, pair->value), to));
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        if (config_is(node_of(r, pair->key), "fields"))
            TRY(read_fields(r, node_of(r, pair->value), to));
    }
    return to->name != NULL && to->name[0] != '\0' ? ATOLL_OK
                                                   : config_fail_at(node, "the role has no name");
}

static status read_class(yaml_reading *r, const yaml_node_t *node, class_roles *to)
{
    if (node->type != YAML_SEQUENCE_NODE) return config_fail_at(node, "expected a list of roles");
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        role made = {0};
        status result = read_role(r, node_of(r, *item), &made);
        if (result == ATOLL_OK) result = vector_push(&to->roles, made);
        if (result != ATOLL_OK) {
            role_free(&made);
            return result;
        }
    }
    return ATOLL_OK;
}

/* name NULL: the default roles. */
static status add_class(yaml_reading *r, const yaml_node_t *name, const yaml_node_t *node,
                        role_set *set)
{
    class_roles empty = {0};
    set->restricts = true;
    TRY(vector_push(&set->classes, empty));
    class_roles *to = &set->classes.items[set->classes.count - 1];
    if (name != NULL) TRY(config_set_text(&to->class_name, config_scalar(name)));
    return read_class(r, node, to);
}

static status read_roles(yaml_reading *r, const yaml_node_t *node, role_set *set)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "roles: expected names of classes, each with a list of roles");
    set->restricts = true;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        TRY(add_class(r, node_of(r, pair->key), node_of(r, pair->value), set));
    return ATOLL_OK;
}

static status read_partition_rules(yaml_reading *r, const yaml_node_t *node, role_set *set)
{
    if (node->type != YAML_MAPPING_NODE)
        return config_fail_at(node, "partition_rules: expected read and write");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_of(r, pair->key), *value = node_of(r, pair->value);
        if (config_is(key, "read"))
            TRY(read_condition(value, false, &set->partition_read));
        else if (config_is(key, "write"))
            TRY(read_condition(value, false, &set->partition_write));
        else
            return config_fail_at(key, "unknown key: expected read or write");
    }
    return ATOLL_OK;
}

static status read_names(yaml_reading *r, const yaml_node_t *class_name, const yaml_node_t *node,
                         role_set *set)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return config_fail_at(node, "queryable_fields: expected a list of names of fields");
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        queryable_name q = {0};
        status result = config_set_text(&q.property, config_scalar(node_of(r, *item)));
        if (result == ATOLL_OK && class_name != NULL)
            result = config_set_text(&q.class_name, config_scalar(class_name));
        if (result == ATOLL_OK) result = vector_push(&set->queryable, q);
        if (result != ATOLL_OK) {
            memory_free(q.property);
            memory_free(q.class_name);
            return result;
        }
    }
    return ATOLL_OK;
}

static status read_queryable(yaml_reading *r, const yaml_node_t *node, role_set *set)
{
    set->declares = true;
    if (node->type != YAML_MAPPING_NODE) return read_names(r, NULL, node, set);
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        TRY(read_names(r, node_of(r, pair->key), node_of(r, pair->value), set));
    return ATOLL_OK;
}

status config_roles_key(yaml_reading *r, const yaml_node_t *key, const yaml_node_t *node,
                        app_config *app)
{
    if (app->roles == NULL) TRY(role_set_new(&app->roles));
    if (config_is(key, "roles")) return read_roles(r, node, app->roles);
    if (config_is(key, "default_roles")) return add_class(r, NULL, node, app->roles);
    if (config_is(key, "partition_rules")) return read_partition_rules(r, node, app->roles);
    return read_queryable(r, node, app->roles);
}
