"""What a user would try in order to lose a write or to get it twice: kills, restarts, log-outs, closing too early."""

import json
import pathlib
import subprocess
import sys
import threading
import time
import typing

import pytest

import atoll
from atoll import ConnectionState, Credentials, SyncConfiguration
from conftest import BUILD, start_server

LIMIT = 30  # seconds that a wait may take


class Item(atoll.Object):
    _id: int = atoll.primary_key()
    name: str


class Sample(atoll.AsymmetricObject):
    _id: int = atoll.primary_key()
    value: float


class Box(atoll.EmbeddedObject):
    inner: "Box | None"


class Parcel(atoll.AsymmetricObject):
    _id: int = atoll.primary_key()
    text: str
    one: bytes
    two: bytes
    box: Box | None


class Note(atoll.AsymmetricObject):
    _id: int = atoll.primary_key()
    anything: typing.Any
    many: list[typing.Any]


SCHEMA = [Item, Sample, Box, Parcel, Note]


class World:
    """A server that can be killed and comes back at its address, and the devices of one app."""

    def __init__(self, folder):
        self.folder = folder
        self.server, self.url = start_server(folder / "server")

    def restart(self):
        self.server.kill()
        self.server.wait()
        (self.folder / "server/port").unlink()
        address = self.url.removeprefix("http://")
        self.server, url = start_server(self.folder / "server", "--listen", address)
        assert url == self.url

    def app(self, name, **options):
        options.setdefault("reconnect_delay", 0.1)
        return atoll.App("losses", base_url=self.url, base_path=self.folder / name, **options)

    def open(self, app, user=None):
        user = user or app.log_in(Credentials.anonymous()).result(LIMIT)
        realm = atoll.open(SyncConfiguration.flexible(user), schema=SCHEMA)
        if len(realm.subscriptions) == 0:
            with realm.subscriptions.update() as subscriptions:
                subscriptions.add(realm.objects(Item))
            realm.subscriptions.wait().result(LIMIT)
        return realm

    def on_the_server(self):
        """Keys of the items, as another device sees them, and of all samples, each time that one was stored."""
        realm = self.open(self.app("reader"))
        realm.session.wait_for_download().result(LIMIT)
        realm.refresh()
        found = {item._id for item in realm.objects(Item)}
        realm.close()
        return found, [key_of(line) for line in self.ingested()]

    def ingested(self):
        tail = [BUILD / "tools/atoll/atoll", "ingest", "tail", "--app", "losses", "--no-follow"]
        lines = subprocess.run([*tail, "--data", self.folder / "server/data"], capture_output=True, text=True, check=True)
        return [json.loads(line) for line in lines.stdout.splitlines()]


def key_of(line):
    """The key of an ingested object; None where it was too large for an answer."""
    return line["object"] and line["object"]["_id"]


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.server.terminate()
    assert made.server.wait(LIMIT) == 0


def write(realm, keys):
    with realm.write():
        for key in keys:
            realm.create(Item, _id=key, name=str(key))
            realm.create(Sample, _id=key, value=float(key))


def write_until_killed(url, folder, first, offline):
    """The body of the process that is killed: a line for each key that was committed."""
    app = atoll.App("losses", base_url=url, base_path=folder, reconnect_delay=0.1)
    realm = atoll.open(SyncConfiguration.flexible(app.current_user), schema=SCHEMA)
    if offline:
        realm.session.stop()
    for key in range(first, first + 1000000):
        write(realm, [key])
        print(key, flush=True)


def test_a_killed_process_loses_nothing_that_was_committed(world):
    world.open(world.app("writer")).close()
    committed = set()
    for life in range(4):
        arguments = [world.url, world.folder / "writer", str((life + 1) * 1000000), str(life % 2)]
        child = subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)
        committed.add(int(child.stdout.readline()))
        threading.Timer(0.2 + 0.1 * life, child.kill).start()
        if life == 2:
            world.restart()
        committed |= {int(line) for line in child.communicate()[0].split("\n")[:-1]}
    realm = world.open(world.app("writer"))
    here = {item._id for item in realm.objects(Item)}
    assert committed <= here and len(here - committed) <= 4, "at most the commit that no line could tell of may be more"
    realm.session.wait_for_upload().result(LIMIT)
    there, samples = world.on_the_server()
    assert there == here
    assert sorted(samples) == sorted(here), "each sample arrives once"
    realm.close()


def test_what_is_unsent_at_the_log_out_is_sent_after_the_next_log_in(world):
    app = world.app("writer")
    app.register("ann@atoll.example", "a password").result(LIMIT)
    credentials = Credentials.email_password("ann@atoll.example", "a password")
    user = app.log_in(credentials).result(LIMIT)
    realm = world.open(app, user)
    realm.session.stop()
    write(realm, range(50))
    user.log_out().result(LIMIT)
    write(realm, range(50, 60))
    realm.close()
    again = world.open(app, app.log_in(credentials).result(LIMIT))
    assert len(again.objects(Item)) == 60
    again.session.wait_for_upload().result(LIMIT)
    there, samples = world.on_the_server()
    assert there == set(range(60)) and sorted(samples) == list(range(60))
    again.close()


def test_a_realm_that_is_closed_and_opened_in_haste_sends_all_of_it_once(world):
    app = world.app("writer")
    user = app.log_in(Credentials.anonymous()).result(LIMIT)
    world.open(app, user).close()
    for turn in range(20):
        realm = atoll.open(SyncConfiguration.flexible(user), schema=SCHEMA)
        assert len(realm.objects(Item)) == turn * 10
        write(realm, range(turn * 10, turn * 10 + 10))
        realm.close()
        if turn == 10:
            world.restart()
    realm = world.open(app, user)
    realm.session.wait_for_upload().result(LIMIT)
    there, samples = world.on_the_server()
    assert there == set(range(200)) and sorted(samples) == list(range(200))
    realm.close()


def test_an_asymmetric_object_that_could_not_be_sent_is_refused_and_the_largest_one_arrives(world):
    def nested(depth):
        box = None
        for _ in range(depth):
            box = Box(inner=box)
        return box

    realm = world.open(world.app("writer"))
    large = 16 << 20
    for key, parcel in enumerate(({"one": b"x" * large}, {"text": "\x01" * large}, {"box": nested(100)})):
        with realm.write():
            realm.add(Parcel(_id=key, **{"text": "", "one": b"", "two": b"", **parcel}))
    for parcel in ({"one": b"x" * large, "two": b"x" * large}, {"box": nested(101)}):
        with pytest.raises(atoll.errors.LimitExceededError), realm.write():
            realm.add(Parcel(_id=9, **{"text": "", "one": b"", "two": b"", **parcel}))
    write(realm, [7])
    realm.session.wait_for_upload().result(LIMIT)
    assert world.on_the_server() == ({7}, [0, None, 2, 7]), "JSON of control characters is six times as large"
    realm.close()


def test_lists_and_dicts_in_values_of_asymmetric_objects_arrive(world):
    values = [[1, [2.5, {"k": []}], "x", None], {"l": [True], "n": {}}, 7, []]
    realm = world.open(world.app("writer"))
    with realm.write():
        for key, value in enumerate(values):
            realm.add(Note(_id=key, anything=value, many=[value, 1]))
    realm.session.wait_for_upload().result(LIMIT)
    assert [line["object"] for line in world.ingested()] == [
        {"_id": key, "anything": value, "many": [value, 1]} for key, value in enumerate(values)
    ]
    realm.close()


def test_reconnect_does_not_wait_for_the_backoff(world):
    app = world.app("writer", reconnect_delay=120, reconnect_jitter_divisor=0)
    realm = world.open(app)
    world.restart()
    write(realm, [1])
    deadline = time.monotonic() + LIMIT
    while realm.session.connection_state is ConnectionState.CONNECTED and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    if realm.session.connection_state is not ConnectionState.CONNECTED:
        app.reconnect()
    realm.session.wait_for_upload().result(10)
    assert world.on_the_server()[0] == {1}
    realm.close()


if __name__ == "__main__":
    write_until_killed(sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1")
