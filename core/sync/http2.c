/* HTTP/2 by nghttp2, for both ends; the only file that includes it.
 * Must never: touch a socket or a clock; let one stream that isn't read hold up its neighbours.
 * Invariant: room of the connection is given back when bytes arrive, room of a stream when they were consumed: so the
 * memory of a stalled stream is bounded by its window, and nobody else waits. Every stream gets one `closed`. */
#include "sync/http2.h"

#include "base/limits.h"
#include "base/vector.h"

#include <nghttp2/nghttp2.h>

#define HTTP2_FRAME_SIZE_MAX (1u << 16)
#define HTTP2_KEPT_MAX (16u << 10) /* of room for what leaves a stream next */
#define HTTP2_CONNECTION_WINDOW (16u << 20)
#define HTTP2_HEADERS_SIZE_MAX (64u << 10) /* of one block: tokens are about a kilobyte */
#define HTTP2_HEADERS_MAX 128              /* of one block */
#define HTTP2_UNSENT_MAX (2u * LIMIT_MESSAGE_SIZE_MAX) /* a message under way and the next */

struct http2_stream {
    http2 *connection;
    http2_stream *before, *after;
    void *user;
    int32_t id;
    buffer out;
    size_t out_at;
    buffer text; /* names and values of the header block under way, one after the other */
    VECTOR(uint32_t) sizes; /* their sizes: name, value, name, value, ... */
    VECTOR(nghttp2_nv) trailers;
    buffer trailers_text;
    bool started, ending, deferred, reset, remote_ended;
};

struct http2 {
    http2_options options;
    nghttp2_session *session;
    http2_stream *first;
    bool goaway_sent;
};

/* ---- memory ---- */

static void *allocate(size_t size, void *context)
{
    (void)context;
    return memory_allocate(size);
}

static void release(void *pointer, void *context)
{
    (void)context;
    memory_free(pointer);
}

static void *allocate_zero(size_t count, size_t size, void *context)
{
    (void)context;
    if (size != 0 && count > SIZE_MAX / size) return NULL;
    return memory_allocate_zero(count * size);
}

static void *reallocate(void *pointer, size_t size, void *context)
{
    (void)context;
    return memory_reallocate(pointer, size);
}

/* ---- streams ---- */

static http2_stream *stream_new(http2 *h)
{
    http2_stream *s = memory_allocate_zero(sizeof *s);
    if (s == NULL) return NULL;
    s->connection = h;
    buffer_init(&s->out, HTTP2_UNSENT_MAX);
    buffer_init(&s->text, HTTP2_HEADERS_SIZE_MAX);
    buffer_init(&s->trailers_text, HTTP2_HEADERS_SIZE_MAX);
    s->after = h->first;
    if (h->first != NULL) h->first->before = s;
    h->first = s;
    return s;
}

static void stream_free(http2_stream *s)
{
    http2 *h = s->connection;
    if (s->before != NULL)
        s->before->after = s->after;
    else
        h->first = s->after;
    if (s->after != NULL) s->after->before = s->before;
    buffer_free(&s->out);
    buffer_free(&s->text);
    buffer_free(&s->trailers_text);
    vector_free(&s->sizes);
    vector_free(&s->trailers);
    memory_free(s);
}

static void stream_closed(http2_stream *s, bool by_reset, uint32_t code)
{
    http2 *h = s->connection;
    if (h->options.events.closed != NULL)
        h->options.events.closed(h->options.context, s, by_reset, code);
    stream_free(s);
}

/* ---- what nghttp2 calls ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    http2 *h = context;
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    http2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s == NULL && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        s = stream_new(h);
        if (s == NULL) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        s->id = frame->hd.stream_id;
        nghttp2_session_set_stream_user_data(session, s->id, s);
    }
    if (s != NULL) {
        buffer_clear(&s->text);
        s->sizes.count = 0;
    }
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *context)
{
    (void)flags, (void)context;
    http2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s == NULL) return 0;
    if (s->sizes.count >= 2 * HTTP2_HEADERS_MAX) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (buffer_append(&s->text, name, name_size) != ATOLL_OK ||
        buffer_append(&s->text, value, value_size) != ATOLL_OK ||
        vector_push(&s->sizes, (uint32_t)name_size) != ATOLL_OK ||
        vector_push(&s->sizes, (uint32_t)value_size) != ATOLL_OK) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets the stream, the connection goes on */
    }
    return 0;
}

static void deliver_headers(http2 *h, http2_stream *s, bool end)
{
    http2_header headers[HTTP2_HEADERS_MAX];
    size_t count = s->sizes.count / 2, at = 0;
    for (size_t i = 0; i < count; i++) {
        headers[i].name = bytes_of(s->text.data + at, s->sizes.items[2 * i]);
        at += s->sizes.items[2 * i];
        headers[i].value = bytes_of(s->text.data + at, s->sizes.items[2 * i + 1]);
        at += s->sizes.items[2 * i + 1];
    }
    h->options.events.headers(h->options.context, s, headers, count, end);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    http2 *h = context;
    const http2_events *events = &h->options.events;
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        if (events->pong != NULL) events->pong(h->options.context);
        return 0;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        if (events->goaway != NULL) events->goaway(h->options.context, frame->goaway.error_code);
        return 0;
    }
    http2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (end) s->remote_ended = true;
    if (frame->hd.type == NGHTTP2_HEADERS && !s->reset) deliver_headers(h, s, end);
    if (end && !s->reset && events->ended != NULL) events->ended(h->options.context, s);
    return 0;
}

/* A server that has answered doesn't wait for the rest of the request. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    http2 *h = context;
    if (!h->options.server || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    http2_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s == NULL || s->remote_ended || s->reset) return 0;
    s->reset = true;
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR) ==
                   NGHTTP2_ERR_NOMEM
               ? NGHTTP2_ERR_CALLBACK_FAILURE
               : 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t size, void *context)
{
    (void)flags;
    http2 *h = context;
    nghttp2_session_consume_connection(session, size);
    http2_stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (s == NULL || s->reset) {
        nghttp2_session_consume_stream(session, id, size);
        return 0;
    }
    h->options.events.data(h->options.context, s, bytes_of(data, size));
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
    (void)context;
    http2_stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (s == NULL) return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    stream_closed(s, code != NGHTTP2_NO_ERROR, code);
    return 0;
}

static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *to, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *context)
{
    http2 *h = context;
    http2_stream *s = source->ptr;
    size_t waiting = s->out.size - s->out_at;
    if (waiting == 0) {
        if (!s->ending) {
            s->deferred = true;
            return NGHTTP2_ERR_DEFERRED;
        }
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->trailers.count > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (nghttp2_submit_trailer(session, id, s->trailers.items, s->trailers.count) != 0) {
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
            }
        }
        return 0;
    }
    if (size > waiting) size = waiting;
    memcpy(to, s->out.data + s->out_at, size);
    s->out_at += size;
    if (s->out_at == s->out.size) {
        s->out_at = 0;
        buffer_clear(&s->out);
        if (s->out.capacity > HTTP2_KEPT_MAX) buffer_free(&s->out);
    }
    if (h->options.events.drained != NULL) h->options.events.drained(h->options.context, s);
    return (ssize_t)size;
}

/* ---- the connection ---- */

static status fail_nghttp2(const char *what, int code)
{
    if (nghttp2_is_fatal(code) && code == NGHTTP2_ERR_NOMEM) {
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "out of memory while %s", what);
    }
    return fail(ATOLL_ERROR_PROTOCOL, "HTTP/2 error while %s: %s", what, nghttp2_strerror(code));
}

static int create_session(http2 *h)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int code = nghttp2_session_callbacks_new(&callbacks);
    if (code == 0) code = nghttp2_option_new(&option);
    if (code == 0) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        nghttp2_option_set_no_auto_window_update(option, 1);
        nghttp2_option_set_no_closed_streams(
            option, 1); /* their memory would grow with the life of the connection */
        nghttp2_mem memory = {NULL, allocate, release, allocate_zero, reallocate};
        if (h->options.server)
            code = nghttp2_session_server_new3(&h->session, callbacks, h, option, &memory);
        else
            code = nghttp2_session_client_new3(&h->session, callbacks, h, option, &memory);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return code;
}

status http2_new(const http2_options *options, http2 **out)
{
    http2 *h = memory_allocate_zero(sizeof *h);
    if (h == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    h->options = *options;
    int code = create_session(h);
    if (code == 0) {
        nghttp2_settings_entry settings[] = {
            {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options->window_size},
            {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, HTTP2_FRAME_SIZE_MAX},
            {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP2_HEADERS_SIZE_MAX},
            {options->server ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS
                             : NGHTTP2_SETTINGS_ENABLE_PUSH,
             options->server ? options->streams_max : 0},
        };
        code = nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                                       sizeof settings / sizeof *settings);
    }
    if (code == 0) {
        code = nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                                     HTTP2_CONNECTION_WINDOW);
    }
    if (code != 0) {
        http2_free(h);
        return fail_nghttp2("starting a connection", code);
    }
    *out = h;
    return ATOLL_OK;
}

void http2_free(http2 *h)
{
    if (h == NULL) return;
    while (h->first != NULL) stream_closed(h->first, true, NGHTTP2_CANCEL);
    if (h->session != NULL) nghttp2_session_del(h->session);
    memory_free(h);
}

status http2_received(http2 *h, bytes data)
{
    ssize_t used = nghttp2_session_mem_recv(h->session, data.data, data.size);
    if (used < 0) return fail_nghttp2("reading what the other side sent", (int)used);
    return ATOLL_OK;
}

status http2_output(http2 *h, buffer *to, size_t size_target)
{
    size_t before = to->size;
    while (to->size - before < size_target) {
        const uint8_t *data = NULL;
        ssize_t size = nghttp2_session_mem_send(h->session, &data);
        if (size < 0) return fail_nghttp2("writing", (int)size);
        if (size == 0) break;
        TRY(buffer_append(to, data, (size_t)size));
    }
    return ATOLL_OK;
}

bool http2_is_finished(const http2 *h)
{
    return nghttp2_session_want_read(h->session) == 0 &&
           nghttp2_session_want_write(h->session) == 0;
}

void http2_ping(http2 *h)
{
    if (nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL) != 0)
        return; /* no memory: the timeout will tell */
}

void http2_shut_down(http2 *h)
{
    if (h->goaway_sent) return;
    h->goaway_sent = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

/* ---- writing ---- */

static void to_nv(const http2_header *headers, size_t count, nghttp2_nv *to)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)headers[i].name.data,
                             (uint8_t *)(uintptr_t)headers[i].value.data, headers[i].name.size,
                             headers[i].value.size, NGHTTP2_NV_FLAG_NONE};
    }
}

status http2_request(http2 *h, const http2_header *headers, size_t count, void *user,
                     http2_stream **out)
{
    nghttp2_nv pairs[HTTP2_HEADERS_MAX];
    if (count > HTTP2_HEADERS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "more than %d headers", HTTP2_HEADERS_MAX);
    http2_stream *s = stream_new(h);
    if (s == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    to_nv(headers, count, pairs);
    s->user = user;
    s->started = true;
    nghttp2_data_provider provider = {.source.ptr = s, .read_callback = read_data};
    int32_t id = nghttp2_submit_request(h->session, NULL, pairs, count, &provider, s);
    if (id < 0) {
        stream_free(s);
        return fail_nghttp2("opening a stream", id);
    }
    s->id = id;
    *out = s;
    return ATOLL_OK;
}

status http2_respond(http2_stream *s, const http2_header *headers, size_t count)
{
    nghttp2_nv pairs[HTTP2_HEADERS_MAX];
    if (count > HTTP2_HEADERS_MAX)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "more than %d headers", HTTP2_HEADERS_MAX);
    if (s->started || s->reset) return ATOLL_OK;
    to_nv(headers, count, pairs);
    nghttp2_data_provider provider = {.source.ptr = s, .read_callback = read_data};
    int code = nghttp2_submit_response(s->connection->session, s->id, pairs, count, &provider);
    if (code != 0) return fail_nghttp2("answering", code);
    s->started = true;
    return ATOLL_OK;
}

static void resume(http2_stream *s)
{
    if (!s->deferred) return;
    s->deferred = false;
    nghttp2_session_resume_data(s->connection->session, s->id);
}

status http2_write(http2_stream *s, bytes data)
{
    if (s->reset || s->ending)
        return fail(ATOLL_ERROR_CLOSED, "the stream has ended: nothing more can be written");
    if (s->out_at > 0 && s->out_at >= s->out.size / 2) {
        memmove(s->out.data, s->out.data + s->out_at, s->out.size - s->out_at);
        s->out.size -= s->out_at;
        s->out_at = 0;
    }
    TRY(buffer_append(&s->out, data.data, data.size));
    resume(s);
    return ATOLL_OK;
}

status http2_end(http2_stream *s, const http2_header *trailers, size_t count)
{
    if (s->reset || s->ending) return ATOLL_OK;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += trailers[i].name.size + trailers[i].value.size;
    TRY(buffer_reserve(&s->trailers_text,
                       size + 1)); /* in one piece: the pairs below point into it */
    TRY(vector_reserve(&s->trailers, count + 1));
    for (size_t i = 0; i < count; i++) {
        uint8_t *name = s->trailers_text.data + s->trailers_text.size;
        TRY(buffer_append(&s->trailers_text, trailers[i].name.data, trailers[i].name.size));
        uint8_t *value = s->trailers_text.data + s->trailers_text.size;
        TRY(buffer_append(&s->trailers_text, trailers[i].value.data, trailers[i].value.size));
        nghttp2_nv pair = {name, value, trailers[i].name.size, trailers[i].value.size,
                           NGHTTP2_NV_FLAG_NONE};
        s->trailers.items[s->trailers.count++] = pair;
    }
    s->ending = true;
    resume(s);
    return ATOLL_OK;
}

void http2_reset(http2_stream *s, bool refused)
{
    if (s->reset) return;
    s->reset = true;
    uint32_t code = refused ? NGHTTP2_REFUSED_STREAM : NGHTTP2_CANCEL;
    nghttp2_submit_rst_stream(s->connection->session, NGHTTP2_FLAG_NONE, s->id, code);
}

void http2_consumed(http2_stream *s, size_t size)
{
    if (size > 0) nghttp2_session_consume_stream(s->connection->session, s->id, size);
}

size_t http2_unsent(const http2_stream *s)
{
    return s->out.size - s->out_at;
}

void http2_set_user(http2_stream *s, void *user)
{
    s->user = user;
}

void *http2_user(const http2_stream *s)
{
    return s->user;
}

int32_t http2_stream_id(const http2_stream *s)
{
    return s->id;
}
