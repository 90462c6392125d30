/* A blocking client of the server's unary calls.
 * Must never: print; commands do.
 * Invariant: one call at a time. */
#include "cli.h"

#include "platform/file.h"
#include "server/config.h"
#include "sync/channel.h"

#include <stdlib.h>

#define CALL_TIMEOUT_MS 60000
#define PATH_SIZE_MAX 4096

struct admin {
    loop *loop;
    tls_context *tls; /* NULL: without */
    channel *channel;
    char *host;
    uint16_t port;
    char authority[512];
    buffer token, answer;
    bool done;
    status code;
    char text[1024];
};

static status read_text(const char *folder, const char *name, buffer *out)
{
    char path[PATH_SIZE_MAX];
    if (folder == NULL)
        snprintf(path, sizeof path, "%s", name);
    else
        snprintf(path, sizeof path, "%s/%s", folder, name);
    TRY(file_read(path, 4096, out));
    while (out->size > 0 && out->data[out->size - 1] <= ' ') out->size--;
    return buffer_append_byte(out, '\0');
}

status admin_find(const arguments *a, char *url, size_t size)
{
    if (a->url != NULL || a->data == NULL) {
        const char *given = a->url != NULL ? a->url : getenv("ATOLL_BASE_URL");
        snprintf(url, size, "%s", given != NULL ? given : "http://127.0.0.1:7700");
        return ATOLL_OK;
    }
    buffer address;
    buffer_init(&address, 8192);
    status result = read_text(a->data, "address", &address);
    if (result == ATOLL_OK)
        snprintf(url, size, "%s%s",
                 strstr((const char *)address.data, "://") != NULL ? "" : "http://",
                 (const char *)address.data);
    else
        result = fail_context(result, "no server has run in this folder: ");
    buffer_free(&address);
    return result;
}

static void on_message(void *context, grpc_call *call, bytes message)
{
    (void)call;
    admin *c = context;
    buffer_clear(&c->answer);
    if (buffer_append(&c->answer, message.data, message.size) != ATOLL_OK) grpc_cancel(call);
}

static void on_closed(void *context, grpc_call *call, status code, const char *text)
{
    (void)call;
    admin *c = context;
    c->done = true;
    c->code = code;
    snprintf(c->text, sizeof c->text, "%s", text);
}

static uint64_t now_ms(void)
{
    const platform *p = platform_posix();
    return p->monotonic_ms(p->context);
}

status read_ca(const arguments *a, buffer *out)
{
    return a->ca_file == NULL ? ATOLL_OK : file_read(a->ca_file, 1u << 20, out);
}

static status connect_to(admin *c, const char *url, bytes ca)
{
    bool secure = strncmp(url, "https://", 8) == 0;
    if (!secure && strncmp(url, "http://", 7) != 0)
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "\"%s\" is no address: expected http://HOST:PORT or https://HOST:PORT", url);
    if (secure) TRY(tls_context_client(ca, &c->tls));
    snprintf(c->authority, sizeof c->authority, "%s", url + (secure ? 8 : 7));
    c->authority[strcspn(c->authority, "/")] = '\0';
    TRY(address_read(c->authority, &c->host, &c->port));
    channel_options options = {.loop = c->loop,
                               .platform = platform_posix(),
                               .tls = c->tls,
                               .grpc = {.authority = c->authority,
                                        .secure = secure,
                                        .events = {NULL, on_message, NULL, NULL, on_closed},
                                        .context = c}};
    return channel_connect(&options, c->host, c->port, CALL_TIMEOUT_MS, &c->channel);
}

status admin_open(const arguments *a, admin **out)
{
    char url[512];
    if (a->data == NULL && a->token_file == NULL) {
        return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                    "--data DIR is missing (or --url and --token); see atoll --help");
    }
    TRY(admin_find(a, url, sizeof url));
    admin *c = memory_allocate_zero(sizeof *c);
    if (c == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    buffer_init(&c->token, 8192);
    buffer_init(&c->answer, 64u << 20);
    status result = a->token_file != NULL ? read_text(NULL, a->token_file, &c->token)
                                          : read_text(a->data, "admin.token", &c->token);
    if (result == ATOLL_OK) result = loop_new(platform_posix(), &c->loop);
    buffer ca;
    buffer_init(&ca, 2u << 20);
    if (result == ATOLL_OK) result = read_ca(a, &ca);
    if (result == ATOLL_OK) result = connect_to(c, url, buffer_view(&ca));
    buffer_free(&ca);
    if (result != ATOLL_OK)
        admin_close(c);
    else
        *out = c;
    return result;
}

void admin_close(admin *c)
{
    if (c == NULL) return;
    channel_free(c->channel);
    tls_context_free(c->tls);
    loop_free(c->loop);
    buffer_free(&c->token);
    buffer_free(&c->answer);
    memory_free(c->host);
    memory_free(c);
}

static status wait_for_end(admin *c)
{
    while (!c->done) {
        status result = channel_turn(c->channel, now_ms());
        if (result != ATOLL_OK)
            return fail_context(result, "no connection to the server at %s: ", c->authority);
        uint64_t deadline_ms = channel_deadline(c->channel);
        if (!c->done) TRY(loop_turn(c->loop, deadline_ms));
    }
    return c->code == ATOLL_OK ? ATOLL_OK : fail(c->code, "%s", c->text);
}

status admin_call(admin *c, const char *method, const ProtobufCMessage *request,
                  const ProtobufCMessageDescriptor *type, ProtobufCMessage **answer)
{
    char path[128];
    grpc_call *call = NULL;
    snprintf(path, sizeof path, "/atoll.auth.v1.Admin/%s", method);
    grpc_request options = {
        .path = path, .authorization = (const char *)c->token.data, .timeout_ms = CALL_TIMEOUT_MS};
    size_t size = protobuf_c_message_get_packed_size(request);
    uint8_t *packed = memory_allocate(size);
    if (packed == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    protobuf_c_message_pack(request, packed);
    c->done = false;
    status result = grpc_start(channel_grpc(c->channel), &options, now_ms(), &call);
    if (result == ATOLL_OK) result = grpc_send(call, bytes_of(packed, size));
    if (result == ATOLL_OK) result = grpc_half_close(call);
    memory_free(packed);
    if (result == ATOLL_OK) result = wait_for_end(c);
    if (result != ATOLL_OK) return result;
    *answer = protobuf_c_message_unpack(type, NULL, c->answer.size, c->answer.data);
    if (*answer == NULL)
        return fail(ATOLL_ERROR_PROTOCOL, "the server's answer to %s cannot be read", method);
    return ATOLL_OK;
}

status admin_ask(const arguments *a, const char *method, const ProtobufCMessage *request,
                 const ProtobufCMessageDescriptor *type, ProtobufCMessage **answer)
{
    admin *c = NULL;
    TRY(admin_open(a, &c));
    status result = admin_call(c, method, request, type, answer);
    admin_close(c);
    return result;
}
