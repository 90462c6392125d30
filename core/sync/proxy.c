/* HTTP/1.1 CONNECT: request and answer as texts.
 * Must never: put a line break of a setting into the request.
 * Invariant: proxy_answer says done exactly once the head of a 2xx answer is complete. */
#include "sync/proxy.h"

#include <stdio.h>
#include <stdlib.h>

#define CREDENTIALS_SIZE_MAX 512

static status refuse(void)
{
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "the proxy's address is none: expected http://HOST:PORT, or with USER:PASSWORD@ "
                "before the host");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t percent_decode(const char *text, size_t size, uint8_t to[CREDENTIALS_SIZE_MAX])
{
    size_t filled = 0;
    for (size_t i = 0; i < size && filled < CREDENTIALS_SIZE_MAX; i++) {
        int high = text[i] == '%' && i + 2 < size ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        to[filled++] = low >= 0 ? (uint8_t)(high * 16 + low) : (uint8_t)text[i];
        if (low >= 0) i += 2;
    }
    return filled;
}

static char *base64(const uint8_t *data, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = memory_allocate((size + 2) / 3 * 4 + 1);
    size_t at = 0;
    if (out == NULL) return NULL;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)data[i] << 16;
        if (i + 1 < size) three |= (uint32_t)data[i + 1] << 8;
        if (i + 2 < size) three |= data[i + 2];
        out[at++] = letters[three >> 18];
        out[at++] = letters[three >> 12 & 63];
        out[at++] = (char)(i + 1 < size ? letters[three >> 6 & 63] : '=');
        out[at++] = (char)(i + 2 < size ? letters[three & 63] : '=');
    }
    out[at] = '\0';
    return out;
}

static status read_credentials(const char *text, size_t size, proxy *p)
{
    uint8_t decoded[CREDENTIALS_SIZE_MAX];
    if (size >= CREDENTIALS_SIZE_MAX) return refuse();
    p->authorization = base64(decoded, percent_decode(text, size, decoded));
    return p->authorization == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

static status read_parts(const char *rest, proxy *p)
{
    size_t size = strcspn(rest, "/");
    const char *at = memrchr(rest, '@', size);
    if (at != NULL) TRY(read_credentials(rest, (size_t)(at - rest), p));
    const char *host = at == NULL ? rest : at + 1;
    size_t host_size = size - (size_t)(host - rest);
    const char *colon = memrchr(host, ':', host_size);
    char *end = NULL;
    unsigned long port = colon == NULL ? 0 : strtoul(colon + 1, &end, 10);
    if (colon == NULL || colon == host || end != host + host_size || port == 0 || port > 65535)
        return refuse();
    host_size = (size_t)(colon - host);
    if (host[0] == '[' && host[host_size - 1] == ']') host++, host_size -= 2;
    for (size_t i = 0; i < host_size; i++) {
        if ((uint8_t)host[i] <= ' ') return refuse();
    }
    p->port = (uint16_t)port;
    p->host = memory_copy_text(host, host_size);
    return p->host == NULL ? ATOLL_ERROR_OUT_OF_MEMORY : ATOLL_OK;
}

status proxy_read(const char *url, proxy *out)
{
    proxy p = {0};
    if (strncmp(url, "http://", 7) != 0) return refuse();
    status result = read_parts(url + 7, &p);
    if (result != ATOLL_OK)
        proxy_free(&p);
    else
        *out = p;
    return result;
}

void proxy_free(proxy *p)
{
    memory_free(p->host);
    memory_free(p->authorization);
    *p = (proxy){0};
}

status proxy_request(const proxy *p, const char *host, uint16_t port, buffer *out)
{
    char text[2048];
    const char *open = strchr(host, ':') != NULL ? "[" : "", *close = *open != '\0' ? "]" : "";
    int size = snprintf(
        text, sizeof text, "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n%s%s%s\r\n", open,
        host, close, port, open, host, close, port,
        p->authorization == NULL ? "" : "Proxy-Authorization: Basic ",
        p->authorization == NULL ? "" : p->authorization, p->authorization == NULL ? "" : "\r\n");
    if (size < 0 || (size_t)size >= sizeof text)
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED, "the server's name is too long for a proxy");
    return buffer_append(out, text, (size_t)size);
}

status proxy_answer(bytes so_far, bool *done)
{
    *done = so_far.size >= 4 && memcmp(so_far.data + so_far.size - 4, "\r\n\r\n", 4) == 0;
    if (!*done)
        return so_far.size < PROXY_ANSWER_SIZE_MAX
                   ? ATOLL_OK
                   : fail(ATOLL_ERROR_CONNECTION_FAILED, "the proxy's answer has no end");
    const uint8_t *line_end = memchr(so_far.data, '\r', so_far.size);
    int size = line_end == NULL ? 0 : (int)(line_end - so_far.data);
    bool http = size > 12 && memcmp(so_far.data, "HTTP/1.", 7) == 0;
    if (http && so_far.data[9] == '2') return ATOLL_OK;
    *done = false;
    return fail(ATOLL_ERROR_CONNECTION_FAILED, "the proxy refused the connection: %.*s",
                size > 200 ? 200 : size, (const char *)so_far.data);
}
