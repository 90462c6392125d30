#ifndef ATOLL_MODEL_SCHEMA_H
#define ATOLL_MODEL_SCHEMA_H
#include "base/limits.h"
#include "model/value.h"

typedef enum class_kind { CLASS_NORMAL = 0, CLASS_EMBEDDED = 1, CLASS_ASYMMETRIC = 2 } class_kind;
enum {
    PROPERTY_NULLABLE = 1, /* of a collection: its elements */
    PROPERTY_LIST = 2,
    PROPERTY_PRIMARY_KEY = 4,
    PROPERTY_INDEXED = 8,
    PROPERTY_SET = 16,
    PROPERTY_DICTIONARY = 32,
    PROPERTY_FULL_TEXT = 64,
    PROPERTY_COLLECTION = PROPERTY_LIST | PROPERTY_SET | PROPERTY_DICTIONARY
};

/* Embedded classes of the model itself: what a list or a dictionary in a mixed value is. They are there as soon as a
 * class has a mixed property, and no app sees them. */
#define SCHEMA_HIDDEN_LIST "@list"
#define SCHEMA_HIDDEN_DICTIONARY "@dictionary"
enum { SCHEMA_HIDDEN_ITEMS = 1 }; /* the key of their one property, the items */

typedef struct model_property {
    char *name;
    property_key key; /* given when stored; 0 in an app's schema */
    value_type type;  /* of the value, or of the elements of a collection */
    uint8_t flags;
    char *target_name; /* link, embedded */
    class_key target;
} model_property;

typedef struct model_class {
    char *name;
    class_key key;
    class_kind kind;
    model_property *properties;
    size_t property_count, property_capacity;
    property_key primary_key; /* 0: none */
    property_key key_count;   /* keys that were ever given to its properties; of a stored class */
    bool tracked;             /* of a stored schema: some index follows its cells */
} model_class;

typedef struct model_schema {
    model_class *classes;
    size_t class_count, class_capacity;
    uint64_t version;    /* the app's own number of it */
    class_key key_count; /* keys that were ever given to its classes; of a stored schema */
} model_schema;

void schema_free(model_schema *s);
status schema_copy(const model_schema *s, model_schema *out) MUST_CHECK;
/* Builders: check names, limits, types, duplicates. */
status schema_add_class(model_schema *s, bytes name, class_kind kind, size_t *index) MUST_CHECK;
status schema_add_property(model_schema *s, size_t class_index, bytes name, value_type type,
                           uint8_t flags, bytes target) MUST_CHECK;
/* Rules of a whole schema: targets exist, one key per class with a legal type, embedded has no key, nothing holds an
 * asymmetric class. synced: every normal and asymmetric class has a key named _id; asymmetric only in flexible realms:
 * the messages are those of the systems before ("Asymmetric table 'X' not allowed in a local Realm"). */
typedef enum schema_use { SCHEMA_LOCAL, SCHEMA_PARTITION, SCHEMA_FLEXIBLE } schema_use;
status schema_validate(const model_schema *s, schema_use use) MUST_CHECK;
/* Adds what `from` has and `into` has not; SCHEMA_MISMATCH names the class, property and both forms. *changed as told. */
status schema_merge(model_schema *into, const model_schema *from, bool *changed) MUST_CHECK;
/* Whether there are indexes is the app's business: the properties that `from` has get its index flags. */
void schema_index_flags(model_schema *into, const model_schema *from, bool *changed);
bool property_is_tracked(const model_property *p); /* by an index, but for that of the keys */
bool schema_class_is_hidden(const model_class *c);
/* Adds the hidden classes that a stored schema with a mixed property needs. */
status schema_add_hidden(model_schema *s, bool *changed) MUST_CHECK;
const model_class *schema_class_search(const model_schema *s, class_key key);
/* Keys are given in order, so that the first look nearly always finds; NULL: no such class. */
static inline const model_class *schema_class(const model_schema *s, class_key key)
{
    size_t at = (size_t)key - 1;
    return at < s->class_count && s->classes[at].key == key ? &s->classes[at]
                                                            : schema_class_search(s, key);
}
const model_class *schema_class_named(const model_schema *s, bytes name);
const model_property *class_property_search(const model_class *c, property_key key);
static inline const model_property *class_property(const model_class *c, property_key key)
{
    size_t at = (size_t)key - 1;
    return at < c->property_count && c->properties[at].key == key ? &c->properties[at]
                                                                  : class_property_search(c, key);
}
const model_property *class_property_named(const model_class *c, bytes name);
/* For those who derive one schema from another: copies are pushed; keys of targets are found anew. */
status schema_class_push(model_schema *s,
                         const model_class *from) MUST_CHECK; /* without its properties */
status schema_property_push(model_class *c, const model_property *from) MUST_CHECK;
bool schema_property_same(const model_property *a, const model_property *b); /* but for the name */
void schema_property_describe(const model_property *p, char *to, size_t size);
void schema_resolve(model_schema *s);
void schema_class_remove(model_schema *s, class_key key);          /* its key is not given again */
status schema_write(buffer *to, const model_schema *s) MUST_CHECK; /* the stored record */
status schema_read(bytes from, model_schema *out) MUST_CHECK;
#endif
