/* TLS, proxies and headers between the client's network thread and a server, with certificates made for it. */
#include "platform/tls.h"
#include "platform/loop.h"
#include "world.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A CA, and certificates by it for localhost: a good one, one for another name, one that has expired. */
static void make_certificates(const char *folder)
{
    static const char script[] =
        "cd %s && exec >/dev/null 2>&1 && set -e\n"
        "new() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
        "sign() { openssl req -new -key $1.key -subj /CN=$1 -out $1.csr\n"
        "printf \"subjectAltName=$2\\n\" > $1.ext\n"
        "openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile $1.ext "
        "$3 -out $1.pem; }\n"
        "for i in ca other; do new $i; openssl req -x509 -new -key $i.key -subj /CN=$i -days 2 "
        "-out $i.pem; done\n"
        "new good; sign good DNS:localhost,IP:127.0.0.1 '-days 2'\n"
        "new name; sign name DNS:elsewhere.test '-days 2'\n"
        "new late; openssl req -new -key late.key -subj /CN=late -out late.csr\n"
        "mkdir -p db && : > db/index && echo 01 > db/serial\n"
        "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=db/index\\nserial=db/serial\\n"
        "new_certs_dir=db\\ndefault_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n"
        "[e]\\nsubjectAltName=DNS:localhost\\n' > db/cnf\n"
        "openssl ca -batch -config db/cnf -extensions e -cert ca.pem -keyfile ca.key -in late.csr "
        "-out late.pem -startdate 20200101000000Z -enddate 20200201000000Z -notext\n";
    char text[2400];
    snprintf(text, sizeof text, script, folder);
    cr_assert_eq(system(text), 0, "openssl could not make the certificates");
}

typedef struct secure_world {
    world w;
    char certificates[64];
} secure_world;

static void open_secure(secure_world *s, const char *certificate)
{
    char yaml[400];
    *s = (secure_world){.certificates = "/tmp/atoll-tls-XXXXXX"};
    cr_assert_not_null(mkdtemp(s->certificates));
    make_certificates(s->certificates);
    snprintf(yaml, sizeof yaml,
             "listen: 127.0.0.1:0\ntls: {certificate: %s/%s.pem, key: %s/%s.key}\n"
             "apps:\n- {id: test, sync: flexible, development: true}\n",
             s->certificates, certificate, s->certificates, certificate);
    world_open(&s->w, yaml);
}

static void close_secure(secure_world *s)
{
    world_close(&s->w);
    cr_assert_eq(file_remove_tree(s->certificates), ATOLL_OK);
}

typedef struct way {
    const char *scheme, *host, *ca, *proxy;
    uint16_t port; /* 0: the server's */
    const char *const *headers;
    size_t header_count;
} way;

/* An anonymous log-in over a way of its own. */
static status try_way(secure_world *s, const way *how)
{
    char url[100], path[200];
    buffer ca;
    runner *r = NULL;
    client c = {.world = &s->w};
    buffer_init(&ca, 1 << 16);
    if (how->ca != NULL) {
        snprintf(path, sizeof path, "%s/%s.pem", s->certificates, how->ca);
        cr_assert_eq(file_read(path, 1 << 16, &ca), ATOLL_OK);
    }
    snprintf(url, sizeof url, "%s://%s:%u", how->scheme, how->host,
             how->port != 0 ? how->port : s->w.port);
    client_listen(&c);
    runner_options options = client_options(&c, url, s->w.folder);
    options.trusted_certificates = buffer_view(&ca);
    options.proxy_url = how->proxy;
    options.headers = how->headers;
    options.header_count = how->header_count;
    status result = runner_new(&options, &r);
    buffer_free(&ca);
    c.runner = r;
    if (result == ATOLL_OK) {
        uint64_t request = client_request(&c);
        runner_log_in_anonymous(r, request, false);
        result = client_wait(&c, request, NULL);
        client_close(&c);
    }
    return result;
}

Test(tls, a_trusted_certificate_for_the_host_is_taken)
{
    secure_world s;
    open_secure(&s, "good");
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "ca"}), ATOLL_OK);
    cr_assert_eq(try_way(&s, &(way){"https", "127.0.0.1", "ca"}), ATOLL_OK);
    close_secure(&s);
    cr_assert_eq(memory_live_count(), 0);
}

Test(tls, other_certificates_are_refused_and_the_reason_is_named)
{
    secure_world s;
    open_secure(&s, "good");
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "other"}), ATOLL_ERROR_TLS);
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", NULL}), ATOLL_ERROR_TLS);
    close_secure(&s);
    open_secure(&s, "name");
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "ca"}), ATOLL_ERROR_TLS);
    close_secure(&s);
    open_secure(&s, "late");
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "ca"}), ATOLL_ERROR_TLS);
    close_secure(&s);
    cr_assert_eq(memory_live_count(), 0);
}

/* One end over a plain socket pair: what each side says of the other. */
static status shake(tls *near, tls *far, status *far_result)
{
    status result = ATOLL_OK;
    bool near_done = false, far_done = false;
    *far_result = ATOLL_OK;
    for (int i = 0; i < 1000 && !(near_done && far_done); i++) {
        if (!near_done && result == ATOLL_OK) result = tls_handshake(near, &near_done);
        if (!far_done && *far_result == ATOLL_OK) *far_result = tls_handshake(far, &far_done);
        if (result != ATOLL_OK && *far_result != ATOLL_OK) break;
    }
    return result;
}

Test(tls, reasons_are_told_apart)
{
    const struct {
        const char *certificate, *ca, *host, *text;
    } cases[] = {{"good", "ca", "localhost", NULL},
                 {"good", "other", "localhost", "unable to get"},
                 {"name", "ca", "localhost", "hostname mismatch"},
                 {"good", "ca", "127.0.0.2", "IP address mismatch"},
                 {"late", "ca", "localhost", "expired"}};
    char folder[64] = "/tmp/atoll-tls-XXXXXX", certificate[120], key[120], path[120];
    cr_assert_not_null(mkdtemp(folder));
    make_certificates(folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tls_context *server = NULL, *trusting = NULL;
        tls *near = NULL, *far = NULL;
        buffer ca;
        int ends[2];
        status far_result;
        buffer_init(&ca, 1 << 16);
        snprintf(path, sizeof path, "%s/%s.pem", folder, cases[i].ca);
        snprintf(certificate, sizeof certificate, "%s/%s.pem", folder, cases[i].certificate);
        snprintf(key, sizeof key, "%s/%s.key", folder, cases[i].certificate);
        cr_assert_eq(file_read(path, 1 << 16, &ca), ATOLL_OK);
        cr_assert_eq(tls_context_client(buffer_view(&ca), &trusting), ATOLL_OK);
        cr_assert_eq(tls_context_server(certificate, key, &server), ATOLL_OK, "%s", fail_text());
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        cr_assert_eq(tls_new(trusting, ends[0], cases[i].host, &near), ATOLL_OK);
        cr_assert_eq(tls_new(server, ends[1], NULL, &far), ATOLL_OK);
        status result = shake(near, far, &far_result);
        cr_assert_eq(result, cases[i].text == NULL ? ATOLL_OK : ATOLL_ERROR_TLS, "%zu: %d", i,
                     result);
        if (result == ATOLL_OK) {
            char got[6] = "";
            size_t size = 5;
            cr_assert_eq(tls_write(near, "hello", &size), ATOLL_OK);
            size = sizeof got;
            cr_assert_eq(tls_read(far, got, &size), ATOLL_OK);
            cr_assert_str_eq(got, "hello");
            size = sizeof got;
            cr_assert_eq(tls_read(far, got, &size), ATOLL_OK);
            cr_assert_eq(size, 0u, "nothing more yet");
            tls_free(near);
            near = NULL;
            size = sizeof got;
            cr_assert_eq(tls_read(far, got, &size), ATOLL_ERROR_CONNECTION_CLOSED);
        } else {
            cr_assert_eq(far_result, ATOLL_ERROR_TLS);
        }
        tls_free(near);
        tls_free(far);
        close(ends[0]);
        close(ends[1]);
        tls_context_free(server);
        tls_context_free(trusting);
        buffer_free(&ca);
    }
    tls_context *none = NULL;
    cr_assert_eq(tls_context_client(bytes_text("no certificate"), &none),
                 ATOLL_ERROR_INVALID_ARGUMENT);
    snprintf(path, sizeof path, "%s/ca.key", folder);
    cr_assert_eq(tls_context_server(certificate, path, &none), ATOLL_ERROR_MISMATCHED_CONFIG);
    cr_assert_eq(file_remove_tree(folder), ATOLL_OK);
    cr_assert_eq(memory_live_count(), 0);
}

Test(tls, plain_and_secure_do_not_mix)
{
    secure_world s;
    open_secure(&s, "good");
    status result = try_way(&s, &(way){"http", "localhost", NULL});
    cr_assert(result == ATOLL_ERROR_CONNECTION_CLOSED || result == ATOLL_ERROR_PROTOCOL, "%d",
              result);
    close_secure(&s);
    world w;
    world_open(&w, NULL);
    s = (secure_world){.certificates = "/tmp/atoll-tls-XXXXXX"};
    cr_assert_not_null(mkdtemp(s.certificates));
    make_certificates(s.certificates);
    s.w = w;
    result = try_way(&s, &(way){"https", "localhost", "ca"});
    cr_assert(result == ATOLL_ERROR_TLS || result == ATOLL_ERROR_CONNECTION_CLOSED, "%d", result);
    world_close(&w);
    cr_assert_eq(file_remove_tree(s.certificates), ATOLL_OK);
}

Test(tls, a_server_without_alpn_is_refused)
{
    secure_world s;
    char command[400], port[16];
    open_secure(&s, "good");
    unsigned number = 20000 + (unsigned)getpid() % 20000;
    snprintf(port, sizeof port, "%u", number);
    snprintf(command, sizeof command,
             "cd %s && (openssl s_server -accept 127.0.0.1:%s -cert good.pem -key good.key -www "
             ">/dev/null 2>&1 & echo $! > pid)",
             s.certificates, port);
    cr_assert_eq(system(command), 0);
    way how = {"https", "localhost", "ca", .port = (uint16_t)number};
    status result = ATOLL_ERROR_CONNECTION_FAILED;
    for (int i = 0; i < 100 && result == ATOLL_ERROR_CONNECTION_FAILED; i++) {
        result = try_way(&s, &how);
        if (result == ATOLL_ERROR_CONNECTION_FAILED) usleep(100 * 1000);
    }
    cr_assert_eq(result, ATOLL_ERROR_TLS, "%d", result);
    snprintf(command, sizeof command, "kill $(cat %s/pid) 2>/dev/null; true", s.certificates);
    cr_assert_eq(system(command), 0);
    close_secure(&s);
}

Test(tls, the_certificate_is_read_again_on_demand)
{
    secure_world s;
    char command[300];
    open_secure(&s, "late");
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "ca"}), ATOLL_ERROR_TLS);
    snprintf(command, sizeof command, "cd %s && cp good.pem late.pem", s.certificates);
    cr_assert_eq(system(command), 0);
    server_runner_reload(s.w.server); /* the key does not fit: the old certificate stays */
    usleep(200 * 1000);
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "ca"}), ATOLL_ERROR_TLS);
    snprintf(command, sizeof command, "cd %s && cp good.key late.key", s.certificates);
    cr_assert_eq(system(command), 0);
    server_runner_reload(s.w.server);
    usleep(200 * 1000);
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "ca"}), ATOLL_OK);
    close_secure(&s);
}

/* ---- a proxy: takes one connection after the other ---- */

typedef struct test_proxy {
    int listener;
    uint16_t port, target;
    const char *answer; /* instead of passing on */
    char request[600];
    pthread_t thread;
} test_proxy;

static bool pass(int from, int to)
{
    char data[4096];
    ssize_t size = recv(from, data, sizeof data, MSG_DONTWAIT);
    if (size == 0) return false;
    return size < 0 || send(to, data, (size_t)size, MSG_NOSIGNAL) == size;
}

static void *run_proxy(void *argument)
{
    test_proxy *p = argument;
    int client = accept(p->listener, NULL, NULL), server = socket(AF_INET, SOCK_STREAM, 0);
    size_t size = 0;
    while (size < sizeof p->request - 1 && strstr(p->request, "\r\n\r\n") == NULL &&
           recv(client, p->request + size, 1, 0) == 1)
        size++;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(p->target),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *answer = p->answer != NULL ? p->answer : "HTTP/1.1 200 Connected\r\n\r\n";
    if (connect(server, (struct sockaddr *)&to, sizeof to) == 0 &&
        send(client, answer, strlen(answer), MSG_NOSIGNAL) > 0) {
        while (p->answer == NULL && pass(client, server) && pass(server, client)) usleep(500);
    }
    close(server);
    close(client);
    return NULL;
}

static void start_proxy(test_proxy *p, uint16_t target, const char *answer)
{
    *p = (test_proxy){.target = target, .answer = answer};
    cr_assert_eq(socket_listen("127.0.0.1", 0, &p->listener, &p->port), ATOLL_OK);
    cr_assert_eq(fcntl(p->listener, F_SETFL, 0), 0); /* this one may block */
    cr_assert_eq(pthread_create(&p->thread, NULL, run_proxy, p), 0);
}

static void stop_proxy(test_proxy *p)
{
    cr_assert_eq(pthread_join(p->thread, NULL), 0);
    close(p->listener);
}

Test(tls, a_proxy_is_asked_to_connect_and_sees_nothing_else)
{
    secure_world s;
    test_proxy p;
    char url[100];
    open_secure(&s, "good");
    start_proxy(&p, s.w.port, NULL);
    snprintf(url, sizeof url, "%s://ann:p%%40ss@127.0.0.1:%u", "http", p.port);
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "ca", url}), ATOLL_OK);
    stop_proxy(&p);
    char wanted[40];
    snprintf(wanted, sizeof wanted, "CONNECT localhost:%u HTTP/1.1\r\n", s.w.port);
    cr_assert_eq(strncmp(p.request, wanted, strlen(wanted)), 0, "%s", p.request);
    cr_assert_not_null(strstr(p.request, "Proxy-Authorization: Basic YW5uOnBAc3M=\r\n"));
    start_proxy(&p, s.w.port, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    snprintf(url, sizeof url, "http://127.0.0.1:%u", p.port);
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "ca", url}),
                 ATOLL_ERROR_CONNECTION_FAILED);
    stop_proxy(&p);
    cr_assert_eq(try_way(&s, &(way){"https", "localhost", "ca", "socks://x:1"}),
                 ATOLL_ERROR_INVALID_ARGUMENT);
    close_secure(&s);
}

Test(tls, headers_of_the_app_may_be_no_others_than_its_own)
{
    secure_world s;
    open_secure(&s, "good");
    const char *good[] = {"x-tenant", "blue", "x-trace", "7"};
    cr_assert_eq(try_way(&s, &(way){.scheme = "https",
                                    .host = "localhost",
                                    .ca = "ca",
                                    .headers = good,
                                    .header_count = 4}),
                 ATOLL_OK);
    const char *bad[][2] = {{"authorization", "x"}, {"X-Tenant", "x"},      {":path", "x"},
                            {"grpc-timeout", "1S"}, {"x-a", "line\nbreak"}, {"", "x"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        way how = {.scheme = "https",
                   .host = "localhost",
                   .ca = "ca",
                   .headers = bad[i],
                   .header_count = 2};
        cr_assert_eq(try_way(&s, &how), ATOLL_ERROR_INVALID_ARGUMENT, "%zu", i);
    }
    close_secure(&s);
}
