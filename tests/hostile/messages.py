"""Attacks by messages of the session: forged, oversize, mutated."""

import json
import os
import random
import signal
import time
import uuid

import grpc
from canary import APP, SCHEMA, Client, log_in
from harness import until
from stock import INT, STRING, Stream, keys_column, sync, text_column

MB = 1 << 20


def _refused(stream):
    """The status and the Error message of a session that must end now."""
    left, code = stream.end()
    stream.close()
    told = [message.error for message in left if message.WhichOneof("body") == "error"]
    return code, (told[0] if told else None)


def attack_stamps_from_the_future(server, canary, _):
    """Whoever's clock is a year ahead must not win for a year."""
    with canary.unharmed(32 * MB):
        liar, honest = Client(server), Client(server)
        year = 365 * 24 * 3600 * 1000
        liar.upload([liar.rows(["a"], ["from the future"], stamp=(int(time.time() * 1000) + year) << 16)])
        honest.mark()
        time.sleep(0.01)
        honest.upload([honest.rows(["a"], ["from now"])])
        reader = Client(server, query=None)
        found = reader.values("_id == 'a'")
        assert found == {"a": "from now"}, found
        for each in (liar, honest, reader):
            each.close()


def attack_foreign_idents(server, canary, _):
    with canary.unharmed(32 * MB):
        victim = Client(server)
        other = log_in(victim.channel)
        for secret in (b"", b"x" * 16, victim.bound.secret):
            stream = Stream(victim.channel, other)
            stream.send(
                bind=sync.Bind(
                    protocol_version_min=1, protocol_version_max=1,
                    app_id=APP, flexible=True, schema=[SCHEMA], ident=victim.bound.ident, secret=secret,
                    cursor=1, epoch=victim.bound.epoch,
                )
            )  # fmt: skip
            code, error = _refused(stream)
            assert code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.FAILED_PRECONDITION), (code, error)
        victim.mark()
        victim.close()


def attack_tokens_of_another_app(server, canary, _):
    with canary.unharmed(32 * MB):
        elsewhere = log_in(canary.client.channel, app="elsewhere")
        stream = Stream(canary.client.channel, elsewhere)
        stream.send(bind=sync.Bind(protocol_version_min=1, protocol_version_max=1, app_id=APP, flexible=True, schema=[SCHEMA]))
        code, _error = _refused(stream)
        assert code is not grpc.StatusCode.OK, "a token of one app opened another one"


def attack_half_a_million_subscriptions(server, canary, _):
    with canary.unharmed(512 * MB):
        client = Client(server, query=None)
        state = client.subscribe([f"count=={index}" for index in range(500_000)])
        assert state is None or state.code != 0, "half a million subscriptions were taken"
        client.close()


def attack_queries_that_cost(server, canary, _):
    writer = Client(server, query=None)
    writer.upload([writer.rows([f"k{index}" for index in range(200)], ["a" * 400] * 200)])
    writer.close()
    texts = [
        "(" * 50_000 + "count == 1" + ")" * 50_000,
        "!" * 50_000 + "(count == 1)",
        "text LIKE '" + "*a" * 200 + "b'",
        "text CONTAINS '" + "a" * 399 + "b'",
        "count IN {" + ",".join(str(index) for index in range(200_000)) + "}",
        " OR ".join(f"count == {index}" for index in range(50_000)),
        "text == '" + "x" * 1_000_000 + "'",
        "text == \"\\",
        "count == " + "9" * 10_000,
        "\x00",
    ]
    for text in texts:
        with canary.unharmed(256 * MB):
            client = Client(server, query=None)
            client.subscribe([text])
            client.close()


def attack_schemas_without_end(server, canary, _):
    """In development the server takes new classes: not any number of them."""
    with canary.unharmed(512 * MB):
        for round_ in range(5):
            client = Client(server, query=None)
            stream = Stream(client.channel, client.token)
            classes = [
                sync.Class(
                    name=f"C{round_}x{index}",
                    primary_key="_id",
                    properties=[sync.Property(name="_id", type=STRING)]
                    + [sync.Property(name=f"p{at}", type=INT) for at in range(20)],
                )
                for index in range(2000)
            ]
            stream.send(bind=sync.Bind(protocol_version_min=1, protocol_version_max=1, app_id=APP, flexible=True, schema=classes))
            message = stream._in.get(timeout=60)
            assert message is None or message.WhichOneof("body") in ("bound", "error")
            stream.close()
            client.close()


def _stage(client, batch, part, rows=200):
    keys = [f"{part} {index}" for index in range(rows)]
    rows = client.rows(keys, ["x" * 5000] * len(keys))
    client.stream.send(upload=sync.Upload(batch=batch, bound=1, part=part, last=False, rows=[rows]))


def attack_batches_that_never_end(server, canary, _):
    # 200 MB of them, of which a megabyte is in memory.
    with canary.unharmed(60 * MB):
        client = Client(server, query=None)
        batch = uuid.uuid4().bytes
        for part in range(200):
            _stage(client, batch, part)
        canary.wait_rounds(20)
        client.close()
        reader = Client(server, query=None)
        found = reader.values("TRUEPREDICATE")
        assert set(found) <= {"canary"}, f"half a batch is seen: {len(found)} objects"
        reader.close()


ROOM = f"""
apps:
- id: {APP}
  sync: flexible
  log_in: [anonymous]
  development: true
  staged_megabytes_max: 32
"""


def attack_batches_beyond_the_room(server, canary, _):
    """Four hoard twice what there is room for: whoever has most goes. One that needs more than all is told so."""
    with canary.unharmed(60 * MB):
        hoarders = [Client(server, query=None) for _ in range(4)]
        batch = uuid.uuid4().bytes
        for part in range(32):
            for hoarder in hoarders:
                _stage(hoarder, batch, part, rows=100)
        until(lambda: any(not each.stream._call.is_active() for each in hoarders), "a hoarder is ended")
        ended = [each for each in hoarders if not each.stream._call.is_active()]
        code, error = _refused(ended[0].stream)
        assert code == grpc.StatusCode.ABORTED and "too many unfinished batches" in error.text, (code, error)
        assert not error.fatal, "it may come again"
        canary.wait_rounds(10)
        for hoarder in hoarders:
            hoarder.close()
        alone = Client(server, query=None)
        for part in range(40):
            _stage(alone, batch, part)
        code, error = _refused(alone.stream)
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED and "staged_megabytes_max" in error.text, (code, error)
        left = os.listdir(server.data / "apps" / APP / "staging")
        assert left == [], f"what is put aside has names: {left}"
        alone.channel.close()


attack_batches_beyond_the_room.config = ROOM


def _measurements(stream, batch, previous, number, first, count):
    """One batch of so many messages of a megabyte each, as fast as they go."""
    for part in range(count):
        sequences = range(first + 50 * part, first + 50 * part + 50)
        rows = sync.Rows(class_name="Reading", key=keys_column([str(n) for n in sequences]), sequences=sequences)
        rows.columns.append(text_column("text", ["x" * 20000] * 50, 1))
        upload = sync.Upload(batch=batch, bound=number, part=part, last=part == count - 1, rows=[rows])
        if previous:
            upload.previous_batch = previous
        stream.send(upload=upload)


def attack_measurements_faster_than_the_server(server, canary, _):
    """A device pushes while the server stands still now and then: what the server does not take waits at the device."""
    reading = sync.Class(name="Reading", kind=sync.CLASS_KIND_ASYMMETRIC, primary_key="_id",
                         properties=[sync.Property(name="_id", type=STRING), sync.Property(name="text", type=STRING)])  # fmt: skip
    rounds, parts = 12, 4
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        stream = Stream(channel, log_in(channel))
        stream.send(bind=sync.Bind(protocol_version_min=1, protocol_version_max=1, app_id=APP, flexible=True, schema=[reading]))
        stream.receive("bound")
        previous, sent = b"", 0
        with canary.unharmed(100 * MB):
            for number in range(1, rounds + 1):
                server.process.send_signal(signal.SIGSTOP)
                batch = uuid.uuid4().bytes
                _measurements(stream, batch, previous, number, sent + 1, parts)
                time.sleep(0.1)
                server.process.send_signal(signal.SIGCONT)
                assert stream.receive("upload_ack").batch == batch
                previous, sent = batch, sent + 50 * parts
        found, after = [], 0
        while True:
            answer = server.admin("ReadIngest", "ReadIngestRequest", app_id=APP, after=after, limit=100)
            found += [json.loads(line)["sequence"] for line in answer.lines.splitlines()]
            if answer.last == after:
                break
            after = answer.last
        assert found == list(range(1, sent + 1)), f"{len(found)} of {sent} measurements, or out of order"
        stream.close()


def attack_floods_of_marks_and_pings(server, canary, _):
    with canary.unharmed(128 * MB):
        client = Client(server, query=None)
        for index in range(20_000):
            client.stream.send(mark=sync.Mark(request=index))
            client.stream.send(ping=sync.Ping(sent_ms=index))
        canary.wait_rounds(5)
        client.close()


def _frame(size, byte=0):
    """One zstd frame of so many equal bytes, made by hand: blocks of 128 KB take four bytes each."""
    blocks = [min(131072, size - at) for at in range(0, size, 131072)] or [0]
    body = b"".join(
        ((length << 3) | 2 | (number == len(blocks) - 1)).to_bytes(3, "little") + bytes([byte])
        for number, length in enumerate(blocks)
    )
    return b"\x28\xb5\x2f\xfd" + bytes([0xA0]) + size.to_bytes(4, "little") + body


def attack_messages_that_unfold(server, canary, _):
    """Compression bombs: what is small on the wire and large in memory, or lies of its size."""
    padding = b"\x50\x2a\x4d\x18" + (140_000).to_bytes(4, "little") + b"x" * 140_000
    bombs = [
        (2**32 - 1, _frame(2**32 - 1)),
        (32 * MB, _frame(32 * MB)),
        (32 * MB, padding + _frame(32 * MB)),
        (100, _frame(32 * MB)),
        (32 * MB, padding + _frame(100)),
        (0, b""),
        (0, _frame(0)),
        (1000, b"\x28\xb5\x2f\xfd"),
        (1000, b"x" * 1000),
        (70_000, padding + _frame(70_000, 0x7A)),
    ]
    inner = sync.ClientMessage(packed=sync.Packed(size=1000, zstd=_frame(1000))).SerializeToString()
    literal = b"\x28\xb5\x2f\xfd\xa0" + len(inner).to_bytes(4, "little")
    bombs.append((len(inner), literal + ((len(inner) << 3) | 1).to_bytes(3, "little") + inner))
    with canary.unharmed(128 * MB):
        for size, zstd in bombs * 4:
            for bound in (False, True):
                client = Client(server, query=None)
                stream = client.stream if bound else Stream(client.channel, client.token)
                stream.send(packed=sync.Packed(size=size, zstd=zstd))
                code, error = _refused(stream)
                wanted = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
                assert code in wanted, (size, len(zstd), code, error)
                client.close()


def _samples(client):
    """One valid message of every kind."""
    rows = client.rows(["m1", "m2"], ["one", "two"])
    rows.columns.append(sync.Column(property="count", type=INT, integers=[1, 2], stamps=[client.stamp()]))
    remove = sync.Rows(
        class_name="Item", key=keys_column(["m1"]), kinds=bytes([sync.ROW_KIND_REMOVE]), lives=[1], bases=[1]
    )
    edit = sync.Rows(class_name="Item", key=keys_column(["m2"]), kinds=bytes([sync.ROW_KIND_EDIT]), lives=[1], bases=[1])
    edit.columns.append(text_column("text", ["changed"], client.stamp()))
    batch = uuid.uuid4().bytes
    return [
        sync.ClientMessage(bind=sync.Bind(protocol_version_min=1, protocol_version_max=1, app_id=APP, flexible=True, schema=[SCHEMA])),
        sync.ClientMessage(subscribe=sync.Subscribe(version=2, queries=[sync.Query(class_name="Item", text="count<3")])),
        sync.ClientMessage(upload=sync.Upload(batch=batch, bound=1, last=True, rows=[rows, remove, edit])),
        sync.ClientMessage(mark=sync.Mark(request=3)),
        sync.ClientMessage(authenticate=sync.Authenticate(access_token=client.token)),
        sync.ClientMessage(ping=sync.Ping(sent_ms=1)),
        sync.ClientMessage(unbind=sync.Unbind()),
    ]


def _mutate(source, body):
    body = bytearray(body)
    for _ in range(source.choice([1, 1, 1, 2, 5])):
        if not body:
            break
        at = source.randrange(len(body))
        how = source.randrange(5)
        if how == 0:
            body[at] ^= 1 << source.randrange(8)
        elif how == 1:
            body[at] = source.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif how == 2:
            del body[at : at + source.randrange(1, 9)]
        elif how == 3:
            body[at:at] = source.randbytes(source.randrange(1, 9))
        else:
            body[at:at] = body[: source.randrange(1, 40)]
    return bytes(body)


def attack_mutated_messages(server, canary, seed):
    """Two thousand sessions, each valid up to a message that isn't."""
    source = random.Random(seed)
    with canary.unharmed(128 * MB):
        client = Client(server, query=None)
        call = client.channel.stream_stream(
            "/atoll.sync.v1.Sync/Session", request_serializer=lambda body: body, response_deserializer=bytes
        )
        samples = _samples(client)
        valid = [sample.SerializeToString() for sample in samples]
        for _ in range(2000):
            bad = _mutate(source, source.choice(valid))
            bodies = [bad] if source.randrange(4) == 0 else [valid[0], valid[1], bad, valid[3]]
            try:
                for _answer in call(iter(bodies), metadata=[("authorization", f"Bearer {client.token}")], timeout=30):
                    pass
            except grpc.RpcError as refused:
                assert refused.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), refused
                assert refused.code() is not grpc.StatusCode.INTERNAL, f"{refused} after {bad!r}"
        client.close()


def attack_the_end_under_load(server, canary, _):
    """SIGTERM while clients write: streams are told, everything acknowledged is there, exit code 0."""
    clients = [Client(server) for _ in range(5)]
    acknowledged = []
    for number, client in enumerate(clients):
        client.upload([client.rows([f"end {number}"], ["kept"])])
        acknowledged.append(f"end {number}")
    canary.wait_rounds(2)
    canary.stopped.set()
    canary.thread.join()
    assert server.stop() == 0
    for client in clients:
        _left, code = client.stream.end()
        assert code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.OK), code
        client.close()
    server.start()
    reader = Client(server, query=None)
    found = reader.values("_id BEGINSWITH 'end '")
    assert sorted(found) == acknowledged, found
    reader.close()
