#ifndef ATOLL_SYNC_PROXY_H
#define ATOLL_SYNC_PROXY_H
#include "base/bytes.h"

/* The way through an HTTP proxy: CONNECT, with basic authentication. Bytes only, no socket. */
typedef struct proxy {
    char *host;
    uint16_t port;
    char *authorization; /* base64 of user:password; NULL: none */
} proxy;
/* "http://HOST:PORT", with USER:PASSWORD@ before the host or without, and %XX in both. INVALID_ARGUMENT. */
status proxy_read(const char *url, proxy *out) MUST_CHECK;
void proxy_free(proxy *p);
status proxy_request(const proxy *p, const char *host, uint16_t port, buffer *out) MUST_CHECK;
/* What came so far, read byte by byte up to the empty line: done, not yet, or CONNECTION_FAILED with the proxy's answer. */
status proxy_answer(bytes so_far, bool *done) MUST_CHECK;
enum { PROXY_ANSWER_SIZE_MAX = 8192 };
#endif
