#ifndef ATOLL_MODEL_SCHEMA_CHANGE_H
#define ATOLL_MODEL_SCHEMA_CHANGE_H
#include "base/vector.h"
#include "model/schema.h"

/* What changes when an app's schema takes the place of the stored one; visible to core/model only. */
enum { SCHEMA_TEXT_SIZE_MAX = 1 << 24 };
typedef struct schema_removal { /* a property whose data goes */
    class_key class_of;
    property_key property;
    value_type type;
    class_key target;
    uint8_t flags;
} schema_removal;
typedef struct schema_copied { /* only its nullability changed: its values are taken over */
    class_key class_of;
    property_key from, to;
} schema_copied;
typedef struct schema_plan {
    model_schema schema; /* what will be stored: classes that were not given stay as they are */
    VECTOR(schema_removal) removed;
    VECTOR(class_key) rekeyed; /* another primary key, or none */
    VECTOR(schema_copied) copied;
    bool adds;          /* classes that were not there */
    bool needs_version; /* a class that was there differs */
    buffer text;        /* how, zero-terminated */
} schema_plan;
status schema_plan_make(const model_schema *stored, const model_schema *given,
                        schema_plan *out) MUST_CHECK;
void schema_plan_free(schema_plan *plan);
#endif
