#ifndef ATOLL_TEST_WIRE_TALKS_H
#define ATOLL_TEST_WIRE_TALKS_H
#include "everything.h"

/* What is said in a recorded conversation: steps of the server's operator, of the network and of each client's app. A replay
 * does the steps of the side that takes part in it, and reads the other side's from the record. */
enum { TALK_SERVER = -1, TALK_NETWORK = -2, TALK_STEPS_MAX = 24, TALK_IDS_MAX = 12 };
typedef struct talk_step {
    int who; /* a client, TALK_SERVER or TALK_NETWORK */
    void (*run)(world *w, client *c);
    uint64_t then_ms; /* how long the world runs after it; 0: until it rests */
} talk_step;
typedef struct talk {
    const char *name;
    int clients;
    bool partition;
    bool
        returns_elements; /* a client gets elements of lists back that it made: it has to make the same again */
    uint64_t seed;
    talk_step steps[TALK_STEPS_MAX];
} talk;
extern const talk talks[];
extern const size_t talk_count;
/* A world of this many clients, not connected yet; the seed decides what is random on both sides. */
void talk_world(world *w, const talk *t, uint64_t seed, int clients);

/* What happened, as lines of text: time, who, what, and the rest of it. */
typedef enum event_kind {
    EVENT_STEP = 1, /* number: which */
    EVENT_OPEN,     /* a stream is open at both ends */
    EVENT_UP,       /* data, when the server takes it */
    EVENT_DOWN,     /* data, when the client takes it */
    EVENT_CLOSED,   /* number: the code that the client is told */
    EVENT_CUT,      /* the server's end is gone */
    EVENT_STATE,    /* number: an object's key; data: its text in the end, at who */
    EVENT_ERRORS,   /* data: codes that the client's app was told, in their order */
    EVENT_INGESTED, /* data: what the server keeps of asymmetric objects */
    EVENT_INNER /* data: the packed message before this, as it was before it was packed; number: 1 from the client */
} event_kind;
typedef struct event {
    uint64_t at_ms;
    int who;
    event_kind kind;
    int64_t number;
    uint8_t *data;
    size_t size;
} event;
typedef struct record {
    event *items;
    size_t count;
} record;
void record_add(record *r, uint64_t at_ms, int who, event_kind kind, int64_t number, bytes data);
void record_free(record *r);
void record_read(const char *path, record *out);
void record_write(const char *path, const record *r); /* fails when the file is there */
const char *record_text(const record *r, int who, event_kind kind, int64_t number); /* or "" */
char *ingested_text(world *w); /* caller frees */
/* What today's codec reads, written again. Answers whether it came packed; what is written never is. */
bool message_again(bool client, bytes raw, buffer *out);

/* The whole conversation, between the machines of today. */
void talk_record(const talk *t, record *out);
#endif
