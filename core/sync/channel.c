/* A socket under a gRPC connection.
 * Must never: free itself inside a callback, or read on when the other side isn't reading.
 * Invariant: `failed` is set once, by the first error; from then on the socket is not touched. */
#include "sync/channel.h"

#include <stdio.h>

#define CHANNEL_HANDSHAKE_MS 10000 /* that a client may take for its TLS handshake */
#define CHANNEL_READ_SIZE (64u << 10)
#define CHANNEL_READS_PER_TURN 8       /* then the other sockets have their turn */
#define CHANNEL_WRITE_SIZE (64u << 10) /* collected for one system call */
#define CHANNEL_WRITES_PER_TURN 32
#define CHANNEL_PENDING_MAX (1u << 20)
#define CHANNEL_TEXT_SIZE_MAX 256

/* What has to be done before gRPC may begin, in this order. */
typedef enum channel_stage { STAGE_SOCKET, STAGE_PROXY, STAGE_TLS, STAGE_READY } channel_stage;

struct channel {
    channel_options options;
    channel_stage stage;
    tls *tls;   /* NULL: none */
    char *host; /* behind the proxy */
    uint16_t port;
    grpc *connection;
    loop_watch *watch;
    int socket;
    bool connected;
    uint64_t connect_deadline_ms;
    buffer out;
    buffer answer; /* of the proxy */
    size_t out_at;
    status failed;
    char text[CHANNEL_TEXT_SIZE_MAX];
};

static void note_failure(channel *c, status code)
{
    if (code == ATOLL_OK || c->failed != ATOLL_OK) return;
    c->failed = code;
    snprintf(c->text, sizeof c->text, "%s", fail_text());
}

static uint64_t now_of(const channel *c)
{
    return c->options.platform->monotonic_ms(c->options.platform->context);
}

static status channel_read(channel *c, void *to, size_t *size)
{
    return c->tls != NULL ? tls_read(c->tls, to, size) : socket_read(c->socket, to, size);
}

static status channel_write(channel *c, const void *data, size_t *size)
{
    return c->tls != NULL ? tls_write(c->tls, data, size) : socket_write(c->socket, data, size);
}

static void read_input(channel *c)
{
    for (int i = 0; i < CHANNEL_READS_PER_TURN && c->failed == ATOLL_OK; i++) {
        uint8_t piece[CHANNEL_READ_SIZE];
        size_t size = sizeof piece;
        status result = channel_read(c, piece, &size);
        if (result == ATOLL_OK && size == 0) return;
        if (result == ATOLL_OK)
            result = grpc_received(c->connection, now_of(c), bytes_of(piece, size));
        note_failure(c, result);
        if (size < sizeof piece && c->tls == NULL) return; /* TLS gives a record at a time */
    }
}

/* ---- before gRPC ---- */

static status pass_proxy(channel *c, bool *done)
{
    *done = false;
    while (c->out_at < c->out.size) { /* the request */
        size_t size = c->out.size - c->out_at;
        TRY(socket_write(c->socket, c->out.data + c->out_at, &size));
        if (size == 0) return ATOLL_OK;
        c->out_at += size;
        if (c->out_at == c->out.size) loop_watch_set(c->watch, LOOP_READ);
    }
    while (!*done) { /* byte by byte: what follows the answer is not the proxy's */
        uint8_t byte;
        size_t size = 1;
        TRY(socket_read(c->socket, &byte, &size));
        if (size == 0) return ATOLL_OK;
        TRY(buffer_append_byte(&c->answer, byte));
        TRY(proxy_answer(buffer_view(&c->answer), done));
    }
    c->out_at = 0;
    buffer_clear(&c->out);
    buffer_free(&c->answer);
    return ATOLL_OK;
}

static status begin_stage(channel *c)
{
    if (c->stage == STAGE_PROXY && c->options.proxy != NULL) {
        loop_watch_set(c->watch, LOOP_WRITE);
        return proxy_request(c->options.proxy, c->host, c->port, &c->out);
    }
    if (c->stage == STAGE_READY) {
        c->connected = true;
        c->connect_deadline_ms = UINT64_MAX;
    }
    return ATOLL_OK;
}

/* Goes on as far as the socket lets it. */
static status advance(channel *c)
{
    while (!c->connected) {
        bool done = true;
        if (c->stage == STAGE_SOCKET) TRY(socket_connected(c->socket));
        if (c->stage == STAGE_PROXY && c->options.proxy != NULL) TRY(pass_proxy(c, &done));
        if (c->stage == STAGE_TLS && c->tls != NULL) {
            TRY(tls_handshake(c->tls, &done));
            loop_watch_set(c->watch, tls_wants_write(c->tls) ? LOOP_WRITE : LOOP_READ);
        }
        if (!done) return ATOLL_OK;
        c->stage++;
        TRY(begin_stage(c));
    }
    return ATOLL_OK;
}

static void on_ready(void *context, unsigned events)
{
    channel *c = context;
    if (c->failed != ATOLL_OK) return;
    if (!c->connected)
        note_failure(c, advance(c));
    else if ((events & LOOP_READ) != 0 || c->tls != NULL) /* TLS may read when it can write */
        read_input(c);
    if (c->options.touched != NULL) c->options.touched(c->options.context, c);
}

static status channel_new(const channel_options *options, int socket, bool accepted,
                          const char *host, channel **out)
{
    bool connected = accepted && options->tls == NULL;
    channel *c = memory_allocate_zero(sizeof *c);
    if (c == NULL) {
        socket_close(socket);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    c->options = *options;
    c->socket = socket;
    c->connected = connected;
    c->stage = connected ? STAGE_READY : accepted ? STAGE_TLS : STAGE_SOCKET;
    c->connect_deadline_ms = UINT64_MAX;
    buffer_init(&c->out, CHANNEL_PENDING_MAX);
    buffer_init(&c->answer, PROXY_ANSWER_SIZE_MAX + 1);
    status result = grpc_new(&options->grpc, now_of(c), &c->connection);
    if (result == ATOLL_OK) {
        result = loop_watch_add(options->loop, socket, accepted ? LOOP_READ : LOOP_WRITE, on_ready,
                                c, &c->watch);
    }
    if (result == ATOLL_OK && options->tls != NULL)
        result = tls_new(options->tls, socket, host, &c->tls);
    if (result != ATOLL_OK) {
        channel_free(c);
        return result;
    }
    c->options.tls = NULL;
    *out = c;
    return ATOLL_OK;
}

status channel_accepted(const channel_options *options, int socket, channel **out)
{
    channel *c = NULL;
    TRY(channel_new(options, socket, true, NULL, &c));
    if (!c->connected) c->connect_deadline_ms = now_of(c) + CHANNEL_HANDSHAKE_MS;
    *out = c;
    return ATOLL_OK;
}

status channel_connect(const channel_options *options, const char *host, uint16_t port,
                       uint64_t timeout_ms, channel **out)
{
    int socket = -1;
    channel *c = NULL;
    const proxy *over = options->proxy;
    TRY(socket_connect(over != NULL ? over->host : host, over != NULL ? over->port : port,
                       &socket));
    TRY(channel_new(options, socket, false, host, &c));
    c->port = port;
    c->host = memory_copy_text(host, strlen(host));
    if (c->host == NULL) {
        channel_free(c);
        return ATOLL_ERROR_OUT_OF_MEMORY;
    }
    uint64_t now_ms = now_of(c);
    c->connect_deadline_ms = timeout_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + timeout_ms;
    *out = c;
    return ATOLL_OK;
}

void channel_free(channel *c)
{
    if (c == NULL) return;
    loop_watch_remove(c->watch);
    grpc_free(c->connection);
    tls_free(c->tls);
    memory_free(c->host);
    buffer_free(&c->answer);
    socket_close(c->socket);
    buffer_free(&c->out);
    memory_free(c);
}

grpc *channel_grpc(const channel *c)
{
    return c->connection;
}

bool channel_is_connected(const channel *c)
{
    return c->connected && c->failed == ATOLL_OK;
}

/* True: there is more to send than the socket takes now. */
static status write_output(channel *c, bool *more)
{
    *more = false;
    for (int i = 0; i < CHANNEL_WRITES_PER_TURN; i++) {
        if (c->out_at == c->out.size) {
            c->out_at = 0;
            buffer_clear(&c->out);
            TRY(grpc_output(c->connection, &c->out, CHANNEL_WRITE_SIZE));
            if (c->out.size == 0) {
                buffer_free(&c->out); /* idle connections cost little */
                return ATOLL_OK;
            }
        }
        size_t size = c->out.size - c->out_at, wanted = size;
        TRY(channel_write(c, c->out.data + c->out_at, &size));
        c->out_at += size;
        if (size < wanted) break;
    }
    *more = true;
    return ATOLL_OK;
}

status channel_turn(channel *c, uint64_t now_ms)
{
    bool more = false;
    if (c->failed == ATOLL_OK && !c->connected && now_ms >= c->connect_deadline_ms) {
        note_failure(c, fail(ATOLL_ERROR_TIMEOUT, "no connection within the time allowed"));
    }
    if (c->failed == ATOLL_OK && c->connected) note_failure(c, grpc_tick(c->connection, now_ms));
    if (c->connected && (c->failed == ATOLL_OK || c->failed == ATOLL_ERROR_PROTOCOL)) {
        status result =
            write_output(c, &more); /* after a protocol error: the other side is told why */
        note_failure(c, result);
    }
    if (c->failed == ATOLL_OK && c->connected && !more && grpc_is_finished(c->connection)) {
        note_failure(c, fail(ATOLL_ERROR_CONNECTION_CLOSED, "the connection has ended"));
    }
    if (c->failed != ATOLL_OK) {
        loop_watch_set(c->watch, 0);
        return fail(c->failed, "%s", c->text);
    }
    if (c->connected) {
        more = more || (c->tls != NULL && tls_wants_write(c->tls));
        loop_watch_set(c->watch, LOOP_READ | (more ? LOOP_WRITE : 0));
    }
    return ATOLL_OK;
}

uint64_t channel_deadline(const channel *c)
{
    if (!c->connected) return c->connect_deadline_ms;
    return grpc_deadline(c->connection);
}
