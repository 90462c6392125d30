/* What links to an object, as a query over the class that links: results of it are live, can be filtered, sorted and
 * observed like any. It must never look at rows: the index finds them when the query runs. */
#include "query/query_internal.h"

static status check_property(const model_schema *schema, class_key from, property_key p,
                             class_key target, const model_property **out)
{
    const model_class *origin = schema_class(schema, from), *c = schema_class(schema, target);
    if (origin == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_CLASS, "the realm has no class with key %u", from);
    *out = class_property(origin, p);
    if (*out == NULL)
        return fail(ATOLL_ERROR_UNKNOWN_PROPERTY, "class '%s' has no property with key %u",
                    origin->name, p);
    bool links =
        (*out)->type == VALUE_MIXED || ((*out)->type == VALUE_LINK && (*out)->target == target);
    return links
               ? ATOLL_OK
               : fail(ATOLL_ERROR_INVALID_ARGUMENT, "property '%s.%s' does not link to class '%s'",
                      origin->name, (*out)->name, c == NULL ? "?" : c->name);
}

status query_backlinks(const model_schema *schema, class_key target, row_key row, class_key from,
                       property_key p, query **out)
{
    const model_property *property = NULL;
    value object = {.type = VALUE_TYPED_LINK, .as.link = {.row = row, .class_of = target}};
    query_arguments arguments = {.values = &object, .count = 1};
    buffer text;
    TRY(check_property(schema, from, p, target, &property));
    buffer_init(&text, LIMIT_QUERY_SIZE_MAX);
    status result = query_write_name(&text, bytes_text(property->name));
    if (result == ATOLL_OK) result = buffer_append(&text, " == $0", 6);
    if (result == ATOLL_OK) result = query_new(schema, from, buffer_view(&text), &arguments, out);
    buffer_free(&text);
    return result;
}
