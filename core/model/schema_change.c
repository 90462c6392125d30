/* What a changed schema asks of the stored one: which properties stay, come and go, in words and as a plan. It must never
 * touch stored data. Invariant: what is the same but for its name's flags keeps its key, everything else gets a new one,
 * and no key is given twice. */
#include "model/schema_change.h"
#include <stdio.h>

static status note(schema_plan *plan, const char *format, const char *class_name, const char *name,
                   const char *a, const char *b)
{
    char line[512];
    /* The formats are the literals below. */
    int size = snprintf(line, sizeof line, format, class_name, name, a, b);
    size_t length = size < 0 ? 0 : (size_t)size < sizeof line ? (size_t)size : sizeof line - 1;
    plan->needs_version = true;
    if (plan->text.size != 0) TRY(buffer_append(&plan->text, "; ", 2));
    return buffer_append(&plan->text, line, length);
}

/* The same column: which property is the primary key is not a matter of the column. */
static bool same_column(const model_property *a, const model_property *b, uint8_t ignored)
{
    model_property left = *a, right = *b;
    left.flags &= (uint8_t)~ignored;
    right.flags &= (uint8_t)~ignored;
    return schema_property_same(&left, &right);
}

static bool is_scalar(const model_property *p)
{
    return (p->flags & PROPERTY_COLLECTION) == 0 && p->type != VALUE_LINK &&
           p->type != VALUE_EMBEDDED && p->type != VALUE_MIXED;
}

static status push_removed(schema_plan *plan, const model_class *c, const model_property *p)
{
    return vector_push(&plan->removed, ((schema_removal){.class_of = c->key,
                                                         .property = p->key,
                                                         .type = p->type,
                                                         .target = p->target,
                                                         .flags = p->flags}));
}

static status keep_properties(schema_plan *plan, const model_class *stored,
                              const model_class *given, model_class *into)
{
    for (size_t i = 0; i < stored->property_count; i++) {
        const model_property *old = &stored->properties[i],
                             *fresh = class_property_named(given, bytes_text(old->name));
        if (fresh != NULL && same_column(old, fresh, PROPERTY_PRIMARY_KEY)) {
            model_property kept = *old;
            kept.flags = (uint8_t)((old->flags & ~PROPERTY_PRIMARY_KEY) |
                                   (fresh->flags & PROPERTY_PRIMARY_KEY));
            TRY(schema_property_push(into, &kept));
            if ((fresh->flags & PROPERTY_PRIMARY_KEY) != 0) into->primary_key = old->key;
            continue;
        }
        TRY(push_removed(plan, stored, old));
        if (fresh == NULL)
            TRY(note(plan, "property '%s.%s' was removed", stored->name, old->name, "", ""));
    }
    return ATOLL_OK;
}

static status add_properties(schema_plan *plan, const model_class *stored, const model_class *given,
                             model_class *into)
{
    char was[256], is[256];
    for (size_t i = 0; i < given->property_count; i++) {
        const model_property *p = &given->properties[i],
                             *old = class_property_named(stored, bytes_text(p->name));
        if (old != NULL && same_column(old, p, PROPERTY_PRIMARY_KEY)) continue;
        if (into->property_count >= LIMIT_PROPERTIES_MAX)
            return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "class '%s' would have more than %d properties",
                        into->name, LIMIT_PROPERTIES_MAX);
        model_property fresh = *p;
        fresh.key = ++into->key_count;
        TRY(schema_property_push(into, &fresh));
        if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) into->primary_key = fresh.key;
        if (old == NULL) {
            TRY(note(plan, "property '%s.%s' was added", into->name, p->name, "", ""));
            continue;
        }
        schema_property_describe(old, was, sizeof was);
        schema_property_describe(p, is, sizeof is);
        TRY(note(plan, "property '%s.%s' is stored as %s and given as %s", into->name, p->name, was,
                 is));
        if (is_scalar(p) && same_column(old, p, PROPERTY_PRIMARY_KEY | PROPERTY_NULLABLE))
            TRY(vector_push(&plan->copied, ((schema_copied){into->key, old->key, fresh.key})));
    }
    return ATOLL_OK;
}

static const char *key_name(const model_class *c)
{
    const model_property *p = c->primary_key == 0 ? NULL : class_property(c, c->primary_key);
    return p == NULL ? "none" : p->name;
}

static status change_class(schema_plan *plan, const model_class *stored, const model_class *given,
                           model_class *into)
{
    if (stored->kind != given->kind)
        return fail(ATOLL_ERROR_SCHEMA_MISMATCH,
                    "not supported yet: a change of the kind of class '%s', from %d to %d",
                    stored->name, (int)stored->kind, (int)given->kind);
    into->primary_key = 0;
    TRY(keep_properties(plan, stored, given, into));
    TRY(add_properties(plan, stored, given, into));
    if (into->primary_key == stored->primary_key) return ATOLL_OK;
    if (strcmp(key_name(stored), key_name(into)) != 0)
        TRY(note(plan, "the primary key of class '%s' was '%s%s' and is '%s'", stored->name,
                 key_name(stored), "", key_name(into)));
    return vector_push(&plan->rekeyed, stored->key);
}

static status plan_classes(schema_plan *plan, const model_schema *stored, const model_schema *given)
{
    model_schema *into = &plan->schema;
    into->version = stored->version;
    into->key_count = stored->key_count;
    for (size_t i = 0; i < stored->class_count; i++) {
        const model_class *old = &stored->classes[i],
                          *fresh = schema_class_named(given, bytes_text(old->name));
        TRY(schema_class_push(into, old));
        model_class *copy = &into->classes[into->class_count - 1];
        for (size_t k = 0; fresh == NULL && k < old->property_count; k++)
            TRY(schema_property_push(copy, &old->properties[k]));
        if (fresh != NULL) TRY(change_class(plan, old, fresh, copy));
    }
    for (size_t i = 0; i < given->class_count; i++) {
        const model_class *fresh = &given->classes[i];
        if (schema_class_named(stored, bytes_text(fresh->name)) != NULL) continue;
        if (into->class_count >= LIMIT_CLASSES_MAX)
            return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a schema has at most %d classes",
                        LIMIT_CLASSES_MAX);
        model_class empty = {.name = fresh->name, .kind = fresh->kind, .key = ++into->key_count};
        const model_class nothing = {.name = fresh->name};
        schema_plan silent = {0};
        plan->adds = true;
        TRY(schema_class_push(into, &empty));
        buffer_init(&silent.text, SCHEMA_TEXT_SIZE_MAX);
        status result =
            add_properties(&silent, &nothing, fresh, &into->classes[into->class_count - 1]);
        schema_plan_free(&silent);
        TRY(result);
    }
    return ATOLL_OK;
}

status schema_plan_make(const model_schema *stored, const model_schema *given, schema_plan *out)
{
    schema_plan plan = {0};
    buffer_init(&plan.text, SCHEMA_TEXT_SIZE_MAX);
    status result = plan_classes(&plan, stored, given);
    if (result == ATOLL_OK) result = schema_add_hidden(&plan.schema, &plan.adds);
    if (result == ATOLL_OK) result = buffer_append_byte(&plan.text, 0);
    if (result != ATOLL_OK) {
        schema_plan_free(&plan);
        return result;
    }
    schema_resolve(&plan.schema);
    *out = plan;
    return ATOLL_OK;
}

void schema_plan_free(schema_plan *plan)
{
    schema_free(&plan->schema);
    vector_free(&plan->removed);
    vector_free(&plan->rekeyed);
    vector_free(&plan->copied);
    buffer_free(&plan->text);
}
