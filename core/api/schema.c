/* atoll_schema: building a schema and reading one back. All rules are the model's (model/schema.c).
 * Invariant: indexes are stable, classes and properties are only added. */
#include "api/api.h"

atoll_schema *atoll_schema_new(atoll_error **error)
{
    atoll_schema *schema = memory_allocate_zero(sizeof *schema);
    if (schema == NULL) api_error_set(error, ATOLL_ERROR_OUT_OF_MEMORY);
    return schema;
}

void atoll_schema_free(atoll_schema *schema)
{
    if (schema == NULL) return;
    schema_free(&schema->schema);
    memory_free(schema);
}

int32_t atoll_schema_add_class(atoll_schema *schema, const char *name, size_t name_size,
                               int32_t kind, atoll_error **error)
{
    size_t index = 0;
    status result = API_NOT_NULL(schema);
    if (result == ATOLL_OK && (kind < CLASS_NORMAL || kind > CLASS_ASYMMETRIC))
        result = fail(ATOLL_ERROR_INVALID_ARGUMENT,
                      "class kind %d does not exist; use 0 normal, 1 embedded or 2 asymmetric",
                      (int)kind);
    if (result == ATOLL_OK) result = API_TEXT(name, name_size);
    if (result == ATOLL_OK && name_size != 0 && name[0] == '@')
        result = fail(ATOLL_ERROR_SCHEMA_INVALID,
                      "the class name '%.*s' begins with '@', which is kept for the library",
                      (int)(name_size > 60 ? 60 : name_size), name);
    if (result == ATOLL_OK)
        result =
            schema_add_class(&schema->schema, bytes_of(name, name_size), (class_kind)kind, &index);
    return api_ok(error, result) ? (int32_t)index : -1;
}

atoll_status atoll_schema_add_property(atoll_schema *schema, int32_t class_index, const char *name,
                                       size_t name_size, atoll_value_type type, int32_t flags,
                                       const char *target, size_t target_size, atoll_error **error)
{
    status result = API_NOT_NULL(schema);
    if (result == ATOLL_OK) result = API_TEXT(name, name_size);
    if (result == ATOLL_OK) result = API_TEXT(target, target_size);
    if (result == ATOLL_OK &&
        (class_index < 0 || (size_t)class_index >= schema->schema.class_count))
        result = fail(ATOLL_ERROR_OUT_OF_RANGE, "class %d does not exist: the schema has %zu",
                      (int)class_index, schema->schema.class_count);
    if (result == ATOLL_OK && (type < ATOLL_TYPE_BOOL || type > ATOLL_TYPE_DICTIONARY))
        result =
            fail(ATOLL_ERROR_NOT_SUPPORTED, "not supported yet: properties of type %d", (int)type);
    if (result == ATOLL_OK && (flags & ~127) != 0)
        result =
            fail(ATOLL_ERROR_INVALID_ARGUMENT, "property flags %d have unknown bits", (int)flags);
    if (result == ATOLL_OK)
        result =
            schema_add_property(&schema->schema, (size_t)class_index, bytes_of(name, name_size),
                                (value_type)type, (uint8_t)flags, bytes_of(target, target_size));
    return api_result(error, result);
}

int32_t atoll_schema_class_count(const atoll_schema *schema)
{
    return schema == NULL ? 0 : (int32_t)schema->schema.class_count;
}

static const model_class *class_at(const atoll_schema *schema, int32_t index, atoll_error **error)
{
    status result = API_NOT_NULL(schema);
    if (result == ATOLL_OK && (index < 0 || (size_t)index >= schema->schema.class_count))
        result = fail(ATOLL_ERROR_OUT_OF_RANGE, "class %d does not exist: the schema has %zu",
                      (int)index, schema->schema.class_count);
    return api_ok(error, result) ? &schema->schema.classes[index] : NULL;
}

static const model_property *property_at(const atoll_schema *schema, int32_t class_index,
                                         int32_t index, atoll_error **error)
{
    const model_class *c = class_at(schema, class_index, error);
    if (c == NULL) return NULL;
    if (index >= 0 && (size_t)index < c->property_count) return &c->properties[index];
    api_error_set(error, fail(ATOLL_ERROR_OUT_OF_RANGE, "property %d does not exist: %s has %zu",
                              (int)index, c->name, c->property_count));
    return NULL;
}

atoll_bytes atoll_schema_class_name(const atoll_schema *schema, int32_t class_index,
                                    atoll_error **error)
{
    const model_class *c = class_at(schema, class_index, error);
    return api_text(c == NULL ? NULL : c->name);
}

int32_t atoll_schema_class_kind(const atoll_schema *schema, int32_t class_index,
                                atoll_error **error)
{
    const model_class *c = class_at(schema, class_index, error);
    return c == NULL ? 0 : (int32_t)c->kind;
}

int32_t atoll_schema_property_count(const atoll_schema *schema, int32_t class_index,
                                    atoll_error **error)
{
    const model_class *c = class_at(schema, class_index, error);
    return c == NULL ? 0 : (int32_t)c->property_count;
}

atoll_bytes atoll_schema_property_name(const atoll_schema *schema, int32_t class_index,
                                       int32_t property_index, atoll_error **error)
{
    const model_property *p = property_at(schema, class_index, property_index, error);
    return api_text(p == NULL ? NULL : p->name);
}

atoll_value_type atoll_schema_property_type(const atoll_schema *schema, int32_t class_index,
                                            int32_t property_index, atoll_error **error)
{
    const model_property *p = property_at(schema, class_index, property_index, error);
    return p == NULL ? ATOLL_TYPE_NULL : (atoll_value_type)p->type;
}

int32_t atoll_schema_property_flags(const atoll_schema *schema, int32_t class_index,
                                    int32_t property_index, atoll_error **error)
{
    const model_property *p = property_at(schema, class_index, property_index, error);
    return p == NULL ? 0 : p->flags;
}

atoll_bytes atoll_schema_property_target(const atoll_schema *schema, int32_t class_index,
                                         int32_t property_index, atoll_error **error)
{
    const model_property *p = property_at(schema, class_index, property_index, error);
    return api_text(p == NULL ? NULL : p->target_name);
}
