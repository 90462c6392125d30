#ifndef ATOLL_TESTS_UNIT_MODEL_ORACLE_H
#define ATOLL_TESTS_UNIT_MODEL_ORACLE_H
#include "fixture.h"

/* What a realm should hold, as plain arrays: every operation is done to both and then they are compared. It holds no
 * pointers: a copy is a copy, and two are equal when their bytes are. */
enum {
    ORACLE_KEYS = 20,
    ORACLE_TAGS = 10,
    ORACLE_MANY = 5,
    ORACLE_REFS = 6,
    ORACLE_MARKS = 24,
    ORACLE_WORDS = 16,
    ORACLE_MAP = 6,
    ORACLE_MATES = 4,
    ORACLE_NAMED = 3,
    ORACLE_NEST = 3,
    ORACLE_NONE = -1,  /* null */
    ORACLE_ABSENT = -2 /* no such key */
};

typedef struct oracle_part {
    int64_t x;
    int deep; /* ORACLE_NONE: no deep object */
} oracle_part;

/* A collection in a mixed value, two levels deep. Both kinds of elements begin with their key, of dictionaries. */
typedef struct nest_leaf {
    int key, number;
} nest_leaf;
typedef struct nest_element {
    int key, number, count;
    value_type type; /* int, list, dictionary */
    nest_leaf leaves[ORACLE_NEST];
} nest_element;
typedef struct oracle_nest {
    value_type type; /* list, dictionary; null: any says what there is */
    int count;
    nest_element elements[ORACLE_NEST];
} oracle_nest;

typedef struct oracle_item {
    bool alive, hidden, has_one;
    int name, done, uid, link, ratio, any; /* ORACLE_NONE: null */
    int any_link; /* the mixed value is a link to it; ORACLE_NONE: it is not one */
    int score, at, data, count, price;
    int tags[ORACLE_TAGS], tag_count;
    int refs[ORACLE_REFS], ref_count; /* ORACLE_NONE: its target is gone for ever */
    uint32_t marks, words, friends;   /* sets, a bit for each number */
    int map[ORACLE_MAP];              /* dictionary of optional texts */
    int mates[ORACLE_MATES];          /* dictionary of links */
    bool is_named[ORACLE_NAMED];      /* dictionary of embedded objects */
    oracle_part named[ORACLE_NAMED];
    oracle_part one, many[ORACLE_MANY];
    int many_count;
    oracle_nest nest;
} oracle_item;

/* The class whose properties come and go. */
enum { SHAPE_ROWS = 8, SHAPE_PROPERTIES = 5, SHAPE_NAMES = 9, SHAPE_ZERO = -3, SHAPE_ID = 1 };
typedef enum shape_type {
    SHAPE_INT,
    SHAPE_TEXT,
    SHAPE_DOUBLE,
    SHAPE_LINK,
    SHAPE_MIXED,
    SHAPE_LIST,
    SHAPE_DICTIONARY,
    SHAPE_TYPES
} shape_type;
typedef struct shape_property {
    int name; /* 0: none */
    shape_type type;
    bool nullable, indexed;
} shape_property;
typedef struct oracle_shape {
    bool exists;
    uint64_t version; /* of the schema */
    shape_property properties[SHAPE_PROPERTIES];
    bool alive[SHAPE_ROWS];
    int values[SHAPE_ROWS]
              [SHAPE_PROPERTIES]; /* a number, ORACLE_NONE or SHAPE_ZERO: as if never set */
} oracle_shape;

typedef struct oracle {
    oracle_item items[ORACLE_KEYS];
    int notes; /* how many, each with its number as text */
    int next_note;
    oracle_shape shape;
} oracle;

/* How often each kind of change was made, in this process. */
enum {
    KIND_LIFE,
    KIND_NOTE,
    KIND_SCALAR,
    KIND_COUNTER,
    KIND_LINK,
    KIND_TAGS,
    KIND_REFS,
    KIND_ONE,
    KIND_MANY,
    KIND_SETS,
    KIND_DICTIONARIES,
    KIND_NAMED,
    KIND_NEST,
    KIND_SHAPE,
    KIND_MOVE,
    KIND_ADDITIVE,
    KIND_MIGRATION,
    KIND_COUNT
};
extern const char *const oracle_kind_names[KIND_COUNT];
extern uint64_t oracle_kinds[KIND_COUNT];
void oracle_init(oracle *o);
/* Random changes to both. Stops at the first failure and returns its status. identity: keys keep their rows. */
status oracle_change(oracle *o, model_txn *txn, random_state *r, bool identity);
/* Another schema of the class Shape: its own commit, or none. pinned: somebody looks at an older version, so it only
 * grows. identity: no migrations. */
status oracle_change_schema(oracle *o, model_db *db, random_state *r, bool identity, bool pinned);
void oracle_compare(const oracle *o, const model_view *view, const char *when, uint64_t seed);
void oracle_compare_changes(const oracle *before, const oracle *after, const model_view *old_view,
                            const model_view *new_view, const model_changes *changes);
uint64_t oracle_size(const oracle *o); /* bytes of its texts and numbers, roughly */
#endif
