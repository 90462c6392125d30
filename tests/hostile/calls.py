"""Attacks by gRPC calls: sizes that lie, messages that never end, log-ins without number."""

import concurrent.futures
import struct

import grpc
from canary import APP, auth, auth_stubs
from frames import DATA, END_HEADERS, HEADERS, Raw, frame, message, request
from harness import LIMIT

MB = 1 << 20


def _call(server, token, body):
    raw = Raw(server.port)
    raw.send(frame(HEADERS, END_HEADERS, 1, request(token=token)) + frame(DATA, 0, 1, body))
    return raw


def attack_a_message_of_four_gigabytes(server, canary, _):
    with canary.unharmed(32 * MB):
        raw = _call(server, canary.client.token, message(b"x", size=0xFFFFFFFF))
        assert any(kind == HEADERS for kind, *_ in raw.frames()), "the call must be refused at once"
        raw.close()


def attack_a_message_that_claims_to_be_compressed(server, canary, _):
    with canary.unharmed(32 * MB):
        raw = _call(server, canary.client.token, message(b"x" * 100, compressed=1))
        assert any(kind == HEADERS for kind, *_ in raw.frames()), "the call must be refused"
        raw.close()


def attack_half_messages_on_many_streams(server, canary, _):
    """Each stream announces 30 MB and sends what its window takes: a stalled stream may hold no more than that."""
    with canary.unharmed(256 * MB):
        raws = []
        for _ in range(4):
            raw = Raw(server.port)
            block = request(token=canary.client.token)
            for stream in range(1, 41, 2):
                raw.send(frame(HEADERS, END_HEADERS, stream, block))
                raw.send(frame(DATA, 0, stream, message(b"x" * 16_000, size=30 * MB)))
                for _ in range(40):
                    raw.send(frame(DATA, 0, stream, b"x" * 16_000))
            raws.append(raw)
        canary.wait_rounds(5)
        for raw in raws:
            raw.close()


def attack_wrong_paths_and_methods(server, canary, seed):
    with canary.unharmed(32 * MB):
        raw = Raw(server.port)
        paths = ["/", "", "/atoll.sync.v1.Sync", "/atoll.auth.v1.Auth/../Session", "*", "/" + "x" * 8000, "/\x7f"]
        for index in range(500):
            raw.send(frame(HEADERS, END_HEADERS, 2 * index + 1, request(path=paths[index % len(paths)])))
        raw.frames(0.5)
        raw.close()


def attack_guessing_passwords(server, canary, _):
    """Argon2 costs 19 MB and tens of milliseconds each: it must not run for everybody at once."""
    with canary.unharmed(128 * MB), grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = auth_stubs.AuthStub(channel)
        stub.RegisterUser(auth.RegisterRequest(app_id=APP, email_password=_account("right one")), timeout=LIMIT)

        def guess(number):
            try:
                stub.LogIn(
                    auth.LogInRequest(app_id=APP, email_password=_account(f"guess {number}")), timeout=LIMIT
                )
            except grpc.RpcError as refused:
                return refused.code()
            return None

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            codes = set(pool.map(guess, range(200)))
        assert None not in codes, "a guess was taken for the password"


def attack_calls_with_random_bodies(server, canary, seed):
    import random

    source = random.Random(seed)
    with canary.unharmed(64 * MB), grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        descriptor = auth.DESCRIPTOR
        for service in descriptor.services_by_name.values():
            for method in service.methods:
                path = f"/{service.full_name}/{method.name}"
                call = channel.unary_unary(path, request_serializer=lambda body: body, response_deserializer=bytes)
                for _ in range(20):
                    size = source.choice([0, 1, 3, 20, 1000])
                    try:
                        call(source.randbytes(size), timeout=LIMIT)
                    except grpc.RpcError as refused:
                        assert refused.code() is not grpc.StatusCode.UNAVAILABLE, f"{path} broke the connection"


def attack_slow_readers(server, canary, _):
    """A subscriber to 60 MB whose window is a byte."""
    from canary import Client

    writer = Client(server, query=None)
    for part in range(12):
        keys = [f"big {part} {index}" for index in range(500)]
        writer.upload([writer.rows(keys, ["x" * 10_000] * len(keys))])
    writer.close()
    with canary.unharmed(160 * MB):
        raws = []
        for _ in range(20):
            raw = Raw(server.port, settings=struct.pack(">HI", 4, 1), receive_buffer=4096)
            raw.send(frame(HEADERS, END_HEADERS, 1, request(token=canary.client.token)))
            for body in _subscribe_all():
                data = message(body.SerializeToString())
                raw.send(frame(DATA, 0, 1, data))
            raws.append(raw)
        canary.wait_rounds(20)
        listed = server.admin("ListSessions", "AppRequest", app_id=APP).sessions
        assert sum(session.open for session in listed) == 21, "the slow readers and the canary are bound"
        for raw in raws:
            raw.close()


def _account(password):
    return auth.EmailPassword(email="ann@example.org", password=password)


def _subscribe_all():
    from canary import SCHEMA, sync

    yield sync.ClientMessage(bind=sync.Bind(protocol_version_min=1, protocol_version_max=1, app_id=APP, flexible=True, schema=[SCHEMA]))
    query = sync.Query(class_name="Item", text="TRUEPREDICATE")
    yield sync.ClientMessage(subscribe=sync.Subscribe(version=1, queries=[query]))
