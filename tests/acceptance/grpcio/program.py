"""Program 6: a client without any Atoll library: stock grpcio, schema/*.proto and docs/protocol.md.

It logs in, binds, subscribes, downloads what a C# client wrote, uploads changes that the C# client then sees, and is
refused with INVALID_ARGUMENT when the columns of an upload differ in length.
"""

import json
import os
import subprocess
import time
import uuid

import grpc
from harness import BUILD, LIMIT, ROOT, Server, generated, until
from stock import DOUBLE, INT, STRING, Stream, keys_column, objects, sync, text_column

health, health_stubs = generated("health")
auth, auth_stubs = generated("auth")

APP = "airports"
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
    refused.send(bind=sync.Bind(protocol_version_min=1, protocol_version_max=1, app_id=APP, flexible=True))
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
    bind = dict(protocol_version_min=1, protocol_version_max=1, app_id=APP, flexible=True, schema=[SCHEMA], wall_ms=int(time.time() * 1000), user_agent="grpcio")
    stream.send(bind=sync.Bind(**bind))
    bound = stream.receive("bound")
    assert bound.protocol_version == 1 and bound.ident and len(bound.secret) == 16 and bound.high_water == 0
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
