"""The classes that the tests store."""

import datetime
import uuid

import atoll


class Person(atoll.Object):
    _id: int = atoll.primary_key()
    name: str
    dogs: list["Dog"]
    best: "Dog | None"


class Address(atoll.EmbeddedObject):
    street: str
    number: int | None
    resident: Person | None


class Dog(atoll.Object):
    _id: atoll.ObjectId = atoll.primary_key()
    name: str
    age: int | None = None
    owner: "Person | None"
    tags: list[str]
    home: Address | None
    former: list[Address]
    weight: float = 1.5


class Everything(atoll.Object):
    _id: str = atoll.primary_key()
    b: bool
    i: int
    d: float
    s: str
    x: bytes
    t: datetime.datetime
    u: uuid.UUID
    o: atoll.ObjectId
    nb: bool | None
    ni: int | None
    nd: float | None
    ns: str | None
    nx: bytes | None
    nt: datetime.datetime | None
    nu: uuid.UUID | None
    no: atoll.ObjectId | None
    lb: list[bool]
    li: list[int]
    ld: list[float]
    ls: list[str]
    lx: list[bytes]
    lt: list[datetime.datetime]
    lu: list[uuid.UUID]
    lo: list[atoll.ObjectId]
    lni: list[int | None]


class Task(atoll.Object):
    _id: atoll.ObjectId = atoll.primary_key()
    _partition: str
    name: str
    done: bool = False


class Reading(atoll.EmbeddedObject):
    value: float


class Measurement(atoll.AsymmetricObject):
    _id: uuid.UUID = atoll.primary_key()
    value: float
    at: datetime.datetime
    detail: Reading | None


UTC = datetime.timezone.utc
