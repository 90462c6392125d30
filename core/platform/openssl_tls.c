/* TLS by OpenSSL; the only file that uses its half libssl.
 * Must never: take a certificate that was not verified for this very host, or write to the socket in another way than
 * socket_write does (no SIGPIPE).
 * Invariant: a connection whose handshake is done has TLS 1.2 or newer and ALPN h2. */
#include "platform/tls.h"

#include "platform/loop.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define TLS_HOST_SIZE_MAX 256

static const unsigned char alpn_wanted[] = {2, 'h', '2'};

struct tls_context {
    SSL_CTX *ssl;
    bool server;
};

struct tls {
    SSL *ssl;
    int socket;
    bool server, wants_write, shaken;
    status failed; /* of the socket */
    char host[TLS_HOST_SIZE_MAX];
};

/* ---- the socket as OpenSSL sees it ---- */

static int bio_read(BIO *bio, char *to, int size)
{
    tls *t = BIO_get_data(bio);
    size_t got = size < 0 ? 0 : (size_t)size;
    BIO_clear_retry_flags(bio);
    status result = socket_read(t->socket, to, &got);
    if (result != ATOLL_OK) {
        t->failed = result;
        return -1;
    }
    if (got > 0) return (int)got;
    BIO_set_retry_read(bio);
    return -1;
}

static int bio_write(BIO *bio, const char *data, int size)
{
    tls *t = BIO_get_data(bio);
    size_t put = size < 0 ? 0 : (size_t)size;
    BIO_clear_retry_flags(bio);
    status result = socket_write(t->socket, data, &put);
    if (result != ATOLL_OK) {
        t->failed = result;
        return -1;
    }
    if (put > 0) return (int)put;
    BIO_set_retry_write(bio);
    return -1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "atoll socket");
    if (m == NULL) return NULL;
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
}

/* One for the process, made at the first use and kept: OpenSSL has few type numbers. */
static BIO_METHOD *socket_method(void)
{
    static _Atomic(BIO_METHOD *) made;
    BIO_METHOD *m = made, *none = NULL;
    if (m != NULL) return m;
    m = make_method();
    if (m != NULL && !atomic_compare_exchange_strong(&made, &none, m)) {
        BIO_meth_free(m);
        m = none;
    }
    return m;
}

/* ---- settings ---- */

static const char *reason(void)
{
    static _Thread_local char text[256];
    unsigned long code = ERR_peek_last_error();
    if (code == 0) return "unknown reason";
    const char *known = ERR_reason_error_string(code);
    snprintf(text, sizeof text, "%s", known != NULL ? known : "unknown reason");
    return text;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                       const unsigned char *offered, unsigned offered_size, void *context)
{
    (void)ssl, (void)context;
    unsigned char *chosen = NULL;
    int code = SSL_select_next_proto(&chosen, out_size, alpn_wanted, sizeof alpn_wanted, offered,
                                     offered_size);
    *out = chosen;
    return code == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static status context_new(bool server, tls_context **out)
{
    ERR_clear_error();
    tls_context *c = memory_allocate_zero(sizeof *c);
    if (c == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    c->server = server;
    c->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (c->ssl == NULL || SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION) != 1) {
        tls_context_free(c);
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "TLS could not be set up: %s", reason());
    }
    SSL_CTX_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS); /* idle connections cost little */
    *out = c;
    return ATOLL_OK;
}

void tls_context_free(tls_context *c)
{
    if (c == NULL) return;
    SSL_CTX_free(c->ssl);
    memory_free(c);
}

static status trust(SSL_CTX *ssl, bytes ca)
{
    BIO *memory = BIO_new_mem_buf(ca.data, (int)ca.size);
    size_t count = 0;
    X509 *one = NULL;
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    while (memory != NULL && (one = PEM_read_bio_X509(memory, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(store, one) == 1;
        X509_free(one);
    }
    BIO_free(memory);
    ERR_clear_error();
    if (count > 0) return ATOLL_OK;
    return fail(ATOLL_ERROR_INVALID_ARGUMENT,
                "the trusted certificates hold none: expected PEM text that begins with "
                "-----BEGIN CERTIFICATE-----");
}

status tls_context_client(bytes ca, tls_context **out)
{
    tls_context *c = NULL;
    TRY(context_new(false, &c));
    status result = ATOLL_OK;
    SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
    if (ca.size > 0)
        result = trust(c->ssl, ca);
    else if (SSL_CTX_set_default_verify_paths(c->ssl) != 1)
        result = fail(ATOLL_ERROR_TLS, "the system's certificates could not be read: %s", reason());
    if (result == ATOLL_OK && SSL_CTX_set_alpn_protos(c->ssl, alpn_wanted, sizeof alpn_wanted) != 0)
        result = fail(ATOLL_ERROR_OUT_OF_MEMORY, "TLS could not be set up: %s", reason());
    if (result != ATOLL_OK)
        tls_context_free(c);
    else
        *out = c;
    return result;
}

status tls_context_server(const char *certificate, const char *key, tls_context **out)
{
    tls_context *c = NULL;
    TRY(context_new(true, &c));
    status result = ATOLL_OK;
    if (SSL_CTX_use_certificate_chain_file(c->ssl, certificate) != 1)
        result = fail(ATOLL_ERROR_MISMATCHED_CONFIG, "the certificate \"%s\" cannot be used: %s",
                      certificate, reason());
    else if (SSL_CTX_use_PrivateKey_file(c->ssl, key, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(c->ssl) != 1)
        result =
            fail(ATOLL_ERROR_MISMATCHED_CONFIG, "the key \"%s\" cannot be used: %s", key, reason());
    SSL_CTX_set_alpn_select_cb(c->ssl, choose_alpn, NULL);
    if (result != ATOLL_OK)
        tls_context_free(c);
    else
        *out = c;
    return result;
}

/* ---- connections ---- */

static bool is_address(const char *host)
{
    struct in6_addr scratch;
    return inet_pton(AF_INET, host, &scratch) == 1 || inet_pton(AF_INET6, host, &scratch) == 1;
}

static bool expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
    if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(wanted, host, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

status tls_new(const tls_context *c, int socket, const char *host, tls **out)
{
    ERR_clear_error();
    tls *t = memory_allocate_zero(sizeof *t);
    if (t == NULL) return ATOLL_ERROR_OUT_OF_MEMORY;
    t->socket = socket;
    t->server = c->server;
    snprintf(t->host, sizeof t->host, "%s", host == NULL ? "" : host);
    t->ssl = SSL_new(c->ssl);
    BIO_METHOD *method = socket_method();
    BIO *bio = method == NULL ? NULL : BIO_new(method);
    if (t->ssl == NULL || bio == NULL || (host != NULL && !expect_host(t->ssl, host))) {
        BIO_free(bio);
        tls_free(t);
        return fail(ATOLL_ERROR_OUT_OF_MEMORY, "TLS could not be set up: %s", reason());
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio); /* the SSL's now */
    if (c->server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    *out = t;
    return ATOLL_OK;
}

void tls_free(tls *t)
{
    if (t == NULL) return;
    if (t->shaken && t->failed == ATOLL_OK) SSL_shutdown(t->ssl);
    SSL_free(t->ssl);
    memory_free(t);
    ERR_clear_error();
}

static status explain(const tls *t)
{
    long verified = SSL_get_verify_result(t->ssl);
    if (!t->server && verified != X509_V_OK)
        return fail(ATOLL_ERROR_TLS, "the certificate of \"%s\" was refused: %s", t->host,
                    X509_verify_cert_error_string(verified));
    int code = ERR_GET_REASON(ERR_peek_last_error());
    if (code == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL ||
        code == SSL_R_NO_APPLICATION_PROTOCOL) {
        return fail(ATOLL_ERROR_TLS, "the other side offers no HTTP/2 over TLS (ALPN h2)");
    }
    if (code == SSL_R_WRONG_VERSION_NUMBER || code == SSL_R_HTTP_REQUEST)
        return fail(ATOLL_ERROR_TLS, "the other side speaks no TLS%s",
                    t->server ? "" : ": is the address an http:// one?");
    return fail(ATOLL_ERROR_TLS, "TLS failed: %s", reason());
}

/* What an operation that gave no bytes means; ATOLL_OK: not now. */
static status outcome(tls *t, int returned)
{
    int code = SSL_get_error(t->ssl, returned);
    t->wants_write = code == SSL_ERROR_WANT_WRITE;
    if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) return ATOLL_OK;
    if (code == SSL_ERROR_ZERO_RETURN) {
        t->failed = ATOLL_ERROR_CONNECTION_CLOSED;
        return fail(t->failed, "the connection was closed by the other side");
    }
    bool of_socket = t->failed != ATOLL_OK;
    if (!of_socket) t->failed = ATOLL_ERROR_TLS;
    if (of_socket && ERR_peek_last_error() == 0) return t->failed; /* its text stands */
    return of_socket && t->shaken ? t->failed : explain(t);
}

status tls_handshake(tls *t, bool *done)
{
    const unsigned char *chosen = NULL;
    unsigned size = 0;
    *done = false;
    ERR_clear_error();
    int code = SSL_do_handshake(t->ssl);
    if (code != 1) return outcome(t, code);
    t->wants_write = false;
    SSL_get0_alpn_selected(t->ssl, &chosen, &size);
    if (size != 2 || memcmp(chosen, "h2", 2) != 0) {
        t->failed = ATOLL_ERROR_TLS;
        return fail(ATOLL_ERROR_TLS, "the other side offers no HTTP/2 over TLS (ALPN h2)");
    }
    t->shaken = *done = true;
    return ATOLL_OK;
}

status tls_read(tls *t, void *to, size_t *size)
{
    int wanted = *size > INT32_MAX ? INT32_MAX : (int)*size;
    ERR_clear_error();
    int got = SSL_read(t->ssl, to, wanted);
    *size = got > 0 ? (size_t)got : 0;
    if (got > 0) return ATOLL_OK;
    return outcome(t, got);
}

status tls_write(tls *t, const void *data, size_t *size)
{
    int wanted = *size > INT32_MAX ? INT32_MAX : (int)*size;
    ERR_clear_error();
    int put = SSL_write(t->ssl, data, wanted);
    *size = put > 0 ? (size_t)put : 0;
    if (put > 0) {
        t->wants_write = false;
        return ATOLL_OK;
    }
    return outcome(t, put);
}

bool tls_wants_write(const tls *t)
{
    return t->wants_write;
}
