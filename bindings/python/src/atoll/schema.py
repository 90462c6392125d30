"""Classes by declaration: annotations of a Python class become the properties of a stored class.

Of the native library this module knows only the base classes that make attributes quick: it reads annotations, keeps the values of objects that are not stored
yet, and hands every access to a stored object to ``access``. Invariant: a class is resolved once, and from then on its
properties do not change.
"""

from __future__ import annotations

import collections.abc
import datetime
import decimal
import sys
import types
import typing
import uuid
import weakref
from typing import Any, Callable, ClassVar, Mapping, Optional

from . import _kinds as kinds
from . import errors
from ._constants import ClassKind
from ._core import native
from .object_id import ObjectId

_MISSING: Any = object()

class Float32(float):
    """Declares a property of 32 bits: ``ratio: atoll.Float32``. Its values are Python floats, rounded when set. Since: 0.1"""


SCALARS: dict[type, int] = {
    bool: kinds.BOOL,
    int: kinds.INT,
    float: kinds.DOUBLE,
    Float32: kinds.FLOAT,
    decimal.Decimal: kinds.DECIMAL128,
    str: kinds.STRING,
    bytes: kinds.BINARY,
    datetime.datetime: kinds.TIMESTAMP,
    uuid.UUID: kinds.UUID,
    ObjectId: kinds.OBJECT_ID,
}
TYPE_NAMES: dict[int, str] = {
    **{number: kind.__name__ for kind, number in SCALARS.items()},
    kinds.FLOAT: "a float of 32 bits",
    kinds.MIXED: "any value",
    kinds.LINK: "a link",
    kinds.EMBEDDED: "an embedded object",
}
_KEY_TYPES = {kinds.INT, kinds.STRING, kinds.UUID, kinds.OBJECT_ID}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_ZERO: dict[int, Any] = {
    kinds.BOOL: False,
    kinds.INT: 0,
    kinds.DOUBLE: 0.0,
    kinds.FLOAT: 0.0,
    kinds.DECIMAL128: decimal.Decimal(0),
    kinds.STRING: "",
    kinds.BINARY: b"",
    kinds.TIMESTAMP: _EPOCH,
    kinds.UUID: uuid.UUID(int=0),
    kinds.OBJECT_ID: ObjectId(bytes(12)),
}


class FieldOptions:
    """What ``field()`` and ``primary_key()`` say about a property."""

    __slots__ = ("default", "default_factory", "is_primary_key", "is_indexed", "is_full_text", "stored_name")

    def __init__(
        self,
        default: Any = _MISSING,
        default_factory: Optional[Callable[[], Any]] = None,
        is_primary_key: bool = False,
        is_indexed: bool = False,
        is_full_text: bool = False,
        stored_name: Optional[str] = None,
    ) -> None:
        if default is not _MISSING and default_factory is not None:
            raise TypeError("give a default or a default_factory, not both")
        self.default = default
        self.default_factory = default_factory
        self.is_primary_key = is_primary_key
        self.is_indexed = is_indexed
        self.is_full_text = is_full_text
        self.stored_name = stored_name


def field(
    *,
    default: Any = _MISSING,
    default_factory: Optional[Callable[[], Any]] = None,
    indexed: bool = False,
    full_text: bool = False,
    map_to: Optional[str] = None,
) -> Any:
    """Say more about a property: ``score: int = atoll.field(default=1, indexed=True)``.

    ``default`` or ``default_factory()`` is the value of new objects that were given none; it is stored as a default,
    which loses to every value that somebody chose. ``indexed`` makes equality queries fast; ``full_text`` lets a
    str be searched by its words: ``where("text TEXT 'palm -tree'")``. ``map_to`` is the stored name where it differs from
    the Python name. Since: 0.1
    """
    return FieldOptions(default, default_factory, is_indexed=indexed, is_full_text=full_text, stored_name=map_to)


def primary_key(
    *,
    default: Any = _MISSING,
    default_factory: Optional[Callable[[], Any]] = None,
    map_to: Optional[str] = None,
) -> Any:
    """Make a property the primary key: ``_id: atoll.ObjectId = atoll.primary_key()``.

    Types: int, str, uuid.UUID, ObjectId. A UUID or ObjectId key of a new object that was given none is a fresh one.
    A key never changes. Synced classes need one, stored as ``_id``. Since: 0.1
    """
    return FieldOptions(default, default_factory, is_primary_key=True, stored_name=map_to)


class Backlinks:
    """What ``backlinks()`` declares; a descriptor that gives the Results. Since: 0.1"""

    def __init__(self, name: str) -> None:
        self.property_name = name
        self.name = ""
        self.owner: Any = None
        self.annotation: Any = None
        self.origin: Any = None

    def resolve(self) -> Any:
        """The class that links here; SchemaInvalidError says what is wrong."""
        if self.origin is None:
            annotation = _evaluate(self, self.annotation)
            arguments = typing.get_args(annotation)
            is_results = getattr(typing.get_origin(annotation), "__name__", "") == "Results" and len(arguments) == 1
            origin = _evaluate(self, arguments[0]) if is_results else None
            if not (isinstance(origin, type) and issubclass(origin, ObjectBase)):
                raise _invalid(self, 'is declared as `owners: atoll.Results["Person"] = atoll.backlinks("dog")`')
            resolve(origin)
            declared = origin._atoll_properties.get(self.property_name)
            if declared is None or declared.target is None or not issubclass(self.owner, declared.target):
                raise _invalid(
                    self, f"{origin.__name__} has no property {self.property_name!r} that links to {self.owner.__name__}"
                )
            self.origin = origin
        return self.origin

    def __get__(self, instance: Any, owner: Optional[type] = None) -> Any:
        return self if instance is None else _managed_info(instance).backlinks(instance, self.resolve(), self.property_name)

    def __set__(self, instance: Any, value: Any) -> None:
        raise AttributeError(f"{self.owner.__name__}.{self.name} follows what links here: set the property that links")


def backlinks(name: str) -> Any:
    """Show what links to an object: ``owners: atoll.Results["Person"] = atoll.backlinks("dog")``.

    ``name`` is the property of the annotated class that links here: a link, or a collection of links. It is not
    stored. Reading gives live Results. Errors: SchemaInvalidError at opening, InvalidArgumentError for an object outside a
    realm. Since: 0.1
    """
    return Backlinks(name)


class Property(native.PropertyCore):
    """One property of a class, as a descriptor. ``Dog.age`` is the Property, ``dog.age`` the value. Since: 0.1"""

    def __init__(self, owner: type, name: str, annotation: Any, options: FieldOptions) -> None:
        self.name = name
        self.stored_name = options.stored_name or name
        self.annotation = annotation
        self.options = options
        self.owner = owner
        self.type = kinds.NULL
        self.is_nullable = False
        self.is_list = False
        self.is_set = False
        self.is_dictionary = False
        self.target: Optional[type] = None

    @property
    def is_primary_key(self) -> bool:
        return self.options.is_primary_key

    @property
    def is_indexed(self) -> bool:
        return self.options.is_indexed

    @property
    def is_collection(self) -> bool:
        return self.is_list or self.is_set or self.is_dictionary

    def __repr__(self) -> str:
        return f"<property {self.owner.__name__}.{self.name}>"

    def _read(self, instance: Any) -> Any:
        """What the native __get__ asks for when it does not remember how to read the instance."""
        info = instance._atoll_info
        if info is None:
            return self._unmanaged_value(instance)
        found = info.plain.get(self.name)
        if found is not None:
            self._remember(info, found[1], self.type)
            return found[0](instance._atoll_handle.pointer, found[1])
        return info.read(instance, self)

    def _write(self, instance: Any, value: Any) -> None:
        """The same for the native __set__."""
        if instance._atoll_handle is None:
            instance._atoll_values[self.name] = self.check(value)
            instance._atoll_defaulted.discard(self.name)
        else:
            info = instance._atoll_info
            info.write(instance, self, value)
            found = info.plain.get(self.name)
            if found is not None:
                self._remember(info, found[1], self.type)

    def _unmanaged_value(self, instance: Any) -> Any:
        values = instance._atoll_values
        if self.name not in values:
            resolve(type(instance))
            values[self.name] = self.zero()
        return values[self.name]

    def zero(self) -> Any:
        """The value that a new object has when nobody gave one."""
        if self.is_list:
            return []
        if self.is_set:
            return set()
        if self.is_dictionary:
            return {}
        if self.is_nullable or self.type in (kinds.LINK, kinds.EMBEDDED):
            return None
        return _ZERO[self.type]

    def make_default(self) -> Any:
        """The declared default of a new object, or _MISSING."""
        if self.options.default_factory is not None:
            return self.options.default_factory()
        if self.options.default is not _MISSING:
            return self.options.default
        if self.is_primary_key and self.type == kinds.OBJECT_ID:
            return ObjectId()
        if self.is_primary_key and self.type == kinds.UUID:
            return uuid.uuid4()
        return _MISSING

    def check(self, value: Any) -> Any:
        """The value as it is stored, or TypeMismatchError, NullNotAllowedError."""
        resolve(self.owner)
        if self.is_dictionary:
            if not isinstance(value, collections.abc.Mapping):
                raise self._wrong("a dict of", value)
            return {self.check_key(key): self.check_one(item) for key, item in value.items()}
        if not self.is_collection:
            return self.check_one(value)
        if isinstance(value, (str, bytes, collections.abc.Mapping)) or not hasattr(value, "__iter__"):
            raise self._wrong("a list of" if self.is_list else "a set of", value)
        items = [self.check_one(item) for item in value]
        return set(items) if self.is_set else items

    def _check_mixed(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [None if item is None else self._check_mixed(item) for item in value]
        if isinstance(value, dict):
            return {
                self.check_key(key): None if item is None else self._check_mixed(item) for key, item in value.items()
            }
        is_object = isinstance(value, ObjectBase) and not isinstance(value, (EmbeddedObject, AsymmetricObject))
        if is_object or isinstance(value, tuple(SCALARS)) or isinstance(value, (bytearray, memoryview)):
            if isinstance(value, datetime.datetime):
                check_aware(value)
            return value
        raise self._wrong("of any of the stored types, a list or a dict:", value)

    def _wrong(self, what: str, value: Any) -> Exception:
        of = self.target.__name__ if self.target is not None else TYPE_NAMES[self.type]
        return errors.new(
            errors.TypeMismatchError,
            f"{self.owner.__name__}.{self.name} is {what} {of}; got {type(value).__name__}",
        )

    def check_key(self, key: Any) -> str:
        """A key of a dictionary; what else the core refuses, it names itself."""
        if not isinstance(key, str):
            raise errors.new(
                errors.TypeMismatchError,
                f"the keys of {self.owner.__name__}.{self.name} are str; got {type(key).__name__}",
            )
        return key

    def check_one(self, value: Any) -> Any:
        """Like check, for one element of a collection."""
        kind = self.type
        if value is None:
            if self.is_nullable or (self.target is not None and not self.is_list and not self.is_set):
                return None
            raise errors.new(
                errors.NullNotAllowedError,
                f"{self.owner.__name__}.{self.name} is not optional: declare it `| None`, or give a value",
            )
        if self.target is not None:
            if isinstance(value, self.target):
                return value
        elif kind == kinds.BOOL:
            if isinstance(value, bool):
                return value
        elif kind == kinds.INT:
            if isinstance(value, int) and not isinstance(value, bool):
                if not -(2**63) <= value < 2**63:
                    raise errors.new(
                        errors.OutOfRangeError, f"{self.owner.__name__}.{self.name} takes 64 bits; got {value}"
                    )
                return value
        elif kind == kinds.MIXED:
            return self._check_mixed(value)
        elif kind == kinds.DECIMAL128:
            if isinstance(value, (decimal.Decimal, int)) and not isinstance(value, bool):
                return decimal.Decimal(value)
        elif kind in (kinds.DOUBLE, kinds.FLOAT):
            if isinstance(value, (float, int)) and not isinstance(value, bool):
                return float(value)
        elif kind == kinds.STRING:
            if isinstance(value, str):
                return value
        elif kind == kinds.BINARY:
            if isinstance(value, (bytes, bytearray, memoryview)):
                return bytes(value)
        elif kind == kinds.TIMESTAMP:
            if isinstance(value, datetime.datetime):
                check_aware(value)
                return value
        elif kind == kinds.UUID:
            if isinstance(value, uuid.UUID):
                return value
        elif kind == kinds.OBJECT_ID:
            if isinstance(value, ObjectId):
                return value
        expected = self.target.__name__ if self.target is not None else TYPE_NAMES[kind]
        raise errors.new(
            errors.TypeMismatchError,
            f"{self.owner.__name__}.{self.name} takes {expected}; got {type(value).__name__}",
        )


def check_aware(value: datetime.datetime) -> None:
    """A date without a time zone names no moment, so it is refused."""
    if value.tzinfo is None or value.utcoffset() is None:
        raise errors.new(
            errors.InvalidArgumentError,
            "a datetime needs a time zone: use datetime.now(timezone.utc), or .replace(tzinfo=...)",
        )


class ObjectBase(native.ObjectCore):
    """What the three kinds of objects share. Derive from Object, EmbeddedObject or AsymmetricObject instead.

    An instance begins unmanaged: plain values in memory, any thread. Once added to a realm (``realm.add(dog)``, or as
    the value of a link) it is live: attributes are read from and written to the realm, and it belongs to the realm's
    thread.
    """

    _atoll_kind: ClassVar[int] = -1
    _atoll_class_name: ClassVar[str] = ""
    _atoll_properties: ClassVar[Mapping[str, Property]] = {}
    _atoll_backlinks: ClassVar[tuple[Backlinks, ...]] = ()
    _atoll_key: ClassVar[Optional[Property]] = None
    _atoll_is_resolved: ClassVar[bool] = True
    _atoll_values: dict
    _atoll_defaulted: set

    def __init_subclass__(cls, *, map_to: Optional[str] = None, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "_atoll_kind" in cls.__dict__:
            return  # one of the three kinds below
        _declare(cls, map_to)

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        if cls._atoll_kind < 0 or not cls._atoll_class_name:
            raise TypeError(f"{cls.__name__} is no class of your own: derive one from it and declare its properties")
        resolve(cls)
        self._atoll_handle = None
        self._atoll_info = None
        self._atoll_values = {}
        self._atoll_defaulted = set()
        for name, value in values.items():
            found = cls._atoll_properties.get(name)
            if found is None:
                raise TypeError(f"{cls.__name__} has no property {name!r}; it has {', '.join(cls._atoll_properties)}")
            self._atoll_values[name] = found.check(value)
        for name, declared in cls._atoll_properties.items():
            if name not in values:
                value = declared.make_default()
                if value is not _MISSING:
                    self._atoll_values[name] = declared.check(value)
                    self._atoll_defaulted.add(name)

    @property
    def is_managed(self) -> bool:
        """Whether it is stored in a realm (or was, before it was deleted). Since: 0.1"""
        return self._atoll_handle is not None

    @property
    def is_valid(self) -> bool:
        """False once it was deleted, the realm was closed, or, for an asymmetric object, committed. Since: 0.1"""
        return self._atoll_handle is None or self._atoll_info.is_valid(self)

    def increment(self, name: str, by: int = 1) -> None:
        """Add to an int property: unlike ``dog.age += 1``, what two devices add at once both counts.

        Errors: NoTransactionError, UnknownPropertyError, TypeMismatchError for another type, NullNotAllowedError when it
        is None. Since: 0.1
        """
        _managed_info(self).increment(self, name, by)

    @property
    def is_frozen(self) -> bool:
        """Whether it is of a frozen realm: readable on any thread, never changing. Since: 0.1"""
        return self._atoll_handle is not None and self._atoll_info.realm.is_frozen

    def freeze(self) -> Any:
        """The object as it is now, for ever, readable on any thread; a frozen one gives itself.

        Readable while the realm is open; ``realm.resolve(frozen)`` gives the live one. Errors: InvalidArgumentError for
        an object outside a realm, InvalidObjectError, TransactionActiveError, WrongThreadError. Since: 0.1
        """
        return _managed_info(self).realm._freeze(self)

    @property
    def backlink_count(self) -> int:
        """How many links of all classes lead here. Errors: InvalidArgumentError outside a realm. Since: 0.1"""
        return _managed_info(self).backlink_count(self)

    def observe(
        self, callback: Callable[[Any, Any], Any], *, key_paths: Optional[typing.Iterable[str]] = None
    ) -> Any:
        """Call ``callback(object, change)`` after each version in which it changed.

        ``key_paths`` limits that to some properties: names, joined by dots along links, ``*`` for any.

        ``change`` is an ObjectChange: ``is_deleted`` and the names of the changed ``properties``. Callbacks run on the
        realm's thread, inside ``refresh()``, a commit, or the asyncio loop that runs there. Returns a Token;
        ``token.stop()`` ends it.

        Errors: InvalidArgumentError for an object outside a realm, InvalidObjectError, WrongThreadError. Since: 0.1
        """
        return _managed_info(self).observe_object(self, callback, key_paths)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, ObjectBase):
            return NotImplemented
        if self._atoll_handle is None or other._atoll_handle is None:
            return False
        return self._atoll_info.equals(self, other)

    def __hash__(self) -> int:
        """By identity until it is stored, by class and row from then on."""
        return id(self) if self._atoll_handle is None else self._atoll_info.hash(self)

    def __repr__(self) -> str:
        name = type(self).__name__
        if not self.is_valid:
            return f"<{name}: no longer valid>"
        key = type(self)._atoll_key
        if key is not None:
            return f"<{name} {key.name}={getattr(self, key.name)!r}>"
        return f"<{name}>"


class Object(ObjectBase):
    """A stored object that lives on its own and can be queried, linked to and, with a key, synced.

    ::

        class Dog(atoll.Object):
            _id: atoll.ObjectId = atoll.primary_key()
            name: str
            age: int | None = None
            owner: "Person | None"
            tags: list[str]

    Types: bool, int (64 bits), float (a double), Float32, decimal.Decimal (34 digits), str, bytes (up to 16 MB), datetime (with a time zone; stored in UTC),
    uuid.UUID, ObjectId, each ``| None`` too; another Object ``| None`` (a link); an EmbeddedObject ``| None``;
    ``typing.Any`` (a value of any of these, or a list or dict of such values, nested up to 100 deep);
    ``list[...]``, ``set[...]`` (not of embedded objects) and ``dict[str, ...]`` of these. Fields without a default start as null, zero or empty. ``class Dog(atoll.Object, map_to="dogs")`` stores
    the class under another name. Annotate with ``ClassVar`` what is not to be stored. Since: 0.1
    """

    _atoll_kind = int(ClassKind.NORMAL)


class EmbeddedObject(ObjectBase):
    """An object that belongs to exactly one property of one parent and is deleted with it; it has no key. Since: 0.1"""

    _atoll_kind = int(ClassKind.EMBEDDED)


class AsymmetricObject(ObjectBase):
    """An object that is only ever sent: added, uploaded once, then removed from the device.

    It can't be queried, subscribed to, or read once its transaction is committed (InvalidObjectError), and exists in
    realms with flexible sync only. Since: 0.1
    """

    _atoll_kind = int(ClassKind.ASYMMETRIC)


def parent(embedded: EmbeddedObject) -> ObjectBase:
    """The object that holds a stored embedded object.

    Errors: InvalidArgumentError outside a realm, InvalidObjectError, WrongThreadError. Since: 0.1
    """
    return _managed_info(embedded).parent(embedded)


def _managed_info(instance: ObjectBase) -> Any:
    if instance._atoll_handle is None:
        raise errors.new(errors.InvalidArgumentError, f"{instance!r} is in no realm yet: add it first")
    return instance._atoll_info


# ---------- from annotations to properties ----------

_declared: "weakref.WeakValueDictionary[tuple[str, str, str], type]" = weakref.WeakValueDictionary()


def _scope(cls: type) -> str:
    return cls.__qualname__.rpartition(".")[0]


def _declare(cls: Any, map_to: Optional[str]) -> None:
    properties: dict[str, Property] = {}
    for base in reversed(cls.__mro__[1:]):
        for inherited in getattr(base, "__dict__", {}).get("_atoll_properties", {}).values():
            properties[inherited.name] = Property(cls, inherited.name, inherited.annotation, inherited.options)
    for name, annotation in cls.__dict__.get("__annotations__", {}).items():
        if _is_class_variable(annotation) or name.startswith("_atoll_"):
            continue
        default = cls.__dict__.get(name, _MISSING)
        if isinstance(default, Backlinks):
            default.name, default.owner, default.annotation = name, cls, annotation
            cls._atoll_backlinks = (*cls._atoll_backlinks, default)
            continue
        options = default if isinstance(default, FieldOptions) else FieldOptions(default)
        if isinstance(options.default, (list, dict, set)):
            raise errors.new(
                errors.SchemaInvalidError,
                f"{cls.__name__}.{name}: a collection starts empty; for other contents use field(default_factory=...)",
            )
        properties[name] = Property(cls, name, annotation, options)
    for name, declared in properties.items():
        setattr(cls, name, declared)
    keys = [declared for declared in properties.values() if declared.is_primary_key]
    if len(keys) > 1:
        raise errors.new(
            errors.SchemaInvalidError, f"{cls.__name__} has {len(keys)} primary keys; a class has one at most"
        )
    cls._atoll_class_name = map_to or cls.__name__
    cls._atoll_properties = properties
    cls._atoll_key = keys[0] if keys else None
    cls._atoll_is_resolved = False
    _declared[(cls.__module__, _scope(cls), cls.__name__)] = cls


def _is_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.replace("typing.", "").startswith("ClassVar")
    return annotation is ClassVar or typing.get_origin(annotation) is ClassVar


class _Names(dict):
    """The names that an annotation may use beside those of its module: classes declared in the same scope."""

    def __init__(self, cls: type) -> None:
        super().__init__()
        self.cls = cls

    def __missing__(self, name: str) -> Any:
        module, scope = self.cls.__module__, _scope(self.cls)
        found = _declared.get((module, scope, name))
        if found is None:
            raise KeyError(name)
        return found


def resolve(cls: Any) -> None:
    """Turn the annotations of a class into types, once.

    Errors: SchemaInvalidError names the property and what it may be; NotSupportedError for types that come later.
    """
    if cls._atoll_is_resolved:
        return
    for declared in cls._atoll_properties.values():
        _resolve_property(declared)
    cls._atoll_is_resolved = True


def _invalid(declared: Any, message: str) -> Exception:
    return errors.new(errors.SchemaInvalidError, f"{declared.owner.__name__}.{declared.name}: {message}")


def _evaluate(declared: Any, annotation: Any) -> Any:
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if not isinstance(annotation, str):
        return annotation
    module = sys.modules.get(declared.owner.__module__)
    # The class that declared the annotation may be a base in another module.
    for base in declared.owner.__mro__:
        if base.__dict__.get("__annotations__", {}).get(declared.name) == annotation:
            module = sys.modules.get(base.__module__, module)
            break
    try:
        return eval(annotation, dict(vars(module)) if module else {}, _Names(declared.owner))
    except Exception as problem:
        raise _invalid(declared, f"can't read the annotation {annotation!r}: {problem}") from problem


def _split_optional(declared: Property, annotation: Any) -> tuple[Any, bool]:
    annotation = _evaluate(declared, annotation)
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation, False
    choices = [choice for choice in typing.get_args(annotation) if choice is not type(None)]
    if len(choices) != 1:
        raise errors.new(
            errors.NotSupportedError,
            f"{declared.owner.__name__}.{declared.name}: not supported yet: a property of several types",
        )
    return _evaluate(declared, choices[0]), len(choices) < len(typing.get_args(annotation))


def _split_collection(declared: Property, annotation: Any, is_nullable: bool) -> tuple[Any, bool, str]:
    """What a list, set or dict is of, whether that may be None, and which of them it is ("" for none)."""
    origin = typing.get_origin(annotation)
    collection = {list: "list", set: "set", dict: "dict"}.get(annotation if origin is None else origin, "")
    if not collection:
        return annotation, is_nullable, ""
    if is_nullable:
        raise _invalid(declared, f"a {collection} is never None, it is empty: declare it {collection}[...]")
    arguments = typing.get_args(annotation)
    if not arguments:
        example = "dict[str, int]" if collection == "dict" else f"{collection}[str]"
        raise _invalid(declared, f"say of what the {collection} is: {example}")
    if collection == "dict" and _evaluate(declared, arguments[0]) is not str:
        raise _invalid(declared, "the keys of a dict are str: declare it dict[str, ...]")
    return (*_split_optional(declared, arguments[-1]), collection)


def _resolve_property(declared: Property) -> None:
    annotation, is_nullable = _split_optional(declared, declared.annotation)
    annotation, is_nullable, collection = _split_collection(declared, annotation, is_nullable)
    if annotation is Any:
        if declared.is_primary_key:
            raise _invalid(declared, "a primary key is an int, str, uuid.UUID or ObjectId")
        declared.type = kinds.MIXED
        declared.is_nullable = True
        declared.is_list, declared.is_set, declared.is_dictionary = (collection == c for c in ("list", "set", "dict"))
        return
    if not isinstance(annotation, type):
        name = getattr(typing.get_origin(annotation), "__name__", str(annotation))
        raise errors.new(
            errors.NotSupportedError, f"{declared.owner.__name__}.{declared.name}: not supported yet: {name}"
        )
    kind, target = _kind_of(declared, annotation)
    if target is not None and collection in ("list", "set") and is_nullable:
        raise _invalid(declared, f"a {collection} of objects holds no None: declare it {collection}[{target.__name__}]")
    if kind == kinds.EMBEDDED and collection == "set":
        raise _invalid(declared, "embedded objects have no identity that a set could go by: declare a list")
    if target is not None and collection == "":
        if not is_nullable:
            raise _invalid(declared, f"a link may always be None: declare it `{target.__name__} | None`")
    if declared.is_primary_key and (collection or kind not in _KEY_TYPES):
        raise _invalid(declared, "a primary key is an int, str, uuid.UUID or ObjectId")
    declared.type = kind
    declared.is_nullable = is_nullable
    declared.is_list = collection == "list"
    declared.is_set = collection == "set"
    declared.is_dictionary = collection == "dict"
    declared.target = target


def _kind_of(declared: Property, annotation: type) -> tuple[int, Optional[type]]:
    if annotation in SCALARS:
        return SCALARS[annotation], None
    if issubclass(annotation, AsymmetricObject):
        raise _invalid(declared, f"no class may hold the asymmetric class {annotation.__name__}")
    if issubclass(annotation, EmbeddedObject):
        return kinds.EMBEDDED, annotation
    if issubclass(annotation, Object):
        return kinds.LINK, annotation
    raise errors.new(
        errors.NotSupportedError,
        f"{declared.owner.__name__}.{declared.name}: not supported yet: {annotation.__name__}; a property is a bool, "
        "int, float, Float32, Decimal, str, bytes, datetime, uuid.UUID, ObjectId, Any, an object, or a list, set or dict "
        "of these",
    )


def closure(classes: typing.Iterable[type]) -> list[type]:
    """The classes and all that they link to or embed, each once, in a stable order.

    Errors: SchemaInvalidError for something that is no object class and for two classes of one name.
    """
    found: list[Any] = []
    waiting = list(classes)
    while waiting:
        cls: Any = waiting.pop(0)
        if not (isinstance(cls, type) and issubclass(cls, ObjectBase) and cls._atoll_class_name):
            raise errors.new(errors.SchemaInvalidError, f"{cls!r} is no class derived from atoll.Object")
        if cls in found:
            continue
        for other in found:
            if other._atoll_class_name == cls._atoll_class_name:
                raise errors.new(
                    errors.SchemaInvalidError, f"two classes are stored as {cls._atoll_class_name!r}: {other}, {cls}"
                )
        resolve(cls)
        found.append(cls)
        waiting.extend(
            declared.target for declared in cls._atoll_properties.values() if declared.target is not None
        )
        waiting.extend(links.resolve() for links in cls._atoll_backlinks)
    return found
