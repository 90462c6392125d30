#ifndef ATOLL_SERVER_RULES_H
#define ATOLL_SERVER_RULES_H
#include "server/roles.h"

/* What one session may do: the roles of its app for its user, frozen when it begins. */
typedef struct field_rule {
    property_key property;
    bool read, write;
} field_rule;

typedef struct class_rules {
    class_key class_of;
    bool reads, writes;  /* some objects, perhaps */
    query *read, *write; /* of those that fulfil this; NULL: all */
    bool insert, remove;
    bool read_others, write_others; /* fields that are not named */
    VECTOR(field_rule) fields;
} class_rules;

typedef struct session_rules {
    bool restricts; /* false: everything is allowed */
    bool reads_partition, writes_partition;
    uint64_t fingerprint; /* of all that decides what is seen; 0: everything */
    VECTOR(class_rules) classes;
} session_rules;

void rules_free(session_rules *r);
/* client: the classes that the fingerprint is about. What a class lacks, or a value of a wrong type, makes a role that gives
 * nothing, and a line in the log. */
status rules_new(const role_set *roles, const model_schema *schema, const model_schema *client,
                 const role_subject *subject, session_rules *out) MUST_CHECK;
const class_rules *rules_of(const session_rules *r, class_key c); /* NULL: nothing is allowed */
bool rules_reads_field(const session_rules *r, class_key c, property_key p);
bool rules_writes_field(const session_rules *r, class_key c, property_key p);
/* From an embedded object's owner to the property of the root that it is below. */
status rules_top_owner(const model_view *view, model_owner *owner) MUST_CHECK;
/* What is about to happen to an object; `get` tells the values after it. */
typedef struct rules_question {
    class_key class_of;
    const model_view *before;
    row_key row;
    bool alive_before, creates, removes;
    bool joined;    /* a create that met an object which was there */
    bool later;     /* what comes after is judged when it is there; until then it is allowed */
    bool forbidden; /* a field that may not be written was written */
    query_getter get;
    void *context;
} rules_question;
const char *rules_judge(const session_rules *r, const rules_question *q); /* NULL: allowed */
extern const char rules_no_insert[], rules_no_remove[], rules_no_write[], rules_no_field[],
    rules_no_partition[], rules_key_taken[], rules_outside[];
#endif
