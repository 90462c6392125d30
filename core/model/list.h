#ifndef ATOLL_MODEL_LIST_H
#define ATOLL_MODEL_LIST_H
#include "base/vector.h"
#include "model/model.h"

/* A list cell: a sequence CRDT (Fugue). Each element hangs on a parent element (zero id: the root), on its left or right
 * side; in-order traversal is the list. Siblings on one side are ordered by (stamp, actor, counter), a zero stamp (not yet
 * sent) last: runs typed at once by two writers don't interleave, the run whose first element is earlier comes first.
 * An erased element stays as a tombstone. Merging two states = union by id; erased wins; per-element value by stamp. */
enum { LIST_SIDE_LEFT = 0, LIST_SIDE_RIGHT = 1 };
/* A moved element is erased in its place and has another one, whose key is the id of the first (LIST_ORIGIN_SIZE bytes).
 * All places of one element are merged as one: it is gone when it was erased in any of them, else it stands in the place
 * with the latest stamp and has the latest value. What is erased since it went elsewhere has this value stamp. */
enum { LIST_ORIGIN_SIZE = 16, LIST_MOVED_AWAY = 1, LIST_ERASED_ELSEWHERE = 2 };
enum { LIST_HEAP_SIZE_MAX = 1 << 30 };
typedef struct list_element {
    element_id id, parent;
    uint8_t side;
    bool erased;
    uint64_t stamp;       /* of the insert; 0: local and not stamped yet */
    uint64_t value_stamp; /* of the last set (the insert's at first); 0 likewise */
    uint64_t value_actor; /* author of the last set: tie-break */
    uint64_t
        touched; /* client: log version of the last unsent change, 0 clean; server: version of the last change */
    value value;          /* link: raw row */
    bytes key;            /* of a dictionary's element; of a list's: where it was first */
    uint8_t embedded[16]; /* identity when the property holds embedded objects */
} list_element;
typedef struct list_state {
    VECTOR(list_element)
    elements;      /* any order when decoded from the wire; in list order when from the model */
    buffer heap;   /* owns the texts of the values */
    uint64_t life; /* raised by a clear: elements of a lower life are gone */
} list_state;
void list_state_init(list_state *s);
void list_state_free(list_state *s);
status list_state_copy(const list_state *s,
                       list_state *out) MUST_CHECK; /* out: uninitialised; texts are compacted */
status list_state_push(list_state *s, const list_element *element)
    MUST_CHECK; /* at the end; its text is copied into the heap */
status list_state_own_text(list_state *s,
                           value *v) MUST_CHECK; /* copies the text of the value into the heap */
static inline bool list_moved_away(const list_element *e)
{
    return e->erased && e->value_stamp == LIST_MOVED_AWAY;
}
void list_origin_write(uint8_t to[LIST_ORIGIN_SIZE], element_id id);
element_id list_origin(const list_element *e); /* itself when it never moved */
status list_state_settle(list_state *s)
    MUST_CHECK; /* of moves: one place for each element (list_move.c) */
status list_state_order(list_state *s)
    MUST_CHECK; /* sorts into list order, deterministic for any input order; BAD_CHANGESET on a cycle or an unknown parent */
status list_state_merge(list_state *into, const list_state *other)
    MUST_CHECK; /* commutative, associative, idempotent */
/* Sets (by value) and dictionaries (by key), in order: per element the decision that is later by (value stamp, author)
 * counts, erasing is one too. BAD_CHANGESET: the other one is out of order. The same laws. (keyed.c) */
status keyed_state_merge(list_state *into, const list_state *other, bool by_key) MUST_CHECK;
status keyed_state_order(list_state *s,
                         bool by_key) MUST_CHECK; /* BAD_CHANGESET: one is there twice */
status keyed_state_check(const list_state *s, bool by_key) MUST_CHECK; /* in order, each once */
status list_state_write(buffer *to, const list_state *s) MUST_CHECK;
status list_state_read(bytes from, list_state *out) MUST_CHECK;
#endif
