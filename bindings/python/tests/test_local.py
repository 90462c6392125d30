"""Local realms: objects, transactions, queries, lists, notifications."""

import datetime
import gc
import os
import subprocess
import sys
import threading
import uuid

import pytest

import atoll
from atoll import errors
from models import UTC, Address, Dog, Everything, Measurement, Person, Task

SCHEMA = [Dog, Person, Address, Everything]


@pytest.fixture
def realm(tmp_path):
    with atoll.open(tmp_path / "test.realm", schema=SCHEMA) as opened:
        yield opened


def reopen(realm):
    path = realm.path
    realm.close()
    return atoll.open(path, schema=SCHEMA)


FULL = dict(
    b=True, i=-(2**63), d=-0.5, s="palm 🌴 \0 end", x=b"\x00\xff",
    t=datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    u=uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"), o=atoll.ObjectId("507f1f77bcf86cd799439011"),
    lb=[True, False], li=[1, 2**63 - 1], ld=[0.1, float("inf")], ls=["", "ü"], lx=[b"", b"\x01"],
    lt=[datetime.datetime(2026, 1, 2, 3, 4, 5, 6, UTC)], lu=[uuid.UUID(int=1)],
    lo=[atoll.ObjectId(bytes(12))], lni=[None, 5],
)  # fmt: skip


def test_every_type_survives_a_reopen(realm):
    with realm.write():
        one = realm.create(Everything, _id="full", **FULL)
        realm.create(Everything, _id="empty")
        for name in ("b", "i", "d", "s", "x", "t", "u", "o"):
            setattr(one, "n" + name, getattr(one, name))
    with reopen(realm) as realm:
        one = realm.find(Everything, "full")
        for name, value in FULL.items():
            assert getattr(one, name) == value, name
            assert type(getattr(one, name)) is type(value) or isinstance(value, list), name
        for name in ("b", "i", "d", "s", "x", "t", "u", "o"):
            assert getattr(one, "n" + name) == FULL[name], name
        empty = realm.find(Everything, "empty")
        assert (empty.b, empty.i, empty.d, empty.s, empty.x) == (False, 0, 0.0, "", b"")
        for name in ("b", "i", "d", "s", "x", "t", "u", "o"):
            assert getattr(empty, "n" + name) is None, name
        with realm.write():
            for name in ("b", "i", "d", "s", "x", "t", "u", "o"):
                setattr(one, "n" + name, None)
        for name in ("b", "i", "d", "s", "x", "t", "u", "o"):
            assert getattr(one, "n" + name) is None, name


def test_empty_strings_are_not_null(realm):
    with realm.write():
        one = realm.create(Everything, _id="e", ns="", nx=b"")
    assert one.ns == "" and one.nx == b""


def test_an_object_becomes_live_when_added_and_takes_others_along(realm):
    rex = Dog(name="Rex", tags=["a", "b"], home=Address(street="Main", number=1))
    ann = Person(_id=1, name="Ann", dogs=[rex], best=rex)
    rex.owner = ann
    with realm.write():
        assert realm.add(ann) is ann
    assert rex.is_managed and rex.home.street == "Main" and list(rex.tags) == ["a", "b"]
    assert realm.find(Person, 1) == ann and realm.find(Person, 1) is not ann
    assert ann.dogs[0] == rex and ann.best.owner.best == rex
    assert rex.weight == 1.5 and rex.age is None
    assert atoll.parent(rex.home) == rex
    with realm.write():
        rex.owner = Person(_id=2, name="Bob")
        rex.home.resident = rex.owner
    assert len(realm.objects(Person)) == 2 and rex.home.resident.name == "Bob"


def test_embedded_objects_belong_to_one_parent(realm):
    with realm.write():
        rex = realm.create(Dog, name="Rex", home=Address(street="A"), former=[Address(street="B"), Address(street="C")])
        old = rex.home
        rex.home = Address(street="D")
        assert rex.home.street == "D"
        with pytest.raises(errors.InvalidArgumentError):
            rex.home = rex.former[0]
        with pytest.raises(errors.InvalidArgumentError):
            realm.add(Address(street="alone"))
        rex.former.insert(1, Address(street="X"))
        del rex.former[0]
    assert [a.street for a in rex.former] == ["X", "C"]
    assert not old.is_valid
    with realm.write():
        rex.home = None
        rex.former[1].number = 7
    assert rex.home is None and rex.former[1].number == 7


def test_a_failing_block_rolls_back(realm):
    with realm.write():
        rex = realm.create(Dog, name="Rex", age=1)
    version = realm.version
    with pytest.raises(ZeroDivisionError):
        with realm.write():
            rex.age = 2
            realm.create(Dog, name="Other")
            1 / 0
    assert rex.age == 1 and len(realm.objects(Dog)) == 1 and not realm.is_in_transaction
    assert realm.version == version


def test_writes_outside_a_transaction_are_refused(realm):
    with realm.write():
        rex = realm.create(Dog, name="Rex")
    with pytest.raises(errors.NoTransactionError):
        rex.age = 5
    with pytest.raises(errors.NoTransactionError):
        realm.create(Dog, name="x")
    with pytest.raises(errors.NoTransactionError):
        rex.tags.append("x")
    with realm.write():
        with pytest.raises(errors.TransactionActiveError):
            realm.begin_write()


def test_primary_keys_are_unique_and_fixed(realm):
    with realm.write():
        realm.create(Person, _id=1, name="Ann")
    with realm.write():
        with pytest.raises(errors.DuplicatePrimaryKeyError):
            realm.create(Person, _id=1, name="Bob")
        with pytest.raises(errors.PrimaryKeyImmutableError):
            realm.find(Person, 1)._id = 2
    assert realm.find(Person, 2) is None
    with pytest.raises(errors.TypeMismatchError):
        realm.find(Person, "1")


def test_upsert_keeps_what_it_does_not_name_and_add_update_overwrites(realm):
    rex = Dog(name="Rex", age=3, tags=["a"])
    key = rex._id
    with realm.write():
        realm.add(rex)
        assert realm.upsert(Dog, _id=key, name="Rexy") == rex
    assert (rex.name, rex.age, list(rex.tags)) == ("Rexy", 3, ["a"])
    with realm.write():
        realm.add(Dog(_id=key, name="Max"), update=True)
        realm.upsert(Dog, _id=atoll.ObjectId(), name="New")
    assert (rex.name, rex.age, list(rex.tags), rex.weight) == ("Max", None, [], 1.5)
    assert len(realm.objects(Dog)) == 2


def test_queries_sort_slice_and_count(realm):
    with realm.write():
        for i in range(10):
            realm.create(Dog, name=f"dog{i}", age=i if i % 3 else None, weight=i / 2)
    dogs = realm.objects(Dog)
    assert len(dogs) == 10 and dogs.count() == 10
    old = dogs.where("age > $0", 4).sort("age", descending=True)
    assert [d.age for d in old] == [8, 7, 5]
    assert [d.age for d in old[:2]] == [8, 7] and old[-1].age == 5 and old[0] in old
    assert old.index(old[1]) == 1
    with pytest.raises(IndexError):
        old[3]
    assert [d.name for d in dogs.sort("age", "-name")[:4]] == ["dog9", "dog6", "dog3", "dog0"]
    assert dogs.where("age == $0", None).count() == 4
    assert dogs.where("name BEGINSWITH[c] $0 AND NOT age == 1", "DOG").count() == 9
    assert dogs.sum("age") == 1 + 2 + 4 + 5 + 7 + 8 and dogs.sum("weight") == 22.5
    assert dogs.where("FALSEPREDICATE").first() is None
    with pytest.raises(ValueError):
        old.index(dogs.where("age == 1")[0])
    with pytest.raises(errors.UnknownPropertyError):
        dogs.sum("colour")


def test_results_are_live(realm):
    dogs = realm.objects(Dog).where("age >= 1")
    assert len(dogs) == 0
    with realm.write():
        rex = realm.create(Dog, name="Rex", age=1)
        assert len(dogs) == 1
        rex.age = 0
        assert len(dogs) == 0
        rex.age = 2
    assert dogs[0] == rex


def test_deleting_while_iterating_skips_what_is_gone(realm):
    with realm.write():
        for i in range(6):
            realm.create(Dog, name=str(i), age=i)
        seen = []
        for dog in realm.objects(Dog).sort("age"):
            seen.append(dog.age)
            realm.delete(realm.objects(Dog).where("age > 3"))
    assert seen == [0, 1, 2, 3]


def test_malformed_queries_say_where(realm):
    with pytest.raises(errors.QuerySyntaxError):
        len(realm.objects(Dog).where("age >"))
    with pytest.raises(errors.AtollError):
        len(realm.objects(Dog).where("colour == 1"))
    with pytest.raises(errors.QueryArgumentError):
        len(realm.objects(Dog).where("age == $1", 1))


def test_delete(realm):
    with realm.write():
        ann = realm.create(Person, _id=1, name="Ann", best=Dog(name="Rex", home=Address(street="A")))
        home = ann.best.home
        realm.delete(ann.best)
        assert ann.best is None and not home.is_valid
        realm.create(Dog, name="x")
        realm.delete_all(Dog)
    assert len(realm.objects(Dog)) == 0
    with realm.write():
        realm.delete([ann])
    assert not ann.is_valid
    with pytest.raises(errors.InvalidObjectError):
        ann.name
    with pytest.raises(atoll.InvalidObjectError):
        ann.dogs[0]


def test_lists_behave_as_python_lists(realm):
    with realm.write():
        rex = realm.create(Dog, name="Rex", tags=["a", "b", "c"])
        tags = rex.tags
        tags.append("d")
        tags.insert(0, "z")
        tags[1] = "A"
        tags[-1] = "D"
        assert tags == ["z", "A", "b", "c", "D"]
        assert tags.pop() == "D" and tags.index("b") == 2 and "c" in tags and len(tags) == 4
        tags[1:3] = ["x"]
        assert tags == ["z", "x", "c"]
        del tags[::2]
        assert tags == ["x"]
        tags.extend(["y", "y"])
        tags.remove("y")
        tags += ["w"]
        assert tags == ["x", "y", "w"] and tags.count("y") == 1
        tags.reverse()
        rex.tags = tags
        assert rex.tags == ["w", "y", "x"]
        rex.tags = ["n"]
        with pytest.raises(IndexError):
            tags[1]
        with pytest.raises(errors.TypeMismatchError):
            tags.append(1)
        tags.clear()
    assert rex.tags == []


def test_other_threads_need_their_own_realm(realm):
    with realm.write():
        rex = realm.create(Dog, name="Rex")
    problems = []

    def work():
        try:
            rex.name
        except errors.WrongThreadError as problem:
            problems.append(problem)
        with atoll.open(realm.path, schema=SCHEMA) as other, other.write():
            other.find(Dog, key).name = "Max"

    key = rex._id
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(problems) == 1
    assert rex.name == "Rex"
    assert realm.refresh() and rex.name == "Max"
    assert not realm.refresh()


def test_two_writers_take_turns(realm, tmp_path):
    with realm.write():
        realm.create(Person, _id=1, name="0")

    def work():
        with atoll.open(realm.path, schema=SCHEMA) as other:
            for _ in range(50):
                with other.write():
                    person = other.find(Person, 1)
                    person.name = str(int(person.name) + 1)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    realm.refresh()
    assert realm.find(Person, 1).name == "100"


def test_observers_of_results_get_index_changes(realm):
    seen = []
    with realm.write():
        for i in range(3):
            realm.create(Dog, name=str(i), age=i)
    dogs = realm.objects(Dog).sort("age")
    token = dogs.observe(lambda results, changes: seen.append((results is dogs, changes)))
    realm.refresh()
    assert seen == [(True, None)]
    with realm.write():
        realm.delete(dogs[0])
        dogs[0].name = "one"
        realm.create(Dog, name="9", age=9)
    assert len(seen) == 2
    changes = seen[1][1]
    assert (changes.deletions, changes.insertions, changes.modifications, changes.modifications_new) == (
        (0,), (2,), (1,), (0,),
    )  # fmt: skip
    token.stop()
    token.stop()
    with realm.write():
        realm.delete_all(Dog)
    assert len(seen) == 2


def test_observers_of_objects_lists_and_the_realm(realm):
    events = []
    with realm.write():
        rex = realm.create(Dog, name="Rex", tags=["a"])
    rex.observe(lambda dog, change: events.append(("object", change)))
    tags = rex.tags
    tags.observe(lambda items, changes: events.append(("list", changes)))
    realm.observe(lambda which: events.append(("realm", which is realm)))
    realm.refresh()
    events.clear()
    with realm.write():
        rex.name = "Max"
        rex.age = 4
    assert ("realm", True) in events
    (change,) = [e for kind, e in events if kind == "object"]
    assert not change.is_deleted and set(change.properties) == {"name", "age"}
    events.clear()
    with realm.write():
        tags.append("b")
    lists = [e for kind, e in events if kind == "list"]
    assert lists and lists[-1].insertions == (1,)
    events.clear()
    with realm.write():
        realm.delete(rex)
    assert [e.is_deleted for kind, e in events if kind == "object"] == [True]


def test_a_raising_callback_is_logged_and_the_others_are_called(realm, caplog):
    seen = []
    realm.observe(lambda _: 1 / 0)
    realm.observe(lambda _: seen.append(1))
    with realm.write():
        realm.create(Dog, name="x")
    assert seen == [1] and "ZeroDivisionError" in caplog.text


def test_changes_of_another_thread_arrive_in_the_asyncio_loop(realm):
    import asyncio

    async def main():
        seen = asyncio.Queue()
        dogs = realm.objects(Dog)
        dogs.observe(lambda results, changes: seen.put_nowait((len(results), changes)))

        def work():
            with atoll.open(realm.path, schema=SCHEMA) as other, other.write():
                other.create(Dog, name="async")

        first = await asyncio.wait_for(seen.get(), 10)
        assert first == (0, None)
        await asyncio.to_thread(work)
        count, changes = await asyncio.wait_for(seen.get(), 10)
        assert count == 1 and changes.insertions == (0,)

    asyncio.run(main())


def test_wait_for_change_sees_another_thread(realm):
    assert not realm.wait_for_change(0.05)

    def work():
        with atoll.open(realm.path, schema=SCHEMA) as other, other.write():
            other.create(Dog, name="late")

    thread = threading.Timer(0.1, work)
    thread.start()
    assert realm.wait_for_change(10)
    assert len(realm.objects(Dog)) == 1
    thread.join()


def test_a_closed_realm_answers_errors(tmp_path):
    realm = atoll.open(tmp_path / "r", schema=SCHEMA)
    with realm.write():
        rex = realm.create(Dog, name="Rex")
    dogs = realm.objects(Dog)
    realm.close()
    realm.close()
    assert realm.is_closed and not rex.is_valid
    with pytest.raises(errors.AtollError):
        rex.name
    with pytest.raises(errors.AtollError):
        len(dogs)
    with pytest.raises(errors.ClosedError):
        realm.begin_write()


def test_classes_outside_the_schema_are_refused(realm):
    with pytest.raises(errors.UnknownClassError, match="Task"):
        realm.objects(Task)
    with realm.write(), pytest.raises(errors.UnknownClassError):
        realm.create(Task, name="x")
    with pytest.raises(errors.InvalidArgumentError):
        realm.objects(Address)


def test_asymmetric_classes_need_flexible_sync(tmp_path):
    with pytest.raises(errors.AtollError) as caught:
        atoll.open(tmp_path / "r", schema=[Measurement])
    assert caught.type in (errors.AsymmetricError, errors.SchemaInvalidError)
    assert "Measurement" in str(caught.value)


def test_a_higher_schema_version_adds_properties(tmp_path):
    def first():
        class Cat(atoll.Object):
            _id: int = atoll.primary_key()
            name: str

        with atoll.open(tmp_path / "r", schema=[Cat]) as realm, realm.write():
            realm.create(Cat, _id=1, name="Tom")

    def second():
        class Toy(atoll.Object):
            _id: int = atoll.primary_key()

        class Cat(atoll.Object):
            _id: int = atoll.primary_key()
            name: str
            lives: int | None
            toys: list[Toy]

        with pytest.raises(errors.MigrationRequiredError, match="Cat.lives"):
            atoll.open(tmp_path / "r", schema=[Cat])
        with atoll.open(tmp_path / "r", schema=[Cat], schema_version=1) as realm:
            tom = realm.find(Cat, 1)
            assert (tom.name, tom.lives, len(tom.toys)) == ("Tom", None, 0)
            with realm.write():
                tom.toys.append(Toy(_id=5))
            assert len(realm.objects(Toy)) == 1

    first()
    second()
    with pytest.raises(errors.SchemaVersionLowerError):
        first()


def test_objects_of_another_realm_are_refused(realm, tmp_path):
    with atoll.open(tmp_path / "other", schema=SCHEMA) as other:
        with other.write():
            ann = other.create(Person, _id=1, name="Ann")
        with realm.write():
            rex = realm.create(Dog, name="Rex")
            with pytest.raises(errors.WrongRealmError):
                rex.owner = ann


def test_realms_can_be_deleted_when_closed(tmp_path):
    path = tmp_path / "r"
    with atoll.open(path, schema=SCHEMA):
        with pytest.raises(errors.FileInUseError):
            atoll.delete_realm(path)
    atoll.delete_realm(path)
    assert not path.exists()


def test_a_realm_that_is_set_aside_while_open_is_moved_before_it_is_opened_again(tmp_path):
    path, backup = tmp_path / "r", tmp_path / "backup"
    with atoll.open(path, schema=SCHEMA) as realm:
        with realm.write():
            realm.create(Person, _id=1, name="Ann")
        assert not atoll.set_aside(path, backup)
    with atoll.open(path, schema=SCHEMA) as realm:
        assert len(realm.objects(Person)) == 0
    with atoll.open(backup, schema=SCHEMA) as realm:
        assert len(realm.objects(Person)) == 1
    assert atoll.set_aside(path, tmp_path / "other")
    assert not path.exists()


def test_a_folder_that_is_no_realm_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a realm")
    with pytest.raises(errors.AtollError) as caught:
        atoll.open(tmp_path / "file", schema=SCHEMA)
    assert caught.value.status // 100 == 4
    assert (tmp_path / "file").read_text() == "not a realm"


def test_handles_are_freed_in_any_order(tmp_path):
    realm = atoll.open(tmp_path / "r", schema=SCHEMA)
    with realm.write():
        rex = realm.create(Dog, name="Rex", tags=["a"])
    tags, dogs = rex.tags, realm.objects(Dog)
    del realm
    gc.collect()
    assert rex.name == "Rex" and tags[0] == "a" and len(dogs) == 1
    del rex, dogs
    gc.collect()
    assert tags[0] == "a"


def test_a_second_process_is_told_who_holds_the_realm(realm):
    program = (
        "import sys, atoll\n"
        "class Dog(atoll.Object):\n    name: str\n"
        "try:\n    atoll.open(sys.argv[1], schema=[Dog])\n"
        "except atoll.errors.FileInUseError as problem:\n    print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, realm.path], capture_output=True, text=True, timeout=30)
    assert str(os.getpid()) in done.stdout, done


def test_a_forked_child_is_refused(realm):
    with realm.write():
        rex = realm.create(Dog, name="Rex")
    child = os.fork()
    if child == 0:
        try:
            rex.name
            os._exit(1)
        except errors.ForkedError:
            os._exit(0)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert rex.name == "Rex"
