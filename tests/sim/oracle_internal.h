#ifndef ATOLL_SIM_ORACLE_INTERNAL_H
#define ATOLL_SIM_ORACLE_INTERNAL_H
#include "oracle.h"

/* Inside the reference model: oracle.c (the rules), oracle_text.c (its state as text). */
typedef struct field {
    bool set, is_default;
    int64_t value;
    uint64_t stamp, author;
} field;
typedef struct element {
    uint64_t counter, actor;
    int64_t value;
    bool erased;
    uint64_t origin_counter, origin_actor;
} element;
typedef struct part {
    int64_t identity, x;
    uint64_t stamp, author;
    bool set;
} part;
typedef struct added {
    int64_t value;
    uint64_t stamp, author;
} added;
typedef struct keyed {
    uint64_t life;
    upload_keyed *items;
    int count;
} keyed;
typedef struct object {
    uint64_t life, since, since_author, ended;
    bool alive;
    field fields[ORACLE_FIELDS];
    element *elements;
    int element_count;
    part *parts;
    int part_count;
    added *added; /* to the counter, since it began */
    int added_count;
    keyed keyed[KEYED_KINDS];
} object;

/* What a query can see of an object, after each version that changed it. */
typedef struct moment {
    uint64_t version, since, author;
    bool alive;
    int64_t team;
} moment;
typedef struct history {
    moment *items;
    int count;
} history;

typedef struct writer {
    op *ops;
    int count;
    uint64_t acknowledged;
    bool refused[ORACLE_OBJECTS], denied; /* denied: the newest batch wrote outside of the view */
    bool knows[ORACLE_OBJECTS];
    oracle_rights rights;
} writer;
typedef struct state {
    uint64_t version;
    object objects[ORACLE_OBJECTS];
    uint64_t bounds[ORACLE_CLIENTS], bounds_before[ORACLE_CLIENTS];
    uint64_t sequences[ORACLE_CLIENTS];
    size_t readings;
} state;
typedef struct batch {
    upload_object *objects;
    int object_count;
    upload_part *parts;
    int part_count;
    uint64_t *sequences;
    int64_t *readings;
    int reading_count;
} batch;
struct oracle {
    state now;
    state *past; /* after each applied batch, oldest first */
    int past_count;
    history seen[ORACLE_OBJECTS];
    writer writers[ORACLE_CLIENTS];
    batch batches[ORACLE_CLIENTS];
    uint64_t applied;
    char wrong[400];
};

int64_t oracle_counter(const object *x); /* of the field that is incremented */
#endif
