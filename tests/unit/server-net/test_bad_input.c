/* What a server is sent by others than its clients. */
#include "base/random.h"
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int dial(const world *w)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(w->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int handle = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    cr_assert_eq(connect(handle, (struct sockaddr *)&address, sizeof address), 0);
    return handle;
}

/* True: the server closed the connection. */
static bool is_closed(int handle)
{
    uint8_t piece[4096];
    ssize_t got;
    while ((got = recv(handle, piece, sizeof piece, 0)) > 0) continue;
    return got == 0 || errno == ECONNRESET || errno == EPIPE;
}

static void assert_alive(world *w)
{
    client c;
    client_open(&c, w, "alive");
    account_release(client_log_in(&c));
    client_close(&c);
}

Test(bad_input, garbage_on_the_port_closes_that_connection_only)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    world w;
    random_state random = {7};
    world_open(&w, NULL);
    for (int round = 0; round < 200; round++) {
        uint8_t bytes_sent[2048];
        size_t size = 0;
        int handle = dial(&w);
        if (round % 4 == 1)
            size = (size_t)snprintf((char *)bytes_sent, sizeof bytes_sent,
                                    "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        if (round % 4 >= 2) {
            memcpy(bytes_sent, preface, sizeof preface - 1);
            size = sizeof preface - 1;
        }
        size_t wanted = round % 4 == 1 ? size : 64 + random_below(&random, sizeof bytes_sent - 64);
        while (size < wanted) bytes_sent[size++] = (uint8_t)random_next(&random);
        cr_assert_eq(send(handle, bytes_sent, size, MSG_NOSIGNAL), (ssize_t)size);
        if (round % 4 < 2) cr_assert(is_closed(handle));
        close(handle);
    }
    assert_alive(&w);
    world_close(&w);
}

Test(bad_input, connections_that_are_cut_inside_a_frame_leave_nothing_behind)
{
    /* The preface, empty settings, and the first half of a headers frame. */
    static const uint8_t start[] =
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\40\1\4\0\0\0\1\x82\x86";
    world w;
    world_open(&w, NULL);
    for (size_t size = 0; size < sizeof start - 1; size++) {
        int handle = dial(&w);
        cr_assert_eq(send(handle, start, size, MSG_NOSIGNAL), (ssize_t)size);
        close(handle);
    }
    assert_alive(&w);
    world_close(&w);
    cr_assert_eq(memory_live_count(), 0);
}
