"""Classes by declaration: what annotations become, and what is refused before any realm is opened."""

import datetime
import typing
import uuid

import pytest

import atoll
from atoll import errors, schema
from atoll import _kinds as kinds
from models import Address, Dog, Everything, Measurement, Person


def shape(cls, name):
    schema.resolve(cls)
    declared = cls._atoll_properties[name]
    return declared.type, declared.is_nullable, declared.is_list, declared.target


def test_annotations_become_types():
    assert shape(Dog, "_id") == (kinds.OBJECT_ID, False, False, None)
    assert shape(Dog, "age") == (kinds.INT, True, False, None)
    assert shape(Dog, "owner") == (kinds.LINK, True, False, Person)
    assert shape(Dog, "tags") == (kinds.STRING, False, True, None)
    assert shape(Dog, "home") == (kinds.EMBEDDED, True, False, Address)
    assert shape(Dog, "former") == (kinds.EMBEDDED, False, True, Address)
    assert shape(Person, "dogs") == (kinds.LINK, False, True, Dog)
    assert shape(Everything, "lni") == (kinds.INT, True, True, None)
    assert shape(Everything, "t") == (kinds.TIMESTAMP, False, False, None)
    assert Dog._atoll_key.name == "_id"


def test_a_schema_takes_along_what_its_classes_refer_to():
    assert set(schema.closure([Dog])) == {Dog, Person, Address}
    assert schema.closure([Measurement])[0] is Measurement


def test_new_objects_hold_defaults_until_they_are_set():
    dog = Dog(name="Rex")
    assert dog.name == "Rex" and dog.age is None and dog.weight == 1.5 and dog.tags == [] and dog.owner is None
    assert isinstance(dog._id, atoll.ObjectId) and dog._id == dog._id
    assert not dog.is_managed and dog.is_valid
    dog.tags.append("brown")
    assert dog.tags == ["brown"]
    everything = Everything(_id="k")
    assert everything.b is False and everything.i == 0 and everything.s == "" and everything.x == b""
    assert everything.nt is None and everything.lo == []
    assert isinstance(Measurement()._id, uuid.UUID)


@pytest.mark.parametrize(
    "name, value",
    [
        ("b", 1), ("i", True), ("i", "1"), ("d", "1"), ("s", b"x"), ("x", "x"), ("u", "x"), ("o", "x"),
        ("t", "2020"), ("ls", "abc"), ("li", [1, "2"]), ("li", 5),
    ],
)  # fmt: skip
def test_values_of_another_type_are_refused(name, value):
    with pytest.raises(errors.TypeMismatchError):
        Everything(_id="k", **{name: value})


def test_none_is_refused_where_it_was_not_declared():
    for name in ("b", "i", "d", "s", "x", "t", "u", "o"):
        with pytest.raises(errors.NullNotAllowedError):
            Everything(_id="k", **{name: None})
    with pytest.raises(errors.NullNotAllowedError):
        Everything(_id="k", li=[None])
    assert Everything(_id="k", lni=[None, 1]).lni == [None, 1]


def test_out_of_range_and_naive_values_are_refused():
    with pytest.raises(errors.OutOfRangeError):
        Everything(_id="k", i=2**63)
    assert Everything(_id="k", i=-(2**63)).i == -(2**63)
    with pytest.raises(errors.InvalidArgumentError):
        Everything(_id="k", t=datetime.datetime(2020, 1, 1))


def test_an_unknown_name_is_refused_by_the_constructor():
    with pytest.raises(TypeError, match="colour"):
        Dog(colour="brown")


def test_declarations_that_cannot_be_stored_are_refused():
    class Wrong(atoll.Object):
        a: complex

    class WrongLink(atoll.Object):
        a: Person

    class WrongKey(atoll.Object):
        a: float = atoll.primary_key()

    class WrongList(atoll.Object):
        a: list[int] | None

    class HoldsAsymmetric(atoll.Object):
        a: Measurement | None

    class Union(atoll.Object):
        a: int | str

    for cls, expected in (
        (Wrong, errors.NotSupportedError),
        (WrongLink, errors.SchemaInvalidError),
        (WrongKey, errors.SchemaInvalidError),
        (WrongList, errors.SchemaInvalidError),
        (HoldsAsymmetric, errors.SchemaInvalidError),
        (Union, errors.NotSupportedError),
    ):
        with pytest.raises(expected, match=f"{cls.__name__}.a"):
            schema.resolve(cls)
    with pytest.raises(errors.SchemaInvalidError, match="2 primary keys"):

        class TwoKeys(atoll.Object):
            a: int = atoll.primary_key()
            b: int = atoll.primary_key()


def test_class_variables_are_not_stored_and_names_can_be_mapped():
    class Mapped(atoll.Object, map_to="cats"):
        kind: typing.ClassVar[str] = "cat"
        title: str = atoll.field(map_to="name", indexed=True, default="x")

    assert list(Mapped._atoll_properties) == ["title"]
    assert Mapped._atoll_class_name == "cats"
    assert Mapped.title.stored_name == "name" and Mapped.title.is_indexed
    assert Mapped().title == "x" and Mapped.kind == "cat"


def test_inherited_declarations_belong_to_the_derived_class():
    class Base(atoll.Object):
        _id: int = atoll.primary_key()
        name: str

    class Derived(Base):
        age: int

    assert list(Derived._atoll_properties) == ["_id", "name", "age"]
    assert Derived.name.owner is Derived
    assert Derived(_id=1, name="a", age=2).name == "a"


def test_two_classes_of_one_name_are_refused_in_one_schema():
    class First(atoll.Object, map_to="same"):
        a: int

    class Second(atoll.Object, map_to="same"):
        a: int

    with pytest.raises(errors.SchemaInvalidError, match="same"):
        schema.closure([First, Second])
    with pytest.raises(errors.SchemaInvalidError):
        schema.closure([int])


def test_timeouts_and_missing_files_are_built_in_errors_too():
    error = errors.new(errors.TimeoutError, "too slow")
    assert isinstance(error, TimeoutError) and str(error) == "too slow"
    assert errors.from_status(error.status, "m").__class__ is errors.TimeoutError
    assert isinstance(errors.from_status(407, "m"), FileNotFoundError)
    unknown = errors.from_status(999, "new", True)
    assert type(unknown) is atoll.AtollError and unknown.retryable and unknown.status == 999
