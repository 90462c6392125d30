#ifndef ATOLL_SYNC_BREAKAGE_H
#define ATOLL_SYNC_BREAKAGE_H

/* Deliberate breakages: the simulator must find each of them, which shows that its checks can fail. They exist only in the
 * simulator's own build of these sources; elsewhere BREAKAGE() is the constant false and nothing of them remains. */
enum {
    BREAKAGE_NONE = 0,
    BREAKAGE_ACKNOWLEDGE_BEFORE_COMMIT, /* the server acknowledges what is not durable yet */
    BREAKAGE_NO_TOMBSTONE,              /* a deletion is forgotten at once */
    BREAKAGE_WRONG_TIE_BREAK,           /* equal stamps: the lower ident wins */
    BREAKAGE_MARK_MOVED_ON_A_MISS,      /* a cursor moves though the group is not complete */
    BREAKAGE_EVICT_OF_A_PENDING_ROW,    /* a row with unsent edits leaves the view and is dropped */
    BREAKAGE_LEAVES_NOT_WATCHED,        /* who had a row is not told that it left */
    BREAKAGE_PLACE_NOT_LEFT,            /* nor who was away */
    BREAKAGE_DEFAULT_WINS,              /* a default beats what was decided earlier */
    BREAKAGE_LAST_ARRIVED_WINS,         /* fields by order of arrival */
    BREAKAGE_CREATE_REVIVES,            /* a create concurrent with a deletion begins a life */
    BREAKAGE_DELETE_IGNORED,            /* a deletion that comes in changes nothing */
    BREAKAGE_NO_LEAVE_RECORD,           /* nobody is told that a row left the view by a change */
    BREAKAGE_LIFE_NOT_RAISED,           /* an object that lives again has the number of before */
    BREAKAGE_INGEST_LOST,               /* asymmetric objects are acknowledged and not stored */
    BREAKAGE_SKIPPED_SYNC,              /* the server takes for durable what it only wrote */
    BREAKAGE_VIEW_IGNORED,              /* rows outside of the view are sent */
    BREAKAGE_EVICTION_NOT_SENT,         /* rows that left the view or were deleted are not told */
    BREAKAGE_ROW_SKIPPED,               /* a message lacks a row */
    BREAKAGE_REFUSAL_NOT_TOLD,          /* a refused write is reverted without a word */
    BREAKAGE_PENDING_OVERWRITTEN,       /* what comes in replaces what is unsent */
    BREAKAGE_LIST_REPLACED,             /* a list that comes in replaces the own one */
    BREAKAGE_NO_SWEEP,                  /* what a new view does not name stays */
    BREAKAGE_ACKNOWLEDGED_WITHOUT_OUTCOME, /* an acknowledgement counts without what it carries */
    BREAKAGE_ACKNOWLEDGED_TOO_MUCH, /* an acknowledgement drops what was written after its batch */
    BREAKAGE_ADDED_OVER_A_BOUND,    /* an increment is folded into one that is in flight */
    BREAKAGE_CLEAR_FORGOTTEN,       /* a clear of a set or dictionary does not end what it saw */
    BREAKAGE_WRITE_NOT_JUDGED,      /* roles are not asked about writes */
    BREAKAGE_VIEW_NOT_RENEWED,      /* other roles, and the view stays what it was */
    BREAKAGE_SECRET_FIELD_SENT,     /* a field travels that may not be read */
    BREAKAGE_CURSOR_WITH_THE_FIRST_SLICE, /* the rest of a group is taken for published */
    BREAKAGE_SLICES_NOT_RESUMED,          /* what a power cut left half published stays so */
    BREAKAGE_BEHIND_NOT_SENT, /* a group that goes on after a cut lacks what changed before that place */
    BREAKAGE_TOLD_FORGOTTEN,    /* after a power cut a sweep does not know what the group named */
    BREAKAGE_COPIES_SEND_TWICE, /* what another copy of a folder sent is taken once more */
    BREAKAGE_COUNT
};
#ifdef ATOLL_SIMULATOR
extern int breakage_active;
int breakage_named(const char *name); /* -1: none is */
extern unsigned
    simulator_mended; /* times that a client asked for the whole view since it lacked something */
extern unsigned simulator_message_size;   /* small, so that batches and groups have many parts */
extern unsigned simulator_slice_rows;     /* of one commit of a download */
extern unsigned simulator_slice_delay_ms; /* between two of them */
extern unsigned simulator_stage_bytes;    /* of a download: what is more goes to the disk */
extern unsigned simulator_slices, simulator_resumed; /* how often */
extern unsigned simulator_continued; /* parts of groups that were cut, kept and gone on with */
#define BREAKAGE(which) (breakage_active == (which))
#define SLICE_ROWS_MAX simulator_slice_rows
#define SLICE_ROWS_LONG simulator_slice_rows
#define SLICE_DELAY_MS simulator_slice_delay_ms
#define STAGE_BYTES_MAX simulator_stage_bytes
#define WHOLE_ROWS_MAX (5 * simulator_slice_rows)
#define NOTE_SLICE() (simulator_slices++)
#define NOTE_RESUMED() (simulator_resumed++)
#define NOTE_CONTINUED(parts) (simulator_continued += (unsigned)(parts))
#define MESSAGE_SIZE_TARGET simulator_message_size
#define NOTE_MENDED() (simulator_mended++)
#else
#define BREAKAGE(which) 0
#define NOTE_MENDED() ((void)0)
#define NOTE_SLICE() ((void)0)
#define NOTE_RESUMED() ((void)0)
#define NOTE_CONTINUED(parts) ((void)0)
#define SLICE_ROWS_MAX 2000
#define SLICE_ROWS_LONG 20000
#define SLICE_DELAY_MS 0
#define STAGE_BYTES_MAX (1u << 20)
#define WHOLE_ROWS_MAX 10000
#define MESSAGE_SIZE_TARGET LIMIT_UPLOAD_MESSAGE_SIZE_TARGET
#endif
#endif
