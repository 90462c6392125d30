"""Attacks by values: what is well formed and must not be taken all the same."""

import uuid

import canary as other
from canary import Client
from harness import LIMIT
from stock import STRING, Stream, keys_column, sync

MIXED, EMBEDDED = sync.VALUE_TYPE_MIXED, sync.VALUE_TYPE_EMBEDDED
LIST, SET, DICTIONARY = sync.COLLECTION_KIND_LIST, sync.COLLECTION_KIND_SET, sync.COLLECTION_KIND_DICTIONARY
A_LIST, A_DICTIONARY = sync.VALUE_TYPE_LIST, sync.VALUE_TYPE_DICTIONARY
MB = 1 << 20

PART = sync.Class(
    name="Part", kind=sync.CLASS_KIND_EMBEDDED, properties=[sync.Property(name="text", type=STRING, nullable=True)]
)
WIDE = sync.Class(
    name="Wide",
    primary_key="_id",
    properties=[
        sync.Property(name="_id", type=STRING),
        sync.Property(name="bag", type=MIXED, nullable=True, set=True),
        sync.Property(name="items", type=MIXED, nullable=True, list=True),
        sync.Property(name="any", type=MIXED, nullable=True),
        sync.Property(name="parts", type=EMBEDDED, target="Part", list=True),
        sync.Property(name="part", type=EMBEDDED, target="Part", nullable=True),
    ],
)


class Wide(Client):
    """A client whose class has collections and embedded objects."""

    def __init__(self, server):
        super().__init__(server, query=None)
        self.stream.close()
        self.stream = Stream(self.channel, self.token)
        self.stream.send(bind=sync.Bind(protocol_version_min=1, protocol_version_max=1, app_id=other.APP, flexible=True, schema=[WIDE, PART]))
        self.stream.receive("bound")
        self.stream.send(subscribe=sync.Subscribe(version=1, queries=[sync.Query(class_name="Wide", text="TRUEPREDICATE")]))
        assert self.stream.receive("subscription_state").code == 0
        self.mark()

    def row(self, key, *columns):
        rows = sync.Rows(class_name="Wide", key=keys_column([key]), kinds=bytes([sync.ROW_KIND_CREATE]), lives=[0],
                         bases=[self.stream.cursor])  # fmt: skip
        rows.columns.extend(columns)
        return rows

    def remove(self, key):
        return sync.Rows(class_name="Wide", key=keys_column([key]), kinds=bytes([sync.ROW_KIND_REMOVE]), lives=[1],
                         bases=[self.stream.cursor])  # fmt: skip

    def part(self, owner, identity, text, in_list):
        rows = sync.Rows(class_name="Part", owner_class="Wide", owner_property="parts" if in_list else "part")
        rows.key.CopyFrom(sync.Column(type=EMBEDDED, ids=identity))
        rows.owner_keys.CopyFrom(keys_column([owner]))
        if in_list:
            rows.owner_counters.append(1)
            rows.owner_actors.append(7)
        rows.columns.append(
            sync.Column(property="text", type=STRING, lengths=[len(text)], heap=text.encode(), stamps=[self.stamp()])
        )
        return rows

    def mixed(self, name, type_, packed):
        return sync.Column(
            property=name, type=MIXED, types=bytes([type_]), lengths=[len(packed)], heap=packed, stamps=[self.stamp()]
        )

    def one(self, column, kind, flags=1):
        """The column as a collection of one element."""
        stamp = self.stamp()
        part = sync.ListPart(
            kind=kind, counts=[1], actors=[7], counters=[1], element_actors=[0], flags=bytes([flags]),
            stamps=[stamp], value_stamps=[stamp], authors=[1],
        )  # fmt: skip
        if kind == LIST:
            part.parent_counters.append(0)
            part.parent_actors.append(0)
        column.list.CopyFrom(part)
        return column

    def refused(self, *rows):
        """The batch must end this session."""
        self.number += 1
        self.stream.send(upload=sync.Upload(batch=uuid.uuid4().bytes, bound=self.number, last=True, rows=rows))
        left, _code = self.stream.end()
        self.close()
        assert any(message.WhichOneof("body") == "error" for message in left), f"the batch was taken: {left}"


    def not_taken(self, *rows):
        """The batch ends this session, or comes back as reverted."""
        self.number += 1
        self.stream.send(upload=sync.Upload(batch=uuid.uuid4().bytes, bound=self.number, last=True, rows=rows))
        while True:
            message = self.stream._in.get(timeout=LIMIT)
            assert message is not None, "the session ended without a word"
            kind = message.WhichOneof("body")
            if kind == "error":
                break
            if kind == "upload_ack":
                kinds = [row_kind for group in message.upload_ack.rows for row_kind in group.kinds]
                assert kinds == [sync.ROW_KIND_REVERTED], f"the batch was taken: {message}"
                break
        self.close()


def attack_sets_that_hold_lists(server, canary, _):
    """Erased or not: whoever took one could never send the set to anybody again."""
    with canary.unharmed(32 * MB):
        for type_ in (A_LIST, A_DICTIONARY):
            for flags in (0, 2):
                liar = Wide(server)
                column = liar.one(liar.mixed("bag", type_, b"i" * 16), SET, flags)
                liar.refused(liar.row("bag", column))
        honest = Wide(server)
        honest.upload([honest.row("bag", honest.one(honest.mixed("bag", STRING, b"x"), SET))])
        honest.mark()
        honest.close()


def attack_embedded_objects_of_others(server, canary, _):
    """Whoever names another object's part as its own could delete it with its own."""
    with canary.unharmed(32 * MB):
        victim = Wide(server)
        # Identities of chance have an even last byte (docs/protocol.md).
        single, listed, nested = (uuid.uuid4().bytes[:15] + b"\0" for _ in range(3))

        def holders(client):
            return {
                "part": sync.Column(property="part", type=EMBEDDED, ids=single, stamps=[client.stamp()]),
                "parts": client.one(
                    sync.Column(property="parts", type=EMBEDDED, ids=listed, stamps=[client.stamp()]), LIST
                ),
                "any": client.mixed("any", A_LIST, nested),
                "items": client.one(client.mixed("items", A_LIST, nested), LIST),
            }

        held = holders(victim)
        victim.upload(
            [
                victim.row("victim", held["part"], held["parts"], held["any"]),
                victim.part("victim", single, "single", False),
                victim.part("victim", listed, "listed", True),
            ]
        )
        for name in ("part", "parts", "any", "items"):
            liar = Wide(server)
            liar.not_taken(liar.row(f"liar {name}", holders(liar)[name]))
        reader = Wide(server)
        reader.close()
        victim.mark()
        victim.close()
