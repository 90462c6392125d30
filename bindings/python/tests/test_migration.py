"""Schema versions, migrations, and realms without declared classes."""

from __future__ import annotations

import pytest

import atoll


def first_version():
    class Person(atoll.Object):
        _id: int = atoll.primary_key()
        first: str
        last: str
        years: str

    class Gone(atoll.Object):
        name: str

    return Person, Gone


def second_version():
    class Person(atoll.Object):
        _id: int = atoll.primary_key()
        given: str
        full: str
        years: int

    return Person


@pytest.fixture
def folder(tmp_path):
    Person, Gone = first_version()
    with atoll.open(tmp_path / "people", schema=[Person, Gone]) as realm, realm.write():
        realm.add(Person(_id=1, first="Ada", last="Lovelace", years="36"))
        realm.add(Person(_id=2, first="Alan", last="Turing", years="41"))
        realm.add(Gone(name="away"))
    return tmp_path / "people"


def test_a_changed_class_needs_a_higher_version(folder):
    Person = second_version()
    with pytest.raises(atoll.errors.MigrationRequiredError, match="full"):
        atoll.open(folder, schema=[Person])
    with atoll.open(folder, schema=[Person], schema_version=2) as realm:
        assert realm.find(Person, 1).full == ""
    with pytest.raises(atoll.errors.SchemaVersionLowerError):
        atoll.open(folder, schema=[Person], schema_version=1)


def test_a_migration_moves_values_over(folder):
    Person = second_version()
    versions = []

    def migrate(migration):
        versions.append(migration.old_version)
        migration.rename_property(Person, "first", "given")
        migration.remove_class("Gone")
        for old in migration.old.objects(migration.old.classes["Person"]):
            new = migration.find_new(old)
            new.full = f"{old.first} {old.last}"
            new.years = int(old.years)

    with atoll.open(folder, schema=iter([Person]), schema_version=2, migration=migrate) as realm:
        found = [(p.given, p.full, p.years) for p in realm.objects(Person).sort("_id")]
    assert found == [("Ada", "Ada Lovelace", 36), ("Alan", "Alan Turing", 41)] and versions == [0]
    with atoll.open(folder, schema=[Person], schema_version=2, migration=migrate):
        assert versions == [0], "a realm of this version is not migrated again"
    with atoll.open(folder, schema=None) as realm:
        assert list(realm.classes) == ["Person"]


def test_a_migration_that_raises_changes_nothing(folder):
    Person = second_version()

    def fail(migration):
        migration.find_new(migration.old.objects(migration.old.classes["Person"])[0]).full = "half"
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        atoll.open(folder, schema=[Person], schema_version=2, migration=fail)
    Old, Gone = first_version()
    with atoll.open(folder, schema=[Old, Gone]) as realm:
        assert realm.find(Old, 1).last == "Lovelace"


def test_a_realm_can_be_emptied_instead_of_migrated(folder):
    Person = second_version()
    with atoll.open(folder, schema=[Person], delete_if_migration_needed=True) as realm:
        assert len(realm.objects(Person)) == 0


def test_a_realm_is_read_and_written_without_declared_classes(folder):
    with atoll.open(folder, schema=None) as realm:
        Person = realm.classes["Person"]
        assert {p.first for p in realm.objects(Person).where("years > '40'")} == {"Alan"}
        with realm.write():
            realm.create(Person, _id=3, first="Grace", last="Hopper", years="85")
            realm.find(Person, 1).last = "King"
        assert realm.find(Person, 1).last == "King" and len(realm.objects(Person)) == 3
        with pytest.raises(AttributeError):
            realm.find(Person, 1).nothing
