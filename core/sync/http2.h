#ifndef ATOLL_SYNC_HTTP2_H
#define ATOLL_SYNC_HTTP2_H
#include "base/bytes.h"

/* HTTP/2 over byte buffers, both ends; no socket inside. Bytes that came are given to http2_received, bytes to send are
 * taken by http2_output after anything that may have caused some. Events come from inside http2_received, http2_output
 * and http2_free; inside them every call but http2_received, http2_output and http2_free is allowed. */
typedef struct http2 http2;
typedef struct http2_stream http2_stream;

typedef struct http2_header {
    bytes name, value;
} http2_header;

typedef struct http2_events {
    void (*headers)(void *context, http2_stream *s, const http2_header *headers, size_t count,
                    bool end);
    void (*data)(void *context, http2_stream *s,
                 bytes piece);                       /* give the room back with http2_consumed */
    void (*ended)(void *context, http2_stream *s);   /* the other side sends no more */
    void (*drained)(void *context, http2_stream *s); /* what was written has left for the output */
    void (*closed)(void *context, http2_stream *s, bool by_reset,
                   uint32_t code); /* always, last; then it is freed */
    void (*pong)(void *context);
    void (*goaway)(void *context,
                   uint32_t code); /* no new streams on this connection; the open ones go on */
} http2_events;

typedef struct http2_options {
    bool server;
    uint32_t
        window_size; /* per stream; the connection's is returned at once, so streams don't stall each other */
    uint32_t streams_max; /* that the other side may open */
    http2_events events;
    void *context;
} http2_options;

status http2_new(const http2_options *options, http2 **out) MUST_CHECK;
void http2_free(http2 *h);
status http2_received(http2 *h, bytes data)
    MUST_CHECK; /* PROTOCOL: send what http2_output gives, then close */
/* Appends what is to be sent until about size_target is reached; nothing appended: nothing to send. */
status http2_output(http2 *h, buffer *to, size_t size_target) MUST_CHECK;
bool http2_is_finished(const http2 *h); /* neither side has anything to say: close the socket */
void http2_ping(http2 *h);
void http2_shut_down(http2 *h); /* GOAWAY: open streams may end by themselves */

status http2_request(http2 *h, const http2_header *headers, size_t count, void *user,
                     http2_stream **out) MUST_CHECK;
status http2_respond(http2_stream *s, const http2_header *headers, size_t count) MUST_CHECK;
status http2_write(http2_stream *s, bytes data) MUST_CHECK; /* copied */
/* After what was written: trailers (server) or the end (client, count 0). */
status http2_end(http2_stream *s, const http2_header *trailers, size_t count) MUST_CHECK;
void http2_reset(http2_stream *s, bool refused); /* closed follows */
void http2_consumed(http2_stream *s, size_t size);
size_t http2_unsent(const http2_stream *s); /* written and not yet in the output */
void http2_set_user(http2_stream *s, void *user);
void *http2_user(const http2_stream *s);
int32_t http2_stream_id(const http2_stream *s);
#endif
