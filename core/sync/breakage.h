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
    BREAKAGE_LEAVES_NOT_WATCHED         /* who had a row is not told that it left */
};
#ifdef ATOLL_SIMULATOR
extern int breakage_active;
extern unsigned
    simulator_mended; /* times that a client asked for the whole view since it lacked something */
extern unsigned simulator_message_size; /* small, so that batches and groups have many parts */
#define BREAKAGE(which) (breakage_active == (which))
#define MESSAGE_SIZE_TARGET simulator_message_size
#define NOTE_MENDED() (simulator_mended++)
#else
#define BREAKAGE(which) 0
#define NOTE_MENDED() ((void)0)
#define MESSAGE_SIZE_TARGET LIMIT_UPLOAD_MESSAGE_SIZE_TARGET
#endif
#endif
