#ifndef ATOLL_SYNC_CHANNEL_H
#define ATOLL_SYNC_CHANNEL_H
#include "platform/loop.h"
#include "platform/tls.h"
#include "sync/grpc.h"
#include "sync/proxy.h"

/* One socket, with TLS and a proxy where wanted, under one gRPC connection, in a loop. What a callback of the loop finds out is told by channel_turn, which
 * the owner calls after each loop turn for every channel that was touched; so nothing is freed while it is in use. */
typedef struct channel channel;

typedef struct channel_options {
    loop *loop;
    const platform *platform;
    grpc_options grpc;
    void (*touched)(
        void *context,
        channel *c); /* something happened: channel_turn wants to be called; may be NULL */
    void *context;
    const tls_context
        *tls; /* NULL: without; needed until channel_connect or channel_accepted returns */
    const proxy *proxy; /* client: NULL: without; outlives the channel */
} channel_options;

/* Takes the socket over, also on failure. */
status channel_accepted(const channel_options *options, int socket, channel **out) MUST_CHECK;
/* timeout_ms: until connected. Calls may be started at once; they wait for the connection. */
status channel_connect(const channel_options *options, const char *host, uint16_t port,
                       uint64_t timeout_ms, channel **out) MUST_CHECK;
void channel_free(channel *c); /* open calls get CONNECTION_CLOSED */
grpc *channel_grpc(const channel *c);
bool channel_is_connected(const channel *c);
/* Sends what is to be sent, looks at deadlines. Not ATOLL_OK: the connection has ended; free the channel. */
status channel_turn(channel *c, uint64_t now_ms) MUST_CHECK;
uint64_t channel_deadline(const channel *c);
#endif
