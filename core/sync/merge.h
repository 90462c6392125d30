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

/* What the server remembers of a row besides its values. life 0: the key was never there. */
typedef struct row_mark {
    uint64_t life;
    bool alive;
    uint64_t since;        /* version at which this life began, or ended when not alive */
    uint64_t since_author; /* ident that did it */
    uint64_t ended;        /* version of the newest tombstone of any life; 0: none */
    uint64_t
        changed; /* version of the newest change of anything in the object, embedded objects included */
    VECTOR(field_mark) fields;
} row_mark;
void row_mark_free(row_mark *m);
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
