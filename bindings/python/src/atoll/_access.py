"""How attributes of stored objects are read and written.

One ClassInfo exists per realm and class: it holds the keys that the core gave to the class and its properties in that
realm. Invariant: whatever reaches a setter here was checked by the property, so the core sees only its own types.
"""

from __future__ import annotations

import decimal
import uuid
from typing import TYPE_CHECKING, Any, Callable, Iterable, Optional

from . import _kinds as kinds
from . import errors
from ._bridge import Handle, Values, add_value, from_timestamp, native, object_handle, take_value, to_timestamp
from ._constants import EventType
from .object_id import ObjectId
from .schema import ObjectBase, Property

if TYPE_CHECKING:
    from .realm import Realm


def _get_timestamp(handle: int, key: int) -> Any:
    return from_timestamp(native.atoll_object_get_timestamp(handle, key))


def _get_uuid(handle: int, key: int) -> Any:
    value = native.atoll_object_get_uuid(handle, key)
    return None if value is None else uuid.UUID(bytes=value)


def _get_object_id(handle: int, key: int) -> Any:
    value = native.atoll_object_get_object_id(handle, key)
    return None if value is None else ObjectId(value)


def _get_decimal(handle: int, key: int) -> Any:
    value = native.atoll_object_get_decimal128_text(handle, key)
    return None if value is None else decimal.Decimal(value)


_GETTERS: dict[int, Callable[[int, int], Any]] = {
    kinds.BOOL: native.atoll_object_get_bool,
    kinds.INT: native.atoll_object_get_int,
    kinds.DOUBLE: native.atoll_object_get_double,
    kinds.FLOAT: native.atoll_object_get_float,
    kinds.DECIMAL128: _get_decimal,
    kinds.STRING: native.atoll_object_get_string,
    kinds.BINARY: native.atoll_object_get_binary,
    kinds.TIMESTAMP: _get_timestamp,
    kinds.UUID: _get_uuid,
    kinds.OBJECT_ID: _get_object_id,
}
_SETTERS: dict[int, Callable[[int, int, Any], Any]] = {
    kinds.BOOL: native.atoll_object_set_bool,
    kinds.INT: native.atoll_object_set_int,
    kinds.DOUBLE: native.atoll_object_set_double,
    kinds.FLOAT: native.atoll_object_set_float,
    kinds.DECIMAL128: lambda handle, key, value: native.atoll_object_set_decimal128_text(handle, key, str(value)),
    kinds.STRING: native.atoll_object_set_string,
    kinds.BINARY: native.atoll_object_set_binary,
    kinds.TIMESTAMP: lambda handle, key, value: native.atoll_object_set_timestamp(
        handle, key, to_timestamp(value)
    ),
    kinds.UUID: lambda handle, key, value: native.atoll_object_set_uuid(handle, key, value.bytes),
    kinds.OBJECT_ID: lambda handle, key, value: native.atoll_object_set_object_id(handle, key, value.binary),
}
# Types whose null is told by a call of its own; the others come back as None.
_ASK_FOR_NULL = {kinds.BOOL, kinds.INT, kinds.DOUBLE, kinds.FLOAT, kinds.TIMESTAMP}


class ClassInfo(native.InfoCore):
    """A class in one realm."""

    __slots__ = ("realm", "cls", "key", "keys", "names", "plain", "__weakref__")

    def __init__(self, realm: "Realm", cls: Any) -> None:
        self.realm = realm
        self.cls = cls
        pointer = realm._pointer()
        self.key: int = native.atoll_realm_class(pointer, cls._atoll_class_name)
        self.keys: dict[str, int] = {}
        for name, declared in cls._atoll_properties.items():
            self.keys[name] = native.atoll_realm_property(pointer, self.key, declared.stored_name)
        self.names: dict[int, str] = {key: name for name, key in self.keys.items()}
        # What is read by one call: the short way of Property._read.
        self.plain: dict[str, tuple[Callable[[int, int], Any], int]] = {
            name: (_GETTERS[declared.type], self.keys[name])
            for name, declared in cls._atoll_properties.items()
            if declared.type in _GETTERS
            and not declared.is_collection
            and not (declared.is_nullable and declared.type in _ASK_FOR_NULL)
        }

    # ---------- objects ----------

    def wrap(self, pointer: int) -> Any:
        """A live object for a new object handle."""
        instance = self.cls.__new__(self.cls)
        instance._atoll_handle = object_handle(pointer)
        instance._atoll_info = self
        return instance

    def adopt(self, instance: ObjectBase, pointer: int) -> None:
        """Make an unmanaged instance the live object of a handle."""
        instance._atoll_handle = object_handle(pointer)
        instance._atoll_info = self
        instance._atoll_values = {}
        instance._atoll_defaulted = set()

    def is_valid(self, instance: ObjectBase) -> bool:
        return native.atoll_object_is_valid(instance._atoll_handle.pointer)

    def equals(self, instance: ObjectBase, other: ObjectBase) -> bool:
        return native.atoll_object_equals(instance._atoll_handle.pointer, other._atoll_handle.pointer)

    def hash(self, instance: ObjectBase) -> int:
        return hash((self.key, native.atoll_object_row(instance._atoll_handle.pointer)))

    def parent(self, instance: ObjectBase) -> ObjectBase:
        return self.realm._wrap(native.atoll_object_parent(instance._atoll_handle.pointer))

    def observe_object(
        self, instance: ObjectBase, callback: Callable[[Any, Any], Any], key_paths: Optional[Iterable[str]]
    ) -> Any:
        from .live import key_path_values

        handle: Handle = instance._atoll_handle
        paths = key_path_values(self.cls, key_paths)
        try:
            return self.realm._observe(
                EventType.OBJECT_CHANGED,
                lambda queue: native.atoll_object_observe_key_paths(
                    handle.pointer, None if paths is None else paths.pointer, queue
                ),
                lambda event: (instance, event.object_change(self.names)),
                callback,
            )
        finally:
            if paths is not None:
                paths.close()

    def backlinks(self, instance: ObjectBase, origin: Any, name: str) -> Any:
        from .sequences import Results

        info = self.realm._info(origin)
        key = self.realm._property(info, name)
        return Results(
            self.realm, info, native.atoll_object_backlinks(instance._atoll_handle.pointer, info.key, key)
        )

    def backlink_count(self, instance: ObjectBase) -> int:
        return native.atoll_object_backlink_count(instance._atoll_handle.pointer)

    # ---------- attributes ----------

    def read(self, instance: ObjectBase, declared: Property) -> Any:
        handle = instance._atoll_handle.pointer
        key = self.keys[declared.name]
        if declared.is_collection:
            return self._collection(instance, declared, handle, key)
        getter = _GETTERS.get(declared.type)
        if getter is not None:
            if declared.is_nullable and declared.type in _ASK_FOR_NULL:
                if native.atoll_object_is_null(handle, key):
                    return None
            return getter(handle, key)
        if declared.type == kinds.MIXED:
            return read_mixed(MixedPlace(native, "atoll_object", handle, key), self.realm, instance, declared)
        pointer = native.atoll_object_get_object(handle, key)
        return self.realm._wrap(pointer) if pointer else None

    def _collection(self, instance: ObjectBase, declared: Property, handle: int, key: int) -> Any:
        from .containers import Dictionary, Set
        from .sequences import List

        if declared.is_list:
            return List(self.realm, declared, native.atoll_object_get_list(handle, key), instance)
        if declared.is_set:
            return Set(self.realm, declared, native.atoll_object_get_set(handle, key), instance)
        return Dictionary(self.realm, declared, native.atoll_object_get_dictionary(handle, key), instance)

    def write(self, instance: ObjectBase, declared: Property, value: Any, update: bool = False) -> None:
        handle = instance._atoll_handle.pointer
        key = self.keys[declared.name]
        if declared.is_collection:
            values = declared.check(value)
            target = self.read(instance, declared)
            target._replace(values, update)
            return
        value = declared.check_one(value)
        if declared.type == kinds.MIXED:
            write_mixed(MixedPlace(native, "atoll_object", handle, key), self.realm, instance, declared, value, update)
        elif value is None:
            native.atoll_object_set_null(handle, key)
        elif declared.type == kinds.LINK:
            self.realm._ensure_stored(value, update)
            native.atoll_object_set_object(handle, key, value._atoll_handle.pointer)
        elif declared.type == kinds.EMBEDDED:
            self.realm._check_unowned(value)
            self.realm._fill_embedded(value, native.atoll_object_create_embedded(handle, key), update)
        else:
            _SETTERS[declared.type](handle, key, value)

    def increment(self, instance: ObjectBase, name: str, by: int) -> None:
        native.atoll_object_increment(instance._atoll_handle.pointer, self.realm._property(self, name), by)

    def fill(self, instance: ObjectBase, values: Iterable[tuple[Property, Any]], update: bool = False) -> None:
        """Write several properties; the key was written by the creation."""
        for declared, value in values:
            if not declared.is_primary_key:
                self.write(instance, declared, value, update)

    def key_values(self, key: Any) -> Optional[Values]:
        """The primary key as a value of the core, or None for a class without one."""
        declared = self.cls._atoll_key
        if declared is None:
            return None
        return element(declared, key)


class MixedPlace:
    """A place that holds a value of any type: a property, or an element of a list or dictionary."""

    __slots__ = ("get_value", "set_value", "get_list", "get_dictionary")

    def __init__(self, library: Any, kind: str, handle: int, key: Any, put: str = "set_value") -> None:
        def bound(name: str) -> Callable[..., Any]:
            function = getattr(library, f"{kind}_{name}")
            return lambda *arguments: function(handle, key, *arguments)

        self.get_value = bound("get_value")
        self.set_value = bound(put)
        self.get_list = bound("get_list")
        self.get_dictionary = bound("get_dictionary")


def mixed_element(of: Property) -> Property:
    """What the elements of a collection inside of a mixed value are declared as."""
    declared = Property(of.owner, of.name, Any, of.options)
    declared.type = kinds.MIXED
    declared.is_nullable = True
    return declared


def read_mixed(place: MixedPlace, realm: "Realm", owner: ObjectBase, declared: Property) -> Any:
    """A value, an object, or the live List or Dictionary that the place holds."""
    values = place.get_value()
    if not values:
        return None
    kind = native.atoll_values_type(values, 0)
    if kind not in (kinds.LIST, kinds.DICTIONARY):
        return take_value(values, realm._wrap)
    native.atoll_values_free(values)
    from .containers import Dictionary
    from .sequences import List

    inner = mixed_element(declared)
    if kind == kinds.LIST:
        return List(realm, inner, place.get_list(), owner)
    return Dictionary(realm, inner, place.get_dictionary(), owner)


def write_mixed(
    place: MixedPlace, realm: "Realm", owner: ObjectBase, declared: Property, value: Any, update: bool
) -> None:
    """Set a value that was checked; a list or dict is made empty, then filled."""
    if isinstance(value, ObjectBase):
        realm._ensure_stored(value, update)
    values = Values()
    try:
        if isinstance(value, list):
            with Values() as nothing:
                native.atoll_values_add_list(values.pointer, nothing)
        elif isinstance(value, dict):
            native.atoll_values_add_dictionary(values.pointer)
        else:
            add_value(values.pointer, value)
        place.set_value(values.pointer)
    finally:
        values.close()
    if isinstance(value, (list, dict)) and value:
        read_mixed(place, realm, owner, declared)._replace(value, update)


def element(declared: Property, value: Any) -> Values:
    """One value of a property's type, to be closed by the caller."""
    values = Values()
    try:
        add_value(values.pointer, declared.check_one(value))
    except BaseException:
        values.close()
        raise
    return values


def require_key(cls: Any) -> Property:
    declared = cls._atoll_key
    if declared is None:
        raise errors.new(errors.NoPrimaryKeyError, f"{cls.__name__} has no primary key to look for")
    return declared
