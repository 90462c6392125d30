"""Frozen realms, references for other threads, and the ways of opening a realm."""

from __future__ import annotations

import threading

import pytest

import atoll


class Dog(atoll.Object):
    _id: int = atoll.primary_key()
    name: str
    toys: list[str]


def on_a_thread(work):
    result = []

    def run():
        try:
            result.append(work())
        except BaseException as problem:  # handed to the thread that asked
            result.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(result[0], BaseException):
        raise result[0]
    return result[0]


@pytest.fixture
def realm(tmp_path):
    with atoll.open(tmp_path / "dogs", schema=[Dog]) as realm:
        with realm.write():
            realm.add(Dog(_id=1, name="Rex", toys=["ball"]))
        yield realm


def test_what_is_frozen_stays_as_it_was_and_is_read_on_any_thread(realm):
    frozen = realm.freeze()
    dog = realm.find(Dog, 1)
    frozen_dog, frozen_toys, frozen_dogs = dog.freeze(), dog.toys.freeze(), realm.objects(Dog).freeze()
    with realm.write():
        dog.name = "Max"
        dog.toys.append("bone")
        realm.add(Dog(_id=2, name="Ada"))
    assert frozen.is_frozen and frozen_dog.is_frozen and frozen.freeze() is frozen
    assert not realm.is_frozen and not dog.is_frozen

    def read():
        return frozen_dog.name, list(frozen_toys), len(frozen_dogs), len(frozen.objects(Dog)), frozen_dogs[0].name

    assert on_a_thread(read) == ("Rex", ["ball"], 1, 1, "Rex")
    with pytest.raises(atoll.errors.FrozenError):
        with frozen.write():
            pass
    with pytest.raises(atoll.errors.FrozenError):
        frozen_dog.observe(lambda *_: None)
    assert realm.resolve(frozen_dog).name == "Max" and list(realm.resolve(frozen_toys)) == ["ball", "bone"]
    frozen.close()


def test_a_reference_is_resolved_once_on_another_thread(realm, tmp_path):
    dog = realm.find(Dog, 1)
    references = [atoll.Reference(dog), atoll.Reference(dog.toys), atoll.Reference(realm.objects(Dog))]

    def read():
        with atoll.open(tmp_path / "dogs", schema=[Dog]) as other:
            found = [other.resolve(reference) for reference in references]
            with pytest.raises(atoll.AtollError):
                other.resolve(references[0])
            return found[0].name, list(found[1]), len(found[2])

    assert on_a_thread(read) == ("Rex", ["ball"], 1)
    with pytest.raises(atoll.errors.WrongThreadError):
        on_a_thread(lambda: dog.name)
    with pytest.raises(atoll.errors.InvalidArgumentError):
        atoll.Reference(Dog(_id=9))
    gone = atoll.Reference(dog)
    with realm.write():
        realm.delete(dog)
    with atoll.open(tmp_path / "dogs", schema=[Dog]) as other:
        assert other.resolve(gone) is None


def test_a_realm_in_memory_is_shared_by_name_and_gone_at_the_last_close(tmp_path):
    first = atoll.open("shared", schema=[Dog], in_memory=True)
    with first.write():
        first.add(Dog(_id=1, name="Rex"))
    second = atoll.open("shared", schema=[Dog], in_memory=True)
    assert second.find(Dog, 1).name == "Rex"
    first.close()
    second.close()
    with atoll.open("shared", schema=[Dog], in_memory=True) as third:
        assert len(third.objects(Dog)) == 0


def test_a_read_only_realm_is_not_written(realm, tmp_path):
    realm.close()
    with atoll.open(tmp_path / "dogs", schema=[Dog], read_only=True) as reading:
        assert reading.find(Dog, 1).name == "Rex"
        with pytest.raises(atoll.AtollError, match="read"):
            with reading.write():
                pass
    with pytest.raises(atoll.errors.FileNotFoundError):
        atoll.open(tmp_path / "none", schema=[Dog], read_only=True)


def test_an_encrypted_realm_needs_its_key(tmp_path):
    key, other = bytes(range(64)), bytes(64)
    with atoll.open(tmp_path / "sealed", schema=[Dog], encryption_key=key) as realm:
        with realm.write():
            realm.add(Dog(_id=1, name="Hidden"))
    for wrong in (other, None):
        with pytest.raises(atoll.errors.WrongKeyError):
            atoll.open(tmp_path / "sealed", schema=[Dog], encryption_key=wrong)
    with pytest.raises(atoll.errors.InvalidArgumentError, match="64"):
        atoll.open(tmp_path / "sealed", schema=[Dog], encryption_key=b"short")
    with atoll.open(tmp_path / "sealed", schema=[Dog], encryption_key=key) as realm:
        assert realm.find(Dog, 1).name == "Hidden"
    assert not any(b"Hidden" in file.read_bytes() for file in (tmp_path / "sealed").iterdir() if file.is_file())
