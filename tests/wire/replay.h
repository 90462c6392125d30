#ifndef ATOLL_TEST_WIRE_REPLAY_H
#define ATOLL_TEST_WIRE_REPLAY_H
#include "talks.h"

/* How the bytes of a record are changed before they are taken. */
typedef enum replay_change {
    REPLAY_AS_IT_WAS = 0,
    REPLAY_UNKNOWN_ADDED, /* every message holds a field that nobody knows */
    REPLAY_RENUMBERED     /* the integers of columns are in a field of another number */
} replay_change;
/* Today's server against the recorded clients, and today's client against the recorded server. Another seed than the
 * record's: idents, secrets and batches are others than those. The number of differences to what was recorded. */
int replay_server(const talk *t, const record *r, uint64_t seed, replay_change change);
int replay_client(const talk *t, const record *r, int who, uint64_t seed, replay_change change);
/* change.c */
void change_message(replay_change change, bool client, bytes message, buffer *out);
#endif
