"""The folders of synced realms: what is in them in clear, what copies of them are good for, which settings they refuse."""

import pathlib
import typing

import pytest

import atoll
from atoll import SyncConfiguration, errors
from models import Dog, Task
from test_sync import LIMIT, download, log_in, open_flexible, upload


def files_that_hold(folder, *texts):
    """How many of the texts are in any file below a folder, as they are or in UTF-16."""
    content = b"".join(path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file())
    return [text for text in texts if text.encode() in content or text.encode("utf-16-le") in content]


def test_no_file_of_an_encrypted_synced_realm_holds_anything_in_clear(device, tmp_path):
    markers = ("MARKER of a value", "Dog", "pending MARKER", "MARKER of a query")
    for key in (bytes(range(64)), None):
        app = device("sealed" if key else "clear")
        config = SyncConfiguration.flexible(log_in(app), path=tmp_path / f"{bool(key)}.realm")
        for turn in range(2):  # in the journal, then in tables as well
            with atoll.open(config, schema=[Dog], encryption_key=key) as realm:
                with realm.subscriptions.update() as update:
                    update.add(realm.objects(Dog).where("name != 'MARKER of a query'"))
                realm.subscriptions.wait().result(LIMIT)
                with realm.write():
                    realm.create(Dog, name="MARKER of a value", tags=["MARKER of a value"])
                upload(realm)
                download(realm)
                realm.session.stop()
                with realm.write():
                    realm.create(Dog, name="pending MARKER")
                found = files_that_hold(realm.path, *markers)
                assert found == [] if key else len(found) >= 3, (turn, found)
        if key:
            with pytest.raises(errors.WrongKeyError):
                atoll.open(config, schema=[Dog], encryption_key=bytes(64))


def test_a_synced_realm_goes_on_as_a_local_one(device, tmp_path):
    """How to stop syncing for good: copy it into a local realm, then delete the synced one."""
    with atoll.open(SyncConfiguration.partition(log_in(device("a")), "p"), schema=[Task]) as realm:
        with realm.write():
            realm.create(Task, _partition="p", name="kept")
        upload(realm)
        realm.write_copy(tmp_path / "local.realm")
    with atoll.open(tmp_path / "local.realm", schema=[Task]) as local:
        assert [task.name for task in local.objects(Task)] == ["kept"] and local.session is None
        with local.write():
            local.create(Task, _partition="anything", name="added")
    with atoll.open(tmp_path / "local.realm", schema=[Task]) as local:
        assert sorted(task.name for task in local.objects(Task)) == ["added", "kept"]


def test_a_copy_of_a_synced_realm_is_another_device_of_its_user(device, tmp_path):
    user = log_in(device("a"))
    original = SyncConfiguration.partition(user, "p", path=tmp_path / "original.realm")
    bundled = SyncConfiguration.partition(user, "p", path=tmp_path / "bundled.realm")
    with atoll.open(original, schema=[Task]) as realm:
        with realm.write():
            realm.create(Task, _partition="p", name="first")
        with pytest.raises(errors.BusyError, match="not uploaded"):
            realm.session.stop()
            realm.write_copy(bundled)
        realm.session.start()
        upload(realm)
        realm.write_copy(bundled)
        with atoll.open(bundled, schema=[Task]) as copy:
            assert [task.name for task in copy.objects(Task)] == ["first"]
            for one, name in ((realm, "of the original"), (copy, "of the copy")):
                with one.write():
                    one.create(Task, _partition="p", name=name)
                upload(one)
            for one in (realm, copy):
                download(one)
                names = sorted(task.name for task in one.objects(Task))
                assert names == ["first", "of the copy", "of the original"]


def test_a_copy_of_a_synced_realm_is_opened_by_any_user_and_keeps_what_he_may_see(device, tmp_path):
    home = device("a")
    author, reader = log_in(home), log_in(device("b"))
    bundled = SyncConfiguration.flexible(author, path=tmp_path / "bundled.realm")
    with open_flexible(home, (Dog, "TRUEPREDICATE"), user=author) as realm:
        with realm.write():
            for key in range(20):
                realm.create(Dog, _id=atoll.ObjectId(), name=f"dog {key}", age=key)
        upload(realm)
        realm.write_copy(bundled)
        with realm.write():
            realm.delete(realm.objects(Dog).where("age == 3"))
            realm.create(Dog, _id=atoll.ObjectId(), name="later", age=7)
        upload(realm)
    with atoll.open(SyncConfiguration.flexible(reader, path=tmp_path / "bundled.realm"), schema=[Dog]) as copy:
        assert len(copy.objects(Dog)) == 20, "what was bundled is there before anything was downloaded"
        with copy.subscriptions.update() as subscriptions:
            subscriptions.remove_all()
            subscriptions.add(copy.objects(Dog).where("age < 10"))
        copy.subscriptions.wait().result(LIMIT)
        with copy.write():
            copy.create(Dog, _id=atoll.ObjectId(), name="mine", age=1)
        upload(copy)
        download(copy)
        assert sorted(dog.name for dog in copy.objects(Dog)) == sorted(
            [f"dog {key}" for key in range(10) if key != 3] + ["later", "mine"]
        )
    with pytest.raises(errors.AtollError):
        atoll.open(bundled, schema=[Dog])


def test_settings_of_local_realms_are_refused_by_synced_ones(device):
    config = SyncConfiguration.flexible(log_in(device("a")))
    for name in ("in_memory", "read_only", "delete_if_migration_needed"):
        with pytest.raises(errors.InvalidArgumentError, match=f"{name} is a setting of local realms"):
            atoll.open(config, schema=[Dog], **{name: True})


class Leaf(atoll.EmbeddedObject):
    name: str
    numbers: list[int]


class Branch(atoll.Object):
    _id: atoll.ObjectId = atoll.primary_key()
    name: str
    size: int | None = None
    next: "Branch | None"
    others: list["Branch"]
    leaf: Leaf | None
    leaves: list[Leaf]
    marks: set[int]
    by_name: dict[str, Leaf]
    any: typing.Any


def shape(realm):
    """All that the branches hold, in plain values."""

    def plain(value):
        if isinstance(value, Branch):
            return "-> " + value.name
        if isinstance(value, Leaf):
            return (value.name, list(value.numbers))
        if hasattr(value, "items"):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if hasattr(value, "__iter__") and not isinstance(value, str) else value

    names = ("size", "next", "others", "leaf", "leaves", "by_name", "any")
    return {
        one.name: [plain(getattr(one, name)) for name in names] + [sorted(one.marks)] for one in realm.objects(Branch)
    }


def test_a_local_realm_becomes_a_partition_synced_one(device, tmp_path):
    schema = [Branch, Leaf]
    config = SyncConfiguration.partition(log_in(device("a")), "p", path=tmp_path / "synced.realm")
    with atoll.open(tmp_path / "local.realm", schema=schema) as realm:
        with realm.write():
            root = realm.create(Branch, name="root", size=7, leaf=Leaf(name="only", numbers=[1, 2]))
            other = realm.create(Branch, name="other", next=root, others=[root], any=["deep", {"list": [1, [2.5]]}, root])
            root.next = other
            root.leaves.extend([Leaf(name="first", numbers=[]), Leaf(name="second", numbers=[3])])
            root.marks.update({3, 1, 2})
            root.by_name["one"] = Leaf(name="of one", numbers=[9])
            root.any = {"text": "x", "inner": {"n": 1}}
            gone = realm.create(Branch, name="gone")
            other.others.append(gone)
            realm.delete(gone)
            for i in range(5000):
                realm.create(Branch, name=f"twig {i}", next=root)
        wanted = shape(realm)
        realm.write_copy(config)
        with pytest.raises(errors.FileExistsError):
            realm.write_copy(config)
    with atoll.open(config, schema=schema) as realm:
        assert shape(realm) == wanted
        upload(realm)
        with realm.write():
            realm.create(Branch, name="later")
        upload(realm)
        wanted = shape(realm)
    with atoll.open(SyncConfiguration.partition(log_in(device("b")), "p"), schema=schema) as realm:
        download(realm)
        assert shape(realm) == wanted and len(wanted) == 5003


def test_a_local_realm_without_the_keys_that_sync_needs_is_not_converted(device, tmp_path):
    class Nameless(atoll.Object):
        name: str

    with atoll.open(tmp_path / "local.realm", schema=[Nameless]) as realm:
        target = tmp_path / "synced.realm"
        with pytest.raises(errors.SchemaInvalidError, match="_id"):
            realm.write_copy(SyncConfiguration.partition(log_in(device("a")), "p", path=target))
        assert not target.exists()
