/* Schemas: building, checking, merging. It must never touch stored data; keys are given when a schema is merged into
 * the stored one. Invariant: names are unique, keys are given once and in order. */
#include "model/schema.h"
#include "base/vector.h"
#include <stdio.h>

static void class_free(model_class *c)
{
    for (size_t i = 0; i < c->property_count; i++) {
        memory_free(c->properties[i].name);
        memory_free(c->properties[i].target_name);
    }
    memory_free(c->properties);
    memory_free(c->name);
}

void schema_free(model_schema *s)
{
    for (size_t i = 0; i < s->class_count; i++) class_free(&s->classes[i]);
    memory_free(s->classes);
    *s = (model_schema){0};
}

status schema_property_push(model_class *c, const model_property *from)
{
    if (c->property_count == c->property_capacity)
        TRY(vector_grow((void **)&c->properties, &c->property_capacity, c->property_count + 1,
                        sizeof *c->properties));
    model_property copy = *from;
    copy.name = memory_copy_text(from->name, strlen(from->name));
    copy.target_name = from->target_name == NULL
                           ? NULL
                           : memory_copy_text(from->target_name, strlen(from->target_name));
    if (copy.name == NULL || (from->target_name != NULL && copy.target_name == NULL)) {
        memory_free(copy.name);
        memory_free(copy.target_name);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    c->properties[c->property_count++] = copy;
    return ATOLL_OK;
}

status schema_class_push(model_schema *s, const model_class *from)
{
    if (s->class_count == s->class_capacity)
        TRY(vector_grow((void **)&s->classes, &s->class_capacity, s->class_count + 1,
                        sizeof *s->classes));
    model_class copy = {.key = from->key,
                        .kind = from->kind,
                        .primary_key = from->primary_key,
                        .key_count = from->key_count};
    copy.name = memory_copy_text(from->name, strlen(from->name));
    if (copy.name == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    s->classes[s->class_count++] = copy;
    return ATOLL_OK;
}

void schema_class_remove(model_schema *s, class_key key)
{
    size_t i = 0;
    while (i < s->class_count && s->classes[i].key != key) i++;
    if (i == s->class_count) return;
    class_free(&s->classes[i]);
    s->class_count--;
    memmove(&s->classes[i], &s->classes[i + 1], (s->class_count - i) * sizeof *s->classes);
}

status schema_copy(const model_schema *s, model_schema *out)
{
    model_schema copy = {.version = s->version, .key_count = s->key_count};
    status result = ATOLL_OK;
    for (size_t i = 0; i < s->class_count && result == ATOLL_OK; i++) {
        result = schema_class_push(&copy, &s->classes[i]);
        for (size_t k = 0; k < s->classes[i].property_count && result == ATOLL_OK; k++)
            result = schema_property_push(&copy.classes[i], &s->classes[i].properties[k]);
    }
    if (result != ATOLL_OK) {
        schema_free(&copy);
        return result;
    }
    *out = copy;
    return ATOLL_OK;
}

static status check_name(bytes name, size_t size_max, const char *what)
{
    if (name.size == 0)
        return fail(ATOLL_ERROR_SCHEMA_INVALID, "a %s has an empty name; give it one", what);
    if (name.size > size_max)
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "the %s name '%.*s' has %zu bytes; at most %zu are allowed", what,
                    (int)name.size, (const char *)name.data, name.size, size_max);
    if (!utf8_is_valid(name) || memchr(name.data, 0, name.size) != NULL)
        return fail(ATOLL_ERROR_SCHEMA_INVALID, "a %s name is not valid UTF-8 text", what);
    return ATOLL_OK;
}

status schema_add_class(model_schema *s, bytes name, class_kind kind, size_t *index)
{
    TRY(check_name(name, LIMIT_CLASS_NAME_SIZE_MAX, "class"));
    if (kind != CLASS_NORMAL && kind != CLASS_EMBEDDED && kind != CLASS_ASYMMETRIC)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT, "class kind %d does not exist", (int)kind);
    if (schema_class_named(s, name) != NULL)
        return fail(ATOLL_ERROR_SCHEMA_INVALID, "class '%.*s' is in the schema twice",
                    (int)name.size, (const char *)name.data);
    if (s->class_count >= LIMIT_CLASSES_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a schema has at most %d classes",
                    LIMIT_CLASSES_MAX);
    char text[LIMIT_CLASS_NAME_SIZE_MAX + 1] = {0};
    memcpy(text, name.data, name.size);
    TRY(schema_class_push(s, &(model_class){.name = text, .kind = kind}));
    *index = s->class_count - 1;
    return ATOLL_OK;
}

static bool key_type_is_legal(value_type type)
{
    return type == VALUE_INT || type == VALUE_STRING || type == VALUE_UUID ||
           type == VALUE_OBJECT_ID;
}

static bool can_be_indexed(value_type type)
{
    return key_type_is_legal(type) || type == VALUE_BOOL || type == VALUE_TIMESTAMP ||
           type == VALUE_MIXED;
}

static status check_index(const model_class *c, const char *name, value_type type, uint8_t flags)
{
    bool single = (flags & PROPERTY_COLLECTION) == 0;
    if ((flags & PROPERTY_INDEXED) != 0 && (!single || !can_be_indexed(type)))
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "property '%s.%s' cannot have an index: use one on a single int, bool, string, "
                    "timestamp, uuid, object id or mixed value",
                    c->name, name);
    if ((flags & PROPERTY_FULL_TEXT) != 0 && (!single || type != VALUE_STRING))
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "property '%s.%s' cannot have a full-text index: only a single string can",
                    c->name, name);
    return ATOLL_OK;
}

static status check_property(const model_class *c, const char *name, value_type type, uint8_t flags,
                             bytes target)
{
    bool wants_target = type == VALUE_LINK || type == VALUE_EMBEDDED;
    bool can_be_held = (type >= VALUE_BOOL && type <= VALUE_EMBEDDED) || type == VALUE_FLOAT ||
                       type == VALUE_DECIMAL || type == VALUE_MIXED;
    if (!can_be_held)
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "property '%s.%s' has the type %s, which no property can have", c->name, name,
                    value_type_name(type));
    if (wants_target != (target.size != 0))
        return fail(ATOLL_ERROR_SCHEMA_INVALID, "property '%s.%s' of type %s %s a target class",
                    c->name, name, value_type_name(type), wants_target ? "needs" : "cannot have");
    TRY(check_index(c, name, type, flags));
    uint8_t collection = flags & PROPERTY_COLLECTION;
    if ((collection & (collection - 1)) != 0)
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "property '%s.%s' can be one of list, set and dictionary, not several", c->name,
                    name);
    if (type == VALUE_EMBEDDED && (flags & PROPERTY_SET) != 0)
        return fail(
            ATOLL_ERROR_SCHEMA_INVALID,
            "property '%s.%s' cannot be a set of embedded objects; use a list or dictionary",
            c->name, name);
    if ((flags & PROPERTY_PRIMARY_KEY) == 0) return ATOLL_OK;
    if (!key_type_is_legal(type) || collection != 0)
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "property '%s.%s' cannot be a primary key: use int, string, uuid or object id",
                    c->name, name);
    if (c->primary_key != 0 || c->kind == CLASS_EMBEDDED)
        return fail(
            ATOLL_ERROR_SCHEMA_INVALID, "class '%s' cannot have '%s' as a primary key: %s", c->name,
            name, c->kind == CLASS_EMBEDDED ? "embedded classes have none" : "it has one already");
    return ATOLL_OK;
}

status schema_add_property(model_schema *s, size_t class_index, bytes name, value_type type,
                           uint8_t flags, bytes target)
{
    if (class_index >= s->class_count)
        return fail(ATOLL_ERROR_OUT_OF_RANGE, "the schema has no class %zu", class_index);
    model_class *c = &s->classes[class_index];
    TRY(check_name(name, LIMIT_PROPERTY_NAME_SIZE_MAX, "property"));
    if (type == VALUE_MIXED) flags |= PROPERTY_NULLABLE; /* Null is one of its values. */
    if (target.size != 0) TRY(check_name(target, LIMIT_CLASS_NAME_SIZE_MAX, "class"));
    char text[LIMIT_PROPERTY_NAME_SIZE_MAX + 1] = {0},
                                             target_text[LIMIT_CLASS_NAME_SIZE_MAX + 1] = {0};
    memcpy(text, name.data, name.size);
    if (target.size != 0) memcpy(target_text, target.data, target.size);
    if (class_property_named(c, name) != NULL)
        return fail(ATOLL_ERROR_SCHEMA_INVALID, "class '%s' has the property '%s' twice", c->name,
                    text);
    if (c->property_count >= LIMIT_PROPERTIES_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "class '%s' has more than %d properties", c->name,
                    LIMIT_PROPERTIES_MAX);
    TRY(check_property(c, text, type, flags, target));
    TRY(schema_property_push(
        c, &(model_property){.name = text,
                             .type = type,
                             .flags = flags,
                             .target_name = target.size == 0 ? NULL : target_text}));
    if ((flags & PROPERTY_PRIMARY_KEY) != 0) c->primary_key = (property_key)c->property_count;
    return ATOLL_OK;
}

static const model_property *key_property(const model_class *c)
{
    /* A schema with classes has an array of them: the check cannot know. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    for (size_t i = 0; i < c->property_count; i++)
        if ((c->properties[i].flags & PROPERTY_PRIMARY_KEY) != 0) return &c->properties[i];
    return NULL;
}

static status validate_class_use(const model_class *c, schema_use use)
{
    if (c->kind == CLASS_ASYMMETRIC && use == SCHEMA_LOCAL)
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "Asymmetric table '%s' not allowed in a local Realm", c->name);
    if (c->kind == CLASS_ASYMMETRIC && use == SCHEMA_PARTITION)
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "Asymmetric table '%s' not allowed in partition based sync", c->name);
    const model_property *key = key_property(c);
    if (use == SCHEMA_LOCAL || c->kind == CLASS_EMBEDDED ||
        (key != NULL && strcmp(key->name, "_id") == 0))
        return ATOLL_OK;
    if (key == NULL)
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "There must be a primary key property named '_id' on a synchronized Realm but "
                    "none was found for type '%s'",
                    c->name);
    return fail(ATOLL_ERROR_SCHEMA_INVALID,
                "The primary key property on a synchronized Realm must be named '_id' but found "
                "'%s' for type '%s'",
                key->name, c->name);
}

static status validate_target(const model_schema *s, const model_class *c, const model_property *p)
{
    if (p->type != VALUE_LINK && p->type != VALUE_EMBEDDED) return ATOLL_OK;
    const model_class *target = schema_class_named(s, bytes_text(p->target_name));
    if (target == NULL)
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "property '%s.%s' refers to class '%s', which is not in the schema", c->name,
                    p->name, p->target_name);
    if (target->kind == CLASS_ASYMMETRIC)
        return fail(ATOLL_ERROR_SCHEMA_INVALID,
                    "property '%s.%s' cannot refer to the asymmetric class '%s'", c->name, p->name,
                    target->name);
    if ((target->kind == CLASS_EMBEDDED) != (p->type == VALUE_EMBEDDED))
        return fail(ATOLL_ERROR_SCHEMA_INVALID, "property '%s.%s' is a%s but class '%s' is %s",
                    c->name, p->name, p->type == VALUE_EMBEDDED ? "n embedded object" : " link",
                    target->name, target->kind == CLASS_EMBEDDED ? "embedded" : "not embedded");
    return ATOLL_OK;
}

status schema_validate(const model_schema *s, schema_use use)
{
    if (s->key_count > LIMIT_CLASS_KEYS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "the realm has had %d classes, and no more are possible: copy its objects to "
                    "another one",
                    LIMIT_CLASS_KEYS_MAX);
    for (size_t i = 0; i < s->class_count; i++) {
        const model_class *c = &s->classes[i];
        if (c->key_count > LIMIT_PROPERTY_KEYS_MAX)
            return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                        "class '%s' has had %d properties, and no more are possible: copy its "
                        "objects to another class",
                        c->name, LIMIT_PROPERTY_KEYS_MAX);
        TRY(validate_class_use(c, use));
        for (size_t k = 0; k < c->property_count; k++)
            TRY(validate_target(s, c, &c->properties[k]));
    }
    return ATOLL_OK;
}

void schema_property_describe(const model_property *p, char *to, size_t size)
{
    snprintf(to, size, "%s%s%s%s%s%s%s",
             (p->flags & PROPERTY_LIST) != 0         ? "list of "
             : (p->flags & PROPERTY_SET) != 0        ? "set of "
             : (p->flags & PROPERTY_DICTIONARY) != 0 ? "dictionary of "
                                                     : "",
             value_type_name(p->type), p->target_name != NULL ? " to " : "",
             p->target_name != NULL ? p->target_name : "",
             (p->flags & PROPERTY_NULLABLE) != 0 ? ", optional" : "",
             (p->flags & PROPERTY_PRIMARY_KEY) != 0 ? ", primary key" : "",
             (p->flags & PROPERTY_INDEXED) != 0 ? ", indexed" : "");
}

/* Links are optional whatever an app says, and an index is no part of what is stored. */
static uint8_t compared_flags(const model_property *p)
{
    uint8_t flags = p->flags & (PROPERTY_NULLABLE | PROPERTY_COLLECTION | PROPERTY_PRIMARY_KEY);
    bool reference = p->type == VALUE_LINK || p->type == VALUE_EMBEDDED;
    return reference ? flags & (uint8_t)~PROPERTY_NULLABLE : flags;
}

bool schema_property_same(const model_property *a, const model_property *b)
{
    if (a->type != b->type || compared_flags(a) != compared_flags(b)) return false;
    if ((a->target_name == NULL) != (b->target_name == NULL)) return false;
    return a->target_name == NULL || strcmp(a->target_name, b->target_name) == 0;
}

static status merge_class(model_class *into, const model_class *from, bool *changed)
{
    const model_property *old_key = key_property(into), *new_key = key_property(from);
    if (into->kind != from->kind)
        return fail(ATOLL_ERROR_SCHEMA_MISMATCH,
                    "class '%s' is stored as kind %d and given as kind %d", into->name,
                    (int)into->kind, (int)from->kind);
    if (into->property_count != 0 && (old_key == NULL) != (new_key == NULL))
        return fail(ATOLL_ERROR_SCHEMA_MISMATCH,
                    "class '%s' is stored %s primary key and given %s one", into->name,
                    old_key == NULL ? "without a" : "with a", new_key == NULL ? "without" : "with");
    for (size_t i = 0; i < from->property_count; i++) {
        const model_property *p = &from->properties[i],
                             *old = class_property_named(into, bytes_text(p->name));
        if (old != NULL && !schema_property_same(old, p)) {
            char stored[256], given[256];
            schema_property_describe(old, stored, sizeof stored);
            schema_property_describe(p, given, sizeof given);
            return fail(ATOLL_ERROR_SCHEMA_MISMATCH,
                        "property '%s.%s' is stored as %s and given as %s", into->name, p->name,
                        stored, given);
        }
        if (old != NULL) continue;
        if (into->property_count >= LIMIT_PROPERTIES_MAX)
            return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "class '%s' would have more than %d properties",
                        into->name, LIMIT_PROPERTIES_MAX);
        TRY(schema_property_push(into, p));
        into->properties[into->property_count - 1].key = ++into->key_count;
        if ((p->flags & PROPERTY_PRIMARY_KEY) != 0) into->primary_key = into->key_count;
        *changed = true;
    }
    return ATOLL_OK;
}

void schema_index_flags(model_schema *into, const model_schema *from, bool *changed)
{
    const uint8_t index_flags = PROPERTY_INDEXED | PROPERTY_FULL_TEXT;
    for (size_t i = 0; i < into->class_count; i++) {
        model_class *c = &into->classes[i];
        const model_class *given = schema_class_named(from, bytes_text(c->name));
        for (size_t k = 0; given != NULL && k < c->property_count; k++) {
            model_property *p = &c->properties[k];
            const model_property *g = class_property_named(given, bytes_text(p->name));
            if (g == NULL || ((p->flags ^ g->flags) & index_flags) == 0) continue;
            p->flags = (uint8_t)((p->flags & ~index_flags) | (g->flags & index_flags));
            *changed = true;
        }
    }
}

void schema_resolve(model_schema *s)
{
    for (size_t i = 0; i < s->class_count; i++) {
        model_class *c = &s->classes[i];
        c->tracked = false;
        for (size_t k = 0; k < c->property_count && c->kind != CLASS_ASYMMETRIC; k++)
            c->tracked |= property_is_tracked(&c->properties[k]);
        for (size_t k = 0; k < s->classes[i].property_count; k++) {
            model_property *p = &s->classes[i].properties[k];
            const model_class *target =
                p->target_name == NULL ? NULL : schema_class_named(s, bytes_text(p->target_name));
            p->target = target == NULL ? 0 : target->key;
        }
    }
}

bool schema_class_is_hidden(const model_class *c)
{
    return c->name[0] == '@';
}

static bool has_mixed(const model_schema *s)
{
    for (size_t i = 0; i < s->class_count; i++)
        for (size_t k = 0; k < s->classes[i].property_count; k++)
            if (s->classes[i].properties[k].type == VALUE_MIXED) return true;
    return false;
}

static status add_hidden(model_schema *s, const char *name, uint8_t kind, bool *changed)
{
    size_t index = 0;
    if (schema_class_named(s, bytes_text(name)) != NULL) return ATOLL_OK;
    TRY(schema_add_class(s, bytes_text(name), CLASS_EMBEDDED, &index));
    s->classes[index].key = ++s->key_count;
    TRY(schema_add_property(s, index, bytes_text("items"), VALUE_MIXED, kind, bytes_text("")));
    s->classes[index].properties[0].key = s->classes[index].key_count = SCHEMA_HIDDEN_ITEMS;
    *changed = true;
    return ATOLL_OK;
}

status schema_add_hidden(model_schema *s, bool *changed)
{
    if (!has_mixed(s)) return ATOLL_OK;
    TRY(add_hidden(s, SCHEMA_HIDDEN_LIST, PROPERTY_LIST, changed));
    return add_hidden(s, SCHEMA_HIDDEN_DICTIONARY, PROPERTY_DICTIONARY, changed);
}

status schema_merge(model_schema *into, const model_schema *from, bool *changed)
{
    model_schema merged = {0};
    bool differs = false;
    TRY(schema_copy(into, &merged));
    status result = ATOLL_OK;
    for (size_t i = 0; i < from->class_count && result == ATOLL_OK; i++) {
        const model_class *old = schema_class_named(&merged, bytes_text(from->classes[i].name));
        size_t at = old == NULL ? merged.class_count : (size_t)(old - merged.classes);
        if (old == NULL && merged.class_count >= LIMIT_CLASSES_MAX)
            result = fail(ATOLL_ERROR_LIMIT_EXCEEDED, "a schema has at most %d classes",
                          LIMIT_CLASSES_MAX);
        if (old == NULL && result == ATOLL_OK) {
            model_class fresh = {.name = from->classes[i].name,
                                 .kind = from->classes[i].kind,
                                 .key = ++merged.key_count};
            result = schema_class_push(&merged, &fresh);
            differs = true;
        }
        if (result == ATOLL_OK)
            result = merge_class(&merged.classes[at], &from->classes[i], &differs);
    }
    if (result == ATOLL_OK) result = schema_add_hidden(&merged, &differs);
    if (result != ATOLL_OK) {
        schema_free(&merged);
        return result;
    }
    if (from->version > merged.version) {
        merged.version = from->version;
        differs = true;
    }
    schema_resolve(&merged);
    schema_free(into);
    *into = merged;
    *changed = differs;
    return ATOLL_OK;
}

const model_class *schema_class_search(const model_schema *s, class_key key)
{
    for (size_t i = 0; i < s->class_count; i++)
        if (s->classes[i].key == key) return &s->classes[i];
    return NULL;
}

const model_class *schema_class_named(const model_schema *s, bytes name)
{
    for (size_t i = 0; i < s->class_count; i++)
        if (bytes_equal(bytes_text(s->classes[i].name), name)) return &s->classes[i];
    return NULL;
}

const model_property *class_property_search(const model_class *c, property_key key)
{
    for (size_t i = 0; i < c->property_count; i++)
        if (c->properties[i].key == key) return &c->properties[i];
    return NULL;
}

const model_property *class_property_named(const model_class *c, bytes name)
{
    for (size_t i = 0; i < c->property_count; i++)
        if (bytes_equal(bytes_text(c->properties[i].name), name)) return &c->properties[i];
    return NULL;
}

static status class_write(buffer *to, const model_class *c)
{
    TRY(buffer_append_bytes(to, bytes_text(c->name)));
    TRY(buffer_append_varint(to, c->key));
    TRY(buffer_append_byte(to, (uint8_t)c->kind));
    TRY(buffer_append_varint(to, c->key_count));
    TRY(buffer_append_varint(to, c->property_count));
    for (size_t i = 0; i < c->property_count; i++) {
        const model_property *p = &c->properties[i];
        TRY(buffer_append_bytes(to, bytes_text(p->name)));
        TRY(buffer_append_varint(to, p->key));
        TRY(buffer_append_byte(to, (uint8_t)p->type));
        TRY(buffer_append_byte(to, p->flags));
        TRY(buffer_append_bytes(to, p->target_name == NULL ? bytes_of(NULL, 0)
                                                           : bytes_text(p->target_name)));
    }
    return ATOLL_OK;
}

status schema_write(buffer *to, const model_schema *s)
{
    TRY(buffer_append_varint(to, s->version));
    TRY(buffer_append_varint(to, s->key_count));
    TRY(buffer_append_varint(to, s->class_count));
    for (size_t i = 0; i < s->class_count; i++) TRY(class_write(to, &s->classes[i]));
    return ATOLL_OK;
}

static status class_read(reader *from, model_schema *into)
{
    bytes name = reader_bytes(from);
    class_key key = (class_key)reader_varint(from);
    class_kind kind = (class_kind)reader_byte(from);
    uint64_t key_count = reader_varint(from), count = reader_varint(from);
    size_t index = 0;
    if (from->failed) return fail(ATOLL_ERROR_FILE_CORRUPT, "the stored schema is damaged");
    TRY(schema_add_class(into, name, kind, &index));
    into->classes[index].key = key;
    into->classes[index].key_count = (property_key)key_count;
    for (uint64_t i = 0; i < count && !from->failed; i++) {
        bytes property_name = reader_bytes(from);
        property_key property = (property_key)reader_varint(from);
        value_type type = (value_type)reader_byte(from);
        uint8_t flags = reader_byte(from);
        bytes target = reader_bytes(from);
        if (from->failed) break;
        TRY(schema_add_property(into, index, property_name, type, flags, target));
        into->classes[index].properties[i].key = property;
        if ((flags & PROPERTY_PRIMARY_KEY) != 0) into->classes[index].primary_key = property;
    }
    return ATOLL_OK;
}

status schema_read(bytes from, model_schema *out)
{
    model_schema read = {0};
    reader r = reader_of(from);
    read.version = reader_varint(&r);
    read.key_count = (class_key)reader_varint(&r);
    uint64_t count = reader_varint(&r);
    status result = ATOLL_OK;
    for (uint64_t i = 0; i < count && !r.failed && result == ATOLL_OK; i++)
        result = class_read(&r, &read);
    if (result == ATOLL_OK && (r.failed || r.at != r.end))
        result = fail(ATOLL_ERROR_FILE_CORRUPT, "the stored schema is damaged");
    if (result != ATOLL_OK) {
        schema_free(&read);
        return result;
    }
    schema_resolve(&read);
    *out = read;
    return ATOLL_OK;
}
