/* Conditions of roles: RQL text with %%user.id, %%user.custom_data.path and %%partition, which become the values of one
 * user.
 * It must never put a value into the text of a query: values are arguments, whatever is written in them.
 * Invariant: a condition on an object that names a value which the user does not have is fulfilled by no object. */
#include "server/roles.h"

#include "base/log.h"

#include <stdio.h>

/* ---- the set ---- */

status role_set_new(role_set **out)
{
    role_set *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    s->references = 1;
    *out = s;
    return ATOLL_OK;
}

role_set *role_set_retain(role_set *s)
{
    if (s != NULL) s->references++;
    return s;
}

void role_free(role *r)
{
    for (size_t i = 0; i < r->fields.count; i++) memory_free(r->fields.items[i].name);
    vector_free(&r->fields);
    memory_free(r->name);
    memory_free(r->apply_when);
    memory_free(r->read);
    memory_free(r->write);
    *r = (role){0};
}

void role_set_release(role_set *s)
{
    if (s == NULL || --s->references > 0) return;
    for (size_t i = 0; i < s->classes.count; i++) {
        class_roles *c = &s->classes.items[i];
        for (size_t k = 0; k < c->roles.count; k++) role_free(&c->roles.items[k]);
        vector_free(&c->roles);
        memory_free(c->class_name);
    }
    vector_free(&s->classes);
    for (size_t i = 0; i < s->queryable.count; i++) {
        memory_free(s->queryable.items[i].class_name);
        memory_free(s->queryable.items[i].property);
    }
    vector_free(&s->queryable);
    memory_free(s->partition_read);
    memory_free(s->partition_write);
    memory_free(s);
}

bool role_set_queryable(const role_set *s, const char *class_name, const char *property)
{
    for (size_t i = 0; i < s->queryable.count; i++) {
        const queryable_name *q = &s->queryable.items[i];
        if ((q->class_name == NULL || strcmp(q->class_name, class_name) == 0) &&
            strcmp(q->property, property) == 0)
            return true;
    }
    return !s->declares;
}

/* ---- expansions ---- */

typedef struct expanded {
    buffer text;
    value_vector values;           /* of expansion n; null where it is a list */
    VECTOR(query_arguments) lists; /* of expansion n */
    VECTOR(const query_arguments *) places;
    VECTOR(value_vector *) kept;
    bool missing; /* some value is not there */
} expanded;

static void expanded_free(expanded *e)
{
    for (size_t i = 0; i < e->kept.count; i++) {
        vector_free(e->kept.items[i]);
        memory_free(e->kept.items[i]);
    }
    vector_free(&e->kept);
    vector_free(&e->values);
    vector_free(&e->lists);
    vector_free(&e->places);
    buffer_free(&e->text);
}

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '$' || c >= 0x80;
}

static status look_up(const role_subject *s, bytes name, user_data_kind *kind, value_vector *out)
{
    static const char custom[] = "user.custom_data.";
    value v;
    *kind = USER_DATA_VALUE;
    if (bytes_equal(name, bytes_text("user.id"))) {
        v = value_string(bytes_text(s->user_id));
        return vector_push(out, v);
    }
    if (bytes_equal(name, bytes_text("partition"))) {
        if (s->partition == NULL) {
            *kind = USER_DATA_NONE;
            return ATOLL_OK;
        }
        return vector_push(out, *s->partition);
    }
    size_t size = sizeof custom - 1;
    if (name.size > size && memcmp(name.data, custom, size) == 0)
        return user_data_get(s->data, bytes_of(name.data + size, name.size - size), kind, out);
    return fail(ATOLL_ERROR_MISMATCHED_CONFIG,
                "unknown expansion '%%%%%.*s': expected %%%%user.id, %%%%user.custom_data.NAME or "
                "%%%%partition",
                (int)name.size, (const char *)name.data);
}

/* After IN and the quantifiers there is a list, be it of one or of none. */
static bool wants_list(bytes text)
{
    static const char *const words[] = {"IN", "ANY", "SOME", "ALL", "NONE"};
    size_t end = text.size;
    while (end > 0 && (text.data[end - 1] == ' ' || text.data[end - 1] == '\n')) end--;
    if (end == text.size) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i]);
        bool same = end >= size && (end == size || !is_name_byte(text.data[end - size - 1]));
        for (size_t k = 0; same && k < size; k++)
            same = (text.data[end - size + k] & ~0x20) == words[i][k];
        if (same) return true;
    }
    return false;
}

/* Expansion n: `$n` where it is a value of its own, the property `v<n>` in conditions on the user. */
static status add_expansion(expanded *e, const role_subject *s, bytes name, bool as_property)
{
    char text[32];
    user_data_kind kind = USER_DATA_NONE;
    value_vector *found = memory_allocate_zero(sizeof *found);
    if (found == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    status result = vector_push(&e->kept, found);
    if (result != ATOLL_OK) {
        memory_free(found);
        return result;
    }
    TRY(look_up(s, name, &kind, found));
    bool list = kind == USER_DATA_LIST || wants_list(buffer_view(&e->text));
    value one = kind == USER_DATA_VALUE ? found->items[0] : value_null();
    query_arguments items = {0};
    e->missing |= kind == USER_DATA_NONE;
    if (list) items = (query_arguments){.values = found->items, .count = found->count};
    snprintf(text, sizeof text, as_property && !list ? "v%zu" : "$%zu", e->values.count);
    TRY(vector_push(&e->values, one));
    TRY(vector_push(&e->lists, items));
    const query_arguments *is_list =
        list ? &items : NULL; /* Its place is filled when all are there. */
    TRY(vector_push(&e->places, is_list));
    return buffer_append(&e->text, text, strlen(text));
}

static status expand(const char *condition, const role_subject *s, bool as_properties, expanded *e)
{
    bytes from = bytes_text(condition);
    char quote = 0;
    buffer_init(&e->text, 1u << 20);
    for (size_t i = 0; i < from.size; i++) {
        char c = (char)from.data[i];
        bool expansion = quote == 0 && c == '%' && i + 1 < from.size && from.data[i + 1] == '%';
        if (expansion) {
            size_t start = i + 2, end = start;
            while (end < from.size && is_name_byte(from.data[end])) end++;
            TRY(add_expansion(e, s, bytes_of(from.data + start, end - start), as_properties));
            i = end - 1;
            continue;
        }
        if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote != 0 && c == '\\' && i + 1 < from.size) {
            TRY(buffer_append_byte(&e->text, (uint8_t)c));
            c = (char)from.data[++i];
        } else if (c == quote) {
            quote = 0;
        }
        TRY(buffer_append_byte(&e->text, (uint8_t)c));
    }
    for (size_t i = 0; i < e->places.count; i++) {
        if (e->places.items[i] != NULL) e->places.items[i] = &e->lists.items[i];
    }
    return ATOLL_OK;
}

static query_arguments arguments_of(const expanded *e)
{
    return (query_arguments){e->values.items, e->values.count, e->places.items};
}

/* ---- conditions on the user ---- */

/* The values are the properties of one object of a class of its own: so the language is the same as everywhere. */
static status subject_schema(const expanded *e, model_schema *out)
{
    model_schema given = {0};
    size_t index = 0;
    bool changed = false;
    char name[32];
    status result = schema_add_class(&given, bytes_text("User"), CLASS_NORMAL, &index);
    for (size_t i = 0; i < e->values.count && result == ATOLL_OK; i++) {
        snprintf(name, sizeof name, "v%zu", i);
        result = schema_add_property(&given, index, bytes_text(name), VALUE_MIXED,
                                     PROPERTY_NULLABLE, bytes_of("", 0));
    }
    if (result == ATOLL_OK) result = schema_merge(out, &given, &changed);
    schema_free(&given);
    return result;
}

static void subject_value(void *context, property_key p, value *out)
{
    const expanded *e = context;
    size_t at = (size_t)p - 1; /* Keys are given in order. */
    *out = at < e->values.count ? e->values.items[at] : value_null();
}

status role_applies(const char *condition, const role_subject *subject, bool *out)
{
    expanded e = {0};
    model_schema schema = {0};
    query *q = NULL;
    if (condition == NULL) {
        *out = true;
        return ATOLL_OK;
    }
    status result = expand(condition, subject, true, &e);
    query_arguments arguments = arguments_of(&e);
    if (result == ATOLL_OK) result = subject_schema(&e, &schema);
    if (result == ATOLL_OK)
        result = query_new(&schema, schema.classes[0].key, buffer_view(&e.text), &arguments, &q);
    if (result == ATOLL_OK) *out = query_matches_values(q, subject_value, &e);
    if (q != NULL) query_free(q);
    schema_free(&schema);
    expanded_free(&e);
    return result;
}

/* ---- conditions on objects ---- */

status role_filter(const model_schema *schema, const model_class *c, const char *condition,
                   const role_subject *subject, query **out)
{
    expanded e = {0};
    query *q = NULL;
    status result = expand(condition, subject, false, &e);
    query_arguments arguments = arguments_of(&e);
    if (result == ATOLL_OK && !e.missing)
        result = query_new(schema, c->key, buffer_view(&e.text), &arguments, &q);
    if (result == ATOLL_OK && q != NULL && query_has_suffixes(q))
        result = fail(ATOLL_ERROR_MISMATCHED_CONFIG, "a role can't sort or limit: '%s'", condition);
    expanded_free(&e);
    if (result != ATOLL_OK) {
        if (q != NULL) query_free(q);
        return result;
    }
    *out = q;
    return ATOLL_OK;
}

status role_check_condition(const char *condition, bool of_object)
{
    value partition = value_string(bytes_text(""));
    role_subject nobody = {"", NULL, &partition};
    bool applies = false;
    if (condition == NULL) return ATOLL_OK;
    if (!of_object) {
        status result = role_applies(condition, &nobody, &applies);
        if (result != ATOLL_ERROR_UNKNOWN_PROPERTY) return result;
        return fail(ATOLL_ERROR_MISMATCHED_CONFIG,
                    "a condition on the user can't name fields of documents: '%s'", condition);
    }
    model_schema schema = {0};
    expanded none = {0};
    query *q = NULL;
    user_data *data = NULL;
    TRY(subject_schema(&none, &schema));
    status result = user_data_read(bytes_of(NULL, 0), &data);
    expanded e = {0};
    if (result == ATOLL_OK) result = expand(condition, &nobody, false, &e);
    query_arguments arguments = arguments_of(&e);
    if (result == ATOLL_OK) result = query_paths_check(buffer_view(&e.text));
    if (result == ATOLL_OK)
        result = query_new(&schema, schema.classes[0].key, buffer_view(&e.text), &arguments, &q);
    /* Which properties there are is not known yet; their absence is no mistake. */
    if (result == ATOLL_ERROR_UNKNOWN_PROPERTY || result == ATOLL_ERROR_QUERY_TYPE)
        result = ATOLL_OK;
    if (q != NULL) query_free(q);
    user_data_free(data);
    expanded_free(&e);
    schema_free(&schema);
    return result;
}
