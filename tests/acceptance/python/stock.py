"""A client without any Atoll library: stock grpcio and what protoc makes of schema/sync.proto, as docs/protocol.md has it."""

import queue
import threading

import grpc
from harness import LIMIT, generated

sync, sync_stubs = generated("sync")

STRING = sync.VALUE_TYPE_STRING
DOUBLE = sync.VALUE_TYPE_DOUBLE
INT = sync.VALUE_TYPE_INT


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
    """{key: (kind, {property: value})} of the rows of a group; of lists the elements that are not erased."""
    found = {}
    for part in parts:
        for rows in part.rows:
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
