"""Rebuilds a folder as a power cut would leave it, from the journal of power_cut.c.

What was synced before the cut is there. Of what was not, a random prefix of each file's writes is, the last of them torn
at a random byte; names (creations, renames, removals) reach the disk in order, a random prefix of those that no sync of
the file or its folder has covered.
"""
import os
import struct

WRITE, TRUNCATE, SYNC, RENAME, UNLINK, FOLDER, CREATE, LINK = range(1, 9)
NAMES = {RENAME, UNLINK, FOLDER, CREATE, LINK}


def read_journal(path):
    """All records as tuples (operation, offset, path, data)."""
    records = []
    with open(path, "rb") as file:
        content = file.read()
    at = 0
    while at + 24 <= len(content):
        magic, operation, offset, path_size, data_size = struct.unpack_from("<4sIQII", content, at)
        if magic != b"ATJ1":
            raise ValueError(f"the journal is broken at {at}")
        at += 24
        name = content[at:at + path_size].decode()
        at += path_size
        records.append((operation, offset, name, content[at:at + data_size]))
        at += data_size
    return records


class Node:
    """A file: what is durable and the writes that are not."""

    def __init__(self):
        self.durable = bytearray()
        self.pending = []

    def apply(self, target, operation, offset, data):
        if operation == TRUNCATE:
            del target[offset:]
            target.extend(b"\0" * (offset - len(target)))
            return
        target.extend(b"\0" * (offset - len(target)))
        target[offset:offset + len(data)] = data

    def sync(self):
        for operation, offset, data in self.pending:
            self.apply(self.durable, operation, offset, data)
        self.pending = []

    def after_cut(self, random):
        content = bytearray(self.durable)
        kept = random.randint(0, len(self.pending))
        for index, (operation, offset, data) in enumerate(self.pending[:kept]):
            torn = index == kept - 1 and operation == WRITE and random.random() < 0.5
            self.apply(content, operation, offset, data[:random.randint(0, len(data))] if torn else data)
        return content


class Disk:
    def __init__(self):
        self.names = {}        # path -> Node, or None for a folder: as the process sees them
        self.durable = {}      # the same as a power cut leaves it for certain
        self.pending = []      # name operations that are not certain yet: (function, paths)

    def name_operation(self, function, paths):
        function(self.names)
        self.pending.append((function, paths))

    def sync(self, path):
        node = self.names.get(path)
        if isinstance(node, Node):
            node.sync()
        last = -1
        for index, (_, paths) in enumerate(self.pending):
            if any(p == path or os.path.dirname(p) == path for p in paths):
                last = index
        for function, _ in self.pending[:last + 1]:
            function(self.durable)
        del self.pending[:last + 1]

    def record(self, operation, offset, path, data):
        if operation == SYNC:
            self.sync(path)
        elif operation in (WRITE, TRUNCATE):
            node = self.names.get(path)
            if isinstance(node, Node):
                node.pending.append((operation, offset, data))
        elif operation == CREATE:
            node = Node()
            self.name_operation(lambda names: names.__setitem__(path, node), [path])
        elif operation == FOLDER:
            self.name_operation(lambda names: names.__setitem__(path, None), [path])
        elif operation == UNLINK:
            self.name_operation(lambda names: names.pop(path, None), [path])
        elif operation == RENAME:
            to = data.decode()
            node = self.names.get(path)

            def move(names):
                names.pop(path, None)
                names[to] = node
            self.name_operation(move, [path, to])
        elif operation == LINK:
            node = self.names.get(path)
            to = data.decode()
            self.name_operation(lambda names: names.__setitem__(to, node), [to])

    def cut(self, random):
        """The content of every file after the cut: path -> bytes, or None for a folder."""
        names = dict(self.durable)
        for function, _ in self.pending[:random.randint(0, len(self.pending))]:
            function(names)
        return {path: None if node is None else bytes(node.after_cut(random)) for path, node in names.items()}


def rebuild(records, root, target, random):
    """Writes what the cut after the last record leaves of root into target."""
    disk = Disk()
    for operation, offset, path, data in records:
        disk.record(operation, offset, path, data)
    content = disk.cut(random)
    os.makedirs(target, exist_ok=True)
    for path in sorted(content):
        place = target + path[len(root):]
        if content[path] is None:
            os.makedirs(place, exist_ok=True)
        elif not os.path.isdir(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(content[path])
