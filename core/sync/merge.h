#ifndef ATOLL_SYNC_MERGE_H
#define ATOLL_SYNC_MERGE_H
#include "sync/wire.h"

/* The one place that decides who wins. Pure: no realm, no clock, no table; the client and the server call the same
 * functions. Lists merge in model/list.h by the same rules. docs/merge.md tells the reasons. */

typedef struct field_mark {
    property_key property;
    bool is_default;
    uint64_t stamp, author;
    uint64_t version; /* server version of the last change */
} field_mark;

/* What one upload added to a counter. Kept beside the field's mark, so that a set whose stamp lies before it, but which
 * arrives later, does not undo it. The newest few of a row are kept; the value has the older ones as a set would. */
typedef struct counter_mark {
    property_key property;
    uint64_t stamp, author, version;
    int64_t added;
} counter_mark;
enum { COUNTER_MARKS_MAX = 256 };

/* What the server remembers of a row besides its values. life 0: the key was never there. */
typedef struct row_mark {
    uint64_t life;
    bool alive;
    uint64_t since;        /* version at which this life began, or ended when not alive */
    uint64_t since_author; /* ident that did it */
    uint64_t ended;        /* version of the newest tombstone of any life; 0: none */
    uint64_t
        changed; /* version of the newest change of anything in the object, embedded objects included */
    uint64_t left; /* version of its newest leave record; 0: none */
    VECTOR(field_mark) fields;
    VECTOR(counter_mark) counters;
} row_mark;
void row_mark_free(row_mark *m);
void row_mark_begin(row_mark *m); /* another life: nothing of the fields is known */
field_mark *row_mark_field(row_mark *m, property_key p); /* NULL: never set in this life */
status row_mark_set(row_mark *m, const field_mark *f) MUST_CHECK;
status row_mark_write(buffer *to, const row_mark *m) MUST_CHECK;
status row_mark_read(bytes from, row_mark *out) MUST_CHECK;

/* Does the first write of a field win over the second? Total: (not default, stamp, author); equal ones: yes. */
typedef struct field_claim {
    uint64_t stamp, author;
    bool is_default;
} field_claim;
bool merge_field_wins(const field_claim *incoming, const field_claim *stored);

/* Does an increment count beside a set (NULL: there was none)? Unless the set is later, and no default. */
bool merge_increment_counts(const field_claim *increment, const field_claim *set);
status row_mark_add(row_mark *m, const counter_mark *c) MUST_CHECK;
/* What counts beside a set of the field; with drop, the rest is forgotten. */
int64_t row_mark_added(row_mark *m, property_key p, const field_claim *set, bool drop);
/* Something that another one than this author did to the field (0: to any) above this version. Author 0: anybody. */
bool row_mark_news(const row_mark *m, property_key p, uint64_t after, uint64_t author);

/* What becomes of a row when an upload names it. */
typedef enum merge_verdict {
    MERGE_LOSE = 1, /* nothing of it is taken */
    MERGE_APPLY,    /* fields into the life that is there */
    MERGE_BEGIN,    /* the next life begins, then fields */
    MERGE_END,      /* the life ends */
    MERGE_SAME,     /* nothing to do, and both sides agree already */
    MERGE_RESTART   /* the life ends and the next one begins, then fields */
} merge_verdict;
/* life: seen by the client (upload kinds of sync.proto); base: server version that the client had integrated.
 * *joined: a create met an object that is alive. */
merge_verdict merge_row(const row_mark *stored, row_kind kind, uint64_t life, uint64_t base,
                        bool *joined);
#endif
