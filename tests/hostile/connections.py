"""Attacks by frames: floods, lies about sizes, silence."""

import contextlib
import socket
import struct
import time

from frames import (
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RESET, SETTINGS, WINDOW, Raw, frame,
    literal, request,
)  # fmt: skip

MB = 1 << 20


def _flood(raw, parts, count):
    """Sends the parts again and again, until the server has had enough."""
    for _ in range(count):
        if not raw.send(parts):
            return
    raw.frames(0.2)


def attack_rapid_reset(server, canary, _):
    with canary.unharmed(64 * MB):
        block = request()
        raw = Raw(server.port)
        for first in range(1, 100_000, 200):
            streams = range(first, first + 200, 2)
            if not raw.send(
                b"".join(
                    frame(HEADERS, END_HEADERS, s, block) + frame(RESET, 0, s, struct.pack(">I", 8)) for s in streams
                )
            ):
                break
        raw.close()


def attack_more_streams_than_allowed(server, canary, _):
    with canary.unharmed(64 * MB):
        raw = Raw(server.port)
        block = request(token="x" * 1000)
        for stream in range(1, 20_001, 2):
            if not raw.send(frame(HEADERS, END_HEADERS, stream, block)):
                break
        found = raw.frames()
        assert found, "the server says nothing at all"
        raw.close()


def attack_settings_that_are_never_read(server, canary, _):
    with canary.unharmed(64 * MB):
        raw = Raw(server.port, receive_buffer=4096)
        _flood(raw, frame(SETTINGS, payload=struct.pack(">HI", 4, 1000)) * 1000, 300)
        raw.close()


def attack_pings_that_are_never_read(server, canary, _):
    with canary.unharmed(64 * MB):
        raw = Raw(server.port, receive_buffer=4096)
        _flood(raw, frame(PING, payload=b"12345678") * 1000, 500)
        raw.close()


def attack_headers_without_an_end(server, canary, _):
    with canary.unharmed(64 * MB):
        raw = Raw(server.port)
        raw.send(frame(HEADERS, 0, 1, request()))
        part = b"".join(literal(f"name-{i}", "v" * 100) for i in range(100))
        _flood(raw, frame(CONTINUATION, 0, 1, part), 5000)
        raw.close()


def attack_headers_that_unfold(server, canary, _):
    """One header of 4 KB in the dynamic table, named ten thousand times by a byte each."""
    with canary.unharmed(64 * MB):
        raw = Raw(server.port)
        raw.send(frame(HEADERS, END_HEADERS, 1, request() + literal("a", "b" * 3900, indexed=True)))
        for stream in range(3, 400, 2):
            if not raw.send(frame(HEADERS, END_HEADERS, stream, request() + b"\xbe" * 10_000)):
                break
        raw.frames(0.5)
        raw.close()


def attack_windows_that_overflow(server, canary, _):
    with canary.unharmed(32 * MB):
        raw = Raw(server.port)
        grow = struct.pack(">I", (1 << 31) - 1)
        raw.send(frame(WINDOW, 0, 0, grow) * 3)
        assert any(kind == GOAWAY for kind, *_ in raw.frames()), "an overflowing window must end the connection"
        raw.close()


def attack_empty_frames(server, canary, _):
    with canary.unharmed(32 * MB):
        raw = Raw(server.port)
        raw.send(frame(HEADERS, END_HEADERS, 1, request(token=canary.client.token)))
        _flood(raw, frame(DATA, 0, 1) * 1000, 500)
        raw.close()


def attack_a_request_without_end_sent_byte_by_byte(server, canary, _):
    with canary.unharmed(32 * MB):
        sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(300)]
        for at in range(20):
            for each in sockets:
                with contextlib.suppress(OSError):
                    each.send(PREFACE[at : at + 1])
            time.sleep(0.05)
        for each in sockets:
            each.close()


def attack_connections_that_come_and_go(server, canary, _):
    with canary.unharmed(32 * MB):
        for _ in range(3000):
            socket.create_connection(("127.0.0.1", server.port)).close()


def attack_frames_of_random_bytes(server, canary, seed):
    import random

    source = random.Random(seed)
    with canary.unharmed(32 * MB):
        for _ in range(300):
            raw = Raw(server.port)
            for _ in range(20):
                kind, flags, stream = source.randrange(12), source.randrange(256), source.randrange(8)
                if not raw.send(frame(kind, flags, stream, source.randbytes(source.choice([0, 4, 5, 8, 100, 5000])))):
                    break
            raw.close()


def attack_a_request_that_ends_at_once(server, canary, _):
    with canary.unharmed(32 * MB):
        raw = Raw(server.port)
        for stream in range(1, 4000, 2):
            if not raw.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, request(token=canary.client.token))):
                break
        raw.frames(0.5)
        raw.close()
