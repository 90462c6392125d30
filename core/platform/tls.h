#ifndef ATOLL_PLATFORM_TLS_H
#define ATOLL_PLATFORM_TLS_H
#include "base/bytes.h"

/* TLS 1.2 and 1.3 over sockets that don't block, for HTTP/2 only (ALPN h2). What goes wrong is ATOLL_ERROR_TLS with the
 * reason: certificate, name, time, ALPN, or that the other side speaks no TLS. */
typedef struct tls_context
    tls_context;        /* settings, shared by connections; each keeps what it needs */
typedef struct tls tls; /* one connection; the socket stays its owner's */

/* ca: certificates in PEM that are trusted, and no others; none: those of the system. */
status tls_context_client(bytes ca, tls_context **out) MUST_CHECK;
/* Files in PEM: the certificate with those between it and the root, and its key. MISMATCHED_CONFIG. */
status tls_context_server(const char *certificate, const char *key, tls_context **out) MUST_CHECK;
void tls_context_free(tls_context *c);

/* host: the client's: what the certificate must be for, a name or an address. NULL: the server's end. */
status tls_new(const tls_context *c, int socket, const char *host, tls **out) MUST_CHECK;
void tls_free(tls *t);                               /* says good-bye if the socket takes it */
status tls_handshake(tls *t, bool *done) MUST_CHECK; /* again when the socket is ready */
/* As socket_read and socket_write: size 0: not now. */
status tls_read(tls *t, void *to, size_t *size) MUST_CHECK;
status tls_write(tls *t, const void *data, size_t *size) MUST_CHECK;
bool tls_wants_write(const tls *t); /* what was tried last needs a writable socket */
#endif
