#ifndef ATOLL_TESTS_UNIT_MODEL_ORACLE_PARTS_H
#define ATOLL_TESTS_UNIT_MODEL_ORACLE_PARTS_H
#include "oracle.h"

/* Between the files of the oracle. */
enum { TEXT_SIZE = 2200 };
typedef struct change_context {
    oracle *o;
    model_txn *txn;
    random_state *r;
    bool identity;
    int key;
    oracle_item *item;
    row_key row;
} change_context;
typedef struct compare_context {
    const oracle *o;
    const model_view *view;
    const char *when;
    uint64_t seed;
    row_key rows[ORACLE_KEYS]; /* of the objects that are alive; else 0 */
    uint64_t links[ORACLE_KEYS], parts, deeps, collections; /* that there should be */
} compare_context;

/* oracle_values.c: values by number */
bytes numbered(char *to, const char *prefix, int n); /* "key 3" */
value text_value(char to[TEXT_SIZE], int n, value_type type);
size_t text_size(int n);
value any_value(int n, char text[TEXT_SIZE]);
value scalar(int property, int n, char text[TEXT_SIZE]);
int *scalar_slot(oracle_item *item, int property);
enum { SCALAR_COUNT = 10 };
extern const int scalars[SCALAR_COUNT];

/* oracle_lists.c: plain arrays, lists, embedded objects */
void array_insert(void *items, size_t size, int *count, uint64_t at, const void *fresh);
void array_erase(void *items, size_t size, int *count, uint64_t at);
void array_move(void *items, size_t size, uint64_t from, uint64_t to);
status change_tags(change_context *c);
status change_refs(change_context *c);
status change_one(change_context *c);
status change_many(change_context *c);
status change_named(change_context *c);
void compare_lists(compare_context *c, const oracle_item *item, row_key row);
void compare_embedded(compare_context *c, const oracle_item *item, row_key row);

/* oracle_keyed.c: sets, dictionaries, collections in mixed values */
status change_sets(change_context *c);
status change_dictionaries(change_context *c);
status change_nest(change_context *c);
void compare_keyed(compare_context *c, const oracle_item *item, row_key row);
void compare_nest(compare_context *c, const oracle_item *item, row_key row);

/* oracle_shape.c */
status change_shape(change_context *c);
void compare_shape(compare_context *c);

/* A link to an object that is alive, or null. */
status random_target(change_context *c, int *target, value *v);
#endif
