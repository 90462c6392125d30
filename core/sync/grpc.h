#ifndef ATOLL_SYNC_GRPC_H
#define ATOLL_SYNC_GRPC_H
#include "base/bytes.h"

/* gRPC calls over one HTTP/2 connection, both ends, over byte buffers. A call lives until its `closed` event, which
 * always comes, once, last. Events come from inside grpc_received, grpc_output, grpc_tick and grpc_free. */
typedef struct grpc grpc;
typedef struct grpc_call grpc_call;

enum { /* gRPC status codes */
       GRPC_OK = 0,
       GRPC_CANCELLED = 1,
       GRPC_UNKNOWN = 2,
       GRPC_INVALID_ARGUMENT = 3,
       GRPC_DEADLINE_EXCEEDED = 4,
       GRPC_NOT_FOUND = 5,
       GRPC_ALREADY_EXISTS = 6,
       GRPC_PERMISSION_DENIED = 7,
       GRPC_RESOURCE_EXHAUSTED = 8,
       GRPC_FAILED_PRECONDITION = 9,
       GRPC_ABORTED = 10,
       GRPC_OUT_OF_RANGE = 11,
       GRPC_UNIMPLEMENTED = 12,
       GRPC_INTERNAL = 13,
       GRPC_UNAVAILABLE = 14,
       GRPC_DATA_LOSS = 15,
       GRPC_UNAUTHENTICATED = 16
};
int32_t grpc_code_of(status code);
status
grpc_status_of(int32_t code); /* the nearest of ours; trailer atoll-status carries the exact one */

typedef struct grpc_events {
    void (*begun)(void *context, grpc_call *call); /* server: path and metadata are known */
    void (*message)(void *context, grpc_call *call, bytes message);
    void (*ended)(void *context, grpc_call *call); /* server: the client sends no more */
    void (*drained)(void *context,
                    grpc_call *call); /* something left the output buffer: poll for more */
    void (*closed)(void *context, grpc_call *call, status code,
                   const char *text); /* ATOLL_OK: ended well */
} grpc_events;

enum { GRPC_HEADERS_MAX = 16 }; /* of a configuration */
typedef struct grpc_options {
    bool server;
    const char *authority;      /* client: host:port */
    bool secure;                /* client: over TLS */
    const char *const *headers; /* client: more metadata of every call: name and value in turn */
    size_t header_count;        /* of both */
    uint64_t ping_period_ms, pong_timeout_ms; /* 0: no pings */
    grpc_events events;
    void *context;
} grpc_options;

status grpc_new(const grpc_options *options, uint64_t now_ms, grpc **out) MUST_CHECK;
void grpc_free(grpc *g); /* calls that are open get CONNECTION_CLOSED */
status grpc_received(grpc *g, uint64_t now_ms, bytes data) MUST_CHECK;
status grpc_output(grpc *g, buffer *to, size_t size_target) MUST_CHECK;
status grpc_tick(grpc *g, uint64_t now_ms)
    MUST_CHECK; /* deadlines of calls, keep-alive; TIMEOUT: the other side is gone */
uint64_t grpc_deadline(const grpc *g);    /* of the next tick wanted; UINT64_MAX: none */
void grpc_ping(grpc *g, uint64_t now_ms); /* is anybody there? at once */
void grpc_shut_down(grpc *g);             /* no new calls */
bool grpc_is_shut_down(const grpc *g);    /* by us or by the other side */
bool grpc_is_finished(const grpc *g);     /* close the socket */
size_t grpc_call_count(const grpc *g);

/* client */
typedef struct grpc_request {
    const char *path;          /* "/package.Service/Method" */
    const char *authorization; /* the token, or NULL */
    uint64_t timeout_ms;       /* 0: none */
    void *user;
} grpc_request;
status grpc_start(grpc *g, const grpc_request *request, uint64_t now_ms,
                  grpc_call **out) MUST_CHECK;
status grpc_half_close(grpc_call *call) MUST_CHECK; /* nothing more to send */
/* server */
bytes grpc_call_path(const grpc_call *call);
bytes grpc_call_token(const grpc_call *call); /* of "authorization: Bearer TOKEN"; empty: none */
bytes grpc_call_app(const grpc_call *call);   /* of "atoll-app"; empty: none */
status grpc_accept(grpc_call *call)
    MUST_CHECK; /* sends the response headers now; else with the first message */
void grpc_finish(grpc_call *call, status code, const char *text);
/* both */
status grpc_send(grpc_call *call, bytes message) MUST_CHECK;
void grpc_cancel(grpc_call *call); /* no further message; closed follows */
size_t grpc_unsent(const grpc_call *call);
void grpc_pause(grpc_call *call,
                bool on); /* while on, no message is delivered; at most a window is kept */
void grpc_call_set_user(grpc_call *call, void *user);
void *grpc_call_user(const grpc_call *call);
grpc *grpc_call_connection(const grpc_call *call);
void *grpc_context(const grpc *g);
#endif
