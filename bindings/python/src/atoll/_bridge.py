"""The only module that calls the native library: handles, and values on their way in and out.

Everything else in this package goes through ``native`` as it is exported here. Invariant: a native handle is owned by
exactly one Handle, which frees it once.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any, Callable, Iterable, Optional

from . import _kinds as kinds
from . import errors, schema
from ._core import native
from .object_id import ObjectId

native.set_error_factory(errors.from_status)

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_SECOND = datetime.timedelta(seconds=1)


class Handle:
    """Owns one native handle; any thread may drop it.

    ``pointer`` is a plain number: keep the Handle in a variable or an attribute for as long as the number is in use.
    """

    __slots__ = ("pointer", "_free", "__weakref__")

    def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
        self.pointer = pointer
        self._free = free

    def close(self) -> None:
        pointer, self.pointer = self.pointer, 0
        if pointer:
            self._free(pointer)

    def __del__(self) -> None:
        pointer = getattr(self, "pointer", 0)
        if pointer:
            self._free(pointer)


def object_handle(pointer: int) -> Handle:
    return Handle(pointer, native.atoll_object_free)


def to_timestamp(value: datetime.datetime) -> tuple[int, int]:
    """Seconds since 1970 in UTC and the nanoseconds that follow them; exact."""
    seconds, rest = divmod(value - _EPOCH, _SECOND)
    return seconds, rest.microseconds * 1000


def from_timestamp(value: tuple[int, int]) -> datetime.datetime:
    """A UTC datetime; what is finer than a microsecond is cut off."""
    seconds, nanoseconds = value
    try:
        return _EPOCH + datetime.timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
    except OverflowError:
        raise errors.new(
            errors.OutOfRangeError, f"the stored moment, {seconds} s since 1970, is outside Python's years 1 to 9999"
        ) from None


class Values:
    """A list of values for one call: keys, query arguments, elements. Use as a context manager."""

    __slots__ = ("pointer",)

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self.pointer = native.atoll_values_new()
        try:
            for item in items:
                add_value(self.pointer, item)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        pointer, self.pointer = self.pointer, 0
        native.atoll_values_free(pointer)

    def __enter__(self) -> int:
        return self.pointer

    def __exit__(self, *_: object) -> None:
        self.close()


def add_value(pointer: int, value: Any) -> None:
    """Append a Python value; what it becomes follows from its Python type."""
    if value is None:
        native.atoll_values_add_null(pointer)
    elif isinstance(value, bool):
        native.atoll_values_add_bool(pointer, value)
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise errors.new(errors.OutOfRangeError, f"an int takes 64 bits; got {value}")
        native.atoll_values_add_int(pointer, value)
    elif isinstance(value, decimal.Decimal):
        native.atoll_values_add_decimal128_text(pointer, str(value))
    elif isinstance(value, schema.Float32):
        native.atoll_values_add_float(pointer, value)
    elif isinstance(value, float):
        native.atoll_values_add_double(pointer, value)
    elif isinstance(value, str):
        native.atoll_values_add_string(pointer, value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        native.atoll_values_add_binary(pointer, bytes(value))
    elif isinstance(value, datetime.datetime):
        schema.check_aware(value)
        native.atoll_values_add_timestamp(pointer, to_timestamp(value))
    elif isinstance(value, uuid.UUID):
        native.atoll_values_add_uuid(pointer, value.bytes)
    elif isinstance(value, ObjectId):
        native.atoll_values_add_object_id(pointer, value.binary)
    elif isinstance(value, schema.ObjectBase):
        if value._atoll_handle is None:
            raise errors.new(errors.InvalidArgumentError, f"{value!r} is in no realm: add it first")
        native.atoll_values_add_object(pointer, value._atoll_handle.pointer)
    elif isinstance(value, (list, tuple, set, frozenset)):
        with Values(value) as inner:
            native.atoll_values_add_list(pointer, inner)
    else:
        raise errors.new(errors.TypeMismatchError, f"a value can't be a {type(value).__name__}")


def get_value(pointer: int, index: int, wrap: Optional[Callable[[int], Any]] = None) -> Any:
    """The value at an index; ``wrap`` makes a Python object of an object handle."""
    kind = native.atoll_values_type(pointer, index)
    if kind == kinds.NULL:
        return None
    if kind == kinds.BOOL:
        return native.atoll_values_get_bool(pointer, index)
    if kind == kinds.INT:
        return native.atoll_values_get_int(pointer, index)
    if kind == kinds.DOUBLE:
        return native.atoll_values_get_double(pointer, index)
    if kind == kinds.FLOAT:
        return native.atoll_values_get_float(pointer, index)
    if kind == kinds.DECIMAL128:
        return decimal.Decimal(native.atoll_values_get_decimal128_text(pointer, index))
    if kind == kinds.STRING:
        return native.atoll_values_get_string(pointer, index)
    if kind == kinds.BINARY:
        return native.atoll_values_get_binary(pointer, index)
    if kind == kinds.TIMESTAMP:
        return from_timestamp(native.atoll_values_get_timestamp(pointer, index))
    if kind == kinds.UUID:
        return uuid.UUID(bytes=native.atoll_values_get_uuid(pointer, index))
    if kind == kinds.OBJECT_ID:
        return ObjectId(native.atoll_values_get_object_id(pointer, index))
    if wrap is not None and kind in (kinds.LINK, kinds.EMBEDDED):
        handle = native.atoll_values_get_object(pointer, index)
        return wrap(handle) if handle else None
    raise errors.new(errors.TypeMismatchError, f"can't read a value of type {kind} here")


def take_value(pointer: int, wrap: Optional[Callable[[int], Any]] = None) -> Any:
    """The first of owned values, which are freed."""
    try:
        return get_value(pointer, 0, wrap)
    finally:
        native.atoll_values_free(pointer)
