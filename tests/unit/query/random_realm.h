#ifndef ATOLL_TEST_QUERY_RANDOM_REALM_H
#define ATOLL_TEST_QUERY_RANDOM_REALM_H
#include "base/random.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* A realm with a schema drawn by lot, and what it holds as plain arrays. */
enum {
    CLASSES_MAX = 3,
    PROPERTIES_MAX = 9,
    ITEMS_MAX = 4,
    OBJECTS_MAX = 1300,
    DOMAIN = 7, /* different values of a type */
    NOBODY = -1
};

typedef struct cell { /* a scalar has one item */
    value items[ITEMS_MAX];
    int targets[ITEMS_MAX]; /* of links: an object, or NOBODY */
    int keys[ITEMS_MAX];    /* of a dictionary, ascending */
    int count;
} cell;
typedef struct random_property {
    char name[16];
    value_type type;
    uint8_t flags;
    int target;
    property_key key;
} random_property;
typedef struct random_object {
    bool alive;
    row_key row;
    cell cells[PROPERTIES_MAX];
} random_object;
typedef struct random_class {
    random_property properties[PROPERTIES_MAX];
    int property_count, object_count;
    class_key key;
    random_object *objects;
} random_class;
typedef struct random_realm {
    random_state random;
    memory_disk *disk;
    model_db *db;
    model_txn *txn;
    random_class classes[CLASSES_MAX];
    int class_count;
    int64_t live;
} random_realm;

/* What the environment variable ATOLL_FIRST_SEED says; 1: nothing. */
uint64_t random_first_seed(void);
random_realm *random_realm_new(uint64_t seed);
void random_realm_free(random_realm *w);
void random_realm_change(random_realm *w, int steps); /* its own commit */
int random_pick(random_realm *w, int bound);
value random_value(random_realm *w,
                   value_type type); /* of its domain; mixed: of some type, or null */
bool random_is_number(const value *v);
bool random_order(const value *a, const value *b, int *order); /* false: they do not compare */
bool random_is_collection(const random_property *p);
#endif
