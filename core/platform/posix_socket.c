/* TCP sockets on POSIX.
 * Must never: block, delay small writes, or raise SIGPIPE.
 * Invariant: every socket that leaves this file is non-blocking and closed on exec. */
#include "platform/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024

static void set_no_delay(int socket)
{
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on,
               sizeof on); /* without it small messages are only slower */
}

static status resolve(const char *host, uint16_t port, bool to_listen, struct addrinfo **out)
{
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = AI_NUMERICSERV | (to_listen ? AI_PASSIVE : 0);
    int code = getaddrinfo(host, service, &hints, out);
    if (code != 0) {
        return fail(ATOLL_ERROR_CONNECTION_FAILED, "could not find the address of \"%s\": %s", host,
                    gai_strerror(code));
    }
    return ATOLL_OK;
}

enum { LOOPBACK_WAIT_MS = 50 };

static uint16_t port_of(int handle)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(handle, (struct sockaddr *)&address, &size) != 0) return 0;
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    /* The kernel has filled it in. NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

status socket_listen(const char *host, uint16_t port, int *out, uint16_t *bound_port)
{
    struct addrinfo *addresses = NULL;
    TRY(resolve(host, port, true, &addresses));
    int handle = socket(addresses->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, bound = -1;
    if (handle >= 0) {
        setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        bound = bind(handle, addresses->ai_addr, addresses->ai_addrlen);
        if (bound == 0) bound = listen(handle, LISTEN_BACKLOG);
    }
    int code = errno;
    freeaddrinfo(addresses);
    if (bound != 0) {
        if (handle >= 0) close(handle);
        return fail(ATOLL_ERROR_CONNECTION_FAILED, "could not listen on %s:%u: %s", host, port,
                    strerror(code));
    }
    *out = handle;
    if (bound_port != NULL) *bound_port = port_of(handle);
    return ATOLL_OK;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return address->sa_family == AF_INET &&
           ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

/* "localhost" is ::1 first, where the server need not listen: on the loopback a refusal is there at once, or nearly. */
static int refused_at_once(int handle)
{
    struct pollfd wait = {.fd = handle, .events = POLLOUT};
    int code = 0;
    socklen_t size = sizeof code;
    if (poll(&wait, 1, LOOPBACK_WAIT_MS) != 1) return 0;
    return getsockopt(handle, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

status socket_connect(const char *host, uint16_t port, int *out)
{
    struct addrinfo *addresses = NULL;
    TRY(resolve(host, port, false, &addresses));
    int code = 0;
    for (struct addrinfo *at = addresses; at != NULL; at = at->ai_next) {
        int handle = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (handle < 0) {
            code = errno;
            continue;
        }
        set_no_delay(handle);
        code = connect(handle, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
        if (code == EINPROGRESS)
            code = at->ai_next != NULL && is_loopback(at->ai_addr) ? refused_at_once(handle) : 0;
        if (code == 0) {
            freeaddrinfo(addresses);
            *out = handle;
            return ATOLL_OK;
        }
        close(handle);
    }
    freeaddrinfo(addresses);
    return fail(ATOLL_ERROR_CONNECTION_FAILED, "could not connect to %s:%u: %s", host, port,
                strerror(code));
}

status socket_connected(int socket)
{
    int code = 0;
    socklen_t size = sizeof code;
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
    if (code != 0)
        return fail(ATOLL_ERROR_CONNECTION_FAILED, "could not connect: %s", strerror(code));
    return ATOLL_OK;
}

status socket_accept(int socket, int *out)
{
    int handle = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (handle >= 0) {
        set_no_delay(handle);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return fail(ATOLL_ERROR_LIMIT_EXCEEDED,
                    "no room for another connection: %s (raise the limit of open files)",
                    strerror(errno));
    }
    *out = handle; /* every other error concerns a client that has gone again */
    return ATOLL_OK;
}

status socket_read(int socket, void *to, size_t *size)
{
    ssize_t got = recv(socket, to, *size, 0);
    if (got > 0) {
        *size = (size_t)got;
        return ATOLL_OK;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        *size = 0;
        return ATOLL_OK;
    }
    return fail(ATOLL_ERROR_CONNECTION_CLOSED, "the connection was closed%s%s",
                got < 0 ? ": " : " by the other side", got < 0 ? strerror(errno) : "");
}

status socket_write(int socket, const void *data, size_t *size)
{
    ssize_t put = send(socket, data, *size, MSG_NOSIGNAL);
    if (put >= 0) {
        *size = (size_t)put;
        return ATOLL_OK;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        *size = 0;
        return ATOLL_OK;
    }
    return fail(ATOLL_ERROR_CONNECTION_CLOSED, "the connection was closed: %s", strerror(errno));
}

void socket_close(int socket)
{
    close(socket);
}

bool socket_wait(int socket, bool to_write, uint64_t timeout_ms)
{
    struct pollfd one = {.fd = socket, .events = to_write ? POLLOUT : POLLIN};
    return poll(&one, 1, timeout_ms > 1000000 ? 1000000 : (int)timeout_ms) > 0;
}

void socket_shut_down(int socket)
{
    shutdown(socket, SHUT_RDWR);
}
