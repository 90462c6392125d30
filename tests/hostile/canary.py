"""The other client: one that behaves, and must not notice what is done to the server beside it."""

import contextlib
import pathlib
import threading
import time
import uuid

import grpc
from harness import LIMIT, generated
from stock import INT, STRING, Stream, keys_column, objects, sync, text_column

auth, auth_stubs = generated("auth")

APP = "hostile"
SCHEMA = sync.Class(
    name="Item",
    kind=sync.CLASS_KIND_NORMAL,
    primary_key="_id",
    properties=[
        sync.Property(name="_id", type=STRING),
        sync.Property(name="text", type=STRING, nullable=True),
        sync.Property(name="count", type=INT),
    ],
)


def log_in(channel, app=APP):
    answer = auth_stubs.AuthStub(channel).LogIn(
        auth.LogInRequest(app_id=app, anonymous=auth.Anonymous()), timeout=LIMIT
    )
    return answer.access_token


class Client:
    """A client that keeps to docs/protocol.md: binds, subscribes and uploads."""

    def __init__(self, server, query="TRUEPREDICATE", token=None):
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{server.port}", options=[("grpc.use_local_subchannel_pool", 1)]
        )
        self.token = token or log_in(self.channel)
        self.batch, self.number, self.ticks = b"", 0, 0
        self.stream = Stream(self.channel, self.token)
        self.stream.send(bind=sync.Bind(protocol_version_min=1, protocol_version_max=1, app_id=APP, flexible=True, schema=[SCHEMA], wall_ms=int(time.time() * 1000)))
        self.bound = self.stream.receive("bound")
        self.skew = self.bound.server_ms - int(time.time() * 1000)
        if query is not None:
            self.view = self.subscribe([query])
            assert self.view.code == 0, self.view
            self.mark()

    def subscribe(self, texts):
        """Asks for a view; the SubscriptionState, or None when the session ends instead."""
        queries = [sync.Query(class_name="Item", text=text) for text in texts]
        self.stream.send(subscribe=sync.Subscribe(version=1, queries=queries))
        while True:
            message = self.stream._in.get(timeout=2 * LIMIT)
            if message is None:
                return None
            if message.WhichOneof("body") == "subscription_state":
                return message.subscription_state

    def values(self, text):
        """{key: text} of what the query finds, once the whole view has come."""
        assert self.subscribe([text]).code == 0
        self.number += 1
        self.stream.send(mark=sync.Mark(request=self.number))
        parts = []
        while not isinstance(message := self.stream.receive(), sync.MarkReply):
            if isinstance(message, sync.Download):
                parts.append(message)
        return {key: fields.get("text") for key, (_kind, fields) in objects(parts).items()}

    def stamp(self):
        self.ticks += 1
        return ((int(time.time() * 1000) + self.skew) << 16) + self.ticks

    def mark(self):
        self.number += 1
        self.stream.send(mark=sync.Mark(request=self.number))
        assert self.stream.receive("mark_reply").request == self.number

    def rows(self, keys, texts, stamp=None):
        rows = sync.Rows(
            class_name="Item", key=keys_column(keys), kinds=bytes([sync.ROW_KIND_CREATE] * len(keys)), lives=[0],
            bases=[self.stream.cursor],
        )  # fmt: skip
        rows.columns.append(text_column("text", texts, stamp or self.stamp()))
        return rows

    def upload(self, rows, **other):
        """Sends one batch and waits for its acknowledgement."""
        self.number += 1
        batch = uuid.uuid4().bytes
        self.stream.send(
            upload=sync.Upload(
                batch=batch, previous_batch=self.batch, bound=self.number, part=0, last=True, rows=rows, **other
            )
        )
        acknowledged = self.stream.receive("upload_ack")
        while not acknowledged.last:
            acknowledged = self.stream.receive("upload_ack")
        assert acknowledged.batch == batch
        self.batch = batch
        return acknowledged

    def close(self):
        self.stream.close()
        self.channel.close()


class Canary:
    """Writes and asks for marks all the time, in a thread of its own."""

    def __init__(self, server):
        self.server = server
        self.client = Client(server, query="_id == 'canary'")
        self.rounds = 0
        self.growth = 0
        self.problem = None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopped.wait(0.02):
                self.client.upload([self.client.rows(["canary"], [f"round {self.rounds}"])])
                self.client.mark()
                self.rounds += 1
        except BaseException as problem:
            self.problem = repr(problem)

    def memory(self):
        """Bytes of the server that are its own, not pages of files."""
        for line in pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) << 10
        raise AssertionError("no RssAnon")

    def wait_rounds(self, count):
        target, deadline = self.rounds + count, time.monotonic() + LIMIT
        while self.rounds < target:
            assert self.problem is None, f"the canary died: {self.problem}"
            assert self.server.process.poll() is None, "the server died"
            assert time.monotonic() < deadline, "the canary waits in vain"
            time.sleep(0.01)

    @contextlib.contextmanager
    def unharmed(self, growth):
        """During and after what is done inside: the server lives, the canary goes on, memory is bounded (bytes)."""
        self.wait_rounds(2)
        before = self.memory()
        peak, done = [before], threading.Event()

        def watch():
            while not done.wait(0.01):
                with contextlib.suppress(OSError):
                    peak[0] = max(peak[0], self.memory())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
            self.wait_rounds(3)
        finally:
            done.set()
            watcher.join()
        self.growth = max(self.growth, peak[0] - before)
        assert peak[0] - before < growth, f"memory grew by {peak[0] - before >> 20} MB, {growth >> 20} are allowed"

    def close(self):
        self.stopped.set()
        self.thread.join(LIMIT)
        assert self.problem is None, f"the canary died: {self.problem}"
        self.client.close()
