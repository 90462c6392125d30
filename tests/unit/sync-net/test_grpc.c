/* Both ends of gRPC against each other over byte buffers: no socket, no clock. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "sync/grpc.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define CALLS_MAX 8

typedef struct side {
    grpc *connection;
    grpc_call *calls[CALLS_MAX];
    size_t call_count, message_count, ended_count, closed_count, message_size_total;
    status closed_code;
    char closed_text[256];
    char last[128];
    bool echo;
} side;

static void on_begun(void *context, grpc_call *call)
{
    side *s = context;
    grpc_call_set_user(call, (void *)(uintptr_t)s->call_count);
    if (s->call_count < CALLS_MAX) s->calls[s->call_count++] = call;
    if (!bytes_equal(grpc_call_path(call), bytes_text("/test.Echo/Talk"))) {
        grpc_finish(call, ATOLL_ERROR_NOT_SUPPORTED, "no such method");
    }
}

static void on_message(void *context, grpc_call *call, bytes message)
{
    side *s = context;
    s->message_count++;
    s->message_size_total += message.size;
    snprintf(s->last, sizeof s->last, "%.*s", (int)(message.size < 100 ? message.size : 100),
             (const char *)message.data);
    if (s->echo) cr_assert_eq(grpc_send(call, message), ATOLL_OK);
}

static void on_ended(void *context, grpc_call *call)
{
    side *s = context;
    s->ended_count++;
    grpc_finish(call, ATOLL_OK, NULL);
}

static void on_closed(void *context, grpc_call *call, status code, const char *text)
{
    side *s = context;
    s->closed_count++;
    s->closed_code = code;
    snprintf(s->closed_text, sizeof s->closed_text, "%s", text);
    for (size_t i = 0; i < s->call_count; i++) {
        if (s->calls[i] == call) s->calls[i] = NULL;
    }
}

static void side_open(side *s, bool server)
{
    grpc_options options = {.server = server,
                            .authority = "localhost",
                            .ping_period_ms = 1000,
                            .pong_timeout_ms = 500,
                            .events = {on_begun, on_message, on_ended, NULL, on_closed},
                            .context = s};
    cr_assert_eq(grpc_new(&options, 0, &s->connection), ATOLL_OK);
}

/* Moves bytes until neither side has any, in pieces of at most piece_size. */
static void carry(side *a, side *b, uint64_t now_ms, size_t piece_size)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (int i = 0; i < 2; i++) {
            side *from = i == 0 ? a : b, *to = i == 0 ? b : a;
            buffer bytes_out;
            buffer_init(&bytes_out, 1 << 20);
            cr_assert_eq(grpc_output(from->connection, &bytes_out, 1 << 16), ATOLL_OK);
            for (size_t at = 0; at < bytes_out.size; at += piece_size) {
                size_t size = bytes_out.size - at < piece_size ? bytes_out.size - at : piece_size;
                cr_assert_eq(
                    grpc_received(to->connection, now_ms, bytes_of(bytes_out.data + at, size)),
                    ATOLL_OK, "%s", fail_text());
            }
            moved = moved || bytes_out.size > 0;
            buffer_free(&bytes_out);
        }
    }
}

static grpc_call *call_start(side *client, const char *path, uint64_t timeout_ms)
{
    grpc_call *call = NULL;
    grpc_request request = {.path = path, .authorization = "a-token", .timeout_ms = timeout_ms};
    cr_assert_eq(grpc_start(client->connection, &request, 0, &call), ATOLL_OK);
    return call;
}

static void close_both(side *client, side *server)
{
    grpc_free(client->connection);
    grpc_free(server->connection);
    cr_assert_eq(memory_live_count(), 0);
}

Test(grpc, messages_of_a_stream_come_back_in_order_whatever_the_pieces)
{
    for (size_t piece = 1; piece <= 1 << 16; piece *= 7) {
        side client = {0}, server = {.echo = true};
        side_open(&client, false);
        side_open(&server, true);
        grpc_call *call = call_start(&client, "/test.Echo/Talk", 0);
        char text[32];
        for (int i = 0; i < 50; i++) {
            snprintf(text, sizeof text, "message %d", i);
            cr_assert_eq(grpc_send(call, bytes_text(text)), ATOLL_OK);
        }
        carry(&client, &server, 0, piece);
        cr_assert(bytes_equal(grpc_call_token(server.calls[0]), bytes_text("a-token")));
        cr_assert_eq(client.message_count, 50u);
        cr_assert_str_eq(client.last, "message 49");
        cr_assert_eq(grpc_half_close(call), ATOLL_OK);
        carry(&client, &server, 0, piece);
        cr_assert_eq(server.ended_count, 1u);
        cr_assert_eq(client.closed_count, 1u);
        cr_assert_eq(client.closed_code, ATOLL_OK);
        close_both(&client, &server);
    }
}

Test(grpc, large_messages_pass_and_larger_ones_are_refused_at_both_ends)
{
    side client = {0}, server = {0};
    side_open(&client, false);
    side_open(&server, true);
    grpc_call *call = call_start(&client, "/test.Echo/Talk", 0);
    uint8_t *large = memory_allocate_zero(LIMIT_MESSAGE_SIZE_MAX + 1);
    cr_assert_eq(grpc_send(call, bytes_of(large, LIMIT_MESSAGE_SIZE_MAX)), ATOLL_OK);
    carry(&client, &server, 0, 1 << 16);
    cr_assert_eq(server.message_count, 1u);
    cr_assert_eq(server.message_size_total, (size_t)LIMIT_MESSAGE_SIZE_MAX);
    cr_assert_eq(grpc_send(call, bytes_of(large, LIMIT_MESSAGE_SIZE_MAX + 1)),
                 ATOLL_ERROR_MESSAGE_TOO_LARGE);
    memory_free(large);
    carry(&client, &server, 0, 1 << 16);
    cr_assert_eq(client.closed_count, 0u);
    close_both(&client, &server);
}

Test(grpc, a_paused_stream_does_not_stall_its_neighbour)
{
    side client = {0}, server = {0};
    side_open(&client, false);
    side_open(&server, true);
    grpc_call *slow = call_start(&client, "/test.Echo/Talk", 0);
    grpc_call *quick = call_start(&client, "/test.Echo/Talk", 0);
    carry(&client, &server, 0, 1 << 16);
    grpc_pause(server.calls[0], true);
    static uint8_t block[1 << 16];
    for (int i = 0; i < 640; i++)
        cr_assert_eq(grpc_send(slow, bytes_of(block, sizeof block)), ATOLL_OK); /* 40 MB */
    carry(&client, &server, 0, 1 << 16);
    cr_assert_eq(server.message_count, 0u);
    cr_assert_gt(grpc_unsent(slow), 30u << 20);
    for (int i = 0; i < 400; i++)
        cr_assert_eq(grpc_send(quick, bytes_of(block, sizeof block)), ATOLL_OK); /* 25 MB */
    carry(&client, &server, 0, 1 << 16);
    cr_assert_eq(server.message_count, 400u);
    grpc_pause(server.calls[0], false);
    carry(&client, &server, 0, 1 << 16);
    cr_assert_eq(server.message_count, 1040u);
    cr_assert_eq(grpc_unsent(slow), 0u);
    close_both(&client, &server);
}

Test(grpc, unknown_method_gets_its_status_and_text)
{
    side client = {0}, server = {0};
    side_open(&client, false);
    side_open(&server, true);
    call_start(&client, "/test.Echo/Nothing", 0);
    carry(&client, &server, 0, 100);
    cr_assert_eq(client.closed_code, ATOLL_ERROR_NOT_SUPPORTED);
    cr_assert_str_eq(client.closed_text, "no such method");
    close_both(&client, &server);
}

Test(grpc, error_text_survives_any_character)
{
    side client = {0}, server = {0};
    side_open(&client, false);
    side_open(&server, true);
    call_start(&client, "/test.Echo/Talk", 0);
    carry(&client, &server, 0, 100);
    grpc_finish(server.calls[0], ATOLL_ERROR_COPIED_FOLDER, "100% größer\nnext");
    carry(&client, &server, 0, 100);
    cr_assert_eq(client.closed_code, ATOLL_ERROR_COPIED_FOLDER);
    cr_assert_str_eq(client.closed_text, "100% größer\nnext");
    close_both(&client, &server);
}

Test(grpc, deadline_ends_the_call_at_either_end)
{
    for (int i = 0; i < 2; i++) {
        side client = {0}, server = {0};
        side_open(&client, false);
        side_open(&server, true);
        call_start(&client, "/test.Echo/Talk", 100);
        carry(&client, &server, 0, 100);
        side *watcher = i == 0 ? &client : &server;
        cr_assert_eq(grpc_deadline(watcher->connection), 100u);
        cr_assert_eq(grpc_tick(watcher->connection, 99), ATOLL_OK);
        carry(&client, &server, 99, 100);
        cr_assert_eq(client.closed_count, 0u);
        cr_assert_eq(grpc_tick(watcher->connection, 100), ATOLL_OK);
        carry(&client, &server, 100, 100);
        cr_assert_eq(client.closed_code, ATOLL_ERROR_TIMEOUT);
        cr_assert_eq(server.closed_count, 1u);
        close_both(&client, &server);
    }
}

Test(grpc, silence_after_a_ping_is_noticed_and_an_answer_is_enough)
{
    side client = {0}, server = {0};
    side_open(&client, false);
    side_open(&server, true);
    call_start(&client, "/test.Echo/Talk", 0);
    carry(&client, &server, 0, 100);
    cr_assert_eq(grpc_deadline(client.connection), 1000u);
    cr_assert_eq(grpc_tick(client.connection, 1000), ATOLL_OK);
    carry(&client, &server, 1000, 100);
    cr_assert_eq(grpc_deadline(client.connection), 2000u);
    cr_assert_eq(grpc_tick(client.connection, 2000), ATOLL_OK); /* this ping gets no answer */
    cr_assert_eq(grpc_tick(client.connection, 2499), ATOLL_OK);
    cr_assert_eq(grpc_tick(client.connection, 2500), ATOLL_ERROR_TIMEOUT);
    close_both(&client, &server);
}

Test(grpc, shut_down_lets_open_calls_end_and_takes_no_new_ones)
{
    side client = {0}, server = {.echo = true};
    side_open(&client, false);
    side_open(&server, true);
    grpc_call *call = call_start(&client, "/test.Echo/Talk", 0), *second = NULL;
    carry(&client, &server, 0, 100);
    grpc_shut_down(server.connection);
    carry(&client, &server, 0, 100);
    cr_assert(grpc_is_shut_down(client.connection));
    grpc_request request = {.path = "/test.Echo/Talk"};
    cr_assert_eq(grpc_start(client.connection, &request, 0, &second),
                 ATOLL_ERROR_CONNECTION_CLOSED);
    cr_assert_eq(grpc_send(call, bytes_text("still here")), ATOLL_OK);
    carry(&client, &server, 0, 100);
    cr_assert_str_eq(client.last, "still here");
    cr_assert_eq(grpc_half_close(call), ATOLL_OK);
    carry(&client, &server, 0, 100);
    cr_assert_eq(client.closed_code, ATOLL_OK);
    cr_assert(grpc_is_finished(server.connection));
    close_both(&client, &server);
}

Test(grpc, lost_connection_closes_every_call)
{
    side client = {0}, server = {0};
    side_open(&client, false);
    side_open(&server, true);
    call_start(&client, "/test.Echo/Talk", 0);
    call_start(&client, "/test.Echo/Talk", 0);
    carry(&client, &server, 0, 100);
    grpc_free(client.connection);
    cr_assert_eq(client.closed_count, 2u);
    cr_assert_eq(client.closed_code, ATOLL_ERROR_CONNECTION_CLOSED);
    grpc_free(server.connection);
    cr_assert_eq(server.closed_count, 2u);
    cr_assert_eq(memory_live_count(), 0);
}

Test(grpc, compressed_or_oversized_frames_are_refused_by_name)
{
    const struct {
        uint8_t prefix[5];
        status code;
    } cases[] = {{{1, 0, 0, 0, 4}, ATOLL_ERROR_NOT_SUPPORTED},
                 {{0, 2, 0, 0, 1}, ATOLL_ERROR_MESSAGE_TOO_LARGE}};
    for (size_t i = 0; i < 2; i++) {
        side client = {0}, server = {0};
        side_open(&client, false);
        side_open(&server, true);
        grpc_call *call = call_start(&client, "/test.Echo/Talk", 0);
        cr_assert_eq(grpc_send(call, bytes_text("abcdefghijklmnop")), ATOLL_OK);
        buffer wire;
        buffer_init(&wire, 1 << 16);
        cr_assert_eq(grpc_output(client.connection, &wire, 1 << 16), ATOLL_OK);
        uint8_t *at = memmem(wire.data, wire.size, "\0\0\0\0\020abcd", 9);
        cr_assert_not_null(at);
        memcpy(at, cases[i].prefix, 5);
        cr_assert_eq(grpc_received(server.connection, 0, buffer_view(&wire)), ATOLL_OK);
        buffer_free(&wire);
        carry(&client, &server, 0, 100);
        cr_assert_eq(client.closed_code, cases[i].code);
        cr_assert_eq(server.message_count, 0u);
        close_both(&client, &server);
    }
}

Test(grpc, garbage_and_truncated_bytes_end_in_an_error_or_silence)
{
    random_state random = {42};
    size_t refused = 0;
    for (int round = 0; round < 2000; round++) {
        side client = {0}, server = {.echo = true};
        side_open(&client, false);
        side_open(&server, true);
        grpc_call *call = call_start(&client, "/test.Echo/Talk", 0);
        cr_assert_eq(grpc_send(call, bytes_text("hello")), ATOLL_OK);
        buffer wire;
        buffer_init(&wire, 1 << 16);
        cr_assert_eq(grpc_output(client.connection, &wire, 1 << 16), ATOLL_OK);
        for (uint64_t flips = 1 + random_below(&random, 4); flips > 0; flips--) {
            wire.data[random_below(&random, wire.size)] = (uint8_t)random_next(&random);
        }
        size_t size = wire.size - random_below(&random, wire.size);
        server.echo = false;
        refused += grpc_received(server.connection, 0, bytes_of(wire.data, size)) != ATOLL_OK;
        buffer_free(&wire);
        close_both(&client, &server);
    }
    cr_assert_gt(refused, 100u);
}

Test(grpc_status, every_code_keeps_its_class)
{
    for (int32_t code = 0; code < 1000; code++) {
        cr_assert_eq(grpc_code_of(code) == GRPC_OK, code == 0);
        cr_assert_eq(grpc_status_of(grpc_code_of(code)) == ATOLL_OK, code == 0);
    }
}
