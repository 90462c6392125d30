#ifndef ATOLL_TESTS_UNIT_MODEL_ORACLE_H
#define ATOLL_TESTS_UNIT_MODEL_ORACLE_H
#include "fixture.h"

/* What a realm should hold, as plain arrays: every operation is done to both and then they are compared. */
enum { ORACLE_KEYS = 20, ORACLE_TAGS = 10, ORACLE_MANY = 5, ORACLE_NONE = -1 };

typedef struct oracle_part {
    int64_t x;
    int deep; /* ORACLE_NONE: no deep object */
} oracle_part;

typedef struct oracle_item {
    bool alive, hidden;
    int name, done, uid, link, ratio, any; /* ORACLE_NONE: null */
    int score, at, data, count, price;
    int tags[ORACLE_TAGS], tag_count;
    bool has_one;
    oracle_part one, many[ORACLE_MANY];
    int many_count;
} oracle_item;

typedef struct oracle {
    oracle_item items[ORACLE_KEYS];
    int notes; /* how many, each with its number as text */
    int next_note;
} oracle;

/* How often each kind of change was made, in this process. */
enum { KIND_LIFE, KIND_NOTE, KIND_SCALAR, KIND_LINK, KIND_TAGS, KIND_ONE, KIND_MANY, KIND_COUNT };
extern const char *const oracle_kind_names[KIND_COUNT];
extern uint64_t oracle_kinds[KIND_COUNT];
void oracle_init(oracle *o);
/* Random changes to both. Stops at the first failure and returns its status. identity: keys keep their rows. */
status oracle_change(oracle *o, model_txn *txn, random_state *r, bool identity);
void oracle_compare(const oracle *o, const model_view *view, const char *when, uint64_t seed);
void oracle_compare_changes(const oracle *before, const oracle *after, const model_view *old_view,
                            const model_view *new_view, const model_changes *changes);
#endif
