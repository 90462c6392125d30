#ifndef ATOLL_SIM_ORACLE_H
#define ATOLL_SIM_ORACLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The reference model: what the server must hold after each batch, and what a batch must contain, told in plain numbers.
 * It includes nothing of the code under test and shares no rule with it but those in docs/merge.md. */
enum { ORACLE_OBJECTS = 24, ORACLE_FIELDS = 6, ORACLE_CLIENTS = 6, ORACLE_TEAMS = 4 };
enum {
    FIELD_TEAM = 0,
    FIELD_SCORE = 1,
    FIELD_NAME = 2,
    FIELD_PART = 3,
    FIELD_HITS = 4,
    FIELD_ANY = 5
}; /* PART: identity of the embedded object, 0 none. HITS is a counter. ANY: a text is its number + ORACLE_TEXT */
enum { ORACLE_TEXT = 1000000000 };
enum { KEYED_MARKS = 0, KEYED_PAIRS = 1, KEYED_KINDS = 2 }; /* a set of numbers, a dictionary */
enum { KIND_CREATE = 1, KIND_EDIT = 2, KIND_REMOVE = 3, KIND_REPLACE = 4 };

typedef struct oracle oracle;
oracle *oracle_new(void);
void oracle_free(oracle *o);

/* What a client did, when it did it. base: the server version it had integrated; version: its own. */
typedef enum op_kind {
    OP_MADE = 1,
    OP_GONE,
    OP_SET,
    OP_TAG,
    OP_PART_X,
    OP_READING,
    OP_ADD,   /* value to the counter */
    OP_KEYED, /* field: a kind; value: the key; life: that of the collection */
    OP_CLEAR  /* field: a kind */
} op_kind;
/* value -2: not known, the commit failed in a crash and may have happened all the same. */
typedef struct op {
    op_kind kind;
    int object, field;
    int64_t value;
    uint64_t version, base;
    bool moot;
    uint64_t life;
} op; /* moot: set by the oracle */
void oracle_op(oracle *o, int client, op what);
/* A client's disk lost its newest commits: what it has now. */
void oracle_client_lost(oracle *o, int client, uint64_t newest_version);

/* What a batch says, gathered part by part. */
typedef struct upload_field {
    int field;
    int64_t value;
    uint64_t stamp;
    bool is_default;
} upload_field;
typedef struct upload_element {
    uint64_t counter, actor;
    int64_t value;
    bool erased;                           /* and not because it stands elsewhere */
    uint64_t origin_counter, origin_actor; /* the element whose place this is */
} upload_element;
typedef struct upload_keyed {
    int kind;
    int64_t key, value;
    uint64_t stamp, author;
    bool erased;
} upload_keyed;
typedef struct upload_object {
    int object, kind;
    uint64_t life, base;
    upload_field fields[ORACLE_FIELDS];
    int field_count;
    upload_element *elements;
    int element_count;
    bool has_added, has_keyed[KEYED_KINDS];
    int64_t added;
    uint64_t added_stamp, keyed_life[KEYED_KINDS];
    upload_keyed *keyed;
    int keyed_count;
} upload_object;
typedef struct upload_part {
    int64_t identity, x;
    uint64_t stamp;
    int object;
    bool has_x;
} upload_part;
void oracle_batch_begin(oracle *o, int client);
void oracle_batch_object(oracle *o, int client, const upload_object *u); /* elements are copied */
void oracle_batch_part(oracle *o, int client, const upload_part *u);
void oracle_batch_reading(oracle *o, int client, uint64_t sequence, int64_t value);
/* What roles let a client do, from now on: teams that it may see and (some of those) write, and more. */
typedef struct oracle_rights {
    bool limited; /* false: everything is allowed */
    unsigned reads, writes;
    bool insert, remove, no_score; /* no_score: the field can neither be seen nor written */
} oracle_rights;
void oracle_set_rights(oracle *o, int client, const oracle_rights *rights);
/* May the client know that the object exists: could it ever see it, or did it name it itself? */
bool oracle_may_know(const oracle *o, int client, int object);
/* The server applied it as its version. masks: teams that the writer's views show. NULL, or what is wrong. */
const char *oracle_applied(oracle *o, int client, uint64_t ident, uint64_t bound, uint64_t version,
                           const unsigned *masks, int mask_count);
/* The server came back with this newest version. NULL, or what is wrong (something acknowledged is missing). */
const char *oracle_server_lost(oracle *o, uint64_t newest_version);
void oracle_acknowledged(oracle *o, int client, uint64_t bound);
bool oracle_denied(const oracle *o, int client); /* its newest batch wrote what it may not */

/* What the server must hold now, filtered by teams; the same text as of a copy. Caller frees. */
char *oracle_dump(const oracle *o, unsigned mask, bool no_score);
size_t oracle_readings(const oracle *o);           /* that must have been stored */
size_t oracle_unsent(const oracle *o, int client); /* operations that no applied batch covers */
void oracle_trace(const oracle *o,
                  int object); /* with ORACLE_TRACE set: what was done to it, to stderr */
uint64_t oracle_batches(const oracle *o);
#endif
