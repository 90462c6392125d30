/* gRPC calls: framing, metadata, trailers, deadlines, keep-alive; both ends.
 * Must never: keep more of a message than its announced size, nor more of a paused call than the stream's window.
 * Invariant: between two events a call holds either nothing, or the start of one message, or (paused) unread bytes. */
#include "sync/grpc.h"

#include "base/limits.h"
#include "sync/http2.h"

#include <stdio.h>
#include <stdlib.h>

#define GRPC_PREFIX_SIZE 5
#define GRPC_TEXT_SIZE_MAX 1024
#define GRPC_WINDOW_SERVER (1u << 20)
#define GRPC_WINDOW_CLIENT (4u << 20)
#define GRPC_CALLS_MAX 1000 /* that a client may have open on one connection */
#define GRPC_TOKEN_SIZE_MAX 8192
#define GRPC_KEPT_MAX (16u << 10) /* of room for the next message: an idle call costs little */

struct grpc_call {
    grpc *connection;
    grpc_call *before, *after;
    http2_stream *stream;
    void *user;
    buffer path, token, app;
    buffer message; /* prefix and body of the message under way */
    buffer waiting; /* bytes that came while paused */
    size_t owed;    /* of them: room not given back to the stream yet */
    uint64_t deadline_ms;
    int32_t trailer_code;  /* grpc-status, -1: not seen */
    int32_t trailer_exact; /* atoll-status, 0: not seen */
    status failed;         /* why we gave the call up, ATOLL_OK: we did not */
    char text[GRPC_TEXT_SIZE_MAX];
    bool begun, accepted, finished, paused, delivering, end_waiting, grpc_seen, cancelled;
    int32_t http_status;
};

struct grpc {
    grpc_options options;
    http2 *http;
    grpc_call *first;
    size_t call_count;
    uint64_t now_ms, heard_ms, ping_sent_ms; /* ping_sent_ms 0: none under way */
    bool shut_down;
};

static void take(grpc_call *call, bytes piece);

/* ---- text of grpc-message ---- */

static void percent_encode(const char *text, buffer *to)
{
    for (const uint8_t *at = (const uint8_t *)text; *at != '\0'; at++) {
        char escaped[4];
        bool plain = *at >= 0x20 && *at < 0x7f && *at != '%';
        int size = plain ? snprintf(escaped, sizeof escaped, "%c", *at)
                         : snprintf(escaped, sizeof escaped, "%%%02X", *at);
        if (buffer_append(to, escaped, (size_t)size) != ATOLL_OK)
            return; /* a shorter text is still a text */
    }
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static void percent_decode(bytes text, char *to, size_t size_max)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size && size + 1 < size_max; i++) {
        int c = text.data[i];
        if (c == '%' && i + 2 < text.size && hex_digit(text.data[i + 1]) >= 0 &&
            hex_digit(text.data[i + 2]) >= 0) {
            c = hex_digit(text.data[i + 1]) * 16 + hex_digit(text.data[i + 2]);
            i += 2;
        }
        to[size++] = (char)c;
    }
    to[size] = '\0';
}

/* ---- calls ---- */

static grpc_call *call_new(grpc *g)
{
    grpc_call *call = memory_allocate_zero(sizeof *call);
    if (call == NULL) return NULL;
    call->connection = g;
    call->trailer_code = -1;
    call->deadline_ms = UINT64_MAX;
    buffer_init(&call->path, 1024);
    buffer_init(&call->token, GRPC_TOKEN_SIZE_MAX);
    buffer_init(&call->app, 1024);
    buffer_init(&call->message, LIMIT_MESSAGE_SIZE_MAX + GRPC_PREFIX_SIZE);
    buffer_init(&call->waiting, GRPC_WINDOW_CLIENT + LIMIT_MESSAGE_SIZE_MAX);
    call->after = g->first;
    if (g->first != NULL) g->first->before = call;
    g->first = call;
    g->call_count++;
    return call;
}

static void call_free(grpc_call *call)
{
    grpc *g = call->connection;
    if (call->before != NULL)
        call->before->after = call->after;
    else
        g->first = call->after;
    if (call->after != NULL) call->after->before = call->before;
    g->call_count--;
    buffer_free(&call->path);
    buffer_free(&call->token);
    buffer_free(&call->app);
    buffer_free(&call->message);
    buffer_free(&call->waiting);
    memory_free(call);
}

static void give_up(grpc_call *call, status code, const char *text)
{
    if (call->failed != ATOLL_OK || call->finished) return;
    if (call->connection->options.server) {
        grpc_finish(call, code, text);
        return;
    }
    call->failed = code;
    snprintf(call->text, sizeof call->text, "%s", text);
    call->cancelled = true;
    http2_reset(call->stream, false);
}

/* ---- events of HTTP/2 ---- */

static uint64_t timeout_ms_of(bytes text)
{
    uint64_t value = 0;
    if (text.size < 2 || text.size > 9) return 0;
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return 0;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    switch (text.data[text.size - 1]) {
    case 'H': return value * 3600 * 1000;
    case 'M': return value * 60 * 1000;
    case 'S': return value * 1000;
    case 'm': return value > 0 ? value : 1;
    case 'u': return value / 1000 + 1;
    case 'n': return value / 1000000 + 1;
    default: return 0;
    }
}

static int32_t number_of(bytes text)
{
    int32_t value = 0;
    if (text.size == 0 || text.size > 6) return -1;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return -1;
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

static bool starts_with(bytes text, const char *start)
{
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.data, start, size) == 0;
}

static bool keep(buffer *to, bytes value)
{
    buffer_clear(to);
    return buffer_append(to, value.data, value.size) == ATOLL_OK;
}

static void refuse_http(grpc_call *call, const char *code)
{
    http2_header headers[] = {{bytes_text(":status"), bytes_text(code)}};
    call->finished = true;
    if (http2_respond(call->stream, headers, 1) != ATOLL_OK ||
        http2_end(call->stream, NULL, 0) != ATOLL_OK) {
        http2_reset(call->stream, false);
    }
}

static void begin_call(grpc *g, http2_stream *s, const http2_header *headers, size_t count)
{
    grpc_call *call = call_new(g);
    if (call == NULL) {
        http2_reset(s, true);
        return;
    }
    call->stream = s;
    http2_set_user(s, call);
    bool post = false, type = false, fits = true;
    for (size_t i = 0; i < count; i++) {
        bytes name = headers[i].name, value = headers[i].value;
        if (bytes_equal(name, bytes_text(":method")))
            post = bytes_equal(value, bytes_text("POST"));
        else if (bytes_equal(name, bytes_text(":path")))
            fits = fits && keep(&call->path, value);
        else if (bytes_equal(name, bytes_text("content-type")))
            type = starts_with(value, "application/grpc");
        else if (bytes_equal(name, bytes_text("atoll-app")))
            fits = fits && keep(&call->app, value);
        else if (bytes_equal(name, bytes_text("grpc-timeout"))) {
            uint64_t timeout_ms = timeout_ms_of(value);
            if (timeout_ms > 0) call->deadline_ms = g->now_ms + timeout_ms;
        } else if (bytes_equal(name, bytes_text("authorization")) &&
                   starts_with(value, "Bearer ")) {
            fits = fits && keep(&call->token, bytes_of(value.data + 7, value.size - 7));
        }
    }
    if (!post)
        refuse_http(call, "405");
    else if (!type)
        refuse_http(call, "415");
    else if (!fits)
        refuse_http(call, "431");
    else if (g->shut_down)
        grpc_finish(call, ATOLL_ERROR_CONNECTION_CLOSED,
                    "the server is stopping: connect again later");
    else {
        call->begun = true;
        g->options.events.begun(g->options.context, call);
    }
}

static void read_response(grpc_call *call, const http2_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bytes name = headers[i].name, value = headers[i].value;
        if (bytes_equal(name, bytes_text(":status")))
            call->http_status = number_of(value);
        else if (bytes_equal(name, bytes_text("content-type")))
            call->grpc_seen = starts_with(value, "application/grpc");
        else if (bytes_equal(name, bytes_text("grpc-status")))
            call->trailer_code = number_of(value);
        else if (bytes_equal(name, bytes_text("atoll-status")))
            call->trailer_exact = number_of(value);
        else if (bytes_equal(name, bytes_text("grpc-message")))
            percent_decode(value, call->text, sizeof call->text);
    }
}

static void on_headers(void *context, http2_stream *s, const http2_header *headers, size_t count,
                       bool end)
{
    (void)end;
    grpc *g = context;
    grpc_call *call = http2_user(s);
    if (g->options.server) {
        if (call == NULL) begin_call(g, s, headers, count);
        return; /* trailers of a client mean nothing to gRPC */
    }
    read_response(call, headers, count);
}

static void on_data(void *context, http2_stream *s, bytes piece)
{
    (void)context;
    grpc_call *call = http2_user(s);
    if (call == NULL || call->finished || call->cancelled || !(call->begun || call->grpc_seen)) {
        http2_consumed(s, piece.size);
        return;
    }
    if (call->paused || call->delivering) {
        if (buffer_append(&call->waiting, piece.data, piece.size) != ATOLL_OK) {
            give_up(call, ATOLL_ERROR_LIMIT_EXCEEDED, "more bytes than the stream's window allows");
        }
        call->owed += piece.size;
        return;
    }
    http2_consumed(s, piece.size);
    take(call, piece);
}

static void on_ended(void *context, http2_stream *s)
{
    grpc *g = context;
    grpc_call *call = http2_user(s);
    if (call == NULL || call->finished || call->cancelled) return;
    if (!g->options.server) {
        http2_reset(s,
                    false); /* the answer is complete: what we had still to say interests nobody */
        return;
    }
    if (call->waiting.size > 0) {
        call->end_waiting = true;
        return;
    }
    if (call->message.size > 0)
        give_up(call, ATOLL_ERROR_PROTOCOL, "the stream ended inside a message");
    else if (g->options.events.ended != NULL)
        g->options.events.ended(g->options.context, call);
}

static void on_drained(void *context, http2_stream *s)
{
    grpc *g = context;
    grpc_call *call = http2_user(s);
    if (call != NULL && g->options.events.drained != NULL && !call->cancelled) {
        g->options.events.drained(g->options.context, call);
    }
}

static status outcome_of(grpc_call *call, bool by_reset, uint32_t code)
{
    if (call->failed != ATOLL_OK) return call->failed;
    if (call->cancelled) {
        snprintf(call->text, sizeof call->text, "cancelled");
        return ATOLL_ERROR_CANCELLED;
    }
    if (call->trailer_code >= 0) {
        if (call->trailer_code == GRPC_OK) return ATOLL_OK;
        return call->trailer_exact > 0 ? call->trailer_exact : grpc_status_of(call->trailer_code);
    }
    if (call->http_status != 0 && call->http_status != 200) {
        snprintf(call->text, sizeof call->text,
                 "the server answered with HTTP status %d: is it an Atoll server?",
                 call->http_status);
        return call->http_status >= 500 ? ATOLL_ERROR_CONNECTION_CLOSED : ATOLL_ERROR_PROTOCOL;
    }
    snprintf(call->text, sizeof call->text,
             by_reset ? "the stream was reset (code %u)" : "the stream ended without a status",
             code);
    return ATOLL_ERROR_CONNECTION_CLOSED;
}

static void on_closed(void *context, http2_stream *s, bool by_reset, uint32_t code)
{
    grpc *g = context;
    grpc_call *call = http2_user(s);
    if (call == NULL) return;
    http2_set_user(s, NULL);
    status result;
    if (!g->options.server) {
        result = outcome_of(call, by_reset, code);
    } else {
        result = call->finished ? ATOLL_OK : ATOLL_ERROR_CANCELLED;
        snprintf(call->text, sizeof call->text, "%s", call->finished ? "" : "the client went away");
    }
    if (!g->options.server || call->begun)
        g->options.events.closed(g->options.context, call, result, call->text);
    call_free(call);
}

static void on_pong(void *context)
{
    grpc *g = context;
    g->ping_sent_ms = 0;
}

static void on_goaway(void *context, uint32_t code)
{
    (void)code;
    grpc *g = context;
    g->shut_down = true;
}

/* ---- messages that come ---- */

static bool message_size(grpc_call *call, size_t *size)
{
    const uint8_t *prefix = call->message.data;
    *size = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
    if (prefix[0] != 0) {
        give_up(call, ATOLL_ERROR_NOT_SUPPORTED,
                "not supported yet: gRPC message compression (grpc-encoding)");
        return false;
    }
    if (*size > LIMIT_MESSAGE_SIZE_MAX) {
        char text[128];
        snprintf(text, sizeof text, "a message of %zu bytes is larger than the %u allowed", *size,
                 LIMIT_MESSAGE_SIZE_MAX);
        give_up(call, ATOLL_ERROR_MESSAGE_TOO_LARGE, text);
        return false;
    }
    return true;
}

/* Moves from piece into the message under way until it has `wanted` bytes; false: not yet, or no memory. */
static bool fill(grpc_call *call, bytes *piece, size_t wanted)
{
    size_t missing = wanted - call->message.size;
    if (missing > piece->size) missing = piece->size;
    if (missing > 0 && buffer_append(&call->message, piece->data, missing) != ATOLL_OK) {
        give_up(call, ATOLL_ERROR_OUT_OF_MEMORY, fail_text());
        return false;
    }
    piece->data += missing;
    piece->size -= missing;
    return call->message.size == wanted;
}

static void take(grpc_call *call, bytes piece)
{
    grpc *g = call->connection;
    call->delivering = true;
    while (!call->finished && !call->cancelled && !call->paused) {
        size_t size = 0;
        if (call->message.size < GRPC_PREFIX_SIZE && !fill(call, &piece, GRPC_PREFIX_SIZE)) break;
        if (!message_size(call, &size)) break;
        if (!fill(call, &piece, GRPC_PREFIX_SIZE + size)) break;
        g->options.events.message(g->options.context, call,
                                  bytes_of(call->message.data + GRPC_PREFIX_SIZE, size));
        buffer_clear(&call->message);
        if (call->message.capacity > GRPC_KEPT_MAX) buffer_free(&call->message);
    }
    call->delivering = false;
    if (call->finished || call->cancelled) {
        buffer_clear(&call->message);
        buffer_clear(&call->waiting);
        return;
    }
    if (piece.size > 0 && buffer_append(&call->waiting, piece.data, piece.size) != ATOLL_OK) {
        give_up(call, ATOLL_ERROR_OUT_OF_MEMORY, fail_text());
    }
}

void grpc_pause(grpc_call *call, bool on)
{
    if (call->paused == on) return;
    call->paused = on;
    if (on || call->delivering || call->waiting.size == 0 || call->finished || call->cancelled)
        return;
    buffer kept = call->waiting;
    buffer_init(&call->waiting, kept.size_max);
    http2_consumed(call->stream, call->owed);
    call->owed = 0;
    take(call, buffer_view(&kept));
    buffer_free(&kept);
    if (call->end_waiting && call->waiting.size == 0) {
        call->end_waiting = false;
        on_ended(call->connection, call->stream);
    }
}

/* ---- the connection ---- */

status grpc_new(const grpc_options *options, uint64_t now_ms, grpc **out)
{
    grpc *g = memory_allocate_zero(sizeof *g);
    if (g == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    g->options = *options;
    g->now_ms = g->heard_ms = now_ms;
    http2_options http = {
        .server = options->server,
        .window_size = options->server ? GRPC_WINDOW_SERVER : GRPC_WINDOW_CLIENT,
        .streams_max = GRPC_CALLS_MAX,
        .events = {on_headers, on_data, on_ended, on_drained, on_closed, on_pong, on_goaway},
        .context = g,
    };
    status result = http2_new(&http, &g->http);
    if (result != ATOLL_OK) {
        memory_free(g);
        return result;
    }
    *out = g;
    return ATOLL_OK;
}

void grpc_free(grpc *g)
{
    if (g == NULL) return;
    for (grpc_call *call = g->first; call != NULL; call = call->after) {
        if (call->failed != ATOLL_OK || call->cancelled || call->trailer_code >= 0) continue;
        call->failed = ATOLL_ERROR_CONNECTION_CLOSED;
        snprintf(call->text, sizeof call->text, "the connection was lost");
    }
    http2_free(g->http);
    memory_free(g);
}

status grpc_received(grpc *g, uint64_t now_ms, bytes data)
{
    g->now_ms = g->heard_ms = now_ms;
    return http2_received(g->http, data);
}

status grpc_output(grpc *g, buffer *to, size_t size_target)
{
    return http2_output(g->http, to, size_target);
}

void grpc_ping(grpc *g, uint64_t now_ms)
{
    if (g->ping_sent_ms != 0) return;
    g->ping_sent_ms = now_ms == 0 ? 1 : now_ms;
    http2_ping(g->http);
}

status grpc_tick(grpc *g, uint64_t now_ms)
{
    g->now_ms = now_ms;
    for (grpc_call *call = g->first, *after; call != NULL; call = after) {
        after = call->after;
        if (now_ms < call->deadline_ms) continue;
        call->deadline_ms = UINT64_MAX;
        give_up(call, ATOLL_ERROR_TIMEOUT, "the call took longer than its deadline allows");
    }
    if (g->ping_sent_ms != 0 && now_ms >= g->ping_sent_ms + g->options.pong_timeout_ms &&
        g->options.pong_timeout_ms > 0) {
        return fail(ATOLL_ERROR_TIMEOUT,
                    "no answer to a ping for %llu ms: the connection counts as lost",
                    (unsigned long long)g->options.pong_timeout_ms);
    }
    if (g->options.ping_period_ms > 0 && now_ms >= g->heard_ms + g->options.ping_period_ms)
        grpc_ping(g, now_ms);
    return ATOLL_OK;
}

uint64_t grpc_deadline(const grpc *g)
{
    uint64_t next = UINT64_MAX;
    for (const grpc_call *call = g->first; call != NULL; call = call->after) {
        if (call->deadline_ms < next) next = call->deadline_ms;
    }
    if (g->options.ping_period_ms == 0 && g->ping_sent_ms == 0) return next;
    uint64_t keep_alive_ms = g->ping_sent_ms != 0 ? g->ping_sent_ms + g->options.pong_timeout_ms
                                                  : g->heard_ms + g->options.ping_period_ms;
    if (g->ping_sent_ms != 0 && g->options.pong_timeout_ms == 0) keep_alive_ms = UINT64_MAX;
    return keep_alive_ms < next ? keep_alive_ms : next;
}

void grpc_shut_down(grpc *g)
{
    g->shut_down = true;
    http2_shut_down(g->http);
}

bool grpc_is_shut_down(const grpc *g)
{
    return g->shut_down;
}

bool grpc_is_finished(const grpc *g)
{
    return http2_is_finished(g->http);
}

size_t grpc_call_count(const grpc *g)
{
    return g->call_count;
}

/* ---- calls: what the owner does ---- */

status grpc_start(grpc *g, const grpc_request *request, uint64_t now_ms, grpc_call **out)
{
    if (g->shut_down)
        return fail(ATOLL_ERROR_CONNECTION_CLOSED,
                    "the connection takes no new calls: open another");
    char bearer[GRPC_TOKEN_SIZE_MAX + 8], timeout[32];
    http2_header headers[9 + GRPC_HEADERS_MAX] = {
        {bytes_text(":method"), bytes_text("POST")},
        {bytes_text(":scheme"), bytes_text(g->options.secure ? "https" : "http")},
        {bytes_text(":authority"), bytes_text(g->options.authority)},
        {bytes_text(":path"), bytes_text(request->path)},
        {bytes_text("te"), bytes_text("trailers")},
        {bytes_text("content-type"), bytes_text("application/grpc+proto")},
        {bytes_text("user-agent"), bytes_text("atoll")},
    };
    size_t count = 7;
    if (request->authorization != NULL) {
        int size = snprintf(bearer, sizeof bearer, "Bearer %s", request->authorization);
        if (size < 0 || (size_t)size >= sizeof bearer) {
            return fail(ATOLL_ERROR_BAD_TOKEN, "the token is longer than %d bytes",
                        GRPC_TOKEN_SIZE_MAX);
        }
        headers[count++] = (http2_header){bytes_text("authorization"), bytes_text(bearer)};
    }
    if (request->timeout_ms > 0) {
        uint64_t shown_ms = request->timeout_ms > 99999999
                                ? 99999999
                                : request->timeout_ms; /* eight digits at most */
        snprintf(timeout, sizeof timeout, "%llum", (unsigned long long)shown_ms);
        headers[count++] = (http2_header){bytes_text("grpc-timeout"), bytes_text(timeout)};
    }
    for (size_t i = 0; i + 1 < g->options.header_count && i / 2 < GRPC_HEADERS_MAX; i += 2) {
        headers[count++] = (http2_header){bytes_text(g->options.headers[i]),
                                          bytes_text(g->options.headers[i + 1])};
    }
    grpc_call *call = call_new(g);
    if (call == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    call->user = request->user;
    if (request->timeout_ms > 0) call->deadline_ms = now_ms + request->timeout_ms;
    status result = http2_request(g->http, headers, count, call, &call->stream);
    if (result != ATOLL_OK) {
        call_free(call);
        return result;
    }
    *out = call;
    return ATOLL_OK;
}

status grpc_half_close(grpc_call *call)
{
    return http2_end(call->stream, NULL, 0);
}

status grpc_accept(grpc_call *call)
{
    if (call->accepted) return ATOLL_OK;
    http2_header headers[] = {
        {bytes_text(":status"), bytes_text("200")},
        {bytes_text("content-type"), bytes_text("application/grpc+proto")},
    };
    TRY(http2_respond(call->stream, headers, 2));
    call->accepted = true;
    return ATOLL_OK;
}

void grpc_finish(grpc_call *call, status code, const char *text)
{
    if (call->finished || call->cancelled) return;
    call->finished = true;
    char number[16], exact[16];
    snprintf(number, sizeof number, "%d", (int)grpc_code_of(code));
    snprintf(exact, sizeof exact, "%d", (int)code);
    buffer message;
    buffer_init(&message, 3 * GRPC_TEXT_SIZE_MAX);
    if (text != NULL && code != ATOLL_OK) percent_encode(text, &message);
    http2_header trailers[] = {
        {bytes_text("grpc-status"), bytes_text(number)},
        {bytes_text("atoll-status"), bytes_text(exact)},
        {bytes_text("grpc-message"), buffer_view(&message)},
    };
    status result = grpc_accept(call);
    if (result == ATOLL_OK)
        result = http2_end(call->stream, trailers, code == ATOLL_OK ? 1 : message.size > 0 ? 3 : 2);
    if (result != ATOLL_OK) http2_reset(call->stream, false);
    buffer_free(&message);
}

status grpc_send(grpc_call *call, bytes message)
{
    if (call->finished || call->cancelled) return fail(ATOLL_ERROR_CLOSED, "the call has ended");
    if (message.size > LIMIT_MESSAGE_SIZE_MAX) {
        return fail(ATOLL_ERROR_MESSAGE_TOO_LARGE,
                    "a message of %zu bytes is larger than the %u allowed", message.size,
                    LIMIT_MESSAGE_SIZE_MAX);
    }
    if (call->connection->options.server) TRY(grpc_accept(call));
    uint8_t prefix[GRPC_PREFIX_SIZE] = {0};
    key_put_u32(prefix + 1, (uint32_t)message.size);
    TRY(http2_write(call->stream, bytes_of(prefix, sizeof prefix)));
    status result = http2_write(call->stream, message);
    if (result != ATOLL_OK)
        grpc_cancel(call); /* a prefix without its message would garble the stream */
    return result;
}

void grpc_cancel(grpc_call *call)
{
    if (call->cancelled) return;
    call->cancelled = true;
    http2_reset(call->stream, false);
}

size_t grpc_unsent(const grpc_call *call)
{
    return http2_unsent(call->stream);
}

bytes grpc_call_path(const grpc_call *call)
{
    return buffer_view(&call->path);
}

bytes grpc_call_token(const grpc_call *call)
{
    return buffer_view(&call->token);
}

bytes grpc_call_app(const grpc_call *call)
{
    return buffer_view(&call->app);
}

void grpc_call_set_user(grpc_call *call, void *user)
{
    call->user = user;
}

void *grpc_call_user(const grpc_call *call)
{
    return call->user;
}

grpc *grpc_call_connection(const grpc_call *call)
{
    return call->connection;
}

void *grpc_context(const grpc *g)
{
    return g->options.context;
}
