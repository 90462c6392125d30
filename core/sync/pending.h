#ifndef ATOLL_SYNC_PENDING_H
#define ATOLL_SYNC_PENDING_H
#include "model/model.h"
#include "sync/merge.h"

/* What a client keeps beside the objects, all in the side table: its state towards the server, the pending table (what is
 * not acknowledged, folded per row), the lives of rows where they are not 1, the outbox of asymmetric objects, and the
 * clock readings of commits. Log versions are those of this realm; server versions those of the server. */

enum { PENDING_BATCH_SIZE = 16 };
typedef struct sync_state {
    uint64_t ident, epoch, cursor;
    uint64_t seen;          /* the latest stamp integrated */
    uint64_t sent_bound;    /* log version of the batch that may have left; 0: none in flight */
    uint64_t last_stamp;    /* assigned to the newest stamped commit */
    uint64_t next_sequence; /* of asymmetric objects */
    uint64_t view_version;  /* subscription set in force */
    uint64_t acknowledged_version; /* of the server, that took the last acknowledged batch */
    uint64_t trail, trail_newest;  /* names of the first and the newest commit that has one */
    bool has_acknowledged;
    uint8_t secret[16], sent_batch[16], acknowledged_batch[16];
} sync_state;
status sync_state_read(model_db *db, sync_state *out) MUST_CHECK; /* zeros when new */
status sync_state_write(model_txn *txn, const sync_state *s) MUST_CHECK;

/* After a client reset, of what was acknowledged and is lost: its place among all that is lost, as a stamp. */
typedef struct claim_stamp {
    uint64_t stamp; /* 0: that of its log version */
    uint64_t
        began; /* of the server's history that follows on what was lost: lost ones are counted from there */
    uint64_t place; /* among the versions that are lost */
} claim_stamp;

/* A field that was set, or incremented, or both. What was added belongs to an interval of the log: what a batch in flight has of
 * it stays apart from what came after (design rule 3). */
typedef struct pending_field {
    property_key property;
    bool is_default;
    uint64_t version; /* log version of the last change that was no increment; 0: none is unsent */
    int64_t added;    /* after it */
    uint64_t added_version;   /* log version of the last increment; 0: none */
    int64_t sent;             /* the same, of what a batch that may be in flight has of it */
    uint64_t sent_version;    /* 0: nothing */
    claim_stamp set;          /* of a set that was claimed */
    int64_t claimed;          /* increments, all together; one by one they are in the entry */
    uint64_t claimed_version; /* log version of the reset; 0: none */
} pending_field;
typedef struct pending_claim {
    property_key property;
    claim_stamp stamp;
    int64_t added;
} pending_claim;
/* What a commit added, or some of them that were folded. */
typedef struct pending_part {
    property_key property;
    uint64_t version;
    int64_t added;
} pending_part;
/* What the local value has beyond the set, or beyond the server's value where nothing is set. */
int64_t pending_field_added(const pending_field *f);
int64_t pending_field_claimed(const pending_field *f); /* the part of it that was claimed */
bool pending_field_sent(const pending_field *f,
                        uint64_t bound); /* a batch of this bound has some of it */
typedef struct pending_entry {
    class_key class_of;
    row_key row;
    uint64_t base;     /* server version integrated when the first of these changes was made */
    uint64_t life;     /* that was seen before these changes; 0: the key was never seen */
    bool alive_before; /* whether it was alive then */
    uint64_t
        met; /* a create that met the server's object of this life before it was sent; 0: none */
    uint64_t created,
        deleted; /* log versions of the last ones, 0: no; the higher one tells whether the row is alive */
    uint64_t
        flight; /* bound of the batch in flight that creates the row, though it was deleted since; 0: none */
    uint64_t
        presumed; /* bound of the acknowledged batch that gave the row a life we only presume; 0: none */
    uint64_t newest; /* log version of the newest change */
    bool hidden;     /* left the view while pending: the row is hidden */
    VECTOR(pending_field) fields;
    VECTOR(pending_claim) claims;
    VECTOR(pending_part) parts; /* of what was added: trail.h */
} pending_entry;
void pending_entry_free(pending_entry *e);
row_kind pending_entry_kind(const pending_entry *e, uint64_t *life); /* ROW_NONE: nothing to tell */
void pending_entry_drop_claims(pending_entry *e); /* of fields of which nothing is claimed */
pending_field *pending_entry_field(pending_entry *e, property_key p);
status pending_get(model_txn *txn, class_key c, row_key row, pending_entry *out,
                   bool *found) MUST_CHECK;
status pending_put(model_txn *txn, const pending_entry *e) MUST_CHECK;
status pending_drop(model_txn *txn, class_key c, row_key row) MUST_CHECK;
/* NOT_SUPPORTED: the folder is of a build that kept these tables otherwise. */
status pending_check_layout(model_db *db) MUST_CHECK;
status pending_any(model_db *db, bool *any) MUST_CHECK; /* an entry or an outbox record is there */

/* The life of a row where it is known and not simply (1, alive). */
typedef struct known_life {
    uint64_t life;
    bool dead;
} known_life;
status pending_life(model_txn *txn, class_key c, row_key row, known_life *out,
                    bool *found) MUST_CHECK;
status pending_set_life(model_txn *txn, class_key c, row_key row, uint64_t life,
                        bool dead) MUST_CHECK;
status pending_forget_life(model_txn *txn, class_key c, row_key row) MUST_CHECK;

/* Folds the local commits that are not folded yet; *newest: log version up to which everything is folded. */
status pending_fold(model_txn *txn, model_db *db, sync_state *state, uint64_t *newest) MUST_CHECK;
/* The server has everything at or below bound: what was not touched since goes, the rest keeps what is newer. */
status pending_acknowledge(model_txn *txn, model_db *db, uint64_t bound) MUST_CHECK;

/* ---- clocks: commit → stamp (design rule 10) ---- */
typedef struct clock_offset {
    bool known;
    int64_t wall_offset_ms;      /* server time - device wall time */
    int64_t monotonic_offset_ms; /* server time - monotonic time of this boot */
    uint64_t boot_id;
    int64_t server_now_ms; /* by the monotonic clock: never beyond the server's now */
} clock_offset;
/* Gives every folded commit without one a stamp. */
status pending_stamp(model_txn *txn, model_db *db, sync_state *state,
                     const clock_offset *offset) MUST_CHECK;
/* A commit that is not local counts as one: what it made pending is of now. */
status pending_clock(model_txn *txn, uint64_t version, const platform *p, uint64_t seen) MUST_CHECK;
status pending_stamp_of(model_txn *txn, model_db *db, uint64_t version,
                        uint64_t *out) MUST_CHECK; /* 0: none yet */
#endif
