"""Program 6: a client without any Atoll library: stock grpcio, schema/*.proto and docs/protocol.md.

It logs in, binds, subscribes, downloads what a C# client wrote, uploads changes that the C# client then sees, and is
refused with INVALID_ARGUMENT when the columns of an upload differ in length.
"""

import json
import os
import queue
import subprocess
import threading
import time
import uuid

import grpc

from harness import BUILD, LIMIT, ROOT, Server, generated, until

health, health_stubs = generated("health")
auth, auth_stubs = generated("auth")
sync, sync_stubs = generated("sync")

APP = "airports"
STRING = sync.VALUE_TYPE_STRING
DOUBLE = sync.VALUE_TYPE_DOUBLE
INT = sync.VALUE_TYPE_INT
SCHEMA = sync.Class(
    name="Airport",
    kind=sync.CLASS_KIND_NORMAL,
    primary_key="_id",
    properties=[
        sync.Property(name="_id", type=STRING),
        sync.Property(name="name", type=STRING),
        sync.Property(name="city", type=STRING, nullable=True),
        sync.Property(name="state", type=STRING, nullable=True),
        sync.Property(name="country", type=STRING),
        sync.Property(name="latitude", type=DOUBLE),
        sync.Property(name="longitude", type=DOUBLE),
        sync.Property(name="visits", type=INT),
        sync.Property(name="tags", type=STRING, list=True),
    ],
)


class Stream:
    """One session: sends what is put into it, hands out what comes."""

    def __init__(self, channel, token):
        self._out = queue.Queue()
        self._in = queue.Queue()
        self.cursor = 0  # of the last complete download group
        self._call = sync_stubs.SyncStub(channel).Session(
            iter(self._out.get, None), metadata=[("authorization", f"Bearer {token}")]
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for message in self._call:
                self._in.put(message)
        except grpc.RpcError:
            pass
        self._in.put(None)

    def send(self, **body):
        self._out.put(sync.ClientMessage(**body))

    def receive(self, kind=None):
        """The next message; with a kind, the next of that kind, which must be the next but for downloads."""
        while True:
            message = self._in.get(timeout=LIMIT)
            assert message is not None, f"the stream ended: {self._call.code()} {self._call.details()}"
            found = message.WhichOneof("body")
            if found == "download" and message.download.last:
                self.cursor = message.download.to
            if found == "log_line" or (found == "download" and kind not in (None, "download")):
                continue
            assert kind in (None, found), f"expected {kind}, got {message}"
            return getattr(message, found)

    def end(self):
        """Everything that still comes, and the status at the end."""
        left = []
        while True:
            message = self._in.get(timeout=LIMIT)
            if message is None:
                return left, self._call.code()
            left.append(message)

    def group(self):
        """The parts of one download group."""
        parts = [self.receive("download")]
        while not parts[-1].last:
            parts.append(self.receive("download"))
        return parts

    def close(self):
        self._out.put(None)


def texts(column):
    """The strings of a column; null where the bit says so."""
    values, at = [], 0
    for i, length in enumerate(column.lengths):
        is_null = column.nulls and column.nulls[i // 8] >> (i % 8) & 1
        values.append(None if is_null else column.heap[at : at + length].decode())
        at += length
    assert at == len(column.heap)
    return values


def scalars(column):
    return {STRING: lambda: texts(column), DOUBLE: lambda: list(column.reals), INT: lambda: list(column.integers)}[
        column.type
    ]()


def objects(parts):
    """{key: (kind, {property: value})} of the Airport rows of a group; of lists the elements that are not erased."""
    found = {}
    for part in parts:
        for rows in part.rows:
            assert rows.class_name == "Airport"
            keys = texts(rows.key)
            for key, kind in zip(keys, rows.kinds):
                found[key] = (kind, {})
            for column in rows.columns:
                at = list(column.rows) or range(len(keys))
                values = scalars(column)
                if column.HasField("list"):
                    start = 0
                    for row, count in zip(at, column.list.counts):
                        visible = [
                            value
                            for value, flags in zip(values[start:], column.list.flags[start : start + count])
                            if not flags & 2
                        ]
                        found[keys[row]][1][column.property] = visible
                        start += count
                else:
                    for row, value in zip(at, values):
                        found[keys[row]][1][column.property] = value
    return found


def text_column(name, values, stamp):
    encoded = [value.encode() for value in values]
    return sync.Column(
        property=name, type=STRING, lengths=[len(v) for v in encoded], heap=b"".join(encoded), stamps=[stamp]
    )


def keys_column(keys):
    column = text_column("_id", keys, 0)
    del column.stamps[:]
    return column


class OtherClient:
    """The C# client of the demo (or another language's): tools/demo.d/README.md has its commands."""

    def __init__(self, server):
        language = os.environ.get("ATOLL_OTHER_CLIENT", "csharp")
        folder = server.folder / language
        folder.mkdir()
        self.process = subprocess.Popen(
            [ROOT / "bindings" / language / "examples/demo/run.sh", BUILD, server.url, APP]
            + [json.dumps({"name": language, "folder": str(folder)})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, "the C# client ended"
        found = json.loads(line)
        assert found["ok"], found
        return found

    def do(self, what, **fields):
        self.process.stdin.write(json.dumps({"do": what, **fields}) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def rows(self):
        self.do("wait")
        return {row["_id"]: row for row in self.do("dump")["rows"]}

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(LIMIT) == 0


def main(server):
    target = f"127.0.0.1:{server.port}"
    channel = grpc.insecure_channel(target)
    answer = health_stubs.HealthStub(channel).Check(health.HealthCheckRequest(), timeout=LIMIT)
    assert answer.status == health.HealthCheckResponse.SERVING

    users = auth_stubs.AuthStub(channel)
    tokens = users.LogIn(auth.LogInRequest(app_id=APP, anonymous=auth.Anonymous()), timeout=LIMIT)
    assert tokens.user_id and tokens.provider == "anon-user"
    refused = Stream(channel, "not a token")
    refused.send(bind=sync.Bind(app_id=APP, flexible=True))
    assert refused.end()[1] is grpc.StatusCode.UNAUTHENTICATED
    refused.close()

    # A C# client brings the schema and two airports, one of which we will not subscribe to.
    csharp = OtherClient(server)
    csharp.do("subscribe", query="TRUEPREDICATE")
    place = {"country": "USA", "latitude": 47.44898194, "longitude": -122.3093131}
    csharp.do("create", values={"_id": "SEA", "name": "Seattle-Tacoma Intl", "city": "Seattle", "state": "WA", **place})
    csharp.do("create", values={"_id": "PDX", "name": "Portland Intl", "state": "OR", "visits": 4})
    csharp.do("tag", query="_id == 'SEA'", value="big 🛫")
    csharp.do("wait")

    # Bind as a new copy, subscribe, download.
    stream = Stream(channel, tokens.access_token)
    bind = dict(app_id=APP, flexible=True, schema=[SCHEMA], wall_ms=int(time.time() * 1000), user_agent="grpcio")
    stream.send(bind=sync.Bind(**bind))
    bound = stream.receive("bound")
    assert bound.protocol_version == 0 and bound.ident and len(bound.secret) == 16 and bound.high_water == 0
    assert {p.name for p in bound.schema[0].properties} == {p.name for p in SCHEMA.properties}
    skew = bound.server_ms - int(time.time() * 1000)
    queries = [sync.Query(class_name="Airport", text="state == 'WA'")]
    stream.send(subscribe=sync.Subscribe(version=1, queries=queries))
    state = stream.receive("subscription_state")
    assert (state.version, state.code) == (1, 0), state.text
    parts = stream.group()
    while not parts[-1].sweep:
        parts = stream.group()
    found = objects(parts)
    assert set(found) == {"SEA"}, "the view is exactly what was asked for"
    kind, sea = found["SEA"]
    assert kind == sync.ROW_KIND_FULL
    assert sea["name"] == "Seattle-Tacoma Intl" and sea["city"] == "Seattle" and sea["latitude"] == 47.44898194
    assert sea["tags"] == ["big 🛫"] and sea.get("visits", 0) == 0
    cursor = parts[-1].to

    # Upload: edit a field of SEA, create another airport with a list.
    counter = 0

    def stamp():
        nonlocal counter
        counter += 1
        return ((int(time.time() * 1000) + skew) << 16) + counter

    batch = uuid.uuid4().bytes
    actor = int.from_bytes(os.urandom(8), "little") | 1
    edit = sync.Rows(
        class_name="Airport", key=keys_column(["SEA"]), kinds=bytes([sync.ROW_KIND_EDIT]), lives=[1], bases=[cursor]
    )
    edit.columns.append(sync.Column(property="visits", type=INT, integers=[7], stamps=[stamp()]))
    create = sync.Rows(
        class_name="Airport", key=keys_column(["ZZZ"]), kinds=bytes([sync.ROW_KIND_CREATE]), lives=[0], bases=[cursor]
    )
    create.columns.append(text_column("name", ["Made by grpcio"], stamp()))
    create.columns.append(text_column("state", ["WA"], stamp()))
    tags = text_column("tags", ["by hand"], 0)
    del tags.stamps[:]
    at = stamp()
    tags.list.CopyFrom(
        sync.ListPart(
            counts=[1], lives=[0], actors=[actor], counters=[1], element_actors=[0], parent_counters=[0],
            parent_actors=[0], flags=b"\x01", stamps=[at], value_stamps=[at], authors=[bound.ident],
        )
    )  # fmt: skip
    create.columns.append(tags)
    stream.send(upload=sync.Upload(batch=batch, bound=1, part=0, last=False, rows=[edit]))
    stream.send(upload=sync.Upload(batch=batch, bound=1, part=1, last=True, rows=[create]))
    acknowledged = stream.receive("upload_ack")
    while not acknowledged.last:
        acknowledged = stream.receive("upload_ack")
    assert (acknowledged.batch, acknowledged.bound) == (batch, 1) and not acknowledged.rejected
    rows = csharp.rows()
    assert rows["SEA"]["visits"] == 7 and rows["SEA"]["name"] == "Seattle-Tacoma Intl"
    made = rows["ZZZ"]
    assert made["name"] == "Made by grpcio" and made["tags"] == ["by hand"] and made["city"] is None

    # Live: a change of the C# client comes, what leaves the view is evicted.
    stream.send(mark=sync.Mark(request=5))
    assert stream.receive("mark_reply").request == 5
    csharp.do("set", query="_id == 'ZZZ'", values={"state": "OR", "visits": 1})
    csharp.do("wait")
    moved = until(lambda: objects(stream.group()).get("ZZZ"), "ZZZ leaves the view")
    assert moved[0] == sync.ROW_KIND_EVICTED and moved[1] == {}

    # Bound again with what we kept: nothing that we have is sent again.
    stream.send(mark=sync.Mark(request=6))
    assert stream.receive("mark_reply").request == 6
    last = stream.cursor
    assert last > cursor
    stream.send(unbind=sync.Unbind())
    assert stream.end()[1] is grpc.StatusCode.OK
    stream.close()
    kept = dict(
        ident=bound.ident, secret=bound.secret, cursor=last, epoch=bound.epoch, sent_bound=1,
        sent_batch=batch, acknowledged_batch=batch, view_version=1, view=queries,
    )  # fmt: skip
    stream = Stream(channel, tokens.access_token)
    stream.send(bind=sync.Bind(**bind, **kept))
    again = stream.receive("bound")
    assert again.ident == bound.ident and again.high_water == 1 and again.last_batch == batch
    stream.send(mark=sync.Mark(request=7))
    while True:
        message = stream.receive()
        if isinstance(message, sync.MarkReply):
            break
        assert isinstance(message, sync.Download) and not objects([message]), f"sent again: {message}"

    # Columns that differ in length end the stream, and change nothing.
    bad = sync.Rows(
        class_name="Airport", key=keys_column(["SEA"]), kinds=bytes([sync.ROW_KIND_EDIT]), lives=[1], bases=[cursor]
    )
    bad.columns.append(sync.Column(property="visits", type=INT, integers=[1, 2], stamps=[stamp()]))
    upload = sync.Upload(batch=uuid.uuid4().bytes, previous_batch=batch, bound=2, part=0, last=True, rows=[bad])
    stream.send(upload=upload)
    left, code = stream.end()
    assert code is grpc.StatusCode.INVALID_ARGUMENT, code
    told = [message.error for message in left if message.WhichOneof("body") == "error"]
    assert told and told[0].code and "visits" in told[0].text, left
    stream.close()
    assert csharp.rows()["SEA"]["visits"] == 7

    # A copy of our folder: it presents a batch that we never sent.
    stream = Stream(channel, tokens.access_token)
    kept["sent_batch"] = kept["acknowledged_batch"] = uuid.uuid4().bytes
    stream.send(bind=sync.Bind(**bind, **kept))
    left, code = stream.end()
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert [m.error.code for m in left if m.WhichOneof("body") == "error"] == [608]
    stream.close()
    csharp.close()
    channel.close()


with Server() as fresh:
    main(fresh)
print("program 6, stock grpcio: ok")
