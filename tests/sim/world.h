#ifndef ATOLL_SIM_WORLD_H
#define ATOLL_SIM_WORLD_H
#include "base/random.h"
#include "server/server.h"
#include "sync/codec.h"
#include "sync/session.h"
#include "sync/subscription.h"

/* A world of one server and some clients in one thread: virtual clock, network and disks. The machines are the real ones;
 * what is around them is here. Nodes crash between any two disk operations; links delay, cut and lose what is on the way. */
enum { WORLD_CLIENTS_MAX = 6 };

typedef struct packet {
    uint64_t at_ms;
    uint8_t *data; /* NULL: the end of the stream */
    size_t size;
    status code;
    char text[200];
} packet;
typedef struct packet_queue {
    packet *items;
    size_t count, capacity, first;
} packet_queue;

typedef enum world_event {
    WORLD_OPENED = 1,
    WORLD_UP,
    WORLD_DOWN,
    WORLD_CLOSED, /* the client is told */
    WORLD_CUT     /* the server's end goes */
} world_event;

struct world;
typedef struct node { /* what a client and the server share: a disk, clocks, a crash to come */
    struct world *world;
    memory_disk *disk;
    platform platform;
    uint64_t boot_id, booted_ms;
    int64_t wall_offset_ms;
    random_state random;
    bool up, crashing;
    uint64_t crash_in; /* disk operations until the crash; 0: none planned */
    uint64_t crashes;
} node;

typedef struct client {
    node node;
    int number;
    model_db *db;
    session *session;
    peer *peer;         /* of the open stream */
    bool to_poll;       /* the peer may have something to say */
    bool stream_wanted; /* OPEN was given out */
    bool stream_open;
    uint64_t open_at_ms, up_free_ms, down_free_ms;
    packet_queue up, down;
    bool offline; /* the network is away */
    bool plain,
        newer; /* an app without compression; one whose messages have fields that nobody knows yet */
    bool
        upgraded; /* a newer version of the app: its model has one more property and one more class */
    bool breaking;     /* with upgraded: the property has another type than that version gave it */
    packet_queue said; /* what the server took of the open stream, while the world records */
    uint64_t errors;   /* ERROR actions */
    uint64_t resets[3][2]; /* RESET actions: by step, recovered and discarded */

    status last_error;
    char last_error_text[256];
    uint64_t compensations;
    uint64_t requests_done;
    status request_code;
    uint64_t request_last;
    uint64_t restart_at_ms;
    int32_t state_before;
    bool other_mode;     /* the other kind of sync than the server's */
    const char *user_id; /* "user" unless set before the first connection */
    char *user_data;     /* custom data, JSON; NULL: none */
} client;

typedef struct world {
    uint64_t now_ms;
    random_state random;
    node server_node;
    server_app *app;
    uint64_t server_restart_at_ms;
    client clients[WORLD_CLIENTS_MAX];
    int client_count;
    bool flexible;
    bool partition_clients; /* a flexible server takes them */
    bool cancel_waits;      /* of the clients that are opened from now on */
    value partition;        /* of partition sync: "p" unless set and the clients opened again */
    uint64_t memory_budget; /* of every engine */
    uint64_t staged_memory; /* bytes of a batch that the server keeps in memory; 0: as it likes */
    uint64_t spooled;       /* messages that it put aside on its disk */
    bool spool_full;        /* there is no room for more */
    model_schema schema;
    uint64_t delay_ms_max;
    uint64_t cuts, server_crashes, client_crashes;
    uint64_t ping_ms; /* of sessions that are opened from now on; 0: as usual */
    bool records;
    struct {
        peer *items[16];
        int count;
    } lost_ends; /* of streams that no client knows any more: the server finds out */
    uint64_t messages_up[16], messages_down[16], openings[8];
    uint64_t connections[3][3], states[5][5]; /* transitions: from, to */
    /* Called with each decoded message when the server takes it, and after a batch was applied. */
    void (*on_upload)(struct world *w, client *c, const client_message *m);
    void (*on_applied)(struct world *w, client *c, bytes batch, uint64_t bound, uint64_t version);
    void (*on_ack)(struct world *w, client *c, uint64_t bound);
    void (*on_server_up)(struct world *w, uint64_t version);
    void (*on_client_up)(struct world *w, client *c, uint64_t version);
    void (*on_down)(struct world *w, client *c, const server_message *m);
    /* Every message as bytes when its receiver takes it, and what becomes of streams. */
    void (*on_error)(struct world *w, client *c, const session_action *a);
    void (*on_wire)(struct world *w, client *c, world_event what, bytes data, status code);
    void *context;
    bool verbose;
    int32_t reset_mode;
    bool ask_resets;
    uint64_t offline_ms;    /* of the server: the maximum offline time */
    struct role_set *roles; /* NULL: everything is allowed */
} world;

/* Downloads in slices of a few rows, staged from a few hundred bytes on, in most worlds: the seed tells. Called before the start. */
void world_choose_slices(uint64_t seed);
status world_start(world *w, uint64_t seed, int clients, bool flexible,
                   model_schema schema); /* takes the schema */
void world_end(world *w);
/* Advances to the next event (at most `until_ms`), delivers what is due. */
void world_step(world *w, uint64_t until_ms);
void world_run(world *w, uint64_t for_ms);
/* Runs until no packet is on the way and nobody wants to send; false: did not settle within limit_ms. */
bool world_settle(world *w, uint64_t limit_ms);
/* The server goes on with an earlier image of its disk. */
void world_restore_server(world *w, memory_disk *image, uint64_t down_ms);
void world_cut(world *w, client *c);
/* One end is gone and the other one does not know: the server's, or the client's. */
void world_half_open(world *w, client *c, bool servers_end_stays);
/* Everything that the client said in its stream is said once more in another one, by nobody. */
void world_replay(world *w, client *c);
void world_crash_client(world *w, client *c, uint64_t down_ms);
void world_crash_server(world *w, uint64_t down_ms);
/* Roles and the like of the app: what stands below `- id: app` in a configuration file. */
status world_set_roles(world *w, const char *yaml);
status world_set_user_data(world *w, client *c, const char *json);
bool world_client_open(world *w, client *c);
void world_new_device(world *w, client *c); /* with an empty disk */
status world_subscribe(world *w, client *c, const char *const *classes, const char *const *queries,
                       size_t count);
#endif
